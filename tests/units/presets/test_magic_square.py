"""The magic square, row by row. The policy is asked of `presets` each time, so that a removal can be tried."""

from __future__ import annotations

from escalation_rules import Case, decide, presets, settle
from escalation_rules import events as E
from escalation_rules.audit import audit
from escalation_rules.metrics import health, kpis, worklist
from tests.bench import when

DUE_SOON = E.ActionPlan(
    items=(E.PlanItem("swap the board", owner="support_rep", due_at=when("05-22 12:00")),), shared=True
)


def problem(*events, moment: str = "05-21 09:00", id: str = "M-1", **fields) -> Case:
    """Opened on Thursday 21 May, at nine."""
    return Case.open(id, at=when(moment), **fields).record(*events)


def escalated(policy, **facts) -> Case:
    """Asked for on Thursday at ten; answered within the hour; everything done that was asked."""
    case = problem(E.EscalationRequested(at=when("05-21 10:00"), channel="phone"), facts=facts)
    case = case.record(E.EscalationRequestAnswered(at=when("05-21 10:30"), by="emma", by_role="escalation_manager"))
    return settle(policy, case, at=when("05-21 10:30"), by="desk").case


def due(policy, case: Case, moment: str) -> dict:
    return {one.target: one.due_at for one in decide(policy, case, at=when(moment)).deadlines}


def found(policy, case: Case, moment: str) -> list[tuple[str, str | None]]:
    return [(one.code, one.by_role) for one in audit(policy, case, at=when(moment)).findings]


def flags(policy, case: Case, moment: str) -> list[tuple[str, str | None]]:
    """What is flagged and of whom somebody is told, and by which rule."""
    return [(one.kind, one.rule) for one in decide(policy, case, at=when(moment)).actions]


def test_MS1_fix_the_basics_first():
    """Answers late, half of the cases escalated: the ordinary process is reported before its escalations are tuned."""
    policy = presets.magic_square()
    prompt = [problem(E.SupportReplied(at=when("05-21 11:00")), id=f"P-{number}") for number in range(9)]
    good = health(policy, prompt, at=when("05-29 17:00"))
    assert (good.is_sound, str(good.first_response)) == (True, "9 of 9 (100 %)")
    late = [problem(E.SupportReplied(at=when("05-21 13:01")), id=f"L-{number}") for number in range(2)]
    back = problem(E.Resolved(at=when("05-21 12:00")), E.Reopened(at=when("05-22 12:00")), id="R-1")
    bad = health(policy, [*prompt, *late, back, escalated(policy)], at=when("05-29 17:00"))
    # Four business hours from nine is one o'clock. The reopened case was resolved unanswered, which voids its clock;
    # the escalated one was never answered: 9 met of 12. One of 13 escalated, one of 13 came back.
    assert [str(one) for one in (bad.first_response, bad.escalated, bad.reopened)] == [
        "9 of 12 (75 %)",
        "1 of 13 (8 %)",
        "1 of 13 (8 %)",
    ]
    assert bad.problems == ("`first_response` was met in 9 of 12 (75 %), and 90% is wanted",)
    assert not health(
        policy, [*prompt, *late, back, escalated(policy)], at=when("05-29 17:00"), escalated=0.05
    ).is_sound


def test_MS2_reaches_the_support_group_quickly_whoever_was_told():
    """Told to sales on the bank holiday at noon: brought to support by one, and answered by two, at any hour."""
    policy = presets.magic_square()
    for fields in ({"channel": "sales_rep"}, {"channel": "executive"}, {"channel": "phone", "to": "sales_rep"}):
        case = problem(E.EscalationRequested(at=when("05-25 12:00"), **fields))
        decision = decide(policy, case, at=when("05-25 12:00"))
        assert decision.move.to == "escalated"
        assert (decision.deadline("reach").due_at, decision.deadline("answer").due_at) == (
            when("05-25 13:00"),
            when("05-25 14:00"),
        )
    case = case.record(E.EscalationRequestReceived(at=when("05-25 13:00"), by="emma", by_role="escalation_manager"))
    case = case.record(E.SupportReplied(at=when("05-25 14:01"), by="emma", by_role="escalation_manager"))
    decision = decide(policy, case, at=when("05-25 15:00"))
    assert (decision.deadline("reach").outcome, decision.deadline("answer").outcome) == ("met", "breached")


