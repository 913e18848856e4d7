"""From a policy to its program.

Comparisons become bits, rules become trees over bits, targets become tables by event.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

from escalation_rules import events as E
from escalation_rules.conditions import OUTCOMES, AllOf, Atom, Condition, atoms, normal, parts
from escalation_rules.engine.bits import (
    AGREED,
    CYCLE,
    FIRST_CLOCK,
    LEVEL,
    LONG_AGO,
    OWN_FACT,
    PRIORITY,
    STATUS,
    Comparison,
    Dial,
    Face,
    Gauge,
    Reach,
    Share,
    Tree,
)
from escalation_rules.engine.comparisons import Context, Ended, Sight, Used, looks_at, sight_of
from escalation_rules.engine.effects import EFFECTS
from escalation_rules.engine.machine import Choice, Group, Program, RuleCode, Script, State, Test
from escalation_rules.events import KINDS
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick, choices
from escalation_rules.policy import Policy
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, Calendar
from escalation_rules.worktime._timeline import CONTINUOUS, Line, microseconds_of

__all__ = ["compile_policy"]

ALWAYS = BusinessCalendar.always("UTC")


def compile_policy(policy: Policy) -> Program:
    """The program of a policy."""
    lines: list[Line] = [CONTINUOUS]
    calendars: dict[str | None, tuple[Calendar, int]] = {None: (ALWAYS, 0)}
    for name, calendar in policy.calendars.items():
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
    collected = _Comparisons(program)
    _compile_rules(program, collected)
    _compile_targets(program, collected)
    _compile_items(program)
    _sort_comparisons(program, collected)
    program.watchers = len(collected.watched)
    program.requests = tuple(_request_numbers(collected))
    program.scripts = _scripts(program, collected)
    return program


def _sort_comparisons(program: Program, collected: _Comparisons) -> None:
    """Those on dials, on gauges and on faces of clocks, and the rest; a slot for all that changes as time passes."""
    program.comparisons = tuple(collected.found.values())
    program.dials = tuple(collected.dials.values())
    program.gauges = tuple(
        _gauge(number, looks, reaches) for number, (looks, reaches) in enumerate(collected.gauges.values())
    )
    slots: list[Gauge | Face | Comparison] = [*program.gauges]
    program.faces = tuple(_face(program, key, seen, slots) for key, seen in collected.faces.items())
    shared = {id(one) for dial in program.dials for one in dial.comparisons} | collected.shared
    program.single = tuple(one for one in program.comparisons if id(one) not in shared)
    for one in program.single:
        if one.look is not None:
            one.slot = len(slots)
            slots.append(one)
    program.slots = tuple(slots)
    program.timed = tuple(sorted({line for one in slots for line in _lines_of(program, one)}))


def _lines_of(program: Program, one: Gauge | Face | Comparison) -> Iterable[int]:
    """The lines on which it may wait for its time."""
    if isinstance(one, Comparison):
        return range(len(program.lines))
    return one.lines if isinstance(one, Face) else (one.line,)


def _lines_of_target(program: Program, key: str) -> Iterator[int]:
    """The lines on which the clocks of a target may run."""
    yield 0
    for choice in (choice for group in program.groups if group.key == key for choice in group.choices):
        for given in choice.calendar:
            yield from (program.calendars[name][1] for name in choices(given))
            if isinstance(given, str):
                break


def _face(
    program: Program, key: str, seen: list[tuple[int, Used | Ended]], slots: list[Gauge | Face | Comparison]
) -> Face:
    """The face of a target's clock, with these comparisons. It takes a slot for breaches, and one for each share."""
    ends = {1 << number: one.outcomes for number, one in seen if isinstance(one, Ended)}
    uses = [(1 << number, one) for number, one in seen if isinstance(one, Used)]
    shares = {
        one.share: len(slots) + bool(ends) + place
        for place, one in enumerate({one.share: one for _, one in uses}.values())
    }
    face = Face(
        key=key,
        looks_at=program.clock_bits[key],
        mask=sum(1 << number for number, _ in seen),
        lines=tuple(set(_lines_of_target(program, key))) if uses else (0,),
        outcomes={outcome: sum(bit for bit, held_by in ends.items() if outcome in held_by) for outcome in OUTCOMES},
        slot=len(slots) if ends else None,
        shares=tuple(
            Share(
                slot,
                share.numerator,
                share.denominator,
                used=sum(bit for bit, one in uses if one.share == share and one.wanted),
                before=sum(bit for bit, one in uses if one.share == share and not one.wanted),
            )
            for share, slot in shares.items()
        ),
    )
    slots += [face] * (bool(ends) + len(shares))
    return face


