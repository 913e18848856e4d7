"""`check`: ten deliberately broken policies, sound policies in which it finds nothing, and claims that hold."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from escalation_rules import Checklist, EscalationLevel, Item, Pick, Policy, Rota, Rule, Target, Track, presets
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import CODES, check
from escalation_rules.analysis.board import Board
from escalation_rules.errors import InvalidValue
from tests.bench import desk, levels, when

NOTHING = E.other_than("attention", "expertise", "priority")
"""No request asks for anything else."""
WORK = Checklist.of(done="Everything is done")
UP = Rule(name="up", when=F.level_failed, to="next")


def ladder(*rules: Rule, **changes: Any) -> Policy:
    """A desk on whose levels there is always something to do, with a rule that goes up."""
    return desk(UP, *rules, **{"levels": levels(**{key: {"work": WORK} for key in ("l1", "l2", "l3")}), **changes})


BROKEN: dict[str, tuple[Policy, str, str, str]] = {
    "two thresholds that exclude one another": (
        ladder(Rule(name="mixed up", when=(F.replies >= 3) & (F.replies < 2), to="l2")),
        "dead-rule",
        "rules[mixed up].when",
        "the rule `mixed up` can never hold: no case has `replies: 3 or more` together with `replies: fewer than 2`",
    ),
    "a later threshold to the same level": (
        ladder(
            Rule(name="soon", when=F.unanswered_for >= "4 business hours", to="l2"),
            Rule(name="late", when=(F.unanswered_for >= "8 business hours") & (F.priority >= "high"), to="l2"),
        ),
        "redundant-rule",
        "rules[late]",
        (
            "whenever `late` asks for `l2`, `soon` asks for that level or a higher one too, so it moves no case "
            "that nobody has taken down before"
        ),
    ),
    "a level that no rule names": (
        ladder().model_copy(update={"rules": (Rule(name="up", when=F.level_failed, to="l2", at="l1"),)}),
        "unreachable-level",
        "levels[l3]",
        "no rule ever takes a case to `l3` from where cases start; only a person can put it there by hand",
    ),
    "a level on which nothing happens any more": (
        desk(
            Rule(name="asked", when=F.escalation_requested, to="l3", at=("l1", "l2")),
            UP.model_copy(update={"at": ("l1",)}),
        ),
        "gap",
        "levels[l3]",
        "a case on `l3` can wait there for ever: no rule holds there and no target runs",
    ),
    "next on what is settled at the opening": (
        ladder(Rule(name="by phone", when=F.channel == "phone", to="next")),
        "next-without-evidence",
        "rules[by phone].when",
        (
            "`by phone` goes to the next level, but `channel is phone` is settled when a case comes to a level: "
            "nothing that happens later can make it hold, so it never moves a case"
        ),
    ),
    "a target behind another with its key": (
        ladder(targets=(Target.resolution("2 days"), Target.resolution("1 day", when=F.priority >= "high"))),
        "target-never-applies",
        "targets[1].when",
        "the target `resolution` never applies: an earlier one with this key always goes first",
    ),
    "more time for the urgent": (
        ladder(targets=(Target.resolution(Pick(by="priority", values={"urgent": "9 hours"}, otherwise="8 hours")),)),
        "slower-when-more-urgent",
        "targets[0].within",
        (
            "the target `resolution` allows a case of priority `urgent` 9 hours, but one of the lower priority `high` "
            "only 8 hours"
        ),
    ),
    "a threshold beyond the domain": (
        ladder(Rule(name="huge", when=F.count("seats") >= 500, to="l2"), facts=(F.count("seats", 0, 100),)),
        "outside-its-domain",
        "rules[huge].when.seats",
        "`seats is 500 or more` compares with a value outside its domain, 0 to 100",
    ),
    "a rule that lowers the outcome": (
        ladder(
            Rule(name="first", when=F.open_for >= "3 hours", to="l2"),
            Rule(name="second", when=F.at_level_for >= "4 hours", to="l3"),
        ),
        "lowers-the-outcome",
        "rules[first]",
        (
            "with the rule `first` a case ends up lower than without it: it moves the case early, and `second`, which "
            "would have taken it higher, then no longer holds"
        ),
    ),
    "a target that only internal notes stop": (
        ladder(targets=(Target(key="answer", within="1 day", stops=E.SupportReplied.like(public=False)),)),
        "target-never-stops",
        "targets[0].stops",
        (
            "nothing ever stops the target `answer`, so it can only be breached: no event that counts can be "
            "E.SupportReplied.like(public=False)"
        ),
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_policy_is_found_with_its_code_and_a_sentence(broken):
    """Ten policies, each broken in one way: the intended code, the path, and what a support manager reads."""
    policy, code, path, message = broken
    found = check(policy).of(code)
    assert [(one.path, one.message) for one in found] == [(path, message)]
    assert found[0].severity == CODES[code]
    assert found[0].mend in str(check(policy))


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_policy_is_broken_in_that_way_only(broken):
    """What is not broken is not found: all other findings follow from the one."""
    policy, code, _, _ = broken
    follows = {"outside-its-domain": {"dead-rule"}, "dead-rule": set(), "target-never-stops": set()}
    assert {one.code for one in check(policy).findings} <= {code} | follows.get(code, set())


def test_a_sound_policy_has_no_findings():
    """The ladder that the broken policies are made of."""
    report = check(ladder())
    assert (report.findings, report.unfinished) == ((), ())
    assert str(report) == "policy desk 1: nothing found"


@pytest.mark.parametrize("name", presets.__all__)
def test_vc7_check_finds_nothing_in_a_preset(name):
    """The process is well defined: nothing is found in any published process."""
    policy = getattr(presets, name)()
    week = (when("mon 09:00"), when("mon+1 09:00"))
    rotas = {role: Rota(person="always") for role in policy.roles}
    assert str(check(policy, rotas=rotas, during=week)) == f"policy {policy.name} 1: nothing found"


# ---------------------------------------------------------------------------- what else is found


def codes(policy: Policy, **more: Any) -> list[tuple[str, str]]:
    """What is found, by code and path."""
    return [(one.code, one.path) for one in check(policy, **more).findings]


def test_a_rule_without_any_room_above_it_is_dead_or_only_acts():
    """A move to where the case is already, or lower, is never made; with an action the rule still asks."""
    there = Rule(name="there", when=F.level >= "l2", to="l2")
    acting = Rule(name="acting", when=F.level >= "l3", to="next", then=A.Notify("ana"))
    assert codes(ladder(there, acting)) == [("dead-rule", "rules[there].to"), ("move-never-made", "rules[acting].to")]
    found = check(ladder(there)).findings[0]
    assert "already on `l2` or above" in found.message
    decision = found.witness.decide(ladder(there))
    assert (decision.levels["main"], decision.moves) == ("l2", ())
    assert "the highest level" in check(ladder(acting)).findings[0].message


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (F.status == "resolved", "status open or waiting together with `status is resolved`"),
        ((F.level == "l1") & F.acknowledged, "level l2 together with `level is l1`"),
        ((F.priority > "urgent") & F.acknowledged, "`priority is above urgent`"),
        ((F.choice("size") == "big") & ~(F.choice("size") == "big"), "`size is big` together with `size is not big`"),
        ((F.label("team") == "a") & (F.label("team") == "b"), "`team is a` together with `team is b`"),
        ((F.open_for >= "2 days") & (F.open_for < "1 week") & (F.open_for >= "8 days"), "less than 1 week"),
        ((F.open_for >= "3 months") & (F.open_for < "2 months"), "less than 2 months"),
        ((F.open_for >= "2 business days") & (F.open_for < "1 business day"), "less than 1 business day"),
        ((F.at_level_for >= "4 hours") & (F.open_for < "3 hours"), "open for less than 3 hours"),
        ((F.open_for >= "4 business hours") & (F.open_for < "3 hours"), "open for less than 3 hours"),
        (F.escalation_requested & (F.escalations < 1), "requests for escalation: fewer than 1"),
        ((F.past_due("resolution") >= "1 hour") & (F.deadline("resolution") == "met"), "target resolution is met"),
        (
            F.happened(E.CustomerReplied.like(topic="x"))
            & ~F.happened((E.CustomerReplied.like(topic="x"), E.Closed.like())),
            "no CustomerReplied",
        ),
        (F.happened(E.EscalationRequested.like(wants=NOTHING)), "EscalationRequested"),
    ],
)
def test_a_dead_rule_is_told_with_the_fewest_comparisons_that_exclude_one_another(condition, why):
    """Facts that depend on one another, domains, and what rules run on at all."""
    rule = Rule(name="dead", when=condition, to="l3", at="l2")
    facts = (F.choice("size", ("big", "small")), F.label("team"))
    policy = ladder(rule, facts=facts, targets=(Target.resolution("1 day"),))
    found = check(policy).of("dead-rule")
    assert [one.path for one in found] == ["rules[dead].when"]
    assert why in found[0].message


@pytest.mark.parametrize(
    "condition",
    [
        (F.label("team") == "another") & F.acknowledged,
        (F.label("team") != "another") & F.acknowledged,
        (F.open_for >= "4 hours") & (F.open_for < "3 business hours"),
        (F.unanswered_for >= "4 hours") & (F.open_for < "3 hours"),
        F.happened(E.ActionTaken.like(action=E.other_than("x"))),
        F.happened(E.PlanRevised.like(shared=True)),
        F.happened(E.CallHeld.like(participants="customer")),
        F.happened(E.CallHeld.like(participants=None)),
        F.happened(E.PriorityChanged.like()),
        F.happened(E.SupportReplied.like(public=E.ANY)),
        F.happened(E.EscalationRequested.like(wants=E.other_than("attention"))),
        (F.plan_overdue >= 2) & ~F.plan_has_backup,
        F.plan_has_backup.as_condition(),
        F.moves >= 1,
        F.used("resolution") >= 2,
        F.time_left("resolution") >= "30 minutes",
        F.deadline("resolution") == "met",
        F.status == "waiting",
        F.level.in_("l2", "l3") & ~F.level.in_("l3"),
    ],
)
def test_a_rule_that_can_hold_is_not_called_dead(condition):
    """What can come about has a case that shows it, found from the cells."""
    rule = Rule(name="alive", when=condition, then=A.Flag("look"))
    policy = ladder(
        rule, facts=(F.label("team"),), targets=(Target.resolution("1 hour", stops=E.Closed.like(), pauses=()),)
    )
    assert check(policy).of("dead-rule") == ()
    board = Board(policy)
    if "ActionTaken" not in repr(condition) and "met" not in repr(condition):
        assert board.witness(rule) is not None or "open_for" in repr(condition)


def test_redundancy_needs_another_rule_that_is_as_free():
    """Not behind a checklist, not where the owner may be away, not without as fresh evidence."""
    high = Rule(name="high", when=F.priority >= "high", to="l3")
    urgent = Rule(name="urgent", when=F.priority >= "urgent", to="l2")
    ask = {"l3": {"entry": Checklist.of(known="Known?"), "work": WORK}, "l1": {"work": WORK}, "l2": {"work": WORK}}
    away = {**ask, "l3": {"owner": "ana", "nobody": "hold", "work": WORK}}
    rota = {"ana": Rota(person="ann")}
    assert ("redundant-rule", "rules[urgent]") in codes(ladder(high, urgent))
    assert ("redundant-rule", "rules[urgent]") not in codes(ladder(high, urgent, levels=levels(**ask)))
    free = high.model_copy(update={"checklist": "waived"})
    assert ("redundant-rule", "rules[urgent]") in codes(ladder(free, urgent, levels=levels(**ask)))
    assert ("redundant-rule", "rules[urgent]") not in codes(ladder(high, urgent, levels=levels(**away), rotas=rota))
    waived = urgent.model_copy(update={"checklist": "waived", "to": "l3"})
    assert ("redundant-rule", "rules[urgent]") not in codes(ladder(high, waived, levels=levels(**ask)))


def test_redundancy_of_next_rules_goes_by_evidence():
    """The same condition, or one of several: then the evidence is as late; otherwise a stale rule would not climb."""
    failed = Rule(name="failed", when=F.level_failed, to="next")
    either = Rule(name="either", when=F.level_failed | F.escalation_requested, to="next")
    narrow = Rule(name="narrow", when=F.level_failed & (F.priority >= "high"), to="next")
    assert codes(desk(either, failed, levels=ladder().levels)) == [("redundant-rule", "rules[failed]")]
    assert codes(desk(failed, narrow, levels=ladder().levels)) == []
    top = Rule(name="top", when=F.level_failed, to="l3")
    assert codes(desk(top, narrow, levels=ladder().levels)) == [("redundant-rule", "rules[narrow]")]


def test_two_rules_may_cover_a_third_together():
    """Neither alone does."""
    rules = (
        Rule(name="low", when=F.priority <= "normal", to="l2"),
        Rule(name="high", when=F.priority > "normal", to="l3"),
        Rule(name="any", when=(F.priority >= "low") & F.acknowledged, to="l2"),
        Rule(name="other", when=F.replies >= 2, to="l2"),
    )
    (found,) = check(ladder(*rules)).of("redundant-rule")
    assert found.path == "rules[any]"
    assert "`low` or `high` ask for that level" in found.message


def test_the_same_said_twice_is_asked_twice():
    """Two rules that hold alike and ask alike; a third that asks more is another matter."""
    one = Rule(name="one", when=F.level_failed & F.acknowledged, then=A.Notify("ana"))
    two = one.model_copy(update={"name": "two"})
    more = one.model_copy(update={"name": "more", "then": (A.Notify("bo"),)})
    assert codes(ladder(one, two, more)) == [("duplicate-rule", "rules[two].then")]


@pytest.mark.parametrize(
    ("condition", "silent"),
    [
        (F.level <= "l2", True),
        (F.moves >= 1, True),
        (F.moves("main") >= 1, True),
        (~F.level_failed, True),
        (F.replies >= 0, True),
        (F.open_for >= "0 hours", True),
        ((F.level <= "l2") & (F.channel == "phone"), True),
        ((F.level <= "l2") & (F.priority >= "high"), False),
        (~F.level_failed | F.acknowledged, False),
        (F.level_failed.as_condition(), False),
    ],
)
def test_a_next_rule_needs_something_that_can_happen_later(condition, silent):
    """Rule 22: what is settled on coming to a level is no evidence for leaving it."""
    policy = ladder(Rule(name="up again", when=condition, to="next"))
    assert (("next-without-evidence", "rules[up again].when") in codes(policy)) == silent
    for finding in check(policy).of("next-without-evidence"):
        decision = finding.witness.decide(policy)
        assert decision.moves == ()
        assert "`up again`, to `next`\n    yes: " in decision.explain()


def test_moves_on_another_track_are_evidence():
    """Only moves on the rule's own track are settled on coming to a level."""
    tracks = (Track(key="a", levels=ladder().levels), Track(key="b", levels=EscalationLevel(key="m")))
    rules = (
        Rule(name="m", when=F.escalation_requested, to="m"),
        Rule(name="along", when=F.moves >= 1, to="next", track="a"),
        Rule(name="own", when=F.moves("a") >= 1, to="next", track="a"),
        Rule(name="other", when=~F.level_failed("b"), to="next", track="a"),
    )
    assert codes(desk(*rules, tracks=tracks)) == [("next-without-evidence", "rules[own].when")]


