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
from escalation_rules.picks import Pick, RoleChoice
from escalation_rules.policy import Policy
from escalation_rules.presets.calendars import OFFICE
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, SpanLike

__all__ = ["FOUR_QUESTIONS", "THREE_TASKS", "escalated_level", "request_facts", "request_rules", "support_request"]

CHANNELS = ("phone", "email")
"""The entrances by preference; others are accepted and answered with these."""
SPECIALISTS = {"database": "database_engineer", "network": "network_engineer"}
"""Who specialises in which product, unless an organisation says."""

FOUR_QUESTIONS = Checklist.of(
    Item("problem", "Is the problem statement correct?"),
    Item("impact", "Does the request describe the business impact accurately?"),
    Item(
        "workaround",
        "Is there a workaround, and if so is it impractical or unsuitable?",
        answers=("none", "impractical", "unsuitable", "good"),
        against=("good",),
    ),
    Item("milestone", "Is there a critical milestone date? Which, or none?", answers=(), against=()),
)
"""What is verified before an escalation. A good workaround answers the question and argues against the move."""

THREE_TASKS = Checklist.of(
    Item("progress", "Progress towards resolution is acceptable"),
    Item("plan_acceptable", "The action plan is confirmed acceptable"),
    Item("on_track", "Troubleshooting or root-cause analysis is confirmed on track"),
    Item("agreement", "The customer's agreement to de-escalate is documented", evidence=True),
)
"""What must be so before a de-escalation: progress, and three things done."""

EVALUATION = Checklist.of(
    Item("evaluation", "What was put right?", answers=("resources", "process", "both"), against=())
)
"""The escalation manager assigns resources, corrects the process, or both."""


def request_facts(products: Sequence[str]) -> tuple[Fact, ...]:
    """The facts that both processes ask about."""
    return (
        F.flag("production_down"),
        F.flag("implementation_running"),
        F.flag("dissatisfied"),
        F.flag("attendance_required"),
        F.choice("product", products),
    )


def escalated_level(
    *,
    owner: RoleChoice,
    alternates: Sequence[str],
    specialist: RoleChoice,
    technician: str,
    convened_by: str,
    kick_off: SpanLike,
    plan: SpanLike,
    review: SpanLike,
    update: SpanLike,
) -> EscalationLevel:
    """The level of an escalated request.

    Evaluated, given a specialist as primary contact, a kick-off call and a plan.
    """
    return EscalationLevel(
        key="escalated",
        title="Escalated",
        owner=owner,
        alternates=tuple(alternates),
        entry=FOUR_QUESTIONS,
        work=EVALUATION,
        exit=THREE_TASKS,
        on_entry=(
            A.Assign(role=specialist, as_="primary_contact"),
            A.Convene(kind="kick_off", who=(convened_by, technician, "customer")),
        ),
        targets=(
            Target.kick_off(within=kick_off, owner="primary_contact"),
            Target.action_plan(within=plan, owner="primary_contact"),
            Target.review(key="daily_status", within=review, what="status", recurs=True, owner=owner),
            Target.update(within=update, agreed=True, owner="primary_contact"),
        ),
    )


def request_rules(*, channels: Sequence[str], asked: Sequence[str], attendees: Sequence[str]) -> tuple[Rule, ...]:
    """The customer may ask at any time.

    What makes an escalation especially fit; and the way for whoever asked elsewhere.
    """
    elsewhere = (
        E.EscalationRequested.like(channel=E.other_than(*channels)),
        E.CustomerReplied.like(asks_to_escalate=True, channel=E.other_than(*channels)),
    )
    return (
        Rule(name="the customer asks", when=F.escalation_requested, to="escalated", at="normal"),
        Rule(
            name="production down during an implementation",
            when=F.flag("production_down") & F.flag("implementation_running"),
            to="escalated",
            at="normal",
        ),
        Rule(name="dissatisfied", when=F.flag("dissatisfied"), to="escalated", at="normal"),
        Rule(name="asked through another channel", when=F.happened(elsewhere), then=(A.Redirect(to=tuple(channels)),)),
        Rule(
            name="asked somebody else",
            when=F.happened(E.EscalationRequested.like(to=E.other_than(*asked))),
            then=(A.Redirect(to=tuple(asked)),),
        ),
        Rule(
            name="attend the scheduled calls",
            when=F.flag("attendance_required") & F.happened(E.CommunicationAgreed.like()),
            then=(A.Convene(kind="scheduled", who=tuple(attendees)),),
            at="escalated",
        ),
    )


def support_request(
    *,
    calendar: BusinessCalendar = OFFICE,
    specialists: Mapping[str, str] = SPECIALISTS,
    technician: str = "technician",
    engineer: str = "customer_support_engineer",
    channels: Sequence[str] = CHANNELS,
    kick_off: SpanLike = "1 business day",
    plan: SpanLike = "2 business days",
    review: SpanLike = "1 business day",
    update: SpanLike = "1 business day",
) -> Policy:
    """A customer escalates a support request, by phone or email by preference, to a customer support engineer.

    Four questions come first. The engineer evaluates; a specialist becomes primary contact, calls the parties
    together and draws up a plan; updates follow what was agreed. It goes back to the normal process when progress is
    acceptable and three things are done. Source: a published procedure, "How to Escalate a Support Request".

    >>> support_request().level("escalated").entry.keys
    ('problem', 'impact', 'workaround', 'milestone')
    """
    specialist = Pick(by="product", values=dict(specialists), otherwise=engineer)
    asked = (technician, engineer)
    roles = (*asked, *specialists.values(), "primary_contact")
    return Policy(
        name="support_request",
        version="1",
        calendars={"desk": calendar},
        calendar="desk",
        priorities=("low", "normal", "high", "urgent"),
        facts=(*request_facts(tuple(specialists)), F.flag("critical_business_impact")),
        roles=tuple(dict.fromkeys(roles)),
        levels=(
            EscalationLevel(key="normal", title="Normal process", owner=technician),
            escalated_level(
                owner=engineer,
                alternates=(),
                specialist=specialist,
                technician=technician,
                convened_by="primary_contact",
                kick_off=kick_off,
                plan=plan,
                review=review,
                update=update,
            ),
        ),
        rules=(
            *request_rules(channels=channels, asked=asked, attendees=(engineer,)),
            Rule(
                name="business impact for management",
                when=F.flag("critical_business_impact"),
                to="escalated",
                at="normal",
            ),
        ),
    )
