"""A program prepared for folding one case: tests in groups by what changes them, and targets by kind of event.

A `Machine` is derived from a `Program` and means nothing of its own. Tests that change together are updated together:
`ValueTests` read one fact with one value at a time, so the value alone decides all their bits, and they are looked up
in a table. `DurationTests` measure one duration on one line, whose lengths are reached one after the other.
`ClockTests` read the latest clock of one target. The rest are evaluated one by one. Slots are the owners of timers.

A machine keeps caches (bits by value, rules by truth, tests by what changed), which change no result.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal, NamedTuple, get_origin

from escalation_rules.conditions import OUTCOMES
from escalation_rules.engine.clocks import outcome_and_due, use_of
from escalation_rules.engine.state import (
    AGREED,
    CYCLE,
    FAILED,
    FIRST_CLOCK,
    FIRST_KEPT,
    LEVEL,
    OPENING,
    OWN_FACT,
    PLANNED,
    PRIORITY,
    ROLES,
    SEEN,
    STATUS,
    State,
)
from escalation_rules.events import COUNTING_REPLY, KINDS
from escalation_rules.fact_table import FACTS, Count, Flag, Kept
from escalation_rules.levels import NOWHERE
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick
from escalation_rules.program.compile import source_of
from escalation_rules.program.model import (
    POSITION_BITS,
    Choices,
    DurationTest,
    HappenedTest,
    LevelTest,
    OutcomeTest,
    OverdueItemsTest,
    PastDueTest,
    PickedTest,
    Program,
    RuleCode,
    TargetCode,
    TargetVariant,
    Terms,
    Test,
    TimeLeftTest,
    Tree,
    UsedTest,
    ValueTest,
    is_of_cycle,
)
from escalation_rules.worktime._timeline import Line, microseconds_of

REMEMBERED = 1_000
"""The most answers to one question that a machine keeps in a cache."""

_PARTS = {
    "priority": PRIORITY,
    "level": LEVEL,
    "status": STATUS,
    "opening": OPENING,
    "roles": ROLES,
    "failures": FAILED | LEVEL,
    "plan": PLANNED,
    "seen": SEEN | LEVEL,
}

Crossing = tuple[int, int]
"""A line's number and a point on it."""
TestResult = tuple[bool, Crossing | None]
"""True or false now, and the crossing at which time alone may change that."""
Holds = Callable[[State], bool]
Look = Callable[[State], TestResult]
EventMatch = Callable[[Any], bool]
"""A predicate over events of one kind: does the event match a pattern?"""


# ---------------------------------------------------------------------------- groups of tests
@dataclass(slots=True)
class ValueTests:
    """All tests of a fact with one value at a time. `kept` is the number of a kept count, -1 for any other fact.

    `table` has the bits of the tests that are true, by value.
    """

    looks_at: int
    kept: int
    value: Callable[[State], Hashable]
    tests: list[tuple[int, ValueTest | LevelTest]] = field(default_factory=list)
    mask: int = 0
    table: dict[Hashable, int] = field(default_factory=dict)

    def bits(self, value: Any) -> int:
        """Return the bits of the tests that are true for a value, which are kept by value."""
        bits = sum(1 << number for number, test in self.tests if test.holds(value))
        if len(self.table) < REMEMBERED:
            self.table[value] = bits
        return bits


@dataclass(slots=True)
class DurationTests:
    """All tests of one duration on one line: the time since the anchor reaches their lengths one after the other.

    `bits[n]` are the tests that are true when n of the `lengths` are reached. The first `initial` lengths are zero, so
    they are reached at once. `kept` is the number of the kept fact that is the anchor, or -1.
    """

    number: int
    looks_at: int
    line: int
    kept: int
    anchor: Callable[[State], int | None]
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
    lines: frozenset[int]
    outcomes: Mapping[str, int]
    slot: int | None
    shares: tuple[ShareTests, ...]


@dataclass(slots=True)
class SingleTest:
    """A test that belongs to no group. One that time alone can change has `look`, and a timer in a slot."""

    number: int
    looks_at: int
    holds: Holds
    look: Look | None
    slot: int = -1


