"""What checklists hold back of the moves that rules want, in many cases at once, and from when to when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from escalation_rules.simulation.columns.clocks import Here
from escalation_rules.simulation.columns.compile import Plan, Ruling
from escalation_rules.simulation.columns.facts import Ints, Mask, States
from escalation_rules.simulation.columns.rules import Entries
from escalation_rules.simulation.grids import NONE, Left

__all__ = ["CHECKLISTS", "Blocking", "Wants"]

Wants = dict[int, Ints]
"""The level that each rule wants each case on, by the rule's number; -1 for none."""
CHECKLISTS = ("none", "met", "waived", "overridden")
"""What may have become of a checklist when a case was moved."""
MET, WAIVED, OVERRIDDEN = (np.int8(CHECKLISTS.index(one)) for one in CHECKLISTS[1:])


class Blocking:
    """The rules that want cases on levels with a checklist.

    What is held back is left in `held`: case, level, at, cycle, rules as bits (0: nothing from then on), what it lacks.
    """

    def __init__(self, plan: Plan, states: States, rules: dict[int, Ruling]) -> None:
        self.plan, self.states, self.entries, self.held = plan, states, Entries(plan, states), Left(6)
        self.rungs = list(plan.checked)
        tracks = {plan.track_of[rung] for rung in self.rungs}
        self.rules = {
            number: rule
            for number, rule in rules.items()
            if rule.to in plan.checked or (rule.to == NONE and rule.track in tracks)
        }
        self.waiving = sum(1 << number for number, rule in self.rules.items() if rule.waived)
        self.touches = self.entries.changes | states.ends  # beginnings are looked at in any case
        self.expires = self.entries.next_expiry(Here(slice(None), states.opening, states.at[states.opening]))
        self.last = {rung: np.zeros((3, states.size), np.int64) for rung in self.rungs}

    def hold_back(self, wants: Wants, here: Here) -> None:
        """Takes out what is wanted and held back."""
        for rung in self.rungs:
            held = self._held(rung, self._asking(rung, wants, here), here)[0] > 0
            for number in self.rules:
                wants[number][np.flatnonzero(held & (wants[number] == rung))] = NONE

    def note(self, wants: Wants, here: Here) -> None:
        """What is held back after an instant, as far as it is something else than before."""
        cycle = self.states.cycle[here.place]
        for rung, last in self.last.items():
            bits, lack = self._held(rung, self._asking(rung, wants, here), here)
            found = np.stack([bits, lack, np.where(bits > 0, cycle, 0)])
            changed = np.flatnonzero((found != last[:, here.row]).any(0))
            if len(changed):
                row = here.row[changed]
                last[:, row] = found[:, changed]
                level = np.full(len(row), rung)
                self.held.add(row, level, here.now[changed], cycle[changed], bits[changed], lack[changed])
        self.expires[here.row] = self.entries.next_expiry(here)

    def checklists(self, to: Ints, bits: Ints, here: Here) -> NDArray[np.int8]:
        """What became of the checklist in moves to some levels, by its number in `CHECKLISTS`."""
        found = np.zeros(len(to), np.int8)
        for rung in self.rungs:
            where = np.flatnonzero(to == rung)
            if len(where):
                otherwise = np.where(self.entries.overridden(rung, here.where(where)), OVERRIDDEN, MET)
                found[where] = np.where(self._is_waived(bits[where]), WAIVED, otherwise)
        return found

    def _asking(self, rung: int, wants: Wants, here: Here) -> Ints:
        """The rules that want a level, as bits."""
        bits = np.zeros(len(here.now), np.int64)
        for number in self.rules:
            bits |= (wants[number] == rung).astype(np.int64) << number
        return bits

    def _held(self, rung: int, asking: Ints, here: Here) -> tuple[Ints, Ints]:
        """The rules that ask for a level and are held back, as bits, and what its checklist lacks."""
        lack = np.zeros(len(asking), np.int64)
        where = np.flatnonzero((asking > 0) & ~self._is_waived(asking))
        if len(where):
            some = here.where(where)
            lack[where] = np.where(self.entries.overridden(rung, some), 0, self.entries.lack(rung, some))
        return np.where(lack > 0, asking, 0), lack

    def _is_waived(self, bits: Ints) -> Mask:
        """Whether one of some rules waives checklists."""
        found: Mask = (bits & self.waiving) > 0
        return found
