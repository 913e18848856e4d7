"""Rules 29 to 32: conditions as data, unknown facts, names that are wrong."""

from __future__ import annotations

import json

import pytest

from escalation_rules import (
    BusinessCalendar,
    Checklist,
    EscalationLevel,
    EscalationRulesError,
    Item,
    Pick,
    Policy,
    Rule,
    Target,
    Track,
    decide,
)
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import ALWAYS, MICROSECOND, OFFICE, after, desk, moves, opened, when

OWN = (F.flag("x"), F.choice("kind", ("a", "b")), F.count("n", 0, 9), F.label("g"))
BRACKETS = "put brackets around each comparison"


@pytest.mark.parametrize(
    ("slip", "text"),
    [
        (lambda: bool(F.open_for >= "1 hour"), "truth of a condition"),
        (lambda: F.level_failed and F.acknowledged, "instead of `and`, `or`, `not`"),
        (lambda: not F.level_failed, "instead of `and`, `or`, `not`"),
        (lambda: 1 <= F.escalations <= 2, "and chains"),
        (lambda: F.level_failed & F.escalations >= 2, BRACKETS),
        (lambda: F.level_failed & F.acknowledged >= 2, BRACKETS),
        (lambda: F.escalations >= 2 & F.level_failed, BRACKETS),
        (lambda: F.priority == "high" | F.level_failed, BRACKETS),
    ],
)
def test_rule_29_truth_and_missing_brackets_are_refused(slip, text):
    """Every way in which Python would read something else."""
    with pytest.raises(EscalationRulesError, match=text):
        slip()


def deep(depth):
    found = F.level_failed == True
    for number in range(depth):
        found = ~(found & F.acknowledged) if number % 2 else found | F.acknowledged
    return found


def test_rule_29_depth_and_width_are_capped():
    """Built in Python or read from a stranger's file."""
    with pytest.raises(EscalationRulesError, match="nested too deeply"):
        deep(3000)
    data = json.loads(desk(Rule(name="r", when=~F.level_failed | F.acknowledged, to="l2")).model_dump_json())
    bomb = data["rules"][0]["when"]
    for _ in range(3000):
        bomb = {"type": "all", "of": [bomb]}
    data["rules"][0]["when"] = bomb
    with pytest.raises(EscalationRulesError, match="nested too deeply"):
        Policy.model_validate(data)


WRONG_NAMES = [
    (lambda: rule(F.flag("productoin_down")), "unknown fact `productoin_down`"),
    (lambda: rule(F.priority >= "hihg"), "unknown priority `hihg`.* did you mean `high`"),
    (lambda: rule(F.level >= "l9"), "unknown level `l9`"),
    (lambda: rule(F.level_failed, to="l9"), r"rules\[r\]\.to: unknown level `l9`"),
    (lambda: rule(F.level_failed, at="l9"), r"rules\[r\]\.at\[0\]: unknown level `l9`"),
    (lambda: rule(F.status == "opened"), "unknown status `opened`.* did you mean `open`"),
    (lambda: rule(F.choice("kind") == "c"), "unknown value of `kind` `c`"),
    (lambda: rule(F.count("kind") >= 1), "`kind` is no count but a choice"),
    (lambda: rule(F.moves("trakc") >= 1), "unknown track `trakc`"),
    (lambda: rule(F.deadline("resolutoin") == "met"), "unknown target `resolutoin`.* did you mean `resolution`"),
    (lambda: rule(F.open_for.on("offic") >= "1 hour"), "unknown calendar `offic`.* did you mean `office`"),
    (lambda: rule(F.level_failed, then=A.SetPriority(to="hgih")), "unknown priority `hgih`"),
    (
        lambda: rule(F.level_failed, then=A.Notify(roles="bos"), roles=("boss",)),
        "unknown role `bos`.* did you mean `boss`",
    ),
    (
        lambda: desk(levels=(EscalationLevel(key="a", owner=Pick(by="kin", values={"a": "b"})),), facts=OWN),
        "unknown choice fact `kin`",
    ),
    (lambda: desk(calendars={"office": OFFICE}, calendar="offic"), "calendar: unknown calendar `offic`"),
    (lambda: desk(levels=("a", "a")), "level named twice `a`"),
    (
        lambda: desk(tracks=tuple(Track(key=key, levels=(EscalationLevel(key="a"),)) for key in "xy")),
        "level named twice `a`",
    ),
    (lambda: desk(facts=(F.flag("priority"),)), "fact of the library's own `priority`"),
    (lambda: Rule(name="r", when=F.level_failed, too="x"), "unknown field `too`; did you mean `to`"),
    (lambda: Rule(name="r", when=F.level_failed), "a rule that does nothing"),
    (lambda: Target(key="t", within="1 hour", stops=()), "a target that nothing stops"),
    (lambda: Checklist.of(Item(key="a"), a="A"), "item named twice `a`"),
    (lambda: BusinessCalendar(timezone="Europe/Londn", hours={"mon": "09:00-17:00"}), "did you mean `Europe/London`"),
    (lambda: E.CallHeld.like(knd="x"), "unknown field of CallHeld `knd`.* did you mean `kind`"),
]


