"""The clocks of targets that do not depend on levels: all instances of a target at once.

When an instance starts, changes and stops is decided by events alone, so all of these are known before any clock runs.
What it has counted at each is a running sum; only where a change comes just when a clock is due, one waits for another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.simulation.arrays import either
from escalation_rules.simulation.columns.atoms import OfClock
from escalation_rules.simulation.columns.clocks import Here, Ticking, later, nothing
from escalation_rules.simulation.columns.compile import Group, Plan
from escalation_rules.simulation.columns.conditions import Looks
from escalation_rules.simulation.columns.facts import Ints, Mask, Places, States, Trail
from escalation_rules.simulation.encoding import LOST
from escalation_rules.simulation.grids import MET, NEVER, NONE, VOID, Left, by_turns
from escalation_rules.simulation.terming import Terming

__all__ = ["Marks", "Running"]

_Seen = tuple[Places, list[tuple[Mask, Ints]]]
"""After which events something was looked at, and of each comparison whether it holds and when that will change."""


class Marks:
    """What each event would do to a clock: start it, restart it if it was just stopped, stop it, void it, change it."""

    def __init__(self, states: States, group: Group, terming: Terming) -> None:
        by_answers, never = group.target.starts == "unanswered", np.zeros(len(states.at), np.bool_)
        if by_answers:
            self.starts = states.owing & (states.begins | states.kinds(E.CustomerReplied))
        elif group.target.starts:
            self.starts = states.like(group.starts) & (states.live | states.ends)
        else:
            self.starts = states.begins & states.live
        self.restarts = states.live if group.target.recurs else never
        if by_answers:
            self.restarts = self.restarts | states.owing
        self.stops = states.like(group.stops)
        self.voids = states.kinds(E.Reopened)
        self.voids[states.ended] = True
        if group.at_the_end:
            self.voids &= states.kinds(E.Voided)
        self.changes = states.changed(states.waiting(states.script.pauses[group.number]))
        self.changes |= terming.changes


class Running(Ticking):
    """All instances of a target, by the order of their starts; each ends at an event, or is open at the end (-1).

    What an instance is after its start, and after each change, has a row of its own (a *stage*): they stand by
    instance, in order, and each is made of the one before.
    """

    def __init__(self, plan: Plan, states: States, group: Group, terming: Terming, until: int) -> None:
        self.until = until
        marks = Marks(states, group, terming)
        resets = marks.stops | marks.voids
        places = np.flatnonzero(marks.starts | resets | states.opens)
        starts, resets, again, opens = (
            held[places] for held in (marks.starts, resets, marks.stops & marks.restarts, states.opens)
        )
        # an event opens a clock or closes it, unless it starts again what runs
        settles, rows = starts | (resets & ~again) | opens, np.arange(len(places))
        opened = starts[np.maximum.accumulate(rows * settles)]
        before = np.r_[False, opened[:-1]] & ~opens
        started = starts & (~before | resets) | again & before
        owner, ended = np.cumsum(started, dtype=np.int32) - 1, np.flatnonzero(before & resets)
        self.begins = places[np.flatnonzero(started)]
        self.ends = np.full(len(self.begins), -1)
        self.ends[owner[ended] - started[ended]] = places[ended]
        self.is_stopped = marks.stops[self.ends]
        begins = states.at_places(self.begins)
        stages = np.flatnonzero(begins | (marks.changes & states.spread(Trail(places, opened))))
        super().__init__(plan, states, group, terming, len(stages))
        self.every, self.starts = self._here(slice(None), stages), np.flatnonzero(begins[stages])
        self.last: Ints = self.starts  # of each instance, the last stage that comes about
        self.owner = np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=len(stages)))

    def run(self, wanted: list[OfClock], left: Left) -> list[Looks]:
        """To the end. Leaves the rows of the instances, and says what was seen of comparisons with the latest."""
        live = self._live()
        begun = live.place, [(holds[live.row], cross[live.row]) for holds, cross in self._seen(self.every, wanted)[1]]
        ended = np.flatnonzero(self.ends >= 0)
        here = self._here(self.last[ended], self.ends[ended])
        self.stop(here, np.where(self.is_stopped[ended], np.int8(MET), np.int8(VOID)))
        seen = [self._unseen(wanted), self._seen(here, wanted), begun]
        left.add(*self._rows())
        return self._looks(wanted, seen) if wanted else []

    # ------------------------------------------------------------------------ stage by stage

    def _live(self) -> Here:
        """Lets all stages be, as if none came after a due, then drops those that did. The stages that are left.

        Up to the first that came after one, all of an instance are right, unless one came just when it was due.
        """
        row = np.arange(len(self.owner))
        self._count(row, self.starts[self.owner])
        late, just = self._after_due()
        whole = np.append(self.starts, len(row))[1:]
        end = whole.copy()
        end[self.owner[late[::-1]]] = late[::-1]  # of several, the first is kept
        singly = self.owner[just[np.flatnonzero(just < end[self.owner[just]])]]
        end[singly] = whole[singly]
        self._one_by_one(singly)
        self.last = end - 1
        return self.every.where(np.flatnonzero(row < end[self.owner]))

    def _count(self, row: Ints, first: Ints) -> None:
        """What clocks count up to each stage, and when they are due from then on."""
        place, now = self.every.place, self.every.now
        self.open[:], self.paused = True, self._waits(place)
        self.started, self.term = now[first], self._terms(self.every)
        self.budget = self._budget(self.every)
        self.active = self.budget != NONE
        if not self.active.all():  # once there was a budget, there was one
            self.active = np.maximum.accumulate(np.where(self.active, row, NONE)) >= first
        self._mark_leg(self.every)
        gained = self._gained()
        total = np.cumsum(gained)
        self.counted, self.reached[:] = total - total[first], self.started
        self._allow(self.every, self._is_exact(row, first, gained))

    def _is_exact(self, row: Ints, first: Ints, gained: Ints) -> Mask:
        """At which stages clocks have counted just what they are allowed, and only then."""
        found = np.zeros(len(row), np.bool_)
        full = np.flatnonzero((self.counted == self.budget) & (row > first))
        if len(full):
            last = np.maximum.accumulate(np.where(gained > 0, row, NONE))[full]  # when they last counted something
            full, last = full[last > first[full]], last[last > first[full]]
            found[full] = self._reached_by(self._from(last)) == self.every.now[full]
        return found

    def _gained(self) -> Ints:
        """What clocks count from one stage to the next."""
        found = np.zeros(len(self.owner), np.int64)
        found[1:] = (self.leg[1:] - self.leg[:-1]) * ~self.paused[:-1]
        found[self.starts] = 0
        if self.only is None:
            line = self.lines[self.term]
            other = np.flatnonzero((line[1:] != line[:-1]) & (self.owner[1:] == self.owner[:-1])) + 1
            found[other] = self.counted_now(self._from(other))
        return found

    def _from(self, rows: Ints) -> Here:
        """Stages as they were before, at the instants of the next."""
        return Here(rows - 1, self.every.place[rows], self.every.now[rows])

    def _after_due(self) -> tuple[Ints, Ints]:
        """Which stages come after the due of the one before, and which just at it, if no other terms caused it."""
        now, due, follows = self.every.now[1:], self.due[:-1], self.owner[1:] == self.owner[:-1]
        late = np.flatnonzero((due != LOST) & (now > due) & follows)
        just = np.flatnonzero((now == due) & follows & ~self.caused[:-1])
        return late + 1, just + 1

    def _one_by_one(self, chosen: Ints) -> None:
        """The stages of some instances, one after the other: just when a clock is due, it hangs on the order."""
        rows = np.flatnonzero(np.isin(self.owner, chosen)) if len(chosen) else chosen
        rows = rows[np.flatnonzero(rows > self.starts[self.owner[rows]])]
        for turn in by_turns(self.owner[rows]):
            self._take(rows[turn])
            self.change(self.every.where(rows[turn]))

    def _take(self, rows: Ints) -> None:
        """Lets stages be as the ones before."""
        for held in (self.paused, self.caused, self.active, self.term, self.budget):
            held[rows] = held[rows - 1]
        for instants in (self.counted, self.reached, self.leg, self.due):
            instants[rows] = instants[rows - 1]

    def _seen(self, here: Here, wanted: list[OfClock]) -> _Seen:
        return here.place, [self.look(one, here) for one in wanted]

    def _unseen(self, wanted: list[OfClock]) -> _Seen:
        """What is seen before anything starts."""
        size = self.states.size
        return self.states.opening, [(np.full(size, nothing(one)), np.full(size, NEVER)) for one in wanted]

    def _looks(self, wanted: list[OfClock], seen: list[_Seen]) -> list[Looks]:
        """The looks at comparisons, by event; of several at one event, the last that is given."""
        places = np.concatenate([places for places, _ in seen])
        last = np.empty(len(self.states.at), np.int64)
        last[places] = np.arange(len(places))
        here, found = np.flatnonzero(self.states.at_places(places)), []
        order = last[here]
        for number, one in enumerate(wanted):
            holds, cross = (np.concatenate([looks[number][part] for _, looks in seen])[order] for part in (0, 1))
            found.append(Looks(here, holds, cross, later(one)))
        return found

    def _here(self, row: Any, place: Places) -> Here:
        return Here(row, place, self.states.at[place])

    def _rows(self) -> tuple[NDArray[np.generic], ...]:
        """The instances as they are at the end: columns of `deadlines`."""
        rows, ended, states = self.last, self.ends >= 0, self.states
        end = either(ended, states.at[self.ends], self.until)
        here = Here(rows, self.begins, end)
        return (
            *(states.case[self.begins], np.full(len(rows), self.group.number, np.int16), self._occurrences()),
            *(states.cycle[self.begins], self.started[rows], self.due[rows], either(ended, end, LOST)),
            *(self.budget[rows], self.counted_now(here), end, self.outcome_now(here), self.caused[rows]),
        )

    def _occurrences(self) -> Ints:
        """The numbers of the instances in their cycles."""
        begun = self.states.begun[self.begins]
        place = np.arange(len(begun))
        fresh = np.ones(len(begun), np.bool_)
        fresh[1:] = begun[1:] != begun[:-1]
        found: Ints = place - np.maximum.accumulate(place * fresh) + 1
        return found
