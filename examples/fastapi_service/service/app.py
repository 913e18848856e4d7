"""The service: an API for programs, and pages for people.

uvicorn --factory service.app:from_environment
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from escalation_rules import EscalationRulesError
from escalation_rules import events as E
from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from sqlalchemy.exc import OperationalError

from service import api
from service.desk import Desk, NoSuchCase
from service.page import Page
from service.policy import POLICY
from service.tables import connect

TEMPLATES = Jinja2Templates(Path(__file__).parent / "templates")


def create_app(desk: Desk) -> FastAPI:
    app = FastAPI(title="Complaints desk", version="1")
    app.include_router(api.routes(desk))
    app.include_router(pages(desk), include_in_schema=False)

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

    return app


def pages(desk: Desk) -> APIRouter:
    pages = APIRouter()

    @pages.get("/", response_class=HTMLResponse)
    def index(request: Request):
        return TEMPLATES.TemplateResponse(request, "index.html", {"cases": desk.cases()})

    @pages.post("/cases")
    def open_by_form(form: Annotated[api.Opening, Form()], who: api.Who):
        case_id = desk.open(form.title, by=who.name, by_staff=who.actor == "staff", **form.details())
        return RedirectResponse(f"/cases/{case_id}", 303)

    @pages.get("/cases/{case_id}", response_class=HTMLResponse)
    def show(request: Request, case_id: api.CaseId):
        return TEMPLATES.TemplateResponse(request, "case.html", {"page": Page.of(desk, case_id)})

    @pages.post("/cases/{case_id}/{kind}")
    async def report_by_form(request: Request, case_id: api.CaseId, kind: str, who: api.Who):
        """One form, one event: its kind is in the address, its fields are the form's."""
        form = dict(await request.form())

        def tell(now: datetime) -> E.Event:
            return E.parse({**form, "type": kind, "at": now})

        await run_in_threadpool(api.report, desk, case_id, tell, who)
        return RedirectResponse(f"/cases/{case_id}", 303)

    return pages


def from_environment() -> FastAPI:
    """The app as it is deployed: the database by `DESK_DATABASE`, the machine's clock."""
    desk = Desk(connect(os.environ.get("DESK_DATABASE", "sqlite:///desk.sqlite3")), POLICY, lambda: datetime.now(UTC))
    desk.create_tables()
    return create_app(desk)
