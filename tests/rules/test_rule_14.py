"""Rule 14: met and breached."""

from __future__ import annotations

import pytest

from escalation_rules import Pick, Target
from escalation_rules import events as E
from tests.bench import MICROSECOND, after, clock, deadline, desk, opened, when

RESOLUTION = Target.resolution(within="8 hours")


@pytest.mark.parametrize(
    ("at", "outcome"), [(after(8) - MICROSECOND, "met"), (after(8), "met"), (after(8) + MICROSECOND, "breached")]
)
def test_met_at_or_before_due_and_breached_a_microsecond_later(at, outcome):
    """Rule 14: this holds of a clock that was stopped then and of one that still runs."""
    assert deadline(RESOLUTION, opened(E.Resolved(at=at)), after(9)).outcome == outcome
    assert deadline(RESOLUTION, opened(), at).outcome == ("breached" if outcome == "breached" else "pending")


def test_a_breach_is_never_undone():
    """Rule 14: a later priority with a longer span does not undo a breach."""
    spans = Pick(by="priority", values={"high": "1 business hour"}, otherwise="8 business hours")
    case = opened(E.PriorityChanged(at=when("mon 11:00"), to="low"), priority="high")
    found = clock(desk(targets=Target.resolution(spans)), case, "mon 12:00")
    assert (found.outcome, found.due_at) == ("breached", when("mon 10:00"))
