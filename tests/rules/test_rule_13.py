"""Rule 13: budgets and pauses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation_rules import Pick, Target, decide
from escalation_rules import events as E
from escalation_rules.worktime import Clock, Leg
from tests.bench import MICROSECOND, OFFICE, after, clock, deadline, desk, opened, when

RESOLUTION = Target.resolution(within="8 hours")
FOUR = Target.resolution("4 business hours")
SPANS = Pick(by="priority", values={"high": "2 business hours", "low": "8 business hours"}, otherwise=None)


def test_a_pause_is_taken_out_and_hides_the_due():
    """Rule 13: while a clock is paused `due` is None, and `due_if_resumed` says when it would be due."""
    case = opened(E.WaitStarted(at=after(2)))
    paused = deadline(RESOLUTION, case, after(3))
    assert (paused.due_at, paused.clock, paused.outcome) == (None, "paused", "pending")
    assert (paused.due_if_resumed(after(3)), paused.remaining(after(3))) == (after(9), timedelta(hours=6))
    for end in (E.WaitEnded(at=after(5)), E.CustomerReplied(at=after(5))):
        assert deadline(RESOLUTION, case.record(end), after(5)).due_at == after(11)


def test_wait_ended_ends_all_waits_and_other_waits_do_not_pause():
    """Rule 13: only the waits that a target names pause it, and `WaitEnded` ends all of them."""
    assert deadline(RESOLUTION, opened(E.WaitStarted(at=after(2), on="vendor")), after(3)).due_at == after(8)
    assert deadline(RESOLUTION, opened(E.WaitEnded(at=after(1))), after(1)).due_at == after(8)
    both = Target(key="t", within="4 hours", stop_on=E.Reviewed.like(), pause_on=("customer", "vendor"))
    case = opened(E.WaitStarted(at=after(1)), E.WaitStarted(at=after(2), on="vendor"), E.CustomerReplied(at=after(3)))
    assert deadline(both, case, after(3)).clock == "paused"
    assert deadline(both, case.record(E.WaitEnded(at=after(4))), after(4)).due_at == after(7)


@pytest.mark.parametrize(
    ("begins", "outcome", "due"),
    [(after(8) - MICROSECOND, "pending", None), (after(8), "breached", after(8)), (after(9), "breached", after(8))],
)
def test_a_pause_at_or_after_due_rescues_nothing(begins, outcome, due):
    """Rule 13: a pause that begins a microsecond before the due does."""
    paused = deadline(RESOLUTION, opened(E.WaitStarted(at=begins)), after(10))
    assert (paused.outcome, paused.due_at) == (outcome, due)


def test_segments_account_for_all_the_time():
    """Rule 13: each segment says whether it is counted."""
    found = deadline(RESOLUTION, opened(E.WaitStarted(at=after(2))), after(3))
    assert [(one.start, one.end, one.counted) for one in found.segments(after(3))] == [
        (after(0), after(2), True),
        (after(2), after(3), False),
    ]


def test_pauses_are_taken_out_in_the_targets_own_calendar():
    """Rule 13: waiting from 10 to 12 moves the due by two hours."""
    case = opened(E.WaitStarted(at=when("mon 10:00")), E.WaitEnded(at=when("mon 12:00")))
    policy = desk(targets=FOUR)
    paused = clock(policy, case, "mon 11:00")
    assert (paused.due_at, paused.clock, paused.outcome) == (None, "paused", "pending")
    assert paused.due_if_resumed(when("mon 11:00")) == when("mon 14:00")
    assert clock(policy, case, "mon 12:00").due_at == when("mon 15:00")


def test_a_wait_outside_opening_hours_does_not_move_a_due_date():
    """Rule 13: from 17 to 9 nothing is counted anyway."""
    case = opened(E.WaitStarted(at=when("mon 17:00")), E.WaitEnded(at=when("tue 09:00")))
    policy = desk(targets=Target.resolution("10 business hours"))
    assert clock(policy, case, "tue 10:00").due_at == when("tue 11:00")


def test_only_the_waits_that_a_target_names_pause_it():
    """Rule 13: waiting for a vendor counts unless the target names it."""
    case = opened(E.WaitStarted(at=when("mon 10:00"), on="vendor"))
    mine = desk(targets=FOUR)
    theirs = desk(targets=Target.resolution("4 business hours", pause_on="vendor"))
    assert clock(mine, case, "mon 11:00").due_at == when("mon 13:00")
    assert clock(theirs, case, "mon 11:00").due_at is None


def test_a_customers_message_ends_the_wait_for_the_customer():
    """Rule 13: nobody needs to press resume, and the wait for the vendor goes on."""
    case = opened(
        E.WaitStarted(at=when("mon 10:00")),
        E.WaitStarted(at=when("mon 10:00"), on="vendor"),
        E.CustomerReplied(at=when("mon 11:00")),
    )
    policy = desk(targets=FOUR)
    assert clock(policy, case, "mon 12:00").due_at == when("mon 14:00")
    assert decide(policy, case, at=when("mon 12:00")).status == "waiting"


def test_counted_segments_sum_to_the_budget():
    """Rule 13: counted segments sum to the budget at due, and all segments to the time that passed."""
    case = opened(E.WaitStarted(at=when("mon 16:00")), E.WaitEnded(at=when("tue 10:00")))
    policy = desk(targets=Target.resolution("10 business hours"))
    found = clock(policy, case, "tue 12:00")
    segments = found.segments(found.due_at)
    assert found.due_at == when("tue 13:00")
    assert sum((one.length for one in segments if one.counted), timedelta(0)) == found.budget
    assert sum((one.length for one in segments), timedelta(0)) == found.due_at - found.started_at
    assert [one.why for one in segments] == ["business hours", "waiting for customer", "business hours"]
    assert found.remaining(when("tue 12:00")) == timedelta(hours=1)


def test_a_pause_that_begins_when_a_change_made_it_due_rescues_nothing():
    """Rule 13: this also holds when the change itself made the clock due now."""
    case = opened(
        E.PriorityChanged(at=when("mon 11:00"), to="high"), E.WaitStarted(at=when("mon 11:00")), priority="low"
    )
    policy = desk(targets=Target.resolution(SPANS))
    found = clock(policy, case, "mon 12:00")
    assert (found.due_at, found.outcome, found.breached_by_change) == (when("mon 11:00"), "breached", False)


def test_a_wait_overnight_moves_no_due_date():
    """Rule 13: a clock paused from closing to opening time is due as if it had not been."""
    legs = (
        Leg(since=when("mon 16:00"), calendar=OFFICE),
        Leg(since=when("mon 17:00"), calendar=OFFICE, paused="customer"),
        Leg(since=when("tue 09:00"), calendar=OFFICE),
    )
    waited = Clock(legs=legs, budget=timedelta(hours=4))
    assert waited.due_at == Clock(legs=legs[:1], budget=timedelta(hours=4)).due_at == when("tue 12:00")
