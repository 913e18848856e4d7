"""Decides on 2,887 real incidents under a policy, and tells one of them in full.

Run it with `python examples/quickstart.py`. The log is described, with its source and licence, in `data/README.md`.
"""

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from escalation_rules import BusinessCalendar, Case, Decision, EscalationLevel, Pick, Policy, Rule, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F

SAMPLE = Path(__file__).parent / "data" / "incidents_sample.csv.gz"

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

POLICY = Policy(
    name="service desk",
    version="1",
    calendar="office",
    calendars={"office": BusinessCalendar("UTC", {"mon-fri": "08:00-18:00"})},
    priorities=("low", "moderate", "high", "critical"),
    levels=(
        EscalationLevel(key="desk", owner="analyst"),
        EscalationLevel(key="specialists", owner="specialist"),
        EscalationLevel(key="manager", owner="service_manager"),
    ),
    rules=(
        Rule(name="half of the time is used", when=F.used("resolution") >= "50%", to="specialists"),
        Rule(name="not resolved in time", when=F.deadline("resolution") == "breached", to="manager"),
        Rule(
            name="critical and open for a day",
            when=(F.priority == "critical") & (F.open_for >= "24 hours"),
            to="manager",
        ),
        Rule(name="sent around", when=F.assignments >= 4, to="specialists"),
        Rule(name="reopened", when=F.reopened >= 1, to="specialists"),
    ),
    targets=(
        Target.resolution(
            Pick(
                by="priority",
                values={"critical": "8 business hours", "high": "20 business hours", "low": "10 business days"},
                otherwise="5 business days",
            ),
            pauses=("customer", "vendor"),
        ),
    ),
)  # fmt: skip


class Log(NamedTuple):
    """Cases, each with the instant before it was first resolved (or the log ended), and what was odd about the rows."""

    cases: list[tuple[Case, datetime]]
    rows: int
    findings: Counter[str]


def read_log(path: Path) -> Log:
    """Reads the sample. Nothing is dropped in silence: what cannot be taken as it stands is counted."""
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    findings: Counter[str] = Counter()
    end = max(instant(row["sys_updated_at"]) for row in rows)
    cases = [read_case(number, list(own), findings) for number, own in groupby(rows, key=lambda row: row["number"])]
    return Log([(case, asked_at(case, end)) for case in cases], len(rows), findings)


def read_case(number: str, rows: list[dict[str, str]], findings: Counter[str]) -> Case:
    """One incident: the first row says how it opened, every change after it is an event."""
    opened = instant(rows[0]["opened_at"])
    first = rows[0]["incident_state"]
    findings["the first row is not in state New"] += first != "New"
    findings["earlier than the row before"] += any(later < before for before, later in pairwise(map(updated, rows)))
    findings["updated before it was opened (taken as at the opening)"] += any(updated(row) < opened for row in rows)
    findings["unknown state (not used)"] += sum(row["incident_state"] not in STATUSES for row in rows)
    dated = sorted(((max(updated(row), opened), row) for row in rows), key=lambda one: one[0])
    statuses = [(at, STATUSES[row["incident_state"]]) for at, row in dated if row["incident_state"] in STATUSES]
    case = Case.open(number, at=opened, priority=PRIORITIES[rows[0]["priority"]])
    return case.record(*E.from_statuses(statuses), *priorities(dated), *assignments(dated))


def priorities(dated: list[tuple[datetime, dict[str, str]]]) -> Iterator[E.Event]:
    """Every change of priority after the first row."""
    for (_, before), (at, row) in pairwise(dated):
        if row["priority"] != before["priority"]:
            yield E.PriorityChanged(at=at, to=PRIORITIES[row["priority"]])


def assignments(dated: list[tuple[datetime, dict[str, str]]]) -> Iterator[E.Event]:
    """Every change of group or person. A missing value is `?`."""
    names = [(at, *(None if row[column] == "?" else row[column] for column in ASSIGNED)) for at, row in dated]
    known = None
    for at, group, person in names:
        if (group, person) not in ((None, None), known):
            yield E.Assigned(at=at, role="assignee", group=group, person=person)
            known = (group, person)


ASSIGNED = ("assignment_group", "assigned_to")


def asked_at(case: Case, end: datetime) -> datetime:
    """The last instant at which the case was still worked on for the first time."""
    return max((case.first_resolved_at(end) or end) - timedelta(microseconds=1), case.opened_at)


def updated(row: dict[str, str]) -> datetime:
    return instant(row["sys_updated_at"])


def instant(text: str) -> datetime:
    """The log's times have no zone; we read them as UTC, and say so."""
    return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=UTC)


def level_at(decision: Decision, at: datetime) -> str:
    """The level on which a case stood at an instant, had every move been made when it was due."""
    return next((move.to for move in reversed(decision.moves) if move.due <= at), "desk")


def breaches(decision: Decision) -> list[str]:
    """The level on which the case stood at each deadline that was breached."""
    return [level_at(decision, deadline.due) for deadline in decision.deadlines if deadline.outcome == "breached"]


def story(judged: tuple[Case, Decision]) -> tuple[int, int]:
    """How much there is to tell: of the cases that moved most, the one that waited most often."""
    case, decision = judged
    return len(decision.moves), sum(isinstance(event, E.WaitStarted) for event in case.history)


def counted(decision: Decision) -> str:
    """What the resolution clock counted up to its due, and what it left out."""
    clock = decision.deadline("resolution")
    segments = clock.segments(clock.due or decision.at)
    parts = {kind: sum((s.length for s in segments if s.counted == kind), timedelta()) for kind in (True, False)}
    hours = {kind: length / timedelta(hours=1) for kind, length in parts.items()}
    return (
        f"Up to its due the clock counted {hours[True]:.1f} hours and left out {hours[False]:.1f}: closed, or waiting."
    )


def main() -> None:
    """Reads, decides, and prints."""
    began = perf_counter()
    log = read_log(SAMPLE)
    read = perf_counter()
    decisions = [decide(POLICY, case, at=at) for case, at in log.cases]
    decided = perf_counter()

    print(f"{len(log.cases):,} incidents ({log.rows:,} rows) of an IT company, 2016-2017: see data/README.md")
    print("Times are read as UTC. Each incident is judged as it stood just before it was first resolved.\n")
    print("Findings in the log, in incidents:")
    for finding, count in (+log.findings).items():
        print(f"{count:>8,}  {finding}")

    moves, late = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for (case, at), decision in zip(log.cases, decisions, strict=True):
        priority = case.priority(at)
        moves.update((move.to, priority) for move in decision.moves)
        late.update((level, priority) for level in breaches(decision))
    print(f"\n{'level':<12} {'priority':<9} {'moved to it':>12} {'breached on it':>15}")
    for level in [level.key for level in POLICY.levels]:
        for priority in reversed(POLICY.priorities):
            print(f"{level:<12} {priority:<9} {moves[level, priority]:>12,} {late[level, priority]:>15,}")

    _, told = max(zip((case for case, _ in log.cases), decisions, strict=True), key=story)
    print(f"\nOne case in full:\n\n{told.explain()}\n\n{counted(told)}\n")
    print(f"Read in {read - began:.1f} s, decided in {decided - read:.1f} s.")


if __name__ == "__main__":
    main()
