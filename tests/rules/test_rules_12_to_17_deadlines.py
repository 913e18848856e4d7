"""Rules 12 to 17: targets, pauses, changes of mind."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation_rules import Case, EscalationLevel, EscalationRulesError, Pick, Rule, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.acceptance_bench import ALWAYS, NINE, OFFICE, TICK, accepted, case, h, march, policy

FIRST = Target.first_response(within="4 hours")
NEXT = Target.next_response(within="2 hours")
RESOLUTION = Target.resolution(within="8 hours")
UPDATE = Target.update(within="3 hours")
BY_PRIORITY = Target(
    key="mend", within=Pick(by="priority", values={"high": "2 hours"}, otherwise="8 hours"), stops=E.Resolved.like()
)


def deadline(target, story, at, **fields):
    """The target's latest instance."""
    return decide(policy(targets=(target,), **fields), story, at=at).deadline(target.key)


def test_rule_12_first_response_runs_from_the_opening_to_the_first_counting_reply():
    """With its start, its budget and what remains."""
    running = deadline(FIRST, case(), h(1))
    assert (running.started, running.due, running.clock, running.outcome) == (NINE, h(4), "running", "pending")
    assert (running.budget, running.remaining(h(1))) == (timedelta(hours=4), timedelta(hours=3))


def test_rule_12_no_first_response_is_owed_on_a_case_that_staff_opened():
    """Not applicable; the customer's first message is then owed a next response."""
    story = Case.open("S", at=NINE, by_staff=True).record(E.CustomerReplied(at=h(1)))
    decision = decide(policy(targets=(FIRST, NEXT)), story, at=h(2))
    assert [(one.target, one.due) for one in decision.deadlines] == [("next_response", h(3))]


def test_rule_12_next_response_is_owed_to_the_oldest_unanswered_message():
    """Not before the first response, and not again for each message."""
    assert deadline(NEXT, case(E.CustomerReplied(at=h(1))), h(2)).outcome == "not started"
    story = case(E.SupportReplied(at=h(1)), E.CustomerReplied(at=h(2)), E.CustomerReplied(at=h(3)))
    assert (deadline(NEXT, story, h(3)).started, deadline(NEXT, story, h(3)).due) == (h(2), h(4))
    again = story.record(E.SupportReplied(at=h(4)), E.CustomerReplied(at=h(6)))
    assert (deadline(NEXT, again, h(6)).occurrence, deadline(NEXT, again, h(6)).started) == (2, h(6))


def test_rule_12_an_update_recurs_from_the_last_stop_with_one_open_instance():
    """A day of silence is one breach; then the clock runs from the update that came."""
    (only,) = decide(policy(targets=(UPDATE,)), case(), at=h(30)).deadlines
    assert (only.due, only.outcome) == (h(3), "breached")
    late = deadline(UPDATE, case(E.UpdateSent(at=h(10))), h(10))
    assert (late.due, late.outcome, late.occurrence) == (h(13), "pending", 2)
    assert deadline(UPDATE, case(E.UpdateSent(at=h(2), audience="internal")), h(2)).due == h(3)
    assert deadline(UPDATE, case(E.SupportReplied(at=h(2))), h(2)).due == h(5)


def test_rule_12_a_level_target_starts_on_entry_and_is_void_if_left_pending():
    """Left after its due it stays breached."""
    look = Target(key="look", within="4 hours", stops=E.Reviewed.like())
    wanted = policy(levels=(EscalationLevel(key="l1", targets=(look,)), "l2"))
    for hour, outcome in ((1, "void"), (5, "breached")):
        story = case(E.Escalated(at=h(hour), to="l2"))
        assert decide(wanted, story, at=h(9)).deadline("look").outcome == outcome


def test_rule_12_an_agreed_span_goes_before_the_policys():
    """The latest communication plan drives the update clock."""
    agreed = E.CommunicationAgreed(at=h(2), plan=E.CommunicationPlan(mode="phone", every="4 hours"))
    assert deadline(Target.update(within="8 hours", agreed=True), case(agreed), h(2)).due == h(4)


def test_rule_12_two_business_days_to_contact_from_the_referral():
    """Referred on Tuesday at ten: Thursday at closing time; a morning's wait moves it into Friday."""
    contact = Target.contact(within="2 business days")
    wanted = policy(
        Rule(name="r", when=F.level_failed, to="next"),
        levels=("l1", EscalationLevel(key="l2", targets=(contact,))),
        calendars={"office": OFFICE},
    )
    story = accepted(wanted, case(E.LevelFailed(at=march(3, 10))), march(3, 10))
    assert decide(wanted, story, at=march(3, 10)).deadline("contact").due == march(5, 17)
    waited = story.record(E.WaitStarted(at=march(4, 9)), E.WaitEnded(at=march(4, 12)))
    assert decide(wanted, waited, at=march(4, 12)).deadline("contact").due == march(6, 12)


