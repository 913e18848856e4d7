"""Every fact by example: what it is at an instant, seen through a rule that looks at nothing else."""

from __future__ import annotations

import pytest

from escalation_rules import EscalationRulesError, Rule, Target, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.conditions import AllOf, AnyOf
from escalation_rules.decision import levels_of
from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import fold
from escalation_rules.program.model import tree_holds
from escalation_rules.worktime import BusinessCalendar
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import MICROSECOND, OFFICE, after, desk, moves, opened, when

TARGET = Target.resolution("8 business hours")
PLAN = E.ActionPlan(
    items=(
        E.PlanItem(what="trace", owner="dba", due_at=when("mon 12:00")),
        E.PlanItem(what="patch", due_at=when("mon 14:00"), done=True),
        E.PlanItem(what="test"),
    ),
    backup="fail over",
)


def holds(condition, case, at, **changes):
    """Whether a condition holds of a case at an instant."""
    policy = desk(Rule(key="r", when=condition, then=A.Tag("x")), **changes)
    machine, instant = machine_of(policy), when(at) if isinstance(at, str) else at
    state = fold(machine, case, microseconds_of(instant))
    return tree_holds(machine.program.rules[0].own_tree, lambda number: bool(state.tests.truth >> number & 1))


def told(condition, case, *instants, **changes):
    """Whether it holds, at each of several instants."""
    return [holds(condition, case, at, **changes) for at in instants]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (F.priority == "high", True),
        (F.priority != "high", False),
        (F.priority >= "normal", True),
        (F.priority > "high", False),
        (F.priority < "high", False),
        (F.priority <= "high", True),
        (F.priority.in_("low", "high"), True),
        (~F.priority.in_("low", "high"), False),
    ],
)
def test_priority_is_ordered_as_the_policy_orders_it(condition, expected):
    """Lowest first; with no priority, neither a comparison nor its opposite holds."""
    assert holds(condition, opened(priority="high"), "mon 10:00") is expected
    assert not holds(condition, opened(), "mon 10:00")
    assert not holds(~condition, opened(), "mon 10:00")


def test_level_is_ordered_in_its_track_and_nowhere_is_below_all():
    """A level of another track, where the case stands nowhere, is above."""
    case = opened(E.Escalated(at=when("mon 10:00"), to="l2"))
    assert told(F.level >= "l2", case, "mon 09:30", "mon 10:00") == [False, True]
    assert told(F.level.in_("l1", "l3"), case, "mon 09:30", "mon 10:00") == [True, False]
    assert told(~F.level.in_("l1", "l3"), case, "mon 09:30", "mon 10:00") == [False, True]


def test_status_and_channel():
    """The channel is the one of the opening; unknown, it equals nothing and differs from nothing."""
    case = opened(E.WaitStarted(at=when("mon 10:00")), E.Resolved(at=when("mon 11:00")), channel="phone")
    assert told(F.status == "waiting", case, "mon 09:30", "mon 10:00", "mon 11:00") == [False, True, False]
    assert told(F.status.in_("open", "resolved"), case, "mon 09:30", "mon 10:00", "mon 11:00") == [True, False, True]
    assert told(F.channel == "phone", case, "mon 10:00") == [True]
    assert told((F.channel == "phone") | (F.channel != "phone"), opened(), "mon 10:00") == [False]


def test_open_for_runs_from_the_opening_and_from_each_reopening():
    """In elapsed time, and in business time in the calendar that the atom, the rule or the policy names."""
    case = opened(E.Resolved(at=when("mon 12:00")), E.Reopened(at=when("tue 09:00")), at="mon 08:00")
    assert told(F.open_for >= "2 hours", case, "mon 09:59", "mon 10:00", "tue 10:00", "tue 11:00") == [
        False,
        True,
        False,
        True,
    ]
    assert told(F.open_for >= "2 business hours", case, "mon 10:59", "mon 11:00") == [False, True]
    assert told(F.open_for < "2 business hours", case, "mon 10:59", "mon 11:00") == [True, False]
    calendars = {"office": OFFICE, "night": BusinessCalendar("Europe/London", {"mon-sun": "00:00-08:30"})}
    night = F.open_for.on("night") >= "1 business hour"
    assert told(night, case, "mon 23:00", "tue 00:30", calendars=calendars) == [False, True]


