"""The rules that raise the priority of cases, and what each of them has asked for already."""

from __future__ import annotations

import numpy as np

from escalation_rules.simulation.columns.compile import Ruling
from escalation_rules.simulation.columns.facts import Ints, Mask, States
from escalation_rules.simulation.grids import LONG_AGO, NONE, Left

__all__ = ["Raising"]


class Raising:
    """Rules that raise the priority, by number; `done` is left when they did: case, instant and priority."""

    def __init__(self, states: States, rules: dict[int, Ruling]) -> None:
        self.rules = {number: rule for number, rule in rules.items() if rule.raises}
        self.done = Left(3)
        plan, words = states.script.plan, states.script.priorities
        self.top = len(plan.ranks) - 1
        self.ranks = np.array([plan.ranks.get(word, NONE) for word in words.words], np.int64)
        self.words = np.array([words.number(name) for name in plan.ranks], np.int64)
        self.asked = {number: _Asked(states.size) for number in self.rules}

    def wanted(self, number: int, priority: Ints, fresh: Mask) -> Ints:
        """The highest rank that a rule asks for, where it asks anew; else -1."""
        rank = self.ranks[priority]
        found = np.full(len(rank), NONE)
        for to in self.rules[number].raises:
            found = np.maximum(found, np.minimum(rank + 1, self.top) if to == NONE else to)
        return np.where(fresh, found, NONE)


class _Asked:
    """What one rule has asked for: once in a cycle because of one instant.

    Nearly always the last occurrence is the one that comes again, so only others are looked up.
    """

    def __init__(self, size: int) -> None:
        self.cycle, self.cause = np.zeros(size, np.int64), np.full(size, LONG_AGO)
        self.known: set[tuple[int, int, int]] = set()

    def anew(self, case: Ints, cycle: Ints, cause: Ints) -> Mask:
        """Which of some occurrences are asked for the first time; from now on none is."""
        found: Mask = (self.cycle[case] != cycle) | (self.cause[case] != cause)
        rows = np.flatnonzero(found)
        keys = zip(*(held[rows].tolist() for held in (case, cycle, cause)), strict=True)
        for row, key in zip(rows.tolist(), keys, strict=True):
            found[row] = key not in self.known
            self.known.add(key)
        self.cycle[case], self.cause[case] = cycle, cause
        return found
