"""Escalation by region: a regional manager, a specialist as primary contact, and a global manager beyond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.levels import EscalationLevel
from escalation_rules.picks import CalendarChoice, Pick
from escalation_rules.policy import Policy
from escalation_rules.presets.defaults import OFFICE
from escalation_rules.presets.support_request import (
    CHANNELS,
    CONTACT,
    SPECIALISTS,
    THREE_TASKS,
    escalated_level,
    kept_informed,
    request_facts,
    request_rules,
)
from escalation_rules.rules import Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar, SpanLike

REGIONS = {"emea": "emea_manager", "americas": "americas_manager"}
"""Who manages escalations in which region, unless an organisation says."""
GONE_WRONG = E.ProgressReported.like(state=("stalled", "digressed"))
"""No progress is made, or the situation has digressed, whoever reports it."""


def regional_escalation(
    *,
    calendar: BusinessCalendar = OFFICE,
    calendars: Mapping[str, BusinessCalendar] | None = None,
    regions: Mapping[str, str] = REGIONS,
    specialists: Mapping[str, str] = SPECIALISTS,
    situation: str = "product",
    technician: str = "technician",
    engineer: str = "escalation_engineer",
    duty_manager: str = "duty_manager",
    regional_manager: str = "regional_manager",
    global_manager: str = "global_manager",
    management: str = "management",
    programme_managers: Sequence[str] = ("regional_programme_manager", "global_programme_manager"),
    resources: str = "additional_resources",
    channels: Sequence[str] = CHANNELS,
    parties: Sequence[str] = ("customer",),
    kick_off: SpanLike = "1 business day",
    plan: SpanLike = "2 business days",
    agreement: SpanLike = "1 business day",
    review: SpanLike = "1 business day",
    update: SpanLike = "1 business day",
    recovery: SpanLike = "1 business day",
) -> Policy:
    """A customer escalates a request to the regional escalation manager; what stalls or digresses goes further.

    Four questions come first. The manager of the region (`regions`, by the choice fact `region`; `regional_manager`
    where there is none) evaluates; the specialist in this kind of situation (by the choice fact `situation`; else
    `engineer`) becomes primary contact, calls the technician and the `parties` together and draws up a plan; updates
    follow what was agreed. When no progress is reported, or that the situation has digressed (`ProgressReported` as
    "stalled" or "digressed"), everybody concerned is told at once, the engineer tells management, resources are added,
    and the global manager takes it, who with the regional one calls the parties together within `recovery`. It goes
    back to the normal process when progress is acceptable and three things are done.

    Spans count in `calendar`, or in that of the region if `calendars` has one. Source: a published support procedure,
    "Access to Escalation Team", second half. It says that one speaks with people; phone and email are taken for that.

    >>> [level.key for level in regional_escalation().levels]
    ['normal', 'escalated', 'global']
    """
    manager = Pick(by="region", values=dict(regions), otherwise=regional_manager)
    asked = (technician, duty_manager, manager)
    everybody = (CONTACT, duty_manager, manager)
    named = (*regions.values(), *specialists.values(), *programme_managers, *parties)
    return Policy(
        name="regional_escalation",
        version="1",
        calendars={**(calendars or {}), "desk": calendar},
        calendar=_office(calendars or {}),
        priorities=("low", "normal", "high", "urgent"),
        facts=(*request_facts(tuple(specialists), situation), F.choice("region", tuple(regions))),
        roles=tuple(
            dict.fromkeys(
                (
                    technician,
                    engineer,
                    duty_manager,
                    regional_manager,
                    global_manager,
                    management,
                    resources,
                    CONTACT,
                    *named,
                )
            )
        ),
        levels=(
            EscalationLevel(key="normal", title="Normal process", owner=technician),
            escalated_level(
                owner=manager,
                alternates=(duty_manager,),
                specialist=Pick(by=situation, values=dict(specialists), otherwise=engineer),
                parties=(technician, *parties),
                kick_off=kick_off,
                plan=plan,
                agreement=agreement,
                review=review,
                update=update,
            ),
            EscalationLevel(
                key="global",
                title="Global escalation",
                owner=global_manager,
                de_escalation=THREE_TASKS,
                targets=(
                    Target(
                        key="recovery_call",
                        stop_on=E.CallHeld.like(kind="recovery"),
                        within=recovery,
                        owner=global_manager,
                    ),
                    *kept_informed(owner=global_manager, review=review, update=update),
                ),
            ),
        ),
        rules=(
            *request_rules(
                channels=channels,
                asked=asked,
                also=("assignee", CONTACT, engineer, global_manager, *specialists.values()),
                attendees=programme_managers,
                at=("escalated", "global"),
            ),
            Rule(
                key="no progress, or it has digressed",
                when=F.happened(GONE_WRONG),
                to="next",
                at_level=("escalated", "global"),
                then=(
                    A.Notify(roles=everybody, message="escalation at risk"),
                    A.Notify(roles=management, sender=CONTACT, message="escalation at risk"),
                    A.Convene(kind="recovery", roles=(manager, global_manager, CONTACT, technician, *parties)),
                    A.Assign(role=resources, as_role=resources),
                ),
            ),
        ),
    )


def _office(calendars: Mapping[str, BusinessCalendar]) -> CalendarChoice:
    if not calendars:
        return "desk"
    return Pick(by="region", values={region: region for region in calendars}, otherwise="desk")
