"""Tests of one case: whether each is true, since when, and when time alone may change it (rules 29-31).

A test is evaluated again only after a change of a part of the state that it reads. `ValueTests` change together with
their fact, `DurationTests` one after the other as time passes, `ClockTests` with the clock of their target; the rest
are evaluated one by one. Slots keep the changes that time alone may make: for each line, the next point of one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from escalation_rules.engine.clocks import outcome_and_due, use_of
from escalation_rules.engine.model import (
    LONG_AGO,
    NEVER,
    POSITION_BITS,
    SHOWN,
    ChangeHandler,
    ClockTests,
    Crossing,
    DurationTests,
    Program,
    Steps,
    Test,
    ValueTests,
)
from escalation_rules.engine.state import State


def turn_bits(state: State, was: int, truth: int, when: int) -> None:
    """Replace `State.truth`, and set the moment since when a test is true for each test that has become true."""
    state.truth = truth
    state.rules_pending = True
    gained = truth & ~was
    while gained:
        lowest = gained & -gained
        state.since[lowest.bit_length() - 1] = when
        gained ^= lowest


def start_earlier(state: State, gauge: DurationTests, anchor: int) -> int:
    """Measure a duration since an earlier instant. Returns the bits of its tests that are true."""
    number, line = gauge.number, gauge.line
    state.bases[number] = state.program.lines[line].opened(anchor)
    state.steps[number] = gauge.initial
    return advance(state, gauge, state.point(line))


def advance(state: State, gauge: DurationTests, here: int) -> int:
    """Find the lengths that a duration has reached, and set its timer to the next. Returns the bits that are true."""
    number, lengths, base = gauge.number, gauge.lengths, state.bases[gauge.number]
    step = state.steps[number] = bisect_right(lengths, here - base, state.steps[number])
    state.timers[gauge.line][number] = base + lengths[step] if step < len(lengths) else NEVER
    state.next_timers[gauge.line] = None
    return gauge.bits[step]


def look_at_clock(state: State, face: ClockTests) -> int:
    """Update the timers of a target's latest clock: breach and shares of its budget. Returns the bits that are true."""
    clock, bits = state.latest.get(face.key), 0
    if face.slot is not None:
        outcome, due = outcome_and_due(clock, state)
        bits = face.outcomes[outcome]
        edge = NEVER if due is None else due + 1
        if state.timers[0][face.slot] != edge:
            state.timers[0][face.slot] = edge
            state.next_timers[0] = None
    for share in face.shares:
        is_used, crossing = use_of(clock, state, share.up, share.down)
        bits |= share.used if is_used else share.before
        _set_edge(state, share.slot, crossing)
    return bits


def look_at_one(state: State, comparison: Test) -> int:
    """Evaluate a single test and set its timer. Returns its bit if it is true, else 0."""
    if comparison.look is None:
        holds = comparison.holds(state)
    else:
        holds, crossing = comparison.look(state)
        _set_edge(state, comparison.slot, crossing)
    return holds << comparison.number


def _set_edge(state: State, slot: int, crossing: Crossing | None) -> None:
    """Move a slot's timer to the next point at which time alone may change something; None clears it."""
    old = state.slot_lines[slot]
    if old >= 0:
        state.timers[old][slot] = NEVER
        state.next_timers[old] = None
        state.slot_lines[slot] = -1
    if crossing is not None:
        line, point = crossing
        state.timers[line][slot] = point
        state.slot_lines[slot] = line
        state.next_timers[line] = None


# ---------------------------------------------------------------------------- after a change
def make_look(program: Program, changed: int) -> ChangeHandler:
    """Make the handler that updates all tests reading one of the changed parts."""
    value_tests = [test for test in program.value_tests if test.looks_at & changed]
    duration_tests = [test for test in program.duration_tests if test.looks_at & changed]
    clock_tests = [test for test in program.clock_tests if test.looks_at & changed]
    single = [test for test in program.single if test.looks_at & changed]

    def look(state: State, when: int) -> None:
        state.changed = 0
        state.changed_visibly |= changed & SHOWN
        was = truth = state.truth
        for values in value_tests:
            truth = truth & ~values.mask | values.bits(state, values.value(state))
        for durations in duration_tests:
            anchor = durations.anchor(state)
            if anchor != state.anchors[durations.number]:
                truth = truth & ~durations.mask | _start(state, durations, anchor)
        for clocks in clock_tests:
            truth = truth & ~clocks.mask | look_at_clock(state, clocks)
        for test in single:
            truth = truth & ~(1 << test.number) | look_at_one(state, test)
        if truth != was:
            turn_bits(state, was, truth, when)

    return look


