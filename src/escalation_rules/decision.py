"""`Decision`: what a policy says of a case at an instant. A value, each instant in it in UTC.

A decision holds instants, not figures that run: what is left of a deadline is asked with `remaining(at)`. So from
`at` up to `wake_at` the answer stays the same.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal, cast

from escalation_rules import events as E
from escalation_rules._values import Deferred, Frozen, FrozenDict, Instant, fields_of, read_instant
from escalation_rules.actions import Assign, SetPriority
from escalation_rules.errors import InvalidValue, Problem, UnknownName, unknown
from escalation_rules.explanation import explained
from escalation_rules.parts import (
    ActionDue,
    Because,
    Blocked,
    Deadline,
    Exit,
    Move,
    Objection,
    OpenItem,
    Owed,
    Owner,
    Reason,
)

__all__ = [
    "ActionDue",
    "Because",
    "Blocked",
    "Deadline",
    "Decision",
    "Exit",
    "Move",
    "Objection",
    "OpenItem",
    "Owed",
    "Owner",
    "Reason",
]


class Decision(Deferred):
    """What a policy says of a case at an instant.

    `moves` are all due and not yet recorded, in due order; `blocked` those wanted and held back; `actions` what else
    is asked; `deadlines` every clock that runs or is paused, soonest first, and `ended` the latest of each that has
    ended; `owed` what anybody owes; `exits` what de-escalation lacks, per track; `levels` where the case stands on
    each track, moves that are due included; `wake_at` the next instant at which this answer changes by itself, or
    None.
    """

    case: str
    policy: str
    version: str
    at: Instant
    timezone: str = "UTC"
    status: Literal["open", "waiting", "resolved", "closed", "void", "external"]
    levels: Frozen[str, str | None] = FrozenDict()
    moves: tuple[Move, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    actions: tuple[ActionDue, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    ended: tuple[Deadline, ...] = ()
    owed: tuple[Owed, ...] = ()
    exits: tuple[Exit, ...] = ()
    wake_at: Instant | None = None

    @property
    def move(self) -> Move | None:
        """The last move that is due on the first track, or None."""
        first = next(iter(self.levels), None)
        return next((move for move in reversed(self.moves) if move.track == first), None)

    @property
    def answer(self) -> dict[str, Any]:
        """All of the decision but the instant it was asked at; equal from `at` up to, not including, `wake_at`."""
        return {name: held for name, held in fields_of(self) if name != "at"}

    def deadline(self, target: str) -> Deadline:
        """The latest instance of a target, whatever its state.

        Raises `UnknownName` for a target the policy does not have.
        """
        for deadline in (*self.deadlines, *self.ended):
            if deadline.target == target:
                return deadline
        raise UnknownName(unknown("target", target, [one.target for one in (*self.deadlines, *self.ended)]))

    def accept(
        self, *, at: datetime, by: str | None = None, only: Collection[str] | str | None = None
    ) -> tuple[E.Event, ...]:
        """What to record once the host has done what is asked.

        One event for each move and action, or for `only` these keys, or this one.

        Each is dated at its due, with `recorded_at` beside it, and has its key as id, so that recording it twice
        changes nothing. Raises `UnknownName` for a key that is not asked for, and `InvalidValue` for an `at` before the
        decision's.
        """
        if read_instant(at) < self.at:
            expected = f"{self.at.isoformat()}, when it was decided, or later"
            raise InvalidValue(Problem("accepted before it was asked", at, path="at", expected=expected))
        asked: list[Move | ActionDue] = sorted((*self.moves, *self.actions), key=lambda one: one.order)
        keys = [one.key for one in asked]
        wanted = tuple(keys) if only is None else (only,) if isinstance(only, str) else tuple(_keys(only))
        if odd := [key for key in wanted if key not in keys]:
            raise UnknownName(*(unknown("key", key, keys) for key in odd))
        accepted = (one for one in asked if one.key in wanted)
        return tuple(_event(one, at, by) for one in accepted)

    def explain(self) -> str:
        """The answer to "why?" and "why not?", in the time zone of the policy's usual calendar.

        A decision that was stored and read back no longer has its case, and tells no "why not".
        """
        why_not = getattr(self._source, "why_not", tuple)
        return explained(dict(fields_of(self)), why_not())


def _keys(only: object) -> Collection[str]:
    if not isinstance(only, Collection):
        raise InvalidValue(Problem("not keys", only, path="only", expected="the keys of moves and actions"))
    return only


def _event(one: Move | ActionDue, at: datetime, by: str | None) -> E.Event:
    common: dict[str, Any] = {"at": one.due, "recorded_at": at, "by": by, "actor": "automation", "id": one.key}
    if isinstance(one, Move):
        return E.Escalated(**common, to=one.to, track=one.track, rules=one.rules, key=one.key)
    action = one.action
    if isinstance(action, SetPriority):
        return E.PriorityChanged(**common, to=action.to)
    if isinstance(action, Assign):
        return E.Assigned(**common, role=action.as_, person=one.person, group=cast(str, action.role))
    return E.ActionTaken(**common, key=one.key, action=one.kind)
