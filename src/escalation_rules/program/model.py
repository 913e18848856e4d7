"""The data that a policy compiles to. It opens with the theory of operation, which everything that reads it follows.

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

Tests (rules 29-31). Every atom of the policy is a `Test`: its names are numbers, and its calendar is chosen. A rule is
a tree over the numbers of tests. A test that is unknown is not true, nor is its opposite. For one case the engine keeps
one bit for each test, and the moment since when it is true; it groups the tests by what changes them. For many cases
the vectorised replay keeps the instants at which each test changes.

Timers (rule 27). Whatever can change by itself keeps the next point at which it may. The earliest of these timers, as
an instant, is the next crossing. `wake_at` needs nothing else, besides breaches, expiring answers, minimum stays and
handovers of rotas.

Moves (rules 18, 19). A move that is due and not in the history is made *virtually*: the handler of `Escalated` runs as
if the event had been recorded at that instant. What history records settles what was due before.

Evidence (rules 22, 25). The evidence of a rule is the latest moment among the tests that make it true. A rule to the
`next` level needs evidence after the entry to the present level of its track; after a de-escalation every rule of the
track needs evidence after it.

Nothing here changes after it is made, and nothing here knows how it is evaluated: `engine/` reads it for one case,
`simulation/columns/` for many, `analysis/` as constraints.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from escalation_rules.actions import Action
from escalation_rules.checklists import Item
from escalation_rules.fact_table import FACTS
from escalation_rules.facts import OwnFact
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick, facts_of
from escalation_rules.worktime import Calendar, Rota, Span
from escalation_rules.worktime._timeline import Continuous, OpenLine

POSITION_BITS = 20
LONG_AGO = -(1 << 90)
NEVER = 1 << 90

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "in": lambda value, constants: value in constants,
    "not in": lambda value, constants: value not in constants,
}
"""The function of each operator, called with the value of the fact and the constant."""


# ---------------------------------------------------------------------------- tests
class ValueTest(NamedTuple):
    """A fact with one value at a time, compared with a constant. Priorities are ranks, the lowest is 0.

    `track` is the track that the fact is about: None is all tracks, or a fact that knows no tracks.
    """

    fact: str
    track: int | None
    op: str
    value: Any

    def holds(self, value: Any) -> bool:
        """Return whether the test is true of a value of the fact; None is unknown."""
        return value is not None and COMPARE[self.op](value, self.value)


class LevelTest(NamedTuple):
    """The level of a case is one of some on a track, or (not `wanted`) is none of them. `NOWHERE` may be one.

    `places` has the numbers of the levels for each track that the test names. It is never evidence (rule 22).
    """

    places: tuple[tuple[int, frozenset[int]], ...]
    wanted: bool = True

    def holds(self, levels: Sequence[int]) -> bool:
        """Return whether the test is true of the levels of a case, by track."""
        return any(levels[track] in numbers for track, numbers in self.places) == self.wanted


class DurationTest(NamedTuple):
    """A duration reaches a span, or (not `wanted`) has not reached it yet. It has one crossing (rule 30).

    `track` is the track of a fact about levels. A span of days or months counts in `calendar`, any other on a line.
    """

    fact: str
    track: int
    span: Span
    calendar: Calendar | None
    line: int
    wanted: bool


class PastDueTest(NamedTuple):
    """The duration since the latest clock of a target was due, while it is not stopped, as in `DurationTest`."""

    target: str
    span: Span
    calendar: Calendar | None
    line: int
    wanted: bool


class TimeLeftTest(NamedTuple):
    """A running clock has a span left until it is due, or (not `wanted`) has less; unknown without such a clock.

    Without a span: it is not past due.
    """

    target: str
    span: Span | None
    calendar: Calendar
    wanted: bool


class UsedTest(NamedTuple):
    """A share of the budget of a target's latest clock is used, or (not `wanted`) is not used yet."""

    target: str
    share: Fraction
    wanted: bool


class OutcomeTest(NamedTuple):
    """The outcome of a target's latest clock is one of some."""

    target: str
    outcomes: frozenset[str]


class HappenedTest(NamedTuple):
    """An event matched a pattern during the stay on a track, or (not `wanted`) none did; without a track, in the cycle.

    `watched` is the number of the patterns among those that the program watches for. The event is the evidence.
    """

    watched: int
    patterns: tuple[Pattern, ...]
    wanted: bool
    track: int | None


class OverdueItemsTest(NamedTuple):
    """The number of items of the action plan that are past due and not done, compared with a constant."""

    op: str
    value: Any

    def holds(self, value: int) -> bool:
        """Return whether the test is true of a number of items."""
        return COMPARE[self.op](value, self.value)


T = TypeVar("T")


