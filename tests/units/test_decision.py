"""What a decision tells: its values, its text, and what is still owed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation_rules import (
    BusinessCalendar,
    Checklist,
    Decision,
    EscalationLevel,
    EscalationRulesError,
    Item,
    Pick,
    Policy,
    Rule,
    Target,
    Track,
    decide,
    settle,
)
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.engine import fold as engine_fold
from escalation_rules.errors import UnknownName
from escalation_rules.worktime import Absence, Rota
from tests.bench import OFFICE, after, desk, levels, opened, when

GUARD = Checklist.of(
    Item("impact", "Is the impact known?"), Item("workaround", answers=("none", "good"), blocked_by=("good",))
)


def rich():
    """A policy and a case in which everything happens."""
    policy = desk(
        Rule(key="failed", when=F.level_failed, to="next", then=A.Notify("boss", message="failed")),
        Rule(key="asked", when=F.escalation_request_open, to="l3"),
        Rule(key="big", when=(F.count("seats") >= 50) & (F.open_for >= "40 business hours"), to="l3"),
        levels=levels(
            l2={
                "owner": "csm",
                "alternates": "lead",
                "work": Checklist.of(reviewed="Reviewed"),
                "de_escalation": GUARD,
                "min_stay": "1 business day",
            },
            l3={
                "owner": "vp",
                "entry": Checklist.of(
                    Item("signed", "Signed?"), Item("cheap", answers=("yes", "no"), blocked_by=("yes",))
                ),
            },
        ),
        targets=(
            Target.first_response("1 business hour"),
            Target.next_response("4 business hours"),
            Target.resolution("8 business hours", owner="csm"),
            Target.review("1 business day", key="status", owner="boss", pause_on=()),
        ),
        facts=F.count("seats", minimum=0, maximum=100),
        rotas={"csm": Rota(person="carol", absences=(Absence(start=when("mon 09:00"), end=when("tue 09:00")),))},
    )
    case = opened(
        E.EscalationRequested(at=when("mon 10:30")),
        E.ItemAnswered(at=when("mon 10:30"), item="cheap", answer="yes"),
        E.SupportReplied(at=when("mon 11:00")),
        E.LevelFailed(at=when("mon 12:00")),
        E.WaitStarted(at=when("mon 13:00")),
    )
    return policy, case


def test_explain_answers_why_and_why_not():
    """A page that a support manager accepts."""
    policy, case = rich()
    assert (
        decide(policy, case, at=when("mon 14:00")).explain()
        == """\
C-1 at Mon 2026-03-02 14:00 (Europe/London), policy desk 1
  waiting, on `l2`
moves due:
  to `l2` from `l1`, due Mon 2026-03-02 12:00, owner lead
    nobody was on duty for `csm`: `lead` is the alternate
    because of rule `failed`: could not be resolved at this level (since Mon 2026-03-02 12:00)
held back:
  to `l3`
    wanted by rule `asked`: an escalation was requested and not answered (since Mon 2026-03-02 10:30)
    missing `signed` (Signed?): unanswered
    against: `cheap` is answered `yes`
asked:
  Notify(roles=('boss',), message='failed'), due Mon 2026-03-02 12:00, by rule `failed`
clocks:
  `status`: pending, due Tue 2026-03-03 17:00, owed by boss
  `resolution`: paused, owed by csm
  `first_response`: breached, due Mon 2026-03-02 10:00
owed:
  lead owes `reviewed` (Reviewed)
  boss owes `status`, due Tue 2026-03-03 17:00
  csm owes `resolution`, since Mon 2026-03-02 09:00
  `escalation` (an escalation nobody has answered), since Mon 2026-03-02 10:30
to go down:
  from `l2`
    missing `impact` (Is the impact known?): unanswered
    missing `workaround`: unanswered
    not before Tue 2026-03-03 17:00
why not:
  `big`, to `l3`
    unknown: seats is 50 or more
    not yet: open for 40 business hours (from Fri 2026-03-06 17:00)
