"""Know a policy before it meets a customer: what is wrong with it, what it guarantees, what a change changes.

- `check` finds rules that never hold, levels nobody can reach, cases that can wait for ever, and the like.
- `prove` shows that a case always reaches a level in time, or finds one that does not.
- `diff` tells whether a changed policy is stricter or looser, with a case for each difference.
- `coverage` tells what a set of cases exercises, and `edges` makes cases at the edge of every threshold.

There is no clock in any of it: what may take long has a budget of steps.
"""

from escalation_rules.analysis.check import check
from escalation_rules.analysis.coverage import (
    AtomCoverage,
    Coverage,
    Edge,
    LevelCoverage,
    RuleCoverage,
    coverage,
    edges,
)
from escalation_rules.analysis.diff import Change, Difference, Row, diff
from escalation_rules.analysis.prove import Claim, Proved, Refuted, TraceStep, Unknown, prove
from escalation_rules.analysis.report import CODES, CheckFinding, Report, Witness

__all__ = [
    "CODES",
    "AtomCoverage",
    "Change",
    "CheckFinding",
    "Claim",
    "Coverage",
    "Difference",
    "Edge",
    "LevelCoverage",
    "Proved",
    "Refuted",
    "Report",
    "Row",
    "RuleCoverage",
    "TraceStep",
    "Unknown",
    "Witness",
    "check",
    "coverage",
    "diff",
    "edges",
    "prove",
]
