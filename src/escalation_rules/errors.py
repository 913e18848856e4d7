"""The error tree: fields first, text made from them; errors of pydantic are translated into the same words.

Catch `EscalationRulesError` for anything this library raises on purpose. The concrete classes are also the built-in
errors that a Python programmer would expect: a value that cannot be made is a `ValueError`, a name that cannot be found
is a `LookupError`, a condition used as a Python truth value is a `TypeError`.

>>> from escalation_rules.errors import InvalidValue, Problem
>>> str(InvalidValue(Problem("unknown level", given="manger", path="rules[0].to", suggestion="manager")))
'rules[0].to: unknown level `manger`; did you mean `manager`'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from escalation_rules._former_names import MODULES, present_name

__all__ = ["EscalationRulesError", "InvalidValue", "Misuse", "Problem", "UnknownName", "a", "nearest", "unknown"]


_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what, where, what was given (`...` for nothing), what was expected, what was meant."""

    what: str
    given: Any = ...
    path: str = ""
    expected: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        given = "" if self.given is ... else f" `{_short(self.given)}`"
        expected = f", expected {self.expected}" if self.expected else ""
        suggestion = f"; did you mean `{self.suggestion}`" if self.suggestion else ""
        return f"{where}{self.what}{given}{expected}{suggestion}"

    @property
    def code(self) -> str:
        """The kind of problem, for programs: what is wrong, without names, in lower case with hyphens."""
        return "-".join(re.findall("[a-z]+", re.sub("`[^`]*`", "", self.what.lower())))

    @property
    def severity(self) -> str:
        """Always `error`: nothing was made."""
        return "error"

    @property
    def message(self) -> str:
        """The sentence without the path: what is wrong, what was given and what was expected."""
        return str(replace(self, path="", suggestion=""))

    @property
    def fix(self) -> str:
        """The value that was probably meant, as a suggestion; empty if there is none."""
        return f"did you mean `{self.suggestion}`" if self.suggestion else ""

    def under(self, path: str) -> Problem:
        """The same problem seen from the value that holds this one at `path`."""
        joint = "." if path and self.path and not self.path.startswith("[") else ""
        return replace(self, path=f"{path}{joint}{self.path}")


class EscalationRulesError(Exception):
    """The root of the tree: one or more problems, collected before raising."""

    def __init__(self, *problems: Problem, subject: str = "") -> None:
        super().__init__(*problems)
        self.problems = problems
        self.subject = subject

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        head = f"{len(self.problems)} problems" + (f" in {self.subject}" if self.subject else "")
        return "\n".join([head + ":", *(f"- {problem}" for problem in self.problems)])


class InvalidValue(EscalationRulesError, ValueError):
    """A value could not be made from what was given. Whatever existed before is untouched."""


class UnknownName(EscalationRulesError, LookupError):
    """A name was looked up that the policy, the case or the decision does not have."""


class Misuse(EscalationRulesError, TypeError):
    """An expression that Python accepts and that cannot mean what it says, such as `and` between conditions."""


def a(noun: str) -> str:
    """A noun with its article.

    >>> a("flag"), a("outcome"), a("`Item`")
    ('a flag', 'an outcome', 'an `Item`')
    """
    return f"{'an' if noun.lstrip('`')[:1].lower() in set('aeiou') else 'a'} {noun}"


def nearest(name: object, known: Iterable[str]) -> str:
    """The known name closest to `name`, or nothing when none is close."""
    matches = get_close_matches(str(name).lower(), list(known), n=1, cutoff=0.6)
    return matches[0] if matches else ""


def unknown(kind: str, name: object, known: Iterable[str], path: str = "") -> Problem:
    """The problem of a name that is not among the known ones."""
    names = sorted(set(known))
    shown = ", ".join(f"`{one}`" for one in names[:12]) + (" …" if len(names) > 12 else "")
    expected = f"one of {shown}" if names else f"no {kind} here: none is declared"
    former = MODULES["facts"].get(str(name)) if kind == "fact" else None
    meant = former if former in names else nearest(name, names)
    return Problem(f"unknown {kind}", given=name, path=path, expected=expected, suggestion=meant)


def _short(given: Any) -> str:
    text = str(given) if isinstance(given, str | Decimal) else repr(given)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


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


def _class_at(cls: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The class of the value at a location, as far as the annotations of fields say it."""
    known: list[type[BaseModel]] = [cls]
    for step in location:
        if isinstance(step, int):
            continue
        tagged = [one for one in known if one.__name__ == step]
        fields = [one.model_fields[step].annotation for one in known if step in one.model_fields]
        known = tagged or [one for field in fields for one in _models_in(field)] or known
    return known[0] if len(known) == 1 else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for argument in get_args(annotation) for one in _models_in(argument)]


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
        name, owner = str(detail["loc"][-1]), _class_at(cls, detail["loc"][:-1])
        meant = (present_name(owner, name) or nearest(name, owner.model_fields)) if owner else ""
        return [Problem("unknown field", name, path=_path(detail["loc"][:-1]), suggestion=meant)]
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
