"""Reads the atoms of conditions as tests: names become numbers, and calendars are chosen (rules 29-31)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

from escalation_rules.conditions import OPPOSITES, OUTCOMES, AllOf, Atom, Condition, parts
from escalation_rules.fact_table import FACTS
from escalation_rules.levels import NOWHERE, Track
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick, alternatives, facts_of
from escalation_rules.program.model import (
    COMPARE,
    Choices,
    DurationTest,
    HappenedTest,
    LevelTest,
    OutcomeTest,
    OverdueItemsTest,
    PastDueTest,
    PickedTest,
    Test,
    TimeLeftTest,
    Tree,
    UsedTest,
    ValueTest,
)
from escalation_rules.worktime import Calendar, Span

T = TypeVar("T")


class Names(NamedTuple):
    """The numbers of the names of a policy, and its calendars, each with the number of its line."""

    tracks: tuple[Track, ...]
    places: Mapping[str, tuple[int, int]]
    ranks: Mapping[str, int]
    calendars: Mapping[str | None, tuple[Calendar, int]]

    def track(self, key: str) -> int:
        """Return the number of a track."""
        return next(number for number, track in enumerate(self.tracks) if track.key == key)


class RuleScope(NamedTuple):
    """The scope of a condition: its rule's track, whether the rule moves the case, and the calendars it may count in.

    The calendars are names or picks, the rule's own first.
    """

    track: int
    goes: bool
    calendars: tuple[str | Pick, ...]


def up_to_a_name(calendars: Iterable[str | Pick | None]) -> tuple[str | Pick, ...]:
    """Return the calendars that may count: picks, up to the first that is a name."""
    chosen: list[str | Pick] = []
    for calendar in calendars:
        if calendar is not None:
            chosen.append(calendar)
            if isinstance(calendar, str):
                break
    return tuple(chosen)


def choices_of(
    span: Span | Pick | None, calendars: tuple[str | Pick, ...], result: Callable[[Span | None, str | None], T]
) -> Choices[T]:
    """Return the results for every span and calendar that may be picked."""
    spans = dict.fromkeys(alternatives(span))
    names: dict[str | None, None] = dict.fromkeys(name for one in calendars for name in alternatives(one))
    if not calendars or not isinstance(calendars[-1], str):
        names[None] = None
    return Choices(span, calendars, {(one, name): result(one, name) for one in spans for name in names})


class TestCollector:
    """The tests of a program as they are read: equal atoms in equal scopes share a test.

    `watched` has the patterns to watch for, each with its number. A collector may go on from the tests of a program.
    """

    def __init__(self, names: Names, tests: Iterable[Test] = (), watched: Iterable[tuple[Pattern, ...]] = ()) -> None:
        self.names = names
        self.tests: list[Test] = []
        self.watched: dict[tuple[Pattern, ...], int] = {patterns: number for number, patterns in enumerate(watched)}
        self._numbers: dict[Hashable, int] = {}
        for test in tests:
            self.number(test)

    def tree(self, condition: Condition, scope: RuleScope) -> Tree:
        """Return a condition in normal form as a tree over the numbers of tests."""
        if isinstance(condition, Atom):
            # rule 30: an atom's own calendar, else the rule's, the track's, the policy's
            calendars = up_to_a_name((condition.calendar, *scope.calendars)) if condition.kind == "duration" else ()
            key = (condition, scope.track, scope.goes, calendars)
            if key not in self._numbers:
                self._numbers[key] = self.number(self._test(condition, scope, calendars))
            return self._numbers[key]
        kind = "all" if isinstance(condition, AllOf) else "any"
        return kind, tuple(self.tree(part, scope) for part in parts(condition))

    def number(self, test: Test) -> int:
        """Return the number of a test, which is added at its first use."""
        key = (type(test), test) if not isinstance(test, PickedTest) else id(test)
        if key not in self._numbers:
            self._numbers[key] = len(self.tests)
            self.tests.append(test)
        return self._numbers[key]

    def _test(self, atom: Atom, scope: RuleScope, calendars: tuple[str | Pick, ...]) -> Test:
        is_true = (atom.op == "==") == atom.value
        if atom.fact == "level":
            return self._level(atom)
        if atom.kind == "duration":
            return self._duration(atom, scope, calendars)
        if atom.fact == "used":
            return UsedTest(str(atom.of), Fraction(atom.value), atom.op == ">=")
        if atom.fact == "outcome":
            compare = COMPARE[atom.op]
            return OutcomeTest(str(atom.of), frozenset(name for name in OUTCOMES if compare(name, atom.value)))
        if atom.fact == "plan_items_overdue":
            return OverdueItemsTest(atom.op, atom.value)
        if atom.fact == "happened":
            # rule 22: within the stay on the level of the rule's track, in a rule without `to` within the cycle
            number = self.watched.setdefault(atom.pattern, len(self.watched))
            return HappenedTest(number, atom.pattern, is_true, scope.track if scope.goes else None)
        value = atom.value
        if atom.fact == "priority":
            ranks = self.names.ranks
            value = tuple(ranks[name] for name in value) if isinstance(value, tuple) else ranks[value]
        return ValueTest(atom.fact, self._track(atom, scope), atom.op, value)

    def _track(self, atom: Atom, scope: RuleScope) -> int | None:
        """Return the track that an atom is about: the one it names, or else the rule's; None for moves on all."""
        row = FACTS.get(atom.fact)
        if row is None or row.about != "track":
            return None
        if atom.of is not None:
            return self.names.track(atom.of)
        return None if row.kind == "count" else scope.track

    def _level(self, atom: Atom) -> LevelTest:
        """Return the test of a level. The levels of a test of several may be on several tracks."""
        places = self.names.places
        if isinstance(atom.value, tuple):
            by_track: dict[int, set[int]] = {}
            for track, level in (places[key] for key in atom.value):
                by_track.setdefault(track, set()).add(level)
            return LevelTest(tuple((track, frozenset(levels)) for track, levels in by_track.items()), atom.op == "in")
        track, level = places[atom.value]
        compare, levels = COMPARE[atom.op], range(NOWHERE, len(self.names.tracks[track].levels))
        return LevelTest(((track, frozenset(number for number in levels if compare(number, level))),))

    # rule 30: durations have one crossing; a pick by facts may choose the span and the calendar
    def _duration(self, atom: Atom, scope: RuleScope, calendars: tuple[str | Pick, ...]) -> Test:
        wanted = atom.op == ">="
        about: int | str = str(atom.of) if FACTS[atom.fact].about == "target" else self._track(atom, scope) or 0

        def test(span: Span | None, name: str | None) -> DurationTest | PastDueTest | TimeLeftTest | None:
            if span is None:
                return None
            calendar, line = self.names.calendars[name]
            if atom.fact == "remaining":
                return TimeLeftTest(str(about), span, calendar, wanted)
            line = line if span.is_business and span.microseconds is not None else 0
            days = calendar if span.microseconds is None else None
            if isinstance(about, str):
                return PastDueTest(about, span, days, line, wanted)
            return DurationTest(atom.fact, about, span, days, line, wanted)

        choices = choices_of(atom.value, calendars, test)
        if any(facts_of(part) for part in (atom.value, *calendars)):
            return PickedTest(atom.fact, about, choices, wanted)
        fixed = choices.choose(lambda given: given)
        assert fixed is not None  # noqa: S101 a duration is compared with a span
        return fixed


def opposite(test: Test) -> Test:
    """Return the test that is true where one is known not to be (rule 31). What happened is always known."""
    if isinstance(test, ValueTest | OverdueItemsTest):
        return test._replace(op=OPPOSITES[test.op])
    if isinstance(test, OutcomeTest):
        return test._replace(outcomes=frozenset(OUTCOMES) - test.outcomes)
    if isinstance(test, PickedTest):
        span, calendars, table = test.choices
        turned: Any = {key: None if one is None else opposite(one) for key, one in table.items()}
        return test._replace(choices=Choices(span, calendars, turned), wanted=not test.wanted)
    return test._replace(wanted=not test.wanted)
