"""Compiles a policy to its program: names become numbers, conditions trees over tests, targets ordered variants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from escalation_rules import events as E
from escalation_rules._values import FrozenDict
from escalation_rules.conditions import atoms, normal
from escalation_rules.events import KINDS
from escalation_rules.fact_table import FACTS, Count, Flag, Kept, Since
from escalation_rules.levels import Track
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick, facts_of
from escalation_rules.policy import Policy
from escalation_rules.program.atoms import Names, RuleScope, TestCollector, choices_of, up_to_a_name
from escalation_rules.program.model import (
    ANSWERED,
    LONG_AGO,
    POSITION_BITS,
    REQUESTED,
    UNANSWERED,
    Change,
    DurationTest,
    EventCode,
    FactUpdate,
    LevelTest,
    PickedTest,
    Program,
    RuleCode,
    TargetCode,
    TargetVariant,
    Test,
    ValueTest,
    terms_of,
)
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, Calendar
from escalation_rules.worktime._timeline import CONTINUOUS, Continuous, OpenLine, microseconds_of

# rule 12: there is no first response to a case that staff opened, and the next response waits for the first
_FIRST_REPLY = Flag((E.Opened.like(actor="staff"), E.COUNTING_REPLY))
_ALWAYS_KEPT = {UNANSWERED: "unanswered_for", REQUESTED: "escalation_request_open", ANSWERED: ""}
"""The facts that every program keeps; the fact without a name is `_FIRST_REPLY`, which no condition can ask about."""


def compile_policy(policy: Policy, *, keep: Iterable[str] = ()) -> Program:
    """Return the program of a policy. `keep` names facts to keep besides those that the policy reads."""
    lines, calendars = _lines(policy)
    names = Names(
        tracks=policy.all_tracks,
        places={
            level.key: (number, rung)
            for number, track in enumerate(policy.all_tracks)
            for rung, level in enumerate(track.levels)
        },
        ranks={name: rank for rank, name in enumerate(policy.priorities)},
        calendars=calendars,
    )
    collector = TestCollector(names)
    rules = tuple(_rule(policy, rule, collector) for rule in sorted(policy.all_rules, key=lambda rule: rule.key))
    tested = len(collector.tests)
    targets = tuple(_targets(policy, collector))
    items = {item: number for number, item in enumerate(_items(policy.all_tracks))}
    by_key: dict[str, tuple[int, ...]] = {}
    for item, number in items.items():
        by_key[item.key] = (*by_key.get(item.key, ()), number)
    kept = tuple(_kept(collector.tests, keep))
    watched = tuple(collector.watched)
    return Program(
        name=policy.name,
        tracks=policy.all_tracks,
        levels=tuple(track.levels for track in policy.all_tracks),
        places=names.places,
        priorities=policy.priorities,
        ranks=names.ranks,
        calendar=policy.usual_calendar,
        calendars=calendars,
        lines=lines,
        rotas=policy.rotas,
        effective_from=LONG_AGO if policy.effective_from is None else microseconds_of(policy.effective_from),
        fresh_from=_fresh_from(policy),
        own=FrozenDict({fact.name: fact for fact in policy.facts}),
        kept=kept,
        tests=tuple(collector.tests),
        tested=tested,
        watched=watched,
        rules=rules,
        targets=targets,
        target_keys=policy.vocabulary.targets,
        items=items,
        items_by_key=by_key,
        events=_events(kept, watched, items, targets),
        latest=_latest(collector.tests[:tested], kept),
    )


def _fresh_from(policy: Policy) -> int:
    """Return the moment from which evidence counts: `effective_from`, unless the backlog is included (rule 19)."""
    if policy.effective_from is None or policy.backlog == "include":
        return LONG_AGO
    return microseconds_of(policy.effective_from) << POSITION_BITS


def _lines(policy: Policy) -> tuple[tuple[Continuous | OpenLine, ...], dict[str | None, tuple[Calendar, int]]]:
    """Return the lines, and the calendars with the numbers of their lines."""
    lines: list[Continuous | OpenLine] = [CONTINUOUS]
    # rule 1: all time is one line, and each calendar has its own line of open time
    calendars: dict[str | None, tuple[Calendar, int]] = {None: (BusinessCalendar.always("UTC"), 0)}
    for name, calendar in policy.all_calendars.items():
        if calendar.line is not CONTINUOUS:
            lines.append(calendar.line)
        calendars[name] = (calendar, len(lines) - 1 if calendar.line is not CONTINUOUS else 0)
    return tuple(lines), calendars


# ---------------------------------------------------------------------------- rules
def _rule(policy: Policy, rule: Rule, collector: TestCollector) -> RuleCode:
    places = collector.names.places
    track = track_of(rule, collector.names)
    scope = RuleScope(track, rule.to is not None, calendars_of_rule(policy, rule, track))
    own = tree = collector.tree(normal(rule.when), scope)
    at = None
    if rule.at_level:
        by_track: dict[int, set[int]] = {}
        for number, level in (places[key] for key in rule.at_level):
            by_track.setdefault(number, set()).add(level)
        at = LevelTest(tuple((number, frozenset(levels)) for number, levels in by_track.items()))
        tree = ("all", (collector.number(at), own))
    return RuleCode(
        name=rule.key,
        own_tree=own,
        tree=tree,
        unless=None if rule.unless is None else collector.tree(normal(rule.unless), scope),
        at=at,
        track=track,
        to=None if rule.to is None or rule.to == NEXT else places[rule.to][1],
        is_next=rule.to == NEXT,
        waived=rule.checklist == "waived",
        then=rule.then,
    )


def calendars_of_rule(policy: Policy, rule: Rule, track: int) -> tuple[str | Pick, ...]:
    """Return the calendars in which a rule's durations may count: its own, its track's, the policy's (rule 30)."""
    return up_to_a_name((rule.calendar, policy.all_tracks[track].calendar, policy.usual_calendar))


