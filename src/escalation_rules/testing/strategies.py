"""Hypothesis strategies: cases and histories under a policy, at the instants where mistakes show.

An event comes at the same instant as the one before, after one of the policy's own spans or a microsecond to either
side, at closing or opening time, in the night in which the clocks change, or long afterwards. Examples shrink towards
few events, a Monday morning and plain fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from escalation_rules import events as E
from escalation_rules.case import Case
from escalation_rules.checklists import Checklist
from escalation_rules.facts import OwnFact
from escalation_rules.patterns import Happening, Pattern
from escalation_rules.policy import Policy
from escalation_rules.testing.runs import Run
from escalation_rules.testing.words import Words
from escalation_rules.worktime import BusinessCalendar, Span

__all__ = ["calendars", "cases", "events", "histories", "instants", "openings", "runs", "spans", "steps"]

MICROSECOND = timedelta(microseconds=1)
Step = Callable[[datetime], datetime]
"""From the event before to when the next one happens."""
Happenings = tuple[Happening, ...]
Kind = tuple[set[str], st.SearchStrategy[Happenings]]
"""A kind of thing that happens, with the names of the facts that it turns."""


def instants(policy: Policy | None = None) -> st.SearchStrategy[datetime]:
    """Aware instants in 2026: half hours from a beginning of interest, and a microsecond to either side."""
    starts = Words(policy).starts if policy else Words(_NOBODYS).starts
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


def histories(policy: Policy, *, most: int = 10) -> st.SearchStrategy[tuple[Happening, ...]]:
    """Histories under a policy: the opening and up to `most` events after it."""
    words = Words(policy)
    one = st.tuples(steps(words), events(words))
    few, many = st.lists(one, max_size=most), st.lists(one, min_size=most // 2, max_size=most)
    half = (_of_few_kinds(words, most) for _ in range(2))
    return st.builds(_told, openings(words), st.one_of(few, many, *half))


def _of_few_kinds(words: Words, most: int) -> st.SearchStrategy[list[tuple[Step, Happenings]]]:
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


def _told(opening: Happening, rest: list[tuple[Step, Happenings]]) -> tuple[Happening, ...]:
    history = [opening]
    for step, events in rest:
        at = max(history[-1].at, step(history[-1].at), opening.at)
        history += [event.model_copy(update={"at": at}) for event in events]
    return tuple(history)


# ---------------------------------------------------------------------------- when


def steps(words: Words) -> st.SearchStrategy[Step]:
    """When the next thing happens, from when the last did: one choice of many, the plainest first."""
    return st.sampled_from(_evenly([[_after(timedelta(0))], *_gaps(words)]))


def _soon() -> st.SearchStrategy[Step]:
    """The first of them: within the hour."""
    return st.sampled_from([_after(timedelta(minutes=minutes)) for minutes in (0, 30, 60)])


def _gaps(words: Words) -> Iterator[list[Step]]:
    """Minutes, days, closing and opening times, the policy's own spans, and other times of interest."""
    calendar, near = words.calendar, (timedelta(0), -MICROSECOND, MICROSECOND)
    yield [_after(timedelta(minutes=minutes)) for minutes in (30, 60, 240)]
    yield [_after(timedelta(days=days)) for days in (1, 3, 30)]
    yield [_at_edge(edge, off) for off in near for edge in (calendar.next_close, calendar.next_open)]
    if words.spans:
        yield [_reaching(calendar, span, off) for off in near for span in words.spans]
    yield [lambda before: next((one for one in sorted(words.starts) if one > before), before)]


def _evenly(groups: list[list[Step]]) -> list[Step]:
    """All in one list, in order, and then each group as often again as makes them equally likely.

    One choice can be made smaller step by step, which leads to shorter histories than a choice of groups would.
    """
    longest = max(map(len, groups))
    again = [group[number % len(group)] for group in groups for number in range(len(group), longest)]
    return [step for group in groups for step in group] + again


def _after(gap: timedelta) -> Step:
    return lambda before: before + gap


def _reaching(calendar: Any, span: Span, off: timedelta) -> Step:
    return lambda before: calendar.add(before, span) + off


def _at_edge(edge: Callable[[datetime], datetime | None], off: timedelta) -> Step:
    def at(before: datetime) -> datetime:
        found = edge(before)
        return before if found is None else found + off

    return at


# ---------------------------------------------------------------------------- what


def openings(words: Words) -> st.SearchStrategy[Happening]:
    """How a case opens."""
    policy = words.policy
    facts = {fact.name: st.sampled_from(words.values(fact)[:-1]) for fact in policy.facts}
    return st.builds(
        E.Opened,
        at=st.sampled_from(words.starts),
        priority=st.sampled_from((*policy.priorities, None)),
        channel=st.sampled_from(words.channels),
        by_staff=_seldom(),
        facts=st.fixed_dictionaries({}, optional=facts),
    )


def _seldom() -> st.SearchStrategy[bool]:
    return st.sampled_from((False, False, False, True))


def events(words: Words) -> st.SearchStrategy[Happenings]:
    """What happens at one instant, which is set afterwards: everyday events, and what the policy listens for."""
    return st.one_of([kind for _, kind in _kinds(words)])