def test_MS2_a_quick_first_response_whatever_the_entrance():
    """In the portal, by phone, by email, in an ordinary update; these need not be brought to support."""
    policy = presets.magic_square()
    asked = [E.EscalationRequested(at=when("05-23 20:00"), channel=channel) for channel in ("portal", "phone", "email")]
    for request in (*asked, E.CustomerReplied(at=when("05-23 20:00"), asks_to_escalate=True)):
        decision = decide(policy, problem(request), at=when("05-23 20:00"))
        assert (decision.move.to, decision.deadline("answer").due_at) == ("escalated", when("05-23 22:00"))
        assert decision.deadline("answer").owner == "escalation_manager"
        assert decision.deadline("reach").outcome == "not_started"


def test_MS3_cases_about_to_escalate_are_seen_coming():
    """An answer nearly due, a customer who asks again, a case that came back, an urgent one unanswered."""
    policy = presets.magic_square()
    told = [("tag", "{}"), ("notify", "{}")]

    def expected(name: str) -> list[tuple[str, str]]:
        return [(kind, text.format(name)) for kind, text in told]

    # The customer writes on Thursday at 16:00, and a business day runs to Friday's close: nine hours, a quarter of
    # which are left from Friday 14:45 on.
    case = problem(E.SupportReplied(at=when("05-21 09:30")), E.CustomerReplied(at=when("05-21 16:00")))
    assert decide(policy, case, at=when("05-21 16:00")).wake_at == when("05-22 14:45")
    assert flags(policy, case, "05-22 14:44") == []
    assert flags(policy, case, "05-22 14:45") == expected("an answer is nearly due")
    case = problem(*(E.CustomerReplied(at=when(f"05-21 {hour}:00"), asks_for_status=True) for hour in (10, 11)))
    assert flags(policy, case, "05-21 10:30") == []
    assert flags(policy, case, "05-21 11:00") == expected("the customer asks for the status again")
    case = problem(
        E.SupportReplied(at=when("05-21 09:30")), E.Resolved(at=when("05-21 10:00")), E.Reopened(at=when("05-22 10:00"))
    )
    assert flags(policy, case, "05-22 10:00") == expected("it came back")
    assert flags(policy, problem(priority="urgent"), "05-21 09:45") == expected("an urgent case has no answer yet")
    assert flags(policy, problem(priority="high"), "05-21 12:30") == []


def test_MS3_only_before_anybody_asked():
    """Once somebody asks it is an escalation, and no longer likely to become one."""
    policy = presets.magic_square()
    case = escalated(policy).record(
        E.SupportReplied(at=when("05-21 11:00")),
        *(E.CustomerReplied(at=when(f"05-21 {hour}:00"), asks_for_status=True) for hour in (12, 13)),
    )
    assert ("tag", "the customer asks for the status again") not in flags(policy, case, "05-21 13:00")


def ended(policy, *events) -> Case:
    """The escalated case, resolved and closed on Friday at four."""
    return escalated(policy).record(E.Resolved(at=when("05-22 16:00")), E.Closed(at=when("05-22 16:00")), *events)


def test_MS4_whether_a_service_issue_caused_it_is_recorded():
    """A post-mortem that does not say is held, and the cause stays owed; reports carry no blame where none is due."""
    policy = presets.magic_square()
    case = ended(policy, E.PostMortemHeld(at=when("05-26 10:00")))
    decision = decide(policy, case, at=when("05-26 11:00"))
    assert (decision.deadline("post_mortem").outcome, decision.deadline("cause").outcome) == ("met", "pending")
    for cause, text in ((True, "service issue"), (False, "no service issue")):
        told = case.record(E.PostMortemHeld(at=when("05-27 10:00"), service_issue=cause))
        assert decide(policy, told, at=when("05-27 11:00")).deadline("cause").outcome == "met"
        assert dict(kpis(policy, [told], at=when("05-27 11:00")).row().causes) == {"not said": 1, text: 1}