def test_rule_13_a_pause_is_taken_out_and_hides_the_due():
    """While paused `due` is None, and one may ask when it would be due."""
    story = case(E.WaitStarted(at=h(2)))
    paused = deadline(RESOLUTION, story, h(3))
    assert (paused.due, paused.clock, paused.outcome) == (None, "paused", "pending")
    assert (paused.due_if_resumed(h(3)), paused.remaining(h(3))) == (h(9), timedelta(hours=6))
    for end in (E.WaitEnded(at=h(5)), E.CustomerReplied(at=h(5))):
        assert deadline(RESOLUTION, story.record(end), h(5)).due == h(11)


def test_rule_13_which_waits_pause_and_what_ends_them():
    """Only the named ones; `WaitEnded` ends all, and is harmless without any."""
    assert deadline(RESOLUTION, case(E.WaitStarted(at=h(2), on="vendor")), h(3)).due == h(8)
    assert deadline(RESOLUTION, case(E.WaitEnded(at=h(1))), h(1)).due == h(8)
    both = Target(key="t", within="4 hours", stops=E.Reviewed.like(), pauses=("customer", "vendor"))
    story = case(E.WaitStarted(at=h(1)), E.WaitStarted(at=h(2), on="vendor"), E.CustomerReplied(at=h(3)))
    assert deadline(both, story, h(3)).clock == "paused"
    assert deadline(both, story.record(E.WaitEnded(at=h(4))), h(4)).due == h(7)


@pytest.mark.parametrize(
    ("begins", "outcome", "due"), [(h(8) - TICK, "pending", None), (h(8), "breached", h(8)), (h(9), "breached", h(8))]
)
def test_rule_13_a_pause_at_or_after_due_rescues_nothing(begins, outcome, due):
    """A microsecond before due it does."""
    paused = deadline(RESOLUTION, case(E.WaitStarted(at=begins)), h(10))
    assert (paused.outcome, paused.due) == (outcome, due)


def test_rule_13_a_wait_over_night_does_not_move_a_due_date():
    """Pauses are counted in the target's own calendar."""
    target = Target.resolution(within="4 business hours")
    story = case(E.WaitStarted(at=march(2, 17)), E.WaitEnded(at=march(3, 9)), at=march(2, 15))
    assert deadline(target, story, march(3, 9), calendars={"office": OFFICE}).due == march(3, 11)


@pytest.mark.parametrize(("at", "outcome"), [(h(8) - TICK, "met"), (h(8), "met"), (h(8) + TICK, "breached")])
def test_rule_14_met_at_or_before_due_and_breached_a_microsecond_later(at, outcome):
    """Stopped then, or still running then."""
    assert deadline(RESOLUTION, case(E.Resolved(at=at)), h(9)).outcome == outcome
    assert deadline(RESOLUTION, case(), at).outcome == ("breached" if outcome == "breached" else "pending")


def test_rule_14_fridays_deadline_is_breached_on_saturday():
    """Instants are compared, never the business time that remains."""
    target = Target.resolution(within="4 business hours")
    assert deadline(target, case(at=march(6, 13)), march(7), calendars={"office": OFFICE}).outcome == "breached"


def test_rule_15_counted_time_carries_over_a_change():
    """One hour of two was used; four of waiting are not counted."""
    assert deadline(BY_PRIORITY, case(E.PriorityChanged(at=h(1), to="high")), h(1)).due == h(2)
    waited = case(E.WaitStarted(at=h(1)), E.WaitEnded(at=h(5)), E.PriorityChanged(at=h(5), to="high"))
    assert deadline(BY_PRIORITY, waited, h(5)).due == h(6)


def test_rule_15_a_breach_by_a_change_is_dated_at_the_change_and_stays():
    """Also when the priority goes back."""
    story = case(E.PriorityChanged(at=h(3), to="high"))
    breach = deadline(BY_PRIORITY, story, h(4))
    assert (breach.due, breach.outcome, breach.caused_by_change) == (h(3), "breached", True)
    assert deadline(BY_PRIORITY, story.record(E.PriorityChanged(at=h(4), to="low")), h(5)).outcome == "breached"


