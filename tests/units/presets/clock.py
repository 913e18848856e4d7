"""Instants in London in the spring of 2026, for the presets' scenarios.

Monday 25 May is the spring bank holiday. Until 28 March London is on UTC, from 29 March on an hour before it.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def at(text: str) -> datetime:
    """An instant such as `05-22 09:30`, in London in 2026.

    >>> at("05-22 09:30").isoformat()
    '2026-05-22T09:30:00+01:00'
    """
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=LONDON)
