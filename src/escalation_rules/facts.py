"""Facts, read by convention as `F`: what a condition may ask of a case at an instant.

A handle compared with a constant makes an atom; a flag is a condition by itself. Facts of a policy's own are made
here too and declared on the policy with their domain.

>>> from escalation_rules import facts as F
>>> (F.priority >= "high") & (F.unanswered_for >= "4 business hours")
(F.priority >= 'high') & (F.unanswered_for >= '4 business hours')
>>> F.flag("production_down") & ~F.acknowledged
(F.flag('production_down')) & (~(F.acknowledged))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, NoReturn, Self

from pydantic import BeforeValidator, StrictBool, StrictInt, StrictStr, model_validator

from escalation_rules._former_names import moved
from escalation_rules._values import FrozenDict, Name, Value, show
from escalation_rules.conditions import BRACKETS, AllOf, AnyOf, Atom, Condition, Op
from escalation_rules.errors import InvalidValue, Misuse, Problem
from escalation_rules.events import patterns_of
from escalation_rules.fact_table import FACTS, FactKind
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick

__all__ = [
    "ConditionLike",
    "Declared",
    "Fact",
    "acknowledged",
    "assignments",
    "at_level_for",
    "breached",
    "channel",
    "choice",
    "count",
    "customer_silent_for",
    "escalation_request_open",
    "escalation_requests",
    "flag",
    "happened",
    "label",
    "level",
    "level_failed",
    "moves",
    "no_update_for",
    "open_for",
    "outcome",
    "overdue_for",
    "plan_has_backup",
    "plan_items_overdue",
    "priority",
    "remaining",
    "reopenings",
    "replies",
    "resolved_for",
    "status",
    "status_requests",
    "unanswered_for",
    "unassigned_for",
    "used",
]


class OwnFact(Value):
    """A fact of the policy's own, declared with its domain: what values it may take.

    With a `default`, the fact has that value from the opening on, until another is observed (rule 31).
    """

    positional: ClassVar[int | None] = 1
    name: Name
    kind: Literal["flag", "count", "choice", "label"]
    minimum: int | None = None
    maximum: int | None = None
    values: tuple[str, ...] = ()
    default: StrictBool | StrictInt | StrictStr | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.name in FACTS:
            raise InvalidValue(Problem("fact of the library's own", self.name, expected="another name"))
        if self.kind == "count" and (self.minimum is None or self.maximum is None or self.minimum > self.maximum):
            raise InvalidValue(
                Problem("count without its domain", self.name, expected="its lowest and its highest value")
            )
        if self.kind == "choice" and not self.values:
            raise InvalidValue(Problem("choice without its values", self.name, expected="at least one"))
        if self.default is not None and not self._admits(self.default):
            raise InvalidValue(Problem(f"not a default of {self.name}:", self.default, expected=self._domain()))
        return self

    def known(self, value: Any) -> Any:
        """The value that an observation stands for: nothing observed is the default."""
        return self.default if value is None else value

    def problem_with(self, value: object) -> Problem | None:
        """What is wrong with a value that was observed, if anything; None means unknown and is fine."""
        if value is None or self._admits(value):
            return None
        return Problem(f"not a value of {self!r}:", value, expected=self._domain())

    def _admits(self, value: object) -> bool:
        if self.kind == "count":
            minimum, maximum = self.minimum or 0, self.maximum or 0
            return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum
        if self.kind == "flag":
            return isinstance(value, bool)
        return isinstance(value, str) and (self.kind == "label" or value in self.values)

    def _domain(self) -> str:
        if self.kind == "count":
            return f"a whole number from {self.minimum} to {self.maximum}"
        if self.kind == "choice":
            return f"one of {', '.join(f'`{one}`' for one in self.values)}"
        return "true or false" if self.kind == "flag" else "a text"

    def __repr__(self) -> str:
        count = f", minimum={self.minimum}, maximum={self.maximum}"
        domain = {"count": count, "choice": f", {show(self.values)}"}.get(self.kind, "")
        default = "" if self.default is None else f", default={show(self.default)}"
        return f"F.{self.kind}({self.name!r}{domain}{default})"

    __str__ = __repr__


@dataclass(frozen=True, eq=False, repr=False)
class Fact:
    """A handle on a fact: compare it with a constant to get a condition. A flag is a condition by itself.

    Durations and shares compare with `>=` and `<`, so that each has one crossing; flags, choices, labels and outcomes
    with `==` and `!=`; counts and what is ordered with everything. `of` is the track or the target it is asked about,
    `domain` what a policy's own fact was made with beside its name. A handle cannot be changed.
    """

    name: str
    kind: FactKind
    of: str | None = None
    pattern: tuple[Pattern, ...] = ()
    calendar: str | Pick | None = None
    domain: FrozenDict[str, Any] | None = None

    def __call__(self, track: str) -> Fact:
        """The same fact on one track: `F.at_level_for("vendor")`. Raises `Misuse` for facts that know no tracks."""
        if self.name not in FACTS or FACTS[self.name].about != "track":
            raise Misuse(Problem(f"`F.{self.name}` asked about", track, expected="no argument"))
        return replace(self, of=track)

    def on(self, calendar: str | Pick) -> Fact:
        """The same duration counted in one of the policy's calendars, by name or by a pick of names."""
        return replace(self, calendar=calendar)

    def in_(self, *values: object) -> Condition:
        """The condition that the fact has one of these values."""
        return self._atom("in", values)

    def as_condition(self) -> Condition:
        """The condition that a flag is true. Raises `Misuse` for any other fact."""
        if self.kind != "flag":
            raise Misuse(Problem(f"`{self!r}` by itself is no condition", expected=f"a comparison; {BRACKETS}"))
        return self._atom("==", True)

    def as_declaration(self) -> OwnFact:
        """The declaration of a policy's own fact.

        Raises `InvalidValue` for the library's facts and without a domain.
        """
        if self.domain is None:
            raise InvalidValue(
                Problem("fact of the library's own", self.name, expected="no declaration: it is always there")
            )
        if self.calendar is not None:
            raise InvalidValue(Problem(f"a calendar for a {self.kind}", self.calendar, expected="a duration"))
        return OwnFact.model_validate({"name": self.name, "kind": self.kind, **self.domain})

    def _atom(self, op: Op, value: object) -> Condition:
        return Atom(
            fact=self.name, kind=self.kind, op=op, value=value, of=self.of, pattern=self.pattern, calendar=self.calendar
        )

    def __ge__(self, value: object) -> Condition:
        return self._atom(">=", value)

    def __lt__(self, value: object) -> Condition:
        return self._atom("<", value)

    def __gt__(self, value: object) -> Condition:
        return self._atom(">", value)

    def __le__(self, value: object) -> Condition:
        return self._atom("<=", value)

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]
        return self._atom("==", value)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        return self._atom("!=", value)

    __hash__ = None  # type: ignore[assignment]

    def __and__(self, other: object) -> AllOf:
        return self.as_condition() & other

    def __or__(self, other: object) -> AnyOf:
        return self.as_condition() | other

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Condition:
        return ~self.as_condition()

    def __bool__(self) -> NoReturn:
        raise Misuse(
            Problem(f"truth of `{self!r}`", expected="`&`, `|` and `~` instead of `and`, `or`, `not` and chains")
        )

    def __repr__(self) -> str:
        calendar = "" if self.calendar is None else f".on({self.calendar!r})"
        return f"F.{self._asked()}{calendar}"

    def _asked(self) -> str:
        """The name, with what the fact is asked about or was made with."""
        if self.domain is not None:
            told = {name: value for name, value in self.domain.items() if value is not None and value != ()}
            domain = (show(value) if name == "values" else f"{name}={show(value)}" for name, value in told.items())
            return f"{self.kind}({', '.join([show(self.name), *domain])})"
        argument = show(self.pattern) if self.pattern else "" if self.of is None else repr(self.of)
        return self.name + (f"({argument})" if argument else "")


