"""What is known to hold: a bit for each comparison, since when, and when time alone will change it.

Comparisons are looked at again only after a change that they look at. Those of a fact with one value at a time turn
together (a dial); those of a duration one after the other as time passes (a gauge); those of a target as its clock does
(a face); a few are asked one by one. What time alone may change waits in slots: for each line of open time, the next
point at which it may.
"""

from __future__ import annotations

from bisect import bisect_right

from escalation_rules.engine.bits import NEVER, Comparison, Crossing, Face, Gauge
from escalation_rules.engine.clocks import outcome_and_due, use_of
from escalation_rules.engine.machine import State

__all__ = ["advance", "look_at_clock", "look_at_one", "next_crossing", "start_earlier", "turn_bits"]


def turn_bits(state: State, was: int, truth: int, when: int) -> None:
    """What holds is no longer what it was; comparisons that have come to hold do so since now."""
    state.truth = truth
    state.stir = True
    gained = truth & ~was
    while gained:
        lowest = gained & -gained
        state.since[lowest.bit_length() - 1] = when
        gained ^= lowest


def start_earlier(state: State, gauge: Gauge, anchor: int) -> int:
    """A duration is reckoned since an earlier instant. The bits of its comparisons that hold."""
    number, line = gauge.number, gauge.line
    state.bases[number] = state.program.lines[line].opened(anchor)
    state.steps[number] = gauge.initial
    return advance(state, gauge, state.point(line))


def advance(state: State, gauge: Gauge, here: int) -> int:
    """Which of the lengths of a gauge are reached, and when the next will be. The bits of its comparisons that hold."""
    number, lengths, base = gauge.number, gauge.lengths, state.bases[gauge.number]
    step = state.steps[number] = bisect_right(lengths, here - base, state.steps[number])
    state.edges[gauge.line][number] = base + lengths[step] if step < len(lengths) else NEVER
    state.nearest[gauge.line] = None
    return gauge.bits[step]


def look_at_clock(state: State, face: Face) -> int:
    """When time alone will breach a target's latest clock or use up a share of its budget. The bits that hold."""
    clock, bits = state.latest.get(face.key), 0
    if face.slot is not None:
        outcome, due = outcome_and_due(clock, state)
        bits = face.outcomes[outcome]
        edge = NEVER if due is None else due + 1
        if state.edges[0][face.slot] != edge:
            state.edges[0][face.slot] = edge
            state.nearest[0] = None
    for share in face.shares:
        is_used, crossing = use_of(clock, state, share.up, share.down)
        bits |= share.used if is_used else share.before
        _set_edge(state, share.slot, crossing)
    return bits


def look_at_one(state: State, comparison: Comparison) -> int:
    """When time alone may change a comparison. Its bit, if it holds."""
    if comparison.look is None:
        holds = comparison.holds(state)
    else:
        holds, crossing = comparison.look(state)
        _set_edge(state, comparison.slot, crossing)
    return holds << comparison.number


def _set_edge(state: State, slot: int, crossing: Crossing | None) -> None:
    """Remember the next point at which time alone may change something, in place of the last."""
    old = state.slot_lines[slot]
    if old >= 0:
        state.edges[old][slot] = NEVER
        state.nearest[old] = None
        state.slot_lines[slot] = -1
    if crossing is not None:
        line, point = crossing
        state.edges[line][slot] = point
        state.slot_lines[slot] = line
        state.nearest[line] = None


def next_crossing(state: State) -> int:
    """The first crossing after now; `NEVER` if there is none."""
    program, found = state.program, state.duty
    for line in program.timed:
        nearest = min(state.edges[line])
        if nearest != NEVER:
            found = min(found, program.lines[line].earliest(nearest))
    if state.now < program.effective_from < found:
        found = program.effective_from
    return found
