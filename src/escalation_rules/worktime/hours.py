"""Opening hours as people write them: which days, from when to when.

A window is a text such as "09:00-17:00"; "22:00-06:00" runs into the next date and "00:00-24:00" is the whole day.
Days are "mon", a run such as "mon-fri" or "sun-thu", or several of them with commas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from escalation_rules.errors import InvalidValue, Problem, nearest

__all__ = ["DAYS", "WHOLE_DAY", "Windows", "days_of", "read_hours", "read_windows", "seconds_of"]

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
