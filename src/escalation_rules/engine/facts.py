"""Effects of one event: facts by its kind, then clocks, then the tests that read them (rules 9, 10, 17).

The steps of a policy are cached here. After `WORTH` cases they are generated as source, which changes no result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from escalation_rules import events as E
from escalation_rules.engine.clocks import start_due, stop, turn_clocks
from escalation_rules.engine.conditions import arrive, cross, make_look, written
from escalation_rules.engine.model import (
    ACKNOWLEDGED,
    AGREED,
    ASSIGNED,
    COUNTED,
    CYCLE,
    EVERYTHING,
    FAILED,
    LEVEL,
    OWN_FACT,
    PLANNED,
    POSITION_BITS,
    PRIORITY,
    REMEMBERED,
    REQUESTED,
    SEEN,
    STATUS,
    UNANSWERED,
    UPDATED,
    ChangeHandler,
    EventCode,
    Handler,
    Program,
    Steps,
)
from escalation_rules.engine.state import LoggedMove, State
from escalation_rules.errors import InvalidValue, UnknownName, unknown
from escalation_rules.levels import NOWHERE
from escalation_rules.patterns import BaseEvent
from escalation_rules.worktime._timeline import datetime_of, microseconds_of

WORTH = 200
"""The number of cases after which a policy's steps are generated as source, since compiling them then pays."""


def steps_for(program: Program) -> Steps:
    """Count one more case of a policy and return its steps."""
    program.cases += 1
    if program.cases == WORTH:
        program.steps = written(program)
    return steps_of(program)


def steps_of(program: Program) -> Steps:
    """Return the steps of a policy, made when they are first needed and kept with its program."""
    if program.steps is None:
        program.steps = Steps(arrive, cross, make_look)
    return program.steps


def handler_for(program: Program, kind: type[BaseEvent]) -> Handler:
    """Return the handler for events of a kind, made when it is first needed and kept with the steps."""
    steps = steps_of(program)
    handler = steps.happen.get(kind)
    if handler is None:
        handler = steps.happen[kind] = _made(program, program.scripts[kind], steps.look)
    return handler


def _made(program: Program, script: EventCode, looks: dict[int, ChangeHandler]) -> Handler:
    """Make the handler for events of a kind; all that is the same for every event of the kind is looked up beforehand.

    A virtual move or action may have no event; then no patterns are matched.
    """
    stoppers, turning = script.stoppers, program.turning
    listens, begins = script.listens, LEVEL | CYCLE
    may_start, awaits = bool(script.starters), bool(script.starters) and script.awaits

    def happen(state: State, event: Any, effect: Any = script.effect) -> None:
        state.position = position = state.position + 1
        state.when = when = (state.now << POSITION_BITS) + position
        if effect is not None:
            effect(state, event)
        if listens and event is not None:
            _listen(state, script, event)
        changed, running = state.changed, state.open
        # rule 17: facts first, then clocks (stop; void, retarget, pause; start), then tests; rule 10: automation
        # stops nothing
        stopped = stop(state, stoppers, event) if stoppers and running and event is not None and event.counts else ()
        if changed & turning and running:
            turn_clocks(state, script, changed)
        if stopped or changed & begins or (may_start and not (awaits and state.unanswered is None)):
            start_due(state, script, event, stopped)
        if changed := state.changed:
            (looks.get(changed) or _look(state))(state, when)

    return happen


def _listen(state: State, script: EventCode, event: BaseEvent) -> None:
    """Note the moment of an event that matches watched patterns, or that answers checklist items."""
    for number, test in script.watched:
        if test(event):
            state.seen[number] = state.when
            state.changed |= SEEN
            state.rules_pending = True
    for number, test in script.answers:
        if test(event):
            state.answers[number] = state.when, event
            state.rules_pending = True


def _look(state: State) -> ChangeHandler:
    """Return the handler for a set of changed bits that is not in the cache yet."""
    steps = steps_of(state.program)
    handler = steps.make_look(state.program, state.changed)
    if len(steps.look) < REMEMBERED:
        steps.look[state.changed] = handler
    return handler


Effect = Callable[[State, Any], None]


def happen_virtually(state: State, kind: type[BaseEvent], effect: Callable[[], None], **fields: Any) -> None:
    """Apply a due move or action as if its event were recorded.

    The event itself is built only if a pattern of the policy may match its kind.
    """
    is_heard = state.program.scripts[kind].is_heard
    event = kind(at=datetime_of(state.now), actor="automation", **fields) if is_heard else None
    handler_for(state.program, kind)(state, event, lambda *_: effect())


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
    state.priority, state.rank = name, state.program.ranks.get(name or "", -1)
    state.changed |= PRIORITY
    state.rules_pending = True


