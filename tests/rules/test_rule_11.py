"""Rule 11: the same thing twice."""

from __future__ import annotations

import pytest

from escalation_rules import Case, Rule, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import InvalidValue
from tests.bench import after, desk, opened, when


def test_the_same_id_twice_changes_nothing():
    """Rule 11: this holds within one call and across two."""
    case = opened(E.CustomerReplied(at=after(1), id="m1"), E.CustomerReplied(at=after(1), id="m1"))
    assert len(case.history) == 2
    assert case.record(E.CustomerReplied(at=after(1), id="m1")) is case


@pytest.mark.parametrize(
    "other",
    [
        E.Resolved(at=after(1), id="m1"),
        E.CustomerReplied(at=after(2), id="m1"),
        E.CustomerReplied(at=after(1), id="m1", asks_for_status=True),
    ],
)
def test_another_event_with_a_known_id_is_refused(other):
    """Rule 11: a resolution with the id of a message was lost in silence (report D17)."""
    message = E.CustomerReplied(at=after(1), id="m1")
    case = opened(message)
    with pytest.raises(InvalidValue, match="another event with the id `m1`, expected an id of its own, or"):
        case.record(other)
    with pytest.raises(InvalidValue, match="another event with the id `m1`"):
        Case("C", (*case.history, other))
    with pytest.raises(InvalidValue, match="another event with the id `m1`"):
        opened(message, other)


def test_of_what_was_accepted_the_first_stands():
    """Rule 11: a move that two workers accept at different instants is one move."""
    policy = desk(Rule(key="r", when=F.open_for >= "1 hour", to="l2", then=A.Tag(text="x")))
    one, other = (decide(policy, opened(), at=after(at)).accept(at=after(at), by="desk") for at in (2, 3))
    assert one != other
    assert opened(*one, *other) == opened(*one)


def test_an_accepted_event_has_the_key_as_its_id():
    """Rule 11: the id is ASCII, at most 64 characters, and the same if the events were lost and are asked for again."""
    policy = desk(
        Rule(
            key="r",
            when=F.open_for >= "1 hour",
            to="l2",
            then=(A.Tag(text="x"), A.RaisePriority(to="next"), A.Assign(role="q")),
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


def test_a_snapshot_is_reconciled_once():
    """Rule 11: its events have ids of their own, and the next look finds nothing new."""
    seen = {"priority": "high", "status": "waiting", "level": "l2", "assigned": {"analyst": "bob"}}
    events = opened(priority="normal").reconcile(at=after(2), **seen)
    case = opened(*events, priority="normal")
    assert all(event.id and event.actor == "automation" for event in events)
    assert case.reconcile(at=after(2), **seen) == case.reconcile(at=after(9), **seen) == ()
    assert (case.priority(at=after(2)), case.status(at=after(2)), case.level(at=after(2))) == ("high", "waiting", "l2")
    assert opened(priority="normal").reconcile(at=after(2)) == ()


def test_recording_nothing_new_gives_the_same_case():
    """Rule 11: the same id recorded twice changes nothing."""
    case = opened(E.CustomerReplied(at=when("mon 10:00"), id="m1"))
    assert case.record(E.CustomerReplied(at=when("mon 10:00"), id="m1")) is case
    assert Case("C", (*case.history, *case.history[1:])).history == case.history


def test_changes_of_status_without_an_id_get_one():
    """Rule 11: recording the same list of statuses again changes nothing, even with equal changes in it."""
    at = when("mon 10:00")
    changes = [
        (at, "waiting:приход"),
        (at, "open"),
        (at, "waiting:приход"),
        (at, "waiting:vendor"),
        (at, "resolved", ""),
    ]
    events = E.from_statuses(changes)
    types = ["WaitStarted", "WaitEnded", "WaitStarted", "WaitEnded", "WaitStarted", "Resolved"]
    assert [event.type for event in events] == types
    assert len({event.id for event in events}) == len(events)
    assert all(event.id.isascii() and len(event.id) <= 64 for event in events)
    assert E.from_statuses(changes) == events
    assert opened(*events).record(*E.from_statuses(changes)) == opened(*events)
