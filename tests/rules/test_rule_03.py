"""Rule 3: calendars have no end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation_rules import BusinessCalendar, EscalationRulesError
from escalation_rules.worktime._timeline import OpenLine
from tests.bench import OFFICE, when

YORK = ZoneInfo("America/New_York")
YORK_OFFICE = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"})
YORK_ALWAYS = BusinessCalendar.always("America/New_York")


def york(*parts: int, fold: int = 0) -> datetime:
    """Wall time in New York."""
    return datetime(*parts, tzinfo=YORK, fold=fold)


def utc(moment: datetime) -> datetime:
    """The same instant in UTC, where equality is exact."""
    return moment.astimezone(UTC)


def open_hours(calendar: BusinessCalendar, start: datetime, end: datetime) -> float:
    """Open hours between two instants."""
    return calendar.elapsed(utc(start), utc(end)) / timedelta(hours=1)


LONDON = "Europe/London"
LONDON_OFFICE = BusinessCalendar(LONDON, {"mon-fri": "09:00-17:00"})
SATURDAY = BusinessCalendar(LONDON, {"sat": "10:00-14:00"})
LONDON_ALWAYS = BusinessCalendar.always(LONDON)


def test_overlapping_windows_merge_and_holidays_go_on():
    """Rule 3: 09-17 with 12-20 gives eleven hours, and Christmas is a holiday in every year asked for."""
    long = BusinessCalendar(timezone="UTC", hours={"mon": ["09:00-17:00", "12:00-20:00"]})
    assert long.elapsed(when("mon 00:00"), when("tue 00:00")) == timedelta(hours=11)
    england = BusinessCalendar(timezone="Europe/London", hours={"mon-sun": "09:00-17:00"}, holidays="GB-ENG")
    assert not any(england.is_open(datetime(year, 12, 25, 12, tzinfo=UTC)) for year in range(1975, 2100))


def test_overlapping_windows_are_one_business_day():
    """Rule 3: 09-17 with 12-20 gives eleven hours, and a business day that ends at 20:00."""
    calendar = BusinessCalendar("America/New_York", {"mon-fri": ["09:00-17:00", "12:00-20:00"]})
    assert open_hours(calendar, york(2026, 3, 6), york(2026, 3, 7)) == 11
    assert utc(calendar.add(york(2026, 3, 5, 18), "1 business day")) == utc(york(2026, 3, 6, 20))


def test_a_calendar_that_never_closes_has_no_next_close():
    """Rule 3: neither a calendar that is always open has one, nor any calendar after its last closed date."""
    assert YORK_ALWAYS.next_close(york(2026, 3, 6)) is None
    once = BusinessCalendar("America/New_York", {"mon-sun": "00:00-24:00"}, overrides={"2026-03-06": ()})
    assert once.next_close(york(2026, 3, 1)) == york(2026, 3, 6)
    assert once.next_close(york(2026, 3, 6, 12)) is None
    holidays = BusinessCalendar("America/New_York", {"mon-sun": "00:00-24:00"}, "US")
    assert holidays.next_close(york(2026, 12, 1)) == york(2026, 12, 25)
    assert not once.is_open(york(2026, 3, 6, 12))
    same = BusinessCalendar("America/New_York", {"mon-sun": "00:00-24:00"}, overrides={"2026-03-06": "00:00-24:00"})
    assert same.next_close(york(2026, 3, 1)) is None


def test_openings_are_merged_and_clipped():
    """Rule 3: `openings` returns the open times between two instants."""
    found = YORK_OFFICE.openings(york(2026, 3, 6, 12), york(2026, 3, 9, 10))
    assert found == ((york(2026, 3, 6, 12), york(2026, 3, 6, 17)), (york(2026, 3, 9, 9), york(2026, 3, 9, 10)))
    assert YORK_OFFICE.openings(york(2026, 3, 7), york(2026, 3, 8)) == ()
    assert YORK_ALWAYS.openings(york(2026, 3, 7), york(2026, 3, 8)) == ((york(2026, 3, 7), york(2026, 3, 8)),)
    assert YORK_ALWAYS.openings(york(2026, 3, 8), york(2026, 3, 7)) == ()
    assert YORK_OFFICE.openings(york(2026, 3, 6, 16), york(2026, 3, 6, 10)) == ()
    assert YORK_OFFICE.openings(york(2026, 3, 6, 16), york(2026, 3, 6, 16)) == ()


def test_public_holidays_are_computed_for_whatever_year_is_asked():
    """Rule 3: public holidays are known in any year, past and future."""
    calendar = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"}, ("US-NY", "2026-03-04"))
    for year in (1999, 2026, 2087, 2101, 2150, 2400):
        assert not calendar.is_open(york(year, 12, 25, 12))
    assert not calendar.is_open(york(2026, 3, 4, 12))


def test_a_calendar_has_no_end():
    """Rule 3: the timeline extends itself in both directions and across years without openings."""
    rare = BusinessCalendar(
        "UTC", {"mon": "09:00-10:00"}, overrides={date(2026, 1, 5) + timedelta(weeks=n): () for n in range(120)}
    )
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert rare.next_open(start) == datetime(2028, 4, 24, 9, tzinfo=UTC)
    assert rare.subtract(datetime(2028, 4, 20, tzinfo=UTC), "2 business hours").year == 2025
    assert (
        YORK_OFFICE.elapsed(york(1901, 1, 1), york(1902, 1, 1))
        == YORK_OFFICE.elapsed(york(1902, 1, 1), york(1901, 1, 1)) * -1
    )
    assert YORK_OFFICE.elapsed(york(2026, 1, 1), york(2226, 1, 1)) > timedelta(hours=8 * 260 * 200)


@pytest.mark.law
def test_results_outside_the_years_1_to_9999_are_refused():
    """Rule 3: a result before the year 1 or after the year 9999 is refused."""
    for make in (
        lambda: YORK_OFFICE.add(york(9999, 12, 1), "300 business hours"),
        lambda: YORK_OFFICE.subtract(york(1, 1, 10), "300 business hours"),
        lambda: YORK_OFFICE.add(york(9999, 12, 1), "3000 hours"),
        lambda: YORK_OFFICE.add(york(9999, 12, 1), "12 months"),
        lambda: YORK_OFFICE.subtract(york(1, 1, 10), "2 months"),
    ):
        with pytest.raises(ValueError, match="instant out of range"):
            make()
    assert YORK_OFFICE.add(york(9999, 12, 1, 9), "1 business hour") == york(9999, 12, 1, 10)
    assert YORK_OFFICE.subtract(york(1, 1, 10, 12), "1 business hour").month == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: LONDON_OFFICE & SATURDAY,
        lambda: LONDON_OFFICE - LONDON_ALWAYS,
        lambda: LONDON_OFFICE - BusinessCalendar(LONDON, {"mon-sun": "08:00-18:00"}, ["2026-03-04"]),
        lambda: (LONDON_OFFICE | SATURDAY) & BusinessCalendar(LONDON, {"sun": "00:00-24:00"}),
    ],
)
def test_a_combined_calendar_that_never_opens_is_refused(make):
    """Rule 3: this also holds for calendars made of others."""
    with pytest.raises(ValueError, match="a calendar that never opens"):
        make()


def test_the_table_of_business_days_grows_in_both_directions():
    """Rule 3: the table of business days grows to dates before and after those it has."""
    line = OpenLine(OFFICE.windows_in)
    dates, found = line.dates(20_000, -3_000)
    assert (dates.numbers[found] - 20_000) < -4_000
    dates, found = line.dates(0, 5)
    assert dates.numbers[found] == 7


@pytest.mark.parametrize("hours", [{}, {"mon": []}, {"mon-sun": ""}])
def test_a_calendar_without_hours_is_refused(hours):
    """Rule 3: a calendar that never opens is refused when it is made."""
    with pytest.raises(EscalationRulesError, match="a calendar that never opens") as refused:
        BusinessCalendar("UTC", hours)
    assert isinstance(refused.value, ValueError)
