"""Rule 18: a decision is a fold."""

from __future__ import annotations

import pytest

from escalation_rules import Rule, Settled, decide, forecast, settle
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import InvalidValue
from tests.bench import MICROSECOND, after, desk, levels, levels_reached, moves, opened, when

LATER = (
    Rule(key="long", when=F.open_for >= "4 hours", to="l2"),
    Rule(key="longer", when=F.at_level_for >= "2 hours", to="l3", at_level="l2"),
)
LONG = Rule(key="long", when=F.open_for >= "2 hours", to="l2")


def last_asked(rules):
    """What is asked for last, once everything before it was taken."""
    case = opened()
    while True:
        decision = decide(desk(*rules), case, at=when("mon 12:00"))
        after = case.record(*decision.accept(at=when("mon 12:00")))
        if not decide(desk(*rules), after, at=when("mon 12:00")).actions:
            return decision.actions
        case = after


def test_a_late_host_records_what_a_prompt_one_would_have():
    """Rule 18: the same keys are dated at their due, with the instant of recording beside it."""
    policy = desk(*LATER)
    first = settle(policy, opened(), at=after(4), by="desk")
    second = settle(policy, first.case, at=after(6), by="desk")
    late = settle(policy, opened(), at=after(30), by="desk")
    assert [event.id for event in late.events] == [event.id for event in first.events + second.events]
    assert [(event.at, event.recorded_at) for event in late.events] == [(after(4), after(30)), (after(6), after(30))]
    assert late.decision.moves == late.decision.actions == ()


def test_a_recorded_move_settles_what_was_due_before_it():
    """Rule 18: accepting the upper of two moves settles the lower."""
    policy = desk(*LATER)
    decision = decide(policy, opened(), at=after(9))
    lower, upper = decision.moves
    assert decision.move == upper
    assert levels_reached(policy, opened(*decision.accept(at=after(9), only=[upper.key])), after(9)) == []
    assert levels_reached(policy, opened(*decision.accept(at=after(9), only=[lower.key])), after(9)) == ["l3"]


def test_forecast_lists_the_moves_that_will_be_decided():
    """Rule 18: it lists the moves after `at`, up to and including `until`."""
    policy = desk(*LATER)
    assert [(m.to, m.due_at) for m in forecast(policy, opened(), at=after(0), until=after(6))] == [
        ("l2", after(4)),
        ("l3", after(6)),
    ]
    assert [m.to for m in forecast(policy, opened(), at=after(0), until=after(6) - MICROSECOND)] == ["l2"]
    assert [m.to for m in forecast(policy, opened(), at=after(4), until=after(6))] == ["l3"]


def test_a_late_host_is_told_of_every_move_at_its_due():
    """Rule 18: both moves are dated when they fell due, and `move` is the last."""
    policy = desk(LONG, Rule(key="longer", when=F.at_level_for >= "3 hours", at_level="l2", to="next"))
    assert moves(policy, opened(), "tue 09:00") == [("l2", when("mon 11:00")), ("l3", when("mon 14:00"))]
    assert decide(policy, opened(), at=when("tue 09:00")).move.to == "l3"


def test_a_recorded_move_settles_everything_due_before_it_on_its_track():
    """Rule 18: this also holds when a person moved the case after it had fallen due."""
    case = opened(E.Escalated(at=when("mon 12:00"), to="l3"))
    assert moves(desk(LONG), case, "mon 13:00") == []


def test_an_accepted_move_is_dated_at_its_due_and_says_when_it_was_recorded():
    """Rule 18: it has the key as its id, and automation as its actor."""
    decision = decide(desk(LONG), opened(), at=when("tue 09:00"))
    (event,) = decision.accept(at=when("tue 09:00"), by="desk")
    assert (event.at, event.recorded_at, event.by) == (when("mon 11:00"), when("tue 09:00"), "desk")
    assert (event.id, event.key, event.actor, event.rules) == (
        decision.move.key,
        decision.move.key,
        "automation",
        ("long",),
    )


def test_settle_records_until_nothing_is_asked():
    """Rule 18: an action on entry follows a move."""
    policy = desk(LONG, levels=levels(l2={"on_entry": A.Notify("boss")}))
    settled = settle(policy, opened(), at=when("mon 12:00"), by="desk")
    assert isinstance(settled, Settled)
    assert [event.type for event in settled.events] == ["Escalated", "ActionTaken"]
    assert (settled.decision.moves, settled.decision.actions) == ((), ())
    assert settled.case.level(at=when("mon 12:00")) == "l2"


def test_an_accepted_move_that_is_no_longer_asked_for_is_a_fact():
    """Rule 18: after a change of the policy the case stays where the accepted move took it."""
    old = desk(Rule(key="late", when=F.open_for >= "2 business hours", to="l2"))
    case = settle(old, opened(), at=when("mon 12:00")).case
    assert decide(desk(), case, at=when("mon 12:00")).positions["main"].level == "l2"
    assert decide(desk(), case, at=when("mon 10:59")).positions["main"].level == "l1"


def test_an_accepted_rise_of_priority_is_not_taken_twice():
    """Rule 18: two rules ask for the next priority at once, and together they raise it once."""
    raises = [
        Rule(key=name, when=F.open_for >= "2 business hours", then=A.RaisePriority(to="next")) for name in ("a", "b")
    ]
    policy = desk(*raises)
    asked = decide(policy, opened(priority="low"), at=when("mon 12:00"))
    assert [one.action.to for one in asked.actions] == ["normal"]
    case = settle(policy, opened(priority="low"), at=when("mon 12:00")).case
    assert case.priority(at=when("mon 12:00")) == "normal"
    assert decide(policy, case, at=when("mon 12:00")).actions == ()


def test_settling_gives_up_with_an_error(monkeypatch):
    """Rule 18: a chain of actions that is longer than the number of rounds raises an error."""
    monkeypatch.setattr("escalation_rules.engine._ROUNDS", 2)
    rules = [Rule(key="start", when=F.open_for >= "1 hour", then=A.Tag(text="start"))]
    for number in range(2):
        key = next(one.key for one in last_asked(rules))
        taken = F.happened(E.ActionTaken.like(key=key))
        rules.append(Rule(key=f"then {number}", when=taken, then=A.Tag(text=str(number))))
    with pytest.raises(InvalidValue, match="a case that does not settle `C-1`, expected nothing asked after 2"):
        settle(desk(*rules), opened(), at=when("mon 12:00"))
