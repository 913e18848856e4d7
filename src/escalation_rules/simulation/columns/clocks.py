"""Clocks of targets for many cases: those that events alone decide, and those that depend on levels (rules 12-16)."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.program.model import leaves
from escalation_rules.simulation.arrays import (
    BREACHED,
    MET,
    NAT,
    NEVER_64,
    NONE,
    NOT_STARTED,
    PENDING,
    VOID,
    Ints,
    Lane,
    Mask,
    Places,
    RowBuffer,
    by_rank,
    either,
)
from escalation_rules.simulation.columns.atoms import (
    ClockTest,
    HappenedTest,
    OutcomeTest,
    PastDueTest,
    Test,
    TimeLeftTest,
    UsedTest,
    ValueTest,
    held,
)
from escalation_rules.simulation.columns.compile import Plan, TargetCode
from escalation_rules.simulation.columns.conditions import Observations, dialed, edges, later, nothing
from escalation_rules.simulation.columns.facts import EventFacts, Positions, RecordedMoves, StepFunction
from escalation_rules.worktime.arrays import Bulk, leave, reach


class TargetTerms:
    """The number of a target's terms after each event (`codes`), and the events that may change it (`changes`).

    If moves by rules may change whether the target applies, `codes` assume that it does: `hanging` are the tests that
    depend on rules, and `after` has the values of the other tests after each event. If rules raise the priority by
    which the terms are picked, the priority adds `stride` to the code for each of its numbers.
    """

    def __init__(self, states: EventFacts, records: RecordedMoves, group: TargetCode) -> None:
        self.states, self.records, self.when = states, records, group.when
        plan, words = states.script.plan, states.script.words
        self.raises = plan.raises and "priority" in group.by
        self.others = group.by[self.raises :]
        self.hanging: dict[int, ValueTest | HappenedTest] = {}
        self.after: dict[int, Mask] = {}
        for k in leaves(group.when) if group.when is not None else ():
            self._add(k, plan.tests[k])
        self.hangs = self.raises or bool(self.hanging)
        self.codes: Ints = states.picked(self.others).values
        self.stride = prod(len(words[name]) for name in self.others) * self.raises
        if group.when is not None:
            applies = np.True_ if self.hanging else held(group.when, self.after.__getitem__)
            self.codes, self.stride = self.codes * 2 + ~applies, self.stride * 2
        self.changes = self._changes()

    def _add(self, k: int, one: Test) -> None:
        states = self.states
        if isinstance(one, HappenedTest) and one.patterns not in states.script.made_by_rules:
            self.after[k] = (self.records.seen(one.patterns) >= states.when(states.begun)) == one.wanted
        elif isinstance(one, ValueTest) and one.fact not in states.script.plan.moving:
            self.after[k] = states.spread(dialed(states, one))
        elif isinstance(one, ValueTest | HappenedTest):
            self.hanging[k] = one

    def _changes(self) -> Mask:
        found = self.states.picked(self.others).changes.copy() if self.others else np.zeros(len(self.codes), np.bool_)
        if self.raises:
            found |= self.states.reprices
        for holds in self.after.values():
            found |= self.states.changed(holds)
        for test in self.hanging.values():
            found |= self._may_change(test)
        return found

    def _may_change(self, one: ValueTest | HappenedTest) -> Mask:
        """Return a mask of the events, besides moves, that may change a test that depends on rules."""
        if isinstance(one, HappenedTest):
            return self.records.happened(one.patterns) | self.states.begins
        if one.fact == "priority":
            return self.states.reprices
        return self.records.failures if one.fact == "level_failed" else np.zeros(len(self.states.at), np.bool_)


def _remaining(one: TimeLeftTest, due: Ints, now: Ints) -> tuple[Mask, Ints]:
    """Return whether clocks pass a test of the time left, and the instants at which time alone will change that."""
    known = np.flatnonzero(due != NAT)
    edge = due[known] if one.span is None else leave(one.calendar, due[known], one.span)
    holds, cross = np.zeros(len(due), np.bool_), np.full(len(due), NEVER_64)
    left = now[known] <= edge
    holds[known], cross[known] = left == one.wanted, either(left, edge + 1, NEVER_64)
    return holds, cross


# rules 12-15: counted time, dues and outcomes, for many clocks
class ClockArrays:
    """Clocks of one target as arrays, one row each."""

    def __init__(self, plan: Plan, states: EventFacts, group: TargetCode, terming: TargetTerms, size: int) -> None:
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
        self.reached = np.zeros(size, np.int64)  # when clocks had counted their time, as of the last change

    # ------------------------------------------------------------------------ what time comes to

    def _by_line(self, here: Lane, chosen: Mask | None = None) -> Iterator[tuple[Bulk, Any]]:
        """Yield each line with the positions of the chosen rows whose clocks count on it."""
        where = np.arange(len(here.now)) if chosen is None else np.flatnonzero(chosen)
        if not len(where):
            return
        if self.only is not None:
            yield self.only, slice(None) if chosen is None else where
            return
        line_numbers = self.lines[self.term[here.rows(where)]]
        for number in sorted(set(self.lines.tolist())):
            on_line = where[line_numbers == number]
            if len(on_line):
                yield self.plan.lines[number], on_line

    def counted_now(self, here: Lane) -> Ints:
        """Return the time that clocks have counted, in microseconds."""
        row = here.row
        counted: Ints = self.counted[row]
        for line, where in self._by_line(here, self.open[row] & ~self.paused[row]):
            counted[where] += line.opened(here.now[where]) - self.leg[row[where]]
        return counted

    def is_over(self, here: Lane) -> Mask:
        """Return whether clocks are past due."""
        due = self.due[here.row]
        return (due != NAT) & (here.now > due)  # type: ignore[no-any-return]

    def outcome_now(self, here: Lane) -> NDArray[np.int8]:
        """Return the current outcome of clocks."""
        row = here.row
        current = either(self.is_over(here), np.int8(BREACHED), np.int8(PENDING))
        none = np.flatnonzero(self.budget[row] == NONE)
        current[none] = np.where(self.active[here.rows(none)], VOID, NOT_STARTED)
        return either(self.open[row], current, self.outcome[row])  # type: ignore[no-any-return]

    def look(self, one: ClockTest, here: Lane) -> tuple[Mask, Ints]:
        """Return whether a test of clocks is true now, and the instants at which time alone will change that."""
        if isinstance(one, OutcomeTest):
            return self._look_at_outcome(one, here)
        if isinstance(one, UsedTest):
            return self._look_at_share(one, here)
        due = np.where(self.open[here.row], self.due[here.row], NAT)
        return edges(self.plan, one, due, here.now) if isinstance(one, PastDueTest) else _remaining(one, due, here.now)

    def _look_at_outcome(self, one: OutcomeTest, here: Lane) -> tuple[Mask, Ints]:
        outcome, due = self.outcome_now(here), self.due[here.row]
        holds = np.zeros(len(outcome), np.bool_)
        for number in np.flatnonzero(one.table).tolist():
            holds |= outcome == number
        return holds, either((outcome == PENDING) & (due != NAT), due + 1, NEVER_64)

    def _look_at_share(self, one: UsedTest, here: Lane) -> tuple[Mask, Ints]:
        row, up, down = here.row, one.share.numerator, one.share.denominator
        budget, counted = self.budget[row], self.counted[row]
        left = np.where(budget > 0, -(-budget * up // down) - counted, 0)
        left[budget == NONE] = int(bool(up))
        used, cross = left <= 0, np.full(len(left), NEVER_64)
        runs = self.open[row] & ~self.paused[row] & (budget > 0)
        for line, where in self._by_line(here, runs):
            # the rest, counted since the clock began to run, ends at an instant, which has passed or not
            edge = line.earliest(self.leg[here.rows(where)] + left[where])
            used[where] = passed = edge <= here.now[where]
            cross[where] = either(passed, NEVER_64, edge)
        return used == one.wanted, cross

    # ------------------------------------------------------------------------ what events do

    def start(self, here: Lane) -> None:
        """Start clocks."""
        row, place, now = here
        self.started[row], self.term[row] = now, self._terms(here)
        budget = self._budget(here)
        self.budget[row], self.active[row] = budget, budget != NONE
        self.counted[row], self.reached[row] = 0, now
        self.open[row], self.paused[row] = True, self._waits(place)
        self._mark_leg(here)
        self._allow(here, np.zeros(len(row), np.bool_))

    def stop(self, here: Lane, otherwise: Any) -> None:
        """Stop clocks: outcome, due instant and counted time are final. A pending outcome becomes `otherwise`."""
        row = here.row
        counted, outcome = self.counted_now(here), self.outcome_now(here)
        self.outcome[row] = np.where(outcome == PENDING, otherwise, outcome)
        self.counted[row], self.open[row] = counted, False

    def change(self, here: Lane) -> Mask:
        """Apply events that may change terms or waits. Returns a mask of the clocks that changed."""
        changed = np.zeros(len(here.row), np.bool_)
        runs = np.flatnonzero(~self.is_over(here))
        here = here.where(runs)
        changed[runs] = self._retarget(here)
        changed[runs] |= self._pause_or_resume(here)
        return changed

    # ------------------------------------------------------------------------ the parts of these

    def _terms(self, here: Lane) -> Ints:
        """Return the numbers of the target's current terms."""
        found: Ints = self.terming.codes[here.place]
        return found

    def _waits(self, place: Any) -> Mask:
        found: Mask = self.waits[place]
        return found

    def _budget(self, here: Lane) -> Ints:
        """Return the budget of the current terms; that of days is the open time from the start to the nominal due."""
        terms = self.term[here.row]
        budget: Ints = self.budgets[terms]
        for number, term in enumerate(self.group.terms):
            if term.days is not None and term.span is not None:
                where = np.flatnonzero(terms == number)
                started, line = self.started[here.rows(where)], self.plan.lines[term.line]
                budget[where] = line.opened(reach(term.days, started, term.span)) - line.opened(started)
        return budget

    def _mark_leg(self, here: Lane) -> None:
        for line, where in self._by_line(here):
            self.leg[here.rows(where)] = line.opened(here.now[where])

    def _run(self, here: Lane, free: Mask) -> None:
        """Set the due instants of clocks that run from now on."""
        runs = free & ~self.paused[here.row] & (self.budget[here.row] != NONE)
        for line, where in self._by_line(here, runs):
            row = here.rows(where)
            point = self.leg[row] + self.budget[row] - self.counted[row]
            self.due[row] = line.earliest(point)
            late = np.flatnonzero(self.lates[self.term[row]]) if self.lates.any() else ()
            if len(late):  # a span that is due at the same time of day may end at an opening
                self.due[row[late]] = line.latest(point[late])

    def _retarget(self, here: Lane) -> Mask:
        """Change the span or calendar; counted time stays counted. Returns a mask of the clocks that changed."""
        fresh = np.zeros(len(here.row), np.bool_)
        if len(self.group.terms) == 1:
            return fresh
        where = np.flatnonzero(self.alike[self.term[here.row]] != self.alike[self._terms(here)])
        if len(where):
            self._retargeted(here.where(where))
        fresh[where] = True
        return fresh

    def _retargeted(self, here: Lane) -> None:
        row, place, now = here
        self.reached[row], self.counted[row] = self._reached_by(here), self.counted_now(here)
        self.term[row] = self._terms(here)
        budget = self._budget(here)
        self.budget[row] = budget
        self.active[row] |= budget != NONE
        self.paused[row] = self._waits(place)
        self._mark_leg(here)
        self._allow(here, self.reached[row] == now)

    def _reached_by(self, here: Lane) -> Ints:
        """Return the instants at which clocks had counted what they have now."""
        row = here.row
        reached: Ints = self.reached[row]
        for line, where in self._by_line(here, ~self.paused[row]):
            point = line.opened(here.now[where])
            reached[where] = np.where(point > self.leg[row[where]], line.earliest(point), reached[where])
        return reached

    def _allow(self, here: Lane, exact: Mask) -> None:
        """Set the due instants under a new budget: now, if a clock has already counted as much.

        A clock that is `exact` has counted it only now.
        """
        row = here.row
        budget, counted = self.budget[row], self.counted[row]
        passed = (budget != NONE) & (counted >= budget)
        if self.lates.any():  # a budget used up at closing time may be due later
            passed &= ~(self.lates[self.term[row]] & (counted == budget) & (budget > 0))
        self.caused[row], self.due[row] = False, NAT
        self._run(here, ~passed)
        full = np.flatnonzero(passed)
        budget, counted, now, row = budget[full], counted[full], here.now[full], here.rows(full)
        just = np.where(budget == 0, self.started[row] == now, exact[full] & (counted == budget))
        self.caused[row], self.due[row] = ~just, now

    def _pause_or_resume(self, here: Lane) -> Mask:
        """Pause or resume clocks; a pause at or after due has no effect. Returns a mask of those that changed."""
        row = here.row
        paused, due = self._waits(here.place), self.due[row]
        turns: Mask = (paused != self.paused[row]) & ((due == NAT) | (due > here.now) | self.caused[row])
        if turns.any():
            where = np.flatnonzero(turns)
            self._paused(here.where(where), paused[where])
        return turns

    def _paused(self, here: Lane, paused: Mask) -> None:
        row = here.row
        self.reached[row] = self._reached_by(here)
        counted, leg = (~self.paused[row]).astype(np.int64), self.leg[row]
        self._mark_leg(here)
        self.counted[row] += counted * (self.leg[row] - leg)
        self.paused[row] = paused
        free = ~self.caused[row]
        self.due[row[np.flatnonzero(free)]] = NAT
        self._run(here, free)


