"""From an atom to what is asked of the state: whether it holds, what may change that, and when time alone may.

There are three kinds. Most facts have one value at a time, and all comparisons of such a fact share a dial that turns
their bits together. A few depend on when something happened and are asked one by one. The timed ones also say where
on which line of open time they change by themselves.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable
from fractions import Fraction
from typing import Any, NamedTuple

from escalation_rules.conditions import BUILT_IN, OUTCOMES, Atom
from escalation_rules.engine.clocks import due_of, outcome_and_due, use_of
from escalation_rules.engine.model import (
    ACKNOWLEDGED,
    ASSIGNED,
    BITS,
    COUNTED,
    CYCLE,
    FAILED,
    LEVEL,
    OWN_FACT,
    PLANNED,
    PRIORITY,
    REQUESTED,
    SEEN,
    STATUS,
    UNANSWERED,
    UPDATED,
    Look,
    Reach,
)
from escalation_rules.engine.state import Program, State
from escalation_rules.levels import NOWHERE
from escalation_rules.picks import Pick
from escalation_rules.worktime import Calendar, Span
from escalation_rules.worktime._timeline import microseconds_of

__all__ = ["COMPARE", "HELD", "Context", "Ended", "Sight", "Used", "looks_at", "sight_of"]


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "in": lambda held, values: held in values,
    "not in": lambda held, values: held not in values,
}
"""What each operator does with what is held and the constant."""

_LOOKS_AT = {
    "priority": PRIORITY,
    "level": LEVEL,
    "status": STATUS,
    "channel": CYCLE,
    "open_for": CYCLE,
    "unanswered_for": UNANSWERED,
    "unassigned_for": ASSIGNED,
    "at_level_for": LEVEL | CYCLE,
    "since_update": UPDATED | CYCLE,
    "acknowledged": ACKNOWLEDGED | CYCLE,
    "level_failed": FAILED | LEVEL,
    "escalation_requested": REQUESTED,
    "escalations": REQUESTED,
    "moves": LEVEL,
    "reopened": CYCLE,
    "replies": COUNTED | CYCLE,
    "status_requests": COUNTED | CYCLE,
    "assignments": ASSIGNED | CYCLE,
    "plan_overdue": PLANNED,
    "plan_has_backup": PLANNED,
    "happened": SEEN | LEVEL | CYCLE,
}

HELD: dict[str, Callable[[State], Any]] = {
    "priority": lambda state: state.rank,
    "level": lambda state: tuple(state.level),
    "status": lambda state: state.standing.status,
    "channel": lambda state: state.channel,
    "acknowledged": lambda state: state.acknowledged,
    "escalation_requested": lambda state: state.requested is not None,
    "escalations": lambda state: state.escalations,
    "reopened": lambda state: state.reopened,
    "replies": lambda state: state.replies,
    "status_requests": lambda state: state.status_requests,
    "assignments": lambda state: state.assignments,
    "plan_has_backup": lambda state: state.plan is not None and state.plan.backup is not None,
}

_ANCHORS: dict[str, Callable[[State], int | None]] = {
    "open_for": lambda state: state.cycle_when >> BITS,
    "unanswered_for": lambda state: state.unanswered,
    "unassigned_for": lambda state: state.unassigned,
    "since_update": lambda state: state.updated,
}


class Used(NamedTuple):
    """A share of the budget of a target's clock: whether it is used, or (not `wanted`) is not yet."""

    key: str
    share: Fraction
    wanted: bool


class Ended(NamedTuple):
    """The outcomes of a target's clock of which a comparison holds."""

    key: str
    outcomes: frozenset[str]


class Sight(NamedTuple):
    """How an atom sees the state: whether it holds.

    For a dial, its name and value; for what is timed, how to look ahead; for a gauge, what is to be reached; for the
    face of a clock, the share of its budget or its outcomes.
    """

    holds: Callable[[State], bool]
    dial: Hashable = None
    value: Callable[[State], Hashable] | None = None
    look: Callable[[State], Look] | None = None
    reach: Reach | None = None
    used: Used | None = None
    ends: Ended | None = None


class Context:
    """Where an atom stands: the rule's track, whether the rule goes anywhere, and in which calendars it may count."""

    def __init__(self, program: Program, track: int, *, goes: bool, calendars: tuple[Any, ...]) -> None:
        self.program, self.track, self.goes, self.calendars = program, track, goes, calendars

    def track_of(self, atom: Atom) -> int:
        """The track that the atom names, or else the rule's."""
        if atom.of is None:
            return self.track
        return next(number for number, track in enumerate(self.program.tracks) if track.key == atom.of)

    def calendars_of(self, atom: Atom) -> tuple[Any, ...]:
        """Where the atom may count: its own calendar first."""
        return tuple(one for one in (atom.calendar, *self.calendars) if one is not None)


