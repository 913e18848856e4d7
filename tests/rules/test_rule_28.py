"""Rule 28: outside."""

from __future__ import annotations

import pytest

from escalation_rules import EscalationLevel, EscalationRulesError, Rule, Target, Track, decide, settle
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import accepted, after, desk, opened, when

FAILED = Rule(key="failed", when=F.level_failed, to="next")
OUTSIDE = desk(
    FAILED, levels=("l1", EscalationLevel(key="out", external=True)), targets=(Target.resolution(within="8 hours"),)
)
TRACKS = (
    Track(key="expertise", levels=(EscalationLevel(key="e1"), EscalationLevel(key="e2"))),
    Track(key="authority", levels=(EscalationLevel(key="a1"), EscalationLevel(key="a2"))),
)
LADDER = (EscalationLevel(key="l1"), EscalationLevel(key="outside", external=True, on_entry=A.Notify("customer")))


def test_no_clock_runs_outside_and_no_rule_moves_the_case():
    """Rule 28: an external level has no owner, no clock and no move, and the status says so."""
    case = accepted(OUTSIDE, opened(E.LevelFailed(at=after(1))), after(1))
    decision = decide(OUTSIDE, case, at=after(2))
    assert (decision.status, decision.moves, decision.deadlines, decision.wake_at) == ("external", (), (), None)
    assert decision.deadline("resolution").outcome == "void"
    assert (
        decide(OUTSIDE, case.record(E.DeEscalated(at=after(5), to="l1", reason="back")), at=after(5)).status == "open"
    )
    with pytest.raises(EscalationRulesError, match="an external level with an owner"):
        EscalationLevel(key="out", external=True, owner="boss")


def test_reaching_the_outside_ends_the_clocks_and_says_so():
    """Rule 28: the move is asked for until it is recorded; then no clock runs and the answer never changes."""
    policy = desk(FAILED, levels=LADDER, targets=Target.resolution("8 business hours"))
    case = opened(E.LevelFailed(at=when("mon 10:00")))
    asked = decide(policy, case, at=when("mon 10:00"))
    assert (asked.move.to, asked.move.owner, asked.status) == ("outside", None, "open")
    outside = settle(policy, case, at=when("mon 10:00")).case
    decision = decide(policy, outside, at=when("mon 11:00"))
    assert (decision.status, decision.deadlines, decision.wake_at) == ("external", (), None)
    assert decision.deadline("resolution").outcome == "void"


def test_a_recorded_move_outside_counts_although_another_track_is_asked_to_go_there():
    """Rule 28: one track's external move is still asked for when a person takes the case outside on the other."""
    tracks = (
        Track(key="f", levels=(EscalationLevel(key="f1"), EscalationLevel(key="f2", external=True))),
        Track(key="h", levels=(EscalationLevel(key="h1"), EscalationLevel(key="h2", external=True))),
    )
    policy = desk(Rule(key="at once", when=F.open_for >= "0 hours", to="h2"), tracks=tracks)
    assert decide(policy, opened(), at=when("mon 10:00")).status == "open"
    outside = decide(policy, opened(E.Escalated(at=when("mon 10:00"), to="f2")), at=when("mon 10:00"))
    assert (outside.status, outside.moves) == ("external", ())


def test_no_rule_moves_any_track_until_the_case_comes_back():
    """Rule 28: once de-escalated or reopened, the case is decided on again."""
    tracks = (Track(key="main", levels=LADDER), TRACKS[1])
    policy = desk(Rule(key="asked", when=F.happened(E.EscalationRequested.like()), to="a1"), tracks=tracks)
    case = opened(E.Escalated(at=when("mon 10:00"), to="outside"), E.EscalationRequested(at=when("mon 11:00")))
    assert decide(policy, case, at=when("mon 12:00")).moves == ()
    for back in (E.DeEscalated(at=when("mon 13:00"), to="l1"), E.Reopened(at=when("mon 13:00"))):
        again = case.record(back, E.EscalationRequested(at=when("mon 14:00")))
        assert [move.to for move in decide(policy, again, at=when("mon 14:00")).moves] == ["a1"]