def rule(when, to="l2", **fields):
    more = {"calendars": {"office": OFFICE}, "facts": OWN, "targets": (Target.resolution(within="1 hour"),)}
    own = {name: fields.pop(name) for name in ("at", "then") if name in fields}
    return desk(Rule(name="r", when=when, to=to, **own), **more, **fields)


@pytest.mark.parametrize(("slip", "text"), WRONG_NAMES)
def test_rule_29_unknown_names_are_refused_with_the_nearest_known(slip, text):
    """With the path into the policy."""
    with pytest.raises(EscalationRulesError, match=text):
        slip()


def test_many_problems_are_collected_before_raising():
    """Each with its path; the error holds them as data."""
    with pytest.raises(EscalationRulesError, match="4 problems in policy `desk`") as found:
        desk(Rule(name="a", when=F.flag("z"), to="l9"), Rule(name="b", when=F.level >= "l8", to="l2"), calendar="c")
    assert {one.path for one in found.value.problems} >= {"calendar", "rules[a].to"}


@pytest.mark.parametrize("operator", ["__gt__", "__le__", "__eq__", "__ne__"])
def test_rule_30_durations_compare_with_at_least_and_less_only(operator):
    """So each has one crossing."""
    with pytest.raises(EscalationRulesError, match="expected `<` or `>=`"):
        getattr(F.open_for, operator)("1 hour")


def test_rule_30_a_duration_is_nothing_while_nothing_runs():
    """The negation is the opposite comparison."""
    for condition in (~(F.unanswered_for >= "1 hour"), F.unanswered_for < "1 hour"):
        policy = desk(Rule(name="r", when=condition, then=A.Flag(text="calm")))
        assert [one.due for one in decide(policy, opened(E.SupportReplied(at=after(2))), at=after(5)).actions] == [
            after(0),
            after(2),
        ]


def test_rule_30_the_calendar_of_an_atom():
    """Its own, else the rule's, else the policy's."""
    calendars = {"calendars": {"office": OFFICE, "always": ALWAYS}, "calendar": "always"}
    case = opened(at=when("mon 16:00"))
    long = F.unanswered_for >= "2 business hours"
    assert moves(
        desk(Rule(name="r", when=F.unanswered_for.on("office") >= "2 business hours", to="l2"), **calendars),
        case,
        when("wed 00:00"),
    ) == [("l2", when("tue 10:00"))]
    assert moves(desk(Rule(name="r", when=long, to="l2", calendar="office"), **calendars), case, when("wed 00:00")) == [
        ("l2", when("tue 10:00"))
    ]
    assert moves(desk(Rule(name="r", when=long, to="l2"), **calendars), case, when("wed 00:00")) == [
        ("l2", when("mon 18:00"))
    ]