def looks_at(atom: Atom, program: Program) -> int:
    """What may change whether the atom holds."""
    if atom.fact in BUILT_IN and BUILT_IN[atom.fact][1] == "target":
        return program.clock_bits[str(atom.of)]
    return _LOOKS_AT.get(atom.fact, OWN_FACT)


def sight_of(atom: Atom, context: Context, seen: int | None) -> Sight:
    """How an atom sees the state; `seen` is where it is remembered when its pattern last matched."""
    if atom.fact == "time_left":
        return _timed(_time_left(atom, context))
    if atom.kind == "duration":
        return _duration(atom, context)
    if atom.fact == "used":
        return _share(atom)
    if atom.fact == "deadline":
        return _outcome(atom)
    if atom.fact == "plan_overdue":
        return _timed(_overdue(atom))
    if atom.fact == "happened" and seen is not None:
        return Sight(_happened(atom, context, seen))
    if atom.fact == "level_failed":
        return Sight(_failed(atom, context.track_of(atom)))
    return _on_a_dial(atom, context)


def _timed(look: Callable[[State], Look]) -> Sight:
    return Sight(lambda state: look(state)[0], look=look)


def _on_a_dial(atom: Atom, context: Context) -> Sight:
    compare, constant = COMPARE[atom.op], atom.value
    if atom.fact == "priority":
        return Sight(_priority(atom, context.program), "priority", HELD["priority"])
    if atom.fact == "level":
        return Sight(_level(atom, context.program), "level", HELD["level"])
    value = _moves(context, atom) if atom.fact == "moves" else HELD.get(atom.fact) or _own_fact(atom.fact)

    def holds(state: State) -> bool:
        held = value(state)
        return held is not None and compare(held, constant)

    return Sight(holds, (atom.fact, atom.of), value)


def _own_fact(name: str) -> Callable[[State], Any]:
    return lambda state: state.facts.get(name)


def _moves(context: Context, atom: Atom) -> Callable[[State], Any]:
    tracks = range(len(context.program.levels)) if atom.of is None else [context.track_of(atom)]
    return lambda state: sum(state.ups[track] for track in tracks)


def _priority(atom: Atom, program: Program) -> Callable[[State], bool]:
    compare, constant = COMPARE[atom.op], atom.value
    value: Any = tuple(map(program.ranks.get, constant)) if isinstance(constant, tuple) else program.ranks[constant]
    allowed = frozenset(rank for rank in program.ranks.values() if compare(rank, value))
    return lambda state: state.rank in allowed


def _level(atom: Atom, program: Program) -> Callable[[State], bool]:
    if isinstance(atom.value, tuple):
        places = [program.places[key] for key in atom.value]
        wanted = atom.op == "in"
        return lambda state: any(state.level[track] == number for track, number in places) == wanted
    track, number = program.places[atom.value]
    compare = COMPARE[atom.op]
    allowed = frozenset(level for level in range(NOWHERE, len(program.levels[track])) if compare(level, number))
    return lambda state: state.level[track] in allowed


def _failed(atom: Atom, track: int) -> Callable[[State], bool]:
    wanted = bool((atom.op == "==") == atom.value)

    def holds(state: State) -> bool:
        level, entry = state.level[track], state.entry[track]
        failed = level != NOWHERE and any(
            where == track and when > entry and (named is None or named == level)
            for when, where, named in state.failures
        )
        return failed == wanted

    return holds


def _happened(atom: Atom, context: Context, seen: int) -> Callable[[State], bool]:
    wanted, track = bool((atom.op == "==") == atom.value), context.track
    if not context.goes:
        return lambda state: (state.seen[seen] >= state.cycle_when) == wanted

    def within_stay(state: State) -> bool:
        last, entry = state.seen[seen], state.entry[track]
        return (last > entry or last == entry == state.opening) == wanted

    return within_stay


