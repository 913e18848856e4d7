"""Effects of one event: facts, then clocks, then the tests that read them (rules 9, 10, 17).

The table of facts says what most facts are made of; the functions below do the rest: status and cycle, levels,
priority, roles, plans, answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from escalation_rules import events as E
from escalation_rules.engine.clocks import start_due, stop, turn_clocks
from escalation_rules.engine.conditions import update_tests
from escalation_rules.engine.machine import EventMatch, Machine, match_of
from escalation_rules.engine.records import LoggedMove
from escalation_rules.engine.state import (
    AGREED,
    CYCLE,
    EVERYTHING,
    FAILED,
    FIRST_KEPT,
    LEVEL,
    OWN_FACT,
    PLANNED,
    PRIORITY,
    ROLES,
    SEEN,
    STATUS,
    State,
)
from escalation_rules.errors import InvalidValue, UnknownName, unknown
from escalation_rules.levels import NOWHERE
from escalation_rules.patterns import BaseEvent
from escalation_rules.program.model import POSITION_BITS, UNANSWERED, Change, EventCode
from escalation_rules.worktime._timeline import datetime_of, microseconds_of

Handler = Callable[..., None]
"""Applies an event to a state; for a virtual move, the effect is given too."""
Effect = Callable[[State, Any], None]


def handler_for(machine: Machine, kind: type[BaseEvent]) -> Handler:
    """Return the handler for events of a kind, made when it is first needed and kept with the machine."""
    handler = machine.handlers.get(kind)
    if handler is None:
        handler = machine.handlers[kind] = _handler(machine, machine.program.events[kind])
    return handler


def _handler(machine: Machine, code: EventCode) -> Handler:
    """Make the handler for events of a kind; all that is the same for every event of the kind is looked up beforehand.

    A virtual move or action may have no event; then no patterns are matched.
    """
    turning, begins, own_effect = machine.turning, LEVEL | CYCLE, _EFFECTS.get(code.kind)
    updates = tuple(
        _Update(
            one.fact,
            FIRST_KEPT << one.fact,
            one.change,
            None if one.pattern is None else match_of(one.pattern),
            machine.kept_at_first[one.fact],
            machine.program.latest.get(one.fact, ()),
        )
        for one in code.updates
    )
    watched = tuple((number, match_of(pattern)) for number, pattern in code.watched)
    answers = tuple((number, match_of(pattern)) for number, pattern in code.answers)
    stoppers, may_start, awaits = bool(code.stoppers), bool(code.starters), bool(code.starters) and code.awaits
    listens = bool(watched or answers)

    def happen(state: State, event: Any, effect: Effect | None = own_effect) -> None:
        state.position = position = state.position + 1
        state.when = when = (state.now << POSITION_BITS) + position
        if updates:
            _update(state, event, updates)
        if effect is not None:
            effect(state, event)
        if listens and event is not None:
            _listen(state, event, watched, answers)
        changed, running = state.changed, state.clocks.open
        # rule 17: facts first, then clocks (stop; void, retarget, pause; start), then tests; rule 10: automation
        # stops nothing
        stopped = stop(state, code, event) if stoppers and running and event is not None and event.counts else ()
        if changed & turning and running:
            turn_clocks(state, code, changed)
        if stopped or changed & begins or (may_start and not (awaits and state.facts.kept[UNANSWERED] is None)):
            start_due(state, code, event, stopped)
        if state.changed:
            update_tests(state, when)

    return happen


class _Update(NamedTuple):
    """A change of a kept fact (`FactUpdate`), with its bit, its value at first, and the tests that it dates anew."""

    number: int
    bit: int
    change: Change
    matches: EventMatch | None
    at_first: int | None
    latest: tuple[int, ...]


def _update(state: State, event: Any, updates: tuple[_Update, ...]) -> None:
    """Change the kept facts that an event is about. Virtual events without a pattern to match are about none."""
    kept = state.facts.kept
    for number, bit, change, matches, at_first, latest in updates:
        if matches is not None and not matches(event):
            continue
        if change == "add":
            kept[number] += 1
        elif change == "clear":
            kept[number] = at_first
        elif change == "set" or kept[number] is None:
            kept[number] = state.now
        state.changed |= bit
        if latest and change != "clear":
            _refresh(state, latest)


def _listen(
    state: State,
    event: BaseEvent,
    watched: tuple[tuple[int, EventMatch | None], ...],
    answers: tuple[tuple[int, EventMatch | None], ...],
) -> None:
    """Note the moment of an event that matches watched patterns, or that answers checklist items."""
    for number, matches in watched:
        if matches is None or matches(event):
            state.facts.seen[number] = state.when
            state.changed |= SEEN
            state.rules_pending = True
    for number, matches in answers:
        if matches is None or matches(event):
            state.answers.latest[number] = state.when, event
            state.rules_pending = True


def _refresh(state: State, numbers: tuple[int, ...]) -> None:
    """Date the evidence of tests that are true: of a fact whose latest event is its evidence (rule 22)."""
    for number in numbers:
        if state.tests.truth >> number & 1:
            state.tests.since[number] = state.when
            state.rules_pending = True


def happen_virtually(state: State, kind: type[BaseEvent], effect: Callable[[], None], **fields: Any) -> None:
    """Apply a due move or action as if its event were recorded.

    The event itself is built only if a pattern of the policy may match its kind.
    """
    is_heard = state.program.events[kind].is_heard
    event = kind(at=datetime_of(state.now), actor="automation", **fields) if is_heard else None
    handler_for(state.machine, kind)(state, event, lambda *_: effect())


# ---------------------------------------------------------------------------- priority and own facts
def _known(state: State, name: str | None) -> None:
    """Raise `UnknownName` for a priority that the policy does not have."""
    ranks = state.program.ranks
    if name is not None and ranks and name not in ranks:
        # rule 29: a name that the policy does not have is refused
        raise UnknownName(unknown("priority", name, ranks, f"case `{state.case}`"))


def _place(state: State, key: str) -> tuple[int, int]:
    place = state.program.places.get(key)
    if place is None:
        raise UnknownName(unknown("level", key, state.program.places, f"case `{state.case}`"))
    return place


def set_priority(state: State, name: str | None) -> None:
    """Set the priority of the case."""
    state.facts.priority, state.facts.rank = name, state.program.ranks.get(name or "", -1)
    state.changed |= PRIORITY
    state.rules_pending = True


def _priority_changed(state: State, event: E.PriorityChanged) -> None:
    """Set the priority, unless the event was accepted from a decision and would lower it."""
    _known(state, event.to)
    # rule 23: an accepted change of priority never lowers it
    lowers = state.program.ranks.get(event.to, -1) < state.facts.rank
    if event.to != state.facts.priority and not (lowers and event.is_accepted):
        set_priority(state, event.to)


def _observe(state: State, name: str, value: Any) -> None:
    """Set a fact of the policy's own, checked against its domain; a fact that is not declared is stored unchecked."""
    declared = state.program.own.get(name)
    problem = declared.problem_with(value) if declared else None
    if problem:
        raise InvalidValue(problem.under(f"case `{state.case}`"))
    # rule 31: a default is the value while nothing is observed
    state.facts.own[name] = declared.known(value) if declared else value
    state.changed |= OWN_FACT
    state.rules_pending = True


