"""Rule 6: business days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation_rules import BusinessCalendar, Pick, Span, Target
from escalation_rules import events as E
from tests.bench import MICROSECOND, OFFICE, clock, desk, opened, when

YORK = ZoneInfo("America/New_York")
YORK_OFFICE = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"})
SAME_TIME = Span(1, "business days", due="same time")


def york(*parts: int, fold: int = 0) -> datetime:
    """Wall time in New York."""
    return datetime(*parts, tzinfo=YORK, fold=fold)


YORK_ALWAYS = BusinessCalendar.always("America/New_York")


def utc(moment: datetime) -> datetime:
    """The same instant in UTC, where equality is exact."""
    return moment.astimezone(UTC)


A_DAY_LATER = "1 business days at same time"


@pytest.mark.parametrize(
    ("start", "span", "due"),
    [
        (when("fri 10:00"), "1 business day", when("mon+1 17:00")),
        (when("fri 17:00") - MICROSECOND, "1 business day", when("mon+1 17:00")),
        (when("fri 17:00"), "1 business day", when("tue+1 17:00")),
        (when("sat 12:00"), "1 business day", when("tue+1 17:00")),
        (when("fri 10:00"), SAME_TIME, when("mon+1 10:00")),
        (when("fri 18:00"), SAME_TIME, when("tue+1 09:00")),
    ],
)
def test_business_days_count_dates_not_hours(start, span, due):
    """Rule 6: a start outside hours is rolled forward, and the deadline is the close of the nth later business day."""
    assert OFFICE.add(start, span) == due


def test_a_night_belongs_to_the_day_on_which_it_starts():
    """Rule 6: Tuesday 02:00 lies in Monday's hours: one business day later is Wednesday 06:00."""
    night = BusinessCalendar(timezone="UTC", hours={"mon-fri": "22:00-06:00"})
    assert night.add(when("tue 02:00"), "1 business day") == when("wed 06:00")


def test_plain_days_keep_the_wall_time_and_hours_elapse():
    """Rule 6: a plain day keeps the wall time over a change of the clock, and 24 hours do not."""
    assert YORK_OFFICE.add(york(2024, 3, 9, 12), "1 day") == york(2024, 3, 10, 12)
    assert YORK_OFFICE.add(york(2024, 3, 9, 12), "24 hours") == datetime(2024, 3, 10, 17, tzinfo=UTC)
    assert YORK_OFFICE.add(york(2024, 1, 31, 12), "1 month") == york(2024, 2, 29, 12)


def test_a_day_that_never_closes_ends_at_midnight():
    """Rule 6: midnight belongs to the day that begins."""
    assert utc(YORK_ALWAYS.add(york(2026, 3, 3), "1 business day")) == utc(york(2026, 3, 5))
    assert utc(YORK_ALWAYS.subtract(york(2026, 3, 3), "1 business day")) == utc(york(2026, 3, 1))


def test_plain_spans_elapse_and_days_keep_the_wall_time():
    """Rule 6: hours elapse, days keep the wall time, business days end at a close."""
    case = opened(at="fri 15:00")
    for span, due in (("8 hours", "fri 23:00"), ("2 days", "sun 15:00"), ("1 business day", "mon+1 17:00")):
        assert clock(desk(targets=Target.resolution(span)), case, "fri 16:00").due_at == when(due)


@pytest.mark.parametrize("start", ["mon 09:00", "mon 12:00", "mon 17:00", "fri 18:00", "sat 12:00"])
def test_a_target_is_due_when_the_calendar_says(start):
    """Rule 6: a target due at the same time is due when `add` says, also at an opening time."""
    policy, case = desk(targets=Target.resolution(A_DAY_LATER)), opened(at=start)
    due = OFFICE.add(when(start), A_DAY_LATER)
    found = clock(policy, case, due)
    assert (found.due_at, found.outcome) == (due, "pending")
    assert clock(policy, case, due + MICROSECOND).outcome == "breached"
    counted = [one.length for one in found.segments(due) if one.counted]
    assert sum(counted, timedelta()) == found.budget


def test_a_stop_before_opening_time_is_in_time():
    """Rule 6: a clock stopped at eight, before the office opens, is stopped in time."""
    policy = desk(targets=Target.resolution(A_DAY_LATER))
    assert clock(policy, opened(E.Resolved(at=when("tue 08:00"))), "tue 10:00").outcome == "met"


def test_a_wait_in_the_night_before_is_before_the_due():
    """Rule 6: a wait in the night before pauses the clock, which is due at once when the wait ends."""
    policy = desk(targets=Target.resolution(A_DAY_LATER))
    case = opened(E.WaitStarted(at=when("mon 20:00")), E.WaitEnded(at=when("tue 11:00")))
    found = clock(policy, case, "mon 21:00")
    assert (found.due_at, found.clock) == (None, "paused")
    assert found.due_if_resumed(when("tue 11:00")) == when("tue 11:00")
    assert clock(policy, case, "tue 11:00").due_at == when("tue 11:00")


def test_a_change_to_it_in_the_night_before_keeps_it_pending():
    """Rule 6: a change in the night to a target due at nine leaves it pending until nine."""
    within = Pick(by="priority", values={"low": "16 business hours"}, otherwise=A_DAY_LATER)
    case = opened(E.PriorityChanged(at=when("mon 20:00"), to="high"), priority="low")
    found = clock(desk(targets=Target.resolution(within)), case, "mon 21:00")
    assert (found.due_at, found.outcome, found.breached_by_change) == (when("tue 09:00"), "pending", False)
