"""What columns can hold of a policy and of a log: tables from which all cases are moved at once.

A plan reads the policy itself, and what it cannot hold it says: then cases go one by one through the engine, which is
the specification of both. Columns hold one track of levels without entry checklists, rotas, alternates or external
levels; facts of state, of counting and of duration, `used` and `deadline`; targets with pauses, recurrence and spans
by priority, of the policy and of levels. They do not hold rules that change the priority or assign, patterns in rules,
what depends on a plan or an agreement, and cases that were moved or observed by people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.actions import Assign, SetPriority
from escalation_rules.conditions import BUILT_IN, OUTCOMES, AllOf, Atom, Condition, normal, parts
from escalation_rules.engine.comparisons import COMPARE
from escalation_rules.levels import EscalationLevel
from escalation_rules.patterns import Happening, Pattern
from escalation_rules.picks import Pick, choices
from escalation_rules.policy import Policy
from escalation_rules.rules import NEXT, Rule
from escalation_rules.simulation.bulk import Bulk
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, Calendar, Span

__all__ = [
    "Dialed",
    "Group",
    "Happened",
    "Outcomed",
    "Plan",
    "Ruling",
    "Shared",
    "Terms",
    "Timed",
    "Unheld",
    "kind_of",
    "matched",
]

Tree = int | tuple[str, tuple["Tree", ...]]


class Unheld(Exception):
    """What columns cannot hold."""


class Dialed(NamedTuple):
    """A comparison of a fact that has one value at a time: of which it holds. Of `silent` ones there is no evidence."""

    fact: str
    holds: Callable[[Any], bool]
    silent: bool


class Timed(NamedTuple):
    """A duration since an anchor, of at least a length or less than it: on a line, or in days."""

    anchor: str
    span: Span
    calendar: Calendar | None
    line: int
    wanted: bool


class Shared(NamedTuple):
    """A share of a target's time that is used."""

    target: str
    share: Fraction
    wanted: bool


class Outcomed(NamedTuple):
    """Of which outcomes of a target a comparison holds, in the order of `OUTCOMES`."""

    target: str
    table: NDArray[np.bool_]


class Happened(NamedTuple):
    """Whether an event like one of some patterns happened on the present level, or (not `wanted`) did not."""

    patterns: tuple[Pattern, ...]
    wanted: bool


Comparison = Dialed | Timed | Shared | Outcomed | Happened


class Ruling(NamedTuple):
    """A rule: its condition over comparisons, the levels it applies on, and where it goes."""

    name: str
    tree: Tree
    levels: NDArray[np.bool_] | None
    to: int | None


class Terms(NamedTuple):
    """What a target allows at a priority: a budget on a line; of days, the calendar that makes one."""

    span: Span | None
    calendar: str | None
    line: int
    budget: int | None
    days: Calendar | None


class Group(NamedTuple):
    """The target with a key, of the policy or of a level; which templates start and stop it."""

    number: int
    key: str
    level: int | None
    target: Target
    terms: tuple[Terms, ...]
    starts: NDArray[np.bool_]
    stops: NDArray[np.bool_]
    at_the_end: bool
    is_picked: bool


_DIALED = {
    *("priority", "level", "status", "channel", "acknowledged", "escalation_requested", "escalations"),
    *("moves", "level_failed", "reopened", "replies", "status_requests", "assignments"),
}
_ANCHORS = {"open_for", "unanswered_for", "unassigned_for", "since_update", "at_level_for"}


