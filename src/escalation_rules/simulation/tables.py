"""The rows that replayed cases left, as frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.conditions import OUTCOMES
from escalation_rules.picks import Pick
from escalation_rules.simulation.columns import LOST
from escalation_rules.simulation.frames import AT, SPAN, Columns, columns_of
from escalation_rules.simulation.grids import BREACHED, Left
from escalation_rules.simulation.plans import Group, Plan
from escalation_rules.simulation.states import WIDTH, Ints, Mask, States, distinct

__all__ = ["Tables"]


class Tables:
    """The five frames of some cases, from what events made of them, their moves and their clocks.

    The columns of `moves` and `clocks` are those that the sweep and the clocks leave.
    """

    def __init__(self, plan: Plan, states: States, until: int, ids: NDArray[Any], moves: Left, clocks: Left) -> None:
        self.plan, self.states, self.script, self.ids = plan, states, states.script, ids
        self.until = until
        self.priorities = np.array(self.script.priorities.words, object)
        self.rungs = np.array([*(level.key for level in plan.levels), None], object)
        self.track = plan.policy.all_tracks[0].key
        self.endings = _Endings(states)
        columns = moves.columns()
        order = np.argsort(columns[0], kind="stable")
        self.moves = [held[order] for held in columns]
        self.clocks = clocks.columns()
        self.level = self.script.level[states.code[states.opening]]
        self.move_keys = states.key(self.moves[0], self.moves[1])

    def all(self) -> dict[str, Columns]:
        """The frames, by name."""
        return {
            "cases": self._cases(),
            "moves": self._moves(),
            "blocked": _blocked(),
            "stays": self._stays(),
            "deadlines": self._deadlines(),
        }

    def _kept(self, case: Ints) -> Mask:
        """Rows of cases that are not void."""
        return ~self.endings.void[case]

    def _levels(self, keys: Ints) -> Ints:
        """Where cases stood at instants, after all that happened at them."""
        case = keys >> WIDTH
        found: Ints = self.level[case]
        if len(self.move_keys):
            last = np.searchsorted(self.move_keys, keys, side="right") - 1
            moved = (last >= 0) & (self.moves[0][last] == case)
            found = np.where(moved, self.moves[4][last], found)
        return found

    def _moves(self) -> Columns:
        kept = self._kept(self.moves[0])
        case, at, cycle, origin, level, bits, cause = (held[kept] for held in self.moves)
        kinds, places = np.unique(bits, return_inverse=True)
        names = [
            ", ".join(rule.name for n, rule in enumerate(self.plan.rules) if kind >> n & 1) for kind in kinds.tolist()
        ]
        size = len(case)
        return {
            "case": self.ids[case],
            "cycle": cycle.astype(np.int64),
            "track": _same(self.track, size),
            "due_at": at.view(AT),
            "from_level": self.rungs[origin],
            "to_level": self.rungs[level],
            "rules": np.array(names, object)[places.reshape(-1)],
            "checklist": _same("none", size),
            "key": _same(None, size),
            "cause": cause,
        }

    def _cases(self) -> Columns:
        states, ends = self.states, self.endings
        last = states.ending
        moved = self.moves[0][self._kept(self.moves[0])]
        return {
            "case": self.ids,
            "opened_at": states.at[states.opening].view(AT),
            "first_resolved_at": ends.first.view(AT),
            "resolved_at": ends.resolved.view(AT),
            "closed_at": ends.closed.view(AT),
            "void": ends.void,
            "cycles": states.cycle[last].astype(np.int64),
            "priority": self.priorities[states.priorities[last]],
            "level": self.rungs[self._levels(states.key(np.arange(states.size), np.full(states.size, self.until)))],
            "moves": np.bincount(moved, minlength=states.size),
        }

    def _breaks(self) -> Ints:
        """The instants of cases at which stays begin or end: at which the case moved, began a cycle or ended."""
        states = self.states
        last = np.flatnonzero(np.r_[states.keys[1:] != states.keys[:-1], True])  # what counts is how an instant ends
        what = (states.case[last], states.cycle[last], states.live[last])
        fresh = np.ones(len(last), np.bool_)
        fresh[1:] = np.logical_or.reduce([held[1:] != held[:-1] for held in what])
        return distinct(states.keys[last[fresh]], self.move_keys)

    def _stays(self) -> Columns:
        states, breaks = self.states, self._breaks()
        case, at, place = breaks >> WIDTH, states.instants(breaks), states.as_of(breaks)
        left = np.full(len(breaks), LOST)
        left[:-1] = np.where(case[1:] == case[:-1], at[1:], LOST)
        level = self._levels(breaks)
        rows = np.flatnonzero(states.live[place] & (level >= 0) & self._kept(case))
        level, place = level[rows], place[rows]
        return {
            "case": self.ids[case[rows]],
            "cycle": states.cycle[place].astype(np.int64),
            "track": _same(self.track, len(rows)),
            "level": self.rungs[level],
            "owner": self._owners(None)[level, states.priorities[place]],
            "entered_at": at[rows].view(AT),
            "left_at": left[rows].view(AT),
        }

    def _owners(self, group: Group | None) -> NDArray[Any]:
        """Who owns each level, or a target on it, by level and priority; the last row is nowhere."""
        named = None if group is None else group.target.owner
        given = [named if named is not None else level.owner for level in self.plan.levels] + [named]
        found = np.empty((len(given), len(self.priorities)), object)
        for rung, role in enumerate(given):
            for number, name in enumerate(self.priorities):
                chosen = role.choose(name) if isinstance(role, Pick) else role
                found[rung, number] = None if chosen is None else str(chosen)
        return found

    def _deadlines(self) -> Columns:
        order = np.lexsort((self.clocks[1], self.clocks[4], self.clocks[0]))
        order = order[self._kept(self.clocks[0][order])]
        case, group, occurrence, cycle, started, due, stopped, budget, counted, end, outcome, caused = (
            held[order] for held in self.clocks
        )
        judged = self.states.key(case, np.where((outcome == BREACHED) & (due != LOST), due, end))
        level, priority = self._levels(judged), self.states.priorities[self.states.as_of(judged)]
        owner = np.empty(len(case), object)
        for number, one in enumerate(self.script.groups):
            where = np.flatnonzero(group == number)
            if one.level is not None:
                level[where] = one.level
            owner[where] = self._owners(one)[level[where], priority[where]]
        keys = np.array([one.key for one in self.script.groups], object)
        share = np.full(len(case), np.nan)
        np.divide(counted, budget, out=share, where=budget > 0)
        return {
            "case": self.ids[case],
            "cycle": cycle.astype(np.int64),
            "target": keys[group] if len(keys) else np.zeros(0, object),
            "occurrence": occurrence,
            "level": self.rungs[level],
            "owner": owner,
            "priority": self.priorities[priority],
            "started_at": started.view(AT),
            "due_at": due.view(AT),
            "stopped_at": stopped.view(AT),
            "budget": np.where(budget < 0, LOST, budget).view(SPAN),
            "counted": counted.view(SPAN),
            "excluded": (end - started - counted).view(SPAN),
            "used": share,
            "outcome": np.array(OUTCOMES, object)[outcome],
            "caused_by_change": caused.astype(np.bool_),
        }


def _same(value: Any, size: int) -> NDArray[Any]:
    return np.full(size, value, object)


def _blocked() -> Columns:
    """Nothing is held back where there are no checklists and no rotas."""
    return columns_of("blocked", ())


class _Endings:
    """When cases were resolved and closed, and which are void, from their events."""

    def __init__(self, states: States) -> None:
        places = np.flatnonzero(states.begins | states.ends)
        starts, at, rows = np.flatnonzero(states.opens[places]), states.at[places], np.arange(len(places))
        voided, closed, ended = (states.kinds(*kinds)[places] for kinds in ((E.Voided,), (E.Closed,), _ENDED))
        reset = np.maximum.reduceat(
            np.where(ended, -1, rows), starts
        )  # an opening is no end, as are what voids or begins
        since = ended & (rows > np.repeat(reset, np.diff(starts, append=len(rows))))
        self.void = voided[np.r_[starts[1:], len(rows)] - 1]
        self.first, self.resolved = _first(at, ended, starts), _first(at, since, starts)
        self.closed = np.maximum.reduceat(np.where(closed & since, at, LOST), starts)


_ENDED = (E.Resolved, E.Closed)


def _first(at: Ints, where: Mask, starts: NDArray[Any]) -> Ints:
    never = np.iinfo(np.int64).max
    found = np.minimum.reduceat(np.where(where, at, never), starts)
    return np.where(found == never, LOST, found)
