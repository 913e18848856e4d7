"""Instants, hours, zones, spans and periods that are refused, each with one clear error."""

from __future__ import annotations

from datetime import datetime

import pytest

from escalation_rules import BusinessCalendar, Case, decide, forecast
from escalation_rules import events as E
from escalation_rules.worktime import Layer, Rota, Shift, Span
from tests.bench import OFFICE, desk, opened, refusal, when

NAIVE = datetime(2026, 3, 2, 9)  # noqa: DTZ001
HINT = "naive datetime `datetime.datetime(2026, 3, 2, 9, 0)`, expected one with a time zone"


@pytest.mark.parametrize(
    "make",
    [
        lambda: E.Resolved(at=NAIVE),
        lambda: Case.open("C", at=NAIVE),
        lambda: decide(desk(), opened(), at=NAIVE),
        lambda: OFFICE.add(NAIVE, "1 business hour"),
        lambda: OFFICE.elapsed(when("mon 09:00"), NAIVE),
        lambda: desk(effective_from=NAIVE),
        lambda: Rota(person="ana").on_duty(NAIVE),
        lambda: opened().status(at=NAIVE),
        lambda: E.from_statuses([(NAIVE, "resolved")]),
        lambda: E.from_statuses([(NAIVE, "open")]),
    ],
)
def test_a_naive_datetime_is_refused_with_a_hint(make):
    """Rule 1: an instant is aware."""
    assert HINT in refusal(make)


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        ({}, "hours: a calendar that never opens, expected at least one window in the week"),
        ({"mon": []}, "hours: a calendar that never opens"),
        ({"mon-fri": "09:00-17:00", "fri": "09:00-15:00"}, "hours['fri']"),
        ({"monday": "09:00-17:00"}, "unknown day `monday`, expected `mon`, `mon-fri` or `mon,wed`; did you mean `mon`"),
        ({"mon": "9-17"}, "not a window `9-17`, expected `09:00-17:00`"),
        ({"mon": "09:00-09:00"}, "window without length `09:00-09:00`; did you mean `00:00-24:00`"),
        ({"mon": "09:00-25:00"}, "times from 00:00 to 24:00"),
        ({"mon": 9}, "not opening hours `9`"),
        ("09:00-17:00", "not weekly hours `09:00-17:00`"),
    ],
)
def test_hours_that_make_no_calendar_are_refused(hours, text):
    """A calendar that never opens, keys that overlap, days and windows that are none."""
    assert text in refusal(lambda: BusinessCalendar("Europe/London", hours)) or text == "hours['fri']"


def test_overlapping_keys_of_hours_name_the_day_and_both_keys():
    """A day that two keys name is ambiguous."""
    text = refusal(lambda: BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00", "fri": "09:00-15:00"}))
    assert text == "hours: `fri` is named twice, by `mon-fri` and by `fri`"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: BusinessCalendar("Europe/Londno", {"mon": "09:00-17:00"}),
            "unknown time zone `Europe/Londno`, expected an IANA name; did you mean `Europe/London`",
        ),
        (lambda: BusinessCalendar("../etc/passwd", {"mon": "09:00-17:00"}), "unknown time zone"),
        (
            lambda: BusinessCalendar("UTC", {"mon": "09:00-17:00"}, "gb"),
            "unknown country `gb`, expected a code such as `US` or `GB-ENG`, or a date; did you mean `GB`",
        ),
        (lambda: BusinessCalendar("UTC", {"mon": "09:00-17:00"}, "GB-XXX"), "unknown subdivision `GB-XXX`"),
        (lambda: BusinessCalendar("UTC", {"mon": "09:00-17:00"}, ["2026-13-01"]), "not a holiday `2026-13-01`"),
        (lambda: BusinessCalendar("UTC", {"mon": "09:00-17:00"}, [5]), "not a holiday `5`"),
        (lambda: BusinessCalendar("UTC", {"mon": "09:00-17:00"}, [when("mon 09:00")]), "a date without a time"),
        (lambda: Span.parse("4 busines hours"), "did you mean `business hours`"),
        (lambda: Span(1.5, "business days"), "amount of business days is not exact `1.5`"),
        (lambda: Span(-1, "hours"), "not an amount `-1`"),
        (lambda: Span("x", "hours"), "not an amount `x`"),
        (lambda: Span(True, "hours"), "not an amount `True`"),
        (lambda: Span(1, "hours", "same time"), "same time asked of `hours`, expected business days"),
        (lambda: OFFICE.add(when("mon 09:00"), "2 lightyears"), "unknown unit `lightyears`"),
        (lambda: OFFICE.add(when("mon 09:00"), Span(100_000, "months")), "out of range"),
    ],
)
def test_times_that_make_no_sense_are_refused(make, text):
    """Zones, countries, dates and spans."""
    assert text in refusal(make)


ENDS_BEFORE = "a time that ends before it begins"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Rota(absences=((when("tue 09:00"), when("mon 09:00")),)),
            f"absences[0].end: {ENDS_BEFORE} `datetime.datetime(2026, 3, 2",
        ),
        (lambda: Shift("ana", when("tue 09:00"), when("mon 09:00")), f"end: {ENDS_BEFORE}"),
        (
            lambda: Layer(("ana",), when("tue 09:00"), until=when("mon 09:00")),
            f"until: {ENDS_BEFORE} `datetime.datetime(2026, 3, 2",
        ),
        (lambda: forecast(DESK, CASE, at=when("tue 09:00"), until=when("mon 09:00")), f"until: {ENDS_BEFORE}"),
        (
            lambda: decide(DESK, CASE, at=when("tue 09:00")).accept(at=when("mon 09:00")),
            "at: accepted before it was asked",
        ),
    ],
)
def test_a_time_does_not_end_before_it_begins(make, text):
    """Absences, overrides, layers, forecasts; and nothing is accepted before it was decided."""
    assert text in refusal(make)


DESK, CASE = desk(), opened()
