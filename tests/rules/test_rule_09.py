"""Rule 9: cycles."""

from __future__ import annotations

import pytest

from escalation_rules import Rule, Target, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.engine import deadlines
from tests.bench import accepted, after, clock, desk, opened, when

FOUR = Target.resolution("4 business hours")


def test_a_reopening_starts_a_new_resolution_clock_and_keeps_the_level():
    """Rule 9: the first resolution and the last are both known afterwards."""
    policy = desk(Rule(key="r", when=F.open_for >= "1 hour", to="l2"), targets=(Target.resolution(within="8 hours"),))
    case = accepted(policy, opened(), after(1)).record(
        E.Resolved(at=after(2)), E.Reopened(at=after(5)), E.Resolved(at=after(20))
    )
    deadline = decide(policy, case, at=after(30)).deadline("resolution")
    assert (deadline.started_at, deadline.due_at, deadline.outcome) == (after(5), after(13), "breached")
    assert (case.first_resolved_at(at=after(30)), case.resolved_at(at=after(30))) == (after(2), after(20))
    assert decide(policy, case, at=after(6)).positions["main"].level == "l2"


@pytest.mark.parametrize("end", [E.Resolved, E.Closed, E.Voided])
@pytest.mark.parametrize("hour", [1, 5])
def test_no_moves_while_resolved_closed_or_void(end, hour):
    """Rule 9: this holds whether the case ended before or after the move fell due."""
    policy = desk(Rule(key="r", when=F.open_for >= "4 hours", to="l2"))
    decision = decide(policy, opened(end(at=after(hour))), at=after(6))
    assert (decision.moves, decision.wake_at) == ((), None)


def test_pending_deadlines_end_when_a_case_is_void():
    """Rule 9: a void case has no deadline."""
    policy = desk(targets=(Target.resolution(within="8 hours"), Target.first_response(within="1 hour")))
    assert decide(policy, opened(E.Voided(at=after(3))), at=after(4)).deadlines == ()


def test_each_reopening_starts_a_new_resolution_clock():
    """Rule 9: Opened Monday 9, resolved at 10, reopened Tuesday 9: due at 13 on each day."""
    case = opened(E.Resolved(at=when("mon 10:00")), E.Reopened(at=when("tue 09:00")))
    policy = desk(targets=FOUR)
    first, second = clock(policy, case, "mon 12:00"), clock(policy, case, "tue 10:00")
    assert (first.outcome, first.due_at) == ("met", when("mon 13:00"))
    assert (second.outcome, second.due_at, second.started_at) == ("pending", when("tue 13:00"), when("tue 09:00"))


def test_a_reopening_without_a_resolution_starts_one_too():
    """Rule 9: The clocks of the old cycle are void; resolution is due four hours after the reopening."""
    policy = desk(targets=(FOUR, Target.post_mortem("1 business day")))
    case = opened(E.Reopened(at=when("mon 11:00")))
    first, second = deadlines(policy, case, at=when("mon 12:00"))
    assert (first.outcome, first.started_at, first.stopped_at) == ("void", when("mon 09:00"), when("mon 11:00"))
    assert (second.outcome, second.started_at, second.due_at) == ("pending", when("mon 11:00"), when("mon 15:00"))


def test_a_reopening_keeps_a_clock_that_resolving_started():
    """Rule 9: the post-mortem is still owed after a reopening."""
    policy = desk(targets=Target.post_mortem("1 business day"))
    case = opened(E.Resolved(at=when("mon 10:00")), E.Reopened(at=when("mon 11:00")))
    assert clock(policy, case, "mon 12:00", "post_mortem").outcome == "pending"


def test_a_reopening_keeps_the_level_and_restarts_its_time():
    """Rule 9: the case stays on its level, and time at the level counts from the new cycle on."""
    policy = desk(Rule(key="long", when=F.at_level_for >= "2 hours", at_level="l2", to="l3"))
    case = opened(
        E.Escalated(at=when("mon 09:30"), to="l2"), E.Resolved(at=when("mon 10:00")), E.Reopened(at=when("tue 09:00"))
    )
    assert decide(policy, case, at=when("tue 10:59")).positions["main"].level == "l2"
    assert decide(policy, case, at=when("tue 11:00")).move.due_at == when("tue 11:00")


