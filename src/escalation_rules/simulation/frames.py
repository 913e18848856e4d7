"""The five frames of a replay, and how columns become a frame of the library that somebody reads with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from escalation_rules.errors import InvalidValue, unknown

__all__ = [
    "AT",
    "COUNT",
    "FRAMES",
    "INNER",
    "SPAN",
    "TEXT",
    "Columns",
    "array",
    "backend_of",
    "by_case",
    "columns_of",
    "joined",
    "native",
    "take",
    "usual_backend",
]

Columns = dict[str, NDArray[Any]]
"""A frame as arrays by column: `datetime64[us]` in UTC and `timedelta64[us]` with NaT, objects with None for nulls."""

AT, SPAN, TEXT, COUNT, FLAG, SHARE = "datetime64[us]", "timedelta64[us]", "object", "int64", "bool", "float64"
NAMES = ("cases", "moves", "blocked", "stays", "deadlines")
FRAMES: Mapping[str, Mapping[str, str]] = {
    "cases": {
        "case": TEXT,
        "opened_at": AT,
        "first_resolved_at": AT,
        "resolved_at": AT,
        "closed_at": AT,
        "void": FLAG,
        "cycles": COUNT,
        "priority": TEXT,
        "level": TEXT,
        "moves": COUNT,
    },
    "moves": {
        "case": TEXT,
        "cycle": COUNT,
        "track": TEXT,
        "due_at": AT,
        "from_level": TEXT,
        "to_level": TEXT,
        "rules": TEXT,
        "checklist": TEXT,
        "key": TEXT,
    },
    "blocked": {
        "case": TEXT,
        "cycle": COUNT,
        "track": TEXT,
        "to_level": TEXT,
        "rules": TEXT,
        "from_at": AT,
        "until_at": AT,
        "missing": TEXT,
        "against": TEXT,
    },
    "stays": {
        "case": TEXT,
        "cycle": COUNT,
        "track": TEXT,
        "level": TEXT,
        "owner": TEXT,
        "entered_at": AT,
        "left_at": AT,
    },
    "deadlines": {
        "case": TEXT,
        "cycle": COUNT,
        "target": TEXT,
        "occurrence": COUNT,
        "level": TEXT,
        "owner": TEXT,
        "priority": TEXT,
        "started_at": AT,
        "due_at": AT,
        "stopped_at": AT,
        "budget": SPAN,
        "counted": SPAN,
        "excluded": SPAN,
        "used": SHARE,
        "outcome": TEXT,
        "caused_by_change": FLAG,
    },
}
"""The columns of each frame of a replay, in order, and what they hold."""


INNER: Mapping[str, Mapping[str, str]] = {**FRAMES, "moves": {**FRAMES["moves"], "cause": COUNT}}
"""The frames as they are kept: keys of moves are made from their causes when they are asked for."""


def columns_of(name: str, rows: Sequence[tuple[Any, ...]]) -> Columns:
    """Rows of a frame as columns. Instants and spans are whole microseconds."""
    held: Any = zip(*rows, strict=True) if rows else [()] * len(INNER[name])
    return {column: array(one, kind) for (column, kind), one in zip(INNER[name].items(), held, strict=True)}


def array(held: Sequence[Any], kind: str) -> NDArray[Any]:
    """What a column holds, as an array of its kind."""
    if kind in {AT, SPAN}:
        return np.array(held, np.int64).view(kind)
    return np.array(held, kind)


def take(columns: Columns, rows: NDArray[Any]) -> Columns:
    """Some rows, in this order."""
    return {name: held[rows] for name, held in columns.items()}


def joined(parts: list[Columns]) -> Columns:
    """Parts of one frame, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}


def by_case(table: Columns) -> Columns:
    """A frame by case; within a case it is in order already."""
    ids = table["case"]
    if len(ids) < 2 or bool((ids[1:] >= ids[:-1]).all()):
        return table
    return take(table, np.argsort(ids, kind="stable"))


def native(columns: Mapping[str, NDArray[Any]], backend: str) -> Any:
    """The columns as a frame of a library: instants in UTC, durations as durations, nulls as nulls."""
    return _MAKERS[backend](columns)


def backend_of(frame: nw.DataFrame[Any]) -> str:
    """The library of a frame. Raises `InvalidValue` for one that the frames of a replay cannot be made in."""
    backend = str(frame.implementation.value)
    if backend not in _MAKERS:
        raise InvalidValue(unknown("frame library", backend, _MAKERS))
    return backend


def usual_backend() -> str:
    """The first library that is installed, for cases that did not come from a frame."""
    return next(backend for backend in _MAKERS if find_spec(backend))


def _pandas(columns: Mapping[str, NDArray[Any]]) -> Any:
    import pandas as pd  # noqa: PLC0415 only where it is the reader's library

    text = pd.Series(["text"]).dtype
    frame = pd.DataFrame(
        {name: pd.Series(held, dtype=text if held.dtype == object else None) for name, held in columns.items()}
    )
    instants = [name for name, held in columns.items() if held.dtype.kind == "M"]
    return frame.assign(**{name: frame[name].dt.tz_localize("UTC") for name in instants})


def _polars(columns: Mapping[str, NDArray[Any]]) -> Any:
    import polars as pl  # noqa: PLC0415 only where it is the reader's library

    texts = {name: pl.String() for name, held in columns.items() if held.dtype == object}
    instants = [pl.col(name).dt.replace_time_zone("UTC") for name, held in columns.items() if held.dtype.kind == "M"]
    held = {name: held.tolist() if held.dtype == object else held for name, held in columns.items()}
    return pl.DataFrame(held, schema_overrides=texts, nan_to_null=True).with_columns(instants)


def _pyarrow(columns: Mapping[str, NDArray[Any]]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 only where it is the reader's library

    kinds = {"M": pa.timestamp("us", tz="UTC"), "O": pa.string()}
    return pa.table(
        {name: pa.array(held, kinds.get(held.dtype.kind), from_pandas=True) for name, held in columns.items()}
    )


_MAKERS: dict[str, Callable[[Mapping[str, NDArray[Any]]], Any]] = {
    "pandas": _pandas,
    "polars": _polars,
    "pyarrow": _pyarrow,
}
