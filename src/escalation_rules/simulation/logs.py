"""From a frame to a `CaseLog`: cases, and whatever was odd about the rows that they were read from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from escalation_rules.case import Case
from escalation_rules.errors import InvalidValue, Problem, UnknownName, unknown
from escalation_rules.events import KINDS
from escalation_rules.kinds import Assigned, FactObserved, Observed, Opened, PriorityChanged
from escalation_rules.simulation.batches import replay_batch
from escalation_rules.simulation.columns import LOST, Coded, coded, instants, recoded
from escalation_rules.simulation.frames import backend_of, native, take
from escalation_rules.simulation.histories import Histories, Ints, Templates
from escalation_rules.simulation.mapping import Column, LogMapping, text_of
from escalation_rules.simulation.quantiles import measuring, quantiles
from escalation_rules.simulation.reports import names
from escalation_rules.statuses import OPEN, read_status, steps
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["CaseLog", "Finding", "cases_from_frame"]

Mask = NDArray[np.bool_]
Codes = NDArray[np.int32]


class Finding(NamedTuple):
    """Something odd in a log: how many rows and cases have it, one of them, and what was made of it."""

    kind: str
    column: str
    value: str | None
    rows: int
    cases: int
    example: str | None
    message: str


class CaseLog:
    """The cases of a log, ordered by id, and what was found odd about its rows.

    `log[id]` is a `Case`; iterating gives them all. `rows` is how many rows were read, `findings` a frame of what was
    odd in them (in the library of the frame that was read), `until` the log's last instant.
    """

    def __init__(self, histories: Histories, rows: int, found: Sequence[Finding], backend: str) -> None:
        self.histories, self.rows, self.found, self.backend = histories, rows, tuple(found), backend

    def __len__(self) -> int:
        return len(self.histories)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.histories)

    def __getitem__(self, id: str) -> Case:
        number = self._numbers.get(id)
        if number is None:
            raise UnknownName(Problem("unknown case", id, expected=f"one of the {len(self):,} cases of the log"))
        return self.histories.case(number)

    def __repr__(self) -> str:
        first, last = (str(datetime_of(int(one)).date()) for one in (self.histories.at.min(), self.histories.at.max()))
        return f"CaseLog: {len(self):,} cases, {self.rows:,} rows, {first} … {last}; {len(self.found)} findings"

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.histories.ids.tolist())}

    @cached_property
    def until(self) -> Any:
        """The log's last instant."""
        return datetime_of(int(self.histories.at.max()))

    def quantiles(
        self,
        target: str | Target,
        q: float | Sequence[float] = (0.5, 0.8, 0.9),
        by: str | Sequence[str] = (),
        calendar: BusinessCalendar | None = None,
    ) -> Any:
        """How much time the cases took until a target was stopped: figures to choose spans by, as a frame.

        `target` is the name of one of the usual targets, such as `resolution`, or a `Target`; what pauses it is left
        out of the time. Time is counted in `calendar`, or all of it without one. One row for each group and share:
        within `counted`, that share of the `n` instances of first cycles that were stopped had been. `pending` ones
        are not among them, so that figures of a log with many of these are too low. Raises `UnknownName` for a target
        that is not one of the usual ones, and `InvalidValue` for a share that is none.
        """
        shares = [q] if isinstance(q, float | int) else list(q)
        if odd := [share for share in shares if not 0 <= share <= 1]:
            raise InvalidValue(*(Problem("not a share", share, path="q", expected="0 to 1") for share in odd))
        policy = measuring(target, calendar, self._levels())
        found = replay_batch(policy, self.histories, int(self.histories.at.max()), "recorded").tables["deadlines"]
        return native(quantiles(take(found, found["cycle"] == 1), shares, names(by)), self.backend)

    def _levels(self) -> list[str]:
        """The levels that the log names."""
        named = (getattr(one.prototype, "level", None) for one in self.histories.templates)
        return list(dict.fromkeys(level for level in named if level is not None))

    @cached_property
    def findings(self) -> Any:
        """What was odd, as a frame.

        `unmapped`: a value that the mapping gives no meaning, not used. `early`: an update before the opening, taken
        as at the opening. `tie`: rows of a case at one instant, kept in the rows' order. `out_of_order`: a row that is
        earlier than the one before. `late_start`: a case whose first row is not `open`; what it shows holds from the
        opening. `leak`: a column that shows an instant later than its row. `undated` and `nameless`: rows without a
        time or a case, not used. `repeated`: the same update of a case again, not used.
        """
        columns = zip(*self.found, strict=True) if self.found else ((),) * len(Finding._fields)
        kinds = {"rows": np.int64, "cases": np.int64}
        table = dict(zip(Finding._fields, columns, strict=True))
        arrays = {name: np.array(list(held), kinds.get(name, object)) for name, held in table.items()}
        return native(arrays, self.backend)


