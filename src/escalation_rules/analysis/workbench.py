"""One policy under question: domains, solver, budget, witnesses; which rules want which level."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from escalation_rules._values import Value
from escalation_rules.analysis.domains import Space
from escalation_rules.analysis.solver import Formula, OutOfBudget, Solver, all_of, holds_at
from escalation_rules.analysis.witnesses import TRIES, Continuation, Continuations, Stage
from escalation_rules.case import Case
from escalation_rules.conditions import Atom, Condition, normal
from escalation_rules.levels import EscalationLevel
from escalation_rules.picks import alternatives, facts_of
from escalation_rules.policy import Policy
from escalation_rules.program.model import RuleCode, tree_holds
from escalation_rules.rules import Rule
from escalation_rules.worktime._timeline import datetime_of


class NamedParts:
    """What a policy is made of, down to texts and numbers: found when it is first asked for, and once."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    @cached_property
    def parts(self) -> list[Any]:
        """Every value, text and number that says what happens, and none that only declares a name."""
        policy = self._policy
        return _parts_of((policy.all_tracks, policy.rules, policy.targets, policy.calendar))

    @cached_property
    def looked_at(self) -> set[str]:
        """The facts that a comparison or a choice goes by."""
        compared = {one.fact for one in self.parts if isinstance(one, Atom)}
        return compared | {name for one in self.parts for name in facts_of(one)}


def _parts_of(given: Any) -> list[Any]:
    found: list[Any] = []
    pending = [given]
    while pending:
        one = pending.pop()
        if isinstance(one, tuple):
            pending += one
            continue
        if isinstance(one, dict):
            pending += one.values()
            continue
        found.append(one)
        if isinstance(one, Value):
            held = vars(one)
            pending += [held[name] for name in _selecting_fields(type(one))]
    return found


@cache
def _selecting_fields(kind: type[Value]) -> tuple[str, ...]:
    """The fields of a kind of value, but for those that only name it."""
    return tuple(name for name in kind.model_fields if name not in {"name", "key", "title", "text"})


BUDGET = 200_000
"""How many steps a question may take unless one says: about a tenth of a second of searching."""

CaseAt = tuple[Case, datetime]
"""A case, and an instant at which to look at it."""


