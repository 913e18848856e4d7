"""Compiles a policy and the templates of a log to tables: rules, targets with their terms, effects of each template.

A plan raises `Unsupported` for a policy that it cannot express: its cases then go one by one through the engine, which
is the specification of both. Not supported are rotas, plans and agreements, several targets with one key, and
conditions on events by rules other than moves, or on ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise, product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.actions import Assign, RaisePriority
from escalation_rules.checklists import Item
from escalation_rules.conditions import STATUSES, atoms, normal
from escalation_rules.levels import NOWHERE, EscalationLevel
from escalation_rules.patterns import BaseEvent, Pattern
from escalation_rules.picks import Pick, alternatives, facts_of, picked
from escalation_rules.policy import Policy
from escalation_rules.program import program_of
from escalation_rules.program.atoms import Names
from escalation_rules.program.compile import track_of
from escalation_rules.program.model import Tree
from escalation_rules.rules import NEXT, Rule
from escalation_rules.simulation.arrays import Ints
from escalation_rules.simulation.columns.atoms import HappenedTest, TestCollector, Unsupported, ValueTest, is_odd
from escalation_rules.targets import Target, waits_of
from escalation_rules.worktime import BusinessCalendar, Calendar, Span
from escalation_rules.worktime._timeline import EPOCH, microseconds_of
from escalation_rules.worktime.arrays import Bulk

LEVEL_FACTS = frozenset({"level", "moves", "level_failed"})
_MANY = 200
"""The most levels of a policy that are supported."""


class Gate(NamedTuple):
    """The levels of a track on which a rule applies, as a mask by number; the last is no level."""

    track: int
    levels: NDArray[np.bool_]


class RuleCode(NamedTuple):
    """A rule: its condition over tests, its gates (without gates it applies anywhere), and its destination.

    `to` is a level's number, -1 for the next level of the track, None for no move. `raises` are the ranks to which it
    raises the priority, -1 for the next.
    """

    name: str
    tree: Tree
    gates: tuple[Gate, ...]
    track: int
    to: int | None
    waived: bool
    raises: tuple[int, ...]


class Terms(NamedTuple):
    """The terms of a target in one state: a budget in microseconds on a line; for days, the calendar for it."""

    span: Span | None
    calendar: str | None
    line: int
    budget: int | None
    days: Calendar | None


class TargetCode(NamedTuple):
    """The target with a key, of the policy or of a level; masks of the templates that start and stop it.

    Its terms are by the values of the facts that they are picked by (`by`); with a condition (`when`), there are two
    for each of these: if it is true, and if not.
    """

    number: int
    key: str
    level: int | None
    target: Target
    by: tuple[str, ...]
    when: Tree | None
    terms: tuple[Terms, ...]
    starts: NDArray[np.bool_]
    stops: NDArray[np.bool_]
    at_the_end: bool


class Plan:
    """A policy compiled for the vectorised replay. Raises `Unsupported`."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        for why in _unsupported(policy):
            raise Unsupported(why)
        self.levels: tuple[EscalationLevel, ...] = policy.all_levels
        self.rungs = {level.key: rung for rung, level in enumerate(self.levels)}
        ends = accumulate((len(track.levels) for track in policy.all_tracks), initial=0)
        self.tracks = [range(*both) for both in pairwise(ends)]
        self.track_of = [number for number, rungs in enumerate(self.tracks) for _ in rungs]
        self.outside = np.array([*(level.external for level in self.levels), False])
        self.goes_outside = bool(self.outside.any())
        self.raises = any(_raises(rule) for rule in policy.all_rules)
        self.moving = LEVEL_FACTS | ({"priority"} if self.raises else set())
        self.effective_from = None if policy.effective_from is None else microseconds_of(policy.effective_from)
        self.lines: list[Bulk] = [Bulk(None)]
        self.calendars: dict[str | None, int] = {None: 0}
        for name, calendar in policy.all_calendars.items():
            self.calendars[name] = len(self.lines)
            self.lines.append(Bulk(calendar.line))
        self._names = Names(policy.all_tracks, program_of(policy).places, {}, {})
        self._collected = TestCollector(policy, self.rungs, self.calendars, raises=self.raises)
        self.ranks = self._collected.ranks
        self.rules = tuple(self._ruling(rule) for rule in sorted(policy.all_rules, key=lambda rule: rule.key))
        self.targets = tuple(self._targets())
        whens = [target.when for _, target in self.targets]
        self.whens = [None if when is None else self._collected.tree(normal(when), 0, goes=False) for when in whens]
        self.tests, self.most = self._collected.found, self._collected.most
        self.checked = {rung: level.entry.items for rung, level in enumerate(self.levels) if level.entry}

    # ------------------------------------------------------------------------ rules

    def _ruling(self, rule: Rule) -> RuleCode:
        """Compile a rule. The condition of a rule without an effect on frames is not compiled."""
        if not _shows(rule):
            return RuleCode(rule.key, ("all", ()), (), 0, None, waived=False, raises=())
        track = track_of(rule, self._names)
        names = (rule.calendar, self.policy.all_tracks[track].calendar, self.policy.usual_calendar)
        calendars = tuple(name for name in names if name is not None)
        tree = self._collected.tree(normal(rule.when), track, calendars, goes=rule.to is not None)
        to = None if rule.to is None else NOWHERE if rule.to == NEXT else self.rungs[rule.to]
        ranks = {**self.ranks, NEXT: NOWHERE}
        raises = tuple(ranks[name.to] for name in rule.then if isinstance(name, RaisePriority))
        return RuleCode(rule.key, tree, tuple(self._gates(rule)), track, to, rule.checklist == "waived", raises)

    def _gates(self, rule: Rule) -> Iterator[Gate]:
        rungs = [self.rungs[key] for key in rule.at_level]
        for track in dict.fromkeys(self.track_of[rung] for rung in rungs):
            levels = np.zeros(len(self.levels) + 1, np.bool_)
            levels[[rung for rung in rungs if self.track_of[rung] == track]] = True
            yield Gate(track, levels)

    # ------------------------------------------------------------------------ targets

    def _targets(self) -> Iterator[tuple[int | None, Target]]:
        """Yield the targets with the level number they belong to, in the engine's order."""
        scopes = [(None, self.policy.targets), *((rung, level.targets) for rung, level in enumerate(self.levels))]
        for rung, targets in scopes:
            keys = [target.key for target in targets]
            for target in targets:
                if len(set(keys)) < len(keys):
                    raise Unsupported("several targets with one key")
                if any(is_odd(pattern) or pattern.event == "Escalated" for pattern in _patterns(target)):
                    raise Unsupported("targets that moves start or stop, or that look at ids")
                yield rung, target

    def groups(self, prototypes: list[BaseEvent], words: Mapping[str, list[Any]]) -> tuple[TargetCode, ...]:
        """Return the targets, for a log with these templates and values of facts."""
        return tuple(
            TargetCode(
                number=number,
                key=target.key,
                level=rung,
                target=target,
                by=(by := self._picked_by(target, rung)),
                when=(when := self.whens[number]),
                terms=tuple(
                    self._terms(target, rung, dict(zip(by, values, strict=True)), applies=applies)
                    for values in product(*(words[name] for name in by))
                    for applies in ((True,) if when is None else (True, False))
                ),
                starts=matched(target.start_on if isinstance(target.start_on, tuple) else (), prototypes),
                stops=matched(target.stop_on, prototypes)
                & np.array([prototype.counts for prototype in prototypes], np.bool_),
                at_the_end=isinstance(target.start_on, tuple)
                and any(pattern.event in {"Resolved", "Closed"} for pattern in target.start_on),
            )
            for number, (rung, target) in enumerate(self.targets)
        )

    def _terms_of(self, target: Target, rung: int | None) -> Iterator[Any]:
        """Yield the span, and the calendars up to the first that is a name."""
        yield target.within
        track = None if rung is None else self.policy.all_tracks[self.track_of[rung]].calendar
        for calendar in (target.calendar, track, self.policy.usual_calendar):
            yield calendar
            if isinstance(calendar, str):
                return

    def _picked_by(self, target: Target, rung: int | None) -> tuple[str, ...]:
        """Return the facts that its terms are picked by, also where it does not apply; the priority first."""
        parts = [*self._terms_of(target, rung), *self._terms_of(_not_applying(target), rung)]
        names = {name for part in parts for name in facts_of(part)}
        return tuple(sorted(names, key=lambda name: (name != "priority", name)))

    # rules 6, 13 and 15: the terms of a target for every value of its picks
    def _terms(self, target: Target, rung: int | None, values: Mapping[str, Any], *, applies: bool) -> Terms:
        parts = self._terms_of(target if applies else _not_applying(target), rung)
        chosen: list[Any] = [picked(part, values) for part in parts]
        span, name = chosen[0], next((part for part in chosen[1:] if part is not None), None)
        line = self.calendars[name] if span is None or span.is_business else 0
        days: Calendar | None = None
        if span is not None and span.microseconds is None:
            days = BusinessCalendar.always() if name is None else self.policy.all_calendars[name]
        return Terms(span, name, line, None if span is None else span.microseconds, days)

    def made_by_rules(self, patterns: tuple[Pattern, ...]) -> NDArray[np.bool_]:
        """Return a mask of the levels to which a move by rules matches one of some patterns."""
        tracks = [self.policy.all_tracks[track].key for track in self.track_of]
        moves = zip(self.levels, tracks, strict=True)
        return matched(
            patterns, [E.Escalated(at=EPOCH, actor="automation", to=level.key, track=track) for level, track in moves]
        )

    # ------------------------------------------------------------------------ histories

    def holds(self, event: BaseEvent) -> bool:
        """Return whether an event is supported. One that the engine refuses is not, so that the engine refuses it."""
        if isinstance(event, E.Declined) or getattr(event, "is_accepted", False) or not self._knows(event):
            return False
        named = [getattr(event, "priority", None)] if isinstance(event, E.Opened) else []
        named += [event.to] if isinstance(event, E.PriorityChanged) else []
        if self.ranks and any(name is not None and name not in self.ranks for name in named):
            return False
        observed: dict[str, Any] = {event.name: event.value} if isinstance(event, E.FactChanged) else {}
        observed = dict(event.facts) if isinstance(event, E.Opened) else observed
        declared = {fact.name: fact for fact in self.policy.facts}
        return not any(name in declared and declared[name].problem_with(value) for name, value in observed.items())

    def _knows(self, event: BaseEvent) -> bool:
        """Return whether an event names only declared levels and tracks, and has no field that is not supported."""
        if isinstance(event, E.Escalated) and event.key is not None:
            return False
        if isinstance(event, E.Reconciled) and (event.priority or event.status or event.assigned):
            return False
        if isinstance(event, E.CommunicationAgreed) and any(target.use_agreed_interval for _, target in self.targets):
            return False
        level, track = _level_of(event), getattr(event, "track", None)
        return (level is None or level in self.rungs) and (track is None or track in self._collected.tracks)

    def place_of(self, event: BaseEvent) -> tuple[int, int] | None:
        """Return the track and level of an event (-1: no level, or whichever the case is on); None if it names none."""
        level = _level_of(event)
        if level is not None:
            return self.track_of[self.rungs[level]], self.rungs[level]
        if not isinstance(event, E.DeEscalated | E.LevelFailed):
            return None
        track = 0 if event.track is None else self._collected.tracks[event.track]
        return track, 0 if track == 0 and isinstance(event, E.DeEscalated) else NOWHERE


