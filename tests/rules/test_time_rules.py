"""Rules 9 to 17 by example: cycles, clocks, pauses, changes and what happens at one instant, worked out by hand.

The office is open from 9 to 17 on weekdays. Monday is 2 March 2026; there is no daylight saving in London that week.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation_rules import Pick, Rule, Target, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.engine import deadlines
from tests.bench import ALWAYS, MICROSECOND, OFFICE, clock, desk, levels, opened, when

FOUR = Target.resolution("4 business hours")


class TestCyclesAndStatuses:
    """Rule 9."""

    def test_each_reopening_starts_a_new_resolution_clock(self):
        """Opened Monday 9, resolved at 10, reopened Tuesday 9: due at 13 on each day."""
        case = opened(E.Resolved(at=when("mon 10:00")), E.Reopened(at=when("tue 09:00")))
        policy = desk(targets=FOUR)
        first, second = clock(policy, case, "mon 12:00"), clock(policy, case, "tue 10:00")
        assert (first.outcome, first.due) == ("met", when("mon 13:00"))
        assert (second.outcome, second.due, second.started) == ("pending", when("tue 13:00"), when("tue 09:00"))

    def test_a_reopening_without_a_resolution_starts_one_too(self):
        """The clocks of the old cycle are void; resolution is due four hours after the reopening."""
        policy = desk(targets=(FOUR, Target.post_mortem("1 business day")))
        case = opened(E.Reopened(at=when("mon 11:00")))
        first, second = deadlines(policy, case, at=when("mon 12:00"))
        assert (first.outcome, first.started, first.stopped) == ("void", when("mon 09:00"), when("mon 11:00"))
        assert (second.outcome, second.started, second.due) == ("pending", when("mon 11:00"), when("mon 15:00"))

    def test_a_reopening_leaves_what_resolving_started(self):
        """The post-mortem is still owed."""
        policy = desk(targets=Target.post_mortem("1 business day"))
        case = opened(E.Resolved(at=when("mon 10:00")), E.Reopened(at=when("mon 11:00")))
        assert clock(policy, case, "mon 12:00", "post_mortem").outcome == "pending"

    def test_the_level_stands_over_a_reopening(self):
        """Where the case stood it stands, but time at the level is not counted from before the cycle."""
        policy = desk(Rule(name="long", when=F.at_level_for >= "2 hours", at="l2", to="l3"))
        case = opened(
            E.Escalated(at=when("mon 09:30"), to="l2"),
            E.Resolved(at=when("mon 10:00")),
            E.Reopened(at=when("tue 09:00")),
        )
        assert decide(policy, case, at=when("tue 10:59")).levels["main"] == "l2"
        assert decide(policy, case, at=when("tue 11:00")).move.due == when("tue 11:00")

    def test_resolving_voids_what_is_pending_except_what_resolving_starts(self):
        """The first response is void, the post-mortem runs on after the case is closed."""
        policy = desk(targets=(Target.first_response("1 business hour"), Target.post_mortem("2 business days")))
        case = opened(E.Resolved(at=when("mon 09:30")), E.Closed(at=when("mon 10:00")))
        decision = decide(policy, case, at=when("mon 12:00"))
        assert decision.deadline("first_response").outcome == "void"
        assert [(one.target, one.clock, one.due) for one in decision.deadlines] == [
            ("post_mortem", "running", when("wed 17:00"))
        ]
        assert [(owed.kind, owed.what) for owed in decision.owed] == [("post_mortem", "post_mortem")]
        held = decide(policy, case.record(E.PostMortemHeld(at=when("tue 12:00"))), at=when("tue 12:00"))
        assert (held.deadline("post_mortem").outcome, held.owed) == ("met", ())

    @pytest.mark.parametrize("end", [E.Resolved, E.Closed, E.Voided])
    def test_a_case_that_has_ended_is_not_moved_and_asked_nothing(self, end):
        """What was due and what falls due: neither is asked for, and a message after the end changes nothing."""
        policy = desk(Rule(name="long", when=F.open_for >= "1 hour", to="l2", then=A.Flag("look")))
        case = opened(end(at=when("mon 12:00")), E.CustomerReplied(at=when("mon 13:00")))
        decision = decide(policy, case, at=when("tue 12:00"))
        assert (decision.moves, decision.actions, decision.deadlines, decision.wake_at) == ((), (), (), None)

    def test_a_void_case_has_no_deadline(self):
        """Merged, cancelled, spam: not even a post-mortem."""
        policy = desk(targets=(FOUR, Target.post_mortem("2 business days")))
        case = opened(E.Resolved(at=when("mon 10:00")), E.Voided(at=when("mon 11:00"), reason="merged"))
        decision = decide(policy, case, at=when("mon 12:00"))
        assert (decision.status, decision.deadlines, decision.owed) == ("void", (), ())

    def test_what_was_due_before_a_case_was_resolved_is_asked_again_when_it_is_reopened(self):
        """The fold keeps the stays: the case belongs on the level it had reached."""
        policy = desk(Rule(name="long", when=F.open_for >= "1 hour", to="l2"))
        case = opened(E.Resolved(at=when("mon 12:00")), E.Reopened(at=when("tue 09:00")))
        decision = decide(policy, case, at=when("tue 09:00"))
        assert [(move.to, move.due) for move in decision.moves] == [("l2", when("mon 10:00"))]


class TestTargets:
    """Rule 12."""

    def test_first_response_runs_from_the_opening_to_the_first_counting_reply(self):
        """A note, an automatic reply and automation do not stop it."""
        policy = desk(targets=Target.first_response("2 business hours"))
        case = opened(
            E.SupportReplied(at=when("mon 09:10"), public=False),
            E.SupportReplied(at=when("mon 09:20"), automatic=True),
            E.SupportReplied(at=when("mon 09:30"), actor="automation"),
        )
        assert clock(policy, case, "mon 10:00", "first_response").outcome == "pending"
        answered = case.record(E.SupportReplied(at=when("mon 11:00")))
        assert clock(policy, answered, "mon 12:00", "first_response").outcome == "met"

    def test_first_response_does_not_apply_to_what_staff_opened(self):
        """Nobody waits for a first response."""
        policy = desk(targets=Target.first_response("2 business hours"))
        assert clock(policy, opened(by_staff=True), "mon 12:00", "first_response").outcome == "not started"

    def test_next_response_runs_from_the_oldest_unanswered_message(self):
        """Messages at 11 and 12 after the first response at 10: due four hours after the first of them."""
        policy = desk(targets=Target.next_response("4 business hours"))
        case = opened(
            E.CustomerReplied(at=when("mon 09:30")),
            E.SupportReplied(at=when("mon 10:00")),
            E.CustomerReplied(at=when("mon 11:00")),
            E.CustomerReplied(at=when("mon 12:00")),
        )
        assert clock(policy, case, "mon 09:45", "next_response").outcome == "not started"
        found = clock(policy, case, "mon 13:00", "next_response")
        assert (found.started, found.due, found.occurrence) == (when("mon 11:00"), when("mon 15:00"), 1)

    def test_next_response_after_staff_opened_the_case_starts_with_the_first_message(self):
        """There is no first response to wait for."""
        policy = desk(targets=Target.next_response("4 business hours"))
        case = opened(E.CustomerReplied(at=when("mon 10:00")), by_staff=True)
        assert clock(policy, case, "mon 11:00", "next_response").started == when("mon 10:00")

    def test_a_message_that_came_while_the_case_was_resolved_is_waited_on_from_the_reopening(self):
        """No clock runs on a resolved case."""
        policy = desk(targets=Target.next_response("4 business hours"))
        case = opened(
            E.SupportReplied(at=when("mon 10:00")),
            E.Resolved(at=when("mon 11:00")),
            E.CustomerReplied(at=when("mon 12:00")),
            E.Reopened(at=when("mon 13:00")),
        )
        assert clock(policy, case, "mon 12:30", "next_response").outcome == "not started"
        assert clock(policy, case, "mon 14:00", "next_response").started == when("mon 13:00")

    def test_updates_recur_from_the_last_one_with_one_open_instance(self):
        """An update and a counting reply both stop it; a breached one stays open until the next update."""
        policy = desk(targets=Target.update("4 business hours"))
        case = opened(
            E.UpdateSent(at=when("mon 11:00")),
            E.UpdateSent(at=when("mon 11:30"), audience="internal"),
            E.UpdateSent(at=when("mon 11:45"), actor="automation"),
            E.SupportReplied(at=when("tue 12:00")),
        )
        told = [clock(policy, case, at, "update") for at in ("mon 10:00", "mon 12:00", "tue 09:00", "tue 12:00")]
        assert [(one.occurrence, one.outcome, one.due) for one in told] == [
            (1, "pending", when("mon 13:00")),
            (2, "pending", when("mon 15:00")),
            (2, "breached", when("mon 15:00")),
            (3, "pending", when("tue 16:00")),
        ]
        assert len(decide(policy, case, at=when("tue 09:00")).deadlines) == 1

    def test_a_levels_target_starts_on_entry_and_is_void_if_left_pending(self):
        """Contact within two business days of Tuesday: Thursday at closing time."""
        policy = desk(levels=levels(l2={"targets": Target.contact("2 business days")}))
        case = opened(E.Escalated(at=when("tue 12:00"), to="l2"), E.Escalated(at=when("wed 12:00"), to="l3"))
        assert clock(policy, case, "mon 12:00", "contact").outcome == "not started"
        assert clock(policy, case, "tue 12:00", "contact").due == when("thu 17:00")
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
    def test_the_other_targets_are_the_same_mechanism_with_other_patterns(self, target, stop):
        """They start with the cycle and stop with their event; automation never stops a clock."""
        policy, case = desk(targets=target), opened()
        assert clock(policy, case, "mon 09:15", target.key).outcome == "pending"
        by_robot = case.record(stop.model_copy(update={"actor": "automation"}))
        robot = clock(policy, by_robot, "mon 09:30", target.key)
        human = clock(policy, case.record(stop), "mon 09:30", target.key)
        assert (robot.occurrence, robot.outcome) == (1, "pending")
        assert (human.outcome, human.occurrence) in {("met", 1), ("pending", 2)}

    def test_an_agreed_plan_sets_the_span_and_a_later_one_changes_it(self):
        """`agreed=True` takes the span of the latest communication plan, counted from the last update."""
        policy = desk(targets=Target.update("1 business day", agreed=True))
        case = opened(
            E.CommunicationAgreed(at=when("mon 10:00"), plan=E.CommunicationPlan(every="4 business hours")),
            E.CommunicationAgreed(at=when("mon 11:00"), plan=E.CommunicationPlan(every="6 business hours")),
        )
        told = [clock(policy, case, at, "update").due for at in ("mon 09:30", "mon 10:00", "mon 11:00")]
        assert told == [when("tue 17:00"), when("mon 13:00"), when("mon 15:00")]


class TestBudgets:
    """Rules 13 and 14."""

    def test_pauses_are_taken_out_in_the_targets_own_calendar(self):
        """Waiting from 10 to 12 moves the due instant by two hours; while paused it is not known."""
        case = opened(E.WaitStarted(at=when("mon 10:00")), E.WaitEnded(at=when("mon 12:00")))
        policy = desk(targets=FOUR)
        paused = clock(policy, case, "mon 11:00")
        assert (paused.due, paused.clock, paused.outcome) == (None, "paused", "pending")
        assert paused.due_if_resumed(when("mon 11:00")) == when("mon 14:00")
        assert clock(policy, case, "mon 12:00").due == when("mon 15:00")

    def test_a_wait_outside_opening_hours_does_not_move_a_due_date(self):
        """From 17 to 9 nothing is counted anyway."""
        case = opened(E.WaitStarted(at=when("mon 17:00")), E.WaitEnded(at=when("tue 09:00")))
        policy = desk(targets=Target.resolution("10 business hours"))
        assert clock(policy, case, "tue 10:00").due == when("tue 11:00")

    def test_only_the_waits_that_a_target_names_pause_it(self):
        """Waiting for a vendor is our own time unless the target says otherwise."""
        case = opened(E.WaitStarted(at=when("mon 10:00"), on="vendor"))
        mine = desk(targets=FOUR)
        theirs = desk(targets=Target.resolution("4 business hours", pauses="vendor"))
        assert clock(mine, case, "mon 11:00").due == when("mon 13:00")
        assert clock(theirs, case, "mon 11:00").due is None

    def test_a_customers_message_ends_the_wait_for_the_customer(self):
        """Whether or not anyone pressed resume; the wait for the vendor goes on."""
        case = opened(
            E.WaitStarted(at=when("mon 10:00")),
            E.WaitStarted(at=when("mon 10:00"), on="vendor"),
            E.CustomerReplied(at=when("mon 11:00")),
        )
        policy = desk(targets=FOUR)
        assert clock(policy, case, "mon 12:00").due == when("mon 14:00")
        assert decide(policy, case, at=when("mon 12:00")).status == "waiting"

    @pytest.mark.parametrize(("gap", "outcome"), [(-MICROSECOND, "pending"), (timedelta(0), "breached")])
    def test_a_pause_that_begins_at_or_after_due_rescues_nothing(self, gap, outcome):
        """A microsecond before due it does."""
        case = opened(E.WaitStarted(at=when("mon 13:00") + gap))
        assert clock(desk(targets=FOUR), case, "mon 14:00").outcome == outcome

    @pytest.mark.parametrize(("gap", "outcome"), [(timedelta(0), "met"), (MICROSECOND, "breached")])
    def test_met_at_due_breached_a_microsecond_later(self, gap, outcome):
        """An event stops a clock at its due instant in time."""
        case = opened(E.Resolved(at=when("mon 13:00") + gap))
        assert clock(desk(targets=FOUR), case, "mon 14:00").outcome == outcome
        still = clock(desk(targets=FOUR), opened(), when("mon 13:00") + gap)
        assert still.outcome == ("pending" if outcome == "met" else "breached")

    def test_a_friday_five_oclock_deadline_is_breached_on_saturday(self):
        """Rule 7: breach compares instants, never remaining business time."""
        policy = desk(targets=Target.resolution("8 business hours"))
        case = opened(at="fri 09:00")
        assert clock(policy, case, "fri 17:00").outcome == "pending"
        assert clock(policy, case, "sat 10:00").outcome == "breached"
        resolved = case.record(E.Resolved(at=when("sat 10:00")))
        assert clock(policy, resolved, "sat 10:00").outcome == "breached"

    def test_a_breach_never_unhappens(self):
        """A later priority with a longer span does not heal it."""
        spans = Pick(by="priority", values={"high": "1 business hour"}, otherwise="8 business hours")
        case = opened(E.PriorityChanged(at=when("mon 11:00"), to="low"), priority="high")
        found = clock(desk(targets=Target.resolution(spans)), case, "mon 12:00")
        assert (found.outcome, found.due) == ("breached", when("mon 10:00"))

    def test_plain_spans_elapse_and_days_keep_the_wall_time(self):
        """Eight hours from Friday 15 end at 23; two days end on Sunday at 15; a business day ends on Monday at 17."""
        case = opened(at="fri 15:00")
        for span, due in (("8 hours", "fri 23:00"), ("2 days", "sun 15:00"), ("1 business day", "mon+1 17:00")):
            assert clock(desk(targets=Target.resolution(span)), case, "fri 16:00").due == when(due)

    def test_the_certificate_sums(self):
        """Counted segments sum to the budget at due, all of them to the time that passed."""
        case = opened(E.WaitStarted(at=when("mon 16:00")), E.WaitEnded(at=when("tue 10:00")))
        policy = desk(targets=Target.resolution("10 business hours"))
        found = clock(policy, case, "tue 12:00")
        segments = found.segments(found.due)
        assert found.due == when("tue 13:00")
        assert sum((one.length for one in segments if one.counted), timedelta(0)) == found.budget
        assert sum((one.length for one in segments), timedelta(0)) == found.due - found.started
        assert [one.why for one in segments] == ["business hours", "waiting for customer", "business hours"]
        assert found.remaining(when("tue 12:00")) == timedelta(hours=1)


class TestChanges:
    """Rules 15 and 16."""

    SPANS = Pick(by="priority", values={"high": "2 business hours", "low": "8 business hours"}, otherwise=None)

    def test_counted_time_and_pauses_carry_over(self):
        """An hour counted and an hour paused before the change to high: an hour is left of two."""
        case = opened(
            E.WaitStarted(at=when("mon 10:00")),
            E.WaitEnded(at=when("mon 11:00")),
            E.PriorityChanged(at=when("mon 11:00"), to="high"),
            priority="low",
        )
        policy = desk(targets=Target.resolution(self.SPANS))
        assert clock(policy, case, "mon 10:30").budget == timedelta(hours=8)
        found = clock(policy, case, "mon 11:00")
        assert (found.due, found.caused_by_change) == (when("mon 12:00"), False)

    def test_a_due_that_the_change_puts_into_the_past_is_dated_at_the_change(self):
        """Three hours were counted when the span became two: breached by the change, from the change on."""
        case = opened(E.PriorityChanged(at=when("mon 12:00"), to="high"), priority="low")
        policy = desk(targets=Target.resolution(self.SPANS))
        at_change, later = clock(policy, case, "mon 12:00"), clock(policy, case, when("mon 12:00") + MICROSECOND)
        assert (at_change.due, at_change.caused_by_change, at_change.outcome) == (when("mon 12:00"), True, "pending")
        assert later.outcome == "breached"

    def test_the_breach_by_a_change_is_dated_at_the_change_though_pauses_and_calendars_came_before(self):
        """Counted: 9 to 10 in the office, all time from 12 on. Two hours are used up at 13 exactly when it changes."""
        policy = desk(
            targets=Target.resolution(
                self.SPANS, calendar=Pick(by="priority", values={"urgent": "always"}, otherwise="office")
            ),
            calendars={"office": OFFICE, "always": ALWAYS},
            calendar="office",
        )
        case = opened(E.WaitStarted(at=when("mon 10:00")), E.CustomerReplied(at=when("mon 12:00")), priority="low")
        on_time = clock(policy, case.record(E.PriorityChanged(at=when("mon 13:00"), to="high")), "mon 13:00")
        assert (on_time.due, on_time.caused_by_change) == (when("mon 13:00"), False)
        late = clock(policy, case.record(E.PriorityChanged(at=when("mon 14:00"), to="high")), "mon 14:00")
        assert (late.due, late.caused_by_change) == (when("mon 14:00"), True)

    def test_a_pause_that_begins_when_a_change_made_it_due_rescues_nothing(self):
        """Rule 13: at the due it is too late, also when the change itself made now the due."""
        case = opened(
            E.PriorityChanged(at=when("mon 11:00"), to="high"), E.WaitStarted(at=when("mon 11:00")), priority="low"
        )
        policy = desk(targets=Target.resolution(self.SPANS))
        found = clock(policy, case, "mon 12:00")
        assert (found.due, found.outcome, found.caused_by_change) == (when("mon 11:00"), "breached", False)

    def test_a_change_that_is_taken_back_at_the_same_instant_breaches_nothing(self):
        """At its due instant a clock is not breached yet."""
        case = opened(
            E.PriorityChanged(at=when("mon 12:00"), to="high"),
            E.PriorityChanged(at=when("mon 12:00"), to="low"),
            priority="low",
        )
        found = clock(desk(targets=Target.resolution(self.SPANS)), case, "mon 13:00")
        assert (found.due, found.caused_by_change, found.outcome) == (when("mon 17:00"), False, "pending")

    def test_each_leg_is_counted_in_the_calendar_then_in_force(self):
        """Two business hours on Monday until 11, then all time counts: eight hours are used up at 17."""
        policy = desk(
            targets=Target.resolution(
                "10 business hours", calendar=Pick(by="priority", values={"high": "always"}, otherwise="office")
            ),
            calendars={"office": OFFICE, "always": ALWAYS},
            calendar="office",
        )
        case = opened(E.PriorityChanged(at=when("mon 11:00"), to="high"), priority="low")
        assert clock(policy, case, "mon 12:00").due == when("mon 19:00")

    def test_no_target_said_explicitly_makes_no_deadline_and_counts_all_the_same(self):
        """`within=None`: nothing is due; when a target applies again, what passed has been counted."""
        case = opened(E.PriorityChanged(at=when("mon 10:00"), to="high"), priority="normal")
        policy = desk(targets=Target.resolution(self.SPANS))
        assert decide(policy, case, at=when("mon 09:30")).deadlines == ()
        assert clock(policy, case, "mon 09:30").outcome == "not started"
        assert clock(policy, case, "mon 10:00").due == when("mon 11:00")

    def test_a_target_that_no_longer_applies_is_void(self):
        """A stale target does not stay behind after a change."""
        case = opened(E.PriorityChanged(at=when("mon 10:00"), to="normal"), priority="high")
        policy = desk(targets=Target.resolution(self.SPANS))
        assert decide(policy, case, at=when("mon 10:00")).deadlines == ()
        assert clock(policy, case, "mon 12:00").outcome == "void"

    def test_of_several_targets_with_one_key_the_first_whose_condition_holds_applies(self):
        """Rule 16."""
        policy = desk(
            targets=(
                Target.resolution("1 business hour", when=F.flag("down")),
                Target.resolution("2 business hours", when=F.priority >= "high"),
                Target.resolution("8 business hours"),
            ),
            facts=F.flag("down"),
        )
        dues = [
            clock(policy, opened(priority=priority, facts=facts), "mon 09:00").due
            for priority, facts in (("urgent", {"down": True}), ("urgent", {}), ("low", {"down": False}))
        ]
        assert dues == [when("mon 10:00"), when("mon 11:00"), when("mon 17:00")]


class TestOneInstant:
    """Rule 17."""

    def test_rules_run_once_an_instant_after_its_events(self):
        """A reply at the very threshold prevents the move."""
        policy = desk(Rule(name="late", when=F.unanswered_for >= "2 hours", to="l2"))
        case = opened(E.SupportReplied(at=when("mon 11:00")))
        assert decide(policy, case, at=when("mon 12:00")).moves == ()
        assert decide(policy, opened(), at=when("mon 11:00")).move.to == "l2"

    def test_one_event_stops_a_clock_and_starts_it_again(self):
        """Stop, pause, resume, start: a recurring target has one open instance from then on."""
        policy = desk(
            targets=Target(key="note", within="1 hour", starts=E.CustomerReplied.like(), stops=E.CustomerReplied.like())
        )
        case = opened(E.CustomerReplied(at=when("mon 10:00")), E.CustomerReplied(at=when("mon 10:30")))
        found = clock(policy, case, "mon 10:30", "note")
        assert (found.occurrence, found.started) == (2, when("mon 10:30"))

    def test_as_evidence_a_crossing_counts_as_before_the_events_of_its_instant(self):
        """A move at the instant at which a duration crosses is later than the crossing: it does not climb on."""
        policy = desk(Rule(name="long", when=F.open_for >= "1 hour", to="next"))
        case = opened(E.Escalated(at=when("mon 10:00"), to="l2"))
        assert decide(policy, case, at=when("mon 12:00")).moves == ()


def test_every_instance_of_a_target_is_there_for_reports():
    """A decision has the latest; each update that was due is in the list, in the order in which they started."""
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


class TestTheSameTime:
    """Rule 6: `due="same time"` asks for the same wall time, also where a business day ends with the one before."""

    SPAN = "1 business days, same time"

    @pytest.mark.parametrize("start", ["mon 09:00", "mon 12:00", "mon 17:00", "fri 18:00", "sat 12:00"])
    def test_a_target_is_due_when_the_calendar_says(self, start):
        """What is used up at closing time on Monday is due on Tuesday at nine."""
        policy, case = desk(targets=Target.resolution(self.SPAN)), opened(at=start)
        due = OFFICE.add(when(start), self.SPAN)
        found = clock(policy, case, due)
        assert (found.due, found.outcome) == (due, "pending")
        assert clock(policy, case, due + MICROSECOND).outcome == "breached"
        counted = [one.length for one in found.segments(due) if one.counted]
        assert sum(counted, timedelta()) == found.budget

    def test_a_stop_before_opening_time_is_in_time(self):
        """Resolved at eight the next morning, while nothing counted."""
        policy = desk(targets=Target.resolution(self.SPAN))
        assert clock(policy, opened(E.Resolved(at=when("tue 08:00"))), "tue 10:00").outcome == "met"

    def test_a_wait_in_the_night_before_is_before_the_due(self):
        """It pauses the clock, which is due at once when the wait ends in office hours."""
        policy = desk(targets=Target.resolution(self.SPAN))
        case = opened(E.WaitStarted(at=when("mon 20:00")), E.WaitEnded(at=when("tue 11:00")))
        found = clock(policy, case, "mon 21:00")
        assert (found.due, found.clock) == (None, "paused")
        assert found.due_if_resumed(when("tue 11:00")) == when("tue 11:00")
        assert clock(policy, case, "tue 11:00").due == when("tue 11:00")

    def test_a_change_to_it_in_the_night_before_keeps_it_pending(self):
        """Eight hours were counted on Monday, and the same time is on Tuesday."""
        within = Pick(by="priority", values={"low": "16 business hours"}, otherwise=self.SPAN)
        case = opened(E.PriorityChanged(at=when("mon 20:00"), to="high"), priority="low")
        found = clock(desk(targets=Target.resolution(within)), case, "mon 21:00")
        assert (found.due, found.outcome, found.caused_by_change) == (when("tue 09:00"), "pending", False)
