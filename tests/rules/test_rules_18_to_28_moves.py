"""Rules 18 to 28: the fold, tracks, evidence, keys, checklists, owners, the outside."""

from __future__ import annotations

import pytest

from escalation_rules import (
    Case,
    Checklist,
    EscalationLevel,
    EscalationRulesError,
    Item,
    Rota,
    Rule,
    Target,
    Track,
    decide,
    forecast,
    settle,
)
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.audit import audit
from tests.bench import MICROSECOND, accepted, after, desk, levels_reached, moves, opened

LADDER = ("a", "b", "c", "d")
ASKED = E.EscalationRequested(at=after(1))
WANTED = Rule(name="asked", when=F.escalation_requested, to="l2")
FAILED = Rule(name="failed", when=F.level_failed, to="next")
LATER = (
    Rule(name="long", when=F.open_for >= "4 hours", to="l2"),
    Rule(name="longer", when=F.at_level_for >= "2 hours", to="l3", at="l2"),
)
TOLD = A.Notify(roles=("boss",))
FLAGS = {"facts": (F.flag("x"), F.flag("y"))}
AWAY = Rota(person="carol", absences=((after(0), after(10)),))


def observed(name, hour, value=True):
    return E.FactObserved(at=after(hour), name=name, value=value)


def test_rule_18_a_late_host_records_what_a_prompt_one_would_have():
    """The same keys, dated at their due, with the instant of recording beside it."""
    policy = desk(*LATER)
    first = settle(policy, opened(), at=after(4), by="desk")
    second = settle(policy, first.case, at=after(6), by="desk")
    late = settle(policy, opened(), at=after(30), by="desk")
    assert [event.id for event in late.events] == [event.id for event in first.events + second.events]
    assert [(event.at, event.recorded_at) for event in late.events] == [(after(4), after(30)), (after(6), after(30))]
    assert late.decision.moves == late.decision.actions == ()


def test_rule_18_a_recorded_move_settles_what_was_due_before_it():
    """Accepting only the upper of two."""
    policy = desk(*LATER)
    decision = decide(policy, opened(), at=after(9))
    lower, upper = decision.moves
    assert decision.move == upper
    assert levels_reached(policy, opened(*decision.accept(at=after(9), only=[upper.key])), after(9)) == []
    assert levels_reached(policy, opened(*decision.accept(at=after(9), only=[lower.key])), after(9)) == ["l3"]


@pytest.mark.parametrize(
    ("reply", "found"),
    [(after(4) - MICROSECOND, None), (after(4), None), (after(4) + MICROSECOND, False), (after(9), None)],
)
def test_rule_19_later_events_do_not_cancel_what_was_due(reply, found):
    """Answered in time there is no move; answered later it is due and no longer holds."""
    policy = desk(Rule(name="r", when=F.unanswered_for >= "4 hours", to="l2"))
    move = decide(policy, opened(E.SupportReplied(at=reply)), at=after(6)).move
    if reply == after(9):
        assert (move.due, move.still_holds) == (after(4), True)
    else:
        assert (move and move.still_holds) == found


def test_rule_19_a_declined_move_is_not_asked_again_and_the_next_cause_is():
    """No for good, for this key."""
    policy = desk(Rule(name="r", when=F.unanswered_for >= "4 hours", to="l2"))
    case = opened(E.MoveDeclined(at=after(6), key=decide(policy, opened(), at=after(6)).move.key, reason="spoken to"))
    assert decide(policy, case, at=after(600)).move is None
    again = case.record(E.SupportReplied(at=after(7)), E.CustomerReplied(at=after(8)))
    assert moves(policy, again, after(12)) == [("l2", after(12))]


def test_rule_19_no_move_before_the_policy_is_effective():
    """Then at once, and the decision wakes for it."""
    policy = desk(Rule(name="r", when=F.open_for >= "4 hours", to="l2"), effective_from=after(10))
    assert (
        decide(policy, opened(), at=after(10) - MICROSECOND).moves,
        decide(policy, opened(), at=after(5)).wake_at,
    ) == ((), after(10))
    assert moves(policy, opened(), after(12)) == [("l2", after(10))]


