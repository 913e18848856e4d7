"""A line of open time for many instants at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules.worktime import Calendar, Span
from escalation_rules.worktime._timeline import Continuous, OpenLine

__all__ = ["Bulk", "leave", "reach"]


Ints = NDArray[np.int64]
_MOST = 1 << 20
"""How many buckets a ruler may have."""


class _Ruler:
    """How many of some sorted marks come before a point, in one look: its bucket knows, but for the mark within.

    That is right where no bucket holds two marks, so a bucket is as wide as the marks are apart, or narrower. Where
    that would make too many buckets, the marks are searched. Points are not before `origin`.
    """

    def __init__(self, marks: Ints, origin: int, end: int, side: str) -> None:
        later = marks[marks >= origin]
        apart = int(np.diff(later).min()) if len(later) > 1 else max(end - origin, 1)
        self.marks, self.origin, self.side = marks, origin, side
        self.shift = max(apart, 1).bit_length() - 1
        count = ((end - origin) >> self.shift) + 1
        self.before: Ints | None = None
        if count <= _MOST:
            starts = origin + (np.arange(count) << self.shift)
            self.before = np.searchsorted(marks, starts, side=side)  # type: ignore[call-overload]
        self.upper = np.r_[marks, np.iinfo(np.int64).max]

    def place(self, points: Ints) -> Ints:
        """How many marks are before each point; with the side `right`, or just at it."""
        if self.before is None:
            return np.searchsorted(self.marks, points, side=self.side)  # type: ignore[call-overload, no-any-return]
        place: Ints = self.before[(points - self.origin) >> self.shift]
        mark = self.upper[place]
        place += (mark <= points) if self.side == "right" else (mark < points)
        return place


class _Reading(NamedTuple):
    """What was read of a line: right for instants from `low` up to `high`, and for open time after `first` to `last`.

    Before window i there are `sums[i]` of open time. After the opening of i windows, as long as the last is open, open
    time is `shifts[i]` more than the instant.
    """

    low: int
    high: int
    first: int
    last: int
    sums: Ints
    shifts: Ints
    by_instant: _Ruler
    by_opened: _Ruler


class Bulk:
    """A line over arrays; of a line that is always open, or of none, open time is the instant itself."""

    def __init__(self, line: Continuous | OpenLine | None) -> None:
        self.line = line if isinstance(line, OpenLine) else None
        self._known: _Reading | None = None

    def opened(self, instants: Ints) -> Ints:
        """Open time so far at each instant."""
        if self.line is None or not len(instants):
            return instants
        low, high, known = int(instants.min()), int(instants.max()), self._known
        if known is None or low < known.low or high >= known.high:
            self.line.opened(low)
            known = self._read(self.line, high)
        place = known.by_instant.place(instants)
        found: Ints = known.shifts[place]
        found += instants
        return np.minimum(found, known.sums[place], out=found)

    def earliest(self, opened: Ints) -> Ints:
        """The first instant by which so much open time has passed."""
        if self.line is None or not len(opened):
            return opened
        low, high, known = int(opened.min()), int(opened.max()), self._known
        if known is None or low <= known.first or high > known.last:
            self.line.earliest(low)
            known = self._read(self.line, self.line.earliest(high))
        found: Ints = opened - known.shifts[known.by_opened.place(opened)]
        return found

    def latest(self, opened: Ints) -> Ints:
        """The last instant at which no more than so much open time has passed: just before there is more."""
        return self.earliest(opened + 1) - 1

    def _read(self, line: OpenLine, instant: int) -> _Reading:
        low, high, opens, sums, _, _ = line.stretch(instant, instant)
        starts, before = np.array(opens, np.int64), np.array(sums, np.int64)
        first, last = line.opened(low), line.opened(high - 1)
        by_instant = _Ruler(starts, low, high, "right")
        by_opened = _Ruler(before, first + 1, last, "left")
        # one assignment, so that a plan may serve several threads
        shifts = np.append(0, before[: len(starts)] - starts)
        self._known = _Reading(low, high, first, last, before, shifts, by_instant, by_opened)
        return self._known


def reach(calendar: Calendar, starts: Ints, span: Span) -> Ints:
    """Where a span in days ends, for each start."""
    return _each(lambda start: calendar.reach(start, span), starts)


def leave(calendar: Calendar, ends: Ints, span: Span) -> Ints:
    """Where a span begins that ends at each of these instants, so that no less is left of it then."""
    return _each(lambda end: calendar.leave(end, span), ends)


def _each(ask: Callable[[int], int], instants: Ints) -> Ints:
    """What is asked of one instant after the other is asked once of each."""
    known, places = np.unique(instants, return_inverse=True)
    found: Any = np.array([ask(instant) for instant in known.tolist()], np.int64)
    return found[places]  # type: ignore[no-any-return]
