"""What can happen to a case: a closed union of events, read by convention as `E`; statuses as events.

Every event has `at` (an aware datetime, kept in UTC), `by`, `by_role` (the capacity in which they acted), `actor`
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

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Unpack, cast, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field

from escalation_rules._former_names import moved
from escalation_rules._values import Frozen, FrozenDict, Instant, InstantLike, Json, Texts, Value, read_instant
from escalation_rules.errors import InvalidValue, Problem, unknown
from escalation_rules.patterns import ANY, Actor, BaseEvent, EventFields, FieldTest, Pattern, no_pattern, other_than
from escalation_rules.worktime._timeline import microseconds_of
from escalation_rules.worktime.spans import Span, SpanLike

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
    "AnswerWithdrawn",
    "Assigned",
    "BaseEvent",
    "CallHeld",
    "ChecklistOverridden",
    "Closed",
    "CommunicationAgreed",
    "CommunicationPlan",
    "CustomerReplied",
    "DeEscalated",
    "Declined",
    "Escalated",
    "EscalationRequestAnswered",
    "EscalationRequestReceived",
    "EscalationRequested",
    "Event",
    "FactChanged",
    "FieldTest",
    "ItemAnswered",
    "LessonSettled",
    "LevelFailed",
    "Opened",
    "Pattern",
    "Patterns",
    "PlanItem",
    "PlanRevised",
    "PostMortemHeld",
    "PriorityChanged",
    "ProgressReported",
    "Reconciled",
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


Status = Literal["open", "waiting", "resolved", "closed", "void"]


class Recorded(EventFields, total=False):
    """What may be said of what a decision asked for, for the constructors of the kinds."""

    recorded_at: InstantLike | None


class Opened(BaseEvent):
    """The case began. Unless staff opened it, this is the customer's first message."""

    type: Literal["Opened"] = "Opened"
    actor: Actor = "customer"
    priority: str | None = None
    channel: str | None = None
    level: str | None = None
    facts: Frozen[str, Json] = FrozenDict()

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            at: InstantLike,
            priority: str | None = None,
            channel: str | None = None,
            level: str | None = None,
            facts: Mapping[str, Any] = {},
            **said: Unpack[EventFields],
        ) -> None: ...


class CustomerReplied(BaseEvent):
    """The customer wrote. It ends a wait for the customer."""

    type: Literal["CustomerReplied"] = "CustomerReplied"
    actor: Actor = "customer"
    channel: str | None = None
    asks_to_escalate: bool = False
    asks_for_status: bool = False
    topic: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            at: InstantLike,
            channel: str | None = None,
            asks_to_escalate: bool = False,
            asks_for_status: bool = False,
            topic: str | None = None,
            **said: Unpack[EventFields],
        ) -> None: ...


class AcceptableEvent(BaseEvent):
    """What a decision asked for and was accepted: `recorded_at` is when, `at` is when it was due."""

    recorded_at: Instant | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether it was accepted from a decision, and so has the key of what was asked as its id."""
        return self.actor == "automation" and self.recorded_at is not None and self.id is not None

    @property
    def counts(self) -> bool:
        """Whether it can stop a clock: these change the case's state, whoever made them."""
        return True


class Escalated(AcceptableEvent):
    """The case moved to a level. `rules` and `key` are those of the accepted move; people's own moves have none."""

    type: Literal["Escalated"] = "Escalated"
    to: str
    track: str | None = None
    rules: tuple[str, ...] = ()
    key: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            at: InstantLike,
            to: str,
            track: str | None = None,
            rules: Texts = (),
            key: str | None = None,
            **said: Unpack[Recorded],
        ) -> None: ...


class DeEscalated(AcceptableEvent):
    """The case went down to a level; with `to=None` it stands nowhere on the track any more."""

    type: Literal["DeEscalated"] = "DeEscalated"
    to: str | None = None
    track: str | None = None
    reason: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            at: InstantLike,
            to: str | None = None,
            track: str | None = None,
            reason: str | None = None,
            **said: Unpack[Recorded],
        ) -> None: ...


class PriorityChanged(AcceptableEvent):
    """The priority became another."""

    type: Literal["PriorityChanged"] = "PriorityChanged"
    to: str

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, to: str, **said: Unpack[Recorded]) -> None: ...


