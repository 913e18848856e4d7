"""The data that a policy compiles to: tests, trees, rules, targets, terms, codes of events.

A *when* is an instant with the position of an event in the history, as one number: `(instant << BITS) + position`.
Position 0 is a crossing, which comes before the events of its instant. A *point* is an instant's coordinate on a line
of open time; most comparisons are between points, so a calendar is asked once an instant and not once a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from escalation_rules.actions import Action
from escalation_rules.checklists import Item
from escalation_rules.facts import OwnFact
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy
from escalation_rules.worktime import Calendar, Span
from escalation_rules.worktime._timeline import Line

POSITION_BITS = 20
LONG_AGO = -(1 << 90)
NEVER = 1 << 90
REMEMBERED = 1_000
"""How many answers to one question a program remembers, however many it is asked."""

# What an event may change. Comparisons and targets say which of these they look at.
PRIORITY = 1 << 0
LEVEL = 1 << 1
STATUS = 1 << 2
CYCLE = 1 << 3
UNANSWERED = 1 << 4
UPDATED = 1 << 5
ASSIGNED = 1 << 6
ACKNOWLEDGED = 1 << 7
FAILED = 1 << 8
REQUESTED = 1 << 9
COUNTED = 1 << 10
PLANNED = 1 << 11
OWN_FACT = 1 << 12
SEEN = 1 << 13
AGREED = 1 << 14
SHOWN = PRIORITY | LEVEL | STATUS | CYCLE | OWN_FACT
"""What others than the rules see of a case: where it stands, and what roles are picked by."""
FIRST_CLOCK = 1 << 15
"""From here on, each key of a target has a bit, which says that one of its clocks has changed."""
EVERYTHING = (1 << 200) - 1

Crossing = tuple[int, int]
"""A line's number and a point on it."""
TestState = tuple[bool, Crossing | None]
"""Whether a comparison holds now, and where it may next change by itself."""


@dataclass(slots=True)
class Test:
    """An atom in normal form, in the context of its rule, as one bit.

    `holds` says whether it is known to hold now; `look`, for what changes as time passes, also where it next may.
    Evidence of a comparison with `seen` is the latest event that matched; with `silent` there is none. `slot` is where
    it keeps the next point at which time alone may change it, if it is not on a gauge.
    """

    number: int
    looks_at: int
    holds: Callable[[Any], bool]
    look: Callable[[Any], TestState] | None = None
    seen: int | None = None
    silent: bool = False
    slot: int = -1


@dataclass(slots=True)
class ValueTests:
    """A fact that has one value at a time, and its comparisons, whose bits the value alone decides."""

    looks_at: int
    value: Callable[[Any], Hashable]
    comparisons: list[Test] = field(default_factory=list)
    mask: int = 0
    table: dict[Hashable, int] = field(default_factory=dict)

    def bits(self, state: Any, value: Hashable) -> int:
        """The bits of the comparisons that hold of a value; what was worked out once is remembered."""
        found = self.table.get(value)
        if found is None:
            found = sum(1 << one.number for one in self.comparisons if one.holds(state))
            if len(self.table) < REMEMBERED:
                self.table[value] = found
        return found


class Reach(NamedTuple):
    """A duration of a fixed length on one line, since an anchor: whether it is reached, or (not `wanted`) is not yet.

    Durations with one `key` have one anchor.
    """

    key: Hashable
    anchor: Callable[[Any], int | None]
    line: int
    length: int
    wanted: bool


@dataclass(slots=True)
class DurationTests:
    """The comparisons of one duration on one line: time since the anchor reaches their lengths one after the other.

    `bits[n]` are those that hold when n of the `lengths` are reached. No time at all reaches the first `initial`.
    """

    number: int
    looks_at: int
    line: int
    anchor: Callable[[Any], int | None]
    lengths: tuple[int, ...]
    bits: tuple[int, ...]
    mask: int
    initial: int


class ShareTests(NamedTuple):
    """Comparisons with one share of a clock's budget: the bits of those that hold once it is used, and of those before.

    `slot` is where the instant waits at which it will be.
    """

    slot: int
    up: int
    down: int
    used: int
    before: int


