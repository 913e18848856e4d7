"""What the oracle finds, as plain tuples in whole microseconds, and the keys of moves and actions (rule 23).

They have the names and the fields of the engine's records, so that the two can be compared, and share no code with
them. Tracks and levels are numbers in the policy's order; level -1 means no level.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from escalation_rules.actions import Action


class OwnerRecord(NamedTuple):
    """Who a level belongs to, who is on duty, whether anybody was at the due, and which roles were passed over."""

    role: str
    person: str | None
    on_duty: bool
    passed: tuple[str, ...]


class MoveRecord(NamedTuple):
    """A move that is due and not recorded; `causes` has the instant of the evidence of each of the rules."""

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
    """An item of a checklist without an answer that stands, and why there is none."""

    item: str
    why: str


class BlockedRecord(NamedTuple):
    """A move that rules want and that something holds back; `against` has each objecting item with its answer."""

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
    """An action that is due and not recorded: the `number`th of a rule, or of the entry to a level."""

    due: int
    order: int
    source: tuple[str, str]
    number: int
    cause: int
    action: Action
    person: str | None


class LegRecord(NamedTuple):
    """A stretch of a clock: since when, in which calendar (None: all time counts), and who pauses it."""

    since: int
    calendar: str | None
    paused: str | None


class ClockRecord(NamedTuple):
    """An instance of a target, of a level or of the policy (level None).

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
    """What holds back de-escalation on a track: open items, objections, and until when the stay is too short."""

    track: int
    level: int
    missing: tuple[OpenItemRecord, ...]
    against: tuple[tuple[str, str], ...]
    until: int | None


class Outcome(NamedTuple):
    """All that is found at an instant.

    `holders` has the role that has the case on each track, `work` the open items of each stay, and `picks` the values
    of the priority and of the choice facts.
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


def move_key(case: str, policy: str, track: str, level: str, cause: int) -> str:
    """The key of a move, the same whenever and however often it is asked for because of the same cause."""
    return "move-" + digest((case, policy, track, level, cause))


def action_key(case: str, policy: str, source: tuple[str, str], action: Action, cause: int) -> str:
    """The key of an action, as the policy declares it, of a rule or of an entry to a level."""
    return "action-" + digest((case, policy, source, action.model_dump_json(), cause))


def digest(parts: tuple[object, ...]) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:48]
