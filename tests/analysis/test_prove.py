"""`prove`: what it proves no random case refutes, and what it refutes `decide` refutes."""

from __future__ import annotations

import os
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from escalation_rules import Case, Checklist, EscalationLevel, Pick, Policy, Rota, Rule, Target, Track, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import Proved, Refuted, Unknown, prove
from escalation_rules.engine.compiler import compile_policy
from escalation_rules.engine.fold import fold
from escalation_rules.engine.moves import tree_holds
from escalation_rules.errors import InvalidValue, UnknownName
from escalation_rules.worktime import Span
from escalation_rules.worktime._timeline import microseconds_of
from tests.analysis import small
from tests.desk import desk, levels, when

URGENT = F.priority >= "urgent"
SOON = Rule(name="soon", when=URGENT & (F.open_for >= "4 business hours"), to="l2")


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


@pytest.mark.parametrize(
    ("rules", "question"),
    [
        ([Rule(name="r", when=F.open_for >= "4 hours", to="l2")], {"within": "4 business hours"}),
        ([Rule(name="r", when=F.at_level_for >= "4 business hours", to="next")], {"within": "4 business hours"}),
        ([Rule(name="r", when=F.at_level_for >= "4 hours", to="l3")], {"within": "4 hours", "scope": "any case"}),
        (
            [Rule(name="r", when=F.unanswered_for >= "5 hours", to="l2")],
            {"when": F.unanswered_for >= "1 hour", "within": "4 hours"},
        ),
        ([Rule(name="r", when=F.open_for >= "2 business days", to="l2")], {"within": "2 business days"}),
        (
            [
                Rule(name="r", when=(F.open_for >= "4 hours") & (F.priority >= "high"), to="l3"),
                Rule(name="s", when=(F.open_for >= "3 hours") & ~(F.priority >= "high"), to="l2"),
            ],
            {"within": "4 hours", "when": F.priority >= "low"},
        ),
        (
            [
                Rule(
                    name="r",
                    when=F.open_for >= Pick(by="priority", values={"urgent": "1 hour"}, otherwise="4 hours"),
                    to="l2",
                )
            ],
            {"within": "4 hours"},
        ),
        ([Rule(name="r", when=F.escalation_requested, to="l2")], {"within": "0 hours", "when": F.escalation_requested}),
    ],
)
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
        desk(SOON, levels=levels(l2={"owner": "ana", "nobody": "hold"}), rotas={"ana": Rota()}),
        {},
    ),
    "a calendar that is closed": (desk(SOON), {"within": "4 hours"}),
    "a condition that is not enough": (desk(SOON), {"when": F.priority >= "high"}),
    "an unknown fact": (
        desk(Rule(name="r", when=~F.flag("muted") & (F.open_for >= "1 hour"), to="l2"), facts=(F.flag("muted"),)),
        {},
    ),
    "evidence from before it was taken down": (desk(SOON), {"scope": "any case"}),
    "a next rule that one cause carries one rung": (
        desk(Rule(name="r", when=URGENT & (F.open_for >= "1 business hour"), to="next")),
        {"reaches": "l3"},
    ),
    "an early move that restarts the time on the level": (
        desk(
            Rule(name="high", when=F.at_level_for >= "4 business hours", to="l3"),
            Rule(name="low", when=F.open_for >= "3 business hours", to="l2"),
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
    assert order.index(decide(policy, found.case, at=found.at).levels["main"]) < order.index(question["reaches"])
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
    namespace["POLICY"] = desk(Rule(name="all", when=F.open_for >= "4 business hours", to="l2"))
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
        Rule(name="late", when=F.past_due("resolution") >= "1 hour", to="l2"),
        targets=(Target.resolution("1 hour", pauses=()),),
        calendars={},
        calendar=None,
    )
    found = prove(policy, when=F.open_for >= "2 hours", reaches="l2", within="0 hours", budget=30_000)
    assert isinstance(found, Unknown)


def test_names_that_the_policy_does_not_know_are_refused():
    """A level or a fact that is not the policy's cannot be asked about."""
    with pytest.raises(UnknownName, match="unknown level `l9`"):
        prove(desk(SOON), reaches="l9", within="1 hour")
    with pytest.raises(InvalidValue, match="unknown fact"):
        prove(desk(SOON), when=F.flag("no such"), reaches="l2", within="1 hour")


def test_rules_of_other_tracks_prove_nothing():
    """A claim about one track is carried by the rules of that track; moves on others are no part of its course."""
    tracks = (Track(key="a", levels=levels()), Track(key="b", levels=(EscalationLevel(key="m"),)))
    rules = (
        Rule(name="m", when=F.open_for >= "1 hour", to="m"),
        Rule(name="l2", when=F.open_for >= "2 hours", to="l2"),
    )
    policy = desk(*rules, tracks=tracks)
    found = prove(policy, reaches="m", within="1 hour")
    assert isinstance(found, Proved)
    assert found.rules == ("m",)
    late = prove(policy, reaches="l2", within="90 minutes")
    assert isinstance(late, Refuted)
    assert [step.what for step in late.trace] == ["the case is opened", "the time is up"]


def test_the_course_of_a_counterexample_tells_the_moves_on_the_way():
    """A move that does not go far enough is part of it."""
    policy = desk(Rule(name="some way", when=F.open_for >= "1 hour", to="l2"))
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
        (F.priority >= "urgent") | F.escalation_requested,
        F.status == "waiting",
        F.reopened >= 1,
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
    policy = desk(Rule(name="up", when=F.happened(E.Reviewed.like(what="level")), to="l2"))
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
    rule = Rule(name="r", when=F.open_for >= "4 hours", to="l2")
    policy = desk(rule, calendars=calendars, calendar=by)
    assert isinstance(prove(policy, reaches="l2", within="4 hours"), Proved)
    found = prove(policy, reaches="l2", within="4 business hours", budget=20_000)
    assert not isinstance(found, Proved)


# ---------------------------------------------------------------------------- by random cases

SPANS = ("1 hour", "2 hours", "2 business hours", "4 business hours", "1 business day", "3 hours")
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def timed_rule(random: Random, name: str) -> Rule:
    """A rule that waits for some time, perhaps under a condition, or that goes to the next level."""
    durations = (F.open_for, F.at_level_for, F.unanswered_for, F.since_update, F.unassigned_for)
    timed = random.choice(durations) >= random.choice(SPANS)
    made = timed & small.comparison(random) if random.random() < 0.4 else timed
    return Rule(name=name, when=made, to=random.choice(("l2", "l3", "next")))


def timed_policy(random: Random) -> Policy:
    """A policy of a few such rules."""
    rules = [timed_rule(random, f"r{number}") for number in range(random.randint(1, 3))]
    return small.policy(random, 0).model_copy(update={"rules": tuple(rules), "calendar": "office"})


def random_case(random: Random, *, by_hand: bool) -> Case:
    """A case that goes on for a few days."""
    at = when("mon 08:00") + timedelta(minutes=30 * random.randint(0, 20))
    facts = {
        name: value for name, value in (("down", random.choice((None, True, False))), ("seats", 3)) if value is not None
    }
    case = Case.open("C-1", at=at, priority=random.choice((None, *small.PRIORITIES)), facts=facts)
    events: list[Any] = [E.SupportReplied, E.CustomerReplied, E.UpdateSent, E.WaitStarted, E.LevelFailed]
    events += [lambda at: E.Assigned(at=at, person=random.choice((None, "ann")))]
    events += [lambda at: E.PriorityChanged(at=at, to=random.choice(small.PRIORITIES))]
    events += [lambda at: E.FactObserved(at=at, name="down", value=random.choice((None, True, False)))]
    if by_hand:
        events += [E.Resolved, E.Reopened]
        events += [lambda at: E.Escalated(at=at, to=random.choice(small.KEYS))]
        events += [lambda at: E.DeEscalated(at=at, to=random.choice(small.KEYS))] * 2
    for _ in range(random.randint(0, 6)):
        at += timedelta(minutes=30 * random.choice((0, 0, 1, 2, 4, 8, 30)), microseconds=random.choice((0, 0, 1)))
        case = case.record(random.choice(events)(at=at))
    return case


def violated(policy: Policy, case: Case, condition: Any, reaches: str, within: Span) -> bool:
    """Whether the claim fails on a case: asked at many instants, without any shortcut."""
    watch = Rule(name="watch", when=condition, track="main", then=small_flag())
    program = compile_policy(policy.model_copy(update={"rules": (*policy.rules, watch)}))
    code = next(one for one in program.rules if one.name == "watch")
    calendar, rung = policy.calendars["office"], program.places[reaches][1]
    instants = {event.at for event in case.history}
    for at in list(instants):
        spans = [calendar.add(at, one) for one in (*SPANS, within)]
        instants |= {calendar.add(one, within) for one in spans} | set(spans)
    since = None
    previous: tuple[Any, ...] = ()
    for at in sorted(instants):
        state = fold(program, case, microseconds_of(at))
        holds = tree_holds(code.own_tree, lambda number, truth=state.truth: bool(truth >> number & 1))
        below = state.live and not state.external and state.level[0] < rung
        broken = (state.cycle_when, *state.barrier) != previous
        previous = (state.cycle_when, *state.barrier)
        changed_since = max((state.since[number] for number in numbers(code.own_tree)), default=0)
        if not (holds and below) or broken or since is None or changed_since >> 20 > microseconds_of(since):
            since = at if holds and below else None
        if since is not None and calendar.add(since, within) <= at:
            return True
    return False


def numbers(tree: Any) -> list[int]:
    """The comparisons in a condition."""
    return [tree] if isinstance(tree, int) else [one for part in tree[1] for one in numbers(part)]


def small_flag() -> Any:
    from escalation_rules import actions as A

    return A.Flag("watch")


@pytest.mark.parametrize("scope", ["new case", "any case"])
def test_what_is_proved_no_random_case_refutes_and_what_is_refuted_is_violated(scope):
    """Proofs survive a plain sampler's cases; refutations are found by asking at many instants as well."""
    random = Random(f"prove {scope}")
    verdicts: dict[str, int] = {}
    for _ in range(1_000 if THOROUGH else 120):
        policy = timed_policy(random)
        condition = random.choice(
            (F.priority >= "low", F.priority >= "high", F.unanswered_for >= "1 hour", F.replies >= 0)
        )
        within = Span.parse(random.choice(SPANS))
        reaches = random.choice(("l2", "l3"))
        found = prove(policy, when=condition, reaches=reaches, within=within, scope=scope, budget=60_000)
        verdicts[type(found).__name__] = verdicts.get(type(found).__name__, 0) + 1
        if isinstance(found, Refuted):
            assert found.still_reproduces
            assert violated(policy, found.case, condition, reaches, within), f"{policy!r}\n{found}\n{found.case!r}"
        if isinstance(found, Proved):
            for _ in range(100 if THOROUGH else 25):
                case = random_case(random, by_hand=scope == "any case")
                assert not violated(policy, case, condition, reaches, within), f"{policy!r}\n{case!r}\n{found!r}"
    assert verdicts["Proved"] > 5
    assert verdicts["Refuted"] > 5


def test_each_proof_of_the_fragment_survives_ten_thousand_cases():
    """The figure that the documentation promises; of these, a few hundred in every run."""
    random = Random("ten thousand")
    policy = desk(SOON, priorities=(*small.PRIORITIES, "urgent"), facts=small.FACTS)
    assert isinstance(prove(policy, when=URGENT, reaches="l2", within="4 business hours"), Proved)
    for _ in range(10_000 if THOROUGH else 300):
        case = random_case(random, by_hand=False)
        assert not violated(policy, case, URGENT, "l2", Span.parse("4 business hours"))
