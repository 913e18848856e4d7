"""Calendars put together, hours that change on a date, and why time was not counted."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from escalation_rules import BusinessCalendar, Case, EscalationLevel, Policy, Target, decide
from escalation_rules.worktime import AnyCalendar, CombinedCalendar, DatedCalendar, Segment
from tests.bench import when

LONDON = "Europe/London"
OFFICE = BusinessCalendar(LONDON, {"mon-fri": "09:00-17:00"})
LUNCH = BusinessCalendar(LONDON, {"mon-fri": "12:00-13:00"})
SATURDAY = BusinessCalendar(LONDON, {"sat": "10:00-14:00"})
ALWAYS = BusinessCalendar.always(LONDON)
FREEZE = BusinessCalendar(LONDON, {"sun": "02:00-03:00"}, overrides={"2026-03-04": "00:00-24:00"})
SYDNEY = BusinessCalendar("Australia/Sydney", {"mon-fri": "09:00-17:00"})


def spans(calendar: AnyCalendar, start: str, end: str) -> list[tuple[str, str]]:
    """The openings, as day and time in London."""
    return [(f"{a:%a %H:%M}", f"{b:%a %H:%M}") for a, b in calendar.openings(when(start), when(end))]


class TestAlgebra:
    """`|` is either, `&` is both, `-` is the one without the other."""

    def test_either(self):
        """A Saturday added."""
        assert spans(OFFICE | SATURDAY, "fri 08:00", "sun 20:00") == [
            ("Fri 09:00", "Fri 17:00"),
            ("Sat 10:00", "Sat 14:00"),
        ]

    def test_both(self):
        """The hours in which the two overlap."""
        late = BusinessCalendar(LONDON, {"mon-sun": "15:00-20:00"})
        assert spans(OFFICE & late, "fri 08:00", "sun 20:00") == [("Fri 15:00", "Fri 17:00")]

    def test_without_a_lunch_break(self):
        """A morning and an afternoon."""
        assert spans(OFFICE - LUNCH, "fri 08:00", "sun 20:00") == [
            ("Fri 09:00", "Fri 12:00"),
            ("Fri 13:00", "Fri 17:00"),
        ]
        assert (OFFICE - LUNCH).add(when("fri 11:30"), "1 business hour") == when("fri 13:30")

    def test_without_a_maintenance_freeze(self):
        """What is always open closes for one, and the windows before and after stay whole."""
        calendar = ALWAYS - FREEZE
        assert calendar.elapsed(when("tue 00:00"), when("fri 00:00")) == timedelta(days=2)
        assert calendar.next_close(when("tue 12:00")) == when("wed 00:00")
        assert calendar.next_open(when("wed 12:00")) == when("thu 00:00")

    def test_what_is_taken_out_may_be_always_open_on_the_other_side(self):
        """With `&` the calendar that never closes changes nothing, with `|` it is all there is."""
        week = when("mon 00:00"), when("mon+1 00:00")
        assert (OFFICE & ALWAYS).openings(*week) == OFFICE.openings(*week)
        assert (OFFICE | ALWAYS).elapsed(*week) == timedelta(days=7)
        assert (OFFICE | ALWAYS).next_close(when("mon 00:00")) is None

    def test_two_shifts_that_follow_each_other_never_close(self):
        """Whatever the calendar is made of."""
        shifts = BusinessCalendar(LONDON, {"mon-sun": ["06:00-18:00", "18:00-06:00"]})
        assert shifts.next_close(when("mon 00:00")) is None
        assert (shifts | OFFICE).next_close(when("mon 00:00")) is None

    def test_offices_in_two_zones_follow_the_sun(self):
        """Each in its own zone; a business day is what either opens on a date of its own."""
        both = OFFICE | SYDNEY
        assert spans(both, "mon 00:00", "tue 09:00") == [
            ("Mon 00:00", "Mon 06:00"),
            ("Mon 09:00", "Mon 17:00"),
            ("Mon 22:00", "Tue 06:00"),
        ]
        assert both.add(when("mon 01:00"), "1 business day") == when("tue 17:00")
        assert both.add(when("mon 23:00"), "1 business day") == when("wed 17:00")
        assert both.subtract(when("mon 23:00"), "1 business day") == when("mon 00:00") - timedelta(hours=2)

    def test_business_days_of_what_is_left_are_those_of_the_left_one(self):
        """A night shift without its first hour still belongs to the date on which it begins."""
        nights = BusinessCalendar(LONDON, {"mon-fri": "22:00-06:00"})
        rest = nights - BusinessCalendar(LONDON, {"mon-fri": "22:00-01:00"})
        assert spans(rest, "mon 12:00", "tue 12:00") == [("Tue 01:00", "Tue 06:00")]
        assert rest.add(when("tue 02:00"), "1 business day") == when("wed 06:00")

    @pytest.mark.parametrize(
        "calendar", [OFFICE | SATURDAY, OFFICE - LUNCH & ALWAYS, OFFICE.changing({"2026-03-04": OFFICE - LUNCH})]
    )
    def test_it_is_a_value(self, calendar):
        """Compares, hashes, survives JSON and its own repr."""
        again = type(calendar).model_validate_json(calendar.model_dump_json())
        assert again == calendar
        assert hash(again) == hash(calendar)
        assert eval(repr(calendar), {"BusinessCalendar": BusinessCalendar}) == calendar
        assert type(calendar).model_validate(json.loads(json.dumps(calendar.model_dump(mode="json")))) == calendar

    def test_a_policy_may_have_one(self):
        """By name, as any calendar, and through JSON."""
        policy = Policy(
            name="desk",
            version="1",
            calendars={"desk": OFFICE - LUNCH, "later": OFFICE.changing({"2026-06-01": SATURDAY})},
            calendar="desk",
            levels=(EscalationLevel(key="first"),),
            targets=(Target.first_response(within="4 business hours"),),
        )
        case = Case.open("C-1", at=when("mon 10:00"))
        decision = decide(policy, case, at=when("mon 16:00"))
        assert decision.deadline("first_response").due_at == when("mon 15:00")
        whys = [part.why for part in decision.deadline("first_response").segments(when("mon 15:00"))]
        assert whys == ["business hours", "taken out", "business hours"]
        assert Policy.model_validate_json(policy.model_dump_json()) == policy

    def test_a_mistake_in_a_part_names_its_place(self):
        """The path goes into the parts."""
        with pytest.raises(ValueError, match=r"left\.hours: not weekly hours"):
            CombinedCalendar.model_validate({"left": {"timezone": "UTC", "hours": 3}, "operator": "|", "right": OFFICE})
        with pytest.raises(ValueError, match="right"):
            OFFICE | 3


class TestHoursThatChange:
    """New hours from a date on do not rewrite the past."""

    LONGER = BusinessCalendar(LONDON, {"mon-sat": "08:00-18:00"})
    CHANGED = OFFICE.changing({"2026-03-04": LONGER})

    def test_the_past_stays_as_it_was(self):
        """Tuesday the old hours, Wednesday the new ones."""
        assert spans(self.CHANGED, "tue 00:00", "thu 00:00") == [("Tue 09:00", "Tue 17:00"), ("Wed 08:00", "Wed 18:00")]
        assert self.CHANGED.elapsed(when("mon 00:00"), when("wed 00:00")) == timedelta(hours=16)

    def test_a_shift_belongs_to_the_date_on_which_it_starts(self):
        """The night shift of the eve goes on."""
        nights = BusinessCalendar(LONDON, {"mon-sun": "22:00-06:00"})
        assert spans(nights.changing({date(2026, 3, 4): OFFICE}), "tue 12:00", "thu 00:00") == [
            ("Tue 22:00", "Wed 06:00"),
            ("Wed 09:00", "Wed 17:00"),
        ]

    def test_changes_add_up(self):
        """In any order; a later word on the same date goes in place of the earlier."""
        one = OFFICE.changing({"2026-03-05": SATURDAY}).changing({"2026-03-03": self.LONGER})
        assert one == OFFICE.changing({"2026-03-03": self.LONGER, "2026-03-05": SATURDAY})
        assert one.changing({"2026-03-05": OFFICE}) == OFFICE.changing(
            {"2026-03-03": self.LONGER, "2026-03-05": OFFICE}
        )
        assert spans(one, "mon 00:00", "sun 00:00") == [
            ("Mon 09:00", "Mon 17:00"),
            ("Tue 08:00", "Tue 18:00"),
            ("Wed 08:00", "Wed 18:00"),
            ("Sat 10:00", "Sat 14:00"),
        ]

    def test_from_then_on_it_may_never_close(self):
        """The last change is before the last closing."""
        soon = OFFICE.changing({"2026-03-04": ALWAYS})
        assert soon.next_close(when("mon 10:00")) == when("mon 17:00")
        assert soon.next_close(when("wed 10:00")) is None
        later = ALWAYS.changing({"2126-03-04": OFFICE})
        assert later.next_close(when("wed 10:00")) == datetime(2126, 3, 4, tzinfo=UTC)

    def test_it_may_be_put_together_with_others(self):
        """A changed calendar without a lunch break, a break only from a date on."""
        assert spans(self.CHANGED - LUNCH, "wed 00:00", "thu 00:00") == [
            ("Wed 08:00", "Wed 12:00"),
            ("Wed 13:00", "Wed 18:00"),
        ]
        with pytest.raises(ValueError, match="never opens"):
            OFFICE.changing({"2026-03-04": OFFICE}) & OFFICE.changing({"2026-03-04": SATURDAY})

    def test_one_zone_and_at_least_one_change(self):
        """Else what a date means would change with it."""
        with pytest.raises(ValueError, match=r"changes\[2026-03-04\]: another time zone"):
            OFFICE.changing({"2026-03-04": SYDNEY})
        with pytest.raises(ValueError, match="hours that change on no date"):
            DatedCalendar(OFFICE, {})


class TestExplaining:
    """Why time was not counted."""

    HOLIDAYS = BusinessCalendar(LONDON, {"mon-fri": "09:00-17:00"}, ["2026-03-03"], {"2026-03-04": "09:00-12:00"})

    def told(self, segments: tuple[Segment, ...]) -> list[tuple[str, float, bool, str]]:
        return [
            (f"{part.start:%a %H:%M}", part.length / timedelta(hours=1), part.counted, part.why) for part in segments
        ]

    def test_counted_and_excluded(self):
        """A holiday takes out the hours it would have had, a short day what it lacks."""
        assert self.told(self.HOLIDAYS.explain(when("mon 16:00"), "5 business hours")) == [
            ("Mon 16:00", 1, True, "business hours"),
            ("Mon 17:00", 16, False, "outside business hours"),
            ("Tue 09:00", 8, False, "holiday"),
            ("Tue 17:00", 16, False, "outside business hours"),
            ("Wed 09:00", 3, True, "business hours"),
            ("Wed 12:00", 5, False, "other hours on this date"),
            ("Wed 17:00", 16, False, "outside business hours"),
            ("Thu 09:00", 1, True, "business hours"),
        ]

    def test_what_was_taken_out_says_so(self):
        """And so does the other calendar that was closed."""
        assert [why for *_, why in self.told((OFFICE - LUNCH).explain(when("mon 11:00"), "2 business hours"))] == [
            "business hours",
            "taken out",
            "business hours",
        ]
        late = BusinessCalendar(LONDON, {"mon-sun": "15:00-20:00"})
        assert self.told((self.HOLIDAYS & late).explain(when("mon 14:00"), "1 business hour"))[0] == (
            "Mon 14:00",
            1,
            False,
            "closed in the other calendar",
        )
        both = self.HOLIDAYS | BusinessCalendar(LONDON, {"mon-sun": "10:00-11:00"}, ["2026-03-03"])
        assert [why for *_, why in self.told(both.explain(when("tue 00:00"), "1 business hour"))] == [
            "outside business hours",
            "holiday",
            "outside business hours",
            "business hours",
        ]
        changed = self.HOLIDAYS.changing({"2026-03-04": OFFICE})
        assert "holiday" in [why for *_, why in self.told(changed.explain(when("tue 00:00"), "9 business hours"))]

    def test_business_days_and_what_elapses(self):
        """Of a day's length only the open part counts; plain time counts whole; nothing is nothing."""
        told = self.told(OFFICE.explain(when("fri 16:00"), "1 business day"))
        assert [(hours, counted) for _, hours, counted, _ in told] == [(1, True), (64, False), (8, True)]
        assert self.told(OFFICE.explain(when("fri 16:00"), "30 hours")) == [("Fri 16:00", 30, True, "time passes")]
        assert OFFICE.explain(when("fri 16:00"), "0 hours") == OFFICE.explain(when("fri 16:00"), "0 business hours")
        assert self.told(ALWAYS.explain(when("fri 16:00"), "1 business hour")) == [
            ("Fri 16:00", 1, True, "business hours")
        ]
