"""Bounded search: histories made of the events that a policy listens for, the shortest first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from escalation_rules import events as E
from escalation_rules.analysis.domains import Space
from escalation_rules.analysis.examples import Sketch
from escalation_rules.analysis.witnesses import MINUTE, happenings, told, walk
from escalation_rules.case import Case
from escalation_rules.policy import Policy
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["alphabet", "elsewhen", "longer"]

_USUAL: tuple[Sketch, ...] = (
    (E.SupportReplied, {}),
    (E.CustomerReplied, {}),
    (E.WaitStarted, {}),
    (E.Assigned, {"person": "person 1"}),
    (E.LevelFailed, {}),
)
_CROSSINGS = 3


def alphabet(space: Space, *, by_hand: bool) -> list[tuple[Sketch, ...]]:
    """What may happen that a policy takes notice of; `by_hand` also what people do to levels, and reopening."""
    found: list[tuple[Sketch, ...]] = []
    if by_hand:
        keys = [level.key for level in space.policy.all_levels]
        found += [((kind, {"to": key}),) for kind in (E.DeEscalated, E.Escalated) for key in keys]
        found += [((E.Resolved, {}), (E.Reopened, {}))]
    found += [(sketch,) for sketch in _USUAL]
    for axis in space.axes:
        for cell in axis.cells:
            happening = tuple(happenings(space, axis.key, cell))
            if happening:
                found.append(happening)
    found += [((E.PriorityChanged, {"to": name}),) for name in space.policy.priorities if ("priority",) in space.number]
    for fact in space.policy.facts:
        cells = space.axes[space.number[fact.name,]].cells if (fact.name,) in space.number else ()
        found += [((E.FactObserved, {"name": fact.name, "value": cell}),) for cell in cells]
    if not by_hand:
        found = [one for one in found if not any(kind in _BY_HAND for kind, _ in one)]
    return list({repr(one): one for one in found}.values())


_BY_HAND = {E.Escalated, E.DeEscalated, E.Reopened, E.Observed}


def longer(space: Space, cases: list[Case], happenings: list[tuple[Sketch, ...]]) -> Iterator[Case]:
    """The cases with one more happening each: soon after their last event, or when something is about to change."""
    for case in cases:
        last = case.history[-1].at
        instants = dict.fromkeys([last + MINUTE])
        for state in walk(space.program, case, _CROSSINGS):
            instants[datetime_of(state.now)] = None
        for at in instants:
            for sketches in happenings:
                yield told(case, at, sketches)


def elsewhen(policy: Policy, case: Case) -> Iterator[Case]:
    """The same case at other times: just before the calendars close, and as they do."""
    for calendar in policy.calendars.values():
        closing = calendar.next_close(case.opened_at)
        if closing is not None:
            yield shifted(case, closing - MINUTE - case.opened_at)
            yield shifted(case, closing - case.opened_at)


def shifted(case: Case, by: timedelta) -> Case:
    """The same case so much later."""
    return Case(case.id, tuple(event.model_copy(update={"at": event.at + by}) for event in case.history))
