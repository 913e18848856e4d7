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
# # A first policy from a log
#
# A log says what happened, not what was promised. Here is one way from the first to the second: read the log, look at
# how long things took, write down spans, and see what would have been breached.

# %%
from pathlib import Path

import polars as pl
from escalation_rules import BusinessCalendar, EscalationLevel, Pick, Policy, Rule, Target
from escalation_rules import facts as F
from escalation_rules.simulation import LogMapping, cases_from_frame, replay
from escalation_rules.views import plot

HERE = Path(__file__).parent if "__file__" in globals() else Path()
rows = pl.read_csv(HERE.parent / "data" / "incidents_sample.csv.gz", infer_schema=False)

# %% [markdown]
# Which column says what. The log's times have no zone; reading them as UTC is an assumption.

# %%
servicenow = LogMapping(
    case="number",
    at="sys_updated_at",
    timezone="UTC",
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
log = cases_from_frame(rows, servicenow)
print(log)
print(log.findings)

# %% [markdown]
# How much business time passed until a first resolution, without the time spent waiting for the customer. What is
# pending at the end of the log is not among these.

# %%
office = BusinessCalendar("UTC", {"mon-fri": "08:00-18:00"})
print(log.quantiles("resolution", q=(0.5, 0.8, 0.9), by="priority", calendar=office))

# %% [markdown]
# Numbers to write a policy from, and not a policy: somebody has to want it.

# %%
policy = Policy(
    name="service desk",
    version="draft",
    calendar="office",
    calendars={"office": office},
    priorities=("low", "moderate", "high", "critical"),
    levels=(EscalationLevel(key="desk", owner="analyst"), EscalationLevel(key="manager", owner="service_manager")),
    rules=(Rule(key="not resolved in time", when=F.outcome("resolution") == "breached", to="manager"),),
    targets=(
        Target.resolution(
            Pick(
                by="priority",
                values={"critical": "8 business hours", "high": "20 business hours"},
                otherwise="40 business hours",
            )
        ),
    ),
)
replayed = replay(policy, log)
print(replayed)
print(replayed.rates(by="priority"))

# %%
ax = plot(replayed, "rates", by="priority")
