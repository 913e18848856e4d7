"""`plot`: a report of a replay or of a comparison as a picture. Needs the extra `plots` (matplotlib)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from escalation_rules.errors import InvalidValue, Problem, UnknownName, unknown
from escalation_rules.simulation.compare import DIFFERENCES, Comparison
from escalation_rules.simulation.replay import Replay
from escalation_rules.simulation.reports import NOTE, names, names_in_order, rates, rows_of_target
from escalation_rules.worktime.spans import SpanLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot"]

Kind = Literal["rates", "workload", "changes"]
OLD, NEW = "#8a8f98", "#1f5fa8"
TITLE = 60
"""How many letters of a title fit on a line; of axes that are narrower, a name may need two."""
LEVELS = ("#8c6bb1", "#1b9e77", "#d95f02", "#66a61e", "#e7298a", "#a6761d", "#386cb0", "#e6ab02")


def plot(
    report: Replay | Comparison,
    kind: Kind,
    ax: Axes | None = None,
    *,
    by: str | Sequence[str] | None = None,
    every: SpanLike = "1 day",
) -> Axes:
    """Draws a report, on `ax` or on a figure of its own, and gives the axes back.

    `"rates"`: the share of deadlines that were breached, with its 95 % interval, by target and what `by` names.
    `"workload"`: how many cases stood on each level (or what else `by` names) at the end of each stretch of `every`.
    `"changes"`: how many moves and deadlines differ, and how; of a comparison only. In a comparison the old policy is
    grey or dashed, the new one in colour. Raises `UnknownName` and `InvalidValue`.
    """
    drawings: dict[str, Callable[[Any, Axes, Any, Any], None]] = {
        "rates": _rates,
        "workload": _workload,
        "changes": _changes,
    }
    if kind not in drawings:
        raise UnknownName(unknown("plot", kind, drawings))
    if kind == "changes" and isinstance(report, Replay):
        raise InvalidValue(Problem("changes of a single replay", expected="a comparison"))
    if ax is None:
        from matplotlib import pyplot  # noqa: PLC0415 an extra, and slow to import

        _, ax = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    drawings[kind](report, ax, by, every)
    ax.annotate(
        NOTE, (0, 0), (0, -44), xycoords="axes fraction", textcoords="offset points", fontsize=8, color="#555555"
    )
    return ax


def _sides(report: Replay | Comparison) -> list[tuple[str, Replay]]:
    """The replays of a report, with what the legend calls them."""
    if isinstance(report, Replay):
        return [(f"{report.policy.name} {report.policy.version}", report)]
    return [
        (f"{side}: {one.policy.name} {one.policy.version}", one)
        for side, one in (("old", report.old), ("new", report.new))
    ]


def _rates(report: Any, ax: Axes, by: Any, _every: SpanLike) -> None:
    sides = _sides(report)
    by = names(by or ())
    tables = [_table(one, by) for _, one in sides]
    labels = list(dict.fromkeys(label for table in tables for label in table))
    for number, ((name, _), table) in enumerate(zip(sides, tables, strict=True)):
        color = NEW if number == len(sides) - 1 else OLD
        offset = 0.12 * (2 * number - len(sides) + 1)
        places = np.array([labels.index(label) for label in table]) + offset
        rate, low, high = (100 * np.array([row[part] for row in table.values()]) for part in range(3))
        ax.errorbar(rate, places, xerr=(rate - low, high - rate), fmt="o", color=color, capsize=3, label=name)
    sizes = {label: [table[label][3] if label in table else 0 for table in tables] for label in labels}
    ax.set_yticks(range(len(labels)), [f"{label}\nn = {_sizes(sizes[label])}" for label in labels])
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_xlim(left=0)
    ax.set_xlabel("breached, % of deadlines met or breached in a first cycle (bars: 95 % interval)")
    ax.set_title("Deadlines breached")
    ax.grid(axis="x", alpha=0.3)
    ax.legend(frameon=False)


def _sizes(sizes: list[int]) -> str:
    return " / ".join(f"{size:,}" for size in dict.fromkeys(sizes))


def _table(replay: Replay, by: tuple[str, ...]) -> dict[str, tuple[float, float, float, int]]:
    """Rate, interval and number by label, where there is a rate."""
    found = rates(
        rows_of_target(replay.tables["deadlines"], None, "first", ()), by, names_in_order(replay.policy), 0.95
    )
    labels = [", ".join(map(str, key)) for key in zip(*(found[name].tolist() for name in ("target", *by)), strict=True)]
    judged = found["met"] + found["breached"]
    rows = zip(labels, found["rate"], found["low"], found["high"], judged, strict=True)
    return {label: (rate, low, high, int(n)) for label, rate, low, high, n in rows if n}


def _workload(report: Any, ax: Axes, by: Any, every: SpanLike) -> None:
    by = names(by or "level")
    cuts = _sides(report)[0][1].cuts(every)
    ends = np.array(cuts[1:], np.int64).view("datetime64[us]")
    seen: dict[str, str] = {}
    for number, (name, replay) in enumerate(_sides(report)):
        table = replay.work(every, by, cuts)
        groups = [", ".join(map(str, key)) for key in zip(*(table[one].tolist() for one in by), strict=True)]
        dashed = isinstance(report, Comparison) and number == 0
        for group in dict.fromkeys(groups):
            where = np.array([one == group for one in groups])
            color = seen.setdefault(group, LEVELS[len(seen) % len(LEVELS)])
            style: dict[str, Any] = {
                "color": color,
                "linestyle": "--" if dashed else "-",
                "linewidth": 1.1,
                "alpha": 0.8 if dashed else 1,
            }
            ax.plot(ends, table["standing"][where], label=f"{group}, {name}", **style)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("cases standing, at the end of each step")
    ax.set_xlabel(f"time, in steps of {every}")
    ax.set_title(f"Work at hand, by {' and '.join(by)}")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize=8)


def _changes(report: Comparison, ax: Axes, _by: Any, _every: SpanLike) -> None:
    kinds, subjects = report.changes["kind"], report.changes["subject"]
    for number, (subject, color) in enumerate((("move", NEW), ("deadline", OLD))):
        counts = [int(((kinds == kind) & (subjects == subject)).sum()) for kind in DIFFERENCES]
        bars = ax.barh(np.arange(len(DIFFERENCES)) + 0.4 * number, counts, 0.38, color=color, label=f"{subject}s")
        ax.bar_label(bars, [f"{count:,}" for count in counts], padding=3, fontsize=8)
    ax.set_yticks(np.arange(len(DIFFERENCES)) + 0.2, [kind.replace("_", " ") for kind in DIFFERENCES])
    ax.invert_yaxis()
    ax.margins(x=0.1)
    old, new = (f"{one.policy.name} {one.policy.version}" for one in (report.old, report.new))
    ax.set_xlabel("number of differences (the shares of cases are in the summary)")
    ax.set_title(fill(f"What {new} changes against {old}, in {len(report.old):,} cases", TITLE))
    ax.legend(frameon=False)
