"""The index of rules: which tests check a rule of docs/semantics.md, and where the code follows it.

`python -m tests.project.rule_index` writes docs/rule-index.md. Comments and docstrings under src cite rules, as in
`# rule 22` or `# rules 12-16`. A test names its rule in its docstring, as in "Rule 22: …", and the name of a file in
tests/rules holds its number.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

# ruff: noqa: T201 a script

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "escalation_rules"
RULES = ROOT / "tests" / "rules"
LAWS = (ROOT / "tests" / "laws", ROOT / "tests" / "oracle")
SEMANTICS = ROOT / "docs" / "semantics.md"
PAGE = ROOT / "docs" / "rule-index.md"

CITATION = re.compile(r"\brules?\s+(\d+(?:\s*(?:-|–|,|\band\b|\bto\b)\s*\d+)*)", re.IGNORECASE)
"""A number after the word "rule", or several joined by commas, "and", "to" or a dash."""
RANGE = re.compile(r"(\d+)\s*(?:-|–|\bto\b)\s*(\d+)")


class Place(NamedTuple):
    """A file with a function or class in it, without a line number, so that it stays true while code is edited."""

    file: str
    name: str

    def __str__(self) -> str:
        return f"{self.file}: {self.name}" if self.name else self.file


def numbers_in(text: str) -> set[int]:
    """The rules that a text cites.

    >>> sorted(numbers_in("held back (rules 12-14 and 24), see rule 9"))
    [9, 12, 13, 14, 24]
    >>> numbers_in("two rules at 5 hours")
    set()
    """
    found: set[int] = set()
    for cited in CITATION.findall(text):
        for first, last in RANGE.findall(cited):
            found |= set(range(int(first), int(last) + 1))
        found |= {int(number) for number in re.findall(r"\d+", cited)}
    return found & set(titles())


@cache
def titles() -> dict[int, str]:
    """The rules of docs/semantics.md by number."""
    headings = re.findall(r"^### (\d+)\. (.+)$", SEMANTICS.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(number): title for number, title in headings}


def places_in_code(source: Path = SOURCE) -> dict[int, list[Place]]:
    """Where comments and docstrings under src cite each rule."""
    found: dict[int, set[Place]] = {}
    for path in sorted(source.rglob("*.py")):
        file = path.relative_to(source).as_posix()
        for name, text in cited_texts(path.read_text(encoding="utf-8")):
            for number in numbers_in(text):
                found.setdefault(number, set()).add(Place(file, name))
    return {number: sorted(places) for number, places in found.items()}


def cited_texts(source: str) -> Iterator[tuple[str, str]]:
    """Every comment and docstring of a file, with the function or class that it is in or directly above.

    A comment that goes on over several lines is one text, so that a list of rules may be broken between two lines.
    """
    tree = ast.parse(source)
    spans = list(spans_of(tree))
    for start, end, text in comment_blocks(source):
        yield name_at(spans, start, end), text
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            yield "" if isinstance(node, ast.Module) else name_at(spans, node.lineno, node.lineno), text
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield name_at(spans, node.lineno, node.lineno), node.value.value


def comment_blocks(source: str) -> Iterator[tuple[int, int, str]]:
    """Comments on lines that follow each other, as one text, with the first and the last line."""
    block: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if block and token.start[0] != block[-1][0] + 1:
            yield block[0][0], block[-1][0], " ".join(text for _, text in block)
            block = []
        block.append((token.start[0], token.string.lstrip("# ")))
    if block:
        yield block[0][0], block[-1][0], " ".join(text for _, text in block)


def spans_of(tree: ast.Module) -> Iterator[tuple[int, int, str]]:
    """First line, last line and name of each class, function, method and constant of the top level."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield first, node.end_lineno or first, node.name
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.FunctionDef):
                    top = min([inner.lineno, *(decorator.lineno for decorator in inner.decorator_list)])
                    yield top, inner.end_lineno or top, f"{node.name}.{inner.name}"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                yield node.lineno, node.end_lineno or node.lineno, target.id


def name_at(spans: list[tuple[int, int, str]], start: int, end: int) -> str:
    """The innermost name around these lines, or the name that begins on the line after them."""
    around = [(first, name) for first, last, name in spans if first <= start <= last]
    below = [name for first, _, name in spans if first == end + 1]
    if around:
        inner = [name for name in below if name.startswith(f"{max(around)[1]}.")]
        return inner[0] if inner else max(around)[1]
    return below[0] if below else ""


def places_in_tests(rules: Path = RULES, laws: Iterable[Path] = LAWS) -> dict[int, list[Place]]:
    """The tests of each rule: those in its own file, and the laws that name it in name or docstring."""
    found: dict[int, set[Place]] = {}
    for folder in (rules, *laws):
        for path in sorted(folder.glob("test_*.py")):
            own = re.fullmatch(r"test_rule_(\d+)", path.stem)
            for name, text in tests_in(path):
                cited = numbers_in(text) | ({int(own[1])} if own else set())
                for number in cited:
                    found.setdefault(number, set()).add(Place(path.relative_to(folder.parent).as_posix(), name))
    return {number: sorted(places) for number, places in found.items()}


def tests_in(path: Path) -> Iterator[tuple[str, str]]:
    """The test functions of a file, each with its name and docstring as one text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, f"{node.name.replace('_', ' ')}. {ast.get_docstring(node) or ''}"


def page() -> str:
    """The page docs/rule-index.md."""
    tests, code = places_in_tests(), places_in_code()
    lines = [
        "# Index of rules",
        "",
        "Which tests check a rule of [the semantics](semantics.md), and where the code follows it. Written by",
        "`python -m tests.project.rule_index`.",
        "",
        "| rule | tests | code |",
        "|---|---|---|",
    ]
    for number, title in titles().items():
        lines.append(f"| {number}. {title} | {listed_tests(tests, number)} | {listed_code(code, number)} |")
    return "\n".join(lines) + "\n"


def listed_tests(tests: dict[int, list[Place]], number: int) -> str:
    """The files of tests of a rule, with how many each has; laws by name."""
    examples = [place for place in tests.get(number, []) if place.file.startswith("rules/")]
    laws = [place for place in tests.get(number, []) if not place.file.startswith("rules/")]
    files = {place.file: sum(one.file == place.file for one in examples) for place in examples}
    cells = [f"`tests/{file}` ({count})" for file, count in files.items()]
    cells += [f"`tests/{place.file}`: `{place.name}`" for place in laws]
    return "<br/>".join(cells)


def listed_code(code: dict[int, list[Place]], number: int) -> str:
    """The places in the code of a rule, one file after the other."""
    by_file: dict[str, list[str]] = {}
    for place in code.get(number, []):
        by_file.setdefault(place.file, []).append(place.name)
    cells = []
    for file, names in by_file.items():
        named = ", ".join(f"`{name}`" for name in names if name)
        cells.append(f"`{file}`: {named}" if named else f"`{file}`")
    return "<br/>".join(cells)


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
