"""What the host does not remember, and when each ticket must be looked at again."""

from django.db import models
from helpdesk.models import Ticket


class EscalationEvent(models.Model):
    """Append-only: the opening as it was first seen, what was observed, and what was decided and done."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="escalation_events")
    event_id = models.CharField(max_length=64)
    body = models.JSONField()

    class Meta:
        ordering = ("pk",)
        constraints = [models.UniqueConstraint(fields=["ticket", "event_id"], name="recorded_once")]


class EscalationState(models.Model):
    """The wake-up table. `touched` says that somebody changed the ticket since it was decided."""

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="escalation", primary_key=True)
    level = models.CharField(max_length=64, blank=True)
    wake_at = models.DateTimeField(null=True, db_index=True)
    policy = models.CharField(max_length=64)
    touched = models.BooleanField(default=True, db_index=True)
