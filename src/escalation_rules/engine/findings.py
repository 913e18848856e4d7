"""What a state comes to: the outcome at now. It looks and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from escalation_rules.engine.checks import checked
from escalation_rules.engine.clocks import due_of, is_at_close, outcome_now
from escalation_rules.engine.model import BITS
from escalation_rules.engine.outcome import ClockFound, ExitFound, MoveFound, OpenFound, Outcome
from escalation_rules.engine.owners import holder
from escalation_rules.engine.rules import blocked, leaves, tree_holds
from escalation_rules.engine.state import Instance, Pending, State
from escalation_rules.levels import NOWHERE

__all__ = ["all_clocks", "cooldown_end", "crossings_of", "find"]


def find(state: State) -> Outcome:
    """The outcome at now."""
    live = state.live
    status = "external" if live and state.external & ~_going_outside(state) else state.standing.status
    open_for_moves = live and status != "external"
    return Outcome(
        status=status,
        cycle=state.cycle,
        standing=tuple(state.level),
        holders=tuple(holder(state, track) for track in range(len(state.level))),
        moves=tuple(_found_move(state, one) for one in state.moves) if open_for_moves else (),
        blocked=blocked(state),
        actions=tuple(state.actions) if live else (),
        clocks=tuple(_found_clock(state, state.clocks[number]) for number in sorted(state.clocks)),
        work=tuple(_found_work(state)) if live else (),
        exits=tuple(_found_exits(state)) if live else (),
        requested_since=None if status == "void" else state.requested,
        picks=_found_picks(state),
    )


def _going_outside(state: State) -> int:
    """The tracks on which a move to an external level is due and not recorded yet, as bits."""
    tracks = {one.move.track for one in state.moves if state.program.levels[one.move.track][one.move.level].external}
    return sum(1 << track for track in tracks)


def _found_picks(state: State) -> tuple[tuple[str, str | None], ...]:
    choices = (fact.name for fact in state.program.policy.facts if fact.kind == "choice")
    return (("priority", state.priority), *((name, state.facts.get(name)) for name in choices))


@contextmanager
def _as_if_it_stayed(state: State, pending: Pending) -> Iterator[None]:
    """The state as if a pending move had not been made: its rules are about the stay that it left."""
    track = pending.move.track
    level, entry = state.level[track], state.entry[track]
    state.level[track], state.entry[track] = pending.level, pending.entry
    try:
        yield
    finally:
        state.level[track], state.entry[track] = level, entry


def _found_move(state: State, pending: Pending) -> MoveFound:
    """With the person who has the role now, and whether its rules hold now."""
    comparisons = state.program.comparisons
    with _as_if_it_stayed(state, pending):
        holds = any(
            tree_holds(rule.stay_tree, lambda number: comparisons[number].holds(state)) for rule in pending.rules
        )
    owner = pending.move.owner
    if owner is not None:
        rota = state.program.policy.rotas.get(owner.role)
        owner = owner._replace(person=rota.person_at(state.now) if rota else None)
    return pending.move._replace(still_holds=holds, owner=owner)


def crossings_of(state: State, pending: Pending) -> Iterator[int]:
    """When time alone may change whether the rules of a pending move still hold."""
    program = state.program
    with _as_if_it_stayed(state, pending):
        for rule in pending.rules:
            for number in leaves(rule.tree):
                look = program.comparisons[number].look
                found = look(state)[1] if look else None
                if found is not None:
                    yield program.lines[found[0]].earliest(found[1])


def all_clocks(state: State) -> tuple[ClockFound, ...]:
    """Every instance of every target so far, in the order in which they started."""
    clocks = (*state.past, *state.clocks.values())
    return tuple(_found_clock(state, one) for one in sorted(clocks, key=lambda one: (one.started, one.group.number)))


def _found_clock(state: State, clock: Instance) -> ClockFound:
    due = due_of(clock)
    running = clock.stopped is None and clock.budget is not None
    paused = running and due is None
    return ClockFound(
        clock.group.key,
        clock.group.level,
        clock.occurrence,
        clock.started,
        due,
        "paused" if paused else "running" if running else "stopped",
        outcome_now(clock, state),
        clock.caused,
        clock.budget,
        clock.stopped,
        tuple(clock.legs),
        is_at_close(clock.terms.span),
    )


def _found_work(state: State) -> Iterator[tuple[int, int, tuple[OpenFound, ...]]]:
    for track, level in enumerate(state.level):
        if level != NOWHERE:
            missing, against = checked(state, state.program.levels[track][level].work, state.entry[track], track)
            undone = (*missing, *(OpenFound(item, f"answered {answer}") for item, answer in against))
            if undone:
                yield track, level, undone


def _found_exits(state: State) -> Iterator[ExitFound]:
    for track, level in enumerate(state.level):
        if level > (0 if track == 0 else NOWHERE):
            missing, against = checked(state, state.program.levels[track][level].exit, state.entry[track], track)
            end = cooldown_end(state, track)
            yield ExitFound(track, level, missing, against, end if end is not None and end > state.now else None)


def cooldown_end(state: State, track: int) -> int | None:
    """Until when going down from the present level of a track is held back."""
    program = state.program
    cooldown = state.pick(program.levels[track][state.level[track]].cooldown)
    if cooldown is None:
        return None
    name = state.calendar((program.tracks[track].calendar, program.policy.usual_calendar))
    return program.calendars[name][0].reach(state.entry[track] >> BITS, cooldown)
