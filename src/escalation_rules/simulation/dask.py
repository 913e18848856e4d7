"""`replay` on a Dask DataFrame: one replay for each partition, each of whole cases. Needs the extra `dask`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dask
import dask.dataframe as dd

from escalation_rules._values import read_instant
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.policy import Policy
from escalation_rules.simulation.logs import cases_from_frame
from escalation_rules.simulation.mapping import LogMapping
from escalation_rules.simulation.replay import Replay
from escalation_rules.simulation.replay import replay as replay_here

__all__ = ["DaskReplay", "replay"]

DASK: Any = dask
"""The module `dask`, which has no types."""


def replay(policy: Policy, ddf: Any, mapping: LogMapping, *, until: datetime) -> DaskReplay:
    """Replay a log that is a Dask DataFrame, indexed by case, with known divisions (unless it has one partition).

    Such a frame comes from `ddf.set_index("number")`. A case with rows on two partitions would silently become two
    wrong cases. A frame that may have such cases is refused now; one that has them although its divisions say otherwise
    is refused when it is computed. `until` must be given: each partition has another last row. Raises `InvalidValue`.
    """
    if getattr(ddf.index, "name", None) != mapping.case:
        expected = f"`{mapping.case}`, the column of cases; `ddf.set_index({mapping.case!r})` sorts by it"
        raise InvalidValue(Problem("a frame that is indexed by", ddf.index.name, expected=expected))
    if not ddf.known_divisions and ddf.npartitions > 1:
        expected = f"known ones, so that no case is on two partitions; `ddf.set_index({mapping.case!r})` finds them"
        raise InvalidValue(Problem("a frame with unknown divisions", expected=expected))
    last, ends = read_instant(until), ddf.divisions
    work = DASK.delayed(_replay_partition)
    parts = [
        work(policy, part, mapping, last, (ends[number], ends[number + 1], number + 2 == len(ends)))
        for number, part in enumerate(ddf.to_delayed())
    ]
    return DaskReplay(parts)


def _replay_partition(
    policy: Policy, frame: Any, mapping: LogMapping, until: datetime, ends: tuple[Any, Any, bool]
) -> Any:
    """Replay one partition; None if it has no rows."""
    low, high, is_last = ends
    if not len(frame):
        return None
    outside = (frame.index > high if is_last else frame.index >= high) | (frame.index < low) if low is not None else []
    strays = frame.index[outside]
    if len(strays):
        expected = "every row of a case on the partition that its divisions say"
        raise InvalidValue(
            *(Problem("a case on another partition", case, expected=expected) for case in strays.unique()[:12])
        )
    return replay_here(policy, cases_from_frame(frame.reset_index(), mapping), until=until)


class DaskReplay:
    """A replay that is not computed yet, with one part for each partition."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = parts

    def frame(self, name: str) -> Any:
        """Return one of the five frames, as a Dask DataFrame in the order of the partitions."""
        empty = Replay.empty(name, "pandas")
        work = DASK.delayed(_frame_of)
        return dd.from_delayed([work(part, name) for part in self.parts], meta=empty, verify_meta=False)

    def compute(self) -> Replay:
        """Compute all partitions and return them as one replay."""
        return Replay.concat([part for part in DASK.compute(*self.parts) if part is not None])


def _frame_of(part: Replay | None, name: str) -> Any:
    return Replay.empty(name, "pandas") if part is None else part.frame(name)
