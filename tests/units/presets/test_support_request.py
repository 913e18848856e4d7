"""The support request and the regional escalation, row by row.

The policy is asked of `presets` each time, so that a removal can be tried.
"""

from __future__ import annotations

import pytest

from escalation_rules import BusinessCalendar, Case, decide, presets, settle
from escalation_rules import events as E
from escalation_rules.worktime import Absence, Layer, Rota
from tests.bench import when

ANSWERS = {"problem": "yes", "impact": "yes", "workaround": "none", "milestone": "none"}
TASKS = ("progress", "plan_acceptable", "on_track")
BOTH = ("support_request", "regional_escalation")


def request(**facts) -> Case:
    """Opened on Thursday 21 May, at nine."""
    return Case.open("S-1", at=when("05-21 09:00"), priority="high", channel="email", facts=facts)


def answered(case: Case, moment: str, **answers: str) -> Case:
    """With the four questions answered, as far as no other answer is given; None leaves one open."""
    given = {**ANSWERS, **answers}
    return case.record(*(E.ItemAnswered(at=when(moment), item=item, answer=one) for item, one in given.items() if one))


def escalated(policy, **facts) -> Case:
    """Asked for and answered on Thursday at ten, and everything done that was asked."""
    case = answered(request(**facts), "05-21 10:00").record(
        E.EscalationRequested(at=when("05-21 10:00"), channel="phone")
    )
    return settle(policy, case, at=when("05-21 10:00"), by="desk").case


def level(policy, case: Case, moment: str) -> str | None:
    return decide(policy, case, at=when(moment)).positions["main"].level


def kinds(policy, case: Case, moment: str) -> list[tuple[str, tuple[str, ...]]]:
    """What is asked besides moves, and of or to whom."""
    decision = decide(policy, case, at=when(moment))
    return [(one.kind, getattr(one.action, "to", None) or getattr(one.action, "roles", ())) for one in decision.actions]


def test_SR_impact_for_management_is_a_reason_to_escalate():
    """A critical business impact that management must know: once it is known, and nothing else said."""
    policy, case = presets.support_request(), answered(request(), "05-21 10:00")
    assert level(policy, case, "05-21 11:00") == "normal"
    known = case.record(E.FactChanged(at=when("05-21 11:00"), name="critical_business_impact", value=True))
    move = decide(policy, known, at=when("05-21 11:00")).move
    assert (move.to, move.rules) == ("escalated", ("business impact for management",))
    unknown = case.record(E.FactChanged(at=when("05-21 11:00"), name="critical_business_impact", value=None))
    assert level(policy, unknown, "05-21 12:00") == "normal"


def test_SR_a_support_engineer_owns_it_and_attends_where_required():
    """One organisation, one rung of management: the customer support engineer."""
    policy = presets.support_request()
    case = answered(request(), "05-21 10:00").record(E.EscalationRequested(at=when("05-21 10:00"), channel="phone"))
    assert decide(policy, case, at=when("05-21 10:00")).move.owner.role == "customer_support_engineer"
    assert [track.key for track in policy.all_tracks] == ["main"]
    assert [one.key for one in policy.all_levels] == ["normal", "escalated"]
    case = escalated(policy, attendance_required=True)
    plan = E.CommunicationPlan(mode="conference call", every="1 business day", attendees=("customer",))
    case = case.record(E.CommunicationAgreed(at=when("05-21 11:00"), plan=plan))
    assert kinds(policy, case, "05-21 11:00") == [("convene", ("customer_support_engineer",))]


@pytest.mark.parametrize("preset", BOTH)
def test_RE1_may_be_asked_at_any_time_by_whatever_entrance(preset):
    """By phone, by email, in the portal, in an ordinary update, through sales or an executive: it is taken up."""
    policy = getattr(presets, preset)()
    for moment in ("05-21 09:00", "05-23 03:00", "05-25 12:00"):
        case = answered(request(), moment)
        assert decide(policy, case, at=when(moment)).move is None
        for channel in ("phone", "email", "portal", "sales", "executive"):
            asked = case.record(E.EscalationRequested(at=when(moment), channel=channel))
            assert decide(policy, asked, at=when(moment)).move.to == "escalated"
        update = case.record(E.CustomerReplied(at=when(moment), channel="portal", asks_to_escalate=True))
        assert decide(policy, update, at=when(moment)).move.to == "escalated"


