"""Who is on duty, reckoned from a rota as data: turns are dealt one after the other, from the first one on.

Written from "Who is on duty" in docs/worktime.md and the docstrings of `Rota` and `Layer`. Nothing is remembered from
one question to the next.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count, islice, pairwise
from typing import NamedTuple

from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrulestr

from escalation_rules.worktime import Layer, Rota, Span, load_zone
from escalation_rules.worktime._timeline import datetime_of, microseconds_of

DAY = 24 * 60 * 60 * 1_000_000
LONG = 12 * 366 * DAY
"""In so long a time every recurrence by the date comes round, the rare ones of 29 February too."""


class Turn(NamedTuple):
    """A turn of a layer, from `begin` up to `end`."""

    begin: int
    end: int
    member: str


# ---------------------------------------------------------------------- questions


def on_duty(rota: Rota, instant: int) -> str | None:
    """Overrides first, the last one given before the others; then the last layer that has somebody; then `person`."""
    return _Duty(rota, instant).at(instant)


def next_change(rota: Rota, instant: int) -> int | None:
    """The first later instant at which somebody else, or nobody, is on duty; None if that never comes."""
    return _first_change([rota], instant, lambda people: people[0])


def next_change_of_cover(rotas: Sequence[Rota], instant: int) -> int | None:
    """The first later instant at which anybody at all is on duty and nobody was, or the other way round."""
    return _first_change(rotas, instant, lambda people: any(person is not None for person in people))


# ---------------------------------------------------------------------- looking ahead


def _first_change(rotas: Sequence[Rota], instant: int, found: Callable[[list[str | None]], object]) -> int | None:
    """Look at every edge in turn, at first only at those that are near, for there may be many."""
    last = max(_all_comes_round(rota, instant) for rota in rotas)
    ahead = 30 * DAY
    while True:
        until = min(instant + ahead, last)
        duties = [_Duty(rota, until) for rota in rotas]
        before = found([duty.at(instant) for duty in duties])
        edges = {edge for duty in duties for edge in duty.edges(instant) if instant < edge <= until}
        for edge in sorted(edges):
            if found([duty.at(edge) for duty in duties]) != before:
                return edge
        if until == last:
            return None
        ahead *= 8


class _Duty:
    """A rota with the turns that begin up to an instant, dealt once and asked many times."""

    def __init__(self, rota: Rota, until: int) -> None:
        self.rota, self.until = rota, until
        self.dealt = [turns(layer, zone_of(rota), until + 1) for layer in rota.layers]

    def at(self, instant: int) -> str | None:
        for shift in reversed(self.rota.overrides):
            if microseconds_of(shift.start) <= instant < microseconds_of(shift.end):
                return shift.person
        return _on_duty_by_layers(self.rota, self.dealt, instant)

    def edges(self, start: int) -> Iterator[int]:
        """Every instant at which it may be somebody else's duty."""
        yield from _fixed_dates(self.rota)
        for layer, dealt in zip(self.rota.layers, self.dealt, strict=True):
            for turn in dealt:
                yield from (turn.begin, turn.end)
            if layer.during is not None:
                for opening, closing in layer.during.openings(datetime_of(start), datetime_of(self.until)):
                    yield from (microseconds_of(opening), microseconds_of(closing))


def _all_comes_round(rota: Rota, instant: int) -> int:
    """An instant by which whatever repeats has come round, after the last date that is fixed."""
    last = max([instant, *_fixed_dates(rota)])
    rounds = [last]
    for layer in rota.layers:
        members = max(len(layer.members), *(len(roster.members) for roster in layer.changes), 1)
        coming = (begin for begin in handovers(layer, zone_of(rota)) if begin > last)
        rounds += islice(coming, 2 * members)
    return max(rounds) + LONG


def _fixed_dates(rota: Rota) -> list[int]:
    moments = [moment for shift in rota.overrides for moment in (shift.start, shift.end)]
    moments += [moment for absence in rota.absences for moment in (absence.start, absence.end)]
    for layer in rota.layers:
        moments += [layer.start, *(roster.since for roster in layer.changes)]
        moments += [layer.until] if layer.until is not None else []
    return [microseconds_of(moment) for moment in moments]


# ---------------------------------------------------------------------- layers


