"""The faults of `tests/testing/faults.py`: the list stays true, and a few are tried every time."""

from __future__ import annotations

import pytest

from escalation_rules.testing import INVARIANTS
from tests.units.testing.faults import FAULTS, SOURCE, noticed

QUICK = ("next is two rungs up", "history in the order of arrival")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_can_still_be_put_in(fault):
    """What it changes is in the source, once, and the change makes a difference and is Python."""
    text = (SOURCE / "escalation_rules" / fault.file).read_text()
    assert text.count(fault.right) == 1
    assert fault.right != fault.wrong
    compile(text.replace(fault.right, fault.wrong), fault.file, "exec")


def test_there_are_forty_or_more():
    """No two alike."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 40


@pytest.mark.law
@pytest.mark.parametrize("name", QUICK)
def test_a_fault_is_noticed(name):
    """Some promise breaks when it is put in; without it, all are kept (`TestEverything`)."""
    assert noticed(next(fault for fault in FAULTS if fault.name == name)) in {one.name for one in INVARIANTS}
