"""Conditions are data with the laws of logic, as far as unknown facts allow."""

from __future__ import annotations

import pickle

import pytest
from pydantic import TypeAdapter

from escalation_rules import Pick
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.conditions import AllOf, AnyOf, Condition, normal
from escalation_rules.errors import InvalidValue
from escalation_rules.explain import phrase

ADAPTER = TypeAdapter(Condition)
HANDLES = [
    F.open_for,
    F.open_for.on("desk"),
    F.at_level_for("vendor").on(Pick(by="size", values={"small": "desk"}, otherwise="always")),
    F.moves("vendor"),
    F.outcome("reply"),
    F.overdue_for("reply").on("desk"),
    F.happened(E.Resolved.like(by=None)),
    F.happened((E.Resolved.like(), E.CallHeld.like(kind=("square", "recovery")))),
    F.flag("down"),
    F.flag("level"),
    F.label("group"),
    F.count("seats"),
    F.count("seats", minimum=0, maximum=100),
    F.count("seats", minimum=None, maximum=100),
    F.choice("size"),
    F.choice("size", ["small"]),
]


@pytest.mark.parametrize("handle", HANDLES, ids=repr)
def test_a_handle_is_shown_as_what_makes_it(handle):
    """With its calendar, and with the domain of a policy's own fact; and it survives pickling."""
    again = eval(repr(handle), {"F": F, "E": E, "Pick": Pick})
    assert vars(again) == vars(handle)
    assert vars(pickle.loads(pickle.dumps(handle))) == vars(handle)


def test_a_handle_cannot_be_changed():
    """The handles of the library are shared by everybody who imports them."""
    for name in ("name", "kind", "calendar", "anything"):
        with pytest.raises(AttributeError):
            setattr(F.open_for, name, "x")
    with pytest.raises(AttributeError):
        del F.open_for.name
    with pytest.raises(TypeError):
        F.count("seats", minimum=0, maximum=100).domain["high"] = 200
    assert F.open_for.on("desk") is not F.open_for
    assert F.open_for.calendar is None


def test_a_fact_is_declared_without_a_calendar():
    """A calendar counts a duration, and a policy declares none."""
    with pytest.raises(InvalidValue, match="a calendar for a count `desk`, expected a duration"):
        F.count("seats", minimum=0, maximum=100).on("desk").as_declaration()


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (F.priority >= "high", "priority is high or above"),
        (F.priority.in_("low", "high"), "priority is low or high"),
        (~F.priority.in_("low", "high") & F.acknowledged, "not (priority is low or high), and acknowledged"),
        (F.level < "l2", "level is below l2"),
        (F.status != "open", "status is not open"),
        (F.unanswered_for >= "4 business hours", "unanswered for 4 business hours"),
        (F.unanswered_for < "1 hour", "unanswered for less than 1 hour"),
        (F.at_level_for("vendor") >= "1 hour", "at this level for 1 hour (vendor)"),
        (~F.level_failed, "not (could not be resolved at this level)"),
        (normal(~F.level_failed), "nobody says it failed at this level"),
        (F.escalation_requests >= 2, "requests for escalation: 2 or more"),
        (F.moves("vendor") < 2, "moves up on vendor: fewer than 2"),
        (F.outcome("reply") == "breached", "target reply is breached"),
        (F.used("reply") >= 0.75, "75 % of target reply is used up"),
        (F.used("reply") < 0.75, "less than 75 % of target reply is used up"),
        (F.overdue_for("reply") >= "1 hour", "target reply past due for 1 hour"),
        (F.overdue_for("reply") < "1 hour", "target reply past due for less than 1 hour"),
        (F.remaining("reply") < "1 hour", "less than 1 hour left of target reply"),
        (F.remaining("reply") >= "1 hour", "1 hour or more left of target reply"),
        (F.flag("down") | (F.count("seats") > 5), "down is true, or seats is more than 5"),
        (F.flag("down") == False, "down is not true"),
        (F.choice("size") == "small", "size is small"),
        (normal(~F.choice("size").in_("a", "b")), "size is neither a nor b"),
        (
            F.happened(E.EscalationRequested.like(channel="chat")) & F.acknowledged,
            "EscalationRequested (channel 'chat') happened, and acknowledged",
        ),
        (normal(~F.happened(E.Reviewed.like())), "no Reviewed happened"),
        (
            F.open_for >= Pick(by="priority", values={"high": "1 hour"}, otherwise="4 hours"),
            "open for by priority: 1 hour if high, else 4 hours",
        ),
        (
            (F.acknowledged | F.level_failed) & (F.replies >= 1),
            "(acknowledged, or could not be resolved at this level), and replies: 1 or more",
        ),
        (AllOf(of=()), "always"),
        (AnyOf(of=()), "never"),
    ],
)
def test_conditions_in_words(condition, text):
    """What a support manager reads."""
    assert phrase(ADAPTER.validate_python(condition)) == text
