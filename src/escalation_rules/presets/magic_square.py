"""The magic square: four people talk, the rest stay outside, and everybody knows where things stand."""

from __future__ import annotations

from collections.abc import Sequence

from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.conditions import Condition
from escalation_rules.levels import EscalationLevel
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy
from escalation_rules.presets.defaults import ALWAYS, OFFICE
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, SpanLike

ENTRANCES = ("portal", "phone", "email")
"""Where a request reaches the support group by itself; what is told elsewhere has to be brought there."""
ENDED = (E.DeEscalated.like(), E.Resolved.like(), E.Closed.like())


def magic_square(
    *,
    calendar: BusinessCalendar = OFFICE,
    support_rep: str = "support_rep",
    escalation_manager: str = "escalation_manager",
    customer_technical: str = "customer_technical",
    customer_management: str = "customer_management",
    helpers: Sequence[str] = ("sales_rep", "executive"),
    entrances: Sequence[str] = ENTRANCES,
    first_response: SpanLike = "4 business hours",
    urgent_response: SpanLike = "1 business hour",
    next_response: SpanLike = "1 business day",
    reach: SpanLike = "1 hour",
    answer: SpanLike = "2 hours",
    meeting: SpanLike = "1 business day",
    plan: SpanLike = "1 business day",
    update: SpanLike = "1 business day",
    post_mortem: SpanLike = "10 business days",
) -> Policy:
    """Escalations of complex products: rounded up quickly, talked of by four people, planned, told, and learned from.

    A request made to anybody reaches the support group within `reach` and is answered within `answer`, at any hour,
    whatever the entrance. While a case is escalated, the support rep talks with the customer's technical contact and
    the escalation manager with the customer's management; all four meet within each `meeting`. A written plan is shared
    within `plan` and refreshed every working day; the customer and those inside the company hear of it within each
    `update`. What may escalate is flagged before anybody asks. After every escalation there is a post-mortem, which
    says whether a service issue caused it.

    Source: Francoise Tourniaire, "Taming the Escalation Monster" (FT Works), six steps from doing the basics right to
    learning from each escalation. It names no spans; these are for an organisation to choose.

    >>> magic_square().level("escalated").inside
    ('support_rep', 'customer_technical', 'escalation_manager', 'customer_management')
    """
    ours = (support_rep, escalation_manager)
    theirs = (customer_technical, customer_management)
    square = {"technical": (support_rep, customer_technical), "business": (escalation_manager, customer_management)}
    return Policy(
        name="magic_square",
        version="1",
        calendars={"desk": calendar, "always": ALWAYS},
        calendar="desk",
        priorities=("low", "normal", "high", "urgent"),
        facts=(F.flag("complex"),),
        roles=tuple(dict.fromkeys((*ours, *theirs, *helpers))),
        targets=(
            Target.first_response(
                within=Pick(by="priority", values={"urgent": urgent_response}, otherwise=first_response)
            ),
            Target.next_response(within=next_response),
            Target(
                key="reach",
                start_on=(
                    E.EscalationRequested.like(channel=E.other_than(*entrances)),
                    E.EscalationRequested.like(to=E.other_than(*ours, "assignee")),
                ),
                stop_on=(E.EscalationRequestReceived.like(), E.EscalationRequestAnswered.like()),
                within=reach,
                calendar="always",
                owner=escalation_manager,
            ),
            Target(
                key="answer",
                start_on=E.ATTENTION_REQUEST,
                stop_on=(
                    E.EscalationRequestAnswered.like(),
                    E.COUNTING_REPLY,
                    E.UpdateSent.like(audience="customer"),
                    E.CallHeld.like(participants=("customer", *theirs)),
                ),
                within=answer,
                calendar="always",
                owner=escalation_manager,
            ),
            Target.post_mortem(
                within=post_mortem, start_on=ENDED, when=_to_be_learned_from(), owner=escalation_manager
            ),
            Target.post_mortem(
                key="cause",
                within=post_mortem,
                start_on=ENDED,
                stop_on=E.PostMortemHeld.like(service_issue=E.ANY),
                when=_to_be_learned_from(service_issue=E.ANY),
                owner=escalation_manager,
            ),
        ),
        levels=(
            EscalationLevel(key="normal", title="Normal case resolution", owner=support_rep),
            EscalationLevel(
                key="escalated",
                title="Escalated",
                owner=escalation_manager,
                counterparts=square,
                targets=(
                    _daily("square_meeting", E.CallHeld.like(kind="square"), meeting, escalation_manager),
                    Target.action_plan(within=plan, stop_on=E.PlanRevised.like(shared=True), owner=support_rep),
                    _daily(
                        "plan_review",
                        (E.PlanRevised.like(), E.Reviewed.like(what="plan")),
                        "1 business day",
                        escalation_manager,
                    ),
                    Target.update(within=update, use_agreed_interval=True, owner=support_rep),
                    Target.update(key="internal_update", within=update, audience="internal", owner=escalation_manager),
                ),
            ),
        ),
        rules=(
            Rule(key="asked, whoever was told", when=F.escalation_request_open, to="escalated", at_level="normal"),
            *_early_warnings(escalation_manager),
            Rule(
                key="no backup strategy",
                when=F.flag("complex") & ~F.plan_has_backup,
                then=A.Ask(role=escalation_manager, item="backup strategy"),
                at_level="escalated",
            ),
            Rule(
                key="an item of the plan is overdue",
                when=F.plan_items_overdue >= 1,
                then=A.Notify(roles=ours, message="plan item overdue"),
                at_level="escalated",
            ),
            Rule(
                key="the customer had to ask",
                when=F.happened(E.CustomerReplied.like(asks_for_status=True)),
                then=A.Notify(roles=escalation_manager, message="the customer had to ask for the status"),
                at_level="escalated",
            ),
        ),
    )


def _daily(key: str, stops: E.Pattern | tuple[E.Pattern, ...], within: SpanLike, owner: str) -> Target:
    """What is done again and again while a case is escalated, whoever is waited for."""
    return Target(key=key, stop_on=stops, within=within, recurring=True, owner=owner)


def _to_be_learned_from(**fields: object) -> Condition:
    """There was an escalation in this cycle, and no post-mortem yet."""
    escalated = (F.level >= "escalated") | F.happened(E.Escalated.like(to="escalated"))
    return escalated & ~F.happened(E.PostMortemHeld.like(**fields))


def _early_warnings(escalation_manager: str) -> tuple[Rule, ...]:
    """Signs of an escalation to come, before any request."""
    coming = (A.Tag(text="likely to escalate"), A.Notify(roles=escalation_manager, message="likely to escalate"))
    signs = {
        "an answer is nearly due": F.used("next_response") >= "3/4",
        "the customer asks for the status again": F.status_requests >= 2,
        "it came back": F.reopenings >= 1,
        "an urgent case has no answer yet": (F.priority >= "urgent") & (F.used("first_response") >= "3/4"),
    }
    return tuple(
        Rule(key=name, when=sign & ~F.escalation_request_open, then=coming, at_level="normal")
        for name, sign in signs.items()
    )
