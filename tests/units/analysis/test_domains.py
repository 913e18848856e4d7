"""Events made to match patterns, and stories made to come to cells."""

from __future__ import annotations

import pytest

from escalation_rules import Policy, Rule, Target
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import Refuted, Unknown, edges, prove
from escalation_rules.analysis.domains import example_of, is_possible
from escalation_rules.analysis.workbench import Workbench
from tests.bench import desk, when

NOBODY = E.other_than("customer", "staff", "automation")
NOTHING = E.other_than("attention", "expertise", "priority")
"""There is nobody else who acts, and nothing else that a request asks for."""
PATTERNS = [
    *(kind.like() for kind in E.KINDS.values() if kind is not E.Opened),
    E.COUNTING_REPLY,
    *E.ANY_REQUEST,
    E.EscalationRequested.like(channel=E.other_than("phone", "email")),
    E.EscalationRequested.like(wants=E.other_than("attention"), person=E.ANY, to=None),
    E.CallHeld.like(participants=("ana", "bo")),
    E.CallHeld.like(participants=E.ANY, kind="kick_off"),
    E.CallHeld.like(participants=None),
    E.PlanRevised.like(shared=True, backup=E.ANY),
    E.CommunicationAgreed.like(mode="phone"),
    E.PostMortemHeld.like(service_issue=E.other_than(True)),
    E.Reviewed.like(what=E.other_than("status", "some", "another", "a third")),
    E.SupportReplied.like(automatic=E.ANY, by_role=("duty", None)),
]


@pytest.mark.parametrize("pattern", PATTERNS, ids=repr)
def test_an_example_of_a_pattern_matches_it(pattern):
    """Whatever a policy listens for can be made to happen in a story."""
    kind, fields = example_of(desk(), pattern)
    assert pattern.matches(kind(at=when("mon 09:00"), **fields))
    assert is_possible(pattern)


@pytest.mark.parametrize(
    "pattern", [E.SupportReplied.like(actor=NOBODY), E.EscalationRequested.like(wants=NOTHING)], ids=repr
)
def test_what_no_event_can_be_has_no_example(pattern):
    """A field that is limited to other values."""
    assert example_of(desk(), pattern) is None
    assert not is_possible(pattern)


def test_without_priorities_or_levels_events_name_any():
    """A policy that declares none takes all priorities."""
    policy = Policy(name="bare", version="1")
    assert example_of(policy, E.PriorityChanged.like()) == (E.PriorityChanged, {"to": ""})


def test_without_steps_there_is_no_witness():
    """The budget is a number of steps, for witnesses too."""
    rule = Rule(key="r", when=F.replies >= 2, to="l2")
    assert Workbench(desk(rule)).witness(rule) is not None
    assert Workbench(desk(rule), budget=1).witness(rule) is None


def test_a_new_case_is_not_moved_by_hand_to_refute_a_claim():
    """What only people can bring about is left to "any case"."""
    policy = desk(Rule(key="asked", when=F.escalation_request_open, to="l3"))
    claim = {"when": F.moves >= 1, "reaches": "l3", "within": "1 hour", "budget": 20_000}
    assert isinstance(prove(policy, **claim), Unknown)
    assert isinstance(prove(policy, **claim, scope="any case"), Refuted)


def test_counts_of_every_kind_are_told_in_stories():
    """Moves, reopenings, assignments: an edge has just as many of them as it takes."""
    conditions = {
        "moves": F.moves >= 2,
        "reopened": F.reopenings >= 2,
        "assignments": F.assignments >= 3,
        "overdue": F.plan_items_overdue >= 2,
        "waiting": F.status == "waiting",
        "quiet": (F.unanswered_for < "1 hour") & (F.open_for >= "2 hours"),
        "unassigned": (F.unassigned_for < "1 hour") & (F.open_for >= "2 hours"),
        "fresh": (F.no_update_for < "1 hour") & (F.open_for >= "2 hours"),
    }
    rules = tuple(Rule(key=name, when=when_, then=A.Tag(name)) for name, when_ in conditions.items())
    asked = {edge.rule for edge in edges(desk(*rules)) if edge.asks}
    assert asked == set(conditions)


def test_targets_are_started_and_stopped_in_stories():
    """A clock that does not start with the case is started, and one that must be met is stopped."""
    confer = Target(key="confer", within="4 hours", start_on=E.CallHeld.like(kind="confer"), stop_on=E.Reviewed.like())
    policy = desk(
        Rule(key="nearly", when=F.used("next_response") >= "3/4", then=A.Tag("x")),
        Rule(key="conferred", when=(F.outcome("confer") == "met") & (F.replies < 1), then=A.Tag("x")),
        Rule(key="late", when=F.overdue_for("confer") >= "1 hour", then=A.Tag("x")),
        targets=(Target.first_response("1 hour"), Target.next_response("4 business hours"), confer),
    )
    assert {edge.rule for edge in edges(policy) if edge.asks} == {"nearly", "conferred", "late"}


def test_an_edge_that_no_story_shows_is_left_out():
    """A rule that cannot be brought about, and one that nothing can keep from asking."""
    policy = desk(
        Rule(
            key="lesson",
            when=F.happened(E.SupportReplied.like(actor=NOBODY)) & (F.open_for >= "1 hour"),
            then=A.Tag("x"),
        ),
        Rule(key="far", when=(F.moves >= 90) & (F.open_for >= "1 hour"), then=A.Tag("x")),
        Rule(key="met", when=(F.outcome("resolution") == "void") & (F.replies < 3), then=A.Tag("x")),
        Rule(key="twice", when=(F.open_for >= "1 hour") | (F.unanswered_for >= "1 hour"), then=A.Tag("x")),
        Rule(key="again", when=(F.open_for >= "1 hour") | (F.unanswered_for >= "2 hours"), then=A.Tag("x")),
        targets=(Target.resolution("2 hours"),),
    )
    found = edges(policy)
    assert {edge.rule for edge in found} >= {"twice", "again"}
    assert not any(edge.asks for edge in found if edge.rule in {"lesson", "far", "met"})
