"""Prepares a program and the templates of a log for arrays: masks and tables, and what is not supported.

A plan raises `Unsupported`, with the reason, for a program that it cannot express: its cases then go one by one through
the engine, which is the specification of both.
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
from escalation_rules.conditions import STATUSES
from escalation_rules.fact_table import FACTS, Kept
from escalation_rules.levels import NOWHERE, EscalationLevel
from escalation_rules.patterns import BaseEvent, Pattern
from escalation_rules.picks import Pick, alternatives, picked
from escalation_rules.program.model import (
    LONG_AGO,
    DurationTest,
    HappenedTest,
    LevelTest,
    PickedTest,
    Program,
    RuleCode,
    TargetCode,
    TargetVariant,
    Terms,
    Tree,
    ValueTest,
    leaves,
)
from escalation_rules.rules import NEXT
from escalation_rules.simulation.arrays import Ints
from escalation_rules.simulation.columns.atoms import SplitTests, Unsupported, is_odd
from escalation_rules.worktime._timeline import EPOCH
from escalation_rules.worktime.arrays import Bulk

_MANY = 200
"""The most levels of a policy that are supported."""


class Gate(NamedTuple):
    """The levels of a track on which a rule applies, as a mask by number; the last is no level."""

    track: int
    levels: NDArray[np.bool_]


class VectorRule(NamedTuple):
    """A rule: its condition over split tests, its gates (without gates it applies anywhere), and its destination.

    `to` is a level's number among all levels, -1 for the next level of the track, None for no move. `raises` are the
    ranks to which it raises the priority, -1 for the next. While `unless` is true, the rule is as one that is not.
    """

    name: str
    tree: Tree
    unless: Tree | None
    gates: tuple[Gate, ...]
    track: int
    to: int | None
    waived: bool
    raises: tuple[int, ...]


class VectorTarget(NamedTuple):
    """The targets with one key, of the policy or of a level; masks of the templates that start and stop them.

    Their `terms` are by the values of the facts that they are picked by (`by`), and for each of these by variant, as
    `whens` says which applies; where none may, there are terms for that too. What starts, stops and pauses them is the
    same for all variants.
    """

    number: int
    key: str
    level: int | None
    code: TargetCode
    by: tuple[str, ...]
    whens: tuple[Tree | None, ...]
    terms: tuple[Terms, ...]
    starts: NDArray[np.bool_]
    stops: NDArray[np.bool_]

    @property
    def lead(self) -> TargetVariant:
        """The first variant, which has what is the same for all."""
        return self.code.variants[0]

    @property
    def cases(self) -> int:
        """The number of terms for each combination of picked values."""
        return len(self.whens) + (self.whens[-1] is not None)


class Plan:
    """A program prepared for the vectorised replay. Raises `Unsupported`.

    Levels are numbered over all tracks.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        for why in _unsupported(program):
            raise Unsupported(why)
        self.levels: tuple[EscalationLevel, ...] = tuple(level for levels in program.levels for level in levels)
        self.rungs = {level.key: rung for rung, level in enumerate(self.levels)}
        ends = accumulate((len(levels) for levels in program.levels), initial=0)
        self.tracks = [range(*both) for both in pairwise(ends)]
        self.track_of = [number for number, rungs in enumerate(self.tracks) for _ in rungs]
        self.track_numbers = {track.key: number for number, track in enumerate(program.tracks)}
        self.outside = np.array([*(level.external for level in self.levels), False])
        self.goes_outside = bool(self.outside.any())
        self.raises = any(_raises(rule) for rule in program.rules)
        self.guards = any(rule.unless is not None for rule in program.rules)
        self.moving = _moving_facts() | ({"priority"} if self.raises else set())
        self.effective_from = None if program.effective_from == LONG_AGO else program.effective_from
        self.ignores_backlog = program.fresh_from != LONG_AGO
        self.lines: list[Bulk] = [Bulk(None), *(Bulk(line) for line in program.lines[1:])]
        self.ranks = program.ranks
        split = SplitTests(program, raises=self.raises)
        self.rules = tuple(self._rule(rule, split) for rule in program.rules)
        self.whens = [
            tuple(None if variant.when is None else split.tree(variant.when) for variant in target.variants)
            for target in program.targets
        ]
        self.tests, self.most = split.tests, split.most
        self.checked = {rung: level.entry.items for rung, level in enumerate(self.levels) if level.entry}

    def _rule(self, rule: RuleCode, split: SplitTests) -> VectorRule:
        """Prepare a rule. The condition of a rule without an effect on frames is not read."""
        if not _shows(rule):
            return VectorRule(rule.name, ("all", ()), None, (), 0, None, waived=False, raises=())
        to = None if not rule.goes else NOWHERE if rule.to is None else self.tracks[rule.track].start + rule.to
        ranks = {**self.ranks, NEXT: NOWHERE}
        raises = tuple(ranks[action.to] for action in rule.then if isinstance(action, RaisePriority))
        gates = (
            tuple(Gate(track, self.level_table(track, numbers)) for track, numbers in rule.at.places) if rule.at else ()
        )
        unless = None if rule.unless is None else split.tree(rule.unless)
        return VectorRule(rule.name, split.tree(rule.own_tree), unless, gates, rule.track, to, rule.waived, raises)

    def level_table(self, track: int, numbers: frozenset[int]) -> NDArray[np.bool_]:
        """Return a mask over all levels of those that are named by their numbers on a track; the last is no level."""
        table = np.zeros(len(self.levels) + 1, np.bool_)
        for number in numbers:
            table[-1 if number == NOWHERE else self.tracks[track].start + number] = True
        return table

    # ------------------------------------------------------------------------ targets

    def targets(self, prototypes: list[BaseEvent], words: Mapping[str, list[Any]]) -> tuple[VectorTarget, ...]:
        """Return the targets, for a log with these templates and values of facts."""
        counts = np.array([prototype.counts for prototype in prototypes], np.bool_)
        return tuple(
            VectorTarget(
                number=code.number,
                key=code.key,
                level=None if code.level is None else self.rungs[code.level],
                code=code,
                by=(by := _picked_by(code)),
                whens=(whens := self.whens[code.number]),
                terms=tuple(
                    _terms(code, variant, dict(zip(by, values, strict=True)))
                    for values in product(*(words[name] for name in by))
                    for variant in range(len(whens) + (whens[-1] is not None))
                ),
                starts=matched(code.variants[0].starts, prototypes),
                stops=matched(code.variants[0].stops, prototypes) & counts,
            )
            for code in self.program.targets
        )

    def made_by_rules(self, patterns: tuple[Pattern, ...]) -> NDArray[np.bool_]:
        """Return a mask of the levels to which a move by rules matches one of some patterns."""
        tracks = [self.program.tracks[track].key for track in self.track_of]
        moves = zip(self.levels, tracks, strict=True)
        return matched(
            patterns, [E.Escalated(at=EPOCH, actor="automation", to=level.key, track=track) for level, track in moves]
        )

    # ------------------------------------------------------------------------ histories

    def reason_against(self, event: BaseEvent) -> str | None:
        """Return why an event is not supported, or None. What the engine refuses is not, so the engine refuses it."""
        if isinstance(event, E.Declined) or getattr(event, "is_accepted", False):
            return "events that were accepted or declined"
        if isinstance(event, E.Escalated) and event.key is not None:
            return "moves with a key"
        if isinstance(event, E.Reconciled) and (event.priority or event.status or event.assigned):
            return "snapshots of more than the level"
        if isinstance(event, E.CommunicationAgreed) and any(
            variant.agreed for target in self.program.targets for variant in target.variants
        ):
            return "agreed intervals of updates"
        return None if self._knows(event) and self._admits(event) else "names or values that the policy does not have"

    def _knows(self, event: BaseEvent) -> bool:
        """Return whether an event names only declared levels, tracks and priorities."""
        level, track = _level_of(event), getattr(event, "track", None)
        priority = event.priority if isinstance(event, E.Opened) else None
        if isinstance(event, E.PriorityChanged):
            priority = event.to
        return (
            (level is None or level in self.rungs)
            and (track is None or track in self.track_numbers)
            and (not self.ranks or priority is None or priority in self.ranks)
        )

    def _admits(self, event: BaseEvent) -> bool:
        """Return whether the facts in an event are in their domains."""
        own = self.program.own
        observed: dict[str, Any] = {event.name: event.value} if isinstance(event, E.FactChanged) else {}
        observed = dict(event.facts) if isinstance(event, E.Opened) else observed
        return not any(name in own and own[name].problem_with(value) for name, value in observed.items())

    def place_of(self, event: BaseEvent) -> tuple[int, int] | None:
        """Return the track and level of an event (-1: no level, or whichever the case is on); None if it names none."""
        level = _level_of(event)
        if level is not None:
            return self.track_of[self.rungs[level]], self.rungs[level]
        if not isinstance(event, E.DeEscalated | E.LevelFailed):
            return None
        track = 0 if event.track is None else self.track_numbers[event.track]
        return track, 0 if track == 0 and isinstance(event, E.DeEscalated) else NOWHERE


