"""Reads the rows of a frame, dictionary-encoded, into histories, and lists findings about odd rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from importlib.util import find_spec
from typing import Any, NamedTuple, cast

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.events import (
    KINDS,
    OPEN,
    Assigned,
    FactChanged,
    Opened,
    PriorityChanged,
    Reconciled,
    events_between,
    read_status,
)
from escalation_rules.simulation.arrays import NAT, Ints, Mask
from escalation_rules.simulation.histories import Histories, Templates
from escalation_rules.simulation.mapping import Column, LogMapping, text_of
from escalation_rules.worktime._timeline import instant_of_wall, load_zone, microseconds_of


class Encoded(NamedTuple):
    """A dictionary-encoded column: codes into its distinct words, in order of appearance; -1 for missing values."""

    codes: NDArray[np.int32]
    words: list[Any]


def coded(series: nw.Series[Any], missing: tuple[str, ...] = ()) -> Encoded:
    """Encode a column. Nulls, and texts that are among `missing`, become -1."""
    codes, words = _by_arrow(series) if series.dtype == nw.String and find_spec("pyarrow") else _one_by_one(series)
    empty = [place for place, word in enumerate(words) if word is None or (isinstance(word, str) and word in missing)]
    codes[np.isin(codes, empty) | series.is_null().to_numpy()] = -1
    return Encoded(codes, words)


def _one_by_one(series: nw.Series[Any]) -> Encoded:
    values = series.to_list()
    words = list(dict.fromkeys(values))
    number = {word: place for place, word in enumerate(words)}
    return Encoded(np.fromiter(map(number.__getitem__, values), np.int32, count=len(values)), words)


def _by_arrow(series: nw.Series[Any]) -> Encoded:
    """Encode a column of texts with pyarrow, in a tenth of the time and memory."""
    texts: Any = series.to_arrow()
    whole = texts.combine_chunks() if hasattr(texts, "combine_chunks") else texts  # a frame may keep a column in parts
    encoded = whole.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return Encoded(codes.astype(np.int32), encoded.dictionary.to_pylist())


def recoded(column: Encoded, meaning: Callable[[Any], Any]) -> Encoded:
    """Map the words of an encoded column to other words. Words that map to None become -1, like missing values."""
    meanings = [meaning(word) for word in column.words]
    words = list(dict.fromkeys(mapped for mapped in meanings if mapped is not None))
    number = {word: place for place, word in enumerate(words)}
    table = np.array([*(number.get(mapped, -1) for mapped in meanings), -1], np.int32)
    return Encoded(table[column.codes], words)


def kinds_of(columns: Sequence[NDArray[Any]], size: int) -> tuple[list[tuple[int, ...]], NDArray[np.int64]]:
    """Return the distinct rows of columns of codes (from -1 on), and the number of that of each of `size` rows."""
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
"""The most possible distinct rows for which a table is used; above it the rows are sorted."""


def _few(key: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    known = np.flatnonzero(np.bincount(key, minlength=width))
    table = np.zeros(width, np.int64)
    table[known] = np.arange(len(known))
    return known, table[key]


def instants(series: nw.Series[Any], zone: str | None, form: str | None, missing: tuple[str, ...], path: str) -> Ints:
    """Return the instants of a column in microseconds; `NAT` for a missing or unreadable value.

    Raises `InvalidValue` for naive times without a zone.
    """
    tz = None if zone is None else cast(tzinfo, load_zone(zone))
    if isinstance(series.dtype, nw.Datetime):
        return _of_datetimes(series, tz, path)
    column = coded(series, missing)
    found = np.array([*(_instant_of(word, tz, form, path) for word in column.words), NAT], np.int64)
    return found[column.codes]


def _of_datetimes(series: nw.Series[Any], tz: tzinfo | None, path: str) -> Ints:
    """Return the instants of a datetime column; each distinct local time is resolved in the zone only once."""
    lost = series.is_null().to_numpy()
    stamps = series.dt.timestamp("us").fill_null(0).to_numpy().astype(np.int64)
    if cast(nw.Datetime, series.dtype).time_zone is None:
        walls, places = np.unique(stamps[~lost], return_inverse=True)
        naive = walls.astype("datetime64[us]").tolist()
        stamps[~lost] = np.array([_settled(wall, tz, path) for wall in naive], np.int64)[places]
    stamps[lost] = NAT
    return stamps


def _instant_of(word: Any, tz: tzinfo | None, form: str | None, path: str) -> int:
    """Return the instant of a word of the log; `NAT` if it is not a time."""
    moment = word
    if isinstance(word, str):
        try:
            moment = datetime.strptime(word, form) if form is not None else datetime.fromisoformat(word)  # noqa: DTZ007
        except ValueError:
            return NAT
    elif isinstance(word, date) and not isinstance(word, datetime):
        moment = datetime(word.year, word.month, word.day)  # noqa: DTZ001 a date is wall time
    return _settled(moment, tz, path) if isinstance(moment, datetime) and moment == moment else NAT  # noqa: PLR0124


def _settled(moment: datetime, tz: tzinfo | None, path: str) -> int:
    if moment.utcoffset() is not None:
        return microseconds_of(moment)
    if tz is None:
        expected = "a `timezone` in the mapping, such as `UTC` or `Europe/London`"
        raise InvalidValue(Problem("naive time", str(moment), path=path, expected=expected))
    return instant_of_wall(moment, tz)


Codes = NDArray[np.int32]


class LogFinding(NamedTuple):
    """An odd thing in a log: the number of rows and cases that have it, an example, and how it was handled."""

    code: str
    column: str
    value: str | None
    rows: int
    cases: int
    example: str | None
    message: str


@dataclass
class LogReader:
    """Converts a frame to histories: its rows in order, and the events and findings as they are collected.

    `rows` has the numbers of the used rows, ordered by case, instant and row number; `case` is the case number of each,
    `first` the position of the first row of its case, `at` its instant.
    """

    table: nw.DataFrame[Any]
    mapping: LogMapping
    findings: list[LogFinding] = field(default_factory=list)
    templates: Templates = field(default_factory=Templates)
    events: list[tuple[Ints, int, Codes]] = field(default_factory=list)

    def histories(self) -> Histories:
        """Return the histories of the cases; `findings` is complete afterwards."""
        self._order()
        self._clamp()
        opening = self._opening()
        self._status()
        self._assignments()
        self._named()
        self._leaks()
        return self._histories(opening)

    # ------------------------------------------------------------------------ rows in order

    def _order(self) -> None:
        mapping = self.mapping
        named = recoded(coded(self.table[mapping.case], mapping.missing), text_of)
        at = self._instants(mapping.at, "at")
        rank = {name: number for number, name in enumerate(sorted(named.words))}
        self.ids = np.array(list(rank), dtype=object)
        case = np.array([*(rank[name] for name in named.words), -1], np.int64)[named.codes]
        self.case, self.rows = case, np.arange(len(case))
        self._find("nameless", mapping.case, case < 0, "no case is named; the rows are not used")
        self._find("undated", mapping.at, (at == NAT) & (case >= 0), "no instant can be read; the rows are not used")
        used = (case >= 0) & (at != NAT) & ~self._repeated(case)
        rows = np.flatnonzero(used)
        if not len(rows):
            raise InvalidValue(self._unread(at))
        rows = rows[np.argsort(case[rows], kind="stable")]
        self._take(case, at, rows)
        back = np.r_[False, (self.case[1:] == self.case[:-1]) & (self.at[1:] < self.at[:-1])]
        if back.any():
            self._find("out_of_order", mapping.at, back, "earlier than the row before; put in its place")
            self._take(case, at, rows[np.lexsort((at[rows], case[rows]))])
        same = (self.case[1:] == self.case[:-1]) & (self.at[1:] == self.at[:-1])
        self._find(
            "tie", mapping.at, np.r_[False, same] | np.r_[same, False], "at one instant; kept in the rows' order"
        )

    def _unread(self, at: Ints) -> Problem:
        """Return the problem of a log without a usable row; unreadable times may be in another format."""
        texts = [text for text in map(text_of, self.table[self.mapping.at].drop_nulls().head(1).to_list()) if text]
        if (at == NAT).all() and texts:
            form = "ISO 8601" if self.mapping.format is None else f"times of the format `{self.mapping.format}`"
            return Problem("no time that can be read, such as", texts[0], path="at", expected=form)
        return Problem("a log without a row that has a case and an instant", expected="at least one")

    def _take(self, case: Ints, at: Ints, rows: Ints) -> None:
        """Keep only these rows, in this order, which is that of their cases. Cases without a row are dropped."""
        cases = case[rows]
        fresh = np.r_[True, cases[1:] != cases[:-1]]
        self.case = np.cumsum(fresh) - 1
        if self.case[-1] + 1 < len(self.ids):
            self.ids = self.ids[cases[fresh]]
        self.at, self.rows = at[rows], rows
        self.starts = np.searchsorted(self.case, np.arange(len(self.ids) + 1))
        self.first = self.starts[self.case]

    def _repeated(self, case: Ints) -> Mask:
        """Return a mask of the rows that repeat an update of a case by id, which changes nothing."""
        if self.mapping.id is None:
            return np.zeros(len(case), np.bool_)
        update = coded(self.table[self.mapping.id], self.mapping.missing)
        _, first = np.unique(case * (len(update.words) + 1) + update.codes, return_index=True)
        again: Mask = np.ones(len(case), np.bool_)
        again[first] = False
        again &= update.codes >= 0
        self._find("repeated", self.mapping.id, again, "the same update of a case again; the rows are not used")
        return again

    def _instants(self, column: str, path: str) -> Ints:
        mapping = self.mapping
        return instants(self.table[column], mapping.timezone, mapping.format, mapping.missing, path)

    def _find(self, kind: str, column: str, where: Mask, message: str, value: str | None = None) -> None:
        """Add a finding, if any row has it."""
        if where.any():
            cases_found = self.case[where]
            cases = np.flatnonzero(np.bincount(cases_found[cases_found >= 0], minlength=1))
            example = str(self.ids[cases[0]]) if len(cases) else None
            self.findings.append(LogFinding(kind, column, value, int(where.sum()), len(cases), example, message))

    # ------------------------------------------------------------------------ from rows to events

    def _clamp(self) -> None:
        """Move updates before the opening to the opening."""
        opened = self.at[self.starts[:-1]]
        if self.mapping.opened is not None:
            mapped = self._instants(self.mapping.opened, "opened")[self.rows[self.starts[:-1]]]
            opened = np.where(mapped == NAT, opened, mapped)
        early = self.at < opened[self.case]
        self._find("early", self.mapping.at, early, "before the case was opened; taken as at the opening")
        self.opened, self.at = opened, np.maximum(self.at, opened[self.case])

    def _column(self, column: Column) -> Encoded:
        """Return a mapped column for the used rows. A raw value that the mapping gives no meaning becomes a finding."""
        raw = coded(self.table[column.name], self.mapping.missing)
        raw = Encoded(raw.codes[self.rows], raw.words)
        column_words = recoded(raw, column.meaning)
        odd = raw.codes[(column_words.codes < 0) & (raw.codes >= 0)]
        for code in np.flatnonzero(np.bincount(odd, minlength=1)).tolist():
            message = "the mapping gives it no meaning; not used"
            self._find("unmapped", column.name, raw.codes == code, message, text_of(raw.words[code]))
        return column_words

    def _raw(self, name: str) -> Encoded:
        found = coded(self.table[name], self.mapping.missing)
        return Encoded(found.codes[self.rows], found.words)

    def _before(self, codes: Codes) -> Codes:
        """Return the last known code of each row's case before the row; -1 if there is none."""
        places = np.arange(len(codes))
        last = np.r_[-1, np.maximum.accumulate(np.where(codes >= 0, places, -1))[:-1]]
        return np.where(last >= self.first, codes[last], -1).astype(np.int32)

    def _emit(self, where: Mask, rank: int, codes: Any) -> None:
        """Add events with these template codes at the rows in the mask; `rank` orders the events of one row."""
        places = np.flatnonzero(where)
        if len(places):
            self.events.append((places, rank, np.broadcast_to(np.asarray(codes, np.int32), places.shape)))

    def _is_first(self) -> Mask:
        first: Mask = np.arange(len(self.at)) == self.first
        return first

    def _opening(self) -> Codes:
        """Return the template code of each case's opening, from its first row; and emit the changes after it."""
        shown: dict[str, Encoded] = {}
        for name in ("priority", "level"):
            column: Column | None = getattr(self.mapping, name)
            if column is not None:
                shown[name] = self._column(column)
                self._change(shown[name], _CHANGES[name])
        for fact, name in self.mapping.facts.items():
            shown[f"fact {fact}"] = raw = self._raw(name)
            self._observe(fact, raw)
        first = self.starts[:-1]
        kinds, places = kinds_of([encoded.codes[first] for encoded in shown.values()], len(first))
        codes = [self._opened(dict(zip(shown, kind, strict=True)), shown) for kind in kinds]
        return np.array(codes, np.int32)[places]

    def _opened(self, kind: dict[str, int], shown: dict[str, Encoded]) -> int:
        held = {name: shown[name].words[code] for name, code in kind.items() if code >= 0}
        facts = {name.removeprefix("fact "): value for name, value in held.items() if name.startswith("fact ")}
        plain = {name: value for name, value in held.items() if not name.startswith("fact ")}
        return self.templates.code(Opened, **plain, **({"facts": facts} if facts else {}))

    def _change(self, column: Encoded, how: tuple[int, Any]) -> None:
        rank, template = how
        codes = np.array([self.templates.code(template[0], **{template[1]: word}) for word in column.words], np.int32)
        changed = (column.codes >= 0) & (column.codes != self._before(column.codes)) & ~self._is_first()
        self._emit(changed, rank, codes[column.codes[changed]])

    def _observe(self, fact: str, column: Encoded) -> None:
        words = [*column.words, None]
        codes = np.array([self.templates.code(FactChanged, name=fact, value=word) for word in words], np.int32)
        changed = np.r_[True, column.codes[1:] != column.codes[:-1]] & ~self._is_first()
        self._emit(changed, 3, codes[column.codes[changed]])

    def _assignments(self) -> None:
        """Emit assignments of roles: a person, or a person and a group. Empty cells mean that nobody has the role."""
        for role, given in self.mapping.assigned.items():
            person, group = (self._raw(name) for name in ((given, given) if isinstance(given, str) else given))
            stays = [np.r_[False, name.codes[1:] == name.codes[:-1]] for name in (person, group)]
            nobody = (person.codes < 0) & (group.codes < 0)
            changed = ~(stays[0] & stays[1] & ~self._is_first()) & ~(self._is_first() & nobody)
            kinds, places = kinds_of([person.codes[changed], group.codes[changed]], int(changed.sum()))
            codes = []
            for someone, some in kinds:
                who = {"person": _named(person, someone)}
                if not isinstance(given, str):
                    who["group"] = _named(group, some)
                codes.append(self.templates.code(Assigned, as_role=role, **who))
            self._emit(changed, 4, np.array(codes, np.int32)[places])

    def _named(self) -> None:
        """Emit the events that the log names directly: one for each row that names one, at the row's instant."""
        if self.mapping.events is not None:
            column = self._column(self.mapping.events)
            codes = np.array([self.templates.code(KINDS[word]) for word in column.words], np.int32)
            self._emit(column.codes >= 0, _NAMED, codes[column.codes[column.codes >= 0]])

    def _status(self) -> None:
        """Emit the events behind every change of status; a case is open before its first status."""
        if self.mapping.status is None:
            return
        column = self._column(self.mapping.status)
        unread = {word for word in column.words if not _is_status(word)}
        for word in sorted(unread):
            where = column.codes == column.words.index(word)
            self._find("unmapped", self.mapping.status.name, where, "not a status of ours; not used", word)
        column = recoded(column, lambda word: None if word in unread else word)
        standings = [OPEN, *map(read_status, column.words)]
        changed = (column.codes >= 0) & (column.codes != (before := self._before(column.codes)))
        kinds, places = kinds_of([before[changed], column.codes[changed]], int(changed.sum()))
        made = [events_between(standings[old + 1], standings[new + 1]) for old, new in kinds]
        for rank in range(max(map(len, made), default=0)):
            codes = [
                self.templates.code(steps[rank][0], **steps[rank][1]) if len(steps) > rank else -1 for steps in made
            ]
            chosen = np.array(codes, np.int32)[places]
            where = np.zeros(len(changed), np.bool_)
            where[np.flatnonzero(changed)[chosen >= 0]] = True
            self._emit(where, 6 + rank, chosen[chosen >= 0])
        self._late_starts(column, self.mapping.status.name)

    def _late_starts(self, column: Encoded, name: str) -> None:
        opens = [code for code, word in enumerate(column.words) if word == "open"]
        late = self._is_first() & (column.codes >= 0) & ~np.isin(column.codes, opens)
        message = "the case does not begin in `open`; its first status holds from the opening"
        self._find("late_start", name, late, message)

    def _leaks(self) -> None:
        """Find columns that leak the future: a value that is an instant later than its row."""
        for name in dict.fromkeys([*self.mapping.facts.values(), *self.mapping.attributes]):
            try:
                shown = self._instants(name, name)[self.rows]
            except InvalidValue:
                continue
            self._find("leak", name, (shown != NAT) & (shown > self.at), "shows an instant later than its row")

    # ------------------------------------------------------------------------ histories

    def _histories(self, opening: Codes) -> Histories:
        firsts = self.starts[:-1]
        places = np.concatenate([firsts, *(one[0] for one in self.events)])
        ranks = np.repeat([0, *(one[1] for one in self.events)], [len(firsts), *(len(one[0]) for one in self.events)])
        codes = np.concatenate([opening, *(one[2] for one in self.events)])
        begins = places == self.first[places]
        named = ranks == _NAMED
        ranks[begins & named] = _LAST  # what a first row names comes after what holds from the opening
        order = np.argsort(places * (_LAST + 1) + ranks, kind="stable")
        places, codes, begins = places[order], codes[order], (begins & ~named)[order]
        case = self.case[places]
        at = np.where(begins, self.opened[case], self.at[places])
        fresh = np.r_[True, places[1:] != places[:-1]]
        part = np.arange(len(places)) - np.maximum.accumulate(np.where(fresh, np.arange(len(places)), 0))
        rows = self.rows[places]
        attributes = {name: self._attribute(name) for name in self.mapping.attributes}
        return Histories(
            ids=self.ids,
            starts=np.searchsorted(case, np.arange(len(self.ids) + 1)),
            at=at,
            code=codes.astype(np.int32),
            row=rows,
            part=part.astype(np.int8),
            templates=self.templates.listed(),
            attributes=attributes,
            names=self._update_names(rows),
        )

    def _attribute(self, name: str) -> NDArray[Any]:
        """Return the value in the first row of each case."""
        column = self._raw(name)
        words = np.array([*column.words, None], dtype=object)
        return words[column.codes[self.starts[:-1]]]

    def _update_names(self, rows: Ints) -> NDArray[Any] | None:
        if self.mapping.id is None:
            return None
        update = coded(self.table[self.mapping.id], self.mapping.missing)
        names = np.array([*map(text_of, update.words), None], dtype=object)[update.codes[rows]]
        return np.where(names == None, [f"row:{row}" for row in rows.tolist()], names)  # noqa: E711 asked of each of the array


_NAMED, _LAST = 5, 15
"""The ranks of a named event, and of one in a first row, which comes after the values that count from the opening."""
_CHANGES: dict[str, tuple[int, tuple[type, str]]] = {
    "priority": (1, (PriorityChanged, "to")),
    "level": (2, (Reconciled, "level")),
}


def _named(column: Encoded, code: int) -> str | None:
    return None if code < 0 else text_of(column.words[code])


def _is_status(word: str) -> bool:
    try:
        read_status(word)
    except InvalidValue:
        return False
    return True