class Workbench:
    """A policy with its space of cells and its rules, and a budget of steps for each question."""

    def __init__(self, policy: Policy, budget: int = BUDGET, space: Space | None = None) -> None:
        self.policy = policy
        self.space = space or Space(policy)
        self.machine, self.program = self.space.machine, self.space.program
        self.codes: dict[str, RuleCode] = {code.name: code for code in self.program.rules}
        self.budget = budget
        self.steps = 0
        self.unfinished: list[str] = []
        self.told = Continuations(self.space)
        self.inside = NamedParts(policy)
        self._solved: dict[tuple[Formula, ...], list[int] | OutOfBudget | None] = {}
        self._wished: dict[str, dict[int, int]] = {}
        self._moving: dict[str, Formula] = {}
        self._normal: dict[str, Condition] = {}

    # ------------------------------------------------------------------------ questions

    def solve(self, *parts: Formula) -> list[int] | None:
        """Cells in which all of these hold; what was asked before is not worked out again. Raises `OutOfBudget`."""
        if parts not in self._solved:
            self._solved[parts] = self._search(parts)
        found = self._solved[parts]
        if isinstance(found, OutOfBudget):
            raise found
        return found

    def _search(self, parts: tuple[Formula, ...]) -> list[int] | OutOfBudget | None:
        search = Solver(self.space.sizes, self.budget)
        try:
            return search.solve(self.space.possible(all_of(parts)))
        except OutOfBudget as spent:
            return spent
        finally:
            self.steps += min(search.steps, self.budget)

    def point(self, *parts: Formula) -> list[int] | None:
        """One cell of each axis, such that all of these hold and all the cells can go together.

        Raises `OutOfBudget`.
        """
        everywhere = self.space.everywhere
        found = self._search(parts)
        if isinstance(found, list) and everywhere is not True:
            lowest = _lowest(found)
            found = lowest if holds_at(everywhere, lowest) else self._search((*parts, everywhere))
        if isinstance(found, OutOfBudget):
            raise found
        return None if found is None else _lowest(found)

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
        return self.program.levels[self.codes[rule.key].track]

    def wanted(self, rule: Rule, level: int) -> int | None:
        """The level that a rule asks for on its track when a case stands on a level; None where it asks for none."""
        return self.wishes(rule).get(level)

    def wishes(self, rule: Rule) -> Mapping[int, int]:
        """The levels from which a rule takes a case higher on its track, each with where it takes it."""
        if rule.key not in self._wished:
            self._wished[rule.key] = dict(self._wishes(rule))
        return self._wished[rule.key]

    def _wishes(self, rule: Rule) -> Iterator[tuple[int, int]]:
        code, levels = self.codes[rule.key], len(self.levels_of(rule))
        for level in self.places(rule):
            wanted = level + 1 if code.is_next else code.to
            if wanted is not None and level < wanted < levels:
                yield level, wanted

    def standing(self, track: int, levels: Iterable[int]) -> Formula:
        """Where a case stands on one of these levels of a track."""
        return self.space.stands(track, levels)

    def places(self, rule: Rule) -> range:
        """The levels on which a case may stand on the track of a rule; -1 is nowhere."""
        track = self.codes[rule.key].track
        return range(0 if track == 0 and self.levels_of(rule) else -1, len(self.levels_of(rule)))

    def moves(self, rule: Rule) -> Formula:
        """Where a rule asks for a level above the present one."""
        if rule.key not in self._moving:
            below = self.standing(self.codes[rule.key].track, self.wishes(rule))
            self._moving[rule.key] = all_of((self.space.holds(rule), below))
        return self._moving[rule.key]

    def normal(self, rule: Rule) -> Condition:
        """The condition of a rule in negation normal form."""
        if rule.key not in self._normal:
            self._normal[rule.key] = normal(rule.when)
        return self._normal[rule.key]

    def is_free(self, level: EscalationLevel) -> bool:
        """Whether the absence of its owner never holds back a move to a level."""
        roles = {role for one in (level.owner, *level.alternates) for role in alternatives(one) if role is not None}
        return level.if_nobody == "proceed" or not roles & set(self.policy.rotas)

    # ------------------------------------------------------------------------ witnesses

    def found(self, *parts: Formula) -> list[int] | None:
        """Cells in which all of these hold; None also when the budget runs out."""
        try:
            return self.solve(*parts)
        except OutOfBudget:
            return None

    def courses(self, *parts: Formula, tries: int = TRIES) -> Iterator[Continuation]:
        """How cases go on that may come to where all of these hold; none when the budget runs out."""
        domains = self.found(*parts)
        if domains is not None:
            yield from self.told.of(domains, tries)

    def witness(self, rule: Rule, *parts: Formula) -> CaseAt | None:
        """The simplest case that was found on which a rule is at work, as the engine sees it."""
        return self._first(lambda stage: rule.key in stage.at_work, self.space.holds(rule), *parts)

    def holding(self, rule: Rule, *parts: Formula) -> CaseAt | None:
        """The simplest case that was found on which a rule holds, whether or not it asks for anything."""
        tree = self.codes[rule.key].tree
        return self._first(
            lambda stage: tree_holds(tree, lambda number: bool(stage.truth >> number & 1)),
            self.space.holds(rule),
            *parts,
        )

    def _first(self, test: Callable[[Stage], bool], *parts: Formula) -> CaseAt | None:
        for course in self.courses(*parts):
            for stage in course.stages(_CROSSINGS):
                if test(stage):
                    return course.case, datetime_of(stage.now)
        return None


_CROSSINGS = 8


def _lowest(domains: Sequence[int]) -> list[int]:
    """Of each mask the lowest cell."""
    return [mask & -mask for mask in domains]
