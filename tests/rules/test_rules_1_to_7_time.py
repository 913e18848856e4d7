"""Rules 1 to 7: business time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation_rules import BusinessCalendar, EscalationRulesError, Span
from tests.bench import MICROSECOND, OFFICE, when

YORK = ZoneInfo("America/New_York")
DESK = BusinessCalendar(timezone="America/New_York", hours={"mon-fri": "09:00-17:00"})
SAME_TIME = Span(1, "business days", due="same time")


def york(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=YORK, fold=fold)


@pytest.mark.parametrize("name", ["add", "subtract", "elapsed", "is_open", "next_open", "next_close", "openings"])
def test_rule_1_a_naive_instant_is_refused_with_a_hint(name):
    """Every method refuses it, and says how to do it right."""
    naive = when("mon 00:00").replace(tzinfo=None)
    more = {
        "add": ("1 hour",),
        "subtract": ("1 hour",),
        "elapsed": (when("tue 00:00"),),
        "openings": (when("tue 00:00"),),
    }.get(name, ())
    with pytest.raises(EscalationRulesError, match=r"naive datetime .* expected one with a time zone"):
        getattr(DESK, name)(naive, *more)


def test_rule_1_a_night_shift_is_seven_or_nine_hours_long():
    """Durations elapse on the instant timeline."""
    night = BusinessCalendar(timezone="America/New_York", hours={"mon-sun": "22:00-06:00"})
    assert night.elapsed(york(2024, 3, 9, 22), york(2024, 3, 10, 6)) == timedelta(hours=7)
    assert night.elapsed(york(2024, 11, 2, 22), york(2024, 11, 3, 6)) == timedelta(hours=9)
    assert night.add(york(2024, 11, 2, 22), "4 business hours").astimezone(UTC) == datetime(2024, 11, 3, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "day", "length"),
    [("02:30-10:00", (2024, 3, 10), 7), ("02:00-02:30", (2024, 3, 10), 0), ("01:30-09:00", (2024, 11, 3), 8.5)],
)
def test_rule_2_window_edges_in_skipped_and_repeated_hours(hours, day, length):
    """The first instant after a gap; the first opening and the last closing in a repeated hour."""
    calendar = BusinessCalendar(timezone="America/New_York", hours={"mon-sun": hours})
    assert calendar.elapsed(york(*day), york(*day) + timedelta(days=1)) == timedelta(hours=length)


def test_rule_2_windows_are_half_open():
    """Open at the opening edge, closed at the closing edge."""
    assert DESK.is_open(york(2024, 1, 8, 9))
    assert not DESK.is_open(york(2024, 1, 8, 17))
    assert DESK.is_open(york(2024, 1, 8, 17) - MICROSECOND)
    assert not DESK.is_open(york(2024, 1, 8, 9) - MICROSECOND)
    assert DESK.next_open(york(2024, 1, 8, 17)) == york(2024, 1, 9, 9)


def test_rule_2_a_date_that_a_zone_skipped_does_not_exist():
    """Samoa went from 29 to 31 December 2011."""
    apia = ZoneInfo("Pacific/Apia")
    span = BusinessCalendar.always("Pacific/Apia").elapsed(
        datetime(2011, 12, 29, tzinfo=apia), datetime(2011, 12, 31, tzinfo=apia)
    )
    assert span == timedelta(hours=24)


@pytest.mark.parametrize("hours", [{}, {"mon": []}])
def test_rule_3_a_calendar_that_never_opens_is_refused_when_made(hours):
    """It would otherwise be searched for ever."""
    with pytest.raises(EscalationRulesError, match="a calendar that never opens"):
        BusinessCalendar(timezone="UTC", hours=hours)


def test_rule_3_overlapping_windows_merge_and_holidays_go_on():
    """9–17 with 12–20 is eleven hours; Christmas is a holiday in every year asked."""
    long = BusinessCalendar(timezone="UTC", hours={"mon": ["09:00-17:00", "12:00-20:00"]})
    assert long.elapsed(when("mon 00:00"), when("tue 00:00")) == timedelta(hours=11)
    england = BusinessCalendar(timezone="Europe/London", hours={"mon-sun": "09:00-17:00"}, holidays="GB-ENG")
    assert not any(england.is_open(datetime(year, 12, 25, 12, tzinfo=UTC)) for year in range(1975, 2100))


def test_rule_4_a_holiday_replaces_the_windows_that_start_on_its_date():
    """The night before goes on into the holiday; an override goes before the holiday."""
    night = BusinessCalendar(timezone="UTC", hours={"mon-sun": "22:00-06:00"}, holidays=[date(2026, 3, 4)])
    assert night.is_open(when("wed 05:00"))
    assert not night.is_open(when("wed 23:00"))
    assert not night.is_open(when("thu 05:00"))
    short = BusinessCalendar(
        timezone="UTC",
        hours={"mon-fri": "09:00-17:00"},
        holidays=["2026-03-04"],
        overrides={"2026-03-04": "10:00-12:00"},
    )
    assert short.elapsed(when("wed 00:00"), when("thu 00:00")) == timedelta(hours=2)


def test_rule_5_add_is_the_earliest_instant_and_subtract_mirrors_it():
    """What is used up at closing time is due at closing time; adding nothing changes nothing."""
    assert OFFICE.add(when("fri 09:00"), "8 business hours") == when("fri 17:00")
    assert OFFICE.add(when("fri 17:00"), "1 business hour") == when("mon+1 10:00")
    assert OFFICE.add(when("sat 12:00"), "0 business hours") == when("sat 12:00")
    assert OFFICE.subtract(when("mon+1 09:30"), "1 business hour") == when("fri 16:30")
    assert OFFICE.subtract(when("fri 17:00"), "8 business hours") == when("fri 09:00")


@pytest.mark.parametrize(
    ("start", "span", "due"),
    [
        (when("fri 10:00"), "1 business day", when("mon+1 17:00")),
        (when("fri 17:00") - MICROSECOND, "1 business day", when("mon+1 17:00")),
        (when("fri 17:00"), "1 business day", when("tue+1 17:00")),
        (when("sat 12:00"), "1 business day", when("tue+1 17:00")),
        (when("fri 10:00"), SAME_TIME, when("mon+1 10:00")),
        (when("fri 18:00"), SAME_TIME, when("tue+1 09:00")),
    ],
)
def test_rule_6_business_days_count_dates_not_hours(start, span, due):
    """A start outside hours is rolled forward; the deadline is the close of the nth later business day."""
    assert OFFICE.add(start, span) == due


def test_rule_6_a_night_belongs_to_the_day_on_which_it_starts():
    """Tuesday 02:00 lies in Monday's hours: one business day later is Wednesday 06:00."""
    night = BusinessCalendar(timezone="UTC", hours={"mon-fri": "22:00-06:00"})
    assert night.add(when("tue 02:00"), "1 business day") == when("wed 06:00")