def test_a_rule_lowers_the_outcome_where_what_the_other_waits_for_happens_after_its_move():
    """Two rules that may hold at once, the higher of which then wins; not so when the lower one has gone first."""
    high = Rule(name="high", when=F.priority >= "high", to="l2")
    down = Rule(name="down", when=F.flag("down"), to="l3", at="l1")
    policy = ladder(high, down, facts=(F.flag("down"),))
    found = {one.path: one for one in check(policy).of("lowers-the-outcome")}
    assert list(found) == ["rules[up]", "rules[high]"]
    assert "`down`, which would have taken it higher" in found["rules[high]"].message
    without = ladder(down, facts=(F.flag("down"),))
    shown = found["rules[high]"].witness
    assert [shown.decide(one).levels["main"] for one in (policy, without)] == ["l2", "l3"]
    everywhere = down.model_copy(update={"at": ()})
    assert check(ladder(high, everywhere, facts=(F.flag("down"),))).of("lowers-the-outcome") == ()


def test_a_level_whose_entry_brings_about_its_leaving_is_climbed_in_one_breath():
    """An action on entry that is itself the evidence of the rule to the next level."""
    on_entry = {key: {"work": WORK, "on_entry": A.Assign(role=key)} for key in ("l1", "l2", "l3")}
    rule = Rule(name="assigned", when=F.happened(E.Assigned.like()), to="next")
    found = check(desk(rule, levels=levels(**on_entry))).of("climbs-in-one-breath")
    assert [one.path for one in found] == ["rules[assigned]"]
    moves = found[0].witness.decide(desk(rule, levels=levels(**on_entry))).moves
    assert len({move.due for move in moves}) == 1 < len(moves)


