"""Policies: priorities as text, named checklists, the calendar always, de-escalation of all levels, fingerprints."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation_rules import BusinessCalendar, Checklist, EscalationLevel, Item, Policy, Rule, Target, Track, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import Misuse
from escalation_rules.policy import ALWAYS
from tests.bench import OFFICE, desk, levels, opened, refusal, when

HANDOVER = Checklist.of(steps="Steps to reproduce", impact="Business impact")
CONSENT = Item("consent", "The customer agrees", needs_evidence=True)


@pytest.mark.parametrize("text", ["P1 > P2 > P3", "P3 < P2 < P1", " P1>P2 > P3 "])
def test_priorities_may_be_a_text(text):
    """In either direction; they are kept lowest first."""
    assert desk(priorities=text).priorities == ("P3", "P2", "P1")
    assert desk(priorities="P1").priorities == ("P1",)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: desk(priorities="P1 > P2 < P3"), "priorities in both directions `P1 > P2 < P3`"),
        (lambda: desk(priorities="P1 > > P3"), "a priority without a name"),
        (lambda: desk(priorities=("low", "otherwise")), "priorities: reserved name for a priority `otherwise`"),
        (lambda: desk(calendars={"always": OFFICE}, calendar=None), "calendars: reserved name for a calendar `always`"),
        (
            lambda: desk(levels=levels(l2={"entry": "handovr"}), checklists={"handover": HANDOVER}),
            "levels[l2].entry: unknown checklist `handovr`",
        ),
        (lambda: desk(de_escalation="consent"), "de_escalation: unknown checklist `consent`"),
        (
            lambda: desk(tracks=(Track("t", levels=levels(), de_escalation="x"),)),
            "tracks[t].de_escalation: unknown checklist `x`",
        ),
    ],
)
def test_a_policy_that_cannot_be_is_refused(make, text):
    """Rule 29: with the path and the names that are known."""
    assert text in refusal(make)


def test_checklists_are_named_and_used_by_name():
    """A level may name a checklist of the policy, and has its items then."""
    policy = desk(levels=levels(l2={"entry": "handover"}, l3={"work": "handover"}), checklists={"handover": HANDOVER})
    assert policy.level("l2").entry.keys == ("steps", "impact")
    assert policy.level("l2").entry.name == "handover"
    assert policy.level("l3").work == policy.level("l2").entry
    assert Policy.model_validate_json(policy.model_dump_json()) == policy
    asked = desk(
        Rule("asked", when=F.escalation_request_open, to="l2"),
        levels=levels(l2={"entry": "handover"}),
        checklists={"handover": [{"key": "steps", "text": "Steps"}]},
    )
    decision = decide(asked, opened(E.EscalationRequested(at=when("mon 10:00"))), at=when("mon 10:00"))
    assert [item.key for item in decision.blocked[0].missing] == ["steps"]


def test_the_calendar_always_is_built_in():
    """Open all the time, in the zone of the usual calendar; a policy may declare its own."""
    policy = desk(targets=Target.resolution("10 business hours", calendar=ALWAYS))
    assert decide(policy, opened(), at=when("mon 10:00")).deadline("resolution").due_at == when("mon 19:00")
    assert policy.all_calendars[ALWAYS].timezone == "Europe/London"
    assert desk(calendars={}, calendar=None).all_calendars[ALWAYS].timezone == "UTC"
    own = {"always": BusinessCalendar.always("Asia/Tokyo"), "office": OFFICE}
    assert desk(calendars=own).all_calendars[ALWAYS].timezone == "Asia/Tokyo"


def test_de_escalation_asks_the_items_of_level_track_and_policy():
    """Rule 25: all three, each key once."""
    calm = Item("calm", "It is calm")
    tracks = (Track("main", levels=levels(l2={"de_escalation": Checklist.of(done="Done")}), de_escalation=calm),)
    policy = desk(tracks=tracks, de_escalation=CONSENT)
    case = opened(E.Escalated(at=when("mon 10:00"), to="l2"))
    missing = decide(policy, case, at=when("mon 11:00")).de_escalation["main"].missing
    assert [item.key for item in missing] == ["done", "calm", "consent"]
    case = case.record(
        *(E.ItemAnswered(at=when("mon 12:00"), item=key, evidence="mail") for key in ("done", "calm", "consent"))
    )
    assert decide(policy, case, at=when("mon 12:00")).de_escalation["main"].is_open


def test_de_escalation_of_the_policy_is_asked_on_every_level():
    """Rule 25: it is written once, and each level has it."""
    policy = desk(de_escalation=CONSENT)
    assert [level.de_escalation.keys for level in policy.all_levels] == [("consent",)] * 3
    assert [level.de_escalation for level in policy.levels] == [None] * 3


def test_a_fingerprint_does_not_depend_on_the_order_of_what_has_none():
    """Rules, targets with different keys, facts and roles; the order of levels and of targets with one key counts."""
    rules = tuple(Rule(key, when=F.flag(key), to="l2") for key in ("a", "b"))
    targets = (
        Target.resolution("8 hours", when=F.flag("a")),
        Target.resolution("4 hours"),
        Target.first_response("1 hour"),
    )
    facts = (F.flag("a"), F.flag("b"))
    policy = desk(*rules, targets=targets, facts=facts)
    same = desk(*reversed(rules), targets=(targets[2], *targets[:2]), facts=facts[::-1])
    assert same.fingerprint == policy.fingerprint
    assert desk(*rules, targets=(targets[1], targets[0], targets[2]), facts=facts).fingerprint != policy.fingerprint
    assert policy.model_copy(update={"levels": policy.levels[::-1]}).fingerprint != policy.fingerprint


def test_positions_say_where_since_when_and_why():
    """Rule 18: a move that is due counts, and is not on record yet."""
    policy = desk(Rule("long", when=F.open_for >= "1 hour", to="l2"), levels=levels(l2={"owner": "boss"}))
    before, after = (decide(policy, opened(), at=when(at)) for at in ("mon 09:30", "mon 12:00"))
    assert before.positions["main"].model_dump(exclude={"reasons"}) == {
        "level": "l1",
        "since": when("mon 09:00"),
        "owner": None,
        "rules": (),
        "recorded": True,
    }
    position = after.positions["main"]
    assert (position.level, position.since, position.owner) == ("l2", when("mon 10:00"), "boss")
    assert (position.rules, position.recorded, position.reasons[0].rule) == (("long",), False, "long")
    accepted = opened().record(*after.accept(at=when("mon 12:00"), by="desk"))
    recorded = decide(policy, accepted, at=when("mon 12:00")).positions["main"]
    assert (recorded.rules, recorded.recorded, recorded.since) == (("long",), True, when("mon 10:00"))


def test_the_move_of_several_tracks_is_a_misuse():
    """With one track it is the last that is due; with several `.moves` has them."""
    tracks = (
        Track("a", levels=(EscalationLevel("a1"), EscalationLevel("a2"))),
        Track("b", levels=EscalationLevel("b1")),
    )
    decision = decide(desk(tracks=tracks), opened(), at=when("mon 10:00"))
    with pytest.raises(Misuse, match=r"`\.move` of a policy with several tracks \(`a`, `b`\)"):
        _ = decision.move


def test_decisions_agree_until_the_next_change():
    """Rule 27: up to `wake_at` two decisions agree, at it they do not."""
    policy = desk(Rule("long", when=F.open_for >= "1 hour", to="l2"))
    first = decide(policy, opened(), at=when("mon 09:00"))
    assert first.agrees_with(decide(policy, opened(), at=first.wake_at - timedelta(microseconds=1)))
    assert not first.agrees_with(decide(policy, opened(), at=first.wake_at))


def test_the_worklist_has_the_case_and_its_priority():
    """One type for the work of a decision and of a role over all cases."""
    policy = desk(targets=Target.resolution("1 business hour"), levels=levels(l1={"owner": "ann"}))
    (work,) = decide(policy, opened(priority="high"), at=when("mon 09:30")).worklist
    assert (work.case, work.kind, work.what, work.priority, work.role) == (
        "C-1",
        "deadline",
        "resolution",
        "high",
        "ann",
    )
    assert (work.is_overdue(when("mon 10:00")), work.is_overdue(when("mon 10:30")), work.item) == (False, True, None)


def test_comparisons_of_a_reason_have_the_fact_and_the_constant():
    """Rule 31: the sentence, and the parts it is made of."""
    policy = desk(Rule("long", when=F.at_level_for("main") >= "1 hour", then=A.Tag("x")), calendar="office")
    decision = decide(policy, opened(), at=when("mon 09:30"))
    assert "not yet: at this level for 1 hour" in decision.explain()
    reason = decision._source.why_not()[0]
    one = reason.because[0]
    assert (one.fact, one.of, one.op, one.value, one.holds) == ("at_level_for", "main", ">=", "1 hour", False)
    assert one.changes_at == when("mon 10:00")
