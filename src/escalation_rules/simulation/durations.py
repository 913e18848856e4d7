"""Durations since some instant, for many cases at once: whether they are long enough, and when that will change."""

from __future__ import annotations

from itertools import product

import numpy as np

from escalation_rules.simulation.arrays import either
from escalation_rules.simulation.columns.atoms import Overdue, Picked, Timed
from escalation_rules.simulation.columns.compile import Plan
from escalation_rules.simulation.columns.conditions import Looks
from escalation_rules.simulation.columns.facts import Ints, Mask, States, Trail
from escalation_rules.simulation.encoding import LOST
from escalation_rules.simulation.grids import NEVER
from escalation_rules.worktime.arrays import reach

__all__ = ["at_picked", "at_timed", "edges", "picked_edges"]


def at_timed(plan: Plan, states: States, one: Timed) -> Looks:
    """Looks at a duration, whenever it begins anew."""
    places, anchors = getattr(states, one.anchor)
    holds, cross = edges(plan, one, anchors, states.at[places])
    return Looks(places, holds, cross, one.wanted)


def at_picked(plan: Plan, states: States, one: Picked) -> Looks:
    """Looks at a duration whose length is picked, whenever it begins anew or another may be picked."""
    anchors: Trail = getattr(states, one.anchor)
    places = np.flatnonzero(states.picked(one.by).changes | states.at_places(anchors.places))
    holds, cross = picked_edges(plan, states, one, places, states.spread(anchors)[places])
    return Looks(places, holds, cross, one.wanted)


def edges(plan: Plan, one: Timed | Overdue, anchors: Ints, now: Ints) -> tuple[Mask, Ints]:
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


def picked_edges(plan: Plan, states: States, one: Picked, places: Ints, anchors: Ints) -> tuple[Mask, Ints]:
    """The same where the length is picked; where none is, the comparison does not hold."""
    holds, cross = np.zeros(len(places), np.bool_), np.full(len(places), NEVER)
    picked, now = states.picked(one.by).values[places], states.at[places]
    for number, values in enumerate(product(*(states.script.words[name] for name in one.by))):
        timed = one.choose(dict(zip(one.by, values, strict=True)))
        where = np.flatnonzero(picked == number)
        if timed is not None and len(where):
            holds[where], cross[where] = edges(plan, timed, anchors[where], now[where])
    return holds, cross
