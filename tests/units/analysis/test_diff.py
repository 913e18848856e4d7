"""`diff`: stricter, looser, equivalent or incomparable, with a case on which the two policies decide otherwise."""

from __future__ import annotations

import pytest

from escalation_rules import BusinessCalendar, Checklist, EscalationLevel, Pick, Policy, Rule, Target, Track
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import diff
from tests.bench import desk, levels, opened, when

LATE = Rule(key="late", when=F.open_for >= "8 business hours", to="l2")
SOONER = Rule(key="late", when=F.open_for >= "4 business hours", to="l2")
HIGHER = Rule(key="late", when=F.open_for >= "8 business hours", to="l3")
ASK = Checklist.of(known="Known?")
PAIRS: dict[str, tuple[Policy, Policy, str, list[tuple[str, str, str, str]]]] = {
    "the same": (desk(LATE), desk(LATE, version="2"), "equivalent", []),
    "a sooner threshold": (desk(LATE), desk(SOONER), "stricter", [("rule", "late", "changed", "stricter")]),
    "a later threshold": (desk(SOONER), desk(LATE), "looser", [("rule", "late", "changed", "looser")]),
    "a rule more": (
        desk(LATE),
        desk(LATE, Rule(key="asked", when=F.escalation_request_open, to="l3")),
        "stricter",
        [("rule", "asked", "added", "stricter")],
    ),
    "a rule less": (
        desk(LATE, Rule(key="asked", when=F.escalation_request_open, to="l3")),
        desk(LATE),
        "looser",
        [("rule", "asked", "removed", "looser")],
    ),
    "a rule that changes nothing": (
        desk(SOONER),
        desk(SOONER, Rule(key="late too", when=F.open_for >= "9 business hours", to="l2")),
        "equivalent",
        [("rule", "late too", "added", "stricter")],
    ),
    "written otherwise": (
        desk(Rule(key="r", when=~((F.priority < "high") | (F.replies >= 1)), to="l2")),
        desk(Rule(key="r", when=(F.priority >= "high") & (F.replies < 1), to="l2")),
        "equivalent",
        [("rule", "r", "changed", "equivalent")],
    ),
    "a higher level": (desk(LATE), desk(HIGHER), "stricter", [("rule", "late", "changed", "incomparable")]),
    "another rule": (
        desk(LATE),
        desk(Rule(key="late", when=F.replies >= 3, to="l2")),
        "incomparable",
        [("rule", "late", "changed", "incomparable")],
    ),
    "a checklist more": (
        desk(LATE),
        desk(LATE, levels=levels(l2={"entry": ASK})),
        "looser",
        [("level", "l2", "changed", "looser")],
    ),
    "a checklist waived": (
        desk(LATE, levels=levels(l2={"entry": ASK})),
        desk(LATE.model_copy(update={"checklist": "waived"}), levels=levels(l2={"entry": ASK})),
        "stricter",
        [("rule", "late", "changed", "incomparable")],
    ),
    "held back at the higher level": (
        desk(LATE, HIGHER.model_copy(update={"key": "high"}), levels=levels(l2={"entry": ASK}, l3={"entry": ASK})),
        desk(HIGHER.model_copy(update={"key": "high"}), levels=levels(l2={"entry": ASK}, l3={"entry": ASK})),
        "looser",
        [("rule", "late", "removed", "looser")],
    ),
    "more work": (
        desk(LATE),
        desk(LATE, levels=levels(l1={"work": ASK})),
        "stricter",
        [("level", "l1", "changed", "stricter")],
    ),
    "another owner": (
        desk(LATE),
        desk(LATE, levels=levels(l2={"owner": "ana"})),
        "incomparable",
        [("level", "l2", "changed", "incomparable")],
    ),
    "a title": (desk(LATE), desk(LATE, levels=levels(l2={"title": "Second"})), "equivalent", []),
    "a level more": (
        desk(LATE),
        desk(LATE, levels=(*levels(), EscalationLevel(key="l4"))),
        "incomparable",
        [("level", "l4", "added", "incomparable")],
    ),
    "a level less": (
        desk(LATE),
        desk(LATE, levels=levels()[:2]),
        "incomparable",
        [("level", "l3", "removed", "incomparable")],
    ),
    "a shorter span": (
        desk(targets=(Target.resolution("8 business hours"),)),
        desk(targets=(Target.resolution("4 business hours"),)),
        "stricter",
        [("target", "resolution", "changed", "stricter")],
    ),
    "a longer span on a level": (
        desk(levels=levels(l1={"targets": (Target.contact("1 hour"),)})),
        desk(levels=levels(l1={"targets": (Target.contact("2 hours"),)})),
        "looser",
        [("target", "contact of l1", "changed", "looser")],
    ),
    "days and hours": (
        desk(targets=(Target.resolution("8 business hours"),)),
        desk(targets=(Target.resolution("1 business day"),)),
        "incomparable",
        [("target", "resolution", "changed", "incomparable")],
    ),
    "a choice of spans": (
        desk(targets=(Target.resolution("8 hours"),)),
        desk(targets=(Target.resolution(Pick(by="priority", values={"high": "4 hours"}, otherwise="8 hours")),)),
        "incomparable",
        [("target", "resolution", "changed", "incomparable")],
    ),
    "fewer pauses": (
        desk(targets=(Target.resolution("8 hours"),)),
        desk(targets=(Target.resolution("8 hours", pause_on=()),)),
        "stricter",
        [("target", "resolution", "changed", "stricter")],
    ),
    "other stops": (
        desk(targets=(Target.resolution("8 hours"),)),
        desk(targets=(Target.resolution("8 hours", stop_on=E.Closed.like()),)),
        "incomparable",
        [("target", "resolution", "changed", "incomparable")],
    ),
    "a target more": (
        desk(),
        desk(targets=(Target.resolution("8 hours"),)),
        "stricter",
        [("target", "resolution", "added", "stricter")],
    ),
    "a target less": (
        desk(targets=(Target.resolution("8 hours"),)),
        desk(),
        "looser",
        [("target", "resolution", "removed", "looser")],
    ),
    "two instead of one": (
        desk(targets=(Target.resolution("8 hours"),)),
        desk(targets=(Target.resolution("4 hours", when=F.priority >= "high"), Target.resolution("8 hours"))),
        "incomparable",
        [("target", "resolution", "changed", "incomparable")],
    ),
    "an action more": (
        desk(Rule(key="r", when=F.level_failed, then=A.Notify("ana"))),
        desk(Rule(key="r", when=F.level_failed, then=(A.Notify("ana"), A.Notify("bo")))),
        "stricter",
        [("rule", "r", "changed", "incomparable")],
    ),
    "other priorities": (
        desk(LATE),
        desk(SOONER, priorities=("low", "high")),
        "incomparable",
        [("rule", "late", "changed", "incomparable"), ("policy", "priorities", "changed", "incomparable")],
    ),
    "other hours": (
        desk(LATE),
        desk(LATE, calendars={"office": BusinessCalendar("Europe/London", {"mon-sun": "08:00-20:00"})}),
        "incomparable",
        [("policy", "calendars", "changed", "incomparable")],
    ),
    "a calendar that nothing counts in": (
        desk(LATE),
        desk(LATE, calendars={**desk().calendars, "spare": BusinessCalendar.always("UTC")}),
        "equivalent",
        [],
    ),
    "another domain": (
        desk(LATE, facts=(F.count("seats", minimum=0, maximum=5),)),
        desk(LATE, facts=(F.count("seats", minimum=0, maximum=9),)),
        "incomparable",
        [("policy", "facts", "changed", "incomparable")],
    ),
    "levels in another order": (
        desk(),
        desk(levels=levels()[::-1]),
        "incomparable",
        [("policy", "levels", "changed", "incomparable")],
    ),
    "next instead of a level": (
        desk(Rule(key="r", when=F.level_failed, to="l2", at_level="l1")),
        desk(Rule(key="r", when=F.level_failed, to="next", at_level="l1")),
        "looser",
        [("rule", "r", "changed", "incomparable")],
    ),
    "two tracks": (
        desk(tracks=(Track(key="a", levels=levels()), Track(key="b", levels=(EscalationLevel(key="m"),)))),
        desk(
            Rule(key="m", when=F.escalation_request_open, to="m"),
            tracks=(Track(key="a", levels=levels()), Track(key="b", levels=(EscalationLevel(key="m"),))),
        ),
        "stricter",
        [("rule", "m", "added", "stricter")],
    ),
    "a target that a rule looks at": (
        desk(Rule(key="r", when=F.outcome("resolution") == "met", to="l2"), targets=(Target.resolution("2 hours"),)),
        desk(Rule(key="r", when=F.outcome("resolution") == "met", to="l2"), targets=(Target.resolution("1 hour"),)),
        "incomparable",
        [("target", "resolution", "changed", "stricter")],
    ),
    "an action that changes the case": (
        desk(Rule(key="r", when=F.level_failed, then=A.Notify("ana"))),
        desk(Rule(key="r", when=F.level_failed, then=(A.Notify("ana"), A.RaisePriority("next")))),
        "incomparable",
        [("rule", "r", "changed", "incomparable")],
    ),
    "a span by a choice of calendars": (
        desk(targets=(Target.resolution("2 business hours"),), calendar=Pick(by="priority", values={"low": "office"})),
        desk(targets=(Target.resolution("1 business hour"),), calendar=Pick(by="priority", values={"low": "office"})),
        "incomparable",
        [("target", "resolution", "changed", "incomparable")],
    ),
    "another owner of a target": (
        desk(targets=(Target.resolution("2 hours", owner="ana"),)),
        desk(targets=(Target.resolution("2 hours", owner="bo"),)),
        "incomparable",
        [("target", "resolution", "changed", "incomparable")],
    ),
    "a target of a level more": (
        desk(LATE),
        desk(LATE, levels=(*levels(), EscalationLevel(key="l4", targets=(Target.contact("1 day"),)))),
        "incomparable",
        [("level", "l4", "added", "incomparable"), ("target", "contact of l4", "added", "stricter")],
    ),
    "a level in the middle": (
        desk(Rule(key="r", when=F.level_failed, to="next")),
        desk(
            Rule(key="r", when=F.level_failed, to="next"),
            levels=(levels()[0], EscalationLevel(key="between"), *levels()[1:]),
        ),
        "incomparable",
        [("level", "between", "added", "incomparable")],
    ),
    "from a later day on": (
        desk(LATE),
        desk(LATE, effective_from=when("tue 09:00")),
        "incomparable",
        [("policy", "effective_from", "changed", "incomparable")],
    ),
    "tracks instead of one": (
        desk(),
        desk(tracks=(Track(key="a", levels=levels()),)),
        "incomparable",
        [("policy", "tracks", "changed", "incomparable")],
    ),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_the_verdict_on_a_change_as_a_whole_and_part_by_part(pair):
    """Stricter takes cases at least as far and allows no more time; looser the reverse."""
    old, new, verdict, changes = pair
    found = diff(old, new)
    assert [(one.kind, one.name, one.how, one.verdict) for one in found.changes] == changes
    assert found.verdict == verdict, str(found)
    assert str(found).count("\n") == len(changes)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_the_other_way_round_the_verdict_is_the_opposite(pair):
    """A change taken back."""
    old, new, verdict, _ = pair
    opposite = {"stricter": "looser", "looser": "stricter"}
    assert diff(new, old).verdict == opposite.get(verdict, verdict)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_witness_is_a_case_on_which_the_two_decide_otherwise(pair):
    """Every witness is found by `decide`; each change that can be shown on a case has one."""
    old, new, _, _ = pair
    for change in diff(old, new).changes:
        if change.witness is not None:
            assert change.witness.decide(old).answer != change.witness.decide(new).answer


def test_the_table_of_before_and_after():
    """Each case at its last event, or at an instant that is given."""
    cases = [opened(), opened(E.LevelFailed(at=when("mon 16:00")))]
    found = diff(desk(LATE), desk(SOONER))
    assert [row.differs for row in found.on(cases)] == [False, True]
    rows = found.on(cases, at=when("tue 12:00"))
    assert [(dict(row.before), dict(row.after)) for row in rows] == [({"main": "l2"}, {"main": "l2"})] * 2
    assert rows[0].differs
    assert (rows[0].old_due_at, rows[0].new_due_at) == (when("mon 17:00"), when("mon 13:00"))


def test_when_the_budget_is_spent_nothing_is_called_better():
    """What could not be settled is incomparable, and says so."""
    found = diff(desk(LATE), desk(SOONER), budget=1)
    assert (found.verdict, found.unfinished) == ("incomparable", True)
    assert not diff(desk(LATE), desk(SOONER)).unfinished


LONG = Rule(key="long", when=F.open_for >= "4 hours", to="l2")


def test_diff_says_stricter_looser_or_the_same():
    """The same, too, when said in other words."""
    sooner = desk(Rule(key="long", when=F.open_for >= "3 hours", to="l2"))
    reworded = desk(Rule(key="long", when=~(F.open_for < "240 minutes"), to="l2"))
    assert diff(desk(LONG), sooner).verdict == "stricter"
    assert diff(sooner, desk(LONG)).verdict == "looser"
    assert diff(desk(LONG), reworded).verdict == "equivalent"
