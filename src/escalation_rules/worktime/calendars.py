"""Calendars as people state them: an office's hours, calendars put together, hours that change on a date.

>>> from datetime import datetime, timedelta, timezone
>>> from escalation_rules import BusinessCalendar
>>> day = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"}, "GB-ENG")
>>> lunch = BusinessCalendar("Europe/London", {"mon-fri": "12:30-13:00"})
>>> support = (day - lunch).changing({"2026-03-01": BusinessCalendar("Europe/London", {"mon-sat": "08:00-18:00"})})
>>> support.elapsed(datetime(2026, 2, 27, tzinfo=timezone.utc), datetime(2026, 3, 3, tzinfo=timezone.utc))
datetime.timedelta(seconds=63000)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, tzinfo
from functools import cached_property
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast

from pydantic import BeforeValidator, WrapValidator, field_validator, model_validator

from escalation_rules._values import Dated, Frozen, FrozenDict, show
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.worktime._holidays import Holidays, holidays_of, read_holidays
from escalation_rules.worktime._timeline import (
    CONTINUOUS,
    DAY,
    EPOCH_ORDINAL,
    SECOND,
    Continuous,
    DatedWindow,
    OpenLine,
    Window,
    load_zone,
    steady_offsets,
)
from escalation_rules.worktime.arithmetic import Calendar, once
from escalation_rules.worktime.hours import DAYS, WHOLE_DAY, Windows, days_of, read_hours, read_windows, seconds_of
from escalation_rules.worktime.segments import Reason
from escalation_rules.worktime.zones import ZoneLike, edges_of, known_zone

__all__ = ["AnyCalendar", "BusinessCalendar", "CombinedCalendar", "DatedCalendar"]

A_YEAR = range(20_454, 20_820)
"""The dates of 2026: every week of the year, and both changes of the clock."""


class Combining(Calendar):
    """A calendar that can be put together with others: `|` either, `&` both, `-` the one without the other."""

    def __or__(self, other: AnyCalendar) -> CombinedCalendar:
        return CombinedCalendar(cast(AnyCalendar, self), "|", other)

    def __and__(self, other: AnyCalendar) -> CombinedCalendar:
        return CombinedCalendar(cast(AnyCalendar, self), "&", other)

    def __sub__(self, other: AnyCalendar) -> CombinedCalendar:
        return CombinedCalendar(cast(AnyCalendar, self), "-", other)

    def changing(self, changes: Dated[AnyCalendar]) -> DatedCalendar:
        """This calendar until the first of the dates, and from each date on the calendar given for it.

        The shifts that start on a date follow the calendar of that date, so the past stays as it was.

        >>> from datetime import datetime, timedelta, timezone
        >>> from escalation_rules import BusinessCalendar
        >>> office = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"})
        >>> longer = office.changing({"2026-03-02": BusinessCalendar("Europe/London", {"mon-fri": "08:00-18:00"})})
        >>> monday = datetime(2026, 3, 2, tzinfo=timezone.utc)
        >>> longer.next_open(monday).hour, longer.next_open(monday - timedelta(days=7)).hour
        (8, 9)
        """
        return DatedCalendar(cast(AnyCalendar, self), changes)

    @property
    def recurring(self) -> AnyCalendar:
        """The hours that repeat for ever, without the dates that differ."""
        raise NotImplementedError


class BusinessCalendar(Combining):
    """The hours of an office: weekly, less public holidays, with dates that differ.

    `timezone` is an IANA name. `hours` maps days ("mon", "mon-fri") to a window or a list of windows. `holidays` is a
    country code with an optional subdivision ("US", "GB-ENG"), dates, or a mixture; public holidays are computed for
    whatever year is asked. `overrides` maps a date to that day's hours, empty for closed, and goes before a holiday.
    A holiday or override replaces the windows that start on that date. Windows are half-open and overlapping ones
    merge. Raises `InvalidValue`, also when the weekly hours never open.

    >>> from datetime import datetime, timezone
    >>> from escalation_rules import BusinessCalendar
    >>> office = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"}, "US", {"2026-12-24": "09:00-12:00"})
    >>> start = datetime(2026, 12, 24, 16, tzinfo=timezone.utc)  # 11:00 in New York
    >>> office.add(start, "3 business hours").isoformat()  # the rest of the half day, then Monday: Friday is Christmas
    '2026-12-28T16:00:00+00:00'
    """

    timezone: str
    hours: Annotated[Frozen[str, tuple[str, ...]], BeforeValidator(read_hours)]
    holidays: Annotated[tuple[date | str, ...], BeforeValidator(read_holidays)] = ()
    overrides: Frozen[date, Annotated[tuple[str, ...], BeforeValidator(read_windows)]] = FrozenDict()

    if TYPE_CHECKING:

        def __init__(
            self,
            timezone: ZoneLike,
            hours: Mapping[str, Windows],
            holidays: Holidays = (),
            overrides: Dated[Windows] = {},  # noqa: B006
        ) -> None: ...

    @classmethod
    def always(cls, timezone: ZoneLike = "UTC") -> Self:
        """The calendar that never closes.

        >>> from datetime import datetime, timezone
        >>> from escalation_rules import BusinessCalendar
        >>> saturday = datetime(2026, 3, 7, tzinfo=timezone.utc)
        >>> BusinessCalendar.always("UTC").add(saturday, "2 business hours").isoformat()
        '2026-03-07T02:00:00+00:00'
        """
        return cls(timezone, {"mon-sun": WHOLE_DAY})

    _check_zone = field_validator("timezone", mode="before")(known_zone)

    @model_validator(mode="after")
    def _opens(self) -> Self:
        if not self.hours:
            expected = "at least one window in the week"
            raise InvalidValue(Problem("a calendar that never opens", path="hours", expected=expected))
        return self

    @once
    def line(self) -> Continuous | OpenLine:
        """Open time as a line over instants, which extends itself when asked about times it does not cover yet."""
        if self.hours == {"mon-sun": WHOLE_DAY} and not self.holidays and not self.overrides:
            return CONTINUOUS
        return OpenLine(self.windows_in)

    @cached_property
    def zone(self) -> tzinfo:
        """The zone whose wall time the hours are in."""
        return cast(tzinfo, load_zone(self.timezone))  # the field was checked when the calendar was made

    @property
    def last_date(self) -> date:
        """The last date that differs, not counting public holidays: from then on the hours repeat."""
        listed = [one for one in self.holidays if isinstance(one, date)]
        return max([*listed, *self.overrides], default=date.min)

    @property
    def recurring(self) -> BusinessCalendar:
        """The hours that repeat for ever, without the dates that differ."""
        return BusinessCalendar(self.timezone, self.hours)

    def windows_in(self, days: range) -> Iterator[DatedWindow]:
        """The windows that start on each date: none on a date that the zone skipped."""
        own, closed = self._own_hours, self._holidays_in(days)
        return self._windows(days, lambda day: own[day] if day in own else () if day in closed else self._week_of(day))

    def reasons_in(self, days: range) -> Iterator[Reason]:
        """The weekly windows of each date that is a holiday or has hours of its own."""
        whys = self._holidays_in(days) | dict.fromkeys(self._own_hours, "other hours on this date")
        for opening, closing, day in self._windows(days, lambda day: self._week_of(day) if day in whys else ()):
            yield opening, closing, whys[day]

    def _windows(self, days: range, hours_on: Callable[[int], Sequence[Window]]) -> Iterator[DatedWindow]:
        for day, offset in zip(days, steady_offsets(days, self.zone), strict=True):
            for opening, closing in hours_on(day):
                if offset is not None:
                    midnight = day * DAY - offset
                    yield midnight + opening, midnight + closing, day
                else:
                    first, last = edges_of(day, opening, closing, self.zone)
                    if first < last:
                        yield first, last, day

    def _week_of(self, day: int) -> Sequence[Window]:
        return self._week[(day + 3) % 7]

    def _holidays_in(self, days: range) -> dict[int, str]:
        """What closes the dates of a run that are holidays."""
        if not self.holidays or not days:
            return {}
        first, last = (date.fromordinal(day + EPOCH_ORDINAL).year for day in (days[0], days[-1]))
        named = [holidays_of(code, year) for code in self._codes for year in range(first, last + 1)]
        return self._dates | {day: why for one in named for day, why in one.items()}

    @cached_property
    def _dates(self) -> dict[int, str]:
        listed = (one for one in self.holidays if isinstance(one, date))
        return {one.toordinal() - EPOCH_ORDINAL: "holiday" for one in listed}

    @cached_property
    def _codes(self) -> tuple[str, ...]:
        return tuple(one for one in self.holidays if isinstance(one, str))

    @cached_property
    def _own_hours(self) -> dict[int, list[Window]]:
        return {day.toordinal() - EPOCH_ORDINAL: _walls(windows) for day, windows in self.overrides.items()}

    @cached_property
    def _week(self) -> list[list[Window]]:
        by_day = {day: windows for days, windows in self.hours.items() for day in days_of(days)}
        return [_walls(by_day.get(day, ())) for day in range(len(DAYS))]


def _walls(windows: tuple[str, ...]) -> list[Window]:
    """Windows in microseconds of wall time from midnight."""
    return [(opening * SECOND, closing * SECOND) for opening, closing in map(seconds_of, windows)]


def _read_calendar(given: Any, handler: Callable[[Any], Any]) -> Any:
    """The calendar itself, or from parsed JSON the one whose fields are there."""
    if isinstance(given, Calendar):
        return handler(given)
    if not isinstance(given, Mapping):
        raise InvalidValue(Problem("not a calendar", given, expected="a `BusinessCalendar`"))
    kind = CombinedCalendar if "operator" in given else DatedCalendar if "changes" in given else BusinessCalendar
    return kind.model_validate(given)


class CombinedCalendar(Combining):
    """Two calendars put together: open when either is (`|`), when both are (`&`), when only the left one is (`-`).

    They may be in different zones. The zone is the left one's, and so are the business days, except that with `|` a
    business day is what either opens on a date, each in its own zone. Written with the operators. Raises
    `InvalidValue` when the recurring hours that are left never open.

    >>> from datetime import datetime, timezone
    >>> from escalation_rules import BusinessCalendar
    >>> london = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"})
    >>> sydney = BusinessCalendar("Australia/Sydney", {"mon-fri": "09:00-17:00"})
    >>> (london | sydney).next_open(datetime(2026, 3, 6, 18, tzinfo=timezone.utc)).isoformat()
    '2026-03-08T22:00:00+00:00'
    """

    left: AnyCalendar
    operator: Literal["|", "&", "-"]
    right: AnyCalendar

    if TYPE_CHECKING:

        def __init__(self, left: AnyCalendar, operator: Literal["|", "&", "-"], right: AnyCalendar) -> None: ...

    @model_validator(mode="after")
    def _opens(self) -> Self:
        parts = self.left.recurring, self.operator, self.right.recurring
        recurring = self if parts == (self.left, self.operator, self.right) else CombinedCalendar(*parts)
        if not any(True for _ in recurring.windows_in(A_YEAR)):
            expected = "hours that are left when they are put together"
            raise InvalidValue(Problem("a calendar that never opens", expected=expected))
        return self

    @property
    def recurring(self) -> CombinedCalendar:
        """The hours that repeat for ever, without the dates that differ."""
        return CombinedCalendar(self.left.recurring, self.operator, self.right.recurring)

    @property
    def timezone(self) -> str:
        """The name of the left one's zone."""
        return self.left.timezone

    @property
    def zone(self) -> tzinfo:
        """The zone of the left one."""
        return self.left.zone

    @property
    def last_date(self) -> date:
        """The last date that differs in either, not counting public holidays."""
        return max(self.left.last_date, self.right.last_date)

    def windows_in(self, days: range) -> Iterator[DatedWindow]:
        """The windows of each date of the left one, joined with, cut to or cut by the right one."""
        if self.operator == "|":
            return merge(self.left.windows_in(days), self.right.windows_in(days), key=itemgetter(2))
        kept = self._shared if self.operator == "&" else self._rest
        return ((a, b, day) for opening, closing, day in self.left.windows_in(days) for a, b in kept(opening, closing))

    def reasons_in(self, days: range) -> Iterator[Reason]:
        """The reasons of both, and the windows of the left one that the right one took out."""
        yield from self.left.reasons_in(days)
        if self.operator == "|":
            yield from self.right.reasons_in(days)
            return
        lost, why = (
            (self._rest, "closed in the other calendar") if self.operator == "&" else (self._shared, "taken out")
        )
        for opening, closing, _ in self.left.windows_in(days):
            yield from ((a, b, why) for a, b in lost(opening, closing))

    def _shared(self, opening: int, closing: int) -> Iterator[Window]:
        return self.right.line.windows(opening, closing)

    def _rest(self, opening: int, closing: int) -> Iterator[Window]:
        edge = opening
        for first, last in self._shared(opening, closing):
            if edge < first:
                yield edge, first
            edge = last
        if edge < closing:
            yield edge, closing

    def __repr__(self) -> str:
        return f"({self.left!r} {self.operator} {self.right!r})"

    __str__ = __repr__


