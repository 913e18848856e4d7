"""All cases at once, instant by instant: each step takes every case to its next instant.

It is the engine's fold over arrays. The last axis of every array is the cases that still go on; of those that are done
with, nothing is kept but the rows that they left. Instants are whole microseconds. A *when* is an instant, counted from
the first of the batch, with the position of an event in its history: `(instant << BITS) + position`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from escalation_rules.simulation.columns import LOST
from escalation_rules.simulation.grids import BITS, BREACHED, LONG_AGO, NEVER, NONE, OPEN, WAITING, Ints, Mask
from escalation_rules.simulation.holding import Holding
from escalation_rules.simulation.plans import KINDS, Outcomed

__all__ = ["Sweep"]


class Sweep(Holding):
    """Moves the cases of a script under a plan up to an instant."""

    # ------------------------------------------------------------------------ steps

    def run(self) -> None:
        """To the end."""
        while len(self.s["case"]):
            s = self.s
            now = np.minimum(s["next"], s["cross"].min(axis=0))
            over = now > self.until
            if over.any():
                self._finish(np.flatnonzero(over))
                if over.sum() * 4 < len(over) and not over.all():
                    # finished cases stay where they are, never to come up again, until it pays to leave them out
                    s["next"][over], s["cross"][:, over] = NEVER, NEVER
                    s["done"] = s.get("done", np.zeros(len(over), np.bool_)) | over
                    over = s["done"]
                if over.sum() * 4 >= len(over):
                    self._leave(np.flatnonzero(~over))
                    continue
            self._step(now)

    def _leave(self, kept: Ints) -> None:
        self.s = {name: held[..., kept] for name, held in self.s.items() if name != "done"}

    def _step(self, now: Ints) -> None:
        s = self.s
        s["now"] = now
        self._cross()
        while True:
            here = np.flatnonzero((s["next"] == now) & (now != NEVER))
            if not len(here):
                break
            self._happen(here)
        self._rules()
        changed = np.flatnonzero(s["changed"])
        if len(changed):
            s["changed"][changed] = False
            self.shots.add(
                *(s[name][changed] for name in ("case", "now", "cycle", "live", "level", "entry", "priority"))
            )

    def _finish(self, rows: Ints) -> None:
        """Cases that go no farther: what their open clocks have come to."""
        s = self.s
        rows = rows[~s["done"][rows]] if "done" in s else rows
        s["now"][rows] = self.until
        for g in range(len(self.groups)):
            here = rows[s["clock open"][g][rows]]
            if len(here):
                self._emit(g, here, self._outcome_now(g, here), np.full(len(here), LOST), self._counted_now(g, here))

    def _cross(self) -> None:
        """What time alone has changed by now. Crossings come before the events of their instant."""
        s = self.s
        for k, row in self.timed.items():
            hit = np.flatnonzero((s["cross"][row] == s["now"]) & (s["now"] != NEVER))
            if len(hit):
                s["cross"][row][hit] = NEVER
                one = self.plan.comparisons[k]
                holds = one.table[BREACHED] if isinstance(one, Outcomed) else one.wanted  # type: ignore[union-attr]
                self._put(k, hit, np.full(len(hit), holds), (s["now"][hit] - self.base) << BITS)

    # ------------------------------------------------------------------------ events

    def _happen(self, rows: Ints) -> None:
        """One event of each of these cases, with all that it does."""
        s, script = self.s, self.script
        place = s["place"][rows]
        codes = script.code[place]
        s["place"][rows] += 1
        more = s["place"][rows] < s["end"][rows]
        s["next"][rows] = np.where(more, script.at[np.minimum(s["place"][rows], len(script.at) - 1)], NEVER)
        self._tick(rows)
        kinds = script.kind[codes]
        repriced = np.zeros(len(rows), np.bool_)
        for kind in np.flatnonzero(np.bincount(kinds, minlength=len(KINDS) + 1)[: len(KINDS)]).tolist():
            where = np.flatnonzero(kinds == kind)
            found = _EFFECTS[kind](self, rows[where], codes[where])
            if found is not None:
                repriced[where] = found
        self._turn(rows, codes, kinds, repriced)
        self._refresh()

    def _begin_cycle(self, rows: Ints) -> None:
        s = self.s
        s["cycle"][rows] += 1
        s["cycle_when"][rows], s["updated"][rows] = s["when"][rows], s["now"][rows]
        s["acknowledged"][rows] = False
        s["occurrences"][:, rows] = 0
        for name in ("replies", "status_requests", "assignments"):
            s[name][rows] = 0
        for name in (
            "open_for",
            "at_level_for",
            "since_update",
            "acknowledged",
            "replies",
            "status_requests",
            "assignments",
        ):
            self._mark(name, rows)
        s["settled"][rows] = s["changed"][rows] = s["stir"][rows] = True

    def _opened(self, rows: Ints, codes: Any) -> None:
        s, script = self.s, self.script
        s["priority"][rows], s["channel"][rows] = script.priority[codes], script.channel[codes]
        staff = script.by_staff[codes]
        s["live"][rows], s["answered"][rows] = True, staff
        s["status"][rows] = OPEN
        for fact, table in enumerate(script.opening_facts):
            s["facts"][fact, rows] = table[codes]
        self._begin_cycle(rows)
        s["unassigned"][rows] = s["now"][rows]
        s["unanswered"][rows] = np.where(staff, LOST, s["now"][rows])
        s["level"][rows] = script.level[codes]
        s["entry"][rows] = s["when"][rows]
        for name in self.names:
            self._mark(name, rows)

    def _customer_replied(self, rows: Ints, codes: Any) -> None:
        s, script = self.s, self.script
        fresh = rows[s["unanswered"][rows] == LOST]
        s["unanswered"][fresh] = s["now"][fresh]
        self._mark("unanswered_for", fresh)
        self._count("status_requests", rows[script.asks_status[codes]])
        self._request(rows[script.asks_escalation[codes]])
        self._settle(rows, s["status"][rows], s["waits"][rows] & ~script.customer)

    def _support_replied(self, rows: Ints, codes: Any) -> None:
        s = self.s
        rows = rows[self.script.counts[codes]]
        s["unanswered"][rows], s["answered"][rows], s["updated"][rows] = LOST, True, s["now"][rows]
        self._mark("unanswered_for", rows)
        self._mark("since_update", rows)
        self._count("replies", rows)

    def _update_sent(self, rows: Ints, codes: Any) -> None:
        rows = rows[self.script.counts[codes]]
        self.s["updated"][rows] = self.s["now"][rows]
        self._mark("since_update", rows)

    def _acknowledged(self, rows: Ints, codes: Any) -> None:
        rows = rows[self.script.counts[codes]]
        self.s["acknowledged"][rows] = True
        self._mark("acknowledged", rows)

    def _asked(self, rows: Ints, codes: Any) -> None:
        self._request(rows[self.script.asks_escalation[codes]])

    def _request(self, rows: Ints) -> None:
        """A request for attention; while one is open, the latest is its evidence."""
        s = self.s
        self._count("escalations", rows)
        s["requested"][rows] = True
        self._mark("escalation_requested", rows)
        for k, table in self.dials.get("escalation_requested", ()):
            if table[1]:
                held = rows[s["truth"][k][rows]]
                s["since"][k][held] = s["when"][held]
                s["stir"][held] = True

    def _answered(self, rows: Ints, _codes: Any) -> None:
        self.s["requested"][rows] = False
        self._mark("escalation_requested", rows)

    def _priority_changed(self, rows: Ints, codes: Any) -> Mask:
        s = self.s
        changed: Mask = s["priority"][rows] != self.script.priority[codes]
        s["priority"][rows] = self.script.priority[codes]
        self._mark("priority", rows[changed])
        s["changed"][rows[changed]] = True
        return changed

    def _assigned(self, rows: Ints, codes: Any) -> None:
        s, script = self.s, self.script
        role, holder = script.role[codes], script.holder[codes]
        self._count("assignments", rows[s["assigned"][role, rows] != holder])
        s["assigned"][role, rows] = holder
        some = (s["assigned"][:, rows] > 0).any(axis=0)
        kept = np.where(s["unassigned"][rows] == LOST, s["now"][rows], s["unassigned"][rows])
        s["unassigned"][rows] = np.where(some, LOST, kept)
        self._mark("unassigned_for", rows)

    def _wait_started(self, rows: Ints, codes: Any) -> None:
        self._settle(rows, self.s["status"][rows], self.s["waits"][rows] | self.script.wait[codes])

    def _wait_ended(self, rows: Ints, _codes: Any) -> None:
        self._settle(rows, self.s["status"][rows], np.zeros(len(rows), np.int64))

    def _settle(self, rows: Ints, status: Ints, waits: Ints) -> None:
        """Waits change only while the case is worked on."""
        s = self.s
        live = status <= WAITING
        rows, status, waits = rows[live], status[live], waits[live]
        fresh = np.where(waits != 0, WAITING, OPEN)
        changed = rows[(waits != s["waits"][rows]) | (fresh != status)]
        s["status"][rows], s["waits"][rows] = fresh, waits
        self._mark("status", changed)
        s["settled"][changed] = True

    def _ended(self, rows: Ints, codes: Any) -> None:
        s = self.s
        status = self.script.status[codes]
        changed = rows[s["status"][rows] != status]
        s["status"][rows], s["waits"][rows], s["live"][rows] = status, 0, False
        self._mark("status", changed)
        s["settled"][changed] = s["changed"][changed] = True

    def _reopened(self, rows: Ints, _codes: Any) -> None:
        s = self.s
        s["status"][rows], s["waits"][rows], s["live"][rows] = OPEN, 0, True
        self._mark("status", rows)
        self._begin_cycle(rows)
        self._count("reopened", rows)

    def _fact_observed(self, rows: Ints, codes: Any) -> None:
        fact, value = self.script.fact[codes], self.script.value[codes]
        rows, fact, value = rows[fact >= 0], fact[fact >= 0], value[fact >= 0]
        self.s["facts"][fact, rows] = value
        for number, name in enumerate(self.script.facts):
            self._mark(name, rows[fact == number])

    # ------------------------------------------------------------------------ rules

    def _rules(self) -> None:
        """Rules to a fixpoint; each round reads the state that the last one left."""
        s = self.s
        rows = np.flatnonzero(s["stir"])
        s["stir"][rows] = False
        rows = rows[s["live"][rows]]
        while len(rows):
            rows = self._round(rows)
            s["stir"][rows] = False

    def _round(self, rows: Ints) -> Ints:
        """One round. Which cases moved."""
        s, rules = self.s, self.plan.rules
        level = s["level"][rows]
        wants = (
            np.stack([self._wanted(rule, rows, level) for rule in rules]) if rules else np.full((1, len(rows)), NONE)
        )
        to = wants.max(axis=0)
        moved = np.flatnonzero(to > level)
        if not len(moved):
            return moved
        rows, wants, to, level = rows[moved], wants[:, moved], to[moved], level[moved]
        bits, cause = np.zeros(len(rows), np.int64), np.full(len(rows), NEVER)
        for number, rule in enumerate(rules):
            asks = np.flatnonzero(wants[number] == to)
            if len(asks):
                bits[asks] |= 1 << number
                found = self._evidence(rule.tree, rows[asks])
                found = np.where(found == LONG_AGO, s["cycle_when"][rows[asks]], found)
                cause[asks] = np.minimum(cause[asks], found >> BITS)
        self.moves.add(s["case"][rows], s["now"][rows], s["cycle"][rows], level, to, bits, cause + self.base)
        self._move(rows, to)
        return rows

    def _wanted(self, rule: Any, rows: Ints, level: Ints) -> Ints:
        """The level that a rule wants each case on, above the present one; -1 for none."""
        if rule.to is None:
            return np.full(len(rows), NONE)
        holds = self._holds(rule.tree, rows)
        if rule.levels is not None:
            holds = holds & rule.levels[level]
        if rule.to >= 0:
            return np.where(holds & (rule.to > level), rule.to, NONE)
        found = np.full(len(rows), NONE)
        above = np.flatnonzero(holds & (level + 1 < len(self.plan.levels)))
        fresh = above[self._evidence(rule.tree, rows[above]) > self.s["entry"][rows[above]]]
        found[fresh] = level[fresh] + 1
        return found

    def _move(self, rows: Ints, to: Ints) -> None:
        s = self.s
        self._tick(rows)
        left = s["level"][rows]
        s["level"][rows], s["entry"][rows], s["changed"][rows] = to, s["when"][rows], True
        self._count("moves", rows)
        self._mark("level", rows)
        self._mark("at_level_for", rows)
        for g, group in enumerate(self.groups):
            if group.level is not None:
                self._void(g, rows[(left == group.level) & s["clock open"][g][rows]])
            enters = np.ones(len(rows), np.bool_) if group.level is None else to == group.level
            if group.target.starts == "unanswered":
                enters &= self._unanswered(rows)
            elif group.target.starts or group.level is None:
                continue
            starts = rows[enters & ~s["clock open"][g][rows]]
            if len(starts):
                self._start(g, starts)
        self._refresh()


_EFFECTS: tuple[Any, ...] = (
    Sweep._opened,
    Sweep._customer_replied,
    Sweep._support_replied,
    Sweep._acknowledged,
    Sweep._asked,
    Sweep._answered,
    Sweep._priority_changed,
    Sweep._assigned,
    Sweep._wait_started,
    Sweep._wait_ended,
    Sweep._fact_observed,
    Sweep._update_sent,
    Sweep._ended,
    Sweep._ended,
    Sweep._ended,
    Sweep._reopened,
)
"""What each kind of event does, in the order of `KINDS`."""