def cases_from_frame(frame: Any, mapping: LogMapping) -> CaseLog:
    """The cases of a log in a frame of pandas, polars or pyarrow.

    Only mapped columns are read. Rows are ordered by case, instant and place. The first value of each column holds from
    the opening; each change after it is one event, with `row:<n>` as its id, where `n` counts rows from 0 (and
    `row:<n>:2` and so on where one row changes several things). A missing status, priority or level says nothing new; a
    missing fact is unknown, and where a role's cell is empty, nobody has the role. What cannot be taken as it stands is
    told in `findings`. Raises `UnknownName` for columns that the frame does not have, and `InvalidValue` for naive
    times without a zone.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"number": ["C-1", "C-1"], "at": ["2026-03-02T09:00Z", "2026-03-02T17:00Z"],
    ...                      "state": ["New", "Done"]})
    >>> status = ("state", {"New": "open", "Done": "resolved"})
    >>> log = cases_from_frame(rows, LogMapping(case="number", at="at", status=status))
    >>> log
    CaseLog: 1 cases, 2 rows, 2026-03-02 … 2026-03-02; 0 findings
    >>> [event.id for event in log["C-1"].history]
    ['row:0', 'row:1']
    """
    table = nw.from_native(frame, eager_only=True)
    lacking = [
        unknown("column", name, table.columns, path) for path, name in mapping.columns() if name not in table.columns
    ]
    if lacking:
        raise UnknownName(*lacking, subject="the mapping")
    return _Reading(table, mapping).log()


