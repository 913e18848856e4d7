"""Rule 27: the next wake-up."""

from __future__ import annotations

from escalation_rules import Rule, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import MICROSECOND, after, desk, opened, when

LATER = (
    Rule(key="long", when=F.open_for >= "4 hours", to="l2"),
    Rule(key="longer", when=F.at_level_for >= "2 hours", to="l3", at_level="l2"),
)
LONG = Rule(key="long", when=F.open_for >= "2 hours", to="l2")


def test_wake_at_is_exact():
    """Rule 27: a microsecond before it the answer is the same, at the instant it differs."""
    policy = desk(*LATER, targets=(Target.resolution(within="5 hours"),))
    at, seen = after(0), []
    while (wake := decide(policy, opened(), at=at).wake_at) is not None:
        before, now = (decide(policy, opened(), at=instant).answer for instant in (wake - MICROSECOND, wake))
        assert decide(policy, opened(), at=at).answer == before != now
        at = wake
        seen.append(wake)
    assert seen == [after(4), after(5) + MICROSECOND, after(6)]


def test_wake_at_is_the_next_instant_at_which_the_answer_changes():
    """Rule 27: the breach a microsecond after due, the crossing of a rule, and nothing after that."""
    policy = desk(LONG, targets=Target.first_response("1 hour"))
    case = opened()
    first = decide(policy, case, at=when("mon 09:00")).wake_at
    assert first == when("mon 10:00") + MICROSECOND
    second = decide(policy, case, at=first).wake_at
    assert second == when("mon 11:00")
    assert decide(policy, case, at=second).wake_at is None


def test_the_search_for_the_next_wake_up_ends(monkeypatch):
    """Rule 27: after too many instants that change nothing, `wake_at` is too early and never too late."""
    never = [
        Rule(key=f"after {hours}", when=(F.open_for >= f"{hours} hours") & F.acknowledged, to="l2")
        for hours in (1, 2, 3, 4)
    ]
    policy = desk(*never, targets=Target.resolution("5 hours"))
    assert decide(policy, opened(), at=when("mon 09:00")).wake_at == when("mon 14:00") + MICROSECOND
    monkeypatch.setattr("escalation_rules.engine.fold._FRUITLESS", 2)
    assert decide(policy, opened(), at=when("mon 09:00")).wake_at == when("mon 12:00")


def test_a_pending_move_whose_reason_ends_with_time_wakes_the_host():
    """Rule 27: it stays asked for, and from then on says that its rule no longer holds."""
    rule = Rule(key="early", when=F.escalation_request_open & (F.open_for < "5 hours"), to="l2")
    case = opened(E.EscalationRequested(at=when("mon 10:00")))
    decision = decide(desk(rule), case, at=when("mon 11:00"))
    assert (decision.move.still_holds, decision.wake_at) == (True, when("mon 14:00"))
    assert not decide(desk(rule), case, at=when("mon 14:00")).move.still_holds
