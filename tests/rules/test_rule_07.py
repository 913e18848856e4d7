"""Rule 7: elapsed time."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from escalation_rules import Target
from escalation_rules import events as E
from escalation_rules.worktime import BusinessCalendar, Clock, Leg
from tests.bench import OFFICE, clock, desk, opened, when

YORK = ZoneInfo("America/New_York")
YORK_OFFICE = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"})


def york(*parts: int, fold: int = 0) -> datetime:
    """Wall time in New York."""
    return datetime(*parts, tzinfo=YORK, fold=fold)


def test_elapsed_is_signed():
    """Rule 7: from Monday back to Friday, elapsed time is negative."""
    assert YORK_OFFICE.elapsed(york(2026, 3, 9, 10), york(2026, 3, 6, 16)) == timedelta(hours=-2)


def test_a_deadline_is_over_although_no_open_time_has_passed_since():
    """Rule 7: on Saturday no open time has passed since Friday's deadline, and the deadline is over all the same."""
    clock = Clock(legs=(Leg(since=when("fri 09:00"), calendar=OFFICE),), budget=timedelta(hours=8))
    assert clock.due_at == when("fri 17:00") < when("sat 12:00")
    assert clock.remaining(when("sat 12:00")) == timedelta(0)


def test_a_friday_five_oclock_deadline_is_breached_on_saturday():
    """Rule 7: breach compares instants, never remaining business time."""
    policy = desk(targets=Target.resolution("8 business hours"))
    case = opened(at="fri 09:00")
    assert clock(policy, case, "fri 17:00").outcome == "pending"
    assert clock(policy, case, "sat 10:00").outcome == "breached"
    resolved = case.record(E.Resolved(at=when("sat 10:00")))
    assert clock(policy, resolved, "sat 10:00").outcome == "breached"
