"""Rules 8 to 11: histories, replies, identity."""

from __future__ import annotations

import pickle
from itertools import permutations

import pytest

from escalation_rules import Case, EscalationRulesError, Rule, Target, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import MICROSECOND, accepted, after, desk, moves, opened


def test_rule_8_a_late_arrival_takes_its_place_by_instant():
    """In whatever order they arrive; at one instant the order of arrival stands."""
    events = [E.CustomerReplied(at=after(hour), id=str(hour)) for hour in (1, 2, 3)]
    assert len({opened(*some) for some in permutations(events)}) == 1
    tied = opened(E.CustomerReplied(at=after(1), id="b"), E.CustomerReplied(at=after(1), id="a"))
    assert [event.id for event in tied.history[1:]] == ["b", "a"]


def test_rule_8_events_after_at_do_not_exist():
    """The whole decision is the same with and without them."""
    policy = desk(
        Rule(name="r", when=F.unanswered_for >= "1 hour", to="l2"), targets=(Target.resolution(within="8 hours"),)
    )
    future = opened(E.SupportReplied(at=after(2)), E.PriorityChanged(at=after(3), to="urgent"), E.Voided(at=after(4)))
    assert decide(policy, future, at=after(2) - MICROSECOND) == decide(policy, opened(), at=after(2) - MICROSECOND)


def test_rule_8_an_event_before_the_opening_is_refused():
    """And the case is what it was."""
    case = opened()
    with pytest.raises(EscalationRulesError, match="event before the opening"):
        case.record(E.CustomerReplied(at=after(0) - MICROSECOND))
    assert len(case.history) == 1
    assert len(case.record(E.CustomerReplied(at=after(0))).history) == 2


def test_rule_9_a_reopening_starts_a_new_resolution_clock_and_the_level_stands():
    """First and last resolution are kept apart."""
    policy = desk(Rule(name="r", when=F.open_for >= "1 hour", to="l2"), targets=(Target.resolution(within="8 hours"),))
    case = accepted(policy, opened(), after(1)).record(
        E.Resolved(at=after(2)), E.Reopened(at=after(5)), E.Resolved(at=after(20))
    )
    deadline = decide(policy, case, at=after(30)).deadline("resolution")
    assert (deadline.started, deadline.due, deadline.outcome) == (after(5), after(13), "breached")
    assert (case.first_resolved_at(after(30)), case.resolved_at(after(30))) == (after(2), after(20))
    assert decide(policy, case, at=after(6)).levels == {"main": "l2"}


@pytest.mark.parametrize("end", [E.Resolved, E.Closed, E.Voided])
@pytest.mark.parametrize("hour", [1, 5])
def test_rule_9_no_moves_while_resolved_closed_or_void(end, hour):
    """Whether the case ended before or after the move fell due."""
    policy = desk(Rule(name="r", when=F.open_for >= "4 hours", to="l2"))
    decision = decide(policy, opened(end(at=after(hour))), at=after(6))
    assert (decision.moves, decision.wake_at) == ((), None)


def test_rule_9_a_host_that_slept_through_a_cycle_still_finds_its_move():
    """The fold keeps the stays while nothing may move."""
    policy = desk(Rule(name="r", when=F.open_for >= "4 hours", to="l2"))
    assert moves(policy, opened(E.Resolved(at=after(5)), E.Reopened(at=after(6))), after(6)) == [("l2", after(4))]


def test_rule_9_a_void_case_has_no_deadline():
    """Merged, cancelled, spam."""
    policy = desk(targets=(Target.resolution(within="8 hours"), Target.first_response(within="1 hour")))
    assert decide(policy, opened(E.Voided(at=after(3))), at=after(4)).deadlines == ()


@pytest.mark.parametrize(
    "noise",
    [
        E.SupportReplied(at=after(1), public=False),
        E.SupportReplied(at=after(1), automatic=True),
        E.SupportReplied(at=after(1), actor="automation"),
        E.Assigned(at=after(1), person="bob"),
        E.Acknowledged(at=after(1)),
    ],
)
def test_rule_10_what_is_no_reply_stops_no_clock(noise):
    """A human wrote it and the customer could see it, or it does not count."""
    policy = desk(
        Rule(name="r", when=F.unanswered_for >= "2 hours", to="l2"), targets=(Target.first_response(within="3 hours"),)
    )
    decision = decide(policy, opened(noise), at=after(2))
    assert decision.move.due == after(2)
    assert decision.deadline("first_response").outcome == "pending"


