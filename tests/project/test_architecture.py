"""The house stands: a module imports only what is below it, and nothing under src reads a clock or does I/O."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent.parent / "src" / "escalation_rules"

ROWS = [
    ["errors", "_problems", "_values"],
    [
        "worktime.spans",
        "worktime._timeline",
        "worktime.zones",
        "worktime.hours",
        "worktime.segments",
        "worktime._holidays",
        "worktime._bulk",
        "worktime.arithmetic",
        "worktime.calendars",
        "worktime.clocks",
        "worktime.turns",
        "worktime.rotas",
        "worktime",
    ],
    ["constants", "patterns", "kinds", "statuses", "doings", "events", "case"],
    ["picks", "conditions", "facts", "wording"],
    ["actions", "checklists", "targets", "levels", "rules", "validation", "policy", "arguments"],
    ["parts", "explanation", "decision"],
    [
        "engine.outcome",
        "engine.bits",
        "engine.machine",
        "engine.clocks",
        "engine.comparisons",
        "engine.checks",
        "engine.truth",
        "engine.unrolled",
        "engine.happening",
        "engine.effects",
        "engine.owners",
        "engine.moves",
        "engine.findings",
        "engine.fold",
        "engine.collecting",
        "engine.compiler",
        "engine.reasons",
        "engine.reading",
        "engine",
        "engine.asking",
    ],
    [
        "standing",
        "audit.report",
        "audit.names",
        "audit",
        "metrics.figures",
        "metrics.soundness",
        "metrics.kpis",
        "metrics.worklists",
        "metrics.briefing",
        "metrics",
        "presets.calendars",
        "presets.complaints",
        "presets.requests",
        "presets.regions",
        "presets.squares",
        "presets.utilities",
        "presets.chains",
        "presets",
    ],
    [
        "analysis.search",
        "analysis.axes",
        "analysis.examples",
        "analysis.cells",
        "analysis.stories",
        "analysis.courses",
        "analysis.inside",
        "analysis.given",
        "analysis.report",
        "analysis.board",
        "analysis.ruling",
        "analysis.redundancy",
        "analysis.ladders",
        "analysis.timing",
        "analysis.naming",
        "analysis.duties",
        "analysis.living",
        "analysis.lowering",
        "analysis.checking",
        "analysis.histories",
        "analysis.verdicts",
        "analysis.proving",
        "analysis.merging",
        "analysis.changes",
        "analysis.comparing",
        "analysis.besides",
        "analysis.differing",
        "analysis.covering",
        "analysis",
    ],
    [""],
    [
        "simulation.mapping",
        "simulation.histories",
        "simulation.columns",
        "simulation.words",
        "simulation.frames",
        "simulation.reports",
        "simulation.quantiles",
        "simulation.bulk",
        "simulation.keys",
        "simulation.comparisons",
        "simulation.plans",
        "simulation.scripts",
        "simulation.states",
        "simulation.records",
        "simulation.grids",
        "simulation.turning",
        "simulation.terming",
        "simulation.durations",
        "simulation.ticking",
        "simulation.stands",
        "simulation.running",
        "simulation.families",
        "simulation.looking",
        "simulation.points",
        "simulation.holding",
        "simulation.entries",
        "simulation.blocking",
        "simulation.raising",
        "simulation.sweep",
        "simulation.paths",
        "simulation.owning",
        "simulation.tables",
        "simulation.columnar",
        "simulation.lives",
        "simulation.batches",
        "simulation.rows",
        "simulation.logs",
        "simulation.stories",
        "simulation.replaying",
        "simulation.comparing",
        "simulation",
        "simulation.dask",
    ],
    ["views.diagrams", "views.plots", "views"],
    [
        "testing.readings",
        "testing.runs",
        "testing.words",
        "testing.strategies",
        "testing.policies",
        "testing.machine",
        "testing.conformance",
        "testing.story",
        "testing.promises",
        "testing.holding",
        "testing.of_decisions",
        "testing.of_moves",
        "testing.of_clocks",
        "testing.of_cases",
        "testing.suite",
        "testing",
    ],
]
"""The modules in the order in which they may be imported: each by those after it."""

ORDER = {module: place for place, module in enumerate(module for row in ROWS for module in row)}

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
    """The module's name inside the package."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def imports_of(tree: ast.AST) -> list[str]:
    """Every module of the package that is imported anywhere in the source, deferred imports included."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            base = node.module or ""
            for alias in node.names:
                deeper = SOURCE.parent / Path(*f"{base}.{alias.name}".split("."))
                is_module = deeper.with_suffix(".py").exists() or deeper.is_dir()
                found.append(f"{base}.{alias.name}" if is_module else base)
    prefix = "escalation_rules"
    return [name.removeprefix(prefix).removeprefix(".") for name in found if name.split(".")[0] == prefix]


def wrong_imports(module: str, tree: ast.AST) -> list[str]:
    """Imports of what is not below."""
    return [name for name in imports_of(tree) if ORDER[name] >= ORDER[module]]


def impurities(tree: ast.AST) -> list[str]:
    """Names in the source that stand for a clock, I/O, randomness, the environment or logging."""
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


@pytest.mark.parametrize("path", modules(), ids=module_of)
def test_a_module_imports_only_what_is_below_it(path):
    """Imports go down only, deferred ones included."""
    module = module_of(path)
    assert module in ORDER, f"{module} has no row in the house"
    assert wrong_imports(module, ast.parse(path.read_text())) == []


@pytest.mark.parametrize("path", modules(), ids=module_of)
def test_nothing_reads_a_clock_or_does_io(path):
    """Same arguments, same answer, for ever."""
    assert impurities(ast.parse(path.read_text())) == []


@pytest.mark.parametrize("path", modules(), ids=module_of)
def test_no_module_grows_past_500_lines(path):
    """One idea a module."""
    assert len(path.read_text().splitlines()) <= 500


@pytest.mark.parametrize(
    "source", ["from escalation_rules.engine import decide", "def late():\n    import escalation_rules.engine.fold"]
)
def test_an_upward_import_is_found(source):
    """The check itself fails when the rule is broken."""
    assert wrong_imports("case", ast.parse(source))


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
