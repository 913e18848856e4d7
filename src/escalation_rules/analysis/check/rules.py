"""Checks of rules: dead, redundant or duplicate ones, those without evidence, those that lower the outcome."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime

from escalation_rules.actions import Assign, RaisePriority
from escalation_rules.analysis.report import CheckFinding, finding
from escalation_rules.analysis.solver import Formula, OutOfBudget, all_of, any_of, holds_at
from escalation_rules.analysis.witnesses import MINUTE, Continuation, history_at, walk
from escalation_rules.analysis.workbench import Workbench
from escalation_rules.case import Case
from escalation_rules.conditions import AllOf, AnyOf, Atom, atoms
from escalation_rules.engine.machine import Machine
from escalation_rules.engine.state import Pending
from escalation_rules.explain import phrase
from escalation_rules.rules import NEXT, Rule
from escalation_rules.worktime._timeline import datetime_of


def dead_rules(board: Workbench) -> Iterator[CheckFinding]:
    """Rules that hold in no case, and rules whose move can never be made."""
    for rule in board.policy.all_rules:
        path = f"rules[{rule.key}]"
        if rule.to is not None and board.found(board.moves(rule)) is not None:
            continue  # what is known to move some case is not dead either
        if board.never(board.space.holds(rule), question=f"{path} is dead"):
            why = " together with ".join(_core(board, rule))
            yield finding(
                "dead-rule",
                f"{path}.when",
                f"the rule `{rule.key}` can never hold: no case has {why}",
                "take it out, or mend the comparison that rules the others out",
            )
        elif rule.to is not None and board.never(board.moves(rule), question=f"{path} never moves a case"):
            yield finding(
                "dead-rule" if not rule.then else "move-never-made",
                f"{path}.to",
                f"the rule `{rule.key}` never moves a case: wherever it holds, the case is already on "
                f"{_asked(rule)} or above",
                "name a higher level, or let the rule hold on lower ones",
                board.holding(rule),
            )


def alive(board: Workbench) -> list[Rule]:
    """The rules that may move a case."""
    return [
        rule
        for rule in board.policy.all_rules
        if rule.to is not None and not board.never(board.moves(rule), question=f"rules[{rule.key}] never moves a case")
    ]


def _asked(rule: Rule) -> str:
    return "the highest level" if rule.to == NEXT else f"`{rule.to}`"


def _core(board: Workbench, rule: Rule) -> list[str]:
    """What in a dead rule cannot be together: none of these can be left out."""
    space, condition = board.space, board.normal(rule)
    members = condition.of if isinstance(condition, AllOf) else (condition,)
    named: list[tuple[str, Formula]] = [("status open or waiting", space.live)]
    named += [(f"level {' or '.join(rule.at_level)}", space.at(rule))] if rule.at_level else []
    named += [(f"`{phrase(one)}`", space.formula(one, space.place(rule))) for one in members]
    for one in list(named):
        rest = [other for other in named if other is not one]
        if board.never(*(formula for _, formula in rest), question=f"rules[{rule.key}]: why it is dead"):
            named = rest
    return [text for text, _ in named]


# ---------------------------------------------------------------------------- evidence
# rule 22: a `next` rule that can have no evidence
def without_evidence(board: Workbench, rules: Iterable[Rule]) -> Iterator[CheckFinding]:
    """`next` rules that nothing can make hold later than the case came to its level."""
    for rule in rules:
        if rule.to == NEXT and not any(_may_be_evidence(board, rule, one) for one in atoms(board.normal(rule))):
            yield finding(
                "next-without-evidence",
                f"rules[{rule.key}].when",
                f"`{rule.key}` goes to the next level, but `{phrase(rule.when)}` is settled when a case comes to a "
                "level: nothing that happens later can make it hold, so it never moves a case",
                "name the level to go to, or add what must happen, such as a request or a time on the level",
                board.holding(rule, board.moves(rule)),
            )


def _may_be_evidence(board: Workbench, rule: Rule, atom: Atom) -> bool:
    """Whether a comparison can come to hold after the case came to its present level."""
    code = board.codes[rule.key]
    track = board.program.tracks[code.track].key
    if atom.fact in {"level", "channel"} or board.space.formula(atom, board.space.place(rule)) in (True, False):
        return False
    if atom.fact == "moves":
        return not (atom.of == track or len(board.program.tracks) == 1)
    if atom.fact == "level_failed" and atom.of in {None, track}:
        return bool((atom.op == "==") == atom.value)
    return True


# A cover is searched for by counterexamples: a cell of each axis in which a rule asks for something rules out every set
# of other rules none of which does as much there, so that few sets need a search of their own.


def redundant_rules(board: Workbench, rules: Sequence[Rule]) -> Iterator[CheckFinding]:
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
            names = " or ".join(f"`{one.key}`" for one in covers)
            yield finding(
                "redundant-rule",
                f"rules[{rule.key}]",
                f"whenever `{rule.key}` asks for {_wished(rule)}, {names} {'asks' if len(covers) == 1 else 'ask'} "
                "for that level or a higher one too, so it moves no case that nobody has taken down before",
                f"take it out, or let it hold where {names} {'does' if len(covers) == 1 else 'do'} not",
                board.witness(rule),
            )


def _wished(rule: Rule) -> str:
    return "the next level" if rule.to == NEXT else f"`{rule.to}`"


def _cover(board: Workbench, rule: Rule, others: Iterable[Rule]) -> list[Rule]:
    """The fewest of the others, or nearly so, that ask for as much wherever the rule does."""
    try:
        return _Cover(board, rule, others).found()
    except OutOfBudget:
        board.unfinished.append(f"rules[{rule.key}] is redundant")
        return []


class _Cover:
    """The search for rules that cover another, and the points that rule out some sets of them."""

    def __init__(self, board: Workbench, rule: Rule, others: Iterable[Rule]) -> None:
        self.board, self.rule = board, rule
        self.track = board.codes[rule.key].track
        reach = {one.key: _covered_levels(board, one, rule) for one in others}
        self.reach = {name: levels for name, levels in reach.items() if levels}
        self.able = [one for one in others if one.key in self.reach]
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
            fails = [self.board.space.fails(one) for one in others if level in self.reach[one.key]]
            yield all_of((self.board.standing(self.track, [level]), *fails))

    def _is_done(self, others: list[Rule], point: list[int]) -> bool:
        """Whether at a point some of the others ask for as much as the rule."""
        return any(self._does(one, point) for one in others)

    def _does(self, one: Rule, point: list[int]) -> bool:
        """Whether at a point one of the others asks for as much as the rule."""
        if one.key not in self._doing:
            here = self.board.standing(self.track, self.reach[one.key])
            self._doing[one.key] = all_of((here, self.board.space.holds(one)))
        return holds_at(self._doing[one.key], point)


def _covered_levels(board: Workbench, other: Rule, rule: Rule) -> list[int]:
    """The levels from which the other rule, where it holds, takes a case as far as the rule does, and as freely."""
    if board.codes[other.key].track != board.codes[rule.key].track:
        return []
    if other.to == NEXT and not _as_fresh(board, other, rule):
        return []
    return [level for level in board.wishes(rule) if _covers(board, other, rule, level)]


def _covers(board: Workbench, other: Rule, rule: Rule, level: int) -> bool:
    mine, theirs = board.wanted(rule, level), board.wanted(other, level)
    if mine is None or theirs is None or theirs < mine:
        return False
    waived = other.checklist == "waived"
    if theirs == mine:
        return waived or rule.checklist != "waived"
    reached = board.levels_of(rule)[theirs]
    return (waived or reached.entry is None) and board.is_free(reached)


def _as_fresh(board: Workbench, other: Rule, rule: Rule) -> bool:
    """Whether the other rule has evidence as late as the rule's wherever both hold."""
    if rule.to != NEXT:
        return False
    mine, theirs = board.normal(rule), board.normal(other)
    return mine == theirs or (isinstance(theirs, AnyOf) and mine in theirs.of)


