"""Targets: what must happen within which span, from when, and what pause_on the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, field_validator

from escalation_rules import events as E
from escalation_rules._values import Name, Several, Value
from escalation_rules.conditions import OptionalCondition
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.events import Patterns, patterns_of
from escalation_rules.facts import ConditionLike
from escalation_rules.patterns import Pattern
from escalation_rules.picks import (
    CalendarChoice,
    RoleChoice,
    SpanChoice,
    SpanOrPick,
    WaitsChoice,
    WaitsLike,
    alternatives,
)

__all__ = ["Target"]

TO_CUSTOMER = E.UpdateSent.like(audience="customer")
ENDED = (E.Resolved.like(), E.Closed.like())


def _starts(given: object) -> Any:
    return given if given is None or given == "unanswered" else patterns_of(given)


class Target(Value):
    """A clock: started, paused and stopped by events, due when so much time has been counted.

    `within` is a span, a pick of spans, or None for "no target". `start_on` is a pattern (or several); without it a
    policy's target starts with each cycle and a level's target on entry; `"unanswered"` starts it at the oldest
    unanswered customer message once the first response has stopped. `stop_on` is a pattern or several. `pause_on` names
    the parties whose waits pause the count, or is a pick of such; only `Target.resolution` pauses by default, for the
    customer. With `recurring` it starts again whenever it stops. Business spans count in `calendar`, else in the
    track's, else in the policy's. Of several targets with one key the first whose `when` holds applies; `when` sees
    state, never deadlines or durations. With `use_agreed_interval`, the span of the latest communication plan replaces
    `within`. An event at the due instant still stops the clock in time; a microsecond later it is breached (rule 14).

    >>> Target.first_response(within={"P1": "15 minutes", "otherwise": "4 business hours"}).pause_on
    ()
    """

    positional: ClassVar[int | None] = 1
    key: Name
    within: SpanChoice
    start_on: Annotated[Patterns | Literal["unanswered"] | None, BeforeValidator(_starts)] = None
    stop_on: Patterns
    pause_on: WaitsChoice = ()
    recurring: bool = False
    calendar: CalendarChoice = None
    owner: RoleChoice | None = None
    when: OptionalCondition = None
    use_agreed_interval: bool = False

    if TYPE_CHECKING:

        def __init__(
            self,
            key: str,
            *,
            within: SpanOrPick | None,
            start_on: Several[Pattern] | Literal["unanswered"] | None = None,
            stop_on: Several[Pattern],
            pause_on: WaitsLike = (),
            recurring: bool = False,
            calendar: CalendarChoice = None,
            owner: RoleChoice | None = None,
            when: ConditionLike | None = None,
            use_agreed_interval: bool = False,
        ) -> None: ...

    @field_validator("stop_on")
    @classmethod
    def _can_stop(cls, stop_on: Any) -> Any:
        if not stop_on:
            raise InvalidValue(Problem("a target that nothing stops", expected="at least one pattern"))
        return stop_on

    @classmethod
    def first_response(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """From the customer's opening to the first counting reply; not applicable to what staff opened."""
        return _made(
            {
                "key": "first_response",
                "start_on": E.Opened.like(actor=E.other_than("staff")),
                "stop_on": E.COUNTING_REPLY,
            },
            within,
            more,
        )

    @classmethod
    def next_response(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """From the oldest unanswered customer message, once the first response has stopped, to a counting reply."""
        return _made({"key": "next_response", "start_on": "unanswered", "stop_on": E.COUNTING_REPLY}, within, more)

    @classmethod
    def update(cls, within: SpanOrPick | None, *, audience: str = "customer", **more: Any) -> Target:
        """From one update to the next; to the customer, a counting reply is an update too."""
        sent = E.UpdateSent.like(audience=audience)
        stop_on = (sent, E.COUNTING_REPLY) if audience == "customer" else (sent,)
        return _made({"key": "update", "stop_on": stop_on, "recurring": True}, within, more)

    @classmethod
    def resolution(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """From opening, or reopening, to resolved (or closed)."""
        start_on = (E.Opened.like(), E.Reopened.like())
        # rule 13: only resolution pauses unless told to, for the customer
        usual = {"key": "resolution", "start_on": start_on, "stop_on": ENDED, "pause_on": ("customer",)}
        return _made(usual, within, more)

    @classmethod
    def contact(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """Until the customer has been contacted.

        A counting reply, an update, or a call that the customer takes part in.
        """
        stop_on = (E.COUNTING_REPLY, TO_CUSTOMER, E.CallHeld.like(participants="customer"))
        return _made({"key": "contact", "stop_on": stop_on}, within, more)

    @classmethod
    def acknowledge(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """Until somebody has acknowledged the case."""
        return _made({"key": "acknowledge", "stop_on": E.Acknowledged.like()}, within, more)

    @classmethod
    def kick_off(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """Until the kick-off call."""
        return _made({"key": "kick_off", "stop_on": E.CallHeld.like(kind="kick_off")}, within, more)

    @classmethod
    def action_plan(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """Until there is an action plan, or the next revision of it."""
        return _made({"key": "action_plan", "stop_on": E.PlanRevised.like()}, within, more)

    @classmethod
    def review(cls, within: SpanOrPick | None, *, what: str | None = None, **more: Any) -> Target:
        """Until somebody has reviewed `what` (anything, unless named)."""
        stop_on = E.Reviewed.like() if what is None else E.Reviewed.like(what=what)
        return _made({"key": "review", "stop_on": stop_on}, within, more)

    @classmethod
    def post_mortem(cls, within: SpanOrPick | None, **more: Any) -> Target:
        """From resolved (or closed) to the post-mortem."""
        return _made({"key": "post_mortem", "start_on": ENDED, "stop_on": E.PostMortemHeld.like()}, within, more)


def waits_of(target: Target) -> tuple[str, ...]:
    """The parties whose waits may pause a target's clock, in whatever state."""
    several = (waits for waits in alternatives(target.pause_on) if waits)
    return tuple(dict.fromkeys(party for waits in several for party in waits))


def _made(usual: dict[str, Any], within: SpanOrPick | None, more: dict[str, Any]) -> Target:
    return Target(**{**usual, "within": within, **more})
