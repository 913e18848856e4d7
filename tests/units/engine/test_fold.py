"""What a replay needs of a fold: every move of the rules, settled ones too, and a look at each instant that counts."""

from __future__ import annotations

from datetime import timedelta

from escalation_rules import Rule, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import fold
from escalation_rules.worktime._timeline import datetime_of, microseconds_of
from tests.bench import desk, opened, when

RULES = (
    Rule(key="slow", when=F.open_for >= "2 business hours", to="l2"),
    Rule(key="late", when=F.open_for >= "4 business hours", to="l3"),
)


def life(policy, case, at):
    return fold(machine_of(policy), case, microseconds_of(when(at)))


def test_moves_that_were_settled_later_are_kept():
    """Rule 18: a recorded move settles what was due before it; what was due stays in the case's life."""
    case = opened(E.Escalated(at=when("mon 12:00"), to="l2"))
    state = life(desk(*RULES), case, "mon 12:30")
    assert not state.asked.moves
    assert [(datetime_of(one.due), one.rules) for one in state.asked.log] == [(when("mon 11:00"), ("slow",))]


def test_what_was_accepted_is_in_the_life_with_its_key():
    """A move that was accepted is one of the rules', once; a person's own is not."""
    policy, case = desk(*RULES), opened()
    accepted = decide(policy, case, at=when("mon 11:30")).accept(at=when("mon 11:30"))
    case = case.record(*accepted, E.Escalated(at=when("mon 12:00"), to="l3"))
    made = life(policy, case, "mon 12:30").asked.log
    assert [(one.level, one.origin, one.key) for one in made] == [(1, 0, accepted[0].id)]


def test_whoever_watches_sees_each_instant_at_which_something_changed():
    """After its rules: the opening, both moves, and the resolution."""
    seen = []
    case = opened(E.Resolved(at=when("tue 09:00")))
    fold(
        machine_of(desk(*RULES)),
        case,
        microseconds_of(when("wed 09:00")),
        lambda state: seen.append((datetime_of(state.now), state.levels.level[0], state.life.live)),
    )
    nine = when("mon 09:00")
    assert seen == [
        (nine, 0, True),
        (nine + timedelta(hours=2), 1, True),
        (nine + timedelta(hours=4), 2, True),
        (when("tue 09:00"), 2, False),
    ]


def test_policies_that_were_used_compare_by_value():
    """What was compiled is kept with a policy and is no part of it."""
    one, other, different = desk(*RULES), desk(*RULES), desk()
    for policy in (one, other, different):
        machine_of(policy)
    assert one == other
    assert one != different
