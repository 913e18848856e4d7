"""Random policies and cases that fit each other: few names, few instants and many coincidences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from random import Random
from typing import Any

from hypothesis import strategies as st

from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.case import Case
from escalation_rules.checklists import Checklist, Item
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import Absence, BusinessCalendar, Layer, Rota, Shift, Span
from tests.bench import OFFICE, when

MONDAY = datetime(2026, 3, 23, 7, tzinfo=UTC)
"""A Monday in the week before the clocks change in London."""

STARTS = st.sampled_from((MONDAY, MONDAY, MONDAY, datetime(2026, 10, 30, 22, tzinfo=UTC)))
"""Before the days on which clocks go forward in London, and back in New York."""

CALENDARS = {
    "office": BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"}, ["2026-03-25"]),
    "night": BusinessCalendar("Europe/London", {"mon-sun": "22:00-06:00"}),
    "always": BusinessCalendar.always("UTC"),
    "split": BusinessCalendar(
        "America/New_York", {"mon-fri": ["09:00-12:00", "13:00-17:00"], "sat": "22:00-02:00"}, "US"
    ),
}
PRIORITIES = ("low", "normal", "high")
OWN_FACTS = (F.flag("down"), F.count("seats", minimum=0, maximum=5), F.choice("size", ("small", "large")))
DEFAULTED = (OWN_FACTS[0], F.count("seats", minimum=0, maximum=5, default=2), OWN_FACTS[2])
"""The same with a default for one of them."""
TRACKS = (("f1", "f2", "f3", "f4"), ("h1", "h2", "h3"))
ITEMS = ("impact", "problem")
TARGET_KEYS = ("first_response", "next_response", "update", "resolution", "custom")

SPANS = st.sampled_from(
    [
        *(f"{amount} {unit}s" for unit in ("hour", "business hour") for amount in (0, 1, 4, 8)),
        *(f"{amount} {unit}s" for unit in ("day", "business day") for amount in (0, 1, 2)),
        *(f"{amount} business days at same time" for amount in (0, 1, 2)),
        *("30 minutes", "90 minutes"),
    ]
).map(Span.parse)
"""Spans that meet closing times."""


@cache
def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """That, or nothing."""
    return st.none() | strategy


@cache
@st.composite
def instants(draw: st.DrawFn) -> datetime:
    """Half hours from Monday on, and a microsecond to either side."""
    steps = draw(st.integers(0, 14 * 48))
    return MONDAY + timedelta(minutes=30 * steps, microseconds=draw(st.sampled_from((0, 0, 0, -1, 1))))


@cache
def picks(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or a pick of values by priority, by size, by a flag, or by a flag and then by priority."""
    by_priority = st.builds(
        lambda one, two, other: Pick(by="priority", values={"low": one, "high": two}, otherwise=other),
        values,
        values,
        maybe(values),
    )
    by_size = st.builds(
        lambda one, other: Pick(by="size", values={"small": one}, otherwise=other), values, maybe(values)
    )
    by_flag = st.builds(
        lambda one, two, other: Pick(by="down", values={True: one, False: two}, otherwise=other),
        values | by_priority,
        values,
        maybe(values),
    )
    return values | values | values | values | by_priority | by_size | by_flag


CALENDAR_NAMES = st.sampled_from(sorted(CALENDARS))
WAITS = st.sampled_from(((), ("customer",), ("customer", "vendor")))
SOME_EVENTS = st.sampled_from(
    [
        (E.COUNTING_REPLY,),
        (E.CallHeld.like(),),
        (E.CustomerReplied.like(),),
        (E.EscalationRequested.like(channel=E.other_than("phone")),),
        (E.ProgressReported.like(state="digressed"),),
        (E.Opened.like(channel="phone"), E.Reopened.like()),
        (E.Escalated.like(),),
        E.ANY_REQUEST,
    ]
)


