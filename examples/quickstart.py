"""One what-if on 2,887 real incidents: shorter deadlines, and a manager who hears of urgent ones in time.

Run it with `python examples/quickstart.py`. The log is described, with its source and licence, in `data/README.md`.
"""

from pathlib import Path
from time import perf_counter

import polars as pl
from escalation_rules import BusinessCalendar, EscalationLevel, Pick, Policy, Rule, Target
from escalation_rules import facts as F
from escalation_rules.simulation import CaseLog, Comparison, LogMapping, cases_from_frame, compare

SAMPLE = Path(__file__).parent / "data" / "incidents_sample.csv.gz"

SERVICENOW = LogMapping(
    case="number",
    at="sys_updated_at",
    timezone="UTC",  # the log does not say; this is an assumption
    format="%d/%m/%Y %H:%M",
    opened="opened_at",
    status=(
        "incident_state",
        {
            "New": "open",
            "Active": "working",
            "Awaiting User Info": "waiting:customer",
            "Awaiting Evidence": "waiting:customer",
            "Awaiting Vendor": "waiting:vendor",
            "Awaiting Problem": "waiting:problem",
            "Resolved": "resolved",
            "Closed": "closed",
        },
    ),
    priority=(
        "priority",
        {"4 - Low": "low", "3 - Moderate": "moderate", "2 - High": "high", "1 - Critical": "critical"},
    ),
    assigned={"assignee": ("assigned_to", "assignment_group")},
)


def desk(version: str, usual: str, *rules: Rule) -> Policy:
    """The service desk's policy: what both versions have in common, the usual deadline and the rules of one."""
    return Policy(
        name="service desk",
        version=version,
        calendar="office",
        calendars={"office": BusinessCalendar("UTC", {"mon-fri": "08:00-18:00"})},
        priorities=("low", "moderate", "high", "critical"),
        levels=(
            EscalationLevel(key="desk", owner="analyst"),
            EscalationLevel(key="specialists", owner="specialist"),
            EscalationLevel(key="manager", owner="service_manager"),
        ),
        rules=(Rule(key="reopened", when=F.reopenings >= 1, to="specialists"), *rules),
        targets=(
            Target.resolution(
                Pick(
                    by="priority",
                    values={"critical": "8 business hours", "high": "20 business hours", "low": "10 business days"},
                    otherwise=usual,
                ),
                pause_on=("customer", "vendor"),
            ),
        ),
    )


TODAY = desk(
    "today",
    "5 business days",
    Rule(key="half of the time is used", when=F.used("resolution") >= "50%", to="specialists"),
    Rule(key="not resolved in time", when=F.outcome("resolution") == "breached", to="manager"),
    Rule(key="sent around", when=F.assignments >= 4, to="specialists"),
)
PROPOSED = desk(
    "proposed",
    "4 business days",
    Rule(key="half of the time is used", when=F.used("resolution") >= "50%", to="specialists"),
    Rule(key="time runs out", when=(F.used("resolution") >= "80%") & (F.priority >= "high"), to="manager"),
    Rule(key="not resolved in time", when=F.outcome("resolution") == "breached", to="manager"),
    Rule(key="sent around", when=F.assignments >= 6, to="specialists"),
)


def read_log() -> CaseLog:
    """The sample, every row of it."""
    return cases_from_frame(pl.read_csv(SAMPLE, infer_schema=False), SERVICENOW)


def describe(log: CaseLog) -> None:
    print(f"{len(log):,} incidents ({log.rows:,} rows) of an IT company, 2016-2017: see data/README.md")
    print("Times are read as UTC.\n\nFindings in the log:")
    for one in log.findings.iter_rows(named=True):
        print(f"{one['cases']:>8,} incidents, {one['rows']:,} rows: {one['message']} ({one['column']})")


def how_far(comparison: Comparison) -> None:
    """How many moves come sooner or later, and by how much."""
    moves = comparison.frame("changes").filter(pl.col("subject") == "move")
    print("\nMoves that come at another time:")
    for kind in ("earlier", "later"):
        shifts = moves.filter(pl.col("kind") == kind)["shift"].dt.total_minutes().abs() / 60
        if len(shifts):
            print(
                f"{len(shifts):>8,} {kind}: by {shifts.median():,.1f} hours in the median, {shifts.max():,.1f} at most"
            )
    for kind in ("added", "removed"):
        print(f"{moves.filter(pl.col('kind') == kind).height:>8,} {kind}")


def main() -> None:
    """Reads, replays twice, and prints what a support manager would read."""
    began = perf_counter()
    log = read_log()
    read = perf_counter()
    comparison = compare(TODAY, PROPOSED, log)
    compared = perf_counter()

    describe(log)
    print(f"\n{comparison}")
    how_far(comparison)
    told = comparison.examples("earlier", 1)["case"][0]
    print(f"\nOne incident in full, under both:\n\n{comparison.case(told).explain()}\n")
    print(f"Read in {read - began:.1f} s, replayed under both in {compared - read:.1f} s.")


if __name__ == "__main__":
    main()
