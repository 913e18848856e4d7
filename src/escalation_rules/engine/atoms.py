"""Compiles an atom of a policy to a test of the state: its value, the parts it reads, its next crossing (rules 29-31).

There are three kinds. Most facts have one value at a time, and all tests of such a fact are in one `ValueTests`. A few
depend on the moment of an event and are evaluated one by one. Timed tests also give the point, and the line of open
time, at which they change by themselves.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from escalation_rules.conditions import BUILT_IN, OUTCOMES, AllOf, Atom, Condition, parts
from escalation_rules.engine.clocks import due_of, outcome_and_due, use_of
from escalation_rules.engine.model import (
    ACKNOWLEDGED,
    ASSIGNED,
    COUNTED,
    CYCLE,
    FAILED,
    LEVEL,
    OWN_FACT,
    PLANNED,
    POSITION_BITS,
    PRIORITY,
    REQUESTED,
    SEEN,
    STATUS,
    UNANSWERED,
    UPDATED,
    ClockTests,
    DurationTests,
    Program,
    Reach,
    ShareTests,
    Test,
    TestState,
    Tree,
    ValueTests,
)
from escalation_rules.engine.state import State
from escalation_rules.levels import NOWHERE
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick, alternatives
from escalation_rules.worktime import Calendar, Span
from escalation_rules.worktime._timeline import microseconds_of

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "in": lambda held, values: held in values,
    "not in": lambda held, values: held not in values,
}
"""The function of each operator, called with the value of the fact and the constant."""

_LOOKS_AT = {
    "priority": PRIORITY,
    "level": LEVEL,
    "status": STATUS,
    "channel": CYCLE,
    "open_for": CYCLE,
    "unanswered_for": UNANSWERED,
    "unassigned_for": ASSIGNED,
    "at_level_for": LEVEL | CYCLE,
    "no_update_for": UPDATED | CYCLE,
    "acknowledged": ACKNOWLEDGED | CYCLE,
    "level_failed": FAILED | LEVEL,
    "escalation_request_open": REQUESTED,
    "escalation_requests": REQUESTED,
    "moves": LEVEL,
    "reopenings": CYCLE,
    "replies": COUNTED | CYCLE,
    "status_requests": COUNTED | CYCLE,
    "assignments": ASSIGNED | CYCLE,
    "plan_items_overdue": PLANNED,
    "plan_has_backup": PLANNED,
    "happened": SEEN | LEVEL | CYCLE,
}

HELD: dict[str, Callable[[State], Any]] = {
    "priority": lambda state: state.rank,
    "level": lambda state: tuple(state.level),
    "status": lambda state: state.standing.status,
    "channel": lambda state: state.channel,
    "acknowledged": lambda state: state.acknowledged,
    "escalation_request_open": lambda state: state.requested is not None,
    "escalation_requests": lambda state: state.escalation_requests,
    "reopenings": lambda state: state.reopenings,
    "replies": lambda state: state.replies,
    "status_requests": lambda state: state.status_requests,
    "assignments": lambda state: state.assignments,
    "plan_has_backup": lambda state: state.plan is not None and state.plan.backup is not None,
}

_ANCHORS: dict[str, Callable[[State], int | None]] = {
    "open_for": lambda state: state.cycle_when >> POSITION_BITS,
    "unanswered_for": lambda state: state.unanswered,
    "unassigned_for": lambda state: state.unassigned,
    "no_update_for": lambda state: state.updated,
}


class ClockUse(NamedTuple):
    """A test of the share of a target's budget that is used: that it is reached, or (not `wanted`) not reached yet."""

    key: str
    share: Fraction
    wanted: bool


class ClockOutcomes(NamedTuple):
    """A test of the outcome of a target's clock: the outcomes for which it is true."""

    key: str
    outcomes: frozenset[str]


class AtomReader(NamedTuple):
    """An atom compiled to functions of the state; `holds` says whether it is true.

    A test of a value also has the name of its group (`dial`) and the value; a timed test has `look`, which gives the
    next crossing; a test of a duration has the length to reach; a test of a clock has the share of its budget or its
    outcomes.
    """

    holds: Callable[[State], bool]
    dial: Hashable = None
    value: Callable[[State], Hashable] | None = None
    look: Callable[[State], TestState] | None = None
    reach: Reach | None = None
    used: ClockUse | None = None
    ends: ClockOutcomes | None = None


