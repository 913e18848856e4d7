"""The library's conditions without negations are the oracle's."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from escalation_rules import facts as F
from escalation_rules.conditions import AllOf, AnyOf, Condition, Not, atoms, normal
from tests.generator import small_comparison
from tests.oracle.conditions import comparisons, without_negations

single = st.integers(0, 10_000).map(lambda seed: small_comparison(Random(seed)))
conditions: st.SearchStrategy[Condition] = st.recursive(
    single,
    lambda inner: (
        inner.map(lambda one: Not(of=one))
        | st.lists(inner, max_size=3).map(lambda several: AllOf(of=tuple(several)))
        | st.lists(inner, max_size=3).map(lambda several: AnyOf(of=tuple(several)))
    ),
    max_leaves=8,
)


@given(conditions)
def test_negations_move_into_the_comparisons(condition: Condition) -> None:
    """Rule 31: neither a comparison of something unknown nor its opposite is true."""
    assert normal(condition) == without_negations(condition)
    assert list(atoms(condition)) == comparisons(condition)


def test_not_all_is_one_not_and_not_any_is_all_not() -> None:
    """As it is known."""
    busy, seen = F.replies >= 2, F.acknowledged == True
    late = (F.reopenings > 1) | (F.moves != 3)
    assert without_negations(~(busy & seen)) == (F.replies < 2) | (F.acknowledged != True)
    assert without_negations(~late) == (F.reopenings <= 1) & (F.moves == 3)
    assert without_negations(~~late) == late
