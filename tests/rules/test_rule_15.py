"""Rule 15: changes in mid-flight."""

from __future__ import annotations

from datetime import timedelta

from escalation_rules import Pick, Target
from escalation_rules import events as E
from tests.bench import ALWAYS, MICROSECOND, OFFICE, after, clock, deadline, desk, opened, when

BY_PRIORITY = Target(
    key="mend",
    within=Pick(by="priority", values={"high": "2 hours"}, otherwise="8 hours"),
    stop_on=E.Resolved.like(),
    pause_on="customer",
)
SPANS = Pick(by="priority", values={"high": "2 business hours", "low": "8 business hours"}, otherwise=None)


def test_counted_time_carries_over_a_change():
    """Rule 15: an hour that was counted stays counted, and hours of waiting stay out."""
    assert deadline(
        BY_PRIORITY, opened(E.PriorityChanged(at=after(1), to="high"), priority="normal"), after(1)
    ).due_at == after(2)
    waited = opened(
        E.WaitStarted(at=after(1)),
        E.WaitEnded(at=after(5)),
        E.PriorityChanged(at=after(5), to="high"),
        priority="normal",
    )
    assert deadline(BY_PRIORITY, waited, after(5)).due_at == after(6)


def test_a_breach_by_a_change_is_dated_at_the_change_and_stays():
    """Rule 15: it stays a breach when the priority goes back."""
    case = opened(E.PriorityChanged(at=after(3), to="high"), priority="normal")
    breach = deadline(BY_PRIORITY, case, after(4))
    assert (breach.due_at, breach.outcome, breach.breached_by_change) == (after(3), "breached", True)
    assert deadline(BY_PRIORITY, case.record(E.PriorityChanged(at=after(4), to="low")), after(5)).outcome == "breached"


def test_a_lower_priority_does_not_undo_a_breach():
    """Rule 15: nor is such a breach caused by the change."""
    breach = deadline(BY_PRIORITY, opened(E.PriorityChanged(at=after(3), to="low"), priority="high"), after(4))
    assert (breach.due_at, breach.outcome, breach.breached_by_change) == (after(2), "breached", False)
    saved = opened(E.PriorityChanged(at=after(2) - MICROSECOND, to="low"), priority="high")
    assert deadline(BY_PRIORITY, saved, after(4)).due_at == after(8)


def test_each_stretch_is_counted_in_the_calendar_then_in_force():
    """Rule 15: two hours count in the office, two at night, and four on the next morning."""
    fields = {
        "calendars": {"office": OFFICE, "always": ALWAYS},
        "calendar": Pick(by="priority", values={"urgent": "always"}, otherwise="office"),
    }
    case = opened(
        E.PriorityChanged(at=when("mon 20:00"), to="urgent"),
        E.PriorityChanged(at=when("mon 22:00"), to="normal"),
        at=when("mon 15:00"),
        priority="normal",
    )
    found = deadline(Target.resolution(within="8 business hours"), case, when("mon 22:00"), **fields)
    assert found.due_at == when("tue 13:00")
    counted = [one.end - one.start for one in found.segments(found.due_at) if one.counted]
    assert sum(counted, timedelta()) == found.budget == timedelta(hours=8)


def test_counted_time_and_pauses_carry_over():
    """Rule 15: an hour counted and an hour paused before the change leave an hour of two."""
    case = opened(
        E.WaitStarted(at=when("mon 10:00")),
        E.WaitEnded(at=when("mon 11:00")),
        E.PriorityChanged(at=when("mon 11:00"), to="high"),
        priority="low",
    )
    policy = desk(targets=Target.resolution(SPANS))
    assert clock(policy, case, "mon 10:30").budget == timedelta(hours=8)
    found = clock(policy, case, "mon 11:00")
    assert (found.due_at, found.breached_by_change) == (when("mon 12:00"), False)


def test_a_due_that_the_change_puts_into_the_past_is_dated_at_the_change():
    """Rule 15: three hours were counted when the span became two, so the change causes the breach."""
    case = opened(E.PriorityChanged(at=when("mon 12:00"), to="high"), priority="low")
    policy = desk(targets=Target.resolution(SPANS))
    at_change, later = clock(policy, case, "mon 12:00"), clock(policy, case, when("mon 12:00") + MICROSECOND)
    assert (at_change.due_at, at_change.breached_by_change, at_change.outcome) == (when("mon 12:00"), True, "pending")
    assert later.outcome == "breached"


def test_the_breach_by_a_change_is_dated_at_the_change_though_pauses_and_calendars_came_before():
    """Rule 15: two hours are used up at 13:00, so a change at 13:00 causes no breach and one at 14:00 does."""
    policy = desk(
        targets=Target.resolution(SPANS, calendar=Pick(by="priority", values={"urgent": "always"}, otherwise="office")),
        calendars={"office": OFFICE, "always": ALWAYS},
        calendar="office",
    )
    case = opened(E.WaitStarted(at=when("mon 10:00")), E.CustomerReplied(at=when("mon 12:00")), priority="low")
    on_time = clock(policy, case.record(E.PriorityChanged(at=when("mon 13:00"), to="high")), "mon 13:00")
    assert (on_time.due_at, on_time.breached_by_change) == (when("mon 13:00"), False)
    late = clock(policy, case.record(E.PriorityChanged(at=when("mon 14:00"), to="high")), "mon 14:00")
    assert (late.due_at, late.breached_by_change) == (when("mon 14:00"), True)


def test_a_change_that_is_taken_back_at_the_same_instant_breaches_nothing():
    """Rule 15: at its due instant a clock is not breached yet."""
    case = opened(
        E.PriorityChanged(at=when("mon 12:00"), to="high"),
        E.PriorityChanged(at=when("mon 12:00"), to="low"),
        priority="low",
    )
    found = clock(desk(targets=Target.resolution(SPANS)), case, "mon 13:00")
    assert (found.due_at, found.breached_by_change, found.outcome) == (when("mon 17:00"), False, "pending")


def test_a_change_of_calendar_keeps_the_time_counted_before_it():
    """Rule 15: two business hours are counted until 11:00, then all time counts."""
    policy = desk(
        targets=Target.resolution(
            "10 business hours", calendar=Pick(by="priority", values={"high": "always"}, otherwise="office")
        ),
        calendars={"office": OFFICE, "always": ALWAYS},
        calendar="office",
    )
    case = opened(E.PriorityChanged(at=when("mon 11:00"), to="high"), priority="low")
    assert clock(policy, case, "mon 12:00").due_at == when("mon 19:00")
