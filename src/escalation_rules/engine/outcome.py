"""What a fold finds, in whole microseconds and small numbers: the raw answer from which a `Decision` is written.

Tracks and levels are numbers in the policy's order; a level of -1 is nowhere. Two outcomes are equal just when the
decisions written from them are, which is what makes `wake_at` exact.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from escalation_rules.actions import Action
from escalation_rules.case import ACTION_KEY, MOVE_KEY

__all__ = [
    "NOWHERE",
    "ActionFound",
    "BlockedFound",
    "ClockFound",
    "ExitFound",
    "LegFound",
    "MoveFound",
    "OpenFound",
    "Outcome",
    "OwnerFound",
    "action_key",
    "move_key",
]

NOWHERE = -1


class OwnerFound(NamedTuple):
    """Who owns a level: the role, the person named now, whether anybody was on duty at due, and who was passed over."""

    role: str
    person: str | None
    on_duty: bool
    passed: tuple[str, ...]


class MoveFound(NamedTuple):
    """A move that is due and unrecorded; `causes` has the evidence of each rule.

    `skipped` are the levels that were passed over because nobody was there.
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
    owner: OwnerFound | None
    skipped: tuple[int, ...]
    still_holds: bool


class OpenFound(NamedTuple):
    """An item without an answer that stands."""

    item: str
    why: str


class BlockedFound(NamedTuple):
    """A move that is wanted and held back; `against` are (item, answer)."""

    track: int
    level: int
    cycle: int
    cause: int
    rules: tuple[str, ...]
    causes: tuple[int, ...]
    missing: tuple[OpenFound, ...]
    against: tuple[tuple[str, str], ...]
    until: int | None


class ActionFound(NamedTuple):
    """An action that is due and unrecorded: the one with this number of a rule or of an entry to a level.

    `action` has its roles picked and its priority named; `person` is whom it assigns.
    """

    due: int
    order: int
    source: tuple[str, str]
    number: int
    cycle: int
    cause: int
    action: Action
    person: str | None


class LegFound(NamedTuple):
    """A leg of a clock: from when, in which calendar (None: all time counts), paused by what."""

    since: int
    calendar: str | None
    paused: str | None


class ClockFound(NamedTuple):
    """The latest instance of a target on a level (or of the policy's, with None).

    What is used up exactly at closing time is due then with `at_close`, else when the calendar opens again.
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
    legs: tuple[LegFound, ...]
    at_close: bool


class ExitFound(NamedTuple):
    """What going down on a track lacks."""

    track: int
    level: int
    missing: tuple[OpenFound, ...]
    against: tuple[tuple[str, str], ...]
    until: int | None


class Outcome(NamedTuple):
    """All that a fold finds at an instant, but the instant itself.

    `holders` are the roles that have the case on each track: who was on duty when it came there. `work` has (track,
    level, open items); `picks` what the priority and the choice facts are.
    """

    status: str
    cycle: int
    standing: tuple[int, ...]
    holders: tuple[str | None, ...]
    moves: tuple[MoveFound, ...]
    blocked: tuple[BlockedFound, ...]
    actions: tuple[ActionFound, ...]
    clocks: tuple[ClockFound, ...]
    work: tuple[tuple[int, int, tuple[OpenFound, ...]], ...]
    exits: tuple[ExitFound, ...]
    requested_since: int | None
    picks: tuple[tuple[str, str | None], ...]


def move_key(case: str, policy: str, cycle: int, track: str, level: str, cause: int) -> str:
    """The key of a move: ASCII, at most 64 characters, the same for the same cause."""
    return _digest(MOVE_KEY, case, policy, cycle, track, level, cause)


def action_key(case: str, policy: str, cycle: int, source: tuple[str, str], action: Action, cause: int) -> str:
    """The key of an action of a rule or of an entry to a level (`source`); the action as the policy has it."""
    return _digest(ACTION_KEY, case, policy, cycle, source, action.model_dump_json(), cause)


def _digest(kind: str, *parts: object) -> str:
    return f"{kind}{sha256(repr(parts).encode()).hexdigest()[:48]}"