WITHOUT_ANSWER = ("entry-cannot-be-met", "exit-cannot-be-met")


def test_checklists_that_no_answer_satisfies():
    """Every answer argues against going in, or against going down; a waiver opens the way in."""
    hopeless = Item("ok", answers=("yes", "no"), against=("yes", "no"))
    changes = {"l2": {"entry": hopeless, "work": WORK}, "l3": {"exit": hopeless, "work": WORK}, "l1": {"work": WORK}}
    assert codes(ladder(levels=levels(**changes))) == [
        ("entry-cannot-be-met", "levels[l2].entry"),
        ("exit-cannot-be-met", "levels[l3].exit"),
        ("unreachable-level", "levels[l2]"),
        ("unreachable-level", "levels[l3]"),
    ]
    policy = ladder(levels=levels(**changes))
    entry, leaving = (check(policy).of(code)[0].witness.decide(policy) for code in WITHOUT_ANSWER)
    assert [(one.move.to, one.missing[0].key) for one in entry.blocked] == [("l2", "ok")]
    assert [(one.level, one.missing[0].key) for one in leaving.exits] == [("l3", "ok")]
    waived = UP.model_copy(update={"checklist": "waived"})
    assert codes(desk(waived, levels=levels(**changes))) == [("exit-cannot-be-met", "levels[l3].exit")]