class Scope:
    """The scope of an atom: its rule's track, whether the rule moves the case, and the calendars it may count in."""

    def __init__(self, program: Program, track: int, *, goes: bool, calendars: tuple[Any, ...]) -> None:
        self.program, self.track, self.goes, self.calendars = program, track, goes, calendars

    def track_of(self, atom: Atom) -> int:
        """Return the track that the atom names, or else the rule's."""
        if atom.of is None:
            return self.track
        return next(number for number, track in enumerate(self.program.tracks) if track.key == atom.of)

    def calendars_of(self, atom: Atom) -> tuple[Any, ...]:
        """Return the calendars that the atom may count in, its own first."""
        # rule 30: an atom's own calendar, else the rule's, the track's, the policy's
        return tuple(calendar for calendar in (atom.calendar, *self.calendars) if calendar is not None)


def looks_at(atom: Atom, program: Program) -> int:
    """Return the bits of the parts of a state that the atom reads."""
    if atom.fact in BUILT_IN and BUILT_IN[atom.fact][1] == "target":
        return program.clock_bits[str(atom.of)]
    return _LOOKS_AT.get(atom.fact, OWN_FACT)


def reader_of(atom: Atom, context: Scope, seen: int | None) -> AtomReader:
    """Compile an atom; `seen` is the slot with the moment at which its pattern last matched."""
    if atom.fact == "remaining":
        return _timed(_time_left(atom, context))
    if atom.kind == "duration":
        return _duration(atom, context)
    if atom.fact == "used":
        return _share(atom)
    if atom.fact == "outcome":
        return _outcome(atom)
    if atom.fact == "plan_items_overdue":
        return _timed(_overdue(atom))
    if atom.fact == "happened" and seen is not None:
        return AtomReader(_happened(atom, context, seen))
    if atom.fact == "level_failed":
        return AtomReader(_failed(atom, context.track_of(atom)))
    return _value_reader(atom, context)


def _timed(look: Callable[[State], TestState]) -> AtomReader:
    return AtomReader(lambda state: look(state)[0], look=look)


def _value_reader(atom: Atom, context: Scope) -> AtomReader:
    compare, constant = COMPARE[atom.op], atom.value
    if atom.fact == "priority":
        return AtomReader(_priority(atom, context.program), "priority", HELD["priority"])
    if atom.fact == "level":
        return AtomReader(_level(atom, context.program), "level", HELD["level"])
    value = _moves(context, atom) if atom.fact == "moves" else HELD.get(atom.fact) or _own_fact(atom.fact)

    def holds(state: State) -> bool:
        held = value(state)
        return held is not None and compare(held, constant)

    return AtomReader(holds, (atom.fact, atom.of), value)


def _own_fact(name: str) -> Callable[[State], Any]:
    return lambda state: state.facts.get(name)


def _moves(context: Scope, atom: Atom) -> Callable[[State], Any]:
    tracks = range(len(context.program.levels)) if atom.of is None else [context.track_of(atom)]
    return lambda state: sum(state.ups[track] for track in tracks)


def _priority(atom: Atom, program: Program) -> Callable[[State], bool]:
    compare, constant = COMPARE[atom.op], atom.value
    value: Any = tuple(map(program.ranks.get, constant)) if isinstance(constant, tuple) else program.ranks[constant]
    allowed = frozenset(rank for rank in program.ranks.values() if compare(rank, value))
    return lambda state: state.rank in allowed


def _level(atom: Atom, program: Program) -> Callable[[State], bool]:
    if isinstance(atom.value, tuple):
        places = [program.places[key] for key in atom.value]
        wanted = atom.op == "in"
        return lambda state: any(state.level[track] == number for track, number in places) == wanted
    track, number = program.places[atom.value]
    compare = COMPARE[atom.op]
    allowed = frozenset(level for level in range(NOWHERE, len(program.levels[track])) if compare(level, number))
    return lambda state: state.level[track] in allowed


