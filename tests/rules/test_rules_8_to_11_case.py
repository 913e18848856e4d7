"""Rules 8 to 11: histories, replies, identity."""

from __future__ import annotations

import pickle
from itertools import permutations

import pytest

from escalation_rules import Case, EscalationRulesError, Rule, Target, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.acceptance_bench import NINE, TICK, accepted, case, h, moves, policy


def test_rule_8_a_late_arrival_takes_its_place_by_instant():
    """In whatever order they arrive; at one instant the order of arrival stands."""
    events = [E.CustomerReplied(at=h(hour), id=str(hour)) for hour in (1, 2, 3)]
    assert len({case(*some) for some in permutations(events)}) == 1
    tied = case(E.CustomerReplied(at=h(1), id="b"), E.CustomerReplied(at=h(1), id="a"))
    assert [event.id for event in tied.history[1:]] == ["b", "a"]


def test_rule_8_events_after_at_do_not_exist():
    """The whole decision is the same with and without them."""
    wanted = policy(
        Rule(name="r", when=F.unanswered_for >= "1 hour", to="l2"), targets=(Target.resolution(within="8 hours"),)
    )
    future = case(E.SupportReplied(at=h(2)), E.PriorityChanged(at=h(3), to="urgent"), E.Voided(at=h(4)))
    assert decide(wanted, future, at=h(2) - TICK) == decide(wanted, case(), at=h(2) - TICK)


def test_rule_8_an_event_before_the_opening_is_refused():
    """And the case is what it was."""
    story = case()
    with pytest.raises(EscalationRulesError, match="event before the opening"):
        story.record(E.CustomerReplied(at=NINE - TICK))
    assert len(story.history) == 1
    assert len(story.record(E.CustomerReplied(at=NINE)).history) == 2


def test_rule_9_a_reopening_starts_a_new_resolution_clock_and_the_level_stands():
    """First and last resolution are kept apart."""
    wanted = policy(
        Rule(name="r", when=F.open_for >= "1 hour", to="l2"), targets=(Target.resolution(within="8 hours"),)
    )
    story = accepted(wanted, case(), h(1)).record(E.Resolved(at=h(2)), E.Reopened(at=h(5)), E.Resolved(at=h(20)))
    deadline = decide(wanted, story, at=h(30)).deadline("resolution")
    assert (deadline.started, deadline.due, deadline.outcome) == (h(5), h(13), "breached")
    assert (story.first_resolved_at(h(30)), story.resolved_at(h(30))) == (h(2), h(20))
    assert decide(wanted, story, at=h(6)).levels == {"main": "l2"}


@pytest.mark.parametrize("end", [E.Resolved, E.Closed, E.Voided])
@pytest.mark.parametrize("hour", [1, 5])
def test_rule_9_no_moves_while_resolved_closed_or_void(end, hour):
    """Whether the case ended before or after the move fell due."""
    wanted = policy(Rule(name="r", when=F.open_for >= "4 hours", to="l2"))
    decision = decide(wanted, case(end(at=h(hour))), at=h(6))
    assert (decision.moves, decision.wake_at) == ((), None)


def test_rule_9_a_host_that_slept_through_a_cycle_still_finds_its_move():
    """The fold keeps the stays while nothing may move."""
    wanted = policy(Rule(name="r", when=F.open_for >= "4 hours", to="l2"))
    assert moves(wanted, case(E.Resolved(at=h(5)), E.Reopened(at=h(6))), h(6)) == [("l2", h(4))]


def test_rule_9_a_void_case_has_no_deadline():
    """Merged, cancelled, spam."""
    wanted = policy(targets=(Target.resolution(within="8 hours"), Target.first_response(within="1 hour")))
    assert decide(wanted, case(E.Voided(at=h(3))), at=h(4)).deadlines == ()


@pytest.mark.parametrize(
    "noise",
    [
        E.SupportReplied(at=h(1), public=False),
        E.SupportReplied(at=h(1), automatic=True),
        E.SupportReplied(at=h(1), actor="automation"),
        E.Assigned(at=h(1), person="bob"),
        E.Acknowledged(at=h(1)),
    ],
)
def test_rule_10_what_is_no_reply_stops_no_clock(noise):
    """A human wrote it and the customer could see it, or it does not count."""
    wanted = policy(
        Rule(name="r", when=F.unanswered_for >= "2 hours", to="l2"), targets=(Target.first_response(within="3 hours"),)
    )
    decision = decide(wanted, case(noise), at=h(2))
    assert decision.move.due == h(2)
    assert decision.deadline("first_response").outcome == "pending"