def test_MS5_everyone_else_stays_outside():
    """An executive or a sales rep who talks to the customer is a finding; inside they may talk among themselves."""
    policy, case = presets.magic_square(), escalated(presets.magic_square())
    inside = case.record(
        E.SupportReplied(at=when("05-21 11:00"), by="rob", by_role="support_rep"),
        E.UpdateSent(at=when("05-21 11:00"), by="emma", by_role="escalation_manager"),
        E.UpdateSent(at=when("05-21 11:10"), by="eve", by_role="executive", audience="internal"),
        E.SupportReplied(at=when("05-21 11:20"), by="eve", by_role="executive", public=False),
        E.CallHeld(at=when("05-21 11:30"), kind="internal", participants=("executive", "escalation_manager")),
    )
    assert found(policy, inside, "05-21 12:00") == []
    outside = inside.record(
        E.SupportReplied(at=when("05-21 13:00"), by="eve", by_role="executive"),
        E.UpdateSent(at=when("05-21 13:10"), by="sal", by_role="sales_rep"),
        E.CallHeld(at=when("05-21 13:20"), kind="golf", participants=("executive", "customer_management")),
    )
    kinds = [kind for kind, _ in found(policy, outside, "05-21 14:00")]
    assert kinds == ["outside-the-counterparts"] * 3
    before = problem(E.SupportReplied(at=when("05-21 09:30"), by_role="executive"))
    assert found(policy, before, "05-21 10:00") == [], "while nothing is escalated there is no square"


def test_MS5_technical_people_on_technical_matters_managers_on_business_matters():
    """Each topic has its pair, on either side."""
    policy = presets.magic_square()
    case = escalated(policy).record(
        E.SupportReplied(at=when("05-21 11:00"), by_role="support_rep", topic="technical"),
        E.CustomerReplied(at=when("05-21 11:10"), by_role="customer_management", topic="business"),
        E.SupportReplied(at=when("05-21 11:20"), by_role="escalation_manager", topic="anything else"),
    )
    assert found(policy, case, "05-21 12:00") == []
    case = case.record(
        E.SupportReplied(at=when("05-21 13:00"), by_role="support_rep", topic="business"),
        E.CustomerReplied(at=when("05-21 13:10"), by_role="customer_management", topic="technical"),
    )
    assert found(policy, case, "05-21 14:00") == [("wrong-pair", "support_rep"), ("wrong-pair", "customer_management")]


def test_MS5_the_four_meet_regularly():
    """Within a working day of the escalation, and again and again, whoever is waited for."""
    policy = presets.magic_square()
    case = escalated(policy).record(E.WaitStarted(at=when("05-21 11:00"), on="customer"))
    assert due(policy, case, "05-21 12:00")["square_meeting"] == when("05-22 17:00")
    four = ("support_rep", "customer_technical", "escalation_manager", "customer_management")
    case = case.record(E.CallHeld(at=when("05-22 10:00"), kind="square", participants=four))
    assert due(policy, case, "05-22 12:00")["square_meeting"] == when("05-26 17:00")
    assert ("deadline-breached", "escalation_manager") in found(policy, case, "05-27 09:00")


def test_MS6_a_written_plan_shared_with_the_customer():
    """A plan that is not shared is not it."""
    policy = presets.magic_square()
    case = escalated(policy)
    plan = decide(policy, case, at=when("05-21 12:00")).deadline("action_plan")
    assert (plan.due_at, plan.owner) == (when("05-22 17:00"), "support_rep")
    kept = E.ActionPlan(items=DUE_SOON.items)
    case = case.record(E.PlanRevised(at=when("05-21 13:00"), plan=kept))
    assert decide(policy, case, at=when("05-21 14:00")).deadline("action_plan").outcome == "pending"
    case = case.record(E.PlanRevised(at=when("05-21 15:00"), plan=DUE_SOON))
    assert decide(policy, case, at=when("05-21 16:00")).deadline("action_plan").outcome == "met"


