"""Events made to match a pattern, and patterns that no event can match."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, get_args, get_origin

from escalation_rules import events as E
from escalation_rules.errors import InvalidValue
from escalation_rules.patterns import FieldTest, Happening, Pattern
from escalation_rules.policy import Policy
from escalation_rules.worktime import BusinessCalendar, Span

__all__ = ["MONDAY", "Sketch", "beginning", "example_of", "is_possible"]

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When stories begin, unless the office is closed then."""
Sketch = tuple[type[Happening], dict[str, Any]]
"""An event without its instant."""

_NEEDED: dict[str, dict[str, Any]] = {
    "EscalationRequested": {},
    "ProgressReported": {"state": "stalled"},
    "ItemConfirmed": {"item": "item"},
    "ItemWithdrawn": {"item": "item"},
    "ChecklistOverridden": {"level": "level", "reason": "agreed"},
    "FactObserved": {"name": "fact", "value": True},
    "CallHeld": {"kind": "call"},
    "ActionTaken": {"key": "action"},
    "MoveDeclined": {"key": "move"},
    "LessonSettled": {"lesson": "lesson", "outcome": "done"},
    "PriorityChanged": {"to": ""},
    "Escalated": {"to": ""},
    "CommunicationAgreed": {"plan": {"every": Span(1, "days")}},
}


def beginning(policy: Policy) -> datetime:
    """When cases of stories begin: the first open instant of a Monday, or once the policy is in effect."""
    name = policy.usual_calendar
    calendar = policy.calendars.get(name) if isinstance(name, str) else None
    calendar = calendar or BusinessCalendar.always("UTC")
    start = MONDAY if policy.effective_from is None else max(MONDAY, policy.effective_from)
    return calendar.next_open(start.replace(tzinfo=UTC)).astimezone(UTC)


def example_of(policy: Policy, pattern: Pattern) -> Sketch | None:
    """The simplest event that matches a pattern, if one could be made that does."""
    kind = E.KINDS[pattern.event]
    fields = {**_NEEDED.get(pattern.event, {})}
    named = {"PriorityChanged": policy.priorities, "Escalated": [level.key for level in policy.all_levels]}
    for name in list(named.get(pattern.event, ()))[:1]:
        fields["to"] = name
    for name, test in pattern.where.items():
        into = fields if name in kind.model_fields else fields.setdefault("plan", {})
        into[name] = _passing(kind, name, test)
    try:
        made = kind(at=MONDAY, **fields)
    except InvalidValue:
        return None
    return (kind, fields) if pattern.matches(made) else None


def _passing(kind: type[Happening], name: str, test: FieldTest) -> Any:
    """A value that passes a test of a field."""
    field = kind.model_fields.get(name)
    several = field is not None and get_origin(field.annotation) is tuple
    if test.test == "among":
        value = next((one for one in test.values if one is not None), None) if several else test.values[0]
    else:
        allowed = _limits(kind, name) or ("some", "another", "a third")
        value = next((one for one in allowed if test.accepts(one)), "/".join(map(str, test.values)) + "+")
    return () if several and value is None else (value,) if several else value


def _limits(kind: type[Happening], name: str) -> tuple[Any, ...]:
    """The values that a field is limited to; none where it may hold any text."""
    field = kind.model_fields.get(name)
    annotation = field.annotation if field else None
    found: list[Any] = []
    for part in (annotation, *get_args(annotation)):
        found += (True, False) if part is bool else get_args(part) if get_origin(part) is Literal else ()
        found += [None] if part is type(None) else []
    return tuple(found) if found != [None] else ()


def is_possible(pattern: Pattern) -> bool:
    """False where no event can match: a field asked for values that it cannot have."""
    kind = E.KINDS[pattern.event]
    limits = ((test, _limits(kind, name)) for name, test in pattern.where.items())
    return all(not limited or any(map(test.accepts, limited)) for test, limited in limits)
