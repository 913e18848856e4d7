"""The integer-microsecond timeline under calendars, clocks and rotas.

Everything here is in whole microseconds since 1970-01-01 UTC. A line turns instants into open time and back; it is kept
as two sorted lists (when each window opens, how much open time there was before it), so a question costs one bisection,
however far apart its instants are. A line has no end: it extends itself, by whole stretches of dates, when asked
about an instant it does not cover yet. A stretch once made is never changed, so readers need no lock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from io import BytesIO
from pkgutil import get_data
from threading import Lock
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from escalation_rules.errors import InvalidValue, Problem

__all__ = [
    "CONTINUOUS",
    "DAY",
    "Line",
    "OpenLine",
    "beyond_years",
    "datetime_of",
    "instant_of_wall",
    "known_zones",
    "load_zone",
    "microseconds_of",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
SECOND = 1_000_000
DAY = 86_400 * SECOND
FIRST = (1 - EPOCH_ORDINAL) * DAY
LAST = (date.max.toordinal() - EPOCH_ORDINAL) * DAY

Window = tuple[int, int]


def microseconds_of(moment: datetime) -> int:
    """The instant as an integer; the moment must be aware."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def datetime_of(instant: int, tz: tzinfo | None = UTC) -> datetime:
    """The instant as a datetime in the given zone."""
    try:
        moment = EPOCH + timedelta(microseconds=instant)
        return moment if tz is UTC else moment.astimezone(tz)
    except OverflowError:
        raise beyond_years() from None


def beyond_years() -> InvalidValue:
    """The error of an instant that a datetime cannot hold."""
    return InvalidValue(Problem("instant out of range", expected="one before the end of the year 9999"))


@lru_cache(maxsize=256)
def load_zone(key: str) -> ZoneInfo | None:
    """The zone of that IANA name as the tzdata package has it, so that every machine reckons alike; None if unknown."""
    if not all(part.replace("-", "").replace("+", "").replace("_", "").isalnum() for part in key.split("/")):
        return None
    try:
        data = get_data("tzdata", f"zoneinfo/{key}")
    except OSError:
        return None
    return ZoneInfo.from_file(BytesIO(data), key=key) if data and data.startswith(b"TZif") else None


@lru_cache(maxsize=1)
def known_zones() -> list[str]:
    """The IANA names that the tzdata package has."""
    return (get_data("tzdata", "zones") or b"").decode().split()


def instant_of_wall(wall: datetime, tz: tzinfo, *, last: bool = False) -> int:
    """The instant at which clocks in a zone show the naive `wall`.

    Of a repeated hour the first occurrence, or the last if asked; of a skipped hour the first instant after the gap.
    """
    before = wall.replace(tzinfo=tz).utcoffset() or timedelta()
    after = wall.replace(tzinfo=tz, fold=1).utcoffset() or timedelta()
    naive = microseconds_of(wall.replace(tzinfo=UTC))
    if before < after:
        return _end_of_gap(naive - _whole(after), naive - _whole(before), tz)
    return naive - _whole(after if last else before)


def _end_of_gap(low: int, high: int, tz: tzinfo) -> int:
    """The first whole second after `low`, and not after `high`, at which the offset is the one in force at `high`."""
    target = datetime_of(high).astimezone(tz).utcoffset()
    first, last = low // SECOND, high // SECOND
    while last - first > 1:
        middle = (first + last) // 2
        if datetime_of(middle * SECOND).astimezone(tz).utcoffset() == target:
            last = middle
        else:
            first = middle
    return last * SECOND


