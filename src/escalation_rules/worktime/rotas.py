"""`Rota`: who of a role is on duty when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Self

from dateutil.relativedelta import relativedelta
from pydantic import BeforeValidator, field_validator, model_validator

from escalation_rules._values import Instant, Value, read_instant
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.worktime._timeline import DAY, datetime_of, instant_of_wall, load_zone, microseconds_of
from escalation_rules.worktime.calendars import BusinessCalendar, known_zone
from escalation_rules.worktime.spans import Span

__all__ = ["Absence", "Layer", "Rota", "Shift", "next_cover_change"]


class Shift(Value):
    """A person's time on duty, from `start` up to `end`."""

    person: str
    start: Instant
    end: Instant


class Absence(Value):
    """A time, from `start` up to `end`, in which one person, or whoever it would be, is not on duty."""

    start: Instant
    end: Instant
    person: str | None = None


class Layer(Value):
    """People who take turns from `start` on, each for a `turn`, until `until`.

    A turn of hours elapses; a turn of days, weeks or months hands over at the same wall time: at the first instant
    after the gap where that time is skipped, at its first occurrence where it is repeated.
    """

    members: tuple[str, ...]
    start: Instant
    turn: Span = Span(1, "weeks")
    until: Instant | None = None

    @model_validator(mode="after")
    def _turns(self) -> Self:
        if not self.members:
            raise InvalidValue(Problem("a layer without members", path="members", expected="at least one"))
        if self.turn.is_business or not self.turn.amount:
            expected = "hours, days, weeks or months, and some of them"
            raise InvalidValue(Problem("not a turn", self.turn, path="turn", expected=expected))
        return self


def _pairs(given: Any) -> Any:
    return tuple(dict(zip(_ABSENCE, one, strict=False)) if isinstance(one, tuple | list) else one for one in given)


_ABSENCE = ("start", "end", "person")


class Rota(Value):
    """Who of a role is on duty: overrides first, then the last layer that has somebody, then `person`.

    `timezone` is the zone of the handovers. Absences take a person (or everybody) off duty, but for overrides.

    >>> from datetime import timedelta, timezone
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

    def gaps(
        self, start: datetime, end: datetime, cover: BusinessCalendar | None = None
    ) -> tuple[tuple[datetime, datetime], ...]:
        """The times from `start` up to `end` in which nobody is on duty; with `cover`, those in its open hours only.

        >>> from datetime import timedelta, timezone
        >>> monday = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
        >>> rota = Rota(overrides=(Shift("carol", monday, monday + timedelta(hours=8)),))
        >>> [(since.hour, until.hour) for since, until in rota.gaps(monday, monday + timedelta(hours=12))]
        [(17, 21)]
        """
        found = tuple(self._uncovered(microseconds_of(read_instant(start)), microseconds_of(read_instant(end))))
        gaps = tuple((datetime_of(since), datetime_of(until)) for since, until in found)
        return gaps if cover is None else tuple(opening for gap in gaps for opening in cover.openings(*gap))

    def _uncovered(self, now: int, end: int) -> Iterator[tuple[int, int]]:
        while now < end:
            change = self.next_change(now)
            until = end if change is None else min(change, end)
            if self.person_at(now) is None:
                yield now, until
            now = until

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
        found = [turns.handover_after(instant) for turns in self._turns if len(turns.members) > 1]
        return min([*self._edges[index : index + 1], *found], default=None)

    def _absent(self, person: str, instant: int) -> bool:
        return any(
            microseconds_of(one.start) <= instant < microseconds_of(one.end)
            for one in self.absences
            if one.person in {None, person}
        )

    @cached_property
    def _turns(self) -> tuple[_Turns, ...]:
        return tuple(_Turns(layer, self.timezone) for layer in self.layers)

    @cached_property
    def _edges(self) -> list[int]:
        edges = [edge for one in self.overrides for edge in (one.start, one.end)]
        edges += [edge for one in self.absences for edge in (one.start, one.end)]
        edges += [edge for layer in self.layers for edge in (layer.start, layer.until) if edge is not None]
        return sorted({microseconds_of(edge) for edge in edges})


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


class _Turns:
    """The turns of a layer as instants: the k-th begins k turns after the start."""

    def __init__(self, layer: Layer, timezone: str) -> None:
        self.members = layer.members
        self._start = microseconds_of(layer.start)
        self._until = None if layer.until is None else microseconds_of(layer.until)
        self._turn = layer.turn
        self._zone = load_zone(timezone)
        self._wall = layer.start.astimezone(self._zone).replace(tzinfo=None)
        self.cycle = len(layer.members) * self._about()

    def member_at(self, instant: int) -> str | None:
        """Whose turn it is."""
        if instant < self._start or (self._until is not None and instant >= self._until):
            return None
        return self.members[self._number_at(instant) % len(self.members)]

    def handover_after(self, instant: int) -> int:
        """When the next turn begins."""
        return self._begin(self._number_at(instant) + 1)

    def _number_at(self, instant: int) -> int:
        number = max((instant - self._start) // self._about(), 0)
        while self._begin(number) > instant and number > 0:
            number -= 1
        while self._begin(number + 1) <= instant:
            number += 1
        return number

    def _begin(self, number: int) -> int:
        if self._turn.microseconds is not None:
            return self._start + number * self._turn.microseconds
        if number == 0:
            return self._start
        count = int(self._turn.amount) * number
        step = relativedelta(**{self._turn.unit: count})  # type: ignore[arg-type]
        return instant_of_wall(self._wall + step, self._zone)  # type: ignore[arg-type]

    def _about(self) -> int:
        days = {"days": 1, "weeks": 7, "months": 30}
        return self._turn.microseconds or int(self._turn.amount) * days[self._turn.unit] * DAY
