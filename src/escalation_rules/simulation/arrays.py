"""Cases with instants as single numbers, in order, and what a case had come to by an instant.

Also what else is asked of arrays as long as all events, in the way that takes the least time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BITS", "WIDTH", "Keys", "distinct", "either", "toggled"]


Ints = NDArray[np.int64]

BITS, WIDTH = 12, 48
"""How many bits have the position of an event in its history, and an instant counted from the first of the batch."""


class Keys:
    """Keys in order (`(case << WIDTH) + instant`), of some cases from 0 on.

    The keys of one case are few, so the search begins at the case and is done in steps of half the length, for all that
    is sought at once: a fraction of what a search through all keys takes.
    """

    def __init__(self, keys: Ints, cases: int) -> None:
        counts = np.bincount(keys >> WIDTH, minlength=cases)
        rounds = int(counts.max(initial=0)).bit_length()
        self.before = np.cumsum(counts) - counts
        self.steps = [1 << number for number in reversed(range(rounds))]
        self.keys = np.append(keys, np.full(1 << rounds, np.iinfo(np.int64).max))

    def as_of(self, keys: Ints) -> Ints:
        """The place of the last key of the case up to another; if it has none, of the last of the cases before it."""
        count: Ints = self.before[keys >> WIDTH]  # of the keys up to there
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
