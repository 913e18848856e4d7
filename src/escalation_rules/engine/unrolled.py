"""The loops over a policy's tables, written out: a policy has a few comparisons, and its cases millions of instants.

What is looked at after a change, and as time passes, is the same for all cases of a policy. Here it is written as
Python, one line after the other instead of a loop with tests in it. It does what the loops in `truth` do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from escalation_rules.engine.conditions import advance, look_at_clock, look_at_one, start_earlier, turn_bits
from escalation_rules.engine.model import BITS, LONG_AGO, NEVER, SHOWN, Comparison, Dial, Face, Gauge
from escalation_rules.engine.state import Looking, Program, Steps

__all__ = ["written"]

Names = dict[str, Any]
Lines = Iterator[str]


def written(program: Program) -> Steps:
    """The steps of a policy, written out."""
    return Steps(
        arrive=_function("arrive", "state, until", program, _arrivals(program)),
        cross=_function("cross", "state", program, _crossings(program)),
        make_look=_look,
    )


def _look(program: Program, dirty: int) -> Looking:
    """What to look at after a change."""
    found: Looking = _function("look", "state, when", program, _looks(program, dirty))
    return found


def _function(name: str, arguments: str, program: Program, lines: Iterable[str]) -> Any:
    """The function with these lines. What they name are parts of the program, and helpers."""
    text = "\n    ".join([f"def {name}({arguments}):", *lines])
    names: Names = {
        **{f"dial{number}": dial for number, dial in enumerate(program.dials)},
        **{f"gauge{gauge.number}": gauge for gauge in program.gauges},
        **{f"face{number}": face for number, face in enumerate(program.faces)},
        **{f"one{one.number}": one for one in program.single},
        **{f"value{number}": dial.value for number, dial in enumerate(program.dials)},
        **{f"table{number}": dial.table for number, dial in enumerate(program.dials)},
        **{f"opened{number}": line.opened for number, line in enumerate(program.lines)},
        **{f"earliest{number}": line.earliest for number, line in enumerate(program.lines)},
        **{f"anchor{gauge.number}": gauge.anchor for gauge in program.gauges},
        **{helper.__name__: helper for helper in _HELPERS},
    }
    exec(compile(text, f"<{name} of {program.policy.name}>", "exec"), names)  # noqa: S102 all of it is written here
    return names[name]


_HELPERS = (advance, look_at_clock, look_at_one, start_earlier, turn_bits)


# ---------------------------------------------------------------------------- after a change


def _looks(program: Program, dirty: int) -> Lines:
    yield "state.dirty = 0"
    if dirty & SHOWN:
        yield f"state.shown |= {dirty & SHOWN}"
    yield "was = truth = state.truth"
    for number, dial in enumerate(program.dials):
        if dial.looks_at & dirty:
            yield from _look_at_dial(number, dial)
    for gauge in program.gauges:
        if gauge.looks_at & dirty:
            yield from _look_at_gauge(gauge)
    for number, face in enumerate(program.faces):
        if face.looks_at & dirty:
            yield f"truth = truth & {~face.mask} | look_at_clock(state, face{number})"
    for one in program.single:
        if one.looks_at & dirty:
            yield f"truth = truth & {~(1 << one.number)} | look_at_one(state, one{one.number})"
    yield "if truth != was: turn_bits(state, was, truth, when)"


def _look_at_dial(number: int, dial: Dial) -> Lines:
    yield f"value = value{number}(state)"
    yield f"bits = table{number}.get(value)"
    yield f"if bits is None: bits = dial{number}.bits(state, value)"
    yield f"truth = truth & {~dial.mask} | bits"


def _look_at_gauge(gauge: Gauge) -> Lines:
    """A duration that begins anew, or ends: then it is no time at all."""
    number, line, step = gauge.number, gauge.line, gauge.initial
    here = "state.now" if line == 0 else f"state.point({line})"
    yield f"anchor = anchor{number}(state)"
    yield f"if anchor != state.anchors[{number}]:"
    yield f"    state.anchors[{number}] = anchor"
    yield f"    state.nearest[{line}] = None"
    yield "    if anchor is None:"
    yield f"        state.edges[{line}][{number}] = {NEVER}"
    yield f"        truth = truth & {~gauge.mask} | {gauge.bits[step]}"
    yield "    elif anchor == state.now:"
    yield f"        state.bases[{number}] = here = {here}"
    yield f"        state.steps[{number}] = {step}"
    edge = f"here + {gauge.lengths[step]}" if step < len(gauge.lengths) else str(NEVER)
    yield f"        state.edges[{line}][{number}] = {edge}"
    yield f"        truth = truth & {~gauge.mask} | {gauge.bits[step]}"
    yield "    else:"
    yield f"        truth = truth & {~gauge.mask} | start_earlier(state, gauge{number}, anchor)"


# ---------------------------------------------------------------------------- as time passes


def _arrivals(program: Program) -> Lines:
    """The points that are reckoned to see whether something comes before are those of the instant, if nothing does."""
    nowhere = ", None" * (len(program.lines) - 1)
    yield "nearest, crossing = state.nearest, state.duty"
    if program.effective_from != LONG_AGO:
        yield f"if state.now < {program.effective_from} < crossing: crossing = {program.effective_from}"
    yield f"points = [until{nowhere}]"
    for line in program.timed:
        yield f"least = nearest[{line}]"
        yield f"if least is None: least = nearest[{line}] = min(state.edges[{line}])"
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
    yield "now, nearest = state.now, state.nearest"
    yield "was = truth = state.truth"
    for line in program.timed:
        yield f"if nearest[{line}] != {NEVER}:"
        yield f"    here, edges = {'now' if line == 0 else f'state.point({line})'}, state.edges[{line}]"
        for slot, one in enumerate(program.slots):
            if _may_wait(one, line):
                yield f"    if edges[{slot}] <= here:"
                yield f"        nearest[{line}] = None"
                yield from (f"        {text}" for text in _cross(program, one))
    yield f"if truth != was: turn_bits(state, was, truth, now << {BITS})"
    at_last = f" or now == {program.effective_from}" if program.effective_from != LONG_AGO else ""
    yield f"if now == state.duty{at_last}: state.duty, state.stir = {NEVER}, True"


def _may_wait(one: Gauge | Face | Comparison, line: int) -> bool:
    """Whether something may wait on a line for its time."""
    if isinstance(one, Gauge):
        return one.line == line
    return not isinstance(one, Face) or line in one.lines


def _cross(program: Program, one: Gauge | Face | Comparison) -> Lines:
    """What has come at a slot."""
    if isinstance(one, Face):
        yield f"truth = truth & {~one.mask} | look_at_clock(state, face{program.faces.index(one)})"
    elif not isinstance(one, Gauge):
        yield f"truth = truth & {~(1 << one.number)} | look_at_one(state, one{one.number})"
    elif len(one.lengths) > one.initial + 1:
        yield f"truth = truth & {~one.mask} | advance(state, gauge{one.number}, here)"
    else:
        yield f"edges[{one.number}], state.steps[{one.number}] = {NEVER}, {len(one.lengths)}"
        yield f"truth = truth & {~one.mask} | {one.bits[-1]}"
