"""Figures over cases: is the ordinary process sound, how escalations go, what a role owes now, one case on a page."""

from escalation_rules.metrics.brief import Brief, brief
from escalation_rules.metrics.health import Health, health
from escalation_rules.metrics.kpis import Attainment, Kpi, Kpis, Rate, Spread, kpis
from escalation_rules.metrics.worklist import worklist

__all__ = ["Attainment", "Brief", "Health", "Kpi", "Kpis", "Rate", "Spread", "brief", "health", "kpis", "worklist"]
