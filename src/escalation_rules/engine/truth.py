"""What is known to hold: a bit for each comparison, since when, and when time alone will change it.

Comparisons are looked at again only after a change that they look at. Those of a fact with one value at a time turn
together (a dial); those of a duration one after the other as time passes (a gauge); a few are asked one by one. What
time alone may change waits in slots: for each line of open time, the next point at which it may.
"""

from __future__ import annotations

from bisect import bisect_right

from escalation_rules.engine.machine import BITS, NEVER, Affected, Comparison, Crossing, Gauge, Program, State

__all__ = ["comes", "cross", "next_crossing", "refresh"]


def refresh(state: State, when: int) -> None:
    """Which comparisons hold after a change, and since when; `when` is what changed it."""
    program, dirty = state.program, state.dirty
    affected = program.affected.get(dirty)
    if affected is None:
        affected = program.affected[dirty] = _affected(program, dirty)
    dials, gauges, single = affected
    state.dirty = 0
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
    state.nearest[line] = None
    if changed := (state.truth & gauge.mask) ^ gauge.bits[step]:
        _turn(state, changed, changed & gauge.bits[step], when)


def _advance_gauge(state: State, gauge: Gauge, here: int, when: int) -> None:
    """Time alone has reached the next of its lengths."""
    number, lengths = gauge.number, gauge.lengths
    base = state.bases[number]
    step = state.steps[number] = bisect_right(lengths, here - base, state.steps[number])
    state.edges[gauge.line][number] = base + lengths[step] if step < len(lengths) else NEVER
    state.nearest[gauge.line] = None
    if changed := (state.truth & gauge.mask) ^ gauge.bits[step]:
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
        state.nearest[old] = None
    if crossing is None:
        state.slot_lines[slot] = -1
    else:
        line, point = crossing
        state.edges[line][slot] = point
        state.slot_lines[slot] = line
        state.nearest[line] = None


# ---------------------------------------------------------------------------- as time passes


def comes(state: State, until: int) -> bool:
    """Whether a crossing comes before an instant, or at it. On the way, its points are found."""
    nearest, lines = state.nearest, state.program.lines
    points: list[int | None] = [until]
    found = state.duty <= until or state.now < state.program.effective_from <= until
    for line in range(1, len(nearest)):
        first = _nearest(state, line)
        if first == NEVER:
            points.append(None)
        else:
            points.append(point := lines[line].opened(until))
            found = found or point >= first
    state.points = points
    return found or until >= _nearest(state, 0)


def _nearest(state: State, line: int) -> int:
    """The first point on a line at which time alone changes something."""
    found = state.nearest[line]
    if found is None:
        found = state.nearest[line] = min(state.edges[line])
    return found


def next_crossing(state: State) -> int | None:
    """The first crossing after now."""
    found = state.duty
    for number, line in enumerate(state.program.lines):
        nearest = _nearest(state, number)
        if nearest != NEVER:
            found = min(found, line.earliest(nearest))
    if state.now < state.program.effective_from:
        found = min(found, state.program.effective_from)
    return None if found == NEVER else found


def cross(state: State) -> None:
    """What time alone has changed by now."""
    when, slots = state.now << BITS, state.program.slots
    for line, edges in enumerate(state.edges):
        if _nearest(state, line) != NEVER:
            here = state.point(line)
            for slot, edge in enumerate(edges):
                if edge <= here:
                    one = slots[slot]
                    if isinstance(one, Gauge):
                        _advance_gauge(state, one, here, when)
                    else:
                        _update(state, one, when)
    if state.now in {state.duty, state.program.effective_from}:
        state.duty = NEVER
        state.stir = True
