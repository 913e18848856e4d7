"""The fold: from the opening over instants. At each, time passes, then events, then rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from escalation_rules import events as E
from escalation_rules.case import Case
from escalation_rules.engine.checks import expiry
from escalation_rules.engine.clocks import outcome_and_due
from escalation_rules.engine.conditions import next_crossing
from escalation_rules.engine.findings import cooldown_end, crossings_of, find
from escalation_rules.engine.happening import happening, steps_for, steps_of
from escalation_rules.engine.model import NEVER
from escalation_rules.engine.outcome import Outcome
from escalation_rules.engine.rules import enact_rest, holding, run_rules
from escalation_rules.engine.state import Program, State
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.levels import NOWHERE
from escalation_rules.patterns import Happening
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["Told", "check_begun", "fold", "forward", "live", "told", "upcoming", "wake"]

_FRUITLESS = 1_000
"""After so many instants at which the answer could have changed and did not, the host is told to ask again then."""


_ASKED = (E.Escalated, E.PriorityChanged, E.Assigned)
"""What decisions ask for and a case is changed by."""
Watch = Callable[[State], None]


class Told(NamedTuple):
    """What a fold reads of a case: what happened and when, and the keys that were recorded and declined.

    The events are taken to have happened at the instants beside them, whatever they say themselves. `accepted` says
    whether there are any among them that were accepted from a decision.
    """

    id: str
    events: Sequence[tuple[int, Happening]]
    recorded: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()
    accepted: bool = False


def told(case: Case, at: int) -> Told:
    """What a fold up to an instant reads of a case."""
    return Told(case.id, case.plain_events, *case.keys_until(at), case.has_accepted)


def fold(program: Program, case: Case, at: int, watch: Watch | None = None) -> State:
    """The state of a case at an instant. Events after it do not exist."""
    check_begun(case, at)
    return live(program, told(case, at), at, watch)


def live(program: Program, case: Told, at: int, watch: Watch | None = None) -> State:
    """The state of a case at an instant, which is not before its opening.

    `watch` is told after the rules of each instant that changed something.
    """
    state = State(program, case.id, case.recorded, case.declined)
    state.watch = watch
    steps = steps_for(program)
    arrive, happens = steps.arrive, steps.happen
    now = state.now = state.points[0] = case.events[0][0]
    for instant, event in case.events:
        if instant != now:
            if instant > at:
                break
            if state.stir or state.accepted:
                _conclude(state)
            now = instant
            if (crossing := arrive(state, now)) <= now:
                _cross_until(state, crossing, now)
        if case.accepted and isinstance(event, _ASKED) and event.is_accepted:
            state.accepted[str(event.id)] = event
        else:
            (happens.get(type(event)) or happening(program, type(event)))(state, event)
    _conclude(state)
    forward(state, at)
    return state


def check_begun(case: Case, at: int) -> None:
    """Raises `InvalidValue` for an instant at which the case was not open yet."""
    if case.history[0].instant > at:
        opened = case.opened_at.isoformat()
        raise InvalidValue(Problem("instant before the opening", datetime_of(at), expected=f"{opened} or later"))


def _conclude(state: State) -> None:
    """The rules of an instant, after its events.

    What was accepted then takes effect where they ask for it, or else last.
    """
    if state.stir or state.accepted:
        run_rules(state)
    if state.accepted:
        enact_rest(state)
        run_rules(state)


def forward(state: State, until: int) -> None:
    """Let time pass up to an instant, while nothing happens."""
    if (crossing := steps_of(state.program).arrive(state, until)) <= until:
        _cross_until(state, crossing, until)
    if state.stir:
        run_rules(state)


def _cross_until(state: State, crossing: int, until: int) -> None:
    """Every crossing from one on up to an instant. Those of the instant itself count, but rules wait for its events."""
    steps = steps_of(state.program)
    while crossing <= until:
        steps.cross(state)
        if crossing == until:
            break
        if state.stir:
            run_rules(state)
        crossing = steps.arrive(state, until)


def upcoming(state: State) -> int | None:
    """The next instant after now at which time alone changes something, if there is one."""
    crossing = next_crossing(state)
    return None if crossing == NEVER else crossing


def wake(state: State, outcome: Outcome) -> int | None:
    """The next instant at which the outcome differs, if nothing happens. The state is of no use afterwards."""
    for _ in range(_FRUITLESS):
        crossing, breach, other = upcoming(state), _first(_breaches(state)), _first(_others(state, outcome))
        step = _first(one for one in (crossing, breach, other) if one is not None)
        if step is None or step == breach:
            return step
        position, truth = state.position, state.truth
        forward(state, step)
        if not (step != other and _is_quiet(state, outcome, position, truth)) and find(state) != outcome:
            return step
    return _first(one for one in (upcoming(state), _first(_others(state, outcome))) if one is not None)


def _first(some: Iterable[int]) -> int | None:
    return min(some, default=None)


def _is_quiet(state: State, outcome: Outcome, position: int, truth: int) -> bool:
    """Whether a crossing changed nothing that shows: no move was made or is wanted, and no rule's holding shows."""
    if outcome.moves or outcome.blocked or state.position != position or state.now == state.program.effective_from:
        return False
    return state.truth == truth or not holding(state)


def _others(state: State, outcome: Outcome) -> Iterator[int]:
    """Later instants at which the outcome may change, besides crossings and breaches."""
    for found in (_expiries(state), _cooldowns(state), _of_moves(state, outcome)):
        yield from (one for one in found if one > state.now)


def _breaches(state: State) -> Iterator[int]:
    for clock in state.open.values():
        _, due = outcome_and_due(clock, state)
        if due is not None:
            yield due + 1


def _expiries(state: State) -> Iterator[int]:
    for track, levels in enumerate(state.program.levels):
        for level in levels:
            for checklist in (level.entry, level.work, level.exit):
                for item in checklist.items if checklist else ():
                    answer = state.answers.get(state.program.items[item])
                    end = expiry(state, item, answer[0], track) if answer else None
                    if end is not None:
                        yield end


def _cooldowns(state: State) -> Iterator[int]:
    for track, level in enumerate(state.level):
        end = cooldown_end(state, track) if level != NOWHERE else None
        if end is not None:
            yield end


def _of_moves(state: State, outcome: Outcome) -> Iterator[int]:
    """Handovers of the people named, and what may change whether the rules of a move still hold.

    Of moves that are not asked for, because the case has ended, nothing is told.
    """
    for pending in state.moves if outcome.moves else ():
        owner = pending.move.owner
        rota = state.program.policy.rotas.get(owner.role) if owner else None
        change = rota.next_change(state.now) if rota else None
        if change is not None:
            yield change
        yield from crossings_of(state, pending)
