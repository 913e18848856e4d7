"""A batch of cases: which are vectorised, which go through the engine one by one; the rows of the latter.

The engine's fold tells of each instant at which something changed; what a case was like in between stays the same.
Of a void case only its own row is told: it has no moves and no deadlines, and is not counted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np

from escalation_rules import events as E
from escalation_rules.case import Case
from escalation_rules.engine import program_of
from escalation_rules.engine.clocks import counted_now, due_of, outcome_now
from escalation_rules.engine.fold import CaseInput, case_input, run
from escalation_rules.engine.model import REMEMBERED, Program
from escalation_rules.engine.rules import blocked, expiry, holder
from escalation_rules.engine.state import BlockedRecord, Instance, LoggedMove, State
from escalation_rules.events import AcceptableEvent
from escalation_rules.levels import NOWHERE
from escalation_rules.picks import facts_of, picked
from escalation_rules.policy import Policy
from escalation_rules.simulation.arrays import NAT
from escalation_rules.simulation.columns import columnar, plan_of, which
from escalation_rules.simulation.frames import Columns, by_case, columns_of, concatenated
from escalation_rules.simulation.histories import Histories

Row = tuple[Any, ...]


class OneByOne:
    """The lives of cases under a policy up to an instant, as rows by frame. Instants are whole microseconds."""

    def __init__(self, program: Program, until: int) -> None:
        self.program, self.until = program, until
        self.owners = Owners(program)
        self.rows: dict[str, list[Row]] = {"cases": [], "moves": [], "blocked": [], "stays": [], "deadlines": []}

    def live(self, case: CaseInput) -> None:
        """One more case."""
        watch, name = _Recorder(self.program, self.owners), case.id
        state = run(self.program, case, self.until, watch.see)
        void = state.standing.status == "void"
        made = [] if void else watch.moves
        self.rows["cases"].append(_case_row(case, state, len(made), void=void))
        if not void:
            self.rows["moves"] += [(name, *row) for row in made]
            if watch.held:
                self.rows["blocked"] += [(name, *row) for row in _held_back(self.program, watch.held, self.until)]
            self.rows["stays"] += [(name, *row) for row in watch.stays()]
            self.rows["deadlines"] += [(name, *row) for row in self._deadlines(state, watch)]

    def _deadlines(self, state: State, watch: _Recorder) -> list[Row]:
        clocks = [*state.past, *state.clocks.values()]
        clocks.sort(key=lambda clock: (clock.started, clock.group.number))
        return [self._deadline(clock, state, watch) for clock in clocks]

    def _deadline(self, clock: Instance, state: State, watch: _Recorder) -> Row:
        due, outcome, counted = due_of(clock), outcome_now(clock, state), counted_now(clock, state)
        end = state.now if clock.stopped is None else clock.stopped
        shot = watch.at(due if outcome == "breached" and due is not None else end)
        group = clock.group
        place = (0, shot.levels[0]) if group.place is None else group.place
        return (
            clock.cycle,
            group.key,
            clock.occurrence,
            self.owners.key(*place),
            self.owners.of_target(group.number, place, shot),
            shot.picks[0],
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
    """Who owns levels and targets, by the priority and the choice facts that roles are picked by."""

    def __init__(self, program: Program) -> None:
        self.program = program
        targets = [
            *program.policy.targets,
            *(target for level in program.policy.all_levels for target in level.targets),
        ]
        roles = [role for level in program.policy.all_levels for role in (level.owner, *level.alternates)]
        given = [*roles, *(target.owner for target in targets)]
        facts = (name for one in given for name in facts_of(one) if name != "priority")
        self.by = ("priority", *dict.fromkeys(facts))
        self.named = [self._named(group.key, group.level) for group in program.groups]
        self.may_hold = any(
            level.entry is not None or (level.if_nobody == "hold" and program.policy.rotas)
            for levels in program.levels
            for level in levels
        )
        self.known: dict[Any, tuple[str | None, ...]] = {}

    def _named(self, key: str, level: str | None) -> Any:
        policy = self.program.policy
        targets = policy.targets if level is None else policy.level(level).targets
        return next((target.owner for target in targets if target.key == key and target.owner is not None), None)

    def picks(self, state: State) -> tuple[Any, ...]:
        """What roles are picked by, as it is now: the priority first."""
        facts = self.by[1:]
        return (state.priority, *map(state.facts.get, facts)) if facts else (state.priority,)

    def holders(self, state: State, levels: tuple[int, ...], picks: tuple[Any, ...]) -> tuple[str | None, ...]:
        """Who has the case on each track. Where nobody has a rota, that is known from where it stands."""
        found = self.known.get((levels, picks))
        if found is None:
            found = tuple(holder(state, track) for track in range(len(levels)))
            if not self.program.policy.rotas and len(self.known) < REMEMBERED:
                self.known[levels, picks] = found
        return found

    def chosen(self, given: Any, picks: tuple[Any, ...]) -> str | None:
        """A role, or what a pick comes to."""
        role = picked(given, dict(zip(self.by, picks, strict=True)))
        return None if role is None else str(role)

    def key(self, track: int, level: int) -> str | None:
        """The key of a level; None for nowhere."""
        return None if level == NOWHERE else self.program.levels[track][level].key

    def of_level(self, track: int, level: int, picks: tuple[Any, ...]) -> str | None:
        """The role that a policy gives a level to."""
        return None if level == NOWHERE else self.chosen(self.program.levels[track][level].owner, picks)

    def of_target(self, group: int, place: tuple[int, int], shot: _Snapshot) -> str | None:
        """The role that a target names, or else who has the case, or had the level that it has left."""
        named, (track, level) = self.named[group], place
        if named is not None:
            return self.chosen(named, shot.picks)
        return shot.holders[track] if shot.levels[track] == level else self.of_level(track, level, shot.picks)


class _Snapshot(NamedTuple):
    """What a case was like from an instant on; who has it on each track, and who took it when it came there."""

    at: int
    cycle: int
    live: bool
    levels: tuple[int, ...]
    entries: tuple[int, ...]
    picks: tuple[Any, ...]
    holders: tuple[str | None, ...]
    owners: tuple[str | None, ...]


class _Recorder:
    """Looks at a case after each instant that changed something."""

    def __init__(self, program: Program, owners: Owners) -> None:
        self.program, self.owners = program, owners
        self.shots: list[_Snapshot] = []
        self.instants: list[int] = []
        self.moves: list[Row] = []
        self.told = 0
        self.held: list[tuple[int, tuple[BlockedRecord, ...]]] = []
        self.may_hold = owners.may_hold

    def see(self, state: State) -> None:
        """A look at the state after the rules of an instant."""
        if state.changed_visibly:
            self._take(state)
            state.changed_visibly = 0
        if len(state.moves_log) > self.told:
            self.moves += [self._move(state, one) for one in state.moves_log[self.told :]]
            self.told = len(state.moves_log)
        if self.may_hold:
            self._note_held(state)

    def at(self, instant: int) -> _Snapshot:
        """What the case was like at an instant."""
        return self.shots[bisect_right(self.instants, instant) - 1]

    def _take(self, state: State) -> None:
        shots, instants = self.shots, self.instants
        if shots and instants[-1] == state.now:
            shots.pop()
            instants.pop()
        last = shots[-1] if shots else None
        levels, entries, picks = tuple(state.level), tuple(state.entry), self.owners.picks(state)
        what = (state.cycle, state.live, levels, entries, picks)
        if last is None or last[1:6] != what:
            holders = owners = self.owners.holders(state, levels, picks)
            if last is not None and last.cycle == state.cycle:
                owners = _owners(last, entries, holders)
            shots.append(_Snapshot(state.now, *what, holders, owners))
            instants.append(state.now)

    def _move(self, state: State, made: LoggedMove) -> Row:
        track = self.program.tracks[made.track].key
        levels = self.owners.key(made.track, made.origin), self.owners.key(made.track, made.level)
        rules = ", ".join(made.rules)
        return made.cycle, track, made.due, *levels, rules, self._checklist(state, made), made.key, made.cause

    def _checklist(self, state: State, made: LoggedMove) -> str:
        level = self.program.levels[made.track][made.level]
        if level.entry is None:
            return "none"
        asked = (rule for rule in self.program.rules if rule.name in made.rules)
        if any(rule.waived and (made.origin + 1 if rule.is_next else rule.to) == made.level for rule in asked):
            return "waived"
        return "overridden" if state.overridden.get(level.key, -1) >= state.cycle_when else "met"

    def _note_held(self, state: State) -> None:
        """What is held back from now on, and from when on answers that expire change it, if nothing else does."""
        now = state.now
        while self.held and self.held[-1][0] >= now:
            self.held.pop()
        found = blocked(state)
        self.held.append((now, found))
        for end in sorted(set(self._expiries(state))) if found else ():
            state.now = end
            self.held.append((end, blocked(state)))
        state.now = now

    def _expiries(self, state: State) -> Iterator[int]:
        for track, levels in enumerate(self.program.levels):
            for item in (item for level in levels if level.entry for item in level.entry.items):
                answer = state.answers.get(self.program.items[item])
                end = expiry(state, item, answer[0], track) if answer else None
                if end is not None and end > state.now:
                    yield end

    def stays(self) -> list[Row]:
        """Where the case stood while it was worked on, in the order in which it came there."""
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
        return [row for _, _, row in sorted(rows, key=lambda one: one[:2])]

    def _stay_row(self, since: _Snapshot, track: int, left: int) -> Row:
        level = self.owners.key(track, since.levels[track])
        return since.cycle, self.program.tracks[track].key, level, since.owners[track], since.at, left


def _owners(last: _Snapshot, entries: tuple[int, ...], holders: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """Who took the case when it came to where it stands on each track, in this cycle."""
    if last.entries == entries:
        return last.owners
    kept = zip(last.entries, entries, last.owners, holders, strict=True)
    return tuple([owner if before == entry else holder for before, entry, owner, holder in kept])


def _stay(shot: _Snapshot, track: int) -> tuple[int, int, int]:
    return shot.cycle, shot.levels[track], shot.entries[track]


def _held_back(program: Program, looks: list[tuple[int, tuple[BlockedRecord, ...]]], until: int) -> list[Row]:
    """From when to when each move was held back, by the same things and wanted by the same rules."""
    rows: list[Row] = []
    since: dict[Row, int] = {}
    for at, found in (look for look in looks if look[0] <= until):
        held = {_held_row(program, one) for one in found}
        rows += [(*row[:4], since.pop(row), at, *row[4:]) for row in set(since) - held]
        since.update(dict.fromkeys(held - set(since), at))
    rows += [(*row[:4], start, NAT, *row[4:]) for row, start in since.items()]
    return sorted((row for row in rows if row[4] != row[5]), key=lambda row: (row[4], program.places[row[2]]))


def _held_row(program: Program, found: BlockedRecord) -> Row:
    missing = ", ".join(f"{one.item}: {one.why}" for one in found.missing)
    against = ", ".join(f"{item}: {answer}" for item, answer in found.against)
    track, level = program.tracks[found.track].key, program.levels[found.track][found.level].key
    return found.cycle, track, level, ", ".join(found.rules), missing or None, against or None


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
    level = state.program.levels[0][state.level[0]].key if state.level[0] != NOWHERE else None
    return case.id, case.events[0][0], first, resolved, closed, void, state.cycle, state.priority, level, moves


_ENDING = frozenset({E.Resolved, E.Closed, E.Reopened, E.Voided})

Moves = Literal["replayed", "recorded"]


class Batch(NamedTuple):
    """The frames of some cases, and how many of the cases were replayed by columns."""

    tables: dict[str, Columns]
    by_columns: int


def replay_batch(policy: Policy, cases: Histories | list[Case], last: int, moves: Moves) -> Batch:
    """The frames of some cases: by columns what these can hold, the others one by one."""
    if isinstance(cases, list):
        cases = [case if moves == "recorded" else _of_people(case) for case in cases]
    plan = plan_of(policy)
    if plan is None:
        return Batch(one_by_one(policy, cases, last), 0)
    histories = cases if isinstance(cases, Histories) else Histories.of(cases)
    held = which(plan, histories, last)
    if isinstance(cases, list):
        held &= np.array([not any(case.keys_until(last)) for case in cases], np.bool_)
    found = (
        columnar(plan, histories if held.all() else histories.chosen(np.flatnonzero(held)), last)
        if held.any()
        else None
    )
    if found is None:
        return Batch(one_by_one(policy, cases, last), 0)
    if held.all():
        return Batch(found, len(held))
    rest = np.flatnonzero(~held)
    others = histories.chosen(rest) if isinstance(cases, Histories) else [cases[number] for number in rest.tolist()]
    singly = one_by_one(policy, others, last)
    return Batch({name: by_case(concatenated([found[name], singly[name]])) for name in found}, int(held.sum()))


def one_by_one(policy: Policy, cases: Histories | list[Case], last: int) -> dict[str, Columns]:
    """The frames of cases that go through the engine, each by itself."""
    lives = OneByOne(program_of(policy), last)
    for case in cases.told(last) if isinstance(cases, Histories) else (case_input(case, last) for case in cases):
        lives.live(case)
    return {name: columns_of(name, rows) for name, rows in lives.rows.items()}


def _of_people(case: Case) -> Case:
    """The case without what rules asked for."""
    if not any(isinstance(event, AcceptableEvent) for event in case.history):
        return case
    kept = tuple(event for event in case.history if not (isinstance(event, AcceptableEvent) and _of_rules(event)))
    return Case.model_construct(id=case.id, history=kept, attributes=case.attributes)


def _of_rules(event: AcceptableEvent) -> bool:
    return event.is_accepted or bool(getattr(event, "rules", ()))
