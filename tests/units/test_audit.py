"""Each thing an audit may find, with a case in which it is found and one in which it is not."""

from __future__ import annotations

import pytest

from escalation_rules import (
    Checklist,
    EscalationLevel,
    Item,
    Pick,
    Policy,
    Rule,
    Target,
    Track,
    decide,
    presets,
    settle,
)
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.audit import Audit, audit
from escalation_rules.errors import UnknownName
from tests.bench import accepted, after, desk, levels, opened, when

GUARD = Checklist.of(Item("impact"), Item("workaround", answers=("none", "good"), blocked_by=("good",)))
GUARDED = desk(
    Rule(key="asked", when=F.escalation_request_open, to="l2"),
    Rule(key="down", when=F.flag("down"), to="l2", checklist="waived"),
    levels=levels(
        l2={"entry": GUARD, "de_escalation": Checklist.of(agreed="The customer agrees"), "min_stay": "1 business day"}
    ),
    facts=F.flag("down"),
)


def told(policy: Policy, case, at: str = "fri 17:00") -> list[tuple[str, str]]:
    return [(one.code, one.message) for one in audit(policy, case, at=when(at)).findings]


class TestMoves:
    """Up with what had to be known, down with what had to be done."""

    def test_a_move_by_hand_without_its_checklist(self):
        """What is missing and what argues against are named, and who did it."""
        case = opened(
            E.ItemAnswered(at=when("mon 10:00"), item="workaround", answer="good"),
            E.Escalated(at=when("mon 11:00"), to="l2", by="tess"),
        )
        assert told(GUARDED, case) == [
            ("move-without-checklist", "tess moved the case to `l2` without `impact`, `workaround`")
        ]

    def test_a_snapshot_that_shows_a_higher_level_is_a_move_too(self):
        """Nobody said who."""
        case = opened(E.Reconciled(at=when("mon 11:00"), level="l2"))
        assert told(GUARDED, case) == [
            ("move-without-checklist", "automation moved the case to `l2` without `impact`, `workaround`")
        ]

    @pytest.mark.parametrize(
        "events",
        [
            (
                E.ItemAnswered(at=when("mon 10:00"), item="impact"),
                E.ItemAnswered(at=when("mon 10:00"), item="workaround", answer="none"),
            ),
            (E.ChecklistOverridden(at=when("mon 10:00"), level="l2", reason="tonight"),),
            (E.FactChanged(at=when("mon 10:00"), name="down", value=True),),
        ],
    )
    def test_answered_overridden_or_waived_by_a_rule_it_is_in_order(self, events):
        """Where the policy itself would have moved the case, so may a person."""
        case = opened(*events, E.Escalated(at=when("mon 11:00"), to="l2", by="tess"))
        assert told(GUARDED, case) == []

    def test_what_a_decision_asked_for_is_in_order(self):
        """Accepted late, dated at its due."""
        case = opened(
            E.EscalationRequested(at=when("mon 10:00")),
            E.ItemAnswered(at=when("mon 10:00"), item="impact"),
            E.ItemAnswered(at=when("mon 10:00"), item="workaround", answer="none"),
        )
        case = case.record(*decide(GUARDED, case, at=when("tue 10:00")).accept(at=when("tue 10:00")))
        assert told(GUARDED, case) == []

    def test_a_level_without_a_checklist_asks_for_nothing(self):
        """Nor does one that is only passed."""
        assert told(GUARDED, opened(E.Escalated(at=when("mon 11:00"), to="l3"))) == []

    def test_a_de_escalation_without_the_customers_agreement_or_too_soon(self):
        """By a de-escalation, or by a move to a lower level."""
        up = opened(E.FactChanged(at=when("mon 10:00"), name="down", value=True)).record(
            E.Escalated(at=when("mon 10:00"), to="l2")
        )
        for down in (
            E.DeEscalated(at=when("mon 12:00"), to="l1", by="tess"),
            E.DeEscalated(at=when("mon 12:00"), by="tess"),
            E.Escalated(at=when("mon 12:00"), to="l1", by="tess"),
        ):
            assert told(GUARDED, up.record(down)) == [
                ("de-escalation-without-checklist", "tess took the case off `l2` without `agreed`"),
                ("de-escalation-before-min-stay", "tess took the case off `l2` before Tue 2026-03-03 17:00"),
            ]
        agreed = up.record(E.ItemAnswered(at=when("tue 17:00"), item="agreed"))
        assert told(GUARDED, agreed.record(E.DeEscalated(at=when("tue 17:00"), to="l1"))) == []

    def test_leaving_another_track_is_a_de_escalation_of_it(self):
        """And coming onto it none, however often."""
        handled = Checklist.of(handled="Handled")
        tracks = (
            Track(key="support", levels=EscalationLevel(key="s1")),
            Track(
                key="management",
                levels=(
                    EscalationLevel(key="m1", de_escalation=handled),
                    EscalationLevel(key="m2", de_escalation=handled),
                ),
            ),
        )
        policy = desk(tracks=tracks)
        case = opened(
            E.Escalated(at=when("mon 10:00"), to="m1"),
            E.Escalated(at=when("mon 11:00"), to="m2"),
            E.DeEscalated(at=when("mon 12:00"), track="management", by="max"),
        )
        assert told(policy, case) == [
            ("de-escalation-without-checklist", "max took the case off `m2` without `handled`")
        ]

    def test_a_history_with_another_policys_levels_is_refused(self):
        """As a decision refuses it."""
        with pytest.raises(UnknownName, match="unknown level `l7`"):
            audit(GUARDED, opened(E.Escalated(at=when("mon 10:00"), to="l7")), at=when("tue 10:00"))


