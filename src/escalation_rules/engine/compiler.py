"""From a policy to its program: comparisons become bits, rules become trees over bits, targets become tables by event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from escalation_rules.conditions import AllOf, Atom, Condition, atoms, normal, parts
from escalation_rules.engine.comparisons import Context, looks_at, test_of
from escalation_rules.engine.machine import (
    AGREED,
    CYCLE,
    LEVEL,
    LONG_AGO,
    OWN_FACT,
    PRIORITY,
    STATUS,
    Choice,
    Comparison,
    Group,
    Program,
    RuleCode,
    State,
    Tree,
)
from escalation_rules.events import KINDS
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar
from escalation_rules.worktime._timeline import CONTINUOUS, Line, microseconds_of

__all__ = ["compile_policy"]

ALWAYS = BusinessCalendar.always("UTC")


def compile_policy(policy: Policy) -> Program:
    """The program of a policy."""
    lines: list[Line] = [CONTINUOUS]
    calendars: dict[str | None, tuple[BusinessCalendar, int]] = {None: (ALWAYS, 0)}
    for name, calendar in policy.calendars.items():
        if calendar.line is not CONTINUOUS:
            lines.append(calendar.line)
        calendars[name] = (calendar, len(lines) - 1 if calendar.line is not CONTINUOUS else 0)
    program = Program(
        policy=policy,
        tracks=policy.all_tracks,
        levels=tuple(track.levels for track in policy.all_tracks),
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
    collected = _Comparisons(program)
    _compile_rules(program, collected)
    _compile_targets(program, collected)
    _compile_items(program)
    program.comparisons = tuple(collected.found.values())
    program.watchers = len(collected.watched)
    program.watched = _by_kind((number, one) for patterns, number in collected.watched.items() for one in patterns)
    program.requests = tuple(_request_numbers(collected))
    return program


class _Comparisons:
    """The comparisons of a program as they are collected: equal atoms in equal contexts share a bit."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.found: dict[object, Comparison] = {}
        self.watched: dict[tuple[Pattern, ...], int] = {}

    def tree(self, condition: Condition, context: Context) -> Tree:
        """The condition over bits."""
        if isinstance(condition, Atom):
            return self.comparison(condition, context).number
        kind = "all" if isinstance(condition, AllOf) else "any"
        return kind, tuple(self.tree(part, context) for part in parts(condition))

    def comparison(self, atom: Atom, context: Context) -> Comparison:
        """The atom's comparison, made when it is met for the first time."""
        key = (atom, context.track, context.goes, context.calendars)
        if key not in self.found:
            watched = self.watch(atom)
            holds, crossing = test_of(atom, context, watched)
            positive = (atom.op == "==") == atom.value
            self.found[key] = Comparison(
                len(self.found), looks_at(atom), holds, crossing, watched if positive else None, silent=atom.fact == "level"
            )
        return self.found[key]

    def watch(self, atom: Atom) -> int | None:
        """The number under which it is remembered when an event last matched the atom's pattern."""
        return self.watched.setdefault(atom.pattern, len(self.watched)) if atom.pattern else None

    def gate(self, key: object, looks: int, holds: Callable[[State], bool]) -> int:
        """A bit that is no comparison of the policy's and never evidence."""
        if key not in self.found:
            self.found[key] = Comparison(len(self.found), looks, holds, silent=True)
        return self.found[key].number


