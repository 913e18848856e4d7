"""Rule 25: going down."""

from __future__ import annotations

import pytest

from escalation_rules import Checklist, EscalationLevel, Pick, Rule, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.audit import audit
from escalation_rules.decision import levels_of
from tests.bench import accepted, after, desk, levels, opened, when

ASKED = E.EscalationRequested(at=after(1))
WANTED = Rule(key="asked", when=F.escalation_request_open, to="l2")


def answered(item, hour, answer="yes", **more):
    return E.ItemAnswered(at=after(hour), item=item, answer=answer, **more)


DOWN = desk(
    WANTED,
    levels=(
        "l1",
        EscalationLevel(
            key="l2", de_escalation=Checklist.of(a="Agreed"), work=Checklist.of(w="Done"), min_stay="4 hours"
        ),
    ),
)


def test_de_escalation_has_the_missing_items_and_the_earliest_instant():
    """Rule 25: answers for the exit count for this stay on the level."""
    case = accepted(DOWN, opened(answered("a", 0), ASKED), after(1))
    way_out = decide(DOWN, case, at=after(1)).de_escalation["main"]
    assert ([one.key for one in way_out.missing], way_out.until) == (["a"], after(5))
    case = case.record(
        answered("a", 2), E.DeEscalated(at=after(5), to="l1", reason="calm"), E.EscalationRequested(at=after(6))
    )
    assert [
        one.key for one in decide(DOWN, accepted(DOWN, case, after(6)), at=after(6)).de_escalation["main"].missing
    ] == ["a"]


@pytest.mark.parametrize(
    ("hour", "agreed", "kinds"),
    [(3, True, ["de-escalation-before-min-stay"]), (6, False, ["de-escalation-without-checklist"]), (5, True, [])],
)
def test_a_deescalation_without_its_exit_is_a_fact_and_a_finding(hour, agreed, kinds):
    """Rule 25: the case is on the lower level, and the audit finds the de-escalation."""
    case = accepted(DOWN, opened(ASKED), after(1)).record(
        *([answered("a", 2)] if agreed else []), E.DeEscalated(at=after(hour), to="l1", reason="calm")
    )
    assert levels_of(decide(DOWN, case, at=after(hour))) == {"main": "l1"}
    assert [one.code for one in audit(DOWN, case, at=after(hour)).findings if "escalation" in one.code] == kinds


def test_work_and_exit_answers_live_for_the_stay():
    """Rule 25: on the next level the work is owed again."""
    work = Checklist.of(reviewed="Reviewed")
    policy = desk(levels=levels(l1={"work": work}, l2={"work": work}))
    case = opened(E.ItemAnswered(at=when("mon 10:00"), item="reviewed"), E.Escalated(at=when("mon 11:00"), to="l2"))
    assert [len(decide(policy, case, at=when(at)).worklist) for at in ("mon 10:00", "mon 11:00")] == [0, 1]
    undone = case.record(E.ItemAnswered(at=when("mon 12:00"), item="reviewed", answer="no"))
    assert len(decide(policy, undone, at=when("mon 12:00")).worklist) == 1


def test_a_de_escalation_needs_its_checklist_and_waits_for_the_minimum_stay():
    """Rule 25: `de_escalation` has the missing items and the end of the minimum stay; neither holds back a rise."""
    policy = desk(
        Rule(key="failed", when=F.level_failed, to="next"),
        levels=levels(l2={"de_escalation": Checklist.of(agreed="Customer agrees"), "min_stay": "4 business hours"}),
    )
    case = opened(E.Escalated(at=when("mon 10:00"), to="l2"))
    assert decide(policy, case, at=when("mon 09:30")).de_escalation == {}
    exit_now = decide(policy, case, at=when("mon 12:00")).de_escalation["main"]
    assert ([item.key for item in exit_now.missing], exit_now.until) == (["agreed"], when("mon 14:00"))
    later = decide(
        policy, case.record(E.ItemAnswered(at=when("mon 13:00"), item="agreed")), at=when("mon 14:00")
    ).de_escalation["main"]
    assert later.is_open
    assert not exit_now.is_open
    failed = case.record(E.LevelFailed(at=when("mon 11:00")))
    assert decide(policy, failed, at=when("mon 11:00")).move.to == "l3"


def test_a_minimum_stay_may_depend_on_the_priority():
    """Rule 25: an urgent case stays for a business day, any other may go down at once."""
    stay = Pick(by="priority", values={"urgent": "1 business day"})
    policy = desk(levels=levels(l2={"min_stay": stay}))
    for priority, until in (("urgent", when("tue 17:00")), ("low", None)):
        case = opened(E.Escalated(at=when("mon 10:00"), to="l2"), priority=priority)
        exit_ = decide(policy, case, at=when("mon 11:00")).de_escalation["main"]
        assert exit_.until == until
