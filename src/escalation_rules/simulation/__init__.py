"""What if: replay a log of cases under a policy, and compare two policies on it. Needs the extra `simulation`.

People act in a replay as they did. It shows what a policy would have asked of them, and not faster answers.
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
