"""Questions about a case that are not part of a decision: does a condition hold, what is a fact's value.

They are answered by the fold itself, so that whoever tests a policy sees what its rules see.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from escalation_rules._values import read_instant
from escalation_rules.actions import Flag
from escalation_rules.case import Case
from escalation_rules.conditions import BUILT_IN, Condition
from escalation_rules.engine.comparisons import HELD
from escalation_rules.engine.compiler import compile_policy
from escalation_rules.engine.fold import fold
from escalation_rules.engine.machine import Program, State
from escalation_rules.engine.moves import tree_holds
from escalation_rules.engine.outcome import NOWHERE
from escalation_rules.policy import Policy
from escalation_rules.rules import Rule
from escalation_rules.worktime._timeline import microseconds_of

__all__ = ["holds", "value_of"]

_PROBE = "?"


def holds(policy: Policy, condition: Condition, case: Case, *, at: datetime) -> bool:
    """Whether a condition is known to hold of a case at an instant, for the first track; unknown is not true."""
    state = _state(_probed(policy, condition), case, at)
    rule = next(rule for rule in state.program.rules if rule.name == _PROBE)
    return tree_holds(rule.own_tree, lambda number: bool(state.truth >> number & 1))


def value_of(policy: Policy, name: str, case: Case, *, at: datetime, of: str | None = None) -> Any:
    """The value of a fact that holds one value at a time; None where it is unknown."""
    state = _state(compile_policy(policy), case, at)
    if name == "priority":
        return state.priority
    if name == "level":
        return _level(state, of)
    if name == "moves":
        return sum(state.ups)
    return HELD[name](state) if name in BUILT_IN else state.facts.get(name)


def _state(program: Program, case: Case, at: datetime) -> State:
    return fold(program, case, microseconds_of(read_instant(at)))


def _level(state: State, track: str | None) -> str | None:
    keys = [one.key for one in state.program.tracks]
    number = keys.index(track) if track is not None else 0
    level = state.level[number]
    return None if level == NOWHERE else state.program.levels[number][level].key


def _probed(policy: Policy, condition: Condition) -> Program:
    """The policy with one more rule, which moves nobody, kept with the policy for the next question."""
    kept: dict[Condition, Program] = policy.__dict__.setdefault("probes", {})
    if condition not in kept:
        probe = Rule(name=_PROBE, when=condition, then=Flag(text=_PROBE))
        kept[condition] = compile_policy(policy.model_copy(update={"rules": (*policy.rules, probe)}))
    return kept[condition]
