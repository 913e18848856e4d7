"""Rules 18 to 28 by example: moves, actions, tracks, keys, checklists, owners and the outside, worked out by hand."""

from __future__ import annotations

import pytest

from escalation_rules import Checklist, EscalationLevel, Item, Pick, Rule, Settled, Target, Track, decide, settle
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import InvalidValue
from escalation_rules.worktime import Absence, Layer, Rota
from tests.bench import MICROSECOND, desk, levels, moves, opened, when

FAILED = Rule(name="failed", when=F.level_failed, to="next")
ASKED = Rule(name="asked", when=F.escalation_requested, to="l2")
LONG = Rule(name="long", when=F.open_for >= "2 hours", to="l2")
AWAY = Rota(person="carol", absences=(Absence(start=when("mon 09:00"), end=when("tue 09:00")),))


class TestFolding:
    """Rules 18 and 19."""

    def test_a_late_host_is_told_of_every_move_at_its_due(self):
        """Down since the opening: both moves, each dated when it fell due; `move` is the last."""
        policy = desk(LONG, Rule(name="longer", when=F.at_level_for >= "3 hours", at="l2", to="next"))
        assert moves(policy, opened(), "tue 09:00") == [("l2", when("mon 11:00")), ("l3", when("mon 14:00"))]
        assert decide(policy, opened(), at=when("tue 09:00")).move.to == "l3"

    def test_a_recorded_move_settles_everything_due_before_it_on_its_track(self):
        """Somebody moved the case by hand after it had fallen due."""
        case = opened(E.Escalated(at=when("mon 12:00"), to="l3"))
        assert moves(desk(LONG), case, "mon 13:00") == []

    def test_what_is_accepted_is_dated_at_its_due_with_recorded_at_beside_it(self):
        """And has the key as its id, and automation as its actor."""
        decision = decide(desk(LONG), opened(), at=when("tue 09:00"))
        (event,) = decision.accept(at=when("tue 09:00"), by="desk")
        assert (event.at, event.recorded_at, event.by) == (when("mon 11:00"), when("tue 09:00"), "desk")
        assert (event.id, event.key, event.actor, event.rules) == (
            decision.move.key,
            decision.move.key,
            "automation",
            ("long",),
        )

    def test_later_events_do_not_cancel_a_move_but_it_says_whether_its_rules_still_hold(self):
        """Answered after the move had fallen due."""
        policy = desk(Rule(name="unanswered", when=F.unanswered_for >= "2 hours", to="l2"))
        case = opened(E.SupportReplied(at=when("mon 12:00")))
        assert [decide(policy, case, at=when(at)).move.still_holds for at in ("mon 11:30", "mon 12:00")] == [
            True,
            False,
        ]

    def test_a_rule_about_the_stay_still_holds_of_the_stay_that_the_move_left(self):
        """It could not be resolved there, and that is still so, although the case now belongs elsewhere."""
        case = opened(E.LevelFailed(at=when("mon 10:00")))
        assert decide(desk(FAILED), case, at=when("mon 12:00")).move.still_holds

    def test_no_move_is_made_before_the_policy_is_in_force(self):
        """What was wanted before falls due when it comes into force."""
        policy = desk(LONG, effective_from=when("mon 15:00"))
        assert moves(policy, opened(), "mon 14:59") == []
        assert moves(policy, opened(), "mon 15:00") == [("l2", when("mon 15:00"))]
        assert decide(policy, opened(), at=when("mon 12:00")).wake_at == when("mon 15:00")

    def test_declining_says_no_for_good_to_that_cause(self):
        """A new cause may be asked about again."""
        policy = desk(ASKED, LONG)
        case = opened(E.EscalationRequested(at=when("mon 10:00")))
        key = decide(policy, case, at=when("mon 10:00")).move.key
        declined = case.record(E.MoveDeclined(at=when("mon 10:10"), key=key, reason="handled"))
        assert moves(policy, declined, "mon 10:59") == []
        assert moves(policy, declined, "mon 12:00") == [("l2", when("mon 11:00"))]

    def test_settle_records_until_nothing_is_asked(self):
        """An action on entry follows a move."""
        policy = desk(LONG, levels=levels(l2={"on_entry": A.Notify("boss")}))
        settled = settle(policy, opened(), at=when("mon 12:00"), by="desk")
        assert isinstance(settled, Settled)
        assert [event.type for event in settled.events] == ["Escalated", "ActionTaken"]
        assert (settled.decision.moves, settled.decision.actions) == ((), ())
        assert settled.case.level(when("mon 12:00")) == "l2"


