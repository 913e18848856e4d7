"""A `Decision` of a folded state, each field made when it is read; why rules hold or do not.

Each comparison with whether it holds, since when, and when time alone will change that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from escalation_rules._values import FrozenDict
from escalation_rules.case import Case
from escalation_rules.checklists import Checklist
from escalation_rules.conditions import BUILT_IN, Atom, atoms, normal
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
from escalation_rules.engine.model import LONG_AGO, POSITION_BITS, Program, RuleCode
from escalation_rules.engine.rules import evidence, leaves, tree_holds, was_answered
from escalation_rules.engine.state import (
    ActionRecord,
    BlockedRecord,
    ClockRecord,
    ExitRecord,
    LegRecord,
    MoveRecord,
    OpenItemRecord,
    Outcome,
    OwnerRecord,
    State,
    action_key,
    move_key,
)
from escalation_rules.events import PostMortemHeld
from escalation_rules.explain import phrase, phrase_atom, phrase_value
from escalation_rules.levels import NOWHERE, EscalationLevel
from escalation_rules.picks import picked
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime._timeline import datetime_of
from escalation_rules.worktime.clocks import Leg


def why_not(state: State) -> tuple[Reason, ...]:
    """Every rule with its comparisons, as they stand now, in the policy's order."""
    codes = {code.name: code for code in state.program.rules}
    return tuple(_reason(state, rule, codes[rule.key]) for rule in state.program.policy.all_rules)


def _reason(state: State, rule: Rule, code: RuleCode) -> Reason:
    because = [_place(state, rule)] if rule.at_level else []
    pairs = zip(atoms(normal(rule.when)), leaves(code.own_tree), strict=True)
    because += [_because(state, atom, number) for atom, number in pairs]
    in_force = state.program.effective_from
    if state.now < in_force:
        because.append(Comparison(text="the policy is in force", holds=False, changes_at=datetime_of(in_force)))
    elif tree_holds(code.stay_tree, lambda number: bool(state.truth >> number & 1)):
        because += [Comparison(text=text, holds=False) for text in _obstacles(state, code)]
    return Reason(rule=rule.key, to=rule.to, text=phrase(rule.when), because=tuple(because))


def _obstacles(state: State, code: RuleCode) -> Iterator[str]:
    """Why a rule whose condition holds moves nobody all the same."""
    if not state.live:
        yield f"a case that is {state.standing.status} is not moved"
        return
    if state.external:
        yield "a case outside the process is not moved"
        return
    when = evidence(state, code.own_tree)
    if state.down_since[code.track] != LONG_AGO and when <= state.down_since[code.track]:
        yield "nothing new has happened since the case went down"
    levels = state.program.levels[code.track]
    if code.is_next and when <= state.entry[code.track]:
        yield "nothing new has happened since the case came to this level"
    elif code.to is not None and code.to <= state.level[code.track]:
        yield f"the case is on `{levels[code.to].key}` or above already"
    else:
        yield from _answers(state, code)


def _answers(state: State, code: RuleCode) -> Iterator[str]:
    """Whether somebody has said no to the move, or it was recorded before."""
    to = state.level[code.track] + 1 if code.is_next else code.to
    if to is not None and to < len(state.program.levels[code.track]):
        answer = was_answered(state, code, to)
        if answer is not None:
            yield f"this move was {answer}"


def _place(state: State, rule: Rule) -> Comparison:
    places = [state.program.places[key] for key in rule.at_level]
    holds = any(state.level[track] == level for track, level in places)
    return Comparison(text=f"stands on {' or '.join(f'`{key}`' for key in rule.at_level)}", holds=holds)


def _because(state: State, atom: Atom, number: int) -> Comparison:
    comparison = state.program.tests[number]
    holds: bool | None = bool(state.truth >> number & 1)
    since = state.since[number] if comparison.seen is None else state.seen[comparison.seen]
    crossing = comparison.look(state)[1] if comparison.look else None
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
        since=datetime_of(since >> POSITION_BITS) if holds and not comparison.never_evidence else None,
        changes_at=None if changes is None else datetime_of(changes),
    )


