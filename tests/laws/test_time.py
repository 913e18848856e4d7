"""Laws of business time, for any calendar near any change of the clock: rules 1 to 7."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from escalation_rules.worktime import BusinessCalendar, Span, load_zone
from escalation_rules.worktime._timeline import microseconds_of, steady_offsets
from tests.calendar_generator import FEWER, ZONES, calendars, days, instants, plans
from tests.oracle.calendar import Plan

MICROSECOND = timedelta(microseconds=1)
NOTHING = timedelta()
lengths = st.integers(1, 100).map(lambda n: timedelta(minutes=n * 15)) | st.timedeltas(MICROSECOND, timedelta(hours=90))


def business(length: timedelta) -> Span:
    """That much open time."""
    return Span(str(length / MICROSECOND // 1 / 1_000_000), "business seconds")


@st.composite
def questions(draw: st.DrawFn) -> tuple:
    """A calendar, and instants in order near a change of some clock."""
    day = draw(st.sampled_from(ZONES).flatmap(days))
    return draw(calendars(day)), sorted(draw(instants(day)) for _ in range(3))


@FEWER
@given(questions(), lengths)
def test_elapsed_undoes_add(question, length):
    """Rules 5 and 7: what was added has elapsed, to the microsecond."""
    calendar, (start, *_) = question
    assert calendar.elapsed(start, calendar.add(start, business(length))) == length


@FEWER
@given(questions(), lengths)
def test_subtract_undoes_add_up_to_closed_time(question, length):
    """Rule 5: back where it started, or where that was closed, at the opening after it; and the other way about."""
    calendar, (start, *_) = question
    back = calendar.subtract(calendar.add(start, business(length)), business(length))
    assert back == calendar.next_open(start)
    assert calendar.elapsed(calendar.subtract(start, business(length)), start) == length


@FEWER
@given(questions())
def test_add_undoes_elapsed_up_to_closed_time(question):
    """Rules 5 and 7: the earliest instant by which so much has passed: the end itself, if it was open until then."""
    calendar, (start, end, _) = question
    passed = calendar.elapsed(start, end)
    assume(passed > NOTHING)
    found = calendar.add(start, business(passed))
    assert found <= end
    assert calendar.elapsed(found, end) == NOTHING
    assert (found == end) == calendar.is_open(end - MICROSECOND)


@FEWER
@given(questions())
def test_elapsed_is_additive_and_antisymmetric(question):
    """Rule 7: signed, and the parts of a time make up the whole."""
    calendar, (first, second, third) = question
    assert calendar.elapsed(first, second) + calendar.elapsed(second, third) == calendar.elapsed(first, third)
    assert calendar.elapsed(second, first) == -calendar.elapsed(first, second)
    assert NOTHING <= calendar.elapsed(first, third) <= third - first


@FEWER
@given(questions(), lengths, lengths)
def test_add_is_additive(question, one, other):
    """Rule 5: in two steps or in one."""
    calendar, (start, *_) = question
    assert calendar.add(calendar.add(start, business(one)), business(other)) == calendar.add(
        start, business(one + other)
    )


@FEWER
@given(questions(), lengths, lengths, st.integers(0, 5))
def test_add_is_monotone_in_start_and_span(question, one, other, count):
    """Rules 5 and 6: a later start or a longer span is never due earlier."""
    calendar, (first, second, _) = question
    short, long = sorted((one, other))
    assert first <= calendar.add(first, business(short)) <= calendar.add(first, business(long))
    assert calendar.add(first, business(short)) <= calendar.add(second, business(short))
    assert calendar.subtract(first, business(long)) <= calendar.subtract(first, business(short)) <= first
    assert calendar.add(first, f"{count} days") <= calendar.add(second, f"{count} days")


@FEWER
@given(plans(), st.data(), lengths, st.integers(0, 5))
def test_more_holidays_never_make_a_deadline_earlier(planned, data, length, count):
    """Rules 4 to 6: in open time always; in business days where no shift outlasts the next date's."""
    plan, day = planned
    calendar = plan.calendar()
    closed = {day + timedelta(days=data.draw(st.integers(-2, 12))) for _ in range(3)}
    fewer = plan.calendar(holidays=(*plan.holidays, *closed))
    start, end = sorted((data.draw(instants(day)), data.draw(instants(day))))
    assert fewer.add(start, business(length)) >= calendar.add(start, business(length))
    assert fewer.elapsed(start, end) <= calendar.elapsed(start, end)
    if calendar.days.dates(*anywhere(calendar, start))[0].apart:
        assert fewer.add(start, f"{count} business days") >= calendar.add(start, f"{count} business days")


def anywhere(calendar: BusinessCalendar, at: datetime) -> tuple[int, int]:
    """The business day of the first open instant from then on."""
    return calendar.days.date_of(microseconds_of(calendar.next_open(at))), 0