TRACKS = (
    Track(key="expertise", levels=(EscalationLevel(key="e1"), EscalationLevel(key="e2"))),
    Track(key="authority", levels=(EscalationLevel(key="a1"), EscalationLevel(key="a2"))),
)


class TestTracksAndRounds:
    """Rules 20 to 22."""

    def test_a_case_starts_on_the_first_level_of_the_first_track_and_nowhere_else(self):
        """On another track `next` is the first level."""
        policy = desk(Rule(name="asked", when=F.escalation_requested, to="next", track="authority"), tracks=TRACKS)
        case = opened(E.EscalationRequested(at=when("mon 10:00")))
        assert dict(decide(policy, case, at=when("mon 09:30")).levels) == {"expertise": "e1", "authority": None}
        decision = decide(policy, case, at=when("mon 10:00"))
        assert (dict(decision.levels), decision.move) == ({"expertise": "e1", "authority": "a1"}, None)
        assert [(move.track, move.from_level, move.to) for move in decision.moves] == [("authority", None, "a1")]

    def test_a_level_implies_its_track(self):
        """In rules, in conditions, in events and at the opening."""
        policy = desk(
            Rule(name="up", when=F.level >= "e2", to="a1"),
            Rule(name="here", when=F.happened(E.CustomerReplied.like()), at="a1", to="next"),
            tracks=TRACKS,
        )
        case = opened(E.CustomerReplied(at=when("mon 10:00")), level="e2")
        decision = decide(policy, case, at=when("mon 10:00"))
        assert dict(decision.levels) == {"expertise": "e2", "authority": "a2"}

    def test_all_tracks_read_the_state_before_the_round(self):
        """Two rules that look at each other's track both fire."""
        policy = desk(
            Rule(name="one", when=F.acknowledged & (F.level < "a1"), to="e2"),
            Rule(name="two", when=F.acknowledged & (F.level < "e2"), to="a1"),
            tracks=TRACKS,
        )
        case = opened(E.Acknowledged(at=when("mon 10:00")))
        assert [move.to for move in decide(policy, case, at=when("mon 10:00")).moves] == ["e2", "a1"]

    def test_rounds_repeat_until_nothing_changes(self):
        """A move on one track may bring about one on the other at the same instant."""
        policy = desk(
            Rule(name="one", when=F.acknowledged, to="e2"),
            Rule(name="two", when=F.level >= "e2", to="a1"),
            Rule(name="three", when=F.level >= "a1", to="a2"),
            tracks=TRACKS,
        )
        case = opened(E.Acknowledged(at=when("mon 10:00")))
        assert [move.to for move in decide(policy, case, at=when("mon 10:00")).moves] == ["e2", "a1", "a2"]

    def test_the_highest_level_that_a_holding_rule_names_wins(self):
        """Rules are free of order, and none lowers a case."""
        policy = desk(LONG, Rule(name="high", when=F.priority >= "high", to="l3"))
        assert [move.to for move in decide(policy, opened(priority="high"), at=when("mon 12:00")).moves] == ["l3"]

    def test_one_cause_climbs_one_rung(self):
        """The second failure climbs the second rung; the same value seen again is no happening."""
        case = opened(E.LevelFailed(at=when("mon 10:00")))
        assert moves(desk(FAILED), case, "mon 11:00") == [("l2", when("mon 10:00"))]
        again = case.record(E.LevelFailed(at=when("mon 11:00")))
        assert moves(desk(FAILED), again, "mon 11:00") == [("l2", when("mon 10:00")), ("l3", when("mon 11:00"))]
        high = Rule(name="high", when=F.priority >= "high", to="next")
        same = opened(
            E.PriorityChanged(at=when("mon 10:00"), to="high"), E.PriorityChanged(at=when("mon 11:00"), to="high")
        )
        assert [to for to, _ in moves(desk(high), same, "mon 12:00")] == ["l2"]

    def test_evidence_of_all_and_any_is_the_latest_among_the_true_members(self):
        """A request on Monday and a failure on Tuesday: each is new evidence of `any`; only both make `all`."""
        either = desk(Rule(name="either", when=F.escalation_requested | F.level_failed, to="next"))
        both = desk(Rule(name="both", when=F.escalation_requested & F.acknowledged, to="next"))
        case = opened(
            E.EscalationRequested(at=when("mon 10:00")),
            E.LevelFailed(at=when("tue 10:00")),
            E.Acknowledged(at=when("tue 11:00")),
        )
        assert [to for to, _ in moves(either, case, "tue 12:00")] == ["l2", "l3"]
        assert moves(both, case, "tue 12:00") == [("l2", when("tue 11:00"))]

    def test_a_level_is_never_evidence(self):
        """A rule that looks at nothing but levels cannot climb."""
        policy = desk(Rule(name="up", when=F.level >= "l1", to="next"))
        assert moves(policy, opened(E.CustomerReplied(at=when("mon 10:00"))), "tue 09:00") == []

    def test_after_a_de_escalation_no_rule_fires_on_older_evidence(self):
        """A new request raises the case again."""
        case = opened(
            E.EscalationRequested(at=when("mon 10:00")),
            E.Escalated(at=when("mon 10:00"), to="l2"),
            E.DeEscalated(at=when("mon 12:00"), to="l1", reason="on track"),
        )
        assert moves(desk(ASKED), case, "mon 13:00") == []
        again = case.record(E.EscalationRequested(at=when("mon 14:00")))
        assert moves(desk(ASKED), again, "mon 15:00") == [("l2", when("mon 14:00"))]


