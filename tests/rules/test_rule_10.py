"""Rule 10: what counts as a reply."""

from __future__ import annotations

import pytest

from escalation_rules import Rule, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F
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
