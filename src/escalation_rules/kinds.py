"""The kinds of events, one class each. They are read through `escalation_rules.events`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from escalation_rules._values import Frozen, FrozenDict, Instant, Json, Value
from escalation_rules.patterns import Actor, Happening
from escalation_rules.worktime.spans import Span

__all__ = [
    "Acknowledged",
    "ActionPlan",
    "ActionTaken",
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
    "FactObserved",
    "ItemConfirmed",
    "ItemWithdrawn",
    "LessonSettled",
    "LevelFailed",
    "Made",
    "MoveDeclined",
    "Observed",
    "Opened",
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
]

Status = Literal["open", "waiting", "resolved", "closed", "void"]


class PlanItem(Value):
    """One item of an action plan. `due` is an instant; an item past it and not done is overdue."""

    namespace = "E."
    what: str
    owner: str | None = None
    due: Instant | None = None
    done: bool = False


class ActionPlan(Value):
    """A written plan towards resolution, with what to do should it fail (`backup`), shared with the customer or not."""

    namespace = "E."
    items: tuple[PlanItem, ...] = ()
    backup: str | None = None
    shared: bool = False


class CommunicationPlan(Value):
    """What was agreed about updates: by which means, how often, and who must attend."""

    namespace = "E."
    mode: str | None = None
    every: Span
    attendees: tuple[str, ...] = ()


class Opened(Happening):
    """The case began. Unless staff opened it, this is the customer's first message."""

    type: Literal["Opened"] = "Opened"
    actor: Actor = "customer"
    priority: str | None = None
    channel: str | None = None
    level: str | None = None
    by_staff: bool = False
    facts: Frozen[str, Json] = FrozenDict()


class CustomerReplied(Happening):
    """The customer wrote. It ends a wait for the customer."""

    type: Literal["CustomerReplied"] = "CustomerReplied"
    actor: Actor = "customer"
    channel: str | None = None
    asks_to_escalate: bool = False
    asks_for_status: bool = False
    topic: str | None = None


class SupportReplied(Happening):
    """Support wrote. It counts when a human wrote it and the customer could see it."""

    type: Literal["SupportReplied"] = "SupportReplied"
    public: bool = True
    automatic: bool = False
    topic: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it is a counting reply: by a human, and visible to the customer."""
        return self.public and not self.automatic and self.actor == "staff"


class Acknowledged(Happening):
    """Somebody has seen the case and is on it."""

    type: Literal["Acknowledged"] = "Acknowledged"


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


class EscalationReceived(Happening):
    """A request that was made elsewhere has reached the support group."""

    type: Literal["EscalationReceived"] = "EscalationReceived"


class EscalationAnswered(Happening):
    """The open requests for attention have been handled."""

    type: Literal["EscalationAnswered"] = "EscalationAnswered"


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


class DeEscalated(Made):
    """The case went down to a level; with `to=None` it stands nowhere on the track any more."""

    type: Literal["DeEscalated"] = "DeEscalated"
    to: str | None = None
    track: str | None = None
    reason: str | None = None


class LevelFailed(Happening):
    """The case could not be resolved to the customer's satisfaction at a level: the present one unless named."""

    type: Literal["LevelFailed"] = "LevelFailed"
    level: str | None = None
    track: str | None = None
    reason: str | None = None


class ProgressReported(Happening):
    """How it goes, in the host's words, such as "on track", "stalled" or "digressed"."""

    type: Literal["ProgressReported"] = "ProgressReported"
    state: str


class PriorityChanged(Made):
    """The priority became another."""

    type: Literal["PriorityChanged"] = "PriorityChanged"
    to: str


class Assigned(Made):
    """A role on the case was given to a person or a group, or to nobody. `role` is the role that was filled."""

    type: Literal["Assigned"] = "Assigned"
    role: str = "assignee"
    person: str | None = None
    group: str | None = None


class WaitStarted(Happening):
    """The case waits: for the customer, a vendor, a change."""

    type: Literal["WaitStarted"] = "WaitStarted"
    on: str = "customer"


