"""`kpis`: counts, times to answer, targets kept, resolution, causes; the shares and spreads of all figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Literal, NamedTuple, cast, get_args

from escalation_rules import events as E
from escalation_rules._arguments import cases_of, check_policy
from escalation_rules._values import Frozen, FrozenDict, Instant, Value, read_instant
from escalation_rules.case import Case
from escalation_rules.engine import deadlines
from escalation_rules.errors import UnknownName, unknown
from escalation_rules.explain import phrase_instant
from escalation_rules.policy import Policy
from escalation_rules.record import rises, timezone_of, walked
from escalation_rules.worktime import load_zone


class Rate(Value):
    """How many of how many.

    >>> str(Rate(part=3, whole=4)), Rate(part=3, whole=4).share, Rate().share
    ('3 of 4 (75 %)', 0.75, None)
    """

    part: int = 0
    whole: int = 0

    @property
    def share(self) -> float | None:
        """The share from 0 to 1; None of nothing."""
        return self.part / self.whole if self.whole else None

    def __str__(self) -> str:
        return f"{self.part} of {self.whole}" + (
            f" ({self.part / self.whole:.0%})".replace("%", " %") if self.whole else ""
        )


class Spread(Value):
    """How long something took over several times: elapsed time, nights and weekends included.

    >>> str(Spread.of([timedelta(hours=1), timedelta(hours=2), timedelta(hours=6)]))
    '3, mean 3:00 h, median 2:00 h, longest 6:00 h'
    """

    n: int = 0
    mean: timedelta | None = None
    median: timedelta | None = None
    longest: timedelta | None = None

    @classmethod
    def of(cls, lengths: Iterable[timedelta]) -> Spread:
        """The spread of some lengths of time; of none, only that there are none."""
        found = sorted(lengths)
        if not found:
            return cls()
        n = len(found)
        middle = (found[(n - 1) // 2] + found[n // 2]) / 2
        return cls(n=n, mean=sum(found, timedelta()) / n, median=middle, longest=found[-1])

    def __str__(self) -> str:
        told = {"mean": self.mean, "median": self.median, "longest": self.longest}
        parts = (f"{name} {phrase_length(length)}" for name, length in told.items() if length is not None)
        return ", ".join((str(self.n), *parts))


def page(head: str, rows: Iterable[tuple[str, object]]) -> str:
    """Plain text: a headline, and under it the figures, one a line, with what they are in a column of its own.

    >>> print(page("C-1", [("age", "2:00 h"), ("replies", 3)]))
    C-1
      age      2:00 h
      replies  3
    """
    listed = list(rows)
    width = max((len(label) for label, _ in listed), default=0)
    return "\n".join([head, *(f"  {label:<{width}}  {text}" for label, text in listed)])


def phrase_length(length: timedelta) -> str:
    """A length of time in hours and minutes, or in days and hours from two days on.

    >>> phrase_length(timedelta(minutes=90)), phrase_length(timedelta(days=3, hours=5, minutes=59))
    ('1:30 h', '3 d 5 h')
    """
    hours, seconds = divmod(int(length.total_seconds()), 3600)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours}:{seconds // 60:02} h"


Period = Literal["day", "week", "month", "quarter", "year"]
CAUSES = {True: "service issue", False: "no service issue", None: "not said"}
"""What a post-mortem says of the cause; most say that there is nobody to blame."""


class Attainment(Value):
    """How the instances of a target did that started in a period, on a level.

    `by_change` are breaches that only a change of priority, level or calendar caused; they are among the breached.
    """

    target: str
    level: str | None
    met: int = 0
    breached: int = 0
    by_change: int = 0
    pending: int = 0
    void: int = 0

    @property
    def rate(self) -> Rate:
        """Met among those met or breached."""
        return Rate(part=self.met, whole=self.met + self.breached)


class Kpi(Value):
    """The figures of one group in one period; `start` is the period's first instant, None for all time.

    `escalations` are requests for attention, `elevations` requests for expertise, `moves` moves up by track: each is
    counted apart. `time_to_answer` spreads over the escalations that were answered; `unanswered` are the others.
    `first_resolution` and `total_resolution` are elapsed from the opening, to the first and to the last time the case
    was resolved. `causes` are those that post-mortems recorded, without blame.
    """

    start: Instant | None = None
    group: str | None = None
    opened: int = 0
    escalation_requests: int = 0
    elevations: int = 0
    unanswered: int = 0
    time_to_answer: Spread = Spread()
    moves: Frozen[str, int] = FrozenDict()
    status_requests: int = 0
    reopenings: int = 0
    first_resolution: Spread = Spread()
    total_resolution: Spread = Spread()
    attainment: tuple[Attainment, ...] = ()
    causes: Frozen[str, int] = FrozenDict()

    def attained(self, target: str) -> Rate:
        """Met among those met or breached of a target, over all levels."""
        found = [one for one in self.attainment if one.target == target]
        return Rate(part=sum(one.met for one in found), whole=sum(one.met + one.breached for one in found))


class Kpis(Value):
    """Figures per period and group, the earliest period first. Printed, it is a page."""

    policy: str
    version: str
    at: Instant
    timezone: str = "UTC"
    every: str | None = None
    by: str | None = None
    rows: tuple[Kpi, ...] = ()

    def __str__(self) -> str:
        return self.explain()

    def explain(self) -> str:
        """The figures as a page of text, one part for each row."""
        zone = load_zone(self.timezone)
        told = f"policy {self.policy} {self.version}, up to {phrase_instant(self.at, zone)} ({self.timezone})"
        parts = (page(self._title(row, zone), _figures(row)) for row in self.rows)
        return "\n".join((told, *parts))

    def _title(self, row: Kpi, zone: tzinfo | None) -> str:
        period = "all time" if row.start is None else f"{self.every} from {row.start.astimezone(zone).date()}"
        return period if self.by is None else f"{period}, {self.by} {row.group or 'not set'}"

    def row(self, group: str | None = None, start: datetime | None = None) -> Kpi:
        """The first row of a group, or of a group in the period that starts then; zeros where there is none."""
        for one in self.rows:
            if one.group == group and (start is None or one.start == read_instant(start)):
                return one
        return Kpi(start=start, group=group)


def kpis(
    policy: Policy, cases: Iterable[Case], *, at: datetime, every: Period | None = None, by: str | None = None
) -> Kpis:
    """Figures over cases up to an instant, per period and by whom or what.

    `every` is a day, week (from Monday), month, quarter or year in the zone of the policy's usual calendar. `by` is
    "analyst" (whoever is assigned), "level" (on the first track), "priority", "channel" (of the opening), or a role
    that is filled on cases. Each thing belongs to the period in which it began: a request with its answer, an instance
    of a target with its outcome; and to the group that the case belonged to when it ended, or at `at`. Void cases are
    left out. Raises `UnknownName` for a `every` or `by` that is none of these, and as `decide` does.

    >>> from datetime import datetime, timezone
    >>> from escalation_rules import events as E, presets
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> asked = E.EscalationRequested(at=nine.replace(hour=10), channel="utility")
    >>> case = Case.open("U-1", at=nine).record(asked, E.EscalationRequestAnswered(at=nine.replace(hour=11)))
    >>> found = kpis(presets.escalation_utility(), [case], at=nine.replace(hour=12), every="month")
    >>> str(found.rows[0].time_to_answer)
    '1, mean 1:00 h, median 1:00 h, longest 1:00 h'
    """
    check_policy(policy)
    _check_period(every)
    moment, zone = read_instant(at), load_zone(timezone_of(policy))
    known = [case for case in cases_of(cases) if case.opened_at <= moment and case.status(at=moment) != "void"]
    grouped = _grouping(policy, by)
    found: dict[tuple[datetime | None, str | None], list[_Mark]] = {}
    for case in known:
        for mark in _marks(policy, case, moment):
            start = None if every is None else _start(mark.at.astimezone(zone), every)
            found.setdefault((start, grouped(case, min(mark.until, moment))), []).append(mark)
    rows = (_row(start, group, marks) for (start, group), marks in found.items())
    return Kpis(
        policy=policy.name,
        version=policy.version,
        at=at,
        timezone=timezone_of(policy),
        every=every,
        by=by,
        rows=tuple(sorted(rows, key=lambda one: (one.start or moment, one.group or ""))),
    )


def _figures(row: Kpi) -> Iterator[tuple[str, object]]:
    yield "opened", row.opened
    yield "escalations", f"{row.escalation_requests}, unanswered {row.unanswered}"
    yield "time to answer", row.time_to_answer
    yield "elevations", row.elevations
    yield "moves up", _counts(row.moves)
    yield "status requests", row.status_requests
    yield "reopened", row.reopenings
    yield "first resolution", row.first_resolution
    yield "total resolution", row.total_resolution
    for one in row.attainment:
        more = {"by a change": one.by_change, "pending": one.pending, "void": one.void}
        others = "".join(f", {name} {count}" for name, count in more.items() if count)
        yield f"{one.target}" + (f" on {one.level}" if one.level else ""), f"{one.rate} kept{others}"
    yield "causes", _counts(row.causes)


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in found.items()) or "0"


class _Mark(NamedTuple):
    """Something to count: what kind, when it began and ended, and what to count it under."""

    kind: str
    at: datetime
    until: datetime
    key: tuple[str | None, ...] = ()
    length: timedelta | None = None


def _marks(policy: Policy, case: Case, at: datetime) -> Iterator[_Mark]:
    yield _Mark("opened", case.opened_at, at)
    yield from _of_events(policy, case, at)
    yield from (_Mark("move", event.at, event.at, (track,)) for event, track in rises(policy, case, at))
    for kind, ended in (("first", case.first_resolved_at(at=at)), ("total", case.resolved_at(at=at))):
        if ended is not None:
            yield _Mark(kind, ended, ended, length=ended - case.opened_at)
    yield from _of_deadlines(policy, case, at)


def _of_events(policy: Policy, case: Case, at: datetime) -> Iterator[_Mark]:
    events = [step.event for step in walked(policy, case, at)]
    answers = [event.at for event in events if isinstance(event, E.EscalationRequestAnswered)]
    for event in events:
        if any(pattern.matches(event) for pattern in E.ATTENTION_REQUEST):
            answered = next((moment for moment in answers if moment >= event.at), None)
            length = None if answered is None else answered - event.at
            yield _Mark("escalation", event.at, answered or at, length=length)
        if isinstance(event, E.EscalationRequested) and event.wants == "expertise":
            yield _Mark("elevation", event.at, event.at)
        if isinstance(event, E.CustomerReplied) and event.asks_for_status:
            yield _Mark("status", event.at, event.at)
        if isinstance(event, E.Reopened):
            yield _Mark("reopened", event.at, event.at)
        if isinstance(event, E.PostMortemHeld):
            yield _Mark("cause", event.at, event.at, (CAUSES[event.service_issue],))


def _of_deadlines(policy: Policy, case: Case, at: datetime) -> Iterator[_Mark]:
    levels = [(step.event.at, next(iter(step.after.values()), None)) for step in walked(policy, case, at)]
    for one in deadlines(policy, case, at=at):
        started = cast(datetime, one.started_at)
        level = one.level or [level for moment, level in levels if moment <= started][-1]
        key = (one.target, level, one.outcome, "change" if one.breached_by_change else None)
        yield _Mark("deadline", started, one.stopped_at or at, key)


def _row(start: datetime | None, group: str | None, marks: list[_Mark]) -> Kpi:
    def of(kind: str) -> list[_Mark]:
        return [mark for mark in marks if mark.kind == kind]

    def spread(kind: str) -> Spread:
        return Spread.of(mark.length for mark in of(kind) if mark.length is not None)

    def counted(kind: str) -> FrozenDict[str, int]:
        return FrozenDict(sorted(Counter(str(mark.key[0]) for mark in of(kind)).items()))

    return Kpi(
        start=start,
        group=group,
        opened=len(of("opened")),
        escalation_requests=len(of("escalation")),
        elevations=len(of("elevation")),
        unanswered=sum(mark.length is None for mark in of("escalation")),
        time_to_answer=spread("escalation"),
        moves=counted("move"),
        status_requests=len(of("status")),
        reopenings=len(of("reopened")),
        first_resolution=spread("first"),
        total_resolution=spread("total"),
        attainment=tuple(_attainment(of("deadline"))),
        causes=counted("cause"),
    )


def _attainment(marks: list[_Mark]) -> Iterator[Attainment]:
    places = sorted({(str(mark.key[0]), mark.key[1] or "") for mark in marks})
    for target, level in places:
        keys = [mark.key for mark in marks if (mark.key[0], mark.key[1] or "") == (target, level)]
        outcomes = Counter(str(key[2]) for key in keys)
        yield Attainment(
            target=target,
            level=level or None,
            met=outcomes["met"],
            breached=outcomes["breached"],
            by_change=sum(key[2:] == ("breached", "change") for key in keys),
            pending=outcomes["pending"],
            void=outcomes["void"],
        )


def _grouping(policy: Policy, by: str | None) -> Callable[[Case, datetime], str | None]:
    """The group of a case at an instant."""
    if by is None:
        return lambda _case, _moment: None
    if by == "level":
        return lambda case, moment: _level(policy, case, moment)
    if by == "priority":
        return lambda case, moment: case.priority(at=moment)
    if by == "channel":
        return lambda case, _moment: next(one.channel for one in case.history if isinstance(one, E.Opened))
    roles = ("analyst", "assignee", *policy.roles)
    if by not in roles:
        raise UnknownName(unknown("group", by, ("level", "priority", "channel", *roles)))
    names = ("analyst", "assignee") if by == "analyst" else (by,)
    return lambda case, moment: _assigned(case, moment, names)


def _level(policy: Policy, case: Case, at: datetime) -> str | None:
    *_, last = walked(policy, case, at)
    return next(iter(last.after.values()), None)


def _assigned(case: Case, at: datetime, roles: Iterable[str]) -> str | None:
    held = case.assigned(at=at)
    return next((held[role] for role in roles if held.get(role) is not None), None)


def _check_period(every: str | None) -> None:
    if every is not None and every not in get_args(Period):
        raise UnknownName(unknown("period", every, get_args(Period), "every"))


def _start(local: datetime, every: Period) -> datetime:
    """The first instant of the period that a local time is in."""
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if every == "day":
        return day
    if every == "week":
        return day - timedelta(days=day.weekday())
    month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[every]
    return day.replace(month=month, day=1)