@cache
@st.composite
def atoms(draw: st.DrawFn, tracks: tuple[tuple[str, ...], ...], targets: tuple[str, ...], *, timed: bool = True) -> Any:
    """One comparison."""
    levels = [level for track in tracks for level in track]
    track_keys = [f"t{number}" for number in range(len(tracks))]
    order = draw(st.sampled_from((">=", "<", ">", "<=", "==", "!=")))

    def compare(fact: Any, value: Any, op: str = order) -> Any:
        return {
            ">=": lambda: fact >= value,
            "<": lambda: fact < value,
            ">": lambda: fact > value,
            "<=": lambda: fact <= value,
            "==": lambda: fact == value,
            "!=": lambda: fact != value,
        }[op]()

    two = draw(st.sampled_from((">=", ">=", ">=", "<")))
    kinds = ["priority", "level", "status", "flags", "counts", "own", "own_choice", "happened", "channel", "level_in"]
    kinds += ["duration"] * 4 if timed else []
    kinds += ["used", "outcome", "overdue_for", "remaining"] if timed and targets else []
    kinds += ["plan"] if timed else []
    kind = draw(st.sampled_from(kinds))
    if kind == "priority":
        return compare(F.priority, draw(st.sampled_from(PRIORITIES)))
    if kind == "level":
        return compare(F.level, draw(st.sampled_from(levels)))
    if kind == "level_in":
        return F.level.in_(*draw(st.lists(st.sampled_from(levels), min_size=1, max_size=3)))
    if kind == "status":
        return compare(
            F.status, draw(st.sampled_from(("open", "waiting", "resolved"))), draw(st.sampled_from(("==", "!=")))
        )
    if kind == "channel":
        return compare(F.channel, draw(st.sampled_from(("phone", "web"))), draw(st.sampled_from(("==", "!="))))
    if kind == "flags":
        failed = draw(st.sampled_from((F.level_failed, F.level_failed(draw(st.sampled_from(track_keys))))))
        flags = [F.acknowledged, F.escalation_request_open, F.plan_has_backup]
        return draw(st.sampled_from((*flags, failed, failed))).as_condition()
    if kind == "counts":
        moves = draw(st.sampled_from((F.moves, F.moves(draw(st.sampled_from(track_keys))))))
        fact = draw(
            st.sampled_from((F.escalation_requests, moves, F.reopenings, F.replies, F.status_requests, F.assignments))
        )
        return compare(fact, draw(st.integers(0, 2)))
    if kind == "plan":
        return compare(F.plan_items_overdue, draw(st.integers(0, 2)))
    if kind == "own":
        return draw(
            st.sampled_from((F.flag("down").as_condition(), compare(F.count("seats"), draw(st.integers(0, 5)))))
        )
    if kind == "own_choice":
        return compare(F.choice("size"), draw(st.sampled_from(("small", "large"))), draw(st.sampled_from(("==", "!="))))
    if kind == "happened":
        return F.happened(draw(SOME_EVENTS)).as_condition()
    if kind == "used":
        return compare(
            F.used(draw(st.sampled_from(targets))),
            draw(st.sampled_from(("0", "1/4", "1/3", "1/2", "3/4", "1", "3/2"))),
            two,
        )
    if kind == "outcome":
        outcome = draw(st.sampled_from(("not_started", "pending", "met", "breached", "void")))
        return compare(F.outcome(draw(st.sampled_from(targets))), outcome, draw(st.sampled_from(("==", "!="))))
    spans = draw(picks(SPANS))
    if kind in {"overdue_for", "remaining"}:
        fact = (F.overdue_for if kind == "overdue_for" else F.remaining)(draw(st.sampled_from(targets)))
        spans = draw(SPANS)
    else:
        at_level = draw(st.sampled_from((F.at_level_for, F.at_level_for(draw(st.sampled_from(track_keys))))))
        fact = draw(
            st.sampled_from(
                (
                    *(F.open_for, F.unanswered_for, F.unassigned_for, at_level, at_level, F.no_update_for),
                    *(F.customer_silent_for, F.resolved_for),
                )
            )
        )
    if draw(st.booleans()):
        fact = fact.on(draw(picks(CALENDAR_NAMES)))
    return compare(fact, spans, two)


