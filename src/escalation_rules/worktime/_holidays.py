"""Public holidays by country, read and computed year by year as they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import MAXYEAR, date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import holidays as public_holidays

from escalation_rules.errors import InvalidValue, Problem, nearest
from escalation_rules.worktime._timeline import EPOCH_ORDINAL

__all__ = ["Holidays", "holidays_of", "read_holidays"]

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
