"""`Rota`: who of a role is on duty when, by layers of people who take turns, overrides and absences.

Handovers are a length of time apart, or come by a recurrence. They are wall time: where a handover's time is skipped it
is at the first instant after the gap, where it is repeated at its first occurrence. Only a turn in hours elapses.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrule, rrulestr
from pydantic import BeforeValidator, field_validator, model_validator

from escalation_rules._values import Instant, InstantLike, Texts, Value, read_instant
from escalation_rules.errors import InvalidValue, Problem, nearest
from escalation_rules.worktime._timeline import (
    CONTINUOUS,
    DAY,
    Window,
    ZoneLike,
    datetime_of,
    instant_of_wall,
    known_zone,
    load_zone,
    microseconds_of,
)
from escalation_rules.worktime.calendars import LONG_ENOUGH, AnyCalendar, Calendar, instant_of, wall_step
from escalation_rules.worktime.spans import Span, SpanLike

__all__ = ["Absence", "Rota", "Shift", "next_cover_change"]


_PERIODS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}
"""How many days a recurrence may take to come round. What is more frequent is a turn in hours."""
_PARTS = (
    *("FREQ", "INTERVAL", "COUNT", "WKST", "BYSETPOS", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY"),
    *("BYHOUR", "BYMINUTE", "BYSECOND"),
)
_EXPECTED = "an RRULE such as `FREQ=WEEKLY;BYDAY=MO,TH`"


def _read_rule(given: Any) -> Any:
    """The text of a recurrence, checked. Until when it goes on is said by the layer, in an instant."""
    text = str(given).upper().replace(" ", "").removeprefix("RRULE:").strip(";")
    parts = dict(part.partition("=")[::2] for part in text.split(";"))
    if wrong := [name for name in parts if name not in _PARTS]:
        meant = "until" if wrong[0] == "UNTIL" else nearest(wrong[0], map(str.lower, _PARTS)).upper()
        raise InvalidValue(Problem("unknown part of a recurrence", wrong[0], expected=_EXPECTED, suggestion=meant))
    if parts.get("FREQ") not in _PERIODS:
        expected = "DAILY, WEEKLY, MONTHLY or YEARLY; for hours give a `turn`"
        raise InvalidValue(Problem("not a frequency", parts.get("FREQ"), expected=expected))
    return text


Recurrence = Annotated[str, BeforeValidator(_read_rule)]


def _rule(text: str, start: datetime) -> rrule:
    """The recurrence from a wall time on. Raises `ValueError` for what cannot be one."""
    found = rrulestr(text, dtstart=start)
    if not isinstance(found, rrule) or "INTERVAL=0" in text.replace("=00", "=0"):
        raise ValueError(text)
    return found


class Roster(Value):
    """Who takes turns from the first handover at or after `since` on."""

    since: Instant
    members: tuple[str, ...]

    if TYPE_CHECKING:

        def __init__(self, since: InstantLike, members: Texts) -> None: ...


class Layer(Value):
    """People who take turns from `start` until `until`, on duty only `during` the openings of a calendar, if given.

    A turn lasts a `turn` (a week unless said): one of hours elapses, one of days, weeks or months hands over at the
    same wall time. With `rrule`, an RFC 5545 recurrence, turns begin when it says, at the wall time of `start` unless
    it says otherwise, and last until the next begins or, if given, a `turn`; so a weekly shift is a layer of one
    member. The first turn begins at `anchor`, or else at `start`: a layer that starts later with the same anchor goes
    on with the same turns. `changes` says who takes turns from when on; the order goes on from whose turn it would
    have been, and what was before stays as it was. Written with `with_member` and `without_member`. Raises
    `InvalidValue`.

    >>> from datetime import datetime, timezone
    >>> monday = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> nights = Layer(("ann", "ben"), monday.replace(hour=18), "15 hours", rrule="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH")
    >>> from escalation_rules import Rota
    >>> Rota(layers=(nights,)).on_duty(monday.replace(day=3, hour=22))
    'ben'
    """

    members: tuple[str, ...]
    start: Instant
    turn: Span | None = None
    until: Instant | None = None
    rrule: Recurrence | None = None
    during: AnyCalendar | None = None
    anchor: Instant | None = None
    changes: tuple[Roster, ...] = ()

    if TYPE_CHECKING:

        def __init__(
            self,
            members: Texts,
            start: InstantLike,
            turn: SpanLike | None = None,
            until: InstantLike | None = None,
            rrule: str | None = None,
            during: AnyCalendar | None = None,
            anchor: InstantLike | None = None,
            changes: Sequence[Roster] = (),
        ) -> None: ...

    @model_validator(mode="after")
    def _turns(self) -> Self:
        if problems := list(self._problems()):
            raise InvalidValue(*problems)
        return self

    def _problems(self) -> Iterator[Problem]:
        if not self.members:
            yield Problem("a layer without members", path="members", expected="at least one")
        for number, roster in enumerate(self.changes):
            if not roster.members:
                yield Problem("a layer without members", path=f"changes[{number}].members", expected="at least one")
        if self.turn is not None and (self.turn.is_business or not self.turn.amount):
            yield Problem("not a turn", self.turn, "turn", "hours, days, weeks or months, and some of them")
        if self.anchor is not None and self.anchor > self.start:
            yield Problem("an anchor after the start", self.anchor, "anchor", f"{self.start.isoformat()} or earlier")
        if self.until is not None and self.until < self.start:
            yield Problem(
                "a time that ends before it begins", self.until, "until", f"{self.start.isoformat()} or later"
            )
        sinces = [roster.since for roster in self.changes]
        if sinces != sorted(set(sinces)):
            yield Problem("changes of members out of order", path="changes", expected="each later than the one before")
        if self.rrule is not None and not _comes(self.rrule, self.start.replace(tzinfo=None)):
            yield Problem("a recurrence that never comes", self.rrule, "rrule", _EXPECTED)

    def with_member(self, who: str, *, since: datetime) -> Layer:
        """The layer with one more member, at the end of the order, from the first handover at or after `since`."""
        return self._changed((*self._latest, who), since)

    def without_member(self, who: str, *, since: datetime) -> Layer:
        """The layer without a member from the first handover at or after `since`."""
        return self._changed(tuple(one for one in self._latest if one != who), since)

    @property
    def _latest(self) -> tuple[str, ...]:
        return self.changes[-1].members if self.changes else self.members

    def _changed(self, members: tuple[str, ...], since: datetime) -> Layer:
        return self.model_copy(update={"changes": (*self.changes, Roster(since=since, members=members))})


def _comes(text: str, start: datetime) -> bool:
    """Whether a recurrence comes at all within forty years, by when the rarest has come."""
    try:
        return (
            next(iter(_rule(text, start).replace(count=None, until=start + relativedelta(years=40))), None) is not None
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


class _Steps:
    """Handovers a length of time apart: the k-th is k lengths after the first."""

    def __init__(self, start: int, turn: Span, zone: tzinfo) -> None:
        self._start, self._turn, self._zone = start, turn, zone
        self._wall = _wall(start, zone)
        days = {"days": 1, "weeks": 7, "months": 30}
        self.about = turn.microseconds or int(turn.amount) * days[turn.unit] * DAY

    def begin(self, number: int) -> int:
        """When a turn begins."""
        if self._turn.microseconds is not None:
            return self._start + number * self._turn.microseconds
        if number == 0:
            return self._start
        return instant_of_wall(self._wall + wall_step(self._turn.unit, int(self._turn.amount) * number), self._zone)

    def number_at(self, instant: int) -> int:
        """Which turn an instant is in."""
        number = max((instant - self._start) // self.about, 0)
        while self.begin(number) > instant and number > 0:
            number -= 1
        while self.begin(number + 1) <= instant:
            number += 1
        return number


class _Occurrences:
    """Handovers by a recurrence, found one after the other as they are asked for, and kept."""

    def __init__(self, start: int, text: str, zone: tzinfo) -> None:
        rule = _rule(text, _wall(start, zone))
        parts = dict(part.split("=") for part in text.split(";"))
        self.about = _PERIODS[parts["FREQ"]] * int(parts.get("INTERVAL", 1)) * DAY
        self._coming = (instant_of_wall(wall, zone) for wall in rule)
        self._found: list[int] = []
        self._lock = Lock()

    def begin(self, number: int) -> int | None:
        """When a turn begins; None if there are not so many."""
        while len(self._found) <= number:
            if not self._next():
                return None
        return self._found[number]

    def number_at(self, instant: int) -> int:
        """Which turn an instant is in or after; -1 before the first."""
        while not self._found or self._found[-1] <= instant:
            if not self._next():
                break
        return bisect_right(self._found, instant) - 1

    def _next(self) -> bool:
        with self._lock:
            following = next(self._coming, None)
            if following is not None:
                self._found.append(following)
            return following is not None


class Handovers:
    """The turns of a layer as instants."""

    def __init__(self, layer: Layer, zone: tzinfo) -> None:
        start = microseconds_of(layer.anchor or layer.start)
        self._from = microseconds_of(layer.start)
        self._until = None if layer.until is None else microseconds_of(layer.until)
        self._handovers: _Steps | _Occurrences = (
            _Steps(start, layer.turn or Span(1, "weeks"), zone)
            if layer.rrule is None
            else _Occurrences(start, layer.rrule, zone)
        )
        self._length = layer.turn if layer.rrule is not None else None
        self._zone = zone
        self._line = layer.during.line if layer.during is not None else None
        self._orders = self._orders_of(layer)
        self._alone = self._length is None and layer.rrule is None and len({*layer.members}) == 1 and not layer.changes
        self.edges = [
            microseconds_of(edge)
            for edge in (layer.start, layer.until, *(one.since for one in layer.changes))
            if edge is not None
        ]
        self.cycle = max(len(order) for _, _, order in self._orders) * self._handovers.about

    def _orders_of(self, layer: Layer) -> list[tuple[int, int, tuple[str, ...]]]:
        """From which turn on, counting from which, who takes turns: a new order goes on where the old one was."""
        orders = [(0, 0, layer.members)]
        for roster in layer.changes:
            first = self._first_from(microseconds_of(roster.since))
            _, base, members = orders[-1]
            waiting = (members[(first - base + step) % len(members)] for step in range(len(members)))
            following = next((one for one in waiting if one in roster.members), roster.members[0])
            orders.append((first, first - roster.members.index(following), roster.members))
        return orders

    def _first_from(self, instant: int) -> int:
        """The first turn that begins at or after an instant."""
        number = max(self._handovers.number_at(instant - 1) + 1, 0)
        return 0 if instant <= (self._handovers.begin(0) or instant) else number

    def member_at(self, instant: int) -> str | None:
        """Whose turn it is."""
        if instant < self._from or (self._until is not None and instant >= self._until):
            return None
        number = self._handovers.number_at(instant)
        if number < 0 or not self._goes_on(number, instant) or not self._is_open(instant):
            return None
        _, base, members = next(order for order in reversed(self._orders) if order[0] <= number)
        return members[(number - base) % len(members)]

    def change_after(self, instant: int) -> int | None:
        """The next instant at which it may be somebody else's turn, or nobody's, within what the layer covers."""
        if self._until is not None and instant >= self._until:
            return None
        found = [self._next_edge(instant)]
        if not self._alone:
            number = self._handovers.number_at(instant)
            found.append(self._handovers.begin(number + 1))
            if number >= 0 and (end := self._end(number)) is not None and end > instant:
                found.append(end)
        return min((one for one in found if one is not None), default=None)

    def _goes_on(self, number: int, instant: int) -> bool:
        end = self._end(number)
        return end is None or instant < end

    def _end(self, number: int) -> int | None:
        """When a turn of a given length is over, unless the next begins before."""
        begin = self._handovers.begin(number)
        if self._length is None or begin is None:
            return None
        if self._length.microseconds is not None:
            return begin + self._length.microseconds
        wall = _wall(begin, self._zone) + wall_step(self._length.unit, int(self._length.amount))
        return instant_of_wall(wall, self._zone)

    def _is_open(self, instant: int) -> bool:
        return self._line is None or self._line.opened(instant + 1) > self._line.opened(instant)

    def _next_edge(self, instant: int) -> int | None:
        """When the calendar that the layer keeps to opens or closes next."""
        if self._line is None:
            return None
        if self._is_open(instant):
            return self._line.closing(instant, instant + LONG_ENOUGH)
        return self._line.latest(self._line.opened(instant))


def _wall(instant: int, zone: tzinfo) -> datetime:
    return datetime_of(instant, zone).replace(tzinfo=None, fold=0)


def _in_order(held: Any) -> Any:
    if held.end < held.start:
        expected = f"{held.start.isoformat()} or later"
        raise InvalidValue(Problem("a time that ends before it begins", held.end, path="end", expected=expected))
    return held


class Shift(Value):
    """A person's time on duty, from `start` up to `end`."""

    person: str
    start: Instant
    end: Instant

    _check_order = model_validator(mode="after")(_in_order)

    if TYPE_CHECKING:

        def __init__(self, person: str, start: InstantLike, end: InstantLike) -> None: ...