class Plan:
    """A policy as columns need it. Raises `Unheld`."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._check()
        self.levels: tuple[EscalationLevel, ...] = policy.all_levels
        self.rungs = {level.key: rung for rung, level in enumerate(self.levels)}
        self.outside = np.array([*(level.external for level in self.levels), False])
        self.goes_outside = bool(self.outside.any())
        self.ranks = {name: rank for rank, name in enumerate(policy.priorities)}
        self.lines: list[Bulk] = [Bulk(None)]
        self.calendars: dict[str | None, int] = {None: 0}
        for name, calendar in policy.calendars.items():
            self.calendars[name] = len(self.lines)
            self.lines.append(Bulk(calendar.line))
        self.comparisons: list[Comparison] = []
        self.most = 0
        self._found: dict[Any, int] = {}
        self.rules = tuple(self._ruling(rule) for rule in sorted(policy.all_rules, key=lambda rule: rule.name))
        self.targets = tuple(self._targets())

    def _check(self) -> None:
        policy = self.policy
        levels, rules = policy.all_levels, policy.all_rules
        actions = [*(one for level in levels for one in level.on_entry), *(one for rule in rules for one in rule.then)]
        for unheld, why in (
            (len(policy.all_tracks) > 1, "several tracks"),
            (len(levels) > 200, "as many levels"),
            (bool(policy.rotas), "rotas"),
            (policy.effective_from is not None, "a policy that is not in force from the beginning"),
            (any(level.entry for level in levels), "checklists"),
            (
                any(level.alternates and not isinstance(level.owner, str) for level in levels),
                "owners that may be nobody",
            ),
            (any(isinstance(action, SetPriority | Assign) for action in actions), "rules that change the case"),
            (any(isinstance(level.owner, Pick) and level.owner.by != "priority" for level in levels), "picks by facts"),
        ):
            if unheld:
                raise Unheld(why)

    # ------------------------------------------------------------------------ rules

    def _ruling(self, rule: Rule) -> Ruling:
        """A rule. Of one that goes nowhere nothing shows in frames, so nothing is asked of its condition."""
        if rule.to is None:
            return Ruling(rule.name, ("all", ()), None, None)
        calendars = (rule.calendar, self.policy.all_tracks[0].calendar, self.policy.usual_calendar)
        tree = self._tree(normal(rule.when), tuple(one for one in calendars if one is not None))
        levels = None
        if rule.at:
            levels = np.zeros(len(self.levels) + 1, np.bool_)
            levels[[self.rungs[key] for key in rule.at]] = True
        to = -1 if rule.to == NEXT else self.rungs[rule.to]
        return Ruling(rule.name, tree, levels, to)

    def _tree(self, condition: Condition, calendars: tuple[Any, ...]) -> Tree:
        if isinstance(condition, Atom):
            key = (condition, calendars[:1] if condition.calendar is None else ())
            if key not in self._found:
                self._found[key] = len(self.comparisons)
                self.comparisons.append(self._comparison(condition, calendars))
            return self._found[key]
        if not parts(condition):
            raise Unheld("conditions of nothing")
        kind = "all" if isinstance(condition, AllOf) else "any"
        return kind, tuple(self._tree(part, calendars) for part in parts(condition))

    def _comparison(self, atom: Atom, calendars: tuple[Any, ...]) -> Comparison:
        if atom.fact in _ANCHORS:
            return self._timed(atom, calendars)
        if atom.fact == "used":
            return Shared(str(atom.of), Fraction(atom.value), atom.op == ">=")
        if atom.fact == "deadline":
            table = np.array([COMPARE[atom.op](one, atom.value) for one in OUTCOMES])
            return Outcomed(str(atom.of), table)
        if atom.fact == "happened":
            return self._happened(atom)
        if atom.fact in BUILT_IN and atom.fact not in _DIALED:
            raise Unheld(f"`{atom.fact}`")
        if atom.fact in BUILT_IN and atom.kind == "count":
            self.most = max(self.most, *(atom.value if isinstance(atom.value, tuple) else (atom.value,)))
        return Dialed(atom.fact, self._holds(atom), atom.fact == "level")

    def _happened(self, atom: Atom) -> Happened:
        patterns = atom.pattern or ()
        if any(_is_odd(one) for one in patterns):
            raise Unheld("patterns of moves, or that look at ids")
        return Happened(patterns, (atom.op == "==") == atom.value)

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

    def _timed(self, atom: Atom, calendars: tuple[Any, ...]) -> Timed:
        name = next((one for one in (atom.calendar, *calendars) if one is not None), None)
        if isinstance(atom.value, Pick) or isinstance(name, Pick):
            raise Unheld("durations that are picked")
        span = atom.value
        calendar: Calendar = BusinessCalendar.always() if name is None else self.policy.calendars[name]
        line = self.calendars[name] if span.is_business else 0
        return Timed(atom.fact, span, calendar if span.microseconds is None else None, line, atom.op == ">=")

    # ------------------------------------------------------------------------ targets

    def _targets(self) -> Iterator[tuple[int | None, Target]]:
        """The targets with the rung they belong to, in the engine's order."""
        scopes = [(None, self.policy.targets), *((rung, level.targets) for rung, level in enumerate(self.levels))]
        for rung, targets in scopes:
            keys = [target.key for target in targets]
            for target in targets:
                picks = (target.within, target.calendar, target.owner)
                if len(set(keys)) < len(keys) or target.when is not None or target.agreed:
                    raise Unheld("targets that depend on more than the priority")
                if any(isinstance(span, Span) and span.due == "same time" for span in choices(target.within)):
                    raise Unheld("targets that may be due at an opening")
                if any(isinstance(one, Pick) and one.by != "priority" for one in picks):
                    raise Unheld("picks by facts")
                if any(_is_odd(pattern) for pattern in _patterns(target)):
                    raise Unheld("targets that moves start or stop, or that look at ids")
                yield rung, target

    def groups(self, prototypes: list[Happening], priorities: list[str | None]) -> tuple[Group, ...]:
        """The targets, for a log with these templates and priorities."""
        return tuple(
            Group(
                number=number,
                key=target.key,
                level=rung,
                target=target,
                terms=tuple(self._terms(target, rung, name) for name in priorities),
                starts=matched(target.starts if isinstance(target.starts, tuple) else (), prototypes),
                stops=matched(target.stops, prototypes) & np.array([one.counts for one in prototypes], np.bool_),
                at_the_end=isinstance(target.starts, tuple)
                and any(pattern.event in {"Resolved", "Closed"} for pattern in target.starts),
                is_picked=any(isinstance(one, Pick) for one in (*self._calendars(target, rung), target.within)),
            )
            for number, (rung, target) in enumerate(self.targets)
        )

    def _calendars(self, target: Target, rung: int | None) -> tuple[Any, ...]:
        track = self.policy.all_tracks[0].calendar if rung is not None else None
        return target.calendar, track, self.policy.usual_calendar

    def _terms(self, target: Target, rung: int | None, priority: str | None) -> Terms:
        def pick(given: Any) -> Any:
            if isinstance(given, Pick) and given.by != "priority":
                raise Unheld("picks by facts")
            return given.choose(priority) if isinstance(given, Pick) else given

        picked = (pick(one) for one in self._calendars(target, rung))
        name = next((one for one in picked if one is not None), None)
        span = pick(target.within)
        line = self.calendars[name] if span is None or span.is_business else 0
        days: Calendar | None = None
        if span is not None and span.microseconds is None:
            days = BusinessCalendar.always() if name is None else self.policy.calendars[name]
        return Terms(span, name, line, None if span is None else span.microseconds, days)

    # ------------------------------------------------------------------------ histories

    def holds(self, event: Happening) -> bool:
        """Whether columns can hold an event. What the engine refuses goes there to be refused."""
        if isinstance(event, E.MoveDeclined) or getattr(event, "is_accepted", False) or not self._knows_place(event):
            return False
        named = [getattr(event, "priority", None)] if isinstance(event, E.Opened) else []
        named += [event.to] if isinstance(event, E.PriorityChanged) else []
        if self.ranks and any(name is not None and name not in self.ranks for name in named):
            return False
        observed: dict[str, Any] = {event.name: event.value} if isinstance(event, E.FactObserved) else {}
        observed = dict(event.facts) if isinstance(event, E.Opened) else observed
        declared = {fact.name: fact for fact in self.policy.facts}
        return not any(name in declared and declared[name].problem_with(value) for name, value in observed.items())

    def _knows_place(self, event: Happening) -> bool:
        """Whether an event names a level and a track that there are, if any, and nothing that columns do not read."""
        if isinstance(event, E.Escalated) and event.key is not None:
            return False
        if isinstance(event, E.Observed) and (event.priority or event.status or event.assigned):
            return False
        if getattr(event, "track", None) not in {None, self.policy.all_tracks[0].key}:
            return False
        return self.rung_of(event) != -1

    def rung_of(self, event: Happening) -> int | None:
        """The level that an event is about, by its number (-1 for one that the policy does not have); None for none."""
        if isinstance(event, E.DeEscalated) and event.to is None:
            return 0
        level = event.to if isinstance(event, E.Escalated | E.DeEscalated) else getattr(event, "level", None)
        return None if level is None else self.rungs.get(level, -1)


