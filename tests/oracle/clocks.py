"""Comparisons of facts, and the clocks of targets: the two ask each other, for a target may have a condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from escalation_rules import events as E
from escalation_rules.actions import RaisePriority
from escalation_rules.conditions import AllOf, Atom, Condition, Not
from escalation_rules.levels import NOWHERE
from escalation_rules.patterns import BaseEvent
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, Span
from escalation_rules.worktime._timeline import CONTINUOUS, microseconds_of
from escalation_rules.worktime.calendars import AnyCalendar
from tests.oracle.conditions import compare, comparisons, condition_holds, without_negations
from tests.oracle.facts import Entry, Facts, Stay, When, matches
from tests.oracle.records import LegRecord

ALWAYS = BusinessCalendar.always("UTC")


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
class Clocks(Facts):
    """The clocks of a case, and since when each comparison of each rule has been true."""

    clocks: list[Instance] = field(default_factory=list)
    since: dict[tuple[str, int], When | None] = field(default_factory=dict)
    external: set[int] = field(default_factory=set)

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
                since = self.unassigned_since()
                return None if since is None else max(since, self.cycle_start[0])
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

        def is_true(atom: Atom) -> bool:
            return self.truth(rule, atom, now, stays) is True

        if any(condition_holds(without_negations(guard), is_true) for guard in self.guards(rule)):
            return False
        return condition_holds(without_negations(rule.when), is_true)

    def guards(self, rule: Rule) -> list[Condition]:
        """What holds a rule back while it is known to be true: its own guard, and that of all rules."""
        own = next((one.unless for one in self.policy.rules if one.key == rule.key), None)
        return [guard for guard in (own, self.policy.rules_unless) if guard is not None]

    def evidence(self, rule: Rule) -> When | None:
        """The latest among the true members of `all` and `any`; a level is never evidence."""
        numbers = iter(range(1_000_000))
        return self.evidence_of(rule, without_negations(rule.when), numbers)[1]

    def evidence_of(self, rule: Rule, condition: Condition, numbers: Iterator[int]) -> tuple[bool, When | None]:
        if isinstance(condition, Atom):
            since = self.since[(rule.key, next(numbers))]
            if since is not None and speaks_of_the_cycle(rule, condition):
                since = max(since, self.cycle_start)
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
            # used up just when the calendar changes, a span "at same time" ends when the new calendar opens
            goes_on = clock.is_due_at_the_same_time and found == end and leg is not clock.legs[-1]
            if not goes_on and (end is None or found <= end):
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


def atom_is_no_evidence(atom: Atom) -> bool:
    """A level is never evidence."""
    return atom.fact == "level"


OF_THE_CYCLE = {
    *("acknowledged", "replies", "status_requests", "assignments"),
    *("open_for", "at_level_for", "no_update_for", "unassigned_for", "customer_silent_for"),
}


def speaks_of_the_cycle(rule: Rule, atom: Atom) -> bool:
    """What begins anew with every cycle has no evidence from before it."""
    return atom.fact in OF_THE_CYCLE or (atom.fact == "happened" and rule.to is None)
