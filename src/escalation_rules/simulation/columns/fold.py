"""The sweep: each step takes every case to its next instant at which rules may act, and makes the moves.

All that depends on events and time alone is computed before. The rest depends on the rules: their moves, the priorities
that they raise, the tests that read these, and the targets that change with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from escalation_rules.simulation.arrays import (
    BEFORE_ANY,
    EVENT_BITS,
    NEVER_64,
    NONE,
    Ints,
    Lane,
    Mask,
    RowBuffer,
    starts_of,
)
from escalation_rules.simulation.columns.clocks import LevelChange, LevelClocks
from escalation_rules.simulation.columns.compile import Plan, VectorRule
from escalation_rules.simulation.columns.facts import EventFacts, Positions, RecordedMoves
from escalation_rules.simulation.columns.rules import Agenda, HeldMoves, PriorityRaises, RuleConditions, Wants

MOST = (1 << EVENT_BITS) - 256
"""The most events a case may have; the remaining positions of an instant are for moves by rules."""


class _Queue:
    """The instants ahead of each case, of which `next` is the first."""

    def __init__(self, at: Ints, starts: Ints) -> None:
        self.at, self.spot, self.end = np.r_[at, NEVER_64], starts[:-1].copy(), starts[1:]
        self.next = np.full(len(self.spot), NEVER_64)
        self._await(np.arange(len(self.spot)))

    def _await(self, case: Ints) -> None:
        spot = self.spot[case]
        self.next[case] = self.at[np.where(spot < self.end[case], spot, -1)]

    def take(self, case: Ints) -> Ints:
        """Remove the first instant of each of these cases and return its place."""
        spot = self.spot[case]
        self.spot[case] = spot + 1
        self._await(case)
        return spot


class _Moves(NamedTuple):
    """Moves on one track that rules want: the rules as bits, and the instant that caused each."""

    here: Lane
    track: int
    to: Ints
    bits: Ints
    cause: Ints


class Sweep(RuleConditions):
    """Moves cases under a plan up to an instant.

    Moves by rules are added to `moves`: case, instant, cycle, origin, level, rules as bits, cause, and the state of the
    checklist. Moves by events are added to `placings`: case, instant, track, level.
    """

    def __init__(
        self,
        plan: Plan,
        states: EventFacts,
        records: RecordedMoves,
        points: Agenda,
        rules: dict[int, VectorRule],
        families: dict[str, LevelClocks],
        stands: Positions,
        watched: list[int],
    ) -> None:
        super().__init__(plan, states, records, points, families, stands, watched)
        self.rules, self.moves, self.placings = rules, RowBuffer(8), RowBuffer(4)
        self.blocking = HeldMoves(plan, states, rules) if plan.checked else None
        self.raising = PriorityRaises(states, rules) if plan.raises else None
        self.stepwise = [number for number, rule in rules.items() if rule.to is not None and number not in points.plain]
        self.in_force = states.base if plan.effective_from is None else plan.effective_from
        self.turn = np.zeros(
            states.size, np.int64
        )  # how many changes rules have made to each case at the current instant
        self.touches = self._touches()
        self.points_ahead = _Queue(points.at, points.starts)
        starts = starts_of(states.case[self.touches], states.size)
        self.touches_ahead = _Queue(states.at[self.touches], starts)

    def _touches(self) -> Ints:
        """Return the events after which the tests that depend on rules are updated."""
        touched = self.records.moves.copy()
        if self.row or self.families or self.plan.goes_outside:
            touched |= self.states.begins
        if "level_failed" in self.facts.values():
            touched |= self.records.failures
        for patterns in self.heard:
            touched |= self.records.happened(patterns)
        for by in self.picked:
            touched |= self.states.picked(by).changes
        for family in self.families.values():
            touched |= family.concerned()
        if self.blocking is not None:
            touched |= self.blocking.touches
        if self.raising is not None:
            touched |= self.states.reprices
        return np.flatnonzero(touched)

    # ------------------------------------------------------------------------ steps

    def run(self, until: int) -> None:
        """Run the sweep to the end."""
        states = self.states
        case = np.arange(states.size)
        ahead = [*self.cross, *(() if self.blocking is None else (self.blocking.expires,))]
        while len(case):
            now = np.minimum(self.points_ahead.next[case], self.touches_ahead.next[case])
            for instants in ahead:
                np.minimum(now, instants[case], out=now)
            going = np.flatnonzero(now <= until)
            case, now = case[going], now[going]
            if len(case):
                self._step(case, now)
        for family in self.families.values():
            family.finish(until)

    def _step(self, case: Ints, now: Ints) -> None:
        """Process one instant of each case: crossings come before the events of the instant, and rules after them."""
        self.crossed(case, now)
        here = case[np.flatnonzero(self.touches_ahead.next[case] == now)]
        while len(here):
            place = self.touches[self.touches_ahead.take(here)]
            self._touch(Lane(here, place, self.states.at[place]))
            here = here[self.touches_ahead.next[here] == self.states.at[place]]
        self._rules(case, now)
        if self.blocking is not None:
            self._note(case, now, self.blocking)

    def _touch(self, here: Lane) -> None:
        """Apply one event of each of these cases. A reopened case is no longer external, whatever its level."""
        back = here.row[np.flatnonzero(self.states.begins[here.place] & ~self.states.opens[here.place])]
        self.stands.outside[:, back] = False
        if self.raising is not None:
            self.stands.reprice(here)
        self._turn(here, self._place(here), self.states.when(here.place), by_event=True)
        if self.blocking is not None:
            self.rules_pending[here.row] = True

    def _place(self, here: Lane) -> LevelChange:
        """Apply moves by events. After a move down no rule of the track acts on older evidence."""
        shift = LevelChange.none(len(here.row))
        if self.records.any:
            moved, left, to = shift
            placed = np.flatnonzero(self.records.moves[here.place])
            self.rules_pending[here.row[placed]] = True
            tracks = self.records.track[here.place[placed]]
            for track in range(len(self.level)):
                some = placed[np.flatnonzero(tracks == track)]
                left[some], to[some] = self.level[track][here.row[some]], self.records.level[here.place[some]]
                moved[some] = left[some] != to[some]
                self._put_on(track, here.where(some), left[some], to[some])
        return shift

    def _put_on(self, track: int, here: Lane, left: Ints, to: Ints) -> None:
        """Apply moves by events on one track; the level may be the same as before."""
        when, down, other = self.states.when(here.place), np.flatnonzero(to < left), np.flatnonzero(to != left)
        self.down_since[track][here.row[down]] = when[down]
        self.placings.add(here.row[other], here.now[other], np.full(len(other), track), to[other])
        self.stands.put(track, here.row[other], to[other], when[other])

    # ------------------------------------------------------------------------ rules

    def _rules(self, case: Ints, now: Ints) -> None:
        """Run rounds of rules until nothing changes; each round reads the state that the last one left."""
        at_point = self.points_ahead.next[case] == now
        chosen = np.flatnonzero((at_point | self.rules_pending[case]) & (now >= self.in_force))
        if not len(chosen):
            return
        case, now, at_point = case[chosen], now[chosen], at_point[chosen]
        self.rules_pending[case], self.turn[case] = False, 0
        point, worked = self._points(case, now, at_point)
        case, now, point = case[worked], now[worked], point[worked]
        while len(case):
            moved = self._round(case, now, point)
            moved = moved[np.flatnonzero(~self.stands.is_outside(case[moved]))]
            case, now, point = case[moved], now[moved], point[moved]
            self.rules_pending[case] = False

    def _points(self, case: Ints, now: Ints, at_point: Mask) -> tuple[Ints, Ints]:
        """Return each case's last place in the agenda, and the cases that are live and inside the process."""
        here, others = np.flatnonzero(at_point), np.flatnonzero(~at_point)
        keys = self.states.key(case[others], now[others])
        places, worked = (
            np.empty(len(case), np.int64),
            at_point.copy(),
        )  # a case with this instant on the agenda is live
        places[here] = self.points.chosen[self.points_ahead.take(case[here])]
        places[others], worked[others] = self.points.as_of(keys), self.states.live_at(keys)
        return places, np.flatnonzero(worked & ~self.stands.is_outside(case))

    def _round(self, case: Ints, now: Ints, point: Ints) -> Ints:
        """Run one round of rules. Returns the cases that changed."""
        wants = self._wants(self.stepwise, case, point)
        if self.blocking is not None:
            self.blocking.hold_back(wants, self._here(case, now))
        plain = self.points.plain if self.records.any else ()
        asks = {number: self._asks(self.rules[number], case, point) for number in plain}
        moved, moves = np.zeros(len(case), np.bool_), []
        for track in range(len(self.level)):
            to = self._best(track, case, point, asks)
            for number, wanted in wants.items():
                if self.rules[number].track == track:
                    np.maximum(to, wanted, out=to)
            some = np.flatnonzero(to > self.level[track][case])
            if len(some):
                moved[some] = True
                moves.append(self._moves(track, to, some, self._here(case[some], now[some]), point, wants, asks))
        if self.raising is not None:
            moved |= self._raise(self.raising, self._here(case, now), point)
        for move in moves:
            self._move(move)
        return np.flatnonzero(moved)

    def _here(self, case: Ints, now: Ints) -> Lane:
        return Lane(case, self.states.as_of(self.states.key(case, now)), now)

    def _best(self, track: int, case: Ints, point: Ints, plain: dict[int, Mask]) -> Ints:
        """Return the highest level of a track that plain rules want; -1 for none."""
        if not plain:
            return self.points.best[track][point].astype(np.int64)
        to = np.full(len(case), NONE)
        for number, asks in plain.items():
            if self.rules[number].track == track:
                np.maximum(to, np.where(asks, self.points.plain[number], NONE), out=to)
        return to

    def _asks(self, rule: VectorRule, case: Ints, point: Ints) -> Mask:
        """Return whether a rule is true, on evidence later than the last move down."""
        is_true: Mask = self.holds(rule.tree, case, point)
        if self.records.any and rule.to is not None:
            # rule 22: after a de-escalation only later evidence counts, for rules that move a case
            is_true = is_true & (self.evidence(rule.tree, case, point) > self.down_since[rule.track][case])
        if self.plan.ignores_backlog:
            # rule 19: what happened before the policy is in force is passed over for good
            since = (self.in_force - self.states.base) << EVENT_BITS
            latest = self.evidence(rule.tree, case, point)
            opened = self.states.when(self.states.opening[case])
            is_true = is_true & (np.where(latest == BEFORE_ANY, opened, latest) >= since)
        return is_true

    def _wants(self, rules: Iterable[int], case: Ints, point: Ints) -> Wants:
        """Return the level above the current one that each of these rules wants for each case; -1 for none."""
        return {number: self._wanted(number, case, point) for number in rules}

    def _applies(self, rule: VectorRule, case: Ints, point: Ints) -> Mask:
        """Return whether a rule is true and applies on the case's current level."""
        holds = self._asks(rule, case, point)
        if rule.unless is not None:
            holds = holds & ~self.holds(rule.unless, case, point)
        if rule.gates:
            holds = holds & np.logical_or.reduce([gate.levels[self.level[gate.track][case]] for gate in rule.gates])
        return holds

    def _wanted(self, number: int, case: Ints, point: Ints) -> Ints:
        rule = self.rules[number]
        holds, level = self._applies(rule, case, point), self.level[rule.track][case]
        if rule.to is not None and rule.to >= 0:
            return np.where(holds & (rule.to > level), rule.to, NONE)
        rungs = self.plan.tracks[rule.track]
        following = np.maximum(level, rungs.start - 1) + 1  # from no level to the bottom
        wanted = np.full(len(case), NONE)
        above = np.flatnonzero(holds & (following < rungs.stop))
        fresh = above[self.evidence(rule.tree, case[above], point[above]) > self.entry[rule.track][case[above]]]
        wanted[fresh] = following[fresh]
        return wanted

    # ------------------------------------------------------------------------ moves

    def _moves(
        self, track: int, to: Ints, some: Ints, here: Lane, point: Ints, wants: Wants, plain: dict[int, Mask]
    ) -> _Moves:
        """Return the moves of some of the cases of a round, with the rules that want them."""
        to, point = to[some], point[some]
        bits, cause = np.zeros(len(some), np.int64), np.full(len(some), NEVER_64)
        wanted_by = {number: wanted[some] == to for number, wanted in wants.items()}
        for number, named in self.points.plain.items():
            wanted_by[number] = (plain[number][some] if plain else self.points.may[number][point]) & (to == named)
        for number, asks in wanted_by.items():
            asking = np.flatnonzero(asks)
            if len(asking):
                bits[asking] |= 1 << number
                causes = self._cause(self.rules[number], here.where(asking), point[asking])
                cause[asking] = np.minimum(cause[asking], causes)
        return _Moves(here, track, to, bits, cause + self.states.base)

    def _cause(self, rule: VectorRule, here: Lane, point: Ints) -> Ints:
        """Return the instant of a rule's latest evidence, from the batch's first; else that of the opening."""
        latest = self.evidence(rule.tree, here.row, point)
        opened = self.states.when(self.states.opening[here.row])
        return np.where(latest == BEFORE_ANY, opened, latest) >> EVENT_BITS

    def _move(self, moves: _Moves) -> None:
        here, track, to, bits, cause = moves
        case, left = here.row, self.level[track][here.row]
        checked = self.blocking.checklists(to, bits, here) if self.blocking else np.zeros(len(to), np.int8)
        self.moves.add(case, here.now, self.states.cycle[here.place], left, to, bits, cause, checked)
        when = self._next(here)
        self.stands.put(track, case, to, when)
        self.stands.hear(case, to, when)
        self._turn(here, LevelChange(np.ones(len(case), np.bool_), left, to), when, by_event=False)

    def _next(self, here: Lane) -> Ints:
        """Return the moment of the next change by rules to these cases at the current instant."""
        found: Ints = ((here.now - self.states.base) << EVENT_BITS) + MOST + self.turn[here.row]
        self.turn[here.row] += 1
        return found

    def _turn(self, here: Lane, shift: LevelChange, when: Ints, *, by_event: bool) -> None:
        """Update clocks and tests after a change."""
        for family in self.families.values():
            family.turn(here, shift, by_event=by_event)
        self.look(here, when)

    # ------------------------------------------------------------------------ priorities

    def _raise(self, raising: PriorityRaises, here: Lane, point: Ints) -> Mask:
        """Raise priorities to the highest that is asked for. Returns a mask of the cases that changed."""
        priority, highest = self.stands.priority[here.row], np.full(len(here.row), NONE)
        for number, rule in raising.rules.items():
            asking = np.flatnonzero(self._applies(rule, here.row, point))
            some = here.where(asking)
            cause = self._cause(rule, some, point[asking])
            anew = raising.asked[number].anew(some.row, cause)
            highest[asking] = np.maximum(highest[asking], raising.wanted(number, priority[asking], anew))
        raised: Mask = highest > raising.ranks[priority]
        some = here.where(np.flatnonzero(raised))
        to = raising.words[highest[raised]]
        raising.done.add(some.row, some.now, to)
        self.stands.priority[some.row] = to
        self._turn(some, LevelChange.none(len(to)), self._next(some), by_event=False)
        return raised

    # ------------------------------------------------------------------------ what is held back

    def _note(self, case: Ints, now: Ints, blocking: HeldMoves) -> None:
        """Record the moves of these cases that checklists block, now that the rules have run."""
        keys = self.states.key(case, now)
        idle = np.flatnonzero(~self.states.live_at(keys) | self.stands.is_outside(case) | (now < self.in_force))
        wants = self._wants(blocking.rules, case, self.points.as_of(keys))
        for wanted in wants.values():
            wanted[idle] = NONE
        blocking.note(wants, Lane(case, self.states.as_of(keys), now))
