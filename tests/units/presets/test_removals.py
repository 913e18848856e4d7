"""Each row's behaviour is taken out of its preset, construct by construct, and a test named by the row notices."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from escalation_rules import Policy, presets
from escalation_rules import events as E
from tests.units.presets import (
    test_all,
    test_complaint_ladder,
    test_escalation_utility,
    test_magic_square,
    test_support_request,
    test_vendor_chain,
)
from tests.units.presets.policy_changes import (
    Cut,
    items_with,
    level,
    rule,
    target,
    track,
    without_actions,
    without_items,
    without_level,
    without_rule_and_track,
)

MODULES = (
    test_all,
    test_vendor_chain,
    test_complaint_ladder,
    test_support_request,
    test_magic_square,
    test_escalation_utility,
)
PAUSED = {"pause_on": ("customer",)}

LADDER: dict[str, list[Cut]] = {
    "CL1": [
        without_level("outside"),
        without_level("manager"),
        level("outside", external=False),
        level("outside", on_entry=()),
    ],
    "CL2": [rule("could not be resolved here"), rule("could not be resolved here", to="solutions")],
    "CL3": [target("contact"), target("contact", within="16 business hours"), target("contact", **PAUSED)],
    "CL4": [level("manager", alternates=()), level("manager", if_nobody="skip")],
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
        level("escalated", entry=items_with("workaround", blocked_by=())),
    ],
    "RE4": [level("escalated", work=None), level("escalated", on_entry=without_actions("Assign"))],
    "RE5": [level("escalated", on_entry=without_actions("Convene")), target("kick_off"), target("action_plan")],
    "RE6": [target("daily_status"), target("daily_status", recurring=False), target("daily_status", **PAUSED)],
    "RE7": [
        target("update"),
        target("update", use_agreed_interval=False),
        target("update", **PAUSED),
        target("communication_plan"),
        rule("attend the scheduled calls"),
    ],
    "RE9": [
        level("escalated", de_escalation=None),
        *(
            level("escalated", de_escalation=without_items(item))
            for item in ("progress", "plan_acceptable", "on_track", "agreement")
        ),
        level("escalated", de_escalation=items_with("agreement", needs_evidence=False)),
    ],
}
ENDED_ONLY = (E.Resolved.like(), E.Closed.like())


def _without_pair(topic: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda found: {name: pair for name, pair in found.items() if name != topic}


def _without(number: int) -> tuple[Any, ...]:
    """What is asked when an escalation goes wrong, but for one thing."""
    (found,) = [one for one in presets.regional_escalation().rules if one.key == "no progress, or it has digressed"]
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
            rule("no progress, or it has digressed", at_level=("escalated",)),
            *(rule("no progress, or it has digressed", then=_without(kind)) for kind in range(4)),
            target("recovery_call"),
            level("global", de_escalation=None),
        ],
    },
    "magic_square": {
        "MS1": [target("first_response"), target("first_response", within="9 business hours")],
        "MS2": [
            rule("asked, whoever was told"),
            target("reach"),
            target("answer"),
            target("reach", calendar="desk", within="1 business hour"),
            target("answer", calendar="desk", within="2 business hours"),
            target("answer", start_on=E.EscalationRequested.like()),
        ],
        "MS3": [
            rule("an answer is nearly due"),
            rule("the customer asks for the status again"),
            rule("the customer asks for the status again", at=()),
            rule("it came back"),
            rule("an urgent case has no answer yet"),
        ],
        "MS4": [target("cause"), target("cause", stop_on=E.PostMortemHeld.like())],
        "MS5": [
            level("escalated", counterparts={}),
            level("escalated", counterparts=_without_pair("technical")),
            level("escalated", counterparts=_without_pair("business")),
            target("square_meeting"),
            target("square_meeting", recurring=False),
        ],
        "MS6": [
            target("action_plan"),
            target("action_plan", stop_on=E.PlanRevised.like()),
            target("plan_review"),
            target("plan_review", recurring=False),
            rule("no backup strategy"),
            rule("an item of the plan is overdue"),
        ],
        "MS7": [
            target("update"),
            target("update", use_agreed_interval=False),
            target("update", **PAUSED),
            target("internal_update"),
            rule("the customer had to ask"),
        ],
        "MS8": [target("post_mortem"), target("post_mortem", when=None), target("post_mortem", start_on=ENDED_ONLY)],
    },
    "escalation_utility": {
        "EU1": [
            without_rule_and_track("expertise is wanted", "elevation"),
            rule("expertise is wanted"),
            without_level("architects"),
            rule("an escalation is requested"),
        ],
        "EU2": [rule("through the utility")],
        "EU3": [rule("in an ordinary update"), rule("in some other way"), rule("an escalation is requested")],
        "EU4": [
            level("duty_manager", work=None),
            *(
                level("duty_manager", work=without_items(item))
                for item in ("history", "noted", "analyst", "customer", "priority")
            ),
            level("duty_manager", work=items_with("customer", done_by=E.COUNTING_REPLY)),
            level("duty_manager", on_entry=()),
        ],
        "EU5": [target("answer"), target("answer", stop_on=E.Resolved.like())],
        "EU6": [level("duty_manager", if_nobody="proceed"), track("management", calendar="desk")],
        "EU7": [target("answer")],
    },
    "vendor_chain": {
        "VC1": [
            level("reseller_l2", owner="reseller_l2"),
            level("vendor_l1", owner="vendor_l1"),
            level("reseller_duty_manager", owner="reseller_duty_manager"),
            rule("attention is wanted"),
        ],
        "VC2": [
            rule("stopped, a large customer"),
            rule("stopped"),
            rule("degraded, a large customer"),
            rule("degraded"),
            rule("no business impact stated"),
        ],
        "VC3": [
            rule("a higher priority is wanted"),
            rule("the next engineer is wanted"),
            rule("the next engineer is wanted", then=()),
            rule("the vendor's next engineer is wanted"),
        ],
        "VC4": [
            rule("not resolved by the reseller's engineer"),
            rule("not resolved by the reseller"),
            rule("not resolved by the vendor's engineer"),
            rule("the reseller drives the vendor"),
            track("vendor", calendar="reseller"),
            target("confer"),
            target("confer", recurring=False),
            target("confer", calendar="reseller"),
            target("confer", **PAUSED),
            level("vendor_executive", targets=()),
        ],
        "VC5": [
            track("reseller_management", calendar="reseller"),
            level("reseller_duty_manager", if_nobody="proceed"),
            rule("not through the engineer or the duty address"),
            rule("attention is wanted", to="reseller_duty_manager"),
            rule("stuck at the vendor"),
            without_level("reseller_executive"),
        ],
        "VC6": [rule("through sales or the field"), rule("handed to somebody they know")],
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
    removed = {row for rows in REMOVALS.values() for row in rows}
    assert removed >= ROWS - {"VC7"}, "what holds VC7 is every policy as a whole, in `test_all.py`"
    assert all(list(named_by(row)) for row in ROWS)


COUNTS = {"CL": 5, "RE": 9, "MS": 8, "EU": 7, "VC": 7}
ROWS = {f"{name}{number}" for name, count in COUNTS.items() for number in range(1, count + 1)} | {"SR"}
