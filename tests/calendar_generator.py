"""Plans of hours in zones with odd changes of the clock, and instants near those changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from hypothesis import settings
from hypothesis import strategies as st

from escalation_rules.worktime import BusinessCalendar, CombinedCalendar, load_zone
from tests.oracle.calendar import Plan, Windows

ZONES = (
    "Africa/Cairo",  # changes at midnight
    "Africa/Casablanca",  # back for the month of Ramadan
    "America/Havana",
    "America/New_York",
    "America/Sao_Paulo",  # skipped midnights
    "America/St_Johns",  # a minute past midnight, on the half hour, and once by two hours
    "Antarctica/Troll",  # by two hours
    "Asia/Gaza",
    "Asia/Kathmandu",  # five hours and three quarters
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Australia/Lord_Howe",  # by half an hour
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Apia",  # no 30 December 2011
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",  # no 21 August 1993
    "UTC",
)
FEWER = settings(max_examples=max(settings.default.max_examples // 3, 1))
"""For laws whose every example takes two calendars: a third of the usual number."""


@lru_cache
def changes(zone: str) -> list[date]:
    """The dates from 1970 to 2100 near which clocks in a zone change."""
    tz, midnight, found = load_zone(zone), datetime(1970, 1, 1, tzinfo=UTC), []
    before = midnight.astimezone(tz).utcoffset()
    for _ in range(131 * 365):
        midnight += timedelta(days=1)
        if (offset := midnight.astimezone(tz).utcoffset()) != before:
            found.append(midnight.date())
        before = offset
    return found or [date(2026, 3, 2)]


@st.composite
def days(draw: st.DrawFn, zone: str) -> date:
    """A date from 1970 to 2100, mostly near a change of the clock."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.dates(date(1970, 1, 10), date(2100, 12, 20)))
    return draw(st.sampled_from(changes(zone))) + timedelta(days=draw(st.integers(-2, 2)))


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int]:
    """Day shifts, night shifts and whatever else, on the quarter of an hour or odd."""
    common = [(540, 1020), (0, 1440), (1320, 1800), (720, 1200), (60, 180), (120, 150), (1380, 1440), (0, 60)]
    if draw(st.booleans()):
        return draw(st.sampled_from(common))
    opening = draw(st.integers(0, 95)) * 15 + draw(st.sampled_from((0, 0, 7)))
    return opening, opening + draw(st.integers(1, 95)) * 15


windows_of_a_day = st.lists(windows(), max_size=2, unique=True).map(tuple)


@st.composite
def plans(draw: st.DrawFn, around: date | None = None, zone: str | None = None) -> tuple[Plan, date]:
    """A plan, and a date near which it has holidays and overrides."""
    zone = zone or draw(st.sampled_from(ZONES))
    day = around or draw(days(zone))
    one, other, third = (draw(windows_of_a_day) for _ in range(3))
    week: tuple[Windows, ...] = (one, other, one, other, one, third, ())
    if not any(week):
        week = (((540, 1020),),) * 5 + ((), ())
    near = st.integers(-2, 6).map(lambda number: day + timedelta(days=number))
    holidays = draw(st.frozensets(near, max_size=2))
    overrides = tuple(sorted(draw(st.dictionaries(near, windows_of_a_day, max_size=2)).items()))
    return Plan(zone, week, holidays, overrides), day


@st.composite
def calendars(draw: st.DrawFn, around: date | None = None) -> BusinessCalendar | CombinedCalendar:
    """The calendar of a plan, sometimes put together with another or changed on a date."""
    day = around or draw(st.sampled_from(changes(draw(st.sampled_from(ZONES)))))
    one = draw(plans(day))[0].calendar()
    kind = draw(st.sampled_from((None, None, "|", "changing", "&", "-")))
    if kind is None:
        return one
    if kind == "|":
        return one | draw(plans(day))[0].calendar()
    # in one zone, so that the hours they share in one age they share in all
    other = draw(plans(day, zone=one.timezone))[0].calendar()
    if kind == "changing":
        return one.changing({day + timedelta(days=draw(st.integers(-3, 3))): other})
    try:
        return CombinedCalendar(one, kind, other)
    except ValueError:  # they have no hour in common, or none is left
        return one


@st.composite
def instants(draw: st.DrawFn, around: date, reach: int = 12) -> datetime:
    """An instant within some days of a date: on the minute mostly, sometimes a microsecond beside it."""
    minutes = draw(st.integers(-reach * 1440, reach * 1440) | st.integers(-96, 96).map(lambda n: n * 15))
    beside = draw(st.sampled_from((0, 0, 0, 1, -1)) | st.integers(0, 59_999_999))
    return datetime.combine(around, time(), UTC) + timedelta(minutes=minutes, microseconds=beside)
