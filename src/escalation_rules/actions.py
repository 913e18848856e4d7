"""Actions, read by convention as `A`: what a decision may ask the host to do besides moving the case.

Roles may be picks, so that who is told depends on the priority or on a choice fact. The host does what is asked and
records what the decision's `accept` gives: `PriorityChanged` for `SetPriority`, `Assigned` for `Assign`, else
`ActionTaken`.

>>> from escalation_rules import actions as A
>>> A.Notify(roles="manager", text="escalated")
A.Notify(roles=('manager',), text='escalated')
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator

from escalation_rules._values import Several, Value
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.picks import Pick, RoleChoice

__all__ = ["Action", "Actions", "Ask", "Assign", "Convene", "Flag", "Notify", "Redirect", "SetPriority"]


def _several(given: object) -> Any:
    return (given,) if isinstance(given, str | Pick | Value) else given


Roles = Annotated[tuple[RoleChoice, ...], BeforeValidator(_several)]


class _Action(Value):
    namespace = "A."
    type: str

    def roles_named(self) -> Iterator[tuple[str, RoleChoice]]:
        """The roles it names, with the field that names each."""
        return iter(())

    def picked(self, pick: Callable[[Any], Any]) -> Self | None:
        """The action with its picks made; None if a pick leaves nobody where somebody is needed."""
        held = {name: getattr(self, name) for name in type(self).model_fields}
        made = {name: _picked(one, pick) for name, one in held.items()}
        if made == held:
            return self
        needed = (name for name, field in type(self).model_fields.items() if field.is_required())
        return None if any(made[name] in {None, ()} for name in needed) else self.model_copy(update=made)


def _picked(held: Any, pick: Callable[[Any], Any]) -> Any:
    if not isinstance(held, tuple):
        return pick(held)
    return tuple(one for one in map(pick, held) if one is not None)


class Notify(_Action):
    """Tell these roles. `by` is who tells them, where the process says so; `text` names one of the host's messages."""

    type: Literal["Notify"] = "Notify"
    roles: Roles
    by: RoleChoice | None = None
    text: str | None = None

    if TYPE_CHECKING:

        def __init__(
            self, roles: Several[RoleChoice], by: RoleChoice | None = None, text: str | None = None
        ) -> None: ...

    def roles_named(self) -> Iterator[tuple[str, RoleChoice]]:
        """Who is told, and by whom."""
        yield from (("roles", role) for role in self.roles)
        if self.by is not None:
            yield "by", self.by


class Ask(_Action):
    """Ask a role for something that is missing, such as the business impact."""

    type: Literal["Ask"] = "Ask"
    of: RoleChoice
    item: str

    if TYPE_CHECKING:

        def __init__(self, of: RoleChoice, item: str) -> None: ...

    def roles_named(self) -> Iterator[tuple[str, RoleChoice]]:
        """Who is asked."""
        yield "of", self.of


class Redirect(_Action):
    """Point whoever asked to the preferred entrances: channels or roles."""

    type: Literal["Redirect"] = "Redirect"
    to: Roles

    if TYPE_CHECKING:

        def __init__(self, to: Several[RoleChoice]) -> None: ...


class SetPriority(_Action):
    """Raise the priority, to one of the policy's or by one ("next"). It never lowers."""

    type: Literal["SetPriority"] = "SetPriority"
    to: str

    if TYPE_CHECKING:

        def __init__(self, to: str) -> None: ...


class Assign(_Action):
    """Give the case to a role: to whoever of that role is on duty when it is due.

    `as_` is what they become on the case.
    """

    type: Literal["Assign"] = "Assign"
    role: RoleChoice
    as_: str = "assignee"

    if TYPE_CHECKING:

        def __init__(self, role: RoleChoice, as_: str = "assignee") -> None: ...

    def roles_named(self) -> Iterator[tuple[str, RoleChoice]]:
        """Who is assigned, and as what."""
        yield "role", self.role
        yield "as_", self.as_


class Convene(_Action):
    """Call these roles together."""

    type: Literal["Convene"] = "Convene"
    kind: str
    who: Roles

    if TYPE_CHECKING:

        def __init__(self, kind: str, who: Several[RoleChoice]) -> None: ...

    def roles_named(self) -> Iterator[tuple[str, RoleChoice]]:
        """Who is called."""
        yield from (("who", role) for role in self.who)


class Flag(_Action):
    """Mark the case for people to see; with `finding`, an audit reports it as well."""

    type: Literal["Flag"] = "Flag"
    text: str
    finding: bool = False

    if TYPE_CHECKING:

        def __init__(self, text: str, finding: bool = False) -> None: ...


def _actions(given: object) -> Any:
    several = _several(given)
    for one in several if isinstance(several, list | tuple) else (several,):
        if not isinstance(one, _Action | Mapping):
            raise InvalidValue(Problem("not an action", one, expected='one such as `A.Notify("manager")`'))
    return several


Action = Annotated[Notify | Ask | Redirect | SetPriority | Assign | Convene | Flag, Discriminator("type")]
"""Any action."""


def _once(actions: tuple[Value, ...]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(actions))


Actions = Annotated[tuple[Action, ...], BeforeValidator(_actions), AfterValidator(_once)]
"""Some actions, each once, or one by itself."""
