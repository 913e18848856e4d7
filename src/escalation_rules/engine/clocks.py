"""Targets at work: what one event does to clocks. In this order: stop, void, retarget, pause or resume, start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from escalation_rules import events as E
from escalation_rules.engine.machine import CLOCK, CYCLE, LEVEL, STATUS, Choice, Group, Instance, State
from escalation_rules.engine.outcome import LegFound
from escalation_rules.patterns import Happening, Pattern
from escalation_rules.worktime import Span
from escalation_rules.worktime._timeline import CONTINUOUS

__all__ = ["counted_now", "due_of", "outcome_now", "turn_clocks"]


def due_of(clock: Instance, state: State) -> int | None:
    """The instant a clock is due; None while it is paused before that, or has no budget."""
    if clock.fixed is not None:
        return clock.fixed
    return None if clock.point is None else state.program.lines[clock.line].earliest(clock.point)


def is_over(clock: Instance, state: State) -> bool:
    """Whether a clock has been due before now. Only at closing time must real instants be compared."""
    if clock.fixed is not None:
        return state.now > clock.fixed
    if clock.point is None:
        return False
    here = state.point(clock.line)
    return here > clock.point or (here == clock.point and state.now > state.program.lines[clock.line].earliest(clock.point))


def outcome_now(clock: Instance, state: State) -> str:
    """Pending, met, breached, void or not started."""
    if clock.stopped is not None or clock.outcome != "pending":
        return clock.outcome
    if clock.budget is None:
        return "void" if clock.was_active else "not started"
    return "breached" if is_over(clock, state) else "pending"


def counted_now(clock: Instance, state: State) -> int:
    """The time a clock has counted so far."""
    if clock.stopped is not None or clock.legs[-1].paused:
        return clock.counted
    return clock.counted + state.point(clock.line) - clock.leg_point


def turn_clocks(state: State, event: Happening) -> None:
    """What an event does to the clocks, given what it has already done to the state."""
    program, kind = state.program, type(event)
    stoppers = program.stoppers.get(kind)
    stopped = _stop(state, event, stoppers) if stoppers and event.counts else ()
    dirty = state.dirty
    if state.open:
        if dirty & (LEVEL | STATUS):
            _void(state, event)
        if dirty & (program.changeable | STATUS):
            for clock in list(state.open.values()):
                _adjust(state, clock, dirty)
    starters = program.starters.get(kind)
    if starters or stopped or dirty & (LEVEL | CYCLE) or (program.unanswered and state.unanswered is not None):
        _start_due(state, event, starters or (), stopped)


def _start_due(state: State, event: Happening, starters: Iterable[Group], stopped: Iterable[Instance]) -> None:
    """Start what the event starts, in the order of the policy."""
    due: dict[int, tuple[Group, Choice | None]] = {}
    live = state.live and not state.external
    if live or isinstance(event, E.Resolved | E.Closed):
        _add(state, due, starters, lambda lead: _matches(lead.starts, event))
    if live:
        _add(state, due, [clock.group for clock in stopped], lambda lead: lead.recurs)
        if state.unanswered is not None and (state.answered or state.cycle > 1):
            _add(state, due, state.program.unanswered, lambda lead: lead.unanswered)
        if state.dirty & (LEVEL | CYCLE):
            _add(state, due, _entered(state), lambda lead: lead.starts is None and not lead.unanswered)
    for number in sorted(due):
        _start(state, *due[number])


def _add(
    state: State,
    due: dict[int, tuple[Group, Choice | None]],
    groups: Iterable[Group],
    starts: Callable[[Choice], bool],
) -> None:
    """Those of these groups that have no open instance, stand where the case stands, and start now."""
    for group in groups:
        place = group.place
        if group.number in state.open or (place is not None and state.level[place[0]] != place[1]):
            continue
        choice = applicable(state, group)
        if starts(choice or group.choices[0]):
            due[group.number] = group, choice


def _entered(state: State) -> list[Group]:
    """What may start with a cycle, or on entry to a level."""
    program, began = state.program, bool(state.dirty & CYCLE)
    groups = list(program.groups_of_level[""]) if began else []
    for track, level in enumerate(state.level):
        if level >= 0 and (began or state.entry[track] == state.when):
            groups += program.groups_of_level[program.levels[track][level].key]
    return groups


def _stop(state: State, event: Happening, groups: Iterable[Group]) -> list[Instance]:
    stopped = []
    for group in groups:
        clock = state.open.get(group.number)
        if clock is not None and _matches(clock.choice.stops, event):
            if clock.outcome == "pending":
                clock.outcome = "breached" if is_over(clock, state) else outcome_when_stopped(clock)
            _halt(state, clock)
            stopped.append(clock)
    return stopped


def outcome_when_stopped(clock: Instance) -> str:
    """Met, unless nothing applied to the case that could be met."""
    if clock.budget is not None:
        return "met"
    return "void" if clock.was_active else "not started"


def _halt(state: State, clock: Instance) -> None:
    """The clock stops, its due and what it counted are final."""
    clock.fixed = due_of(clock, state)
    clock.counted = counted_now(clock, state)
    clock.stopped = state.now
    del state.open[clock.group.number]
    state.dirty |= CLOCK


def _matches(patterns: Mapping[type, tuple[Pattern, ...]] | None, event: Happening) -> bool:
    return patterns is not None and any(pattern.matches(event) for pattern in patterns.get(type(event), ()))


def _void(state: State, event: Happening) -> None:
    """Leaving its level, resolving, closing, voiding and going outside void what is pending."""
    ended, void = isinstance(event, E.Resolved | E.Closed), isinstance(event, E.Voided)
    outside = bool(state.external) and state.live
    for clock in list(state.open.values()):
        place = clock.group.place
        left = place is not None and state.level[place[0]] != place[1]
        if left or void or outside or (ended and not clock.choice.at_the_end):
            if clock.outcome == "pending":
                clock.outcome = outcome_now(clock, state)
                if clock.outcome == "pending":
                    clock.outcome = "void"
            _halt(state, clock)


def applicable(state: State, group: Group) -> Choice | None:
    """The first of a group whose condition holds."""
    for choice in group.choices:
        if choice.when is None or choice.when(state):
            return choice
    return None


def span_of(state: State, choice: Choice | None) -> Span | None:
    """The span that a target allows at present."""
    if choice is None:
        return None
    if choice.agreed and state.agreed is not None:
        return state.agreed
    found: Span | None = state.pick(choice.within)
    return found


def _waits(state: State, choice: Choice) -> str | None:
    waits = state.standing.waits
    return ", ".join(sorted(waits & choice.pauses)) or None if waits else None


def _line(state: State, span: Span | None, calendar: str | None) -> int:
    """Plain spans count all time; business spans, and none at all, open time."""
    return 0 if span is not None and not span.is_business else state.program.calendars[calendar][1]


def _budget(state: State, started: int, span: Span | None, calendar: str | None) -> int | None:
    if span is None:
        return None
    if span.microseconds is not None:
        return span.microseconds
    chosen, line = state.program.calendars[calendar]
    opened = state.program.lines[line].opened if span.is_business else CONTINUOUS.opened
    return opened(chosen.reach(started, span)) - opened(started)


def _leg(since: int, span: Span | None, calendar: str | None, paused: str | None) -> LegFound:
    return LegFound(since, calendar if span is None or span.is_business else None, paused)


def _start(state: State, group: Group, choice: Choice | None) -> None:
    lead = choice or group.choices[0]
    span, calendar = span_of(state, choice), state.calendar(lead.calendar if choice else lead.calendar[1:])
    line, budget = _line(state, span, calendar), _budget(state, state.now, span, calendar)
    paused, here = _waits(state, lead), state.point(line)
    counter = (state.cycle, group.key)
    number = state.counts[counter] = state.counts.get(counter, 0) + 1
    legs = [_leg(state.now, span, calendar, paused)]
    clock = Instance(group, number, state.cycle, state.now, lead, span, calendar, budget, line, legs, here)
    clock.was_active = budget is not None
    if budget == 0:
        clock.fixed = state.now
    elif budget is not None and paused is None:
        clock.point = here + budget
    state.open[group.number] = state.latest[group.key] = clock
    state.clocks.pop(group.number, None)
    state.clocks[group.number] = clock
    state.dirty |= CLOCK


def _adjust(state: State, clock: Instance, dirty: int) -> None:
    """Another span or calendar, and pauses: only before the clock is over."""
    if clock.outcome != "pending" or is_over(clock, state):
        return
    if dirty & clock.group.looks_at:
        _retarget(state, clock)
    if dirty & (STATUS | clock.group.looks_at):
        _pause_or_resume(state, clock)


def _retarget(state: State, clock: Instance) -> None:
    choice = applicable(state, clock.group)
    lead = choice or clock.group.choices[0]
    span, calendar = span_of(state, choice), state.calendar(lead.calendar if choice else lead.calendar[1:])
    clock.choice = lead
    if (span, calendar) == (clock.span, clock.calendar):
        return
    clock.counted, clock.span, clock.calendar = counted_now(clock, state), span, calendar
    clock.line, clock.budget = _line(state, span, calendar), _budget(state, clock.started, span, calendar)
    clock.was_active = clock.was_active or clock.budget is not None
    clock.leg_point, clock.fixed, clock.point, clock.caused = state.point(clock.line), None, None, False
    paused = _waits(state, lead)
    _turn(clock, _leg(state.now, span, calendar, paused))
    if clock.budget is not None:
        _due_after_change(state, clock)
    state.dirty |= CLOCK


def _due_after_change(state: State, clock: Instance) -> None:
    """The due instant under the new budget. One that has passed is dated at the change, and caused by it."""
    budget = clock.budget or 0
    if clock.counted < budget:
        clock.point = None if clock.legs[-1].paused else clock.leg_point + budget - clock.counted
        return
    passed = _reached(state, clock, budget)
    clock.caused = passed < state.now
    clock.fixed = state.now if clock.caused else passed


def _reached(state: State, clock: Instance, budget: int) -> int:
    """When the legs so far had counted as much as a budget."""
    if not budget:
        return clock.started
    left = budget
    for leg, end in zip(clock.legs, [*(one.since for one in clock.legs[1:]), state.now], strict=True):
        if not leg.paused:
            line = state.program.lines[state.program.calendars[leg.calendar][1]] if leg.calendar is not None else CONTINUOUS
            found = line.earliest(line.opened(leg.since) + left)
            if found <= end:
                return found
            left -= line.opened(end) - line.opened(leg.since)
    return state.now


def _pause_or_resume(state: State, clock: Instance) -> None:
    """A pause that begins at or after due rescues nothing."""
    paused, last = _waits(state, clock.choice), clock.legs[-1]
    if paused == last.paused or (clock.point is not None and state.point(clock.line) >= clock.point):
        return
    if clock.fixed is not None and not clock.caused:
        return
    if last.paused is None:
        clock.counted, clock.point = counted_now(clock, state), None
    clock.leg_point = state.point(clock.line)
    _turn(clock, last._replace(since=state.now, paused=paused))
    if paused is None and clock.budget is not None and clock.fixed is None:
        clock.point = clock.leg_point + clock.budget - clock.counted
    state.dirty |= CLOCK


def _turn(clock: Instance, leg: LegFound) -> None:
    """The next leg; what lasted no time, or goes on as before, makes none."""
    kept = [one for one in clock.legs if one.since < leg.since]
    clock.legs = [*kept, leg] if not kept or kept[-1][1:] != leg[1:] else kept


