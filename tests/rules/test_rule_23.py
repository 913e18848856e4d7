"""Rule 23: keys."""

from __future__ import annotations

import pytest

from escalation_rules import Case, Checklist, EscalationLevel, Pick, Rule, Target, decide, settle
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.worktime import Layer, Rota
from tests.bench import accepted, after, desk, levels, moves, opened, when

ASKED = E.EscalationRequested(at=after(1))
LATER = (
    Rule(key="long", when=F.open_for >= "4 hours", to="l2"),
    Rule(key="longer", when=F.at_level_for >= "2 hours", to="l3", at_level="l2"),
)
NOTICE = A.Notify(roles=("boss",))
LONG = Rule(key="long", when=F.open_for >= "2 hours", to="l2")
BOSS = Pick(by="priority", values={"high": "boss"})


def test_keys_are_stable_across_versions_and_lateness():
    """Rule 23: another case has other keys."""
    one, two = desk(*LATER), desk(*LATER, version="2")
    assert [m.key for m in decide(one, opened(priority="normal"), at=after(9)).moves] == [
        m.key for m in decide(two, opened(priority="normal"), at=after(99)).moves
    ]
    other = Case.open("C-2", at=after(0), priority="normal")
    assert decide(one, other, at=after(9)).move.key != decide(one, opened(priority="normal"), at=after(9)).move.key


def test_an_action_is_asked_once_an_occurrence_even_if_the_move_is_held():
    """Rule 23: it is asked once for this request and again for the next."""
    rule = Rule(key="r", when=F.escalation_request_open, to="l2", then=(NOTICE,))
    policy = desk(rule, levels=("l1", EscalationLevel(key="l2", entry=Checklist.of(q="Q?"))))
    decision = decide(policy, opened(ASKED), at=after(1))
    assert (decision.moves, [one.action for one in decision.actions]) == ((), [NOTICE])
    case = accepted(policy, opened(ASKED), after(1))
    assert decide(policy, case, at=after(99)).actions == ()
    again = case.record(E.EscalationRequestAnswered(at=after(2)), E.EscalationRequested(at=after(3)))
    assert len(decide(policy, again, at=after(3)).actions) == 1


def test_set_priority_never_lowers_and_moves_at_once():
    """Rule 23: the other rules see the raised priority at the same instant."""
    raised = Rule(key="raise", when=F.open_for >= "1 hour", then=(A.RaisePriority(to="high"),))
    policy = desk(raised, Rule(key="m", when=F.priority >= "high", to="l2"))
    assert moves(policy, opened(priority="normal"), after(5)) == [("l2", after(1))]
    assert decide(policy, opened(priority="urgent"), at=after(5)).actions == ()
    (event, _) = decide(policy, opened(priority="normal"), at=after(5)).accept(at=after(5))
    assert (event.type, event.to, event.at) == ("PriorityChanged", "high", after(1))


def test_an_action_fires_once_per_occurrence():
    """Rule 23: each request alerts once, and deciding again does not."""
    policy = desk(Rule(key="alert", when=F.happened(E.EscalationRequested.like()), then=A.Notify("boss")))
    case = opened(E.EscalationRequested(at=when("mon 10:00")), E.EscalationRequested(at=when("mon 11:00")))
    actions = decide(policy, case, at=when("mon 12:00")).actions
    assert [(one.kind, one.due_at, one.rule) for one in actions] == [
        ("notify", when("mon 10:00"), "alert"),
        ("notify", when("mon 11:00"), "alert"),
    ]
    done = case.record(*decide(policy, case, at=when("mon 12:00")).accept(at=when("mon 12:00")))
    assert decide(policy, done, at=when("mon 13:00")).actions == ()


def test_a_recorded_action_settles_earlier_occurrences_of_itself():
    """Rule 23: once the later alert was sent the earlier one is not asked for."""
    policy = desk(Rule(key="alert", when=F.happened(E.EscalationRequested.like()), then=A.Notify("boss")))
    case = opened(E.EscalationRequested(at=when("mon 10:00")), E.EscalationRequested(at=when("mon 11:00")))
    decision = decide(policy, case, at=when("mon 12:00"))
    done = case.record(*decision.accept(at=when("mon 12:00"), only=[decision.actions[1].key]))
    assert decide(policy, done, at=when("mon 12:00")).actions == ()


def test_actions_fire_even_if_the_move_is_blocked_or_outranked():
    """Rule 23: the checklist holds back the move and not the notice."""
    policy = desk(
        Rule(key="asked", when=F.escalation_request_open, to="l2", then=A.Notify("boss")),
        levels=levels(l2={"entry": Checklist.of(impact="Impact known?")}),
    )
    decision = decide(policy, opened(E.EscalationRequested(at=when("mon 10:00"))), at=when("mon 10:00"))
    assert (len(decision.blocked), len(decision.actions), decision.moves) == (1, 1, ())


