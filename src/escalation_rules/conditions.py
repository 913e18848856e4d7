"""Conditions as data: `fact OP constant` atoms under all, any and not.

They are built with `&`, `|`, `~` and the handles of `escalation_rules.facts`. A condition is never true or false by
itself: it holds of a case at an instant, or it does not, or it is unknown because a fact is missing. Unknown is not
true: neither an atom of a missing fact nor its opposite holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal, NoReturn, Self, cast, get_args

from pydantic import BeforeValidator, Discriminator, model_validator

from escalation_rules._values import Value, show
from escalation_rules.errors import InvalidValue, Misuse, Problem, a, unknown
from escalation_rules.events import Patterns
from escalation_rules.fact_table import FACTS, FactKind
from escalation_rules.picks import CalendarChoice, Pick, read_span_choice
from escalation_rules.worktime.spans import Span

__all__ = [
    "AllOf",
    "AnyOf",
    "Atom",
    "Condition",
    "FactKind",
    "Not",
    "OptionalCondition",
    "atoms",
    "normal",
    "parts",
    "read_condition",
]

Op = Literal[">=", "<", ">", "<=", "==", "!=", "in", "not in"]
OUTCOMES = ("not_started", "pending", "met", "breached", "void")
STATUSES = ("open", "waiting", "resolved", "closed", "void")

OPPOSITES: dict[str, Op] = {
    ">=": "<",
    "<": ">=",
    ">": "<=",
    "<=": ">",
    "==": "!=",
    "!=": "==",
    "in": "not in",
    "not in": "in",
}
_EQUALITY = {"==", "!=", "in", "not in"}
_OPERATORS: dict[str, set[str]] = {
    # rule 30: durations and shares have one crossing each
    "duration": {">=", "<"},
    "share": {">=", "<"},
    "flag": {"==", "!="},
    "label": {"==", "!="},
    "choice": _EQUALITY,
    "outcome": _EQUALITY,
    "count": _EQUALITY | {">=", "<", ">", "<="},
    "ordered": _EQUALITY | {">=", "<", ">", "<="},
}
_KINDS: Mapping[str, str] = {**{kind: a(kind) for kind in get_args(FactKind)}, "ordered": "an ordered fact"}
# rule 29: depth and width are capped, so that a policy from outside is safe to load
MAX_DEPTH, MAX_ATOMS = 50, 1_000
MAX_SHARE = 10

BRACKETS = "put brackets around each comparison"


def refuse_comparison(*_: object) -> NoReturn:
    """`F.a & F.b >= 2` is read by Python as `(F.a & F.b) >= 2`."""
    # rule 29: `F.a & F.b >= 2` is refused with a hint
    raise Misuse(Problem("comparison of a whole condition", expected=f"one fact at a time: {BRACKETS}"))


class Term(Value):
    """What conditions have in common: they combine with `&`, `|` and `~`, and refuse to be true or false."""

    type: str

    def __and__(self, other: object) -> AllOf:
        return AllOf(of=(*_flat(AllOf, self), *_flat(AllOf, _operand(other))))

    def __or__(self, other: object) -> AnyOf:
        return AnyOf(of=(*_flat(AnyOf, self), *_flat(AnyOf, _operand(other))))

    def __rand__(self, other: object) -> AllOf:
        return AllOf(of=(*_flat(AllOf, _operand(other)), *_flat(AllOf, self)))

    def __ror__(self, other: object) -> AnyOf:
        return AnyOf(of=(*_flat(AnyOf, _operand(other)), *_flat(AnyOf, self)))

    def __invert__(self) -> Condition:
        return Not(of=cast(Condition, self))

    def __bool__(self) -> NoReturn:
        raise Misuse(
            Problem("truth of a condition", expected="`&`, `|` and `~` instead of `and`, `or`, `not` and chains")
        )

    __lt__ = __le__ = __gt__ = __ge__ = refuse_comparison

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str | int | float | Decimal | Fraction | Span | Pick):
            refuse_comparison()
        return super().__eq__(other)

    __hash__ = Value.__hash__


class Atom(Term):
    """`fact OP constant`: one comparison. `of` is the target's key or the track that the fact is asked about.

    A duration counts in `calendar`, or else in the rule's, the track's or the policy's. `value` may be a pick of spans.
    """

    type: Literal["atom"] = "atom"
    fact: str
    kind: FactKind
    op: Op
    value: Any
    of: str | None = None
    pattern: Patterns = ()
    calendar: CalendarChoice = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not isinstance(given.get("fact"), str):
            return given
        row = FACTS.get(given["fact"])
        kind = given.get("kind", row.kind if row else None)
        if row and kind != row.kind:
            raise InvalidValue(Problem(f"`{given['fact']}` is no {kind} but {_KINDS[row.kind]}", path="kind"))
        value = _read_constant(kind, given.get("op"), given.get("value"))
        return {**given, "kind": kind, "value": value}

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.op not in _OPERATORS[self.kind]:
            expected = " or ".join(f"`{op}`" for op in sorted(_OPERATORS[self.kind]))
            raise InvalidValue(
                Problem(f"{_KINDS[self.kind]} compared with", self.op, path=self.fact, expected=expected)
            )
        argument = FACTS[self.fact].about if self.fact in FACTS else ""
        if (argument == "target" and self.of is None) or bool(self.pattern) != (argument == "pattern"):
            raise InvalidValue(Problem(f"`{self.fact}` without its {argument or 'name alone'}", path=self.fact))
        if self.calendar is not None and self.kind != "duration":
            raise InvalidValue(
                Problem(f"a calendar for {_KINDS[self.kind]}", self.calendar, path=self.fact, expected="a duration")
            )
        return self

    @property
    def opposite(self) -> Atom:
        """The atom that holds where this one does not, unless the fact is unknown."""
        return self.model_copy(update={"op": OPPOSITES[self.op]})

    @property
    def subject(self) -> str:
        """The fact as one would write it in Python."""
        if self.pattern:
            name = f"F.happened({show(self.pattern if len(self.pattern) > 1 else self.pattern[0])})"
        elif self.fact in FACTS:
            name = f"F.{self.fact}" + (f"({self.of!r})" if self.of is not None else "")
        else:
            name = f"F.{self.kind}({self.fact!r})"
        return name if self.calendar is None else f"{name}.on({self.calendar!r})"

    def __repr__(self) -> str:
        if self.kind == "flag" and (self.op == "==") == self.value:
            return self.subject if self.op == "==" else f"~{self.subject}"
        if self.op in {"in", "not in"}:
            text = f"{self.subject}.in_({', '.join(map(show, self.value))})"
            return text if self.op == "in" else f"~{text}"
        value = str(self.value) if isinstance(self.value, Span) else self.value
        return f"{self.subject} {self.op} {show(value)}"

    __str__ = __repr__


class Nested(Term):
    """A condition made of others, of limited depth and width, so that a stranger's policy is safe to load."""

    @cached_property
    def depth(self) -> int:
        """How deeply it nests."""
        return 1 + max((one.depth if isinstance(one, Nested) else 1 for one in parts(self)), default=0)

    @cached_property
    def atoms(self) -> int:
        """How many atoms it has."""
        return sum(one.atoms if isinstance(one, Nested) else 1 for one in parts(self))

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.depth > MAX_DEPTH:
            raise InvalidValue(Problem("condition nested too deeply", self.depth, expected=f"at most {MAX_DEPTH} deep"))
        if self.atoms > MAX_ATOMS:
            raise InvalidValue(Problem("condition too wide", self.atoms, expected=f"at most {MAX_ATOMS} comparisons"))
        return self