def _on_duty_by_layers(rota: Rota, dealt: list[list[Turn]], instant: int) -> str | None:
    """The last layer that has somebody who is not absent, else `person`."""
    for layer, its_turns in reversed(list(zip(rota.layers, dealt, strict=True))):
        who = _whose_turn(layer, its_turns, instant)
        if who is not None and not _is_absent(rota, who, instant):
            return who
    return None if rota.person is None or _is_absent(rota, rota.person, instant) else rota.person


def _is_absent(rota: Rota, who: str, instant: int) -> bool:
    return any(
        microseconds_of(absence.start) <= instant < microseconds_of(absence.end)
        for absence in rota.absences
        if absence.person is None or absence.person == who
    )


def _whose_turn(layer: Layer, dealt: list[Turn], instant: int) -> str | None:
    """Within the time of the layer and the openings of its calendar."""
    if instant < microseconds_of(layer.start):
        return None
    if layer.until is not None and instant >= microseconds_of(layer.until):
        return None
    if layer.during is not None and not layer.during.is_open(datetime_of(instant)):
        return None
    begun = bisect_right(dealt, instant, key=lambda turn: turn.begin)
    return dealt[begun - 1].member if begun and instant < dealt[begun - 1].end else None


def turns(layer: Layer, zone: tzinfo, until: int) -> list[Turn]:
    """The turns that begin before an instant.

    At a change of members the new order goes on with whoever is next in the old one and is still among them.
    """
    found = []
    members, position = layer.members, 0
    changes = list(layer.changes)
    for begin, following in pairwise([*_until(handovers(layer, zone), until), None]):
        assert begin is not None
        while changes and microseconds_of(changes[0].since) <= begin:
            waiting = (*members[position:], *members[:position])
            members = changes.pop(0).members
            staying = [who for who in waiting if who in members]
            position = members.index(staying[0]) if staying else 0
        end = until if following is None else following
        if layer.rrule is not None and layer.turn is not None:
            over = later(begin, layer.turn, 1, zone)
            end = over if following is None else min(end, over)
        found.append(Turn(begin, end, members[position]))
        position = (position + 1) % len(members)
    return found


def handovers(layer: Layer, zone: tzinfo) -> Iterator[int]:
    """When turns begin, from the first on."""
    first = layer.anchor or layer.start
    if layer.rrule is not None:
        for wall in rrulestr(layer.rrule, dtstart=shown(microseconds_of(first), zone)):
            yield instant_when_clocks_show(wall, zone)
        return
    turn = layer.turn or Span(1, "weeks")
    for number in count():
        yield later(microseconds_of(first), turn, number, zone)


def _until(instants: Iterator[int], until: int) -> Iterator[int]:
    for instant in instants:
        if instant >= until:
            return
        yield instant


# ---------------------------------------------------------------------- clocks on the wall


def zone_of(rota: Rota) -> tzinfo:
    zone = load_zone(rota.timezone)
    assert zone is not None
    return zone


def shown(instant: int, zone: tzinfo) -> datetime:
    """What clocks show at an instant."""
    return datetime_of(instant).astimezone(zone).replace(tzinfo=None, fold=0)


def later(start: int, turn: Span, times: int, zone: tzinfo) -> int:
    """So many turns later: hours elapse; days, weeks and months go by the clocks on the wall."""
    if turn.microseconds is not None:
        return start + times * turn.microseconds
    amount = int(turn.amount) * times
    if amount == 0:
        return start
    if turn.unit == "days":
        return instant_when_clocks_show(shown(start, zone) + timedelta(days=amount), zone)
    if turn.unit == "weeks":
        return instant_when_clocks_show(shown(start, zone) + timedelta(days=7 * amount), zone)
    return instant_when_clocks_show(shown(start, zone) + relativedelta(months=amount), zone)


def instant_when_clocks_show(wall: datetime, zone: tzinfo) -> int:
    """The first instant at which clocks show a time; the first after the gap if they never do."""
    guess = wall.replace(tzinfo=zone).astimezone(UTC)
    if guess.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return microseconds_of(guess)
    # in a gap, `fold=1` is an instant before it: go on second by second until clocks have gone past the time
    moment = wall.replace(tzinfo=zone, fold=1).astimezone(UTC).replace(microsecond=0)
    while moment.astimezone(zone).replace(tzinfo=None, fold=0) < wall:
        moment += timedelta(seconds=1)
    return microseconds_of(moment)
