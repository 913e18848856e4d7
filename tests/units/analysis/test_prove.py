"""`prove`: what it proves no random case refutes, and what it refutes `decide` refutes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from escalation_rules import Checklist, EscalationLevel, Pick, Rota, Rule, Target, Track, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import Proved, Refuted, Unknown, prove
from escalation_rules.errors import InvalidValue, UnknownName
from tests.bench import MICROSECOND, desk, levels, when

URGENT = F.priority >= "urgent"
SOON = Rule(key="soon", when=URGENT & (F.open_for >= "4 business hours"), to="l2")


def test_a_threshold_that_the_condition_waits_for_is_proved():
    """Whenever the condition has held for so long, the rule holds: what counts from the opening began no later."""
    found = prove(desk(SOON), when=URGENT, reaches="l2", within="4 business hours")
    assert isinstance(found, Proved)
    assert found.rules == ("soon",)


def test_a_microsecond_too_early_is_refuted():
    """Just before the threshold the case is still below."""
    within = timedelta(hours=4) - timedelta(microseconds=1)
    found = prove(desk(SOON, calendars={}, calendar=None), when=URGENT, reaches="l2", within=within)
    assert isinstance(found, Refuted)
    assert found.at == found.case.opened_at + within


FRAGMENT: list[tuple[list[Rule], dict[str, Any]]] = [
    ([Rule(key="r", when=F.open_for >= "4 hours", to="l2")], {"within": "4 business hours"}),
    ([Rule(key="r", when=F.at_level_for >= "4 business hours", to="next")], {"within": "4 business hours"}),
    ([Rule(key="r", when=F.at_level_for >= "4 hours", to="l3")], {"within": "4 hours", "scope": "any case"}),
    (
        [Rule(key="r", when=F.unanswered_for >= "5 hours", to="l2")],
        {"when": F.unanswered_for >= "1 hour", "within": "4 hours"},
    ),
    ([Rule(key="r", when=F.open_for >= "2 business days", to="l2")], {"within": "2 business days"}),
    (
        [
            Rule(key="r", when=(F.open_for >= "4 hours") & (F.priority >= "high"), to="l3"),
            Rule(key="s", when=(F.open_for >= "3 hours") & ~(F.priority >= "high"), to="l2"),
        ],
        {"within": "4 hours", "when": F.priority >= "low"},
    ),
    (
        [
            Rule(
                key="r",
                when=F.open_for >= Pick(by="priority", values={"urgent": "1 hour"}, otherwise="4 hours"),
                to="l2",
            )
        ],
        {"within": "4 hours"},
    ),
    (
        [Rule(key="r", when=F.escalation_request_open, to="l2")],
        {"within": "0 hours", "when": F.escalation_request_open},
    ),
]


@pytest.mark.parametrize(("rules", "question"), FRAGMENT)
def test_what_is_in_the_fragment_is_proved(rules, question):
    """Several rules together, other calendars that count no less, choices, time that went before."""
    assert isinstance(prove(desk(*rules), **{"reaches": "l2", **question}), Proved)


def test_a_condition_that_never_holds_below_needs_no_rule():
    """What cannot arise is proved by no rule at all."""
    found = prove(desk(SOON), when=F.level >= "l2", reaches="l2", within="1 hour")
    assert isinstance(found, Proved)
    assert found.rules == ()


HELD_BACK = {
    "an entry checklist": (desk(SOON, levels=levels(l2={"entry": Checklist.of(known="Known?")})), {}),
    "an owner who may be away": (
        desk(SOON, levels=levels(l2={"owner": "ana", "if_nobody": "hold"}), rotas={"ana": Rota()}),
        {},
    ),
    "a calendar that is closed": (desk(SOON), {"within": "4 hours"}),
    "a condition that is not enough": (desk(SOON), {"when": F.priority >= "high"}),
    "an unknown fact": (
        desk(Rule(key="r", when=~F.flag("muted") & (F.open_for >= "1 hour"), to="l2"), facts=(F.flag("muted"),)),
        {},
    ),
    "evidence from before it was taken down": (desk(SOON), {"scope": "any case"}),
    "a next rule that one cause carries one rung": (
        desk(Rule(key="r", when=URGENT & (F.open_for >= "1 business hour"), to="next")),
        {"reaches": "l3"},
    ),
    "an early move that restarts the time on the level": (
        desk(
            Rule(key="high", when=F.at_level_for >= "4 business hours", to="l3"),
            Rule(key="low", when=F.open_for >= "3 business hours", to="l2"),
        ),
        {"reaches": "l3"},
    ),
}


@pytest.mark.parametrize("held", HELD_BACK.values(), ids=HELD_BACK)
def test_what_may_be_held_back_is_refuted_by_a_case(held):
    """Each refutation is replayed through `decide`, tells its course, and prints itself as a test that fails."""
    policy, more = held
    question: dict[str, Any] = {"when": URGENT, "reaches": "l2", "within": "4 business hours", **more}
    found = prove(policy, **question)
    assert isinstance(found, Refuted)
    assert found.still_reproduces
    order = [None, *(level.key for level in policy.levels)]
    assert order.index(decide(policy, found.case, at=found.at).positions["main"].level) < order.index(
        question["reaches"]
    )
    assert found.trace[0].what.startswith("the case is opened")
    assert str(found).startswith("not so: ")
    assert str(found).endswith("the time is up")
    namespace: dict[str, Any] = {}
    exec(found.as_test("test_it"), namespace)
    with pytest.raises(AssertionError, match="C-1 at"):
        namespace["test_it"]()


def test_the_printed_test_passes_once_the_policy_is_mended():
    """What it asks for is the claim, not the flaw."""
    found = prove(desk(SOON), when=F.priority >= "high", reaches="l2", within="4 business hours")
    assert isinstance(found, Refuted)
    namespace: dict[str, Any] = {}
    exec(found.as_test("test_it"), namespace)
    namespace["POLICY"] = desk(Rule(key="all", when=F.open_for >= "4 business hours", to="l2"))
    namespace["test_it"]()


def test_a_budget_of_steps_ends_in_unknown():
    """There is no clock: what is not settled within the budget is not known."""
    found = prove(desk(SOON), when=URGENT, reaches="l2", within="4 business hours", budget=1)
    assert isinstance(found, Unknown)
    assert found.budget == 1
    assert found.steps <= 1


def test_what_lies_outside_the_fragment_is_unknown():
    """A promise by what a target has used up: no case refutes it, and no proof of such is tried."""
    policy = desk(
        Rule(key="late", when=F.overdue_for("resolution") >= "1 hour", to="l2"),
        targets=(Target.resolution("1 hour", pause_on=()),),
        calendars={},
        calendar=None,
    )
    found = prove(policy, when=F.open_for >= "2 hours", reaches="l2", within="0 hours", budget=30_000)
    assert isinstance(found, Unknown)
    assert found.spent or "it is outside what can be proved" in str(found)


def test_names_that_the_policy_does_not_know_are_refused():
    """A level or a fact that is not the policy's cannot be asked about."""
    with pytest.raises(UnknownName, match="unknown level `l9`"):
        prove(desk(SOON), reaches="l9", within="1 hour")
    with pytest.raises(InvalidValue, match=r"^when: unknown fact"):
        prove(desk(SOON), when=F.flag("no such"), reaches="l2", within="1 hour")
    with pytest.raises(InvalidValue, match=r"^when\.priority: unknown priority `urgnt`.*did you mean `urgent`"):
        prove(desk(SOON), when=F.priority >= "urgnt", reaches="l2", within="1 hour")


