"""The slow, obvious fold: the rules of the design as directly as they can be written down.

It goes from the opening from instant to instant (an event, or a crossing) and finds every fact anew by looking
through what has happened so far. Nothing is kept but that log, the clocks, and since when each comparison of each
rule has been true. It is the oracle for the compiled engine and is never optimised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from escalation_rules import events as E
from escalation_rules.actions import Action, Assign, RaisePriority
from escalation_rules.checklists import Checklist, Item
from escalation_rules.conditions import Atom
from escalation_rules.errors import InvalidValue, unknown
from escalation_rules.levels import NOWHERE, EscalationLevel
from escalation_rules.patterns import BaseEvent
from escalation_rules.rules import NEXT, Rule
from escalation_rules.worktime import Rota
from escalation_rules.worktime._timeline import datetime_of, microseconds_of
from tests.oracle import rotas
from tests.oracle.clocks import ALWAYS, Clocks, Instance
from tests.oracle.conditions import comparisons
from tests.oracle.facts import Entry, Stay, When, matches
from tests.oracle.records import (
    ActionRecord,
    BlockedRecord,
    ClockRecord,
    ExitRecord,
    MoveRecord,
    OpenItemRecord,
    Outcome,
    OwnerRecord,
    action_key,
    move_key,
)
from tests.oracle.status import unfolded


@dataclass
class Fold(Clocks):
    """The fold of a case under a policy, up to `at`."""

    moves: list[tuple[MoveRecord, Stay, frozenset[str]]] = field(default_factory=list)
    actions: list[ActionRecord] = field(default_factory=list)
    fired: set[tuple[tuple[str, str], int, int]] = field(default_factory=set)
    entered: list[tuple[str, int]] = field(default_factory=list)
    accepted: dict[str | None, BaseEvent] = field(default_factory=dict)
    order: int = 0

    # ------------------------------------------------------------------ the fold

    def run(self) -> Outcome:
        """Everything up to `at`."""
        known = [event for event in self.case.history if event.instant <= self.at]
        self.recorded = {event.id for event in known if event.id} | {
            event.key for event in known if isinstance(event, E.Escalated | E.ActionTaken) and event.key
        }
        self.declined = {event.key for event in known if isinstance(event, E.Declined)}
        waiting = unfolded(known)
        now = waiting[0].instant if waiting else self.at + 1
        while now <= self.at:
            here = [event for event in waiting if event.instant == now]
            waiting = waiting[len(here) :]
            self.step(now, here)
            later = [event.instant for event in waiting[:1]]
            now = min([*later, *(one for one in self.crossings(now) if one > now)], default=self.at + 1)
        return self.outcome(self.at)

    def step(self, now: int, events: Iterable[BaseEvent]) -> None:
        """One instant: time passes, then events, then rules to a fixpoint.

        What was accepted from a decision takes effect where the rules ask for it; what they do not ask for any more
        comes last, as a fact like any other.
        """
        self.pass_time(now)
        self.accepted = {}
        for event in events:
            if isinstance(event, E.Escalated | E.PriorityChanged | E.Assigned) and event.is_accepted:
                self.accepted[event.id] = event
            else:
                self.apply(now, event, virtual=False)
        self.rules(now)
        if self.accepted:
            for event in list(self.accepted.values()):
                self.enact(now, event)
            self.rules(now)

    def enact(self, now: int, event: BaseEvent) -> None:
        del self.accepted[event.id]
        self.apply(now, event, virtual=False)

    def wake_at(self, outcome: Outcome) -> int | None:
        """The next instant at which the outcome differs, if nothing happens. Leaves the fold at that instant."""
        now = self.at
        for _ in range(1_000):
            ahead = [one for one in (*self.crossings(now), *self.changes(now)) if one > now]
            if not ahead:
                return None
            now = min(ahead)
            self.step(now, ())
            if self.outcome(now) != outcome:
                return now
        return None

    def pass_time(self, now: int) -> None:
        """Clocks breach, and what has come true by the passing of time has done so before the events of now."""
        for clock in self.clocks:
            due = self.due(clock)
            if (
                clock.outcome == "pending"
                and clock.budget is not None
                and clock.stopped is None
                and due is not None
                and now > due
            ):
                clock.outcome, clock.fixed_due = "breached", due
        if self.log:
            self.note_truth(now, (now, -1), None)

    def apply(self, now: int, event: BaseEvent, *, virtual: bool) -> None:
        """One event, with all of its effects."""
        when = (now, len(self.log))
        before = {track: self.stay(track) for track in self.tracks}
        cycle_before = self.cycle_start
        self.log.append(Entry(when, event, virtual))
        self.check_names(event)
        after = {track: self.stay(track) for track in self.tracks}
        entered = [track for track in self.tracks if after[track].since == when and after[track].level != NOWHERE]
        if self.is_move(event):
            track = self.track_of_move(event)
            self.moves = [found for found in self.moves if virtual or found[0].track != track]
        self.external -= {track for track in self.tracks if after[track].since == when}
        if isinstance(event, E.Reopened):
            self.external.clear()
        self.external |= {track for track in entered if self.level(track, after[track].level).external}
        if self.is_live:
            self.entered += [(self.level(track, after[track].level).key, now) for track in entered]
        self.turn_clocks(now, event, before, after, entered, began=self.cycle_start != cycle_before)
        self.note_truth(now, when, event)

    # ------------------------------------------------------------------ rules

    def active(self, now: int) -> bool:
        start = self.policy.effective_from
        return start is None or now >= microseconds_of(start)

    def rules(self, now: int) -> None:
        """Rules to a fixpoint; each round reads the state that the last one left."""
        entered, self.entered = self.entered, []
        if not self.active(now):
            return
        changed = True
        while changed:
            found = self.occurrences_of_entry(entered) if self.is_live else []
            running = self.is_live and not self.external
            stays = self.here()
            holding = [rule for rule in self.policy.all_rules if running and self.fires(rule, now, stays)]
            found += self.occurrences_of_rules(holding)
            moves = [self.chosen(track, holding, now, stays) for track in self.tracks] if running else []
            before = len(self.log)
            self.ask([one for one in found if isinstance(one[2], RaisePriority | Assign)], now)
            for move in moves:
                if move is not None:
                    self.move(move, now, stays)
            self.ask([one for one in found if not isinstance(one[2], RaisePriority | Assign)], now)
            changed = len(self.log) > before
            entered, self.entered = self.entered, []

    def fires(self, rule: Rule, now: int, stays: dict[int, Stay]) -> bool:
        """It holds, on evidence that is not older than the last time the case went down."""
        if not self.holds(rule, now, stays):
            return False
        start, since = self.policy.effective_from, self.evidence(rule) or self.log[0].when
        if start is not None and self.policy.backlog == "ignore" and since < (microseconds_of(start), -1):
            return False
        barrier = self.barrier(self.track_of_rule(rule)) if rule.to is not None else None
        evidence = self.evidence(rule)
        return barrier is None or (evidence is not None and evidence > barrier)

    def cause(self, rule: Rule) -> int:
        return (self.evidence(rule) or self.log[0].when)[0]

    def occurrences_of_entry(self, entered: list[tuple[str, int]]) -> list[tuple[tuple[str, str], int, Action, int]]:
        return [
            (("level", key), number, action, instant)
            for key, instant in entered
            for number, action in enumerate(self.policy.level(key).on_entry)
        ]

    def occurrences_of_rules(self, holding: list[Rule]) -> list[tuple[tuple[str, str], int, Action, int]]:
        return [
            (("rule", rule.key), number, action, self.cause(rule))
            for rule in sorted(holding, key=lambda rule: rule.key)
            for number, action in enumerate(rule.then)
        ]

    def ask(self, found: list[tuple[tuple[str, str], int, Action, int]], now: int) -> None:
        """What is asked for the first time, once each; priorities rise to the highest that is asked for."""
        fresh = []
        for source, number, action, cause in found:
            if (source, number, cause) in self.fired:
                continue
            self.fired.add((source, number, cause))
            key = action_key(self.case.id, self.policy.name, source, action, cause)
            if key in self.accepted:
                fresh.append((source, number, action, cause, key))
            if key in self.recorded:
                self.actions = [one for one in self.actions if (one.source, one.number) != (source, number)]
            elif key not in self.declined:
                fresh.append((source, number, action, cause, key))
        priorities = [(self.rank_asked(one[2]), one) for one in fresh if isinstance(one[2], RaisePriority)]
        highest = max((rank for rank, _ in priorities), default=-1)
        raised = [one for rank, one in priorities if rank == highest and rank > self.rank(self.priority)][:1]
        for one in raised:
            self.ask_one(one, now, highest)
        for one in fresh:
            if not isinstance(one[2], RaisePriority):
                self.ask_one(one, now, -1)

    def rank_asked(self, action: RaisePriority) -> int:
        if action.to == NEXT:
            return min(self.rank(self.priority) + 1, len(self.policy.priorities) - 1)
        return self.rank(action.to)

    def ask_one(self, one: tuple[tuple[str, str], int, Any, int, str], now: int, rank: int) -> None:
        source, number, action, cause, key = one
        if key in self.accepted:
            self.enact(now, self.accepted[key])
            return
        person = None
        if isinstance(action, RaisePriority):
            action = RaisePriority(to=self.policy.priorities[rank])
        action = picked(action, self.pick)
        if action is None:
            return
        if isinstance(action, Assign):
            person = self.person(str(action.role), now)
            if self.assigned().get(action.as_role) == (person, action.role):
                return
        self.actions.append(ActionRecord(now, self.order, source, number, cause, action, person))
        self.order += 1
        if isinstance(action, RaisePriority):
            made: BaseEvent = E.PriorityChanged(at=datetime_of(now), to=action.to, actor="automation", id=key)
            self.apply(now, made, virtual=True)
        elif isinstance(action, Assign):
            made = E.Assigned(
                at=datetime_of(now),
                as_role=action.as_role,
                person=person,
                group=str(action.role),
                actor="automation",
                id=key,
            )
            self.apply(now, made, virtual=True)

    # ------------------------------------------------------------------ moves

    def wanted(self, track: int, holding: list[Rule], stays: dict[int, Stay]) -> dict[int, list[Rule]]:
        """The levels above the present one that rules want, and which rules want each."""
        present, top = stays[track], len(self.policy.all_tracks[track].levels) - 1
        found: dict[int, list[Rule]] = {}
        for rule in holding:
            if rule.to is None or self.track_of_rule(rule) != track:
                continue
            level = present.level + 1 if rule.to == NEXT else self.place(rule.to)[1]
            evidence = self.evidence(rule)
            if rule.to == NEXT and (evidence is None or evidence <= present.since):
                continue
            if present.level < level <= top:
                found.setdefault(level, []).append(rule)
        return found

    def weighed(
        self, track: int, holding: list[Rule], now: int, stays: dict[int, Stay]
    ) -> Iterator[tuple[MoveRecord, BlockedRecord | None]]:
        """Each wanted move, the highest first, with what holds it back."""
        wanted = self.wanted(track, holding, stays)
        for level in sorted(wanted, reverse=True):
            owner, skipped, until = self.owner(track, level, now)
            reached = skipped[-1] + 1 if skipped else level
            while skipped and self.level(track, reached).external:
                reached += 1
            rules = [rule for rule in wanted[level] if self.may_ask(self.key(track, reached, self.cause(rule)))]
            if not rules:
                continue
            cause = min(self.cause(rule) for rule in rules)
            rules = sorted(rules, key=lambda rule: rule.key)
            names, causes = tuple(rule.key for rule in rules), tuple(self.cause(rule) for rule in rules)
            waived = not skipped and any(rule.checklist == "waived" for rule in rules)
            missing, against = self.entry_state(track, reached, now, waived=waived)
            cycle = len(self.cycles)
            move = MoveRecord(
                now, 0, track, stays[track].level, reached, cycle, cause, names, causes, owner, tuple(skipped), True
            )
            held = BlockedRecord(track, reached, cycle, cause, names, causes, missing, against, until)
            free = not missing and not against and not self.is_held(track, reached, now)
            yield move, None if free else held

    def may_ask(self, key: str) -> bool:
        """What history records by key is not asked again, except that its record may be due just now."""
        return key not in self.declined and (key not in self.recorded or key in self.accepted)

    def key(self, track: int, level: int, cause: int) -> str:
        track_key = self.policy.all_tracks[track].key
        return move_key(self.case.id, self.policy.name, track_key, self.level(track, level).key, cause)

    def on_duty(self, role: str, now: int) -> bool:
        return role not in self.policy.rotas or self.person(role, now) is not None

    def person(self, role: str, now: int) -> str | None:
        """Who has a role; nobody in particular where it has no rota."""
        return rotas.on_duty(self.policy.rotas[role], now) if role in self.policy.rotas else None

    def roles(self, level: EscalationLevel) -> list[str]:
        return [str(role) for role in map(self.pick, (level.owner, *level.alternates)) if role is not None]

    def is_held(self, track: int, level: int, now: int) -> bool:
        found = self.level(track, level)
        roles = self.roles(found)
        return found.if_nobody == "hold" and bool(roles) and not any(self.on_duty(role, now) for role in roles)

    def owner(self, track: int, level: int, now: int) -> tuple[OwnerRecord | None, list[int], int | None]:
        """Who takes the case, which levels are skipped to find somebody, and until when nobody is there."""
        found = self.level(track, level)
        roles = self.roles(found)
        if not roles:
            return None, [], None
        for number, role in enumerate(roles):
            if self.on_duty(role, now):
                return OwnerRecord(role, self.person(role, now), True, tuple(roles[:number])), [], None
        if found.if_nobody == "hold":
            return None, [], self.next_duty(roles, now)
        levels = self.policy.all_tracks[track].levels
        above = [number for number in range(level + 1, len(levels)) if not levels[number].external]
        if found.if_nobody == "skip" and above:
            owner, skipped, until = self.owner(track, above[0], now)
            here = self.next_duty(roles, now)
            return owner, [level, *skipped], until if until is None or here is None else min(here, until)
        return OwnerRecord(roles[0], None, False, tuple(roles)), [], None

    def holder(self, track: int) -> str | None:
        """Who took the case where it stands: whoever was on duty when it came; else it waits for the owner."""
        stay = self.stay(track)
        roles = [] if stay.level == NOWHERE else self.roles(self.level(track, stay.level))
        for role in roles:
            if self.on_duty(role, stay.since[0]):
                return role
        return roles[0] if roles else None

    def next_duty(self, roles: list[str], now: int) -> int | None:
        """When somebody of these roles comes on duty."""
        changes = (self.coming(self.policy.rotas[role], now) for role in roles)
        return min((one for one in changes if one is not None), default=None)

    def coming(self, rota: Rota, now: int) -> int | None:
        step = rotas.next_change(rota, now)
        while step is not None and rotas.on_duty(rota, step) is None:
            step = rotas.next_change(rota, step)
        return step

    def entry_state(
        self, track: int, level: int, now: int, *, waived: bool
    ) -> tuple[tuple[OpenItemRecord, ...], tuple[tuple[str, str], ...]]:
        found = self.level(track, level)
        overridden = any(
            isinstance(one.event, E.ChecklistOverridden) and one.event.level == found.key for one in self.in_cycle()
        )
        if waived or overridden:
            return (), ()
        return self.checked(found.entry, self.cycle_start, track, now)

    def checked(
        self, checklist: Checklist | None, since: When, track: int, now: int
    ) -> tuple[tuple[OpenItemRecord, ...], tuple[tuple[str, str], ...]]:
        missing, against = [], []
        for item in checklist.items if checklist else ():
            answer, why = self.answer(item, since, track, now)
            if answer is None:
                missing.append(OpenItemRecord(item.key, why))
            elif answer in item.blocked_by:
                against.append((item.key, answer))
        return tuple(missing), tuple(against)

    def answer(self, item: Item, since: When, track: int, now: int) -> tuple[str | None, str]:
        """The answer that stands, or why none does."""
        last = [entry for entry in self.log if entry.when >= since and about(item, entry.event)][-1:]
        if not last:
            return None, "unanswered"
        event = last[0].event
        if isinstance(event, E.AnswerWithdrawn):
            return None, "withdrawn"
        answer = event.answer if isinstance(event, E.ItemAnswered) else item.answers[0] if item.answers else "yes"
        if not item.admits(answer):
            return None, "not an answer"
        if item.needs_evidence and isinstance(event, E.ItemAnswered) and not event.evidence:
            return None, "without evidence"
        expiry = self.expiry(item, last[0].when[0], track)
        return (None, "expired") if expiry is not None and now >= expiry else (answer, "")

    def expiry(self, item: Item, answered: int, track: int) -> int | None:
        expires = self.pick(item.valid_for)
        if expires is None:
            return None
        name = self.calendar_of(None, track)
        return (self.policy.all_calendars[name] if name else ALWAYS).reach(answered, expires)

    def chosen(self, track: int, holding: list[Rule], now: int, stays: dict[int, Stay]) -> MoveRecord | None:
        """The highest wanted move that nothing holds back."""
        return next((move for move, held in self.weighed(track, holding, now, stays) if held is None), None)

    def move(self, move: MoveRecord, now: int, stays: dict[int, Stay]) -> None:
        """A move that falls due and is not recorded is made virtually, at its instant."""
        key = self.key(move.track, move.level, move.cause)
        if key in self.accepted:
            self.enact(now, self.accepted[key])
            return
        self.moves.append((move._replace(order=self.order), stays[move.track], frozenset(move.rules)))
        self.order += 1
        level = self.level(move.track, move.level).key
        made = E.Escalated(
            at=datetime_of(now),
            to=level,
            track=self.policy.all_tracks[move.track].key,
            rules=move.rules,
            key=key,
            id=key,
            actor="automation",
        )
        self.apply(now, made, virtual=True)

    # ------------------------------------------------------------------ what comes next, and what is found

    def crossings(self, now: int) -> Iterator[int]:
        """Instants at which a comparison may change, or a held move may be released."""
        stays = self.here()
        for rule in self.policy.all_rules:
            yield from self.rule_crossings(rule, stays)
        for clock in self.clocks:
            due = self.due(clock)
            if clock.stopped is None and due is not None:
                yield due + 1
        plan = self.plan()
        yield from (microseconds_of(one.due_at) + 1 for one in plan.items if one.due_at is not None) if plan else ()
        if self.policy.effective_from is not None:
            yield microseconds_of(self.policy.effective_from)
        yield from self.duty_changes(now)

    def rule_crossings(self, rule: Rule, stays: dict[int, Stay]) -> Iterator[int]:
        for atom in (atom for condition in (rule.when, *self.guards(rule)) for atom in comparisons(condition)):
            if atom.kind == "duration":
                edge = self.threshold(rule, atom, stays)
                if edge is not None:
                    yield edge + (atom.fact == "remaining")
            elif atom.fact == "used":
                yield from self.share_crossing(atom)

    def share_crossing(self, atom: Atom) -> Iterator[int]:
        """When a share is reached: as if the budget were that much."""
        clock = self.latest(atom.of)
        if clock is not None and clock.budget is not None and clock.stopped is None:
            needed = -(-clock.budget * Fraction(atom.value) // 1)
            part = Instance(**{**vars(clock), "budget": int(needed), "fixed_due": None})
            reached = self.due(part)
            if reached is not None:
                yield reached

    def duty_changes(self, now: int) -> Iterator[int]:
        """Handovers that may release or redirect a move that is held back."""
        if not (self.log and self.is_live and not self.external):
            return
        stays = self.here()
        holding = [rule for rule in self.policy.all_rules if self.fires(rule, now, stays)]
        for track in self.tracks:
            for level in self.wanted(track, holding, stays):
                yield from self.availability(track, level, now)

    def availability(self, track: int, level: int, now: int) -> Iterator[int]:
        """When whether anybody is on duty changes, for a level and for those that would be skipped to."""
        found = self.level(track, level)
        roles = self.roles(found)
        if found.if_nobody == "proceed" or not roles or any(role not in self.policy.rotas for role in roles):
            return
        step = rotas.next_change_of_cover([self.policy.rotas[role] for role in roles], now)
        if step is not None:
            yield step
        levels = self.policy.all_tracks[track].levels
        above = [number for number in range(level + 1, len(levels)) if not levels[number].external]
        if found.if_nobody == "skip" and above and not any(self.on_duty(role, now) for role in roles):
            yield from self.availability(track, above[0], now)

    def changes(self, now: int) -> Iterator[int]:
        """Further instants at which the outcome may change: answers expire, minimum stays end, people hand over."""
        for track in self.tracks:
            stay = self.stay(track)
            yield from self.expiries(track, stay)
            min_stay = self.pick(self.level(track, stay.level).min_stay) if stay.level != NOWHERE else None
            if min_stay is not None:
                name = self.calendar_of(None, track)
                yield (self.policy.all_calendars[name] if name else ALWAYS).reach(stay.since[0], min_stay)
        for move, stay, rules in self.moves:
            stays = {**self.here(), move.track: stay}
            for rule in self.policy.all_rules:
                if rule.key in rules:
                    yield from self.rule_crossings(rule, stays)
            rota = self.policy.rotas.get(move.owner.role) if move.owner else None
            step = rotas.next_change(rota, now) if rota else None
            if step is not None:
                yield step

    def expiries(self, track: int, stay: Stay) -> Iterator[int]:
        lists = [(level.entry, self.cycle_start) for level in self.policy.all_tracks[track].levels]
        if stay.level != NOWHERE:
            present = self.level(track, stay.level)
            lists += [(present.work, stay.since), (present.de_escalation, stay.since)]
        for checklist, since in lists:
            for item in checklist.items if checklist else ():
                for entry in self.log:
                    if entry.when >= since and about(item, entry.event):
                        expiry = self.expiry(item, entry.when[0], track)
                        if expiry is not None:
                            yield expiry

    def outcome(self, now: int) -> Outcome:
        """What is found at an instant, after all that happened before or at it."""
        if not self.log:
            raise InvalidValue(unknown("case", self.case.id, []))
        self.pass_time(now)
        recorded_external = self.external - {
            move.track for move, _, _ in self.moves if self.level(move.track, move.level).external
        }
        live = self.is_live
        status = "external" if recorded_external and live else self.standing.status
        open_for_moves = live and status != "external"
        request = self.request_since()
        return Outcome(
            status=status,
            cycle=len(self.cycles),
            standing=tuple(self.stay(track).level for track in self.tracks),
            holders=tuple(self.holder(track) for track in self.tracks),
            moves=tuple(self.found_move(*one, now) for one in self.moves) if open_for_moves else (),
            blocked=tuple(self.found_blocked(now)),
            actions=tuple(self.actions) if live else (),
            clocks=tuple(self.found_clock(clock) for clock in self.latest_clocks()),
            work=tuple(self.found_work(now)) if live else (),
            exits=tuple(self.found_exits(now)) if live else (),
            requested_since=request[0] if request and status != "void" else None,
            picks=(
                ("priority", self.priority),
                *(
                    (fact.name, self.own_fact(fact.name))
                    for fact in self.policy.facts
                    if fact.kind in {"choice", "flag"}
                ),
            ),
        )

    def found_move(self, move: MoveRecord, stay: Stay, rules: frozenset[str], now: int) -> MoveRecord:
        """With the person who has the role now, and whether a rule holds as if the move had not been made."""
        stays = {**self.here(), move.track: stay}
        holds = any(self.holds(rule, now, stays) for rule in self.policy.all_rules if rule.key in rules)
        owner = move.owner
        if owner is not None:
            owner = owner._replace(person=self.person(owner.role, now))
        return move._replace(still_holds=holds, owner=owner)

    def found_blocked(self, now: int) -> Iterator[BlockedRecord]:
        if not (self.is_live and not self.external and self.active(now)):
            return
        stays = self.here()
        holding = [rule for rule in self.policy.all_rules if self.fires(rule, now, stays)]
        for track in self.tracks:
            for _, held in self.weighed(track, holding, now, stays):
                if held is not None:
                    yield held

    def latest_clocks(self) -> list[Instance]:
        """The latest instance of each target of the policy and of each level, in the order of the policy."""
        latest = {(clock.scope, clock.key): clock for clock in self.clocks}
        scopes = [(None, self.policy.targets), *((level.key, level.targets) for level in self.policy.all_levels)]
        order = dict.fromkeys((scope, target.key) for scope, targets in scopes for target in targets)
        return [latest[one] for one in order if one in latest]

    def found_clock(self, clock: Instance) -> ClockRecord:
        outcome = self.outcome_of(clock)
        due = self.due(clock)
        running = clock.stopped is None and clock.budget is not None
        paused = running and clock.legs[-1].paused is not None and due is None
        state = "paused" if paused else "running" if running else "stopped"
        return ClockRecord(
            clock.key,
            clock.scope,
            clock.occurrence,
            clock.started,
            due,
            state,
            outcome,
            clock.caused,
            clock.budget,
            clock.stopped,
            tuple(clock.legs),
            not clock.is_due_at_the_same_time,
        )

    def found_work(self, now: int) -> Iterator[tuple[int, int, tuple[OpenItemRecord, ...]]]:
        for track in self.tracks:
            stay = self.stay(track)
            if stay.level != NOWHERE:
                missing, against = self.checked(self.level(track, stay.level).work, stay.since, track, now)
                undone = (*missing, *(OpenItemRecord(item, f"answered {answer}") for item, answer in against))
                if undone:
                    yield track, stay.level, undone

    def found_exits(self, now: int) -> Iterator[ExitRecord]:
        for track in self.tracks:
            stay = self.stay(track)
            if stay.level > (0 if track == 0 else NOWHERE):
                level = self.level(track, stay.level)
                missing, against = self.checked(level.de_escalation, stay.since, track, now)
                name = self.calendar_of(None, track)
                calendar = self.policy.all_calendars[name] if name else ALWAYS
                min_stay = self.pick(level.min_stay)
                until = calendar.reach(stay.since[0], min_stay) if min_stay is not None else now
                yield ExitRecord(track, stay.level, missing, against, until if until > now else None)


def about(item: Item, event: BaseEvent) -> bool:
    """Whether an event speaks of an item."""
    if isinstance(event, E.ItemAnswered | E.AnswerWithdrawn):
        return event.item == item.key
    return matches(item.answered_by, event)


def picked(action: Any, pick: Any) -> Any:
    """An action with its picks made; None if nobody is left of whom it can be asked."""
    fields = {}
    for name, declared in type(action).model_fields.items():
        held = getattr(action, name)
        several = isinstance(held, tuple)
        fields[name] = tuple(one for one in map(pick, held) if one is not None) if several else pick(held)
        if declared.is_required() and fields[name] in {None, ()}:
            return None
    return type(action)(**fields)
