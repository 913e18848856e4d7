"""By columns and case by case: the same frames to the last value."""

from __future__ import annotations

import numpy as np
import pytest

from escalation_rules import Checklist, EscalationLevel, Item, Pick, Rota, Rule, Target
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.conditions import AllOf
from escalation_rules.errors import EscalationRulesError, UnknownName
from escalation_rules.simulation import replay
from escalation_rules.simulation.batches import one_by_one, replay_batch
from escalation_rules.simulation.columns import Unsupported, plan_of
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import MICROSECOND, desk, levels, opened, when
from tests.units.simulation.frame_checks import assert_same
from tests.units.simulation.logs import sample, service_desk

SLOW = Rule(key="slow", when=F.open_for >= "2 business hours", to="l2")


def test_ids_of_a_log_that_are_keys_are_keys_case_by_case():
    """Only then a case is made of a log's rows; the frames are those of the cases."""
    import pandas as pd

    from escalation_rules.simulation import LogMapping, cases_from_frame

    rows = [("A", 9, "low", "u1"), ("A", 10, "high", "move-1"), ("B", 9, "low", "u2"), ("B", 10, "high", "u3")]
    frame = pd.DataFrame([{"c": c, "at": when(f"mon {h:02}:00").isoformat(), "p": p, "id": n} for c, h, p, n in rows])
    log = cases_from_frame(frame, LogMapping(case="c", at="at", priority="p", id="id"))
    last = microseconds_of(when("tue 09:00"))
    assert [bool(one.recorded) for one in log.histories.told(last)] == [True, False]
    assert_same(one_by_one(desk(SLOW), [log["A"], log["B"]], last), one_by_one(desk(SLOW), log.histories, last))


def test_the_sample_is_the_same_both_ways():
    """2,887 real incidents."""
    policy, log = service_desk(), sample()
    replayed = replay(policy, log)
    assert replayed.by_columns == len(log)
    assert_same(one_by_one(policy, log.histories, microseconds_of(replayed.until)), replayed.tables)


def test_cases_are_taken_in_batches_without_a_difference(monkeypatch):
    """However many cases there are, no more go together than a processor's cache holds."""
    policy, log = service_desk(), sample()
    last = int(log.histories.at.max())
    whole = replay_batch(policy, log.histories, last, "replayed")
    monkeypatch.setattr("escalation_rules.simulation.columns._BATCH", 700)
    parts = replay_batch(policy, log.histories, last, "replayed")
    assert parts.by_columns == whole.by_columns == len(log)
    assert_same(whole.tables, parts.tables)


WITHOUT = {
    "hundreds of levels": {"levels": tuple(EscalationLevel(key=f"l{n}") for n in range(201))},
    "rotas": {"rotas": {"csr": Rota()}, "roles": ("csr",)},
    "answers that expire by priority": {
        "levels": levels(
            l2={"entry": Checklist((Item("impact", valid_for=Pick(by="priority", values={}, otherwise="1 hour")),))}
        )
    },
    "answers by moves": {"levels": levels(l2={"entry": Checklist((Item("impact", answered_by=E.Escalated.like()),))})},
    "rules that look at what rules assign": {
        "rules": (
            Rule(key="assign", when=F.reopenings >= 1, then=A.Assign("csm")),
            Rule(key="sent around", when=F.assignments >= 2, to="l2"),
        )
    },
    "owners that may be nobody": {
        "levels": levels(l2={"owner": Pick(by="priority", values={"high": "csm"}), "alternates": ("csm",)})
    },
    "levels that change the priority": {"levels": levels(l2={"on_entry": A.RaisePriority("next")})},
    "patterns of changes that rules make": {
        "rules": (
            Rule(key="raise", when=F.reopenings >= 1, then=A.RaisePriority("next")),
            Rule(key="raised", when=F.happened(E.PriorityChanged.like()), to="l2"),
        )
    },
    "patterns that look at ids": {"rules": (Rule(key="asked", when=F.happened(E.Escalated.like(id="7")), to="l2"),)},
    "durations picked by a priority that rules raise": {
        "rules": (
            Rule(key="raise", when=F.reopenings >= 1, then=A.RaisePriority("next")),
            Rule(key="x", when=F.open_for >= Pick(by="priority", values={}, otherwise="1 hour"), to="l2"),
        )
    },
    "picked times before a due": {
        "targets": (Target.resolution("8 hours"),),
        "rules": (
            Rule(key="x", when=F.remaining("resolution") < Pick(by="priority", values={}, otherwise="1 hour"), to="l2"),
        ),
    },
    "plans": {"rules": (Rule(key="x", when=F.plan_items_overdue >= 1, to="l2"),)},
    "conditions of nothing": {"rules": (Rule(key="x", when=AllOf(of=()), to="l2"),)},
    "several targets with one key that start, stop or pause otherwise": {
        "targets": (
            Target.resolution("1 hour", when=F.priority >= "high", pause_on="vendor"),
            Target.resolution("8 hours"),
        )
    },
    "targets of moves": {"targets": (Target(key="x", within="1 hour", stop_on=E.Escalated.like()),)},
}


