"""The engine's records and keys are those that the oracle has of its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation_rules import actions as A
from escalation_rules.engine import records as engine
from tests.oracle import records

SHARED = sorted(name for name, kind in vars(records).items() if hasattr(kind, "_fields"))
some_names = st.text(max_size=5)
whole = st.integers(0, 2**52)


@pytest.mark.parametrize("name", SHARED)
def test_the_fields_are_the_same(name: str) -> None:
    """So that what is compared is the same thing, in the same place."""
    assert getattr(engine, name)._fields == getattr(records, name)._fields


@given(some_names, some_names, some_names, some_names, whole)
def test_the_keys_are_the_same(case: str, policy: str, track: str, level: str, cause: int) -> None:
    """Rule 23: made of the case, the policy's name, what it is and the instant of its cause."""
    move = (case, policy, track, level, cause)
    assert engine.move_key(*move) == records.move_key(*move)
    for action in (A.Tag(level or "x"), A.RaisePriority("next")):
        asked = (case, policy, ("rule", track), action, cause)
        assert engine.action_key(*asked) == records.action_key(*asked)
