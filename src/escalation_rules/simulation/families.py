"""The clocks of targets that depend on levels: the latest instance in each case, event by event and move by move."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules.simulation.columns.atoms import OfClock, held
from escalation_rules.simulation.columns.clocks import Here, Ticking, nothing
from escalation_rules.simulation.columns.compile import Group, Plan
from escalation_rules.simulation.columns.facts import Ints, Mask, States
from escalation_rules.simulation.encoding import LOST
from escalation_rules.simulation.grids import MET, NEVER, NONE, VOID, Left
from escalation_rules.simulation.running import Marks
from escalation_rules.simulation.stands import Stands
from escalation_rules.simulation.terming import Terming

__all__ = ["Family", "Shift"]


class Shift(NamedTuple):
    """What became of where some cases stand: which of them moved, from which level to which (-1 is nowhere)."""

    moved: Mask
    left: Ints
    to: Ints

    @classmethod
    def none(cls, size: int) -> Shift:
        """None of so many moved."""
        return cls(np.zeros(size, np.bool_), np.full(size, NONE), np.full(size, NONE))


class Family:
    """The targets with one key, whose instances are numbered together in each cycle, and the latest of which counts.

    Instances that are over leave rows in `left`.
    """

    def __init__(
        self, plan: Plan, states: States, groups: list[tuple[Group, Terming]], stands: Stands, left: Left
    ) -> None:
        size = states.size
        self.states, self.stands, self.left = states, stands, left
        self.count, self.cycle = np.zeros(size, np.int64), np.zeros(size, np.int32)
        self.latest = np.full(size, NONE, np.int32)
        self.clocks = [_Latest(plan, states, group, terming, self) for group, terming in groups]

    def number(self, here: Here, group: int) -> None:
        """Numbers new instances of one of the targets."""
        case, cycle = here.row, self.states.cycle[here.place]
        self.count[case] = np.where(self.cycle[case] == cycle, self.count[case], 0) + 1
        self.cycle[case], self.latest[case] = cycle, group

    def look(self, one: OfClock, here: Here) -> tuple[Mask, Ints]:
        """Whether a comparison holds of the latest instance now, and when time alone will change that."""
        holds, cross = np.full(len(here.row), nothing(one)), np.full(len(here.row), NEVER)
        latest = self.latest[here.row]
        for clock in self.clocks:
            where = np.flatnonzero(latest == clock.group.number)
            holds[where], cross[where] = clock.look(one, here.where(where))
        return holds, cross

    def concerned(self) -> Mask:
        """The events that can change a clock."""
        found: Mask = np.logical_or.reduce([clock.concerned for clock in self.clocks])
        return found

    def turn(self, here: Here, shift: Shift, *, by_event: bool) -> None:
        """What the present event of each of these cases did to its clocks, or (not `by_event`) what rules did."""
        for clock in self.clocks:
            clock.turn(here, shift, by_event=by_event)

    def finish(self, until: int) -> None:
        """What open clocks have come to."""
        states = self.states
        for clock in self.clocks:
            clock.finish(Here(np.arange(states.size), states.ending, np.full(states.size, until)))


class _Latest(Ticking):
    """The latest instance of a target in each case, by case. Events stop, void, change or start it, in this order."""

    def __init__(self, plan: Plan, states: States, group: Group, terming: Terming, family: Family) -> None:
        super().__init__(plan, states, group, terming, states.size)
        self.family, self.level, self.marks = family, group.level, Marks(states, group, terming)
        self.rung = NONE - 1 if group.level is None else group.level
        self.track = 0 if group.level is None else plan.track_of[group.level]
        self.occurrence, self.cycle = np.zeros(states.size, np.int64), np.zeros(states.size, np.int32)
        marks = self.marks
        self.concerned = marks.starts | marks.stops | marks.voids | marks.changes | states.begins

    def turn(self, here: Here, shift: Shift, *, by_event: bool) -> None:
        """Stops, voids, changes and starts, in this order; where the case stands is as it was left.

        A target of a level is void where the level is left, and any is where the case goes outside.
        """
        marks, place, row = self.marks, here.place, here.row
        inside, opened = ~self.family.stands.is_outside(row), self.open[row]
        stopped = opened & marks.stops[place] & by_event
        left = shift.moved & ((self.states.live[place] & ~inside) | (shift.left == self.rung))
        self._over(here, stopped, MET)
        self._over(here, opened & ~stopped & (left | (marks.voids[place] & by_event)), VOID)
        may_change = marks.changes[place] | shift.moved if by_event else np.full(len(row), self.terming.hangs)
        changed = np.flatnonzero(self.open[row] & may_change)
        if len(changed):
            self.change(here.where(changed))
        starts = (marks.starts[place] & (inside | self.states.ends[place])) | (stopped & marks.restarts[place] & inside)
        self._begin(here, (starts & by_event) | (shift.moved & inside & self._entered(here, shift)))

    def _entered(self, here: Here, shift: Shift) -> Mask:
        """Whether a move may start it: one of a level, on entry; one for those who wait, in case it was void."""
        found: Mask = np.zeros(len(here.row), np.bool_)
        if self.group.target.starts == "unanswered":
            found = self.states.owing[here.place]
        elif self.level is not None and not self.group.target.starts:
            found = self.states.live[here.place] & (shift.to == self.level)
        return found

    def _terms(self, here: Here) -> Ints:
        """What the terms are picked by, and whether the target applies, may hang on what rules did."""
        found, terming = super()._terms(here), self.terming
        if terming.raises:
            found = found + self.family.stands.priority[here.row] * terming.stride
        if terming.when is None or not terming.hanging:
            return found
        applies = held(
            terming.when,
            lambda k: (
                terming.after[k][here.place]
                if k in terming.after
                else self.family.stands.holds(terming.hanging[k], here)
            ),
        )
        return found + ~applies

    def _begin(self, here: Here, starts: Mask) -> None:
        """Clocks that are not open start on their level."""
        starts &= ~self.open[here.row]
        if self.level is not None:
            starts &= self.family.stands.level[self.track][here.row] == self.level
        here = here.where(np.flatnonzero(starts))
        if len(here.row):
            self.family.number(here, self.group.number)
            self.occurrence[here.row], self.cycle[here.row] = self.family.count[here.row], self.family.cycle[here.row]
            self.start(here)

    def _over(self, here: Here, ends: Mask, otherwise: int) -> None:
        """Clocks that stop, or come to nothing."""
        here = here.where(np.flatnonzero(ends))
        if len(here.row):
            self.stop(here, np.int8(otherwise))
            self._leave(here, here.now)

    def finish(self, here: Here) -> None:
        """Cases that go no farther: what their open clocks have come to."""
        here = here.where(np.flatnonzero(self.open))
        self._leave(here, np.full(len(here.row), LOST))

    def _leave(self, here: Here, stopped: NDArray[Any]) -> None:
        row = here.row
        self.family.left.add(
            *(row, np.full(len(row), self.group.number, np.int16), self.occurrence[row], self.cycle[row]),
            *(self.started[row], self.due[row], stopped, self.budget[row], self.counted_now(here)),
            *(here.now, self.outcome_now(here), self.caused[row]),
        )
