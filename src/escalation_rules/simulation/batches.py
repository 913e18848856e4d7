"""Some cases under a policy: the frames of all of them."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from escalation_rules.case import Case
from escalation_rules.engine import program_of
from escalation_rules.engine.fold import told
from escalation_rules.events import AcceptableEvent
from escalation_rules.policy import Policy
from escalation_rules.simulation.columns import columnar, plan_of, which
from escalation_rules.simulation.frames import Columns, by_case, columns_of, joined
from escalation_rules.simulation.histories import Histories
from escalation_rules.simulation.lives import Lives

__all__ = ["Batch", "Moves", "one_by_one", "replay_batch"]

Moves = Literal["replayed", "recorded"]


class Batch(NamedTuple):
    """The frames of some cases, and how many of the cases were replayed by columns."""

    tables: dict[str, Columns]
    by_columns: int


def replay_batch(policy: Policy, cases: Histories | list[Case], last: int, moves: Moves) -> Batch:
    """The frames of some cases: by columns what these can hold, the others one by one."""
    if isinstance(cases, list):
        cases = [case if moves == "recorded" else _of_people(case) for case in cases]
    plan = plan_of(policy)
    if plan is None:
        return Batch(one_by_one(policy, cases, last), 0)
    histories = cases if isinstance(cases, Histories) else Histories.of(cases)
    held = which(plan, histories, last)
    if isinstance(cases, list):
        held &= np.array([not any(case.keys_until(last)) for case in cases], np.bool_)
    found = (
        columnar(plan, histories if held.all() else histories.chosen(np.flatnonzero(held)), last)
        if held.any()
        else None
    )
    if found is None:
        return Batch(one_by_one(policy, cases, last), 0)
    if held.all():
        return Batch(found, len(held))
    rest = np.flatnonzero(~held)
    others = histories.chosen(rest) if isinstance(cases, Histories) else [cases[number] for number in rest.tolist()]
    singly = one_by_one(policy, others, last)
    return Batch({name: by_case(joined([found[name], singly[name]])) for name in found}, int(held.sum()))


def one_by_one(policy: Policy, cases: Histories | list[Case], last: int) -> dict[str, Columns]:
    """The frames of cases that go through the engine, each by itself."""
    lives = Lives(program_of(policy), last)
    for case in cases.told(last) if isinstance(cases, Histories) else (told(case, last) for case in cases):
        lives.live(case)
    return {name: columns_of(name, rows) for name, rows in lives.rows.items()}


def _of_people(case: Case) -> Case:
    """The case without what rules asked for."""
    if not any(isinstance(event, AcceptableEvent) for event in case.history):
        return case
    kept = tuple(event for event in case.history if not (isinstance(event, AcceptableEvent) and _of_rules(event)))
    return Case.model_construct(id=case.id, history=kept, attributes=case.attributes)


def _of_rules(event: AcceptableEvent) -> bool:
    return event.is_accepted or bool(getattr(event, "rules", ()))
