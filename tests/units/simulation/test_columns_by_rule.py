"""What columns hold of tracks, checklists and priorities, by example; the frames are those of the engine as well."""

from __future__ import annotations

import pytest

from escalation_rules import BusinessCalendar, Case, Checklist, EscalationLevel, Item, Pick, Rule, Target, Track
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import OFFICE, desk, levels, opened, when
from tests.units.simulation.frame_checks import assert_vectorised

END = when("wed 09:00")
DOWN = F.flag("down")


def told(at, *, down):
    return E.FactChanged(at=when(at), name="down", value=down)


def instants(table, column):
    """A column of instants as microseconds; None for none."""
    return [
        None if instant is None else microseconds_of(instant.replace(tzinfo=END.tzinfo))
        for instant in table[column].tolist()
    ]


def at(*texts):
    return [None if text is None else microseconds_of(when(text)) for text in texts]


def test_one_track_follows_another_within_an_instant():
    """Rules 20 and 22: what a move brings about is asked for in its instant, on evidence later than the entry."""
    tracks = (
        Track(key="f", levels=(EscalationLevel(key="f1"), EscalationLevel(key="f2"))),
        Track(key="h", levels=(EscalationLevel(key="h1"), EscalationLevel(key="h2"))),
    )
    policy = desk(
        Rule(key="down", when=DOWN, to="h1"),
        Rule(key="managers know", when=F.level >= "h1", to="f2"),
        Rule(key="it went up", when=F.moves("f") >= 1, to="next", track="h"),
        tracks=tracks,
        facts=(DOWN,),
    )
    moves = assert_vectorised(policy, [opened(told("mon 10:00", down=True))], END)["moves"]
    assert moves["to_level"].tolist() == ["h1", "f2", "h2"]
    assert moves["from_level"].tolist() == [None, "f1", "h1"]
    assert instants(moves, "due_at") == at(*["mon 10:00"] * 3)


def test_moves_are_counted_on_all_tracks():
    """Where no track is named, those of every track count."""
    tracks = (
        Track(key="f", levels=tuple(EscalationLevel(key=f"f{number}") for number in (1, 2, 3))),
        Track(key="h", levels=(EscalationLevel(key="h1"),)),
    )
    policy = desk(Rule(key="sent around", when=F.moves >= 2, to="h1"), tracks=tracks)
    history = (E.Escalated(at=when("mon 10:00"), to="f2"), E.Escalated(at=when("mon 11:00"), to="f3"))
    moves = assert_vectorised(policy, [opened(*history)], END)["moves"]
    assert (moves["to_level"].tolist(), instants(moves, "due_at")) == (["h1"], at("mon 11:00"))


IMPACT = Checklist((Item("impact", valid_for="2 business hours"),))
ASKED = (Rule(key="down", when=DOWN, to="l2"),)
yes = E.ItemAnswered(at=when("mon 11:00"), item="impact")
BLOCKED = {
    "until it is answered": ((told("mon 10:00", down=True), yes), [("mon 10:00", "mon 11:00")]),
    "until it is resolved, and again once it is back": (
        (told("mon 10:00", down=True), E.Resolved(at=when("mon 12:00")), E.Reopened(at=when("mon 13:00"))),
        [("mon 10:00", "mon 12:00"), ("mon 13:00", None)],
    ),
    "until nobody asks": ((told("mon 10:00", down=True), told("mon 12:00", down=False)), [("mon 10:00", "mon 12:00")]),
    "from an answer's end": ((yes, told("mon 14:00", down=True)), [("mon 14:00", None)]),
    "by an answer against it, and then by its end": (
        (E.ItemAnswered(at=when("mon 09:30"), item="impact", answer="no"), told("mon 10:00", down=True)),
        [("mon 10:00", "mon 11:30"), ("mon 11:30", None)],
    ),
    "once more in a new cycle, in which it was not set aside": (
        (
            E.ChecklistOverridden(at=when("mon 10:00"), level="l2", reason="the customer insists"),
            E.Resolved(at=when("mon 11:00")),
            E.Reopened(at=when("mon 12:00")),
            told("mon 13:00", down=True),
        ),
        [("mon 13:00", None)],
    ),
    "until it is set aside": (
        (
            told("mon 10:00", down=True),
            E.ChecklistOverridden(at=when("mon 10:30"), level="l2", reason="the customer insists"),
        ),
        [("mon 10:00", "mon 10:30")],
    ),
}


