"""Rules 12 to 17: targets, pauses, changes of mind."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation_rules import Case, EscalationLevel, EscalationRulesError, Pick, Rule, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import ALWAYS, MICROSECOND, OFFICE, accepted, after, deadline, desk, opened, when

FIRST = Target.first_response(within="4 hours")
NEXT = Target.next_response(within="2 hours")
RESOLUTION = Target.resolution(within="8 hours")
UPDATE = Target.update(within="3 hours")
BY_PRIORITY = Target(
    key="mend", within=Pick(by="priority", values={"high": "2 hours"}, otherwise="8 hours"), stops=E.Resolved.like()
)


def test_rule_12_first_response_runs_from_the_opening_to_the_first_counting_reply():
    """With its start, its budget and what remains."""
    running = deadline(FIRST, opened(), after(1))
    assert (running.started, running.due, running.clock, running.outcome) == (after(0), after(4), "running", "pending")
    assert (running.budget, running.remaining(after(1))) == (timedelta(hours=4), timedelta(hours=3))


def test_rule_12_no_first_response_is_owed_on_a_case_that_staff_opened():
    """Not applicable; the customer's first message is then owed a next response."""
    case = Case.open("S", at=after(0), by_staff=True).record(E.CustomerReplied(at=after(1)))
    decision = decide(desk(targets=(FIRST, NEXT)), case, at=after(2))
    assert [(one.target, one.due) for one in decision.deadlines] == [("next_response", after(3))]


def test_rule_12_next_response_is_owed_to_the_oldest_unanswered_message():
    """Not before the first response, and not again for each message."""
    assert deadline(NEXT, opened(E.CustomerReplied(at=after(1))), after(2)).outcome == "not started"
    case = opened(E.SupportReplied(at=after(1)), E.CustomerReplied(at=after(2)), E.CustomerReplied(at=after(3)))
    assert (deadline(NEXT, case, after(3)).started, deadline(NEXT, case, after(3)).due) == (after(2), after(4))
    again = case.record(E.SupportReplied(at=after(4)), E.CustomerReplied(at=after(6)))
    assert (deadline(NEXT, again, after(6)).occurrence, deadline(NEXT, again, after(6)).started) == (2, after(6))


def test_rule_12_an_update_recurs_from_the_last_stop_with_one_open_instance():
    """A day of silence is one breach; then the clock runs from the update that came."""
    (only,) = decide(desk(targets=(UPDATE,)), opened(), at=after(30)).deadlines
    assert (only.due, only.outcome) == (after(3), "breached")
    late = deadline(UPDATE, opened(E.UpdateSent(at=after(10))), after(10))
    assert (late.due, late.outcome, late.occurrence) == (after(13), "pending", 2)
    assert deadline(UPDATE, opened(E.UpdateSent(at=after(2), audience="internal")), after(2)).due == after(3)
    assert deadline(UPDATE, opened(E.SupportReplied(at=after(2))), after(2)).due == after(5)


def test_rule_12_a_level_target_starts_on_entry_and_is_void_if_left_pending():
    """Left after its due it stays breached."""
    look = Target(key="look", within="4 hours", stops=E.Reviewed.like())
    policy = desk(levels=(EscalationLevel(key="l1", targets=(look,)), "l2"))
    for hour, outcome in ((1, "void"), (5, "breached")):
        case = opened(E.Escalated(at=after(hour), to="l2"))
        assert decide(policy, case, at=after(9)).deadline("look").outcome == outcome


def test_rule_12_an_agreed_span_goes_before_the_policys():
    """The latest communication plan drives the update clock."""
    agreed = E.CommunicationAgreed(at=after(2), plan=E.CommunicationPlan(mode="phone", every="4 hours"))
    assert deadline(Target.update(within="8 hours", agreed=True), opened(agreed), after(2)).due == after(4)


def test_rule_12_two_business_days_to_contact_from_the_referral():
    """Referred on Tuesday at ten: Thursday at closing time; a morning's wait moves it into Friday."""
    contact = Target.contact(within="2 business days")
    policy = desk(
        Rule(name="r", when=F.level_failed, to="next"),
        levels=("l1", EscalationLevel(key="l2", targets=(contact,))),
        calendars={"office": OFFICE},
    )
    case = accepted(policy, opened(E.LevelFailed(at=when("tue 10:00"))), when("tue 10:00"))
    assert decide(policy, case, at=when("tue 10:00")).deadline("contact").due == when("thu 17:00")
    waited = case.record(E.WaitStarted(at=when("wed 09:00")), E.WaitEnded(at=when("wed 12:00")))
    assert decide(policy, waited, at=when("wed 12:00")).deadline("contact").due == when("fri 12:00")