@dataclass(slots=True)
class ClockTests:
    """The comparisons of the latest clock of one target, whose bits its outcome and the time it has counted decide.

    `outcomes` has the bits of those that hold of each outcome; `slot` is where the breach waits, if any are of it;
    `lines` are where it and the shares may wait.
    """

    key: str
    looks_at: int
    mask: int
    lines: tuple[int, ...]
    outcomes: Mapping[str, int]
    slot: int | None
    shares: tuple[ShareTests, ...]


Tree = int | tuple[str, tuple["Tree", ...]]
"""A condition in normal form: the number of a comparison, or ("all" | "any", parts)."""


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


EventMatch = Callable[[Any], bool]
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
class TargetVariant:
    """One of the targets with a key: when it applies, and what starts and stops it, by kind of event.

    Where its terms depend on nothing but the priority (`is_priced`), they are remembered by it.
    """

    when: Callable[[Any], bool] | None
    within: Span | Pick | None
    calendar: tuple[Any, ...]
    starts: Mapping[type, EventMatch] | None
    stops: Mapping[type, EventMatch]
    unanswered: bool
    at_the_end: bool
    pauses: frozenset[str]
    recurs: bool
    agreed: bool
    is_priced: bool
    terms: dict[str | None, Terms] = field(default_factory=dict)


@dataclass(slots=True)
class TargetCode:
    """The targets with one key, of the policy or of one level.

    `looks_at` is what may change which applies, and how; `bit` says that its clock has changed; a plain group has one
    choice, always.
    """

    number: int
    key: str
    level: str | None
    place: tuple[int, int] | None
    choices: tuple[TargetVariant, ...]
    looks_at: int
    bit: int
    is_plain: bool
    may_restart: bool


class EventCode(NamedTuple):
    """What an event of one kind does: to the state, to what watches for it, and to which clocks.

    Nothing starts where it only `awaits`, and nobody waits for an answer.
    """

    kind: type
    effect: Callable[[Any, Any], None] | None
    watched: tuple[tuple[int, EventMatch], ...]
    answers: tuple[tuple[int, EventMatch], ...]
    stoppers: tuple[TargetCode, ...]
    starters: tuple[TargetCode, ...]
    awaits: bool
    listens: bool
    is_heard: bool
    ends: bool
    ends_cycle: bool


ChangeHandler = Callable[[Any, int], None]
"""What to look at after a change: of a state and of when it changed."""
Handler = Callable[..., None]
"""What an event does: of a state, of the event and, where it is only due, of the effect it would have."""


@dataclass(slots=True)
class Steps:
    """How time passes for the cases of a policy, and what is done after what.

    `arrive` gives the first crossing up to an instant, or else a later one; the state is there then, or at the instant.
    `cross` does what time alone has changed by now. What to look at is kept by what has changed, what happens by kind.
    """

    arrive: Callable[[Any, int], int]
    cross: Callable[[Any], None]
    make_look: Callable[[Program, int], ChangeHandler]
    look: dict[int, ChangeHandler] = field(default_factory=dict)
    happen: dict[type, Handler] = field(default_factory=dict)


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
    comparisons: tuple[Test, ...] = ()
    rules: tuple[RuleCode, ...] = ()
    groups: tuple[TargetCode, ...] = ()
    groups_of_level: Mapping[str, tuple[TargetCode, ...]] = field(default_factory=dict)
    items: Mapping[Item, int] = field(default_factory=dict)
    items_by_key: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    scripts: Mapping[type, EventCode] = field(default_factory=dict)
    watchers: int = 0
    requests: tuple[int, ...] = ()
    turning: int = 0
    dials: tuple[ValueTests, ...] = ()
    gauges: tuple[DurationTests, ...] = ()
    faces: tuple[ClockTests, ...] = ()
    single: tuple[Test, ...] = ()
    slots: tuple[DurationTests | ClockTests | Test, ...] = ()
    timed: tuple[int, ...] = ()
    steps: Steps | None = None
    cases: int = 0
    holding: dict[int, tuple[RuleCode, ...]] = field(default_factory=dict)
    acting: dict[tuple[int, ...], tuple[RuleCode, ...]] = field(default_factory=dict)

    def without(self, *names: str) -> Program:
        """The same program but for these rules. What is remembered of rules is remembered of the others only."""
        return replace(self, rules=tuple(rule for rule in self.rules if rule.name not in names), holding={}, acting={})