@pytest.mark.parametrize("what", BLOCKED)
def test_a_move_is_held_back(what):
    """Rule 24: by what its level's checklist lacks, from when to when; and on what grounds it then goes ahead."""
    history, expected = BLOCKED[what]
    policy = desk(*ASKED, levels=levels(l2={"entry": IMPACT}), facts=(DOWN,))
    frames = assert_vectorised(policy, [opened(*history)], END)
    blocked = frames["blocked"]
    assert [*zip(instants(blocked, "from_at"), instants(blocked, "until_at"), strict=True)] == [
        tuple(at(*pair)) for pair in expected
    ]
    went = {"until it is answered": ["met"], "until it is set aside": ["overridden"]}.get(what, [])
    assert frames["moves"]["checklist"].tolist() == went


def test_what_is_held_back_lets_the_next_lower_go_ahead():
    """Rule 24: the highest that is asked for and not held back goes; the other stays wanted, until a rule waives it."""
    rules = (
        Rule(key="down", when=DOWN, to="l3"),
        Rule(key="late", when=F.open_for >= "2 hours", to="l2"),
        Rule(key="very late", when=F.open_for >= "4 hours", to="l3", checklist="waived"),
    )
    policy = desk(*rules, levels=levels(l3={"entry": IMPACT}), facts=(DOWN,))
    frames = assert_vectorised(policy, [opened(told("mon 10:00", down=True))], END)
    assert frames["moves"]["to_level"].tolist() == ["l2", "l3"]
    assert frames["moves"]["checklist"].tolist() == ["none", "waived"]
    assert frames["moves"]["rules"].tolist() == ["late", "down, very late"]
    assert instants(frames["blocked"], "until_at") == at("mon 13:00")


def test_what_is_held_back_is_told_by_time_and_then_by_level():
    """Of several levels, that which was asked for first is first, else the lower one, whatever they are called."""
    keys = ("first", "zebra", "ant")
    high = tuple(EscalationLevel(key=key, entry=IMPACT if key != "first" else None) for key in keys)
    rules = (
        Rule(key="late", when=F.open_for >= "2 hours", to="zebra"),
        Rule(key="down", when=DOWN, to="ant"),
        Rule(key="down too", when=DOWN & (F.open_for < "1 hour"), to="zebra"),
    )
    found = [opened(told("mon 10:00", down=True)), opened(told("mon 09:30", down=True))]
    blocked = assert_vectorised(desk(*rules, levels=high, facts=(DOWN,)), found, END)["blocked"]
    assert blocked["to_level"].tolist() == ["ant", "zebra", "zebra", "ant", "zebra"]
    assert instants(blocked, "from_at") == at("mon 10:00", "mon 11:00", "mon 09:30", "mon 09:30", "mon 11:00")


def test_nothing_is_asked_before_the_policy_is_in_force():
    """Rule 19: neither moves nor what holds them back; then what has held since before counts, if it is included."""
    history = (told("mon 10:00", down=True), E.AnswerWithdrawn(at=when("mon 11:00"), item="impact"))
    policy = desk(*ASKED, facts=(DOWN,), effective_from=when("mon 12:00"), backlog="include")
    moves = assert_vectorised(policy, [opened(*history)], END)["moves"]
    assert (instants(moves, "due_at"), moves["cause"].tolist()) == (at("mon 12:00"), at("mon 10:00"))
    back = (told("mon 10:00", down=True), E.Resolved(at=when("mon 11:00")), E.Reopened(at=when("mon 13:00")))
    assert instants(assert_vectorised(policy, [opened(*back)], END)["moves"], "due_at") == at("mon 13:00")
    checked = policy.model_copy(update={"levels": levels(l2={"entry": IMPACT})})
    blocked = assert_vectorised(checked, [opened(*history, told("mon 15:00", down=False))], END)["blocked"]
    assert (instants(blocked, "from_at"), instants(blocked, "until_at")) == (at("mon 12:00"), at("mon 15:00"))


