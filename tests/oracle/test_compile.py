"""A compiled condition is true of a state exactly when the oracle says that the condition is."""

from __future__ import annotations

import pytest
from hypothesis import given, note

from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import fold
from escalation_rules.engine.machine import Machine
from escalation_rules.program.model import tree_holds
from escalation_rules.worktime._timeline import microseconds_of
from tests.generator import situations
from tests.oracle.conditions import condition_holds, without_negations
from tests.oracle.fold import Fold


@pytest.mark.law
@given(situations())
def test_a_tree_of_the_program_holds_when_the_condition_does(situation):
    """Rules 20 and 29 to 31: each rule, alone and with its levels and guards, and each variant of each target."""
    policy, case, at = situation
    note(f"{policy!r}\n{case!r}\n{at!r}")
    now = microseconds_of(at)
    machine, slow = machine_of(policy), Fold(policy, case, now)
    slow.run()
    state = fold(machine, case, now)
    stays = {track: slow.stay(track) for track in slow.tracks}
    codes = {code.name: code for code in machine.program.rules}
    for rule in policy.all_rules:
        expected = condition_holds(
            without_negations(rule.when), lambda atom, rule=rule: slow.truth(rule, atom, now, stays) is True
        )
        for holds in (
            lambda number: bool(state.tests.truth >> number & 1),
            lambda number: machine.holds[number](state),
        ):
            assert tree_holds(codes[rule.key].own_tree, holds) is expected
            assert codes[rule.key].holds(holds) is slow.holds(rule, now, stays)
    assert chosen(machine, state) == [
        None if (target := slow.applicable(group, now)) is None else group.index(target) for group in groups(policy)
    ]


def chosen(machine: Machine, state) -> list[int | None]:
    """For each target of the program, the number of the variant that applies."""
    return [
        next(
            (
                number
                for number, variant in enumerate(target.variants)
                if variant.when is None or tree_holds(variant.when, lambda test: machine.holds[test](state))
            ),
            None,
        )
        for target in machine.program.targets
    ]


def groups(policy) -> list[list]:
    """The targets with one key, of the policy and then of each level, in the order of the policy."""
    scopes = [policy.targets, *(level.targets for level in policy.all_levels)]
    return [
        [target for target in targets if target.key == key]
        for targets in scopes
        for key in dict.fromkeys(target.key for target in targets)
    ]
