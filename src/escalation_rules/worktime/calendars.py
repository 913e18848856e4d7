"""`BusinessCalendar`: when an office is open, and how far a deadline is when only that time counts.

All arithmetic is on whole microseconds of UTC; only the edges of windows are wall time. Results carry the zone of
the instant they were asked for.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta, tzinfo
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

import holidays as public_holidays
from dateutil.relativedelta import relativedelta
from pydantic import BeforeValidator, field_validator, model_validator

from escalation_rules._values import Frozen, FrozenDict, Value, read_instant
from escalation_rules.errors import InvalidValue, Problem, nearest
from escalation_rules.worktime._timeline import (
    CONTINUOUS,
    EPOCH_ORDINAL,
    SECOND,
    Continuous,
    OpenLine,
    Window,
    beyond_years,
    datetime_of,
    instant_of_wall,
    known_zones,
    load_zone,
    microseconds_of,
)
from escalation_rules.worktime.hours import DAYS, WHOLE_DAY, days_of, read_hours, read_windows, seconds_of
from escalation_rules.worktime.spans import Span, SpanLike

__all__ = ["BusinessCalendar", "Calendar"]


def _instant(moment: datetime) -> int:
    try:
        return microseconds_of(moment)
    except TypeError:
        return microseconds_of(read_instant(moment))


def known_zone(given: object) -> str:
    """The IANA name of a zone, given by name or as a ZoneInfo. Raises `InvalidValue` for an unknown one."""
    key = getattr(given, "key", given)
    if not isinstance(key, str) or load_zone(key) is None:
        names = {name.lower(): name for name in known_zones()}
        meant = names.get(nearest(key, names), "")
        raise InvalidValue(Problem("unknown time zone", key, expected="an IANA name", suggestion=meant))
    return key


class Calendar(Value):
    """What every calendar can do, given its zone and the windows that start on a date."""

    @property
    @abstractmethod
    def zone(self) -> tzinfo:
        """The zone whose wall time the hours are in."""

    @abstractmethod
    def windows_on(self, day: int) -> list[Window]:
        """The windows that start on a date (a day number since 1970-01-01), sorted, as instants; not merged."""

    @cached_property
    def line(self) -> Continuous | OpenLine:
        """Open time as a line over instants, which extends itself when asked about times it does not cover yet."""
        return OpenLine(lambda days: [window for day in days for window in self.windows_on(day)])

    def add(self, start: datetime, span: SpanLike) -> datetime:
        """The earliest instant, not before `start`, by which the span has passed. Adding nothing changes nothing.

        >>> from datetime import UTC, datetime
        >>> office = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"})
        >>> friday = datetime(2026, 3, 6, 16, tzinfo=UTC)
        >>> office.add(friday, "2 business hours").isoformat()
        '2026-03-09T10:00:00+00:00'
        """
        return datetime_of(self.reach(_instant(start), Span.of(span)), start.tzinfo)

    def subtract(self, end: datetime, span: SpanLike) -> datetime:
        """The latest instant, not after `end`, from which the whole span still fits before `end`."""
        return datetime_of(self.leave(_instant(end), Span.of(span)), end.tzinfo)

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Open time from `start` to `end`; negative when `end` comes first."""
        opened = self.line.opened
        return timedelta(microseconds=opened(_instant(end)) - opened(_instant(start)))

    def is_open(self, at: datetime) -> bool:
        """Whether the calendar is open at an instant: windows are open at their opening, closed at their closing."""
        return self._is_open(_instant(at))

    def next_open(self, at: datetime) -> datetime:
        """The first open instant from `at` on: `at` itself when it is open."""
        instant = _instant(at)
        return datetime_of(self.line.latest(self.line.opened(instant)), at.tzinfo)

    def next_close(self, at: datetime) -> datetime | None:
        """The end of the window that is open at `at`, or else of the next one; None when it never closes again."""
        line = self.line
        if isinstance(line, Continuous):
            return None
        instant, forever = line.latest(line.opened(_instant(at))), self._open_for_ever
        if forever is None:
            return datetime_of(line.closing(instant), at.tzinfo)
        closing = next((last for _, last in line.windows(instant, forever)), forever)
        return None if closing == forever else datetime_of(closing, at.tzinfo)

    def openings(self, start: datetime, end: datetime) -> tuple[tuple[datetime, datetime], ...]:
        """The open times between two instants, each as (from, to), merged and clipped to them."""
        windows = self.line.windows(_instant(start), _instant(end))
        return tuple((datetime_of(a, start.tzinfo), datetime_of(b, start.tzinfo)) for a, b in windows)

    def reach(self, start: int, span: Span) -> int:
        """`add` on microseconds since 1970."""
        length = span.microseconds
        if length is None:
            return self._later_day(start, span) if span.amount or span.is_business else start
        if not span.is_business:
            return start + length
        return self.line.earliest(self.line.opened(start) + length) if length else start

    def leave(self, end: int, span: Span) -> int:
        """`subtract` on microseconds since 1970."""
        length = span.microseconds
        if length is None:
            return self._earlier_day(end, span) if span.amount or span.is_business else end
        if not span.is_business:
            return end - length
        return self.line.latest(self.line.opened(end) - length) if length else end

    def _is_open(self, instant: int) -> bool:
        return self.line.opened(instant + 1) > self.line.opened(instant)

    @property
    def _open_for_ever(self) -> int | None:
        """The instant from which on it never closes again, if there is one."""
        return None

    def _later_day(self, start: int, span: Span) -> int:
        if not span.is_business:
            return self._shifted(start, span, 1)
        instant = self.line.latest(self.line.opened(start))
        first = self._day_of(instant)
        last = self._business_day(first, int(span.amount), 1)
        if span.due == "same time":
            return self._at_wall_time_of(instant, last - first)
        return max(closing for _, closing in self._windows(last))

    def _earlier_day(self, end: int, span: Span) -> int:
        if not span.is_business:
            return self._shifted(end, span, -1)
        instant = self.line.earliest(self.line.opened(end))
        last = self._day_of(instant - 1)
        first = self._business_day(last, int(span.amount), -1)
        if span.due == "same time":
            return self._at_wall_time_of(instant, first - last)
        return min(opening for opening, _ in self._windows(first))

    def _shifted(self, instant: int, span: Span, sign: int) -> int:
        """The same wall time some days, weeks or months away."""
        wall = datetime_of(instant, self.zone).replace(tzinfo=None, fold=0)
        count = sign * int(span.amount)
        months, days = (count, 0) if span.unit == "months" else (0, count * (7 if span.unit == "weeks" else 1))
        try:
            return instant_of_wall(wall + relativedelta(months=months, days=days), self.zone)
        except (OverflowError, ValueError):
            raise beyond_years() from None

    def _at_wall_time_of(self, instant: int, days: int) -> int:
        wall = datetime_of(instant, self.zone).replace(tzinfo=None, fold=0)
        return instant_of_wall(wall + timedelta(days=days), self.zone) if days else instant

    def _day_of(self, instant: int) -> int:
        """The date whose hours contain an open instant: the earliest, where a night shift meets the next day's."""
        local = datetime_of(instant, self.zone).toordinal() - EPOCH_ORDINAL
        for day in (local - 2, local - 1):
            if any(opening <= instant < closing for opening, closing in self._windows(day)):
                return day
        return local

    def _business_day(self, day: int, count: int, step: int) -> int:
        while count:
            day += step
            count -= bool(self._windows(day))
        return day

    @cached_property
    def _windows(self) -> Callable[[int], list[Window]]:
        return lru_cache(maxsize=4096)(self.windows_on)


