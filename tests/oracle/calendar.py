"""Business time told the slow way: walk through real time minute by minute, look at the clock on the wall, and count.

It shares no code with the library: hours are plain tuples of minutes, and the only question put to the time zone is
what its clocks show at an instant. (The zone is the one of the tzdata package, as in the library: that of the machine
may be older.)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from escalation_rules.worktime import BusinessCalendar, load_zone

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Windows = tuple[tuple[int, int], ...]
"""When each window opens and closes, in minutes after the midnight of the date it belongs to."""


@dataclass(frozen=True)
class Plan:
    """The hours of an office, as plain data."""

    timezone: str
    week: tuple[Windows, ...]
    holidays: frozenset[date] = frozenset()
    overrides: tuple[tuple[date, Windows], ...] = ()

    def on(self, day: date) -> Windows:
        """The windows that start on a date."""
        own = dict(self.overrides)
        if day in own:
            return own[day]
        return () if day in self.holidays else self.week[day.weekday()]

    def calendar(self, **changes: Any) -> BusinessCalendar:
        """The same in the library's terms."""
        fields: dict[str, Any] = {
            "timezone": self.timezone,
            "hours": dict(zip(NAMES, map(texts, self.week), strict=True)),
            "holidays": tuple(self.holidays),
            "overrides": {day: texts(windows) for day, windows in self.overrides},
        }
        return BusinessCalendar(**(fields | changes))


def texts(windows: Windows) -> list[str]:
    """Windows as the library reads them."""
    return [f"{clock(opening)}-{clock(closing if closing <= 1440 else closing - 1440)}" for opening, closing in windows]


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


class Oracle:
    """What a plan means between two dates, by walking from a few days before to a few days after."""

    def __init__(self, plan: Plan, first: date, days: int) -> None:
        self.plan = plan
        self.begin = datetime.combine(first, time(), UTC) - 3 * DAY
        zone = load_zone(plan.timezone)
        minutes = range((days + 6) * 1440)
        self.walls = [(self.begin + n * MINUTE).astimezone(zone).replace(tzinfo=None) for n in minutes]

        self.first, self.last = dict[datetime, int](), dict[datetime, int]()
        for number, wall in enumerate(self.walls):
            self.first.setdefault(wall, number)
            self.last[wall] = number

    @cached_property
    def shifts(self) -> list[tuple[date, int, int]]:
        """For each date that clocks show, its windows as numbers of minutes walked: rule 2, word for word."""
        dates = sorted({wall.date() for wall in self.walls})
        found = [
            (day, self.shown(self.first, day, opening), self.shown(self.last, day, closing))
            for day in dates
            for opening, closing in self.plan.on(day)
        ]
        return [(day, opening, closing) for day, opening, closing in found if opening < closing]

    def shown(self, times: dict[datetime, int], day: date, minutes: int) -> int:
        """The minute at which clocks show a time, or at which they go past it without showing it."""
        wall = datetime.combine(day, time()) + minutes * MINUTE
        later = (number for number, shown in enumerate(self.walls) if shown > wall)
        return times[wall] if wall in times else next(later, len(self.walls))

    @cached_property
    def open(self) -> list[bool]:
        """Whether each minute is open."""
        found = [False] * len(self.walls)
        for _, opening, closing in self.shifts:
            found[opening:closing] = [True] * (closing - opening)
        return found

    def number(self, at: datetime) -> int:
        """Which minute of the walk an instant is."""
        return (at - self.begin) // MINUTE

    def instant(self, number: int | None) -> datetime | None:
        """The instant at which a minute of the walk begins; None near the ends, which shifts from beyond may reach."""
        if number is None or not 2 * 1440 < number < len(self.walls) - 2 * 1440:
            return None
        return self.begin + number * MINUTE

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Count the open minutes."""
        return sum(self.open[self.number(start) : self.number(end)]) * MINUTE

    def add(self, start: datetime, minutes: int) -> datetime | None:
        """Walk on until so many open minutes have passed."""
        number = self.number(start)
        while minutes and number < len(self.walls):
            minutes -= self.open[number]
            number += 1
        return None if minutes else self.instant(number)

    def subtract(self, end: datetime, minutes: int) -> datetime | None:
        """Walk back until so many open minutes have passed."""
        number = self.number(end)
        while minutes and number > 0:
            number -= 1
            minutes -= self.open[number]
        return None if minutes else self.instant(number)

    def next_open(self, at: datetime) -> datetime | None:
        """Walk on to the first open minute."""
        return self.instant(self._next(self.number(at), wanted=True))

    def next_close(self, at: datetime) -> datetime | None:
        """Walk on to the first open minute, and from there to the first closed one."""
        opening = self._next(self.number(at), wanted=True)
        return None if opening is None else self.instant(self._next(opening, wanted=False))

    def business_day(self, start: datetime, count: int) -> tuple[datetime | None, datetime | None]:
        """The close of the nth later day with hours, and the time of the start on it."""
        opening = self._next(self.number(start), wanted=True)
        if opening is None:
            return None, None
        days = sorted({day for day, _, _ in self.shifts})
        today = next(day for day, first, last in self.shifts if first <= opening < last)
        later = days[days.index(today) :][count : count + 1]
        if not later:
            return None, None
        closing = max(last for day, _, last in self.shifts if day == later[0])
        same = datetime.combine(later[0], time()) + (self.walls[opening] - datetime.combine(today, time()))
        number = (
            opening
            if count == 0
            else self.shown(self.first, later[0], (same - datetime.combine(later[0], time())) // MINUTE)
        )
        return self.instant(closing), self.instant(number)

    def _next(self, number: int, *, wanted: bool) -> int | None:
        return next((n for n in range(number, len(self.walls)) if self.open[n] is wanted), None)
