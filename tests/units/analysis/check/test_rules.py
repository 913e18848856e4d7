"""Rules that are dead, redundant, without evidence, or lower the outcome."""

from __future__ import annotations

from typing import Any

import pytest

from escalation_rules import Checklist, EscalationLevel, Policy, Rota, Rule, Target, Track
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import check
from escalation_rules.analysis.workbench import Workbench
from tests.bench import desk, levels

NOTHING = E.other_than("attention", "expertise", "priority")
"""No request asks for anything else."""
WORK = Checklist.of(done="Everything is done")
UP = Rule(key="up", when=F.level_failed, to="next")


def ladder(*rules: Rule, **changes: Any) -> Policy:
    """A desk on whose levels there is always something to do, with a rule that goes up."""
    return desk(UP, *rules, **{"levels": levels(**{key: {"work": WORK} for key in ("l1", "l2", "l3")}), **changes})


def codes(policy: Policy, **more: Any) -> list[tuple[str, str]]:
    """What is found, by code and path."""
    return [(one.code, one.path) for one in check(policy, **more).findings]


def test_a_rule_without_any_room_above_it_is_dead_or_only_acts():
    """A move to where the case is already, or lower, is never made; with an action the rule still asks."""
    there = Rule(key="there", when=F.level >= "l2", to="l2")
    acting = Rule(key="acting", when=F.level >= "l3", to="next", then=A.Notify("ana"))
    assert codes(ladder(there, acting)) == [("dead-rule", "rules[there].to"), ("move-never-made", "rules[acting].to")]
    found = check(ladder(there)).findings[0]
    assert "already on `l2` or above" in found.message
    decision = found.witness.decide(ladder(there))
    assert (decision.positions["main"].level, decision.moves) == ("l2", ())
    assert "the highest level" in check(ladder(acting)).findings[0].message


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (F.status == "resolved", "status open or waiting together with `status is resolved`"),
        ((F.level == "l1") & F.acknowledged, "level l2 together with `level is l1`"),
        ((F.priority > "urgent") & F.acknowledged, "`priority is above urgent`"),
        ((F.choice("size") == "big") & ~(F.choice("size") == "big"), "`size is big` together with `size is not big`"),
        ((F.label("team") == "a") & (F.label("team") == "b"), "`team is a` together with `team is b`"),
        ((F.open_for >= "2 days") & (F.open_for < "1 week") & (F.open_for >= "8 days"), "less than 1 week"),
        ((F.open_for >= "3 months") & (F.open_for < "2 months"), "less than 2 months"),
        ((F.open_for >= "2 business days") & (F.open_for < "1 business day"), "less than 1 business day"),
        ((F.at_level_for >= "4 hours") & (F.open_for < "3 hours"), "open for less than 3 hours"),
        ((F.open_for >= "4 business hours") & (F.open_for < "3 hours"), "open for less than 3 hours"),
        (F.escalation_request_open & (F.escalation_requests < 1), "requests for escalation: fewer than 1"),
        ((F.overdue_for("resolution") >= "1 hour") & (F.outcome("resolution") == "met"), "target resolution is met"),
        (
            F.happened(E.CustomerReplied.like(topic="x"))
            & ~F.happened((E.CustomerReplied.like(topic="x"), E.Closed.like())),
            "no CustomerReplied",
        ),
        (F.happened(E.EscalationRequested.like(wants=NOTHING)), "EscalationRequested"),
    ],
)
def test_a_dead_rule_is_told_with_the_fewest_comparisons_that_exclude_one_another(condition, why):
    """Facts that depend on one another, domains, and what rules run on at all."""
    rule = Rule(key="dead", when=condition, to="l3", at_level="l2")
    facts = (F.choice("size", ("big", "small")), F.label("team"))
    policy = ladder(rule, facts=facts, targets=(Target.resolution("1 day"),))
    found = check(policy).of("dead-rule")
    assert [one.path for one in found] == ["rules[dead].when"]
    assert why in found[0].message


