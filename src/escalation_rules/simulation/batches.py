"""A batch of cases: some are replayed vectorised, the others go through the engine one by one into rows.

The engine's fold calls a recorder at each instant at which something changed; in between, a case stays the same. A void
case only has a row in `cases`: it has no moves and no deadlines, and is not counted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np

from escalation_rules import events as E
from escalation_rules.case import Case
from escalation_rules.engine import machine_of
from escalation_rules.engine.clocks import counted_now, outcome_now
from escalation_rules.engine.fold import CaseInput, case_input, run
from escalation_rules.engine.machine import REMEMBERED
from escalation_rules.engine.records import BlockedRecord, LoggedMove
from escalation_rules.engine.rules import blocked, expiry, holder
from escalation_rules.engine.state import Instance, State
from escalation_rules.events import AcceptableEvent
from escalation_rules.levels import NOWHERE
from escalation_rules.picks import facts_of, picked
from escalation_rules.policy import Policy
from escalation_rules.program import Program
from escalation_rules.simulation.arrays import NAT
from escalation_rules.simulation.columns import columnar, plan_of, which
from escalation_rules.simulation.frames import Columns, by_case, columns_of, concatenated
from escalation_rules.simulation.histories import Histories

Row = tuple[Any, ...]


class OneByOne:
    """Replays cases one by one up to an instant, into rows by frame. Instants are whole microseconds."""

    def __init__(self, policy: Policy, until: int) -> None:
        self.machine, self.until = machine_of(policy), until
        self.program = self.machine.program
        self.owners = Owners(policy, self.program)
        self.rows: dict[str, list[Row]] = {"cases": [], "moves": [], "blocked": [], "stays": [], "deadlines": []}

    def live(self, case: CaseInput) -> None:
        """Replay one more case."""
        recorder, name = _Recorder(self.program, self.owners), case.id
        state = run(self.machine, case, self.until, recorder.see)
        void = state.life.standing.status == "void"
        moves = [] if void else recorder.moves
        self.rows["cases"].append(_case_row(case, state, len(moves), void=void))
        if not void:
            self.rows["moves"] += [(name, *row) for row in moves]
            if recorder.held:
                self.rows["blocked"] += [(name, *row) for row in _held_back(self.program, recorder.held, self.until)]
            self.rows["stays"] += [(name, *row) for row in recorder.stays()]
            self.rows["deadlines"] += [(name, *row) for row in self._deadlines(state, recorder)]

    def _deadlines(self, state: State, watch: _Recorder) -> list[Row]:
        clocks = [*state.clocks.past, *state.clocks.by_target.values()]
        clocks.sort(key=lambda clock: (clock.started, clock.group.number))
        return [self._deadline(clock, state, watch) for clock in clocks]

    def _deadline(self, clock: Instance, state: State, watch: _Recorder) -> Row:
        due, outcome, counted = clock.due, outcome_now(clock, state), counted_now(clock, state)
        end = state.now if clock.stopped is None else clock.stopped
        snapshot = watch.at(due if outcome == "breached" and due is not None else end)
        group = clock.group
        place = (0, snapshot.levels[0]) if group.place is None else group.place
        return (
            clock.cycle,
            group.key,
            clock.occurrence,
            self.owners.key(*place),
            self.owners.of_target(group.number, place, snapshot),
            snapshot.picks[0],
            clock.started,
            NAT if due is None else due,
            NAT if clock.stopped is None else clock.stopped,
            NAT if clock.budget is None else clock.budget,
            counted,
            end - clock.started - counted,
            counted / clock.budget if clock.budget else None,
            outcome,
            clock.caused,
        )


class Owners:
    """The owners of levels and targets, by the priority and the choice facts that roles are picked by."""

    def __init__(self, policy: Policy, program: Program) -> None:
        self.policy, self.program = policy, program
        targets = policy.all_targets
        roles = [role for level in policy.all_levels for role in (level.owner, *level.alternates)]
        owners = [*roles, *(target.owner for target in targets)]
        facts = (name for owner in owners for name in facts_of(owner) if name != "priority")
        self.by = ("priority", *dict.fromkeys(facts))
        self.named = [self._named(group.key, group.level) for group in program.targets]
        self.may_hold = any(
            level.entry is not None or (level.if_nobody == "hold" and program.rotas)
            for levels in program.levels
            for level in levels
        )
        self.known: dict[Any, tuple[str | None, ...]] = {}

    def _named(self, key: str, level: str | None) -> Any:
        policy = self.policy
        targets = policy.targets if level is None else policy.level(level).targets
        return next((target.owner for target in targets if target.key == key and target.owner is not None), None)

    def picks(self, state: State) -> tuple[Any, ...]:
        """Return the current values that roles are picked by, the priority first."""
        facts = self.by[1:]
        return (state.facts.priority, *map(state.facts.own.get, facts)) if facts else (state.facts.priority,)

    def holders(self, state: State, levels: tuple[int, ...], picks: tuple[Any, ...]) -> tuple[str | None, ...]:
        """Return the role that has the case on each track, cached by levels and picks if there are no rotas."""
        roles = self.known.get((levels, picks))
        if roles is None:
            roles = tuple(holder(state, track) for track in range(len(levels)))
            if not self.program.rotas and len(self.known) < REMEMBERED:
                self.known[levels, picks] = roles
        return roles

    def chosen(self, given: Any, picks: tuple[Any, ...]) -> str | None:
        """Return a role, or the value of a pick."""
        role = picked(given, dict(zip(self.by, picks, strict=True)))
        return None if role is None else str(role)

    def key(self, track: int, level: int) -> str | None:
        """Return the key of a level; None for no level."""
        return None if level == NOWHERE else self.program.levels[track][level].key

    def of_level(self, track: int, level: int, picks: tuple[Any, ...]) -> str | None:
        """Return the role that owns a level."""
        return None if level == NOWHERE else self.chosen(self.program.levels[track][level].owner, picks)

    def of_target(self, group: int, place: tuple[int, int], shot: _Snapshot) -> str | None:
        """Return the role that a target names, else that of the case, or of the level that the case has left."""
        named, (track, level) = self.named[group], place
        if named is not None:
            return self.chosen(named, shot.picks)
        return shot.holders[track] if shot.levels[track] == level else self.of_level(track, level, shot.picks)


class _Snapshot(NamedTuple):
    """A case from an instant on; `holders` has the case on each track, `owners` had it when it arrived there."""

    at: int
    cycle: int
    live: bool
    levels: tuple[int, ...]
    entries: tuple[int, ...]
    picks: tuple[Any, ...]
    holders: tuple[str | None, ...]
    owners: tuple[str | None, ...]


class _Recorder:
    """Records a case after each instant that changed something."""

    def __init__(self, program: Program, owners: Owners) -> None:
        self.program, self.owners = program, owners
        self.shots: list[_Snapshot] = []
        self.instants: list[int] = []
        self.moves: list[Row] = []
        self.told = 0
        self.held: list[tuple[int, tuple[BlockedRecord, ...]]] = []
        self.may_hold = owners.may_hold

    def see(self, state: State) -> None:
        """Record the state after the rules of an instant."""
        if state.changed_visibly:
            self._take(state)
            state.changed_visibly = 0
        if len(state.asked.log) > self.told:
            self.moves += [self._move(state, move) for move in state.asked.log[self.told :]]
            self.told = len(state.asked.log)
        if self.may_hold:
            self._note_held(state)

    def at(self, instant: int) -> _Snapshot:
        """Return the snapshot of the case at an instant."""
        return self.shots[bisect_right(self.instants, instant) - 1]

    def _take(self, state: State) -> None:
        shots, instants = self.shots, self.instants
        if shots and instants[-1] == state.now:
            shots.pop()
            instants.pop()
        last = shots[-1] if shots else None
        levels, entries, picks = tuple(state.levels.level), tuple(state.levels.entry), self.owners.picks(state)
        content = (state.life.cycle, state.life.live, levels, entries, picks)
        if last is None or last[1:6] != content:
            holders = owners = self.owners.holders(state, levels, picks)
            if last is not None and last.cycle == state.life.cycle:
                owners = _owners(last, entries, holders)
            shots.append(_Snapshot(state.now, *content, holders, owners))
            instants.append(state.now)

    def _move(self, state: State, move: LoggedMove) -> Row:
        track = self.program.tracks[move.track].key
        levels = self.owners.key(move.track, move.origin), self.owners.key(move.track, move.level)
        rules = ", ".join(move.rules)
        return move.cycle, track, move.due, *levels, rules, self._checklist(state, move), move.key, move.cause

    def _checklist(self, state: State, move: LoggedMove) -> str:
        level = self.program.levels[move.track][move.level]
        if level.entry is None:
            return "none"
        rules = (rule for rule in self.program.rules if rule.name in move.rules)
        if any(rule.waived and (move.origin + 1 if rule.is_next else rule.to) == move.level for rule in rules):
            return "waived"
        return "overridden" if state.answers.overridden.get(level.key, -1) >= state.life.cycle_when else "met"

    def _note_held(self, state: State) -> None:
        """Record the moves that are blocked from now on, and again when answers expire if nothing else happens."""
        now = state.now
        while self.held and self.held[-1][0] >= now:
            self.held.pop()
        records = blocked(state)
        self.held.append((now, records))
        for end in sorted(set(self._expiries(state))) if records else ():
            state.now = end
            self.held.append((end, blocked(state)))
        state.now = now

    def _expiries(self, state: State) -> Iterator[int]:
        for track, levels in enumerate(self.program.levels):
            for item in (item for level in levels if level.entry for item in level.entry.items):
                answer = state.answers.latest.get(self.program.items[item])
                end = expiry(state, item, answer[0], track) if answer else None
                if end is not None and end > state.now:
                    yield end

    def stays(self) -> list[Row]:
        """Return the case's stays on levels while it was worked on, in the order in which they began."""
        rows: list[tuple[int, int, Row]] = []
        for track in range(len(self.program.levels)):
            since: _Snapshot | None = None
            for shot in self.shots:
                if since is not None and (not shot.live or _stay(shot, track) != _stay(since, track)):
                    rows.append((since.at, track, self._stay_row(since, track, shot.at)))
                    since = None
                if since is None and shot.live and shot.levels[track] != NOWHERE:
                    since = shot
            if since is not None:
                rows.append((since.at, track, self._stay_row(since, track, NAT)))
        return [row for _, _, row in sorted(rows, key=lambda item: item[:2])]

    def _stay_row(self, since: _Snapshot, track: int, left: int) -> Row:
        level = self.owners.key(track, since.levels[track])
        return since.cycle, self.program.tracks[track].key, level, since.owners[track], since.at, left


