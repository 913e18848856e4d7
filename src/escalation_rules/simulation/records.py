"""Where the record puts cases: the levels that people and hosts wrote down, and those that failed."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from escalation_rules.simulation.states import Ints, Mask, States, Trail

__all__ = ["Records"]


class Records:
    """The levels on record of many cases. `moves` are the events that put a case on a level, `level` on which."""

    def __init__(self, states: States) -> None:
        self.states, self.level = states, states.script.placed[states.code]
        self.moves = self._moves()
        self.any = bool(self.moves.any())

    def _moves(self) -> Mask:
        """To observe a level that is on record already is no move."""
        states, script = self.states, self.states.script
        moves = states.like(script.placed >= 0)
        places = np.flatnonzero(moves | states.opens)
        code = states.code[places]
        record = np.where(states.opens[places], script.level[code], script.placed[code])
        again = (record == states.before(Trail(places, record))) & script.is_observed[code]
        moves[places[np.flatnonzero(again)]] = False
        return moves

    @cached_property
    def failures(self) -> Mask:
        """Events that say that a level failed."""
        return self.states.like(self.states.script.failed > _NO_FAILURE)

    @cached_property
    def failed(self) -> dict[int, Ints]:
        """When each level last failed (-1: whatever level the case was on), by level; -1 if it never did."""
        states, codes = self.states, self.states.script.failed
        found = {}
        for rung in set(codes[codes > _NO_FAILURE].tolist()):
            fails = states.like(codes == rung)
            places = np.flatnonzero(fails | states.opens)
            found[rung] = states.spread(Trail(places, np.where(fails[places], states.when(places), -1)))
        return found


_NO_FAILURE = -2
