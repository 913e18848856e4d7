"""Rule 29: data, not code."""

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
)
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.conditions import AllOf, AnyOf
from escalation_rules.errors import InvalidValue
from tests.bench import OFFICE, desk

OWN = (F.flag("x"), F.choice("kind", ("a", "b")), F.count("n", minimum=0, maximum=9), F.label("g"))
BRACKETS = "put brackets around each comparison"


def deep(depth):
    found = F.level_failed == True
    for number in range(depth):
        found = ~(found & F.acknowledged) if number % 2 else found | F.acknowledged
    return found


WRONG_NAMES = [
    (lambda: rule(F.flag("productoin_down")), "unknown fact `productoin_down`"),
    (lambda: rule(F.priority >= "hihg"), "unknown priority `hihg`.* did you mean `high`"),
    (lambda: rule(F.level >= "l9"), "unknown level `l9`"),
    (lambda: rule(F.level_failed, to="l9"), r"rules\[r\]\.to: unknown level `l9`"),
    (lambda: rule(F.level_failed, at_level="l9"), r"rules\[r\]\.at_level\[0\]: unknown level `l9`"),
    (lambda: rule(F.status == "opened"), "unknown status `opened`.* did you mean `open`"),
    (lambda: rule(F.choice("kind") == "c"), "unknown value of `kind` `c`"),
    (lambda: rule(F.count("kind") >= 1), "`kind` is no count but a choice"),
    (lambda: rule(F.moves("trakc") >= 1), "unknown track `trakc`"),
    (lambda: rule(F.outcome("resolutoin") == "met"), "unknown target `resolutoin`.* did you mean `resolution`"),
    (lambda: rule(F.open_for.on("offic") >= "1 hour"), "unknown calendar `offic`.* did you mean `office`"),
    (lambda: rule(F.level_failed, then=A.RaisePriority(to="hgih")), "unknown priority `hgih`"),
    (
        lambda: rule(F.level_failed, then=A.Notify(roles="bos"), roles=("boss",)),
        "unknown role `bos`.* did you mean `boss`",
    ),
    (
        lambda: desk(levels=(EscalationLevel(key="a", owner=Pick(by="kin", values={"a": "b"})),), facts=OWN),
        "unknown choice fact or flag `kin`",
    ),
    (lambda: desk(calendars={"office": OFFICE}, calendar="offic"), "calendar: unknown calendar `offic`"),
    (lambda: desk(levels=("a", "a")), "level named twice `a`"),
    (
        lambda: desk(tracks=tuple(Track(key=key, levels=(EscalationLevel(key="a"),)) for key in "xy")),
        "level named twice `a`",
    ),
    (lambda: desk(facts=(F.flag("priority"),)), "fact of the library's own `priority`"),
    (lambda: Rule(key="r", when=F.level_failed, too="x"), "unknown field `too`; did you mean `to`"),
    (lambda: Rule(key="r", when=F.level_failed), "a rule that does nothing"),
    (lambda: Target(key="t", within="1 hour", stop_on=()), "a target that nothing stops"),
    (lambda: Checklist.of(Item(key="a"), a="A"), "item named twice `a`"),
    (lambda: BusinessCalendar(timezone="Europe/Londn", hours={"mon": "09:00-17:00"}), "did you mean `Europe/London`"),
    (lambda: E.CallHeld.like(knd="x"), "unknown field of CallHeld `knd`.* did you mean `kind`"),
]


def rule(when, to="l2", **fields):
    more = {"calendars": {"office": OFFICE}, "facts": OWN, "targets": (Target.resolution(within="1 hour"),)}
    own = {name: fields.pop(name) for name in ("at_level", "then") if name in fields}
    return desk(Rule(key="r", when=when, to=to, **own), **more, **fields)


@pytest.mark.parametrize(
    ("slip", "text"),
    [
        (lambda: bool(F.open_for >= "1 hour"), "truth of a condition"),
        (lambda: F.level_failed and F.acknowledged, "instead of `and`, `or`, `not`"),
        (lambda: not F.level_failed, "instead of `and`, `or`, `not`"),
        (lambda: 1 <= F.escalation_requests <= 2, "and chains"),
        (lambda: F.level_failed & F.escalation_requests >= 2, BRACKETS),
        (lambda: F.level_failed & F.acknowledged >= 2, BRACKETS),
        (lambda: F.escalation_requests >= 2 & F.level_failed, BRACKETS),
        (lambda: F.priority == "high" | F.level_failed, BRACKETS),
    ],
)
def test_truth_and_missing_brackets_are_refused(slip, text):
    """Rule 29: every way in which Python would read something else is refused with a hint."""
    with pytest.raises(EscalationRulesError, match=text):
        slip()


def test_depth_and_width_are_capped():
    """Rule 29: this holds of a condition built in Python and of one read from a file."""
    with pytest.raises(EscalationRulesError, match="nested too deeply"):
        deep(3000)
    data = json.loads(desk(Rule(key="r", when=~F.level_failed | F.acknowledged, to="l2")).model_dump_json())
    bomb = data["rules"][0]["when"]
    for _ in range(3000):
        bomb = {"type": "all", "of": [bomb]}
    data["rules"][0]["when"] = bomb
    with pytest.raises(EscalationRulesError, match="nested too deeply"):
        Policy.model_validate(data)


@pytest.mark.parametrize(("slip", "text"), WRONG_NAMES)
def test_unknown_names_are_refused_with_the_nearest_known(slip, text):
    """Rule 29: the error holds the path into the policy."""
    with pytest.raises(EscalationRulesError, match=text):
        slip()


def test_many_problems_are_collected_before_raising():
    """Rule 29: each has its path, and the error holds them as data."""
    with pytest.raises(EscalationRulesError, match="4 problems in policy `desk`") as found:
        desk(Rule(key="a", when=F.flag("z"), to="l9"), Rule(key="b", when=F.level >= "l8", to="l2"), calendar="c")
    assert {one.path for one in found.value.problems} >= {"calendar", "rules[a].to"}


def test_conditions_joined_by_one_operator_are_one_list():
    """Rule 29: three conditions joined by `&` are one `all` of three."""
    joined = F.acknowledged & (F.replies >= 1) & F.level_failed
    assert isinstance(joined, AllOf)
    assert len(joined.of) == 3
    assert isinstance(F.acknowledged | F.level_failed | (F.replies >= 1), AnyOf)
    assert joined.depth == 2


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (50, "not a share `50`, expected at most 10 (1000 %): write 0.5 or '50%'"),
        ("75", "not a share `75`, expected at most 10 (1000 %): write 0.75 or '75%'"),
        (10.5, "not a share `10.5`, expected at most 10 (1000 %): write 0.105 or '10.5%'"),
        ("1001%", "not a share `1001%`, expected at most 10 (1000 %)"),
    ],
)
def test_a_share_that_is_meant_as_a_percentage_is_refused(given, text):
    """Rule 29: a share is at most 10, so that `50` for 50 % is no silent threshold of 5000 % (report D22)."""
    with pytest.raises(InvalidValue) as refused:
        _ = F.used("resolution") >= given
    assert str(refused.value) == text
    assert (F.used("resolution") >= "1000%").value == "10"
