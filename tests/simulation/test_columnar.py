"""By columns and case by case: the same frames to the last value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from escalation_rules import Case, Checklist, Pick, Policy, Rota, Rule, Target, Track
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import EscalationRulesError, UnknownName
from escalation_rules.simulation import replay
from escalation_rules.simulation.batches import one_by_one, replay_batch
from escalation_rules.simulation.columnar import plan_of
from escalation_rules.simulation.plans import Plan, Unheld
from escalation_rules.worktime._timeline import microseconds_of
from tests.desk import desk, levels, opened, when
from tests.simulation.logs import sample, service_desk
from tests.strategies import GAPS, cases, policies

SLOW = Rule(name="slow", when=F.open_for >= "2 business hours", to="l2")


def held(policy: Policy, **changes) -> bool:
    """Whether columns can hold a policy, changed like this."""
    try:
        Plan(policy.model_copy(update=changes))
    except (Unheld, EscalationRulesError):
        return False
    return True


def held_part(policy: Policy) -> Policy:
    """What columns can hold of a random policy: one track of plain levels, and those rules and targets."""
    (track, *_) = policy.all_tracks
    none = {"entry": None, "alternates": (), "external": False, "on_entry": (), "targets": ()}
    plain = [level.model_copy(update=none) for level in track.levels]
    bare = policy.model_copy(
        update={"tracks": (), "levels": (), "rules": (), "targets": (), "rotas": {}, "effective_from": None}
    )
    usual = policy.calendar if isinstance(policy.calendar, str) else "office"

    def with_levels(chosen, **more):
        return {"tracks": (Track(key=track.key, levels=tuple(chosen), calendar=track.calendar),), "calendar": usual, **more}

    chosen = []
    for level, before in zip(plain, track.levels, strict=True):
        owner = None if isinstance(level.owner, Pick) and level.owner.by != "priority" else level.owner
        level = level.model_copy(update={"owner": owner})
        for target in before.targets:
            more = level.model_copy(update={"targets": (*level.targets, target)})
            if held(bare, **with_levels([more])):
                level = more
        if not held(bare, **with_levels([level])):
            level = level.model_copy(update={"escalate_after": None})
        chosen.append(level)
    targets = []
    for target in policy.targets:
        if held(bare, **with_levels(chosen, targets=(*targets, target))):
            targets.append(target)
    rules = []
    for rule in policy.rules:
        waived = rule.model_copy(update={"then": () if rule.to else (A.Flag("look"),), "track": None if rule.to != "next" else rule.track})
        if held(bare, **with_levels(chosen, targets=targets, rules=(*rules, waived))):
            rules.append(waived)
    return bare.model_copy(update=with_levels(chosen, targets=targets, rules=rules))


@st.composite
def logs(draw):
    """A policy that columns can hold, cases that they can hold, and an instant."""
    policy = held_part(draw(policies()))
    plan = Plan(policy)
    found = []
    for number in range(draw(st.integers(1, 3))):
        case = draw(cases(policy, most=14))
        history = [event for event in case.history if plan.holds(event)]
        if isinstance(history[0], E.Opened):
            found.append(Case(f"C-{number}", history))
    last = max((case.history[-1].at for case in found), default=when("mon 09:00"))
    return policy, found, last + draw(GAPS) * draw(st.sampled_from((1, 1, -1)))


def assert_same(expected, found):
    for name, table in expected.items():
        for column, values in table.items():
            other = found[name][column]
            assert values.dtype == other.dtype, (name, column)
            np.testing.assert_array_equal(values, other, err_msg=f"{name}.{column}")


@settings(max_examples=300)
@given(logs())
def test_columns_and_case_by_case_are_equal(log):
    """The headline law: over random policies and histories, every frame, to the last value."""
    policy, found, until = log
    note(f"{policy!r}\n{found!r}\n{until!r}")
    last = microseconds_of(until)
    begun = [case for case in found if case.history[0].instant <= last]
    batch = replay_batch(policy, begun, last, "replayed")
    assert batch.by_columns == len(begun)
    assert_same(one_by_one(policy, begun, last), batch.tables)


def test_the_sample_is_the_same_both_ways():
    """2,887 real incidents."""
    policy, log = service_desk(), sample()
    replayed = replay(policy, log)
    assert replayed.by_columns == len(log)
    assert_same(one_by_one(policy, log.histories, microseconds_of(replayed.until)), replayed.tables)
