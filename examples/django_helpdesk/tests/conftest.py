"""A help desk of three people and one queue, worked through the host's own pages, on a clock that the tests move."""

import logging
from datetime import datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from helpdesk.email import extract_email_metadata
from helpdesk.models import Queue, Ticket

from escalation.desk import with_history
from escalation.history import read
from escalation.models import EscalationState

LONDON = ZoneInfo("Europe/London")
DAYS = {"mon": 2, "tue": 3, "wed": 4, "thu": 5, "fri": 6, "sat": 7, "sun": 8}


def when(text):
    """An instant such as `mon 09:00` in the week of 2 March 2026, or `mon+1 09:00` for a week later."""
    day, clock = text.split()
    name, _, weeks = day.partition("+")
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 3, DAYS[name], hour, minute, tzinfo=LONDON) + timedelta(weeks=int(weeks or 0))


class Desk:
    """What people do, each by the page or function that the host has for it."""

    def __init__(self, clock):
        self.clock = clock
        self.queue = Queue.objects.create(
            title="Support", slug="support", allow_public_submission=True, email_address="desk@example.com"
        )
        self.people = {}
        for role, name in (("frontline", "fred"), ("seniors", "sam"), ("management", "mary")):
            person = User.objects.create_user(name, f"{name}@example.com", is_staff=True, is_superuser=True)
            person.groups.add(Group.objects.create(name=role))
            self.people[name] = person

    def at(self, text):
        self.clock.move_to(when(text))
        return self

    def open(self, by=None, **fields):
        """A customer fills in the public form, or one of the staff theirs."""
        fields = {"title": "Printer", "body": "It smokes.", "priority": 3, "queue": self.queue.pk} | fields
        self._post(by, "submit", submitter_email="carl@example.org", **fields)
        return Ticket.objects.latest("pk")

    def mail(self, ticket, text, **headers):
        """A customer's mail is read from the queue's mailbox: by a poller, outside of any transaction."""
        message = EmailMessage()
        message["From"], message["To"] = "carl@example.org", "desk@example.com"
        message["Subject"], message["Message-Id"] = f"Re: {ticket.ticket} Printer", f"<{timezone.now().timestamp()}@x>"
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        message.set_content(text)
        extract_email_metadata(message.as_string(), self.queue, logging.getLogger("mailbox"))

    def answer(self, ticket, text="Try this.", by="fred", **fields):
        self.update(ticket, by=by, comment=text, public="True", **fields)

    def update(self, ticket, by="fred", **fields):
        """The form under each ticket."""
        ticket.refresh_from_db()
        usual = {"title": ticket.title, "submitter_email": ticket.submitter_email, "queue": ticket.queue_id}
        usual |= {"priority": ticket.priority, "new_status": ticket.status, "body": ticket.description}
        usual |= {"owner": ticket.assigned_to_id or 0, "comment": ""}
        self._post(by, "update", ticket.pk, **usual | fields)

    def edit(self, ticket, by="fred", **fields):
        """The edit form, which leaves no follow-up."""
        ticket.refresh_from_db()
        usual = {"title": ticket.title, "submitter_email": ticket.submitter_email, "queue": ticket.queue_id}
        usual |= {"priority": ticket.priority, "secret_key": ticket.secret_key}
        self._post(by, "edit", ticket.pk, **usual | fields)

    def bulk(self, action, *tickets, by="fred"):
        self._post(by, "mass_update", action=action, ticket_id=[ticket.pk for ticket in tickets])

    def hold(self, ticket):
        self._post("fred", "hold", ticket.pk)

    def release(self, ticket):
        self._post("fred", "unhold", ticket.pk)

    def page(self, by, path):
        client = Client()
        client.force_login(self.people[by])
        return client.get(path)

    def escalate(self, **options):
        call_command("escalate", **options)

    def case(self, ticket):
        tickets = with_history(Ticket.objects.filter(pk=ticket.pk))
        return read(tickets.get(), at=timezone.now()).case

    def level(self, ticket):
        return EscalationState.objects.get(pk=ticket.pk).level

    def priority(self, ticket):
        return Ticket.objects.get(pk=ticket.pk).priority

    def merge(self, *others, into):
        chosen = "&".join(f"tickets={ticket.pk}" for ticket in (into, *others))
        self._post("fred", "merge_tickets", query=chosen, chosen_ticket=into.pk)

    def _post(self, by, page, *args, language="en", query="", **data):
        client = Client(headers={"accept-language": language})
        if by:
            client.force_login(self.people[by])
        response = client.post(f"{reverse(f'helpdesk:{page}', args=args)}?{query}", data)
        assert response.status_code == 302, response.content[:2000]


@pytest.fixture
def desk(transactional_db, django_db_serialized_rollback):
    with time_machine.travel(when("mon 09:00"), tick=False) as clock:
        yield Desk(clock)
