"""Rules 1 to 7 by example, and the traps in which business time goes wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation_rules.worktime import BusinessCalendar
from escalation_rules.worktime.hours import days_of

NEW_YORK = ZoneInfo("America/New_York")
OFFICE = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"})
NIGHT = BusinessCalendar("America/New_York", {"mon-sun": "22:00-06:00"})
ALWAYS = BusinessCalendar.always("America/New_York")


def ny(*parts: int, fold: int = 0) -> datetime:
    """Wall time in New York."""
    return datetime(*parts, tzinfo=NEW_YORK, fold=fold)


def utc(moment: datetime) -> datetime:
    """The same instant in UTC, where equality is exact."""
    return moment.astimezone(UTC)


def opened(calendar: BusinessCalendar, start: datetime, end: datetime) -> float:
    """Open hours between two instants."""
    return calendar.elapsed(utc(start), utc(end)) / timedelta(hours=1)


class TestValues:
    """Calendars are values."""

    def test_equal_hours_are_equal_calendars_however_they_are_written(self):
        """Runs of equal days are written together."""
        one = BusinessCalendar("UTC", {"mon": "9:00-17:00", "tue-fri": ["09:00-17:00"], "sat": []})
        assert one == BusinessCalendar(ZoneInfo("UTC"), {"mon-fri": "09:00-17:00"})
        assert repr(one) == "BusinessCalendar(timezone='UTC', hours={'mon-fri': ('09:00-17:00',)})"
        assert hash(one) == hash(BusinessCalendar("UTC", {"mon-fri": "09:00-17:00"}))

    @pytest.mark.parametrize(
        ("key", "days"), [("sun-thu", [6, 0, 1, 2, 3]), ("mon,wed", [0, 2]), ("SAT", [5]), ("fri-mon", [4, 5, 6, 0])]
    )
    def test_days_may_wrap_around_the_week_or_be_listed(self, key, days):
        """Not every week begins on a Monday."""
        assert days_of(key) == days
