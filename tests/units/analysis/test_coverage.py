"""`coverage` counts what cases exercise, all three values; `edges` stand on either side of every threshold."""

from __future__ import annotations

from datetime import datetime

import pytest

from escalation_rules import Pick, Rule, Target, decide, presets
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import coverage, diff, edges
from escalation_rules.errors import InvalidValue
from tests.bench import MICROSECOND, desk, opened, when

LATE = Rule(key="late", when=(F.open_for >= "4 business hours") & ~F.flag("muted"), to="l2")
POLICY = desk(LATE, facts=(F.flag("muted"),))


def figures(found):
    return [(one.text, one.held, one.failed, one.unknown) for one in found.atoms]


def test_an_empty_set_of_cases_exercises_nothing():
    """Everything is missing."""
    found = coverage(POLICY, [])
    assert found.missing == (
        "the rule `late` never asked for anything",
        "`open for 4 business hours` of `late` never held",
        "`muted is not true` of `late` never held",
        "`open for 4 business hours` of `late` never failed to hold",
        "`muted is not true` of `late` never failed to hold",
        "no case was on `l1`",
        "no case was on `l2`",
        "no case was on `l3`",
    )
    assert str(found).startswith("0 cases: 0 of 1 rules, 0 of 2 comparisons both ways, 0 of 3 levels\n")


def test_all_three_values_are_counted():
    """A missing fact is unknown: neither the comparison nor its opposite holds."""
    unknown = (opened(), when("mon 15:00"))
    muted = (opened(facts={"muted": True}), when("mon 12:00"))
    clear = (opened(facts={"muted": False}), when("mon 13:00"))
    found = coverage(POLICY, [unknown, muted, clear])
    assert figures(found) == [("open for 4 business hours", 2, 3, 0), ("muted is not true", 1, 1, 1)]
    assert [one.cases for one in found.rules] == [1]
    assert [(one.level, one.cases) for one in found.levels] == [("l1", 3), ("l2", 1), ("l3", 0)]


def test_a_case_alone_is_followed_to_its_last_event():
    """What would come later does not count, unless an instant is given."""
    case = opened(E.CustomerReplied(at=when("mon 10:00")), facts={"muted": False})
    assert coverage(POLICY, [case]).rules[0].cases == 0
    assert coverage(POLICY, [case.record(E.CustomerReplied(at=when("mon 13:00")))]).rules[0].cases == 1
    assert coverage(POLICY, [(case, when("mon 12:59"))]).rules[0].cases == 0


def test_what_time_changes_between_events_counts():
    """A rule at work between two events is seen, though a later event undoes what it asked for."""
    case = opened(E.DeEscalated(at=when("mon 16:00"), to="l1"), facts={"muted": False})
    found = coverage(POLICY, [case])
    assert (found.rules[0].cases, found.levels[1].cases) == (1, 1)


def test_events_after_the_instant_do_not_exist():
    """Rule 8: what happens later is not looked at."""
    case = opened(E.FactChanged(at=when("tue 09:00"), name="muted", value=False))
    assert figures(coverage(POLICY, [(case, when("mon 10:00"))])) == [
        ("open for 4 business hours", 0, 1, 0),
        ("muted is not true", 0, 0, 1),
    ]


def test_what_happened_and_what_did_not_are_both_known():
    """A pattern is never unknown."""
    policy = desk(Rule(key="r", when=F.happened(E.CustomerReplied.like()), then=A.Tag("look")))
    case = opened(E.CustomerReplied(at=when("mon 10:00")))
    assert [(one.held, one.failed, one.unknown) for one in coverage(policy, [case]).atoms] == [(1, 1, 0)]
    assert coverage(policy, [case]).rules[0].cases == 1


def test_a_naive_instant_is_refused():
    """Rule 1."""
    with pytest.raises(InvalidValue, match="naive datetime"):
        coverage(POLICY, [(opened(), datetime(2026, 3, 2))])  # noqa: DTZ001


