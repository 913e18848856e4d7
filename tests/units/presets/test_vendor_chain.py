"""The vendor chain, row by row. The policy is asked of `presets` each time, so that a removal can be tried."""

from __future__ import annotations

from escalation_rules import BusinessCalendar, Case, Rota, decide, presets, settle
from escalation_rules import events as E
from escalation_rules.audit import audit
from escalation_rules.worktime import Absence, Layer
from tests.bench import when

STORAGE_MANAGER = "reseller_infrastructure_duty_manager"


def case_of(*events, **facts) -> Case:
    """Opened with the reseller on Thursday 21 May at nine, about storage unless the product is another."""
    facts = {"product": "storage", **facts}
    return Case.open("V-1", at=when("05-21 09:00"), priority="p4", facts=facts).record(*events)


def request(moment: str = "05-21 10:00", wants: str = "attention", **fields) -> E.EscalationRequested:
    given = {"channel": "duty_address", "business_impact": "orders are not shipped", **fields}
    return E.EscalationRequested(at=when(moment), wants=wants, **given)


def failed(level: str, moment: str) -> E.LevelFailed:
    return E.LevelFailed(at=when(moment), level=level)


def at_vendor(policy, *events, **facts) -> Case:
    """Neither of the reseller's engineers could resolve it, and everything was done that was asked."""
    case = case_of(failed("reseller_l1", "05-21 10:00"), failed("reseller_l2", "05-21 11:00"), *events, **facts)
    return settle(policy, case, at=when("05-21 12:00"), by="desk").case


def moved(policy, case: Case, moment: str) -> dict[str, str]:
    return {move.track: move.to for move in decide(policy, case, at=when(moment)).moves}


def asked(policy, case: Case, moment: str) -> list[tuple[str, str | None]]:
    return [(one.kind, one.rule) for one in decide(policy, case, at=when(moment)).actions]


def test_VC1_levels_of_expertise_within_product_silos():
    """Each product has its engineers, of rising expertise, at either organisation."""
    policy = presets.vendor_chain()
    for product in ("storage", "backup", "network"):
        case = case_of(failed("reseller_l1", "05-21 10:00"), failed("reseller_l2", "05-21 10:30"), product=product)
        owners = [move.owner.role for move in decide(policy, case, at=when("05-21 11:00")).moves]
        assert owners == [f"reseller_{product}_l2", f"vendor_{product}_l1"]
    unknown = case_of(failed("reseller_l1", "05-21 10:00"), product=None)
    assert decide(policy, unknown, at=when("05-21 11:00")).moves[-1].owner.role == "reseller_l2"
    other = presets.vendor_chain(products={"mail": "office"})
    case = case_of(request(), product="mail")
    assert decide(other, case, at=when("05-21 11:00")).moves[0].owner.role == "reseller_office_duty_manager"


def test_VC1_a_separate_management_track_for_each_group_of_products():
    """The duty manager is its first rung; who has the case as an engineer does not change."""
    policy = presets.vendor_chain()
    for product, group in (("storage", "infrastructure"), ("backup", "infrastructure"), ("network", "network")):
        case = case_of(request(), product=product)
        (move,) = decide(policy, case, at=when("05-21 10:00")).moves
        assert (move.track, move.to, move.owner.role) == (
            "reseller_management",
            "reseller_duty_manager",
            f"reseller_{group}_duty_manager",
        )
        assert decide(policy, case, at=when("05-21 10:00")).positions["reseller"].level == "reseller_l1"


def test_VC2_priority_follows_from_impact_and_size():
    """The larger of what holds; the impact alone where the size is not known; and it is never lowered."""
    policy = presets.vendor_chain()
    for impact, size, priority in (
        ("stopped", "large", "p1"),
        ("stopped", "small", "p2"),
        ("stopped", None, "p2"),
        ("degraded", "large", "p2"),
        ("degraded", "small", "p3"),
        ("none", "large", None),
    ):
        actions = decide(policy, case_of(impact=impact, size=size), at=when("05-21 09:00")).actions
        assert [one.action.to for one in actions] == ([priority] if priority else [])
    case = settle(policy, case_of(impact="stopped", size="large"), at=when("05-21 09:00")).case
    case = case.record(E.FactChanged(at=when("05-21 12:00"), name="impact", value="degraded"))
    assert (asked(policy, case, "05-21 12:00"), case.priority(at=when("05-21 12:00"))) == ([], "p1")


