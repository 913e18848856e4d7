"""Compares the frames of the vectorised engine with those of the engine for one case."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from escalation_rules import Case, Policy
from escalation_rules.simulation.batches import one_by_one, replay_batch
from escalation_rules.simulation.frames import Columns
from escalation_rules.worktime._timeline import microseconds_of

__all__ = ["assert_same", "assert_vectorised"]


def assert_same(expected: dict[str, Columns], found: dict[str, Columns]) -> None:
    """Two sets of frames are equal, to the last value and kind."""
    for name, table in expected.items():
        for column, values in table.items():
            other = found[name][column]
            assert values.dtype == other.dtype, (name, column)
            np.testing.assert_array_equal(values, other, err_msg=f"{name}.{column}")


def assert_vectorised(policy: Policy, found: list[Case], until: datetime) -> dict[str, Columns]:
    """The frames of these cases, which the vectorised engine takes and which equal those of the engine for one case."""
    last = microseconds_of(until)
    begun = [case for case in found if case.history[0].instant <= last]
    batch = replay_batch(policy, begun, last, "replayed")
    assert batch.by_columns == len(begun)
    assert_same(one_by_one(policy, begun, last), batch.tables)
    return batch.tables
