"""Business time, ours and every peer that is installed, on the same work in one interleaved run.

    python tests/benchmarks/worktime.py [rounds] [--markdown]

Every round asks each library each question in turn, so that what else the machine does falls on all of them alike. The
figures are medians over the rounds and, for a machine that does other things too, minima, in microseconds a call; the
ratio is the peer's time over ours. The million is asked in every fifth round only. Each question is put once
beforehand, outside the timing, and its answer compared: a peer that says something else is marked.
Instants are aware datetimes in UTC or, where it says so, in New York; a library that takes only naive ones has to
convert them, and its conversion is timed.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from escalation_rules import BusinessCalendar, Span

NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2025, 3, 3, 15, 30, tzinfo=UTC)
HOLIDAYS = [date(2025, 7, 4), date(2025, 12, 25), date(2026, 1, 1)]
SPAN = Span(20, "business hours")
TEN, MANY = timedelta(days=10), timedelta(days=400)
MILLION = 1_000_000

Question = Callable[[], Any]
ORDER = ["add 20 h", "add 400 h", "elapsed 10 d", "elapsed 400 d", "add 20 h, zoned", "elapsed 10 d, zoned"]
ORDER += ["elapsed 400 d, zoned", "million adds", "million elapsed"]


def ours() -> dict[str, Question]:
    import numpy as np

    calendar = BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"}, HOLIDAYS)
    long, zoned = Span(400, "business hours"), START.astimezone(NEW_YORK)
    ten, many = zoned + TEN, zoned + MANY
    starts, ends = bulk(np)
    return {
        "add 20 h": lambda: calendar.add(START, SPAN),
        "add 400 h": lambda: calendar.add(START, long),
        "elapsed 10 d": lambda: calendar.elapsed(START, START + TEN),
        "elapsed 400 d": lambda: calendar.elapsed(START, START + MANY),
        "add 20 h, zoned": lambda: calendar.add(zoned, SPAN),
        "elapsed 10 d, zoned": lambda: calendar.elapsed(zoned, ten),
        "elapsed 400 d, zoned": lambda: calendar.elapsed(zoned, many),
        "million adds": lambda: calendar.add_many(starts, SPAN),
        "million elapsed": lambda: calendar.elapsed_many(starts, ends),
    }


def bulk(np: Any) -> tuple[Any, Any]:
    """A million starts within two years, and ends within thirty days of them."""
    draws = np.random.default_rng(1)
    starts = np.datetime64("2024-06-01", "us") + draws.integers(0, 600 * 86_400, MILLION).astype("timedelta64[s]")
    return starts, starts + draws.integers(0, 30 * 86_400, MILLION).astype("timedelta64[s]")


def workclock() -> dict[str, Question]:
    import numpy as np
    import workclock as wc

    office = wc.WorkDay(time(9), time(17), days=[0, 1, 2, 3, 4])
    schedule = wc.Schedule([office, wc.Holidays(HOLIDAYS)], time_zone="America/New_York")
    short, long, zoned = timedelta(hours=20), timedelta(hours=400), START.astimezone(NEW_YORK)
    ten, many = zoned + TEN, zoned + MANY
    starts, ends = bulk(np)
    length = np.timedelta64(20, "h").astype("timedelta64[us]")
    lengths = np.full(MILLION, length)
    return {
        "add 20 h": lambda: schedule.add(START, short),
        "add 400 h": lambda: schedule.add(START, long),
        "elapsed 10 d": lambda: schedule.between(START, START + TEN),
        "elapsed 400 d": lambda: schedule.between(START, START + MANY),
        "add 20 h, zoned": lambda: schedule.add(zoned, short),
        "elapsed 10 d, zoned": lambda: schedule.between(zoned, ten),
        "elapsed 400 d, zoned": lambda: schedule.between(zoned, many),
        "million adds": lambda: schedule.add_many(starts, lengths),
        "million elapsed": lambda: schedule.between_many(starts, ends),
    }


def timegrid() -> dict[str, Question]:
    import timegrid as tg

    calendar = tg.TimeGridCalendar.create()
    calendar.add_weekday_open_rule(time(9), time(17))
    for day in HOLIDAYS:
        calendar.add_holiday(day)

    def wall(at: datetime) -> datetime:
        return at.astimezone(NEW_YORK).replace(tzinfo=None)

    def add(at: datetime, length: timedelta) -> datetime:
        return calendar.add_work_duration(wall(at), length).replace(tzinfo=NEW_YORK).astimezone(at.tzinfo)

    def elapsed(start: datetime, end: datetime) -> timedelta:
        return calendar.get_working_duration(wall(start), wall(end))

    short, long, zoned = timedelta(hours=20), timedelta(hours=400), START.astimezone(NEW_YORK)
    ten, many = zoned + TEN, zoned + MANY
    return {
        "add 20 h": lambda: add(START, short),
        "add 400 h": lambda: add(START, long),
        "elapsed 10 d": lambda: elapsed(START, START + TEN),
        "elapsed 400 d": lambda: elapsed(START, START + MANY),
        "add 20 h, zoned": lambda: add(zoned, short),
        "elapsed 10 d, zoned": lambda: elapsed(zoned, ten),
        "elapsed 400 d, zoned": lambda: elapsed(zoned, many),
    }


def django_bizcal() -> dict[str, Question]:
    from django.conf import settings

    settings.configure(USE_TZ=True, TIME_ZONE="UTC")
    from django_bizcal import ScheduleBlock, WorkingCalendar

    office = (ScheduleBlock(time(9), time(17)),)
    calendar = WorkingCalendar(
        tz="America/New_York",
        weekly_schedule=dict.fromkeys(range(5), office),
        day_overrides=dict.fromkeys(HOLIDAYS, ()),
    )
    short, long, zoned = timedelta(hours=20), timedelta(hours=400), START.astimezone(NEW_YORK)
    ten, many = zoned + TEN, zoned + MANY
    return {
        "add 20 h": lambda: calendar.add_business_time(START, short),
        "add 400 h": lambda: calendar.add_business_time(START, long),
        "elapsed 10 d": lambda: calendar.business_time_between(START, START + TEN),
        "elapsed 400 d": lambda: calendar.business_time_between(START, START + MANY),
        "add 20 h, zoned": lambda: calendar.add_business_time(zoned, short),
        "elapsed 10 d, zoned": lambda: calendar.business_time_between(zoned, ten),
        "elapsed 400 d, zoned": lambda: calendar.business_time_between(zoned, many),
    }


def businesstimedelta() -> dict[str, Question]:
    import businesstimedelta as bt
    import pytz

    zone = pytz.timezone("America/New_York")
    office = bt.WorkDayRule(start_time=time(9), end_time=time(17), working_days=[0, 1, 2, 3, 4], tz=zone)
    ever = [*HOLIDAYS, *(date(year, 12, 25) for year in range(2026, 2036))]  # it fails where no holiday is left
    rules = bt.Rules([office, bt.HolidayRule(ever, tz=zone)])
    short, zoned = bt.BusinessTimeDelta(rules, hours=20), START.astimezone(NEW_YORK)
    return {
        "add 20 h": lambda: START + short,
        "elapsed 10 d": lambda: rules.difference(START, START + TEN).timedelta,
        "elapsed 400 d": lambda: rules.difference(START, START + MANY).timedelta,
        "add 20 h, zoned": lambda: zoned + short,
        "elapsed 10 d, zoned": lambda: rules.difference(zoned, zoned + TEN).timedelta,
    }


def pandas() -> dict[str, Question]:
    import pandas as pd

    hour = pd.offsets.CustomBusinessHour(20, start="09:00", end="17:00", holidays=HOLIDAYS)
    return {
        "add 20 h": lambda: (pd.Timestamp(START).tz_convert(NEW_YORK) + hour).tz_convert(UTC),
        "add 20 h, zoned": lambda: pd.Timestamp(START).tz_convert(NEW_YORK) + hour,
    }


PEERS = {
    "workclock": workclock,
    "timegrid": timegrid,
    "django-bizcal": django_bizcal,
    "businesstimedelta": businesstimedelta,
    "pandas": pandas,
}


def contestants() -> tuple[dict[str, dict[str, Question]], list[str]]:
    """Ours and the peers that are there, and what is said of those that are not."""
    found, missing = {"escalation_rules": ours()}, []
    for name, make in PEERS.items():
        try:
            found[f"{name} {version(name)}"] = make()
        except (ImportError, PackageNotFoundError) as error:
            missing.append(f"{name}: not installed ({error})")
    return found, missing


def timed(question: Question, seconds: float) -> float:
    """Microseconds a call, over as many calls as fit into so many seconds."""
    begin = perf_counter()
    question()
    calls = max(1, min(5_000, int(seconds / (perf_counter() - begin + 1e-9))))
    begin = perf_counter()
    for _ in range(calls):
        question()
    return (perf_counter() - begin) / calls * 1e6


def same(one: Any, other: Any) -> bool:
    found = one == other
    return bool(found.all()) if hasattr(found, "all") else bool(found)


def run(rounds: int) -> tuple[dict[tuple[str, str], list[float]], set[tuple[str, str]], list[str]]:
    """The times of every question put to everybody, and which answers differ from ours."""
    libraries, missing = contestants()
    (_, us), *_ = libraries.items()
    differ = {
        (name, what)
        for name, questions in libraries.items()
        for what, question in questions.items()
        if not same(question(), us[what]())
    }
    times: dict[tuple[str, str], list[float]] = {}
    for number in range(rounds):
        for what in ORDER if number % 5 == 0 else ORDER[:-2]:
            for name, questions in libraries.items():
                if what in questions:
                    times.setdefault((name, what), []).append(timed(questions[what], 0.02))
    return times, differ, missing


def table(figures: dict[tuple[str, str], float], differ: set[tuple[str, str]], title: str, *, markdown: bool) -> None:
    names = list(dict.fromkeys(name for name, _ in figures))
    rows = [[title, *names]]
    for what in ORDER:
        cells = [what]
        for name in names:
            took = figures.get((name, what))
            ratio = "" if took is None or name == names[0] else f" ({took / figures[names[0], what]:.1f}×)"
            mark = " *" if (name, what) in differ else ""
            cells.append("–" if took is None else f"{took:,.2f}{ratio}{mark}")
        rows.append(cells)
    if markdown:
        rows.insert(1, ["---"] * len(rows[0]))
    for cells in rows:
        print(f"| {' | '.join(cells)} |" if markdown else "  ".join(f"{cell:>22}" for cell in cells))
    print()


def main(rounds: int, *, markdown: bool) -> None:
    times, differ, missing = run(rounds)
    table({key: median(found) for key, found in times.items()}, differ, "medians, µs", markdown=markdown)
    table({key: min(found) for key, found in times.items()}, differ, "minima, µs", markdown=markdown)
    print(f"{rounds} interleaved rounds; × is the peer's time over ours; * another answer than ours")
    print(f"Python {platform.python_version()}, numpy {version('numpy')}, tzdata {version('tzdata')}")
    print("\n".join(missing))


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:] if one.isdigit()]
    main(numbers[0] if numbers else 15, markdown="--markdown" in sys.argv)