def test_rule_6_plain_days_keep_the_wall_time_and_hours_elapse():
    """Across the night on which the clocks go forward."""
    assert DESK.add(york(2024, 3, 9, 12), "1 day") == york(2024, 3, 10, 12)
    assert DESK.add(york(2024, 3, 9, 12), "24 hours") == datetime(2024, 3, 10, 17, tzinfo=UTC)
    assert DESK.add(york(2024, 1, 31, 12), "1 month") == york(2024, 2, 29, 12)


def test_rule_7_elapsed_is_signed():
    """Backwards counts down."""
    assert OFFICE.elapsed(when("mon 17:00"), when("mon 09:00")) == timedelta(hours=-8)


@pytest.mark.parametrize("text", ["4 business hours", "90 minutes", "1.5 hours", "PT1H30M", "P1D", "P1M", "0 minutes"])
def test_a_span_says_itself_again(text):
    """By text, by repr, by JSON."""
    span = Span.parse(text)
    assert eval(repr(span)) == span == Span.model_validate_json(span.model_dump_json())


@pytest.mark.parametrize(
    "text", ["", "soon", "-1 hours", "0.5 days", "1.5 business days", "4 bussiness hours", "P1DT2H"]
)
def test_a_span_that_is_none_is_refused(text):
    """With what would have done."""
    with pytest.raises(EscalationRulesError, match="expected"):
        Span.parse(text)
