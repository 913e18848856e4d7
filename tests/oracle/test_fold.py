"""The compiled engine finds what the slow, obvious fold finds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import given, note

from escalation_rules import Case, Policy
from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import all_clocks, fold, snapshot, wake
from escalation_rules.worktime._timeline import microseconds_of
from tests.generator import situations
from tests.oracle.fold import Fold


@given(situations())
def test_compiled_equals_reference(situation: tuple[Policy, Case, datetime]) -> None:
    """Same policy, history and instant: same outcome, and the same next instant at which it changes."""
    policy, case, at = situation
    note(f"{policy!r}\n{case!r}\n{at!r}")
    now = microseconds_of(at)
    slow = Fold(policy, case, now)
    expected = slow.run()
    # records of ours and of the engine's are equal as tuples are
    clocks: list[Any] = sorted(map(slow.found_clock, slow.clocks), key=repr)
    wakes = slow.wake_at(expected)
    state = fold(machine_of(policy), case, now)
    found = snapshot(state)
    assert sorted(all_clocks(state), key=repr) == clocks
    assert found._asdict() == expected._asdict()
    assert wake(state, found) == wakes
    assert snapshot(state) == found, "looking ahead changed the state"
