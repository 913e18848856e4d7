"""Checklists at work: which items have an answer that stands, and what holds a move back."""

from __future__ import annotations

from escalation_rules import events as E
from escalation_rules.checklists import Checklist, Item
from escalation_rules.engine.model import BITS
from escalation_rules.engine.outcome import OpenFound
from escalation_rules.engine.state import State

__all__ = ["checked", "entry_state", "expiry"]

Findings = tuple[tuple[OpenFound, ...], tuple[tuple[str, str], ...]]


def entry_state(state: State, track: int, level: int, *, waived: bool) -> Findings:
    """What the entry checklist of a level still lacks, and what argues against going there."""
    found = state.program.levels[track][level]
    if waived or found.entry is None or state.overridden.get(found.key, state.cycle_when - 1) >= state.cycle_when:
        return (), ()
    return checked(state, found.entry, state.cycle_when, track)


def checked(state: State, checklist: Checklist | None, since: int, track: int) -> Findings:
    """The items without an answer that stands, and the answers that argue against, counting answers since a when."""
    missing, against = [], []
    for item in checklist.items if checklist else ():
        answer, why = _answer(state, item, since, track)
        if answer is None:
            missing.append(OpenFound(item.key, why))
        elif answer in item.against:
            against.append((item.key, answer))
    return tuple(missing), tuple(against)


def _answer(state: State, item: Item, since: int, track: int) -> tuple[str | None, str]:
    """The answer that stands, or why none does."""
    when, event = state.answers.get(state.program.items[item], (since - 1, None))
    if event is None or when < since:
        return None, "unanswered"
    if isinstance(event, E.ItemWithdrawn):
        return None, "withdrawn"
    answer = event.answer if isinstance(event, E.ItemConfirmed) else next(iter(item.answers), "yes")
    if not item.admits(answer):
        return None, "not an answer"
    if item.evidence and isinstance(event, E.ItemConfirmed) and not event.evidence:
        return None, "without evidence"
    end = expiry(state, item, when, track)
    return (None, "expired") if end is not None and state.now >= end else (answer, "")


def expiry(state: State, item: Item, when: int, track: int) -> int | None:
    """When an answer expires that was given at a when."""
    expires = state.pick(item.expires)
    if expires is None:
        return None
    program = state.program
    name = state.calendar((program.tracks[track].calendar, program.policy.usual_calendar))
    return program.calendars[name][0].reach(when >> BITS, expires)