def test_a_rule_may_be_named_as_prove_would_name_what_it_watches():
    """Any name is the policy's to give."""
    found = prove(desk(SOON.model_copy(update={"key": "what is claimed"})), reaches="l2", within="4 business hours")
    assert isinstance(found, Refuted)


def test_only_a_proof_is_true_and_each_verdict_tells_itself():
    """So that `assert prove(…)` asks for a proof; what is not known is not true either."""
    question: dict[str, Any] = {"when": URGENT, "reaches": "l2"}
    proved = prove(desk(SOON), within="4 business hours", **question)
    refuted = prove(desk(SOON), within="3 business hours", **question)
    unknown = prove(desk(SOON), within="4 business hours", budget=1, **question)
    assert [bool(one) for one in (proved, refuted, unknown)] == [True, False, False]
    claim = "a new case on which for 4 business hours: priority is urgent or above, is on `l2` or above"
    assert str(proved) == f"proved: {claim}; `soon` sees to it"
    assert str(unknown) == f"not known: {claim}; the budget of 1 steps was spent, and no case was found that breaks it"
    assert str(prove(desk(SOON), reaches="l1", within="1 hour")).endswith("; no such case is ever below")


def test_rules_of_other_tracks_prove_nothing():
    """A claim about one track is carried by the rules of that track; moves on others are no part of its course."""
    tracks = (Track(key="a", levels=levels()), Track(key="b", levels=(EscalationLevel(key="m"),)))
    rules = (Rule(key="m", when=F.open_for >= "1 hour", to="m"), Rule(key="l2", when=F.open_for >= "2 hours", to="l2"))
    policy = desk(*rules, tracks=tracks)
    found = prove(policy, reaches="m", within="1 hour")
    assert isinstance(found, Proved)
    assert found.rules == ("m",)
    late = prove(policy, reaches="l2", within="90 minutes")
    assert isinstance(late, Refuted)
    assert [step.what for step in late.trace] == ["the case is opened", "the time is up"]


