"""Replay a log of cases under a policy, and compare two policies on it. Needs the extra `simulation`.

A replay keeps what people actually did: it shows what a policy would have asked of them, not how they would respond.
"""

from escalation_rules.simulation.compare import ComparedCase, Comparison, compare
from escalation_rules.simulation.logs import CaseLog, cases_from_frame
from escalation_rules.simulation.mapping import Column, LogMapping
from escalation_rules.simulation.replay import Replay, ReplayedCase, replay

__all__ = [
    "CaseLog",
    "Column",
    "ComparedCase",
    "Comparison",
    "LogMapping",
    "Replay",
    "ReplayedCase",
    "cases_from_frame",
    "compare",
    "replay",
]
