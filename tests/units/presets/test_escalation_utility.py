"""The escalation utility, row by row. The policy is asked of `presets` each time, so that a removal can be tried."""

from __future__ import annotations

from datetime import timedelta

from escalation_rules import Case, Rota, decide, presets, settle
from escalation_rules import events as E
from escalation_rules.decision import levels_of
from escalation_rules.metrics import brief, kpis, worklist
from escalation_rules.worktime import Absence, Layer
from tests.bench import when

DUTY = "duty_escalation_manager"


def incident(*events, moment: str = "05-21 09:00", id: str = "U-1", **fields) -> Case:
    """Opened on Thursday 21 May, at nine."""
    return Case.open(id, at=when(moment), priority="normal", **fields).record(*events)


def request(moment: str = "05-21 10:00", channel: str | None = "utility", **fields) -> E.EscalationRequested:
    return E.EscalationRequested(at=when(moment), channel=channel, **fields)


def asked(policy, case: Case, moment: str) -> list[tuple[str, tuple[str, ...]]]:
    """What rules ask for, and of or to whom."""
    actions = [one for one in decide(policy, case, at=when(moment)).actions if one.rule]
    named = ("roles", "who", "to")
    return [
        (one.kind, next(getattr(one.action, name) for name in named if hasattr(one.action, name))) for one in actions
    ]


def to_whom(policy, case: Case, moment: str) -> dict[str, str]:
    return {move.track: move.to for move in decide(policy, case, at=when(moment)).moves}


def test_EU1_escalation_is_not_elevation():
    """Attention goes to management, expertise to product development: two tracks, separately counted."""
    policy = presets.escalation_utility()
    assert to_whom(policy, incident(request()), "05-21 10:00") == {"management": "duty_manager"}
    elevated = incident(request(wants="expertise", channel="portal"))
    assert to_whom(policy, elevated, "05-21 10:00") == {"elevation": "product_development"}
    assert asked(policy, elevated, "05-21 10:00") == [], "the utility is for escalations"
    assert elevated.escalation_requests(at=when("05-21 10:00")) == 0
    case = settle(policy, elevated.record(request("05-21 10:30")), at=when("05-21 10:30")).case
    case = case.record(request("05-22 10:00", wants="expertise"))
    assert to_whom(policy, case, "05-22 10:00") == {"elevation": "architects"}
    row = kpis(policy, [settle(policy, case, at=when("05-22 10:00")).case], at=when("05-22 11:00")).row()
    assert (row.escalation_requests, row.elevations, dict(row.moves)) == (1, 2, {"elevation": 2, "management": 1})


def test_EU2_the_utility_alerts_everybody():
    """Every member of support management, the senior staff and the analyst: each time somebody uses it."""
    policy, everybody = presets.escalation_utility(), ("support_management", "senior_staff", "analyst")
    case = incident(request())
    assert asked(policy, case, "05-21 10:00") == [("notify", everybody)]
    case = settle(policy, case, at=when("05-21 10:00")).case.record(request("05-22 10:00"))
    assert asked(policy, case, "05-22 10:00") == [("notify", everybody)]
    assert ("notify", everybody) not in asked(policy, incident(request(channel="phone")), "05-21 10:00")


def test_EU3_a_request_in_an_ordinary_update_is_taken_up_and_pointed_to_the_utility():
    """By the analyst with a senior analyst and management; an update that asks for nothing is left alone."""
    policy = presets.escalation_utility()
    case = incident(E.CustomerReplied(at=when("05-21 10:00"), asks_to_escalate=True))
    assert asked(policy, case, "05-21 10:00") == [
        ("convene", ("analyst", "senior_analyst", "support_management")),
        ("redirect", ("utility",)),
    ]
    assert to_whom(policy, case, "05-21 10:00") == {"management": "duty_manager"}
    assert case.escalation_requests(at=when("05-21 10:00")) == 1
    assert asked(policy, incident(E.CustomerReplied(at=when("05-21 10:00"))), "05-21 10:00") == []