def _kinds(words: Words) -> list[Kind]:
    """The kinds of things that happen, each with the facts that it turns."""
    at, policy = words.starts[0], words.policy
    levels, entered = [level.key for level in policy.all_levels], [one for one in policy.all_levels if one.entry]
    groups: list[tuple[set[str], list[Happenings]]] = [
        (_ASKED, [(E.EscalationRequested(at=at),), (E.EscalationAnswered(at=at),)]),
        (_FAILED, [(E.LevelFailed(at=at),)]),
        (_TAKEN_UP, [(E.Acknowledged(at=at),), *((E.Assigned(at=at, person=one),) for one in ("Ann", "Ben", None))]),
        ({"status", "reopened"}, [(E.Resolved(at=at),), (E.Reopened(at=at),), (E.Closed(at=at),), (E.Voided(at=at),)]),
        ({"level", "moves"}, [(E.Escalated(at=at, to=key),) for key in levels]),
        ({"level"}, [(E.DeEscalated(at=at, to=key, reason="better"),) for key in levels]),
        (_FAILED, [(E.LevelFailed(at=at, level=key),) for key in levels]),
        ({"priority"}, [(E.PriorityChanged(at=at, to=priority),) for priority in policy.priorities]),
        *[({one.name}, _observations(words, one, at)) for one in policy.facts],
        ({"status"}, _waits(words, at)),
        (set(), [(E.WaitStarted(at=at, on=on),) for on in words.waits[:-1]]),
        (set(), _answers(words, at)),
        (set(), [tuple(_good_answers(checklist, at)) for checklist in words.checklists]),
        (set(), [tuple(_good_answers(checklist, at))[:-1] for checklist in words.checklists]),
        (set(), [(E.DeEscalated(at=at, to=key, reason="better"), E.EscalationRequested(at=at)) for key in levels]),
        (set(), [(E.ChecklistOverridden(at=at, level=one.key, reason="urgent"),) for one in entered]),
    ]
    some: list[Kind] = [(_TOLD, _messages(at)), *((turns, st.sampled_from(group)) for turns, group in groups if group)]
    if heard := [pattern for pattern in words.patterns if pattern.event != "Opened"]:
        alike = st.sampled_from(heard).flatmap(lambda pattern: _like(pattern, at)).map(lambda one: (one,))
        some.append(({"happened"}, alike))
    return some


_ASKED = {"escalation_requested", "escalations"}
_FAILED = {"level_failed"}
_TAKEN_UP = {"acknowledged", "unassigned_for", "assignments"}
_TOLD = {"unanswered_for", "since_update", "replies", "status_requests", *_ASKED}


def _observations(words: Words, fact: OwnFact, at: datetime) -> list[Happenings]:
    return [(E.FactObserved(at=at, name=fact.name, value=value),) for value in words.values(fact)]


def _waits(words: Words, at: datetime) -> list[Happenings]:
    if not words.policy.all_targets:
        return []
    return [*((E.WaitStarted(at=at, on=on),) for on in words.waits), (E.WaitEnded(at=at),)]


def _messages(at: datetime) -> st.SearchStrategy[Happenings]:
    replies = st.builds(E.CustomerReplied, at=st.just(at), asks_to_escalate=_seldom(), asks_for_status=_seldom())
    answers = st.builds(E.SupportReplied, at=st.just(at), public=st.sampled_from((True, False)), automatic=_seldom())
    return (replies | answers).map(lambda one: (one,))


def _answers(words: Words, at: datetime) -> list[Happenings]:
    """Every answer to every item, and taking it back."""
    given = [
        E.ItemConfirmed(at=at, item=i.key, answer=a, evidence="seen") for i in words.items for a in i.answers or "?"
    ]
    return [(one,) for one in (*given, *(E.ItemWithdrawn(at=at, item=item.key) for item in words.items))]


def _good_answers(checklist: Checklist, at: datetime) -> Iterator[Happening]:
    """All that a checklist asks for, answered so that nothing argues against a move."""
    for item in checklist.items:
        good = [answer for answer in item.answers or ("told",) if answer not in item.against]
        if good:
            yield E.ItemConfirmed(at=at, item=item.key, answer=good[0], evidence="seen")


def _like(pattern: Pattern, at: datetime) -> st.SearchStrategy[Happening]:
    """Events of a pattern's kind, with each field as the pattern has it, or otherwise."""
    kind = E.KINDS[pattern.event]
    fields = {name: st.sampled_from(_candidates(test)) for name, test in pattern.where.items()}
    usual = {name: st.just(value) for name, value in _USUAL.get(pattern.event, {}).items()}
    return st.fixed_dictionaries({**usual, **fields}).map(lambda given: _made(kind, at, given))


def _candidates(test: Any) -> tuple[Any, ...]:
    if test.test == "given":
        return ("something", None)
    return (*test.values, None) if test.test == "among" else ("something else", *test.values)


def _made(kind: type[Happening], at: datetime, given: dict[str, Any]) -> Happening:
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
    "MoveDeclined": {"key": "none"},
    "ActionTaken": {"key": "none"},
    "ItemConfirmed": {"item": "none"},
    "ItemWithdrawn": {"item": "none"},
    "FactObserved": {"name": "none", "value": True},
}

_NOBODYS = Policy(name="nobody's", version="1", levels=())