def _not_applying(target: Target) -> Target:
    """Return a target as it is while its condition is false: without a span, and without its own calendar."""
    return target.model_copy(update={"within": None, "calendar": None})


def _level_of(event: BaseEvent) -> str | None:
    """Return the level that an event names."""
    return event.to if isinstance(event, E.Escalated | E.DeEscalated) else getattr(event, "level", None)


def _patterns(target: Target) -> tuple[Pattern, ...]:
    return (*target.stop_on, *(target.start_on if isinstance(target.start_on, tuple) else ()))


def _unsupported(policy: Policy) -> Iterator[str]:
    """Yield the parts of a policy that are not supported, besides those of its rules and targets."""
    levels, items = policy.all_levels, _items(policy)
    calendars = (policy.usual_calendar, *(track.calendar for track in policy.all_tracks))
    actions = [one for level in levels for one in level.on_entry] + [
        one for rule in policy.all_rules for one in rule.then
    ]
    if len(levels) > _MANY:
        yield "as many levels"
    if policy.rotas:
        yield "rotas"
    if any(level.alternates and None in alternatives(level.owner) for level in levels):
        yield "owners that may be nobody"
    if any(isinstance(one, RaisePriority) for level in levels for one in level.on_entry):
        yield "levels that change the priority"
    if any(_raises(rule) for rule in policy.all_rules) and _sees(policy, E.PriorityChanged):
        yield "patterns of changes that rules make"
    if any(isinstance(one, Assign) for one in actions) and _sees(policy, E.Assigned, "assignments", "unassigned_for"):
        yield "rules that look at what rules assign"
    if any(is_odd(pattern) or pattern.event == "Escalated" for item in items for pattern in item.answered_by):
        yield "items that moves answer"
    if any(isinstance(target.pause_on, Pick) for target in policy.all_targets):
        yield "waits picked by the priority or by facts"
    if any(isinstance(one, Pick) for item in items if item.valid_for for one in (item.valid_for, *calendars)):
        yield "picked expiries"