class Choices(NamedTuple, Generic[T]):
    """What follows from a span and a calendar that may both be picked by facts: one result for each pair of them.

    The calendar is the first of `calendars` that is a name, or a pick that gives one; None if there is none.
    """

    span: Span | Pick | None
    calendars: tuple[str | Pick, ...]
    table: Mapping[tuple[Span | None, str | None], T]

    @property
    def by(self) -> tuple[str, ...]:
        """The facts that decide, the priority first."""
        names = {name for part in (self.span, *self.calendars) for name in facts_of(part)}
        return tuple(sorted(names, key=lambda name: (name != "priority", name)))

    def choose(self, pick: Callable[[Any], Any]) -> T:
        """Return the result for a state; `pick` gives the present value of a pick, and of anything else itself."""
        return self.table[pick(self.span), next((name for name in map(pick, self.calendars) if name is not None), None)]


class PickedTest(NamedTuple):
    """A test of a duration whose span or calendar is picked: false while the pick gives no span.

    `fact` and `about` (a track, or a target) are those of all the tests that may be picked.
    """

    fact: str
    about: int | str
    choices: Choices[DurationTest | PastDueTest | TimeLeftTest | None]
    wanted: bool


ClockTest = UsedTest | OutcomeTest | PastDueTest | TimeLeftTest
"""The tests of the latest clock of a target that are not picked."""
Test = ValueTest | LevelTest | DurationTest | HappenedTest | OverdueItemsTest | PickedTest | ClockTest
"""An atom, in the scope of its rule."""


def is_of_cycle(test: Test) -> bool:
    """Return whether a test is about the present cycle alone, so that it has no evidence from before it (rule 22)."""
    if isinstance(test, HappenedTest):
        return test.track is None
    if isinstance(test, ValueTest | DurationTest | PickedTest) and test.fact in FACTS:
        return FACTS[test.fact].is_of_cycle
    return False


Tree = int | tuple[str, tuple["Tree", ...]]
"""A condition in normal form: the number of a test, or ("all" | "any", parts)."""


def tree_holds(tree: Tree, holds: Callable[[int], bool]) -> bool:
    """Return whether a condition is true, given a predicate over the numbers of its tests."""
    if isinstance(tree, int):
        return holds(tree)
    combine = all if tree[0] == "all" else any
    return combine(tree_holds(part, holds) for part in tree[1])


def leaves(tree: Tree) -> list[int]:
    """Return the numbers of the tests in a condition, from left to right."""
    return [tree] if isinstance(tree, int) else [number for part in tree[1] for number in leaves(part)]


# ---------------------------------------------------------------------------- rules
class RuleCode(NamedTuple):
    """A rule: its condition as a tree, where it applies, where it goes, and what it asks (rules 20-24).

    `own_tree` is the condition itself; `tree` asks too whether the case is on a level where the rule applies (`at`).
    While `unless` is true, the rule is as one that is not true.
    `to` is the number of a level on the track; None for the next one up (`is_next`), and for no move.
    """

    name: str
    own_tree: Tree
    tree: Tree
    unless: Tree | None
    at: LevelTest | None
    track: int
    to: int | None
    is_next: bool
    waived: bool
    then: tuple[Action, ...]

    @property
    def goes(self) -> bool:
        """Whether the rule moves a case."""
        return self.is_next or self.to is not None

    def holds(self, holds: Callable[[int], bool]) -> bool:
        """Return whether the rule is true and not held back, given a predicate over the numbers of its tests."""
        # rule 22: an `unless` that is unknown holds nothing back
        return tree_holds(self.tree, holds) and (self.unless is None or not tree_holds(self.unless, holds))


# ---------------------------------------------------------------------------- targets
class Terms(NamedTuple):
    """The terms of a target in one state (rules 6, 13, 15): span, calendar, line, and the budget in microseconds.

    A span of days or months has no `budget` before a clock starts, but counts in `days`. `leg` is the calendar that a
    leg of the clock names, None where all time counts. With `at_close`, a budget that is used up exactly at closing
    time is due then; else when the calendar opens again (rule 5).
    """

    span: Span | None
    calendar: str | None
    line: int
    budget: int | None
    days: Calendar | None
    leg: str | None
    at_close: bool


class TargetVariant(NamedTuple):
    """One of the targets with a key: when it applies, its terms, and what starts, stops and pauses it (rules 12-16).

    `begins` says what starts it: the events that match `starts`, an unanswered message, or the entry to its level (or
    a new cycle). `idle_terms` are the terms where no variant applies. With `agreed`, the span of the latest
    communication plan takes the place of its own. `at_the_end` says that resolving starts it.
    """

    when: Tree | None
    terms: Choices[Terms]
    idle_terms: Choices[Terms]
    begins: Literal["events", "unanswered", "entry"]
    starts: tuple[Pattern, ...]
    stops: tuple[Pattern, ...]
    pauses: tuple[str, ...] | Pick
    recurs: bool
    agreed: bool
    at_the_end: bool


