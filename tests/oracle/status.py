"""The status of a case, and what a snapshot of the host's implies, written from rules 9, 13 and the events' docstrings.

Nothing is remembered: each question is answered by going through all that has happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from escalation_rules import events as E
from escalation_rules.errors import InvalidValue, unknown
from escalation_rules.patterns import BaseEvent


class Standing(NamedTuple):
    """A status, and what is waited for."""

    status: str
    waits: frozenset[str]

    @property
    def is_live(self) -> bool:
        """Whether somebody works on the case, or will once a wait is over."""
        return self.status in {"open", "waiting"}


NOTHING = frozenset[str]()
WORDS = ("open", "working", "waiting", "resolved", "closed", "void")


def standing_after(history: Iterable[BaseEvent]) -> Standing:
    """The status that these events lead to. What happens after the end of a cycle starts and ends no wait."""
    status, waits = "open", NOTHING
    for event in history:
        if isinstance(event, E.Opened | E.Reopened):
            status, waits = "open", NOTHING
        elif isinstance(event, E.Resolved):
            status, waits = "resolved", NOTHING
        elif isinstance(event, E.Closed):
            status, waits = "closed", NOTHING
        elif isinstance(event, E.Voided):
            status, waits = "void", NOTHING
        elif status == "open":
            if isinstance(event, E.WaitStarted):
                waits = waits | {event.on}
            elif isinstance(event, E.WaitEnded):
                waits = NOTHING
            elif isinstance(event, E.CustomerReplied):
                waits = waits - {"customer"}
    return Standing("waiting" if waits else status, waits)


def known_since(event: BaseEvent) -> Any:
    """From when on the host had an event on record: what was accepted late, only from when it was accepted."""
    recorded_at = getattr(event, "recorded_at", None)
    return event.at if recorded_at is None else recorded_at


def unfolded(history: Iterable[BaseEvent]) -> list[BaseEvent]:
    """The history with each snapshot followed by the plain events that it implies.

    Levels are left to the snapshot itself, since which way a move goes is for a policy to say.
    """
    found: list[BaseEvent] = []
    for event in history:
        found.append(event)
        if isinstance(event, E.Reconciled):
            found += list(implied(event, found[:-1]))
    return found


def implied(seen: E.Reconciled, past: list[BaseEvent]) -> Iterator[BaseEvent]:
    """What must have happened unseen: whatever the snapshot shows that was not on record when it was taken."""
    on_record = [event for event in past if known_since(event) <= seen.at]
    on_record.sort(key=known_since)
    said: dict[str, Any] = {"at": seen.at, "actor": seen.actor}

    priority, assigned = None, dict[str, str | None]()
    for event in on_record:
        if isinstance(event, E.Opened):
            priority = event.priority
        elif isinstance(event, E.PriorityChanged):
            priority = event.to
        elif isinstance(event, E.Assigned):
            assigned[event.as_role] = event.person or event.group
    if seen.priority is not None and seen.priority != priority:
        yield E.PriorityChanged(to=seen.priority, **said)
    for role, name in seen.assigned.items():
        if name != assigned.get(role):
            yield E.Assigned(as_role=role, person=name, **said)

    if seen.status is not None:
        yield from changes_of_status(standing_after(past), meant_by(seen.status), said)


def meant_by(word: str) -> Standing:
    """What a host's word for a status means: `waiting` is for the customer unless it says for whom."""
    status, _, party = word.partition(":")
    if status not in WORDS or (party and status != "waiting"):
        raise InvalidValue(unknown("status", word, WORDS))
    if status == "waiting":
        return Standing("waiting", frozenset({party or "customer"}))
    return Standing("open" if status == "working" else status, NOTHING)


def changes_of_status(old: Standing, new: Standing, said: dict[str, Any]) -> Iterator[BaseEvent]:
    """The events that lead from one standing to another."""
    kept = old.waits & new.waits
    if not new.is_live:
        kind = {"resolved": E.Resolved, "closed": E.Closed, "void": E.Voided}[new.status]
        if new.status != old.status:
            yield kind(**said)
        return
    if not old.is_live:
        yield E.Reopened(**said)
    elif kept != old.waits:
        # the end of a wait ends all of them, so that those which go on begin anew
        yield E.WaitEnded(**said)
        kept = NOTHING
    for party in sorted(new.waits - kept):
        yield E.WaitStarted(on=party, **said)
