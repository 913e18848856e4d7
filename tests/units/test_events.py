"""Events are a closed union of values, and patterns over them are data."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from escalation_rules import EscalationRulesError
from escalation_rules import events as E
from escalation_rules.worktime import Span
from tests.bench import when

AT = when("mon 10:00")


def test_the_union_is_closed_and_told_apart_by_type():
    """A service can take an event as a body: its schema lists the kinds."""
    schema = TypeAdapter(E.Event).json_schema()
    assert set(schema["discriminator"]["mapping"]) == set(E.KINDS)


def test_the_schema_of_an_event_wants_its_kind_as_reading_does():
    """What the schema allows can be read: an event that does not say its kind is neither."""
    adapter = TypeAdapter(E.Event)
    defined = adapter.json_schema()["$defs"]
    assert all("type" in defined[kind]["required"] for kind in E.KINDS)
    with pytest.raises(ValueError, match="discriminator"):
        adapter.validate_python({"at": AT, "kind": "kick_off"})
    assert len(E.KINDS) == 33


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (E.SupportReplied.like(public=True), {"public": True}, {"public": False}),
        (E.EscalationRequested.like(channel=("phone", "email")), {"channel": "email"}, {"channel": "chat"}),
        (E.EscalationRequested.like(channel=E.other_than("phone")), {"channel": "chat"}, {"channel": "phone"}),
        (E.EscalationRequested.like(channel=E.other_than("phone")), {"channel": "chat"}, {"channel": None}),
        (E.EscalationRequested.like(person=E.ANY), {"person": "joe"}, {}),
        (E.EscalationRequested.like(business_impact=None), {}, {"business_impact": "trading stopped"}),
        (E.EscalationRequested.like(channel=(None, "chat")), {}, {"channel": "phone"}),
        (E.CallHeld.like(participants="customer"), {"kind": "x", "participants": ("csm", "customer")}, {"kind": "x"}),
        (
            E.CallHeld.like(participants=E.other_than("csm")),
            {"kind": "x", "participants": ("csm", "joe")},
            {"kind": "x", "participants": ("csm",)},
        ),
        (E.CallHeld.like(participants=None), {"kind": "x"}, {"kind": "x", "participants": ("csm",)}),
        (E.PlanRevised.like(shared=True), {"plan": E.ActionPlan(shared=True)}, {"plan": E.ActionPlan()}),
        (E.PlanRevised.like(backup=E.ANY), {"plan": E.ActionPlan(backup="swap")}, {}),
    ],
)
def test_a_field_is_compared_with_a_value_values_other_than_any_or_none(pattern, matching, other):
    """What `like` takes."""
    kind = E.KINDS[pattern.event]
    assert pattern.matches(kind(at=AT, **matching))
    assert not pattern.matches(kind(at=AT, **other))
    assert eval(repr(pattern), {"E": E}) == pattern
    assert type(pattern).model_validate_json(pattern.model_dump_json()) == pattern


def test_any_request_is_a_request_by_whichever_entrance():
    """An explicit request of any kind, or a reply that asks to escalate."""
    found = [
        E.EscalationRequested(at=AT, wants="expertise"),
        E.CustomerReplied(at=AT, asks_to_escalate=True),
        E.CustomerReplied(at=AT),
    ]
    assert [any(pattern.matches(event) for pattern in E.ANY_REQUEST) for event in found] == [True, True, False]
    assert [any(pattern.matches(event) for pattern in E.ATTENTION_REQUEST) for event in found] == [False, True, False]


def test_a_pattern_read_from_data_must_name_a_known_event_and_field():
    """A stranger's policy is checked like one's own."""
    adapter = TypeAdapter(E.Patterns)
    for bad in ({"event": "Nothing"}, {"event": "Resolved", "where": {"nothing": {"test": "given"}}}):
        with pytest.raises(ValueError, match="unknown"):
            adapter.validate_python(bad)


def test_the_constants_of_a_pattern_are_what_the_field_holds():
    """Also after reading: an instant, a span and a plan are no texts and mappings then."""
    found = (
        E.Resolved.like(at=AT.isoformat()),
        E.Escalated.like(recorded_at=(None, AT)),
        E.CommunicationAgreed.like(every="4 business hours"),
        E.PlanRevised.like(items=E.PlanItem("swap"), plan=E.other_than(E.ActionPlan())),
        E.FactChanged.like(value=(True, "red")),
        E.Opened.like(facts={"down": True}),
    )
    plan = E.CommunicationPlan(every="4 business hours")
    assert found[0].matches(E.Resolved(at=AT))
    assert found[2].matches(E.CommunicationAgreed(at=AT, plan=plan))
    adapter = TypeAdapter(E.Patterns)
    assert adapter.validate_json(adapter.dump_json(found)) == found
    assert eval(repr(found), {"E": E, "Span": Span}) == found


def test_patterns_are_put_side_by_side_with_a_bar():
    """One with one, with several, and several with one: the tuple that stands wherever several will do."""
    one, other, third = E.Resolved.like(), E.Closed.like(), E.Voided.like()
    assert one | other == (one, other)
    assert one | (other, third) == (one, other) | third == (one, other, third)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"type": "CustomerReplyed", "at": "2026-03-02T09:00:00Z"}, "did you mean `CustomerReplied`"),
        ({"type": "Resolved", "at": "2026-03-02T09:00:00"}, "naive datetime"),
        ({"type": "Resolved", "at": "2026-03-02T09:00:00Z", "extra": 1}, "unknown field `extra`"),
        ({"type": "PriorityChanged", "at": "2026-03-02T09:00:00Z"}, "to: missing"),
        ("x", "expected a mapping"),
    ],
)
def test_an_event_that_cannot_be_read_is_refused(given, text):
    """With the field and the nearest known name."""
    with pytest.raises(EscalationRulesError, match=text):
        E.parse(given)