class Assigned(AcceptableEvent):
    """A role on the case was given to a person or a group, or to nobody. `as_role` is the role that was filled."""

    type: Literal["Assigned"] = "Assigned"
    as_role: str = "assignee"
    person: str | None = None
    group: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            at: InstantLike,
            as_role: str = "assignee",
            person: str | None = None,
            group: str | None = None,
            **said: Unpack[Recorded],
        ) -> None: ...


class WaitStarted(BaseEvent):
    """The case waits: for the customer, a vendor, a change."""

    type: Literal["WaitStarted"] = "WaitStarted"
    on: str = "customer"

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, on: str = "customer", **said: Unpack[EventFields]) -> None: ...


class WaitEnded(BaseEvent):
    """All waits are over. Harmless when there is none."""

    type: Literal["WaitEnded"] = "WaitEnded"

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, **said: Unpack[EventFields]) -> None: ...


class Declined(BaseEvent):
    """Somebody said no, for good, to the move or action with this key."""

    type: Literal["Declined"] = "Declined"
    key: str
    reason: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self, *, at: InstantLike, key: str, reason: str | None = None, **said: Unpack[EventFields]
        ) -> None: ...


class FactChanged(BaseEvent):
    """A fact of the policy's own has this value from now on; None makes it unknown again."""

    type: Literal["FactChanged"] = "FactChanged"
    name: str
    value: Json

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, name: str, value: Any, **said: Unpack[EventFields]) -> None: ...


class ActionTaken(AcceptableEvent):
    """An action that a decision asked for was done; `action` says which, for people who read the history."""

    type: Literal["ActionTaken"] = "ActionTaken"
    key: str
    action: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self, *, at: InstantLike, key: str, action: str | None = None, **said: Unpack[Recorded]
        ) -> None: ...


class StatusEvent(BaseEvent):
    """An event that changes the case's status, whoever caused it."""

    @property
    def counts(self) -> bool:
        """Whether it can stop a clock: a status is a fact, whoever set it."""
        return True


class Resolved(StatusEvent):
    """The case is resolved."""

    type: Literal["Resolved"] = "Resolved"

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, **said: Unpack[EventFields]) -> None: ...


class Reopened(StatusEvent):
    """A resolved or closed case came back: a new cycle begins, the level stands."""

    type: Literal["Reopened"] = "Reopened"

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, **said: Unpack[EventFields]) -> None: ...


class Closed(StatusEvent):
    """The case is closed."""

    type: Literal["Closed"] = "Closed"

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, **said: Unpack[EventFields]) -> None: ...


class Voided(StatusEvent):
    """The case was merged, cancelled or spam. It has no moves and no deadlines and is not counted."""

    type: Literal["Voided"] = "Voided"
    reason: str | None = None

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, reason: str | None = None, **said: Unpack[EventFields]) -> None: ...


class Reconciled(BaseEvent):
    """A snapshot of the host's showed these values, although no event had said so. Absent ones were not looked at."""

    type: Literal["Reconciled"] = "Reconciled"
    actor: Actor = "automation"
    priority: str | None = None
    level: str | None = None
    status: str | None = None
    assigned: Frozen[str, str | None] = FrozenDict()

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            at: InstantLike,
            priority: str | None = None,
            level: str | None = None,
            status: str | None = None,
            assigned: Mapping[str, str | None] = {},
            **said: Unpack[EventFields],
        ) -> None: ...


# They are read through `escalation_rules.events`.


class PlanItem(Value):
    """One item of an action plan. An item past `due_at` and not done is overdue."""

    positional: ClassVar[int | None] = 1
    namespace = "E."
    what: str
    owner: str | None = None
    due_at: Instant | None = None
    done: bool = False

    if TYPE_CHECKING:

        def __init__(
            self, what: str, *, owner: str | None = None, due_at: InstantLike | None = None, done: bool = False
        ) -> None: ...


class ActionPlan(Value):
    """A written plan towards resolution, with what to do should it fail (`backup`), shared with the customer or not."""

    positional: ClassVar[int | None] = 1
    namespace = "E."
    items: tuple[PlanItem, ...] = ()
    backup: str | None = None
    shared: bool = False

    if TYPE_CHECKING:

        def __init__(
            self, items: Sequence[PlanItem] = (), *, backup: str | None = None, shared: bool = False
        ) -> None: ...


