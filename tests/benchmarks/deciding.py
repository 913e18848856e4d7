"""Deciding, ours and every rule engine that is installed, on the same twelve rules in one interleaved run.

    python -m tests.benchmarks.deciding [rounds] [--markdown]

Twelve rules of three comparisons each over ten facts, of which three rules hold. The peers are asked which rules hold
of a dictionary; they know neither time nor history. Ours is asked in three ways: which rules hold, of a state that has
been folded; a whole decision on a case of one event with these facts; and a whole decision on a case of ten events
under eight rules and three targets that pause, with its move, or with the next instant at which it changes. What
each finds is compared beforehand, outside the timing. Figures are microseconds a call, medians over the rounds and
minima.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from time import perf_counter
from typing import Any

from escalation_rules import Case, EscalationLevel, Policy, Rule, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import fold
from escalation_rules.engine.rules import holding
from escalation_rules.worktime._timeline import microseconds_of
from tests.benchmarks.replay import POLICY

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEEN: dict[str, Any] = {f"flag{n}": n % 2 == 0 for n in range(5)} | {f"count{n}": 10 * n for n in range(5)}
Comparison = tuple[str, str, Any]
RULES: dict[str, tuple[Comparison, Comparison, Comparison]] = {
    f"rule{n:02}": (
        (f"flag{n % 5}", "==", n % 4 < 2),
        (f"count{n % 5}", ">=", 3 * n),
        (f"count{(n + 2) % 5}", "<", 45 - n),
    )
    for n in range(12)
}
Question = Callable[[], Any]


def _holds(one: Comparison) -> Any:
    name, op, constant = one
    if op == "==":
        return F.flag(name) if constant else ~F.flag(name)
    return F.count(name) >= constant if op == ">=" else F.count(name) < constant


def rules_alone() -> dict[str, Question]:
    """Which of the twelve rules hold, ours."""
    policy = Policy(
        name="twelve",
        version="1",
        levels=tuple(EscalationLevel(key=key) for key in ("one", "two", "three", "four", "five")),
        facts=(
            *(F.flag(f"flag{n}") for n in range(5)),
            *(F.count(f"count{n}", minimum=0, maximum=1_000) for n in range(5)),
        ),
        rules=tuple(
            Rule(key=name, when=_holds(one) & _holds(two) & _holds(three), then=A.Tag(name))
            for name, (one, two, three) in RULES.items()
        ),
    )
    case = Case.open("C-1", at=NINE, facts=SEEN)
    state = fold(machine_of(policy), case, microseconds_of(NINE))
    return {
        "which rules hold, of a folded state": lambda: [rule.name for rule in holding(state)],
        "a decision on one event and ten facts": lambda: [one.rule for one in decide(policy, case, at=NINE).actions],
    }


def ten_events() -> dict[str, Question]:
    """A whole decision on a case of ten events."""
    after = [NINE + timedelta(hours=hours) for hours in (1, 2, 2.5, 24, 25, 26, 30, 48, 49, 50)]
    case = Case.open("C-1", at=NINE, priority="normal").record(
        E.Assigned(at=after[0], person="Ann"),
        E.SupportReplied(at=after[1]),
        E.WaitStarted(at=after[2]),
        E.CustomerReplied(at=after[3]),
        E.Assigned(at=after[4], person="Ben"),
        E.WaitStarted(at=after[5], on="vendor"),
        E.PriorityChanged(at=after[6], to="high"),
        E.WaitEnded(at=after[7]),
        E.SupportReplied(at=after[8]),
    )
    return {
        "ten events: the fold": lambda: decide(POLICY, case, at=after[9]),
        "ten events: with the move": lambda: decide(POLICY, case, at=after[9]).move,
        "ten events: with wake_at": lambda: decide(POLICY, case, at=after[9]).wake_at,
    }


def by_hand() -> dict[str, Question]:
    """The rules as a person would write them, by the standard library's compiler."""
    tests = ", ".join(
        f"({name!r}, {' and '.join(f'f[{fact!r}] {op} {value!r}' for fact, op, value in parts)})"
        for name, parts in RULES.items()
    )
    found = eval(f"lambda f: [name for name, holds in ({tests}) if holds]")
    return {"by hand: conditions in Python": lambda: found(SEEN)}


