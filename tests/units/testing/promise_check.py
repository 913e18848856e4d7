"""Holds every promise against the policy that has everything; prints the first that breaks, and exits with 1."""

from __future__ import annotations

# ruff: noqa: T201 a script
import sys

from hypothesis import HealthCheck, Phase, given, settings

from escalation_rules.testing import INVARIANTS, Broken, Run, hold, runs
from tests.bench import EVERYTHING

settings.register_profile(
    "keeping",
    max_examples=200,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@given(runs(EVERYTHING))
def every_run(run: Run) -> None:
    """Hold every promise against one run after the other."""
    for promise in INVARIANTS:
        if not promise.lacks(EVERYTHING):
            try:
                hold(promise, run)
            except Broken as broken:
                raise Noticed(promise.name) from broken


class Noticed(Exception):
    """The name of the promise that broke."""


def main() -> int:
    """What breaks first, if anything does."""
    settings.load_profile("keeping")
    try:
        settings(settings.get_profile("keeping"))(every_run)()
    except Noticed as found:
        print(found)
    except Exception as error:  # a fault may break anything
        print(type(error).__name__)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
