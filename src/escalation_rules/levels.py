"""Levels and tracks: the rungs of an organisation, and the ladders they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, model_validator

from escalation_rules._values import Frozen, FrozenDict, Name, Several, Value
from escalation_rules.actions import Action, Actions
from escalation_rules.checklists import ChecklistLike, OptionalChecklist
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.picks import CalendarChoice, RoleChoice, SpanChoice, SpanOrPick
from escalation_rules.targets import Target

__all__ = ["EscalationLevel", "Track"]


NOWHERE = -1
"""The place of a case that is on no level of a track (rule 20): below the first."""


def _one_or_more(given: object) -> Any:
    return (given,) if isinstance(given, str | Value) else given


class EscalationLevel(Value):
    """A tier: who owns a case there, its checklists before, during and after the stay, and its targets.

    `entry` is asked before a case comes here, `work` is owed while it stays, `de_escalation` is asked before it goes
    down. If the owner's rota has nobody on duty, `alternates` are tried in order, then `if_nobody` decides: `"proceed"`
    (move, unowned), `"hold"` (blocked until somebody is on duty) or `"skip"` (the next level that is not external).
    `targets` start on entry and are void when left pending. `escalate_after` is short for a rule to the next level
    after so long here. `min_stay` holds back going down, never up. `counterparts` maps a topic to the two roles that
    talk to each other about it, ours and the customer's; while the case is here, no other role talks to the customer.
    An `external` level has no owner and ends the library's clocks.

    >>> EscalationLevel("escalated", counterparts={"technical": ("support_rep", "customer_technical")}).inside
    ('support_rep', 'customer_technical')
    """

    positional: ClassVar[int | None] = 1
    key: Name
    title: str | None = None
    owner: RoleChoice | None = None
    alternates: Annotated[tuple[RoleChoice, ...], BeforeValidator(_one_or_more)] = ()
    if_nobody: Literal["proceed", "hold", "skip"] = "proceed"
    entry: OptionalChecklist = None
    work: OptionalChecklist = None
    de_escalation: OptionalChecklist = None
    targets: Annotated[tuple[Target, ...], BeforeValidator(_one_or_more)] = ()
    on_entry: Actions = ()
    escalate_after: SpanChoice = None
    min_stay: SpanChoice = None
    counterparts: Frozen[str, tuple[str, str]] = FrozenDict()
    external: bool = False

    if TYPE_CHECKING:

        def __init__(
            self,
            key: str,
            *,
            title: str | None = None,
            owner: RoleChoice | None = None,
            alternates: Several[RoleChoice] = (),
            if_nobody: Literal["proceed", "hold", "skip"] = "proceed",
            entry: ChecklistLike | None = None,
            work: ChecklistLike | None = None,
            de_escalation: ChecklistLike | None = None,
            targets: Several[Target] = (),
            on_entry: Several[Action] = (),
            escalate_after: SpanOrPick | None = None,
            min_stay: SpanOrPick | None = None,
            counterparts: Mapping[str, tuple[str, str]] = {},
            external: bool = False,
        ) -> None: ...

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # rule 28: an external level has no owner
        if self.external and (self.owner is not None or self.alternates):
            raise InvalidValue(Problem("an external level with an owner", self.owner, path="owner", expected="none"))
        if self.alternates and self.owner is None:
            raise InvalidValue(Problem("alternates without an owner", self.alternates, path="alternates"))
        return self

    @property
    def name(self) -> str:
        """The title, or else the key."""
        return self.title or self.key

    @property
    def inside(self) -> tuple[str, ...]:
        """The roles of all `counterparts`, each once."""
        return tuple(dict.fromkeys(role for pair in self.counterparts.values() for role in pair))


class Track(Value):
    """A ladder of levels, lowest first: a line of expertise, of authority, or one organisation's.

    `calendar` and `de_escalation` apply to all of its levels, the latter beside a level's own.
    """

    positional: ClassVar[int | None] = 1
    key: Name
    levels: Annotated[tuple[EscalationLevel, ...], BeforeValidator(_one_or_more)] = ()
    organisation: str | None = None
    calendar: CalendarChoice = None
    de_escalation: OptionalChecklist = None

    if TYPE_CHECKING:

        def __init__(
            self,
            key: str,
            *,
            levels: Several[EscalationLevel] = (),
            organisation: str | None = None,
            calendar: CalendarChoice = None,
            de_escalation: ChecklistLike | None = None,
        ) -> None: ...
