"""Answers as JSON: this library passes its own examples, and another that differs is told where."""

from __future__ import annotations

import json

import pytest

from escalation_rules.testing.conformance import FIELDS, answer_of, check_example, example, read_examples
from tests.bench import EVERYTHING, opened, when

LATE = example("left alone", EVERYTHING, opened(priority="low"), at=when("tue 12:00"))


def test_an_example_is_json_and_holds_for_this_library():
    """Written and read back."""
    [again] = read_examples(json.dumps([LATE]))
    check_example(again)
    assert set(again["expected"]) == set(FIELDS)


def test_an_implementation_that_differs_is_told_every_field():
    """With what was expected and what came."""

    def other(policy, case, at):
        return {**answer_of(policy, case, at), "status": "closed", "wake_at": None}

    with pytest.raises(AssertionError) as told:
        check_example(LATE, other)
    text = str(told.value)
    assert text.startswith("left alone at 2026-03-03T12:00:00+00:00\n")
    assert 'status: expected "open", got "closed"' in text
    assert text.count("\n") == 2


@pytest.mark.parametrize("text", ["{}", "[1]", '[{"name": "x"}]'])
def test_what_is_no_list_of_examples_is_refused(text):
    """With what an example has."""
    with pytest.raises(ValueError, match="not a list of examples: each has at, case, expected, name, policy"):
        read_examples(text)