# Events alone decide when an instance starts, changes and stops, so all of these instants are known before any clock
# runs. The time counted at each is a running sum; only if a change comes exactly when a clock is due, it depends on
# the order of the changes.

_Seen = tuple[Places, list[tuple[Mask, Ints]]]
"""The events of observations, and for each test whether it is true then and when time will change that."""


class Marks:
    """Masks of the events that would start a clock, restart it if it just stopped, stop, void or change it."""

    def __init__(self, states: EventFacts, group: TargetCode, terming: TargetTerms) -> None:
        by_answers, never = group.target.start_on == "unanswered", np.zeros(len(states.at), np.bool_)
        if by_answers:
            self.starts = states.owing & (states.begins | states.kinds(E.CustomerReplied))
        elif group.target.start_on:
            self.starts = states.like(group.starts) & (states.live | states.ends)
        else:
            self.starts = states.begins & states.live
        self.restarts = states.live if group.target.recurring else never
        if by_answers:
            self.restarts = self.restarts | states.owing
        self.stops = states.like(group.stops)
        self.voids = states.kinds(E.Reopened)
        self.voids[states.ended] = True
        if group.at_the_end:
            self.voids &= states.kinds(E.Voided)
        self.changes = states.changed(states.waiting(states.script.pauses[group.number]))
        self.changes |= terming.changes