def test_VC2_a_request_without_business_impact_is_asked_for_it():
    """Whatever it wants, and in an ordinary update too; one that states it is not."""
    policy = presets.vendor_chain()
    for wants in ("attention", "expertise", "priority"):
        case = case_of(request(wants=wants, business_impact=None))
        (found,) = [one for one in decide(policy, case, at=when("05-21 10:00")).actions if one.kind == "ask"]
        assert (found.action.role, found.action.item) == ("customer", "business impact")
        assert "ask" not in [kind for kind, _ in asked(policy, case_of(request(wants=wants)), "05-21 10:00")]
    update = case_of(E.CustomerReplied(at=when("05-21 10:00"), asks_to_escalate=True))
    assert ("ask", "no business impact stated") in asked(policy, update, "05-21 10:00")


def test_VC3_to_raise_the_priority_is_one_request():
    """One step up for each request; the engineer stays."""
    policy = presets.vendor_chain()
    case = case_of(request(wants="priority"))
    decision = decide(policy, case, at=when("05-21 10:00"))
    assert ([one.action.to for one in decision.actions], decision.moves) == (["p3"], ())
    case = settle(policy, case, at=when("05-21 10:00")).case.record(request("05-22 10:00", wants="priority"))
    case = settle(policy, case, at=when("05-22 10:00")).case
    assert (case.priority(at=when("05-22 10:00")), case.level(at=when("05-22 10:00"), track="reseller")) == ("p2", None)
    documented = [event.type for event in case.history]
    assert documented.count("EscalationRequested") == documented.count("PriorityChanged") == 2


def test_VC3_to_have_the_next_engineer_is_another():
    """One engineer for each request, within the organisation that has the case; the priority stays."""
    policy = presets.vendor_chain()
    case = case_of(request(wants="expertise"))
    assert moved(policy, case, "05-21 10:00") == {"reseller": "reseller_l2"}
    assert asked(policy, case, "05-21 10:00") == [("notify", "the next engineer is wanted")]
    case = settle(policy, case, at=when("05-21 10:00")).case
    assert moved(policy, case, "05-22 10:00") == {}
    again = case.record(request("05-22 11:00", wants="expertise"))
    assert moved(policy, again, "05-22 11:00") == {}, "the reseller has no further one; its duty manager hears of it"
    assert asked(policy, again, "05-22 11:00") == [("notify", "the next engineer is wanted")]
    case = at_vendor(policy).record(request("05-22 11:00", wants="expertise"))
    assert moved(policy, case, "05-22 11:00") == {"vendor": "vendor_l2"}
    case = settle(policy, case, at=when("05-22 11:00")).case.record(request("05-22 12:00", wants="expertise"))
    assert moved(policy, case, "05-22 12:00") == {"vendor": "vendor_l3"}
    assert case.priority(at=when("05-22 12:00")) == "p4"


def test_VC4_a_chain_of_organisations_each_with_its_own():
    """Levels, calendars and duty managers: the reseller's office is closed on the holiday, the vendor's desk is not."""
    policy = presets.vendor_chain()
    assert [(track.organisation, track.calendar, len(track.levels)) for track in policy.tracks] == [
        ("reseller", "reseller", 2),
        ("reseller", "always", 2),
        ("vendor", "vendor", 3),
        ("vendor", "always", 2),
    ]
    assert not policy.calendars["reseller"].is_open(when("05-25 12:00"))
    assert policy.calendars["vendor"].is_open(when("05-25 12:00"))
    own = BusinessCalendar(timezone="America/New_York", hours={"mon-fri": "09:00-17:00"})
    assert presets.vendor_chain(vendor=own).calendars["vendor"] == own