class TestActionsAndKeys:
    """Rule 23."""

    def test_an_action_fires_once_per_occurrence(self):
        """Each request alerts, and asking again does not."""
        policy = desk(Rule(name="alert", when=F.happened(E.EscalationRequested.like()), then=A.Notify("boss")))
        case = opened(E.EscalationRequested(at=when("mon 10:00")), E.EscalationRequested(at=when("mon 11:00")))
        actions = decide(policy, case, at=when("mon 12:00")).actions
        assert [(one.kind, one.due, one.rule) for one in actions] == [
            ("notify", when("mon 10:00"), "alert"),
            ("notify", when("mon 11:00"), "alert"),
        ]
        done = case.record(*decide(policy, case, at=when("mon 12:00")).accept(at=when("mon 12:00")))
        assert decide(policy, done, at=when("mon 13:00")).actions == ()

    def test_a_recorded_action_settles_earlier_occurrences_of_itself(self):
        """The later alert was sent; nobody needs the earlier one."""
        policy = desk(Rule(name="alert", when=F.happened(E.EscalationRequested.like()), then=A.Notify("boss")))
        case = opened(E.EscalationRequested(at=when("mon 10:00")), E.EscalationRequested(at=when("mon 11:00")))
        decision = decide(policy, case, at=when("mon 12:00"))
        done = case.record(*decision.accept(at=when("mon 12:00"), only=[decision.actions[1].key]))
        assert decide(policy, done, at=when("mon 12:00")).actions == ()

    def test_actions_fire_even_if_the_move_is_blocked_or_outranked(self):
        """The checklist holds the case, not the notice."""
        policy = desk(
            Rule(name="asked", when=F.escalation_requested, to="l2", then=A.Notify("boss")),
            levels=levels(l2={"entry": Checklist.of(impact="Impact known?")}),
        )
        decision = decide(policy, opened(E.EscalationRequested(at=when("mon 10:00"))), at=when("mon 10:00"))
        assert (len(decision.blocked), len(decision.actions), decision.moves) == (1, 1, ())

    def test_entry_to_a_level_fires_its_actions_the_opening_included(self):
        """And a case that comes down to a level enters it again."""
        policy = desk(levels=levels(l1={"on_entry": A.Notify("desk")}))
        case = opened(E.Escalated(at=when("mon 10:00"), to="l2"), E.DeEscalated(at=when("mon 11:00"), to="l1"))
        told = [(one.level, one.due) for one in decide(policy, case, at=when("mon 12:00")).actions]
        assert told == [("l1", when("mon 09:00")), ("l1", when("mon 11:00"))]

    def test_accepting_gives_each_action_its_event(self):
        """`PriorityChanged`, `Assigned`, else `ActionTaken`; roles are picked."""
        then = (
            A.SetPriority("high"),
            A.Assign(Pick(by="priority", values={"low": "junior"}, otherwise="senior"), as_="contact"),
            A.Redirect(("phone",)),
        )
        policy = desk(Rule(name="r", when=F.acknowledged, then=then))
        case = opened(E.Acknowledged(at=when("mon 10:00")), priority="low")
        events = decide(policy, case, at=when("mon 11:00")).accept(at=when("mon 11:00"))
        assert [event.type for event in events] == ["PriorityChanged", "Assigned", "ActionTaken"]
        assert (events[0].to, events[1].role, events[1].group, events[2].action) == (
            "high",
            "contact",
            "senior",
            "redirect",
        )

    def test_set_priority_never_lowers_and_the_highest_asked_for_wins(self):
        """Draft rules by stated impact: the order of the policy does not matter."""
        policy = desk(
            Rule(name="a", when=F.flag("down").as_condition(), then=A.SetPriority("high")),
            Rule(name="b", when=F.flag("down").as_condition(), then=A.SetPriority("urgent")),
            Rule(name="c", when=F.flag("down").as_condition(), then=A.SetPriority("low")),
            facts=F.flag("down"),
        )
        decision = decide(policy, opened(priority="normal", facts={"down": True}), at=when("mon 10:00"))
        assert [one.action for one in decision.actions] == [A.SetPriority("urgent")]
        assert decide(policy, opened(priority="urgent", facts={"down": True}), at=when("mon 10:00")).actions == ()

    def test_two_rules_that_raise_by_one_at_one_instant_raise_by_one_before_and_after_acceptance(self):
        """What was accepted takes effect where the rules ask for it."""
        policy = desk(
            Rule(name="a", when=F.acknowledged, then=A.SetPriority("next")),
            Rule(name="b", when=F.acknowledged, then=A.SetPriority("next")),
        )
        case = opened(E.Acknowledged(at=when("mon 10:00")), priority="low")
        settled = settle(policy, case, at=when("mon 11:00"))
        assert [event.to for event in settled.events] == ["normal"]

    def test_an_assignment_names_who_is_on_duty_when_it_is_due(self):
        """Carol comes back on Tuesday; asked on Wednesday, who was there on Monday counts."""
        policy = desk(
            Rule(name="r", when=F.acknowledged, then=A.Assign("boss")),
            rotas={"boss": Rota(layers=(Layer(members=("ann", "ben"), start=when("mon 09:00"), turn="1 day"),))},
        )
        decision = decide(policy, opened(E.Acknowledged(at=when("mon 10:00"))), at=when("wed 10:00"))
        assert [one.person for one in decision.actions] == ["ann"]

    def test_keys_do_not_depend_on_the_version_of_the_policy(self):
        """A new version does not ask for everything again."""
        first, second = desk(LONG), desk(LONG, version="2", targets=Target.resolution("1 day"))
        assert (
            decide(first, opened(), at=when("mon 12:00")).move.key
            == decide(second, opened(), at=when("tue 12:00")).move.key
        )
        assert first.fingerprint != second.fingerprint


