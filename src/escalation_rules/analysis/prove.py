"""`prove`: does every case reach a level in time? Its answers, and the bounded search for a counterexample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from escalation_rules import events as E
from escalation_rules._values import Instant, Value, show
from escalation_rules.actions import Tag
from escalation_rules.analysis.domains import DURATION, ELAPSED, Axis, EventSketch, Key, Measure, Place, Space
from escalation_rules.analysis.solver import Formula, OutOfBudget, all_of
from escalation_rules.analysis.witnesses import MINUTE, happenings, history_at, stories, walk
from escalation_rules.analysis.workbench import BUDGET, Workbench
from escalation_rules.case import Case
from escalation_rules.conditions import AllOf, Atom, Condition, normal, read_condition
from escalation_rules.engine import decide
from escalation_rules.engine.fold import fold
from escalation_rules.engine.machine import Machine
from escalation_rules.engine.state import State
from escalation_rules.errors import InvalidValue
from escalation_rules.explain import phrase, phrase_instant
from escalation_rules.policy import Policy
from escalation_rules.program import compile_policy, program_of
from escalation_rules.program.model import LONG_AGO, POSITION_BITS, Tree, tree_holds
from escalation_rules.rules import Rule
from escalation_rules.worktime import Span
from escalation_rules.worktime._timeline import datetime_of
from escalation_rules.worktime.spans import SpanLike

Scope = Literal["new case", "any case"]


class Claim(Value):
    """That a case on which `when` has held for as long as `within` is on the level `reaches`, or above."""

    when: Condition | None
    reaches: str
    within: Span
    scope: Scope = "new case"

    def __str__(self) -> str:
        who = "a new case" if self.scope == "new case" else "any case"
        condition = phrase(self.when) if self.when is not None else "it is open"
        return f"{who} on which for {self.within}: {condition}, is on `{self.reaches}` or above"


class Proved(Value):
    """The claim holds of every case. `rules` are those that see to it; none are needed where it cannot arise."""

    claim: Claim
    rules: tuple[str, ...] = ()
    steps: int = 0

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        if not self.rules:
            return f"proved: {self.claim}; no such case is ever below"
        names = " and ".join(f"`{name}`" for name in self.rules)
        return f"proved: {self.claim}; {names} {'sees' if len(self.rules) == 1 else 'see'} to it"


class TraceStep(Value):
    """One instant of a counterexample: what happened, and where the case stood then."""

    at: Instant
    level: str | None
    what: str

    def __str__(self) -> str:
        return f"{phrase_instant(self.at)}  on {self.level or 'no level'}: {self.what}"


class Refuted(Value):
    """A case of which the claim does not hold: at the last instant of the trace it is still below.

    It was replayed through `decide` before it was returned.
    """

    claim: Claim
    policy: Policy
    case: Case
    trace: tuple[TraceStep, ...]

    def __bool__(self) -> bool:
        return False

    @property
    def at(self) -> Instant:
        """When the time was up."""
        return self.trace[-1].at

    @property
    def still_reproduces(self) -> bool:
        """Whether `decide` finds the case below the level at that instant."""
        return is_below(self.policy, self.case, self.at, self.claim.reaches)

    def as_test(self, name: str = "test_the_case_is_high_enough") -> str:
        """The source of a pytest test which asks for what was claimed: it fails until the policy is mended.

        The policy stands in it as it is; put your own in its place.
        """
        track = self.policy.track_of(self.claim.reaches)
        order = [None, *(level.key for level in track.levels)]
        wanted = order[order.index(self.claim.reaches) :]
        return "\n".join(
            [
                "from escalation_rules import *",
                "from escalation_rules import actions as A, events as E, facts as F",
                "from escalation_rules.conditions import AllOf, AnyOf",
                "from escalation_rules.patterns import FieldTest, Pattern",
                "from escalation_rules.worktime import *",
                "",
                f"POLICY = {self.policy!r}",
                "",
                "",
                f"def {name}():",
                f'    """{str(self.claim)[0].upper()}{str(self.claim)[1:]}."""',
                f"    case = {self.case!r}",
                f"    at = E.Resolved(at={show(self.at)}).at",
                "    decision = decide(POLICY, case, at=at)",
                f"    assert decision.positions[{track.key!r}].level in {wanted!r}, decision.explain()",
                "",
            ]
        )

    def __str__(self) -> str:
        return "\n".join([f"not so: {self.claim}", *map(str, self.trace)])


class Unknown(Value):
    """Neither a proof nor a counterexample was found.

    The claim is outside what can be proved, or the `budget` of steps was `spent`, of which `steps` were taken; how long
    that takes is no measure of anything here.
    """

    claim: Claim
    budget: int
    steps: int = 0
    spent: bool = False

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        why = f"the budget of {self.budget:,} steps was spent" if self.spent else "it is outside what can be proved"
        return f"not known: {self.claim}; {why}, and no case was found that breaks it"


def is_below(policy: Policy, case: Case, at: Instant, level: str) -> bool:
    """Whether a case stands below a level on its track, as `decide` has it."""
    track = policy.track_of(level)
    order = [None, *(one.key for one in track.levels)]
    return order.index(decide(policy, case, at=at).positions[track.key].level) < order.index(level)


_USUAL: tuple[EventSketch, ...] = (
    (E.SupportReplied, {}),
    (E.CustomerReplied, {}),
    (E.WaitStarted, {}),
    (E.Assigned, {"person": "person 1"}),
    (E.LevelFailed, {}),
)
_TRACE_CROSSINGS = 3


def alphabet(space: Space, *, by_hand: bool) -> list[tuple[EventSketch, ...]]:
    """What may happen that a policy takes notice of; `by_hand` also what people do to levels, and reopening."""
    found: list[tuple[EventSketch, ...]] = []
    if by_hand:
        keys = [level.key for level in space.policy.all_levels]
        found += [((kind, {"to": key}),) for kind in (E.DeEscalated, E.Escalated) for key in keys]
        found += [((E.Resolved, {}), (E.Reopened, {}))]
    found += [(sketch,) for sketch in _USUAL]
    for axis in space.axes:
        for cell in axis.cells:
            happening = tuple(happenings(space, axis.key, cell))
            if happening:
                found.append(happening)
    found += [((E.PriorityChanged, {"to": name}),) for name in space.policy.priorities if ("priority",) in space.number]
    for fact in space.policy.facts:
        cells = space.axes[space.number[fact.name,]].cells if (fact.name,) in space.number else ()
        found += [((E.FactChanged, {"name": fact.name, "value": cell}),) for cell in cells]
    if not by_hand:
        found = [one for one in found if not any(kind in _BY_HAND for kind, _ in one)]
    return list({repr(one): one for one in found}.values())


_BY_HAND = {E.Escalated, E.DeEscalated, E.Reopened, E.Reconciled}


def longer(space: Space, cases: list[Case], happenings: list[tuple[EventSketch, ...]]) -> Iterator[Case]:
    """The cases with one more happening each: soon after their last event, or when something is about to change."""
    for case in cases:
        last = case.history[-1].at
        instants = dict.fromkeys([last + MINUTE])
        for state in walk(space.machine, case, _TRACE_CROSSINGS):
            instants[datetime_of(state.now)] = None
        for at in instants:
            for sketches in happenings:
                yield history_at(case, at, sketches)


def elsewhen(policy: Policy, case: Case) -> Iterator[Case]:
    """The same case at other times: just before the calendars close, and as they do."""
    for calendar in policy.calendars.values():
        closing = calendar.next_close(case.opened_at)
        if closing is not None:
            yield shifted(case, closing - MINUTE - case.opened_at)
            yield shifted(case, closing - case.opened_at)


def shifted(case: Case, by: timedelta) -> Case:
    """The same case so much later."""
    return Case(case.id, tuple(event.model_copy(update={"at": event.at + by}) for event in case.history))


# What can be proved: that whenever the condition has held for so long, in one stay below the level, some rule that
# nothing can hold back holds. Durations that began no later than the condition are at least as long; everything else is
# a question about cells. What cannot be proved is looked for: a case that is still below when its time is up.


def prove(
    policy: Policy, *, when: Any = None, reaches: str, within: SpanLike, scope: Scope = "new case", budget: int = BUDGET
) -> Proved | Refuted | Unknown:
    """Show that a case on which `when` has held for `within` is on the level `reaches` or above, or find one below.

    Only a live case that is not outside counts, and the time is counted anew when it is reopened, when somebody takes
    it down a level, and when the policy comes into effect. `within` counts in the calendar of the level's track, and
    durations in `when` as in a rule of that track. A "new case" is one that starts where cases start and that nobody
    moves by hand or reopens; "any case" is one to which anything may have happened, except that nobody has declined
    the move.

    `Proved` holds of every case; a `Refuted` was replayed through `decide`; `Unknown` says neither, after at most
    `budget` steps. Of the three only a proof is true, so that `assert prove(…)` asks for one. Raises `UnknownName` for
    a level, and `InvalidValue` for a condition, that the policy does not know.

    >>> from escalation_rules import EscalationLevel, Policy, Rule, facts as F
    >>> policy = Policy(
    ...     name="desk", version="1",
    ...     levels=(EscalationLevel(key="first"), EscalationLevel(key="manager")),
    ...     rules=(Rule(key="too long", when=F.at_level_for >= "4 hours", to="manager"),),
    ... )
    >>> type(prove(policy, reaches="manager", within="4 hours")).__name__
    'Proved'
    >>> print(prove(policy, reaches="manager", within="3 hours"))
    not so: a new case on which for 3 hours: it is open, is on `manager` or above
    Mon 2026-03-02 09:00  on first: the case is opened
    Mon 2026-03-02 12:00  on first: the time is up
    """
    policy.level(reaches)
    claim = Claim(when=read_condition(when), reaches=reaches, within=Span.of(within), scope=scope)
    return _Proof(policy, claim, budget).answer()


class _Proof:
    """One question: the board with the claim's condition on it, and a rule that watches the condition."""

    def __init__(self, policy: Policy, claim: Claim, budget: int) -> None:
        self.policy, self.claim, self.budget = policy, claim, budget
        self.watch = _watch(policy, claim)
        self.program = program_of(policy)
        self.track, self.rung = self.program.places[claim.reaches]
        self.calendars = self.program.calendars_of(self.track)
        self.place = Place(self.track, False, (None, *self.calendars))
        conditions = [] if claim.when is None else [(claim.when, self.place)]
        self.board = Workbench(policy, budget, Space(policy, conditions))
        self.steps = 0
        self.spent = False

    def answer(self) -> Proved | Refuted | Unknown:
        try:
            found = self._prove()
        except OutOfBudget:
            found, self.spent = None, True
        if isinstance(found, Proved):
            return found
        refuted = self._refute(found)
        if refuted is not None:
            return refuted
        steps = min(self.budget, self.board.steps + self.steps)
        return Unknown(claim=self.claim, budget=self.budget, steps=steps, spent=self.spent)

    # ------------------------------------------------------------------------ proof

    @property
    def _situation(self) -> Formula:
        """The condition holds of a live case below the level."""
        space = self.board.space
        condition = True if self.claim.when is None else space.formula(self.claim.when, self.place)
        return all_of((condition, space.live, self.board.standing(self.track, self._below)))

    @property
    def _below(self) -> range:
        lowest = 0 if self.track == 0 else -1
        return range(lowest, self.rung)

    def _prove(self) -> Proved | list[int] | None:
        """The proof; or else the cells of what may be a counterexample."""
        if self.board.solve(self._situation) is None:
            return Proved(claim=self.claim, steps=self.board.steps)
        situation = all_of((self._situation, *self._bounds()))
        rules = [rule for rule in self.policy.all_rules if self._carries(rule)]
        holding = [self.board.space.fails(rule) for rule in rules]
        found = self.board.solve(situation, *holding)
        if found is not None:
            return found
        needed = self._needed(situation, rules)
        return Proved(claim=self.claim, rules=tuple(rule.key for rule in needed), steps=self.board.steps)

    def _needed(self, situation: Formula, rules: list[Rule]) -> list[Rule]:
        """Those of the rules without which there would be no proof."""
        for rule in list(rules):
            rest = [one for one in rules if one is not rule]
            holding = [self.board.space.fails(one) for one in rest]
            if self.board.never(situation, *holding, question="which rules are needed"):
                rules = rest
        return rules

    def _carries(self, rule: Rule) -> bool:
        """Whether, where it holds, a rule takes the case as far as claimed, and nothing can hold it back.

        Rules to the next level, and all of them once somebody has taken the case down, need evidence that is later
        than the case's coming to where it is: a time on the level is.
        """
        board = self.board
        if board.codes[rule.key].track != self.track:
            return False
        wanted = [board.wanted(rule, level) for level in self._below]
        if any(level is None or level < self.rung for level in wanted):
            return False
        levels = [board.levels_of(rule)[level] for level in wanted if level is not None]
        if any((level.entry and rule.checklist != "waived") or not board.is_free(level) for level in levels):
            return False
        needs_evidence = board.codes[rule.key].is_next or self.claim.scope == "any case"
        return not needs_evidence or self._has_fresh_evidence(rule)

    def _has_fresh_evidence(self, rule: Rule) -> bool:
        condition = normal(rule.when)
        members = condition.of if condition.type == "all" else (condition,)
        key = self.program.tracks[self.track].key
        return any(
            isinstance(one, Atom)
            and (one.fact, one.op) == ("at_level_for", ">=")
            and one.of in {None, key}
            and isinstance(one.value, Span)
            and bool(one.value.amount)
            for one in members
        )

    def _bounds(self) -> Iterator[Formula]:
        """How long each duration has lasted at least when the time is up."""
        measured = self._measure()
        for number, axis in enumerate(self.board.space.axes):
            if axis.key[0] == DURATION:
                least = self._least(axis, measured)
                mask = axis.where(lambda cell, least=least: cell is None or cell >= least)
                if mask != axis.full:
                    yield number, mask

    def _measure(self) -> tuple[Measure, int] | None:
        """The scale and length of the time that is allowed; None where it depends on a choice."""
        name = next((one for one in self.calendars if one is not None), None)
        if not self.claim.within.is_business:
            name = None if self.claim.within.microseconds is not None else name
        return self.board.space.measure(self.claim.within, name) if name is None or isinstance(name, str) else None

    def _least(self, axis: Axis, measured: tuple[Measure, int] | None) -> Any:
        """The cell in which a duration is at least, when the time is up."""
        _, anchor, scale = axis.key
        if measured is None or not self._lasts(anchor):
            return 0
        measure, length = measured
        if (measure == scale and measure[0] in {"elapsed", "business"}) or (
            measure[0] == "business" and scale == ELAPSED
        ):
            least = self._implied(axis) + length
        elif measure == scale and measure[2:] == ("close",):
            least = length
        else:
            return 0
        return max(cell for cell in axis.cells if cell <= least)

    def _lasts(self, anchor: Key) -> bool:
        """Whether what a duration counts from cannot have moved since the condition came to hold."""
        if anchor == ("open_for",):
            return True
        if anchor == ("at_level_for", self.track) and self._stands_still():
            return True
        if anchor[0] not in {"at_level_for", "unanswered_for", "unassigned_for", "no_update_for"}:
            return False
        axes = [axis for axis in self.board.space.axes if axis.key[:2] == (DURATION, anchor)]
        return any(self._implied(axis) > 0 for axis in axes)

    def _stands_still(self) -> bool:
        """Whether there is but one level below on which the condition can hold."""
        possible = [
            level
            for level in self._below
            if not self.board.never(
                self._situation, self.board.standing(self.track, [level]), question=f"level {level} is possible"
            )
        ]
        return len(possible) == 1 and possible[0] >= 0

    def _implied(self, axis: Axis) -> Any:
        """The least cell of a duration in which the condition can hold: all the while, it was at least that."""
        number = self.board.space.number[axis.key]
        question = f"the least of {axis.key[1][0]}"
        possible = (
            cell
            for index, cell in enumerate(axis.cells)
            if not self.board.never(self._situation, (number, 1 << index), question=question)
        )
        return next(possible, 0)

    # ------------------------------------------------------------------------ counterexample

    @cached_property
    def _watching(self) -> tuple[Machine, Tree]:
        """The policy with a rule that holds just when the claim's condition does, and its tree."""
        watching = self.policy.model_copy(update={"rules": (*self.policy.rules, self.watch)})
        program = compile_policy(watching)
        return Machine(program), next(code.own_tree for code in program.rules if code.name == self.watch.key)

    def _refute(self, domains: list[int] | None) -> Refuted | None:
        for case in self._candidates(domains):
            self.steps += _COST
            if self.board.steps + self.steps > self.budget:
                self.spent = True
                return None
            at = self._too_late(case)
            if at is not None and is_below(self.policy, case, at, self.claim.reaches):
                return Refuted(claim=self.claim, policy=self.policy, case=case, trace=tuple(self._trace(case, at)))
        return None

    def _candidates(self, domains: list[int] | None) -> Iterator[Case]:
        """Cases to try: those that the cells suggest, then longer and longer histories."""
        space, by_hand = self.board.space, self.claim.scope == "any case"
        first: dict[str, Case] = {}
        for found in (domains, self._cells()):
            for case in stories(space, found) if found is not None else ():
                if by_hand or not _is_by_hand(case):
                    first.setdefault(repr(case), case)
        yield from first.values()
        for case in first.values():
            yield from elsewhen(self.policy, case)
        happenings = alphabet(space, by_hand=by_hand)
        cases = list(first.values())
        for _ in range(_DEPTH):
            cases = list(longer(space, cases[:_WIDTH], happenings))
            yield from cases

    def _cells(self) -> list[int] | None:
        try:
            return self.board.solve(self._situation)
        except OutOfBudget:
            return None

    def _too_late(self, case: Case) -> datetime | None:
        """An instant at which the time is up and the case still below."""
        machine, _ = self._watching
        for state in walk(machine, case, _PROOF_CROSSINGS):
            due = self._due(state)
            if due is not None:
                later = fold(machine, case, max(due, state.now))
                due = self._due(later)
                if due is not None and due <= later.now:
                    return datetime_of(later.now)
        return None

    def _due(self, state: State) -> int | None:
        """When the time is up for a case as it stands; None where the claim asks nothing of it."""
        if not state.life.live or state.levels.external or state.levels.level[self.track] >= self.rung:
            return None
        _, tree = self._watching
        if not tree_holds(tree, lambda number: bool(state.tests.truth >> number & 1)):
            return None
        start = max(
            _held_since(state, tree),
            state.life.cycle_when,
            *state.levels.down_since,
            state.program.effective_from << POSITION_BITS,
        )
        calendar, _ = state.program.calendars[state.calendar(self.calendars)]
        return calendar.reach(start >> POSITION_BITS, self.claim.within)

    def _trace(self, case: Case, at: datetime) -> Iterator[TraceStep]:
        """What happened when, and where the case stood then, as `decide` has it."""
        told: dict[datetime, list[str]] = {}
        for event in case.history:
            first = event is case.history[0]
            told.setdefault(event.at, []).append("the case is opened" if first else event.type)
        key = self.program.tracks[self.track].key
        for move in decide(self.policy, case, at=at).moves:
            if move.due_at is not None and move.track == key:
                told.setdefault(move.due_at, []).append(f"moved by {' and '.join(f'`{name}`' for name in move.rules)}")
        told.setdefault(at, []).append("the time is up")
        for instant in sorted(one for one in told if one <= at):
            level = decide(self.policy, case, at=instant).positions[key].level
            yield TraceStep(at=instant, level=level, what=", ".join(told[instant]))


