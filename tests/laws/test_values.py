"""Laws of values: conditions and events survive storage, and normal forms keep their meaning (rules 29 and 31)."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from escalation_rules import Pick
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.conditions import AllOf, AnyOf, Atom, Condition, Not, atoms, normal, parts
from escalation_rules.worktime import Span
from tests.bench import desk, when
from tests.generator import TRACKS, conditions, events

CONDITIONS = conditions(TRACKS, ("resolution",))
ADAPTER = TypeAdapter(Condition)


@given(CONDITIONS)
def test_every_condition_round_trips(condition):
    """Rule 29: through JSON, pickling and `repr`."""
    names = {"F": F, "E": E, "Pick": Pick, "Span": Span, "AllOf": AllOf, "AnyOf": AnyOf}
    assert ADAPTER.validate_json(ADAPTER.dump_json(condition)) == condition
    assert pickle.loads(pickle.dumps(condition)) == condition
    assert ADAPTER.validate_python(eval(repr(condition), names)) == condition


def value_of(condition, assignment) -> bool | None:
    """The truth of a condition, given that of its atoms: true, false or unknown."""
    if isinstance(condition, Atom):
        if condition in assignment:
            return assignment[condition]
        opposite = assignment[condition.opposite]
        return None if opposite is None else not opposite
    values = [value_of(part, assignment) for part in parts(condition)]
    if isinstance(condition, Not):
        return None if values[0] is None else not values[0]
    decisive = not isinstance(condition, AllOf)
    return decisive if decisive in values else None if None in values else not decisive


def some_truth(data, *several) -> dict:
    """Each atom true, false or unknown, and its opposite accordingly."""
    distinct: dict = {}
    for atom in (atom for condition in several for atom in atoms(condition)):
        if atom not in distinct and atom.opposite not in distinct:
            distinct[atom] = data.draw(st.sampled_from([True, False, None]))
    return distinct


@given(CONDITIONS, st.data())
def test_the_normal_form_means_the_same(condition, data):
    """Rule 31: By Kleene's logic: it is true, false or unknown together with the condition, and has no `Not`."""
    distinct = some_truth(data, condition)
    assert value_of(normal(condition), distinct) == value_of(condition, distinct)
    assert "~(" not in repr(normal(condition)).replace("~(F.", "")


@given(CONDITIONS)
def test_the_normal_form_of_a_double_negation_is_that_of_the_condition(condition):
    """Rule 31: `~~c` is `c`."""
    assert normal(~~condition) == normal(condition)


@given(CONDITIONS, CONDITIONS, st.data())
def test_de_morgan(one, other, data):
    """Rule 31: the opposite of `and` is `or` of the opposites."""
    distinct = some_truth(data, one, other)
    assert value_of(normal(~(one & other)), distinct) == value_of(normal(~one | ~other), distinct)


AT = when("mon 10:00")


@given(st.data())
def test_every_event_round_trips(data):
    """Through JSON, `parse`, pickling and `repr`."""
    event = data.draw(events(desk(), AT))
    assert E.parse(event.model_dump(mode="json")) == event
    assert TypeAdapter(E.Event).validate_json(event.model_dump_json()) == event
    assert pickle.loads(pickle.dumps(event)) == event
    assert eval(repr(event), {"E": E, "Span": Span}) == event
