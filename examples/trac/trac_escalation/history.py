"""A ticket of Trac's, read as a case.

Trac's change log is clean: every change has its time, its author, its old and its new value. So nothing has to be kept
besides, but for what was decided; and the ticket as it was opened is found by taking the changes back.
"""

from escalation_rules import Case
from escalation_rules import events as E
from trac.util.datefmt import to_utimestamp

BOT = "escalation"
"""The author in whose name we write."""
ABANDONED = {"duplicate", "invalid"}


def read(ticket, decided):
    """The case of a ticket, with what was decided of it before."""
    changes = [change for change in ticket.get_changelog() if change[4] != change[3]]
    happened = [event for change in changes if (event := _event(ticket, *change[:5]))]
    history = [_opening(ticket, changes), *happened, *_statuses(changes), *decided]
    return Case(f"ticket-{ticket.id}", history, attributes={"summary": ticket["summary"]})


def _opening(ticket, changes):
    """The ticket as it was: the oldest change of its priority tells what it was before."""
    before = [old for _, _, field, old, *_ in changes if field == "priority"]
    priority = before[0] if before else ticket["priority"]
    return E.Opened(at=ticket["time"], by=ticket["reporter"], priority=priority, id="opened")


def _event(ticket, at, author, field, _, new):
    """What a change tells, but for the status. Our own moves and priorities are among what was decided."""
    told = {"at": at, "by": author, "id": f"change:{to_utimestamp(at)}:{field}"}
    actor = "automation" if author == BOT else "staff"
    if field == "comment" and new:
        # everything said in Trac is public; the reporter is the customer, whoever else writes is support
        by_reporter = author == ticket["reporter"]
        return E.CustomerReplied(**told) if by_reporter else E.SupportReplied(actor=actor, **told)
    if field == "owner":
        return E.Assigned(person=new or None, actor=actor, **told)
    if field == "priority" and author != BOT:
        return E.PriorityChanged(to=new, **told)
    if field == "level" and new and author != BOT:
        return E.Reconciled(level=new, **told)
    return None


def _statuses(changes):
    resolutions = {at: new for at, _, field, _, new, *_ in changes if field == "resolution"}
    course = [
        (at, _word(new, resolutions.get(at)), f"change:{to_utimestamp(at)}:status")
        for at, _, field, _, new, *_ in changes
        if field == "status"
    ]
    return E.from_statuses(course)


def _word(status, resolution):
    if status != "closed":
        return "open"
    return "void" if resolution in ABANDONED else "closed"