@pytest.mark.parametrize("what", WITHOUT)
def test_what_columns_cannot_hold_of_a_policy_goes_case_by_case(what):
    """And the replay says so."""
    policy = desk(**WITHOUT[what])
    with pytest.raises(Unsupported) as refused:
        plan_of(policy)
    replayed = replay(policy, [opened()], until=when("tue 09:00"))
    assert replayed.by_columns == 0
    assert replayed.reasons == {refused.value.reason: 1}
    assert f"0 replayed vectorised, 1 one by one\n    1 because of {refused.value.reason}" in replayed.summary()


@pytest.mark.parametrize(
    "changes",
    [
        {"rules": (Rule(key="many", when=F.replies >= 1_000_000, to="l2"),)},
        {"rules": tuple(Rule(key=f"r{n}", when=F.replies >= n, to="l2") for n in range(61))},
    ],
    ids=["high numbers", "many rules"],
)
def test_what_columns_find_too_much_goes_case_by_case(changes):
    """Seen only when a log is there."""
    policy = desk(**changes)
    assert plan_of(policy)
    replayed = replay(policy, [opened()], until=when("tue 09:00"))
    assert replayed.by_columns == 0
    assert sum(replayed.reasons.values()) == 1


UNHELD = {
    "a move that was declined": (E.Declined(at=when("mon 10:00"), key="move-1"),),
    "a move that was accepted": (
        E.Escalated(at=when("mon 10:00"), to="l3", key="move-1", id="move-1", recorded_at=when("mon 11:00")),
    ),
    "a move that was recorded with its key": (E.Escalated(at=when("mon 10:00"), to="l3", id="move-1"),),
    "what was agreed": (E.CommunicationAgreed(at=when("mon 10:00"), plan=E.CommunicationPlan(every="1 hour")),),
    "a snapshot of more than a level": (E.Reconciled(at=when("mon 10:00"), level="l2", priority="high"),),
}


@pytest.mark.parametrize("what", UNHELD)
def test_cases_that_columns_cannot_hold_go_one_by_one_among_the_others(what):
    """Together the frames are those of all one by one."""
    policy = desk(
        SLOW, targets=(Target.resolution("8 business hours"), Target.update("1 business day", use_agreed_interval=True))
    )
    odd = opened(*UNHELD[what])
    found = [case.model_copy(update={"id": f"C-{n}"}) for n, case in enumerate((opened(), odd, opened()))]
    last = microseconds_of(when("wed 09:00"))
    batch = replay_batch(policy, found, last, "recorded")
    assert (batch.by_columns, len(batch.tables["cases"]["case"])) == (2, 3)
    assert_same(one_by_one(policy, found, last), batch.tables)


def test_cases_that_last_too_long_go_one_by_one():
    """Longer than nine years is more than columns have bits for."""
    late = replay(desk(SLOW), [opened()], until=when("wed 09:00").replace(year=2036))
    assert late.by_columns == 0


