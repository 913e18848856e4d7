"""What the entry checklists of levels still lack, in many cases at once."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.checklists import Item
from escalation_rules.patterns import Happening
from escalation_rules.simulation.columns.atoms import Unheld
from escalation_rules.simulation.columns.clocks import Here
from escalation_rules.simulation.columns.compile import Plan, matched
from escalation_rules.simulation.columns.facts import Ints, Mask, States, Trail
from escalation_rules.simulation.grids import NEVER, NONE
from escalation_rules.worktime import BusinessCalendar, Calendar, Span
from escalation_rules.worktime.arrays import reach

__all__ = ["Entries", "Lacking", "lacking"]


_WHY = ("", "unanswered", "withdrawn", "not an answer", "without evidence", "expired")
STANDS, UNANSWERED, WITHDRAWN, NO_ANSWER, NO_EVIDENCE, EXPIRED = range(len(_WHY))


class Lacking(NamedTuple):
    """What is missing of a checklist, and which answers argue against, as frames have them."""

    missing: str | None
    against: str | None


def lacking(items: tuple[Item, ...], code: int) -> Lacking:
    """What a checklist lacks, by the number that tells it: a digit for each item, the first item's last."""
    missing, against = [], []
    for item in items:
        code, digit = divmod(code, _digits(item))
        if digit >= len(_WHY):
            against.append(f"{item.key}: {item.against[digit - len(_WHY)]}")
        elif digit != STANDS:
            missing.append(f"{item.key}: {_WHY[digit]}")
    return Lacking(", ".join(missing) or None, ", ".join(against) or None)


def _digits(item: Item) -> int:
    return len(_WHY) + len(item.against)


class Entries:
    """The answers to entry checklists in many cases. `changes` are the events that answer items or override lists."""

    def __init__(self, plan: Plan, states: States) -> None:
        self.plan, self.states = plan, states
        self.lists = plan.checked
        if any(prod(map(_digits, items)) >= 1 << 62 for items in self.lists.values()):
            raise Unheld("as many items")
        self.answers = {
            (plan.track_of[rung], item): _Answers(plan, states, plan.track_of[rung], item)
            for rung, items in self.lists.items()
            for item in items
        }
        self.overrides = {rung: self._overrides(rung) for rung in self.lists}
        self.changes = np.zeros(len(states.at), np.bool_)
        for events in (*(one.changes for one in self.answers.values()), *self.overrides.values()):
            self.changes |= events
        self.overridden_at = {rung: _last(states, events) for rung, events in self.overrides.items()}

    def _overrides(self, rung: int) -> Mask:
        key, prototypes = self.plan.levels[rung].key, self.states.script.prototypes
        return self.states.like(
            np.array([isinstance(one, E.ChecklistOverridden) and one.level == key for one in prototypes], np.bool_)
        )

    def overridden(self, rung: int, here: Here) -> Mask:
        """Whether the checklist of a level was set aside in this cycle."""
        found: Mask = self.overridden_at[rung][here.place] >= self.states.begun[here.place]
        return found

    def lack(self, rung: int, here: Here) -> Ints:
        """What the checklist of a level lacks, as a number; 0 for nothing."""
        track, found, unit = self.plan.track_of[rung], np.zeros(len(here.now), np.int64), 1
        for item in self.lists[rung]:
            found += unit * self.answers[track, item].stand(here)
            unit *= _digits(item)
        return found

    def next_expiry(self, here: Here) -> Ints:
        """When the next of the answers expires; `NEVER` if none does."""
        never = np.full(len(here.now), NEVER)
        return reduce(np.minimum, (one.expiry(here) for one in self.answers.values()), never)


class _Answers:
    """The answers to one item: after each event, the last that was given, and how it stands."""

    def __init__(self, plan: Plan, states: States, track: int, item: Item) -> None:
        self.states = states
        prototypes = states.script.prototypes
        answers = matched(item.done_by, prototypes) | np.array([_is_about(one, item) for one in prototypes], np.bool_)
        self.table = np.array([_digit(one, item) for one in prototypes], np.int64)
        self.changes = states.like(answers)
        self.last = _last(states, self.changes)
        self.expires = np.full(len(states.at), NEVER)
        if isinstance(item.expires, Span):
            places = np.flatnonzero(self.changes)
            self.expires[places] = reach(_calendar(plan, track), states.at[places], item.expires)

    def stand(self, here: Here) -> NDArray[np.int64]:
        """How the item stands: by 0, it is answered."""
        last = self.last[here.place]
        digit = np.where(last >= self.states.begun[here.place], self.table[self.states.code[last]], UNANSWERED)
        is_answer = (digit == STANDS) | (digit >= len(_WHY))
        return np.where(is_answer & (self.expires[last] <= here.now), EXPIRED, digit)

    def expiry(self, here: Here) -> Ints:
        """When the last answer expires, if it has not."""
        ends = self.expires[self.last[here.place]]
        return np.where((self.last[here.place] != NONE) & (ends > here.now), ends, NEVER)


def _calendar(plan: Plan, track: int) -> Calendar:
    """The calendar in which answers on a track expire."""
    name = plan.policy.all_tracks[track].calendar or plan.policy.usual_calendar
    return BusinessCalendar.always() if name is None else plan.policy.calendars[str(name)]


def _last(states: States, events: Mask) -> Ints:
    """The last of some events in the case, after each event; -1 if there was none."""
    places = np.flatnonzero(events | states.opens)
    return states.spread(Trail(places, np.where(events[places], places, NONE)))


def _is_about(event: Happening, item: Item) -> bool:
    return isinstance(event, E.ItemConfirmed | E.ItemWithdrawn) and event.item == item.key


def _digit(event: Happening, item: Item) -> int:
    """How an item stands that an event answers."""
    if isinstance(event, E.ItemWithdrawn):
        return WITHDRAWN
    given = event if isinstance(event, E.ItemConfirmed) else None
    answer = given.answer if given else next(iter(item.answers), "yes")
    if not item.admits(answer):
        return NO_ANSWER
    if item.evidence and given and not given.evidence:
        return NO_EVIDENCE
    return len(_WHY) + item.against.index(answer) if answer in item.against else STANDS
