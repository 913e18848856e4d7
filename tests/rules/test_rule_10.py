"""Rule 10: what counts as a reply."""

from __future__ import annotations

import pytest

from escalation_rules import Rule, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.engine.probe import holds
from escalation_rules.explain import phrase
from tests.bench import after, desk, opened, when

AT = when("mon 10:00")


@pytest.mark.parametrize(
    "noise",
    [
        E.SupportReplied(at=after(1), public=False),
        E.SupportReplied(at=after(1), automatic=True),
        E.SupportReplied(at=after(1), actor="automation"),
        E.Assigned(at=after(1), person="bob"),
        E.Acknowledged(at=after(1)),
    ],
)
def test_an_event_that_is_no_counting_reply_stops_no_clock(noise):
    """Rule 10: a reply that no person wrote, or that the customer could not see, stops neither clock nor rule."""
    policy = desk(
        Rule(key="r", when=F.unanswered_for >= "2 hours", to="l2"), targets=(Target.first_response(within="3 hours"),)
    )
    decision = decide(policy, opened(noise), at=after(2))
    assert decision.move.due_at == after(2)
    assert decision.deadline("first_response").outcome == "pending"


@pytest.mark.parametrize(
    ("reply", "counts"),
    [
        (E.SupportReplied(at=AT), True),
        (E.SupportReplied(at=AT, public=False), False),
        (E.SupportReplied(at=AT, automatic=True), False),
        (E.SupportReplied(at=AT, actor="automation"), False),
        (E.SupportReplied(at=AT, actor="customer"), False),
    ],
)
def test_a_reply_counts_when_a_human_wrote_it_and_the_customer_could_see_it(reply, counts):
    """Rule 10: internal notes, automatic acknowledgements and the host's own automation never count."""
    assert reply.counts == counts == E.COUNTING_REPLY.matches(reply)


TWO_HOURS = {"resolved": F.resolved_for >= "2 hours", "silent": F.customer_silent_for >= "2 hours"}


def lasts(name, case, at):
    """Whether a fact has lasted two hours at an instant, as a rule of a policy sees it."""
    return holds(desk(), TWO_HOURS[name], case, at=at)


def test_resolved_for_counts_from_the_first_resolution():
    """Rule 10: resolving again changes nothing; reopening, closing and voiding end it."""
    resolved = opened(E.Resolved(at=after(1)), E.Resolved(at=after(2)))
    assert not lasts("resolved", resolved, after(2.9))
    assert lasts("resolved", resolved, after(3))
    for end in (E.Reopened(at=after(4)), E.Closed(at=after(4)), E.Voided(at=after(4), reason="spam")):
        assert not lasts("resolved", resolved.record(end), after(4))
    assert not lasts("resolved", opened(), after(9))


def test_customer_silent_for_counts_from_our_last_reply_that_the_customer_has_not_answered():
    """Rule 10: automation and notes do not count; a message of the customer ends it, a reopening begins anew."""
    for said in (E.SupportReplied(at=after(1)), E.UpdateSent(at=after(1), audience="customer")):
        waiting = opened(said)
        assert lasts("silent", waiting, after(3))
        assert not lasts("silent", waiting, after(2.9))
        assert not lasts("silent", waiting.record(E.CustomerReplied(at=after(2))), after(9))
        assert not lasts("silent", waiting.record(E.SupportReplied(at=after(2))), after(3.9))
        assert not lasts("silent", waiting.record(E.Resolved(at=after(2)), E.Reopened(at=after(3))), after(9))
    for noise in (
        E.SupportReplied(at=after(1), automatic=True),
        E.SupportReplied(at=after(1), public=False),
        E.UpdateSent(at=after(1), audience="management"),
        E.UpdateSent(at=after(1), audience="customer", actor="automation"),
    ):
        assert not lasts("silent", opened(noise), after(9))


def test_unanswered_for_counts_from_the_oldest_message_without_a_reply():
    """Rule 10: a second message does not make the first one younger; a counting reply answers them all."""
    twice = opened(E.SupportReplied(at=after(1)), E.CustomerReplied(at=after(2)), E.CustomerReplied(at=after(3)))
    policy = desk()
    assert holds(policy, F.unanswered_for >= "2 hours", twice, at=after(4))
    assert not holds(policy, F.unanswered_for >= "2 hours", twice, at=after(3.9))
    assert not holds(policy, F.unanswered_for >= "2 hours", twice.record(E.SupportReplied(at=after(4))), at=after(9))


def test_replies_and_questions_for_the_status_are_counted_in_the_cycle():
    """Rule 10: a reopening begins both counts anew, and requests go on for the life of the case."""
    case = opened(
        E.SupportReplied(at=after(1)),
        E.CustomerReplied(at=after(2), asks_for_status=True, asks_to_escalate=True),
        E.Resolved(at=after(3)),
    )
    policy, counts = desk(), (F.replies >= 1, F.status_requests >= 1, F.escalation_requests >= 1)
    assert [holds(policy, one, case, at=after(3)) for one in counts] == [True, True, True]
    again = case.record(E.Reopened(at=after(4)))
    assert [holds(policy, one, again, at=after(4)) for one in counts] == [False, False, True]


def test_each_pattern_is_seen_by_itself():
    """Rule 10: one policy may watch for several kinds of events, each with an evidence of its own."""
    policy = desk(
        Rule(key="called", when=F.happened(E.CallHeld.like()), to="l2"),
        Rule(key="reviewed", when=F.happened(E.Reviewed.like()), to="l3"),
    )
    decision = decide(policy, opened(E.Reviewed(at=after(1), what="logs")), at=after(2))
    assert [(move.to, move.rules) for move in decision.moves] == [("l3", ("reviewed",))]


def test_the_new_facts_have_words():
    """Rule 10: an explanation names a fact by the words of its row."""
    assert phrase(TWO_HOURS["resolved"]) == "resolved for 2 hours"
    assert phrase(TWO_HOURS["silent"]) == "without a word from the customer for 2 hours"
