"""Atoms of a policy as data for arrays: eight kinds of test, and which policies are not supported.

A comparison of levels is one of the tracks on which they are; one of what happens on a level, of the rule's own track.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules.conditions import BUILT_IN, OUTCOMES, AllOf, Atom, Condition, parts
from escalation_rules.engine.atoms import COMPARE
from escalation_rules.engine.model import Tree
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick, facts_of, picked
from escalation_rules.policy import Policy
from escalation_rules.worktime import BusinessCalendar, Calendar, Span


class Unsupported(Exception):
    """What columns cannot hold."""


class ValueTest(NamedTuple):
    """A comparison of a fact that has one value at a time, with the values for which it is true.

    With `never_evidence` it is no evidence for a rule (rule 22).

    `track` is the one that a fact of levels is about, None for all.
    """

    fact: str
    holds: Callable[[Any], bool]
    never_evidence: bool
    track: int | None


class DurationTest(NamedTuple):
    """A duration since an anchor, of at least a length or less than it: on a line, or in days.

    `track` is the one whose levels it is about.
    """

    anchor: str
    span: Span
    calendar: Calendar | None
    line: int
    wanted: bool
    track: int


class UsedTest(NamedTuple):
    """A share of a target's time that is used."""

    target: str
    share: Fraction
    wanted: bool


class PickedDurationTest(NamedTuple):
    """A duration whose length or calendar is picked by some facts: what it is for values of these, if anything."""

    anchor: str
    by: tuple[str, ...]
    choose: Callable[[Mapping[str, Any]], DurationTest | None]
    wanted: bool
    track: int


class PastDueTest(NamedTuple):
    """A duration since the latest clock of a target was due, while it runs."""

    target: str
    span: Span
    calendar: Calendar | None
    line: int
    wanted: bool


class TimeLeftTest(NamedTuple):
    """Whether a clock that runs has a span (or any time) left until it is due, or (not `wanted`) has not."""

    target: str
    span: Span | None
    calendar: Calendar
    wanted: bool


class OutcomeTest(NamedTuple):
    """Of which outcomes of a target a comparison holds, in the order of `OUTCOMES`."""

    target: str
    table: NDArray[np.bool_]


class HappenedTest(NamedTuple):
    """Whether an event like one of some patterns happened on the present level of a track, or (not `wanted`) not.

    Without a track, whether it happened in the cycle.
    """

    patterns: tuple[Pattern, ...]
    wanted: bool
    track: int | None


ClockTest = UsedTest | OutcomeTest | PastDueTest | TimeLeftTest
"""What is compared of the latest clock of a target."""
Test = ValueTest | DurationTest | PickedDurationTest | HappenedTest | ClockTest

_DIALED = {
    *("priority", "level", "status", "channel", "acknowledged", "escalation_request_open", "escalation_requests"),
    *("moves", "level_failed", "reopenings", "replies", "status_requests", "assignments"),
}
_ANCHORS = {"open_for", "unanswered_for", "unassigned_for", "no_update_for", "at_level_for"}
_OF_TRACKS = {"level_failed", "at_level_for", "happened"}
"""What is about the rule's own track, if it names none."""


