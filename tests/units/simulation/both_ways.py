"""A replay by columns beside one case by case."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from escalation_rules import Case, Policy
from escalation_rules.simulation.batches import one_by_one, replay_batch
from escalation_rules.simulation.frames import Columns
from escalation_rules.worktime._timeline import microseconds_of

__all__ = ["assert_held", "assert_same"]


def assert_same(expected: dict[str, Columns], found: dict[str, Columns]) -> None:
    """Two sets of frames are equal, to the last value and kind."""
    for name, table in expected.items():
        for column, values in table.items():
            other = found[name][column]
            assert values.dtype == other.dtype, (name, column)
            np.testing.assert_array_equal(values, other, err_msg=f"{name}.{column}")


def assert_held(policy: Policy, found: list[Case], until: datetime) -> dict[str, Columns]:
    """Columns hold these cases, and both ways give the same frames: these."""
    last = microseconds_of(until)
    begun = [case for case in found if case.history[0].instant <= last]
    batch = replay_batch(policy, begun, last, "replayed")
    assert batch.by_columns == len(begun)
    assert_same(one_by_one(policy, begun, last), batch.tables)
    return batch.tables
