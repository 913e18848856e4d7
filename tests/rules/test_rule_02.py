"""Rule 2: hours at a clock change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation_rules import BusinessCalendar
from tests.bench import MICROSECOND

YORK = ZoneInfo("America/New_York")
YORK_OFFICE = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"})


def york(*parts: int, fold: int = 0) -> datetime:
    """Wall time in New York."""
    return datetime(*parts, tzinfo=YORK, fold=fold)


def utc(moment: datetime) -> datetime:
    """The same instant in UTC, where equality is exact."""
    return moment.astimezone(UTC)


def open_hours(calendar: BusinessCalendar, start: datetime, end: datetime) -> float:
    """Open hours between two instants."""
    return calendar.elapsed(utc(start), utc(end)) / timedelta(hours=1)


def test_windows_are_half_open():
    """Rule 2: a window contains its opening instant and not its closing instant."""
    assert YORK_OFFICE.is_open(york(2024, 1, 8, 9))
    assert not YORK_OFFICE.is_open(york(2024, 1, 8, 17))
    assert YORK_OFFICE.is_open(york(2024, 1, 8, 17) - MICROSECOND)
    assert not YORK_OFFICE.is_open(york(2024, 1, 8, 9) - MICROSECOND)
    assert YORK_OFFICE.next_open(york(2024, 1, 8, 17)) == york(2024, 1, 9, 9)


def test_time_does_not_pass_on_a_date_that_a_zone_skipped():
    """Rule 2: Samoa went from 29 to 31 December 2011, so 24 hours lie between the two midnights."""
    apia = ZoneInfo("Pacific/Apia")
    span = BusinessCalendar.always("Pacific/Apia").elapsed(
        datetime(2011, 12, 29, tzinfo=apia), datetime(2011, 12, 31, tzinfo=apia)
    )
    assert span == timedelta(hours=24)


@pytest.mark.parametrize(
    ("window", "day", "hours"),
    [
        ("02:30-10:00", (2024, 3, 10), 7),
        ("02:00-02:30", (2024, 3, 10), 0),
        ("01:30-09:00", (2024, 11, 3), 8.5),
        ("01:00-01:30", (2024, 11, 3), 1.5),
    ],
)
def test_an_edge_in_a_gap_or_in_a_repeated_hour_is_moved(window, day, hours):
    """Rule 2: a gap moves an edge to its end; in a repeated hour windows open first and close last."""
    calendar = BusinessCalendar("America/New_York", {"mon-sun": window})
    assert open_hours(calendar, york(*day), york(*day) + timedelta(days=1)) == hours


def test_clocks_may_change_by_half_an_hour_or_at_midnight():
    """Rule 2: Lord Howe changes its clocks by half an hour, and Cairo at midnight."""
    howe = BusinessCalendar("Australia/Lord_Howe", {"mon-sun": "22:00-06:00"})
    zone = ZoneInfo("Australia/Lord_Howe")
    assert open_hours(howe, datetime(2024, 10, 5, 21, tzinfo=zone), datetime(2024, 10, 6, 7, tzinfo=zone)) == 7.5
    zone = ZoneInfo("Africa/Cairo")
    always = BusinessCalendar.always("Africa/Cairo")
    assert open_hours(always, datetime(2024, 4, 25, 12, tzinfo=zone), datetime(2024, 4, 26, 12, tzinfo=zone)) == 23


def test_a_date_that_a_zone_skipped_does_not_exist():
    """Rule 2: Samoa had no Friday 30 December 2011, so no shift of that Friday opens, by day or by night."""
    zone = ZoneInfo("Pacific/Apia")
    start, end = datetime(2011, 12, 29, 12, tzinfo=zone), datetime(2011, 12, 31, 12, tzinfo=zone)
    day = BusinessCalendar("Pacific/Apia", {"fri": "09:00-17:00", "sat": "09:00-12:00"})
    night = BusinessCalendar("Pacific/Apia", {"fri": "22:00-06:00"})
    assert open_hours(day, start, end) == 3
    assert open_hours(night, start, end) == 0
    assert utc(day.add(start, "1 business day")) == utc(datetime(2012, 1, 6, 17, tzinfo=zone))


def test_wall_time_is_kept_over_a_change_and_moved_out_of_a_gap():
    """Rule 2: a day after 02:30 is the first instant after the gap if there is no 02:30."""
    assert utc(YORK_OFFICE.add(york(2024, 3, 9, 12), "1 day")) == utc(york(2024, 3, 10, 12))
    assert utc(YORK_OFFICE.add(york(2024, 3, 9, 2, 30), "1 day")) == utc(york(2024, 3, 10, 3))
    assert utc(YORK_OFFICE.add(york(2024, 11, 2, 1, 30), "1 day")) == utc(york(2024, 11, 3, 1, 30))


def test_next_open_and_next_close_are_edges_of_windows():
    """Rule 2: an open instant is its own next opening; the next close ends the current or the next window."""
    assert YORK_OFFICE.next_open(york(2026, 3, 6, 10)) == york(2026, 3, 6, 10)
    assert YORK_OFFICE.next_open(york(2026, 3, 6, 17)) == york(2026, 3, 9, 9)
    assert YORK_OFFICE.next_close(york(2026, 3, 6, 10)) == york(2026, 3, 6, 17)
    assert YORK_OFFICE.next_close(york(2026, 3, 6, 17)) == york(2026, 3, 9, 17)


@pytest.mark.parametrize(
    ("window", "hours"), [("00:00-24:00", 24), ("00:00-23:59", 24 - 1 / 60), ("09:00:30-09:01", 1 / 120)]
)
def test_23_59_is_not_24_00(window, hours):
    """Rule 2: a window that closes at 23:59 is a minute shorter than one that closes at 24:00."""
    calendar = BusinessCalendar("UTC", {"fri": window})
    day = datetime(2026, 3, 6, tzinfo=UTC)
    assert calendar.elapsed(day, day + timedelta(days=1)) == timedelta(hours=hours)
