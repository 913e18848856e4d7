"""Comparisons that events and time alone decide: at which instants each turns, for all cases at once.

A comparison is looked at after each event that can change it, and between two looks time changes it at most once. Most
looks find what the one before has left, so that few are kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from escalation_rules.simulation.columns.facts import Ints, Mask, Places, States

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
    opens = states.opens[looks.places]
    crossed = _crossed(states, looks, opens, until)
    left = looks.holds.copy()
    left[crossed] = looks.after
    before = np.zeros(len(left), np.bool_)
    before[1:] = left[:-1]
    before &= ~opens
    turned = looks.holds != before
    if looks.again is not None:
        turned |= looks.again & looks.holds
    return _last(_merged(states, looks, turned, crossed) if len(crossed) else _turns(states, looks, turned))


def _crossed(states: States, looks: Looks, opens: Mask, until: int) -> Ints:
    """The looks after which time changes a comparison, before the next look or by the end."""
    if looks.cross is None:
        return np.zeros(0, np.int64)
    limit = np.append(states.at[looks.places[1:]], until)
    limit[np.flatnonzero(opens[1:])] = until
    return np.flatnonzero((looks.cross <= limit) & (looks.holds != looks.after))


def _turns(states: States, looks: Looks, turned: Mask) -> Turns:
    rows = np.flatnonzero(turned)
    places = looks.places[rows]
    return Turns(states.keys[places], looks.holds[rows], places)


def _merged(states: States, looks: Looks, turned: Mask, crossed: Ints) -> Turns:
    """The looks that turned a comparison, each with the crossing that came after it."""
    both = np.zeros((len(turned), 2), np.bool_)
    both[:, 0], both[crossed, 1] = turned, True
    found = np.flatnonzero(both)
    rows, by_time = found >> 1, np.flatnonzero(found & 1)
    places, holds = looks.places[rows], looks.holds[rows]
    keys = states.keys[places]
    keys[by_time] = states.key(states.case[places[by_time]], looks.cross[crossed])  # type: ignore[index]
    holds[by_time], places[by_time] = looks.after, -1
    return Turns(keys, holds, places)


def _last(turns: Turns) -> Turns:
    """Of several at one instant, the last."""
    last = np.ones(len(turns.keys), np.bool_)
    np.not_equal(turns.keys[1:], turns.keys[:-1], out=last[:-1])
    if last.all():
        return turns
    kept = np.flatnonzero(last)
    return Turns(turns.keys[kept], turns.holds[kept], turns.places[kept])
