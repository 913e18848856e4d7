"""Many cases at once: which policies and cases the vectorised replay supports, and the passes that make frames.

What events alone make of the cases comes first, then the clocks of targets and the comparisons that depend on nothing
else, and last the rules, with what depends on levels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from escalation_rules.engine.rules import leaves
from escalation_rules.policy import Policy
from escalation_rules.simulation.arrays import INSTANT_BITS, RowBuffer
from escalation_rules.simulation.columns.atoms import (
    ClockTest,
    DurationTest,
    PickedDurationTest,
    Unsupported,
    ValueTest,
)
from escalation_rules.simulation.columns.clocks import EventClocks, LevelClocks, TargetTerms
from escalation_rules.simulation.columns.compile import Plan, TargetCode, TemplateTables
from escalation_rules.simulation.columns.conditions import (
    Observations,
    at_dial,
    at_nothing,
    at_picked,
    at_timed,
    turns_of,
)
from escalation_rules.simulation.columns.facts import EventFacts, Positions, RecordedMoves
from escalation_rules.simulation.columns.fold import MOST, Sweep
from escalation_rules.simulation.columns.rules import Agenda, hangs_on_rules
from escalation_rules.simulation.columns.tables import Tables
from escalation_rules.simulation.frames import Columns, concatenated
from escalation_rules.simulation.histories import Histories

__all__ = ["columnar", "plan_of", "which"]


_PLAN = "plan for columns"
_BATCH = 1 << 14
"""How many cases go together: as many as a processor's cache holds, and no more than a key has room for."""


def plan_of(policy: Policy) -> Plan | None:
    """The plan of a policy, made when it is first needed and kept with it; None if columns cannot hold the policy."""
    if _PLAN not in policy.__dict__:
        try:
            policy.__dict__[_PLAN] = Plan(policy)
        except Unsupported:
            policy.__dict__[_PLAN] = None
    return policy.__dict__[_PLAN]  # type: ignore[no-any-return]


# rule 18: the cases whose recorded moves the vectorised replay can follow
def which(plan: Plan, histories: Histories, until: int) -> NDArray[np.bool_]:
    """Which cases of a batch columns can hold."""
    if not len(histories) or until - int(histories.at.min()) >= 1 << INSTANT_BITS:
        return np.zeros(len(histories), np.bool_)
    held: NDArray[np.bool_] = np.diff(histories.starts) < MOST
    unheld = np.array([not plan.holds(one.prototype) for one in histories.templates], np.bool_)
    if unheld.any():
        held &= ~np.logical_or.reduceat(unheld[histories.code], histories.starts[:-1])
    return held


def columnar(plan: Plan, histories: Histories, until: int) -> dict[str, Columns] | None:
    """The five frames of cases that columns can hold; None if, seeing what is in them, they cannot."""
    seen = histories.until(until)
    codes = seen.code.astype(np.intp)  # what arrays are read by
    used = np.flatnonzero(np.bincount(codes, minlength=len(seen.templates)))
    prototypes = [seen.templates[code].prototype for code in used.tolist()]
    numbers = np.zeros(len(seen.templates), np.intp)
    numbers[used] = np.arange(len(used))
    codes, parts = numbers[codes], []
    try:
        for first in range(0, len(seen), _BATCH):
            last = min(first + _BATCH, len(seen))
            some, here = seen.part_of(first, last), slice(seen.starts[first], seen.starts[last])
            script = TemplateTables(plan, prototypes, some.starts, some.at, codes[here])
            parts.append(_Passes(plan, EventFacts(script), until).tables(some.ids))
    except Unsupported:
        return None
    return {name: concatenated([part[name] for part in parts]) for name in parts[0]}


class _Passes:
    """What becomes of some cases, pass by pass."""

    def __init__(self, plan: Plan, states: EventFacts, until: int) -> None:
        self.plan, self.states, self.until, self.left = plan, states, until, RowBuffer(12)
        self.records = RecordedMoves(states)
        self.groups: dict[str, list[tuple[TargetCode, TargetTerms]]] = {}
        for group in states.script.groups:
            self.groups.setdefault(group.key, []).append((group, TargetTerms(states, self.records, group)))
        self.hanging = {  # where cases go outside, the clocks of all targets depend on where they stand
            key
            for key, groups in self.groups.items()
            if plan.goes_outside or any(one.level is not None or terming.hangs for one, terming in groups)
        }
        self.rules = {number: rule for number, rule in enumerate(plan.rules) if rule.to is not None or rule.raises}
        used = {number for rule in self.rules.values() for number in leaves(rule.tree)}
        self.used = {k: plan.tests[k] for k in sorted(used)}

    def tables(self, ids: NDArray[np.object_]) -> dict[str, Columns]:
        """The five frames."""
        plan, states = self.plan, self.states
        turns = {k: turns_of(states, looks, self.until) for k, looks in self._looks()}
        points = Agenda(states, self.records, self.rules, turns)
        stands = Positions(plan, states, self.records)
        families = {key: LevelClocks(plan, states, self.groups[key], stands, self.left) for key in sorted(self.hanging)}
        watched = [k for k in self.used if k not in turns]
        sweep = Sweep(plan, states, self.records, points, self.rules, families, stands, watched)
        sweep.run(self.until)
        return Tables(plan, states, ids, sweep, self.left).all()

    def _looks(self) -> Iterator[tuple[int, Observations]]:
        """What is seen of the comparisons that events and time alone decide."""
        for k, one in self.used.items():
            if hangs_on_rules(self.plan, one, self.hanging):
                continue
            if isinstance(one, ValueTest):
                yield k, at_dial(self.states, one)
            elif isinstance(one, DurationTest):
                yield k, at_timed(self.plan, self.states, one)
            elif isinstance(one, PickedDurationTest):
                yield k, at_picked(self.plan, self.states, one)
            elif isinstance(one, ClockTest) and one.target not in self.groups:
                yield k, at_nothing(self.states, one)
        for key, groups in self.groups.items():
            if key not in self.hanging:
                yield from self._run(*groups[0])

    def _run(self, group: TargetCode, terming: TargetTerms) -> Iterator[tuple[int, Observations]]:
        """Lets the clocks of a target run, and says what is seen of comparisons with it."""
        wanted = {k: one for k, one in self.used.items() if isinstance(one, ClockTest)}
        wanted = {k: one for k, one in wanted.items() if one.target == group.key}
        looks = EventClocks(self.plan, self.states, group, terming, self.until).run(list(wanted.values()), self.left)
        yield from zip(wanted, looks, strict=True)
