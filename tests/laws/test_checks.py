"""What `check` says of rules, against every case of small policies and against z3 on larger ones."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, note, settings

from escalation_rules import Case, Policy, Rule, decide
from escalation_rules.analysis import check, diff
from escalation_rules.analysis.check.levels import unreachable_levels
from escalation_rules.analysis.check.rules import alive, dead_rules, redundant_rules, without_evidence
from escalation_rules.analysis.report import CheckFinding
from escalation_rules.analysis.witnesses import at_work
from escalation_rules.analysis.workbench import Workbench
from escalation_rules.conditions import AllOf, AnyOf, Atom, Not
from escalation_rules.decision import levels_of
from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import fold
from escalation_rules.engine.machine import Machine
from escalation_rules.program import program_of
from escalation_rules.worktime._timeline import microseconds_of
from tests.generator import PRIORITIES, SMALL_LEVELS, every_small_case, policies, situations, small_policy, small_rule

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
MANY = 1_000 if THOROUGH else 60
KNOWN: dict[str, Callable[[Any, Any], bool]] = {
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}


def truth(condition: Any, values: dict[str, Any]) -> bool | None:
    """Kleene's three values: a condition holds, does not, or is unknown."""
    if isinstance(condition, Not):
        inner = truth(condition.of, values)
        return None if inner is None else not inner
    if isinstance(condition, Atom):
        held, constant = values[condition.fact], condition.value
        if held is None:
            return None
        if condition.fact == "priority":
            held, constant = PRIORITIES.index(held), PRIORITIES.index(constant)
        return KNOWN[condition.op](held, constant)
    inner_values = [truth(one, values) for one in condition.of]
    decisive = isinstance(condition, AnyOf)
    if decisive in inner_values:
        return decisive
    return None if None in inner_values else not decisive


def values_of(case: Case) -> dict[str, Any]:
    """What the facts of a small case are."""
    opened = case.history[0]
    facts = dict.fromkeys(("down", "seats", "size")) | dict(opened.facts)
    return {**facts, "priority": opened.priority, "level": opened.level}


CASES = list(every_small_case())
VALUES = [values_of(case) for case in CASES]


def asks(policy: Policy) -> list[dict[str, set[int]]]:
    """By every case, for each rule that holds the level it asks for, if that is above the present one."""
    found = []
    for rule in policy.rules:
        to = SMALL_LEVELS.index(rule.to)
        holding = {
            number
            for number, values in enumerate(VALUES)
            if (not rule.at_level or values["level"] in rule.at_level)
            and SMALL_LEVELS.index(values["level"]) < to
            and truth(rule.when, values)
        }
        found.append({"cases": holding, "to": {to}})
    return found


def test_the_slow_evaluation_is_the_engine_s():
    """The list of cases is a fair referee: `decide` takes each case as far as the rules that hold at once say."""
    random = Random("referee")
    for _ in range(20):
        policy = small_policy(random)
        asked = asks(policy)
        for number in random.sample(range(len(CASES)), 30):
            wanted = {max(one["to"]) for one in asked if number in one["cases"]}
            moves = decide(policy, CASES[number], at=CASES[number].opened_at).moves
            assert {SMALL_LEVELS.index(move.to) for move in moves[:1]} == set(sorted(wanted)[-1:])


def test_dead_and_redundant_rules_are_those_of_exhaustive_enumeration():
    """Exactly those: no rule that moves some case is called dead, none that adds something redundant, none missed."""
    random = Random("exhaustive")
    for _ in range(MANY):
        policy = small_policy(random, rules=random.randint(2, 5))
        asked = asks(policy)
        dead = {rule.key for rule, one in zip(policy.rules, asked, strict=True) if not one["cases"]}
        report = check(policy)
        assert {one.path.split("[")[1].split("]")[0] for one in report.of("dead-rule")} == dead, policy
        redundant, left = set(), [(rule, one) for rule, one in zip(policy.rules, asked, strict=True) if one["cases"]]
        for rule, one in reversed(list(left)):
            others = [other for name, other in left if name is not rule and max(other["to"]) >= max(one["to"])]
            if one["cases"] <= set().union(*(other["cases"] for other in others)):
                redundant.add(rule.key)
                left = [kept for kept in left if kept[0] is not rule]
        assert {one.path.split("[")[1].split("]")[0] for one in report.of("redundant-rule")} == redundant, policy
        assert report.unfinished == ()


