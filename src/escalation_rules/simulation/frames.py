"""The five frames of a replay: texts dictionary-encoded inside, the user's own frame library outside.

A million rows with the same few words take a tenth of the memory, are copied in a tenth of the time, and become a frame
of some library without an object for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from escalation_rules.errors import InvalidValue, unknown


class Categorical(NamedTuple):
    """A dictionary-encoded column of texts or nulls: codes into words, which need not be distinct."""

    codes: NDArray[Any]
    words: NDArray[np.object_]

    @classmethod
    def same(cls, word: str | None, size: int) -> Categorical:
        """Return a column with one word in all rows."""
        return cls(np.zeros(size, np.int8), np.array([word], object))

    def array(self) -> NDArray[Any]:
        """Return the column as an array of its words."""
        found: NDArray[Any] = self.words[self.codes]
        return found


class ColumnTable(Mapping[str, NDArray[Any]]):
    """A frame by column. Each column becomes an array when it is read; `kept` has the columns as stored."""

    def __init__(self, kept: Mapping[str, NDArray[Any] | Categorical]) -> None:
        self.kept = dict(kept)

    def __getitem__(self, name: str) -> NDArray[Any]:
        held = self.kept[name]
        if isinstance(held, Categorical):
            return held.array()
        return held.astype(np.int64) if held.dtype.kind == "i" else held

    def __iter__(self) -> Iterator[str]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)

    def take(self, rows: NDArray[Any]) -> ColumnTable:
        """Return the frame with these rows, in this order."""
        return ColumnTable(
            {
                name: Categorical(held.codes[rows], held.words) if isinstance(held, Categorical) else held[rows]
                for name, held in self.kept.items()
            }
        )


def joined_words(parts: Sequence[Categorical]) -> Categorical:
    """Concatenate columns. If their words differ, the words are concatenated as well and the codes shifted."""
    first = parts[0].words
    if all(part.words is first or _are_equal(part.words, first) for part in parts):
        return Categorical(np.concatenate([part.codes for part in parts]), first)
    words = np.concatenate([part.words for part in parts])
    kind = np.min_scalar_type(-max(len(words), 1))
    shifts = np.cumsum([0, *(len(part.words) for part in parts[:-1])])
    shifted = [part.codes.astype(kind) + kind.type(shift) for part, shift in zip(parts, shifts, strict=True)]
    return Categorical(np.concatenate(shifted), words)


def _are_equal(one: NDArray[np.object_], other: NDArray[np.object_]) -> bool:
    return len(one) == len(other) and len(one) < _FEW and one.tolist() == other.tolist()


_FEW = 1_000
"""Longer lists of words are not compared, since they hardly ever are the same in two parts."""

Columns = Mapping[str, NDArray[Any]]
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
        "objections": TEXT,
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
        "breached_by_change": FLAG,
    },
}
"""The columns of each frame of a replay, in order, with their types."""

INNER: Mapping[str, Mapping[str, str]] = {**FRAMES, "moves": {**FRAMES["moves"], "cause": COUNT}}
"""The frames as they are stored: keys of moves are computed from their causes when they are read."""


def columns_of(name: str, rows: Sequence[tuple[Any, ...]]) -> Columns:
    """Return rows of a frame as columns. Instants and spans are whole microseconds."""
    values_by_column: Any = zip(*rows, strict=True) if rows else [()] * len(INNER[name])
    return {
        column: array(values, kind)
        for (column, kind), values in zip(INNER[name].items(), values_by_column, strict=True)
    }


def array(held: Sequence[Any], kind: str) -> NDArray[Any]:
    """Return the values of a column as an array of its type."""
    if kind in {AT, SPAN}:
        return np.array(held, np.int64).view(kind)
    return np.array(held, kind)


def take(columns: Columns, rows: NDArray[Any]) -> Columns:
    """Return the columns with these rows, in this order."""
    return (
        columns.take(rows) if isinstance(columns, ColumnTable) else {name: held[rows] for name, held in columns.items()}
    )


def concatenated(parts: list[Columns]) -> Columns:
    """Concatenate parts of one frame."""
    if len(parts) == 1:
        return parts[0]
    kept = [part.kept if isinstance(part, ColumnTable) else part for part in parts]
    return ColumnTable({name: _joined([part[name] for part in kept]) for name in kept[0]})


def _joined(parts: list[Any]) -> NDArray[Any] | Categorical:
    if all(isinstance(part, Categorical) for part in parts):
        return joined_words(parts)
    return np.concatenate([part.array() if isinstance(part, Categorical) else part for part in parts])


def by_case(table: Columns) -> Columns:
    """Order a frame by case; within a case it is in order already."""
    ids = table["case"]
    if len(ids) < 2 or bool((ids[1:] >= ids[:-1]).all()):
        return table
    return take(table, np.argsort(ids, kind="stable"))


def native(columns: Columns, backend: str) -> Any:
    """Return the columns as a frame of a library: instants in UTC, durations as durations, nulls as nulls."""
    return _MAKERS[backend](columns)


def backend_of(frame: nw.DataFrame[Any]) -> str:
    """Return the name of a frame's library. Raises `InvalidValue` if a replay cannot make frames of it."""
    backend = str(frame.implementation.value)
    if backend not in _MAKERS:
        raise InvalidValue(unknown("frame library", backend, _MAKERS))
    return backend


