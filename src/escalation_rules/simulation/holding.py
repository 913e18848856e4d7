"""What holds of the comparisons that depend on what rules do, since when, and when time alone will change it."""

from __future__ import annotations

from typing import Any

import numpy as np

from escalation_rules.patterns import Pattern
from escalation_rules.simulation.arrays import BITS
from escalation_rules.simulation.columns.atoms import Comparison, Dialed, Happened, Picked, Timed, Tree, held
from escalation_rules.simulation.columns.clocks import Here, later
from escalation_rules.simulation.columns.compile import Plan
from escalation_rules.simulation.columns.facts import Ints, Mask, States
from escalation_rules.simulation.durations import edges, picked_edges
from escalation_rules.simulation.families import Family
from escalation_rules.simulation.grids import LONG_AGO, NEVER
from escalation_rules.simulation.points import Points
from escalation_rules.simulation.records import Records
from escalation_rules.simulation.stands import Stands

__all__ = ["Holding", "hangs_on_rules"]


def hangs_on_rules(plan: Plan, one: Comparison, keys: set[str]) -> bool:
    """Whether a comparison depends on what rules do; `keys` are those of targets that do."""
    if isinstance(one, Dialed):
        return one.fact in plan.moving
    if isinstance(one, Happened):
        return True
    return one.anchor == "at_level_for" if isinstance(one, Timed | Picked) else one.target in keys


class Holding:
    """The comparisons that depend on what rules do, by their numbers in the plan."""

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
        self.stands, self.level, self.entry = stands, stands.level, stands.entry
        self.barrier = np.full(stands.entry.shape, LONG_AGO - 1)
        self.row = {k: row for row, k in enumerate(watched)}
        shape = len(watched), states.size
        self.truth, self.stir = np.zeros(shape, np.bool_), np.zeros(states.size, np.bool_)
        self.since, self.cross = np.full(shape, LONG_AGO), np.full(shape, NEVER)
        dials = {k: one for k in watched if isinstance(one := plan.comparisons[k], Dialed)}
        self.facts = {k: one.fact for k, one in dials.items()}
        happened = {k: one for k in watched if isinstance(one := plan.comparisons[k], Happened)}
        self.picked = {one.by for k in watched if isinstance(one := plan.comparisons[k], Picked)}
        self.patterns = {k: one.patterns for k, one in happened.items() if one.wanted}
        self.heard = {one.patterns for one in happened.values()}

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
        again = np.flatnonzero(holds & (self.stands.last(patterns, here) == when))
        self.since[row][here.row[again]] = when[again]
        self.stir[here.row[again]] = True

    def crossed(self, case: Ints, now: Ints) -> None:
        """What time alone has changed by now."""
        for k, row in self.row.items():
            one, hit = self.plan.comparisons[k], np.flatnonzero(self.cross[row][case] == now)
            if len(hit) and not isinstance(one, Dialed | Happened):
                holds = one.wanted if isinstance(one, Timed | Picked) else later(one)
                self.cross[row][case[hit]] = NEVER
                self._put(k, case[hit], np.full(len(hit), holds), (now[hit] - self.states.base) << BITS)

    def _put(self, k: int, case: Ints, holds: Mask, when: Ints) -> None:
        """Whether a comparison holds now, and since when."""
        row = self.row[k]
        turned = holds != self.truth[row][case]
        if turned.any():
            self.truth[row][case] = holds
            gained = np.flatnonzero(turned & holds)
            self.since[row][case[gained]] = when[gained]
            # what no longer holds makes no rule hold; but it may leave older evidence, on which a priority is raised
            self.stir[case[turned if self.plan.raises else gained]] = True

    def _seen(self, k: int, here: Here) -> tuple[Mask, Ints]:
        one = self.plan.comparisons[k]
        if isinstance(one, Dialed | Happened):
            return self.stands.holds(one, here), np.full(len(here.row), NEVER)
        if isinstance(one, Timed):
            return edges(self.plan, one, self.stands.entered(one.track, here), here.now)
        if isinstance(one, Picked):
            return picked_edges(self.plan, self.states, one, here.place, self.stands.entered(one.track, here))
        return self.families[one.target].look(one, here)

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
