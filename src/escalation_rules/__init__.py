"""Decides which tier a support case goes to next, what must be known first, who owes what by when, and why.

A policy is data, a case is its history, and a decision is a pure function of the two and an instant:

    decide(policy, case, at=instant) -> Decision

Read `case.py`, `policy.py`, `decision.py`, `program/model.py` and `engine/fold.py`, in this order, and you know the
library. Events, facts and actions are read by convention as `E`, `F` and `A`:

>>> from escalation_rules import actions as A, events as E, facts as F
"""

from escalation_rules.case import Case
from escalation_rules.checklists import Checklist, Item
from escalation_rules.decision import BlockedMove, Deadline, Decision, Move, Owner, Reason
from escalation_rules.engine import Settled, decide, forecast, settle
from escalation_rules.errors import EscalationRulesError
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, Rota, Span

__all__ = [
    "BlockedMove",
    "BusinessCalendar",
    "Case",
    "Checklist",
    "Deadline",
    "Decision",
    "EscalationLevel",
    "EscalationRulesError",
    "Item",
    "Move",
    "Owner",
    "Pick",
    "Policy",
    "Reason",
    "Rota",
    "Rule",
    "Settled",
    "Span",
    "Target",
    "Track",
    "decide",
    "forecast",
    "settle",
]