DOWN = E.DeEscalated(at=when("mon 14:00"), to="l1", reason="a mistake")
MOVED = {
    "up, past what rules ask for": ((E.Escalated(at=when("mon 10:00"), to="l3"),), []),
    "up, below what rules ask for": ((E.Escalated(at=when("mon 10:00"), to="l2"),), ["l3"]),
    "down: what held before asks for nothing": ((DOWN,), ["l3"]),
    "down, and asked for on new evidence": (
        (DOWN, E.CustomerReplied(at=when("mon 15:00"), asks_to_escalate=True)),
        ["l3"] * 2,
    ),
    "observed where it is on record": ((E.Reconciled(at=when("mon 14:00"), level="l1"),), ["l3"]),
    "observed elsewhere": ((E.Reconciled(at=when("mon 14:00"), level="l2"),), ["l3"]),
    "back and forth at one instant": (
        (E.Escalated(at=when("mon 10:00"), to="l3"), E.DeEscalated(at=when("mon 10:00"), to="l1")),
        ["l3"],
    ),
    "while it is resolved": (
        (
            E.Resolved(at=when("mon 10:00")),
            E.Escalated(at=when("mon 11:00"), to="l2"),
            E.Reopened(at=when("tue 10:00")),
        ),
        ["l3"],
    ),
}


@pytest.mark.parametrize("what", MOVED)
def test_what_people_moved_is_held_by_columns(what):
    """Rules 21 and 25: people's moves are facts, also down; rules then ask on later evidence only."""
    history, expected = MOVED[what]
    rules = (
        Rule(key="slow", when=F.open_for >= "3 business hours", to="l3"),
        Rule(key="asked", when=F.escalation_request_open, to="l3"),
    )
    within = levels(l2={"targets": (Target.contact("1 business hour"),)})
    policy = desk(*rules, levels=within, targets=(Target.resolution("8 business hours"),))
    found = [opened(*history)]
    last = microseconds_of(when("wed 09:00"))
    batch = replay_batch(policy, found, last, "replayed")
    assert batch.by_columns == 1
    assert batch.tables["moves"]["to_level"].tolist() == expected
    assert_same(one_by_one(policy, found, last), batch.tables)


def test_what_the_engine_refuses_is_refused():
    """An unknown priority or level, and a fact outside its domain, are errors of the case."""
    policy = desk(facts=(F.count("seats", minimum=0, maximum=5),))
    for case in (
        opened(priority="odd"),
        opened(level="l9"),
        opened(E.PriorityChanged(at=when("mon 10:00"), to="odd")),
        opened(facts={"seats": 9}),
        opened(E.FactChanged(at=when("mon 10:00"), name="seats", value="many")),
    ):
        with pytest.raises(EscalationRulesError):
            replay(policy, [case], until=when("tue 09:00"))
    with pytest.raises(UnknownName):
        replay(policy, [opened(priority="odd")], until=when("tue 09:00"))


def request(at):
    return E.EscalationRequested(at=when(at))


HAPPENED = {
    "each request takes it up by one": ((request("mon 10:00"), request("mon 11:00")), ["mon 10:00", "mon 11:00"]),
    "of several, the latest is the evidence": (
        (
            E.Resolved(at=when("mon 09:30")),
            request("mon 10:00"),
            request("mon 11:00"),
            E.Reopened(at=when("mon 12:00")),
        ),
        ["mon 11:00"],
    ),
    "what happened on another level counts no more": (
        (
            E.Resolved(at=when("mon 09:30")),
            request("mon 10:00"),
            E.Escalated(at=when("mon 11:00"), to="l2"),
            E.Reopened(at=when("mon 12:00")),
        ),
        [],
    ),
}


@pytest.mark.parametrize("what", HAPPENED)
def test_what_happened_on_a_level_is_held_by_columns(what):
    """Rule 22: evidence of what happened is the latest event; `happened` looks at the stay on the level."""
    history, causes = HAPPENED[what]
    policy = desk(
        Rule(key="asked", when=F.happened(E.EscalationRequested.like(wants="attention")), to="next"),
        Rule(key="silent", when=~F.happened(E.Acknowledged.like()) & (F.priority == "high"), to="l3"),
    )
    found = [opened(*history)]
    last = microseconds_of(when("wed 09:00"))
    batch = replay_batch(policy, found, last, "replayed")
    assert batch.by_columns == 1
    assert batch.tables["moves"]["cause"].tolist() == [microseconds_of(when(cause)) for cause in causes]
    assert_same(one_by_one(policy, found, last), batch.tables)


