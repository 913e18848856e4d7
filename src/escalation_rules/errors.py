"""The error tree: every error carries its fields, and its text is made from them.

Catch `EscalationRulesError` for anything this library raises on purpose. The concrete classes are also the built-in
errors that a Python programmer would expect: a value that cannot be made is a `ValueError`, a name that cannot be found
is a `LookupError`, a condition used as a Python truth value is a `TypeError`.

>>> from escalation_rules.errors import InvalidValue, Problem
>>> str(InvalidValue(Problem("unknown level", given="manger", path="rules[0].to", suggestion="manager")))
'rules[0].to: unknown level `manger`; did you mean `manager`'
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

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
    return Problem(f"unknown {kind}", given=name, path=path, expected=expected, suggestion=nearest(name, names))


def _short(given: Any) -> str:
    text = str(given) if isinstance(given, str | Decimal) else repr(given)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
