"""The layers of the library, drawn from its imports.

`python -m tests.project.layers` prints the drawing that `docs/architecture.md` has, and the counts of files and lines.
Imports for type checkers alone (`if TYPE_CHECKING:`) are left out; imports inside functions count.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "escalation_rules"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- layers -->\n", "<!-- end of layers -->\n"


def modules() -> dict[str, Path]:
    """Every module by its dotted name without the name of the library; the root is the empty text."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of the library that a module imports when it runs."""
    found = set()
    stack: list[ast.AST] = [ast.parse(path.read_text())]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "escalation_rules":
            base = (node.module or "").removeprefix("escalation_rules").removeprefix(".")
            deeper = (f"{base}.{alias.name}".removeprefix(".") for alias in node.names)
            found |= {name if name in known else base for name in deeper}
        stack.extend(ast.iter_child_nodes(node))
    return found


def package_of(module: str) -> str:
    """The package or the module of the top level that a module belongs to."""
    return module.split(".", maxsplit=1)[0] or "escalation_rules"


def arrows() -> dict[str, set[str]]:
    """The packages that each package imports."""
    known, found = modules(), defaultdict(set)
    for module, path in known.items():
        found[package_of(module)] |= {package_of(one) for one in imports_of(path, known)}
    return {package: others - {package} for package, others in found.items()}


def layers(graph: dict[str, set[str]]) -> list[list[str]]:
    """The nodes in layers: each one above all that it imports, as low as it can be."""
    height: dict[str, int] = {}
    for node in TopologicalSorter(graph).static_order():
        height[node] = max((height[one] + 1 for one in graph.get(node, ())), default=0)
    rows: list[list[str]] = [[] for _ in range(max(height.values()) + 1)]
    for node, number in sorted(height.items()):
        rows[number].append(node)
    return rows


def depth_of(package: str) -> int:
    """The number of layers of the modules inside a package."""
    known = modules()
    inside = {name: path for name, path in known.items() if name == package or name.startswith(package + ".")}
    return len(layers({name: imports_of(path, known) & inside.keys() - {name} for name, path in inside.items()}))


def drawing() -> str:
    """The packages in layers, the highest first, with the files and the layers inside of each."""
    known = modules()
    rows = ["| layer | packages and modules (files, layers inside) |", "|---|---|"]
    drawn = layers(arrows())
    for number in range(len(drawn) - 1, -1, -1):
        cells = []
        for package in drawn[number]:
            paths = [path for name, path in known.items() if package_of(name) == package]
            inside = f" ({len(paths)} files, {depth_of(package)} layers)" if len(paths) > 1 else ""
            cells.append(f"`{package}`{inside}")
        rows.append(f"| {number + 1} | {', '.join(cells)} |")
    return "\n".join(rows) + "\n"


def counts() -> str:
    """Files, lines and layers of the whole library."""
    known = modules()
    lines = [len(path.read_text().splitlines()) for path in known.values()]
    whole = layers({name: imports_of(path, known) - {name} for name, path in known.items()})
    return f"{len(known)} files, {sum(lines)} lines, the longest {max(lines)}, {len(whole)} layers of modules"


def written(page: str) -> str:
    """The page with the drawing of today between its marks."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + drawing() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
    sys.stdout.write(f"{counts()}\n{drawing()}")
