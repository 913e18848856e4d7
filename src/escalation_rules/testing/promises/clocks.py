"""Promises about deadlines: what was counted, what came of it, and what a pause or a change can do to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from escalation_rules import events as E
from escalation_rules.decision import Deadline, levels_of
from escalation_rules.engine import deadlines, decide
from escalation_rules.policy import Policy
from escalation_rules.targets import waits_of
from escalation_rules.testing.invariants import invariant
from escalation_rules.testing.runs import MICROSECOND, Run, Step

Name = tuple[str, str | None, datetime | None, int]
"""What tells one instance of a target from all others of a case."""


def no_targets(policy: Policy) -> str | None:
    """What a policy without targets lacks."""
    return None if policy.all_targets else "the policy has no targets"


def _no_pauses(policy: Policy) -> str | None:
    return None if any(target.pause_on for target in policy.all_targets) else "nothing pauses a target"


def _no_priorities(policy: Policy) -> str | None:
    return no_targets(policy) or (None if len(policy.priorities) > 1 else "the policy has no priorities")


def _all(step: Step) -> tuple[Deadline, ...]:
    return (*step.decision.deadlines, *step.decision.stopped_deadlines)


@invariant("what a clock counted adds up to its budget at its due, and no sooner", lacks=no_targets)
def segments_sum_to_budget(run: Run) -> bool | None:
    """Counted stretches up to the due make the budget, and all stretches together the time that passed.

    What is used up exactly at closing time is due then, and not at the next opening.
    """
    met = False
    for step in run.steps:
        for one in _all(step):
            if one.started_at is None or one.budget is None:
                continue
            end = one.stopped_at or step.at
            assert _sum(one, end, counted=None) == end - one.started_at
            if one.due_at is not None and (one.stopped_at is None or one.due_at <= one.stopped_at):
                met = True
                _adds_up(one)
                assert not _is_late(one), f"`{one.target}` had used up its budget before its due"
    return None if met else False


def _is_late(one: Deadline) -> bool:
    """Whether all was counted before the due, of what is due as soon as it is."""
    if one.due_at is None or not one.budget or one.breached_by_change or not one.at_close:
        return False
    return _sum(one, one.due_at - MICROSECOND, counted=True) >= one.budget


def _adds_up(one: Deadline) -> None:
    """The counted stretches up to the due make the budget; what a change put into the past had counted more."""
    if one.due_at is not None and not one.breached_by_change:
        assert _sum(one, one.due_at, counted=True) == one.budget, f"`{one.target}` counts to something else"


def _sum(one: Deadline, at: datetime, *, counted: bool | None) -> timedelta:
    return sum((s.length for s in one.segments(at) if counted in {None, s.counted}), timedelta(0))


@invariant("in time is in time, and late is late", lacks=no_targets)
def met_iff_stopped_by_due(run: Run) -> bool | None:
    """Met is what stopped at its due or before; breached is what stopped after it, or has not stopped after it."""
    met = False
    for step in run.steps:
        for one in _all(step):
            if one.due_at is None or one.outcome not in {"met", "breached", "pending"}:
                continue
            met = met or one.outcome != "pending"
            in_time = "pending" if one.stopped_at is None else "met"
            expected = in_time if (one.stopped_at or step.at) <= one.due_at else "breached"
            assert one.outcome == expected, f"`{one.target}` is {one.outcome}, not {expected}"
    return None if met else False


@invariant("a breach is for ever", lacks=no_targets)
def breach_is_permanent(run: Run) -> bool | None:
    """What was breached at one step is breached at every later one, and no wait that begins at the due prevents it."""
    late: set[Name] = set()
    waits = sorted({on for target in run.policy.all_targets for on in waits_of(target)})
    for step in run.steps:
        for one in step.decision.deadlines:
            if one.clock == "running" and one.due_at is not None and one.due_at > step.at:
                waited = step.case.record(*(E.WaitStarted(at=one.due_at, on=on) for on in waits))
                then = deadlines(run.policy, waited, at=one.due_at + MICROSECOND)
                # a case that is closed and reopened at one instant has two clocks of one name: the last is open
                outcome = [other.outcome for other in then if _name(other) == _name(one)][-1]
                assert outcome in {"breached", "void"}, f"a wait from its due on keeps `{one.target}` {outcome}"
        now = {_name(one): one.outcome for one in deadlines(run.policy, step.case, at=step.at)}
        for name in late:
            assert now.get(name) == "breached", f"`{name[0]}` is {now.get(name)}"
        late |= {name for name, outcome in now.items() if outcome == "breached"}
    return None if late else False


def _name(one: Deadline) -> Name:
    return one.target, one.level, one.started_at, one.occurrence


@invariant("waiting never makes anything due sooner", lacks=_no_pauses)
def pause_never_shortens(run: Run) -> bool | None:
    """An hour of waiting, for whatever pauses a target, leaves its due where it was or later, and its budget whole."""
    met = False
    waits = sorted({on for target in run.policy.all_targets for on in waits_of(target)})
    for step in run.steps[-3:]:
        before = {
            _name(one): one for one in step.decision.deadlines if one.clock == "running" and one.due_at is not None
        }
        for on in waits if before else ():
            later = step.at + timedelta(hours=1)
            waited = step.case.record(E.WaitStarted(at=step.at, on=on), E.WaitEnded(at=later))
            after = decide(run.policy, waited, at=later)
            if levels_of(after) != levels_of(step.decision) or after.wake_at is None:
                continue
            for one in after.deadlines:
                known = before.get(_name(one))
                if (
                    known is not None
                    and known.due_at is not None
                    and one.due_at is not None
                    and known.budget == one.budget
                ):
                    met = True
                    assert one.due_at >= known.due_at, f"`{one.target}` is due sooner for a wait for {on}"
                    _adds_up(one)
    return None if met else False


@invariant("what was counted before a change of priority stays counted", lacks=_no_priorities)
def counted_time_survives_change(run: Run) -> bool | None:
    """The clocks that go on after a change have counted as much as before, and what they count makes their budget."""
    met = False
    for step in (*run.steps[-3:], *(one for one in run.steps[:-3] if _is_paused(one))):
        before = _counted(step.decision.deadlines, step.at)
        for priority in run.policy.priorities if before else ():
            case = step.case.record(E.PriorityChanged(at=step.at, to=priority))
            changed = decide(run.policy, case, at=step.at)
            resumed = decide(run.policy, case.record(E.WaitEnded(at=step.at)), at=step.at)
            for one in (*changed.deadlines, *resumed.deadlines):
                _adds_up(one)
            for name, counted in _counted(changed.deadlines, step.at).items():
                if name in before:
                    met = True
                    assert counted == before[name], f"`{name[0]}` had counted {before[name]}, and now {counted}"
    return None if met else False


def _is_paused(step: Step) -> bool:
    return any(one.clock == "paused" for one in step.decision.deadlines)


def _counted(some: Iterable[Deadline], at: datetime) -> dict[Name, timedelta]:
    return {_name(one): _sum(one, at, counted=True) for one in some if one.outcome == "pending"}


@invariant("a more urgent case is never slower", lacks=_no_priorities)
def more_urgent_never_slower(run: Run) -> bool | None:
    """Opened with a higher priority, the same case is due no later and stands no lower. Not every policy wants this."""
    opening = run.case.history[0]
    priorities = run.policy.priorities
    if not isinstance(opening, E.Opened) or opening.priority in {None, priorities[-1]}:
        return False
    higher = priorities[priorities.index(str(opening.priority)) + 1]
    urgent = run.case.model_copy(
        update={"history": (opening.model_copy(update={"priority": higher}), *run.case.history[1:])}
    )
    step = run.steps[0]
    sooner = decide(run.policy, urgent, at=step.at)
    dues = {one.target: one.due_at for one in sooner.deadlines}
    for track in run.policy.all_tracks:
        order = [None, *(level.key for level in track.levels)]
        assert order.index(sooner.positions[track.key].level) >= order.index(step.decision.positions[track.key].level)
    for one in step.decision.deadlines:
        due = dues.get(one.target)
        assert due is None or one.due_at is None or due <= one.due_at, f"`{one.target}` is due later at {higher}"
    return None


CLOCKS = (
    segments_sum_to_budget,
    met_iff_stopped_by_due,
    breach_is_permanent,
    pause_never_shortens,
    counted_time_survives_change,
)
