"""Integer microseconds of UTC: instants, zones, windows, stretches of open time, segments (rules 1-4).

Everything here is in whole microseconds since 1970-01-01 UTC. A line turns instants into open time and back; it is kept
as two sorted arrays (when each window opens, how much open time there was before it), so a question costs one
bisection, however far apart its instants are. Beside them stands a table of the dates that have hours, so the hundredth
business day costs no more than the first. A line has no end: it extends itself, by whole dates, when asked about an
instant it does not cover yet. A stretch once made is never changed, so readers need no lock.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from io import BytesIO
from itertools import accumulate
from operator import le, sub
from pkgutil import get_data
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from escalation_rules._values import Instant, Value
from escalation_rules.errors import InvalidValue, Problem, nearest

if TYPE_CHECKING:
    Numbers = list[int] | array[int]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
SECOND = 1_000_000
DAY = 86_400 * SECOND
FIRST = (1 - EPOCH_ORDINAL) * DAY
LAST_DAY = date.max.toordinal() - EPOCH_ORDINAL
LAST = LAST_DAY * DAY

BEFORE_ALL = FIRST - 2 * DAY

Window = tuple[int, int]
DatedWindow = tuple[int, int, int]
"""When a window opens, when it closes, and the date it belongs to, as a day number since 1970-01-01."""


# rule 1: instants are whole microseconds of UTC
def microseconds_of(moment: datetime) -> int:
    """The instant as an integer; the moment must be aware."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def datetime_of(instant: int, tz: tzinfo | None = UTC) -> datetime:
    """The instant as a datetime in the given zone."""
    try:
        moment = EPOCH + timedelta(0, 0, instant)
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


# rule 2: a wall time in a skipped hour is the first instant after the gap; in a repeated hour an opening is the
# first, a closing the last
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


def steady_offsets(days: range, tz: tzinfo) -> Iterator[int | None]:
    """The offset of a zone on each date, if it is the same at four midnights from its beginning on; else None.

    So a window that starts on a date with an offset has plain edges, and only the others need `instant_of_wall`.
    """
    midnights = (min(day, LAST_DAY) + EPOCH_ORDINAL for day in range(days.start, days.stop + 3))
    run, before, known = 0, None, 0
    for number, midnight in enumerate(midnights):
        offset = tz.utcoffset(datetime.fromordinal(midnight))
        if offset == before:
            run += 1
        else:
            run, before, known = 1, offset, _whole(offset or timedelta())
        if number > 2:
            yield known if run > 3 else None


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

    def closing(self, instant: int, horizon: int) -> None:
        """Never."""

    def windows(self, start: int, end: int) -> Iterator[Window]:
        """All of the time between."""
        if start < end:
            yield start, end


CONTINUOUS = Continuous()

LARGE = 4_096
"""A list is read faster; from this length on an array is kept, which is a fifth of its size."""


class Dates(NamedTuple):
    """The dates that have hours, with their first opening and last closing; `apart` if none reaches into another."""

    numbers: array[int]
    opens: array[int]
    closes: array[int]
    apart: bool


class Stretch(NamedTuple):
    """An immutable part of a line: right for instants from `low` up to `high`, made from the dates of `made`.

    Window i opens at `opens[i]`, with `sums[i]` of open time before it. The first is empty and stands before all, so
    that a bisection never falls off.
    """

    low: int
    high: int
    opens: Numbers
    sums: Numbers
    made: range
    dates: Dates

    def window(self, index: int) -> Window:
        """When a window opens and closes."""
        return self.opens[index], self.opens[index] + self.sums[index + 1] - self.sums[index]


NOTHING = Stretch(0, 0, [BEFORE_ALL], [0, 0], range(0), Dates(array("q"), array("q"), array("q"), True))


