"""What holds of the comparisons that depend on levels, since when, and when time alone will change it."""

from __future__ import annotations

from typing import Any

import numpy as np

from escalation_rules.patterns import Pattern
from escalation_rules.simulation.columns import LOST
from escalation_rules.simulation.comparisons import Comparison, Dialed, Happened, Outcomed, Timed, Tree
from escalation_rules.simulation.families import Family
from escalation_rules.simulation.grids import BREACHED, LONG_AGO, NEVER, NONE
from escalation_rules.simulation.keys import BITS
from escalation_rules.simulation.looking import edges
from escalation_rules.simulation.plans import Plan
from escalation_rules.simulation.points import Points, held
from escalation_rules.simulation.records import Records
from escalation_rules.simulation.stands import Stands
from escalation_rules.simulation.states import Ints, Mask, States
from escalation_rules.simulation.ticking import Here

__all__ = ["Holding", "is_of_levels"]


def is_of_levels(one: Comparison, keys: set[str]) -> bool:
    """Whether a comparison depends on levels; `keys` are those of targets that do."""
    if isinstance(one, Dialed):
        return one.fact in {"level", "moves", "level_failed"}
    if isinstance(one, Happened):
        return True
    return one.anchor == "at_level_for" if isinstance(one, Timed) else one.target in keys


