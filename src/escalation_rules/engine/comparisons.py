"""From an atom to a comparison: a function of the state, what it looks at, and when time alone may change it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from escalation_rules.conditions import Atom
from escalation_rules.engine.clocks import counted_now, due_of, outcome_now
from escalation_rules.engine.machine import (
    ACKNOWLEDGED,
    ASSIGNED,
    BITS,
    CLOCK,
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
    Crossing,
    Program,
    State,
)
from escalation_rules.engine.outcome import NOWHERE
from escalation_rules.picks import Pick
from escalation_rules.worktime import Span
from escalation_rules.worktime._timeline import microseconds_of

__all__ = ["Context", "looks_at", "test_of"]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "in": lambda held, values: held in values,
    "not in": lambda held, values: held not in values,
}

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
    "deadline": CLOCK,
    "used": CLOCK,
    "past_due": CLOCK,
    "time_left": CLOCK,
    "plan_overdue": PLANNED,
    "plan_has_backup": PLANNED,
    "happened": SEEN | LEVEL | CYCLE,
}

_HELD: dict[str, Callable[[State], Any]] = {
    "status": lambda state: state.standing.status,
    "channel": lambda state: state.channel,
    "acknowledged": lambda state: state.acknowledged,
    "escalation_requested": lambda state: state.requested is not None,
    "escalations": lambda state: state.escalations,
    "reopened": lambda state: state.reopened,
    "replies": lambda state: state.replies,
    "status_requests": lambda state: state.status_requests,
    "assignments": lambda state: state.assignments,
    "plan_overdue": lambda state: _overdue(state),
    "plan_has_backup": lambda state: state.plan is not None and state.plan.backup is not None,
}

_ANCHORS: dict[str, Callable[[State], int | None]] = {
    "open_for": lambda state: state.cycle_when >> BITS,
    "unanswered_for": lambda state: state.unanswered,
    "unassigned_for": lambda state: state.unassigned,
    "since_update": lambda state: state.updated,
}


class Context:
    """Where an atom stands: the rule's track, whether the rule goes anywhere, and in which calendars it may count."""

    def __init__(self, program: Program, track: int, *, goes: bool, calendars: tuple[Any, ...]) -> None:
        self.program, self.track, self.goes, self.calendars = program, track, goes, calendars

    def track_of(self, atom: Atom) -> int:
        """The track that the atom names, or else the rule's."""
        if atom.of is None:
            return self.track
        return next(number for number, track in enumerate(self.program.tracks) if track.key == atom.of)


def looks_at(atom: Atom) -> int:
    """What may change whether the atom holds."""
    found = _LOOKS_AT.get(atom.fact, OWN_FACT)
    picks = [one for one in (atom.value, atom.calendar) if isinstance(one, Pick)]
    return found | (PRIORITY | OWN_FACT if picks or atom.kind == "duration" else 0)


def test_of(
    atom: Atom, context: Context, seen: int | None
) -> tuple[Callable[[State], bool], Callable[[State], Crossing | None] | None]:
    """Whether an atom holds, and for what changes as time passes, the next point at which that may change."""
    if atom.fact == "time_left":
        return _time_left(atom, context)
    if atom.kind == "duration":
        return _duration(atom, context)
    if atom.fact == "used":
        return _share(atom)
    if atom.fact == "deadline":
        return _outcome(atom)
    if atom.fact == "happened" and seen is not None:
        return _happened(atom, context, seen), None
    return _state_test(atom, context), _next_overdue if atom.fact == "plan_overdue" else None


def _state_test(atom: Atom, context: Context) -> Callable[[State], bool]:
    compare, value = _COMPARE[atom.op], atom.value
    if atom.fact == "priority":
        return _priority(atom, context.program)
    if atom.fact == "level":
        return _level(atom, context.program)
    if atom.fact == "level_failed":
        track = context.track_of(atom)
        return lambda state: compare(_failed(state, track), value)
    if atom.fact == "moves":
        tracks = range(len(context.program.levels)) if atom.of is None else [context.track_of(atom)]
        return lambda state: compare(sum(state.ups[track] for track in tracks), value)
    held = _HELD.get(atom.fact) or _own_fact(atom.fact)
    return lambda state: (found := held(state)) is not None and compare(found, value)


def _own_fact(name: str) -> Callable[[State], Any]:
    return lambda state: state.facts.get(name)


def _priority(atom: Atom, program: Program) -> Callable[[State], bool]:
    compare = _COMPARE[atom.op]
    value: Any = (
        tuple(program.ranks[one] for one in atom.value) if isinstance(atom.value, tuple) else program.ranks[atom.value]
    )
    allowed = frozenset(rank for rank in program.ranks.values() if compare(rank, value))
    return lambda state: state.rank in allowed


def _level(atom: Atom, program: Program) -> Callable[[State], bool]:
    if isinstance(atom.value, tuple):
        places = [program.places[key] for key in atom.value]
        wanted = atom.op == "in"
        return lambda state: any(state.level[track] == number for track, number in places) == wanted
    track, number = program.places[atom.value]
    compare = _COMPARE[atom.op]
    allowed = frozenset(
        level for level in range(NOWHERE, len(program.levels[track])) if compare(level, number)
    )
    return lambda state: state.level[track] in allowed


def _failed(state: State, track: int) -> bool:
    level, entry = state.level[track], state.entry[track]
    return level != NOWHERE and any(
        where == track and when > entry and named in {None, level} for when, where, named in state.failures
    )


