"""Tests that turn with events and time, whether or not their steps are written out."""

from __future__ import annotations

from escalation_rules import Rule, Target
from escalation_rules import facts as F
from escalation_rules.engine.compile import compile_policy
from escalation_rules.engine.conditions import written
from escalation_rules.engine.facts import WORTH
from escalation_rules.engine.fold import fold, snapshot
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import desk, opened, when


def written_out(policy):
    """A program with its steps written out from the first case on."""
    program = compile_policy(policy)
    program.steps = written(program)
    return program


def test_steps_are_written_out_after_some_cases_and_do_the_same():
    """A policy that is asked often is answered sooner, and not otherwise."""
    policy = desk(
        Rule(key="slow", when=F.unanswered_for >= "2 business hours", to="l2"),
        Rule(key="half", when=F.used("resolution") >= "50%", to="l3"),
        targets=(Target.resolution("8 business hours"),),
    )
    program, case, at = compile_policy(policy), opened(), microseconds_of(when("mon 14:00"))
    found = [snapshot(fold(program, case, at)) for _ in range(WORTH + 1)]
    assert program.steps.make_look is written(program).make_look
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
    for program in (compile_policy(policy), written_out(policy)):
        state = fold(program, opened(), microseconds_of(when("mon 12:00")))
        assert [(one.level, one.due) for one in snapshot(state).moves] == [(1, due), (2, due + 1)]