class CommunicationPlan(Value):
    """What was agreed about updates: by which means, how often, and who must attend."""

    positional: ClassVar[int | None] = 1
    namespace = "E."
    mode: str | None = None
    every: Span
    attendees: tuple[str, ...] = ()

    if TYPE_CHECKING:

        def __init__(self, mode: str | None = None, *, every: SpanLike, attendees: Texts = ()) -> None: ...


class SupportReplied(BaseEvent):
    """Support wrote. It counts when a human wrote it and the customer could see it."""

    type: Literal["SupportReplied"] = "SupportReplied"
    public: bool = True
    automatic: bool = False
    topic: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            at: InstantLike,
            public: bool = True,
            automatic: bool = False,
            topic: str | None = None,
            **said: Unpack[EventFields],
        ) -> None: ...

    @property
    def counts(self) -> bool:
        """Whether it is a counting reply: by a human, and visible to the customer."""
        # rule 10: a reply counts if a human wrote it and the customer could see it
        return self.public and not self.automatic and self.actor == "staff"


class Acknowledged(BaseEvent):
    """Somebody has seen the case and is on it."""

    type: Literal["Acknowledged"] = "Acknowledged"

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, **said: Unpack[EventFields]) -> None: ...


class EscalationRequested(BaseEvent):
    """Somebody asked: for management's attention, for more expertise, or for a higher priority.

    `to` is the role that was asked, `person` a named individual, `business_impact` what was stated of it.
    """

    type: Literal["EscalationRequested"] = "EscalationRequested"
    actor: Actor = "customer"
    channel: str | None = None
    to: str | None = None
    person: str | None = None
    reason: str | None = None
    business_impact: str | None = None
    wants: Literal["attention", "expertise", "priority"] = "attention"

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            at: InstantLike,
            channel: str | None = None,
            to: str | None = None,
            person: str | None = None,
            reason: str | None = None,
            business_impact: str | None = None,
            wants: Literal["attention", "expertise", "priority"] = "attention",
            **said: Unpack[EventFields],
        ) -> None: ...


class EscalationRequestReceived(BaseEvent):
    """A request that was made elsewhere has reached the support group."""

    type: Literal["EscalationRequestReceived"] = "EscalationRequestReceived"

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, **said: Unpack[EventFields]) -> None: ...


class EscalationRequestAnswered(BaseEvent):
    """The open requests for attention have been handled."""

    type: Literal["EscalationRequestAnswered"] = "EscalationRequestAnswered"

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, **said: Unpack[EventFields]) -> None: ...


class LevelFailed(BaseEvent):
    """The case could not be resolved to the customer's satisfaction at a level: the present one unless named."""

    type: Literal["LevelFailed"] = "LevelFailed"
    level: str | None = None
    track: str | None = None
    reason: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            at: InstantLike,
            level: str | None = None,
            track: str | None = None,
            reason: str | None = None,
            **said: Unpack[EventFields],
        ) -> None: ...


class ProgressReported(BaseEvent):
    """How it goes, in the host's words, such as "on track", "stalled" or "digressed"."""

    type: Literal["ProgressReported"] = "ProgressReported"
    state: str

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, state: str, **said: Unpack[EventFields]) -> None: ...


class ItemAnswered(BaseEvent):
    """An item of a checklist was answered."""

    type: Literal["ItemAnswered"] = "ItemAnswered"
    item: str
    answer: str = "yes"
    evidence: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            at: InstantLike,
            item: str,
            answer: str = "yes",
            evidence: str | None = None,
            **said: Unpack[EventFields],
        ) -> None: ...


class AnswerWithdrawn(BaseEvent):
    """The answer to an item no longer stands."""

    type: Literal["AnswerWithdrawn"] = "AnswerWithdrawn"
    item: str

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, item: str, **said: Unpack[EventFields]) -> None: ...


class ChecklistOverridden(BaseEvent):
    """The entry checklist of a level was set aside for this cycle, for a reason."""

    type: Literal["ChecklistOverridden"] = "ChecklistOverridden"
    level: str
    reason: Annotated[str, Field(min_length=1)]

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, level: str, reason: str, **said: Unpack[EventFields]) -> None: ...


