"""Tests of a program for arrays: how each is turned into tables and masks, and what is not supported.

The tests are those of the program. Two kinds are split first, so that each test here changes at most once between two
events: a test of levels on several tracks into one for each, and a test of less time left than a span into that and a
test that the clock is not past due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules.conditions import OUTCOMES
from escalation_rules.fact_table import FACTS, Kept
from escalation_rules.patterns import Pattern
from escalation_rules.picks import picked
from escalation_rules.program.model import (
    DurationTest,
    HappenedTest,
    LevelTest,
    OutcomeTest,
    OverdueItemsTest,
    PickedTest,
    Program,
    Test,
    TimeLeftTest,
    Tree,
    ValueTest,
)
from escalation_rules.worktime import BusinessCalendar


class Unsupported(Exception):
    """A policy or case that the vectorised replay does not support; it is replayed one by one. `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SplitTests:
    """The tests of a program that some trees read, by number, with those that come from splitting.

    `most` is the highest number that a test of a count of the library names.
    """

    def __init__(self, program: Program, *, raises: bool) -> None:
        self.program, self.raises = program, raises
        self.tests: list[Test] = list(program.tests)
        self.most = 0
        self._trees: dict[int, Tree] = {}
        self._numbers: dict[Test, int] = {}

    def tree(self, tree: Tree) -> Tree:
        """Return a tree over tests that are supported and split. Raises `Unsupported`."""
        if isinstance(tree, int):
            if tree not in self._trees:
                self._trees[tree] = self._split(tree, self.program.tests[tree])
            return self._trees[tree]
        if not tree[1]:
            raise Unsupported("a condition without parts")
        return tree[0], tuple(self.tree(part) for part in tree[1])

    def _split(self, number: int, test: Test) -> Tree:
        self._check(test)
        if isinstance(test, LevelTest) and len(test.places) > 1:
            parts = tuple(self._number(LevelTest((place,), test.wanted)) for place in test.places)
            return "any" if test.wanted else "all", parts
        if isinstance(test, TimeLeftTest) and not test.wanted:  # after the due instant, no time is left
            return "all", (number, self._number(TimeLeftTest(test.target, None, _ALWAYS, wanted=True)))
        return number

    def _number(self, test: Test) -> int:
        if test not in self._numbers:
            self._numbers[test] = len(self.tests)
            self.tests.append(test)
        return self._numbers[test]

    def _check(self, test: Test) -> None:
        """Note the constants of a test. Raises `Unsupported`."""
        if isinstance(test, OverdueItemsTest):
            raise Unsupported("a condition on overdue items of the action plan")
        if isinstance(test, HappenedTest) and any(is_odd(pattern) for pattern in test.patterns):
            raise Unsupported("a condition on events by id, instant, rules or snapshot")
        if isinstance(test, PickedTest):
            if isinstance(test.about, str):
                raise Unsupported("a picked duration before or after a due instant")
            if self.raises and "priority" in test.choices.by:
                raise Unsupported("a duration picked by a priority that rules raise")
        if isinstance(test, ValueTest) and test.fact in FACTS:
            row = FACTS[test.fact]
            if isinstance(row.source, Kept) and row.source.part == "plan":
                raise Unsupported("a condition on the action plan")
            if row.kind == "count":
                self.most = max(self.most, *(test.value if isinstance(test.value, tuple) else (test.value,)))


_ALWAYS = BusinessCalendar.always()


def choose(test: PickedTest, values: Mapping[str, Any]) -> DurationTest | None:
    """Return the test that is picked by some values of facts; None if the pick gives no span."""
    chosen = test.choices.choose(lambda given: picked(given, values))
    return chosen if isinstance(chosen, DurationTest) else None


def outcome_table(test: OutcomeTest) -> NDArray[np.bool_]:
    """Return a mask of the outcomes for which a test is true, in the order of `OUTCOMES`."""
    return np.array([name in test.outcomes for name in OUTCOMES])


def is_odd(pattern: Pattern) -> bool:
    """Return whether a pattern is of snapshots, or reads fields that templates do not have."""
    return pattern.event == "Reconciled" or bool({"at", "id", "rules"} & set(pattern.where))


def held(tree: Tree, leaf: Callable[[int], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Evaluate a condition vectorised, given the masks of its tests."""
    if isinstance(tree, int):
        return leaf(tree)
    combine = np.logical_and if tree[0] == "all" else np.logical_or
    truth = held(tree[1][0], leaf)
    for part in tree[1][1:]:
        truth = combine(truth, held(part, leaf))
    return truth
