"""The results of a fold as records in whole microseconds, and the keys of moves and actions (rule 23).

Tracks and levels are numbers in the policy's order; level -1 means no level. Two outcomes are equal exactly when the
decisions built from them are, which makes `wake_at` exact.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from escalation_rules.actions import Action
from escalation_rules.case import ACTION_KEY, MOVE_KEY


class OwnerRecord(NamedTuple):
    """The owner of a level: role, person on duty now, whether anybody was on duty when due, and roles passed over."""

    role: str
    person: str | None
    on_duty: bool
    passed: tuple[str, ...]


class MoveRecord(NamedTuple):
    """A move that is due and not recorded; `causes` has the instant of each rule's evidence.

    `skipped` has the levels that were passed over because nobody was on duty there.
    """

    due: int
    order: int
    track: int
    origin: int
    level: int
    cycle: int
    cause: int
    rules: tuple[str, ...]
    causes: tuple[int, ...]
    owner: OwnerRecord | None
    skipped: tuple[int, ...]
    still_holds: bool


class OpenItemRecord(NamedTuple):
    """A checklist item without a valid answer, and why it has none."""

    item: str
    why: str


class BlockedRecord(NamedTuple):
    """A move that rules want and that is blocked; `against` has pairs (item, answer)."""

    track: int
    level: int
    cycle: int
    cause: int
    rules: tuple[str, ...]
    causes: tuple[int, ...]
    missing: tuple[OpenItemRecord, ...]
    against: tuple[tuple[str, str], ...]
    until: int | None


class ActionRecord(NamedTuple):
    """An action that is due and not recorded, identified by its source (a rule or a level entry) and its number there.

    In `action` the roles are picked and the priority is named; `person` is the person it assigns.
    """

    due: int
    order: int
    source: tuple[str, str]
    number: int
    cause: int
    action: Action
    person: str | None


class LegRecord(NamedTuple):
    """A leg of a clock: its start, its calendar (None: all time counts), and the parties that pause it."""

    since: int
    calendar: str | None
    paused: str | None


class ClockRecord(NamedTuple):
    """The latest instance of a target on a level, or of a target of the policy (level None).

    With `at_close`, a budget that is used up exactly at closing time is due then; else when the calendar opens again.
    """

    key: str
    level: str | None
    occurrence: int
    started: int
    due: int | None
    state: str
    outcome: str
    caused: bool
    budget: int | None
    stopped: int | None
    legs: tuple[LegRecord, ...]
    at_close: bool


class ExitRecord(NamedTuple):
    """The open items, objections and minimum stay that block de-escalation on a track."""

    track: int
    level: int
    missing: tuple[OpenItemRecord, ...]
    against: tuple[tuple[str, str], ...]
    until: int | None


class Outcome(NamedTuple):
    """The complete result of a fold at an instant, without the instant itself.

    `holders` has the role that has the case on each track: the first on duty when it arrived. `work` has (track, level,
    open items); `picks` the values of the priority and of the choice facts.
    """

    status: str
    cycle: int
    standing: tuple[int, ...]
    holders: tuple[str | None, ...]
    moves: tuple[MoveRecord, ...]
    blocked: tuple[BlockedRecord, ...]
    actions: tuple[ActionRecord, ...]
    clocks: tuple[ClockRecord, ...]
    work: tuple[tuple[int, int, tuple[OpenItemRecord, ...]], ...]
    exits: tuple[ExitRecord, ...]
    requested_since: int | None
    picks: tuple[tuple[str, str | bool | None], ...]


# rule 23: keys are made of the case, the policy's name, what is asked and the instant of its cause
def move_key(case: str, policy: str, track: str, level: str, cause: int) -> str:
    """The key of a move: ASCII, at most 64 characters, the same for the same cause."""
    return _digest(MOVE_KEY, case, policy, track, level, cause)


def action_key(case: str, policy: str, source: tuple[str, str], action: Action, cause: int) -> str:
    """The key of an action of a rule or of an entry to a level (`source`); the action as the policy declares it."""
    return _digest(ACTION_KEY, case, policy, source, action.model_dump_json(), cause)


def _digest(kind: str, *parts: object) -> str:
    return f"{kind}{sha256(repr(parts).encode()).hexdigest()[:48]}"


class LoggedMove(NamedTuple):
    """A move by rules in the history of a case: made virtually, because of `cause`, or recorded with its key."""

    due: int
    track: int
    origin: int
    level: int
    cycle: int
    rules: tuple[str, ...]
    cause: int
    key: str | None = None