def test_resolving_voids_what_is_pending_except_what_resolving_starts():
    """Rule 9: The first response is void, the post-mortem runs on after the case is closed."""
    policy = desk(targets=(Target.first_response("1 business hour"), Target.post_mortem("2 business days")))
    case = opened(E.Resolved(at=when("mon 09:30")), E.Closed(at=when("mon 10:00")))
    decision = decide(policy, case, at=when("mon 12:00"))
    assert decision.deadline("first_response").outcome == "void"
    assert [(one.target, one.clock, one.due_at) for one in decision.deadlines] == [
        ("post_mortem", "running", when("wed 17:00"))
    ]
    assert [(owed.kind, owed.what) for owed in decision.worklist] == [("post_mortem", "post_mortem")]
    held = decide(policy, case.record(E.PostMortemHeld(at=when("tue 12:00"))), at=when("tue 12:00"))
    assert (held.deadline("post_mortem").outcome, held.worklist) == ("met", ())


@pytest.mark.parametrize("end", [E.Resolved, E.Closed, E.Voided])
def test_a_case_that_has_ended_is_not_moved_and_asked_nothing(end):
    """Rule 9: no move and no action is asked for, and a message after the end changes nothing."""
    policy = desk(Rule(key="long", when=F.open_for >= "1 hour", to="l2", then=A.Tag("look")))
    case = opened(end(at=when("mon 12:00")), E.CustomerReplied(at=when("mon 13:00")))
    decision = decide(policy, case, at=when("tue 12:00"))
    assert (decision.moves, decision.actions, decision.deadlines, decision.wake_at) == ((), (), (), None)


def test_a_void_case_owes_no_post_mortem():
    """Rule 9: a case that was merged does not even owe its post-mortem."""
    policy = desk(targets=(FOUR, Target.post_mortem("2 business days")))
    case = opened(E.Resolved(at=when("mon 10:00")), E.Voided(at=when("mon 11:00"), reason="merged"))
    decision = decide(policy, case, at=when("mon 12:00"))
    assert (decision.status, decision.deadlines, decision.worklist) == ("void", (), ())


def test_a_move_due_before_a_case_was_resolved_is_asked_for_again_when_it_is_reopened():
    """Rule 9: the move keeps the due it had before the case was resolved."""
    policy = desk(Rule(key="long", when=F.open_for >= "1 hour", to="l2"))
    case = opened(E.Resolved(at=when("mon 12:00")), E.Reopened(at=when("tue 09:00")))
    decision = decide(policy, case, at=when("tue 09:00"))
    assert [(move.to, move.due_at) for move in decision.moves] == [("l2", when("mon 10:00"))]


def test_statuses_follow_from_events():
    """Rule 9: resolve, reopen and close are events; a customer's message ends a wait for the customer."""
    case = opened(
        E.WaitStarted(at=when("mon 10:00")),
        E.WaitStarted(at=when("mon 10:30"), on="vendor"),
        E.CustomerReplied(at=when("mon 11:00")),
        E.WaitEnded(at=when("mon 12:00")),
        E.WaitEnded(at=when("mon 12:30")),
        E.Resolved(at=when("mon 13:00")),
        E.WaitStarted(at=when("mon 13:30")),
        E.Closed(at=when("mon 14:00")),
        E.Reopened(at=when("mon 15:00")),
        E.Voided(at=when("mon 16:00")),
    )
    seen = {
        time: case.status(at=when(f"mon {time}"))
        for time in ("09:00", "10:00", "11:00", "12:00", "13:30", "14:00", "15:00", "16:00")
    }
    assert list(seen.values()) == ["open", "waiting", "waiting", "open", "resolved", "closed", "open", "void"]
    assert case.waits(at=when("mon 10:45")) == {"customer", "vendor"}
    assert case.waits(at=when("mon 11:00")) == {"vendor"}


def test_first_and_total_resolution_are_kept_apart():
    """Rule 9: a reopening does not change when the case was first resolved."""
    case = opened(E.Resolved(at=when("mon 10:00")), E.Reopened(at=when("tue 10:00")), E.Closed(at=when("wed 10:00")))
    at = when("thu 10:00")
    assert (case.first_resolved_at(at=at), case.resolved_at(at=at), case.reopenings(at=at)) == (
        when("mon 10:00"),
        when("wed 10:00"),
        1,
    )
    assert case.resolved_at(at=when("tue 12:00")) is None
    assert case.first_resolved_at(at=when("mon 09:30")) is None