@dataclass
class _Reading:
    """A frame on its way to a log: its rows in order, and the events and findings as they come up.

    `rows` has the numbers of the rows that are used, ordered by case, instant and place; `case` is the number of the
    case of each, `first` the place of its first row, `at` its instant.
    """

    table: nw.DataFrame[Any]
    mapping: LogMapping
    findings: list[Finding] = field(default_factory=list)
    templates: Templates = field(default_factory=Templates)
    events: list[tuple[Ints, int, Codes]] = field(default_factory=list)

    def log(self) -> CaseLog:
        """The log."""
        self._order()
        self._clamp()
        opening = self._opening()
        self._status()
        self._assignments()
        self._named()
        self._leaks()
        histories = self._histories(opening)
        return CaseLog(histories, len(self.table), self.findings, backend_of(self.table))

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
        self._find("undated", mapping.at, (at == LOST) & (case >= 0), "no instant can be read; the rows are not used")
        used = (case >= 0) & (at != LOST) & ~self._repeated(case)
        rows = np.flatnonzero(used)
        if not len(rows):
            raise InvalidValue(Problem("a log without a row that has a case and an instant", expected="at least one"))
        rows = rows[np.argsort(case[rows], kind="stable")]
        back = (case[rows][1:] == case[rows][:-1]) & (at[rows][1:] < at[rows][:-1])
        self._take(case, at, rows)
        self._find("out_of_order", mapping.at, np.r_[False, back], "earlier than the row before; put in its place")
        self._take(case, at, rows[np.lexsort((at[rows], case[rows]))])
        same = (self.case[1:] == self.case[:-1]) & (self.at[1:] == self.at[:-1])
        self._find(
            "tie", mapping.at, np.r_[False, same] | np.r_[same, False], "at one instant; kept in the rows' order"
        )

    def _take(self, case: Ints, at: Ints, rows: Ints) -> None:
        """From here on, only these rows, in this order. Cases without a row are gone."""
        here, self.case = np.unique(case[rows], return_inverse=True)
        if len(here) < len(self.ids):
            self.ids = self.ids[here]
        self.at, self.rows = at[rows], rows
        self.starts = np.searchsorted(self.case, np.arange(len(self.ids) + 1))
        self.first = self.starts[self.case]

    def _repeated(self, case: Ints) -> Mask:
        """Rows that tell an update of a case again: the same id recorded twice changes nothing."""
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
        """A finding, if there are such rows."""
        if where.any():
            cases = np.unique(self.case[where])
            cases = cases[cases >= 0]
            example = str(self.ids[cases[0]]) if len(cases) else None
            self.findings.append(Finding(kind, column, value, int(where.sum()), len(cases), example, message))

    # ------------------------------------------------------------------------ from rows to events

    def _clamp(self) -> None:
        """Nothing is before the opening."""
        opened = self.at[self.starts[:-1]]
        if self.mapping.opened is not None:
            told = self._instants(self.mapping.opened, "opened")[self.rows[self.starts[:-1]]]
            opened = np.where(told == LOST, opened, told)
        early = self.at < opened[self.case]
        self._find("early", self.mapping.at, early, "before the case was opened; taken as at the opening")
        self.opened, self.at = opened, np.maximum(self.at, opened[self.case])

    def _column(self, column: Column) -> Coded:
        """A mapped column of the rows that are used. What has no meaning for us is a finding."""
        raw = coded(self.table[column.name], self.mapping.missing)
        raw = Coded(raw.codes[self.rows], raw.words)
        ours = recoded(raw, column.meaning)
        for code in np.unique(raw.codes[(ours.codes < 0) & (raw.codes >= 0)]).tolist():
            message = "the mapping gives it no meaning; not used"
            self._find("unmapped", column.name, raw.codes == code, message, text_of(raw.words[code]))
        return ours

    def _raw(self, name: str) -> Coded:
        found = coded(self.table[name], self.mapping.missing)
        return Coded(found.codes[self.rows], found.words)

    def _before(self, codes: Codes) -> Codes:
        """What each row's case was known to show before it; -1 where nothing was."""
        places = np.arange(len(codes))
        last = np.r_[-1, np.maximum.accumulate(np.where(codes >= 0, places, -1))[:-1]]
        return np.where(last >= self.first, codes[last], -1).astype(np.int32)

    def _emit(self, where: Mask, rank: int, codes: Any) -> None:
        """Events like these templates, at these rows; `rank` orders those of one row."""
        places = np.flatnonzero(where)
        if len(places):
            self.events.append((places, rank, np.broadcast_to(np.asarray(codes, np.int32), places.shape)))

    def _is_first(self) -> Mask:
        first: Mask = np.arange(len(self.at)) == self.first
        return first

    def _opening(self) -> Codes:
        """The template of each case's opening, from what its first row shows; and the changes after it."""
        shown: dict[str, Coded] = {}
        for name in ("priority", "level"):
            column: Column | None = getattr(self.mapping, name)
            if column is not None:
                shown[name] = self._column(column)
                self._change(shown[name], _CHANGES[name])
        for fact, name in self.mapping.facts.items():
            shown[f"fact {fact}"] = raw = self._raw(name)
            self._observe(fact, raw)
        first = self.starts[:-1]
        stacked = np.stack([np.zeros(len(first), np.int32), *(one.codes[first] for one in shown.values())])
        kinds, places = np.unique(stacked, axis=1, return_inverse=True)
        codes = [self._opened(dict(zip(shown, kind[1:], strict=True)), shown) for kind in kinds.T.tolist()]
        return np.array(codes, np.int32)[places.reshape(-1)]

    def _opened(self, kind: dict[str, int], shown: dict[str, Coded]) -> int:
        held = {name: shown[name].words[code] for name, code in kind.items() if code >= 0}
        facts = {name.removeprefix("fact "): value for name, value in held.items() if name.startswith("fact ")}
        plain = {name: value for name, value in held.items() if not name.startswith("fact ")}
        return self.templates.code(Opened, **plain, **({"facts": facts} if facts else {}))

    def _change(self, column: Coded, how: tuple[int, Any]) -> None:
        rank, template = how
        codes = np.array([self.templates.code(template[0], **{template[1]: word}) for word in column.words], np.int32)
        changed = (column.codes >= 0) & (column.codes != self._before(column.codes)) & ~self._is_first()
        self._emit(changed, rank, codes[column.codes[changed]])

    def _observe(self, fact: str, column: Coded) -> None:
        words = [*column.words, None]
        codes = np.array([self.templates.code(FactObserved, name=fact, value=word) for word in words], np.int32)
        changed = np.r_[True, column.codes[1:] != column.codes[:-1]] & ~self._is_first()
        self._emit(changed, 3, codes[column.codes[changed]])

    def _assignments(self) -> None:
        """Who has each role: a person, or a person and a group. Where the cells are empty, nobody has it."""
        for role, given in self.mapping.assigned.items():
            person, group = (self._raw(one) for one in ((given, given) if isinstance(given, str) else given))
            width = len(group.words) + 1
            held = (person.codes.astype(np.int64) + 1) * width + group.codes + 1
            changed = (np.r_[True, held[1:] != held[:-1]] | self._is_first()) & ~(self._is_first() & (held == 0))
            kinds, places = np.unique(held[changed], return_inverse=True)
            codes = []
            for kind in kinds.tolist():
                who = {"person": _named(person, kind // width - 1)}
                if not isinstance(given, str):
                    who["group"] = _named(group, kind % width - 1)
                codes.append(self.templates.code(Assigned, role=role, **who))
            self._emit(changed, 4, np.array(codes, np.int32)[places])

    def _named(self) -> None:
        """Events that the log names outright: one for each row that names one."""
        if self.mapping.events is not None:
            column = self._column(self.mapping.events)
            codes = np.array([self.templates.code(KINDS[word]) for word in column.words], np.int32)
            self._emit(column.codes >= 0, 5, codes[column.codes[column.codes >= 0]])

    def _status(self) -> None:
        """The events behind every change of status, the case being open before the first."""
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
        pairs = np.stack([before + 1, column.codes + 1])[:, changed]
        kinds, places = np.unique(pairs, axis=1, return_inverse=True)
        made = [steps(standings[old], standings[new]) for old, new in kinds.T.tolist()]
        for rank in range(max(map(len, made), default=0)):
            codes = [self.templates.code(one[rank][0], **one[rank][1]) if len(one) > rank else -1 for one in made]
            chosen = np.array(codes, np.int32)[places.reshape(-1)]
            where = np.zeros(len(changed), np.bool_)
            where[np.flatnonzero(changed)[chosen >= 0]] = True
            self._emit(where, 6 + rank, chosen[chosen >= 0])
        self._late_starts(column, self.mapping.status.name)

    def _late_starts(self, column: Coded, name: str) -> None:
        opens = [code for code, word in enumerate(column.words) if word == "open"]
        late = self._is_first() & (column.codes >= 0) & ~np.isin(column.codes, opens)
        message = "the case does not begin in `open`; its first status holds from the opening"
        self._find("late_start", name, late, message)

    def _leaks(self) -> None:
        """Columns that know the future: they show an instant later than their row."""
        for name in dict.fromkeys([*self.mapping.facts.values(), *self.mapping.attributes]):
            try:
                shown = self._instants(name, name)[self.rows]
            except InvalidValue:
                continue
            self._find("leak", name, (shown != LOST) & (shown > self.at), "shows an instant later than its row")

    # ------------------------------------------------------------------------ histories

    def _histories(self, opening: Codes) -> Histories:
        firsts = self.starts[:-1]
        places = np.concatenate([firsts, *(one[0] for one in self.events)])
        ranks = np.repeat([0, *(one[1] for one in self.events)], [len(firsts), *(len(one[0]) for one in self.events)])
        codes = np.concatenate([opening, *(one[2] for one in self.events)])
        order = np.lexsort((ranks, places))
        places, codes = places[order], codes[order]
        case = self.case[places]
        at = np.where(places == self.first[places], self.opened[case], self.at[places])
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
        """What the first row of each case shows."""
        column = self._raw(name)
        words = np.array([*column.words, None], dtype=object)
        return words[column.codes[self.starts[:-1]]]

    def _update_names(self, rows: Ints) -> NDArray[Any] | None:
        if self.mapping.id is None:
            return None
        update = coded(self.table[self.mapping.id], self.mapping.missing)
        names = np.array([*map(text_of, update.words), None], dtype=object)[update.codes[rows]]
        return np.where(names == None, [f"row:{row}" for row in rows.tolist()], names)  # noqa: E711 asked of each of the array


_CHANGES: dict[str, tuple[int, tuple[type, str]]] = {
    "priority": (1, (PriorityChanged, "to")),
    "level": (2, (Observed, "level")),
}


def _named(column: Coded, code: int) -> str | None:
    return None if code < 0 else text_of(column.words[code])


def _is_status(word: str) -> bool:
    try:
        read_status(word)
    except InvalidValue:
        return False
    return True
