"""Rules 1 to 7 by example, and the traps in which business time goes wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation_rules.worktime import BusinessCalendar, Span
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


class TestDaylightSaving:
    """Edges of windows are wall time, durations elapse."""

    def test_24x7_across_spring_forward(self):
        """Twenty-four hours after noon is one in the afternoon."""
        assert utc(ALWAYS.add(ny(2024, 3, 9, 12), "24 business hours")) == utc(ny(2024, 3, 10, 13))

    def test_a_night_shift_is_7_or_9_hours_long_when_the_clock_changes(self):
        """Rule 1."""
        assert opened(NIGHT, ny(2024, 3, 9, 21), ny(2024, 3, 10, 12)) == 7
        assert opened(NIGHT, ny(2024, 11, 2, 21), ny(2024, 11, 3, 12)) == 9
        assert utc(NIGHT.add(ny(2024, 11, 2, 22), "4 business hours")) == utc(ny(2024, 11, 3, 1, fold=1))

    def test_the_repeated_hour_is_an_hour(self):
        """From the first half past one to the second."""
        assert opened(ALWAYS, ny(2024, 11, 3, 1, 30), ny(2024, 11, 3, 1, 30, fold=1)) == 1

    @pytest.mark.parametrize(
        ("window", "day", "hours"),
        [
            ("02:30-10:00", (2024, 3, 10), 7),
            ("02:00-02:30", (2024, 3, 10), 0),
            ("01:30-09:00", (2024, 11, 3), 8.5),
            ("01:00-01:30", (2024, 11, 3), 1.5),
        ],
    )
    def test_an_edge_in_a_gap_or_in_a_repeated_hour(self, window, day, hours):
        """Rule 2: after the gap; opening at the first occurrence, closing at the last; wholly inside a gap, nothing."""
        calendar = BusinessCalendar("America/New_York", {"mon-sun": window})
        assert opened(calendar, ny(*day), ny(*day) + timedelta(days=1)) == hours

    def test_zones_with_odd_transitions(self):
        """Lord Howe changes by half an hour, Cairo at midnight."""
        howe = BusinessCalendar("Australia/Lord_Howe", {"mon-sun": "22:00-06:00"})
        zone = ZoneInfo("Australia/Lord_Howe")
        assert opened(howe, datetime(2024, 10, 5, 21, tzinfo=zone), datetime(2024, 10, 6, 7, tzinfo=zone)) == 7.5
        zone = ZoneInfo("Africa/Cairo")
        always = BusinessCalendar.always("Africa/Cairo")
        assert opened(always, datetime(2024, 4, 25, 12, tzinfo=zone), datetime(2024, 4, 26, 12, tzinfo=zone)) == 23

    def test_a_date_that_a_zone_skipped_does_not_exist(self):
        """Samoa went from Thursday 29 to Saturday 31 December 2011: no Friday shift, by day or by night."""
        zone = ZoneInfo("Pacific/Apia")
        start, end = datetime(2011, 12, 29, 12, tzinfo=zone), datetime(2011, 12, 31, 12, tzinfo=zone)
        day = BusinessCalendar("Pacific/Apia", {"fri": "09:00-17:00", "sat": "09:00-12:00"})
        night = BusinessCalendar("Pacific/Apia", {"fri": "22:00-06:00"})
        assert opened(day, start, end) == 3
        assert opened(night, start, end) == 0
        assert utc(day.add(start, "1 business day")) == utc(datetime(2012, 1, 6, 17, tzinfo=zone))

    def test_wall_time_is_kept_over_a_change_and_moved_out_of_a_gap(self):
        """A day later at half past two, which is not there: the first instant after the gap."""
        assert utc(OFFICE.add(ny(2024, 3, 9, 12), "1 day")) == utc(ny(2024, 3, 10, 12))
        assert utc(OFFICE.add(ny(2024, 3, 9, 2, 30), "1 day")) == utc(ny(2024, 3, 10, 3))
        assert utc(OFFICE.add(ny(2024, 11, 2, 1, 30), "1 day")) == utc(ny(2024, 11, 3, 1, 30))


class TestAdding:
    """Rules 5 and 6."""

    @pytest.mark.parametrize(
        ("start", "span", "due"),
        [
            ((2026, 3, 6, 9), "8 business hours", (2026, 3, 6, 17)),
            ((2026, 3, 6, 17), "1 business hour", (2026, 3, 9, 10)),
            ((2026, 3, 7, 12), "1 business hour", (2026, 3, 9, 10)),
            ((2026, 3, 6, 16), "0 business hours", (2026, 3, 6, 16)),
            ((2026, 3, 7, 12), "0 business hours", (2026, 3, 7, 12)),
            ((2026, 3, 6, 16), "30 hours", (2026, 3, 7, 22)),
            ((2026, 3, 6, 16), "0 days", (2026, 3, 6, 16)),
            ((2026, 3, 2, 16), "1 business day", (2026, 3, 3, 17)),
            ((2026, 3, 6, 16), "1 business day", (2026, 3, 9, 17)),
            ((2026, 3, 6, 18), "1 business day", (2026, 3, 10, 17)),
            ((2026, 3, 6, 16), "0 business days", (2026, 3, 6, 17)),
            ((2026, 3, 6, 16), "2 business days, same time", (2026, 3, 10, 16)),
            ((2026, 3, 7, 16), "1 business day, same time", (2026, 3, 10, 9)),
            ((2026, 3, 7, 16), "0 business days, same time", (2026, 3, 9, 9)),
            ((2026, 1, 31, 16), "1 month", (2026, 2, 28, 16)),
            ((2026, 3, 2, 16), "1 week", (2026, 3, 9, 17)),
        ],
    )
    def test_add(self, start, span, due):
        """What is used up exactly at closing time is due at closing time; business days are their own unit."""
        expected = ny(*due) if "week" not in span else ny(2026, 3, 9, 16)
        assert utc(OFFICE.add(ny(*start), span)) == utc(expected)

    @pytest.mark.parametrize(
        ("end", "span", "start"),
        [
            ((2026, 3, 9, 9, 30), "1 business hour", (2026, 3, 6, 16, 30)),
            ((2026, 3, 9, 10), "1 business hour", (2026, 3, 9, 9)),
            ((2026, 3, 8, 10), "0 business hours", (2026, 3, 8, 10)),
            ((2026, 3, 9, 10), "24 hours", (2026, 3, 8, 10)),
            ((2026, 3, 9, 10), "1 business day", (2026, 3, 6, 9)),
            ((2026, 3, 9, 9), "1 business day", (2026, 3, 5, 9)),
            ((2026, 3, 8, 12), "1 business day", (2026, 3, 5, 9)),
            ((2026, 3, 8, 12), "1 business day, same time", (2026, 3, 5, 17)),
            ((2026, 3, 8, 12), "2 days", (2026, 3, 6, 12)),
            ((2026, 3, 8, 12), "0 weeks", (2026, 3, 8, 12)),
        ],
    )
    def test_subtract_mirrors_it(self, end, span, start):
        """The latest instant from which the whole span still fits; business days back to an opening."""
        assert utc(OFFICE.subtract(ny(*end), span)) == utc(ny(*start))

    def test_mon_to_fri_nights(self):
        """The shift that began on Friday ends on Saturday at six; the next one is Monday's."""
        calendar = BusinessCalendar("America/New_York", {"mon-fri": "22:00-06:00"})
        assert utc(calendar.add(ny(2026, 3, 7, 2), "5 business hours")) == utc(ny(2026, 3, 9, 23))
        assert utc(calendar.add(ny(2026, 3, 7, 2), "1 business day")) == utc(ny(2026, 3, 10, 6))
        assert utc(calendar.add(ny(2026, 3, 7, 2), "1 business day, same time")) == utc(ny(2026, 3, 10, 2))

    def test_business_days_at_the_edges_of_a_day_that_never_closes(self):
        """Midnight belongs to the day that begins."""
        assert utc(ALWAYS.add(ny(2026, 3, 3), "1 business day")) == utc(ny(2026, 3, 5))
        assert utc(ALWAYS.subtract(ny(2026, 3, 3), "1 business day")) == utc(ny(2026, 3, 1))

    def test_results_carry_the_zone_of_the_question(self):
        """UTC in, UTC out."""
        assert OFFICE.add(ny(2026, 3, 6, 9), "1 business hour").tzinfo is NEW_YORK
        assert OFFICE.add(utc(ny(2026, 3, 6, 9)), "1 business hour").tzinfo is UTC

    def test_a_string_or_a_timedelta_will_do_for_a_span(self):
        """A timedelta elapses."""
        friday = ny(2026, 3, 6, 16)
        assert (
            OFFICE.add(friday, timedelta(hours=2))
            == OFFICE.add(friday, "2 hours")
            == OFFICE.add(friday, Span(2, "hours"))
        )
        assert OFFICE.add(friday, "PT2H") == ny(2026, 3, 6, 18)