GUARD = Checklist.of(
    Item("impact", "Impact known?"),
    Item("workaround", "Is there a workaround?", answers=("none", "good"), against=("good",)),
)


class TestChecklists:
    """Rules 24 and 25."""

    def guarded(self, *rules, **entry):
        return desk(*rules, levels=levels(l2={"entry": GUARD, **entry}))

    def test_a_move_needs_the_entry_checklist_of_its_own_level(self):
        """What is missing and what argues against are told apart; an answer releases the move at its instant."""
        case = opened(E.ItemConfirmed(at=when("mon 10:00"), item="workaround", answer="good"))
        (held,) = decide(self.guarded(LONG), case, at=when("mon 12:00")).blocked
        assert [(item.key, item.text, item.why) for item in held.missing] == [("impact", "Impact known?", "unanswered")]
        assert [(one.item, one.answer) for one in held.against] == [("workaround", "good")]
        better = case.record(
            E.ItemConfirmed(at=when("mon 13:00"), item="impact"),
            E.ItemConfirmed(at=when("mon 14:00"), item="workaround", answer="none"),
        )
        assert moves(self.guarded(LONG), better, "mon 15:00") == [("l2", when("mon 14:00"))]

    def test_levels_passed_are_not_asked_theirs(self):
        """Straight to the third level."""
        policy = self.guarded(Rule(name="high", when=F.priority >= "high", to="l3"))
        assert decide(policy, opened(priority="high"), at=when("mon 10:00")).move.to == "l3"

    @pytest.mark.parametrize("waived", [True, False])
    def test_any_rule_to_the_level_may_waive_it(self, waived):
        """Among several rules that hold, one that waives is enough."""
        waiver = Rule(name="w", when=F.acknowledged, to="l2", checklist="waived" if waived else "required")
        case = opened(E.Acknowledged(at=when("mon 09:30")))
        assert bool(decide(self.guarded(LONG, waiver), case, at=when("mon 12:00")).moves) == waived

    def test_an_override_lifts_what_is_missing_and_what_argues_against_for_the_cycle(self):
        """In the next cycle the questions are open again."""
        policy = self.guarded(ASKED)
        case = opened(
            E.EscalationRequested(at=when("mon 10:00")),
            E.ItemConfirmed(at=when("mon 10:00"), item="workaround", answer="good"),
            E.ChecklistOverridden(at=when("mon 11:00"), level="l2", reason="milestone tonight"),
        )
        assert moves(policy, case, "mon 12:00") == [("l2", when("mon 11:00"))]
        again = opened(
            E.ChecklistOverridden(at=when("mon 10:00"), level="l2", reason="milestone tonight"),
            E.Resolved(at=when("mon 11:00")),
            E.Reopened(at=when("tue 09:00")),
            E.EscalationRequested(at=when("tue 10:00")),
        )
        assert len(decide(policy, again, at=when("tue 10:00")).blocked) == 1

    def test_if_the_highest_is_held_back_the_highest_that_is_not_goes_ahead(self):
        """The blocked one stays wanted."""
        policy = desk(Rule(name="high", when=F.open_for >= "1 hour", to="l3"), LONG, levels=levels(l3={"entry": GUARD}))
        decision = decide(policy, opened(), at=when("mon 12:00"))
        assert ([move.to for move in decision.moves], [held.move.to for held in decision.blocked]) == (["l2"], ["l3"])

    def test_answers_expire_half_open(self):
        """Good until, not including, four business hours later; then the move waits for another answer."""
        policy = desk(ASKED, levels=levels(l2={"entry": Checklist.of(Item("impact", expires="4 business hours"))}))
        case = opened(E.ItemConfirmed(at=when("mon 09:00"), item="impact"))
        for gap, blocked in ((-MICROSECOND, 0), (0 * MICROSECOND, 1)):
            asked = case.record(E.EscalationRequested(at=when("mon 13:00") + gap))
            assert len(decide(policy, asked, at=when("mon 13:00") + gap).blocked) == blocked
        (held,) = decide(policy, asked, at=when("mon 13:00")).blocked
        assert held.missing[0].why == "expired"

    @pytest.mark.parametrize(
        ("events", "why"),
        [
            (
                [
                    E.ItemConfirmed(at=when("mon 10:00"), item="impact"),
                    E.ItemWithdrawn(at=when("mon 10:30"), item="impact"),
                ],
                "withdrawn",
            ),
            ([E.ItemConfirmed(at=when("mon 10:00"), item="impact", answer="perhaps")], "not an answer"),
            ([E.ItemConfirmed(at=when("mon 10:00"), item="impact", answer="yes")], "without evidence"),
        ],
    )
    def test_an_answer_that_does_not_stand_is_missing_and_says_why(self, events, why):
        """Withdrawn, not among the answers, without the evidence that is asked for."""
        policy = desk(LONG, levels=levels(l2={"entry": Checklist.of(Item("impact", evidence=True))}))
        (held,) = decide(policy, opened(*events), at=when("mon 12:00")).blocked
        assert [item.why for item in held.missing] == [why]

    def test_an_event_may_answer_an_item(self):
        """`done_by`: the counting reply is the answer."""
        work = Checklist.of(Item("answered", done_by=E.COUNTING_REPLY), Item("tried"))
        policy = desk(levels=levels(l1={"work": work, "owner": "desk"}))
        case = opened(E.SupportReplied(at=when("mon 10:00")))
        assert [owed.item for owed in decide(policy, case, at=when("mon 09:30")).owed] == ["answered", "tried"]
        assert [(owed.item, owed.role) for owed in decide(policy, case, at=when("mon 10:00")).owed] == [
            ("tried", "desk")
        ]

    def test_work_and_exit_answers_live_for_the_stay(self):
        """On the next level the work is owed again."""
        work = Checklist.of(reviewed="Reviewed")
        policy = desk(levels=levels(l1={"work": work}, l2={"work": work}))
        case = opened(
            E.ItemConfirmed(at=when("mon 10:00"), item="reviewed"), E.Escalated(at=when("mon 11:00"), to="l2")
        )
        assert [len(decide(policy, case, at=when(at)).owed) for at in ("mon 10:00", "mon 11:00")] == [0, 1]
        undone = case.record(E.ItemConfirmed(at=when("mon 12:00"), item="reviewed", answer="no"))
        assert len(decide(policy, undone, at=when("mon 12:00")).owed) == 1

    def test_de_escalation_lacks_the_exit_checklist_and_waits_for_the_cooldown(self):
        """`exits` says what, and until when; nothing of it holds a rise."""
        policy = desk(
            Rule(name="failed", when=F.level_failed, to="next"),
            levels=levels(l2={"exit": Checklist.of(agreed="Customer agrees"), "cooldown": "4 business hours"}),
        )
        case = opened(E.Escalated(at=when("mon 10:00"), to="l2"))
        assert decide(policy, case, at=when("mon 09:30")).exits == ()
        (exit_now,) = decide(policy, case, at=when("mon 12:00")).exits
        assert ([item.key for item in exit_now.missing], exit_now.until) == (["agreed"], when("mon 14:00"))
        (later,) = decide(
            policy, case.record(E.ItemConfirmed(at=when("mon 13:00"), item="agreed")), at=when("mon 14:00")
        ).exits
        assert later.is_open
        assert not exit_now.is_open
        failed = case.record(E.LevelFailed(at=when("mon 11:00")))
        assert decide(policy, failed, at=when("mon 11:00")).move.to == "l3"


