"""Checks by trying: cases left alone for ever, and climbs in one breath.

Each is found on a case that the engine has folded, or not at all: nothing found here says that there is nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from escalation_rules import events as E
from escalation_rules.analysis.board import Board
from escalation_rules.analysis.report import Finding, finding
from escalation_rules.analysis.stories import CASE
from escalation_rules.case import Case
from escalation_rules.engine import decide
from escalation_rules.levels import EscalationLevel
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["climbs", "gaps"]

Seen = tuple[Case, datetime]

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
    waiting: list[tuple[str, Case]] = []
    others = False
    for text, case in _starts(board, number, level):
        if _is_left(board, case, level):
            waiting.append((text, case))
        else:
            others = True
        if waiting and others:
            break
    if waiting and (others or _is_idle(board, number, level)):
        text, case = waiting[0]
        message = (
            f"a case {text} that is left alone on `{level.name}` waits there for ever: no target runs for it and no "
            "rule will come to hold, as they do for others there"
            if others
            else f"a case on `{level.name}` can wait there for ever: no rule holds there and no target runs"
        )
        mend = "give it a target, some work, or a rule that holds when nothing happens"
        yield finding("gap", f"levels[{level.key}]", message, mend, (case, case.opened_at))


def _starts(board: Board, number: int, level: EscalationLevel) -> Iterator[tuple[str, Case]]:
    """Cases on a level that differ in what targets, durations and rules go by."""
    policy, key = board.policy, level.key if number else None

    def opened(**fields: Any) -> Case:
        return Case(CASE, (E.Opened(at=board.space.start, level=key, **fields),))

    names = policy.priorities or (None,)
    for priority in names:
        yield f"of priority `{priority}`" if priority else "of no kind that is named", opened(priority=priority)
    for fact in policy.facts:
        for value in fact.values if fact.name in board.inside.looked_at else ():
            yield f"whose `{fact.name}` is `{value}`", opened(priority=names[0], facts={fact.name: value})


def _is_left(board: Board, case: Case, level: EscalationLevel) -> bool:
    """Whether nothing is asked or owed of a case, now or ever, while nobody does anything."""
    decision = decide(board.policy, case, at=case.opened_at)
    if level.key not in decision.levels.values():
        return False
    return not any(getattr(decision, name) for name in _ASKED) and decision.wake_at is None


_ASKED = ("deadlines", "actions", "moves", "blocked", "owed")


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
    for course in board.courses(board.moves(rule), tries=_TRIES):
        for stage in course.stages(_CROSSINGS):
            for one, other in pairwise(stage.moves):
                same = (one.move.track, one.move.due) == (other.move.track, other.move.due)
                if same and all(rule.name in each.move.rules for each in (one, other)):
                    return course.case, datetime_of(stage.now)
    return None


_CROSSINGS = 8
_TRIES = 4
