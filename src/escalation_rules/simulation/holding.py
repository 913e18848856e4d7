"""What holds of many cases at once, since when, and when time alone will change it."""

from __future__ import annotations

import numpy as np

from escalation_rules.simulation.bulk import reach
from escalation_rules.simulation.columns import LOST
from escalation_rules.simulation.grids import BITS, LONG_AGO, NEVER, NONE, NOT_STARTED, PENDING, Ints, Mask
from escalation_rules.simulation.plans import Dialed, Outcomed, Shared, Timed, Tree
from escalation_rules.simulation.ticking import Ticking

__all__ = ["Holding"]


class Holding(Ticking):
    """The comparisons of a plan, and conditions over them."""

    def _put(self, k: int, rows: Ints, holds: Mask, when: Ints) -> None:
        """Whether a comparison holds now, and since when."""
        s = self.s
        was = s["truth"][k][rows]
        turned = holds != was
        if turned.any():
            s["truth"][k][rows] = holds
            gained = turned & holds
            s["since"][k][rows[gained]] = when[gained]
            s["stir"][rows[turned]] = True

    def _refresh(self) -> None:
        """Which comparisons hold after what has changed."""
        s = self.s
        for number, name in enumerate(self.names):
            rows = np.flatnonzero(s["dirty"][number])
            if len(rows):
                s["dirty"][number][rows] = False
                when = s["when"][rows]
                for k, table in self.dials.get(name, ()):
                    self._put(k, rows, table[self._value(name, rows, len(table))], when)
                for k in self.watched.get(name, ()):
                    holds, cross = self._look(k, rows)
                    self._put(k, rows, holds, when)
                    s["cross"][self.timed[k]][rows] = cross

    def _value(self, name: str, rows: Ints, size: int) -> Ints:
        """What a fact with one value at a time is, as the place in a table."""
        s = self.s
        if name in self.script.facts:
            return s["facts"][self.script.facts.index(name), rows]  # type: ignore[no-any-return]
        name = "requested" if name == "escalation_requested" else name
        shift = 1 if name == "level" else 0
        return np.minimum(s[name][rows].astype(np.int64) + shift, size - 1)

    def _look(self, k: int, rows: Ints) -> tuple[Mask, Ints]:
        """Whether a comparison that time changes holds now, and when time alone will change that."""
        one = self.plan.comparisons[k]
        if isinstance(one, Timed):
            return self._look_since(one, rows)
        found = self.s["latest"][self.keys[one.target]][rows] if one.target in self.keys else np.full(len(rows), NONE)  # type: ignore[union-attr]
        nothing = one.table[NOT_STARTED] if isinstance(one, Outcomed) else (not one.share) == one.wanted  # type: ignore[union-attr]
        holds, cross = np.full(len(rows), nothing), np.full(len(rows), NEVER)
        for g in np.unique(found[found >= 0]).tolist():
            where = np.flatnonzero(found == g)
            look = self._look_at_outcome if isinstance(one, Outcomed) else self._look_at_share
            holds[where], cross[where] = look(one, g, rows[where])  # type: ignore[arg-type]
        return holds, cross

    def _look_since(self, one: Timed, rows: Ints) -> tuple[Mask, Ints]:
        anchor = self._anchor(one.anchor, rows)
        holds, cross = np.full(len(rows), (not one.span.amount) == one.wanted), np.full(len(rows), NEVER)
        known = np.flatnonzero(anchor != LOST) if one.span.amount else np.zeros(0, np.int64)
        if len(known):
            if one.calendar is not None:
                edge = reach(one.calendar, anchor[known], one.span)
            else:
                line = self.plan.lines[one.line]
                edge = line.earliest(line.opened(anchor[known]) + (one.span.microseconds or 0))
            passed = edge <= self.s["now"][rows[known]]
            holds[known] = passed == one.wanted
            cross[known] = np.where(passed, NEVER, edge)
        return holds, cross

    def _anchor(self, name: str, rows: Ints) -> Ints:
        s = self.s
        if name == "open_for":
            return (s["cycle_when"][rows] >> BITS) + self.base
        if name == "at_level_for":
            since = (np.maximum(s["entry"][rows], s["cycle_when"][rows]) >> BITS) + self.base
            return np.where(s["level"][rows] == NONE, LOST, since)
        return s[{"unanswered_for": "unanswered", "unassigned_for": "unassigned", "since_update": "updated"}[name]][
            rows
        ]

    def _look_at_outcome(self, one: Outcomed, g: int, rows: Ints) -> tuple[Mask, Ints]:
        s = self.s
        outcome = np.where(s["clock open"][g][rows], self._outcome_now(g, rows), s["clock outcome"][g][rows])
        due = s["clock due"][g][rows]
        return one.table[outcome], np.where((outcome == PENDING) & (due != LOST), due + 1, NEVER)

    def _look_at_share(self, one: Shared, g: int, rows: Ints) -> tuple[Mask, Ints]:
        s = self.s
        budget, up, down = s["clock budget"][g][rows], one.share.numerator, one.share.denominator
        left = np.where(budget > 0, -(-budget * up // down) - self._counted_now(g, rows), 0)
        left = np.where(budget == NONE, int(bool(up)), left)
        runs = (left > 0) & s["clock open"][g][rows] & ~s["clock paused"][g][rows] & (budget != NONE)
        cross = np.full(len(rows), NEVER)
        for line, where in self._by_line(g, rows, runs):
            cross[where] = line.earliest(line.opened(s["now"][rows[where]]) + left[where])
        return (left <= 0) == one.wanted, cross

    def _holds(self, tree: Tree, rows: Ints) -> Mask:
        if isinstance(tree, int):
            return self.s["truth"][tree][rows]  # type: ignore[no-any-return]
        combine = np.logical_and if tree[0] == "all" else np.logical_or
        found = np.full(len(rows), tree[0] == "all")
        for part in tree[1]:
            found = combine(found, self._holds(part, rows))
        return found

    def _evidence(self, tree: Tree, rows: Ints) -> Ints:
        """When the latest thing happened that made a condition true, among its true members."""
        if isinstance(tree, int):
            one = self.plan.comparisons[tree]
            silent = isinstance(one, Dialed) and one.silent
            return np.full(len(rows), LONG_AGO) if silent else self.s["since"][tree][rows]
        found = np.full(len(rows), LONG_AGO)
        for part in tree[1]:
            told = self._evidence(part, rows)
            found = np.maximum(found, told if tree[0] == "all" else np.where(self._holds(part, rows), told, LONG_AGO))
        return found