def test_rule_13_a_pause_is_taken_out_and_hides_the_due():
    """While paused `due` is None, and one may ask when it would be due."""
    case = opened(E.WaitStarted(at=after(2)))
    paused = deadline(RESOLUTION, case, after(3))
    assert (paused.due, paused.clock, paused.outcome) == (None, "paused", "pending")
    assert (paused.due_if_resumed(after(3)), paused.remaining(after(3))) == (after(9), timedelta(hours=6))
    for end in (E.WaitEnded(at=after(5)), E.CustomerReplied(at=after(5))):
        assert deadline(RESOLUTION, case.record(end), after(5)).due == after(11)


def test_rule_13_which_waits_pause_and_what_ends_them():
    """Only the named ones; `WaitEnded` ends all, and is harmless without any."""
    assert deadline(RESOLUTION, opened(E.WaitStarted(at=after(2), on="vendor")), after(3)).due == after(8)
    assert deadline(RESOLUTION, opened(E.WaitEnded(at=after(1))), after(1)).due == after(8)
    both = Target(key="t", within="4 hours", stops=E.Reviewed.like(), pauses=("customer", "vendor"))
    case = opened(E.WaitStarted(at=after(1)), E.WaitStarted(at=after(2), on="vendor"), E.CustomerReplied(at=after(3)))
    assert deadline(both, case, after(3)).clock == "paused"
    assert deadline(both, case.record(E.WaitEnded(at=after(4))), after(4)).due == after(7)


@pytest.mark.parametrize(
    ("begins", "outcome", "due"),
    [(after(8) - MICROSECOND, "pending", None), (after(8), "breached", after(8)), (after(9), "breached", after(8))],
)
def test_rule_13_a_pause_at_or_after_due_rescues_nothing(begins, outcome, due):
    """A microsecond before due it does."""
    paused = deadline(RESOLUTION, opened(E.WaitStarted(at=begins)), after(10))
    assert (paused.outcome, paused.due) == (outcome, due)


def test_rule_13_a_wait_over_night_does_not_move_a_due_date():
    """Pauses are counted in the target's own calendar."""
    target = Target.resolution(within="4 business hours")
    case = opened(E.WaitStarted(at=when("mon 17:00")), E.WaitEnded(at=when("tue 09:00")), at=when("mon 15:00"))
    assert deadline(target, case, when("tue 09:00"), calendars={"office": OFFICE}).due == when("tue 11:00")


@pytest.mark.parametrize(
    ("at", "outcome"), [(after(8) - MICROSECOND, "met"), (after(8), "met"), (after(8) + MICROSECOND, "breached")]
)
def test_rule_14_met_at_or_before_due_and_breached_a_microsecond_later(at, outcome):
    """Stopped then, or still running then."""
    assert deadline(RESOLUTION, opened(E.Resolved(at=at)), after(9)).outcome == outcome
    assert deadline(RESOLUTION, opened(), at).outcome == ("breached" if outcome == "breached" else "pending")


def test_rule_14_fridays_deadline_is_breached_on_saturday():
    """Instants are compared, never the business time that remains."""
    target = Target.resolution(within="4 business hours")
    assert (
        deadline(target, opened(at=when("fri 13:00")), when("sat 00:00"), calendars={"office": OFFICE}).outcome
        == "breached"
    )


def test_rule_15_counted_time_carries_over_a_change():
    """One hour of two was used; four of waiting are not counted."""
    assert deadline(
        BY_PRIORITY, opened(E.PriorityChanged(at=after(1), to="high"), priority="normal"), after(1)
    ).due == after(2)
    waited = opened(
        E.WaitStarted(at=after(1)),
        E.WaitEnded(at=after(5)),
        E.PriorityChanged(at=after(5), to="high"),
        priority="normal",
    )
    assert deadline(BY_PRIORITY, waited, after(5)).due == after(6)


def test_rule_15_a_breach_by_a_change_is_dated_at_the_change_and_stays():
    """Also when the priority goes back."""
    case = opened(E.PriorityChanged(at=after(3), to="high"), priority="normal")
    breach = deadline(BY_PRIORITY, case, after(4))
    assert (breach.due, breach.outcome, breach.caused_by_change) == (after(3), "breached", True)
    assert deadline(BY_PRIORITY, case.record(E.PriorityChanged(at=after(4), to="low")), after(5)).outcome == "breached"


