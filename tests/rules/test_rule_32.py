"""Rule 32: strata."""

from __future__ import annotations

import json

import pytest

from escalation_rules import EscalationRulesError, Policy, Rule, Target, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import MICROSECOND, after, clock, desk, levels, moves, opened

RESOLUTION = Target.resolution("8 hours")
DURATIONS = {
    "open_for": F.open_for >= "1 hour",
    "unanswered_for": F.unanswered_for >= "1 hour",
    "unassigned_for": F.unassigned_for >= "1 hour",
    "no_update_for": F.no_update_for >= "1 hour",
    "at_level_for": F.at_level_for >= "1 hour",
    "plan_items_overdue": F.plan_items_overdue >= 1,
    "on a calendar": F.open_for.on("office") < "1 business hour",
}
DEADLINES = {
    "deadline": F.outcome("resolution") == "breached",
    "used": F.used("resolution") >= "50%",
    "overdue_for": F.overdue_for("resolution") >= "1 hour",
    "remaining": F.remaining("resolution") < "1 hour",
}
FORBIDDEN = DURATIONS | DEADLINES
STATE = {
    "priority": (F.priority >= "high", E.PriorityChanged(at=after(1), to="high")),
    "level": (F.level >= "l2", E.Escalated(at=after(1), to="l2")),
    "status": (F.status == "waiting", E.WaitStarted(at=after(1), on="vendor")),
    "flag": (F.flag("down").as_condition(), E.FactChanged(at=after(1), name="down", value=True)),
    "count": (F.replies >= 1, E.SupportReplied(at=after(1))),
    "event": (F.happened(E.LevelFailed.like()).as_condition(), E.LevelFailed(at=after(1))),
}
"""Conditions on state, each with an event that makes it true."""


def callback(condition) -> Target:
    """A target that applies while a condition holds."""
    return Target(key="callback", within="2 hours", stop_on=E.CallHeld.like(), when=condition)


@pytest.mark.parametrize("fact", FORBIDDEN)
def test_the_condition_of_a_target_may_not_see_deadlines_or_durations(fact):
    """Rule 32: targets make them, so a target may not depend on them."""
    with pytest.raises(EscalationRulesError, match=r"targets\[1\]\.when: .*expected state, not time"):
        desk(targets=(RESOLUTION, callback(FORBIDDEN[fact])))


@pytest.mark.parametrize("fact", FORBIDDEN)
def test_one_forbidden_comparison_among_others_is_found(fact):
    """Rule 32: `all`, `any` and `not` hide nothing."""
    state = F.priority >= "high"
    for condition in (state & FORBIDDEN[fact], state | FORBIDDEN[fact], ~(state & FORBIDDEN[fact])):
        with pytest.raises(EscalationRulesError, match="expected state, not time"):
            desk(targets=(RESOLUTION, callback(condition)))


@pytest.mark.parametrize("fact", FORBIDDEN)
def test_the_target_of_a_level_may_not_see_them_either(fact):
    """Rule 32: it makes no difference where a target is declared."""
    with pytest.raises(EscalationRulesError, match="expected state, not time"):
        desk(targets=(RESOLUTION,), levels=levels(l2={"targets": callback(FORBIDDEN[fact])}))


def test_a_policy_read_from_data_is_refused_too():
    """Rule 32: a policy from a file is refused as one built in Python is."""
    data = json.loads(desk(targets=(RESOLUTION, callback(F.priority >= "high"))).model_dump_json())
    rule = Rule(key="late", when=DEADLINES["deadline"], to="l2")
    data["targets"][1]["when"] = json.loads(rule.model_dump_json())["when"]
    with pytest.raises(EscalationRulesError, match="expected state, not time"):
        Policy.model_validate(data)


@pytest.mark.parametrize("fact", STATE)
def test_the_condition_of_a_target_sees_the_state_that_events_make(fact):
    """Rule 32: events come before state, and state before targets."""
    condition, event = STATE[fact]
    policy = desk(targets=(RESOLUTION, callback(condition)), facts=F.flag("down"))
    case = opened(event, priority="low")
    assert clock(policy, case, after(1) - MICROSECOND, "callback").outcome == "not_started"
    assert clock(policy, case, after(1), "callback").outcome == "pending"


def test_rules_see_the_deadlines_and_durations_that_targets_and_events_make():
    """Rule 32: what a target may not see, a rule may."""
    for condition, due in (
        (DEADLINES["deadline"], after(8) + MICROSECOND),
        (DEADLINES["used"], after(4)),
        (DEADLINES["overdue_for"], after(9)),
        (DURATIONS["open_for"], after(1)),
    ):
        policy = desk(Rule(key="late", when=condition, to="l2"), targets=(RESOLUTION,))
        assert moves(policy, opened(), after(20)) == [("l2", due)]


def test_a_move_is_state_for_targets_and_for_the_next_round():
    """Rule 32: a move comes after the rules, and its round is followed by one that sees it."""
    policy = desk(
        Rule(key="late", when=F.open_for >= "1 hour", to="l2"),
        Rule(key="arrived", when=F.level >= "l2", then=A.Tag("on l2")),
        targets=(callback(F.level >= "l2"),),
    )
    assert clock(policy, opened(), after(1) - MICROSECOND, "callback").outcome == "not_started"
    decision = decide(policy, opened(), at=after(1))
    assert ([move.to for move in decision.moves], [one.rule for one in decision.actions]) == (["l2"], ["arrived"])
    found = decision.deadline("callback")
    assert (found.outcome, found.due_at) == ("pending", after(2))


def test_a_move_made_on_a_deadline_changes_the_deadline_from_its_instant_on():
    """Rule 32: the new terms apply after the move, so the breach that caused it stays."""
    urgent = Target.resolution("20 hours", when=F.level >= "l2")
    policy = desk(Rule(key="late", when=DEADLINES["deadline"], to="l2"), targets=(urgent, RESOLUTION))
    assert moves(policy, opened(), after(30)) == [("l2", after(8) + MICROSECOND)]
    assert clock(policy, opened(), after(30)).outcome == "breached"
