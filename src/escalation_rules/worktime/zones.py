"""Time zones as they are given, and windows of wall time near a change of the clock."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from escalation_rules.errors import InvalidValue, Problem, nearest
from escalation_rules.worktime._timeline import EPOCH_ORDINAL, Window, instant_of_wall, known_zones, load_zone

__all__ = ["ZoneLike", "edges_of", "known_zone"]

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
