"""How long questions about a policy take as it grows: run it with `python -m tests.benchmarks.analysis`.

It prints a table and a plot in text: medians over several policies of each size, in milliseconds a question.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import log10
from random import Random
from statistics import median
from time import perf_counter

from escalation_rules import Policy
from escalation_rules import facts as F
from escalation_rules.analysis import Unknown, check, diff, prove
from escalation_rules.analysis.board import Board
from escalation_rules.analysis.ruling import alive, dead_rules, redundant_rules
from escalation_rules.engine import program_of
from tests.analysis import small

SIZES = (12, 60, 300)
POLICIES = 5


def changed(policy: Policy) -> Policy:
    """The policy with its first rule at another level."""
    first = policy.rules[0]
    to = next(key for key in small.KEYS if key != first.to)
    return policy.model_copy(update={"rules": (first.model_copy(update={"to": to}), *policy.rules[1:])})


def dead(policy: Policy) -> object:
    """Ask of every rule whether it is dead."""
    return list(dead_rules(Board(policy)))


def redundant(policy: Policy) -> object:
    """Ask of every rule whether the others cover it."""
    board = Board(policy)
    return list(redundant_rules(board, alive(board)))


QUESTIONS: dict[str, tuple[Callable[[Policy], object], bool]] = {
    "which rules are dead": (dead, True),
    "which are redundant": (redundant, True),
    "prove": (lambda policy: prove(policy, when=F.priority >= "high", reaches="l2", within="1 hour"), False),
    "diff": (lambda policy: diff(policy, changed(policy)), False),
    "the whole check": (check, False),
}
"""Each question, and whether it asks as many times as there are rules."""


def measure(size: int) -> dict[str, tuple[float, str]]:
    """Milliseconds a question, and what came of it."""
    policies = [small.policy(Random(seed), rules=size) for seed in range(POLICIES)]
    found = {}
    for name, (ask, each) in QUESTIONS.items():
        times, verdicts = [], set()
        for policy in policies:
            program_of(policy)
            start = perf_counter()
            answer = ask(policy)
            times.append((perf_counter() - start) * 1_000 / (size if each else 1))
            unfinished = isinstance(answer, Unknown) or bool(getattr(answer, "unfinished", ()))
            verdicts.add("not all within its budget" if unfinished else "answered")
        found[name] = median(times), ", ".join(sorted(verdicts))
    return found


def main(out: Callable[[str], object]) -> None:
    """The table, and each question as bars that grow with the logarithm."""
    figures = {size: measure(size) for size in SIZES}
    for name, (_, each) in QUESTIONS.items():
        out(f"{name}{', a rule' if each else ''}\n")
        for size in SIZES:
            milliseconds, verdict = figures[size][name]
            bar = "█" * round(6 * log10(1 + 100 * milliseconds))
            out(f"  {size:4} rules {milliseconds:10.2f} ms  {bar:36} {verdict}\n")


if __name__ == "__main__":
    main(sys.stdout.write)