def _failed(atom: Atom, track: int) -> Callable[[State], bool]:
    wanted = bool((atom.op == "==") == atom.value)

    def holds(state: State) -> bool:
        level, entry = state.level[track], state.entry[track]
        failed = level != NOWHERE and any(
            where == track and when > entry and (named is None or named == level)
            for when, where, named in state.failures
        )
        return failed == wanted

    return holds


def _happened(atom: Atom, context: Scope, seen: int) -> Callable[[State], bool]:
    wanted, track = bool((atom.op == "==") == atom.value), context.track
    if not context.goes:
        return lambda state: (state.seen[seen] >= state.cycle_when) == wanted

    # rule 22: `happened` counts within the stay on the level of the rule's track, in a rule without `to` within the
    # cycle
    def within_stay(state: State) -> bool:
        last, entry = state.seen[seen], state.entry[track]
        return (last > entry or last == entry == state.opening) == wanted

    return within_stay


def _duration(atom: Atom, context: Scope) -> AtomReader:
    calendars, wanted = context.calendars_of(atom), atom.op == ">="
    anchor_of = _ANCHORS.get(atom.fact) or _special_anchor(atom, context)
    if isinstance(atom.value, Pick) or any(isinstance(name, Pick) for name in calendars[:1]):
        return _timed(_picked_duration(atom, context, anchor_of))
    span, calendar = atom.value, context.program.calendars[next(iter(calendars), None)]
    length, line = span.microseconds, calendar[1] if span.is_business else 0
    if length is None:
        return _timed(_duration_of_days(span, calendar[0], anchor_of, wanted=wanted))
    opened = context.program.lines[line].opened

    def look(state: State) -> TestState:
        anchor = anchor_of(state)
        if not length or anchor is None:
            return (not length) == wanted, None
        here = state.point(line)
        edge = (here if anchor == state.now else opened(anchor)) + length
        return (wanted, None) if here >= edge else (not wanted, (line, edge))

    track = context.track_of(atom) if atom.fact == "at_level_for" else None
    reach = Reach((atom.fact, atom.of, track, line), anchor_of, line, length, wanted)
    return _timed(look)._replace(reach=reach)


def _duration_of_days(
    span: Span, calendar: Calendar, anchor_of: Callable[[State], int | None], *, wanted: bool
) -> Callable[[State], TestState]:
    """A duration in days. Days end at an instant, which is the same on every line."""

    def look(state: State) -> TestState:
        anchor = anchor_of(state)
        if not span.amount or anchor is None:
            return (not span.amount) == wanted, None
        edge = calendar.reach(anchor, span)
        return (wanted, None) if state.now >= edge else (not wanted, (0, edge))

    return look


def _picked_duration(
    atom: Atom, context: Scope, anchor_of: Callable[[State], int | None]
) -> Callable[[State], TestState]:
    """A duration whose constant or calendar depends on the priority or a choice fact; unknown if that gives none."""
    program, calendars, wanted = context.program, context.calendars_of(atom), atom.op == ">="

    def look(state: State) -> TestState:
        span, anchor = state.pick(atom.value), anchor_of(state)
        if span is None:
            return False, None
        if not span.amount or anchor is None:
            return (not span.amount) == wanted, None
        calendar, line = program.calendars[state.calendar(calendars)]
        line = line if span.is_business and span.microseconds is not None else 0
        edge = calendar.reach(anchor, span) if line == 0 else program.lines[line].opened(anchor) + span.microseconds
        return (wanted, None) if state.point(line) >= edge else (not wanted, (line, edge))

    return look


def _special_anchor(atom: Atom, context: Scope) -> Callable[[State], int | None]:
    key = str(atom.of)
    if atom.fact == "overdue_for":
        # rule 30: `overdue_for` runs from the due instant, and is 0 before
        def due(state: State) -> int | None:
            clock = state.latest.get(key)
            return due_of(clock) if clock and clock.stopped is None and clock.budget is not None else None

        return due
    track = context.track_of(atom)

    def entered(state: State) -> int | None:
        return None if state.level[track] == NOWHERE else max(state.entry[track], state.cycle_when) >> POSITION_BITS

    return entered


