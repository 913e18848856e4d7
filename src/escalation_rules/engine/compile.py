"""Compiles a policy to its program: names become numbers, targets become ordered groups (rules 16, 20).

Atoms become bits, conditions become trees over bits, targets become tables by kind of event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from escalation_rules import events as E
from escalation_rules.conditions import AllOf, Atom, Condition, atoms, normal, parts
from escalation_rules.engine.atoms import (
    AtomReader,
    Scope,
    TestCollector,
    looks_at,
    reader_of,
    sort_tests,
    what_picks_look_at,
)
from escalation_rules.engine.facts import EFFECTS
from escalation_rules.engine.model import (
    AGREED,
    CYCLE,
    FIRST_CLOCK,
    LEVEL,
    LONG_AGO,
    STATUS,
    EventCode,
    EventMatch,
    Program,
    RuleCode,
    TargetCode,
    TargetVariant,
)
from escalation_rules.engine.state import State
from escalation_rules.events import KINDS
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick, facts_of
from escalation_rules.policy import Policy
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, Calendar
from escalation_rules.worktime._timeline import CONTINUOUS, Line, microseconds_of

ALWAYS = BusinessCalendar.always("UTC")


def compile_policy(policy: Policy) -> Program:
    """Return the program of a policy."""
    lines: list[Line] = [CONTINUOUS]
    # rule 1: all time is one line, and each calendar has its own line of open time
    calendars: dict[str | None, tuple[Calendar, int]] = {None: (ALWAYS, 0)}
    for name, calendar in policy.all_calendars.items():
        if calendar.line is not CONTINUOUS:
            lines.append(calendar.line)
        calendars[name] = (calendar, len(lines) - 1 if calendar.line is not CONTINUOUS else 0)
    program = Program(
        policy=policy,
        tracks=policy.all_tracks,
        levels=tuple(track.levels for track in policy.all_tracks),
        clock_bits={key: FIRST_CLOCK << number for number, key in enumerate(policy.vocabulary.targets)},
        places={
            level.key: (number, rung)
            for number, track in enumerate(policy.all_tracks)
            for rung, level in enumerate(track.levels)
        },
        ranks={name: rank for rank, name in enumerate(policy.priorities)},
        lines=tuple(lines),
        calendars=calendars,
        effective_from=LONG_AGO if policy.effective_from is None else microseconds_of(policy.effective_from),
        facts={fact.name: fact for fact in policy.facts},
    )
    collected = TestCollector(program)
    _compile_rules(program, collected)
    _compile_targets(program, collected)
    _compile_items(program)
    sort_tests(program, collected)
    program.watchers = len(collected.watched)
    program.requests = tuple(_request_numbers(collected))
    program.scripts = _scripts(program, collected)
    return program


def _scripts(program: Program, collected: TestCollector) -> dict[type, EventCode]:
    """Return the effects of each kind of event under this policy."""
    watched = _tests_by_kind(
        (number, pattern) for patterns, number in collected.watched.items() for pattern in patterns
    )
    answers = _tests_by_kind(
        (number, pattern) for item, number in program.items.items() for pattern in item.answered_by
    )
    starters = _groups_by_kind(program.groups, _starting)
    stoppers = _groups_by_kind(program.groups, lambda choice: choice.stops)
    choices = [choice for group in program.groups for choice in group.choices]
    heard = {*watched, *answers, *(kind for choice in choices for kind in (*(choice.starts or ()), *choice.stops))}
    return {
        kind: EventCode(
            kind=kind,
            effect=EFFECTS.get(kind),
            watched=watched.get(kind, ()),
            answers=answers.get(kind, ()),
            stoppers=stoppers.get(kind, ()),
            starters=starters.get(kind, ()),
            awaits=all(choice.unanswered for group in starters.get(kind, ()) for choice in group.choices),
            listens=kind in watched or kind in answers,
            is_heard=kind in heard,
            ends=kind in _ENDING,
            ends_cycle=kind in {*_ENDING, E.Reopened},
        )
        for kind in KINDS.values()
    }


_ENDING = frozenset({E.Resolved, E.Closed, E.Voided})


def _picks_of_facts(*given: Any) -> bool:
    """Return whether any of these values is a pick by something other than the priority."""
    return any(name != "priority" for value in given for name in facts_of(value))


def _compile_rules(program: Program, collected: TestCollector) -> None:
    policy = program.policy
    rules = []
    tracks = {track.key: number for number, track in enumerate(program.tracks)}
    track_of_level = {key: track for key, (track, _) in program.places.items()}
    for number, rule in enumerate(sorted(policy.all_rules, key=lambda rule: rule.key)):
        track = track_of(rule, tracks, track_of_level)
        calendars = (rule.calendar, program.tracks[track].calendar, policy.usual_calendar)
        context = Scope(program, track, goes=rule.to is not None, calendars=calendars)
        own = collected.tree(normal(rule.when), context)
        stay = own
        if rule.at_level:
            places = tuple(program.places[key] for key in rule.at_level)
            gate = AtomReader(_is_at(places), "level", lambda state: tuple(state.level))
            stay = ("all", (collected.gate(("at", rule.at_level), LEVEL, gate), own))
        rules.append(
            RuleCode(
                number=number,
                name=rule.key,
                tree=(
                    "all",
                    (collected.gate("running", STATUS | LEVEL | CYCLE, AtomReader(_runs, "running", _runs)), stay),
                ),
                stay_tree=stay,
                own_tree=own,
                track=track,
                to=None if rule.to is None or rule.to == NEXT else program.places[rule.to][1],
                is_next=rule.to == NEXT,
                waived=rule.checklist == "waived",
                then=rule.then,
            )
        )
    program.rules = tuple(rules)


def _request_numbers(collected: TestCollector) -> Iterator[int]:
    for key, comparison in collected.found.items():
        atom = key[0] if isinstance(key, tuple) else None
        if isinstance(atom, Atom) and atom.fact == "escalation_request_open" and (atom.op == "==") == atom.value:
            yield comparison.number


def _runs(state: State) -> bool:
    """Return whether rules run: the case is live and not external."""
    return state.live and not state.external


def _is_at(places: tuple[tuple[int, int], ...]) -> Callable[[State], bool]:
    return lambda state: any(state.level[track] == level for track, level in places)


def track_of(rule: Rule, tracks: Mapping[str, int], track_of_level: Mapping[str, int]) -> int:
    """Return the track of the level a rule moves to, else the track it names, else that of its levels, else the first.

    Tracks are given by their numbers: `tracks` by key, `track_of_level` by key of a level.
    """
    if rule.to is not None and rule.to != NEXT:
        return track_of_level[rule.to]
    if rule.track is not None:
        return tracks[rule.track]
    named = {track_of_level[key] for key in rule.at_level}
    return named.pop() if len(named) == 1 else 0


def _tests_by_kind(patterns: Iterable[tuple[int, Pattern]]) -> dict[type, tuple[tuple[int, EventMatch], ...]]:
    """Group pattern predicates by the kind of event they match, each with the number that it belongs to."""
    matches: dict[type, tuple[tuple[int, EventMatch], ...]] = {}
    for owner, pattern in patterns:
        kind = KINDS[pattern.event]
        matches[kind] = (*matches.get(kind, ()), (owner, pattern.matches))
    return matches


def _compile_targets(program: Program, collected: TestCollector) -> None:
    policy = program.policy
    scopes: list[tuple[str | None, tuple[int, int] | None, tuple[Target, ...], Any]] = [
        (None, None, policy.targets, None)
    ]
    for key, (track, level) in program.places.items():
        declared = program.levels[track][level]
        scopes.append((key, (track, level), declared.targets, program.tracks[track].calendar))
    groups: list[TargetCode] = []
    for level_key, place, targets, track_calendar in scopes:
        for key in dict.fromkeys(target.key for target in targets):
            choices = tuple(
                _choice(collected, target, (track_calendar, policy.usual_calendar))
                for target in targets
                if target.key == key
            )
            looks = _target_looks_at(program, [target for target in targets if target.key == key], track_calendar)
            plain = len(choices) == 1 and choices[0].when is None
            again = not plain or choices[0].recurs or choices[0].unanswered
            groups.append(
                TargetCode(len(groups), key, level_key, place, choices, looks, program.clock_bits[key], plain, again)
            )
    program.groups = tuple(groups)
    program.groups_of_level = {
        key: tuple(group for group in groups if (group.level or "") == key) for key in ("", *program.places)
    }
    program.turning = STATUS | LEVEL
    for group in groups:
        program.turning |= group.looks_at


_WAKING = (E.Opened, E.CustomerReplied, E.Reopened, E.Escalated, E.DeEscalated, E.Reconciled)
"""The kinds of events after which a customer may start to wait for an answer."""


def _starting(choice: TargetVariant) -> Iterable[type]:
    """Return the kinds of events that may start a target."""
    if choice.unanswered:
        return KINDS.values() if choice.when is not None else _WAKING
    return choice.starts or ()


def _groups_by_kind(
    groups: Iterable[TargetCode], kinds_of: Callable[[TargetVariant], Iterable[type]]
) -> dict[type, tuple[TargetCode, ...]]:
    kinds = {id(group): {kind for choice in group.choices for kind in kinds_of(choice)} for group in groups}
    return {kind: tuple(group for group in groups if kind in kinds[id(group)]) for kind in set().union(*kinds.values())}


def _choice(collected: TestCollector, target: Target, calendars: tuple[Any, ...]) -> TargetVariant:
    starts = target.start_on if isinstance(target.start_on, tuple) and target.start_on else None
    return TargetVariant(
        when=None if target.when is None else _predicate(collected, target.when, calendars),
        within=target.within,
        calendar=(target.calendar, *calendars),
        starts=None if starts is None else _patterns_by_kind(starts),
        stops=_patterns_by_kind(target.stop_on, stopping=True),
        unanswered=target.start_on == "unanswered",
        at_the_end=any(pattern.event in {"Resolved", "Closed"} for pattern in starts or ()),
        pauses=target.pause_on if isinstance(target.pause_on, Pick) else frozenset(target.pause_on),
        recurs=target.recurring,
        agreed=target.use_agreed_interval,
        is_priced=not target.use_agreed_interval and not _picks_of_facts(target.within, target.calendar, *calendars),
    )


def _patterns_by_kind(patterns: tuple[Pattern, ...], *, stopping: bool = False) -> dict[type, EventMatch]:
    """Return one predicate for each kind of event that the patterns match."""
    kinds = dict.fromkeys(KINDS[pattern.event] for pattern in patterns)
    return {kind: _test([one for one in patterns if KINDS[one.event] is kind], stopping=stopping) for kind in kinds}


def _test(patterns: list[Pattern], *, stopping: bool) -> EventMatch:
    """Return a predicate: one of the patterns matches the event. Only replies that count can stop a clock."""
    if any(not pattern.where or (stopping and pattern == E.COUNTING_REPLY) for pattern in patterns):
        return lambda _: True
    if len(patterns) == 1:
        return patterns[0].matches
    return lambda event: any(pattern.matches(event) for pattern in patterns)


def _predicate(collected: TestCollector, condition: Condition, calendars: tuple[Any, ...]) -> Callable[[State], bool]:
    """Compile a target's condition to a predicate of the state: it has no durations, so its tests need no bits."""
    context = Scope(collected.program, 0, goes=False, calendars=calendars)

    def build(part: Condition) -> Callable[[State], bool]:
        if isinstance(part, Atom):
            return reader_of(part, context, collected.watch(part)).holds
        tests = [build(child) for child in parts(part)]
        combine = all if isinstance(part, AllOf) else any
        return lambda state: combine(test(state) for test in tests)

    # rules 16 and 32: a target's `when` reads state alone, so it is evaluated before any clock
    return build(normal(condition))


def _target_looks_at(program: Program, targets: list[Target], track_calendar: Any) -> int:
    """Return the bits of the parts of a state that may change which target applies, its span or its calendar."""
    bits = 0
    for target in targets:
        calendars = (target.calendar, track_calendar, program.policy.usual_calendar)
        bits |= what_picks_look_at(target.within, target.pause_on, *calendars)
        bits |= AGREED if target.use_agreed_interval else 0
        for atom in atoms(target.when) if target.when is not None else ():
            bits |= looks_at(atom, program)
    return bits


def _compile_items(program: Program) -> None:
    lists = [
        one for levels in program.levels for level in levels for one in (level.entry, level.work, level.de_escalation)
    ]
    items = dict.fromkeys(item for checklist in lists if checklist for item in checklist.items)
    program.items = {item: number for number, item in enumerate(items)}
    by_key: dict[str, tuple[int, ...]] = {}
    for item, number in program.items.items():
        by_key[item.key] = (*by_key.get(item.key, ()), number)
    program.items_by_key = by_key
