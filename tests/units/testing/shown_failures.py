"""Three promises that three policies break: the failures that the how-to page shows."""

from __future__ import annotations

from escalation_rules import BusinessCalendar, EscalationLevel, Pick, Policy, Rule, Target, presets
from escalation_rules import facts as F
from escalation_rules.testing import invariant, more_urgent_never_slower

__all__ = ["STORIES"]

DESK = Policy(
    name="desk",
    version="1",
    calendars={"office": BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"})},
    calendar="office",
    priorities=("low", "high"),
    levels=(EscalationLevel(key="first", owner="analyst"), EscalationLevel(key="manager", owner="manager")),
    rules=Rule(key="left alone", when=F.unanswered_for >= "4 business hours", to="manager"),
    targets=Target.resolution(Pick(by="priority", values={"low": "4 hours"}, otherwise="4 business hours")),
)


@invariant("no customer waits a day for an answer without a manager knowing")
def a_manager_knows(run):
    """The rule counts business hours, and a day has 24 of the others."""
    for step in run.steps:
        if step.is_live and step.fact("unanswered_for") >= "1 day":
            assert step.level == "manager", f"the case is on `{step.level}`"


@invariant("an escalation that was asked for never waits two hours")
def taken_up(run):
    """Four questions come first, and nobody has to answer them in time."""
    for step in run.steps:
        if step.is_live and step.fact("escalation_request_open") and step.fact("open_for") >= "2 hours":
            assert step.level == "escalated", f"the request is still in the `{step.level}` process"


STORIES = ((a_manager_knows, DESK), (more_urgent_never_slower, DESK), (taken_up, presets.support_request()))
