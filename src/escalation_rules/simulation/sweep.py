"""What the rules do to all cases at once: each step takes every case to its next instant at which they may ask.

By then it is known what events and time alone make of each case. What is left is what depends on levels: the moves, the
comparisons that look at them, and the targets of levels.
"""

from __future__ import annotations

import numpy as np

from escalation_rules.simulation.families import Family
from escalation_rules.simulation.grids import LONG_AGO, NEVER, NONE, Left, starts_of
from escalation_rules.simulation.holding import Holding
from escalation_rules.simulation.keys import BITS
from escalation_rules.simulation.plans import Plan, Ruling
from escalation_rules.simulation.points import Points
from escalation_rules.simulation.records import Records
from escalation_rules.simulation.states import Ints, Mask, States
from escalation_rules.simulation.ticking import Here

__all__ = ["MOST", "Sweep"]

MOST = (1 << BITS) - 256
"""How many events a case may have; the positions that are left are those of moves."""


class _Queue:
    """The instants that lie before each case, of which `next` is the first."""

    def __init__(self, at: Ints, starts: Ints) -> None:
        self.at, self.spot, self.end = np.r_[at, NEVER], starts[:-1].copy(), starts[1:]
        self.next = np.full(len(self.spot), NEVER)
        self._await(np.arange(len(self.spot)))

    def _await(self, case: Ints) -> None:
        spot = self.spot[case]
        self.next[case] = self.at[np.where(spot < self.end[case], spot, -1)]

    def take(self, case: Ints) -> Ints:
        """The first of some cases, which is done with then."""
        spot = self.spot[case]
        self.spot[case] = spot + 1
        self._await(case)
        return spot


