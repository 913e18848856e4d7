"""How much a pass costs: `python measure.py --tickets 5000`, on a database of its own in a temporary directory.

The tickets are as the host would have left them after two weeks: a third unanswered, a third answered, some of them on
hold, a third resolved. The first pass decides them all; the second has nothing to do.
"""

import argparse
import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import django


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=5000)
    wanted = parser.parse_args().tickets
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HELPDESK_DATABASE"] = str(Path(folder) / "measure.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
        call_command("migrate", verbosity=0)
        fill(wanted)
        first = measured_pass()
        second = measured_pass()
        again = measured_pass(all=True)
        report(wanted, first, second, again)


def fill(wanted):
    """What the host's pages would have written, in bulk."""
    from django.contrib.auth.models import Group, User
    from django.utils import timezone
    from helpdesk.models import FollowUp, Queue, Ticket, TicketChange

    queue = Queue.objects.create(title="Support", slug="support")
    people = {role: User.objects.create_user(role, is_staff=True) for role in ("frontline", "seniors", "management")}
    for role, person in people.items():
        person.groups.add(Group.objects.create(name=role))
    tickets = Ticket.objects.bulk_create(
        Ticket(title=f"Printer {number}", queue=queue, priority=2 + number % 4) for number in range(wanted)
    )
    follow_ups, changes, now = [], [], timezone.now()
    for number, ticket in enumerate(tickets):
        ticket.created = now - timedelta(days=14, minutes=-3 * number % 20000)
        hour = timedelta(hours=1)
        follow_ups.append(FollowUp(ticket=ticket, date=ticket.created, comment="It smokes.", public=True))
        if number % 3:
            answer = {"user": people["frontline"], "comment": "Try this.", "public": True}
            follow_ups.append(FollowUp(ticket=ticket, date=ticket.created + hour, **answer))
        if number % 3 == 1 and number % 2:
            ticket.on_hold = True
            held = FollowUp(ticket=ticket, date=ticket.created + 2 * hour, user=people["frontline"], public=True)
            follow_ups.append(held)
            changes.append(TicketChange(followup=held, field="On Hold", old_value="False", new_value="True"))
        if number % 3 == 2:
            ticket.status = Ticket.RESOLVED_STATUS
            follow_ups.append(FollowUp(ticket=ticket, date=ticket.created + 3 * hour, new_status=ticket.status))
    Ticket.objects.bulk_update(tickets, ["created", "on_hold", "status"], batch_size=500)
    FollowUp.objects.bulk_create(follow_ups, batch_size=500)
    TicketChange.objects.bulk_create(changes, batch_size=500)


def measured_pass(**options):
    """Seconds and queries of one run of the command, and how much it has written."""
    from django.core.management import call_command
    from django.db import connection

    from escalation.models import EscalationEvent, EscalationState

    before, queries, start = EscalationEvent.objects.count(), [], time.perf_counter()

    def count(execute, sql, *rest):
        queries.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        call_command("escalate", **options)
    return {
        "seconds": time.perf_counter() - start,
        "queries": len(queries),
        "decided": EscalationState.objects.filter(touched=False).count(),
        "written": EscalationEvent.objects.count() - before,
        "moved": EscalationState.objects.exclude(level="frontline").count(),
    }


def report(wanted, first, second, again):
    print(f"first pass:  {first['decided']} of {wanted} tickets decided, {first['moved']} of them moved")
    print(f"             {first['written']} events stored")
    print(f"             {first['queries'] / wanted:.1f} queries a ticket, {first['seconds']:.1f} s")
    print(f"second pass: {second['queries']} query, {second['written']} events, {second['seconds'] * 1000:.0f} ms")
    print(f"everything read again, --all: {again['queries'] / wanted:.1f} queries a ticket, {again['seconds']:.1f} s")
    if first["decided"] != wanted or second["written"] or again["written"] or second["queries"] != 1:
        sys.exit("the first pass must decide all, and the second do nothing")


if __name__ == "__main__":
    main()
