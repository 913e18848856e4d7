"""`Decision` and its parts: the answer of a policy for a case at an instant. Values, each instant in UTC."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from escalation_rules import events as E
from escalation_rules._values import Deferred, Frozen, FrozenDict, Instant, Value, fields_of, read_instant
from escalation_rules.actions import Action, Assign, RaisePriority
from escalation_rules.errors import InvalidValue, Misuse, Problem, UnknownName, unknown
from escalation_rules.explain import explanation_of
from escalation_rules.worktime._timeline import Segment
from escalation_rules.worktime.clocks import Clock, Leg

__all__ = [
    "ActionDue",
    "BlockedMove",
    "Comparison",
    "DeEscalation",
    "Deadline",
    "Decision",
    "Move",
    "Objection",
    "OpenItem",
    "Owner",
    "Position",
    "Reason",
    "WorkItem",
]


ClockState = Literal["running", "paused", "stopped"]
Outcome = Literal["not_started", "pending", "met", "breached", "void"]


class Owner(Value):
    """The role that owns a case on a level, the person of that role on duty now if a rota knows, and why this role.

    `on_duty` is false when nobody was on duty when the move fell due: the case goes there and waits, unowned.
    """

    role: str
    person: str | None = None
    because: str = ""
    on_duty: bool = True


class Comparison(Value):
    """One comparison of a rule at the instant of the decision: true, false, or None where the fact is unknown.

    `fact`, `of`, `op` and `value` are those of the rule's condition (`value` in words); they are None for the levels
    on which the rule applies. `text` is the sentence. `since` is the instant of its evidence, `changes_at` the next
    instant at which time alone may change it.
    """

    text: str
    fact: str | None = None
    of: str | None = None
    op: str | None = None
    value: str | None = None
    holds: bool | None
    since: Instant | None = None
    changes_at: Instant | None = None


class Reason(Value):
    """A rule, what it asks for, and its comparisons: why it holds, or why it does not.

    `since` is its latest evidence.
    """

    rule: str
    to: str | None = None
    since: Instant | None = None
    text: str = ""
    because: tuple[Comparison, ...] = ()


class Move(Value):
    """A move up that is due and not yet recorded, or wanted and held back (then without `due_at` and `owner`).

    `due_at` is the first instant at which it was wanted and admissible. Later events do not cancel it, but
    `still_holds` says whether its rules are true now. `key` stays the same between calls, versions of the policy and
    late hosts. `order` is its place among all that is due.
    """

    track: str
    from_level: str | None
    to: str
    owner: Owner | None = None
    due_at: Instant | None = None
    still_holds: bool = True
    rules: tuple[str, ...] = ()
    key: str
    order: int = 0
    reasons: tuple[Reason, ...] = ()


class Position(Value):
    """The position of a case on one track: its level, moves that are due included.

    `level` is None where the case is on no level of the track. `since` is the instant of entry, `owner` the role that
    has the case there. `rules` are those that moved it there, none if people did; `reasons` are given while the move is
    due. `recorded` is false until the move to this level is in the history.
    """

    level: str | None = None
    since: Instant | None = None
    owner: str | None = None
    rules: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    recorded: bool = True


class OpenItem(Value):
    """An item of a checklist without an answer that stands, and why.

    Unanswered, withdrawn, expired, without evidence.
    """

    key: str
    text: str = ""
    answers: tuple[str, ...] = ()
    why: str = "unanswered"


class Objection(Value):
    """An answer that argues against a move."""

    item: str
    answer: str
    text: str = ""


class BlockedMove(Value):
    """A move that is wanted and held back: by what is missing, what argues against it, or until somebody is on duty."""

    move: Move
    missing: tuple[OpenItem, ...] = ()
    objections: tuple[Objection, ...] = ()
    until: Instant | None = None


class ActionDue(Value):
    """An action that is due and not yet recorded, by a rule or on entry to a level, its roles picked.

    `person` is who of the role is assigned, where a rota knows; `order` its place among all that is due.
    """

    action: Action
    key: str
    due_at: Instant
    rule: str | None = None
    level: str | None = None
    person: str | None = None
    order: int = 0

    @property
    def kind(self) -> str:
        """The name of the action in lower case, such as `raise_priority`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.action.type).lower()


class Deadline(Value):
    """One instance of a target: when it started and is due, the state of its clock, and what came of it.

    `due_at` is None while paused. `budget` is the counted time it allows; `legs` and `at_close` are the course of its
    clock, from which `segments` and `remaining` are computed. A budget used up exactly at closing time is due then with
    `at_close`, else when the calendar opens again. `breached_by_change` says that only a change of priority, level or
    calendar put its due into the past.
    """

    target: str
    occurrence: int = 1
    level: str | None = None
    started_at: Instant | None = None
    due_at: Instant | None = None
    clock: ClockState = "stopped"
    outcome: Outcome = "not_started"
    breached_by_change: bool = False
    owner: str | None = None
    budget: timedelta | None = None
    stopped_at: Instant | None = None
    legs: tuple[Leg, ...] = ()
    at_close: bool = True

    def remaining(self, at: datetime) -> timedelta | None:
        """What is left of the budget at an instant, negative once it is overdrawn; None before it has started."""
        return self._clock.remaining(at) if self.budget is not None and self.legs else None

    def due_if_resumed(self, at: datetime) -> datetime | None:
        """When it would be due if nothing paused it from an instant on; None before it has started."""
        if self.due_at is not None:
            return self.due_at
        return self._clock.due_if_resumed(at) if self.budget is not None and self.legs else None

    def segments(self, at: datetime) -> tuple[Segment, ...]:
        """The certificate: the counted segments sum to the budget at due, all of them to the time that passed."""
        return self._clock.segments(at) if self.legs else ()

    @property
    def _clock(self) -> Clock:
        budget = cast(timedelta, self.budget)
        return Clock(legs=self.legs, budget=budget, stopped_at=self.stopped_at, at_close=self.at_close)


