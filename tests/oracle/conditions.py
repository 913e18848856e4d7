"""Conditions as the oracle reads them: without negations, which have moved into the comparisons (rule 31)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from escalation_rules.conditions import AllOf, AnyOf, Atom, Condition, Not

OPPOSITES = ((">=", "<"), (">", "<="), ("==", "!="), ("in", "not in"))


def without_negations(condition: Condition) -> Condition:
    """The same condition; of what is unknown, neither a comparison nor its opposite is true."""
    if isinstance(condition, Not):
        return denied(condition.of)
    if isinstance(condition, AllOf):
        return AllOf(of=tuple(without_negations(one) for one in condition.of))
    if isinstance(condition, AnyOf):
        return AnyOf(of=tuple(without_negations(one) for one in condition.of))
    return condition


def denied(condition: Condition) -> Condition:
    """What holds where a condition is known not to: not all is one not, not any is all not."""
    if isinstance(condition, Not):
        return without_negations(condition.of)
    if isinstance(condition, AllOf):
        return AnyOf(of=tuple(denied(one) for one in condition.of))
    if isinstance(condition, AnyOf):
        return AllOf(of=tuple(denied(one) for one in condition.of))
    other = dict(OPPOSITES) | {right: left for left, right in OPPOSITES}
    return condition.model_copy(update={"op": other[condition.op]})


def comparisons(condition: Condition) -> list[Atom]:
    """The comparisons in a condition, from left to right."""
    if isinstance(condition, Not):
        return comparisons(condition.of)
    if isinstance(condition, AllOf | AnyOf):
        return [atom for one in condition.of for atom in comparisons(one)]
    return [condition]


def condition_holds(condition: Condition, holds: Callable[[Atom], bool]) -> bool:
    """Whether a condition without negations holds, where it is known which comparisons do."""
    if isinstance(condition, Atom):
        return holds(condition)
    assert not isinstance(condition, Not)
    parts = [condition_holds(one, holds) for one in condition.of]
    return all(parts) if isinstance(condition, AllOf) else any(parts)


def compare(held: Any, op: str, value: Any, rank: Callable[[Any], Any]) -> bool:
    """One comparison."""
    if op in {"in", "not in"}:
        return (held in value) is (op == "in")
    if op in {"==", "!="}:
        return bool(held == value) is (op == "==")
    left, right = rank(held), rank(value)
    found: bool = {">=": left >= right, "<": left < right, ">": left > right, "<=": left <= right}[op]
    return found
