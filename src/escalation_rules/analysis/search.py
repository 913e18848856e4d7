"""Finite-domain search: whether some choice of cells makes a formula hold.

A formula is True, False, a literal `(axis, mask)`, which says that the axis is in one of the mask's cells, or
`("all" | "any", parts)`. The search is complete: it narrows by literals that must hold, splits on the others, and
ends, because every step makes some axis smaller. It counts its steps (a step looks at one part of a formula), and
gives up when a budget of them is spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["Formula", "OutOfBudget", "Search", "all_of", "any_of", "axes_of"]

Formula = Any
"""True, False, (axis, mask), or ("all" | "any", tuple of formulas)."""


class OutOfBudget(Exception):
    """The steps are spent, and nothing is known."""


def all_of(parts: Iterable[Formula]) -> Formula:
    """The formula that holds where all of these do."""
    return _joined("all", parts, neutral=True)


def any_of(parts: Iterable[Formula]) -> Formula:
    """The formula that holds where one of these does."""
    return _joined("any", parts, neutral=False)


def _joined(kind: str, parts: Iterable[Formula], *, neutral: bool) -> Formula:
    kept: list[Formula] = []
    for part in parts:
        if part is neutral:
            continue
        if part is (not neutral):
            return part
        kept += part[1] if part[0] == kind else (part,)
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else (kind, tuple(kept))


def axes_of(formula: Formula) -> set[int]:
    """The axes that a formula looks at."""
    found: set[int] = set()
    pending = [formula]
    while pending:
        one = pending.pop()
        if isinstance(one, bool):
            continue
        if isinstance(one[0], int):
            found.add(one[0])
        else:
            pending += one[1]
    return found


class Search:
    """A search with a budget of steps, over axes with so many cells each."""

    def __init__(self, sizes: Sequence[int], budget: int) -> None:
        self._full = [(1 << size) - 1 for size in sizes]
        self.budget = budget
        self.steps = 0

    def solve(self, formula: Formula) -> list[int] | None:
        """For each axis the mask of cells that are left to choose from, any of which will do; None if there are none.

        Raises `OutOfBudget`.
        """
        pending = [(formula, list(self._full))]
        while pending:
            left, domains = self._narrowed(*pending.pop())
            if left is True:
                return domains
            if left is not False:
                pending += self._branches(left, domains)
        return None

    def _narrowed(self, formula: Formula, domains: list[int]) -> tuple[Formula, list[int]]:
        """The formula and the domains once every literal that must hold has been put into the domains."""
        while True:
            formula = self._simplified(formula, domains)
            literals = [] if isinstance(formula, bool) else _musts(formula)
            if not literals:
                return formula, domains
            for axis, mask in literals:
                domains[axis] &= mask

    def _branches(self, formula: Formula, domains: list[int]) -> list[tuple[Formula, list[int]]]:
        """One of its alternatives holds: the first (tried first), or one of the others while the first does not."""
        choices = [formula] if formula[0] == "any" else sorted(formula[1], key=lambda one: len(one[1]))
        (_, (first, *others)), rest = choices[0], choices[1:]
        outside = list(domains)
        if _is_literal(first):
            outside[first[0]] &= ~first[1]
        return [(all_of((any_of(others), *rest)), outside), (all_of((first, *rest)), domains)]

    def _simplified(self, formula: Formula, domains: Sequence[int]) -> Formula:
        """What is left of a formula where the axes are in these domains."""
        if isinstance(formula, bool):
            return formula
        self.steps += 1
        if self.steps > self.budget:
            raise OutOfBudget
        kind, parts = formula
        if isinstance(kind, int):
            held = domains[kind] & parts
            return bool(held) if held in {0, domains[kind]} else formula
        stop = kind == "any"
        kept = []
        for part in parts:
            left = self._simplified(part, domains)
            if left is stop:
                return stop
            kept.append(left)
        return (any_of if stop else all_of)(kept)


def _is_literal(formula: Formula) -> bool:
    return isinstance(formula[0], int)


def _musts(formula: Formula) -> list[Formula]:
    """The literals without which a formula does not hold."""
    if _is_literal(formula):
        return [formula]
    return [one for one in formula[1] if _is_literal(one)] if formula[0] == "all" else []
