"""Why is this ticket where it is? For the staff who may see it: permissions are the host's."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from escalation_rules import decide
from helpdesk.decorators import helpdesk_staff_member_required
from helpdesk.user import HelpdeskUser

from escalation.desk import with_history
from escalation.history import read
from escalation.policy import POLICY


@helpdesk_staff_member_required
def why(request, ticket_id):
    ticket = get_object_or_404(with_history(HelpdeskUser(request.user).accessible_tickets()), pk=ticket_id)
    at = timezone.now()
    text = decide(POLICY, read(ticket, at=at).case, at=at).explain()
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
