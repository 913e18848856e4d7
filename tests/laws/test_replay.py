"""A replay agrees with `decide` at every instant, and its parts add up to the whole."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
from hypothesis import given, note
from hypothesis import strategies as st

from escalation_rules import Rule, Target, decide, engine
from escalation_rules import facts as F
from escalation_rules.decision import levels_of
from escalation_rules.simulation import Replay, replay
from escalation_rules.simulation.frames import FRAMES
from tests.bench import desk, opened, when
from tests.generator import GAPS, situations

SLOW = Rule(key="slow", when=F.open_for >= "2 business hours", to="l2")
PAUSING = Target.resolution("8 business hours")


def rows(replayed, name):
    """A frame as dicts, missing values as None."""
    frame = replayed.frame(name)
    records = frame.to_dict("records") if isinstance(frame, pd.DataFrame) else frame.to_dicts()
    return [
        {key: None if not isinstance(value, str) and pd.isna(value) else value for key, value in row.items()}
        for row in records
    ]


def same(one, other):
    """Whether two replays are the same to the last value."""
    for name in FRAMES:
        pd.testing.assert_frame_equal(one.frame(name), other.frame(name))
    return True


@given(situations(), st.data())
def test_decide_at_any_instant_gives_what_the_frames_say(situation, data):
    """Levels, moves, what is held back, and every instance of every target."""
    policy, case, at = situation
    until = max(at, case.history[-1].at + data.draw(GAPS))
    note(f"{policy!r}\n{case!r}\n{at!r}\n{until!r}")
    replayed = replay(policy, [case], until=until)
    decision = decide(policy, case, at=at)
    (whole,) = rows(replayed, "cases")
    if whole["void"]:
        assert not any(rows(replayed, name) for name in FRAMES if name != "cases")
        return
    stays = [
        row
        for row in rows(replayed, "stays")
        if row["entered_at"] <= at and not (row["left_at"] and row["left_at"] <= at)
    ]
    if decision.status in {"open", "waiting", "external"}:
        assert {row["track"]: row["level"] for row in stays} == {
            k: v for k, v in levels_of(decision).items() if v is not None
        }
    else:
        assert stays == []
    moves = {row["key"]: row for row in rows(replayed, "moves")}
    for move in decision.moves:
        row = moves[move.key]
        assert (row["due_at"], row["to_level"], row["rules"]) == (move.due_at, move.to, ", ".join(move.rules))
        assert row["from_level"] == move.from_level
    held = [
        row
        for row in rows(replayed, "blocked")
        if row["from_at"] <= at and not (row["until_at"] and row["until_at"] <= at)
    ]
    assert sorted((row["track"], row["to_level"], row["rules"], row["missing"] or "") for row in held) == sorted(
        (
            one.move.track,
            one.move.to,
            ", ".join(one.move.rules),
            ", ".join(f"{item.key}: {item.why}" for item in one.missing),
        )
        for one in decision.blocked
    )
    expected = engine.deadlines(policy, case, at=until)
    found = rows(replayed, "deadlines")
    assert len(expected) == len(found)
    for deadline, row in zip(expected, found, strict=True):
        assert (row["target"], row["occurrence"], row["started_at"]) == (
            deadline.target,
            deadline.occurrence,
            deadline.started_at,
        )
        assert (row["due_at"], row["stopped_at"], row["budget"]) == (
            deadline.due_at,
            deadline.stopped_at,
            deadline.budget,
        )
        assert (row["outcome"], row["breached_by_change"]) == (deadline.outcome, deadline.breached_by_change)
        assert row["counted"] + row["excluded"] == (deadline.stopped_at or until) - deadline.started_at
        if deadline.budget is not None:
            counted = sum((one.length for one in deadline.segments(until) if one.counted), timedelta())
            assert row["counted"] == counted


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_parts_concatenated_are_the_whole(places, random):
    """In any partition, and any order of the parts."""
    policy = desk(SLOW, targets=(PAUSING,))
    cases = [opened().model_copy(update={"id": f"C-{number}"}) for number in range(len(places))]
    until = when("tue 12:00")
    parts = [
        replay(policy, [case for case, place in zip(cases, places, strict=True) if place == part], until=until)
        for part in range(4)
    ]
    random.shuffle(parts)
    assert same(Replay.concat(parts), replay(policy, cases, until=until))
