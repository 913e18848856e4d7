"""How a broken promise is told: the sentence, when, a case to paste, what happened, why, and how to repeat it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from escalation_rules._values import show
from escalation_rules.case import Case
from escalation_rules.explain import say_instant
from escalation_rules.testing.runs import Run, Step
from escalation_rules.worktime import load_zone

__all__ = ["paste", "tell"]


def tell(sentence: str, run: Run, step: Step, complaint: str = "") -> str:
    """The story of a run that breaks a promise at a step."""
    return "\n".join(_lines(sentence, run, step, complaint))


def paste(case: Case) -> str:
    """A case as Python that makes it again; it wants `Case` and `events as E`."""
    events = "".join(f"\n      {event!r}," for event in case.history)
    attributes = f", {show(case.attributes)}" if case.attributes else ""
    return f"Case({case.id!r}, ({events}\n  ){attributes})"


def _lines(sentence: str, run: Run, step: Step, complaint: str) -> Iterator[str]:
    policy, zone = run.policy, run.steps[0].decision.timezone
    yield sentence
    yield f"  broken at {say_instant(step.at, load_zone(zone))} ({zone}), policy {policy.name} {policy.version}"
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
