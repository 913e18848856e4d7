"""Testing a policy: strategies for cases under it, promises that it keeps, and a failure that reads like a story.

    from escalation_rules.testing import policy_suite

    class TestOurPolicy(policy_suite(policy)):
        pass

Needs the extra `[testing]`: hypothesis and pytest.
"""

from escalation_rules.testing.invariants import Broken, Invariant, hold, invariant
from escalation_rules.testing.machine import host_machine
from escalation_rules.testing.promises.clocks import more_urgent_never_slower
from escalation_rules.testing.runs import Run, Step
from escalation_rules.testing.strategies import calendars, cases, histories, instants, policies, runs, spans
from escalation_rules.testing.suite import INVARIANTS, policy_suite

__all__ = [
    "INVARIANTS",
    "Broken",
    "Invariant",
    "Run",
    "Step",
    "calendars",
    "cases",
    "histories",
    "hold",
    "host_machine",
    "instants",
    "invariant",
    "more_urgent_never_slower",
    "policies",
    "policy_suite",
    "runs",
    "spans",
]