class EventClocks(ClockArrays):
    """All instances of a target, in the order of their starts; each ends at an event, or is open at the end (-1).

    An instance has one row after its start and one after each change (a *stage*): rows are ordered by instance, and
    each is computed from the one before.
    """

    def __init__(self, plan: Plan, states: EventFacts, group: TargetCode, terming: TargetTerms, until: int) -> None:
        self.until = until
        marks = Marks(states, group, terming)
        resets = marks.stops | marks.voids
        places = np.flatnonzero(marks.starts | resets | states.opens)
        starts, resets, again, opens = (
            mask[places] for mask in (marks.starts, resets, marks.stops & marks.restarts, states.opens)
        )
        # an event opens a clock or closes it, unless it restarts a running one
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
        stages = np.flatnonzero(begins | (marks.changes & states.spread(StepFunction(places, opened))))
        super().__init__(plan, states, group, terming, len(stages))
        self.every, self.starts = self._here(slice(None), stages), np.flatnonzero(begins[stages])
        self.last: Ints = self.starts  # the last stage of each instance that is reached
        self.owner = np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=len(stages)))

    def run(self, wanted: list[ClockTest], left: RowBuffer) -> list[Observations]:
        """Run the clocks to the end: add rows of the instances, and return observations of tests of the latest."""
        live = self._live()
        begun = live.place, [(holds[live.row], cross[live.row]) for holds, cross in self._seen(self.every, wanted)[1]]
        ended = np.flatnonzero(self.ends >= 0)
        here = self._here(self.last[ended], self.ends[ended])
        self.stop(here, np.where(self.is_stopped[ended], np.int8(MET), np.int8(VOID)))
        seen = [self._unseen(wanted), self._seen(here, wanted), begun]
        left.add(*self._rows())
        return self._looks(wanted, seen) if wanted else []

    # ------------------------------------------------------------------------ stage by stage

    def _live(self) -> Lane:
        """Compute all stages as if none came after due, then drop those that did. Returns the stages that are left.

        All stages of an instance are right up to the first after its due, unless one came exactly when it was due.
        """
        row = np.arange(len(self.owner))
        self._count(row, self.starts[self.owner])
        late, just = self._after_due()
        whole = np.append(self.starts, len(row))[1:]
        end = whole.copy()
        end[self.owner[late[::-1]]] = late[::-1]  # numpy keeps the last of several, here the first stage
        singly = self.owner[just[np.flatnonzero(just < end[self.owner[just]])]]
        end[singly] = whole[singly]
        self._one_by_one(singly)
        self.last = end - 1
        return self.every.where(np.flatnonzero(row < end[self.owner]))

    def _count(self, row: Ints, first: Ints) -> None:
        """Compute the time counted up to each stage, and the due instants from then on."""
        place, now = self.every.place, self.every.now
        self.open[:], self.paused = True, self._waits(place)
        self.started, self.term = now[first], self._terms(self.every)
        self.budget = self._budget(self.every)
        self.active = self.budget != NONE
        if not self.active.all():  # a budget, once set, is never cleared
            self.active = np.maximum.accumulate(np.where(self.active, row, NONE)) >= first
        self._mark_leg(self.every)
        gained = self._gained()
        total = np.cumsum(gained)
        self.counted, self.reached[:] = total - total[first], self.started
        self._allow(self.every, self._is_exact(row, first, gained))

    def _is_exact(self, row: Ints, first: Ints, gained: Ints) -> Mask:
        """Return the stages at which clocks have counted exactly their budget, and only then."""
        exact = np.zeros(len(row), np.bool_)
        full = np.flatnonzero((self.counted == self.budget) & (row > first))
        if len(full):
            last = np.maximum.accumulate(np.where(gained > 0, row, NONE))[
                full
            ]  # the stage at which they last counted something
            full, last = full[last > first[full]], last[last > first[full]]
            exact[full] = self._reached_by(self._from(last)) == self.every.now[full]
        return exact

    def _gained(self) -> Ints:
        """Return the time counted from one stage to the next."""
        gained = np.zeros(len(self.owner), np.int64)
        gained[1:] = (self.leg[1:] - self.leg[:-1]) * ~self.paused[:-1]
        gained[self.starts] = 0
        if self.only is None:
            line = self.lines[self.term]
            other = np.flatnonzero((line[1:] != line[:-1]) & (self.owner[1:] == self.owner[:-1])) + 1
            gained[other] = self.counted_now(self._from(other))
        return gained

    def _from(self, rows: Ints) -> Lane:
        """Return the stages before these, at the instants of these."""
        return Lane(rows - 1, self.every.place[rows], self.every.now[rows])

    def _after_due(self) -> tuple[Ints, Ints]:
        """Return the stages after the due of the one before, and those at it, unless a change of terms caused it."""
        now, due, follows = self.every.now[1:], self.due[:-1], self.owner[1:] == self.owner[:-1]
        late = np.flatnonzero((due != NAT) & (now > due) & follows)
        just = np.flatnonzero((now == due) & follows & ~self.caused[:-1])
        return late + 1, just + 1

    def _one_by_one(self, chosen: Ints) -> None:
        """Compute the stages of some instances in order: exactly at a due instant, the result depends on the order."""
        rows = np.flatnonzero(np.isin(self.owner, chosen)) if len(chosen) else chosen
        rows = rows[np.flatnonzero(rows > self.starts[self.owner[rows]])]
        for turn in by_rank(self.owner[rows]):
            self._take(rows[turn])
            self.change(self.every.where(rows[turn]))

    def _take(self, rows: Ints) -> None:
        """Copy the stages before these."""
        for column in (self.paused, self.caused, self.active, self.term, self.budget):
            column[rows] = column[rows - 1]
        for instants in (self.counted, self.reached, self.leg, self.due):
            instants[rows] = instants[rows - 1]

    def _seen(self, here: Lane, wanted: list[ClockTest]) -> _Seen:
        return here.place, [self.look(one, here) for one in wanted]

    def _unseen(self, wanted: list[ClockTest]) -> _Seen:
        """Return the observations before anything starts."""
        size = self.states.size
        return self.states.opening, [(np.full(size, nothing(test)), np.full(size, NEVER_64)) for test in wanted]

    def _looks(self, wanted: list[ClockTest], seen: list[_Seen]) -> list[Observations]:
        """Return the observations of tests, by event; of several at one event, the last."""
        places = np.concatenate([places for places, _ in seen])
        last = np.empty(len(self.states.at), np.int64)
        last[places] = np.arange(len(places))
        here, observed = np.flatnonzero(self.states.at_places(places)), []
        order = last[here]
        for number, test in enumerate(wanted):
            holds, cross = (np.concatenate([looks[number][part] for _, looks in seen])[order] for part in (0, 1))
            observed.append(Observations(here, holds, cross, later(test)))
        return observed

    def _here(self, row: Any, place: Places) -> Lane:
        return Lane(row, place, self.states.at[place])

    def _rows(self) -> tuple[NDArray[np.generic], ...]:
        """Return the instances at the end, as columns of `deadlines`."""
        rows, ended, states = self.last, self.ends >= 0, self.states
        end = either(ended, states.at[self.ends], self.until)
        here = Lane(rows, self.begins, end)
        return (
            *(states.case[self.begins], np.full(len(rows), self.group.number, np.int16), self._occurrences()),
            *(states.cycle[self.begins], self.started[rows], self.due[rows], either(ended, end, NAT)),
            *(self.budget[rows], self.counted_now(here), end, self.outcome_now(here), self.caused[rows]),
        )

    def _occurrences(self) -> Ints:
        """Return the numbers of the instances in their cycles."""
        begun = self.states.begun[self.begins]
        place = np.arange(len(begun))
        fresh = np.ones(len(begun), np.bool_)
        fresh[1:] = begun[1:] != begun[:-1]
        found: Ints = place - np.maximum.accumulate(place * fresh) + 1
        return found


