"""The application: it listens to the host once the host is loaded."""

from django.apps import AppConfig


class EscalationConfig(AppConfig):
    name = "escalation"
    default_auto_field = "django.db.models.AutoField"

    def ready(self):
        from escalation import signals  # noqa: F401 - models are not loaded any earlier
