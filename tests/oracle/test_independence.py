"""The oracle is a witness of its own: it shares no code with the engine that it is to check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WITNESSES = sorted(
    path for path in HERE.rglob("*.py") if not path.name.startswith("test_") and path.name not in {"claims.py"}
)
"""All but the comparisons, and the referees of `prove`, which ask the engine on purpose."""

MODULES = ("escalation_rules.engine", "escalation_rules.program", "escalation_rules.fact_table")
NAMES = {"expand_snapshots", "on_record_since", "CaseStatus", "normal", "next_cover_change"}


def borrowed(source: str) -> list[str]:
    """What a module imports and must not, by the names of modules or by their own."""
    names = [name for node in ast.walk(ast.parse(source)) for name in imported(node)]
    return [
        name
        for name in names
        if name.rpartition(".")[2] in NAMES or any(name == one or name.startswith(f"{one}.") for one in MODULES)
    ]


def imported(node: ast.AST) -> Iterator[str]:
    """The full names that a statement imports; what is imported from a package may be a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", WITNESSES, ids=lambda path: path.name)
def test_the_oracle_borrows_nothing(path: Path) -> None:
    """Neither from the engine nor what the engine itself is made of."""
    assert not borrowed(path.read_text(encoding="utf-8"))


def test_the_fold_is_among_the_witnesses() -> None:
    """The modules are found where they are."""
    assert {"fold.py", "facts.py", "clocks.py", "records.py", "status.py", "conditions.py", "rotas.py"} <= {
        path.name for path in WITNESSES
    }


@pytest.mark.parametrize(
    "source",
    [
        "import escalation_rules.engine.fold",
        "from escalation_rules.engine import fold",
        "from escalation_rules import program",
        "from escalation_rules.fact_table import FACTS",
        "from escalation_rules.case import Case, expand_snapshots as unfolded",
        "def late():\n    from escalation_rules.worktime.rotas import next_cover_change",
    ],
)
def test_borrowing_is_noticed(source: str) -> None:
    """In each of the ways in which it can be written."""
    assert borrowed(source)
