"""Runs the rules of one case, round by round: evidence, checklists, owners, actions, moves (rules 18-26)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from escalation_rules import events as E
from escalation_rules.actions import Action, Assign, RaisePriority
from escalation_rules.checklists import Checklist, Item
from escalation_rules.engine.facts import assign, handler_for, happen_virtually, move, set_priority
from escalation_rules.engine.machine import NO_EVIDENCE, OF_CYCLE, OWN, REMEMBERED
from escalation_rules.engine.records import (
    ActionRecord,
    BlockedRecord,
    LoggedMove,
    MoveRecord,
    OpenItemRecord,
    OwnerRecord,
    action_key,
    move_key,
)
from escalation_rules.engine.state import Pending, State
from escalation_rules.levels import NOWHERE, EscalationLevel
from escalation_rules.patterns import BaseEvent
from escalation_rules.program.model import LONG_AGO, NEVER, POSITION_BITS, RuleCode, Tree, tree_holds
from escalation_rules.rules import NEXT
from escalation_rules.worktime.rotas import next_cover_change

Findings = tuple[tuple[OpenItemRecord, ...], tuple[tuple[str, str], ...]]


def entry_state(state: State, track: int, level: int, *, waived: bool) -> Findings:
    """Return the open items of a level's entry checklist, and the answers that are against the move."""
    target, began = state.program.levels[track][level], state.life.cycle_when
    # rule 24: a waiver of any rule to the level, or an override in this cycle, lifts what is missing and the objections
    if waived or target.entry is None or state.answers.overridden.get(target.key, began - 1) >= began:
        return (), ()
    return checked(state, target.entry, began, track)


def checked(state: State, checklist: Checklist | None, since: int, track: int) -> Findings:
    """Return the items without a valid answer since a moment, and the answers since then that are against the move."""
    missing, against = [], []
    for item in checklist.items if checklist else ():
        answer, why = _answer(state, item, since, track)
        if answer is None:
            # rule 24: an answer in `blocked_by` is an objection, not a missing item
            missing.append(OpenItemRecord(item.key, why))
        elif answer in item.blocked_by:
            against.append((item.key, answer))
    return tuple(missing), tuple(against)


def _answer(state: State, item: Item, since: int, track: int) -> tuple[str | None, str]:
    """Return the valid answer to an item and "", or None and the reason why there is none."""
    when, event = state.answers.latest.get(state.program.items[item], (since - 1, None))
    if event is None or when < since:
        return None, "unanswered"
    if isinstance(event, E.AnswerWithdrawn):
        return None, "withdrawn"
    answer = event.answer if isinstance(event, E.ItemAnswered) else next(iter(item.answers), "yes")
    if not item.admits(answer):
        return None, "not an answer"
    if item.needs_evidence and isinstance(event, E.ItemAnswered) and not event.evidence:
        return None, "without evidence"
    end = expiry(state, item, when, track)
    # rule 24: answers expire half-open, at the instant itself they are gone
    return (None, "expired") if end is not None and state.now >= end else (answer, "")


def expiry(state: State, item: Item, when: int, track: int) -> int | None:
    """Return the instant at which an answer given at the moment `when` expires; None if it never does."""
    expires = state.pick(item.valid_for)
    if expires is None:
        return None
    program = state.program
    name = state.calendar(program.calendars_of(track))
    return program.calendars[name][0].reach(when >> POSITION_BITS, expires)


def _roles_of(state: State, level: EscalationLevel) -> list[str]:
    """Return the roles of the owner and the alternates, with picks resolved for the current priority and facts."""
    return [str(role) for role in map(state.pick, (level.owner, *level.alternates)) if role is not None]


def holder(state: State, track: int) -> str | None:
    """Return the role that has the case on a track.

    It is the first of owner and alternates who was on duty when the case arrived, else the owner, for whom it waits.
    """
    if state.levels.level[track] == NOWHERE:
        return None
    roles = _roles_of(state, state.program.levels[track][state.levels.level[track]])
    came = state.levels.entry[track] >> POSITION_BITS
    return next((role for role in roles if _on_duty(state, role, came)), roles[0] if roles else None)


def _on_duty(state: State, role: str, at: int) -> bool:
    rota = state.program.rotas.get(role)
    return rota is None or rota.person_at(at) is not None


def is_held(state: State, track: int, level: int) -> bool:
    """Return whether a level with `if_nobody="hold"` accepts no case now, because nobody is on duty there."""
    target = state.program.levels[track][level]
    if target.if_nobody != "hold":
        return False
    roles = _roles_of(state, target)
    return bool(roles) and not any(_on_duty(state, role, state.now) for role in roles)


