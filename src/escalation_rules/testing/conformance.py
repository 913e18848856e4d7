"""Conformance: answers as JSON, for implementations of the same semantics in other languages.

A file is a list of examples. Each has a name, a policy, a case, an instant and the answer that is expected: some of a
decision's fields, as JSON has them. `check_example` holds one against this library, or against another implementation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from escalation_rules.case import Case
from escalation_rules.engine import decide
from escalation_rules.policy import Policy

__all__ = ["FIELDS", "Answer", "answer_of", "check_example", "example", "read_examples"]

Answer = Callable[[dict[str, Any], dict[str, Any], str], Mapping[str, Any]]
"""From a policy, a case and an instant, as JSON has them, to the answer."""

FIELDS = ("status", "positions", "moves", "blocked", "actions", "deadlines", "worklist", "de_escalation", "wake_at")
"""What is compared unless an example says less: all of it but what explains."""


def answer_of(policy: dict[str, Any], case: dict[str, Any], at: str) -> Mapping[str, Any]:
    """What this library answers, as JSON has it."""
    decision = decide(Policy.model_validate(policy), Case.model_validate(case), at=datetime.fromisoformat(at))
    told: dict[str, Any] = json.loads(decision.model_dump_json())
    return told


def example(name: str, policy: Policy, case: Case, *, at: datetime, fields: Iterable[str] = FIELDS) -> dict[str, Any]:
    """An example to be stored: what this library answers is what is expected."""
    given = json.loads(policy.model_dump_json()), json.loads(case.model_dump_json()), at.isoformat()
    answer = answer_of(*given)
    return {
        "name": name,
        "policy": given[0],
        "case": given[1],
        "at": given[2],
        "expected": {field: answer[field] for field in fields},
    }


def read_examples(text: str) -> list[dict[str, Any]]:
    """The examples of a file, given its text. Raises `ValueError` for what is no list of examples."""
    found = json.loads(text)
    wanted = {"name", "policy", "case", "at", "expected"}
    if not isinstance(found, list) or any(not isinstance(one, dict) or wanted - set(one) for one in found):
        raise ValueError(f"not a list of examples: each has {', '.join(sorted(wanted))}")
    return found


def check_example(given: Mapping[str, Any], answer: Answer = answer_of) -> None:
    """Hold an example against an implementation. Raises AssertionError with every field that differs."""
    found = answer(given["policy"], given["case"], given["at"])
    odd = [
        f"{field}: expected {json.dumps(expected, sort_keys=True)}, got {json.dumps(found.get(field), sort_keys=True)}"
        for field, expected in given["expected"].items()
        if found.get(field) != expected
    ]
    assert not odd, "\n".join([f"{given['name']} at {given['at']}", *odd])
