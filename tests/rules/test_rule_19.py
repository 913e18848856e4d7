"""Rule 19: what is asked."""

from __future__ import annotations

import pytest

from escalation_rules import Rule, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.conditions import AllOf
from tests.bench import MICROSECOND, after, desk, moves, opened, when

FAILED = Rule(key="failed", when=F.level_failed, to="next")
ASKED = Rule(key="asked", when=F.escalation_request_open, to="l2")
LONG = Rule(key="long", when=F.open_for >= "2 hours", to="l2")


@pytest.mark.parametrize(
    ("reply", "found"),
    [(after(4) - MICROSECOND, None), (after(4), None), (after(4) + MICROSECOND, False), (after(9), None)],
)
def test_later_events_do_not_cancel_a_move_that_was_due(reply, found):
    """Rule 19: answered in time there is no move; answered later it is still due and its rule no longer holds."""
    policy = desk(Rule(key="r", when=F.unanswered_for >= "4 hours", to="l2"))
    move = decide(policy, opened(E.SupportReplied(at=reply)), at=after(6)).move
    if reply == after(9):
        assert (move.due_at, move.still_holds) == (after(4), True)
    else:
        assert (move and move.still_holds) == found


def test_a_declined_move_is_not_asked_again_and_the_next_cause_is():
    """Rule 19: declining says no for this key only."""
    policy = desk(Rule(key="r", when=F.unanswered_for >= "4 hours", to="l2"))
    case = opened(E.Declined(at=after(6), key=decide(policy, opened(), at=after(6)).move.key, reason="spoken to"))
    assert decide(policy, case, at=after(600)).move is None
    again = case.record(E.SupportReplied(at=after(7)), E.CustomerReplied(at=after(8)))
    assert moves(policy, again, after(12)) == [("l2", after(12))]


def test_no_move_before_the_policy_is_effective():
    """Rule 19: the move is due when the policy comes into force, and the decision wakes for it."""
    policy = desk(Rule(key="r", when=F.open_for >= "4 hours", to="l2"), effective_from=after(10), backlog="include")
    assert (
        decide(policy, opened(), at=after(10) - MICROSECOND).moves,
        decide(policy, opened(), at=after(5)).wake_at,
    ) == ((), after(10))
    assert moves(policy, opened(), after(12)) == [("l2", after(10))]


def test_a_rule_about_the_stay_still_holds_of_the_stay_that_the_move_left():
    """Rule 19: the level failed, and that stays true although the case now belongs elsewhere."""
    case = opened(E.LevelFailed(at=when("mon 10:00")))
    assert decide(desk(FAILED), case, at=when("mon 12:00")).move.still_holds


def test_no_move_is_made_before_the_policy_is_in_force():
    """Rule 19: what was wanted before falls due when the policy comes into force."""
    policy = desk(LONG, effective_from=when("mon 15:00"), backlog="include")
    assert moves(policy, opened(), "mon 14:59") == []
    assert moves(policy, opened(), "mon 15:00") == [("l2", when("mon 15:00"))]
    assert decide(policy, opened(), at=when("mon 12:00")).wake_at == when("mon 15:00")


def test_declining_says_no_for_good_to_that_cause():
    """Rule 19: another rule may ask for the same level later."""
    policy = desk(ASKED, LONG)
    case = opened(E.EscalationRequested(at=when("mon 10:00")))
    key = decide(policy, case, at=when("mon 10:00")).move.key
    declined = case.record(E.Declined(at=when("mon 10:10"), key=key, reason="handled"))
    assert moves(policy, declined, "mon 10:59") == []
    assert moves(policy, declined, "mon 12:00") == [("l2", when("mon 11:00"))]


NOTICE = A.Notify("boss")
OLD = {
    "a duration": (F.open_for >= "1 hour", ()),
    "a request": (F.escalation_request_open.as_condition(), (E.EscalationRequested(at=after(1)),)),
    "a priority": (F.priority == "urgent", ()),
    "no evidence at all": (AllOf(of=()), ()),
}


@pytest.mark.parametrize("what", OLD)
def test_what_happened_before_the_policy_is_passed_over_for_good(what):
    """Rule 19: a case of last year asks for nothing at go-live, unless the backlog is included (report D9)."""
    condition, events = OLD[what]
    case = opened(*events, priority="urgent")
    for backlog, expected in (("ignore", []), ("include", [("l2", after(10))])):
        policy = desk(
            Rule(key="r", when=condition, to="l2", then=NOTICE),
            priorities=("normal", "urgent"),
            effective_from=after(10),
            backlog=backlog,
        )
        assert moves(policy, case, after(99)) == expected
        assert [one.due_at for one in decide(policy, case, at=after(99)).actions] == [due for _, due in expected]


def test_what_happens_after_the_policy_is_in_force_counts_as_ever():
    """Rule 19: a duration that is reached at the very instant is not before it, and a later request is asked."""
    asked = Rule(key="r", when=F.escalation_request_open, to="l2")
    long = Rule(key="long", when=F.open_for >= "10 hours", to="l3")
    case = opened(E.EscalationRequested(at=after(1)))
    assert moves(desk(asked, long, effective_from=after(10)), case, after(99)) == [("l3", after(10))]
    policy = desk(asked, effective_from=after(10))
    assert moves(policy, case.record(E.EscalationRequested(at=after(12))), after(99)) == [("l2", after(12))]
    assert "it was so before the policy came into force" in str(decide(policy, case, at=after(11)).explain())
