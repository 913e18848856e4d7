"""`Rota`: who of a role is on duty when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import BeforeValidator, field_validator, model_validator

from escalation_rules._values import Instant, InstantLike, Value, read_instant
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.worktime._timeline import CONTINUOUS, DAY, Window, datetime_of, load_zone, microseconds_of
from escalation_rules.worktime.arithmetic import Calendar, instant_of
from escalation_rules.worktime.calendars import AnyCalendar
from escalation_rules.worktime.turns import Layer, Turns
from escalation_rules.worktime.zones import ZoneLike, known_zone

__all__ = ["Absence", "Rota", "Shift", "next_cover_change"]


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
        self, start: datetime, end: datetime, cover: AnyCalendar | None = None
    ) -> tuple[tuple[datetime, datetime], ...]:
        """The times between two instants, each as (from, to), at which nobody is on duty.

        With `cover` only the openings of that calendar have to be covered. A time that is empty or reversed has
        none, as such a time has no openings. Raises `InvalidValue` for a naive datetime and for what is no calendar.

        >>> from datetime import datetime, timezone
        >>> monday = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
        >>> rota = Rota(layers=(Layer(("ann",), monday, "8 hours", every="FREQ=WEEKLY;BYDAY=MO,TU"),))
        >>> [(a.day, a.hour, b.hour) for a, b in rota.gaps(monday, monday.replace(day=3, hour=17))]
        [(2, 17, 9)]
        """
        if not isinstance(cover, Calendar | None):
            raise InvalidValue(Problem("not a calendar", cover, path="cover", expected="a `BusinessCalendar`"))
        first, last = instant_of(start), instant_of(end)
        wanted = (CONTINUOUS if cover is None else cover.line).windows(first, last)
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
    def _turns(self) -> tuple[Turns, ...]:
        zone = cast(tzinfo, load_zone(self.timezone))  # the field was checked when the rota was made
        return tuple(Turns(layer, zone) for layer in self.layers)

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