def _items(policy: Policy) -> tuple[Item, ...]:
    """Return the items that may block moves."""
    return tuple(item for level in policy.all_levels if level.entry for item in level.entry.items)


def _raises(rule: Rule) -> bool:
    """Return whether a rule changes the priority."""
    return any(isinstance(action, RaisePriority) for action in rule.then)


def _shows(rule: Rule) -> bool:
    """Return whether a rule has an effect on frames."""
    return rule.to is not None or _raises(rule)


def _sees(policy: Policy, kind: type[BaseEvent], *facts: str) -> bool:
    """Return whether frames depend on some facts, or on patterns of events of a kind."""
    whens = [rule.when for rule in policy.all_rules if _shows(rule)]
    whens += [target.when for target in policy.all_targets if target.when is not None]
    atoms_read = [atom for when in whens for atom in atoms(when)]
    patterns = [one for atom in atoms_read for one in atom.pattern or ()]
    patterns += [one for item in _items(policy) for one in item.answered_by]
    patterns += [one for target in policy.all_targets for one in _patterns(target)]
    return any(atom.fact in facts for atom in atoms_read) or any(one.event == kind.__name__ for one in patterns)


def matched(patterns: tuple[Pattern, ...], prototypes: list[BaseEvent]) -> NDArray[np.bool_]:
    """Return a mask of the templates that match one of some patterns."""
    return np.array([any(pattern.matches(prototype) for pattern in patterns) for prototype in prototypes], np.bool_)