@pytest.mark.parametrize("preset", BOTH)
def test_RE1_other_channels_are_answered_with_the_preferred_ones(preset):
    """Phone and email need no redirection; another channel does, each time, also in an ordinary update."""
    policy = getattr(presets, preset)()
    for channel in ("phone", "email", None):
        case = request().record(E.EscalationRequested(at=when("05-21 10:00"), channel=channel))
        assert kinds(policy, case, "05-21 10:00") == []
    case = request().record(E.EscalationRequested(at=when("05-21 10:00"), channel="chat"))
    assert kinds(policy, case, "05-21 10:00") == [("redirect", ("phone", "email"))]
    case = settle(policy, case, at=when("05-21 10:00"), by="desk").case
    assert kinds(policy, case, "05-21 11:00") == []
    case = case.record(E.CustomerReplied(at=when("05-21 12:00"), channel="portal", asks_to_escalate=True))
    assert kinds(policy, case, "05-21 12:00") == [("redirect", ("phone", "email"))]


def test_RE1_SR_people_to_ask_are_the_technician_and_the_support_engineer():
    """Whoever asked somebody else is accepted, and told whom to ask."""
    policy = presets.support_request()
    for to in ("technician", "assignee", "customer_support_engineer", "primary_contact", "database_engineer"):
        case = request().record(E.EscalationRequested(at=when("05-21 10:00"), channel="phone", to=to))
        assert kinds(policy, case, "05-21 10:00") == []
    case = answered(request(), "05-21 10:00")
    case = case.record(E.EscalationRequested(at=when("05-21 10:00"), channel="phone", to="account_manager"))
    assert kinds(policy, case, "05-21 10:00")[0] == ("redirect", ("technician", "customer_support_engineer"))
    assert decide(policy, case, at=when("05-21 10:00")).move.to == "escalated"


@pytest.mark.parametrize("preset", BOTH)
def test_RE2_production_down_while_something_is_put_in(preset):
    """Only both together: production down, and an upgrade or another implementation under way."""
    policy = getattr(presets, preset)()
    for down, running in ((True, False), (False, True), (True, None)):
        case = answered(request(production_down=down, implementation_running=running), "05-21 10:00")
        assert level(policy, case, "05-22 10:00") == "normal"
    case = answered(request(implementation_running=True), "05-21 10:00")
    case = case.record(E.FactChanged(at=when("05-22 11:00"), name="production_down", value=True))
    assert decide(policy, case, at=when("05-22 11:00")).move.rules == ("production down during an implementation",)


@pytest.mark.parametrize("preset", BOTH)
def test_RE2_dissatisfied_with_how_it_goes(preset):
    """With the responsiveness, or with the resolution."""
    policy = getattr(presets, preset)()
    case = answered(request(dissatisfied=False), "05-21 10:00")
    assert level(policy, case, "05-22 10:00") == "normal"
    case = case.record(E.FactChanged(at=when("05-22 11:00"), name="dissatisfied", value=True))
    assert decide(policy, case, at=when("05-22 11:00")).move.rules == ("dissatisfied",)


@pytest.mark.parametrize("preset", BOTH)
def test_RE3_unanswered_questions_hold_the_move_back_and_are_listed(preset):
    """Each of the four, by itself and all together; the move falls due when the last is answered."""
    policy = getattr(presets, preset)()
    case = request().record(E.EscalationRequested(at=when("05-21 10:00"), channel="phone"))
    for open_items in (tuple(ANSWERS), *((item,) for item in ANSWERS)):
        held = answered(case, "05-21 10:00", **dict.fromkeys(open_items, ""))
        decision = decide(policy, held, at=when("05-21 10:00"))
        assert (decision.move, [one.key for one in decision.blocked[0].missing]) == (None, list(open_items))
        assert decision.blocked[0].objections == ()
    decision = decide(policy, answered(case, "05-22 15:00", milestone="go-live on 1 June"), at=when("05-22 16:00"))
    assert (decision.move.due_at, decision.blocked) == (when("05-22 15:00"), ())