class TestWindows:
    """Rules 2 to 4."""

    def test_overlapping_windows_merge(self):
        """9 to 17 with 12 to 20 is eleven hours, and a business day that ends at 20."""
        calendar = BusinessCalendar("America/New_York", {"mon-fri": ["09:00-17:00", "12:00-20:00"]})
        assert opened(calendar, ny(2026, 3, 6), ny(2026, 3, 7)) == 11
        assert utc(calendar.add(ny(2026, 3, 5, 18), "1 business day")) == utc(ny(2026, 3, 6, 20))

    def test_windows_are_half_open(self):
        """Open at the opening, closed at the closing."""
        assert OFFICE.is_open(ny(2026, 3, 6, 9))
        assert not OFFICE.is_open(ny(2026, 3, 6, 17))
        assert OFFICE.is_open(ny(2026, 3, 6, 17) - timedelta(microseconds=1))

    def test_next_open_and_next_close(self):
        """Itself if open; the end of the window that is open, or of the next one."""
        assert OFFICE.next_open(ny(2026, 3, 6, 10)) == ny(2026, 3, 6, 10)
        assert OFFICE.next_open(ny(2026, 3, 6, 17)) == ny(2026, 3, 9, 9)
        assert OFFICE.next_close(ny(2026, 3, 6, 10)) == ny(2026, 3, 6, 17)
        assert OFFICE.next_close(ny(2026, 3, 6, 17)) == ny(2026, 3, 9, 17)

    def test_what_never_closes_has_no_next_close(self):
        """Not for good, and not after the last date that differs."""
        assert ALWAYS.next_close(ny(2026, 3, 6)) is None
        once = BusinessCalendar("America/New_York", {"mon-sun": "00:00-24:00"}, overrides={"2026-03-06": ()})
        assert once.next_close(ny(2026, 3, 1)) == ny(2026, 3, 6)
        assert once.next_close(ny(2026, 3, 6, 12)) is None
        holidays = BusinessCalendar("America/New_York", {"mon-sun": "00:00-24:00"}, "US")
        assert holidays.next_close(ny(2026, 12, 1)) == ny(2026, 12, 25)
        assert not once.is_open(ny(2026, 3, 6, 12))
        same = BusinessCalendar("America/New_York", {"mon-sun": "00:00-24:00"}, overrides={"2026-03-06": "00:00-24:00"})
        assert same.next_close(ny(2026, 3, 1)) is None

    def test_openings_are_merged_and_clipped(self):
        """The open times between two instants."""
        found = OFFICE.openings(ny(2026, 3, 6, 12), ny(2026, 3, 9, 10))
        assert found == ((ny(2026, 3, 6, 12), ny(2026, 3, 6, 17)), (ny(2026, 3, 9, 9), ny(2026, 3, 9, 10)))
        assert OFFICE.openings(ny(2026, 3, 7), ny(2026, 3, 8)) == ()
        assert ALWAYS.openings(ny(2026, 3, 7), ny(2026, 3, 8)) == ((ny(2026, 3, 7), ny(2026, 3, 8)),)
        assert ALWAYS.openings(ny(2026, 3, 8), ny(2026, 3, 7)) == ()
        assert OFFICE.openings(ny(2026, 3, 6, 16), ny(2026, 3, 6, 10)) == ()
        assert OFFICE.openings(ny(2026, 3, 6, 16), ny(2026, 3, 6, 16)) == ()

    def test_a_holiday_or_override_replaces_the_windows_that_start_on_that_date(self):
        """The night shift of the eve goes on into the holiday; an override goes before a holiday."""
        calendar = BusinessCalendar(
            "America/New_York", {"mon-sun": "22:00-06:00"}, ["2026-03-04"], {date(2026, 3, 5): "12:00-13:00"}
        )
        assert opened(calendar, ny(2026, 3, 4), ny(2026, 3, 5)) == 6
        assert opened(calendar, ny(2026, 3, 5), ny(2026, 3, 6)) == 1
        both = BusinessCalendar(
            "America/New_York", {"mon-fri": "09:00-17:00"}, "2026-03-04", {"2026-03-04": "10:00-12:00"}
        )
        assert opened(both, ny(2026, 3, 4), ny(2026, 3, 5)) == 2

    def test_public_holidays_are_computed_for_whatever_year_is_asked(self):
        """They do not run out at the end of a list."""
        calendar = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"}, ("US-NY", "2026-03-04"))
        for year in (1999, 2026, 2087, 2101, 2150, 2400):
            assert not calendar.is_open(ny(year, 12, 25, 12))
        assert not calendar.is_open(ny(2026, 3, 4, 12))

    def test_elapsed_is_signed(self):
        """Rule 7."""
        assert OFFICE.elapsed(ny(2026, 3, 9, 10), ny(2026, 3, 6, 16)) == timedelta(hours=-2)

    @pytest.mark.parametrize(
        ("window", "hours"), [("00:00-24:00", 24), ("00:00-23:59", 24 - 1 / 60), ("09:00:30-09:01", 1 / 120)]
    )
    def test_23_59_is_not_24_00(self, window, hours):
        """Seconds count."""
        calendar = BusinessCalendar("UTC", {"fri": window})
        day = datetime(2026, 3, 6, tzinfo=UTC)
        assert calendar.elapsed(day, day + timedelta(days=1)) == timedelta(hours=hours)


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

    def test_a_calendar_has_no_end(self):
        """The timeline extends itself, in both directions and across an empty stretch."""
        rare = BusinessCalendar(
            "UTC", {"mon": "09:00-10:00"}, overrides={date(2026, 1, 5) + timedelta(weeks=n): () for n in range(120)}
        )
        start = datetime(2026, 1, 1, tzinfo=UTC)
        assert rare.next_open(start) == datetime(2028, 4, 24, 9, tzinfo=UTC)
        assert rare.subtract(datetime(2028, 4, 20, tzinfo=UTC), "2 business hours").year == 2025
        assert OFFICE.elapsed(ny(1901, 1, 1), ny(1902, 1, 1)) == OFFICE.elapsed(ny(1902, 1, 1), ny(1901, 1, 1)) * -1
        assert OFFICE.elapsed(ny(2026, 1, 1), ny(2226, 1, 1)) > timedelta(hours=8 * 260 * 200)

    @pytest.mark.law
    def test_the_ends_of_time(self):
        """There is nothing before the year 1 and after the year 9999."""
        for make in (
            lambda: OFFICE.add(ny(9999, 12, 1), "300 business hours"),
            lambda: OFFICE.subtract(ny(1, 1, 10), "300 business hours"),
            lambda: OFFICE.add(ny(9999, 12, 1), "3000 hours"),
            lambda: OFFICE.add(ny(9999, 12, 1), "12 months"),
            lambda: OFFICE.subtract(ny(1, 1, 10), "2 months"),
        ):
            with pytest.raises(ValueError, match="instant out of range"):
                make()
        assert OFFICE.add(ny(9999, 12, 1, 9), "1 business hour") == ny(9999, 12, 1, 10)
        assert OFFICE.subtract(ny(1, 1, 10, 12), "1 business hour").month == 1
