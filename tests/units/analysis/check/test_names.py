"""Names that nothing uses, thresholds outside a domain, spans that no calendar counts."""

from __future__ import annotations

from typing import Any

import pytest

from escalation_rules import Checklist, Pick, Policy, Rota, Rule, Target
from escalation_rules import actions as A
from escalation_rules import facts as F
from escalation_rules.analysis import check
from tests.bench import desk, levels

WORK = Checklist.of(done="Everything is done")
UP = Rule(key="up", when=F.level_failed, to="next")


def ladder(*rules: Rule, **changes: Any) -> Policy:
    """A desk on whose levels there is always something to do, with a rule that goes up."""
    return desk(UP, *rules, **{"levels": levels(**{key: {"work": WORK} for key in ("l1", "l2", "l3")}), **changes})


def codes(policy: Policy, **more: Any) -> list[tuple[str, str]]:
    """What is found, by code and path."""
    return [(one.code, one.path) for one in check(policy, **more).findings]


def test_thresholds_outside_their_domain():
    """What comes out the same whatever the fact is; a test whether something is known at all is told as one."""
    facts = (F.count("seats", minimum=1, maximum=100), F.flag("down"))
    rules = [
        Rule(key="a", when=(F.replies >= 0) & F.acknowledged, to="l2"),
        Rule(key="b", when=(F.count("seats") >= 1) & F.acknowledged, to="l3"),
        Rule(key="c", when=F.count("seats").in_(5, 500) | F.escalation_request_open, to="l3"),
        Rule(key="d", when=(F.used("resolution") >= 0) & F.flag("down"), to="l2"),
    ]
    level = {"work": WORK, "targets": (Target.contact("1 day", when=(F.replies < 0) | F.acknowledged),)}
    targets = (Target.resolution("1 day", when=F.priority <= "urgent"), Target.resolution("1 day", when=F.moves >= 0))
    policy = ladder(*rules, facts=facts, levels=levels(l1=level, l2={"work": WORK}, l3={"work": WORK}), targets=targets)
    found = {one.path: one.message.split("` ")[1] for one in check(policy).of("outside-its-domain")}
    assert found == {
        "rules[a].when.replies": "is so in every case",
        "rules[b].when.seats": "is so whenever the fact is known",
        "rules[c].when.seats": "compares with a value outside its domain, 1 to 100",
        "rules[d].when.used": "is so in every case",
        "levels[l1].targets[0].when.replies": "is so in no case",
        "targets[1].when.moves": "is so in every case",
    }


def test_business_time_that_no_calendar_counts():
    """All time does in a policy without one, nights and weekends too; plain time is as it reads."""
    rules = (
        Rule(key="a", when=F.open_for >= "8 business hours", to="l2"),
        Rule(key="b", when=F.open_for >= "30 hours", to="l3"),
    )
    targets = (Target.resolution("2 business days"), Target.update("1 day"))
    contact = Target.contact(Pick(by="priority", values={"high": "1 business hour"}, otherwise="1 day"))
    fields = {"targets": targets, "levels": levels(l2={"targets": (contact,)})}
    found = check(desk(*rules, calendar=None, calendars={}, **fields)).of("counts-in-no-calendar")
    assert [one.path for one in found] == ["rules[a].when.open_for", "targets[0]", "levels[l2].targets[0]"]
    assert "`8 business hours` counts in no calendar" in found[0].message
    assert not check(desk(*rules, **fields)).of("counts-in-no-calendar")


def test_names_that_nothing_looks_at():
    """Facts and calendars; a fact that only a choice goes by is looked at."""
    facts = (F.flag("down"), F.choice("size", ("small", "large")), F.choice("team", ("a", "b")))
    calendars = {**desk().calendars, "spare": desk().calendars["office"]}
    owner = Pick(by="team", values={"a": "ana"}, otherwise="bo")
    more = {key: {"work": WORK, "owner": owner} for key in ("l1", "l2", "l3")}
    policy = ladder(facts=facts, calendars=calendars, rotas={"ana": Rota()}, levels=levels(**more))
    assert codes(policy) == [
        ("unused-fact", "facts[down]"),
        ("unused-fact", "facts[size]"),
        ("unused-calendar", "calendars[spare]"),
    ]
    assert {one.severity for one in check(policy).findings} == {"note"}


@pytest.mark.parametrize(
    ("when_", "then", "within", "left_out"),
    [
        (F.priority == "urgent", "high", None, ["low", "normal"]),
        (F.priority.in_("urgent", "low"), "high", None, ["normal"]),
        (F.priority == "urgent", "next", None, []),
        (F.priority >= "high", "high", None, []),
        (
            F.acknowledged.as_condition(),
            None,
            Pick(by="priority", values={"urgent": "1 hour"}),
            ["low", "normal", "high"],
        ),
        (F.acknowledged.as_condition(), None, Pick(by="priority", values={"urgent": "1 hour"}, otherwise="1 day"), []),
        (F.acknowledged.as_condition(), None, None, []),
    ],
)
def test_priorities_that_are_left_out_where_others_are_named(when_, then, within, left_out):
    """A threshold or an "otherwise" is for all; a policy that never looks at the priority only lists the words."""
    rule = Rule(key="r", when=when_, then=A.RaisePriority(to=then) if then else A.Tag("look"))
    found = check(ladder(rule, targets=(Target.resolution(within),))).of("unused-priority")
    assert [one.message.split("never `")[1].split("`")[0] for one in found] == left_out
