"""Promises about the figures of a case, and about the policy as a whole."""

from __future__ import annotations

from escalation_rules import events as E
from escalation_rules.testing.promises import invariant
from escalation_rules.testing.runs import Run

__all__ = ["CASES"]


@invariant("figures for life only rise")
def figures_only_rise(run: Run) -> bool | None:
    """How often management was asked for, how often the case came back and how often it moved up.

    They do not fall when a request is answered either, nor when the case is resolved and comes back.
    """
    if len(run.steps) < 2:
        return False
    before = (0, 0, 0)
    for step in run.steps:
        now = run.case.escalations(step.at), run.case.reopened(step.at), step.fact("moves")
        assert all(later >= earlier for later, earlier in zip(now, before, strict=True)), f"{before}, then {now}"
        later = step.case.record(*(kind(at=step.at) for kind in (E.EscalationAnswered, E.Resolved, E.Reopened)))
        assert later.escalations(step.at) >= now[0]
        assert later.reopened(step.at) > now[1]
        before = now
    return None


@invariant("when a case was first resolved is kept")
def first_resolution_is_kept(run: Run) -> bool | None:
    """Reopening and resolving again change the total, not the first."""
    first = None
    for step in run.steps:
        found = run.case.first_resolved_at(step.at)
        assert first is None or found == first
        first = first or found
    return None if first is not None else False


CASES = (figures_only_rise, first_resolution_is_kept)
