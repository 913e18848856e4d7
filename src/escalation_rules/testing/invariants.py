"""Holding a promise against a run, and where the run breaks it.

Where it broke is looked for when somebody reads the failure: of the hundreds of cases that break a promise while the
shortest is sought, one is read.
"""

from __future__ import annotations

from functools import cached_property
from types import TracebackType

from escalation_rules.testing.promises import Invariant
from escalation_rules.testing.runs import Run, Step
from escalation_rules.testing.story import tell

__all__ = ["Broken", "hold"]


Found = tuple[Step, str]
"""Where a promise broke, and what it complained of."""


class Broken(AssertionError):
    """A promise that a run breaks. Its text is the story; `step` is where it broke."""

    def __init__(self, promise: Invariant, run: Run, error: AssertionError) -> None:
        super().__init__(promise.sentence)
        self.promise, self.run = promise, run
        self._seen, self._complaint = _step_of(error.__traceback__), _complaint(error)

    def __str__(self) -> str:
        return self._story

    @property
    def step(self) -> Step:
        """Where it broke: the step that the promise looked at, or the end of the shortest beginning that breaks it.

        A promise that has come to the last step may only have been left with it.
        """
        return self._found[0]

    @cached_property
    def _found(self) -> Found:
        if any(self._seen is step for step in self.run.steps[:-1]):
            assert self._seen is not None
            return self._seen, self._complaint
        return _earliest(self.promise, self.run) or (self.run.steps[-1], self._complaint)

    @cached_property
    def _story(self) -> str:
        return tell(self.promise.sentence, self.run, *self._found)


def hold(promise: Invariant, run: Run) -> bool:
    """Hold one promise against one run. Whether the run met its premise; raises `Broken` with the story."""
    __tracebackhide__ = True
    try:
        return promise.check(run) is not False
    except AssertionError as error:
        raise Broken(promise, run, error) from None


def _earliest(promise: Invariant, run: Run) -> Found | None:
    """Hold a promise against ever longer beginnings of a run: where the first ends that breaks it, if one does."""
    for length, step in enumerate(run.steps[:-1], 1):
        try:
            promise.check(Run(run.policy, step.case, run.steps[:length]))
        except AssertionError as error:
            return step, _complaint(error)
        except Exception:  # noqa: S112 a promise may want more steps than there were by then
            continue
    return None


def _step_of(trace: TracebackType | None) -> Step | None:
    """The step that a promise was looking at when it failed: the last one in a variable of its function."""
    found = None
    while trace is not None:
        step = trace.tb_frame.f_locals.get("step")
        found = step if isinstance(step, Step) else found
        trace = trace.tb_next
    return found


def _complaint(error: AssertionError) -> str:
    """What an assertion says, without the values that pytest adds to a sentence."""
    return str(error).split("\nassert ")[0]
