"""Shares and spreads: how many of how many, and how long it took."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from escalation_rules._values import Value

__all__ = ["Rate", "Spread", "page", "say_length"]


class Rate(Value):
    """How many of how many.

    >>> str(Rate(part=3, whole=4)), Rate(part=3, whole=4).share, Rate().share
    ('3 of 4 (75 %)', 0.75, None)
    """

    part: int = 0
    whole: int = 0

    @property
    def share(self) -> float | None:
        """The share from 0 to 1; None of nothing."""
        return self.part / self.whole if self.whole else None

    def __str__(self) -> str:
        return f"{self.part} of {self.whole}" + (
            f" ({self.part / self.whole:.0%})".replace("%", " %") if self.whole else ""
        )


class Spread(Value):
    """How long something took over several times: elapsed time, nights and weekends included.

    >>> str(Spread.of([timedelta(hours=1), timedelta(hours=2), timedelta(hours=6)]))
    '3, mean 3:00 h, median 2:00 h, longest 6:00 h'
    """

    n: int = 0
    mean: timedelta | None = None
    median: timedelta | None = None
    longest: timedelta | None = None

    @classmethod
    def of(cls, lengths: Iterable[timedelta]) -> Spread:
        """The spread of some lengths of time; of none, only that there are none."""
        found = sorted(lengths)
        if not found:
            return cls()
        n = len(found)
        middle = (found[(n - 1) // 2] + found[n // 2]) / 2
        return cls(n=n, mean=sum(found, timedelta()) / n, median=middle, longest=found[-1])

    def __str__(self) -> str:
        told = {"mean": self.mean, "median": self.median, "longest": self.longest}
        parts = (f"{name} {say_length(length)}" for name, length in told.items() if length is not None)
        return ", ".join((str(self.n), *parts))


def page(head: str, rows: Iterable[tuple[str, object]]) -> str:
    """Plain text: a headline, and under it the figures, one a line, with what they are in a column of its own.

    >>> print(page("C-1", [("age", "2:00 h"), ("replies", 3)]))
    C-1
      age      2:00 h
      replies  3
    """
    listed = list(rows)
    width = max((len(label) for label, _ in listed), default=0)
    return "\n".join([head, *(f"  {label:<{width}}  {text}" for label, text in listed)])


def say_length(length: timedelta) -> str:
    """A length of time in hours and minutes, or in days and hours from two days on.

    >>> say_length(timedelta(minutes=90)), say_length(timedelta(days=3, hours=5, minutes=59))
    ('1:30 h', '3 d 5 h')
    """
    hours, seconds = divmod(int(length.total_seconds()), 3600)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours}:{seconds // 60:02} h"