@FEWER
@given(st.sampled_from(ZONES).flatmap(days), st.data())
def test_merging_calendars_never_loses_an_open_instant(day, data):
    """Rule 3: `|` is open if either is, `&` if both are, `-` if only the left one is; the lengths add up."""
    one, other = data.draw(plans(day))[0].calendar(), data.draw(plans(day))[0].calendar()
    start, end = sorted((data.draw(instants(day)), data.draw(instants(day))))
    either = one | other
    assert either.is_open(start) == (one.is_open(start) or other.is_open(start))
    both = rest = None
    try:
        both, rest = one & other, one - other
    except ValueError:
        assume(False)
    assert both.is_open(start) == (one.is_open(start) and other.is_open(start))
    assert rest.is_open(start) == (one.is_open(start) and not other.is_open(start))
    assert either.elapsed(start, end) + both.elapsed(start, end) == one.elapsed(start, end) + other.elapsed(start, end)
    assert both.elapsed(start, end) + rest.elapsed(start, end) == one.elapsed(start, end)


@FEWER
@given(questions(), lengths)
def test_the_segments_of_an_explanation_sum(question, length):
    """Rule 5: the counted ones to the span, all of them to the time that passes, without a hole between them."""
    calendar, (start, *_) = question
    segments = calendar.explain(start, business(length))
    assert sum((part.length for part in segments if part.counted), NOTHING) == length
    edges = [start, *(part.end for part in segments)]
    assert [part.start for part in segments] == edges[:-1]
    assert edges[-1] == calendar.add(start, business(length))
    for part in segments:
        assert part.start < part.end
        assert calendar.elapsed(part.start, part.end) == (part.length if part.counted else NOTHING)


@FEWER
@given(questions())
def test_openings_are_the_open_time(question):
    """Rules 2 and 3: in order, apart from each other, and as long together as what has elapsed."""
    calendar, (start, _, end) = question
    openings = calendar.openings(start, end)
    assert sum((b - a for a, b in openings), NOTHING) == calendar.elapsed(start, end)
    edges = [edge for opening in openings for edge in opening]
    assert edges == sorted(set(edges))
    for opening, closing in openings:
        assert calendar.next_open(opening) == opening
        assert closing == end or calendar.next_close(opening) == closing


@FEWER
@given(questions(), lengths, st.integers(0, 8))
def test_an_answer_does_not_depend_on_what_was_asked_before(question, length, years):
    """Rule 3: a timeline that has extended itself, forwards and back, says what a fresh one says."""
    calendar, (start, end, _) = question
    fresh = type(calendar).model_validate(calendar.model_dump(mode="json"))
    for sign in (1, -1):
        calendar.elapsed(start, start + sign * timedelta(days=min(365 * years, 365 * (start.year - 2))))
    for at in (start, end):
        assert calendar.add(at, business(length)) == fresh.add(at, business(length))
        assert calendar.subtract(at, "3 business days") == fresh.subtract(at, "3 business days")
        assert calendar.add(at, "30 business days") == fresh.add(at, "30 business days")
    assert calendar.elapsed(start, end) == fresh.elapsed(start, end)


def test_two_threads_that_extend_one_timeline_get_right_answers():
    """So do eight, with a calendar that none of them has asked before."""
    steps = [timedelta(days=(step * 7_919) % 40_000 - 15_000) for step in range(160)]
    start = datetime(2026, 3, 2, 12, tzinfo=UTC)
    plan = Plan("America/New_York", (((540, 1020),),) * 5 + ((), ()))
    right = [plan.calendar().elapsed(start, start + step) for step in steps[::20]]
    for _ in range(10):
        calendar = plan.calendar()
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda step, one=calendar: one.elapsed(start, start + step), steps))
        assert found[::20] == right


@pytest.mark.parametrize("zone", ZONES)
def test_where_an_offset_is_steady_every_hour_has_it(zone):
    """The short cut for ordinary dates is taken on no other."""
    tz = load_zone(zone)
    for year in (1976, 1993, 2011, 2026, 2060):
        first = (date(year, 1, 1) - date(1970, 1, 1)).days
        run = range(first, first + 366)
        for day, offset in zip(run, steady_offsets(run, tz), strict=True):
            midnight = datetime.fromordinal(day + date(1970, 1, 1).toordinal())
            walls = [midnight + timedelta(hours=hour, minutes=minute) for hour in range(48) for minute in (0, 59)]
            seen = {tz.utcoffset(wall.replace(fold=fold)) for wall in walls for fold in (0, 1)}
            if offset is not None:
                assert seen == {timedelta(microseconds=offset)}


DAY = date(2026, 3, 8)
spans = st.sampled_from(("20 business hours", "0 business hours", "30 hours", "2 business days", "1 month", "0 days"))


@FEWER
@given(calendars(DAY), st.lists(instants(DAY), min_size=2, max_size=12), spans)
def test_in_bulk_as_one_by_one(calendar, moments, span):
    """Rules 5 and 7: lists of microseconds, arrays of them, and arrays of datetime64."""
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