SQUARE = desk(
    levels=levels(l2={"counterparts": {"technical": ("rep", "their_rep"), "business": ("boss", "their_boss")}})
)
IN_SQUARE = opened(E.Escalated(at=when("mon 10:00"), to="l2"))


class TestConversations:
    """Who talks to the customer, and about what."""

    @pytest.mark.parametrize(
        "event",
        [
            E.SupportReplied(at=when("mon 11:00"), by="eve", by_role="executive"),
            E.UpdateSent(at=when("mon 11:00"), by="eve", by_role="executive"),
            E.CallHeld(at=when("mon 11:00"), by="eve", kind="lunch", participants=("executive", "their_boss", "boss")),
            E.CallHeld(at=when("mon 11:00"), by="eve", kind="lunch", participants=("executive", "customer")),
        ],
    )
    def test_somebody_outside_the_counterparts_talks_to_the_customer(self, event):
        """In writing, in an update, on a call."""
        text = "eve (executive) talked to the customer from outside the counterparts"
        assert told(SQUARE, IN_SQUARE.record(event)) == [("outside-the-counterparts", text)]

    @pytest.mark.parametrize(
        "event",
        [
            E.SupportReplied(at=when("mon 11:00"), by_role="rep"),
            E.SupportReplied(at=when("mon 11:00")),
            E.SupportReplied(at=when("mon 11:00"), by_role="executive", public=False),
            E.SupportReplied(at=when("mon 11:00"), by_role="mailer", actor="automation"),
            E.UpdateSent(at=when("mon 11:00"), by_role="executive", audience="internal"),
            E.CallHeld(at=when("mon 11:00"), kind="internal", participants=("executive", "boss")),
            E.CustomerReplied(at=when("mon 11:00"), by_role="their_ceo"),
        ],
    )
    def test_inside_among_themselves_or_nobody_knows_who(self, event):
        """What is not known is no finding; nor is what the customer does."""
        assert told(SQUARE, IN_SQUARE.record(event)) == []

    def test_the_wrong_pair_on_a_topic(self):
        """On either side; other topics and unknown roles are nobody's."""
        case = IN_SQUARE.record(
            E.SupportReplied(at=when("mon 11:00"), by="rob", by_role="rep", topic="business"),
            E.SupportReplied(at=when("mon 11:00"), by_role="rep", topic="technical"),
            E.SupportReplied(at=when("mon 11:00"), by_role="rep", topic="weather"),
            E.SupportReplied(at=when("mon 11:00"), topic="business"),
            E.CustomerReplied(at=when("mon 12:00"), by_role="their_boss", topic="technical"),
        )
        assert told(SQUARE, case) == [
            ("wrong-pair", "rob (rep) took up a business matter, which is for boss and their_boss"),
            ("wrong-pair", "their_boss (their_boss) took up a technical matter, which is for rep and their_rep"),
        ]

    def test_an_escalation_handed_to_a_named_individual(self):
        """Rather than to a role that somebody always has."""
        case = opened(
            E.EscalationRequested(at=when("mon 10:00"), person="joe"), E.EscalationRequested(at=when("mon 11:00"))
        )
        assert told(desk(), case) == [
            ("named-individual", "the customer handed the escalation to joe, a named individual")
        ]


