"""Checks of public arguments: a policy, a case, cases with or without an instant; one clear error if not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from escalation_rules._values import read_instant
from escalation_rules.case import Case
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.policy import Policy


def check_policy(policy: object) -> None:
    """Raises `InvalidValue` for what is no policy."""
    if not isinstance(policy, Policy):
        raise InvalidValue(_no_policy(policy))


def check_policy_and_case(policy: object, case: object) -> None:
    """Raises `InvalidValue` for what is no policy or no case, or where they are in each other's place."""
    if isinstance(policy, Policy) and isinstance(case, Case):
        return
    if isinstance(policy, Case) and isinstance(case, Policy):
        raise InvalidValue(Problem("a policy and a case in each other's place", expected="the policy first"))
    problems = [] if isinstance(policy, Policy) else [_no_policy(policy)]
    raise InvalidValue(*problems, *([] if isinstance(case, Case) else [_no_case(case, "case")]))


def cases_of(given: Iterable[Case]) -> Iterator[Case]:
    """The cases, each looked at as it comes. Raises `InvalidValue` for one that is none, and for one by itself.

    >>> list(cases_of(["C-1"]))
    Traceback (most recent call last):
    escalation_rules.errors.InvalidValue: cases[0]: not a case `C-1`, expected a `Case`
    """
    if isinstance(given, Case) or not isinstance(given, Iterable):
        raise InvalidValue(Problem("not several cases", given, path="cases", expected="a list of `Case`"))
    for number, case in enumerate(given):
        if not isinstance(case, Case):
            raise InvalidValue(_no_case(case, f"cases[{number}]"))
        yield case


def _no_policy(given: object) -> Problem:
    return Problem("not a policy", given, path="policy", expected="a `Policy`")


def _no_case(given: object, path: str) -> Problem:
    one = "one `Case` at a time" if isinstance(given, list | tuple | set) else "a `Case`"
    return Problem("not a case", given, path=path, expected=one)


def read_cases(given: Iterable[Case | tuple[Case, datetime]]) -> Iterator[tuple[Case, datetime]]:
    """Each case with its instant, or else that of its last event. What is not a case is refused."""
    if isinstance(given, Case):
        raise InvalidValue(Problem("one case where several are expected", given.id, expected="a list of cases"))
    for one in given:
        case, at = one if isinstance(one, tuple) and len(one) == 2 else (one, None)
        if not isinstance(case, Case):
            raise InvalidValue(Problem("not a case", one, expected="a `Case`, or a pair of one and an instant"))
        yield case, case.history[-1].at if at is None else read_instant(at)
