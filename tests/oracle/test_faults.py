"""The faults of the compilation can still be put in."""

from __future__ import annotations

import pytest

from tests.oracle.faults import FAULTS
from tests.units.testing.faults import SOURCE


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_can_still_be_put_in(fault) -> None:
    """The piece of the source is there once, so that the script says something."""
    text = (SOURCE / "escalation_rules" / fault.file).read_text(encoding="utf-8")
    assert text.count(fault.right) == 1
