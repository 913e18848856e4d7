"""Promises about the figures of a case, and about the policy as a whole."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

from escalation_rules import events as E
from escalation_rules.analysis import check
from escalation_rules.policy import Policy
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


@invariant("nothing is found in the policy that its author would hardly want")
def check_is_clean(run: Run) -> None:
    """`analysis.check` has no findings: no dead rule, no level that nobody can reach or leave, no gap."""
    found = _findings(run.policy)
    assert not found, "\n".join(found)


@lru_cache(maxsize=8)
def _findings(policy: Policy) -> tuple[str, ...]:
    return tuple(map(str, check(policy).findings))


def _no_replay(_: Policy) -> str | None:
    missing = [name for name in ("numpy", "narwhals") if find_spec(name) is None]
    return f"replaying needs the extra [simulation]: {', '.join(missing)} not installed" if missing else None


@invariant("a replay of the case says what the decisions say", lacks=_no_replay)
def replay_equals_decide(run: Run) -> bool | None:
    """Every move that was due at some step is in the replay, at the same instant and to the same level."""
    from narwhals import from_native  # noqa: PLC0415 an extra

    from escalation_rules.simulation import replay  # noqa: PLC0415 an extra

    if any(isinstance(event, E.Voided) for event in run.case.history):
        return False
    frame = replay(run.policy, [run.case], until=run.steps[-1].at).frame("moves")
    rows = {row["key"]: (row["due_at"], row["to_level"]) for row in from_native(frame).rows(named=True)}
    for step in run.steps:
        for move in step.decision.moves:
            assert rows.get(move.key) == (move.due, move.to), f"the move to `{move.to}` is not in the replay"
    return None


CASES = (check_is_clean, figures_only_rise, first_resolution_is_kept, replay_equals_decide)