def _fact_changed(state: State, event: E.FactChanged) -> None:
    _observe(state, event.name, event.value)


# ---------------------------------------------------------------------------- cycles and status
def _opened(state: State, event: E.Opened) -> None:
    _known(state, event.priority)
    set_priority(state, event.priority)
    state.facts.channel, state.life.live = event.channel, True
    state.life.opening = state.when
    for name, fact in state.program.own.items():
        if fact.default is not None:
            state.facts.own[name] = fact.default
    for name, value in event.facts.items():
        _observe(state, name, value)
    start = _place(state, event.level) if event.level is not None else (0, 0)
    _begin_cycle(state)
    state.facts.unassigned = state.now
    for track, levels in enumerate(state.program.levels):
        # rule 20: a case starts on the first level of the first track, and on no level of the others
        level = start[1] if track == start[0] else 0 if track == 0 else NOWHERE
        level = level if levels else NOWHERE
        state.levels.recorded[track].append((state.now, level))
        _stand(state, track, level)
    state.changed = EVERYTHING


def _begin_cycle(state: State) -> None:
    state.life.cycle += 1
    # rule 9: each reopening starts a new cycle, the levels stay
    state.life.cycle_when = state.when
    state.facts.assignments = 0
    state.changed |= CYCLE | STATUS


def _reopened(state: State, event: E.Reopened) -> None:
    settle_status(state, event)
    _begin_cycle(state)
    state.levels.external = 0
    state.rules_pending = True


def settle_status(state: State, event: BaseEvent) -> None:
    """Set the status that an event leads to."""
    standing = state.life.standing.after(event)
    if standing != state.life.standing:
        state.life.standing, state.life.live = standing, standing.is_live
        state.changed |= STATUS
        state.rules_pending = True


def _customer_replied(state: State, event: E.CustomerReplied) -> None:
    if state.life.standing.waits:
        settle_status(state, event)


# ---------------------------------------------------------------------------- levels
def _stand(state: State, track: int, level: int) -> None:
    """Put the case on a level of a track, or on none."""
    levels = state.levels
    levels.level[track], levels.entry[track] = level, state.when
    levels.external &= ~(1 << track)
    state.changed |= LEVEL
    state.rules_pending = True
    if level == NOWHERE:
        return
    target = state.program.levels[track][level]
    if target.external:
        # rule 28: a case on an external level is outside: no clocks, no moves
        levels.external |= 1 << track
    if state.life.live and target.on_entry:
        levels.entered.append((target.key, state.now))


