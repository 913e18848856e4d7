"""Every rule has tests and is cited in the code, and the page that lists both is current."""

from __future__ import annotations

import pytest

from tests.project import rule_index
from tests.project.rule_index import Place

RULES = range(1, 33)


def test_the_semantics_have_thirty_two_rules():
    """They are numbered without a gap."""
    assert list(rule_index.titles()) == list(RULES)


@pytest.mark.parametrize("number", RULES)
def test_a_rule_has_a_file_of_examples_whose_docstrings_name_it(number):
    """Every test in tests/rules names the rule of its file, and no other first."""
    found = list(rule_index.tests_in(rule_index.RULES / f"test_rule_{number:02}.py"))
    assert found
    assert [name for name, text in found if f". Rule {number}: " not in text] == []


@pytest.fixture(scope="module")
def code():
    return rule_index.places_in_code()


@pytest.fixture(scope="module")
def tests():
    return rule_index.places_in_tests()


@pytest.mark.parametrize("number", RULES)
def test_a_rule_has_tests(number, tests):
    """At least one, by example or by law."""
    assert tests.get(number)


@pytest.mark.parametrize("number", RULES)
def test_a_rule_is_cited_in_the_code(number, code):
    """A comment or docstring at the place that follows the rule says so, as in `# rule 22`."""
    assert code.get(number)


def test_the_page_is_current():
    """`python -m tests.project.rule_index` writes it."""
    assert rule_index.PAGE.read_text(encoding="utf-8") == rule_index.page()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("rule 22", {22}),
        ("Rules 12-16", {12, 13, 14, 15, 16}),
        ("rules 12–14, 20 and 24", {12, 13, 14, 20, 24}),
        ("rules 3 to 5", {3, 4, 5}),
        ("rule 33", set()),
        ("the rule r22", set()),
        ("rules at 5 hours", set()),
        ("overrule 5", set()),
    ],
)
def test_citations_are_read(text, numbers):
    """The check itself: single rules, lists and ranges; no other numbers."""
    assert rule_index.numbers_in(text) == numbers


def test_a_place_is_named_without_a_line(tmp_path):
    """A comment belongs to the function that it is in, or that begins below it; a docstring to its own."""
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "rules.py").write_text(
        '''"""Rules for one case (rule 18)."""

# rule 22: evidence is compared
# with the entry, and rule 23 makes the key
LATER = 1


# rule 24
def blocked():
    """What is missing."""
    return 1  # rule 25


class Move:
    """A move (rule 19)."""

    # rule 21
    def highest(self):
        """Rules 20 and 26."""
'''
    )
    found = rule_index.places_in_code(tmp_path)
    file = "engine/rules.py"
    assert found == {
        18: [Place(file, "")],
        19: [Place(file, "Move")],
        20: [Place(file, "Move.highest")],
        21: [Place(file, "Move.highest")],
        22: [Place(file, "LATER")],
        23: [Place(file, "LATER")],
        24: [Place(file, "blocked")],
        25: [Place(file, "blocked")],
        26: [Place(file, "Move.highest")],
    }


def test_laws_name_their_rules(tmp_path):
    """In the name of the test, or in its docstring."""
    (tmp_path / "laws").mkdir()
    (tmp_path / "rules").mkdir()
    (tmp_path / "laws" / "test_moves.py").write_text(
        'def test_rule_18_late_equals_prompt():\n    """Answers are the same."""\n\n\n'
        'def test_segments():\n    """Rule 13: they sum."""\n'
    )
    (tmp_path / "rules" / "test_rule_07.py").write_text('def test_signed():\n    """Rule 7: backwards."""\n')
    assert rule_index.places_in_tests(tmp_path / "rules", [tmp_path / "laws"]) == {
        7: [Place("rules/test_rule_07.py", "test_signed")],
        13: [Place("laws/test_moves.py", "test_segments")],
        18: [Place("laws/test_moves.py", "test_rule_18_late_equals_prompt")],
    }