@cache
def conditions(tracks: Any, targets: Any, *, timed: bool = True) -> st.SearchStrategy[Any]:
    """Comparisons under all, any and not."""
    return st.recursive(
        atoms(tracks, targets, timed=timed),
        lambda inner: (
            st.builds(lambda a, b: a & b, inner, inner)
            | st.builds(lambda a, b: a | b, inner, inner)
            | inner.map(lambda a: ~a)
        ),
        max_leaves=4,
    )


@cache
@st.composite
def targets(draw: st.DrawFn, tracks: Any, key: str | None = None) -> Target:
    """Some target."""
    key = key or draw(st.sampled_from(TARGET_KEYS))
    more: dict[str, Any] = {}
    if draw(st.booleans()):
        more["pause_on"] = draw(picks(WAITS))
    if draw(st.integers(0, 3)) == 0:
        more["calendar"] = draw(picks(CALENDAR_NAMES))
    if draw(st.integers(0, 3)) == 0:
        more["when"] = draw(conditions(tracks, (), timed=False))
    if draw(st.integers(0, 4)) == 0:
        more["use_agreed_interval"] = True
    within = draw(picks(SPANS) | st.none())
    made = {
        "first_response": Target.first_response,
        "next_response": Target.next_response,
        "update": Target.update,
        "resolution": Target.resolution,
    }
    if key in made:
        return made[key](within, **more)
    starts = draw(st.sampled_from((None, E.ANY_REQUEST, (E.Resolved.like(),), (E.CustomerReplied.like(),))))
    stops = draw(
        st.sampled_from(((E.EscalationRequestAnswered.like(),), (E.Reviewed.like(),), (E.SupportReplied.like(),)))
    )
    return Target(key=key, within=within, start_on=starts, stop_on=stops, recurring=draw(st.booleans()), **more)


@cache
@st.composite
def checklists(draw: st.DrawFn) -> Checklist:
    """One or two items."""
    keys = draw(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=2, unique=True))
    items = [
        Item(
            key,
            valid_for=draw(maybe(picks(SPANS))) if draw(st.booleans()) else None,
            needs_evidence=draw(st.integers(0, 4)) == 0,
            answered_by=(E.COUNTING_REPLY,) if draw(st.integers(0, 3)) == 0 else (),
        )
        for key in keys
    ]
    return Checklist.of(*items)


CONSENT = st.sampled_from((None, None, None, Item("consent", needs_evidence=True)))
"""What a track or the policy asks for before a case goes down, under a key that no level uses."""
ON_ENTRY = st.sampled_from(
    [
        (A.Notify("ana"), A.Assign("bo", as_role="contact")),
        (A.RaisePriority("next"),),
        (A.Tag("entered"),),
        (A.Assign("ana"),),
    ]
)


@cache
@st.composite
def levels(draw: st.DrawFn, key: str, tracks: Any, *, top: bool) -> EscalationLevel:
    """Some level."""
    external = top and draw(st.booleans())
    owner = None if external else draw(picks(st.sampled_from(("ana", "bo"))))
    lists = draw(st.lists(st.sampled_from(("entry", "work", "de_escalation")), max_size=1))
    return EscalationLevel(
        key=key,
        owner=owner,
        alternates=("cy",) if owner is not None and draw(st.booleans()) else (),
        if_nobody=draw(st.sampled_from(("hold", "skip", "proceed"))),
        targets=tuple(draw(st.lists(targets(tracks), max_size=2))) if draw(st.booleans()) else (),
        on_entry=draw(ON_ENTRY) if draw(st.integers(0, 2)) == 0 else (),
        escalate_after=draw(maybe(SPANS.filter(lambda span: span.amount > 0))) if draw(st.booleans()) else None,
        min_stay=draw(maybe(picks(SPANS))) if draw(st.booleans()) else None,
        external=external,
        **{name: draw(checklists()) for name in lists},
    )


