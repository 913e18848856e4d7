"""Targets that never apply, start or stop, and those slower for the more urgent."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from escalation_rules import Checklist, EscalationLevel, Pick, Policy, Rule, Target, Track
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import check
from tests.bench import desk, levels

NOTHING = E.other_than("attention", "expertise", "priority")
"""No request asks for anything else."""
WORK = Checklist.of(done="Everything is done")
UP = Rule(key="up", when=F.level_failed, to="next")


def ladder(*rules: Rule, **changes: Any) -> Policy:
    """A desk on whose levels there is always something to do, with a rule that goes up."""
    return desk(UP, *rules, **{"levels": levels(**{key: {"work": WORK} for key in ("l1", "l2", "l3")}), **changes})


def codes(policy: Policy, **more: Any) -> list[tuple[str, str]]:
    """What is found, by code and path."""
    return [(one.code, one.path) for one in check(policy, **more).findings]


def test_targets_that_nothing_starts_or_stops():
    """Patterns that no event can match, or none that counts."""
    targets = (
        Target(key="a", within="1 day", start_on=E.EscalationRequested.like(wants=NOTHING), stop_on=E.Closed.like()),
        Target(key="b", within="1 day", stop_on=E.Reviewed.like(actor="automation")),
        Target(key="c", within="1 day", stop_on=E.EscalationRequested.like(wants=NOTHING)),
        Target(key="d", within="1 day", stop_on=E.ActionTaken.like(actor="automation")),
        Target(key="e", within="1 day", stop_on=E.Reviewed.like(actor=E.other_than("staff"))),
        Target(key="f", within="1 day", stop_on=E.SupportReplied.like(automatic=True)),
    )
    assert codes(ladder(targets=targets)) == [
        ("target-never-starts", "targets[0].start_on"),
        ("target-never-stops", "targets[1].stop_on"),
        ("target-never-stops", "targets[2].stop_on"),
        ("target-never-stops", "targets[5].stop_on"),
    ]


def test_a_target_whose_condition_never_holds():
    """It is told apart from one that an earlier one hides."""
    never = Target.resolution("1 day", when=(F.replies >= 2) & (F.replies < 1))
    (found,) = check(ladder(targets=(never,))).findings
    assert found.message == "the target `resolution` never applies: its condition holds in no case"


@pytest.mark.parametrize(
    ("targets", "slower"),
    [
        ((Target.resolution("8 hours", when=F.priority < "high"), Target.resolution("9 hours")), True),
        ((Target.resolution("9 hours", when=F.priority < "high"), Target.resolution("8 hours")), False),
        ((Target.resolution("8 hours", when=F.priority < "high"), Target.resolution("9 business hours")), True),
        ((Target.resolution("9 business hours", when=F.priority < "high"), Target.resolution("10 hours")), False),
        (
            (
                Target.resolution("1 hour", when=(F.priority < "high") & F.acknowledged),
                Target.resolution("2 hours", when=~F.acknowledged),
            ),
            False,
        ),
        (
            (
                Target.resolution("1 hour", when=(F.priority < "high") & (F.choice("size") == "small")),
                Target.resolution(Pick(by="size", values={"small": "2 hours"}, otherwise="30 minutes")),
            ),
            True,
        ),
        (
            (
                Target.resolution("1 hour", when=(F.priority < "high") & (F.choice("size") == "small")),
                Target.resolution(Pick(by="size", values={"large": "2 hours"}, otherwise="30 minutes")),
            ),
            False,
        ),
        (
            (
                Target.resolution("8 hours", when=F.priority < "high"),
                Target.resolution("9 hours", use_agreed_interval=True),
            ),
            False,
        ),
        ((Target.resolution(Pick(by="priority", values={"low": "1 day"}, otherwise=None)),), False),
    ],
)
def test_more_time_for_the_urgent_is_found_where_cases_are_otherwise_alike(targets, slower):
    """Several targets with one key, choices, and scales that can be compared."""
    policy = ladder(targets=targets, facts=(F.choice("size", ("small", "large")),))
    found = check(policy).of("slower-when-more-urgent")
    assert bool(found) == slower
    for one in found:
        budget = one.witness.decide(policy).deadline("resolution").budget
        assert re.search(rf"`high` {budget.total_seconds() / 3600:g} (business )?hours", one.message)


def test_a_priority_without_a_target_does_not_hide_that_a_higher_one_gets_more_time():
    """Each priority is held against the next lower one to which the target gives any time."""
    within = Pick(by="priority", values={"low": "8 hours", "high": "9 hours", "urgent": "9 hours"})
    (found,) = check(ladder(targets=(Target.resolution(within),))).of("slower-when-more-urgent")
    assert "priority `high` 9 hours, but one of the lower priority `low` only 8 hours" in found.message
    level = {"work": WORK, "targets": (Target.contact(within),)}
    policy = ladder(levels=levels(l1={"work": WORK}, l2=level, l3={"work": WORK}))
    (found,) = check(policy).of("slower-when-more-urgent")
    decision = found.witness.decide(policy)
    assert decision.positions["main"].level == "l2"
    assert decision.deadline("contact").budget == timedelta(hours=9)


def test_a_level_s_target_by_calendar_of_its_track():
    """A choice of calendars is a choice of scales, which are not compared."""
    by = Pick(by="priority", values={"urgent": "always"}, otherwise="office")
    calendars = {**desk().calendars, "always": desk().calendars["office"].always("UTC")}
    within = Pick(by="priority", values={"urgent": "9 business hours"}, otherwise="8 business hours")
    level = EscalationLevel(key="l1", targets=(Target.contact(within),))
    policy = desk(tracks=(Track(key="a", levels=level, calendar=by),), calendars=calendars, calendar="office")
    assert check(policy).of("slower-when-more-urgent") == ()
    policy = desk(tracks=(Track(key="a", levels=level, calendar="office"),), calendars=calendars, calendar=by)
    assert [one.path for one in check(policy).of("slower-when-more-urgent")] == ["levels[l1].targets[0].within"]


def test_a_target_that_applies_after_a_certain_opening_is_checked():
    """A condition on the opening asks the check for no second opening."""
    on_the_phone = F.happened((E.Opened.like(channel="phone"), E.Reopened.like()))
    spans = {"low": "0 hours", "high": "1 hour"}
    policy = desk(targets=Target.first_response(within=spans, when=on_the_phone), priorities="high > normal > low")
    assert [one.code for one in check(policy).of("slower-when-more-urgent")] == ["slower-when-more-urgent"]
