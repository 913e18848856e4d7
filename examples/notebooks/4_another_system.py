# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A log of another system
#
# Process-mining logs, such as those of the BPI challenges, have one row an activity, with a status and a sub-status, a
# team (whose name carries its line of support: `V13 2nd`, `V37 3rd`), an impact and instants with an offset. The rows
# below are made up in that style. Nothing but the mapping knows about it.

# %%
import polars as pl
from escalation_rules import BusinessCalendar, EscalationLevel, Policy, Rule, Target
from escalation_rules import facts as F
from escalation_rules.simulation import LogMapping, cases_from_frame, compare

rows = pl.DataFrame(
    [
        ("1-364285768", "2010-03-31T15:59:42+01:00", "Accepted/In Progress", "V30", "Medium", "PROD582"),
        ("1-364285768", "2010-03-31T16:00:56+01:00", "Accepted/In Progress", "V30", "Medium", "PROD582"),
        ("1-364285768", "2010-04-01T09:45:48+02:00", "Queued/Awaiting Assignment", "V13 2nd", "Medium", "PROD582"),
        ("1-364285768", "2010-04-06T15:44:07+02:00", "Accepted/Wait - User", "V13 2nd", "Medium", "PROD582"),
        ("1-364285768", "2010-04-08T11:53:35+02:00", "Accepted/In Progress", "V37 3rd", "High", "PROD582"),
        ("1-364285768", "2010-04-09T11:54:13+02:00", "Completed/Resolved", "V37 3rd", "High", "PROD582"),
        ("1-467153946", "2010-04-02T10:30:00+02:00", "Accepted/In Progress", "G97", "Low", "PROD455"),
        ("1-467153946", "2010-04-02T11:00:00+02:00", "Completed/Resolved", "G97", "Low", "PROD455"),
        ("1-467153946", "2010-04-12T11:00:00+02:00", "Completed/Closed", "G97", "Low", "PROD455"),
        ("1-503573772", "2010-04-06T08:15:00+02:00", "Queued/Awaiting Assignment", "V5 3rd", "High", "PROD698"),
        ("1-503573772", "2010-04-14T08:15:00+02:00", "Unmatched/Unmatched", "V5 3rd", "High", "PROD698"),
    ],
    schema=["SR Number", "Change Date+Time", "Status", "Involved ST", "Impact", "Product"],
    orient="row",
)  # fmt: skip

# %% [markdown]
# Teams are patterns: `* 2nd` is any team of the second line. What the mapping does not know it says.

# %%
mapping = LogMapping(
    case="SR Number",
    at="Change Date+Time",
    status=(
        "Status",
        {
            "Queued/*": "open",
            "Accepted/Wait - User": "waiting:customer",
            "Accepted/Wait*": "waiting:vendor",
            "Accepted/*": "working",
            "Completed/Resolved": "resolved",
            "Completed/Closed": "closed",
        },
    ),
    priority=("Impact", {"Low": "low", "Medium": "medium", "High": "high"}),
    level=("Involved ST", {"* 2nd": "second", "* 3rd": "third", "*": "first"}),
    assigned={"assignee": "Involved ST"},
    facts={"product": "Product"},
)
log = cases_from_frame(rows, mapping)
print(log)
print(log.findings)
print(log["1-364285768"])

# %% [markdown]
# The recorded levels are kept: people put the case there. What the rules would add shows beside them.


# %%
def lines(version: str, span: str) -> Policy:
    """Three lines of support, and a manager above them."""
    return Policy(
        name="three lines",
        version=version,
        calendar="office",
        calendars={"office": BusinessCalendar("Europe/Stockholm", {"mon-fri": "08:00-17:00"}, holidays="SE")},
        priorities=("low", "medium", "high"),
        levels=tuple(EscalationLevel(key=key, owner=key) for key in ("first", "second", "third", "manager")),
        rules=(
            Rule(key="stays on the first line", when=F.at_level_for >= span, to="next", at_level="first"),
            Rule(key="too long", when=(F.priority == "high") & (F.open_for >= "2 business days"), to="manager"),
        ),
        targets=(Target.resolution("3 business days"),),
    )  # fmt: skip


comparison = compare(lines("today", "8 business hours"), lines("proposed", "1 business hour"), log)
print(comparison)
print(comparison.frame("changes"))
print(comparison.case("1-364285768").explain())
