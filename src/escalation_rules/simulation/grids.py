"""The state of many cases as arrays. The last axis of each is the cases that still go on.

Instants are whole microseconds. A *when* is an instant, counted from the first of the batch, with the position of an
event in its history: `(instant << BITS) + position`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.conditions import OUTCOMES, STATUSES
from escalation_rules.simulation.columns import LOST
from escalation_rules.simulation.plans import KINDS, Dialed, Group, Outcomed, Plan, Shared, Timed
from escalation_rules.simulation.scripts import Script

__all__ = ["BITS", "Grid", "Left"]

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
BITS = 12
NEVER = np.iinfo(np.int64).max
LONG_AGO = -1
NONE = -1
NOT_STARTED, PENDING, MET, BREACHED, VOID = range(len(OUTCOMES))
OPEN, WAITING, RESOLVED, CLOSED, VOIDED = range(len(STATUSES))
IS_ENDING = np.array([*(kind in {E.Resolved, E.Closed, E.Voided} for kind in KINDS), False])
COUNTS = ("replies", "status_requests", "assignments", "escalations", "moves", "reopened")


OPENED, REPLIED, REOPENED, VOIDING = (KINDS.index(kind) for kind in (E.Opened, E.CustomerReplied, E.Reopened, E.Voided))


class Left:
    """The rows that cases leave, by column, in pieces."""

    def __init__(self) -> None:
        self.pieces: list[tuple[Any, ...]] = []

    def add(self, *columns: Any) -> None:
        """Some more rows."""
        self.pieces.append(columns)

    def columns(self, count: int) -> list[Ints]:
        """All of them."""
        if not self.pieces:
            return [np.zeros(0, np.int64)] * count
        return [np.concatenate([piece[place] for piece in self.pieces]) for place in range(count)]


class Grid:
    """Arrays for the cases of a script under a plan, and the rows that they leave.

    `shots` are what cases were like from an instant on (case, at, cycle, live, level, entry, priority), `moves` what
    the rules asked for (case, at, cycle, origin, level, rules as bits, cause), and `clocks` every instance of a target
    (case, group, occurrence, cycle, started, due, stopped, budget, counted, end, outcome, caused).
    """

    def __init__(self, plan: Plan, script: Script, until: int) -> None:
        self.plan, self.script, self.until = plan, script, until
        self.groups: tuple[Group, ...] = script.groups
        self.base = int(script.at.min())
        self.shots, self.moves, self.clocks = Left(), Left(), Left()
        self.timed = {
            k: row for row, k in enumerate(k for k, one in enumerate(plan.comparisons) if type(one) is not Dialed)
        }
        self.dials: dict[str, list[tuple[int, NDArray[np.bool_]]]] = {}
        for k, one in enumerate(plan.comparisons):
            if isinstance(one, Dialed):
                self.dials.setdefault(one.fact, []).append((k, script.table(one)))
        self.watched: dict[str, list[int]] = {}
        for k, one in enumerate(plan.comparisons):
            name = {Timed: "anchor", Shared: "target", Outcomed: "target"}.get(type(one))
            if name is not None:
                self.watched.setdefault(getattr(one, name), []).append(k)
        self.keys = {key: number for number, key in enumerate(dict.fromkeys(group.key for group in self.groups))}
        self.names = list(dict.fromkeys([*self.dials, *self.watched]))
        self._begin(len(script.starts) - 1)

    def _begin(self, n: int) -> None:
        comparisons, groups, script = len(self.plan.comparisons), len(self.groups), self.script

        def whole(*shape: int) -> NDArray[Any]:
            return np.zeros((*shape, n), np.int64)

        def flags(*shape: int) -> NDArray[Any]:
            return np.zeros((*shape, n), np.bool_)

        self.s: dict[str, NDArray[Any]] = {
            "case": np.arange(n),
            "place": script.starts[:-1].copy(),
            "end": script.starts[1:].copy(),
            "truth": flags(comparisons),
            "since": np.full((comparisons, n), LONG_AGO, np.int64),
            "cross": np.full((max(len(self.timed), 1), n), NEVER, np.int64),
            "assigned": whole(max(script.roles, 1)),
            "facts": whole(max(len(script.facts), 1)),
            "latest": np.full((max(len(self.keys), 1), n), NONE, np.int64),
            "occurrences": whole(max(len(self.keys), 1)),
            "dirty": flags(max(len(self.names), 1)),
        }
        for name in (
            "now",
            "position",
            "when",
            "priority",
            "waits",
            "status",
            "channel",
            "cycle",
            "cycle_when",
            "entry",
            *COUNTS,
        ):
            self.s[name] = whole()
        for name in ("unanswered", "unassigned", "updated", "next"):
            self.s[name] = np.full(n, LOST, np.int64)
        for name in ("live", "answered", "acknowledged", "requested", "stir", "changed", "settled"):
            self.s[name] = flags()
        self.s["level"] = np.full(n, NONE, np.int64)
        for name in ("occurrence", "in_cycle", "started", "term", "budget", "counted", "leg", "due", "outcome"):
            self.s[f"clock {name}"] = whole(groups)
        for name in ("open", "paused", "caused", "was_active"):
            self.s[f"clock {name}"] = flags(groups)
        self.s["next"] = script.at[self.s["place"]]

    def _tick(self, rows: Ints) -> None:
        s = self.s
        s["position"][rows] += 1
        s["when"][rows] = ((s["now"][rows] - self.base) << BITS) + s["position"][rows]

    def _mark(self, name: str, rows: Ints) -> None:
        if name in self.names:
            self.s["dirty"][self.names.index(name)][rows] = True

    def _count(self, name: str, rows: Ints) -> None:
        self.s[name][rows] += 1
        self._mark(name, rows)