class Holding:
    """Where cases stand, and the comparisons of a plan that depend on it, by their numbers."""

    def __init__(
        self,
        plan: Plan,
        states: States,
        records: Records,
        points: Points,
        families: dict[str, Family],
        stands: Stands,
        watched: list[int],
    ) -> None:
        self.plan, self.states, self.records, self.points, self.families = plan, states, records, points, families
        self.stands, self.level = stands, stands.level
        self.entry = np.tile(states.when(states.opening), (len(plan.tracks), 1))
        self.barrier = np.full(self.entry.shape, LONG_AGO - 1)
        self.moved = np.zeros(self.entry.shape, np.int64)
        self.row = {k: row for row, k in enumerate(watched)}
        shape = len(watched), states.size
        self.truth, self.stir = np.zeros(shape, np.bool_), np.zeros(states.size, np.bool_)
        self.since, self.cross = np.full(shape, LONG_AGO), np.full(shape, NEVER)
        dials = {k: one for k in watched if isinstance(one := plan.comparisons[k], Dialed)}
        self.facts = {k: one.fact for k, one in dials.items()}
        happened = {k: one for k in watched if isinstance(one := plan.comparisons[k], Happened)}
        self.patterns = {k: one.patterns for k, one in happened.items() if one.wanted}
        self.heard = {one.patterns for one in happened.values()}
        self.tables = {k: states.script.table(one) for k, one in dials.items()}

    # ------------------------------------------------------------------------ what is seen

    def look(self, here: Here, when: Ints) -> None:
        """A look at all of them, after something happened."""
        for k, row in self.row.items():
            holds, cross = self._seen(k, here)
            self.cross[row][here.row] = cross
            self._put(k, here.row, holds, when)
            if k in self.patterns:
                self._renew(row, here, holds, when, self.patterns[k])

    def _renew(self, row: int, here: Here, holds: Mask, when: Ints, patterns: tuple[Pattern, ...]) -> None:
        """The latest event is the evidence of what happened, also where it had happened before."""
        again = np.flatnonzero(holds & (self.records.seen(patterns)[here.place] == when))
        self.since[row][here.row[again]] = when[again]
        self.stir[here.row[again]] = True

    def crossed(self, case: Ints, now: Ints) -> None:
        """What time alone has changed by now."""
        for k, row in self.row.items():
            hit = np.flatnonzero(self.cross[row][case] == now)
            if len(hit):
                one = self.plan.comparisons[k]
                holds = one.table[BREACHED] if isinstance(one, Outcomed) else one.wanted  # type: ignore[union-attr]
                self.cross[row][case[hit]] = NEVER
                self._put(k, case[hit], np.full(len(hit), holds), (now[hit] - self.states.base) << BITS)

    def _put(self, k: int, case: Ints, holds: Mask, when: Ints) -> None:
        """Whether a comparison holds now, and since when."""
        row = self.row[k]
        turned = holds != self.truth[row][case]
        if turned.any():
            self.truth[row][case] = holds
            gained = np.flatnonzero(turned & holds)  # what no longer holds makes no rule hold
            self.since[row][case[gained]] = when[gained]
            self.stir[case[gained]] = True

    def _seen(self, k: int, here: Here) -> tuple[Mask, Ints]:
        one = self.plan.comparisons[k]
        if isinstance(one, Dialed):
            value, table = self._value(one, here), self.tables[k]
            return table[np.minimum(value, len(table) - 1)], np.full(len(here.row), NEVER)
        if isinstance(one, Happened):
            return self._happened(one, here), np.full(len(here.row), NEVER)
        if isinstance(one, Timed):
            return edges(self.plan, one, self._entered(one.track, here), here.now)
        return self.families[one.target].look(one, here)

    def _value(self, one: Dialed, here: Here) -> Ints:
        """The value of a fact that depends on levels, by its number."""
        if one.track is None:
            moves: Ints = self.moved[:, here.row].sum(0)
            return moves
        level: Ints = self.level[one.track][here.row]
        found: Ints = level + 1 if one.fact == "level" else self.moved[one.track][here.row]
        if one.fact != "level_failed":
            return found
        last: Ints = np.full(len(level), LONG_AGO)
        for (track, rung), failed in self.records.failed.items():
            if track == one.track:
                last = np.maximum(last, np.where((rung == NONE) | (rung == level), failed[here.place], LONG_AGO))
        return np.where((level != NONE) & (last > self.entry[one.track][here.row]), 1, 0)

    def _happened(self, one: Happened, here: Here) -> Mask:
        """Whether an event of the stay is like the patterns; an opening is one of the stay that it begins."""
        last, entry = self.records.seen(one.patterns)[here.place], self.entry[one.track][here.row]
        opening = self.states.when(self.states.opening[here.row])
        found: Mask = ((last > entry) | ((last == entry) & (entry == opening))) == one.wanted
        return found

    def _entered(self, track: int, here: Here) -> Ints:
        """When a case came to its level on a track, not before the cycle; `LOST` while it is nowhere."""
        begun = self.states.when(self.states.begun[here.place])
        since = (np.maximum(self.entry[track][here.row], begun) >> BITS) + self.states.base
        return np.where(self.level[track][here.row] == NONE, LOST, since)

    # ------------------------------------------------------------------------ conditions

    def holds(self, tree: Tree, case: Any, point: Any) -> Mask:
        """Whether a condition holds of cases, as of the points they are at."""
        return held(tree, lambda k: self._holds(k, case, point))

    def _holds(self, k: int, case: Any, point: Any) -> Mask:
        found: Mask = self.truth[self.row[k]][case] if k in self.row else self.points.holds[k][point]
        return found

    def evidence(self, tree: Tree, case: Any, point: Any) -> Ints:
        """When the latest thing happened that made a condition true, among its true members."""
        if isinstance(tree, int):
            return self._evidence(tree, case, point)
        found = np.full(len(case), LONG_AGO)
        for part in tree[1]:
            told = self.evidence(part, case, point)
            if tree[0] == "any":
                told = np.where(self.holds(part, case, point), told, LONG_AGO)
            found = np.maximum(found, told)
        return found

    def _evidence(self, k: int, case: Any, point: Any) -> Ints:
        one = self.plan.comparisons[k]
        if isinstance(one, Dialed) and one.silent:
            return np.full(len(case), LONG_AGO)
        found: Ints = self.since[self.row[k]][case] if k in self.row else self.points.since(k, point)
        return found