class LevelChange(NamedTuple):
    """A change of levels: which cases moved, from which level to which (-1: none)."""

    moved: Mask
    left: Ints
    to: Ints

    @classmethod
    def none(cls, size: int) -> LevelChange:
        """Return a change in which none of `size` cases moved."""
        return cls(np.zeros(size, np.bool_), np.full(size, NONE), np.full(size, NONE))


class LevelClocks:
    """The targets with one key: their instances are numbered together in each cycle, and only the latest counts.

    Instances that are over are added as rows to `left`.
    """

    def __init__(
        self,
        plan: Plan,
        states: EventFacts,
        groups: list[tuple[TargetCode, TargetTerms]],
        stands: Positions,
        left: RowBuffer,
    ) -> None:
        size = states.size
        self.states, self.stands, self.left = states, stands, left
        self.count, self.cycle = np.zeros(size, np.int64), np.zeros(size, np.int32)
        self.latest = np.full(size, NONE, np.int32)
        self.clocks = [_LevelClocks(plan, states, group, terming, self) for group, terming in groups]

    def number(self, here: Lane, group: int) -> None:
        """Number new instances of one of the targets."""
        case, cycle = here.row, self.states.cycle[here.place]
        self.count[case] = np.where(self.cycle[case] == cycle, self.count[case], 0) + 1
        self.cycle[case], self.latest[case] = cycle, group

    def look(self, one: ClockTest, here: Lane) -> tuple[Mask, Ints]:
        """Return whether a test of the latest instance is true now, and the instants at which time will change that."""
        holds, cross = np.full(len(here.row), nothing(one)), np.full(len(here.row), NEVER_64)
        latest = self.latest[here.row]
        for clock in self.clocks:
            where = np.flatnonzero(latest == clock.group.number)
            holds[where], cross[where] = clock.look(one, here.where(where))
        return holds, cross

    def concerned(self) -> Mask:
        """Return a mask of the events that can change a clock."""
        found: Mask = np.logical_or.reduce([clock.concerned for clock in self.clocks])
        return found

    def turn(self, here: Lane, shift: LevelChange, *, by_event: bool) -> None:
        """Apply the current event of each of these cases to its clocks, or (not `by_event`) a change by rules."""
        for clock in self.clocks:
            clock.turn(here, shift, by_event=by_event)

    def finish(self, until: int) -> None:
        """Add the rows of the clocks that are open at the end."""
        states = self.states
        for clock in self.clocks:
            clock.finish(Lane(np.arange(states.size), states.ending, np.full(states.size, until)))