def track_of(rule: Rule, names: Names) -> int:
    """Return the track of the level a rule moves to, else the track it names, else that of its levels, else the first.

    The track is a number.
    """
    if rule.to is not None and rule.to != NEXT:
        return names.places[rule.to][0]
    if rule.track is not None:
        return names.track(rule.track)
    named = {names.places[key][0] for key in rule.at_level}
    return named.pop() if len(named) == 1 else 0


# ---------------------------------------------------------------------------- targets
def _targets(policy: Policy, collector: TestCollector) -> Iterator[TargetCode]:
    """Yield the targets of the policy, then those of each level; those with one key are variants of one."""
    scopes: list[tuple[str | None, tuple[int, int] | None, tuple[Target, ...]]] = [(None, None, policy.targets)]
    for key, (track, level) in collector.names.places.items():
        scopes.append((key, (track, level), policy.all_tracks[track].levels[level].targets))
    number = 0
    for level_key, place, targets in scopes:
        for key in dict.fromkeys(target.key for target in targets):
            named = [target for target in targets if target.key == key]
            calendars = calendars_of_targets(policy, place)
            yield TargetCode(
                number=number,
                key=key,
                level=level_key,
                place=place,
                owner=next((target.owner for target in named if target.owner is not None), None),
                variants=tuple(_variant(target, calendars, collector) for target in named),
                reads=frozenset(name for target in named for name in _read_by(target, calendars)),
            )
            number += 1


def calendars_of_targets(policy: Policy, place: tuple[int, int] | None) -> tuple[str | Pick, ...]:
    """Return the calendars of targets that name none: of a level's targets the track's, then the policy's (rule 30)."""
    of_track = None if place is None else policy.all_tracks[place[0]].calendar
    return tuple(calendar for calendar in (of_track, policy.usual_calendar) if calendar is not None)


def _variant(target: Target, calendars: tuple[str | Pick, ...], collector: TestCollector) -> TargetVariant:
    own, table = up_to_a_name((target.calendar, *calendars)), collector.names.calendars
    starts = target.start_on if isinstance(target.start_on, tuple) else ()
    return TargetVariant(
        # rules 16 and 32: a target's `when` reads facts alone, so it is evaluated before any clock
        when=None if target.when is None else collector.tree(normal(target.when), RuleScope(0, False, own)),
        terms=choices_of(target.within, own, lambda span, name: terms_of(span, name, table)),
        idle_terms=choices_of(None, up_to_a_name(calendars), lambda span, name: terms_of(span, name, table)),
        begins="unanswered" if target.start_on == "unanswered" else "events" if starts else "entry",
        starts=starts,
        stops=target.stop_on,
        pauses=target.pause_on,
        recurs=target.recurring,
        agreed=target.use_agreed_interval,
        at_the_end=any(pattern.event in {"Resolved", "Closed"} for pattern in starts),
    )


def _read_by(target: Target, calendars: tuple[str | Pick, ...]) -> Iterator[str]:
    """Yield the facts by which a change may change whether a target applies, or its terms."""
    for part in (target.within, target.pause_on, target.calendar, *calendars):
        yield from facts_of(part)
    if target.use_agreed_interval:
        yield ""
    if target.when is not None:
        yield from (atom.fact for atom in atoms(target.when))