def _time_left(atom: Atom, context: Scope) -> Callable[[State], TestState]:
    program, calendars, wanted, key = context.program, context.calendars_of(atom), atom.op == ">=", str(atom.of)

    def look(state: State) -> TestState:
        clock, span = state.latest.get(key), state.pick(atom.value)
        due = due_of(clock) if clock and span and clock.stopped is None and clock.budget is not None else None
        if due is None or state.now > due:
            return False, None
        edge = program.calendars[state.calendar(calendars)][0].leave(due, span)
        return (state.now <= edge) == wanted, (0, (edge if state.now <= edge else due) + 1)

    return look


def _share(atom: Atom) -> AtomReader:
    share, wanted, key = Fraction(atom.value), atom.op == ">=", str(atom.of)
    up, down = share.numerator, share.denominator

    def look(state: State) -> TestState:
        is_used, crossing = use_of(state.latest.get(key), state, up, down)
        return is_used == wanted, crossing

    return _timed(look)._replace(used=ClockUse(key, share, wanted))


def _outcome(atom: Atom) -> AtomReader:
    compare, constant, key = COMPARE[atom.op], atom.value, str(atom.of)
    allowed = frozenset(one for one in OUTCOMES if compare(one, constant))

    def look(state: State) -> TestState:
        outcome, due = outcome_and_due(state.latest.get(key), state)
        return outcome in allowed, None if due is None else (0, due + 1)

    return _timed(look)._replace(ends=ClockOutcomes(key, allowed))


def _overdue(atom: Atom) -> Callable[[State], TestState]:
    compare, constant = COMPARE[atom.op], atom.value

    def look(state: State) -> TestState:
        items = state.plan.items if state.plan else ()
        edges = [microseconds_of(item.due_at) + 1 for item in items if not item.done and item.due_at is not None]
        ahead = min((edge for edge in edges if edge > state.now), default=None)
        overdue = sum(edge <= state.now for edge in edges)
        return compare(overdue, constant), None if ahead is None else (0, ahead)

    return look


class TestCollector:
    """The tests of a program as they are collected: equal atoms in equal scopes share a bit."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.found: dict[Hashable, Test] = {}
        self.value_tests: dict[Hashable, ValueTests] = {}
        self.duration_tests: dict[Hashable, tuple[int, list[tuple[int, Reach]]]] = {}
        self.clock_tests: dict[str, list[tuple[int, ClockUse | ClockOutcomes]]] = {}
        self.shared: set[int] = set()
        self.watched: dict[tuple[Pattern, ...], int] = {}

    def tree(self, condition: Condition, context: Scope) -> Tree:
        """Return the condition as a tree over numbers of tests."""
        if isinstance(condition, Atom):
            return self.comparison(condition, context)
        kind = "all" if isinstance(condition, AllOf) else "any"
        return kind, tuple(self.tree(part, context) for part in parts(condition))

    def comparison(self, atom: Atom, context: Scope) -> int:
        """Return the number of the atom's test, which is made at its first use."""
        key = (atom, context.track, context.goes, context.calendars)
        if key not in self.found:
            watched = self.watch(atom)
            seen = watched if (atom.op == "==") == atom.value else None
            looks = looks_at(atom, self.program) | what_picks_look_at(atom.value, *context.calendars_of(atom)[:1])
            self.add(key, looks, reader_of(atom, context, watched), seen=seen, never_evidence=atom.fact == "level")
        return self.found[key].number

    def gate(self, key: Hashable, looks: int, sight: AtomReader) -> int:
        """Return the number of a test that the policy does not name, a gate of a rule; never evidence (rule 22)."""
        if key not in self.found:
            self.add(key, looks, sight, never_evidence=True)
        return self.found[key].number

    def add(
        self, key: Hashable, looks: int, sight: AtomReader, *, seen: int | None = None, never_evidence: bool = False
    ) -> None:
        """Add a test, to its group if it has one."""
        test = self.found[key] = Test(len(self.found), looks, sight.holds, sight.look, seen, never_evidence)
        if sight.value is not None:
            group = self.value_tests.setdefault(sight.dial, ValueTests(looks, sight.value))
            group.tests.append(test)
            group.mask |= 1 << test.number
        if sight.reach is not None:
            self.duration_tests.setdefault(sight.reach.key, (looks, []))[1].append((test.number, sight.reach))
            self.shared.add(id(test))
        if (seen_on := sight.used or sight.ends) is not None:
            self.clock_tests.setdefault(seen_on.key, []).append((test.number, seen_on))
            self.shared.add(id(test))

    def watch(self, atom: Atom) -> int | None:
        """Return the number of the slot in `State.seen` for the last event that matched the atom's patterns."""
        return self.watched.setdefault(atom.pattern, len(self.watched)) if atom.pattern else None


