"""The service for programs: events in, decisions out, as JSON."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import uuid4

from escalation_rules import Decision
from escalation_rules import events as E
from fastapi import APIRouter, Depends, Header, HTTPException, Path
from pydantic import BaseModel, Discriminator, Field

from service.desk import Desk

FromCustomers = E.CustomerReplied | E.EscalationRequested
FromStaff = (
    E.SupportReplied
    | E.Acknowledged
    | E.EscalationRequestReceived
    | E.EscalationRequestAnswered
    | E.LevelFailed
    | E.PriorityChanged
    | E.Assigned
    | E.WaitStarted
    | E.WaitEnded
    | E.ItemAnswered
    | E.AnswerWithdrawn
    | E.ChecklistOverridden
    | E.FactChanged
    | E.Escalated
    | E.DeEscalated
    | E.Declined
    | E.UpdateSent
    | E.CallHeld
    | E.Resolved
    | E.Reopened
    | E.Closed
    | E.Voided
)
Reported = Annotated[FromCustomers | FromStaff, Discriminator("type")]
"""What people may tell us. What the engine records of its own doing does not come in from outside."""


class Opening(BaseModel):
    title: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    channel: Literal["phone", "email", "web"] = "web"

    def details(self) -> dict[str, Any]:
        return self.model_dump(exclude={"title"})


class Answer(BaseModel):
    """What the policy says of a case now, for programs and in words."""

    case: str
    decision: Decision
    explanation: str


class Refusal(BaseModel):
    """Why not: in words, or for a malformed request one entry for each problem."""

    detail: str | list[dict[str, Any]]


class Person(BaseModel):
    """Who asks. Your identity provider says so; here, two headers stand for it."""

    name: str
    actor: Literal["customer", "staff"]


def person(
    x_user: Annotated[str, Header()] = "anna", x_actor: Annotated[Literal["customer", "staff"], Header()] = "staff"
):
    return Person(name=x_user, actor=x_actor)


Who = Annotated[Person, Depends(person)]
CaseId = Annotated[str, Path(pattern="^[0-9a-f]{12}$")]


def refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    return {code: {"model": Refusal} for code in codes}


def routes(desk: Desk) -> APIRouter:
    api = APIRouter(prefix="/api/cases")

    @api.post("", status_code=201, responses=refusals(400, 503))
    def open_case(opening: Opening, who: Who) -> Answer:
        return answer(desk, desk.open(opening.title, by=who.name, by_staff=who.actor == "staff", **opening.details()))

    @api.get("", responses=refusals(503))
    def list_cases() -> list[str]:
        return [case_id for case_id, _ in desk.cases()]

    @api.get("/{case_id}", responses=refusals(404, 422, 503))
    def read_case(case_id: CaseId) -> Answer:
        return answer(desk, case_id)

    @api.get("/{case_id}/events", responses=refusals(404, 422, 503))
    def read_events(case_id: CaseId) -> list[E.Event]:
        return list(desk.read(case_id)[1].history)

    @api.post("/{case_id}/events", status_code=201, responses=refusals(400, 403, 404, 409, 422, 503))
    def add_event(case_id: CaseId, event: Reported, who: Who) -> Answer:
        report(desk, case_id, lambda _: event, who)
        return answer(desk, case_id)

    return api


def report(desk: Desk, case_id: str, tell: Callable[[datetime], E.Event], who: Person) -> None:
    """Record what a person tells us, given the instant at which we hold the case, if it is theirs to tell."""
    theirs = FromCustomers | FromStaff if who.actor == "staff" else FromCustomers

    def happening(now: datetime) -> E.Event:
        event = tell(now)
        if not isinstance(event, theirs):
            raise HTTPException(403, f"{who.actor} may not report {event.type}")
        return trusted(event, who, now)

    desk.record(case_id, happening)


def answer(desk: Desk, case_id: str) -> Answer:
    _, _, decision = desk.read(case_id)
    return Answer(case=case_id, decision=decision, explanation=decision.explain())


def trusted(event: E.Event, who: Person, now: datetime) -> E.Event:
    """An event as we take it from outside: who says so and since when we know is for us to tell, not for a client.

    It may repeat an event under its own id, and tell of the past but not of the future. Ids and keys like the engine's
    do not get in: they would make it believe that something was done.
    """
    ours = {"recorded_at"} if isinstance(event, E.Declined) else {"recorded_at", "key"}
    own_id = sha256(f"{who.name} {event.id}".encode()).hexdigest()[:40] if event.id else uuid4().hex
    ids = {"by": who.name, "actor": who.actor, "id": f"client:{own_id}"}
    unsaid = dict.fromkeys(ours & type(event).model_fields.keys())
    return event.model_copy(update={"at": min(event.at, now), **ids, **unsaid})
