"""Opening hours and public holidays as people write them, read into windows and dates.

A window is a text such as "09:00-17:00"; "22:00-06:00" runs into the next date and "00:00-24:00" is the whole day.
Days are "mon", a run such as "mon-fri" or "sun-thu", or several of them with commas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import MAXYEAR, date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import holidays as public_holidays

from escalation_rules.errors import InvalidValue, Problem, nearest
from escalation_rules.worktime._timeline import EPOCH_ORDINAL

Windows = str | Iterable[str] | None
"""The windows of one day as they are given: one, several, or none."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE_DAY = ("00:00-24:00",)
_WINDOW = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*-\s*(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DAY_SECONDS = 86_400


def read_windows(given: object) -> tuple[str, ...]:
    """The windows of one day, each checked and written in one way. A text stands for one window, nothing for none.

    >>> read_windows(["9:00-12:30", "13:30-17:00"])
    ('09:00-12:30', '13:30-17:00')
    """
    if given is None or given == "":
        return ()
    if isinstance(given, str):
        given = (given,)
    if not isinstance(given, Iterable):
        raise InvalidValue(Problem("not opening hours", given, expected="`09:00-17:00` or a list of such"))
    return tuple(sorted({_text(*_read_window(one)) for one in given}))


def seconds_of(window: str) -> tuple[int, int]:
    """When a window opens and closes, in seconds of wall time from the midnight of the date it starts on.

    >>> seconds_of("22:00-06:00")
    (79200, 108000)
    """
    return _read_window(window)


def _read_window(given: object) -> tuple[int, int]:
    match = _WINDOW.fullmatch(given.strip()) if isinstance(given, str) else None
    if match is None:
        raise InvalidValue(Problem("not a window", given, expected="`09:00-17:00`"))
    hours = [int(part or 0) for part in match.groups()]
    opening, closing = (h * 3600 + m * 60 + s for h, m, s in (hours[:3], hours[3:]))
    if any(part > 59 for part in hours[1:3] + hours[4:]) or opening >= _DAY_SECONDS or closing > _DAY_SECONDS:
        raise InvalidValue(Problem("not a window", given, expected="times from 00:00 to 24:00"))
    if opening == closing:
        raise InvalidValue(Problem("window without length", given, suggestion=WHOLE_DAY[0]))
    return opening, closing if closing > opening else closing + _DAY_SECONDS


def _text(opening: int, closing: int) -> str:
    ends_next_day = closing > _DAY_SECONDS
    return f"{_clock(opening)}-{_clock(closing - _DAY_SECONDS if ends_next_day else closing)}"


def _clock(seconds: int) -> str:
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return text + (f":{seconds % 60:02}" if seconds % 60 else "")


def read_hours(given: object) -> dict[str, tuple[str, ...]]:
    """The weekly hours, with runs of equal days written together. A day that two keys name is refused.

    >>> read_hours({"mon-thu": "09:00-17:00", "fri": ["09:00-17:00"]})
    {'mon-fri': ('09:00-17:00',)}
    """
    if not isinstance(given, Mapping):
        raise InvalidValue(Problem("not weekly hours", given, expected="a mapping such as {'mon-fri': '09:00-17:00'}"))
    by_day: dict[int, tuple[str, ...]] = {}
    owner: dict[int, str] = {}
    problems: list[Problem] = []
    for key, windows in given.items():
        try:
            days, opened = days_of(key), read_windows(windows)
        except InvalidValue as error:
            problems += [problem.under(f"[{key!r}]") for problem in error.problems]
            continue
        for day in days:
            if day in by_day:
                problems.append(Problem(f"`{DAYS[day]}` is named twice, by `{owner[day]}` and by", key))
            by_day[day], owner[day] = opened, str(key)
    if problems:
        raise InvalidValue(*problems)
    return _grouped(by_day)


def _grouped(by_day: Mapping[int, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, tuple[str, ...]] = {}
    first = 0
    for day in range(1, 8):
        if day == 7 or by_day.get(day, ()) != by_day.get(first, ()):
            if windows := by_day.get(first, ()):
                grouped[DAYS[first] if day - first == 1 else f"{DAYS[first]}-{DAYS[day - 1]}"] = windows
            first = day
    return grouped


def days_of(key: object) -> list[int]:
    """The weekdays that a key names, Monday being 0.

    >>> days_of("sat-mon")
    [5, 6, 0]
    """
    days: list[int] = []
    for part in str(key).lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        start, end = _day(first, key), _day(last or first, key)
        days += [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]
    return days


def _day(name: str, key: object) -> int:
    if name not in DAYS:
        meant = name[:3] if name[:3] in DAYS else nearest(name, DAYS)
        raise InvalidValue(Problem("unknown day", key, expected="`mon`, `mon-fri` or `mon,wed`", suggestion=meant))
    return DAYS.index(name)


Holidays = str | date | Iterable[str | date]
"""Holidays as they are given: a country code, a date or its text, or several of these."""


def read_holidays(given: object) -> Any:
    """Country codes and dates, sorted, each once. A single one stands for itself.

    >>> read_holidays(["2026-03-04", "GB-ENG"])
    ('GB-ENG', datetime.date(2026, 3, 4))
    """
    listed = (given,) if isinstance(given, str | date) or not isinstance(given, Iterable) else tuple(given)
    read = [_holiday(one) for one in listed]
    return tuple(sorted(set(read), key=lambda one: (isinstance(one, date), str(one))))


@lru_cache(maxsize=512)
def holidays_of(code: str, year: int) -> Mapping[int, str]:
    """The public holidays of a country, or a part of it, in a year: what they are, by the number of the day.

    Those that follow the moon are known only as far as the tables of the holidays package reach.
    """
    country, _, subdivision = code.partition("-")
    found = _without_end(country)(subdiv=subdivision or None, years=year)
    return MappingProxyType({day.toordinal() - EPOCH_ORDINAL: f"holiday: {name}" for day, name in found.items()})


@lru_cache(maxsize=64)
def _without_end(country: str) -> type[public_holidays.HolidayBase]:
    """The holidays of a country, which the package stops to compute after a year (usually 2100), for any year."""
    kind = type(public_holidays.country_holidays(country))
    return type(kind.__name__, (kind,), {"end_year": MAXYEAR})


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
