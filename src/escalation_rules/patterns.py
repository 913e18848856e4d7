"""The fields that every event has, and patterns over events as data.

`E.SupportReplied.like(public=True)` is a pattern: it names a kind of event and what its fields must hold. A field may
be compared with one value, with several (any of them), with `other_than(…)`, with `ANY` (something is given) or with
`None` (nothing is). Where a field holds several things, such as the participants of a call, one match among them is
enough.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NoReturn, TypedDict, get_args, get_origin

from pydantic import ConfigDict, PlainValidator, TypeAdapter, ValidationError

from escalation_rules._values import Frozen, FrozenDict, Instant, InstantLike, Value, freeze, show
from escalation_rules.errors import InvalidValue, Misuse, Problem, invalid, unknown
from escalation_rules.worktime._timeline import microseconds_of

__all__ = ["ANY", "Actor", "BaseEvent", "EventFields", "FieldTest", "Pattern", "no_pattern", "other_than"]


Actor = Literal["customer", "staff", "automation"]

Holder = type[Value]


class EventFields(TypedDict, total=False):
    """What may be said of every event beside its instant, for the constructors of the kinds."""

    by: str | None
    by_role: str | None
    actor: Actor
    id: str | None


class FieldTest(Value):
    """What a pattern asks of one field."""

    namespace: ClassVar[str] = "E."
    test: Literal["among", "other than", "given"]
    values: tuple[Annotated[Any, PlainValidator(freeze)], ...] = ()

    def accepts(self, held: object) -> bool:
        """Whether a field with this content passes. Nothing is not "other" than anything: it is not known."""
        several = held if isinstance(held, tuple) else (held,)
        if self.test == "among":
            return any(one in self.values for one in several) or (None in self.values and not several)
        return any(one is not None and (self.test == "given" or one not in self.values) for one in several)

    def __repr__(self) -> str:
        if self.test == "given":
            return "E.ANY"
        if self.test == "other than":
            return f"E.other_than({', '.join(map(show, self.values))})"
        return show(self.values[0]) if len(self.values) == 1 else show(self.values)


ANY = FieldTest(test="given")
"""A field test: something is given, whatever it is."""


def other_than(*values: object) -> FieldTest:
    """A field test: something is given, and it is none of these. Raises `InvalidValue` for none at all.

    >>> other_than("phone", "email").accepts("chat"), other_than("phone").accepts(None)
    (True, False)
    """
    if not values:
        raise InvalidValue(_nothing("other than"))
    return FieldTest(test="other than", values=values)


class Pattern(Value):
    """A kind of event and what its fields must hold. Made by `like` on the event's class.

    Where several patterns will do, they stand in a tuple; `|` puts them there.
    """

    event: str
    where: Frozen[str, FieldTest] = FrozenDict()

    def matches(self, event: BaseEvent) -> bool:
        """Whether an event is one of these."""
        if event.type != self.event:
            return False
        return all(test.accepts(event.reading(name)) for name, test in self.where.items())

    def __or__(self, other: object) -> tuple[Pattern, ...]:
        return (self, *_side_by_side(other))

    def __ror__(self, other: object) -> tuple[Pattern, ...]:
        return (*_side_by_side(other), self)

    def __and__(self, other: object) -> NoReturn:
        raise Misuse(Problem("patterns joined with `&`", expected="`F.happened(…) & F.happened(…)`"))

    def __invert__(self) -> NoReturn:
        raise Misuse(Problem("a pattern negated", expected="`~F.happened(…)`"))

    def __repr__(self) -> str:
        return f"E.{self.event}.like({', '.join(f'{name}={test!r}' for name, test in self.where.items())})"


def _side_by_side(given: object) -> tuple[Pattern, ...]:
    several = given if isinstance(given, tuple) else (given,)
    if wrong := [no_pattern(one) for one in several if not isinstance(one, Pattern)]:
        raise Misuse(*wrong)
    return several


def no_pattern(given: object) -> Problem:
    """The problem of what stands in the place of a pattern and is none, such as the bare class of an event."""
    if isinstance(given, type) and issubclass(given, BaseEvent):
        name = f"E.{given.__name__}"
        return Problem("not a pattern but a kind of event", name, suggestion=f"{name}.like()")
    return Problem("not a pattern", given, expected="one such as `E.Resolved.like()`")


def _with_its_kind(schema: dict[str, Any]) -> None:
    """As data an event must say its kind: without it, it could be any of several, and is refused."""
    schema["required"] = sorted({"type", *schema.get("required", ())})


class BaseEvent(Value):
    """What every event has: when, by whom, in which capacity, who acted, and the host's own id for it.

    `at` is kept in UTC. `by_role` is the capacity in which `by` acted. An `id` makes recording the event a second time
    harmless; another event with a known id is refused.
    """

    positional: ClassVar[int | None] = 0
    model_config = ConfigDict(json_schema_extra=_with_its_kind)
    namespace: ClassVar[str] = "E."
    type: str
    at: Instant
    by: str | None = None
    by_role: str | None = None
    actor: Actor = "staff"
    id: str | None = None

    if TYPE_CHECKING:

        def __init__(self, *, at: InstantLike, **fields: Any) -> None: ...

    @classmethod
    def like(cls, **fields: Any) -> Pattern:
        """The pattern of events of this kind whose fields hold what is given here.

        Raises `InvalidValue` for a field that there is not, and for what a field can never hold.
        """
        where, problems = dict[str, FieldTest](), list[Problem]()
        for name, given in fields.items():
            try:
                where[name] = cls._test(name, given)
            except InvalidValue as error:
                problems += error.problems
        if problems:
            raise InvalidValue(*problems, subject=f"a pattern over {cls.__name__}")
        return Pattern(event=cls.__name__, where=where)

    @classmethod
    def _test(cls, name: str, given: object) -> FieldTest:
        """What is asked of one field, each constant as the field holds it."""
        holders = cls._readable()
        if name not in holders:
            raise InvalidValue(unknown(f"field of {cls.__name__}", name, holders))
        test, values = (given.test, given.values) if isinstance(given, FieldTest) else ("among", _several(given))
        if test != "given" and not values:
            raise InvalidValue(_nothing(test).under(name))
        return FieldTest(test=test, values=tuple(as_held(holders[name], name, one) for one in values))

    @classmethod
    def _readable(cls) -> dict[str, Holder]:
        """The names a pattern may use, with what has them: the event, or the plan it carries."""
        field = cls.model_fields.get("plan")
        plan = field.annotation if field else None
        inner = plan if isinstance(plan, type) and issubclass(plan, Value) else cls
        return {name: holder for holder in (inner, cls) for name in holder.model_fields if name != "type"}

    def reading(self, name: str) -> object:
        """What the event holds under a name that a pattern may use."""
        return getattr(self if name in type(self).model_fields else getattr(self, "plan"), name)  # noqa: B009

    @cached_property
    def instant(self) -> int:
        """`at` in microseconds since 1970."""
        return microseconds_of(self.at)

    @property
    def counts(self) -> bool:
        """Whether it can stop a clock: what automation does never does."""
        # rule 10: automation never counts and never stops a clock
        return self.actor != "automation"


def _several(given: object) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, list | tuple | set | frozenset) else (given,)


def _nothing(test: str) -> Problem:
    expected = "at least one, or `E.ANY`" if test == "other than" else "at least one; `None` stands for nothing given"
    return Problem("no value to compare with", expected=expected)


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
