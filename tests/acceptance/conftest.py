"""These checks are answered by steps that are written out from the first case on; other tests ask each policy rarely."""

from __future__ import annotations

import pytest

from escalation_rules.engine import happening


@pytest.fixture(autouse=True)
def written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy need not be asked often first."""
    monkeypatch.setattr(happening, "WORTH", 1)
