"""Laws of rotas: shifts, gaps and handovers agree with who is on duty (rule 26)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from escalation_rules.worktime import Absence, BusinessCalendar, Layer, Rota, Shift
from escalation_rules.worktime._timeline import datetime_of, microseconds_of
from tests.calendar_generator import FEWER

NEW_YORK = ZoneInfo("America/New_York")


def next_change(rota, at):
    found = rota.next_change(microseconds_of(at))
    return None if found is None else datetime_of(found)


moments = st.integers(0, 4 * 7 * 24 * 4).map(
    lambda n: datetime(2024, 3, 1, tzinfo=NEW_YORK).astimezone(UTC) + n * timedelta(minutes=15)
)


def layer(start, length, **fields):
    return Layer(start=start, until=None if length is None else start + length, **fields)


lengths = st.integers(0, 2 * 7 * 24 * 4).map(lambda n: n * timedelta(minutes=15))
layers = st.builds(
    layer,
    members=st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple),
    start=moments,
    turn=st.sampled_from((None, "7 hours", "1 day", "3 days", "1 week")),
    length=st.none() | lengths,
    rrule=st.none() | st.sampled_from(("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,SU", "FREQ=DAILY;INTERVAL=2;BYHOUR=2")),
    during=st.none() | st.just(BusinessCalendar("America/New_York", {"mon-sat": "02:30-17:00"})),
    changes=st.just(()) | moments.map(lambda at: ({"since": at, "members": ("d", "a")},)),
)
absences = st.builds(
    lambda start, length, who: Absence(start, start + length, who), moments, lengths, st.none() | st.sampled_from("abc")
)
overrides = st.builds(
    lambda who, start, length: Shift(who, start, start + length), st.sampled_from("xa"), moments, lengths
)
rotas = st.builds(
    Rota,
    person=st.none() | st.sampled_from("ab"),
    layers=st.lists(layers, max_size=2).map(tuple),
    overrides=st.lists(overrides, max_size=2).map(tuple),
    absences=st.lists(absences, max_size=2).map(tuple),
    timezone=st.just("America/New_York"),
)


@FEWER
@given(rotas, moments, st.lists(moments, min_size=8, max_size=8))
def test_shifts_and_gaps_are_who_is_on_duty_and_when_nobody_is(rota, start, asked):
    """Rule 26: they part the time between them; between two shifts nobody, or somebody else, is on duty."""
    end = start + timedelta(days=20)
    shifts, gaps = rota.shifts(start, end), rota.gaps(start, end)
    parts = sorted([(one.start, one.end, one.person) for one in shifts] + [(a, b, None) for a, b in gaps])
    assert [one[0] for one in parts] + [end] == [start] + [one[1] for one in parts]
    assert all(one[2] != other[2] for one, other in pairwise(parts))
    for at in asked:
        person = next((person for a, b, person in parts if a <= at < b), "outside")
        assert person in ("outside", rota.on_duty(at))
    for edge, _, person in parts[1:]:
        assert rota.on_duty(edge) == person != rota.on_duty(edge - timedelta(microseconds=1))
    assert Rota.model_validate_json(rota.model_dump_json()) == rota


@FEWER
@given(rotas, moments)
def test_the_next_change_is_where_the_shifts_say(rota, start):
    """Rule 26: the first later instant at which it is somebody else."""
    shifts = rota.shifts(start, start + timedelta(days=20))
    edges = [edge for one in shifts for edge in (one.start, one.end) if start < edge < start + timedelta(days=20)]
    change = next_change(rota, start)
    assert (change if change is not None and change < start + timedelta(days=20) else None) == min(edges, default=None)
