"""Whatever the host saves of a ticket touches it, and after the commit it is decided.

Only a transaction can be waited for: what runs outside of one (a script, a mail poller) leaves it to the next run of
the command, since the host is still in the middle of writing its change records.
"""

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from helpdesk.models import FollowUp, Ticket, TicketChange

from escalation.desk import settle_if_due, touch


@receiver(post_save, sender=Ticket)
def on_ticket(instance, **_):
    _changed(instance.pk)


@receiver(post_save, sender=FollowUp)
def on_follow_up(instance, **_):
    _changed(instance.ticket_id)


@receiver(post_save, sender=TicketChange)
def on_change(instance, **_):
    _changed(instance.followup.ticket_id)


def _changed(ticket_id):
    touch(ticket_id)
    if transaction.get_connection().in_atomic_block:
        # robust: should it fail, the page is shown all the same, and the ticket stays due
        transaction.on_commit(lambda: settle_if_due(ticket_id), robust=True)