def test_rule_20_a_case_stands_nowhere_on_other_tracks_until_moved():
    """There `next` is the first level; all tracks read the state before the round."""
    tracks = (
        Track(key="a", levels=(EscalationLevel(key="a1"), EscalationLevel(key="a2"))),
        Track(key="b", levels=(EscalationLevel(key="b1"), EscalationLevel(key="b2"))),
    )
    policy = desk(Rule(name="r", when=F.escalation_requested, to="next", track="b"), tracks=tracks)
    assert decide(policy, opened(), at=after(0)).levels == {"a": "a1", "b": None}
    assert levels_reached(policy, opened(ASKED), after(1)) == ["b1"]
    long = F.open_for >= "1 hour"
    both = desk(
        Rule(name="x", when=long & (F.level < "b1"), to="a2"),
        Rule(name="y", when=long & (F.level < "a2"), to="b1"),
        tracks=tracks,
    )
    assert set(levels_reached(both, opened(), after(1))) == {"a2", "b1"}


def test_rule_21_the_fixed_counterexample():
    """An earlier, lower move restarts what is measured from level entry."""
    long, early = (
        Rule(name="r1", when=F.at_level_for >= "4 hours", to="l2"),
        Rule(name="r2", when=F.open_for >= "3 hours", to="l1"),
    )
    ladder = ("l0", "l1", "l2")
    assert levels_reached(desk(long, levels=ladder), opened(), after(5)) == ["l2"]
    assert levels_reached(desk(long, early, levels=ladder), opened(), after(5)) == ["l1"]


def test_rule_21_the_highest_wins_in_any_order_and_no_rule_lowers():
    """Both orders of two rules; and a rule to a level below."""
    rules = (Rule(name="a", when=F.open_for >= "1 hour", to="l2"), Rule(name="b", when=F.open_for >= "1 hour", to="l3"))
    assert decide(desk(*rules), opened(), at=after(1)).moves == decide(desk(*rules[::-1]), opened(), at=after(1)).moves
    assert levels_reached(desk(*rules), opened(), after(1)) == ["l3"]
    assert levels_reached(desk(rules[0]), opened(E.Escalated(at=after(0), to="l3")), after(2)) == []


@pytest.mark.parametrize(
    ("when", "events", "expected"),
    [
        (F.level_failed, [E.LevelFailed(at=after(1))], [("b", after(1))]),
        (F.level_failed, [E.LevelFailed(at=after(1)), E.LevelFailed(at=after(2))], [("b", after(1)), ("c", after(2))]),
        (F.open_for >= "2 hours", [], [("b", after(2))]),
        (F.at_level_for >= "2 hours", [], [("b", after(2)), ("c", after(4)), ("d", after(6))]),
        (
            F.unanswered_for >= "2 hours",
            [E.SupportReplied(at=after(3)), E.CustomerReplied(at=after(4))],
            [("b", after(2)), ("c", after(6))],
        ),
        (
            F.priority >= "high",
            [E.PriorityChanged(at=after(1), to="high"), E.PriorityChanged(at=after(2), to="high")],
            [("b", after(1))],
        ),
        (F.flag("x"), [observed("x", 1), observed("x", 2)], [("b", after(1))]),
        (
            F.flag("x"),
            [observed("x", 1), observed("x", 2, False), observed("x", 3)],
            [("b", after(1)), ("c", after(3))],
        ),
        (F.flag("x") & F.flag("y"), [observed("x", 1), observed("y", 2)], [("b", after(2))]),
        (F.flag("x") | F.flag("y"), [observed("x", 1), observed("y", 2)], [("b", after(1)), ("c", after(2))]),
        (F.open_for >= "2 hours", [E.Escalated(at=after(2), to="b")], []),
        (F.level_failed, [E.Escalated(at=after(1), to="b"), E.LevelFailed(at=after(1))], [("c", after(1))]),
        (F.level_failed, [E.LevelFailed(at=after(1)), E.Escalated(at=after(1), to="b")], []),
    ],
)
def test_rule_22_one_cause_climbs_one_rung(when, events, expected):
    """`next` wants evidence later than the entry into the present level."""
    policy = desk(Rule(name="r", when=when, to="next"), levels=LADDER, **FLAGS)
    assert moves(policy, opened(*events, priority="normal"), after(7)) == expected


