"""Rule 16: several targets with one key."""

from __future__ import annotations

import pytest

from escalation_rules import EscalationRulesError, Pick, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import after, clock, desk, opened, when

SPANS = Pick(by="priority", values={"high": "2 business hours", "low": "8 business hours"}, otherwise=None)


def test_the_first_target_whose_condition_holds_applies():
    """Rule 16: `within=None` says that there is no target."""
    key = {"key": "t", "stop_on": E.Resolved.like()}
    policy = desk(
        targets=(
            Target(within="1 hour", when=F.priority >= "high", **key),
            Target(within=None, when=F.priority == "low", **key),
            Target(within="8 hours", **key),
        )
    )
    assert decide(policy, opened(priority="high"), at=after(0)).deadline("t").due_at == after(1)
    assert decide(policy, opened(priority="normal"), at=after(0)).deadline("t").due_at == after(8)
    assert decide(policy, opened(priority="low"), at=after(0)).deadlines == ()


@pytest.mark.parametrize("when", [F.outcome("t") == "breached", F.open_for >= "1 hour", F.used("t") >= 0.5])
def test_a_targets_condition_sees_state_only(when):
    """Rule 16: a condition on deadlines or durations is refused."""
    with pytest.raises(EscalationRulesError, match=r"targets\[0\]\.when: .* expected state, not time"):
        desk(targets=(Target(key="t", within="1 hour", stop_on=E.Resolved.like(), when=when),))


def test_time_counts_while_a_target_says_that_there_is_none():
    """Rule 16: when a target applies again, the time that passed has been counted."""
    case = opened(E.PriorityChanged(at=when("mon 10:00"), to="high"), priority="normal")
    policy = desk(targets=Target.resolution(SPANS))
    assert decide(policy, case, at=when("mon 09:30")).deadlines == ()
    assert clock(policy, case, "mon 09:30").outcome == "not_started"
    assert clock(policy, case, "mon 10:00").due_at == when("mon 11:00")


def test_a_target_that_no_longer_applies_is_void():
    """Rule 16: its deadline does not stay behind after the change."""
    case = opened(E.PriorityChanged(at=when("mon 10:00"), to="normal"), priority="high")
    policy = desk(targets=Target.resolution(SPANS))
    assert decide(policy, case, at=when("mon 10:00")).deadlines == ()
    assert clock(policy, case, "mon 12:00").outcome == "void"


def test_of_several_targets_with_one_key_the_first_whose_condition_holds_applies():
    """Rule 16: each case gets the span of the first target that it meets."""
    policy = desk(
        targets=(
            Target.resolution("1 business hour", when=F.flag("down")),
            Target.resolution("2 business hours", when=F.priority >= "high"),
            Target.resolution("8 business hours"),
        ),
        facts=F.flag("down"),
    )
    dues = [
        clock(policy, opened(priority=priority, facts=facts), "mon 09:00").due_at
        for priority, facts in (("urgent", {"down": True}), ("urgent", {}), ("low", {"down": False}))
    ]
    assert dues == [when("mon 10:00"), when("mon 11:00"), when("mon 17:00")]
