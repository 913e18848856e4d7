"""A line of open time for many instants at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules.worktime import Calendar, Span
from escalation_rules.worktime._timeline import Continuous, OpenLine

__all__ = ["Bulk", "reach"]

Ints = NDArray[np.int64]


class Bulk:
    """A line over arrays; of a line that is always open, or of none, open time is the instant itself."""

    def __init__(self, line: Continuous | OpenLine | None) -> None:
        self.line = line if isinstance(line, OpenLine) else None
        self.low = self.high = self.first = self.last = 0
        self.opens = self.sums = np.zeros(0, np.int64)

    def opened(self, instants: Ints) -> Ints:
        """Open time so far at each instant."""
        if self.line is None or not len(instants):
            return instants
        low, high = int(instants.min()), int(instants.max())
        if low < self.low or high >= self.high:
            self.line.opened(low)
            self._read(self.line, high)
        place = np.searchsorted(self.opens, instants, side="right")
        found: Ints = np.minimum(self.sums[place - 1] + instants - self.opens[place - 1], self.sums[place])
        return found

    def earliest(self, opened: Ints) -> Ints:
        """The first instant by which so much open time has passed."""
        if self.line is None or not len(opened):
            return opened
        low, high = int(opened.min()), int(opened.max())
        if low <= self.first or high > self.last:
            self.line.earliest(low)
            self._read(self.line, self.line.earliest(high))
        place = np.searchsorted(self.sums, opened, side="left") - 1
        found: Ints = self.opens[place] + opened - self.sums[place]
        return found

    def _read(self, line: OpenLine, instant: int) -> None:
        stretch = line.stretch(instant, instant)
        self.low, self.high = stretch.low, stretch.high
        self.opens, self.sums = np.array(stretch.opens, np.int64), np.array(stretch.sums, np.int64)
        self.first, self.last = line.opened(stretch.low), line.opened(stretch.high - 1)


def reach(calendar: Calendar, starts: Ints, span: Span) -> Ints:
    """Where a span in days ends, for each start; every start is asked once."""
    known, places = np.unique(starts, return_inverse=True)
    found: Any = np.array([calendar.reach(start, span) for start in known.tolist()], np.int64)
    return found[places]  # type: ignore[no-any-return]
