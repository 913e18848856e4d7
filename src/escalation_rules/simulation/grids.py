"""Rows that cases leave as they go, and rows that are taken together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules.conditions import OUTCOMES
from escalation_rules.simulation.columns.facts import Ints

__all__ = ["Left", "by_turns", "starts_of"]

NEVER = np.iinfo(np.int64).max
LONG_AGO = -1
NONE = -1
NOT_STARTED, PENDING, MET, BREACHED, VOID = range(len(OUTCOMES))


class Left:
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


def by_turns(owner: NDArray[Any]) -> Iterator[Ints]:
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