class _LevelClocks(ClockArrays):
    """The latest instance of a target in each case, by case. Events stop, void, change or start it, in this order."""

    def __init__(
        self, plan: Plan, states: EventFacts, group: TargetCode, terming: TargetTerms, family: LevelClocks
    ) -> None:
        super().__init__(plan, states, group, terming, states.size)
        self.family, self.level, self.marks = family, group.level, Marks(states, group, terming)
        self.rung = NONE - 1 if group.level is None else group.level
        self.track = 0 if group.level is None else plan.track_of[group.level]
        self.occurrence, self.cycle = np.zeros(states.size, np.int64), np.zeros(states.size, np.int32)
        marks = self.marks
        self.concerned = marks.starts | marks.stops | marks.voids | marks.changes | states.begins

    def turn(self, here: Lane, shift: LevelChange, *, by_event: bool) -> None:
        """Stop, void, change and start clocks, in this order, after the levels have changed.

        A target of a level becomes void when its level is left, and any target when the case goes external.
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

    def _entered(self, here: Lane, shift: LevelChange) -> Mask:
        """Return whether a move may start the clock: on entry to its level, or if a customer waits (it may be void)."""
        may_start: Mask = np.zeros(len(here.row), np.bool_)
        if self.group.target.start_on == "unanswered":
            may_start = self.states.owing[here.place]
        elif self.level is not None and not self.group.target.start_on:
            may_start = self.states.live[here.place] & (shift.to == self.level)
        return may_start

    def _terms(self, here: Lane) -> Ints:
        """Return the numbers of the current terms; rules may change the picks and whether the target applies."""
        codes, terming = super()._terms(here), self.terming
        if terming.raises:
            codes = codes + self.family.stands.priority[here.row] * terming.stride
        if terming.when is None or not terming.hanging:
            return codes
        applies = held(
            terming.when,
            lambda k: (
                terming.after[k][here.place]
                if k in terming.after
                else self.family.stands.holds(terming.hanging[k], here)
            ),
        )
        return codes + ~applies

    def _begin(self, here: Lane, starts: Mask) -> None:
        """Start clocks that are not open, on their level."""
        starts &= ~self.open[here.row]
        if self.level is not None:
            starts &= self.family.stands.level[self.track][here.row] == self.level
        here = here.where(np.flatnonzero(starts))
        if len(here.row):
            self.family.number(here, self.group.number)
            self.occurrence[here.row], self.cycle[here.row] = self.family.count[here.row], self.family.cycle[here.row]
            self.start(here)

    def _over(self, here: Lane, ends: Mask, otherwise: int) -> None:
        """Stop clocks, and add their rows."""
        here = here.where(np.flatnonzero(ends))
        if len(here.row):
            self.stop(here, np.int8(otherwise))
            self._leave(here, here.now)

    def finish(self, here: Lane) -> None:
        """Add the rows of clocks that are open at the end."""
        here = here.where(np.flatnonzero(self.open))
        self._leave(here, np.full(len(here.row), NAT))

    def _leave(self, here: Lane, stopped: NDArray[Any]) -> None:
        row = here.row
        self.family.left.add(
            *(row, np.full(len(row), self.group.number, np.int16), self.occurrence[row], self.cycle[row]),
            *(self.started[row], self.due[row], stopped, self.budget[row], self.counted_now(here)),
            *(here.now, self.outcome_now(here), self.caused[row]),
        )
