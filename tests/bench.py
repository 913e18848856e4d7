"""A small desk for tests: instants in London in the week of Monday 2 March 2026, and a policy to change at will."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from escalation_rules import BusinessCalendar, Case, EscalationLevel, Policy

LONDON = ZoneInfo("Europe/London")
OFFICE = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"})
MICROSECOND = timedelta(microseconds=1)
DAYS = {"mon": 2, "tue": 3, "wed": 4, "thu": 5, "fri": 6, "sat": 7, "sun": 8}


def when(text: str) -> datetime:
    """An instant such as `mon 09:00`, or `mon+1 09:00` for a week later.

    >>> when("tue 14:30").isoformat()
    '2026-03-03T14:30:00+00:00'
    """
    day, clock = text.split()
    name, _, weeks = day.partition("+")
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 3, DAYS[name], hour, minute, tzinfo=LONDON) + timedelta(weeks=int(weeks or 0))


def desk(*rules: Any, **changes: Any) -> Policy:
    """A policy of three levels in office hours, with these rules."""
    fields: dict[str, Any] = {
        "name": "desk",
        "version": "1",
        "calendars": {"office": OFFICE},
        "calendar": "office",
        "priorities": ("low", "normal", "high", "urgent"),
        "levels": levels(),
        "rules": rules,
    }
    if "tracks" in changes:
        del fields["levels"]
    return Policy(**{**fields, **changes})


def levels(**changes: dict[str, Any]) -> tuple[EscalationLevel, ...]:
    """The levels `l1`, `l2` and `l3`, with changes by key."""
    return tuple(EscalationLevel(key=key, **changes.get(key, {})) for key in ("l1", "l2", "l3"))


def opened(*events: Any, at: str = "mon 09:00", **fields: Any) -> Case:
    """A case opened on Monday at nine, with these events."""
    return Case.open("C-1", at=when(at), **fields).record(*events)
