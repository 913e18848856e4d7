"""The state of a fold for one case, and its records in whole microseconds, with their keys (rule 23).

Tracks and levels are numbers in the policy's order; level -1 means no level. Two outcomes are equal exactly when the
decisions built from them are, which makes `wake_at` exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from escalation_rules.actions import Action
from escalation_rules.case import ACTION_KEY, MOVE_KEY
from escalation_rules.engine.model import LONG_AGO, NEVER, Program, RuleCode, TargetCode, TargetVariant, Terms
from escalation_rules.events import OPEN, ActionPlan, CaseStatus
from escalation_rules.patterns import BaseEvent
from escalation_rules.picks import Pick
from escalation_rules.worktime import Span


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
    cycle: int
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
def move_key(case: str, policy: str, cycle: int, track: str, level: str, cause: int) -> str:
    """The key of a move: ASCII, at most 64 characters, the same for the same cause."""
    return _digest(MOVE_KEY, case, policy, cycle, track, level, cause)


def action_key(case: str, policy: str, cycle: int, source: tuple[str, str], action: Action, cause: int) -> str:
    """The key of an action of a rule or of an entry to a level (`source`); the action as the policy declares it."""
    return _digest(ACTION_KEY, case, policy, cycle, source, action.model_dump_json(), cause)


def _digest(kind: str, *parts: object) -> str:
    return f"{kind}{sha256(repr(parts).encode()).hexdigest()[:48]}"


@dataclass(slots=True)
class Instance:
    """One instance of a target, that is, one run of its clock.

    `point` is where it is due on its line, while it runs; `reach` gives the instant of a point under its terms; `fixed`
    is the due instant once that can no longer change. `counted` is the time counted before the present leg, which began
    at `leg_point`.
    """

    group: TargetCode
    occurrence: int
    cycle: int
    started: int
    choice: TargetVariant
    terms: Terms
    budget: int | None
    line: int
    reach: Callable[[int], int]
    legs: list[LegRecord]
    leg_point: int
    counted: int = 0
    point: int | None = None
    fixed: int | None = None
    outcome: str = "pending"
    caused: bool = False
    stopped: int | None = None
    was_active: bool = False


@dataclass(slots=True)
class Pending:
    """A move that was made virtually, with the level and entry that it left, and the rules that wanted it."""

    move: MoveRecord
    level: int
    entry: int
    rules: tuple[RuleCode, ...]


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


class State:
    """The state of a case in a fold at an instant.

    `timers` has, for each line and slot, the next point at which time alone may change something; `next_timers` the
    first of them on each line, or None if it must be computed again. `moves_log` keeps every move by rules, settled
    ones too; `watch` is called after the rules of each instant that changed something. `changed` has the bits of all
    parts that changed since the tests were last updated; `changed_visibly` those of them that readers other than the
    rules can see, until a reader sets it to 0.
    """

    now: int
    position: int
    when: int
    changed: int
    changed_visibly: int
    truth: int
    order: int
    rules_pending: bool
    next_handover: int
    standing: CaseStatus
    live: bool
    priority: str | None
    rank: int
    channel: str | None
    external: int
    cycle: int
    cycle_when: int
    opening: int
    reopenings: int
    unanswered: int | None
    unassigned: int | None
    requested: int | None
    answered: bool
    acknowledged: bool
    updated: int
    replies: int
    status_requests: int
    assignments: int
    escalation_requests: int
    plan: ActionPlan | None
    agreed: Span | None
    watch: Callable[[State], None] | None

    def __init__(self, program: Program, case: str, recorded_keys: frozenset[str], declined: frozenset[str]) -> None:
        self.__dict__.update(_BLANK)
        self.program, self.case = program, case
        self.recorded_keys, self.declined = recorded_keys, declined
        tracks, lines, duration_tests = len(program.levels), len(program.lines), len(program.duration_tests)
        slots = len(program.slots)
        self.points: list[int | None] = [None] * lines
        self.since = [LONG_AGO] * len(program.tests)
        self.timers = [[NEVER] * slots for _ in program.lines]
        self.next_timers: list[int | None] = [NEVER] * lines
        self.slot_lines = [-1] * slots
        self.anchors: list[int | None] = [LONG_AGO] * duration_tests
        self.bases, self.steps = [0] * duration_tests, [0] * duration_tests
        self.facts: dict[str, Any] = {}
        self.level, self.ups = [-1] * tracks, [0] * tracks
        self.recorded: list[list[tuple[int, int]]] = [[] for _ in range(tracks)]
        self.entry, self.down_since = [LONG_AGO] * tracks, [LONG_AGO] * tracks
        self.assigned: dict[str, tuple[str | None, str | None]] = {}
        self.failures: list[tuple[int, int, int | None]] = []
        self.seen = [LONG_AGO] * program.watchers
        self.answers: dict[int, tuple[int, BaseEvent]] = {}
        self.overridden: dict[str, int] = {}
        self.open: dict[int, Instance] = {}
        self.latest: dict[str, Instance] = {}
        self.clocks: dict[int, Instance] = {}
        self.past: list[Instance] = []
        self.counts: dict[tuple[int, str], int] = {}
        self.entered: list[tuple[str, int]] = []
        self.moves: list[Pending] = []
        self.moves_log: list[LoggedMove] = []
        self.accepted: dict[str, BaseEvent] = {}
        self.actions: list[ActionRecord] = []
        self.asked_already: set[tuple[tuple[str, str], int, int, int]] = set()

    def point(self, line: int) -> int:
        """Return the coordinate of now on a line."""
        point = self.points[line]
        if point is None:
            point = self.points[line] = self.program.lines[line].opened(self.now)
        return point

    def pick(self, given: Any) -> Any:
        """Return the value itself, or for a `Pick` its value for the current priority or choice fact."""
        while type(given) is Pick:
            given = given.choose(self.priority if given.by == "priority" else self.facts.get(given.by))
        return given

    def calendar(self, choices: tuple[Any, ...]) -> str | None:
        """Return the first calendar name that these names and picks give; None if none does, so time never stops."""
        for choice in choices:
            name = self.pick(choice)
            if name is not None:
                return str(name)
        return None


_BLANK: dict[str, Any] = {
    **dict.fromkeys(
        ("now", "position", "when", "changed", "changed_visibly", "truth", "order", "cycle", "cycle_when"), 0
    ),
    **dict.fromkeys(("opening", "reopenings", "updated", "replies", "status_requests", "assignments"), 0),
    **dict.fromkeys(("escalation_requests", "external"), 0),
    **dict.fromkeys(("rules_pending", "live", "answered", "acknowledged"), False),
    **dict.fromkeys(("priority", "channel", "unanswered", "unassigned", "requested", "plan", "agreed", "watch"), None),
    "rank": -1,
    "next_handover": NEVER,
    "standing": OPEN,
}
"""The values of a state's attributes before the first event."""
