"""Arrays over many cases: types, sentinels, a sorted index of (case, instant), a row buffer.

Also what else is asked of arrays as long as all events, in the way that takes the least time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules.conditions import OUTCOMES

NAT = np.iinfo(np.int64).min
"""An instant that is not known. It is also what numpy takes for one that is not a time."""

Ints = NDArray[np.int64]
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Lane(NamedTuple):
    """Different clocks or cases, by their rows, each with the last event of its case and the present instant.

    All clocks there are, in order, are the rows of a slice, so that arrays are read and written without a copy.
    """

    row: Any
    place: NDArray[Any]
    now: Ints

    def where(self, chosen: NDArray[Any]) -> Lane:
        """Some of them."""
        return Lane(self.rows(chosen), self.place[chosen], self.now[chosen])

    def rows(self, chosen: Any) -> Any:
        """The rows of some of them."""
        return chosen if isinstance(self.row, slice) else self.row[chosen]


EVENT_BITS, INSTANT_BITS = 12, 48
"""How many bits have the position of an event in its history, and an instant counted from the first of the batch."""


class CaseTimeIndex:
    """Keys in order (`(case << WIDTH) + instant`), of some cases from 0 on.

    The keys of one case are few, so the search begins at the case and is done in steps of half the length, for all that
    is sought at once: a fraction of what a search through all keys takes.
    """

    def __init__(self, keys: Ints, cases: int) -> None:
        counts = np.bincount(keys >> INSTANT_BITS, minlength=cases)
        rounds = int(counts.max(initial=0)).bit_length()
        self.before = np.cumsum(counts) - counts
        self.steps = [1 << number for number in reversed(range(rounds))]
        self.keys = np.append(keys, np.full(1 << rounds, np.iinfo(np.int64).max))

    def as_of(self, keys: Ints) -> Ints:
        """The place of the last key of the case up to another; if it has none, of the last of the cases before it."""
        count: Ints = self.before[keys >> INSTANT_BITS]  # of the keys up to there
        for step in self.steps:
            count += (self.keys[step - 1 :][count] <= keys) * step
        count -= 1
        return count


def distinct(*keys: Ints) -> Ints:
    """All keys, each once, in order."""
    found = np.sort(np.concatenate(keys))
    fresh = np.ones(len(found), np.bool_)
    np.not_equal(found[1:], found[:-1], out=fresh[1:])
    return found[np.flatnonzero(fresh)]


def toggled(places: Ints, values: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """What holds from each of some places on, for all places. Only where it turns is written, and then added up."""
    turns, found = values.copy(), np.zeros(size, np.bool_)
    turns[1:] ^= values[:-1]
    found[places] = turns
    return np.logical_xor.accumulate(found, out=found)


def either(where: NDArray[np.bool_], one: Any, other: Any) -> Any:
    """Whole numbers as `np.where` has them, in a third of its time if which of them it is cannot be foreseen."""
    return other + where * (one - other)


NEVER_64 = np.iinfo(np.int64).max
BEFORE_ANY = -1
NONE = -1
NOT_STARTED, PENDING, MET, BREACHED, VOID = range(len(OUTCOMES))


class RowBuffer:
    """The rows that cases leave, by column, in pieces."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.pieces: list[tuple[Any, ...]] = []

    def add(self, *columns: Any) -> None:
        """Some more rows."""
        self.pieces.append(columns)

    def columns(self) -> list[NDArray[Any]]:
        """All of them."""
        if not self.pieces:
            return [np.zeros(0, np.int64)] * self.count
        return [np.concatenate([piece[place] for piece in self.pieces]) for place in range(self.count)]


def starts_of(case: NDArray[Any], size: int) -> Ints:
    """Where the rows of each case start, and where those of the last end. Rows are by case."""
    found: Ints = np.r_[0, np.cumsum(np.bincount(case, minlength=size))]
    return found


def by_rank(owner: NDArray[Any]) -> Iterator[Ints]:
    """The first of the rows of each owner, then the second of each that has one, and so on. Rows are by owner."""
    if not len(owner):
        return
    fresh = np.r_[True, owner[1:] != owner[:-1]]
    place = np.arange(len(owner))
    turn = place - np.maximum.accumulate(place * fresh)
    order = np.argsort(turn.astype(np.uint16), kind="stable")  # so few bits are sorted by counting
    first = 0
    for size in np.bincount(turn).tolist():
        yield order[first : first + size]
        first += size