def _start(state: State, tests: DurationTests, anchor: int | None) -> int:
    """Restart a duration at an anchor, or end it (None), after which it is zero. Returns the bits of its true tests."""
    state.anchors[tests.number] = anchor
    if anchor is not None:
        return start_earlier(state, tests, anchor)
    state.timers[tests.line][tests.number] = NEVER
    state.next_timers[tests.line] = None
    return tests.bits[tests.initial]


# ---------------------------------------------------------------------------- as time passes
def arrive(state: State, until: int) -> int:
    """Move the state to the first crossing, but not beyond an instant. Returns the crossing, which may be later."""
    crossing = next_crossing(state)
    state.now = min(crossing, until)
    state.points = [None] * len(state.points)
    state.points[0] = state.now
    return crossing


def cross(state: State) -> None:
    """Update all tests that time alone has changed by now."""
    program, now = state.program, state.now
    was = truth = state.truth
    for line in program.timed:
        here = state.point(line)
        for slot in [slot for slot, edge in enumerate(state.timers[line]) if edge <= here]:
            owner = program.slots[slot]
            if isinstance(owner, DurationTests):
                truth = truth & ~owner.mask | advance(state, owner, here)
            elif isinstance(owner, ClockTests):
                truth = truth & ~owner.mask | look_at_clock(state, owner)
            else:
                truth = truth & ~(1 << owner.number) | look_at_one(state, owner)
    if truth != was:
        turn_bits(state, was, truth, now << POSITION_BITS)
    if now in {state.next_handover, program.effective_from}:
        state.next_handover = NEVER
        state.rules_pending = True


# rule 27: the next crossing is the least of all timers
def next_crossing(state: State) -> int:
    """Return the first crossing after now; `NEVER` if there is none."""
    program, crossing = state.program, state.next_handover
    for line in program.timed:
        nearest = min(state.timers[line])
        if nearest != NEVER:
            crossing = min(crossing, program.lines[line].earliest(nearest))
    if state.now < program.effective_from < crossing:
        crossing = program.effective_from
    return crossing


# The tests to update after a change, and as time passes, are the same for all cases of a policy. The functions below
# generate them as Python source, unrolled instead of looping. The source does the same as `make_look`, `arrive` and
# `cross` above.

Names = dict[str, Any]
Lines = Iterator[str]


def written(program: Program) -> Steps:
    """Return the steps of a policy with their functions generated as Python source."""
    return Steps(
        arrive=_function("arrive", "state, until", program, _arrivals(program)),
        cross=_function("cross", "state", program, _crossings(program)),
        make_look=_look,
    )


def _look(program: Program, changed: int) -> ChangeHandler:
    """Generate the handler that updates all tests reading one of the changed parts."""
    handler: ChangeHandler = _function("look", "state, when", program, _looks(program, changed))
    return handler


def _function(name: str, arguments: str, program: Program, lines: Iterable[str]) -> Any:
    """Compile a function from lines of source. Its globals are parts of the program, and helpers."""
    text = "\n    ".join([f"def {name}({arguments}):", *lines])
    names: Names = {
        **{f"dial{number}": dial for number, dial in enumerate(program.value_tests)},
        **{f"gauge{gauge.number}": gauge for gauge in program.duration_tests},
        **{f"face{number}": face for number, face in enumerate(program.clock_tests)},
        **{f"one{one.number}": one for one in program.single},
        **{f"value{number}": dial.value for number, dial in enumerate(program.value_tests)},
        **{f"table{number}": dial.table for number, dial in enumerate(program.value_tests)},
        **{f"opened{number}": line.opened for number, line in enumerate(program.lines)},
        **{f"earliest{number}": line.earliest for number, line in enumerate(program.lines)},
        **{f"anchor{gauge.number}": gauge.anchor for gauge in program.duration_tests},
        **{helper.__name__: helper for helper in _HELPERS},
    }
    exec(compile(text, f"<{name} of {program.policy.name}>", "exec"), names)  # noqa: S102 all of it is written here
    return names[name]


_HELPERS = (advance, look_at_clock, look_at_one, start_earlier, turn_bits)


# ---------------------------------------------------------------------------- after a change
def _looks(program: Program, changed: int) -> Lines:
    yield "state.changed = 0"
    if changed & SHOWN:
        yield f"state.changed_visibly |= {changed & SHOWN}"
    yield "was = truth = state.truth"
    for number, dial in enumerate(program.value_tests):
        if dial.looks_at & changed:
            yield from _look_at_values(number, dial)
    for gauge in program.duration_tests:
        if gauge.looks_at & changed:
            yield from _look_at_duration(gauge)
    for number, face in enumerate(program.clock_tests):
        if face.looks_at & changed:
            yield f"truth = truth & {~face.mask} | look_at_clock(state, face{number})"
    for one in program.single:
        if one.looks_at & changed:
            yield f"truth = truth & {~(1 << one.number)} | look_at_one(state, one{one.number})"
    yield "if truth != was: turn_bits(state, was, truth, when)"


