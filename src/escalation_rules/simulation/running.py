"""The clocks of targets that do not depend on levels: all instances of a target at once.

When an instance starts and stops is decided by events alone, so all of them start together, then each takes its turns
of what happens in between, and then all stop together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.simulation.columns import LOST
from escalation_rules.simulation.grids import BREACHED, MET, NEVER, NOT_STARTED, VOID, Left, by_turns
from escalation_rules.simulation.plans import Group, Outcomed, Plan, Shared
from escalation_rules.simulation.states import Ints, Mask, Places, States
from escalation_rules.simulation.ticking import Here, Ticking
from escalation_rules.simulation.turning import Looks

__all__ = ["Marks", "Running", "nothing"]

_Seen = tuple[Places, list[tuple[Mask, Ints]]]
"""After which events something was looked at, and of each comparison whether it holds and when that will change."""


def nothing(one: Outcomed | Shared) -> bool:
    """Whether a comparison holds of a target that has not started."""
    return bool(one.table[NOT_STARTED]) if isinstance(one, Outcomed) else (not one.share) == one.wanted


class Marks:
    """What each event would do to a clock: start it, restart it if it was just stopped, stop it, void it, change it."""

    def __init__(self, states: States, group: Group) -> None:
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
        if group.is_picked:
            self.changes |= states.is_repriced


class Running(Ticking):
    """All instances of a target, by the order of their starts; each ends at an event, or is open at the end (-1)."""

    def __init__(self, plan: Plan, states: States, group: Group, until: int) -> None:
        self.until = until
        marks = Marks(states, group)
        resets = marks.stops | marks.voids
        places = np.flatnonzero(marks.starts | resets | states.opens | marks.changes)
        starts, resets, again = (held[places] for held in (marks.starts, resets, marks.stops & marks.restarts))
        # an event opens a clock or closes it, unless it changes it or starts again what runs
        settles, rows = starts | (resets & ~again) | states.opens[places], np.arange(len(places))
        opened = starts[np.maximum.accumulate(rows * settles)]
        before = np.r_[False, opened[:-1]] & ~states.opens[places]
        started = starts & (~before | resets) | again & before
        self.begins = places[np.flatnonzero(started)]
        super().__init__(plan, states, group, len(self.begins))
        owner = np.cumsum(started) - 1
        ended, changed = np.flatnonzero(before & resets), np.flatnonzero(before & ~resets & marks.changes[places])
        self.ends = np.full(len(self.begins), -1)
        self.ends[owner[ended] - started[ended]] = places[ended]
        self.is_stopped = marks.stops[self.ends]
        self.changes, self.owner = places[changed], owner[changed]

    def run(self, wanted: list[Outcomed | Shared], left: Left) -> list[Looks]:
        """To the end. Leaves the rows of the instances, and says what was seen of comparisons with the latest."""
        here = self._here(np.arange(len(self.begins)), self.begins)
        self.start(here)
        begun = self._seen(here, wanted)
        between = []
        for turn in by_turns(self.owner):
            here = self._here(self.owner[turn], self.changes[turn])
            between.append(self._seen(here.where(np.flatnonzero(self.change(here))), wanted))
        ended = np.flatnonzero(self.ends >= 0)
        here = self._here(ended, self.ends[ended])
        self.stop(here, np.where(self.is_stopped[ended], np.int8(MET), np.int8(VOID)))
        seen = [self._unseen(wanted), self._seen(here, wanted), *between, begun]
        left.add(*self._rows())
        return self._looks(wanted, seen) if wanted else []

    def _seen(self, here: Here, wanted: list[Outcomed | Shared]) -> _Seen:
        return here.place, [self.look(one, here) for one in wanted]

    def _unseen(self, wanted: list[Outcomed | Shared]) -> _Seen:
        """What is seen before anything starts."""
        size = self.states.size
        return self.states.opening, [(np.full(size, nothing(one)), np.full(size, NEVER)) for one in wanted]

    def _looks(self, wanted: list[Outcomed | Shared], seen: list[_Seen]) -> list[Looks]:
        """The looks at comparisons, by event; of several at one event, the last that is given."""
        places = np.concatenate([places for places, _ in seen])
        marked = np.zeros(len(self.states.at), np.int32)
        marked[places] = np.arange(1, len(places) + 1)
        here = np.flatnonzero(marked)
        order, found = marked[here] - 1, []
        for number, one in enumerate(wanted):
            holds, cross = (np.concatenate([looks[number][part] for _, looks in seen])[order] for part in (0, 1))
            after = bool(one.table[BREACHED]) if isinstance(one, Outcomed) else one.wanted
            found.append(Looks(here, holds, cross, after))
        return found

    def _here(self, row: Ints, place: Places) -> Here:
        return Here(row, place, self.states.at[place])

    def _rows(self) -> tuple[NDArray[np.generic], ...]:
        """The instances as they are at the end: columns of `deadlines`."""
        rows, ended, states = np.arange(len(self.begins)), self.ends >= 0, self.states
        end = np.where(ended, states.at[self.ends], self.until)
        here = Here(rows, self.begins, end)
        return (
            *(states.case[self.begins], np.full(len(rows), self.group.number, np.int16), self._occurrences()),
            *(states.cycle[self.begins], self.started, self.due, np.where(ended, end, LOST), self.budget),
            *(self.counted_now(here), end, self.outcome_now(here), self.caused),
        )

    def _occurrences(self) -> Ints:
        """The numbers of the instances in their cycles."""
        begun = self.states.begun[self.begins]
        place = np.arange(len(begun))
        fresh = np.ones(len(begun), np.bool_)
        fresh[1:] = begun[1:] != begun[:-1]
        found: Ints = place - np.maximum.accumulate(place * fresh) + 1
        return found