def test_a_level_reached_while_its_neighbour_is_away_is_reached():
    """An owner who is passed over lets a case on to the next level, which is then within reach."""
    changes: Any = {"l1": {"work": WORK}, "l2": {"owner": "ana", "nobody": "skip", "work": WORK}, "l3": {"work": WORK}}
    once = Rule(name="once", when=F.level_failed, to="l2", at="l1")
    assert ("unreachable-level", "levels[l3]") in codes(desk(once, levels=levels(**changes)))
    policy = desk(once, levels=levels(**changes), rotas={"ana": Rota()})
    assert ("unreachable-level", "levels[l3]") not in codes(policy)
    changes["l2"]["entry"] = Item("ok", answers=("no",))
    policy = desk(once, levels=levels(**changes), rotas={"ana": Rota()})
    assert ("unreachable-level", "levels[l3]") not in codes(policy)
    assert ("unreachable-level", "levels[l2]") in codes(policy)


def test_a_case_left_alone_waits_for_ever_when_others_are_timed():
    """A span for one priority and none for another: such a case is never looked at again."""
    within = Pick(by="priority", values={"urgent": "1 hour", "high": "4 hours"})
    policy = desk(UP, targets=(Target.resolution(within),), levels=levels(l3={"work": WORK}))
    (found, _) = check(policy).of("gap")
    assert (found.path, found.severity) == ("levels[l1]", "warning")
    assert "a case of priority `low` that is left alone on `l1` waits there for ever" in found.message
    assert found.witness.case.priority(found.witness.at) == "low"


