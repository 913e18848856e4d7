"""Rules for many cases: the instants to run them, their conditions, and the moves that checklists block (rules 20-24).

Tests that depend on levels are assumed to be true here. So the sweep only visits instants at which a rule that may be
true has new evidence, or a cycle begins; at all others the rules change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.checklists import Item
from escalation_rules.fact_table import FACTS, Kept
from escalation_rules.patterns import BaseEvent, Pattern
from escalation_rules.program.model import (
    DurationTest,
    HappenedTest,
    LevelTest,
    OverdueItemsTest,
    PickedTest,
    Test,
    Tree,
    ValueTest,
    is_of_cycle,
    leaves,
)
from escalation_rules.simulation.arrays import (
    BEFORE_ANY,
    EVENT_BITS,
    INSTANT_BITS,
    NEVER_64,
    NONE,
    CaseTimeIndex,
    Ints,
    Lane,
    Mask,
    RowBuffer,
    distinct,
    either,
    starts_of,
)
from escalation_rules.simulation.columns.atoms import Unsupported, held
from escalation_rules.simulation.columns.clocks import LevelClocks
from escalation_rules.simulation.columns.compile import Plan, VectorRule, matched
from escalation_rules.simulation.columns.conditions import Transitions, edges, later, picked_edges
from escalation_rules.simulation.columns.facts import EventFacts, Positions, RecordedMoves, StepFunction
from escalation_rules.worktime import Calendar, Span
from escalation_rules.worktime.arrays import reach


class Agenda:
    """All keys (case and instant) at which some test changed (`keys`), and those of them at which the rules must run.

    For each rule, by its number, `may` says at each of these keys whether it is true if the tests that depend on levels
    are. Rules to a named level without a checklist that depend on no levels are `plain`: `best` is the highest level
    that true ones of them want, by track. The rows to visit are `chosen`; those of case `i` are from `starts[i]` up to
    `starts[i + 1]`.
    """

    def __init__(
        self, states: EventFacts, records: RecordedMoves, rules: dict[int, VectorRule], turns: dict[int, Transitions]
    ) -> None:
        self.states, self.records, self.turns = states, records, turns
        begins, in_force = states.keys[states.beginnings], self._in_force()
        self.keys = distinct(begins, in_force, *(changes.keys for changes in turns.values()))
        self.case = self.keys >> INSTANT_BITS
        self.bounds = np.r_[0, np.flatnonzero(self.case[1:] != self.case[:-1]) + 1, len(self.keys)]
        self.ordered = CaseTimeIndex(self.keys, states.size)
        self.spots = {k: self.as_of(changes.keys) for k, changes in turns.items()}
        self.holds = {k: self._filled(k) for k in turns}
        self.may = {number: self._may(rule.tree) for number, rule in rules.items()}
        checked, ignores_backlog = states.script.plan.checked, states.script.plan.ignores_backlog
        self.plain = {
            number: rule.to
            for number, rule in rules.items()
            if rule.to is not None and rule.to >= 0 and rule.to not in checked and not ignores_backlog
            if not (rule.gates or rule.raises or rule.unless is not None) and turns.keys() >= set(leaves(rule.tree))
        }
        self.best = [np.full(len(self.keys), NONE, np.int16) for _ in states.script.plan.tracks]
        for number, to in self.plain.items():
            best = self.best[rules[number].track]
            # a level is above no level (-1) by one more than its number
            np.maximum(best, self.may[number] * np.int16(to + 1) + NONE, out=best)
        again = len(begins) > states.size
        self._choose(rules, self.as_of(begins) if again else self.bounds[:-1], self.as_of(in_force))

    # ------------------------------------------------------------------------ what holds

    def _filled(self, k: int) -> Mask:
        """Return whether a test is true at each of the keys, from those at which it changes."""
        spots, holds = self.spots[k], self.turns[k].holds
        if not len(spots):
            return np.zeros(len(self.keys), np.bool_)
        case = self.turns[k].keys >> INSTANT_BITS
        same, turns, stays = case[1:] == case[:-1], holds.copy(), holds.copy()
        turns[1:] ^= holds[:-1] & same
        stays[:-1] &= ~same  # true to the end of its case, but not in the next case
        turned = np.zeros(len(self.keys) + 1, np.bool_)
        turned[spots] = turns
        turned[self.bounds[case[np.flatnonzero(stays)] + 1]] ^= True
        return np.logical_xor.accumulate(turned[:-1])

    def _may(self, tree: Tree) -> Mask:
        always = np.ones(len(self.keys), np.bool_)
        return held(tree, lambda k: self.holds.get(k, always))

    def as_of(self, keys: Ints) -> Ints:
        """Return the place of the case's last key, up to each of these, at which a test changed."""
        return self.ordered.as_of(keys)

    def since(self, k: int, places: Any) -> Ints:
        """Return the moment since when a test has been true, where it is true."""
        changes = self.turns[k]
        if not len(changes.keys):
            return np.full(len(places), BEFORE_ANY)
        turned = np.searchsorted(changes.keys, self.keys[places], side="right") - 1
        by_time = (self.states.instants(changes.keys[turned]) - self.states.base) << EVENT_BITS
        return either(changes.places[turned] < 0, by_time, self.states.when(changes.places[turned]))  # type: ignore[no-any-return]

    # ------------------------------------------------------------------------ where to look

    def _in_force(self) -> Ints:
        """Return the key at which the policy comes into force, for the cases that are open by then."""
        since, states = self.states.script.plan.effective_from, self.states
        if since is None or since - states.base >= 1 << INSTANT_BITS:
            return np.zeros(0, np.int64)
        open_by_then = np.flatnonzero(states.at[states.opening] < since)
        return states.key(open_by_then, np.full(len(open_by_then), since))

    def _choose(self, rules: dict[int, VectorRule], begins: Ints, in_force: Ints) -> None:
        """Choose the keys to visit, while the case is live and the policy is in force."""
        plan = self.states.script.plan
        fresh = np.zeros(len(self.keys), np.bool_)
        fresh[in_force] = True
        placed = np.full(self.states.size, plan.goes_outside)
        placed[self.states.case[np.flatnonzero(self.records.moves)]] = True
        for number in rules if placed.any() else rules.keys() - self.plain.keys():
            for spots in (begins, *self._gains(rules[number])):
                asks = self.may[number][spots]
                if number in self.plain:
                    asks &= placed[self.case[spots]]  # a case that was de-escalated, or is back, may be moved again
                fresh[spots[np.flatnonzero(asks)]] = True
        if plan.checked:  # the frame of blocked moves needs every change
            fresh[:] = True
        visited = np.flatnonzero(np.logical_or.reduce([fresh, *(self._rises(best, begins) for best in self.best)]))
        visited = visited[np.flatnonzero(self.states.live_at(self.keys[visited]))]
        if plan.effective_from is not None:
            visited = visited[np.flatnonzero(self.states.instants(self.keys[visited]) >= plan.effective_from)]
        higher = [self._is_higher(best[visited], visited) for best in self.best]
        self.chosen = visited[np.flatnonzero(np.logical_or.reduce([fresh[visited], *higher]))]
        self.at = self.states.instants(self.keys[self.chosen])
        self.starts = starts_of(self.case[self.chosen], self.states.size)

    def _gains(self, rule: VectorRule) -> Iterator[Ints]:
        """Yield the places with new evidence of a rule; for one that raises the priority, also with lost evidence."""
        for k in self.turns.keys() & set(leaves(rule.tree)):
            yield self.spots[k] if rule.raises else self.spots[k][np.flatnonzero(self.turns[k].holds)]
        for k in self.turns.keys() & set(leaves(rule.unless) if rule.unless is not None else ()):
            yield self.spots[k]  # a rule is released when its guard is no longer true

    def _rises(self, best: NDArray[np.int16], begins: Ints) -> Mask:
        """Return where the highest level that plain rules want on a track is higher than before, or a cycle begins."""
        rises = np.zeros(len(self.keys), np.bool_)
        rises[begins] = True
        rises[1:] |= best[1:] > best[:-1]
        return rises & (best > NONE)

    def _is_higher(self, best: NDArray[np.int16], places: Ints) -> Mask:
        """Return where plain rules want a higher level than before in the case."""
        order = best + (self.case[places] << 16)
        found = np.ones(len(order), np.bool_)
        found[1:] = order[1:] > np.maximum.accumulate(order)[:-1]
        return found


