"""Comparisons that events and time alone decide: at which instants each turns, for all cases at once.

A comparison is looked at after each event that can change it, and between two looks time changes it at most once. Most
looks find what the one before has left, so that few are kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from escalation_rules.simulation.states import Ints, Mask, Places, States

__all__ = ["Looks", "Turns", "turns_of"]


class Looks(NamedTuple):
    """What was seen of a comparison after some events, the opening of each case among them.

    Whether it `holds` then, when time will change that, and what it will be `after`; and at which looks there was new
    evidence of it (`again`), if it holds.
    """

    places: Places
    holds: Mask
    cross: Ints | None = None
    after: bool = False
    again: Mask | None = None


class Turns(NamedTuple):
    """The instants of cases (`keys`, in order) from which on a comparison holds or not, and by which event (`places`).

    Before the first of a case, it does not hold. Where it `holds`, there is new evidence. Where time turned it, the
    place is -1.
    """

    keys: Ints
    holds: Mask
    places: Places


def turns_of(states: States, looks: Looks, until: int) -> Turns:
    """When a comparison turns, from what was seen of it."""
    crossed = _crossed(states, looks, until)
    left = looks.holds.copy()
    left[crossed] = looks.after
    before = np.zeros(len(left), np.bool_)
    before[1:] = left[:-1]
    before &= ~states.opens[looks.places]
    turned = looks.holds != before
    if looks.again is not None:
        turned |= looks.again & looks.holds
    return _kept(states, looks, np.flatnonzero(turned), crossed)


def _crossed(states: States, looks: Looks, until: int) -> Ints:
    """The looks after which time changes a comparison, before the next look or by the end."""
    if looks.cross is None:
        return np.zeros(0, np.int64)
    places = looks.places
    limit = np.full(len(places), until)
    limit[:-1] = states.at[places[1:]]
    limit[np.flatnonzero(states.opens[places[1:]])] = until
    found: Ints = np.flatnonzero((looks.cross <= limit) & (looks.holds != looks.after))
    return found


def _kept(states: States, looks: Looks, turned: Ints, crossed: Ints) -> Turns:
    """The looks that turned a comparison and the crossings, in order; of several at one instant, the last."""
    places = looks.places[turned]
    keys, holds = states.keys[places], looks.holds[turned]
    if looks.cross is not None and len(crossed):
        spots = np.searchsorted(turned, crossed, side="right")
        keys = np.insert(keys, spots, states.key(states.case[looks.places[crossed]], looks.cross[crossed]))
        places, holds = np.insert(places, spots, -1), np.insert(holds, spots, looks.after)
    last = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=last[:-1])
    if last.all():
        return Turns(keys, holds, places)
    kept = np.flatnonzero(last)
    return Turns(keys[kept], holds[kept], places[kept])
