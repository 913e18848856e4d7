"""Levels and tracks: the rungs of an organisation, and the ladders they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from escalation_rules._values import Frozen, Name, Several, Value
from escalation_rules.actions import Action, Actions
from escalation_rules.checklists import Checklist, Item
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.picks import CalendarChoice, RoleChoice, SpanChoice, SpanOrPick
from escalation_rules.targets import Target

__all__ = ["Circle", "EscalationLevel", "Track"]


NOWHERE = -1
"""The place of a case that is on no level of a track (rule 20): below the first."""


class Circle(Value):
    """Who talks to whom while a case is on a level.

    Pairs of roles, each for its own matters. Everybody else stays outside.

    >>> Circle(pairs={"technical": ("support_rep", "customer_technical")}).roles
    ('support_rep', 'customer_technical')
    """

    pairs: Frozen[str, tuple[str, str]]

    if TYPE_CHECKING:

        def __init__(self, pairs: Mapping[str, tuple[str, str]]) -> None: ...

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles inside."""
        return tuple(dict.fromkeys(role for pair in self.pairs.values() for role in pair))


def _one_or_more(given: object) -> Any:
    return (given,) if isinstance(given, str | Value) else given


def _checklist(given: Any) -> Any:
    if isinstance(given, Item):
        return Checklist(items=(given,))
    return Checklist(items=given) if isinstance(given, list | tuple) else given


ChecklistLike = Checklist | Item | tuple[Item, ...] | list[Item]
"""Whatever stands for a checklist: one, or its items."""
OptionalChecklist = Annotated[Checklist | None, BeforeValidator(_checklist)]


class EscalationLevel(Value):
    """A rung: who owns a case there, what must be known before and after, what is owed meanwhile.

    `entry` is asked before a case comes here, `work` is owed while it stays, `exit` is asked before it goes down. If
    the owner's rota has nobody, `alternates` are tried in order, then `nobody` says what to do: `"wait"` (move,
    unowned), `"hold"` (blocked until somebody is on duty) or `"skip"` (the next level that is not external).
    `targets` start on entry and are void when left pending. `escalate_after` is short for a rule to the next level
    after so long here. `cooldown` holds back going down, never up. An `external` level has no owner and ends the
    library's clocks.
    """

    key: Name
    title: str | None = None
    owner: RoleChoice | None = None
    alternates: Annotated[tuple[RoleChoice, ...], BeforeValidator(_one_or_more)] = ()
    nobody: Literal["wait", "hold", "skip"] = "wait"
    entry: OptionalChecklist = None
    work: OptionalChecklist = None
    exit: OptionalChecklist = None
    targets: Annotated[tuple[Target, ...], BeforeValidator(_one_or_more)] = ()
    on_entry: Actions = ()
    escalate_after: SpanChoice = None
    cooldown: SpanChoice = None
    circle: Circle | None = None
    external: bool = False

    if TYPE_CHECKING:

        def __init__(
            self,
            key: str,
            title: str | None = None,
            owner: RoleChoice | None = None,
            alternates: Several[RoleChoice] = (),
            nobody: Literal["wait", "hold", "skip"] = "wait",
            entry: ChecklistLike | None = None,
            work: ChecklistLike | None = None,
            exit: ChecklistLike | None = None,
            targets: Several[Target] = (),
            on_entry: Several[Action] = (),
            escalate_after: SpanOrPick | None = None,
            cooldown: SpanOrPick | None = None,
            circle: Circle | None = None,
            external: bool = False,
        ) -> None: ...

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.external and (self.owner is not None or self.alternates):
            raise InvalidValue(Problem("an external level with an owner", self.owner, path="owner", expected="none"))
        if self.alternates and self.owner is None:
            raise InvalidValue(Problem("alternates without an owner", self.alternates, path="alternates"))
        return self

    @property
    def name(self) -> str:
        """The title, or else the key."""
        return self.title or self.key


class Track(Value):
    """A ladder of levels, lowest first: a line of expertise, of authority, or one organisation's."""

    key: Name
    levels: Annotated[tuple[EscalationLevel, ...], BeforeValidator(_one_or_more)] = ()
    organisation: str | None = None
    calendar: CalendarChoice = None

    if TYPE_CHECKING:

        def __init__(
            self,
            key: str,
            levels: Several[EscalationLevel] = (),
            organisation: str | None = None,
            calendar: CalendarChoice = None,
        ) -> None: ...