class TestOwners:
    """Rule 26."""

    def with_owner(self, **more):
        rotas = more.pop("rotas", {"csm": AWAY})
        return desk(LONG, levels=levels(l2={"owner": "csm", **more}), rotas=rotas)

    def test_a_role_without_a_rota_is_on_duty(self):
        """Nobody is named."""
        owner = decide(self.with_owner(rotas={}), opened(), at=when("mon 12:00")).move.owner
        assert (owner.role, owner.person, owner.on_duty, owner.because) == ("csm", None, True, "")

    def test_alternates_are_tried_in_order(self):
        """The first who is there takes it, and the decision says why."""
        policy = self.with_owner(alternates=("deputy", "team_lead"), rotas={"csm": AWAY, "deputy": Rota()})
        owner = decide(policy, opened(), at=when("mon 12:00")).move.owner
        assert owner.role == "team_lead"
        assert owner.because == "nobody was on duty for `csm`, `deputy`: `team_lead` is the alternate"

    def test_wait_moves_the_case_unowned(self):
        """It goes there, and waits for whoever comes on duty."""
        owner = decide(self.with_owner(nobody="wait"), opened(), at=when("mon 12:00")).move.owner
        assert (owner.role, owner.person, owner.on_duty) == ("csm", None, False)

    def test_availability_is_judged_at_due_and_the_person_is_the_one_now(self):
        """Due on Monday, when Carol was away; asked on Tuesday, she is the one there."""
        owner = decide(self.with_owner(nobody="wait"), opened(), at=when("tue 10:00")).move.owner
        assert (owner.on_duty, owner.person) == (False, "carol")

    def test_hold_blocks_until_somebody_is_on_duty(self):
        """The handover is a crossing: the move falls due when Carol is back."""
        policy = self.with_owner(nobody="hold")
        decision = decide(policy, opened(), at=when("mon 12:00"))
        assert [(held.until, held.missing) for held in decision.blocked] == [(when("tue 09:00"), ())]
        assert decision.wake_at == when("tue 09:00")
        assert moves(policy, opened(), "tue 10:00") == [("l2", when("tue 09:00"))]

    def test_hold_with_nobody_ever_on_duty_stays_blocked(self):
        """There is no instant to wait for."""
        policy = self.with_owner(nobody="hold", rotas={"csm": Rota()})
        decision = decide(policy, opened(), at=when("mon 12:00"))
        assert ([held.until for held in decision.blocked], decision.wake_at) == ([None], None)

    def test_skip_goes_to_the_next_level_that_is_not_external(self):
        """With that level's own checklist; at the top it waits."""
        ladder = (
            EscalationLevel(key="l1"),
            EscalationLevel(key="l2", owner="csm", nobody="skip"),
            EscalationLevel(key="outside", external=True),
            EscalationLevel(key="l3", owner="vp", nobody="skip", entry=Checklist.of(impact="Impact known?")),
        )
        policy = desk(LONG, levels=ladder, rotas={"csm": AWAY})
        (held,) = decide(policy, opened(), at=when("mon 12:00")).blocked
        assert (held.move.to, [item.key for item in held.missing]) == ("l3", ["impact"])
        ready = opened(E.ItemConfirmed(at=when("mon 10:00"), item="impact"))
        move = decide(policy, ready, at=when("mon 12:00")).move
        assert (move.to, move.owner.role, move.owner.because) == ("l3", "vp", "nobody was on duty on `l2`")
        nobody = desk(LONG, levels=ladder, rotas={"csm": AWAY, "vp": Rota()})
        assert decide(nobody, ready, at=when("mon 12:00")).move.owner.on_duty is False

    def test_an_owner_may_depend_on_the_priority(self):
        """A pick stands wherever a role is wanted."""
        policy = desk(
            LONG, levels=levels(l2={"owner": Pick(by="priority", values={"high": "senior"}, otherwise="junior")})
        )
        owners = [decide(policy, opened(priority=one), at=when("mon 12:00")).move.owner.role for one in ("high", "low")]
        assert owners == ["senior", "junior"]


