"""Values: frozen, compared by value, read from JSON, shown as Python that makes them again."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from escalation_rules import Case, Decision, EscalationLevel, Item, Pick, Rule, Span, Target, decide, settle
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules._values import FrozenDict, show
from escalation_rules.conditions import Atom
from escalation_rules.errors import EscalationRulesError
from tests.bench import desk, levels, opened, when


def test_attributes_are_frozen_to_the_bottom():
    """Lists become tuples and objects frozen mappings, so that nothing in a case can be changed from outside."""
    tags = ["a", {"b": [1, 2]}]
    case = Case.open("C-1", at=when("mon 09:00"), attributes={"tags": tags})
    tags.append("c")
    assert case.attributes["tags"] == ("a", FrozenDict({"b": (1, 2)}))
    assert Case.model_validate_json(case.model_dump_json()) == case


def test_an_instant_outside_the_years_that_there_are_is_refused():
    """Year 1 in a zone ahead of UTC would be before time."""
    with pytest.raises(EscalationRulesError, match=r"instant out of range .*, expected the years 1 to 9999 in UTC"):
        E.Resolved(at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))))


def test_repr_makes_amounts_again():
    """Decimal amounts and tuples of one are shown as what makes them."""
    span = Span("1.5", "business hours")
    assert eval(repr(span), {"Span": Span}) == span
    assert show((Decimal("1.5"),)) == "('1.5',)"


def test_a_decision_equals_itself_and_what_was_read_back_and_nothing_else():
    """Also when the other side has not been looked at yet; and a decision is no case."""
    decide_again = [decide(desk(), opened(), at=when("mon 10:00")) for _ in range(2)]
    assert decide_again[0] == decide_again[1]
    assert decide_again[0] == Decision.model_validate_json(decide_again[1].model_dump_json())
    assert decide_again[0] != opened()
    assert hash(decide_again[0]) == hash(decide_again[1])


def test_a_checklist_may_be_given_as_one_item():
    """What stands alone need not be wrapped."""
    level = EscalationLevel(key="l2", entry=Item("impact", "How bad is it?"))
    assert level.entry.keys == ("impact",)


def test_a_level_is_called_by_its_title_or_else_its_key():
    """Titles are for people."""
    assert EscalationLevel(key="l2").name == "l2"
    assert EscalationLevel(key="l2", title="Second line").name == "Second line"


def test_a_policy_knows_the_track_of_a_level():
    """Level keys are unique in a policy."""
    policy = desk()
    assert policy.track_of("l2") == policy.all_tracks[0]
    with pytest.raises(EscalationRulesError, match="unknown level `l9`"):
        policy.track_of("l9")


def test_every_action_says_whose_roles_it_names():
    """An unknown role is found in each, by its path."""
    closed = ("csm",)
    asking = levels(l2={"owner": "csm", "on_entry": (A.Ask(of="cms", item="impact"),)})
    with pytest.raises(
        EscalationRulesError, match=r"levels\[l2\]\.on_entry\[0\]\.of: unknown role `cms`.* did you mean `csm`"
    ):
        desk(roles=closed, levels=asking)


def test_what_stands_in_a_repr_can_be_pasted():
    """Durations, amounts and mappings are shown as what makes them again; a label is a fact like any other."""
    assert show({"a": timedelta(hours=25)}) == "{'a': 'P1DT3600S'}"
    assert show(Decimal("1.50")) == "'1.50'"
    assert repr(F.label("group")) == "F.label('group')"


def test_a_fact_that_takes_no_argument_is_given_none():
    """Read from data, where no handle stands in the way."""
    odd = Atom.model_validate({"fact": "replies", "op": ">=", "value": 1, "of": "x"})
    with pytest.raises(EscalationRulesError, match="`replies` asked about `x`, expected no argument"):
        desk(Rule(name="r", when=odd, to="l2"))


def test_a_pick_by_a_value_that_the_fact_has_not_is_refused():
    """With the values that it has."""
    span = Pick(by="size", values={"smal": "1 hour"}, otherwise="2 hours")
    with pytest.raises(EscalationRulesError, match=r"unknown value of `size` `smal`.*did you mean `small`"):
        desk(targets=Target.resolution(span), facts=F.choice("size", ("small", "large")))


def test_more_values_than_are_remembered_are_worked_out_again(monkeypatch):
    """What a comparison holds for is kept for so many values, and right for all."""
    for module in ("bits", "moves", "clocks", "happening"):
        monkeypatch.setattr(f"escalation_rules.engine.{module}.REMEMBERED", 0)
    policy = desk(Rule(name="many", when=F.count("seats") >= 5, to="l2"), facts=F.count("seats", 0, 9))
    levels = [decide(policy, opened(facts={"seats": n}), at=when("mon 10:00")).levels["main"] for n in (4, 5, 4)]
    assert levels == ["l1", "l2", "l1"]


def test_a_snapshot_that_agrees_with_what_is_known_changes_nothing():
    """A priority that was changed before, and somebody who was assigned before."""
    case = opened(E.PriorityChanged(at=when("mon 10:00"), to="high"), E.Assigned(at=when("mon 10:00"), person="ann"))
    seen = case.record(E.Observed(at=when("mon 11:00"), priority="high", assigned={"assignee": "ann"}))
    assert seen.priority(when("mon 12:00")) == "high"
    assert decide(desk(Rule(name="sent", when=F.assignments >= 2, to="l2")), seen, at=when("mon 12:00")).move is None


def test_a_pending_move_whose_reason_ends_with_time_wakes_the_host():
    """It stays asked for, and says from then on that its reason is gone."""
    rule = Rule(name="early", when=F.escalation_requested & (F.open_for < "5 hours"), to="l2")
    case = opened(E.EscalationRequested(at=when("mon 10:00")))
    decision = decide(desk(rule), case, at=when("mon 11:00"))
    assert (decision.move.still_holds, decision.wake_at) == (True, when("mon 14:00"))
    assert not decide(desk(rule), case, at=when("mon 14:00")).move.still_holds


def test_an_accepted_assignment_is_not_made_twice_and_a_declined_one_not_at_all():
    """The record takes effect where the rule asks for it."""
    policy = desk(Rule(name="late", when=F.open_for >= "2 hours", then=A.Assign("csm")))
    case = settle(policy, opened(), at=when("mon 12:00")).case
    assert case.assigned(when("mon 12:00")) == {"assignee": "csm"}
    assert decide(policy, case, at=when("mon 13:00")).actions == ()
    [asked] = decide(policy, opened(), at=when("mon 12:00")).actions
    declined = opened(E.MoveDeclined(at=when("mon 12:00"), key=asked.key))
    assert decide(policy, declined, at=when("mon 13:00")).actions == ()
