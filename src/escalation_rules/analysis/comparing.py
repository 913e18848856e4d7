"""Two policies side by side: which of two formulas holds in more cases, and cases on which they decide otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from escalation_rules.analysis.changes import Verdict, ordered
from escalation_rules.analysis.domains import Space
from escalation_rules.analysis.merging import merged
from escalation_rules.analysis.report import Witness
from escalation_rules.analysis.solver import Formula, OutOfBudget, Search, all_of
from escalation_rules.analysis.witnesses import stories, walk
from escalation_rules.case import Case
from escalation_rules.engine import decide, program_of
from escalation_rules.policy import Policy
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["Comparison"]


class Comparison:
    """Two policies, over one space where that is possible."""

    def __init__(self, old: Policy, new: Policy, budget: int) -> None:
        self.old, self.new, self.budget = old, new, budget
        self.both = merged(old, new)
        self.unfinished = False

    def compared(self, space: Space, before: Formula, after: Formula) -> Verdict:
        """Which of two formulas holds in more cases."""
        if before == after:
            return "equivalent"
        more = self.solution(space, after, space.negated(before)) is not None
        less = self.solution(space, before, space.negated(after)) is not None
        return ordered(not less, not more)

    def solution(self, space: Space, *parts: Formula) -> list[int] | None:
        """Cells in which all of these hold, taken to be somewhere when the budget runs out."""
        try:
            return Search(space.sizes, self.budget).solve(space.possible(all_of(parts)))
        except OutOfBudget:
            self.unfinished = True
            return [axis.full for axis in space.axes]

    def witness(self, space: Space, *formulas: Formula) -> Witness | None:
        """A case in the cells of the first formula that gives one, on which the two policies decide otherwise."""
        for formula in formulas:
            domains = self.solution(space, formula)
            for case in stories(space, domains) if domains is not None else ():
                found = self.seen(case)
                if found is not None:
                    return found
        return None

    def seen(self, case: Case) -> Witness | None:
        """The first instant of a case at which the two policies decide otherwise."""
        instants = sorted(
            {state.now for policy in (self.old, self.new) for state in walk(program_of(policy), case, _CROSSINGS)}
        )
        for instant in map(datetime_of, instants):
            if _answer(self.old, case, instant) != _answer(self.new, case, instant):
                return Witness(case=case, at=instant)
        return None


_CROSSINGS = 6


def _answer(policy: Policy, case: Case, at: datetime) -> tuple[Any, ...]:
    """What people see of a decision."""
    found = decide(policy, case, at=at)
    return (
        found.levels,
        tuple((move.to, move.due, move.owner) for move in found.moves),
        tuple((one.move.to, one.missing, one.against) for one in found.blocked),
        tuple(one.action for one in found.actions),
        tuple((one.target, one.due, one.outcome) for one in (*found.deadlines, *found.ended)),
        tuple((one.kind, one.what) for one in found.owed),
    )
