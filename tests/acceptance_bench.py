"""A policy and a case in one line each: UTC, three levels, opened on Monday 2 March 2026 at nine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from escalation_rules import BusinessCalendar, Case, EscalationLevel, Policy, Rule, decide

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
TICK = timedelta(microseconds=1)
OFFICE = BusinessCalendar(timezone="UTC", hours={"mon-fri": "09:00-17:00"})
ALWAYS = BusinessCalendar.always("UTC")


def h(hours: float) -> datetime:
    """So many hours after the opening."""
    return NINE + timedelta(hours=hours)


def march(day: int, hour: float = 0) -> datetime:
    """An instant in March 2026; the second is a Monday."""
    return datetime(2026, 3, day, tzinfo=UTC) + timedelta(hours=hour)


def policy(*rules: Rule, levels: tuple[str | EscalationLevel, ...] = ("l1", "l2", "l3"), **fields: Any) -> Policy:
    """A policy with these rules; levels may be given by key."""
    if "tracks" not in fields:
        fields["levels"] = tuple(EscalationLevel(key=one) if isinstance(one, str) else one for one in levels)
    return Policy(
        **{"name": "p", "version": "1", "priorities": ("low", "normal", "high", "urgent"), **fields}, rules=rules
    )


def case(*events: Any, at: datetime = NINE, priority: str | None = "normal", **fields: Any) -> Case:
    """A case with these events."""
    return Case.open("C-1", at=at, priority=priority, **fields).record(*events)


def accepted(wanted: Policy, story: Case, at: datetime) -> Case:
    """The case with everything recorded that is asked for at `at`."""
    return story.record(*decide(wanted, story, at=at).accept(at=at, by="desk"))


def moves(wanted: Policy, story: Case, at: datetime) -> list[tuple[str, datetime]]:
    """Where to, and due when."""
    return [(move.to, move.due) for move in decide(wanted, story, at=at).moves]


def levels_reached(wanted: Policy, story: Case, at: datetime) -> list[str]:
    """Where to."""
    return [move.to for move in decide(wanted, story, at=at).moves]
