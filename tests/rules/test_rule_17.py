"""Rule 17: several things at one instant."""

from __future__ import annotations

from escalation_rules import Rule, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import after, deadline, desk, opened, when

NEXT = Target.next_response(within="2 hours")


def test_events_at_one_instant_apply_in_position_order():
    """Rule 17: a message and then its answer is met, an answer and then a message is pending."""
    begun = E.SupportReplied(at=after(1))
    answered = opened(begun, E.CustomerReplied(at=after(2)), E.SupportReplied(at=after(2)))
    asked = opened(begun, E.SupportReplied(at=after(2)), E.CustomerReplied(at=after(2)))
    assert deadline(NEXT, answered, after(2)).outcome == "met"
    assert deadline(NEXT, asked, after(2)).outcome == "pending"


def test_one_event_stops_a_clock_before_it_starts_it():
    """Rule 17: each review is due two hours after the last."""
    target = Target(key="t", within="2 hours", start_on=E.Reviewed.like(), stop_on=E.Reviewed.like())
    found = deadline(target, opened(E.Reviewed(at=after(1)), E.Reviewed(at=after(2))), after(2))
    assert (found.started_at, found.occurrence, found.outcome) == (after(2), 2, "pending")
    stopped = Target(key="t", within="2 hours", stop_on=E.WaitStarted.like())
    assert deadline(stopped, opened(E.WaitStarted(at=after(2))), after(3)).outcome == "met"


def test_rules_run_once_an_instant_after_its_events():
    """Rule 17: a reply at the very threshold prevents the move."""
    policy = desk(Rule(key="late", when=F.unanswered_for >= "2 hours", to="l2"))
    case = opened(E.SupportReplied(at=when("mon 11:00")))
    assert decide(policy, case, at=when("mon 12:00")).moves == ()
    assert decide(policy, opened(), at=when("mon 11:00")).move.to == "l2"


def test_as_evidence_a_crossing_counts_as_before_the_events_of_its_instant():
    """Rule 17: a move at the instant of a crossing is later than the crossing, so the rule does not climb on."""
    policy = desk(Rule(key="long", when=F.open_for >= "1 hour", to="next"))
    case = opened(E.Escalated(at=when("mon 10:00"), to="l2"))
    assert decide(policy, case, at=when("mon 12:00")).moves == ()