class TestTheCustomersTime:
    """Updates that came too late, waits that hid a waiting customer."""

    def test_a_customer_who_had_to_ask_is_shown_against_the_update_clock(self):
        """In time, late, paused, or never promised anything."""
        asks = E.CustomerReplied(at=when("tue 10:00"), asks_for_status=True)
        for policy, text, severity in (
            (desk(), "no update was promised", "note"),
            (desk(targets=Target.update("2 business days")), "the next was due Wed 2026-03-04 17:00", "warning"),
            (
                desk(targets=Target.update("4 business hours")),
                "an update had been due since Mon 2026-03-02 13:00",
                "error",
            ),
        ):
            (found,) = [
                one for one in audit(policy, opened(asks), at=when("tue 10:00")).findings if one.code.startswith("cust")
            ]
            assert (found.message, found.severity) == (f"the customer had to ask for the status; {text}", severity)

    def test_a_paused_update_clock_promised_nothing_yet(self):
        """While a vendor is waited for and the target pauses for that."""
        policy = desk(targets=Target.update("2 business days", pause_on=("vendor",)))
        case = opened(
            E.WaitStarted(at=when("mon 11:00"), on="vendor"),
            E.CustomerReplied(at=when("tue 10:00"), asks_for_status=True, by="ursula"),
        )
        assert told(policy, case) == [
            ("customer-asked-for-status", "ursula had to ask for the status; the clock of the next update was paused")
        ]

    def test_a_wait_that_hid_a_waiting_customer(self):
        """Their message unanswered, the case put to wait for them; the clocks that stood still are named."""
        policy = desk(targets=Target.resolution("8 business hours"))
        case = opened(E.WaitStarted(at=when("mon 10:00"), by="tess"))
        (found,) = audit(policy, case, at=when("mon 12:00")).findings
        assert (found.code, found.severity) == ("hidden-wait", "error")
        assert found.message == (
            "tess had the case wait for the customer, whose message of Mon 2026-03-02 09:00 was unanswered;"
            " `resolution` stood still"
        )
        assert audit(desk(), case, at=when("mon 12:00")).findings[0].severity == "warning"

    @pytest.mark.parametrize(
        "events",
        [
            (E.SupportReplied(at=when("mon 09:30")), E.WaitStarted(at=when("mon 10:00"))),
            (E.WaitStarted(at=when("mon 10:00"), on="vendor"),),
        ],
    )
    def test_a_wait_after_an_answer_or_for_somebody_else_hides_nobody(self, events):
        """As it should be."""
        assert told(desk(), opened(*events)) == []

    def test_what_staff_opened_is_nobodys_message_until_the_customer_writes(self):
        """The oldest unanswered message counts, and a note does not answer it."""
        waits = E.WaitStarted(at=when("tue 10:00"))
        assert told(desk(), opened(waits, by_staff=True)) == []
        case = opened(
            E.CustomerReplied(at=when("mon 11:00")),
            E.CustomerReplied(at=when("mon 12:00")),
            E.SupportReplied(at=when("mon 13:00"), public=False),
            waits,
            by_staff=True,
        )
        assert "Mon 2026-03-02 11:00" in told(desk(), case)[0][1]


