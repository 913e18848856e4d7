"""Rules that lower the outcome: without them some case would be higher at some instant.

An early move takes the ground from a later one, because what is measured from entry to a level, or holds on some levels
only, begins anew with every move. Each is found on a case that the engine has folded with the rule and without it, or
not at all.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import datetime

from escalation_rules.actions import Assign, SetPriority
from escalation_rules.analysis.courses import Course
from escalation_rules.analysis.report import Finding, finding
from escalation_rules.analysis.solver import OutOfBudget
from escalation_rules.analysis.witnesses import MINUTE, told, walk
from escalation_rules.analysis.workbench import Board
from escalation_rules.case import Case
from escalation_rules.conditions import atoms
from escalation_rules.engine.model import Program
from escalation_rules.engine.state import Pending
from escalation_rules.rules import NEXT, Rule
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["lowering_rules"]


Seen = tuple[str, tuple[Case, datetime]]
"""What takes the case higher, and the case with the instant."""
Plotted = tuple[Hashable, list[int]]
"""Cells, after the key of the stories that are told of them."""


def lowering_rules(board: Board, rules: list[Rule]) -> Iterator[Finding]:
    """Rules without which some case would be higher at some instant, each with such a case."""
    search = _Search(board, rules)
    for rule in rules:
        try:
            seen = search.seen(rule)
        except OutOfBudget:
            board.unfinished.append(f"rules[{rule.name}] lowers the outcome")
            continue
        if seen is not None:
            names, witness = seen
            yield finding(
                "lowers-the-outcome",
                f"rules[{rule.name}]",
                f"with the rule `{rule.name}` a case ends up lower than without it: it moves the case early, and "
                f"{names}, which would have taken it higher, then no longer holds",
                f"let {names} hold on the levels in between as well, and count from the opening",
                witness,
            )


class _Search:
    """The cases that may show it, each folded once with all rules, and again without a rule that alone moves it."""

    def __init__(self, board: Board, rules: list[Rule]) -> None:
        self.board = board
        self.left = board.budget
        self.leaning = [rule for rule in rules if rule.at or _is_of_the_stay(rule)]
        self._own: dict[str, Plotted | None] = {}

    def seen(self, rule: Rule) -> Seen | None:
        """A case that is lower with the rule than without it. Raises `OutOfBudget`."""
        tried: set[Hashable] = set()
        without: Program | None = None
        for other in self.leaning:
            for key, domains in self._suggested(rule, other):
                if key in tried:
                    continue
                tried.add(key)
                for course in self._courses(rule, other, domains):
                    if self._matters(rule, course):
                        without = without or self.board.program.without(rule.name)
                        seen = self._compared(rule, other, course, without)
                        if seen is not None:
                            return seen
        return None

    def _courses(self, rule: Rule, other: Rule, domains: list[int]) -> Iterator[Course]:
        """The stories of the cells, and where the other rule moves also those in which it does so after the rule."""
        yield from self.board.told.of(domains, _TRIES)
        theirs, mine = self._moving(other), self._moving(rule)
        if theirs is not None and mine is not None and domains is theirs[1]:
            changes = self.board.told.plot(domains).changes()
            first = next(self.board.told.of(mine[1], _TRIES)) if changes else None
            if first is not None and self._matters(rule, first):
                moved = next(stage.now for stage in first.stages(_CROSSINGS) if stage.moves or stage.at_work)
                yield Course(self.board.program, told(first.case, datetime_of(moved) + MINUTE, changes))

    def _take(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise OutOfBudget

    # ------------------------------------------------------------------------ which cases

    def _suggested(self, rule: Rule, other: Rule) -> Iterator[Plotted]:
        """Cells in which both hold, the other moves, or the rule moves; none where the other stays out of its way."""
        if other is rule or not _may_give_way(self.board, other, rule):
            return
        self._take(1)
        mine, theirs = self._moving(rule), self._moving(other)
        both = self._both(rule, other)
        yield from (one for one in (both, theirs, mine) if one is not None)

    def _moving(self, rule: Rule) -> Plotted | None:
        if rule.name not in self._own:
            self._own[rule.name] = self._plotted(self.board.moves(rule))
        return self._own[rule.name]

    def _both(self, rule: Rule, other: Rule) -> Plotted | None:
        """Where the rule holds and the other moves."""
        holds, moves = self.board.space.holds(rule), self.board.moves(other)
        return self._plotted(holds, moves)

    def _plotted(self, *parts: object) -> Plotted | None:
        before = self.board.steps
        try:
            domains = self.board.solve(*parts)
        except OutOfBudget:
            return None
        finally:
            self._take(self.board.steps - before)
        return None if domains is None else (self.board.told.plot(domains).key, domains)

    # ------------------------------------------------------------------------ with the rule and without it

    def _matters(self, rule: Rule, course: Course) -> bool:
        """Whether some move is the rule's alone: where another asks for the same, nothing changes without it."""
        known = course.length
        stages = list(course.stages(_CROSSINGS))
        self._take(_COST * (course.length - known))
        if any(isinstance(action, SetPriority | Assign) for action in rule.then):
            return any(rule.name in stage.at_work for stage in stages)
        return any(_is_its_own(rule, pending) for pending in stages[-1].moves)

    def _compared(self, rule: Rule, other: Rule, course: Course, without: Program) -> Seen | None:
        track = self.board.codes[rule.name].track
        for state in walk(without, course.case, _CROSSINGS):
            self._take(_COST)
            if state.level[track] > course.levels_at(state.now)[track]:
                names = [name for one in state.moves if one.move.track == track for name in one.move.rules]
                return f"`{(names or [other.name])[-1]}`", (course.case, datetime_of(state.now))
        return None


_CROSSINGS = 8
_TRIES = 4
_COST = 50
"""What an instant of a case counts for, in steps."""


def _is_its_own(rule: Rule, pending: Pending) -> bool:
    """Whether a rule supports a move that would not be made without it, or not then."""
    names = pending.move.rules
    return rule.name in names and (len(names) == 1 or rule.checklist == "waived")


_OF_THE_STAY = {"at_level_for", "level_failed", "level", "happened"}


def _is_of_the_stay(rule: Rule) -> bool:
    """Whether what a rule looks at begins anew with every move."""
    return rule.to == NEXT or any(atom.fact in _OF_THE_STAY for atom in atoms(rule.when))


def _may_give_way(board: Board, other: Rule, rule: Rule) -> bool:
    """Whether on their track a move by a rule may keep another from taking the case higher."""
    if board.codes[other.name].track != board.codes[rule.name].track:
        return False
    highest = max(board.wishes(other).values())
    lower = [to for to in board.wishes(rule).values() if to < highest]
    if not lower or _is_of_the_stay(other):
        return bool(lower)
    here = {board.program.places[key] for key in other.at}
    return bool(here) and any((board.codes[rule.name].track, to) not in here for to in lower)