class Affected(NamedTuple):
    """The groups and tests that read one of some parts of a state."""

    values: tuple[ValueTests, ...]
    durations: tuple[DurationTests, ...]
    clocks: tuple[ClockTests, ...]
    single: tuple[SingleTest, ...]


# ---------------------------------------------------------------------------- targets
@dataclass(slots=True)
class VariantReader:
    """A variant of a target, with its patterns as predicates by kind of event; None matches any event of the kind.

    `only` are its terms where nothing is picked; terms that are picked by the priority alone are kept by priority.
    """

    code: TargetVariant
    when: Holds | None
    starts: Mapping[type, EventMatch | None]
    stops: Mapping[type, EventMatch | None]
    pauses: frozenset[str] | None
    only: Terms | None
    by_priority: dict[str | None, Terms] | None


@dataclass(slots=True)
class TargetReader:
    """A target. A change of the bits `looks_at` may change which variant applies, and its terms; `bit` marks a change.

    The variants are in the order of the policy; a plain target has one, which always applies.
    """

    number: int
    key: str
    level: str | None
    place: tuple[int, int] | None
    variants: tuple[VariantReader, ...]
    looks_at: int
    bit: int
    is_plain: bool
    may_restart: bool


class Machine:
    """A program prepared for folding one case.

    `holds` and `looks` evaluate each test on a state. `evidence_of` says where the evidence of a test of a rule is:
    `OWN`, `NO_EVIDENCE` or `OF_CYCLE`, else in what is watched for, by number. `timed` has, for each
    line on which there may be timers, the slots of these. A change of the bits `turning` may change clocks that run.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.clock_bits = {key: FIRST_CLOCK << number for number, key in enumerate(program.target_keys)}
        self.kept_numbers = {name: number for number, name in enumerate(program.kept)}
        self.no_points: list[int | None] = [None] * len(program.lines)
        self.kept_at_first = [0 if isinstance(source_of(name), Count) else None for name in program.kept]
        readers = [self.reader(test) for test in program.tests]
        self.holds: tuple[Holds, ...] = tuple(holds for holds, _ in readers)
        self.looks: tuple[Look | None, ...] = tuple(look for _, look in readers)
        self.evidence_of = tuple(map(_evidence_of, program.tests[: program.tested]))
        self._group()
        self.targets = tuple(map(self._target, program.targets))
        self.targets_of: dict[str, tuple[TargetReader, ...]] = {
            key: tuple(target for target in self.targets if (target.level or "") == key)
            for key in ("", *program.places)
        }
        self.turning = STATUS | LEVEL
        for target in self.targets:
            self.turning |= target.looks_at
        self.affected: dict[int, Affected] = {}
        self.handlers: dict[type, Callable[..., None]] = {}
        self.holding: dict[int, tuple[RuleCode, ...]] = {}
        self.acting: dict[tuple[int, ...], tuple[RuleCode, ...]] = {}

    # ------------------------------------------------------------------------ what reads what

    def looks_at(self, test: Test) -> int:
        """Return the bits of the parts of a state that a test reads."""
        if isinstance(test, LevelTest):
            return LEVEL
        if isinstance(test, HappenedTest):
            return self.bits_of("happened")
        if isinstance(test, OverdueItemsTest):
            return PLANNED
        if isinstance(test, PickedTest):
            about = self.clock_bits[test.about] if isinstance(test.about, str) else self.bits_of(test.fact)
            return about | PRIORITY | OWN_FACT
        return self.bits_of(test.fact) if isinstance(test, ValueTest | DurationTest) else self.clock_bits[test.target]

    def bits_of(self, name: str) -> int:
        """Return the bits of the parts of a state that a fact depends on; the fact "" is the communication plan."""
        if name in self.kept_numbers and name:
            return FIRST_KEPT << self.kept_numbers[name]
        if name not in FACTS:
            return OWN_FACT if name else AGREED
        source = FACTS[name].source
        # a kept fact that nothing else reads is kept by the program that asks for it
        return _PARTS[source.part] | (CYCLE if source.in_cycle else 0) if isinstance(source, Kept) else 0

    def affected_by(self, changed: int) -> Affected:
        """Return the groups and tests that read one of some parts, kept by the bits of the parts."""
        affected = Affected(
            tuple(test for test in self.value_tests if test.looks_at & changed),
            tuple(test for test in self.duration_tests if test.looks_at & changed),
            tuple(test for test in self.clock_tests if test.looks_at & changed),
            tuple(test for test in self.single if test.looks_at & changed),
        )
        if len(self.affected) < REMEMBERED:
            self.affected[changed] = affected
        return affected

    # ------------------------------------------------------------------------ readers of tests

    def reader(self, test: Test) -> tuple[Holds, Look | None]:
        """Return the functions that evaluate a test on a state; the second for tests that time alone can change."""
        if isinstance(test, ValueTest):
            value = self.value_reader(test.fact, test.track)
            return lambda state: test.holds(value(state)), None
        if isinstance(test, LevelTest):
            return lambda state: test.holds(state.levels.level), None
        if isinstance(test, HappenedTest):
            return _happened(test), None
        look = self._look(test)
        return lambda state: look(state)[0], look

    def _look(self, test: Test) -> Look:
        if isinstance(test, DurationTest):
            return _duration(self.program, test, self.anchor_reader(test.fact, test.track))
        if isinstance(test, PastDueTest):
            return _duration(self.program, test, _due_reader(test.target))
        if isinstance(test, PickedTest):
            looks = {key: _unknown if one is None else self._look(one) for key, one in test.choices.table.items()}
            choices = Choices(test.choices.span, test.choices.calendars, looks)
            return lambda state: choices.choose(state.pick)(state)
        if isinstance(test, TimeLeftTest):
            return _time_left(test)
        if isinstance(test, UsedTest):
            return _used(test)
        return _outcome(test) if isinstance(test, OutcomeTest) else _overdue_items(test)

    def value_reader(self, fact: str, track: int | None) -> Callable[[State], Any]:
        """Return the function that reads a fact with one value at a time; None is unknown."""
        if fact in self.kept_numbers:
            number = self.kept_numbers[fact]
            if isinstance(source_of(fact), Flag):
                return lambda state: state.facts.kept[number] is not None
            return lambda state: state.facts.kept[number]
        if fact == "moves":
            return lambda state: sum(state.levels.ups) if track is None else state.levels.ups[track]
        if fact == "level_failed":
            return lambda state: _has_failed(state, track or 0)
        return _VALUES.get(fact) or (lambda state: state.facts.own.get(fact))

    def anchor_reader(self, fact: str, track: int) -> Callable[[State], int | None]:
        """Return the function that reads the instant since when a duration lasts; None while it is zero."""
        if fact in self.kept_numbers:
            number = self.kept_numbers[fact]
            return lambda state: state.facts.kept[number]
        if fact == "unassigned_for":
            return _unassigned

        def entered(state: State) -> int | None:
            if state.levels.level[track] == NOWHERE:
                return None
            return max(state.levels.entry[track], state.life.cycle_when) >> POSITION_BITS

        return entered

    # ------------------------------------------------------------------------ groups

    def _group(self) -> None:
        """Sort the tests of rules into groups by what changes them, and give a slot to what time alone can change."""
        program = self.program
        values: dict[Hashable, ValueTests] = {}
        durations: dict[Hashable, list[tuple[int, DurationTest | PastDueTest]]] = {}
        clocks: dict[str, list[tuple[int, UsedTest | OutcomeTest]]] = {}
        single: list[SingleTest] = []
        for number, test in enumerate(program.tests[: program.tested]):
            if isinstance(test, ValueTest | LevelTest):
                key = (test.fact, test.track) if isinstance(test, ValueTest) else "level"
                if key not in values:
                    values[key] = self._value_tests(test)
                values[key].tests.append((number, test))
                values[key].mask |= 1 << number
            elif isinstance(test, DurationTest | PastDueTest) and test.calendar is None:
                about = (test.fact, test.track) if isinstance(test, DurationTest) else test.target
                durations.setdefault((about, test.line), []).append((number, test))
            elif isinstance(test, UsedTest | OutcomeTest):
                clocks.setdefault(test.target, []).append((number, test))
            else:
                single.append(SingleTest(number, self.looks_at(test), self.holds[number], self.looks[number]))
        self.value_tests = tuple(values.values())
        self.duration_tests = tuple(self._duration_tests(*pair) for pair in enumerate(durations.values()))
        slots: list[DurationTests | ClockTests | SingleTest] = [*self.duration_tests]
        self.clock_tests = tuple(self._clock_tests(key, tests, slots) for key, tests in clocks.items())
        for one in single:
            if one.look is not None:
                one.slot = len(slots)
                slots.append(one)
        self.single = tuple(single)
        self.slots, self.slots_count, self.durations_count = tuple(slots), len(slots), len(self.duration_tests)
        self.timed: tuple[tuple[int, Line, tuple[int, ...]], ...] = tuple(
            (line, program.lines[line], owners)
            for line in range(len(program.lines))
            if (owners := tuple(slot for slot, owner in enumerate(slots) if _may_wait(owner, line)))
        )

    def _value_tests(self, test: ValueTest | LevelTest) -> ValueTests:
        if isinstance(test, LevelTest):
            return ValueTests(LEVEL, -1, lambda state: tuple(state.levels.level))
        is_count = test.fact in self.kept_numbers and isinstance(source_of(test.fact), Count)
        kept = self.kept_numbers[test.fact] if is_count else -1
        return ValueTests(self.looks_at(test), kept, self.value_reader(test.fact, test.track))

    def _duration_tests(self, number: int, tests: list[tuple[int, DurationTest | PastDueTest]]) -> DurationTests:
        """Group the tests of one duration on one line by their lengths."""
        first = tests[0][1]
        lengths = tuple(sorted({test.span.microseconds or 0 for _, test in tests}))
        bits = tuple(
            sum(
                1 << bit for bit, test in tests if (lengths.index(test.span.microseconds or 0) < reached) == test.wanted
            )
            for reached in range(len(lengths) + 1)
        )
        if isinstance(first, PastDueTest):
            kept, anchor = -1, _due_reader(first.target)
        else:
            kept, anchor = self.kept_numbers.get(first.fact, -1), self.anchor_reader(first.fact, first.track)
        mask, initial = sum(1 << bit for bit, _ in tests), int(lengths[0] == 0)
        return DurationTests(number, self.looks_at(first), first.line, kept, anchor, lengths, bits, mask, initial)

    def _clock_tests(
        self,
        key: str,
        tests: list[tuple[int, UsedTest | OutcomeTest]],
        slots: list[DurationTests | ClockTests | SingleTest],
    ) -> ClockTests:
        """Group the tests of a target's latest clock. They take one slot for breaches, and one for each share."""
        ends = {1 << number: test.outcomes for number, test in tests if isinstance(test, OutcomeTest)}
        uses = [(1 << number, test) for number, test in tests if isinstance(test, UsedTest)]
        shares = {
            share: len(slots) + bool(ends) + place for place, share in enumerate({test.share: 0 for _, test in uses})
        }
        group = ClockTests(
            key=key,
            looks_at=self.clock_bits[key],
            mask=sum(1 << number for number, _ in tests),
            lines=frozenset(self._lines_of(key)) if uses else frozenset({0}),
            outcomes={name: sum(bit for bit, allowed in ends.items() if name in allowed) for name in OUTCOMES},
            slot=len(slots) if ends else None,
            shares=tuple(
                ShareTests(
                    slot,
                    share.numerator,
                    share.denominator,
                    used=sum(bit for bit, test in uses if test.share == share and test.wanted),
                    before=sum(bit for bit, test in uses if test.share == share and not test.wanted),
                )
                for share, slot in shares.items()
            ),
        )
        slots += [group] * (bool(ends) + len(shares))
        return group

    def _lines_of(self, key: str) -> Iterator[int]:
        """Yield the lines on which the clocks of a target may run; those of an agreed span too."""
        yield 0
        for target in self.program.targets:
            for variant in target.variants if target.key == key else ():
                for choices in (variant.terms, variant.idle_terms):
                    yield from (self.program.calendars[name][1] for _, name in choices.table)

    # ------------------------------------------------------------------------ targets

    def _target(self, code: TargetCode) -> TargetReader:
        bits = 0
        for name in code.reads:
            bits |= self.bits_of(name)
        variants = tuple(map(self._variant, code.variants))
        bit = self.clock_bits[code.key]
        return TargetReader(
            code.number, code.key, code.level, code.place, variants, bits, bit, code.is_plain, code.may_restart
        )

    def _variant(self, code: TargetVariant) -> VariantReader:
        by = code.terms.by
        return VariantReader(
            code=code,
            when=None if code.when is None else self.predicate(code.when),
            starts=_by_kind(code.starts),
            stops=_by_kind(code.stops, stopping=True),
            pauses=None if isinstance(code.pauses, Pick) else frozenset(code.pauses),
            only=None if by or code.agreed else code.terms.choose(lambda given: given),
            by_priority={} if by == ("priority",) and not code.agreed else None,
        )

    def predicate(self, tree: Tree) -> Holds:
        """Return a condition as a predicate of the state, evaluated test by test."""
        if isinstance(tree, int):
            return self.holds[tree]
        parts, combine = tuple(map(self.predicate, tree[1])), all if tree[0] == "all" else any
        return lambda state: combine(part(state) for part in parts)


