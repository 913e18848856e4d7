"""Atoms of a policy as data for arrays: eight kinds of test, and which policies are not supported.

A test of levels is about one of the tracks that they are on; a `happened` test on a level about the rule's own track.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules.conditions import OUTCOMES, AllOf, Atom, Condition, parts
from escalation_rules.fact_table import FACTS
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick, facts_of, picked
from escalation_rules.policy import Policy
from escalation_rules.program.model import COMPARE, Tree
from escalation_rules.worktime import BusinessCalendar, Calendar, Span


class Unsupported(Exception):
    """A policy or case that the vectorised replay does not support; it is replayed one by one."""


class ValueTest(NamedTuple):
    """A test of a fact that has one value at a time, with a predicate for the values for which it is true.

    With `never_evidence` it is no evidence for a rule (rule 22). `track` is the track of a fact of levels, None for
    all.
    """

    fact: str
    holds: Callable[[Any], bool]
    never_evidence: bool
    track: int | None


class DurationTest(NamedTuple):
    """A test of a duration since an anchor: at least a length, or less than it; on a line, or in days.

    `track` is the track whose levels it is about.
    """

    anchor: str
    span: Span
    calendar: Calendar | None
    line: int
    wanted: bool
    track: int


class UsedTest(NamedTuple):
    """A test of the share of a target's budget that is used."""

    target: str
    share: Fraction
    wanted: bool


class PickedDurationTest(NamedTuple):
    """A test of a duration with a picked length or calendar; `choose` gives the test for values of facts, or None."""

    anchor: str
    by: tuple[str, ...]
    choose: Callable[[Mapping[str, Any]], DurationTest | None]
    wanted: bool
    track: int


class PastDueTest(NamedTuple):
    """A test of the duration since the latest clock of a target was due, while it runs."""

    target: str
    span: Span
    calendar: Calendar | None
    line: int
    wanted: bool


class TimeLeftTest(NamedTuple):
    """A test that a running clock has a span (or any time) left until it is due, or (not `wanted`) has not."""

    target: str
    span: Span | None
    calendar: Calendar
    wanted: bool


class OutcomeTest(NamedTuple):
    """A test of the outcome of a target: whether it is true for each outcome, in the order of `OUTCOMES`."""

    target: str
    table: NDArray[np.bool_]


class HappenedTest(NamedTuple):
    """A test that an event matching a pattern happened on the current level of a track, or (not `wanted`) did not.

    Without a track, it is about events in the cycle.
    """

    patterns: tuple[Pattern, ...]
    wanted: bool
    track: int | None


ClockTest = UsedTest | OutcomeTest | PastDueTest | TimeLeftTest
"""The tests of the latest clock of a target."""
Test = ValueTest | DurationTest | PickedDurationTest | HappenedTest | ClockTest

_DIALED = {
    *("priority", "level", "status", "channel", "acknowledged", "escalation_request_open", "escalation_requests"),
    *("moves", "level_failed", "reopenings", "replies", "status_requests", "assignments"),
}
_ANCHORS = {"open_for", "unanswered_for", "unassigned_for", "no_update_for", "at_level_for"}
_OF_TRACKS = {"level_failed", "at_level_for", "happened"}
"""The facts that are about the rule's own track, if they name none."""