KINDS: tuple[type[BaseEvent], ...] = (
    *(
        E.Opened,
        E.CustomerReplied,
        E.SupportReplied,
        E.Acknowledged,
        E.EscalationRequested,
        E.EscalationRequestAnswered,
    ),
    *(E.PriorityChanged, E.Assigned, E.WaitStarted, E.WaitEnded, E.FactChanged, E.UpdateSent),
    *(E.Resolved, E.Closed, E.Voided, E.Reopened),
)
"""The kinds of events that change a state, in the order of their numbers; any other only starts or stops clocks."""


def kind_of(event: BaseEvent) -> int:
    """Return the number of an event's kind; one past the last for kinds that change no state."""
    return KINDS.index(type(event)) if type(event) in KINDS else len(KINDS)


_MOST = 10_000
"""The highest number in a test of a count for which a table is made."""


class TemplateTables:
    """Events of cases (`starts`, `at`, `code`), and tables by template: the effects of each.

    Values are numbered from 0, which is no value: priorities, channels, values of facts, and holders of roles.
    """

    def __init__(self, plan: Plan, prototypes: list[BaseEvent], starts: Ints, at: Ints, code: NDArray[np.intp]) -> None:
        self.plan, self.prototypes, self.starts, self.at, self.code = plan, prototypes, starts, at, code
        self.kind = np.array([kind_of(one) for one in prototypes], np.int64)
        self.priorities = _Codes(
            [
                *(getattr(one, "priority", None) for one in prototypes),
                *_of(prototypes, E.PriorityChanged, "to"),
                *(plan.ranks if plan.raises else ()),
            ]
        )
        self.channels = _Codes(_of(prototypes, E.Opened, "channel"))
        self.facts = [one.name for one in plan.policy.facts]
        self.values = [_Codes(_values(prototypes, name)) for name in self.facts]
        holders = [_holder(one) for one in prototypes if isinstance(one, E.Assigned)]
        roles = _Codes(_of(prototypes, E.Assigned, "as_role"))
        self.roles = len(roles.words)
        waits = _Codes(
            [
                "customer",
                *_of(prototypes, E.WaitStarted, "on"),
                *(on for _, one in plan.targets for on in waits_of(one)),
            ]
        )
        if len(waits.words) > 60 or len(plan.rules) > 60:
            raise Unsupported("as many waits or rules")
        self.customer = waits.bit("customer")
        self._tables: dict[ValueTest, NDArray[np.bool_]] = {}
        who = _Codes(holders)
        self._read(prototypes, roles, who, waits)
        words = {name: values.words for name, values in zip(self.facts, self.values, strict=True)}
        self.words = {"priority": self.priorities.words, **words}
        self._read_patterns(prototypes)
        self._read_targets(prototypes, waits)

    def _read_patterns(self, prototypes: list[BaseEvent]) -> None:
        """Find the templates, and the moves by rules, that match the patterns of `happened` tests."""
        plan = self.plan
        seen = {test.patterns for test in plan.tests if isinstance(test, HappenedTest)}
        self.seen = {patterns: matched(patterns, prototypes) for patterns in seen}
        like = {patterns: plan.made_by_rules(patterns) for patterns in seen}
        self.made_by_rules = {patterns: levels for patterns, levels in like.items() if levels.any()}

    def _read_targets(self, prototypes: list[BaseEvent], waits: _Codes) -> None:
        """Read the pauses of each target and its terms: their lines, their budgets, and which are alike."""
        self.groups = self.plan.groups(prototypes, self.words)
        self.pauses = [sum(waits.bit(on) for on in set(waits_of(group.target))) for group in self.groups]
        terms = [group.terms for group in self.groups]
        self.term_lines = [np.array([one.line for one in some], np.int64) for some in terms]
        self.term_budgets = [
            np.array([-1 if one.budget is None else one.budget for one in some], np.int64) for some in terms
        ]
        self.term_lates = [
            np.array([one.span is not None and one.span.due == "same time" for one in some], np.bool_) for some in terms
        ]
        self.term_kinds = [_Codes([(str(one.span), one.calendar) for one in some]).numbers() for some in terms]

    def _read(self, prototypes: list[BaseEvent], roles: _Codes, who: _Codes, waits: _Codes) -> None:
        def table(kind: type | tuple[type, ...], what: Any, dtype: Any = np.int64, otherwise: Any = 0) -> NDArray[Any]:
            return np.array([what(one) if isinstance(one, kind) else otherwise for one in prototypes], dtype)

        opened_to = table(E.Opened, lambda one: self.priorities.number(one.priority))
        self.priority = opened_to + table(E.PriorityChanged, lambda one: self.priorities.number(one.to))
        self.channel = table(E.Opened, lambda one: self.channels.number(one.channel))
        self.by_staff = table(E.Opened, lambda one: one.actor == "staff", np.bool_)
        self.levels = [
            np.array([self._first(one, track) for one in prototypes], np.int64) for track in self.plan.tracks
        ]
        self.placed_on, self.placed = self._places(prototypes, E.Escalated, E.DeEscalated, E.Reconciled)
        self.failed_on, self.failed = self._places(prototypes, E.LevelFailed)
        self.is_observed = table(E.Reconciled, lambda _: True, np.bool_)
        self.opening_facts = [
            table(E.Opened, lambda one, name=name, words=words: words.number(one.facts.get(name)))
            for name, words in zip(self.facts, self.values, strict=True)
        ]
        self.asks = ~self.by_staff & np.array([isinstance(one, E.Opened | E.CustomerReplied) for one in prototypes])
        self.asks_status = table(E.CustomerReplied, lambda one: one.asks_for_status, np.bool_)
        self.asks_escalation = table(E.CustomerReplied, lambda one: one.asks_to_escalate, np.bool_)
        self.asks_escalation |= table(E.EscalationRequested, lambda one: one.wants == "attention", np.bool_)
        self.counts = table((E.SupportReplied, E.Acknowledged), lambda one: one.counts, np.bool_)
        self.counts |= table(E.UpdateSent, lambda one: one.counts and one.audience == "customer", np.bool_)
        self.role = table(E.Assigned, lambda one: roles.number(one.as_role) - 1)
        self.holder = table(E.Assigned, lambda one: who.number(_holder(one)))
        self.wait = table(E.WaitStarted, lambda one: waits.bit(one.on))
        self.fact = table(E.FactChanged, lambda one: self._fact(one.name), otherwise=-1)
        self.value = table(E.FactChanged, self._value)
        self.status = table((E.Resolved, E.Closed, E.Voided), lambda one: STATUSES.index(_STATUS[type(one)]))

    def _first(self, event: BaseEvent, rungs: range) -> int:
        """Return the level of a case on a track at its opening: the level named, or the bottom of the first track."""
        named = self.plan.rungs.get(event.level or "") if isinstance(event, E.Opened) else None
        if named in rungs:
            return int(named or 0)
        return 0 if rungs and not rungs.start else NOWHERE

    def _places(self, prototypes: list[BaseEvent], *kinds: type) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the tracks and levels that events of some kinds are about; -1 and -1 for all others."""
        positions = [self.plan.place_of(position) if isinstance(position, kinds) else None for position in prototypes]
        tracks, levels = zip(
            *((NOWHERE, NOWHERE) if position is None else position for position in positions), strict=True
        )
        return np.array(tracks, np.int64), np.array(levels, np.int64)

    def _fact(self, name: str) -> int:
        return self.facts.index(name) if name in self.facts else -1

    def _value(self, event: Any) -> int:
        fact = self._fact(event.name)
        return self.values[fact].number(event.value) if fact >= 0 else 0

    def table(self, one: ValueTest) -> NDArray[np.bool_]:
        """Return a mask of the values of a fact for which a test is true, by the values' numbers."""
        if one not in self._tables:
            self._tables[one] = np.array([one.holds(value) for value in self._domain(one)], np.bool_)
        return self._tables[one]

    def _domain(self, one: ValueTest) -> list[Any]:
        if one.fact in self.facts:
            return self.values[self.facts.index(one.fact)].words
        if one.fact in {"priority", "channel"}:
            return (self.priorities if one.fact == "priority" else self.channels).words
        if one.fact == "level":
            return list(range(-1, len(self.plan.levels)))
        if one.fact == "status":
            return list(STATUSES)
        flags = {"acknowledged", "escalation_request_open", "level_failed"}
        return [False, True] if one.fact in flags else list(range(self._most() + 2))

    def _most(self) -> int:
        """Return the highest number that a test names."""
        highest = self.plan.most
        if highest > _MOST:
            raise Unsupported("numbers as high")
        return highest


