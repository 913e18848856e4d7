"""One idea, one word: every public signature and every field, read from the code."""

from __future__ import annotations

import importlib
import inspect
import re
from datetime import date, datetime
from inspect import Parameter
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from escalation_rules import facts
from escalation_rules._values import Instant, Value
from escalation_rules.fact_table import FACTS
from escalation_rules.facts import Fact

MODULES = [
    *("escalation_rules", "escalation_rules.actions", "escalation_rules.analysis", "escalation_rules.audit"),
    *("escalation_rules.case", "escalation_rules.checklists", "escalation_rules.conditions"),
    *("escalation_rules.decision", "escalation_rules.engine", "escalation_rules.events", "escalation_rules.facts"),
    *("escalation_rules.levels", "escalation_rules.metrics", "escalation_rules.picks", "escalation_rules.policy"),
    *("escalation_rules.rules", "escalation_rules.simulation", "escalation_rules.targets"),
    *("escalation_rules.testing", "escalation_rules.views", "escalation_rules.worktime"),
]
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "facts.md"
INSTANTS = {"at", "since", "until", "start", "end", "effective_from", "anchor"}
"""Names of instants that do not end in `_at`."""
ABOUT_AN_INSTANT = {
    *("Calendar.is_open", "Calendar.next_open", "Calendar.next_close", "Rota.on_duty", "Clock.counted"),
    *("Clock.remaining", "Clock.due_if_resumed", "Clock.segments", "Deadline.remaining", "Deadline.due_if_resumed"),
    *("Deadline.segments", "WorkItem.is_overdue", "Step.of"),
}
"""Methods whose one question is an instant: it may be given by position."""


def public() -> dict[str, Any]:
    """Every public class and function by its name, with the public methods of classes."""
    found: dict[str, Any] = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for key in module.__all__:
            one = getattr(module, key)
            if inspect.isclass(one) and one.__module__.startswith("escalation_rules"):
                found[key] = one
                for method, held in vars(one).items():
                    function = getattr(held, "__func__", held)
                    if not method.startswith("_") and inspect.isfunction(function):
                        found[f"{key}.{method}"] = function
            elif inspect.isfunction(one):
                found[key] = one
    return found


PUBLIC = public()
FUNCTIONS = {name: one for name, one in PUBLIC.items() if inspect.isfunction(one)}
VALUES = {name: one for name, one in PUBLIC.items() if inspect.isclass(one) and issubclass(one, Value)}


def is_instant(annotation: object) -> bool:
    return annotation is datetime or any(
        is_instant(one) for one in get_args(annotation) if get_origin(one) is not tuple
    )


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_at_is_an_instant_given_by_name(name):
    """An argument called `at` is a datetime, and is given by name, unless it is all that a method asks."""
    parameter = inspect.signature(FUNCTIONS[name]).parameters.get("at")
    if parameter is None:
        return
    assert "datetime" in str(parameter.annotation) or "Instant" in str(parameter.annotation)
    plain = name.replace("BusinessCalendar", "Calendar").replace("CombinedCalendar", "Calendar")
    assert parameter.kind is parameter.KEYWORD_ONLY or plain.replace("DatedCalendar", "Calendar") in ABOUT_AN_INSTANT


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_by_is_who_acts_or_how_to_group(name):
    """An argument called `by` is an actor's id, or names the columns of a grouping."""
    parameter = inspect.signature(FUNCTIONS[name]).parameters.get("by")
    assert parameter is None or str(parameter.annotation).replace(" | None", "") in {
        "str",
        "str | Sequence[str]",
        "Sequence[str]",
    }


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_field_that_is_an_instant_ends_in_at(name):
    """Besides `at`, `since`, `until`, `start`, `end` and `effective_from`."""
    hints = get_type_hints(VALUES[name], include_extras=True)
    instant = str(Instant)
    odd = [
        field
        for field in VALUES[name].model_fields
        if (instant in str(hints[field]) or hints[field] is datetime)
        and "tuple" not in str(hints[field])
        and not (field.endswith(("_at", "_since")) or field in INSTANTS)
    ]
    assert odd == []


@pytest.mark.parametrize("name", ["Rule", "Target", "EscalationLevel", "Track", "Policy", "Pick"])
def test_only_the_key_is_given_by_position(name):
    """A field that is added later breaks nobody."""
    assert VALUES[name].positional == 1


@pytest.mark.parametrize("name", ["audit", "brief", "health", "kpis", "worklist"])
def test_reports_take_the_policy_then_the_cases_then_names(name):
    """The order of arguments is the same everywhere."""
    parameters = list(inspect.signature(PUBLIC[name]).parameters.values())
    assert parameters[0].name == "policy"
    assert parameters[1].name in {"case", "cases"}
    assert all(one.kind is one.KEYWORD_ONLY for one in parameters[2:])


def test_the_check_sees_what_breaks_it():
    """A date is no instant, and a datetime inside a union is one."""
    assert is_instant(datetime | None)
    assert not is_instant(date)


@pytest.mark.parametrize("name", sorted(VALUES))
def test_help_shows_types_without_checks(name):
    """`help(Rule)` shows the key first and plain types: no `*args` and no validators of pydantic."""
    text = str(inspect.signature(VALUES[name]))
    assert not [word for word in ("Annotated", "Validator", "*args") if word in text]


@pytest.mark.parametrize("name", ["Rule", "Target", "EscalationLevel", "Track"])
def test_the_key_alone_is_given_by_position(name):
    """The signature says so, and the constructor does so."""
    kinds = {key: parameter.kind for key, parameter in inspect.signature(VALUES[name]).parameters.items()}
    assert [key for key, kind in kinds.items() if kind is Parameter.POSITIONAL_OR_KEYWORD] == ["key"]
    assert VALUES[name].positional == 1


@pytest.mark.parametrize("name", [key for key in sorted(FACTS) if isinstance(getattr(facts, key), Fact)])
def test_help_on_a_fact_is_about_the_fact(name):
    """`help(F.unassigned_for)` says what this fact is, and not what facts are."""
    doc = getattr(facts, name).__doc__
    assert doc != Fact.__doc__
    assert doc.endswith(".")


def test_the_reference_names_every_fact_of_the_library():
    """The page lists them by name, since Sphinx passes over values that are not documented by a comment."""
    listed = set(re.findall(r"autodata:: escalation_rules\.facts\.(\w+)", PAGE.read_text(encoding="utf-8")))
    assert listed == {key for key in FACTS if isinstance(getattr(facts, key), Fact)}
