"""A mapping says which column says what, as data."""

from __future__ import annotations

import pytest

from escalation_rules.errors import InvalidValue
from escalation_rules.simulation import Column, LogMapping

FULL = LogMapping(
    case="number",
    at="updated",
    timezone="Europe/London",
    format="%d/%m/%Y",
    opened="opened",
    status=("state", {"New": "open", 6: "resolved"}),
    priority="urgency",
    level=("team", {"* 2nd": "second", "*": "first"}),
    assigned={"assignee": ("person", "group"), "contact": "contact"},
    events=("what", {"reply": "SupportReplied"}),
    facts={"site": "place"},
    attributes=("product",),
    id="update",
)


def test_a_mapping_round_trips_through_json_and_repr():
    """It is a value like any other."""
    assert LogMapping.model_validate_json(FULL.model_dump_json()) == FULL
    assert eval(repr(FULL), {"LogMapping": LogMapping, "Column": Column}) == FULL


def test_every_column_is_named_with_its_field():
    """So that a missing one can be told."""
    fields = dict(FULL.columns())
    assert fields["status"] == "state"
    assert fields["assigned[assignee]"] == "group"
    assert fields["facts[site]"] == "place"
    assert len(list(FULL.columns())) == 13


def test_whole_numbers_mean_the_same_however_a_frame_holds_them():
    """A column with gaps holds 6 as 6.0."""
    assert [FULL.status.meaning(raw) for raw in (6, 6.0, "6", 6.5)] == ["resolved"] * 3 + [None]


def test_named_values_go_before_patterns_and_patterns_in_order():
    """`* 2nd` is read out of a team's name; a value that is named as it stands is not tried against patterns."""
    column = Column("team", {"* 2nd": "second", "*": "first", "V1 2nd": "own"})
    assert [column.meaning(raw) for raw in ("V1 2nd", "V2 2nd", "G7")] == ["own", "second", "first"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"status": ("state", {"New": "opened"})}, "unknown status `opened`"),
        ({"events": ("what", {"x": "FactChanged"})}, "unknown event that needs no more than an instant `FactChanged`"),
        ({"timezone": "Europe/Lundon"}, "did you mean `Europe/London`"),
        ({"status": 3}, "status"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, said):
    """Unknown statuses, events and zones."""
    with pytest.raises(InvalidValue) as raised:
        LogMapping(case="number", at="updated", **given)
    assert said in str(raised.value)
