"""Constants that a pattern compares a field with: those that the field can hold, as it holds them."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from escalation_rules._problems import invalid
from escalation_rules._values import Value
from escalation_rules.errors import InvalidValue

__all__ = ["as_held"]


def as_held(kind: type[Value], name: str, given: object) -> Any:
    """A constant as a field of a value holds it; where the field holds several things, as one among them.

    Raises `InvalidValue` for what the field never holds: a text for a flag, an unknown word for one of a few.
    """
    adapter = _adapter(kind, name)
    try:
        held = adapter.validate_python(given)
        if isinstance(held, bool | str):  # pydantic reads "yes" as true, which an event may say and a pattern may not
            adapter.validate_python(given, strict=True)
    except ValidationError as error:
        raise InvalidValue(*(problem.under(name) for problem in invalid(kind, error).problems)) from None
    return held


@cache
def _adapter(kind: type[Value], name: str) -> TypeAdapter[Any]:
    field = kind.model_fields[name]
    if get_origin(field.annotation) is tuple:
        return TypeAdapter(get_args(field.annotation)[0] | None)  # None stands for nothing among them
    annotation: Any = Annotated[field.annotation, name, *field.metadata]  # the name means nothing to pydantic
    return TypeAdapter(annotation)
