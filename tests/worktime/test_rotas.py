"""Who is on duty, and when that changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation_rules.worktime import Absence, Layer, Rota, Shift
from escalation_rules.worktime._timeline import datetime_of, microseconds_of
from escalation_rules.worktime.rotas import next_cover_change
from tests.desk import OFFICE, when

NEW_YORK = ZoneInfo("America/New_York")


def next_change(rota, at):
    found = rota.next_change(microseconds_of(at))
    return None if found is None else datetime_of(found)


def test_a_person_is_on_duty_unless_absent():
    """Absences are half-open; one may be anybody's."""
    rota = Rota(person="carol", absences=(Absence(start=when("tue 09:00"), end=when("wed 09:00"), person="carol"),))
    assert [rota.on_duty(when(at)) for at in ("mon 09:00", "tue 09:00", "wed 09:00")] == ["carol", None, "carol"]
    assert Rota().on_duty(when("mon 09:00")) is None
    other = Rota(person="carol", absences=(Absence(start=when("tue 09:00"), end=when("wed 09:00"), person="dave"),))
    assert other.on_duty(when("tue 09:00")) == "carol"


def test_people_take_turns_from_the_start():
    """A week each, handing over at the same wall time."""
    rota = Rota(
        layers=(Layer(members=("ann", "ben"), start=when("mon 09:00"), until=when("mon+2 09:00")),),
        timezone="Europe/London",
    )
    told = [rota.on_duty(when(at)) for at in ("mon 09:00", "sun 23:00", "mon+1 08:59", "mon+1 09:00", "mon+2 09:00")]
    assert told == ["ann", "ann", "ann", "ben", None]
    assert rota.on_duty(when("mon 09:00") - timedelta(hours=1)) is None


def test_overrides_go_first_then_the_last_layer_that_has_somebody():
    """An absence takes a person off a layer, and the layer below has the duty."""
    rota = Rota(
        person="boss",
        layers=(
            Layer(members=("ann",), start=when("mon 09:00")),
            Layer(members=("zoe",), start=when("tue 09:00"), until=when("thu 09:00")),
        ),
        overrides=(Shift(person="stand-in", start=when("fri 09:00"), end=when("fri 17:00")),),
        absences=(Absence(start=when("wed 09:00"), end=when("wed 17:00"), person="zoe"),),
    )
    told = [
        rota.on_duty(when(at)) for at in ("mon 08:00", "mon 10:00", "tue 10:00", "wed 10:00", "thu 10:00", "fri 10:00")
    ]
    assert told == ["boss", "ann", "zoe", "ann", "ann", "stand-in"]


@pytest.mark.parametrize(
    ("turn", "start", "number", "begins"),
    [
        ("1 day", (2024, 3, 9, 2, 30), 1, (2024, 3, 10, 3, 0)),
        ("1 day", (2024, 11, 2, 1, 30), 1, (2024, 11, 3, 1, 30)),
        ("1 day", (2024, 3, 9, 9, 0), 2, (2024, 3, 11, 9, 0)),
        ("7 hours", (2024, 3, 9, 23, 0), 1, (2024, 3, 10, 7, 0)),
        ("1 month", (2024, 1, 31, 9, 0), 1, (2024, 2, 29, 9, 0)),
        ("1 month", (2024, 1, 31, 9, 0), 13, (2025, 2, 28, 9, 0)),
    ],
)
def test_handovers_and_daylight_saving(turn, start, number, begins):
    """A day's turn hands over by wall time, after the gap and at the first occurrence; seven hours elapse."""
    first = datetime(*start, tzinfo=NEW_YORK)
    rota = Rota(layers=(Layer(members=tuple("abcdefghijklmno"), start=first, turn=turn),), timezone="America/New_York")
    handover = datetime(*begins, tzinfo=NEW_YORK)
    members = "abcdefghijklmno"
    assert rota.on_duty(handover) == members[number]
    assert rota.on_duty(datetime_of(microseconds_of(handover) - 1)) == members[number - 1]