def named(findings: Iterable[CheckFinding]) -> set[str]:
    """The names in the paths of findings."""
    return {re.sub(r"^\w+\[(.*?)\].*$", r"\1", one.path) for one in findings}


@settings(max_examples=2_000 if THOROUGH else 60)
@given(situations())
def test_what_is_called_dead_or_out_of_reach_never_comes_about(situation):
    """On policies of every kind: no rule called dead is ever at work, no level out of reach is reached by rules."""
    policy, case, at = situation
    note(f"{policy!r}\n{case!r}\n{at!r}")
    board = Workbench(policy)
    rules = alive(board)
    state = fold(machine_of(policy), case, microseconds_of(at))
    movers = {name for pending in state.asked.moves for name in pending.move.rules}
    for finding in dead_rules(board):
        assert not named([finding]) & (movers if finding.path.endswith(".to") else set(at_work(state)))
    assert not named(without_evidence(board, rules)) & movers
    by_hand = {"Escalated", "DeEscalated", "Reconciled"} & {event.type for event in case.history}
    if not by_hand and case.level(at=case.opened_at) is None:
        tracks = zip(policy.all_tracks, state.levels.level, strict=True)
        standing = {track.levels[level].key for track, level in tracks if level >= 0}
        assert not named(unreachable_levels(board, rules)) & standing


@settings(max_examples=2_000 if THOROUGH else 60)
@given(situations())
def test_without_a_redundant_rule_a_case_that_nobody_took_down_goes_as_far(situation):
    """Taking out what is called redundant changes no level, at any instant."""
    policy, case, at = situation
    note(f"{policy!r}\n{case!r}\n{at!r}")
    taken_down = {"DeEscalated", "Escalated", "Reconciled"} & {event.type for event in case.history}
    board = Workbench(policy)
    names = named(redundant_rules(board, alive(board)))
    if names and not taken_down:
        without = Machine(program_of(policy).without(*names))
        now = microseconds_of(at)
        assert fold(without, case, now).levels.level == fold(machine_of(policy), case, now).levels.level


@settings(max_examples=60 if THOROUGH else 15)
@given(policies())
def test_what_is_found_by_trying_is_so_for_its_witness(policy):
    """Each finding that speaks of a course of events comes with a case on which `decide` shows it."""
    note(f"{policy!r}")
    report = check(policy)
    for finding in report.of("gap"):
        decision = finding.witness.decide(policy)
        assert not any((decision.deadlines, decision.worklist, decision.moves, decision.blocked, decision.wake_at))
    for finding in report.of("climbs-in-one-breath"):
        moves = finding.witness.decide(policy).moves
        assert any(one.due_at == other.due_at and one.track == other.track for one, other in pairwise(moves))
    for finding in report.of("lowers-the-outcome"):
        (name,) = named([finding])
        if name in {rule.key for rule in policy.rules}:
            without = policy.model_copy(update={"rules": tuple(rule for rule in policy.rules if rule.key != name)})
            low, high = (levels_of(finding.witness.decide(one)) for one in (policy, without))
            order = [None, *(level.key for level in policy.all_levels)]
            assert any(order.index(low[track]) < order.index(high[track]) for track in low)


def as_z3(z3: Any, condition: Any, *, negated: bool = False) -> Any:
    """A condition over z3's integers and booleans, straight from the data; each fact may be unknown."""
    if isinstance(condition, Not):
        return as_z3(z3, condition.of, negated=not negated)
    if isinstance(condition, AllOf | AnyOf):
        combine = z3.And if isinstance(condition, AllOf) != negated else z3.Or
        return combine(*(as_z3(z3, one, negated=negated) for one in condition.of))
    domains = {"priority": PRIORITIES, "down": (False, True), "seats": tuple(range(6)), "size": ("small", "large")}
    domain = domains[condition.fact]
    constants = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    held, numbers = z3.Int(condition.fact), [domain.index(one) for one in constants]
    if condition.op in {"in", "not in"}:
        holds = z3.Or(*(held == number for number in numbers))
        holds = z3.Not(holds) if condition.op == "not in" else holds
    else:
        holds = {
            ">=": held >= numbers[0],
            "<": held < numbers[0],
            ">": held > numbers[0],
            "<=": held <= numbers[0],
            "==": held == numbers[0],
            "!=": held != numbers[0],
        }[condition.op]
    return z3.And(held >= 0, z3.Not(holds) if negated else holds)