def test_a_case_left_alone_waits_for_ever_by_choice():
    """The same for a choice fact that a span goes by, in a policy without priorities."""
    within = Pick(by="size", values={"large": "1 hour"})
    facts = (F.choice("size", ("small", "large")),)
    policy = ladder(targets=(Target.resolution(within),), facts=facts, priorities=())
    assert codes(policy) == []
    policy = desk(
        UP, targets=(Target.resolution(within),), facts=facts, priorities=(), levels=levels(l3={"work": WORK})
    )
    assert "of no kind that is named" in check(policy).of("gap")[0].message


def test_what_only_an_event_can_touch_is_no_gap():
    """A policy that waits to be asked is not incomplete; targets at the very end do not count."""
    asked = Rule(name="asked", when=F.escalation_requested, then=A.Notify("ana"))
    assert codes(desk(asked, UP)) == []
    ended = Target.post_mortem("5 days")
    assert ("gap", "levels[l3]") in codes(desk(UP, targets=(ended,)))
    assert ("gap", "levels[l3]") not in codes(desk(UP, targets=(Target.next_response("1 day"),)))
    external = (*levels()[:2], EscalationLevel(key="l3", external=True))
    assert codes(desk(UP, levels=external)) == []


def test_targets_that_nothing_starts_or_stops():
    """Patterns that no event can match, or none that counts."""
    targets = (
        Target(key="a", within="1 day", starts=E.EscalationRequested.like(wants=NOTHING), stops=E.Closed.like()),
        Target(key="b", within="1 day", stops=E.Reviewed.like(actor="automation")),
        Target(key="c", within="1 day", stops=E.EscalationRequested.like(wants=NOTHING)),
        Target(key="d", within="1 day", stops=E.ActionTaken.like(actor="automation")),
        Target(key="e", within="1 day", stops=E.Reviewed.like(actor=E.other_than("staff"))),
        Target(key="f", within="1 day", stops=E.SupportReplied.like(automatic=True)),
    )
    assert codes(ladder(targets=targets)) == [
        ("target-never-starts", "targets[0].starts"),
        ("target-never-stops", "targets[1].stops"),
        ("target-never-stops", "targets[2].stops"),
        ("target-never-stops", "targets[5].stops"),
    ]