def _above(state: State, track: int, level: int) -> int | None:
    """Return the next level up that is not external."""
    levels = state.program.levels[track]
    return next((number for number in range(level + 1, len(levels)) if not levels[number].external), None)


def owner_of(state: State, track: int, level: int) -> tuple[OwnerRecord | None, int, tuple[int, ...], int | None]:
    """Return the owner, the level that is reached, the levels skipped, and until when nobody is on duty there."""
    target = state.program.levels[track][level]
    roles = _roles_of(state, target)
    if not roles:
        return None, level, (), None
    rotas = state.program.rotas
    # rule 26: the owner, then the alternates in order; a role without a rota is on duty
    for number, role in enumerate(roles):
        rota = rotas.get(role)
        person = rota.person_at(state.now) if rota else None
        if rota is None or person is not None:
            return OwnerRecord(role, person, True, tuple(roles[:number])), level, (), None
    if target.if_nobody == "hold":
        return None, level, (), _next_duty(state, roles)
    above = _above(state, track, level)
    # rule 26: `skip` takes the next level that is not external; at the top the case proceeds, unowned
    if target.if_nobody == "skip" and above is not None:
        owner, reached, skipped, until = owner_of(state, track, above)
        if until is not None:
            # rule 26: the move is released as soon as anybody is on duty on a skipped level or on the one above
            until = min(until, _next_duty(state, roles) or until)
        return owner, reached, (level, *skipped), until
    return OwnerRecord(roles[0], None, False, tuple(roles)), level, (), None


def _next_duty(state: State, roles: list[str]) -> int | None:
    """Return the instant at which one of these roles next comes on duty."""
    return next_cover_change([state.program.rotas[role] for role in roles], state.now)


def watch_duty(state: State, track: int, wanted: Iterable[int]) -> None:
    """Set the next handover to the earliest that may release or redirect a blocked move to one of these levels."""
    for level in wanted:
        for change in _cover_changes(state, track, level):
            state.next_handover = min(state.next_handover, change)


def _cover_changes(state: State, track: int, level: int) -> Iterator[int]:
    target = state.program.levels[track][level]
    roles, rotas = _roles_of(state, target), state.program.rotas
    if target.if_nobody == "proceed" or not roles or any(role not in rotas for role in roles):
        return
    change = next_cover_change([rotas[role] for role in roles], state.now)
    if change is not None:
        yield change
    above = _above(state, track, level)
    if target.if_nobody == "skip" and above is not None and not any(_on_duty(state, role, state.now) for role in roles):
        yield from _cover_changes(state, track, above)


class ActionRequest(NamedTuple):
    """An action that a rule or an entry to a level asks for, and the instant that caused it (rule 23)."""

    source: tuple[str, str]
    number: int
    action: Action
    cause: int


class MoveCandidate(NamedTuple):
    """A move that rules want, and the record of what blocks it, if anything does."""

    move: MoveRecord
    rules: tuple[RuleCode, ...]
    held: BlockedRecord | None


def evidence(state: State, tree: Tree) -> int:
    """Return the latest moment among the tests that make a condition true; `LONG_AGO` if there is none."""
    if isinstance(tree, int):
        where = state.machine.evidence_of[tree]
        if where == OWN:
            return state.tests.since[tree]
        # rule 22: a level is never evidence; what happened is the evidence itself; what is said of the cycle has none
        # from before it
        if where == OF_CYCLE:
            return max(state.tests.since[tree], state.life.cycle_when)
        return LONG_AGO if where == NO_EVIDENCE else state.facts.seen[where]
    truth = state.tests.truth
    parts = tree[1]
    if tree[0] == "any":
        parts = tuple(part for part in parts if tree_holds(part, lambda number: bool(truth >> number & 1)))
    # rule 22: of `all` and `any`, the latest among the true members
    return max((evidence(state, part) for part in parts), default=LONG_AGO)


def holding(state: State) -> tuple[RuleCode, ...]:
    """Return the rules whose conditions are true, sorted by name; none while no rules run."""
    if not state.is_running:
        return ()
    machine, truth = state.machine, state.tests.truth
    rules = machine.holding.get(truth)
    if rules is None:
        rules = tuple(rule for rule in state.program.rules if rule.holds(lambda number: bool(truth >> number & 1)))
        if len(machine.holding) < REMEMBERED:
            machine.holding[truth] = rules
    return rules


