"""`Rule`: when a condition holds, where the case goes and what else is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, model_validator

from escalation_rules._values import Name, Several, Value
from escalation_rules.actions import Action, Actions
from escalation_rules.conditions import Condition, OptionalCondition
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.facts import ConditionLike
from escalation_rules.picks import CalendarChoice

__all__ = ["NEXT", "Rule"]

NEXT = "next"


def _levels(given: object) -> Any:
    return (given,) if isinstance(given, str) else given


class Rule(Value):
    """A rule wants a case on a level (`to`, a key or `"next"`), asks for actions (`then`), or both.

    `key` names the rule in decisions and in the keys of actions; `title` is for people. The rule applies while the case
    is on one of the levels in `at_level`, or on any. `track` is the one on which `"next"` is taken; it defaults to the
    track of `at_level`, else to the first. With `checklist="waived"` the level's entry checklist is not asked. While
    `unless` is true, the rule is as one that is not true (rule 22): a guard is no cause, so setting and clearing it
    makes nothing new happen; while it is unknown, it holds nothing back.
    Durations in `when` count in `calendar`, else in the track's, else in the policy's. Rules have no order: the highest
    level that a true rule names wins, and no rule lowers a case (rule 21).

    >>> from escalation_rules import Rule, facts as F
    >>> Rule("left unanswered", when=F.unanswered_for >= "8 business hours", to="manager").at_level
    ()
    """

    positional: ClassVar[int | None] = 1
    key: Name
    when: Condition
    to: str | None = None
    track: str | None = None
    at_level: Annotated[tuple[str, ...], BeforeValidator(_levels)] = ()
    then: Actions = ()
    unless: OptionalCondition = None
    checklist: Literal["required", "waived"] = "required"
    calendar: CalendarChoice = None
    title: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            key: str,
            *,
            when: ConditionLike,
            to: str | None = None,
            track: str | None = None,
            at_level: Several[str] = (),
            then: Several[Action] = (),
            unless: ConditionLike | None = None,
            checklist: Literal["required", "waived"] = "required",
            calendar: CalendarChoice = None,
            title: str | None = None,
        ) -> None: ...

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.to is None and not self.then:
            raise InvalidValue(Problem("a rule that does nothing", self.key, expected="`to`, `then` or both"))
        return self
