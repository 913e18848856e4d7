"""A clock by itself: due, resumed, and its segments, worked out by hand. The office is open from 9 to 17."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation_rules.errors import EscalationRulesError
from escalation_rules.worktime import Span
from escalation_rules.worktime.clocks import Clock, Leg
from tests.bench import OFFICE, when


def clock(*legs: Leg, budget: timedelta = timedelta(hours=4)) -> Clock:
    return Clock(legs=legs, budget=budget)


def test_a_clock_without_a_budget_is_due_when_it_starts():
    """Nothing is allowed."""
    assert clock(Leg(since=when("mon 10:00"), calendar=OFFICE), budget=timedelta(0)).due_at == when("mon 10:00")


def test_a_clock_that_was_due_before_a_pause_stays_due_then():
    """Nine to one is four hours; the pause at two comes too late, also for resuming."""
    late = clock(
        Leg(since=when("mon 09:00"), calendar=OFFICE), Leg(since=when("mon 14:00"), calendar=OFFICE, paused="customer")
    )
    assert late.due_at == when("mon 13:00")
    assert late.due_if_resumed(when("tue 09:00")) == when("mon 13:00")


def test_a_clock_on_no_calendar_counts_all_time():
    """One segment, day and night."""
    always = clock(Leg(since=when("mon 16:00")), budget=timedelta(hours=20))
    assert always.due_at == when("tue 12:00")
    [only] = always.segments(when("tue 12:00"))
    assert (only.counted, only.why, only.length) == (True, "running", timedelta(hours=20))


@pytest.mark.parametrize("text", ["P1DT1H", "P", "PT", "nonsense"])
def test_a_duration_that_is_no_span_is_refused(text):
    """Days and clock time are different things; nothing is no duration."""
    with pytest.raises(EscalationRulesError, match=f"not a span of time `{text}`"):
        Span.parse(text)


def test_no_time_is_a_span():
    """Of zero seconds."""
    assert Span.parse("PT0S") == Span(0, "seconds")
