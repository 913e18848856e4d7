"""What is seen of the comparisons that do not depend on levels, after each event that can change them."""

from __future__ import annotations

import numpy as np

from escalation_rules.simulation.bulk import reach
from escalation_rules.simulation.columns import LOST
from escalation_rules.simulation.comparisons import Dialed, Outcomed, Shared, Timed
from escalation_rules.simulation.grids import NEVER
from escalation_rules.simulation.keys import either
from escalation_rules.simulation.plans import Plan
from escalation_rules.simulation.running import nothing
from escalation_rules.simulation.states import Ints, Mask, States
from escalation_rules.simulation.terming import dialed
from escalation_rules.simulation.turning import Looks

__all__ = ["at_dial", "at_nothing", "at_timed", "edges"]


def at_dial(states: States, one: Dialed) -> Looks:
    """Looks at a fact with one value at a time, whenever it may change."""
    places, holds = dialed(states, one)
    # while a request is open, the latest is its evidence
    again = states.requests[places] if one.fact == "escalation_requested" else None
    return Looks(places, holds, again=again)


def at_timed(plan: Plan, states: States, one: Timed) -> Looks:
    """Looks at a duration, whenever it begins anew."""
    places, anchors = getattr(states, one.anchor)
    holds, cross = edges(plan, one, anchors, states.at[places])
    return Looks(places, holds, cross, one.wanted)


def edges(plan: Plan, one: Timed, anchors: Ints, now: Ints) -> tuple[Mask, Ints]:
    """Whether durations since anchors are long enough now, or short enough, and when time alone will change that."""
    holds, cross = np.full(len(now), (not one.span.amount) == one.wanted), np.full(len(now), NEVER)
    known = np.flatnonzero(anchors != LOST) if one.span.amount else np.zeros(0, np.int64)
    if len(known):
        if one.calendar is not None:
            edge = reach(one.calendar, anchors[known], one.span)
        else:
            line = plan.lines[one.line]
            edge = line.earliest(line.opened(anchors[known]) + (one.span.microseconds or 0))
        passed = edge <= now[known]
        holds[known] = passed == one.wanted
        cross[known] = either(passed, NEVER, edge)
    return holds, cross


def at_nothing(states: States, one: Outcomed | Shared) -> Looks:
    """A look at a target that there is not."""
    return Looks(states.opening, np.full(states.size, nothing(one)))