OWN, NO_EVIDENCE, OF_CYCLE = -1, -2, -3
"""Where the evidence of a test is: in the moment since when it is true, nowhere, or in that moment but not before the
cycle began."""


def _evidence_of(test: Test) -> int:
    # rule 22: a level is never evidence; what happened is the evidence itself
    if isinstance(test, LevelTest):
        return NO_EVIDENCE
    if isinstance(test, HappenedTest) and test.wanted:
        return test.watched
    return OF_CYCLE if is_of_cycle(test) else OWN


def _may_wait(owner: DurationTests | ClockTests | SingleTest, line: int) -> bool:
    """Return whether a group or test may have a timer on a line."""
    if isinstance(owner, DurationTests):
        return owner.line == line
    return not isinstance(owner, ClockTests) or line in owner.lines


def _by_kind(patterns: Iterable[Pattern], *, stopping: bool = False) -> dict[type, EventMatch | None]:
    """Return a predicate for each kind of event that some patterns match; None where it matches every event.

    Only replies that count can stop a clock, so there is no need to ask a reply that stops one.
    """
    by_kind: dict[type, list[Pattern]] = {}
    for pattern in patterns:
        by_kind.setdefault(KINDS[pattern.event], []).append(pattern)
    return {kind: _any_of(several, stopping=stopping) for kind, several in by_kind.items()}


