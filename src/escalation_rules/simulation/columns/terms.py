"""The terms of targets in many cases: which variant applies after each event, with which picked values (rule 16)."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from escalation_rules.program.model import HappenedTest, LevelTest, Test, ValueTest, leaves
from escalation_rules.simulation.arrays import Ints, Mask
from escalation_rules.simulation.columns.atoms import held
from escalation_rules.simulation.columns.compile import VectorTarget
from escalation_rules.simulation.columns.conditions import dialed
from escalation_rules.simulation.columns.facts import EventFacts, RecordedMoves


class TargetTerms:
    """The number of a target's terms after each event (`codes`), and the events that may change it (`changes`).

    The terms are numbered by the picked values, and for each of these by the first variant that applies. If moves by
    rules may change which does, `codes` have the first of them, and `hanging` are the tests that depend on rules;
    `after` has the values of the other tests after each event. If rules raise the priority by which the terms are
    picked, the priority adds `stride` to the code for each of its numbers.
    """

    def __init__(self, states: EventFacts, records: RecordedMoves, group: VectorTarget) -> None:
        self.states, self.records, self.whens = states, records, group.whens
        plan, words = states.script.plan, states.script.words
        self.raises = plan.raises and "priority" in group.by
        self.others = group.by[self.raises :]
        self.hanging: dict[int, ValueTest | LevelTest | HappenedTest] = {}
        self.after: dict[int, Mask] = {}
        for k in dict.fromkeys(k for when in group.whens if when is not None for k in leaves(when)):
            self._add(k, plan.tests[k])
        self.hangs = self.raises or bool(self.hanging)
        self.codes: Ints = states.picked(self.others).values
        self.stride = prod(len(words[name]) for name in self.others) * self.raises * group.cases
        applies: Ints | None = None
        if group.cases > 1:
            self.codes = self.codes * group.cases
            if not self.hanging:
                applies = self.variant(self.after.__getitem__, len(states.at))
                self.codes = self.codes + applies
        self.changes = self._changes(applies)

    def variant(self, leaf: Callable[[int], Mask], size: int) -> Ints:
        """Return the number of the first variant that applies, given the masks of the tests; past the last if none."""
        # rule 16: of several targets with one key, the first whose `when` is true applies
        number: Ints = np.full(size, len(self.whens))
        for place in range(len(self.whens) - 1, -1, -1):
            when = self.whens[place]
            number = np.full(size, place) if when is None else np.where(held(when, leaf), place, number)
        return number

    def _add(self, k: int, test: Test) -> None:
        states = self.states
        if isinstance(test, HappenedTest) and test.patterns not in states.script.made_by_rules:
            self.after[k] = (self.records.seen(test.patterns) >= states.when(states.begun)) == test.wanted
        elif isinstance(test, ValueTest) and test.fact not in states.script.plan.moving:
            self.after[k] = states.spread(dialed(states, test))
        elif isinstance(test, ValueTest | LevelTest | HappenedTest):
            self.hanging[k] = test

    def _changes(self, applies: Ints | None) -> Mask:
        found = self.states.picked(self.others).changes.copy() if self.others else np.zeros(len(self.codes), np.bool_)
        if self.raises:
            found |= self.states.reprices
        if applies is not None:
            return found | self.states.changed(applies)
        for is_true in self.after.values():
            found |= self.states.changed(is_true)
        for test in self.hanging.values():
            found |= self._may_change(test)
        return found

    def _may_change(self, test: ValueTest | LevelTest | HappenedTest) -> Mask:
        """Return a mask of the events, besides moves, that may change a test that depends on rules."""
        if isinstance(test, HappenedTest):
            return self.records.happened(test.patterns) | self.states.begins
        if isinstance(test, ValueTest) and test.fact == "priority":
            return self.states.reprices
        fails = isinstance(test, ValueTest) and test.fact == "level_failed"
        return self.records.failures if fails else np.zeros(len(self.states.at), np.bool_)
