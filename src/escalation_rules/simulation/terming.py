"""The terms of targets after each event: by what they are picked by, and whether the target applies."""

from __future__ import annotations

from math import prod

import numpy as np

from escalation_rules.engine.rules import leaves
from escalation_rules.simulation.columns.atoms import Comparison, Dialed, Happened, held
from escalation_rules.simulation.columns.compile import Group
from escalation_rules.simulation.columns.facts import Ints, Mask, States, Trail
from escalation_rules.simulation.records import Records

__all__ = ["Terming", "dialed"]


def dialed(states: States, one: Dialed) -> Trail:
    """Whether a comparison of a fact with one value at a time holds, after all events that may change the fact."""
    table, facts = states.script.table(one), states.script.facts
    places, values = states.fact(facts.index(one.fact)) if one.fact in facts else getattr(states, one.fact)
    return Trail(places, table[np.minimum(values.astype(np.int64), len(table) - 1)])


class Terming:
    """Which of its terms a target has after each event (`codes`), and which events may change that.

    Where it hangs on what rules do too whether the target applies, `codes` are those of one that does, `hanging` are
    the comparisons that hang on it, and `after` has what holds of the others after each event. Where rules raise the
    priority by which the terms are picked, it counts `stride` times more.
    """

    def __init__(self, states: States, records: Records, group: Group) -> None:
        self.states, self.records, self.when = states, records, group.when
        plan, words = states.script.plan, states.script.words
        self.raises = plan.raises and "priority" in group.by
        self.others = group.by[self.raises :]
        self.hanging: dict[int, Dialed | Happened] = {}
        self.after: dict[int, Mask] = {}
        for k in leaves(group.when) if group.when is not None else ():
            self._add(k, plan.comparisons[k])
        self.hangs = self.raises or bool(self.hanging)
        self.codes: Ints = states.picked(self.others).values
        self.stride = prod(len(words[name]) for name in self.others) * self.raises
        if group.when is not None:
            applies = np.True_ if self.hanging else held(group.when, self.after.__getitem__)
            self.codes, self.stride = self.codes * 2 + ~applies, self.stride * 2
        self.changes = self._changes()

    def _add(self, k: int, one: Comparison) -> None:
        states = self.states
        if isinstance(one, Happened) and one.patterns not in states.script.made_by_rules:
            self.after[k] = (self.records.seen(one.patterns) >= states.when(states.begun)) == one.wanted
        elif isinstance(one, Dialed) and one.fact not in states.script.plan.moving:
            self.after[k] = states.spread(dialed(states, one))
        elif isinstance(one, Dialed | Happened):
            self.hanging[k] = one

    def _changes(self) -> Mask:
        found = self.states.picked(self.others).changes.copy() if self.others else np.zeros(len(self.codes), np.bool_)
        if self.raises:
            found |= self.states.reprices
        for holds in self.after.values():
            found |= self.states.changed(holds)
        for one in self.hanging.values():
            found |= self._may_change(one)
        return found

    def _may_change(self, one: Dialed | Happened) -> Mask:
        """Events after which something that hangs on what rules do may be otherwise, moves apart."""
        if isinstance(one, Happened):
            return self.records.happened(one.patterns) | self.states.begins
        if one.fact == "priority":
            return self.states.reprices
        return self.records.failures if one.fact == "level_failed" else np.zeros(len(self.states.at), np.bool_)
