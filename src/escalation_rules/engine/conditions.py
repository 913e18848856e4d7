"""Tests of one case: whether each is true, since when, and when time alone may change it (rules 29-31).

A test is evaluated again only after a change of a part of the state that it reads. `ValueTests` change together with
their fact, `DurationTests` one after the other as time passes, `ClockTests` with the clock of their target; the rest
are evaluated one by one. Slots keep the changes that time alone may make: for each line, the next point of one.
"""

from __future__ import annotations

from bisect import bisect_right

from escalation_rules.engine.clocks import outcome_and_due, use_of
from escalation_rules.engine.machine import ClockTests, Crossing, DurationTests, SingleTest
from escalation_rules.engine.state import SHOWN, State
from escalation_rules.program.model import NEVER, POSITION_BITS


def update_tests(state: State, when: int) -> None:
    """Update all tests that read a part of the state that has changed; `when` is the moment of the change."""
    changed, machine, tests = state.changed, state.machine, state.tests
    affected = machine.affected.get(changed) or machine.affected_by(changed)
    state.changed = 0
    state.changed_visibly |= changed & SHOWN
    was = truth = tests.truth
    for group in affected.values:
        value = group.value(state)
        bits = group.table.get(value)
        truth = truth & ~group.mask | (group.bits(value) if bits is None else bits)
    for durations in affected.durations:
        anchor, number = durations.anchor(state), durations.number
        if anchor != tests.anchors[number]:
            tests.anchors[number] = anchor
            if anchor is None:
                # a duration that has ended is zero
                tests.timers[durations.line][number] = NEVER
                tests.next_timers[durations.line] = None
                bits = durations.bits[durations.initial]
            else:
                line = durations.line
                here = state.point(line)
                tests.bases[number] = here if anchor == state.now else state.program.lines[line].opened(anchor)
                tests.steps[number] = durations.initial
                bits = _advance(state, durations, here)
            truth = truth & ~durations.mask | bits
    for clocks in affected.clocks:
        truth = truth & ~clocks.mask | _look_at_clock(state, clocks)
    for single in affected.single:
        truth = truth & ~(1 << single.number) | _look_at_single(state, single)
    if truth != was:
        _turn(state, was, truth, when)


def _turn(state: State, was: int, truth: int, when: int) -> None:
    """Set the bits that are true, and for each test that has become true, the moment since when it is."""
    tests = state.tests
    tests.truth = truth
    state.rules_pending = True
    gained, since = truth & ~was, tests.since
    while gained:
        lowest = gained & -gained
        since[lowest.bit_length() - 1] = when
        gained ^= lowest


def _advance(state: State, durations: DurationTests, here: int) -> int:
    """Find the lengths that a duration has reached, and set its timer to the next. Returns the bits that are true."""
    number, lengths, tests, line = durations.number, durations.lengths, state.tests, durations.line
    base = tests.bases[number]
    step = tests.steps[number] = bisect_right(lengths, here - base, tests.steps[number])
    tests.timers[line][number] = base + lengths[step] if step < len(lengths) else NEVER
    tests.next_timers[line] = None
    return durations.bits[step]


def _look_at_clock(state: State, group: ClockTests) -> int:
    """Update the timers of a target's latest clock: breach and shares of its budget. Returns the bits that are true."""
    clock, bits = state.clocks.latest.get(group.key), 0
    if group.slot is not None:
        outcome, due = outcome_and_due(clock, state)
        bits = group.outcomes[outcome]
        edge, tests = NEVER if due is None else due + 1, state.tests
        if tests.timers[0][group.slot] != edge:
            tests.timers[0][group.slot] = edge
            tests.next_timers[0] = None
    for share in group.shares:
        is_used, crossing = use_of(clock, state, share.up, share.down)
        bits |= share.used if is_used else share.before
        _set_timer(state, share.slot, crossing)
    return bits


def _look_at_single(state: State, single: SingleTest) -> int:
    """Evaluate a test that is in no group, and set its timer. Returns its bit if it is true, else 0."""
    if single.look is None:
        is_true = single.holds(state)
    else:
        is_true, crossing = single.look(state)
        _set_timer(state, single.slot, crossing)
    return is_true << single.number


def _set_timer(state: State, slot: int, crossing: Crossing | None) -> None:
    """Set a slot's timer to the next point at which time alone may change something; None clears it."""
    tests = state.tests
    old = tests.slot_lines[slot]
    if old >= 0:
        tests.timers[old][slot] = NEVER
        tests.next_timers[old] = None
        tests.slot_lines[slot] = -1
    if crossing is not None:
        line, point = crossing
        tests.timers[line][slot] = point
        tests.slot_lines[slot] = line
        tests.next_timers[line] = None


# ---------------------------------------------------------------------------- as time passes
def arrive(state: State, until: int) -> int:
    """Move the state to the first crossing, but not beyond an instant. Returns the crossing, which may be later.

    A crossing after the instant is not turned into an instant of its own: it is enough that it is later.
    """
    tests, crossing, in_force = state.tests, state.next_handover, state.program.effective_from
    nearest, points = tests.next_timers, [None] * len(state.points)
    if state.now < in_force < crossing:
        crossing = in_force
    points[0] = until  # type: ignore[call-overload]
    for line, timeline, _ in state.machine.timed:
        least = nearest[line]
        if least is None:
            least = nearest[line] = min(tests.timers[line])
        if least == NEVER:
            continue
        if line == 0:
            crossing = min(crossing, least)
        else:
            here = points[line] = timeline.opened(until)  # type: ignore[call-overload]
            if least <= here:
                crossing = min(crossing, timeline.earliest(least))
    if crossing < until:
        points = [None] * len(points)
        points[0] = until = crossing  # type: ignore[call-overload]
    state.now, state.points = until, points  # type: ignore[assignment]
    return crossing


def cross(state: State) -> None:
    """Update all tests that time alone has changed by now."""
    tests, now, machine = state.tests, state.now, state.machine
    was = truth = tests.truth
    for line, _, slots in machine.timed:
        if tests.next_timers[line] == NEVER:
            continue
        here, timers = state.point(line), tests.timers[line]
        for slot in slots:
            if timers[slot] <= here:
                owner = machine.slots[slot]
                tests.next_timers[line] = None
                if isinstance(owner, DurationTests):
                    truth = truth & ~owner.mask | _advance(state, owner, here)
                elif isinstance(owner, ClockTests):
                    truth = truth & ~owner.mask | _look_at_clock(state, owner)
                else:
                    truth = truth & ~(1 << owner.number) | _look_at_single(state, owner)
    if truth != was:
        _turn(state, was, truth, now << POSITION_BITS)
    if now in {state.next_handover, state.program.effective_from}:
        state.next_handover = NEVER
        state.rules_pending = True


# rule 27: the next crossing is the least of all timers
def next_crossing(state: State) -> int:
    """Return the first crossing after now; `NEVER` if there is none."""
    crossing, in_force = state.next_handover, state.program.effective_from
    for line, timeline, _ in state.machine.timed:
        nearest = min(state.tests.timers[line])
        if nearest != NEVER:
            crossing = min(crossing, timeline.earliest(nearest))
    return in_force if state.now < in_force < crossing else crossing