def test_VC4_from_the_reseller_to_the_vendor_and_up():
    """When the last engineer of the one could not resolve it, the first of the other has it; one failure, one rung."""
    policy, case = presets.vendor_chain(), case_of()
    for number, (level, track, to) in enumerate(
        (
            ("reseller_l1", "reseller", "reseller_l2"),
            ("reseller_l2", "vendor", "vendor_l1"),
            ("vendor_l1", "vendor", "vendor_l2"),
            ("vendor_l2", "vendor", "vendor_l3"),
        )
    ):
        moment = f"05-21 1{number}:00"
        case = case.record(failed(level, moment))
        assert moved(policy, case, moment) == {track: to}
        case = settle(policy, case, at=when(moment)).case
    assert moved(policy, case.record(failed("vendor_l3", "05-21 15:00")), "05-21 15:00") == {}


def test_VC4_the_resellers_duty_manager_drives_the_vendors():
    """Only while both the reseller's manager and the vendor have it, whichever came first."""
    policy = presets.vendor_chain()
    case = at_vendor(policy)
    assert decide(policy, case, at=when("05-21 12:00")).positions["vendor_management"].level is None
    first = case.record(request("05-21 13:00"))
    second = settle(policy, case_of(request()), at=when("05-21 10:00")).case
    second = second.record(failed("reseller_l1", "05-21 12:00"), failed("reseller_l2", "05-21 13:00"))
    for known in (first, second):
        decision = decide(policy, known, at=when("05-21 13:00"))
        assert decision.moves[-1].to == "vendor_duty_manager"
        assert decision.moves[-1].owner.role == "vendor_infrastructure_duty_manager"
        (told,) = [one.action for one in decision.actions if one.rule == "the reseller drives the vendor"]
        assert (told.roles, told.sender) == (("vendor_infrastructure_duty_manager",), STORAGE_MANAGER)


def test_VC4_they_confer_daily_and_a_day_without_is_visible():
    """On Saturday, Sunday and the holiday too; a missed day is a breach, and a finding."""
    policy = presets.vendor_chain()
    case = at_vendor(policy, request("05-21 11:30"))
    confer = decide(policy, case, at=when("05-21 12:00")).deadline("confer")
    # The managers' days run in the reseller's zone, at all hours: Thursday is day 0, and Friday ends at midnight.
    assert (confer.due_at, confer.owner) == (when("05-23 00:00"), STORAGE_MANAGER)
    case = case.record(
        E.WaitStarted(at=when("05-21 12:30"), on="customer"),
        *(E.CallHeld(at=when(f"05-{day} 12:00"), kind="confer") for day in (22, 23, 25)),
    )
    missed = [one for one in audit(policy, case, at=when("05-26 09:00")).findings if one.rule == "target `confer`"]
    assert [(one.code, one.at) for one in missed] == [("deadline-breached", when("05-25 00:00"))], "Sunday"
    case = case.record(E.ProgressReported(at=when("05-25 13:00"), state="stalled"))
    case = settle(policy, case, at=when("05-25 13:00"), by="desk").case
    above = decide(policy, case, at=when("05-25 13:00"))
    assert above.positions["vendor_management"].level == "vendor_executive"
    assert [(one.target, one.level, one.due_at) for one in above.deadlines if one.target == "confer"] == [
        ("confer", "vendor_executive", when("05-27 00:00"))
    ]


def around_the_clock(*, leave: bool) -> Rota:
    """Turns of eight hours; ida's on Saturday 23 May from 8 to 16 has nobody if she is on leave."""
    away = Absence(start=when("05-23 00:00"), end=when("05-24 00:00"), person="ida")
    turns = Layer(members=("ida", "jon", "kim"), start=when("05-18 08:00"), turn="8 hours")
    return Rota(layers=(turns,), absences=(away,) if leave else (), timezone="Europe/London")


