"""Every name of the first edition gets the present one in its error, and the changelog has the same table."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import escalation_rules
from escalation_rules import EscalationLevel, Policy, Rule
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules._former_names import FIELDS, MODULES
from escalation_rules._values import Finding, Value
from escalation_rules.errors import InvalidValue
from escalation_rules.fact_table import FACTS
from tests.bench import desk, opened, refusal, when

CHANGELOG = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
CLASSES = {one.__name__: one for one in [*Value.__subclasses__()]}
OLD = [(module, old, new) for module, names in MODULES.items() for old, new in names.items()]


def classes() -> dict[str, type]:
    """Every value of the library by its name."""
    found, waiting = {}, [Value]
    for name in ("analysis", "audit", "decision", "engine", "metrics", "simulation", "testing", "worktime"):
        importlib.import_module(f"escalation_rules.{name}")
    while waiting:
        kind = waiting.pop()
        found[kind.__name__] = kind
        waiting += kind.__subclasses__()
    return found


@pytest.mark.parametrize(("module", "old", "new"), OLD)
def test_an_old_name_of_a_module_is_gone_and_the_new_one_is_there(module, old, new):
    """No alias is kept."""
    home = importlib.import_module(f"escalation_rules.{module}")
    assert hasattr(home, new) or new == "BaseEvent"
    assert not hasattr(home, old)


@pytest.mark.parametrize(("name", "old"), [(name, old) for name, names in FIELDS.items() for old in names])
def test_an_old_name_of_a_field_is_gone_and_the_new_one_is_there(name, old):
    """The present name is a field or an attribute of the class, the old one is not."""
    kind = classes()[name]
    new = FIELDS[name][old]
    assert new in kind.model_fields or hasattr(kind, new)
    assert old not in kind.model_fields
    assert new in CHANGELOG


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda: F.escalations, "`F.escalations` is now `F.escalation_requests`"),
        (lambda: E.Observed, "`E.Observed` is now `E.Reconciled`"),
        (lambda: escalation_rules.actions.Flag, "`A.Flag` is now `A.Tag`"),
        (lambda: F.nothing_like_it, "has no attribute `nothing_like_it`"),
        (lambda: Rule("r", when=F.level_failed, to="next").name, "`Rule.name` is now `Rule.key`"),
        (lambda: opened().reopened(at=when("mon 10:00")), "`Case.reopened` is now `Case.reopenings`"),
        (lambda: Finding(code="x", severity="note", message="m").mend, "`Finding.mend` is now `Finding.fix`"),
    ],
)
def test_an_old_attribute_raises_with_the_present_name(ask, text):
    """In one sentence."""
    with pytest.raises(AttributeError) as caught:
        ask()
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Rule(name="r", when=F.level_failed, to="next"), "unknown field `name`; did you mean `key`"),
        (lambda: EscalationLevel("a", cooldown="1 hour"), "unknown field `cooldown`; did you mean `min_stay`"),
        (lambda: E.Assigned(at=when("mon 09:00"), role="contact"), "unknown field `role`; did you mean `as_role`"),
        (
            lambda: Policy.model_validate({"name": "p", "version": "1", "levels": [{"key": "a", "nobody": "hold"}]}),
            "levels[0]: unknown field `nobody`; did you mean `if_nobody`",
        ),
        (
            lambda: desk(
                Rule(
                    "r",
                    when={
                        "type": "atom",
                        "fact": "past_due",
                        "kind": "duration",
                        "op": ">=",
                        "value": "1 hour",
                        "of": "x",
                    },
                    to="l2",
                )
            ),
            "unknown fact `past_due`",
        ),
    ],
)
def test_an_old_field_is_refused_with_the_present_name(make, text):
    """In constructors and in data."""
    assert text in refusal(make)


def test_old_facts_are_no_facts_of_today():
    """A policy that names one in data is told the present name."""
    assert not MODULES["facts"].keys() & FACTS.keys()
    assert set(MODULES["facts"].values()) <= FACTS.keys()


def test_problems_and_findings_have_one_set_of_fields():
    """`code`, `severity`, `message`, `path` and `fix`, whoever found it."""
    with pytest.raises(InvalidValue) as caught:
        desk(Rule("r", when=F.level_failed, to="l9"))
    problem = caught.value.problems[0]
    assert (problem.code, problem.severity, problem.path) == ("unknown-level", "error", "rules[r].to")
    assert problem.message == "unknown level `l9`, expected one of `l1`, `l2`, `l3`"
    assert problem.fix == ""
    assert set(Finding.model_fields) == {"code", "severity", "message", "path", "fix"}
