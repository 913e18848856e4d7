"""Rule 22: one cause, one rung."""

from __future__ import annotations

import pytest

from escalation_rules import EscalationLevel, Rule, Target, decide
from escalation_rules import actions as A
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


MAJOR = F.flag("major")
GUARDED = {
    "of the rule": {"rules": (Rule(key="late", when=F.open_for >= "2 hours", to="b", unless=MAJOR),)},
    "of all rules": {"rules": (Rule(key="late", when=F.open_for >= "2 hours", to="b"),), "rules_unless": MAJOR},
}


def guarded(what, **more):
    """A policy whose only rule is held back by a flag."""
    fields = {**GUARDED[what], **more}
    return desk(*fields.pop("rules"), levels=LADDER, facts=(MAJOR,), **fields)


@pytest.mark.parametrize("what", GUARDED)
def test_a_guard_holds_a_rule_back_while_it_is_true(what):
    """Rule 22: unknown does not hold back; a move that was held back is due when the guard is cleared (report D15)."""
    policy = guarded(what)
    assert moves(policy, opened(), after(9)) == [("b", after(2))]
    set_, cleared = observed("major", 1), observed("major", 5, value=False)
    held = decide(policy, opened(set_), at=after(4))
    assert (held.moves, held.blocked) == ((), ())
    assert "not held back: major is true" in str(held.explain())
    assert moves(policy, opened(set_, cleared), after(9)) == [("b", after(5))]


@pytest.mark.parametrize("what", GUARDED)
def test_a_guard_is_never_evidence(what):
    """Rule 22: set and cleared, it brings back no case that went down with consent, and changes no key (report D16)."""
    policy = guarded(what)
    down = E.DeEscalated(at=after(4), to="a", reason="agreed")
    case = accepted(policy, opened(), after(3)).record(down)
    for guard in ((), (observed("major", 5), observed("major", 6, value=False))):
        assert decide(policy, case.record(*guard), at=after(9)).moves == ()
    plain, guarded_once = opened(), opened(observed("major", 1), observed("major", 5, value=False))
    assert decide(policy, plain, at=after(9)).move.key == decide(policy, guarded_once, at=after(9)).move.key


def test_a_guard_holds_back_actions_and_what_escalate_after_stands_for():
    """Rule 22: the guard of all rules reaches every rule, and no clock."""
    policy = desk(
        Rule(key="tell", when=F.open_for >= "1 hour", then=A.Notify("boss")),
        levels=(EscalationLevel(key="a", escalate_after="2 hours"), "b"),
        targets=(Target.resolution("3 hours"),),
        facts=(MAJOR,),
        rules_unless=MAJOR,
    )
    held = decide(policy, opened(observed("major", 0)), at=after(4))
    assert (held.moves, held.actions) == ((), ())
    assert held.deadline("resolution").outcome == "breached"
    free = decide(policy, opened(), at=after(4))
    assert ([one.to for one in free.moves], [one.rule for one in free.actions]) == (["b"], ["tell"])


def test_a_guard_that_time_makes_true_wakes_the_decision():
    """Rule 22: the answer changes by itself when the guard's duration is reached."""
    policy = desk(
        Rule(key="tell", when=MAJOR, then=A.Notify("boss"), unless=F.open_for >= "3 hours"),
        Rule(key="go", when=F.open_for >= "5 hours", to="b", unless=F.open_for < "6 hours"),
        levels=LADDER,
        facts=(MAJOR,),
    )
    decision = decide(policy, opened(), at=after(4))
    assert decision.wake_at == after(6)
    assert moves(policy, opened(), after(9)) == [("b", after(6))]
