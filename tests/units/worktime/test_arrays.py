"""Calendars over arrays of instants give the answers they give one by one, with numpy and without."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from escalation_rules.worktime import BusinessCalendar, Span
from escalation_rules.worktime._timeline import DAY, microseconds_of
from escalation_rules.worktime.arrays import Bulk
from tests.bench import when

OFFICE = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"}, "US")
FRIDAY = datetime(2026, 3, 6, 16, tzinfo=UTC)


@pytest.mark.parametrize("calendar", [OFFICE, BusinessCalendar.always()])
def test_not_a_time_stays_none(calendar):
    """In either place, and where there is nothing else."""
    times = np.array(["2026-03-06T16:00", "NaT", "2026-03-09T16:00"], "datetime64[us]")
    assert np.isnat(calendar.add_many(times, "1 business hour")).tolist() == [False, True, False]
    assert np.isnat(calendar.elapsed_many(times, times[::-1])).tolist() == [False, True, False]
    assert np.isnat(calendar.elapsed_many(times[0], times)).tolist() == [False, True, False]
    assert calendar.elapsed_many(times[:1], times[2:])[0] == np.timedelta64(
        calendar.elapsed(FRIDAY, FRIDAY + timedelta(days=3)), "us"
    )
    assert np.isnat(calendar.add_many(times[1:2], "1 business hour")).all()
    assert np.isnat(calendar.elapsed_many(times[1:2], times[1:2])).all()
    assert calendar.add_many(times[:0], "1 business hour").size == calendar.elapsed_many(times[:0], times[:0]).size == 0


@pytest.mark.parametrize(("given_unit", "unit"), [("ns", "ns"), ("us", "us"), ("s", "us"), ("D", "us")])
def test_the_answer_has_the_unit_of_the_question_or_microseconds(given_unit, unit):
    """Nanoseconds stay, coarser units could not hold an answer."""
    times = np.array(["2026-03-06"], f"datetime64[{given_unit}]")
    assert OFFICE.add_many(times, "1 business hour").dtype == f"datetime64[{unit}]"
    assert OFFICE.add_many(times, "1 business hour")[0] == np.datetime64("2026-03-06T15:00")


def test_the_answer_is_an_array_of_its_own():
    """Also where nothing was added."""
    numbers = np.arange(3)
    assert not np.shares_memory(OFFICE.add_many(numbers, "0 business hours"), numbers)


def test_shapes_and_lengths():
    """Arrays keep their shape; lists of two lengths are refused, and so is what is no instant."""
    grid = np.arange(6).reshape(2, 3) * 10**9
    assert OFFICE.add_many(grid, "2 business days").shape == OFFICE.elapsed_many(grid, grid + 1).shape == (2, 3)
    with pytest.raises(ValueError, match="argument 2"):
        OFFICE.elapsed_many([1], [1, 2])
    with pytest.raises(ValueError, match="not an array of instants `float64`"):
        OFFICE.add_many(np.array([1.5]), Span(1, "business hours"))


def test_lists_need_no_numpy():
    """The package and its lists work where numpy cannot be imported."""
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "from escalation_rules import BusinessCalendar\n"
        "office = BusinessCalendar('UTC', {'mon-fri': '09:00-17:00'})\n"
        "assert office.add_many([0], '1 business hour') == [36_000_000_000]\n"
        "assert office.elapsed_many([0], [36_000_000_000]) == [3_600_000_000]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


CALENDARS = {
    "office": BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"}, holidays="GB-ENG"),
    "night": BusinessCalendar("America/New_York", {"mon-sun": "22:00-06:00"}),
    "seldom": BusinessCalendar("Asia/Tokyo", {"mon": "09:00-17:00"}),
    "windows so near that marks are searched": BusinessCalendar("UTC", {"mon-fri": ["09:00-09:01", "09:02-17:00"]}),
    "always": BusinessCalendar.always(),
}


@pytest.mark.parametrize("name", CALENDARS)
@pytest.mark.parametrize("days", [30, 1_500])
def test_many_instants_are_as_each_by_itself(name, days):
    """Edges of windows among them, and later instants than were asked of before."""
    line, rng = CALENDARS[name].line, np.random.default_rng(days)
    bulk, start = Bulk(line), microseconds_of(when("mon 00:00"))
    for reach in (days // 10, days):
        hours = start + rng.integers(0, reach * 24, 200) * (DAY // 24)
        instants = np.r_[hours, hours + 1, hours - 1, start + rng.integers(0, reach * DAY, 200)]
        opened = bulk.opened(instants)
        assert opened.tolist() == [line.opened(one) for one in instants.tolist()]
        later = np.r_[opened, opened + 1, opened + rng.integers(0, 10 * DAY // 24, len(opened))]
        assert bulk.earliest(later).tolist() == [line.earliest(one) for one in later.tolist()]
        assert bulk.latest(later).tolist() == [line.latest(one) for one in later.tolist()]
