"""Rule 25: going down."""

from __future__ import annotations

import pytest

from escalation_rules import Checklist, EscalationLevel, Pick, Rule, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.audit import audit
from tests.bench import accepted, after, desk, levels, opened, when

ASKED = E.EscalationRequested(at=after(1))
WANTED = Rule(name="asked", when=F.escalation_requested, to="l2")


def answered(item, hour, answer="yes", **more):
    return E.ItemConfirmed(at=after(hour), item=item, answer=answer, **more)


DOWN = desk(
    WANTED,
    levels=(
        "l1",
        EscalationLevel(key="l2", exit=Checklist.of(a="Agreed"), work=Checklist.of(w="Done"), cooldown="4 hours"),
    ),
)


def test_the_exit_says_what_is_missing_and_until_when():
    """Rule 25: answers for the exit count for this stay on the level."""
    case = accepted(DOWN, opened(answered("a", 0), ASKED), after(1))
    (way_out,) = decide(DOWN, case, at=after(1)).exits
    assert ([one.key for one in way_out.missing], way_out.until) == (["a"], after(5))
    case = case.record(
        answered("a", 2), E.DeEscalated(at=after(5), to="l1", reason="calm"), E.EscalationRequested(at=after(6))
    )
    assert [one.key for one in decide(DOWN, accepted(DOWN, case, after(6)), at=after(6)).exits[0].missing] == ["a"]


@pytest.mark.parametrize(
    ("hour", "agreed", "kinds"),
    [(3, True, ["de-escalation in cooldown"]), (6, False, ["de-escalation without checklist"]), (5, True, [])],
)
def test_a_deescalation_without_its_exit_is_a_fact_and_a_finding(hour, agreed, kinds):
    """Rule 25: the case is on the lower level, and the audit finds the de-escalation."""
    case = accepted(DOWN, opened(ASKED), after(1)).record(
        *([answered("a", 2)] if agreed else []), E.DeEscalated(at=after(hour), to="l1", reason="calm")
    )
    assert decide(DOWN, case, at=after(hour)).levels == {"main": "l1"}
    assert [one.kind for one in audit(DOWN, case, after(hour)).findings if "escalation" in one.kind] == kinds


def test_work_and_exit_answers_live_for_the_stay():
    """Rule 25: on the next level the work is owed again."""
    work = Checklist.of(reviewed="Reviewed")
    policy = desk(levels=levels(l1={"work": work}, l2={"work": work}))
    case = opened(E.ItemConfirmed(at=when("mon 10:00"), item="reviewed"), E.Escalated(at=when("mon 11:00"), to="l2"))
    assert [len(decide(policy, case, at=when(at)).owed) for at in ("mon 10:00", "mon 11:00")] == [0, 1]
    undone = case.record(E.ItemConfirmed(at=when("mon 12:00"), item="reviewed", answer="no"))
    assert len(decide(policy, undone, at=when("mon 12:00")).owed) == 1


def test_a_de_escalation_needs_the_exit_checklist_and_waits_for_the_cooldown():
    """Rule 25: `exits` says what is missing and until when the cooldown lasts; neither holds back a rise."""
    policy = desk(
        Rule(name="failed", when=F.level_failed, to="next"),
        levels=levels(l2={"exit": Checklist.of(agreed="Customer agrees"), "cooldown": "4 business hours"}),
    )
    case = opened(E.Escalated(at=when("mon 10:00"), to="l2"))
    assert decide(policy, case, at=when("mon 09:30")).exits == ()
    (exit_now,) = decide(policy, case, at=when("mon 12:00")).exits
    assert ([item.key for item in exit_now.missing], exit_now.until) == (["agreed"], when("mon 14:00"))
    (later,) = decide(
        policy, case.record(E.ItemConfirmed(at=when("mon 13:00"), item="agreed")), at=when("mon 14:00")
    ).exits
    assert later.is_open
    assert not exit_now.is_open
    failed = case.record(E.LevelFailed(at=when("mon 11:00")))
    assert decide(policy, failed, at=when("mon 11:00")).move.to == "l3"


def test_a_cooldown_may_depend_on_the_priority():
    """Rule 25: an urgent case stays for a business day, any other may go down at once."""
    cooldown = Pick(by="priority", values={"urgent": "1 business day"})
    policy = desk(levels=levels(l2={"cooldown": cooldown}))
    for priority, until in (("urgent", when("tue 17:00")), ("low", None)):
        case = opened(E.Escalated(at=when("mon 10:00"), to="l2"), priority=priority)
        (exit_,) = decide(policy, case, at=when("mon 11:00")).exits
        assert exit_.until == until