@pytest.mark.parametrize("preset", BOTH)
def test_RE3_a_good_workaround_argues_against_the_move_and_is_not_missing(preset):
    """So do a wrong problem statement and an inaccurate impact; a poor workaround does not."""
    policy = getattr(presets, preset)()
    case = request().record(E.EscalationRequested(at=when("05-21 10:00"), channel="phone"))
    for item, answer in (("workaround", "good"), ("problem", "no"), ("impact", "no")):
        decision = decide(policy, answered(case, "05-21 10:00", **{item: answer}), at=when("05-21 10:00"))
        assert decision.move is None
        assert decision.blocked[0].missing == ()
        assert [(one.item, one.answer) for one in decision.blocked[0].objections] == [(item, answer)]
    for answer in ("none", "impractical", "unsuitable"):
        assert level(policy, answered(case, "05-21 10:00", workaround=answer), "05-21 10:00") == "escalated"
    overridden = answered(case, "05-21 10:00", workaround="good").record(
        E.ChecklistOverridden(at=when("05-21 11:00"), level="escalated", reason="go-live tonight")
    )
    assert decide(policy, overridden, at=when("05-21 11:00")).move.due_at == when("05-21 11:00")


@pytest.mark.parametrize("preset", BOTH)
def test_RE4_the_evaluation_is_owed_and_says_what_was_put_right(preset):
    """Resources, the process, or both: any of these settles it, and nothing else does."""
    policy = getattr(presets, preset)()
    case = escalated(policy)

    def owed(known: Case) -> list[str | None]:
        return [one.role for one in decide(policy, known, at=when("05-21 12:00")).worklist if one.item == "evaluation"]

    assert owed(case) == [decide(policy, case, at=when("05-21 12:00")).deadline("daily_status").owner]
    for answer in ("resources", "process", "both"):
        assert owed(case.record(E.ItemAnswered(at=when("05-21 11:00"), item="evaluation", answer=answer))) == []
    assert owed(case.record(E.ItemAnswered(at=when("05-21 11:00"), item="evaluation", answer="yes"))) != []


@pytest.mark.parametrize("preset", BOTH)
def test_RE4_a_specialist_in_the_situation_becomes_primary_contact(preset):
    """By product unless an organisation names another fact; without a specialist, whoever escalations go to."""
    policy = getattr(presets, preset)()
    for product in ("database", "network"):
        assert escalated(policy, product=product).assigned(at=when("05-21 10:00")) == {
            "primary_contact": f"{product}_engineer"
        }
    assert escalated(policy).assigned(at=when("05-21 10:00"))["primary_contact"] is not None
    by_area = getattr(presets, preset)(specialists={"upgrade": "upgrade_engineer"}, situation="area")
    assert escalated(by_area, area="upgrade").assigned(at=when("05-21 10:00"))["primary_contact"] == "upgrade_engineer"


@pytest.mark.parametrize("preset", BOTH)
def test_RE5_a_kick_off_call_out_of_which_a_plan_comes(preset):
    """Escalated on Thursday 21 May: the call within a working day, the plan within two, and Monday is a holiday."""
    policy = getattr(presets, preset)(parties=("customer", "storage_vendor"))
    case = answered(request(), "05-21 10:00").record(E.EscalationRequested(at=when("05-21 10:00"), channel="phone"))
    convened = [one.action for one in decide(policy, case, at=when("05-21 10:00")).actions if one.kind == "convene"]
    assert [(one.kind, one.roles) for one in convened] == [
        ("kick_off", ("primary_contact", "technician", "customer", "storage_vendor"))
    ]
    case = escalated(policy)
    decision = decide(policy, case, at=when("05-21 12:00"))
    assert (decision.deadline("kick_off").due_at, decision.deadline("action_plan").due_at) == (
        when("05-22 17:00"),
        when("05-26 17:00"),
    )
    case = case.record(
        E.CallHeld(at=when("05-22 10:00"), kind="kick_off", participants=("primary_contact", "customer")),
        E.PlanRevised(at=when("05-26 17:01"), plan=E.ActionPlan(items=(E.PlanItem("trace the lock"),), shared=True)),
    )
    decision = decide(policy, case, at=when("05-27 10:00"))
    assert (decision.deadline("kick_off").outcome, decision.deadline("action_plan").outcome) == ("met", "breached")