def test_unanswered_for_runs_from_the_oldest_message_without_a_later_reply():
    """Messages at 10 and 11, a note at 11.30, a reply at 13."""
    case = opened(
        E.SupportReplied(at=when("mon 09:30")),
        E.CustomerReplied(at=when("mon 10:00")),
        E.CustomerReplied(at=when("mon 11:00")),
        E.SupportReplied(at=when("mon 11:30"), public=False),
        E.SupportReplied(at=when("mon 13:00")),
    )
    instants = ("mon 09:45", "mon 11:59", "mon 12:00", "mon 12:59", "mon 13:00")
    assert told(F.unanswered_for >= "2 hours", case, *instants) == [False, False, True, True, False]
    assert told(F.unanswered_for < "2 hours", case, *instants) == [True, True, False, False, True]


def test_unassigned_for_runs_while_nobody_is_assigned():
    """Assigned at 10, taken back at 12."""
    case = opened(E.Assigned(at=when("mon 10:00"), person="ana"), E.Assigned(at=when("mon 12:00")))
    assert told(F.unassigned_for >= "1 hour", case, "mon 09:59", "mon 11:30", "mon 12:59", "mon 13:00") == [
        False,
        False,
        False,
        True,
    ]


def test_at_level_for_runs_from_the_entry_not_before_the_cycle():
    """On the rule's track, or on the one named."""
    case = opened(E.Escalated(at=when("mon 10:00"), to="l2"))
    assert told(F.at_level_for >= "1 hour", case, "mon 09:59", "mon 10:30", "mon 11:00") == [False, False, True]
    assert told(F.at_level_for("main") >= "1 hour", case, "mon 11:00") == [True]


def test_since_update_runs_from_the_last_update_or_reply_in_the_cycle():
    """Else from the cycle's beginning."""
    case = opened(
        E.UpdateSent(at=when("mon 10:00")),
        E.UpdateSent(at=when("mon 10:30"), audience="internal"),
        E.SupportReplied(at=when("mon 12:00")),
        E.Resolved(at=when("mon 12:30")),
        E.Reopened(at=when("tue 09:00")),
    )
    instants = ("mon 09:59", "mon 11:30", "mon 12:00", "tue 10:29", "tue 10:30")
    assert told(F.no_update_for >= "90 minutes", case, *instants) == [False, True, False, False, True]


def test_acknowledged_in_this_cycle_by_a_person():
    """An automatic acknowledgement is none."""
    case = opened(
        E.Acknowledged(at=when("mon 09:30"), actor="automation"),
        E.Acknowledged(at=when("mon 10:00")),
        E.Resolved(at=when("mon 11:00")),
        E.Reopened(at=when("mon 12:00")),
    )
    assert told(F.acknowledged, case, "mon 09:30", "mon 10:00", "mon 12:00") == [False, True, False]


def test_level_failed_is_about_the_present_level_since_entry():
    """A failure of another level, or of before, is none of it."""
    case = opened(
        E.LevelFailed(at=when("mon 09:30"), level="l2"),
        E.LevelFailed(at=when("mon 10:00")),
        E.Escalated(at=when("mon 11:00"), to="l2"),
        E.LevelFailed(at=when("mon 12:00"), level="l2"),
    )
    assert told(F.level_failed, case, "mon 09:30", "mon 10:00", "mon 11:00", "mon 12:00") == [False, True, False, True]


