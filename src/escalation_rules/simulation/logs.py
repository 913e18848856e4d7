"""`CaseLog`: the cases of a frame with findings about their rows, and measured times."""

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
    """Return a policy with one target that never breaches, so that its clock measures how long things took."""
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
    """Return the counted time by which each share was stopped: always an observed time, never an interpolated one."""
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
        **{name: np.repeat(values, len(shares)) for name, values in groups.keys.items()},
        "n": np.repeat(groups.total(stopped), len(shares)),
        "pending": np.repeat(pending, len(shares)),
        "q": np.tile(np.array(shares, np.float64), groups.count),
        "counted": found.reshape(-1).view("timedelta64[us]"),
    }


class CaseLog:
    """The cases of a log, ordered by id, and the findings about its rows.

    `log[id]` is a `Case`; iteration yields all cases. `rows` is the number of rows read, `findings` a frame of odd rows
    (in the library of the frame that was read), `until` the log's last instant.
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
        """Return how long the cases took until a target was stopped, as a frame of quantiles to choose spans by.

        `target` is the name of one of the usual targets, such as `resolution`, or a `Target`; its pauses are left out
        of the time. Time is counted in `calendar`, or all of it without one. There is one row for each group and share:
        `counted` is the time within which the given share of the `n` finished first-cycle clocks were stopped.
        `pending` clocks are not among them, so the figures of a log with many of these are too low. Raises
        `UnknownName` for a target that is not one of the usual ones, and `InvalidValue` for a share outside 0 to 1.
        """
        shares = [q] if isinstance(q, float | int) else list(q)
        if odd := [share for share in shares if not 0 <= share <= 1]:
            raise InvalidValue(*(Problem("not a share", share, path="q", expected="0 to 1") for share in odd))
        policy = measuring(target, calendar, self._levels())
        deadlines = replay_batch(policy, self.histories, int(self.histories.at.max()), "recorded").tables["deadlines"]
        return native(quantiles(take(deadlines, deadlines["cycle"] == 1), shares, names(by)), self.backend)

    def _levels(self) -> list[str]:
        """Return the levels that the log names."""
        named = (getattr(template.prototype, "level", None) for template in self.histories.templates)
        return list(dict.fromkeys(level for level in named if level is not None))

    @cached_property
    def findings(self) -> Any:
        """The findings about odd rows, as a frame.

        `unmapped`: a value that the mapping gives no meaning, not used. `early`: an update before the opening, taken as
        at the opening. `tie`: rows of a case at one instant, kept in the rows' order. `out_of_order`: a row that is
        earlier than the one before. `late_start`: a case whose first row is not `open`; its values count from the
        opening. `leak`: a column that shows an instant later than its row. `undated` and `nameless`: rows without a
        time or a case, not used. `repeated`: the same update of a case again, not used.
        """
        columns = zip(*self.found, strict=True) if self.found else ((),) * len(LogFinding._fields)
        kinds = {"rows": np.int64, "cases": np.int64}
        table = dict(zip(LogFinding._fields, columns, strict=True))
        arrays = {name: np.array(list(values), kinds.get(name, object)) for name, values in table.items()}
        return native(arrays, self.backend)


def cases_from_frame(frame: Any, mapping: LogMapping) -> CaseLog:
    """Read the cases of a log in a frame of pandas, polars or pyarrow.

    Only mapped columns are read. Rows are ordered by case, instant and row number. The first value of each column
    counts from the opening; an event that a row names happens at the row's instant. Each change after the opening is
    one event, with `row:<n>` as its id, where `n` counts rows from 0 (and `row:<n>:2` and so on where one row changes
    several things). A missing status, priority or level changes nothing; a missing fact is unknown, and an empty cell
    for a role means that nobody has the role. Rows and values that cannot be used are listed in `findings`. Raises
    `UnknownName` for columns that the frame does not have, and `InvalidValue` for an object that is no frame, for naive
    times without a zone, and if no time can be read at all.

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
