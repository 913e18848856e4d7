"""How long questions about a policy take as it grows: run it with `python -m tests.benchmarks.analysis [picture.svg]`.

It prints a table in Markdown: processor time in milliseconds, the least of several rounds on each of several random
policies, and of these the median. With a file name it also draws the growth (extra `[plots]`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from platform import machine, python_version
from random import Random
from statistics import median
from time import process_time

from escalation_rules import Policy
from escalation_rules import facts as F
from escalation_rules.analysis import Unknown, check, diff, prove
from escalation_rules.analysis.check.rules import alive, dead_rules, redundant_rules
from escalation_rules.analysis.workbench import Workbench
from escalation_rules.engine import machine_of
from tests.generator import SMALL_LEVELS, small_policy, timed_small_policy

SIZES = (6, 12, 24, 60, 120, 300)
TOLD = (12, 60, 300)
POLICIES = 5
GOALS = {12: 5.0, 60: 200.0}
"""Milliseconds that a question may take, by the number of rules."""


def changed(policy: Policy) -> Policy:
    """The policy with its first rule at another level."""
    first = policy.rules[0]
    to = next(key for key in SMALL_LEVELS[1:] if key != first.to)
    return policy.model_copy(update={"rules": (first.model_copy(update={"to": to}), *policy.rules[1:])})


def dead(policy: Policy) -> object:
    """Ask of every rule whether it is dead."""
    return list(dead_rules(Workbench(policy)))


def redundant(policy: Policy) -> object:
    """Ask of every rule whether the others cover it."""
    board = Workbench(policy)
    return list(redundant_rules(board, alive(board)))


KINDS: dict[str, Callable[[int, int], Policy]] = {
    "state": lambda seed, rules: small_policy(Random(seed), rules=rules),
    "time": lambda seed, rules: timed_small_policy(Random(seed), rules),
}
"""Policies whose rules look at priorities and facts alone, and such whose rules wait for some time."""
Ask = Callable[[Policy, Policy], object]
QUESTIONS: dict[str, tuple[Ask, bool]] = {
    "is a rule dead": (lambda policy, _: dead(policy), True),
    "is a rule redundant": (lambda policy, _: redundant(policy), True),
    "prove": (lambda policy, _: prove(policy, when=F.priority >= "high", reaches="l2", within="1 hour"), False),
    "diff": (diff, False),
    "check": (lambda policy, _: check(policy), False),
}
"""Each question, and whether it is asked as many times as there are rules."""
PLOTTED = ("check", "prove", "diff")
Figures = Mapping[tuple[str, str, int], float]


def measure(ask: Ask, policy: Policy, rounds: int) -> tuple[float, bool]:
    """The least milliseconds that a question took, and whether it was answered within its budget."""
    other = changed(policy)
    for one in (policy, other):
        machine_of(one)
    times = []
    for _ in range(rounds):
        start = process_time()
        answer = ask(policy, other)
        times.append((process_time() - start) * 1_000)
    return min(times), not (isinstance(answer, Unknown) or getattr(answer, "unfinished", ()))


def all_figures(out: Callable[[str], object]) -> Figures:
    """Milliseconds by question, kind of rules and number of rules; what did not end within its budget is said."""
    found = {}
    for (name, (ask, each)), kind, size in ((q, k, s) for s in SIZES for q in QUESTIONS.items() for k in KINDS):
        policies = [KINDS[kind](seed, size) for seed in range(POLICIES)]
        measured = [measure(ask, policy, 7 if size < 100 else 2) for policy in policies]
        found[name, kind, size] = median(time for time, _ in measured) / (size if each else 1)
        unanswered = sum(not answered for _, answered in measured)
        if unanswered:
            out(f"{name}, {size} rules of {kind}: {unanswered} of {POLICIES} not within the budget\n")
    return found


def table(figures: Figures) -> str:
    """The figures in Markdown."""
    columns = [(kind, size) for kind in KINDS for size in TOLD]
    lines = ["| question | " + " | ".join(f"{size}, of {kind}" for kind, size in columns) + " |"]
    lines += ["|---|" + "---|" * len(columns)]
    for name in QUESTIONS:
        cells = (f"{float(f'{figures[name, kind, size]:.2g}'):,g}" for kind, size in columns)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw(figures: Figures, path: Path, where: str) -> None:
    """The growth of each question, both axes logarithmic, with the goals."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "growth", "font.size": 10}):
        figure = Figure(figsize=(7, 4.8), layout="constrained")
        axes = figure.add_subplot()
        for name, colour in zip(PLOTTED, ("#1b6ca8", "#c1440e", "#3a7d44"), strict=True):
            for kind, style in (("state", "o-"), ("time", "s--")):
                milliseconds = [figures[name, kind, size] for size in SIZES]
                axes.loglog(SIZES, milliseconds, style, color=colour, markersize=4, label=f"{name}, rules of {kind}")
        axes.plot(list(GOALS), list(GOALS.values()), "k_", markersize=22, markeredgewidth=2, label="goal: at most")
        for size, goal in GOALS.items():
            axes.annotate(f"{goal:g} ms", (size, goal), xytext=(0, -14), textcoords="offset points", ha="center")
        axes.set_xticks(SIZES, [str(size) for size in SIZES])
        axes.minorticks_off()
        axes.set_xlabel("rules in the policy")
        axes.set_ylabel("processor time of one question, in milliseconds")
        axes.set_title("What a question about a policy costs as it grows")
        axes.grid(visible=True, which="major", color="#dddddd")
        axes.legend(fontsize=8, loc="upper left")
        figure.text(0.01, -0.01, where, fontsize=7, va="top", color="#444444")
        figure.savefig(path, bbox_inches="tight", metadata={"Date": None, "Creator": None})


def surroundings() -> str:
    """On what it was measured."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), machine())
    return (
        f"Median of {POLICIES} random policies, each the least of several rounds. One core of {model};\n"
        f"Python {python_version()}, pydantic {version('pydantic')}, escalation_rules {version('escalation-rules')}."
    )


def main(arguments: Sequence[str], out: Callable[[str], object]) -> None:
    """The table, and the picture if one is asked for."""
    figures = all_figures(out)
    out(table(figures))
    out(surroundings().replace("\n", " ") + "\n")
    if arguments:
        draw(figures, Path(arguments[0]), surroundings())


if __name__ == "__main__":
    main(sys.argv[1:], sys.stdout.write)
