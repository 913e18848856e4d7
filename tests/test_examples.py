"""The examples run as their users would run them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_the_quickstart_decides_on_the_whole_sample():
    """It reads every incident, lists what is odd in the log, counts moves and breaches and tells one case in full."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / "quickstart.py"], capture_output=True, text=True, check=True, timeout=120
    )
    told = done.stdout
    assert told.startswith("2,887 incidents (16,284 rows)")
    assert re.search(r"1,006  the first row is not in state New\n +1  earlier than the row before", told)
    table = re.findall(r"^(desk|specialists|manager) +(\w+) +(\d+) +(\d+)$", told, re.MULTILINE)
    assert len(table) == 3 * 4
    assert sum(int(moved) for level, _, moved, _ in table if level == "manager") > 300
    assert "why not:" in told
    assert "Up to its due the clock counted" in told