_WHY = ("", "unanswered", "withdrawn", "not an answer", "without evidence", "expired")
STANDS, UNANSWERED, WITHDRAWN, NO_ANSWER, NO_EVIDENCE, EXPIRED = range(len(_WHY))


class MissingItems(NamedTuple):
    """The open items of a checklist, and the answers that are against the move, as texts for a frame."""

    missing: str | None
    against: str | None


def missing_items(items: tuple[Item, ...], code: int) -> MissingItems:
    """Decode the state of a checklist: one digit for each item, that of the first item lowest."""
    missing, against = [], []
    for item in items:
        code, digit = divmod(code, _digits(item))
        if digit >= len(_WHY):
            against.append(f"{item.key}: {item.blocked_by[digit - len(_WHY)]}")
        elif digit != STANDS:
            missing.append(f"{item.key}: {_WHY[digit]}")
    return MissingItems(", ".join(missing) or None, ", ".join(against) or None)


def _digits(item: Item) -> int:
    return len(_WHY) + len(item.blocked_by)


# rule 24: entry checklists, for many cases
class EntryChecklists:
    """The answers to entry checklists in many cases. `changes` are the events that answer items or override lists."""

    def __init__(self, plan: Plan, states: EventFacts) -> None:
        self.plan, self.states = plan, states
        self.lists = plan.checked
        if any(prod(map(_digits, items)) >= 1 << 62 for items in self.lists.values()):
            raise Unsupported("as many items")
        self.answers = {
            (plan.track_of[rung], item): _Answers(plan, states, plan.track_of[rung], item)
            for rung, items in self.lists.items()
            for item in items
        }
        self.overrides = {rung: self._overrides(rung) for rung in self.lists}
        self.changes = np.zeros(len(states.at), np.bool_)
        for events in (*(answers.changes for answers in self.answers.values()), *self.overrides.values()):
            self.changes |= events
        self.overridden_at = {rung: _last(states, events) for rung, events in self.overrides.items()}

    def _overrides(self, rung: int) -> Mask:
        key, prototypes = self.plan.levels[rung].key, self.states.script.prototypes
        return self.states.like(
            np.array(
                [isinstance(prototype, E.ChecklistOverridden) and prototype.level == key for prototype in prototypes],
                np.bool_,
            )
        )

    def overridden(self, rung: int, here: Lane) -> Mask:
        """Return whether the checklist of a level was overridden in this cycle."""
        found: Mask = self.overridden_at[rung][here.place] >= self.states.begun[here.place]
        return found

    def lack(self, rung: int, here: Lane) -> Ints:
        """Return the state of a level's checklist as a number; 0 if nothing is missing."""
        track, code, unit = self.plan.track_of[rung], np.zeros(len(here.now), np.int64), 1
        for item in self.lists[rung]:
            code += unit * self.answers[track, item].stand(here)
            unit *= _digits(item)
        return code

    def next_expiry(self, here: Lane) -> Ints:
        """Return the instant at which the next answer expires; `NEVER_64` if none does."""
        never = np.full(len(here.now), NEVER_64)
        return reduce(np.minimum, (answers.expiry(here) for answers in self.answers.values()), never)


