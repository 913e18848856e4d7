"""These checks are answered by steps that are written out from the first case on."""

from __future__ import annotations

import pytest

from escalation_rules.engine import happening


@pytest.fixture(autouse=True)
def written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy need not be asked often first; other tests ask each rarely."""
    monkeypatch.setattr(happening, "WORTH", 1)
