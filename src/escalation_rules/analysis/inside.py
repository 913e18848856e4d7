"""Everything inside a policy that can be named or looked at."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

from escalation_rules._values import Value
from escalation_rules.conditions import Atom
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy

__all__ = ["Inside"]


class Inside:
    """What a policy is made of, down to texts and numbers: found when it is first asked for, and once."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    @cached_property
    def parts(self) -> list[Any]:
        """Every value, text and number that says what happens, and none that only declares a name."""
        policy = self._policy
        return _parts_of((policy.all_tracks, policy.rules, policy.targets, policy.calendar))

    @cached_property
    def looked_at(self) -> set[str]:
        """The facts that a comparison or a choice goes by."""
        compared = {one.fact for one in self.parts if isinstance(one, Atom)}
        return compared | {one.by for one in self.parts if isinstance(one, Pick)}


def _parts_of(given: Any) -> list[Any]:
    found: list[Any] = []
    pending = [given]
    while pending:
        one = pending.pop()
        if isinstance(one, tuple):
            pending += one
            continue
        if isinstance(one, dict):
            pending += one.values()
            continue
        found.append(one)
        if isinstance(one, Value):
            held = vars(one)
            pending += [held[name] for name in _telling_fields(type(one))]
    return found


@cache
def _telling_fields(kind: type[Value]) -> tuple[str, ...]:
    """The fields of a kind of value, but for those that only name it."""
    return tuple(name for name in kind.model_fields if name not in {"name", "key", "title", "text"})
