"""A run: one case under one policy, and what the policy says of it at every instant at which something changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.case import Case
from escalation_rules.conditions import BUILT_IN, Condition
from escalation_rules.decision import Decision
from escalation_rules.engine import decide
from escalation_rules.engine.asking import holds, value_of
from escalation_rules.errors import UnknownName, unknown
from escalation_rules.policy import Policy
from escalation_rules.worktime import SpanLike

__all__ = ["Length", "Run", "Step"]

WAKES = 5
"""How many wake-ups are followed between two events, and after the last."""


@dataclass(frozen=True)
class Length:
    """How long something has lasted, to be compared with a span as a rule would compare it."""

    policy: Policy
    case: Case
    at: datetime
    fact: F.Fact

    def __ge__(self, span: SpanLike) -> bool:
        return holds(self.policy, self.fact >= span, self.case, at=self.at)

    def __lt__(self, span: SpanLike) -> bool:
        return not self >= span


@dataclass(frozen=True)
class Step:
    """What a policy says of a case at one instant of its run; `case` is what was known then."""

    policy: Policy
    case: Case
    at: datetime
    decision: Decision
    events: tuple[E.Event, ...] = ()

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

        A duration is compared with a span, as in a rule: `step.fact("open_for") >= "30 minutes"`. Raises `UnknownName`.
        """
        own = self.policy.own_fact(name)
        kind = BUILT_IN[name][0] if name in BUILT_IN else own.kind if own else None
        if kind is None or name in _NOT_ASKED:
            known = [*(one for one in BUILT_IN if one not in _NOT_ASKED), *(one.name for one in self.policy.facts)]
            raise UnknownName(unknown("fact", name, known))
        if kind == "outcome":
            return self.decision.deadline(str(of)).outcome
        if kind == "duration":
            fact = getattr(F, name)
            return Length(self.policy, self.case, self.at, fact(of) if of is not None else fact)
        return value_of(self.policy, name, self.case, at=self.at, of=of)

    def holds(self, condition: Condition) -> bool:
        """Whether a condition is known to hold here, as a rule of the first track would see it."""
        return holds(self.policy, condition, self.case, at=self.at)


_NOT_ASKED = frozenset({"happened", "used", "time_left", "level_failed", "plan_overdue"})
"""Facts that have no value of their own to show: `Step.holds` asks a condition about them."""


@dataclass(frozen=True, repr=False)
class Run:
    """A case under a policy, and its steps: every event and every wake-up, in order."""

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
        return f"Run.of({self.policy.name!r}, {self.case!r})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 as Hypothesis calls it
        printer.text(repr(self))


def known_at(case: Case, at: datetime) -> Case:
    """The case as far as it had come at an instant."""
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
            decision = decide(policy, known, at=at)
            yield Step(policy, known, at, decision, tuple(one for one in known.history if one.at == at))
            at = decision.wake_at
