"""Rule 30: durations."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation_rules import EscalationRulesError, Rule, Target, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import fold
from escalation_rules.program.model import tree_holds
from escalation_rules.worktime import Span
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import ALWAYS, MICROSECOND, OFFICE, after, desk, moves, opened, when

TARGET = Target.resolution("8 business hours")


def holds(condition, case, at, **changes):
    """Whether a condition holds of a case at an instant."""
    policy = desk(Rule(key="r", when=condition, then=A.Tag("x")), **changes)
    machine, instant = machine_of(policy), when(at) if isinstance(at, str) else at
    state = fold(machine, case, microseconds_of(instant))
    return tree_holds(machine.program.rules[0].own_tree, lambda number: bool(state.tests.truth >> number & 1))


def holds_at(condition, case, *instants, **changes):
    """Whether it holds, at each of several instants."""
    return [holds(condition, case, at, **changes) for at in instants]


@pytest.mark.parametrize("operator", ["__gt__", "__le__", "__eq__", "__ne__"])
def test_durations_compare_with_at_least_and_less_only(operator):
    """Rule 30: so each comparison has one crossing."""
    with pytest.raises(EscalationRulesError, match="expected `<` or `>=`"):
        getattr(F.open_for, operator)("1 hour")


def test_a_duration_is_nothing_while_nothing_runs():
    """Rule 30: the negation of a comparison is the opposite comparison."""
    for condition in (~(F.unanswered_for >= "1 hour"), F.unanswered_for < "1 hour"):
        policy = desk(Rule(key="r", when=condition, then=A.Tag(text="calm")))
        assert [one.due_at for one in decide(policy, opened(E.SupportReplied(at=after(2))), at=after(5)).actions] == [
            after(0),
            after(2),
        ]


def test_an_atom_has_one_calendar():
    """Rule 30: it is the atom's own, else the rule's, else the policy's."""
    calendars = {"calendars": {"office": OFFICE, "always": ALWAYS}, "calendar": "always"}
    case = opened(at=when("mon 16:00"))
    long = F.unanswered_for >= "2 business hours"
    assert moves(
        desk(Rule(key="r", when=F.unanswered_for.on("office") >= "2 business hours", to="l2"), **calendars),
        case,
        when("wed 00:00"),
    ) == [("l2", when("tue 10:00"))]
    assert moves(desk(Rule(key="r", when=long, to="l2", calendar="office"), **calendars), case, when("wed 00:00")) == [
        ("l2", when("tue 10:00"))
    ]
    assert moves(desk(Rule(key="r", when=long, to="l2"), **calendars), case, when("wed 00:00")) == [
        ("l2", when("mon 18:00"))
    ]


@pytest.mark.parametrize(
    ("share", "due"),
    [(0.75, after(6)), ("3/4", after(6)), ("75%", after(6)), (1, after(8)), (1.5, after(12)), (0.1, after(0.8))],
)
def test_used_is_exact(share, due):
    """Rule 30: a tenth of eight hours is 48 minutes to the microsecond."""
    policy = desk(
        Rule(key="r", when=F.used("resolution") >= share, to="l2"), targets=(Target.resolution(within="8 hours"),)
    )
    assert moves(policy, opened(), due) == [("l2", due)]
    assert moves(policy, opened(), due - MICROSECOND) == []


def test_only_used_pauses():
    """Rule 30: three hours of waiting move `used` and do not move `open_for`."""
    policy = desk(
        Rule(key="u", when=F.used("resolution") >= 0.75, to="l3"),
        Rule(key="o", when=F.open_for >= "6 hours", to="l2"),
        targets=(Target.resolution(within="8 hours"),),
    )
    assert moves(policy, opened(E.WaitStarted(at=after(2)), E.WaitEnded(at=after(5))), after(9)) == [
        ("l2", after(6)),
        ("l3", after(9)),
    ]


def test_past_due_and_time_left_are_measured_from_the_due():
    """Rule 30: both are unknown while the clock is paused."""
    policy = desk(
        Rule(key="after", when=F.overdue_for("resolution") >= "1 hour", to="l2"),
        Rule(key="before", when=F.remaining("resolution") < "1 hour", to="l3", at_level="l1"),
        targets=(Target.resolution(within="8 hours"),),
    )
    assert moves(policy, opened(), after(9)) == [("l3", after(7) + MICROSECOND)]
    assert moves(policy, opened(E.WaitStarted(at=after(1))), after(99)) == []
    assert moves(desk(policy.rules[0], targets=policy.targets), opened(), after(9)) == [("l2", after(9))]