OUTSIDE = {
    "moved outside by a rule": ((), ["outside"], "void"),
    "and reopened": (
        (E.Resolved(at=when("mon 12:30")), E.Reopened(at=when("mon 13:00")), E.LevelFailed(at=when("mon 14:00"))),
        ["outside"],
        "void",
    ),
    "outside by hand, and back": (
        (
            E.Escalated(at=when("mon 10:00"), to="outside"),
            E.DeEscalated(at=when("mon 12:00"), to="l1"),
            E.LevelFailed(at=when("mon 13:00"), level="l1"),
        ),
        ["l2"],
        "void",
    ),
    "outside when it is resolved": (
        (E.Resolved(at=when("mon 10:00")), E.Escalated(at=when("mon 11:00"), to="outside")),
        [],
        "met",
    ),
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_cases_that_went_outside_are_held_by_columns(what):
    """Rule 28: on entry pending clocks are void, and no rule moves the case until it is back or reopened."""
    history, expected, outcome = OUTSIDE[what]
    rules = (
        Rule(key="failed", when=F.level_failed, to="next"),
        Rule(key="slow", when=F.open_for >= "3 business hours", to="outside"),
    )
    policy = desk(
        *rules,
        levels=(*levels()[:2], EscalationLevel(key="outside", external=True)),
        targets=(Target.resolution("8 business hours"),),
    )
    found = [opened(*history)]
    last = microseconds_of(when("wed 09:00"))
    batch = replay_batch(policy, found, last, "replayed")
    assert batch.by_columns == 1
    assert batch.tables["moves"]["to_level"].tolist() == expected
    assert batch.tables["deadlines"]["outcome"].tolist()[0] == outcome
    assert_same(one_by_one(policy, found, last), batch.tables)


def test_who_still_waits_when_a_case_is_back_from_outside_is_owed_an_answer_anew():
    """Rules 12 and 28: outside the clock is void; once back, the next response is owed from then on."""
    policy = desk(
        levels=(*levels()[:2], EscalationLevel(key="outside", external=True)),
        targets=(Target.next_response("2 business hours"),),
    )
    waits_still = (E.SupportReplied(at=when("mon 09:30")), E.CustomerReplied(at=when("mon 10:00")))
    there_and_back = (E.Escalated(at=when("mon 10:30"), to="outside"), E.DeEscalated(at=when("mon 12:00"), to="l1"))
    found, last = [opened(*waits_still, *there_and_back)], microseconds_of(when("wed 09:00"))
    batch = replay_batch(policy, found, last, "replayed")
    assert batch.by_columns == 1
    assert batch.tables["deadlines"]["outcome"].tolist() == ["void", "breached"]
    assert_same(one_by_one(policy, found, last), batch.tables)


def test_a_rule_for_a_level_asks_as_soon_as_people_put_a_case_there():
    """It held before; what it waited for is the level. And moves are counted up, not down."""
    rules = (
        Rule(key="old on l2", when=F.open_for >= "30 minutes", at_level="l2", to="l3"),
        Rule(key="sent around", when=F.moves >= 3, to="l3"),
    )
    there_and_back = (E.Escalated(at=when("mon 09:10"), to="l2"), E.DeEscalated(at=when("mon 09:20"), to="l1"))
    again = (E.Escalated(at=when("mon 09:22"), to="l2"), E.DeEscalated(at=when("mon 09:24"), to="l1"))
    found = [
        opened(E.Escalated(at=when("mon 10:00"), to="l2")),
        opened(*there_and_back),
        opened(*again, *there_and_back),
    ]
    found = [case.model_copy(update={"id": f"C-{n}"}) for n, case in enumerate(found)]
    last = microseconds_of(when("wed 09:00"))
    batch = replay_batch(desk(*rules), found, last, "replayed")
    assert batch.by_columns == 3
    moves = batch.tables["moves"]
    assert [(case, rules) for case, rules in zip(moves["case"], moves["rules"], strict=True)] == [("C-0", "old on l2")]
    assert moves["due_at"].tolist() == [np.datetime64("2026-03-02T10:00:00", "us").tolist()]
    assert_same(one_by_one(desk(*rules), found, last), batch.tables)


def test_a_log_with_levels_goes_by_columns():
    """A level in the log is an observation; what people moved is kept, and what the rules add shows beside it."""
    import pandas as pd

    from escalation_rules.simulation import LogMapping, cases_from_frame

    rows = [("A", 9, "l1"), ("A", 10, "l2"), ("A", 13, "l1"), ("B", 9, "l1"), ("B", 12, "l1"), ("C", 9, "l2")]
    frame = pd.DataFrame([{"c": c, "at": when(f"mon {h:02}:00").isoformat(), "l": level} for c, h, level in rows])
    log = cases_from_frame(frame, LogMapping(case="c", at="at", level="l"))
    replayed = replay(desk(SLOW), log, until=when("tue 09:00"))
    assert replayed.by_columns == 3
    assert replayed.tables["stays"]["level"].tolist() == ["l1", "l2", "l1", "l1", "l2", "l2"]
    assert_same(one_by_one(desk(SLOW), log.histories, microseconds_of(when("tue 09:00"))), replayed.tables)


def waits(start, end=None):
    """A wait, from one time of the week to another."""
    return (E.WaitStarted(at=when(start)), *(() if end is None else (E.WaitEnded(at=when(end)),)))


def to_high(at, late=0):
    return E.PriorityChanged(at=when(at) + late * MICROSECOND, to="high")


AT_THE_VERY_INSTANT = {
    "a wait that begins at due": waits("mon 17:00"),
    "a wait that begins after due, still at closing time": waits("tue 09:00"),
    "a wait that begins before due": waits("mon 16:00", "tue 10:00"),
    "a change just when the new span is used": (to_high("mon 11:00"),),
    "a change a microsecond later": (to_high("mon 11:00", 1),),
    "a change after a wait in which nothing was counted": (*waits("mon 11:00"), to_high("mon 12:00")),
    "a change just when the new span is used after a wait": (*waits("mon 10:00", "mon 12:00"), to_high("mon 13:00")),
    "a change as the wait ends": (*waits("mon 11:00", "mon 12:00"), to_high("mon 12:00")),
    "a breach by change and a wait at once": (to_high("mon 13:00"), *waits("mon 13:00", "mon 15:00")),
    "a change while closed": (*waits("mon 10:00", "mon 16:00"), to_high("mon 20:00")),
    "a change back": (to_high("mon 10:00"), E.PriorityChanged(at=when("mon 10:30"), to="low")),
    "a wait and then a change at once": (*waits("mon 11:00"), to_high("mon 11:00")),
    "a wait that ends at once, and a change": (*waits("mon 11:00", "mon 11:00"), to_high("mon 11:00")),
    "a wait that ends at once, and a change later": (*waits("mon 11:00", "mon 11:00"), to_high("mon 12:00")),
    "a wait for somebody else": (E.WaitStarted(at=when("mon 10:00"), on="vendor"), *waits("mon 11:00", "mon 12:00")),
}


@pytest.mark.parametrize("what", AT_THE_VERY_INSTANT)
@pytest.mark.parametrize(
    "span", ["2 business hours", "0 business hours", "2 hours", "1 business day", "1 business day, same time"]
)
def test_what_happens_at_the_very_instant_is_the_same_both_ways(what, span):
    """A microsecond decides what a pause rescues, and what a change has caused."""
    within = Pick(by="priority", values={"high": span}, otherwise="8 business hours")
    rules = (
        Rule(key="missed", when=F.outcome("resolution") == "breached", to="next"),
        Rule(key="half", when=F.used("resolution") >= "50%", to="l2"),
    )
    policy = desk(*rules, targets=(Target.resolution(within),))
    history = (*AT_THE_VERY_INSTANT[what], E.Resolved(at=when("thu 12:00")))
    found = [opened(*sorted(history, key=lambda event: event.at), priority="low")]
    replayed = replay(policy, found, until=when("fri 12:00"))
    assert replayed.by_columns == 1
    assert_same(one_by_one(policy, found, microseconds_of(replayed.until)), replayed.tables)


@pytest.mark.parametrize(("late", "caused"), [(0, False), (1, True)])
def test_a_breach_is_caused_by_a_change_from_one_microsecond_on(late, caused):
    """Just when the new span is used up, the deadline is due now and the change has caused nothing."""
    within = Pick(by="priority", values={"high": "2 business hours"}, otherwise="8 business hours")
    replayed = replay(
        desk(targets=(Target.resolution(within),)),
        [opened(to_high("mon 11:00", late), priority="low")],
        until=when("fri 12:00"),
    )
    assert replayed.by_columns == 1
    assert replayed.tables["deadlines"]["breached_by_change"].tolist() == [caused]