class TestCollector:
    """The comparisons of a policy's rules, by number; `most` is the highest number that one of a count names.

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
        """A condition in normal form, of a rule on a track that goes somewhere, or of what does not.

        Raises `Unsupported`.
        """
        if isinstance(condition, Atom):
            numbers = [self._number(one, track, calendars, goes=goes) for one in self._by_track(condition)]
            if condition.fact == "remaining" and condition.op == "<":  # once it is due, no time is left
                some_left = TimeLeftTest(str(condition.of), None, _ALWAYS, wanted=True)
                numbers.append(self._keep(("some left", condition.of), some_left))
            return numbers[0] if len(numbers) == 1 else ("any" if condition.op == "in" else "all", tuple(numbers))
        if not parts(condition):
            raise Unsupported("conditions of nothing")
        kind = "all" if isinstance(condition, AllOf) else "any"
        return kind, tuple(self.tree(part, track, calendars, goes=goes) for part in parts(condition))

    def _by_track(self, atom: Atom) -> Iterator[Atom]:
        """A comparison with levels of several tracks is one of each."""
        if atom.fact != "level" or not isinstance(atom.value, tuple):
            yield atom
            return
        for track in dict.fromkeys(self.track_of[key] for key in atom.value):
            yield atom.model_copy(update={"value": tuple(key for key in atom.value if self.track_of[key] == track)})

    def _number(self, atom: Atom, track: int, calendars: tuple[Any, ...], *, goes: bool) -> int:
        given = (atom.calendar, *calendars) if atom.kind == "duration" else ()
        counts = _up_to_a_name(tuple(one for one in given if one is not None))
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
            table = np.array([COMPARE[atom.op](one, atom.value) for one in OUTCOMES])
            return OutcomeTest(str(atom.of), table)
        if atom.fact == "happened":
            return self._happened(atom, track if goes else None)
        if atom.fact in BUILT_IN and atom.fact not in _DIALED:
            raise Unsupported(f"`{atom.fact}`")
        if atom.fact in BUILT_IN and atom.kind == "count":
            self.most = max(self.most, *(atom.value if isinstance(atom.value, tuple) else (atom.value,)))
        return ValueTest(atom.fact, self._holds(atom), atom.fact == "level", self._track(atom, track))

    def _track(self, atom: Atom, track: int) -> int | None:
        """The track that an atom is about."""
        if atom.fact == "level":
            return self.track_of[atom.value[0] if isinstance(atom.value, tuple) else atom.value]
        if atom.of in self.tracks:
            return self.tracks[str(atom.of)]
        return None if atom.fact == "moves" else track

    def _happened(self, atom: Atom, track: int | None) -> HappenedTest:
        patterns = atom.pattern or ()
        if any(is_odd(one) for one in patterns):
            raise Unsupported("patterns that look at ids")
        return HappenedTest(patterns, (atom.op == "==") == atom.value, track)

    def _holds(self, atom: Atom) -> Callable[[Any], bool]:
        """Whether the comparison holds of a value. Of what is not known nothing holds."""
        compare, constant = COMPARE[atom.op], atom.value
        if atom.fact in {"priority", "level"}:
            number = self.ranks if atom.fact == "priority" else self.rungs
            wanted: Any = [number[one] for one in constant] if isinstance(constant, tuple) else number[constant]
            if atom.fact == "level":
                return lambda rung: compare(rung, wanted)
            return lambda name: name in number and compare(number[name], wanted)
        return lambda held: held is not None and compare(held, constant)

    def _timed(self, atom: Atom, track: int, calendars: tuple[Any, ...]) -> DurationTest | PickedDurationTest:
        """A duration. Its calendar is the first that is named, or that a pick comes to."""
        about, wanted = self.tracks[str(atom.of)] if atom.of is not None else track, atom.op == ">="
        given: list[Any] = [atom.value, *calendars]
        by = tuple(dict.fromkeys(name for one in given for name in facts_of(one)))

        def choose(values: Mapping[str, Any]) -> DurationTest | None:
            chosen: list[Any] = [picked(one, values) for one in given]
            span, names = chosen[0], chosen[1:]
            return None if span is None else DurationTest(atom.fact, span, *self._counted(span, names), wanted, about)

        if not by:
            return DurationTest(atom.fact, atom.value, *self._counted(atom.value, given[1:]), wanted, about)
        if self.raises and "priority" in by:
            raise Unsupported("durations picked by a priority that rules raise")
        return PickedDurationTest(atom.fact, by, choose, wanted, about)

    def _counted(self, span: Span, names: Sequence[Any]) -> tuple[Calendar | None, int]:
        """The calendar that a span in days counts in, or the line that any other does."""
        name = next((one for one in names if one is not None), None)
        calendar: Calendar = _ALWAYS if name is None else self.policy.all_calendars[name]
        return calendar if span.microseconds is None else None, self.calendars[name] if span.is_business else 0

    def _of_due(self, atom: Atom, calendars: tuple[Any, ...]) -> PastDueTest | TimeLeftTest:
        if isinstance(atom.value, Pick) or any(isinstance(one, Pick) for one in calendars):
            raise Unsupported("durations before or after a due that are picked")
        target, wanted = str(atom.of), atom.op == ">="
        if atom.fact == "overdue_for":
            return PastDueTest(target, atom.value, *self._counted(atom.value, calendars), wanted)
        return TimeLeftTest(
            target, atom.value, self.policy.all_calendars[calendars[0]] if calendars else _ALWAYS, wanted
        )


def _up_to_a_name(calendars: tuple[Any, ...]) -> tuple[Any, ...]:
    """The calendars that may count: picks, and the first that is named outright."""
    named = next((place for place, one in enumerate(calendars) if isinstance(one, str)), len(calendars))
    return calendars[: named + 1]


_ALWAYS = BusinessCalendar.always()


def is_odd(pattern: Pattern) -> bool:
    """Whether a pattern is of snapshots, or looks at what templates do not hold."""
    return pattern.event == "Reconciled" or bool({"at", "id", "rules"} & set(pattern.where))


def held(tree: Tree, leaf: Callable[[int], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Whether a condition holds, given whether its comparisons do."""
    if isinstance(tree, int):
        return leaf(tree)
    combine = np.logical_and if tree[0] == "all" else np.logical_or
    found = held(tree[1][0], leaf)
    for part in tree[1][1:]:
        found = combine(found, held(part, leaf))
    return found