def test_EU3_by_phone_or_email_to_a_manager_is_handled_the_same_way():
    """Counted too, and redirected; so is what comes through sales, through an executive, or who knows how."""
    policy = presets.escalation_utility()
    for channel in ("phone", "email", "sales", "executive", "portal", None):
        case = incident(request(channel=channel, to="support_management"))
        assert to_whom(policy, case, "05-21 10:00") == {"management": "duty_manager"}
        assert asked(policy, case, "05-21 10:00") == [("redirect", ("utility",))]
        assert case.escalation_requests(at=when("05-21 10:00")) == 1
        assert decide(policy, case, at=when("05-21 10:00")).deadline("answer").due_at == when("05-21 12:00")


def test_EU4_the_manager_on_duty_works_five_steps():
    """Each is owed until it is done; a reply of the manager's to the customer is one of them."""
    policy = presets.escalation_utility()
    case = settle(policy, incident(request()), at=when("05-21 10:00")).case

    def owed(known: Case, moment: str) -> list[str]:
        return [one.what for one in worklist(policy, [known], at=when(moment), role=DUTY) if one.kind == "item"]

    assert owed(case, "05-21 10:10") == ["analyst", "customer", "history", "noted", "priority"]
    case = case.record(
        *(E.ItemAnswered(at=when("05-21 10:20"), item=item) for item in ("history", "noted", "analyst")),
        E.SupportReplied(at=when("05-21 10:30"), by_role="analyst"),
    )
    assert owed(case, "05-21 10:35") == ["customer", "priority"], "the analyst's reply is not the manager's"
    case = case.record(
        E.SupportReplied(at=when("05-21 10:40"), by_role=DUTY),
        E.ItemAnswered(at=when("05-21 10:50"), item="priority", answer="perhaps"),
    )
    assert owed(case, "05-21 10:55") == ["priority"]
    case = case.record(E.ItemAnswered(at=when("05-21 10:56"), item="priority", answer="raised"))
    assert owed(case, "05-21 10:57") == []


def test_EU4_the_brief_and_the_prepared_text():
    """What is noted of a case, on one page; and which of the organisation's texts the customer gets."""
    policy = presets.escalation_utility(answer_text="we are on it")
    case = incident(
        E.SupportReplied(at=when("05-21 12:00")),
        E.SupportReplied(at=when("05-21 13:00"), public=False),
        E.CustomerReplied(at=when("05-21 14:00"), asks_for_status=True),
        E.SupportReplied(at=when("05-21 15:00")),
        E.CustomerReplied(at=when("05-21 16:00")),
        request("05-22 09:00"),
    )
    (text,) = [one.action for one in decide(policy, case, at=when("05-22 09:00")).actions if one.level]
    assert (text.roles, text.sender, text.message) == (("customer",), DUTY, "we are on it")
    page = brief(policy, case, at=when("05-22 10:00"))
    assert (page.priority, page.age, page.escalation_requests) == ("normal", timedelta(hours=25), 1)
    assert (page.responses, page.notes, page.messages, page.asked_for_status) == (2, 1, 2, 1)
    assert (page.gaps.mean, page.waits.longest) == (timedelta(hours=3), timedelta(hours=3))
    assert (page.unanswered_since, page.first_unanswered_at) == (when("05-21 16:00"), when("05-22 09:00"))
    assert (
        str(page)
        == """\
U-1 at Fri 2026-05-22 10:00: open on analyst, duty_manager
  priority                  normal
  age                       25:00 h, reopened 0 times
  responses                 2; internal or automatic, and not counted: 1
  time between them         1, mean 3:00 h, median 3:00 h, longest 3:00 h
  time the customer waited  2, mean 2:00 h, median 2:00 h, longest 3:00 h
  waiting now               unanswered since Thu 2026-05-21 16:00
  updates sent              0
  customer's messages       2, asking for the status 1 times
  escalations               1, first unanswered since Fri 2026-05-22 09:00
  moves up                  1
  targets kept              1 of 1 (100 %)
  overdue                   nothing"""
    )


