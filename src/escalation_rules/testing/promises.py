"""What an invariant is: a sentence that must hold of every run of a policy, and the function that looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.policy import Policy
from escalation_rules.testing.runs import Run

__all__ = ["DECORATED", "Invariant", "invariant"]

DECORATED = '@invariant("what must hold of every run")'
"""How a function of a run is made an invariant."""

Check = Callable[[Run], bool | None]
Need = Callable[[Policy], str | None]


def _nothing(_: Policy) -> None:
    return None


@dataclass(frozen=True)
class Invariant:
    """A promise: its name, its sentence, the check, and what a policy must have for it to mean anything.

    The check raises AssertionError where the promise is broken, and returns False where the run did not meet its
    premise: a promise whose premise no run meets has not been tested. `lacks` says what a policy lacks for the premise
    ever to be met, or None.
    """

    name: str
    sentence: str
    check: Check
    lacks: Need = _nothing

    def __call__(self, run: Run) -> bool | None:
        """Hold it against a run."""
        return self.check(run)


def invariant(sentence: str, *, lacks: Need = _nothing) -> Callable[[Check], Invariant]:
    """Make an invariant of a function of a run; its name is the function's. Raises `InvalidValue` without a sentence.

    The function asserts. It may return False to say that this run did not meet its premise. `lacks` is asked once a
    policy: a text says what the policy lacks for the premise ever to be met, and the test is skipped with it.

    >>> @invariant("an urgent case is never left on the first level for an hour")
    ... def urgent_moves(run):
    ...     for step in run.steps:
    ...         if step.fact("priority") == "urgent" and step.fact("open_for") >= "1 hour":
    ...             assert step.level != "first"
    >>> urgent_moves.name
    'urgent_moves'
    """
    if not isinstance(sentence, str) or not sentence.strip():
        name = getattr(sentence, "__name__", sentence)
        raise InvalidValue(Problem("invariant without its sentence", name, expected=f"a text: `{DECORATED}`"))

    def make(check: Check) -> Invariant:
        return Invariant(getattr(check, "__name__", "invariant"), sentence, check, lacks)

    return make
