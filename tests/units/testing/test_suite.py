"""The testing kit: promises that hold, that are broken, that mean nothing and that nobody has tested."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from escalation_rules import Case, EscalationRulesError, Rule, Target, decide, presets
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import InvalidValue
from escalation_rules.testing import (
    INVARIANTS,
    Broken,
    Run,
    cases,
    histories,
    hold,
    host_machine,
    instants,
    invariant,
    policy_suite,
    runs,
)
from tests.bench import desk, opened, when

pytestmark = pytest.mark.usefixtures("fewer_examples")

PLAIN = desk(Rule(key="left alone", when=F.unanswered_for >= "4 business hours", to="l2"))


@invariant("an unanswered case never stays on the first level for an hour")
def moves_at_once(run):
    """Too much to ask of this policy."""
    for step in run.steps:
        if step.is_live and step.fact("unanswered_for") >= "1 hour":
            assert step.level != "l1", "it stays on `l1`"


def named(name):
    """A function that asserts nothing, with a name."""

    def check(_):
        return None

    check.__name__ = name
    return check


class TestSuites:
    """`policy_suite`."""

    def test_a_test_for_each_promise_and_each_extra(self):
        """One test a promise, named after it, with its docstring."""
        suite = policy_suite(PLAIN, extra=(moves_at_once,))
        named = {name for name in vars(suite) if name.startswith("test_")}
        assert named == {f"test_{one.name}" for one in (*INVARIANTS, moves_at_once)}
        assert suite.test_moves_at_once.__doc__ == "Too much to ask of this policy."

    def test_every_listed_promise_is_there(self):
        """The contract's names."""
        listed = """
            pure blind_to_the_future arrival_order_is_irrelevant same_id_once json_round_trip settles no_key_twice
            never_lowers one_cause_one_rung rule_order_is_irrelevant late_equals_prompt wake_at_exact wakes_end
            entry_checklist_held missing_is_exact deescalation_needs_exit min_stay_held segments_sum_to_budget
            met_iff_stopped_by_due breach_is_permanent pause_never_shortens counted_time_survives_change
            noise_changes_nothing void_is_silent unknown_is_not_true figures_only_rise first_resolution_is_kept
            somebody_responsible explains_itself check_is_clean replay_equals_decide"""
        assert set(listed.split()) <= {one.name for one in INVARIANTS}
        assert all(one.check.__doc__ and one.sentence for one in INVARIANTS)

    def test_an_unknown_name_in_skip_is_an_error_with_the_nearest(self):
        """A promise that is misspelt would be tested after all, in silence."""
        with pytest.raises(
            EscalationRulesError, match=r"unknown invariant `wake_at_exakt`.*did you mean `wake_at_exact`"
        ):
            policy_suite(PLAIN, skip={"wake_at_exakt": "typo"})

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            (
                {"extra": [moves_at_once.check]},
                "extra[0]: not an invariant `moves_at_once`, expected a function under `@invariant(",
            ),
            ({"extra": [moves_at_once, 7]}, "extra[1]: not an invariant `7`, expected a function under `@invariant("),
            ({"extra": invariant("a name that is taken")(named("pure"))}, "extra[0]: two invariants named `pure`"),
            ({"skip": ["pure"]}, "skip: no reason for skipping `pure`; did you mean `{'pure': 'why'}`"),
            ({"skip": "pure"}, "skip: no reason for skipping `pure`; did you mean `{'pure': 'why'}`"),
            ({"skip": {"pure": ""}}, "skip['pure']: not a reason ``, expected a text that says why"),
            ({"policy": "policy.json"}, "policy: not a policy `policy.json`, expected a `Policy`"),
            (
                {"policy": presets.complaint_ladder},
                "policy: not a policy `complaint_ladder`, expected a `Policy`; did you mean `complaint_ladder()`",
            ),
            (
                {"policy": None, "extra": [moves_at_once.check], "skip": ["pure"]},
                "3 problems in policy_suite:\n- policy: not a policy `None`",
            ),
        ],
    )
    def test_a_slip_is_told_in_the_library_s_words(self, given, told):
        """What was meant is said, for everything that is wrong, and no Python error comes from inside."""
        with pytest.raises(InvalidValue) as error:
            policy_suite(**{"policy": PLAIN, **given})
        assert str(error.value).startswith(told)

    def test_one_extra_may_stand_by_itself_and_the_same_one_twice_counts_once(self):
        """A promise of one's own needs no brackets; nothing to skip may be an empty list too."""
        for extra in (moves_at_once, [moves_at_once, moves_at_once], iter([moves_at_once])):
            assert hasattr(policy_suite(PLAIN, extra=extra, skip=[]), "test_moves_at_once")

    @pytest.mark.parametrize("made", [cases, histories, runs, instants, host_machine])
    def test_strategies_say_what_is_no_policy(self, made):
        """Everything that asks for a policy asks in the same words."""
        with pytest.raises(InvalidValue, match=r"policy: not a policy `desk`.*did you mean `desk\(\)`"):
            made(desk)

    @pytest.mark.parametrize("sentence", [moves_at_once.check, "", None])
    def test_an_invariant_has_a_sentence(self, sentence):
        """`@invariant` without brackets would make something else of the function."""
        with pytest.raises(InvalidValue, match=r"invariant without its sentence `.*expected a text: `@invariant\("):
            invariant(sentence)

    def test_a_reason_skips(self):
        """With the reason given."""
        suite = policy_suite(PLAIN, skip={"pure": "elsewhere"})
        with pytest.raises(pytest.skip.Exception, match="elsewhere"):
            suite().test_pure()

    def test_what_a_policy_cannot_meet_is_skipped_with_that_reason(self):
        """It has no checklist."""
        with pytest.raises(pytest.skip.Exception, match="no level has an entry checklist"):
            policy_suite(PLAIN)().test_missing_is_exact()

    def test_a_promise_that_no_run_exercises_fails(self):
        """Its premise is possible, and was never met: it has not been tested."""
        idle = invariant("nothing happens on a blue moon")(lambda _: False)
        suite = policy_suite(PLAIN, extra=(type(idle)("idle", idle.sentence, idle.check),))
        with pytest.raises(pytest.fail.Exception, match="never exercised: no run met the premise"):
            suite().test_idle()

    def test_a_broken_promise_is_told_with_the_shortest_case(self):
        """The opening alone breaks it."""
        suite = policy_suite(PLAIN, extra=(moves_at_once,))
        with pytest.raises(Broken) as broken:
            suite().test_moves_at_once()
        story = str(broken.value)
        assert story.startswith("an unanswered case never stays on the first level for an hour\n  broken at ")
        assert "it stays on `l1`" in story
        assert len(self.pasted(story).history) <= 2

    def test_a_failure_is_explained_by_its_story_alone(self):
        """Hypothesis adds the run, which can be pasted, and no lines of this library."""
        suite = policy_suite(PLAIN, extra=moves_at_once)
        with pytest.raises(Broken) as broken:
            suite().test_moves_at_once()
        added = "\n".join(broken.value.__notes__)
        assert "run=Run.of(policy, Case('C-1', (" in added
        assert "Explanation" not in added

    def test_the_case_in_a_story_reproduces_it(self):
        """Paste it, and the promise is broken again at the same step."""
        case = opened(E.FactChanged(at=when("mon 10:30"), name="x", value=True))
        with pytest.raises(Broken) as broken:
            hold(moves_at_once, Run.of(PLAIN, case))
        again = self.pasted(str(broken.value))
        assert again == case
        with pytest.raises(Broken) as twice:
            hold(moves_at_once, Run.of(PLAIN, again))
        assert str(twice.value) == str(broken.value)
        assert twice.value.step.at == when("mon 10:30")

    @staticmethod
    def pasted(story: str) -> Case:
        """The case of a story, pasted."""
        code = re.search(r"case = (Case\(.*?\n  \)\))", story, re.DOTALL).group(1)
        return eval(code, {"Case": Case, "E": E})

    def test_the_story_marks_where_it_broke_and_how_to_look_again(self):
        """The timeline up to there, and a line that repeats the explanation."""
        with pytest.raises(Broken) as broken:
            hold(moves_at_once, Run.of(PLAIN, opened(E.Acknowledged(at=when("mon 10:30")))))
        lines = str(broken.value).splitlines()
        marked = [line for line in lines if line.startswith(">")]
        assert len(marked) == 1
        assert "Mon 2026-03-02 10:30" in marked[0]
        assert "Acknowledged" in marked[0]
        line = next(line for line in lines if line.strip().startswith("to look again: "))
        told = line.split("to look again: print(")[1].removesuffix(")")
        names = {"decide": decide, "policy": PLAIN, "case": self.pasted(str(broken.value)), "datetime": datetime}
        assert eval(told, names).splitlines()[0] in str(broken.value)


