"""Domains: the few sets of values of each fact that a policy can tell apart; which exclude each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from functools import cached_property, partial
from itertools import product
from typing import Any, Literal, NamedTuple, cast, get_args, get_origin

from escalation_rules import events as E
from escalation_rules.analysis.solver import Formula, all_of, any_of, axes_of
from escalation_rules.conditions import OUTCOMES, STATUSES, Condition, normal
from escalation_rules.engine import machine_of
from escalation_rules.errors import InvalidValue
from escalation_rules.fact_table import FACTS
from escalation_rules.patterns import BaseEvent, FieldTest, Pattern
from escalation_rules.picks import picked
from escalation_rules.policy import Policy
from escalation_rules.program import program_of
from escalation_rules.program.atoms import Names, RuleScope, TestCollector, up_to_a_name
from escalation_rules.program.compile import calendars_of_rule, calendars_of_targets
from escalation_rules.program.model import (
    COMPARE,
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
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, Calendar, Span

Key = tuple[Any, ...]
"""A fact, and what it is asked about. What is no fact begins with a tuple, which no fact is named."""
Measure = tuple[Any, ...]
"""A scale on which time counts."""
DURATION = ("duration",)
"""How the key of a duration begins: then comes what it counts from, and its measure."""
ELAPSED = ("elapsed",)
"""The measure of time that no calendar interrupts."""


class Axis(NamedTuple):
    """A fact in its context, and its cells, the simplest first."""

    key: Key
    cells: tuple[Any, ...]

    @property
    def full(self) -> int:
        """The mask of all cells."""
        return (1 << len(self.cells)) - 1

    def where(self, test: Any) -> int:
        """The mask of the cells that pass a test."""
        return sum(1 << number for number, cell in enumerate(self.cells) if test(cell))


def clauses(axes: Sequence[Axis]) -> Iterator[tuple[int, int, Formula]]:
    """Pairs of axes that depend on one another, with what holds of both in every case."""
    for (one, first), (other, second) in product(enumerate(axes), repeat=2):
        if one != other:
            for clause in _implied(first, second):
                yield one, other, any_of((_outside(one, first, clause[0]), _within(other, second, clause[1])))


def _within(number: int, axis: Axis, mask: int) -> Formula:
    return mask == axis.full if mask in {0, axis.full} else (number, mask)


def _outside(number: int, axis: Axis, mask: int) -> Formula:
    return _within(number, axis, axis.full & ~mask)


def _implied(first: Axis, second: Axis) -> Iterator[tuple[int, int]]:
    """Masks of the first axis that each put the second into a mask."""
    if first.key[0] == second.key[0] == DURATION:
        yield from _longer(first, second)
    elif first.key[0] == second.key[0] == "happened" and first.key[2] == second.key[2]:
        if first.key[1] <= second.key[1]:
            yield first.where(bool), second.where(bool)
    elif first.key == ("escalation_request_open",) and second.key == ("escalation_requests",):
        yield first.where(bool), second.where(lambda cell: cell >= _below(second, 1))
    elif first.key[0] == DURATION and first.key[1][0] == "overdue_for" and second.key == ("outcome", first.key[1][1]):
        yield first.where(lambda cell: cell > 0), second.where(lambda cell: cell == "breached")


def _below(axis: Axis, value: int) -> Any:
    """The cell that contains a value."""
    return max(cell for cell in axis.cells if cell <= value)


def _longer(first: Axis, second: Axis) -> Iterator[tuple[int, int]]:
    """So much on the first axis is at least as much on the second: it began no later, and no less time counts there.

    Only open time counts in business hours, so they never exceed what has elapsed.
    """
    (_, anchor, measure), (_, other, scale) = cast(Any, first.key), cast(Any, second.key)
    earlier = anchor == other or (anchor[0] in _OF_CYCLE and other == ("open_for",))
    if anchor[0] == "remaining" or not earlier or not _comparable(measure, scale):
        return
    for least in first.cells[1:]:
        reached = _below(second, least)
        yield first.where(lambda cell, least=least: cell >= least), second.where(lambda cell, r=reached: cell >= r)


_OF_CYCLE = {name for name, row in FACTS.items() if row.kind == "duration" and row.is_of_cycle}


def _comparable(measure: Measure, scale: Measure) -> bool:
    if measure == scale:
        return measure[0] in {"elapsed", "business"} or measure[2:] == ("close",)
    return measure[0] == "business" and scale == ELAPSED


MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When stories begin, unless the office is closed then."""
EventSketch = tuple[type[BaseEvent], dict[str, Any]]
"""An event without its instant."""

