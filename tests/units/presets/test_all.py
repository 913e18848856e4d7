"""What holds of every preset as a whole: sound, stored and read back, and the same under engine and reference fold."""

from __future__ import annotations

import inspect

import pytest

from escalation_rules import Policy, presets
from escalation_rules import events as E

NAMES = sorted(presets.__all__)
ALL = pytest.mark.parametrize("name", NAMES)


def preset(name: str) -> Policy:
    return getattr(presets, name)()


@ALL
def test_VC7_well_defined_and_stored_and_read_back(name):
    """A preset is a value like any policy: the same from JSON, from its text, and from one call to the next."""
    policy = preset(name)
    assert policy.name == name
    assert Policy.model_validate_json(policy.model_dump_json()) == policy == preset(name)
    assert policy.fingerprint == preset(name).fingerprint
    names = {
        kind: getattr(module, kind)
        for module in (__import__("escalation_rules"), __import__("escalation_rules.worktime").worktime)
        for kind in module.__all__
    }
    names |= {
        "E": E,
        "A": __import__("escalation_rules.actions").actions,
        "F": __import__("escalation_rules.facts").facts,
    }
    assert eval(repr(policy), names) == policy


@ALL
def test_VC7_every_name_a_preset_takes_can_be_changed(name):
    """An organisation's own role names, channels and spans go wherever the preset's own went."""
    make = getattr(presets, name)
    for key, parameter in inspect.signature(make).parameters.items():
        default = parameter.default
        if isinstance(default, str) and default not in {"product"}:
            changed = "3 hours" if default[:1].isdigit() else f"our_{default}"
            made = make(**{key: changed})
            assert made.model_dump_json() != make().model_dump_json(), key
            assert default not in made.roles, f"{key}: {default} is still there"


@ALL
def test_VC7_cites_its_source(name):
    """Every preset says who publishes the process."""
    assert "Source: " in inspect.getdoc(getattr(presets, name))