def what_picks_look_at(*given: Any) -> int:
    """Return the bits of the parts of a state that the picks among these values read."""
    return PRIORITY | OWN_FACT if any(isinstance(value, Pick) for value in given) else 0


def sort_tests(program: Program, collected: TestCollector) -> None:
    """Sort the tests into groups by what changes them, and give a timer to all that time alone can change."""
    program.tests = tuple(collected.found.values())
    program.value_tests = tuple(collected.value_tests.values())
    program.duration_tests = tuple(
        _grouped_durations(number, looks, reaches)
        for number, (looks, reaches) in enumerate(collected.duration_tests.values())
    )
    slots: list[DurationTests | ClockTests | Test] = [*program.duration_tests]
    program.clock_tests = tuple(
        _grouped_clock(program, key, seen, slots) for key, seen in collected.clock_tests.items()
    )
    shared = {id(test) for group in program.value_tests for test in group.tests} | collected.shared
    program.single = tuple(test for test in program.tests if id(test) not in shared)
    for test in program.single:
        if test.look is not None:
            test.slot = len(slots)
            slots.append(test)
    program.slots = tuple(slots)
    program.timed = tuple(sorted({line for test in slots for line in _lines_of(program, test)}))


def _lines_of(program: Program, one: DurationTests | ClockTests | Test) -> Iterable[int]:
    """Return the lines on which a group or test may have a timer."""
    if isinstance(one, Test):
        return range(len(program.lines))
    return one.lines if isinstance(one, ClockTests) else (one.line,)


def _lines_of_target(program: Program, key: str) -> Iterator[int]:
    """Yield the lines on which the clocks of a target may run."""
    yield 0
    for choice in (choice for group in program.groups if group.key == key for choice in group.choices):
        for given in choice.calendar:
            yield from (program.calendars[name][1] for name in alternatives(given))
            if isinstance(given, str):
                break


def _grouped_clock(
    program: Program,
    key: str,
    seen: list[tuple[int, ClockUse | ClockOutcomes]],
    slots: list[DurationTests | ClockTests | Test],
) -> ClockTests:
    """Group the tests of a target's latest clock. They take one slot for breaches, and one for each share."""
    ends = {1 << number: part.outcomes for number, part in seen if isinstance(part, ClockOutcomes)}
    uses = [(1 << number, part) for number, part in seen if isinstance(part, ClockUse)]
    shares = {
        part.share: len(slots) + bool(ends) + place
        for place, part in enumerate({part.share: part for _, part in uses}.values())
    }
    group = ClockTests(
        key=key,
        looks_at=program.clock_bits[key],
        mask=sum(1 << number for number, _ in seen),
        lines=tuple(set(_lines_of_target(program, key))) if uses else (0,),
        outcomes={outcome: sum(bit for bit, allowed in ends.items() if outcome in allowed) for outcome in OUTCOMES},
        slot=len(slots) if ends else None,
        shares=tuple(
            ShareTests(
                slot,
                share.numerator,
                share.denominator,
                used=sum(bit for bit, part in uses if part.share == share and part.wanted),
                before=sum(bit for bit, part in uses if part.share == share and not part.wanted),
            )
            for share, slot in shares.items()
        ),
    )
    slots += [group] * (bool(ends) + len(shares))
    return group


def _grouped_durations(number: int, looks: int, reaches: list[tuple[int, Reach]]) -> DurationTests:
    """Group the tests with these numbers, of one anchor and line, by length."""
    lengths = tuple(sorted({reach.length for _, reach in reaches}))
    bits = tuple(
        sum(1 << bit for bit, reach in reaches if (lengths.index(reach.length) < reached) == reach.wanted)
        for reached in range(len(lengths) + 1)
    )
    first, mask = reaches[0][1], sum(1 << bit for bit, _ in reaches)
    return DurationTests(number, looks, first.line, first.anchor, lengths, bits, mask, initial=int(lengths[0] == 0))