_NEEDED: dict[str, dict[str, Any]] = {
    "EscalationRequested": {},
    "ProgressReported": {"state": "stalled"},
    "ItemAnswered": {"item": "item"},
    "AnswerWithdrawn": {"item": "item"},
    "ChecklistOverridden": {"level": "level", "reason": "agreed"},
    "FactChanged": {"name": "fact", "value": True},
    "CallHeld": {"kind": "call"},
    "ActionTaken": {"key": "action"},
    "Declined": {"key": "move"},
    "LessonSettled": {"lesson": "lesson", "outcome": "done"},
    "PriorityChanged": {"to": ""},
    "Escalated": {"to": ""},
    "CommunicationAgreed": {"plan": {"every": Span(1, "days")}},
}


def beginning(policy: Policy) -> datetime:
    """When cases of stories begin: the first open instant of a Monday, or once the policy is in effect."""
    name = policy.usual_calendar
    calendar = policy.all_calendars.get(name) if isinstance(name, str) else None
    calendar = calendar or BusinessCalendar.always("UTC")
    start = MONDAY if policy.effective_from is None else max(MONDAY, policy.effective_from)
    return calendar.next_open(start.replace(tzinfo=UTC)).astimezone(UTC)


def example_of(policy: Policy, pattern: Pattern) -> EventSketch | None:
    """The simplest event that matches a pattern, if one could be made that does."""
    kind = E.KINDS[pattern.event]
    fields = {**_NEEDED.get(pattern.event, {})}
    named = {"PriorityChanged": policy.priorities, "Escalated": [level.key for level in policy.all_levels]}
    for name in list(named.get(pattern.event, ()))[:1]:
        fields["to"] = name
    if pattern.where and _matches(kind, fields, pattern):
        return kind, fields
    for name, test in pattern.where.items():
        into = fields if name in kind.model_fields else fields.setdefault("plan", {})
        into[name] = _passing(kind, name, test)
    return (kind, fields) if _matches(kind, fields, pattern) else None


def _matches(kind: type[BaseEvent], fields: dict[str, Any], pattern: Pattern) -> bool:
    """Whether an event can be made of these fields, and matches a pattern."""
    try:
        return pattern.matches(kind(at=MONDAY, **fields))
    except InvalidValue:
        return False


def _passing(kind: type[BaseEvent], name: str, test: FieldTest) -> Any:
    """A value that passes a test of a field."""
    field = kind.model_fields.get(name)
    several = field is not None and get_origin(field.annotation) is tuple
    if test.test == "among":
        value = next((one for one in test.values if one is not None), None) if several else test.values[0]
    else:
        allowed = _limits(kind, name) or ("some", "another", "a third")
        value = next((one for one in allowed if test.accepts(one)), "/".join(map(str, test.values)) + "+")
    return () if several and value is None else (value,) if several else value


def _limits(kind: type[BaseEvent], name: str) -> tuple[Any, ...]:
    """The values that a field is limited to; none where it may hold any text."""
    field = kind.model_fields.get(name)
    annotation = field.annotation if field else None
    found: list[Any] = []
    for part in (annotation, *get_args(annotation)):
        found += (True, False) if part is bool else get_args(part) if get_origin(part) is Literal else ()
        found += [None] if part is type(None) else []
    return tuple(found) if found != [None] else ()