# ---------------------------------------------------------------------------- told twice
def duplicate_rules(board: Workbench) -> Iterator[CheckFinding]:
    """Rules that hold just when another does and ask for the same actions: the same is asked twice."""
    told: dict[tuple[object, ...], list[Rule]] = {}
    for rule in board.policy.all_rules:
        if not rule.then:
            continue
        alike = told.setdefault((rule.at_level, rule.track, rule.calendar, board.normal(rule)), [])
        other = next((one for one in alike if _asks_no_more(rule, one)), None)
        if other is None:
            alike.append(rule)
            continue
        yield finding(
            "duplicate-rule",
            f"rules[{rule.key}].then",
            f"`{rule.key}` holds just when `{other.key}` does and asks for the same, so all of it is asked twice",
            "take one of the two out",
            board.witness(rule),
        )


def _asks_no_more(rule: Rule, other: Rule) -> bool:
    return (rule.to is None or rule.to == other.to) and set(rule.then) <= set(other.then)


# An early move can prevent a later one (rule 21), because every move restarts the durations that are measured from
# entry to a level, and ends the comparisons that hold on some levels only. A finding is a case that the engine has
# folded with the rule and without it; there is no finding without such a case.

PlotAt = tuple[str, tuple[Case, datetime]]
"""What takes the case higher, and the case with the instant."""
Plotted = tuple[Hashable, list[int]]
"""Cells, after the key of the stories that are told of them."""


