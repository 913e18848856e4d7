"""Invariants: a sentence, a check of a run, and the report where a run breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from types import TracebackType

from escalation_rules._values import show
from escalation_rules.case import Case
from escalation_rules.decision import levels_of
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.explain import phrase_instant
from escalation_rules.policy import Policy
from escalation_rules.testing.runs import Run, Step
from escalation_rules.worktime import load_zone

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


def report(sentence: str, run: Run, step: Step, complaint: str = "") -> str:
    """The story of a run that breaks a promise at a step."""
    return "\n".join(_lines(sentence, run, step, complaint))


def paste(case: Case) -> str:
    """A case as Python that makes it again; it wants `Case` and `events as E`."""
    events = "".join(f"\n      {event!r}," for event in case.history)
    attributes = f", attributes={show(case.attributes)}" if case.attributes else ""
    return f"Case({case.id!r}, ({events}\n  ){attributes})"


def _lines(sentence: str, run: Run, step: Step, complaint: str) -> Iterator[str]:
    policy, zone = run.policy, run.steps[0].decision.timezone
    yield sentence
    yield f"  broken at {phrase_instant(step.at, load_zone(zone))} ({zone}), policy {policy.name} {policy.version}"
    if complaint:
        yield from (f"  {line}" for line in complaint.splitlines())
    yield from ("", f"  case = {paste(run.case)}", "")
    yield from _timeline(run, step)
    yield ""
    yield from (f"  {line}" for line in step.decision.explain().splitlines())
    yield ""
    yield f'  to look again: print(decide(policy, case, at=datetime.fromisoformat("{step.at.isoformat()}")).explain())'


def _timeline(run: Run, broken: Step) -> Iterator[str]:
    shown = [*takewhile(lambda one: one is not broken, run.steps), broken]
    zone = load_zone(run.steps[0].decision.timezone)
    for step in shown:
        happened = "; ".join(map(_said, step.events)) or "time passed"
        standing = ", ".join(level for level in levels_of(step.decision).values() if level is not None) or "nowhere"
        asked = [f"to {move.to}" for move in step.decision.moves] + [
            f"held: {one.move.to}" for one in step.decision.blocked
        ]
        mark = ">" if step is broken else " "
        line = f"{mark} {phrase_instant(step.at, zone):<29} {happened:<44} {standing:<20} {', '.join(asked)}"
        yield line.rstrip()


def _said(event: object) -> str:
    """An event in few words: its kind, and what is not as usual about it."""
    fields = type(event).model_fields  # type: ignore[attr-defined]
    held = [
        show(getattr(event, name)) if name in {"to", "item", "name", "on"} else f"{name}={show(getattr(event, name))}"
        for name, field in fields.items()
        if name not in {"type", "at", "id", "key", "recorded_at", "actor"}
        and getattr(event, name) != field.get_default(call_default_factory=True)
    ]
    return " ".join([type(event).__name__, *held])


# Where it broke is looked for when somebody reads the failure: of the hundreds of cases that break a promise while the
# shortest is sought, one is read.

Violation = tuple[Step, str]
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
    def _found(self) -> Violation:
        if any(self._seen is step for step in self.run.steps[:-1]):
            assert self._seen is not None
            return self._seen, self._complaint
        return _earliest(self.promise, self.run) or (self.run.steps[-1], self._complaint)

    @cached_property
    def _story(self) -> str:
        return report(self.promise.sentence, self.run, *self._found)


def hold(promise: Invariant, run: Run) -> bool:
    """Hold one promise against one run. Whether the run met its premise; raises `Broken` with the story."""
    __tracebackhide__ = True
    try:
        return promise.check(run) is not False
    except AssertionError as error:
        raise Broken(promise, run, error) from None


def _earliest(promise: Invariant, run: Run) -> Violation | None:
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
