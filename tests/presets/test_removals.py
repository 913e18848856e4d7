"""Each row's behaviour is taken out of its preset, construct by construct, and a test named by the row notices."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from escalation_rules import Policy, presets
from tests.presets import test_complaints, test_requests
from tests.presets.surgery import Cut, items_with, level, rule, target, without_actions, without_items, without_level

MODULES = (test_complaints, test_requests)
PAUSED = {"pauses": ("customer",)}

LADDER: dict[str, list[Cut]] = {
    "CL1": [
        without_level("outside"),
        without_level("manager"),
        level("outside", external=False),
        level("outside", on_entry=()),
    ],
    "CL2": [rule("could not be resolved here"), rule("could not be resolved here", to="solutions")],
    "CL3": [target("contact"), target("contact", within="16 business hours"), target("contact", **PAUSED)],
    "CL4": [level("manager", alternates=()), level("manager", nobody="skip")],
    "CL5": [
        level("frontline", work=None),
        level("manager", work=None),
        level("solutions", work=None),
        level("manager", work=items_with("responded", done_by=())),
    ],
}
BOTH: dict[str, list[Cut]] = {
    "RE1": [rule("the customer asks"), rule("asked through another channel"), rule("asked somebody else")],
    "RE2": [rule("production down during an implementation"), rule("dissatisfied")],
    "RE3": [
        level("escalated", entry=None),
        *(level("escalated", entry=without_items(item)) for item in ("problem", "impact", "workaround", "milestone")),
        level("escalated", entry=items_with("workaround", against=())),
    ],
    "RE4": [level("escalated", work=None), level("escalated", on_entry=without_actions("Assign"))],
    "RE5": [level("escalated", on_entry=without_actions("Convene")), target("kick_off"), target("action_plan")],
    "RE6": [target("daily_status"), target("daily_status", recurs=False), target("daily_status", **PAUSED)],
    "RE7": [
        target("update"),
        target("update", agreed=False),
        target("update", **PAUSED),
        target("communication_plan"),
        rule("attend the scheduled calls"),
    ],
    "RE9": [
        level("escalated", exit=None),
        *(
            level("escalated", exit=without_items(item))
            for item in ("progress", "plan_acceptable", "on_track", "agreement")
        ),
        level("escalated", exit=items_with("agreement", evidence=False)),
    ],
}


def _without(number: int) -> tuple[Any, ...]:
    """What is asked when an escalation goes wrong, but for one thing."""
    (found,) = [one for one in presets.regional_escalation().rules if one.name == "no progress, or it has digressed"]
    return tuple(action for index, action in enumerate(found.then) if index != number)


REMOVALS: dict[str, dict[str, list[Cut]]] = {
    "complaint_ladder": LADDER,
    "regional_escalation": {
        **BOTH,
        "RE4": [*BOTH["RE4"], level("escalated", alternates=()), level("escalated", owner="regional_manager")],
        "RE8": [
            rule("no progress, or it has digressed"),
            rule("no progress, or it has digressed", to=None),
            rule("no progress, or it has digressed", then=()),
            rule("no progress, or it has digressed", at=("escalated",)),
            *(rule("no progress, or it has digressed", then=_without(kind)) for kind in range(4)),
            target("recovery_call"),
            level("global", exit=None),
        ],
    },
    "support_request": {**BOTH, "SR": [rule("business impact for management"), rule("attend the scheduled calls")]},
}
"""By preset and row: what to take away, one construct at a time."""


def named_by(row: str) -> Iterator[Callable[[], Any]]:
    """The tests named by a row, each with its arguments."""
    for module in MODULES:
        for name, test in inspect.getmembers(module, inspect.isfunction):
            if name.startswith(f"test_{row}_") or f"_{row}_" in name:
                yield from _runs(test)


def _runs(test: Callable[..., Any]) -> Iterator[Callable[[], Any]]:
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    if not marks:
        yield test
    for mark in marks:
        for value in mark.args[1]:
            yield lambda value=value: test(value)


def fails(test: Callable[[], Any]) -> bool:
    try:
        test()
    except Exception:
        return True
    return False


CUTS = [
    pytest.param(preset, row, cut, id=f"{preset}-{row}-{number}")
    for preset, rows in REMOVALS.items()
    for row, cuts in rows.items()
    for number, cut in enumerate(cuts)
]


@pytest.mark.parametrize(("preset", "row", "cut"), CUTS)
def test_a_removal_is_noticed_by_a_test_of_its_row(preset, row, cut, monkeypatch):
    """With a construct taken out of the preset, some test named by the row fails; without, all of them hold."""
    assert not any(fails(test) for test in named_by(row))
    original: Callable[..., Policy] = getattr(presets, preset)
    monkeypatch.setattr(presets, preset, lambda **choices: cut(original(**choices)))
    assert any(fails(test) for test in named_by(row))


def test_every_row_has_its_removals_and_its_tests():
    """Nothing of the published processes is left to good faith."""
    assert {row for rows in REMOVALS.values() for row in rows} >= ROWS
    assert all(list(named_by(row)) for row in ROWS)


ROWS = {"CL1", "CL2", "CL3", "CL4", "CL5", "SR"} | {f"RE{number}" for number in range(1, 10)}