def test_VC5_duty_managers_cover_day_and_night_and_a_gap_is_found():
    """With its instants; and whoever asks in the gap has the executive, who says so."""
    policy = presets.vendor_chain()
    for side in ("reseller", "vendor"):
        cover = policy.calendars[policy.track_of(f"{side}_duty_manager").calendar]
        whole, gapped = around_the_clock(leave=False), around_the_clock(leave=True)
        assert whole.gaps(when("05-18 08:00"), when("06-15 08:00"), during=cover) == ()
        assert gapped.gaps(when("05-18 08:00"), when("06-15 08:00"), during=cover) == (
            (when("05-23 08:00"), when("05-23 16:00")),
        )
    policy = policy.with_rotas({STORAGE_MANAGER: gapped})
    (move,) = decide(policy, case_of(request("05-23 09:00")), at=when("05-23 09:00")).moves
    assert (move.to, move.owner.because) == ("reseller_executive", "nobody was on duty on `reseller_duty_manager`")
    (move,) = decide(policy, case_of(request("05-23 16:00")), at=when("05-23 16:00")).moves
    assert (move.to, move.owner.person) == ("reseller_duty_manager", "jon")


def test_VC5_reached_through_the_engineer_or_the_duty_address():
    """Whoever went another way gets there all the same, and is told these two."""
    policy = presets.vendor_chain()
    for fields in (
        {"channel": "duty_address"},
        {"channel": "phone", "to": "reseller_storage_l1"},
        {"channel": "phone", "to": "assignee"},
        {"channel": None, "to": STORAGE_MANAGER},
    ):
        assert asked(policy, case_of(request(**fields)), "05-21 10:00") == []
    for fields in ({"channel": "portal"}, {"channel": "email", "to": "account_manager"}):
        case = case_of(request(**fields))
        assert moved(policy, case, "05-21 10:00") == {"reseller_management": "reseller_duty_manager"}
        (found,) = decide(policy, case, at=when("05-21 10:00")).actions
        assert (found.kind, found.action.to) == ("redirect", ("assignee", "duty_address"))


def test_VC5_they_stand_under_an_executive():
    """A second request, while the first is open, goes further; the vendor's stuck escalation goes to its executive."""
    policy = presets.vendor_chain()
    case = settle(policy, case_of(request()), at=when("05-21 10:00")).case.record(request("05-22 10:00"))
    assert moved(policy, case, "05-22 10:00") == {"reseller_management": "reseller_executive"}
    case = at_vendor(policy, request("05-21 11:30")).record(E.ProgressReported(at=when("05-23 10:00"), state="stalled"))
    assert moved(policy, case, "05-23 10:00") == {"vendor_management": "vendor_executive"}


def test_VC6_sales_and_field_contacts_route_to_the_duty_manager():
    """Of the team concerned: by the product of the case."""
    policy = presets.vendor_chain()
    for fields in ({"channel": "sales"}, {"channel": "field"}, {"channel": None, "by_role": "field_engineer"}):
        case = case_of(request(wants="expertise", **fields), product="network")
        told = [one.action for one in decide(policy, case, at=when("05-21 10:00")).actions]
        assert [one.roles for one in told if one.message == "routed from sales or the field"] == [
            ("reseller_network_duty_manager",)
        ]


def test_VC6_an_escalation_handed_to_a_named_individual_is_redirected_and_a_finding():
    """To the duty manager; the audit has it, once."""
    policy = presets.vendor_chain()
    case = case_of(request(channel="sales", person="joe", by="sal", wants="expertise"))
    found = {one.kind: one.action for one in decide(policy, case, at=when("05-21 10:00")).actions}
    assert (found["redirect"].to, found["tag"].text) == ((STORAGE_MANAGER,), "handed to a named individual")
    (finding,) = [one for one in audit(policy, case, at=when("05-21 10:00")).findings if one.code == "named-individual"]
    assert finding.message == "sal handed the escalation to joe, a named individual"
    role = case_of(request(channel="sales", to=STORAGE_MANAGER, by="sal", wants="expertise"))
    assert "redirect" not in [kind for kind, _ in asked(policy, role, "05-21 10:00")]


