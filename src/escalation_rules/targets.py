"""Targets: what must happen within which span, from when, and what pauses the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, field_validator

from escalation_rules import events as E
from escalation_rules._values import Name, Several, Value
from escalation_rules.conditions import OptionalCondition
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.events import Patterns, patterns_of
from escalation_rules.facts import ConditionLike
from escalation_rules.patterns import Pattern
from escalation_rules.picks import CalendarChoice, RoleChoice, SpanChoice, SpanOrPick

__all__ = ["Target"]

TO_CUSTOMER = E.UpdateSent.like(audience="customer")
ENDED = (E.Resolved.like(), E.Closed.like())


def _starts(given: object) -> Any:
    return given if given is None or given == "unanswered" else patterns_of(given)


def _names(given: object) -> Any:
    return (given,) if isinstance(given, str) else given


class Target(Value):
    """A clock: started, paused and stopped by events, due when so much time has been counted.

    `within` is a span, a pick of spans, or None, which says "no target" explicitly. `starts` is a pattern (or
    several); without it a policy's target starts with each cycle and a level's on entry; `"unanswered"` starts it at
    the oldest unanswered customer message once the first response has stopped. `stops` is a pattern or several.
    `pauses` names the waits that stop the count. With `recurs` it starts again whenever it stops. `calendar` is where
    business spans are counted: the track's or the policy's unless given. Of several targets with one key the first
    whose `when` holds applies; `when` sees state, never deadlines or durations. With `agreed`, the span of the latest
    communication plan goes before `within`. An event stops a clock at its due instant in time; a microsecond later it
    is breached.
    """

    key: Name
    within: SpanChoice
    starts: Annotated[Patterns | Literal["unanswered"] | None, BeforeValidator(_starts)] = None
    stops: Patterns
    pauses: Annotated[tuple[str, ...], BeforeValidator(_names)] = ("customer",)
    recurs: bool = False
    calendar: CalendarChoice = None
    owner: RoleChoice | None = None
    when: OptionalCondition = None
    agreed: bool = False

    if TYPE_CHECKING:

        def __init__(
            self,
            key: str,
            within: SpanOrPick | None,
            starts: Several[Pattern] | Literal["unanswered"] | None = None,
            *,
            stops: Several[Pattern],
            pauses: Several[str] = ("customer",),
            recurs: bool = False,
            calendar: CalendarChoice = None,
            owner: RoleChoice | None = None,
            when: ConditionLike | None = None,
            agreed: bool = False,
        ) -> None: ...

    @field_validator("stops")
    @classmethod
    def _can_stop(cls, stops: Any) -> Any:
        if not stops:
            raise InvalidValue(Problem("a target that nothing stops", expected="at least one pattern"))
        return stops

    @classmethod
    def first_response(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """From the customer's opening to the first counting reply; not applicable to what staff opened."""
        return _made(
            {"key": "first_response", "starts": E.Opened.like(by_staff=False), "stops": E.COUNTING_REPLY}, within, more
        )

    @classmethod
    def next_response(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """From the oldest unanswered customer message, once the first response has stopped, to a counting reply."""
        return _made({"key": "next_response", "starts": "unanswered", "stops": E.COUNTING_REPLY}, within, more)

    @classmethod
    def update(cls, within: SpanOrPick | None, *, audience: str = "customer", **more: Any) -> Target:
        """From one update to the next; to the customer, a counting reply is an update too."""
        sent = E.UpdateSent.like(audience=audience)
        stops = (sent, E.COUNTING_REPLY) if audience == "customer" else (sent,)
        return _made({"key": "update", "stops": stops, "recurs": True}, within, more)

    @classmethod
    def resolution(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """From opening, or reopening, to resolved (or closed)."""
        starts = (E.Opened.like(), E.Reopened.like())
        return _made({"key": "resolution", "starts": starts, "stops": ENDED}, within, more)

    @classmethod
    def contact(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """Until the customer has been contacted.

        A counting reply, an update, or a call that the customer takes part in.
        """
        stops = (E.COUNTING_REPLY, TO_CUSTOMER, E.CallHeld.like(participants="customer"))
        return _made({"key": "contact", "stops": stops}, within, more)

    @classmethod
    def acknowledge(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """Until somebody has acknowledged the case."""
        return _made({"key": "acknowledge", "stops": E.Acknowledged.like()}, within, more)

    @classmethod
    def kick_off(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """Until the kick-off call."""
        return _made({"key": "kick_off", "stops": E.CallHeld.like(kind="kick_off")}, within, more)

    @classmethod
    def action_plan(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """Until there is an action plan, or the next revision of it."""
        return _made({"key": "action_plan", "stops": E.PlanRevised.like()}, within, more)

    @classmethod
    def review(cls, within: SpanOrPick | None, *, what: str | None = None, **more: Any) -> Target:
        """Until somebody has reviewed `what` (anything, unless named)."""
        stops = E.Reviewed.like() if what is None else E.Reviewed.like(what=what)
        return _made({"key": "review", "stops": stops}, within, more)

    @classmethod
    def post_mortem(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """From resolved (or closed) to the post-mortem."""
        return _made({"key": "post_mortem", "starts": ENDED, "stops": E.PostMortemHeld.like()}, within, more)


def _made(usual: dict[str, Any], within: SpanOrPick | None, more: dict[str, Any]) -> Target:
    return Target(**{**usual, "within": within, **more})
