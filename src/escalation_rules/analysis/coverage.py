"""`coverage` and `edges`: what a set of cases exercises of a policy, and cases at the edge of every threshold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

from escalation_rules import events as E
from escalation_rules._arguments import read_cases
from escalation_rules._values import Instant, Value
from escalation_rules.analysis.domains import DURATION, Key, Space
from escalation_rules.analysis.solver import Formula, OutOfBudget
from escalation_rules.analysis.witnesses import at_work, stories, walk
from escalation_rules.analysis.workbench import BUDGET, Workbench
from escalation_rules.case import Case
from escalation_rules.conditions import AllOf, Atom, Condition, atoms, normal
from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import fold
from escalation_rules.engine.machine import Machine
from escalation_rules.engine.state import State
from escalation_rules.explain import phrase
from escalation_rules.policy import Policy
from escalation_rules.program.atoms import opposite
from escalation_rules.program.model import LONG_AGO, POSITION_BITS, Program, Tree, leaves, tree_holds
from escalation_rules.rules import Rule
from escalation_rules.worktime._timeline import datetime_of, microseconds_of


class RuleCoverage(Value):
    """In how many cases a rule asked for something, or for a move that was held back."""

    rule: str
    cases: int


class AtomCoverage(Value):
    """In how many cases a comparison of a rule came to hold, was found not to hold, and was unknown.

    It is told as it stands in normal form, where every "not" has moved into the comparisons.
    """

    rule: str
    text: str
    held: int
    failed: int
    unknown: int


class LevelCoverage(Value):
    """In how many cases a level was stood on."""

    level: str
    cases: int


class Coverage(Value):
    """What a number of cases exercised of a policy."""

    cases: int
    rules: tuple[RuleCoverage, ...]
    atoms: tuple[AtomCoverage, ...]
    levels: tuple[LevelCoverage, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """What no case exercised, in words; unknown facts are not asked for."""
        return (
            *(f"the rule `{one.rule}` never asked for anything" for one in self.rules if not one.cases),
            *(f"`{one.text}` of `{one.rule}` never held" for one in self.atoms if not one.held),
            *(f"`{one.text}` of `{one.rule}` never failed to hold" for one in self.atoms if not one.failed),
            *(f"no case was on `{one.level}`" for one in self.levels if not one.cases),
        )

    def __str__(self) -> str:
        parts = [
            (len([one for one in found if _is_hit(one)]), len(found)) for found in (self.rules, self.atoms, self.levels)
        ]
        names = ("rules", "comparisons both ways", "levels")
        head = ", ".join(f"{hit} of {of} {name}" for (hit, of), name in zip(parts, names, strict=True))
        return "\n".join([f"{self.cases} case{'s' * (self.cases != 1)}: {head}", *self.missing])


def _is_hit(one: RuleCoverage | AtomCoverage | LevelCoverage) -> bool:
    return bool(one.held and one.failed) if isinstance(one, AtomCoverage) else bool(one.cases)


class _Watcher(NamedTuple):
    """A comparison of a rule, under its number, and whether its opposite holds."""

    rule: str
    atom: Atom
    number: int
    fails: Callable[[State], bool]


def coverage(policy: Policy, cases: Iterable[Case | tuple[Case, datetime]]) -> Coverage:
    """What cases exercise of a policy: which rules, comparisons and levels.

    Each case is followed from its opening to its last event, or to the instant (an aware datetime) given with it, as
    `decide` would have it at every event and whenever time changes something. All three values count: what held, what
    did not, and what was unknown because a fact was missing. Raises `InvalidValue` for a naive datetime and for what
    is not a case.

    >>> from datetime import datetime, timezone
    >>> from escalation_rules import EscalationLevel, Policy, Rule, facts as F
    >>> policy = Policy(
    ...     name="desk", version="1",
    ...     levels=(EscalationLevel(key="first"), EscalationLevel(key="second")),
    ...     rules=(Rule(key="late", when=F.open_for >= "8 hours", to="second"),),
    ... )
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> case = Case.open("C-1", at=nine)
    >>> print(coverage(policy, [case]))
    1 case: 0 of 1 rules, 0 of 1 comparisons both ways, 1 of 2 levels
    the rule `late` never asked for anything
    `open for 8 hours` of `late` never held
    no case was on `second`
    >>> coverage(policy, [(case, nine.replace(hour=17))]).missing
    ()
    """
    machine = machine_of(policy)
    watched = list(_watched(policy, machine))
    rules, held, failed, unknown, levels = Counter[str](), *(Counter[int]() for _ in range(3)), Counter[str]()
    number = 0
    for case, until in read_cases(cases):
        number += 1
        seen = _Seen(machine.program, watched)
        for state in _states(machine, case, microseconds_of(until)):
            seen.look(state)
        for counter, found in ((rules, seen.rules), (levels, seen.levels)):
            counter.update(found)
        for counters, indices in ((held, seen.held), (failed, seen.failed), (unknown, seen.unknown)):
            counters.update(indices)
    return Coverage(
        cases=number,
        rules=tuple(RuleCoverage(rule=rule.key, cases=rules[rule.key]) for rule in policy.all_rules),
        atoms=tuple(
            AtomCoverage(
                rule=one.rule, text=phrase(one.atom), held=held[index], failed=failed[index], unknown=unknown[index]
            )
            for index, one in enumerate(watched)
        ),
        levels=tuple(LevelCoverage(level=level.key, cases=levels[level.key]) for level in policy.all_levels),
    )


class _Seen:
    """What one case has exercised so far."""

    def __init__(self, program: Program, watched: list[_Watcher]) -> None:
        self._program, self._watched = program, watched
        self.rules: set[str] = set()
        self.levels: set[str] = set()
        self.held: set[int] = set()
        self.failed: set[int] = set()
        self.unknown: set[int] = set()

    def look(self, state: State) -> None:
        """A comparison that came to hold and ceased to within one instant has held: its move took effect."""
        self.rules |= set(at_work(state))
        standing = [(track, level) for track, level in enumerate(state.levels.level) if level >= 0]
        standing += [(one.move.track, one.move.level) for one in state.asked.moves]
        self.levels |= {self._program.levels[track][level].key for track, level in standing}
        for index, one in enumerate(self._watched):
            holds, fails = bool(state.tests.truth >> one.number & 1), one.fails(state)
            if state.tests.since[one.number] != LONG_AGO:
                self.held.add(index)
            if fails:
                self.failed.add(index)
            if not holds and not fails:
                self.unknown.add(index)


def _watched(policy: Policy, machine: Machine) -> Iterator[_Watcher]:
    trees = {code.name: code.own_tree for code in machine.program.rules}
    for rule in policy.all_rules:
        for atom, number in zip(atoms(normal(rule.when)), leaves(trees[rule.key]), strict=True):
            yield _Watcher(rule.key, atom, number, _failing(machine, number))


def _failing(machine: Machine, number: int) -> Callable[[State], bool]:
    """Whether the opposite of a comparison holds. What happened is always known."""
    return machine.reader(opposite(machine.program.tests[number]))[0]


_CROSSINGS = 50


def _states(machine: Machine, case: Case, until: int) -> Iterator[State]:
    """The state at each event up to an instant, and whenever time changes something in between."""
    history: list[E.Event] = []
    groups = [list(found) for _, found in groupby(case.history, key=lambda event: event.instant)]
    ends = [*(found[0].instant - 1 for found in groups[1:]), until]
    for found, end in zip(groups, ends, strict=True):
        if found[0].instant > until:
            return
        history += found
        known = Case.model_construct(id=case.id, history=tuple(history), attributes=case.attributes)
        for state in walk(machine, known, _CROSSINGS):
            if state.now > min(end, until):
                break
            yield state


# ---------------------------------------------------------------------------- edges
class Edge(Value):
    """A case at the edge of a threshold of a rule, and whether the rule asks for something there: `asks`."""

    rule: str
    text: str
    case: Case
    at: Instant
    asks: bool


def edges(policy: Policy, *, budget: int = BUDGET) -> tuple[Edge, ...]:
    """Cases at the edge of the thresholds of every rule: just past each, where the rule asks, and just short of it.

    A corpus to keep beside a policy, and to look through: is this what was meant? Each was decided by the engine.
    Thresholds for which no case was found in so many steps of a `budget` have none. Just short of a duration is a
    microsecond before it.

    >>> from escalation_rules import EscalationLevel, Policy, Rule, facts as F
    >>> policy = Policy(
    ...     name="desk", version="1",
    ...     levels=(EscalationLevel(key="first"), EscalationLevel(key="second")),
    ...     rules=(Rule(key="late", when=(F.open_for >= "8 hours") & (F.replies < 2), to="second"),),
    ... )
    >>> for edge in edges(policy):
    ...     print(edge.text, edge.at.time(), len(edge.case.history), "asks" if edge.asks else "is silent")
    open for 8 hours 16:59:59.999999 1 is silent
    open for 8 hours 17:00:00 1 asks
    replies: fewer than 2 17:00:00 2 asks
    replies: fewer than 2 17:00:00 3 is silent
    """
    board = Workbench(policy, budget, Space(policy, breaks=_one_less(policy)))
    found = (edge for rule in policy.all_rules for edge in _edges(board, rule))
    return tuple(dict.fromkeys(found))


def _edges(board: Workbench, rule: Rule) -> Iterator[Edge]:
    code, condition = board.codes[rule.key], normal(rule.when)
    members = condition.of if isinstance(condition, AllOf) else (condition,)
    trees = (
        code.own_tree[1] if isinstance(condition, AllOf) and not isinstance(code.own_tree, int) else (code.own_tree,)
    )
    for index, (member, tree) in enumerate(zip(members, trees, strict=True)):
        rest = [_formula(board, rule, one) for one in members if one is not member]
        others = [one for number, one in enumerate(trees) if number != index]
        for atom, number in zip(atoms(member), leaves(tree), strict=True):
            if atom.kind in {"duration", "share", "outcome"}:
                yield from _in_time(board, rule, atom, number)
            else:
                yield from _in_steps(board, rule, atom, rest, others)


def _formula(board: Workbench, rule: Rule, condition: Condition) -> Formula:
    """The formula of a part of a rule's condition."""
    return board.space.formula(condition, board.space.place(rule))


