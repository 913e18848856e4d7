"""The rows that replayed cases left, as frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.conditions import OUTCOMES
from escalation_rules.picks import Pick
from escalation_rules.simulation.columns import LOST
from escalation_rules.simulation.frames import AT, SPAN, Columns, columns_of
from escalation_rules.simulation.grids import BREACHED, Left
from escalation_rules.simulation.keys import WIDTH, Keys, distinct
from escalation_rules.simulation.plans import Group, Plan
from escalation_rules.simulation.states import OPEN, Ints, Mask, States
from escalation_rules.simulation.words import Table, Worded

__all__ = ["Tables"]

Kept = dict[str, NDArray[Any] | Worded]


class Tables:
    """The five frames of some cases, from what events made of them, their moves and their clocks.

    The columns of `moves`, `placings` and `clocks` are those that the sweep and the clocks leave; `levels` is where
    cases end.
    """

    def __init__(
        self, plan: Plan, states: States, ids: NDArray[Any], moves: Left, placings: Left, clocks: Left, levels: Ints
    ) -> None:
        self.plan, self.states, self.script, self.ids = plan, states, states.script, ids
        self.levels = levels
        self.track = plan.policy.all_tracks[0].key
        self.endings = _Endings(states)
        columns = moves.columns()
        order = np.argsort(columns[0], kind="stable")
        self.moves = [held[order] for held in columns]
        self.clocks = clocks.columns()
        self.level = self.script.level[states.code[states.opening]]
        self.priority_keys = Keys(states.keys[states.priority.places], states.size)
        case, at, level = (
            np.concatenate([one, other])
            for one, other in zip(placings.columns(), (self.moves[0], self.moves[1], self.moves[4]), strict=True)
        )
        keys = states.key(case, at)
        order = np.argsort(keys, kind="stable")  # what events do comes before what rules do
        self.change_keys, self.changed_to = keys[order], level[order]
        self.ordered = Keys(self.change_keys, states.size)

    def all(self) -> dict[str, Columns]:
        """The frames, by name. Nothing is held back where there are no checklists and no rotas."""
        return {
            "cases": Table(self._cases()),
            "moves": Table(self._moves()),
            "blocked": columns_of("blocked", ()),
            "stays": Table(self._stays()),
            "deadlines": Table(self._deadlines()),
        }

    def _kept(self, case: Ints) -> Mask:
        """Rows of cases that are not void."""
        kept: Mask = ~self.endings.void[case]
        return kept

    def _levels(self, keys: Ints) -> Ints:
        """Where cases stood at instants, after all that happened at them."""
        case = keys >> WIDTH
        found: Ints = self.level[case]
        if len(self.change_keys):
            last = self.ordered.as_of(keys)
            moved = (last >= 0) & (self.change_keys[last] >> WIDTH == case)
            found = np.where(moved, self.changed_to[last], found)
        return found

    def _moves(self) -> Kept:
        kept = self._kept(self.moves[0])
        case, at, cycle, origin, level, bits, cause = (held[kept] for held in self.moves)
        kinds, places = np.unique(bits, return_inverse=True)
        names = [
            ", ".join(rule.name for n, rule in enumerate(self.plan.rules) if kind >> n & 1) for kind in kinds.tolist()
        ]
        size = len(case)
        return {
            "case": self._ids(case),
            "cycle": _small(cycle),
            "track": Worded.same(self.track, size),
            "due_at": at.view(AT),
            "from_level": self._rungs(origin),
            "to_level": self._rungs(level),
            "rules": Worded(_small(places.reshape(-1)), np.array(names, object)),
            "checklist": Worded.same("none", size),
            "key": Worded.same(None, size),
            "cause": cause,
        }

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
            "priority": self._priorities(states.priorities[last]),
            "level": self._rungs(self.levels),
            "moves": _small(np.bincount(moved, minlength=states.size)),
        }

    def _stays(self) -> Kept:
        """Stays begin or end where the case moves, begins a cycle or ends; what counts is how an instant leaves it."""
        states = self.states
        breaks = distinct(states.turn_keys, self.change_keys)
        case, at, turn = breaks >> WIDTH, states.instants(breaks), states.turned_by(breaks)
        left = np.full(len(breaks), LOST)
        left[:-1] = np.where(case[1:] == case[:-1], at[1:], LOST)
        level, live = self._levels(breaks), states.turns.values[turn] == OPEN
        rows = np.flatnonzero(live & (level >= 0) & self._kept(case))
        level, place = level[rows], states.turns.places[turn[rows]]
        return {
            "case": self._ids(case[rows]),
            "cycle": _small(states.cycle[place]),
            "track": Worded.same(self.track, len(rows)),
            "level": self._rungs(level),
            "owner": self._owned([None], level, self._priority_at(breaks[rows]), 0),
            "entered_at": at[rows].view(AT),
            "left_at": left[rows].view(AT),
        }

    def _priority_at(self, keys: Ints) -> Ints:
        """The priority after all that happened at an instant."""
        known = self.states.priority
        found: Ints = known.values[self.priority_keys.as_of(keys)]
        return found

    # ------------------------------------------------------------------------ words

    def _ids(self, case: NDArray[Any]) -> Worded:
        return Worded(case.astype(np.int32), self.ids)

    def _rungs(self, level: NDArray[Any]) -> Worded:
        """The keys of levels; the last is nowhere."""
        words = np.array([None, *(one.key for one in self.plan.levels)], object)
        return Worded(_small(level + 1), words)

    def _priorities(self, priority: NDArray[Any]) -> Worded:
        return Worded(_small(priority), np.array(self.script.priorities.words, object))

    def _owned(self, groups: Sequence[Group | None], level: Ints, priority: Ints, group: Any) -> Worded:
        """Who owns levels, or targets on them, at a priority."""
        rungs, priorities = len(self.plan.levels) + 1, len(self.script.priorities.words)
        words = [word for one in groups for word in self._owners(one)]
        return Worded(_small((group * rungs + level + 1) * priorities + priority), np.array(words, object))

    def _owners(self, group: Group | None) -> list[str | None]:
        """Who owns each level, or a target on it, by level (nowhere is the first) and priority."""
        named = None if group is None else group.target.owner
        given = [named, *(named if named is not None else level.owner for level in self.plan.levels)]
        priorities = self.script.priorities.words
        found = [role.choose(name) if isinstance(role, Pick) else role for role in given for name in priorities]
        return [None if role is None else str(role) for role in found]

    # ------------------------------------------------------------------------ deadlines

    def _deadlines(self) -> Kept:
        order = np.argsort(self.clocks[1], kind="stable")
        order = order[np.argsort(self.states.key(self.clocks[0], self.clocks[4])[order], kind="stable")]
        order = order[self._kept(self.clocks[0][order])]
        case, group, occurrence, cycle, started, due, stopped, budget, counted, end, outcome, caused = (
            held[order] for held in self.clocks
        )
        judged = self.states.key(case, np.where((outcome == BREACHED) & (due != LOST), due, end))
        level, priority = self._levels(judged), self._priority_at(judged)
        groups = self.script.groups
        for number, one in enumerate(groups):
            if one.level is not None:
                level[np.flatnonzero(group == number)] = one.level
        share = np.full(len(case), np.nan)
        np.divide(counted, budget, out=share, where=budget > 0)
        return {
            "case": self._ids(case),
            "cycle": _small(cycle),
            "target": Worded(_small(group), np.array([one.key for one in groups], object)),
            "occurrence": _small(occurrence),
            "level": self._rungs(level),
            "owner": self._owned(groups, level, priority, group.astype(np.int64)),
            "priority": self._priorities(priority),
            "started_at": started.view(AT),
            "due_at": due.view(AT),
            "stopped_at": stopped.view(AT),
            "budget": np.where(budget < 0, LOST, budget).view(SPAN),
            "counted": counted.view(SPAN),
            "excluded": (end - started - counted).view(SPAN),
            "used": share,
            "outcome": Worded(outcome, np.array(OUTCOMES, object)),
            "caused_by_change": caused.astype(np.bool_),
        }


def _small(held: NDArray[Any]) -> NDArray[Any]:
    """Numbers in as few bytes as they need."""
    most = max(int(held.max()), 1) if len(held) else 1
    return held.astype(np.min_scalar_type(-most - 1))


class _Endings:
    """When cases were resolved and closed, and which are void, from their events."""

    def __init__(self, states: States) -> None:
        places = np.flatnonzero(states.begins | states.ends)
        self.at, self.case, self.size = states.at[places], states.case[places], states.size
        voided, closed, ended = (states.kinds(*kinds)[places] for kinds in ((E.Voided,), (E.Closed,), _ENDED))
        rows, others = np.arange(len(places)), np.flatnonzero(~ended)
        # an opening is no end, as are what voids or begins; of several rows of a case, the last is kept
        last, reset = np.zeros(self.size, np.int64), np.zeros(self.size, np.int64)
        last[self.case], reset[self.case[others]] = rows, others
        since = np.flatnonzero(ended & (rows > reset[self.case]))
        self.void = voided[last]
        self.first, self.resolved = self._last(np.flatnonzero(ended)[::-1]), self._last(since[::-1])
        self.closed = self._last(since[np.flatnonzero(closed[since])])

    def _last(self, rows: Ints) -> Ints:
        """The instant of the last of the rows of each case."""
        found = np.full(self.size, LOST)
        found[self.case[rows]] = self.at[rows]
        return found


_ENDED = (E.Resolved, E.Closed)