class PlanRevised(BaseEvent):
    """The action plan was written or changed. Patterns may name the plan's fields, such as `shared`."""

    type: Literal["PlanRevised"] = "PlanRevised"
    plan: ActionPlan = ActionPlan()

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, plan: ActionPlan = ..., **said: Unpack[EventFields]) -> None: ...


class CommunicationAgreed(BaseEvent):
    """A communication plan was agreed with the customer."""

    type: Literal["CommunicationAgreed"] = "CommunicationAgreed"
    plan: CommunicationPlan

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, plan: CommunicationPlan, **said: Unpack[EventFields]) -> None: ...


class Reviewed(BaseEvent):
    """Somebody looked at it: at the status, at the plan."""

    type: Literal["Reviewed"] = "Reviewed"
    what: str = "status"

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, what: str = "status", **said: Unpack[EventFields]) -> None: ...


class UpdateSent(BaseEvent):
    """An update went out, to the customer or inside the company."""

    type: Literal["UpdateSent"] = "UpdateSent"
    audience: str = "customer"
    mode: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self, *, at: InstantLike, audience: str = "customer", mode: str | None = None, **said: Unpack[EventFields]
        ) -> None: ...


class CallHeld(BaseEvent):
    """A call took place: what for, and between whom."""

    type: Literal["CallHeld"] = "CallHeld"
    kind: str
    participants: tuple[str, ...] = ()

    if TYPE_CHECKING:

        def __init__(
            self, *, at: InstantLike, kind: str, participants: Texts = (), **said: Unpack[EventFields]
        ) -> None: ...


class PostMortemHeld(BaseEvent):
    """The escalation was looked back on: whether a service issue caused it, and what was learned."""

    type: Literal["PostMortemHeld"] = "PostMortemHeld"
    service_issue: bool | None = None
    lessons: tuple[str, ...] = ()

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            at: InstantLike,
            service_issue: bool | None = None,
            lessons: Texts = (),
            **said: Unpack[EventFields],
        ) -> None: ...


class LessonSettled(BaseEvent):
    """What became of a lesson."""

    type: Literal["LessonSettled"] = "LessonSettled"
    lesson: str
    outcome: str

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, lesson: str, outcome: str, **said: Unpack[EventFields]) -> None: ...


# The words are `open`, `working` (the same as open), `waiting` or `waiting:<on>`, `resolved`, `closed` and `void`.

_WORDS = ("open", "working", "waiting", "resolved", "closed", "void")
_ENDED: dict[str, type[BaseEvent]] = {"resolved": Resolved, "closed": Closed, "void": Voided}


class CaseStatus(NamedTuple):
    """A status, and what is waited for."""

    status: Status
    waits: frozenset[str] = frozenset()

    @property
    def is_live(self) -> bool:
        """Whether the case is being worked on: neither resolved nor closed nor void."""
        return self.status in {"open", "waiting"}

    def after(self, event: BaseEvent) -> CaseStatus:
        """The standing that an event leads to. A customer's message ends a wait for the customer."""
        if type(event) in _LEADS_TO:
            return _LEADS_TO[type(event)]
        if not self.is_live:
            return self
        if isinstance(event, WaitStarted):
            return _waiting(self.waits | {event.on})
        if isinstance(event, CustomerReplied):
            return _waiting(self.waits - {"customer"})
        return OPEN if isinstance(event, WaitEnded) else self


OPEN = CaseStatus("open")
_LEADS_TO: dict[type[BaseEvent], CaseStatus] = {
    Opened: OPEN,
    Reopened: OPEN,
    Resolved: CaseStatus("resolved"),
    Closed: CaseStatus("closed"),
    Voided: CaseStatus("void"),
}


def _waiting(waits: frozenset[str]) -> CaseStatus:
    return CaseStatus("waiting", waits) if waits else OPEN


def read_status(word: str) -> CaseStatus:
    """What a host's word for a status means. Raises `InvalidValue`.

    >>> read_status("waiting:vendor")
    CaseStatus(status='waiting', waits=frozenset({'vendor'}))
    """
    status, _, on = word.partition(":") if isinstance(word, str) else ("", "", "")
    if status not in _WORDS or (on and status != "waiting"):
        raise InvalidValue(unknown("status", word, (*_WORDS, "waiting:customer")))
    if status == "waiting":
        return CaseStatus("waiting", frozenset({on or "customer"}))
    return OPEN if status in {"open", "working"} else CaseStatus(cast(Status, status))


