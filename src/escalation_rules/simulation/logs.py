"""`CaseLog`: the cases of a frame with findings about their rows, and how long things took in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np

from escalation_rules.case import Case
from escalation_rules.errors import InvalidValue, Problem, UnknownName, unknown
from escalation_rules.levels import EscalationLevel
from escalation_rules.policy import Policy
from escalation_rules.simulation.batches import replay_batch
from escalation_rules.simulation.frames import Columns, backend_of, native, take
from escalation_rules.simulation.histories import Histories
from escalation_rules.simulation.log_reader import LogFinding, LogReader
from escalation_rules.simulation.mapping import LogMapping
from escalation_rules.simulation.reports import Groups, names
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["CaseLog", "LogFinding", "cases_from_frame"]


USUAL = {
    name: getattr(Target, name)
    for name in (
        *("first_response", "next_response", "update", "resolution", "contact"),
        *("acknowledge", "kick_off", "action_plan", "review", "post_mortem"),
    )
}
ENDLESS = {True: "100000 business hours", False: "1000000 hours"}


def measuring(target: str | Target, calendar: BusinessCalendar | None, levels: Sequence[str]) -> Policy:
    """A policy with one target that is never over, so that its clock shows how much time things took."""
    if isinstance(target, str) and target not in USUAL:
        raise UnknownName(unknown("target", target, USUAL))
    within = ENDLESS[calendar is not None]
    if isinstance(target, str):
        measured = USUAL[target](within=within)
    else:
        measured = target.model_copy(update={"within": within, "calendar": None, "when": None, "owner": None})
    return Policy(
        name="measure",
        version="1",
        levels=[EscalationLevel(key=level) for level in levels],
        targets=(measured,),
        calendars={} if calendar is None else {"calendar": calendar},
    )


def quantiles(deadlines: Columns, shares: Sequence[float], by: Sequence[str]) -> Columns:
    """The counted time by which each share was stopped: always a time that was seen, never one in between."""
    groups = Groups(deadlines, by, {})
    stopped = np.isin(deadlines["outcome"].astype(str), ("met", "breached")) & ~np.isnat(deadlines["stopped_at"])
    pending = groups.total(np.isnat(deadlines["stopped_at"]))
    counted = deadlines["counted"].astype(np.int64)
    found = np.full((groups.count, len(shares)), np.iinfo(np.int64).min)
    for group in range(groups.count):
        times = counted[stopped & (groups.number == group)]
        if len(times):
            found[group] = np.quantile(times, shares, method="inverted_cdf")
    return {
        **{name: np.repeat(held, len(shares)) for name, held in groups.keys.items()},
        "n": np.repeat(groups.total(stopped), len(shares)),
        "pending": np.repeat(pending, len(shares)),
        "q": np.tile(np.array(shares, np.float64), groups.count),
        "counted": found.reshape(-1).view("timedelta64[us]"),
    }


class CaseLog:
    """The cases of a log, ordered by id, and what was found odd about its rows.

    `log[id]` is a `Case`; iterating gives them all. `rows` is how many rows were read, `findings` a frame of what was
    odd in them (in the library of the frame that was read), `until` the log's last instant.
    """

    def __init__(self, histories: Histories, rows: int, found: Sequence[LogFinding], backend: str) -> None:
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
        columns = zip(*self.found, strict=True) if self.found else ((),) * len(LogFinding._fields)
        kinds = {"rows": np.int64, "cases": np.int64}
        table = dict(zip(LogFinding._fields, columns, strict=True))
        arrays = {name: np.array(list(held), kinds.get(name, object)) for name, held in table.items()}
        return native(arrays, self.backend)


def cases_from_frame(frame: Any, mapping: LogMapping) -> CaseLog:
    """The cases of a log in a frame of pandas, polars or pyarrow.

    Only mapped columns are read. Rows are ordered by case, instant and place. The first value of each column holds from
    the opening; an event that a row names happens at the row's instant. Each change after the opening is one event,
    with `row:<n>` as its id, where `n` counts rows from 0 (and `row:<n>:2` and so on where one row changes several
    things). A missing status, priority or level says nothing new; a missing fact is unknown, and where a role's cell is
    empty, nobody has the role. What cannot be taken as it stands is told in `findings`. Raises `UnknownName` for
    columns that the frame does not have, and `InvalidValue` for what is no frame, for naive times without a zone, and
    where no time can be read at all.

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
    try:
        table = nw.from_native(frame, eager_only=True)
    except TypeError:
        kind = type(frame).__name__
        raise InvalidValue(Problem("not a frame", kind, expected="one of pandas, polars or pyarrow")) from None
    lacking = [
        unknown("column", name, table.columns, path) for path, name in mapping.columns() if name not in table.columns
    ]
    if lacking:
        raise UnknownName(*lacking, subject="the mapping")
    reading = LogReader(table, mapping)
    return CaseLog(reading.histories(), len(table), reading.findings, backend_of(table))
