"""What is on record of cases: the levels that people and hosts wrote down, those that failed, and what happened."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from escalation_rules.patterns import Pattern
from escalation_rules.simulation.columns.facts import Ints, Mask, States, Trail

__all__ = ["Records"]


class Records:
    """The levels on record of many cases.

    `moves` are the events that put a case on a level, `track` and `level` on which (-1 is nowhere).
    """

    def __init__(self, states: States) -> None:
        self.states, script = states, states.script
        self.track, self.level = script.placed_on[states.code], script.placed[states.code]
        self.moves = self._moves()
        self.any = bool(self.moves.any())
        self._seen: dict[tuple[Pattern, ...], Ints] = {}

    def _moves(self) -> Mask:
        """To observe a level that is on record already is no move."""
        states, script = self.states, self.states.script
        moves = states.like(script.placed_on >= 0)
        for track, levels in enumerate(script.levels) if script.is_observed.any() else ():
            places = np.flatnonzero(states.like(script.placed_on == track) | states.opens)
            code = states.code[places]
            record = np.where(states.opens[places], levels[code], script.placed[code])
            again = (record == states.before(Trail(places, record))) & script.is_observed[code]
            moves[places[np.flatnonzero(again)]] = False
        return moves

    def happened(self, patterns: tuple[Pattern, ...]) -> Mask:
        """Events that are like one of some patterns."""
        return self.states.like(self.states.script.seen[patterns])

    def seen(self, patterns: tuple[Pattern, ...]) -> Ints:
        """When an event last was like one of some patterns, after each event; -1 if none was."""
        if patterns not in self._seen:
            self._seen[patterns] = self._last(self.happened(patterns))
        return self._seen[patterns]

    def _last(self, events: Mask) -> Ints:
        states = self.states
        places = np.flatnonzero(events | states.opens)
        return states.spread(Trail(places, np.where(events[places], states.when(places), -1)))

    @cached_property
    def failures(self) -> Mask:
        """Events that say that a level failed."""
        return self.states.like(self.states.script.failed_on >= 0)

    @cached_property
    def failed(self) -> dict[tuple[int, int], Ints]:
        """When each level last failed (-1: whatever level of the track the case was on), by track and level.

        It is -1 if it never did.
        """
        tracks, levels = self.states.script.failed_on, self.states.script.failed
        found = {pair for pair in zip(tracks.tolist(), levels.tolist(), strict=True) if pair[0] >= 0}
        return {pair: self._last(self.states.like((tracks == pair[0]) & (levels == pair[1]))) for pair in found}
