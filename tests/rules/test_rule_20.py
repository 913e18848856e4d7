"""Rule 20: tracks."""

from __future__ import annotations

from escalation_rules import EscalationLevel, Rule, Track, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.decision import levels_of
from tests.bench import after, desk, levels_reached, opened, when

ASKED = E.EscalationRequested(at=after(1))
TRACKS = (
    Track(key="expertise", levels=(EscalationLevel(key="e1"), EscalationLevel(key="e2"))),
    Track(key="authority", levels=(EscalationLevel(key="a1"), EscalationLevel(key="a2"))),
)


def test_a_case_has_no_level_on_other_tracks_until_it_is_moved_there():
    """Rule 20: there `next` is the first level, and all tracks read the state before the round."""
    tracks = (
        Track(key="a", levels=(EscalationLevel(key="a1"), EscalationLevel(key="a2"))),
        Track(key="b", levels=(EscalationLevel(key="b1"), EscalationLevel(key="b2"))),
    )
    policy = desk(Rule(key="r", when=F.escalation_request_open, to="next", track="b"), tracks=tracks)
    assert levels_of(decide(policy, opened(), at=after(0))) == {"a": "a1", "b": None}
    assert levels_reached(policy, opened(ASKED), after(1)) == ["b1"]
    long = F.open_for >= "1 hour"
    both = desk(
        Rule(key="x", when=long & (F.level < "b1"), to="a2"),
        Rule(key="y", when=long & (F.level < "a2"), to="b1"),
        tracks=tracks,
    )
    assert set(levels_reached(both, opened(), after(1))) == {"a2", "b1"}


def test_a_case_starts_on_the_first_level_of_the_first_track_and_nowhere_else():
    """Rule 20: on another track `next` is the first level."""
    policy = desk(Rule(key="asked", when=F.escalation_request_open, to="next", track="authority"), tracks=TRACKS)
    case = opened(E.EscalationRequested(at=when("mon 10:00")))
    assert levels_of(decide(policy, case, at=when("mon 09:30"))) == {"expertise": "e1", "authority": None}
    decision = decide(policy, case, at=when("mon 10:00"))
    assert levels_of(decision) == {"expertise": "e1", "authority": "a1"}
    assert [(move.track, move.from_level, move.to) for move in decision.moves] == [("authority", None, "a1")]


def test_a_level_implies_its_track():
    """Rule 20: this holds in rules, in conditions, in events and at the opening."""
    policy = desk(
        Rule(key="up", when=F.level >= "e2", to="a1"),
        Rule(key="here", when=F.happened(E.CustomerReplied.like()), at_level="a1", to="next"),
        tracks=TRACKS,
    )
    case = opened(E.CustomerReplied(at=when("mon 10:00")), level="e2")
    decision = decide(policy, case, at=when("mon 10:00"))
    assert dict(levels_of(decision)) == {"expertise": "e2", "authority": "a2"}


def test_all_tracks_read_the_state_before_the_round():
    """Rule 20: two rules that look at each other's track both fire."""
    policy = desk(
        Rule(key="one", when=F.acknowledged & (F.level < "a1"), to="e2"),
        Rule(key="two", when=F.acknowledged & (F.level < "e2"), to="a1"),
        tracks=TRACKS,
    )
    case = opened(E.Acknowledged(at=when("mon 10:00")))
    assert [move.to for move in decide(policy, case, at=when("mon 10:00")).moves] == ["e2", "a1"]


def test_rounds_repeat_until_nothing_changes():
    """Rule 20: a move on one track may bring about one on the other at the same instant."""
    policy = desk(
        Rule(key="one", when=F.acknowledged, to="e2"),
        Rule(key="two", when=F.level >= "e2", to="a1"),
        Rule(key="three", when=F.level >= "a1", to="a2"),
        tracks=TRACKS,
    )
    case = opened(E.Acknowledged(at=when("mon 10:00")))
    assert [move.to for move in decide(policy, case, at=when("mon 10:00")).moves] == ["e2", "a1", "a2"]
