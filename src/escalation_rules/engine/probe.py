"""Answers questions outside a decision: whether a condition is true for a case, and the value of a fact.

The fold itself answers them, so a test of a policy sees exactly the values that its rules see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from escalation_rules._values import read_instant
from escalation_rules.actions import Tag
from escalation_rules.case import Case
from escalation_rules.conditions import Condition
from escalation_rules.engine.clocks import counted_now, outcome_now
from escalation_rules.engine.fold import fold
from escalation_rules.engine.machine import Machine
from escalation_rules.engine.state import State
from escalation_rules.errors import InvalidValue
from escalation_rules.levels import NOWHERE
from escalation_rules.policy import Policy
from escalation_rules.program import compile_policy
from escalation_rules.program.model import tree_holds
from escalation_rules.rules import Rule
from escalation_rules.worktime._timeline import microseconds_of

_PROBE = "?"


def holds(policy: Policy, condition: Condition, case: Case, *, at: datetime) -> bool:
    """Return whether a condition is true of a case at an instant, for the first track; unknown is not true."""
    state = _state(_probed(policy, condition), case, at)
    rule = next(rule for rule in state.program.rules if rule.name == _PROBE)
    return tree_holds(rule.own_tree, lambda number: bool(state.tests.truth >> number & 1))


def value_of(policy: Policy, name: str, case: Case, *, at: datetime, of: str | None = None) -> Any:
    """Return the value of a fact that has one value at a time; None if it is unknown.

    `of` is the track or the target of the fact. Durations, `level_failed` and `happened` have no value: use `holds`.
    """
    machine = _keeping(policy, name)
    state = _state(machine, case, at)
    return _ASKED[name](state, of) if name in _ASKED else machine.value_reader(name, None)(state)


def _state(machine: Machine, case: Case, at: datetime) -> State:
    return fold(machine, case, microseconds_of(read_instant(at)))


def _level(state: State, track: str | None) -> str | None:
    number = _track(state, track)
    level = state.levels.level[number]
    return None if level == NOWHERE else state.program.levels[number][level].key


def _moves(state: State, track: str | None) -> int:
    return sum(state.levels.ups) if track is None else state.levels.ups[_track(state, track)]


def _track(state: State, track: str | None) -> int:
    keys = [one.key for one in state.program.tracks]
    return 0 if track is None else keys.index(track)


def _outcome(state: State, target: str | None) -> str:
    clock = state.clocks.latest.get(str(target))
    return "not_started" if clock is None else outcome_now(clock, state)


def _used(state: State, target: str | None) -> Fraction:
    clock = state.clocks.latest.get(str(target))
    if clock is None or clock.budget is None:
        return Fraction(0)
    return Fraction(counted_now(clock, state), clock.budget) if clock.budget else Fraction(1)


def _overdue(state: State, _: str | None) -> int:
    items = state.facts.plan.items if state.facts.plan else ()
    return sum(not item.done and item.due_at is not None and state.now > microseconds_of(item.due_at) for item in items)


_ASKED: dict[str, Callable[[State, str | None], Any]] = {
    "priority": lambda state, _: state.facts.priority,
    "level": _level,
    "moves": _moves,
    "outcome": _outcome,
    "used": _used,
    "plan_items_overdue": _overdue,
}
"""Readers of the facts that are about a track or target, or that the state keeps as a number instead of a name."""


def _probed(policy: Policy, condition: Condition) -> Machine:
    """Compile the policy with one more rule, which moves nobody, and keep it with the policy."""
    machines: dict[Condition, Machine] = policy.__dict__.setdefault("probes", {})
    if condition not in machines:
        probe = Rule(key=_PROBE, when=condition, then=Tag(text=_PROBE))
        machines[condition] = Machine(compile_policy(_with_rule(policy, probe)))
    return machines[condition]


def _keeping(policy: Policy, name: str) -> Machine:
    """Compile the policy with a fact that is kept whether or not a rule reads it, and keep it with the policy."""
    machines: dict[str, Machine] = policy.__dict__.setdefault("kept facts", {})
    if name not in machines:
        machines[name] = Machine(compile_policy(policy, keep=(name,)))
    return machines[name]


def _with_rule(policy: Policy, probe: Rule) -> Policy:
    """Add the rule to the policy; problems are reported at the condition's own path, since the caller wrote no rule."""
    try:
        return policy.model_copy(update={"rules": (*policy.rules, probe)})
    except InvalidValue as error:
        place = f"rules[{_PROBE}].when"
        raise InvalidValue(
            *(replace(one, path=one.path.removeprefix(place).removeprefix(".")) for one in error.problems),
            subject="condition",
        ) from None
