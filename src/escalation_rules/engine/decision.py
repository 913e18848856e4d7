"""Builds a `Decision` from a folded state, each field computed when it is first read, and explains rules (`why_not`).

The explanation of a rule lists its conditions: whether each is true, since when, and when time alone changes that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from escalation_rules._values import FrozenDict
from escalation_rules.case import Case
from escalation_rules.checklists import Checklist
from escalation_rules.conditions import Atom, atoms, normal
from escalation_rules.decision import (
    ActionDue,
    BlockedMove,
    Comparison,
    Deadline,
    Decision,
    DeEscalation,
    Move,
    Objection,
    OpenItem,
    Owner,
    Position,
    Reason,
    WorkItem,
)
from escalation_rules.engine.fold import all_clocks, fold, snapshot, wake
from escalation_rules.engine.machine import NO_EVIDENCE, OF_CYCLE, Machine
from escalation_rules.engine.records import (
    ActionRecord,
    BlockedRecord,
    ClockRecord,
    ExitRecord,
    LegRecord,
    MoveRecord,
    OpenItemRecord,
    Outcome,
    OwnerRecord,
    action_key,
    move_key,
)
from escalation_rules.engine.rules import evidence, was_answered
from escalation_rules.engine.state import State
from escalation_rules.events import PostMortemHeld
from escalation_rules.explain import phrase, phrase_atom, phrase_value
from escalation_rules.fact_table import FACTS
from escalation_rules.levels import NOWHERE, EscalationLevel
from escalation_rules.picks import picked
from escalation_rules.policy import Policy
from escalation_rules.program.model import LONG_AGO, POSITION_BITS, RuleCode, leaves, tree_holds
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime._timeline import datetime_of
from escalation_rules.worktime.clocks import Leg


def why_not(state: State, rules: Iterable[Rule]) -> tuple[Reason, ...]:
    """Return some rules of the policy with their conditions at the current instant."""
    codes = {code.name: code for code in state.program.rules}
    return tuple(_reason(state, rule, codes[rule.key]) for rule in rules)


def _reason(state: State, rule: Rule, code: RuleCode) -> Reason:
    because = [_place(state, rule)] if rule.at_level else []
    pairs = zip(atoms(normal(rule.when)), leaves(code.own_tree), strict=True)
    because += [_because(state, atom, number) for atom, number in pairs]
    in_force = state.program.effective_from
    if state.now < in_force:
        because.append(Comparison(text="the policy is in force", holds=False, changes_at=datetime_of(in_force)))

    def is_true(number: int) -> bool:
        return bool(state.tests.truth >> number & 1)

    if rule.unless is not None and code.unless is not None and tree_holds(code.unless, is_true):
        because.append(Comparison(text=f"not held back: {phrase(rule.unless)}", holds=False))
    elif state.now >= in_force and tree_holds(code.tree, is_true):
        because += [Comparison(text=text, holds=False) for text in _obstacles(state, code)]
    return Reason(rule=rule.key, to=rule.to, text=phrase(rule.when), because=tuple(because))


def _obstacles(state: State, code: RuleCode) -> Iterator[str]:
    """Yield the reasons why a rule with a true condition still moves no case."""
    if not state.life.live:
        yield f"a case that is {state.life.standing.status} is not moved"
        return
    if state.levels.external:
        yield "a case outside the process is not moved"
        return
    when = evidence(state, code.own_tree)
    if (state.life.opening if when == LONG_AGO else when) < state.program.fresh_from:
        yield "it was so before the policy came into force"
    if code.goes and state.levels.down_since[code.track] != LONG_AGO and when <= state.levels.down_since[code.track]:
        yield "nothing new has happened since the case went down"
    levels = state.program.levels[code.track]
    if code.is_next and when <= state.levels.entry[code.track]:
        yield "nothing new has happened since the case came to this level"
    elif code.to is not None and code.to <= state.levels.level[code.track]:
        yield f"the case is on `{levels[code.to].key}` or above already"
    else:
        yield from _answers(state, code)


def _answers(state: State, code: RuleCode) -> Iterator[str]:
    """Yield a reason if the move was declined or recorded before."""
    to = state.levels.level[code.track] + 1 if code.is_next else code.to
    if to is not None and to < len(state.program.levels[code.track]):
        answer = was_answered(state, code, to)
        if answer is not None:
            yield f"this move was {answer}"


def _place(state: State, rule: Rule) -> Comparison:
    places = [state.program.places[key] for key in rule.at_level]
    holds = any(state.levels.level[track] == level for track, level in places)
    return Comparison(text=f"stands on {' or '.join(f'`{key}`' for key in rule.at_level)}", holds=holds)


def _because(state: State, atom: Atom, number: int) -> Comparison:
    where, look = state.machine.evidence_of[number], state.machine.looks[number]
    holds: bool | None = bool(state.tests.truth >> number & 1)
    since = state.tests.since[number] if where < 0 else state.facts.seen[where]
    if where == OF_CYCLE:
        since = max(since, state.life.cycle_when)
    crossing = look(state)[1] if look else None
    changes = None if crossing is None else state.program.lines[crossing[0]].earliest(crossing[1])
    # rule 31: what is not known is unknown, neither true nor false
    if not holds and _is_unknown(state, atom):
        holds = None
    return Comparison(
        text=phrase_atom(atom),
        fact=atom.fact,
        of=atom.of,
        op=atom.op,
        value=phrase_value(atom.value),
        holds=holds,
        since=datetime_of(since >> POSITION_BITS) if holds and where != NO_EVIDENCE else None,
        changes_at=None if changes is None else datetime_of(changes),
    )


def _is_unknown(state: State, atom: Atom) -> bool:
    if atom.fact == "priority":
        return state.facts.rank < 0
    if atom.fact == "channel":
        return state.facts.channel is None
    if atom.fact == "remaining":
        clock = state.clocks.latest.get(str(atom.of))
        return clock is None or clock.stopped is not None or clock.fixed or clock.due is None
    return atom.fact not in FACTS and state.facts.own.get(atom.fact) is None


def read(policy: Policy, machine: Machine, case: Case, at: int) -> Decision:
    """Return the decision on a case at an instant.

    A faulty case raises here; the fields of the decision are computed when they are read.
    """
    return Decision._deferred(LazyDecision(policy, machine, case, at))


class LazyDecision:
    """The source of a decision's fields: one property for each, all computed from one folded state."""

    def __init__(self, policy: Policy, machine: Machine, case: Case, at: int) -> None:
        self._policy, self._program, self._case, self._at = policy, machine.program, case, at
        self._state = fold(machine, case, at)

    @cached_property
    def _outcome(self) -> Outcome:
        return snapshot(self._state)

    @property
    def wake_at(self) -> datetime | None:
        """The next instant at which the decision changes if nothing happens, or None."""
        instant = wake(self._state, self._outcome)
        return None if instant is None else datetime_of(instant)

    def all_deadlines(self) -> tuple[Deadline, ...]:
        """Every instance of every target, in the order in which they started."""
        return tuple(map(self._deadline, all_clocks(self._state)))

    def why_not(self) -> tuple[Reason, ...]:
        """Return every rule with its conditions, true and false."""
        return why_not(self._state, self._policy.all_rules)

    @property
    def case(self) -> str:
        """The case's id."""
        return self._case.id

    @property
    def policy(self) -> str:
        """The policy's name."""
        return self._policy.name

    @property
    def version(self) -> str:
        """The policy's version."""
        return self._policy.version

    @property
    def at(self) -> datetime:
        """The instant of the decision."""
        return datetime_of(self._at)

    @property
    def timezone(self) -> str:
        """The time zone of the usual calendar."""
        usual = self._pick(self._policy.usual_calendar)
        return self._policy.all_calendars[usual].timezone if usual is not None else "UTC"

    @property
    def status(self) -> str:
        """The status of the case."""
        return self._outcome.status

    @property
    def positions(self) -> Mapping[str, Position]:
        """The position on each track, moves that are due included."""
        return FrozenDict({track.key: self._position(number) for number, track in enumerate(self._program.tracks)})

    def _position(self, track: int) -> Position:
        level = self._outcome.standing[track]
        if level == NOWHERE:
            return Position()
        state = self._state
        since = state.levels.entry[track] >> POSITION_BITS
        here = (track, level, since)
        due = next((one for one in self._outcome.moves if (one.track, one.level) == (track, level)), None)
        made = (one.rules for one in reversed(state.asked.log) if (one.track, one.level, one.due) == here)
        return Position(
            level=self._level(track, level).key,
            since=datetime_of(since),
            owner=self._outcome.holders[track],
            rules=next(made, ()),
            reasons=() if due is None else self._reasons(due),
            recorded=due is None,
        )

    # ------------------------------------------------------------------------ moves and actions

    @property
    def moves(self) -> tuple[Move, ...]:
        """The moves that are due and not recorded, in the order in which they are due."""
        return tuple(self._move(record) for record in sorted(self._outcome.moves, key=lambda record: record.order))

    def _move(self, record: MoveRecord) -> Move:
        return Move(
            track=self._program.tracks[record.track].key,
            from_level=self._key(record.track, record.origin),
            to=self._level(record.track, record.level).key,
            owner=None if record.owner is None else self._owner(record.owner, record),
            due_at=datetime_of(record.due),
            still_holds=record.still_holds,
            rules=record.rules,
            key=self._move_key(record),
            order=record.order,
            reasons=self._reasons(record),
        )

    def _owner(self, record: OwnerRecord, move: MoveRecord) -> Owner:
        passed = ", ".join(f"`{role}`" for role in record.passed)
        because = ""
        if not record.on_duty:
            because = f"nobody was on duty for {passed}: the case waits there for `{record.role}`"
        elif record.passed:
            because = f"nobody was on duty for {passed}: `{record.role}` is the alternate"
        skipped = ", ".join(f"`{self._key(move.track, level)}`" for level in move.skipped)
        if skipped:
            because = f"nobody was on duty on {skipped}" + (f"; {because}" if because else "")
        return Owner(role=record.role, person=record.person, because=because, on_duty=record.on_duty)

    def _move_key(self, record: MoveRecord | BlockedRecord) -> str:
        track, level = self._program.tracks[record.track].key, self._level(record.track, record.level).key
        return move_key(self._case.id, self._policy.name, track, level, record.cause)

    def _reasons(self, record: MoveRecord | BlockedRecord) -> tuple[Reason, ...]:
        rules = {rule.key: rule for rule in self._policy.all_rules}
        return tuple(
            Reason(rule=name, to=rules[name].to, since=datetime_of(cause), text=phrase(rules[name].when))
            for name, cause in zip(record.rules, record.causes, strict=True)
        )

    @property
    def blocked(self) -> tuple[BlockedMove, ...]:
        """The moves that rules want and that something blocks."""
        return tuple(map(self._blocked, self._outcome.blocked))

    def _blocked(self, record: BlockedRecord) -> BlockedMove:
        track, level = self._program.tracks[record.track].key, self._level(record.track, record.level)
        move = Move(
            track=track,
            from_level=self._key(record.track, self._outcome.standing[record.track]),
            to=level.key,
            rules=record.rules,
            key=self._move_key(record),
            reasons=self._reasons(record),
        )
        return BlockedMove(
            move=move,
            missing=_open_items(level.entry, record.missing),
            objections=_objections(level.entry, record.against),
            until=_maybe(record.until),
        )

    @property
    def actions(self) -> tuple[ActionDue, ...]:
        """The actions that are due and not recorded."""
        return tuple(map(self._action, self._outcome.actions))

    def _action(self, record: ActionRecord) -> ActionDue:
        kind, name = record.source
        if kind == "rule":
            actions = next(rule.then for rule in self._policy.all_rules if rule.key == name)
        else:
            actions = self._policy.level(name).on_entry
        key = action_key(self._case.id, self._policy.name, record.source, actions[record.number], record.cause)
        return ActionDue(
            action=record.action,
            key=key,
            due_at=datetime_of(record.due),
            rule=name if kind == "rule" else None,
            level=name if kind == "level" else None,
            person=record.person,
            order=record.order,
        )

    # ------------------------------------------------------------------------ clocks

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """The clocks that run or are paused, soonest due first."""
        running = [clock for clock in self._outcome.clocks if clock.state != "stopped"]
        last = max((clock.due for clock in running if clock.due is not None), default=0) + 1
        running.sort(key=lambda clock: (last if clock.due is None else clock.due, clock.key, clock.level or ""))
        return tuple(map(self._deadline, running))

    @property
    def stopped_deadlines(self) -> tuple[Deadline, ...]:
        """The latest stopped clock of each target, and a deadline without a start for each that never started."""
        ended = [one for one in self._outcome.clocks if one.state == "stopped"]
        known = {one.key for one in self._outcome.clocks}
        never = (Deadline(target=key) for key in self._policy.vocabulary.targets if key not in known)
        ended.sort(key=lambda one: -one.started)
        return (*map(self._deadline, ended), *never)

    def _deadline(self, record: ClockRecord) -> Deadline:
        return Deadline(
            target=record.key,
            occurrence=record.occurrence,
            level=record.level,
            started_at=datetime_of(record.started),
            due_at=_maybe(record.due),
            clock=record.state,
            outcome=record.outcome,
            breached_by_change=record.caused,
            owner=self._owner_of(record),
            budget=None if record.budget is None else timedelta(microseconds=record.budget),
            stopped_at=_maybe(record.stopped),
            legs=tuple(map(self._leg, record.legs)),
            at_close=record.at_close,
        )

    def _leg(self, record: LegRecord) -> Leg:
        calendar = None if record.calendar is None else self._policy.all_calendars[record.calendar]
        return Leg(since=datetime_of(record.since), calendar=calendar, paused=record.paused)

    def _targets_of(self, record: ClockRecord) -> list[Target]:
        targets = self._policy.targets if record.level is None else self._policy.level(record.level).targets
        return [target for target in targets if target.key == record.key]

    def _owner_of(self, record: ClockRecord) -> str | None:
        """Return the role that the target names, else the role that has the case on the track of the clock's level.

        A clock of the policy counts as on the first track. Once the case has left the level, the role is the level's
        owner.
        """
        named = next((target.owner for target in self._targets_of(record) if target.owner is not None), None)
        track, level = (0, self._outcome.standing[0]) if record.level is None else self._program.places[record.level]
        if named is None and self._outcome.standing[track] == level:
            return self._outcome.holders[track]
        role = self._pick(self._level(track, level).owner if named is None else named)
        return None if role is None else str(role)

    # ------------------------------------------------------------------------ owed and exits

    @property
    def worklist(self) -> tuple[WorkItem, ...]:
        """Open work, running deadlines, unanswered requests, missing post-mortems."""
        return (*self._owed_work(), *map(self._owed_deadline, self.deadlines), *self._owed_answer())

    def _work_item(self, **fields: Any) -> WorkItem:
        return WorkItem(case=self._case.id, priority=dict(self._outcome.picks)["priority"], **fields)

    def _owed_work(self) -> Iterator[WorkItem]:
        for track, number, items in self._outcome.work:
            level = self._level(track, number)
            for item in _open_items(level.work, items):
                yield self._work_item(
                    kind="item",
                    what=item.key,
                    text=item.text,
                    role=self._outcome.holders[track],
                    track=self._program.tracks[track].key,
                    level=level.key,
                )

    def _owed_deadline(self, deadline: Deadline) -> WorkItem:
        targets = [target for target in self._policy.all_targets if target.key == deadline.target]
        looks_back = any(pattern.event == PostMortemHeld.__name__ for target in targets for pattern in target.stop_on)
        return self._work_item(
            kind="post_mortem" if looks_back else "deadline",
            what=deadline.target,
            role=deadline.owner,
            level=deadline.level,
            since=deadline.started_at,
            due_at=deadline.due_at,
        )

    def _owed_answer(self) -> Iterator[WorkItem]:
        since = self._outcome.requested_since
        if since is not None:
            yield self._work_item(
                kind="request", what="escalation", text="an escalation nobody has answered", since=datetime_of(since)
            )

    @property
    def de_escalation(self) -> Mapping[str, DeEscalation]:
        """The open items and objections of de-escalation, by track."""
        return FrozenDict({self._program.tracks[found.track].key: self._exit(found) for found in self._outcome.exits})

    def _exit(self, found: ExitRecord) -> DeEscalation:
        return DeEscalation(
            track=self._program.tracks[found.track].key,
            level=self._level(found.track, found.level).key,
            missing=_open_items(self._level(found.track, found.level).de_escalation, found.missing),
            objections=_objections(self._level(found.track, found.level).de_escalation, found.against),
            until=_maybe(found.until),
        )

    # ------------------------------------------------------------------------ names

    def _level(self, track: int, level: int) -> EscalationLevel:
        return self._program.levels[track][level]

    def _key(self, track: int, level: int) -> str | None:
        return None if level == NOWHERE else self._level(track, level).key

    def _pick(self, given: Any) -> Any:
        return picked(given, dict(self._outcome.picks))


def _maybe(instant: int | None) -> datetime | None:
    return None if instant is None else datetime_of(instant)


def _open_items(checklist: Checklist | None, found: tuple[OpenItemRecord, ...]) -> tuple[OpenItem, ...]:
    items = {item.key: item for item in checklist.items} if checklist else {}
    return tuple(
        OpenItem(key=record.item, text=items[record.item].text, answers=items[record.item].answers, why=record.why)
        for record in found
    )


def _objections(checklist: Checklist | None, found: tuple[tuple[str, str], ...]) -> tuple[Objection, ...]:
    items = {item.key: item for item in checklist.items} if checklist else {}
    return tuple(Objection(item=key, answer=answer, text=items[key].text) for key, answer in found)
