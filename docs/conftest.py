"""Runs the examples of every page: the fenced `python` blocks with `>>>`, in order, in one namespace a page."""

from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser()], patterns=["*.md"]).pytest()

collect_ignore = ["_build"]
