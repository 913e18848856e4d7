"""The data that a policy compiles to. It opens with the theory of operation, which the rest of `engine/` follows.

Lines and points (rules 1-6, 30). Line 0 is all time; every further line is the open time of one calendar. A *point* is
the coordinate of an instant on a line: how much open time there was before it. "4 business hours after X" is the point
of X plus 4 hours, so most comparisons are between integers, and a calendar is asked once an instant and not once a
rule. Only the earliest point that is still ahead is turned back into an instant.

Moments (rules 17, 22). A *moment* (often `when`) is an instant with the position of an event in the history, as one
integer: `(instant << POSITION_BITS) + position`. Position 0 is a crossing, which comes before the events of its
instant. So "later evidence" is one comparison of two integers.

An instant (rules 17, 18, 20). At each instant of the fold, (1) time passes: tests whose point has come change; (2) the
events of the instant apply, in the order of their positions: each changes facts of the state, then clocks, then marks
the bits of all that it changed; (3) the tests that read what is marked are updated; (4) the rules run, round by round,
each round from the state that the last one left, until nothing changes.

Tests (rules 29-31). Every atom of the policy is a `Test`: one bit in `State.truth`, and in `State.since` the moment
since when it is true. Tests are grouped by what changes them. `ValueTests` read one fact with one value at a time: the
value alone decides all their bits, so they are looked up in a table. `DurationTests` measure one duration on one line:
its lengths are reached one after the other. `ClockTests` read the latest clock of one target: its outcome and the
share of its budget that is used. Tests that belong to no group look ahead one by one. A test that is unknown has no
bit, nor has its opposite.

Timers (rule 27). Whatever can change by itself keeps the next point at which it may in `State.timers`, by line and
slot. The earliest timer, as an instant, is the next crossing. `wake_at` needs nothing else, besides breaches, expiring
answers, minimum stays and handovers of rotas.

Moves (rules 18, 19). A move that is due and not in the history is made *virtually*: the handler of `Escalated` runs as
if the event had been recorded at that instant. What history records settles what was due before.

Evidence (rules 22, 25). The evidence of a rule is the latest moment among the tests that make it true. A rule to the
`next` level needs evidence after `State.entry` of its track; after a de-escalation every rule of the track needs
evidence after `State.down_since`.
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
"""The most answers to one question that a program keeps in a cache."""

# Bits for the parts of a state that an event may change. Tests and targets say which of these they read.
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
"""The parts that readers other than rules see: level, status, priority, and the facts that roles are picked by."""
FIRST_CLOCK = 1 << 15
"""The first of the bits for the keys of targets: one of the clocks with this key has changed."""
EVERYTHING = (1 << 200) - 1

Crossing = tuple[int, int]
"""A line's number and a point on it."""
TestState = tuple[bool, Crossing | None]
"""True or false now, and the crossing at which time alone may change that."""


@dataclass(slots=True)
class Test:
    """An atom in normal form, in the scope of its rule, as one bit.

    `holds` evaluates it on a state; `look`, for a test that time alone can change, also gives the next crossing. The
    evidence of a test with `seen` is the latest event that matched its patterns; with `never_evidence` it has none
    (rule 22). `slot` is its timer, if it belongs to no group.
    """

    number: int
    looks_at: int
    holds: Callable[[Any], bool]
    look: Callable[[Any], TestState] | None = None
    seen: int | None = None
    never_evidence: bool = False
    slot: int = -1


@dataclass(slots=True)
class ValueTests:
    """All tests of a fact with one value at a time: the value alone decides their bits."""

    looks_at: int
    value: Callable[[Any], Hashable]
    tests: list[Test] = field(default_factory=list)
    mask: int = 0
    table: dict[Hashable, int] = field(default_factory=dict)

    def bits(self, state: Any, value: Hashable) -> int:
        """The bits of the tests that are true for a value, cached by value."""
        found = self.table.get(value)
        if found is None:
            found = sum(1 << one.number for one in self.tests if one.holds(state))
            if len(self.table) < REMEMBERED:
                self.table[value] = found
        return found


class Reach(NamedTuple):
    """A test of a duration: a fixed length on one line since an anchor is reached, or (not `wanted`) not reached yet.

    Durations with one `key` have one anchor.
    """

    key: Hashable
    anchor: Callable[[Any], int | None]
    line: int
    length: int
    wanted: bool


