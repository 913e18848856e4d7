"""Hypothesis strategies: cases and histories from the names of a policy; random policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.actions import RaisePriority, Tag
from escalation_rules.case import Case
from escalation_rules.checklists import Checklist, Item
from escalation_rules.conditions import Atom, atoms
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.fact_table import FACTS, Count, Kept
from escalation_rules.facts import OwnFact
from escalation_rules.levels import EscalationLevel
from escalation_rules.patterns import BaseEvent, Pattern
from escalation_rules.picks import Pick, alternatives
from escalation_rules.policy import Policy
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target, waits_of
from escalation_rules.testing.runs import MICROSECOND, Run
from escalation_rules.worktime import BusinessCalendar, Span

YEAR = 2026
"""The year in which random cases happen: its clock changes and holidays are as good as any other's."""


def pick_values(value: Any) -> tuple[Any, ...]:
    """What a pick may come to, or the one value there is; nothing for None."""
    found = tuple(alternatives(value))
    return tuple(one for one in found if one is not None)


def calendar_of(policy: Policy, track: str) -> Any:
    """The calendar of a track where nothing else is said; None where that depends on the case."""
    own = next(one.calendar for one in policy.all_tracks if one.key == track)
    named = own if own is not None else policy.usual_calendar
    return None if isinstance(named, Pick) or named is None else policy.all_calendars[named]


def problem_with(policy: object) -> Problem | None:
    """What is wrong with what was given as a policy, if it is none; a function that makes one is to be called."""
    if isinstance(policy, Policy):
        return None
    name = getattr(policy, "__name__", "")
    meant = f"{name}()" if callable(policy) and not isinstance(policy, type) and name else ""
    return Problem(
        "not a policy", meant.removesuffix("()") or policy, path="policy", expected="a `Policy`", suggestion=meant
    )


