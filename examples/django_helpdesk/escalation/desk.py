"""Decide, act, remember: for each ticket that is due, in one transaction under the ticket's lock."""

from functools import partial

from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Prefetch, Q
from django.utils import timezone
from escalation_rules import actions as A
from escalation_rules import decide
from helpdesk.models import FollowUp, Ticket
from helpdesk.update_ticket import update_ticket

from escalation.history import BOT, PRIORITIES, read
from escalation.models import EscalationEvent, EscalationState
from escalation.policy import POLICY

CODES = {word: code for code, word in PRIORITIES.items()}


def due(at):
    """The tickets to look at: touched since they were decided, due by themselves, new to us, or to the policy."""
    return Ticket.objects.filter(
        Q(escalation=None)
        | Q(escalation__touched=True)
        | Q(escalation__wake_at__lte=at)
        | ~Q(escalation__policy=POLICY.fingerprint)
    )


def touch(ticket_id):
    """Say that a ticket was changed: remembered together with the change, so that no crash can lose it."""
    EscalationState.objects.bulk_create(
        [EscalationState(ticket_id=ticket_id)],
        update_conflicts=True,
        unique_fields=["ticket"],
        update_fields=["touched"],
    )


def settle_if_due(ticket_id):
    """Decide a ticket after a commit. Of several notices of one change, the first does the work."""
    if due(timezone.now()).filter(pk=ticket_id).exists():
        settle(ticket_id)


@transaction.atomic
def settle(ticket_id):
    """Decide a ticket and do what is asked; look again, since the host's own functions leave traces, until it rests."""
    tickets = with_history(Ticket.objects.select_for_update(of=("self",)))
    while True:
        ticket = tickets.get(pk=ticket_id)
        at = timezone.now()  # read under the lock, so that it is not before what is already written
        case, unstored = read(ticket, at=at)
        decision = decide(POLICY, case, at=at)
        accepted = decision.accept(at=at, by=BOT)
        _store(ticket, (*unstored, *accepted))
        if not accepted:
            return _sleep(ticket, decision)
        _act(ticket, case.record(*accepted), decision, at)


def with_history(tickets):
    """Tickets with all that is read of them: five queries, for one ticket or for many."""
    follow_ups = FollowUp.objects.select_related("user").prefetch_related("ticketchange_set").order_by("date", "pk")
    return tickets.select_related("queue", "assigned_to").prefetch_related(
        Prefetch("followup_set", follow_ups), "escalation_events", "merged_tickets"
    )


def _act(ticket, case, decision, at):
    """Make the host agree with the case, by the host's own function, so that its mails and change log are as ever."""
    bot, _ = get_user_model().objects.get_or_create(username=BOT, defaults={"is_staff": True})
    changes = {}
    if CODES[case.priority(at=at)] != ticket.priority:
        changes["priority"] = CODES[case.priority(at=at)]
    person = decision.move and _person(ticket, decision.move.owner)
    if person and person != ticket.assigned_to:
        changes["owner"] = person.pk
    if changes:  # even with nothing to change, it would write a follow-up
        update_ticket(bot, ticket, **changes)
    # not through `update_ticket`, which renders comments as templates
    explanation = f"```\n{decision.explain()}\n```"
    FollowUp.objects.create(ticket=ticket, user=bot, title="Escalation", comment=explanation, public=False, date=at)
    for asked in decision.actions:
        if isinstance(asked.action, A.Notify):
            transaction.on_commit(partial(_notify, asked.action.roles, ticket, asked.action.message))


def _person(ticket, owner):
    """Who has a role is for the host to say: whom the rota names, or whoever of the group already has the ticket."""
    people = get_user_model().objects.filter(is_active=True, is_staff=True)
    people = people.filter(username=owner.person) if owner.person else people.filter(groups__name=owner.role)
    return people.filter(pk=ticket.assigned_to_id).first() or people.order_by("pk").first()


def _notify(roles, ticket, text):
    """Delivery is the host's. A crash between the commit and this mail loses it; an outbox would not."""
    people = get_user_model().objects.filter(groups__name__in=roles).exclude(email="")
    send_mail(f"{ticket.ticket} {text}", ticket.staff_url, None, list(people.values_list("email", flat=True)))


def _store(ticket, events):
    rows = (EscalationEvent(ticket=ticket, event_id=one.id, body=one.model_dump(mode="json")) for one in events)
    EscalationEvent.objects.bulk_create(rows)


def _sleep(ticket, decision):
    """Until the answer changes by itself, or somebody touches the ticket."""
    level = next(iter(decision.positions.values())).level or ""
    state = {"level": level, "wake_at": decision.wake_at, "policy": POLICY.fingerprint, "touched": False}
    EscalationState.objects.bulk_create(
        [EscalationState(ticket=ticket, **state)],
        update_conflicts=True,
        unique_fields=["ticket"],
        update_fields=list(state),
    )
