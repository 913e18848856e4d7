"""What is known to hold, as bits: the comparisons of a policy, and how those that turn together are kept.

A *when* is an instant with the position of an event in the history, as one number: `(instant << BITS) + position`.
Position 0 is a crossing, which comes before the events of its instant. A *point* is an instant's coordinate on a line
of open time; most comparisons are between points, so a calendar is asked once an instant and not once a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = [
    "ACKNOWLEDGED",
    "AGREED",
    "ASSIGNED",
    "BITS",
    "COUNTED",
    "CYCLE",
    "EVERYTHING",
    "FAILED",
    "FIRST_CLOCK",
    "LEVEL",
    "LONG_AGO",
    "NEVER",
    "OWN_FACT",
    "PLANNED",
    "PRIORITY",
    "REMEMBERED",
    "REQUESTED",
    "SEEN",
    "SHOWN",
    "STATUS",
    "UNANSWERED",
    "UPDATED",
    "Comparison",
    "Crossing",
    "Dial",
    "Face",
    "Gauge",
    "Look",
    "Reach",
    "Share",
    "Tree",
]


BITS = 20
LONG_AGO = -(1 << 90)
NEVER = 1 << 90
REMEMBERED = 1_000
"""How many answers to one question a program remembers, however many it is asked."""

# What an event may change. Comparisons and targets say which of these they look at.
PRIORITY = 1 << 0
LEVEL = 1 << 1
STATUS = 1 << 2
CYCLE = 1 << 3
UNANSWERED = 1 << 4
UPDATED = 1 << 5
ASSIGNED = 1 << 6
ACKNOWLEDGED = 1 << 7
FAILED = 1 << 8
REQUESTED = 1 << 9
COUNTED = 1 << 10
PLANNED = 1 << 11
OWN_FACT = 1 << 12
SEEN = 1 << 13
AGREED = 1 << 14
SHOWN = PRIORITY | LEVEL | STATUS | CYCLE | OWN_FACT
"""What others than the rules see of a case: where it stands, and what roles are picked by."""
FIRST_CLOCK = 1 << 15
"""From here on, each key of a target has a bit, which says that one of its clocks has changed."""
EVERYTHING = (1 << 200) - 1

Crossing = tuple[int, int]
"""A line's number and a point on it."""
Look = tuple[bool, Crossing | None]
"""Whether a comparison holds now, and where it may next change by itself."""


@dataclass(slots=True)
class Comparison:
    """An atom in normal form, in the context of its rule, as one bit.

    `holds` says whether it is known to hold now; `look`, for what changes as time passes, also where it next may.
    Evidence of a comparison with `seen` is the latest event that matched; with `silent` there is none. `slot` is where
    it keeps the next point at which time alone may change it, if it is not on a gauge.
    """

    number: int
    looks_at: int
    holds: Callable[[Any], bool]
    look: Callable[[Any], Look] | None = None
    seen: int | None = None
    silent: bool = False
    slot: int = -1


@dataclass(slots=True)
class Dial:
    """A fact that has one value at a time, and its comparisons, whose bits the value alone decides."""

    looks_at: int
    value: Callable[[Any], Hashable]
    comparisons: list[Comparison] = field(default_factory=list)
    mask: int = 0
    table: dict[Hashable, int] = field(default_factory=dict)

    def bits(self, state: Any, value: Hashable) -> int:
        """The bits of the comparisons that hold of a value; what was worked out once is remembered."""
        found = self.table.get(value)
        if found is None:
            found = sum(1 << one.number for one in self.comparisons if one.holds(state))
            if len(self.table) < REMEMBERED:
                self.table[value] = found
        return found


class Reach(NamedTuple):
    """A duration of a fixed length on one line, since an anchor: whether it is reached, or (not `wanted`) is not yet.

    Durations with one `key` have one anchor.
    """

    key: Hashable
    anchor: Callable[[Any], int | None]
    line: int
    length: int
    wanted: bool


@dataclass(slots=True)
class Gauge:
    """The comparisons of one duration on one line: time since the anchor reaches their lengths one after the other.

    `bits[n]` are those that hold when n of the `lengths` are reached. No time at all reaches the first `initial`.
    """

    number: int
    looks_at: int
    line: int
    anchor: Callable[[Any], int | None]
    lengths: tuple[int, ...]
    bits: tuple[int, ...]
    mask: int
    initial: int


class Share(NamedTuple):
    """Comparisons with one share of a clock's budget: the bits of those that hold once it is used, and of those before.

    `slot` is where the instant waits at which it will be.
    """

    slot: int
    up: int
    down: int
    used: int
    before: int


@dataclass(slots=True)
class Face:
    """The comparisons of the latest clock of one target, whose bits its outcome and the time it has counted decide.

    `outcomes` has the bits of those that hold of each outcome; `slot` is where the breach waits, if any are of it;
    `lines` are where it and the shares may wait.
    """

    key: str
    looks_at: int
    mask: int
    lines: tuple[int, ...]
    outcomes: Mapping[str, int]
    slot: int | None
    shares: tuple[Share, ...]


Tree = int | tuple[str, tuple["Tree", ...]]
"""A condition in normal form: the number of a comparison, or ("all" | "any", parts)."""