class DatedCalendar(Combining):
    """Hours that change: `first` until the earliest date of `changes`, then from each date on its calendar.

    What starts on a date follows the calendar of that date. All are in one zone. Written with `changing`. Raises
    `InvalidValue`.
    """

    first: AnyCalendar
    changes: Frozen[date, AnyCalendar]

    if TYPE_CHECKING:

        def __init__(self, first: AnyCalendar, changes: Dated[AnyCalendar]) -> None: ...

    @model_validator(mode="after")
    def _one_zone(self) -> Self:
        if not self.changes:
            raise InvalidValue(Problem("hours that change on no date", path="changes", expected="at least one date"))
        problems = [
            Problem("another time zone", calendar.timezone, f"changes[{day}]", expected=f"`{self.timezone}`")
            for day, calendar in self.changes.items()
            if calendar.timezone != self.timezone
        ]
        if problems:
            raise InvalidValue(*problems)
        return self

    def changing(self, changes: Dated[AnyCalendar]) -> DatedCalendar:
        """The same with further changes; one on the same date goes in place of the earlier."""
        return DatedCalendar(self.first, {**self.changes, **DatedCalendar(self.first, changes).changes})

    @property
    def recurring(self) -> AnyCalendar:
        """The last hours, without the dates that differ."""
        return self._periods[-1][1].recurring

    @property
    def timezone(self) -> str:
        """The name of the one zone of them all."""
        return self.first.timezone

    @property
    def zone(self) -> tzinfo:
        """The one zone of them all."""
        return self.first.zone

    @property
    def last_date(self) -> date:
        """The last change, or the last date that differs in any of them."""
        return max([*self.changes, *(calendar.last_date for _, calendar in self._periods)])

    def windows_in(self, days: range) -> Iterator[DatedWindow]:
        """The windows of each date in the calendar of that date."""
        return (window for calendar, own in self._parts(days) for window in calendar.windows_in(own))

    def reasons_in(self, days: range) -> Iterator[Reason]:
        """The reasons of each date in the calendar of that date."""
        return (reason for calendar, own in self._parts(days) for reason in calendar.reasons_in(own))

    def _parts(self, days: range) -> Iterator[tuple[AnyCalendar, range]]:
        ends = [start for start, _ in self._periods[1:]] + [days.stop]
        for (start, calendar), end in zip(self._periods, ends, strict=True):
            if own := range(max(start, days.start), min(end, days.stop)):
                yield calendar, own

    @cached_property
    def _periods(self) -> list[tuple[int, AnyCalendar]]:
        changes = [(day.toordinal() - EPOCH_ORDINAL, calendar) for day, calendar in sorted(self.changes.items())]
        return [(1 - EPOCH_ORDINAL, self.first), *changes]

    def __repr__(self) -> str:
        return f"{self.first!r}.changing({show(self.changes)})"

    __str__ = __repr__


AnyCalendar = Annotated[BusinessCalendar | CombinedCalendar | DatedCalendar, WrapValidator(_read_calendar)]
"""Whatever stands for a calendar in a value."""

CombinedCalendar.model_rebuild()
DatedCalendar.model_rebuild()
