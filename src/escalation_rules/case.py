"""`Case`: an id, attributes for people to read, and an ordered history.

Everything else about a case is derived from its history.

History is append-only. It is ordered by instant; events of one instant stand in the order in which they were
recorded, and a late arrival takes its place by its instant. Recording an event that has the id of one already there
changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import field_validator

from escalation_rules import events as E
from escalation_rules._values import Frozen, FrozenDict, InstantLike, Json, Name, Value, read_instant
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.events import (
    OPEN,
    AcceptableEvent,
    Assigned,
    CaseStatus,
    Opened,
    PriorityChanged,
    Reconciled,
    events_between,
    read_status,
)
from escalation_rules.patterns import BaseEvent

__all__ = ["Case"]


def expand_snapshots(history: Iterable[BaseEvent]) -> Iterator[BaseEvent]:
    """The history with every snapshot followed by the events it implies: what differs from what was on record then.

    What was accepted late was not on record before it was recorded, whenever it was due. A level is not unfolded:
    which way a move went is for a policy to say.
    """
    standing, past = OPEN, list[BaseEvent]()
    for event in history:
        for one in (event, *(_implied(event, standing, past) if isinstance(event, Reconciled) else ())):
            yield one
            standing = standing.after(one)
            past.append(one)


def on_record_since(event: BaseEvent) -> datetime:
    """From when on an event was known to the host."""
    return event.recorded_at if isinstance(event, AcceptableEvent) and event.recorded_at is not None else event.at


def _implied(seen: Reconciled, standing: CaseStatus, past: Iterable[BaseEvent]) -> Iterator[BaseEvent]:
    on_record = sorted((event for event in past if on_record_since(event) <= seen.at), key=on_record_since)
    if seen.priority is not None and seen.priority != _priority(on_record):
        yield PriorityChanged(at=seen.at, actor=seen.actor, to=seen.priority)
    assigned = {event.as_role: event.person or event.group for event in on_record if isinstance(event, Assigned)}
    for role, name in seen.assigned.items():
        if assigned.get(role) != name:
            yield Assigned(at=seen.at, actor=seen.actor, as_role=role, person=name)
    if seen.status is not None:
        for kind, fields in events_between(standing, read_status(seen.status)):
            yield kind(at=seen.at, actor=seen.actor, **fields)


def _priority(history: Iterable[BaseEvent]) -> str | None:
    found = None
    for event in history:
        if isinstance(event, Opened):
            found = event.priority
        elif isinstance(event, PriorityChanged):
            found = event.to
    return found


class Case(Value):
    """A support case: what is stored, and what a decision is made from.

    `history` begins with the opening. `attributes` are for people and hosts; conditions never read them, only facts.
    Instants are aware datetimes; every figure that takes `at` ignores what happened later. Raises `InvalidValue` for an
    event before the opening.

    >>> from datetime import datetime, timezone
    >>> from escalation_rules import Case, events as E
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> case = Case.open("C-1", at=nine, priority="high").record(E.WaitStarted(at=nine.replace(hour=10)))
    >>> case.status(at=nine), case.status(at=nine.replace(hour=11))
    ('open', 'waiting')
    """

    positional: ClassVar[int | None] = 2
    id: Name
    history: tuple[E.Event, ...]
    attributes: Frozen[str, Json] = FrozenDict()

    if TYPE_CHECKING:

        def __init__(self, id: str, history: Sequence[BaseEvent], *, attributes: Mapping[str, Any] = {}) -> None: ...

    @classmethod
    def open(
        cls,
        id: str,
        *,
        at: InstantLike,
        priority: str | None = None,
        level: str | None = None,
        channel: str | None = None,
        facts: Mapping[str, object] | None = None,
        attributes: Mapping[str, object] | None = None,
        by_staff: bool = False,
    ) -> Case:
        """A new case: short for a history of one `Opened`. Unless staff opened it, the opening is the first message."""
        actor: E.Actor = "staff" if by_staff else "customer"
        opened = E.Opened(at=at, actor=actor, priority=priority, level=level, channel=channel, facts=facts or {})
        return cls(id, (opened,), attributes=attributes or {})

    def record(self, *events: BaseEvent) -> Case:
        """The case with these events in its history, each in its place. The case itself is untouched.

        Raises `InvalidValue` for what is no event, for one before the opening, for a second opening, and for another
        event with the id of a known one.
        """
        known, fresh = dict(self._by_id), []
        for event in events:
            if not isinstance(event, BaseEvent):
                raise InvalidValue(_no_event(event))
            # rule 11: the same event recorded twice changes nothing
            if event.id is None or not _is_known(known, event):
                if isinstance(event, E.Opened):
                    raise InvalidValue(_opened_twice(event))
                fresh.append(event)
                known[str(event.id)] = event
        if not fresh:
            return self
        history = cast(tuple[E.Event, ...], (*self.history, *fresh))
        if any(later.instant < earlier.instant for earlier, later in pairwise((self.history[-1], *fresh))):
            history = _in_order(history)
        return type(self).model_construct(id=self.id, history=history, attributes=self.attributes)

    def reconcile(
        self,
        *,
        at: datetime,
        priority: str | None = None,
        level: str | None = None,
        status: str | None = None,
        assigned: Mapping[str, str | None] | None = None,
    ) -> tuple[E.Event, ...]:
        """What must be recorded for the history to agree with a snapshot of the host's: one `Reconciled`, or nothing.

        Tickets are edited without a trace; this finds the difference. Absent arguments were not looked at. Store what
        it returns: unless it is stored, every call observes the change anew. `status` is a word of `E.from_statuses`.
        Raises `InvalidValue` for a snapshot from before the opening, which could not be recorded.
        """
        if not isinstance(assigned, Mapping | None):
            raise InvalidValue(_by_role(assigned))
        if read_instant(at) < self.opened_at:
            expected = f"{self.opened_at.isoformat()} or later"
            raise InvalidValue(Problem("snapshot before the opening", at, path="at", expected=expected))
        seen: dict[str, Any] = {
            "priority": priority if priority != self.priority(at=at) else None,
            "level": level if level != self.level(at=at) else None,
            "status": status if status and read_status(status) != self._standing(at=at) else None,
            "assigned": {
                role: name for role, name in (assigned or {}).items() if self.assigned(at=at).get(role) != name
            },
        }
        if not any(seen.values()):
            return ()
        text = repr((self.id, read_instant(at), sorted(seen.items())))
        return (E.Reconciled(at=at, id=f"observed:{sha256(text.encode()).hexdigest()[:40]}", **seen),)

    @property
    def opened_at(self) -> datetime:
        """When the case was opened."""
        return self.history[0].at

    def status(self, *, at: datetime) -> E.Status:
        """Open, waiting, resolved, closed or void."""
        return self._standing(at=at).status

    def waits(self, *, at: datetime) -> frozenset[str]:
        """What the case waits for."""
        return self._standing(at=at).waits

    def priority(self, *, at: datetime) -> str | None:
        """The priority, as history has it."""
        found = [event for event in self._plain(at=at) if isinstance(event, E.Opened | E.PriorityChanged)]
        if not found:
            return None
        return found[-1].to if isinstance(found[-1], E.PriorityChanged) else found[-1].priority

    def level(self, *, at: datetime, track: str | None = None) -> str | None:
        """The level that was recorded last; None where nobody has moved the case and the policy's first level stands.

        Which level belongs to which track is for a policy to say: when a track is asked, only events that name it
        count.
        """
        named = [_level_named_by(event) for event in self._until(at=at)]
        return next((one[0] for one in reversed(named) if one and track in {None, one[1]}), None)

    def assigned(self, *, at: datetime) -> dict[str, str | None]:
        """Who has which role on the case: the person, or else the group."""
        return {one.as_role: one.person or one.group for one in self._plain(at=at) if isinstance(one, E.Assigned)}

    def escalation_requests(self, *, at: datetime) -> int:
        """How often management's attention was requested, by whichever entrance. It only rises."""
        return sum(_asks_for_attention(event) for event in self._until(at=at))

    def first_open_escalation_request(self, *, at: datetime) -> datetime | None:
        """When the first request for attention was made that nobody has answered yet."""
        open_since = None
        for event in self._until(at=at):
            if isinstance(event, E.EscalationRequestAnswered):
                open_since = None
            elif open_since is None and _asks_for_attention(event):
                open_since = event.at
        return open_since

    def reopenings(self, *, at: datetime) -> int:
        """How often the case came back after it was resolved or closed."""
        return sum(isinstance(event, E.Reopened) for event in self._plain(at=at))

    def first_resolved_at(self, *, at: datetime) -> datetime | None:
        """When the case was resolved for the first time; a reopening does not change it."""
        return next((event.at for event in self._plain(at=at) if isinstance(event, E.Resolved | E.Closed)), None)

    def resolved_at(self, *, at: datetime) -> datetime | None:
        """When the case was resolved for good, as it stands: None while it is open, waiting or void."""
        since = None
        for event in self._plain(at=at):
            if isinstance(event, E.Reopened | E.Voided):
                since = None
            elif since is None and isinstance(event, E.Resolved | E.Closed):
                since = event.at
        return since

    def _standing(self, *, at: datetime) -> CaseStatus:
        standing = OPEN
        for event in self._plain(at=at):
            standing = standing.after(event)
        return standing

    def _plain(self, *, at: datetime) -> Iterator[BaseEvent]:
        return expand_snapshots(self._until(at=at))

    def _until(self, *, at: datetime) -> Iterator[BaseEvent]:
        last = read_instant(at)
        return takewhile(lambda event: event.at <= last, self.history)

    @cached_property
    def plain_history(self) -> tuple[BaseEvent, ...]:
        """The history with each snapshot followed by the plain events it implies."""
        if any(isinstance(event, E.Reconciled) for event in self.history):
            return tuple(expand_snapshots(self.history))
        return self.history

    @cached_property
    def plain_events(self) -> tuple[tuple[int, BaseEvent], ...]:
        """The plain history, each event with its instant in whole microseconds."""
        return tuple((event.instant, event) for event in self.plain_history)

    @cached_property
    def has_accepted(self) -> bool:
        """Whether anything was accepted from a decision."""
        return any(isinstance(event, AcceptableEvent) and event.is_accepted for event in self.history)

    def keys_until(self, instant: int) -> tuple[frozenset[str], frozenset[str]]:
        """The keys of moves and actions that were recorded, and of those that were declined, up to an instant."""
        recorded, declined = self._keyed
        if recorded or declined:
            return (
                frozenset(key for at, key in recorded if at <= instant),
                frozenset(key for at, key in declined if at <= instant),
            )
        return _NO_KEYS, _NO_KEYS

    @cached_property
    def _keyed(self) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
        declined = [(event.instant, event.key) for event in self.history if isinstance(event, E.Declined)]
        made = [event for event in self.history if isinstance(event, AcceptableEvent)]
        named = [(event.instant, key) for event in made for key in {event.id, getattr(event, "key", None)} if key]
        return [(at, key) for at, key in named if key.startswith((MOVE_KEY, ACTION_KEY))], declined

    @cached_property
    def _by_id(self) -> dict[str, BaseEvent]:
        return {event.id: event for event in self.history if event.id is not None}

    @field_validator("history")
    @classmethod
    def _well_formed(cls, history: tuple[E.Event, ...]) -> tuple[E.Event, ...]:
        return _in_order(history)


