"""The facts of a case, each found anew by looking through what has happened so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from escalation_rules import events as E
from escalation_rules.case import Case
from escalation_rules.errors import InvalidValue, UnknownName, unknown
from escalation_rules.levels import NOWHERE, EscalationLevel
from escalation_rules.patterns import BaseEvent, Pattern
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy
from tests.oracle.status import Standing, known_since, standing_after

When = tuple[int, int]
"""An instant and the position of an event in the log; a crossing has position -1, before the events of its instant."""


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
class Facts:
    """What has happened to a case under a policy, really or in thought, and what follows from that alone."""

    policy: Policy
    case: Case
    at: int
    log: list[Entry] = field(default_factory=list)

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
        declared = next((one for one in self.policy.facts if one.name == name), None)
        return declared.default if found is None and declared is not None and self.log else found

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

    def rank(self, priority: str | None) -> int:
        return self.policy.priorities.index(priority) if priority in self.policy.priorities else -1


def matches(patterns: Any, event: BaseEvent) -> bool:
    """Whether one of the patterns matches."""
    several = (patterns,) if isinstance(patterns, Pattern) else patterns
    return any(pattern.matches(event) for pattern in several)
