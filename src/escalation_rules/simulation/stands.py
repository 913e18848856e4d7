"""Where cases stand, on each track, at the instant that a sweep has reached."""

from __future__ import annotations

from typing import Any

import numpy as np

from escalation_rules.simulation.plans import Plan
from escalation_rules.simulation.states import Mask, States

__all__ = ["Stands"]


class Stands:
    """Where cases stand: on which level of each track (-1 is nowhere), and whether that is external, by track and case.

    What moves cases writes it, and the clocks of targets read it.
    """

    def __init__(self, plan: Plan, states: States) -> None:
        opened = states.code[states.opening]
        self.level = np.stack([levels[opened] for levels in states.script.levels])
        self.outside = plan.outside[self.level]

    def is_outside(self, case: Any) -> Mask:
        """Whether cases are external on some track."""
        found: Mask = self.outside[0][case]
        for outside in self.outside[1:]:
            found = found | outside[case]
        return found