this answer changes by itself at Tue 2026-03-03 17:00"""
    )


def test_explain_says_why_a_rule_that_holds_moves_nobody():
    """Ended, outside, there already, nothing new at this level, nothing new since it went down."""
    policy = desk(
        Rule(key="asked", when=F.escalation_request_open, to="l2"),
        Rule(key="failed", when=F.level_failed & F.escalation_request_open | F.acknowledged, to="next"),
        levels=(*levels(), EscalationLevel(key="outside", external=True)),
    )
    case = opened(E.Acknowledged(at=when("mon 10:00")), E.EscalationRequested(at=when("mon 10:00")))
    up = case.record(E.Escalated(at=when("mon 11:00"), to="l3"))
    told = {
        "on `l2` or above already": up,
        "nothing new has happened since the case came to this level": up,
        "nothing new has happened since the case went down": up.record(E.DeEscalated(at=when("mon 11:30"), to="l1")),
        "a case that is resolved is not moved": up.record(E.Resolved(at=when("mon 11:30"))),
        "a case outside the process is not moved": up.record(E.Escalated(at=when("mon 11:30"), to="outside")),
    }
    for text, known in told.items():
        assert text in decide(policy, known, at=when("mon 12:00")).explain()


def test_a_decision_read_back_explains_what_it_holds():
    """All but the why-not, for which it would need its case."""
    policy, case = rich()
    decision = decide(policy, case, at=when("mon 14:00"))
    again = Decision.model_validate_json(decision.model_dump_json())
    assert again == decision
    start, why_not = decision.explain().split("why not:")
    assert again.explain().startswith(start)
    assert "why not:" not in again.explain()
    assert why_not


def test_explain_tells_a_move_whose_reasons_are_gone_and_one_that_waits():
    """Answered meanwhile; and nobody on duty, with or without an end in sight."""
    unanswered = Rule(key="unanswered", when=F.unanswered_for >= "1 hour", to="l2")
    case = opened(E.SupportReplied(at=when("mon 11:00")))
    assert "what made it due no longer holds" in decide(desk(unanswered), case, at=when("mon 12:00")).explain()
    held = levels(l2={"owner": "csm", "if_nobody": "hold"})
    away = Rota(person="carol", absences=((when("mon 09:00"), when("tue 09:00")),))
    policy = desk(unanswered, levels=held, rotas={"csm": away})
    assert "nobody is on duty until Tue 2026-03-03 09:00" in decide(policy, opened(), at=when("mon 12:00")).explain()
    never = desk(unanswered, levels=held, rotas={"csm": Rota()})
    assert "    nobody is on duty" in decide(never, opened(), at=when("mon 12:00")).explain()
    waits = desk(unanswered, levels=levels(l2={"owner": "csm"}), rotas={"csm": away})
    text = decide(waits, opened(), at=when("tue 12:00")).explain()
    assert "owner csm (carol)" in text
    assert "the case waits there for `csm`" in text


def test_explain_tells_tracks_apart_and_free_exits_and_changes():
    """Two tracks; nothing keeps the case; a breach by a change; on which level a clock runs."""
    tracks = (
        Track(key="f", levels=(EscalationLevel(key="f1"),)),
        Track(
            key="h",
            levels=(EscalationLevel(key="h1", targets=Target.review("4 business hours", when=F.priority >= "high")),),
        ),
    )
    case = opened(
        E.Escalated(at=when("mon 09:00"), to="h1"), E.PriorityChanged(at=when("mon 15:00"), to="high"), priority="low"
    )
    text = decide(desk(tracks=tracks), case, at=when("tue 09:00")).explain()
    assert "on `f1` (f), on `h1` (h)" in text
    assert "nothing keeps the case on `h1`" in text
    assert "`review` on `h1`: breached by a change, due Mon 2026-03-02 15:00" in text


def test_explain_says_unknown_of_what_is_not_known():
    """Rule 31: no priority, no channel, no running clock; and where a rule looks only at certain levels."""
    policy = desk(
        Rule(key="urgent", when=F.priority >= "high", at_level="l1", to="l2"),
        Rule(key="by phone", when=F.channel == "phone", at_level=("l2", "l3"), to="l3"),
        Rule(key="soon due", when=F.remaining("resolution") < "1 hour", to="l3"),
        targets=Target.resolution("4 business hours"),
    )
    case = opened(E.WaitStarted(at=when("mon 10:00"), on="customer"))
    text = decide(policy, case, at=when("mon 11:00")).explain()
    assert "yes: stands on `l1`" in text
    assert "no: stands on `l2` or `l3`" in text
    assert text.count("unknown: ") == 3, text
    known = opened(priority="low", channel="email")
    assert "unknown" not in decide(policy, known, at=when("mon 11:00")).explain()


def test_explain_says_nothing_of_levels_on_a_track_the_case_does_not_stand_on():
    """Rule 20: on the second track the case stands nowhere until it is moved there."""
    tracks = (
        Track(key="f", levels=(EscalationLevel(key="f1"),)),
        Track(
            key="h", levels=(EscalationLevel(key="h1", de_escalation=Checklist.of(done="Done?"), min_stay="1 hour"),)
        ),
    )
    text = decide(desk(tracks=tracks), opened(), at=when("mon 10:00")).explain()
    assert "on `f1` (f)" in text
    assert "h1" not in text
    stays = decide(desk(tracks=tracks), opened(E.Escalated(at=when("mon 09:30"), to="h1")), at=when("mon 10:00"))
    assert "not before Mon 2026-03-02 10:30" in stays.explain()
    assert (
        "not before"
        not in decide(
            desk(tracks=tracks), opened(E.Escalated(at=when("mon 09:30"), to="h1")), at=when("mon 11:00")
        ).explain()
    )


def test_deadlines_come_soonest_first_and_a_paused_one_last():
    """Every clock that runs, and every one that is paused."""
    policy, case = rich()
    decision = decide(policy, case, at=when("mon 14:00"))
    assert [one.target for one in decision.deadlines] == ["status", "resolution"]
    assert [(one.target, one.outcome) for one in decision.stopped_deadlines] == [
        ("first_response", "breached"),
        ("next_response", "not_started"),
    ]


def test_figures_that_run_are_asked_with_an_instant():
    """The answer holds instants only, so that it stays equal."""
    policy, case = rich()
    decision = decide(policy, case, at=when("mon 14:00"))
    resolution, status = decision.deadline("resolution"), decision.deadline("status")
    assert resolution.remaining(when("mon 14:00")) == timedelta(hours=4)
    assert resolution.due_if_resumed(when("mon 14:00")) == when("tue 10:00")
    assert status.due_if_resumed(when("mon 14:00")) == status.due_at
    assert decision.deadline("next_response").remaining(when("mon 14:00")) is None
    assert decision.deadline("next_response").due_if_resumed(when("mon 14:00")) is None
    assert decision.deadline("next_response").segments(when("mon 14:00")) == ()
    assert "at" not in decision.answer


@pytest.mark.parametrize("field", sorted(Decision.model_fields))
def test_each_field_is_told_when_it_is_looked_at(field):
    """In any order, and the same as in the whole."""
    policy, case = rich()
    whole = decide(policy, case, at=when("mon 14:00"))
    assert whole == whole.model_copy()
    alone = decide(policy, case, at=when("mon 14:00"))
    assert getattr(alone, field) == getattr(whole, field)
    assert alone == whole
    assert alone.explain() == whole.explain()


def test_there_is_no_such_field():
    """A decision is a value like any other."""
    policy, case = rich()
    with pytest.raises(AttributeError, match="nothing"):
        decide(policy, case, at=when("mon 14:00")).nothing  # noqa: B018


def test_one_key_to_accept_may_stand_by_itself():
    """A key is a text, not a list of letters; one that is not asked for is refused as one."""
    policy = desk(Rule(key="late", when=F.open_for >= "1 hour", to="l2", then=A.Notify("boss")))
    decision = decide(policy, opened(), at=when("mon 12:00"))
    (key,) = [move.key for move in decision.moves]
    assert decision.accept(at=when("mon 12:00"), only=key) == decision.accept(at=when("mon 12:00"), only=[key])
    with pytest.raises(UnknownName, match="unknown key `move-1`"):
        decision.accept(at=when("mon 12:00"), only="move-1")


def test_equal_policies_have_equal_fingerprints():
    """The order in which the names of calendars, days or choices are written is no part of a policy."""
    night = BusinessCalendar("Europe/London", {"mon": "22:00-06:00", "fri": "22:00-06:00"})
    same = BusinessCalendar("Europe/London", {"fri": "22:00-06:00", "mon": "22:00-06:00"})
    within = {"urgent": "1 hour", "high": "2 hours"}
    one = desk(calendars={"office": OFFICE, "night": night}, targets=Target.update(Pick(by="priority", values=within)))
    turned = Pick(by="priority", values=dict(reversed(within.items())))
    other = desk(calendars={"night": same, "office": OFFICE}, targets=Target.update(turned))
    assert one == other
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint == Policy.model_validate_json(other.model_dump_json()).fingerprint
    assert desk(priorities=("low", "high")).fingerprint != desk(priorities=("high", "low")).fingerprint


def test_the_fingerprint_is_over_all_but_the_rotas():
    """Who is on duty this week does not make another policy."""
    policy, _ = rich()
    assert len(policy.fingerprint) == 64
    assert policy.with_rotas({}).fingerprint == policy.fingerprint
    assert policy.model_copy(update={"version": "2"}).fingerprint != policy.fingerprint
    assert policy.with_rotas({}) != policy


def test_why_not_names_a_no_that_was_said():
    """A move that was declined is not asked again, and the answer says so."""
    policy, case = desk(Rule(key="late", when=F.open_for >= "1 hour", to="l2")), opened()
    move = decide(policy, case, at=when("mon 11:00")).move
    declined = case.record(E.Declined(at=when("mon 11:00"), key=move.key, reason="on holiday"))
    assert "no: this move was declined" in decide(policy, declined, at=when("mon 12:00")).explain()


def test_why_not_names_a_policy_that_is_not_in_force_yet():
    """And from when on it is."""
    policy = desk(Rule(key="late", when=F.open_for >= "1 hour", to="l2"), effective_from=when("mon 15:00"))
    told = decide(policy, opened(), at=when("mon 11:00")).explain()
    assert "not yet: the policy is in force (from Mon 2026-03-02 15:00)" in told


def test_who_took_the_case_owes_its_work_and_its_deadlines():
    """The manager was away when it came; once recorded, the alternate still has it."""
    policy = desk(
        Rule(key="late", when=F.open_for >= "1 hour", to="l2"),
        levels=levels(l2={"owner": "csm", "alternates": "lead", "work": Checklist.of(reviewed="Reviewed")}),
        targets=Target.resolution("8 business hours"),
        rotas={"csm": Rota(person="carol", absences=(Absence(start=when("mon 09:00"), end=when("tue 09:00")),))},
    )
    settled = settle(policy, opened(), at=when("mon 11:00"))
    for decision in (decide(policy, opened(), at=when("mon 11:00")), settled.decision):
        assert {one.role for one in decision.worklist} == {"lead"}
        assert decision.deadline("resolution").owner == "lead"


def test_why_not_has_nothing_against_a_rule_that_only_asks():
    """It holds, goes nowhere, and has been done."""
    policy = desk(Rule(key="tell", when=F.open_for >= "1 hour", then=A.Notify("boss")))
    settled = settle(policy, opened(), at=when("mon 11:00"))
    told = settled.decision.explain()
    assert "`tell`" in told
    assert "no:" not in told


RESOLUTION = Target.resolution(within="8 hours")


def test_deadlines_come_soonest_first():
    """Paused ones, which have no due, come last."""
    targets = (RESOLUTION, Target(key="t", within="20 hours", stop_on=E.Reviewed.like(), pause_on=()))
    found = decide(desk(targets=targets), opened(E.WaitStarted(at=after(1))), at=after(2)).deadlines
    assert [(one.target, one.due_at) for one in found] == [("t", after(20)), ("resolution", None)]


def test_an_unknown_target_is_refused_with_the_nearest_known():
    """As every unknown name."""
    with pytest.raises(EscalationRulesError, match=r"unknown target `resolutoin`.* did you mean `resolution`"):
        decide(desk(targets=(RESOLUTION,)), opened(), at=after(0)).deadline("resolutoin")


ASKED = E.EscalationRequested(at=after(1))
WANTED = Rule(key="asked", when=F.escalation_request_open, to="l2")
FLAGS = {"facts": (F.flag("x"), F.flag("y"))}


def answered(item, hour, answer="yes", **more):
    return E.ItemAnswered(at=after(hour), item=item, answer=answer, **more)


FOUR = Checklist.of(Item(key="way", answers=("none", "good"), blocked_by=("good",), valid_for="2 hours"), q="Right?")
HELD = desk(
    WANTED,
    Rule(key="x", when=F.flag("x"), to="l3"),
    levels=("l1", EscalationLevel(key="l2", entry=FOUR), EscalationLevel(key="l3", entry=Checklist.of(z="Z?"))),
    **FLAGS,
)


def test_the_explanation_answers_why_and_why_not():
    """In words a manager reads."""
    text = decide(HELD, opened(ASKED, answered("way", 1, "good")), at=after(1)).explain()
    assert "missing `q` (Right?)" in text
    assert "`way`" in text
    assert "`x`" in text
    assert "unknown" in text


def test_one_decision_folds_its_case_once(monkeypatch):
    """Rule 27: `wake_at` looks ahead from a copy, so that fields and the explanation share the fold with it."""
    folds = []
    run = engine_fold.run
    monkeypatch.setattr(engine_fold, "run", lambda *given: folds.append(given) or run(*given))
    policy, case = rich()
    decision = decide(policy, case, at=after(9))
    first = decision.explain()
    assert decision.wake_at is not None
    assert decision.moves is not None
    assert decision.explain() == first
    assert len(folds) == 1