def move(state: State, track: int, level: int) -> None:
    """Put the case on another level, really or virtually."""
    present = state.levels.level[track]
    if level > present:
        state.levels.ups[track] += 1
    if level != present:
        _stand(state, track, level)


def record_move(state: State, event: BaseEvent, track: int, level: int, *, down: bool) -> None:
    """Apply a recorded move, which settles everything due before it on its track; a move down is a de-escalation."""
    # rule 25: a recorded move that goes down is a de-escalation, whoever recorded it
    if down and level < state.levels.level[track]:
        state.levels.down_since[track] = state.when
    recorded_at = getattr(event, "recorded_at", None)
    since = state.now if recorded_at is None else microseconds_of(recorded_at)
    state.levels.recorded[track].append((since, level))
    # rule 18: a recorded move settles everything that was due before it on its track
    state.asked.moves = [pending for pending in state.asked.moves if pending.move.track != track]
    move(state, track, level)


def _destination(state: State, key: str | None, track_key: str | None) -> tuple[int, int]:
    if key is not None:
        return _place(state, key)
    keys = [track.key for track in state.program.tracks]
    if track_key is not None and track_key not in keys:
        raise UnknownName(unknown("track", track_key, keys, f"case `{state.case}`"))
    track = keys.index(track_key) if track_key is not None else 0
    return track, NOWHERE if track else 0


def _escalated(state: State, event: E.Escalated) -> None:
    track, level = _destination(state, event.to, event.track)
    if event.is_accepted:
        key, origin = event.key or event.id, state.levels.level[track]
        state.asked.log.append(
            LoggedMove(state.now, track, origin, level, state.life.cycle, event.rules, state.now, key)
        )
    record_move(state, event, track, level, down=not event.is_accepted)


def _de_escalated(state: State, event: E.DeEscalated) -> None:
    record_move(state, event, *_destination(state, event.to, event.track), down=True)


def _reconciled(state: State, event: E.Reconciled) -> None:
    if event.level is None:
        return
    track, level = _place(state, event.level)
    record = state.levels.recorded[track]
    last = max((since, index) for index, (since, _) in enumerate(record) if since <= state.now)[1]
    # rule 8: a snapshot counts where it differs from the record of its instant
    if record[last][1] != level:
        record_move(state, event, track, level, down=True)


def _level_failed(state: State, event: E.LevelFailed) -> None:
    if event.level is not None:
        track, level = _place(state, event.level)
        state.levels.failures.append((state.when, track, level))
    else:
        track, _ = _destination(state, None, event.track)
        state.levels.failures.append((state.when, track, None))
    state.changed |= FAILED


# ---------------------------------------------------------------------------- roles, plans, answers
def _assigned(state: State, event: E.Assigned) -> None:
    assign(state, event.as_role, event.person, event.group)


def assign(state: State, role: str, person: str | None, group: str | None) -> None:
    """Fill a role, or leave it empty."""
    facts, holder = state.facts, (person, group)
    if facts.roles.get(role, (None, None)) != holder:
        facts.assignments += 1
    facts.roles[role] = holder
    if any(holders != (None, None) for holders in facts.roles.values()):
        facts.unassigned = None
    elif facts.unassigned is None:
        facts.unassigned = state.now
    state.changed |= ROLES


def _plan_revised(state: State, event: E.PlanRevised) -> None:
    state.facts.plan = event.plan
    state.changed |= PLANNED


def _communication_agreed(state: State, event: E.CommunicationAgreed) -> None:
    state.facts.agreed = event.plan.every
    state.changed |= AGREED


def _answered(state: State, event: E.ItemAnswered | E.AnswerWithdrawn) -> None:
    for number in state.program.items_by_key.get(event.item, ()):
        state.answers.latest[number] = state.when, event
        state.rules_pending = True


def _overridden(state: State, event: E.ChecklistOverridden) -> None:
    _place(state, event.level)
    state.answers.overridden[event.level] = state.when
    state.rules_pending = True


_EFFECTS: dict[type, Effect] = {
    E.Opened: _opened,
    E.CustomerReplied: _customer_replied,
    E.Escalated: _escalated,
    E.DeEscalated: _de_escalated,
    E.LevelFailed: _level_failed,
    E.PriorityChanged: _priority_changed,
    E.Assigned: _assigned,
    E.WaitStarted: settle_status,
    E.WaitEnded: settle_status,
    E.ItemAnswered: _answered,
    E.AnswerWithdrawn: _answered,
    E.ChecklistOverridden: _overridden,
    E.FactChanged: _fact_changed,
    E.PlanRevised: _plan_revised,
    E.CommunicationAgreed: _communication_agreed,
    E.Resolved: settle_status,
    E.Closed: settle_status,
    E.Voided: settle_status,
    E.Reopened: _reopened,
    E.Reconciled: _reconciled,
}
"""The effect of an event of each kind, besides those of the table of facts. Other kinds have none of their own."""