def is_possible(pattern: Pattern) -> bool:
    """False where no event can match: a field asked for values that it cannot have."""
    kind = E.KINDS[pattern.event]
    limits = ((test, _limits(kind, name)) for name, test in pattern.where.items())
    return all(not limited or any(map(test.accepts, limited)) for test, limited in limits)


# Each fact in its context is an *axis*: the priority, the level on a track, how long a case has been open in office
# hours. Its cells are values, or intervals between the thresholds with which the policy compares it, each named by its
# least value; what may be unknown has a cell for that, in which neither a comparison nor its opposite holds. In every
# state of every case each fact is in one cell, so what holds in no choice of cells holds in no case. Not the other way
# round: a choice of cells need not be the state of any case, although some impossible pairs are excluded.

OTHER = "another"
"""A text that the policy does not name; lengthened where it happens to."""


class _Raw(NamedTuple):
    """A literal before its axis has cells."""

    key: Key
    op: str
    value: Any


def scopes_of(policy: Policy) -> Iterator[tuple[Rule, RuleScope]]:
    """The rules of a policy, each with the scope of its condition."""
    tracks = {code.name: code.track for code in program_of(policy).rules}
    for rule in policy.all_rules:
        track = tracks[rule.key]
        yield rule, RuleScope(track, rule.to is not None, calendars_of_rule(policy, rule, track))


def scope_of_target(policy: Policy, target: Target, level: str | None) -> RuleScope:
    """The scope of the condition of a target; `level` is the one whose target it is."""
    place = None if level is None else program_of(policy).places[level]
    return RuleScope(0, False, up_to_a_name((target.calendar, *calendars_of_targets(policy, place))))


