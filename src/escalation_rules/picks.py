"""`Pick`: a role, a calendar or a span that depends on the priority or on a choice fact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from escalation_rules._values import Frozen, Value
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.worktime.spans import Span, SpanLike

__all__ = ["CalendarChoice", "Pick", "RoleChoice", "SpanChoice", "SpanOrPick", "alternatives", "read_span_choice"]


def _named(given: object) -> object:
    if not isinstance(given, str | Span | timedelta | Mapping | None):
        raise InvalidValue(Problem("not a choice", given, expected="a name or a span of time"))
    return given


Held = Annotated[str | Span | None, BeforeValidator(_named)]


class Pick(Value):
    """One of several values, by the priority or by a choice fact of the policy; `otherwise` where none is named.

    It stands wherever a role, a calendar's name or a span is wanted.

    >>> within = Pick(by="priority", values={"urgent": "1 business hour"}, otherwise="1 business day")
    >>> within.choose("urgent"), within.choose("low")
    ('1 business hour', '1 business day')
    """

    by: str
    values: Frozen[str, Held]
    otherwise: Held = None

    if TYPE_CHECKING:

        def __init__(
            self, by: str, values: Mapping[str, SpanLike | None], otherwise: SpanLike | None = None
        ) -> None: ...

    def choose(self, current: object) -> str | Span | None:
        """The value for what `by` is at present."""
        return self.values.get(str(current), self.otherwise)

    def map(self, read: Callable[[Any], Any]) -> Pick:
        """The same choice with each value read in some way; nothing stays nothing."""
        read_values = {key: None if value is None else read(value) for key, value in self.values.items()}
        return Pick(by=self.by, values=read_values, otherwise=None if self.otherwise is None else read(self.otherwise))


def _as_pick(given: object) -> Pick | None:
    if isinstance(given, Pick):
        return given
    return Pick.model_validate(given) if isinstance(given, Mapping) and "by" in given else None


def read_span_choice(given: Any) -> Any:
    """A span or a pick of spans, from whatever stands for one."""
    if given is None:
        return None
    pick = _as_pick(given)
    return pick.map(Span.of) if pick else Span.of(given)


def alternatives(given: object) -> Iterator[Any]:
    """All that a value or a pick may turn out to be."""
    if isinstance(given, Pick):
        yield from given.values.values()
        yield given.otherwise
    else:
        yield given


SpanChoice = Annotated[Span | Pick | None, BeforeValidator(read_span_choice)]
"""A span, a pick of spans, or nothing."""
SpanOrPick = SpanLike | Pick
"""Whatever stands for a span or a pick of spans."""


def _name_or_pick(given: object) -> object:
    if not isinstance(given, str | Pick | Mapping):
        raise InvalidValue(Problem("not a name", given, expected="a text or a `Pick`"))
    return given


RoleChoice = Annotated[str | Pick, BeforeValidator(_name_or_pick)]
"""A role, or a pick of roles."""
CalendarChoice = RoleChoice | None
"""The name of one of the policy's calendars, a pick of such names, or nothing."""
