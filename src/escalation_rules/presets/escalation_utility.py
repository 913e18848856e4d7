"""The escalation utility: one entrance that alerts everybody, a duty manager who handles what comes, two figures."""

from __future__ import annotations

from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.checklists import Checklist, Item
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.policy import Policy
from escalation_rules.presets.defaults import ALWAYS, OFFICE
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, SpanLike


def escalation_utility(
    *,
    calendar: BusinessCalendar = OFFICE,
    first_response: SpanLike = "1 business day",
    answer: SpanLike = "2 hours",
    analyst: str = "analyst",
    senior_analyst: str = "senior_analyst",
    senior_staff: str = "senior_staff",
    management: str = "support_management",
    duty: str = "duty_escalation_manager",
    product_development: str = "product_development",
    architects: str = "solution_architects",
    utility: str = "utility",
    answer_text: str = "escalation received",
) -> Policy:
    """Customers escalate through a utility; somebody is always on duty to handle it; elevation is another matter.

    A request for attention goes to the manager on duty, who works five steps and answers within `answer`, at any hour
    (give the policy the rota of `duty` with `with_rotas`; a request is held until somebody is on duty). Made with the
    utility (the channel named `utility`) it alerts the management, the senior staff and the analyst. Made in an
    ordinary update it is taken up by the analyst with a senior analyst and management; made in whatever other way it is
    handled alike; both times the customer is pointed to the utility. `answer_text` names the organisation's prepared
    text for the customer. A request for expertise goes to product development, then to the architects: the track
    `elevation`, counted apart.

    Source: MarkView Technical Support, "Customer Escalations" (Shawn Abedi, 2019). It asks for timely handling and
    names no span; `answer` is for an organisation to choose.

    >>> [track.key for track in escalation_utility().tracks]
    ['support', 'management', 'elevation']
    """
    return Policy(
        name="escalation_utility",
        version="1",
        calendars={"desk": calendar, "always": ALWAYS},
        calendar="desk",
        priorities=("low", "normal", "high", "urgent"),
        roles=tuple(
            dict.fromkeys((analyst, senior_analyst, senior_staff, management, duty, product_development, architects))
        ),
        targets=(
            Target.first_response(within=first_response),
            Target(
                key="answer",
                start_on=E.ATTENTION_REQUEST,
                stop_on=E.EscalationRequestAnswered.like(),
                within=answer,
                calendar="always",
                owner=duty,
            ),
        ),
        tracks=(
            Track(key="support", levels=EscalationLevel(key="analyst", title="Support analyst", owner=analyst)),
            Track(
                key="management",
                calendar="always",
                levels=EscalationLevel(
                    key="duty_manager",
                    title="Escalation manager on duty",
                    owner=duty,
                    if_nobody="hold",
                    work=_five_steps(duty),
                    on_entry=A.Notify(roles="customer", sender=duty, message=answer_text),
                ),
            ),
            Track(
                key="elevation",
                levels=(
                    EscalationLevel(key="product_development", title="Product development", owner=product_development),
                    EscalationLevel(key="architects", title="Solution architects", owner=architects),
                ),
            ),
        ),
        rules=(
            Rule(key="an escalation is requested", when=F.escalation_request_open, to="duty_manager"),
            Rule(
                key="through the utility",
                when=F.happened(E.EscalationRequested.like(channel=utility, wants="attention")),
                then=A.Notify(roles=(management, senior_staff, analyst), message="escalation requested"),
            ),
            Rule(
                key="in an ordinary update",
                when=F.happened(E.CustomerReplied.like(asks_to_escalate=True)),
                then=(A.Convene(kind="review", roles=(analyst, senior_analyst, management)), A.Redirect(to=utility)),
            ),
            Rule(
                key="in some other way",
                when=F.happened(
                    (
                        E.EscalationRequested.like(channel=E.other_than(utility), wants="attention"),
                        E.EscalationRequested.like(channel=None, wants="attention"),
                    )
                ),
                then=A.Redirect(to=utility),
            ),
            Rule(
                key="expertise is wanted",
                when=F.happened(E.EscalationRequested.like(wants="expertise")),
                to="next",
                track="elevation",
            ),
        ),
    )


def _five_steps(duty: str) -> Checklist:
    """What the manager on duty does with a request. Whoever is not known to have replied is taken to be on duty."""
    answered = E.SupportReplied.like(public=True, automatic=False, actor="staff", by_role=(duty, None))
    return Checklist.of(
        Item("history", "The details and the history have been reviewed"),
        Item("noted", "Noted: priority, age, frequency and quality of responses and updates, escalations so far"),
        Item("analyst", "The case has been talked over with the analyst"),
        Item("customer", "The customer has been answered", answered_by=answered),
        Item(
            "priority",
            "Priority and assignment are settled: what was changed?",
            answers=("raised", "reassigned", "both", "unchanged"),
            blocked_by=(),
        ),
    )
