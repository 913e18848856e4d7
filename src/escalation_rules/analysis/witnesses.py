"""From a choice of values to a case: the simplest histories that may show it, and how each goes on.

Whether it does is for the engine to say: every story is folded before anything is claimed of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from escalation_rules import events as E
from escalation_rules.analysis.domains import DURATION, MONDAY, EventSketch, Key, Space, beginning, example_of
from escalation_rules.case import Case
from escalation_rules.engine.fold import fold, forward, upcoming
from escalation_rules.engine.machine import Machine
from escalation_rules.engine.rules import blocked
from escalation_rules.engine.state import Pending, State
from escalation_rules.patterns import BaseEvent, Pattern
from escalation_rules.policy import Policy
from escalation_rules.program.model import Program
from escalation_rules.worktime._timeline import datetime_of

CASE = "C-1"
MINUTE = timedelta(minutes=1)
TRIES = 8
"""At so many crossings a story has its events, unless one says."""
_MANY = 20
"""More events of one kind than this are not tried."""


@dataclass(frozen=True)
class Recipe:
    """What a story is made of: how the case is opened, and what then happens."""

    opening: tuple[tuple[str, Any], ...]
    sketches: tuple[EventSketch, ...] = ()

    @cached_property
    def key(self) -> Hashable:
        """Of two plots with one key the same stories are told."""
        return self.opening, repr(self.sketches) if self.sketches else None

    def changes(self) -> tuple[EventSketch, ...]:
        """What must happen for a case that was opened otherwise to come to be as this one is."""
        opening = dict(self.opening)
        ranked = ((E.PriorityChanged, {"to": opening["priority"]}),) if "priority" in opening else ()
        known = ((E.FactChanged, {"name": name, "value": value}) for name, value in opening.get("facts", ()))
        return (*ranked, *known, *self.sketches)

    def but(self, priority: str, facts: Mapping[str, Any]) -> Recipe:
        """The same of a case of this priority, with these facts besides."""
        opening = dict(self.opening)
        known = {**dict(opening.pop("facts", ())), **facts}
        return Recipe((*{**opening, "priority": priority}.items(), ("facts", tuple(known.items()))), self.sketches)


def plot_of(space: Space, domains: Sequence[int]) -> Recipe:
    """The simplest plot that may come to the cells."""
    cells = _chosen_cells(space, domains)
    return Recipe(tuple(_opening(space, cells)), tuple(_sketches(space, cells)))


def stories(space: Space, domains: Sequence[int], *, tries: int = TRIES) -> Iterator[Case]:
    """Histories that may come to the cells, the simplest first: what must happen, early or late."""
    return recipe_histories(space, plot_of(space, domains), tries)


def recipe_histories(space: Space, plot: Recipe, tries: int = TRIES) -> Iterator[Case]:
    """The stories of a plot: what happens does so soon after the opening, or when something is about to change."""
    fields: dict[str, Any] = {name: dict(held) if name == "facts" else held for name, held in plot.opening}
    opened = E.Opened(at=space.start, **fields)
    case = Case(CASE, (opened,))
    yield history_at(case, opened.at + MINUTE, plot.sketches) if plot.sketches else case
    for state in walk(space.machine, case, tries) if plot.sketches else ():
        yield history_at(case, datetime_of(state.now), plot.sketches)
        yield history_at(case, datetime_of(state.now) + MINUTE, plot.sketches)


def how_many(tries: int) -> int:
    """How many stories are told where as many crossings are tried."""
    return 1 + 2 * (1 + tries)


def history_at(case: Case, at: datetime, sketches: Iterable[EventSketch]) -> Case:
    """The case with these events at an instant, without a second opening, which no history can have (rule 8)."""
    return case.record(*(kind(at=at, **fields) for kind, fields in sketches if kind is not E.Opened))


def walk(machine: Machine, case: Case, steps: int) -> Iterator[State]:
    """The state after the last event, and at so many crossings that follow. Look at each before taking the next."""
    state = fold(machine, case, case.history[-1].instant)
    yield state
    for _ in range(steps):
        crossing = upcoming(state)
        if crossing is None:
            return
        forward(state, crossing)
        yield state


def _chosen_cells(space: Space, domains: Sequence[int]) -> dict[Key, Any]:
    """The simplest cell of each axis that is not free."""
    found = {}
    for axis, mask, full in zip(space.axes, domains, space.full, strict=True):
        if mask != full:
            found[axis.key] = axis.cells[(mask & -mask).bit_length() - 1]
    return found


def start_of(policy: Policy, **fields: Any) -> E.Opened:
    """A customer's opening, where and when stories begin."""
    return E.Opened(at=beginning(policy), **fields)


