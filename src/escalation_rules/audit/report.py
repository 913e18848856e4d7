"""What an audit says: findings in a manager's words."""

from __future__ import annotations

from typing import Literal

from escalation_rules._values import Instant, Value
from escalation_rules.explain import say_instant
from escalation_rules.worktime import load_zone

__all__ = ["Audit", "Finding", "Kind", "Severity"]

Kind = Literal[
    "move without checklist",
    "de-escalation without checklist",
    "de-escalation in cooldown",
    "outside the circle",
    "wrong pair",
    "customer asked for status",
    "named individual",
    "hidden wait",
    "no post-mortem",
    "unclear plan item",
    "deadline breached",
    "breached by a change",
    "unknown fact",
    "unknown item",
    "unknown track",
    "wrong track",
    "flag",
]
Severity = Literal["note", "warning", "serious"]


class Finding(Value):
    """Something that did not keep to the policy: when, which rule, how serious, and who did it, in a sentence.

    `rule` names a rule, a target, or the checklist or circle of a level. A "note" is for information, a "warning" for
    whoever manages the case, "serious" for whoever answers for the process.
    """

    at: Instant
    kind: Kind
    rule: str
    severity: Severity
    text: str
    by: str | None = None
    role: str | None = None


class Audit(Value):
    """What an audit of a case found, in the order in which it happened."""

    case: str
    policy: str
    version: str
    at: Instant
    timezone: str = "UTC"
    findings: tuple[Finding, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def explain(self) -> str:
        """The findings as a page of text, instants in the zone of the policy's usual calendar."""
        zone = load_zone(self.timezone)
        head = f"{self.case} under policy {self.policy} {self.version}, up to {say_instant(self.at, zone)}"
        lines = (f"  {say_instant(one.at, zone)} {one.severity}: {one.text} ({one.rule})" for one in self.findings)
        return "\n".join((f"{head}: {len(self.findings)} findings", *lines))