class AllOf(Nested):
    """Holds where all of its parts do; of nothing, always."""

    type: Literal["all"] = "all"
    of: tuple[Condition, ...]

    def __repr__(self) -> str:
        return " & ".join(f"({one!r})" for one in self.of) if len(self.of) > 1 else f"AllOf(of={show(self.of)})"

    __str__ = __repr__


class AnyOf(Nested):
    """Holds where one of its parts does; of nothing, never."""

    type: Literal["any"] = "any"
    of: tuple[Condition, ...]

    def __repr__(self) -> str:
        return " | ".join(f"({one!r})" for one in self.of) if len(self.of) > 1 else f"AnyOf(of={show(self.of)})"

    __str__ = __repr__


class Not(Nested):
    """Holds where its part is known not to."""

    type: Literal["not"] = "not"
    of: Condition

    def __repr__(self) -> str:
        return f"~({self.of!r})"

    __str__ = __repr__


def read_condition(given: object) -> Any:
    """A condition from a handle that is one by itself (`when=F.level_failed`), from data, or as it is."""
    reader = getattr(given, "as_condition", None)
    if reader is not None:
        return reader()
    if isinstance(given, Mapping):
        _check_size(given)
    return given


def _readable(given: object) -> Any:
    read = read_condition(given)
    if not isinstance(read, Term | Mapping):
        raise InvalidValue(Problem("not a condition", given, expected='one such as `F.open_for >= "4 hours"`'))
    return read


