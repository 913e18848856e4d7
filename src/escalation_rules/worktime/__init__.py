"""Business time: spans, calendars, clocks and rotas, all on whole microseconds of UTC."""

from escalation_rules.worktime._timeline import load_zone
from escalation_rules.worktime.calendars import BusinessCalendar, Calendar
from escalation_rules.worktime.rotas import Absence, Layer, Rota, Shift
from escalation_rules.worktime.spans import Span, SpanLike

__all__ = ["Absence", "BusinessCalendar", "Calendar", "Layer", "Rota", "Shift", "Span", "SpanLike", "load_zone"]
