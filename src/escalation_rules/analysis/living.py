"""Checks by trying: cases left alone for ever, climbs in one breath, and rules that lower the outcome.

Each is found on a case that the engine has folded, or not at all: nothing found here says that there is nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from escalation_rules.analysis.board import Board
from escalation_rules.analysis.report import Finding, finding
from escalation_rules.analysis.search import Formula, OutOfBudget
from escalation_rules.analysis.stories import CASE, start_of, stories, walk
from escalation_rules.case import Case
from escalation_rules.conditions import atoms
from escalation_rules.engine import decide
from escalation_rules.engine.fold import fold
from escalation_rules.engine.machine import Program
from escalation_rules.levels import EscalationLevel
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["climbs", "gaps", "lowering_rules"]

Seen = tuple[Case, datetime]
_STEPS = 8

# ---------------------------------------------------------------------------- left alone for ever


def gaps(board: Board) -> Iterator[Finding]:
    """Levels on which a case can wait for ever: nothing is owed, nothing runs, and no rule is to come.

    Either whatever happens, or for some priorities or choices only, while others there have a target or a rule.
    """
    for track, levels in enumerate(board.program.levels):
        for number, level in enumerate(levels):
            if track == 0 and not level.external:
                yield from _gap(board, number, level)


def _gap(board: Board, number: int, level: EscalationLevel) -> Iterator[Finding]:
    left_alone = [(text, case) for text, case in _starts(board, number, level)]
    waiting = [(text, case) for text, case in left_alone if _is_left(board, case)]
    if not waiting:
        return
    text, case = waiting[0]
    if _is_idle(board, number, level):
        message = f"a case on `{level.name}` can wait there for ever: no rule holds there and no target runs"
    elif len(waiting) < len(left_alone):
        message = (
            f"a case {text} that is left alone on `{level.name}` waits there for ever: no target runs for it and no "
            "rule will come to hold, as they do for others there"
        )
    else:
        return
    mend = "give it a target, some work, or a rule that holds when nothing happens"
    yield finding("gap", f"levels[{level.key}]", message, mend, (case, case.opened_at))


def _starts(board: Board, number: int, level: EscalationLevel) -> Iterator[tuple[str, Case]]:
    """Cases on a level that differ in what targets and durations go by."""
    policy, key = board.policy, level.key if number else None
    names = policy.priorities or (None,)
    for priority in names:
        text = f"of priority `{priority}`" if priority else "of no kind that is named"
        yield text, Case(CASE, (start_of(policy, priority=priority, level=key),))
    for fact in policy.facts:
        for value in fact.values:
            text = f"whose `{fact.name}` is `{value}`"
            yield text, Case(CASE, (start_of(policy, priority=names[0], level=key, facts={fact.name: value}),))


def _is_left(board: Board, case: Case) -> bool:
    """Whether nothing is asked or owed of a case, now or ever, while nobody does anything."""
    decision = decide(board.policy, case, at=case.opened_at)
    asked = (decision.moves, decision.actions, decision.blocked, decision.deadlines, decision.owed)
    return not any(asked) and decision.wake_at is None


def _is_idle(board: Board, number: int, level: EscalationLevel) -> bool:
    """Whether on a level no rule can hold, whatever happens, and no target can start."""
    if any(_may_start(target) for target in (*board.policy.targets, *level.targets)):
        return False
    here, question = board.standing(0, [number]), f"levels[{level.key}] is a gap"
    return all(
        board.never(formula, here, question=question)
        for rule in board.policy.all_rules
        for formula in ([board.space.holds(rule)] if rule.then else [board.moves(rule)])
    )


def _may_start(target: Target) -> bool:
    """Whether a target may start before the end."""
    patterns = target.starts if isinstance(target.starts, tuple) else ()
    return not patterns or any(pattern.event not in {"Resolved", "Closed"} for pattern in patterns)


# ---------------------------------------------------------------------------- one breath


def climbs(board: Board, rules: Iterable[Rule]) -> Iterator[Finding]:
    """`next` rules that take a case up several levels at one instant."""
    for rule in rules:
        seen = _climb(board, rule) if rule.to == NEXT else None
        if seen is not None:
            yield finding(
                "climbs-in-one-breath",
                f"rules[{rule.name}]",
                f"`{rule.name}` takes a case up several levels at once: coming to a level makes happen what takes it "
                "to the next",
                "let it hold on what the move itself does not bring about",
                seen,
            )


def _climb(board: Board, rule: Rule) -> Seen | None:
    for case in _cases(board, board.moves(rule)):
        for state in walk(board.program, case, _STEPS):
            for one, other in pairwise(state.moves):
                same = (one.move.track, one.move.due) == (other.move.track, other.move.due)
                if same and all(rule.name in (each.move.rules) for each in (one, other)):
                    return case, datetime_of(state.now)
    return None


def _cases(board: Board, *formulas: Formula) -> Iterator[Case]:
    try:
        domains = board.solve(*formulas)
    except OutOfBudget:
        return
    if domains is not None:
        yield from stories(board.space, domains, tries=4)


# ---------------------------------------------------------------------------- rules that lower the outcome


def lowering_rules(board: Board, rules: list[Rule]) -> Iterator[Finding]:
    """Rules without which some case would be higher at some instant: an early move takes the ground from a later one.

    What is measured from entry to a level, or holds on some levels only, begins anew with every move.
    """
    tries = board.budget // _COST
    for rule in rules:
        others = [
            one for one in rules if one is not rule and _leans_on_the_stay(one) and _may_go_higher(board, one, rule)
        ]
        without = board.program.without(rule.name)
        for other in others:
            if tries <= 0:
                board.unfinished.append(f"rules[{rule.name}] lowers the outcome")
                break
            tries -= 1
            seen = _lower(board, without, rule, other)
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
                break


_COST = 500
"""What trying one pair of rules counts for, in steps."""
_OF_THE_STAY = {"at_level_for", "level_failed", "level", "happened"}


def _leans_on_the_stay(rule: Rule) -> bool:
    return bool(rule.at) or rule.to == NEXT or any(atom.fact in _OF_THE_STAY for atom in atoms(rule.when))


def _may_go_higher(board: Board, other: Rule, rule: Rule) -> bool:
    """Whether on their track a rule can take a case higher than the lowest level that another asks for."""
    if board.codes[other.name].track != board.codes[rule.name].track:
        return False
    high, low = ([board.wanted(one, level) for level in board.places(one)] for one in (other, rule))
    return max(level for level in high if level is not None) > min(level for level in low if level is not None)


def _lower(board: Board, without: Program, rule: Rule, other: Rule) -> tuple[str, Seen] | None:
    """A case, and an instant at which it is lower with the rule than without it, and what takes it higher."""
    track = board.codes[rule.name].track
    space = board.space
    both = (space.holds(rule), board.moves(other))
    for case in (*_cases(board, *both), *_cases(board, board.moves(other)), *_cases(board, board.moves(rule))):
        for state in walk(without, case, _STEPS):
            if state.level[track] > fold(board.program, case, state.now).level[track]:
                names = [name for one in state.moves if one.move.track == track for name in one.move.rules]
                return f"`{(names or [other.name])[-1]}`", (case, datetime_of(state.now))
    return None