def _moving_facts() -> set[str]:
    """Return the facts that moves by rules change, besides durations."""
    parts = {"level", "failures"}
    return {name for name, row in FACTS.items() if isinstance(row.source, Kept) and row.source.part in parts}


def _picked_by(code: TargetCode) -> tuple[str, ...]:
    """Return the facts that the terms of a target are picked by, also where it does not apply; the priority first."""
    choices = [one for variant in code.variants for one in (variant.terms, variant.idle_terms)]
    names = {name for one in choices for name in one.by}
    return tuple(sorted(names, key=lambda name: (name != "priority", name)))


# rules 6, 13 and 15: the terms of a target for every value of its picks
def _terms(code: TargetCode, variant: int, values: Mapping[str, Any]) -> Terms:
    """Return the terms of a variant for some values of facts; past the last variant, those where none applies."""
    idle = variant == len(code.variants)
    choices = code.variants[0].idle_terms if idle else code.variants[variant].terms
    return choices.choose(lambda given: picked(given, values))


def _level_of(event: BaseEvent) -> str | None:
    """Return the level that an event names."""
    return event.to if isinstance(event, E.Escalated | E.DeEscalated) else getattr(event, "level", None)


def _unsupported(program: Program) -> Iterator[str]:
    """Yield the reasons why a program is not supported, besides those of its tests."""
    levels, items = [level for levels in program.levels for level in levels], _items(program)
    calendars = (program.calendar, *(track.calendar for track in program.tracks))
    actions = [one for level in levels for one in level.on_entry] + [one for rule in program.rules for one in rule.then]
    if len(levels) > _MANY:
        yield f"more than {_MANY} levels"
    if program.rotas:
        yield "rotas"
    if any(level.alternates and None in alternatives(level.owner) for level in levels):
        yield "an owner that may be nobody, with alternates"
    if any(isinstance(one, RaisePriority) for level in levels for one in level.on_entry):
        yield "an entry to a level that raises the priority"
    if any(_raises(rule) for rule in program.rules) and _sees(program, E.PriorityChanged):
        yield "a pattern of changes of the priority, which rules make"
    if any(isinstance(one, Assign) for one in actions) and _sees(program, E.Assigned, "roles"):
        yield "a condition on assignments, which rules make"
    if any(is_odd(pattern) or pattern.event == "Escalated" for item in items for pattern in item.answered_by):
        yield "an item that a move answers"
    if any(isinstance(one, Pick) for item in items if item.valid_for for one in (item.valid_for, *calendars)):
        yield "an answer whose validity is picked"
    for target in program.targets:
        yield from _unsupported_target(target)