class OpenLine:
    """A line made of windows, which a function gives for any run of dates, each with the date it belongs to."""

    def __init__(self, windows_in: Callable[[range], Iterable[DatedWindow]]) -> None:
        self._windows_in = windows_in
        self._lock = Lock()
        self._stretch = NOTHING

    def opened(self, instant: int) -> int:
        """Open time so far at an instant."""
        low, high, opens, sums, _, _ = self._stretch
        if not low <= instant < high:
            _, _, opens, sums, _, _ = self._cover(instant)
        index = bisect_right(opens, instant)
        so_far = sums[index - 1] + instant - opens[index - 1]
        return so_far if so_far < (most := sums[index]) else most

    def earliest(self, opened: int) -> int:
        """The first instant by which so much open time has passed: a closing time where it is used up exactly."""
        while True:
            low, high, opens, sums, _, _ = self._stretch
            index = bisect_left(sums, opened) - 1
            if 0 < index < len(opens):
                found = opens[index] + opened - sums[index]
                if low <= found < high:
                    return found
            self._approach(index, opened)

    def latest(self, opened: int) -> int:
        """The last instant at which no more than so much open time has passed: an opening where there is a choice."""
        while True:
            low, high, opens, sums, _, _ = self._stretch
            index = bisect_right(sums, opened) - 1
            if 0 < index < len(opens):
                found = opens[index] + opened - sums[index]
                if low <= found < high:
                    return found
            self._approach(index, opened)

    def _approach(self, index: int, opened: int) -> None:
        """Extend towards an instant that is not covered: before the first window, after the last or out of bounds."""
        low, high, opens, sums, _, _ = self._stretch
        early = index < 1 or (index < len(opens) and opens[index] + opened - sums[index] < low)
        self._cover(low - DAY if early else high)

    def closing(self, instant: int, horizon: int) -> int | None:
        """The end of the window that is open at an instant; None if that is not before the horizon."""
        step = instant
        while step < horizon:
            stretch = self._cover(step)
            _, end = stretch.window(bisect_right(stretch.opens, instant) - 1)
            if end < stretch.high:
                return end if end < horizon else None
            step = stretch.high
        return None

    def windows(self, start: int, end: int) -> Iterator[Window]:
        """The parts of windows from `start` up to `end`, in order."""
        if start >= end:
            return
        stretch = self.stretch(start, end)
        for index in range(max(bisect_right(stretch.opens, start) - 1, 1), len(stretch.opens)):
            opening, closing = stretch.window(index)
            if opening >= end:
                return
            if closing > start:
                yield max(opening, start), min(closing, end)

    def stretch(self, start: int, end: int) -> Stretch:
        """A stretch that covers both instants, for reckoning in bulk."""
        self._cover(start)
        return self._cover(end)

    def dates(self, number: int, later: int) -> tuple[Dates, int]:
        """A table of dates with hours, and where in it the date stands that comes so many after a given one of them."""
        stretch = self._stretch
        while True:
            found = bisect_left(stretch.dates.numbers, number) + later
            if number not in stretch.made:
                stretch = self._cover(number * DAY)
            elif found < 0:
                stretch = self._cover(stretch.low - DAY)
            elif found >= len(stretch.dates.numbers):
                stretch = self._cover(stretch.high)
            else:
                return stretch.dates, found

    def date_of(self, instant: int) -> int:
        """The date to whose windows an open instant belongs: the earliest, where one reaches into another."""
        dates = self._cover(instant).dates
        if dates.apart:
            return dates.numbers[bisect_right(dates.opens, instant) - 1]
        day = instant // DAY
        near = self._windows_in(_within_years(range(day - 3, day + 4)))
        return next(number for opening, closing, number in near if opening <= instant < closing)

    # rule 3: a line has no end, it extends itself when asked
    def _cover(self, instant: int) -> Stretch:
        """The stretch, extended until it covers the instant."""
        stretch = self._stretch
        if stretch.low <= instant < stretch.high:
            return stretch
        with self._lock:
            while not self._stretch.low <= instant < self._stretch.high:
                self._stretch = self._extended(self._stretch, instant)
            return self._stretch

    def _extended(self, old: Stretch, instant: int) -> Stretch:
        if not FIRST <= instant < LAST:
            raise beyond_years()
        day, made = instant // DAY, old.made
        if not made:
            days = _within_years(range(day - 40, day + 360))
            return _with_later(old, list(self._windows_in(days)), days)
        if instant < old.low:
            days = _within_years(range(made.start - _step(made, made.start - day), made.start))
            return _with_earlier(old, list(self._windows_in(days)), range(days.start, made.stop))
        days = _within_years(range(made.stop, made.stop + _step(made, day - made.stop)))
        return _with_later(old, list(self._windows_in(days)), range(made.start, days.stop))