def _read_holidays(given: object) -> Any:
    listed = (given,) if isinstance(given, str | date) or not isinstance(given, Iterable) else tuple(given)
    read = [_holiday(one) for one in listed]
    return tuple(sorted(set(read), key=lambda one: (isinstance(one, date), str(one))))


def _holiday(given: object) -> str | date:
    if isinstance(given, datetime):
        raise InvalidValue(Problem("not a holiday", given, expected="a date without a time, or a country code"))
    if isinstance(given, date):
        return given
    if isinstance(given, str):
        return date.fromisoformat(given) if given[:1].isdigit() and _is_date(given) else _known_code(given)
    raise InvalidValue(Problem("not a holiday", given, expected="a country code such as `GB-ENG`, or a date"))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise InvalidValue(Problem("not a holiday", text, expected="a date such as `2026-12-25`")) from None
    return True


@lru_cache(maxsize=1)
def _countries() -> dict[str, list[str]]:
    return public_holidays.list_supported_countries(include_aliases=True)


def _known_code(code: str) -> str:
    country, _, subdivision = code.partition("-")
    known = _countries()
    if country not in known:
        meant = country.upper() if country.upper() in known else nearest(country.upper(), known)
        raise InvalidValue(
            Problem("unknown country", code, expected="a code such as `US` or `GB-ENG`, or a date", suggestion=meant)
        )
    if subdivision and subdivision not in known[country]:
        meant = nearest(subdivision.upper(), [one.upper() for one in known[country]])
        raise InvalidValue(
            Problem(
                "unknown subdivision", code, expected=f"one of {country}", suggestion=meant and f"{country}-{meant}"
            )
        )
    return code


@lru_cache(maxsize=512)
def _public_holidays(code: str, year: int) -> frozenset[date]:
    country, _, subdivision = code.partition("-")
    return frozenset(public_holidays.country_holidays(country, subdiv=subdivision or None, years=year))


