"""The slow, obvious fold: the rules of the design as directly as they can be written down.

It goes from the opening from instant to instant (an event, or a crossing) and finds every fact anew by looking
through what has happened so far. Nothing is kept but that log, the clocks, and since when each comparison of each
rule has been true. It is the oracle for the compiled engine and is never optimised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from escalation_rules import events as E
from escalation_rules.actions import Action, Assign, RaisePriority
from escalation_rules.case import Case
from escalation_rules.checklists import Checklist, Item
from escalation_rules.conditions import AllOf, Atom, Condition, Not
from escalation_rules.errors import InvalidValue, UnknownName, unknown
from escalation_rules.levels import NOWHERE, EscalationLevel
from escalation_rules.patterns import BaseEvent, Pattern
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, Rota, Span
from escalation_rules.worktime._timeline import CONTINUOUS, datetime_of, microseconds_of
from escalation_rules.worktime.calendars import AnyCalendar
from tests.oracle import rotas
from tests.oracle.conditions import compare, comparisons, condition_holds, without_negations
from tests.oracle.records import (
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
from tests.oracle.status import Standing, known_since, standing_after, unfolded

When = tuple[int, int]
"""An instant and the position of an event in the log; a crossing has position -1, before the events of its instant."""

ALWAYS = BusinessCalendar.always("UTC")


class Entry(NamedTuple):
    """Something that happened: really, or virtually because a move or action was due."""

    when: When
    event: BaseEvent
    virtual: bool


class Stay(NamedTuple):
    """Where a case stands on a track, and since when."""

    level: int
    since: When


@dataclass
class Instance:
    """One instance of a target."""

    scope: str | None
    key: str
    occurrence: int
    cycle: int
    started: int
    target: Target | None
    span: Span | None
    calendar: str | None
    budget: int | None
    legs: list[LegRecord]
    outcome: str = "pending"
    fixed_due: int | None = None
    caused: bool = False
    stopped: int | None = None
    was_active: bool = False

    @property
    def is_due_at_the_same_time(self) -> bool:
        """Used up exactly at closing time, it is due when the calendar opens again."""
        return self.span is not None and self.span.due == "same time"


@dataclass
class Fold:
    """The fold of a case under a policy, up to `at`."""

    policy: Policy
    case: Case
    at: int
    log: list[Entry] = field(default_factory=list)
    clocks: list[Instance] = field(default_factory=list)
    since: dict[tuple[str, int], When | None] = field(default_factory=dict)
    moves: list[tuple[MoveRecord, Stay, frozenset[str]]] = field(default_factory=list)
    actions: list[ActionRecord] = field(default_factory=list)
    fired: set[tuple[tuple[str, str], int, int, int]] = field(default_factory=set)
    entered: list[tuple[str, int]] = field(default_factory=list)
    external: set[int] = field(default_factory=set)
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

    # ------------------------------------------------------------------ facts, each by looking through the log

    @property
    def tracks(self) -> range:
        return range(len(self.policy.all_tracks))

    def level(self, track: int, level: int) -> EscalationLevel:
        return self.policy.all_tracks[track].levels[level]

    def place(self, key: str) -> tuple[int, int]:
        """The track and the number of a level."""
        for track in self.tracks:
            for number, level in enumerate(self.policy.all_tracks[track].levels):
                if level.key == key:
                    return track, number
        raise UnknownName(
            unknown("level", key, [level.key for level in self.policy.all_levels], f"case `{self.case.id}`")
        )

    def track_number(self, key: str) -> int:
        keys = [track.key for track in self.policy.all_tracks]
        if key not in keys:
            raise UnknownName(unknown("track", key, keys, f"case `{self.case.id}`"))
        return keys.index(key)

    def check_names(self, event: BaseEvent) -> None:
        """A history that speaks of what the policy does not have is refused."""
        named = (
            event.priority
            if isinstance(event, E.Opened)
            else event.to
            if isinstance(event, E.PriorityChanged)
            else None
        )
        if named is not None and self.policy.priorities and named not in self.policy.priorities:
            raise UnknownName(unknown("priority", named, self.policy.priorities, f"case `{self.case.id}`"))
        if isinstance(event, E.LevelFailed | E.ChecklistOverridden) and event.level is not None:
            self.place(event.level)
        observed: Any = event.facts.items() if isinstance(event, E.Opened) else ()
        if isinstance(event, E.FactChanged):
            observed = ((event.name, event.value),)
        for name, value in observed:
            declared = self.policy.own_fact(name)
            problem = declared.problem_with(value) if declared else None
            if problem:
                raise InvalidValue(problem.under(f"case `{self.case.id}`"))

    def is_move(self, event: BaseEvent) -> bool:
        if isinstance(event, E.Reconciled):
            return event.level is not None and self.place(event.level)[1] != self.recorded_level(
                self.place(event.level)[0], before=event
            )
        return isinstance(event, E.Escalated | E.DeEscalated)

    def track_of_move(self, event: Any) -> int:
        key = event.level if isinstance(event, E.Reconciled) else event.to
        if key is not None:
            return self.place(key)[0]
        return self.track_number(event.track) if event.track is not None else 0

    def level_of_move(self, event: Any) -> int:
        key = event.level if isinstance(event, E.Reconciled) else event.to
        if key is not None:
            return self.place(key)[1]
        return 0 if self.track_of_move(event) == 0 else NOWHERE

    def recorded_level(self, track: int, before: BaseEvent) -> int:
        """Where the record alone, without what is only due, has a case on a track."""
        found = []
        for entry in self.log:
            if entry.event is before:
                break
            if isinstance(entry.event, E.Opened):
                found.append((entry.event.at, self.first_level(track, entry.event)))
            elif not entry.virtual and self.track_of_recorded_move(entry.event) == track:
                found.append((known_since(entry.event), self.level_of_move(entry.event)))
        on_record = [one for one in found if one[0] <= before.at]
        return sorted(on_record, key=lambda one: one[0])[-1][1]

    def track_of_recorded_move(self, event: BaseEvent) -> int | None:
        return self.track_of_move(event) if self.is_move(event) else None

    def first_level(self, track: int, opened: E.Opened) -> int:
        if opened.level is not None and self.place(opened.level)[0] == track:
            return self.place(opened.level)[1]
        return 0 if track == 0 and self.policy.all_tracks[0].levels else NOWHERE

    def stays(self, track: int) -> Iterator[Stay]:
        """Where the case has stood on a track, one stay after the other."""
        level = NOWHERE
        for entry in self.log:
            if isinstance(entry.event, E.Opened):
                level = self.first_level(track, entry.event)
                yield Stay(level, entry.when)
            elif self.track_of_recorded_move(entry.event) == track and self.level_of_move(entry.event) != level:
                level = self.level_of_move(entry.event)
                yield Stay(level, entry.when)

    def stay(self, track: int) -> Stay:
        return list(self.stays(track))[-1] if self.log else Stay(NOWHERE, (0, 0))

    def barrier(self, track: int) -> When | None:
        """The last time the case was taken down on a track."""
        found = list(self.stays(track))
        downs = [later.since for earlier, later in pairwise(found) if later.level < earlier.level]
        by_hand = [one.when for one in self.log if not (isinstance(one.event, E.Escalated) and one.event.is_accepted)]
        return max((when for when in downs if when in by_hand), default=None)

    @property
    def standing(self) -> Standing:
        return standing_after(entry.event for entry in self.log)

    @property
    def is_live(self) -> bool:
        return self.standing.is_live

    @property
    def cycles(self) -> list[When]:
        """Since when each cycle has run."""
        return [entry.when for entry in self.log if isinstance(entry.event, E.Opened | E.Reopened)]

    @property
    def cycle_start(self) -> When:
        return self.cycles[-1] if self.log else (0, 0)

    def in_cycle(self) -> list[Entry]:
        return [entry for entry in self.log if entry.when >= self.cycle_start]

    @property
    def priority(self) -> str | None:
        found = None
        for entry in self.log:
            if isinstance(entry.event, E.Opened):
                found = entry.event.priority
            elif isinstance(entry.event, E.PriorityChanged):
                lowers = self.rank(entry.event.to) < self.rank(found)
                found = found if lowers and entry.event.is_accepted else entry.event.to
        return found

    def own_fact(self, name: str) -> Any:
        found = None
        for entry in self.log:
            if isinstance(entry.event, E.Opened):
                found = entry.event.facts.get(name)
            elif isinstance(entry.event, E.FactChanged) and entry.event.name == name:
                found = entry.event.value
        return found

    def pick(self, given: Any) -> Any:
        if not isinstance(given, Pick):
            return given
        now = self.priority if given.by == "priority" else self.own_fact(given.by)
        names: list[Any] = [now] if not isinstance(now, bool) else ["true", "yes"] if now else ["false", "no"]
        values = [given.values[name] for name in names if name in given.values]
        return self.pick(values[0] if values else given.otherwise)

    def unanswered_since(self) -> Entry | None:
        oldest = None
        for entry in self.log:
            if E.COUNTING_REPLY.matches(entry.event):
                oldest = None
            elif oldest is None and self.is_message(entry.event):
                oldest = entry
        return oldest

    def is_message(self, event: BaseEvent) -> bool:
        return isinstance(event, E.CustomerReplied) or (isinstance(event, E.Opened) and event.actor != "staff")

    def first_response_stopped(self) -> bool:
        opened = self.log[0].event
        answered = any(E.COUNTING_REPLY.matches(entry.event) for entry in self.log)
        return (isinstance(opened, E.Opened) and opened.actor == "staff") or answered or len(self.cycles) > 1

    def assigned(self) -> dict[str, tuple[str | None, str | None]]:
        found = {}
        for entry in self.log:
            if isinstance(entry.event, E.Assigned):
                found[entry.event.as_role] = (entry.event.person, entry.event.group)
        return found

    def unassigned_since(self) -> int | None:
        since: int | None = None
        held: dict[str, tuple[str | None, str | None]] = {}
        for entry in self.log:
            if isinstance(entry.event, E.Assigned):
                held[entry.event.as_role] = (entry.event.person, entry.event.group)
            if any(one != (None, None) for one in held.values()):
                since = None
            elif since is None:
                since = entry.when[0]
        return since

    def updated_since(self) -> int:
        kinds = (E.COUNTING_REPLY, E.UpdateSent.like(audience="customer"))
        found = [entry.when[0] for entry in self.in_cycle() if matches(kinds, entry.event) and entry.event.counts]
        return found[-1] if found else self.cycle_start[0]

    def resolved_since(self) -> int | None:
        """Since when a case that is resolved, and not yet closed, has been so; resolving it again changes nothing."""
        since = None
        for number, entry in enumerate(self.log):
            status = standing_after(one.event for one in self.log[: number + 1]).status
            if status != "resolved":
                since = None
            elif since is None:
                since = entry.when[0]
        return since

    def customer_silent_since(self) -> int | None:
        """When we last wrote to the customer in this cycle, if the customer has not written since."""
        ours = (E.COUNTING_REPLY, E.UpdateSent.like(audience="customer"))
        since = None
        for entry in self.in_cycle():
            if isinstance(entry.event, E.CustomerReplied):
                since = None
            elif matches(ours, entry.event) and entry.event.counts:
                since = entry.when[0]
        return since

    def request_since(self) -> When | None:
        first = None
        for entry in self.log:
            if isinstance(entry.event, E.EscalationRequestAnswered):
                first = None
            elif first is None and matches(E.ATTENTION_REQUEST, entry.event):
                first = entry.when
        return first

    def plan(self) -> E.ActionPlan | None:
        plans = [entry.event.plan for entry in self.log if isinstance(entry.event, E.PlanRevised)]
        return plans[-1] if plans else None

    def raised(self, tracks: Iterable[int]) -> int:
        """Moves up for life."""
        found = 0
        for track in tracks:
            stays = list(self.stays(track))
            found += sum(later.level > earlier.level for earlier, later in pairwise(stays))
        return found

    def changes_of_assignment(self) -> int:
        held: dict[str, tuple[str | None, str | None]] = {}
        found = 0
        for entry in self.log:
            if isinstance(entry.event, E.Assigned):
                new = (entry.event.person, entry.event.group)
                found += entry.when >= self.cycle_start and held.get(entry.event.as_role, (None, None)) != new
                held[entry.event.as_role] = new
        return found

    def failed(self, track: int, stay: Stay) -> bool:
        if stay.level == NOWHERE:
            return False
        key, track_key = self.level(track, stay.level).key, self.policy.all_tracks[track].key
        for entry in self.log:
            event = entry.event
            if isinstance(event, E.LevelFailed) and entry.when > stay.since:
                named = (
                    event.level
                    if event.level is not None
                    else key
                    if (event.track or self.policy.all_tracks[0].key) == track_key
                    else None
                )
                if named == key:
                    return True
        return False

    # ------------------------------------------------------------------ truth of comparisons

    def calendar(self, rule: Rule, atom: Atom) -> AnyCalendar:
        track = self.policy.all_tracks[self.track_of_rule(rule)]
        for choice in (atom.calendar, rule.calendar, track.calendar, self.policy.usual_calendar):
            name = self.pick(choice)
            if name is not None:
                return self.policy.all_calendars[name]
        return ALWAYS

    def track_of_rule(self, rule: Rule) -> int:
        if rule.to not in {None, NEXT}:
            return self.place(str(rule.to))[0]
        if rule.track is not None:
            return self.track_number(rule.track)
        named = {self.place(key)[0] for key in rule.at_level}
        return named.pop() if len(named) == 1 else 0

    def anchor(self, rule: Rule, atom: Atom, stays: dict[int, Stay]) -> int | None:
        """Since when a duration runs."""
        track = self.track_number(atom.of) if atom.fact == "at_level_for" and atom.of else self.track_of_rule(rule)
        match atom.fact:
            case "open_for":
                return self.cycle_start[0]
            case "unanswered_for":
                oldest = self.unanswered_since()
                return oldest.when[0] if oldest else None
            case "unassigned_for":
                return self.unassigned_since()
            case "no_update_for":
                return self.updated_since()
            case "resolved_for":
                return self.resolved_since()
            case "customer_silent_for":
                return self.customer_silent_since()
            case "at_level_for":
                return None if stays[track].level == NOWHERE else max(stays[track].since[0], self.cycle_start[0])
            case "overdue_for":
                clock = self.latest(atom.of)
                return self.due(clock) if clock and clock.stopped is None and clock.budget is not None else None
        raise AssertionError(atom.fact)

    def threshold(self, rule: Rule, atom: Atom, stays: dict[int, Stay]) -> int | None:
        """When a duration reaches its constant; for time left, the last instant at which so much is left."""
        span = self.pick(atom.value)
        calendar = self.calendar(rule, atom)
        if span is None:
            return None
        if atom.fact == "remaining":
            clock = self.latest(atom.of)
            due = self.due(clock) if clock and clock.outcome == "pending" and clock.stopped is None else None
            return None if due is None else calendar.leave(due, span)
        anchor = self.anchor(rule, atom, stays)
        return None if anchor is None else calendar.reach(anchor, span)

    def truth(self, rule: Rule, atom: Atom, now: int, stays: dict[int, Stay]) -> bool | None:
        """Whether an atom holds; None when its fact is unknown."""
        if atom.kind == "duration":
            return self.duration_truth(rule, atom, now, stays)
        if atom.fact == "used":
            return (self.share(atom.of, now) >= Fraction(atom.value)) == (atom.op == ">=")
        held = self.held(rule, atom, now, stays)
        if held is None:
            return None
        if atom.fact == "level":
            return self.level_truth(atom, stays)
        rank = self.policy.priorities.index if atom.fact == "priority" else lambda one: one
        if atom.fact == "priority" and held not in self.policy.priorities:
            return None
        return compare(held, atom.op, atom.value, rank)

    def duration_truth(self, rule: Rule, atom: Atom, now: int, stays: dict[int, Stay]) -> bool | None:
        span = self.pick(atom.value)
        if span is None:
            return None
        edge = self.threshold(rule, atom, stays)
        if atom.fact == "remaining":
            clock = self.latest(atom.of)
            due = self.due(clock) if clock else None
            if edge is None or due is None or now > due:
                return None
            return (now <= edge) == (atom.op == ">=")
        reached = span.amount == 0 if edge is None else now >= edge or span.amount == 0
        return reached == (atom.op == ">=")

    def level_truth(self, atom: Atom, stays: dict[int, Stay]) -> bool:
        values = atom.value if isinstance(atom.value, tuple) else (atom.value,)
        found = []
        for key in values:
            track, number = self.place(key)
            found.append(
                compare(stays[track].level, "==" if isinstance(atom.value, tuple) else atom.op, number, lambda one: one)
            )
        return any(found) if atom.op != "not in" else not any(found)

    def held(self, rule: Rule, atom: Atom, now: int, stays: dict[int, Stay]) -> Any:
        """What a fact is; None when it is unknown."""
        track = (
            self.track_number(atom.of)
            if atom.of and atom.fact in {"level_failed", "moves"}
            else self.track_of_rule(rule)
        )
        cycle = self.in_cycle()
        match atom.fact:
            case "priority":
                return self.priority
            case "level":
                return True
            case "status":
                return self.standing.status
            case "channel":
                return self.log[0].event.channel  # type: ignore[attr-defined]
            case "acknowledged":
                return any(isinstance(one.event, E.Acknowledged) and one.event.counts for one in cycle)
            case "level_failed":
                return self.failed(track, stays[track])
            case "escalation_request_open":
                return self.request_since() is not None
            case "escalation_requests":
                return sum(matches(E.ATTENTION_REQUEST, one.event) for one in self.log)
            case "moves":
                return self.raised(self.tracks if atom.of is None else [track])
            case "reopenings":
                return len(self.cycles) - 1
            case "replies":
                return sum(E.COUNTING_REPLY.matches(one.event) for one in cycle)
            case "status_requests":
                return sum(isinstance(one.event, E.CustomerReplied) and one.event.asks_for_status for one in cycle)
            case "assignments":
                return self.changes_of_assignment()
            case "outcome":
                clock = self.latest(atom.of)
                return self.outcome_of(clock) if clock else "not_started"
            case "plan_items_overdue":
                plan = self.plan()
                return (
                    sum(
                        not one.done and one.due_at is not None and now > microseconds_of(one.due_at)
                        for one in plan.items
                    )
                    if plan
                    else 0
                )
            case "plan_has_backup":
                plan = self.plan()
                return plan is not None and plan.backup is not None
            case "happened":
                return bool(self.matching(rule, atom, stays))
        return self.own_fact(atom.fact)

    def matching(self, rule: Rule, atom: Atom, stays: dict[int, Stay]) -> list[Entry]:
        """Events that match, within the stay of the rule's track, or within the cycle for a rule without `to`."""
        if rule.to is None:
            return [one for one in self.in_cycle() if matches(atom.pattern, one.event)]
        since = stays[self.track_of_rule(rule)].since
        return [
            one
            for one in self.log
            if matches(atom.pattern, one.event)
            and (one.when > since or (isinstance(one.event, E.Opened) and one.when == since))
        ]

    def here(self) -> dict[int, Stay]:
        return {track: self.stay(track) for track in self.tracks}

    def note_truth(self, now: int, when: When, event: BaseEvent | None) -> None:
        """Since when each comparison of each rule has been true."""
        stays = self.here()
        for rule in self.policy.all_rules:
            for number, atom in enumerate(comparisons(without_negations(rule.when))):
                key = (rule.key, number)
                if self.truth(rule, atom, now, stays) is not True:
                    self.since[key] = None
                elif self.since.get(key) is None or (event is not None and self.renews(rule, atom, event, stays)):
                    self.since[key] = when

    def renews(self, rule: Rule, atom: Atom, event: BaseEvent, stays: dict[int, Stay]) -> bool:
        """The evidence of a request, or of something that happened, is the latest of its events."""
        positive = (atom.op == "==") == atom.value
        if atom.fact == "escalation_request_open" and positive:
            return matches(E.ATTENTION_REQUEST, event)
        return (
            atom.fact == "happened" and positive and any(one.event is event for one in self.matching(rule, atom, stays))
        )

    def holds(self, rule: Rule, now: int, stays: dict[int, Stay]) -> bool:
        if rule.at_level and not any(stays[self.place(key)[0]].level == self.place(key)[1] for key in rule.at_level):
            return False
        return condition_holds(without_negations(rule.when), lambda atom: self.truth(rule, atom, now, stays) is True)

    def evidence(self, rule: Rule) -> When | None:
        """The latest among the true members of `all` and `any`; a level is never evidence."""
        numbers = iter(range(1_000_000))
        return self.evidence_of(rule, without_negations(rule.when), numbers)[1]

    def evidence_of(self, rule: Rule, condition: Condition, numbers: Iterator[int]) -> tuple[bool, When | None]:
        if isinstance(condition, Atom):
            since = self.since[(rule.key, next(numbers))]
            return since is not None, None if atom_is_no_evidence(condition) else since
        assert not isinstance(condition, Not)
        parts = [self.evidence_of(rule, part, numbers) for part in condition.of]
        true = all(one for one, _ in parts) if isinstance(condition, AllOf) else any(one for one, _ in parts)
        return true, max((when for held, when in parts if held and when is not None), default=None)

    # ------------------------------------------------------------------ clocks

    def scopes(self) -> list[tuple[str | None, tuple[Target, ...], int | None]]:
        """The policy's targets, and those of the levels where the case stands."""
        found: list[tuple[str | None, tuple[Target, ...], int | None]] = [(None, self.policy.targets, None)]
        for track in self.tracks:
            stay = self.stay(track)
            if stay.level != NOWHERE:
                level = self.level(track, stay.level)
                found.append((level.key, level.targets, track))
        return found

    def applicable(self, targets: Iterable[Target], now: int) -> Target | None:
        """The first whose `when` holds."""
        rule = Rule(key="a target", when=AllOf(of=()), to=None, then=(RaisePriority(to=NEXT),))
        for target in targets:
            if target.when is None or condition_holds(
                without_negations(target.when), lambda atom: self.truth(rule, atom, now, self.here()) is True
            ):
                return target
        return None

    def span_of(self, target: Target | None) -> Span | None:
        if target is None:
            return None
        agreed = [one.event.plan.every for one in self.log if isinstance(one.event, E.CommunicationAgreed)]
        if target.use_agreed_interval and agreed:
            return agreed[-1]
        found = self.pick(target.within)
        return found if found is None else Span.of(found)

    def calendar_of(self, target: Target | None, track: int | None) -> str | None:
        choices = [target.calendar if target else None]
        choices += [self.policy.all_tracks[track].calendar] if track is not None else []
        for choice in (*choices, self.policy.usual_calendar):
            name = self.pick(choice)
            if name is not None:
                return str(name)
        return None

    def budget(self, started: int, span: Span | None, calendar: str | None) -> int | None:
        if span is None:
            return None
        if span.microseconds is not None:
            return span.microseconds
        chosen = self.policy.all_calendars[calendar] if calendar is not None else ALWAYS
        line = chosen.line if span.is_business else CONTINUOUS
        return line.opened(chosen.reach(started, span)) - line.opened(started)

    def counting(self, span: Span | None, calendar: str | None) -> str | None:
        """In which calendar a span is counted: plain spans and those without a calendar count all time."""
        return calendar if span is None or span.is_business else None

    def line(self, calendar: str | None) -> Any:
        return CONTINUOUS if calendar is None else self.policy.all_calendars[calendar].line

    def due(self, clock: Instance | None) -> int | None:
        """The instant at which counted time reaches the budget; None while it is paused before that."""
        if clock is None or clock.budget is None:
            return None
        if clock.fixed_due is not None:
            return clock.fixed_due
        if clock.budget == 0:
            return clock.started
        left = clock.budget
        for leg, end in zip(clock.legs, [*(one.since for one in clock.legs[1:]), clock.stopped], strict=True):
            if leg.paused:
                continue
            line = self.line(leg.calendar)
            point = line.opened(leg.since) + left
            found = line.latest(point) if clock.is_due_at_the_same_time else line.earliest(point)
            if end is None or found <= end:
                return int(found)
            left -= line.opened(end) - line.opened(leg.since)
        return None

    def counted(self, clock: Instance, now: int) -> int:
        until = now if clock.stopped is None else min(now, clock.stopped)
        total = 0
        for leg, end in zip(clock.legs, [*(one.since for one in clock.legs[1:]), until], strict=True):
            if not leg.paused:
                line = self.line(leg.calendar)
                total += line.opened(min(end, until)) - line.opened(leg.since)
        return total

    def share(self, key: str | None, now: int) -> Fraction:
        clock = self.latest(key)
        if clock is None or clock.budget is None:
            return Fraction(0)
        return Fraction(self.counted(clock, now), clock.budget) if clock.budget else Fraction(1 << 62)

    def latest(self, key: str | None) -> Instance | None:
        found = [clock for clock in self.clocks if clock.key == key]
        return found[-1] if found else None

    def outcome_of(self, clock: Instance) -> str:
        if clock.budget is None and clock.outcome == "pending":
            return "void" if clock.was_active else "not_started"
        return clock.outcome

    def waits(self, target: Target | None) -> str | None:
        found = sorted(self.standing.waits & set(self.pick(target.pause_on) or ())) if target else []
        return ", ".join(found) or None

    def turn_clocks(
        self,
        now: int,
        event: BaseEvent,
        before: dict[int, Stay],
        after: dict[int, Stay],
        entered: list[int],
        *,
        began: bool,
    ) -> None:
        """One event's effects on clocks: stop, pause, resume, start."""
        stopped = self.stop(now, event)
        left = {
            self.level(track, before[track].level).key
            for track in self.tracks
            if before[track].level != NOWHERE and before[track].level != after[track].level
        }
        for clock in self.clocks:
            if clock.stopped is None and self.ends(clock, event, left):
                self.end(clock, now)
        for clock in self.clocks:
            if clock.stopped is None and clock.outcome == "pending":
                self.retarget(clock, now)
        for scope, targets, track in self.scopes():
            for key in dict.fromkeys(target.key for target in targets):
                group = [target for target in targets if target.key == key]
                self.start(
                    now,
                    event,
                    scope,
                    track,
                    group,
                    restart=(scope, key) in stopped,
                    entered=track in entered,
                    began=began,
                )

    def stop(self, now: int, event: BaseEvent) -> set[tuple[str | None, str]]:
        stopped = set()
        for clock in self.clocks:
            target = clock.target
            if clock.stopped is None and target is not None and event.counts and matches(target.stop_on, event):
                if clock.outcome == "pending" and clock.budget is not None:
                    clock.outcome = "met"
                    stopped.add((clock.scope, clock.key))
                elif clock.outcome == "pending":
                    clock.outcome = "void" if clock.was_active else "not_started"
                    stopped.add((clock.scope, clock.key))
                else:
                    stopped.add((clock.scope, clock.key))
                clock.fixed_due = self.due(clock)
                clock.stopped = now
        return stopped

    def ends(self, clock: Instance, event: BaseEvent, left: set[str]) -> bool:
        """Whether an event voids what is pending: leaving its level, resolving, closing, voiding, going outside."""
        if clock.scope in left or isinstance(event, E.Voided):
            return True
        if self.external and self.is_live:
            return True
        ended = (isinstance(event, E.Resolved | E.Closed) and not self.is_live) or isinstance(event, E.Reopened)
        return ended and not self.starts_at_the_end(clock.target)

    def starts_at_the_end(self, target: Target | None) -> bool:
        """What resolving starts is not voided by resolving."""
        return (
            target is not None
            and isinstance(target.start_on, tuple)
            and any(pattern.event in {"Resolved", "Closed"} for pattern in target.start_on)
        )

    def end(self, clock: Instance, now: int) -> None:
        if clock.outcome == "pending":
            clock.outcome = "void" if clock.budget is not None or clock.was_active else "not_started"
            clock.fixed_due = self.due(clock)
        clock.stopped = now

    def retarget(self, clock: Instance, now: int) -> None:
        """Another span or calendar: counted time and pauses carry over, each counted in the calendar then in force."""
        due = self.due(clock)
        at_due = clock.budget is not None and due is not None and due <= now and not clock.caused
        scope, track = clock.scope, None if clock.scope is None else self.place(clock.scope)[0]
        targets = self.policy.targets if scope is None else self.policy.level(scope).targets
        target = self.applicable([one for one in targets if one.key == clock.key], now)
        span, calendar = self.span_of(target), self.calendar_of(target, track)
        if (span, calendar) != (clock.span, clock.calendar):
            clock.span, clock.calendar = span, calendar
            clock.budget = self.budget(clock.started, span, calendar)
            clock.fixed_due, clock.caused, at_due = None, False, False
            clock.was_active = clock.was_active or clock.budget is not None
            self.turn(clock, now, LegRecord(now, self.counting(span, calendar), self.waits(target or self.lead(clock))))
            due = self.due(clock)
            if due is not None and due < now:
                clock.fixed_due, clock.caused = now, True
        clock.target = target or self.lead(clock)
        paused = self.waits(clock.target)
        if not at_due and paused != clock.legs[-1].paused:
            self.turn(clock, now, clock.legs[-1]._replace(since=now, paused=paused))

    def lead(self, clock: Instance) -> Target:
        targets = self.policy.targets if clock.scope is None else self.policy.level(clock.scope).targets
        return next(one for one in targets if one.key == clock.key)

    def turn(self, clock: Instance, now: int, leg: LegRecord) -> None:
        """The next leg; what lasted no time is forgotten."""
        kept = [one for one in clock.legs if one.since < now]
        clock.legs = [*kept, leg] if not kept or kept[-1][1:] != leg[1:] else kept

    def start(
        self,
        now: int,
        event: BaseEvent,
        scope: str | None,
        track: int | None,
        group: list[Target],
        *,
        restart: bool,
        entered: bool,
        began: bool,
    ) -> None:
        target = self.applicable(group, now)
        lead = target or group[0]
        open_one = any(clock.stopped is None and (clock.scope, clock.key) == (scope, lead.key) for clock in self.clocks)
        live = self.is_live and not self.external
        if open_one or not (
            self.begins(lead, event, scope, entered=entered, began=began, live=live)
            or (restart and lead.recurring and live)
        ):
            return
        span, calendar = self.span_of(target), self.calendar_of(target, track)
        number = 1 + sum(clock.key == lead.key and clock.cycle == len(self.cycles) for clock in self.clocks)
        budget = self.budget(now, span, calendar)
        leg = LegRecord(now, self.counting(span, calendar), self.waits(lead))
        self.clocks.append(
            Instance(
                scope,
                lead.key,
                number,
                len(self.cycles),
                now,
                lead,
                span,
                calendar,
                budget,
                [leg],
                was_active=budget is not None,
            )
        )

    def begins(
        self, lead: Target, event: BaseEvent, scope: str | None, *, entered: bool, began: bool, live: bool
    ) -> bool:
        """Whether an event starts a target."""
        if isinstance(lead.start_on, tuple) and lead.start_on:
            at_the_end = isinstance(event, E.Resolved | E.Closed) and self.standing.status in {"resolved", "closed"}
            return matches(lead.start_on, event) and (live or at_the_end)
        if lead.start_on == "unanswered":
            return live and self.unanswered_since() is not None and self.first_response_stopped()
        return live and (began or (scope is not None and entered))

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
        barrier = self.barrier(self.track_of_rule(rule))
        if not self.holds(rule, now, stays):
            return False
        evidence = self.evidence(rule)
        return barrier is None or (evidence is not None and evidence > barrier)

    def cause(self, rule: Rule) -> int:
        return (self.evidence(rule) or self.cycle_start)[0]

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
        cycle = len(self.cycles)
        fresh = []
        for source, number, action, cause in found:
            if (source, number, cycle, cause) in self.fired:
                continue
            self.fired.add((source, number, cycle, cause))
            key = action_key(self.case.id, self.policy.name, cycle, source, action, cause)
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

    def rank(self, priority: str | None) -> int:
        return self.policy.priorities.index(priority) if priority in self.policy.priorities else -1

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
        self.actions.append(ActionRecord(now, self.order, source, number, len(self.cycles), cause, action, person))
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
        return move_key(
            self.case.id, self.policy.name, len(self.cycles), track_key, self.level(track, level).key, cause
        )

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
            return owner, [level, *skipped], until
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
        for atom in comparisons(rule.when):
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


def matches(patterns: Any, event: BaseEvent) -> bool:
    """Whether one of the patterns matches."""
    several = (patterns,) if isinstance(patterns, Pattern) else patterns
    return any(pattern.matches(event) for pattern in several)


def about(item: Item, event: BaseEvent) -> bool:
    """Whether an event speaks of an item."""
    if isinstance(event, E.ItemAnswered | E.AnswerWithdrawn):
        return event.item == item.key
    return matches(item.answered_by, event)


def atom_is_no_evidence(atom: Atom) -> bool:
    """A level is never evidence."""
    return atom.fact == "level"


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