def _whole(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


class Line(Protocol):
    """Open time as a function of instants, and back."""

    def opened(self, instant: int) -> int:
        """Open time so far at an instant, counted from an origin that stays the same for this line."""

    def earliest(self, opened: int) -> int:
        """The first instant by which so much open time has passed."""

    def latest(self, opened: int) -> int:
        """The last instant at which no more than so much open time has passed."""


class Continuous:
    """The line that is always open."""

    def opened(self, instant: int) -> int:
        """The instant itself."""
        return instant

    earliest = latest = opened

    def windows(self, start: int, end: int) -> Iterator[Window]:
        """All of the time between."""
        if start < end:
            yield start, end


CONTINUOUS = Continuous()


class Stretch(NamedTuple):
    """An immutable part of a line: right for instants from `low` up to `high`, made from the dates of `days`."""

    low: int
    high: int
    opens: list[int]
    sums: list[int]
    days: range

    def windows(self) -> Iterator[Window]:
        """The merged windows of the stretch, in order."""
        return (_window(self, index) for index in range(1, len(self.opens)))


class OpenLine:
    """A line made of windows, which a function gives for any stretch of dates."""

    def __init__(self, windows_of: Callable[[range], Iterable[Window]]) -> None:
        self._windows_of = windows_of
        self._lock = Lock()
        self._stretch = Stretch(0, 0, [], [0], range(0))
        self._origin = 0

    def opened(self, instant: int) -> int:
        """Open time so far at an instant."""
        low, high, opens, sums, _ = self._stretch
        if not low <= instant < high:
            _, _, opens, sums, _ = self._cover(instant)
        index = bisect_right(opens, instant)
        so_far = sums[index - 1] + instant - opens[index - 1]
        return so_far if so_far < sums[index] else sums[index]

    def earliest(self, opened: int) -> int:
        """The first instant by which so much open time has passed: a closing time where it is used up exactly."""
        while True:
            low, high, opens, sums, _ = self._stretch
            index = bisect_left(sums, opened) - 1
            if index < 1:
                self._cover(low - DAY)
            elif index == len(opens) or (found := opens[index] + opened - sums[index]) >= high:
                self._cover(high)
            elif found < low:
                self._cover(low - DAY)
            else:
                return found

    def latest(self, opened: int) -> int:
        """The last instant at which no more than so much open time has passed: an opening where there is a choice."""
        while True:
            low, high, opens, sums, _ = self._stretch
            index = bisect_right(sums, opened) - 1
            if index < 1:
                self._cover(low - DAY)
            elif index == len(opens) or (found := opens[index] + opened - sums[index]) >= high:
                self._cover(high)
            elif found < low:
                self._cover(low - DAY)
            else:
                return found

    def closing(self, instant: int) -> int:
        """The end of the window that is open at an instant."""
        step = instant
        while True:
            stretch = self._cover(step)
            _, end = _window(stretch, bisect_right(stretch.opens, instant) - 1)
            if end < stretch.high:
                return end
            step = stretch.high

    def windows(self, start: int, end: int) -> Iterator[Window]:
        """The parts of windows from `start` up to `end`, in order."""
        stretch = self.stretch(start, end)
        for index in range(max(bisect_right(stretch.opens, start) - 1, 1), len(stretch.opens)):
            opening, closing = _window(stretch, index)
            if opening >= end:
                return
            if closing > start:
                yield max(opening, start), min(closing, end)

    def stretch(self, start: int, end: int) -> Stretch:
        """A stretch that covers both instants, for reckoning in bulk."""
        self._cover(start)
        return self._cover(end)

    def _cover(self, instant: int) -> Stretch:
        """The stretch, extended until it covers the instant."""
        with self._lock:
            while not self._stretch.low <= instant < self._stretch.high:
                self._stretch = self._extended(instant)
            return self._stretch

    def _extended(self, instant: int) -> Stretch:
        if not FIRST <= instant < LAST:
            raise beyond_years()
        old = self._stretch
        if not old.days:
            self._origin = instant
            middle = instant // DAY
            days = _within_years(range(middle - 40, middle + 360))
            return _assembled(sorted(self._windows_of(days)), days, self._origin)
        size = max(360, min(len(old.days), 3_600))
        if instant < old.low:
            fresh = _within_years(range(min(old.days.start - size, instant // DAY - 40), old.days.start))
        else:
            fresh = _within_years(range(old.days.stop, max(old.days.stop + size, instant // DAY + 40)))
        days = range(min(old.days.start, fresh.start), max(old.days.stop, fresh.stop))
        return _assembled(sorted([*old.windows(), *self._windows_of(fresh)]), days, self._origin)


def _within_years(days: range) -> range:
    return range(max(days.start, 1 - EPOCH_ORDINAL), min(days.stop, date.max.toordinal() - EPOCH_ORDINAL))


def _window(stretch: Stretch, index: int) -> Window:
    opening = stretch.opens[index]
    return opening, opening + stretch.sums[index + 1] - stretch.sums[index]


def _assembled(windows: list[Window], days: range, origin: int) -> Stretch:
    """The stretch of sorted windows. Its first entry is empty and stands before all, so a bisection never falls off.

    Bounds are a day or two narrower than the dates: a window may reach into the next date, a zone is up to a day off.
    """
    merged: list[Window] = []
    for opening, closing in windows:
        if merged and opening <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closing))
        elif opening < closing:
            merged.append((opening, closing))
    opens, sums = [FIRST - 2 * DAY], [0, 0]
    for opening, closing in merged:
        opens.append(opening)
        sums.append(sums[-1] + closing - opening)
    raw = Stretch(FIRST - DAY, LAST, opens, sums, days)
    at_origin = _opened(raw, origin)
    low = FIRST - DAY if days.start == 1 - EPOCH_ORDINAL else (days.start + 2) * DAY
    high = LAST if days.stop == date.max.toordinal() - EPOCH_ORDINAL else (days.stop - 1) * DAY
    return raw._replace(low=low, high=high, sums=[total - at_origin for total in sums])


def _opened(stretch: Stretch, instant: int) -> int:
    index = bisect_right(stretch.opens, instant)
    return min(stretch.sums[index - 1] + instant - stretch.opens[index - 1], stretch.sums[index])
