"""`replay`: the moves, actions and deadlines that a policy would have given every case of a log, and their outcomes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal, Protocol

import numpy as np

from escalation_rules._values import read_instant
from escalation_rules.case import Case
from escalation_rules.decision import Decision
from escalation_rules.engine import decide
from escalation_rules.engine.records import move_key
from escalation_rules.errors import InvalidValue, Problem, UnknownName, unknown
from escalation_rules.policy import Policy
from escalation_rules.simulation.batches import Batch, Moves, replay_batch
from escalation_rules.simulation.frames import (
    FRAMES,
    INNER,
    Columns,
    by_case,
    columns_of,
    concatenated,
    native,
    usual_backend,
)
from escalation_rules.simulation.histories import Histories
from escalation_rules.simulation.logs import CaseLog
from escalation_rules.simulation.reports import (
    NOTE,
    edges,
    names,
    names_in_order,
    narrative,
    rates,
    rows_of_target,
    workload,
    zone_of,
)
from escalation_rules.worktime._timeline import datetime_of, microseconds_of
from escalation_rules.worktime.spans import SpanLike

__all__ = ["Replay", "ReplayedCase", "replay"]


class Cases(Protocol):
    """A mapping from ids to cases."""

    def __getitem__(self, id: str, /) -> Case: ...


def replay(
    policy: Policy,
    cases: CaseLog | Iterable[Case],
    *,
    until: datetime | None = None,
    moves: Moves = "replayed",
    executor: Executor | None = None,
    progress: Any = None,
) -> Replay:
    """Replay these cases under a policy, up to `until` (the last instant in them, unless given).

    With `moves="replayed"`, past moves and actions that rules asked for are removed from the histories, and only what
    people did is kept; with `"recorded"` all is kept. `executor` is anything with the interface of
    `concurrent.futures.Executor`, such as a process pool or a Dask client's: it gets batches of whole cases. `progress`
    is a progress bar with `update(n)` (such as tqdm's, or its class), or a function that is called with the number of
    cases done and the total. Cases that were opened after `until` are left out, and counted in the summary. Raises
    `InvalidValue` for a naive `until`, for no cases, and for a case that occurs twice.

    >>> from datetime import UTC, datetime
    >>> from escalation_rules import Case, EscalationLevel, Policy, Rule, facts as F
    >>> policy = Policy(name="desk", version="1", levels=(EscalationLevel(key="first"), EscalationLevel(key="second")),
    ...                 rules=(Rule(key="too long", when=F.open_for >= "8 hours", to="second"),))
    >>> cases = [Case.open("C-1", at=datetime(2026, 3, 2, 9, tzinfo=UTC))]
    >>> replay(policy, cases, until=datetime(2026, 3, 3, tzinfo=UTC)).frame("moves")["to_level"].tolist()
    ['second']
    """
    if moves not in {"replayed", "recorded"}:
        raise InvalidValue(Problem("unknown choice of moves", moves, expected="`replayed` or `recorded`"))
    log = cases if isinstance(cases, CaseLog) else None
    held: Histories | list[Case] = log.histories if log is not None else _by_id(cases)
    source: Cases = log if log is not None else {case.id: case for case in held}
    last = microseconds_of(read_instant(until)) if until is not None else _last(held)
    held, left_out = _begun(held, last)
    report = _Progress(progress, len(held))
    parts = []
    for size, part in _replayed(policy, held, last, moves, executor):
        parts.append(part)
        report.add(size)
    report.close()
    # Each frame's parts are dropped as it is joined, so that at most one frame is in memory twice.
    tables = {name: concatenated([part.tables.pop(name) for part in parts] or [columns_of(name, ())]) for name in INNER}
    backend = log.backend if log is not None else usual_backend()
    reasons = sum((part.reasons for part in parts), Counter[str]())
    return Replay(policy, datetime_of(last), tables, backend, [source], reasons, left_out)


def _by_id(cases: Iterable[Case]) -> list[Case]:
    """Return the cases ordered by id. Raises `InvalidValue` for a case that occurs twice."""
    ordered = sorted(cases, key=lambda case: case.id)
    twice = [one.id for one, other in pairwise(ordered) if one.id == other.id]
    if twice:
        raise InvalidValue(*(Problem("a case that is there twice", name) for name in dict.fromkeys(twice)))
    return ordered


def _last(held: Histories | list[Case]) -> int:
    if not len(held):
        raise InvalidValue(Problem("no cases", expected="at least one, or `until`"))
    return int(held.at.max()) if isinstance(held, Histories) else max(case.history[-1].instant for case in held)


def _begun(held: Histories | list[Case], last: int) -> tuple[Histories | list[Case], int]:
    """Return the cases that were opened by `last`, and the number of those that were not."""
    if isinstance(held, Histories):
        late = held.at[held.starts[:-1]] > last
        return (held.chosen(np.flatnonzero(~late)) if late.any() else held), int(late.sum())
    begun = [case for case in held if case.history[0].instant <= last]
    return begun, len(held) - len(begun)


class _Progress:
    """A progress bar, the class of one, or a function of the numbers of cases done and in total."""

    def __init__(self, told: Any, total: int) -> None:
        self.total, self.done = total, 0
        self.own = isinstance(told, type)
        self.told = told(total=total) if self.own else told

    def add(self, size: int) -> None:
        self.done += size
        if hasattr(self.told, "update"):
            self.told.update(size)
        elif self.told is not None:
            self.told(self.done, self.total)

    def close(self) -> None:
        if self.own:
            self.told.close()


_BATCH = 16_384
_LEAST = 512
_AHEAD = 32


def _replayed(
    policy: Policy, held: Histories | list[Case], last: int, moves: Moves, executor: Executor | None
) -> Iterator[tuple[int, Batch]]:
    """Yield the batches of whole cases, replayed here or by the executor, in order. Only a few wait at a time."""
    batches = _batches(held, executor is not None)
    if executor is None:
        yield from ((len(batch), replay_batch(policy, batch, last, moves)) for batch in batches)
        return
    waiting: deque[tuple[int, Future[Batch]]] = deque()
    for batch in batches:
        waiting.append((len(batch), executor.submit(replay_batch, policy, batch, last, moves)))
        if len(waiting) > _AHEAD:
            size, future = waiting.popleft()
            yield size, future.result()
    while waiting:
        size, future = waiting.popleft()
        yield size, future.result()


def _batches(held: Histories | list[Case], shared: bool) -> Iterator[Histories | list[Case]]:
    size = min(_BATCH, max(_LEAST, len(held) // 64)) if shared else _BATCH
    for first in range(0, len(held), size):
        last = min(first + size, len(held))
        yield held.part_of(first, last) if isinstance(held, Histories) else held[first:last]


class Replay:
    """The result of a log under a policy: five frames, and reports over them.

    `policy` and `until` are those it was made with. Most cases are replayed vectorised; `reasons` says why the others
    were replayed one by one, with the same result, and how many of them there are for each reason. `left_out` is the
    number of cases opened only after `until`.
    """

    def __init__(
        self,
        policy: Policy,
        until: datetime,
        tables: dict[str, Columns],
        backend: str,
        sources: Sequence[Cases],
        reasons: Mapping[str, int] | None = None,
        left_out: int = 0,
    ) -> None:
        self.policy, self.until, self.tables, self.backend = policy, until, tables, backend
        self.sources, self.left_out = list(sources), left_out
        self.reasons: dict[str, int] = dict(reasons or {})

    def __len__(self) -> int:
        return len(self.tables["cases"]["case"])

    def __repr__(self) -> str:
        return self.summary()

    @property
    def by_columns(self) -> int:
        """The number of cases that were replayed vectorised."""
        return len(self) - sum(self.reasons.values())

    def frame(self, name: str) -> Any:
        """Return the frame `cases`, `moves`, `blocked`, `stays` or `deadlines`, in the library of the log's frame.

        Instants are in UTC, durations are durations, nulls are nulls; rows are ordered by case and instant. Raises
        `UnknownName`.
        """
        return native(self.columns(name), self.backend)

    @classmethod
    def empty(cls, name: str, backend: str | None = None) -> Any:
        """Return `frame(name)` without rows, in the named library, or without a name in the first installed."""
        _known(name)
        columns = columns_of(name, ())
        return native({column: columns[column] for column in FRAMES[name]}, backend or usual_backend())

    def columns(self, name: str) -> Columns:
        """Return a frame as numpy arrays by column."""
        _known(name)
        table = self.tables[name]
        if name != "moves":
            return table
        return {column: self._keys() if column == "key" else table[column] for column in FRAMES[name]}

    def _keys(self) -> Any:
        """Return the keys of the moves; for a recorded move, the key that it was recorded with."""
        table = self.tables["moves"]
        parts = (table[name].tolist() for name in ("key", "case", "track", "to_level", "cause"))
        keys = [key or move_key(case, self.policy.name, *rest) for key, case, *rest in zip(*parts, strict=True)]
        return np.array(keys, dtype=object)

    def rates(
        self,
        *,
        by: str | Sequence[str] = (),
        target: str | None = None,
        cycles: Literal["first", "all"] = "first",
        confidence: float = 0.95,
    ) -> Any:
        """Return the counts of deadlines met and breached, by target and by columns of `deadlines`, as a frame.

        `rate` is breached over met and breached; `low` and `high` are its Wilson interval. Deadlines that are pending
        at the end or void do not count in the rate; they have their own columns. Of each case only the first cycle
        counts, unless `cycles="all"`.
        """
        deadlines = rows_of_target(self.tables["deadlines"], target, cycles, self.policy.vocabulary.targets)
        return native(rates(deadlines, names(by), names_in_order(self.policy), confidence), self.backend)

    def workload(self, *, every: SpanLike = "1 day", by: str | Sequence[str] = "level") -> Any:
        """Return how many cases entered, left and were on each level (or other column of `stays`), by day.

        `start` is the beginning of a period, at midnight in the zone of the usual calendar; `standing` is counted at
        its end. A resolved case counts on no level until it is reopened.
        """
        return native(self.work(every, by), self.backend)

    def work(self, every: SpanLike, by: str | Sequence[str], cuts: list[int] | None = None) -> Columns:
        """Return `workload` as columns, between the instants `cuts` if they are given."""
        return workload(self.tables["stays"], cuts or self.cuts(every), names(by), names_in_order(self.policy))

    def cuts(self, every: SpanLike) -> list[int]:
        """Return the instants, in microseconds, that divide the time of the replay into periods."""
        opened = self.tables["cases"]["opened_at"]
        last = microseconds_of(self.until)
        first = int(opened.min().astype(np.int64)) if len(opened) else last
        return edges(zone_of(self.policy), first, last, every)

    def case(self, id: str) -> ReplayedCase:
        """Return one of the cases. Raises `UnknownName` if the replay has none with this id."""
        for source in self.sources:
            try:
                return ReplayedCase(self, source[id])
            except LookupError:
                continue
        raise UnknownName(Problem("unknown case", id, expected=f"one of the {len(self):,} cases of the replay"))

    def rows(self, name: str, id: str) -> list[dict[str, Any]]:
        """Return the rows of a frame that belong to a case."""
        columns = self.columns(name)
        where = np.flatnonzero(columns["case"] == id)
        lists = [values[where].tolist() for values in columns.values()]
        return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]

    def summary(self) -> str:
        """Return the main figures as text."""
        cases, moves = self.tables["cases"], self.tables["moves"]
        lines = [
            f"{len(self):,} cases under {self.policy.name} {self.policy.version}, until {self.until:%F %H:%M} UTC",
            f"  {int(cases['void'].sum()):,} of them void, which have no moves and no deadlines",
        ]
        if self.left_out:
            lines.append(f"  {self.left_out:,} more were opened later and are left out")
        lines.append(f"  {self.by_columns:,} replayed vectorised, {len(self) - self.by_columns:,} one by one")
        for reason, number in sorted(self.reasons.items(), key=lambda item: (-item[1], item[0])):
            lines.append(f"    {number:,} because of {reason}")
        for level in self.policy.all_levels:
            there = moves["to_level"] == level.key
            if there.any():
                lines.append(f"  moved to `{level.key}`: {len(set(moves['case'][there])):,} cases")
        table = rates(rows_of_target(self.tables["deadlines"], None, "first", ()), (), {}, 0.95)
        for target, met, breached in zip(table["target"], table["met"], table["breached"], strict=True):
            lines.append(f"  `{target}`, first cycle: {met:,} met, {breached:,} breached")
        return "\n".join([*lines, NOTE])

    @classmethod
    def concat(cls, parts: Iterable[Replay]) -> Replay:
        """Join replays of different cases under one policy and up to one instant into a replay of all of them.

        Raises `InvalidValue` if the parts differ in policy or instant, or if a case is in two of them.
        """
        parts = list(parts)
        if not parts:
            raise InvalidValue(Problem("no parts of a replay", expected="at least one"))
        first = parts[0]
        for number, part in enumerate(parts):
            if (part.policy, part.until) != (first.policy, first.until):
                raise InvalidValue(Problem("another policy or `until` than in the first part", path=f"parts[{number}]"))
        tables = {name: concatenated([part.tables[name] for part in parts]) for name in INNER}
        _refuse_split(tables["cases"]["case"].tolist())
        sources = [source for part in parts for source in part.sources]
        whole = {name: by_case(table) for name, table in tables.items()}
        reasons = sum((Counter(part.reasons) for part in parts), Counter[str]())
        left_out = sum(part.left_out for part in parts)
        return cls(first.policy, first.until, whole, first.backend, sources, reasons, left_out)


def _known(name: str) -> None:
    if name not in FRAMES:
        raise UnknownName(unknown("frame", name, FRAMES))


def _refuse_split(ids: list[str]) -> None:
    seen: set[str] = set()
    split = [case for case in ids if case in seen or seen.add(case)]  # type: ignore[func-returns-value]
    if split:
        expected = "every row of a case in one part"
        raise InvalidValue(*(Problem("a case in two parts", case, expected=expected) for case in sorted(split)[:12]))


class ReplayedCase:
    """One case under the policy of a replay. `case` is its history, as it was recorded."""

    def __init__(self, replay: Replay, case: Case) -> None:
        self.replay, self.case = replay, case

    def decision(self, *, at: datetime | None = None) -> Decision:
        """Return the decision on the case at an instant, the replay's `until` unless given."""
        return decide(self.replay.policy, self.case, at=at or self.replay.until)

    def explain(self, *, at: datetime | None = None) -> str:
        """Return the history of the case under the policy as text; with `at`, the decision at that instant, and why."""
        if at is not None:
            return self.decision(at=at).explain()
        rows: Mapping[str, list[dict[str, Any]]] = {name: self.replay.rows(name, self.case.id) for name in FRAMES}
        return narrative(rows, self.replay.policy, zone_of(self.replay.policy))
