"""Levels nobody reaches, checklists nobody can satisfy, gaps, and owners without cover."""

from __future__ import annotations

from typing import Any

import pytest

from escalation_rules import Checklist, EscalationLevel, Item, Pick, Policy, Rota, Rule, Target
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import check
from escalation_rules.errors import InvalidValue
from tests.bench import desk, levels, when

WORK = Checklist.of(done="Everything is done")
UP = Rule(key="up", when=F.level_failed, to="next")


def ladder(*rules: Rule, **changes: Any) -> Policy:
    """A desk on whose levels there is always something to do, with a rule that goes up."""
    return desk(UP, *rules, **{"levels": levels(**{key: {"work": WORK} for key in ("l1", "l2", "l3")}), **changes})


def codes(policy: Policy, **more: Any) -> list[tuple[str, str]]:
    """What is found, by code and path."""
    return [(one.code, one.path) for one in check(policy, **more).findings]


def test_a_level_whose_entry_brings_about_its_leaving_is_climbed_in_one_breath():
    """An action on entry that is itself the evidence of the rule to the next level."""
    on_entry = {key: {"work": WORK, "on_entry": A.Assign(role=key)} for key in ("l1", "l2", "l3")}
    rule = Rule(key="assigned", when=F.happened(E.Assigned.like()), to="next")
    found = check(desk(rule, levels=levels(**on_entry))).of("climbs-at-one-instant")
    assert [one.path for one in found] == ["rules[assigned]"]
    moves = found[0].witness.decide(desk(rule, levels=levels(**on_entry))).moves
    assert len({move.due_at for move in moves}) == 1 < len(moves)


WITHOUT_ANSWER = ("entry-cannot-be-met", "de-escalation-cannot-be-met")


def test_checklists_that_no_answer_satisfies():
    """Every answer argues against going in, or against going down; a waiver opens the way in."""
    hopeless = Item("ok", answers=("yes", "no"), blocked_by=("yes", "no"))
    changes = {
        "l2": {"entry": hopeless, "work": WORK},
        "l3": {"de_escalation": hopeless, "work": WORK},
        "l1": {"work": WORK},
    }
    assert codes(ladder(levels=levels(**changes))) == [
        ("entry-cannot-be-met", "levels[l2].entry"),
        ("de-escalation-cannot-be-met", "levels[l3].de_escalation"),
        ("unreachable-level", "levels[l2]"),
        ("unreachable-level", "levels[l3]"),
    ]
    policy = ladder(levels=levels(**changes))
    entry, leaving = (check(policy).of(code)[0].witness.decide(policy) for code in WITHOUT_ANSWER)
    assert [(one.move.to, one.missing[0].key) for one in entry.blocked] == [("l2", "ok")]
    assert [(one.level, one.missing[0].key) for one in leaving.de_escalation.values()] == [("l3", "ok")]
    waived = UP.model_copy(update={"checklist": "waived"})
    assert codes(desk(waived, levels=levels(**changes))) == [
        ("de-escalation-cannot-be-met", "levels[l3].de_escalation")
    ]


def test_a_level_reached_while_its_neighbour_is_away_is_reached():
    """An owner who is passed over lets a case on to the next level, which is then within reach."""
    changes: Any = {
        "l1": {"work": WORK},
        "l2": {"owner": "ana", "if_nobody": "skip", "work": WORK},
        "l3": {"work": WORK},
    }
    once = Rule(key="once", when=F.level_failed, to="l2", at_level="l1")
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
    assert found.witness.case.priority(at=found.witness.at) == "low"


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
    asked = Rule(key="asked", when=F.escalation_request_open, then=A.Notify("ana"))
    assert codes(desk(asked, UP)) == []
    ended = Target.post_mortem("5 days")
    assert ("gap", "levels[l3]") in codes(desk(UP, targets=(ended,)))
    assert ("gap", "levels[l3]") not in codes(desk(UP, targets=(Target.next_response("1 day"),)))
    external = (*levels()[:2], EscalationLevel(key="l3", external=True))
    assert codes(desk(UP, levels=external)) == []


def test_an_owner_without_cover_is_found_with_the_instants():
    """From when until when nobody who could own a level is on duty, in the open hours of its track."""
    away = ((when("tue 16:00"), when("thu 10:00")),)
    rotas = {
        "ana": Rota(person="ann", absences=away),
        "bo": Rota(person="ben", absences=((when("tue 09:00"), when("wed 11:00")),)),
    }
    more: Any = {"l2": {"owner": "ana", "alternates": ("bo",), "if_nobody": "hold", "work": WORK}}
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
