"""Policies and reports to look at."""
