"""Facts of many cases: their values after each event by events alone, and the positions at an instant of the sweep.

A replay keeps what people did, so most of a case does not depend on the rules: its status, waits, priority and counts,
and since when it is unanswered or unassigned. Each of these depends on the last event of a few kinds, so it is computed
from these events without a step for each.

An event is identified by its place among all events of the batch, which are in order of case, instant and position.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.conditions import STATUSES
from escalation_rules.events import KINDS as BY_NAME
from escalation_rules.fact_table import FACTS, Count, Flag, Kept
from escalation_rules.patterns import Pattern
from escalation_rules.program.model import HappenedTest, LevelTest, ValueTest
from escalation_rules.simulation.arrays import (
    BEFORE_ANY,
    EVENT_BITS,
    INSTANT_BITS,
    NAT,
    NONE,
    CaseTimeIndex,
    Ints,
    Lane,
    Mask,
    Places,
    toggled,
)
from escalation_rules.simulation.columns.compile import KINDS, Plan, TemplateTables

_FEW = 24
"""The most templates whose events are found faster by comparing with each than by looking in a table."""
OPEN, WAITING = STATUSES.index("open"), STATUSES.index("waiting")


class StepFunction(NamedTuple):
    """A step function: its values after the events that may change it, the opening of each case among them."""

    places: Places
    values: NDArray[Any]


class Picks(NamedTuple):
    """The values of some facts after each event, as one number, and the events that change it; openings do."""

    values: Ints
    changes: Mask


# rules 9 and 10: facts after every event, for all cases
class EventFacts:
    """The facts of each case after each of its events, as arrays over all events of the batch.

    A *when* is an instant, counted from the first of the batch, with the position of an event in its history: `(instant
    << EVENT_BITS) + position`. A *key* is a case with an instant: `(case << INSTANT_BITS) + instant`.
    """

    def __init__(self, script: TemplateTables) -> None:
        self.script, self.at = script, script.at
        self.code = script.code
        self._code = script.code.astype(np.min_scalar_type(len(script.kind)))  # small types are compared faster
        self._kind = script.kind.astype(np.int8)[self.code]
        lengths = np.diff(script.starts)
        self.size, self.base = len(lengths), int(script.at.min())
        self.opening, self.ending = script.starts[:-1], script.starts[1:] - 1
        self.case = np.repeat(np.arange(self.size), lengths)
        self.keys = self.key(self.case, self.at)
        self.opens = self.at_places(self.opening)
        self._picked: dict[tuple[str, ...], Picks] = {}
        self._steps: dict[str, StepFunction] = {}
        self._events: dict[tuple[Pattern, ...], Mask] = {}

    # ------------------------------------------------------------------------ instants

    def key(self, case: NDArray[Any], instants: Ints) -> Ints:
        """Return keys of cases with instants."""
        found: Ints = (case << INSTANT_BITS) + (instants - self.base)
        return found

    def instants(self, keys: Ints) -> Ints:
        """Return the instants of keys, in microseconds."""
        return (keys & ((1 << INSTANT_BITS) - 1)) + self.base

    def as_of(self, keys: Ints) -> Ints:
        """Return the place of the case's last event up to each key's instant, events at the instant included."""
        return self._ordered.as_of(keys)

    @cached_property
    def _ordered(self) -> CaseTimeIndex:
        return CaseTimeIndex(self.keys, self.size)

    def when(self, places: Places) -> Ints:
        """Return the moments of events."""
        found: Ints = self._whens[places]
        return found

    @cached_property
    def _whens(self) -> Ints:
        positions = np.arange(1, len(self.at) + 1) - self.opening[self.case]
        found: Ints = ((self.at - self.base) << EVENT_BITS) + positions
        return found

    # ------------------------------------------------------------------------ finding events

    def like(self, table: Mask) -> Mask:
        """Return a mask of the events of some templates."""
        wanted = np.flatnonzero(table)
        if len(wanted) > _FEW:
            found: Mask = table[self.code]
            return found
        found = np.zeros(len(self.code), np.bool_)
        for code in wanted.tolist():
            found |= self._code == code
        return found

    def kinds(self, *kinds: type) -> Mask:
        """Return a mask of the events of some kinds."""
        found = np.zeros(len(self._kind), np.bool_)
        for kind in kinds:
            found |= self._kind == KINDS.index(kind)
        return found

    def events(self, patterns: tuple[Pattern, ...]) -> Mask:
        """Return a mask of the events that match one of some patterns, kept by the patterns."""
        if patterns not in self._events:
            bare = [kind for pattern in patterns if not pattern.where and (kind := BY_NAME[pattern.event]) in KINDS]
            rest = tuple(pattern for pattern in patterns if pattern.where or BY_NAME[pattern.event] not in KINDS)
            found = self.kinds(*bare)
            self._events[patterns] = found | self.like(self.script.like(rest)) if rest else found
        return self._events[patterns]

    def at_places(self, places: Places) -> Mask:
        """Return a mask of the events at these places."""
        found = np.zeros(len(self.at), np.bool_)
        found[places] = True
        return found

    def changed(self, held: NDArray[Any]) -> Mask:
        """Return a mask of the events that changed a value; openings do."""
        found = np.empty(len(held), np.bool_)
        np.not_equal(held[1:], held[:-1], out=found[1:])
        found[self.opening] = True
        return found

    def spread(self, trail: StepFunction) -> NDArray[Any]:
        """Return the value of a step function after every event."""
        places, values = trail
        if values.dtype == np.bool_:
            return toggled(places, values, len(self.at))
        return np.repeat(values, np.diff(places, append=len(self.at)))

    def before(self, trail: StepFunction) -> NDArray[Any]:
        """Return the value before each step, in the same case; 0 before the first."""
        found = np.zeros_like(trail.values)
        found[1:] = trail.values[:-1]
        found *= ~self.opens[trail.places]
        return found

    # ------------------------------------------------------------------------ cycles and waits

    @cached_property
    def begins(self) -> Mask:
        """A mask of the events that begin a cycle."""
        return self.kinds(E.Opened, E.Reopened)

    @cached_property
    def ends(self) -> Mask:
        """A mask of the events that resolve, close or void a case."""
        return self.kinds(E.Resolved, E.Closed, E.Voided)

    @cached_property
    def beginnings(self) -> Places:
        """The places of the events that begin cycles."""
        return np.flatnonzero(self.begins)

    @cached_property
    def begun(self) -> Places:
        """The place of the event that began the cycle, after each event."""
        return self.spread(StepFunction(self.beginnings, self.beginnings))

    @cached_property
    def cycle(self) -> Ints:
        """The number of the cycle after each event, from 1."""
        if len(self.beginnings) == self.size:
            return np.ones(len(self.at), np.int64)
        return self.spread(self._counted(self.begins & ~self.opens, self.opens, 1))

    @cached_property
    def turns(self) -> StepFunction:
        """The status after events that begin or end work, without waits."""
        places = np.flatnonzero(self.begins | self.ends)
        status = self.script.status.astype(np.int8)[self.code[places]]
        status[np.flatnonzero(self.begins[places])] = OPEN
        return StepFunction(places, status)

    @cached_property
    def live(self) -> Mask:
        """A mask: after the event, the case is live."""
        return self.spread(StepFunction(self.turns.places, self.turns.values == OPEN))

    @cached_property
    def turn_keys(self) -> Ints:
        """The keys of events that begin or end work."""
        found: Ints = self.keys[self.turns.places]
        return found

    def turned_by(self, keys: Ints) -> Ints:
        """Return the row in `turns` of the case's last such event up to each key."""
        return self._ordered_turns.as_of(keys)

    @cached_property
    def _ordered_turns(self) -> CaseTimeIndex:
        return CaseTimeIndex(self.turn_keys, self.size)

    def live_at(self, keys: Ints) -> Mask:
        """Return whether cases are live after all that happened at an instant."""
        found: Mask = self.turns.values[self.turned_by(keys)] == OPEN
        return found

    @cached_property
    def ended(self) -> Places:
        """The places of events that end a case in another status than before."""
        places, status = self.turns
        found: Places = places[np.flatnonzero((status != OPEN) & (status != self.before(self.turns)))]
        return found

    @cached_property
    def status(self) -> StepFunction:
        """The number of the status."""
        waits = self.waiting(-1)
        return StepFunction(np.arange(len(self.at)), np.where(waits, np.int8(WAITING), self.spread(self.turns)))

    def waiting(self, on: int) -> Mask:
        """Return whether the case waits for one of some parties, given as bits."""
        found = np.zeros(len(self.at), np.bool_)
        for bit, waits in self._waits.items():
            if bit & on:
                found |= waits
        return found

    @cached_property
    def _waits(self) -> dict[int, Mask]:
        """Whether the case waits for a party, by the party's bit. A wait begins only while the case is live."""
        ended = self.begins | self.ends | self.kinds(E.WaitEnded)
        answered = ended | self.kinds(E.CustomerReplied)
        by_party = {}
        for bit in set(self.script.wait.tolist()) - {0}:
            begun = self.like(self.script.wait == bit)
            places = np.flatnonzero(begun | (answered if bit == self.script.customer else ended))
            by_party[bit] = self.spread(StepFunction(places, begun[places] & self.live[places]))
        return by_party

    # ------------------------------------------------------------------------ since when

    def steps(self, name: str) -> StepFunction:
        """Return a fact after the events that may change it: of a duration the instant since when, `NAT` while it is 0.

        A flag is a mask, a count a number, and any other value the number of the value in the tables.
        """
        if name not in self._steps:
            self._steps[name] = self._read(name)
        return self._steps[name]

    def _read(self, name: str) -> StepFunction:
        if name in self.script.facts:
            return self.fact(self.script.facts.index(name))
        source = FACTS[name].source
        if isinstance(source, Kept):
            kept: StepFunction = getattr(self, name)
            return kept
        happens = self.events(source.of)
        if isinstance(source, Count):
            return self._counted(happens, self.begins if source.in_cycle else self.opens)
        ends = self.events(source.until) | (self.begins if source.in_cycle else self.opens)
        places = np.flatnonzero(happens | ends)
        steps = StepFunction(places, happens[places])
        if isinstance(source, Flag):
            return steps
        if source.first:
            return self._since(steps)
        return StepFunction(places, np.where(steps.values, self.at[places], NAT))

    @cached_property
    def _owed(self) -> StepFunction:
        """A step function: a message of the customer has no answer."""
        unanswered: Any = FACTS["unanswered_for"].source
        asks, replies = self.events(unanswered.of), self.events(unanswered.until)
        places = np.flatnonzero(asks | replies | self.opens)
        return StepFunction(places, asks[places])

    @cached_property
    def owing(self) -> Mask:
        """A mask: the next response is owed, because the first response was given, or is none."""
        places, owed = self._owed
        opens, rows = self.opens[places], np.arange(1, len(places) + 1)
        answers = ~owed  # an event after which nothing is owed is a reply, or an opening by staff
        answered = np.maximum.accumulate(rows * answers) >= np.maximum.accumulate(rows * opens)
        found: Mask = self.live & self.spread(StepFunction(places, owed & answered))
        if len(self.beginnings) > self.size:
            found |= self.live & (self.cycle > 1) & self.spread(self._owed)
        return found

    @cached_property
    def unassigned_for(self) -> StepFunction:
        """The instant since when nobody has been assigned; `NAT` if somebody is."""
        places, holders = self._holders
        nobody = np.ones(len(places), np.bool_)
        for holder in holders:
            nobody &= holder == 0
        alone = self._since(StepFunction(places, nobody))
        if len(self.beginnings) == self.size:
            return alone
        # rule 30: a duration of the cycle counts from its beginning at the earliest
        since, steps = self.spread(alone), np.flatnonzero(self.at_places(alone.places) | self.begins)
        began = self.at[self.begun[steps]]
        return StepFunction(steps, np.where(since[steps] == NAT, NAT, np.maximum(since[steps], began)))

    def _since(self, holds: StepFunction) -> StepFunction:
        """Return the instants at which a value became true; `NAT` where it is false."""
        turned = np.flatnonzero((holds.values != self.before(holds)) | self.opens[holds.places])
        places = holds.places[turned]
        since = self.at[places]
        since[np.flatnonzero(~holds.values[turned])] = NAT
        return StepFunction(places, since)

    # ------------------------------------------------------------------------ values and counts

    @cached_property
    def priority(self) -> StepFunction:
        """The number of the priority in the script."""
        places = np.flatnonzero(self.kinds(E.Opened, E.PriorityChanged))
        return StepFunction(places, self.script.priority[self.code[places]])

    @cached_property
    def reprices(self) -> Mask:
        """A mask of the events that set the priority."""
        return self.kinds(E.PriorityChanged)

    def picked(self, by: tuple[str, ...]) -> Picks:
        """Return the values of the facts `by` after each event, as one number."""
        if by not in self._picked:
            combined: Any = np.zeros(len(self.at), np.int64) if not by else 0
            for name in by:
                combined = self.spread(self.steps(name)) + combined * len(self.script.words[name])
            self._picked[by] = Picks(combined, self.changed(combined))
        return self._picked[by]

    @cached_property
    def channel(self) -> StepFunction:
        """The number of the opening's channel."""
        return StepFunction(self.opening, self.script.channel[self.code[self.opening]])

    @cached_property
    def assignments(self) -> StepFunction:
        """The number of changes of a role's holder, in the cycle."""
        places, holders = self._holders
        changed = np.zeros(len(self.at), np.bool_)
        for holder in holders:
            changed[places[holder != self.before(StepFunction(places, holder))]] = True
        return self._counted(changed, self.begins)

    def fact(self, number: int) -> StepFunction:
        """Return the value of a declared fact, by its number."""
        observed = self.script.fact == number
        values = np.where(observed, self.script.value, self.script.opening_facts[number])
        places = np.flatnonzero(self.opens | self.like(observed))
        return StepFunction(places, values[self.code[places]])

    @cached_property
    def _holders(self) -> tuple[Places, list[NDArray[Any]]]:
        """The holder of each role, by number, after openings and assignments; 0 is nobody."""
        assigned, by_role = self.script.kind == KINDS.index(E.Assigned), []
        places = np.flatnonzero(self.opens | self.like(assigned))
        code, rows = self.code[places], np.arange(len(places))
        for role in sorted(set(self.script.role[assigned].tolist())):
            named = (assigned & (self.script.role == role))[code]
            last = np.maximum.accumulate(rows * (named | self.opens[places]))
            by_role.append((self.script.holder[code] * named)[last])
        return places, by_role

    def _counted(self, where: Mask, since: Mask, first: int = 0) -> StepFunction:
        """Return the number of some events since others."""
        places = np.flatnonzero(where | since)
        total, rows = np.cumsum(where[places]), np.arange(len(places))
        begun = np.maximum.accumulate(rows * since[places])
        return StepFunction(places, total - total[begun] + where[places][begun] + first)


