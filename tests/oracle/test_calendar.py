"""Ours, held equal to counting minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.calendar_generator import FEWER, plans
from tests.oracle.calendar import MINUTE, Oracle, Plan

WALK = 5


@FEWER
@given(plans(), st.data())
def test_ours_is_what_counting_minutes_finds(planned: tuple[Plan, date], data: st.DataObject) -> None:
    """Rules 1 to 7: every question, in zones with odd changes, with night and split shifts, holidays and overrides."""
    plan, day = planned
    oracle, calendar = Oracle(plan, day, WALK), plan.calendar()
    midnight = datetime.combine(day, time(), UTC)
    minute = st.integers(-1440, WALK * 1440).map(lambda number: midnight + number * MINUTE)
    for _ in range(6):
        start, end = sorted((data.draw(minute), data.draw(minute)))
        length = data.draw(st.integers(1, 3_000))
        assert calendar.elapsed(start, end) == oracle.elapsed(start, end)
        assert calendar.is_open(start) == oracle.open[oracle.number(start)]
        agree(oracle.add(start, length), calendar.add(start, f"{length} business minutes"))
        agree(oracle.subtract(end, length), calendar.subtract(end, f"{length} business minutes"))
        agree(oracle.next_open(start), calendar.next_open(start))
        agree(oracle.next_close(start), calendar.next_close(start))
        count = data.draw(st.integers(0, 4))
        close, same = oracle.business_day(start, count)
        agree(close, calendar.add(start, f"{count} business days"))
        agree(same, calendar.add(start, f"{count} business days at same time"))


def agree(walked: datetime | None, ours: datetime | None) -> None:
    """What the walk finds well inside its bounds is what ours says."""
    if walked is not None:
        assert ours == walked


def test_the_walk_itself_finds_what_is_known() -> None:
    """A night shift of seven hours, and a Friday that was not."""
    nights = Plan("America/New_York", (((1320, 1800),),) * 7)
    start = datetime(2024, 3, 10, 2, tzinfo=UTC)
    assert Oracle(nights, date(2024, 3, 9), 3).elapsed(start, start + timedelta(hours=10)) == timedelta(hours=7)
    days = Oracle(Plan("Pacific/Apia", (((540, 1020),),) * 7), date(2011, 12, 28), 5)
    assert {day.day for day, _, _ in days.shifts if day.month == 12} >= {28, 29, 31}
    assert date(2011, 12, 30) not in {day for day, _, _ in days.shifts}
