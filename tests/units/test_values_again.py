"""Values: themselves again by repr, JSON and pickle; frozen; the fingerprint; what a decision holds."""

from __future__ import annotations

import pickle
from datetime import timedelta

import pytest

import escalation_rules
from escalation_rules import (
    Case,
    Checklist,
    Decision,
    EscalationLevel,
    Pick,
    Policy,
    Rota,
    Rule,
    Target,
    decide,
    parts,
    presets,
    worktime,
)
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import OFFICE, after, desk, opened

NAMES = {**vars(escalation_rules), **vars(worktime), **vars(parts), "E": E, "F": F, "A": A}
CONDITIONS = [
    F.open_for >= "1 hour",
    F.flag("x") & ~F.level_failed,
    F.choice("s", ("a", "b")) == "a",
    F.used("r") >= 0.75,
    F.open_for.on("o") >= "1 day",
    F.happened(E.ANY_REQUEST) | (F.at_level_for("t") >= "1 business day"),
    F.deadline("r") != "met",
    F.unanswered_for >= Pick(by="priority", values={"high": "1 hour"}, otherwise="2 hours"),
]
EVENTS = [
    E.Opened(at=after(0), priority="x", facts={"a": [1, 2]}),
    E.PlanRevised(
        at=after(0), plan=E.ActionPlan(items=(E.PlanItem(what="w", owner="o", due=after(3)),), backup="b", shared=True)
    ),
    E.CommunicationAgreed(
        at=after(0), plan=E.CommunicationPlan(mode="phone", every="4 business hours", attendees=("a", "b"))
    ),
    E.Escalated(at=after(0), to="l2", track="t", rules=("a",), key="k", recorded_at=after(1)),
    E.Observed(at=after(0), assigned={"a": None}),
    E.PostMortemHeld(at=after(0), service_issue=False, lessons=("x",)),
]
PRESETS = [getattr(presets, name) for name in presets.__all__]


def same(value):
    """By all three ways, and hashable."""
    assert eval(repr(value), dict(NAMES)) == value
    assert type(value).model_validate_json(value.model_dump_json()) == value
    assert pickle.loads(pickle.dumps(value)) == value
    assert isinstance(hash(value), int)


@pytest.mark.parametrize("when", CONDITIONS)
def test_a_rule_is_itself_again(when):
    """With every kind of condition."""
    same(Rule(name="r", when=when, to="l2", then=(A.Flag(text="x"), A.Notify(roles=("q",)))))


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_itself_again(event):
    """Also by `E.parse` of what was stored."""
    same(event)
    assert E.parse(event.model_dump(mode="json")) == E.parse(event.model_dump()) == event


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_itself_again(preset):
    """And keeps its fingerprint."""
    same(preset())
    assert Policy.model_validate_json(preset().model_dump_json()).fingerprint == preset().fingerprint


def test_a_decision_is_itself_again():
    """With moves, held moves, actions, deadlines and exits in it."""
    policy = desk(
        Rule(name="r", when=F.open_for >= "1 hour", to="l2", then=A.Flag(text="x")),
        Rule(name="q", when=F.open_for >= "1 hour", to="l3"),
        levels=("l1", EscalationLevel(key="l2", owner="csm"), EscalationLevel(key="l3", entry=Checklist.of(z="Z?"))),
        targets=(Target.resolution(within="8 business hours"),),
        calendars={"office": OFFICE},
    )
    same(decide(policy, opened(E.WaitStarted(at=after(1))), at=after(2)))


def test_the_answer_is_all_of_it_but_at():
    """Two looks at one answer."""
    policy = desk(targets=(Target.resolution(within="8 hours"),))
    one, two = (decide(policy, opened(), at=after(hour)) for hour in (1, 2))
    assert one.answer == two.answer
    assert one != two


def test_the_fingerprint_is_over_the_policy_without_rotas():
    """64 hex digits; another version is another policy."""
    plain = desk(levels=(EscalationLevel(key="l1", owner="csm"),))
    with_people = desk(levels=plain.levels, rotas={"csm": Rota(person="carol")})
    assert plain.fingerprint == with_people.fingerprint
    assert len(plain.fingerprint) == 64
    assert int(plain.fingerprint, 16)
    assert desk(levels=plain.levels, version="2").fingerprint != plain.fingerprint


def test_nothing_that_was_given_can_be_changed_later():
    """Lists and mappings are copied, values frozen."""
    levels, facts = [EscalationLevel(key="a")], {"list": [1]}
    policy, case = Policy(name="p", version="1", levels=levels), Case.open("C", at=after(0), facts=facts)
    levels.append(EscalationLevel(key="b"))
    facts["list"].append(2)
    assert (len(policy.levels), case.history[0].facts) == (1, {"list": (1,)})
    for change in (
        lambda: policy.calendars.update({}),
        lambda: setattr(policy, "name", "q"),
        lambda: delattr(case, "id"),
    ):
        with pytest.raises((TypeError, ValueError)):
            change()


def test_a_changed_copy_decides_as_it_says():
    """Nothing compiled for the first is kept for the second."""
    policy = desk(Rule(name="r", when=F.open_for >= "1 hour", to="l2"))
    assert decide(policy, opened(), at=after(2)).move
    emptied = policy.model_copy(update={"rules": ()})
    assert decide(emptied, opened(), at=after(2)).move is None
    assert emptied.fingerprint != policy.fingerprint


def test_a_span_may_be_a_string_or_a_timedelta_anywhere():
    """In a level, a target, a condition, a calendar."""
    one = EscalationLevel(key="a", escalate_after=timedelta(hours=1), cooldown="1 hour")
    assert one.escalate_after == one.cooldown == Target.resolution(within=timedelta(hours=1)).within
    assert OFFICE.add(after(0), timedelta(hours=1)) == OFFICE.add(after(0), "1 business hour")


def test_the_schema_of_everything_a_service_speaks():
    """For a body, and for an answer."""
    for kind in (Case, Policy, Decision):
        assert kind.model_json_schema(mode="validation")["properties"]
        assert kind.model_json_schema(mode="serialization")["properties"]


def test_every_name_at_the_root_says_what_it_is():
    """A docstring each."""
    assert [
        name for name in escalation_rules.__all__ if not (getattr(escalation_rules, name).__doc__ or "").strip()
    ] == []