class Vocabulary:
    """The vocabulary of one policy. Raises `InvalidValue` for what is no policy."""

    def __init__(self, policy: Policy) -> None:
        if problem := problem_with(policy):
            raise InvalidValue(problem)
        self.policy = policy

    @cached_property
    def atoms(self) -> tuple[Atom, ...]:
        """Every comparison of every rule and target."""
        conditions = [rule.when for rule in self.policy.all_rules]
        conditions += [rule.unless for rule in self.policy.all_rules if rule.unless is not None]
        conditions += [target.when for target in self.policy.all_targets if target.when is not None]
        return tuple(atom for condition in conditions for atom in atoms(condition))

    @cached_property
    def facts(self) -> frozenset[str]:
        """The names of the facts that rules and targets look at; a target that pauses looks at the status."""
        pausing = {"status"} if any(target.pause_on for target in self.policy.all_targets) else set()
        return frozenset(pausing.union(atom.fact for atom in self.atoms))

    @cached_property
    def calendar(self) -> Any:
        """The calendar that is meant when nobody says: closing times are taken from it."""
        named = pick_values(self.policy.usual_calendar)
        return self.policy.all_calendars[named[0]] if named else BusinessCalendar.always()

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """Every threshold: of rules, targets, checklists and minimum stays, the shortest first."""
        found = [span for atom in self.atoms if atom.kind == "duration" for span in pick_values(atom.value)]
        found += [span for target in self.policy.all_targets for span in pick_values(target.within)]
        found += [span for level in self.policy.all_levels for span in pick_values(level.min_stay)]
        found += [span for item in self.items for span in pick_values(item.valid_for)]
        return tuple(sorted(dict.fromkeys(found), key=lambda span: self.calendar.add(_MONDAY, span)))

    @cached_property
    def checklists(self) -> tuple[Checklist, ...]:
        """Every checklist of every level."""
        lists = (one for level in self.policy.all_levels for one in (level.entry, level.work, level.de_escalation))
        return tuple(dict.fromkeys(checklist for checklist in lists if checklist))

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Every item of every checklist."""
        return tuple(dict.fromkeys(item for checklist in self.checklists for item in checklist.items))

    @cached_property
    def waits(self) -> tuple[str, ...]:
        """What cases wait for: the customer, whatever pauses a target, and something that pauses none."""
        pauses = (one for target in self.policy.all_targets for one in waits_of(target))
        return tuple(dict.fromkeys(("customer", *pauses, "nobody")))

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """Every pattern of events that the policy listens for."""
        return tuple(dict.fromkeys(self._patterns()))

    def _patterns(self) -> Iterator[Pattern]:
        for atom in self.atoms:
            if atom.fact == "happened":
                yield from atom.pattern
        for target in self.policy.all_targets:
            yield from target.stop_on
            if isinstance(target.start_on, tuple):
                yield from target.start_on
        for item in self.items:
            yield from item.answered_by

    def values(self, fact: OwnFact) -> tuple[Any, ...]:
        """The values of a fact between which the policy can tell, and unknown."""
        if fact.kind == "flag":
            return True, False, None
        if fact.kind == "choice":
            return (*fact.values, None)
        constants = [one for atom in self.atoms if atom.fact == fact.name for one in _several(atom.value)]
        if fact.kind == "count":
            near = sorted({value + step for value in constants or [0] for step in (0, 1, -1)})
            return (*(value for value in near if fact.problem_with(value) is None), None)
        return (*dict.fromkeys([*constants, "another"]), None)

    @cached_property
    def channels(self) -> tuple[str | None, ...]:
        """The entrances that the policy speaks of, and one it does not."""
        named = [one for atom in self.atoms if atom.fact == "channel" for one in _several(atom.value)]
        tests = [test for pattern in self.patterns for name, test in pattern.where.items() if name == "channel"]
        named += [one for test in tests for one in test.values if isinstance(one, str)]
        return (None, *dict.fromkeys([*named, "carrier pigeon"]))

    @cached_property
    def starts(self) -> tuple[datetime, ...]:
        """When cases open: a Monday morning, before a weekend, and in the nights in which the clocks change."""
        zone = self.calendar.zone
        days = [datetime(YEAR, 1, 1, 23, 30, tzinfo=zone) + timedelta(days=day) for day in range(365)]
        changes = [today for today, next_day in pairwise(days) if today.utcoffset() != next_day.utcoffset()]
        office = [datetime(YEAR, 3, day, hour, minute, tzinfo=zone) for day, hour, minute in _OFFICE]
        return tuple(one.astimezone(UTC) for one in (*office, *changes))


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


_MONDAY = datetime(YEAR, 3, 2, 9, tzinfo=UTC)
_OFFICE = ((2, 9, 0), (2, 13, 0), (6, 16, 30), (7, 12, 0), (31, 23, 59))

# An event comes at the same instant as the one before, after one of the policy's own spans or a microsecond to either
# side, at closing or opening time, in the night in which the clocks change, or long afterwards. Examples shrink towards
# few events, a Monday morning and plain fields.

Advance = Callable[[datetime], datetime]
"""From the event before to when the next one happens."""
Happenings = tuple[BaseEvent, ...]
Draw = tuple[set[str], st.SearchStrategy[Happenings]]
"""A kind of thing that happens, with the names of the facts that it turns."""


def instants(policy: Policy | None = None) -> st.SearchStrategy[datetime]:
    """Aware instants in 2026: half hours from a beginning of interest, and a microsecond to either side."""
    starts = Vocabulary(policy).starts if policy else Vocabulary(_NOBODYS).starts
    return st.builds(
        lambda start, half_hours, off: start + timedelta(minutes=30 * half_hours, microseconds=off),
        st.sampled_from(starts),
        st.integers(0, 14 * 48),
        st.sampled_from((0, -1, 1)),
    )


def spans() -> st.SearchStrategy[Span]:
    """Spans in every unit, short ones first."""
    whole = st.sampled_from(("hours", "business hours", "minutes", "business days", "days", "seconds", "weeks"))
    return st.builds(Span, amount=st.integers(0, 40), unit=whole)


def calendars() -> st.SearchStrategy[BusinessCalendar]:
    """Business calendars: office hours, nights, lunch breaks and round the clock, in zones that change their clocks."""
    hours: list[Any] = [
        {"mon-fri": "09:00-17:00"},
        {"mon-fri": ["09:00-12:00", "13:00-17:30"], "sat": "10:00-14:00"},
        {"mon-sun": "22:00-06:00"},
        {"mon-sun": "00:00-24:00"},
        {"sun": "01:30-02:30", "wed": "12:00-12:01"},
    ]
    return st.builds(
        BusinessCalendar,
        st.sampled_from(("UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")),
        st.sampled_from(hours),
        st.sampled_from(((), ("GB-ENG",), ("2026-03-03", "2026-03-29"))),
    )


def histories(policy: Policy, *, most: int = 10) -> st.SearchStrategy[tuple[BaseEvent, ...]]:
    """Histories under a policy: the opening and up to `most` events after it."""
    words = Vocabulary(policy)
    one = st.tuples(steps(words), events(words))
    few, many = st.lists(one, max_size=most), st.lists(one, min_size=most // 2, max_size=most)
    half = (_of_few_kinds(words, most) for _ in range(2))
    return st.builds(_told, openings(words), st.one_of(few, many, *half))


def _of_few_kinds(words: Vocabulary, most: int) -> st.SearchStrategy[list[tuple[Advance, Happenings]]]:
    """Stories of which one kind of thing makes a rule of the policy hold or not, and at most two others happen.

    Half of them are over within hours, before much else falls due.
    """
    kinds = _kinds(words)
    telling = [kind for turns, kind in kinds if turns & words.facts] or [kind for _, kind in kinds]
    others = st.lists(st.sampled_from([kind for _, kind in kinds]), max_size=2)
    some = st.tuples(st.sampled_from((steps(words), _soon())), st.sampled_from(telling), others)
    return some.flatmap(lambda of: st.lists(st.tuples(of[0], st.one_of(of[1], *of[2])), min_size=1, max_size=most))


def cases(policy: Policy, *, most: int = 10) -> st.SearchStrategy[Case]:
    """Cases under a policy, of up to `most` events after the opening."""
    return histories(policy, most=most).map(lambda history: Case("C-1", history))


def runs(policy: Policy, *, most: int = 10) -> st.SearchStrategy[Run]:
    """Runs of cases under a policy: what it says at every event and every wake-up."""
    return cases(policy, most=most).map(lambda case: Run.of(policy, case))


def _told(opening: BaseEvent, rest: list[tuple[Advance, Happenings]]) -> tuple[BaseEvent, ...]:
    history = [opening]
    for step, events in rest:
        at = max(history[-1].at, step(history[-1].at), opening.at)
        history += [event.model_copy(update={"at": at}) for event in events]
    return tuple(history)


# ---------------------------------------------------------------------------- when
def steps(words: Vocabulary) -> st.SearchStrategy[Advance]:
    """When the next thing happens, from when the last did: one choice of many, the plainest first."""
    return st.sampled_from(_evenly([[_after(timedelta(0))], *_gaps(words)]))


def _soon() -> st.SearchStrategy[Advance]:
    """The first of them: within the hour."""
    return st.sampled_from([_after(timedelta(minutes=minutes)) for minutes in (0, 30, 60)])


def _gaps(words: Vocabulary) -> Iterator[list[Advance]]:
    """Minutes, days, closing and opening times, the policy's own spans, and other times of interest."""
    calendar, near = words.calendar, (timedelta(0), -MICROSECOND, MICROSECOND)
    yield [_after(timedelta(minutes=minutes)) for minutes in (30, 60, 240)]
    yield [_after(timedelta(days=days)) for days in (1, 3, 30)]
    yield [_at_edge(edge, off) for off in near for edge in (calendar.next_close, calendar.next_open)]
    if words.spans:
        yield [_reaching(calendar, span, off) for off in near for span in words.spans]
    yield [lambda before: next((one for one in sorted(words.starts) if one > before), before)]