def test_rule_11_the_same_id_twice_changes_nothing():
    """In one call, in two, or with other words."""
    story = case(E.CustomerReplied(at=h(1), id="m1"), E.CustomerReplied(at=h(1), id="m1"))
    assert len(story.history) == 2
    assert story.record(E.CustomerReplied(at=h(2), id="m1")) == story


def test_rule_11_what_is_accepted_has_the_key_as_its_id():
    """ASCII, at most 64 characters, by automation; unstored, the same is found again."""
    wanted = policy(
        Rule(
            name="r",
            when=F.open_for >= "1 hour",
            to="l2",
            then=(A.Flag(text="x"), A.SetPriority(to="next"), A.Assign(role="q")),
        )
    )
    decision = decide(wanted, case(), at=h(2))
    events = decision.accept(at=h(2), by="desk")
    assert {event.id for event in events} == {one.key for one in (*decision.moves, *decision.actions)}
    assert {type(event) for event in events} == {E.Escalated, E.ActionTaken, E.PriorityChanged, E.Assigned}
    assert all(event.id.isascii() and len(event.id) <= 64 and event.actor == "automation" for event in events)
    assert [event.id for event in decide(wanted, case(), at=h(50)).accept(at=h(50))] == [event.id for event in events]


def test_rule_11_a_snapshot_is_reconciled_once():
    """The events have ids of their own; recorded, the next look finds nothing."""
    seen = {"priority": "high", "status": "waiting", "level": "l2", "assigned": {"analyst": "bob"}}
    events = case().reconcile(at=h(2), **seen)
    story = case(*events)
    assert all(event.id and event.actor == "automation" for event in events)
    assert story.reconcile(at=h(2), **seen) == story.reconcile(at=h(9), **seen) == ()
    assert (story.priority(h(2)), story.status(h(2)), story.level(h(2))) == ("high", "waiting", "l2")
    assert case().reconcile(at=h(2)) == ()


def test_statuses_become_events():
    """What every host knows: the status became X."""
    words = ["open", "working", "waiting:customer", "open", "resolved", "closed", "open", "waiting:vendor", "void"]
    story = case(*E.from_statuses([(h(hour), word, f"s{hour}") for hour, word in enumerate(words)]))
    seen = [story.status(h(hour)) for hour in range(9)]
    assert seen == ["open", "open", "waiting", "open", "resolved", "closed", "open", "waiting", "void"]
    assert story.reopened(h(9)) == 1


def test_the_figures_of_a_case():
    """Requests for attention, the first unanswered one, and their answer."""
    story = case(
        E.EscalationRequested(at=h(1)),
        E.CustomerReplied(at=h(2), asks_to_escalate=True),
        E.EscalationAnswered(at=h(3)),
        E.EscalationRequested(at=h(4), wants="expertise"),
    )
    assert [story.escalations(h(hour)) for hour in range(5)] == [0, 1, 2, 2, 2]
    assert [story.first_unanswered_escalation(h(hour)) for hour in (1, 2, 3, 4)] == [h(1), h(1), None, None]


def test_a_case_is_a_value():
    """Frozen, hashable, and itself again by repr, JSON and pickle."""
    story = case(
        E.FactObserved(at=h(1), name="x", value=True), channel="email", facts={"a": [1]}, attributes={"t": {"u": 1}}
    )
    assert (
        eval(repr(story))
        == story
        == Case.model_validate_json(story.model_dump_json())
        == pickle.loads(pickle.dumps(story))
    )
    assert len({story, pickle.loads(pickle.dumps(story))}) == 1
    with pytest.raises(TypeError):
        story.attributes["t"]["u"] = 2
    with pytest.raises(ValueError, match="frozen"):
        story.id = "other"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"type": "CustomerReplyed", "at": "2026-03-02T09:00:00Z"}, "did you mean `CustomerReplied`"),
        ({"type": "Resolved", "at": "2026-03-02T09:00:00"}, "naive datetime"),
        ({"type": "Resolved", "at": "2026-03-02T09:00:00Z", "extra": 1}, "unknown field `extra`"),
        ({"type": "PriorityChanged", "at": "2026-03-02T09:00:00Z"}, "to: missing"),
        ("x", "expected a mapping"),
    ],
)
def test_an_event_that_cannot_be_read_is_refused(given, text):
    """With the field and the nearest known name."""
    with pytest.raises(EscalationRulesError, match=text):
        E.parse(given)
