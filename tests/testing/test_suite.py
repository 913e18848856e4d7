"""The testing kit: promises that hold, that are broken, that mean nothing and that nobody has tested."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from escalation_rules import Case, EscalationLevel, Policy, Rule, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import EscalationRulesError
from escalation_rules.testing import (
    INVARIANTS,
    Broken,
    Run,
    calendars,
    cases,
    histories,
    hold,
    host_machine,
    instants,
    invariant,
    policy_suite,
    runs,
    spans,
)
from escalation_rules.testing.words import Words
from tests.desk import MICROSECOND, desk, opened, when
from tests.testing.policies import EVERYTHING

PLAIN = desk(Rule(name="left alone", when=F.unanswered_for >= "4 business hours", to="l2"))


@invariant("an unanswered case never stays on the first level for an hour")
def moves_at_once(run):
    """Too much to ask of this policy."""
    for step in run.steps:
        if step.is_live and step.fact("unanswered_for") >= "1 hour":
            assert step.level != "l1", "it stays on `l1`"


@pytest.fixture(autouse=True, scope="module")
def _fewer_examples():
    """A quarter of the profile's: thirty promises are tried here, one by one."""
    usual = settings.default
    settings.register_profile("a quarter", usual, max_examples=usual.max_examples // 4)
    settings.load_profile("a quarter")
    yield
    settings.register_profile("as before", usual)
    settings.load_profile("as before")


class TestEverything(policy_suite(EVERYTHING)):
    """Every promise means something here, and is kept; one of them only without shifts, which hand over for ever."""

    test_wakes_end = policy_suite(EVERYTHING.with_rotas({})).test_wakes_end


TestHost = host_machine(EVERYTHING).TestCase
TestHost.settings = settings(
    max_examples=10, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


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
            entry_checklist_held missing_is_exact deescalation_needs_exit cooldown_held segments_sum_to_budget
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

    def test_the_case_in_a_story_reproduces_it(self):
        """Paste it, and the promise is broken again at the same step."""
        case = opened(E.FactObserved(at=when("mon 10:30"), name="x", value=True))
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

    def test_a_promise_may_break_without_a_step(self):
        """Then the last step is told."""
        whole = invariant("no case has any history")(lambda run: bool(run.case.history) and self.fail())
        with pytest.raises(Broken, match=r"broken, policy desk 1"):
            hold(whole, Run.of(PLAIN, opened()))

    @staticmethod
    def fail():
        raise AssertionError("it has")


class TestRuns:
    """What a promise looks at."""

    def test_a_run_has_every_event_and_every_wake_up(self):
        """Nine o'clock, a note at ten, and one o'clock, when the rule fires."""
        run = Run.of(PLAIN, opened(E.Acknowledged(at=when("mon 10:00"))))
        assert [(step.at, step.level) for step in run.steps] == [
            (when("mon 09:00"), "l1"),
            (when("mon 10:00"), "l1"),
            (when("mon 13:00"), "l2"),
        ]
        assert [len(step.events) for step in run.steps] == [1, 1, 0]
        assert repr(run).startswith("Run.of('desk', Case(")

    def test_facts_are_those_that_rules_see(self):
        """Values, unknown ones as None, durations to compare with spans, outcomes by target."""
        policy = EVERYTHING
        case = Case.open("C", at=when("mon 09:00"), priority="high", channel="phone", facts={"seats": 5})
        case = case.record(E.Escalated(at=when("mon 09:00"), to="manager"), E.CustomerReplied(at=when("mon 10:00")))
        step = Run.of(policy, case).steps[1]
        seen = {name: step.fact(name) for name in ("priority", "level", "seats", "production_down", "status", "moves")}
        assert seen == {
            "priority": "high", "level": "first", "seats": 5, "production_down": None, "status": "open", "moves": 1,
        }  # fmt: skip
        assert step.fact("level", "management") == "manager"
        assert step.fact("open_for") >= "1 hour"
        assert step.fact("open_for") < timedelta(minutes=61)
        assert step.fact("at_level_for", "management") >= "60 minutes"
        assert step.fact("deadline", "first_response") == "pending"
        assert step.holds((F.count("seats") < 6) & (F.channel == "phone"))
        assert not step.holds(~F.flag("production_down"))
        with pytest.raises(EscalationRulesError, match=r"unknown fact `setas`.*did you mean `seats`"):
            step.fact("setas")

    def test_nowhere_is_no_level(self):
        """On the second track, before anybody moved the case there."""
        step = Run.of(EVERYTHING, Case.open("C", at=when("mon 09:00"))).steps[0]
        assert step.fact("level", "management") is None


@pytest.mark.parametrize(
    ("strategy", "met"),
    [
        (cases(EVERYTHING), lambda case: len(case.history) > 4 and case.history[-1].at > case.opened_at),
        (histories(EVERYTHING), lambda history: any(isinstance(event, E.Reopened) for event in history)),
        (runs(EVERYTHING), lambda run: any(step.decision.blocked for step in run.steps)),
        (runs(EVERYTHING), lambda run: any(one.clock == "paused" for s in run.steps for one in s.decision.deadlines)),
        (cases(EVERYTHING), lambda case: case.opened_at.hour == 23 and case.opened_at.month == 3),
        (calendars(), lambda calendar: calendar.timezone == "Australia/Lord_Howe"),
        (spans(), lambda span: span.is_business and span.amount == 3),
        (instants(), lambda instant: instant.microsecond == 999_999),
        (instants(EVERYTHING), lambda instant: instant.month == 10),
    ],
)
def test_strategies_reach_what_matters(strategy, met):
    """Within a few hundred examples."""
    assert reaches(strategy, met)


class Found(Exception):
    """An example meets the condition."""


def reaches(strategy, met) -> bool:
    """Whether some example of a strategy meets a condition; none is shrunk."""

    @settings(max_examples=1_000, phases=(Phase.generate,), database=None, deadline=None)
    @given(strategy)
    def each(example):
        if met(example):
            raise Found

    try:
        each()
    except Found:
        return True
    return False


@pytest.mark.parametrize("off", [timedelta(0), -MICROSECOND, MICROSECOND])
def test_thresholds_are_met_to_the_microsecond(off):
    """Some case has an event exactly one of the policy's spans after the one before, and some just beside it."""
    words = Words(EVERYTHING)

    def met(case):
        return any(
            later.at == words.calendar.add(earlier.at, span) + off
            for earlier, later in pairwise(case.history)
            for span in words.spans
            if later.at - earlier.at > timedelta(minutes=1)
        )

    assert reaches(cases(EVERYTHING), met)


@given(cases(desk()))
def test_cases_are_cases(case):
    """Of any policy, also of one that says nearly nothing."""
    assert Case.model_validate_json(case.model_dump_json()) == case
    assert case.opened_at.tzinfo is UTC


BARE = Policy(name="bare", version="1", levels=(EscalationLevel(key="only"),))


@given(runs(BARE))
def test_a_policy_without_calendars_has_runs_too(run):
    """Nothing is due there, and nothing asked."""
    assert all(step.level == "only" for step in run.steps)