def _compile_rules(program: Program, collected: _Comparisons) -> None:
    policy = program.policy
    rules = []
    for number, rule in enumerate(sorted(policy.all_rules, key=lambda rule: rule.name)):
        track = _track_of(program, rule)
        calendars = (rule.calendar, program.tracks[track].calendar, policy.usual_calendar)
        context = Context(program, track, goes=rule.to is not None, calendars=calendars)
        own = collected.tree(normal(rule.when), context)
        stay = own
        if rule.at:
            places = tuple(program.places[key] for key in rule.at)
            stay = ("all", (collected.gate(("at", rule.at), LEVEL, _stands_at(places)), own))
        rules.append(
            RuleCode(
                number=number,
                name=rule.name,
                tree=("all", (collected.gate("running", STATUS | LEVEL | CYCLE, _is_running), stay)),
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


def _request_numbers(collected: _Comparisons) -> Iterator[int]:
    for key, comparison in collected.found.items():
        atom = key[0] if isinstance(key, tuple) else None
        if isinstance(atom, Atom) and atom.fact == "escalation_requested" and (atom.op == "==") == atom.value:
            yield comparison.number


def _is_running(state: State) -> bool:
    return state.live and not state.external


def _stands_at(places: tuple[tuple[int, int], ...]) -> Callable[[State], bool]:
    return lambda state: any(state.level[track] == level for track, level in places)


def _track_of(program: Program, rule: Rule) -> int:
    """The track of the level it names, else the one it names, else that of the levels it is for, else the first."""
    if rule.to not in {None, NEXT}:
        return program.places[str(rule.to)][0]
    if rule.track is not None:
        return next(number for number, track in enumerate(program.tracks) if track.key == rule.track)
    named = {program.places[key][0] for key in rule.at}
    return named.pop() if len(named) == 1 else 0


def _by_kind(patterns: Iterable[tuple[Any, Pattern]]) -> dict[type, tuple[tuple[Any, Pattern], ...]]:
    """Patterns, each with what it stands for, by the kind of event they match."""
    found: dict[type, tuple[tuple[Any, Pattern], ...]] = {}
    for one, pattern in patterns:
        kind = KINDS[pattern.event]
        found[kind] = (*found.get(kind, ()), (one, pattern))
    return found


def _compile_targets(program: Program, collected: _Comparisons) -> None:
    policy = program.policy
    scopes: list[tuple[str | None, tuple[int, int] | None, tuple[Target, ...], Any]] = [(None, None, policy.targets, None)]
    for key, (track, level) in program.places.items():
        found = program.levels[track][level]
        scopes.append((key, (track, level), found.targets, program.tracks[track].calendar))
    groups: list[Group] = []
    for level_key, place, targets, track_calendar in scopes:
        for key in dict.fromkeys(target.key for target in targets):
            choices = tuple(
                _choice(collected, target, (track_calendar, policy.usual_calendar)) for target in targets if target.key == key
            )
            looks = _target_looks_at([target for target in targets if target.key == key], track_calendar, policy)
            groups.append(Group(len(groups), key, level_key, place, choices, looks))
    program.groups = tuple(groups)
    program.groups_of_level = {
        key: tuple(group for group in groups if (group.level or "") == key) for key in ("", *program.places)
    }
    program.starters = _groups_by_kind(groups, lambda choice: choice.starts or {})
    program.stoppers = _groups_by_kind(groups, lambda choice: choice.stops)
    program.unanswered = tuple(group for group in groups if any(choice.unanswered for choice in group.choices))
    for group in groups:
        program.changeable |= group.looks_at


def _groups_by_kind(groups: list[Group], tables: Callable[[Choice], Any]) -> dict[type, tuple[Group, ...]]:
    kinds = {kind for group in groups for choice in group.choices for kind in tables(choice)}
    return {
        kind: tuple(group for group in groups if any(kind in tables(choice) for choice in group.choices)) for kind in kinds
    }


def _choice(collected: _Comparisons, target: Target, calendars: tuple[Any, ...]) -> Choice:
    starts = target.starts if isinstance(target.starts, tuple) and target.starts else None
    return Choice(
        when=None if target.when is None else _predicate(collected, target.when, calendars),
        within=target.within,
        calendar=(target.calendar, *calendars),
        starts=None if starts is None else _patterns_by_kind(starts),
        stops=_patterns_by_kind(target.stops),
        unanswered=target.starts == "unanswered",
        at_the_end=any(pattern.event in {"Resolved", "Closed"} for pattern in starts or ()),
        pauses=frozenset(target.pauses),
        recurs=target.recurs,
        agreed=target.agreed,
    )


def _patterns_by_kind(patterns: tuple[Pattern, ...]) -> dict[type, tuple[Pattern, ...]]:
    return {kind: tuple(one for _, one in found) for kind, found in _by_kind((None, one) for one in patterns).items()}


def _predicate(collected: _Comparisons, condition: Condition, calendars: tuple[Any, ...]) -> Callable[[State], bool]:
    """A target's condition, asked of the state itself: it sees no durations, so no bit need be kept for it."""
    context = Context(collected.program, 0, goes=False, calendars=calendars)

    def build(part: Condition) -> Callable[[State], bool]:
        if isinstance(part, Atom):
            return test_of(part, context, collected.watch(part))[0]
        tests = [build(one) for one in parts(part)]
        combine = all if isinstance(part, AllOf) else any
        return lambda state: combine(test(state) for test in tests)

    return build(normal(condition))


def _target_looks_at(targets: list[Target], track_calendar: Any, policy: Policy) -> int:
    """What may change which target applies, its span or its calendar."""
    found = 0
    for target in targets:
        if any(isinstance(one, Pick) for one in (target.within, target.calendar, track_calendar, policy.usual_calendar)):
            found |= PRIORITY | OWN_FACT
        found |= AGREED if target.agreed else 0
        for atom in atoms(target.when) if target.when is not None else ():
            found |= looks_at(atom)
    return found


def _compile_items(program: Program) -> None:
    lists = [one for levels in program.levels for level in levels for one in (level.entry, level.work, level.exit)]
    items = dict.fromkeys(item for checklist in lists if checklist for item in checklist.items)
    program.items = {item: number for number, item in enumerate(items)}
    by_key: dict[str, tuple[int, ...]] = {}
    for item, number in program.items.items():
        by_key[item.key] = (*by_key.get(item.key, ()), number)
    program.items_by_key = by_key
    program.done_by = _by_kind((number, one) for item, number in program.items.items() for one in item.done_by)
