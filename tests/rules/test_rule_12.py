"""Rule 12: which clock runs when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation_rules import Case, EscalationLevel, Rule, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.engine import deadlines
from tests.bench import OFFICE, accepted, after, clock, deadline, desk, levels, opened, when

FIRST = Target.first_response(within="4 hours")
NEXT = Target.next_response(within="2 hours")
UPDATE = Target.update(within="3 hours")


def test_a_first_response_has_a_start_a_due_and_a_budget():
    """Rule 12: the deadline says when it started, when it is due and what remains."""
    running = deadline(FIRST, opened(), after(1))
    assert (running.started_at, running.due_at, running.clock, running.outcome) == (
        after(0),
        after(4),
        "running",
        "pending",
    )
    assert (running.budget, running.remaining(after(1))) == (timedelta(hours=4), timedelta(hours=3))


def test_no_first_response_is_owed_on_a_case_that_staff_opened():
    """Rule 12: the customer's first message is then owed a next response."""
    case = Case.open("S", at=after(0), by_staff=True).record(E.CustomerReplied(at=after(1)))
    decision = decide(desk(targets=(FIRST, NEXT)), case, at=after(2))
    assert [(one.target, one.due_at) for one in decision.deadlines] == [("next_response", after(3))]


def test_next_response_is_owed_to_the_oldest_unanswered_message():
    """Rule 12: it does not start before the first response, and not again for each message."""
    assert deadline(NEXT, opened(E.CustomerReplied(at=after(1))), after(2)).outcome == "not_started"
    case = opened(E.SupportReplied(at=after(1)), E.CustomerReplied(at=after(2)), E.CustomerReplied(at=after(3)))
    found = deadline(NEXT, case, after(3))
    assert (found.started_at, found.due_at, found.occurrence) == (after(2), after(4), 1)
    again = case.record(E.SupportReplied(at=after(4)), E.CustomerReplied(at=after(6)))
    assert (deadline(NEXT, again, after(6)).occurrence, deadline(NEXT, again, after(6)).started_at) == (2, after(6))


def test_an_update_recurs_from_the_last_stop_with_one_open_instance():
    """Rule 12: a day of silence is one breach, and the next clock runs from the update that came."""
    (only,) = decide(desk(targets=(UPDATE,)), opened(), at=after(30)).deadlines
    assert (only.due_at, only.outcome) == (after(3), "breached")
    late = deadline(UPDATE, opened(E.UpdateSent(at=after(10))), after(10))
    assert (late.due_at, late.outcome, late.occurrence) == (after(13), "pending", 2)
    assert deadline(UPDATE, opened(E.UpdateSent(at=after(2), audience="internal")), after(2)).due_at == after(3)
    assert deadline(UPDATE, opened(E.SupportReplied(at=after(2))), after(2)).due_at == after(5)


def test_the_target_of_a_level_is_void_if_it_was_pending_and_stays_breached_if_not():
    """Rule 12: a level that is left after the due of its target leaves it breached."""
    look = Target(key="look", within="4 hours", stop_on=E.Reviewed.like())
    policy = desk(levels=(EscalationLevel(key="l1", targets=(look,)), "l2"))
    for hour, outcome in ((1, "void"), (5, "breached")):
        case = opened(E.Escalated(at=after(hour), to="l2"))
        assert decide(policy, case, at=after(9)).deadline("look").outcome == outcome


def test_the_customer_is_contacted_within_two_business_days_of_the_referral():
    """Rule 12: from Tuesday at ten that is Thursday at closing time, and a morning's wait moves it into Friday."""
    contact = Target.contact(within="2 business days", pause_on="customer")
    policy = desk(
        Rule(key="r", when=F.level_failed, to="next"),
        levels=("l1", EscalationLevel(key="l2", targets=(contact,))),
        calendars={"office": OFFICE},
    )
    case = accepted(policy, opened(E.LevelFailed(at=when("tue 10:00"))), when("tue 10:00"))
    assert decide(policy, case, at=when("tue 10:00")).deadline("contact").due_at == when("thu 17:00")
    waited = case.record(E.WaitStarted(at=when("wed 09:00")), E.WaitEnded(at=when("wed 12:00")))
    assert decide(policy, waited, at=when("wed 12:00")).deadline("contact").due_at == when("fri 12:00")


def test_first_response_runs_from_the_opening_to_the_first_counting_reply():
    """Rule 12: a note, an automatic reply and automation do not stop it."""
    policy = desk(targets=Target.first_response("2 business hours"))
    case = opened(
        E.SupportReplied(at=when("mon 09:10"), public=False),
        E.SupportReplied(at=when("mon 09:20"), automatic=True),
        E.SupportReplied(at=when("mon 09:30"), actor="automation"),
    )
    assert clock(policy, case, "mon 10:00", "first_response").outcome == "pending"
    answered = case.record(E.SupportReplied(at=when("mon 11:00")))
    assert clock(policy, answered, "mon 12:00", "first_response").outcome == "met"


def test_first_response_does_not_start_on_a_case_that_staff_opened():
    """Rule 12: its clock never starts."""
    policy = desk(targets=Target.first_response("2 business hours"))
    assert clock(policy, opened(by_staff=True), "mon 12:00", "first_response").outcome == "not_started"


def test_next_response_after_staff_opened_the_case_starts_with_the_first_message():
    """Rule 12: there is no first response to wait for."""
    policy = desk(targets=Target.next_response("4 business hours"))
    case = opened(E.CustomerReplied(at=when("mon 10:00")), by_staff=True)
    assert clock(policy, case, "mon 11:00", "next_response").started_at == when("mon 10:00")