# ---------------------------------------------------------------------------- facts
def _kept(tests: Iterable[Test], keep: Iterable[str]) -> Iterator[str]:
    """Yield the facts of the table that the fold keeps: those that it needs itself, and those that tests read."""
    yield from _ALWAYS_KEPT.values()
    read = dict.fromkeys(
        [test.fact for test in tests if isinstance(test, ValueTest | DurationTest | PickedTest)] + [*keep]
    )
    for name in read:
        if name in FACTS and not isinstance(FACTS[name].source, Kept) and name not in _ALWAYS_KEPT.values():
            yield name


def source_of(name: str) -> Since | Flag | Count | Kept:
    """Return the source of a fact that a program keeps."""
    return FACTS[name].source if name else _FIRST_REPLY


def _updates(kept: tuple[str, ...], kind: str) -> Iterator[FactUpdate]:
    """Yield the changes of kept facts by events of a kind: first what ends, then what begins."""
    for number, name in enumerate(kept):
        source = source_of(name)
        if isinstance(source, Kept):
            continue
        if source.in_cycle and kind in {"Opened", "Reopened"}:
            yield FactUpdate(number, "clear", None)
        for pattern in () if isinstance(source, Count) else source.until:
            if pattern.event == kind:
                yield FactUpdate(number, "clear", pattern if pattern.where else None)
        change: Change = "add" if isinstance(source, Count) else "set first"
        if isinstance(source, Since) and not source.first:
            change = "set"
        for pattern in source.of:
            if pattern.event == kind:
                yield FactUpdate(number, change, pattern if pattern.where else None)


def _latest(tests: list[Test], kept: tuple[str, ...]) -> dict[int, tuple[int, ...]]:
    """Return the tests of rules, by fact, that are true while the fact is and whose evidence is its latest event."""
    found: dict[int, tuple[int, ...]] = {}
    for number, name in enumerate(kept):
        source = source_of(name)
        if isinstance(source, Flag) and source.latest:
            found[number] = tuple(
                place
                for place, test in enumerate(tests)
                if isinstance(test, ValueTest) and test.fact == name and test.holds(True)
            )
    return found


# ---------------------------------------------------------------------------- events
_ENDING = frozenset({E.Resolved, E.Closed, E.Voided})
_WAKING = (E.Opened, E.CustomerReplied, E.Reopened, E.Escalated, E.DeEscalated, E.Reconciled)
"""The kinds of events after which a customer may start to wait for an answer."""


def _events(
    kept: tuple[str, ...],
    watched: tuple[tuple[Pattern, ...], ...],
    items: Mapping[Any, int],
    targets: tuple[TargetCode, ...],
) -> dict[type, EventCode]:
    """Return the effects of the events of each kind."""
    watches = [(number, pattern) for number, patterns in enumerate(watched) for pattern in patterns]
    answers = [(number, pattern) for item, number in items.items() for pattern in item.answered_by]
    variants = [variant for target in targets for variant in target.variants]
    heard = {pattern.event for _, pattern in (*watches, *answers)}
    heard |= {pattern.event for variant in variants for pattern in (*variant.starts, *variant.stops)}
    codes = {}
    for kind in KINDS.values():
        name = kind.__name__
        starters = [target for target in targets if any(_may_start(kind, variant) for variant in target.variants)]
        updates = tuple(_updates(kept, name))
        codes[kind] = EventCode(
            kind=kind,
            updates=updates,
            watched=tuple(pair for pair in watches if pair[1].event == name),
            answers=tuple(pair for pair in answers if pair[1].event == name),
            stoppers=tuple(
                target.number
                for target in targets
                if any(pattern.event == name for variant in target.variants for pattern in variant.stops)
            ),
            starters=tuple(target.number for target in starters),
            awaits=all(variant.begins == "unanswered" for target in starters for variant in target.variants),
            is_heard=name in heard or any(update.pattern is not None for update in updates),
            ends=kind in _ENDING,
            ends_cycle=kind in {*_ENDING, E.Reopened},
        )
    return codes


def _may_start(kind: type, variant: TargetVariant) -> bool:
    """Return whether events of a kind may start a target."""
    if variant.begins == "unanswered":
        return variant.when is not None or kind in _WAKING
    return any(pattern.event == kind.__name__ for pattern in variant.starts)


def _items(tracks: tuple[Track, ...]) -> Iterator[Any]:
    """Yield the items of all checklists, each once."""
    lists = [
        checklist
        for track in tracks
        for level in track.levels
        for checklist in (level.entry, level.work, level.de_escalation)
    ]
    return iter(dict.fromkeys(item for checklist in lists if checklist for item in checklist.items))
