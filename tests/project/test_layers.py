"""The drawing of the layers in the architecture page is the one that the imports give."""

from __future__ import annotations

from tests.project.layers import PAGE, layers, written


def test_the_drawing_is_current():
    """Run `python -m tests.project.layers` after a change of imports."""
    page = PAGE.read_text()
    assert written(page) == page


def test_a_module_is_in_a_layer_above_all_that_it_imports():
    """A chain has one layer for each of its modules, and what nothing connects lies lowest."""
    assert layers({"c": {"b"}, "b": {"a"}, "a": set(), "x": set()}) == [["a", "x"], ["b"], ["c"]]