def test_EU5_two_figures_the_first_unanswered_and_the_number():
    """The first is cleared when the manager has handled it, the second only rises; history cannot be changed."""
    policy = presets.escalation_utility()
    case = incident(request(), request("05-21 11:00", channel="phone"))
    assert (
        case.first_open_escalation_request(at=when("05-21 11:00")),
        case.escalation_requests(at=when("05-21 11:00")),
    ) == (when("05-21 10:00"), 2)
    answer = decide(policy, case, at=when("05-21 11:00")).deadline("answer")
    assert (answer.started_at, answer.due_at, answer.owner) == (when("05-21 10:00"), when("05-21 12:00"), DUTY)
    handled = case.record(E.EscalationRequestAnswered(at=when("05-21 11:30"), by_role=DUTY))
    assert (
        handled.first_open_escalation_request(at=when("05-21 12:00")),
        handled.escalation_requests(at=when("05-21 12:00")),
    ) == (None, 2)
    assert decide(policy, handled, at=when("05-21 12:00")).deadline("answer").outcome == "met"
    assert handled.first_open_escalation_request(at=when("05-21 11:15")) == when("05-21 10:00"), "what was so stays so"
    again = handled.record(request("05-22 10:00", id="e-3"))
    assert again.record(request("05-22 10:00", id="e-3")) is again
    assert (
        again.first_open_escalation_request(at=when("05-22 10:00")),
        again.escalation_requests(at=when("05-22 10:00")),
    ) == (when("05-22 10:00"), 3)
    assert decide(policy, again, at=when("05-22 10:00")).deadline("answer").started_at == when("05-22 10:00")


def gapped() -> Rota:
    """Max and Ina take turns of twelve hours; nobody has stepped in for Ina's leave in the night to 23 May."""
    leave = Absence(start=when("05-22 20:00"), end=when("05-23 08:00"), person="ina")
    turns = Layer(members=("max", "ina"), start=when("05-18 08:00"), turn="12 hours")
    return Rota(layers=(turns,), absences=(leave,), timezone="Europe/London")


def test_EU6_somebody_is_always_on_duty():
    """A rota with a gap is found, with its instants; a request in the gap is held until somebody comes."""
    policy = presets.escalation_utility().with_rotas({DUTY: gapped()})
    always = policy.calendars[policy.track_of("duty_manager").calendar]
    assert gapped().gaps(when("05-18 08:00"), when("06-01 08:00"), during=always) == (
        (when("05-22 20:00"), when("05-23 08:00")),
    )
    whole = Rota(layers=gapped().layers, timezone="Europe/London")
    assert whole.gaps(when("05-18 08:00"), when("06-01 08:00"), during=always) == ()
    case = incident(request("05-22 23:00"))
    held = decide(policy, case, at=when("05-22 23:00"))
    assert (held.moves, held.blocked[0].until, held.wake_at) == (
        (),
        when("05-23 08:00"),
        when("05-23 01:00") + MICROSECOND,
    )
    move = decide(policy, case, at=when("05-23 09:00")).moves[0]
    assert (move.due_at, move.owner.person) == (when("05-23 08:00"), "max")


MICROSECOND = timedelta(microseconds=1)


def test_EU7_escalations_are_a_kpi_of_support():
    """Counts and times to answer, per month and per analyst."""
    policy = presets.escalation_utility()

    def worked(id: str, analyst: str, *days: str) -> Case:
        case = incident(E.Assigned(at=when("05-21 09:10"), as_role="analyst", person=analyst), id=id)
        for day in days:
            case = case.record(request(f"{day} 10:00"), E.EscalationRequestAnswered(at=when(f"{day} 11:00")))
        return case

    cases = [worked("U-1", "ann", "05-21", "05-22"), worked("U-2", "ben", "06-02"), worked("U-3", "ann")]
    cases[2] = cases[2].record(request("06-03 10:00"))
    found = kpis(policy, cases, at=when("06-04 10:00"), every="month", by="analyst")
    told = [
        (one.group, one.start, one.escalation_requests, one.unanswered, str(one.attained("answer")))
        for one in found.rows
    ]
    assert told == [
        ("ann", when("05-01 00:00"), 2, 0, "2 of 2 (100 %)"),
        ("ben", when("05-01 00:00"), 0, 0, "0 of 0"),
        ("ann", when("06-01 00:00"), 1, 1, "0 of 1 (0 %)"),
        ("ben", when("06-01 00:00"), 1, 0, "1 of 1 (100 %)"),
    ]
    assert found.row("ann", when("05-01 00:00")).time_to_answer.mean == timedelta(hours=1)