def test_MS6_every_item_has_an_owner_and_a_due_date_and_overdue_ones_are_visible():
    """To the audit, to both of ours, and to whoever owes it."""
    policy = presets.magic_square()
    vague = E.ActionPlan(items=(E.PlanItem("trace"), E.PlanItem("patch", done=True)), shared=True)
    case = escalated(policy).record(E.PlanRevised(at=when("05-21 12:00"), plan=vague))
    (finding,) = [
        one for one in audit(policy, case, at=when("05-21 12:59")).findings if one.code == "unclear-plan-item"
    ]
    assert finding.message == "`trace` is on the plan without owner and due date"
    case = escalated(policy).record(E.PlanRevised(at=when("05-21 13:00"), plan=DUE_SOON))
    assert flags(policy, case, "05-22 12:00") == []
    late = decide(policy, case, at=when("05-22 12:01"))
    assert [(one.rule, one.action.roles) for one in late.actions] == [
        ("an item of the plan is overdue", ("support_rep", "escalation_manager"))
    ]
    (work,) = [
        one for one in worklist(policy, [case], at=when("05-22 12:01"), role="support_rep") if one.kind == "plan_item"
    ]
    assert (work.what, work.is_overdue(when("05-22 12:01"))) == ("swap the board", True)
    done = E.ActionPlan(items=(DUE_SOON.items[0].model_copy(update={"done": True}),), shared=True)
    case = case.record(E.PlanRevised(at=when("05-22 11:59"), plan=done))
    assert flags(policy, case, "05-22 12:01") == []


def test_MS6_complex_cases_have_a_backup_strategy():
    """It is asked for as soon as the case is known to be complex, until the plan has one."""
    policy = presets.magic_square()
    case = escalated(policy)
    case = case.record(E.FactChanged(at=when("05-21 11:00"), name="complex", value=True))
    (asked,) = decide(policy, case, at=when("05-21 11:00")).actions
    assert (asked.action.role, asked.action.item) == ("escalation_manager", "backup strategy")
    simple = escalated(policy, complex=False)
    assert flags(policy, simple, "05-21 12:00") == []
    backed = E.PlanRevised(at=when("05-21 10:50"), plan=E.ActionPlan(backup="restore the old release", shared=True))
    assert flags(policy, case.record(backed), "05-21 12:00") == []


def test_MS6_the_plan_is_reviewed_and_refreshed_daily():
    """A new plan or a look at it will do; Monday is a holiday."""
    policy = presets.magic_square()
    case = escalated(policy)
    assert due(policy, case, "05-21 12:00")["plan_review"] == when("05-22 17:00")
    case = case.record(E.PlanRevised(at=when("05-22 09:00"), plan=DUE_SOON))
    assert due(policy, case, "05-22 10:00")["plan_review"] == when("05-26 17:00")
    case = case.record(
        E.Reviewed(at=when("05-26 10:00"), what="plan"), E.Reviewed(at=when("05-27 10:00"), what="status")
    )
    assert due(policy, case, "05-27 12:00")["plan_review"] == when("05-27 17:00")


def test_MS7_updates_to_the_customer_and_to_those_inside_the_company():
    """As often as agreed with the customer; inside as often as the organisation says; neither rests while waiting."""
    policy = presets.magic_square()
    case = escalated(policy).record(
        E.CommunicationAgreed(at=when("05-21 11:00"), plan=E.CommunicationPlan(every="4 business hours")),
        E.UpdateSent(at=when("05-21 12:00")),
        E.WaitStarted(at=when("05-21 12:30"), on="customer"),
    )
    found_due = due(policy, case, "05-21 13:00")
    assert (found_due["update"], found_due["internal_update"]) == (when("05-21 16:00"), when("05-22 17:00"))
    case = case.record(E.UpdateSent(at=when("05-22 09:00"), audience="internal"))
    found_due = due(policy, case, "05-22 10:00")
    assert (found_due["update"], found_due["internal_update"]) == (when("05-21 16:00"), when("05-26 17:00"))