def test_a_case_up_the_whole_chain_over_the_bank_holiday():
    """All four tracks: a large customer's storage stands still; handed to a friend, then done properly."""
    rotas = {STORAGE_MANAGER: around_the_clock(leave=True)}
    policy = presets.vendor_chain().with_rotas(rotas)
    case = case_of(
        E.SupportReplied(at=when("05-21 09:50"), by="rae", by_role="reseller_storage_l1"),
        request(
            "05-22 15:00", "expertise", channel="sales", person="joe", by="sal", by_role="sales", business_impact=None
        ),
        size="large",
    )
    # First decision: one request, each part with its own effect.
    first = decide(policy, case, at=when("05-22 15:00"))
    assert {move.track: move.to for move in first.moves} == {"reseller": "reseller_l2"}
    assert sorted(one.kind for one in first.actions) == ["ask", "notify", "notify", "redirect", "tag"]
    case = settle(policy, case, at=when("05-22 15:00"), by="desk").case
    case = case.record(
        E.FactChanged(at=when("05-22 16:00"), name="impact", value="stopped"),
        failed("reseller_l2", "05-22 20:00"),
        request("05-23 09:30", by="ursula"),
    )
    # Second decision, by a host that was down from Friday afternoon to Saturday noon: the priority since 16:00; the
    # vendor since 20:00, out of the reseller's hours; the reseller's executive since Saturday 09:30, ida being on
    # leave; and so the vendor's duty manager, too.
    second = decide(policy, case, at=when("05-23 12:00"))
    assert [(move.to, move.due_at) for move in second.moves] == [
        ("vendor_l1", when("05-22 20:00")),
        ("reseller_executive", when("05-23 09:30")),
        ("vendor_duty_manager", when("05-23 09:30")),
    ]
    assert [(one.kind, one.due_at) for one in second.actions] == [
        ("raise_priority", when("05-22 16:00")),
        ("notify", when("05-23 09:30")),
    ]
    case = settle(policy, case, at=when("05-23 12:00"), by="desk").case
    assert case.priority(at=when("05-23 12:00")) == "p1"
    # Saturday's escalation: conferred by the end of Sunday; then daily.
    assert decide(policy, case, at=when("05-23 12:00")).deadline("confer").due_at == when("05-25 00:00")
    case = case.record(
        E.CallHeld(at=when("05-24 10:00"), kind="confer", participants=("reseller_executive", "vendor_dm")),
        failed("vendor_l1", "05-24 11:00"),
        E.CallHeld(at=when("05-25 10:00"), kind="confer", participants=("reseller_executive", "vendor_dm")),
        E.ProgressReported(at=when("05-25 16:00"), state="stalled", by="rex", by_role="reseller_executive"),
        E.ProgressReported(at=when("05-25 18:00"), state="on track", by="val"),
    )
    # Third decision, on the holiday: the vendor's second engineer since Sunday, its executive since 16:00.
    third = decide(policy, case, at=when("05-25 20:00"))
    assert [(move.to, move.due_at) for move in third.moves] == [
        ("vendor_l2", when("05-24 11:00")),
        ("vendor_executive", when("05-25 16:00")),
    ]
    case = settle(policy, case, at=when("05-25 20:00"), by="desk").case
    case = case.record(
        E.EscalationRequestAnswered(at=when("05-26 09:30"), by="rex"),
        E.DeEscalated(at=when("05-26 10:00"), track="vendor_management", reason="a fix is in"),
        E.DeEscalated(at=when("05-26 10:00"), track="reseller_management", reason="a fix is in"),
        request("05-28 11:00", by="ursula"),
    )
    # Fourth: re-escalated after both were calmed. Ida has every day from 8 to 16, and is back from her leave.
    fourth = decide(policy, case, at=when("05-28 11:00"))
    assert [(move.to, move.due_at) for move in fourth.moves] == [
        ("reseller_duty_manager", when("05-28 11:00")),
        ("vendor_duty_manager", when("05-28 11:00")),
    ]
    assert fourth.moves[0].owner.person == "ida"
