"""Axes: what can be told of a case, each with its cells, and which cells of two axes cannot go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple, cast

from escalation_rules.analysis.solver import Formula, any_of

__all__ = ["DURATION", "ELAPSED", "Axis", "Key", "Measure", "clauses"]

Key = tuple[Any, ...]
"""A fact, and what it is asked about. What is no fact begins with a tuple, which no fact is named."""
Measure = tuple[Any, ...]
"""A scale on which time counts."""
DURATION = ("duration",)
"""How the key of a duration begins: then comes what it counts from, and its measure."""
ELAPSED = ("elapsed",)
"""The measure of time that no calendar interrupts."""


class Axis(NamedTuple):
    """A fact in its context, and its cells, the simplest first."""

    key: Key
    cells: tuple[Any, ...]

    @property
    def full(self) -> int:
        """The mask of all cells."""
        return (1 << len(self.cells)) - 1

    def where(self, test: Any) -> int:
        """The mask of the cells that pass a test."""
        return sum(1 << number for number, cell in enumerate(self.cells) if test(cell))


def clauses(axes: Sequence[Axis]) -> Iterator[tuple[int, int, Formula]]:
    """Pairs of axes that depend on one another, with what holds of both in every case."""
    for (one, first), (other, second) in product(enumerate(axes), repeat=2):
        if one != other:
            for clause in _implied(first, second):
                yield one, other, any_of((_outside(one, first, clause[0]), _within(other, second, clause[1])))


def _within(number: int, axis: Axis, mask: int) -> Formula:
    return mask == axis.full if mask in {0, axis.full} else (number, mask)


def _outside(number: int, axis: Axis, mask: int) -> Formula:
    return _within(number, axis, axis.full & ~mask)


def _implied(first: Axis, second: Axis) -> Iterator[tuple[int, int]]:
    """Masks of the first axis that each put the second into a mask."""
    if first.key[0] == second.key[0] == DURATION:
        yield from _longer(first, second)
    elif first.key[0] == second.key[0] == "happened" and first.key[2] == second.key[2]:
        if first.key[1] <= second.key[1]:
            yield first.where(bool), second.where(bool)
    elif first.key == ("escalation_requested",) and second.key == ("escalations",):
        yield first.where(bool), second.where(lambda cell: cell >= _below(second, 1))
    elif first.key[0] == DURATION and first.key[1][0] == "past_due" and second.key == ("deadline", first.key[1][1]):
        yield first.where(lambda cell: cell > 0), second.where(lambda cell: cell == "breached")


def _below(axis: Axis, value: int) -> Any:
    """The cell that contains a value."""
    return max(cell for cell in axis.cells if cell <= value)


def _longer(first: Axis, second: Axis) -> Iterator[tuple[int, int]]:
    """So much on the first axis is at least as much on the second: it began no later, and no less time counts there.

    Only open time counts in business hours, so they never exceed what has elapsed.
    """
    (_, anchor, measure), (_, other, scale) = cast(Any, first.key), cast(Any, second.key)
    earlier = anchor == other or (anchor[0] in {"at_level_for", "since_update"} and other == ("open_for",))
    if anchor[0] == "time_left" or not earlier or not _comparable(measure, scale):
        return
    for least in first.cells[1:]:
        reached = _below(second, least)
        yield first.where(lambda cell, least=least: cell >= least), second.where(lambda cell, r=reached: cell >= r)


def _comparable(measure: Measure, scale: Measure) -> bool:
    if measure == scale:
        return measure[0] in {"elapsed", "business"} or measure[2:] == ("close",)
    return measure[0] == "business" and scale == ELAPSED
