"""One case on one page, for whoever takes it up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from escalation_rules import events as E
from escalation_rules._arguments import check_policy_and_case
from escalation_rules._values import Frozen, FrozenDict, Instant, Value, read_instant
from escalation_rules.case import Case
from escalation_rules.decision import levels_of
from escalation_rules.engine import deadlines, decide, machine_of
from escalation_rules.engine.fold import fold
from escalation_rules.explain import phrase_instant
from escalation_rules.metrics.kpis import Rate, Spread, page, phrase_length
from escalation_rules.patterns import BaseEvent
from escalation_rules.policy import Policy
from escalation_rules.record import timezone_of
from escalation_rules.worktime import load_zone
from escalation_rules.worktime._timeline import microseconds_of


class Brief(Value):
    """What an escalation manager notes of a case before talking to anybody.

    `responses` are the replies that count, `notes` the rest of what support wrote. `gaps` lie between responses,
    `waits` between a customer's message and the response to it. `levels` and `moves` are those of the decision: what is
    due and not recorded is among them. `kept` counts the targets met among those met or breached. Lengths of time are
    elapsed. Printed, it is the page.
    """

    case: str
    at: Instant
    timezone: str = "UTC"
    status: str
    priority: str | None
    levels: Frozen[str, str | None] = FrozenDict()
    age: timedelta
    responses: int
    notes: int
    gaps: Spread
    waits: Spread
    unanswered_since: Instant | None
    updates: int
    messages: int
    asked_for_status: int
    escalation_requests: int
    first_unanswered_at: Instant | None
    moves: int
    reopenings: int
    kept: Rate
    overdue: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.explain()

    def explain(self) -> str:
        """The page."""
        zone = load_zone(self.timezone)
        standing = ", ".join(level for level in self.levels.values() if level is not None)
        since = phrase_instant(self.unanswered_since, zone) if self.unanswered_since else None
        first = phrase_instant(self.first_unanswered_at, zone) if self.first_unanswered_at else None
        unanswered = f"first unanswered since {first}" if first else "none unanswered"
        return page(
            f"{self.case} at {phrase_instant(self.at, zone)}: {self.status} on {standing or 'no level'}",
            (
                ("priority", self.priority or "not set"),
                ("age", f"{phrase_length(self.age)}, reopened {self.reopenings} times"),
                ("responses", f"{self.responses}; internal or automatic, and not counted: {self.notes}"),
                ("time between them", self.gaps),
                ("time the customer waited", self.waits),
                ("waiting now", f"unanswered since {since}" if since else "nothing unanswered"),
                ("updates sent", self.updates),
                ("customer's messages", f"{self.messages}, asking for the status {self.asked_for_status} times"),
                ("escalations", f"{self.escalation_requests}, {unanswered}"),
                ("moves up", self.moves),
                ("targets kept", self.kept),
                ("overdue", ", ".join(self.overdue) or "nothing"),
            ),
        )


def brief(policy: Policy, case: Case, *, at: datetime) -> Brief:
    """A case on one page: priority, age, how often and how well it was answered and updated, and its escalations.

    Source: MarkView Technical Support, "Customer Escalations": what the escalation manager on duty notes. Raises as
    `decide` does.

    >>> from datetime import datetime, timezone
    >>> from escalation_rules import presets
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> brief(presets.escalation_utility(), Case.open("U-1", at=nine), at=nine.replace(hour=11)).unanswered_since.hour
    9
    """
    check_policy_and_case(policy, case)
    moment = read_instant(at)
    known: list[BaseEvent] = [event for event in case.history if event.at <= moment]
    replies = [event for event in known if isinstance(event, E.SupportReplied)]
    responses = [event for event in replies if event.counts]
    messages = [event for event in known if isinstance(event, E.CustomerReplied)]
    decision, all_deadlines = decide(policy, case, at=at), deadlines(policy, case, at=at)
    outcomes = [one.outcome for one in all_deadlines]
    met, waits = outcomes.count("met"), tuple(_waits(known))
    late = (one.target for one in decision.deadlines if one.outcome == "breached")
    return Brief(
        case=case.id,
        at=at,
        timezone=timezone_of(policy),
        status=decision.status,
        priority=case.priority(at=at),
        levels=levels_of(decision),
        age=moment - case.opened_at,
        responses=len(responses),
        notes=len(replies) - len(responses),
        gaps=Spread.of(later.at - earlier.at for earlier, later in pairwise(responses)),
        waits=Spread.of(answered - asked for asked, answered in waits if answered is not None),
        unanswered_since=next((asked for asked, answered in waits if answered is None), None),
        updates=sum(isinstance(event, E.UpdateSent) and event.audience == "customer" for event in known),
        messages=len(messages),
        asked_for_status=sum(event.asks_for_status for event in messages),
        escalation_requests=case.escalation_requests(at=at),
        first_unanswered_at=case.first_open_escalation_request(at=at),
        moves=sum(fold(machine_of(policy), case, microseconds_of(moment)).levels.ups),
        reopenings=case.reopenings(at=at),
        kept=Rate(part=met, whole=met + outcomes.count("breached")),
        overdue=tuple(late),
    )


def _waits(known: list[BaseEvent]) -> Iterator[tuple[datetime, datetime | None]]:
    """From when to when the customer waited for a response; to None while they still do."""
    since: datetime | None = None
    for event in known:
        if isinstance(event, E.CustomerReplied) or (isinstance(event, E.Opened) and event.actor != "staff"):
            since = since or event.at
        elif isinstance(event, E.SupportReplied) and event.counts and since is not None:
            yield since, event.at
            since = None
    if since is not None:
        yield since, None
