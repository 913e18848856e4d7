"""`Span`: an amount of time with its unit, read from text and written back."""

from __future__ import annotations

import pytest

from escalation_rules import EscalationRulesError, Span


@pytest.mark.parametrize("text", ["4 business hours", "90 minutes", "1.5 hours", "PT1H30M", "P1D", "P1M", "0 minutes"])
def test_a_span_says_itself_again(text):
    """By text, by repr, by JSON."""
    span = Span.parse(text)
    assert eval(repr(span)) == span == Span.model_validate_json(span.model_dump_json())


@pytest.mark.parametrize(
    "text", ["", "soon", "-1 hours", "0.5 days", "1.5 business days", "4 bussiness hours", "P1DT2H"]
)
def test_a_span_that_is_none_is_refused(text):
    """With what would have done."""
    with pytest.raises(EscalationRulesError, match="expected"):
        Span.parse(text)
