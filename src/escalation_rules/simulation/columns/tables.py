"""Turns the results of the sweep into frames: stays, moves, deadlines, and their owners."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.conditions import OUTCOMES
from escalation_rules.picks import facts_of, picked
from escalation_rules.simulation.arrays import (
    BREACHED,
    INSTANT_BITS,
    NAT,
    NONE,
    CaseTimeIndex,
    Ints,
    Mask,
    RowBuffer,
    distinct,
    either,
)
from escalation_rules.simulation.columns.compile import Plan, VectorTarget
from escalation_rules.simulation.columns.facts import OPEN, EventFacts
from escalation_rules.simulation.columns.fold import Sweep
from escalation_rules.simulation.columns.rules import CHECKLISTS, HeldMoves, missing_items
from escalation_rules.simulation.frames import AT, SPAN, Categorical, Columns, ColumnTable, columns_of


class Stays(NamedTuple):
    """Stays on levels: entry keys (case and instant), instants of leaving, levels, events that began the work."""

    keys: Ints
    left: Ints
    level: Ints
    place: Ints


class Timeline:
    """A value of each case over time, from its `first` value on: the level on a track, or the priority.

    `placed` and `moved` are the changes by events and by rules: arrays of case, instant and value.
    """

    def __init__(
        self, states: EventFacts, first: Ints, placed: tuple[NDArray[Any], ...], moved: tuple[NDArray[Any], ...]
    ) -> None:
        self.states, self.first = states, first
        case, at, level = (np.concatenate(pair) for pair in zip(placed, moved, strict=True))
        keys = states.key(case, at)
        order = np.argsort(keys, kind="stable")  # changes by events come before those by rules
        self.keys, self.values = keys[order], level[order]
        self.ordered = CaseTimeIndex(self.keys, states.size)

    def at(self, keys: Ints) -> Ints:
        """Return the values at keys, after all that happened at their instants."""
        case = keys >> INSTANT_BITS
        found: Ints = self.first[case]
        if len(self.keys):
            last = self.ordered.as_of(keys)
            moved = (last >= 0) & (self.keys[last] >> INSTANT_BITS == case)
            found = either(moved, self.values[last], found)
        return found

    def last(self) -> Ints:
        """Return the last value of each case."""
        found: Ints = self.first.copy()
        found[self.keys >> INSTANT_BITS] = self.values  # of several for one case, numpy keeps the last
        return found

    def stays(self, kept: Mask) -> Stays:
        """Return the stays of some cases. They begin or end where the case moves, begins a cycle or ends.

        The state of a case after all events of an instant counts.
        """
        states = self.states
        breaks = distinct(states.turn_keys, self.keys)
        case, at, turn = breaks >> INSTANT_BITS, states.instants(breaks), states.turned_by(breaks)
        left = np.full(len(breaks), NAT)
        left[:-1] = np.where(case[1:] == case[:-1], at[1:], NAT)
        level, live = self.at(breaks), states.turns.values[turn] == OPEN
        rows = np.flatnonzero(live & (level != NONE) & kept[case])
        return Stays(breaks[rows], left[rows], level[rows], states.turns.places[turn[rows]])


class Owners:
    """Owners of levels and targets by the facts that roles are picked by; `by` has their names, the priority first."""

    def __init__(self, plan: Plan, states: EventFacts) -> None:
        self.plan, script = plan, states.script
        roles = [*(level.owner for level in plan.levels), *(target.owner for target in plan.program.targets)]
        facts = dict.fromkeys(name for role in roles for name in facts_of(role) if name != "priority")
        self.by = ("priority", *facts)
        numbers = [script.facts.index(name) for name in facts]
        self.words = [script.priorities.words, *(script.values[number].words for number in numbers)]
        steps = [states.fact(number) for number in numbers]
        self.facts = [(CaseTimeIndex(states.keys[step.places], states.size), step.values) for step in steps]

    def picked(self, keys: Ints, priority: Ints) -> Ints:
        """Return the values that roles were picked by at keys, as one number, given the priority then."""
        found = priority
        for (known, values), words in zip(self.facts, self.words[1:], strict=True):
            found = found * len(words) + values[known.as_of(keys)]
        return found

    def roles(self, groups: Sequence[VectorTarget | None], level: Ints, picked: Ints, group: Any) -> Categorical:
        """Return the owners of levels (without a group), or of targets on them, by the values of the picks.

        `group` is the number of each row's group.
        """
        rungs, count = len(self.plan.levels) + 1, prod(map(len, self.words))
        codes = (group * rungs + level + 1) * count + picked
        words = [word for code in groups for word in self._owners(code)]
        return Categorical(codes.astype(np.min_scalar_type(-len(words) - 1)), np.array(words, object))

    def _owners(self, group: VectorTarget | None) -> list[str | None]:
        """Return the owner of each level, or of a target on it, by level (no level first) and by the picked values."""
        named = None if group is None else group.code.owner
        roles = [named, *(named if named is not None else level.owner for level in self.plan.levels)]
        return [self._chosen(role, values) for role in roles for values in product(*self.words)]

    def _chosen(self, role: Any, values: tuple[Any, ...]) -> str | None:
        found = picked(role, dict(zip(self.by, values, strict=True)))
        return None if found is None else str(found)


Kept = dict[str, NDArray[Any] | Categorical]


class Tables:
    """The five frames of some cases, from their event facts, the moves of the sweep, and their clocks.

    `clocks` has the columns that clocks add.
    """

    def __init__(self, plan: Plan, states: EventFacts, ids: NDArray[Any], sweep: Sweep, clocks: RowBuffer) -> None:
        self.plan, self.states, self.script, self.ids = plan, states, states.script, ids
        self.blocking, self.level = sweep.blocking, sweep.level[0]
        self.tracks = np.array([track.key for track in plan.program.tracks], object)
        self.track_of = np.array(plan.track_of, np.int8)
        self.endings = _Endings(states)
        moves = sweep.moves.columns()
        order = np.argsort(moves[0], kind="stable")
        self.moves, self.clocks = [column[order] for column in moves], clocks.columns()
        changes = np.flatnonzero(states.reprices)
        by_people = (states.case[changes], states.at[changes], self.script.priority[states.code[changes]])
        raised = RowBuffer(3) if sweep.raising is None else sweep.raising.done
        opened = self.script.priority[states.code[states.opening]]
        self.priority = Timeline(states, opened, by_people, tuple(raised.columns()))
        self.owning = Owners(plan, states)
        self.paths = [self._path(track, sweep.placings.columns()) for track in range(len(plan.tracks))]

    def _path(self, track: int, placings: list[NDArray[Any]]) -> Timeline:
        case, at, on, level = placings
        placed, moved = np.flatnonzero(on == track), np.flatnonzero(self.track_of[self.moves[4]] == track)
        first = self.script.levels[track][self.states.code[self.states.opening]]
        by_rules = (self.moves[0][moved], self.moves[1][moved], self.moves[4][moved])
        return Timeline(self.states, first, (case[placed], at[placed], level[placed]), by_rules)

    def all(self) -> dict[str, Columns]:
        """Return the frames by name. Nothing is blocked without checklists and rotas."""
        return {
            "cases": ColumnTable(self._cases()),
            "moves": ColumnTable(self._moves()),
            "blocked": columns_of("blocked", ())
            if self.blocking is None
            else ColumnTable(self._blocked(self.blocking)),
            "stays": ColumnTable(self._stays()),
            "deadlines": ColumnTable(self._deadlines()),
        }

    def _kept(self, case: Ints) -> Mask:
        """Return a mask of the rows of cases that are not void."""
        kept: Mask = ~self.endings.void[case]
        return kept

    # ------------------------------------------------------------------------ cases and moves

    def _cases(self) -> Kept:
        states, ends = self.states, self.endings
        last = states.ending
        moved = self.moves[0][self._kept(self.moves[0])]
        return {
            "case": self._ids(np.arange(len(self.ids))),
            "opened_at": states.at[states.opening].view(AT),
            "first_resolved_at": ends.first.view(AT),
            "resolved_at": ends.resolved.view(AT),
            "closed_at": ends.closed.view(AT),
            "void": ends.void,
            "cycles": _small(states.cycle[last]),
            "priority": self._priorities(self.priority.last()),
            "level": self._rungs(self.level),
            "moves": _small(np.bincount(moved, minlength=states.size)),
        }

    def _moves(self) -> Kept:
        kept = self._kept(self.moves[0])
        case, at, cycle, origin, level, bits, cause, checked = (column[kept] for column in self.moves)
        return {
            "case": self._ids(case),
            "cycle": _small(cycle),
            "track": self._tracks(level),
            "due_at": at.view(AT),
            "from_level": self._rungs(origin),
            "to_level": self._rungs(level),
            "rules": self._rules(bits),
            "checklist": Categorical(checked, np.array(CHECKLISTS, object)),
            "key": Categorical.same(None, len(case)),
            "cause": cause,
        }

    def _blocked(self, blocking: HeldMoves) -> Kept:
        """Return the frame `blocked`. A move is blocked until the next entry for the same case and level."""
        columns = blocking.held.columns()
        order = np.lexsort((columns[2], columns[1], columns[0]))
        case, level, since, cycle, bits, lack = (column[order] for column in columns)
        until = np.full(len(case), NAT)
        until[:-1] = np.where((case[1:] == case[:-1]) & (level[1:] == level[:-1]), since[1:], NAT)
        rows = np.flatnonzero((bits > 0) & self._kept(case))
        rows = rows[np.lexsort((level[rows], since[rows], case[rows]))]
        level, lack = level[rows], lack[rows]
        kinds, places = np.unique(np.stack([level, lack]), axis=1, return_inverse=True)
        words = [missing_items(self.plan.checked[rung], code) for rung, code in kinds.T.tolist()]
        codes = _small(places.reshape(-1))
        return {
            "case": self._ids(case[rows]),
            "cycle": _small(cycle[rows]),
            "track": self._tracks(level),
            "to_level": self._rungs(level),
            "rules": self._rules(bits[rows]),
            "from_at": since[rows].view(AT),
            "until_at": until[rows].view(AT),
            "missing": Categorical(codes, np.array([item.missing for item in words], object)),
            "objections": Categorical(codes, np.array([item.against for item in words], object)),
        }

    # ------------------------------------------------------------------------ stays

    def _stays(self) -> Kept:
        """Return the frame `stays`. Those that begin at one instant are in the order of the tracks."""
        found = [path.stays(~self.endings.void) for path in self.paths]
        keys, left, level, place = found[0]
        if len(found) > 1:
            order = np.argsort(np.concatenate([stays.keys for stays in found]), kind="stable")
            keys, left, level, place = (np.concatenate(parts)[order] for parts in zip(*found, strict=True))
        return {
            "case": self._ids(keys >> INSTANT_BITS),
            "cycle": _small(self.states.cycle[place]),
            "track": self._tracks(level),
            "level": self._rungs(level),
            "owner": self.owning.roles([None], level, self.owning.picked(keys, self.priority.at(keys)), 0),
            "entered_at": self.states.instants(keys).view(AT),
            "left_at": left.view(AT),
        }

    # ------------------------------------------------------------------------ words

    def _ids(self, case: NDArray[Any]) -> Categorical:
        return Categorical(case.astype(np.int32), self.ids)

    def _rungs(self, level: NDArray[Any]) -> Categorical:
        """Return the keys of levels; level -1 is None."""
        words = np.array([None, *(level_declared.key for level_declared in self.plan.levels)], object)
        return Categorical(_small(level + 1), words)

    def _tracks(self, level: NDArray[Any]) -> Categorical:
        if len(self.tracks) == 1:
            return Categorical.same(self.tracks[0], len(level))
        return Categorical(self.track_of[level], self.tracks)

    def _rules(self, bits: Ints) -> Categorical:
        kinds, places = np.unique(bits, return_inverse=True)
        names = [
            ", ".join(rule.name for n, rule in enumerate(self.plan.rules) if kind >> n & 1) for kind in kinds.tolist()
        ]
        return Categorical(_small(places.reshape(-1)), np.array(names, object))

    def _priorities(self, priority: NDArray[Any]) -> Categorical:
        return Categorical(_small(priority), np.array(self.script.priorities.words, object))

    # ------------------------------------------------------------------------ deadlines

    def _deadlines(self) -> Kept:
        order = np.argsort(self.clocks[1], kind="stable")
        order = order[np.argsort(self.states.key(self.clocks[0], self.clocks[4])[order], kind="stable")]
        order = order[self._kept(self.clocks[0][order])]
        case, group, occurrence, cycle, started, due, stopped, budget, counted, end, outcome, caused = (
            column[order] for column in self.clocks
        )
        judged = self.states.key(case, np.where((outcome == BREACHED) & (due != NAT), due, end))
        level, priority = self.paths[0].at(judged), self.priority.at(judged)
        groups = self.script.targets
        for number, code in enumerate(groups):
            if code.level is not None:
                level[np.flatnonzero(group == number)] = code.level
        share = np.full(len(case), np.nan)
        np.divide(counted, budget, out=share, where=budget > 0)
        return {
            "case": self._ids(case),
            "cycle": _small(cycle),
            "target": Categorical(_small(group), np.array([code.key for code in groups], object)),
            "occurrence": _small(occurrence),
            "level": self._rungs(level),
            "owner": self.owning.roles(groups, level, self.owning.picked(judged, priority), group.astype(np.int64)),
            "priority": self._priorities(priority),
            "started_at": started.view(AT),
            "due_at": due.view(AT),
            "stopped_at": stopped.view(AT),
            "budget": np.where(budget < 0, NAT, budget).view(SPAN),
            "counted": counted.view(SPAN),
            "excluded": (end - started - counted).view(SPAN),
            "used": share,
            "outcome": Categorical(outcome, np.array(OUTCOMES, object)),
            "breached_by_change": caused.astype(np.bool_),
        }


def _small(held: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers in as few bytes as they need."""
    most = max(int(held.max()), 1) if len(held) else 1
    return held.astype(np.min_scalar_type(-most - 1))


class _Endings:
    """The instants at which cases were resolved and closed, and a mask of the void ones, from their events."""

    def __init__(self, states: EventFacts) -> None:
        places = np.flatnonzero(states.begins | states.ends)
        self.at, self.case, self.size = states.at[places], states.case[places], states.size
        voided, closed, ended = (states.kinds(*kinds)[places] for kinds in ((E.Voided,), (E.Closed,), _ENDED))
        rows, others = np.arange(len(places)), np.flatnonzero(~ended)
        # openings, reopenings and voidings are no ends; of several rows for one case, numpy keeps the last
        last, reset = np.zeros(self.size, np.int64), np.zeros(self.size, np.int64)
        last[self.case], reset[self.case[others]] = rows, others
        since = np.flatnonzero(ended & (rows > reset[self.case]))
        self.void = voided[last]
        self.first, self.resolved = self._last(np.flatnonzero(ended)[::-1]), self._last(since[::-1])
        self.closed = self._last(since[np.flatnonzero(closed[since])])

    def _last(self, rows: Ints) -> Ints:
        """Return the instant of the last of these rows of each case."""
        found = np.full(self.size, NAT)
        found[self.case[rows]] = self.at[rows]
        return found


_ENDED = (E.Resolved, E.Closed)
