"""The cases that one is given to look at, each perhaps with an instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from escalation_rules._values import read_instant
from escalation_rules.case import Case
from escalation_rules.errors import InvalidValue, Problem

__all__ = ["read_cases"]


def read_cases(given: Iterable[Case | tuple[Case, datetime]]) -> Iterator[tuple[Case, datetime]]:
    """Each case with its instant, or else that of its last event. What is not a case is refused."""
    if isinstance(given, Case):
        raise InvalidValue(Problem("one case where several are expected", given.id, expected="a list of cases"))
    for one in given:
        case, at = one if isinstance(one, tuple) and len(one) == 2 else (one, None)
        if not isinstance(case, Case):
            raise InvalidValue(Problem("not a case", one, expected="a `Case`, or a pair of one and an instant"))
        yield case, case.history[-1].at if at is None else read_instant(at)
