"""The status of a case, as hosts know it ("status became X"), as events change it, and as a snapshot shows it.

The words are `open`, `working` (the same as open), `waiting` or `waiting:<on>`, `resolved`, `closed` and `void`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, cast

from escalation_rules._values import read_instant
from escalation_rules.errors import InvalidValue, Problem, unknown
from escalation_rules.kinds import (
    Assigned,
    Closed,
    CustomerReplied,
    Made,
    Observed,
    Opened,
    PriorityChanged,
    Reopened,
    Resolved,
    Status,
    Voided,
    WaitEnded,
    WaitStarted,
)
from escalation_rules.patterns import Happening
from escalation_rules.worktime._timeline import microseconds_of

__all__ = ["OPEN", "Standing", "from_statuses", "on_record_since", "plain", "read_status", "steps"]

_WORDS = ("open", "working", "waiting", "resolved", "closed", "void")
_ENDED: dict[str, type[Happening]] = {"resolved": Resolved, "closed": Closed, "void": Voided}


class Standing(NamedTuple):
    """A status, and what is waited for."""

    status: Status
    waits: frozenset[str] = frozenset()

    @property
    def is_live(self) -> bool:
        """Whether the case is being worked on: neither resolved nor closed nor void."""
        return self.status in {"open", "waiting"}

    def after(self, event: Happening) -> Standing:
        """The standing that an event leads to. A customer's message ends a wait for the customer."""
        if type(event) in _LEADS_TO:
            return _LEADS_TO[type(event)]
        if not self.is_live:
            return self
        if isinstance(event, WaitStarted):
            return _waiting(self.waits | {event.on})
        if isinstance(event, CustomerReplied):
            return _waiting(self.waits - {"customer"})
        return OPEN if isinstance(event, WaitEnded) else self


OPEN = Standing("open")
_LEADS_TO: dict[type[Happening], Standing] = {
    Opened: OPEN,
    Reopened: OPEN,
    Resolved: Standing("resolved"),
    Closed: Standing("closed"),
    Voided: Standing("void"),
}


def _waiting(waits: frozenset[str]) -> Standing:
    return Standing("waiting", waits) if waits else OPEN


def read_status(word: str) -> Standing:
    """What a host's word for a status means. Raises `InvalidValue`.

    >>> read_status("waiting:vendor")
    Standing(status='waiting', waits=frozenset({'vendor'}))
    """
    status, _, on = word.partition(":") if isinstance(word, str) else ("", "", "")
    if status not in _WORDS or (on and status != "waiting"):
        raise InvalidValue(unknown("status", word, (*_WORDS, "waiting:customer")))
    if status == "waiting":
        return Standing("waiting", frozenset({on or "customer"}))
    return OPEN if status in {"open", "working"} else Standing(cast(Status, status))


def steps(old: Standing, new: Standing) -> list[tuple[type[Happening], dict[str, str]]]:
    """The events, with their fields, that lead from one standing to another."""
    if old == new:
        return []
    if new.status in _ENDED:
        return [(_ENDED[new.status], {})] if new.status != old.status else []
    found: list[tuple[type[Happening], dict[str, str]]] = []
    if old.status in _ENDED:
        found.append((Reopened, {}))
    elif old.waits - new.waits:
        found.append((WaitEnded, {}))
    kept = old.waits if not found else frozenset()
    return found + [(WaitStarted, {"on": on}) for on in sorted(new.waits - kept)]


Change = tuple[datetime, str] | tuple[datetime, str, str | None]
"""From when on a status, and the host's own id of the change where it has one."""


def from_statuses(changes: Iterable[Change]) -> tuple[Happening, ...]:
    """The events behind a list of (at, status, id): what a host knows that stores only what a status became.

    The changes are taken in the order of their instants, and the case to be open before the first. A status that stays
    the same makes no event. A change without an id gets one from its instant, its status and its place among those that
    are alike, so that recording the same list again changes nothing. Where one change needs two events (a wait that is
    replaced by another), the second one's id has a suffix. Raises `InvalidValue` for a naive datetime, an unknown
    status, and what is no such list.

    >>> from datetime import timezone
    >>> at = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> [event.type for event in from_statuses([(at, "open"), (at, "waiting:vendor", "s2"), (at, "resolved", "s3")])]
    ['WaitStarted', 'Resolved']
    """
    standing, alike = OPEN, Counter[tuple[datetime, str]]()
    events: list[Happening] = []
    for at, word, given_id in sorted(_rows(changes), key=lambda row: row[0]):
        new = read_status(word)
        own_id = given_id or _id_of(at, word, alike[at, word])
        for number, (kind, fields) in enumerate(steps(standing, new)):
            events.append(kind(at=at, id=own_id if number == 0 else f"{own_id}:{number + 1}", **fields))
        alike[at, word] += 1
        standing = new
    return tuple(events)


def _id_of(at: datetime, word: str, place: int) -> str:
    """The id of a change that has none of the host's: the same for the same change, however often it is read."""
    return f"status:{sha256(repr((microseconds_of(at), word, place)).encode()).hexdigest()[:40]}"


def _rows(given: Iterable[Change]) -> list[tuple[datetime, str, str | None]]:
    if not isinstance(given, Iterable):
        raise InvalidValue(Problem("not changes of status", given, expected="a list of (at, status, id)"))
    return list(map(_row, given))


def _row(given: Change) -> tuple[datetime, str, str | None]:
    if not isinstance(given, tuple | list) or not 2 <= len(given) <= 3:
        raise InvalidValue(Problem("not a change of status", given, expected="(at, status) or (at, status, id)"))
    return read_instant(given[0]), given[1], given[2] if len(given) == 3 else None


def plain(history: Iterable[Happening]) -> Iterator[Happening]:
    """The history with every snapshot followed by the events it implies: what differs from what was on record then.

    What was accepted late was not on record before it was recorded, whenever it was due. A level is not unfolded:
    which way a move went is for a policy to say.
    """
    standing, past = OPEN, list[Happening]()
    for event in history:
        for one in (event, *(_implied(event, standing, past) if isinstance(event, Observed) else ())):
            yield one
            standing = standing.after(one)
            past.append(one)


def on_record_since(event: Happening) -> datetime:
    """From when on an event was known to the host."""
    return event.recorded_at if isinstance(event, Made) and event.recorded_at is not None else event.at


def _implied(seen: Observed, standing: Standing, past: Iterable[Happening]) -> Iterator[Happening]:
    on_record = sorted((event for event in past if on_record_since(event) <= seen.at), key=on_record_since)
    if seen.priority is not None and seen.priority != _priority(on_record):
        yield PriorityChanged(at=seen.at, actor=seen.actor, to=seen.priority)
    assigned = {event.role: event.person or event.group for event in on_record if isinstance(event, Assigned)}
    for role, name in seen.assigned.items():
        if assigned.get(role) != name:
            yield Assigned(at=seen.at, actor=seen.actor, role=role, person=name)
    if seen.status is not None:
        for kind, fields in steps(standing, read_status(seen.status)):
            yield kind(at=seen.at, actor=seen.actor, **fields)


def _priority(history: Iterable[Happening]) -> str | None:
    found = None
    for event in history:
        if isinstance(event, Opened):
            found = event.priority
        elif isinstance(event, PriorityChanged):
            found = event.to
    return found
