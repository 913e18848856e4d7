"""Laws of the contract on random policies and histories, with hosts that are prompt and hosts that are late."""

from __future__ import annotations

import pickle
from datetime import timedelta

import pytest

import escalation_rules
from escalation_rules import Case, Policy, decide, forecast, settle, worktime
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from tests.acceptance_bench import TICK
from tests.acceptance_story import a_pair

SEEDS = pytest.mark.parametrize("seed", range(60))
NAMES = {**vars(escalation_rules), **vars(worktime), "E": E, "F": F, "A": A}
LONG = timedelta(hours=50)


def prompt(policy, story, until):
    """The case of a host that acts at every event and at every wake-up."""
    known, coming, now = Case(id=story.id, history=story.history[:1]), list(story.history[1:]), story.history[0].at
    for _ in range(400):
        while coming and coming[0].at <= now:
            known = known.record(coming.pop(0))
        settled = settle(policy, known, at=now, by="desk")
        known = settled.case
        instants = [one for one in (settled.decision.wake_at, coming[0].at if coming else None) if one and one <= until]
        if not instants:
            break
        now = min(instants)
    return known


@SEEDS
def test_rule_27_wake_at_is_exact(seed):
    """Equal until a microsecond before, different at the instant, and never again once there is none."""
    policy, story, at = a_pair(seed)
    decision = decide(policy, story, at=at)
    for _ in range(8):
        wake = decision.wake_at
        if wake is None:
            assert decide(policy, story, at=decision.at + timedelta(days=400)).answer == decision.answer
            break
        assert decide(policy, story, at=max(decision.at, wake - TICK)).answer == decision.answer
        after = decide(policy, story, at=wake)
        assert after.answer != decision.answer
        decision = after


@SEEDS
def test_rule_18_late_is_as_prompt(seed):
    """The same events by id and instant, and the same deadlines."""
    policy, story, at = a_pair(seed)
    late, quick = settle(policy, story, at=at + LONG), prompt(policy, story, at + LONG)
    if late.decision.status in {"resolved", "closed"}:
        assert late.decision.moves == late.decision.actions == ()  # nothing is asked of a resolved case
        return
    ours = [{(one.id, one.at) for one in some.history if one.actor == "automation"} for some in (late.case, quick)]
    assert ours[0] == ours[1]
    assert late.decision.answer == decide(policy, quick, at=at + LONG).answer


@SEEDS
def test_forecast_is_what_is_decided_later(seed):
    """If nobody does anything."""
    policy, story, at = a_pair(seed)
    known = {move.key for move in decide(policy, story, at=at).moves}
    later = [(move.key, move.due) for move in decide(policy, story, at=at + LONG).moves if move.key not in known]
    assert [(move.key, move.due) for move in forecast(policy, story, at=at, until=at + LONG)] == later


@SEEDS
def test_rule_21_rules_are_free_of_order(seed):
    """Reversed, the same moves and the same actions."""
    policy, story, at = a_pair(seed)
    turned = policy.model_copy(update={"rules": policy.rules[::-1]})
    one, two = decide(policy, story, at=at), decide(turned, story, at=at)
    assert one.moves == two.moves
    assert {action.key for action in one.actions} == {action.key for action in two.actions}


@SEEDS
def test_rule_23_what_is_recorded_is_not_asked_again(seed):
    """All of it, or one of it."""
    policy, story, at = a_pair(seed)
    decision = decide(policy, story, at=at)
    for asked in ([one.key for one in (*decision.moves, *decision.actions)], *([move.key] for move in decision.moves)):
        after = decide(policy, story.record(*decision.accept(at=at, only=asked)), at=at)
        assert not set(asked) & {one.key for one in (*after.moves, *after.actions)}


@SEEDS
def test_segments_sum(seed):
    """The counted ones to the budget at due, all of them to the time that passed."""
    policy, story, at = a_pair(seed)
    decision = decide(policy, story, at=at + LONG)
    for deadline in (*decision.deadlines, *decision.ended):
        if deadline.started is None:
            continue
        segments = deadline.segments(at + LONG)
        end = deadline.stopped or at + LONG
        assert sum((one.end - one.start for one in segments), timedelta()) == end - deadline.started
        if deadline.due and not deadline.caused_by_change and deadline.outcome != "void" and end >= deadline.due:
            counted = [one.end - one.start for one in deadline.segments(deadline.due) if one.counted]
            assert sum(counted, timedelta()) == deadline.budget


@SEEDS
def test_everything_is_itself_again(seed):
    """By repr, JSON and pickle."""
    policy, story, _ = a_pair(seed)
    for value, kind in ((policy, Policy), (story, Case)):
        assert eval(repr(value), dict(NAMES)) == value == kind.model_validate_json(value.model_dump_json())
        assert pickle.loads(pickle.dumps(value)) == value
        assert isinstance(hash(value), int)
