"""Checks by trying: cases left alone for ever, and climbs in one breath.

Each is found on a case that the engine has folded, or not at all: nothing found here says that there is nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from escalation_rules.analysis.report import Finding, finding
from escalation_rules.analysis.witnesses import Plot
from escalation_rules.analysis.workbench import Board, Seen
from escalation_rules.case import Case
from escalation_rules.engine import decide
from escalation_rules.levels import EscalationLevel
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["climbs", "gaps"]


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
    waiting: tuple[str, Case] | None = None
    others = False
    for text, plot in _starts(board, number, level):
        case = _left_alone(board, level, plot)
        if case is None:
            others = True
        elif waiting is None:
            waiting = text, case
            if _is_idle(board, number, level):
                message = f"a case on `{level.name}` can wait there for ever: no rule holds there and no target runs"
                yield _gap_at(level, message, case)
                return
        if waiting and others:
            message = (
                f"a case {waiting[0]} that is left alone on `{level.name}` waits there for ever: no target runs for it "
                "and no rule will come to hold, as they do for others there"
            )
            yield _gap_at(level, message, waiting[1])
            return


def _gap_at(level: EscalationLevel, message: str, case: Case) -> Finding:
    mend = "give it a target, some work, or a rule that holds when nothing happens"
    return finding("gap", f"levels[{level.key}]", message, mend, (case, case.opened_at))


def _starts(board: Board, number: int, level: EscalationLevel) -> Iterator[tuple[str, Plot]]:
    """Openings on a level that differ in what targets, durations and rules go by."""
    policy = board.policy
    here = (("level", level.key),) if number else ()
    ranked = [(("priority", name),) for name in policy.priorities]
    for name, priority in zip(policy.priorities, ranked, strict=True):
        yield f"of priority `{name}`", Plot((*priority, *here))
    if not ranked:
        yield "of no kind that is named", Plot(here)
    first = ranked[0] if ranked else ()
    for fact in policy.facts:
        for value in fact.values if fact.name in board.inside.looked_at else ():
            yield f"whose `{fact.name}` is `{value}`", Plot((*first, *here, ("facts", ((fact.name, value),))))


def _left_alone(board: Board, level: EscalationLevel, plot: Plot) -> Case | None:
    """The case of an opening, if nothing is asked or owed of it, now or ever, while nobody does anything."""
    course = next(board.told.of_plot(plot))
    decision = decide(board.policy, course.case, at=course.case.opened_at)
    if level.key not in decision.levels.values() or any(getattr(decision, name) for name in _ASKED):
        return None
    moved_later = any(stage.at_work or stage.moves for stage in course.stages(_CROSSINGS))
    return None if moved_later or decision.wake_at is not None else course.case


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