def test_a_message_on_a_resolved_case_starts_the_next_response_at_the_reopening():
    """Rule 12: no clock runs on a resolved case."""
    policy = desk(targets=Target.next_response("4 business hours"))
    case = opened(
        E.SupportReplied(at=when("mon 10:00")),
        E.Resolved(at=when("mon 11:00")),
        E.CustomerReplied(at=when("mon 12:00")),
        E.Reopened(at=when("mon 13:00")),
    )
    assert clock(policy, case, "mon 12:30", "next_response").outcome == "not_started"
    assert clock(policy, case, "mon 14:00", "next_response").started_at == when("mon 13:00")


def test_updates_recur_from_the_last_one_with_one_open_instance():
    """Rule 12: an update and a counting reply both stop it, and a breached one stays open until the next update."""
    policy = desk(targets=Target.update("4 business hours"))
    case = opened(
        E.UpdateSent(at=when("mon 11:00")),
        E.UpdateSent(at=when("mon 11:30"), audience="internal"),
        E.UpdateSent(at=when("mon 11:45"), actor="automation"),
        E.SupportReplied(at=when("tue 12:00")),
    )
    seen = [clock(policy, case, at, "update") for at in ("mon 10:00", "mon 12:00", "tue 09:00", "tue 12:00")]
    assert [(one.occurrence, one.outcome, one.due_at) for one in seen] == [
        (1, "pending", when("mon 13:00")),
        (2, "pending", when("mon 15:00")),
        (2, "breached", when("mon 15:00")),
        (3, "pending", when("tue 16:00")),
    ]
    assert len(decide(policy, case, at=when("tue 09:00")).deadlines) == 1


def test_the_target_of_a_level_starts_on_entry_and_is_void_when_the_level_is_left():
    """Rule 12: two business days from Tuesday end on Thursday at closing time."""
    policy = desk(levels=levels(l2={"targets": Target.contact("2 business days")}))
    case = opened(E.Escalated(at=when("tue 12:00"), to="l2"), E.Escalated(at=when("wed 12:00"), to="l3"))
    assert clock(policy, case, "mon 12:00", "contact").outcome == "not_started"
    assert clock(policy, case, "tue 12:00", "contact").due_at == when("thu 17:00")
    assert clock(policy, case, "wed 12:00", "contact").outcome == "void"


@pytest.mark.parametrize(
    ("target", "stop"),
    [
        (Target.contact("1 hour"), E.CallHeld(at=when("mon 09:30"), kind="x", participants=("customer",))),
        (Target.acknowledge("1 hour"), E.Acknowledged(at=when("mon 09:30"))),
        (Target.kick_off("1 hour"), E.CallHeld(at=when("mon 09:30"), kind="kick_off")),
        (Target.action_plan("1 hour"), E.PlanRevised(at=when("mon 09:30"))),
        (Target.review("1 hour"), E.Reviewed(at=when("mon 09:30"), what="plan")),
        (Target.review("1 hour", what="status"), E.Reviewed(at=when("mon 09:30"), what="status")),
        (Target.update("1 hour", audience="internal"), E.UpdateSent(at=when("mon 09:30"), audience="internal")),
    ],
)
def test_the_other_targets_are_the_same_mechanism_with_other_patterns(target, stop):
    """Rule 12: they start with the cycle and stop with their event, and automation never stops a clock."""
    policy, case = desk(targets=target), opened()
    assert clock(policy, case, "mon 09:15", target.key).outcome == "pending"
    by_robot = case.record(stop.model_copy(update={"actor": "automation"}))
    robot = clock(policy, by_robot, "mon 09:30", target.key)
    human = clock(policy, case.record(stop), "mon 09:30", target.key)
    assert (robot.occurrence, robot.outcome) == (1, "pending")
    assert (human.outcome, human.occurrence) in {("met", 1), ("pending", 2)}


def test_an_agreed_plan_sets_the_span_and_a_later_one_changes_it():
    """Rule 12: `agreed=True` takes the span of the latest communication plan, counted from the last update."""
    policy = desk(targets=Target.update("1 business day", use_agreed_interval=True))
    case = opened(
        E.CommunicationAgreed(at=when("mon 10:00"), plan=E.CommunicationPlan(every="4 business hours")),
        E.CommunicationAgreed(at=when("mon 11:00"), plan=E.CommunicationPlan(every="6 business hours")),
    )
    seen = [clock(policy, case, at, "update").due_at for at in ("mon 09:30", "mon 10:00", "mon 11:00")]
    assert seen == [when("tue 17:00"), when("mon 13:00"), when("mon 15:00")]


def test_reports_list_every_instance_of_a_target():
    """Rule 12: `deadlines` lists each instance in the order in which they started; a decision has the latest."""
    policy = desk(targets=(Target.update("2 business hours"), Target.resolution("8 business hours")))
    case = opened(E.SupportReplied(at=when("mon 10:00")), E.UpdateSent(at=when("mon 13:00")))
    found = deadlines(policy, case, at=when("mon 14:00"))
    assert [(one.target, one.occurrence, one.outcome) for one in found] == [
        ("update", 1, "met"),
        ("resolution", 1, "pending"),
        ("update", 2, "breached"),
        ("update", 3, "pending"),
    ]
    assert decide(policy, case, at=when("mon 14:00")).deadline("update") == found[-1]