def _is_unknown(state: State, atom: Atom) -> bool:
    if atom.fact == "priority":
        return state.rank < 0
    if atom.fact == "channel":
        return state.channel is None
    if atom.fact == "remaining":
        clock = state.latest.get(str(atom.of))
        return clock is None or clock.stopped is not None or clock.point is None
    return atom.fact not in BUILT_IN and state.facts.get(atom.fact) is None


def read(program: Program, case: Case, at: int) -> Decision:
    """The decision on a case at an instant.

    What is wrong with the case is found now; the rest is told when it is asked.
    """
    return Decision._deferred(LazyDecision(program, case, at))


class LazyDecision:
    """The source of a decision: a property for each of its fields."""

    def __init__(self, program: Program, case: Case, at: int) -> None:
        self._program, self._policy, self._case, self._at = program, program.policy, case, at
        self._state: State | None = fold(program, case, at)

    def _take(self) -> State:
        """The state at the instant; asking for the next change uses it up, and then it is folded again."""
        if self._state is None:
            self._state = fold(self._program, self._case, self._at)
        return self._state

    @cached_property
    def _outcome(self) -> Outcome:
        return snapshot(self._take())

    @property
    def wake_at(self) -> datetime | None:
        """The next instant at which the answer changes by itself."""
        outcome, state = self._outcome, self._take()
        self._state = None
        found = wake(state, outcome)
        return None if found is None else datetime_of(found)

    def all_deadlines(self) -> tuple[Deadline, ...]:
        """Every instance of every target, in the order in which they started."""
        return tuple(map(self._deadline, all_clocks(self._take())))

    def why_not(self) -> tuple[Reason, ...]:
        """Every rule with what speaks for and against it."""
        return why_not(self._take())

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
        """The instant that was asked about."""
        return datetime_of(self._at)

    @property
    def timezone(self) -> str:
        """The zone of the usual calendar."""
        usual = self._pick(self._policy.usual_calendar)
        return self._policy.all_calendars[usual].timezone if usual is not None else "UTC"

    @property
    def status(self) -> str:
        """The status."""
        return self._outcome.status

    @property
    def positions(self) -> Mapping[str, Position]:
        """The position on each track, moves that are due included."""
        return FrozenDict({track.key: self._position(number) for number, track in enumerate(self._program.tracks)})

    def _position(self, track: int) -> Position:
        level = self._outcome.standing[track]
        if level == NOWHERE:
            return Position()
        state = self._take()
        since = state.entry[track] >> POSITION_BITS
        here = (track, level, since)
        due = next((one for one in self._outcome.moves if (one.track, one.level) == (track, level)), None)
        made = (one.rules for one in reversed(state.moves_log) if (one.track, one.level, one.due) == here)
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
        """What is due and not recorded, in due order."""
        return tuple(self._move(one) for one in sorted(self._outcome.moves, key=lambda one: one.order))

    def _move(self, found: MoveRecord) -> Move:
        return Move(
            track=self._program.tracks[found.track].key,
            from_level=self._key(found.track, found.origin),
            to=self._level(found.track, found.level).key,
            owner=None if found.owner is None else self._owner(found.owner, found),
            due_at=datetime_of(found.due),
            still_holds=found.still_holds,
            rules=found.rules,
            key=self._move_key(found),
            order=found.order,
            reasons=self._reasons(found),
        )

    def _owner(self, found: OwnerRecord, move: MoveRecord) -> Owner:
        passed = ", ".join(f"`{role}`" for role in found.passed)
        because = ""
        if not found.on_duty:
            because = f"nobody was on duty for {passed}: the case waits there for `{found.role}`"
        elif found.passed:
            because = f"nobody was on duty for {passed}: `{found.role}` is the alternate"
        skipped = ", ".join(f"`{self._key(move.track, level)}`" for level in move.skipped)
        if skipped:
            because = f"nobody was on duty on {skipped}" + (f"; {because}" if because else "")
        return Owner(role=found.role, person=found.person, because=because, on_duty=found.on_duty)

    def _move_key(self, found: MoveRecord | BlockedRecord) -> str:
        track, level = self._program.tracks[found.track].key, self._level(found.track, found.level).key
        return move_key(self._case.id, self._policy.name, found.cycle, track, level, found.cause)

    def _reasons(self, found: MoveRecord | BlockedRecord) -> tuple[Reason, ...]:
        rules = {rule.key: rule for rule in self._policy.all_rules}
        return tuple(
            Reason(rule=name, to=rules[name].to, since=datetime_of(cause), text=phrase(rules[name].when))
            for name, cause in zip(found.rules, found.causes, strict=True)
        )

    @property
    def blocked(self) -> tuple[BlockedMove, ...]:
        """What is wanted and held back."""
        return tuple(map(self._blocked, self._outcome.blocked))

    def _blocked(self, found: BlockedRecord) -> BlockedMove:
        track, level = self._program.tracks[found.track].key, self._level(found.track, found.level)
        move = Move(
            track=track,
            from_level=self._key(found.track, self._outcome.standing[found.track]),
            to=level.key,
            rules=found.rules,
            key=self._move_key(found),
            reasons=self._reasons(found),
        )
        return BlockedMove(
            move=move,
            missing=_open_items(level.entry, found.missing),
            objections=_objections(level.entry, found.against),
            until=_maybe(found.until),
        )

    @property
    def actions(self) -> tuple[ActionDue, ...]:
        """What else is asked."""
        return tuple(map(self._action, self._outcome.actions))

    def _action(self, found: ActionRecord) -> ActionDue:
        kind, name = found.source
        if kind == "rule":
            asked = next(rule.then for rule in self._policy.all_rules if rule.key == name)
        else:
            asked = self._policy.level(name).on_entry
        key = action_key(self._case.id, self._policy.name, found.cycle, found.source, asked[found.number], found.cause)
        return ActionDue(
            action=found.action,
            key=key,
            due_at=datetime_of(found.due),
            rule=name if kind == "rule" else None,
            level=name if kind == "level" else None,
            person=found.person,
            order=found.order,
        )

    # ------------------------------------------------------------------------ clocks

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """Every clock that runs or is paused, soonest first."""
        running = [one for one in self._outcome.clocks if one.state != "stopped"]
        last = max((one.due for one in running if one.due is not None), default=0) + 1
        running.sort(key=lambda one: (last if one.due is None else one.due, one.key, one.level or ""))
        return tuple(map(self._deadline, running))

    @property
    def stopped_deadlines(self) -> tuple[Deadline, ...]:
        """The latest of each target that does not run."""
        ended = [one for one in self._outcome.clocks if one.state == "stopped"]
        known = {one.key for one in self._outcome.clocks}
        never = (Deadline(target=key) for key in self._policy.vocabulary.targets if key not in known)
        ended.sort(key=lambda one: -one.started)
        return (*map(self._deadline, ended), *never)

    def _deadline(self, found: ClockRecord) -> Deadline:
        return Deadline(
            target=found.key,
            occurrence=found.occurrence,
            level=found.level,
            started_at=datetime_of(found.started),
            due_at=_maybe(found.due),
            clock=found.state,
            outcome=found.outcome,
            breached_by_change=found.caused,
            owner=self._owner_of(found),
            budget=None if found.budget is None else timedelta(microseconds=found.budget),
            stopped_at=_maybe(found.stopped),
            legs=tuple(map(self._leg, found.legs)),
            at_close=found.at_close,
        )

    def _leg(self, found: LegRecord) -> Leg:
        calendar = None if found.calendar is None else self._policy.all_calendars[found.calendar]
        return Leg(since=datetime_of(found.since), calendar=calendar, paused=found.paused)

    def _targets_of(self, found: ClockRecord) -> list[Target]:
        targets = self._policy.targets if found.level is None else self._policy.level(found.level).targets
        return [target for target in targets if target.key == found.key]

    def _owner_of(self, found: ClockRecord) -> str | None:
        """The role that a target names, or else who has the case on its level's track, or on the first.

        Once the case has left the level, it is the level's owner.
        """
        named = next((target.owner for target in self._targets_of(found) if target.owner is not None), None)
        track, level = (0, self._outcome.standing[0]) if found.level is None else self._program.places[found.level]
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
        OpenItem(key=one.item, text=items[one.item].text, answers=items[one.item].answers, why=one.why) for one in found
    )


def _objections(checklist: Checklist | None, found: tuple[tuple[str, str], ...]) -> tuple[Objection, ...]:
    items = {item.key: item for item in checklist.items} if checklist else {}
    return tuple(Objection(item=key, answer=answer, text=items[key].text) for key, answer in found)
