"""`policy_suite`: a class with one test for each promise, to be collected by pytest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import pytest
from hypothesis import given, settings

from escalation_rules.errors import UnknownName, unknown
from escalation_rules.policy import Policy
from escalation_rules.testing.of_cases import CASES
from escalation_rules.testing.of_clocks import CLOCKS
from escalation_rules.testing.of_decisions import DECISIONS
from escalation_rules.testing.of_moves import MOVES
from escalation_rules.testing.promises import Invariant
from escalation_rules.testing.runs import Run, Step
from escalation_rules.testing.story import Broken, tell
from escalation_rules.testing.strategies import runs

__all__ = ["INVARIANTS", "hold", "policy_suite"]

INVARIANTS: tuple[Invariant, ...] = (*DECISIONS, *MOVES, *CLOCKS, *CASES)
"""The promises that every policy makes."""


PATIENCE = 20
"""How many times as many runs are tried before a promise counts as never exercised."""


def policy_suite(policy: Policy, *, extra: Sequence[Invariant] = (), skip: Mapping[str, str] = {}) -> type:
    """A fresh class with a `test_<name>` for every promise, and for those in `extra`.

    Inherit from it in a class whose name begins with `Test`, or assign it to such a name. The loaded Hypothesis
    profile decides how much is tried; only its deadline is lifted. `skip` maps a promise's name to the reason for
    leaving it out. A promise whose premise the policy cannot meet is skipped with that reason; one whose premise is
    possible and was never met fails, since it has not been tested. Raises `UnknownName` for a name in `skip` that is
    no promise.

    >>> from escalation_rules import presets
    >>> class TestComplaints(policy_suite(presets.complaint_ladder(), skip={"pure": "an example"})): ...
    >>> hasattr(TestComplaints, "test_wake_at_exact")
    True
    """
    promises = {one.name: one for one in (*INVARIANTS, *extra)}
    if odd := [unknown("invariant", name, promises, "skip") for name in skip if name not in promises]:
        raise UnknownName(*odd)
    tests = {f"test_{one.name}": _test(policy, one, skip.get(one.name)) for one in promises.values()}
    return type("PolicySuite", (), {"__doc__": f"What policy {policy.name} {policy.version} promises.", **tests})


def _test(policy: Policy, promise: Invariant, reason: str | None) -> Callable[[Any], None]:
    def test(_: Any) -> None:
        __tracebackhide__ = True
        lacking = reason or promise.lacks(policy)
        if lacking:
            pytest.skip(lacking)
        if not _try(policy, promise):
            pytest.fail(f"never exercised: no run met the premise of {promise.sentence!r}", pytrace=False)

    test.__name__, test.__doc__ = f"test_{promise.name}", promise.check.__doc__ or promise.sentence
    return test


def _try(policy: Policy, promise: Invariant) -> bool:
    """Hold a promise against random runs; if none meets its premise, against many more. Whether any met it."""
    __tracebackhide__ = True
    return _tried(policy, promise, 1) or _tried(policy, promise, PATIENCE)


def _tried(policy: Policy, promise: Invariant, times: int) -> bool:
    """As many runs as the loaded profile says, times a factor."""
    __tracebackhide__ = True
    met = []

    @settings(deadline=None, max_examples=times * settings().max_examples)
    @given(runs(policy))
    def every_run(run: Run) -> None:
        __tracebackhide__ = True
        if hold(promise, run):
            met.append(True)

    every_run()
    return bool(met)


def hold(promise: Invariant, run: Run) -> bool:
    """Hold one promise against one run. Whether the run met its premise; raises `Broken` with the story."""
    __tracebackhide__ = True
    try:
        return promise.check(run) is not False
    except AssertionError as error:
        step = _step_of(error.__traceback__)
        raise Broken(tell(promise.sentence, run, step, str(error).split("\nassert ")[0]), step) from None


def _step_of(trace: TracebackType | None) -> Step | None:
    """The step that a promise was looking at when it failed: the last one in a variable of its function."""
    found = None
    while trace is not None:
        step = trace.tb_frame.f_locals.get("step")
        found = step if isinstance(step, Step) else found
        trace = trace.tb_next
    return found
