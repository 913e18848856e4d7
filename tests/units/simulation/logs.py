"""Small logs for tests, the shipped sample, and synthetic ones of any size."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import pandas as pd

from escalation_rules import BusinessCalendar, EscalationLevel, Pick, Policy, Rule, Target
from escalation_rules import facts as F
from escalation_rules.simulation import CaseLog, LogMapping, cases_from_frame

SAMPLE = Path(__file__).parents[3] / "examples" / "data" / "incidents_sample.csv.gz"
STATUSES = {
    "New": "open",
    "Active": "working",
    "Awaiting User Info": "waiting:customer",
    "Awaiting Evidence": "waiting:customer",
    "Awaiting Vendor": "waiting:vendor",
    "Awaiting Problem": "waiting:problem",
    "Resolved": "resolved",
    "Closed": "closed",
}
PRIORITIES = {"4 - Low": "low", "3 - Moderate": "moderate", "2 - High": "high", "1 - Critical": "critical"}
SERVICENOW = LogMapping(
    case="number",
    at="sys_updated_at",
    timezone="UTC",
    format="%d/%m/%Y %H:%M",
    opened="opened_at",
    status=("incident_state", STATUSES),
    priority=("priority", PRIORITIES),
    assigned={"assignee": "assignment_group"},
    attributes=("contact_type",),
)


@cache
def sample_rows() -> pd.DataFrame:
    with gzip.open(SAMPLE, "rt") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)


@cache
def sample() -> CaseLog:
    return cases_from_frame(sample_rows(), SERVICENOW)


def service_desk(version: str = "1", share: str = "50%", sent_around: int = 4) -> Policy:
    """A policy for the incidents, with two figures that may differ."""
    return Policy(
        name="service desk",
        version=version,
        calendar="office",
        calendars={"office": BusinessCalendar("UTC", {"mon-fri": "08:00-18:00"})},
        priorities=("low", "moderate", "high", "critical"),
        levels=(
            EscalationLevel(key="desk", owner="analyst"),
            EscalationLevel(
                key="specialists", owner=Pick(by="priority", values={"critical": "duty"}, otherwise="expert")
            ),
            EscalationLevel(key="manager", owner="service_manager"),
        ),
        rules=(
            Rule(key="time runs out", when=F.used("resolution") >= share, to="specialists"),
            Rule(key="not resolved in time", when=F.outcome("resolution") == "breached", to="manager"),
            Rule(key="sent around", when=F.assignments >= sent_around, to="specialists"),
            Rule(key="reopened", when=F.reopenings >= 1, to="next"),
        ),
        targets=(
            Target.resolution(
                Pick(by="priority", values={"critical": "8 business hours"}, otherwise="40 business hours"),
                pause_on=("customer", "vendor"),
            ),
        ),
    )  # fmt: skip