def test_entry_to_a_level_fires_its_actions_the_opening_included():
    """Rule 23: a case that comes down to a level enters it again."""
    policy = desk(levels=levels(l1={"on_entry": A.Notify("desk")}))
    case = opened(E.Escalated(at=when("mon 10:00"), to="l2"), E.DeEscalated(at=when("mon 11:00"), to="l1"))
    seen = [(one.level, one.due_at) for one in decide(policy, case, at=when("mon 12:00")).actions]
    assert seen == [("l1", when("mon 09:00")), ("l1", when("mon 11:00"))]


def test_accepting_gives_each_action_its_event():
    """Rule 23: that is `PriorityChanged`, `Assigned` or else `ActionTaken`, with the roles picked."""
    then = (
        A.RaisePriority("high"),
        A.Assign(Pick(by="priority", values={"low": "junior"}, otherwise="senior"), as_role="contact"),
        A.Redirect(("phone",)),
    )
    policy = desk(Rule(key="r", when=F.acknowledged, then=then))
    case = opened(E.Acknowledged(at=when("mon 10:00")), priority="low")
    events = decide(policy, case, at=when("mon 11:00")).accept(at=when("mon 11:00"))
    assert [event.type for event in events] == ["PriorityChanged", "Assigned", "ActionTaken"]
    assert (events[0].to, events[1].as_role, events[1].group, events[2].action) == (
        "high",
        "contact",
        "senior",
        "redirect",
    )


def test_set_priority_never_lowers_and_the_highest_asked_for_wins():
    """Rule 23: the order of the rules in the policy does not matter."""
    policy = desk(
        Rule(key="a", when=F.flag("down").as_condition(), then=A.RaisePriority("high")),
        Rule(key="b", when=F.flag("down").as_condition(), then=A.RaisePriority("urgent")),
        Rule(key="c", when=F.flag("down").as_condition(), then=A.RaisePriority("low")),
        facts=F.flag("down"),
    )
    decision = decide(policy, opened(priority="normal", facts={"down": True}), at=when("mon 10:00"))
    assert [one.action for one in decision.actions] == [A.RaisePriority("urgent")]
    assert decide(policy, opened(priority="urgent", facts={"down": True}), at=when("mon 10:00")).actions == ()


def test_two_rules_that_raise_by_one_at_one_instant_raise_by_one_before_and_after_acceptance():
    """Rule 23: an accepted rise takes effect where the rules ask for it."""
    policy = desk(
        Rule(key="a", when=F.acknowledged, then=A.RaisePriority("next")),
        Rule(key="b", when=F.acknowledged, then=A.RaisePriority("next")),
    )
    case = opened(E.Acknowledged(at=when("mon 10:00")), priority="low")
    settled = settle(policy, case, at=when("mon 11:00"))
    assert [event.to for event in settled.events] == ["normal"]


def test_an_assignment_names_who_is_on_duty_when_it_is_due():
    """Rule 23: asked on Wednesday, it names who was on duty on Monday."""
    policy = desk(
        Rule(key="r", when=F.acknowledged, then=A.Assign("boss")),
        rotas={"boss": Rota(layers=(Layer(members=("ann", "ben"), start=when("mon 09:00"), turn="1 day"),))},
    )
    decision = decide(policy, opened(E.Acknowledged(at=when("mon 10:00"))), at=when("wed 10:00"))
    assert [one.person for one in decision.actions] == ["ann"]


def test_keys_do_not_depend_on_the_version_of_the_policy():
    """Rule 23: a new version does not ask for everything again."""
    first, second = desk(LONG), desk(LONG, version="2", targets=Target.resolution("1 day"))
    assert (
        decide(first, opened(), at=when("mon 12:00")).move.key
        == decide(second, opened(), at=when("tue 12:00")).move.key
    )
    assert first.fingerprint != second.fingerprint


def test_an_action_for_nobody_is_not_asked():
    """Rule 23: with a low priority the pick gives no role to tell, ask, assign or call."""
    actions = (
        A.Notify(BOSS),
        A.Ask(BOSS, item="impact"),
        A.Assign(BOSS),
        A.Convene(kind="call", roles=BOSS),
        A.Redirect(BOSS),
    )
    policy = desk(Rule(key="late", when=F.open_for >= "1 hour", then=actions))
    assert decide(policy, opened(priority="low"), at=when("mon 11:00")).actions == ()
    asked = decide(policy, opened(priority="high"), at=when("mon 11:00")).actions
    assert {one.kind for one in asked} == {"notify", "ask", "assign", "convene", "redirect"}


def test_an_action_reaches_the_roles_that_its_picks_give():
    """Rule 23: of two roles of which one pick gives none, the other is notified."""
    policy = desk(Rule(key="late", when=F.open_for >= "1 hour", then=A.Notify(("lead", BOSS), sender=BOSS)))
    (asked,) = decide(policy, opened(priority="low"), at=when("mon 11:00")).actions
    assert asked.action == A.Notify("lead")


