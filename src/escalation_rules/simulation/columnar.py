"""The frames of many cases at once, for the policies and the cases that columns can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.conditions import OUTCOMES
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy
from escalation_rules.simulation.columns import LOST
from escalation_rules.simulation.frames import AT, SPAN, Columns, columns_of
from escalation_rules.simulation.grids import BITS
from escalation_rules.simulation.histories import Histories, Ints
from escalation_rules.simulation.plans import Plan, Unheld
from escalation_rules.simulation.scripts import Script
from escalation_rules.simulation.sweep import Sweep

__all__ = ["columnar", "plan_of", "which"]

_PLAN = "plan for columns"
_SPAN, _MOST = 1 << 48, (1 << BITS) - 256
"""How much time a batch may span, in microseconds (nearly nine years), and how many events a case may have."""


def plan_of(policy: Policy) -> Plan | None:
    """The plan of a policy, made when it is first needed and kept with it; None if columns cannot hold the policy."""
    if _PLAN not in policy.__dict__:
        try:
            policy.__dict__[_PLAN] = Plan(policy)
        except Unheld:
            policy.__dict__[_PLAN] = None
    return policy.__dict__[_PLAN]  # type: ignore[no-any-return]


def which(plan: Plan, histories: Histories, until: int) -> NDArray[np.bool_]:
    """Which cases of a batch columns can hold."""
    if not len(histories) or until - int(histories.at.min()) >= _SPAN:
        return np.zeros(len(histories), np.bool_)
    unheld = np.array([not plan.holds(one.prototype) for one in histories.templates], np.bool_)
    odd = np.add.reduceat(unheld[histories.code].astype(np.int64), histories.starts[:-1])
    held: NDArray[np.bool_] = (odd == 0) & (np.diff(histories.starts) < _MOST)
    return held


def columnar(plan: Plan, histories: Histories, until: int) -> dict[str, Columns] | None:
    """The five frames of cases that columns can hold; None if, seeing what is in them, they cannot."""
    seen = histories.until(until)
    used, codes = np.unique(seen.code, return_inverse=True)
    prototypes = [seen.templates[code].prototype for code in used.tolist()]
    try:
        script = Script(plan, prototypes, seen.starts, seen.at, codes.astype(np.int32).reshape(-1))
        sweep = Sweep(plan, script, until)
    except Unheld:
        return None
    sweep.run()
    return _Frames(plan, seen, script, sweep, prototypes).tables()


class _Frames:
    """The rows that a sweep left, as frames."""

    def __init__(self, plan: Plan, histories: Histories, script: Script, sweep: Sweep, prototypes: list[Any]) -> None:
        self.plan, self.histories, self.script, self.sweep = plan, histories, script, sweep
        self.ids = histories.ids
        self.priorities = np.array(script.priorities.words, object)
        self.rungs = np.array([*(level.key for level in plan.levels), None], object)
        self.track = plan.policy.all_tracks[0].key
        self.endings = _Endings(histories, script, prototypes)
        columns = sweep.shots.columns(7)
        order = np.argsort(columns[0], kind="stable")
        self.shots = [held[order] for held in columns]
        self.stamps = (self.shots[0] << 48) + self.shots[1] - sweep.base

    def tables(self) -> dict[str, Columns]:
        moves = self._moves()
        return {
            "cases": self._cases(moves),
            "moves": {name: held for name, held in moves.items() if name != "number"},
            "blocked": _blocked(),
            "stays": self._stays(),
            "deadlines": self._deadlines(),
        }

    def _kept(self, case: Ints) -> NDArray[np.bool_]:
        """Rows of cases that are not void."""
        return ~self.endings.void[case]

    def _moves(self) -> Columns:
        columns = self.sweep.moves.columns(7)
        order = np.argsort(columns[0], kind="stable")
        order = order[self._kept(columns[0][order])]
        case, at, cycle, origin, level, bits, cause = (held[order] for held in columns)
        kinds, places = np.unique(bits, return_inverse=True)
        names = [
            ", ".join(rule.name for n, rule in enumerate(self.plan.rules) if kind >> n & 1) for kind in kinds.tolist()
        ]
        size = len(case)
        return {
            "number": case,
            "case": self.ids[case],
            "cycle": cycle,
            "track": _same(self.track, size),
            "due_at": at.view(AT),
            "from_level": self.rungs[origin],
            "to_level": self.rungs[level],
            "rules": np.array(names, object)[places.reshape(-1)],
            "checklist": _same("none", size),
            "key": _same(None, size),
            "cause": cause,
        }

    def _cases(self, moves: Columns) -> Columns:
        last = np.searchsorted(self.shots[0], np.arange(len(self.ids)), side="right") - 1
        ends = self.endings
        return {
            "case": self.ids,
            "opened_at": self.histories.at[self.histories.starts[:-1]].view(AT),
            "first_resolved_at": ends.first.view(AT),
            "resolved_at": ends.resolved.view(AT),
            "closed_at": ends.closed.view(AT),
            "void": ends.void,
            "cycles": self.shots[2][last],
            "priority": self.priorities[self.shots[6][last]],
            "level": self.rungs[self.shots[4][last]],
            "moves": np.bincount(moves["number"], minlength=len(self.ids)),
        }

    def _stays(self) -> Columns:
        case, at, cycle, live, level, entry, priority = self.shots
        same = np.zeros(len(case), np.bool_)
        same[1:] = live[1:] & live[:-1]
        for held in (case, cycle, level, entry):
            same[1:] &= held[1:] == held[:-1]
        breaks = np.flatnonzero(~same)
        after = np.minimum(np.r_[breaks[1:], len(case) - 1], len(case) - 1)
        left = np.where((np.arange(len(breaks)) + 1 < len(breaks)) & (case[after] == case[breaks]), at[after], LOST)
        stays = live[breaks] & (level[breaks] >= 0) & self._kept(case[breaks])
        rows, left = breaks[stays], left[stays]
        return {
            "case": self.ids[case[rows]],
            "cycle": cycle[rows],
            "track": _same(self.track, len(rows)),
            "level": self.rungs[level[rows]],
            "owner": self._owners(None)[level[rows], priority[rows]],
            "entered_at": at[rows].view(AT),
            "left_at": left.view(AT),
        }

    def _owners(self, group: Any) -> NDArray[Any]:
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
        columns = self.sweep.clocks.columns(12)
        order = np.lexsort((columns[1], columns[4], columns[0]))
        order = order[self._kept(columns[0][order])]
        case, group, occurrence, cycle, started, due, stopped, budget, counted, end, outcome, caused = (
            held[order] for held in columns
        )
        breached = (outcome == OUTCOMES.index("breached")) & (due != LOST)
        judged = (
            np.searchsorted(self.stamps, (case << 48) + np.where(breached, due, end) - self.sweep.base, side="right")
            - 1
        )
        level, priority = self.shots[4][judged].copy(), self.shots[6][judged]
        owner = np.empty(len(case), object)
        for number, one in enumerate(self.script.groups):
            where = group == number
            if one.level is not None:
                level[where] = one.level
            owner[where] = self._owners(one)[level[where], priority[where]]
        keys = np.array([one.key for one in self.script.groups], object)
        share = np.full(len(case), np.nan)
        np.divide(counted, budget, out=share, where=budget > 0)
        return {
            "case": self.ids[case],
            "cycle": cycle,
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

    def __init__(self, histories: Histories, script: Script, prototypes: list[Any]) -> None:
        kinds = [type(one) for one in prototypes]
        at, starts = histories.at, histories.starts[:-1]
        place = np.arange(len(at))

        def where(*wanted: type) -> NDArray[np.bool_]:
            found: NDArray[np.bool_] = np.isin(script.code, [code for code, kind in enumerate(kinds) if kind in wanted])
            return found

        reset = np.maximum.reduceat(np.where(where(E.Reopened, E.Voided), place, -1), starts)
        turn = np.maximum.reduceat(
            np.where(where(E.Resolved, E.Closed, E.Voided, E.Reopened, E.Opened), place, -1), starts
        )
        since = place > np.repeat(reset, np.diff(histories.starts))
        ended, closed = where(E.Resolved, E.Closed), where(E.Closed)
        self.void = where(E.Voided)[turn]
        self.first = _first(at, ended, starts)
        self.resolved = _first(at, ended & since, starts)
        self.closed = np.maximum.reduceat(np.where(closed & since, at, LOST), starts)


def _first(at: Ints, where: NDArray[np.bool_], starts: Ints) -> Ints:
    never = np.iinfo(np.int64).max
    found = np.minimum.reduceat(np.where(where, at, never), starts)
    return np.where(found == never, LOST, found)
