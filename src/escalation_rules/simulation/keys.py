"""Cases with instants as single numbers, in order, and what a case had come to by an instant."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BITS", "WIDTH", "Keys", "distinct", "either"]

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


def either(where: NDArray[np.bool_], one: Any, other: Any) -> Any:
    """Whole numbers as `np.where` has them, in a third of its time if which of them it is cannot be foreseen."""
    return other + where * (one - other)
