"""The vendor chain: a reseller's support in front of a vendor's, each with its engineers and its duty managers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product as combinations

from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.picks import Pick, RoleChoice, alternatives
from escalation_rules.policy import Policy
from escalation_rules.presets.defaults import ALWAYS, OFFICE
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, SpanLike

PRODUCTS = {"storage": "infrastructure", "backup": "infrastructure", "network": "network"}
"""Which group of products each belongs to, unless an organisation says: engineers know one, duty managers a group."""
CONTACTS = ("sales", "sales_rep", "field", "field_engineer")
"""What sales and field contacts are called, as channels and as roles."""
STUCK = E.ProgressReported.like(state=("stalled", "digressed"))
WANTS_PRIORITY = E.EscalationRequested.like(wants="priority")
WANTS_EXPERTISE = E.EscalationRequested.like(wants="expertise")


def vendor_chain(
    *,
    reseller: BusinessCalendar = OFFICE,
    vendor: BusinessCalendar = ALWAYS,
    products: Mapping[str, str] = PRODUCTS,
    duty_address: str = "duty_address",
    contacts: Sequence[str] = CONTACTS,
    urgent_response: SpanLike = "1 business hour",
    first_response: SpanLike = "4 business hours",
    confer: SpanLike = "1 business day",
) -> Policy:
    """A customer asks a reseller's support, which asks the vendor's; duty managers of both drive what is escalated.

    Engineers of rising expertise within a product's silo, in the hours of `reseller` and of `vendor`; apart from them,
    at all hours and in days of the reseller's zone, a duty manager for each group of `products`, and an executive
    above. Roles are named after organisation, product or group, and rung: `reseller_storage_l1`,
    `vendor_infrastructure_duty_manager`; without the product `reseller_l1`, and so on. Priority follows from the stated
    business impact and the customer's size; a request that states none is asked for it. To raise the priority and to
    have the next engineer are two requests, each with its own effect; attention is a third, and goes to the duty
    manager, through the engineer on the case or by the `duty_address`. When the reseller's last engineer cannot resolve
    a case it goes to the vendor, and if a duty manager has it, to the vendor's as well; then the two confer every day.
    Sales and field `contacts` are routed to the duty manager; whoever handed it to somebody they know is redirected
    there.

    Source: Jack Sparks, "The Fine Art of Support Escalations" (Datalink, 2014). It names no spans; these are for an
    organisation to choose.

    >>> [track.key for track in vendor_chain().tracks]
    ['reseller', 'reseller_management', 'vendor', 'vendor_management']
    """
    sides = ("reseller", "vendor")
    manager = {side: _by_group(side, products) for side in sides}
    engineer = {
        (side, rung): _by_product(side, rung, products)
        for side, rung in combinations(sides, ("l1", "l2", "l3"))
        if (side, rung) != ("reseller", "l3")
    }
    executives = ("reseller_executive", "vendor_executive")
    to_ask = tuple(name for (side, _), pick in engineer.items() if side == "reseller" for name in alternatives(pick))
    return Policy(
        name="vendor_chain",
        version="1",
        calendars={"reseller": reseller, "vendor": vendor, "always": BusinessCalendar.always(reseller.timezone)},
        calendar="reseller",
        priorities=("p4", "p3", "p2", "p1"),
        facts=(
            F.choice("product", tuple(products)),
            F.choice("impact", ("none", "degraded", "stopped")),
            F.choice("size", ("small", "large")),
        ),
        roles=tuple(
            dict.fromkeys(
                name for pick in (*engineer.values(), *manager.values(), *executives) for name in alternatives(pick)
            )
        ),
        targets=(
            Target.first_response(within=Pick(by="priority", values={"p1": urgent_response}, otherwise=first_response)),
        ),
        tracks=(
            Track(
                key="reseller",
                organisation="reseller",
                calendar="reseller",
                levels=tuple(_engineers("reseller", rung, engineer) for rung in ("l1", "l2")),
            ),
            Track(
                key="reseller_management",
                organisation="reseller",
                calendar="always",
                levels=_managers("reseller", manager),
            ),
            Track(
                key="vendor",
                organisation="vendor",
                calendar="vendor",
                levels=tuple(_engineers("vendor", rung, engineer) for rung in ("l1", "l2", "l3")),
            ),
            Track(
                key="vendor_management",
                organisation="vendor",
                calendar="always",
                levels=_managers("vendor", manager, targets=_confer(confer, manager["reseller"])),
            ),
        ),
        rules=(
            *_priority_rules(),
            *_expertise_rules(manager["reseller"]),
            *_management_rules(manager, to_ask=to_ask, duty_address=duty_address, contacts=contacts),
        ),
    )


def _by_product(side: str, rung: str, products: Mapping[str, str]) -> Pick:
    values = {product: f"{side}_{product}_{rung}" for product in products}
    return Pick(by="product", values=values, otherwise=f"{side}_{rung}")


def _by_group(side: str, products: Mapping[str, str]) -> Pick:
    values = {product: f"{side}_{group}_duty_manager" for product, group in products.items()}
    return Pick(by="product", values=values, otherwise=f"{side}_duty_manager")


def _engineers(side: str, rung: str, engineer: Mapping[tuple[str, str], RoleChoice]) -> EscalationLevel:
    title = f"{side.capitalize()}'s engineers, {rung.upper()}"
    return EscalationLevel(key=f"{side}_{rung}", title=title, owner=engineer[side, rung])


def _managers(
    side: str, manager: Mapping[str, RoleChoice], targets: tuple[Target, ...] = ()
) -> tuple[EscalationLevel, EscalationLevel]:
    """A duty manager and, above, an executive: the one who has it while nobody is on duty."""
    name = side.capitalize()
    return (
        EscalationLevel(
            key=f"{side}_duty_manager",
            title=f"{name}'s duty manager",
            owner=manager[side],
            if_nobody="skip",
            targets=targets,
        ),
        EscalationLevel(
            key=f"{side}_executive", title=f"{name}'s executive", owner=f"{side}_executive", targets=targets
        ),
    )


def _confer(within: SpanLike, owner: RoleChoice) -> tuple[Target]:
    """The people who drive a case on both sides confer every day, weekends included."""
    return (
        Target(
            key="confer",
            stop_on=E.CallHeld.like(kind="confer"),
            within=within,
            recurring=True,
            calendar="always",
            owner=owner,
        ),
    )


def _priority_rules() -> tuple[Rule, ...]:
    """What the business impact and the size of the customer come to, and what is asked for in so many words."""
    impact, large = F.choice("impact"), F.choice("size") == "large"
    stated = {
        "stopped, a large customer": ((impact == "stopped") & large, "p1"),
        "stopped": (impact == "stopped", "p2"),
        "degraded, a large customer": ((impact == "degraded") & large, "p2"),
        "degraded": (impact == "degraded", "p3"),
    }
    unstated = (E.EscalationRequested.like(business_impact=None), E.CustomerReplied.like(asks_to_escalate=True))
    return (
        *(Rule(key=name, when=when, then=A.RaisePriority(to=to)) for name, (when, to) in stated.items()),
        Rule(
            key="no business impact stated",
            when=F.happened(unstated),
            then=A.Ask(role="customer", item="business impact"),
        ),
        Rule(key="a higher priority is wanted", when=F.happened(WANTS_PRIORITY), then=A.RaisePriority(to="next")),
    )


def _expertise_rules(duty_manager: RoleChoice) -> tuple[Rule, ...]:
    """Up the silo of one organisation, and over to the other when its last engineer has tried."""
    told = A.Notify(roles=duty_manager, message="the next engineer is wanted")
    return (
        Rule(
            key="the next engineer is wanted", when=F.happened(WANTS_EXPERTISE), to="next", track="reseller", then=told
        ),
        Rule(
            key="the vendor's next engineer is wanted",
            when=F.happened(WANTS_EXPERTISE),
            to="next",
            at_level=("vendor_l1", "vendor_l2"),
        ),
        Rule(key="not resolved by the reseller's engineer", when=F.level_failed, to="next", at_level="reseller_l1"),
        Rule(
            key="not resolved by the reseller", when=F.level_failed("reseller"), to="vendor_l1", at_level="reseller_l2"
        ),
        Rule(
            key="not resolved by the vendor's engineer",
            when=F.level_failed,
            to="next",
            at_level=("vendor_l1", "vendor_l2"),
        ),
    )


def _management_rules(
    manager: Mapping[str, RoleChoice], *, to_ask: Sequence[str], duty_address: str, contacts: Sequence[str]
) -> tuple[Rule, ...]:
    """How a duty manager comes to have a case, on either side, and the way for whoever went another."""
    duty_manager = manager["reseller"]
    known = (*to_ask, *alternatives(duty_manager), "reseller_executive", "assignee")
    elsewhere = (
        E.EscalationRequested.like(wants="attention", to=E.other_than(*known), channel=E.other_than(duty_address)),
        E.EscalationRequested.like(wants="attention", to=None, channel=E.other_than(duty_address)),
    )
    both = ("reseller_duty_manager", "reseller_executive", "vendor_l1")
    return (
        Rule(key="attention is wanted", when=F.escalation_request_open, to="next", track="reseller_management"),
        Rule(
            key="not through the engineer or the duty address",
            when=F.happened(elsewhere),
            then=A.Redirect(to=("assignee", duty_address)),
        ),
        Rule(
            key="the reseller drives the vendor",
            when=(F.level >= "reseller_duty_manager")
            & (F.level >= "vendor_l1")
            & F.happened(E.Escalated.like(to=both)),
            to="vendor_duty_manager",
            then=A.Notify(roles=manager["vendor"], sender=duty_manager, message="driven by the reseller"),
        ),
        Rule(
            key="stuck at the vendor",
            when=F.happened(STUCK),
            to="next",
            at_level="vendor_duty_manager",
            then=A.Notify(roles="vendor_executive", sender=duty_manager, message="stuck at the vendor"),
        ),
        Rule(
            key="through sales or the field",
            when=F.happened(
                (
                    E.EscalationRequested.like(channel=tuple(contacts)),
                    E.EscalationRequested.like(by_role=tuple(contacts)),
                )
            ),
            then=A.Notify(roles=duty_manager, message="routed from sales or the field"),
        ),
        Rule(
            key="handed to somebody they know",
            when=F.happened(E.EscalationRequested.like(person=E.ANY)),
            then=(A.Redirect(to=duty_manager), A.Tag(text="handed to a named individual")),
        ),
    )
