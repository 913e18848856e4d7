"""The architecture: which package may import which, and what nothing under src does.

A package imports only from rows above its own. Two packages of one row do not import each other, and no modules import
each other in a circle. Imports inside functions count; imports for type checkers alone (`if TYPE_CHECKING:`) do not.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "escalation_rules"
ROOT = "escalation_rules"

ROWS = [
    ["_former_names", "errors", "_values"],
    ["worktime"],
    ["patterns", "events", "case"],
    ["picks", "fact_table", "conditions", "facts"],
    ["actions", "checklists", "targets", "levels", "rules", "validation", "policy", "_arguments", "record"],
    ["explain", "decision"],
    ["program"],
    ["engine"],
    ["", "audit", "metrics", "presets"],
    ["analysis", "simulation"],
    ["views", "testing"],
]
"""Packages and modules of the top level; each row may import the rows before it. The root package is ""."""

LONGEST = 700
LONGER = {"events.py": (900, "the closed union of events is one list that is read from top to bottom")}
"""Files that may have more lines than others, with the reason."""

CLOCKS_AND_IO = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time",
    "os",
    "sys",
    "io.open",
    "open",
    "print",
    "input",
    "random",
    "secrets",
    "uuid",
    "socket",
    "ssl",
    "urllib",
    "http",
    "requests",
    "subprocess",
    "logging",
    "pathlib",
    "shutil",
    "tempfile",
    "threading.Timer",
    "asyncio",
    "sqlite3",
    "locale",
    "getpass",
    "platform",
    "importlib.metadata",
}


def module_of(path: Path) -> str:
    """The name of a module inside the package."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_of(module: str) -> str:
    """The package or module of the top level to which a module belongs."""
    return module.split(".", maxsplit=1)[0]


def paths() -> list[Path]:
    """Every source file."""
    return sorted(SOURCE.rglob("*.py"))


MODULES = {module_of(path): path for path in paths()}
ROW_OF = {package: number for number, row in enumerate(ROWS) for package in row}
EACH_MODULE = pytest.mark.parametrize("module", MODULES)


def tree_of(module: str) -> ast.Module:
    """The parsed source of a module."""
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def is_for_types_only(node: ast.AST) -> bool:
    """Whether a statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def imports_of(node: ast.AST) -> list[str]:
    """Every module of the package that is imported, also inside functions, except for type checkers alone."""
    found: list[str] = []
    if is_for_types_only(node):
        assert isinstance(node, ast.If)
        return [name for child in node.orelse for name in imports_of(child)]
    if isinstance(node, ast.Import):
        found = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        base = node.module or ""
        found = [f"{base}.{alias.name}" if is_module(f"{base}.{alias.name}") else base for alias in node.names]
    inside = [name.removeprefix(ROOT).removeprefix(".") for name in found if name.split(".")[0] == ROOT]
    return inside + [name for child in ast.iter_child_nodes(node) for name in imports_of(child)]


def is_module(name: str) -> bool:
    """Whether a full name is a module or a package, and not a function or class in one."""
    path = SOURCE.parent / Path(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def wrong_imports(module: str, tree: ast.AST) -> list[str]:
    """Imports of a package that is not in a row above the module's own."""
    own = package_of(module)
    return [name for name in imports_of(tree) if package_of(name) != own and not may_import(module, name)]


def may_import(module: str, name: str) -> bool:
    """Whether a module may import another of another package; one that has no row is found by a test of its own."""
    own, other = (ROW_OF.get(package_of(one)) for one in (module, name))
    if own is None or other is None:
        return True
    return other < own or (other == own and not between(name, module))


def between(name: str, module: str) -> bool:
    """Whether an import inside one row leads from one package to another; single modules may import each other."""
    return (SOURCE / package_of(name)).is_dir() and (SOURCE / package_of(module)).is_dir()


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """The modules of a circle of imports, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def impurities(tree: ast.AST) -> list[str]:
    """Names that belong to a clock, I/O, randomness, the environment or logging."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.append(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.append(node.func.id)
    return [name for name in found if name in CLOCKS_AND_IO or name.split(".")[0] in CLOCKS_AND_IO]