def _happened(atom: Atom, context: Context, seen: int) -> Callable[[State], bool]:
    wanted, track = bool((atom.op == "==") == atom.value), context.track
    if not context.goes:
        return lambda state: (state.seen[seen] >= state.cycle_when) == wanted

    def within_stay(state: State) -> bool:
        last, entry = state.seen[seen], state.entry[track]
        return (last > entry or last == entry == state.opening) == wanted

    return within_stay


def _duration(
    atom: Atom, context: Context
) -> tuple[Callable[[State], bool], Callable[[State], Crossing | None]]:
    program, calendars, wanted = context.program, (atom.calendar, *context.calendars), atom.op == ">="
    anchor_of = _ANCHORS.get(atom.fact) or _special_anchor(atom, context)

    def threshold(state: State) -> Crossing | None:
        """Where the duration reaches its constant; None while nothing runs."""
        span, anchor = state.pick(atom.value), anchor_of(state)
        return None if span is None or anchor is None else _reach(program, state, calendars, anchor, span)

    def holds(state: State) -> bool:
        span = state.pick(atom.value)
        if span is None:
            return False
        found = threshold(state)
        reached = not span.amount or (found is not None and state.point(found[0]) >= found[1])
        return reached == wanted

    def crossing(state: State) -> Crossing | None:
        found = threshold(state)
        return found if found is not None and state.point(found[0]) < found[1] else None

    return holds, crossing


def _reach(program: Program, state: State, calendars: tuple[Any, ...], anchor: int, span: Span) -> Crossing:
    """The point at which a span from an anchor has passed, on the line where it counts."""
    length = span.microseconds
    calendar, line = program.calendars[state.calendar(calendars)]
    if length is None:
        return 0, calendar.reach(anchor, span)
    if not span.is_business:
        return 0, anchor + length
    start = state.point(line) if anchor == state.now else program.lines[line].opened(anchor)
    return line, start + length


def _special_anchor(atom: Atom, context: Context) -> Callable[[State], int | None]:
    key = atom.of
    if atom.fact == "past_due":

        def due(state: State) -> int | None:
            found = state.latest.get(str(key))
            return due_of(found, state) if found and found.stopped is None and found.budget is not None else None

        return due
    track = context.track_of(atom)

    def entered(state: State) -> int | None:
        return None if state.level[track] == NOWHERE else max(state.entry[track], state.cycle_when) >> BITS

    return entered


def _time_left(atom: Atom, context: Context) -> tuple[Callable[[State], bool], Callable[[State], Crossing | None]]:
    program, calendars, wanted = context.program, (atom.calendar, *context.calendars), atom.op == ">="

    def edges(state: State) -> tuple[int, int] | None:
        """The last instant at which so much is left, and the due instant; None without a clock that runs towards it."""
        found, span = state.latest.get(str(atom.of)), state.pick(atom.value)
        if found is None or span is None or found.stopped is not None or found.budget is None:
            return None
        due = due_of(found, state)
        if due is None or state.now > due:
            return None
        return program.calendars[state.calendar(calendars)][0].leave(due, span), due

    def holds(state: State) -> bool:
        found = edges(state)
        return found is not None and (state.now <= found[0]) == wanted

    def crossing(state: State) -> Crossing | None:
        found = edges(state)
        return None if found is None else (0, (found[0] if state.now <= found[0] else found[1]) + 1)

    return holds, crossing


def _share(atom: Atom) -> tuple[Callable[[State], bool], Callable[[State], Crossing | None]]:
    share, wanted = Fraction(atom.value), atom.op == ">="

    def missing(state: State) -> int:
        """How much more must be counted; less than nothing once there is more."""
        found = state.latest.get(str(atom.of))
        if found is None or found.budget is None:
            return 1 if share else 0
        if not found.budget:
            return 0
        return -(-found.budget * share.numerator // share.denominator) - counted_now(found, state)

    def holds(state: State) -> bool:
        return (missing(state) <= 0) == wanted

    def crossing(state: State) -> Crossing | None:
        found = state.latest.get(str(atom.of))
        if found is None or found.budget is None or found.stopped is not None or found.legs[-1].paused:
            return None
        left = missing(state)
        return (found.line, state.point(found.line) + left) if left > 0 else None

    return holds, crossing


def _outcome(atom: Atom) -> tuple[Callable[[State], bool], Callable[[State], Crossing | None]]:
    compare, value, key = _COMPARE[atom.op], atom.value, str(atom.of)

    def holds(state: State) -> bool:
        found = state.latest.get(key)
        return compare("not started" if found is None else outcome_now(found, state), value)

    def crossing(state: State) -> Crossing | None:
        found = state.latest.get(key)
        if found is None or found.budget is None or outcome_now(found, state) != "pending":
            return None
        due = due_of(found, state)
        return None if due is None else (0, due + 1)

    return holds, crossing


def _overdue(state: State) -> int:
    items = state.plan.items if state.plan else ()
    return sum(not one.done and one.due is not None and state.now > microseconds_of(one.due) for one in items)


def _next_overdue(state: State) -> Crossing | None:
    items = state.plan.items if state.plan else ()
    ahead = [microseconds_of(one.due) + 1 for one in items if not one.done and one.due is not None]
    found = min((one for one in ahead if one > state.now), default=None)
    return None if found is None else (0, found)


