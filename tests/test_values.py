"""Values: frozen, compared by value, read from JSON, shown as Python that makes them again."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from escalation_rules import Case, Decision, EscalationLevel, Item, Span, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules._values import FrozenDict, show
from escalation_rules.errors import EscalationRulesError
from tests.desk import desk, levels, opened, when


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