def compiled_texts(tree: ast.AST) -> list[str]:
    """Calls of `exec`, `eval` and `compile` as functions."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [func.id for func in calls if isinstance(func, ast.Name) and func.id in {"exec", "eval", "compile"}]


def allowed_lines(path: Path) -> int:
    """How many lines a file may have."""
    return LONGER.get(path.relative_to(SOURCE).as_posix(), (LONGEST, ""))[0]


def test_every_package_has_a_row():
    """A new package or module of the top level is put into a row before it is used; no row names one that is gone."""
    assert {package_of(module) for module in MODULES} == set(ROW_OF)


@EACH_MODULE
def test_a_package_imports_only_from_rows_above_its_own(module):
    """Imports inside functions count too."""
    assert wrong_imports(module, tree_of(module)) == []


def test_no_modules_import_each_other_in_a_circle():
    """Neither inside a package nor inside a row."""
    assert cycle_in({module: set(imports_of(tree_of(module))) - {module} for module in MODULES}) == []


@EACH_MODULE
def test_no_module_reads_a_clock_or_does_io(module):
    """The same arguments always give the same answer."""
    assert impurities(tree_of(module)) == []


@EACH_MODULE
def test_no_module_compiles_text(module):
    """The program is data, and no text is compiled."""
    assert compiled_texts(tree_of(module)) == []


@EACH_MODULE
def test_a_file_is_not_too_long(module):
    """A file is one topic that a reader looks for."""
    path = MODULES[module]
    assert len(path.read_text(encoding="utf-8").splitlines()) <= allowed_lines(path)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("case", "from escalation_rules.engine import decide"),
        ("case", "def late():\n    import escalation_rules.engine.fold"),
        ("engine.fold", "from escalation_rules import Case"),
        ("simulation.logs", "from escalation_rules.analysis import check"),
        ("testing.suite", "from escalation_rules.views import mermaid"),
    ],
)
def test_a_wrong_import_is_found(module, source):
    """The check itself fails when a rule is broken: upward, deferred, from the root, and inside a row."""
    assert wrong_imports(module, ast.parse(source))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("engine.fold", "from escalation_rules.case import Case"),
        ("engine.fold", "from escalation_rules.engine.clocks import due"),
        ("policy", "from escalation_rules.rules import Rule"),
        ("case", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from escalation_rules.engine import decide"),
    ],
)
def test_a_right_import_is_not_found(module, source):
    """Downward, inside a package, inside a row of modules, and for type checkers alone."""
    assert wrong_imports(module, ast.parse(source)) == []


def test_a_circle_is_found():
    """The check itself fails when two or three modules import each other."""
    assert cycle_in({"a": {"b"}, "b": {"a"}})
    assert set(cycle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    assert cycle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("source", ["exec('x = 1')", "eval('1')", "compile('1', '', 'eval')"])
def test_compiled_text_is_found(source):
    """The check itself fails when the rule is broken; `re.compile` is something else."""
    assert compiled_texts(ast.parse(source))
    assert compiled_texts(ast.parse("import re\nre.compile('x')")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "from datetime import datetime\ndatetime.now()",
        "open('x')",
        "import os\nos.environ",
        "import logging",
        "from time import time",
        "def f():\n    from socket import create_connection",
    ],
)
def test_an_impurity_is_found(source):
    """The check itself fails when the promise is broken."""
    assert impurities(ast.parse(source))


def test_the_root_exports_some_25_names_and_nothing_optional():
    """The root is small, and importing it needs no extra."""
    import escalation_rules

    assert 20 <= len(escalation_rules.__all__) <= 28
    assert set(escalation_rules.__all__) <= set(dir(escalation_rules))
