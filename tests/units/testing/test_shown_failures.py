"""The how-to page shows failures as they print, and every promise by its sentence."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from escalation_rules import Case, decide
from escalation_rules import events as E
from escalation_rules.testing import INVARIANTS, Broken, Run, hold
from tests.units.testing.shown_failures import STORIES

PAGE = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()
TOLD = re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL)


def test_three_failures_are_shown():
    """One for each of the stories."""
    assert len(TOLD) == len(STORIES) == 3


@pytest.mark.parametrize("number", range(3))
def test_a_failure_prints_as_it_is_shown_and_its_case_reproduces_it(number):
    """Pasted from the page, the case breaks the promise again, with the same story; the last line looks again."""
    (promise, policy), told = STORIES[number], TOLD[number]
    pasted = re.search(r"case = (Case\(.*?\n  \)\))", told, re.DOTALL).group(1)
    case = eval(pasted, {"Case": Case, "E": E})
    with pytest.raises(Broken) as broken:
        hold(promise, Run.of(policy, case))
    assert str(broken.value) == told
    line = told.splitlines()[-1].split("to look again: print(")[1].removesuffix(")")
    explained = eval(line, {"decide": decide, "policy": policy, "case": case, "datetime": datetime})
    assert "\n".join(f"  {one}" for one in explained.splitlines()) in told


def test_every_promise_is_listed():
    """By its name and its sentence."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", PAGE, re.MULTILINE))
    assert rows == {one.name: one.sentence for one in INVARIANTS}