def test_rule_15_a_lower_priority_does_not_undo_a_breach():
    """Nor is that breach caused by the change."""
    breach = deadline(BY_PRIORITY, case(E.PriorityChanged(at=h(3), to="low"), priority="high"), h(4))
    assert (breach.due, breach.outcome, breach.caused_by_change) == (h(2), "breached", False)
    saved = case(E.PriorityChanged(at=h(2) - TICK, to="low"), priority="high")
    assert deadline(BY_PRIORITY, saved, h(4)).due == h(8)


def test_rule_15_each_stretch_is_counted_in_the_calendar_then_in_force():
    """Two office hours, two by night, four on the next morning."""
    fields = {
        "calendars": {"office": OFFICE, "always": ALWAYS},
        "calendar": Pick(by="priority", values={"urgent": "always"}, otherwise="office"),
    }
    story = case(
        E.PriorityChanged(at=march(2, 20), to="urgent"),
        E.PriorityChanged(at=march(2, 22), to="normal"),
        at=march(2, 15),
    )
    found = deadline(Target.resolution(within="8 business hours"), story, march(2, 22), **fields)
    assert found.due == march(3, 13)
    counted = [one.end - one.start for one in found.segments(found.due) if one.counted]
    assert sum(counted, timedelta()) == found.budget == timedelta(hours=8)


def test_rule_16_the_first_target_whose_condition_holds_applies():
    """None says that there is no target."""
    key = {"key": "t", "stops": E.Resolved.like()}
    wanted = policy(
        targets=(
            Target(within="1 hour", when=F.priority >= "high", **key),
            Target(within=None, when=F.priority == "low", **key),
            Target(within="8 hours", **key),
        )
    )
    assert decide(wanted, case(priority="high"), at=NINE).deadline("t").due == h(1)
    assert decide(wanted, case(priority="normal"), at=NINE).deadline("t").due == h(8)
    assert decide(wanted, case(priority="low"), at=NINE).deadlines == ()


@pytest.mark.parametrize("when", [F.deadline("t") == "breached", F.open_for >= "1 hour", F.used("t") >= 0.5])
def test_rule_16_a_targets_condition_sees_state_only(when):
    """Nothing is circular."""
    with pytest.raises(EscalationRulesError, match=r"targets\[0\]\.when: .* expected state, not time"):
        policy(targets=(Target(key="t", within="1 hour", stops=E.Resolved.like(), when=when),))


def test_rule_17_events_at_one_instant_apply_in_position_order():
    """A message and its answer, or an answer and then a message."""
    begun = E.SupportReplied(at=h(1))
    answered = case(begun, E.CustomerReplied(at=h(2)), E.SupportReplied(at=h(2)))
    asked = case(begun, E.SupportReplied(at=h(2)), E.CustomerReplied(at=h(2)))
    assert deadline(NEXT, answered, h(2)).outcome == "met"
    assert deadline(NEXT, asked, h(2)).outcome == "pending"


def test_rule_17_one_event_stops_a_clock_before_it_starts_it():
    """Each review is due two hours after the last."""
    target = Target(key="t", within="2 hours", starts=E.Reviewed.like(), stops=E.Reviewed.like())
    found = deadline(target, case(E.Reviewed(at=h(1)), E.Reviewed(at=h(2))), h(2))
    assert (found.started, found.occurrence, found.outcome) == (h(2), 2, "pending")
    stopped = Target(key="t", within="2 hours", stops=E.WaitStarted.like())
    assert deadline(stopped, case(E.WaitStarted(at=h(2))), h(3)).outcome == "met"


def test_segments_account_for_all_the_time():
    """What is counted and what is not, and why."""
    found = deadline(RESOLUTION, case(E.WaitStarted(at=h(2))), h(3))
    assert [(one.start, one.end, one.counted) for one in found.segments(h(3))] == [
        (NINE, h(2), True),
        (h(2), h(3), False),
    ]


def test_deadlines_come_soonest_first():
    """Paused ones, which have no due, come last."""
    targets = (RESOLUTION, Target(key="t", within="20 hours", stops=E.Reviewed.like(), pauses=()))
    found = decide(policy(targets=targets), case(E.WaitStarted(at=h(1))), at=h(2)).deadlines
    assert [(one.target, one.due) for one in found] == [("t", h(20)), ("resolution", None)]


def test_an_unknown_target_is_refused_with_the_nearest_known():
    """As every unknown name."""
    with pytest.raises(EscalationRulesError, match=r"unknown target `resolutoin`.* did you mean `resolution`"):
        decide(policy(targets=(RESOLUTION,)), case(), at=NINE).deadline("resolutoin")
