"""Clocks of targets: the effects of one event on them, in this order: stop; void, retarget, pause or resume; start."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from escalation_rules import events as E
from escalation_rules.engine.model import (
    CYCLE,
    LEVEL,
    REMEMBERED,
    STATUS,
    Crossing,
    EventCode,
    TargetCode,
    TargetVariant,
    Terms,
)
from escalation_rules.engine.state import Instance, LegRecord, State
from escalation_rules.patterns import BaseEvent
from escalation_rules.worktime import Span
from escalation_rules.worktime._timeline import CONTINUOUS, Line


def due_of(clock: Instance) -> int | None:
    """Return the instant a clock is due; None while it is paused before that, or has no budget."""
    if clock.fixed is not None:
        return clock.fixed
    return None if clock.point is None else clock.reach(clock.point)


def is_over(clock: Instance, state: State) -> bool:
    """Return whether a clock was due before now."""
    return outcome_now(clock, state) == "breached"


def outcome_now(clock: Instance, state: State) -> str:
    """Return the outcome now: pending, met, breached, void or not started."""
    return outcome_and_due(clock, state)[0]


def outcome_and_due(clock: Instance | None, state: State) -> tuple[str, int | None]:
    """Return the outcome of a clock, or of no clock, and the instant it is due if that is still to come.

    Points are compared; instants only decide at closing time, when two of them share a point.
    """
    if clock is None:
        return "not_started", None
    if clock.stopped is not None:
        return clock.outcome, None
    if clock.budget is None:
        return "void" if clock.was_active else "not_started", None
    due = clock.fixed
    if clock.point is not None:
        # rule 14: breached from the first microsecond past due
        if state.point(clock.line) > clock.point:
            return "breached", None
        due = clock.reach(clock.point)
    return ("breached", None) if due is not None and state.now > due else ("pending", due)


def use_of(clock: Instance | None, state: State, up: int, down: int) -> tuple[bool, Crossing | None]:
    """Return whether a share (`up / down`) of a clock's budget is used; if not, also the crossing at which it is."""
    if clock is None or clock.budget is None:
        return not up, None
    # rule 30: shares are exact fractions of the budget, and pause with the clock
    needed = -(-clock.budget * up // down) - clock.counted if clock.budget else 0
    if needed <= 0 or clock.stopped is not None or clock.legs[-1].paused:
        return needed <= 0, None
    edge = clock.leg_point + needed
    return (True, None) if state.point(clock.line) >= edge else (False, (clock.line, edge))


def counted_now(clock: Instance, state: State) -> int:
    """Return the time a clock has counted so far, in microseconds."""
    if clock.stopped is not None or clock.legs[-1].paused:
        return clock.counted
    return clock.counted + state.point(clock.line) - clock.leg_point


def stop(state: State, groups: Iterable[TargetCode], event: BaseEvent) -> list[Instance]:
    """Stop the clocks that an event stops. Returns those of them that it may start again."""
    stopped = []
    kind = type(event)
    for group in groups:
        clock = state.open.get(group.number)
        if clock is not None:
            stops = clock.choice.stops.get(kind)
            if stops is not None and stops(event):
                if clock.budget is None:
                    outcome = "void" if clock.was_active else "not_started"
                else:
                    # rule 14: met if stopped before the breach, so at the due instant too
                    outcome = "breached" if is_over(clock, state) else "met"
                _halt(state, clock, outcome)
                if group.may_restart:
                    stopped.append(clock)
    return stopped


# rule 17: of the effects of one event on a clock, stop comes first, then pause, resume and start
def turn_clocks(state: State, script: EventCode, changed: int) -> None:
    """Void, retarget, pause or resume running clocks, after the event has changed the state."""
    if changed & LEVEL or script.ends_cycle:
        _void(state, script)
    for clock in list(state.open.values()):
        if changed & clock.group.looks_at:
            _adjust(state, clock)
        elif changed & STATUS:
            _pause_or_resume(state, clock)


def _halt(state: State, clock: Instance, outcome: str) -> None:
    """Stop a clock: its outcome, its due instant and its counted time are final."""
    clock.outcome = outcome
    clock.counted = counted_now(clock, state)
    clock.stopped = state.now
    del state.open[clock.group.number]
    state.changed |= clock.group.bit


def _void(state: State, script: EventCode) -> None:
    """Void pending clocks after leaving their level, resolving, closing, reopening, voiding or going external."""
    outside = bool(state.external) and state.live
    for clock in list(state.open.values()):
        place = clock.group.place
        # rules 12 and 28: a level's target is void once the case leaves the level, and all are outside
        left = place is not None and state.level[place[0]] != place[1]
        ended = script.kind is E.Voided or (script.ends_cycle and not clock.choice.at_the_end)
        if left or outside or ended:
            outcome = outcome_now(clock, state)
            _halt(state, clock, "void" if outcome == "pending" else outcome)


def applicable(state: State, group: TargetCode) -> TargetVariant | None:
    """Return the first variant of a target whose condition is true."""
    for choice in group.choices:
        # rule 16: of several targets with one key, the first whose `when` is true applies
        if choice.when is None or choice.when(state):
            return choice
    return None


def _terms(state: State, choice: TargetVariant | None, lead: TargetVariant) -> Terms:
    """Return the terms of a target in the current state, cached by priority where they depend on nothing else."""
    if choice is None:
        return _terms_with(state, None, state.calendar(lead.calendar[1:]))
    if not choice.is_priced:
        # rule 12: `use_agreed_interval` takes the span of the latest communication plan
        span = state.agreed if choice.agreed and state.agreed is not None else state.pick(choice.within)
        return _terms_with(state, span, state.calendar(choice.calendar))
    terms = choice.terms.get(state.priority)
    if terms is None:
        terms = _terms_with(state, state.pick(choice.within), state.calendar(choice.calendar))
        if len(choice.terms) < REMEMBERED:
            choice.terms[state.priority] = terms
    return terms


def _terms_with(state: State, span: Span | None, calendar: str | None) -> Terms:
    elapses = span is not None and not span.is_business
    line = 0 if elapses else state.program.calendars[calendar][1]
    reach = _reach(state.program.lines[line], span)
    return Terms(
        span, calendar, line, None if span is None else span.microseconds, None if elapses else calendar, reach
    )


def _waits(state: State, choice: TargetVariant) -> str | None:
    waits = state.standing.waits
    if not waits:
        return None
    pauses = choice.pauses
    if not isinstance(pauses, frozenset):
        pauses = frozenset(state.pick(pauses) or ())
    # rule 13: a wait pauses the targets that name its party
    return ", ".join(sorted(waits & pauses)) or None


def _days(state: State, started: int, span: Span | None, calendar: str | None) -> int | None:
    """Return the budget of a span of days or months: the open time from the start to the nominal due instant."""
    if span is None:
        return None
    chosen, line = state.program.calendars[calendar]
    # rule 6: days and months become a budget once, when the clock starts
    nominal = chosen.reach(started, span)
    opened = state.program.lines[line].opened if span.is_business else CONTINUOUS.opened
    return opened(nominal) - opened(started)


def is_at_close(span: Span | None) -> bool:
    """Return whether a budget used up exactly at closing time is due then, and not when the calendar opens again."""
    # rule 5: a budget used up exactly at closing time is due at closing time
    return span is None or span.due == "close"


def _reach(line: Line, span: Span | None) -> Callable[[int], int]:
    """Return the function from a point on a line to the instant at which a span that ends there is due."""
    return line.earliest if is_at_close(span) else line.latest


def start_due(state: State, script: EventCode, event: BaseEvent | None, stopped: Iterable[Instance]) -> None:
    """Start the clocks that the event starts, in the order of the policy."""
    live = state.live and not state.external
    if not (live or script.ends):
        return
    due: dict[int, tuple[TargetCode, TargetVariant | None, TargetVariant]] = {}
    # rule 12: next response waits for the first response of the first cycle
    awaited = live and state.unanswered is not None and (state.answered or state.cycle > 1)
    for group in script.starters if awaited or not script.awaits else ():
        _consider(state, due, group, event, awaited=awaited)
    if live:
        for clock in stopped:
            _consider(state, due, clock.group, event, awaited=awaited, again=True)
        if state.changed & (LEVEL | CYCLE):
            for group in _entered(state):
                _consider(state, due, group, event, awaited=awaited, entered=True)
    for number in sorted(due) if len(due) > 1 else due:
        _start(state, *due[number])


def _consider(
    state: State,
    due: dict[int, tuple[TargetCode, TargetVariant | None, TargetVariant]],
    group: TargetCode,
    event: BaseEvent | None,
    *,
    awaited: bool,
    again: bool = False,
    entered: bool = False,
) -> None:
    """Add a target to those that start now, unless a clock of it is open or the case is not on its level.

    `awaited` says whether somebody waits for the next response.
    """
    if group.number in state.open:
        return
    place = group.place
    if place is not None and state.level[place[0]] != place[1]:
        return
    choice = group.choices[0] if group.is_plain else applicable(state, group)
    lead = choice or group.choices[0]
    if again and lead.recurs:
        starts = True
    elif lead.unanswered:
        starts = awaited
    elif lead.starts is None:
        starts = entered
    else:
        tests = lead.starts.get(type(event))
        starts = tests is not None and tests(event)
    if starts:
        due[group.number] = group, choice, lead


def _entered(state: State) -> list[TargetCode]:
    """Return the targets that may start with a new cycle, or on entry to a level."""
    program, began = state.program, bool(state.changed & CYCLE)
    groups = list(program.groups_of_level[""]) if began else []
    for track, level in enumerate(state.level):
        if level >= 0 and (began or state.entry[track] == state.when):
            groups += program.groups_of_level[program.levels[track][level].key]
    return groups


def _start(state: State, group: TargetCode, choice: TargetVariant | None, lead: TargetVariant) -> None:
    terms, now = _terms(state, choice, lead), state.now
    budget = _days(state, now, terms.span, terms.calendar) if terms.budget is None else terms.budget
    paused, here = _waits(state, lead), state.point(terms.line)
    counter = (state.cycle, group.key)
    number = state.counts[counter] = state.counts.get(counter, 0) + 1
    legs = [LegRecord(now, terms.leg, paused)]
    clock = Instance(group, number, state.cycle, now, lead, terms, budget, terms.line, terms.reach, legs, here)
    clock.was_active = budget is not None
    if budget == 0:
        clock.fixed = now
    elif budget is not None and paused is None:
        clock.point = here + budget
    if group.number in state.clocks:
        state.past.append(state.clocks[group.number])
    state.open[group.number] = state.latest[group.key] = state.clocks[group.number] = clock
    state.changed |= group.bit


def _adjust(state: State, clock: Instance) -> None:
    """Change the span, the calendar and the pause of a clock, unless it is over."""
    if not is_over(clock, state):
        _retarget(state, clock)
        _pause_or_resume(state, clock)


def _retarget(state: State, clock: Instance) -> None:
    choice = applicable(state, clock.group)
    lead = clock.choice = choice or clock.group.choices[0]
    terms = _terms(state, choice, lead)
    if terms[:2] == clock.terms[:2]:
        return
    # rule 15: counted time carries over, each stretch in the calendar that was then in force
    clock.counted, clock.terms, clock.line, clock.reach = counted_now(clock, state), terms, terms.line, terms.reach
    days = terms.budget is None
    clock.budget = _days(state, clock.started, terms.span, terms.calendar) if days else terms.budget
    clock.was_active = clock.was_active or clock.budget is not None
    clock.leg_point, clock.fixed, clock.point, clock.caused = state.point(clock.line), None, None, False
    _turn(clock, LegRecord(state.now, terms.leg, _waits(state, lead)))
    if clock.budget is not None:
        _due_after_change(state, clock)
    state.changed |= clock.group.bit


def _due_after_change(state: State, clock: Instance) -> None:
    """Set the due instant under a new budget. If it has passed, the clock is due at the change, and caused by it."""
    budget = clock.budget or 0
    if clock.counted < budget or (clock.counted == budget > 0 and not is_at_close(clock.terms.span)):
        clock.point = None if clock.legs[-1].paused else clock.leg_point + budget - clock.counted
        return
    passed = _reached(state, clock, budget)
    # rule 15: a due that has passed under new terms is dated at the change, and caused by it
    clock.caused = passed < state.now
    clock.fixed = state.now if clock.caused else passed


def _reached(state: State, clock: Instance, budget: int) -> int:
    """Return the instant at which the legs so far had counted as much as a budget."""
    if not budget:
        return clock.started
    left = budget
    for leg, end in zip(clock.legs, [*(later.since for later in clock.legs[1:]), state.now], strict=True):
        if not leg.paused:
            line = (
                state.program.lines[state.program.calendars[leg.calendar][1]]
                if leg.calendar is not None
                else CONTINUOUS
            )
            instant = _reach(line, clock.terms.span)(line.opened(leg.since) + left)
            if instant <= end:
                return instant
            left -= line.opened(end) - line.opened(leg.since)
    return state.now


def _pause_or_resume(state: State, clock: Instance) -> None:
    """Pause or resume a clock. A pause that begins at or after the due instant has no effect (rule 13)."""
    paused, last = _waits(state, clock.choice), clock.legs[-1]
    # rule 13: a pause that begins at or after due undoes no breach
    if paused == last.paused or (clock.fixed is not None and not (clock.caused and state.now <= clock.fixed)):
        return
    here, point = state.point(clock.line), clock.point
    if point is not None and (here > point or (here == point and state.now >= clock.reach(point))):
        return
    if last.paused is None:
        clock.counted, clock.point = clock.counted + here - clock.leg_point, None
    clock.leg_point = here
    _turn(clock, LegRecord(state.now, last.calendar, paused))
    if paused is None and clock.budget is not None and clock.fixed is None:
        clock.point = here + clock.budget - clock.counted
    state.changed |= clock.group.bit


def _turn(clock: Instance, leg: LegRecord) -> None:
    """Append a leg. A leg without duration is dropped, and a leg like the one before continues it."""
    if clock.legs[-1].since < leg.since:
        if clock.legs[-1][1:] != leg[1:]:
            clock.legs.append(leg)
        return
    kept = [old for old in clock.legs if old.since < leg.since]
    clock.legs = [*kept, leg] if not kept or kept[-1][1:] != leg[1:] else kept
