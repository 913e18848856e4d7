"""What is asked of a policy again and again: which rules want which level where, and whether that can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from escalation_rules.analysis.cells import Space
from escalation_rules.analysis.search import Formula, OutOfBudget, Search, all_of, any_of
from escalation_rules.analysis.stories import stories, walk
from escalation_rules.case import Case
from escalation_rules.engine.machine import RuleCode, State
from escalation_rules.engine.moves import blocked
from escalation_rules.levels import EscalationLevel
from escalation_rules.picks import choices
from escalation_rules.policy import Policy
from escalation_rules.rules import Rule
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["BUDGET", "Board"]

BUDGET = 200_000
"""How many steps a question may take unless one says: about a quarter of a second."""


class Board:
    """A policy with its space of cells and its rules, and a budget of steps for each question."""

    def __init__(self, policy: Policy, budget: int = BUDGET, space: Space | None = None) -> None:
        self.policy = policy
        self.space = space or Space(policy)
        self.program = self.space.program
        self.codes: dict[str, RuleCode] = {code.name: code for code in self.program.rules}
        self.budget = budget
        self.steps = 0
        self.unfinished: list[str] = []

    # ------------------------------------------------------------------------ questions

    def solve(self, *parts: Formula) -> list[int] | None:
        """Cells in which all of these hold. Raises `OutOfBudget`."""
        search = Search(self.space.sizes, self.budget)
        try:
            return search.solve(self.space.possible(all_of(parts)))
        finally:
            self.steps += min(search.steps, self.budget)

    def never(self, *parts: Formula, question: str) -> bool:
        """Whether these hold together in no case. When the budget runs out, this is noted, and the answer is no."""
        try:
            return self.solve(*parts) is None
        except OutOfBudget:
            self.unfinished.append(question)
            return False

    # ------------------------------------------------------------------------ rules

    def levels_of(self, rule: Rule) -> tuple[EscalationLevel, ...]:
        """The levels of the track that a rule moves cases on."""
        return self.program.levels[self.codes[rule.name].track]

    def wanted(self, rule: Rule, level: int) -> int | None:
        """The level that a rule asks for on its track when a case stands on a level; None where it asks for none."""
        code = self.codes[rule.name]
        wanted = level + 1 if code.is_next else code.to
        return wanted if wanted is not None and level < wanted < len(self.levels_of(rule)) else None

    def standing(self, track: int, levels: Iterable[int]) -> Formula:
        """Where a case stands on one of these levels of a track."""
        return any_of(self.space.compare(("level", track), "==", level) for level in levels)

    def places(self, rule: Rule) -> range:
        """The levels on which a case may stand on the track of a rule; -1 is nowhere."""
        track = self.codes[rule.name].track
        return range(0 if track == 0 and self.levels_of(rule) else -1, len(self.levels_of(rule)))

    def moves(self, rule: Rule) -> Formula:
        """Where a rule asks for a level above the present one."""
        below = [level for level in self.places(rule) if self.wanted(rule, level) is not None]
        return all_of((self.space.holds(rule), self.standing(self.codes[rule.name].track, below)))

    def is_free(self, level: EscalationLevel) -> bool:
        """Whether the absence of its owner never holds back a move to a level."""
        roles = {role for one in (level.owner, *level.alternates) for role in choices(one) if role is not None}
        return level.nobody == "wait" or not roles & set(self.policy.rotas)

    # ------------------------------------------------------------------------ witnesses

    def witness(self, rule: Rule, *parts: Formula) -> tuple[Case, datetime] | None:
        """The simplest case that was found on which a rule is at work, as the engine sees it."""
        try:
            domains = self.solve(self.space.holds(rule), *parts)
        except OutOfBudget:
            return None
        for case in stories(self.space, domains) if domains else ():
            for state in walk(self.program, case, _CROSSINGS):
                if rule.name in at_work(state):
                    return case, datetime_of(state.now)
        return None


_CROSSINGS = 8


def at_work(state: State) -> Iterator[str]:
    """The names of the rules that ask for something, or for a move that is held back."""
    for pending in state.moves:
        yield from pending.move.rules
    for held in blocked(state):
        yield from held.rules
    for action in state.actions:
        if action.source[0] == "rule":
            yield action.source[1]
