"""The complaint ladder: representative, customer service manager, solutions team, and avenues outside."""

from __future__ import annotations

from collections.abc import Sequence

from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.checklists import Checklist, Item
from escalation_rules.levels import EscalationLevel
from escalation_rules.policy import Policy
from escalation_rules.presets.defaults import OFFICE
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, SpanLike

EVERY_RUNG = Checklist.of(
    Item("reviewed", "The dispute has been reviewed"),
    Item("responded", "The complainant has this rung's answer", answered_by=E.COUNTING_REPLY),
    Item("attempted", "A resolution to the customer's satisfaction has been attempted"),
)
"""What each rung owes: to review, to respond, and to try to resolve."""


def complaint_ladder(
    *,
    calendar: BusinessCalendar = OFFICE,
    contact: SpanLike = "2 business days",
    representative: str = "csr",
    manager: str = "csm",
    alternates: Sequence[str] = ("team_lead",),
    solutions: str = "solutions_team",
) -> Policy:
    """A complaint goes up one rung whenever it cannot be resolved to the customer's satisfaction where it is.

    The solutions team is in touch within `contact` (two working days in the office's `calendar`) of the referral: no
    wait holds that up, since a customer nobody has spoken to has nothing to answer. A manager who is away is stood in
    for by one of the `alternates`; give the policy the rotas of its roles with `with_rotas`. Beyond the solutions team
    there are only avenues outside the process. Raises `InvalidValue` for a span that is none. Source: a published
    complaints procedure, "Access to Escalation Team", first half (first contact, escalation to a CSM, referral to the
    solutions team).

    >>> from datetime import datetime, timezone
    >>> from escalation_rules import Case, decide, events as E
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> case = Case.open("K-7", at=nine).record(E.LevelFailed(at=nine.replace(hour=11)))
    >>> decide(complaint_ladder(), case, at=nine.replace(hour=12)).move.to
    'manager'
    """
    return Policy(
        name="complaint_ladder",
        version="1",
        calendars={"office": calendar},
        calendar="office",
        roles=tuple(dict.fromkeys((representative, manager, *alternates, solutions))),
        levels=(
            EscalationLevel(key="frontline", title="First contact", owner=representative, work=EVERY_RUNG),
            EscalationLevel(
                key="manager",
                title="Customer service manager",
                owner=manager,
                alternates=tuple(alternates),
                work=EVERY_RUNG,
            ),
            EscalationLevel(
                key="solutions",
                title="Solutions team",
                owner=solutions,
                work=EVERY_RUNG,
                targets=(Target.contact(within=contact),),
            ),
            EscalationLevel(
                key="outside",
                title="Avenues outside the process",
                external=True,
                on_entry=(A.Notify(roles="customer", sender=solutions, message="further avenues"),),
            ),
        ),
        rules=(Rule(key="could not be resolved here", when=F.level_failed, to="next"),),
    )
