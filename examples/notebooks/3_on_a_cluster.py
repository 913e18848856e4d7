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
# # When one machine is too small
#
# A replay takes whole cases, one by one or many at once, so it can be spread as widely as there are cases. There are
# two ways to do it on Dask: give `replay` the cluster's executor, or start from a Dask DataFrame.

# %%
import sys
from pathlib import Path

import dask.dataframe as dd
import pandas as pd
from dask.distributed import Client, LocalCluster

HERE = Path(__file__).parent if "__file__" in globals() else Path()
sys.path.insert(0, str(HERE.parent))
from escalation_rules.errors import InvalidValue  # noqa: E402
from escalation_rules.simulation import dask, replay  # noqa: E402
from quickstart import PROPOSED, SAMPLE, SERVICENOW, read_log  # noqa: E402 the path is set first


def main() -> None:
    """The cells of this page: workers that are started from a script need a place to start from."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        # Through the executor: the log is read here, batches of whole cases go to the workers.
        log = read_log()
        spread = replay(PROPOSED, log, executor=client.get_executor())
        print(spread)

        # From a Dask DataFrame that is indexed by case, so that every row of a case is on one partition. One that is
        # read from many files gets there by `set_index("number")`. `until` is the same for all: each partition has
        # another last row.
        rows = pd.read_csv(SAMPLE, dtype=str, keep_default_na=False).set_index("number").sort_index(kind="stable")
        by_case = dd.from_pandas(rows, npartitions=4)
        whole = dask.replay(PROPOSED, by_case, SERVICENOW, until=log.until)
        print(whole.frame("moves")["to_level"].value_counts().compute())
        assert whole.compute().summary() == spread.summary()

        # A frame that may split a case is refused: half a case is a wrong answer that nobody notices.
        try:
            dask.replay(PROPOSED, by_case.clear_divisions(), SERVICENOW, until=log.until)
        except InvalidValue as error:
            print(error)


# %%
if __name__ == "__main__":
    main()
