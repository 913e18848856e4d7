"""Values: frozen, compared by value, read from JSON, shown as Python that makes them again."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

import escalation_rules
from escalation_rules import (
    Case,
    Checklist,
    Decision,
    EscalationLevel,
    Item,
    Pick,
    Policy,
    Rota,
    Rule,
    Span,
    Target,
    decide,
    presets,
    worktime,
)
from escalation_rules import actions as A
from escalation_rules import decision as parts
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules._values import FrozenDict, show
from escalation_rules.conditions import Atom
from escalation_rules.errors import EscalationRulesError
from tests.bench import OFFICE, after, desk, levels, opened, when


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
    asking = levels(l2={"owner": "csm", "on_entry": (A.Ask(role="cms", item="impact"),)})
    with pytest.raises(
        EscalationRulesError, match=r"levels\[l2\]\.on_entry\[0\]\.role: unknown role `cms`.* did you mean `csm`"
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
        desk(Rule(key="r", when=odd, to="l2"))


def test_a_pick_by_a_value_that_the_fact_has_not_is_refused():
    """With the values that it has."""
    span = Pick(by="size", values={"smal": "1 hour"}, otherwise="2 hours")
    with pytest.raises(EscalationRulesError, match=r"unknown value of `size` `smal`.*did you mean `small`"):
        desk(targets=Target.resolution(span), facts=F.choice("size", ("small", "large")))


def test_more_values_than_are_remembered_are_worked_out_again(monkeypatch):
    """A machine keeps the bits of only so many values, and is right for all."""
    for name in ("machine.REMEMBERED", "rules.REMEMBERED", "clocks.REMEMBERED_TERMS"):
        monkeypatch.setattr(f"escalation_rules.engine.{name}", 0)
    policy = desk(Rule(key="many", when=F.count("seats") >= 5, to="l2"), facts=F.count("seats", minimum=0, maximum=9))
    levels = [
        decide(policy, opened(facts={"seats": n}), at=when("mon 10:00")).positions["main"].level for n in (4, 5, 4)
    ]
    assert levels == ["l1", "l2", "l1"]


def test_a_snapshot_that_agrees_with_what_is_known_changes_nothing():
    """A priority that was changed before, and somebody who was assigned before."""
    case = opened(E.PriorityChanged(at=when("mon 10:00"), to="high"), E.Assigned(at=when("mon 10:00"), person="ann"))
    seen = case.record(E.Reconciled(at=when("mon 11:00"), priority="high", assigned={"assignee": "ann"}))
    assert seen.priority(at=when("mon 12:00")) == "high"
    assert decide(desk(Rule(key="sent", when=F.assignments >= 2, to="l2")), seen, at=when("mon 12:00")).move is None


NAMES = {**vars(escalation_rules), **vars(worktime), **vars(parts), "E": E, "F": F, "A": A}
CONDITIONS = [
    F.open_for >= "1 hour",
    F.flag("x") & ~F.level_failed,
    F.choice("s", ("a", "b")) == "a",
    F.used("r") >= 0.75,
    F.open_for.on("o") >= "1 day",
    F.happened(E.ANY_REQUEST) | (F.at_level_for("t") >= "1 business day"),
    F.outcome("r") != "met",
    F.unanswered_for >= Pick(by="priority", values={"high": "1 hour"}, otherwise="2 hours"),
]
EVENTS = [
    E.Opened(at=after(0), priority="x", facts={"a": [1, 2]}),
    E.PlanRevised(
        at=after(0),
        plan=E.ActionPlan(items=(E.PlanItem(what="w", owner="o", due_at=after(3)),), backup="b", shared=True),
    ),
    E.CommunicationAgreed(
        at=after(0), plan=E.CommunicationPlan(mode="phone", every="4 business hours", attendees=("a", "b"))
    ),
    E.Escalated(at=after(0), to="l2", track="t", rules=("a",), key="k", recorded_at=after(1)),
    E.Reconciled(at=after(0), assigned={"a": None}),
    E.PostMortemHeld(at=after(0), service_issue=False, lessons=("x",)),
]
PRESETS = [getattr(presets, name) for name in presets.__all__]


def same(value):
    """By all three ways, and hashable."""
    assert eval(repr(value), dict(NAMES)) == value
    assert type(value).model_validate_json(value.model_dump_json()) == value
    assert pickle.loads(pickle.dumps(value)) == value
    assert isinstance(hash(value), int)


@pytest.mark.parametrize("when", CONDITIONS)
def test_a_rule_is_itself_again(when):
    """With every kind of condition."""
    same(Rule(key="r", when=when, to="l2", then=(A.Tag(text="x"), A.Notify(roles=("q",)))))


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_itself_again(event):
    """Also by `E.parse` of what was stored."""
    same(event)
    assert E.parse(event.model_dump(mode="json")) == E.parse(event.model_dump()) == event


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_itself_again(preset):
    """And keeps its fingerprint."""
    same(preset())
    assert Policy.model_validate_json(preset().model_dump_json()).fingerprint == preset().fingerprint


def test_a_decision_is_itself_again():
    """With moves, held moves, actions, deadlines and exits in it."""
    policy = desk(
        Rule(key="r", when=F.open_for >= "1 hour", to="l2", then=A.Tag(text="x")),
        Rule(key="q", when=F.open_for >= "1 hour", to="l3"),
        levels=("l1", EscalationLevel(key="l2", owner="csm"), EscalationLevel(key="l3", entry=Checklist.of(z="Z?"))),
        targets=(Target.resolution(within="8 business hours"),),
        calendars={"office": OFFICE},
    )
    same(decide(policy, opened(E.WaitStarted(at=after(1))), at=after(2)))


def test_the_answer_is_all_of_it_but_at():
    """Two looks at one answer."""
    policy = desk(targets=(Target.resolution(within="8 hours"),))
    one, two = (decide(policy, opened(), at=after(hour)) for hour in (1, 2))
    assert one.answer == two.answer
    assert one != two


def test_the_fingerprint_is_over_the_policy_without_rotas():
    """64 hex digits; another version is another policy."""
    plain = desk(levels=(EscalationLevel(key="l1", owner="csm"),))
    with_people = desk(levels=plain.levels, rotas={"csm": Rota(person="carol")})
    assert plain.fingerprint == with_people.fingerprint
    assert len(plain.fingerprint) == 64
    assert int(plain.fingerprint, 16)
    assert desk(levels=plain.levels, version="2").fingerprint != plain.fingerprint


def test_nothing_that_was_given_can_be_changed_later():
    """Lists and mappings are copied, values frozen."""
    levels, facts = [EscalationLevel(key="a")], {"list": [1]}
    policy, case = Policy(name="p", version="1", levels=levels), Case.open("C", at=after(0), facts=facts)
    levels.append(EscalationLevel(key="b"))
    facts["list"].append(2)
    assert (len(policy.levels), case.history[0].facts) == (1, {"list": (1,)})
    for change in (
        lambda: policy.calendars.update({}),
        lambda: setattr(policy, "name", "q"),
        lambda: delattr(case, "id"),
    ):
        with pytest.raises((TypeError, ValueError)):
            change()


def test_a_changed_copy_decides_as_it_says():
    """Nothing compiled for the first is kept for the second."""
    policy = desk(Rule(key="r", when=F.open_for >= "1 hour", to="l2"))
    assert decide(policy, opened(), at=after(2)).move
    emptied = policy.model_copy(update={"rules": ()})
    assert decide(emptied, opened(), at=after(2)).move is None
    assert emptied.fingerprint != policy.fingerprint


def test_a_span_may_be_a_string_or_a_timedelta_anywhere():
    """In a level, a target, a condition, a calendar."""
    one = EscalationLevel(key="a", escalate_after=timedelta(hours=1), min_stay="1 hour")
    assert one.escalate_after == one.min_stay == Target.resolution(within=timedelta(hours=1)).within
    assert OFFICE.add(after(0), timedelta(hours=1)) == OFFICE.add(after(0), "1 business hour")


def test_the_schema_of_everything_a_service_speaks():
    """For a body, and for an answer."""
    for kind in (Case, Policy, Decision):
        assert kind.model_json_schema(mode="validation")["properties"]
        assert kind.model_json_schema(mode="serialization")["properties"]


def test_every_name_at_the_root_says_what_it_is():
    """A docstring each."""
    assert [
        name for name in escalation_rules.__all__ if not (getattr(escalation_rules, name).__doc__ or "").strip()
    ] == []
