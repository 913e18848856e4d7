"""Reports over frames: rates with intervals, workload, paired shares; and the history of one case as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from escalation_rules.errors import InvalidValue, Problem, UnknownName, unknown
from escalation_rules.policy import Policy
from escalation_rules.simulation.frames import Columns, take
from escalation_rules.worktime import BusinessCalendar, Span
from escalation_rules.worktime._timeline import datetime_of, instant_of_wall
from escalation_rules.worktime.spans import SpanLike

NOTE = "People act as they did: a replay cannot show faster answers."
"""The last line of every report."""
OUTCOMES_IN_ORDER = ("met", "breached", "pending", "void")
Floats = NDArray[np.float64]


def names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return one name or several as a tuple."""
    return (given,) if isinstance(given, str) else tuple(given)


def names_in_order(policy: Policy) -> dict[str, list[str]]:
    """Return the names that the policy orders, lowest first, by column."""
    levels = [level.key for level in policy.all_levels]
    return {"priority": list(policy.priorities), "level": levels, "to_level": levels}


class Groups:
    """Rows grouped by their values in some columns: the group number of each row, and the groups in order."""

    def __init__(self, columns: Columns, by: Sequence[str], order: Mapping[str, Sequence[str]]) -> None:
        if odd := [unknown("column", name, columns) for name in by if name not in columns]:
            raise UnknownName(*odd)
        size = len(next(iter(columns.values())))
        words = [_in_order(columns[name].tolist(), order.get(name, ())) for name in by]
        codes = [_codes(columns[name].tolist(), known) for name, known in zip(by, words, strict=True)]
        kinds, number = np.unique(np.stack([np.zeros(size, np.int64), *codes]), axis=1, return_inverse=True)
        self.number = number.reshape(-1)
        self.count = kinds.shape[1]
        self.keys: Columns = {
            name: np.array(known, columns[name].dtype)[kinds[place + 1]]
            for place, (name, known) in enumerate(zip(by, words, strict=True))
        }

    def total(self, where: NDArray[Any]) -> NDArray[np.int64]:
        """Return the number of rows of each group in a mask."""
        return np.bincount(self.number[where], minlength=self.count)


def _in_order(held: list[Any], order: Sequence[str]) -> list[Any]:
    rank = {word: place for place, word in enumerate(order)}
    return sorted(dict.fromkeys(held), key=lambda word: (word is None, rank.get(word, len(rank)), str(word)))


def _codes(held: list[Any], words: list[Any]) -> NDArray[np.int64]:
    number = {word: place for place, word in enumerate(words)}
    return np.fromiter(map(number.__getitem__, held), np.int64, count=len(held))


def rows_of_target(deadlines: Columns, target: str | None, cycles: str, targets: Sequence[str]) -> Columns:
    """Return the deadlines of one target or all, of each case's first cycle or all."""
    if cycles not in {"first", "all"}:
        raise InvalidValue(Problem("unknown choice of cycles", cycles, expected="`first` or `all`"))
    if target is not None and target not in targets:
        raise UnknownName(unknown("target", target, targets))
    where = deadlines["outcome"] != "not_started"
    if target is not None:
        where &= deadlines["target"] == target
    return take(deadlines, where if cycles == "all" else where & (deadlines["cycle"] == 1))


def rates(deadlines: Columns, by: Sequence[str], order: Mapping[str, Sequence[str]], confidence: float) -> Columns:
    """Return breaches over met and breached, by group and target, with the Wilson interval."""
    groups = Groups(deadlines, (*by, "target"), order)
    counts = {name: groups.total(deadlines["outcome"] == name) for name in OUTCOMES_IN_ORDER}
    judged = counts["met"] + counts["breached"]
    low, high = wilson(counts["breached"], judged, confidence)
    return {
        **groups.keys,
        "n": judged + counts["pending"] + counts["void"],
        **counts,
        "rate": _share(counts["breached"], judged),
        "low": low,
        "high": high,
    }


