"""Tests of one case: which hold, since when, and when time alone turns the next.

Comparisons are looked at again only after a change that they look at. Those of a fact with one value at a time turn
together (a dial); those of a duration one after the other as time passes (a gauge); those of a target as its clock does
(a face); a few are asked one by one. What time alone may change waits in slots: for each line of open time, the next
point at which it may.
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
    """What holds is no longer what it was; comparisons that have come to hold do so since now."""
    state.truth = truth
    state.rules_pending = True
    gained = truth & ~was
    while gained:
        lowest = gained & -gained
        state.since[lowest.bit_length() - 1] = when
        gained ^= lowest


def start_earlier(state: State, gauge: DurationTests, anchor: int) -> int:
    """A duration is reckoned since an earlier instant. The bits of its comparisons that hold."""
    number, line = gauge.number, gauge.line
    state.bases[number] = state.program.lines[line].opened(anchor)
    state.steps[number] = gauge.initial
    return advance(state, gauge, state.point(line))


def advance(state: State, gauge: DurationTests, here: int) -> int:
    """Which of the lengths of a gauge are reached, and when the next will be. The bits of its comparisons that hold."""
    number, lengths, base = gauge.number, gauge.lengths, state.bases[gauge.number]
    step = state.steps[number] = bisect_right(lengths, here - base, state.steps[number])
    state.timers[gauge.line][number] = base + lengths[step] if step < len(lengths) else NEVER
    state.next_timers[gauge.line] = None
    return gauge.bits[step]


def look_at_clock(state: State, face: ClockTests) -> int:
    """When time alone will breach a target's latest clock or use up a share of its budget. The bits that hold."""
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
    """What to look at after a change."""
    value_tests = [one for one in program.value_tests if one.looks_at & changed]
    duration_tests = [one for one in program.duration_tests if one.looks_at & changed]
    clock_tests = [one for one in program.clock_tests if one.looks_at & changed]
    single = [one for one in program.single if one.looks_at & changed]

    def look(state: State, when: int) -> None:
        state.changed = 0
        state.changed_visibly |= changed & SHOWN
        was = truth = state.truth
        for dial in value_tests:
            truth = truth & ~dial.mask | dial.bits(state, dial.value(state))
        for gauge in duration_tests:
            anchor = gauge.anchor(state)
            if anchor != state.anchors[gauge.number]:
                truth = truth & ~gauge.mask | _start(state, gauge, anchor)
        for face in clock_tests:
            truth = truth & ~face.mask | look_at_clock(state, face)
        for one in single:
            truth = truth & ~(1 << one.number) | look_at_one(state, one)
        if truth != was:
            turn_bits(state, was, truth, when)

    return look


def _start(state: State, gauge: DurationTests, anchor: int | None) -> int:
    """A duration begins anew, or ends: then it is no time at all. The bits of its comparisons that hold."""
    state.anchors[gauge.number] = anchor
    if anchor is not None:
        return start_earlier(state, gauge, anchor)
    state.timers[gauge.line][gauge.number] = NEVER
    state.next_timers[gauge.line] = None
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
        for slot in [slot for slot, edge in enumerate(state.timers[line]) if edge <= here]:
            one = program.slots[slot]
            if isinstance(one, DurationTests):
                truth = truth & ~one.mask | advance(state, one, here)
            elif isinstance(one, ClockTests):
                truth = truth & ~one.mask | look_at_clock(state, one)
            else:
                truth = truth & ~(1 << one.number) | look_at_one(state, one)
    if truth != was:
        turn_bits(state, was, truth, now << POSITION_BITS)
    if now in {state.next_handover, program.effective_from}:
        state.next_handover = NEVER
        state.rules_pending = True


# rule 27: the next crossing is the least of all timers
def next_crossing(state: State) -> int:
    """The first crossing after now; `NEVER` if there is none."""
    program, found = state.program, state.next_handover
    for line in program.timed:
        nearest = min(state.timers[line])
        if nearest != NEVER:
            found = min(found, program.lines[line].earliest(nearest))
    if state.now < program.effective_from < found:
        found = program.effective_from
    return found


# What is looked at after a change, and as time passes, is the same for all cases of a policy. Here it is written as
# Python, one line after the other instead of a loop with tests in it. It does what the loops in `truth` do.

Names = dict[str, Any]
Lines = Iterator[str]


def written(program: Program) -> Steps:
    """The steps of a policy, written out."""
    return Steps(
        arrive=_function("arrive", "state, until", program, _arrivals(program)),
        cross=_function("cross", "state", program, _crossings(program)),
        make_look=_look,
    )


def _look(program: Program, changed: int) -> ChangeHandler:
    """What to look at after a change."""
    found: ChangeHandler = _function("look", "state, when", program, _looks(program, changed))
    return found


def _function(name: str, arguments: str, program: Program, lines: Iterable[str]) -> Any:
    """The function with these lines. What they name are parts of the program, and helpers."""
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
            yield from _look_at_dial(number, dial)
    for gauge in program.duration_tests:
        if gauge.looks_at & changed:
            yield from _look_at_gauge(gauge)
    for number, face in enumerate(program.clock_tests):
        if face.looks_at & changed:
            yield f"truth = truth & {~face.mask} | look_at_clock(state, face{number})"
    for one in program.single:
        if one.looks_at & changed:
            yield f"truth = truth & {~(1 << one.number)} | look_at_one(state, one{one.number})"
    yield "if truth != was: turn_bits(state, was, truth, when)"


def _look_at_dial(number: int, dial: ValueTests) -> Lines:
    yield f"value = value{number}(state)"
    yield f"bits = table{number}.get(value)"
    yield f"if bits is None: bits = dial{number}.bits(state, value)"
    yield f"truth = truth & {~dial.mask} | bits"


def _look_at_gauge(gauge: DurationTests) -> Lines:
    """A duration that begins anew, or ends: then it is no time at all."""
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
    """The points that are reckoned to see whether something comes before are those of the instant, if nothing does."""
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
    """Whether something may wait on a line for its time."""
    if isinstance(one, DurationTests):
        return one.line == line
    return not isinstance(one, ClockTests) or line in one.lines


def _cross(program: Program, one: DurationTests | ClockTests | Test) -> Lines:
    """What has come at a slot."""
    if isinstance(one, ClockTests):
        yield f"truth = truth & {~one.mask} | look_at_clock(state, face{program.clock_tests.index(one)})"
    elif not isinstance(one, DurationTests):
        yield f"truth = truth & {~(1 << one.number)} | look_at_one(state, one{one.number})"
    elif len(one.lengths) > one.initial + 1:
        yield f"truth = truth & {~one.mask} | advance(state, gauge{one.number}, here)"
    else:
        yield f"edges[{one.number}], state.steps[{one.number}] = {NEVER}, {len(one.lengths)}"
        yield f"truth = truth & {~one.mask} | {one.bits[-1]}"
