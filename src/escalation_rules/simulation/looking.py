"""What is seen of the comparisons that do not depend on levels, after each event that can change them."""

from __future__ import annotations

import numpy as np

from escalation_rules.simulation.columns.atoms import Dialed, OfClock
from escalation_rules.simulation.columns.clocks import nothing
from escalation_rules.simulation.columns.conditions import Looks
from escalation_rules.simulation.columns.facts import States
from escalation_rules.simulation.terming import dialed

__all__ = ["at_dial", "at_nothing"]


def at_dial(states: States, one: Dialed) -> Looks:
    """Looks at a fact with one value at a time, whenever it may change."""
    places, holds = dialed(states, one)
    # while a request is open, the latest is its evidence
    again = states.requests[places] if one.fact == "escalation_requested" else None
    return Looks(places, holds, again=again)


def at_nothing(states: States, one: OfClock) -> Looks:
    """A look at a target that there is not."""
    return Looks(states.opening, np.full(states.size, nothing(one)))
