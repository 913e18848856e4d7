"""The pages on the published processes tell what the presets are: their diagrams, their rows, their tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from escalation_rules import presets, views

TESTS = Path(__file__).parent.parent
PAGES = TESTS.parent / "docs" / "processes"
ROWS = {
    "complaint_ladder": [f"CL{number}" for number in range(1, 6)],
    "support_request": ["SR", *(f"RE{number}" for number in (1, 2, 3, 4, 5, 6, 7, 9))],
    "regional_escalation": [f"RE{number}" for number in range(1, 10)],
    "magic_square": [f"MS{number}" for number in range(1, 9)],
    "escalation_utility": [f"EU{number}" for number in range(1, 8)],
    "vendor_chain": [f"VC{number}" for number in range(1, 8)],
}
EACH = pytest.mark.parametrize("name", presets.__all__)


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


@EACH
def test_the_diagram_is_drawn_from_the_policy(name):
    """The page holds what `views.mermaid` draws of the preset, to the letter."""
    (drawn,) = re.findall(r"```\{mermaid\}\n(.*?)\n```", page(name), re.DOTALL)
    assert drawn == views.mermaid(getattr(presets, name)())


@EACH
def test_every_row_names_tests_that_are_there(name):
    """Each row of the process is on its page, once, with tests of that row's name."""
    told = re.findall(r"^\| (\w+) \| .* \| (.*) \|$", page(name), re.MULTILINE)[1:]
    assert [row for row, _ in told] == ROWS[name]
    files = [*(TESTS / "units" / "presets").glob("*.py"), TESTS / "laws" / "test_presets.py"]
    known = "\n".join(path.read_text(encoding="utf-8") for path in files)
    for row, names in told:
        tests = re.findall(r"`(\w+)`", names)
        assert tests
        assert all(f"_{row}_" in test and f"def {test}(" in known for test in tests)


@EACH
def test_a_page_cites_its_publisher_and_walks_through_a_case(name):
    """And the index leads to it."""
    assert "**Published by**" in page(name)
    assert "## A case" in page(name)
    assert ">>> " in page(name)
    assert f"]({name}.md)" in page("index")
