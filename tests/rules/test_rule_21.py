"""Rule 21: the highest wins."""

from __future__ import annotations

from escalation_rules import Rule, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import check
from tests.bench import after, desk, levels_reached, opened, when

LONG = Rule(key="long", when=F.open_for >= "2 hours", to="l2")


def test_over_time_one_more_rule_can_lead_to_a_lower_level():
    """Rule 21: an earlier, lower move restarts the time that is measured from level entry."""
    long, early = (
        Rule(key="r1", when=F.at_level_for >= "4 hours", to="l2"),
        Rule(key="r2", when=F.open_for >= "3 hours", to="l1"),
    )
    ladder = ("l0", "l1", "l2")
    assert levels_reached(desk(long, levels=ladder), opened(), after(5)) == ["l2"]
    assert levels_reached(desk(long, early, levels=ladder), opened(), after(5)) == ["l1"]


def test_the_highest_wins_in_any_order_and_no_rule_lowers():
    """Rule 21: both orders of two rules give the higher level, and a rule to a level below gives no move."""
    rules = (Rule(key="a", when=F.open_for >= "1 hour", to="l2"), Rule(key="b", when=F.open_for >= "1 hour", to="l3"))
    assert decide(desk(*rules), opened(), at=after(1)).moves == decide(desk(*rules[::-1]), opened(), at=after(1)).moves
    assert levels_reached(desk(*rules), opened(), after(1)) == ["l3"]
    assert levels_reached(desk(rules[0]), opened(E.Escalated(at=after(0), to="l3")), after(2)) == []


def test_the_highest_level_that_a_holding_rule_names_wins():
    """Rule 21: it wins over a rule whose time has come."""
    policy = desk(LONG, Rule(key="high", when=F.priority >= "high", to="l3"))
    assert [move.to for move in decide(policy, opened(priority="high"), at=when("mon 12:00")).moves] == ["l3"]


def test_check_warns_of_a_rule_that_lowers_the_outcome():
    """Rule 21: `check` finds the counterexample."""
    rules = (
        Rule(key="r1", when=F.at_level_for >= "4 hours", to="l2"),
        Rule(key="r2", when=F.open_for >= "3 hours", to="l1"),
    )
    policy = desk(*rules, levels=("l0", "l1", "l2"), targets=(Target.resolution(within="8 hours"),))
    assert [one.code for one in check(policy).findings] == ["lowers-the-outcome"]
