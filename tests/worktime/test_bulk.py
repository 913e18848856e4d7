"""A million at once is the same as one after the other, with numpy and without."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation_rules.worktime import BusinessCalendar, Span
from escalation_rules.worktime._timeline import microseconds_of
from tests.worktime.strategies import FEWER, calendars, instants

OFFICE = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"}, "US")
FRIDAY = datetime(2026, 3, 6, 16, tzinfo=UTC)
DAY = date(2026, 3, 8)
spans = st.sampled_from(("20 business hours", "0 business hours", "30 hours", "2 business days", "1 month", "0 days"))


@FEWER
@given(calendars(DAY), st.lists(instants(DAY), min_size=2, max_size=12), spans)
def test_in_bulk_as_one_by_one(calendar, moments, span):
    """Lists of microseconds, arrays of them, and arrays of datetime64."""
    numbers = [microseconds_of(moment) for moment in moments]
    reached = [microseconds_of(calendar.add(moment, span)) for moment in moments]
    passed = [calendar.elapsed(moments[0], moment) // timedelta(microseconds=1) for moment in moments]
    first = [numbers[0]] * len(numbers)
    assert calendar.add_many(numbers, span) == reached
    assert calendar.elapsed_many(first, numbers) == passed
    array, times = np.array(numbers), np.array(numbers, "datetime64[us]")
    assert calendar.add_many(array, span).tolist() == reached
    assert calendar.elapsed_many(numbers[0], array).tolist() == passed
    assert (calendar.add_many(times, span) == np.array(reached, "datetime64[us]")).all()
    assert (calendar.elapsed_many(times[0], times) == np.array(passed, "timedelta64[us]")).all()


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
