"""`policy_suite`: a class with one test for each promise, to be collected by pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from escalation_rules.errors import InvalidValue, Problem, UnknownName, unknown
from escalation_rules.policy import Policy
from escalation_rules.testing.invariants import DECORATED, Invariant, hold
from escalation_rules.testing.promises.clocks import CLOCKS
from escalation_rules.testing.promises.decisions import CASES, DECISIONS
from escalation_rules.testing.promises.moves import MOVES
from escalation_rules.testing.runs import Run
from escalation_rules.testing.strategies import problem_with, runs

INVARIANTS: tuple[Invariant, ...] = (*DECISIONS, *MOVES, *CLOCKS, *CASES)
"""The promises that every policy makes."""


PATIENCE = 20
"""How many times as many runs are tried before a promise counts as never exercised."""


def policy_suite(
    policy: Policy, *, extra: Invariant | Iterable[Invariant] = (), skip: Mapping[str, str] = MappingProxyType({})
) -> type:
    """A fresh class with a `test_<name>` for every promise, and for that or those in `extra`.

    Inherit from it in a class whose name begins with `Test`, or assign it to such a name. The loaded Hypothesis
    profile decides how much is tried; its deadline is lifted, and a failure is explained by its story. `skip` maps a
    promise's name to the reason for leaving it out. A promise whose premise the policy cannot meet is skipped with
    that reason; one whose premise is possible and was never met fails, since it has not been tested. Raises
    `UnknownName` for a name in `skip` that is no promise, and `InvalidValue` for what is no policy, no invariant or
    no reason.

    >>> from escalation_rules import presets
    >>> class TestComplaints(policy_suite(presets.complaint_ladder(), skip={"pure": "an example"})): ...
    >>> hasattr(TestComplaints, "test_wake_at_exact")
    True
    """
    own = tuple(extra) if isinstance(extra, Iterable) else (extra,)
    if problems := [*_problems_with(policy, own), *_problems_with_skipping(skip or {})]:
        raise InvalidValue(*problems, subject="policy_suite")
    promises, reasons = {one.name: one for one in (*INVARIANTS, *own)}, dict(skip or {})
    if odd := [unknown("invariant", name, promises, "skip") for name in reasons if name not in promises]:
        raise UnknownName(*odd)
    tests = {f"test_{one.name}": _test(policy, one, reasons.get(one.name)) for one in promises.values()}
    return type("PolicySuite", (), {"__doc__": f"What policy {policy.name} {policy.version} promises.", **tests})


def _problems_with(policy: object, extra: Sequence[object]) -> Iterator[Problem]:
    if problem := problem_with(policy):
        yield problem
    named = {one.name: one for one in INVARIANTS}
    for number, one in enumerate(extra):
        path = f"extra[{number}]"
        if not isinstance(one, Invariant):
            given = getattr(one, "__name__", one)
            yield Problem("not an invariant", given, path=path, expected=f"a function under `{DECORATED}`")
        elif named.setdefault(one.name, one) is not one:
            yield Problem("two invariants named", one.name, path=path, expected="a name for each, or one is not tried")


def _problems_with_skipping(skip: object) -> Iterator[Problem]:
    if not isinstance(skip, Mapping):
        names = [skip] if isinstance(skip, str) or not isinstance(skip, Iterable) else list(skip)
        meant = "{" + ", ".join(f"{name!r}: 'why'" for name in names) + "}"
        yield Problem("no reason for skipping", ", ".join(map(str, names)), path="skip", suggestion=meant)
        return
    for name, reason in skip.items():
        if not isinstance(reason, str) or not reason.strip():
            yield Problem("not a reason", reason, path=f"skip[{name!r}]", expected="a text that says why")


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


def _phases() -> list[Phase]:
    """Those of the loaded profile, but the one that names lines of code: the story says more, and much sooner."""
    return [phase for phase in settings().phases if phase is not Phase.explain]


def _tried(policy: Policy, promise: Invariant, times: int) -> bool:
    """As many runs as the loaded profile says, times a factor."""
    __tracebackhide__ = True
    met = []

    @settings(deadline=None, max_examples=times * settings().max_examples, phases=_phases())
    @given(runs(policy))
    def every_run(run: Run) -> None:
        __tracebackhide__ = True
        if hold(promise, run):
            met.append(True)

    every_run()
    return bool(met)
