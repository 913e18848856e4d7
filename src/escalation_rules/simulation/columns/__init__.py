"""The vectorised replay: which policies and cases it supports, and the passes over many cases that make the frames.

Facts that depend on events alone come first, then the clocks of targets and the tests that depend on nothing else, and
last the rules, with all that depends on levels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from escalation_rules.policy import Policy
from escalation_rules.program import program_of
from escalation_rules.program.model import ClockTest, DurationTest, PickedTest, ValueTest, leaves
from escalation_rules.simulation.arrays import INSTANT_BITS, RowBuffer
from escalation_rules.simulation.columns.atoms import Unsupported
from escalation_rules.simulation.columns.clocks import EventClocks, LevelClocks
from escalation_rules.simulation.columns.compile import Plan, TemplateTables, VectorTarget
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
from escalation_rules.simulation.columns.terms import TargetTerms
from escalation_rules.simulation.frames import Columns, concatenated
from escalation_rules.simulation.histories import Histories

__all__ = ["Unsupported", "columnar", "plan_of", "reasons_against"]


_PLAN = "plan for columns"
_BATCH = 1 << 14
"""The cases in one batch: as many as fit a processor's cache, and no more than a key has bits for."""


def plan_of(policy: Policy) -> Plan:
    """Return the plan of a policy, made when it is first needed and kept with it. Raises `Unsupported`."""
    plan: Plan | Unsupported | None = policy.__dict__.get(_PLAN)
    if plan is None:
        try:
            plan = Plan(program_of(policy))
        except Unsupported as unsupported:
            plan = unsupported
        policy.__dict__[_PLAN] = plan
    if isinstance(plan, Unsupported):
        raise Unsupported(plan.reason)
    return plan


# rule 18: the cases whose recorded moves the vectorised replay can follow
def reasons_against(plan: Plan, histories: Histories, until: int) -> NDArray[np.object_]:
    """Return for each case of a batch the first reason why it is not supported; None for the others."""
    reasons = np.full(len(histories), None, object)
    if not len(histories):
        return reasons
    if until - int(histories.at.min()) >= 1 << INSTANT_BITS:
        reasons[:] = "a log of too many years"
        return reasons
    of_templates = [plan.reason_against(template.prototype) for template in histories.templates]
    for reason in dict.fromkeys(filter(None, of_templates)):
        given = np.array([one == reason for one in of_templates], np.bool_)[histories.code]
        found = np.logical_or.reduceat(given, histories.starts[:-1])
        reasons[np.flatnonzero(found & (reasons == None))] = reason  # noqa: E711 compares each element
    reasons[np.flatnonzero(np.diff(histories.starts) >= MOST)] = "more events than a case may have"
    return reasons


def columnar(plan: Plan, histories: Histories, until: int) -> dict[str, Columns]:
    """Return the five frames of supported cases. Raises `Unsupported` if their contents turn out not to be."""
    seen = histories.until(until)
    codes = seen.code.astype(np.intp)  # the type that indexes arrays fastest
    used = np.flatnonzero(np.bincount(codes, minlength=len(seen.templates)))
    prototypes = [seen.templates[code].prototype for code in used.tolist()]
    numbers = np.zeros(len(seen.templates), np.intp)
    numbers[used] = np.arange(len(used))
    codes, parts = numbers[codes], []
    for first in range(0, len(seen), _BATCH):
        last = min(first + _BATCH, len(seen))
        batch, here = seen.part_of(first, last), slice(seen.starts[first], seen.starts[last])
        script = TemplateTables(plan, prototypes, batch.starts, batch.at, codes[here])
        parts.append(_Passes(plan, EventFacts(script), until).tables(batch.ids))
    return {name: concatenated([part[name] for part in parts]) for name in parts[0]}


class _Passes:
    """The passes over one batch of cases."""

    def __init__(self, plan: Plan, states: EventFacts, until: int) -> None:
        self.plan, self.states, self.until, self.left = plan, states, until, RowBuffer(12)
        self.records = RecordedMoves(states)
        self.groups: dict[str, list[tuple[VectorTarget, TargetTerms]]] = {}
        for group in states.script.targets:
            self.groups.setdefault(group.key, []).append((group, TargetTerms(states, self.records, group)))
        self.hanging = {  # if a level is external, the clocks of all targets depend on levels
            key
            for key, groups in self.groups.items()
            if plan.goes_outside or any(code.level is not None or terming.hangs for code, terming in groups)
        }
        self.rules = {number: rule for number, rule in enumerate(plan.rules) if rule.to is not None or rule.raises}
        trees = [tree for rule in self.rules.values() for tree in (rule.tree, rule.unless) if tree is not None]
        used = {number for tree in trees for number in leaves(tree)}
        self.used = {k: plan.tests[k] for k in sorted(used)}

    def tables(self, ids: NDArray[np.object_]) -> dict[str, Columns]:
        """Return the five frames."""
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
        """Yield the observations of each test that events and time alone decide."""
        for k, test in self.used.items():
            if hangs_on_rules(self.plan, test, self.hanging):
                continue
            if isinstance(test, ValueTest):
                yield k, at_dial(self.states, test)
            elif isinstance(test, DurationTest):
                yield k, at_timed(self.plan, self.states, test)
            elif isinstance(test, PickedTest):
                yield k, at_picked(self.plan, self.states, test)
            elif isinstance(test, ClockTest) and test.target not in self.groups:
                yield k, at_nothing(self.states, test)
        for key, groups in self.groups.items():
            if key not in self.hanging:
                yield from self._run(*groups[0])

    def _run(self, group: VectorTarget, terming: TargetTerms) -> Iterator[tuple[int, Observations]]:
        """Run the clocks of a target, and yield the observations of its tests."""
        wanted = {k: test for k, test in self.used.items() if isinstance(test, ClockTest)}
        wanted = {k: test for k, test in wanted.items() if test.target == group.key}
        looks = EventClocks(self.plan, self.states, group, terming, self.until).run(list(wanted.values()), self.left)
        yield from zip(wanted, looks, strict=True)