@pytest.mark.parametrize(
    "condition",
    [
        (F.label("team") == "another") & F.acknowledged,
        (F.label("team") != "another") & F.acknowledged,
        (F.open_for >= "4 hours") & (F.open_for < "3 business hours"),
        (F.unanswered_for >= "4 hours") & (F.open_for < "3 hours"),
        F.happened(E.ActionTaken.like(action=E.other_than("x"))),
        F.happened(E.PlanRevised.like(shared=True)),
        F.happened(E.CallHeld.like(participants="customer")),
        F.happened(E.CallHeld.like(participants=None)),
        F.happened(E.PriorityChanged.like()),
        F.happened(E.SupportReplied.like(public=E.ANY)),
        F.happened(E.EscalationRequested.like(wants=E.other_than("attention"))),
        (F.plan_items_overdue >= 2) & ~F.plan_has_backup,
        F.plan_has_backup.as_condition(),
        F.moves >= 1,
        F.used("resolution") >= 2,
        F.remaining("resolution") >= "30 minutes",
        F.outcome("resolution") == "met",
        F.status == "waiting",
        F.level.in_("l2", "l3") & ~F.level.in_("l3"),
    ],
)
def test_a_rule_that_can_hold_is_not_called_dead(condition):
    """What can come about has a case that shows it, found from the cells."""
    rule = Rule(key="alive", when=condition, then=A.Tag("look"))
    policy = ladder(
        rule, facts=(F.label("team"),), targets=(Target.resolution("1 hour", stop_on=E.Closed.like(), pause_on=()),)
    )
    assert check(policy).of("dead-rule") == ()
    board = Workbench(policy)
    if "ActionTaken" not in repr(condition) and "met" not in repr(condition):
        assert board.witness(rule) is not None or "open_for" in repr(condition)


def test_redundancy_needs_another_rule_that_is_as_free():
    """Not behind a checklist, not where the owner may be away, not without as fresh evidence."""
    high = Rule(key="high", when=F.priority >= "high", to="l3")
    urgent = Rule(key="urgent", when=F.priority >= "urgent", to="l2")
    ask = {"l3": {"entry": Checklist.of(known="Known?"), "work": WORK}, "l1": {"work": WORK}, "l2": {"work": WORK}}
    away = {**ask, "l3": {"owner": "ana", "if_nobody": "hold", "work": WORK}}
    rota = {"ana": Rota(person="ann")}
    assert ("redundant-rule", "rules[urgent]") in codes(ladder(high, urgent))
    assert ("redundant-rule", "rules[urgent]") not in codes(ladder(high, urgent, levels=levels(**ask)))
    free = high.model_copy(update={"checklist": "waived"})
    assert ("redundant-rule", "rules[urgent]") in codes(ladder(free, urgent, levels=levels(**ask)))
    assert ("redundant-rule", "rules[urgent]") not in codes(ladder(high, urgent, levels=levels(**away), rotas=rota))
    waived = urgent.model_copy(update={"checklist": "waived", "to": "l3"})
    assert ("redundant-rule", "rules[urgent]") not in codes(ladder(high, waived, levels=levels(**ask)))


def test_redundancy_of_next_rules_goes_by_evidence():
    """The same condition, or one of several: then the evidence is as late; otherwise a stale rule would not climb."""
    failed = Rule(key="failed", when=F.level_failed, to="next")
    either = Rule(key="either", when=F.level_failed | F.escalation_request_open, to="next")
    narrow = Rule(key="narrow", when=F.level_failed & (F.priority >= "high"), to="next")
    assert codes(desk(either, failed, levels=ladder().levels)) == [("redundant-rule", "rules[failed]")]
    assert codes(desk(failed, narrow, levels=ladder().levels)) == []
    top = Rule(key="top", when=F.level_failed, to="l3")
    assert codes(desk(top, narrow, levels=ladder().levels)) == [("redundant-rule", "rules[narrow]")]