def _patterns(target: Target) -> tuple[Pattern, ...]:
    return (*target.stops, *(target.starts if isinstance(target.starts, tuple) else ()))


def _is_odd(pattern: Pattern) -> bool:
    return pattern.event in {"Escalated", "DeEscalated", "Observed"} or bool({"at", "id"} & set(pattern.where))


def matched(patterns: tuple[Pattern, ...], prototypes: list[Happening]) -> NDArray[np.bool_]:
    """Which templates are like one of some patterns."""
    return np.array([any(pattern.matches(one) for pattern in patterns) for one in prototypes], np.bool_)


KINDS: tuple[type[Happening], ...] = (
    *(E.Opened, E.CustomerReplied, E.SupportReplied, E.Acknowledged, E.EscalationRequested, E.EscalationAnswered),
    *(E.PriorityChanged, E.Assigned, E.WaitStarted, E.WaitEnded, E.FactObserved, E.UpdateSent),
    *(E.Resolved, E.Closed, E.Voided, E.Reopened),
)
"""The kinds of events that change a state, in the order of their numbers; any other only starts or stops clocks."""


def kind_of(event: Happening) -> int:
    """The number of an event's kind; one past the last for those that change no state."""
    return KINDS.index(type(event)) if type(event) in KINDS else len(KINDS)
