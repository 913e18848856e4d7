"""Escalation at the customer's request.

What two published processes share, and the one of a single support organisation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.checklists import Checklist, Item
from escalation_rules.facts import Fact
from escalation_rules.levels import EscalationLevel
from escalation_rules.picks import Pick, RoleChoice, alternatives
from escalation_rules.policy import Policy
from escalation_rules.presets.defaults import OFFICE
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, SpanLike

CHANNELS = ("phone", "email")
"""The entrances by preference; others are accepted and answered with these."""
SPECIALISTS = {"database": "database_engineer", "network": "network_engineer"}
"""Who specialises in which product, unless an organisation says."""
CONTACT = "primary_contact"
"""What the specialist becomes on an escalated case."""

FOUR_QUESTIONS = Checklist.of(
    Item("problem", "Is the problem statement correct?"),
    Item("impact", "Does the request describe the business impact accurately?"),
    Item(
        "workaround",
        "Is there a workaround, and if so is it impractical or unsuitable?",
        answers=("none", "impractical", "unsuitable", "good"),
        blocked_by=("good",),
    ),
    Item("milestone", "Is there a critical milestone date? Which, or none?", answers=(), blocked_by=()),
)
"""What is verified before an escalation. A good workaround answers the question and argues against the move."""

THREE_TASKS = Checklist.of(
    Item("progress", "Progress towards resolution is acceptable"),
    Item("plan_acceptable", "The action plan is confirmed acceptable"),
    Item("on_track", "Troubleshooting or root-cause analysis is confirmed on track"),
    Item("agreement", "The customer's agreement to de-escalate is documented", needs_evidence=True),
)
"""What must be so before a de-escalation: progress, and three things done."""

EVALUATION = Checklist.of(
    Item("evaluation", "What was put right?", answers=("resources", "process", "both"), blocked_by=())
)
"""The escalation manager assigns resources, corrects the process, or both."""


def request_facts(situations: Sequence[str], situation: str = "product") -> tuple[Fact, ...]:
    """The facts that both processes ask about; `situation` is the one that specialists are chosen by."""
    return (
        F.flag("production_down"),
        F.flag("implementation_running"),
        F.flag("dissatisfied"),
        F.flag("attendance_required"),
        F.choice(situation, situations),
    )


def escalated_level(
    *,
    owner: RoleChoice,
    alternates: Sequence[str],
    specialist: RoleChoice,
    parties: Sequence[str],
    kick_off: SpanLike,
    plan: SpanLike,
    agreement: SpanLike,
    review: SpanLike,
    update: SpanLike,
) -> EscalationLevel:
    """The level of an escalated request.

    It is evaluated, given a specialist as primary contact, a kick-off call with the `parties`, an action plan, and
    updates as often as is agreed.
    """
    return EscalationLevel(
        key="escalated",
        title="Escalated",
        owner=owner,
        alternates=tuple(alternates),
        entry=FOUR_QUESTIONS,
        work=EVALUATION,
        de_escalation=THREE_TASKS,
        on_entry=(A.Assign(role=specialist, as_role=CONTACT), A.Convene(kind="kick_off", roles=(CONTACT, *parties))),
        targets=(
            Target.kick_off(within=kick_off, pause_on="customer", owner=CONTACT),
            Target.action_plan(within=plan, pause_on="customer", owner=CONTACT),
            Target(
                key="communication_plan",
                stop_on=E.CommunicationAgreed.like(),
                within=agreement,
                pause_on="customer",
                owner=CONTACT,
            ),
            *kept_informed(owner=owner, review=review, update=update),
        ),
    )


def kept_informed(*, owner: RoleChoice, review: SpanLike, update: SpanLike) -> tuple[Target, ...]:
    """The status before the manager every day, and updates to the customer as often as was agreed.

    Neither rests while the customer is waited for.
    """
    return (
        Target.review(key="daily_status", within=review, what="status", recurring=True, owner=owner),
        Target.update(within=update, use_agreed_interval=True, owner=CONTACT),
    )


def request_rules(
    *,
    channels: Sequence[str],
    asked: Sequence[RoleChoice],
    also: Sequence[str],
    attendees: Sequence[str],
    at: Sequence[str] = ("escalated",),
) -> tuple[Rule, ...]:
    """The customer may ask at any time.

    What makes an escalation especially fit; and the way for whoever asked elsewhere. People may be `asked`, `also`
    others on the case; whoever else was asked is answered with the way to the former. `attendees` are called to what is
    scheduled while the case is on one of the levels `at`.
    """
    known = [role for one in asked for role in alternatives(one)]
    elsewhere = (
        E.EscalationRequested.like(channel=E.other_than(*channels)),
        E.CustomerReplied.like(asks_to_escalate=True, channel=E.other_than(*channels)),
    )
    return (
        Rule(key="the customer asks", when=F.escalation_request_open, to="escalated", at_level="normal"),
        Rule(
            key="production down during an implementation",
            when=F.flag("production_down") & F.flag("implementation_running"),
            to="escalated",
            at_level="normal",
        ),
        Rule(key="dissatisfied", when=F.flag("dissatisfied"), to="escalated", at_level="normal"),
        Rule(key="asked through another channel", when=F.happened(elsewhere), then=(A.Redirect(to=tuple(channels)),)),
        Rule(
            key="asked somebody else",
            when=F.happened(E.EscalationRequested.like(to=E.other_than(*known, *also))),
            then=(A.Redirect(to=tuple(asked)),),
        ),
        Rule(
            key="attend the scheduled calls",
            when=F.flag("attendance_required") & F.happened(E.CommunicationAgreed.like()),
            then=(A.Convene(kind="scheduled", roles=tuple(attendees)),),
            at_level=tuple(at),
        ),
    )


def support_request(
    *,
    calendar: BusinessCalendar = OFFICE,
    specialists: Mapping[str, str] = SPECIALISTS,
    situation: str = "product",
    technician: str = "technician",
    engineer: str = "customer_support_engineer",
    channels: Sequence[str] = CHANNELS,
    parties: Sequence[str] = ("customer",),
    kick_off: SpanLike = "1 business day",
    plan: SpanLike = "2 business days",
    agreement: SpanLike = "1 business day",
    review: SpanLike = "1 business day",
    update: SpanLike = "1 business day",
) -> Policy:
    """A customer escalates a support request, by phone or email by preference, to a customer support engineer.

    Four questions come first. The engineer evaluates; the specialist in this kind of situation (by the choice fact
    `situation`) becomes primary contact, calls the technician and the `parties` together and draws up a plan; updates
    follow what was agreed, `update` until then. It goes back to the normal process when progress is acceptable and
    three things are done. Spans count in `calendar`. Raises `InvalidValue` for a span that is none. Source: a published
    procedure, "How to Escalate a Support Request".

    >>> support_request().level("escalated").entry.keys
    ('problem', 'impact', 'workaround', 'milestone')
    """
    asked = (technician, engineer)
    return Policy(
        name="support_request",
        version="1",
        calendars={"desk": calendar},
        calendar="desk",
        priorities=("low", "normal", "high", "urgent"),
        facts=(*request_facts(tuple(specialists), situation), F.flag("critical_business_impact")),
        roles=tuple(dict.fromkeys((*asked, *specialists.values(), *parties, CONTACT))),
        levels=(
            EscalationLevel(key="normal", title="Normal process", owner=technician),
            escalated_level(
                owner=engineer,
                alternates=(),
                specialist=Pick(by=situation, values=dict(specialists), otherwise=engineer),
                parties=(technician, *parties),
                kick_off=kick_off,
                plan=plan,
                agreement=agreement,
                review=review,
                update=update,
            ),
        ),
        rules=(
            *request_rules(
                channels=channels, asked=asked, also=("assignee", CONTACT, *specialists.values()), attendees=(engineer,)
            ),
            Rule(
                key="business impact for management",
                when=F.flag("critical_business_impact"),
                to="escalated",
                at_level="normal",
            ),
        ),
    )