@pytest.mark.parametrize(
    ("share", "due"),
    [(0.75, after(6)), ("3/4", after(6)), ("75%", after(6)), (1, after(8)), (1.5, after(12)), (0.1, after(0.8))],
)
def test_rule_30_used_is_exact(share, due):
    """A tenth of eight hours is forty-eight minutes to the microsecond."""
    policy = desk(
        Rule(name="r", when=F.used("resolution") >= share, to="l2"), targets=(Target.resolution(within="8 hours"),)
    )
    assert moves(policy, opened(), due) == [("l2", due)]
    assert moves(policy, opened(), due - MICROSECOND) == []


def test_rule_30_only_used_pauses():
    """Three hours of waiting move it, and do not move `open_for`."""
    policy = desk(
        Rule(name="u", when=F.used("resolution") >= 0.75, to="l3"),
        Rule(name="o", when=F.open_for >= "6 hours", to="l2"),
        targets=(Target.resolution(within="8 hours"),),
    )
    assert moves(policy, opened(E.WaitStarted(at=after(2)), E.WaitEnded(at=after(5))), after(9)) == [
        ("l2", after(6)),
        ("l3", after(9)),
    ]


def test_past_due_and_time_left():
    """An hour after due; less than an hour before it; unknown while the clock is paused."""
    policy = desk(
        Rule(name="after", when=F.past_due("resolution") >= "1 hour", to="l2"),
        Rule(name="before", when=F.time_left("resolution") < "1 hour", to="l3", at="l1"),
        targets=(Target.resolution(within="8 hours"),),
    )
    assert moves(policy, opened(), after(9)) == [("l3", after(7) + MICROSECOND)]
    assert moves(policy, opened(E.WaitStarted(at=after(1))), after(99)) == []
    assert moves(desk(policy.rules[0], targets=policy.targets), opened(), after(9)) == [("l2", after(9))]


@pytest.mark.parametrize(
    "when",
    [
        F.flag("x"),
        ~F.flag("x"),
        F.choice("kind") == "a",
        F.choice("kind") != "a",
        ~(F.choice("kind") == "a"),
        F.count("n") >= 1,
        ~(F.count("n") >= 1),
        F.label("g") != "z",
        ~(F.flag("x") | F.level_failed),
    ],
)
def test_rule_31_unknown_is_not_true(when):
    """Neither the atom nor its opposite; the explanation says so."""
    decision = decide(desk(Rule(name="r", when=when, to="l2"), facts=OWN), opened(), at=after(1))
    assert decision.moves == ()
    assert "unknown" in decision.explain()


@pytest.mark.parametrize("when", [F.flag("x") | F.level_failed, ~(F.flag("x") & ~F.level_failed)])
def test_rule_31_what_is_known_may_settle_it(when):
    """True or unknown is true."""
    policy = desk(Rule(name="r", when=when, to="l2"), facts=OWN)
    assert moves(policy, opened(E.LevelFailed(at=after(1))), after(1)) == [("l2", after(1))]


@pytest.mark.parametrize(
    ("name", "value"), [("x", "yes"), ("x", 1), ("kind", "c"), ("n", 99), ("n", "3"), ("n", 2.5), ("n", True)]
)
def test_a_value_outside_its_domain_is_refused(name, value):
    """Rather than compared."""
    with pytest.raises(EscalationRulesError, match="not a value of F"):
        decide(desk(facts=OWN), opened(E.FactObserved(at=after(1), name=name, value=value)), at=after(1))