class TestOutside:
    """Rules 27 and 28."""

    LADDER = (EscalationLevel(key="l1"), EscalationLevel(key="outside", external=True, on_entry=A.Notify("customer")))

    def test_reaching_the_outside_ends_the_clocks_and_says_so(self):
        """The move is asked for until it is recorded; then nothing runs and nothing will change."""
        policy = desk(FAILED, levels=self.LADDER, targets=Target.resolution("8 business hours"))
        case = opened(E.LevelFailed(at=when("mon 10:00")))
        asked = decide(policy, case, at=when("mon 10:00"))
        assert (asked.move.to, asked.move.owner, asked.status) == ("outside", None, "open")
        outside = settle(policy, case, at=when("mon 10:00")).case
        decision = decide(policy, outside, at=when("mon 11:00"))
        assert (decision.status, decision.deadlines, decision.wake_at) == ("external", (), None)
        assert decision.deadline("resolution").outcome == "void"

    def test_what_is_recorded_counts_though_another_track_is_asked_to_go_outside(self):
        """One track's external move is still asked for when a person takes the case outside on the other."""
        tracks = (
            Track(key="f", levels=(EscalationLevel(key="f1"), EscalationLevel(key="f2", external=True))),
            Track(key="h", levels=(EscalationLevel(key="h1"), EscalationLevel(key="h2", external=True))),
        )
        policy = desk(Rule(name="at once", when=F.open_for >= "0 hours", to="h2"), tracks=tracks)
        assert decide(policy, opened(), at=when("mon 10:00")).status == "open"
        outside = decide(policy, opened(E.Escalated(at=when("mon 10:00"), to="f2")), at=when("mon 10:00"))
        assert (outside.status, outside.moves) == ("external", ())

    def test_no_rule_moves_any_track_until_the_case_comes_back(self):
        """De-escalated or reopened, it is decided on again."""
        tracks = (Track(key="main", levels=self.LADDER), TRACKS[1])
        policy = desk(Rule(name="asked", when=F.happened(E.EscalationRequested.like()), to="a1"), tracks=tracks)
        case = opened(E.Escalated(at=when("mon 10:00"), to="outside"), E.EscalationRequested(at=when("mon 11:00")))
        assert decide(policy, case, at=when("mon 12:00")).moves == ()
        for back in (E.DeEscalated(at=when("mon 13:00"), to="l1"), E.Reopened(at=when("mon 13:00"))):
            again = case.record(back, E.EscalationRequested(at=when("mon 14:00")))
            assert [move.to for move in decide(policy, again, at=when("mon 14:00")).moves] == ["a1"]

    def test_wake_at_is_the_next_instant_at_which_the_answer_changes(self):
        """The breach a microsecond after due, the crossing of a rule, and nothing after that."""
        policy = desk(LONG, targets=Target.first_response("1 hour"))
        case = opened()
        first = decide(policy, case, at=when("mon 09:00")).wake_at
        assert first == when("mon 10:00") + MICROSECOND
        second = decide(policy, case, at=first).wake_at
        assert second == when("mon 11:00")
        assert decide(policy, case, at=second).wake_at is None