@cache
@st.composite
def rotas(draw: st.DrawFn) -> Rota:
    """Some rota: a person who is sometimes away, or people who take turns."""
    start, end = sorted([draw(instants()), draw(instants())])
    kind = draw(st.sampled_from(("away", "turns", "nobody", "shift")))
    if kind == "away":
        return Rota(person="Ann", absences=(Absence(start=start, end=end),))
    if kind == "turns":
        layer = Layer(members=("Ann", "Ben"), start=MONDAY, turn=draw(st.sampled_from(("1 day", "7 hours"))))
        return Rota(layers=(layer,), absences=(Absence(start=start, end=end, person="Ann"),), timezone="Europe/London")
    return Rota() if kind == "nobody" else Rota(overrides=(Shift(person="Sue", start=start, end=end),))


ROLES_WITH_ROTAS = st.sampled_from(((), ("ana",), ("ana", "bo"), ("ana", "bo", "cy")))
ACTIONS = st.sampled_from(
    [
        A.Notify("ana"),
        A.RaisePriority("next"),
        A.RaisePriority("high"),
        A.Assign(Pick(by="size", values={"small": "ana"}, otherwise="bo")),
        A.Assign(Pick(by="size", values={"small": "ana"}), as_role="contact"),
        A.Notify(("bo", Pick(by="priority", values={"high": "ana"}))),
        A.Tag("look"),
    ]
)


@cache
@st.composite
def rules(draw: st.DrawFn, name: str, tracks: Any, keys: tuple[str, ...]) -> Rule:
    """Some rule."""
    number = draw(st.integers(0, len(tracks) - 1))
    to = draw(st.sampled_from((*tracks[number], "next", "next", "next", None)))
    then = tuple(draw(st.lists(ACTIONS, min_size=int(to is None), max_size=2)))
    places = [level for track in tracks for level in track]
    return Rule(
        key=name,
        when=draw(conditions(tracks, keys)),
        to=to,
        track=f"t{number}" if to == "next" else None,
        at_level=tuple(draw(st.lists(st.sampled_from(places), max_size=2, unique=True)))
        if draw(st.integers(0, 2)) == 0
        else (),
        then=then,
        unless=draw(conditions(tracks, keys)) if draw(st.integers(0, 3)) == 0 else None,
        checklist=draw(st.sampled_from(("required", "required", "waived"))),
        calendar=draw(maybe(picks(CALENDAR_NAMES))) if draw(st.integers(0, 3)) == 0 else None,
    )