@pytest.mark.parametrize("preset", BOTH)
def test_RE6_the_status_is_before_the_manager_every_working_day(preset):
    """Reviewed on Thursday: due again by the close of Friday, then of Tuesday after the holiday, waiting or not."""
    policy = getattr(presets, preset)()
    case = escalated(policy).record(
        E.WaitStarted(at=when("05-21 10:30"), on="customer"), E.Reviewed(at=when("05-21 11:00"), what="status")
    )
    manager = policy.level("escalated").owner
    manager = manager if isinstance(manager, str) else manager.otherwise
    status = decide(policy, case, at=when("05-21 12:00")).deadline("daily_status")
    assert (status.due_at, status.owner) == (when("05-22 17:00"), manager)
    case = case.record(
        E.Reviewed(at=when("05-22 16:00"), what="plan"), E.Reviewed(at=when("05-22 16:30"), what="status")
    )
    status = decide(policy, case, at=when("05-26 17:30")).deadline("daily_status")
    assert (status.due_at, status.outcome) == (when("05-26 17:00"), "breached")


@pytest.mark.parametrize("preset", BOTH)
def test_RE7_what_was_agreed_drives_the_update_clock(preset):
    """Until then the organisation's own span; and the agreement itself is owed by the primary contact."""
    policy = getattr(presets, preset)()
    case = escalated(policy)
    before = decide(policy, case, at=when("05-21 12:00"))
    assert (before.deadline("update").due_at, before.deadline("communication_plan").due_at) == (
        when("05-22 17:00"),
        when("05-22 17:00"),
    )
    assert before.deadline("communication_plan").owner == before.deadline("update").owner == "primary_contact"
    plan = E.CommunicationPlan(mode="phone", every="4 business hours", attendees=("customer", "primary_contact"))
    case = case.record(
        E.CommunicationAgreed(at=when("05-21 13:00"), plan=plan),
        E.UpdateSent(at=when("05-21 16:00"), mode="phone"),
        E.WaitStarted(at=when("05-21 16:30"), on="customer"),
    )
    # An hour of Thursday is left, and three of Friday make four: due on Friday at noon, although the customer is
    # waited for; then, at four business hours each, on Friday at 17:00 if the next goes out at 13:00.
    after = decide(policy, case, at=when("05-21 17:00"))
    assert (after.deadline("communication_plan").outcome, after.deadline("update").due_at) == (
        "met",
        when("05-22 12:00"),
    )
    case = case.record(E.UpdateSent(at=when("05-22 13:00"), mode="phone"))
    assert decide(policy, case, at=when("05-22 13:00")).deadline("update").due_at == when("05-22 17:00")


@pytest.mark.parametrize("preset", BOTH)
def test_RE7_whoever_must_attend_scheduled_calls_is_called_where_required(preset):
    """Only where it is required, and only once calls have been agreed on."""
    policy = getattr(presets, preset)()
    agreed = E.CommunicationAgreed(
        at=when("05-21 13:00"), plan=E.CommunicationPlan(mode="conference call", every="1 business day")
    )
    case = escalated(policy, attendance_required=True)
    assert kinds(policy, case, "05-21 13:00") == []
    assert [kind for kind, _ in kinds(policy, case.record(agreed), "05-21 13:00")] == ["convene"]
    assert kinds(policy, escalated(policy, attendance_required=False).record(agreed), "05-21 13:00") == []


@pytest.mark.parametrize("preset", BOTH)
def test_RE9_what_de_escalation_still_lacks_is_told(preset):
    """Progress and three things done, the customer's agreement documented: only then nothing stands against it."""
    policy = getattr(presets, preset)()
    case = escalated(policy)
    going = decide(policy, case, at=when("05-26 10:00")).de_escalation["main"]
    assert [one.key for one in going.missing] == ["progress", "plan_acceptable", "on_track", "agreement"]
    case = case.record(*(E.ItemAnswered(at=when("05-26 11:00"), item=item) for item in TASKS))
    case = case.record(E.ItemAnswered(at=when("05-26 11:00"), item="agreement"))
    going = decide(policy, case, at=when("05-26 11:00")).de_escalation["main"]
    assert [(one.key, one.why) for one in going.missing] == [("agreement", "without evidence")]
    case = case.record(E.ItemAnswered(at=when("05-26 12:00"), item="agreement", evidence="her mail of 26 May"))
    assert decide(policy, case, at=when("05-26 12:00")).de_escalation["main"].is_open
    slow = case.record(E.ItemAnswered(at=when("05-26 13:00"), item="progress", answer="no"))
    assert [one.item for one in decide(policy, slow, at=when("05-26 13:00")).de_escalation["main"].objections] == [
        "progress"
    ]