def asked_in_z3(z3: Any, rule: Rule, level: Any) -> Any:
    """That a rule asks for its level."""
    places = [level == SMALL_LEVELS.index(key) for key in rule.at_level] or [True]
    return z3.And(as_z3(z3, rule.when), z3.Or(*places), level < SMALL_LEVELS.index(rule.to))


def test_z3_agrees_on_mid_size_policies():
    """Another solver, another encoding, the same answers: which rules are dead, which are redundant."""
    z3 = pytest.importorskip("z3")
    random = Random("z3")
    questions = 0
    while questions < (1_200 if THOROUGH else 100):
        policy = small_policy(random, rules=12, size=4)
        solver, level = z3.Solver(), z3.Int("level")
        bounds = {"priority": 3, "down": 2, "seats": 6, "size": 2}
        solver.add(
            level >= 0, level < 3, *(z3.And(z3.Int(name) >= -1, z3.Int(name) < top) for name, top in bounds.items())
        )

        def possible(*formulas: Any, solver: Any = solver, z3: Any = z3) -> bool:
            return bool(solver.check(*formulas) == z3.sat)

        board = Workbench(policy)
        rules = alive(board)
        assert {rule.key for rule in rules} == {
            rule.key for rule in policy.rules if possible(asked_in_z3(z3, rule, level))
        }
        found = {one.path.removeprefix("rules[").removesuffix("]") for one in redundant_rules(board, rules)}
        left, expected = list(rules), set()
        for rule in reversed(rules):
            others = [
                one for one in left if one is not rule and SMALL_LEVELS.index(one.to) >= SMALL_LEVELS.index(rule.to)
            ]
            none = [z3.Not(asked_in_z3(z3, one, level)) for one in others]
            if not possible(asked_in_z3(z3, rule, level), *none):
                expected.add(rule.key)
                left.remove(rule)
        assert found == expected
        questions += len(policy.rules) + len(rules)


def expected(old: Policy, new: Policy) -> str:
    """The verdict by every case: how far each is taken at once."""
    reached = []
    for policy in (old, new):
        asked = asks(policy)
        reached.append(
            [
                max((max(one["to"]) for one in asked if number in one["cases"]), default=-1)
                for number in range(len(CASES))
            ]
        )
    at_least = all(after >= before for before, after in zip(*reached, strict=True))
    at_most = all(after <= before for before, after in zip(*reached, strict=True))
    if at_least and at_most:
        return "equivalent"
    return "stricter" if at_least else "looser" if at_most else "incomparable"


def test_verdicts_are_those_of_exhaustive_enumeration():
    """On small random policies and a change of one rule: exactly the verdict of the list of all cases."""
    random = Random("diff")
    seen: set[str] = set()
    for _ in range(1_000 if THOROUGH else 60):
        old = small_policy(random, rules=random.randint(1, 4))
        rules = list(old.rules)
        change = random.choice(("add", "remove", "change"))
        if change == "add":
            rules.append(small_rule(random, "fresh"))
        else:
            del rules[random.randrange(len(rules))]
            rules += [small_rule(random, "r0 again")] * (change == "change")
        new = old.model_copy(update={"rules": tuple(rules)})
        found = diff(old, new)
        assert found.verdict == expected(old, new), f"{old!r}\n{new!r}"
        seen.add(found.verdict)
        for one in found.changes:
            if one.witness is not None:
                assert one.witness.decide(old).answer != one.witness.decide(new).answer
    assert seen == {"equivalent", "stricter", "looser", "incomparable"}