def test_an_accepted_assignment_is_not_made_twice_and_a_declined_one_not_at_all():
    """Rule 23: the record takes effect where the rule asks for it."""
    policy = desk(Rule(key="late", when=F.open_for >= "2 hours", then=A.Assign("csm")))
    case = settle(policy, opened(), at=when("mon 12:00")).case
    assert case.assigned(at=when("mon 12:00")) == {"assignee": "csm"}
    assert decide(policy, case, at=when("mon 13:00")).actions == ()
    [asked] = decide(policy, opened(), at=when("mon 12:00")).actions
    declined = opened(E.Declined(at=when("mon 12:00"), key=asked.key))
    assert decide(policy, declined, at=when("mon 13:00")).actions == ()


LIFELONG = {
    "breached": (F.breached("first_response"), ()),
    "used": (F.used("first_response") >= "50%", ()),
    "asked": (F.escalation_requests >= 1, (E.EscalationRequested(at=after(1)),)),
    "reopened": (F.reopenings >= 1, (E.Resolved(at=after(1)), E.Reopened(at=after(2)))),
    "moved": (F.moves >= 1, (E.Escalated(at=after(1), to="l2"),)),
    "urgent": (F.priority == "urgent", (E.PriorityChanged(at=after(1), to="urgent"),)),
    "down": (F.flag("down").as_condition(), (E.FactChanged(at=after(1), name="down", value=True),)),
}


@pytest.mark.parametrize("what", LIFELONG)
@pytest.mark.parametrize("is_recorded", [True, False])
def test_an_old_cause_is_not_told_again_at_a_reopening(what, is_recorded):
    """Rule 23: a notice about a cause of March is one notice, whether or not it was recorded then (reports D1, D2)."""
    condition, events = LIFELONG[what]
    policy = desk(
        Rule(key="tell", when=condition, then=NOTICE),
        priorities=("normal", "urgent"),
        facts=(F.flag("down"),),
        targets=(Target.first_response("4 hours"),),
    )
    case = opened(*events, priority="normal")
    (asked,) = decide(policy, case, at=after(6)).actions
    case = accepted(policy, case, after(6)) if is_recorded else case
    case = case.record(E.SupportReplied(at=after(6)), E.Resolved(at=after(7)), E.Reopened(at=after(2_000)))
    assert [one.key for one in decide(policy, case, at=after(2_000)).actions] == ([] if is_recorded else [asked.key])
    assert [one.due_at for one in decide(policy, case, at=after(2_000)).actions] == (
        [] if is_recorded else [asked.due_at]
    )


CYCLICAL = {
    "nobody took it": ~F.acknowledged,
    "no reply": F.replies < 1,
    "unassigned": F.unassigned_for >= "1 hour",
    "old": F.open_for >= "1 hour",
}


@pytest.mark.parametrize("what", CYCLICAL)
def test_what_is_said_of_the_cycle_is_told_anew_in_the_next(what):
    """Rule 23: a reopened case that nobody acknowledged is a new cause, dated in its cycle."""
    policy = desk(Rule(key="tell", when=CYCLICAL[what], then=NOTICE))
    case = accepted(policy, opened(), after(6))
    assert decide(policy, case, at=after(6)).actions == ()
    case = case.record(E.Resolved(at=after(7)), E.Reopened(at=after(2_000)))
    (again,) = decide(policy, case, at=after(2_002)).actions
    assert again.due_at >= after(2_000)


def test_a_key_does_not_depend_on_the_cycle():
    """Rule 23: the same cause has the same key, whatever was resolved and reopened meanwhile."""
    policy = desk(Rule(key="down", when=F.flag("down"), to="l2", then=NOTICE), facts=(F.flag("down"),))
    down = E.FactChanged(at=after(3), name="down", value=True)
    plain, again = opened(down), opened(E.Resolved(at=after(1)), E.Reopened(at=after(2)), down)
    one, other = decide(policy, plain, at=after(4)), decide(policy, again, at=after(4))
    assert one.move.key == other.move.key
    assert one.actions[0].key == other.actions[0].key


def test_a_rule_that_moves_nobody_goes_on_after_a_de_escalation():
    """Rule 23: older evidence is spent for moves on the track, and not for a notice alone."""
    policy = desk(
        Rule(key="move", when=F.flag("down"), to="l2"),
        Rule(key="tell", when=F.flag("down") & (F.open_for >= "4 hours"), then=NOTICE),
        facts=(F.flag("down"),),
    )
    case = opened(
        E.FactChanged(at=after(1), name="down", value=True),
        E.Escalated(at=after(1), to="l2"),
        E.DeEscalated(at=after(2), to="l1", reason="agreed"),
    )
    decision = decide(policy, case, at=after(5))
    assert (decision.move, [one.rule for one in decision.actions]) == (None, ["tell"])