def _in_time(board: Workbench, rule: Rule, atom: Atom, number: int) -> Iterator[Edge]:
    """The instant at which a duration makes a rule ask, and the microsecond before."""
    for case in _tried(board, board.space.holds(rule), _formula(board, rule, atom)):
        for state in walk(board.machine, case, _CROSSINGS_OF_EDGES):
            if (
                rule.key in at_work(state)
                and state.tests.since[number] >> POSITION_BITS == state.now > case.history[-1].instant
            ):
                at, text = datetime_of(state.now), phrase(atom)
                earlier = fold(board.machine, case, state.now - 1)
                if rule.key not in at_work(earlier):
                    yield Edge(rule=rule.key, text=text, case=case, at=at - _MICROSECOND, asks=False)
                    yield Edge(rule=rule.key, text=text, case=case, at=at, asks=True)
                    return


_MICROSECOND = timedelta(microseconds=1)
_CROSSINGS_OF_EDGES = 8


def _in_steps(board: Workbench, rule: Rule, atom: Atom, rest: list[Formula], others: Sequence[Tree]) -> Iterator[Edge]:
    """The last value with which a rule asks, and the next, with which it does not although all else holds."""
    literal = _formula(board, rule, atom)
    if isinstance(literal, bool) or not isinstance(literal[0], int):
        return
    axis, mask = literal
    cells = board.space.axes[axis].cells
    for one, other in _neighbours(mask, cells):
        for case in _tried(board, board.space.holds(rule), (axis, 1 << one)):
            found = _first(board, case, lambda state: rule.key in at_work(state))
            if found is not None:
                yield Edge(rule=rule.key, text=phrase(atom), case=case, at=found, asks=True)
                break
        short = (board.space.live, board.space.at(rule), *rest, (axis, 1 << other), board.space.fails(rule))
        for case in _tried(board, *short):
            found = _first(board, case, lambda state: _misses(state, rule, others))
            if found is not None:
                yield Edge(rule=rule.key, text=phrase(atom), case=case, at=found, asks=False)
                break