def _observe(state: State, name: str, value: Any) -> None:
    """Set a fact of the policy's own, checked against its domain; a fact that is not declared is stored unchecked."""
    declared = state.program.facts.get(name)
    problem = declared.problem_with(value) if declared else None
    if problem:
        raise InvalidValue(problem.under(f"case `{state.case}`"))
    state.facts[name] = value
    state.changed |= OWN_FACT
    state.rules_pending = True


def _opened(state: State, event: E.Opened) -> None:
    _known(state, event.priority)
    set_priority(state, event.priority)
    # rule 12: there is no first response to what staff opened
    state.channel, state.live, state.answered = event.channel, True, event.actor == "staff"
    state.opening = state.when
    for name, value in event.facts.items():
        _observe(state, name, value)
    start = _place(state, event.level) if event.level is not None else (0, 0)
    _begin_cycle(state)
    state.unassigned = state.now
    if event.actor != "staff":
        state.unanswered = state.now
    for track, levels in enumerate(state.program.levels):
        # rule 20: a case starts on the first level of the first track, and on no level of the others
        level = start[1] if track == start[0] else 0 if track == 0 else NOWHERE
        level = level if levels else NOWHERE
        state.recorded[track].append((state.now, level))
        _stand(state, track, level)
    state.changed = EVERYTHING


def _begin_cycle(state: State) -> None:
    state.cycle += 1
    # rule 9: each reopening starts a new cycle, the levels stay
    state.cycle_when, state.updated = state.when, state.now
    state.acknowledged = False
    state.replies = state.status_requests = state.assignments = 0
    state.changed |= CYCLE | STATUS


def _stand(state: State, track: int, level: int) -> None:
    """Put the case on a level of a track, or on none."""
    state.level[track], state.entry[track] = level, state.when
    state.external &= ~(1 << track)
    state.changed |= LEVEL
    state.rules_pending = True
    if level == NOWHERE:
        return
    target = state.program.levels[track][level]
    if target.external:
        # rule 28: a case on an external level is outside: no clocks, no moves
        state.external |= 1 << track
    if state.live and target.on_entry:
        state.entered.append((target.key, state.now))


def _customer_replied(state: State, event: E.CustomerReplied) -> None:
    if state.unanswered is None:
        state.unanswered = state.now
        state.changed |= UNANSWERED
    if event.asks_for_status:
        state.status_requests += 1
        state.changed |= COUNTED
    if event.asks_to_escalate:
        _requested(state)
    if state.standing.waits:
        _settle_status(state, event)


def _support_replied(state: State, event: E.SupportReplied) -> None:
    if event.counts:
        # rule 10: only a reply by a human that the customer can see counts
        state.unanswered, state.answered, state.updated = None, True, state.now
        state.replies += 1
        state.changed |= UNANSWERED | UPDATED | COUNTED


def _update_sent(state: State, event: E.UpdateSent) -> None:
    if event.audience == "customer" and event.counts:
        state.updated = state.now
        state.changed |= UPDATED


def _acknowledged(state: State, event: E.Acknowledged) -> None:
    if event.counts:
        state.acknowledged = True
        state.changed |= ACKNOWLEDGED


def _escalation_requested(state: State, event: E.EscalationRequested) -> None:
    if event.wants == "attention":
        _requested(state)


def _requested(state: State) -> None:
    """Count a request for attention; while one is open, the latest is its evidence."""
    state.escalation_requests += 1
    # rule 22: while a request is open, the latest request is its evidence
    if state.requested is None:
        state.requested = state.now
    state.changed |= REQUESTED
    for number in state.program.requests:
        if state.truth >> number & 1:
            state.since[number] = state.when
            state.rules_pending = True


def _escalation_answered(state: State, _: E.EscalationRequestAnswered) -> None:
    state.requested = None
    state.changed |= REQUESTED


def _escalated(state: State, event: E.Escalated) -> None:
    track, level = _destination(state, event.to, event.track)
    if event.is_accepted:
        key = event.key or event.id
        state.moves_log.append(
            LoggedMove(state.now, track, state.level[track], level, state.cycle, event.rules, state.now, key)
        )
    record_move(state, event, track, level, down=not event.is_accepted)


def _de_escalated(state: State, event: E.DeEscalated) -> None:
    record_move(state, event, *_destination(state, event.to, event.track), down=True)


def _destination(state: State, key: str | None, track_key: str | None) -> tuple[int, int]:
    if key is not None:
        return _place(state, key)
    keys = [track.key for track in state.program.tracks]
    if track_key is not None and track_key not in keys:
        raise UnknownName(unknown("track", track_key, keys, f"case `{state.case}`"))
    track = keys.index(track_key) if track_key is not None else 0
    return track, NOWHERE if track else 0


