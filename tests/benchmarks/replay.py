"""How fast a replay is: synthetic logs of 10⁴, 10⁵ and 10⁶ cases of ten events, and any log in a file.

`python tests/benchmarks/replay.py` prints seconds of processor time and peak memory for loading, replaying (by columns,
and a thousand cases one by one) and making the frames, of eight rules, three targets that pause and two calendars.
Arguments are other numbers of cases.
"""

from __future__ import annotations

import resource
import sys
from time import process_time

import numpy as np
import polars as pl

from escalation_rules import BusinessCalendar, EscalationLevel, Pick, Policy, Rule, Target
from escalation_rules import facts as F
from escalation_rules.simulation import LogMapping, cases_from_frame, replay
from escalation_rules.simulation.batches import one_by_one
from escalation_rules.worktime._timeline import microseconds_of

PRIORITIES = ("low", "normal", "high", "urgent")
POLICY = Policy(
    name="synthetic",
    version="1",
    calendar="office",
    calendars={
        "office": BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"}, holidays="GB-ENG"),
        "long": BusinessCalendar("Europe/London", {"mon-sat": "07:00-22:00"}),
    },
    priorities=PRIORITIES,
    levels=tuple(EscalationLevel(key=key, owner=key) for key in ("first", "second", "third", "manager")),
    rules=(
        Rule(key="unanswered", when=F.unanswered_for >= "8 business hours", to="second"),
        Rule(key="old", when=F.open_for >= "40 business hours", to="third"),
        Rule(key="half", when=F.used("resolution") >= "50%", to="second"),
        Rule(key="missed", when=F.outcome("resolution") == "breached", to="manager"),
        Rule(key="slow answer", when=F.outcome("first_response") == "breached", to="next", at_level="first"),
        Rule(key="stuck", when=(F.at_level_for >= "30 business hours") & (F.priority >= "high"), to="next"),
        Rule(key="urgent", when=(F.priority == "urgent") & (F.open_for >= "4 hours"), to="third"),
        Rule(key="sent around", when=F.assignments >= 3, to="second"),
    ),
    targets=(
        Target.first_response(Pick(by="priority", values={"urgent": "1 business hour"}, otherwise="8 business hours")),
        Target.next_response("16 business hours", calendar="long"),
        Target.resolution(
            Pick(
                by="priority",
                values={"urgent": "8 business hours", "low": "60 business hours"},
                otherwise="30 business hours",
            ),
            pause_on=("customer", "vendor"),
        ),
    ),
)  # fmt: skip
MAPPING = LogMapping(
    case="case",
    at="at",
    status="status",
    priority="priority",
    assigned={"assignee": "who"},
    events=("event", {"reply": "SupportReplied", "message": "CustomerReplied"}),
)


def log(cases: int, seed: int = 1) -> pl.DataFrame:
    """A log of cases of ten rows over a year: statuses, replies, priorities and assignments that change."""
    rng = np.random.default_rng(seed)
    n = cases * 10
    step = np.tile(np.arange(10, dtype=np.int8), cases)
    opened = np.repeat(rng.integers(0, 365 * 86_400, cases), 10)
    gaps = rng.exponential(6 * 3_600, (cases, 10)).astype(np.int64)
    gaps[:, 0] = 0
    seconds = opened + np.cumsum(gaps, axis=1).reshape(-1)
    del opened, gaps
    status = np.repeat(_codes(rng.choice(4, n // 2)), 2)
    status[step == 0], status[step == 9] = 0, 4
    priority = np.repeat(_codes(rng.choice(4, cases)), 10)
    raised = (rng.random(n) < 0.03) & (step > 0)
    priority[raised] = PRIORITIES.index("urgent")
    event = _codes(rng.choice(3, n, p=(0.2, 0.15, 0.65)))
    event[step == 0] = 2
    names = pl.Series(np.arange(cases)).cast(pl.String())
    return pl.DataFrame(
        {
            "case": ("C" + names).gather(np.repeat(np.arange(cases, dtype=np.uint32), 10)),
            "at": (np.datetime64("2025-01-01T00:00:00", "us") + seconds.astype("timedelta64[s]")),
            "status": _texts(("open", "open", "waiting:customer", "waiting:vendor", "resolved"), status),
            "priority": _texts(PRIORITIES, priority),
            "who": _texts(("Ann", "Ben", "Cy"), np.repeat(_codes(rng.choice(3, n // 5)), 5)),
            "event": _texts(("reply", "message", ""), event),
        }
    ).with_columns(pl.col("at").dt.replace_time_zone("UTC"))


def _codes(numbers: np.ndarray) -> np.ndarray:
    return numbers.astype(np.uint8)


def _texts(words: tuple[str, ...], codes: np.ndarray) -> pl.Series:
    """A column of few words; the log itself should not be what takes the memory."""
    return pl.Series(words).gather(codes)


def memory() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB at most"


def main(sizes: list[int]) -> None:
    """Prints a line for each step and size."""
    print(
        f"{'cases':>9}  {'load s':>7} {'replay s':>9} {'frames s':>9} {'cases/s':>9}  events a case, share by columns"
    )
    for size in sizes:
        frame = log(size)
        began = process_time()
        cases = cases_from_frame(frame, MAPPING)
        loaded = process_time()
        replayed = replay(POLICY, cases)
        done = process_time()
        for name in ("cases", "moves", "blocked", "stays", "deadlines"):
            replayed.frame(name)
        framed = process_time()
        events = len(cases.histories.at) / size
        print(
            f"{size:>9,}  {loaded - began:>7.2f} {done - loaded:>9.2f} {framed - done:>9.2f}"
            f" {size / (done - loaded):>9,.0f}  {events:.1f}, {replayed.by_columns / size:.0%}; {memory()}"
        )
    some = cases_from_frame(log(1_000), MAPPING)
    last = microseconds_of(some.until)
    one_by_one(POLICY, some.histories, last)
    began = process_time()
    one_by_one(POLICY, some.histories, last)
    print(f"one by one: {1_000 / (process_time() - began):,.0f} cases a second")


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
