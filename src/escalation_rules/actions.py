"""Actions, read by convention as `A`: what a decision may ask the host to do besides moving the case.

Roles may be picks, so that who is told depends on the priority or on a choice fact. The host does what is asked and
records what the decision's `accept` gives: `PriorityChanged` for `RaisePriority`, `Assigned` for `Assign`, else
`ActionTaken`.

>>> from escalation_rules import actions as A
>>> A.Notify("manager", message="escalated")
A.Notify(roles=('manager',), message='escalated')
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator

from escalation_rules._former_names import moved
from escalation_rules._values import Several, Value
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.picks import Pick, RoleChoice

__all__ = ["Action", "Actions", "Ask", "Assign", "Convene", "Notify", "RaisePriority", "Redirect", "Tag"]


def _several(given: object) -> Any:
    return (given,) if isinstance(given, str | Pick | Value) else given


Roles = Annotated[tuple[RoleChoice, ...], BeforeValidator(_several)]


class _Action(Value):
    positional: ClassVar[int | None] = 1
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
    """Tell these roles. `message` names one of the host's messages; `sender` is the role that sends it, if any."""

    type: Literal["Notify"] = "Notify"
    roles: Roles
    message: str | None = None
    sender: RoleChoice | None = None

    if TYPE_CHECKING:

        def __init__(
            self, roles: Several[RoleChoice], *, message: str | None = None, sender: RoleChoice | None = None
        ) -> None: ...

    def roles_named(self) -> Iterator[tuple[str, RoleChoice]]:
        """Who is told, and by whom."""
        yield from (("roles", role) for role in self.roles)
        if self.sender is not None:
            yield "sender", self.sender


class Ask(_Action):
    """Ask a role for something that is missing, such as the business impact."""

    type: Literal["Ask"] = "Ask"
    role: RoleChoice
    item: str

    if TYPE_CHECKING:

        def __init__(self, role: RoleChoice, *, item: str) -> None: ...

    def roles_named(self) -> Iterator[tuple[str, RoleChoice]]:
        """Who is asked."""
        yield "role", self.role


class Redirect(_Action):
    """Point whoever asked to the preferred entrances: channels or roles."""

    type: Literal["Redirect"] = "Redirect"
    to: Roles

    if TYPE_CHECKING:

        def __init__(self, to: Several[RoleChoice]) -> None: ...


class RaisePriority(_Action):
    """Raise the priority, to one of the policy's or by one ("next"). It never lowers."""

    type: Literal["RaisePriority"] = "RaisePriority"
    to: str

    if TYPE_CHECKING:

        def __init__(self, to: str) -> None: ...


class Assign(_Action):
    """Give the case to a role: to whoever of that role is on duty when it is due.

    `as_role` is what they become on the case.
    """

    type: Literal["Assign"] = "Assign"
    role: RoleChoice
    as_role: str = "assignee"

    if TYPE_CHECKING:

        def __init__(self, role: RoleChoice, *, as_role: str = "assignee") -> None: ...

    def roles_named(self) -> Iterator[tuple[str, RoleChoice]]:
        """Who is assigned, and as what."""
        yield "role", self.role
        yield "as_role", self.as_role


class Convene(_Action):
    """Call these roles together."""

    type: Literal["Convene"] = "Convene"
    roles: Roles
    kind: str

    if TYPE_CHECKING:

        def __init__(self, roles: Several[RoleChoice], *, kind: str) -> None: ...

    def roles_named(self) -> Iterator[tuple[str, RoleChoice]]:
        """Who is called."""
        yield from (("roles", role) for role in self.roles)


class Tag(_Action):
    """Mark the case for people to see; with `audit`, an audit reports it as well."""

    type: Literal["Tag"] = "Tag"
    text: str
    audit: bool = False

    if TYPE_CHECKING:

        def __init__(self, text: str, *, audit: bool = False) -> None: ...


def _actions(given: object) -> Any:
    several = _several(given)
    for one in several if isinstance(several, list | tuple) else (several,):
        if not isinstance(one, _Action | Mapping):
            raise InvalidValue(Problem("not an action", one, expected='one such as `A.Notify("manager")`'))
    return several


Action = Annotated[Notify | Ask | Redirect | RaisePriority | Assign | Convene | Tag, Discriminator("type")]
"""Any action."""


def _once(actions: tuple[Value, ...]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(actions))


Actions = Annotated[tuple[Action, ...], BeforeValidator(_actions), AfterValidator(_once)]
"""Some actions, each once, or one by itself."""


def __getattr__(name: str) -> Any:
    """Raise `AttributeError`; for a name of the first edition, with the present one."""
    raise AttributeError(moved("actions", name))