class TestPromises:
    """Deadlines, plans, post-mortems, flags."""

    def test_deadlines_breached_and_those_only_by_a_change_apart(self):
        """The one is somebody's, the other nobody's delay."""
        policy = desk(
            targets=(
                Target.first_response("1 business hour", owner="tess"),
                Target.resolution("8 business hours", when=F.priority < "urgent"),
                Target.resolution("1 business hour"),
            )
        )
        case = opened(
            E.SupportReplied(at=when("mon 11:00")), E.PriorityChanged(at=when("mon 12:00"), to="urgent"), priority="low"
        )
        late, changed = audit(policy, case, at=when("mon 12:30")).findings
        assert (late.code, late.at, late.by_role, late.severity) == (
            "deadline-breached",
            when("mon 10:00"),
            "tess",
            "warning",
        )
        assert late.message == "`first_response` was due Mon 2026-03-02 10:00 and ended Mon 2026-03-02 11:00"
        assert (changed.code, changed.severity) == ("breached-by-a-change", "note")
        assert changed.message == "`resolution` was put past due by a change at Mon 2026-03-02 12:00, not by a delay"

    def test_a_breach_on_a_level_that_has_not_ended(self):
        """It says where, and that it has not come."""
        policy = desk(levels=levels(l2={"targets": Target.contact("1 business hour")}))
        case = opened(E.Escalated(at=when("mon 10:00"), to="l2"))
        assert told(policy, case) == [
            ("deadline-breached", "`contact` on `l2` was due Mon 2026-03-02 11:00 and has not come")
        ]

    def test_plan_items_without_an_owner_or_a_due_date(self):
        """Only where the policy asks for plans; what is done needs neither."""
        items = (
            E.PlanItem("trace", owner="ann"),
            E.PlanItem("swap", due_at=when("tue 10:00")),
            E.PlanItem("x", done=True),
        )
        case = opened(E.PlanRevised(at=when("mon 10:00"), plan=E.ActionPlan(items=items)))
        assert told(desk(), case) == []
        assert told(desk(targets=Target.action_plan("2 business hours")), case) == [
            ("unclear-plan-item", "`trace` is on the plan without due date"),
            ("unclear-plan-item", "`swap` is on the plan without owner"),
        ]

    def test_an_escalation_that_ended_without_a_post_mortem(self):
        """Each of two; while there is time it is only a note; where nobody asks for one there is nothing to find."""
        policy = desk(targets=Target.post_mortem("1 business day"))
        case = opened(
            E.Escalated(at=when("mon 10:00"), to="l2"),
            E.DeEscalated(at=when("mon 12:00"), to="l1"),
            E.Escalated(at=when("tue 10:00"), to="l2"),
            E.Resolved(at=when("tue 12:00")),
        )
        missing = [("no-post-mortem", f"the escalation of {day} 10:00 ended without a post-mortem") for day in (
            "Mon 2026-03-02", "Tue 2026-03-03")]  # fmt: skip
        assert told(policy, case, "tue 13:00") == missing
        assert {one.severity for one in audit(policy, case, at=when("tue 13:00")).findings} == {"note"}
        assert audit(policy, case, at=when("fri 13:00")).findings[0].severity == "warning"
        assert told(desk(), case) == []
        once = case.record(E.PostMortemHeld(at=when("tue 14:00")))
        assert told(policy, once) == missing[:1]
        assert told(policy, once.record(E.PostMortemHeld(at=when("mon 16:00")))) == []

    def test_an_escalation_that_goes_on_needs_none_yet(self):
        """It has not ended."""
        policy = desk(targets=Target.post_mortem("1 business day"))
        assert told(policy, opened(E.Escalated(at=when("mon 10:00"), to="l2"))) == []

    def test_what_rules_flag_as_findings(self):
        """Whether or not the host has recorded that it saw them, and after the case has ended too."""
        policy = desk(
            Rule(key="asks", when=F.status_requests >= 1, then=A.Tag(text="had to ask", audit=True)),
            Rule(key="came back", when=F.reopenings >= 1, then=A.Tag(text="came back")),
        )
        case = opened(E.CustomerReplied(at=when("mon 10:00"), asks_for_status=True))
        seen = settle(policy, case, at=when("mon 11:00")).case.record(E.Resolved(at=when("mon 12:00")))
        for known in (case, seen):
            assert ("tagged", "had to ask") in told(policy, known)
        assert [one.rule for one in audit(policy, seen, at=when("tue 10:00")).findings if one.code == "tagged"] == [
            "rule `asks`"
        ]


def test_an_audit_is_a_value_that_tells_itself():
    """Clean or not, stored and read back; what is later than `at` does not exist for it."""
    case = opened(E.WaitStarted(at=when("tue 10:00"), by="tess"))
    clean, found = audit(desk(), case, at=when("mon 12:00")), audit(desk(), case, at=when("tue 12:00"))
    assert (clean.is_clean, found.is_clean) == (True, False)
    assert clean.explain() == "C-1 under policy desk 1, up to Mon 2026-03-02 12:00: 0 findings"
    assert Audit.model_validate_json(found.model_dump_json()) == found
    assert "tess had the case wait" in found.explain()


def test_nobody_kept_to_the_square_of_a_preset():
    """A preset's day with everything wrong in it, told to a manager in the order in which it happened."""
    policy = presets.magic_square()
    case = opened(
        E.EscalationRequested(at=when("mon 10:00"), channel="phone", person="joe", by="ursula"),
        E.Escalated(at=when("mon 10:10"), to="escalated"),
        E.SupportReplied(at=when("mon 10:30"), by="eve", by_role="executive"),
        E.CustomerReplied(at=when("wed 10:00"), by="ursula", asks_for_status=True),
        E.Closed(at=when("wed 12:00")),
    )
    assert [one.code for one in audit(policy, case, at=when("wed 12:00")).findings] == [
        "named-individual",
        "outside-the-counterparts",
        *["deadline-breached"] * 5,
        "customer-asked-for-status",
        "no-post-mortem",
    ]


