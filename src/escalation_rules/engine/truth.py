"""What is known to hold: a bit for each comparison, since when, and when time alone will change it.

Comparisons are looked at again only after a change that they look at. Those of a fact with one value at a time turn
together (a dial); those of a duration one after the other as time passes (a gauge); a few are asked one by one. What
time alone may change waits in slots: for each line of open time, the next point at which it may.
"""

from __future__ import annotations

from bisect import bisect_right

from escalation_rules.engine.machine import BITS, NEVER, SHOWN, Affected, Comparison, Crossing, Gauge, Program, State

__all__ = ["cross", "next_crossing", "refresh"]


def refresh(state: State, when: int) -> None:
    """Which comparisons hold after a change, and since when; `when` is what changed it."""
    program, dirty = state.program, state.dirty
    affected = program.affected.get(dirty)
    if affected is None:
        affected = program.affected[dirty] = _affected(program, dirty)
    dials, gauges, single = affected
    state.dirty = 0
    state.shown |= dirty & SHOWN
    for dial in dials:
        value = dial.value(state)
        bits = dial.table.get(value)
        if bits is None:
            bits = dial.bits(state, value)
        if changed := (state.truth & dial.mask) ^ bits:
            _turn(state, changed, changed & bits, when)
    for gauge in gauges:
        anchor = gauge.anchor(state)
        if anchor != state.anchors[gauge.number]:
            _start_gauge(state, gauge, anchor, when)
    for comparison in single:
        _update(state, comparison, when)


def _affected(program: Program, dirty: int) -> Affected:
    return (
        tuple(dial for dial in program.dials if dial.looks_at & dirty),
        tuple(gauge for gauge in program.gauges if gauge.looks_at & dirty),
        tuple(one for one in program.single if one.looks_at & dirty),
    )


def _turn(state: State, changed: int, gained: int, when: int) -> None:
    """These comparisons have changed; those that have come to hold do so since now."""
    state.truth ^= changed
    state.stir = True
    while gained:
        lowest = gained & -gained
        state.since[lowest.bit_length() - 1] = when
        gained ^= lowest


def _start_gauge(state: State, gauge: Gauge, anchor: int | None, when: int) -> None:
    """A duration begins anew, or ends: then it is no time at all."""
    number, line, step = gauge.number, gauge.line, gauge.initial
    state.anchors[number] = anchor
    edge = NEVER
    if anchor is not None:
        base = here = state.point(line)
        if anchor != state.now:
            base = state.program.lines[line].opened(anchor)
            step = bisect_right(gauge.lengths, here - base, step)
        state.bases[number] = base
        if step < len(gauge.lengths):
            edge = base + gauge.lengths[step]
    state.steps[number] = step
    state.edges[line][number] = edge
    state.firsts[line] = None
    if changed := (state.truth & gauge.mask) ^ gauge.bits[step]:
        _turn(state, changed, changed & gauge.bits[step], when)


def _advance_gauge(state: State, gauge: Gauge, here: int, when: int) -> None:
    """Time alone has reached the next of its lengths."""
    number, lengths = gauge.number, gauge.lengths
    base = state.bases[number]
    step = state.steps[number] = bisect_right(lengths, here - base, state.steps[number])
    state.edges[gauge.line][number] = base + lengths[step] if step < len(lengths) else NEVER
    state.firsts[gauge.line] = None
    changed = (state.truth & gauge.mask) ^ gauge.bits[step]
    _turn(state, changed, changed & gauge.bits[step], when)


def _update(state: State, comparison: Comparison, when: int) -> None:
    """Whether one comparison holds, since when, and when time alone may change that."""
    bit = 1 << comparison.number
    if comparison.look is None:
        holds = comparison.holds(state)
    else:
        holds, crossing = comparison.look(state)
        _set_edge(state, comparison.slot, crossing)
    if holds != bool(state.truth & bit):
        _turn(state, bit, bit if holds else 0, when)


def _set_edge(state: State, slot: int, crossing: Crossing | None) -> None:
    """Remember the next point at which time alone may change a comparison, in place of the last."""
    old = state.slot_lines[slot]
    if old >= 0:
        state.edges[old][slot] = NEVER
        state.firsts[old] = None
    if crossing is None:
        state.slot_lines[slot] = -1
    else:
        line, point = crossing
        state.edges[line][slot] = point
        state.slot_lines[slot] = line
        state.firsts[line] = None


# ---------------------------------------------------------------------------- as time passes


def next_crossing(state: State) -> int:
    """The first crossing after now; `NEVER` if there is none."""
    found, firsts = state.duty, state.firsts
    for line, known in enumerate(firsts):
        first = known
        if first is None:
            first = firsts[line] = _first_on(state, line)
        if first < found:  # noqa: PLR1730 a call of min costs more than the rest of the loop
            found = first
    if state.now < state.program.effective_from < found:
        found = state.program.effective_from
    return found


def _first_on(state: State, line: int) -> int:
    """When the first point comes on a line at which time alone changes something."""
    nearest = min(state.edges[line], default=NEVER)
    return NEVER if nearest == NEVER else state.program.lines[line].earliest(nearest)


def cross(state: State) -> None:
    """What time alone has changed by now."""
    when, slots = state.now << BITS, state.program.slots
    for line, first in enumerate(state.firsts):
        if first is not None and first <= state.now:
            here, edges = state.point(line), state.edges[line]
            while (nearest := min(edges)) <= here:
                one = slots[edges.index(nearest)]
                if isinstance(one, Gauge):
                    _advance_gauge(state, one, here, when)
                else:
                    _update(state, one, when)
    if state.now in {state.duty, state.program.effective_from}:
        state.duty = NEVER
        state.stir = True