def _duration(atom: Atom, context: Context) -> Sight:
    calendars, wanted = context.calendars_of(atom), atom.op == ">="
    anchor_of = _ANCHORS.get(atom.fact) or _special_anchor(atom, context)
    if isinstance(atom.value, Pick) or any(isinstance(one, Pick) for one in calendars[:1]):
        return _timed(_picked_duration(atom, context, anchor_of))
    span, calendar = atom.value, context.program.calendars[next(iter(calendars), None)]
    length, line = span.microseconds, calendar[1] if span.is_business else 0
    if length is None:
        return _timed(_duration_of_days(span, calendar[0], anchor_of, wanted=wanted))
    opened = context.program.lines[line].opened

    def look(state: State) -> Look:
        anchor = anchor_of(state)
        if not length or anchor is None:
            return (not length) == wanted, None
        here = state.point(line)
        edge = (here if anchor == state.now else opened(anchor)) + length
        return (wanted, None) if here >= edge else (not wanted, (line, edge))

    track = context.track_of(atom) if atom.fact == "at_level_for" else None
    reach = Reach((atom.fact, atom.of, track, line), anchor_of, line, length, wanted)
    return _timed(look)._replace(reach=reach)


def _duration_of_days(
    span: Span, calendar: Calendar, anchor_of: Callable[[State], int | None], *, wanted: bool
) -> Callable[[State], Look]:
    """Days end at an instant, which is the same on every line."""

    def look(state: State) -> Look:
        anchor = anchor_of(state)
        if not span.amount or anchor is None:
            return (not span.amount) == wanted, None
        edge = calendar.reach(anchor, span)
        return (wanted, None) if state.now >= edge else (not wanted, (0, edge))

    return look


def _picked_duration(atom: Atom, context: Context, anchor_of: Callable[[State], int | None]) -> Callable[[State], Look]:
    """A duration whose constant or calendar depends on the priority or a choice fact; unknown where that gives none."""
    program, calendars, wanted = context.program, context.calendars_of(atom), atom.op == ">="

    def look(state: State) -> Look:
        span, anchor = state.pick(atom.value), anchor_of(state)
        if span is None:
            return False, None
        if not span.amount or anchor is None:
            return (not span.amount) == wanted, None
        calendar, line = program.calendars[state.calendar(calendars)]
        line = line if span.is_business and span.microseconds is not None else 0
        edge = calendar.reach(anchor, span) if line == 0 else program.lines[line].opened(anchor) + span.microseconds
        return (wanted, None) if state.point(line) >= edge else (not wanted, (line, edge))

    return look


def _special_anchor(atom: Atom, context: Context) -> Callable[[State], int | None]:
    key = str(atom.of)
    if atom.fact == "past_due":

        def due(state: State) -> int | None:
            found = state.latest.get(key)
            return due_of(found) if found and found.stopped is None and found.budget is not None else None

        return due
    track = context.track_of(atom)

    def entered(state: State) -> int | None:
        return None if state.level[track] == NOWHERE else max(state.entry[track], state.cycle_when) >> BITS

    return entered


def _time_left(atom: Atom, context: Context) -> Callable[[State], Look]:
    program, calendars, wanted, key = context.program, context.calendars_of(atom), atom.op == ">=", str(atom.of)

    def look(state: State) -> Look:
        found, span = state.latest.get(key), state.pick(atom.value)
        due = due_of(found) if found and span and found.stopped is None and found.budget is not None else None
        if due is None or state.now > due:
            return False, None
        edge = program.calendars[state.calendar(calendars)][0].leave(due, span)
        return (state.now <= edge) == wanted, (0, (edge if state.now <= edge else due) + 1)

    return look


def _share(atom: Atom) -> Sight:
    share, wanted, key = Fraction(atom.value), atom.op == ">=", str(atom.of)
    up, down = share.numerator, share.denominator

    def look(state: State) -> Look:
        is_used, crossing = use_of(state.latest.get(key), state, up, down)
        return is_used == wanted, crossing

    return _timed(look)._replace(used=Used(key, share, wanted))


def _outcome(atom: Atom) -> Sight:
    compare, constant, key = COMPARE[atom.op], atom.value, str(atom.of)
    held_by = frozenset(one for one in OUTCOMES if compare(one, constant))

    def look(state: State) -> Look:
        outcome, due = outcome_and_due(state.latest.get(key), state)
        return outcome in held_by, None if due is None else (0, due + 1)

    return _timed(look)._replace(ends=Ended(key, held_by))


def _overdue(atom: Atom) -> Callable[[State], Look]:
    compare, constant = COMPARE[atom.op], atom.value

    def look(state: State) -> Look:
        items = state.plan.items if state.plan else ()
        edges = [microseconds_of(one.due) + 1 for one in items if not one.done and one.due is not None]
        ahead = min((edge for edge in edges if edge > state.now), default=None)
        overdue = sum(edge <= state.now for edge in edges)
        return compare(overdue, constant), None if ahead is None else (0, ahead)

    return look
