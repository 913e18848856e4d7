"""`Rule`: when a condition holds, where the case goes and what else is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from escalation_rules._values import Name, Several, Value
from escalation_rules.actions import Action, Actions
from escalation_rules.conditions import Condition
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.facts import ConditionLike
from escalation_rules.picks import CalendarChoice

__all__ = ["NEXT", "Rule"]

NEXT = "next"


def _levels(given: object) -> Any:
    return (given,) if isinstance(given, str) else given


class Rule(Value):
    """A rule wants a case on a level (`to`, a key or `"next"`), asks for actions (`then`), or both.

    It applies while the case stands on one of the levels in `at`, or anywhere. `track` says where `"next"` is taken; it
    defaults to the track of `at`, else to the first. With `checklist="waived"` the level's entry checklist is not
    asked. Durations in `when` count in `calendar`, else in the track's, else in the policy's. Rules are free of order:
    the highest level that a holding rule names wins, and no rule lowers a case.
    """

    name: Name
    when: Condition
    to: str | None = None
    track: str | None = None
    at: Annotated[tuple[str, ...], BeforeValidator(_levels)] = ()
    then: Actions = ()
    checklist: Literal["required", "waived"] = "required"
    calendar: CalendarChoice = None

    if TYPE_CHECKING:

        def __init__(
            self,
            name: str,
            when: ConditionLike,
            to: str | None = None,
            track: str | None = None,
            at: Several[str] = (),
            then: Several[Action] = (),
            checklist: Literal["required", "waived"] = "required",
            calendar: CalendarChoice = None,
        ) -> None: ...

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.to is None and not self.then:
            raise InvalidValue(Problem("a rule that does nothing", self.name, expected="`to`, `then` or both"))
        return self
