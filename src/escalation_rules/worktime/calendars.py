"""Calendars: which windows belong to a date; `add`, `subtract`, `elapsed`, `explain` (rules 3-7).

All arithmetic is on whole microseconds of UTC; only the edges of windows are wall time. Results carry the zone of
the instant they were asked for.

>>> from datetime import datetime, timedelta, timezone
>>> from escalation_rules import BusinessCalendar
>>> day = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"}, "GB-ENG")
>>> lunch = BusinessCalendar("Europe/London", {"mon-fri": "12:30-13:00"})
>>> support = (day - lunch).changing({"2026-03-01": BusinessCalendar("Europe/London", {"mon-sat": "08:00-18:00"})})
>>> support.elapsed(datetime(2026, 2, 27, tzinfo=timezone.utc), datetime(2026, 3, 3, tzinfo=timezone.utc))
datetime.timedelta(seconds=63000)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from functools import cached_property, lru_cache
from heapq import merge
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar, cast

from dateutil.relativedelta import relativedelta
from pydantic import BeforeValidator, ConfigDict, WrapValidator, field_validator, model_validator

from escalation_rules._values import Dated, Frozen, FrozenDict, Value, read_instant, show
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.worktime._timeline import (
    CONTINUOUS,
    DAY,
    EPOCH_ORDINAL,
    SECOND,
    Continuous,
    DatedWindow,
    OpenLine,
    Segment,
    SegmentReason,
    Window,
    ZoneLike,
    beyond_years,
    datetime_of,
    edges_of,
    instant_of_wall,
    known_zone,
    load_zone,
    microseconds_of,
    segments_between,
    steady_offsets,
)
from escalation_rules.worktime.hours import (
    DAYS,
    WHOLE_DAY,
    Holidays,
    Windows,
    days_of,
    holidays_of,
    read_holidays,
    read_hours,
    read_windows,
    seconds_of,
)
from escalation_rules.worktime.spans import Span, SpanLike

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Instants = Sequence[int] | NDArray[Any]

__all__ = ["AnyCalendar", "BusinessCalendar", "CombinedCalendar", "DatedCalendar"]


T = TypeVar("T")
LONG_ENOUGH = 30 * 366 * DAY


def instant_of(moment: datetime) -> int:
    """The instant in microseconds. Raises `InvalidValue` for a naive datetime, or what is none."""
    try:
        return microseconds_of(moment)
    except TypeError:
        if isinstance(moment, datetime):
            return microseconds_of(read_instant(moment))
        raise InvalidValue(Problem("not an instant", moment, expected="an aware datetime")) from None


class cached_once(cached_property[T]):  # noqa: N801 a decorator, as the one it extends
    """A cached property of which threads that ask for it at the same moment get the very same value."""

    if not TYPE_CHECKING:

        def __get__(self, instance: object, owner: type | None = None) -> Any:
            return self if instance is None else instance.__dict__.setdefault(self.attrname, self.func(instance))


class Calendar(Value):
    """What every calendar can do, given its zone and the windows that belong to each date."""

    model_config = ConfigDict(ignored_types=(cached_once,))

    @property
    @abstractmethod
    def zone(self) -> tzinfo:
        """The zone in which plain days, weeks and months keep the wall time."""

    @abstractmethod
    def windows_in(self, days: range) -> Iterator[DatedWindow]:
        """The windows that belong to each date of a run (numbers of days since 1970-01-01), by date; not merged."""

    @abstractmethod
    def reasons_in(self, days: range) -> Iterator[SegmentReason]:
        """The windows that each date of a run would have, but for a reason: a holiday, or hours taken out."""

    @property
    @abstractmethod
    def last_date(self) -> date:
        """The last date that differs, not counting public holidays: from then on the hours repeat."""

    @cached_once
    def line(self) -> Continuous | OpenLine:
        """Open time as a line over instants, which extends itself when asked about times it does not cover yet."""
        return OpenLine(self.windows_in)

    # rule 5: the earliest instant by which so much open time has passed
    def add(self, start: datetime, span: SpanLike) -> datetime:
        """The earliest instant, not before `start`, by which the span has passed. Adding nothing changes nothing.

        Business units count open time; what is used up exactly at closing time is due at closing time. A span in
        business days ends at the close of the last of them, the day whose hours contain `start` (or the next one,
        when it is closed) being day 0. Plain seconds, minutes and hours elapse; plain days, weeks and months keep the
        wall time in the calendar's zone. Raises `InvalidValue` for a naive `start`, and beyond the year 9999.

        >>> from datetime import datetime, timezone
        >>> from escalation_rules import BusinessCalendar
        >>> office = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"})
        >>> friday = datetime(2026, 3, 6, 16, tzinfo=timezone.utc)
        >>> office.add(friday, "2 business hours").isoformat()
        '2026-03-09T10:00:00+00:00'
        >>> office.add(friday, "2 business days").isoformat()
        '2026-03-10T17:00:00+00:00'
        """
        wanted = span if isinstance(span, Span) else Span.of(span)
        return datetime_of(self.reach(instant_of(start), wanted), start.tzinfo)

    # rule 5: the mirror of `add`
    def subtract(self, end: datetime, span: SpanLike) -> datetime:
        """The latest instant, not after `end`, from which the whole span still fits before `end`: `add` in a mirror.

        >>> from datetime import datetime, timezone
        >>> from escalation_rules import BusinessCalendar
        >>> office = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"})
        >>> office.subtract(datetime(2026, 3, 9, 9, 30, tzinfo=timezone.utc), "1 business hour").isoformat()
        '2026-03-06T16:30:00+00:00'
        """
        return datetime_of(self.leave(instant_of(end), Span.of(span)), end.tzinfo)

    # rule 7: elapsed time is signed
    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Open time from `start` to `end`; negative when `end` comes first.

        >>> from datetime import datetime, timedelta, timezone
        >>> from escalation_rules import BusinessCalendar
        >>> office = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"})
        >>> friday = datetime(2026, 3, 6, 16, tzinfo=timezone.utc)
        >>> office.elapsed(friday, friday + timedelta(days=3)).total_seconds() / 3600
        8.0
        """
        opened = self.line.opened
        return timedelta(0, 0, opened(instant_of(end)) - opened(instant_of(start)))

    def is_open(self, at: datetime) -> bool:
        """Whether the calendar is open at an instant: windows are open at their opening, closed at their closing."""
        instant = instant_of(at)
        return self.line.opened(instant + 1) > self.line.opened(instant)

    def next_open(self, at: datetime) -> datetime:
        """The first open instant from `at` on: `at` itself when it is open."""
        return datetime_of(self.line.latest(self.line.opened(instant_of(at))), at.tzinfo)

    def next_close(self, at: datetime) -> datetime | None:
        """The end of the window that is open at `at`, or else of the next one; None when it never closes again."""
        line = self.line
        if isinstance(line, Continuous):
            return None
        instant = line.latest(line.opened(instant_of(at)))
        settled = (self.last_date.toordinal() - EPOCH_ORDINAL) * DAY
        closing = line.closing(instant, max(instant, settled) + LONG_ENOUGH)
        return None if closing is None else datetime_of(closing, at.tzinfo)

    def openings(self, start: datetime, end: datetime) -> tuple[tuple[datetime, datetime], ...]:
        """The open times between two instants, each as (from, to), merged and clipped to them."""
        windows = self.line.windows(instant_of(start), instant_of(end))
        return tuple((datetime_of(a, start.tzinfo), datetime_of(b, start.tzinfo)) for a, b in windows)

    def explain(self, start: datetime, span: SpanLike) -> tuple[Segment, ...]:
        """The time from `start` to `add(start, span)`, cut into segments that were counted or excluded, and why.

        All segments together are the time that passes; the counted ones sum to the span where that is a length of
        open time. A span that is not in business units counts all of it.

        >>> from datetime import datetime, timezone
        >>> from escalation_rules import BusinessCalendar
        >>> office = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"}, "GB-ENG")
        >>> for part in office.explain(datetime(2026, 12, 24, 16, tzinfo=timezone.utc), "2 business hours"):
        ...     print(f"{part.start:%a %d %H:%M} to {part.end:%a %d %H:%M}:", part.why)
        Thu 24 16:00 to Thu 24 17:00: business hours
        Thu 24 17:00 to Fri 25 09:00: outside business hours
        Fri 25 09:00 to Fri 25 17:00: holiday: Christmas Day
        Fri 25 17:00 to Mon 28 09:00: outside business hours
        Mon 28 09:00 to Mon 28 17:00: holiday: Boxing Day (observed)
        Mon 28 17:00 to Tue 29 09:00: outside business hours
        Tue 29 09:00 to Tue 29 10:00: business hours
        """
        first, wanted = instant_of(start), Span.of(span)
        last = self.reach(first, wanted)
        if wanted.is_business:
            return self.segments_between(first, last)
        end = datetime_of(last)
        return (Segment(start=start, end=end, counted=True, why="time passes"),) if first < last else ()

    def segments_between(self, start: int, end: int) -> tuple[Segment, ...]:
        """The time between two instants (microseconds since 1970), cut into what counts and what does not, and why."""
        days = range(start // DAY - 2, end // DAY + 3)
        windows = self.line.windows(start, end)
        return tuple(segments_between(start, end, windows, sorted(self.reasons_in(days))))

    def add_many(self, starts: Instants, span: SpanLike) -> Any:
        """`add` for many instants at once: microseconds since 1970 in a list, or a numpy array of them or datetime64.

        The answer is of the same kind: a list, or an array of the same dtype (of at least microseconds). A datetime64
        is an instant in UTC; NaT stays NaT. Arrays need the extra `[simulation]`, lists do not.

        >>> from escalation_rules import BusinessCalendar
        >>> office = BusinessCalendar("UTC", {"mon-fri": "09:00-17:00"})
        >>> office.add_many([0, 3_600_000_000], "1 business hour")  # midnight and one in the morning of a Thursday
        [36000000000, 36000000000]
        """
        wanted = Span.of(span)
        if isinstance(starts, list | tuple):
            return [self.reach(start, wanted) for start in starts]
        from escalation_rules.worktime import arrays  # noqa: PLC0415 numpy is an extra

        return arrays.add(self.line, self.reach, starts, wanted)

    def elapsed_many(self, starts: Instants, ends: Instants) -> Any:
        """`elapsed` for many pairs at once: microseconds since 1970 in lists, or numpy arrays of them or datetime64.

        The answer is in microseconds, in a list or an array; of datetime64 it is an array of timedelta64, with NaT
        where either is. Arrays need the extra `[simulation]`, lists do not.

        >>> from escalation_rules import BusinessCalendar
        >>> office = BusinessCalendar("UTC", {"mon-fri": "09:00-17:00"})
        >>> office.elapsed_many([0], [36_000_000_000])
        [3600000000]
        """
        if isinstance(starts, list | tuple) and isinstance(ends, list | tuple):
            opened = self.line.opened
            return [opened(end) - opened(start) for start, end in zip(starts, ends, strict=True)]
        from escalation_rules.worktime import arrays  # noqa: PLC0415 numpy is an extra

        return arrays.elapsed(self.line, starts, ends)

    def reach(self, start: int, span: Span) -> int:
        """`add` on microseconds since 1970."""
        length = span.microseconds
        if length is None:
            return self._business_day(start, span, 1) if span.is_business else self._shifted(start, span, 1)
        if not span.is_business:
            return start + length
        line = self.line
        return line.earliest(line.opened(start) + length) if length else start

    def leave(self, end: int, span: Span) -> int:
        """`subtract` on microseconds since 1970."""
        length = span.microseconds
        if length is None:
            return self._business_day(end, span, -1) if span.is_business else self._shifted(end, span, -1)
        if not span.is_business:
            return end - length
        line = self.line
        return line.latest(line.opened(end) - length) if length else end

    @cached_once
    def days(self) -> OpenLine:
        """The line with the table of business days, which a calendar that never closes has too."""
        line = self.line
        return line if isinstance(line, OpenLine) else OpenLine(self.windows_in)

    # rule 6: business days count dates with hours, and are due at their close
    def _business_day(self, instant: int, span: Span, sign: int) -> int:
        """The close of the nth later business day, or the opening of the nth earlier one."""
        line, count = self.days, sign * int(span.amount)
        edge = line.latest(line.opened(instant)) if sign > 0 else line.earliest(line.opened(instant))
        number = line.date_of(edge if sign > 0 else edge - 1)
        dates, found = line.dates(number, count)
        if span.due == "same time":
            return self._at_wall_time_of(edge, dates.numbers[found] - number)
        return dates.closes[found] if sign > 0 else dates.opens[found]

    def _shifted(self, instant: int, span: Span, sign: int) -> int:
        """The same wall time some days, weeks or months away."""
        if not span.amount:
            return instant
        wall = datetime_of(instant, self.zone).replace(tzinfo=None, fold=0)
        try:
            return instant_of_wall(wall + wall_step(span.unit, sign * int(span.amount)), self.zone)
        except (OverflowError, ValueError):
            raise beyond_years() from None

    def _at_wall_time_of(self, instant: int, days: int) -> int:
        wall = datetime_of(instant, self.zone).replace(tzinfo=None, fold=0)
        return instant_of_wall(wall + timedelta(days=days), self.zone) if days else instant


@lru_cache(maxsize=256)
def wall_step(unit: str, count: int) -> timedelta | relativedelta:
    """What to add to a wall time for so many days, weeks or months."""
    if unit == "months":
        return relativedelta(months=count)
    return timedelta(days=count * (7 if unit == "weeks" else 1))


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

    # rule 3: a calendar whose recurring hours never open is refused
    @model_validator(mode="after")
    def _opens(self) -> Self:
        if not self.hours:
            expected = "at least one window in the week"
            raise InvalidValue(Problem("a calendar that never opens", path="hours", expected=expected))
        return self

    @cached_once
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

    def reasons_in(self, days: range) -> Iterator[SegmentReason]:
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

    # rule 4: a holiday or an override replaces the windows that start on its date
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

    def reasons_in(self, days: range) -> Iterator[SegmentReason]:
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

    def reasons_in(self, days: range) -> Iterator[SegmentReason]:
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