class RecordedMoves:
    """The recorded levels of many cases.

    `moves` is a mask of the events that put a case on a level; `track` and `level` say on which (-1: none).
    """

    def __init__(self, states: EventFacts) -> None:
        self.states, script = states, states.script
        self.track, self.level = script.placed_on[states.code], script.placed[states.code]
        self.moves = self._moves()
        self.any = bool(self.moves.any())
        self._seen: dict[tuple[Pattern, ...], Ints] = {}

    def _moves(self) -> Mask:
        """Return the moves. Observing a level that is on record already is no move."""
        states, script = self.states, self.states.script
        moves = states.like(script.placed_on >= 0)
        for track, levels in enumerate(script.levels) if script.is_observed.any() else ():
            places = np.flatnonzero(states.like(script.placed_on == track) | states.opens)
            code = states.code[places]
            record = np.where(states.opens[places], levels[code], script.placed[code])
            again = (record == states.before(StepFunction(places, record))) & script.is_observed[code]
            moves[places[np.flatnonzero(again)]] = False
        return moves

    def happened(self, patterns: tuple[Pattern, ...]) -> Mask:
        """Return a mask of the events that match one of some patterns."""
        return self.states.like(self.states.script.seen[patterns])

    def seen(self, patterns: tuple[Pattern, ...]) -> Ints:
        """Return the moment of the last matching event, after each event; -1 if there was none."""
        if patterns not in self._seen:
            self._seen[patterns] = self._last(self.happened(patterns))
        return self._seen[patterns]

    def _last(self, events: Mask) -> Ints:
        states = self.states
        places = np.flatnonzero(events | states.opens)
        return states.spread(StepFunction(places, np.where(events[places], states.when(places), -1)))

    @cached_property
    def failures(self) -> Mask:
        """A mask of the events that report that a level failed."""
        return self.states.like(self.states.script.failed_on >= 0)

    @cached_property
    def failed(self) -> dict[tuple[int, int], Ints]:
        """The moment of each level's last failure (-1: whatever level the case was on), by track and level.

        The moment is -1 if it never failed.
        """
        tracks, levels = self.states.script.failed_on, self.states.script.failed
        pairs = {pair for pair in zip(tracks.tolist(), levels.tolist(), strict=True) if pair[0] >= 0}
        return {pair: self._last(self.states.like((tracks == pair[0]) & (levels == pair[1]))) for pair in pairs}


