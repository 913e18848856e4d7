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
# # Today against proposed
#
# The same incidents under two policies, those of `examples/quickstart.py`: what differs, where the work would stand,
# and one case under both.

# %%
import sys
from pathlib import Path

import polars as pl

HERE = Path(__file__).parent if "__file__" in globals() else Path()
sys.path.insert(0, str(HERE.parent))
from escalation_rules.simulation import compare  # noqa: E402
from escalation_rules.views import plot  # noqa: E402
from quickstart import PROPOSED, TODAY, read_log  # noqa: E402 the path is set first

log = read_log()
comparison = compare(TODAY, PROPOSED, log)

# %%
print(comparison)

# %% [markdown]
# Every difference is a row; `shift` is the new instant less the old.

# %%
changes = comparison.frame("changes")
print(changes.group_by("subject", "kind").len().sort("subject", "kind"))
print(comparison.rates(by="priority"))
print(comparison.reached())

# %% [markdown]
# Work a day and level. People act in a replay as they did: nobody answers sooner because the manager knows.

# %%
work = comparison.workload(every="1 day", by="level")
print(work.group_by("level").agg(pl.col("difference").mean().alias("more cases at hand, on average")).sort("level"))
ax = plot(comparison, "workload", every="1 week")

# %%
ax = plot(comparison, "changes")

# %% [markdown]
# The cases that changed most, and one of them told in full.

# %%
print(comparison.examples("earlier", 3))
told = comparison.examples("earlier", 1)["case"][0]
print(comparison.case(told).explain())

# %% [markdown]
# At any instant of its life, the policies say why, and why not.

# %%
print(comparison.case(told).explain(at=comparison.examples("earlier", 1)["new_at"][0]))
