"""Checks of rules by themselves: those that never hold or never move a case, and those that nothing can set off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from escalation_rules.analysis.report import Finding, finding
from escalation_rules.analysis.solver import Formula
from escalation_rules.analysis.workbench import Board
from escalation_rules.conditions import AllOf, Atom, atoms
from escalation_rules.explain import say
from escalation_rules.rules import NEXT, Rule

__all__ = ["alive", "dead_rules", "without_evidence"]


def dead_rules(board: Board) -> Iterator[Finding]:
    """Rules that hold in no case, and rules whose move can never be made."""
    for rule in board.policy.all_rules:
        path = f"rules[{rule.name}]"
        if rule.to is not None and board.found(board.moves(rule)) is not None:
            continue  # what is known to move some case is not dead either
        if board.never(board.space.holds(rule), question=f"{path} is dead"):
            why = " together with ".join(_core(board, rule))
            yield finding(
                "dead-rule",
                f"{path}.when",
                f"the rule `{rule.name}` can never hold: no case has {why}",
                "take it out, or mend the comparison that rules the others out",
            )
        elif rule.to is not None and board.never(board.moves(rule), question=f"{path} never moves a case"):
            yield finding(
                "dead-rule" if not rule.then else "move-never-made",
                f"{path}.to",
                f"the rule `{rule.name}` never moves a case: wherever it holds, the case is already on "
                f"{_asked(rule)} or above",
                "name a higher level, or let the rule hold on lower ones",
                board.holding(rule),
            )


def alive(board: Board) -> list[Rule]:
    """The rules that may move a case."""
    return [
        rule
        for rule in board.policy.all_rules
        if rule.to is not None and not board.never(board.moves(rule), question=f"rules[{rule.name}] never moves a case")
    ]


def _asked(rule: Rule) -> str:
    return "the highest level" if rule.to == NEXT else f"`{rule.to}`"


def _core(board: Board, rule: Rule) -> list[str]:
    """What in a dead rule cannot be together: none of these can be left out."""
    space, condition = board.space, board.normal(rule)
    members = condition.of if isinstance(condition, AllOf) else (condition,)
    named: list[tuple[str, Formula]] = [("status open or waiting", space.live)]
    named += [(f"level {' or '.join(rule.at)}", space.at(rule))] if rule.at else []
    named += [(f"`{say(one)}`", space.formula(one, space.place(rule))) for one in members]
    for one in list(named):
        rest = [other for other in named if other is not one]
        if board.never(*(formula for _, formula in rest), question=f"rules[{rule.name}]: why it is dead"):
            named = rest
    return [text for text, _ in named]


# ---------------------------------------------------------------------------- evidence


def without_evidence(board: Board, rules: Iterable[Rule]) -> Iterator[Finding]:
    """`next` rules that nothing can make hold later than the case came to its level."""
    for rule in rules:
        if rule.to == NEXT and not any(_may_be_evidence(board, rule, one) for one in atoms(board.normal(rule))):
            yield finding(
                "next-without-evidence",
                f"rules[{rule.name}].when",
                f"`{rule.name}` goes to the next level, but `{say(rule.when)}` is settled when a case comes to a "
                "level: nothing that happens later can make it hold, so it never moves a case",
                "name the level to go to, or add what must happen, such as a request or a time on the level",
                board.holding(rule, board.moves(rule)),
            )


def _may_be_evidence(board: Board, rule: Rule, atom: Atom) -> bool:
    """Whether a comparison can come to hold after the case came to its present level."""
    code = board.codes[rule.name]
    track = board.program.tracks[code.track].key
    if atom.fact in {"level", "channel"} or board.space.formula(atom, board.space.place(rule)) in (True, False):
        return False
    if atom.fact == "moves":
        return not (atom.of == track or len(board.program.tracks) == 1)
    if atom.fact == "level_failed" and atom.of in {None, track}:
        return bool((atom.op == "==") == atom.value)
    return True
