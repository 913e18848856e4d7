"""Rule 24: checklists."""

from __future__ import annotations

import pytest

from escalation_rules import Checklist, EscalationLevel, Item, Pick, Rule, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.bench import MICROSECOND, after, desk, levels, levels_reached, moves, opened, when

ASKED = E.EscalationRequested(at=after(1))
WANTED = Rule(key="asked", when=F.escalation_request_open, to="l2")
FLAGS = {"facts": (F.flag("x"), F.flag("y"))}


def observed(name, hour, value=True):
    return E.FactChanged(at=after(hour), name=name, value=value)


def answered(item, hour, answer="yes", **more):
    return E.ItemAnswered(at=after(hour), item=item, answer=answer, **more)


FOUR = Checklist.of(Item(key="way", answers=("none", "good"), blocked_by=("good",), valid_for="2 hours"), q="Right?")
HELD = desk(
    WANTED,
    Rule(key="x", when=F.flag("x"), to="l3"),
    levels=("l1", EscalationLevel(key="l2", entry=FOUR), EscalationLevel(key="l3", entry=Checklist.of(z="Z?"))),
    **FLAGS,
)
REQUESTED = Rule(key="asked", when=F.escalation_request_open, to="l2")
LONG = Rule(key="long", when=F.open_for >= "2 hours", to="l2")
GUARD = Checklist.of(
    Item("impact", "Impact known?"),
    Item("workaround", "Is there a workaround?", answers=("none", "good"), blocked_by=("good",)),
)


def guarded(*rules, **entry):
    return desk(*rules, levels=levels(l2={"entry": GUARD, **entry}))


@pytest.mark.parametrize(
    ("events", "missing", "against"),
    [
        ([], ["way", "q"], []),
        ([answered("way", 1, "good")], ["q"], ["way"]),
        ([answered("way", 1, "none"), answered("q", 1, "no")], [], ["q"]),
        ([answered("way", 1, "none"), answered("q", 3)], ["way"], []),
        ([answered("way", 1, "none"), E.AnswerWithdrawn(at=after(1), item="way"), answered("q", 1)], ["way"], []),
        ([answered("way", 1, "perhaps"), answered("q", 1)], ["way"], []),
    ],
)
def test_missing_items_and_answers_against_it_hold_a_move_back(events, missing, against):
    """Rule 24: an item is missing if its answer has expired, was withdrawn or is none of its answers."""
    decision = decide(HELD, opened(ASKED, *events), at=events[-1].at if events else after(1))
    (held,) = decision.blocked
    assert (decision.moves, held.move.to) == ((), "l2")
    assert ([one.key for one in held.missing], [one.item for one in held.objections]) == (missing, against)


def test_an_answer_lives_half_open():
    """Rule 24: an answer given at one for two hours is good until just before three."""
    case = opened(ASKED, answered("way", 1, "none"), E.ItemAnswered(at=after(3) - MICROSECOND, item="q"))
    assert moves(HELD, case, after(9)) == [("l2", after(3) - MICROSECOND)]


def test_an_override_lifts_both_for_the_cycle():
    """Rule 24: it may come before or after the request, and it does not reach into the next cycle."""
    lifted = E.ChecklistOverridden(at=after(2), level="l2", reason="milestone tonight")
    assert moves(HELD, opened(ASKED, answered("way", 1, "good"), lifted), after(2)) == [("l2", after(2))]
    later = opened(lifted, E.Resolved(at=after(3)), E.Reopened(at=after(4)), E.EscalationRequested(at=after(5)))
    assert moves(HELD, later, after(5)) == []


def test_the_highest_that_is_not_held_goes_ahead():
    """Rule 24: the held move stays wanted, and levels that are passed are not asked for their checklists."""
    case = opened(ASKED, observed("x", 1), answered("way", 1, "none"), answered("q", 1))
    decision = decide(HELD, case, at=after(1))
    assert ([m.to for m in decision.moves], [b.move.to for b in decision.blocked]) == (["l2"], ["l3"])
    assert levels_reached(HELD, opened(observed("x", 1), answered("z", 1)), after(1)) == ["l3"]


def test_a_waiver_evidence_and_an_event_may_each_satisfy_a_checklist():
    """Rule 24: one waiver is enough; evidence and `done_by` answer an item as they should."""
    waived = desk(WANTED, Rule(key="w", when=F.flag("x"), to="l2", checklist="waived"), levels=HELD.levels, **FLAGS)
    assert moves(waived, opened(ASKED, observed("x", 2)), after(2)) == [("l2", after(2))]
    shown = desk(
        WANTED, levels=("l1", EscalationLevel(key="l2", entry=Checklist.of(Item(key="e", needs_evidence=True))))
    )
    assert moves(shown, opened(ASKED, answered("e", 1)), after(1)) == []
    assert moves(shown, opened(ASKED, answered("e", 1, evidence="mail 7")), after(1)) == [("l2", after(1))]
    done = desk(
        WANTED,
        levels=("l1", EscalationLevel(key="l2", entry=Checklist.of(Item(key="e", answered_by=E.COUNTING_REPLY)))),
    )
    assert moves(done, opened(ASKED, E.SupportReplied(at=after(2))), after(3)) == [("l2", after(2))]


