"""`check`: what its author would hardly want of a policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from escalation_rules._arguments import check_policy
from escalation_rules._values import read_instant
from escalation_rules.analysis.check.levels import (
    climbs,
    gaps,
    hopeless_checklists,
    uncovered_levels,
    unreachable_levels,
)
from escalation_rules.analysis.check.names import odd_thresholds, uncounted_spans, unused_names
from escalation_rules.analysis.check.rules import (
    alive,
    dead_rules,
    duplicate_rules,
    lowering_rules,
    redundant_rules,
    without_evidence,
)
from escalation_rules.analysis.check.targets import idle_targets, slower_when_urgent
from escalation_rules.analysis.report import CheckFinding, Report
from escalation_rules.analysis.workbench import BUDGET, Workbench
from escalation_rules.errors import InvalidValue, Problem, unknown
from escalation_rules.policy import Policy
from escalation_rules.worktime import Rota

__all__ = ["check"]


def check(
    policy: Policy,
    rotas: Mapping[str, Rota] | None = None,
    during: tuple[datetime, datetime] | None = None,
    *,
    budget: int = BUDGET,
) -> Report:
    """Look for what an author would hardly want: rules that never hold, levels no rule leads to, cases that can wait.

    `rotas` are those of the policy unless given; whether somebody is on duty is looked at `during` (from, until; aware
    datetimes), since there is no clock here. `budget` is how many steps each question may take; those that take more
    are listed as unfinished and nothing is said of them. What is called dead, redundant or unreachable is so in every
    case; what depends on how a case goes on is only told with a case that shows it. Raises `InvalidValue` for a
    `during` that is not two aware datetimes, the earlier first, for rotas given without one, and for rotas of roles
    that the policy does not name.

    >>> from escalation_rules import EscalationLevel, Policy, Rule, facts as F
    >>> policy = Policy(
    ...     name="desk", version="1",
    ...     levels=(EscalationLevel(key="first"), EscalationLevel(key="second", work=())),
    ...     rules=(
    ...         Rule(key="late", when=F.open_for >= "8 hours", to="second"),
    ...         Rule(key="very late", when=F.open_for >= "9 hours", to="second"),
    ...     ),
    ... )
    >>> [(one.code, one.path) for one in check(policy).of("redundant-rule")]
    [('redundant-rule', 'rules[very late]')]
    """
    check_policy(policy)
    _check_rotas(policy, rotas, during)
    period = None if during is None else _period(during)
    board = Workbench(policy if rotas is None else policy.with_rotas(rotas), budget)
    found = sorted(_findings(board, period), key=lambda one: _GRAVITY[one.severity])
    return Report(
        policy=policy.name,
        version=policy.version,
        findings=tuple(found),
        unfinished=tuple(dict.fromkeys(board.unfinished)),
        steps=board.steps,
    )


def _check_rotas(policy: Policy, rotas: object, during: object) -> None:
    if rotas is None:
        return
    if not isinstance(rotas, Mapping):
        raise InvalidValue(Problem("not rotas", rotas, path="rotas", expected="a `Rota` for each role"))
    known = policy.roles_named
    problems = [unknown("role", role, known, f"rotas[{role}]") for role in rotas if role not in known]
    if during is None:
        problems.append(Problem("rotas without a time to look at them", path="during", expected="(from, until)"))
    if problems:
        raise InvalidValue(*problems)


def _period(during: object) -> tuple[datetime, datetime]:
    """From when until when, as two instants."""
    ends = tuple(during) if isinstance(during, tuple | list) else ()
    if len(ends) != 2:
        raise InvalidValue(Problem("not a period", during, path="during", expected="two aware datetimes: from, until"))
    try:
        start, end = map(read_instant, ends)
    except InvalidValue as error:
        raise InvalidValue(*(problem.under("during") for problem in error.problems)) from None
    if start >= end:
        raise InvalidValue(Problem("a period that ends before it begins", during, path="during"))
    return start, end


_GRAVITY = {"error": 0, "warning": 1, "note": 2}


def _findings(board: Workbench, during: tuple[datetime, datetime] | None) -> Iterator[CheckFinding]:
    yield from dead_rules(board)
    rules = alive(board)
    yield from without_evidence(board, rules)
    yield from redundant_rules(board, rules)
    yield from duplicate_rules(board)
    yield from climbs(board, rules)
    yield from lowering_rules(board, rules)
    yield from unreachable_levels(board, rules)
    yield from hopeless_checklists(board)
    yield from gaps(board)
    yield from idle_targets(board)
    yield from slower_when_urgent(board)
    yield from odd_thresholds(board)
    yield from uncounted_spans(board)
    yield from unused_names(board)
    if during is not None:
        yield from uncovered_levels(board, *during)