def _any_of(patterns: list[Pattern], *, stopping: bool) -> EventMatch | None:
    if any(not pattern.where or (stopping and pattern == COUNTING_REPLY) for pattern in patterns):
        return None
    if len(patterns) == 1:
        return match_of(patterns[0])
    return lambda event: any(pattern.matches(event) for pattern in patterns)


def match_of(pattern: Pattern) -> EventMatch | None:
    """Return a predicate over the events of a pattern's kind; None if it matches all of them.

    Most patterns ask for one value of each of some fields of the event, which is one comparison.
    """
    if not pattern.where:
        return None
    fields, scalars = KINDS[pattern.event].model_fields, {None, Literal}
    if any(name not in fields or get_origin(fields[name].annotation) not in scalars for name in pattern.where):
        return pattern.matches
    if all(test.test == "among" and len(test.values) == 1 for test in pattern.where.values()):
        values = tuple(test.values[0] for test in pattern.where.values())
        read, expected = attrgetter(*pattern.where), values if len(values) > 1 else values[0]
        return lambda event: bool(read(event) == expected)
    if len(pattern.where) > 1:
        return pattern.matches
    name, test = next(iter(pattern.where.items()))
    if test.test == "other than":
        return lambda event: (value := getattr(event, name)) is not None and value not in test.values
    return pattern.matches if test.test == "given" else lambda event: getattr(event, name) in test.values


