"""The semantics of moves as laws, each named by its rule: they hold for any policy, any history and any instant."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from escalation_rules import Case, EscalationLevel, Item, Policy, Rule, decide, forecast, settle
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import MICROSECOND, desk, opened, when
from tests.generator import ITEMS, PRIORITIES, cases, policies, situations

LIVE = {"open", "waiting"}
TWO_DAYS = timedelta(hours=50)
SETTLING = E.Escalated | E.DeEscalated | E.PriorityChanged | E.Assigned | E.Reconciled
"""What settles what rules asked for before it, when a person does it."""
few = settings(max_examples=3 * settings.default.max_examples // 10)
"""For laws of single steps, which need fewer examples than those of the whole fold."""


def until(case: Case, at: datetime) -> Case:
    """The case as it was known at an instant."""
    return Case(case.id, [event for event in case.history if event.at <= at])


def without_snapshots(case: Case) -> Case:
    """A snapshot shows what the host had done by then, and so says how prompt it was."""
    return Case(case.id, [event for event in case.history if not isinstance(event, E.Reconciled)])


def prompt_host(policy: Policy, case: Case, at: datetime) -> Case:
    """What the history becomes when the host asks, and does what it is told, at every instant that matters."""
    events = [event for event in case.history if event.at <= at]
    now, known = events[0].at, Case(case.id, events[:1])
    while True:
        known = known.record(*(event for event in events if event.at == now and event is not events[0]))
        settled = settle(policy, known, at=now)
        known = settled.case
        ahead = [event.at for event in events if event.at > now]
        ahead += [settled.decision.wake_at] if settled.decision.wake_at else []
        now = min(ahead, default=at + MICROSECOND)
        if now > at:
            return settle(policy, known, at=at).case


@given(situations())
def test_rule_18_late_equals_prompt(situation):
    """Rule 18: a host that was down gets the same answer as a prompt host once both have caught up."""
    policy, case, at = situation
    case = without_snapshots(case)
    note(f"{policy!r}\n{case!r}\n{at!r}")
    late = settle(policy, until(case, at), at=at)
    assume(late.decision.status in LIVE)
    prompt = prompt_host(policy, case, at)
    assert decide(policy, prompt, at=at).answer == late.decision.answer


@given(situations())
def test_rule_18_settling_is_idempotent_and_keeps_the_rest_of_the_answer(situation):
    """Rule 18: accepting what is asked changes nothing but that it is not asked any more."""
    policy, case, at = situation
    note(f"{policy!r}\n{case!r}\n{at!r}")
    before, settled = decide(policy, case, at=at), settle(policy, case, at=at)
    assert (settled.decision.moves, settled.decision.actions) == ((), ())
    assert settle(policy, settled.case, at=at).events == ()
    if before.status in LIVE and settled.decision.status in LIVE:
        assert rest_of(before) == rest_of(settled.decision)


def rest_of(decision):
    """The answer without what is asked, and without whether and why a position is still to be recorded."""
    rest = {name: value for name, value in decision.answer.items() if name not in {"moves", "actions", "wake_at"}}
    return rest | {
        "positions": [one.model_copy(update={"recorded": True, "reasons": ()}) for one in decision.positions.values()]
    }


@few
@given(situations())
def test_rule_19_moves_are_in_due_order_and_due_is_the_first_instant(situation):
    """Rule 19: `moves` are in due order; at its due a move is asked for, a microsecond before it is not."""
    policy, case, at = situation
    note(f"{policy!r}\n{case!r}\n{at!r}")
    moves = decide(policy, case, at=at).moves
    assert [move.due_at for move in moves] == sorted(move.due_at for move in moves)
    for move in moves:
        known = until(case, move.due_at)
        at_due = decide(policy, known, at=move.due_at)
        assert move.key in [one.key for one in at_due.moves] or at_due.status not in LIVE
        if move.due_at > case.opened_at:
            earlier = decide(policy, until(case, move.due_at - MICROSECOND), at=move.due_at - MICROSECOND)
            assert move.key not in [one.key for one in earlier.moves]


@few
@given(situations(), st.timedeltas(timedelta(0), timedelta(days=10)))
def test_rule_20_levels_only_rise_while_nobody_does_anything(situation, gap):
    """Rule 20: rounds and time raise a case on its tracks, and never lower it."""
    policy, case, at = situation
    note(f"{policy!r}\n{case!r}\n{at!r}")
    known = until(case, at)
    before, after = decide(policy, known, at=at), decide(policy, known, at=at + gap)
    for track in policy.all_tracks:
        order = [None, *(level.key for level in track.levels)]
        assert order.index(before.positions[track.key].level) <= order.index(after.positions[track.key].level)


@few
@given(situations(), st.randoms(use_true_random=False))
def test_rule_21_the_order_of_rules_is_irrelevant(situation, random):
    """Rule 21: the order of rules changes no answer."""
    policy, case, at = situation
    shuffled = list(policy.rules)
    random.shuffle(shuffled)
    other = policy.model_copy(update={"rules": tuple(shuffled)})
    assert decide(other, case, at=at).answer == decide(policy, case, at=at).answer


STATES = st.sampled_from(
    [(F.priority >= priority) for priority in PRIORITIES]
    + [F.flag("down").as_condition(), F.count("seats") >= 2, F.status == "open", F.choice("size") == "small"]
)
RULES = st.lists(st.tuples(STATES, st.sampled_from(["l1", "l2", "l3"])), min_size=1, max_size=5)


@given(
    RULES,
    st.sampled_from([None, *PRIORITIES]),
    st.fixed_dictionaries({}, optional={"down": st.booleans(), "seats": st.integers(0, 5)}),
)
def test_rule_21_in_one_round_adding_a_rule_never_lowers_the_level_reached(wants, priority, facts):
    """Rule 21: from one state, the highest level that a holding rule names wins."""
    rules = [Rule(key=f"r{number}", when=condition, to=to) for number, (condition, to) in enumerate(wants)]
    order = [None, "l1", "l2", "l3"]
    case = opened(priority=priority, facts=facts)

    def reached(some: list[Rule]) -> int:
        policy = desk(
            *some,
            priorities=PRIORITIES,
            facts=(F.flag("down"), F.count("seats", minimum=0, maximum=5), F.choice("size", ("small",))),
        )
        return order.index(decide(policy, case, at=case.opened_at).positions["main"].level)

    assert reached(rules[:-1]) <= reached(rules)


@given(st.lists(st.sampled_from(["fail", "reply", "ask", "same"]), max_size=8), st.integers(0, 30))
def test_rule_22_one_cause_climbs_one_rung(happenings, hours):
    """Rule 22: `next` needs evidence later than the entry, so a case climbs no further than there were causes."""
    policy = desk(
        Rule(key="failed", when=F.level_failed, to="next"),
        Rule(key="asked", when=F.happened(E.EscalationRequested.like()), to="next"),
        Rule(key="high", when=F.priority >= "high", to="next"),
    )
    kinds = {
        "fail": E.LevelFailed,
        "reply": E.CustomerReplied,
        "ask": E.EscalationRequested,
        "same": lambda at: E.PriorityChanged(at=at, to="urgent"),
    }
    events = [kinds[one](at=when("mon 10:00") + timedelta(hours=number)) for number, one in enumerate(happenings)]
    case = opened(*events, priority="normal")
    causes = happenings.count("fail") + happenings.count("ask") + bool(happenings.count("same"))
    decision = decide(policy, case, at=case.history[-1].at + timedelta(hours=hours))
    assert len(decision.moves) <= causes
    assert [move.from_level for move in decision.moves] == ["l1", "l2"][: len(decision.moves)]


@few
@given(situations(), st.timedeltas(timedelta(0), timedelta(days=3)))
def test_rule_23_keys_are_stable_across_calls_versions_and_lateness(situation, gap):
    """Rule 23: a move has the same key when it is asked for later and by another version of the policy."""
    policy, case, at = situation
    known = until(case, at)
    now = decide(policy, known, at=at)
    later = decide(policy.model_copy(update={"version": "2"}), known, at=at + gap)
    keys = {one.key: one.due_at for one in (*now.moves, *now.actions)}
    later_keys = {one.key: one.due_at for one in (*later.moves, *later.actions)}
    if later.status in LIVE:
        assert keys.items() <= later_keys.items()
    assert len(keys) == len(now.moves) + len(now.actions)
    assert all(key.isascii() and len(key) <= 64 for key in keys)


@few
@given(situations())
def test_rule_23_what_is_recorded_by_key_is_not_asked_again(situation):
    """Rule 23: accept all of what is asked, half of it, or one move: what was accepted is never asked again."""
    policy, case, at = situation
    decision = decide(policy, case, at=at)
    asked = [one.key for one in (*decision.moves, *decision.actions)]
    for accepted in (asked, asked[::2], *([move.key] for move in decision.moves)):
        again = decide(policy, case.record(*decision.accept(at=at, only=accepted)), at=at)
        assert not set(accepted) & {one.key for one in (*again.moves, *again.actions)}


@few
@given(situations())
def test_rule_23_what_was_declined_is_never_asked_again(situation):
    """Rule 23: `Declined` says no for good."""
    policy, case, at = situation
    decision = decide(policy, case, at=at)
    asked = [one.key for one in (*decision.moves, *decision.actions)]
    assume(asked)
    declined = case.record(*(E.Declined(at=at, key=key) for key in asked))
    again = decide(policy, declined, at=at + timedelta(hours=2))
    assert not set(asked) & {one.key for one in (*again.moves, *again.actions)}


GUARDED = {"entry": tuple(Item(key=key, needs_evidence=key == "impact") for key in ITEMS), "owner": "ana"}


@given(cases(desk()), st.sampled_from(["l2", "l3", "next"]), st.booleans())
def test_rule_24_what_is_missing_is_exact(case, to, urgent):
    """Rule 24: a held move is released by answering what is missing, and by nothing less."""
    policy = desk(
        Rule(key="wanted", when=F.open_for >= "1 hour", to=to),
        Rule(key="urgent", when=F.priority >= "urgent" if urgent else F.reopenings >= 3, to="l3"),
        levels=tuple(EscalationLevel(key=key, **(GUARDED if key != "l1" else {})) for key in ("l1", "l2", "l3")),
    )
    moving = (E.Escalated, E.DeEscalated, E.LevelFailed, E.Reconciled, E.ChecklistOverridden, E.Declined)
    start = Case.open("C", at=case.opened_at, priority=case.priority(at=case.opened_at))
    case = start.record(*(event for event in case.history[1:] if not isinstance(event, moving)))
    at = case.history[-1].at + timedelta(hours=2)
    decision = decide(policy, case, at=at)
    for held in decision.blocked:
        answers = [E.ItemAnswered(at=at, item=item.key, answer="yes", evidence="seen") for item in held.missing]
        answers += [E.ItemAnswered(at=at, item=one.item, answer="yes", evidence="seen") for one in held.objections]
        assert answers
        released = decide(policy, case.record(*answers), at=at)
        assert {held.move.to, "l3"} & {move.to for move in released.moves}, "or a higher one that it released too"
        for number in range(len(answers)):
            partly = decide(policy, case.record(*answers[:number], *answers[number + 1 :]), at=at)
            assert held.move.to not in [move.to for move in partly.moves]


@few
@given(situations())
def test_rule_25_a_minimum_stay_never_holds_back_a_rise(situation):
    """Rule 25: minimum stays and de-escalation checklists hold back going down, never a move."""
    policy, case, at = situation
    tracks = tuple(
        track.model_copy(
            update={"levels": tuple(level.model_copy(update={"min_stay": "30 days"}) for level in track.levels)}
        )
        for track in policy.tracks
    )
    slow = policy.model_copy(update={"tracks": tracks})
    assert decide(slow, case, at=at).moves == decide(policy, case, at=at).moves


@few
@given(situations())
def test_rule_26_the_owner_is_on_duty_or_nobody_was(situation):
    """Rule 26: availability is judged at due: the owner, then the alternates.

    Unowned only when nobody was there and the level waits.
    """
    policy, case, at = situation
    for move in decide(policy, case, at=at).moves:
        level = policy.level(move.to)
        if move.owner is None:
            continue
        rota = policy.rotas.get(move.owner.role)
        on_duty = rota is None or rota.person_at(microseconds_of(move.due_at)) is not None
        assert move.owner.on_duty == on_duty
        assert move.owner.person == (rota.on_duty(at) if rota else None)
        assert on_duty or level.if_nobody in {"proceed", "skip"}


@given(situations())
def test_rule_27_wake_at_is_exact(situation):
    """Rule 27: from `at` up to `wake_at` the answer is equal; at `wake_at` it differs; without one it never changes."""
    policy, case, at = situation
    note(f"{policy!r}\n{case!r}\n{at!r}")
    known = until(case, at)
    decision = decide(policy, known, at=at)
    if decision.wake_at is None:
        for days in (1, 3, 10, 40, 400):
            assert decide(policy, known, at=at + timedelta(days=days)).answer == decision.answer
        return
    assert decision.wake_at > at
    middle = at + (decision.wake_at - at) / 2
    for instant in {middle, decision.wake_at - MICROSECOND} - {at}:
        assert decide(policy, known, at=instant).answer == decision.answer
    assert decide(policy, known, at=decision.wake_at).answer != decision.answer


@few
@given(policies(), st.data())
def test_rule_28_an_external_level_ends_the_clocks(policy, data):
    """Rule 28: on an external level nothing is pending, nothing moves on any track, and nothing will."""
    external = [level.key for level in policy.all_levels if level.external]
    assume(external)
    case = data.draw(cases(policy))
    kept = [
        event
        for event in case.history
        if not isinstance(event, E.Reopened | E.Resolved | E.Closed | E.Voided | E.Reconciled)
    ]
    at = case.history[-1].at + timedelta(hours=1)
    outside = Case("C", kept).record(E.Escalated(at=at, to=data.draw(st.sampled_from(external))))
    later = outside.record(E.CustomerReplied(at=at + timedelta(hours=1)), E.LevelFailed(at=at + timedelta(hours=2)))
    for known, instant in ((outside, at), (later, at + timedelta(days=2))):
        decision = decide(policy, known, at=instant)
        assert decision.status == "external"
        assert decision.moves == ()
        assert all(deadline.outcome == "breached" for deadline in decision.deadlines)
    back = later.record(E.Reopened(at=at + timedelta(days=2)))
    assert decide(policy, back, at=at + timedelta(days=2)).status in LIVE


@few
@given(situations())
def test_rule_8_events_after_at_do_not_exist(situation):
    """Rule 8: a decision is blind to the future."""
    policy, case, at = situation
    assert decide(policy, case, at=at).answer == decide(policy, until(case, at), at=at).answer


@few
@given(situations(), st.randoms(use_true_random=False))
def test_rule_8_the_order_of_arrival_is_irrelevant(situation, random):
    """Rule 8: a late arrival takes its place by its instant."""
    _, case, _ = situation
    events = list({event.at: event for event in case.history[1:] if event.at > case.opened_at}.values())
    shuffled = random.sample(events, len(events))
    start = Case(case.id, case.history[:1])
    assert start.record(*events) == start.record(*shuffled)
    one_by_one = start
    for event in shuffled:
        one_by_one = one_by_one.record(event)
    assert one_by_one == start.record(*events)


@few
@given(situations())
def test_rule_11_the_same_id_recorded_twice_changes_nothing(situation):
    """Rule 11: every event that is accepted has an id, and recording it again is harmless."""
    policy, case, at = situation
    events = decide(policy, case, at=at).accept(at=at)
    once = case.record(*events)
    assert once.record(*events) == once
    assert all(event.id and event.actor == "automation" for event in events)


@few
@given(situations())
def test_rule_18_a_late_host_records_the_events_of_a_prompt_one(situation):
    """Rule 18: the events that the library makes have the same ids and instants, while no person does what rules do.

    A move, a priority or an assignment that a person records settles what was due before it, which a prompt host has
    recorded by then.
    """
    policy, case, at = situation
    known = [event for event in until(case, at).history if not isinstance(event, SETTLING)]
    case, at = Case(case.id, known), at + TWO_DAYS
    note(f"{policy!r}\n{case!r}\n{at!r}")
    late = settle(policy, case, at=at)
    assume(late.decision.status in LIVE)
    prompt = prompt_host(policy, case, at)
    made = [{(one.id, one.at) for one in some.history if one.actor == "automation"} for some in (late.case, prompt)]
    assert made[0] == made[1]


@few
@given(situations())
def test_rule_27_each_wake_up_is_exact_until_there_is_none(situation):
    """Rule 27: eight wake-ups in a row: equal until a microsecond before, different at the instant."""
    policy, case, at = situation
    note(f"{policy!r}\n{case!r}\n{at!r}")
    known = until(case, at)
    decision = decide(policy, known, at=at)
    for _ in range(8):
        wake = decision.wake_at
        if wake is None:
            assert decide(policy, known, at=decision.at + timedelta(days=400)).answer == decision.answer
            break
        assert decide(policy, known, at=max(decision.at, wake - MICROSECOND)).answer == decision.answer
        after = decide(policy, known, at=wake)
        assert after.answer != decision.answer
        decision = after


@few
@given(situations())
def test_rule_13_segments_sum_to_the_budget_and_to_the_time_that_passed(situation):
    """Rule 13: the counted segments sum to the budget at due, and all of them to the time from start to stop."""
    policy, case, at = situation
    case, at = until(case, at), at + TWO_DAYS
    note(f"{policy!r}\n{case!r}\n{at!r}")
    decision = decide(policy, case, at=at)
    for deadline in (*decision.deadlines, *decision.stopped_deadlines):
        if deadline.started_at is None or deadline.budget is None:
            continue
        segments = deadline.segments(at)
        end = deadline.stopped_at or at
        assert sum((one.end - one.start for one in segments), timedelta()) == end - deadline.started_at
        if (
            deadline.due_at
            and not deadline.breached_by_change
            and deadline.outcome != "void"
            and end >= deadline.due_at
        ):
            counted = [one.end - one.start for one in deadline.segments(deadline.due_at) if one.counted]
            assert sum(counted, timedelta()) == deadline.budget


@few
@given(situations(), st.timedeltas(timedelta(0), timedelta(days=5)))
def test_forecast_tells_the_moves_that_come(situation, gap):
    """Rule 18: `forecast` lists what decisions find later, if nobody does anything."""
    policy, case, at = situation
    known = until(case, at)
    coming = forecast(policy, case, at=at, until=at + gap)
    assert all(at < move.due_at <= at + gap for move in coming)
    later = decide(policy, known, at=at + gap)
    now = decide(policy, known, at=at)
    keys = {move.key for move in now.moves}
    expected = [(move.key, move.due_at) for move in later.moves if move.key not in keys]
    assert [(move.key, move.due_at) for move in coming] == expected


@few
@given(situations())
def test_decisions_and_cases_and_policies_survive_json_and_repr(situation):
    """Values round-trip through JSON, pickling and `eval(repr(...))`."""
    import pickle

    import escalation_rules
    from escalation_rules import actions, decision, events, facts, worktime
    from escalation_rules import decision as parts
    from escalation_rules.worktime import clocks

    policy, case, at = situation
    names = {
        **vars(escalation_rules),
        **vars(parts),
        **vars(clocks),
        **vars(worktime),
        "A": actions,
        "E": events,
        "F": facts,
    }
    for value in (policy, case, decide(policy, case, at=at), *decide(policy, case, at=at).accept(at=at)):
        assert type(value).model_validate_json(value.model_dump_json()) == value
        assert pickle.loads(pickle.dumps(value)) == value
        assert eval(repr(value), names) == value
        assert hash(eval(repr(value), names)) == hash(value)
    assert decision.Decision
