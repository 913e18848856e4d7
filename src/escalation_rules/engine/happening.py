"""What an event does, beside its own effect: to what is watched for, to clocks, and to what is known to hold.

The steps of a policy are looked up here. After a few cases they are written out, which does not change what they do.
"""

from __future__ import annotations

from typing import Any

from escalation_rules.engine.clocks import start_due, stop, turn_clocks
from escalation_rules.engine.conditions import arrive, cross, make_look
from escalation_rules.engine.model import BITS, CYCLE, LEVEL, REMEMBERED, SEEN
from escalation_rules.engine.state import Happen, Looking, Program, Script, State, Steps
from escalation_rules.engine.unrolled import written
from escalation_rules.patterns import Happening

__all__ = ["WORTH", "happening", "steps_for", "steps_of"]

WORTH = 200
"""After so many cases it is worth while to write the steps of a policy out."""


def steps_for(program: Program) -> Steps:
    """The steps of a policy for one more case."""
    program.cases += 1
    if program.cases == WORTH:
        program.steps = written(program)
    return steps_of(program)


def steps_of(program: Program) -> Steps:
    """The steps of a policy, made when they are first needed and kept with its program."""
    if program.steps is None:
        program.steps = Steps(arrive, cross, make_look)
    return program.steps


def happening(program: Program, kind: type[Happening]) -> Happen:
    """What an event of a kind does. Made when it is first needed, and kept with the steps."""
    steps = steps_of(program)
    found = steps.happen.get(kind)
    if found is None:
        found = steps.happen[kind] = _made(program, program.scripts[kind], steps.look)
    return found


def _made(program: Program, script: Script, looks: dict[int, Looking]) -> Happen:
    """What is the same for all events of a kind is known beforehand.

    Without an event, as for what is only due, nobody listens.
    """
    stoppers, turning = script.stoppers, program.turning
    listens, begins = script.listens, LEVEL | CYCLE
    may_start, awaits = bool(script.starters), bool(script.starters) and script.awaits

    def happen(state: State, event: Any, effect: Any = script.effect) -> None:
        state.position = position = state.position + 1
        state.when = when = (state.now << BITS) + position
        if effect is not None:
            effect(state, event)
        if listens and event is not None:
            _listen(state, script, event)
        dirty, running = state.dirty, state.open
        stopped = stop(state, stoppers, event) if stoppers and running and event is not None and event.counts else ()
        if dirty & turning and running:
            turn_clocks(state, script, dirty)
        if stopped or dirty & begins or (may_start and not (awaits and state.unanswered is None)):
            start_due(state, script, event, stopped)
        if dirty := state.dirty:
            (looks.get(dirty) or _look(state))(state, when)

    return happen


def _listen(state: State, script: Script, event: Happening) -> None:
    """What is watched for, and what answers items, has happened."""
    for number, test in script.watched:
        if test(event):
            state.seen[number] = state.when
            state.dirty |= SEEN
            state.stir = True
    for number, test in script.answers:
        if test(event):
            state.answers[number] = state.when, event
            state.stir = True


def _look(state: State) -> Looking:
    """What to look at after a change that has not been met before."""
    steps = steps_of(state.program)
    found = steps.make_look(state.program, state.dirty)
    if len(steps.look) < REMEMBERED:
        steps.look[state.dirty] = found
    return found
