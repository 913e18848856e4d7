"""Escalation for django-helpdesk.

`policy.py` is what the organisation decided; `history.py` reads a ticket as a case; `desk.py` decides and acts.
"""