def _owners(last: _Snapshot, entries: tuple[int, ...], holders: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """Return the role that took the case when it came to its current level on each track, in this cycle."""
    if last.entries == entries:
        return last.owners
    kept = zip(last.entries, entries, last.owners, holders, strict=True)
    return tuple([owner if before == entry else holder for before, entry, owner, holder in kept])


def _stay(shot: _Snapshot, track: int) -> tuple[int, int, int]:
    return shot.cycle, shot.levels[track], shot.entries[track]


def _held_back(program: Program, looks: list[tuple[int, tuple[BlockedRecord, ...]]], until: int) -> list[Row]:
    """Return the interval in which each move was blocked, by the same things and wanted by the same rules."""
    rows: list[Row] = []
    since: dict[Row, int] = {}
    for at, found in (look for look in looks if look[0] <= until):
        held = {_held_row(program, record) for record in found}
        rows += [(*row[:4], since.pop(row), at, *row[4:]) for row in set(since) - held]
        since.update(dict.fromkeys(held - set(since), at))
    rows += [(*row[:4], start, NAT, *row[4:]) for row, start in since.items()]
    return sorted((row for row in rows if row[4] != row[5]), key=lambda row: (row[4], program.places[row[2]]))


def _held_row(program: Program, record: BlockedRecord) -> Row:
    missing = ", ".join(f"{lacking.item}: {lacking.why}" for lacking in record.missing)
    against = ", ".join(f"{item}: {answer}" for item, answer in record.against)
    track, level = program.tracks[record.track].key, program.levels[record.track][record.level].key
    return record.cycle, track, level, ", ".join(record.rules), missing or None, against or None


def _case_row(case: CaseInput, state: State, moves: int, *, void: bool) -> Row:
    first = resolved = closed = NAT
    for instant, event in case.events:
        kind = type(event)
        if kind not in _ENDING:
            continue
        if instant > state.now:
            break
        if kind is E.Reopened or kind is E.Voided:
            resolved = closed = NAT
            continue
        first = instant if first == NAT else first
        resolved = instant if resolved == NAT else resolved
        closed = instant if kind is E.Closed else closed
    level = state.program.levels[0][state.levels.level[0]].key if state.levels.level[0] != NOWHERE else None
    return (
        case.id,
        case.events[0][0],
        first,
        resolved,
        closed,
        void,
        state.life.cycle,
        state.facts.priority,
        level,
        moves,
    )


_ENDING = frozenset({E.Resolved, E.Closed, E.Reopened, E.Voided})

Moves = Literal["replayed", "recorded"]


class Batch(NamedTuple):
    """The frames of some cases, and the number of cases that were replayed vectorised."""

    tables: dict[str, Columns]
    by_columns: int


def replay_batch(policy: Policy, cases: Histories | list[Case], last: int, moves: Moves) -> Batch:
    """Return the frames of some cases: vectorised where that is supported, the other cases one by one."""
    if isinstance(cases, list):
        cases = [case if moves == "recorded" else _of_people(case) for case in cases]
    plan = plan_of(policy)
    if plan is None:
        return Batch(one_by_one(policy, cases, last), 0)
    histories = cases if isinstance(cases, Histories) else Histories.of(cases)
    held = which(plan, histories, last)
    if isinstance(cases, list):
        held &= np.array([not any(case.keys_until(last)) for case in cases], np.bool_)
    vectorised = (
        columnar(plan, histories if held.all() else histories.chosen(np.flatnonzero(held)), last)
        if held.any()
        else None
    )
    if vectorised is None:
        return Batch(one_by_one(policy, cases, last), 0)
    if held.all():
        return Batch(vectorised, len(held))
    rest = np.flatnonzero(~held)
    others = histories.chosen(rest) if isinstance(cases, Histories) else [cases[number] for number in rest.tolist()]
    singly = one_by_one(policy, others, last)
    return Batch(
        {name: by_case(concatenated([vectorised[name], singly[name]])) for name in vectorised}, int(held.sum())
    )


def one_by_one(policy: Policy, cases: Histories | list[Case], last: int) -> dict[str, Columns]:
    """Return the frames of cases that go through the engine one by one."""
    lives = OneByOne(policy, last)
    for case in cases.told(last) if isinstance(cases, Histories) else (case_input(case, last) for case in cases):
        lives.live(case)
    return {name: columns_of(name, rows) for name, rows in lives.rows.items()}


def _of_people(case: Case) -> Case:
    """Return the case without the events that rules asked for."""
    if not any(isinstance(event, AcceptableEvent) for event in case.history):
        return case
    kept = tuple(event for event in case.history if not (isinstance(event, AcceptableEvent) and _of_rules(event)))
    return Case.model_construct(id=case.id, history=kept, attributes=case.attributes)


def _of_rules(event: AcceptableEvent) -> bool:
    return event.is_accepted or bool(getattr(event, "rules", ()))
