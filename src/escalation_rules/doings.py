"""The kinds of events that say what people do about a case: they write, ask, answer, plan, call and look back.

They are read through `escalation_rules.events`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Unpack

from pydantic import Field

from escalation_rules._values import Instant, InstantLike, Texts, Value
from escalation_rules.patterns import Actor, Happening, Said
from escalation_rules.worktime.spans import Span, SpanLike

__all__ = [
    "Acknowledged",
    "ActionPlan",
    "CallHeld",
    "ChecklistOverridden",
    "CommunicationAgreed",
    "CommunicationPlan",
    "EscalationAnswered",
    "EscalationReceived",
    "EscalationRequested",
    "ItemConfirmed",
    "ItemWithdrawn",
    "LessonSettled",
    "LevelFailed",
    "PlanItem",
    "PlanRevised",
    "PostMortemHeld",
    "ProgressReported",
    "Reviewed",
    "SupportReplied",
    "UpdateSent",
]


class PlanItem(Value):
    """One item of an action plan. `due` is an instant; an item past it and not done is overdue."""

    namespace = "E."
    what: str
    owner: str | None = None
    due: Instant | None = None
    done: bool = False

    if TYPE_CHECKING:

        def __init__(
            self, what: str, owner: str | None = None, due: InstantLike | None = None, done: bool = False
        ) -> None: ...


class ActionPlan(Value):
    """A written plan towards resolution, with what to do should it fail (`backup`), shared with the customer or not."""

    namespace = "E."
    items: tuple[PlanItem, ...] = ()
    backup: str | None = None
    shared: bool = False

    if TYPE_CHECKING:

        def __init__(self, items: Sequence[PlanItem] = (), backup: str | None = None, shared: bool = False) -> None: ...


class CommunicationPlan(Value):
    """What was agreed about updates: by which means, how often, and who must attend."""

    namespace = "E."
    mode: str | None = None
    every: Span
    attendees: tuple[str, ...] = ()

    if TYPE_CHECKING:

        def __init__(self, mode: str | None = None, *, every: SpanLike, attendees: Texts = ()) -> None: ...


class SupportReplied(Happening):
    """Support wrote. It counts when a human wrote it and the customer could see it."""

    type: Literal["SupportReplied"] = "SupportReplied"
    public: bool = True
    automatic: bool = False
    topic: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            at: InstantLike,
            *,
            public: bool = True,
            automatic: bool = False,
            topic: str | None = None,
            **said: Unpack[Said],
        ) -> None: ...

    @property
    def counts(self) -> bool:
        """Whether it is a counting reply: by a human, and visible to the customer."""
        return self.public and not self.automatic and self.actor == "staff"


class Acknowledged(Happening):
    """Somebody has seen the case and is on it."""

    type: Literal["Acknowledged"] = "Acknowledged"

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, **said: Unpack[Said]) -> None: ...


class EscalationRequested(Happening):
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
            at: InstantLike,
            *,
            channel: str | None = None,
            to: str | None = None,
            person: str | None = None,
            reason: str | None = None,
            business_impact: str | None = None,
            wants: Literal["attention", "expertise", "priority"] = "attention",
            **said: Unpack[Said],
        ) -> None: ...


class EscalationReceived(Happening):
    """A request that was made elsewhere has reached the support group."""

    type: Literal["EscalationReceived"] = "EscalationReceived"

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, **said: Unpack[Said]) -> None: ...


class EscalationAnswered(Happening):
    """The open requests for attention have been handled."""

    type: Literal["EscalationAnswered"] = "EscalationAnswered"

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, **said: Unpack[Said]) -> None: ...


class LevelFailed(Happening):
    """The case could not be resolved to the customer's satisfaction at a level: the present one unless named."""

    type: Literal["LevelFailed"] = "LevelFailed"
    level: str | None = None
    track: str | None = None
    reason: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            at: InstantLike,
            *,
            level: str | None = None,
            track: str | None = None,
            reason: str | None = None,
            **said: Unpack[Said],
        ) -> None: ...


class ProgressReported(Happening):
    """How it goes, in the host's words, such as "on track", "stalled" or "digressed"."""

    type: Literal["ProgressReported"] = "ProgressReported"
    state: str

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, state: str, **said: Unpack[Said]) -> None: ...


class ItemConfirmed(Happening):
    """An item of a checklist was answered."""

    type: Literal["ItemConfirmed"] = "ItemConfirmed"
    item: str
    answer: str = "yes"
    evidence: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self, at: InstantLike, *, item: str, answer: str = "yes", evidence: str | None = None, **said: Unpack[Said]
        ) -> None: ...


class ItemWithdrawn(Happening):
    """The answer to an item no longer stands."""

    type: Literal["ItemWithdrawn"] = "ItemWithdrawn"
    item: str

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, item: str, **said: Unpack[Said]) -> None: ...


class ChecklistOverridden(Happening):
    """The entry checklist of a level was set aside for this cycle, for a reason."""

    type: Literal["ChecklistOverridden"] = "ChecklistOverridden"
    level: str
    reason: Annotated[str, Field(min_length=1)]

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, level: str, reason: str, **said: Unpack[Said]) -> None: ...


class PlanRevised(Happening):
    """The action plan was written or changed. Patterns may name the plan's fields, such as `shared`."""

    type: Literal["PlanRevised"] = "PlanRevised"
    plan: ActionPlan = ActionPlan()

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, plan: ActionPlan = ..., **said: Unpack[Said]) -> None: ...


class CommunicationAgreed(Happening):
    """A communication plan was agreed with the customer."""

    type: Literal["CommunicationAgreed"] = "CommunicationAgreed"
    plan: CommunicationPlan

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, plan: CommunicationPlan, **said: Unpack[Said]) -> None: ...


class Reviewed(Happening):
    """Somebody looked at it: at the status, at the plan."""

    type: Literal["Reviewed"] = "Reviewed"
    what: str = "status"

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, what: str = "status", **said: Unpack[Said]) -> None: ...


class UpdateSent(Happening):
    """An update went out, to the customer or inside the company."""

    type: Literal["UpdateSent"] = "UpdateSent"
    audience: str = "customer"
    mode: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self, at: InstantLike, *, audience: str = "customer", mode: str | None = None, **said: Unpack[Said]
        ) -> None: ...


class CallHeld(Happening):
    """A call took place: what for, and between whom."""

    type: Literal["CallHeld"] = "CallHeld"
    kind: str
    participants: tuple[str, ...] = ()

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, kind: str, participants: Texts = (), **said: Unpack[Said]) -> None: ...


class PostMortemHeld(Happening):
    """The escalation was looked back on: whether a service issue caused it, and what was learned."""

    type: Literal["PostMortemHeld"] = "PostMortemHeld"
    service_issue: bool | None = None
    lessons: tuple[str, ...] = ()

    if TYPE_CHECKING:

        def __init__(
            self, at: InstantLike, *, service_issue: bool | None = None, lessons: Texts = (), **said: Unpack[Said]
        ) -> None: ...


class LessonSettled(Happening):
    """What became of a lesson."""

    type: Literal["LessonSettled"] = "LessonSettled"
    lesson: str
    outcome: str

    if TYPE_CHECKING:

        def __init__(self, at: InstantLike, *, lesson: str, outcome: str, **said: Unpack[Said]) -> None: ...
