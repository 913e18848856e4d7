"""The state of one case in a fold, in parts that have names: a step of the fold says which part it touches.

A program prepared for folding is a `Machine` (`engine/machine.py`); a state belongs to one. `State.copy` gives a state
that can go on by itself, so that looking ahead leaves the state of a decision as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from escalation_rules.engine.records import ActionRecord, LegRecord, LoggedMove, MoveRecord
from escalation_rules.events import OPEN, ActionPlan, CaseStatus
from escalation_rules.patterns import BaseEvent
from escalation_rules.picks import Pick
from escalation_rules.program.model import LONG_AGO, NEVER, Program, RuleCode, Terms
from escalation_rules.worktime import Span

if TYPE_CHECKING:
    from escalation_rules.engine.machine import Machine, TargetReader, VariantReader


# Bits for the parts of a state that an event may change. Tests and targets say which of these they read.
PRIORITY = 1 << 0
LEVEL = 1 << 1
STATUS = 1 << 2
CYCLE = 1 << 3
ROLES = 1 << 4
FAILED = 1 << 5
PLANNED = 1 << 6
OWN_FACT = 1 << 7
SEEN = 1 << 8
AGREED = 1 << 9
OPENING = 1 << 10
SHOWN = PRIORITY | LEVEL | STATUS | CYCLE | OWN_FACT
"""The parts that readers other than rules see: level, status, priority, and the facts that roles are picked by."""
FIRST_KEPT = 1 << 12
"""The first of the bits for the kept facts."""
FIRST_CLOCK = 1 << 60
"""The first of the bits for the keys of targets: one of the clocks with this key has changed."""
EVERYTHING = -1


@dataclass(slots=True)
class LifeCycle:
    """The status of a case (`standing`), its present cycle, and the moments of its opening and of its cycle.

    A case is `live` while it is worked on.
    """

    standing: CaseStatus
    live: bool
    cycle: int
    cycle_when: int
    opening: int


@dataclass(slots=True)
class FactState:
    """The values of facts. `kept` are those of the program's table, by number: instants, or counts.

    `own` are the policy's own. `seen` has the moment at which what is watched for last happened. `roles` are the person
    and the group in each role; `unassigned` is the instant since when all are empty.
    """

    kept: list[Any]
    own: dict[str, Any]
    seen: list[int]
    roles: dict[str, tuple[str | None, str | None]]
    unassigned: int | None = None
    assignments: int = 0
    priority: str | None = None
    rank: int = -1
    channel: str | None = None
    plan: ActionPlan | None = None
    agreed: Span | None = None

    def copy(self) -> FactState:
        """Return a copy that can change by itself."""
        return FactState(
            [*self.kept],
            {**self.own},
            [*self.seen],
            {**self.roles},
            self.unassigned,
            self.assignments,
            self.priority,
            self.rank,
            self.channel,
            self.plan,
            self.agreed,
        )


@dataclass(slots=True)
class LevelState:
    """The levels of a case by track: the present one, the moment of its entry, and the number of moves up.

    `down_since` is the moment of the last de-escalation; `recorded` are the levels that history records, with their
    instants; `external` has a bit for each track on an external level; `failures` are the moments, tracks and levels of
    failed levels; `entered` the levels whose entry actions are not asked yet, with their instants.
    """

    level: list[int]
    entry: list[int]
    ups: list[int]
    down_since: list[int]
    recorded: list[list[tuple[int, int]]]
    external: int
    failures: list[tuple[int, int, int | None]]
    entered: list[tuple[str, int]]

    def copy(self) -> LevelState:
        """Return a copy that can change by itself."""
        return LevelState(
            [*self.level],
            [*self.entry],
            [*self.ups],
            [*self.down_since],
            [[*one] for one in self.recorded],
            self.external,
            [*self.failures],
            [*self.entered],
        )


@dataclass(slots=True)
class TestState:
    """The tests of rules: `truth` has a bit for each that is true, `since` the moment since when.

    `timers` has, for each line and slot, the next point at which time alone may change something; `next_timers` the
    first of them on each line, or None if it must be computed again; `slot_lines` the line on which the timer of a slot
    is set. `anchors`, `bases` and `steps` are, for each group of durations, its anchor, the point of the anchor, and
    how many of its lengths are reached.
    """

    truth: int
    since: list[int]
    timers: list[list[int]]
    next_timers: list[int | None]
    slot_lines: list[int]
    anchors: list[int | None]
    bases: list[int]
    steps: list[int]

    def copy(self) -> TestState:
        """Return a copy that can change by itself."""
        return TestState(
            self.truth,
            [*self.since],
            [[*one] for one in self.timers],
            [*self.next_timers],
            [*self.slot_lines],
            [*self.anchors],
            [*self.bases],
            [*self.steps],
        )


@dataclass(slots=True)
class Instance:
    """One instance of a target, that is, one run of its clock.

    `due` is the instant it is due; None while it is paused, and without a budget. With `fixed`, no pause can change it
    any more. `counted` is the time counted before the present leg, which began at the point `leg_point` of its line.
    """

    group: TargetReader
    occurrence: int
    cycle: int
    started: int
    variant: VariantReader
    terms: Terms
    budget: int | None
    line: int
    legs: list[LegRecord]
    leg_point: int
    counted: int = 0
    due: int | None = None
    fixed: bool = False
    outcome: str = "pending"
    caused: bool = False
    stopped: int | None = None
    was_active: bool = False

    def copy(self) -> Instance:
        """Return a copy that can change by itself."""
        return Instance(
            self.group,
            self.occurrence,
            self.cycle,
            self.started,
            self.variant,
            self.terms,
            self.budget,
            self.line,
            [*self.legs],
            self.leg_point,
            self.counted,
            self.due,
            self.fixed,
            self.outcome,
            self.caused,
            self.stopped,
            self.was_active,
        )


@dataclass(slots=True)
class ClockState:
    """The clocks: those that are open, by target; the latest by key; the latest by target; and all before it.

    `counts` has the number of instances by cycle and key.
    """

    open: dict[int, Instance]
    latest: dict[str, Instance]
    by_target: dict[int, Instance]
    past: list[Instance]
    counts: dict[tuple[int, str], int]

    def copy(self) -> ClockState:
        """Return a copy that can change by itself. A stopped clock never changes again, so it is shared."""
        running = {id(clock): clock.copy() for clock in self.open.values()}
        return ClockState(
            {number: running[id(clock)] for number, clock in self.open.items()},
            {key: running.get(id(clock), clock) for key, clock in self.latest.items()},
            {number: running.get(id(clock), clock) for number, clock in self.by_target.items()},
            [*self.past],
            {**self.counts},
        )


@dataclass(slots=True)
class Pending:
    """A move that was made virtually, with the level and entry that it left, and the rules that wanted it."""

    move: MoveRecord
    level: int
    entry: int
    rules: tuple[RuleCode, ...]


@dataclass(slots=True)
class AskedState:
    """The moves and actions that are due, and the answers of history to them.

    `log` keeps every move by rules, settled ones too; `occurrences` are the actions that were asked already; `accepted`
    are the events of the present instant that were accepted from a decision, by id; `order` counts what was asked.
    """

    moves: list[Pending]
    log: list[LoggedMove]
    actions: list[ActionRecord]
    occurrences: set[tuple[tuple[str, str], int, int]]
    accepted: dict[str, BaseEvent]
    recorded_keys: frozenset[str]
    declined: frozenset[str]
    order: int = 0

    def copy(self) -> AskedState:
        """Return a copy that can change by itself."""
        return AskedState(
            [*self.moves],
            [*self.log],
            [*self.actions],
            {*self.occurrences},
            {**self.accepted},
            self.recorded_keys,
            self.declined,
            self.order,
        )


@dataclass(slots=True)
class AnswerState:
    """The latest answer to each item with its moment, and the moments at which checklists were overridden, by level."""

    latest: dict[int, tuple[int, BaseEvent]]
    overridden: dict[str, int]


class State:
    """The state of a case in a fold at an instant.

    `changed` has the bits of all parts that changed since the tests were last updated; `changed_visibly` those of them
    that readers other than the rules can see, until a reader sets it to 0. `points` are the coordinates of now, by
    line, as far as they are known. `watch` is called after the rules of each instant that changed something.
    """

    __slots__ = (
        "answers",
        "asked",
        "case",
        "changed",
        "changed_visibly",
        "clocks",
        "facts",
        "levels",
        "life",
        "machine",
        "next_handover",
        "now",
        "points",
        "position",
        "program",
        "rules_pending",
        "tests",
        "watch",
        "when",
    )

    def __init__(self, machine: Machine, case: str, recorded_keys: frozenset[str], declined: frozenset[str]) -> None:
        program: Program = machine.program
        self.machine, self.program, self.case = machine, program, case
        self.now = self.position = self.when = self.changed = self.changed_visibly = 0
        self.rules_pending, self.next_handover = False, NEVER
        self.watch: Callable[[State], None] | None = None
        lines, slots, durations = len(program.lines), machine.slots_count, machine.durations_count
        tracks = len(program.levels)
        self.points: list[int | None] = [None] * lines
        self.life: LifeCycle = LifeCycle(OPEN, False, 0, 0, 0)
        self.facts: FactState = FactState([*machine.kept_at_first], {}, [LONG_AGO] * len(program.watched), {})
        self.levels: LevelState = LevelState(
            [-1] * tracks,
            [LONG_AGO] * tracks,
            [0] * tracks,
            [LONG_AGO] * tracks,
            [[] for _ in range(tracks)],
            0,
            [],
            [],
        )
        self.tests: TestState = TestState(
            0,
            [LONG_AGO] * program.tested,
            [[NEVER] * slots for _ in range(lines)],
            [NEVER] * lines,
            [-1] * slots,
            [LONG_AGO] * durations,
            [0] * durations,
            [0] * durations,
        )
        self.clocks: ClockState = ClockState({}, {}, {}, [], {})
        self.asked: AskedState = AskedState([], [], [], set(), {}, recorded_keys, declined)
        self.answers: AnswerState = AnswerState({}, {})

    def copy(self) -> State:
        """Return a copy that can go on by itself."""
        other = State.__new__(State)
        other.machine, other.program, other.case = self.machine, self.program, self.case
        other.now, other.position, other.when = self.now, self.position, self.when
        other.changed, other.changed_visibly = self.changed, self.changed_visibly
        other.rules_pending, other.next_handover, other.watch = self.rules_pending, self.next_handover, self.watch
        life = self.life
        other.life = LifeCycle(life.standing, life.live, life.cycle, life.cycle_when, life.opening)
        other.points = [*self.points]
        other.facts, other.levels, other.tests = self.facts.copy(), self.levels.copy(), self.tests.copy()
        other.clocks, other.asked = self.clocks.copy(), self.asked.copy()
        other.answers = AnswerState({**self.answers.latest}, {**self.answers.overridden})
        return other

    @property
    def is_running(self) -> bool:
        """Whether rules run: the case is live, and on no external level (rule 28)."""
        return self.life.live and not self.levels.external

    def point(self, line: int) -> int:
        """Return the coordinate of now on a line."""
        point = self.points[line]
        if point is None:
            point = self.points[line] = self.program.lines[line].opened(self.now)
        return point

    def pick(self, given: Any) -> Any:
        """Return the value itself, or for a `Pick` its value for the current priority or choice fact."""
        while type(given) is Pick:
            given = given.choose(self.facts.priority if given.by == "priority" else self.facts.own.get(given.by))
        return given

    def calendar(self, choices: tuple[str | Pick, ...]) -> str | None:
        """Return the first calendar name that these names and picks give; None if none does, so time never stops."""
        for choice in choices:
            name = self.pick(choice)
            if name is not None:
                return str(name)
        return None
