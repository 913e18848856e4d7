"""Who is on duty, and when that changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from escalation_rules.worktime import Absence, BusinessCalendar, Layer, Rota, Shift
from escalation_rules.worktime._timeline import datetime_of, microseconds_of
from escalation_rules.worktime.rotas import _Occurrences, next_cover_change
from tests.bench import LONDON, when

NEW_YORK = ZoneInfo("America/New_York")


def turns(**fields):
    return Layer(**({"members": ("ann", "ben"), "start": when("mon 09:00"), "turn": "1 day"} | fields))


def told(rota, *instants):
    return [rota.on_duty(when(at)) for at in instants]


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
        (lambda: turns(rrule="FREQ=HOURLY"), "not a frequency `HOURLY`"),
        (lambda: turns(rrule="BYDAY=MO"), "not a frequency `None`"),
        (
            lambda: turns(rrule="FREQ=DAILY;UNTIL=20260101"),
            "unknown part of a recurrence `UNTIL`.*did you mean `until`",
        ),
        (lambda: turns(rrule="FREQ=DAILY;BYDAYS=MO"), "unknown part of a recurrence `BYDAYS`.*did you mean `BYDAY`"),
        (lambda: turns(rrule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "a recurrence that never comes"),
        (lambda: turns(rrule="FREQ=DAILY;INTERVAL=0"), "a recurrence that never comes"),
        (lambda: turns(rrule="FREQ=DAILY;BYDAY=XX"), "a recurrence that never comes"),
        (lambda: turns(anchor=when("tue 09:00")), "anchor: an anchor after the start"),
        (
            lambda: (
                turns().without_member("ann", since=when("mon 09:00")).without_member("ben", since=when("tue 09:00"))
            ),
            "without members",
        ),
        (
            lambda: turns().with_member("a", since=when("tue 09:00")).with_member("b", since=when("mon 09:00")),
            "out of order",
        ),
    ],
)
def test_a_rota_that_cannot_be_is_refused(make, text):
    """Nobody to take a turn, turns that are none."""
    with pytest.raises(ValueError, match=text.replace("(", r"\(")):
        make()


class TestRecurrence:
    """Turns that begin when a recurrence of RFC 5545 says."""

    def test_a_weekly_shift_of_one_person(self):
        """On Mondays and Wednesdays for eight hours, and nobody else at other times."""
        shift = Layer(("ann",), when("mon 09:00"), "8 hours", rrule="FREQ=WEEKLY;BYDAY=MO,WE")
        rota = Rota(layers=(shift,), timezone="Europe/London")
        assert told(rota, "mon 09:00", "mon 16:59", "mon 17:00", "tue 10:00", "wed 10:00", "mon+1 10:00") == [
            "ann",
            "ann",
            None,
            None,
            "ann",
            "ann",
        ]

    def test_turns_last_until_the_next_begins(self):
        """The week for one, the weekend for the other, handing over at times of their own."""
        layer = turns(turn=None, rrule="rrule:freq=weekly;byday=mo,fr;byhour=17;byminute=0")
        rota = Rota(layers=(layer,), timezone="Europe/London")
        assert told(rota, "mon 10:00", "mon 17:00", "fri 16:59", "fri 17:00", "mon+1 16:00", "mon+1 17:00") == [
            None,
            "ann",
            "ann",
            "ben",
            "ben",
            "ann",
        ]

    def test_a_recurrence_may_end(self):
        """After the last turn of a given length nobody is on duty; without a length the last goes on."""
        rota = Rota(layers=(turns(turn="2 days", rrule="FREQ=WEEKLY;COUNT=2"),))
        assert told(rota, "mon 10:00", "wed 10:00", "mon+1 10:00", "wed+1 10:00", "mon+9 10:00") == [
            "ann",
            None,
            "ben",
            None,
            None,
        ]
        assert next_change(rota, when("wed+1 10:00")) is None
        assert told(Rota(layers=(turns(turn=None, rrule="FREQ=WEEKLY;COUNT=2"),)), "mon+9 10:00") == ["ben"]
        assert told(
            Rota(layers=(turns(rrule="FREQ=WEEKLY;COUNT=2").with_member("zoe", since=when("mon+5 09:00")),)),
            "mon 10:00",
        )

    @pytest.mark.parametrize(
        ("start", "begins"), [((2024, 3, 3, 2, 30), (2024, 3, 10, 3, 0)), ((2024, 10, 27, 1, 30), (2024, 11, 3, 1, 30))]
    )
    def test_a_handover_survives_daylight_saving(self, start, begins):
        """At the first instant after the gap; at the first occurrence of a time that is repeated."""
        layer = Layer(("ann", "ben"), datetime(*start, tzinfo=NEW_YORK), rrule="FREQ=WEEKLY")
        rota = Rota(layers=(layer,), timezone="America/New_York")
        handover = datetime(*begins, tzinfo=NEW_YORK).astimezone(UTC)
        assert next_change(rota, handover - timedelta(days=1)) == handover
        assert rota.on_duty(handover) == "ben"

    def test_a_turn_of_a_day_is_wall_time_and_one_of_hours_elapses(self):
        """Over the night in which clocks go forward a day has 23 hours."""
        for turn, hours in (("1 day", 23), ("24 hours", 24)):
            layer = Layer(("ann",), datetime(2024, 3, 9, 9, tzinfo=NEW_YORK), turn, rrule="FREQ=MONTHLY")
            (shift,) = Rota(layers=(layer,), timezone="America/New_York").shifts(
                layer.start, datetime(2024, 3, 20, tzinfo=NEW_YORK)
            )
            assert shift.end - shift.start == timedelta(hours=hours)


class TestWhoTakesTurns:
    """People come and go; what was is not told anew."""

    def test_adding_a_person_does_not_reshuffle_the_past(self):
        """Nor the order of those who are there: it goes on from whose turn it would have been."""
        before = turns(members=("ann", "ben", "cat"))
        after = before.with_member("dan", since=when("fri 00:00"))
        days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "mon+1", "tue+1"]
        told_before = told(Rota(layers=(before,)), *(f"{day} 10:00" for day in days))
        told_after = told(Rota(layers=(after,)), *(f"{day} 10:00" for day in days))
        assert told_before[:5] == told_after[:5] == ["ann", "ben", "cat", "ann", "ben"]
        assert told_after[5:] == ["cat", "dan", "ann", "ben"]

    def test_a_person_may_leave(self):
        """The next in the order has the turn; a change on the very handover takes effect at it."""
        layer = turns(members=("ann", "ben", "cat")).without_member("ben", since=when("tue 09:00"))
        assert told(Rota(layers=(layer,)), "mon 10:00", "tue 08:59", "tue 09:00", "wed 10:00") == [
            "ann",
            "ann",
            "cat",
            "ann",
        ]
        early = turns().with_member("zoe", since=when("mon 09:00") - timedelta(days=30))
        assert told(Rota(layers=(early,)), "mon 10:00", "tue 10:00", "wed 10:00") == ["ann", "ben", "zoe"]

    def test_nobody_of_the_old_ones_stays(self):
        """The new order begins with its first."""
        layer = turns(changes=({"since": when("tue 12:00"), "members": ("zoe", "yan")},))
        assert told(Rota(layers=(layer,)), "tue 13:00", "wed 10:00", "thu 10:00") == ["ben", "zoe", "yan"]

    def test_a_layer_that_starts_later_goes_on_with_the_turns_of_its_anchor(self):
        """So a layer may be written anew without a reshuffle."""
        whole = Rota(layers=(turns(members=("ann", "ben", "cat")),))
        rest = Rota(layers=(turns(members=("ann", "ben", "cat"), start=when("wed 12:00"), anchor=when("mon 09:00")),))
        assert told(rest, "wed 11:00") == [None]
        for at in ("wed 12:00", "thu 10:00", "fri 10:00", "sat 08:00"):
            assert rest.on_duty(when(at)) == whole.on_duty(when(at))

    def test_a_layer_may_keep_to_the_openings_of_a_calendar(self):
        """Outside them the layer below has the duty."""
        office = BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"})
        always = BusinessCalendar.always("Europe/London")
        rota = Rota(
            person="night",
            layers=(
                turns(during=office),
                turns(
                    members=("x",), during=always, until=when("mon 09:00"), start=when("sun 09:00") - timedelta(days=7)
                ),
            ),
        )
        assert told(rota, "mon 10:00", "mon 18:00", "tue 10:00", "sat 10:00") == ["ann", "night", "ben", "night"]
        assert next_change(rota, when("mon 10:00")) == when("mon 17:00")
        assert next_change(rota, when("fri 18:00")) == when("mon+1 09:00")


class TestShiftsAndGaps:
    """The plan between two instants."""

    ROTA = Rota(
        layers=(turns(turn="8 hours", rrule="FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR"),),
        overrides=(Shift(person="zoe", start=when("tue 12:00"), end=when("tue 20:00")),),
        absences=(Absence(start=when("wed 09:00"), end=when("thu 09:00")),),
        timezone="Europe/London",
    )

    def test_shifts_are_clipped_and_in_order(self):
        """What one person has without a break is one shift."""
        shifts = self.ROTA.shifts(when("mon 12:00"), when("thu 12:00"))
        assert [(one.person, f"{one.start:%a %H}", f"{one.end:%a %H}") for one in shifts] == [
            ("ann", "Mon 12", "Mon 17"),
            ("ben", "Tue 09", "Tue 12"),
            ("zoe", "Tue 12", "Tue 20"),
            ("ben", "Thu 09", "Thu 12"),
        ]
        whole = Rota(person="boss", overrides=(Shift(person="boss", start=when("tue 12:00"), end=when("tue 20:00")),))
        assert whole.shifts(when("mon 09:00"), when("fri 09:00")) == (
            Shift(person="boss", start=when("mon 09:00"), end=when("fri 09:00")),
        )

    def test_gaps_are_what_nobody_covers(self):
        """Of all time, or of the openings of a calendar."""
        office = BusinessCalendar("Europe/London", {"mon-fri": "09:00-18:00"})
        gaps = self.ROTA.gaps(when("mon 09:00"), when("thu 12:00"), during=office)
        assert [(f"{a:%a %H}", f"{b:%a %H}") for a, b in gaps] == [("Mon 17", "Mon 18"), ("Wed 09", "Wed 18")]
        assert gaps[0][0].tzinfo is when("mon 09:00").tzinfo
        assert self.ROTA.gaps(when("mon 12:00"), when("tue 10:00")) == ((when("mon 17:00"), when("tue 09:00")),)
        assert Rota(person="ann").gaps(when("mon 09:00"), when("tue 10:00")) == ()
        assert Rota().gaps(when("mon 09:00"), when("tue 10:00")) == ((when("mon 09:00"), when("tue 10:00")),)

    def test_an_empty_or_reversed_time_has_no_shifts_and_no_gaps(self):
        """As it has no openings."""
        for start, end in ((when("tue 10:00"), when("mon 09:00")), (when("mon 09:00"), when("mon 09:00"))):
            assert self.ROTA.shifts(start, end) == Rota().gaps(start, end) == ()
            assert Rota().gaps(start, end, during=BusinessCalendar.always("UTC")) == ()


def layer(start, length, **fields):
    return Layer(start=start, until=None if length is None else start + length, **fields)


def test_threads_that_follow_one_recurrence_find_the_same():
    """Occurrences are found once, in order, whoever asks."""
    instants = [when("mon 10:00") + timedelta(days=day * 97 % 3_000) for day in range(200)]
    layer = Layer(("ann", "ben", "cat"), when("mon 09:00"), rrule="FREQ=DAILY")
    right = [Rota(layers=(layer,)).on_duty(at) for at in instants]
    for _ in range(5):
        rota = Rota(layers=(layer,))
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(rota.on_duty, instants)) == right


def test_a_turn_far_ahead_is_found_by_its_number():
    """Occurrences before it are found on the way; past the last there is none."""
    found = _Occurrences(microseconds_of(when("mon 09:00")), "FREQ=WEEKLY;COUNT=3", LONDON)
    assert found.begin(2) == microseconds_of(when("mon+2 09:00"))
    assert found.begin(3) is None