@pytest.mark.parametrize("preset", BOTH)
def test_RE9_back_in_the_normal_process_with_its_history(preset):
    """The old request escalates nothing any more; a new one does, and the checklist's answers still stand."""
    policy = getattr(presets, preset)()
    case = escalated(policy).record(
        *(E.ItemAnswered(at=when("05-26 11:00"), item=item) for item in TASKS),
        E.ItemAnswered(at=when("05-26 11:00"), item="agreement", evidence="her mail"),
        E.DeEscalated(at=when("05-26 11:30"), to="normal", reason="back on track"),
    )
    decision = decide(policy, case, at=when("05-29 10:00"))
    assert (decision.positions["main"].level, decision.moves, decision.de_escalation) == ("normal", (), {})
    assert decision.deadlines == ()
    assert case.escalation_requests(at=when("05-29 10:00")) == 1
    again = case.record(E.EscalationRequested(at=when("05-29 11:00"), channel="email"))
    assert decide(policy, again, at=when("05-29 11:00")).move.due_at == when("05-29 11:00")


def test_RE1_RE_people_to_ask_are_the_technician_and_the_duty_and_regional_managers():
    """The regional manager is the one of the case's region; whoever asked somebody else is told whom to ask."""
    policy = presets.regional_escalation()
    for to in ("technician", "duty_manager", "regional_manager", "emea_manager", "assignee", "primary_contact"):
        case = request(region="emea").record(E.EscalationRequested(at=when("05-21 10:00"), channel="phone", to=to))
        assert kinds(policy, case, "05-21 10:00") == []
    case = request(region="emea").record(E.EscalationRequested(at=when("05-21 10:00"), channel="phone", to="ceo"))
    assert kinds(policy, case, "05-21 10:00") == [("redirect", ("technician", "duty_manager", "emea_manager"))]


def test_RE4_RE_the_manager_of_the_region_evaluates_or_the_duty_manager():
    """By region, in that region's office if it has one; a duty manager stands in for a manager who is away."""
    new_york = BusinessCalendar(timezone="America/New_York", hours={"mon-fri": "09:00-17:00"}, holidays="US")
    policy = presets.regional_escalation(calendars={"americas": new_york})
    for region, role in (("emea", "emea_manager"), ("americas", "americas_manager"), (None, "regional_manager")):
        case = answered(request(region=region), "05-21 10:00")
        case = case.record(E.EscalationRequested(at=when("05-21 10:00"), channel="phone"))
        assert decide(policy, case, at=when("05-21 10:00")).move.owner.role == role
    away = Rota(person="mo", absences=(Absence(start=when("05-20 00:00"), end=when("05-23 00:00")),))
    case = answered(request(region="emea"), "05-21 10:00").record(
        E.EscalationRequested(at=when("05-21 10:00"), channel="phone")
    )
    owner = decide(policy.with_rotas({"emea_manager": away}), case, at=when("05-21 10:00")).move.owner
    assert (owner.role, owner.because) == (
        "duty_manager",
        "nobody was on duty for `emea_manager`: `duty_manager` is the alternate",
    )
    # At 15:00 in London it is 10:00 in New York: within a working day of there is its Friday's close, 22:00 in London.
    asked = answered(request(region="americas"), "05-21 15:00")
    asked = asked.record(E.EscalationRequested(at=when("05-21 15:00"), channel="phone"))
    assert decide(policy, asked, at=when("05-21 15:00")).deadline("kick_off").due_at == when("05-22 22:00")