def test_MS7_a_customer_who_has_to_ask_has_found_a_failure():
    """Counted, told to the manager, and shown against the update clock."""
    policy = presets.magic_square()
    case = escalated(policy).record(
        E.UpdateSent(at=when("05-21 12:00")),
        E.CustomerReplied(at=when("05-22 10:00"), by="ursula", asks_for_status=True),
        E.CustomerReplied(at=when("05-27 10:00"), by="ursula", asks_for_status=True),
    )
    (told,) = [
        one for one in decide(policy, case, at=when("05-22 10:00")).actions if one.rule == "the customer had to ask"
    ]
    assert told.action.roles == ("escalation_manager",)
    asked = [
        one for one in audit(policy, case, at=when("05-27 10:00")).findings if one.code == "customer-asked-for-status"
    ]
    # Updated on Thursday: the next was due by Friday's close; by Wednesday it had long been.
    assert [(one.severity, one.message) for one in asked] == [
        ("warning", "ursula had to ask for the status; the next was due Fri 2026-05-22 17:00"),
        ("error", "ursula had to ask for the status; an update had been due since Fri 2026-05-22 17:00"),
    ]
    assert kpis(policy, [case], at=when("05-27 10:00")).row().status_requests == 2


def test_MS8_a_post_mortem_after_every_escalation():
    """Good or bad, ended by resolving or by de-escalating; a case closed without one stays on the list."""
    policy = presets.magic_square()
    closed = ended(policy)
    calmed = escalated(policy).record(E.DeEscalated(at=when("05-22 16:00"), to="normal", reason="it works"))
    # Ten working days after Friday 22 May, Monday 25 being a holiday: the Friday of the fortnight's second week is day
    # 9 (26, 27, 28, 29, then 1, 2, 3, 4, 5 June), and Monday 8 June the tenth.
    for case in (closed, calmed, calmed.record(E.Resolved(at=when("05-26 10:00")))):
        post_mortem = decide(policy, case, at=when("05-26 12:00")).deadline("post_mortem")
        assert (post_mortem.due_at, post_mortem.owner) == (when("06-08 17:00"), "escalation_manager")
        listed = worklist(policy, [case], at=when("07-01 09:00"), role="escalation_manager")
        assert ("post_mortem", True) in [(one.what, one.is_overdue(when("07-01 09:00"))) for one in listed]
        assert ("no-post-mortem", None) in found(policy, case, "07-01 09:00")
        held = case.record(E.PostMortemHeld(at=when("06-01 10:00"), service_issue=False))
        assert decide(policy, held, at=when("06-02 10:00")).deadline("post_mortem").outcome == "met"
        assert ("no-post-mortem", None) not in found(policy, held, "07-01 09:00")
        again = held.record(E.Closed(at=when("06-03 10:00")))
        assert "post_mortem" not in due(policy, again, "06-03 10:00"), "one will do for one escalation"
    ordinary = problem(E.Resolved(at=when("05-21 12:00")))
    assert decide(policy, ordinary, at=when("05-22 10:00")).deadline("post_mortem").outcome in {"not_started", "void"}


def test_MS8_lessons_and_what_became_of_them():
    """A lesson stays on the list until somebody says what became of it."""
    policy = presets.magic_square()
    held = E.PostMortemHeld(at=when("05-26 10:00"), service_issue=True, lessons=("alert on lock waits", "call earlier"))
    case = ended(policy, held, E.LessonSettled(at=when("05-27 10:00"), lesson="call earlier", outcome="in the guide"))
    listed = worklist(policy, [case], at=when("06-01 09:00"), role="escalation_manager")
    assert [one.what for one in listed if one.kind == "lesson"] == ["alert on lock waits"]


