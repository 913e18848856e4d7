"""Checks of levels: unreachable ones, checklists nobody can satisfy, gaps, levels without cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise, product
from typing import Any

from escalation_rules.analysis.domains import picked_value
from escalation_rules.analysis.report import CheckFinding, finding
from escalation_rules.analysis.witnesses import Recipe
from escalation_rules.analysis.workbench import CaseAt, Workbench
from escalation_rules.case import Case
from escalation_rules.checklists import Checklist
from escalation_rules.decision import levels_of
from escalation_rules.engine import decide
from escalation_rules.explain import phrase_instant
from escalation_rules.levels import EscalationLevel
from escalation_rules.picks import alternatives, facts_of
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, Rota
from escalation_rules.worktime._timeline import datetime_of, microseconds_of
from escalation_rules.worktime.rotas import next_cover_change


def unreachable_levels(board: Workbench, rules: Iterable[Rule]) -> Iterator[CheckFinding]:
    """Levels to which no rule takes a case from where cases start."""
    reached = _reached(board, list(rules))
    for track, levels in enumerate(board.program.levels):
        for number, level in enumerate(levels):
            if (track, number) not in reached:
                yield finding(
                    "unreachable-level",
                    f"levels[{level.key}]",
                    f"no rule ever takes a case to `{level.name}` from where cases start; only a person can put it "
                    "there by hand",
                    "let a rule name it, or take it out",
                )


def _reached(board: Workbench, rules: list[Rule]) -> set[tuple[int, int]]:
    """The places where cases start, and those to which rules lead from there, step by step."""
    reached = {(track, 0 if track == 0 and levels else -1) for track, levels in enumerate(board.program.levels)}
    grown = True
    while grown:
        fresh = {place for rule in rules for place in _led_to(board, rule, reached)} - reached
        reached |= fresh
        grown = bool(fresh)
    return reached


def _led_to(board: Workbench, rule: Rule, reached: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Where a rule takes cases that stand somewhere within reach; further up where the owner may be away."""
    track = board.codes[rule.key].track
    here = [
        board.standing(number, [level for one, level in reached if one == number]) for number in range(_tracks(board))
    ]
    for _, level in sorted(place for place in reached if place[0] == track):
        fresh = [(track, to) for to in _ends(board, rule, level) if (track, to) not in reached]
        question = f"rules[{rule.key}] leads on from there"
        if fresh and not board.never(board.space.holds(rule), board.standing(track, [level]), *here, question=question):
            yield from fresh


def _ends(board: Workbench, rule: Rule, level: int) -> Iterator[int]:
    """The levels on which a move by a rule may end: those above may be where somebody is, and ask their own lists."""
    to, levels = board.wanted(rule, level), board.levels_of(rule)
    if to is not None:
        if rule.checklist == "waived" or not hopeless(levels[to].entry):
            yield to
        yield from (above for above in _skipped_to(board, levels, to) if not hopeless(levels[above].entry))


def _tracks(board: Workbench) -> int:
    return len(board.program.levels)


def _skipped_to(board: Workbench, levels: tuple[EscalationLevel, ...], to: int) -> Iterator[int]:
    """The levels to which a case may go on while nobody is on duty."""
    while levels[to].if_nobody == "skip" and not board.is_free(levels[to]) and to + 1 < len(levels):
        to += 1
        yield to


def hopeless_checklists(board: Workbench) -> Iterator[CheckFinding]:
    """Entry and de-escalation checklists with an item to which every answer argues against."""
    for level in board.policy.all_levels:
        waived = [rule for rule in board.policy.all_rules if rule.to in {level.key, NEXT}]
        if hopeless(level.entry) and not any(rule.checklist == "waived" for rule in waived):
            yield finding(
                "entry-cannot-be-met",
                f"levels[{level.key}].entry",
                f"no case can be moved to `{level.name}`: every answer to {_items(level.entry)} argues against it",
                "let some answer speak for the move",
                _held_back(board, level),
            )
        if hopeless(level.de_escalation):
            yield finding(
                "de-escalation-cannot-be-met",
                f"levels[{level.key}].de_escalation",
                f"no case can go down from `{level.name}`: "
                f"every answer to {_items(level.de_escalation)} argues against it",
                "let some answer speak for going down",
                _standing_there(board, level),
            )


