"""Atoms as tests: each has an opposite, and what is unknown is in neither (rule 31)."""

from __future__ import annotations

import pytest

from escalation_rules import Pick, Rule, Target
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import fold
from escalation_rules.program.atoms import opposite
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import desk, opened, when

PICKED = Pick(by="priority", values={"high": "1 hour"}, otherwise=None)
KNOWN = [
    F.level >= "l2",
    F.level.in_("l1", "l3"),
    F.status == "open",
    F.replies >= 2,
    F.acknowledged.as_condition(),
    F.open_for >= "2 hours",
    F.overdue_for("resolution") >= "1 hour",
    F.used("resolution") >= "50%",
    F.breached("resolution"),
    F.plan_items_overdue >= 1,
    F.happened(E.CallHeld.like()).as_condition(),
]
UNKNOWN = [
    F.priority == "high",
    F.channel == "phone",
    F.flag("down").as_condition(),
    F.open_for >= PICKED,
    F.remaining("review") >= "1 hour",
]


def both(condition, *events):
    """Whether a comparison is true after five hours, and whether its opposite is."""
    policy = desk(
        Rule(key="r", when=condition, then=A.Tag("x")),
        facts=(F.flag("down"),),
        targets=(Target.resolution("8 business hours"), Target.review("1 day", start_on=E.CallHeld.like())),
    )
    machine = machine_of(policy)
    state = fold(machine, opened(*events), microseconds_of(when("mon 14:00")))
    holds, _ = machine.reader(opposite(machine.program.tests[0]))
    return machine.holds[0](state), holds(state)


@pytest.mark.parametrize("condition", KNOWN, ids=str)
def test_what_is_known_is_true_or_its_opposite_is(condition):
    """Rule 31: exactly one of the two."""
    assert sum(both(condition)) == 1


@pytest.mark.parametrize("condition", UNKNOWN, ids=str)
def test_what_is_unknown_is_true_in_neither_form(condition):
    """Rule 31: neither a comparison nor its opposite holds of what is not known."""
    assert both(condition) == (False, False)
