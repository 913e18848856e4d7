"""Escalation for Trac, as a plugin: enable `trac_escalation.*` in `trac.ini`."""
