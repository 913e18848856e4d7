"""Tests that turn with events and time."""

from __future__ import annotations

from escalation_rules import Rule, Target
from escalation_rules import facts as F
from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import fold, snapshot
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import desk, opened, when


def test_a_policy_that_is_asked_often_answers_as_it_did_at_first():
    """Rule 27: the caches of a machine change no result."""
    policy = desk(
        Rule(key="slow", when=F.unanswered_for >= "2 business hours", to="l2"),
        Rule(key="half", when=F.used("resolution") >= "50%", to="l3"),
        targets=(Target.resolution("8 business hours"),),
    )
    machine, case, at = machine_of(policy), opened(), microseconds_of(when("mon 14:00"))
    found = [snapshot(fold(machine, case, at)) for _ in range(3)]
    assert all(one == found[0] for one in found)
    assert [one.level for one in found[0].moves] == [1, 2]


def test_what_comes_a_microsecond_apart_on_two_lines_comes_in_order():
    """A duration is reached at the due, in open time; the breach comes a microsecond later, in plain time."""
    policy = desk(
        Rule(key="slow", when=F.open_for >= "2 business hours", to="l2"),
        Rule(key="missed", when=F.outcome("resolution") == "breached", to="l3"),
        targets=(Target.resolution("2 business hours"),),
    )
    due = microseconds_of(when("mon 11:00"))
    state = fold(machine_of(policy), opened(), microseconds_of(when("mon 12:00")))
    assert [(one.level, one.due) for one in snapshot(state).moves] == [(1, due), (2, due + 1)]
