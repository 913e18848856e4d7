"""Facts about business time that other systems and the traps of the subject state, each held by ours."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from escalation_rules.worktime import BusinessCalendar

HERE = Path(__file__).parent
FILES = {name: json.loads((HERE / f"{name}.json").read_text("utf-8")) for name in ("worktime", "traps")}
CALENDARS = {
    (name, key): BusinessCalendar.model_validate(calendar)
    for name, file in FILES.items()
    for key, calendar in file["calendars"].items()
}
FACTS = [(CALENDARS[name, fact["calendar"]], fact) for name, file in FILES.items() for fact in file["facts"]]


def answer(calendar: BusinessCalendar, fact: dict[str, Any]) -> Any:
    """What ours says: an instant, seconds, or a truth value."""
    start = datetime.fromisoformat(fact["start"])
    match fact["op"]:
        case "add" | "subtract" as op:
            return getattr(calendar, op)(start, f"{fact['duration']} business seconds")
        case "elapsed":
            return calendar.elapsed(start, datetime.fromisoformat(fact["end"])) / timedelta(seconds=1)
        case op:
            return getattr(calendar, op)(start)


def expected(fact: dict[str, Any]) -> Any:
    return datetime.fromisoformat(fact["expected"]) if isinstance(fact["expected"], str) else fact["expected"]


@pytest.mark.parametrize(("calendar", "fact"), FACTS, ids=[fact["id"] for _, fact in FACTS])
def test_the_fact_holds(calendar, fact):
    """Each fact, as its source states it."""
    assert answer(calendar, fact) == expected(fact), fact


def test_no_fact_is_lost():
    """All of them are there, each with its source, under a name of its own."""
    assert {name: len(file["facts"]) for name, file in FILES.items()} == {"worktime": 338, "traps": 27}
    assert len({fact["id"] for _, fact in FACTS}) == len(FACTS)
    assert all(fact["source"] for _, fact in FACTS)