class Space:
    """The axes of a policy and of what else is asked about it, and formulas over them.

    Every condition must be given when the space is made, because the cells depend on all of them. `everywhere` is what
    holds in every case: that the cells of all axes can go together.
    """

    def __init__(
        self,
        policy: Policy,
        conditions: Iterable[tuple[Condition, RuleScope]] = (),
        breaks: Mapping[Key, Iterable[Any]] | None = None,
    ) -> None:
        self.policy, self.machine = policy, machine_of(policy)
        self.program = self.machine.program
        self._scopes = {rule.key: scope for rule, scope in scopes_of(policy)}
        names = Names(self.program.tracks, self.program.places, self.program.ranks, self.program.calendars)
        self._collector = TestCollector(names, self.program.tests, self.program.watched)
        self._codes = {code.name: code for code in self.program.rules}
        self._raw: dict[tuple[int, RuleScope], tuple[Condition, Formula]] = {}
        self._holding: dict[str, tuple[Formula, Formula]] = {}
        constants: dict[Key, set[Any]] = {key: set(values) for key, values in (breaks or {}).items()}
        for track in range(len(self.program.tracks)):
            constants.setdefault(("level", track), set())
        constants[("status",)] = set()
        formulas = [
            *map(self._raw_of, self._trees()),
            *(self._read(condition, scope) for condition, scope in conditions),
        ]
        for raw in (raw for formula in formulas for raw in _literals(formula)):
            constants.setdefault(raw.key, set()).update(_constants(raw))
        self.axes = tuple(Axis(key, self._cells(key, values)) for key, values in constants.items())
        self.number = {axis.key: number for number, axis in enumerate(self.axes)}
        self.sizes = tuple(len(axis.cells) for axis in self.axes)
        self.full = tuple(axis.full for axis in self.axes)
        self._clauses = tuple(clauses(self.axes))
        self.everywhere = all_of(clause for _, _, clause in self._clauses)

    def _trees(self) -> Iterator[Tree]:
        """Yield the conditions of the program: of rules, their guards, and of targets."""
        for code in self.program.rules:
            yield from (tree for tree in (code.own_tree, code.unless) if tree is not None)
        for target in self.program.targets:
            yield from (variant.when for variant in target.variants if variant.when is not None)

    @cached_property
    def start(self) -> datetime:
        """When cases of stories begin."""
        return beginning(self.policy)

    def scope(self, rule: Rule) -> RuleScope:
        """The scope of the condition of one of the policy's rules."""
        return self._scopes[rule.key]

    # ------------------------------------------------------------------------ formulas

    def formula(self, condition: Condition, scope: RuleScope) -> Formula:
        """The formula of a condition in its scope."""
        return self._masked(self._read(condition, scope))

    def holds(self, rule: Rule) -> Formula:
        """Where a rule holds: its condition, on the levels it is for, while the case is open or waiting."""
        return self._both(rule)[0]

    def of_rule(self, rule: Rule, scope: RuleScope) -> Formula:
        """Where the condition of a rule of another policy holds, and its guard does not hold it back."""
        when = self.formula(rule.when, scope)
        return when if rule.unless is None else all_of((when, self.negated(self.formula(rule.unless, scope))))

    def fails(self, rule: Rule) -> Formula:
        """Where a rule does not hold: also where a fact that it needs is unknown."""
        return self._both(rule)[1]

    def _both(self, rule: Rule) -> tuple[Formula, Formula]:
        if rule.key not in self._holding:
            code = self._codes[rule.key]
            guard = True if code.unless is None else self.negated(self._masked(self._raw_of(code.unless)))
            formula = all_of((self.live, self.at(rule), self._masked(self._raw_of(code.own_tree)), guard))
            self._holding[rule.key] = formula, self.negated(formula)
        return self._holding[rule.key]

    @cached_property
    def live(self) -> Formula:
        """Where rules run."""
        return self.compare(("status",), "in", ("open", "waiting"))

    def at(self, rule: Rule) -> Formula:
        """Where the levels stand that a rule is for."""
        if not rule.at_level:
            return True
        places = [self._place(key) for key in rule.at_level]
        return any_of(
            self.stands(track, [level for one, level in places if one == track]) for track in {one for one, _ in places}
        )

    def stands(self, track: int, levels: Iterable[int]) -> Formula:
        """Where a case stands on one of these levels of a track; -1 is nowhere."""
        number = self.number["level", track]
        cells = self.axes[number].cells
        mask = sum(1 << cells.index(level) for level in set(levels))
        return mask != 0 if mask in {0, self.full[number]} else (number, mask)

    def compare(self, key: Key, op: str, value: Any) -> Formula:
        """Where a comparison holds."""
        return self._masked(_Raw(key, op, value))

    def negated(self, formula: Formula) -> Formula:
        """Where a formula does not hold: also where it is unknown."""
        if isinstance(formula, bool):
            return not formula
        kind, inner = formula
        if isinstance(kind, int):
            return kind, self.axes[kind].full & ~inner
        return (any_of if kind == "all" else all_of)(map(self.negated, inner))

    def given(self, formula: Formula, key: Key, cell: Any) -> Formula:
        """The formula where an axis is in one cell: it no longer looks at that axis."""
        if key not in self.number or isinstance(formula, bool):
            return formula
        number = self.number[key]
        kind, inner = formula
        if isinstance(kind, int):
            only = self.axes[number].where(lambda one: one == cell)
            return bool(inner & only) if kind == number else formula
        return (all_of if kind == "all" else any_of)(self.given(part, key, cell) for part in inner)

    def possible(self, formula: Formula) -> Formula:
        """The formula, and that the cells of its axes can go together."""
        if not self._clauses:
            return formula
        axes = axes_of(formula)
        clauses = (clause for one, other, clause in self._clauses if one in axes and other in axes)
        return all_of((formula, *clauses))

    def _place(self, level: str) -> tuple[int, int]:
        return self.program.places[level]

    def _masked(self, formula: Formula) -> Formula:
        if isinstance(formula, bool):
            return formula
        if isinstance(formula, _Raw):
            number = self.number[formula.key]
            axis = self.axes[number]
            mask = axis.where(lambda cell: _compare(formula.op, cell, formula.value))
            return mask == axis.full if mask in {0, axis.full} else (number, mask)
        return (all_of if formula[0] == "all" else any_of)(map(self._masked, formula[1]))

    # ------------------------------------------------------------------------ reading tests

    def _read(self, condition: Condition, scope: RuleScope) -> Formula:
        key = (id(condition), scope)
        if key not in self._raw:
            self._raw[key] = condition, self._raw_of(self._collector.tree(normal(condition), scope))
        return self._raw[key][1]

    def _raw_of(self, tree: Tree) -> Formula:
        """The comparisons of a condition with values of the axes."""
        if isinstance(tree, int):
            return self._comparison(self._collector.tests[tree])
        return tree[0], tuple(map(self._raw_of, tree[1]))

    def _comparison(self, test: Test) -> Formula:
        if isinstance(test, PickedTest):
            return any_of(self._picked(test))
        if isinstance(test, LevelTest):
            kind, op = ("any", "in") if test.wanted else ("all", "not in")
            return kind, tuple(_Raw(("level", track), op, tuple(sorted(numbers))) for track, numbers in test.places)
        if isinstance(test, ValueTest):
            return _Raw(self._key(test), test.op, test.value)
        if isinstance(test, OverdueItemsTest):
            return _Raw(("plan_items_overdue",), test.op, test.value)
        if isinstance(test, OutcomeTest):
            return _Raw(("outcome", test.target), "in", tuple(sorted(test.outcomes)))
        if isinstance(test, UsedTest):
            return _Raw(("used", test.target), ">=" if test.wanted else "<", test.share)
        if isinstance(test, HappenedTest):
            return _Raw(("happened", frozenset(test.patterns), test.track), "==", test.wanted)
        return self._length(test)

    def _key(self, test: ValueTest) -> Key:
        if test.fact in FACTS and FACTS[test.fact].about == "track":
            track = test.track
            if FACTS[test.fact].kind == "count":
                return test.fact, tuple(range(len(self.program.tracks))) if track is None else (track,)
            return test.fact, track
        return (test.fact,)

    def _picked(self, test: PickedTest) -> Iterator[Formula]:
        """A test of a duration for each combination of values by which its span or calendar is picked."""
        by = test.choices.by
        for values in product(*(self.values_of(name) for name in by)):
            now = dict(zip(by, values, strict=True))
            one = test.choices.choose(partial(picked, current=now))
            guards = [_Raw(_pick_key(name), "is", self._cell_of(name, value)) for name, value in now.items()]
            if one is not None:
                yield "all", (*guards, self._length(one))

    def _length(self, test: DurationTest | PastDueTest | TimeLeftTest) -> Formula:
        op = ">=" if test.wanted else "<"
        if isinstance(test, TimeLeftTest):
            measured = _measured(test.span, test.calendar, self._line_of(test.calendar)) if test.span else (ELAPSED, 0)
            return _Raw((DURATION, ("remaining", test.target), measured[0]), op, measured[1])
        if not test.span.amount:
            return test.wanted
        measure, amount = _measured(test.span, test.calendar, test.line)
        if isinstance(test, PastDueTest):
            return _Raw((DURATION, ("overdue_for", test.target), measure), op, amount)
        about = (test.track,) if FACTS[test.fact].about else ()
        return _Raw((DURATION, (test.fact, *about), measure), op, amount)

    def _line_of(self, calendar: Calendar) -> int:
        return next(line for one, line in self.program.calendars.values() if one is calendar)

    def measure(self, span: Span, calendar: str | None) -> tuple[Measure, int]:
        """On which scale a span counts in a calendar, and how far it reaches there."""
        return _measured(span, *self.program.calendars[calendar])

    def values_of(self, by: str) -> tuple[Any, ...]:
        """The values that a pick may depend on: priorities, those of a choice fact or a flag, and None for unknown."""
        if by == "priority":
            return (None, *self.policy.priorities)
        fact = self.policy.own_fact(by)
        unknown = (None,) if fact is None or fact.default is None else ()
        if fact is not None and fact.kind == "flag":
            return (*unknown, False, True)
        return (*unknown, *(fact.values if fact else ()))

    def _cell_of(self, by: str, value: Any) -> Any:
        return self.program.ranks.get(str(value), None) if by == "priority" else value

    # ------------------------------------------------------------------------ cells

    def _cells(self, key: Key, constants: set[Any]) -> tuple[Any, ...]:
        fact = key[0]
        if fact == "priority":
            return (None, *range(len(self.policy.priorities)))
        if fact == "level":
            levels = len(self.program.levels[key[1]])
            return tuple(range(levels)) if key[1] == 0 and levels else tuple(range(-1, levels))
        if fact == DURATION:
            unknown = (None,) if key[1][0] == "remaining" else ()
            return (*unknown, *sorted({0, *constants}))
        if fact == "used":
            return tuple(sorted({Fraction(0), *constants}))
        own = self.policy.own_fact(fact)
        if own is not None:
            return self._cells_of_own(own.kind, own, constants)
        named = {"status": STATUSES, "outcome": OUTCOMES, "channel": _texts(constants)}.get(fact)
        if named is not None:
            return tuple(named)
        if fact == "happened" and not any(map(is_possible, key[1])):
            return (False,)
        if fact in FACTS and FACTS[fact].kind == "count":
            return tuple(sorted({0, *(one for one in constants if one > 0)}))
        return (False, True)

    def _cells_of_own(self, kind: str, own: Any, constants: set[Any]) -> tuple[Any, ...]:
        # rule 31: a fact with a default is never unknown
        unknown = (None,) if own.default is None else ()
        if kind == "flag":
            return (*unknown, False, True)
        if kind == "choice":
            return (*unknown, *own.values)
        if kind == "label":
            return tuple(text for text in _texts(constants) if text is not None or unknown)
        return (*unknown, *sorted({own.minimum, *(one for one in constants if own.minimum <= one <= own.maximum)}))


