"""What a user may write, for a type checker in strict mode without any plugin; and what it must refuse.

All but the last part is run as well, so that nothing is offered to type checkers that the library then refuses.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from escalation_rules import (
    BusinessCalendar,
    Case,
    Checklist,
    EscalationLevel,
    Item,
    Pick,
    Policy,
    Rota,
    Rule,
    Span,
    Target,
    Track,
    decide,
    settle,
)
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.worktime import (
    Absence,
    AnyCalendar,
    Clock,
    CombinedCalendar,
    DatedCalendar,
    Layer,
    Leg,
    Roster,
    Shift,
)

# The first example of the README.

desk = Policy(
    name="desk",
    version="1",
    calendar="office",
    calendars={"office": BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"}, holidays="GB-ENG")},
    levels=(EscalationLevel(key="frontline"), EscalationLevel(key="manager")),
    rules=(Rule(key="left alone", when=F.unanswered_for >= "4 business hours", to="manager"),),
)
fresh = Case.open("C-1", at=datetime(2026, 12, 24, 15, tzinfo=UTC))
wake_at: datetime | None = decide(desk, fresh, at=datetime(2026, 12, 28, 9, tzinfo=UTC)).wake_at
move = decide(desk, fresh, at=datetime(2026, 12, 29, 12, tzinfo=UTC)).move
to: str = move.to if move else "nowhere"

# The example of the design, which is the second of the README.

work = Checklist.of(reviewed="Complaint reviewed", answered="Customer answered", attempted="Resolution attempted")
policy = Policy(
    name="complaints",
    version="1",
    calendar="office",
    calendars={
        "office": BusinessCalendar(timezone="Europe/London", hours={"mon-fri": "09:00-17:00"}, holidays="GB-ENG")
    },
    priorities=("low", "normal", "high", "urgent"),
    levels=(
        EscalationLevel(key="frontline", owner="csr", work=work),
        EscalationLevel(key="manager", owner="csm", alternates=("team_lead",), work=work),
        EscalationLevel(
            key="solutions", owner="solutions_team", work=work, targets=(Target.contact(within="2 business days"),)
        ),
        EscalationLevel(key="outside", external=True),
    ),
    rules=(
        Rule(key="not resolved here", when=F.level_failed, to="next"),
        Rule(key="left unanswered", when=F.unanswered_for >= "8 business hours", to="manager"),
    ),
)
monday_9am = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("Europe/London"))
monday_10am, tuesday_noon = monday_9am + timedelta(hours=1), monday_9am + timedelta(hours=27)

case = Case.open("C-1042", at=monday_9am, priority="high").record(E.CustomerReplied(at=monday_10am))
decision = decide(policy, case, at=tuesday_noon)
text: str = decision.explain()
case = case.record(*decision.accept(at=tuesday_noon, by="desk"))
settled = settle(policy, case, at=tuesday_noon, by="desk")

# Spans, and whatever stands for one.

SPANS = (Span(4, "business hours"), Span("1.5", "hours"), Span(Decimal(2), "business days", "same time"))
HOURS: tuple[Span | str | timedelta, ...] = (Span.parse("4 hours"), "4 hours", "PT4H", timedelta(hours=4))
BY_PRIORITY = Pick(by="priority", values={"urgent": "1 hour", "low": None}, otherwise=timedelta(hours=4))
BY_SIZE = Pick("size", values={"small": Span(1, "hours")}, otherwise="1 day")

# Calendars.

BANK = BusinessCalendar("Europe/London", {"mon-thu": "09:00-17:00", "fri": ["09:00-12:00", "13:00-16:00"], "sat": None})
HALF = BusinessCalendar(ZoneInfo("Europe/London"), {"mon-fri": "09:00-17:00"}, "GB-ENG", {"2026-12-24": "09:00-12:00"})
BusinessCalendar("UTC", {"mon": "09:00-17:00"}, date(2026, 1, 1), {date(2026, 12, 24): ()})
BusinessCalendar("UTC", {"mon": "09:00-17:00"}, ["US", date(2026, 1, 2), "2026-03-04"], overrides={})
BusinessCalendar("UTC", {"mon": "09:00-17:00"}, {"US", "GB-ENG"})
written: dict[str, str] = {"2026-12-24": "09:00-12:00"}
known: dict[date, tuple[str, ...]] = {date(2026, 12, 24): ()}
BusinessCalendar("UTC", {"mon": "09:00-17:00"}, overrides=written)
BusinessCalendar("UTC", {"mon": "09:00-17:00"}, overrides=known)
ALWAYS = BusinessCalendar.always(ZoneInfo("Europe/London"))
BOTH: AnyCalendar = (BANK | HALF) & ALWAYS - BusinessCalendar("UTC", {"sun,mon": "12:00-13:00"})
CombinedCalendar(BANK, "|", HALF)
DatedCalendar(BANK, {date(2026, 3, 1): HALF})
BANK.changing({date(2026, 3, 1): HALF | BANK})
calendars: dict[str, BusinessCalendar] = {"office": BANK, "always": ALWAYS}

# Clocks and rotas.

LEGS = [Leg(monday_9am), Leg(since="2026-03-02T10:00:00Z", calendar=BANK), Leg(monday_10am, paused="customer")]
due: datetime | None = Clock(LEGS, timedelta(hours=4)).due_at
Clock(legs=tuple(LEGS), budget="PT4H", stopped_at="2026-03-02T15:00:00Z")
WEEK = Layer(("ann", "ben"), monday_9am, "1 week", until="2027-03-01T09:00:00Z", during=BANK)
NIGHTS = Layer(["dan"], "2026-03-02T18:00:00Z", timedelta(hours=15), rrule="FREQ=WEEKLY;BYDAY=MO", anchor=monday_9am)
CHANGED = Layer(members=["ann"], start=monday_9am, changes=[Roster(tuesday_noon, ("ann", "cat"))])
ROTA = Rota("carol", (WEEK, NIGHTS), [Shift("ann", monday_9am, "2026-03-02T17:00:00Z")], timezone="Europe/London")
Rota(
    layers=[CHANGED],
    absences=(
        (monday_9am, "2026-03-03T09:00:00Z"),
        (monday_9am, tuesday_noon, "ann"),
        Absence(monday_9am, tuesday_noon, person="ben"),
        Absence(start="2026-03-02T09:00:00Z", end=tuesday_noon),
    ),
    timezone=ZoneInfo("Europe/London"),
)

# Conditions and facts.

OWN = F.flag("production_down")
SIGNS = (F.priority >= "high") & ~F.acknowledged | OWN & (F.open_for.on("office") >= timedelta(hours=4))
LATE = F.used("resolution") >= 0.75
Rule(key="flag", when=F.level_failed, to="next")
Rule(key="own", when=OWN, to="next")
Rule(key="not", when=~OWN, to="next")
Rule(key="duration", when=F.at_level_for("support") >= BY_PRIORITY, to="next", calendar=BY_SIZE)
Rule(key="happened", when=F.happened(E.ANY_REQUEST), to="next", at_level="frontline")
Rule(key="one of", when=F.status.in_("open", "waiting") & OWN, to="next", at_level=["frontline", "manager"])

# Actions.

TOLD = A.Notify("manager", sender=BY_SIZE, message="escalated")
ACTIONS: list[A.Action] = [
    A.Tag("likely to escalate"),
    A.Tag(text="odd", audit=True),
    TOLD,
    A.Notify(roles=("manager", BY_SIZE)),
    A.Notify(roles=["manager", "csm"]),
    A.Notify(BY_SIZE),
    A.Ask("customer", item="impact"),
    A.Ask(role=BY_SIZE, item="impact"),
    A.Redirect(to="phone"),
    A.Redirect(("phone", "email")),
    A.RaisePriority("next"),
    A.Assign("specialist"),
    A.Assign(role=BY_SIZE, as_role="primary_contact"),
    A.Convene(kind="kick_off", roles="manager"),
    A.Convene(kind="kick_off", roles=["manager", BY_SIZE]),
]
Rule("tell", when=F.level_failed, then=TOLD)
Rule(key="flag", when=SIGNS, then=A.Tag("likely to escalate"), at_level=("frontline",), checklist="waived")
Rule(key="all", when=LATE, then=ACTIONS)
Rule(key="two", when=SIGNS, to="manager", then=(TOLD, A.RaisePriority("next")))

# Targets.

Target("answer", within="4 hours", stop_on=E.SupportReplied.like())
Target(key="answer", within=timedelta(hours=4), stop_on=(E.COUNTING_REPLY, E.UpdateSent.like(audience="customer")))
Target(key="answer", within=Span(4, "hours"), stop_on=[E.COUNTING_REPLY], start_on="unanswered", pause_on="customer")
Target(
    key="answer", within=BY_PRIORITY, stop_on=E.COUNTING_REPLY, start_on=E.ANY_REQUEST, pause_on=["customer", "vendor"]
)
Target(key="answer", within=None, stop_on=E.COUNTING_REPLY, start_on=E.Opened.like(), when=OWN, owner=BY_SIZE)
Target(
    key="answer", within="1 day", stop_on=E.COUNTING_REPLY, when=SIGNS, calendar=BY_SIZE, pause_on=(), recurring=True
)
TARGETS = [Target.resolution(BY_PRIORITY, pause_on=("customer",)), Target.update("1 hour", use_agreed_interval=True)]
Target.first_response(within=timedelta(hours=1))
Target.next_response(Span(1, "hours"), when=OWN)
Target.review(within=None, what="status")

# Checklists.

IMPACT = Item("impact", "How bad is it?", answers=["none", "bad"], blocked_by=["none"], valid_for="1 business day")
DONE = Item("customer", answered_by=E.COUNTING_REPLY, valid_for=timedelta(days=1), needs_evidence=True)
EITHER = Item(key="either", answered_by=(E.COUNTING_REPLY, E.UpdateSent.like()), valid_for=BY_PRIORITY)
Checklist()
Checklist(IMPACT)
Checklist(items=(IMPACT, DONE))
Checklist([IMPACT, DONE])

# Levels and tracks.

LEVELS = [
    EscalationLevel("frontline", escalate_after="1 business day", min_stay=timedelta(hours=4)),
    EscalationLevel(
        key="second", escalate_after=timedelta(days=1), min_stay=Span(1, "days"), if_nobody="skip", owner="second"
    ),
    EscalationLevel(key="third", escalate_after=BY_PRIORITY, min_stay=BY_PRIORITY, owner=BY_SIZE),
    EscalationLevel(
        key="fourth", owner="csm", alternates="team_lead", entry=IMPACT, work=[DONE, EITHER], de_escalation=work
    ),
    EscalationLevel(key="fifth", owner="csm", alternates=["team_lead", BY_SIZE], entry=(IMPACT, DONE)),
    EscalationLevel(key="sixth", on_entry=TOLD, targets=TARGETS[0], counterparts={"technical": ("rep", "customer")}),
    EscalationLevel(key="seventh", on_entry=(TOLD, A.RaisePriority("next")), targets=(TARGETS[0],)),
    EscalationLevel(key="eighth", on_entry=ACTIONS, targets=TARGETS, counterparts={"all": ("rep", "csm")}),
    EscalationLevel(key="outside", title="Vendor", external=True),
]
Track("support", levels=LEVELS, organisation="us", calendar=BY_SIZE)
Track(key="support", levels=LEVELS[0])
Track(key="support", levels=tuple(LEVELS), organisation="us", calendar="office")

# Policies.

Policy("small", version="1", levels=LEVELS[0])
Policy(name="small", version="1", tracks=Track(key="support", levels=LEVELS[:2]))
Policy(name="one", version="1", levels=LEVELS[:2], facts=F.flag("down"), effective_from="2026-03-01T00:00:00Z")
Policy(
    name="all",
    version="1",
    levels=[LEVELS[0], LEVELS[3]],
    rules=Rule(key="down", when=OWN, to="fourth"),
    targets=Target.resolution(within=BY_PRIORITY),
    calendars=calendars,
    calendar=Pick(by="size", values={"small": "office"}, otherwise="always"),
    priorities=["low", "urgent"],
    facts=(OWN, F.count("seats", minimum=0, maximum=100_000), F.choice("size", ("small", "large")), F.label("group")),
    roles=["csm", "team_lead"],
    rotas={"csm": ROTA},
    effective_from=monday_9am,
)
Policy(
    name="many",
    version="1",
    tracks=[Track(key="support", levels=LEVELS[:2])],
    rules=[Rule(key="down", when=OWN, to="second"), Rule(key="failed", when=F.level_failed, to="next")],
    targets=[Target.resolution(within="1 day")],
    calendars={"office": BANK, "both": BOTH, "later": BANK.changing({"2026-03-01": HALF})},
    calendar="office",
    facts=[OWN],
)

# Events: the instant as a datetime or as its text, by name or by position.

PLAN = E.ActionPlan(
    [
        E.PlanItem("patch"),
        E.PlanItem("test", owner="engineer", due_at=monday_9am),
        E.PlanItem("ship", due_at="2026-03-05T09:00:00Z"),
    ],
    backup="roll back",
    shared=True,
)
AGREED = E.CommunicationPlan("call", every="1 business hour", attendees=["csm"])
HISTORY = [
    E.Opened(at="2026-03-02T09:00:00Z", priority="high", facts={"production_down": True}, actor="staff"),
    E.CustomerReplied(at=monday_9am, channel="email", asks_to_escalate=True, topic=None),
    E.SupportReplied(at="2026-03-02T09:00:00+00:00", public=False, by="ann", by_role="csr", id="r1"),
    E.Acknowledged(at=monday_9am),
    E.EscalationRequested(at=monday_9am, to="csm", wants="expertise", business_impact="all down", actor="customer"),
    E.EscalationRequestReceived(at=monday_9am),
    E.EscalationRequestAnswered(at=monday_9am, by="csm"),
    E.Escalated(at=monday_9am, to="manager", rules=["a", "b"], recorded_at="2026-03-02T10:00:00Z", actor="automation"),
    E.DeEscalated(at=monday_9am, to=None, reason="calm", recorded_at=monday_10am),
    E.LevelFailed(at=monday_9am, level="frontline"),
    E.ProgressReported(at=monday_9am, state="on track"),
    E.PriorityChanged(at=monday_9am, to="urgent", id="p1"),
    E.Assigned(at=monday_9am, as_role="assignee", person="ann", group=None, recorded_at=None),
    E.WaitStarted(at=monday_9am, on="vendor"),
    E.WaitEnded(at="2026-03-02T09:00:00Z"),
    E.Declined(at=monday_9am, key="move-1", reason="no"),
    E.ItemAnswered(at=monday_9am, item="impact", answer="bad", evidence="log"),
    E.AnswerWithdrawn(at=monday_9am, item="impact"),
    E.ChecklistOverridden(at=monday_9am, level="manager", reason="urgent"),
    E.FactChanged(at=monday_9am, name="production_down", value=None),
    E.PlanRevised(at=monday_9am, plan=PLAN),
    E.PlanRevised(at=monday_9am, plan=E.ActionPlan(items=(E.PlanItem(what="patch", done=True),))),
    E.CommunicationAgreed(at=monday_9am, plan=AGREED),
    E.CommunicationAgreed(at=monday_9am, plan=E.CommunicationPlan(every=timedelta(hours=1), attendees=("csm",))),
    E.CommunicationAgreed(at=monday_9am, plan=E.CommunicationPlan(mode="chat", every=Span(1, "hours"))),
    E.Reviewed(at=monday_9am, what="plan"),
    E.UpdateSent(at=monday_9am, audience="internal", mode="email"),
    E.CallHeld(at=monday_9am, kind="kick_off", participants=["customer", "csm"]),
    E.ActionTaken(at=monday_9am, key="action-1", action="Notify", recorded_at=monday_10am),
    E.Resolved(at=monday_9am),
    E.Reopened(at=monday_9am, by="customer"),
    E.Closed(at=monday_9am),
    E.Voided(at=monday_9am, reason="spam"),
    E.PostMortemHeld(at=monday_9am, service_issue=True, lessons=["test more"]),
    E.LessonSettled(at=monday_9am, lesson="test more", outcome="done"),
    E.Reconciled(at=monday_9am, status="resolved", assigned={"assignee": None}, actor="automation"),
]
stored: E.Event = E.parse({"type": "Resolved", "at": "2026-03-02T09:00:00Z"})
Case("C-1", HISTORY)
Case("C-2", HISTORY[:2], attributes={"subject": "down"})
Case(id="C-3", history=tuple(HISTORY), attributes={"tags": ["a"]})
Case("C-4", (*E.from_statuses([(monday_9am, "resolved", "s1"), (monday_10am, "open")]), HISTORY[0]))
Case.open("C-5", at="2026-03-02T09:00:00Z", facts={"seats": 5}).record(stored, E.Reopened(at=tuesday_noon))


def refused() -> None:
    """What a type checker must say no to. It is not run."""
    Rule(key="wrong", when="level_failed", to="next")  # type: ignore[arg-type]
    Rule(key="wrong", when=F.level_failed, then="Flag")  # type: ignore[arg-type]
    Rule(key="wrong", when=F.level_failed, to="next", checklist="optional")  # type: ignore[arg-type]
    Rule(key="wrong", to="next")  # type: ignore[call-arg]
    Rule(key="wrong", when=F.level_failed, too="next")  # type: ignore[call-arg]
    EscalationLevel(key="wrong", escalate_after=4)  # type: ignore[arg-type]
    EscalationLevel(key="wrong", min_stay=4)  # type: ignore[arg-type]
    EscalationLevel(key="wrong", if_nobody="ignore")  # type: ignore[arg-type]
    EscalationLevel(key="wrong", entry=3)  # type: ignore[arg-type]
    EscalationLevel()  # type: ignore[call-arg]
    Target(key="wrong", within="1 hour")  # type: ignore[call-arg]
    Target(key="wrong", within=1, stop_on=E.COUNTING_REPLY)  # type: ignore[arg-type]
    Target(key="wrong", within="1 hour", stop_on="SupportReplied")  # type: ignore[arg-type]
    Target(key="wrong", within="1 hour", stop_on=E.COUNTING_REPLY, start_on="opened")  # type: ignore[arg-type]
    Target(key="wrong", within="1 hour", stop_on=E.SupportReplied(at=monday_9am))  # type: ignore[arg-type]
    Policy(name="wrong", version=1)  # type: ignore[arg-type]
    Policy(name="wrong", version="1", priorities=3)  # type: ignore[arg-type]
    Policy(name="wrong", version="1", facts="production_down")  # type: ignore[arg-type]
    Policy(name="wrong", version="1", calendars={"office": "Europe/London"})  # type: ignore[dict-item]
    Policy(name="wrong", version="1", calendars=BANK)  # type: ignore[arg-type]
    BusinessCalendar("UTC", "09:00-17:00")  # type: ignore[arg-type]
    BusinessCalendar("UTC", {"mon": 9})  # type: ignore[dict-item]
    BusinessCalendar("UTC", {"mon": "09:00-17:00"}, holidays=2026)  # type: ignore[arg-type]
    BusinessCalendar("UTC")  # type: ignore[call-arg]
    CombinedCalendar(BANK, "+", HALF)  # type: ignore[arg-type]
    Span(4)  # type: ignore[call-arg]
    Span("4 hours")  # type: ignore[call-arg]
    Span(4, "business days", "noon")  # type: ignore[arg-type]
    Pick(by="priority", values={"urgent": 4})  # type: ignore[arg-type]
    Item("wrong", valid_for=4)  # type: ignore[arg-type]
    Item("wrong", answers="yes")  # type: ignore[arg-type]
    Checklist.of(impact=Item("impact"))  # type: ignore[arg-type]
    EscalationLevel(key="wrong", counterparts={"technical": ("only one",)})  # type: ignore[dict-item]
    Layer("ann", monday_9am)  # type: ignore[arg-type]
    Rota(absences=[monday_9am])  # type: ignore[list-item]
    A.Notify(roles=1)  # type: ignore[arg-type]
    A.RaisePriority(to=None)  # type: ignore[arg-type]
    E.Resolved()  # type: ignore[call-arg]
    E.Resolved(at=0)  # type: ignore[arg-type]
    E.Resolved(at=monday_9am, actor="robot")  # type: ignore[arg-type]
    E.Resolved(at=monday_9am, reason="done")  # type: ignore[call-arg]
    E.Escalated(at=monday_9am)  # type: ignore[call-arg]
    E.Escalated(at=monday_9am, to="manager", rules="one")  # type: ignore[arg-type]
    E.Escalated(at=monday_9am, to="manager", recorded_at=1)  # type: ignore[arg-type]
    E.EscalationRequested(at=monday_9am, wants="money")  # type: ignore[arg-type]
    E.CommunicationPlan(mode="call")  # type: ignore[call-arg]
    Case("wrong")  # type: ignore[call-arg]
    Case("wrong", ["opened"])  # type: ignore[list-item]
    F.open_for.name = "age"  # type: ignore[misc]
    F.open_for.on(BANK)  # type: ignore[arg-type]
