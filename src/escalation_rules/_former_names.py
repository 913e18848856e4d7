"""The names of the first edition, with the present ones, so that the error about an old name says the new one.

For this version only: the table mends the notebooks and policies of those who tried the first edition. The changelog
has the same names.
"""

from __future__ import annotations

from collections.abc import Mapping

MODULES: Mapping[str, Mapping[str, str]] = {
    "facts": {
        "deadline": "outcome",
        "escalation_requested": "escalation_request_open",
        "escalations": "escalation_requests",
        "past_due": "overdue_for",
        "plan_overdue": "plan_items_overdue",
        "reopened": "reopenings",
        "since_update": "no_update_for",
        "time_left": "remaining",
    },
    "events": {
        "EscalationAnswered": "EscalationRequestAnswered",
        "EscalationReceived": "EscalationRequestReceived",
        "FactObserved": "FactChanged",
        "Happening": "BaseEvent",
        "ItemConfirmed": "ItemAnswered",
        "ItemWithdrawn": "AnswerWithdrawn",
        "MoveDeclined": "Declined",
        "Observed": "Reconciled",
    },
    "actions": {"Flag": "Tag", "SetPriority": "RaisePriority"},
    "decision": {"Because": "Comparison", "Blocked": "BlockedMove", "Exit": "DeEscalation", "Owed": "WorkItem"},
}
"""Old and new names by module; those of `facts` are the names of built-in facts in data, too."""

FIELDS: Mapping[str, Mapping[str, str]] = {
    "Rule": {"name": "key", "at": "at_level"},
    "Target": {
        "agreed": "use_agreed_interval",
        "pauses": "pause_on",
        "recurs": "recurring",
        "starts": "start_on",
        "stops": "stop_on",
    },
    "EscalationLevel": {
        "circle": "counterparts",
        "cooldown": "min_stay",
        "exit": "de_escalation",
        "nobody": "if_nobody",
    },
    "Item": {"against": "blocked_by", "done_by": "answered_by", "evidence": "needs_evidence", "expires": "valid_for"},
    "Notify": {"by": "sender", "text": "message"},
    "Ask": {"of": "role"},
    "Assign": {"as_": "as_role"},
    "Convene": {"who": "roles"},
    "Tag": {"finding": "audit"},
    "OwnFact": {"low": "minimum", "high": "maximum"},
    "PlanItem": {"due": "due_at"},
    "Assigned": {"role": "as_role"},
    "BaseEvent": {"by_staff": "actor", "role": "by_role"},
    "Case": {
        "escalations": "escalation_requests",
        "first_unanswered_escalation": "first_open_escalation_request",
        "reopened": "reopenings",
    },
    "Decision": {"ended": "stopped_deadlines", "exits": "de_escalation", "levels": "positions", "owed": "worklist"},
    "Move": {"due": "due_at"},
    "ActionDue": {"due": "due_at"},
    "BlockedMove": {"against": "objections"},
    "DeEscalation": {"against": "objections"},
    "Comparison": {"changes": "changes_at"},
    "Deadline": {
        "caused_by_change": "breached_by_change",
        "due": "due_at",
        "started": "started_at",
        "stopped": "stopped_at",
    },
    "WorkItem": {"due": "due_at"},
    "Layer": {"every": "rrule", "joined_by": "with_member", "left_by": "without_member"},
    "Clock": {"due": "due_at", "stopped": "stopped_at"},
    "Row": {"due_after": "new_due_at", "due_before": "old_due_at"},
    "Brief": {
        "escalations": "escalation_requests",
        "first_unanswered": "first_unanswered_at",
        "reopened": "reopenings",
    },
    "Kpi": {"escalations": "escalation_requests", "reopened": "reopenings"},
    "Kpis": {"per": "every"},
    "Finding": {"kind": "code", "mend": "fix", "text": "message"},
}
"""Old and new names of fields and attributes by class; those of a base class hold for its subclasses."""


def present_name(cls: type, old: str) -> str | None:
    """The present name of a field or an attribute that a class had under an old one."""
    for base in cls.__mro__:
        if old in FIELDS.get(base.__name__, {}):
            return FIELDS[base.__name__][old]
    return None


def moved(module: str, old: str) -> str:
    """The message of the error about a name that a module does not have."""
    short = {"facts": "F", "events": "E", "actions": "A"}.get(module, module)
    new = MODULES[module].get(old)
    if new is None:
        return f"module `escalation_rules.{module}` has no attribute `{old}`"
    return f"`{short}.{old}` is now `{short}.{new}`"