class _Answers:
    """The answers to one item: the last answer after each event, and its state."""

    def __init__(self, plan: Plan, states: EventFacts, track: int, item: Item) -> None:
        self.states = states
        prototypes = states.script.prototypes
        answers = matched(item.answered_by, prototypes) | np.array(
            [_is_about(prototype, item) for prototype in prototypes], np.bool_
        )
        self.table = np.array([_digit(prototype, item) for prototype in prototypes], np.int64)
        self.changes = states.like(answers)
        self.last = _last(states, self.changes)
        self.expires = np.full(len(states.at), NEVER_64)
        if isinstance(item.valid_for, Span):
            places = np.flatnonzero(self.changes)
            self.expires[places] = reach(_calendar(plan, track), states.at[places], item.valid_for)

    def stand(self, here: Lane) -> NDArray[np.int64]:
        """Return the state of the item as a digit; 0 means answered."""
        last = self.last[here.place]
        digit = np.where(last >= self.states.begun[here.place], self.table[self.states.code[last]], UNANSWERED)
        is_answer = (digit == STANDS) | (digit >= len(_WHY))
        return np.where(is_answer & (self.expires[last] <= here.now), EXPIRED, digit)

    def expiry(self, here: Lane) -> Ints:
        """Return the instant at which the last answer expires, if it has not yet."""
        ends = self.expires[self.last[here.place]]
        return np.where((self.last[here.place] != NONE) & (ends > here.now), ends, NEVER_64)


