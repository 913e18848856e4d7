"""Random policies and histories, made from a number: every kind of atom, pause, checklist, owner and event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

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
)
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.acceptance_bench import NINE, OFFICE, TICK, march

SPLIT = BusinessCalendar(
    timezone="America/New_York", hours={"mon-fri": ["09:00-12:00", "13:00-17:00"], "sat": "22:00-02:00"}, holidays="US"
)
NIGHT = BusinessCalendar(timezone="America/New_York", hours={"mon-sun": "22:00-06:00"})
CALENDARS = {"office": OFFICE, "split": SPLIT, "night": NIGHT, "always": BusinessCalendar.always("America/New_York")}
FACTS = (F.flag("x"), F.choice("seg", ("a", "b")))
PRIORITIES = ("low", "normal", "high", "urgent")
SPANS: list[Any] = [
    "0 minutes", "30 minutes", "1 hour", "90 minutes", "5 hours", "1 day", "1 business hour", "4 business hours",
    "1 business day", "2 business days", Span(1, "business days", due="same time"),
]  # fmt: skip
STEPS = [
    timedelta(0),
    TICK,
    timedelta(minutes=30),
    timedelta(hours=1) - TICK,
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=26),
]
STARTS = [NINE, march(6, 14), datetime(2026, 3, 7, 20, tzinfo=UTC), datetime(2026, 10, 31, 22, tzinfo=UTC)]
ROTAS = {
    "w1": Rota(person="carol", absences=((march(6), march(7, 12)), (march(9), march(12)))),
    "w2": Rota(person="dan"),
}


def an_atom(r: Random, keys: list[str]) -> Any:
    durations = [
        F.open_for,
        F.unanswered_for,
        F.unassigned_for,
        F.at_level_for,
        F.since_update,
        F.past_due("resolution"),
        F.time_left("update"),
    ]
    counts = [F.escalations, F.moves, F.replies, F.status_requests, F.assignments, F.reopened, F.plan_overdue]
    length = r.choice(durations)
    length = length.on(r.choice(list(CALENDARS))) if r.random() < 0.3 else length
    span = r.choice(SPANS)
    others = [
        F.priority >= r.choice(PRIORITIES[1:]),
        F.level_failed == (r.random() < 0.8),
        F.escalation_requested == (r.random() < 0.8),
        F.flag("x") == (r.random() < 0.7),
        F.choice("seg") == "a",
        r.choice(counts) >= r.choice([1, 2]),
        F.deadline(r.choice(["resolution", "update"])) == r.choice(["breached", "pending", "met"]),
        F.used(r.choice(["resolution", "update", "next_response"])) >= r.choice([0.25, 0.5, 1, 1.5]),
        F.status == r.choice(["open", "waiting"]),
        F.happened(r.choice([E.CallHeld.like(), E.COUNTING_REPLY])),
        F.level >= r.choice(keys),
    ]
    return r.choice([length >= span, length >= span, length < span, *others])


def a_condition(r: Random, keys: list[str], depth: int = 0) -> Any:
    kind = r.random()
    if kind < 0.55 or depth > 2:
        return an_atom(r, keys)
    one = a_condition(r, keys, depth + 1)
    if kind < 0.7:
        return one & a_condition(r, keys, depth + 1)
    return one | a_condition(r, keys, depth + 1) if kind < 0.85 else ~one


def a_level(r: Random, key: str, *, lowest: bool, highest: bool) -> EscalationLevel:
    fields: dict[str, Any] = {}
    if not lowest and r.random() < 0.3:
        fields["entry"] = Checklist.of(Item(key=f"q{key}", expires=r.choice([None, "3 hours", "4 business hours"])))
    if r.random() < 0.3:
        fields["exit"], fields["cooldown"] = Checklist.of(**{f"x{key}": "x"}), r.choice(SPANS)
    if r.random() < 0.3:
        fields["targets"] = (Target.review(within=r.choice(SPANS), recurs=r.random() < 0.4),)
    if r.random() < 0.3:
        fields["on_entry"] = (r.choice([A.Flag(text="in"), A.SetPriority(to="next"), A.Assign(role="w1")]),)
    if not highest and r.random() < 0.25:
        fields["escalate_after"] = r.choice(SPANS)
    if r.random() < 0.5:
        fields["owner"], fields["nobody"] = r.choice(["w1", "w2", "w3"]), r.choice(["wait", "hold", "skip"])
    return EscalationLevel(key=key, **fields)


def a_policy(r: Random) -> Policy:
    tracks = []
    for track in "ab"[: r.choice([1, 1, 2])]:
        size = r.choice([2, 3, 4])
        rungs = tuple(a_level(r, f"{track}{n}", lowest=n == 0, highest=n == size - 1) for n in range(size))
        tracks.append(Track(key=track, levels=rungs, calendar=r.choice([None, *CALENDARS])))
    keys = [level.key for track in tracks for level in track.levels]
    rules = []
    for number in range(r.randrange(1, 6)):
        fields: dict[str, Any] = {}
        if r.random() < 0.75:
            fields["to"] = "next" if r.random() < 0.4 else r.choice(keys)
        if "to" not in fields or r.random() < 0.3:
            fields["then"] = (
                r.choice(
                    [A.Flag(text="f"), A.SetPriority(to=r.choice(["urgent", "next"])), A.Assign(role="w2", as_="lead")]
                ),
            )
        if fields.get("to") == "next":
            fields["track"] = r.choice(tracks).key
        fields["checklist"] = r.choice(["required", "required", "waived"])
        rules.append(Rule(name=f"r{number}", when=a_condition(r, keys), **fields))
    quick = Pick(by="priority", values={"high": "2 hours", "urgent": "1 business hour"}, otherwise=r.choice(SPANS))
    targets = (
        Target.resolution(within=r.choice([quick, r.choice(SPANS)])),
        Target.next_response(within=r.choice(SPANS), calendar="split"),
        Target.update(within=r.choice(SPANS), agreed=True),
    )
    fields = {
        "calendars": CALENDARS,
        "calendar": r.choice(list(CALENDARS)),
        "priorities": PRIORITIES,
        "facts": FACTS,
        "rotas": ROTAS,
    }
    return Policy(name="p", version="1", tracks=tuple(tracks), rules=tuple(rules), targets=targets, **fields)


def an_event(r: Random, at: datetime, policy: Policy, number: int) -> Any:
    levels = [level for track in policy.tracks for level in track.levels]
    items = [item.key for level in levels for some in (level.entry, level.exit) if some for item in some.items] or [
        "none"
    ]
    same: dict[str, Any] = {"at": at, "id": f"e{number}"}
    kinds = [
        E.CustomerReplied(**same, asks_to_escalate=r.random() < 0.3, asks_for_status=r.random() < 0.3),
        E.SupportReplied(**same, public=r.random() < 0.8),
        E.EscalationRequested(**same),
        E.EscalationAnswered(**same),
        E.LevelFailed(**same),
        E.PriorityChanged(**same, to=r.choice(PRIORITIES)),
        E.Assigned(**same, person=r.choice(["bob", None])),
        E.WaitStarted(**same, on=r.choice(["customer", "vendor"])),
        E.WaitEnded(**same),
        E.ItemConfirmed(**same, item=r.choice(items), answer=r.choice(["yes", "yes", "no"])),
        E.FactObserved(**same, name="x", value=r.random() < 0.6),
        E.FactObserved(**same, name="seg", value=r.choice("ab")),
        E.Reviewed(**same),
        E.CallHeld(**same, kind="x"),
        E.Resolved(**same),
        E.Reopened(**same),
        E.ChecklistOverridden(**same, level=r.choice(levels).key, reason="so"),
        E.CommunicationAgreed(**same, plan=E.CommunicationPlan(mode="m", every=r.choice(SPANS))),
        E.PlanRevised(
            **same, plan=E.ActionPlan(items=(E.PlanItem(what="w", due=at + timedelta(hours=r.randrange(30))),))
        ),
    ]
    return r.choice(kinds)


def a_case(r: Random, policy: Policy) -> Case:
    at = r.choice(STARTS)
    story, events = Case.open("C-1", at=at, priority=r.choice(PRIORITIES), facts=r.choice([{}, {"x": True}])), []
    for number in range(r.randrange(9)):
        at += r.choice(STEPS)
        events.append(an_event(r, at, policy, number))
    return story.record(*events)


def a_pair(seed: int) -> tuple[Policy, Case, datetime]:
    """A policy, a case and the instant of its last event."""
    r = Random(seed)
    policy = a_policy(r)
    story = a_case(r, policy)
    return policy, story, story.history[-1].at
