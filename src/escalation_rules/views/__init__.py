"""Policies and reports to look at. Pictures are in `views.plots`, which needs the extra `[plots]`."""

from escalation_rules.views.diagrams import mermaid

__all__ = ["mermaid"]
