"""The timeline: what it costs, and that clocks and calendars behave at its edges."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from types import SimpleNamespace

from escalation_rules.worktime import BusinessCalendar
from escalation_rules.worktime._timeline import LARGE, NOTHING, OpenLine, load_zone
from escalation_rules.worktime.calendars import cached_once
from tests.bench import OFFICE, when

START = datetime(2025, 3, 3, 15, tzinfo=UTC)
THIRTY_YEARS = [date(year, month, 25) for year in range(2000, 2030) for month in range(1, 13)]


def thirty_years() -> BusinessCalendar:
    return BusinessCalendar("America/New_York", {"mon-fri": ["09:00-12:00", "13:00-17:00"]}, ["US", *THIRTY_YEARS])


def test_thirty_years_of_holidays_cost_nothing_until_they_are_used():
    """Making the calendar reads its dates and no more: under five milliseconds."""
    thirty_years()
    times = []
    for _ in range(5):
        begin = perf_counter()
        calendar = thirty_years()
        times.append(perf_counter() - begin)
    assert min(times) < 0.005
    assert calendar.line._stretch is NOTHING


def test_thirty_years_in_use_stay_under_a_megabyte():
    """Split shifts, with the table of business days."""
    calendar = thirty_years()
    calendar.elapsed(START, START + timedelta(days=1))
    tracemalloc.start()
    calendar.elapsed(START - timedelta(days=15 * 365), START + timedelta(days=15 * 365))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(calendar.line._stretch.opens) > LARGE
    assert kept < 1_000_000


def test_the_hundredth_business_day_costs_no_more_than_the_first():
    """Both are read from a table: the walk is not by day."""
    OFFICE.add(when("mon 10:00"), "400 business days")
    asked = []
    line = OpenLine(lambda days: asked.append(len(days)) or OFFICE.windows_in(days))
    dates, first = line.dates(line.date_of(0 + 9 * 3_600_000_000), 0)
    assert dates.numbers[first] == 0
    asked.clear()
    line.dates(0, 100)
    assert asked == []


def test_a_zone_is_known_by_its_name_only():
    """No path leads out of the zones, and no name that is not one gives a zone."""
    assert load_zone("Europe/London") is not None
    for name in ("../../etc/passwd", "", "Mars/Base", "tzdata.zi", "zone.tab", "Europe"):
        assert load_zone(name) is None


def test_threads_share_what_is_made_once():
    """The second to ask gets what the first has made, even when both were making it."""
    made = []

    class Thing:
        @cached_once
        def part(self):
            made.append(SimpleNamespace())
            if len(made) == 1:
                self.again = self.part
            return made[-1]

    thing = Thing()
    assert thing.part is thing.part is thing.again
    assert len(made) == 2
    assert isinstance(Thing.part, cached_once)
