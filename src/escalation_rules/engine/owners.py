"""Who takes a case: the owner of a level, an alternate, or whoever is on duty further up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from escalation_rules.engine.model import BITS
from escalation_rules.engine.outcome import OwnerFound
from escalation_rules.engine.state import State
from escalation_rules.levels import NOWHERE, EscalationLevel
from escalation_rules.worktime.rotas import next_cover_change

__all__ = ["holder", "is_held", "owner_of", "watch_duty"]


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
    came = state.entry[track] >> BITS
    return next((role for role in roles if _on_duty(state, role, came)), roles[0] if roles else None)


def _on_duty(state: State, role: str, at: int) -> bool:
    rota = state.program.policy.rotas.get(role)
    return rota is None or rota.person_at(at) is not None


def is_held(state: State, track: int, level: int) -> bool:
    """Whether a level takes no case for now, since nobody is on duty there."""
    found = state.program.levels[track][level]
    if found.nobody != "hold":
        return False
    roles = _roles_of(state, found)
    return bool(roles) and not any(_on_duty(state, role, state.now) for role in roles)


def _above(state: State, track: int, level: int) -> int | None:
    """The next level up that is not external."""
    levels = state.program.levels[track]
    return next((number for number in range(level + 1, len(levels)) if not levels[number].external), None)


def owner_of(state: State, track: int, level: int) -> tuple[OwnerFound | None, int, tuple[int, ...], int | None]:
    """Who takes the case, on which level, which were skipped to find somebody, and until when nobody is there."""
    found = state.program.levels[track][level]
    roles = _roles_of(state, found)
    if not roles:
        return None, level, (), None
    rotas = state.program.policy.rotas
    for number, role in enumerate(roles):
        rota = rotas.get(role)
        person = rota.person_at(state.now) if rota else None
        if rota is None or person is not None:
            return OwnerFound(role, person, True, tuple(roles[:number])), level, (), None
    if found.nobody == "hold":
        return None, level, (), _next_duty(state, roles)
    above = _above(state, track, level)
    if found.nobody == "skip" and above is not None:
        owner, reached, skipped, until = owner_of(state, track, above)
        return owner, reached, (level, *skipped), until
    return OwnerFound(roles[0], None, False, tuple(roles)), level, (), None


def _next_duty(state: State, roles: list[str]) -> int | None:
    """When somebody of these roles comes on duty."""
    return next_cover_change([state.program.policy.rotas[role] for role in roles], state.now)


def watch_duty(state: State, track: int, wanted: Iterable[int]) -> None:
    """A handover may release or redirect a move that is held back."""
    for level in wanted:
        for change in _cover_changes(state, track, level):
            state.duty = min(state.duty, change)


def _cover_changes(state: State, track: int, level: int) -> Iterator[int]:
    found = state.program.levels[track][level]
    roles, rotas = _roles_of(state, found), state.program.policy.rotas
    if found.nobody == "wait" or not roles or any(role not in rotas for role in roles):
        return
    change = next_cover_change([rotas[role] for role in roles], state.now)
    if change is not None:
        yield change
    above = _above(state, track, level)
    if found.nobody == "skip" and above is not None and not any(_on_duty(state, role, state.now) for role in roles):
        yield from _cover_changes(state, track, above)