def _held_back(board: Workbench, level: EscalationLevel) -> CaseAt | None:
    """A case that a rule wants on a level where it cannot go."""
    track, number = board.program.places[level.key]
    for rule in board.policy.all_rules:
        below = [one for one in board.places(rule) if board.wanted(rule, one) == number]
        if board.codes[rule.key].track == track and below:
            found = board.witness(rule, board.standing(track, below))
            if found is not None:
                return found
    return None


def _standing_there(board: Workbench, level: EscalationLevel) -> CaseAt | None:
    """A case on a level."""
    track, number = board.program.places[level.key]
    course = next(board.courses(board.standing(track, [number])), None)
    return None if course is None else (course.case, course.case.history[-1].at)


def hopeless(checklist: Checklist | None) -> bool:
    """Whether no answers satisfy a checklist."""
    return bool(_hopeless(checklist))


def _hopeless(checklist: Checklist | None) -> list[str]:
    items = checklist.items if checklist else ()
    return [item.key for item in items if item.answers and set(item.answers) <= set(item.blocked_by)]


def _items(checklist: Checklist | None) -> str:
    return " and ".join(f"`{key}`" for key in _hopeless(checklist))


# Each is found on a case that the engine has folded, or not at all: nothing found here says that there is nothing.


# ---------------------------------------------------------------------------- left alone for ever
def gaps(board: Workbench) -> Iterator[CheckFinding]:
    """Levels on which a case can wait for ever: nothing is owed, nothing runs, and no rule is to come.

    Either whatever happens, or for some priorities or choices only, while others there have a target or a rule.
    """
    for track, levels in enumerate(board.program.levels):
        for number, level in enumerate(levels):
            if track == 0 and not level.external:
                yield from _gap(board, number, level)


def _gap(board: Workbench, number: int, level: EscalationLevel) -> Iterator[CheckFinding]:
    waiting: tuple[str, Case] | None = None
    others = False
    for text, plot in _starts(board, number, level):
        case = _left_alone(board, level, plot)
        if case is None:
            others = True
        elif waiting is None:
            waiting = text, case
            if _is_idle(board, number, level):
                message = f"a case on `{level.name}` can wait there for ever: no rule holds there and no target runs"
                yield _gap_at(level, message, case)
                return
        if waiting and others:
            message = (
                f"a case {waiting[0]} that is left alone on `{level.name}` waits there for ever: no target runs for it "
                "and no rule will come to hold, as they do for others there"
            )
            yield _gap_at(level, message, waiting[1])
            return


def _gap_at(level: EscalationLevel, message: str, case: Case) -> CheckFinding:
    mend = "give it a target, some work, or a rule that holds when nothing happens"
    return finding("gap", f"levels[{level.key}]", message, mend, (case, case.opened_at))


def _starts(board: Workbench, number: int, level: EscalationLevel) -> Iterator[tuple[str, Recipe]]:
    """Openings on a level that differ in what targets, durations and rules go by."""
    policy = board.policy
    here = (("level", level.key),) if number else ()
    ranked = [(("priority", name),) for name in policy.priorities]
    for name, priority in zip(policy.priorities, ranked, strict=True):
        yield f"of priority `{name}`", Recipe((*priority, *here))
    if not ranked:
        yield "of no kind that is named", Recipe(here)
    first = ranked[0] if ranked else ()
    for fact in policy.facts:
        for value in fact.values if fact.name in board.inside.looked_at else ():
            yield f"whose `{fact.name}` is `{value}`", Recipe((*first, *here, ("facts", ((fact.name, value),))))


def _left_alone(board: Workbench, level: EscalationLevel, plot: Recipe) -> Case | None:
    """The case of an opening, if nothing is asked or owed of it, now or ever, while nobody does anything."""
    course = next(board.told.of_plot(plot))
    decision = decide(board.policy, course.case, at=course.case.opened_at)
    if level.key not in levels_of(decision).values() or any(getattr(decision, name) for name in _ASKED):
        return None
    moved_later = any(stage.at_work or stage.moves for stage in course.stages(_CROSSINGS))
    return None if moved_later or decision.wake_at is not None else course.case


_ASKED = ("deadlines", "actions", "moves", "blocked", "worklist")


