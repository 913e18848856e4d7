"""Rule 8: history."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from escalation_rules import EscalationRulesError, Rule, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import MICROSECOND, after, desk, opened, when

NINE = when("mon 09:00")


def test_a_late_arrival_takes_its_place_by_instant():
    """Rule 8: events are ordered by instant, and at one instant by the order in which they arrived."""
    events = [E.CustomerReplied(at=after(hour), id=str(hour)) for hour in (1, 2, 3)]
    assert len({opened(*some) for some in permutations(events)}) == 1
    tied = opened(E.CustomerReplied(at=after(1), id="b"), E.CustomerReplied(at=after(1), id="a"))
    assert [event.id for event in tied.history[1:]] == ["b", "a"]


def test_events_after_at_do_not_exist():
    """Rule 8: the whole decision is the same with and without later events."""
    policy = desk(
        Rule(key="r", when=F.unanswered_for >= "1 hour", to="l2"), targets=(Target.resolution(within="8 hours"),)
    )
    future = opened(E.SupportReplied(at=after(2)), E.PriorityChanged(at=after(3), to="urgent"), E.Voided(at=after(4)))
    assert decide(policy, future, at=after(2) - MICROSECOND) == decide(policy, opened(), at=after(2) - MICROSECOND)


def test_an_event_before_the_opening_is_refused():
    """Rule 8: the case stays as it was."""
    case = opened()
    with pytest.raises(EscalationRulesError, match="event before the opening"):
        case.record(E.CustomerReplied(at=after(0) - MICROSECOND))
    assert len(case.history) == 1
    assert len(case.record(E.CustomerReplied(at=after(0))).history) == 2


def test_events_of_one_instant_keep_the_order_of_recording():
    """Rule 8: history is ordered by (instant, position)."""
    case = opened(E.CustomerReplied(at=when("mon 10:00")), E.SupportReplied(at=when("mon 10:00")))
    late = case.record(E.Acknowledged(at=when("mon 10:00")), E.WaitStarted(at=when("mon 09:30")))
    kinds = ["Opened", "WaitStarted", "CustomerReplied", "SupportReplied", "Acknowledged"]
    assert [event.type for event in late.history] == kinds


def test_at_is_inclusive_to_the_microsecond():
    """Rule 8: an event at `at` counts, one a microsecond later does not."""
    case = opened(E.Resolved(at=when("mon 10:00")))
    assert (case.status(at=when("mon 10:00")), case.status(at=when("mon 10:00") - MICROSECOND)) == ("resolved", "open")
    assert case.opened_at == NINE
    assert case.opened_at.utcoffset() == timedelta(0)