def run_rules(state: State) -> None:
    """Run rounds of rules until nothing changes; each round reads the state that the last one left."""
    state.rules_pending = False
    state.next_handover = NEVER
    # rule 19: before `effective_from` no rule runs
    if state.now < state.program.effective_from:
        state.levels.entered.clear()
    else:
        acting, life, levels = state.machine.acting, state.life, state.levels
        while True:
            running = life.live and not levels.external
            rules = acting.get((state.tests.truth, *levels.level)) if running else ()
            if rules is None:
                rules = _acting(state)
            # rules 18 and 20: rounds repeat to a fixpoint, each from the state that the last one left
            if not (rules or levels.entered) or not _round(state, rules):
                break
    if state.watch is not None:
        state.watch(state)


def _acting(state: State) -> tuple[RuleCode, ...]:
    """Return the true rules with actions or a level above the current one; cached by `truth` and levels."""
    rules = tuple(rule for rule in holding(state) if rule.then or _is_above(state, rule))
    if len(state.machine.acting) < REMEMBERED:
        state.machine.acting[state.tests.truth, *state.levels.level] = rules
    return rules


def _is_above(state: State, rule: RuleCode) -> bool:
    level = state.levels.level[rule.track]
    if rule.is_next:
        return level + 1 < len(state.program.levels[rule.track])
    # rule 21: no rule lowers a case
    return rule.to is not None and rule.to > level


def _round(state: State, rules: tuple[RuleCode, ...]) -> bool:
    """Run one round of rules. Returns whether it changed the state."""
    entered, state.levels.entered = state.levels.entered, []
    # rule 23: actions of an entry are asked on entry, those of rules even if their move is held back or outranked
    requests = list(_asked_on_entry(state, entered)) if entered and state.life.live else []
    before = state.position
    chosen: list[MoveCandidate] = []
    if rules:
        rules = _on_fresh_evidence(state, rules)
        requests += _asked_by_rules(state, rules)
        chosen = [wanted for track in range(len(state.levels.level)) if (wanted := _chosen(state, track, rules))]
    fresh = _fresh(state, requests) if requests else []
    if fresh:
        _ask_state_changes(state, fresh)
    for wanted in chosen:
        _make(state, wanted)
    for request, _ in fresh:
        if not isinstance(request.action, RaisePriority | Assign):
            _ask(state, request, request.action.picked(state.pick), None)
    return state.position > before


def _on_fresh_evidence(state: State, rules: tuple[RuleCode, ...]) -> tuple[RuleCode, ...]:
    """Drop the rules whose evidence is spent: from before the policy is in force, or from before a de-escalation."""
    if state.program.fresh_from == LONG_AGO and all(since == LONG_AGO for since in state.levels.down_since):
        return rules
    return tuple(rule for rule in rules if is_fresh(state, rule))


def is_fresh(state: State, rule: RuleCode) -> bool:
    """Return whether the evidence of a true rule still counts."""
    when, down = evidence(state, rule.own_tree), state.levels.down_since[rule.track]
    # rule 19: what happened before the policy is in force is passed over for good, unless the backlog is included
    if (state.life.opening if when == LONG_AGO else when) < state.program.fresh_from:
        return False
    # rule 22: after a de-escalation no rule that moves a case there fires on evidence that is not later
    return not rule.goes or down == LONG_AGO or when > down


def _cause(state: State, rule: RuleCode) -> int:
    when = evidence(state, rule.own_tree)
    # rule 22: a condition without evidence has the opening for its cause
    return (state.life.opening if when == LONG_AGO else when) >> POSITION_BITS


# ---------------------------------------------------------------------------- actions
def _asked_on_entry(state: State, entered: Iterable[tuple[str, int]]) -> Iterator[ActionRequest]:
    for key, instant in entered:
        track, level = state.program.places[key]
        for number, action in enumerate(state.program.levels[track][level].on_entry):
            yield ActionRequest(("level", key), number, action, instant)


def _asked_by_rules(state: State, rules: Iterable[RuleCode]) -> Iterator[ActionRequest]:
    for rule in rules:
        if rule.then:
            cause = _cause(state, rule)
            for number, action in enumerate(rule.then):
                yield ActionRequest(("rule", rule.name), number, action, cause)


