"""All cases at once, instant by instant: each step takes every case to its next instant.

It is the engine's fold over arrays. The last axis of every array is the cases that still go on; of those that are done
with, nothing is kept but the rows that they left. Instants are whole microseconds. A *when* is an instant, counted from
the first of the batch, with the position of an event in its history: `(instant << BITS) + position`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.conditions import OUTCOMES, STATUSES
from escalation_rules.simulation.bulk import reach
from escalation_rules.simulation.columns import LOST
from escalation_rules.simulation.plans import KINDS, Dialed, Group, Outcomed, Plan, Shared, Timed, Tree
from escalation_rules.simulation.scripts import Script

__all__ = ["BITS", "Left", "Sweep"]

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
BITS = 12
NEVER = np.iinfo(np.int64).max
LONG_AGO = -1
NONE = -1
NOT_STARTED, PENDING, MET, BREACHED, VOID = range(len(OUTCOMES))
OPEN, WAITING, RESOLVED, CLOSED, VOIDED = range(len(STATUSES))
IS_ENDING = np.array([*(kind in {E.Resolved, E.Closed, E.Voided} for kind in KINDS), False])
COUNTS = ("replies", "status_requests", "assignments", "escalations", "moves", "reopened")


class Left:
    """The rows that cases leave, by column, in pieces."""

    def __init__(self) -> None:
        self.pieces: list[tuple[Any, ...]] = []

    def add(self, *columns: Any) -> None:
        """Some more rows."""
        self.pieces.append(columns)

    def columns(self, count: int) -> list[Ints]:
        """All of them."""
        if not self.pieces:
            return [np.zeros(0, np.int64)] * count
        return [np.concatenate([piece[place] for piece in self.pieces]) for place in range(count)]


class Sweep:
    """Moves the cases of a script under a plan up to an instant.

    `shots` are what cases were like from an instant on (case, at, cycle, live, level, entry, priority), `moves` what the
    rules asked for (case, at, cycle, origin, level, rules as bits, cause), and `clocks` every instance of a target
    (case, group, occurrence, cycle, started, due, stopped, budget, counted, end, outcome, caused).
    """

    def __init__(self, plan: Plan, script: Script, until: int) -> None:
        self.plan, self.script, self.until = plan, script, until
        self.groups: tuple[Group, ...] = script.groups
        self.base = int(script.at.min()) if len(script.at) else until
        self.shots, self.moves, self.clocks = Left(), Left(), Left()
        self.timed = {
            k: row for row, k in enumerate(k for k, one in enumerate(plan.comparisons) if type(one) is not Dialed)
        }
        self.dials: dict[str, list[tuple[int, NDArray[np.bool_]]]] = {}
        for k, one in enumerate(plan.comparisons):
            if isinstance(one, Dialed):
                self.dials.setdefault(one.fact, []).append((k, script.table(one)))
        self.watched: dict[str, list[int]] = {}
        for k, one in enumerate(plan.comparisons):
            name = {Timed: "anchor", Shared: "target", Outcomed: "target"}.get(type(one))
            if name is not None:
                self.watched.setdefault(getattr(one, name), []).append(k)
        self.keys = {key: number for number, key in enumerate(dict.fromkeys(group.key for group in self.groups))}
        self.names = list(dict.fromkeys([*self.dials, *self.watched]))
        self._begin(len(script.starts) - 1)

    def _begin(self, n: int) -> None:
        comparisons, groups, script = len(self.plan.comparisons), len(self.groups), self.script
        whole, flags = (
            (lambda *shape: np.zeros((*shape, n), np.int64)),
            (lambda *shape: np.zeros((*shape, n), np.bool_)),
        )
        self.s: dict[str, NDArray[Any]] = {
            "case": np.arange(n),
            "place": script.starts[:-1].copy(),
            "end": script.starts[1:].copy(),
            "truth": flags(comparisons),
            "since": np.full((comparisons, n), LONG_AGO, np.int64),
            "cross": np.full((max(len(self.timed), 1), n), NEVER, np.int64),
            "assigned": whole(max(script.roles, 1)),
            "facts": whole(max(len(script.facts), 1)),
            "latest": np.full((max(len(self.keys), 1), n), NONE, np.int64),
            "occurrences": whole(max(len(self.keys), 1)),
            "dirty": flags(max(len(self.names), 1)),
        }
        for name in (
            "now",
            "position",
            "when",
            "priority",
            "waits",
            "status",
            "channel",
            "cycle",
            "cycle_when",
            "entry",
            *COUNTS,
        ):
            self.s[name] = whole()
        for name in ("unanswered", "unassigned", "updated", "next"):
            self.s[name] = np.full(n, LOST, np.int64)
        for name in ("live", "answered", "acknowledged", "requested", "stir", "changed", "settled"):
            self.s[name] = flags()
        self.s["level"] = np.full(n, NONE, np.int64)
        for name in ("occurrence", "in_cycle", "started", "term", "budget", "counted", "leg", "due", "outcome"):
            self.s[f"clock {name}"] = whole(groups)
        for name in ("open", "paused", "caused", "was_active"):
            self.s[f"clock {name}"] = flags(groups)
        if n:
            self.s["next"] = script.at[self.s["place"]]

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

    def _tick(self, rows: Ints) -> None:
        s = self.s
        s["position"][rows] += 1
        s["when"][rows] = ((s["now"][rows] - self.base) << BITS) + s["position"][rows]

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

    def _mark(self, name: str, rows: Ints) -> None:
        if name in self.names:
            self.s["dirty"][self.names.index(name)][rows] = True

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

    def _count(self, name: str, rows: Ints) -> None:
        self.s[name][rows] += 1
        self._mark(name, rows)

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

    # ------------------------------------------------------------------------ what holds

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
            return (s["cycle_when"][rows] >> BITS) + self.base  # type: ignore[no-any-return]
        if name == "at_level_for":
            since = (np.maximum(s["entry"][rows], s["cycle_when"][rows]) >> BITS) + self.base
            return np.where(s["level"][rows] == NONE, LOST, since)
        return s[{"unanswered_for": "unanswered", "unassigned_for": "unassigned", "since_update": "updated"}[name]][
            rows
        ]  # type: ignore[no-any-return]

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

    # ------------------------------------------------------------------------ clocks

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
        ends = IS_ENDING[kinds] if not group.at_the_end else kinds == _VOIDED
        self._void(g, rows[ends])

    def _void(self, g: int, rows: Ints) -> None:
        if len(rows):
            outcome = self._outcome_now(g, rows)
            self._halt(g, rows, np.where(outcome == PENDING, VOID, outcome))

    def _start_due(self, g: int, group: Group, rows: Ints, codes: Any, kinds: Ints, stopped: Mask) -> None:
        s, starts = self.s, group.target.starts
        cycle = (kinds == _OPENED) | (kinds == _REOPENED)
        if starts == "unanswered":
            due = self._unanswered(rows) & (cycle | (kinds == _REPLIED) | stopped)
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


_OPENED, _REPLIED, _REOPENED, _VOIDED = (
    KINDS.index(kind) for kind in (E.Opened, E.CustomerReplied, E.Reopened, E.Voided)
)
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