def test_rule_22_after_a_deescalation_no_rule_fires_on_older_evidence():
    """A new request, or a duration that is reached later, does."""
    policy = desk(WANTED, Rule(name="old", when=F.open_for >= "3 hours", to="l2"))
    case = accepted(policy, opened(ASKED), after(1)).record(E.DeEscalated(at=after(2), to="l1", reason="calm"))
    assert moves(policy, case, after(3) - MICROSECOND) == []
    assert moves(policy, case, after(4)) == [("l2", after(3))]
    assert moves(policy, case.record(E.EscalationRequested(at=after(2) + MICROSECOND)), after(4)) == [
        ("l2", after(2) + MICROSECOND)
    ]


def test_rule_23_keys_are_stable_across_versions_and_lateness():
    """And different for every case."""
    one, two = desk(*LATER), desk(*LATER, version="2")
    assert [m.key for m in decide(one, opened(priority="normal"), at=after(9)).moves] == [
        m.key for m in decide(two, opened(priority="normal"), at=after(99)).moves
    ]
    other = Case.open("C-2", at=after(0), priority="normal")
    assert decide(one, other, at=after(9)).move.key != decide(one, opened(priority="normal"), at=after(9)).move.key


def test_rule_23_an_action_is_asked_once_an_occurrence_even_if_the_move_is_held():
    """Once for this request, again for the next."""
    rule = Rule(name="r", when=F.escalation_requested, to="l2", then=(TOLD,))
    policy = desk(rule, levels=("l1", EscalationLevel(key="l2", entry=Checklist.of(q="Q?"))))
    decision = decide(policy, opened(ASKED), at=after(1))
    assert (decision.moves, [one.action for one in decision.actions]) == ((), [TOLD])
    case = accepted(policy, opened(ASKED), after(1))
    assert decide(policy, case, at=after(99)).actions == ()
    again = case.record(E.EscalationAnswered(at=after(2)), E.EscalationRequested(at=after(3)))
    assert len(decide(policy, again, at=after(3)).actions) == 1


def test_rule_23_set_priority_never_lowers_and_moves_at_once():
    """The virtual priority is what the other rules see."""
    raised = Rule(name="raise", when=F.open_for >= "1 hour", then=(A.SetPriority(to="high"),))
    policy = desk(raised, Rule(name="m", when=F.priority >= "high", to="l2"))
    assert moves(policy, opened(priority="normal"), after(5)) == [("l2", after(1))]
    assert decide(policy, opened(priority="urgent"), at=after(5)).actions == ()
    (event, _) = decide(policy, opened(priority="normal"), at=after(5)).accept(at=after(5))
    assert (event.type, event.to, event.at) == ("PriorityChanged", "high", after(1))


def answered(item, hour, answer="yes", **more):
    return E.ItemConfirmed(at=after(hour), item=item, answer=answer, **more)


FOUR = Checklist.of(Item(key="way", answers=("none", "good"), against=("good",), expires="2 hours"), q="Right?")
HELD = desk(
    WANTED,
    Rule(name="x", when=F.flag("x"), to="l3"),
    levels=("l1", EscalationLevel(key="l2", entry=FOUR), EscalationLevel(key="l3", entry=Checklist.of(z="Z?"))),
    **FLAGS,
)


@pytest.mark.parametrize(
    ("events", "missing", "against"),
    [
        ([], ["way", "q"], []),
        ([answered("way", 1, "good")], ["q"], ["way"]),
        ([answered("way", 1, "none"), answered("q", 1, "no")], [], ["q"]),
        ([answered("way", 1, "none"), answered("q", 3)], ["way"], []),
        ([answered("way", 1, "none"), E.ItemWithdrawn(at=after(1), item="way"), answered("q", 1)], ["way"], []),
        ([answered("way", 1, "perhaps"), answered("q", 1)], ["way"], []),
    ],
)
def test_rule_24_what_holds_a_move_back(events, missing, against):
    """Unanswered, expired, withdrawn or no answer: missing. An answer in `against` argues against it."""
    decision = decide(HELD, opened(ASKED, *events), at=events[-1].at if events else after(1))
    (held,) = decision.blocked
    assert (decision.moves, held.move.to) == ((), "l2")
    assert ([one.key for one in held.missing], [one.item for one in held.against]) == (missing, against)


def test_rule_24_an_answer_lives_half_open():
    """Given at one for two hours: good until just before three."""
    case = opened(ASKED, answered("way", 1, "none"), E.ItemConfirmed(at=after(3) - MICROSECOND, item="q"))
    assert moves(HELD, case, after(9)) == [("l2", after(3) - MICROSECOND)]