FACTS = [
    (F.level_failed, [E.LevelFailed(at=after(1))], True),
    (F.level_failed, [E.LevelFailed(at=after(1), level="l2")], False),
    (F.level_failed, [E.LevelFailed(at=after(1)), E.Escalated(at=after(1), to="l2")], False),
    (F.acknowledged, [E.Acknowledged(at=after(1))], True),
    (F.acknowledged, [E.Acknowledged(at=after(1)), E.Resolved(at=after(2)), E.Reopened(at=after(3))], False),
    (F.escalation_requested, [E.CustomerReplied(at=after(1), asks_to_escalate=True)], True),
    (F.escalation_requested, [E.EscalationRequested(at=after(1)), E.EscalationAnswered(at=after(2))], False),
    (F.escalation_requested, [E.EscalationRequested(at=after(1), wants="expertise")], False),
    (
        F.escalations >= 2,
        [E.EscalationRequested(at=after(1)), E.EscalationRequested(at=after(2), wants="priority")],
        False,
    ),
    (F.replies >= 1, [E.SupportReplied(at=after(1), public=False)], False),
    (F.replies >= 1, [E.SupportReplied(at=after(1)), E.Resolved(at=after(2)), E.Reopened(at=after(3))], False),
    (F.status_requests >= 1, [E.CustomerReplied(at=after(1), asks_for_status=True)], True),
    (F.assignments >= 2, [E.Assigned(at=after(1), person="a"), E.Assigned(at=after(2), person="a")], False),
    (F.assignments >= 2, [E.Assigned(at=after(1), person="a"), E.Assigned(at=after(2), person="b")], True),
    (F.reopened >= 1, [E.Resolved(at=after(1)), E.Reopened(at=after(2))], True),
    (F.moves >= 1, [E.Escalated(at=after(1), to="l2")], True),
    (F.status == "waiting", [E.WaitStarted(at=after(1))], True),
    (F.status == "waiting", [E.WaitStarted(at=after(1)), E.CustomerReplied(at=after(2))], False),
    (F.unassigned_for >= "3 hours", [E.Assigned(at=after(1), person="a"), E.Assigned(at=after(2), person=None)], True),
    (F.unassigned_for >= "4 hours", [E.Assigned(at=after(1), person="a"), E.Assigned(at=after(2), person=None)], False),
    (F.since_update >= "3 hours", [E.UpdateSent(at=after(2))], True),
    (F.since_update >= "4 hours", [E.UpdateSent(at=after(2))], False),
    (
        F.at_level_for >= "2 hours",
        [E.Escalated(at=after(1), to="l2"), E.Resolved(at=after(2)), E.Reopened(at=after(3))],
        True,
    ),
    (
        F.at_level_for >= "3 hours",
        [E.Escalated(at=after(1), to="l2"), E.Resolved(at=after(2)), E.Reopened(at=after(3))],
        False,
    ),
    (F.happened(E.EscalationRequested.like(person=E.ANY)), [E.EscalationRequested(at=after(1), person="joe")], True),
    (F.happened(E.EscalationRequested.like(person=E.ANY)), [E.EscalationRequested(at=after(1))], False),
    (F.happened(E.EscalationRequested.like(business_impact=None)), [E.EscalationRequested(at=after(1))], True),
    (
        F.happened(E.EscalationRequested.like(channel=E.other_than("phone"))),
        [E.EscalationRequested(at=after(1), channel="chat")],
        True,
    ),
    (
        F.happened(E.EscalationRequested.like(channel=E.other_than("phone"))),
        [E.EscalationRequested(at=after(1))],
        False,
    ),
    (F.happened(E.CallHeld.like(kind=("a", "b"))), [E.CallHeld(at=after(1), kind="b")], True),
]


@pytest.mark.parametrize(("when", "events", "holds"), FACTS)
def test_the_table_of_facts(when, events, holds):
    """Each fact at five hours after the opening, as the table of the contract has it."""
    move = decide(desk(Rule(name="r", when=when, to="l3")), opened(*events, priority="normal"), at=after(5)).move
    assert bool(move and move.still_holds) == holds


def test_plan_items_are_overdue_after_their_due():
    """Open ones; done and undated ones never are."""
    items = (E.PlanItem(what="a", due=after(3)), E.PlanItem(what="b", due=after(3), done=True), E.PlanItem(what="c"))
    policy = desk(Rule(name="r", when=F.plan_overdue >= 1, to="l2"), Rule(name="b", when=F.plan_has_backup, to="l3"))
    assert moves(policy, opened(E.PlanRevised(at=after(1), plan=E.ActionPlan(items=items))), after(9)) == [
        ("l2", after(3) + MICROSECOND)
    ]
