"""How a broken promise is told: the sentence, when, a case to paste, what happened, why, and how to repeat it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from escalation_rules._values import show
from escalation_rules.case import Case
from escalation_rules.testing.runs import Run, Step
from escalation_rules.wording import say_instant
from escalation_rules.worktime import load_zone

__all__ = ["Broken", "paste", "tell"]


class Broken(AssertionError):
    """A promise that a case breaks. Its text is the story; `step` is where it broke, where that is known."""

    def __init__(self, story: str, step: Step | None = None) -> None:
        super().__init__(story)
        self.step = step


def tell(sentence: str, run: Run, step: Step | None, complaint: str = "") -> str:
    """The story of a run that breaks a promise at a step."""
    return "\n".join(_lines(sentence, run, step, complaint))


def paste(case: Case) -> str:
    """A case as Python that makes it again; it wants `Case` and `events as E`."""
    events = "".join(f"\n      {event!r}," for event in case.history)
    return f"Case({case.id!r}, (" + events + "\n  ))"


def _lines(sentence: str, run: Run, step: Step | None, complaint: str) -> Iterator[str]:
    policy, zone = run.policy, run.steps[0].decision.timezone
    yield sentence
    where = f"broken at {say_instant(step.at, load_zone(zone))} ({zone}), " if step else "broken, "
    yield f"  {where}policy {policy.name} {policy.version}"
    if complaint:
        yield from (f"  {line}" for line in complaint.splitlines())
    yield from ("", f"  case = {paste(run.case)}", "")
    yield from _timeline(run, step)
    told = step or run.steps[-1]
    yield ""
    yield from (f"  {line}" for line in told.decision.explain().splitlines())
    yield ""
    yield f'  to look again: print(decide(policy, case, at=datetime.fromisoformat("{told.at.isoformat()}")).explain())'


def _timeline(run: Run, broken: Step | None) -> Iterator[str]:
    shown = [*takewhile(lambda one: one is not broken, run.steps), *([broken] if broken else [])]
    zone = load_zone(run.steps[0].decision.timezone)
    for step in shown:
        happened = "; ".join(map(_said, step.events)) or "time passed"
        standing = ", ".join(level for level in step.decision.levels.values() if level is not None) or "nowhere"
        asked = [f"to {move.to}" for move in step.decision.moves] + [
            f"held: {one.move.to}" for one in step.decision.blocked
        ]
        mark = ">" if step is broken else " "
        line = f"{mark} {say_instant(step.at, zone):<29} {happened:<44} {standing:<20} {', '.join(asked)}"
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
