"""`compare`: two policies on the same cases, and every difference between their results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from html import escape
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from escalation_rules.case import Case
from escalation_rules.errors import InvalidValue, Problem, UnknownName, unknown
from escalation_rules.policy import Policy
from escalation_rules.simulation.arrays import NAT
from escalation_rules.simulation.batches import Moves
from escalation_rules.simulation.frames import AT, COUNT, SPAN, TEXT, Columns, array, native
from escalation_rules.simulation.logs import CaseLog
from escalation_rules.simulation.replay import Replay, ReplayedCase, replay
from escalation_rules.simulation.reports import NOTE, Groups, names, names_in_order, paired, rows_of_target
from escalation_rules.worktime.spans import SpanLike

__all__ = ["ComparedCase", "Comparison", "compare"]


CHANGES = {
    "case": TEXT,
    "cycle": COUNT,
    "subject": TEXT,
    "track": TEXT,
    "target": TEXT,
    "occurrence": COUNT,
    "kind": TEXT,
    "old_at": AT,
    "new_at": AT,
    "shift": SPAN,
    "old_level": TEXT,
    "new_level": TEXT,
    "old_rules": TEXT,
    "new_rules": TEXT,
    "old_outcome": TEXT,
    "new_outcome": TEXT,
}
DIFFERENCES = ("added", "removed", "earlier", "later", "other_rule", "outcome")
Pair = tuple[int | None, int | None]


def compare(
    old: Policy,
    new: Policy,
    cases: CaseLog | Iterable[Case],
    *,
    until: datetime | None = None,
    moves: Moves = "replayed",
    executor: Any = None,
    progress: Any = None,
) -> Comparison:
    """Replay the cases under both policies; the arguments are those of `replay`.

    >>> from datetime import UTC, datetime
    >>> from escalation_rules import Case, EscalationLevel, Policy, Rule, facts as F
    >>> levels = (EscalationLevel(key="first"), EscalationLevel(key="second"))
    >>> def after(span):
    ...     return Policy(name="desk", version=span, levels=levels,
    ...                   rules=(Rule(key="too long", when=F.open_for >= span, to="second"),))
    >>> cases = [Case.open("C-1", at=datetime(2026, 3, 2, 9, tzinfo=UTC))]
    >>> changes = compare(after("8 hours"), after("4 hours"), cases, until=datetime(2026, 3, 3, tzinfo=UTC))
    >>> changes.frame("changes")[["kind", "shift"]].values.tolist()
    [['earlier', Timedelta('-1 days +20:00:00')]]
    """
    held = cases if isinstance(cases, CaseLog) else list(cases)
    before, after = (
        replay(policy, held, until=until, moves=moves, executor=executor, progress=progress) for policy in (old, new)
    )
    return Comparison(before, after)


class Comparison:
    """The differences between two replays of the same cases: `old` and `new`.

    Raises `InvalidValue` if they are not of the same cases up to the same instant.
    """

    def __init__(self, old: Replay, new: Replay) -> None:
        if old.until != new.until or not np.array_equal(old.tables["cases"]["case"], new.tables["cases"]["case"]):
            raise InvalidValue(Problem("replays of different cases, or up to different instants", expected="the same"))
        self.old, self.new = old, new

    def __repr__(self) -> str:
        return self.summary()

    def frame(self, name: str) -> Any:
        """Return the frame `changes`: one row for each move or deadline that differs, ordered by case and instant.

        `kind` is `added`, `removed`, `earlier`, `later`, `other_rule` (a move at the same instant because of other
        rules) or `outcome` (a deadline that ended otherwise, whatever its due). `shift` is the new instant less the
        old; a missing instant is unknown, because the clock is paused.
        """
        if name != "changes":
            raise UnknownName(unknown("frame", name, ["changes"]))
        return native(self.changes, self.old.backend)

    @cached_property
    def changes(self) -> Columns:
        """The frame `changes` as numpy arrays by column."""
        rows = sorted([*self._moves(), *self._deadlines()], key=_place)
        held: Any = zip(*rows, strict=True) if rows else [()] * len(CHANGES)
        return {name: array(one, kind) for (name, kind), one in zip(CHANGES.items(), held, strict=True)}

    def _moves(self) -> Iterable[tuple[Any, ...]]:
        """Yield the moves that differ. The n-th moves to one level of a track in one cycle match."""
        old, new = (
            _Table(replay.columns("moves"), ("case", "cycle", "track", "to_level")) for replay in (self.old, self.new)
        )
        for (case, cycle, track, level, _), (before, after) in _pairs(old, new):
            at = old.instant("due_at", before), new.instant("due_at", after)
            rules = old.held("rules", before), new.held("rules", after)
            kind = _kind(before, after, at) or ("other_rule" if rules[0] != rules[1] else None)
            if kind is not None:
                levels = (None if before is None else level), (None if after is None else level)
                yield (case, cycle, "move", track, None, 0, kind, *at, _shift(at), *levels, *rules, None, None)

    def _deadlines(self) -> Iterable[tuple[Any, ...]]:
        old, new = (_Table(one.tables["deadlines"], _INSTANCE) for one in (self.old, self.new))
        for (case, cycle, target, occurrence, _), (before, after) in _pairs(old, new):
            at = old.instant("due_at", before), new.instant("due_at", after)
            levels, outcomes = ((old.held(name, before), new.held(name, after)) for name in ("level", "outcome"))
            differs = before is not None and after is not None and outcomes[0] != outcomes[1]
            kind = "outcome" if differs else _kind(before, after, at)
            if kind is not None:
                yield (
                    case,
                    cycle,
                    "deadline",
                    None,
                    target,
                    occurrence,
                    kind,
                    *at,
                    _shift(at),
                    *levels,
                    None,
                    None,
                    *outcomes,
                )

    def rates(
        self,
        *,
        by: str | Sequence[str] = (),
        target: str | None = None,
        cycles: Literal["first", "all"] = "first",
        confidence: float = 0.95,
    ) -> Any:
        """Return the share of deadlines breached under both policies, and the difference with its interval.

        The same deadlines are compared with each other: `n` were met or breached under both, and `unpaired` under one
        only. Groups are by the values in the old replay. The interval is Newcombe's for paired shares (1998, Statistics
        in Medicine 17, 2635-2650, method 10); it takes cases to be independent of one another.
        """
        return native(self.differences(names(by), target, cycles, confidence), self.old.backend)

    def differences(self, by: Sequence[str], target: str | None, cycles: str, confidence: float) -> Columns:
        """Return `rates` as columns."""
        known = dict.fromkeys([*self.old.policy.vocabulary.targets, *self.new.policy.vocabulary.targets])
        tables = [
            rows_of_target(replay.tables["deadlines"], target, cycles, tuple(known)) for replay in (self.old, self.new)
        ]
        old, new = (_Table(table, _INSTANCE) for table in tables)
        pairs = [pair for _, pair in _pairs(old, new)]
        columns = {
            name: np.array([old.held(name, a) if a is not None else new.held(name, b) for a, b in pairs], held.dtype)
            for name, held in tables[0].items()
            if name in {*by, "target"}
        }
        if odd := [unknown("column", name, tables[0]) for name in by if name not in tables[0]]:
            raise UnknownName(*odd)
        groups = Groups(columns, (*by, "target"), names_in_order(self.new.policy))
        before, after = (np.array([_judged(side.held("outcome", pair[place])) for pair in pairs], np.int64)
                         for place, side in enumerate((old, new)))  # fmt: skip
        return _difference(groups, before, after, confidence)

    def reached(self, confidence: float = 0.95) -> Any:
        """Return the share of cases that rules moved to each level under both, and the difference with its interval.

        Void cases are not counted. The interval is the one of `rates`.
        """
        return native(self.arrivals(confidence), self.old.backend)

    def arrivals(self, confidence: float) -> Columns:
        """Return `reached` as columns."""
        counted = ~(self.old.tables["cases"]["void"] | self.new.tables["cases"]["void"])
        ids = self.old.tables["cases"]["case"][counted].tolist()
        levels = list(dict.fromkeys(level.key for one in (self.old, self.new) for level in one.policy.all_levels))
        there = [_arrived(one.tables["moves"]) for one in (self.old, self.new)]
        columns = {"to_level": np.repeat(np.array(levels, object), len(ids))}
        flags = [
            np.array([one in found.get(level, ()) for level in levels for one in ids], np.int64) for found in there
        ]
        groups = Groups(columns, ("to_level",), names_in_order(self.new.policy))
        return _difference(groups, flags[0], flags[1], confidence)

    def workload(self, *, every: SpanLike = "1 day", by: str | Sequence[str] = "level") -> Any:
        """Return `Replay.workload` of both: `entered`, `left` and `standing`, and the difference in the last."""
        return native(self.work(every, names(by)), self.old.backend)

    def work(self, every: SpanLike, by: Sequence[str]) -> Columns:
        """Return `workload` as columns."""
        cuts = self.old.cuts(every)
        tables = [replay.work(every, by, cuts) for replay in (self.old, self.new)]
        both = {name: np.concatenate([table[name] for table in tables]) for name in ("start", *by)}
        groups = Groups(both, ("start", *by), names_in_order(self.new.policy))
        size = len(tables[0]["start"])
        found = dict(groups.keys)
        for name in ("entered", "left", "standing"):
            for side, table, where in (("old", tables[0], slice(0, size)), ("new", tables[1], slice(size, None))):
                counts = found[f"{name}_{side}"] = np.zeros(groups.count, np.int64)
                counts[groups.number[where]] = table[name]
        found["difference"] = found["standing_new"] - found["standing_old"]
        return found

    def examples(self, kind: str, n: int = 5) -> Any:
        """Return the `n` rows of `changes` of a kind with the largest shifts, as a frame."""
        if kind not in DIFFERENCES:
            raise UnknownName(unknown("kind of change", kind, DIFFERENCES))
        where = np.flatnonzero(self.changes["kind"] == kind)
        shifts = np.abs(np.nan_to_num(self.changes["shift"][where].astype(np.int64), nan=0))
        shifts = np.where(np.isnat(self.changes["shift"][where]), -1, shifts)
        picked = where[np.argsort(-shifts, kind="stable")[:n]]
        return native({name: values[picked] for name, values in self.changes.items()}, self.old.backend)

    def case(self, id: str) -> ComparedCase:
        """Return one of the cases under both policies. Raises `UnknownName`."""
        return ComparedCase(self.old.case(id), self.new.case(id))

    def summary(self) -> str:
        """Return the main figures as text: old, new, and the difference with its 95 % interval."""
        table = [("", "old", "new", "difference"), *self._lines()]
        widths = [max(len(row[place]) for row in table) for place in range(4)]
        text = ["  ".join(part.ljust(width) for part, width in zip(row, widths, strict=True)).rstrip() for row in table]
        return "\n".join([self._title(), *text, self._counts(), NOTE])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{one}</th>" for one in ("", "old", "new", "difference"))
        rows = ("".join(f"<td>{escape(part)}</td>" for part in row) for row in self._lines())
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        table = f"<table><tr>{head}</tr>{body}</table>"
        return f"<p>{escape(self._title())}</p>{table}<p>{escape(self._counts())}</p><p>{NOTE}</p>"

    def _title(self) -> str:
        old, new = (f"{one.policy.name} {one.policy.version}" for one in (self.old, self.new))
        return f"{len(self.old):,} cases under {old} (old) and {new} (new), until {self.old.until:%Y-%m-%d %H:%M} UTC"

    def _counts(self) -> str:
        moves = self.changes["subject"] == "move"
        counts = ", ".join(
            f"{int((moves & (self.changes['kind'] == kind)).sum()):,} {kind}" for kind in DIFFERENCES[:5]
        )
        return (
            f"moves: {counts.replace('_', ' ')}; in {len(set(self.changes['case'].tolist())):,} cases something differs"
        )

    def _lines(self) -> list[tuple[str, ...]]:
        breaches, arrivals = self.differences((), None, "first", 0.95), self.arrivals(0.95)
        lines = [_line(f"`{name}` breached", breaches, place) for place, name in enumerate(breaches["target"])]
        moved = [
            _line(f"moved to `{name}`", arrivals, place)
            for place, name in enumerate(arrivals["to_level"])
            if arrivals["old"][place] or arrivals["new"][place]
        ]
        return lines + moved


class ComparedCase:
    """One case under both policies: `old` and `new`."""

    def __init__(self, old: ReplayedCase, new: ReplayedCase) -> None:
        self.old, self.new = old, new

    def explain(self, *, at: datetime | None = None) -> str:
        """Return the history of the case under both policies; with `at`, both decisions at that instant, and why."""
        return f"{self.old.explain(at=at)}\n\n{self.new.explain(at=at)}"


_INSTANCE = ("case", "cycle", "target", "occurrence")


class _Table:
    """A frame indexed by key; rows with the same key are numbered in order."""

    def __init__(self, columns: Columns, key: tuple[str, ...]) -> None:
        self.lists = {name: values.tolist() for name, values in columns.items() if values.dtype.kind not in "Mm"}
        self.instants = {
            name: values.astype(np.int64).tolist() for name, values in columns.items() if values.dtype.kind == "M"
        }
        self.places: dict[tuple[Any, ...], int] = {}
        for place, parts in enumerate(zip(*(self.lists[name] for name in key), strict=True)):
            number = 0
            while (*parts, number) in self.places:
                number += 1
            self.places[*parts, number] = place

    def held(self, name: str, place: int | None) -> Any:
        return None if place is None else self.lists[name][place]

    def instant(self, name: str, place: int | None) -> int:
        return NAT if place is None else self.instants[name][place]


def _pairs(old: _Table, new: _Table) -> Iterable[tuple[tuple[Any, ...], Pair]]:
    """Yield every key of either table, with its row in both (None if it is in one only)."""
    for key, place in old.places.items():
        yield key, (place, new.places.get(key))
    for key, place in new.places.items():
        if key not in old.places:
            yield key, (None, place)


def _kind(before: int | None, after: int | None, at: tuple[int, int]) -> str | None:
    """Return the kind of difference between two instants; an unknown instant counts as later than every known one."""
    if before is None or after is None:
        return "added" if before is None else "removed"
    if at[0] == at[1]:
        return None
    return "later" if at[1] == NAT or (at[0] != NAT and at[1] > at[0]) else "earlier"


def _shift(at: tuple[int, int]) -> int:
    return NAT if NAT in at else at[1] - at[0]


def _place(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the sort key of a row: by case and its earliest instant, rows without a known instant last."""
    known = [at for at in row[7:9] if at != NAT]
    return row[0], not known, min(known, default=0), row[1], row[2], str(row[3:7])


def _judged(outcome: str | None) -> int:
    """Return 1 for breached, 0 for met, -1 for neither."""
    return {"met": 0, "breached": 1}.get(str(outcome), -1)


def _arrived(moves: Columns) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for level, case in zip(moves["to_level"].tolist(), moves["case"].tolist(), strict=True):
        found.setdefault(level, set()).add(case)
    return found


def _difference(groups: Groups, before: NDArray[Any], after: NDArray[Any], confidence: float) -> Columns:
    both = (before >= 0) & (after >= 0)
    cells = [groups.total(both & (before == a) & (after == b)) for a, b in ((1, 1), (1, 0), (0, 1), (0, 0))]
    return {
        **groups.keys,
        **paired(*cells, confidence=confidence),
        "unpaired": groups.total((before >= 0) != (after >= 0)),
    }


def _line(name: str, table: Columns, place: int) -> tuple[str, ...]:
    old, new, difference, low, high = (100 * table[part][place] for part in ("old", "new", "difference", "low", "high"))
    if np.isnan(difference):
        return name, _percent(old), _percent(new), "not in both"
    return name, _percent(old), _percent(new), f"{difference:+.1f} points ({low:+.1f} to {high:+.1f})"


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{share:.1f} %"