def test_a_duration_in_business_days_ends_at_closing_time():
    """Rule 30: two business days after Monday is Wednesday at 17:00."""
    assert holds_at(F.open_for >= "2 business days", opened(), "wed 16:59", "wed 17:00") == [False, True]
    assert holds_at(~(F.open_for >= "2 business days"), opened(), "wed 16:59", "wed 17:00") == [True, False]


def test_a_duration_of_nothing_is_always_reached():
    """Rule 30: `>= 0` holds from the start, even while the duration does not run."""
    answered = opened(E.SupportReplied(at=when("mon 09:00")))
    assert holds_at(F.unanswered_for >= "0 hours", answered, "mon 09:00", "mon 12:00") == [True, True]
    assert holds_at(F.unanswered_for < "0 hours", answered, "mon 12:00") == [False]
    assert holds_at(F.open_for >= "0 business days", opened(at="sat 12:00"), "sat 12:00") == [True]


def test_used_is_exact_and_pauses_with_the_target():
    """Rule 30: three quarters of eight hours are six, waiting does not count, and it goes on beyond due."""
    case = opened(E.WaitStarted(at=when("mon 10:00")), E.WaitEnded(at=when("mon 12:00")))
    instants = ("mon 11:00", "mon 16:59", "mon 17:00", "tue 09:00")
    assert holds_at(F.used("resolution") >= 0.75, case, *instants, targets=TARGET) == [False, False, True, True]
    assert holds_at(F.used("resolution") >= "1/8", case, "mon 09:59", "mon 10:00", "mon 11:00", targets=TARGET) == [
        False,
        True,
        True,
    ]
    assert holds_at(F.used("resolution") >= 1.5, opened(), "tue 12:59", "tue 13:00", targets=TARGET) == [False, True]
    assert holds_at(F.used("resolution") < 1, opened(), "mon 16:59", "mon 17:00", targets=TARGET) == [True, False]


def test_used_of_a_stopped_clock_stays_what_it_was():
    """Rule 30: half of the budget was used when the case was resolved."""
    case = opened(E.Resolved(at=when("mon 13:00")))
    half = F.used("resolution")
    assert holds_at((half >= 0.5) & (half < 0.51), case, "mon 13:00", "fri 13:00", targets=TARGET) == [True, True]


def test_past_due_runs_from_due_until_the_clock_stops():
    """Rule 30: it is counted in elapsed time or in business time."""
    case = opened(E.Resolved(at=when("tue 11:00")))
    instants = ("mon 17:00", "mon 17:29", "mon 17:30", "tue 10:59", "tue 11:00")
    assert holds_at(F.overdue_for("resolution") >= "30 minutes", case, *instants, targets=TARGET) == [
        False,
        False,
        True,
        True,
        False,
    ]
    business = F.overdue_for("resolution") >= "1 business hour"
    assert holds_at(business, case, "tue 09:59", "tue 10:00", "tue 11:00", targets=TARGET) == [False, True, False]


def test_time_left_is_unknown_without_a_pending_clock():
    """Rule 30: it is known until due, and unknown while the clock is paused or past due."""
    less, more = F.remaining("resolution") < "2 business hours", F.remaining("resolution") >= "2 business hours"
    instants = ("mon 15:00", when("mon 15:00") + MICROSECOND, "mon 17:00", when("mon 17:00") + MICROSECOND)
    assert holds_at(less, opened(), *instants, targets=TARGET) == [False, True, True, False]
    assert holds_at(more, opened(), *instants, targets=TARGET) == [True, False, False, False]
    paused = opened(E.WaitStarted(at=when("mon 10:00")))
    assert holds_at(less | more, paused, "mon 09:30", "mon 11:00", targets=TARGET) == [True, False]


@pytest.mark.parametrize("waited", ["1 minute", "30 minutes", "4 hours"])
def test_nobody_is_assigned_since_the_cycle_began_at_the_earliest(waited):
    """Rule 30: unassigned since Monday, resolved, reopened on Tuesday: the time counts from there (report D31)."""
    case = opened(E.Resolved(at=when("mon 17:00")), E.Reopened(at=when("tue 10:00")))
    assert not holds(F.unassigned_for >= waited, case, "tue 10:00")
    late = when("tue 10:00") + timedelta(microseconds=Span.of(waited).microseconds)
    assert not holds(F.unassigned_for >= waited, case, late - MICROSECOND)
    assert holds(F.unassigned_for >= waited, case, late)
