"""What pydantic found wrong with the fields of a value, in this library's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from escalation_rules.errors import EscalationRulesError, InvalidValue, Problem, a, nearest, unknown

__all__ = ["invalid"]

_WANTED: Mapping[str, str] = {
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "tuple_type": "a tuple or a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_attributes_type": "a mapping, or the value that it stands for",
    "date_type": "a date",
}
"""What pydantic calls a valid string, boolean, and so on."""
_READ_AS = ("str", "Span", "Pick")
"""What a field may hold one or the other of."""


def invalid(cls: type[BaseModel], error: ValidationError) -> InvalidValue:
    """The error of a value that could not be made, with every problem and its path."""
    details = error.errors(include_url=False)
    problems = [problem for detail in details for problem in _problems(cls, detail)]
    named = [own.subject for own in map(_own_error, details) if own is not None and own.subject]
    return InvalidValue(*problems, subject=named[0] if named else cls.__name__)


def _own_error(detail: ErrorDetails) -> EscalationRulesError | None:
    error = detail.get("ctx", {}).get("error")
    return error if isinstance(error, EscalationRulesError) else None


def _problems(cls: type[BaseModel], detail: ErrorDetails) -> list[Problem]:
    path = _path(detail["loc"])
    own = _own_error(detail)
    if own is not None:
        return [problem.under(path) for problem in own.problems]
    if detail["type"] == "missing":
        return [Problem("missing", path=path)]
    if detail["type"] == "extra_forbidden":
        name = str(detail["loc"][-1])
        fields = cls.model_fields if len(detail["loc"]) == 1 else {}
        return [Problem("unknown field", name, path=_path(detail["loc"][:-1]), suggestion=nearest(name, fields))]
    return [_problem(detail, path)]


def _problem(detail: ErrorDetails, path: str) -> Problem:
    """Something that is of another type, or none of the words that are taken."""
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "union_tag_invalid":
        return unknown("type", context["tag"], _quoted(context["expected_tags"]), path)
    if kind == "union_tag_not_found":
        return Problem("not valid:", given, path, "a value that says its `type`")
    words = _quoted(context["expected"]) if kind == "literal_error" else []
    return Problem("not valid:", given, path, _wanted(kind, context, detail["msg"]), nearest(given, words))


def _wanted(kind: str, context: Mapping[str, Any], message: str) -> str:
    if kind in {"model_type", "dataclass_type"}:
        return a(f"`{context['class_name']}`")
    text = _WANTED.get(kind, message.removeprefix("Input should be "))
    return text[:1].lower() + text[1:]


def _quoted(text: str) -> list[str]:
    return re.findall("'([^']*)'", text)


def _path(location: tuple[int | str, ...]) -> str:
    """The steps to what is wrong, without those that only say as what pydantic tried to read it."""
    steps = [step for step in location if isinstance(step, int) or not ("[" in step or step in _READ_AS)]
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")