def test_escalation_requested_while_some_request_has_no_later_answer():
    """Expertise is another request; a reply that asks to escalate is one for attention."""
    case = opened(
        E.EscalationRequested(at=when("mon 09:30"), wants="expertise"),
        E.CustomerReplied(at=when("mon 10:00"), asks_to_escalate=True),
        E.EscalationRequestAnswered(at=when("mon 11:00")),
    )
    assert told(F.escalation_request_open, case, "mon 09:30", "mon 10:00", "mon 11:00") == [False, True, False]
    assert told(~F.escalation_request_open, case, "mon 09:30", "mon 10:00", "mon 11:00") == [True, False, True]


@pytest.mark.parametrize(
    ("fact", "event"),
    [
        (F.escalation_requests, E.EscalationRequested),
        (F.replies, E.SupportReplied),
        (F.status_requests, lambda at: E.CustomerReplied(at=at, asks_for_status=True)),
        (F.assignments, lambda at: E.Assigned(at=at, person=str(at))),
    ],
)
def test_counts_count(fact, event):
    """Twice by half past ten; replies, status requests and assignments are counted in the cycle only."""
    case = opened(
        event(at=when("mon 10:00")),
        event(at=when("mon 10:30")),
        E.Resolved(at=when("mon 11:00")),
        E.Reopened(at=when("mon 12:00")),
    )
    assert told(fact >= 2, case, "mon 10:00", "mon 10:30") == [False, True]
    assert holds(fact == 0, case, "mon 12:00") == (repr(fact) != "F.escalation_requests")


def test_moves_and_reopenings_count_for_life():
    """Moves up, on all tracks or on one; a move that is due counts."""
    case = opened(
        E.Escalated(at=when("mon 10:00"), to="l2"),
        E.DeEscalated(at=when("mon 11:00"), to="l1"),
        E.Resolved(at=when("mon 12:00")),
        E.Reopened(at=when("mon 13:00")),
        E.Escalated(at=when("mon 14:00"), to="l3"),
    )
    assert told(F.moves == 1, case, "mon 09:30", "mon 10:00", "mon 13:00", "mon 14:00") == [False, True, True, False]
    assert told(F.moves("main") >= 2, case, "mon 13:00", "mon 14:00") == [False, True]
    assert told(F.reopenings >= 1, case, "mon 12:00", "mon 13:00") == [False, True]


def test_an_assignment_to_the_same_again_is_no_change():
    """Changes of person or group."""
    case = opened(E.Assigned(at=when("mon 10:00"), person="ana"), E.Assigned(at=when("mon 11:00"), person="ana"))
    assert told(F.assignments == 1, case, "mon 10:00", "mon 11:00") == [True, True]


def test_deadline_is_the_outcome_of_the_latest_instance():
    """Not started, pending, breached from a microsecond after due."""
    case = opened(E.Resolved(at=when("mon 12:00")), E.Reopened(at=when("tue 09:00")))
    instants = ("mon 10:00", "mon 12:00", "tue 09:00", "tue 17:00", when("tue 17:00") + MICROSECOND)
    assert told(F.outcome("resolution") == "pending", case, *instants, targets=TARGET) == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert told(F.outcome("resolution") == "breached", case, *instants, targets=TARGET) == [
        False,
        False,
        False,
        False,
        True,
    ]
    assert told(F.outcome("resolution").in_("met", "breached"), case, *instants, targets=TARGET) == [
        False,
        True,
        False,
        False,
        True,
    ]
    never = Target(key="resolution", within="1 hour", start_on=E.Reviewed.like(), stop_on=E.Resolved.like())
    assert told(F.outcome("resolution") == "not_started", case, "mon 10:00", targets=never) == [True]
    assert told(F.used("resolution") >= 0, case, "mon 10:00", targets=never) == [True]
    assert told(F.used("resolution") >= "1%", case, "mon 10:00", targets=never) == [False]


