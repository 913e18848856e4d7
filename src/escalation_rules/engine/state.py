"""The parts of the machine: what a policy is compiled to, and what a fold remembers of a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from escalation_rules.actions import Action
from escalation_rules.checklists import Item
from escalation_rules.engine.model import LONG_AGO, NEVER, Comparison, Dial, Face, Gauge, Tree
from escalation_rules.engine.outcome import ActionFound, LegFound, MoveFound
from escalation_rules.events import OPEN, ActionPlan, Standing
from escalation_rules.facts import OwnFact
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.patterns import Happening
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy
from escalation_rules.worktime import Calendar, Span
from escalation_rules.worktime._timeline import Line

__all__ = ["Choice", "Group", "Instance", "Made", "Pending", "Program", "RuleCode", "Script", "State", "Steps"]


@dataclass(slots=True)
class RuleCode:
    """A rule: its condition as a tree, where it goes, and what it asks.

    `own_tree` is the condition itself; `stay_tree` asks too whether the case stands where the rule applies, and
    `tree` whether rules run at all.
    """

    number: int
    name: str
    tree: Tree
    stay_tree: Tree
    own_tree: Tree
    track: int
    to: int | None
    is_next: bool
    waived: bool
    then: tuple[Action, ...]


Test = Callable[[Any], bool]
"""Whether an event of a certain kind matches a pattern."""


class Terms(NamedTuple):
    """What a target allows: a span, the calendar's name and the line on which it counts, and what it comes to.

    Days and months have no `budget` before a clock starts. `leg` is the calendar of a leg, None where all time counts;
    `reach` gives the instant at which a span is due that ends at a point of the line.
    """

    span: Span | None
    calendar: str | None
    line: int
    budget: int | None
    leg: str | None
    reach: Callable[[int], int]


@dataclass(slots=True)
class Choice:
    """One of the targets with a key: when it applies, and what starts and stops it, by kind of event.

    Where its terms depend on nothing but the priority (`is_priced`), they are remembered by it.
    """

    when: Callable[[Any], bool] | None
    within: Span | Pick | None
    calendar: tuple[Any, ...]
    starts: Mapping[type, Test] | None
    stops: Mapping[type, Test]
    unanswered: bool
    at_the_end: bool
    pauses: frozenset[str]
    recurs: bool
    agreed: bool
    is_priced: bool
    terms: dict[str | None, Terms] = field(default_factory=dict)


@dataclass(slots=True)
class Group:
    """The targets with one key, of the policy or of one level.

    `looks_at` is what may change which applies, and how; `bit` says that its clock has changed; a plain group has one
    choice, always.
    """

    number: int
    key: str
    level: str | None
    place: tuple[int, int] | None
    choices: tuple[Choice, ...]
    looks_at: int
    bit: int
    is_plain: bool
    may_restart: bool


class Script(NamedTuple):
    """What an event of one kind does: to the state, to what watches for it, and to which clocks.

    Nothing starts where it only `awaits`, and nobody waits for an answer.
    """

    kind: type
    effect: Callable[[Any, Any], None] | None
    watched: tuple[tuple[int, Test], ...]
    answers: tuple[tuple[int, Test], ...]
    stoppers: tuple[Group, ...]
    starters: tuple[Group, ...]
    awaits: bool
    listens: bool
    is_heard: bool
    ends: bool
    ends_cycle: bool


@dataclass(slots=True)
class Instance:
    """One instance of a target.

    `point` is where it is due on its line, while it runs, and `reach` gives the instant of a point, as its terms have
    them; `fixed` is the instant it is due once that can no longer change.
    `counted` is what was counted before the present leg, which began at `leg_point`.
    """

    group: Group
    occurrence: int
    cycle: int
    started: int
    choice: Choice
    terms: Terms
    budget: int | None
    line: int
    reach: Callable[[int], int]
    legs: list[LegFound]
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
    """A move that was made virtually: the stay it left, and the rules that wanted it."""

    move: MoveFound
    level: int
    entry: int
    rules: tuple[RuleCode, ...]


class Made(NamedTuple):
    """A move of the rules in the life of a case: made virtually, because of `cause`, or recorded with its key."""

    due: int
    track: int
    origin: int
    level: int
    cycle: int
    rules: tuple[str, ...]
    cause: int
    key: str | None = None


Looking = Callable[[Any, int], None]
"""What to look at after a change: of a state and of when it changed."""
Happen = Callable[..., None]
"""What an event does: of a state, of the event and, where it is only due, of the effect it would have."""


@dataclass(slots=True)
class Steps:
    """How time passes for the cases of a policy, and what is done after what.

    `arrive` gives the first crossing up to an instant, or else a later one; the state is there then, or at the instant.
    `cross` does what time alone has changed by now. What to look at is kept by what has changed, what happens by kind.
    """

    arrive: Callable[[Any, int], int]
    cross: Callable[[Any], None]
    make_look: Callable[[Program, int], Looking]
    look: dict[int, Looking] = field(default_factory=dict)
    happen: dict[type, Happen] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Program:
    """A policy, compiled: tables, and nothing that changes but what is remembered of them, and the count of `cases`.

    On the first of the `lines` all time counts.
    `slots` are what changes by itself as time passes: gauges, faces of clocks, and comparisons that look ahead one by
    one; `timed` are the lines on which that may be.
    `turning` is what may change clocks that run.
    """

    policy: Policy
    tracks: tuple[Track, ...]
    levels: tuple[tuple[EscalationLevel, ...], ...]
    clock_bits: Mapping[str, int]
    places: Mapping[str, tuple[int, int]]
    ranks: Mapping[str, int]
    lines: tuple[Line, ...]
    calendars: Mapping[str | None, tuple[Calendar, int]]
    effective_from: int
    facts: Mapping[str, OwnFact]
    comparisons: tuple[Comparison, ...] = ()
    rules: tuple[RuleCode, ...] = ()
    groups: tuple[Group, ...] = ()
    groups_of_level: Mapping[str, tuple[Group, ...]] = field(default_factory=dict)
    items: Mapping[Item, int] = field(default_factory=dict)
    items_by_key: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    scripts: Mapping[type, Script] = field(default_factory=dict)
    watchers: int = 0
    requests: tuple[int, ...] = ()
    turning: int = 0
    dials: tuple[Dial, ...] = ()
    gauges: tuple[Gauge, ...] = ()
    faces: tuple[Face, ...] = ()
    single: tuple[Comparison, ...] = ()
    slots: tuple[Gauge | Face | Comparison, ...] = ()
    timed: tuple[int, ...] = ()
    steps: Steps | None = None
    cases: int = 0
    holding: dict[int, tuple[RuleCode, ...]] = field(default_factory=dict)
    acting: dict[tuple[int, ...], tuple[RuleCode, ...]] = field(default_factory=dict)

    def without(self, *names: str) -> Program:
        """The same program but for these rules. What is remembered of rules is remembered of the others only."""
        return replace(self, rules=tuple(rule for rule in self.rules if rule.name not in names), holding={}, acting={})


class State:
    """A case as the fold has it at an instant.

    `edges` has, for each line and slot, the next point at which time alone may change something; `nearest` the
    first of them on each line, or None while nobody has looked. `made` keeps every move of the rules, settled
    ones too; `watch` is told after the rules of each instant that changed something. `dirty` is what has changed since
    comparisons were looked at, `shown` what of it others than the rules see, until somebody forgets it.
    """

    now: int
    position: int
    when: int
    dirty: int
    shown: int
    truth: int
    order: int
    stir: bool
    duty: int
    standing: Standing
    live: bool
    priority: str | None
    rank: int
    channel: str | None
    external: int
    cycle: int
    cycle_when: int
    opening: int
    reopened: int
    unanswered: int | None
    unassigned: int | None
    requested: int | None
    answered: bool
    acknowledged: bool
    updated: int
    replies: int
    status_requests: int
    assignments: int
    escalations: int
    plan: ActionPlan | None
    agreed: Span | None
    watch: Callable[[State], None] | None

    def __init__(self, program: Program, case: str, recorded_keys: frozenset[str], declined: frozenset[str]) -> None:
        self.__dict__.update(_BLANK)
        self.program, self.case = program, case
        self.recorded_keys, self.declined = recorded_keys, declined
        tracks, lines, gauges = len(program.levels), len(program.lines), len(program.gauges)
        slots = len(program.slots)
        self.points: list[int | None] = [None] * lines
        self.since = [LONG_AGO] * len(program.comparisons)
        self.edges = [[NEVER] * slots for _ in program.lines]
        self.nearest: list[int | None] = [NEVER] * lines
        self.slot_lines = [-1] * slots
        self.anchors: list[int | None] = [LONG_AGO] * gauges
        self.bases, self.steps = [0] * gauges, [0] * gauges
        self.facts: dict[str, Any] = {}
        self.level, self.ups = [-1] * tracks, [0] * tracks
        self.recorded: list[list[tuple[int, int]]] = [[] for _ in range(tracks)]
        self.entry, self.barrier = [LONG_AGO] * tracks, [LONG_AGO] * tracks
        self.assigned: dict[str, tuple[str | None, str | None]] = {}
        self.failures: list[tuple[int, int, int | None]] = []
        self.seen = [LONG_AGO] * program.watchers
        self.answers: dict[int, tuple[int, Happening]] = {}
        self.overridden: dict[str, int] = {}
        self.open: dict[int, Instance] = {}
        self.latest: dict[str, Instance] = {}
        self.clocks: dict[int, Instance] = {}
        self.past: list[Instance] = []
        self.counts: dict[tuple[int, str], int] = {}
        self.entered: list[tuple[str, int]] = []
        self.moves: list[Pending] = []
        self.made: list[Made] = []
        self.accepted: dict[str, Happening] = {}
        self.actions: list[ActionFound] = []
        self.fired: set[tuple[tuple[str, str], int, int, int]] = set()

    def point(self, line: int) -> int:
        """The coordinate of now on a line."""
        found = self.points[line]
        if found is None:
            found = self.points[line] = self.program.lines[line].opened(self.now)
        return found

    def pick(self, given: Any) -> Any:
        """The value itself, or what a pick comes to at present."""
        if type(given) is not Pick:
            return given
        return given.choose(self.priority if given.by == "priority" else self.facts.get(given.by))

    def calendar(self, choices: tuple[Any, ...]) -> str | None:
        """The first of these calendars' names (or picks) that comes to one; None where time never stops."""
        for choice in choices:
            name = self.pick(choice)
            if name is not None:
                return str(name)
        return None


_BLANK: dict[str, Any] = {
    **dict.fromkeys(("now", "position", "when", "dirty", "shown", "truth", "order", "cycle", "cycle_when"), 0),
    **dict.fromkeys(("opening", "reopened", "updated", "replies", "status_requests", "assignments"), 0),
    **dict.fromkeys(("escalations", "external"), 0),
    **dict.fromkeys(("stir", "live", "answered", "acknowledged"), False),
    **dict.fromkeys(("priority", "channel", "unanswered", "unassigned", "requested", "plan", "agreed", "watch"), None),
    "rank": -1,
    "duty": NEVER,
    "standing": OPEN,
}
"""What a state holds before anything has happened."""
