"""Checks of redundancy: rules that the others cover, and rules that ask for what another asks already.

A cover is looked for by counterexamples: a cell of each axis in which a rule asks for something rules out every set of
other rules none of which does as much there, so that few sets need a search of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from escalation_rules.analysis.report import Finding, finding
from escalation_rules.analysis.solver import Formula, OutOfBudget, all_of, any_of, holds_at
from escalation_rules.analysis.workbench import Board
from escalation_rules.conditions import AnyOf
from escalation_rules.rules import NEXT, Rule

__all__ = ["duplicate_rules", "redundant_rules"]


def redundant_rules(board: Board, rules: Sequence[Rule]) -> Iterator[Finding]:
    """Rules that ask for nothing that the others do not ask for whenever they hold.

    Of two that say the same the later one is told.
    """
    left = list(rules)
    for rule in reversed(rules):
        if rule.then:
            continue
        covers = _cover(board, rule, [one for one in left if one is not rule])
        if covers:
            left = [one for one in left if one is not rule]
            names = " or ".join(f"`{one.name}`" for one in covers)
            yield finding(
                "redundant-rule",
                f"rules[{rule.name}]",
                f"whenever `{rule.name}` asks for {_wished(rule)}, {names} {'asks' if len(covers) == 1 else 'ask'} "
                "for that level or a higher one too, so it moves no case that nobody has taken down before",
                f"take it out, or let it hold where {names} {'does' if len(covers) == 1 else 'do'} not",
                board.witness(rule),
            )


def _wished(rule: Rule) -> str:
    return "the next level" if rule.to == NEXT else f"`{rule.to}`"


def _cover(board: Board, rule: Rule, others: Iterable[Rule]) -> list[Rule]:
    """The fewest of the others, or nearly so, that ask for as much wherever the rule does."""
    try:
        return _Cover(board, rule, others).found()
    except OutOfBudget:
        board.unfinished.append(f"rules[{rule.name}] is redundant")
        return []


class _Cover:
    """The search for rules that cover another, and the points that rule out some sets of them."""

    def __init__(self, board: Board, rule: Rule, others: Iterable[Rule]) -> None:
        self.board, self.rule = board, rule
        self.track = board.codes[rule.name].track
        reach = {one.name: _covered_levels(board, one, rule) for one in others}
        self.reach = {name: levels for name, levels in reach.items() if levels}
        self.able = [one for one in others if one.name in self.reach]
        self.points: list[list[int]] = []
        self._doing: dict[str, Formula] = {}

    def found(self) -> list[Rule]:
        """One rule that covers it alone, or else several of which none can be left out; nothing where none do."""
        if self._is_covered([]) or not self._is_done(self.able, self.points[0]):
            return []
        alone = next((one for one in self.able if self._is_covered([one])), None)
        return [alone] if alone else self._fewest(self._together())

    def _together(self) -> list[Rule]:
        """Rules that cover it together, chosen by what they do at one counterexample after the other."""
        chosen: list[Rule] = []
        while not self._is_covered(chosen):
            left = [point for point in self.points if not self._is_done(chosen, point)]
            if not all(self._is_done(self.able, point) for point in left):
                return []
            chosen.append(max(self.able, key=lambda one: sum(self._does(one, point) for point in left)))
        return chosen

    def _fewest(self, chosen: list[Rule]) -> list[Rule]:
        for one in list(chosen):
            rest = [other for other in chosen if other is not one]
            if self._is_covered(rest):
                chosen = rest
        return [one for one in self.able if one in chosen]

    def _is_covered(self, others: list[Rule]) -> bool:
        """Whether there is no point where the rule asks for a level and none of the others for as much."""
        if not all(self._is_done(others, point) for point in self.points):
            return False
        point = self.board.point(self.board.space.holds(self.rule), any_of(self._open_places(others)))
        if point is not None:
            self.points.append(point)
        return point is None

    def _open_places(self, others: list[Rule]) -> Iterator[Formula]:
        for level in self.board.wishes(self.rule):
            fails = [self.board.space.fails(one) for one in others if level in self.reach[one.name]]
            yield all_of((self.board.standing(self.track, [level]), *fails))

    def _is_done(self, others: list[Rule], point: list[int]) -> bool:
        """Whether at a point some of the others ask for as much as the rule."""
        return any(self._does(one, point) for one in others)

    def _does(self, one: Rule, point: list[int]) -> bool:
        """Whether at a point one of the others asks for as much as the rule."""
        if one.name not in self._doing:
            here = self.board.standing(self.track, self.reach[one.name])
            self._doing[one.name] = all_of((here, self.board.space.holds(one)))
        return holds_at(self._doing[one.name], point)


def _covered_levels(board: Board, other: Rule, rule: Rule) -> list[int]:
    """The levels from which the other rule, where it holds, takes a case as far as the rule does, and as freely."""
    if board.codes[other.name].track != board.codes[rule.name].track:
        return []
    if other.to == NEXT and not _as_fresh(board, other, rule):
        return []
    return [level for level in board.wishes(rule) if _covers(board, other, rule, level)]


def _covers(board: Board, other: Rule, rule: Rule, level: int) -> bool:
    mine, theirs = board.wanted(rule, level), board.wanted(other, level)
    if mine is None or theirs is None or theirs < mine:
        return False
    waived = other.checklist == "waived"
    if theirs == mine:
        return waived or rule.checklist != "waived"
    reached = board.levels_of(rule)[theirs]
    return (waived or reached.entry is None) and board.is_free(reached)


def _as_fresh(board: Board, other: Rule, rule: Rule) -> bool:
    """Whether the other rule has evidence as late as the rule's wherever both hold."""
    if rule.to != NEXT:
        return False
    mine, theirs = board.normal(rule), board.normal(other)
    return mine == theirs or (isinstance(theirs, AnyOf) and mine in theirs.of)


# ---------------------------------------------------------------------------- told twice


def duplicate_rules(board: Board) -> Iterator[Finding]:
    """Rules that hold just when another does and ask for the same actions: the same is asked twice."""
    told: dict[tuple[object, ...], list[Rule]] = {}
    for rule in board.policy.all_rules:
        if not rule.then:
            continue
        alike = told.setdefault((rule.at, rule.track, rule.calendar, board.normal(rule)), [])
        other = next((one for one in alike if _asks_no_more(rule, one)), None)
        if other is None:
            alike.append(rule)
            continue
        yield finding(
            "duplicate-rule",
            f"rules[{rule.name}].then",
            f"`{rule.name}` holds just when `{other.name}` does and asks for the same, so all of it is asked twice",
            "take one of the two out",
            board.witness(rule),
        )


def _asks_no_more(rule: Rule, other: Rule) -> bool:
    return (rule.to is None or rule.to == other.to) and set(rule.then) <= set(other.then)