def test_two_rules_may_cover_a_third_together():
    """Neither alone does."""
    rules = (
        Rule(key="low", when=F.priority <= "normal", to="l2"),
        Rule(key="high", when=F.priority > "normal", to="l3"),
        Rule(key="any", when=(F.priority >= "low") & F.acknowledged, to="l2"),
        Rule(key="other", when=F.replies >= 2, to="l2"),
    )
    (found,) = check(ladder(*rules)).of("redundant-rule")
    assert found.path == "rules[any]"
    assert "`low` or `high` ask for that level" in found.message


def test_the_same_said_twice_is_asked_twice():
    """Two rules that hold alike and ask alike; a third that asks more is another matter."""
    one = Rule(key="one", when=F.level_failed & F.acknowledged, then=A.Notify("ana"))
    two = one.model_copy(update={"key": "two"})
    more = one.model_copy(update={"key": "more", "then": (A.Notify("bo"),)})
    assert codes(ladder(one, two, more)) == [("duplicate-rule", "rules[two].then")]


@pytest.mark.parametrize(
    ("condition", "silent"),
    [
        (F.level <= "l2", True),
        (F.moves >= 1, True),
        (F.moves("main") >= 1, True),
        (~F.level_failed, True),
        (F.replies >= 0, True),
        (F.open_for >= "0 hours", True),
        ((F.level <= "l2") & (F.channel == "phone"), True),
        ((F.level <= "l2") & (F.priority >= "high"), False),
        (~F.level_failed | F.acknowledged, False),
        (F.level_failed.as_condition(), False),
    ],
)
def test_a_next_rule_needs_something_that_can_happen_later(condition, silent):
    """Rule 22: what is settled on coming to a level is no evidence for leaving it."""
    policy = ladder(Rule(key="up again", when=condition, to="next"))
    assert (("next-without-evidence", "rules[up again].when") in codes(policy)) == silent
    for finding in check(policy).of("next-without-evidence"):
        decision = finding.witness.decide(policy)
        assert decision.moves == ()
        assert "`up again`, to `next`\n    yes: " in decision.explain()


def test_moves_on_another_track_are_evidence():
    """Only moves on the rule's own track are settled on coming to a level."""
    tracks = (Track(key="a", levels=ladder().levels), Track(key="b", levels=EscalationLevel(key="m")))
    rules = (
        Rule(key="m", when=F.escalation_request_open, to="m"),
        Rule(key="along", when=F.moves >= 1, to="next", track="a"),
        Rule(key="own", when=F.moves("a") >= 1, to="next", track="a"),
        Rule(key="other", when=~F.level_failed("b"), to="next", track="a"),
    )
    assert codes(desk(*rules, tracks=tracks)) == [("next-without-evidence", "rules[own].when")]


def test_a_rule_lowers_the_outcome_where_what_the_other_waits_for_happens_after_its_move():
    """Two rules that may hold at once, the higher of which then wins; not so when the lower one has gone first."""
    high = Rule(key="high", when=F.priority >= "high", to="l2")
    down = Rule(key="down", when=F.flag("down"), to="l3", at_level="l1")
    policy = ladder(high, down, facts=(F.flag("down"),))
    found = {one.path: one for one in check(policy).of("lowers-the-outcome")}
    assert list(found) == ["rules[up]", "rules[high]"]
    assert "`down`, which would have taken it higher" in found["rules[high]"].message
    without = ladder(down, facts=(F.flag("down"),))
    shown = found["rules[high]"].witness
    assert [shown.decide(one).positions["main"].level for one in (policy, without)] == ["l2", "l3"]
    everywhere = down.model_copy(update={"at_level": ()})
    assert check(ladder(high, everywhere, facts=(F.flag("down"),))).of("lowers-the-outcome") == ()
