"""Who owns levels and targets, at many instants: by the priority and the facts that roles are picked by."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from escalation_rules.picks import Pick
from escalation_rules.simulation.arrays import Keys
from escalation_rules.simulation.columns.compile import Group, Plan
from escalation_rules.simulation.columns.facts import Ints, States
from escalation_rules.simulation.words import Worded

__all__ = ["Owning"]


class Owning:
    """Roles by what they are picked by; `by` has the names of the facts, the priority first."""

    def __init__(self, plan: Plan, states: States) -> None:
        self.plan, script = plan, states.script
        given = [*(level.owner for level in plan.levels), *(target.owner for _, target in plan.targets)]
        facts = dict.fromkeys(role.by for role in given if isinstance(role, Pick) and role.by != "priority")
        self.by = ("priority", *facts)
        numbers = [script.facts.index(name) for name in facts]
        self.words = [script.priorities.words, *(script.values[number].words for number in numbers)]
        trails = [states.fact(number) for number in numbers]
        self.facts = [(Keys(states.keys[trail.places], states.size), trail.values) for trail in trails]

    def picked(self, keys: Ints, priority: Ints) -> Ints:
        """What roles were picked by after all that happened at instants, as one number, given the priority then."""
        found = priority
        for (known, values), words in zip(self.facts, self.words[1:], strict=True):
            found = found * len(words) + values[known.as_of(keys)]
        return found

    def roles(self, groups: Sequence[Group | None], level: Ints, picked: Ints, group: Any) -> Worded:
        """Who owned levels (without a group), or targets on them, by what roles were picked by.

        `group` is the number of each row's group.
        """
        rungs, count = len(self.plan.levels) + 1, prod(map(len, self.words))
        codes = (group * rungs + level + 1) * count + picked
        words = [word for one in groups for word in self._owners(one)]
        return Worded(codes.astype(np.min_scalar_type(-len(words) - 1)), np.array(words, object))

    def _owners(self, group: Group | None) -> list[str | None]:
        """Who owns each level, or a target on it, by level (nowhere is the first) and what roles are picked by."""
        named = None if group is None else group.target.owner
        given = [named, *(named if named is not None else level.owner for level in self.plan.levels)]
        return [self._chosen(role, values) for role in given for values in product(*self.words)]

    def _chosen(self, role: Any, values: tuple[Any, ...]) -> str | None:
        found = role.choose(values[self.by.index(role.by)]) if isinstance(role, Pick) else role
        return None if found is None else str(found)
