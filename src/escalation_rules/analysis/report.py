"""What a check finds: values that a support manager can read."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from escalation_rules._values import Finding, Instant, Severity, Value
from escalation_rules.case import Case
from escalation_rules.decision import Decision
from escalation_rules.engine import decide
from escalation_rules.explain import phrase_instant
from escalation_rules.policy import Policy

CODES: dict[str, Severity] = {
    "dead-rule": "error",
    "move-never-made": "warning",
    "redundant-rule": "warning",
    "duplicate-rule": "warning",
    "next-without-evidence": "error",
    "climbs-at-one-instant": "warning",
    "lowers-the-outcome": "warning",
    "unreachable-level": "warning",
    "entry-cannot-be-met": "error",
    "de-escalation-cannot-be-met": "error",
    "gap": "warning",
    "target-never-applies": "error",
    "target-never-starts": "error",
    "target-never-stops": "error",
    "slower-when-more-urgent": "warning",
    "outside-its-domain": "warning",
    "counts-in-no-calendar": "warning",
    "unused-fact": "note",
    "unused-calendar": "note",
    "unused-priority": "note",
    "no-cover": "warning",
}
"""The codes of findings, with how much each matters: an error never works, a warning works otherwise than it reads."""


class Witness(Value):
    """A case, and an instant at which to decide on it, that show what a finding says."""

    case: Case
    at: Instant

    def decide(self, policy: Policy) -> Decision:
        """The decision that shows it."""
        return decide(policy, self.case, at=self.at)


class CheckFinding(Finding):
    """A finding about a policy that its author would hardly want.

    `witness` is the simplest case that shows it (there is none where something can never happen); `instants` are the
    stretches of time it is about, each as (start, end).
    """

    witness: Witness | None = None
    instants: tuple[tuple[Instant, Instant], ...] = ()

    def __str__(self) -> str:
        text = f"{self.severity} {self.code} at {self.path}: {self.message}; {self.fix}"
        if self.witness is not None:
            text += f"\n  seen at {phrase_instant(self.witness.at)} on {self.witness.case!r}"
        return text


class Report(Value):
    """Everything that a check found in a policy, the gravest first.

    `unfinished` names the questions for which the budget of steps ran out: about these nothing is known.
    """

    policy: str
    version: str
    findings: tuple[CheckFinding, ...] = ()
    unfinished: tuple[str, ...] = ()
    steps: int = 0

    def of(self, code: str) -> tuple[CheckFinding, ...]:
        """The findings with a code."""
        return tuple(one for one in self.findings if one.code == code)

    def __str__(self) -> str:
        counts = Counter(one.severity for one in self.findings)
        found = ", ".join(f"{counts[kind]} {kind}{'s' * (counts[kind] != 1)}" for kind in counts) or "nothing found"
        lines = [f"policy {self.policy} {self.version}: {found}", *map(str, self.findings)]
        return "\n".join([*lines, *(f"not finished within the budget: {one}" for one in self.unfinished)])


def finding(
    code: str,
    path: str,
    message: str,
    fix: str,
    witness: tuple[Case, datetime] | None = None,
    instants: tuple[tuple[datetime, datetime], ...] = (),
) -> CheckFinding:
    """A finding with the severity of its code."""
    shown = None if witness is None else Witness(case=witness[0], at=witness[1])
    return CheckFinding(
        code=code, path=path, message=message, fix=fix, severity=CODES[code], witness=shown, instants=instants
    )
