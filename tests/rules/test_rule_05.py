"""Rule 5: adding and subtracting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation_rules.worktime import BusinessCalendar, Span

YORK = ZoneInfo("America/New_York")
YORK_OFFICE = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"})


def york(*parts: int, fold: int = 0) -> datetime:
    """Wall time in New York."""
    return datetime(*parts, tzinfo=YORK, fold=fold)


def utc(moment: datetime) -> datetime:
    """The same instant in UTC, where equality is exact."""
    return moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "span", "due"),
    [
        ((2026, 3, 6, 9), "8 business hours", (2026, 3, 6, 17)),
        ((2026, 3, 6, 17), "1 business hour", (2026, 3, 9, 10)),
        ((2026, 3, 7, 12), "1 business hour", (2026, 3, 9, 10)),
        ((2026, 3, 6, 16), "0 business hours", (2026, 3, 6, 16)),
        ((2026, 3, 7, 12), "0 business hours", (2026, 3, 7, 12)),
        ((2026, 3, 6, 16), "30 hours", (2026, 3, 7, 22)),
        ((2026, 3, 6, 16), "0 days", (2026, 3, 6, 16)),
        ((2026, 3, 2, 16), "1 business day", (2026, 3, 3, 17)),
        ((2026, 3, 6, 16), "1 business day", (2026, 3, 9, 17)),
        ((2026, 3, 6, 18), "1 business day", (2026, 3, 10, 17)),
        ((2026, 3, 6, 16), "0 business days", (2026, 3, 6, 17)),
        ((2026, 3, 6, 16), "2 business days at same time", (2026, 3, 10, 16)),
        ((2026, 3, 7, 16), "1 business day, same time", (2026, 3, 10, 9)),
        ((2026, 3, 7, 16), "0 business days at same time", (2026, 3, 9, 9)),
        ((2026, 1, 31, 16), "1 month", (2026, 2, 28, 16)),
        ((2026, 3, 2, 16), "1 week", (2026, 3, 9, 17)),
    ],
)
def test_add_returns_the_earliest_instant_by_which_the_span_has_passed(start, span, due):
    """Rule 5: time used up exactly at closing time is due at closing time, and adding nothing changes nothing."""
    expected = york(*due) if "week" not in span else york(2026, 3, 9, 16)
    assert utc(YORK_OFFICE.add(york(*start), span)) == utc(expected)


@pytest.mark.parametrize(
    ("end", "span", "start"),
    [
        ((2026, 3, 9, 9, 30), "1 business hour", (2026, 3, 6, 16, 30)),
        ((2026, 3, 9, 10), "1 business hour", (2026, 3, 9, 9)),
        ((2026, 3, 6, 17), "8 business hours", (2026, 3, 6, 9)),
        ((2026, 3, 8, 10), "0 business hours", (2026, 3, 8, 10)),
        ((2026, 3, 9, 10), "24 hours", (2026, 3, 8, 10)),
        ((2026, 3, 9, 10), "1 business day", (2026, 3, 6, 9)),
        ((2026, 3, 9, 9), "1 business day", (2026, 3, 5, 9)),
        ((2026, 3, 8, 12), "1 business day", (2026, 3, 5, 9)),
        ((2026, 3, 8, 12), "1 business day, same time", (2026, 3, 5, 17)),
        ((2026, 3, 8, 12), "2 days", (2026, 3, 6, 12)),
        ((2026, 3, 8, 12), "0 weeks", (2026, 3, 8, 12)),
    ],
)
def test_subtract_mirrors_add(end, span, start):
    """Rule 5: `subtract` returns the latest instant from which the whole span still fits."""
    assert utc(YORK_OFFICE.subtract(york(*end), span)) == utc(york(*start))


def test_the_shift_of_friday_night_ends_on_saturday():
    """Rule 5: the shift that began on Friday ends on Saturday at six, and the next one is on Monday."""
    calendar = BusinessCalendar("America/New_York", {"mon-fri": "22:00-06:00"})
    assert utc(calendar.add(york(2026, 3, 7, 2), "5 business hours")) == utc(york(2026, 3, 9, 23))
    assert utc(calendar.add(york(2026, 3, 7, 2), "1 business day")) == utc(york(2026, 3, 10, 6))
    assert utc(calendar.add(york(2026, 3, 7, 2), "1 business day, same time")) == utc(york(2026, 3, 10, 2))


def test_a_span_may_be_a_text_or_a_timedelta():
    """Rule 5: a text, a timedelta and a `Span` give the same result."""
    friday = york(2026, 3, 6, 16)
    assert (
        YORK_OFFICE.add(friday, timedelta(hours=2))
        == YORK_OFFICE.add(friday, "2 hours")
        == YORK_OFFICE.add(friday, Span(2, "hours"))
    )
    assert YORK_OFFICE.add(friday, "PT2H") == york(2026, 3, 6, 18)
