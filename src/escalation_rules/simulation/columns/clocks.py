"""The time that clocks of a target count, many clocks at once: started, paused, retargeted and stopped by events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules.simulation.arrays import either
from escalation_rules.simulation.columns.atoms import OfClock, Outcomed, Overdue, Remaining, Shared
from escalation_rules.simulation.columns.compile import Group, Plan
from escalation_rules.simulation.columns.facts import Ints, Mask, States
from escalation_rules.simulation.durations import edges
from escalation_rules.simulation.encoding import LOST
from escalation_rules.simulation.grids import BREACHED, NEVER, NONE, NOT_STARTED, PENDING, VOID
from escalation_rules.simulation.terming import Terming
from escalation_rules.worktime.arrays import Bulk, leave, reach

__all__ = ["Here", "Ticking", "later", "nothing"]


class Here(NamedTuple):
    """Different clocks or cases, by their rows, each with the last event of its case and the present instant.

    All clocks there are, in order, are the rows of a slice, so that arrays are read and written without a copy.
    """

    row: Any
    place: NDArray[Any]
    now: Ints

    def where(self, chosen: NDArray[Any]) -> Here:
        """Some of them."""
        return Here(self.rows(chosen), self.place[chosen], self.now[chosen])

    def rows(self, chosen: Any) -> Any:
        """The rows of some of them."""
        return chosen if isinstance(self.row, slice) else self.row[chosen]


def nothing(one: OfClock) -> bool:
    """Whether a comparison holds of a target that has not started."""
    if isinstance(one, Outcomed):
        return bool(one.table[NOT_STARTED])
    if isinstance(one, Remaining):
        return False
    return (not (one.share if isinstance(one, Shared) else one.span.amount)) == one.wanted


def later(one: OfClock) -> bool:
    """Whether a comparison holds once time alone has changed it."""
    if isinstance(one, Outcomed):
        return bool(one.table[BREACHED])
    return one.wanted != isinstance(one, Remaining)


def _remaining(one: Remaining, due: Ints, now: Ints) -> tuple[Mask, Ints]:
    """Whether so much is left before dues, or (not `wanted`) is not, and when time alone will change that."""
    known = np.flatnonzero(due != LOST)
    edge = due[known] if one.span is None else leave(one.calendar, due[known], one.span)
    holds, cross = np.zeros(len(due), np.bool_), np.full(len(due), NEVER)
    left = now[known] <= edge
    holds[known], cross[known] = left == one.wanted, either(left, edge + 1, NEVER)
    return holds, cross


class Ticking:
    """Clocks of one target, each in a row of the arrays."""

    def __init__(self, plan: Plan, states: States, group: Group, terming: Terming, size: int) -> None:
        self.plan, self.states, self.group, self.terming = plan, states, group, terming
        script, number = states.script, group.number
        self.waits = states.waiting(script.pauses[number])
        self.lines, self.budgets = script.term_lines[number], script.term_budgets[number]
        self.alike, self.lates = script.term_kinds[number], script.term_lates[number]
        self.only = plan.lines[int(self.lines[0])] if len(set(self.lines.tolist())) == 1 else None
        self.open, self.paused, self.caused, self.active = (np.zeros(size, np.bool_) for _ in range(4))
        self.term: Ints = np.zeros(size, np.int64)
        self.outcome = np.zeros(size, np.int8)
        self.started, self.budget, self.counted, self.leg, self.due = (np.zeros(size, np.int64) for _ in range(5))
        self.reached = np.zeros(size, np.int64)  # when clocks had counted what they had when they last did not run

    # ------------------------------------------------------------------------ what time comes to

    def _by_line(self, here: Here, chosen: Mask | None = None) -> Iterator[tuple[Bulk, Any]]:
        """The places of the chosen rows, by the line on which a clock counts."""
        where = np.arange(len(here.now)) if chosen is None else np.flatnonzero(chosen)
        if not len(where):
            return
        if self.only is not None:
            yield self.only, slice(None) if chosen is None else where
            return
        held = self.lines[self.term[here.rows(where)]]
        for number in sorted(set(self.lines.tolist())):
            found = where[held == number]
            if len(found):
                yield self.plan.lines[number], found

    def counted_now(self, here: Here) -> Ints:
        """The time that clocks have counted."""
        row = here.row
        counted: Ints = self.counted[row]
        for line, where in self._by_line(here, self.open[row] & ~self.paused[row]):
            counted[where] += line.opened(here.now[where]) - self.leg[row[where]]
        return counted

    def is_over(self, here: Here) -> Mask:
        """Whether clocks are past due."""
        due = self.due[here.row]
        return (due != LOST) & (here.now > due)  # type: ignore[no-any-return]

    def outcome_now(self, here: Here) -> NDArray[np.int8]:
        """The outcome of clocks as they stand."""
        row = here.row
        found = either(self.is_over(here), np.int8(BREACHED), np.int8(PENDING))
        none = np.flatnonzero(self.budget[row] == NONE)
        found[none] = np.where(self.active[here.rows(none)], VOID, NOT_STARTED)
        return either(self.open[row], found, self.outcome[row])  # type: ignore[no-any-return]

    def look(self, one: OfClock, here: Here) -> tuple[Mask, Ints]:
        """Whether a comparison holds of clocks now, and when time alone will change that."""
        if isinstance(one, Outcomed):
            return self._look_at_outcome(one, here)
        if isinstance(one, Shared):
            return self._look_at_share(one, here)
        due = np.where(self.open[here.row], self.due[here.row], LOST)
        return edges(self.plan, one, due, here.now) if isinstance(one, Overdue) else _remaining(one, due, here.now)

    def _look_at_outcome(self, one: Outcomed, here: Here) -> tuple[Mask, Ints]:
        outcome, due = self.outcome_now(here), self.due[here.row]
        holds = np.zeros(len(outcome), np.bool_)
        for number in np.flatnonzero(one.table).tolist():
            holds |= outcome == number
        return holds, either((outcome == PENDING) & (due != LOST), due + 1, NEVER)

    def _look_at_share(self, one: Shared, here: Here) -> tuple[Mask, Ints]:
        row, up, down = here.row, one.share.numerator, one.share.denominator
        budget, counted = self.budget[row], self.counted[row]
        left = np.where(budget > 0, -(-budget * up // down) - counted, 0)
        left[budget == NONE] = int(bool(up))
        used, cross = left <= 0, np.full(len(left), NEVER)
        runs = self.open[row] & ~self.paused[row] & (budget > 0)
        for line, where in self._by_line(here, runs):
            # what is left since the clock began to run comes to an instant, which has passed or not
            edge = line.earliest(self.leg[here.rows(where)] + left[where])
            used[where] = passed = edge <= here.now[where]
            cross[where] = either(passed, NEVER, edge)
        return used == one.wanted, cross

    # ------------------------------------------------------------------------ what events do

    def start(self, here: Here) -> None:
        """Clocks start."""
        row, place, now = here
        self.started[row], self.term[row] = now, self._terms(here)
        budget = self._budget(here)
        self.budget[row], self.active[row] = budget, budget != NONE
        self.counted[row], self.reached[row] = 0, now
        self.open[row], self.paused[row] = True, self._waits(place)
        self._mark_leg(here)
        self._allow(here, np.zeros(len(row), np.bool_))

    def stop(self, here: Here, otherwise: Any) -> None:
        """Clocks stop: their outcome, their due and what they counted are final. What is pending is `otherwise`."""
        row = here.row
        counted, outcome = self.counted_now(here), self.outcome_now(here)
        self.outcome[row] = np.where(outcome == PENDING, otherwise, outcome)
        self.counted[row], self.open[row] = counted, False

    def change(self, here: Here) -> Mask:
        """Events that may change terms or waits. Which of the clocks they changed."""
        changed = np.zeros(len(here.row), np.bool_)
        runs = np.flatnonzero(~self.is_over(here))
        here = here.where(runs)
        changed[runs] = self._retarget(here)
        changed[runs] |= self._pause_or_resume(here)
        return changed

    # ------------------------------------------------------------------------ the parts of these

    def _terms(self, here: Here) -> Ints:
        """Which of its terms the target has at present."""
        found: Ints = self.terming.codes[here.place]
        return found

    def _waits(self, place: Any) -> Mask:
        found: Mask = self.waits[place]
        return found

    def _budget(self, here: Here) -> Ints:
        """What the present terms allow; days come to open time from the start to the nominal due."""
        terms = self.term[here.row]
        budget: Ints = self.budgets[terms]
        for number, term in enumerate(self.group.terms):
            if term.days is not None and term.span is not None:
                where = np.flatnonzero(terms == number)
                started, line = self.started[here.rows(where)], self.plan.lines[term.line]
                budget[where] = line.opened(reach(term.days, started, term.span)) - line.opened(started)
        return budget

    def _mark_leg(self, here: Here) -> None:
        for line, where in self._by_line(here):
            self.leg[here.rows(where)] = line.opened(here.now[where])

    def _run(self, here: Here, free: Mask) -> None:
        """When clocks are due that run from now on."""
        runs = free & ~self.paused[here.row] & (self.budget[here.row] != NONE)
        for line, where in self._by_line(here, runs):
            row = here.rows(where)
            point = self.leg[row] + self.budget[row] - self.counted[row]
            self.due[row] = line.earliest(point)
            late = np.flatnonzero(self.lates[self.term[row]]) if self.lates.any() else ()
            if len(late):  # due at the same time of day, which may be an opening
                self.due[row[late]] = line.latest(point[late])

    def _retarget(self, here: Here) -> Mask:
        """Another span or calendar: what was counted stays counted. Which clocks have one."""
        fresh = np.zeros(len(here.row), np.bool_)
        if len(self.group.terms) == 1:
            return fresh
        where = np.flatnonzero(self.alike[self.term[here.row]] != self.alike[self._terms(here)])
        if len(where):
            self._retargeted(here.where(where))
        fresh[where] = True
        return fresh

    def _retargeted(self, here: Here) -> None:
        row, place, now = here
        self.reached[row], self.counted[row] = self._reached_by(here), self.counted_now(here)
        self.term[row] = self._terms(here)
        budget = self._budget(here)
        self.budget[row] = budget
        self.active[row] |= budget != NONE
        self.paused[row] = self._waits(place)
        self._mark_leg(here)
        self._allow(here, self.reached[row] == now)

    def _reached_by(self, here: Here) -> Ints:
        """When clocks had counted what they have now."""
        row = here.row
        found: Ints = self.reached[row]
        for line, where in self._by_line(here, ~self.paused[row]):
            point = line.opened(here.now[where])
            found[where] = np.where(point > self.leg[row[where]], line.earliest(point), found[where])
        return found

    def _allow(self, here: Here, exact: Mask) -> None:
        """When clocks are due that have a budget from now on: at once, if they have counted as much.

        What is `exact` has counted it only now.
        """
        row = here.row
        budget, counted = self.budget[row], self.counted[row]
        passed = (budget != NONE) & (counted >= budget)
        if self.lates.any():  # what is used up at a closing may be due later
            passed &= ~(self.lates[self.term[row]] & (counted == budget) & (budget > 0))
        self.caused[row], self.due[row] = False, LOST
        self._run(here, ~passed)
        full = np.flatnonzero(passed)
        budget, counted, now, row = budget[full], counted[full], here.now[full], here.rows(full)
        just = np.where(budget == 0, self.started[row] == now, exact[full] & (counted == budget))
        self.caused[row], self.due[row] = ~just, now

    def _pause_or_resume(self, here: Here) -> Mask:
        """A pause that begins at or after due rescues nothing. Which clocks paused or resumed."""
        row = here.row
        paused, due = self._waits(here.place), self.due[row]
        turns: Mask = (paused != self.paused[row]) & ((due == LOST) | (due > here.now) | self.caused[row])
        if turns.any():
            where = np.flatnonzero(turns)
            self._paused(here.where(where), paused[where])
        return turns

    def _paused(self, here: Here, paused: Mask) -> None:
        row = here.row
        self.reached[row] = self._reached_by(here)
        counted, leg = (~self.paused[row]).astype(np.int64), self.leg[row]
        self._mark_leg(here)
        self.counted[row] += counted * (self.leg[row] - leg)
        self.paused[row] = paused
        free = ~self.caused[row]
        self.due[row[np.flatnonzero(free)]] = LOST
        self._run(here, free)
