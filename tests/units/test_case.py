"""A case is its history: everything else is derived from it."""

from __future__ import annotations

import pickle

import pytest

from escalation_rules import Case
from escalation_rules import events as E
from escalation_rules.events import read_status
from tests.bench import after, opened, when

NINE = when("mon 09:00")


def test_open_is_short_for_a_history_of_one_opening():
    """`Case(id, history)` is what is stored."""
    case = Case.open("C-1", at=NINE, priority="high", channel="phone", level="l2", facts={"down": True})
    event = E.Opened(at=NINE, priority="high", channel="phone", level="l2", facts={"down": True})
    assert case == Case("C-1", (event,)) == Case(id="C-1", history=[event])


def test_an_opening_by_staff_has_staff_as_its_actor():
    """By whom it was opened decides whose message it is."""
    assert [Case.open("C", at=NINE, by_staff=staff).history[0].actor for staff in (True, False)] == [
        "staff",
        "customer",
    ]


def test_eu5_the_first_unanswered_escalation_and_the_number_of_escalations():
    """Cleared when it has been answered; the number only rises; expertise and priority are other requests."""
    case = opened(
        E.EscalationRequested(at=when("mon 10:00")),
        E.CustomerReplied(at=when("mon 11:00"), asks_to_escalate=True),
        E.EscalationRequested(at=when("mon 11:30"), wants="expertise"),
        E.EscalationRequestAnswered(at=when("mon 12:00")),
        E.EscalationRequested(at=when("mon 13:00")),
    )
    told = [
        (case.first_open_escalation_request(at=when(at)), case.escalation_requests(at=when(at)))
        for at in ("mon 11:45", "mon 12:00", "mon 14:00")
    ]
    assert told == [(when("mon 10:00"), 2), (None, 2), (when("mon 13:00"), 3)]


def test_level_and_priority_and_assignment_as_recorded():
    """What was recorded last counts; a level is told per track when the track is asked for."""
    case = opened(
        E.Escalated(at=when("mon 10:00"), to="l2", track="f"),
        E.Escalated(at=when("mon 11:00"), to="h1", track="h"),
        E.DeEscalated(at=when("mon 12:00"), track="h"),
        E.PriorityChanged(at=when("mon 12:00"), to="high"),
        E.Assigned(at=when("mon 12:00"), person="ana"),
        E.Assigned(at=when("mon 13:00"), as_role="contact", group="dba"),
        level="l1",
        priority="low",
    )
    at = when("mon 14:00")
    assert (
        case.level(at=at),
        case.level(at=at, track="f"),
        case.level(at=at, track="h"),
        case.level(at=when("mon 11:00")),
    ) == (None, "l2", None, "h1")
    assert (case.priority(at=at), case.priority(at=NINE), case.priority(at=when("mon 08:00"))) == ("high", "low", None)
    assert case.assigned(at=at) == {"assignee": "ana", "contact": "dba"}
    assert case.level(at=NINE) == "l1"


class TestReconcile:
    """Real tickets are edited without a trace: `reconcile` finds what must be recorded for history to agree."""

    def test_a_snapshot_that_agrees_needs_nothing(self):
        """Nothing differs, or nothing was looked at."""
        case = opened(priority="high")
        assert case.reconcile(at=when("mon 10:00"), priority="high", status="working", assigned={"analyst": None}) == ()
        assert case.reconcile(at=when("mon 10:00")) == ()

    def test_what_differs_is_one_observation_with_an_id_of_its_own(self):
        """The id is the same whenever the same snapshot is looked at again."""
        case = opened(priority="high")
        at = when("mon 10:00")
        (seen,) = case.reconcile(at=at, priority="low", status="open", assigned={"analyst": "ana"}, level="l2")
        assert (seen.priority, seen.status, dict(seen.assigned), seen.level) == ("low", None, {"analyst": "ana"}, "l2")
        assert case.reconcile(at=at, priority="low", assigned={"analyst": "ana"}, level="l2") == (seen,)
        assert seen.actor == "automation"
        assert len(seen.id) <= 64

    def test_once_recorded_the_history_agrees(self):
        """Store what it returns."""
        snapshot = {"priority": "low", "status": "waiting:vendor", "assigned": {"analyst": "ana"}, "level": "l2"}
        case = opened(priority="high")
        case = case.record(*case.reconcile(at=when("mon 10:00"), **snapshot))
        assert case.reconcile(at=when("mon 11:00"), **snapshot) == ()
        at = when("mon 12:00")
        assert (case.priority(at=at), case.status(at=at), case.waits(at=at), case.assigned(at=at)) == (
            "low",
            "waiting",
            {"vendor"},
            {"analyst": "ana"},
        )

    def test_a_status_is_observed_as_the_events_that_lead_there(self):
        """From waiting to resolved, and back to open."""
        case = opened(E.WaitStarted(at=when("mon 10:00")))
        case = case.record(*case.reconcile(at=when("mon 11:00"), status="resolved"))
        assert [event.type for event in case.plain_history][-2:] == ["Reconciled", "Resolved"]
        case = case.record(*case.reconcile(at=when("mon 12:00"), status="open"))
        assert (case.status(at=when("mon 12:00")), case.reopenings(at=when("mon 12:00"))) == ("open", 1)

    def test_a_snapshot_is_compared_with_what_was_on_record_when_it_was_taken(self):
        """A change that was accepted late, dated at its due, was not on record yet."""
        case = opened(E.Reconciled(at=when("mon 12:00"), priority="low"), priority="low")
        raised = E.PriorityChanged(
            at=when("mon 10:00"), to="high", actor="automation", id="action-1", recorded_at=when("mon 13:00")
        )
        assert case.record(raised).priority(at=when("mon 14:00")) == "high"


