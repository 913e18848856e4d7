"""`Span`: an amount of time with its unit, because two business days are neither 48 nor 16 hours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from pydantic import field_validator, model_serializer, model_validator
from pydantic_core import PydanticSerializationUnexpectedValue

from escalation_rules._values import Value, fields_of, show
from escalation_rules.errors import InvalidValue, Problem, nearest

__all__ = ["Span", "SpanLike", "Unit"]

Unit = Literal[
    "seconds",
    "minutes",
    "hours",
    "days",
    "weeks",
    "months",
    "business seconds",
    "business minutes",
    "business hours",
    "business days",
]
UNITS: tuple[str, ...] = get_args(Unit)

_MICROSECONDS = {"seconds": 1_000_000, "minutes": 60_000_000, "hours": 3_600_000_000}
_TEXT = re.compile(
    r"\s*(?P<amount>[-+]?\d+(?:\.\d+)?)\s+(?P<unit>[a-z ]+?)(?P<same>,\s*same time| at (?:the )?same time)?\s*",
    re.IGNORECASE,
)
_ISO = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?P<clock>T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_EXPECTED = "a span such as `4 business hours`, `30 minutes`, `2 business days` or `PT4H`"


class Span(Value):
    """A length of time in one unit. A string or a timedelta will do wherever a Span is wanted.

    Business units count only while the calendar is open; plain seconds, minutes and hours (and a timedelta) elapse;
    plain days, weeks and months keep the wall time in the calendar's zone. Amounts of time may be decimal down to the
    microsecond; amounts of days, weeks and months are whole. A span in business days ends at the close of the last
    day; with `due="same time"` it ends at the wall time at which it began. Raises `InvalidValue`.

    >>> Span(4, "business hours")
    Span(4, 'business hours')
    >>> Span.parse("PT1H30M") == Span.parse("90 minutes")
    True
    """

    amount: int | Decimal
    unit: Unit
    due: Literal["close", "same time"] = "close"

    if TYPE_CHECKING:

        def __init__(
            self, amount: float | Decimal | str, unit: str, due: Literal["close", "same time"] = "close"
        ) -> None: ...

    @classmethod
    def parse(cls, text: str) -> Span:
        """The span that a text names: an amount and a unit, or an ISO 8601 duration.

        >>> Span.parse("2.5 business hours").amount
        Decimal('2.5')
        """
        return cls.of(text)

    @classmethod
    def of(cls, given: SpanLike) -> Span:
        """The span itself, or the one that a text or a timedelta stands for."""
        if isinstance(given, Span):
            return given
        return _parse(given) if isinstance(given, str) else cls.model_validate(given)

    @cached_property
    def microseconds(self) -> int | None:
        """The exact length of an amount of time; None for days, weeks and months, whose length depends on the start."""
        scale = _MICROSECONDS.get(self.unit.removeprefix("business "))
        return None if scale is None else int(self.amount * scale)

    @cached_property
    def is_business(self) -> bool:
        """Whether only open time counts."""
        return self.unit.startswith("business ")

    def __repr__(self) -> str:
        due = "" if self.due == "close" else f", {self.due!r}"
        return f"Span({show(self.amount)}, {self.unit!r}{due})"

    def __str__(self) -> str:
        unit = self.unit.removesuffix("s") if self.amount == 1 else self.unit
        return f"{self.amount} {unit}" + (" at same time" if self.due == "same time" else "")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: object) -> Any:
        if isinstance(given, str):
            return dict(fields_of(_parse(given)))
        if isinstance(given, timedelta):
            return dict(fields_of(_from_timedelta(given)))
        if not isinstance(given, Span | Mapping):
            raise InvalidValue(Problem("not a span of time", given, expected=_EXPECTED))
        return given

    @field_validator("unit", mode="before")
    @classmethod
    def _known_unit(cls, given: object) -> Any:
        unit = " ".join(given.lower().split()) if isinstance(given, str) else given
        plural = f"{unit}s"
        if unit in UNITS or plural not in UNITS:
            return _check_unit(unit)
        return plural

    @field_validator("amount", mode="before")
    @classmethod
    def _number(cls, given: object) -> Any:
        if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
            raise InvalidValue(Problem("not an amount", given, expected="a number"))
        try:
            amount = Decimal(str(given))
        except InvalidOperation:
            raise InvalidValue(Problem("not an amount", given, expected="a number")) from None
        if not amount.is_finite() or amount < 0:
            raise InvalidValue(Problem("not an amount", given, expected="zero or more"))
        return int(amount) if amount == amount.to_integral_value() else amount.normalize()

    @model_validator(mode="after")
    def _exact(self) -> Self:
        scale = _MICROSECONDS.get(self.unit.removeprefix("business "))
        if (self.amount * (scale or 1)) % 1:
            expected = "at most six decimals of a second" if scale else "a whole number of them"
            raise InvalidValue(Problem(f"amount of {self.unit} is not exact", self.amount, expected=expected))
        if self.due == "same time" and self.unit != "business days":
            raise InvalidValue(Problem("same time asked of", self.unit, expected="business days"))
        return self

    @model_serializer
    def _as_text(self) -> str:
        if not isinstance(
            self, Span
        ):  # in a union, pydantic offers whatever the field holds to each serializer in turn
            raise PydanticSerializationUnexpectedValue
        return str(self)


SpanLike = Span | str | timedelta
"""Whatever stands for a span: a Span, its text, or a timedelta."""


def _check_unit(unit: object) -> object:
    if unit not in UNITS:
        raise InvalidValue(Problem("unknown unit", unit, expected=_EXPECTED, suggestion=nearest(unit, UNITS)))
    return unit


@lru_cache(maxsize=1024)
def _parse(text: str) -> Span:
    if match := _TEXT.fullmatch(text):
        return Span(Decimal(match["amount"]), match["unit"], "same time" if match["same"] else "close")
    if text[:1] == "P" and (match := _ISO.fullmatch(text)):
        return _from_iso(text, match)
    raise InvalidValue(Problem("not a span of time", text, expected=_EXPECTED))


def _from_iso(text: str, match: re.Match[str]) -> Span:
    parts = {name: Decimal(value) for name, value in match.groupdict().items() if value and name != "clock"}
    months = 12 * parts.pop("years", Decimal(0)) + parts.pop("months", Decimal(0))
    days = 7 * parts.pop("weeks", Decimal(0)) + parts.pop("days", Decimal(0))
    seconds = sum((value * _MICROSECONDS[unit] for unit, value in parts.items()), Decimal(0)) / 1_000_000
    units = [(months, "months"), (days, "days"), (seconds, "seconds")]
    named = [(amount, unit) for amount, unit in units if amount]
    if len(named) > 1 or text in {"P", "PT"} or match["clock"] == "T":
        raise InvalidValue(
            Problem("not a span of time", text, expected="an ISO 8601 duration in days or in clock time")
        )
    if not named:
        return Span(0, "seconds")
    amount, unit = named[0]
    return _in_largest_unit(int(seconds * 1_000_000)) if unit == "seconds" else Span(amount, unit)


def _from_timedelta(length: timedelta) -> Span:
    return _in_largest_unit(length // timedelta(microseconds=1))


def _in_largest_unit(microseconds: int) -> Span:
    unit = next((unit for unit in ("hours", "minutes") if microseconds % _MICROSECONDS[unit] == 0), "seconds")
    return Span(Decimal(microseconds) / _MICROSECONDS[unit], unit)