def _misses(state: State, rule: Rule, others: Sequence[Tree]) -> bool:
    """Whether a rule does not ask for anything although all else that it needs holds."""
    holds = all(tree_holds(tree, lambda number: bool(state.tests.truth >> number & 1)) for tree in others)
    return holds and rule.key not in at_work(state)


def _neighbours(mask: int, cells: Sequence[object]) -> Iterator[tuple[int, int]]:
    """Cells side by side, the first inside the mask and the second outside, both known."""
    known = [number for number, cell in enumerate(cells) if cell is not None]
    for one, other in pairwise(known):
        if mask >> one & 1 != mask >> other & 1:
            yield (one, other) if mask >> one & 1 else (other, one)


def _tried(board: Workbench, *formulas: Formula) -> Iterator[Case]:
    try:
        domains = board.solve(*formulas)
    except OutOfBudget:
        return
    if domains is not None:
        yield from stories(board.space, domains)


def _first(board: Workbench, case: Case, test: Callable[[State], bool]) -> datetime | None:
    """The first instant at which a case passes a test."""
    for state in walk(board.machine, case, _CROSSINGS_OF_EDGES):
        if test(state):
            return datetime_of(state.now)
    return None


def _one_less(policy: Policy) -> dict[Key, list[int]]:
    """What stands just below each number that a count is compared with."""
    numbers = ((axis.key, cell) for axis in Space(policy).axes for cell in axis.cells if axis.key[0] != DURATION)
    found: dict[Key, list[int]] = {}
    for key, cell in numbers:
        if isinstance(cell, int) and not isinstance(cell, bool) and cell > 0:
            found.setdefault(key, []).append(cell - 1)
    return found
