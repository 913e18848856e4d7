"""Ours, held equal to dealing the turns one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation_rules.worktime import Absence, Layer, Rota
from escalation_rules.worktime._timeline import microseconds_of
from escalation_rules.worktime.rotas import next_cover_change
from tests.calendar_generator import FEWER
from tests.laws.test_rotas import moments, rotas
from tests.oracle.rotas import instant_when_clocks_show, next_change, next_change_of_cover, on_duty

NEW_YORK = ZoneInfo("America/New_York")


@FEWER
@given(rotas, st.lists(moments, min_size=4, max_size=4))
def test_ours_is_what_dealing_the_turns_finds(rota: Rota, asked: list[datetime]) -> None:
    """Rule 26: who is on duty, and when that changes next."""
    for at in map(microseconds_of, asked):
        assert rota.person_at(at) == on_duty(rota, at)
        assert rota.next_change(at) == next_change(rota, at)


@FEWER
@given(st.lists(rotas, min_size=1, max_size=3), moments)
def test_ours_is_when_cover_begins_and_ends(several: list[Rota], at: datetime) -> None:
    """Rule 26: whether anybody of several roles is on duty."""
    now = microseconds_of(at)
    assert next_cover_change(several, now) == next_change_of_cover(several, now)


def test_the_turns_themselves_are_what_is_known() -> None:
    """Two people by the week in London, where clocks go forward on 29 March, and a Monday on which one is away."""
    monday = datetime(2026, 3, 23, 9, tzinfo=UTC)
    away = Absence(monday + timedelta(days=14), monday + timedelta(days=15), "Ann")
    rota = Rota(layers=(Layer(("Ann", "Ben"), monday),), absences=(away,), timezone="Europe/London")
    handover = microseconds_of(monday + timedelta(days=7, hours=-1))
    assert (on_duty(rota, handover - 1), on_duty(rota, handover)) == ("Ann", "Ben")
    assert next_change(rota, microseconds_of(monday)) == handover
    back = microseconds_of(away.end)
    gone = microseconds_of(monday + timedelta(days=14, hours=-1))
    assert on_duty(rota, gone) == "Ann"
    assert on_duty(rota, microseconds_of(away.start)) is None
    assert next_change_of_cover([rota], gone) == microseconds_of(away.start)
    assert next_change_of_cover([rota], microseconds_of(away.start)) == back
    assert next_change(Rota(person="Sue"), handover) is None
    assert on_duty(rota, microseconds_of(monday) - 1) is None


@pytest.mark.parametrize(
    ("wall", "instant"),
    [
        ("2024-03-10 02:30", datetime(2024, 3, 10, 7, tzinfo=UTC)),
        ("2024-11-03 01:30", datetime(2024, 11, 3, 5, 30, tzinfo=UTC)),
        ("2024-07-01 09:00", datetime(2024, 7, 1, 13, tzinfo=UTC)),
    ],
)
def test_skipped_and_repeated_times(wall: str, instant: datetime) -> None:
    """The first instant after a gap, and of a repeated hour the first."""
    assert instant_when_clocks_show(datetime.fromisoformat(wall), NEW_YORK) == microseconds_of(instant)