def test_what_happened_before_the_policy_is_passed_over_vectorised():
    """Rule 19: for good, also when the case is reopened later; what happens afterwards counts."""
    policy = desk(*ASKED, facts=(DOWN,), effective_from=when("mon 12:00"))
    old = (told("mon 10:00", down=True), E.AnswerWithdrawn(at=when("mon 11:00"), item="impact"))
    again = (*old, told("mon 13:00", down=False), told("mon 14:00", down=True))
    cases = [opened(*old), Case("C-2", opened(*again).history)]
    assert instants(assert_vectorised(policy, cases, END)["moves"], "due_at") == at("mon 14:00")


RAISED = {
    "once for each evidence, and not again on what was asked for before": (
        (
            told("mon 10:00", down=True),
            E.EscalationRequested(at=when("mon 11:00")),
            E.EscalationRequestAnswered(at=when("mon 12:00")),
        ),
        "high",
    ),
    "not again in a new cycle on the same evidence": (
        (told("mon 10:00", down=True), E.Resolved(at=when("mon 11:00")), E.Reopened(at=when("mon 12:00"))),
        "normal",
    ),
    "never above the highest": (
        (
            told("mon 10:00", down=True),
            E.PriorityChanged(at=when("mon 10:30"), to="urgent"),
            E.EscalationRequested(at=when("mon 11:00")),
        ),
        "urgent",
    ),
    "also on older evidence, once nothing newer holds": (
        (
            E.Resolved(at=when("mon 09:10")),
            told("mon 09:30", down=True),
            E.EscalationRequested(at=when("mon 10:00")),
            E.Reopened(at=when("mon 10:30")),
            E.EscalationRequestAnswered(at=when("mon 11:00")),
        ),
        "high",
    ),
    "from what people made of it": (
        (E.PriorityChanged(at=when("mon 09:30"), to="high"), told("mon 10:00", down=True)),
        "urgent",
    ),
}


@pytest.mark.parametrize("what", RAISED)
def test_a_rule_raises_the_priority(what):
    """Rule 23: an action is asked for once because of one evidence in a cycle, and never lowers."""
    history, expected = RAISED[what]
    policy = desk(
        Rule(key="raise", when=DOWN | F.escalation_request_open, then=A.RaisePriority("next")),
        facts=(DOWN,),
        targets=(Target.resolution(Pick(by="priority", values={"urgent": "1 hour"}, otherwise="8 business hours")),),
    )
    frames = assert_vectorised(policy, [opened(*history, priority="low")], END)
    assert frames["cases"]["priority"].tolist() == [expected]


def test_a_rule_that_moves_a_case_raises_its_priority_too():
    """Rule 23: on each evidence, also when the case stands where the rule takes it."""
    policy = desk(
        Rule(key="raise", when=DOWN | F.escalation_request_open, to="l2", then=A.RaisePriority("next")), facts=(DOWN,)
    )
    history = (told("mon 10:00", down=True), E.EscalationRequested(at=when("mon 11:00")))
    assert assert_vectorised(policy, [opened(*history, priority="low")], END)["cases"]["priority"].tolist() == ["high"]


def test_a_priority_is_raised_on_older_evidence_when_time_has_taken_the_newer():
    """Rule 22: of conditions side by side, the latest that holds is the evidence."""
    rule = Rule(key="raise", when=DOWN | (F.at_level_for < "2 hours"), then=A.RaisePriority("next"))
    history = (E.Resolved(at=when("mon 09:10")), told("mon 09:30", down=True), E.Reopened(at=when("mon 12:00")))
    frames = assert_vectorised(desk(rule, facts=(DOWN,)), [opened(*history, priority="low")], END)
    assert frames["cases"]["priority"].tolist() == ["urgent"]


def test_a_raised_priority_shortens_a_deadline_and_moves_the_case():
    """Rules 15 and 18: what was counted carries over, and other rules see the priority in the same instant."""
    policy = desk(
        Rule(key="raise", when=DOWN, then=A.RaisePriority("urgent")),
        Rule(key="urgent", when=F.priority >= "urgent", to="l3"),
        facts=(DOWN,),
        targets=(Target.resolution(Pick(by="priority", values={"urgent": "2 hours"}, otherwise="8 business hours")),),
    )
    frames = assert_vectorised(policy, [opened(told("mon 10:00", down=True), priority="low")], END)
    assert instants(frames["moves"], "due_at") == at("mon 10:00")
    assert instants(frames["deadlines"], "due_at") == at("mon 11:00")
    assert frames["deadlines"]["priority"].tolist() == ["urgent"]