def _unsupported_target(code: TargetCode) -> Iterator[str]:
    """Yield the reasons why a target is not supported."""
    first = code.variants[0]
    if any(isinstance(variant.pauses, Pick) for variant in code.variants):
        yield "a target with picked pauses"
    if any(_turning(variant) != _turning(first) for variant in code.variants):
        yield "several targets with one key that start, stop or pause otherwise"
    if any(
        is_odd(pattern) or pattern.event == "Escalated"
        for variant in code.variants
        for pattern in (*variant.starts, *variant.stops)
    ):
        yield "a target that a move or a snapshot starts or stops"


def _turning(variant: TargetVariant) -> tuple[Any, ...]:
    """Return what starts, stops and pauses a variant."""
    parties = variant.pauses if isinstance(variant.pauses, Pick) else frozenset(variant.pauses)
    return variant.begins, variant.starts, variant.stops, parties, variant.recurs, variant.agreed


def _items(program: Program) -> list[Item]:
    """Return the items that may block moves."""
    return [item for levels in program.levels for level in levels if level.entry for item in level.entry.items]


def _raises(rule: RuleCode) -> bool:
    """Return whether a rule changes the priority."""
    return any(isinstance(action, RaisePriority) for action in rule.then)


def _shows(rule: RuleCode) -> bool:
    """Return whether a rule has an effect on frames."""
    return rule.goes or _raises(rule)


