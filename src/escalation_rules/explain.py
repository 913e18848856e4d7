"""Conditions, patterns and instants in words that a support manager reads."""

from __future__ import annotations

from datetime import datetime, tzinfo
from fractions import Fraction
from typing import Any

from escalation_rules.conditions import AllOf, AnyOf, Atom, Condition, Not
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick

__all__ = ["say", "say_atom", "say_instant", "say_value"]


_DURATIONS = {
    "open_for": "open for",
    "unanswered_for": "unanswered for",
    "unassigned_for": "unassigned for",
    "at_level_for": "at this level for",
    "since_update": "without an update for",
}
_FLAGS = {
    "acknowledged": ("acknowledged", "not acknowledged"),
    "level_failed": ("could not be resolved at this level", "nobody says it failed at this level"),
    "escalation_requested": ("an escalation was requested and not answered", "no open request for escalation"),
    "plan_has_backup": ("the action plan has a backup", "the action plan has no backup"),
}
_COUNTS = {
    "escalations": "requests for escalation",
    "moves": "moves up",
    "reopened": "reopenings",
    "replies": "replies",
    "status_requests": "times the customer asked for the status",
    "assignments": "changes of assignment",
    "plan_overdue": "overdue items of the plan",
}
_COMPARED = {
    ">=": "{} or more",
    ">": "more than {}",
    "<": "fewer than {}",
    "<=": "{} or fewer",
    "==": "{}",
    "!=": "not {}",
}
_ORDERED = {">=": "{} or above", ">": "above {}", "<": "below {}", "<=": "{} or below", "==": "{}", "!=": "not {}"}


def say(condition: Condition) -> str:
    """A condition in words.

    >>> from escalation_rules import facts as F
    >>> say((F.priority >= "high") & (F.unanswered_for >= "4 business hours"))
    'priority is high or above, and unanswered for 4 business hours'
    """
    if isinstance(condition, Atom):
        return say_atom(condition)
    if isinstance(condition, Not):
        return f"not ({say(condition.of)})"
    parts = [f"({say(one)})" if isinstance(one, AllOf | AnyOf) else say(one) for one in condition.of]
    if not parts:
        return "always" if isinstance(condition, AllOf) else "never"
    return (", and " if isinstance(condition, AllOf) else ", or ").join(parts)


def say_atom(atom: Atom) -> str:
    """One comparison in words."""
    if atom.kind == "duration":
        return _duration(atom)
    if atom.fact in _FLAGS:
        holds, fails = _FLAGS[atom.fact]
        return (holds if (atom.op == "==") == atom.value else fails) + (f" ({atom.of})" if atom.of else "")
    if atom.fact in _COUNTS:
        return f"{_COUNTS[atom.fact]}{f' on {atom.of}' if atom.of else ''}: {_compared(atom, _COMPARED)}"
    if atom.fact == "happened":
        text = " or ".join(map(_pattern, atom.pattern))
        return f"{text} happened" if (atom.op == "==") == atom.value else f"no {text} happened"
    if atom.fact == "deadline":
        return f"target {atom.of} is {_compared(atom, _COMPARED)}"
    if atom.fact == "used":
        percent = f"{float(Fraction(atom.value) * 100):.4g} %"
        return (
            f"{percent} of target {atom.of} is used up"
            if atom.op == ">="
            else f"less than {percent} of target {atom.of} is used up"
        )
    name = {"level": "level", "priority": "priority", "status": "status", "channel": "channel"}.get(
        atom.fact, atom.fact
    )
    if atom.kind == "flag":
        return f"{name} is {'true' if (atom.op == '==') == atom.value else 'not true'}"
    return f"{name} is {_compared(atom, _COMPARED if atom.kind == 'count' else _ORDERED)}"


def _duration(atom: Atom) -> str:
    span = say_value(atom.value)
    if atom.fact == "time_left":
        return (
            f"{span} or more left of target {atom.of}"
            if atom.op == ">="
            else f"less than {span} left of target {atom.of}"
        )
    if atom.fact == "past_due":
        return f"target {atom.of} past due for {span if atom.op == '>=' else f'less than {span}'}"
    where = f" ({atom.of})" if atom.of else ""
    return f"{_DURATIONS[atom.fact]} {span if atom.op == '>=' else f'less than {span}'}{where}"


def _compared(atom: Atom, forms: dict[str, str]) -> str:
    if atom.op in {"in", "not in"}:
        values = " or ".join(map(str, atom.value))
        return values if atom.op == "in" else f"neither {' nor '.join(map(str, atom.value))}"
    return forms[atom.op].format(atom.value)


def _pattern(pattern: Pattern) -> str:
    fields = ", ".join(f"{name} {test!r}".replace("E.", "") for name, test in pattern.where.items())
    return f"{pattern.event} ({fields})" if fields else pattern.event


def say_value(value: Any) -> str:
    """A span, a role or a calendar; of a pick, what it goes by."""
    if isinstance(value, Pick):
        cases = [f"{held} if {key}" for key, held in value.values.items()]
        return f"by {value.by}: {', '.join([*cases, f'else {value.otherwise}'])}"
    return str(value)


def say_instant(moment: datetime, tz: tzinfo | None = None) -> str:
    """An instant to the minute, or exactly where it does not fall on one.

    >>> from datetime import timezone
    >>> say_instant(datetime(2026, 3, 3, 10, tzinfo=timezone.utc))
    'Tue 2026-03-03 10:00'
    """
    local = moment.astimezone(tz) if tz else moment
    clock = f"{local.hour:02}:{local.minute:02}"
    if local.second or local.microsecond:
        clock += f":{local.second:02}" + (f".{local.microsecond:06}" if local.microsecond else "")
    return f"{_DAYS[local.weekday()]} {local.date().isoformat()} {clock}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