def test_rule_24_an_override_lifts_both_for_the_cycle():
    """Before or after the request; not in the next cycle."""
    lifted = E.ChecklistOverridden(at=after(2), level="l2", reason="milestone tonight")
    assert moves(HELD, opened(ASKED, answered("way", 1, "good"), lifted), after(2)) == [("l2", after(2))]
    later = opened(lifted, E.Resolved(at=after(3)), E.Reopened(at=after(4)), E.EscalationRequested(at=after(5)))
    assert moves(HELD, later, after(5)) == []


def test_rule_24_the_highest_that_is_not_held_goes_ahead():
    """The held one stays wanted; levels that are passed are not asked theirs."""
    case = opened(ASKED, observed("x", 1), answered("way", 1, "none"), answered("q", 1))
    decision = decide(HELD, case, at=after(1))
    assert ([m.to for m in decision.moves], [b.move.to for b in decision.blocked]) == (["l2"], ["l3"])
    assert levels_reached(HELD, opened(observed("x", 1), answered("z", 1)), after(1)) == ["l3"]


def test_rule_24_any_rule_to_the_level_may_waive():
    """Evidence and `done_by` count as they should otherwise."""
    waived = desk(WANTED, Rule(name="w", when=F.flag("x"), to="l2", checklist="waived"), levels=HELD.levels, **FLAGS)
    assert moves(waived, opened(ASKED, observed("x", 2)), after(2)) == [("l2", after(2))]
    shown = desk(WANTED, levels=("l1", EscalationLevel(key="l2", entry=Checklist.of(Item(key="e", evidence=True)))))
    assert moves(shown, opened(ASKED, answered("e", 1)), after(1)) == []
    assert moves(shown, opened(ASKED, answered("e", 1, evidence="mail 7")), after(1)) == [("l2", after(1))]
    done = desk(
        WANTED, levels=("l1", EscalationLevel(key="l2", entry=Checklist.of(Item(key="e", done_by=E.COUNTING_REPLY))))
    )
    assert moves(done, opened(ASKED, E.SupportReplied(at=after(2))), after(3)) == [("l2", after(2))]


DOWN = desk(
    WANTED,
    levels=(
        "l1",
        EscalationLevel(key="l2", exit=Checklist.of(a="Agreed"), work=Checklist.of(w="Done"), cooldown="4 hours"),
    ),
)


def test_rule_25_the_exit_says_what_is_missing_and_until_when():
    """The answers are for this stay on the level."""
    case = accepted(DOWN, opened(answered("a", 0), ASKED), after(1))
    (way_out,) = decide(DOWN, case, at=after(1)).exits
    assert ([one.key for one in way_out.missing], way_out.until) == (["a"], after(5))
    case = case.record(
        answered("a", 2), E.DeEscalated(at=after(5), to="l1", reason="calm"), E.EscalationRequested(at=after(6))
    )
    assert [one.key for one in decide(DOWN, accepted(DOWN, case, after(6)), at=after(6)).exits[0].missing] == ["a"]


@pytest.mark.parametrize(
    ("hour", "agreed", "kinds"),
    [(3, True, ["de-escalation in cooldown"]), (6, False, ["de-escalation without checklist"]), (5, True, [])],
)
def test_rule_25_a_deescalation_without_its_exit_is_a_fact_and_a_finding(hour, agreed, kinds):
    """The case is on the lower level all the same."""
    case = accepted(DOWN, opened(ASKED), after(1)).record(
        *([answered("a", 2)] if agreed else []), E.DeEscalated(at=after(hour), to="l1", reason="calm")
    )
    assert decide(DOWN, case, at=after(hour)).levels == {"main": "l1"}
    assert [one.kind for one in audit(DOWN, case, after(hour)).findings if "escalation" in one.kind] == kinds


def owned(nobody, *alternates):
    return desk(
        WANTED,
        levels=(
            "l1",
            EscalationLevel(key="l2", owner="csm", alternates=alternates, nobody=nobody),
            EscalationLevel(key="l3", owner="boss"),
        ),
        rotas={"csm": AWAY},
    )