@pytest.mark.parametrize("state", ["stalled", "digressed"])
def test_RE8_no_progress_or_digressed_brings_everybody_in_at_once(state):
    """Everybody concerned is told, the engineer tells management, a call is convened, resources are added."""
    policy = presets.regional_escalation()
    case = escalated(policy, region="emea").record(E.ProgressReported(at=when("05-22 11:00"), state="on track"))
    assert decide(policy, case, at=when("05-22 11:00")).actions == ()
    case = case.record(E.ProgressReported(at=when("05-23 11:00"), state=state, actor="customer"))
    decision = decide(policy, case, at=when("05-23 11:00"))
    assert (decision.move.to, decision.move.due_at, decision.move.owner.role) == (
        "global",
        when("05-23 11:00"),
        "global_manager",
    )
    assert [one.due_at for one in decision.actions] == [when("05-23 11:00")] * 4
    told, management, recovery, resources = sorted(
        (one.action for one in decision.actions), key=lambda one: ("Notify", "Convene", "Assign").index(one.type)
    )
    assert (told.roles, told.sender) == (("primary_contact", "duty_manager", "emea_manager"), None)
    assert (management.roles, management.sender) == (("management",), "primary_contact")
    assert recovery.roles == ("emea_manager", "global_manager", "primary_contact", "technician", "customer")
    assert (resources.role, resources.as_role) == ("additional_resources", "additional_resources")
    call = decision.deadline("recovery_call")
    assert (call.due_at, call.owner) == (when("05-27 17:00"), "global_manager"), "Tuesday is day 0, after the holiday"


def test_RE8_it_is_told_again_when_it_stalls_again_and_it_stays_escalated():
    """On the top rung too; the daily look and the updates go on there, and so does what going down needs."""
    policy = presets.regional_escalation()
    case = escalated(policy).record(E.ProgressReported(at=when("05-22 11:00"), state="stalled"))
    case = settle(policy, case, at=when("05-22 11:00"), by="desk").case
    assert decide(policy, case, at=when("05-22 12:00")).actions == ()
    case = case.record(E.ProgressReported(at=when("05-26 11:00"), state="stalled"))
    decision = decide(policy, case, at=when("05-26 11:00"))
    assert (decision.moves, decision.positions["main"].level) == ((), "global")
    assert [one.kind for one in decision.actions] == ["notify", "notify", "convene"]
    assert {one.target for one in decision.deadlines} == {"recovery_call", "daily_status", "update"}
    assert [one.key for one in decision.de_escalation["main"].missing] == [
        "progress",
        "plan_acceptable",
        "on_track",
        "agreement",
    ]


