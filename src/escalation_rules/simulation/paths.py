"""What cases were from when to when by what events and rules did: where they stood on a track, or their priority."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules.simulation.arrays import WIDTH, Keys, distinct, either
from escalation_rules.simulation.columns.facts import OPEN, Ints, Mask, States
from escalation_rules.simulation.encoding import LOST
from escalation_rules.simulation.grids import NONE

__all__ = ["Path", "Stays"]


class Stays(NamedTuple):
    """Stays on levels: since when (cases with instants), until when, on which, and the event that began the work."""

    keys: Ints
    left: Ints
    level: Ints
    place: Ints


class Path:
    """The levels of a track on which cases stood, from the `first` of each on, or other values that they had.

    `placed` and `moved` are what events and what rules did: case, instant and value.
    """

    def __init__(
        self, states: States, first: Ints, placed: tuple[NDArray[Any], ...], moved: tuple[NDArray[Any], ...]
    ) -> None:
        self.states, self.first = states, first
        case, at, level = (np.concatenate(pair) for pair in zip(placed, moved, strict=True))
        keys = states.key(case, at)
        order = np.argsort(keys, kind="stable")  # what events do comes before what rules do
        self.keys, self.values = keys[order], level[order]
        self.ordered = Keys(self.keys, states.size)

    def at(self, keys: Ints) -> Ints:
        """The values at instants, after all that happened at them."""
        case = keys >> WIDTH
        found: Ints = self.first[case]
        if len(self.keys):
            last = self.ordered.as_of(keys)
            moved = (last >= 0) & (self.keys[last] >> WIDTH == case)
            found = either(moved, self.values[last], found)
        return found

    def last(self) -> Ints:
        """The last value of each case."""
        found: Ints = self.first.copy()
        found[self.keys >> WIDTH] = self.values  # of several, the last is kept
        return found

    def stays(self, kept: Mask) -> Stays:
        """The stays of some cases. They begin or end where the case moves, begins a cycle or ends.

        What counts is how an instant leaves the case.
        """
        states = self.states
        breaks = distinct(states.turn_keys, self.keys)
        case, at, turn = breaks >> WIDTH, states.instants(breaks), states.turned_by(breaks)
        left = np.full(len(breaks), LOST)
        left[:-1] = np.where(case[1:] == case[:-1], at[1:], LOST)
        level, live = self.at(breaks), states.turns.values[turn] == OPEN
        rows = np.flatnonzero(live & (level != NONE) & kept[case])
        return Stays(breaks[rows], left[rows], level[rows], states.turns.places[turn[rows]])
