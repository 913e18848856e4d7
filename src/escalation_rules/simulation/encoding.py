"""Columns of a frame as small numbers, and times as whole microseconds: what reading a log is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, tzinfo
from importlib.util import find_spec
from typing import Any, NamedTuple, cast

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.simulation.histories import Ints
from escalation_rules.worktime._timeline import instant_of_wall, load_zone, microseconds_of

__all__ = ["LOST", "Coded", "coded", "instants", "kinds_of", "recoded"]

LOST = np.iinfo(np.int64).min
"""An instant that is not known. It is also what numpy takes for one that is not a time."""


class Coded(NamedTuple):
    """A column as numbers into its distinct words, in the order in which they appear; -1 where nothing is said."""

    codes: NDArray[np.int32]
    words: list[Any]


def coded(series: nw.Series[Any], missing: tuple[str, ...] = ()) -> Coded:
    """A column as numbers. Nulls, and texts that are among `missing`, say nothing."""
    codes, words = _by_arrow(series) if series.dtype == nw.String and find_spec("pyarrow") else _one_by_one(series)
    empty = [place for place, word in enumerate(words) if word is None or (isinstance(word, str) and word in missing)]
    codes[np.isin(codes, empty) | series.is_null().to_numpy()] = -1
    return Coded(codes, words)


def _one_by_one(series: nw.Series[Any]) -> Coded:
    values = series.to_list()
    words = list(dict.fromkeys(values))
    number = {word: place for place, word in enumerate(words)}
    return Coded(np.fromiter(map(number.__getitem__, values), np.int32, count=len(values)), words)


def _by_arrow(series: nw.Series[Any]) -> Coded:
    """The same for texts, in a tenth of the time and memory, where pyarrow is installed."""
    texts: Any = series.to_arrow()
    whole = texts.combine_chunks() if hasattr(texts, "combine_chunks") else texts  # a frame may keep a column in parts
    encoded = whole.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return Coded(codes.astype(np.int32), encoded.dictionary.to_pylist())


def recoded(column: Coded, meaning: Callable[[Any], Any]) -> Coded:
    """The same column in other words. What has no meaning is -1, as what is missing."""
    meanings = [meaning(word) for word in column.words]
    words = list(dict.fromkeys(one for one in meanings if one is not None))
    number = {word: place for place, word in enumerate(words)}
    table = np.array([*(number.get(one, -1) for one in meanings), -1], np.int32)
    return Coded(table[column.codes], words)


def kinds_of(columns: Sequence[NDArray[Any]], size: int) -> tuple[list[tuple[int, ...]], NDArray[np.int64]]:
    """The different rows of some columns of numbers from -1 on, and which of them each of the `size` rows is."""
    key, width = np.zeros(size, np.int64), 1
    widths = [int(column.max(initial=-1)) + 2 for column in columns]
    for column, wide in zip(columns, widths, strict=True):
        key = key * wide + column + 1
        width *= wide
    known, places = _few(key, width) if width <= _MANY else np.unique(key, return_inverse=True)
    parts = []
    for wide in reversed(widths):
        known, part = np.divmod(known, wide)
        parts.append((part - 1).tolist())
    return list(zip(*reversed(parts), strict=True)) if parts else [()], places.reshape(-1)


_MANY = 1 << 22
"""Up to so many possible rows a table of them is made; from there on the rows are sorted."""


def _few(key: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    known = np.flatnonzero(np.bincount(key, minlength=width))
    table = np.zeros(width, np.int64)
    table[known] = np.arange(len(known))
    return known, table[key]


def instants(series: nw.Series[Any], zone: str | None, form: str | None, missing: tuple[str, ...], path: str) -> Ints:
    """The instants of a column; `LOST` where there is none, or none can be read.

    Raises `InvalidValue` for naive times without a zone.
    """
    tz = None if zone is None else cast(tzinfo, load_zone(zone))
    if isinstance(series.dtype, nw.Datetime):
        return _of_datetimes(series, tz, path)
    column = coded(series, missing)
    found = np.array([*(_instant_of(word, tz, form, path) for word in column.words), LOST], np.int64)
    return found[column.codes]


def _of_datetimes(series: nw.Series[Any], tz: tzinfo | None, path: str) -> Ints:
    """Instants are the same in every zone; wall times are told apart once each."""
    lost = series.is_null().to_numpy()
    stamps = series.dt.timestamp("us").fill_null(0).to_numpy().astype(np.int64)
    if cast(nw.Datetime, series.dtype).time_zone is None:
        walls, places = np.unique(stamps[~lost], return_inverse=True)
        naive = walls.astype("datetime64[us]").tolist()
        stamps[~lost] = np.array([_settled(wall, tz, path) for wall in naive], np.int64)[places]
    stamps[lost] = LOST
    return stamps


def _instant_of(word: Any, tz: tzinfo | None, form: str | None, path: str) -> int:
    """The instant that a word of a log names; `LOST` if none."""
    moment = word
    if isinstance(word, str):
        try:
            moment = datetime.strptime(word, form) if form is not None else datetime.fromisoformat(word)  # noqa: DTZ007
        except ValueError:
            return LOST
    elif isinstance(word, date) and not isinstance(word, datetime):
        moment = datetime(word.year, word.month, word.day)  # noqa: DTZ001 a date is wall time
    return _settled(moment, tz, path) if isinstance(moment, datetime) and moment == moment else LOST  # noqa: PLR0124


def _settled(moment: datetime, tz: tzinfo | None, path: str) -> int:
    if moment.utcoffset() is not None:
        return microseconds_of(moment)
    if tz is None:
        expected = "a `timezone` in the mapping, such as `UTC` or `Europe/London`"
        raise InvalidValue(Problem("naive time", str(moment), path=path, expected=expected))
    return instant_of_wall(moment, tz)
