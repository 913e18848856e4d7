"""The service: events come in, decisions go out, as JSON for programs and as a page for people.

    uvicorn --factory service.app:from_environment
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import Depends, FastAPI, Form, Header, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Discriminator, Field
from sqlalchemy.exc import OperationalError

from escalation_rules import Decision, EscalationRulesError
from escalation_rules import events as E
from service.desk import Desk, NoSuchCase
from service.page import Page
from service.policy import POLICY
from service.tables import connect

TEMPLATES = Jinja2Templates(Path(__file__).parent / "templates")

FromCustomers = E.CustomerReplied | E.EscalationRequested
FromStaff = (
    E.SupportReplied
    | E.Acknowledged
    | E.EscalationReceived
    | E.EscalationAnswered
    | E.LevelFailed
    | E.PriorityChanged
    | E.Assigned
    | E.WaitStarted
    | E.WaitEnded
    | E.ItemConfirmed
    | E.ItemWithdrawn
    | E.ChecklistOverridden
    | E.FactObserved
    | E.Escalated
    | E.DeEscalated
    | E.MoveDeclined
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


def person(x_user: Annotated[str, Header()] = "anna", x_actor: Annotated[Literal["customer", "staff"], Header()] = "staff"):
    return Person(name=x_user, actor=x_actor)


Who = Annotated[Person, Depends(person)]


def refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    return {code: {"model": Refusal} for code in codes}


def create_app(desk: Desk) -> FastAPI:
    app = FastAPI(title="Complaints desk", version="1")

    @app.exception_handler(NoSuchCase)
    def not_found(_: Request, error: NoSuchCase):
        return JSONResponse({"detail": f"no case {error}"}, 404)

    @app.exception_handler(EscalationRulesError)
    def conflict(_: Request, error: EscalationRulesError):
        """Well-formed, but not with this policy or this case: an unknown level, an event before the opening."""
        return JSONResponse({"detail": str(error)}, 409)

    @app.exception_handler(OperationalError)
    def busy(_: Request, __: OperationalError):
        return JSONResponse({"detail": "the database is busy, try again"}, 503, headers={"Retry-After": "1"})

    @app.post("/api/cases", status_code=201, responses=refusals(400, 503))
    def open_case(opening: Opening, who: Who) -> Answer:
        staff = who.actor == "staff"
        case_id = desk.open(opening.title, by=who.name, by_staff=staff, **opening.model_dump(exclude={"title"}))
        return answer(desk, case_id)

    @app.get("/api/cases", responses=refusals(503))
    def list_cases() -> list[str]:
        return [case_id for case_id, _ in desk.cases()]

    @app.get("/api/cases/{case_id}", responses=refusals(404, 503))
    def read_case(case_id: str) -> Answer:
        return answer(desk, case_id)

    @app.get("/api/cases/{case_id}/events", responses=refusals(404, 503))
    def read_events(case_id: str) -> list[E.Event]:
        return list(desk.read(case_id)[1].history)

    @app.post("/api/cases/{case_id}/events", status_code=201, responses=refusals(400, 403, 404, 409, 422, 503))
    def add_event(case_id: str, event: Reported, who: Who) -> Answer:
        if who.actor == "customer" and not isinstance(event, FromCustomers):
            raise HTTPException(403, f"customers do not report {event.type}")
        desk.record(case_id, lambda now: trusted(event, who, now))
        return answer(desk, case_id)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def index(request: Request):
        return TEMPLATES.TemplateResponse(request, "index.html", {"cases": desk.cases()})

    @app.get("/cases/{case_id}", response_class=HTMLResponse, include_in_schema=False)
    def show(request: Request, case_id: str):
        return TEMPLATES.TemplateResponse(request, "case.html", {"page": Page.of(desk, case_id)})

    @app.post("/cases", include_in_schema=False)
    def open_by_form(form: Annotated[Opening, Form()], who: Who):
        return RedirectResponse(f"/cases/{open_case(form, who).case}", 303)

    @app.post("/cases/{case_id}/{kind}", include_in_schema=False)
    async def report_by_form(request: Request, case_id: str, kind: str, who: Who):
        form = dict(await request.form())
        event = E.parse({"type": kind, "at": desk.clock().isoformat(), **form})
        if not isinstance(event, FromCustomers | FromStaff):
            raise HTTPException(403, f"people do not report {event.type}")
        desk.record(case_id, lambda now: trusted(event, who, now))
        return RedirectResponse(f"/cases/{case_id}", 303)

    return app


def answer(desk: Desk, case_id: str) -> Answer:
    _, _, decision = desk.read(case_id)
    return Answer(case=case_id, decision=decision, explanation=decision.explain())


def trusted(event: E.Event, who: Person, now: datetime) -> E.Event:
    """An event as we take it from outside: who says so and since when we know is for us to tell, not for a client.

    It may repeat an event under its own id, and tell of the past but not of the future. Ids and keys like the engine's
    do not get in: they would make it believe that something was done.
    """
    ours = {"recorded_at"} if isinstance(event, E.MoveDeclined) else {"recorded_at", "key"}
    ids = {"by": who.name, "actor": who.actor, "id": f"client:{event.id or uuid4().hex}"[:80]}
    unsaid = dict.fromkeys(ours & type(event).model_fields.keys())
    return event.model_copy(update={"at": min(event.at, now), **ids, **unsaid})


def from_environment() -> FastAPI:
    """The app as it is deployed: the database by `DESK_DATABASE`, the machine's clock."""
    desk = Desk(connect(os.environ.get("DESK_DATABASE", "sqlite:///desk.sqlite3")), POLICY, lambda: datetime.now(UTC))
    desk.create_tables()
    return create_app(desk)
