"""How cases go on: every story is told once and folded once, whatever is asked about it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from escalation_rules.analysis.domains import Space
from escalation_rules.analysis.witnesses import TRIES, Plot, how_many, plot_of, tellings, walk
from escalation_rules.case import Case
from escalation_rules.engine.model import Program
from escalation_rules.engine.rules import blocked
from escalation_rules.engine.state import Pending, State

__all__ = ["Course", "Courses", "Stage", "at_work"]


class Stage(NamedTuple):
    """A case at one instant: where it stands on each track, the moves so far, and the rules that ask for something.

    `truth` has a bit for each comparison that holds.
    """

    now: int
    levels: tuple[int, ...]
    truth: int
    moves: tuple[Pending, ...]
    at_work: frozenset[str]


class Course:
    """A case as a program has it, from its last event from crossing to crossing, as far as anybody has looked."""

    def __init__(self, program: Program, case: Case) -> None:
        self.case = case
        self._told: list[Stage] = []
        self._rest = (_stage(state) for state in walk(program, case, _FOR_EVER))

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
    return Stage(state.now, tuple(state.level), state.truth, tuple(state.moves), frozenset(at_work(state)))


def at_work(state: State) -> Iterator[str]:
    """The names of the rules that ask for something, or for a move that is held back."""
    for pending in state.moves:
        yield from pending.move.rules
    for held in blocked(state) if _can_be_held(state.program) else ():
        yield from held.rules
    for action in state.actions:
        if action.source[0] == "rule":
            yield action.source[1]


def _can_be_held(program: Program) -> bool:
    """Whether anything may hold a move back: a checklist, or an owner who is away."""
    return any(level.entry is not None or level.nobody == "hold" for levels in program.levels for level in levels)


class Courses:
    """The courses of stories, by what the stories are made of."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self._known: dict[Hashable, _Recalled] = {}
        self._plots: dict[tuple[int, ...], Plot] = {}

    def plot(self, domains: Sequence[int]) -> Plot:
        """What the stories are made of that may come to the cells."""
        key = tuple(domains)
        if key not in self._plots:
            self._plots[key] = plot_of(self.space, domains)
        return self._plots[key]

    def of(self, domains: Sequence[int], tries: int = TRIES) -> Iterator[Course]:
        """The courses of the stories that may come to the cells, the simplest first."""
        return self.of_plot(self.plot(domains), tries)

    def of_plot(self, plot: Plot, tries: int = TRIES) -> Iterator[Course]:
        """The courses of the stories of a plot."""
        if plot.key not in self._known:
            told = (Course(self.space.program, case) for case in tellings(self.space, plot))
            self._known[plot.key] = _Recalled(told)
        return islice(self._known[plot.key].each(), how_many(tries))


class _Recalled:
    """What an iterator gives, remembered, so that it can be gone through again."""

    def __init__(self, source: Iterator[Course]) -> None:
        self._source = source
        self._known: list[Course] = []

    def each(self) -> Iterator[Course]:
        number = 0
        while True:
            if number == len(self._known):
                found = next(self._source, None)
                if found is None:
                    return
                self._known.append(found)
            yield self._known[number]
            number += 1