def test_a_target_whose_condition_never_holds():
    """It is told apart from one that an earlier one hides."""
    never = Target.resolution("1 day", when=(F.replies >= 2) & (F.replies < 1))
    (found,) = check(ladder(targets=(never,))).findings
    assert found.message == "the target `resolution` never applies: its condition holds in no case"


@pytest.mark.parametrize(
    ("targets", "slower"),
    [
        ((Target.resolution("8 hours", when=F.priority < "high"), Target.resolution("9 hours")), True),
        ((Target.resolution("9 hours", when=F.priority < "high"), Target.resolution("8 hours")), False),
        ((Target.resolution("8 hours", when=F.priority < "high"), Target.resolution("9 business hours")), True),
        ((Target.resolution("9 business hours", when=F.priority < "high"), Target.resolution("10 hours")), False),
        (
            (
                Target.resolution("1 hour", when=(F.priority < "high") & F.acknowledged),
                Target.resolution("2 hours", when=~F.acknowledged),
            ),
            False,
        ),
        (
            (
                Target.resolution("1 hour", when=(F.priority < "high") & (F.choice("size") == "small")),
                Target.resolution(Pick(by="size", values={"small": "2 hours"}, otherwise="30 minutes")),
            ),
            True,
        ),
        (
            (
                Target.resolution("1 hour", when=(F.priority < "high") & (F.choice("size") == "small")),
                Target.resolution(Pick(by="size", values={"large": "2 hours"}, otherwise="30 minutes")),
            ),
            False,
        ),
        ((Target.resolution("8 hours", when=F.priority < "high"), Target.resolution("9 hours", agreed=True)), False),
        ((Target.resolution(Pick(by="priority", values={"low": "1 day"}, otherwise=None)),), False),
    ],
)
def test_more_time_for_the_urgent_is_found_where_cases_are_otherwise_alike(targets, slower):
    """Several targets with one key, choices, and scales that can be compared."""
    policy = ladder(targets=targets, facts=(F.choice("size", ("small", "large")),))
    found = check(policy).of("slower-when-more-urgent")
    assert bool(found) == slower
    for one in found:
        budget = one.witness.decide(policy).deadline("resolution").budget
        assert re.search(rf"`high` {budget.total_seconds() / 3600:g} (business )?hours", one.message)


def test_a_priority_without_a_target_does_not_hide_that_a_higher_one_gets_more_time():
    """Each priority is held against the next lower one to which the target gives any time."""
    within = Pick(by="priority", values={"low": "8 hours", "high": "9 hours", "urgent": "9 hours"})
    (found,) = check(ladder(targets=(Target.resolution(within),))).of("slower-when-more-urgent")
    assert "priority `high` 9 hours, but one of the lower priority `low` only 8 hours" in found.message
    level = {"work": WORK, "targets": (Target.contact(within),)}
    policy = ladder(levels=levels(l1={"work": WORK}, l2=level, l3={"work": WORK}))
    (found,) = check(policy).of("slower-when-more-urgent")
    decision = found.witness.decide(policy)
    assert decision.levels["main"] == "l2"
    assert decision.deadline("contact").budget == timedelta(hours=9)


