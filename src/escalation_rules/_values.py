"""`Value`: the one frozen base of everything that is data here, and the three types its fields share.

A value forbids unknown fields, compares and hashes by its fields, survives JSON, pickling and `eval(repr(...))`, and
says what is wrong in the library's own words. Instants are kept in UTC, so that equal instants are equal values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from inspect import Parameter, Signature
from math import isfinite
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    NoReturn,
    Self,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    model_serializer,
)
from pydantic_core import CoreSchema, core_schema

from escalation_rules._former_names import present_name
from escalation_rules.errors import InvalidValue, Problem, invalid

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


# rule 1: an instant is an aware datetime; a naive one is refused
def read_instant(given: object) -> datetime:
    """An instant in UTC, from an aware datetime or its ISO 8601 text. A naive one is refused, with a hint.

    >>> read_instant("2026-03-02T09:00:00+01:00").isoformat()
    '2026-03-02T08:00:00+00:00'
    """
    moment = _parse(given) if isinstance(given, str) else given
    if not isinstance(moment, datetime):
        raise InvalidValue(Problem("not an instant", given, expected="an aware datetime or its ISO 8601 text"))
    if moment.utcoffset() is None:
        raise InvalidValue(Problem("naive datetime", given, expected=_ZONE_HINT))
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidValue(Problem("instant out of range", given, expected="the years 1 to 9999 in UTC")) from None


_ZONE_HINT = "one with a time zone, such as datetime(…, tzinfo=ZoneInfo('Europe/London'))"


def _parse(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValue(Problem("not an instant", text, expected="ISO 8601 with an offset")) from None


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    PlainValidator(read_instant),
    PlainSerializer(_iso, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware datetime, kept in UTC."""
InstantLike = datetime | str
"""Whatever stands for an instant: an aware datetime, or its ISO 8601 text."""
Several: TypeAlias = T | Sequence[T]
"""Several, or one that stands by itself."""
Texts = tuple[str, ...] | list[str]
"""Several texts. One by itself would be read letter by letter, and is refused."""
Dated = Mapping[date, T] | Mapping[str, T] | Mapping[date | str, T]
"""Something for each of some dates, given as dates or as their ISO texts."""


def _named(text: str) -> str:
    if not text.strip():
        raise InvalidValue(Problem("an empty name", text, expected="a text that people know it by"))
    return text


Name = Annotated[str, AfterValidator(_named)]
"""A text that something is known by: not an empty one."""


class FrozenDict(dict[K, V]):
    """A dict that cannot be changed once made, and can therefore be hashed and shared."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("this mapping is part of a frozen value; make a changed copy of the value instead")

    __setitem__ = __delitem__ = update = pop = popitem = clear = setdefault = __ior__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.dict_schema())

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


Frozen = Annotated[Mapping[K, V], AfterValidator(FrozenDict)]
"""A mapping that cannot be changed once it is part of a value."""


def freeze(given: object) -> Any:
    """The same to the bottom with lists as tuples and mappings as frozen ones."""
    if isinstance(given, Mapping):
        return FrozenDict({str(key): freeze(value) for key, value in given.items()})
    return tuple(map(freeze, given)) if isinstance(given, list | tuple) else given


def _read_json(given: object) -> Any:
    try:
        problems = list(_not_json(given))
    except RecursionError:
        problems = [Problem("nested too deeply", expected="a value of a few layers")]
    if problems:
        raise InvalidValue(*problems)
    return freeze(given)


def _not_json(given: object) -> Iterator[Problem]:
    """What in a value JSON cannot hold, each with its path."""
    if isinstance(given, Mapping):
        yield from (one.under(str(key)) for key, value in given.items() for one in _not_json(value))
    elif isinstance(given, list | tuple):
        yield from (one.under(f"[{place}]") for place, value in enumerate(given) for one in _not_json(value))
    elif not (given is None or isinstance(given, str | int) or (isinstance(given, float) and isfinite(given))):
        text = given.isoformat() if isinstance(given, date) else ""
        expected = "its text" if text else "texts, numbers, true, false or None, or lists and mappings of them"
        yield Problem("not a value that JSON can hold:", given, expected=expected, suggestion=text)


Json = Annotated[Any, PlainValidator(_read_json)]
"""Anything that JSON can hold, with lists as tuples and objects as frozen mappings."""


class _Constructor:
    """The signature of a value's class, as `help` and notebooks show it: the key first, the types without checks."""

    def __get__(self, _: object, cls: type[Value]) -> Signature:
        names = [name for name in cls.model_fields if name != "type"]
        most = len(names) if cls.positional is None else cls.positional
        parameters = []
        by_position, optional = True, False
        for place, name in enumerate(names):
            field = cls.model_fields[name]
            default = Parameter.empty if field.is_required() else field.get_default(call_default_factory=True)
            # Python has no required argument by position behind an optional one
            by_position = by_position and place < most and not (optional and field.is_required())
            optional = optional or not field.is_required()
            kind = Parameter.POSITIONAL_OR_KEYWORD if by_position else Parameter.KEYWORD_ONLY
            parameters.append(Parameter(name, kind, default=default, annotation=_plain(field.annotation)))
        return Signature(parameters)


