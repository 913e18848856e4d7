"""The compiled engine finds what the slow, obvious fold finds."""

from __future__ import annotations

from hypothesis import given, note

from escalation_rules.engine.compiler import compile_policy
from escalation_rules.engine.findings import all_clocks, find
from escalation_rules.engine.fold import fold, wake
from escalation_rules.worktime._timeline import microseconds_of
from tests.reference.fold import Fold
from tests.strategies import situations


@given(situations())
def test_compiled_equals_reference(situation):
    """Same policy, history and instant: same outcome, and the same next instant at which it changes."""
    policy, case, at = situation
    note(f"{policy!r}\n{case!r}\n{at!r}")
    now = microseconds_of(at)
    slow = Fold(policy, case, now)
    expected = slow.run()
    state = fold(compile_policy(policy), case, now)
    found = find(state)
    assert sorted(all_clocks(state), key=repr) == sorted(map(slow.found_clock, slow.clocks), key=repr)
    assert found._asdict() == expected._asdict()
    assert wake(state, found) == slow.wake_at(expected)
