"""The timeline for arrays of instants: `add`, `elapsed`, open time. Needs the extra `simulation`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.worktime._timeline import Continuous, OpenLine, Stretch
from escalation_rules.worktime.spans import Span

if TYPE_CHECKING:
    from escalation_rules.worktime.calendars import Calendar


Whole = NDArray[np.int64]
Reach = Callable[[int, Span], int]
NOT_A_TIME = np.iinfo(np.int64).min
"""What numpy keeps for NaT."""


def elapsed(line: Continuous | OpenLine, starts: Any, ends: Any) -> NDArray[Any]:
    """Open time from each start to each end."""
    first, last = _read(starts), _read(ends)
    found = _opened(line, last) - _opened(line, first)
    if not _is_time(starts) and not _is_time(ends):
        return found
    return _with_gaps(found, (first == NOT_A_TIME) | (last == NOT_A_TIME)).view("timedelta64[us]")


def add(line: Continuous | OpenLine, reach: Reach, starts: Any, span: Span) -> NDArray[Any]:
    """Where each start gets to; `reach` says it of one, for what no array can tell."""
    first = _read(starts)
    known = first != NOT_A_TIME if _is_time(starts) else np.True_
    if known.all():
        return _written(_reached(line, reach, first, span), starts)
    found = np.full_like(first, NOT_A_TIME)
    found[known] = _reached(line, reach, first[known], span)
    return _written(found, starts)


def _reached(line: Continuous | OpenLine, reach: Reach, starts: Whole, span: Span) -> Whole:
    length = span.microseconds
    if length is not None and not span.is_business:
        return starts + length
    if length is not None:
        return _earliest(line, _opened(line, starts) + length) if length else starts.copy()
    found = [reach(start, span) for start in starts.ravel().tolist()]
    return np.array(found, np.int64).reshape(starts.shape)


def _read(given: Any) -> Whole:
    """The instants in microseconds."""
    array = np.asarray(given)
    if array.dtype.kind == "M":
        return array.astype("datetime64[us]").view(np.int64)
    if array.dtype.kind not in "iu":
        expected = "datetime64, or whole microseconds since 1970"
        raise InvalidValue(Problem("not an array of instants", array.dtype.name, expected=expected))
    return array.astype(np.int64, copy=False)


def _is_time(given: Any) -> bool:
    return np.asarray(given).dtype.kind == "M"


def _written(found: Whole, given: Any) -> NDArray[Any]:
    """The answers in the dtype of the question, which for datetime64 has at least microseconds."""
    if not _is_time(given):
        return found
    times = found.view("datetime64[us]")
    return times.astype(np.result_type(times.dtype, np.asarray(given).dtype), copy=False)


def _with_gaps(found: Whole, unknown: NDArray[np.bool_]) -> Whole:
    if unknown.any():
        found[unknown] = NOT_A_TIME
    return found


def _opened(line: Continuous | OpenLine, instants: Whole) -> Whole:
    known = instants[instants != NOT_A_TIME] if instants.size and instants.min() == NOT_A_TIME else instants
    if isinstance(line, Continuous) or not known.size:
        return instants
    opens, sums = _arrays(line.stretch(int(known.min()), int(known.max())))
    index = np.maximum(np.searchsorted(opens, instants, side="right"), 1)
    so_far: Whole = np.minimum((sums[:-1] - opens)[index - 1] + instants, sums[index])
    return so_far


def _earliest(line: Continuous | OpenLine, opened: Whole) -> Whole:
    if isinstance(line, Continuous) or not opened.size:
        return opened
    first, last = line.earliest(int(opened.min())), line.earliest(int(opened.max()))
    opens, sums = _arrays(line.stretch(first, last))
    found: Whole = (opens - sums[:-1])[np.searchsorted(sums, opened, side="left") - 1] + opened
    return found


def _arrays(stretch: Stretch) -> tuple[Whole, Whole]:
    return np.asarray(stretch.opens, np.int64), np.asarray(stretch.sums, np.int64)


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


class _KnownStretch(NamedTuple):
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
        self._known: _KnownStretch | None = None

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

    def _read(self, line: OpenLine, instant: int) -> _KnownStretch:
        low, high, opens, sums, _, _ = line.stretch(instant, instant)
        starts, before = np.array(opens, np.int64), np.array(sums, np.int64)
        first, last = line.opened(low), line.opened(high - 1)
        by_instant = _Ruler(starts, low, high, "right")
        by_opened = _Ruler(before, first + 1, last, "left")
        # one assignment, so that a plan may serve several threads
        shifts = np.append(0, before[: len(starts)] - starts)
        self._known = _KnownStretch(low, high, first, last, before, shifts, by_instant, by_opened)
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
