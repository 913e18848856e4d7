"""Laws of `prove` and `coverage` on random policies and cases."""

from __future__ import annotations

import os
from random import Random
from typing import Any

import pytest
from hypothesis import given, note, settings

from escalation_rules import Pick, Policy, Rule, decide
from escalation_rules import facts as F
from escalation_rules.analysis import Proved, Refuted, coverage, edges, prove
from escalation_rules.decision import levels_of
from escalation_rules.worktime import Span
from tests.bench import desk
from tests.generator import CLAIM_SPANS, OWN_FACTS, PRIORITIES, situations, small_case, small_policy, timed_small_policy
from tests.oracle.claims import Referee

FRAGMENT: list[tuple[list[Rule], dict[str, Any]]] = [
    ([Rule(key="r", when=F.open_for >= "4 hours", to="l2")], {"within": "4 business hours"}),
    ([Rule(key="r", when=F.at_level_for >= "4 business hours", to="next")], {"within": "4 business hours"}),
    ([Rule(key="r", when=F.at_level_for >= "4 hours", to="l3")], {"within": "4 hours", "scope": "any case"}),
    (
        [Rule(key="r", when=F.unanswered_for >= "5 hours", to="l2")],
        {"when": F.unanswered_for >= "1 hour", "within": "4 hours"},
    ),
    ([Rule(key="r", when=F.open_for >= "2 business days", to="l2")], {"within": "2 business days"}),
    (
        [
            Rule(key="r", when=(F.open_for >= "4 hours") & (F.priority >= "high"), to="l3"),
            Rule(key="s", when=(F.open_for >= "3 hours") & ~(F.priority >= "high"), to="l2"),
        ],
        {"within": "4 hours", "when": F.priority >= "low"},
    ),
    (
        [
            Rule(
                key="r",
                when=F.open_for >= Pick(by="priority", values={"urgent": "1 hour"}, otherwise="4 hours"),
                to="l2",
            )
        ],
        {"within": "4 hours"},
    ),
    (
        [Rule(key="r", when=F.escalation_request_open, to="l2")],
        {"within": "0 hours", "when": F.escalation_request_open},
    ),
]
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
CLAIMS = 1_000 if THOROUGH else 200
CASES = 10_000 if THOROUGH else 250
"""How many random cases each proof meets; every hundredth of them is looked at by the slow referee too."""
CONDITIONS = (F.priority >= "low", F.priority >= "high", F.unanswered_for >= "1 hour", F.replies >= 0)


def survives(random: Random, policy: Policy, found: Proved, **sampler: Any) -> None:
    """A proof meets its random cases, drawn for it alone."""
    claim = found.claim
    condition = claim.when if claim.when is not None else F.replies >= 0
    referee = Referee(policy, condition, claim.reaches, claim.within)
    for number in range(CASES):
        case = small_case(random, by_hand=claim.scope == "any case", **sampler)
        assert not referee.violated(case), f"{policy!r}\n{case!r}\n{found!r}"
        assert number % 100 or not referee.violated_slowly(case), f"{policy!r}\n{case!r}\n{found!r}"
    assert referee.tried > CASES // 20 or not found.rules, f"hardly any case is one that it speaks of\n{found!r}"


@pytest.mark.parametrize("scope", ["new case", "any case"])
def test_what_is_proved_no_random_case_refutes_and_what_is_refuted_is_violated(scope):
    """Proofs survive a plain sampler's cases; refutations are found by asking at many instants as well."""
    random = Random(f"prove {scope}")
    verdicts: dict[str, int] = {}
    for number in range(CLAIMS):
        policy = timed_small_policy(random)
        condition, within = random.choice(CONDITIONS), Span.parse(random.choice(CLAIM_SPANS))
        reaches = random.choice(("l2", "l3"))
        found = prove(policy, when=condition, reaches=reaches, within=within, scope=scope, budget=60_000)
        verdicts[type(found).__name__] = verdicts.get(type(found).__name__, 0) + 1
        if isinstance(found, Refuted):
            referee = Referee(policy, condition, reaches, within)
            assert found.still_reproduces
            assert referee.violated(found.case), f"{policy!r}\n{found}\n{found.case!r}"
            assert referee.violated_slowly(found.case), f"{policy!r}\n{found}\n{found.case!r}"
        if isinstance(found, Proved):
            survives(Random(f"cases {scope} {number}"), policy, found)
    assert verdicts["Proved"] > (30 if THOROUGH else 5)
    assert verdicts["Refuted"] > 5


@pytest.mark.parametrize(("rules", "question"), FRAGMENT)
def test_each_proof_of_the_fragment_survives_random_cases(rules, question):
    """What the documentation names as provable, of cases of every priority that the rules look at."""
    priorities = (*PRIORITIES, "urgent")
    policy = desk(*rules, priorities=priorities, facts=OWN_FACTS)
    found = prove(policy, **{"reaches": "l2", **question})
    assert isinstance(found, Proved)
    survives(Random(f"fragment {rules} {question}"), policy, found, priorities=priorities)


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_fast_referee_finds_what_the_slow_one_finds(by_hand):
    """On claims of which most are false: what is found by asking at many instants is found by being told of changes."""
    random = Random(f"referees {by_hand}")
    broken = 0
    for _ in range(400 if THOROUGH else 40):
        policy = timed_small_policy(random)
        within, reaches = Span.parse(random.choice(CLAIM_SPANS)), random.choice(("l2", "l3"))
        referee = Referee(policy, random.choice(CONDITIONS), reaches, within)
        for _ in range(5):
            case = small_case(random, by_hand=by_hand)
            slowly = referee.violated_slowly(case)
            assert referee.violated(case) or not slowly, f"{policy!r}\n{case!r}"
            broken += slowly
    assert broken > 20


@settings(max_examples=60)
@given(situations())
def test_a_rule_that_decide_reports_is_covered(situation):
    """Whatever a decision gives as the rules of its moves has been exercised, and so have the levels."""
    policy, case, at = situation
    note(f"{policy!r}\n{case!r}\n{at!r}")
    decision = decide(policy, case, at=at)
    found = coverage(policy, [(case, at)])
    hit = {one.rule for one in found.rules if one.cases}
    assert {name for move in decision.moves for name in move.rules} <= hit
    assert {level for level in levels_of(decision).values() if level} <= {
        one.level for one in found.levels if one.cases
    }
    assert all(0 <= one.held + one.failed + one.unknown <= 3 for one in found.atoms)
    assert all(one.held or one.failed or one.unknown for one in found.atoms)


def asked(policy, edge):
    """Whether a decision at an edge has its rule, in a move, a blocked move or an action."""
    decision = decide(policy, edge.case, at=edge.at)
    moves = [*decision.moves, *(one.move for one in decision.blocked)]
    return edge.rule in {name for move in moves for name in move.rules} | {one.rule for one in decision.actions}


def test_edges_of_small_policies_are_right():
    """On random policies whose rules look at state alone, each edge is on the side that it says."""
    random = Random("edges")
    for _ in range(20):
        policy = small_policy(random)
        for edge in edges(policy):
            assert asked(policy, edge) == edge.asks, f"{policy!r}\n{edge!r}"
