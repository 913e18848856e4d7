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
    crossed, keys = _crossed(states, looks, until)
    left = looks.holds.copy()
    left[crossed] = looks.after
    before = np.zeros(len(left), np.bool_)
    before[1:] = left[:-1]
    before &= ~states.opens[looks.places]
    turned = looks.holds != before
    if looks.again is not None:
        turned |= looks.again & looks.holds
    return _last(_merged(states, looks, turned, crossed, keys) if len(crossed) else _turns(states, looks, turned))


def _crossed(states: States, looks: Looks, until: int) -> tuple[Ints, Ints]:
    """The looks after which time changes a comparison, before the next look or by the end, and when."""
    if looks.cross is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    found = np.flatnonzero((looks.cross <= until) & (looks.holds != looks.after))
    keys = states.key(states.case[looks.places[found]], looks.cross[found])
    following = np.append(states.keys[looks.places[1:]], np.iinfo(np.int64).max)  # what is of the next case, is later
    crossed = np.flatnonzero(keys <= following[found])
    return found[crossed], keys[crossed]


def _turns(states: States, looks: Looks, turned: Mask) -> Turns:
    rows = np.flatnonzero(turned)
    places = looks.places[rows]
    return Turns(states.keys[places], looks.holds[rows], places)


def _merged(states: States, looks: Looks, turned: Mask, crossed: Ints, keys: Ints) -> Turns:
    """The looks that turned a comparison, each with the crossing that came after it."""
    both = np.zeros((len(turned), 2), np.bool_)
    both[:, 0], both[crossed, 1] = turned, True
    found = np.flatnonzero(both)
    rows, by_time = found >> 1, np.flatnonzero(found & 1)
    places, holds = looks.places[rows], looks.holds[rows]
    told = states.keys[places]
    told[by_time], holds[by_time], places[by_time] = keys, looks.after, -1
    return Turns(told, holds, places)


def _last(turns: Turns) -> Turns:
    """Of several at one instant, the last."""
    last = np.ones(len(turns.keys), np.bool_)
    np.not_equal(turns.keys[1:], turns.keys[:-1], out=last[:-1])
    if last.all():
        return turns
    kept = np.flatnonzero(last)
    return Turns(turns.keys[kept], turns.holds[kept], turns.places[kept])