def record_move(state: State, event: BaseEvent, track: int, level: int, *, down: bool) -> None:
    """Apply a recorded move, which settles everything due before it on its track; a move down is a de-escalation."""
    # rule 25: a recorded move that goes down is a de-escalation, whoever recorded it
    if down and level < state.level[track]:
        state.down_since[track] = state.when
    recorded_at = getattr(event, "recorded_at", None)
    since = state.now if recorded_at is None else microseconds_of(recorded_at)
    state.recorded[track].append((since, level))
    # rule 18: a recorded move settles everything that was due before it on its track
    state.moves = [pending for pending in state.moves if pending.move.track != track]
    move(state, track, level)


def move(state: State, track: int, level: int) -> None:
    """Put the case on another level, really or virtually."""
    present = state.level[track]
    if level > present:
        state.ups[track] += 1
    if level != present:
        _stand(state, track, level)


def _observed(state: State, event: E.Reconciled) -> None:
    if event.level is not None:
        track, level = _place(state, event.level)
        on_record = max((since, index) for index, (since, _) in enumerate(state.recorded[track]) if since <= state.now)[
            1
        ]
        # rule 8: a snapshot counts where it differs from the record of its instant
        if state.recorded[track][on_record][1] != level:
            record_move(state, event, track, level, down=True)


def _level_failed(state: State, event: E.LevelFailed) -> None:
    if event.level is not None:
        track, level = _place(state, event.level)
        state.failures.append((state.when, track, level))
    else:
        track, _ = _destination(state, None, event.track)
        state.failures.append((state.when, track, None))
    state.changed |= FAILED


def _priority_changed(state: State, event: E.PriorityChanged) -> None:
    """Set the priority, unless the event was accepted from a decision and would lower it."""
    _known(state, event.to)
    # rule 23: an accepted change of priority never lowers it
    lowers = state.program.ranks.get(event.to, -1) < state.rank
    if event.to != state.priority and not (lowers and event.is_accepted):
        set_priority(state, event.to)


def _assigned(state: State, event: E.Assigned) -> None:
    assign(state, event.as_role, event.person, event.group)


def assign(state: State, role: str, person: str | None, group: str | None) -> None:
    """Fill a role, or leave it empty."""
    holder = (person, group)
    if state.assigned.get(role, (None, None)) != holder:
        state.assignments += 1
    state.assigned[role] = holder
    if any(holders != (None, None) for holders in state.assigned.values()):
        state.unassigned = None
    elif state.unassigned is None:
        state.unassigned = state.now
    state.changed |= ASSIGNED


def _settle_status(state: State, event: BaseEvent) -> None:
    standing = state.standing.after(event)
    if standing != state.standing:
        state.standing, state.live = standing, standing.is_live
        state.changed |= STATUS
        state.rules_pending = True


def _reopened(state: State, event: E.Reopened) -> None:
    _settle_status(state, event)
    _begin_cycle(state)
    state.reopenings += 1
    state.external = 0
    state.rules_pending = True


def _fact_observed(state: State, event: E.FactChanged) -> None:
    _observe(state, event.name, event.value)


def _plan_revised(state: State, event: E.PlanRevised) -> None:
    state.plan = event.plan
    state.changed |= PLANNED


def _communication_agreed(state: State, event: E.CommunicationAgreed) -> None:
    state.agreed = event.plan.every
    state.changed |= AGREED


def _item(state: State, event: E.ItemAnswered | E.AnswerWithdrawn) -> None:
    for number in state.program.items_by_key.get(event.item, ()):
        state.answers[number] = state.when, event
        state.rules_pending = True


def _overridden(state: State, event: E.ChecklistOverridden) -> None:
    _place(state, event.level)
    state.overridden[event.level] = state.when
    state.rules_pending = True


EFFECTS: dict[type, Effect] = {
    E.Opened: _opened,
    E.CustomerReplied: _customer_replied,
    E.SupportReplied: _support_replied,
    E.Acknowledged: _acknowledged,
    E.EscalationRequested: _escalation_requested,
    E.EscalationRequestAnswered: _escalation_answered,
    E.Escalated: _escalated,
    E.DeEscalated: _de_escalated,
    E.LevelFailed: _level_failed,
    E.PriorityChanged: _priority_changed,
    E.Assigned: _assigned,
    E.WaitStarted: _settle_status,
    E.WaitEnded: _settle_status,
    E.ItemAnswered: _item,
    E.AnswerWithdrawn: _item,
    E.ChecklistOverridden: _overridden,
    E.FactChanged: _fact_observed,
    E.PlanRevised: _plan_revised,
    E.CommunicationAgreed: _communication_agreed,
    E.UpdateSent: _update_sent,
    E.Resolved: _settle_status,
    E.Closed: _settle_status,
    E.Voided: _settle_status,
    E.Reopened: _reopened,
    E.Reconciled: _observed,
}
"""The effect of an event of each kind on the state. The kinds that are not here have none of their own."""
