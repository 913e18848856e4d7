"""Holds every promise against the policy that has everything; prints the first that breaks, and exits with 1."""

from __future__ import annotations

# ruff: noqa: T201 a script
import sys

from hypothesis import HealthCheck, Phase, given, settings

from escalation_rules.testing import INVARIANTS, Broken, Invariant, Run, hold, runs
from tests.testing.policies import EVERYTHING

settings.register_profile(
    "keeping",
    max_examples=100,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def every_run(promise: Invariant) -> None:
    """Hold a promise against random runs."""

    @given(runs(EVERYTHING))
    def each(run: Run) -> None:
        hold(promise, run)

    each()


def main() -> int:
    """Every promise in turn."""
    settings.load_profile("keeping")
    for promise in INVARIANTS:
        if promise.lacks(EVERYTHING):
            continue
        try:
            every_run(promise)
        except Broken:
            print(promise.name)
            return 1
        except Exception as error:  # a fault may break anything
            print(f"{promise.name}: {type(error).__name__}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
