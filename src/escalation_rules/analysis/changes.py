"""What `diff` answers: the verdict on a change, as a whole and part by part."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from escalation_rules._arguments import read_cases
from escalation_rules._values import Frozen, Instant, Value
from escalation_rules.analysis.report import Witness
from escalation_rules.case import Case
from escalation_rules.engine import decide
from escalation_rules.policy import Policy

__all__ = ["Change", "Difference", "Row", "Verdict", "joined", "ordered"]

Verdict = Literal["equivalent", "stricter", "looser", "incomparable"]


class Change(Value):
    """One rule, level, target or setting that is not as it was.

    `verdict` is about this part alone, `witness` the simplest case that was found on which the two policies decide
    otherwise, if one was.
    """

    kind: Literal["rule", "level", "target", "policy"]
    name: str
    how: Literal["added", "removed", "changed"]
    verdict: Verdict
    message: str
    witness: Witness | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.how}, {self.verdict}: {self.message}"


class Row(Value):
    """A case under both policies: where it stands on each track, and when its last move fell due."""

    case: str
    at: Instant
    before: Frozen[str, str | None]
    after: Frozen[str, str | None]
    due_before: Instant | None = None
    due_after: Instant | None = None

    @property
    def differs(self) -> bool:
        """Whether it comes out otherwise."""
        return (self.before, self.due_before) != (self.after, self.due_after)


class Difference(Value):
    """What a change of a policy comes to, as a whole and part by part.

    `unfinished` says that the budget of steps ran out, so that the verdict is "incomparable" for want of a proof.
    """

    old: Policy
    new: Policy
    verdict: Verdict
    changes: tuple[Change, ...] = ()
    unfinished: bool = False

    def on(self, cases: Iterable[Case], *, at: datetime | None = None) -> tuple[Row, ...]:
        """The table of before and after: each case at `at` (an aware datetime), or else at its last event.

        Raises `InvalidValue` for what is not a case, and as `decide` does.
        """
        return tuple(_row(self.old, self.new, case, at or last) for case, last in read_cases(cases))

    def __str__(self) -> str:
        head = f"{self.old.name} {self.old.version} → {self.new.version}: {self.verdict}"
        return "\n".join([head, *(f"- {change}" for change in self.changes)])


def _row(old: Policy, new: Policy, case: Case, at: datetime) -> Row:
    before, after = decide(old, case, at=at), decide(new, case, at=at)
    dues = [max((move.due for move in one.moves if move.due), default=None) for one in (before, after)]
    return Row(case=case.id, at=at, before=before.levels, after=after.levels, due_before=dues[0], due_after=dues[1])


def joined(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a whole, from those on its parts."""
    found = set(verdicts) - {"equivalent"}
    if not found:
        return "equivalent"
    return found.pop() if len(found) == 1 else "incomparable"


def ordered(at_least: bool, at_most: bool) -> Verdict:
    """From whether the new is at least as strict as the old, and whether it is at most so."""
    if at_least and at_most:
        return "equivalent"
    return "stricter" if at_least else "looser" if at_most else "incomparable"
