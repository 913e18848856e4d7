"""What is known to hold: a bit for each comparison, since when, and when time alone will change it.

Comparisons are looked at again only after a change that they look at. Those of a fact with one value at a time turn
together (a dial); those of a duration one after the other as time passes (a gauge); those of a target as its clock does
(a face); a few are asked one by one. What time alone may change waits in slots: for each line of open time, the next
point at which it may.
"""

from __future__ import annotations

from bisect import bisect_right

from escalation_rules.engine.clocks import outcome_and_due, use_of
from escalation_rules.engine.model import BITS, NEVER, SHOWN, Comparison, Crossing, Face, Gauge
from escalation_rules.engine.state import Looking, Program, State

__all__ = [
    "advance",
    "arrive",
    "cross",
    "look_at_clock",
    "look_at_one",
    "make_look",
    "next_crossing",
    "start_earlier",
    "turn_bits",
]


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


# ---------------------------------------------------------------------------- after a change
def make_look(program: Program, dirty: int) -> Looking:
    """What to look at after a change."""
    dials = [one for one in program.dials if one.looks_at & dirty]
    gauges = [one for one in program.gauges if one.looks_at & dirty]
    faces = [one for one in program.faces if one.looks_at & dirty]
    single = [one for one in program.single if one.looks_at & dirty]

    def look(state: State, when: int) -> None:
        state.dirty = 0
        state.shown |= dirty & SHOWN
        was = truth = state.truth
        for dial in dials:
            truth = truth & ~dial.mask | dial.bits(state, dial.value(state))
        for gauge in gauges:
            anchor = gauge.anchor(state)
            if anchor != state.anchors[gauge.number]:
                truth = truth & ~gauge.mask | _start(state, gauge, anchor)
        for face in faces:
            truth = truth & ~face.mask | look_at_clock(state, face)
        for one in single:
            truth = truth & ~(1 << one.number) | look_at_one(state, one)
        if truth != was:
            turn_bits(state, was, truth, when)

    return look


def _start(state: State, gauge: Gauge, anchor: int | None) -> int:
    """A duration begins anew, or ends: then it is no time at all. The bits of its comparisons that hold."""
    state.anchors[gauge.number] = anchor
    if anchor is not None:
        return start_earlier(state, gauge, anchor)
    state.edges[gauge.line][gauge.number] = NEVER
    state.nearest[gauge.line] = None
    return gauge.bits[gauge.initial]


# ---------------------------------------------------------------------------- as time passes
def arrive(state: State, until: int) -> int:
    """The first crossing up to an instant, or else a later one. The state is there then, or at the instant."""
    crossing = next_crossing(state)
    state.now = min(crossing, until)
    state.points = [None] * len(state.points)
    state.points[0] = state.now
    return crossing


def cross(state: State) -> None:
    """What time alone has changed by now."""
    program, now = state.program, state.now
    was = truth = state.truth
    for line in program.timed:
        here = state.point(line)
        for slot in [slot for slot, edge in enumerate(state.edges[line]) if edge <= here]:
            one = program.slots[slot]
            if isinstance(one, Gauge):
                truth = truth & ~one.mask | advance(state, one, here)
            elif isinstance(one, Face):
                truth = truth & ~one.mask | look_at_clock(state, one)
            else:
                truth = truth & ~(1 << one.number) | look_at_one(state, one)
    if truth != was:
        turn_bits(state, was, truth, now << BITS)
    if now in {state.duty, program.effective_from}:
        state.duty = NEVER
        state.stir = True


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