class TestCollector:
    """The tests of a policy's rules, by number; `most` is the highest number that a test of a count names.

    `rungs` are the levels by key, `calendars` the lines by the names of calendars; `raises` says that rules raise the
    priority.
    """

    def __init__(
        self, policy: Policy, rungs: Mapping[str, int], calendars: Mapping[str | None, int], *, raises: bool
    ) -> None:
        self.policy, self.rungs, self.calendars, self.raises = policy, rungs, calendars, raises
        self.tracks = {track.key: number for number, track in enumerate(policy.all_tracks)}
        self.track_of = {level.key: self.tracks[track.key] for track in policy.all_tracks for level in track.levels}
        self.ranks = {name: rank for rank, name in enumerate(policy.priorities)}
        self.found: list[Test] = []
        self.most = 0
        self._numbers: dict[Any, int] = {}

    def tree(self, condition: Condition, track: int, calendars: tuple[Any, ...] = (), *, goes: bool) -> Tree:
        """Return a condition in normal form as a tree; `goes` says whether its rule moves the case.

        Raises `Unsupported`.
        """
        if isinstance(condition, Atom):
            numbers = [self._number(atom, track, calendars, goes=goes) for atom in self._by_track(condition)]
            if condition.fact == "remaining" and condition.op == "<":  # after the due instant, no time is left
                some_left = TimeLeftTest(str(condition.of), None, _ALWAYS, wanted=True)
                numbers.append(self._keep(("some left", condition.of), some_left))
            return numbers[0] if len(numbers) == 1 else ("any" if condition.op == "in" else "all", tuple(numbers))
        if not parts(condition):
            raise Unsupported("conditions of nothing")
        kind = "all" if isinstance(condition, AllOf) else "any"
        return kind, tuple(self.tree(part, track, calendars, goes=goes) for part in parts(condition))

    def _by_track(self, atom: Atom) -> Iterator[Atom]:
        """Split a test of levels on several tracks into one for each track."""
        if atom.fact != "level" or not isinstance(atom.value, tuple):
            yield atom
            return
        for track in dict.fromkeys(self.track_of[key] for key in atom.value):
            yield atom.model_copy(update={"value": tuple(key for key in atom.value if self.track_of[key] == track)})

    def _number(self, atom: Atom, track: int, calendars: tuple[Any, ...], *, goes: bool) -> int:
        named = (atom.calendar, *calendars) if atom.kind == "duration" else ()
        counts = _up_to_a_name(tuple(calendar for calendar in named if calendar is not None))
        key = (atom, counts, (track, goes) if atom.fact in _OF_TRACKS else None)
        if key in self._numbers:
            return self._numbers[key]
        return self._keep(key, self._comparison(atom, track, counts, goes=goes))

    def _keep(self, key: Any, one: Test) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self.found)
            self.found.append(one)
        return self._numbers[key]

    def _comparison(self, atom: Atom, track: int, calendars: tuple[Any, ...], *, goes: bool) -> Test:
        if atom.fact in _ANCHORS:
            return self._timed(atom, track, calendars)
        if atom.fact in {"overdue_for", "remaining"}:
            return self._of_due(atom, calendars)
        if atom.fact == "used":
            return UsedTest(str(atom.of), Fraction(atom.value), atom.op == ">=")
        if atom.fact == "outcome":
            table = np.array([COMPARE[atom.op](outcome, atom.value) for outcome in OUTCOMES])
            return OutcomeTest(str(atom.of), table)
        if atom.fact == "happened":
            return self._happened(atom, track if goes else None)
        if atom.fact in FACTS and atom.fact not in _DIALED:
            raise Unsupported(f"`{atom.fact}`")
        if atom.fact in FACTS and atom.kind == "count":
            self.most = max(self.most, *(atom.value if isinstance(atom.value, tuple) else (atom.value,)))
        return ValueTest(atom.fact, self._holds(atom), atom.fact == "level", self._track(atom, track))

    def _track(self, atom: Atom, track: int) -> int | None:
        """Return the track that an atom is about."""
        if atom.fact == "level":
            return self.track_of[atom.value[0] if isinstance(atom.value, tuple) else atom.value]
        if atom.of in self.tracks:
            return self.tracks[str(atom.of)]
        return None if atom.fact == "moves" else track

    def _happened(self, atom: Atom, track: int | None) -> HappenedTest:
        patterns = atom.pattern or ()
        if any(is_odd(pattern) for pattern in patterns):
            raise Unsupported("patterns that look at ids")
        return HappenedTest(patterns, (atom.op == "==") == atom.value, track)

    def _holds(self, atom: Atom) -> Callable[[Any], bool]:
        """Return the predicate of a test of a value. It is false for an unknown value."""
        compare, constant = COMPARE[atom.op], atom.value
        if atom.fact in {"priority", "level"}:
            number = self.ranks if atom.fact == "priority" else self.rungs
            wanted: Any = [number[key] for key in constant] if isinstance(constant, tuple) else number[constant]
            if atom.fact == "level":
                return lambda rung: compare(rung, wanted)
            return lambda name: name in number and compare(number[name], wanted)
        return lambda value: value is not None and compare(value, constant)

    def _timed(self, atom: Atom, track: int, calendars: tuple[Any, ...]) -> DurationTest | PickedDurationTest:
        """Return the test of a duration. Its calendar is the first that is named, or that a pick gives."""
        about, wanted = self.tracks[str(atom.of)] if atom.of is not None else track, atom.op == ">="
        parts_given: list[Any] = [atom.value, *calendars]
        by = tuple(dict.fromkeys(name for part in parts_given for name in facts_of(part)))

        def choose(values: Mapping[str, Any]) -> DurationTest | None:
            chosen: list[Any] = [picked(part, values) for part in parts_given]
            span, names = chosen[0], chosen[1:]
            return None if span is None else DurationTest(atom.fact, span, *self._counted(span, names), wanted, about)

        if not by:
            return DurationTest(atom.fact, atom.value, *self._counted(atom.value, parts_given[1:]), wanted, about)
        if self.raises and "priority" in by:
            raise Unsupported("durations picked by a priority that rules raise")
        return PickedDurationTest(atom.fact, by, choose, wanted, about)

    def _counted(self, span: Span, names: Sequence[Any]) -> tuple[Calendar | None, int]:
        """Return the calendar in which a span of days counts, or the line on which any other span counts."""
        name = next((one for one in names if one is not None), None)
        calendar: Calendar = _ALWAYS if name is None else self.policy.all_calendars[name]
        return calendar if span.microseconds is None else None, self.calendars[name] if span.is_business else 0

    def _of_due(self, atom: Atom, calendars: tuple[Any, ...]) -> PastDueTest | TimeLeftTest:
        if isinstance(atom.value, Pick) or any(isinstance(calendar, Pick) for calendar in calendars):
            raise Unsupported("durations before or after a due that are picked")
        target, wanted = str(atom.of), atom.op == ">="
        if atom.fact == "overdue_for":
            return PastDueTest(target, atom.value, *self._counted(atom.value, calendars), wanted)
        return TimeLeftTest(
            target, atom.value, self.policy.all_calendars[calendars[0]] if calendars else _ALWAYS, wanted
        )


def _up_to_a_name(calendars: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the calendars that may count: picks, up to the first that is a name."""
    named = next((place for place, calendar in enumerate(calendars) if isinstance(calendar, str)), len(calendars))
    return calendars[: named + 1]


_ALWAYS = BusinessCalendar.always()


def is_odd(pattern: Pattern) -> bool:
    """Return whether a pattern is of snapshots, or reads fields that templates do not have."""
    return pattern.event == "Reconciled" or bool({"at", "id", "rules"} & set(pattern.where))


def held(tree: Tree, leaf: Callable[[int], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Evaluate a condition vectorised, given the masks of its tests."""
    if isinstance(tree, int):
        return leaf(tree)
    combine = np.logical_and if tree[0] == "all" else np.logical_or
    truth = held(tree[1][0], leaf)
    for part in tree[1][1:]:
        truth = combine(truth, held(part, leaf))
    return truth