def test_a_level_s_target_by_calendar_of_its_track():
    """A choice of calendars is a choice of scales, which are not compared."""
    by = Pick(by="priority", values={"urgent": "always"}, otherwise="office")
    calendars = {**desk().calendars, "always": desk().calendars["office"].always("UTC")}
    within = Pick(by="priority", values={"urgent": "9 business hours"}, otherwise="8 business hours")
    level = EscalationLevel(key="l1", targets=(Target.contact(within),))
    policy = desk(tracks=(Track(key="a", levels=level, calendar=by),), calendars=calendars, calendar="office")
    assert check(policy).of("slower-when-more-urgent") == ()
    policy = desk(tracks=(Track(key="a", levels=level, calendar="office"),), calendars=calendars, calendar=by)
    assert [one.path for one in check(policy).of("slower-when-more-urgent")] == ["levels[l1].targets[0].within"]


def test_thresholds_outside_their_domain():
    """What comes out the same whatever the fact is; a test whether something is known at all is told as one."""
    facts = (F.count("seats", 1, 100), F.flag("down"))
    rules = [
        Rule(name="a", when=(F.replies >= 0) & F.acknowledged, to="l2"),
        Rule(name="b", when=(F.count("seats") >= 1) & F.acknowledged, to="l3"),
        Rule(name="c", when=F.count("seats").in_(5, 500) | F.escalation_requested, to="l3"),
        Rule(name="d", when=(F.used("resolution") >= 0) & F.flag("down"), to="l2"),
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
        Rule(name="a", when=F.open_for >= "8 business hours", to="l2"),
        Rule(name="b", when=F.open_for >= "30 hours", to="l3"),
    )
    targets = (Target.resolution("2 business days"), Target.update("1 day"))
    contact = Target.contact(Pick(by="priority", values={"high": "1 business hour"}, otherwise="1 day"))
    fields = {"targets": targets, "levels": levels(l2={"targets": (contact,)})}
    found = check(desk(*rules, calendar=None, calendars={}, **fields)).of("counts-in-no-calendar")
    assert [one.path for one in found] == ["rules[a].when.open_for", "targets[0]", "levels[l2].targets[0]"]
    assert "`8 business hours` counts in no calendar" in found[0].message
    assert not check(desk(*rules, **fields)).of("counts-in-no-calendar")


def test_names_that_nothing_looks_at():
    """Facts and calendars; a fact that only a choice goes by is looked at, and a host may keep rotas for others."""
    facts = (F.flag("down"), F.choice("size", ("small", "large")), F.choice("team", ("a", "b")))
    calendars = {**desk().calendars, "spare": desk().calendars["office"]}
    owner = Pick(by="team", values={"a": "ana"}, otherwise="bo")
    more = {key: {"work": WORK, "owner": owner} for key in ("l1", "l2", "l3")}
    policy = ladder(facts=facts, calendars=calendars, rotas={"ana": Rota(), "cy": Rota()}, levels=levels(**more))
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
    rule = Rule(name="r", when=when_, then=A.SetPriority(to=then) if then else A.Flag("look"))
    found = check(ladder(rule, targets=(Target.resolution(within),))).of("unused-priority")
    assert [one.message.split("never `")[1].split("`")[0] for one in found] == left_out


# ---------------------------------------------------------------------------- rotas


def test_an_owner_without_cover_is_found_with_the_instants():
    """From when until when nobody who could own a level is on duty, in the open hours of its track."""
    away = ((when("tue 16:00"), when("thu 10:00")),)
    rotas = {
        "ana": Rota(person="ann", absences=away),
        "bo": Rota(person="ben", absences=((when("tue 09:00"), when("wed 11:00")),)),
    }
    more: Any = {"l2": {"owner": "ana", "alternates": ("bo",), "nobody": "hold", "work": WORK}}
    policy = ladder(levels=levels(l1={"work": WORK}, l3={"work": WORK}, **more))
    during = (when("mon 00:00"), when("fri 00:00"))
    (found,) = check(policy, rotas=rotas, during=during).findings
    assert (found.code, found.path) == ("no-cover", "levels[l2].owner")
    assert found.instants == ((when("tue 16:00"), when("tue 17:00")), (when("wed 09:00"), when("wed 11:00")))
    assert "and 1 more times; cases are held back until somebody is" in found.message
    with pytest.raises(InvalidValue, match=r"during: rotas without a time to look at them, expected \(from, until\)"):
        check(policy, rotas=rotas)
    with pytest.raises(InvalidValue, match=r"rotas\[anna\]: unknown role `anna`, expected .*; did you mean `ana`"):
        check(policy, rotas={"anna": Rota()}, during=during)
    assert check(policy.with_rotas(rotas)).findings == ()
    assert check(policy.with_rotas(rotas), during=during).of("no-cover") == (found,)
    assert check(policy, rotas=rotas, during=(when("wed 12:00"), when("fri 00:00"))).findings == ()