_WATCH = "what is claimed"
_COST = 200
"""What trying a case counts for, in steps."""
_PROOF_CROSSINGS = 6
_DEPTH, _WIDTH = 2, 60


def _watch(policy: Policy, claim: Claim) -> Rule:
    """A rule that holds just when the claim's condition does, and moves nothing. The policy must know its names."""
    name = _WATCH
    while any(rule.key == name for rule in policy.all_rules):
        name += "'"
    condition: Any = claim.when if claim.when is not None else AllOf(of=())
    rule = Rule(key=name, when=condition, track=policy.track_of(claim.reaches).key, then=Tag(text=name))
    if claim.when is not None:
        _check_names(policy, rule)
    return rule


def _check_names(policy: Policy, rule: Rule) -> None:
    """What the policy does not know in the claim's condition is refused, as something that is wrong with the claim."""
    try:
        policy.model_copy(update={"rules": (rule,)})
    except InvalidValue as error:
        place = f"rules[{rule.key}]."
        raise InvalidValue(*(replace(one, path=one.path.removeprefix(place)) for one in error.problems)) from None


def _held_since(state: State, tree: Tree) -> int:
    """Since when at least a condition has held that holds now."""
    if isinstance(tree, int):
        return state.tests.since[tree]
    holding = [part for part in tree[1] if tree_holds(part, lambda number: bool(state.tests.truth >> number & 1))]
    choose = max if tree[0] == "all" else min
    return choose((_held_since(state, part) for part in holding), default=LONG_AGO)


def _is_by_hand(case: Case) -> bool:
    kinds = {event.type for event in case.history}
    return bool(kinds & {"Escalated", "DeEscalated", "Reopened"}) or case.level(at=case.opened_at) is not None