def _calendar(plan: Plan, track: int) -> Calendar:
    """Return the calendar in which answers on a track expire."""
    name = next(iter(plan.program.calendars_of(track)), None)
    return plan.program.calendars[None if name is None else str(name)][0]


def _last(states: EventFacts, events: Mask) -> Ints:
    """Return the last of some events in the case, after each event; -1 if there was none."""
    places = np.flatnonzero(events | states.opens)
    return states.spread(StepFunction(places, np.where(events[places], places, NONE)))


def _is_about(event: BaseEvent, item: Item) -> bool:
    return isinstance(event, E.ItemAnswered | E.AnswerWithdrawn) and event.item == item.key


def _digit(event: BaseEvent, item: Item) -> int:
    """Return the state of an item after an event that answers it."""
    if isinstance(event, E.AnswerWithdrawn):
        return WITHDRAWN
    confirmed = event if isinstance(event, E.ItemAnswered) else None
    answer = confirmed.answer if confirmed else next(iter(item.answers), "yes")
    if not item.admits(answer):
        return NO_ANSWER
    if item.needs_evidence and confirmed and not confirmed.evidence:
        return NO_EVIDENCE
    return len(_WHY) + item.blocked_by.index(answer) if answer in item.blocked_by else STANDS


Wants = dict[int, Ints]
"""The level that each rule wants for each case, by the rule's number; -1 for none."""
CHECKLISTS = ("none", "met", "waived", "overridden")
"""The possible states of a checklist in a move."""
MET, WAIVED, OVERRIDDEN = (np.int8(CHECKLISTS.index(one)) for one in CHECKLISTS[1:])


class HeldMoves:
    """The rules that want cases on levels with a checklist.

    Blocked moves are added to `held`: case, level, instant, cycle, rules as bits (0: not blocked from then on), and the
    state of the checklist.
    """

    def __init__(self, plan: Plan, states: EventFacts, rules: dict[int, VectorRule]) -> None:
        self.plan, self.states, self.entries, self.held = plan, states, EntryChecklists(plan, states), RowBuffer(6)
        self.rungs = list(plan.checked)
        tracks = {plan.track_of[rung] for rung in self.rungs}
        self.rules = {
            number: rule
            for number, rule in rules.items()
            if rule.to in plan.checked or (rule.to == NONE and rule.track in tracks)
        }
        self.waiving = sum(1 << number for number, rule in self.rules.items() if rule.waived)
        self.touches = self.entries.changes | states.ends  # beginnings are visited anyway
        self.expires = self.entries.next_expiry(Lane(slice(None), states.opening, states.at[states.opening]))
        self.last = {rung: np.zeros((3, states.size), np.int64) for rung in self.rungs}

    def hold_back(self, wants: Wants, here: Lane) -> None:
        """Remove the wanted moves that are blocked."""
        for rung in self.rungs:
            is_blocked = self._held(rung, self._asking(rung, wants, here), here)[0] > 0
            for number in self.rules:
                wants[number][np.flatnonzero(is_blocked & (wants[number] == rung))] = NONE

    def note(self, wants: Wants, here: Lane) -> None:
        """Record the moves that are blocked after an instant, where they differ from before."""
        cycle = self.states.cycle[here.place]
        for rung, last in self.last.items():
            bits, lack = self._held(rung, self._asking(rung, wants, here), here)
            current = np.stack([bits, lack, np.where(bits > 0, cycle, 0)])
            changed = np.flatnonzero((current != last[:, here.row]).any(0))
            if len(changed):
                row = here.row[changed]
                last[:, row] = current[:, changed]
                level = np.full(len(row), rung)
                self.held.add(row, level, here.now[changed], cycle[changed], bits[changed], lack[changed])
        self.expires[here.row] = self.entries.next_expiry(here)

    def checklists(self, to: Ints, bits: Ints, here: Lane) -> NDArray[np.int8]:
        """Return the state of the checklist in moves to some levels, as a number in `CHECKLISTS`."""
        states_found = np.zeros(len(to), np.int8)
        for rung in self.rungs:
            where = np.flatnonzero(to == rung)
            if len(where):
                otherwise = np.where(self.entries.overridden(rung, here.where(where)), OVERRIDDEN, MET)
                states_found[where] = np.where(self._is_waived(bits[where]), WAIVED, otherwise)
        return states_found

    def _asking(self, rung: int, wants: Wants, here: Lane) -> Ints:
        """Return the rules that want a level, as bits."""
        bits = np.zeros(len(here.now), np.int64)
        for number in self.rules:
            bits |= (wants[number] == rung).astype(np.int64) << number
        return bits

    def _held(self, rung: int, asking: Ints, here: Lane) -> tuple[Ints, Ints]:
        """Return the blocked rules that want a level, as bits, and the state of its checklist."""
        lack = np.zeros(len(asking), np.int64)
        where = np.flatnonzero((asking > 0) & ~self._is_waived(asking))
        if len(where):
            some = here.where(where)
            lack[where] = np.where(self.entries.overridden(rung, some), 0, self.entries.lack(rung, some))
        return np.where(lack > 0, asking, 0), lack

    def _is_waived(self, bits: Ints) -> Mask:
        """Return whether one of these rules waives checklists."""
        found: Mask = (bits & self.waiving) > 0
        return found


