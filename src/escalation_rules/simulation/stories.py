"""The life of one case in words: what was asked and when, and what came of each deadline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from escalation_rules.policy import Policy
from escalation_rules.simulation.reports import NOTE

__all__ = ["duration", "story"]

Rows = Mapping[str, list[dict[str, Any]]]


def story(rows: Rows, policy: Policy, zone: str) -> str:
    """The life of a case, line by line, in a time zone."""
    (case,) = rows["cases"]
    head = f"{case['case']} under {policy.name} {policy.version} ({zone})"
    happened = sorted([*_changes(case), *_moves(rows), *_blocked(rows)], key=lambda one: one[0])
    lines = [f"  {_at(at, zone)}  {text}" for at, text in happened]
    return "\n".join([head, *lines, *(f"  {line}" for line in _deadlines(rows, zone)), NOTE])


def _changes(case: dict[str, Any]) -> Iterator[tuple[datetime, str]]:
    yield case["opened_at"], "opened"
    for name, text in (("first_resolved_at", "resolved"), ("resolved_at", "resolved again"), ("closed_at", "closed")):
        again = name == "resolved_at" and case[name] == case["first_resolved_at"]
        if case[name] is not None and not again:
            yield case[name], text


def _moves(rows: Rows) -> Iterator[tuple[datetime, str]]:
    for move in rows["moves"]:
        yield move["due_at"], f"to `{move['to_level']}` from `{move['from_level'] or 'nowhere'}`, by {move['rules']}"


def _blocked(rows: Rows) -> Iterator[tuple[datetime, str]]:
    for one in rows["blocked"]:
        what = "; ".join(part for part in (one["missing"], one["against"]) if part) or "nobody on duty"
        yield one["from_at"], f"held back from `{one['to_level']}`: {what}"


def _deadlines(rows: Rows, zone: str) -> Iterator[str]:
    for one in rows["deadlines"]:
        due = "paused at the end" if one["due_at"] is None else f"due {_at(one['due_at'], zone)}"
        budget = "" if one["budget"] is None else f" of {duration(one['budget'])}"
        times = f"counted {duration(one['counted'])}{budget}, left out {duration(one['excluded'])}"
        changed = ", by a change" if one["caused_by_change"] else ""
        yield f"{one['target']}: {one['outcome']}{changed}, {due}; {times}"


def _at(moment: datetime, zone: str) -> str:
    return f"{moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"


def duration(length: timedelta) -> str:
    """A length of time in hours and minutes.

    >>> duration(timedelta(days=1, minutes=90))
    '25 h 30 min'
    """
    minutes = round(length / timedelta(minutes=1))
    hours, rest = divmod(abs(minutes), 60)
    return ("-" if minutes < 0 else "") + (f"{hours:,} h" + (f" {rest} min" if rest else ""))
