"""The examples run as their users would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.mark.law
def test_the_quickstart_asks_one_what_if_of_the_whole_sample():
    """Origin and findings, today against proposed with intervals, what moved and how far, one case under both."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / "quickstart.py"], capture_output=True, text=True, check=True, timeout=120
    )
    told = done.stdout
    assert told.startswith("2,887 incidents (16,284 rows)")
    assert re.search(r"1,006 incidents, 1,006 rows: the case does not begin in `open`", told)
    assert re.search(r"1 incidents, 1 rows: earlier than the row before", told)
    lines = re.findall(
        r"^(.+?) +([\d.]+) % +([\d.]+) % +[+-][\d.]+ points \([+-][\d.]+ to [+-][\d.]+\)$", told, re.MULTILINE
    )
    assert [name for name, _, _ in lines] == ["`resolution` breached", "moved to `specialists`", "moved to `manager`"]
    shares = {name: (float(old), float(new)) for name, old, new in lines}
    assert shares["`resolution` breached"][0] < shares["`resolution` breached"][1]
    assert shares["moved to `manager`"][0] < shares["moved to `manager`"][1]
    assert shares["moved to `specialists`"][0] > shares["moved to `specialists`"][1]
    assert re.search(r"^ +\d+ earlier: by [\d.,]+ hours in the median", told, re.MULTILINE)
    assert told.index("under service desk today") < told.index("under service desk proposed (UTC)")
    assert re.search(r"resolution: \w+, due .*; counted .* of .*, left out ", told)
    assert "People act as they did: a replay cannot show faster answers." in told
    assert re.search(r"Read in [\d.]+ s, replayed under both in [\d.]+ s.", told)


@pytest.mark.law
@pytest.mark.parametrize("notebook", sorted((EXAMPLES / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_the_notebooks_run_from_top_to_bottom(notebook, tmp_path):
    """As scripts, each cell in its order, somewhere else than in their folder, without a screen."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", notebook],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for said in SAID[notebook.stem]:
        assert said in done.stdout


SAID = {
    "1_first_policy": ["CaseLog: 2,887 cases", "`resolution`, first cycle:"],
    "2_today_and_proposed": ["moved to `manager`", "under service desk proposed (UTC)", "why not:"],
    "3_on_a_cluster": ["2,887 cases under service desk proposed", "a frame with unknown divisions"],
    "4_another_system": [
        "CaseLog: 3 cases, 11 rows",
        "Unmatched/Unmatched",
        "E.Reconciled(",
        "under three lines proposed",
    ],
}