def _evenly(groups: list[list[Advance]]) -> list[Advance]:
    """All in one list, in order, and then each group as often again as makes them equally likely.

    One choice can be made smaller step by step, which leads to shorter histories than a choice of groups would.
    """
    longest = max(map(len, groups))
    again = [group[number % len(group)] for group in groups for number in range(len(group), longest)]
    return [step for group in groups for step in group] + again


def _after(gap: timedelta) -> Advance:
    return lambda before: before + gap


def _reaching(calendar: Any, span: Span, off: timedelta) -> Advance:
    return lambda before: calendar.add(before, span) + off


def _at_edge(edge: Callable[[datetime], datetime | None], off: timedelta) -> Advance:
    def at(before: datetime) -> datetime:
        found = edge(before)
        return before if found is None else found + off

    return at


# ---------------------------------------------------------------------------- what
def openings(words: Vocabulary) -> st.SearchStrategy[BaseEvent]:
    """How a case opens."""
    policy = words.policy
    facts = {fact.name: st.sampled_from(words.values(fact)[:-1]) for fact in policy.facts}
    return st.builds(
        E.Opened,
        at=st.sampled_from(words.starts),
        priority=st.sampled_from((*policy.priorities, None)),
        channel=st.sampled_from(words.channels),
        actor=st.sampled_from(("customer", "customer", "customer", "staff")),
        facts=st.fixed_dictionaries({}, optional=facts),
    )


