"""On a real cluster, started and stopped here: the same frames as in one process, or a refusal."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest

from escalation_rules.errors import InvalidValue
from escalation_rules.simulation import cases_from_frame, replay
from escalation_rules.simulation.frames import FRAMES
from tests.units.simulation.logs import SERVICENOW, sample_rows, service_desk

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import dask.dataframe as dd
    from dask.distributed import Client, LocalCluster

    from escalation_rules.simulation import dask as scaled

pytestmark = [pytest.mark.law, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def rows():
    return sample_rows().head(4000)


@pytest.fixture(scope="module")
def log(rows):
    return cases_from_frame(rows, SERVICENOW)


@pytest.fixture(scope="module")
def whole(log):
    return replay(service_desk(), log)


@pytest.fixture(scope="module")
def client():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
        with started as cluster, Client(cluster) as client:
            yield client


def same(found, whole):
    for name in FRAMES:
        pd.testing.assert_frame_equal(found.frame(name), whole.frame(name))


def test_a_cluster_is_an_executor_like_any_other(client, log, whole):
    """Through `Client.get_executor()`."""
    same(replay(service_desk(), log, executor=client.get_executor()), whole)


@pytest.mark.parametrize("partitions", [1, 3, 7])
def test_a_dask_frame_gives_the_same_in_any_partition(client, rows, whole, partitions):
    """Computed on the workers; together, and frame by frame without bringing it here first."""
    ddf = dd.from_pandas(rows, npartitions=2).set_index("number", npartitions=partitions)
    found = scaled.replay(service_desk(), ddf, SERVICENOW, until=whole.until)
    same(found.compute(), whole)
    moves = found.frame("moves")
    assert moves.columns.tolist() == list(FRAMES["moves"])
    pd.testing.assert_frame_equal(moves.compute().reset_index(drop=True), whole.frame("moves"))


def test_a_partition_without_rows_is_nothing(rows, whole):
    """As after a filter."""
    ddf = dd.from_pandas(rows.set_index("number").sort_index(kind="stable"), npartitions=3)
    first = ddf.divisions[1]
    few = ddf[ddf["sys_updated_at"].notnull() & (ddf.index < first)]
    found = scaled.replay(service_desk(), few, SERVICENOW, until=whole.until)
    expected = whole.frame("moves")
    expected = expected[expected["case"] < first].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.frame("moves").compute(scheduler="sync").reset_index(drop=True), expected)
    assert len(found.compute()) < len(whole)


def test_a_frame_that_may_split_a_case_is_refused(rows, whole):
    """Another index, unknown divisions, and divisions that are not true."""
    plain = dd.from_pandas(rows, npartitions=3)
    with pytest.raises(InvalidValue, match=r"a frame that is indexed by .* expected `number`, the column of cases"):
        scaled.replay(service_desk(), plain, SERVICENOW, until=whole.until)
    unknown = dd.from_pandas(rows.set_index("number"), npartitions=3).clear_divisions()
    with pytest.raises(InvalidValue, match="a frame with unknown divisions, expected known ones"):
        scaled.replay(service_desk(), unknown, SERVICENOW, until=whole.until)
    halves = rows.set_index("number").sort_index(kind="stable")
    middle = next(n for n in range(2000, 3000) if halves.index[n] == halves.index[n - 1])
    names = (halves.index[0], halves.index[middle], halves.index[-1])
    split = dd.from_map(
        lambda part: part, [halves.iloc[:middle], halves.iloc[middle:]], meta=halves.head(0), divisions=names
    )
    with pytest.raises(InvalidValue, match=f"a case on another partition `{halves.index[middle]}`"):
        scaled.replay(service_desk(), split, SERVICENOW, until=whole.until).parts[0].compute(scheduler="sync")