# ---------------------------------------------------------------------------- values
def _rank(state: State) -> int | None:
    rank = state.facts.rank
    return None if rank < 0 else rank


def _unassigned(state: State) -> int | None:
    since = state.facts.unassigned
    # rule 30: a duration of the cycle counts from its beginning at the earliest
    return None if since is None else max(since, state.life.cycle_when >> POSITION_BITS)


_VALUES: Mapping[str, Callable[[State], Any]] = {
    "priority": _rank,
    "status": lambda state: state.life.standing.status,
    "channel": lambda state: state.facts.channel,
    "assignments": lambda state: state.facts.assignments,
    "plan_has_backup": lambda state: state.facts.plan is not None and state.facts.plan.backup is not None,
}


def _has_failed(state: State, track: int) -> bool:
    level, entry = state.levels.level[track], state.levels.entry[track]
    return level != NOWHERE and any(
        on == track and when > entry and (named is None or named == level) for when, on, named in state.levels.failures
    )


def _happened(test: HappenedTest) -> Holds:
    watched, wanted, track = test.watched, test.wanted, test.track
    if track is None:
        return lambda state: (state.facts.seen[watched] >= state.life.cycle_when) == wanted

    # rule 22: `happened` counts within the stay on the level; an opening belongs to the stay that it begins
    def within_stay(state: State) -> bool:
        last, entry = state.facts.seen[watched], state.levels.entry[track]
        return (last > entry or last == entry == state.life.opening) == wanted

    return within_stay