def test_the_course_of_a_counterexample_tells_the_moves_on_the_way():
    """A move that does not go far enough is part of it."""
    policy = desk(Rule(key="some way", when=F.open_for >= "1 hour", to="l2"))
    found = prove(policy, reaches="l3", within="2 hours")
    assert isinstance(found, Refuted)
    assert [(step.level, step.what) for step in found.trace] == [
        ("l1", "the case is opened"),
        ("l2", "moved by `some way`"),
        ("l2", "the time is up"),
    ]


@pytest.mark.parametrize(
    "condition",
    [
        (F.priority >= "high") & (F.replies < 3) & ~F.acknowledged,
        (F.priority >= "urgent") | F.escalation_request_open,
        F.status == "waiting",
        F.reopenings >= 1,
        F.level_failed.as_condition(),
        F.assignments >= 2,
        F.at_level_for >= "2 hours",
        F.happened(E.EscalationRequested.like(person=E.ANY)),
        F.channel == "phone",
        F.moves >= 1,
    ],
)
def test_conditions_of_every_kind_come_about_in_counterexamples(condition):
    """Without any rule that helps, each is refuted by a case on which it has held for so long."""
    policy = desk(Rule(key="up", when=F.happened(E.Reviewed.like(what="level")), to="l2"))
    found = prove(policy, when=condition, reaches="l3", within="1 hour", scope="any case")
    assert isinstance(found, Refuted)
    assert found.still_reproduces


def test_a_policy_not_yet_in_effect_owes_nothing():
    """The time begins when the policy comes into effect."""
    policy = desk(SOON, effective_from=when("wed 09:00"))
    assert isinstance(prove(policy, when=URGENT, reaches="l2", within="4 business hours"), Proved)


def test_calendars_by_choice_are_outside_what_is_proved():
    """Which calendar counts depends on the case: hours can be proved, business hours cannot."""
    by = Pick(by="priority", values={"urgent": "always"}, otherwise="office")
    calendars = {**desk().calendars, "always": desk().calendars["office"].always("UTC")}
    rule = Rule(key="r", when=F.open_for >= "4 hours", to="l2")
    policy = desk(rule, calendars=calendars, calendar=by)
    assert isinstance(prove(policy, reaches="l2", within="4 hours"), Proved)
    found = prove(policy, reaches="l2", within="4 business hours", budget=20_000)
    assert not isinstance(found, Proved)


LONG = Rule(key="long", when=F.open_for >= "4 hours", to="l2")


def test_prove_to_the_microsecond():
    """Four hours, and a microsecond less."""
    assert isinstance(prove(desk(LONG), reaches="l2", within="4 hours"), Proved)
    assert isinstance(prove(desk(LONG), reaches="l2", within=timedelta(hours=4) - MICROSECOND), Refuted)
    assert isinstance(prove(desk(LONG), reaches="l3", within="400 hours"), Refuted)
