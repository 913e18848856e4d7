"""The fold over instants (time, events, rules), the snapshot of a state, the next change (rules 17, 18, 27)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from escalation_rules import events as E
from escalation_rules.case import Case
from escalation_rules.engine.clocks import outcome_and_due
from escalation_rules.engine.conditions import arrive, cross, next_crossing
from escalation_rules.engine.facts import handler_for
from escalation_rules.engine.machine import Machine
from escalation_rules.engine.records import ClockRecord, ExitRecord, MoveRecord, OpenItemRecord, Outcome
from escalation_rules.engine.rules import blocked, checked, enact_rest, expiry, holder, holding, run_rules
from escalation_rules.engine.state import Instance, Pending, State
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.levels import NOWHERE
from escalation_rules.patterns import BaseEvent
from escalation_rules.program.model import NEVER, POSITION_BITS, REQUESTED, leaves
from escalation_rules.worktime._timeline import datetime_of


def snapshot(state: State) -> Outcome:
    """Return the outcome of a state at its instant. Read-only."""
    live = state.life.live
    status = "external" if live and state.levels.external & ~_going_outside(state) else state.life.standing.status
    # rules 9 and 28: a case that is resolved, closed, void or external has no moves due
    open_for_moves = live and status != "external"
    return Outcome(
        status=status,
        cycle=state.life.cycle,
        standing=tuple(state.levels.level),
        holders=tuple(holder(state, track) for track in range(len(state.levels.level))),
        moves=tuple(_move_record(state, pending) for pending in state.asked.moves) if open_for_moves else (),
        blocked=blocked(state),
        actions=tuple(state.asked.actions) if live else (),
        clocks=tuple(_clock_record(state, state.clocks.by_target[number]) for number in sorted(state.clocks.by_target)),
        work=tuple(_work_records(state)) if live else (),
        exits=tuple(_exit_records(state)) if live else (),
        requested_since=None if status == "void" else state.facts.kept[REQUESTED],
        picks=_pick_values(state),
    )


def _going_outside(state: State) -> int:
    """The tracks on which a move to an external level is due and not recorded yet, as bits."""
    tracks = {
        pending.move.track
        for pending in state.asked.moves
        if state.program.levels[pending.move.track][pending.move.level].external
    }
    return sum(1 << track for track in tracks)


def _pick_values(state: State) -> tuple[tuple[str, str | bool | None], ...]:
    names = (name for name, fact in state.program.own.items() if fact.kind in {"choice", "flag"})
    return (("priority", state.facts.priority), *((name, state.facts.own.get(name)) for name in names))


@contextmanager
def _as_if_it_stayed(state: State, pending: Pending) -> Iterator[None]:
    """Set the state as if a pending move had not been made: the move's rules are about the level that it left."""
    track = pending.move.track
    level, entry = state.levels.level[track], state.levels.entry[track]
    state.levels.level[track], state.levels.entry[track] = pending.level, pending.entry
    try:
        yield
    finally:
        state.levels.level[track], state.levels.entry[track] = level, entry


def _move_record(state: State, pending: Pending) -> MoveRecord:
    """Complete a pending move with the person on duty for its role now, and whether its rules are still true."""
    holds_of = state.machine.holds
    with _as_if_it_stayed(state, pending):
        holds = any(rule.holds(lambda number: holds_of[number](state)) for rule in pending.rules)
    owner = pending.move.owner
    if owner is not None:
        rota = state.program.rotas.get(owner.role)
        # rule 26: the role is judged at due, the person named is the one on duty now
        owner = owner._replace(person=rota.person_at(state.now) if rota else None)
    return pending.move._replace(still_holds=holds, owner=owner)


def crossings_of(state: State, pending: Pending) -> Iterator[int]:
    """Yield the instants at which time alone may change whether the rules of a pending move are still true."""
    program = state.program
    with _as_if_it_stayed(state, pending):
        for rule in pending.rules:
            for number in [*leaves(rule.tree), *(leaves(rule.unless) if rule.unless is not None else ())]:
                look = state.machine.looks[number]
                crossing = look(state)[1] if look else None
                if crossing is not None:
                    yield program.lines[crossing[0]].earliest(crossing[1])


def all_clocks(state: State) -> tuple[ClockRecord, ...]:
    """Return every instance of every target so far, in the order in which they started."""
    clocks = (*state.clocks.past, *state.clocks.by_target.values())
    return tuple(
        _clock_record(state, clock) for clock in sorted(clocks, key=lambda clock: (clock.started, clock.group.number))
    )