@dataclass(slots=True)
class DurationTests:
    """All tests of one duration on one line: the time since the anchor reaches their lengths one after the other.

    `bits[n]` are the tests that are true when n of the `lengths` are reached. The first `initial` lengths are zero, so
    they are reached at once.
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
    """The tests of one share of a clock's budget: the bits that are true once it is used, and those before.

    `slot` is the timer for the instant at which the share will be used.
    """

    slot: int
    up: int
    down: int
    used: int
    before: int


@dataclass(slots=True)
class ClockTests:
    """All tests of the latest clock of one target: its outcome and its counted time decide their bits.

    `outcomes` has the bits that are true for each outcome; `slot` is the timer of the breach, if any test is about it;
    `lines` are the lines on which the breach and the shares may have timers.
    """

    key: str
    looks_at: int
    mask: int
    lines: tuple[int, ...]
    outcomes: Mapping[str, int]
    slot: int | None
    shares: tuple[ShareTests, ...]


Tree = int | tuple[str, tuple["Tree", ...]]
"""A condition in normal form: the number of a test, or ("all" | "any", parts)."""


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
"""A predicate over events of one kind: does the event match a pattern?"""


class Terms(NamedTuple):
    """The terms of a target in one state (rules 6, 13, 15): span, calendar, line, and the budget in microseconds.

    A span of days or months has no `budget` before a clock starts. `leg` is the calendar that a leg of the clock names,
    None where all time counts; `reach` gives the instant at which a span is due that ends at a point of the line.
    """

    span: Span | None
    calendar: str | None
    line: int
    budget: int | None
    leg: str | None
    reach: Callable[[int], int]


@dataclass(slots=True)
class TargetVariant:
    """One of the targets with a key (rule 16): when it applies, and what starts and stops it, by kind of event.

    Where its terms depend on the priority alone (`is_priced`), they are cached by priority.
    """

    when: Callable[[Any], bool] | None
    within: Span | Pick | None
    calendar: tuple[Any, ...]
    starts: Mapping[type, EventMatch] | None
    stops: Mapping[type, EventMatch]
    unanswered: bool
    at_the_end: bool
    pauses: frozenset[str] | Pick
    recurs: bool
    agreed: bool
    is_priced: bool
    terms: dict[str | None, Terms] = field(default_factory=dict)


@dataclass(slots=True)
class TargetCode:
    """The targets with one key, of the policy or of one level (rules 12-16).

    A change of the bits `looks_at` may change which variant applies, and its terms; `bit` marks a change of its clock;
    a plain target has one variant that always applies.
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
    """The effects of events of one kind: on the state, on the tests that watch for it, and on clocks (rules 9-12).

    Where it only `awaits` an unanswered message, and there is none, it starts no clock.
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
"""Updates the tests that read a changed part of a state, given the state and the moment of the change."""
Handler = Callable[..., None]
"""Applies an event to a state; for a virtual move, the effect is given too."""


@dataclass(slots=True)
class Steps:
    """How time passes for the cases of a policy, and the cached handlers of changes and of events.

    `arrive` moves the state to the first crossing up to an instant, or to the instant itself, and returns the next
    crossing. `cross` updates all tests that time alone has changed by now. `look` caches a handler for each set of
    changed bits, `happen` one for each kind of event.
    """

    arrive: Callable[[Any, int], int]
    cross: Callable[[Any], None]
    make_look: Callable[[Program, int], ChangeHandler]
    look: dict[int, ChangeHandler] = field(default_factory=dict)
    happen: dict[type, Handler] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Program:
    """A policy, compiled: tables that do not change, besides caches and the count of `cases`.

    All time counts on the first of the `lines`. `slots` are the owners of timers: groups of durations, groups of
    clocks, and single tests that look ahead; `timed` are the lines on which there may be timers. A change of the bits
    `turning` may change clocks that run.
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
    tests: tuple[Test, ...] = ()
    rules: tuple[RuleCode, ...] = ()
    groups: tuple[TargetCode, ...] = ()
    groups_of_level: Mapping[str, tuple[TargetCode, ...]] = field(default_factory=dict)
    items: Mapping[Item, int] = field(default_factory=dict)
    items_by_key: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    scripts: Mapping[type, EventCode] = field(default_factory=dict)
    watchers: int = 0
    requests: tuple[int, ...] = ()
    turning: int = 0
    value_tests: tuple[ValueTests, ...] = ()
    duration_tests: tuple[DurationTests, ...] = ()
    clock_tests: tuple[ClockTests, ...] = ()
    single: tuple[Test, ...] = ()
    slots: tuple[DurationTests | ClockTests | Test, ...] = ()
    timed: tuple[int, ...] = ()
    steps: Steps | None = None
    cases: int = 0
    holding: dict[int, tuple[RuleCode, ...]] = field(default_factory=dict)
    acting: dict[tuple[int, ...], tuple[RuleCode, ...]] = field(default_factory=dict)

    def without(self, *names: str) -> Program:
        """The same program without these rules, with empty caches of rules."""
        return replace(self, rules=tuple(rule for rule in self.rules if rule.name not in names), holding={}, acting={})
