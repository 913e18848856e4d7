"""Checks of names and thresholds: what nothing looks at, comparisons outside a fact's domain, time that never stops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from escalation_rules.actions import RaisePriority
from escalation_rules.analysis.domains import scope_of_target
from escalation_rules.analysis.report import CheckFinding, finding
from escalation_rules.analysis.workbench import Workbench
from escalation_rules.conditions import Atom, Condition, atoms
from escalation_rules.explain import phrase
from escalation_rules.picks import Pick, alternatives
from escalation_rules.policy import Policy
from escalation_rules.program.atoms import RuleScope
from escalation_rules.worktime import Span


def odd_thresholds(board: Workbench) -> Iterator[CheckFinding]:
    """Comparisons that come out the same whatever the fact is."""
    seen: set[tuple[str, Atom]] = set()
    for path, condition, scope in _conditions(board):
        for atom in atoms(condition):
            odd = _oddity(board, atom, scope)
            if odd is not None and (path, atom) not in seen:
                seen.add((path, atom))
                yield finding(
                    "outside-its-domain",
                    f"{path}.{atom.fact}",
                    f"`{phrase(atom)}` {odd}",
                    "compare it with a value that the fact can pass, or leave the comparison out",
                )


def _conditions(board: Workbench) -> Iterator[tuple[str, Condition, RuleScope]]:
    policy = board.policy
    for rule in policy.all_rules:
        yield f"rules[{rule.key}].when", rule.when, board.space.scope(rule)
        if rule.unless is not None:
            yield f"rules[{rule.key}].unless", rule.unless, board.space.scope(rule)
    for index, target in enumerate(policy.targets):
        if target.when is not None:
            yield f"targets[{index}].when", target.when, scope_of_target(board.policy, target, None)
    for level in policy.all_levels:
        for index, target in enumerate(level.targets):
            if target.when is not None:
                scope = scope_of_target(board.policy, target, level.key)
                yield f"levels[{level.key}].targets[{index}].when", target.when, scope


def _oddity(board: Workbench, atom: Atom, scope: RuleScope) -> str | None:
    own = board.policy.own_fact(atom.fact)
    if own is not None and own.kind == "count":
        values = atom.value if isinstance(atom.value, tuple) else (atom.value,)
        if any(not (own.minimum or 0) <= value <= (own.maximum or 0) for value in values):
            return f"compares with a value outside its domain, {own.minimum} to {own.maximum}"
    formula = board.space.formula(atom, scope)
    if isinstance(formula, bool):
        return "is so in every case" if formula else "is so in no case"
    if own is not None and own.kind == "count":
        number, mask = formula
        if mask == board.space.axes[number].full & ~1 and len(board.space.axes[number].cells) > 1:
            return "is so whenever the fact is known"
    return None


# ---------------------------------------------------------------------------- calendars
def uncounted_spans(board: Workbench) -> Iterator[CheckFinding]:
    """Business time in a policy without a calendar: all time counts then, nights and weekends too."""
    for path, span in _spans(board.policy) if not board.policy.calendars else ():
        if isinstance(span, Span) and span.is_business:
            yield finding(
                "counts-in-no-calendar",
                path,
                f"`{span}` counts in no calendar: all time does, nights and weekends too",
                "give the policy a calendar, or say it in plain time",
            )


def _spans(policy: Policy) -> Iterator[tuple[str, Any]]:
    """What rules compare with and targets allow, each with its path."""
    for rule in policy.all_rules:
        for atom in atoms(rule.when):
            yield from ((f"rules[{rule.key}].when.{atom.fact}", value) for value in alternatives(atom.value))
    for index, target in enumerate(policy.targets):
        yield from ((f"targets[{index}]", span) for span in alternatives(target.within))
    for level in policy.all_levels:
        for index, target in enumerate(level.targets):
            yield from ((f"levels[{level.key}].targets[{index}]", span) for span in alternatives(target.within))


# ---------------------------------------------------------------------------- names
def unused_names(board: Workbench) -> Iterator[CheckFinding]:
    """Facts, calendars and priorities that nothing in the policy looks at."""
    policy, found = board.policy, board.inside.parts
    for fact in policy.facts:
        if fact.name not in board.inside.looked_at:
            yield finding(
                "unused-fact",
                f"facts[{fact.name}]",
                f"no rule, target or choice looks at the fact `{fact.name}`",
                "take it out, or use it",
            )
    texts = {one for one in found if isinstance(one, str)} | {policy.usual_calendar}
    for name in policy.calendars:
        if name not in texts:
            yield finding(
                "unused-calendar", f"calendars[{name}]", f"nothing counts in the calendar `{name}`", "take it out"
            )
    yield from _unused_priorities(policy, found)


def _unused_priorities(policy: Policy, found: list[Any]) -> Iterator[CheckFinding]:
    """Where priorities are named one by one, those that are left out.

    A policy that never looks at the priority only lists the words, and one with a threshold sees them all.
    """
    named: set[str] = set()
    for one in found:
        if isinstance(one, Atom) and one.fact == "priority":
            if one.op not in {"==", "in"}:
                return
            named |= set(one.value if isinstance(one.value, tuple) else (one.value,))
        elif isinstance(one, Pick) and one.by == "priority":
            if one.otherwise is not None:
                return
            named |= set(one.values)
        elif isinstance(one, RaisePriority):
            named |= set(policy.priorities) if one.to == "next" else {one.to}
    for name in policy.priorities if named else ():
        if name not in named:
            yield finding(
                "unused-priority",
                "priorities",
                f"the policy names priorities one by one, and never `{name}`: no rule or target is for its cases",
                f"say what holds for `{name}`, or take it out",
            )
