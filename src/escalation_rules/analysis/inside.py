"""Everything inside a policy that can be named or looked at."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from escalation_rules._values import Value, fields_of
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
    """Everything inside a value, down to texts and numbers, but for what only names it."""
    found: list[Any] = []
    pending = [given]
    while pending:
        one = pending.pop()
        if isinstance(one, Value):
            found.append(one)
            pending += [held for name, held in fields_of(one) if name not in _NAMES]
        elif isinstance(one, dict):
            pending += one.values()
        elif isinstance(one, tuple):
            pending += one
        else:
            found.append(one)
    return found


_NAMES = {"name", "key", "title", "text"}