def _opening(space: Space, cells: Mapping[Key, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of the opening, as far as the cells ask for any."""
    policy = space.policy
    rank, level = cells.get(("priority",)), cells.get(("level", 0), 0)
    facts = tuple((fact.name, cells[fact.name,]) for fact in policy.facts if cells.get((fact.name,)) is not None)
    if rank is not None:
        yield "priority", policy.priorities[rank]
    if cells.get(("channel",)) is not None:
        yield "channel", cells["channel",]
    if level > 0:
        yield "level", space.program.levels[0][level].key
    if facts:
        yield "facts", facts


def _sketches(space: Space, cells: Mapping[Key, Any]) -> Iterator[EventSketch]:
    for track, levels in enumerate(space.program.levels):
        at = cells.get(("level", track), -1)
        if track and at >= 0:
            yield E.Escalated, {"to": levels[at].key}
    for key, cell in cells.items():
        yield from happenings(space, key, cell)
    if cells.get(("plan_items_overdue",)) or cells.get(("plan_has_backup",)):
        items = tuple(
            E.PlanItem(what="step", due_at=MONDAY) for _ in range(min(cells.get(("plan_items_overdue",), 0), _MANY))
        )
        backup = "fallback" if cells.get(("plan_has_backup",)) else None
        yield E.PlanRevised, {"plan": E.ActionPlan(items=items, backup=backup)}
    if cells.get(("status",)) == "waiting":
        yield E.WaitStarted, {}


def happenings(space: Space, key: Key, cell: Any) -> Iterator[EventSketch]:
    """What must happen for one axis to be in a cell."""
    fact = key[0]
    if fact == DURATION and cell == 0:
        yield from _ENDINGS.get(key[1][0], ())
    elif not cell or cell == "not_started":
        return
    elif fact in {"used", "outcome"} or (fact == DURATION and len(key[1]) > 1 and key[1][0] != "at_level_for"):
        yield from _clock(space.policy, key[1] if fact != DURATION else key[1][1], cell)
    elif fact in _COUNTED:
        for number in range(min(cell, _MANY)):
            yield from _COUNTED[fact](number)
    elif fact in _FLAGS:
        yield _FLAGS[fact], {}
    elif fact == "level_failed":
        yield E.LevelFailed, {"track": space.program.tracks[key[1]].key}
    elif fact == "moves":
        yield from _moves(space, key[1][0], cell)
    elif fact == "happened":
        yield from _first_example(space.policy, sorted(key[1], key=repr))


def _clock(policy: Policy, key: str, cell: Any) -> Iterator[EventSketch]:
    """What starts a target that does not start by itself, and what stops it where it is met."""
    found = [target for target in policy.all_targets if target.key == key]
    if any(target.start_on == "unanswered" for target in found):
        yield from ((E.SupportReplied, {}), (E.CustomerReplied, {}))
    patterns = [pattern for target in found for pattern in target.start_on or () if isinstance(pattern, Pattern)]
    yield from _first_example(policy, (one for one in patterns if one.event not in _BY_ITSELF))
    if cell == "met":
        yield from _first_example(policy, (pattern for target in found for pattern in target.stop_on))


_BY_ITSELF = {"Opened", "Reopened", "Resolved", "Closed"}
_FLAGS: dict[str, type[BaseEvent]] = {"escalation_request_open": E.EscalationRequested, "acknowledged": E.Acknowledged}
_COUNTED: dict[str, Any] = {
    "escalation_requests": lambda _: ((E.EscalationRequested, {}),),
    "replies": lambda _: ((E.SupportReplied, {}),),
    "status_requests": lambda _: ((E.CustomerReplied, {"asks_for_status": True}),),
    "assignments": lambda number: ((E.Assigned, {"person": f"person {number + 1}"}),),
    "reopenings": lambda _: ((E.Resolved, {}), (E.Reopened, {})),
}
_ENDINGS: dict[str, tuple[EventSketch, ...]] = {
    "unanswered_for": ((E.SupportReplied, {}),),
    "unassigned_for": ((E.Assigned, {"person": "person 1"}),),
    "no_update_for": ((E.UpdateSent, {}),),
}


def _first_example(policy: Policy, patterns: Iterable[Pattern]) -> Iterator[EventSketch]:
    found = [one for one in (example_of(policy, pattern) for pattern in patterns) if one is not None]
    yield from found[:1]


def _moves(space: Space, track: int, count: int) -> Iterator[EventSketch]:
    levels = space.program.levels[track]
    for number in range(min(count, _MANY, len(levels) - 1)):
        yield E.Escalated, {"to": levels[number + 1].key}


class Stage(NamedTuple):
    """A case at one instant: where it stands on each track, the moves so far, and the rules that ask for something.

    `truth` has a bit for each comparison that holds.
    """

    now: int
    levels: tuple[int, ...]
    truth: int
    moves: tuple[Pending, ...]
    at_work: frozenset[str]


class Continuation:
    """A case as a program has it, from its last event from crossing to crossing, as far as anybody has looked."""

    def __init__(self, machine: Machine, case: Case) -> None:
        self.case = case
        self._told: list[Stage] = []
        self._rest = (_stage(state) for state in walk(machine, case, _FOR_EVER))

    def stages(self, crossings: int) -> Iterator[Stage]:
        """The stage after the last event, and those at so many crossings that follow."""
        for number in range(crossings + 1):
            if number == len(self._told) and not self._go_on():
                return
            yield self._told[number]

    def levels_at(self, instant: int) -> tuple[int, ...]:
        """Where the case stands at an instant that is not before its last event."""
        while (not self._told or self._told[-1].now <= instant) and self._go_on():
            pass
        return next(stage.levels for stage in reversed(self._told) if stage.now <= instant)

    @property
    def length(self) -> int:
        """How many stages have been looked at."""
        return len(self._told)

    def _go_on(self) -> bool:
        stage = next(self._rest, None)
        if stage is not None:
            self._told.append(stage)
        return stage is not None


_FOR_EVER = 1 << 40


def _stage(state: State) -> Stage:
    return Stage(
        state.now, tuple(state.levels.level), state.tests.truth, tuple(state.asked.moves), frozenset(at_work(state))
    )


def at_work(state: State) -> Iterator[str]:
    """The names of the rules that ask for something, or for a move that is held back."""
    for pending in state.asked.moves:
        yield from pending.move.rules
    for held in blocked(state) if _can_be_held(state.program) else ():
        yield from held.rules
    for action in state.asked.actions:
        if action.source[0] == "rule":
            yield action.source[1]


def _can_be_held(program: Program) -> bool:
    """Whether anything may hold a move back: a checklist, or an owner who is away."""
    return any(level.entry is not None or level.if_nobody == "hold" for levels in program.levels for level in levels)


class Continuations:
    """The courses of stories, by what the stories are made of."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self._known: dict[Hashable, _Recalled] = {}
        self._plots: dict[tuple[int, ...], Recipe] = {}

    def plot(self, domains: Sequence[int]) -> Recipe:
        """What the stories are made of that may come to the cells."""
        key = tuple(domains)
        if key not in self._plots:
            self._plots[key] = plot_of(self.space, domains)
        return self._plots[key]

    def of(self, domains: Sequence[int], tries: int = TRIES) -> Iterator[Continuation]:
        """The courses of the stories that may come to the cells, the simplest first."""
        return self.of_plot(self.plot(domains), tries)

    def of_plot(self, plot: Recipe, tries: int = TRIES) -> Iterator[Continuation]:
        """The courses of the stories of a plot."""
        if plot.key not in self._known:
            told = (Continuation(self.space.machine, case) for case in recipe_histories(self.space, plot))
            self._known[plot.key] = _Recalled(told)
        return islice(self._known[plot.key].each(), how_many(tries))


class _Recalled:
    """What an iterator gives, remembered, so that it can be gone through again."""

    def __init__(self, source: Iterator[Continuation]) -> None:
        self._source = source
        self._known: list[Continuation] = []

    def each(self) -> Iterator[Continuation]:
        number = 0
        while True:
            if number == len(self._known):
                found = next(self._source, None)
                if found is None:
                    return
                self._known.append(found)
            yield self._known[number]
            number += 1
