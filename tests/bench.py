"""Policies, cases and instants for tests, written by hand in one line each.

All instants are in London. Unless a test says otherwise they lie in the week of Monday 2 March 2026, when London is on
UTC; from 29 March on it is an hour ahead. The spring bank holiday is on Monday 25 May.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from escalation_rules import (
    BusinessCalendar,
    Case,
    Checklist,
    Deadline,
    EscalationLevel,
    EscalationRulesError,
    Item,
    Pick,
    Policy,
    Rota,
    Rule,
    Target,
    Track,
    decide,
)
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.worktime import Absence, Layer

LONDON = ZoneInfo("Europe/London")
OFFICE = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"})
ALWAYS = BusinessCalendar.always("Europe/London")
MICROSECOND = timedelta(microseconds=1)
DAYS = {"mon": 2, "tue": 3, "wed": 4, "thu": 5, "fri": 6, "sat": 7, "sun": 8}


def when(text: str) -> datetime:
    """An instant such as `mon 09:00`, `mon+1 09:00` for a week later, or `05-22 09:30` for a date in 2026.

    >>> when("tue 14:30").isoformat()
    '2026-03-03T14:30:00+00:00'
    >>> when("05-22 09:30").isoformat()
    '2026-05-22T09:30:00+01:00'
    """
    day, clock = text.split()
    name, _, weeks = day.partition("+")
    if name not in DAYS:
        return datetime.fromisoformat(f"2026-{day} {clock}").replace(tzinfo=LONDON)
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 3, DAYS[name], hour, minute, tzinfo=LONDON) + timedelta(weeks=int(weeks or 0))


def after(hours: float) -> datetime:
    """The instant so many hours after Monday 09:00, at which cases are opened."""
    return when("mon 09:00") + timedelta(hours=hours)


def instant(at: str | datetime) -> datetime:
    """The instant that a text or a datetime names."""
    return when(at) if isinstance(at, str) else at


def desk(*rules: Any, **changes: Any) -> Policy:
    """A policy of three levels in office hours, with these rules. A level may be given by its key."""
    fields: dict[str, Any] = {
        "name": "desk",
        "version": "1",
        "calendars": {"office": OFFICE},
        "calendar": "office",
        "priorities": ("low", "normal", "high", "urgent"),
        "levels": levels(),
        "rules": rules,
    }
    if "tracks" in changes:
        del fields["levels"]
    fields |= changes
    if isinstance(fields.get("levels"), tuple):
        fields["levels"] = tuple(EscalationLevel(key=one) if isinstance(one, str) else one for one in fields["levels"])
    return Policy(**fields)


def levels(**changes: dict[str, Any]) -> tuple[EscalationLevel, ...]:
    """The levels `l1`, `l2` and `l3`, with changes by key."""
    return tuple(EscalationLevel(key=key, **changes.get(key, {})) for key in ("l1", "l2", "l3"))


def opened(*events: Any, at: str | datetime = "mon 09:00", **fields: Any) -> Case:
    """A case opened on Monday at nine, with these events."""
    return Case.open("C-1", at=instant(at), **fields).record(*events)


def accepted(policy: Policy, case: Case, at: str | datetime) -> Case:
    """The case after everything asked for at an instant has been accepted."""
    return case.record(*decide(policy, case, at=instant(at)).accept(at=instant(at), by="desk"))


def moves(policy: Policy, case: Case, at: str | datetime) -> list[tuple[str, datetime]]:
    """The moves asked for at an instant: the level and the due of each."""
    return [(move.to, move.due_at) for move in decide(policy, case, at=instant(at)).moves]


def levels_reached(policy: Policy, case: Case, at: str | datetime) -> list[str]:
    """The levels that the moves asked for at an instant go to."""
    return [to for to, _ in moves(policy, case, at)]


def clock(policy: Policy, case: Case, at: str | datetime, target: str = "resolution") -> Deadline:
    """The latest deadline of a target at an instant."""
    return decide(policy, case, at=instant(at)).deadline(target)


def deadline(target: Target, case: Case, at: str | datetime, **changes: Any) -> Deadline:
    """The latest deadline of a target at an instant, under a policy that has no other target."""
    return clock(desk(targets=(target,), **changes), case, at, target.key)


def refusal(make: Callable[[], Any]) -> str:
    """The text of the error that `make` raises: lowercase at its start, without a full stop at its end."""
    with pytest.raises(EscalationRulesError) as caught:
        make()
    text = str(caught.value)
    assert text[0].islower() or text[0] in "`0123456789"
    assert not text.endswith(".")
    return text


_ENTRY = Checklist.of(
    Item("impact", "Is the business impact described?", valid_for="3 days"),
    Item("workaround", "Is there a workaround?", answers=("none", "poor", "good"), blocked_by=("good",)),
)
_EXIT = Checklist.of(agreed="Does the customer agree?")

EVERYTHING = Policy(
    name="everything",
    version="1",
    calendars={
        "office": BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"}, "GB-ENG"),
        "late": BusinessCalendar("Europe/London", {"mon-sun": "22:00-06:00"}),
        "always": BusinessCalendar.always(),
    },
    calendar="office",
    priorities=("low", "normal", "high"),
    facts=(F.flag("production_down"), F.count("seats", minimum=0, maximum=1_000)),
    tracks=(
        Track(
            key="expertise",
            levels=(
                EscalationLevel(key="first", owner="analyst"),
                EscalationLevel(
                    key="second",
                    owner="specialist",
                    alternates=("analyst",),
                    entry=_ENTRY,
                    de_escalation=_EXIT,
                    min_stay="1 day",
                ),
                EscalationLevel(
                    key="third",
                    owner="developer",
                    if_nobody="hold",
                    min_stay="2 days",
                    de_escalation=_EXIT,
                    targets=(Target.review("1 business day", recurring=True),),
                ),
            ),
        ),
        Track(
            key="management",
            calendar="always",
            levels=(
                EscalationLevel(key="manager", owner="manager", on_entry=(A.Notify("analyst"), A.Assign("manager"))),
                EscalationLevel(key="director", owner="director", min_stay="2 days"),
            ),
        ),
    ),
    rules=(
        Rule(key="not solved here", when=F.level_failed, to="next", track="expertise"),
        Rule(key="half used", when=F.used("resolution") >= "1/2", to="second"),
        Rule(key="seats", when=(F.count("seats") >= 100) & (F.priority >= "high"), to="third", checklist="waived"),
        Rule(key="stuck", when=F.at_level_for >= "16 business hours", at_level="first", to="second"),
        Rule(key="down", when=F.flag("production_down"), to="manager"),
        Rule(key="left alone", when=F.unanswered_for >= "8 business hours", to="manager"),
        Rule(key="asked for", when=F.happened(E.ATTENTION_REQUEST), to="next", track="management"),
        Rule(key="urgent", when=F.priority == "high", to="next", track="management"),
        Rule(key="long open", when=F.open_for >= "5 days", then=(A.RaisePriority("next"), A.Tag("old"))),
        Rule(key="late", when=F.outcome("resolution") == "breached", to="director"),
    ),
    targets=(
        Target.first_response("2 business hours"),
        Target.next_response("4 business hours", when=F.priority >= "normal"),
        Target.resolution(
            Pick(by="priority", values={"high": "8 business hours", "normal": "2 business days"}, otherwise="5 days"),
            pause_on=("customer", "vendor"),
            calendar=Pick(by="priority", values={"high": "late"}, otherwise="office"),
        ),
        Target.post_mortem("2 business days"),
    ),
    rotas={
        "developer": Rota(
            layers=(Layer(members=("Dan", "Eve"), start="2026-03-02T09:00:00Z", turn="1 week"),),
            absences=(Absence(start="2026-03-03T00:00:00Z", end="2026-03-12T00:00:00Z"),),
        ),
        "director": Rota(person="Dee", absences=(Absence(start="2026-01-01T00:00:00Z", end="2026-12-31T00:00:00Z"),)),
        "specialist": Rota(person="Sue", absences=(Absence(start="2026-03-02T12:00:00Z", end="2026-03-28T00:00:00Z"),)),
    },
)
"""A policy that has a little of everything, so that every promise means something."""