def _clock_record(state: State, clock: Instance) -> ClockRecord:
    due = clock.due
    running = clock.stopped is None and clock.budget is not None
    paused = running and due is None
    return ClockRecord(
        clock.group.key,
        clock.group.level,
        clock.occurrence,
        clock.started,
        due,
        "paused" if paused else "running" if running else "stopped",
        outcome_and_due(clock, state)[0],
        clock.caused,
        clock.budget,
        clock.stopped,
        tuple(clock.legs),
        clock.terms.at_close,
    )


def _work_records(state: State) -> Iterator[tuple[int, int, tuple[OpenItemRecord, ...]]]:
    for track, level in enumerate(state.levels.level):
        if level != NOWHERE:
            missing, against = checked(state, state.program.levels[track][level].work, state.levels.entry[track], track)
            undone = (*missing, *(OpenItemRecord(item, f"answered {answer}") for item, answer in against))
            if undone:
                yield track, level, undone


def _exit_records(state: State) -> Iterator[ExitRecord]:
    for track, level in enumerate(state.levels.level):
        # rule 25: what de-escalation lacks, answers counted for the stay on the level
        if level > (0 if track == 0 else NOWHERE):
            missing, against = checked(
                state, state.program.levels[track][level].de_escalation, state.levels.entry[track], track
            )
            end = min_stay_end(state, track)
            yield ExitRecord(track, level, missing, against, end if end is not None and end > state.now else None)


def min_stay_end(state: State, track: int) -> int | None:
    """Return the instant until which the minimum stay blocks de-escalation from a track's current level."""
    program = state.program
    stay = state.pick(program.levels[track][state.levels.level[track]].min_stay)
    if stay is None:
        return None
    name = state.calendar(program.calendars_of(track))
    # rule 25: `min_stay` holds back going down, never up
    return program.calendars[name][0].reach(state.levels.entry[track] >> POSITION_BITS, stay)


_FRUITLESS = 1_000
"""The most instants without a change that `wake` tries; after them it returns the next instant, changed or not."""

_ASKED = (E.Escalated, E.PriorityChanged, E.Assigned)
"""The kinds of events that a decision can ask for and that change a case."""
Watch = Callable[[State], None]


class CaseInput(NamedTuple):
    """The part of a case that a fold reads: its events, and the keys that were recorded and declined.

    Each event counts as of the instant beside it, whatever its own `at` is. `accepted` is true if any of the events was
    accepted from a decision.
    """

    id: str
    events: Sequence[tuple[int, BaseEvent]]
    recorded: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()
    accepted: bool = False


def case_input(case: Case, at: int) -> CaseInput:
    """Return the input for a fold of a case up to an instant."""
    return CaseInput(case.id, case.plain_events, *case.keys_until(at), case.has_accepted)


def fold(machine: Machine, case: Case, at: int, watch: Watch | None = None) -> State:
    """Return the state of a case at an instant. Later events are ignored."""
    check_begun(case, at)
    return run(machine, case_input(case, at), at, watch)


def run(machine: Machine, case: CaseInput, at: int, watch: Watch | None = None) -> State:
    """Return the state of a case at an instant, which is not before its opening.

    `watch` is called after the rules of each instant that changed something.
    """
    state = State(machine, case.id, case.recorded, case.declined)
    state.watch = watch
    handlers, accepted, asked = machine.handlers, case.accepted, state.asked
    now = state.now = state.points[0] = case.events[0][0]
    # rules 8 and 18: events by instant and position; at each instant time passes, then events, then rules
    for instant, event in case.events:
        if instant != now:
            # rule 8: events after `at` do not exist
            if instant > at:
                break
            if asked.accepted:
                _conclude(state)
            elif state.rules_pending:
                run_rules(state)
            now = instant
            if (crossing := arrive(state, now)) <= now:
                _cross_until(state, crossing, now)
        if accepted and isinstance(event, _ASKED) and event.is_accepted:
            asked.accepted[str(event.id)] = event
        else:
            (handlers.get(type(event)) or handler_for(machine, type(event)))(state, event)
    _conclude(state)
    forward(state, at)
    return state