class Absence(Value):
    """A time, from `start` up to `end`, in which one person, or whoever it would be, is not on duty."""

    start: Instant
    end: Instant
    person: str | None = None

    _check_order = model_validator(mode="after")(_in_order)

    if TYPE_CHECKING:

        def __init__(self, start: InstantLike, end: InstantLike, person: str | None = None) -> None: ...


AbsenceLike = Absence | tuple[InstantLike, InstantLike] | tuple[InstantLike, InstantLike, str | None]
"""Whatever stands for an absence: an Absence, or its start and end with or without the person."""


def _pairs(given: Any) -> Any:
    if not isinstance(given, tuple | list):
        return given
    return tuple(dict(zip(_ABSENCE, one, strict=False)) if isinstance(one, tuple | list) else one for one in given)


_ABSENCE = ("start", "end", "person")


class Rota(Value):
    """Who of a role is on duty: overrides first, then the last layer that has somebody, then `person`.

    `timezone` is the zone of the handovers. Absences take a person (or everybody) off duty, but for overrides; the next
    layer below then has the duty. Of several overrides the last one given counts. Instants are aware datetimes.

    >>> from datetime import datetime, timedelta, timezone
    >>> monday = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> rota = Rota(person="carol", absences=((monday, monday + timedelta(days=7)),))
    >>> rota.on_duty(monday), rota.on_duty(monday + timedelta(days=7))
    (None, 'carol')
    """

    person: str | None = None
    layers: tuple[Layer, ...] = ()
    overrides: tuple[Shift, ...] = ()
    absences: Annotated[tuple[Absence, ...], BeforeValidator(_pairs)] = ()
    timezone: str = "UTC"

    if TYPE_CHECKING:

        def __init__(
            self,
            person: str | None = None,
            layers: Sequence[Layer] = (),
            overrides: Sequence[Shift] = (),
            absences: Sequence[AbsenceLike] = (),
            timezone: ZoneLike = "UTC",
        ) -> None: ...

    _check_zone = field_validator("timezone", mode="before")(known_zone)

    def on_duty(self, at: datetime) -> str | None:
        """The person on duty at an instant, if there is one."""
        return self.person_at(microseconds_of(read_instant(at)))

    def person_at(self, instant: int) -> str | None:
        """`on_duty` on microseconds since 1970."""
        for shift in reversed(self.overrides):
            if microseconds_of(shift.start) <= instant < microseconds_of(shift.end):
                return shift.person
        candidates = [*(turns.member_at(instant) for turns in reversed(self._turns)), self.person]
        return next((one for one in candidates if one is not None and not self._absent(one, instant)), None)

    def shifts(self, start: datetime, end: datetime) -> tuple[Shift, ...]:
        """Who is on duty when, between two instants: in order, without those times in which nobody is.

        What one person has without a break is one shift. Raises `InvalidValue` for a naive datetime.

        >>> from datetime import datetime, timedelta, timezone
        >>> monday = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
        >>> rota = Rota(layers=(Layer(("ann", "ben"), monday, "1 day"),))
        >>> [(shift.person, shift.start.day) for shift in rota.shifts(monday, monday + timedelta(days=2.5))]
        [('ann', 2), ('ben', 3), ('ann', 4)]
        """
        parts = self._parts(instant_of(start), instant_of(end))
        return tuple(Shift(person=who, start=datetime_of(a), end=datetime_of(b)) for a, b, who in parts)

    def gaps(
        self, start: datetime, end: datetime, *, during: AnyCalendar | None = None
    ) -> tuple[tuple[datetime, datetime], ...]:
        """The times between two instants, each as (from, to), at which nobody is on duty.

        With `during` only the openings of that calendar have to be covered. A time that is empty or reversed has
        none, as such a time has no openings. Raises `InvalidValue` for a naive datetime and for what is no calendar.

        >>> from datetime import datetime, timezone
        >>> monday = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
        >>> rota = Rota(layers=(Layer(("ann",), monday, "8 hours", rrule="FREQ=WEEKLY;BYDAY=MO,TU"),))
        >>> [(a.day, a.hour, b.hour) for a, b in rota.gaps(monday, monday.replace(day=3, hour=17))]
        [(2, 17, 9)]
        """
        if not isinstance(during, Calendar | None):
            raise InvalidValue(Problem("not a calendar", during, path="during", expected="a `BusinessCalendar`"))
        first, last = instant_of(start), instant_of(end)
        wanted = (CONTINUOUS if during is None else during.line).windows(first, last)
        covered = [(a, b) for a, b, _ in self._parts(first, last)]
        found = [gap for a, b in wanted for gap in _left(a, b, covered)]
        return tuple((datetime_of(a, start.tzinfo), datetime_of(b, start.tzinfo)) for a, b in found)

    def _parts(self, start: int, end: int) -> list[tuple[int, int, str]]:
        """The shifts between two instants, on microseconds."""
        found: list[tuple[int, int, str]] = []
        step: int | None = start
        while step is not None and step < end:
            person, following = self.person_at(step), self._boundary_after(step)
            edge = end if following is None else min(following, end)
            if found and found[-1][1:] == (step, person):
                found[-1] = (found[-1][0], edge, found[-1][2])
            elif person is not None:
                found.append((step, edge, person))
            step = following
        return found

    def next_change(self, instant: int) -> int | None:
        """The first later instant at which somebody else, or nobody, is on duty; None if that never comes."""
        now = self.person_at(instant)
        horizon = self.horizon(instant)
        step = self._boundary_after(instant)
        while step is not None and step <= horizon:
            if self.person_at(step) != now:
                return step
            step = self._boundary_after(step)
        return None

    def horizon(self, instant: int) -> int:
        """An instant by which everything that repeats has come round.

        Counted from an instant or the last fixed date.
        """
        return max([instant, *self._edges]) + 2 * sum((turns.cycle for turns in self._turns), 400 * DAY)

    def _boundary_after(self, instant: int) -> int | None:
        index = bisect_right(self._edges, instant)
        found = [change for turns in self._turns if (change := turns.change_after(instant)) is not None]
        return min([*self._edges[index : index + 1], *found], default=None)

    def _absent(self, person: str, instant: int) -> bool:
        return any(
            microseconds_of(one.start) <= instant < microseconds_of(one.end)
            for one in self.absences
            if one.person in {None, person}
        )

    @cached_property
    def _turns(self) -> tuple[Handovers, ...]:
        zone = cast(tzinfo, load_zone(self.timezone))  # the field was checked when the rota was made
        return tuple(Handovers(layer, zone) for layer in self.layers)

    @cached_property
    def _edges(self) -> list[int]:
        edges = [edge for one in self.overrides for edge in (one.start, one.end)]
        edges += [edge for one in self.absences for edge in (one.start, one.end)]
        turning = [edge for turns in self._turns for edge in turns.edges]
        return sorted({*turning, *(microseconds_of(edge) for edge in edges)})


def _left(start: int, end: int, covered: list[Window]) -> Iterator[Window]:
    """What is not covered of a time."""
    for first, last in covered:
        if last > start and first < end:
            if start < first:
                yield start, first
            start = last
    if start < end:
        yield start, end


def next_cover_change(rotas: Sequence[Rota], instant: int) -> int | None:
    """The first later instant at which whether anybody at all is on duty changes; None if that never comes."""
    covered = any(rota.person_at(instant) is not None for rota in rotas)
    horizon = max(rota.horizon(instant) for rota in rotas)
    step = min((one for one in (rota.next_change(instant) for rota in rotas) if one is not None), default=None)
    while step is not None and step <= horizon:
        if any(rota.person_at(step) is not None for rota in rotas) != covered:
            return step
        step = min((one for one in (rota.next_change(step) for rota in rotas) if one is not None), default=None)
    return None