def test_a_week_of_the_escalation_utility():
    """Both tracks, over a weekend and a bank holiday, a rota gap, and a host that was down."""
    policy = presets.escalation_utility().with_rotas({DUTY: gapped()})
    case = incident(
        E.Assigned(at=when("05-21 09:05"), as_role="analyst", person="ann"),
        E.SupportReplied(at=when("05-21 11:00"), by="ann", by_role="analyst"),
        request("05-22 15:00", channel="portal", wants="expertise", by="ann", actor="staff"),
        E.CustomerReplied(at=when("05-22 21:00"), channel="portal", asks_to_escalate=True),
    )
    # First decision, on Friday night: elevated since 15:00. The escalation of 21:00 finds nobody on duty until
    # Saturday at eight, and its answer is due by eleven all the same.
    first = decide(policy, case, at=when("05-22 22:00"))
    assert [(one.to, one.due_at, one.owner.role) for one in first.moves] == [
        ("product_development", when("05-22 15:00"), "product_development")
    ]
    assert (first.blocked[0].move.to, first.blocked[0].until) == ("duty_manager", when("05-23 08:00"))
    assert first.deadline("answer").due_at == when("05-22 23:00")
    assert [one.kind for one in first.actions] == ["convene", "redirect"]
    case = settle(policy, case, at=when("05-22 22:00"), by="desk").case
    # Second decision, by a host that was down until Saturday noon: due when somebody came on duty, at eight.
    second = decide(policy, case, at=when("05-23 12:00"))
    assert [(one.to, one.due_at, one.owner.person) for one in second.moves] == [
        ("duty_manager", when("05-23 08:00"), "max")
    ]
    assert second.deadline("answer").outcome == "breached"
    case = settle(policy, case, at=when("05-23 12:00"), by="desk").case
    case = case.record(
        *(E.ItemAnswered(at=when("05-23 12:30"), item=item, by="max") for item in ("history", "noted", "analyst")),
        E.SupportReplied(at=when("05-23 12:40"), by="max", by_role=DUTY),
        E.PriorityChanged(at=when("05-23 12:45"), to="high", by="max"),
        E.ItemAnswered(at=when("05-23 12:45"), item="priority", answer="raised", by="max"),
        E.EscalationRequestAnswered(at=when("05-23 12:50"), by="max", by_role=DUTY),
        E.DeEscalated(at=when("05-23 12:55"), track="management", reason="handled", by="max"),
        request("05-25 20:30", by="ursula"),
    )
    # Third decision, on the bank holiday in the evening: through the utility this time, so everybody is alerted, and
    # ina is on duty since eight. The elevation stands where it stood.
    third = decide(policy, case, at=when("05-25 20:30"))
    assert [(one.to, one.due_at, one.owner.person) for one in third.moves] == [
        ("duty_manager", when("05-25 20:30"), "ina")
    ]
    assert [(one.kind, one.rule) for one in third.actions] == [("notify", "through the utility"), ("notify", None)]
    assert dict(levels_of(third)) == {
        "support": "analyst",
        "management": "duty_manager",
        "elevation": "product_development",
    }
    assert (
        case.escalation_requests(at=when("05-25 20:30")),
        case.first_open_escalation_request(at=when("05-25 20:30")),
    ) == (2, when("05-25 20:30"))