def test_a_regional_escalation_over_the_bank_holiday():
    """Every rung, both ways: asked in chat, escalated, stalled, taken up globally, calmed, and asked for again."""
    duty = Rota(
        layers=(Layer(members=("di", "dov"), start=when("05-18 09:00"), turn="1 week"),), timezone="Europe/London"
    )
    away = Rota(person="mo", absences=(Absence(start=when("05-18 00:00"), end=when("05-30 00:00")),))
    policy = presets.regional_escalation().with_rotas({"emea_manager": away, "duty_manager": duty})
    case = answered(request(region="emea", product="network", attendance_required=True), "05-21 09:30")
    case = case.record(E.CustomerReplied(at=when("05-21 16:00"), channel="chat", asks_to_escalate=True))
    # First decision, by a host that was down overnight: due on Thursday at 16:00; the regional manager is on leave, so
    # the duty manager has it, who is di until Monday at nine; the chat is answered with the preferred ways.
    first = decide(policy, case, at=when("05-22 09:00"))
    assert (first.move.due_at, first.move.owner.role, first.move.owner.person) == (
        when("05-21 16:00"),
        "duty_manager",
        "di",
    )
    assert [one.kind for one in first.actions] == ["redirect", "assign", "convene"]
    case = settle(policy, case, at=when("05-22 09:00"), by="desk").case
    assert case.assigned(at=when("05-22 09:00")) == {"primary_contact": "network_engineer"}
    # Thursday is day 0: the call and what is daily by Friday's close, the plan by Tuesday's, Monday being a holiday.
    assert {one.target: one.due_at for one in decide(policy, case, at=when("05-22 09:00")).deadlines} == {
        "kick_off": when("05-22 17:00"),
        "communication_plan": when("05-22 17:00"),
        "daily_status": when("05-22 17:00"),
        "update": when("05-22 17:00"),
        "action_plan": when("05-26 17:00"),
    }
    every = E.CommunicationPlan(mode="conference call", every="1 business day", attendees=("customer",))
    case = case.record(
        E.EscalationRequestAnswered(at=when("05-22 09:20"), by="di", by_role="duty_manager"),
        E.CallHeld(at=when("05-22 10:00"), kind="kick_off", participants=("primary_contact", "technician", "customer")),
        E.CommunicationAgreed(at=when("05-22 10:30"), plan=every),
        E.Reviewed(at=when("05-22 15:00"), what="status", by="di", by_role="duty_manager"),
        E.UpdateSent(at=when("05-22 16:00"), mode="conference call"),
        E.ProgressReported(at=when("05-25 14:00"), state="stalled", actor="customer", by="ursula"),
    )
    # Second decision, on the bank holiday itself: told at once, whatever the day. The programme managers were called
    # when calls were agreed on (Friday 10:30) and nobody has recorded that yet: it is found again.
    second = decide(policy, case, at=when("05-25 14:00"))
    assert (second.move.to, second.move.due_at) == ("global", when("05-25 14:00"))
    assert sorted((one.kind, one.due_at) for one in second.actions) == sorted(
        [
            ("convene", when("05-22 10:30")),
            ("notify", when("05-25 14:00")),
            ("notify", when("05-25 14:00")),
            ("convene", when("05-25 14:00")),
            ("assign", when("05-25 14:00")),
        ]
    )
    case = settle(policy, case, at=when("05-25 14:00"), by="desk").case
    # The holiday rolls forward to Tuesday, which is day 0: the recovery call by Wednesday's close.
    assert decide(policy, case, at=when("05-25 14:01")).deadline("recovery_call").due_at == when("05-27 17:00")
    case = case.record(
        E.CallHeld(at=when("05-26 09:30"), kind="recovery", participants=("global_manager", "customer")),
        E.PlanRevised(
            at=when("05-26 11:00"), plan=E.ActionPlan(items=(E.PlanItem("swap the card", owner="nell"),), shared=True)
        ),
        E.Reviewed(at=when("05-26 15:00"), what="status", by="glo", by_role="global_manager"),
        E.UpdateSent(at=when("05-26 16:00"), mode="conference call"),
        *(E.ItemAnswered(at=when("05-28 10:00"), item=item, by="nell") for item in TASKS),
    )
    # Third decision, on Thursday: all but the customer's agreement. The update of Tuesday 16:00 was followed by one due
    # on Wednesday at the close, which nobody sent.
    third = decide(policy, case, at=when("05-28 10:00"))
    assert [one.key for one in third.de_escalation["main"].missing] == ["agreement"]
    assert (third.deadline("update").due_at, third.deadline("update").outcome) == (when("05-27 17:00"), "breached")
    case = case.record(
        E.ItemAnswered(at=when("05-28 11:00"), item="agreement", evidence="call of 28 May", by="nell"),
        E.DeEscalated(at=when("05-28 11:05"), to="normal", reason="the swapped card holds"),
    )
    # Fourth: back in the normal process, until the customer asks again, by email.
    assert decide(policy, case, at=when("05-28 12:00")).positions["main"].level == "normal"
    case = case.record(E.EscalationRequested(at=when("05-29 10:00"), channel="email", to="technician"))
    fourth = decide(policy, case, at=when("05-29 10:00"))
    assert (fourth.move.to, fourth.move.owner.person) == ("escalated", "dov"), "di's week ended on Monday at nine"