def _share(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    found: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return found


def deviate(confidence: float) -> float:
    """Return the standard deviations that span a share of a normal distribution. Raises `InvalidValue`."""
    if not 0 < confidence < 1:
        raise InvalidValue(Problem("not a confidence", confidence, expected="a share between 0 and 1, such as 0.95"))
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(hits: NDArray[Any], n: NDArray[Any], confidence: float) -> tuple[Floats, Floats]:
    """Return Wilson's score interval of a share (Wilson 1927, JASA 22, 209-212); NaN without observations."""
    z = deviate(confidence)
    size = np.where(n > 0, n, 1)
    share = hits / size
    middle = share + z * z / (2 * size)
    half = z * np.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    low, high = (middle - half) / (1 + z * z / size), (middle + half) / (1 + z * z / size)
    known = n > 0
    low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    return np.where(known & (hits == 0), 0.0, np.where(known, low, np.nan)), np.where(
        known & (hits == n), 1.0, np.where(known, high, np.nan)
    )


def zone_of(policy: Policy) -> str:
    """Return the time zone in which reports of a policy are divided: that of its usual calendar, or UTC."""
    usual = policy.usual_calendar
    return policy.all_calendars[usual].timezone if isinstance(usual, str) else "UTC"


def edges(zone: str, first: int, until: int, every: SpanLike) -> list[int]:
    """Return the instants that divide the time from `first` up to `until` into periods, from local midnight on."""
    span = Span.of(every)
    if span.is_business or not span.amount:
        raise InvalidValue(Problem("not a step of a report", str(span), expected="a plain span such as `1 day`"))
    calendar = BusinessCalendar.always(zone)
    midnight = datetime_of(first, calendar.zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    cuts = [instant_of_wall(midnight, calendar.zone)]
    while cuts[-1] <= until:
        cuts.append(calendar.reach(cuts[-1], span))
    return cuts


def workload(stays: Columns, cuts: list[int], by: Sequence[str], order: Mapping[str, Sequence[str]]) -> Columns:
    """Return the number of cases that entered and left in each period, and that were there at its end."""
    groups = Groups(stays, by, order)
    steps = len(cuts) - 1
    came, went = (_counted(stays[name], groups, cuts) for name in ("entered_at", "left_at"))
    standing = np.cumsum(came - went, axis=0)
    starts = np.array(cuts[:-1], np.int64).view("datetime64[us]")
    return {
        "start": np.repeat(starts, groups.count),
        **{name: np.tile(values, steps) for name, values in groups.keys.items()},
        "entered": came.reshape(-1),
        "left": went.reshape(-1),
        "standing": standing.reshape(-1),
    }


def _counted(instants: NDArray[Any], groups: Groups, cuts: list[int]) -> NDArray[np.int64]:
    known = ~np.isnat(instants)
    step = np.searchsorted(np.array(cuts, np.int64), instants[known].astype(np.int64), side="right") - 1
    flat = step * groups.count + groups.number[known]
    return np.bincount(flat, minlength=(len(cuts) - 1) * groups.count).reshape(len(cuts) - 1, groups.count)


def paired(
    both: NDArray[Any], old: NDArray[Any], new: NDArray[Any], neither: NDArray[Any], *, confidence: float
) -> dict[str, NDArray[Any]]:
    """Return two shares of the same things and their difference, with Newcombe's interval for paired shares.

    `both`, `old`, `new` and `neither` count things by where they are hits. The interval is method 10 of Newcombe
    (1998), Statistics in Medicine 17, 2635-2650: Wilson's intervals, squared and added, with the pairs' correlation.
    """
    n = both + old + new + neither
    first, second = _share(both + old, n), _share(both + new, n)
    low1, high1 = wilson(both + old, n, confidence)
    low2, high2 = wilson(both + new, n, confidence)
    product = ((both + old) * (new + neither) * (both + new) * (old + neither)).astype(np.float64)
    slant = (both * neither - old * new).astype(np.float64)
    slant = np.where(slant > 0, np.maximum(slant - n / 2, 0), slant)
    phi = np.divide(slant, np.sqrt(product), out=np.zeros(len(n)), where=product > 0)
    down, up = (np.sqrt(np.maximum(a * a - 2 * phi * a * b + b * b, 0)) for a, b in (
        (second - low2, high1 - first), (high2 - second, first - low1)))  # fmt: skip
    difference = second - first
    return {
        "n": n,
        "old": first,
        "new": second,
        "difference": difference,
        "low": difference - down,
        "high": difference + up,
    }


Rows = Mapping[str, list[dict[str, Any]]]


def narrative(rows: Rows, policy: Policy, zone: str) -> str:
    """Return the history of a case as text, line by line, in a time zone."""
    (case,) = rows["cases"]
    head = f"{case['case']} under {policy.name} {policy.version} ({zone})"
    happened = sorted([*_changes(case), *_moves(rows), *_blocked(rows)], key=lambda change: change[0])
    lines = [f"  {_at(at, zone)}  {text}" for at, text in happened]
    return "\n".join([head, *lines, *(f"  {line}" for line in _deadlines(rows, zone)), NOTE])


def _changes(case: dict[str, Any]) -> Iterator[tuple[datetime, str]]:
    yield case["opened_at"], "opened"
    for name, text in (("first_resolved_at", "resolved"), ("resolved_at", "resolved again"), ("closed_at", "closed")):
        again = name == "resolved_at" and case[name] == case["first_resolved_at"]
        if case[name] is not None and not again:
            yield case[name], text


def _moves(rows: Rows) -> Iterator[tuple[datetime, str]]:
    for move in rows["moves"]:
        yield move["due_at"], f"to `{move['to_level']}` from `{move['from_level'] or 'nowhere'}`, by {move['rules']}"


def _blocked(rows: Rows) -> Iterator[tuple[datetime, str]]:
    for one in rows["blocked"]:
        what = "; ".join(part for part in (one["missing"], one["objections"]) if part) or "nobody on duty"
        yield one["from_at"], f"held back from `{one['to_level']}`: {what}"


def _deadlines(rows: Rows, zone: str) -> Iterator[str]:
    for one in rows["deadlines"]:
        due = "paused at the end" if one["due_at"] is None else f"due {_at(one['due_at'], zone)}"
        budget = "" if one["budget"] is None else f" of {duration(one['budget'])}"
        times = f"counted {duration(one['counted'])}{budget}, left out {duration(one['excluded'])}"
        changed = ", by a change" if one["breached_by_change"] else ""
        yield f"{one['target']}: {one['outcome'].replace('_', ' ')}{changed}, {due}; {times}"


def _at(moment: datetime, zone: str) -> str:
    return f"{moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"


def duration(length: timedelta) -> str:
    """Return a length of time as text, in hours and minutes.

    >>> duration(timedelta(days=1, minutes=90))
    '25 h 30 min'
    """
    minutes = round(length / timedelta(minutes=1))
    hours, rest = divmod(abs(minutes), 60)
    return ("-" if minutes < 0 else "") + (f"{hours:,} h" + (f" {rest} min" if rest else ""))