class WorkItem(Value):
    """A thing that a role owes on a case now.

    An open item of a level's work checklist, a running deadline, an answer to a request, a post-mortem; in
    `metrics.worklist` also an open item of the action plan, a lesson that nobody has settled, and an action that the
    role is asked for. `what` is the key of the item or target, or names the work.
    """

    case: str
    kind: Literal["item", "deadline", "request", "post_mortem", "plan_item", "lesson", "action"]
    what: str
    text: str = ""
    priority: str | None = None
    role: str | None = None
    track: str | None = None
    level: str | None = None
    since: Instant | None = None
    due_at: Instant | None = None

    @property
    def item(self) -> str | None:
        """The key of the item of work, if it is one."""
        return self.what if self.kind == "item" else None

    def is_overdue(self, at: datetime) -> bool:
        """True past the due instant: at the due itself the work is still in time (rule 14)."""
        return self.due_at is not None and self.due_at < read_instant(at)


class DeEscalation(Value):
    """The open items of going down from the present level of a track, and the end of its minimum stay."""

    track: str
    level: str
    missing: tuple[OpenItem, ...] = ()
    objections: tuple[Objection, ...] = ()
    until: Instant | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing stands against going down."""
        return not (self.missing or self.objections or self.until)


# A decision holds instants, not figures that run: what is left of a deadline is asked with `remaining(at)`. So from
# `at` up to `wake_at` the answer stays the same.


class Decision(Deferred):
    """What a policy says of a case at an instant.

    `moves` are all due and not yet recorded, in due order; `blocked` those wanted and held back; `actions` the other
    requests to the host; `deadlines` every clock that runs or is paused, soonest first, and `stopped_deadlines` the
    latest of each that has ended; `worklist` the work that is owed now; `de_escalation` the open items of de-escalation
    by track; `positions` the position on each track, moves that are due included; `wake_at` the next instant at which
    this answer changes by itself, or None.
    """

    case: str
    policy: str
    version: str
    at: Instant
    timezone: str = "UTC"
    status: Literal["open", "waiting", "resolved", "closed", "void", "external"]
    positions: Frozen[str, Position] = FrozenDict()
    moves: tuple[Move, ...] = ()
    blocked: tuple[BlockedMove, ...] = ()
    actions: tuple[ActionDue, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    stopped_deadlines: tuple[Deadline, ...] = ()
    worklist: tuple[WorkItem, ...] = ()
    de_escalation: Frozen[str, DeEscalation] = FrozenDict()
    wake_at: Instant | None = None

    @property
    def move(self) -> Move | None:
        """The last move that is due, or None, of a policy with one track. Raises `Misuse` for several tracks."""
        if len(self.positions) > 1:
            tracks = ", ".join(f"`{track}`" for track in self.positions)
            expected = "`.moves`, which has the moves of every track"
            raise Misuse(Problem(f"`.move` of a policy with several tracks ({tracks})", expected=expected))
        return self.moves[-1] if self.moves else None

    @property
    def answer(self) -> dict[str, Any]:
        """All of the decision but the instant it was asked at; equal from `at` up to, not including, `wake_at`."""
        return {name: held for name, held in fields_of(self) if name != "at"}

    def agrees_with(self, other: Decision) -> bool:
        """True if both decisions give the same answer, at whatever instant each was asked for."""
        return self.answer == other.answer

    def deadline(self, target: str) -> Deadline:
        """The latest instance of a target, whatever its state.

        Raises `UnknownName` for a target the policy does not have.
        """
        for deadline in (*self.deadlines, *self.stopped_deadlines):
            if deadline.target == target:
                return deadline
        raise UnknownName(unknown("target", target, [one.target for one in (*self.deadlines, *self.stopped_deadlines)]))

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
        return explanation_of(dict(fields_of(self)), why_not())


def levels_of(decision: Decision) -> dict[str, str | None]:
    """The level of each track, moves that are due included."""
    return {track: position.level for track, position in decision.positions.items()}


def _keys(only: object) -> Collection[str]:
    if not isinstance(only, Collection):
        raise InvalidValue(Problem("not keys", only, path="only", expected="the keys of moves and actions"))
    return only


def _event(one: Move | ActionDue, at: datetime, by: str | None) -> E.Event:
    common: dict[str, Any] = {"at": one.due_at, "recorded_at": at, "by": by, "actor": "automation", "id": one.key}
    if isinstance(one, Move):
        return E.Escalated(**common, to=one.to, track=one.track, rules=one.rules, key=one.key)
    action = one.action
    if isinstance(action, RaisePriority):
        return E.PriorityChanged(**common, to=action.to)
    if isinstance(action, Assign):
        return E.Assigned(**common, as_role=action.as_role, person=one.person, group=cast(str, action.role))
    return E.ActionTaken(**common, key=one.key, action=one.kind)
