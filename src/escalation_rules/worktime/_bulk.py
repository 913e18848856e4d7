"""Business time on numpy arrays: the same bisections, for all instants at once. Needs the extra `[simulation]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.worktime._timeline import Continuous, OpenLine, Stretch
from escalation_rules.worktime.spans import Span

__all__ = ["add", "elapsed"]

Whole = NDArray[np.int64]
Reach = Callable[[int, Span], int]
NOT_A_TIME = np.iinfo(np.int64).min
"""What numpy keeps for NaT."""


def elapsed(line: Continuous | OpenLine, starts: Any, ends: Any) -> NDArray[Any]:
    """Open time from each start to each end."""
    first, last = _read(starts), _read(ends)
    found = _opened(line, last) - _opened(line, first)
    if not _is_time(starts) and not _is_time(ends):
        return found
    return _with_gaps(found, (first == NOT_A_TIME) | (last == NOT_A_TIME)).view("timedelta64[us]")


def add(line: Continuous | OpenLine, reach: Reach, starts: Any, span: Span) -> NDArray[Any]:
    """Where each start gets to; `reach` says it of one, for what no array can tell."""
    first = _read(starts)
    known = first != NOT_A_TIME if _is_time(starts) else np.True_
    if known.all():
        return _written(_reached(line, reach, first, span), starts)
    found = np.full_like(first, NOT_A_TIME)
    found[known] = _reached(line, reach, first[known], span)
    return _written(found, starts)


def _reached(line: Continuous | OpenLine, reach: Reach, starts: Whole, span: Span) -> Whole:
    length = span.microseconds
    if length is not None and not span.is_business:
        return starts + length
    if length is not None:
        return _earliest(line, _opened(line, starts) + length) if length else starts.copy()
    found = [reach(start, span) for start in starts.ravel().tolist()]
    return np.array(found, np.int64).reshape(starts.shape)


def _read(given: Any) -> Whole:
    """The instants in microseconds."""
    array = np.asarray(given)
    if array.dtype.kind == "M":
        return array.astype("datetime64[us]").view(np.int64)
    if array.dtype.kind not in "iu":
        expected = "datetime64, or whole microseconds since 1970"
        raise InvalidValue(Problem("not an array of instants", array.dtype.name, expected=expected))
    return array.astype(np.int64, copy=False)


def _is_time(given: Any) -> bool:
    return np.asarray(given).dtype.kind == "M"


def _written(found: Whole, given: Any) -> NDArray[Any]:
    """The answers in the dtype of the question, which for datetime64 has at least microseconds."""
    if not _is_time(given):
        return found
    times = found.view("datetime64[us]")
    return times.astype(np.result_type(times.dtype, np.asarray(given).dtype), copy=False)


def _with_gaps(found: Whole, unknown: NDArray[np.bool_]) -> Whole:
    if unknown.any():
        found[unknown] = NOT_A_TIME
    return found


def _opened(line: Continuous | OpenLine, instants: Whole) -> Whole:
    known = instants[instants != NOT_A_TIME] if instants.size and instants.min() == NOT_A_TIME else instants
    if isinstance(line, Continuous) or not known.size:
        return instants
    opens, sums = _arrays(line.stretch(int(known.min()), int(known.max())))
    index = np.maximum(np.searchsorted(opens, instants, side="right"), 1)
    so_far: Whole = np.minimum((sums[:-1] - opens)[index - 1] + instants, sums[index])
    return so_far


def _earliest(line: Continuous | OpenLine, opened: Whole) -> Whole:
    if isinstance(line, Continuous) or not opened.size:
        return opened
    first, last = line.earliest(int(opened.min())), line.earliest(int(opened.max()))
    opens, sums = _arrays(line.stretch(first, last))
    found: Whole = (opens - sums[:-1])[np.searchsorted(sums, opened, side="left") - 1] + opened
    return found


def _arrays(stretch: Stretch) -> tuple[Whole, Whole]:
    return np.asarray(stretch.opens, np.int64), np.asarray(stretch.sums, np.int64)
