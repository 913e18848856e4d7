"""A ticket of the host's, read as a case.

The host's follow-ups and change records are its history, and stay where they are. What they do not tell is kept in
`EscalationEvent`: how the ticket was opened, and what was changed without a trace.
"""

from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.utils import translation
from escalation_rules import Case
from escalation_rules import events as E
from helpdesk.models import Ticket

BOT = "escalation"
"""The user in whose name we write."""
PRIORITIES = {1: "critical", 2: "high", 3: "normal", 4: "low", 5: "very_low"}
STATUSES = {
    Ticket.OPEN_STATUS: "open",
    Ticket.REOPENED_STATUS: "open",
    Ticket.RESOLVED_STATUS: "resolved",
    Ticket.CLOSED_STATUS: "closed",
    Ticket.DUPLICATE_STATUS: "void",
}
SAME_REQUEST = timedelta(seconds=5)
"""The host writes an opening twice, as the ticket and as its first follow-up, in one request."""


def in_every_language(label):
    """What the host may have written for one of its labels: it stores them in the language of the moment."""
    words = set()
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            words.add(translation.gettext(label))
    return frozenset(words)


PRIORITY, OWNER, ON_HOLD, NOBODY = map(in_every_language, ("Priority", "Owner", "On Hold", "Unassigned"))


class Reading(NamedTuple):
    """A case, and those of its events that nobody has stored yet."""

    case: Case
    unstored: tuple[E.Event, ...]


def read(ticket, *, at):
    """The case of a ticket. What is `unstored` must be stored, or it will be found again, at another instant."""
    stored = [E.parse(row.body) for row in ticket.escalation_events.all()]
    opening = [] if stored else [_opening(ticket)]
    opened = next(event for event in (*opening, *stored) if isinstance(event, E.Opened))
    happened = [
        event
        for follow_up in ticket.followup_set.all()
        for event in _messages_and_changes(follow_up)
        if event.id != opened.id  # the first follow-up is the opening once more
    ]
    attributes = {"title": ticket.title}
    case = Case(f"ticket-{ticket.pk}", [*opening, *happened, *_statuses(ticket), *stored], attributes=attributes)
    drift = case.reconcile(
        at=at,
        priority=PRIORITIES[ticket.priority],
        status=_word(ticket.status, ticket.on_hold),
        assigned={"assignee": ticket.assigned_to and ticket.assigned_to.get_username()},
    )
    return Reading(case.record(*drift), (*opening, *drift))


def _opening(ticket):
    """The opening as it was, from the ticket as it is: what was changed on record since is taken back."""
    follow_ups = list(ticket.followup_set.all())
    changes = [change for one in follow_ups for change in one.ticketchange_set.all() if change.field in PRIORITY]
    priority = int(changes[0].old_value) if changes else ticket.priority
    first = next((one for one in follow_ups if one.date - ticket.created < SAME_REQUEST), None)
    by_staff = bool(first and first.user and first.user.is_staff)
    return E.Opened(
        at=ticket.created,
        actor="staff" if by_staff else "customer",
        priority=PRIORITIES[priority],
        # the first follow-up is the same message: by its id, it is left out
        id=_name(first) if first else "opened",
    )


def _messages_and_changes(follow_up):
    """What a follow-up tells, but for the status."""
    at, name, writer = _instant(follow_up), _name(follow_up), follow_up.user and follow_up.user.get_username()
    changes = list(follow_up.ticketchange_set.all())
    if follow_up.comment and writer:
        actor = "automation" if writer == BOT else "staff"
        yield E.SupportReplied(at=at, by=writer, actor=actor, public=follow_up.public, id=name)
    # the host's own `escalate_tickets` also writes without an author, but always changes the priority
    elif follow_up.comment and not any(change.field in PRIORITY for change in changes):
        yield E.CustomerReplied(at=at, channel="email" if follow_up.message_id else "web", id=name)
    for change in changes:
        told = {"at": at, "by": writer, "id": f"change:{change.pk}"}
        if change.field in PRIORITY:
            yield E.PriorityChanged(to=PRIORITIES[int(change.new_value)], **told)
        elif change.field in OWNER:
            yield E.Assigned(person=None if change.new_value in NOBODY else change.new_value, **told)


def _statuses(ticket):
    """The status and the hold, which the host keeps apart, as one course of events."""
    status, held, course = Ticket.OPEN_STATUS, False, []
    merged = [f"#{other.pk}]" for other in ticket.merged_tickets.all()]
    for follow_up in ticket.followup_set.all():
        if any(mark in (follow_up.title or "") for mark in merged):
            continue  # it came here from a ticket that was merged into this one, and tells of that one's status
        holds = [change.new_value for change in follow_up.ticketchange_set.all() if change.field in ON_HOLD]
        status = follow_up.new_status or status
        held = holds[-1] == "True" if holds else held
        course.append((_instant(follow_up), _word(status, held), f"{_name(follow_up)}:status"))
    return E.from_statuses(course)


def _word(status, held):
    return "waiting:hold" if held and status in Ticket.OPEN_STATUSES else STATUSES[status]


def _instant(follow_up):
    """When it was written; one that was merged into a younger ticket arrives with its opening."""
    return max(follow_up.date, follow_up.ticket.created)


def _name(follow_up):
    return f"followup:{follow_up.pk}"