def _fresh(state: State, asked: Iterable[ActionRequest]) -> list[tuple[ActionRequest, BaseEvent | None]]:
    """Return the requests that are new and neither recorded nor declined, each with its accepted event of this instant.

    A recorded action settles earlier occurrences.
    """
    fresh: list[tuple[ActionRequest, BaseEvent | None]] = []
    for request in asked:
        occurrence = (request.source, request.number, request.cause)
        # rule 23: an action is asked once for an occurrence, which a reopening does not make anew
        if occurrence in state.asked.occurrences:
            continue
        state.asked.occurrences.add(occurrence)
        key = ""
        if state.asked.recorded_keys or state.asked.declined:
            key = _action_key(state, request)
        if key in state.asked.recorded_keys:
            # rule 23: a recorded action settles earlier occurrences of itself
            state.asked.actions = [
                record
                for record in state.asked.actions
                if (record.source, record.number) != (request.source, request.number)
            ]
            if key in state.asked.accepted:
                fresh.append((request, state.asked.accepted[key]))
        elif key not in state.asked.declined:
            fresh.append((request, None))
    return fresh


def _action_key(state: State, request: ActionRequest) -> str:
    return action_key(state.case, state.program.name, request.source, request.action, request.cause)


def _ask_state_changes(state: State, fresh: Iterable[tuple[ActionRequest, BaseEvent | None]]) -> None:
    """Raise the priority to the highest that is asked for, and make the assignments that change something."""
    _raise_priority(state, fresh)
    for request, record in fresh:
        if isinstance(request.action, Assign):
            if record is not None:
                enact(state, record)
            else:
                _assign(state, request, request.action.picked(state.pick))


def _raise_priority(state: State, fresh: Iterable[tuple[ActionRequest, BaseEvent | None]]) -> None:
    highest, winner, record = state.facts.rank, None, None
    for request, its_record in fresh:
        # rule 23: RaisePriority never lowers, and the highest that is asked for wins
        if isinstance(request.action, RaisePriority) and (rank := _rank_asked(state, request.action)) > highest:
            highest, winner, record = rank, request, its_record
    if record is not None:
        enact(state, record)
    elif winner is not None:
        name = state.program.priorities[highest]
        _ask(state, winner, RaisePriority(to=name), None)
        happen_virtually(state, E.PriorityChanged, lambda: set_priority(state, name), to=name)


def enact(state: State, record: BaseEvent) -> None:
    """Apply an accepted event where rules ask for it, so that a history with it is folded like one without it."""
    del state.asked.accepted[str(record.id)]
    handler_for(state.machine, type(record))(state, record)


def enact_rest(state: State) -> None:
    """Apply the accepted events of this instant that rules no longer ask for, like any other event."""
    for record in list(state.asked.accepted.values()):
        enact(state, record)


def _rank_asked(state: State, action: RaisePriority) -> int:
    ranks = state.program.ranks
    return min(state.facts.rank + 1, len(ranks) - 1) if action.to == NEXT else ranks[action.to]


def _assign(state: State, request: ActionRequest, action: Assign | None) -> None:
    if action is None:
        return
    role = str(action.role)
    rota = state.program.rotas.get(role)
    person = rota.person_at(state.now) if rota else None
    if state.facts.roles.get(action.as_role) != (person, role):
        _ask(state, request, action, person)
        happen_virtually(
            state,
            E.Assigned,
            lambda: assign(state, action.as_role, person, role),
            as_role=action.as_role,
            person=person,
            group=role,
        )


def _ask(state: State, request: ActionRequest, action: Action | None, person: str | None) -> None:
    """Add an action to the state's due actions, if its roles resolve to somebody."""
    if action is None:
        return
    record = ActionRecord(state.now, state.asked.order, request.source, request.number, request.cause, action, person)
    state.asked.actions.append(record)
    state.asked.order += 1


# ---------------------------------------------------------------------------- moves
def _chosen(state: State, track: int, rules: tuple[RuleCode, ...]) -> MoveCandidate | None:
    """Return the highest wanted move that nothing blocks."""
    wanted = _wanted(state, track, rules)
    if not wanted:
        return None
    # rule 24: if the highest level asked for is held back, the highest that is not goes ahead
    for candidate in _weighed(state, track, wanted):
        if candidate.held is None:
            return candidate
    watch_duty(state, track, wanted)
    return None


