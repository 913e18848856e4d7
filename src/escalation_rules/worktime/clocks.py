"""`Clock`: time counted against a budget, leg by leg, with its pauses.

A leg lasts until the next begins. It counts open time in its calendar (all time without one), or nothing while
paused, so a change of calendar or priority keeps what was counted before, in the calendar that was then in force.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from escalation_rules._values import Instant, InstantLike, Value, read_instant
from escalation_rules.worktime._timeline import (
    CONTINUOUS,
    Continuous,
    OpenLine,
    Segment,
    datetime_of,
    microseconds_of,
    segment,
)
from escalation_rules.worktime.calendars import AnyCalendar

__all__ = ["Clock", "Leg", "Segment"]


class Leg(Value):
    """A part of a clock's course from `since` on. `paused` says what is waited for, if nothing is counted."""

    since: Instant
    calendar: AnyCalendar | None = None
    paused: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self, since: InstantLike, calendar: AnyCalendar | None = None, paused: str | None = None
        ) -> None: ...


class _Course(NamedTuple):
    """A leg in whole microseconds, up to where it ends."""

    start: int
    end: int
    leg: Leg

    @property
    def line(self) -> Continuous | OpenLine:
        """The line it counts on."""
        return self.leg.calendar.line if self.leg.calendar else CONTINUOUS

    @property
    def counted(self) -> int:
        """What it counts."""
        return 0 if self.leg.paused else self.line.opened(self.end) - self.line.opened(self.start)


class Clock(Value):
    """A budget of counted time and the legs in which it is used up; `stopped_at` ends the last of them.

    What is used up exactly at closing time is due then, or, without `at_close`, when the calendar opens again.

    >>> from datetime import datetime, timedelta, timezone
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> legs = (Leg(since=nine), Leg(since=nine + timedelta(hours=1), paused="customer"))
    >>> clock = Clock(legs=legs, budget=timedelta(hours=4))
    >>> clock.due_at is None, clock.remaining(nine.replace(hour=15)), clock.due_if_resumed(nine.replace(hour=15)).hour
    (True, datetime.timedelta(seconds=10800), 18)
    """

    legs: tuple[Leg, ...]
    budget: timedelta
    stopped_at: Instant | None = None
    at_close: bool = True

    if TYPE_CHECKING:

        def __init__(
            self,
            legs: Sequence[Leg],
            budget: timedelta | str,
            stopped_at: InstantLike | None = None,
            at_close: bool = True,
        ) -> None: ...

    @property
    def due_at(self) -> datetime | None:
        """When the budget is used up; None while the clock is paused before that, or if it was stopped before."""
        left = _whole(self.budget)
        if left == 0:
            return self.legs[0].since
        for course in self._courses(None):
            if left <= course.counted:
                due = self._reached(course.line, course.line.opened(course.start) + left)
                if due <= course.end:
                    return datetime_of(due)
            left -= course.counted
        last = self.legs[-1]
        return None if last.paused or self.stopped_at else self._from(last, microseconds_of(last.since), left)

    def counted(self, at: datetime) -> timedelta:
        """The time counted up to an instant."""
        return timedelta(microseconds=sum(course.counted for course in self._courses(at)))

    def remaining(self, at: datetime) -> timedelta:
        """What is left of the budget at an instant; negative once more than that has been counted."""
        return self.budget - self.counted(at)

    def due_if_resumed(self, at: datetime) -> datetime:
        """When it would be due if, from an instant on, nothing paused it any more."""
        left = _whole(self.remaining(at))
        if left <= 0 and self.due_at is not None:
            return self.due_at
        running = next((leg for leg in reversed(self.legs) if leg.paused is None), self.legs[-1])
        return self._from(running, microseconds_of(read_instant(at)), max(left, 0))

    def segments(self, at: datetime) -> tuple[Segment, ...]:
        """The time from the start up to an instant, cut into what was counted and what was not, and why."""
        return tuple(segment for course in self._courses(at) for segment in _segments(course))

    def _courses(self, at: datetime | None) -> Iterator[_Course]:
        """The legs up to an instant, or up to where the last one that has ended did."""
        starts = [microseconds_of(leg.since) for leg in self.legs]
        stop = None if self.stopped_at is None else microseconds_of(self.stopped_at)
        until = microseconds_of(read_instant(at)) if at is not None else (starts[-1] if stop is None else stop)
        until = until if stop is None else min(until, stop)
        for leg, start, end in zip(self.legs, starts, [*starts[1:], until], strict=True):
            if start < min(end, until):
                yield _Course(start, min(end, until), leg)

    def _from(self, leg: Leg, start: int, left: int) -> datetime:
        line = leg.calendar.line if leg.calendar else CONTINUOUS
        return datetime_of(self._reached(line, line.opened(start) + left) if left or not self.at_close else start)

    def _reached(self, line: Continuous | OpenLine, point: int) -> int:
        return line.earliest(point) if self.at_close else line.latest(point)


def _segments(course: _Course) -> tuple[Segment, ...]:
    if course.leg.paused:
        return (segment(course.start, course.end, False, f"waiting for {course.leg.paused}"),)
    if course.leg.calendar is None:
        return (segment(course.start, course.end, True, "running"),)
    return course.leg.calendar.segments_between(course.start, course.end)


def _whole(length: timedelta) -> int:
    return length // timedelta(microseconds=1)
