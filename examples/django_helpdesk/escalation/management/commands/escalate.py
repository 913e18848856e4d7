"""`manage.py escalate`, from cron every minute: decide every ticket that is due."""

from django.core.management.base import BaseCommand
from django.utils import timezone
from helpdesk.models import Ticket

from escalation.desk import due, settle


class Command(BaseCommand):
    help = "Decide every ticket that is due."

    def add_arguments(self, parser):
        parser.add_argument("--all", action="store_true", help="look at every ticket, to find what left no trace")

    def handle(self, *, all, **_):
        tickets = Ticket.objects.all() if all else due(timezone.now())
        failed = 0
        for ticket_id in list(tickets.values_list("pk", flat=True)):
            try:
                settle(ticket_id)
            except Exception as error:  # one bad ticket must not stop the others, and stays due
                failed += 1
                self.stderr.write(f"ticket {ticket_id}: {error}")
        if failed:
            raise SystemExit(f"{failed} tickets could not be decided")