def _seldom() -> st.SearchStrategy[bool]:
    return st.sampled_from((False, False, False, True))


def events(words: Vocabulary) -> st.SearchStrategy[Happenings]:
    """What happens at one instant, which is set afterwards: everyday events, and what the policy listens for."""
    return st.one_of([kind for _, kind in _kinds(words)])


def _kinds(words: Vocabulary) -> list[Draw]:
    """The kinds of things that happen, each with the facts that it turns."""
    at, policy = words.starts[0], words.policy
    levels, entered = [level.key for level in policy.all_levels], [one for one in policy.all_levels if one.entry]
    groups: list[tuple[set[str], list[Happenings]]] = [
        (_ASKED, [(E.EscalationRequested(at=at),), (E.EscalationRequestAnswered(at=at),)]),
        (_FAILED, [(E.LevelFailed(at=at),)]),
        (_TAKEN_UP, [(E.Acknowledged(at=at),), *((E.Assigned(at=at, person=one),) for one in ("Ann", "Ben", None))]),
        (
            _facts_of("status", E.Resolved, E.Reopened, E.Closed, E.Voided),
            [(E.Resolved(at=at),), (E.Reopened(at=at),), (E.Closed(at=at),), (E.Voided(at=at),)],
        ),
        (_facts_of("level"), [(E.Escalated(at=at, to=key),) for key in levels]),
        (_facts_of("level"), [(E.DeEscalated(at=at, to=key, reason="better"),) for key in levels]),
        (_FAILED, [(E.LevelFailed(at=at, level=key),) for key in levels]),
        (_facts_of("priority"), [(E.PriorityChanged(at=at, to=priority),) for priority in policy.priorities]),
        *[({one.name}, _observations(words, one, at)) for one in policy.facts],
        (_facts_of("status"), _waits(words, at)),
        (set(), [(E.WaitStarted(at=at, on=on),) for on in words.waits[:-1]]),
        (set(), _answers(words, at)),
        (set(), [tuple(_good_answers(checklist, at)) for checklist in words.checklists]),
        (set(), [tuple(_good_answers(checklist, at))[:-1] for checklist in words.checklists]),
        (set(), [(E.DeEscalated(at=at, to=key, reason="better"), E.EscalationRequested(at=at)) for key in levels]),
        (set(), [(E.ChecklistOverridden(at=at, level=one.key, reason="urgent"),) for one in entered]),
    ]
    some: list[Draw] = [(_TOLD, _messages(at)), *((turns, st.sampled_from(group)) for turns, group in groups if group)]
    if heard := [pattern for pattern in words.patterns if pattern.event != "Opened"]:
        alike = st.sampled_from(heard).flatmap(lambda pattern: _like(pattern, at)).map(lambda one: (one,))
        some.append((_facts_of("seen"), alike))
    return some