def test_each_owner_that_a_choice_may_come_to_needs_cover():
    """One of them being there does not help the cases of the other."""
    owner = Pick(by="priority", values={"urgent": "ana"}, otherwise="bo")
    more = {key: {"work": WORK} for key in ("l1", "l3")}
    policy = ladder(levels=levels(l2={"owner": owner, "work": WORK}, **more))
    during = (when("mon 09:00"), when("mon 12:00"))
    there, gone = Rota(person="ann"), Rota()
    assert check(policy, rotas={"ana": there, "bo": there}, during=during).findings == ()
    (found,) = check(policy, rotas={"ana": gone, "bo": there}, during=during).findings
    assert found.instants == (during,)
    assert "cases that go there then have no owner" in found.message
    assert check(policy, rotas={"ana": gone}, during=during).of("no-cover")
    assert not check(policy, rotas={"bo": there}, during=during).of("no-cover")


def test_without_a_calendar_every_hour_needs_cover():
    """A policy that keeps no hours is always at work."""
    policy = ladder(
        levels=levels(**{key: {"work": WORK, "owner": "ana"} for key in ("l1", "l2", "l3")}),
        calendars={},
        calendar=None,
    )
    night = Rota(person="ann", absences=((when("mon 17:00"), when("tue 09:00")),))
    found = check(policy, rotas={"ana": night}, during=(when("mon 00:00"), when("wed 00:00"))).findings
    assert [one.instants for one in found] == [((when("mon 17:00"), when("tue 09:00")),)] * 3


NOT_PERIODS: dict[str, tuple[Any, str]] = {
    "naive": ((when("mon 09:00").replace(tzinfo=None), when("tue 09:00")), "during: naive datetime"),
    "one end": ((when("mon 09:00"),), "during: not a period"),
    "an instant": (when("mon 09:00"), "during: not a period"),
    "backwards": ((when("tue 09:00"), when("mon 09:00")), "during: a period that ends before it begins"),
}


@pytest.mark.parametrize("given", NOT_PERIODS.values(), ids=NOT_PERIODS)
def test_a_period_is_two_aware_datetimes_whether_or_not_a_rota_is_looked_at(given):
    """A slip is refused where it is made, and not only once there is somebody whose shifts are looked up."""
    during, message = given
    with pytest.raises(InvalidValue, match=message):
        check(ladder(), during=during)


def test_rotas_are_of_roles_that_the_policy_has():
    """A rota of another role would never be looked at."""
    with pytest.raises(InvalidValue, match=r"unknown role `anna`, expected one of .*; did you mean `ana`"):
        check(ladder(roles=("ana",)), rotas={"anna": Rota()})


# ---------------------------------------------------------------------------- budget and report


def test_what_does_not_fit_the_budget_is_listed_and_nothing_is_said_of_it():
    """A number of steps, never a clock."""
    policy = BROKEN["two thresholds that exclude one another"][0]
    report = check(policy, budget=1)
    assert not report.of("dead-rule")
    assert "rules[mixed up].when is dead" in {
        one.replace("rules[mixed up] is", "rules[mixed up].when is") for one in report.unfinished
    }
    assert "not finished within the budget: " in str(report)


def test_a_report_tells_the_gravest_first_and_how_many():
    """Errors, warnings, notes; each with what it says and what might be done."""
    policy = ladder(
        Rule(name="dead", when=(F.replies >= 3) & (F.replies < 2), to="l2"),
        facts=(F.flag("idle"),),
        targets=(Target.resolution(Pick(by="priority", values={"urgent": "9 hours"}, otherwise="8 hours")),),
    )
    report = check(policy)
    assert [one.severity for one in report.findings] == ["error", "warning", "note"]
    assert str(report).startswith("policy desk 1: 1 error, 1 warning, 1 note\nerror dead-rule at rules[dead].when: ")
    assert "\n  seen at Mon 2026-03-02 09:00 on Case(" in str(report)
    assert type(report).model_validate_json(report.model_dump_json()) == report
