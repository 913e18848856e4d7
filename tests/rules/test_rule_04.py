"""Rule 4: holidays and overrides."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from escalation_rules.worktime import BusinessCalendar

YORK = ZoneInfo("America/New_York")


def york(*parts: int, fold: int = 0) -> datetime:
    """Wall time in New York."""
    return datetime(*parts, tzinfo=YORK, fold=fold)


def utc(moment: datetime) -> datetime:
    """The same instant in UTC, where equality is exact."""
    return moment.astimezone(UTC)


def open_hours(calendar: BusinessCalendar, start: datetime, end: datetime) -> float:
    """Open hours between two instants."""
    return calendar.elapsed(utc(start), utc(end)) / timedelta(hours=1)


def test_a_holiday_or_override_replaces_the_windows_that_start_on_that_date():
    """Rule 4: the night shift of the day before goes on into the holiday, and an override goes before a holiday."""
    calendar = BusinessCalendar(
        "America/New_York", {"mon-sun": "22:00-06:00"}, ["2026-03-04"], {date(2026, 3, 5): "12:00-13:00"}
    )
    assert open_hours(calendar, york(2026, 3, 4), york(2026, 3, 5)) == 6
    assert open_hours(calendar, york(2026, 3, 5), york(2026, 3, 6)) == 1
    both = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"}, "2026-03-04", {"2026-03-04": "10:00-12:00"})
    assert open_hours(both, york(2026, 3, 4), york(2026, 3, 5)) == 2