def _gauge(number: int, looks: int, reaches: list[tuple[int, Reach]]) -> Gauge:
    """The comparisons with these numbers, of one anchor and line, by length."""
    lengths = tuple(sorted({reach.length for _, reach in reaches}))
    bits = tuple(
        sum(1 << bit for bit, reach in reaches if (lengths.index(reach.length) < reached) == reach.wanted)
        for reached in range(len(lengths) + 1)
    )
    first, mask = reaches[0][1], sum(1 << bit for bit, _ in reaches)
    return Gauge(number, looks, first.line, first.anchor, lengths, bits, mask, initial=int(lengths[0] == 0))


def _scripts(program: Program, collected: _Comparisons) -> dict[type, Script]:
    """What each kind of event does under this policy."""
    watched = _tests_by_kind((number, one) for patterns, number in collected.watched.items() for one in patterns)
    answers = _tests_by_kind((number, one) for item, number in program.items.items() for one in item.done_by)
    starters = _groups_by_kind(program.groups, _starting)
    stoppers = _groups_by_kind(program.groups, lambda choice: choice.stops)
    choices = [choice for group in program.groups for choice in group.choices]
    heard = {*watched, *answers, *(kind for choice in choices for kind in (*(choice.starts or ()), *choice.stops))}
    return {
        kind: Script(
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


class _Comparisons:
    """The comparisons of a program as they are collected: equal atoms in equal contexts share a bit."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.found: dict[Hashable, Comparison] = {}
        self.dials: dict[Hashable, Dial] = {}
        self.gauges: dict[Hashable, tuple[int, list[tuple[int, Reach]]]] = {}
        self.faces: dict[str, list[tuple[int, Used | Ended]]] = {}
        self.shared: set[int] = set()
        self.watched: dict[tuple[Pattern, ...], int] = {}

    def tree(self, condition: Condition, context: Context) -> Tree:
        """The condition over bits."""
        if isinstance(condition, Atom):
            return self.comparison(condition, context)
        kind = "all" if isinstance(condition, AllOf) else "any"
        return kind, tuple(self.tree(part, context) for part in parts(condition))

    def comparison(self, atom: Atom, context: Context) -> int:
        """The number of the atom's comparison, which is made when it is met for the first time."""
        key = (atom, context.track, context.goes, context.calendars)
        if key not in self.found:
            watched = self.watch(atom)
            seen = watched if (atom.op == "==") == atom.value else None
            looks = looks_at(atom, self.program) | _picks_of(atom.value, *context.calendars_of(atom)[:1])
            self.add(key, looks, sight_of(atom, context, watched), seen=seen, silent=atom.fact == "level")
        return self.found[key].number

    def gate(self, key: Hashable, looks: int, sight: Sight) -> int:
        """The number of a bit that is no comparison of the policy's and never evidence."""
        if key not in self.found:
            self.add(key, looks, sight, silent=True)
        return self.found[key].number

    def add(self, key: Hashable, looks: int, sight: Sight, *, seen: int | None = None, silent: bool = False) -> None:
        """One more bit, on its dial, its gauge or its face if it has one."""
        made = self.found[key] = Comparison(len(self.found), looks, sight.holds, sight.look, seen, silent)
        if sight.value is not None:
            dial = self.dials.setdefault(sight.dial, Dial(looks, sight.value))
            dial.comparisons.append(made)
            dial.mask |= 1 << made.number
        if sight.reach is not None:
            self.gauges.setdefault(sight.reach.key, (looks, []))[1].append((made.number, sight.reach))
            self.shared.add(id(made))
        if (seen_on := sight.used or sight.ends) is not None:
            self.faces.setdefault(seen_on.key, []).append((made.number, seen_on))
            self.shared.add(id(made))

    def watch(self, atom: Atom) -> int | None:
        """The number under which it is remembered when an event last matched the atom's pattern."""
        return self.watched.setdefault(atom.pattern, len(self.watched)) if atom.pattern else None


def _picks_of(*given: Any) -> int:
    """What picks among these look at."""
    return PRIORITY | OWN_FACT if any(isinstance(one, Pick) for one in given) else 0


def _picks_of_facts(*given: Any) -> bool:
    """Whether any of these is a pick by something else than the priority."""
    return any(isinstance(one, Pick) and one.by != "priority" for one in given)


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
            gate = Sight(_stands_at(places), "level", lambda state: tuple(state.level))
            stay = ("all", (collected.gate(("at", rule.at), LEVEL, gate), own))
        rules.append(
            RuleCode(
                number=number,
                name=rule.name,
                tree=("all", (collected.gate("running", STATUS | LEVEL | CYCLE, Sight(_runs, "running", _runs)), stay)),
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


def _runs(state: State) -> bool:
    """Rules run on a live case that is not external."""
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


def _tests_by_kind(patterns: Iterable[tuple[int, Pattern]]) -> dict[type, tuple[tuple[int, Test], ...]]:
    """Tests of patterns, each with the number it stands for, by the kind of event they match."""
    found: dict[type, tuple[tuple[int, Test], ...]] = {}
    for one, pattern in patterns:
        kind = KINDS[pattern.event]
        found[kind] = (*found.get(kind, ()), (one, pattern.matches))
    return found


def _compile_targets(program: Program, collected: _Comparisons) -> None:
    policy = program.policy
    scopes: list[tuple[str | None, tuple[int, int] | None, tuple[Target, ...], Any]] = [
        (None, None, policy.targets, None)
    ]
    for key, (track, level) in program.places.items():
        found = program.levels[track][level]
        scopes.append((key, (track, level), found.targets, program.tracks[track].calendar))
    groups: list[Group] = []
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
                Group(len(groups), key, level_key, place, choices, looks, program.clock_bits[key], plain, again)
            )
    program.groups = tuple(groups)
    program.groups_of_level = {
        key: tuple(group for group in groups if (group.level or "") == key) for key in ("", *program.places)
    }
    program.turning = STATUS | LEVEL
    for group in groups:
        program.turning |= group.looks_at
    program.touching = program.turning | CYCLE if groups else 0


_WAKING = (E.Opened, E.CustomerReplied, E.Reopened, E.Escalated, E.DeEscalated, E.Observed)
"""After which of these somebody may wait for an answer who did not before."""


def _starting(choice: Choice) -> Iterable[type]:
    """The kinds of events that may start a target."""
    if choice.unanswered:
        return KINDS.values() if choice.when is not None else _WAKING
    return choice.starts or ()


def _groups_by_kind(
    groups: Iterable[Group], kinds_of: Callable[[Choice], Iterable[type]]
) -> dict[type, tuple[Group, ...]]:
    kinds = {id(group): {kind for choice in group.choices for kind in kinds_of(choice)} for group in groups}
    return {kind: tuple(group for group in groups if kind in kinds[id(group)]) for kind in set().union(*kinds.values())}


def _choice(collected: _Comparisons, target: Target, calendars: tuple[Any, ...]) -> Choice:
    starts = target.starts if isinstance(target.starts, tuple) and target.starts else None
    return Choice(
        when=None if target.when is None else _predicate(collected, target.when, calendars),
        within=target.within,
        calendar=(target.calendar, *calendars),
        starts=None if starts is None else _patterns_by_kind(starts),
        stops=_patterns_by_kind(target.stops, stopping=True),
        unanswered=target.starts == "unanswered",
        at_the_end=any(pattern.event in {"Resolved", "Closed"} for pattern in starts or ()),
        pauses=frozenset(target.pauses),
        recurs=target.recurs,
        agreed=target.agreed,
        is_priced=not target.agreed and not _picks_of_facts(target.within, target.calendar, *calendars),
    )


def _patterns_by_kind(patterns: tuple[Pattern, ...], *, stopping: bool = False) -> dict[type, Test]:
    """One test for each kind of event that the patterns match."""
    kinds = dict.fromkeys(KINDS[pattern.event] for pattern in patterns)
    return {kind: _test([one for one in patterns if KINDS[one.event] is kind], stopping=stopping) for kind in kinds}


def _test(patterns: list[Pattern], *, stopping: bool) -> Test:
    """Whether an event of the patterns' kind matches one of them; a reply that could stop a clock is a counting one."""
    if any(not one.where or (stopping and one == E.COUNTING_REPLY) for one in patterns):
        return lambda _: True
    if len(patterns) == 1:
        return patterns[0].matches
    return lambda event: any(one.matches(event) for one in patterns)


def _predicate(collected: _Comparisons, condition: Condition, calendars: tuple[Any, ...]) -> Callable[[State], bool]:
    """A target's condition, asked of the state itself: it sees no durations, so no bit need be kept for it."""
    context = Context(collected.program, 0, goes=False, calendars=calendars)

    def build(part: Condition) -> Callable[[State], bool]:
        if isinstance(part, Atom):
            return sight_of(part, context, collected.watch(part)).holds
        tests = [build(one) for one in parts(part)]
        combine = all if isinstance(part, AllOf) else any
        return lambda state: combine(test(state) for test in tests)

    return build(normal(condition))


def _target_looks_at(program: Program, targets: list[Target], track_calendar: Any) -> int:
    """What may change which target applies, its span or its calendar."""
    found = 0
    for target in targets:
        found |= _picks_of(target.within, target.calendar, track_calendar, program.policy.usual_calendar)
        found |= AGREED if target.agreed else 0
        for atom in atoms(target.when) if target.when is not None else ():
            found |= looks_at(atom, program)
    return found


def _compile_items(program: Program) -> None:
    lists = [one for levels in program.levels for level in levels for one in (level.entry, level.work, level.exit)]
    items = dict.fromkeys(item for checklist in lists if checklist for item in checklist.items)
    program.items = {item: number for number, item in enumerate(items)}
    by_key: dict[str, tuple[int, ...]] = {}
    for item, number in program.items.items():
        by_key[item.key] = (*by_key.get(item.key, ()), number)
    program.items_by_key = by_key