class TestAcceptedLate:
    """Rule 18: what was accepted takes effect at its instant, also when nothing asks for it any more."""

    def test_what_was_accepted_and_is_no_longer_asked_for_is_a_fact(self):
        """The policy changed after the move was accepted: the case stands where it was moved to."""
        old = desk(Rule(name="late", when=F.open_for >= "2 business hours", to="l2"))
        case = settle(old, opened(), at=when("mon 12:00")).case
        assert decide(desk(), case, at=when("mon 12:00")).levels["main"] == "l2"
        assert decide(desk(), case, at=when("mon 10:59")).levels["main"] == "l1"

    def test_an_accepted_rise_of_priority_is_not_taken_twice(self):
        """Two rules ask for the next priority at once; each was recorded, and they raise it once."""
        raises = [
            Rule(name=name, when=F.open_for >= "2 business hours", then=A.SetPriority(to="next")) for name in ("a", "b")
        ]
        policy = desk(*raises)
        asked = decide(policy, opened(priority="low"), at=when("mon 12:00"))
        assert [one.action.to for one in asked.actions] == ["normal"]
        case = settle(policy, opened(priority="low"), at=when("mon 12:00")).case
        assert case.priority(when("mon 12:00")) == "normal"
        assert decide(policy, case, at=when("mon 12:00")).actions == ()