def _plain(annotation: Any) -> Any:
    """A type without the validators that `Annotated` adds to it and to its parts."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _plain(parts[0])
    if origin is Literal or not parts:
        return annotation
    plain = tuple(_plain(part) for part in parts)
    return Union[plain] if origin in (Union, UnionType) else origin[plain]  # noqa: UP007


class Value(BaseModel):
    """The base of every value: frozen, closed to unknown fields, compared by its fields, pasteable.

    Arguments may be given by position in the order of the fields, as many as `positional` says. Raises
    `InvalidValue` with every problem found.

    A constructor takes more than its fields hold, such as a text for a span. What it takes is said to type checkers
    by an `__init__` that only they see.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False, hide_input_in_errors=True)
    namespace: ClassVar[str] = ""
    positional: ClassVar[int | None] = None
    """The number of arguments that may be given by position, None for all."""

    if not TYPE_CHECKING:  # pragma: no branch

        def __init__(self, /, *args: Any, **data: Any) -> None:
            if args:
                data = _by_name(type(self), args, data)
            try:
                super().__init__(**data)
            except ValidationError as error:
                raise invalid(type(self), error) from None

        # pydantic then goes on validating nested values by itself instead of calling this __init__ for each of them
        __init__.__pydantic_base_init__ = True

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        type.__setattr__(cls, "__signature__", _Constructor())

    @classmethod
    def model_rebuild(cls, *, _parent_namespace_depth: int = 2, **kwargs: Any) -> bool | None:
        """As pydantic's, which would put its own signature back."""
        changed = super().model_rebuild(_parent_namespace_depth=_parent_namespace_depth + 1, **kwargs)
        type.__setattr__(cls, "__signature__", _Constructor())
        return changed

    @classmethod
    def model_validate(cls, obj: Any, **kwargs: Any) -> Self:
        """As pydantic's, with this library's errors."""
        return _own_errors(cls, super().model_validate, obj, kwargs)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **kwargs: Any) -> Self:
        """As pydantic's, with this library's errors."""
        return _own_errors(cls, super().model_validate_json, json_data, kwargs)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:  # noqa: ARG002
        """A copy with the fields of `update` changed, checked like any new value; frozen parts need no deep copy."""
        return type(self)(**{name: getattr(self, name) for name in type(self).model_fields} | dict(update or {}))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            new = present_name(type(self), name)
            if new is not None:
                kind = type(self).__name__
                raise AttributeError(f"`{kind}.{name}` is now `{kind}.{new}`")
            return super().__getattr__(name)

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        state["__dict__"] = dict(fields_of(self))
        return state

    def __repr__(self) -> str:
        shown = (f"{name}={show(value)}" for name, value in fields_of(self) if not self._is_default(name, value))
        return f"{self.namespace}{type(self).__name__}({', '.join(shown)})"

    __str__ = __repr__

    def _is_default(self, name: str, value: object) -> bool:
        field = type(self).model_fields[name]
        return not field.is_required() and bool(field.get_default(call_default_factory=True) == value)