# ---------------------------------------------------------------------------- durations and clocks
def _unknown(_: State) -> TestResult:
    """The result of a picked duration without a span."""
    return False, None


def _duration(program: Program, test: DurationTest | PastDueTest, anchor_of: Callable[[State], int | None]) -> Look:
    span, wanted, number, line = test.span, test.wanted, test.line, program.lines[test.line]
    length, calendar = span.microseconds or 0, test.calendar

    def look(state: State) -> TestResult:
        anchor = anchor_of(state)
        if not span.amount or anchor is None:
            return (not span.amount) == wanted, None
        # rule 30: days end at an instant, any other span at a point of its line
        edge = line.opened(anchor) + length if calendar is None else calendar.reach(anchor, span)
        return (wanted, None) if state.point(number) >= edge else (not wanted, (number, edge))

    return look


def _due_reader(target: str) -> Callable[[State], int | None]:
    # rule 30: `overdue_for` runs from the due instant, and is 0 before
    def due(state: State) -> int | None:
        clock = state.clocks.latest.get(target)
        return clock.due if clock and clock.stopped is None and clock.budget is not None else None

    return due


def _time_left(test: TimeLeftTest) -> Look:
    target, span, calendar, wanted = test

    def look(state: State) -> TestResult:
        clock = state.clocks.latest.get(target)
        due = clock.due if clock and clock.stopped is None and clock.budget is not None else None
        if due is None or state.now > due:
            return False, None
        edge = due if span is None else calendar.leave(due, span)
        return (state.now <= edge) == wanted, (0, (edge if state.now <= edge else due) + 1)

    return look


def _used(test: UsedTest) -> Look:
    target, up, down, wanted = test.target, test.share.numerator, test.share.denominator, test.wanted

    def look(state: State) -> TestResult:
        is_used, crossing = use_of(state.clocks.latest.get(target), state, up, down)
        return is_used == wanted, crossing

    return look


def _outcome(test: OutcomeTest) -> Look:
    def look(state: State) -> TestResult:
        outcome, due = outcome_and_due(state.clocks.latest.get(test.target), state)
        return outcome in test.outcomes, None if due is None else (0, due + 1)

    return look


def _overdue_items(test: Any) -> Look:
    def look(state: State) -> TestResult:
        items = state.facts.plan.items if state.facts.plan else ()
        edges = [microseconds_of(item.due_at) + 1 for item in items if not item.done and item.due_at is not None]
        ahead = min((edge for edge in edges if edge > state.now), default=None)
        return test.holds(sum(edge <= state.now for edge in edges)), None if ahead is None else (0, ahead)

    return look
