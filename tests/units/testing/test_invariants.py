"""Where a promise broke is found however it looks at a run, and only when somebody reads the failure."""

from __future__ import annotations

import pytest

from escalation_rules import Rule
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.testing import Broken, Run, hold, invariant
from tests.bench import desk, opened, when

PLAIN = desk(Rule(key="left alone", when=F.unanswered_for >= "4 business hours", to="l2"))


def by_a_bare_assert(run):
    assert all(step.level == "l1" for step in run.steps), "it left"


def by_another_name(run):
    for moment in run.steps:
        assert moment.level == "l1"


def after_a_loop(run):
    levels = []
    for step in run.steps:
        levels += [step.level]
    assert set(levels) == {"l1"}


def in_a_loop(run):
    for step in run.steps:
        assert step.level == "l1"


def by_a_helper(run):
    for one in run.steps:
        stays(one)


def stays(one):
    assert one.level == "l1"


def of_another_run(run):
    for step in Run.of(run.policy, run.case).steps[: len(run.steps)]:
        assert step.level == "l1"


BREAKING = (by_a_bare_assert, by_another_name, after_a_loop, in_a_loop, by_a_helper, of_another_run)


class TestWhereItBroke:
    """`Broken.step`, and the mark in the story."""

    @pytest.mark.parametrize("check", BREAKING, ids=lambda check: check.__name__)
    def test_the_story_finds_where_it_broke_however_the_promise_looked(self, check):
        """By a bare assert outside of a loop, by another name, by a loop that had ended, or by a helper."""
        case = opened(E.Acknowledged(at=when("mon 10:00")), E.SupportReplied(at=when("tue 09:30")))
        with pytest.raises(Broken) as broken:
            hold(invariant("nobody leaves the first level")(check), Run.of(PLAIN, case))
        assert broken.value.step.at == when("mon 13:00")
        [marked] = [line for line in str(broken.value).splitlines() if line.startswith(">")]
        assert "Mon 2026-03-02 13:00" in marked
        assert "broken at Mon 2026-03-02 13:00 (Europe/London), policy desk 1" in str(broken.value)
        assert "2026-03-02T13:00:00+00:00" in str(broken.value).splitlines()[-1]
        assert "09:30" not in str(broken.value).split("case = ")[1].split("))")[1]

    def test_a_promise_that_only_the_whole_breaks_is_told_at_its_end(self):
        """No beginning breaks it, and one that is too short for it says nothing."""
        whole = invariant("no case has three steps")(lambda run: run.steps[2] and self.fail())
        with pytest.raises(Broken, match=r"broken at Mon 2026-03-02 13:00 \(Europe/London\), policy desk 1\n  it has"):
            hold(whole, Run.of(PLAIN, opened(E.Acknowledged(at=when("mon 10:00")))))

    def test_a_promise_about_a_case_breaks_when_the_case_first_does(self):
        """A beginning of a run has the case as it was then."""
        with pytest.raises(Broken) as broken:
            hold(
                invariant("no case has two events")(lambda run: len(run.case.history) < 2 or self.fail()),
                Run.of(PLAIN, opened(E.Acknowledged(at=when("mon 10:00")), E.Acknowledged(at=when("mon 11:00")))),
            )
        assert broken.value.step.at == when("mon 10:00")

    def test_looking_for_where_it_broke_is_left_until_somebody_reads_it(self):
        """While the shortest case is sought, hundreds of others break the promise."""
        held = []
        counted = invariant("it never holds")(lambda run: held.append(run) or self.fail())
        with pytest.raises(Broken) as broken:
            hold(counted, Run.of(PLAIN, opened(E.Acknowledged(at=when("mon 10:00")))))
        assert len(held) == 1
        assert str(broken.value) == str(broken.value)
        assert len(held) == 2

    @staticmethod
    def fail():
        raise AssertionError("it has")
