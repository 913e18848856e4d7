"""What a step says of a fact: its value, or for what is measured something to compare as a rule would compare it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, NoReturn

from escalation_rules import facts as F
from escalation_rules.case import Case
from escalation_rules.conditions import BUILT_IN, Condition
from escalation_rules.engine.probe import holds, value_of
from escalation_rules.errors import InvalidValue, Misuse, Problem, UnknownName, unknown
from escalation_rules.policy import Policy
from escalation_rules.worktime import SpanLike

__all__ = ["Length", "Share", "read_fact"]


@dataclass(frozen=True, eq=False, repr=False)
class Length:
    """How long something has lasted, to be compared with a span as a rule would compare it, by `>=` and `<`.

    What is unknown, such as the time left of no clock, is neither. Any other comparison raises as it would in a rule.
    """

    policy: Policy
    case: Case
    at: datetime
    fact: F.Fact

    def __ge__(self, span: SpanLike) -> bool:
        return self._holds(self.fact >= span)

    def __lt__(self, span: SpanLike) -> bool:
        return self._holds(self.fact < span)

    def __gt__(self, span: SpanLike) -> bool:
        return self._holds(self.fact > span)

    def __le__(self, span: SpanLike) -> bool:
        return self._holds(self.fact <= span)

    def __eq__(self, span: object) -> bool:
        return self._holds(self.fact == span)

    __hash__ = None  # type: ignore[assignment]  # it equals spans by what a rule would say, which no hash can follow

    def __bool__(self) -> NoReturn:
        raise Misuse(Problem(f"truth of the duration `{self!r}`", expected="a comparison with a span, by `>=` or `<`"))

    def __repr__(self) -> str:
        return repr(self.fact)

    def _holds(self, condition: Condition) -> bool:
        return holds(self.policy, condition, self.case, at=self.at)


class Share(Fraction):
    """How much of its span a target has used up: a fraction that compares with `"75%"` and `"3/4"` too, as in a rule.

    >>> Share(3, 4) >= "75%"
    True
    """

    def __ge__(self, other: Any) -> bool:
        return bool(Fraction(self) >= _number(other))

    def __lt__(self, other: Any) -> bool:
        return bool(Fraction(self) < _number(other))

    def __gt__(self, other: Any) -> bool:
        return bool(Fraction(self) > _number(other))

    def __le__(self, other: Any) -> bool:
        return bool(Fraction(self) <= _number(other))

    def __eq__(self, other: object) -> bool:
        return bool(Fraction(self) == _number(other))

    __hash__ = Fraction.__hash__

    def __repr__(self) -> str:
        return f"Fraction({self.numerator}, {self.denominator})"


def _number(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    atom: Any = F.used("any") >= given
    return Fraction(atom.value)


def read_fact(policy: Policy, case: Case, at: datetime, name: str, of: str | None) -> Any:
    """The value of a fact at an instant, None where it is unknown.

    Raises `UnknownName`, and `InvalidValue` for a fact that is not asked rightly.
    """
    kind, argument = _kind(policy, name)
    _ask_rightly(policy, name, argument, of)
    if kind == "duration":
        return Length(policy, case, at, _handle(name, of))
    if name == "level_failed":
        return holds(policy, _handle(name, of).as_condition(), case, at=at)
    value = value_of(policy, name, case, at=at, of=of)
    return Share(value) if kind == "share" else value


def _kind(policy: Policy, name: str) -> tuple[str, str]:
    """Of which kind a fact is, and what it is asked about. On every track there is a level."""
    if isinstance(name, F.Fact):
        raise InvalidValue(Problem("fact asked by its handle", name, expected="its name", suggestion=repr(name.name)))
    if own := policy.own_fact(name):
        return own.kind, ""
    if name not in BUILT_IN:
        raise UnknownName(unknown("fact", name, [*BUILT_IN, *(one.name for one in policy.facts)]))
    return (BUILT_IN[name][0], "track") if name == "level" else BUILT_IN[name]


def _ask_rightly(policy: Policy, name: str, argument: str, of: str | None) -> None:
    if argument == "pattern":
        raise InvalidValue(Problem("fact asked by name", name, expected="its pattern: `step.holds(F.happened(…))`"))
    if argument == "" and of is not None:
        raise InvalidValue(Problem(f"`{name}` asked about", of, expected="no argument"))
    words = policy.vocabulary
    known = {"target": words.targets, "track": words.tracks}.get(argument, ())
    if argument and of not in known and not (argument == "track" and of is None):
        raise UnknownName(unknown(argument, of, known, name))


def _handle(name: str, of: str | None) -> F.Fact:
    handle: F.Fact | Callable[[str], F.Fact] = getattr(F, name)
    if of is not None:
        return handle(of)
    assert isinstance(handle, F.Fact)
    return handle
