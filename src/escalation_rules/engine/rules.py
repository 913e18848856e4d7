"""Rules for one case, round by round: evidence, checklists, owners, actions, the move (rules 18-26)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from escalation_rules import events as E
from escalation_rules.actions import Action, Assign, RaisePriority
from escalation_rules.checklists import Checklist, Item
from escalation_rules.engine.facts import assign, handler_for, happen_virtually, move, set_priority
from escalation_rules.engine.model import LONG_AGO, NEVER, POSITION_BITS, REMEMBERED, RuleCode, Tree
from escalation_rules.engine.state import (
    ActionRecord,
    BlockedRecord,
    LoggedMove,
    MoveRecord,
    OpenItemRecord,
    OwnerRecord,
    Pending,
    State,
    action_key,
    move_key,
)
from escalation_rules.levels import NOWHERE, EscalationLevel
from escalation_rules.patterns import BaseEvent
from escalation_rules.rules import NEXT
from escalation_rules.worktime.rotas import next_cover_change

Findings = tuple[tuple[OpenItemRecord, ...], tuple[tuple[str, str], ...]]


def entry_state(state: State, track: int, level: int, *, waived: bool) -> Findings:
    """What the entry checklist of a level still lacks, and what argues against going there."""
    found = state.program.levels[track][level]
    # rule 24: a waiver of any rule to the level, or an override in this cycle, lifts what is missing and the objections
    if waived or found.entry is None or state.overridden.get(found.key, state.cycle_when - 1) >= state.cycle_when:
        return (), ()
    return checked(state, found.entry, state.cycle_when, track)


def checked(state: State, checklist: Checklist | None, since: int, track: int) -> Findings:
    """The items without an answer that stands, and the answers that argue against, counting answers since a when."""
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
    """The answer that stands, or why none does."""
    when, event = state.answers.get(state.program.items[item], (since - 1, None))
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
    """When an answer expires that was given at a when."""
    expires = state.pick(item.valid_for)
    if expires is None:
        return None
    program = state.program
    name = state.calendar((program.tracks[track].calendar, program.policy.usual_calendar))
    return program.calendars[name][0].reach(when >> POSITION_BITS, expires)


def _roles_of(state: State, level: EscalationLevel) -> list[str]:
    """The owner's role and the alternates', as they are picked at present."""
    return [str(role) for role in map(state.pick, (level.owner, *level.alternates)) if role is not None]


def holder(state: State, track: int) -> str | None:
    """The role that has the case on a track.

    The first of owner and alternates who was on duty when it came there, or else the owner, for whom it waits.
    """
    if state.level[track] == NOWHERE:
        return None
    roles = _roles_of(state, state.program.levels[track][state.level[track]])
    came = state.entry[track] >> POSITION_BITS
    return next((role for role in roles if _on_duty(state, role, came)), roles[0] if roles else None)


def _on_duty(state: State, role: str, at: int) -> bool:
    rota = state.program.policy.rotas.get(role)
    return rota is None or rota.person_at(at) is not None


def is_held(state: State, track: int, level: int) -> bool:
    """Whether a level takes no case for now, since nobody is on duty there."""
    found = state.program.levels[track][level]
    if found.if_nobody != "hold":
        return False
    roles = _roles_of(state, found)
    return bool(roles) and not any(_on_duty(state, role, state.now) for role in roles)


def _above(state: State, track: int, level: int) -> int | None:
    """The next level up that is not external."""
    levels = state.program.levels[track]
    return next((number for number in range(level + 1, len(levels)) if not levels[number].external), None)


def owner_of(state: State, track: int, level: int) -> tuple[OwnerRecord | None, int, tuple[int, ...], int | None]:
    """Who takes the case, on which level, which were skipped to find somebody, and until when nobody is there."""
    found = state.program.levels[track][level]
    roles = _roles_of(state, found)
    if not roles:
        return None, level, (), None
    rotas = state.program.policy.rotas
    # rule 26: the owner, then the alternates in order; a role without a rota is on duty
    for number, role in enumerate(roles):
        rota = rotas.get(role)
        person = rota.person_at(state.now) if rota else None
        if rota is None or person is not None:
            return OwnerRecord(role, person, True, tuple(roles[:number])), level, (), None
    if found.if_nobody == "hold":
        return None, level, (), _next_duty(state, roles)
    above = _above(state, track, level)
    # rule 26: `skip` takes the next level that is not external; at the top the case proceeds, unowned
    if found.if_nobody == "skip" and above is not None:
        owner, reached, skipped, until = owner_of(state, track, above)
        return owner, reached, (level, *skipped), until
    return OwnerRecord(roles[0], None, False, tuple(roles)), level, (), None


def _next_duty(state: State, roles: list[str]) -> int | None:
    """When somebody of these roles comes on duty."""
    return next_cover_change([state.program.policy.rotas[role] for role in roles], state.now)


def watch_duty(state: State, track: int, wanted: Iterable[int]) -> None:
    """A handover may release or redirect a move that is held back."""
    for level in wanted:
        for change in _cover_changes(state, track, level):
            state.next_handover = min(state.next_handover, change)


def _cover_changes(state: State, track: int, level: int) -> Iterator[int]:
    found = state.program.levels[track][level]
    roles, rotas = _roles_of(state, found), state.program.policy.rotas
    if found.if_nobody == "proceed" or not roles or any(role not in rotas for role in roles):
        return
    change = next_cover_change([rotas[role] for role in roles], state.now)
    if change is not None:
        yield change
    above = _above(state, track, level)
    if found.if_nobody == "skip" and above is not None and not any(_on_duty(state, role, state.now) for role in roles):
        yield from _cover_changes(state, track, above)


class ActionRequest(NamedTuple):
    """An action that a rule or an entry asks for, and because of which instant."""

    source: tuple[str, str]
    number: int
    action: Action
    cause: int


class MoveCandidate(NamedTuple):
    """A wanted move, and what holds it back."""

    move: MoveRecord
    rules: tuple[RuleCode, ...]
    held: BlockedRecord | None


def tree_holds(tree: Tree, holds: Callable[[int], bool]) -> bool:
    """Whether a condition holds, given which comparisons do."""
    if isinstance(tree, int):
        return holds(tree)
    combine = all if tree[0] == "all" else any
    return combine(tree_holds(part, holds) for part in tree[1])


def leaves(tree: Tree) -> list[int]:
    """The numbers of the comparisons of a condition, from left to right."""
    return [tree] if isinstance(tree, int) else [number for part in tree[1] for number in leaves(part)]


def evidence(state: State, tree: Tree) -> int:
    """When the latest thing happened that made a condition true, among its true members; long ago if nothing did."""
    if isinstance(tree, int):
        comparison = state.program.tests[tree]
        # rule 22: a level, and a gate of a rule, are never evidence
        if comparison.never_evidence:
            return LONG_AGO
        return state.since[tree] if comparison.seen is None else state.seen[comparison.seen]
    truth = state.truth
    parts = tree[1]
    if tree[0] == "any":
        parts = tuple(part for part in parts if tree_holds(part, lambda number: bool(truth >> number & 1)))
    # rule 22: of `all` and `any`, the latest among the true members
    return max((evidence(state, part) for part in parts), default=LONG_AGO)


def holding(state: State) -> tuple[RuleCode, ...]:
    """The rules that hold, by name."""
    program, truth = state.program, state.truth
    found = program.holding.get(truth)
    if found is None:
        found = tuple(rule for rule in program.rules if tree_holds(rule.tree, lambda number: bool(truth >> number & 1)))
        if len(program.holding) < REMEMBERED:
            program.holding[truth] = found
    return found


def run_rules(state: State) -> None:
    """Rules to a fixpoint; each round reads the state that the last one left."""
    state.rules_pending = False
    state.next_handover = NEVER
    # rule 19: before `effective_from` no rule runs
    if state.now < state.program.effective_from:
        state.entered.clear()
    else:
        acting = state.program.acting
        while True:
            rules = acting.get((state.truth, *state.level))
            if rules is None:
                rules = _acting(state)
            # rules 18 and 20: rounds repeat to a fixpoint, each from the state that the last one left
            if not (rules or state.entered) or not _round(state, rules):
                break
    if state.watch is not None:
        state.watch(state)


def _acting(state: State) -> tuple[RuleCode, ...]:
    """The rules that hold and ask for something, or for a level above the one where the case stands."""
    found = tuple(rule for rule in holding(state) if rule.then or _is_above(state, rule))
    if len(state.program.acting) < REMEMBERED:
        state.program.acting[state.truth, *state.level] = found
    return found


def _is_above(state: State, rule: RuleCode) -> bool:
    level = state.level[rule.track]
    if rule.is_next:
        return level + 1 < len(state.program.levels[rule.track])
    # rule 21: no rule lowers a case
    return rule.to is not None and rule.to > level


def _round(state: State, rules: tuple[RuleCode, ...]) -> bool:
    """One round. Whether it changed anything."""
    entered, state.entered = state.entered, []
    # rule 23: actions of an entry are asked on entry, those of rules even if their move is held back or outranked
    asked = list(_asked_on_entry(state, entered)) if entered and state.live else []
    before = state.position
    chosen: list[MoveCandidate] = []
    if rules:
        rules = _on_fresh_evidence(state, rules)
        asked += _asked_by_rules(state, rules)
        chosen = [wanted for track in range(len(state.level)) if (wanted := _chosen(state, track, rules))]
    fresh = _fresh(state, asked) if asked else []
    if fresh:
        _ask_state_changes(state, fresh)
    for wanted in chosen:
        _make(state, wanted)
    for one, _ in fresh:
        if not isinstance(one.action, RaisePriority | Assign):
            _ask(state, one, one.action.picked(state.pick), None)
    return state.position > before


def _on_fresh_evidence(state: State, rules: tuple[RuleCode, ...]) -> tuple[RuleCode, ...]:
    """After a de-escalation no rule fires on older evidence, on that track."""
    # rule 22: after a de-escalation no rule of the track fires on evidence that is not later
    if all(down_since == LONG_AGO for down_since in state.down_since):
        return rules
    return tuple(
        rule
        for rule in rules
        if state.down_since[rule.track] == LONG_AGO or evidence(state, rule.own_tree) > state.down_since[rule.track]
    )


def _cause(state: State, rule: RuleCode) -> int:
    when = evidence(state, rule.own_tree)
    # rule 22: a condition without evidence has the beginning of the cycle for its cause
    return (state.cycle_when if when == LONG_AGO else when) >> POSITION_BITS


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
    """What is asked for the first time and neither recorded before nor declined, with the record of it that is due now.

    A record settles earlier occurrences.
    """
    fresh: list[tuple[ActionRequest, BaseEvent | None]] = []
    for one in asked:
        occurrence = (one.source, one.number, state.cycle, one.cause)
        # rule 23: an action is asked once for an occurrence
        if occurrence in state.asked_already:
            continue
        state.asked_already.add(occurrence)
        key = ""
        if state.recorded_keys or state.declined:
            key = _action_key(state, one)
        if key in state.recorded_keys:
            # rule 23: a recorded action settles earlier occurrences of itself
            state.actions = [old for old in state.actions if (old.source, old.number) != (one.source, one.number)]
            if key in state.accepted:
                fresh.append((one, state.accepted[key]))
        elif key not in state.declined:
            fresh.append((one, None))
    return fresh


def _action_key(state: State, one: ActionRequest) -> str:
    return action_key(state.case, state.program.policy.name, state.cycle, one.source, one.action, one.cause)


def _ask_state_changes(state: State, fresh: Iterable[tuple[ActionRequest, BaseEvent | None]]) -> None:
    """Priorities rise to the highest that is asked for; assignments that change something are made."""
    _raise_priority(state, fresh)
    for one, record in fresh:
        if isinstance(one.action, Assign):
            if record is not None:
                enact(state, record)
            else:
                _assign(state, one, one.action.picked(state.pick))


def _raise_priority(state: State, fresh: Iterable[tuple[ActionRequest, BaseEvent | None]]) -> None:
    highest, best, record = state.rank, None, None
    for one, its_record in fresh:
        # rule 23: RaisePriority never lowers, and the highest that is asked for wins
        if isinstance(one.action, RaisePriority) and (rank := _rank_asked(state, one.action)) > highest:
            highest, best, record = rank, one, its_record
    if record is not None:
        enact(state, record)
    elif best is not None:
        name = state.program.policy.priorities[highest]
        _ask(state, best, RaisePriority(to=name), None)
        happen_virtually(state, E.PriorityChanged, lambda: set_priority(state, name), to=name)


def enact(state: State, record: BaseEvent) -> None:
    """What was accepted takes effect where the rules ask for it, so that a history with it reads like one without."""
    del state.accepted[str(record.id)]
    handler_for(state.program, type(record))(state, record)


def enact_rest(state: State) -> None:
    """What was accepted at this instant and is no longer asked for is a fact like any other."""
    for record in list(state.accepted.values()):
        enact(state, record)


def _rank_asked(state: State, action: RaisePriority) -> int:
    ranks = state.program.ranks
    return min(state.rank + 1, len(ranks) - 1) if action.to == NEXT else ranks[action.to]


def _assign(state: State, one: ActionRequest, action: Assign | None) -> None:
    if action is None:
        return
    role = str(action.role)
    rota = state.program.policy.rotas.get(role)
    person = rota.person_at(state.now) if rota else None
    if state.assigned.get(action.as_role) != (person, role):
        _ask(state, one, action, person)
        happen_virtually(
            state,
            E.Assigned,
            lambda: assign(state, action.as_role, person, role),
            as_role=action.as_role,
            person=person,
            group=role,
        )


def _ask(state: State, one: ActionRequest, action: Action | None, person: str | None) -> None:
    """Ask it of somebody, if there is anybody."""
    if action is None:
        return
    found = ActionRecord(state.now, state.order, one.source, one.number, state.cycle, one.cause, action, person)
    state.actions.append(found)
    state.order += 1


# ---------------------------------------------------------------------------- moves
def _chosen(state: State, track: int, rules: tuple[RuleCode, ...]) -> MoveCandidate | None:
    """The highest wanted move that nothing holds back."""
    wanted = _wanted(state, track, rules)
    if not wanted:
        return None
    # rule 24: if the highest level asked for is held back, the highest that is not goes ahead
    for one in _weighed(state, track, wanted):
        if one.held is None:
            return one
    watch_duty(state, track, wanted)
    return None


def _wanted(state: State, track: int, rules: tuple[RuleCode, ...]) -> dict[int, list[RuleCode]]:
    """The levels above the present one that rules want, and which rules want each."""
    present = state.level[track]
    found: dict[int, list[RuleCode]] = {}
    for rule in rules:
        if rule.track != track or not _is_above(state, rule):
            continue
        if not rule.is_next:
            found.setdefault(int(rule.to or 0), []).append(rule)
        # rule 22: `next` needs evidence later than the entry into the present level
        elif evidence(state, rule.own_tree) > state.entry[track]:
            found.setdefault(present + 1, []).append(rule)
    return found


def _weighed(state: State, track: int, wanted: dict[int, list[RuleCode]]) -> Iterator[MoveCandidate]:
    """Each wanted move that was neither declined nor made before, the highest first, with what holds it back."""
    # rule 21: the highest level that a true rule names wins, in whatever order the rules are written
    for level in sorted(wanted, reverse=True):
        owner, reached, skipped, until = owner_of(state, track, level)
        causes = [(rule, _cause(state, rule)) for rule in wanted[level]]
        if state.declined or state.recorded_keys:
            causes = [one for one in causes if _may_ask(state, _move_key(state, track, reached, one[1]))]
        if causes:
            yield _weigh(state, track, reached, causes, owner, skipped, until)


def _may_ask(state: State, key: str) -> bool:
    """What history records by key is not asked again, except that its record may be due just now."""
    # rules 19 and 23: what is declined or recorded by key is not asked again
    return key not in state.declined and (key not in state.recorded_keys or key in state.accepted)


def was_answered(state: State, rule: RuleCode, level: int) -> str | None:
    """Whether the move to a level that a rule wants now was declined, or is recorded, so that it is not asked again."""
    key = _move_key(state, rule.track, level, _cause(state, rule))
    return "declined" if key in state.declined else "recorded" if key in state.recorded_keys else None


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
    found = MoveRecord(
        state.now, 0, track, state.level[track], level, state.cycle, cause, names, instants, owner, skipped, True
    )
    held = None
    if missing or against or is_held(state, track, level):
        held = BlockedRecord(track, level, state.cycle, cause, names, instants, missing, against, until)
    return MoveCandidate(found, rules, held)


def _move_key(state: State, track: int, level: int, cause: int) -> str:
    program = state.program
    key = program.levels[track][level].key
    return move_key(state.case, program.policy.name, state.cycle, program.tracks[track].key, key, cause)


def _make(state: State, one: MoveCandidate) -> None:
    """A move that falls due and is not recorded is made virtually, at its instant."""
    track, level = one.move.track, one.move.level
    if state.accepted and (record := state.accepted.get(_move_key(state, track, level, one.move.cause))) is not None:
        enact(state, record)
        return
    # rule 18: a move that is due and not in the history is made virtually, at its instant
    state.moves.append(Pending(one.move._replace(order=state.order), state.level[track], state.entry[track], one.rules))
    state.order += 1
    state.moves_log.append(
        LoggedMove(state.now, track, state.level[track], level, state.cycle, one.move.rules, one.move.cause)
    )
    to, track_key = state.program.levels[track][level].key, state.program.tracks[track].key
    happen_virtually(
        state, E.Escalated, lambda: move(state, track, level), to=to, track=track_key, rules=one.move.rules
    )


def blocked(state: State) -> tuple[BlockedRecord, ...]:
    """The moves that are wanted and held back."""
    if not state.live or state.external or state.now < state.program.effective_from:
        return ()
    rules = _on_fresh_evidence(state, holding(state))
    found = (one for track in range(len(state.level)) for one in _weighed(state, track, _wanted(state, track, rules)))
    return tuple(one.held for one in found if one.held is not None)