def _wanted(state: State, track: int, rules: tuple[RuleCode, ...]) -> dict[int, list[RuleCode]]:
    """Return the levels above the current one that rules want, with the rules that want each."""
    present = state.levels.level[track]
    wanted: dict[int, list[RuleCode]] = {}
    for rule in rules:
        if rule.track != track or not _is_above(state, rule):
            continue
        if not rule.is_next:
            wanted.setdefault(int(rule.to or 0), []).append(rule)
        # rule 22: `next` needs evidence later than the entry into the present level
        elif evidence(state, rule.own_tree) > state.levels.entry[track]:
            wanted.setdefault(present + 1, []).append(rule)
    return wanted


def _weighed(state: State, track: int, wanted: dict[int, list[RuleCode]]) -> Iterator[MoveCandidate]:
    """Yield each wanted move that was neither declined nor made before, highest level first, with what blocks it."""
    # rule 21: the highest level that a true rule names wins, in whatever order the rules are written
    for level in sorted(wanted, reverse=True):
        owner, reached, skipped, until = owner_of(state, track, level)
        causes = [(rule, _cause(state, rule)) for rule in wanted[level]]
        if state.asked.declined or state.asked.recorded_keys:
            causes = [pair for pair in causes if _may_ask(state, _move_key(state, track, reached, pair[1]))]
        if causes:
            yield _weigh(state, track, reached, causes, owner, skipped, until)


def _may_ask(state: State, key: str) -> bool:
    """Return whether a key may be asked for: not declined, and not recorded unless its accepted event is due now."""
    # rules 19 and 23: what is declined or recorded by key is not asked again
    asked = state.asked
    return key not in asked.declined and (key not in asked.recorded_keys or key in asked.accepted)


def was_answered(state: State, rule: RuleCode, level: int) -> str | None:
    """Return "declined" or "recorded" if history already answered this rule's move to the level; else None."""
    key = _move_key(state, rule.track, level, _cause(state, rule))
    return "declined" if key in state.asked.declined else "recorded" if key in state.asked.recorded_keys else None


def _weigh(
    state: State,
    track: int,
    level: int,
    causes: list[tuple[RuleCode, int]],
    owner: OwnerRecord | None,
    skipped: tuple[int, ...],
    until: int | None,
) -> MoveCandidate:
    rules = tuple(rule for rule, _ in causes)
    names, instants = tuple(rule.name for rule in rules), tuple(instant for _, instant in causes)
    # rule 23: the cause is the earliest evidence among the rules that want the move
    cause = min(instants)
    waived = not skipped and any(rule.waived for rule in rules)
    missing, against = entry_state(state, track, level, waived=waived)
    record = MoveRecord(
        state.now,
        0,
        track,
        state.levels.level[track],
        level,
        state.life.cycle,
        cause,
        names,
        instants,
        owner,
        skipped,
        True,
    )
    block = None
    if missing or against or is_held(state, track, level):
        block = BlockedRecord(track, level, state.life.cycle, cause, names, instants, missing, against, until)
    return MoveCandidate(record, rules, block)


def _move_key(state: State, track: int, level: int, cause: int) -> str:
    program = state.program
    key = program.levels[track][level].key
    return move_key(state.case, program.name, program.tracks[track].key, key, cause)


def _make(state: State, candidate: MoveCandidate) -> None:
    """Make a due move at its instant: from its accepted event if there is one, else virtually."""
    track, level, asked = candidate.move.track, candidate.move.level, state.asked
    if asked.accepted:
        record = asked.accepted.get(_move_key(state, track, level, candidate.move.cause))
        if record is not None:
            enact(state, record)
            return
    # rule 18: a move that is due and not in the history is made virtually, at its instant
    origin, entry = state.levels.level[track], state.levels.entry[track]
    due = candidate.move._replace(order=asked.order)
    asked.order += 1
    asked.moves.append(Pending(due, origin, entry, candidate.rules))
    asked.log.append(LoggedMove(state.now, track, origin, level, state.life.cycle, due.rules, due.cause))
    to, track_key = state.program.levels[track][level].key, state.program.tracks[track].key
    happen_virtually(state, E.Escalated, lambda: move(state, track, level), to=to, track=track_key, rules=due.rules)


def blocked(state: State) -> tuple[BlockedRecord, ...]:
    """Return the moves that are wanted and blocked."""
    if not state.life.live or state.levels.external or state.now < state.program.effective_from:
        return ()
    rules = _on_fresh_evidence(state, holding(state))
    candidates = (
        candidate
        for track in range(len(state.levels.level))
        for candidate in _weighed(state, track, _wanted(state, track, rules))
    )
    return tuple(candidate.held for candidate in candidates if candidate.held is not None)