class WaitEnded(Happening):
    """All waits are over. Harmless when there is none."""

    type: Literal["WaitEnded"] = "WaitEnded"


class MoveDeclined(Happening):
    """Somebody said no, for good, to the move or action with this key."""

    type: Literal["MoveDeclined"] = "MoveDeclined"
    key: str
    reason: str | None = None


class ItemConfirmed(Happening):
    """An item of a checklist was answered."""

    type: Literal["ItemConfirmed"] = "ItemConfirmed"
    item: str
    answer: str = "yes"
    evidence: str | None = None


class ItemWithdrawn(Happening):
    """The answer to an item no longer stands."""

    type: Literal["ItemWithdrawn"] = "ItemWithdrawn"
    item: str


class ChecklistOverridden(Happening):
    """The entry checklist of a level was set aside for this cycle, for a reason."""

    type: Literal["ChecklistOverridden"] = "ChecklistOverridden"
    level: str
    reason: Annotated[str, Field(min_length=1)]


class FactObserved(Happening):
    """A fact of the policy's own has this value from now on; None makes it unknown again."""

    type: Literal["FactObserved"] = "FactObserved"
    name: str
    value: Json


class PlanRevised(Happening):
    """The action plan was written or changed. Patterns may name the plan's fields, such as `shared`."""

    type: Literal["PlanRevised"] = "PlanRevised"
    plan: ActionPlan = ActionPlan()


class CommunicationAgreed(Happening):
    """A communication plan was agreed with the customer."""

    type: Literal["CommunicationAgreed"] = "CommunicationAgreed"
    plan: CommunicationPlan


class Reviewed(Happening):
    """Somebody looked at it: at the status, at the plan."""

    type: Literal["Reviewed"] = "Reviewed"
    what: str = "status"


class UpdateSent(Happening):
    """An update went out, to the customer or inside the company."""

    type: Literal["UpdateSent"] = "UpdateSent"
    audience: str = "customer"
    mode: str | None = None


class CallHeld(Happening):
    """A call took place: what for, and between whom."""

    type: Literal["CallHeld"] = "CallHeld"
    kind: str
    participants: tuple[str, ...] = ()


class ActionTaken(Made):
    """An action that a decision asked for was done; `action` says which, for people who read the history."""

    type: Literal["ActionTaken"] = "ActionTaken"
    key: str
    action: str | None = None


class StatusEvent(Happening):
    """An event that changes the case's status, whoever caused it."""

    @property
    def counts(self) -> bool:
        """Whether it can stop a clock: a status is a fact, whoever set it."""
        return True


class Resolved(StatusEvent):
    """The case is resolved."""

    type: Literal["Resolved"] = "Resolved"


class Reopened(StatusEvent):
    """A resolved or closed case came back: a new cycle begins, the level stands."""

    type: Literal["Reopened"] = "Reopened"


class Closed(StatusEvent):
    """The case is closed."""

    type: Literal["Closed"] = "Closed"


class Voided(StatusEvent):
    """The case was merged, cancelled or spam. It has no moves and no deadlines and is not counted."""

    type: Literal["Voided"] = "Voided"
    reason: str | None = None


class PostMortemHeld(Happening):
    """The escalation was looked back on: whether a service issue caused it, and what was learned."""

    type: Literal["PostMortemHeld"] = "PostMortemHeld"
    service_issue: bool | None = None
    lessons: tuple[str, ...] = ()


class LessonSettled(Happening):
    """What became of a lesson."""

    type: Literal["LessonSettled"] = "LessonSettled"
    lesson: str
    outcome: str


class Observed(Happening):
    """A snapshot of the host's showed these values, although no event had said so. Absent ones were not looked at."""

    type: Literal["Observed"] = "Observed"
    actor: Actor = "automation"
    priority: str | None = None
    level: str | None = None
    status: str | None = None
    assigned: Frozen[str, str | None] = FrozenDict()