# rule 21: over time an earlier, lower move can prevent a higher one
def lowering_rules(board: Workbench, rules: list[Rule]) -> Iterator[CheckFinding]:
    """Rules without which some case would be higher at some instant, each with such a case."""
    search = _Search(board, rules)
    for rule in rules:
        try:
            seen = search.seen(rule)
        except OutOfBudget:
            board.unfinished.append(f"rules[{rule.key}] lowers the outcome")
            continue
        if seen is not None:
            names, witness = seen
            yield finding(
                "lowers-the-outcome",
                f"rules[{rule.key}]",
                f"with the rule `{rule.key}` a case ends up lower than without it: it moves the case early, and "
                f"{names}, which would have taken it higher, then no longer holds",
                f"let {names} hold on the levels in between as well, and count from the opening",
                witness,
            )


class _Search:
    """The cases that may show it, each folded once with all rules, and again without a rule that alone moves it."""

    def __init__(self, board: Workbench, rules: list[Rule]) -> None:
        self.board = board
        self.left = board.budget
        self.leaning = [rule for rule in rules if rule.at_level or _is_of_the_stay(rule)]
        self._own: dict[str, Plotted | None] = {}

    def seen(self, rule: Rule) -> PlotAt | None:
        """A case that is lower with the rule than without it. Raises `OutOfBudget`."""
        tried: set[Hashable] = set()
        without: Machine | None = None
        for other in self.leaning:
            for key, domains in self._suggested(rule, other):
                if key in tried:
                    continue
                tried.add(key)
                for course in self._courses(rule, other, domains):
                    if self._matters(rule, course):
                        without = without or Machine(self.board.program.without(rule.key))
                        seen = self._compared(rule, other, course, without)
                        if seen is not None:
                            return seen
        return None

    def _courses(self, rule: Rule, other: Rule, domains: list[int]) -> Iterator[Continuation]:
        """The stories of the cells, and where the other rule moves also those in which it does so after the rule."""
        yield from self.board.told.of(domains, _TRIES)
        theirs, mine = self._moving(other), self._moving(rule)
        if theirs is not None and mine is not None and domains is theirs[1]:
            changes = self.board.told.plot(domains).changes()
            first = next(self.board.told.of(mine[1], _TRIES)) if changes else None
            if first is not None and self._matters(rule, first):
                moved = next(stage.now for stage in first.stages(_CROSSINGS) if stage.moves or stage.at_work)
                yield Continuation(self.board.machine, history_at(first.case, datetime_of(moved) + MINUTE, changes))

    def _take(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise OutOfBudget

    # ------------------------------------------------------------------------ which cases

    def _suggested(self, rule: Rule, other: Rule) -> Iterator[Plotted]:
        """Cells in which both hold, the other moves, or the rule moves; none where the other stays out of its way."""
        if other is rule or not _may_give_way(self.board, other, rule):
            return
        self._take(1)
        mine, theirs = self._moving(rule), self._moving(other)
        both = self._both(rule, other)
        yield from (one for one in (both, theirs, mine) if one is not None)

    def _moving(self, rule: Rule) -> Plotted | None:
        if rule.key not in self._own:
            self._own[rule.key] = self._plotted(self.board.moves(rule))
        return self._own[rule.key]

    def _both(self, rule: Rule, other: Rule) -> Plotted | None:
        """Where the rule holds and the other moves."""
        holds, moves = self.board.space.holds(rule), self.board.moves(other)
        return self._plotted(holds, moves)

    def _plotted(self, *parts: object) -> Plotted | None:
        before = self.board.steps
        try:
            domains = self.board.solve(*parts)
        except OutOfBudget:
            return None
        finally:
            self._take(self.board.steps - before)
        return None if domains is None else (self.board.told.plot(domains).key, domains)

    # ------------------------------------------------------------------------ with the rule and without it

    def _matters(self, rule: Rule, course: Continuation) -> bool:
        """Whether some move is the rule's alone: where another asks for the same, nothing changes without it."""
        known = course.length
        stages = list(course.stages(_CROSSINGS))
        self._take(_COST * (course.length - known))
        if any(isinstance(action, RaisePriority | Assign) for action in rule.then):
            return any(rule.key in stage.at_work for stage in stages)
        return any(_is_its_own(rule, pending) for pending in stages[-1].moves)

    def _compared(self, rule: Rule, other: Rule, course: Continuation, without: Machine) -> PlotAt | None:
        track = self.board.codes[rule.key].track
        for state in walk(without, course.case, _CROSSINGS):
            self._take(_COST)
            if state.levels.level[track] > course.levels_at(state.now)[track]:
                names = [name for one in state.asked.moves if one.move.track == track for name in one.move.rules]
                return f"`{(names or [other.key])[-1]}`", (course.case, datetime_of(state.now))
        return None


_CROSSINGS = 8
_TRIES = 4
_COST = 50
"""What an instant of a case counts for, in steps."""


def _is_its_own(rule: Rule, pending: Pending) -> bool:
    """Whether a rule supports a move that would not be made without it, or not then."""
    names = pending.move.rules
    return rule.key in names and (len(names) == 1 or rule.checklist == "waived")


_OF_THE_STAY = {"at_level_for", "level_failed", "level", "happened"}


def _is_of_the_stay(rule: Rule) -> bool:
    """Whether what a rule looks at begins anew with every move."""
    return rule.to == NEXT or any(atom.fact in _OF_THE_STAY for atom in atoms(rule.when))


def _may_give_way(board: Workbench, other: Rule, rule: Rule) -> bool:
    """Whether on their track a move by a rule may keep another from taking the case higher."""
    if board.codes[other.key].track != board.codes[rule.key].track:
        return False
    highest = max(board.wishes(other).values())
    lower = [to for to in board.wishes(rule).values() if to < highest]
    if not lower or _is_of_the_stay(other):
        return bool(lower)
    here = {board.program.places[key] for key in other.at_level}
    return bool(here) and any((board.codes[rule.key].track, to) not in here for to in lower)