def test_rule_15_a_lower_priority_does_not_undo_a_breach():
    """Nor is that breach caused by the change."""
    breach = deadline(BY_PRIORITY, opened(E.PriorityChanged(at=after(3), to="low"), priority="high"), after(4))
    assert (breach.due, breach.outcome, breach.caused_by_change) == (after(2), "breached", False)
    saved = opened(E.PriorityChanged(at=after(2) - MICROSECOND, to="low"), priority="high")
    assert deadline(BY_PRIORITY, saved, after(4)).due == after(8)


def test_rule_15_each_stretch_is_counted_in_the_calendar_then_in_force():
    """Two office hours, two by night, four on the next morning."""
    fields = {
        "calendars": {"office": OFFICE, "always": ALWAYS},
        "calendar": Pick(by="priority", values={"urgent": "always"}, otherwise="office"),
    }
    case = opened(
        E.PriorityChanged(at=when("mon 20:00"), to="urgent"),
        E.PriorityChanged(at=when("mon 22:00"), to="normal"),
        at=when("mon 15:00"),
        priority="normal",
    )
    found = deadline(Target.resolution(within="8 business hours"), case, when("mon 22:00"), **fields)
    assert found.due == when("tue 13:00")
    counted = [one.end - one.start for one in found.segments(found.due) if one.counted]
    assert sum(counted, timedelta()) == found.budget == timedelta(hours=8)


def test_rule_16_the_first_target_whose_condition_holds_applies():
    """None says that there is no target."""
    key = {"key": "t", "stops": E.Resolved.like()}
    policy = desk(
        targets=(
            Target(within="1 hour", when=F.priority >= "high", **key),
            Target(within=None, when=F.priority == "low", **key),
            Target(within="8 hours", **key),
        )
    )
    assert decide(policy, opened(priority="high"), at=after(0)).deadline("t").due == after(1)
    assert decide(policy, opened(priority="normal"), at=after(0)).deadline("t").due == after(8)
    assert decide(policy, opened(priority="low"), at=after(0)).deadlines == ()


@pytest.mark.parametrize("when", [F.deadline("t") == "breached", F.open_for >= "1 hour", F.used("t") >= 0.5])
def test_rule_16_a_targets_condition_sees_state_only(when):
    """Nothing is circular."""
    with pytest.raises(EscalationRulesError, match=r"targets\[0\]\.when: .* expected state, not time"):
        desk(targets=(Target(key="t", within="1 hour", stops=E.Resolved.like(), when=when),))


def test_rule_17_events_at_one_instant_apply_in_position_order():
    """A message and its answer, or an answer and then a message."""
    begun = E.SupportReplied(at=after(1))
    answered = opened(begun, E.CustomerReplied(at=after(2)), E.SupportReplied(at=after(2)))
    asked = opened(begun, E.SupportReplied(at=after(2)), E.CustomerReplied(at=after(2)))
    assert deadline(NEXT, answered, after(2)).outcome == "met"
    assert deadline(NEXT, asked, after(2)).outcome == "pending"


def test_rule_17_one_event_stops_a_clock_before_it_starts_it():
    """Each review is due two hours after the last."""
    target = Target(key="t", within="2 hours", starts=E.Reviewed.like(), stops=E.Reviewed.like())
    found = deadline(target, opened(E.Reviewed(at=after(1)), E.Reviewed(at=after(2))), after(2))
    assert (found.started, found.occurrence, found.outcome) == (after(2), 2, "pending")
    stopped = Target(key="t", within="2 hours", stops=E.WaitStarted.like())
    assert deadline(stopped, opened(E.WaitStarted(at=after(2))), after(3)).outcome == "met"


def test_segments_account_for_all_the_time():
    """What is counted and what is not, and why."""
    found = deadline(RESOLUTION, opened(E.WaitStarted(at=after(2))), after(3))
    assert [(one.start, one.end, one.counted) for one in found.segments(after(3))] == [
        (after(0), after(2), True),
        (after(2), after(3), False),
    ]


def test_deadlines_come_soonest_first():
    """Paused ones, which have no due, come last."""
    targets = (RESOLUTION, Target(key="t", within="20 hours", stops=E.Reviewed.like(), pauses=()))
    found = decide(desk(targets=targets), opened(E.WaitStarted(at=after(1))), at=after(2)).deadlines
    assert [(one.target, one.due) for one in found] == [("t", after(20)), ("resolution", None)]


def test_an_unknown_target_is_refused_with_the_nearest_known():
    """As every unknown name."""
    with pytest.raises(EscalationRulesError, match=r"unknown target `resolutoin`.* did you mean `resolution`"):
        decide(desk(targets=(RESOLUTION,)), opened(), at=after(0)).deadline("resolutoin")
