"""Some cases under a policy: the frames of all of them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from escalation_rules.case import Case
from escalation_rules.engine import program_of
from escalation_rules.kinds import Made
from escalation_rules.policy import Policy
from escalation_rules.simulation.frames import Columns, columns_of
from escalation_rules.simulation.histories import Histories
from escalation_rules.simulation.lives import Lives

__all__ = ["Batch", "Moves", "replay_batch"]

Moves = Literal["replayed", "recorded"]


class Batch(NamedTuple):
    """The frames of some cases, and how many of the cases were replayed by columns."""

    tables: dict[str, Columns]
    by_columns: int


def replay_batch(policy: Policy, cases: Histories | list[Case], last: int, moves: Moves) -> Batch:
    """The frames of some cases."""
    lives = Lives(program_of(policy), last)
    for case in cases:
        lives.live(case if moves == "recorded" else _of_people(case))
    return Batch({name: columns_of(name, rows) for name, rows in lives.rows.items()}, 0)


def _of_people(case: Case) -> Case:
    """The case without what rules asked for."""
    if not any(isinstance(event, Made) for event in case.history):
        return case
    kept = tuple(event for event in case.history if not (isinstance(event, Made) and _of_rules(event)))
    return Case.model_construct(id=case.id, history=kept, attributes=case.attributes)


def _of_rules(event: Made) -> bool:
    return event.is_accepted or bool(getattr(event, "rules", ()))