def test_from_statuses_writes_the_events_behind_a_list_of_statuses():
    """What every host knows: status became X."""
    changes = [
        (NINE, "open", None),
        (when("mon 10:00"), "waiting:vendor", "s1"),
        (when("mon 10:00"), "waiting:vendor", "s2"),
        (when("mon 11:00"), "waiting", "s3"),
        (when("mon 12:00"), "working", "s4"),
        (when("mon 13:00"), "resolved", "s5"),
        (when("mon 14:00"), "closed", "s6"),
        (when("mon 15:00"), "waiting", "s7"),
        (when("mon 16:00"), "void"),
    ]
    events = E.from_statuses(changes)
    assert [(event.type, event.id) for event in events] == [
        ("WaitStarted", "s1"),
        ("WaitEnded", "s3"),
        ("WaitStarted", "s3:2"),
        ("WaitEnded", "s4"),
        ("Resolved", "s5"),
        ("Closed", "s6"),
        ("Reopened", "s7"),
        ("WaitStarted", "s7:2"),
        ("Voided", events[-1].id),
    ]
    assert opened(*events).status(at=when("mon 17:00")) == "void"
    assert read_status("waiting").waits == {"customer"}


def test_changes_of_status_are_taken_by_instant():
    """A host may list the latest first: a reopening is not before the resolution. At one instant their order stands."""
    changes = [(when("mon 13:00"), "open", "s3"), (when("mon 10:00"), "waiting", "s1"), (NINE, "open", "s0")]
    changes += [
        (when("mon 11:00"), "resolved", "s2"),
        (when("mon 14:00"), "void", "s4"),
        (when("mon 14:00"), "open", "s5"),
    ]
    found = [(event.type, event.id) for event in E.from_statuses(changes)]
    assert found == [
        ("WaitStarted", "s1"),
        ("Resolved", "s2"),
        ("Reopened", "s3"),
        ("Voided", "s4"),
        ("Reopened", "s5"),
    ]


def test_statuses_become_events():
    """What every host knows: the status became X."""
    words = ["open", "working", "waiting:customer", "open", "resolved", "closed", "open", "waiting:vendor", "void"]
    case = opened(*E.from_statuses([(after(hour), word, f"s{hour}") for hour, word in enumerate(words)]))
    seen = [case.status(at=after(hour)) for hour in range(9)]
    assert seen == ["open", "open", "waiting", "open", "resolved", "closed", "open", "waiting", "void"]
    assert case.reopenings(at=after(9)) == 1


def test_the_figures_of_a_case():
    """Requests for attention, the first unanswered one, and their answer."""
    case = opened(
        E.EscalationRequested(at=after(1)),
        E.CustomerReplied(at=after(2), asks_to_escalate=True),
        E.EscalationRequestAnswered(at=after(3)),
        E.EscalationRequested(at=after(4), wants="expertise"),
    )
    assert [case.escalation_requests(at=after(hour)) for hour in range(5)] == [0, 1, 2, 2, 2]
    assert [case.first_open_escalation_request(at=after(hour)) for hour in (1, 2, 3, 4)] == [
        after(1),
        after(1),
        None,
        None,
    ]


def test_a_case_is_a_value():
    """Frozen, hashable, and itself again by repr, JSON and pickle."""
    case = opened(
        E.FactChanged(at=after(1), name="x", value=True), channel="email", facts={"a": [1]}, attributes={"t": {"u": 1}}
    )
    assert (
        eval(repr(case)) == case == Case.model_validate_json(case.model_dump_json()) == pickle.loads(pickle.dumps(case))
    )
    assert len({case, pickle.loads(pickle.dumps(case))}) == 1
    with pytest.raises(TypeError):
        case.attributes["t"]["u"] = 2
    with pytest.raises(ValueError, match="frozen"):
        case.id = "other"