def test_rule_26_alternates_then_wait_hold_or_skip():
    """A role without a rota is on duty."""
    wait = decide(owned("wait"), opened(ASKED), at=after(1)).move
    assert (wait.to, wait.owner.person, wait.owner.on_duty) == ("l2", None, False)
    taken = decide(owned("hold", "lead"), opened(ASKED), at=after(1)).move
    assert (taken.to, taken.owner.role) == ("l2", "lead")
    assert "csm" in taken.owner.because
    held = decide(owned("hold"), opened(ASKED), at=after(1))
    assert (held.move, held.blocked[0].until, held.wake_at) == (None, after(10), after(10))
    assert decide(owned("skip"), opened(ASKED), at=after(1)).move.to == "l3"


def test_rule_26_availability_is_judged_at_due():
    """However late the host is."""
    assert moves(owned("hold"), opened(ASKED), after(30)) == [("l2", after(10))]
    assert moves(owned("skip"), opened(ASKED), after(30)) == [("l3", after(1))]
    assert decide(owned("wait", "lead"), opened(ASKED), at=after(30)).move.owner.role == "lead"


def test_rule_26_at_the_top_or_below_the_outside_skip_waits():
    """Nobody is pushed out of the process because somebody is on holiday."""
    levels = ("l1", EscalationLevel(key="l2", owner="csm", nobody="skip"), EscalationLevel(key="out", external=True))
    assert decide(desk(WANTED, levels=levels, rotas={"csm": AWAY}), opened(ASKED), at=after(1)).move.to == "l2"


def test_rule_27_wake_at_is_exact():
    """The same answer a microsecond before, another at the instant."""
    policy = desk(*LATER, targets=(Target.resolution(within="5 hours"),))
    at, seen = after(0), []
    while (wake := decide(policy, opened(), at=at).wake_at) is not None:
        before, now = (decide(policy, opened(), at=instant).answer for instant in (wake - MICROSECOND, wake))
        assert decide(policy, opened(), at=at).answer == before != now
        at = wake
        seen.append(wake)
    assert seen == [after(4), after(5) + MICROSECOND, after(6)]


OUTSIDE = desk(
    FAILED, levels=("l1", EscalationLevel(key="out", external=True)), targets=(Target.resolution(within="8 hours"),)
)


def test_rule_28_outside_nothing_runs():
    """No owner, no clock, no move; the status says so."""
    case = accepted(OUTSIDE, opened(E.LevelFailed(at=after(1))), after(1))
    decision = decide(OUTSIDE, case, at=after(2))
    assert (decision.status, decision.moves, decision.deadlines, decision.wake_at) == ("external", (), (), None)
    assert decision.deadline("resolution").outcome == "void"
    assert (
        decide(OUTSIDE, case.record(E.DeEscalated(at=after(5), to="l1", reason="back")), at=after(5)).status == "open"
    )
    with pytest.raises(EscalationRulesError, match="an external level with an owner"):
        EscalationLevel(key="out", external=True, owner="boss")


def test_forecast_is_what_will_be_decided():
    """After `at`, up to and with `until`."""
    policy = desk(*LATER)
    assert [(m.to, m.due) for m in forecast(policy, opened(), at=after(0), until=after(6))] == [
        ("l2", after(4)),
        ("l3", after(6)),
    ]
    assert [m.to for m in forecast(policy, opened(), at=after(0), until=after(6) - MICROSECOND)] == ["l2"]
    assert [m.to for m in forecast(policy, opened(), at=after(4), until=after(6))] == ["l3"]


def test_the_explanation_answers_why_and_why_not():
    """In words a manager reads."""
    text = decide(HELD, opened(ASKED, answered("way", 1, "good")), at=after(1)).explain()
    assert "missing `q` (Right?)" in text
    assert "`way`" in text
    assert "`x`" in text
    assert "unknown" in text


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (E.Escalated(at=after(1), to="managr"), "unknown level `managr`"),
        (E.PriorityChanged(at=after(1), to="hihg"), "unknown priority `hihg`.* did you mean `high`"),
        (observed("x", 1, "yes"), "not a value of F.flag"),
    ],
)
def test_a_name_in_history_that_the_policy_does_not_have(event, text):
    """Named, with the case it is in."""
    with pytest.raises(EscalationRulesError, match=f"case `C-1`: {text}"):
        decide(HELD, opened(event, priority="normal"), at=after(1))
