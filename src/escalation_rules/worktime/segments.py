"""`Segment`: a stretch of time that was counted or excluded, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from escalation_rules._values import Instant, Value
from escalation_rules.worktime._timeline import Window, datetime_of

__all__ = ["Reason", "Segment", "segment", "segments_between"]

Reason = tuple[int, int, str]
"""From when to when, on microseconds, time that would have been open was not, and why."""


class Segment(Value):
    """A stretch of time, from `start` up to `end`, that was counted, or excluded and why."""

    start: Instant
    end: Instant
    counted: bool
    why: str

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


def segment(start: int, end: int, counted: bool, why: str) -> Segment:
    """The segment between two instants in microseconds."""
    return Segment(start=datetime_of(start), end=datetime_of(end), counted=counted, why=why)


def segments_between(start: int, end: int, windows: Iterable[Window], reasons: list[Reason]) -> Iterator[Segment]:
    """The time between two instants, cut into the open windows, what reasons took out, and the rest."""
    edge = start
    for opening, closing in windows:
        yield from _closed(edge, opening, reasons)
        yield segment(opening, closing, True, "business hours")
        edge = closing
    yield from _closed(edge, end, reasons)


def _closed(start: int, end: int, reasons: list[Reason]) -> Iterator[Segment]:
    edge = start
    for first, last, why in reasons:
        opening, closing = max(first, edge), min(last, end)
        if opening < closing:
            if edge < opening:
                yield segment(edge, opening, False, "outside business hours")
            yield segment(opening, closing, False, why)
            edge = closing
    if edge < end:
        yield segment(edge, end, False, "outside business hours")
