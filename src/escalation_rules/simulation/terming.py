"""The terms of targets after each event: by what they are picked by, and whether the target applies."""

from __future__ import annotations

import numpy as np

from escalation_rules.engine.moves import leaves
from escalation_rules.simulation.comparisons import Comparison, Dialed, Happened, held
from escalation_rules.simulation.plans import Group
from escalation_rules.simulation.records import Records
from escalation_rules.simulation.states import Ints, Mask, States, Trail

__all__ = ["LEVEL_FACTS", "Terming", "dialed"]

LEVEL_FACTS = frozenset({"level", "moves", "level_failed"})


def dialed(states: States, one: Dialed) -> Trail:
    """Whether a comparison of a fact with one value at a time holds, after all events that may change the fact."""
    table, facts = states.script.table(one), states.script.facts
    places, values = states.fact(facts.index(one.fact)) if one.fact in facts else getattr(states, one.fact)
    return Trail(places, table[np.minimum(values.astype(np.int64), len(table) - 1)])


class Terming:
    """Which of its terms a target has after each event (`codes`), and which events may change that.

    Where it hangs on levels too whether the target applies, `codes` are those of one that does, `of_levels` are the
    comparisons that hang on them, and `after` has what holds of the others after each event.
    """

    def __init__(self, states: States, records: Records, group: Group) -> None:
        self.states, self.records, self.when = states, records, group.when
        self.codes: Ints = states.picked(group.by)
        self.of_levels: dict[int, Dialed | Happened] = {}
        self.after: dict[int, Mask] = {}
        for k in leaves(group.when) if group.when is not None else ():
            self._add(k, states.script.plan.comparisons[k])
        if group.when is not None:
            self.codes = self.codes * 2
            if not self.of_levels:
                self.codes = self.codes + ~held(group.when, self.after.__getitem__)
        self.changes = states.changed(self.codes) if len(group.terms) > 1 else np.zeros(len(states.at), np.bool_)
        for one in self.of_levels.values():
            self.changes |= self._may_change(one)
        for holds in self.after.values() if self.of_levels else ():
            self.changes |= states.changed(holds)

    def _add(self, k: int, one: Comparison) -> None:
        states = self.states
        if isinstance(one, Happened) and one.patterns not in states.script.made_by_rules:
            self.after[k] = (self.records.seen(one.patterns) >= states.when(states.begun)) == one.wanted
        elif isinstance(one, Dialed) and one.fact not in LEVEL_FACTS:
            self.after[k] = states.spread(dialed(states, one))
        elif isinstance(one, Dialed | Happened):
            self.of_levels[k] = one

    def _may_change(self, one: Dialed | Happened) -> Mask:
        """Events after which something that hangs on levels may be otherwise, moves apart."""
        if isinstance(one, Happened):
            return self.records.happened(one.patterns) | self.states.begins
        return self.records.failures if one.fact == "level_failed" else np.zeros(len(self.states.at), np.bool_)