def test_the_latest_action_plan():
    """Overdue from a microsecond after due; what is done, or has no due, is not overdue."""
    case = opened(
        E.PlanRevised(at=when("mon 10:00"), plan=PLAN), E.PlanRevised(at=when("mon 15:00"), plan=E.ActionPlan())
    )
    instants = ("mon 09:30", "mon 12:00", when("mon 12:00") + MICROSECOND, "mon 14:30", "mon 15:00")
    assert told(F.plan_items_overdue >= 1, case, *instants) == [False, False, True, True, False]
    assert told(F.plan_items_overdue < 1, case, *instants) == [True, True, False, False, True]
    assert told(F.plan_has_backup, case, *instants) == [False, True, True, True, False]


def test_happened_within_the_stay_or_within_the_cycle():
    """A rule with `to` looks at its stay, one without at the cycle; the opening belongs to the first stay."""
    case = opened(
        E.CustomerReplied(at=when("mon 10:00")),
        E.Escalated(at=when("mon 11:00"), to="l2"),
        E.Resolved(at=when("mon 12:00")),
        E.Reopened(at=when("mon 13:00")),
        channel="phone",
    )
    assert told(F.happened(E.CustomerReplied.like()), case, "mon 09:30", "mon 11:30", "mon 13:00") == [
        False,
        True,
        False,
    ]
    stay = desk(Rule(key="r", when=F.happened(E.CustomerReplied.like()), to="l3"))
    assert decide(stay, case, at=when("mon 10:30")).positions["main"].level == "l3"
    assert (
        decide(stay, case.record(E.DeEscalated(at=when("mon 10:45"), to="l1")), at=when("mon 11:30"))
        .positions["main"]
        .level
        == "l2"
    )
    start = desk(Rule(key="r", when=F.happened(E.Opened.like(channel="phone")), to="l2"))
    assert decide(start, case, at=when("mon 09:00")).move.to == "l2"


def test_all_of_nothing_holds_and_any_of_nothing_does_not():
    """The empty conditions of logic."""
    assert told(AllOf(of=()), opened(), "mon 10:00") == [True]
    assert told(AnyOf(of=()), opened(), "mon 10:00") == [False]


def test_levels_of_nothing_and_policies_without_levels_are_fine():
    """A policy may have targets and nothing else."""
    policy = desk(levels=(), targets=TARGET)
    decision = decide(policy, opened(), at=when("mon 10:00"))
    assert (dict(levels_of(decision)), decision.move, decision.de_escalation) == ({"main": None}, None, {})
    assert decision.deadline("resolution").due_at == when("mon 17:00")


OWN = (F.flag("x"), F.choice("kind", ("a", "b")), F.count("n", minimum=0, maximum=9), F.label("g"))


@pytest.mark.parametrize(
    ("name", "value"), [("x", "yes"), ("x", 1), ("kind", "c"), ("n", 99), ("n", "3"), ("n", 2.5), ("n", True)]
)
def test_a_value_outside_its_domain_is_refused(name, value):
    """Rather than compared."""
    with pytest.raises(EscalationRulesError, match="not a value of F"):
        decide(desk(facts=OWN), opened(E.FactChanged(at=after(1), name=name, value=value)), at=after(1))


