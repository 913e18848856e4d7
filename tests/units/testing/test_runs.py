"""What a promise looks at: runs, their steps, and what a step says of every fact."""

from __future__ import annotations

import operator
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis.vendor.pretty import pretty

from escalation_rules import Case, Rule
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import EscalationRulesError, InvalidValue, UnknownName
from escalation_rules.fact_table import FACTS
from escalation_rules.testing import Run, Step
from tests.bench import EVERYTHING, MICROSECOND, desk, opened, when

PLAN = E.ActionPlan(items=(E.PlanItem(what="call", owner="analyst", due_at=when("mon 15:00")),))
DUE = when("mon 15:00")
PLAIN = desk(Rule(key="left alone", when=F.unanswered_for >= "4 business hours", to="l2"))


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

    def test_a_run_and_a_step_can_be_pasted(self):
        """Where `policy` is the policy, what is printed makes them again; so does what Hypothesis prints."""
        run = Run.of(PLAIN, opened(E.Acknowledged(at=when("mon 10:00"))).model_copy(update={"attributes": {"seat": 3}}))
        names = {"Case": Case, "E": E, "Run": Run, "Step": Step, "policy": PLAIN}
        assert repr(run).startswith("Run.of(policy, Case(")
        for printed in (repr(run), pretty(run), pretty(Run.of(PLAIN, opened()))):
            again = eval(printed, names)
            assert again.steps[0].decision == run.steps[0].decision
            assert again.case.history[0] == run.case.history[0]
        assert eval(pretty(run), names) == eval(repr(run), names) == run
        assert [eval(repr(step), names) for step in run.steps] == list(run.steps)

    def test_hypothesis_prints_an_event_a_line(self):
        """An example that fails is read by people: no line has two events, where one line is too short."""
        lines = pretty(Run.of(PLAIN, opened(*(E.Acknowledged(at=when(f"mon {hour}:00")) for hour in (10, 11)))))
        assert lines.splitlines()[0] == "Run.of(policy, Case('C-1', ("
        assert all(line.count("E.") == 1 and line == line.rstrip() for line in lines.splitlines()[1:])

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
        assert step.fact("outcome", "first_response") == "pending"
        assert step.holds((F.count("seats") < 6) & (F.channel == "phone"))
        assert not step.holds(~F.flag("production_down"))
        with pytest.raises(EscalationRulesError, match=r"unknown fact `setas`.*did you mean `seats`"):
            step.fact("setas")

    def test_every_fact_can_be_read(self):
        """All but `happened` by its name, with its track or its target; what runs is compared with a span."""
        case = Case.open("C", at=when("mon 09:00"), priority="high").record(
            E.CustomerReplied(at=when("mon 10:00"), asks_for_status=True),
            E.LevelFailed(at=when("mon 10:00")),
            E.Escalated(at=when("mon 10:00"), to="manager"),
            E.PlanRevised(at=when("mon 10:00"), plan=PLAN),
        )
        step = Step.of(EVERYTHING, case, when("mon 10:00"))
        of = {"target": "resolution", "track": "management"}
        for name, (kind, argument) in {key: (row.kind, row.about) for key, row in FACTS.items()}.items():
            if name != "happened":
                found = step.fact(name, of.get(argument))
                assert kind != "duration" or not (found >= "50 days"), name
        assert step.fact("plan_has_backup") is False
        assert step.fact("status_requests") == 1

    def test_facts_of_a_target(self):
        """Half of three days' hours is used up, then it is late; the time left is known until it is due."""
        case = Case.open("C", at=when("mon 09:00"), priority="normal", by_staff=True)
        half, due, late = (Step.of(EVERYTHING, case, when(one)) for one in ("tue 13:00", "wed 17:00", "thu 10:00"))
        assert [step.fact("outcome", "resolution") for step in (half, due, late)] == ["pending", "pending", "breached"]
        assert half.fact("remaining", "resolution") >= "28 hours"
        assert half.fact("remaining", "resolution") < "1681 minutes"
        assert half.fact("overdue_for", "resolution") < "1 minute"
        assert late.fact("overdue_for", "resolution") >= "1 business hour"
        assert late.fact("overdue_for", "resolution") < "61 business minutes"
        assert not (late.fact("remaining", "resolution") >= "1 minute")
        assert not (late.fact("remaining", "resolution") < "1 minute")
        assert half.fact("outcome", "review") == "not_started"

    def test_a_share_is_a_fraction_that_compares_as_in_a_rule(self):
        """With numbers, and with what a rule may say; nothing is used up of a clock that does not run."""
        case = Case.open("C", at=when("mon 09:00"), priority="normal", by_staff=True)
        half, due = (
            Step.of(EVERYTHING, case, when(one)).fact("used", "resolution") for one in ("tue 13:00", "wed 17:00")
        )
        assert [half, due] == [Fraction(1, 2), 1]
        assert half == "50%"
        assert half != "51%"
        assert half >= "1/2"
        assert not half < "0.5"
        assert "49%" < half <= 0.5 < due
        assert repr(half) == "Fraction(1, 2)"
        assert {half: "found"}[Fraction(1, 2)] == "found"
        assert Step.of(EVERYTHING, case, when("mon 09:00")).fact("used", "review") == 0

    def test_a_level_has_failed_until_the_case_leaves_it(self):
        """Of the first track, or of the one that is named."""
        case = opened(E.LevelFailed(at=when("mon 10:00")), E.Escalated(at=when("mon 11:00"), to="l2"))
        steps = [Step.of(PLAIN, case, when(one)) for one in ("mon 09:30", "mon 10:00", "mon 11:00")]
        assert [step.fact("level_failed") for step in steps] == [False, True, False]
        assert [step.fact("level_failed", "main") for step in steps] == [False, True, False]

    def test_an_item_of_a_plan_is_overdue_a_microsecond_after_its_due(self):
        """Unless it is done."""
        case = opened(E.PlanRevised(at=when("mon 10:00"), plan=PLAN))
        overdue = [Step.of(PLAIN, case, at).fact("plan_items_overdue") for at in (DUE, DUE + MICROSECOND)]
        assert overdue == [0, 1]

    def test_moves_are_counted_on_all_tracks_or_on_one(self):
        """A move up, for life."""
        case = Case.open("C", at=when("mon 09:00")).record(E.Escalated(at=when("mon 12:00"), to="manager"))
        step = Step.of(EVERYTHING, case, when("mon 12:00"))
        assert [step.fact("moves", of) for of in (None, "expertise", "management")] == [1, 0, 1]

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            (("setas",), r"unknown fact `setas`, .*; did you mean `seats`"),
            (("used",), r"used: unknown target `None`, expected one of `first_response`"),
            (("used", "resolutoin"), r"used: unknown target `resolutoin`, .*; did you mean `resolution`"),
            (("at_level_for", "managment"), r"at_level_for: unknown track `managment`, .*; did you mean `management`"),
            (("seats", "resolution"), r"`seats` asked about `resolution`, expected no argument"),
            (("happened",), r"fact asked by name `happened`, expected its pattern: `step.holds\(F.happened"),
            ((F.open_for,), r"fact asked by its handle `F.open_for`, expected its name; did you mean `'open_for'`"),
        ],
    )
    def test_a_fact_that_is_not_asked_rightly_says_how(self, asked, told):
        """In the library's words, with what was meant."""
        step = Step.of(EVERYTHING, opened(), when("mon 09:00"))
        with pytest.raises((InvalidValue, UnknownName), match=told):
            step.fact(*asked)

    @pytest.mark.parametrize("compared", [operator.gt, operator.le, operator.eq, operator.ne])
    def test_a_duration_compares_as_in_a_rule_and_no_other_way(self, compared):
        """Nothing is false in silence: what a rule refuses is refused here, and so is the bare duration as a truth."""
        length = Step.of(EVERYTHING, opened(), when("mon 09:00")).fact("open_for")
        with pytest.raises(InvalidValue, match=r"a duration compared with"):
            compared(length, "1 hour")
        with pytest.raises(EscalationRulesError, match=r"truth of the duration `F.open_for`, expected a comparison"):
            bool(length)

    def test_a_condition_is_refused_as_the_condition_it_is(self):
        """It stands in no rule of anybody's."""
        with pytest.raises(InvalidValue, match=r"^used: unknown target `x`"):
            Step.of(EVERYTHING, opened(), when("mon 09:00")).holds(F.used("x") >= "1/2")

    def test_nowhere_is_no_level(self):
        """On the second track, before anybody moved the case there."""
        step = Run.of(EVERYTHING, Case.open("C", at=when("mon 09:00"))).steps[0]
        assert step.fact("level", "management") is None
