"""Checks of rotas: times in which nobody is on duty who could own a level."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import product
from typing import Any

from escalation_rules.analysis.domains import chosen
from escalation_rules.analysis.report import Finding, finding
from escalation_rules.analysis.workbench import Board
from escalation_rules.explain import say_instant
from escalation_rules.levels import EscalationLevel
from escalation_rules.picks import Pick, choices
from escalation_rules.worktime import BusinessCalendar, Rota
from escalation_rules.worktime._timeline import datetime_of, microseconds_of
from escalation_rules.worktime.rotas import next_cover_change

__all__ = ["uncovered_levels"]

Interval = tuple[datetime, datetime]


def uncovered_levels(board: Board, start: datetime, end: datetime) -> Iterator[Finding]:
    """Levels whose owner and alternates are all off duty at times when their track is at work."""
    for number, track in enumerate(board.program.tracks):
        for level in board.program.levels[number]:
            sides = product(_sides(board, level), _calendars(board, track.calendar))
            gaps = sorted({gap for rotas, calendar in sides for gap in _gaps(rotas, start, end, calendar)})
            if gaps:
                since, until = gaps[0]
                more = f", and {len(gaps) - 1} more times" if len(gaps) > 1 else ""
                yield finding(
                    "no-cover",
                    f"levels[{level.key}].owner",
                    f"nobody who could own `{level.name}` is on duty from {say_instant(since)} to {say_instant(until)} "
                    f"UTC{more}; {_AND_THEN[level.nobody]}",
                    "fill the rota, or name an alternate",
                    instants=tuple(gaps),
                )


_AND_THEN = {
    "wait": "cases that go there then have no owner",
    "hold": "cases are held back until somebody is",
    "skip": "cases pass it by",
}


def _sides(board: Board, level: EscalationLevel) -> list[list[Rota]]:
    """For each owner that the choices may come to, the rotas of those who could own a level.

    Left out where one of them is always there.
    """
    given, rotas = (level.owner, *level.alternates), board.policy.rotas
    facts = list(dict.fromkeys(one.by for one in given if isinstance(one, Pick)))
    found: dict[tuple[str, ...], None] = {}
    for values in product(*map(board.space.values_of, facts)):
        now = dict(zip(facts, values, strict=True))
        found[tuple(str(role) for role in (chosen(one, now) for one in given) if role is not None)] = None
    return [[rotas[role] for role in roles] for roles in found if roles and all(role in rotas for role in roles)]


def _calendars(board: Board, own: object) -> list[Any]:
    """The calendars in which a track may be at work."""
    given = own if own is not None else board.policy.usual_calendar
    names = [name for name in choices(given) if name is not None]
    return [board.policy.calendars[name] for name in names] or [BusinessCalendar.always("UTC")]


def _gaps(rotas: list[Rota], start: datetime, end: datetime, calendar: Any) -> Iterator[Interval]:
    """The open times in which none of the rotas has anybody."""
    now, last = microseconds_of(start), microseconds_of(end)
    while now < last:
        change = next_cover_change(rotas, now)
        until = last if change is None else min(change, last)
        if all(rota.person_at(now) is None for rota in rotas):
            yield from calendar.openings(datetime_of(now), datetime_of(until))
        now = until