class TestNames:
    """What the record names and the policy does not have: no rule sees it, so somebody should."""

    TWO = desk(
        tracks=(Track("care", levels=levels(l2={"entry": GUARD})), Track("skill", levels=EscalationLevel("expert"))),
        facts=F.flag("production_down"),
    )

    @pytest.mark.parametrize(
        ("event", "kind", "text"),
        [
            (
                E.FactChanged(at=when("mon 10:00"), name="prodution_down", value=True),
                "unknown-fact",
                "the policy has no fact `prodution_down`; the nearest is `production_down`",
            ),
            (
                E.FactChanged(at=when("mon 10:00"), name="site", value=5),
                "unknown-fact",
                "the policy has no fact `site`",
            ),
            (
                E.ItemAnswered(at=when("mon 10:00"), item="inpact"),
                "unknown-item",
                "the policy has no item `inpact`; the nearest is `impact`",
            ),
            (E.AnswerWithdrawn(at=when("mon 10:00"), item="x"), "unknown-item", "the policy has no item `x`"),
            (
                E.DeEscalated(at=when("mon 10:00"), to="l1", track="kare"),
                "unknown-track",
                "the policy has no track `kare`; the nearest is `care`; `l1` is on `care`",
            ),
            (
                E.Escalated(at=when("mon 10:00"), to="expert", track="care"),
                "wrong-track",
                "`expert` is on the track `skill`, not on `care`",
            ),
            (
                E.LevelFailed(at=when("mon 10:00"), level="l1", track="zz"),
                "unknown-track",
                "the policy has no track `zz`; `l1` is on `care`",
            ),
        ],
    )
    def test_each_is_a_note_with_the_nearest_known(self, event, kind, text):
        """Once, where it is first named; the histories of other versions stay valid."""
        again = event.model_copy(update={"at": when("mon 11:00")})
        (found,) = audit(self.TWO, opened(event, again), at=when("fri 17:00")).findings
        assert (found.at, found.code, found.message) == (when("mon 10:00"), kind, text)
        assert (found.severity, found.rule) == ("note", f"{kind.split('-')[1]}s of the policy")
        assert decide(self.TWO, opened(event), at=when("mon 12:00")).status == "open"

    def test_what_the_policy_knows_is_no_finding(self):
        """Also among the facts of the opening."""
        known = opened(
            E.ItemAnswered(at=when("mon 10:00"), item="impact"),
            E.Escalated(at=when("mon 10:00"), to="expert", track="skill"),
            facts={"production_down": True},
        )
        assert told(self.TWO, known) == []
        assert told(self.TWO, opened(facts={"seats": 2})) == [("unknown-fact", "the policy has no fact `seats`")]


LONG = Rule(key="long", when=F.open_for >= "4 hours", to="l2")


def test_an_audit_finds_what_people_did_against_the_policy():
    """One case that goes wrong in every way."""
    square = {"technical": ("rep", "cust_tech"), "business": ("mgr", "cust_mgr")}
    upper = EscalationLevel(
        key="l2", owner="mgr", entry=Checklist.of(q="Q"), de_escalation=Checklist.of(a="Agreed"), counterparts=square
    )
    targets = (
        Target.resolution(within=Pick(by="priority", values={"high": "2 hours"}, otherwise="8 hours")),
        Target.post_mortem(within="10 hours", when=F.moves >= 1),
    )
    policy = desk(
        Rule(key="r", when=F.escalation_request_open, to="l2"),
        levels=(EscalationLevel(key="l1", owner="rep"), upper),
        targets=targets,
    )
    case = opened(
        E.EscalationRequested(at=after(1), person="joe"),
        E.Escalated(at=after(1), to="l2", by="x"),
        E.SupportReplied(at=after(2), by_role="executive", by="eve"),
        E.SupportReplied(at=after(2), by_role="mgr", topic="technical", by="m"),
        E.CustomerReplied(at=after(3), asks_for_status=True),
        E.PriorityChanged(at=after(4), to="high"),
        E.DeEscalated(at=after(5), to="l1"),
        E.Resolved(at=after(6)),
        E.Closed(at=after(7)),
        priority="normal",
    )
    assert {one.code for one in audit(policy, case, at=after(30)).findings} >= {
        "move-without-checklist",
        "de-escalation-without-checklist",
        "outside-the-counterparts",
        "wrong-pair",
        "customer-asked-for-status",
        "named-individual",
        "breached-by-a-change",
        "no-post-mortem",
    }


def test_what_the_library_did_is_no_finding():
    """Accepted in time."""
    assert audit(desk(LONG), accepted(desk(LONG), opened(), after(4)), at=after(5)).findings == ()