def _facts_of(part: str = "", *kinds: type[BaseEvent]) -> set[str]:
    """The facts that are kept in a part of the state, or that events of some kinds begin, raise or end.

    A beginning of a cycle begins too much to be meant for any fact.
    """
    names, found = {kind.__name__ for kind in kinds}, set()
    for fact, row in FACTS.items():
        source = row.source
        if isinstance(source, Kept):
            if source.part == part:
                found.add(fact)
            continue
        until = () if isinstance(source, Count) else source.until
        if names & {pattern.event for pattern in (*source.of, *until)} and E.Opened.like() not in source.of:
            found.add(fact)
    return found


_ASKED = _facts_of("", E.EscalationRequested, E.EscalationRequestAnswered)
_FAILED = _facts_of("failures")
_TAKEN_UP = _facts_of("roles", E.Acknowledged)
_TOLD = _facts_of("", E.CustomerReplied, E.SupportReplied) | {"no_update_for"}


def _observations(words: Vocabulary, fact: OwnFact, at: datetime) -> list[Happenings]:
    return [(E.FactChanged(at=at, name=fact.name, value=value),) for value in words.values(fact)]


def _waits(words: Vocabulary, at: datetime) -> list[Happenings]:
    if not words.policy.all_targets:
        return []
    return [*((E.WaitStarted(at=at, on=on),) for on in words.waits), (E.WaitEnded(at=at),)]


def _messages(at: datetime) -> st.SearchStrategy[Happenings]:
    replies = st.builds(E.CustomerReplied, at=st.just(at), asks_to_escalate=_seldom(), asks_for_status=_seldom())
    answers = st.builds(E.SupportReplied, at=st.just(at), public=st.sampled_from((True, False)), automatic=_seldom())
    return (replies | answers).map(lambda one: (one,))


def _answers(words: Vocabulary, at: datetime) -> list[Happenings]:
    """Every answer to every item, and taking it back."""
    given = [
        E.ItemAnswered(at=at, item=i.key, answer=a, evidence="seen") for i in words.items for a in i.answers or "?"
    ]
    return [(one,) for one in (*given, *(E.AnswerWithdrawn(at=at, item=item.key) for item in words.items))]


def _good_answers(checklist: Checklist, at: datetime) -> Iterator[BaseEvent]:
    """All that a checklist asks for, answered so that nothing argues against a move."""
    for item in checklist.items:
        good = [answer for answer in item.answers or ("told",) if answer not in item.blocked_by]
        if good:
            yield E.ItemAnswered(at=at, item=item.key, answer=good[0], evidence="seen")


def _like(pattern: Pattern, at: datetime) -> st.SearchStrategy[BaseEvent]:
    """Events of a pattern's kind, with each field as the pattern has it, or otherwise."""
    kind = E.KINDS[pattern.event]
    fields = {name: st.sampled_from(_candidates(test)) for name, test in pattern.where.items()}
    usual = {name: st.just(value) for name, value in _USUAL.get(pattern.event, {}).items()}
    return st.fixed_dictionaries({**usual, **fields}).map(lambda given: _made(kind, at, given))


def _candidates(test: Any) -> tuple[Any, ...]:
    if test.test == "given":
        return ("something", None)
    return (*test.values, None) if test.test == "among" else ("something else", *test.values)


def _made(kind: type[BaseEvent], at: datetime, given: dict[str, Any]) -> BaseEvent:
    """The event, with what does not fit its fields left out."""
    plain = {name: value for name, value in given.items() if name in kind.model_fields and value is not None}
    for fields in (plain, _USUAL.get(kind.__name__, {})):
        try:
            return kind(at=at, **{**_USUAL.get(kind.__name__, {}), **fields})
        except ValueError:
            continue
    return E.CustomerReplied(at=at)


