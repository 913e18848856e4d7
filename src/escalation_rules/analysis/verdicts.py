"""What `prove` answers: proved, refuted by a case, or not known."""

from __future__ import annotations

from typing import Literal

from escalation_rules._values import Instant, Value, show
from escalation_rules.case import Case
from escalation_rules.conditions import Condition
from escalation_rules.engine import decide
from escalation_rules.explain import say, say_instant
from escalation_rules.policy import Policy
from escalation_rules.worktime import Span

__all__ = ["Claim", "Proved", "Refuted", "Scope", "Step", "Unknown"]

Scope = Literal["new case", "any case"]


class Claim(Value):
    """That a case on which `when` has held for as long as `within` is on the level `reaches`, or above."""

    when: Condition | None
    reaches: str
    within: Span
    scope: Scope = "new case"

    def __str__(self) -> str:
        who = "a new case" if self.scope == "new case" else "any case"
        condition = say(self.when) if self.when is not None else "it is open"
        return f"{who} on which for {self.within}: {condition}, is on `{self.reaches}` or above"


class Proved(Value):
    """The claim holds of every case. `rules` are those that see to it; none are needed where it cannot arise."""

    claim: Claim
    rules: tuple[str, ...] = ()
    steps: int = 0

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        if not self.rules:
            return f"proved: {self.claim}; no such case is ever below"
        names = " and ".join(f"`{name}`" for name in self.rules)
        return f"proved: {self.claim}; {names} {'sees' if len(self.rules) == 1 else 'see'} to it"


class Step(Value):
    """One instant of a counterexample: what happened, and where the case stood then."""

    at: Instant
    level: str | None
    what: str

    def __str__(self) -> str:
        return f"{say_instant(self.at)}  on {self.level or 'no level'}: {self.what}"


class Refuted(Value):
    """A case of which the claim does not hold: at the last instant of the trace it is still below.

    It was replayed through `decide` before it was returned.
    """

    claim: Claim
    policy: Policy
    case: Case
    trace: tuple[Step, ...]

    def __bool__(self) -> bool:
        return False

    @property
    def at(self) -> Instant:
        """When the time was up."""
        return self.trace[-1].at

    @property
    def still_reproduces(self) -> bool:
        """Whether `decide` finds the case below the level at that instant."""
        return is_below(self.policy, self.case, self.at, self.claim.reaches)

    def as_test(self, name: str = "test_the_case_is_high_enough") -> str:
        """The source of a pytest test which asks for what was claimed: it fails until the policy is mended.

        The policy stands in it as it is; put your own in its place.
        """
        track = self.policy.track_of(self.claim.reaches)
        order = [None, *(level.key for level in track.levels)]
        wanted = order[order.index(self.claim.reaches) :]
        return "\n".join(
            [
                "from escalation_rules import *",
                "from escalation_rules import actions as A, events as E, facts as F",
                "from escalation_rules.conditions import AllOf, AnyOf",
                "from escalation_rules.patterns import FieldTest, Pattern",
                "from escalation_rules.worktime import *",
                "",
                f"POLICY = {self.policy!r}",
                "",
                "",
                f"def {name}():",
                f'    """{str(self.claim)[0].upper()}{str(self.claim)[1:]}."""',
                f"    case = {self.case!r}",
                f"    at = E.Resolved(at={show(self.at)}).at",
                "    decision = decide(POLICY, case, at=at)",
                f"    assert decision.levels[{track.key!r}] in {wanted!r}, decision.explain()",
                "",
            ]
        )

    def __str__(self) -> str:
        return "\n".join([f"not so: {self.claim}", *map(str, self.trace)])


class Unknown(Value):
    """Neither a proof nor a counterexample was found.

    The claim is outside what can be proved, or the `budget` of steps was `spent`, of which `steps` were taken; how long
    that takes is no measure of anything here.
    """

    claim: Claim
    budget: int
    steps: int = 0
    spent: bool = False

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        why = f"the budget of {self.budget:,} steps was spent" if self.spent else "it is outside what can be proved"
        return f"not known: {self.claim}; {why}, and no case was found that breaks it"


def is_below(policy: Policy, case: Case, at: Instant, level: str) -> bool:
    """Whether a case stands below a level on its track, as `decide` has it."""
    track = policy.track_of(level)
    order = [None, *(one.key for one in track.levels)]
    return order.index(decide(policy, case, at=at).levels[track.key]) < order.index(level)
