"""The calendars that presets use unless an organisation names its own."""

from __future__ import annotations

from escalation_rules.worktime import BusinessCalendar

OFFICE = BusinessCalendar(timezone="Europe/London", hours={"mon-fri": "09:00-17:00"}, holidays="GB-ENG")
"""Office hours in England, with its public holidays."""
ALWAYS = BusinessCalendar.always("UTC")
"""A desk that never closes."""
