"""Ours beside published peers: the same answers, but where a known disagreement is named and shown.

workclock takes shifts, breaks and holidays in a zone; django-bizcal takes daily hours, with overrides, and holidays.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import workclock as wc
from django.conf import settings as django_settings
from hypothesis import assume, given
from hypothesis import strategies as st

from escalation_rules.worktime import BusinessCalendar
from tests.calendar_generator import FEWER, days, instants
from tests.oracle.calendar import Plan

if not django_settings.configured:
    django_settings.configure(USE_TZ=True, TIME_ZONE="UTC")

from django_bizcal import ScheduleBlock, WorkingCalendar

NEW_YORK = ZoneInfo("America/New_York")
# Zones in which the machine's data and the tzdata package agree, whichever version either has
PLAIN = ("America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "UTC")


def at(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)


@st.composite
def offices(draw: st.DrawFn) -> tuple[Plan, date]:
    """The same hours on each weekday: by day, by night, or split."""
    zone = draw(st.sampled_from(PLAIN))
    day = draw(days(zone).filter(lambda one: one.year < 2037))
    hours = draw(
        st.sampled_from((((540, 1020),), ((480, 720), (780, 1080)), ((1320, 1800),), ((360, 840), (840, 1200))))
    )
    closed = draw(st.frozensets(st.integers(-5, 12), max_size=2))
    week = (hours,) * 5 + ((), ())
    return Plan(zone, week, frozenset(day + timedelta(days=number) for number in closed)), day


@pytest.mark.law
@FEWER
@given(offices(), st.data(), st.integers(1, 3_000))
def test_workclock_says_the_same(office, data, minutes):
    """By day. A holiday of workclock cuts off the night shift of its eve, ours replaces what starts on the date."""
    plan, day = office
    assume(plan.week[0][0][1] <= 1440 or not plan.holidays)
    shifts = [wc.WorkDay(at(a), at(b), days=[0, 1, 2, 3, 4]) for a, b in plan.week[0]]
    theirs = wc.Schedule(
        [*shifts, *([wc.Holidays(list(plan.holidays))] if plan.holidays else [])], time_zone=plan.timezone
    )
    calendar = plan.calendar()
    start, end = sorted((data.draw(instants(day)), data.draw(instants(day))))
    assert calendar.elapsed(start, end) == theirs.between(start, end)
    assert calendar.add(start, f"{minutes} business minutes") == theirs.add(start, minutes=minutes)


@pytest.mark.law
@FEWER
@given(offices(), st.data(), st.integers(1, 3_000))
def test_django_bizcal_says_the_same(office, data, minutes):
    """By day; its night shifts are told in its own way."""
    plan, day = office
    assume(plan.week[0][0][1] <= 1440)
    blocks = tuple(ScheduleBlock(at(a), at(b)) for a, b in plan.week[0])
    theirs = WorkingCalendar(
        tz=plan.timezone,
        weekly_schedule=dict.fromkeys(range(5), blocks),
        day_overrides=dict.fromkeys(plan.holidays, ()),
    )
    calendar = plan.calendar()
    start, end = sorted((data.draw(instants(day)), data.draw(instants(day))))
    assert calendar.elapsed(start, end) == theirs.business_time_between(start, end)
    assert calendar.add(start, f"{minutes} business minutes") == theirs.add_business_time(
        start, timedelta(minutes=minutes)
    )


def ours(window: str) -> BusinessCalendar:
    return BusinessCalendar("America/New_York", {"mon-sun": window})


def workclock(zone: str, opening: int, closing: int) -> wc.Schedule:
    return wc.Schedule([wc.WorkDay(at(opening), at(closing), days=list(range(7)))], time_zone=zone)


def bizcal(zone: str, opening: int, closing: int) -> WorkingCalendar:
    blocks = (ScheduleBlock(at(opening), at(closing)),)
    return WorkingCalendar(tz=zone, weekly_schedule=dict.fromkeys(range(7), blocks))


class TestKnownDisagreements:
    """Where a peer says something else, and why ours stays as it is."""

    def test_a_date_that_samoa_skipped(self):
        """Clocks in Apia never showed 30 December 2011, so nobody worked on it and no shift of its night began.

        django-bizcal counts its eight hours by day, workclock the six of its night that would be after midnight.
        """
        zone = "Pacific/Apia"
        whole = datetime(2011, 12, 28, tzinfo=ZoneInfo(zone)), datetime(2012, 1, 2, tzinfo=ZoneInfo(zone))
        assert bizcal(zone, 540, 1020).business_time_between(*whole) == timedelta(hours=40)
        assert BusinessCalendar(zone, {"mon-sun": "09:00-17:00"}).elapsed(*whole) == timedelta(hours=32)
        assert workclock(zone, 540, 1020).between(*whole) == timedelta(hours=32)
        assert workclock(zone, 1320, 1800).between(*whole) == timedelta(hours=32)
        assert BusinessCalendar(zone, {"mon-sun": "22:00-06:00"}).elapsed(*whole) == timedelta(hours=26)

    def test_an_edge_in_a_skipped_hour(self):
        """Ours is the first instant after the gap; theirs keeps the offset of before, and opens half an hour later."""
        day = datetime(2024, 3, 10, tzinfo=NEW_YORK), datetime(2024, 3, 11, tzinfo=NEW_YORK)
        assert ours("02:30-10:00").elapsed(*day) == timedelta(hours=7)
        assert workclock("America/New_York", 150, 600).between(*day) == timedelta(hours=6.5)
        assert bizcal("America/New_York", 150, 600).business_time_between(*day) == timedelta(hours=6.5)
        assert ours("02:00-02:30").elapsed(*day) == timedelta(0)
        assert workclock("America/New_York", 120, 150).between(*day) == timedelta(hours=0.5)
        assert bizcal("America/New_York", 120, 150).business_time_between(*day) == timedelta(hours=0.5)

    def test_a_closing_in_a_repeated_hour(self):
        """Ours closes when clocks show it for the last time, theirs for the first."""
        day = datetime(2024, 11, 3, tzinfo=NEW_YORK), datetime(2024, 11, 4, tzinfo=NEW_YORK)
        assert ours("01:00-01:30").elapsed(*day) == timedelta(hours=1.5)
        assert workclock("America/New_York", 60, 90).between(*day) == timedelta(hours=0.5)
        assert bizcal("America/New_York", 60, 90).business_time_between(*day) == timedelta(hours=0.5)

    def test_workclock_ends_a_night_shift_where_a_holiday_begins(self):
        """Ours: a holiday replaces the shifts that start on its date, and the eve's goes on until six."""
        holiday = date(2026, 3, 4)
        theirs = wc.Schedule([wc.WorkDay(time(22), time(6), days=list(range(7))), wc.Holidays([holiday])])
        calendar = BusinessCalendar("UTC", {"mon-sun": "22:00-06:00"}, [holiday])
        start, end = datetime(2026, 3, 3, 12, tzinfo=UTC), datetime(2026, 3, 5, 12, tzinfo=UTC)
        assert theirs.between(start, end) == timedelta(hours=8)
        assert calendar.elapsed(start, end) == timedelta(hours=8)
        night = start, datetime(2026, 3, 4, 12, tzinfo=UTC)
        assert (theirs.between(*night), calendar.elapsed(*night)) == (timedelta(hours=2), timedelta(hours=8))