def _look_at_values(number: int, dial: ValueTests) -> Lines:
    yield f"value = value{number}(state)"
    yield f"bits = table{number}.get(value)"
    yield f"if bits is None: bits = dial{number}.bits(state, value)"
    yield f"truth = truth & {~dial.mask} | bits"


def _look_at_duration(gauge: DurationTests) -> Lines:
    """Yield the source that restarts a duration or ends it, after which it is zero."""
    number, line, step = gauge.number, gauge.line, gauge.initial
    here = "state.now" if line == 0 else f"state.point({line})"
    yield f"anchor = anchor{number}(state)"
    yield f"if anchor != state.anchors[{number}]:"
    yield f"    state.anchors[{number}] = anchor"
    yield f"    state.next_timers[{line}] = None"
    yield "    if anchor is None:"
    yield f"        state.timers[{line}][{number}] = {NEVER}"
    yield f"        truth = truth & {~gauge.mask} | {gauge.bits[step]}"
    yield "    elif anchor == state.now:"
    yield f"        state.bases[{number}] = here = {here}"
    yield f"        state.steps[{number}] = {step}"
    edge = f"here + {gauge.lengths[step]}" if step < len(gauge.lengths) else str(NEVER)
    yield f"        state.timers[{line}][{number}] = {edge}"
    yield f"        truth = truth & {~gauge.mask} | {gauge.bits[step]}"
    yield "    else:"
    yield f"        truth = truth & {~gauge.mask} | start_earlier(state, gauge{number}, anchor)"


# ---------------------------------------------------------------------------- as time passes
def _arrivals(program: Program) -> Lines:
    """Yield the source of `arrive`. The points computed for the comparison are kept if no crossing comes first."""
    nowhere = ", None" * (len(program.lines) - 1)
    yield "nearest, crossing = state.next_timers, state.next_handover"
    if program.effective_from != LONG_AGO:
        yield f"if state.now < {program.effective_from} < crossing: crossing = {program.effective_from}"
    yield f"points = [until{nowhere}]"
    for line in program.timed:
        yield f"least = nearest[{line}]"
        yield f"if least is None: least = nearest[{line}] = min(state.timers[{line}])"
        if line == 0:
            yield "if least < crossing: crossing = least"
            continue
        yield f"if least != {NEVER}:"
        yield f"    points[{line}] = here = opened{line}(until)"
        yield "    if least <= here:"
        yield f"        least = earliest{line}(least)"
        yield "        if least < crossing: crossing = least"
    yield "if crossing >= until: state.now, state.points = until, points"
    yield f"else: state.now, state.points = crossing, [crossing{nowhere}]"
    yield "return crossing"


def _crossings(program: Program) -> Lines:
    yield "now, nearest = state.now, state.next_timers"
    yield "was = truth = state.truth"
    for line in program.timed:
        yield f"if nearest[{line}] != {NEVER}:"
        yield f"    here, edges = {'now' if line == 0 else f'state.point({line})'}, state.timers[{line}]"
        for slot, one in enumerate(program.slots):
            if _may_wait(one, line):
                yield f"    if edges[{slot}] <= here:"
                yield f"        nearest[{line}] = None"
                yield from (f"        {text}" for text in _cross(program, one))
    yield f"if truth != was: turn_bits(state, was, truth, now << {POSITION_BITS})"
    at_last = f" or now == {program.effective_from}" if program.effective_from != LONG_AGO else ""
    yield f"if now == state.next_handover{at_last}: state.next_handover, state.rules_pending = {NEVER}, True"


def _may_wait(one: DurationTests | ClockTests | Test, line: int) -> bool:
    """Return whether a group or test may have a timer on a line."""
    if isinstance(one, DurationTests):
        return one.line == line
    return not isinstance(one, ClockTests) or line in one.lines


def _cross(program: Program, one: DurationTests | ClockTests | Test) -> Lines:
    """Yield the source that updates the owner of a slot whose point has come."""
    if isinstance(one, ClockTests):
        yield f"truth = truth & {~one.mask} | look_at_clock(state, face{program.clock_tests.index(one)})"
    elif not isinstance(one, DurationTests):
        yield f"truth = truth & {~(1 << one.number)} | look_at_one(state, one{one.number})"
    elif len(one.lengths) > one.initial + 1:
        yield f"truth = truth & {~one.mask} | advance(state, gauge{one.number}, here)"
    else:
        yield f"edges[{one.number}], state.steps[{one.number}] = {NEVER}, {len(one.lengths)}"
        yield f"truth = truth & {~one.mask} | {one.bits[-1]}"