APPLIES = {
    "a fact": (DOWN, (told("mon 10:00", down=True),), ["mon 13:00"]),
    "a fact on a level": (
        DOWN & (F.level >= "l2"),
        (E.Escalated(at=when("mon 09:30"), to="l2"), told("mon 10:00", down=True)),
        ["mon 13:00"],
    ),
    "a level that rules bring": (F.level >= "l3", (E.EscalationRequested(at=when("mon 10:00")),), ["mon 13:00"]),
    "a level that people bring": (F.level == "l2", (E.Escalated(at=when("mon 10:00"), to="l2"),), ["mon 13:00"]),
    "a level that failed": (F.level_failed, (E.LevelFailed(at=when("mon 10:00")),), ["mon 13:00"]),
    "a move that changes nothing": (
        F.happened(E.Escalated.like(to="l1")),
        (E.Escalated(at=when("mon 10:00"), to="l1"),),
        ["mon 13:00"],
    ),
    "a move, in its cycle": (
        F.happened(E.Escalated.like(to="l3")),
        (
            E.EscalationRequested(at=when("mon 10:00")),
            E.Resolved(at=when("mon 11:00")),
            E.Reopened(at=when("mon 12:00")),
        ),
        ["mon 13:00", None],
    ),
    "never": (DOWN, (), [None]),
}


@pytest.mark.parametrize("what", APPLIES)
def test_a_target_applies_while_its_condition_holds(what):
    """Rule 16: until then it has not started; once it applies, what was counted counts."""
    condition, history, expected = APPLIES[what]
    policy = desk(
        Rule(key="asked", when=F.escalation_request_open & (F.reopenings < 1), to="l3"),
        facts=(DOWN,),
        targets=(Target.resolution("4 business hours", when=condition),),
    )
    deadlines = assert_vectorised(policy, [opened(*history)], END)["deadlines"]
    assert instants(deadlines, "due_at") == at(*expected)


def test_until_a_target_applies_its_own_calendar_does_not_count():
    """What is counted before is counted as where no target is: in the usual calendar."""
    calendars = {"office": OFFICE, "always": BusinessCalendar.always()}
    target = Target.resolution("10 business hours", calendar="always", when=DOWN)
    policy = desk(facts=(DOWN,), calendars=calendars, targets=(target,))
    deadlines = assert_vectorised(policy, [opened(told("mon 18:00", down=True))], END)["deadlines"]
    assert instants(deadlines, "due_at") == at("mon 20:00")


def test_a_wait_at_the_instant_at_which_a_target_comes_to_apply():
    """Rule 15: what was used up only now is no breach by change."""
    policy = desk(
        Rule(key="late", when=F.open_for >= "1 business hour", to="l2"),
        targets=(Target.resolution("1 business hour", when=F.level >= "l2"),),
    )
    waits = (E.WaitStarted(at=when("mon 17:00")), E.WaitEnded(at=when("tue 09:00")))
    deadlines = assert_vectorised(policy, [opened(*waits, at="mon 16:00")], END)["deadlines"]
    assert deadlines["breached_by_change"].tolist() == [False]


def test_a_change_after_closing_to_what_was_used_up_at_closing():
    """Rule 13: at the same time, it is due when business opens again."""
    within = Pick(by="priority", values={"high": "1 business day, same time"}, otherwise="5 business days")
    history = (E.PriorityChanged(at=when("mon 20:00"), to="high"), E.Resolved(at=when("tue 09:00")))
    policy = desk(targets=(Target.resolution(within),))
    deadlines = assert_vectorised(policy, [opened(*history, priority="low")], END)["deadlines"]
    assert (instants(deadlines, "due_at"), deadlines["outcome"].tolist()) == (at("tue 09:00"), ["met"])


def test_what_resolving_starts_is_not_void_outside():
    """Rules 9 and 28: outside what is pending is void, but for a case that is worked on no more."""
    outside = (*levels()[:2], EscalationLevel(key="outside", external=True))
    policy = desk(levels=outside, targets=(Target.post_mortem("2 business days"),))
    history = (E.Resolved(at=when("mon 10:00")), E.Escalated(at=when("mon 11:00"), to="outside"))
    assert assert_vectorised(policy, [opened(*history)], END)["deadlines"]["outcome"].tolist() == ["pending"]