def usual_backend() -> str:
    """Return the first library that is installed, for cases that did not come from a frame."""
    return next(backend for backend in _MAKERS if find_spec(backend))


def _kept(columns: Columns) -> Mapping[str, NDArray[Any] | Categorical]:
    """Return the columns as they are stored, encoded ones still encoded."""
    if not isinstance(columns, ColumnTable):
        return columns
    return {name: held if isinstance(held, Categorical) else columns[name] for name, held in columns.kept.items()}


def _pandas(columns: Columns) -> Any:
    import pandas as pd  # noqa: PLC0415 only where it is the reader's library

    text = pd.Series(["text"]).dtype

    def series(held: NDArray[Any] | Categorical) -> Any:
        if isinstance(held, Categorical):
            return pd.Series(held.words, dtype=text).take(held.codes).reset_index(drop=True)
        return pd.Series(held, dtype=text if held.dtype == object else None)

    frame = pd.DataFrame({name: series(held) for name, held in _kept(columns).items()})
    instants = [name for name in frame.columns if frame[name].dtype.kind == "M"]
    return frame.assign(**{name: frame[name].dt.tz_localize("UTC") for name in instants})


def _polars(columns: Columns) -> Any:
    import polars as pl  # noqa: PLC0415 only where it is the reader's library

    def series(held: NDArray[Any] | Categorical) -> Any:
        if isinstance(held, Categorical):
            return pl.Series(held.words.tolist(), dtype=pl.String()).gather(held.codes)
        if held.dtype == object:
            return pl.Series(held.tolist(), dtype=pl.String())
        return pl.Series(held, nan_to_null=True)

    frame = pl.DataFrame({name: series(held) for name, held in _kept(columns).items()})
    return frame.with_columns(pl.col(pl.Datetime("us")).dt.replace_time_zone("UTC"))


def _pyarrow(columns: Columns) -> Any:
    import pyarrow as pa  # noqa: PLC0415 only where it is the reader's library

    kinds = {"M": pa.timestamp("us", tz="UTC"), "O": pa.string()}

    def array(held: NDArray[Any] | Categorical) -> Any:
        if isinstance(held, Categorical):
            return pa.array(held.words, pa.string(), from_pandas=True).take(pa.array(held.codes))
        return pa.array(held, kinds.get(held.dtype.kind), from_pandas=True)

    return pa.table({name: array(held) for name, held in _kept(columns).items()})


_MAKERS: dict[str, Callable[[Columns], Any]] = {"pandas": _pandas, "polars": _polars, "pyarrow": _pyarrow}
