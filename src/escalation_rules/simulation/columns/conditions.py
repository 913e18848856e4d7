"""Tests that events and time alone decide: the instants at which each changes, vectorised over all cases.

A test is observed after each event that can change it, and between two observations time changes it at most once. Most
observations repeat the one before, so that few are kept.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from escalation_rules.fact_table import FACTS, Flag
from escalation_rules.program.model import (
    ClockTest,
    DurationTest,
    OutcomeTest,
    PastDueTest,
    PickedTest,
    TimeLeftTest,
    UsedTest,
    ValueTest,
)
from escalation_rules.simulation.arrays import BREACHED, NAT, NEVER_64, NOT_STARTED, Ints, Mask, Places, either
from escalation_rules.simulation.columns.atoms import choose, outcome_table
from escalation_rules.simulation.columns.compile import Plan
from escalation_rules.simulation.columns.facts import EventFacts, StepFunction
from escalation_rules.worktime.arrays import reach


def nothing(one: ClockTest) -> bool:
    """Return whether a test is true of a target that has not started."""
    if isinstance(one, OutcomeTest):
        return bool(outcome_table(one)[NOT_STARTED])
    if isinstance(one, TimeLeftTest):
        return False
    return (not (one.share if isinstance(one, UsedTest) else one.span.amount)) == one.wanted


def later(one: ClockTest) -> bool:
    """Return whether a test is true once time alone has changed it."""
    if isinstance(one, OutcomeTest):
        return bool(outcome_table(one)[BREACHED])
    return one.wanted != isinstance(one, TimeLeftTest)


def dialed(states: EventFacts, one: ValueTest) -> StepFunction:
    """Return whether a test of a value is true, after every event that may change the fact."""
    table, (places, values) = states.script.table(one), states.steps(one.fact)
    return StepFunction(places, table[np.minimum(values.astype(np.int64), len(table) - 1)])


class Observations(NamedTuple):
    """Observations of a test after some events, the opening of each case among them.

    `holds` says whether it is true then, `cross` when time will change that, and `after` to what; `again` marks the
    observations with new evidence, if the test is true.
    """

    places: Places
    holds: Mask
    cross: Ints | None = None
    after: bool = False
    again: Mask | None = None


class Transitions(NamedTuple):
    """The keys (case and instant, in order) at which a test becomes true or false, by which event (`places`).

    Before the first of a case, the test is false. Where it `holds`, there is new evidence. The place is -1 for a change
    by time.
    """

    keys: Ints
    holds: Mask
    places: Places


def turns_of(states: EventFacts, looks: Observations, until: int) -> Transitions:
    """Return the changes of a test, from its observations."""
    opens = states.opens[looks.places]
    crossed = _crossed(states, looks, opens, until)
    left = looks.holds.copy()
    left[crossed] = looks.after
    before = np.zeros(len(left), np.bool_)
    before[1:] = left[:-1]
    before &= ~opens
    turned = looks.holds != before
    if looks.again is not None:
        turned |= looks.again & looks.holds
    return _last(_merged(states, looks, turned, crossed) if len(crossed) else _turns(states, looks, turned))


def _crossed(states: EventFacts, looks: Observations, opens: Mask, until: int) -> Ints:
    """Return the observations after which time changes a test, before the next observation or by the end."""
    if looks.cross is None:
        return np.zeros(0, np.int64)
    limit = np.append(states.at[looks.places[1:]], until)
    limit[np.flatnonzero(opens[1:])] = until
    return np.flatnonzero((looks.cross <= limit) & (looks.holds != looks.after))


def _turns(states: EventFacts, looks: Observations, turned: Mask) -> Transitions:
    rows = np.flatnonzero(turned)
    places = looks.places[rows]
    return Transitions(states.keys[places], looks.holds[rows], places)


def _merged(states: EventFacts, looks: Observations, turned: Mask, crossed: Ints) -> Transitions:
    """Return the observations that changed a test, each with the crossing that came after it."""
    both = np.zeros((len(turned), 2), np.bool_)
    both[:, 0], both[crossed, 1] = turned, True
    both_places = np.flatnonzero(both)
    rows, by_time = both_places >> 1, np.flatnonzero(both_places & 1)
    places, holds = looks.places[rows], looks.holds[rows]
    keys = states.keys[places]
    keys[by_time] = states.key(states.case[places[by_time]], looks.cross[crossed])  # type: ignore[index]
    holds[by_time], places[by_time] = looks.after, -1
    return Transitions(keys, holds, places)


def _last(turns: Transitions) -> Transitions:
    """Keep the last of several changes at one instant."""
    last = np.ones(len(turns.keys), np.bool_)
    np.not_equal(turns.keys[1:], turns.keys[:-1], out=last[:-1])
    if last.all():
        return turns
    kept = np.flatnonzero(last)
    return Transitions(turns.keys[kept], turns.holds[kept], turns.places[kept])


# rule 30: a duration has one crossing, found for all cases at once
def at_timed(plan: Plan, states: EventFacts, one: DurationTest) -> Observations:
    """Observe a duration, whenever it begins anew."""
    places, anchors = states.steps(one.fact)
    holds, cross = edges(plan, one, anchors, states.at[places])
    return Observations(places, holds, cross, one.wanted)


def at_picked(plan: Plan, states: EventFacts, one: PickedTest) -> Observations:
    """Observe a duration whose length is picked, whenever it begins anew or another length may be picked."""
    anchors = states.steps(one.fact)
    places = np.flatnonzero(states.picked(one.choices.by).changes | states.at_places(anchors.places))
    holds, cross = picked_edges(plan, states, one, places, states.spread(anchors)[places])
    return Observations(places, holds, cross, one.wanted)


def edges(plan: Plan, one: DurationTest | PastDueTest, anchors: Ints, now: Ints) -> tuple[Mask, Ints]:
    """Return whether durations since anchors pass their test now, and the instants at which time will change that."""
    holds, cross = np.full(len(now), (not one.span.amount) == one.wanted), np.full(len(now), NEVER_64)
    known = np.flatnonzero(anchors != NAT) if one.span.amount else np.zeros(0, np.int64)
    if len(known):
        if one.calendar is not None:
            edge = reach(one.calendar, anchors[known], one.span)
        else:
            line = plan.lines[one.line]
            edge = line.earliest(line.opened(anchors[known]) + (one.span.microseconds or 0))
        passed = edge <= now[known]
        holds[known] = passed == one.wanted
        cross[known] = either(passed, NEVER_64, edge)
    return holds, cross


def picked_edges(plan: Plan, states: EventFacts, one: PickedTest, places: Ints, anchors: Ints) -> tuple[Mask, Ints]:
    """Do the same as `edges` for a picked length; without a picked length, the test is false."""
    holds, cross = np.zeros(len(places), np.bool_), np.full(len(places), NEVER_64)
    picked, now = states.picked(one.choices.by).values[places], states.at[places]
    by = one.choices.by
    for number, values in enumerate(product(*(states.script.words[name] for name in by))):
        timed = choose(one, dict(zip(by, values, strict=True)))
        where = np.flatnonzero(picked == number)
        if timed is not None and len(where):
            holds[where], cross[where] = edges(plan, timed, anchors[where], now[where])
    return holds, cross


def at_dial(states: EventFacts, one: ValueTest) -> Observations:
    """Observe a fact with one value at a time, whenever it may change."""
    places, holds = dialed(states, one)
    # rule 22: of some flags the latest event is the evidence
    source = FACTS[one.fact].source if one.fact in FACTS else None
    again = states.events(source.of)[places] if isinstance(source, Flag) and source.latest else None
    return Observations(places, holds, again=again)


def at_nothing(states: EventFacts, one: ClockTest) -> Observations:
    """Observe a target that the policy does not have."""
    return Observations(states.opening, np.full(states.size, nothing(one)))