def test_owners_are_picked_by_facts_as_they_were():
    """A stay is owned by whom its level was given to when the case came there."""
    size = F.choice("size", ("small", "large"))
    owner = Pick(by="size", values={"large": "team_b"}, otherwise="team_a")
    policy = desk(*ASKED, levels=levels(l2={"owner": owner}), facts=(DOWN, size))
    larger = E.FactChanged(at=when("mon 11:00"), name="size", value="large")
    stays = assert_vectorised(
        policy, [opened(larger, told("mon 12:00", down=True)), opened(told("mon 10:00", down=True), larger)], END
    )["stays"]
    assert stays["owner"].tolist() == [None, "team_b", None, "team_a"]


UNTIL_DUE = {
    "little is left": (F.remaining("resolution") < "2 business hours", (), ["mon 15:00"]),
    "just as much is left": (F.remaining("resolution") >= "8 business hours", (), ["mon 09:00"]),
    "none is left after the due": (
        (F.remaining("resolution") < "2 business hours") & DOWN,
        (told("tue 10:00", down=True),),
        [],
    ),
    "long past": (F.overdue_for("resolution") >= "1 business hour", (), ["tue 10:00"]),
    "by priority": (
        F.open_for >= Pick(by="priority", values={"high": "1 hour"}, otherwise="3 hours"),
        (),
        ["mon 12:00"],
    ),
    "by a priority that changes": (
        F.open_for >= Pick(by="priority", values={"high": "1 hour"}, otherwise="8 hours"),
        (E.PriorityChanged(at=when("mon 11:00"), to="high"),),
        ["mon 11:00"],
    ),
}


@pytest.mark.parametrize("what", UNTIL_DUE)
def test_rules_see_how_long_it_is_to_a_due(what):
    """Rule 30: a microsecond after no more than two hours are left; an hour of business after the due."""
    condition, history, expected = UNTIL_DUE[what]
    rule = Rule(key="x", when=condition, to="l2")
    policy = desk(rule, facts=(DOWN,), targets=(Target.resolution("8 business hours"),))
    moves = assert_vectorised(policy, [opened(*history, priority="low")], END)["moves"]
    assert [instant - instant % 1_000_000 for instant in instants(moves, "due_at")] == at(*expected)


def test_a_customer_who_is_silent_is_seen_vectorised():
    """Rule 10: since our last reply or update of the cycle, until the customer's next message."""
    policy = desk(Rule(key="silent", when=F.customer_silent_for >= "3 hours", to="l2"))
    quiet = opened(E.SupportReplied(at=when("mon 10:00")), E.UpdateSent(at=when("mon 11:00"), audience="customer"))
    answered = opened(E.SupportReplied(at=when("mon 10:00")), E.CustomerReplied(at=when("mon 12:00")))
    answered = Case("C-2", answered.history)
    moves = assert_vectorised(policy, [quiet, answered], END)["moves"]
    assert instants(moves, "due_at") == at("mon 14:00")


def test_several_targets_with_one_key_are_vectorised():
    """Rule 16: the first that applies counts, and a change of priority changes the terms at once (rule 15)."""
    policy = desk(
        priorities=("low", "high"),
        targets=(
            Target.resolution("2 hours", when=F.priority == "high"),
            Target.resolution("8 hours", when=F.priority == "low"),
        ),
    )
    cases = [
        opened(priority="low"),
        Case("C-2", opened(E.PriorityChanged(at=when("mon 10:00"), to="high"), priority="low").history),
        Case("C-3", opened().history),
    ]
    deadlines = assert_vectorised(policy, cases, END)["deadlines"]
    assert instants(deadlines, "due_at") == at("mon 17:00", "mon 11:00", None)


def test_a_default_is_known_vectorised():
    """Rule 31: from the opening on, until another value is observed, and again when none is known."""
    size = F.choice("size", ("small", "large"), default="small")
    policy = desk(
        Rule(key="small", when=(size == "small") & (F.open_for >= "3 hours"), to="l2"),
        targets=(Target.resolution(Pick(by="size", values={"small": "2 hours"}, otherwise="8 hours")),),
        facts=(size,),
    )
    seen, gone = (
        E.FactChanged(at=when(at_), name="size", value=value)
        for at_, value in (("mon 10:00", "large"), ("mon 16:00", None))
    )
    frames = assert_vectorised(policy, [opened(), Case("C-2", opened(seen, gone).history)], END)
    assert instants(frames["moves"], "due_at") == at("mon 12:00", "mon 16:00")
