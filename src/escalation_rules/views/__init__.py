"""Policies and reports to look at: `mermaid` and `plot`. Pictures need the extra `[plots]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from escalation_rules.views.diagrams import mermaid

if TYPE_CHECKING:
    from escalation_rules.views.plots import plot

__all__ = ["mermaid", "plot"]


def __getattr__(name: str) -> Any:
    """`plot` is found when it is first asked for: what it needs is an extra, which diagrams do without."""
    if name == "plot":
        from escalation_rules.views.plots import plot  # noqa: PLC0415

        return plot
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