class TargetCode(NamedTuple):
    """The targets with one key, of the policy or of one level; the first variant that applies counts (rule 16).

    `place` are the numbers of the track and the level; `owner` is the role that owes it, the first that a variant
    names. `reads` are the facts by which a change may change the variant or its terms ("" is the communication plan).
    """

    number: int
    key: str
    level: str | None
    place: tuple[int, int] | None
    owner: str | Pick | None
    variants: tuple[TargetVariant, ...]
    reads: frozenset[str]

    @property
    def is_plain(self) -> bool:
        """Whether there is one variant, which always applies."""
        return len(self.variants) == 1 and self.variants[0].when is None

    @property
    def may_restart(self) -> bool:
        """Whether an event that stops a clock may start the next one."""
        return not self.is_plain or self.variants[0].recurs or self.variants[0].begins == "unanswered"


# ---------------------------------------------------------------------------- events
Change = Literal["clear", "set", "set first", "add"]
"""What an event does to a fact: no instant and no count; the instant; the instant unless there is one; one more."""


class FactUpdate(NamedTuple):
    """The change of a kept fact, given by its number, by events of one kind that match a pattern; None is any event."""

    fact: int
    change: Change
    pattern: Pattern | None


class EventCode(NamedTuple):
    """The effects of events of one kind: on facts, on what is watched for, on answers, on clocks (rules 9-12, 17).

    `watched` and `answers` pair patterns with the numbers of what is watched for, and of items; `stoppers` and
    `starters` are the numbers of targets. Where it only `awaits` an unanswered message, and there is none, it starts no
    clock. `is_heard` says that some pattern of the policy names the kind.
    """

    kind: type
    updates: tuple[FactUpdate, ...]
    watched: tuple[tuple[int, Pattern], ...]
    answers: tuple[tuple[int, Pattern], ...]
    stoppers: tuple[int, ...]
    starters: tuple[int, ...]
    awaits: bool
    is_heard: bool
    ends: bool
    ends_cycle: bool


UNANSWERED, REQUESTED, ANSWERED = 0, 1, 2
"""The facts that every program keeps, by number: an open message, an open request, and whether anybody replied."""


# ---------------------------------------------------------------------------- the program
class Program(NamedTuple):
    """A policy, compiled. Tracks, levels, priorities, calendars, facts, tests, targets and items are numbers.

    `places` has the track and level of each level's key; `ranks` the number of each priority. `lines` has all time,
    then a line for each calendar with closing times; `calendars` a calendar and the number of its line for each name,
    None for all time. Evidence from before the moment `fresh_from` is passed over. `kept` names the facts of the table
    that the fold keeps, by number; `own` are the policy's. The first `tested` of the tests are those of rules, the rest
    those of targets. `latest` are the tests whose evidence is the latest event of their fact.
    """

    name: str
    tracks: tuple[Track, ...]
    levels: tuple[tuple[EscalationLevel, ...], ...]
    places: Mapping[str, tuple[int, int]]
    priorities: tuple[str, ...]
    ranks: Mapping[str, int]
    calendar: str | Pick | None
    calendars: Mapping[str | None, tuple[Calendar, int]]
    lines: tuple[Continuous | OpenLine, ...]
    rotas: Mapping[str, Rota]
    effective_from: int
    fresh_from: int
    own: Mapping[str, OwnFact]
    kept: tuple[str, ...]
    tests: tuple[Test, ...]
    tested: int
    watched: tuple[tuple[Pattern, ...], ...]
    rules: tuple[RuleCode, ...]
    targets: tuple[TargetCode, ...]
    target_keys: tuple[str, ...]
    items: Mapping[Item, int]
    items_by_key: Mapping[str, tuple[int, ...]]
    events: Mapping[type, EventCode]
    latest: Mapping[int, tuple[int, ...]]

    def without(self, *names: str) -> Program:
        """Return the same program without these rules."""
        return self._replace(rules=tuple(rule for rule in self.rules if rule.name not in names))

    def calendars_of(self, track: int) -> tuple[str | Pick, ...]:
        """Return the calendars in which something on a track counts: the track's, then the policy's (rule 30)."""
        return tuple(name for name in (self.tracks[track].calendar, self.calendar) if name is not None)


def terms_of(span: Span | None, calendar: str | None, calendars: Mapping[str | None, tuple[Calendar, int]]) -> Terms:
    """Return the terms of a span in a calendar."""
    elapses = span is not None and not span.is_business
    days = calendars[calendar][0] if span is not None and span.microseconds is None else None
    return Terms(
        span=span,
        calendar=calendar,
        line=0 if elapses else calendars[calendar][1],
        budget=None if span is None else span.microseconds,
        days=days,
        leg=None if elapses else calendar,
        at_close=span is None or span.due == "close",
    )