# ---------------------------------------------------------------------------- edges


def asked(policy, edge):
    """Whether a decision at an edge has its rule, in a move, a blocked move or an action."""
    decision = decide(policy, edge.case, at=edge.at)
    moves = [*decision.moves, *(one.move for one in decision.blocked)]
    return edge.rule in {name for move in moves for name in move.rules} | {one.rule for one in decision.actions}


MIXED = desk(
    Rule(key="slow", when=F.unanswered_for >= "4 business hours", to="l2"),
    Rule(key="often", when=(F.status_requests >= 3) & (F.priority >= "high"), to="l3"),
    Rule(key="big", when=(F.count("seats") > 10) | F.flag("down"), then=A.Tag("look")),
    Rule(key="nearly", when=F.used("first_response") >= "3/4", then=A.Tag("hurry")),
    Rule(
        key="choice",
        when=F.open_for >= Pick(by="priority", values={"urgent": "1 hour"}, otherwise="2 hours"),
        then=A.Tag("old"),
    ),
    Rule(key="never", when=(F.replies >= 2) & (F.replies < 1), to="l2"),
    Rule(key="always", when=F.replies >= 0, then=A.Tag("seen")),
    Rule(key="in between", when=F.escalation_requests == 2, then=A.Tag("twice")),
    facts=(F.count("seats", minimum=0, maximum=50), F.flag("down")),
    targets=(Target.first_response("4 business hours"),),
)


def test_edges_stand_on_either_side_of_each_threshold():
    """Just past it the rule asks, just short of it nothing; by `decide`."""
    found = edges(MIXED)
    for edge in found:
        assert asked(MIXED, edge) == edge.asks, edge
    sides: dict[tuple[str, str], set[bool]] = {}
    for edge in found:
        sides.setdefault((edge.rule, edge.text), set()).add(edge.asks)
    both = {key for key, asks in sides.items() if asks == {True, False}}
    assert both == {
        ("slow", "unanswered for 4 business hours"),
        ("often", "times the customer asked for the status: 3 or more"),
        ("often", "priority is high or above"),
        ("big", "seats is more than 10"),
        ("big", "down is true"),
        ("nearly", "75 % of target first_response is used up"),
        ("choice", "open for by priority: 1 hour if urgent, else 2 hours"),
        ("in between", "requests for escalation: 2"),
    }
    assert {key for key in sides if key not in both} == set()


def test_a_duration_s_edge_is_a_microsecond_wide():
    """The last instant without the move, and the first with it."""
    before, after = (edge for edge in edges(MIXED) if edge.rule == "slow")
    assert after.at - before.at == MICROSECOND
    assert after.at == when("mon 13:00")


def test_a_count_s_edge_is_one_apart():
    """Two requests do not do what three do."""
    found = {edge.asks: edge.case for edge in edges(MIXED) if edge.rule == "often" and "status" in edge.text}
    requests = {asks: sum(event.type == "CustomerReplied" for event in case.history) for asks, case in found.items()}
    assert requests == {True: 3, False: 2}


def test_without_steps_there_are_no_edges():
    """The budget is a number of steps."""
    assert edges(MIXED, budget=1) == ()


@pytest.mark.parametrize("name", presets.__all__)
def test_edges_of_a_preset_exercise_its_rules(name):
    """The corpus of a published process reaches every rule from both sides."""
    policy = getattr(presets, name)()
    found = coverage(policy, [(edge.case, edge.at) for edge in edges(policy)])
    assert [line for line in found.missing if line.startswith("the rule")] == []


@pytest.mark.parametrize("given", [opened(), ["C-1"], [("C-1", when("mon 09:00"))], [(opened(),)]])
def test_what_is_not_a_list_of_cases_is_refused(given):
    """One case alone is not several, and an id is not a case; the same for a table of before and after."""
    with pytest.raises(InvalidValue, match="case"):
        coverage(desk(), given)
    with pytest.raises(InvalidValue, match="case"):
        diff(desk(), desk()).on(given)
