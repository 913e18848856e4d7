"""Where cases stand, on each track, at the instant that a sweep has reached; and what follows from that."""

from __future__ import annotations

from typing import Any

import numpy as np

from escalation_rules.patterns import Pattern
from escalation_rules.simulation.arrays import BITS
from escalation_rules.simulation.columns.atoms import Dialed, Happened
from escalation_rules.simulation.columns.clocks import Here
from escalation_rules.simulation.columns.compile import Plan
from escalation_rules.simulation.columns.facts import Ints, Mask, States
from escalation_rules.simulation.encoding import LOST
from escalation_rules.simulation.grids import LONG_AGO, NONE
from escalation_rules.simulation.records import Records

__all__ = ["Stands"]


class Stands:
    """On which level of each track cases stand (-1 is nowhere), since when, and whether that is external.

    All of these are by track and case, as is how often a case came up. `priority` is by case, and kept only where rules
    raise it; `heard` is when rules last moved a case in a way that is like some patterns.
    """

    def __init__(self, plan: Plan, states: States, records: Records) -> None:
        self.plan, self.states, self.records = plan, states, records
        opened = states.code[states.opening]
        self.level = np.stack([levels[opened] for levels in states.script.levels])
        self.outside = plan.outside[self.level]
        self.entry = np.tile(states.when(states.opening), (len(plan.tracks), 1))
        self.moved = np.zeros(self.entry.shape, np.int64)
        self.priority = states.script.priority[opened]
        self.heard: dict[tuple[Pattern, ...], Ints] = {
            patterns: np.full(states.size, LONG_AGO) for patterns in states.script.made_by_rules
        }

    def is_outside(self, case: Any) -> Mask:
        """Whether cases are external on some track."""
        found: Mask = self.outside[0][case]
        for outside in self.outside[1:]:
            found = found | outside[case]
        return found

    def put(self, track: int, case: Ints, to: Ints, when: Ints) -> None:
        """Cases come to other levels of a track."""
        self.moved[track][case] += to > self.level[track][case]
        self.level[track][case], self.entry[track][case] = to, when
        self.outside[track][case] = self.plan.outside[to]

    def reprice(self, here: Here) -> None:
        """Events change the priority of cases."""
        changed = np.flatnonzero(self.states.reprices[here.place])
        self.priority[here.row[changed]] = self.states.script.priority[self.states.code[here.place[changed]]]

    def hear(self, case: Ints, to: Ints, when: Ints) -> None:
        """Rules moved these cases: what is like such moves has happened."""
        for patterns, heard in self.heard.items():
            like = np.flatnonzero(self.states.script.made_by_rules[patterns][to])
            heard[case[like]] = when[like]

    # ------------------------------------------------------------------------ what follows

    def holds(self, one: Dialed | Happened, here: Here) -> Mask:
        """Whether a comparison holds that depends on what rules do."""
        if isinstance(one, Happened):
            return self._happened(one, here)
        value, table = self._value(one, here), self.states.script.table(one)
        found: Mask = table[np.minimum(value, len(table) - 1)]
        return found

    def _value(self, one: Dialed, here: Here) -> Ints:
        """The value of a fact that depends on what rules do, by its number."""
        if one.fact == "moves":
            moves: Ints = self.moved[:, here.row].sum(0) if one.track is None else self.moved[one.track][here.row]
            return moves
        if one.fact == "priority":
            priority: Ints = self.priority[here.row]
            return priority
        track = one.track or 0
        level: Ints = self.level[track][here.row]
        if one.fact == "level":
            return level + 1
        last: Ints = np.full(len(level), LONG_AGO)
        for (on, rung), failed in self.records.failed.items():
            if on == track:
                last = np.maximum(last, np.where((rung == NONE) | (rung == level), failed[here.place], LONG_AGO))
        return np.where((level != NONE) & (last > self.entry[track][here.row]), 1, 0)

    def last(self, patterns: tuple[Pattern, ...], here: Here) -> Ints:
        """When something like some patterns last happened; -1 if it never did."""
        found: Ints = self.records.seen(patterns)[here.place]
        return np.maximum(found, self.heard[patterns][here.row]) if patterns in self.heard else found

    def _happened(self, one: Happened, here: Here) -> Mask:
        """Whether an event of the stay is like the patterns, or of the cycle where no track is given.

        An opening is one of the stay that it begins.
        """
        last, opening = self.last(one.patterns, here), self.states.when(self.states.opening[here.row])
        if one.track is None:
            of_cycle: Mask = (last >= self.states.when(self.states.begun[here.place])) == one.wanted
            return of_cycle
        entry = self.entry[one.track][here.row]
        of_stay: Mask = ((last > entry) | ((last == entry) & (entry == opening))) == one.wanted
        return of_stay

    def entered(self, track: int, here: Here) -> Ints:
        """When a case came to its level on a track, not before the cycle; `LOST` while it is nowhere."""
        begun = self.states.when(self.states.begun[here.place])
        since = (np.maximum(self.entry[track][here.row], begun) >> BITS) + self.states.base
        return np.where(self.level[track][here.row] == NONE, LOST, since)
