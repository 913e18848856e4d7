"""Targets at work on many cases at once: what events do to clocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from escalation_rules.simulation.bulk import reach
from escalation_rules.simulation.columns import LOST
from escalation_rules.simulation.grids import (
    BREACHED,
    IS_ENDING,
    MET,
    NONE,
    NOT_STARTED,
    OPENED,
    PENDING,
    REOPENED,
    REPLIED,
    VOID,
    VOIDING,
    Grid,
    Ints,
    Mask,
)
from escalation_rules.simulation.plans import Group

__all__ = ["Ticking"]


class Ticking(Grid):
    """The clocks of targets. In this order: stop, void, retarget, pause or resume, start."""

    def _by_line(self, g: int, rows: Ints, chosen: Mask) -> Iterator[tuple[Any, Ints]]:
        """The places of the chosen rows, by the line on which a clock counts."""
        lines = self.script.term_lines[g]
        where = np.flatnonzero(chosen)
        if not len(where):
            return
        if len(set(lines.tolist())) == 1:
            yield self.plan.lines[int(lines[0])], where
            return
        held = lines[self.s["clock term"][g][rows[where]]]
        for number in np.unique(held).tolist():
            yield self.plan.lines[number], where[held == number]

    def _counted_now(self, g: int, rows: Ints) -> Ints:
        s = self.s
        counted = s["clock counted"][g][rows].copy()
        runs = s["clock open"][g][rows] & ~s["clock paused"][g][rows]
        for line, where in self._by_line(g, rows, runs):
            counted[where] += line.opened(s["now"][rows[where]]) - s["clock leg"][g][rows[where]]
        return counted  # type: ignore[no-any-return]

    def _is_over(self, g: int, rows: Ints) -> Mask:
        due = self.s["clock due"][g][rows]
        return (due != LOST) & (self.s["now"][rows] > due)  # type: ignore[no-any-return]

    def _outcome_now(self, g: int, rows: Ints) -> Ints:
        """The outcome of an open clock."""
        s = self.s
        none = np.where(s["clock was_active"][g][rows], VOID, NOT_STARTED)
        return np.where(s["clock budget"][g][rows] == NONE, none, np.where(self._is_over(g, rows), BREACHED, PENDING))

    def _emit(self, g: int, rows: Ints, outcome: Ints, stopped: Ints, counted: Ints) -> None:
        s = self.s
        held = (s[f"clock {name}"][g][rows] for name in ("occurrence", "in_cycle", "started", "due"))
        self.clocks.add(
            *(s["case"][rows], np.full(len(rows), g), *held, stopped, s["clock budget"][g][rows], counted),
            *(s["now"][rows], outcome, s["clock caused"][g][rows]),
        )

    def _halt(self, g: int, rows: Ints, outcome: Ints) -> None:
        """Clocks stop: their outcome, their due and what they counted are final."""
        s = self.s
        counted = self._counted_now(g, rows)
        self._emit(g, rows, outcome, s["now"][rows], counted)
        s["clock counted"][g][rows], s["clock outcome"][g][rows], s["clock open"][g][rows] = counted, outcome, False
        self._mark(self.groups[g].key, rows)

    def _turn(self, rows: Ints, codes: Any, kinds: Ints, repriced: Mask) -> None:
        """What events do to clocks: stop, void, retarget, pause or resume, start."""
        s = self.s
        settled = s["settled"][rows]
        s["settled"][rows] = False
        touched = np.flatnonzero(self.script.touches[codes] | settled | repriced)
        if len(touched) < len(rows):
            rows, codes, kinds = rows[touched], codes[touched], kinds[touched]
            settled, repriced = settled[touched], repriced[touched]
        for g, group in enumerate(self.groups):
            opened = s["clock open"][g][rows]
            stopped = opened & group.stops[codes]
            if stopped.any():
                here = rows[stopped]
                outcome = self._outcome_now(g, here)
                self._halt(g, here, np.where(outcome == PENDING, MET, outcome))
                opened = s["clock open"][g][rows]
            turned = opened & (settled | (repriced & group.is_picked))
            if turned.any():
                self._void_ended(g, group, rows[turned & settled], kinds[turned & settled])
                turned &= s["clock open"][g][rows]
                turned[turned] = ~self._is_over(g, rows[turned])
                self._retarget(g, rows[turned & repriced])
                self._pause_or_resume(g, rows[turned])
            self._start_due(g, group, rows, codes, kinds, stopped)

    def _void_ended(self, g: int, group: Group, rows: Ints, kinds: Ints) -> None:
        ends = IS_ENDING[kinds] if not group.at_the_end else kinds == VOIDING
        self._void(g, rows[ends])

    def _void(self, g: int, rows: Ints) -> None:
        if len(rows):
            outcome = self._outcome_now(g, rows)
            self._halt(g, rows, np.where(outcome == PENDING, VOID, outcome))

    def _start_due(self, g: int, group: Group, rows: Ints, codes: Any, kinds: Ints, stopped: Mask) -> None:
        s, starts = self.s, group.target.starts
        cycle = (kinds == OPENED) | (kinds == REOPENED)
        if starts == "unanswered":
            due = self._unanswered(rows) & (cycle | (kinds == REPLIED) | stopped)
        elif starts:
            due = group.starts[codes] & (s["live"][rows] | IS_ENDING[kinds])
        else:
            due = cycle & s["live"][rows]
        if group.target.recurs:
            due |= stopped & s["live"][rows]
        due &= ~s["clock open"][g][rows]
        if group.level is not None:
            due &= s["level"][rows] == group.level
        if due.any():
            self._start(g, rows[due])

    def _unanswered(self, rows: Ints) -> Mask:
        s = self.s
        known = s["answered"][rows] | (s["cycle"][rows] > 1)
        return s["live"][rows] & (s["unanswered"][rows] != LOST) & known  # type: ignore[no-any-return]

    def _budget(self, g: int, rows: Ints) -> Ints:
        """What the present terms allow; days come to open time from the start to the nominal due."""
        s, group = self.s, self.groups[g]
        terms = s["clock term"][g][rows]
        budget = self.script.term_budgets[g][terms].copy()
        for number in np.unique(terms).tolist():
            term = group.terms[number]
            if term.days is not None and term.span is not None:
                where = np.flatnonzero(terms == number)
                started, line = s["clock started"][g][rows[where]], self.plan.lines[term.line]
                budget[where] = line.opened(reach(term.days, started, term.span)) - line.opened(started)
        return budget  # type: ignore[no-any-return]

    def _start(self, g: int, rows: Ints) -> None:
        s, key = self.s, self.keys[self.groups[g].key]
        s["occurrences"][key][rows] += 1
        s["clock occurrence"][g][rows], s["clock in_cycle"][g][rows] = s["occurrences"][key][rows], s["cycle"][rows]
        s["clock started"][g][rows], s["clock term"][g][rows] = s["now"][rows], s["priority"][rows]
        budget = self._budget(g, rows)
        s["clock budget"][g][rows], s["clock was_active"][g][rows] = budget, budget != NONE
        s["clock counted"][g][rows], s["clock caused"][g][rows], s["clock open"][g][rows] = 0, False, True
        s["clock paused"][g][rows] = (s["waits"][rows] & self.script.pauses[g]) != 0
        self._mark_leg(g, rows)
        s["clock due"][g][rows] = np.where(budget == 0, s["now"][rows], LOST)
        self._run(g, rows[budget != 0])
        s["latest"][key][rows] = g
        self._mark(self.groups[g].key, rows)

    def _mark_leg(self, g: int, rows: Ints) -> None:
        for line, where in self._by_line(g, rows, np.ones(len(rows), np.bool_)):
            self.s["clock leg"][g][rows[where]] = line.opened(self.s["now"][rows[where]])

    def _run(self, g: int, rows: Ints) -> None:
        """When clocks are due that run from now on."""
        s = self.s
        runs = ~s["clock paused"][g][rows] & (s["clock budget"][g][rows] != NONE)
        for line, where in self._by_line(g, rows, runs):
            here = rows[where]
            left = s["clock budget"][g][here] - s["clock counted"][g][here]
            s["clock due"][g][here] = line.earliest(s["clock leg"][g][here] + left)

    def _retarget(self, g: int, rows: Ints) -> None:
        """Another span or calendar: what was counted stays counted."""
        s = self.s
        same = self.script.term_kinds[g]
        rows = rows[same[s["clock term"][g][rows]] != same[s["priority"][rows]]]
        if not len(rows):
            return
        counted, here, exact = self._counted_now(g, rows), s["now"][rows], np.zeros(len(rows), np.bool_)
        for line, where in self._by_line(g, rows, ~s["clock paused"][g][rows]):
            point = line.opened(here[where])
            exact[where] = (point > s["clock leg"][g][rows[where]]) & (line.earliest(point) == here[where])
        s["clock counted"][g][rows], s["clock term"][g][rows] = counted, s["priority"][rows]
        budget = self._budget(g, rows)
        s["clock budget"][g][rows] = budget
        s["clock was_active"][g][rows] |= budget != NONE
        s["clock paused"][g][rows] = (s["waits"][rows] & self.script.pauses[g]) != 0
        self._mark_leg(g, rows)
        passed = (budget != NONE) & (counted >= budget)
        just = np.where(budget == 0, s["clock started"][g][rows] == here, exact & (counted == budget))
        s["clock caused"][g][rows] = passed & ~just
        s["clock due"][g][rows] = np.where(passed, here, LOST)
        self._run(g, rows[~passed])
        self._mark(self.groups[g].key, rows)

    def _pause_or_resume(self, g: int, rows: Ints) -> None:
        """A pause that begins at or after due rescues nothing."""
        s = self.s
        paused = (s["waits"][rows] & self.script.pauses[g]) != 0
        due, caused = s["clock due"][g][rows], s["clock caused"][g][rows]
        turns = (paused != s["clock paused"][g][rows]) & ((due == LOST) | (due > s["now"][rows]) | caused)
        if not turns.any():
            return
        rows, paused, caused = rows[turns], paused[turns], caused[turns]
        s["clock counted"][g][rows] = self._counted_now(g, rows)
        s["clock paused"][g][rows] = paused
        self._mark_leg(g, rows)
        free = rows[~caused]
        s["clock due"][g][free] = LOST
        self._run(g, free)
        self._mark(self.groups[g].key, rows)
