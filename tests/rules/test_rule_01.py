"""Rule 1: instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation_rules import BusinessCalendar, EscalationRulesError
from tests.bench import OFFICE, when

YORK = ZoneInfo("America/New_York")
YORK_OFFICE = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"})


def york(*parts: int, fold: int = 0) -> datetime:
    """Wall time in New York."""
    return datetime(*parts, tzinfo=YORK, fold=fold)


YORK_NIGHT = BusinessCalendar("America/New_York", {"mon-sun": "22:00-06:00"})
YORK_ALWAYS = BusinessCalendar.always("America/New_York")


def utc(moment: datetime) -> datetime:
    """The same instant in UTC, where equality is exact."""
    return moment.astimezone(UTC)


def open_hours(calendar: BusinessCalendar, start: datetime, end: datetime) -> float:
    """Open hours between two instants."""
    return calendar.elapsed(utc(start), utc(end)) / timedelta(hours=1)


@pytest.mark.parametrize("name", ["add", "subtract", "elapsed", "is_open", "next_open", "next_close", "openings"])
def test_a_naive_instant_is_refused_with_a_hint(name):
    """Rule 1: every method of a calendar refuses a naive datetime and says what to pass instead."""
    naive = when("mon 00:00").replace(tzinfo=None)
    more = {
        "add": ("1 hour",),
        "subtract": ("1 hour",),
        "elapsed": (when("tue 00:00"),),
        "openings": (when("tue 00:00"),),
    }.get(name, ())
    with pytest.raises(EscalationRulesError, match=r"naive datetime .* expected one with a time zone"):
        getattr(YORK_OFFICE, name)(naive, *more)


def test_a_night_shift_is_seven_or_nine_hours_long():
    """Rule 1: wall time decides when a shift begins and ends, and elapsed time how long it is."""
    night = BusinessCalendar(timezone="America/New_York", hours={"mon-sun": "22:00-06:00"})
    assert night.elapsed(york(2024, 3, 9, 22), york(2024, 3, 10, 6)) == timedelta(hours=7)
    assert night.elapsed(york(2024, 11, 2, 22), york(2024, 11, 3, 6)) == timedelta(hours=9)
    assert night.add(york(2024, 11, 2, 22), "4 business hours").astimezone(UTC) == datetime(2024, 11, 3, 6, tzinfo=UTC)


def test_24_hours_pass_on_the_night_on_which_clocks_go_forward():
    """Rule 1: on the night on which clocks go forward, 24 hours after noon is one in the afternoon."""
    assert utc(YORK_ALWAYS.add(york(2024, 3, 9, 12), "24 business hours")) == utc(york(2024, 3, 10, 13))


def test_the_open_time_around_a_night_shift_is_seven_or_nine_hours():
    """Rule 1: the same shift, measured from before it begins until after it ends."""
    assert open_hours(YORK_NIGHT, york(2024, 3, 9, 21), york(2024, 3, 10, 12)) == 7
    assert open_hours(YORK_NIGHT, york(2024, 11, 2, 21), york(2024, 11, 3, 12)) == 9
    assert utc(YORK_NIGHT.add(york(2024, 11, 2, 22), "4 business hours")) == utc(york(2024, 11, 3, 1, fold=1))


def test_the_repeated_hour_is_an_hour():
    """Rule 1: from the first 01:30 to the second an hour passes."""
    assert open_hours(YORK_ALWAYS, york(2024, 11, 3, 1, 30), york(2024, 11, 3, 1, 30, fold=1)) == 1


def test_results_carry_the_zone_of_the_question():
    """Rule 1: a calendar asked in UTC answers in UTC."""
    assert YORK_OFFICE.add(york(2026, 3, 6, 9), "1 business hour").tzinfo is YORK
    assert YORK_OFFICE.add(utc(york(2026, 3, 6, 9)), "1 business hour").tzinfo is UTC


@pytest.mark.parametrize("at", [datetime(2026, 3, 2, 9), "2026-03-02T09:00:00Z", None])  # noqa: DTZ001 the point of it
def test_a_value_that_is_no_instant_is_refused(at):
    """Rule 1: a naive datetime is refused with a hint, and so is a value that is no datetime."""
    with pytest.raises(ValueError, match=r"naive datetime|not an instant"):
        OFFICE.add(at, "1 hour")


def test_an_offset_may_have_seconds():
    """Rule 1: Liberia was 44 minutes and 30 seconds behind until 1972: an office in Monrovia opened at 09:44:30 UTC."""
    office = BusinessCalendar("Africa/Monrovia", {"mon-fri": "09:00-17:00"})
    assert office.next_open(datetime(1971, 6, 1, 1, tzinfo=UTC)) == datetime(1971, 6, 1, 9, 44, 30, tzinfo=UTC)
    start = datetime(1972, 1, 6, 12, tzinfo=ZoneInfo("Africa/Monrovia"))
    assert office.elapsed(start, start + timedelta(days=4)) == timedelta(hours=16)
    always = BusinessCalendar("Africa/Monrovia", {"mon-sun": "00:00-24:00"}, ["1972-01-07"])
    whole = datetime(1972, 1, 6, tzinfo=UTC), datetime(1972, 1, 9, tzinfo=UTC)
    assert timedelta(days=3) - always.elapsed(*whole) == timedelta(hours=24) - timedelta(minutes=44, seconds=30)
