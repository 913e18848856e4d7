"""Checks of levels: those no rule leads to, and checklists that nobody can satisfy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from escalation_rules.analysis.report import Finding, finding
from escalation_rules.analysis.workbench import Board, Seen
from escalation_rules.checklists import Checklist
from escalation_rules.levels import EscalationLevel
from escalation_rules.rules import NEXT, Rule

__all__ = ["hopeless_checklists", "unreachable_levels"]


def unreachable_levels(board: Board, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Levels to which no rule takes a case from where cases start."""
    reached = _reached(board, list(rules))
    for track, levels in enumerate(board.program.levels):
        for number, level in enumerate(levels):
            if (track, number) not in reached:
                yield finding(
                    "unreachable-level",
                    f"levels[{level.key}]",
                    f"no rule ever takes a case to `{level.name}` from where cases start; only a person can put it "
                    "there by hand",
                    "let a rule name it, or take it out",
                )


def _reached(board: Board, rules: list[Rule]) -> set[tuple[int, int]]:
    """The places where cases start, and those to which rules lead from there, step by step."""
    reached = {(track, 0 if track == 0 and levels else -1) for track, levels in enumerate(board.program.levels)}
    grown = True
    while grown:
        fresh = {place for rule in rules for place in _led_to(board, rule, reached)} - reached
        reached |= fresh
        grown = bool(fresh)
    return reached


def _led_to(board: Board, rule: Rule, reached: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Where a rule takes cases that stand somewhere within reach; further up where the owner may be away."""
    track = board.codes[rule.name].track
    here = [
        board.standing(number, [level for one, level in reached if one == number]) for number in range(_tracks(board))
    ]
    for _, level in sorted(place for place in reached if place[0] == track):
        fresh = [(track, to) for to in _ends(board, rule, level) if (track, to) not in reached]
        question = f"rules[{rule.name}] leads on from there"
        if fresh and not board.never(board.space.holds(rule), board.standing(track, [level]), *here, question=question):
            yield from fresh


def _ends(board: Board, rule: Rule, level: int) -> Iterator[int]:
    """The levels on which a move by a rule may end: those above may be where somebody is, and ask their own lists."""
    to, levels = board.wanted(rule, level), board.levels_of(rule)
    if to is not None:
        if rule.checklist == "waived" or not hopeless(levels[to].entry):
            yield to
        yield from (above for above in _skipped_to(board, levels, to) if not hopeless(levels[above].entry))


def _tracks(board: Board) -> int:
    return len(board.program.levels)


def _skipped_to(board: Board, levels: tuple[EscalationLevel, ...], to: int) -> Iterator[int]:
    """The levels to which a case may go on while nobody is on duty."""
    while levels[to].nobody == "skip" and not board.is_free(levels[to]) and to + 1 < len(levels):
        to += 1
        yield to


def hopeless_checklists(board: Board) -> Iterator[Finding]:
    """Entry and exit checklists with an item to which every answer argues against."""
    for level in board.policy.all_levels:
        waived = [rule for rule in board.policy.all_rules if rule.to in {level.key, NEXT}]
        if hopeless(level.entry) and not any(rule.checklist == "waived" for rule in waived):
            yield finding(
                "entry-cannot-be-met",
                f"levels[{level.key}].entry",
                f"no case can be moved to `{level.name}`: every answer to {_items(level.entry)} argues against it",
                "let some answer speak for the move",
                _held_back(board, level),
            )
        if hopeless(level.exit):
            yield finding(
                "exit-cannot-be-met",
                f"levels[{level.key}].exit",
                f"no case can go down from `{level.name}`: every answer to {_items(level.exit)} argues against it",
                "let some answer speak for going down",
                _standing_there(board, level),
            )


def _held_back(board: Board, level: EscalationLevel) -> Seen | None:
    """A case that a rule wants on a level where it cannot go."""
    track, number = board.program.places[level.key]
    for rule in board.policy.all_rules:
        below = [one for one in board.places(rule) if board.wanted(rule, one) == number]
        if board.codes[rule.name].track == track and below:
            found = board.witness(rule, board.standing(track, below))
            if found is not None:
                return found
    return None


def _standing_there(board: Board, level: EscalationLevel) -> Seen | None:
    """A case on a level."""
    track, number = board.program.places[level.key]
    course = next(board.courses(board.standing(track, [number])), None)
    return None if course is None else (course.case, course.case.history[-1].at)


def hopeless(checklist: Checklist | None) -> bool:
    """Whether no answers satisfy a checklist."""
    return bool(_hopeless(checklist))


def _hopeless(checklist: Checklist | None) -> list[str]:
    items = checklist.items if checklist else ()
    return [item.key for item in items if item.answers and set(item.answers) <= set(item.against)]


def _items(checklist: Checklist | None) -> str:
    return " and ".join(f"`{key}`" for key in _hopeless(checklist))
