"""`check`: ten policies that are broken in one way each, and sound ones in which it finds nothing."""

from __future__ import annotations

from typing import Any

import pytest

from escalation_rules import Checklist, EscalationLevel, Pick, Policy, Rota, Rule, Target, presets
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import CODES, check
from tests.bench import after, desk, levels, when

WORK = Checklist.of(done="Everything is done")
UP = Rule(key="up", when=F.level_failed, to="next")


def ladder(*rules: Rule, **changes: Any) -> Policy:
    """A desk on whose levels there is always something to do, with a rule that goes up."""
    return desk(UP, *rules, **{"levels": levels(**{key: {"work": WORK} for key in ("l1", "l2", "l3")}), **changes})


BROKEN: dict[str, tuple[Policy, str, str, str]] = {
    "two thresholds that exclude one another": (
        ladder(Rule(key="mixed up", when=(F.replies >= 3) & (F.replies < 2), to="l2")),
        "dead-rule",
        "rules[mixed up].when",
        "the rule `mixed up` can never hold: no case has `replies: 3 or more` together with `replies: fewer than 2`",
    ),
    "a later threshold to the same level": (
        ladder(
            Rule(key="soon", when=F.unanswered_for >= "4 business hours", to="l2"),
            Rule(key="late", when=(F.unanswered_for >= "8 business hours") & (F.priority >= "high"), to="l2"),
        ),
        "redundant-rule",
        "rules[late]",
        (
            "whenever `late` asks for `l2`, `soon` asks for that level or a higher one too, so it moves no case "
            "that nobody has taken down before"
        ),
    ),
    "a level that no rule names": (
        ladder().model_copy(update={"rules": (Rule(key="up", when=F.level_failed, to="l2", at_level="l1"),)}),
        "unreachable-level",
        "levels[l3]",
        "no rule ever takes a case to `l3` from where cases start; only a person can put it there by hand",
    ),
    "a level on which nothing happens any more": (
        desk(
            Rule(key="asked", when=F.escalation_request_open, to="l3", at_level=("l1", "l2")),
            UP.model_copy(update={"at_level": ("l1",)}),
        ),
        "gap",
        "levels[l3]",
        "a case on `l3` can wait there for ever: no rule holds there and no target runs",
    ),
    "next on what is settled at the opening": (
        ladder(Rule(key="by phone", when=F.channel == "phone", to="next")),
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
        ladder(
            Rule(key="huge", when=F.count("seats") >= 500, to="l2"), facts=(F.count("seats", minimum=0, maximum=100),)
        ),
        "outside-its-domain",
        "rules[huge].when.seats",
        "`seats is 500 or more` compares with a value outside its domain, 0 to 100",
    ),
    "a rule that lowers the outcome": (
        ladder(
            Rule(key="first", when=F.open_for >= "3 hours", to="l2"),
            Rule(key="second", when=F.at_level_for >= "4 hours", to="l3"),
        ),
        "lowers-the-outcome",
        "rules[first]",
        (
            "with the rule `first` a case ends up lower than without it: it moves the case early, and `second`, which "
            "would have taken it higher, then no longer holds"
        ),
    ),
    "a target that only internal notes stop": (
        ladder(targets=(Target(key="answer", within="1 day", stop_on=E.SupportReplied.like(public=False)),)),
        "target-never-stops",
        "targets[0].stop_on",
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
    assert found[0].fix in str(check(policy))


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
        Rule(key="dead", when=(F.replies >= 3) & (F.replies < 2), to="l2"),
        facts=(F.flag("idle"),),
        targets=(Target.resolution(Pick(by="priority", values={"urgent": "9 hours"}, otherwise="8 hours")),),
    )
    report = check(policy)
    assert [one.severity for one in report.findings] == ["error", "warning", "note"]
    assert str(report).startswith("policy desk 1: 1 error, 1 warning, 1 note\nerror dead-rule at rules[dead].when: ")
    assert "\n  seen at Mon 2026-03-02 09:00 on Case(" in str(report)
    assert type(report).model_validate_json(report.model_dump_json()) == report


LONG = Rule(key="long", when=F.open_for >= "4 hours", to="l2")


@pytest.mark.parametrize("name", presets.__all__)
def test_check_finds_nothing_in_a_preset(name):
    """VC7."""
    assert check(getattr(presets, name)()).findings == ()


def test_check_names_what_is_broken():
    """A dead rule, a redundant one, a rung nobody reaches, a gap in a rota with its instants."""
    clock = (Target.resolution(within="8 hours"),)
    dead = Rule(key="dead", when=(F.priority >= "high") & (F.priority < "normal"), to="l2")
    again = Rule(key="again", when=F.open_for >= "5 hours", to="l2")
    found = {(one.code, one.path) for one in check(desk(LONG, dead, again, targets=clock)).findings}
    assert {
        ("dead-rule", "rules[dead].when"),
        ("redundant-rule", "rules[again]"),
        ("unreachable-level", "levels[l3]"),
    } <= found
    owned = desk(LONG, levels=("l1", EscalationLevel(key="l2", owner="y")), targets=clock)
    rota = Rota(person="c", absences=((after(5), after(8)),))
    assert [one.instants for one in check(owned, rotas={"y": rota}, during=(after(0), after(24))).findings] == [
        ((after(5), after(8)),)
    ]