LONG = Rule(key="long", when=F.open_for >= "4 hours", to="l2")
PROMISES = """
check_is_clean pure blind_to_the_future arrival_order_is_irrelevant same_id_once json_round_trip
settles no_key_twice never_lowers one_cause_one_rung rule_order_is_irrelevant late_equals_prompt
wake_at_exact wakes_end entry_checklist_held missing_is_exact deescalation_needs_exit min_stay_held
segments_sum_to_budget met_iff_stopped_by_due breach_is_permanent pause_never_shortens
counted_time_survives_change noise_changes_nothing void_is_silent unknown_is_not_true
figures_only_rise first_resolution_is_kept somebody_responsible explains_itself replay_equals_decide
"""


def test_the_kit_has_a_test_for_each_invariant():
    """By name, with a docstring; a name that is none is refused."""
    pytest.importorskip("hypothesis")
    from escalation_rules.testing import policy_suite

    suite = policy_suite(desk(LONG))
    tests = {name for name in dir(suite) if name.startswith("test_")}
    assert tests == {f"test_{name}" for name in PROMISES.split()}
    assert all(getattr(suite, name).__doc__ for name in tests)
    assert policy_suite(desk(LONG)) is not suite
    with pytest.raises(EscalationRulesError, match=r"unknown invariant `pur`.* did you mean `pure`"):
        policy_suite(desk(LONG), skip={"pur": "because"})


def test_a_case_that_is_closed_and_reopened_at_its_opening_breaks_no_promise():
    """Two clocks of one target then have one name and one start: the last of them is the one that is open."""
    nine = when("mon 09:00")
    case = opened(E.Closed(at=nine), E.Reopened(at=nine), E.CustomerReplied(at=when("mon 10:00")))
    run = Run.of(desk(targets=(Target.resolution("2 hours", pause_on="vendor"),)), case)
    assert hold(next(one for one in INVARIANTS if one.name == "breach_is_permanent"), run)