def _check_size(data: object) -> None:
    """Refuses deep and wide data before anything recursive sees it; parts may be shared, and so be many without room.

    No layer of a tree is wider than its leaves are many.
    """
    layer, depth = [data], 0
    while layer:
        following: list[object] = []
        for one in layer:
            following += _inner(one.get("of")) if isinstance(one, Mapping) else []
            if len(following) > MAX_ATOMS:
                wide = Problem("condition too wide", len(following), expected=f"at most {MAX_ATOMS} comparisons")
                raise InvalidValue(wide)
        layer, depth = following, depth + 1
        if depth > MAX_DEPTH + 1:
            raise InvalidValue(Problem("condition nested too deeply", expected=f"at most {MAX_DEPTH} deep"))


def _inner(of: object) -> list[object]:
    return list(of) if isinstance(of, list | tuple) else [of]


Condition = Annotated[Atom | AllOf | AnyOf | Not, BeforeValidator(_readable), Discriminator("type")]
"""Any condition."""
OptionalCondition = Annotated[
    Condition | None, BeforeValidator(lambda given: None if given is None else _readable(given))
]
"""A condition, or nothing."""

for _nested in (AllOf, AnyOf, Not):
    _nested.model_rebuild()


def parts(condition: Term) -> tuple[Condition, ...]:
    """What a condition is made of; an atom of nothing."""
    if isinstance(condition, AllOf | AnyOf):
        return condition.of
    return (condition.of,) if isinstance(condition, Not) else ()


def atoms(condition: Term) -> Iterator[Atom]:
    """The atoms of a condition, from left to right."""
    if isinstance(condition, Atom):
        yield condition
    for part in parts(condition):
        yield from atoms(part)


# rule 31: in negation normal form neither an unknown atom nor its opposite is true
def normal(condition: Condition, *, negated: bool = False) -> Condition:
    """Negation normal form: the same condition without `Not`, which has moved into the atoms' operators.

    >>> from escalation_rules import facts as F
    >>> normal(~((F.replies >= 2) & F.acknowledged))
    (F.replies < 2) | (F.acknowledged != True)
    """
    if isinstance(condition, Not):
        return normal(condition.of, negated=not negated)
    if isinstance(condition, Atom):
        return condition.opposite if negated else condition
    combine = AllOf if isinstance(condition, AllOf) != negated else AnyOf
    return combine(of=tuple(normal(part, negated=negated) for part in condition.of))


def _flat(kind: type[AllOf] | type[AnyOf], term: Term) -> tuple[Condition, ...]:
    return term.of if isinstance(term, kind) else (cast(Condition, term),)


def _operand(given: object) -> Term:
    read = read_condition(given)
    if not isinstance(read, Term):
        raise Misuse(Problem("not a condition", given, expected=f"a comparison: {BRACKETS}"))
    return read


def _read_constant(kind: str | None, op: object, value: Any) -> Any:
    if kind is None or kind not in get_args(FactKind):
        raise InvalidValue(unknown("kind of fact", kind, get_args(FactKind), path="kind"))
    if op in ("in", "not in"):  # a stranger's operator may be no text, and not hashable
        listed = tuple(value) if isinstance(value, tuple | list | set | frozenset) else (value,)
        return tuple(_read_one(kind, one) for one in listed)
    return _read_one(kind, value)


def _read_one(kind: str, value: Any) -> Any:
    if kind == "duration":
        return Span.model_validate(value) if value is None else read_span_choice(value)
    if kind == "share":
        return _read_share(value)
    wanted: type = {"flag": bool, "count": int}.get(kind, str)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise InvalidValue(Problem(f"not a value of {_KINDS[kind]}", value, expected=_EXPECTED_CONSTANT[wanted]))
    if kind == "outcome" and value not in OUTCOMES:
        raise InvalidValue(unknown("outcome", value, OUTCOMES))
    return value


_EXPECTED_CONSTANT = {bool: "true or false", int: "a whole number", str: "a name"}


def _read_share(value: Any) -> str:
    """Shares are exact: kept as the text of a fraction."""
    try:
        text = str(value)
        share = Fraction(text[:-1]) / 100 if text.endswith("%") else Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InvalidValue(Problem("not a share", value, expected="a number such as 0.75, `3/4` or `75%`")) from None
    if share < 0:
        raise InvalidValue(Problem("not a share", value, expected="zero or more"))
    if share > MAX_SHARE:
        # rule 29: a share of 50 is nearly always meant as 50 %
        meant = "" if text.endswith("%") else f": write {float(share / 100):g} or '{float(share):g}%'"
        raise InvalidValue(Problem("not a share", value, expected=f"at most {MAX_SHARE} (1000 %){meant}"))
    return str(share)
