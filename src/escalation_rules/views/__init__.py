"""Policies to look at."""

from escalation_rules.views.diagrams import mermaid

__all__ = ["mermaid"]
