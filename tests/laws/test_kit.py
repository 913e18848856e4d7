"""Laws of the testing kit: every promise is kept, and the strategies reach what matters."""

from __future__ import annotations

from datetime import UTC, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from escalation_rules import Case, EscalationLevel, Policy
from escalation_rules import events as E
from escalation_rules.testing import (
    INVARIANTS,
    Run,
    calendars,
    cases,
    histories,
    hold,
    host_machine,
    instants,
    policies,
    policy_suite,
    runs,
    spans,
)
from escalation_rules.testing.strategies import Vocabulary
from tests.bench import EVERYTHING, MICROSECOND, desk

pytestmark = pytest.mark.usefixtures("fewer_examples")


class TestEverything(policy_suite(EVERYTHING)):
    """Every promise means something here, and is kept; one of them only without shifts, which hand over for ever."""

    test_wakes_end = policy_suite(EVERYTHING.with_rotas({})).test_wakes_end


TestHost = host_machine(EVERYTHING).TestCase
TestHost.settings = settings(
    max_examples=10, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


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
    words = Vocabulary(EVERYTHING)

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


few = settings(max_examples=settings.default.max_examples // 4, deadline=None)


@few
@given(policies().flatmap(lambda policy: st.tuples(st.just(policy), cases(policy))))
def test_random_policies_keep_every_promise(drawn):
    """All but `check_is_clean`: what is random is seldom sensible."""
    run = Run.of(*drawn)
    for promise in INVARIANTS:
        if promise.name != "check_is_clean" and not promise.lacks(run.policy):
            hold(promise, run)
