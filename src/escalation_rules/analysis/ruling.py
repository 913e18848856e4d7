"""Checks of rules: dead, redundant, told twice, without evidence, climbing in one breath, lowering the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from escalation_rules.analysis.board import Board
from escalation_rules.analysis.report import Finding, finding
from escalation_rules.analysis.search import Formula, all_of, any_of
from escalation_rules.conditions import AllOf, AnyOf, Atom, atoms, normal
from escalation_rules.rules import NEXT, Rule
from escalation_rules.wording import say

__all__ = ["alive", "dead_rules", "duplicate_rules", "redundant_rules", "without_evidence"]


def dead_rules(board: Board) -> Iterator[Finding]:
    """Rules that hold in no case, and rules whose move can never be made."""
    for rule in board.policy.all_rules:
        path = f"rules[{rule.name}]"
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
    space, condition = board.space, normal(rule.when)
    members = condition.of if isinstance(condition, AllOf) else (condition,)
    named: list[tuple[str, Formula]] = [("status open or waiting", space.live)]
    named += [(f"level {' or '.join(rule.at)}", space.at(rule))] if rule.at else []
    named += [(f"`{say(one)}`", space.formula(one, space.place(rule))) for one in members]
    for one in list(named):
        rest = [other for other in named if other is not one]
        if board.never(*(formula for _, formula in rest), question=f"rules[{rule.name}]: why it is dead"):
            named = rest
    return [text for text, _ in named]


# ---------------------------------------------------------------------------- redundant


def redundant_rules(board: Board, rules: Sequence[Rule]) -> Iterator[Finding]:
    """Rules that ask for nothing that the others do not ask for whenever they hold.

    Of two that say the same the later one is told.
    """
    left = list(rules)
    for rule in reversed(rules):
        if rule.then:
            continue
        others = [one for one in left if one is not rule]
        covers = _cover(board, rule, others)
        if covers:
            left.remove(rule)
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
    able = [one for one in others if any(_covers(board, one, rule, level) for level in board.places(rule))]
    if not able or not _covered(board, rule, able):
        return []
    for one in able:
        if _covered(board, rule, [one]):
            return [one]
    for one in list(able):
        rest = [other for other in able if other is not one]
        if _covered(board, rule, rest):
            able = rest
    return able


def _covered(board: Board, rule: Rule, others: Iterable[Rule]) -> bool:
    """Whether there is no case in which the rule asks for a level and none of the others for as much."""
    space, track = board.space, board.codes[rule.name].track
    open_places = []
    for level in board.places(rule):
        if board.wanted(rule, level) is not None:
            none_covers = [space.fails(one) for one in others if _covers(board, one, rule, level)]
            open_places.append(all_of((board.standing(track, [level]), *none_covers)))
    return board.never(space.holds(rule), any_of(open_places), question=f"rules[{rule.name}] is redundant")


def _covers(board: Board, other: Rule, rule: Rule, level: int) -> bool:
    """Whether from a level the other rule, where it holds, takes a case as far as the rule does, and as freely."""
    mine, theirs = board.wanted(rule, level), board.wanted(other, level)
    if mine is None or theirs is None or theirs < mine or board.codes[other.name].track != board.codes[rule.name].track:
        return False
    if other.to == NEXT and not _as_fresh(other, rule):
        return False
    waived = other.checklist == "waived"
    if theirs == mine:
        return waived or rule.checklist != "waived"
    reached = board.levels_of(rule)[theirs]
    return (waived or reached.entry is None) and board.is_free(reached)


def _as_fresh(other: Rule, rule: Rule) -> bool:
    """Whether the other rule has evidence as late as the rule's wherever both hold."""
    mine, theirs = normal(rule.when), normal(other.when)
    return rule.to == NEXT and (mine == theirs or (isinstance(theirs, AnyOf) and mine in theirs.of))


def duplicate_rules(board: Board) -> Iterator[Finding]:
    """Rules that hold just when another does and ask for the same actions: the same is asked twice."""
    told: list[Rule] = []
    for rule in board.policy.all_rules:
        for other in told:
            if _says_the_same(rule, other):
                yield finding(
                    "duplicate-rule",
                    f"rules[{rule.name}].then",
                    f"`{rule.name}` holds just when `{other.name}` does and asks for the same, so all of it is asked "
                    "twice",
                    "take one of the two out",
                    board.witness(rule),
                )
                break
        else:
            told.append(rule)


def _says_the_same(rule: Rule, other: Rule) -> bool:
    same_place = (rule.at, rule.track, rule.calendar) == (other.at, other.track, other.calendar)
    goes_alike = rule.to is None or rule.to == other.to
    asks_alike = bool(rule.then) and set(rule.then) <= set(other.then)
    return same_place and goes_alike and asks_alike and normal(rule.when) == normal(other.when)


# ---------------------------------------------------------------------------- evidence


def without_evidence(board: Board, rules: Iterable[Rule]) -> Iterator[Finding]:
    """`next` rules that nothing can make hold later than the case came to its level."""
    for rule in rules:
        if rule.to == NEXT and not any(_may_be_evidence(board, rule, one) for one in atoms(normal(rule.when))):
            yield finding(
                "next-without-evidence",
                f"rules[{rule.name}].when",
                f"`{rule.name}` goes to the next level, but `{say(rule.when)}` is settled when a case comes to a "
                "level: nothing that happens later can make it hold, so it never moves a case",
                "name the level to go to, or add what must happen, such as a request or a time on the level",
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
