"""`Calendar`: what every calendar can do once it says which windows belong to a date.

All arithmetic is on whole microseconds of UTC; only the edges of windows are wall time. Results carry the zone of
the instant they were asked for.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from dateutil.relativedelta import relativedelta
from pydantic import ConfigDict

from escalation_rules._values import Value, read_instant
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.worktime._timeline import (
    DAY,
    EPOCH_ORDINAL,
    Continuous,
    DatedWindow,
    OpenLine,
    beyond_years,
    datetime_of,
    instant_of_wall,
    microseconds_of,
)
from escalation_rules.worktime.segments import Reason, Segment, segments_between
from escalation_rules.worktime.spans import Span, SpanLike

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Instants = Sequence[int] | NDArray[Any]

__all__ = ["Calendar", "instant_of", "once", "wall_step"]

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


class once(cached_property[T]):  # noqa: N801 a decorator, as the one it extends
    """A cached property of which threads that ask for it at the same moment get the very same value."""

    if not TYPE_CHECKING:

        def __get__(self, instance: object, owner: type | None = None) -> Any:
            return self if instance is None else instance.__dict__.setdefault(self.attrname, self.func(instance))


class Calendar(Value):
    """What every calendar can do, given its zone and the windows that belong to each date."""

    model_config = ConfigDict(ignored_types=(once,))

    @property
    @abstractmethod
    def zone(self) -> tzinfo:
        """The zone in which plain days, weeks and months keep the wall time."""

    @abstractmethod
    def windows_in(self, days: range) -> Iterator[DatedWindow]:
        """The windows that belong to each date of a run (numbers of days since 1970-01-01), by date; not merged."""

    @abstractmethod
    def reasons_in(self, days: range) -> Iterator[Reason]:
        """The windows that each date of a run would have, but for a reason: a holiday, or hours taken out."""

    @property
    @abstractmethod
    def last_date(self) -> date:
        """The last date that differs, not counting public holidays: from then on the hours repeat."""

    @once
    def line(self) -> Continuous | OpenLine:
        """Open time as a line over instants, which extends itself when asked about times it does not cover yet."""
        return OpenLine(self.windows_in)

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

    def subtract(self, end: datetime, span: SpanLike) -> datetime:
        """The latest instant, not after `end`, from which the whole span still fits before `end`: `add` in a mirror.

        >>> from datetime import datetime, timezone
        >>> from escalation_rules import BusinessCalendar
        >>> office = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"})
        >>> office.subtract(datetime(2026, 3, 9, 9, 30, tzinfo=timezone.utc), "1 business hour").isoformat()
        '2026-03-06T16:30:00+00:00'
        """
        return datetime_of(self.leave(instant_of(end), Span.of(span)), end.tzinfo)

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
        from escalation_rules.worktime import _bulk  # noqa: PLC0415 numpy is an extra

        return _bulk.add(self.line, self.reach, starts, wanted)

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
        from escalation_rules.worktime import _bulk  # noqa: PLC0415 numpy is an extra

        return _bulk.elapsed(self.line, starts, ends)

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

    @once
    def days(self) -> OpenLine:
        """The line with the table of business days, which a calendar that never closes has too."""
        line = self.line
        return line if isinstance(line, OpenLine) else OpenLine(self.windows_in)

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
