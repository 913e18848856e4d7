"""Random policies are policies, keep every promise, and differ; and faults in a policy break what was asked of it."""

from __future__ import annotations

from typing import Any

import pytest

from escalation_rules import Checklist, EscalationLevel, Pick, Policy, Rule, Target
from escalation_rules import facts as F
from escalation_rules.testing import Broken, invariant, more_urgent_never_slower, policy_suite
from tests.bench import OFFICE


def ours(**changes: Any) -> Policy:
    """A policy that keeps what is asked of it below, with one thing changed."""
    spans = {"high": "4 business hours", "normal": "8 business hours"}
    entry = Checklist.of(impact="Is the impact described?")
    fields: dict[str, Any] = {
        "wait": "4 business hours",
        "to": "manager",
        "condition": F.flag("production_down"),
        "checklist": "waived",
        "spans": Pick(by="priority", values=spans, otherwise="5 business days"),
        "pause_on": ("customer",),
        "asked": F.escalation_request_open,
        "owner": "duty_manager",
        **changes,
    }
    return Policy(
        name="ours",
        version="1",
        calendars={"office": OFFICE},
        calendar="office",
        priorities=("low", "normal", "high"),
        facts=F.flag("production_down"),
        levels=(
            EscalationLevel(key="desk", owner="analyst"),
            EscalationLevel(key="manager", owner=fields["owner"], entry=entry),
        ),
        rules=(
            Rule(key="left alone", when=F.unanswered_for >= fields["wait"], to=fields["to"], checklist="waived"),
            Rule(key="down", when=fields["condition"], to="manager", checklist=fields["checklist"]),
            Rule(key="asked", when=fields["asked"], to="manager", checklist="waived"),
        ),
        targets=Target.resolution(fields["spans"], pause_on=fields["pause_on"]),
    )


@invariant("nobody is left without an answer for half a day and the manager does not know")
def answered(run):
    """Four business hours."""
    for step in run.steps:
        if step.is_live and not taken_down(step) and step.holds(F.unanswered_for >= "4 business hours"):
            assert step.level == "manager"


@invariant("production that is down is with the manager at once")
def down(run):
    """Whatever else is known."""
    for step in run.steps:
        if step.is_live and not taken_down(step) and step.fact("production_down"):
            assert step.level == "manager"


@invariant("whoever asks for a manager gets one")
def heard(run):
    """By whichever entrance."""
    for step in run.steps:
        if step.is_live and not taken_down(step) and step.fact("escalation_request_open"):
            assert step.level == "manager"


@invariant("waiting for the customer stops the clock")
def rests(run):
    """And nothing else does."""
    for step in run.steps:
        for one in step.decision.deadlines:
            if one.outcome == "pending":
                assert (one.clock == "paused") == ("customer" in step.case.waits(at=step.at))


@invariant("the manager's cases have the duty manager as their owner")
def owned(run):
    """By role."""
    for step in run.steps:
        for move in step.decision.moves:
            assert move.owner.role == "duty_manager"


def taken_down(step) -> bool:
    """Whether a person put the case back: no rule fires on what was before."""
    return any(event.type in {"DeEscalated", "Escalated"} for event in step.case.history)


ASKED = (answered, down, heard, rests, owned, more_urgent_never_slower)

SWAPPED = Pick(
    by="priority", values={"normal": "4 business hours", "high": "8 business hours"}, otherwise="5 business days"
)
FAULTS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("a threshold twice as long", {"wait": "8 business hours"}, "answered"),
    ("a threshold in hours of all days", {"wait": "4 days"}, "answered"),
    ("a threshold a minute late", {"wait": "241 business minutes"}, "answered"),
    ("a missing waiver", {"checklist": "required"}, "down"),
    ("a condition too narrow", {"condition": F.flag("production_down") & (F.priority >= "high")}, "down"),
    ("a condition the wrong way round", {"condition": ~F.flag("production_down")}, "down"),
    ("a request that has to wait", {"asked": F.escalation_request_open & (F.open_for >= "1 hour")}, "heard"),
    ("a second request only", {"asked": F.escalation_requests >= 2}, "heard"),
    ("a pause forgotten", {"pause_on": ()}, "rests"),
    ("a pause too many", {"pause_on": ("customer", "vendor")}, "rests"),
    ("spans swapped", {"spans": SWAPPED}, "more_urgent_never_slower"),
    ("the wrong owner", {"owner": "analyst"}, "owned"),
)  # fmt: skip


@pytest.mark.parametrize("promise", ASKED, ids=lambda promise: promise.name)
def test_without_a_fault_everything_asked_is_kept(promise):
    """Or else nothing would be shown by what breaks."""
    getattr(policy_suite(ours(), extra=ASKED)(), f"test_{promise.name}")()


@pytest.mark.parametrize(("fault", "changes", "broken"), FAULTS, ids=[name for name, _, _ in FAULTS])
def test_a_fault_in_a_policy_breaks_what_was_asked(fault, changes, broken):
    """The promise that speaks of it breaks, and only the policy was changed."""
    promise = next(one for one in ASKED if one.name == broken)
    suite = policy_suite(ours(**changes), extra=ASKED)
    with pytest.raises(Broken) as story:
        getattr(suite(), f"test_{broken}")()
    assert str(story.value).startswith(promise.sentence)