ConditionLike = Condition | Fact
"""Whatever stands for a condition: one, or a flag by itself."""


def _handle(name: str) -> Fact:
    """Return the handle of a fact of the library. `help(F.open_for)` shows the text of its row in the table."""
    fact = Fact(name, FACTS[name].kind)
    object.__setattr__(fact, "__doc__", FACTS[name].doc)
    return fact


priority = _handle("priority")
level = _handle("level")
status = _handle("status")
channel = _handle("channel")
open_for = _handle("open_for")
resolved_for = _handle("resolved_for")
customer_silent_for = _handle("customer_silent_for")
unanswered_for = _handle("unanswered_for")
unassigned_for = _handle("unassigned_for")
at_level_for = _handle("at_level_for")
no_update_for = _handle("no_update_for")
acknowledged = _handle("acknowledged")
level_failed = _handle("level_failed")
escalation_request_open = _handle("escalation_request_open")
escalation_requests = _handle("escalation_requests")
moves = _handle("moves")
reopenings = _handle("reopenings")
replies = _handle("replies")
status_requests = _handle("status_requests")
assignments = _handle("assignments")
plan_items_overdue = _handle("plan_items_overdue")
plan_has_backup = _handle("plan_has_backup")


def outcome(key: str) -> Fact:
    """The outcome of a target's latest instance: `not_started`, `pending`, `met`, `breached` or `void`."""
    return Fact("outcome", "outcome", of=key)