def test_a_magic_square_over_the_bank_holiday():
    """Heard of by a sales rep on Friday night; the host down over the weekend; four people, a plan, a post-mortem."""
    policy = presets.magic_square()
    case = problem(
        E.SupportReplied(at=when("05-21 09:30"), by="rob", by_role="support_rep"),
        E.CustomerReplied(at=when("05-22 11:00"), by="tom", by_role="customer_technical", asks_for_status=True),
        E.EscalationRequested(
            at=when("05-22 21:00"), channel="sales_rep", by="sal", by_role="sales_rep", actor="staff"
        ),
        E.EscalationRequestReceived(at=when("05-22 21:50"), by="emma", by_role="escalation_manager"),
        E.EscalationRequestAnswered(at=when("05-22 22:30"), by="emma", by_role="escalation_manager"),
        priority="urgent",
        facts={"complex": True},
    )
    # First decision, by a host that was down from Friday evening to Tuesday: escalated since Friday at 21:00. It was
    # brought to support within the hour and answered within two, although it was night.
    first = decide(policy, case, at=when("05-26 09:00"))
    assert (first.move.to, first.move.due_at) == ("escalated", when("05-22 21:00"))
    assert (first.deadline("reach").outcome, first.deadline("answer").outcome) == ("met", "met")
    # The manager is asked for a backup strategy, and told that the customer had had to ask for the status before.
    assert [(one.kind, one.due_at) for one in first.actions] == [
        ("ask", when("05-22 21:00")),
        ("notify", when("05-22 21:00")),
    ]
    case = settle(policy, case, at=when("05-26 09:00"), by="desk").case
    # Friday night rolls forward, over the weekend and the holiday, to Tuesday: that is day 0, so Wednesday's close.
    assert due(policy, case, "05-26 09:00") == dict.fromkeys(
        ("square_meeting", "action_plan", "plan_review", "update", "internal_update", "next_response"),
        when("05-27 17:00"),
    ) | {"next_response": when("05-26 17:00")}
    four = ("support_rep", "customer_technical", "escalation_manager", "customer_management")
    item = E.PlanItem("swap the board", owner="support_rep", due_at=when("05-27 12:00"))
    case = case.record(
        E.SupportReplied(at=when("05-26 10:00"), by="rob", by_role="support_rep", topic="technical"),
        E.CallHeld(at=when("05-26 11:00"), kind="square", participants=four),
        E.PlanRevised(at=when("05-26 12:00"), plan=E.ActionPlan(items=(item,), backup="old release", shared=True)),
        E.UpdateSent(at=when("05-26 12:10"), audience="internal", by="emma", by_role="escalation_manager"),
        E.UpdateSent(at=when("05-26 15:00"), by="eve", by_role="executive"),
    )
    # Second decision: the item is overdue from noon on Wednesday.
    second = decide(policy, case, at=when("05-27 13:00"))
    assert [(one.rule, one.due_at.minute) for one in second.actions] == [("an item of the plan is overdue", 0)]
    case = case.record(*second.accept(at=when("05-27 13:00"), by="desk"))
    case = case.record(
        E.PlanRevised(
            at=when("05-27 14:00"),
            plan=E.ActionPlan(items=(item.model_copy(update={"done": True}),), backup="old release", shared=True),
        ),
        E.SupportReplied(at=when("05-27 15:00"), by="rob", by_role="support_rep", topic="technical"),
        E.Resolved(at=when("05-27 16:00")),
        E.Closed(at=when("05-28 09:00")),
    )
    # Third decision: closed, and the post-mortem is owed, ten working days after Wednesday 27 May: 10 June.
    third = decide(policy, case, at=when("05-28 09:00"))
    assert (third.status, third.moves) == ("closed", ())
    assert {one.target: one.due_at for one in third.deadlines} == {
        "post_mortem": when("06-10 17:00"),
        "cause": when("06-10 17:00"),
    }
    case = case.record(
        E.PostMortemHeld(at=when("06-02 10:00"), by="emma", service_issue=False, lessons=("spare boards",))
    )
    assert decide(policy, case, at=when("06-02 11:00")).deadlines == ()
    assert found(policy, case, "06-02 11:00") == [
        ("customer-asked-for-status", "customer_technical"),
        ("outside-the-counterparts", "executive"),
    ]
