"""Picks: by the priority, a choice fact or a flag, and inside each other; a mapping by priority is one."""

from __future__ import annotations

import pytest

from escalation_rules import EscalationLevel, Pick, Policy, Rule, Span, Target, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.picks import alternatives, facts_of, picked
from escalation_rules.simulation import replay
from tests.bench import OFFICE, desk, levels, opened, refusal, when

VIP = F.flag("vip")
USUAL = {"urgent": "2 hours", "otherwise": "8 hours"}
BY_VIP = Pick(by="vip", values={True: {"urgent": "1 hour", "otherwise": "4 hours"}, False: USUAL}, otherwise=USUAL)


@pytest.mark.parametrize(
    ("priority", "vip", "due"),
    [
        ("urgent", True, "mon 10:00"),
        ("urgent", False, "mon 11:00"),
        ("urgent", None, "mon 11:00"),
        ("low", True, "mon 13:00"),
        ("low", False, "mon 17:00"),
        (None, None, "mon 17:00"),
    ],
)
def test_a_pick_by_a_flag_has_picks_by_priority_inside(priority, vip, due):
    """Rule 15: the span is the one for the present flag and priority; an unknown flag takes `otherwise`."""
    policy = desk(targets=Target.resolution(BY_VIP), facts=VIP)
    case = opened(priority=priority, facts={} if vip is None else {"vip": vip})
    assert decide(policy, case, at=when("mon 09:30")).deadline("resolution").due_at == when(due)


def test_a_span_follows_a_flag_that_changes():
    """Rule 15: counted time carries over, and the new span applies from the change."""
    policy = desk(targets=Target.resolution(BY_VIP), facts=VIP)
    case = opened(E.FactChanged(at=when("mon 10:00"), name="vip", value=True), priority="low", facts={"vip": False})
    assert decide(policy, case, at=when("mon 10:00")).deadline("resolution").due_at == when("mon 13:00")


def test_a_mapping_by_priority_is_a_pick():
    """Wherever a role, a calendar, a span or `pause_on` is expected."""
    target = Target.resolution(
        {"urgent": "1 hour", "otherwise": "4 hours"}, calendar={"urgent": "always", "otherwise": "office"}
    )
    assert target.within == Pick(
        by="priority", values={"urgent": Span.parse("1 hour")}, otherwise=Span.parse("4 hours")
    )
    assert target.calendar == Pick(by="priority", values={"urgent": "always"}, otherwise="office")
    assert EscalationLevel("a", owner={"urgent": "boss", "otherwise": "desk"}).owner.choose("urgent") == "boss"


@pytest.mark.parametrize(("priority", "due"), [("urgent", "mon 17:00"), ("low", "tue 10:00")])
def test_waits_may_be_picked(priority, due):
    """Rule 13: an urgent case never pauses, any other waits for the customer and for the vendor."""
    waits = {"urgent": (), "otherwise": ("customer", "vendor")}
    policy = desk(targets=Target.resolution("8 business hours", pause_on=waits))
    case = opened(
        E.WaitStarted(at=when("mon 10:00"), on="vendor"), E.WaitEnded(at=when("mon 11:00")), priority=priority
    )
    assert decide(policy, case, at=when("mon 12:00")).deadline("resolution").due_at == when(due)


def test_a_change_of_priority_ends_a_pause():
    """Rules 13 and 15: from the change on the wait does not pause any more."""
    policy = desk(targets=Target.resolution("4 business hours", pause_on={"urgent": (), "otherwise": "customer"}))
    case = opened(
        E.WaitStarted(at=when("mon 10:00")), E.PriorityChanged(at=when("mon 12:00"), to="urgent"), priority="low"
    )
    assert decide(policy, case, at=when("mon 11:00")).deadline("resolution").clock == "paused"
    assert decide(policy, case, at=when("mon 12:00")).deadline("resolution").due_at == when("mon 15:00")


def test_a_policy_with_picked_waits_is_replayed_case_by_case():
    """Rule 18: the frames have what `decide` says."""
    policy = desk(targets=Target.resolution("4 business hours", pause_on={"urgent": (), "otherwise": "customer"}))
    case = opened(E.WaitStarted(at=when("mon 10:00")), E.Resolved(at=when("mon 16:00")), priority="low")
    row = replay(policy, [case]).rows("deadlines", "C-1")[0]
    assert row["outcome"] == "met"


def test_alternatives_and_facts_of_inner_picks():
    """All values that a choice may have, and the names that it depends on."""
    assert set(alternatives(BY_VIP)) == {"1 hour", "2 hours", "4 hours", "8 hours"}
    assert facts_of(BY_VIP) == ("vip", "priority")
    assert facts_of("desk") == ()
    assert picked(BY_VIP, {"vip": True, "priority": "urgent"}) == "1 hour"
    assert Pick(by="vip", values={"yes": "a", "no": "b"}).choose(False) == "b"


def test_a_pick_is_data():
    """The short form of data, the long one, and a round trip through JSON."""
    short = Target.model_validate(
        {**Target.resolution("1 hour").model_dump(), "within": {"by": "vip", "yes": "1 hour", "otherwise": "2 hours"}}
    )
    assert short.within == Pick(by="vip", values={"yes": Span.parse("1 hour")}, otherwise=Span.parse("2 hours"))
    policy = desk(Rule("r", when=F.open_for >= BY_VIP, to="l2"), targets=Target.resolution(BY_VIP), facts=VIP)
    assert Policy.model_validate_json(policy.model_dump_json()) == policy


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: desk(targets=Target.resolution(BY_VIP)), "within.by: unknown choice fact or flag `vip`"),
        (
            lambda: desk(targets=Target.resolution(Pick(by="vip", values={"maybe": "1 hour"})), facts=VIP),
            "within.values: unknown value of `vip` `maybe`",
        ),
        (
            lambda: desk(targets=Target.resolution(Pick(by="vip", values={True: {"hihg": "1 hour"}})), facts=VIP),
            "within.values[true].values: unknown priority `hihg`",
        ),
        (
            lambda: desk(targets=Target.resolution("1 hour", pause_on={"hihg": ()})),
            "pause_on.values: unknown priority `hihg`",
        ),
        (lambda: Pick(by="priority", values=["a"]), "values: not valid"),
        (lambda: Pick(by="priority", values={"a": [1]}), "values.a: not a choice"),
    ],
)
def test_a_pick_that_cannot_be_is_refused(make, text):
    """Rule 29: with the path into the policy."""
    assert text in refusal(make)


def test_durations_count_in_a_picked_calendar():
    """Rule 30: `always` for the urgent, office hours for the rest."""
    policy = desk(
        Rule("long", when=F.open_for >= "10 business hours", to="l2"),
        calendars={"office": OFFICE},
        calendar={"urgent": "always", "otherwise": "office"},
        levels=levels(),
    )
    assert decide(policy, opened(priority="urgent"), at=when("mon 19:00")).move.to == "l2"
    assert decide(policy, opened(priority="low"), at=when("mon 19:00")).move is None