def breached(key: str) -> Condition:
    """The condition that a target's latest instance is breached: short for `F.outcome(key) == "breached"`.

    >>> from escalation_rules import facts as F
    >>> F.breached("resolution") == (F.outcome("resolution") == "breached")
    True
    """
    return outcome(key) == "breached"


def used(key: str) -> Fact:
    """The share of its span that a target's latest instance has used up; it pauses with the target."""
    return Fact("used", "share", of=key)


def overdue_for(key: str) -> Fact:
    """How long a target's latest instance has been due and not stopped; 0 before."""
    return Fact("overdue_for", "duration", of=key)


def remaining(key: str) -> Fact:
    """How long until a target's latest instance is due; unknown without a pending clock that runs."""
    return Fact("remaining", "duration", of=key)


def happened(pattern: Pattern | Iterable[Pattern]) -> Fact:
    """Whether an event matches: within the stay on the level of the rule's track.

    In a rule without `to`, in the cycle.
    """
    return Fact("happened", "flag", pattern=patterns_of(pattern))


def flag(name: str, *, default: bool | None = None) -> Fact:
    """A yes-or-no fact of the policy's own. Without a `default` it is unknown until somebody observes it.

    >>> from escalation_rules import facts as F
    >>> F.flag("major_incident", default=False)
    F.flag('major_incident', default=False)
    """
    return Fact(name, "flag", domain=FrozenDict(default=default))


def count(name: str, *, minimum: int | None = None, maximum: int | None = None, default: int | None = None) -> Fact:
    """A whole number of the policy's own; its lowest and highest value are needed where it is declared."""
    return Fact(name, "count", domain=FrozenDict(minimum=minimum, maximum=maximum, default=default))


def choice(name: str, values: Iterable[str] | str = (), *, default: str | None = None) -> Fact:
    """One of several texts, a fact of the policy's own; the values are needed where it is declared."""
    several = (values,) if isinstance(values, str) else tuple(values) if isinstance(values, Iterable) else values
    return Fact(name, "choice", domain=FrozenDict(values=several, default=default))


def label(name: str, *, default: str | None = None) -> Fact:
    """A text of any kind, a fact of the policy's own that can only be equal to another or not."""
    return Fact(name, "label", domain=FrozenDict(default=default))


def _declaration(given: object) -> Any:
    if isinstance(given, Fact):
        return given.as_declaration()
    if not isinstance(given, OwnFact | Mapping):
        raise InvalidValue(Problem("not a fact", given, expected="a declaration such as `F.flag('down')`"))
    return given


Declared = Annotated[OwnFact, BeforeValidator(_declaration)]
"""A declaration of a policy's own fact, or a handle that has one."""


def __getattr__(name: str) -> Any:
    """Raise `AttributeError`; for a name of the first edition, with the present one."""
    raise AttributeError(moved("facts", name))