# rule 23: priorities that rules raise, for many cases
class PriorityRaises:
    """Rules that raise the priority, by number; `done` has the raises: case, instant and priority."""

    def __init__(self, states: EventFacts, rules: dict[int, VectorRule]) -> None:
        self.rules = {number: rule for number, rule in rules.items() if rule.raises}
        self.done = RowBuffer(3)
        plan, words = states.script.plan, states.script.priorities
        self.top = len(plan.ranks) - 1
        self.ranks = np.array([plan.ranks.get(word, NONE) for word in words.words], np.int64)
        self.words = np.array([words.number(name) for name in plan.ranks], np.int64)
        self.asked = {number: _Asked(states.size) for number in self.rules}

    def wanted(self, number: int, priority: Ints, fresh: Mask) -> Ints:
        """Return the highest rank that a rule asks for, where it asks for the first time; else -1."""
        rank = self.ranks[priority]
        wanted_rank = np.full(len(rank), NONE)
        for to in self.rules[number].raises:
            wanted_rank = np.maximum(wanted_rank, np.minimum(rank + 1, self.top) if to == NONE else to)
        return np.where(fresh, wanted_rank, NONE)


class _Asked:
    """The requests of one rule: once because of one instant (rule 23).

    Nearly always the last occurrence is the one that repeats, so only others are looked up.
    """

    def __init__(self, size: int) -> None:
        self.cause = np.full(size, BEFORE_ANY)
        self.known: set[tuple[int, int]] = set()

    def anew(self, case: Ints, cause: Ints) -> Mask:
        """Return which of these occurrences are new, and record them all."""
        is_new: Mask = self.cause[case] != cause
        rows = np.flatnonzero(is_new)
        keys = zip(case[rows].tolist(), cause[rows].tolist(), strict=True)
        for row, key in zip(rows.tolist(), keys, strict=True):
            is_new[row] = key not in self.known
            self.known.add(key)
        self.cause[case] = cause
        return is_new


def hangs_on_rules(plan: Plan, one: Test, keys: set[str]) -> bool:
    """Return whether a test depends on moves by rules; `keys` are those of the targets that do."""
    if isinstance(one, ValueTest):
        return one.fact in plan.moving
    if isinstance(one, LevelTest | HappenedTest):
        return True
    if isinstance(one, DurationTest | PickedTest):
        source = FACTS[one.fact].source
        return isinstance(source, Kept) and source.part == "level"
    return not isinstance(one, OverdueItemsTest) and one.target in keys