def _step(made: range, missing: int) -> int:
    """How many dates to add: some years at a time, and for what is far away as many again as there are."""
    size = len(made)
    return min(max(400, min(size, 3_600), missing + 40), max(2_000, size // 2))


def _within_years(days: range) -> range:
    return range(max(days.start, 1 - EPOCH_ORDINAL), min(days.stop, LAST_DAY))


def _with_later(old: Stretch, windows: list[DatedWindow], made: range) -> Stretch:
    """The stretch with windows of later dates, which may meet its last ones."""
    first = min((opening for opening, _, _ in windows), default=LAST)
    keep = len(old.opens)
    while keep > 1 and old.window(keep - 1)[1] >= first:
        keep -= 1
    opens, closes = _merged([*(old.window(index) for index in range(keep, len(old.opens))), *windows])
    sums = array("q", old.sums[:keep])
    sums.extend(accumulate(map(sub, closes, opens), initial=old.sums[keep]))
    return _bounded(array("q", old.opens[:keep]) + opens, sums, made, _chained(old.dates, _dates(windows)))


def _with_earlier(old: Stretch, windows: list[DatedWindow], made: range) -> Stretch:
    """The stretch with windows of earlier dates, which may meet its first ones; its own sums stay what they are."""
    last = max((closing for _, closing, _ in windows), default=BEFORE_ALL)
    keep = 1
    while keep < len(old.opens) and old.opens[keep] <= last:
        keep += 1
    opens, closes = _merged([*(old.window(index) for index in range(1, keep)), *windows])
    base = old.sums[keep] - sum(map(sub, closes, opens))
    sums = array("q", [base, *accumulate(map(sub, closes, opens), initial=base)])
    sums.extend(old.sums[keep + 1 :])
    opens.extend(old.opens[keep:])
    return _bounded(array("q", [BEFORE_ALL]) + opens, sums, made, _chained(_dates(windows), old.dates))


def _bounded(opens: array[int], sums: array[int], made: range, dates: Dates) -> Stretch:
    """Bounds are a day or two narrower than the dates: a window may reach into the next, a zone is up to a day off."""
    low = FIRST - DAY if made.start == 1 - EPOCH_ORDINAL else (made.start + 2) * DAY
    high = LAST if made.stop == LAST_DAY else (made.stop - 1) * DAY
    small = len(opens) < LARGE
    return Stretch(low, high, opens.tolist() if small else opens, sums.tolist() if small else sums, made, dates)


# rule 3: windows that overlap merge
def _merged(windows: list[Window | DatedWindow]) -> tuple[array[int], array[int]]:
    """When the windows open and when they close, once those that meet or overlap are one."""
    opens, closes = array("q"), array("q")
    for opening, closing, *_ in sorted(windows):
        if not closes or opening > closes[-1]:
            opens.append(opening)
            closes.append(closing)
        elif closing > closes[-1]:
            closes[-1] = closing
    return opens, closes


def _dates(windows: list[DatedWindow]) -> Dates:
    numbers, opens, closes = array("q"), array("q"), array("q")
    for opening, closing, number in windows:
        if not numbers or number != numbers[-1]:
            numbers.append(number)
            opens.append(opening)
            closes.append(closing)
        else:
            opens[-1], closes[-1] = min(opens[-1], opening), max(closes[-1], closing)
    return Dates(numbers, opens, closes, all(map(le, closes, opens[1:])))


def _chained(one: Dates, two: Dates) -> Dates:
    meeting = one.closes[-1:] + two.opens[:1]
    apart = one.apart and two.apart and (len(meeting) < 2 or meeting[0] <= meeting[1])
    return Dates(one.numbers + two.numbers, one.opens + two.opens, one.closes + two.closes, apart)


ZoneLike = str | ZoneInfo
"""Whatever stands for a time zone: its IANA name, or a ZoneInfo that has one."""


def known_zone(given: object) -> str:
    """The IANA name of a zone, given by name or as a ZoneInfo. Raises `InvalidValue` for an unknown one."""
    key = getattr(given, "key", given)
    if not isinstance(key, str) or load_zone(key) is None:
        names = {name.lower(): name for name in known_zones()}
        meant = names.get(nearest(key, names), "")
        raise InvalidValue(Problem("unknown time zone", key, expected="an IANA name", suggestion=meant))
    return key


def edges_of(day: int, opening: int, closing: int, tz: tzinfo) -> Window:
    """When a window opens and closes near a change of the clock. On a date that the zone skipped it has no length."""
    midnight = datetime.fromordinal(day + EPOCH_ORDINAL)
    first = instant_of_wall(midnight + timedelta(microseconds=opening), tz)
    last = instant_of_wall(midnight + timedelta(microseconds=closing), tz, last=True)
    return (first, first) if last - first != closing - opening and _is_skipped(midnight, tz) else (first, last)


def _is_skipped(midnight: datetime, tz: tzinfo) -> bool:
    """Whether a zone has no such date: it went straight on to the next, as Samoa did on 2011-12-30."""
    return instant_of_wall(midnight, tz) == instant_of_wall(midnight + timedelta(days=1), tz)


SegmentReason = tuple[int, int, str]
"""From when to when, on microseconds, time that would have been open was not, and why."""


class Segment(Value):
    """A stretch of time, from `start` up to `end`, that was counted, or excluded and why."""

    start: Instant
    end: Instant
    counted: bool
    why: str

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


def segment(start: int, end: int, counted: bool, why: str) -> Segment:
    """The segment between two instants in microseconds."""
    return Segment(start=datetime_of(start), end=datetime_of(end), counted=counted, why=why)


def segments_between(
    start: int, end: int, windows: Iterable[Window], reasons: list[SegmentReason]
) -> Iterator[Segment]:
    """The time between two instants, cut into the open windows, what reasons took out, and the rest."""
    edge = start
    for opening, closing in windows:
        yield from _closed(edge, opening, reasons)
        yield segment(opening, closing, True, "business hours")
        edge = closing
    yield from _closed(edge, end, reasons)


def _closed(start: int, end: int, reasons: list[SegmentReason]) -> Iterator[Segment]:
    edge = start
    for first, last, why in reasons:
        opening, closing = max(first, edge), min(last, end)
        if opening < closing:
            if edge < opening:
                yield segment(edge, opening, False, "outside business hours")
            yield segment(opening, closing, False, why)
            edge = closing
    if edge < end:
        yield segment(edge, end, False, "outside business hours")