def rule_engine() -> dict[str, Question]:
    import rule_engine as peer

    rules = [
        (name, peer.Rule(" and ".join(f"{fact} {op} {str(value).lower()}" for fact, op, value in parts)))
        for name, parts in RULES.items()
    ]
    return {f"rule-engine {version('rule-engine')}": lambda: [name for name, rule in rules if rule.matches(SEEN)]}


def business_rules() -> dict[str, Question]:
    from business_rules.actions import BaseActions, rule_action
    from business_rules.engine import run_all
    from business_rules.fields import FIELD_TEXT
    from business_rules.variables import BaseVariables, boolean_rule_variable, numeric_rule_variable

    def variable(name: str) -> Any:
        kind = boolean_rule_variable if name.startswith("flag") else numeric_rule_variable
        return kind(label=name)(lambda _: SEEN[name])

    variables = type("Variables", (BaseVariables,), {name: variable(name) for name in SEEN})()
    told: list[str] = []

    class Tell(BaseActions):  # type: ignore[misc]
        @rule_action(params={"name": FIELD_TEXT})  # type: ignore[untyped-decorator]
        def tell(self, name: str) -> None:
            told.append(name)

    def condition(one: Comparison) -> dict[str, Any]:
        name, op, value = one
        words = {">=": "greater_than_or_equal_to", "<": "less_than", "==": "is_true" if value else "is_false"}
        return {"name": name, "operator": words[op], "value": value}

    listed = [
        {
            "conditions": {"all": [condition(one) for one in parts]},
            "actions": [{"name": "tell", "params": {"name": name}}],
        }
        for name, parts in RULES.items()
    ]

    def ask() -> list[str]:
        told.clear()
        run_all(rule_list=listed, defined_variables=variables, defined_actions=Tell())
        return list(told)

    return {f"business-rules {version('business-rules')}": ask}


def installed(peer: Callable[[], dict[str, Question]]) -> dict[str, Question]:
    """A peer's questions; none if it is not installed, which is said."""
    try:
        return peer()
    except (ImportError, PackageNotFoundError):
        print(f"not installed: {peer.__name__}")
        return {}


def timed(ask: Question, calls: int) -> float:
    began = perf_counter()
    for _ in range(calls):
        ask()
    return (perf_counter() - began) / calls * 1e6


def main(rounds: int, markdown: bool) -> None:
    """Ask everything in every round, and print what it took."""
    same = {**rules_alone(), **by_hand()}
    for peer in (rule_engine, business_rules):
        same |= installed(peer)
    found = {name: sorted(ask()) for name, ask in same.items()}
    expected = found["by hand: conditions in Python"]
    assert all(one == expected for one in found.values()), found
    questions = {**same, **ten_events()}
    took: dict[str, list[float]] = {name: [] for name in questions}
    calls = {name: max(3, int(2_000 / max(timed(ask, 3), 0.1))) for name, ask in questions.items()}
    for _ in range(rounds):
        for name, ask in questions.items():
            took[name].append(timed(ask, calls[name]))
    print(f"{len(expected)} of {len(RULES)} rules hold; Python {platform.python_version()}, {platform.machine()}")
    line = "| {:<40} | {:>9} | {:>9} |" if markdown else "{:<40} {:>9} {:>9}"
    print(line.format("µs a call", "median", "least"))
    if markdown:
        print("| --- | --- | --- |")
    for name, figures in took.items():
        print(line.format(name, f"{median(figures):,.2f}", f"{min(figures):,.2f}"))


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:] if one.isdigit()]
    main(numbers[0] if numbers else 200, "--markdown" in sys.argv)
