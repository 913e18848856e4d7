"""`LogMapping`: the meaning of each column of a log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, field_validator

from escalation_rules import events as E
from escalation_rules._values import Frozen, FrozenDict, Value, show
from escalation_rules.errors import InvalidValue, Problem, unknown
from escalation_rules.events import read_status
from escalation_rules.worktime._timeline import known_zone

__all__ = ["Column", "LogMapping", "text_of"]

ColumnLike = Any
"""A column's name, a pair of it and a mapping, or a `Column`."""


class Column(Value):
    """A column of a log, and the meanings of its raw values; without `words`, the raw values are used as they are.

    A raw value with a `*` or `?` in it is a pattern: values without an entry of their own are tried against the
    patterns in order, so that `{"* 3rd": "third", "*": "first"}` reads a line of support out of a team's name.
    """

    name: str
    words: Frozen[str, str] | None = None

    if TYPE_CHECKING:

        def __init__(self, name: str, words: Mapping[str, str] | None = None) -> None: ...

    def meaning(self, raw: object) -> str | None:
        """Return the policy's word for a raw value; None if it has none.

        >>> teams = Column("team", {"* 2nd": "second", "*": "first"})
        >>> teams.meaning("V12 2nd"), teams.meaning("G97")
        ('second', 'first')
        """
        text = text_of(raw)
        if self.words is None:
            return text
        named = self.words.get(text)
        return named or next((ours for pattern, ours in self.words.items() if fnmatchcase(text, pattern)), None)

    def __repr__(self) -> str:
        return f"Column({show(self.name)}{'' if self.words is None else f', {show(self.words)}'})"

    __str__ = __repr__


def text_of(raw: object) -> str:
    """Return a raw value as text; whole numbers alike, whether a frame has them as integers or as floats."""
    return str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw)


def _column(given: object) -> Any:
    if isinstance(given, str):
        return Column(name=given)
    if isinstance(given, tuple | list) and len(given) == 2 and isinstance(given[1], Mapping):
        return Column(name=given[0], words={text_of(raw): ours for raw, ours in given[1].items()})
    return given


def _check(column: Column | None, problem_of: Any) -> Column | None:
    problems = [problem_of(word) for word in dict.fromkeys(((column.words if column else None) or {}).values())]
    if found := [problem for problem in problems if problem is not None]:
        raise InvalidValue(*found)
    return column


def _problem_of_status(word: str) -> Problem | None:
    try:
        read_status(word)
    except InvalidValue as error:
        return error.problems[0]
    return None


def _problem_of_event(word: str) -> Problem | None:
    return None if word in PLAIN_EVENTS else unknown("event that needs no more than an instant", word, PLAIN_EVENTS)


PLAIN_EVENTS = tuple(
    name
    for name, kind in E.KINDS.items()
    if name not in {"Opened", "Reconciled"}
    and all(not field.is_required() for one, field in kind.model_fields.items() if one != "at")
)
"""The kinds of events that a log can name by a word: those without required fields."""

Mapped = Annotated[Column | None, BeforeValidator(_column)]
StatusColumn = Annotated[Mapped, AfterValidator(lambda column: _check(column, _problem_of_status))]
EventColumn = Annotated[Mapped, AfterValidator(lambda column: _check(column, _problem_of_event))]


class LogMapping(Value):
    """The meaning of each column of a log. One row is one update of one case.

    `case` names the case and `at` the instant of the update. Times with an offset are used as they are; naive ones are
    local times in `timezone`, and without it they are refused. `format` reads times that are texts (as `strptime` does;
    ISO 8601 without it). `opened` is the time when the case began, if that is not its first row. `status`, `priority`
    and `level` are a column, or a pair of a column and the meanings of its raw values: statuses are `open`, `working`,
    `waiting:<on>`, `resolved`, `closed` and `void`. `events` is a pair of a column and the names of events. `assigned`
    maps a role on the case to the column with its holder, or to a pair of columns (person, group). `facts` maps facts
    of the policy's own to columns; `attributes` are columns that are kept with each case for people. `id` names the
    update (without it, the row number does). Texts in `missing` count as empty cells. Only the columns named here are
    read.

    Raises `InvalidValue` for an unknown zone, status or event.

    >>> LogMapping(case="number", at="updated", timezone="UTC", status=("state", {"New": "open", "Done": "resolved"}))
    LogMapping(case='number', at='updated', timezone='UTC', status=Column('state', {'New': 'open', 'Done': 'resolved'}))
    """

    case: str
    at: str
    timezone: str | None = None
    format: str | None = None
    opened: str | None = None
    status: StatusColumn = None
    priority: Mapped = None
    level: Mapped = None
    assigned: Frozen[str, str | tuple[str, str]] = FrozenDict()
    events: EventColumn = None
    facts: Frozen[str, str] = FrozenDict()
    attributes: tuple[str, ...] = ()
    id: str | None = None
    missing: tuple[str, ...] = ("", "?")

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            case: str,
            at: str,
            timezone: str | None = None,
            format: str | None = None,
            opened: str | None = None,
            status: ColumnLike = None,
            priority: ColumnLike = None,
            level: ColumnLike = None,
            assigned: Mapping[str, str | tuple[str, str]] = {},
            events: ColumnLike = None,
            facts: Mapping[str, str] = {},
            attributes: tuple[str, ...] = (),
            id: str | None = None,
            missing: tuple[str, ...] = ("", "?"),
        ) -> None: ...

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, given: str | None) -> str | None:
        return None if given is None else known_zone(given)

    def columns(self) -> Iterator[tuple[str, str]]:
        """Yield the path of each field that names a column, with the column's name."""
        for field in ("case", "at", "opened", "id"):
            if (name := getattr(self, field)) is not None:
                yield field, name
        for field in ("status", "priority", "level", "events"):
            if (column := getattr(self, field)) is not None:
                yield field, column.name
        for role, names in self.assigned.items():
            yield from ((f"assigned[{role}]", name) for name in ([names] if isinstance(names, str) else names))
        yield from ((f"facts[{fact}]", name) for fact, name in self.facts.items())
        yield from ((f"attributes[{number}]", name) for number, name in enumerate(self.attributes))