class BusinessCalendar(Calendar):
    """The hours of an office: weekly, less public holidays, with dates that differ.

    `timezone` is an IANA name. `hours` maps days ("mon", "mon-fri") to a window or a list of windows. `holidays` is a
    country code with an optional subdivision ("US", "GB-ENG"), dates, or a mixture; public holidays are computed for
    whatever year is asked. `overrides` maps a date to that day's hours, empty for closed, and goes before a holiday.
    A holiday or override replaces the windows that start on that date. Windows are half-open and overlapping ones
    merge. Raises `InvalidValue`, also when the weekly hours never open.

    >>> from datetime import UTC, datetime
    >>> office = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"}, "US", {"2026-12-24": "09:00-12:00"})
    >>> start = datetime(2026, 12, 24, 16, tzinfo=UTC)  # 11:00 in New York
    >>> office.add(start, "3 business hours").isoformat()  # the rest of the half day, then Monday: Friday is Christmas
    '2026-12-28T16:00:00+00:00'
    """

    timezone: str
    hours: Annotated[Frozen[str, tuple[str, ...]], BeforeValidator(read_hours)]
    holidays: Annotated[tuple[date | str, ...], BeforeValidator(_read_holidays)] = ()
    overrides: Frozen[date, Annotated[tuple[str, ...], BeforeValidator(read_windows)]] = FrozenDict()

    if TYPE_CHECKING:

        def __init__(self, timezone: str, hours: Any, holidays: Any = (), overrides: Any = {}) -> None: ...  # noqa: B006

    @classmethod
    def always(cls, timezone: str = "UTC") -> Self:
        """The calendar that never closes.

        >>> from datetime import UTC, datetime
        >>> saturday = datetime(2026, 3, 7, tzinfo=UTC)
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

    @cached_property
    def line(self) -> Continuous | OpenLine:
        """Open time as a line over instants, which extends itself when asked about times it does not cover yet."""
        if self.hours == {"mon-sun": WHOLE_DAY} and not self.holidays and not self.overrides:
            return CONTINUOUS
        return super().line

    @cached_property
    def zone(self) -> tzinfo:
        """The zone whose wall time the hours are in."""
        return cast(tzinfo, load_zone(self.timezone))  # the field was checked when the calendar was made

    def windows_on(self, day: int) -> list[Window]:
        """The windows that start on a date, sorted, as instants: none on a date that the zone skipped."""
        local = date.fromordinal(day + EPOCH_ORDINAL)
        midnight = datetime(local.year, local.month, local.day)  # noqa: DTZ001 wall time: the zone is applied to its edges
        windows = [self._window(midnight, *wall) for wall in self._hours_on(local)]
        return [(opening, closing) for opening, closing in windows if opening < closing]

    def _window(self, midnight: datetime, opening: int, closing: int) -> Window:
        first = instant_of_wall(midnight + timedelta(seconds=opening), self.zone)
        last = instant_of_wall(midnight + timedelta(seconds=closing), self.zone, last=True)
        if last - first != (closing - opening) * SECOND and _is_skipped(midnight, self.zone):
            return first, first
        return first, last

    def _hours_on(self, local: date) -> list[tuple[int, int]]:
        if local in self.overrides:
            return [seconds_of(window) for window in self.overrides[local]]
        weekly = self._week[local.weekday()]
        return [] if weekly and self._is_holiday(local) else weekly

    def _is_holiday(self, local: date) -> bool:
        return local in self._dates or any(local in _public_holidays(code, local.year) for code in self._codes)

    @cached_property
    def _dates(self) -> frozenset[date]:
        return frozenset(one for one in self.holidays if isinstance(one, date))

    @cached_property
    def _codes(self) -> tuple[str, ...]:
        return tuple(one for one in self.holidays if isinstance(one, str))

    @cached_property
    def _week(self) -> list[list[tuple[int, int]]]:
        by_day = {day: windows for days, windows in self.hours.items() for day in days_of(days)}
        return [[seconds_of(window) for window in by_day.get(day, ())] for day in range(len(DAYS))]

    @cached_property
    def _open_for_ever(self) -> int | None:
        if self.hours != {"mon-sun": WHOLE_DAY} or self._codes:
            return None
        last = max([*self._dates, *self.overrides])
        midnight = datetime(last.year, last.month, last.day)  # noqa: DTZ001 wall time: the zone is applied below
        return instant_of_wall(midnight + timedelta(days=1), self.zone)


def _is_skipped(midnight: datetime, tz: tzinfo) -> bool:
    """Whether a zone has no such date: it went straight on to the next, as Samoa did on 2011-12-30."""
    return instant_of_wall(midnight, tz) == instant_of_wall(midnight + timedelta(days=1), tz)