class TestLimits:
    """Nothing goes on for ever, whatever a policy says."""

    def test_settling_gives_up_with_an_error(self, monkeypatch):
        """A chain of actions, each asked for once the one before was taken, longer than the rounds there are."""
        monkeypatch.setattr("escalation_rules.engine._ROUNDS", 2)
        rules = [Rule(name="start", when=F.open_for >= "1 hour", then=A.Flag(text="start"))]
        for number in range(2):
            key = next(one.key for one in self.asked(rules))
            taken = F.happened(E.ActionTaken.like(key=key))
            rules.append(Rule(name=f"then {number}", when=taken, then=A.Flag(text=str(number))))
        with pytest.raises(InvalidValue, match="a case that does not settle `C-1`, expected nothing asked after 2"):
            settle(desk(*rules), opened(), at=when("mon 12:00"))

    @staticmethod
    def asked(rules):
        """What is asked for last, once everything before it was taken."""
        case = opened()
        while True:
            decision = decide(desk(*rules), case, at=when("mon 12:00"))
            after = case.record(*decision.accept(at=when("mon 12:00")))
            if not decide(desk(*rules), after, at=when("mon 12:00")).actions:
                return decision.actions
            case = after

    def test_the_search_for_the_next_wake_up_ends(self, monkeypatch):
        """After too many instants that change nothing it says when to look again: too early, never late."""
        never = [
            Rule(name=f"after {hours}", when=(F.open_for >= f"{hours} hours") & F.acknowledged, to="l2")
            for hours in (1, 2, 3, 4)
        ]
        policy = desk(*never, targets=Target.resolution("5 hours"))
        assert decide(policy, opened(), at=when("mon 09:00")).wake_at == when("mon 14:00") + MICROSECOND
        monkeypatch.setattr("escalation_rules.engine.fold._FRUITLESS", 2)
        assert decide(policy, opened(), at=when("mon 09:00")).wake_at == when("mon 12:00")


class TestPicks:
    """A pick stands wherever a role or a span is wanted; where it gives nothing, there is nothing."""

    BOSS = Pick(by="priority", values={"high": "boss"})

    def test_an_action_for_nobody_is_not_asked(self):
        """With a low priority there is no boss to tell, to ask, to assign or to call."""
        actions = (
            A.Notify(self.BOSS),
            A.Ask(self.BOSS, "impact"),
            A.Assign(self.BOSS),
            A.Convene("call", self.BOSS),
            A.Redirect(self.BOSS),
        )
        policy = desk(Rule(name="late", when=F.open_for >= "1 hour", then=actions))
        assert decide(policy, opened(priority="low"), at=when("mon 11:00")).actions == ()
        asked = decide(policy, opened(priority="high"), at=when("mon 11:00")).actions
        assert {one.kind for one in asked} == {"notify", "ask", "assign", "convene", "redirect"}

    def test_whoever_is_left_is_told(self):
        """Nobody in particular tells the lead."""
        policy = desk(Rule(name="late", when=F.open_for >= "1 hour", then=A.Notify(("lead", self.BOSS), by=self.BOSS)))
        (asked,) = decide(policy, opened(priority="low"), at=when("mon 11:00")).actions
        assert asked.action == A.Notify("lead")

    def test_a_cooldown_by_priority(self):
        """An urgent case stays for a business day, any other may go down at once."""
        cooldown = Pick(by="priority", values={"urgent": "1 business day"})
        policy = desk(levels=levels(l2={"cooldown": cooldown}))
        for priority, until in (("urgent", when("tue 17:00")), ("low", None)):
            case = opened(E.Escalated(at=when("mon 10:00"), to="l2"), priority=priority)
            (exit_,) = decide(policy, case, at=when("mon 11:00")).exits
            assert exit_.until == until

    def test_an_answer_that_expires_by_priority(self):
        """An urgent case is asked again after an hour."""
        entry = Checklist.of(Item("impact", expires=Pick(by="priority", values={"urgent": "1 hour"})))
        policy = desk(Rule(name="late", when=F.open_for >= "3 hours", to="l2"), levels=levels(l2={"entry": entry}))
        for priority, why in (("urgent", ["expired"]), ("low", [])):
            case = opened(E.ItemConfirmed(at=when("mon 10:00"), item="impact"), priority=priority)
            held = decide(policy, case, at=when("mon 12:00")).blocked
            assert [one.why for blocked in held for one in blocked.missing] == why