def _is_idle(board: Workbench, number: int, level: EscalationLevel) -> bool:
    """Whether on a level no rule can hold, whatever happens, and no target can start."""
    if any(_may_start(target) for target in (*board.policy.targets, *level.targets)):
        return False
    here, question = board.standing(0, [number]), f"levels[{level.key}] is a gap"
    return all(
        board.never(formula, here, question=question)
        for rule in board.policy.all_rules
        for formula in ([board.space.holds(rule)] if rule.then else [board.moves(rule)])
    )


def _may_start(target: Target) -> bool:
    """Whether a target may start before the end."""
    patterns = target.start_on if isinstance(target.start_on, tuple) else ()
    return not patterns or any(pattern.event not in {"Resolved", "Closed"} for pattern in patterns)


# ---------------------------------------------------------------------------- one breath
# rule 22: one cause climbs one level
def climbs(board: Workbench, rules: Iterable[Rule]) -> Iterator[CheckFinding]:
    """`next` rules that take a case up several levels at one instant."""
    for rule in rules:
        seen = _climb(board, rule) if rule.to == NEXT else None
        if seen is not None:
            yield finding(
                "climbs-at-one-instant",
                f"rules[{rule.key}]",
                f"`{rule.key}` takes a case up several levels at once: coming to a level makes happen what takes it "
                "to the next",
                "let it hold on what the move itself does not bring about",
                seen,
            )


def _climb(board: Workbench, rule: Rule) -> CaseAt | None:
    for course in board.courses(board.moves(rule), tries=_TRIES):
        for stage in course.stages(_CROSSINGS):
            for one, other in pairwise(stage.moves):
                same = (one.move.track, one.move.due) == (other.move.track, other.move.due)
                if same and all(rule.key in each.move.rules for each in (one, other)):
                    return course.case, datetime_of(stage.now)
    return None


_CROSSINGS = 8
_TRIES = 4

Interval = tuple[datetime, datetime]


def uncovered_levels(board: Workbench, start: datetime, end: datetime) -> Iterator[CheckFinding]:
    """Levels whose owner and alternates are all off duty at times when their track is at work."""
    for number, track in enumerate(board.program.tracks):
        for level in board.program.levels[number]:
            sides = product(_sides(board, level), _calendars(board, track.calendar))
            gaps = sorted({gap for rotas, calendar in sides for gap in _gaps(rotas, start, end, calendar)})
            if gaps:
                since, until = gaps[0]
                more = f", and {len(gaps) - 1} more times" if len(gaps) > 1 else ""
                yield finding(
                    "no-cover",
                    f"levels[{level.key}].owner",
                    f"nobody who could own `{level.name}` is on duty "
                    f"from {phrase_instant(since)} to {phrase_instant(until)} "
                    f"UTC{more}; {_AND_THEN[level.if_nobody]}",
                    "fill the rota, or name an alternate",
                    instants=tuple(gaps),
                )


_AND_THEN = {
    "proceed": "cases that go there then have no owner",
    "hold": "cases are held back until somebody is",
    "skip": "cases pass it by",
}


def _sides(board: Workbench, level: EscalationLevel) -> list[list[Rota]]:
    """For each owner that the choices may come to, the rotas of those who could own a level.

    Left out where one of them is always there.
    """
    given, rotas = (level.owner, *level.alternates), board.policy.rotas
    facts = list(dict.fromkeys(name for one in given for name in facts_of(one)))
    found: dict[tuple[str, ...], None] = {}
    for values in product(*map(board.space.values_of, facts)):
        now = dict(zip(facts, values, strict=True))
        found[tuple(str(role) for role in (picked_value(one, now) for one in given) if role is not None)] = None
    return [[rotas[role] for role in roles] for roles in found if roles and all(role in rotas for role in roles)]


def _calendars(board: Workbench, own: object) -> list[Any]:
    """The calendars in which a track may be at work."""
    given = own if own is not None else board.policy.usual_calendar
    names = [name for name in alternatives(given) if name is not None]
    return [board.policy.all_calendars[name] for name in names] or [BusinessCalendar.always("UTC")]


def _gaps(rotas: list[Rota], start: datetime, end: datetime, calendar: Any) -> Iterator[Interval]:
    """The open times in which none of the rotas has anybody."""
    now, last = microseconds_of(start), microseconds_of(end)
    while now < last:
        change = next_cover_change(rotas, now)
        until = last if change is None else min(change, last)
        if all(rota.person_at(now) is None for rota in rotas):
            yield from calendar.openings(datetime_of(now), datetime_of(until))
        now = until