FACTS = [
    (F.level_failed, [E.LevelFailed(at=after(1))], True),
    (F.level_failed, [E.LevelFailed(at=after(1), level="l2")], False),
    (F.level_failed, [E.LevelFailed(at=after(1)), E.Escalated(at=after(1), to="l2")], False),
    (F.acknowledged, [E.Acknowledged(at=after(1))], True),
    (F.acknowledged, [E.Acknowledged(at=after(1)), E.Resolved(at=after(2)), E.Reopened(at=after(3))], False),
    (F.escalation_request_open, [E.CustomerReplied(at=after(1), asks_to_escalate=True)], True),
    (F.escalation_request_open, [E.EscalationRequested(at=after(1)), E.EscalationRequestAnswered(at=after(2))], False),
    (F.escalation_request_open, [E.EscalationRequested(at=after(1), wants="expertise")], False),
    (
        F.escalation_requests >= 2,
        [E.EscalationRequested(at=after(1)), E.EscalationRequested(at=after(2), wants="priority")],
        False,
    ),
    (F.replies >= 1, [E.SupportReplied(at=after(1), public=False)], False),
    (F.replies >= 1, [E.SupportReplied(at=after(1)), E.Resolved(at=after(2)), E.Reopened(at=after(3))], False),
    (F.status_requests >= 1, [E.CustomerReplied(at=after(1), asks_for_status=True)], True),
    (F.assignments >= 2, [E.Assigned(at=after(1), person="a"), E.Assigned(at=after(2), person="a")], False),
    (F.assignments >= 2, [E.Assigned(at=after(1), person="a"), E.Assigned(at=after(2), person="b")], True),
    (F.reopenings >= 1, [E.Resolved(at=after(1)), E.Reopened(at=after(2))], True),
    (F.moves >= 1, [E.Escalated(at=after(1), to="l2")], True),
    (F.status == "waiting", [E.WaitStarted(at=after(1))], True),
    (F.status == "waiting", [E.WaitStarted(at=after(1)), E.CustomerReplied(at=after(2))], False),
    (F.unassigned_for >= "3 hours", [E.Assigned(at=after(1), person="a"), E.Assigned(at=after(2), person=None)], True),
    (F.unassigned_for >= "4 hours", [E.Assigned(at=after(1), person="a"), E.Assigned(at=after(2), person=None)], False),
    (F.no_update_for >= "3 hours", [E.UpdateSent(at=after(2))], True),
    (F.no_update_for >= "4 hours", [E.UpdateSent(at=after(2))], False),
    (
        F.at_level_for >= "2 hours",
        [E.Escalated(at=after(1), to="l2"), E.Resolved(at=after(2)), E.Reopened(at=after(3))],
        True,
    ),
    (
        F.at_level_for >= "3 hours",
        [E.Escalated(at=after(1), to="l2"), E.Resolved(at=after(2)), E.Reopened(at=after(3))],
        False,
    ),
    (F.happened(E.EscalationRequested.like(person=E.ANY)), [E.EscalationRequested(at=after(1), person="joe")], True),
    (F.happened(E.EscalationRequested.like(person=E.ANY)), [E.EscalationRequested(at=after(1))], False),
    (F.happened(E.EscalationRequested.like(business_impact=None)), [E.EscalationRequested(at=after(1))], True),
    (
        F.happened(E.EscalationRequested.like(channel=E.other_than("phone"))),
        [E.EscalationRequested(at=after(1), channel="chat")],
        True,
    ),
    (
        F.happened(E.EscalationRequested.like(channel=E.other_than("phone"))),
        [E.EscalationRequested(at=after(1))],
        False,
    ),
    (F.happened(E.CallHeld.like(kind=("a", "b"))), [E.CallHeld(at=after(1), kind="b")], True),
]


@pytest.mark.parametrize(("when", "events", "holds"), FACTS)
def test_the_table_of_facts(when, events, holds):
    """Each fact at five hours after the opening, as the table of the contract has it."""
    move = decide(desk(Rule(key="r", when=when, to="l3")), opened(*events, priority="normal"), at=after(5)).move
    assert bool(move and move.still_holds) == holds


def test_plan_items_are_overdue_after_their_due():
    """Open ones; done and undated ones never are."""
    items = (
        E.PlanItem(what="a", due_at=after(3)),
        E.PlanItem(what="b", due_at=after(3), done=True),
        E.PlanItem(what="c"),
    )
    policy = desk(
        Rule(key="r", when=F.plan_items_overdue >= 1, to="l2"), Rule(key="b", when=F.plan_has_backup, to="l3")
    )
    assert moves(policy, opened(E.PlanRevised(at=after(1), plan=E.ActionPlan(items=items))), after(9)) == [
        ("l2", after(3) + MICROSECOND)
    ]