class Sweep(Holding):
    """Moves cases under a plan up to an instant.

    What the rules asked for is left in `moves`: case, at, cycle, origin, level, rules as bits, cause; where events put
    cases on another level in `placings`: case, at, level.
    """

    def __init__(
        self,
        plan: Plan,
        states: States,
        records: Records,
        points: Points,
        rules: dict[int, Ruling],
        families: dict[str, Family],
        levels: Ints,
        outside: Mask,
        watched: list[int],
    ) -> None:
        super().__init__(plan, states, records, points, families, levels, outside, watched)
        self.rules, self.moves, self.placings = rules, Left(7), Left(3)
        self.touches = self._touches()
        self.points_ahead = _Queue(points.at, points.starts)
        starts = starts_of(states.case[self.touches], states.size)
        self.touches_ahead = _Queue(states.at[self.touches], starts)

    def _touches(self) -> Ints:
        """The events after which what depends on levels is looked at."""
        found = self.records.moves.copy()
        if self.row or self.families or self.plan.goes_outside:
            found |= self.states.begins
        if "level_failed" in self.facts.values():
            found |= self.records.failures
        for patterns in self.heard:
            found |= self.records.happened(patterns)
        for family in self.families.values():
            found |= family.concerned()
        return np.flatnonzero(found)

    # ------------------------------------------------------------------------ steps

    def run(self, until: int) -> None:
        """To the end."""
        states = self.states
        case = np.arange(states.size)
        while len(case):
            now = np.minimum(self.points_ahead.next[case], self.touches_ahead.next[case])
            for cross in self.cross:
                np.minimum(now, cross[case], out=now)
            going = np.flatnonzero(now <= until)
            case, now = case[going], now[going]
            if len(case):
                self._step(case, now)
        for family in self.families.values():
            family.finish(until)

    def _step(self, case: Ints, now: Ints) -> None:
        """Crossings come before the events of their instant, and rules after them."""
        self.crossed(case, now)
        here = case[np.flatnonzero(self.touches_ahead.next[case] == now)]
        while len(here):
            place = self.touches[self.touches_ahead.take(here)]
            self._touch(Here(here, place, self.states.at[place]))
            here = here[self.touches_ahead.next[here] == self.states.at[place]]
        self._rules(case, now)

    def _touch(self, here: Here) -> None:
        """One event of each of these cases. One that is reopened is no longer outside, wherever it stands."""
        self.outside[here.row[np.flatnonzero(self.states.begins[here.place] & ~self.states.opens[here.place])]] = False
        for family in self.families.values():
            family.turn(here)
        if self.records.any:
            self._place(here.where(np.flatnonzero(self.records.moves[here.place])))
        self.look(here, self.states.when(here.place))

    def _place(self, here: Here) -> None:
        """Events put these cases on levels. After one that goes down no rule asks on older evidence."""
        to, left, when = self.records.level[here.place], self.level[here.row], self.states.when(here.place)
        down = np.flatnonzero(to < left)
        self.barrier[here.row[down]] = when[down]
        moved = np.flatnonzero(to != left)
        here, to, left = here.where(moved), to[moved], left[moved]
        self.placings.add(here.row, here.now, to)
        self._stand(here, left, to, when[moved])
        self.stir[here.row] = True

    def _stand(self, here: Here, left: Ints, to: Ints, when: Ints) -> None:
        """Cases come from levels to others."""
        self.moved[here.row] += to > left
        self.level[here.row], self.entry[here.row], self.outside[here.row] = to, when, self.plan.outside[to]
        for family in self.families.values():
            family.moved(here, left, to)

    # ------------------------------------------------------------------------ rules

    def _rules(self, case: Ints, now: Ints) -> None:
        """Rules to a fixpoint; each round reads the state that the last one left."""
        at_point = self.points_ahead.next[case] == now
        chosen = np.flatnonzero(at_point | self.stir[case])
        if not len(chosen):
            return
        case, now, at_point = case[chosen], now[chosen], at_point[chosen]
        self.stir[case] = False
        point, worked = self._points(case, now, at_point)
        case, now, point = case[worked], now[worked], point[worked]
        while len(case):
            moved = self._round(case, now, point)
            moved = moved[np.flatnonzero(~self.outside[case[moved]])]
            case, now, point = case[moved], now[moved], point[moved]
            self.stir[case] = False

    def _points(self, case: Ints, now: Ints, at_point: Mask) -> tuple[Ints, Ints]:
        """The last instant of each case at which one of its comparisons turned, and which cases are worked on."""
        here, others = np.flatnonzero(at_point), np.flatnonzero(~at_point)
        keys = self.states.key(case[others], now[others])
        found, worked = np.empty(len(case), np.int64), at_point.copy()  # at a point of its own a case is worked on
        found[here] = self.points.chosen[self.points_ahead.take(case[here])]
        found[others], worked[others] = self.points.as_of(keys), self.states.live_at(keys)
        return found, np.flatnonzero(worked & ~self.outside[case])

    def _round(self, case: Ints, now: Ints, point: Ints) -> Ints:
        """One round. Which of the cases moved."""
        level = self.level[case]
        wants = {
            number: self._wanted(number, case, point, level) for number in self.rules.keys() - self.points.plain.keys()
        }
        plain = {number: self._asks(number, case, point) for number in self.points.plain} if self.records.any else {}
        to = self._best(case, point, plain)
        for wanted in wants.values():
            np.maximum(to, wanted, out=to)
        moved = np.flatnonzero(to > level)
        if len(moved):
            to, point = to[moved], point[moved]
            asked = {number: np.flatnonzero(wanted[moved] == to) for number, wanted in wants.items()}
            for number, named in self.points.plain.items():
                asks = plain[number][moved] if plain else self.points.may[number][point]
                asked[number] = np.flatnonzero(asks & (to == named))
            case, now = case[moved], now[moved]
            place = self.states.as_of(self.states.key(case, now))
            self._move(Here(case, place, now), point, to, asked)
        return moved

    def _best(self, case: Ints, point: Ints, plain: dict[int, Mask]) -> Ints:
        """The highest level that plain rules ask for; -1 for none."""
        if not plain:
            return self.points.best[point].astype(np.int64)
        to = np.full(len(case), NONE)
        for number, asks in plain.items():
            np.maximum(to, np.where(asks, self.points.plain[number], NONE), out=to)
        return to

    def _asks(self, number: int, case: Ints, point: Ints) -> Mask:
        """Whether a rule holds, on evidence that is later than a move down."""
        tree = self.rules[number].tree
        found: Mask = self.holds(tree, case, point)
        if self.records.any:
            found = found & (self.evidence(tree, case, point) > self.barrier[case])
        return found

    def _wanted(self, number: int, case: Ints, point: Ints, level: Ints) -> Ints:
        """The level that a rule wants each case on, above the present one; -1 for none."""
        rule = self.rules[number]
        holds = self._asks(number, case, point)
        if rule.levels is not None:
            holds = holds & rule.levels[level]
        if rule.to is not None and rule.to >= 0:
            return np.where(holds & (rule.to > level), rule.to, NONE)
        found = np.full(len(case), NONE)
        above = np.flatnonzero(holds & (level + 1 < len(self.plan.levels)))
        fresh = above[self.evidence(rule.tree, case[above], point[above]) > self.entry[case[above]]]
        found[fresh] = level[fresh] + 1
        return found

    # ------------------------------------------------------------------------ moves

    def _move(self, here: Here, point: Ints, to: Ints, asked: dict[int, Ints]) -> None:
        """Moves of cases, with the rules that ask for them."""
        states, case = self.states, here.row
        bits, cause = np.zeros(len(case), np.int64), np.full(len(case), NEVER)
        begun = states.when(states.begun[here.place])
        for number, asks in asked.items():
            if len(asks):
                bits[asks] |= 1 << number
                found = self.evidence(self.rules[number].tree, case[asks], point[asks])
                found = np.where(found == LONG_AGO, begun[asks], found)
                cause[asks] = np.minimum(cause[asks], found >> BITS)
        left = self.level[case]
        self.moves.add(case, here.now, states.cycle[here.place], left, to, bits, cause + states.base)
        self._stand(here, left, to, ((here.now - states.base) << BITS) + MOST + to)
        self.look(here, self.entry[case])