def test_a_support_request_escalated_calmed_and_escalated_again():
    """Ten events and more, over a weekend and a bank holiday, the host down for a night."""
    policy = presets.support_request()
    case = request(product="database").record(
        E.SupportReplied(at=when("05-21 11:00"), by="tess", by_role="technician"),
        E.CustomerReplied(at=when("05-21 15:00"), channel="portal"),
        E.EscalationRequested(at=when("05-21 16:00"), channel="chat", to="technician", reason="no progress"),
        E.ItemAnswered(at=when("05-21 16:10"), item="problem", by="tess"),
        E.ItemAnswered(at=when("05-21 16:10"), item="workaround", answer="impractical", by="tess"),
    )
    # First decision: two of four questions are open, and the chat is answered with the preferred ways.
    first = decide(policy, case, at=when("05-21 16:15"))
    assert (first.move, [one.key for one in first.blocked[0].missing]) == (None, ["impact", "milestone"])
    assert [one.kind for one in first.actions] == ["redirect"]
    case = case.record(*first.accept(at=when("05-21 16:15"), by="desk"))
    case = case.record(
        E.ItemAnswered(at=when("05-21 16:40"), item="impact", by="tess"),
        E.ItemAnswered(at=when("05-21 16:50"), item="milestone", answer="2 June", by="tess"),
    )
    # Second decision, by a host that was down overnight: escalated since Thursday 16:50, when the last was answered.
    # So the kick-off is due within a working day, by Friday's close, and the plan by Tuesday's, after the holiday.
    second = decide(policy, case, at=when("05-22 09:00"))
    assert (second.move.due_at, second.move.owner.role) == (when("05-21 16:50"), "customer_support_engineer")
    assert [(one.kind, one.due_at) for one in second.actions] == [
        ("assign", when("05-21 16:50")),
        ("convene", when("05-21 16:50")),
    ]
    case = settle(policy, case, at=when("05-22 09:00"), by="desk").case
    dues = {one.target: one.due_at for one in decide(policy, case, at=when("05-22 09:00")).deadlines}
    assert dues == {
        "kick_off": when("05-22 17:00"),
        "communication_plan": when("05-22 17:00"),
        "daily_status": when("05-22 17:00"),
        "update": when("05-22 17:00"),
        "action_plan": when("05-26 17:00"),
    }
    every = E.CommunicationPlan(mode="phone", every="2 business days", attendees=("customer", "primary_contact"))
    case = case.record(
        E.EscalationRequestAnswered(at=when("05-22 09:30"), by="cleo", by_role="customer_support_engineer"),
        E.CallHeld(at=when("05-22 11:00"), kind="kick_off", participants=("primary_contact", "technician", "customer")),
        E.CommunicationAgreed(at=when("05-22 11:30"), plan=every),
        E.PlanRevised(
            at=when("05-22 15:00"), plan=E.ActionPlan(items=(E.PlanItem("trace", owner="dba"),), shared=True)
        ),
        E.Reviewed(at=when("05-22 16:00"), what="status", by="cleo"),
        E.UpdateSent(at=when("05-22 16:30"), mode="phone"),
        E.ItemAnswered(at=when("05-26 10:00"), item="evaluation", answer="resources", by="cleo"),
        E.Reviewed(at=when("05-26 12:00"), what="status", by="cleo"),
    )
    # Third decision. The update of Friday 16:30 is followed, two working days on (Tuesday and Wednesday), by one due
    # on Wednesday at the close; the status reviewed on Tuesday is due again on Wednesday at the close.
    third = decide(policy, case, at=when("05-26 12:00"))
    assert {one.target: one.due_at for one in third.deadlines} == {
        "daily_status": when("05-27 17:00"),
        "update": when("05-27 17:00"),
    }
    assert [one.key for one in third.de_escalation["main"].missing] == [
        "progress",
        "plan_acceptable",
        "on_track",
        "agreement",
    ]
    case = case.record(
        *(E.ItemAnswered(at=when("05-27 09:30"), item=item, by="dan") for item in TASKS),
        E.ItemAnswered(at=when("05-27 09:40"), item="agreement", evidence="her mail of 27 May", by="dan"),
        E.DeEscalated(at=when("05-27 10:00"), to="normal", reason="on track"),
    )
    # Fourth: calm, until the customer is dissatisfied on the Friday after. The four answers still stand.
    assert decide(policy, case, at=when("05-28 10:00")).positions["main"].level == "normal"
    case = case.record(E.FactChanged(at=when("05-29 14:00"), name="dissatisfied", value=True))
    fourth = decide(policy, case, at=when("05-29 14:05"))
    assert (fourth.move.to, fourth.move.due_at, fourth.move.rules) == (
        "escalated",
        when("05-29 14:00"),
        ("dissatisfied",),
    )
