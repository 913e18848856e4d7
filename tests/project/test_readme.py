"""The README's examples print what it says they print, and its two commands stand as they are."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

README = (Path(__file__).parent.parent.parent / "README.md").read_text()
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_example_prints_what_follows_it():
    """A `text` block holds the output of the `python` block before it."""
    blocks = [(kind, body) for kind, body in FENCE.findall(README) if kind != "sh"]
    assert [kind for kind, _ in blocks] == ["python", "text"] * 3
    namespace: dict[str, object] = {}
    for (_, code), (_, expected) in zip(blocks[::2], blocks[1::2], strict=True):
        printed = StringIO()
        with redirect_stdout(printed):
            exec(compile(code, "README.md", "exec"), namespace)
        assert printed.getvalue() == expected


def test_the_first_example_is_short():
    """The first thing a reader sees fits into fifteen lines."""
    _, code = FENCE.findall(README)[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 15


def test_two_commands_to_try_it():
    """Under `Try it` there are exactly two commands, each complete: it makes its own environment."""
    section = README.split("## Try it")[1].split("\n## ")[0]
    blocks = FENCE.findall(section)
    assert [kind for kind, _ in blocks] == ["sh", "sh"]
    assert all(body.startswith("python3 -m venv .venv && ") and body.count("\n") == 1 for _, body in blocks)
