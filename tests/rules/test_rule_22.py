"""Rule 22: one cause, one rung."""

from __future__ import annotations

import pytest

from escalation_rules import Rule
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import MICROSECOND, accepted, after, desk, moves, opened, when

LADDER = ("a", "b", "c", "d")
ASKED = E.EscalationRequested(at=after(1))
WANTED = Rule(key="asked", when=F.escalation_request_open, to="l2")
FLAGS = {"facts": (F.flag("x"), F.flag("y"))}


def observed(name, hour, value=True):
    return E.FactChanged(at=after(hour), name=name, value=value)


@pytest.mark.parametrize(
    ("when", "events", "expected"),
    [
        (F.level_failed, [E.LevelFailed(at=after(1))], [("b", after(1))]),
        (F.level_failed, [E.LevelFailed(at=after(1)), E.LevelFailed(at=after(2))], [("b", after(1)), ("c", after(2))]),
        (F.open_for >= "2 hours", [], [("b", after(2))]),
        (F.at_level_for >= "2 hours", [], [("b", after(2)), ("c", after(4)), ("d", after(6))]),
        (
            F.unanswered_for >= "2 hours",
            [E.SupportReplied(at=after(3)), E.CustomerReplied(at=after(4))],
            [("b", after(2)), ("c", after(6))],
        ),
        (
            F.priority >= "high",
            [E.PriorityChanged(at=after(1), to="high"), E.PriorityChanged(at=after(2), to="high")],
            [("b", after(1))],
        ),
        (F.flag("x"), [observed("x", 1), observed("x", 2)], [("b", after(1))]),
        (
            F.flag("x"),
            [observed("x", 1), observed("x", 2, False), observed("x", 3)],
            [("b", after(1)), ("c", after(3))],
        ),
        (F.flag("x") & F.flag("y"), [observed("x", 1), observed("y", 2)], [("b", after(2))]),
        (F.flag("x") | F.flag("y"), [observed("x", 1), observed("y", 2)], [("b", after(1)), ("c", after(2))]),
        (F.open_for >= "2 hours", [E.Escalated(at=after(2), to="b")], []),
        (F.level_failed, [E.Escalated(at=after(1), to="b"), E.LevelFailed(at=after(1))], [("c", after(1))]),
        (F.level_failed, [E.LevelFailed(at=after(1)), E.Escalated(at=after(1), to="b")], []),
    ],
)
def test_one_cause_climbs_one_rung(when, events, expected):
    """Rule 22: `next` needs evidence later than the entry into the present level."""
    policy = desk(Rule(key="r", when=when, to="next"), levels=LADDER, **FLAGS)
    assert moves(policy, opened(*events, priority="normal"), after(7)) == expected


def test_after_a_deescalation_no_rule_fires_on_older_evidence():
    """Rule 22: a new request does, and so does a duration that is reached later."""
    policy = desk(WANTED, Rule(key="old", when=F.open_for >= "3 hours", to="l2"))
    case = accepted(policy, opened(ASKED), after(1)).record(E.DeEscalated(at=after(2), to="l1", reason="calm"))
    assert moves(policy, case, after(3) - MICROSECOND) == []
    assert moves(policy, case, after(4)) == [("l2", after(3))]
    assert moves(policy, case.record(E.EscalationRequested(at=after(2) + MICROSECOND)), after(4)) == [
        ("l2", after(2) + MICROSECOND)
    ]


def test_evidence_of_all_and_any_is_the_latest_among_the_true_members():
    """Rule 22: a request and a failure are two pieces of evidence for `any` and one for `all`."""
    either = desk(Rule(key="either", when=F.escalation_request_open | F.level_failed, to="next"))
    both = desk(Rule(key="both", when=F.escalation_request_open & F.acknowledged, to="next"))
    case = opened(
        E.EscalationRequested(at=when("mon 10:00")),
        E.LevelFailed(at=when("tue 10:00")),
        E.Acknowledged(at=when("tue 11:00")),
    )
    assert [to for to, _ in moves(either, case, "tue 12:00")] == ["l2", "l3"]
    assert moves(both, case, "tue 12:00") == [("l2", when("tue 11:00"))]


def test_a_level_is_never_evidence():
    """Rule 22: a rule that looks at nothing but levels cannot climb."""
    policy = desk(Rule(key="up", when=F.level >= "l1", to="next"))
    assert moves(policy, opened(E.CustomerReplied(at=when("mon 10:00"))), "tue 09:00") == []
