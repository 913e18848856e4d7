"""A run: one case under one policy, and what the policy says of it at every instant at which something changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from escalation_rules import events as E
from escalation_rules._values import read_instant, show
from escalation_rules.case import Case
from escalation_rules.conditions import Condition
from escalation_rules.decision import Decision
from escalation_rules.engine import decide
from escalation_rules.engine.probe import holds
from escalation_rules.policy import Policy
from escalation_rules.testing.readings import read_fact

__all__ = ["Run", "Step"]

WAKES = 5
"""How many wake-ups are followed between two events, and after the last."""


@dataclass(frozen=True, repr=False)
class Step:
    """What a policy says of a case at one instant of its run; `case` is what was known then."""

    policy: Policy
    case: Case
    at: datetime
    decision: Decision
    events: tuple[E.Event, ...] = ()

    @classmethod
    def of(cls, policy: Policy, case: Case, at: datetime | str) -> Step:
        """The step of a case at an instant, given as a datetime or as its ISO 8601 text."""
        now = read_instant(at)
        known = known_at(case, now)
        return cls(
            policy, known, now, decide(policy, known, at=now), tuple(one for one in known.history if one.at == now)
        )

    def __repr__(self) -> str:
        return f"Step.of(policy, {self.case!r}, {show(self.at)})"

    @property
    def level(self) -> str | None:
        """The level on the first track, moves that are due included."""
        return next(iter(self.decision.levels.values()), None)

    @property
    def is_live(self) -> bool:
        """Whether the case is being worked on here: neither ended nor outside."""
        return self.decision.status in {"open", "waiting"}

    def fact(self, name: str, of: str | None = None) -> Any:
        """The value of a fact at this instant, None where it is unknown; `of` names the track or target.

        A duration is compared with a span, as in a rule: `step.fact("open_for") >= "30 minutes"`; a share of a
        target's span is a fraction: `step.fact("used", "resolution") >= "75%"`. What `happened` is asked with
        `holds`. Raises `UnknownName`, and `InvalidValue` for a fact that is not asked rightly.
        """
        return read_fact(self.policy, self.case, self.at, name, of)

    def holds(self, condition: Condition) -> bool:
        """Whether a condition is known to hold here, as a rule of the first track would see it."""
        return holds(self.policy, condition, self.case, at=self.at)


@dataclass(frozen=True, repr=False)
class Run:
    """A case under a policy, and its steps: every event and every wake-up, in order.

    Printed, it is `Run.of(policy, Case(…))`, to be pasted where `policy` is the policy.
    """

    policy: Policy
    case: Case
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, policy: Policy, case: Case) -> Run:
        """The run of a case: what a prompt host would be told, if it asked and did nothing.

        >>> from datetime import UTC, datetime
        >>> from escalation_rules import Case, EscalationLevel, Policy, Rule, facts as F
        >>> rule = Rule(name="late", when=F.open_for >= "2 hours", to="second")
        >>> levels = (EscalationLevel(key="first"), EscalationLevel(key="second"))
        >>> run = Run.of(
        ...     Policy(name="desk", version="1", levels=levels, rules=rule),
        ...     Case.open("C-1", at=datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ... )
        >>> [(step.at.hour, step.level) for step in run.steps]
        [(9, 'first'), (11, 'second')]
        """
        return cls(policy, case, tuple(_steps(policy, case)))

    def __repr__(self) -> str:
        return f"Run.of(policy, {self.case!r})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 as Hypothesis calls it
        """As Hypothesis prints it where a test fails: an event a line, if one line is too short for all of them."""
        end = f"), {show(self.case.attributes)}))" if self.case.attributes else ")))"
        with printer.group(4, f"Run.of(policy, Case({self.case.id!r}, (", end):
            for number, event in enumerate(self.case.history):
                printer.breakable(" " if number else "")
                printer.text(f"{event!r},")


def known_at(case: Case, at: datetime) -> Case:
    """The case as far as it had come at an instant."""
    if case.history[-1].at <= at:
        return case
    return Case.model_construct(
        id=case.id, history=tuple(event for event in case.history if event.at <= at), attributes=case.attributes
    )


def _steps(policy: Policy, case: Case) -> Iterator[Step]:
    instants = list(dict.fromkeys(event.at for event in case.history))
    for number, start in enumerate(instants):
        end = instants[number + 1] if number + 1 < len(instants) else None
        known = known_at(case, start)
        at: datetime | None = start
        for _ in range(WAKES):
            if at is None or (end is not None and at >= end):
                break
            step = Step.of(policy, known, at)
            yield step
            at = step.decision.wake_at
