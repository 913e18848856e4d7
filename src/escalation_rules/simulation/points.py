"""The instants at which rules may begin to ask for something, as far as events and time alone decide it.

What depends on levels is taken to hold here. So no more is left for the sweep than the instants at which a rule that
may hold has new evidence, or a cycle begins; at all others nothing can come of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules.engine.rules import leaves
from escalation_rules.simulation.arrays import BITS, WIDTH, Keys, distinct, either
from escalation_rules.simulation.columns.atoms import Tree, held
from escalation_rules.simulation.columns.compile import Ruling
from escalation_rules.simulation.columns.conditions import Turns
from escalation_rules.simulation.columns.facts import Ints, Mask, States
from escalation_rules.simulation.grids import LONG_AGO, NONE, starts_of
from escalation_rules.simulation.records import Records

__all__ = ["Points"]


class Points:
    """All instants of cases at which some comparison turned (`keys`), and which of them the rules must look at.

    Of each rule, by its number, `may` says at each of these instants whether it holds if what depends on levels does.
    Rules that name a level that asks for nothing, and depend on none, are `plain`: of those that hold, `best` is the
    highest level named, by track. Those to look at are `chosen`; those of case `i` stand from `starts[i]` up to
    `starts[i + 1]`.
    """

    def __init__(self, states: States, records: Records, rules: dict[int, Ruling], turns: dict[int, Turns]) -> None:
        self.states, self.records, self.turns = states, records, turns
        begins, in_force = states.keys[states.beginnings], self._in_force()
        self.keys = distinct(begins, in_force, *(one.keys for one in turns.values()))
        self.case = self.keys >> WIDTH
        self.bounds = np.r_[0, np.flatnonzero(self.case[1:] != self.case[:-1]) + 1, len(self.keys)]
        self.ordered = Keys(self.keys, states.size)
        self.spots = {k: self.as_of(one.keys) for k, one in turns.items()}
        self.holds = {k: self._filled(k) for k in turns}
        self.may = {number: self._may(rule.tree) for number, rule in rules.items()}
        checked = states.script.plan.checked
        self.plain = {
            number: rule.to
            for number, rule in rules.items()
            if rule.to is not None and rule.to >= 0 and rule.to not in checked
            if not (rule.gates or rule.raises) and turns.keys() >= set(leaves(rule.tree))
        }
        self.best = [np.full(len(self.keys), NONE, np.int16) for _ in states.script.plan.tracks]
        for number, to in self.plain.items():
            best = self.best[rules[number].track]
            # a level is above nowhere by one more than its number
            np.maximum(best, self.may[number] * np.int16(to + 1) + NONE, out=best)
        again = len(begins) > states.size
        self._choose(rules, self.as_of(begins) if again else self.bounds[:-1], self.as_of(in_force))

    # ------------------------------------------------------------------------ what holds

    def _filled(self, k: int) -> Mask:
        """Whether a comparison holds at each of the instants, from those at which it turns."""
        spots, holds = self.spots[k], self.turns[k].holds
        if not len(spots):
            return np.zeros(len(self.keys), np.bool_)
        case = self.turns[k].keys >> WIDTH
        same, turns, stays = case[1:] == case[:-1], holds.copy(), holds.copy()
        turns[1:] ^= holds[:-1] & same
        stays[:-1] &= ~same  # what holds to the end of a case, and not in the next
        turned = np.zeros(len(self.keys) + 1, np.bool_)
        turned[spots] = turns
        turned[self.bounds[case[np.flatnonzero(stays)] + 1]] ^= True
        return np.logical_xor.accumulate(turned[:-1])

    def _may(self, tree: Tree) -> Mask:
        always = np.ones(len(self.keys), np.bool_)
        return held(tree, lambda k: self.holds.get(k, always))

    def as_of(self, keys: Ints) -> Ints:
        """The last instant of a case, up to another, at which a comparison turned."""
        return self.ordered.as_of(keys)

    def since(self, k: int, places: Any) -> Ints:
        """Since when a comparison has held, where it does."""
        one = self.turns[k]
        if not len(one.keys):
            return np.full(len(places), LONG_AGO)
        turned = np.searchsorted(one.keys, self.keys[places], side="right") - 1
        by_time = (self.states.instants(one.keys[turned]) - self.states.base) << BITS
        return either(one.places[turned] < 0, by_time, self.states.when(one.places[turned]))  # type: ignore[no-any-return]

    # ------------------------------------------------------------------------ where to look

    def _in_force(self) -> Ints:
        """When the policy comes to be in force, for the cases that are open by then."""
        since, states = self.states.script.plan.effective_from, self.states
        if since is None or since - states.base >= 1 << WIDTH:
            return np.zeros(0, np.int64)
        open_by_then = np.flatnonzero(states.at[states.opening] < since)
        return states.key(open_by_then, np.full(len(open_by_then), since))

    def _choose(self, rules: dict[int, Ruling], begins: Ints, in_force: Ints) -> None:
        """The instants to look at, while the case is worked on and the policy is in force."""
        plan = self.states.script.plan
        fresh = np.zeros(len(self.keys), np.bool_)
        fresh[in_force] = True
        placed = np.full(self.states.size, plan.goes_outside)
        placed[self.states.case[np.flatnonzero(self.records.moves)]] = True
        for number in rules if placed.any() else rules.keys() - self.plain.keys():
            for spots in (begins, *self._gains(rules[number])):
                asks = self.may[number][spots]
                if number in self.plain:
                    asks &= placed[self.case[spots]]  # a case that was put down, or is back, may be asked for again
                fresh[spots[np.flatnonzero(asks)]] = True
        if plan.checked:  # of what is held back it is told from when to when
            fresh[:] = True
        found = np.flatnonzero(np.logical_or.reduce([fresh, *(self._rises(best, begins) for best in self.best)]))
        found = found[np.flatnonzero(self.states.live_at(self.keys[found]))]
        if plan.effective_from is not None:
            found = found[np.flatnonzero(self.states.instants(self.keys[found]) >= plan.effective_from)]
        higher = [self._is_higher(best[found], found) for best in self.best]
        self.chosen = found[np.flatnonzero(np.logical_or.reduce([fresh[found], *higher]))]
        self.at = self.states.instants(self.keys[self.chosen])
        self.starts = starts_of(self.case[self.chosen], self.states.size)

    def _gains(self, rule: Ruling) -> Iterator[Ints]:
        """Where there is new evidence of a rule; or, of one that raises the priority, other evidence."""
        for k in self.turns.keys() & set(leaves(rule.tree)):
            yield self.spots[k] if rule.raises else self.spots[k][np.flatnonzero(self.turns[k].holds)]

    def _rises(self, best: NDArray[np.int16], begins: Ints) -> Mask:
        """Whether the highest level that plain rules ask for on a track is higher than before, or a cycle begins."""
        rises = np.zeros(len(self.keys), np.bool_)
        rises[begins] = True
        rises[1:] |= best[1:] > best[:-1]
        return rises & (best > NONE)

    def _is_higher(self, best: NDArray[np.int16], places: Ints) -> Mask:
        """Whether plain rules ask for more than they did before in the case."""
        order = best + (self.case[places] << 16)
        found = np.ones(len(order), np.bool_)
        found[1:] = order[1:] > np.maximum.accumulate(order)[:-1]
        return found
