"""Histories of many cases as arrays: the instant of each event, and the number of its template.

A million events are a million instants and small numbers. A `Case` is only made for a case that is read by its id, or
that is replayed one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from escalation_rules._values import FrozenDict, Value, fields_of
from escalation_rules.case import ACTION_KEY, MOVE_KEY, Case
from escalation_rules.engine.fold import CaseInput, case_input
from escalation_rules.events import AcceptableEvent, Declined, Reconciled
from escalation_rules.patterns import BaseEvent
from escalation_rules.simulation.arrays import Ints
from escalation_rules.worktime._timeline import EPOCH, datetime_of

V = TypeVar("V", bound=Value)


class Template(NamedTuple):
    """An event without its instant and id, as a prototype."""

    prototype: BaseEvent

    def event(self, instant: int, name: str | None) -> BaseEvent:
        """Return the event at an instant. The fields are known to be valid and not checked again."""
        kind = type(self.prototype)
        fields = {**vars(self.prototype), "at": datetime_of(instant), "id": name, "instant": instant}
        return _made(kind, fields, self.prototype.__pydantic_fields_set__)


def _made(kind: type[V], held: dict[str, Any], given: set[str]) -> V:
    """Return a value from fields that are known to be valid."""
    model = object.__new__(kind)
    for name, value in zip(_SLOTS, (held, given, None, None), strict=True):
        object.__setattr__(model, name, value)
    return model


_SLOTS = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")


class Templates:
    """The distinct templates of a log as they are collected."""

    def __init__(self) -> None:
        self.found: dict[Any, int] = {}

    def code(self, kind: type[BaseEvent], /, **fields: Any) -> int:
        """Return the number of a template, which is added at its first use."""
        key = (kind, tuple((name, _hashable(value)) for name, value in fields.items()))
        return self.found.setdefault(key, len(self.found))

    def listed(self) -> tuple[Template, ...]:
        """Return all templates, by number."""
        return tuple(Template(kind(at=EPOCH, **dict(fields))) for kind, fields in self.found)


def _hashable(value: Any) -> Any:
    return FrozenDict(value) if isinstance(value, Mapping) else value


@dataclass(frozen=True, eq=False)
class Histories:
    """Events of many cases, in order; those of case `i` are from `starts[i]` up to `starts[i + 1]`.

    `at` has instants in whole microseconds, `code` the numbers of templates. An event's id is made of its `row` and, if
    a row makes several events, of its `part` among them; `names` has the row's own id, if there is one.
    """

    ids: NDArray[Any]
    starts: Ints
    at: Ints
    code: NDArray[np.int32]
    row: Ints
    part: NDArray[np.int8]
    templates: tuple[Template, ...]
    attributes: Mapping[str, NDArray[Any]]
    names: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Case]:
        return (self.case(number) for number in range(len(self)))

    def case(self, number: int) -> Case:
        """Return one of the cases, by number."""
        here = slice(int(self.starts[number]), int(self.starts[number + 1]))
        pairs = zip(self.at[here].tolist(), self.code[here].tolist(), self._names(here), strict=True)
        events = tuple(self.templates[code].event(instant, name) for instant, code, name in pairs)
        attributes = FrozenDict({name: values[number] for name, values in self.attributes.items()})
        return _made(Case, {"id": self.ids[number], "history": events, "attributes": attributes}, _GIVEN)

    def _names(self, here: slice) -> list[str]:
        rows = self.row[here].tolist()
        names = [f"row:{row}" for row in rows] if self.names is None else self.names[here].tolist()
        parts = self.part[here].tolist()
        return [f"{name}:{part + 1}" if part else name for name, part in zip(names, parts, strict=True)]

    def told(self, until: int) -> Iterator[CaseInput]:
        """Yield each case's input for a fold up to an instant. A `Case` is only built if keys or snapshots matter."""
        at, code, starts = self.at.tolist(), self.code.tolist(), self.starts.tolist()
        names = [] if self.names is None else self.names.tolist()
        prototypes = [prototype.prototype for prototype in self.templates]
        apart = {code for code, prototype in enumerate(prototypes) if _is_apart(prototype)}
        for number, (first, last) in enumerate(pairwise(starts)):
            codes = code[first:last]
            if apart.isdisjoint(codes) and not any(name.startswith(_KEYS) for name in names[first:last]):
                yield CaseInput(
                    self.ids[number], [*zip(at[first:last], map(prototypes.__getitem__, codes), strict=True)]
                )
            else:
                yield case_input(self.case(number), until)

    def part_of(self, first: int, last: int) -> Histories:
        """Return the cases from one number up to another."""
        here = slice(int(self.starts[first]), int(self.starts[last]))
        return replace(
            self,
            ids=self.ids[first:last],
            starts=self.starts[first : last + 1] - self.starts[first],
            at=self.at[here],
            code=self.code[here],
            row=self.row[here],
            part=self.part[here],
            names=None if self.names is None else self.names[here],
            attributes={name: values[first:last] for name, values in self.attributes.items()},
        )

    def until(self, last: int) -> Histories:
        """Return the same cases without later events; each must have begun by then."""
        known = self.at <= last
        if known.all():
            return self
        counts = np.add.reduceat(known.astype(np.int64), self.starts[:-1])
        return replace(
            self,
            starts=np.r_[0, np.cumsum(counts)],
            at=self.at[known],
            code=self.code[known],
            row=self.row[known],
            part=self.part[known],
            names=None if self.names is None else self.names[known],
        )

    @classmethod
    def of(cls, cases: Sequence[Case]) -> Histories:
        """Build histories of existing cases, for vectorised reading only: their events lose their ids."""
        places: dict[Any, int] = {}
        templates: list[Template] = []
        codes: list[int] = []
        for event in (event for case in cases for event in case.history):
            key = (type(event), *(value for name, value in fields_of(event) if name not in {"at", "id"}))
            code = places.setdefault(key, len(places))
            if code == len(templates):
                templates.append(Template(event))
            codes.append(code)
        at = [event.instant for case in cases for event in case.history]
        return cls(
            ids=np.array([case.id for case in cases], dtype=object),
            starts=np.cumsum([0, *(len(case.history) for case in cases)]),
            at=np.array(at, np.int64),
            code=np.array(codes, np.int32),
            row=np.zeros(len(at), np.int64),
            part=np.zeros(len(at), np.int8),
            templates=tuple(templates),
            attributes={},
        )

    def chosen(self, numbers: Ints) -> Histories:
        """Return the cases with these numbers, in this order."""
        lengths = (self.starts[1:] - self.starts[:-1])[numbers]
        starts = np.r_[0, np.cumsum(lengths)]
        places = np.repeat(self.starts[:-1][numbers] - starts[:-1], lengths) + np.arange(starts[-1])
        return replace(
            self,
            ids=self.ids[numbers],
            starts=starts,
            at=self.at[places],
            code=self.code[places],
            row=self.row[places],
            part=self.part[places],
            attributes={name: values[numbers] for name, values in self.attributes.items()},
            names=None if self.names is None else self.names[places],
        )


_KEYS = (MOVE_KEY, ACTION_KEY)


def _is_apart(event: BaseEvent) -> bool:
    """Return whether a fold needs more of an event than its prototype and its instant."""
    keyed = isinstance(event, AcceptableEvent) and (event.recorded_at or getattr(event, "key", None)) is not None
    return keyed or isinstance(event, Reconciled | Declined)


_GIVEN = {"id", "history", "attributes"}