MOVE_KEY, ACTION_KEY = "move-", "action-"
"""How the keys of moves and actions begin."""
_NO_KEYS: frozenset[str] = frozenset()


def _in_order(history: tuple[E.Event, ...]) -> tuple[E.Event, ...]:
    """The history by (instant, position), the opening first. Raises `InvalidValue` when something comes before it."""
    openings = [event for event in history if isinstance(event, E.Opened)]
    if len(openings) != 1:
        raise InvalidValue(Problem("a history without one opening", len(openings), expected="exactly one `Opened`"))
    opened = openings[0]
    early = [event for event in history if event.instant < opened.instant]
    # rule 8: an event before the opening is refused
    if early:
        expected = f"an event at or after {opened.at.isoformat()}"
        raise InvalidValue(*(Problem("event before the opening", event, expected=expected) for event in early))
    # rule 8: history is ordered by instant, and by arrival within an instant
    ordered = sorted(history, key=lambda event: (event.instant, event is not opened))
    known: dict[str, BaseEvent] = {}
    kept = []
    for event in ordered:
        if event.id is None or not _is_known(known, event):
            kept.append(event)
            known[str(event.id)] = event
    return tuple(kept)


def _is_known(known: Mapping[str, BaseEvent], event: BaseEvent) -> bool:
    """Whether an event is known by its id. Raises `InvalidValue` for another event with the id of a known one."""
    first = known.get(str(event.id))
    if first is None:
        return False
    # rule 11: of what was accepted from a decision, the first stands, whenever it was recorded
    if first == event or str(event.id).startswith((MOVE_KEY, ACTION_KEY)):
        return True
    raise InvalidValue(Problem("another event with the id", event.id, expected=f"an id of its own, or {first!r}"))


def _no_event(given: object) -> Problem:
    several = isinstance(given, list | tuple) and all(isinstance(one, BaseEvent) for one in given)
    expected = "the events one by one: `record(*events)`" if several else "one of `escalation_rules.events`"
    return Problem("not an event", given, expected=expected)


def _opened_twice(event: E.Opened) -> Problem:
    return Problem("a second opening", event, expected="one `Opened` in a history", suggestion="E.Reopened(…)")


def _by_role(assigned: object) -> Problem:
    expected = "who it is by role, such as {'assignee': 'ana'}"
    return Problem("not an assignment", assigned, path="assigned", expected=expected)


def _level_named_by(event: BaseEvent) -> tuple[str | None, str | None] | None:
    """The level and the track that an event puts the case on, if it does."""
    if isinstance(event, E.Escalated | E.DeEscalated):
        return event.to, event.track
    if isinstance(event, E.Opened | E.Reconciled) and event.level is not None:
        return event.level, None
    return None


def _asks_for_attention(event: BaseEvent) -> bool:
    return any(pattern.matches(event) for pattern in E.ATTENTION_REQUEST)