class Positions:
    """The current level of each case on each track (-1: none), its entry moment, and whether it is external.

    All of these are arrays by track and case, as is the number of moves up. `priority` is by case, and kept only if
    rules raise it; `heard` is the moment at which rules last moved a case in a way that matches some patterns.
    """

    def __init__(self, plan: Plan, states: EventFacts, records: RecordedMoves) -> None:
        self.plan, self.states, self.records = plan, states, records
        opened = states.code[states.opening]
        self.level = np.stack([levels[opened] for levels in states.script.levels])
        self.outside = plan.outside[self.level]
        self.entry = np.tile(states.when(states.opening), (len(plan.tracks), 1))
        self.moved = np.zeros(self.entry.shape, np.int64)
        self.priority = states.script.priority[opened]
        self.heard: dict[tuple[Pattern, ...], Ints] = {
            patterns: np.full(states.size, BEFORE_ANY) for patterns in states.script.made_by_rules
        }

    def is_outside(self, case: Any) -> Mask:
        """Return whether cases are external on some track."""
        external: Mask = self.outside[0][case]
        for outside in self.outside[1:]:
            external = external | outside[case]
        return external

    def put(self, track: int, case: Ints, to: Ints, when: Ints) -> None:
        """Put cases on other levels of a track."""
        self.moved[track][case] += to > self.level[track][case]
        self.level[track][case], self.entry[track][case] = to, when
        self.outside[track][case] = self.plan.outside[to]

    def reprice(self, here: Lane) -> None:
        """Apply changes of the priority by events."""
        changed = np.flatnonzero(self.states.reprices[here.place])
        self.priority[here.row[changed]] = self.states.script.priority[self.states.code[here.place[changed]]]

    def hear(self, case: Ints, to: Ints, when: Ints) -> None:
        """Record moves by rules that match patterns."""
        for patterns, heard in self.heard.items():
            like = np.flatnonzero(self.states.script.made_by_rules[patterns][to])
            heard[case[like]] = when[like]

    # ------------------------------------------------------------------------ what follows

    def holds(self, test: ValueTest | LevelTest | HappenedTest, here: Lane) -> Mask:
        """Return whether a test that depends on rules is true."""
        if isinstance(test, HappenedTest):
            return self._happened(test, here)
        value, table = self._value(test, here), self.states.script.table(test)
        found: Mask = table[np.minimum(value, len(table) - 1)]
        return found

    def _value(self, test: ValueTest | LevelTest, here: Lane) -> Ints:
        """Return the value of a fact that depends on rules, as a number."""
        if isinstance(test, LevelTest):
            present: Ints = self.level[test.places[0][0]][here.row]
            return present + 1
        if test.fact == "moves":
            moves: Ints = self.moved[:, here.row].sum(0) if test.track is None else self.moved[test.track][here.row]
            return moves
        if test.fact == "priority":
            priority: Ints = self.priority[here.row]
            return priority
        track = test.track or 0
        level: Ints = self.level[track][here.row]
        last: Ints = np.full(len(level), BEFORE_ANY)
        for (on, rung), failed in self.records.failed.items():
            if on == track:
                last = np.maximum(last, np.where((rung == NONE) | (rung == level), failed[here.place], BEFORE_ANY))
        return np.where((level != NONE) & (last > self.entry[track][here.row]), 1, 0)

    def last(self, patterns: tuple[Pattern, ...], here: Lane) -> Ints:
        """Return the moment of the last match of some patterns; -1 if there was none."""
        found: Ints = self.records.seen(patterns)[here.place]
        return np.maximum(found, self.heard[patterns][here.row]) if patterns in self.heard else found

    def _happened(self, test: HappenedTest, here: Lane) -> Mask:
        """Return whether an event of the stay matches the patterns, or of the cycle if the test has no track.

        An opening belongs to the stay that it begins.
        """
        last, opening = self.last(test.patterns, here), self.states.when(self.states.opening[here.row])
        if test.track is None:
            of_cycle: Mask = (last >= self.states.when(self.states.begun[here.place])) == test.wanted
            return of_cycle
        entry = self.entry[test.track][here.row]
        of_stay: Mask = ((last > entry) | ((last == entry) & (entry == opening))) == test.wanted
        return of_stay

    def entered(self, track: int, here: Lane) -> Ints:
        """Return the instant at which a case came to its level, not before the cycle; `NAT` without a level."""
        begun = self.states.when(self.states.begun[here.place])
        since = (np.maximum(self.entry[track][here.row], begun) >> EVENT_BITS) + self.states.base
        return np.where(self.level[track][here.row] == NONE, NAT, since)
