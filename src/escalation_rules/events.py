"""What can happen to a case: a closed union of events, read by convention as `E`.

Every event has `at` (an aware datetime, kept in UTC), `by`, `role` (the capacity in which they acted), `actor`
("customer", "staff" or "automation") and `id` (the host's own; recording the same id twice changes nothing).

>>> from datetime import datetime, timezone
>>> from escalation_rules import events as E
>>> nine = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
>>> E.CustomerReplied(at=nine, channel="email")
E.CustomerReplied(at='2026-03-02T09:00:00Z', channel='email')
>>> E.COUNTING_REPLY.matches(E.SupportReplied(at=nine, public=False))
False
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, cast, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator

from escalation_rules.doings import (
    Acknowledged,
    ActionPlan,
    CallHeld,
    ChecklistOverridden,
    CommunicationAgreed,
    CommunicationPlan,
    EscalationAnswered,
    EscalationReceived,
    EscalationRequested,
    ItemConfirmed,
    ItemWithdrawn,
    LessonSettled,
    LevelFailed,
    PlanItem,
    PlanRevised,
    PostMortemHeld,
    ProgressReported,
    Reviewed,
    SupportReplied,
    UpdateSent,
)
from escalation_rules.errors import InvalidValue, Problem, unknown
from escalation_rules.kinds import (
    ActionTaken,
    Assigned,
    Closed,
    CustomerReplied,
    DeEscalated,
    Escalated,
    FactObserved,
    MoveDeclined,
    Observed,
    Opened,
    PriorityChanged,
    Reopened,
    Resolved,
    Status,
    Voided,
    WaitEnded,
    WaitStarted,
)
from escalation_rules.patterns import ANY, Actor, FieldTest, Happening, Pattern, no_pattern, other_than
from escalation_rules.statuses import from_statuses

__all__ = [
    "ANY",
    "ANY_REQUEST",
    "ATTENTION_REQUEST",
    "COUNTING_REPLY",
    "KINDS",
    "Acknowledged",
    "ActionPlan",
    "ActionTaken",
    "Actor",
    "Assigned",
    "CallHeld",
    "ChecklistOverridden",
    "Closed",
    "CommunicationAgreed",
    "CommunicationPlan",
    "CustomerReplied",
    "DeEscalated",
    "Escalated",
    "EscalationAnswered",
    "EscalationReceived",
    "EscalationRequested",
    "Event",
    "FactObserved",
    "FieldTest",
    "Happening",
    "ItemConfirmed",
    "ItemWithdrawn",
    "LessonSettled",
    "LevelFailed",
    "MoveDeclined",
    "Observed",
    "Opened",
    "Pattern",
    "Patterns",
    "PlanItem",
    "PlanRevised",
    "PostMortemHeld",
    "PriorityChanged",
    "ProgressReported",
    "Reopened",
    "Resolved",
    "Reviewed",
    "Status",
    "SupportReplied",
    "UpdateSent",
    "Voided",
    "WaitEnded",
    "WaitStarted",
    "from_statuses",
    "other_than",
    "parse",
    "patterns_of",
]

Event = Annotated[
    Opened
    | CustomerReplied
    | SupportReplied
    | Acknowledged
    | EscalationRequested
    | EscalationReceived
    | EscalationAnswered
    | Escalated
    | DeEscalated
    | LevelFailed
    | ProgressReported
    | PriorityChanged
    | Assigned
    | WaitStarted
    | WaitEnded
    | MoveDeclined
    | ItemConfirmed
    | ItemWithdrawn
    | ChecklistOverridden
    | FactObserved
    | PlanRevised
    | CommunicationAgreed
    | Reviewed
    | UpdateSent
    | CallHeld
    | ActionTaken
    | Resolved
    | Reopened
    | Closed
    | Voided
    | PostMortemHeld
    | LessonSettled
    | Observed,
    Discriminator("type"),
]
"""Any event: a discriminated union, so that a service can take it as a body and its schema lists the kinds."""

KINDS: Mapping[str, type[Happening]] = {kind.__name__: kind for kind in get_args(get_args(Event)[0])}
"""The kinds of events by name."""


def parse(mapping: Mapping[str, Any]) -> Event:
    """The event that a mapping holds, such as a row of JSON that the host stored. Raises `InvalidValue`.

    >>> parse({"type": "Resolved", "at": "2026-03-02T09:00:00Z"})
    E.Resolved(at='2026-03-02T09:00:00Z')
    """
    if not isinstance(mapping, Mapping):
        raise InvalidValue(Problem("not an event", mapping, expected="a mapping with `type` and `at`"))
    kind = str(mapping.get("type"))
    if kind not in KINDS:
        raise InvalidValue(unknown("type of event", kind, KINDS, path="type"))
    return cast(Event, KINDS[kind].model_validate(mapping))


def _known_pattern(pattern: Pattern) -> Pattern:
    if pattern.event not in KINDS:
        raise InvalidValue(unknown("type of event", pattern.event, KINDS))
    return KINDS[pattern.event].like(**pattern.where)


def patterns_of(given: object) -> tuple[Pattern, ...]:
    """One pattern or several as a tuple, be they values or data. Raises `InvalidValue` for what is no pattern.

    >>> patterns_of(CallHeld)
    Traceback (most recent call last):
    escalation_rules.errors.InvalidValue: not a pattern but a kind of event `E.CallHeld`; did you mean \
`E.CallHeld.like()`
    """
    one = isinstance(given, Pattern | Mapping | str) or not isinstance(given, Iterable)
    several: tuple[Any, ...] = (given,) if one else tuple(cast(Iterable[Any], given))
    if wrong := [no_pattern(one) for one in several if not isinstance(one, Pattern | Mapping)]:
        raise InvalidValue(*wrong)
    return several


Patterns = Annotated[tuple[Annotated[Pattern, AfterValidator(_known_pattern)], ...], BeforeValidator(patterns_of)]
"""One pattern or several, any of which will do."""

COUNTING_REPLY: Pattern = SupportReplied.like(public=True, automatic=False, actor="staff")
"""A reply that counts: a human wrote it and the customer could see it."""

ANY_REQUEST: tuple[Pattern, ...] = (EscalationRequested.like(), CustomerReplied.like(asks_to_escalate=True))
"""Any request, whatever it asks for and by whichever entrance it came."""

ATTENTION_REQUEST: tuple[Pattern, ...] = (
    EscalationRequested.like(wants="attention"),
    CustomerReplied.like(asks_to_escalate=True),
)
"""A request for management's attention: what `F.escalation_requested` and `F.escalations` look at."""
