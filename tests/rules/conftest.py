"""The examples of rules run with the loops of the engine written out for the policy, from its first case on."""

from __future__ import annotations

import pytest

from escalation_rules.engine import facts as happening


@pytest.fixture(autouse=True)
def written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the loops out at once; other tests decide too seldom under one policy for that."""
    monkeypatch.setattr(happening, "WORTH", 1)