def test_rule_11_the_same_id_twice_changes_nothing():
    """In one call, in two, or with other words."""
    case = opened(E.CustomerReplied(at=after(1), id="m1"), E.CustomerReplied(at=after(1), id="m1"))
    assert len(case.history) == 2
    assert case.record(E.CustomerReplied(at=after(2), id="m1")) == case


def test_rule_11_what_is_accepted_has_the_key_as_its_id():
    """ASCII, at most 64 characters, by automation; unstored, the same is found again."""
    policy = desk(
        Rule(
            name="r",
            when=F.open_for >= "1 hour",
            to="l2",
            then=(A.Flag(text="x"), A.SetPriority(to="next"), A.Assign(role="q")),
        )
    )
    decision = decide(policy, opened(), at=after(2))
    events = decision.accept(at=after(2), by="desk")
    assert {event.id for event in events} == {one.key for one in (*decision.moves, *decision.actions)}
    assert {type(event) for event in events} == {E.Escalated, E.ActionTaken, E.PriorityChanged, E.Assigned}
    assert all(event.id.isascii() and len(event.id) <= 64 and event.actor == "automation" for event in events)
    assert [event.id for event in decide(policy, opened(), at=after(50)).accept(at=after(50))] == [
        event.id for event in events
    ]


def test_rule_11_a_snapshot_is_reconciled_once():
    """The events have ids of their own; recorded, the next look finds nothing."""
    seen = {"priority": "high", "status": "waiting", "level": "l2", "assigned": {"analyst": "bob"}}
    events = opened(priority="normal").reconcile(at=after(2), **seen)
    case = opened(*events, priority="normal")
    assert all(event.id and event.actor == "automation" for event in events)
    assert case.reconcile(at=after(2), **seen) == case.reconcile(at=after(9), **seen) == ()
    assert (case.priority(after(2)), case.status(after(2)), case.level(after(2))) == ("high", "waiting", "l2")
    assert opened(priority="normal").reconcile(at=after(2)) == ()


def test_statuses_become_events():
    """What every host knows: the status became X."""
    words = ["open", "working", "waiting:customer", "open", "resolved", "closed", "open", "waiting:vendor", "void"]
    case = opened(*E.from_statuses([(after(hour), word, f"s{hour}") for hour, word in enumerate(words)]))
    seen = [case.status(after(hour)) for hour in range(9)]
    assert seen == ["open", "open", "waiting", "open", "resolved", "closed", "open", "waiting", "void"]
    assert case.reopened(after(9)) == 1


def test_the_figures_of_a_case():
    """Requests for attention, the first unanswered one, and their answer."""
    case = opened(
        E.EscalationRequested(at=after(1)),
        E.CustomerReplied(at=after(2), asks_to_escalate=True),
        E.EscalationAnswered(at=after(3)),
        E.EscalationRequested(at=after(4), wants="expertise"),
    )
    assert [case.escalations(after(hour)) for hour in range(5)] == [0, 1, 2, 2, 2]
    assert [case.first_unanswered_escalation(after(hour)) for hour in (1, 2, 3, 4)] == [after(1), after(1), None, None]


def test_a_case_is_a_value():
    """Frozen, hashable, and itself again by repr, JSON and pickle."""
    case = opened(
        E.FactObserved(at=after(1), name="x", value=True), channel="email", facts={"a": [1]}, attributes={"t": {"u": 1}}
    )
    assert (
        eval(repr(case)) == case == Case.model_validate_json(case.model_dump_json()) == pickle.loads(pickle.dumps(case))
    )
    assert len({case, pickle.loads(pickle.dumps(case))}) == 1
    with pytest.raises(TypeError):
        case.attributes["t"]["u"] = 2
    with pytest.raises(ValueError, match="frozen"):
        case.id = "other"


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