def _measured(span: Span, calendar: Calendar | None, line: int) -> tuple[Measure, int]:
    """On which scale a span counts, and how far it reaches there; `calendar` matters for spans of days and months."""
    length = span.microseconds
    if length is not None:
        return ("business", line) if span.is_business and line else ELAPSED, length
    if span.is_business:
        return ("business days", calendar, span.due), int(span.amount)
    if span.unit == "months":
        return ("months", calendar), int(span.amount)
    return ("days", calendar), int(span.amount) * (7 if span.unit == "weeks" else 1)


def picked_value(given: Any, now: Mapping[str, str | None]) -> Any:
    """The value itself, or what a pick of values comes to."""
    return picked(given, now)


def _pick_key(by: str) -> Key:
    return (by,)


def _texts(constants: set[Any]) -> tuple[Any, ...]:
    other = OTHER
    while other in constants:
        other += "'"
    return (None, *sorted(constants), other)


def _constants(raw: _Raw) -> Iterator[Any]:
    """The values at which a comparison can change."""
    values = raw.value if isinstance(raw.value, tuple) else (raw.value,)
    for value in values:
        if value is None or isinstance(value, bool):
            continue
        if raw.key[0] != DURATION and isinstance(value, int):
            yield from (value, value + 1)
        else:
            yield value


def _literals(formula: Formula) -> Iterator[_Raw]:
    if isinstance(formula, _Raw):
        yield formula
    elif not isinstance(formula, bool):
        for part in formula[1]:
            yield from _literals(part)


def _compare(op: str, cell: Any, value: Any) -> bool:
    if op == "is":
        return bool(cell == value)
    return cell is not None and COMPARE[op](cell, value)
