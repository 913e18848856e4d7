"""Clocks of targets: the effects of one event on them, in this order: stop; void, retarget, pause or resume; start.

The due instant of a clock is known whenever it runs: it is set when the clock starts, resumes or gets other terms. So
whether a clock is breached is one comparison of instants, and a calendar is only asked when something changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from escalation_rules import events as E
from escalation_rules.engine.records import LegRecord
from escalation_rules.engine.state import CYCLE, LEVEL, STATUS, Instance, State
from escalation_rules.patterns import BaseEvent
from escalation_rules.program.model import ANSWERED, UNANSWERED, EventCode, Terms, terms_of
from escalation_rules.worktime._timeline import Line

if TYPE_CHECKING:
    from escalation_rules.engine.machine import TargetReader, VariantReader

REMEMBERED_TERMS = 1_000


def outcome_and_due(clock: Instance | None, state: State) -> tuple[str, int | None]:
    """Return the outcome of a clock, or of no clock, and the instant it is due if that is still to come."""
    if clock is None:
        return "not_started", None
    if clock.stopped is not None:
        return clock.outcome, None
    if clock.budget is None:
        return "void" if clock.was_active else "not_started", None
    # rule 14: breached from the first microsecond past due
    due = clock.due
    return ("breached", None) if due is not None and state.now > due else ("pending", due)


def outcome_now(clock: Instance, state: State) -> str:
    """Return the outcome now: pending, met, breached, void or not started."""
    return outcome_and_due(clock, state)[0]


def is_over(clock: Instance, state: State) -> bool:
    """Return whether a clock was due before now."""
    return outcome_and_due(clock, state)[0] == "breached"


def use_of(clock: Instance | None, state: State, up: int, down: int) -> tuple[bool, tuple[int, int] | None]:
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


def _end_of(line: Line, point: int, terms: Terms) -> int:
    """Return the instant at which a budget that ends at a point of a line is due."""
    # rule 5: a budget used up exactly at closing time is due at closing time
    return line.earliest(point) if terms.at_close else line.latest(point)


# rule 17: of the effects of one event on a clock, stop comes first, then pause, resume and start
def stop(state: State, code: EventCode, event: BaseEvent) -> list[Instance]:
    """Stop the clocks that an event stops. Returns those of them that it may start again."""
    stopped, running, kind = [], state.clocks.open, type(event)
    for number in code.stoppers:
        clock = running.get(number)
        if clock is None or kind not in clock.variant.stops:
            continue
        matches = clock.variant.stops[kind]
        if matches is None or matches(event):
            # rule 14: met if stopped before the breach, so at the due instant too
            outcome = outcome_and_due(clock, state)[0]
            _halt(state, clock, "met" if outcome == "pending" else outcome)
            if clock.group.may_restart:
                stopped.append(clock)
    return stopped


def turn_clocks(state: State, code: EventCode, changed: int) -> None:
    """Void, retarget, pause or resume running clocks, after the event has changed the state."""
    if changed & LEVEL or code.ends_cycle:
        _void(state, code)
    for clock in list(state.clocks.open.values()):
        if changed & clock.group.looks_at:
            # what was due before now keeps its terms
            if not is_over(clock, state):
                _retarget(state, clock)
                _pause_or_resume(state, clock)
        elif changed & STATUS:
            _pause_or_resume(state, clock)


def _halt(state: State, clock: Instance, outcome: str) -> None:
    """Stop a clock: its outcome, its due instant and its counted time are final."""
    clock.outcome = outcome
    clock.counted = counted_now(clock, state)
    clock.stopped = state.now
    del state.clocks.open[clock.group.number]
    state.changed |= clock.group.bit


def _void(state: State, code: EventCode) -> None:
    """Void pending clocks after leaving their level, resolving, closing, reopening, voiding or going external."""
    outside = bool(state.levels.external) and state.life.live
    for clock in list(state.clocks.open.values()):
        place = clock.group.place
        # rules 12 and 28: a level's target is void once the case leaves the level, and all are outside
        left = place is not None and state.levels.level[place[0]] != place[1]
        ended = code.kind is E.Voided or (code.ends_cycle and not clock.variant.code.at_the_end)
        if left or outside or ended:
            outcome = outcome_and_due(clock, state)[0]
            _halt(state, clock, "void" if outcome == "pending" else outcome)


# ---------------------------------------------------------------------------- terms and pauses
def applicable(state: State, target: TargetReader) -> VariantReader | None:
    """Return the first variant of a target whose condition is true."""
    for variant in target.variants:
        # rule 16: of several targets with one key, the first whose `when` is true applies
        if variant.when is None or variant.when(state):
            return variant
    return None


def _terms(state: State, variant: VariantReader | None, lead: VariantReader) -> Terms:
    """Return the present terms of a target: of the variant that applies, else those without a span of the first."""
    if variant is None:
        return lead.code.idle_terms.choose(state.pick)
    if variant.only is not None:
        return variant.only
    code, agreed = variant.code, state.facts.agreed
    if code.agreed and agreed is not None:
        # rule 12: `use_agreed_interval` takes the span of the latest communication plan
        return terms_of(agreed, state.calendar(code.terms.calendars), state.program.calendars)
    if variant.by_priority is None:
        return code.terms.choose(state.pick)
    terms = variant.by_priority.get(state.facts.priority)
    if terms is None:
        terms = code.terms.choose(state.pick)
        if len(variant.by_priority) < REMEMBERED_TERMS:
            variant.by_priority[state.facts.priority] = terms
    return terms


def _waits(state: State, variant: VariantReader) -> str | None:
    """Return the parties that the case waits for and that pause a target; None if there are none."""
    waits = state.life.standing.waits
    if not waits:
        return None
    pauses = variant.pauses
    if pauses is None:
        pauses = frozenset(state.pick(variant.code.pauses) or ())
    # rule 13: a wait pauses the targets that name its party
    return ", ".join(sorted(waits & pauses)) or None


def _budget(state: State, terms: Terms, started: int) -> int | None:
    """Return the budget of some terms; that of days or months is the open time from the start to the nominal due."""
    if terms.days is None or terms.span is None:
        return terms.budget
    # rule 6: days and months become a budget once, when the clock starts
    line = state.program.lines[terms.line]
    return line.opened(terms.days.reach(started, terms.span)) - line.opened(started)


def _retarget(state: State, clock: Instance) -> None:
    """Change the span and the calendar of a clock; counted time carries over."""
    variant = applicable(state, clock.group)
    lead = clock.variant = variant or clock.group.variants[0]
    terms = _terms(state, variant, lead)
    if terms.span == clock.terms.span and terms.calendar == clock.terms.calendar:
        return
    # rule 15: counted time carries over, each stretch in the calendar that was then in force
    clock.counted, clock.terms, clock.line = counted_now(clock, state), terms, terms.line
    budget = clock.budget = _budget(state, terms, clock.started)
    clock.was_active = clock.was_active or budget is not None
    clock.leg_point, clock.due, clock.fixed, clock.caused = state.point(clock.line), None, False, False
    _turn(clock, LegRecord(state.now, terms.leg, _waits(state, lead)))
    if budget is not None:
        _due_after_change(state, clock, budget)
    state.changed |= clock.group.bit


def _due_after_change(state: State, clock: Instance, budget: int) -> None:
    """Set the due instant under a new budget. If it has passed, the clock is due at the change, and caused by it."""
    if clock.counted < budget or (clock.counted == budget > 0 and not clock.terms.at_close):
        if not clock.legs[-1].paused:
            line = state.program.lines[clock.line]
            clock.due = _end_of(line, clock.leg_point + budget - clock.counted, clock.terms)
        return
    passed = _reached(state, clock, budget)
    # rule 15: a due that has passed under new terms is dated at the change, and caused by it
    clock.caused = passed < state.now
    clock.due, clock.fixed = state.now if clock.caused else passed, True


def _reached(state: State, clock: Instance, budget: int) -> int:
    """Return the instant at which the legs so far had counted as much as a budget."""
    if not budget:
        return clock.started
    left = budget
    for leg, end in zip(clock.legs, [*(later.since for later in clock.legs[1:]), state.now], strict=True):
        if not leg.paused:
            number = 0 if leg.calendar is None else state.program.calendars[leg.calendar][1]
            line = state.program.lines[number]
            instant = _end_of(line, line.opened(leg.since) + left, clock.terms)
            if instant <= end:
                return instant
            left -= line.opened(end) - line.opened(leg.since)
    return state.now


def _pause_or_resume(state: State, clock: Instance) -> None:
    """Pause or resume a clock. A pause that begins at or after the due instant has no effect (rule 13)."""
    paused, last = _waits(state, clock.variant), clock.legs[-1]
    if paused == last.paused:
        return
    # rule 13: a pause that begins at or after due undoes no breach
    if clock.due is not None and (
        not (clock.caused and state.now <= clock.due) if clock.fixed else state.now >= clock.due
    ):
        return
    here = state.point(clock.line)
    if last.paused is None:
        clock.counted += here - clock.leg_point
        if not clock.fixed:
            clock.due = None
    clock.leg_point = here
    _turn(clock, LegRecord(state.now, last.calendar, paused))
    if paused is None and clock.budget is not None and not clock.fixed:
        clock.due = _end_of(state.program.lines[clock.line], here + clock.budget - clock.counted, clock.terms)
    state.changed |= clock.group.bit


def _turn(clock: Instance, leg: LegRecord) -> None:
    """Append a leg. A leg without duration is dropped, and a leg like the one before continues it."""
    if clock.legs[-1].since < leg.since:
        if clock.legs[-1][1:] != leg[1:]:
            clock.legs.append(leg)
        return
    kept = [old for old in clock.legs if old.since < leg.since]
    clock.legs = [*kept, leg] if not kept or kept[-1][1:] != leg[1:] else kept


# ---------------------------------------------------------------------------- starting
def start_due(state: State, code: EventCode, event: BaseEvent | None, stopped: Iterable[Instance]) -> None:
    """Start the clocks that the event starts, in the order of the policy."""
    targets = state.machine.targets
    live = state.is_running
    if not (live or code.ends):
        return
    kept = state.facts.kept
    # rule 12: next response waits for the first response of the first cycle
    awaited = live and kept[UNANSWERED] is not None and (kept[ANSWERED] is not None or state.life.cycle > 1)
    due: dict[int, tuple[TargetReader, VariantReader | None]] = {}
    if awaited or not code.awaits:
        for number in code.starters:
            _consider(state, due, targets[number], event, awaited=awaited)
    if live:
        for clock in stopped:
            _consider(state, due, clock.group, event, awaited=awaited, again=True)
        if state.changed & (LEVEL | CYCLE):
            for target in _entered(state, began=bool(state.changed & CYCLE)):
                _consider(state, due, target, event, awaited=awaited, entered=True)
    for number in sorted(due) if len(due) > 1 else due:
        _start(state, *due[number])


def _consider(
    state: State,
    due: dict[int, tuple[TargetReader, VariantReader | None]],
    target: TargetReader,
    event: BaseEvent | None,
    *,
    awaited: bool,
    again: bool = False,
    entered: bool = False,
) -> None:
    """Add a target to those that start now, unless a clock of it is open or the case is not on its level.

    `awaited` says whether somebody waits for the next response.
    """
    place = target.place
    if target.number in state.clocks.open or (place is not None and state.levels.level[place[0]] != place[1]):
        return
    variant = target.variants[0] if target.is_plain else applicable(state, target)
    lead = variant or target.variants[0]
    if again and lead.code.recurs:
        starts = True
    elif lead.code.begins == "unanswered":
        starts = awaited
    elif lead.code.begins == "entry":
        starts = entered
    else:
        matches = lead.starts.get(type(event), False)
        starts = matches is None or (bool(matches) and matches(event))  # type: ignore[operator]
    if starts:
        due[target.number] = target, variant


def _entered(state: State, *, began: bool) -> list[TargetReader]:
    """Return the targets that may start with a new cycle, or on entry to a level."""
    machine, levels = state.machine, state.levels
    targets = list(machine.targets_of[""]) if began else []
    for track, level in enumerate(levels.level):
        if level >= 0 and (began or levels.entry[track] == state.when):
            targets += machine.targets_of[state.program.levels[track][level].key]
    return targets


def _start(state: State, target: TargetReader, variant: VariantReader | None) -> None:
    """Start a clock: the next instance of its key in the cycle."""
    lead, clocks, now = variant or target.variants[0], state.clocks, state.now
    terms = _terms(state, variant, lead)
    budget = _budget(state, terms, now)
    paused, here = _waits(state, lead), state.point(terms.line)
    counter = (state.life.cycle, target.key)
    number = clocks.counts[counter] = clocks.counts.get(counter, 0) + 1
    legs = [LegRecord(now, terms.leg, paused)]
    clock = Instance(target, number, state.life.cycle, now, lead, terms, budget, terms.line, legs, here)
    clock.was_active = budget is not None
    if budget == 0:
        clock.due, clock.fixed = now, True
    elif budget is not None and paused is None:
        clock.due = _end_of(state.program.lines[terms.line], here + budget, terms)
    if target.number in clocks.by_target:
        clocks.past.append(clocks.by_target[target.number])
    clocks.open[target.number] = clocks.latest[target.key] = clocks.by_target[target.number] = clock
    state.changed |= target.bit