class RuleConditions:
    """The tests that depend on moves by rules, by their numbers in the plan: whether each is true, per case."""

    def __init__(
        self,
        plan: Plan,
        states: EventFacts,
        records: RecordedMoves,
        points: Agenda,
        families: dict[str, LevelClocks],
        stands: Positions,
        watched: list[int],
    ) -> None:
        self.plan, self.states, self.records, self.points, self.families = plan, states, records, points, families
        self.stands, self.level, self.entry = stands, stands.level, stands.entry
        self.down_since = np.full(stands.entry.shape, BEFORE_ANY - 1)
        self.row = {k: row for row, k in enumerate(watched)}
        shape = len(watched), states.size
        self.truth, self.rules_pending = np.zeros(shape, np.bool_), np.zeros(states.size, np.bool_)
        self.since, self.cross = np.full(shape, BEFORE_ANY), np.full(shape, NEVER_64)
        self.facts = {k: test.fact for k in watched if isinstance(test := plan.tests[k], ValueTest)}
        happened = {k: test for k in watched if isinstance(test := plan.tests[k], HappenedTest)}
        self.picked = {test.choices.by for k in watched if isinstance(test := plan.tests[k], PickedTest)}
        self.patterns = {k: test.patterns for k, test in happened.items() if test.wanted}
        self.heard = {test.patterns for test in happened.values()}

    # ------------------------------------------------------------------------ what is seen

    def look(self, here: Lane, when: Ints) -> None:
        """Update all of these tests, after something happened."""
        for k, row in self.row.items():
            holds, cross = self._seen(k, here)
            self.cross[row][here.row] = cross
            self._put(k, here.row, holds, when)
            if k in self.patterns:
                self._renew(row, here, holds, when, self.patterns[k])

    def _renew(self, row: int, here: Lane, holds: Mask, when: Ints, patterns: tuple[Pattern, ...]) -> None:
        """Take the latest event as the evidence of a `happened` test that was true already."""
        again = np.flatnonzero(holds & (self.stands.last(patterns, here) == when))
        self.since[row][here.row[again]] = when[again]
        self.rules_pending[here.row[again]] = True

    def crossed(self, case: Ints, now: Ints) -> None:
        """Update the tests that time alone has changed by now."""
        for k, row in self.row.items():
            test, hit = self.plan.tests[k], np.flatnonzero(self.cross[row][case] == now)
            if len(hit) and not isinstance(test, ValueTest | LevelTest | HappenedTest | OverdueItemsTest):
                holds = test.wanted if isinstance(test, DurationTest | PickedTest) else later(test)
                self.cross[row][case[hit]] = NEVER_64
                self._put(k, case[hit], np.full(len(hit), holds), (now[hit] - self.states.base) << EVENT_BITS)

    def _put(self, k: int, case: Ints, holds: Mask, when: Ints) -> None:
        """Store whether a test is true now, and since when."""
        row = self.row[k]
        turned = holds != self.truth[row][case]
        if turned.any():
            self.truth[row][case] = holds
            gained = np.flatnonzero(turned & holds)
            self.since[row][case[gained]] = when[gained]
            # a test that becomes false makes no rule true, but the rule's older evidence may raise the priority
            self.rules_pending[case[turned if self.plan.raises or self.plan.guards else gained]] = True

    def _seen(self, k: int, here: Lane) -> tuple[Mask, Ints]:
        test = self.plan.tests[k]
        if isinstance(test, ValueTest | LevelTest | HappenedTest):
            return self.stands.holds(test, here), np.full(len(here.row), NEVER_64)
        if isinstance(test, DurationTest):
            return edges(self.plan, test, self.stands.entered(test.track, here), here.now)
        if isinstance(test, PickedTest):
            return picked_edges(self.plan, self.states, test, here.place, self.stands.entered(int(test.about), here))
        if isinstance(test, OverdueItemsTest):
            raise Unsupported("a condition on overdue items of the action plan")
        return self.families[test.target].look(test, here)

    # ------------------------------------------------------------------------ conditions

    def holds(self, tree: Tree, case: Any, point: Any) -> Mask:
        """Return whether a condition is true of cases, at their places in the agenda."""
        return held(tree, lambda k: self._holds(k, case, point))

    def _holds(self, k: int, case: Any, point: Any) -> Mask:
        found: Mask = self.truth[self.row[k]][case] if k in self.row else self.points.holds[k][point]
        return found

    # rule 22: the latest moment among the true members
    def evidence(self, tree: Tree, case: Any, point: Any) -> Ints:
        """Return the latest moment among the tests that make a condition true."""
        if isinstance(tree, int):
            return self._evidence(tree, case, point)
        found = np.full(len(case), BEFORE_ANY)
        for part in tree[1]:
            latest = self.evidence(part, case, point)
            if tree[0] == "any":
                latest = np.where(self.holds(part, case, point), latest, BEFORE_ANY)
            found = np.maximum(found, latest)
        return found

    def _evidence(self, k: int, case: Any, point: Any) -> Ints:
        test = self.plan.tests[k]
        if isinstance(test, LevelTest):
            return np.full(len(case), BEFORE_ANY)
        found: Ints = self.since[self.row[k]][case] if k in self.row else self.points.since(k, point)
        if len(self.states.beginnings) > self.states.size and is_of_cycle(test):
            begun = self.states.begun[self.states.as_of(self.points.keys[point])]
            found = np.maximum(found, self.states.when(begun))
        return found
