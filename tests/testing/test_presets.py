"""VC7: the published processes are tested. Every promise is held against random runs of every preset."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from escalation_rules import presets
from escalation_rules.testing import INVARIANTS, hold, runs

PROCESSES = (
    "complaint_ladder",
    "escalation_utility",
    "magic_square",
    "regional_escalation",
    "support_request",
    "vendor_chain",
)
some = settings(max_examples=settings.default.max_examples // 4, deadline=None)


@pytest.mark.parametrize("name", PROCESSES)
def test_VC7_every_preset_keeps_every_promise(name):
    """All that a policy promises, on the same runs; `policy_suite` tries each promise by itself."""
    policy = getattr(presets, name)()
    promises = [one for one in INVARIANTS if not one.lacks(policy)]

    @some
    @given(runs(policy))
    def every_run(run):
        for promise in promises:
            hold(promise, run)

    every_run()


def test_every_preset_is_tried():
    """None is forgotten."""
    made = {name for name in presets.__all__ if callable(getattr(presets, name)) and not name.isupper()}
    assert made == set(PROCESSES)