def events_between(old: CaseStatus, new: CaseStatus) -> list[tuple[type[BaseEvent], dict[str, str]]]:
    """The events, with their fields, that lead from one standing to another."""
    if old == new:
        return []
    if new.status in _ENDED:
        return [(_ENDED[new.status], {})] if new.status != old.status else []
    found: list[tuple[type[BaseEvent], dict[str, str]]] = []
    if old.status in _ENDED:
        found.append((Reopened, {}))
    elif old.waits - new.waits:
        found.append((WaitEnded, {}))
    kept = old.waits if not found else frozenset()
    return found + [(WaitStarted, {"on": on}) for on in sorted(new.waits - kept)]


StatusChange = tuple[datetime, str] | tuple[datetime, str, str | None]
"""From when on a status, and the host's own id of the change where it has one."""


def from_statuses(changes: Iterable[StatusChange]) -> tuple[BaseEvent, ...]:
    """The events behind a list of (at, status, id): what a host knows that stores only what a status became.

    The changes are taken in the order of their instants, and the case to be open before the first. A status that stays
    the same makes no event. A change without an id gets one from its instant, its status and its place among those that
    are alike, so that recording the same list again changes nothing. Where one change needs two events (a wait that is
    replaced by another), the second one's id has a suffix. Raises `InvalidValue` for a naive datetime, an unknown
    status, and what is no such list.

    >>> from datetime import timezone
    >>> at = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> [event.type for event in from_statuses([(at, "open"), (at, "waiting:vendor", "s2"), (at, "resolved", "s3")])]
    ['WaitStarted', 'Resolved']
    """
    standing, alike = OPEN, Counter[tuple[datetime, str]]()
    events: list[BaseEvent] = []
    for at, word, given_id in sorted(_rows(changes), key=lambda row: row[0]):
        new = read_status(word)
        own_id = given_id or _id_of(at, word, alike[at, word])
        for number, (kind, fields) in enumerate(events_between(standing, new)):
            events.append(kind(at=at, id=own_id if number == 0 else f"{own_id}:{number + 1}", **fields))
        alike[at, word] += 1
        standing = new
    return tuple(events)


def _id_of(at: datetime, word: str, place: int) -> str:
    """The id of a change that has none of the host's: the same for the same change, however often it is read."""
    return f"status:{sha256(repr((microseconds_of(at), word, place)).encode()).hexdigest()[:40]}"


def _rows(given: Iterable[StatusChange]) -> list[tuple[datetime, str, str | None]]:
    if not isinstance(given, Iterable):
        raise InvalidValue(Problem("not changes of status", given, expected="a list of (at, status, id)"))
    return list(map(_row, given))


def _row(given: StatusChange) -> tuple[datetime, str, str | None]:
    if not isinstance(given, tuple | list) or not 2 <= len(given) <= 3:
        raise InvalidValue(Problem("not a change of status", given, expected="(at, status) or (at, status, id)"))
    return read_instant(given[0]), given[1], given[2] if len(given) == 3 else None


Event = Annotated[
    Opened
    | CustomerReplied
    | SupportReplied
    | Acknowledged
    | EscalationRequested
    | EscalationRequestReceived
    | EscalationRequestAnswered
    | Escalated
    | DeEscalated
    | LevelFailed
    | ProgressReported
    | PriorityChanged
    | Assigned
    | WaitStarted
    | WaitEnded
    | Declined
    | ItemAnswered
    | AnswerWithdrawn
    | ChecklistOverridden
    | FactChanged
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
    | Reconciled,
    Discriminator("type"),
]
"""Any event: a discriminated union, so that a service can take it as a body and its schema lists the kinds."""

KINDS: Mapping[str, type[BaseEvent]] = {kind.__name__: kind for kind in get_args(get_args(Event)[0])}
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
"""A request for management's attention: what `F.escalation_request_open` and `F.escalation_requests` look at."""


def __getattr__(name: str) -> Any:
    """Raise `AttributeError`; for a name of the first edition, with the present one."""
    raise AttributeError(moved("events", name))
