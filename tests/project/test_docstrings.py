"""The examples in the docstrings of business time are true."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

from escalation_rules import worktime

MODULES = [module.name for module in iter_modules(worktime.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_true(name):
    """Each stands by itself."""
    assert doctest.testmod(import_module(f"escalation_rules.worktime.{name}")).failed == 0


def test_there_are_examples():
    """The check is not empty."""
    found = [doctest.testmod(import_module(f"escalation_rules.worktime.{name}")).attempted for name in MODULES]
    assert sum(found) > 40