_USUAL: dict[str, dict[str, Any]] = {
    "ProgressReported": {"state": "fine"},
    "CommunicationAgreed": {"plan": E.CommunicationPlan(every="1 business day")},
    "CallHeld": {"kind": "status", "participants": ("customer",)},
    "LessonSettled": {"lesson": "ask sooner", "outcome": "done"},
    "Declined": {"key": "none"},
    "ActionTaken": {"key": "none"},
    "ItemAnswered": {"item": "none"},
    "AnswerWithdrawn": {"item": "none"},
    "FactChanged": {"name": "none", "value": True},
}

_NOBODYS = Policy(name="nobody's", version="1", levels=())

LEVELS = ("first", "second", "third", "fourth")
PRIORITIES = ("low", "normal", "high")
SPANS = st.sampled_from(("1 hour", "4 business hours", "8 business hours", "1 business day", "2 days")).map(Span.parse)
ENTRY = Checklist.of(impact="Is the business impact described?", problem="Is the problem statement correct?")


def policies() -> st.SearchStrategy[Policy]:
    """Policies of one track: two to four levels, up to five rules, up to three targets, in some calendar.

    Examples shrink towards two levels, no rules and no targets.
    """
    return st.builds(
        _policy,
        calendar=calendars(),
        levels=st.integers(2, len(LEVELS)).flatmap(lambda size: st.tuples(*map(_level, LEVELS[:size]))),
        rules=st.lists(_rules(), max_size=5),
        targets=st.lists(_targets(), max_size=3, unique_by=lambda target: target.key),
    )


def _policy(calendar: Any, levels: tuple[EscalationLevel, ...], rules: list[Rule], targets: list[Target]) -> Policy:
    keys = [level.key for level in levels]
    kept = [rule for rule in rules if rule.to in {None, NEXT, *keys}]
    return Policy(
        name="random",
        version="1",
        calendars={"usual": calendar},
        calendar="usual",
        priorities=PRIORITIES,
        facts=(F.flag("production_down"), F.count("seats", minimum=0, maximum=1_000)),
        levels=levels,
        rules=tuple(rule.model_copy(update={"key": f"rule {number}"}) for number, rule in enumerate(kept)),
        targets=(Target.resolution("5 business days"), *targets),
    )


def _level(key: str) -> st.SearchStrategy[EscalationLevel]:
    return st.builds(
        EscalationLevel,
        key=st.just(key),
        owner=st.just(f"{key} line"),
        entry=st.sampled_from((None, None, ENTRY)),
        min_stay=st.none() | SPANS,
        escalate_after=st.none() | st.none() | SPANS,
    )


def _rules() -> st.SearchStrategy[Rule]:
    moves = st.builds(Rule, key=st.just("rule"), when=_conditions(), to=st.sampled_from((*LEVELS, NEXT)))
    asks = st.sampled_from((Tag(text="look"), RaisePriority(to="high"), RaisePriority(to=NEXT)))
    return moves | st.builds(Rule, key=st.just("rule"), when=_conditions(), then=asks)


def _conditions() -> st.SearchStrategy[Any]:
    lasting = st.sampled_from((F.open_for, F.unanswered_for, F.at_level_for, F.no_update_for))
    atoms = (
        st.builds(lambda fact, span: fact >= span, lasting, SPANS)
        | st.sampled_from(PRIORITIES).map(lambda priority: F.priority >= priority)
        | st.integers(0, 2).map(lambda number: F.escalation_requests >= number)
        | st.sampled_from((F.level_failed, F.escalation_request_open, F.flag("production_down"))).map(
            F.Fact.as_condition
        )
        | st.sampled_from(
            (F.outcome("resolution") == "breached", F.used("resolution") >= "75%", F.count("seats") > 100)
        )
    )
    return st.recursive(
        atoms,
        lambda inner: (
            st.builds(lambda a, b: a & b, inner, inner)
            | st.builds(lambda a, b: a | b, inner, inner)
            | inner.map(lambda one: ~one)
        ),
        max_leaves=3,
    )


def _targets() -> st.SearchStrategy[Target]:
    made = st.sampled_from((Target.first_response, Target.next_response, Target.update))
    return st.builds(lambda make, span: make(span), made, SPANS)