def check_begun(case: Case, at: int) -> None:
    """Raise `InvalidValue` for an instant before the opening of the case."""
    # rule 8: there is no decision before the opening
    if case.history[0].instant > at:
        opened = case.opened_at.isoformat()
        raise InvalidValue(Problem("instant before the opening", datetime_of(at), expected=f"{opened} or later"))


def _conclude(state: State) -> None:
    """Run the rules of an instant, after its events.

    Events accepted at this instant apply where the rules ask for them, the rest after the rules.
    """
    if state.rules_pending or state.asked.accepted:
        run_rules(state)
    if state.asked.accepted:
        # rule 18: what was accepted at this instant and is not asked for any more is a fact like any other
        enact_rest(state)
        run_rules(state)


def forward(state: State, until: int) -> None:
    """Advance the state to an instant, without events."""
    if (crossing := arrive(state, until)) <= until:
        _cross_until(state, crossing, until)
    if state.rules_pending:
        run_rules(state)


def _cross_until(state: State, crossing: int, until: int) -> None:
    """Process every crossing from `crossing` up to an instant. At the instant itself, rules wait for its events."""
    while crossing <= until:
        # rule 17: a crossing counts before the events of its instant
        cross(state)
        if crossing == until:
            break
        if state.rules_pending:
            run_rules(state)
        crossing = arrive(state, until)


def upcoming(state: State) -> int | None:
    """Return the next instant after now at which time alone changes something, or None."""
    crossing = next_crossing(state)
    return None if crossing == NEVER else crossing


def wake(state: State, outcome: Outcome) -> int | None:
    """Return the next instant at which the outcome differs, if nothing happens. Leaves the state as it is."""
    ahead = state
    # rule 27: `wake_at` is the first instant at which the answer differs, so each candidate is tried
    for _ in range(_FRUITLESS):
        crossing, breach, other = upcoming(ahead), _first(_breaches(ahead)), _first(_others(ahead, outcome))
        step = _first(instant for instant in (crossing, breach, other) if instant is not None)
        if step is None or step == breach:
            return step
        if ahead is state:
            ahead = state.copy()
        position, truth = ahead.position, ahead.tests.truth
        forward(ahead, step)
        if not (step != other and _is_quiet(ahead, outcome, position, truth)) and snapshot(ahead) != outcome:
            return step
    return _first(instant for instant in (upcoming(ahead), _first(_others(ahead, outcome))) if instant is not None)


def _first(some: Iterable[int]) -> int | None:
    return min(some, default=None)


def _is_quiet(state: State, outcome: Outcome, position: int, truth: int) -> bool:
    """Return whether a crossing changed nothing visible: no move is made or wanted, and no true rule is affected."""
    if outcome.moves or outcome.blocked or state.position != position or state.now == state.program.effective_from:
        return False
    return state.tests.truth == truth or not holding(state)


def _others(state: State, outcome: Outcome) -> Iterator[int]:
    """Yield later instants at which the outcome may change, besides crossings and breaches."""
    for instants in (_expiries(state), _min_stays(state), _of_moves(state, outcome)):
        yield from (instant for instant in instants if instant > state.now)


def _breaches(state: State) -> Iterator[int]:
    for clock in state.clocks.open.values():
        _, due = outcome_and_due(clock, state)
        if due is not None:
            # rule 14: a breach is one microsecond past due
            yield due + 1


def _expiries(state: State) -> Iterator[int]:
    for track, levels in enumerate(state.program.levels):
        for level in levels:
            for checklist in (level.entry, level.work, level.de_escalation):
                for item in checklist.items if checklist else ():
                    answer = state.answers.latest.get(state.program.items[item])
                    end = expiry(state, item, answer[0], track) if answer else None
                    if end is not None:
                        yield end


def _min_stays(state: State) -> Iterator[int]:
    for track, level in enumerate(state.levels.level):
        end = min_stay_end(state, track) if level != NOWHERE else None
        if end is not None:
            yield end


def _of_moves(state: State, outcome: Outcome) -> Iterator[int]:
    """Yield handovers of the named persons, and instants at which the rules of a pending move may become true or false.

    A closed case asks for no moves, so it has none of these.
    """
    # rule 27: a handover of the person named changes the answer
    for pending in state.asked.moves if outcome.moves else ():
        owner = pending.move.owner
        rota = state.program.rotas.get(owner.role) if owner else None
        change = rota.next_change(state.now) if rota else None
        if change is not None:
            yield change
        yield from crossings_of(state, pending)