def _sees(program: Program, kind: type[BaseEvent], part: str | None = None) -> bool:
    """Return whether frames depend on facts in a part of the state, or on patterns of events of a kind."""
    variants = [variant for target in program.targets for variant in target.variants]
    trees = [tree for rule in program.rules if _shows(rule) for tree in (rule.own_tree, rule.unless)]
    trees += [variant.when for variant in variants if variant.when is not None]
    tests = [program.tests[number] for tree in trees if tree is not None for number in leaves(tree)]
    patterns = [one for test in tests if isinstance(test, HappenedTest) for one in test.patterns]
    patterns += [one for item in _items(program) for one in item.answered_by]
    patterns += [one for variant in variants for one in (*variant.starts, *variant.stops)]
    if any(pattern.event == kind.__name__ for pattern in patterns):
        return True
    names = {test.fact for test in tests if isinstance(test, ValueTest | DurationTest | PickedTest)}
    sources = [FACTS[name].source for name in names if name in FACTS]
    return any(isinstance(source, Kept) and source.part == part for source in sources)


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
        self.facts = list(plan.program.own)
        self.values = [_Codes([plan.program.own[name].default, *_values(prototypes, name)]) for name in self.facts]
        holders = [_holder(one) for one in prototypes if isinstance(one, E.Assigned)]
        roles = _Codes(_of(prototypes, E.Assigned, "as_role"))
        self.roles = len(roles.words)
        waits = _Codes(
            [
                "customer",
                *_of(prototypes, E.WaitStarted, "on"),
                *(on for target in plan.program.targets for on in parties_of(target.variants[0])),
            ]
        )
        if len(waits.words) > 60 or len(plan.rules) > 60:
            raise Unsupported("more than 60 rules, or parties that are waited for")
        self.customer = waits.bit("customer")
        self._tables: dict[ValueTest | LevelTest, NDArray[np.bool_]] = {}
        self._matched: dict[tuple[Pattern, ...], NDArray[np.bool_]] = {}
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
        self.targets = self.plan.targets(prototypes, self.words)
        self.pauses = [sum(waits.bit(on) for on in set(parties_of(target.lead))) for target in self.targets]
        terms = [target.terms for target in self.targets]
        self.term_lines = [np.array([one.line for one in some], np.int64) for some in terms]
        self.term_budgets = [
            np.array([-1 if one.budget is None else one.budget for one in some], np.int64) for some in terms
        ]
        self.term_lates = [np.array([not one.at_close for one in some], np.bool_) for some in terms]
        self.term_kinds = [_Codes([(str(one.span), one.calendar) for one in some]).numbers() for some in terms]

    def _read(self, prototypes: list[BaseEvent], roles: _Codes, who: _Codes, waits: _Codes) -> None:
        def table(kind: type | tuple[type, ...], what: Any, dtype: Any = np.int64, otherwise: Any = 0) -> NDArray[Any]:
            return np.array([what(one) if isinstance(one, kind) else otherwise for one in prototypes], dtype)

        opened_to = table(E.Opened, lambda one: self.priorities.number(one.priority))
        self.priority = opened_to + table(E.PriorityChanged, lambda one: self.priorities.number(one.to))
        self.channel = table(E.Opened, lambda one: self.channels.number(one.channel))
        self.levels = [
            np.array([self._first(one, track) for one in prototypes], np.int64) for track in self.plan.tracks
        ]
        self.placed_on, self.placed = self._places(prototypes, E.Escalated, E.DeEscalated, E.Reconciled)
        self.failed_on, self.failed = self._places(prototypes, E.LevelFailed)
        self.is_observed = table(E.Reconciled, lambda _: True, np.bool_)
        own = self.plan.program.own
        self.opening_facts = [
            table(E.Opened, lambda one, name=name, words=words: words.number(own[name].known(one.facts.get(name))))
            for name, words in zip(self.facts, self.values, strict=True)
        ]
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
        if fact < 0:
            return 0
        return self.values[fact].number(self.plan.program.own[event.name].known(event.value))

    def like(self, patterns: tuple[Pattern, ...]) -> NDArray[np.bool_]:
        """Return a mask of the templates that match one of some patterns, kept by the patterns."""
        if patterns not in self._matched:
            self._matched[patterns] = matched(patterns, self.prototypes)
        return self._matched[patterns]

    def table(self, test: ValueTest | LevelTest) -> NDArray[np.bool_]:
        """Return a mask of the values of a fact for which a test is true, by the values' numbers.

        The values of a level are the numbers of the levels, after that of no level.
        """
        if test not in self._tables:
            if isinstance(test, LevelTest):
                track, numbers = test.places[0]
                self._tables[test] = np.roll(self.plan.level_table(track, numbers), 1) == test.wanted
            else:
                self._tables[test] = np.array([test.holds(value) for value in self._domain(test)], np.bool_)
        return self._tables[test]

    def _domain(self, test: ValueTest) -> list[Any]:
        """Return the values of a fact in the order of their numbers."""
        if test.fact in self.facts:
            return self.values[self.facts.index(test.fact)].words
        if test.fact == "priority":
            return [self.plan.ranks.get(word) for word in self.priorities.words]
        if test.fact == "channel":
            return self.channels.words
        kind = FACTS[test.fact].kind
        return (
            list(STATUSES) if kind == "choice" else [False, True] if kind == "flag" else list(range(self._most() + 2))
        )

    def _most(self) -> int:
        """Return the highest number that a test names."""
        highest = self.plan.most
        if highest > _MOST:
            raise Unsupported("a count compared with a number above 10,000")
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


def parties_of(variant: TargetVariant) -> tuple[str, ...]:
    """Return the parties whose waits pause a target."""
    return () if isinstance(variant.pauses, Pick) else variant.pauses
