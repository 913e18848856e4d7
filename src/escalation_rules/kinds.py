"""The kinds of events that say where a case stands, one class each. They are read through `escalation_rules.events`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack

from escalation_rules._values import Frozen, FrozenDict, Instant, InstantLike, Json, Texts
from escalation_rules.patterns import Actor, Happening, Said

__all__ = [
    "ActionTaken",
    "Assigned",
    "Closed",
    "CustomerReplied",
    "DeEscalated",
    "Escalated",
    "FactObserved",
    "Made",
    "MoveDeclined",
    "Observed",
    "Opened",
    "PriorityChanged",
    "Recorded",
    "Reopened",
    "Resolved",
    "Status",
    "Voided",
    "WaitEnded",
    "WaitStarted",
]

Status = Literal["open", "waiting", "resolved", "closed", "void"]


class Recorded(Said, total=False):
    """What may be said of what a decision asked for, for the constructors of the kinds."""

    recorded_at: InstantLike | None


class Opened(Happening):
    """The case began. Unless staff opened it, this is the customer's first message."""

    type: Literal["Opened"] = "Opened"
    actor: Actor = "customer"
    priority: str | None = None
    channel: str | None = None
    level: str | None = None
    by_staff: bool = False
    facts: Frozen[str, Json] = FrozenDict()

    if TYPE_CHECKING:

        def __init__(
            self,
            at: InstantLike,
            *,
            priority: str | None = None,
            channel: str | None = None,
            level: str | None = None,
            by_staff: bool = False,
            facts: Mapping[str, Any] = {},
            **said: Unpack[Said],
        ) -> None: ...


class CustomerReplied(Happening):
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
            at: InstantLike,
            *,
            channel: str | None = None,
            asks_to_escalate: bool = False,
            asks_for_status: bool = False,
            topic: str | None = None,
            **said: Unpack[Said],
        ) -> None: ...


class Made(Happening):
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


class Escalated(Made):
    """The case moved to a level. `rules` and `key` are those of the accepted move; people's own moves have none."""

    type: Literal["Escalated"] = "Escalated"
    to: str
    track: str | None = None
    rules: tuple[str, ...] = ()
    key: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            at: InstantLike,
            *,
            to: str,
            track: str | None = None,
            rules: Texts = (),
            key: str | None = None,
            **said: Unpack[Recorded],
        ) -> None: ...


class DeEscalated(Made):
    """The case went down to a level; with `to=None` it stands nowhere on the track any more."""

    type: Literal["DeEscalated"] = "DeEscalated"
    to: str | None = None
    track: str | None = None
    reason: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            at: InstantLike,
            *,
            to: str | None = None,
            track: str | None = None,
            reason: str | None = None,
            **said: Unpack[Recorded],
        ) -> None: ...


class PriorityChanged(Made):
    """The priority became another."""

    type: Literal["PriorityChanged"] = "PriorityChanged"
    to: str

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, to: str, **said: Unpack[Recorded]) -> None: ...


class Assigned(Made):
    """A role on the case was given to a person or a group, or to nobody. `role` is the role that was filled."""

    type: Literal["Assigned"] = "Assigned"
    role: str = "assignee"
    person: str | None = None
    group: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            at: InstantLike,
            by: str | None = None,
            role: str = "assignee",
            actor: Actor = "staff",
            id: str | None = None,
            recorded_at: InstantLike | None = None,
            person: str | None = None,
            group: str | None = None,
        ) -> None: ...


class WaitStarted(Happening):
    """The case waits: for the customer, a vendor, a change."""

    type: Literal["WaitStarted"] = "WaitStarted"
    on: str = "customer"

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, on: str = "customer", **said: Unpack[Said]) -> None: ...


class WaitEnded(Happening):
    """All waits are over. Harmless when there is none."""

    type: Literal["WaitEnded"] = "WaitEnded"

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, **said: Unpack[Said]) -> None: ...


class MoveDeclined(Happening):
    """Somebody said no, for good, to the move or action with this key."""

    type: Literal["MoveDeclined"] = "MoveDeclined"
    key: str
    reason: str | None = None

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, key: str, reason: str | None = None, **said: Unpack[Said]) -> None: ...


class FactObserved(Happening):
    """A fact of the policy's own has this value from now on; None makes it unknown again."""

    type: Literal["FactObserved"] = "FactObserved"
    name: str
    value: Json

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, name: str, value: Any, **said: Unpack[Said]) -> None: ...


class ActionTaken(Made):
    """An action that a decision asked for was done; `action` says which, for people who read the history."""

    type: Literal["ActionTaken"] = "ActionTaken"
    key: str
    action: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self, at: InstantLike, *, key: str, action: str | None = None, **said: Unpack[Recorded]
        ) -> None: ...


class StatusEvent(Happening):
    """An event that changes the case's status, whoever caused it."""

    @property
    def counts(self) -> bool:
        """Whether it can stop a clock: a status is a fact, whoever set it."""
        return True


class Resolved(StatusEvent):
    """The case is resolved."""

    type: Literal["Resolved"] = "Resolved"

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, **said: Unpack[Said]) -> None: ...


class Reopened(StatusEvent):
    """A resolved or closed case came back: a new cycle begins, the level stands."""

    type: Literal["Reopened"] = "Reopened"

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, **said: Unpack[Said]) -> None: ...


class Closed(StatusEvent):
    """The case is closed."""

    type: Literal["Closed"] = "Closed"

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, **said: Unpack[Said]) -> None: ...


class Voided(StatusEvent):
    """The case was merged, cancelled or spam. It has no moves and no deadlines and is not counted."""

    type: Literal["Voided"] = "Voided"
    reason: str | None = None

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, reason: str | None = None, **said: Unpack[Said]) -> None: ...


class Observed(Happening):
    """A snapshot of the host's showed these values, although no event had said so. Absent ones were not looked at."""

    type: Literal["Observed"] = "Observed"
    actor: Actor = "automation"
    priority: str | None = None
    level: str | None = None
    status: str | None = None
    assigned: Frozen[str, str | None] = FrozenDict()

    if TYPE_CHECKING:

        def __init__(
            self,
            at: InstantLike,
            *,
            priority: str | None = None,
            level: str | None = None,
            status: str | None = None,
            assigned: Mapping[str, str | None] = {},
            **said: Unpack[Said],
        ) -> None: ...
