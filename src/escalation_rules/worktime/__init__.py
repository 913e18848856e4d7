"""Business time: spans, calendars, clocks and rotas, all on whole microseconds of UTC."""

from escalation_rules.worktime._timeline import Segment, load_zone
from escalation_rules.worktime.calendars import AnyCalendar, BusinessCalendar, Calendar, CombinedCalendar, DatedCalendar
from escalation_rules.worktime.clocks import Clock, Leg
from escalation_rules.worktime.rotas import Absence, Layer, Roster, Rota, Shift
from escalation_rules.worktime.spans import Span, SpanLike

__all__ = [
    "Absence",
    "AnyCalendar",
    "BusinessCalendar",
    "Calendar",
    "Clock",
    "CombinedCalendar",
    "DatedCalendar",
    "Layer",
    "Leg",
    "Roster",
    "Rota",
    "Segment",
    "Shift",
    "Span",
    "SpanLike",
    "load_zone",
]