def test_a_move_needs_the_entry_checklist_of_its_own_level():
    """Rule 24: an answer releases the move at its instant."""
    case = opened(E.ItemAnswered(at=when("mon 10:00"), item="workaround", answer="good"))
    (held,) = decide(guarded(LONG), case, at=when("mon 12:00")).blocked
    assert [(item.key, item.text, item.why) for item in held.missing] == [("impact", "Impact known?", "unanswered")]
    assert [(one.item, one.answer) for one in held.objections] == [("workaround", "good")]
    better = case.record(
        E.ItemAnswered(at=when("mon 13:00"), item="impact"),
        E.ItemAnswered(at=when("mon 14:00"), item="workaround", answer="none"),
    )
    assert moves(guarded(LONG), better, "mon 15:00") == [("l2", when("mon 14:00"))]


def test_levels_that_are_passed_are_not_asked_for_their_checklists():
    """Rule 24: a case goes straight to the third level."""
    policy = guarded(Rule(key="high", when=F.priority >= "high", to="l3"))
    assert decide(policy, opened(priority="high"), at=when("mon 10:00")).move.to == "l3"


@pytest.mark.parametrize("waived", [True, False])
def test_any_rule_to_the_level_may_waive_it(waived):
    """Rule 24: among several rules that hold, one that waives is enough."""
    waiver = Rule(key="w", when=F.acknowledged, to="l2", checklist="waived" if waived else "required")
    case = opened(E.Acknowledged(at=when("mon 09:30")))
    assert bool(decide(guarded(LONG, waiver), case, at=when("mon 12:00")).moves) == waived


def test_an_override_lifts_what_is_missing_and_what_argues_against_for_the_cycle():
    """Rule 24: in the next cycle the items are open again."""
    policy = guarded(REQUESTED)
    case = opened(
        E.EscalationRequested(at=when("mon 10:00")),
        E.ItemAnswered(at=when("mon 10:00"), item="workaround", answer="good"),
        E.ChecklistOverridden(at=when("mon 11:00"), level="l2", reason="milestone tonight"),
    )
    assert moves(policy, case, "mon 12:00") == [("l2", when("mon 11:00"))]
    again = opened(
        E.ChecklistOverridden(at=when("mon 10:00"), level="l2", reason="milestone tonight"),
        E.Resolved(at=when("mon 11:00")),
        E.Reopened(at=when("tue 09:00")),
        E.EscalationRequested(at=when("tue 10:00")),
    )
    assert len(decide(policy, again, at=when("tue 10:00")).blocked) == 1


def test_answers_expire_half_open():
    """Rule 24: an answer is good until, not including, four business hours later."""
    policy = desk(REQUESTED, levels=levels(l2={"entry": Checklist.of(Item("impact", valid_for="4 business hours"))}))
    case = opened(E.ItemAnswered(at=when("mon 09:00"), item="impact"))
    for gap, blocked in ((-MICROSECOND, 0), (0 * MICROSECOND, 1)):
        asked = case.record(E.EscalationRequested(at=when("mon 13:00") + gap))
        assert len(decide(policy, asked, at=when("mon 13:00") + gap).blocked) == blocked
    (held,) = decide(policy, asked, at=when("mon 13:00")).blocked
    assert held.missing[0].why == "expired"


@pytest.mark.parametrize(
    ("events", "why"),
    [
        (
            [
                E.ItemAnswered(at=when("mon 10:00"), item="impact"),
                E.AnswerWithdrawn(at=when("mon 10:30"), item="impact"),
            ],
            "withdrawn",
        ),
        ([E.ItemAnswered(at=when("mon 10:00"), item="impact", answer="perhaps")], "not an answer"),
        ([E.ItemAnswered(at=when("mon 10:00"), item="impact", answer="yes")], "without evidence"),
    ],
)
def test_an_invalid_answer_is_missing_and_says_why(events, why):
    """Rule 24: it was withdrawn, is not among the answers, or lacks its evidence."""
    policy = desk(LONG, levels=levels(l2={"entry": Checklist.of(Item("impact", needs_evidence=True))}))
    (held,) = decide(policy, opened(*events), at=when("mon 12:00")).blocked
    assert [item.why for item in held.missing] == [why]


def test_an_event_may_answer_an_item():
    """Rule 24: with `done_by`, a counting reply is the answer."""
    work = Checklist.of(Item("answered", answered_by=E.COUNTING_REPLY), Item("tried"))
    policy = desk(levels=levels(l1={"work": work, "owner": "desk"}))
    case = opened(E.SupportReplied(at=when("mon 10:00")))
    assert [owed.item for owed in decide(policy, case, at=when("mon 09:30")).worklist] == ["answered", "tried"]
    assert [(owed.item, owed.role) for owed in decide(policy, case, at=when("mon 10:00")).worklist] == [
        ("tried", "desk")
    ]


def test_the_expiry_of_an_answer_may_depend_on_the_priority():
    """Rule 24: the answer of an urgent case expires after an hour, that of others never."""
    entry = Checklist.of(Item("impact", valid_for=Pick(by="priority", values={"urgent": "1 hour"})))
    policy = desk(Rule(key="late", when=F.open_for >= "3 hours", to="l2"), levels=levels(l2={"entry": entry}))
    for priority, why in (("urgent", ["expired"]), ("low", [])):
        case = opened(E.ItemAnswered(at=when("mon 10:00"), item="impact"), priority=priority)
        held = decide(policy, case, at=when("mon 12:00")).blocked
        assert [one.why for blocked in held for one in blocked.missing] == why