class Deferred(Value):
    """A value whose fields are worked out from a source, one by one, when they are first looked at.

    The source has a property for each field. To be compared, shown, copied or written out, the value is completed
    first.
    """

    @classmethod
    def _deferred(cls, source: object) -> Self:
        """The value of a source."""
        self = cls.__new__(cls)
        object.__setattr__(self, "__dict__", {_SOURCE: source})
        object.__setattr__(self, "__pydantic_fields_set__", set(cls.model_fields))
        object.__setattr__(self, "__pydantic_extra__", None)
        object.__setattr__(self, "__pydantic_private__", None)
        return self

    if not TYPE_CHECKING:  # pragma: no branch

        def __getattr__(self, name: str) -> Any:
            source = self.__dict__.get(_SOURCE)
            if source is None or name not in type(self).model_fields:
                return super().__getattr__(name)
            found = self.__dict__[name] = getattr(source, name)
            return found

    def _complete(self) -> Self:
        for _ in fields_of(self):
            pass
        return self

    @property
    def _source(self) -> object:
        return self.__dict__.get(_SOURCE)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Deferred):
            other._complete()
        return super(Deferred, self._complete()).__eq__(other)

    def __hash__(self) -> int:
        return hash(tuple(held for _, held in fields_of(self)))

    def __getstate__(self) -> dict[Any, Any]:
        return super(Deferred, self._complete()).__getstate__()

    @model_serializer(mode="wrap")
    def _write(self, handler: Any):  # type: ignore[no-untyped-def]
        return handler(self._complete())


_SOURCE = "deferred source"


def fields_of(value: Value) -> Iterator[tuple[str, Any]]:
    """The fields of a value with their contents, in the order of their declaration."""
    return ((name, getattr(value, name)) for name in type(value).model_fields)


def show(part: object) -> str:
    """The text from which Python makes `part` again where a value takes it: instants and spans of time as ISO texts."""
    if isinstance(part, datetime):
        return repr(_iso(part))
    if isinstance(part, date):
        return repr(part.isoformat())
    if isinstance(part, timedelta):
        return repr(iso_duration(part))
    if isinstance(part, Decimal):
        return repr(str(part))
    if isinstance(part, tuple):
        return f"({', '.join(map(show, part))}{',' if len(part) == 1 else ''})"
    if isinstance(part, dict):
        return "{" + ", ".join(f"{show(key)}: {show(value)}" for key, value in part.items()) + "}"
    return repr(part)


def iso_duration(length: timedelta) -> str:
    """A timedelta as ISO 8601 text with whole days and decimal seconds."""
    sign, length = ("-", -length) if length < timedelta(0) else ("", length)
    seconds = f"{length.seconds}.{length.microseconds:06}".rstrip("0").rstrip(".")
    return f"{sign}P{length.days}DT{seconds}S"


def _own_errors(cls: type[Value], read: Callable[..., T], given: Any, kwargs: dict[str, Any]) -> T:
    try:
        return read(given, **kwargs)
    except ValidationError as error:
        raise invalid(cls, error) from None


def _by_name(cls: type[Value], args: tuple[Any, ...], data: dict[str, Any]) -> dict[str, Any]:
    names = [name for name in cls.model_fields if name != "type"]
    most = len(names) if cls.positional is None else cls.positional
    if len(args) > most:
        expected = f"at most {most}" + (f", then by name, as in `{names[most]}=…`" if most < len(names) else "")
        raise InvalidValue(Problem("too many arguments by position", len(args), expected=expected))
    given = dict(zip(names, args, strict=False))
    if twice := sorted(given.keys() & data.keys()):
        raise InvalidValue(Problem("argument given twice", twice[0]))
    return given | data


Severity = Literal["error", "warning", "note"]
"""An error never works, a warning works otherwise than it reads, a note is for information."""


class Finding(Value):
    """The fields that every finding has, whoever made it, as every `Problem` of an error has them too.

    `code` is stable and for programs, `message` is a sentence for people, `path` leads to the place in the policy, and
    `fix` says what to do about it, if anything can be.
    """

    code: str
    severity: Severity
    message: str
    path: str = ""
    fix: str = ""