_STATUS: dict[type, str] = {E.Resolved: "resolved", E.Closed: "closed", E.Voided: "void"}


class _Codes:
    """Distinct values with their numbers; None is 0."""

    def __init__(self, given: list[Any]) -> None:
        self.given = given
        self.words = list(dict.fromkeys([None, *given]))
        self.place = {word: number for number, word in enumerate(self.words)}

    def number(self, word: Any) -> int:
        return self.place[word]

    def bit(self, word: Any) -> int:
        return 1 << (self.place[word] - 1)

    def numbers(self) -> NDArray[np.int64]:
        return np.array([self.place[word] for word in self.given], np.int64)


def _holder(event: E.Assigned) -> tuple[str | None, str | None] | None:
    """Return the holder of a role; None for nobody."""
    holder = event.person, event.group
    return None if holder == (None, None) else holder


def _of(prototypes: list[BaseEvent], kind: type, field: str) -> list[Any]:
    return [getattr(one, field) for one in prototypes if isinstance(one, kind)]


def _values(prototypes: list[BaseEvent], name: str) -> list[Any]:
    opened = [one.facts.get(name) for one in prototypes if isinstance(one, E.Opened)]
    return opened + [one.value for one in prototypes if isinstance(one, E.FactChanged) and one.name == name]
