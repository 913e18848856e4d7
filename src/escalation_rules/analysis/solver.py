"""Finite-domain search: whether some choice of values makes a formula true.

A formula is True, False, a literal `(axis, mask)`, which says that the axis is in one of the mask's cells, or
`("all" | "any", parts)`. The search is complete: it narrows by literals that must hold, splits on the others, and
ends, because every step makes some axis smaller. It counts its steps (one for each part of a formula that it may have
to look at), and gives up when a budget of them is spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

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
        kept.append(part)
    return _only(kind, kept, neutral=neutral)


def _only(kind: str, parts: list[Formula], *, neutral: bool) -> Formula:
    """The formula of parts none of which is true or false; those of the same kind are taken apart."""
    if not parts:
        return neutral
    if len(parts) == 1:
        return parts[0]
    flat: list[Formula] = []
    for part in parts:
        if part[0] == kind:
            flat += part[1]
        else:
            flat.append(part)
    return kind, tuple(flat)


def axes_of(formula: Formula) -> set[int]:
    """The axes that a formula looks at."""
    found: set[int] = set()
    pending = [formula]
    while pending:
        one = pending.pop()
        if one is True or one is False:
            continue
        if one[0].__class__ is int:
            found.add(one[0])
        else:
            pending += one[1]
    return found


def holds_at(formula: Formula, point: Sequence[int]) -> bool:
    """Whether a formula holds where each axis is in the one cell of its mask."""
    if formula is True or formula is False:
        return bool(formula)
    kind, parts = formula
    if kind.__class__ is int:
        return bool(point[kind] & parts)
    stop = kind == "any"
    return stop if any(holds_at(part, point) is stop for part in parts) else not stop


class Solver:
    """A search with a budget of steps, over axes with so many cells each."""

    def __init__(self, sizes: Sequence[int], budget: int) -> None:
        self._full = [(1 << size) - 1 for size in sizes]
        self.budget = budget
        self.steps = 0

    def solve(self, formula: Formula, within: Sequence[int] | None = None) -> list[int] | None:
        """For each axis the mask of cells that are left to choose from, any of which will do; None if there are none.

        The choice is made among all cells, or among those `within` these masks. Raises `OutOfBudget`.
        """
        pending = [(formula, list(self._full if within is None else within))]
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
            literals = [] if formula is True or formula is False else _musts(formula)
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
        if formula is True or formula is False:
            return formula
        kind, parts = formula
        if kind.__class__ is int:
            self._take(1)
            return _left_of(formula, domains)
        self._take(len(parts))
        stop, kept = kind == "any", []
        for part in parts:
            # literals are by far the most of it, so they are looked at here, without another call for each
            left = _left_of(part, domains) if part[0].__class__ is int else self._simplified(part, domains)
            if left is stop:
                return stop
            if left is not (not stop):
                kept.append(left)
        return _only(kind, kept, neutral=not stop)

    def _take(self, steps: int) -> None:
        self.steps += steps
        if self.steps > self.budget:
            raise OutOfBudget


def _left_of(literal: Formula, domains: Sequence[int]) -> Formula:
    """A literal, or what it comes to where its axis is in this domain."""
    domain = domains[literal[0]]
    held = domain & literal[1]
    return literal if held and held != domain else held != 0


def _is_literal(formula: Formula) -> bool:
    return formula[0].__class__ is int


def _musts(formula: Formula) -> list[Formula]:
    """The literals without which a formula does not hold."""
    if _is_literal(formula):
        return [formula]
    return [one for one in formula[1] if _is_literal(one)] if formula[0] == "all" else []