class TestChanges:
    """The next instant at which somebody else, or nobody, is on duty."""

    def test_a_handover_an_absence_an_end(self):
        """In order."""
        rota = Rota(
            layers=(Layer(members=("ann", "ben"), start=when("mon 09:00"), turn="1 day", until=when("thu 09:00")),),
            absences=((when("tue 12:00"), when("tue 13:00")),),
        )
        at, found = when("mon 08:00"), []
        while (at := next_change(rota, at)) is not None:
            found.append((at, rota.on_duty(at)))
        assert found == [
            (when("mon 09:00"), "ann"),
            (when("tue 09:00"), "ben"),
            (when("tue 12:00"), None),
            (when("tue 13:00"), "ben"),
            (when("wed 09:00"), "ann"),
            (when("thu 09:00"), None),
        ]

    def test_what_never_changes(self):
        """One person, nobody, or turns that somebody always covers."""
        assert next_change(Rota(person="ann"), when("mon 09:00")) is None
        covered = Rota(
            layers=(
                Layer(members=("ann", "ben"), start=when("mon 09:00")),
                Layer(members=("zoe",), start=when("mon 09:00")),
            )
        )
        assert next_change(covered, when("tue 09:00")) is None

    def test_cover_changes_when_nobody_or_somebody_is_there(self):
        """Whoever it is: the stand-in covers Tuesday, nobody covers Wednesday."""
        boss = Rota(person="boss", absences=((when("tue 09:00"), when("thu 09:00")),))
        stand_in = Rota(overrides=(Shift(person="sue", start=when("tue 09:00"), end=when("wed 09:00")),))
        at = microseconds_of(when("mon 09:00"))
        gone = next_cover_change([boss, stand_in], at)
        assert datetime_of(gone) == when("wed 09:00")
        assert datetime_of(next_cover_change([boss, stand_in], gone)) == when("thu 09:00")
        assert next_cover_change([Rota(person="ann"), Rota()], at) is None
        turns = Rota(layers=(Layer(members=("ann", "ben"), start=when("mon 09:00"), turn="1 day"),))
        assert next_cover_change([turns], at) is None


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Layer(members=(), start=when("mon 09:00")), "a layer without members"),
        (lambda: Layer(members=("a",), start=when("mon 09:00"), turn="1 business day"), "not a turn `Span"),
        (lambda: Layer(members=("a",), start=when("mon 09:00"), turn="0 hours"), "not a turn `Span"),
        (lambda: Rota(timezone="Mars/Base"), "unknown time zone `Mars/Base`"),
    ],
)
def test_a_rota_that_cannot_be_is_refused(make, text):
    """Nobody to take a turn, turns that are none."""
    with pytest.raises(ValueError, match=text.replace("(", r"\(")):
        make()


def test_gaps_are_the_times_in_which_nobody_is_on_duty():
    """Half-open, across handovers between absent people, clipped to what was asked, and to the hours to be covered."""
    away = Absence(start=when("tue 12:00"), end=when("wed 12:00"))
    rota = Rota(layers=(Layer(members=("ann", "ben"), start=when("mon 09:00"), turn="1 day"),), absences=(away,))
    assert rota.gaps(when("mon 09:00"), when("fri 09:00")) == ((when("tue 12:00"), when("wed 12:00")),)
    assert rota.gaps(when("tue 13:00"), when("wed 10:00")) == ((when("tue 13:00"), when("wed 10:00")),)
    assert rota.gaps(when("mon 09:00"), when("fri 09:00"), cover=OFFICE) == (
        (when("tue 12:00"), when("tue 17:00")),
        (when("wed 09:00"), when("wed 12:00")),
    )
    assert Rota(person="ann").gaps(when("mon 09:00"), when("fri 09:00")) == ()
    assert Rota().gaps(when("mon 09:00"), when("mon 10:00")) == ((when("mon 09:00"), when("mon 10:00")),)
