"""`Pick`: a role, a calendar, a span or a list of waits that depends on the priority, a choice fact or a flag.

A mapping by priority is short for a pick: `{"P1": "15 minutes", "otherwise": "4 business hours"}`. Values may be picks
themselves, so that a span can depend on a flag and then on the priority.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from pydantic import BeforeValidator

from escalation_rules._values import Frozen, Several, Value
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.worktime.spans import Span, SpanLike

__all__ = [
    "CalendarChoice",
    "Pick",
    "RoleChoice",
    "SpanChoice",
    "SpanOrPick",
    "WaitsChoice",
    "alternatives",
    "facts_of",
    "picked",
    "read_span_choice",
]

RESERVED = ("by", "otherwise", "none", "within")
"""Words that no priority may be called, since they have a meaning in picks and targets."""
_FLAG_KEYS = {True: "true", False: "false"}


def _value(given: object) -> object:
    if isinstance(given, Mapping):
        return as_pick(given)
    if isinstance(given, list):
        given = tuple(given)
    texts = isinstance(given, tuple) and all(isinstance(one, str) for one in given)
    if not texts and not isinstance(given, str | Span | timedelta | Pick | None):
        raise InvalidValue(Problem("not a choice", given, expected="a name, a span of time, or names"))
    return given


def _keys(given: object) -> object:
    """The values of a pick by their names; of a flag, `true` and `false`."""
    if not isinstance(given, Mapping):
        return given
    return {_FLAG_KEYS.get(key, key) if isinstance(key, bool) else key: value for key, value in given.items()}


PickValue: TypeAlias = "SpanLike | Pick | Mapping[str, Any] | Sequence[str] | None"
"""Anything that a pick may give: a name, a span, names of parties, or an inner pick."""


class Pick(Value):
    """One of several values, by the priority, a choice fact or a flag of the policy; `otherwise` for all the rest.

    A pick may be written wherever a role, a calendar's name, a span or `pause_on` is expected. The values of a flag are
    given for True and False (in data, for yes and no).

    >>> within = Pick(by="priority", values={"urgent": "1 business hour"}, otherwise="1 business day")
    >>> within.choose("urgent"), within.choose("low")
    ('1 business hour', '1 business day')
    >>> by_vip = Pick(by="vip", values={True: "1 hour", False: {"urgent": "2 hours", "otherwise": "8 hours"}})
    >>> by_vip.choose(True), by_vip.facts
    ('1 hour', ('vip', 'priority'))
    """

    positional: ClassVar[int | None] = 1
    by: str
    values: Annotated[Frozen[str, Annotated[Any, BeforeValidator(_value)]], BeforeValidator(_keys)]
    otherwise: Annotated[Any, BeforeValidator(_value)] = None

    if TYPE_CHECKING:

        def __init__(
            self, by: str, *, values: Mapping[str, PickValue] | Mapping[bool, PickValue], otherwise: PickValue = None
        ) -> None: ...

    def choose(self, current: object) -> Any:
        """The value for the present value of `by`: of a priority, a choice or a flag."""
        if isinstance(current, bool):
            names = ("true", "yes") if current else ("false", "no")
            return next((self.values[name] for name in names if name in self.values), self.otherwise)
        return self.values.get(str(current), self.otherwise)

    @property
    def facts(self) -> tuple[str, ...]:
        """The names that the value depends on, those of inner picks included."""
        inner = (name for value in (*self.values.values(), self.otherwise) for name in facts_of(value))
        return tuple(dict.fromkeys((self.by, *inner)))

    def map(self, read: Callable[[Any], Any]) -> Pick:
        """The same choice with each value passed through `read`, inner picks included; None stays None."""

        def mapped(value: Any) -> Any:
            if isinstance(value, Pick):
                return value.map(read)
            return None if value is None else read(value)

        values = {key: mapped(value) for key, value in self.values.items()}
        return Pick(by=self.by, values=values, otherwise=mapped(self.otherwise))


def as_pick(given: Any) -> Pick | None:
    """The pick that a value, its data form or a mapping by priority stands for; None if it is no pick."""
    if isinstance(given, Pick):
        return given
    if not isinstance(given, Mapping):
        return None
    if "by" not in given:
        values = {key: value for key, value in given.items() if key != "otherwise"}
        return Pick(by="priority", values=values, otherwise=given.get("otherwise"))
    if "values" in given:
        return Pick.model_validate(given)
    values = {key: value for key, value in given.items() if key not in {"by", "otherwise"}}
    return Pick(by=given["by"], values=values, otherwise=given.get("otherwise"))


def read_span_choice(given: Any) -> Any:
    """A span or a pick of spans, from anything that can be read as such."""
    if given is None:
        return None
    pick = as_pick(given)
    return pick.map(Span.of) if pick else Span.of(given)


def picked(given: Any, current: Mapping[str, object]) -> Any:
    """The value itself, or of a pick the value for the present facts, given by name."""
    while isinstance(given, Pick):
        given = given.choose(current.get(given.by))
    return given


def facts_of(given: object) -> tuple[str, ...]:
    """The names that a value depends on: none unless it is a pick."""
    return given.facts if isinstance(given, Pick) else ()


def alternatives(given: object) -> Iterator[Any]:
    """All values that a choice may have, those of inner picks included."""
    if isinstance(given, Pick):
        for value in (*given.values.values(), given.otherwise):
            yield from alternatives(value)
    else:
        yield given


SpanChoice = Annotated[Span | Pick | None, BeforeValidator(read_span_choice)]
"""A span, a pick of spans, or None."""
SpanOrPick = SpanLike | Pick | Mapping[str, Any]
"""Anything that can be read as a span or a pick of spans."""


def _name_or_pick(given: object) -> object:
    if isinstance(given, Mapping):
        return as_pick(given)
    if not isinstance(given, str | Pick):
        raise InvalidValue(Problem("not a name", given, expected="a text or a `Pick`"))
    return given


RoleChoice = Annotated[str | Pick, BeforeValidator(_name_or_pick)]
"""A role, or a pick of roles."""
CalendarChoice = RoleChoice | None
"""The name of one of the policy's calendars, a pick of such names, or None."""


def _waits(given: Any) -> Any:
    pick = as_pick(given)
    if pick:
        return pick.map(lambda one: (one,) if isinstance(one, str) else tuple(one))
    return (given,) if isinstance(given, str) else given


WaitsChoice = Annotated[tuple[str, ...] | Pick, BeforeValidator(_waits)]
"""The parties whose waits pause a clock, or a pick of such."""
WaitsLike = Several[str] | Pick | Mapping[str, Any]
"""Anything that can be read as the parties whose waits pause a clock."""