@cache
@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Some policy, of one track or two."""
    tracks = TRACKS[: draw(st.integers(1, 2))]
    made = tuple(
        Track(
            key=f"t{number}",
            levels=tuple(draw(levels(key, tracks, top=key == keys[-1])) for key in keys),
            calendar=draw(maybe(CALENDAR_NAMES)),
            de_escalation=draw(CONSENT),
        )
        for number, keys in enumerate(tracks)
    )
    wide = tuple(draw(st.lists(targets(tracks), min_size=1, max_size=4)))
    keys = tuple(
        sorted(
            {one.key for one in wide} | {one.key for track in made for level in track.levels for one in level.targets}
        )
    )
    policy = Policy(
        name="random",
        version="1",
        tracks=made,
        rules=tuple(draw(rules(f"r{number}", tracks, keys)) for number in range(draw(st.integers(2, 5)))),
        targets=wide,
        calendars=CALENDARS,
        calendar=draw(picks(CALENDAR_NAMES)),
        de_escalation=draw(CONSENT),
        priorities=PRIORITIES,
        facts=draw(st.sampled_from((OWN_FACTS, DEFAULTED))),
        rules_unless=draw(conditions(tracks, keys)) if draw(st.integers(0, 7)) == 0 else None,
        effective_from=draw(maybe(instants())) if draw(st.integers(0, 4)) == 0 else None,
        backlog=draw(st.sampled_from(("ignore", "include"))),
    )
    named = {role: draw(rotas()) for role in draw(ROLES_WITH_ROTAS) if role in policy.roles_named}
    return policy.with_rotas(named)


@st.composite
def events(draw: st.DrawFn, policy: Policy, at: datetime) -> Any:
    """Some event at an instant."""
    keys = [level.key for level in policy.all_levels]
    tracks = [track.key for track in policy.all_tracks]
    kind = draw(st.sampled_from(KINDS))
    more: dict[str, Any] = {}
    if kind is E.CustomerReplied:
        more = {"asks_to_escalate": draw(st.booleans()), "asks_for_status": draw(st.booleans())}
    elif kind is E.SupportReplied:
        more = {"public": draw(st.integers(0, 3)) > 0, "automatic": draw(st.integers(0, 4)) == 0}
    elif kind is E.EscalationRequested:
        more = {
            "channel": draw(st.sampled_from((None, "phone", "web"))),
            "wants": draw(st.sampled_from(("attention", "expertise"))),
        }
    elif kind is E.Escalated:
        more = {"to": draw(st.sampled_from(keys))}
    elif kind is E.DeEscalated:
        more = draw(st.sampled_from(({"to": draw(st.sampled_from(keys))}, {"track": draw(st.sampled_from(tracks))})))
    elif kind is E.LevelFailed:
        more = draw(
            st.sampled_from(({}, {"level": draw(st.sampled_from(keys))}, {"track": draw(st.sampled_from(tracks))}))
        )
    elif kind is E.PriorityChanged:
        more = {"to": draw(st.sampled_from(PRIORITIES))}
    elif kind is E.Assigned:
        more = {
            "person": draw(st.sampled_from((None, "Ann", "Ben"))),
            "as_role": draw(st.sampled_from(("assignee", "contact"))),
        }
    elif kind is E.WaitStarted:
        more = {"on": draw(st.sampled_from(("customer", "vendor")))}
    elif kind is E.ItemAnswered:
        more = {
            "item": draw(st.sampled_from((*ITEMS, "consent"))),
            "answer": draw(st.sampled_from(("yes", "yes", "no", "perhaps"))),
        }
        more["evidence"] = draw(st.sampled_from((None, "seen")))
    elif kind is E.AnswerWithdrawn:
        more = {"item": draw(st.sampled_from((*ITEMS, "consent")))}
    elif kind is E.ChecklistOverridden:
        more = {"level": draw(st.sampled_from(keys)), "reason": "because"}
    elif kind is E.FactChanged:
        facts = [
            ("down", True),
            ("down", False),
            ("seats", 3),
            ("size", "small"),
            ("size", "large"),
            ("size", None),
            ("other", 1),
        ]
        more = dict(zip(("name", "value"), draw(st.sampled_from(facts)), strict=True))
    elif kind is E.PlanRevised:
        item = E.PlanItem(what="mend", due_at=draw(maybe(instants())), done=draw(st.booleans()))
        more = {"plan": E.ActionPlan(items=(item,), backup=draw(st.sampled_from((None, "swap"))))}
    elif kind is E.CommunicationAgreed:
        more = {"plan": E.CommunicationPlan(every=draw(SPANS))}
    elif kind is E.CallHeld:
        more = {"kind": draw(st.sampled_from(("kick_off", "status")))}
    elif kind is E.ProgressReported:
        more = {"state": draw(st.sampled_from(("digressed", "fine")))}
    elif kind is E.UpdateSent:
        more = {"audience": draw(st.sampled_from(("customer", "internal")))}
    elif kind is E.Reconciled:
        more = {
            "priority": draw(maybe(st.sampled_from(PRIORITIES))),
            "level": draw(maybe(st.sampled_from(keys))),
            "status": draw(maybe(st.sampled_from(("open", "waiting:vendor", "resolved")))),
        }
    if draw(st.integers(0, 9)) == 0 and kind not in {E.CustomerReplied, E.Reconciled}:
        more["actor"] = "automation"
    return kind(at=at, **more)


KINDS = (
    [E.CustomerReplied, E.SupportReplied, E.LevelFailed, E.EscalationRequested, E.FactChanged, E.ItemAnswered] * 2
    + [
        E.Acknowledged,
        E.EscalationRequestAnswered,
        E.Escalated,
        E.DeEscalated,
        E.PriorityChanged,
        E.Assigned,
        E.WaitStarted,
    ]
    + [
        E.WaitEnded,
        E.AnswerWithdrawn,
        E.ChecklistOverridden,
        E.PlanRevised,
        E.CommunicationAgreed,
        E.Reviewed,
        E.UpdateSent,
    ]
    + [E.Resolved, E.Reopened, E.Closed, E.Voided, E.Reconciled, E.ProgressReported, E.CallHeld]
)


@st.composite
def cases(draw: st.DrawFn, policy: Policy, most: int = 10) -> Case:
    """Some case under a policy."""
    times = [draw(STARTS) + timedelta(hours=draw(st.integers(0, 60)))]
    times += [times[0]] * draw(st.integers(2, most))
    for number in range(1, len(times)):
        times[number] = times[number - 1] + draw(GAPS)
    opened = E.Opened(
        at=times[0],
        priority=draw(st.sampled_from((None, *PRIORITIES))),
        channel=draw(st.sampled_from((None, "phone", "web"))),
        level=draw(maybe(st.sampled_from(tuple(level.key for level in policy.all_levels))))
        if draw(st.integers(0, 4)) == 0
        else None,
        actor="staff" if draw(st.integers(0, 4)) == 0 else "customer",
        facts=draw(st.sampled_from(({}, {"down": True}, {"size": "small", "seats": 2}))),
    )
    return Case("C", (opened, *(draw(events(policy, at)) for at in times[1:])))


GAPS = st.sampled_from(
    [timedelta(hours=hours) for hours in (0, 0, 0.5, 1, 1, 2, 4, 8, 16, 24, 30)]
    + [timedelta(microseconds=1), timedelta(hours=8, microseconds=1), timedelta(hours=1, microseconds=-1)]
)
"""Times between events that meet the spans."""


@st.composite
def situations(draw: st.DrawFn) -> tuple[Policy, Case, datetime]:
    """A policy, a case under it, and an instant to ask at."""
    policy = draw(policies())
    case = draw(cases(policy))
    last = case.history[-1].at
    at = max(draw(instants() | GAPS.map(lambda gap: last + gap) | GAPS.map(lambda gap: last - gap)), case.opened_at)
    return policy, case, at


# ---------------------------------------------------------------------------------------------------------------------
# Small policies whose every case can be listed, and policies that wait for time: drawn from a `random.Random`, since
# a proof is tried on thousands of cases.

SMALL_LEVELS = ("l1", "l2", "l3")
CLAIM_SPANS = ("1 hour", "2 hours", "2 business hours", "4 business hours", "1 business day", "3 hours")


def small_comparison(random: Random) -> Any:
    """A comparison of a fact that does not change by itself."""
    kind = random.choice(("priority", "priority", "flag", "count", "choice"))
    if kind == "flag":
        return F.flag("down").as_condition()
    if kind == "choice":
        value = random.choice(("small", "large"))
        return random.choice((F.choice("size") == value, F.choice("size") != value, F.choice("size").in_(value)))
    fact, value = (
        (F.priority, random.choice(PRIORITIES)) if kind == "priority" else (F.count("seats"), random.randint(0, 5))
    )
    return random.choice((fact >= value, fact < value, fact > value, fact <= value, fact == value, fact != value))


def small_condition(random: Random, size: int = 3) -> Any:
    """Some comparisons under all, any and not."""
    if size == 1 or random.random() < 0.25:
        return small_comparison(random)
    half = size // 2
    one, other = small_condition(random, half or 1), small_condition(random, size - half)
    made = one & other if random.random() < 0.6 else one | other
    return ~made if random.random() < 0.2 else made


def small_rule(random: Random, name: str, size: int = 3) -> Rule:
    """A rule to some level, sometimes for some levels only."""
    at = tuple(random.sample(SMALL_LEVELS, random.randint(1, 2))) if random.random() < 0.25 else ()
    return Rule(key=name, when=small_condition(random, size), to=random.choice(SMALL_LEVELS), at_level=at)


def small_policy(random: Random, rules: int = 4, size: int = 3) -> Policy:
    """A policy of three levels whose rules look at state alone."""
    return Policy(
        name="small",
        version="1",
        levels=tuple(EscalationLevel(key=key) for key in SMALL_LEVELS),
        rules=tuple(small_rule(random, f"r{number}", size) for number in range(rules)),
        priorities=PRIORITIES,
        facts=OWN_FACTS,
        calendars={"office": OFFICE},
    )


def every_small_case() -> Iterator[Case]:
    """Every case of such a policy, as it is opened: each priority, each value of each fact or none, each level."""
    downs, seats, sizes = (None, False, True), (None, *range(6)), (None, "small", "large")
    for priority, down, count, size, level in product((None, *PRIORITIES), downs, seats, sizes, SMALL_LEVELS):
        facts = {"down": down, "seats": count, "size": size}
        given = {name: value for name, value in facts.items() if value is not None}
        yield Case.open("C-1", at=when("mon 09:00"), priority=priority, level=level, facts=given)


def timed_small_rule(random: Random, name: str) -> Rule:
    """A rule that waits for some time, perhaps under a condition, or that goes to the next level."""
    durations = (
        *(F.open_for, F.at_level_for, F.unanswered_for, F.no_update_for, F.unassigned_for),
        *(F.customer_silent_for, F.resolved_for),
    )
    timed = random.choice(durations) >= random.choice(CLAIM_SPANS)
    made = timed & small_comparison(random) if random.random() < 0.4 else timed
    return Rule(key=name, when=made, to=random.choice(("l2", "l3", "next")))


def timed_small_policy(random: Random, rules: int | None = None) -> Policy:
    """A policy of a few such rules."""
    made = [timed_small_rule(random, f"r{number}") for number in range(rules or random.randint(1, 3))]
    return small_policy(random, 0).model_copy(update={"rules": tuple(made), "calendar": "office"})


def small_case(random: Random, *, by_hand: bool, priorities: Sequence[str] = PRIORITIES) -> Case:
    """A case that goes on for a few days."""
    at = when("mon 08:00") + timedelta(minutes=30 * random.randint(0, 20))
    facts = {
        name: value for name, value in (("down", random.choice((None, True, False))), ("seats", 3)) if value is not None
    }
    case = Case.open("C-1", at=at, priority=random.choice((None, *priorities)), facts=facts)
    events: list[Any] = [E.SupportReplied, E.CustomerReplied, E.UpdateSent, E.WaitStarted, E.LevelFailed]
    events += [lambda at: E.Assigned(at=at, person=random.choice((None, "ann")))]
    events += [lambda at: E.PriorityChanged(at=at, to=random.choice(priorities))]
    events += [lambda at: E.FactChanged(at=at, name="down", value=random.choice((None, True, False)))]
    events += [E.EscalationRequested]
    if by_hand:
        events += [E.Resolved, E.Reopened]
        events += [lambda at: E.Escalated(at=at, to=random.choice(SMALL_LEVELS))]
        events += [lambda at: E.DeEscalated(at=at, to=random.choice(SMALL_LEVELS))] * 2
    happened = []
    for _ in range(random.randint(0, 6)):
        at += timedelta(minutes=30 * random.choice((0, 0, 1, 2, 4, 8, 30)), microseconds=random.choice((0, 0, 1)))
        happened.append(random.choice(events)(at=at))
    return case.record(*happened)
