"""The levels that a history records under a policy: steps, stays, episodes; nothing that was only due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from escalation_rules import events as E
from escalation_rules._values import read_instant
from escalation_rules.case import Case
from escalation_rules.levels import NOWHERE
from escalation_rules.patterns import BaseEvent
from escalation_rules.picks import facts_of, picked
from escalation_rules.policy import Policy

Levels = Mapping[str, str | None]


class RecordStep(NamedTuple):
    """An event, and where the record had the case on each track before and after it."""

    event: BaseEvent
    before: Levels
    after: Levels


class Stay(NamedTuple):
    """A case on a level of a track, from an instant on, up to (not including) another if it has left."""

    track: str
    level: str
    since: datetime
    until: datetime | None


class Episode(NamedTuple):
    """An escalation: from when a case went up on a track until it was back in the ordinary process, or resolved."""

    track: str
    since: datetime
    until: datetime | None


def walked(policy: Policy, case: Case, at: datetime) -> Iterator[RecordStep]:
    """The events up to an instant, each snapshot followed by what it implies.

    Raises `UnknownName` for a level that the policy does not have.
    """
    last = read_instant(at)
    levels: Levels = {track.key: None for track in policy.all_tracks}
    for event in case.plain_history:
        if event.at > last:
            return
        before, levels = levels, {**levels, **_put(policy, event)}
        yield RecordStep(event, before, levels)


def _put(policy: Policy, event: BaseEvent) -> Levels:
    """The tracks on which an event puts the case somewhere, and where."""
    if isinstance(event, E.Opened):
        return _first(policy) | _at(policy, event.level)
    if isinstance(event, E.Reconciled):
        return _at(policy, event.level)
    if isinstance(event, E.Escalated | E.DeEscalated):
        if event.to is not None:
            return _at(policy, event.to)
        first = _first(policy)
        return first if event.track is None or event.track in first else {event.track: None}
    return {}


def _first(policy: Policy) -> dict[str, str | None]:
    """Where every case begins."""
    track = policy.all_tracks[0]
    return {track.key: next((level.key for level in track.levels), None)}


def _at(policy: Policy, level: str | None) -> dict[str, str | None]:
    return {} if level is None else {policy.track_of(level).key: level}


def stays(policy: Policy, case: Case, at: datetime) -> tuple[Stay, ...]:
    """Every stay on every level up to an instant, in the order in which they began."""
    found: list[Stay] = []
    since: dict[str, datetime] = {}
    for event, before, after in walked(policy, case, at):
        for track in after:
            if before[track] != after[track]:
                found += _stay(track, before[track], since.get(track), event.at)
                since[track] = event.at
    for track, level in after.items():
        found += _stay(track, level, since.get(track), None)
    return tuple(sorted(found, key=lambda one: one.since))


def _stay(track: str, level: str | None, since: datetime | None, until: datetime | None) -> list[Stay]:
    return [] if level is None or since is None else [Stay(track, level, since, until)]


def episodes(policy: Policy, case: Case, at: datetime) -> tuple[Episode, ...]:
    """Every escalation up to an instant: above the first level of the first track, or anywhere on another."""
    ordinary, resolved = set(_first(policy).values()), case.resolved_at(at=at)
    found: list[Episode] = []
    for stay in stays(policy, case, at):
        until = stay.until or resolved
        if stay.level in ordinary:
            continue
        before = next((one for one in found if (one.track, one.until) == (stay.track, stay.since)), None)
        if before is not None:
            found[found.index(before)] = before._replace(until=until)
        else:
            found.append(Episode(stay.track, stay.since, until))
    return tuple(found)


def rank(policy: Policy, level: str | None) -> int:
    """The place of a level on its track, from 0; below all for nowhere."""
    return NOWHERE if level is None else [one.key for one in policy.track_of(level).levels].index(level)


def rises(policy: Policy, case: Case, at: datetime) -> Iterator[tuple[BaseEvent, str]]:
    """The recorded moves up until an instant, each with its track."""
    for event, before, after in list(walked(policy, case, at))[1:]:
        for track in after:
            if rank(policy, after[track]) > rank(policy, before[track]):
                yield event, track


def picked_for(given: object, policy: Policy, case: Case, at: datetime) -> str | None:
    """A role, or the one that a pick gives for what the record has of a case at an instant."""
    now = {
        name: case.priority(at=at) if name == "priority" else _fact(policy, case, name, at) for name in facts_of(given)
    }
    role = picked(given, now)
    return None if role is None else str(role)


def _fact(policy: Policy, case: Case, name: str, at: datetime) -> object:
    held: object = None
    for event in case.history:
        if event.at <= read_instant(at):
            if isinstance(event, E.Opened):
                held = event.facts.get(name)
            elif isinstance(event, E.FactChanged) and event.name == name:
                held = event.value
    declared = policy.own_fact(name)
    return held if declared is None else declared.known(held)


def timezone_of(policy: Policy) -> str:
    """The zone that a policy's instants are told in: that of its usual calendar, or UTC."""
    usual = policy.usual_calendar
    name = usual if isinstance(usual, str) or usual is None else usual.otherwise
    return policy.all_calendars[name].timezone if isinstance(name, str) else "UTC"
