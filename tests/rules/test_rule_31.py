"""Rule 31: what is not known."""

from __future__ import annotations

import pytest

from escalation_rules import Pick, Rule, decide
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import fold
from escalation_rules.errors import InvalidValue
from escalation_rules.program.model import tree_holds
from escalation_rules.worktime import BusinessCalendar
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import OFFICE, after, desk, moves, opened, when

OWN = (F.flag("x"), F.choice("kind", ("a", "b")), F.count("n", minimum=0, maximum=9), F.label("g"))


def holds(condition, case, at, **changes):
    """Whether a condition holds of a case at an instant."""
    policy = desk(Rule(key="r", when=condition, then=A.Tag("x")), **changes)
    machine, instant = machine_of(policy), when(at) if isinstance(at, str) else at
    state = fold(machine, case, microseconds_of(instant))
    return tree_holds(machine.program.rules[0].own_tree, lambda number: bool(state.tests.truth >> number & 1))


def holds_at(condition, case, *instants, **changes):
    """Whether it holds, at each of several instants."""
    return [holds(condition, case, at, **changes) for at in instants]


FACTS = (
    F.flag("down"),
    F.count("seats", minimum=0, maximum=100),
    F.choice("size", ("small", "large")),
    F.label("team"),
)


@pytest.mark.parametrize(
    "when",
    [
        F.flag("x"),
        ~F.flag("x"),
        F.choice("kind") == "a",
        F.choice("kind") != "a",
        ~(F.choice("kind") == "a"),
        F.count("n") >= 1,
        ~(F.count("n") >= 1),
        F.label("g") != "z",
        ~(F.flag("x") | F.level_failed),
    ],
)
def test_unknown_is_not_true(when):
    """Rule 31: neither the atom nor its opposite holds, and the explanation says so."""
    decision = decide(desk(Rule(key="r", when=when, to="l2"), facts=OWN), opened(), at=after(1))
    assert decision.moves == ()
    assert "unknown" in decision.explain()


@pytest.mark.parametrize("when", [F.flag("x") | F.level_failed, ~(F.flag("x") & ~F.level_failed)])
def test_a_known_fact_may_settle_a_condition_with_an_unknown_one(when):
    """Rule 31: true or unknown is true."""
    policy = desk(Rule(key="r", when=when, to="l2"), facts=OWN)
    assert moves(policy, opened(E.LevelFailed(at=after(1))), after(1)) == [("l2", after(1))]


@pytest.mark.parametrize(
    ("condition", "facts"),
    [
        (F.flag("down") == True, {"down": True}),
        (F.flag("down") == False, {"down": False}),
        (~F.flag("down"), {"down": False}),
        (F.count("seats") > 5, {"seats": 6}),
        (F.count("seats").in_(1, 6), {"seats": 6}),
        (F.choice("size") == "small", {"size": "small"}),
        (F.choice("size").in_("small", "large"), {"size": "small"}),
        (F.label("team") != "red", {"team": "blue"}),
    ],
)
def test_neither_an_atom_of_a_missing_fact_nor_its_opposite_holds(condition, facts):
    """Rule 31: an observed fact is known, and a withdrawn one is unknown again."""
    assert holds(condition, opened(facts=facts), "mon 10:00", facts=FACTS)
    assert not holds(condition, opened(), "mon 10:00", facts=FACTS)
    assert not holds(~(condition & condition), opened(), "mon 10:00", facts=FACTS)
    (name,) = facts
    withdrawn = opened(E.FactChanged(at=when("mon 09:30"), name=name, value=None), facts=facts)
    assert not holds(condition, withdrawn, "mon 10:00", facts=FACTS)


def test_a_pick_without_a_value_is_unknown():
    """Rule 31: a duration whose constant depends on a missing fact neither holds nor fails."""
    span = Pick(by="size", values={"small": "1 hour", "large": "3 hours"})
    either = (F.open_for >= span) | (F.open_for < span)
    assert holds_at(either, opened(), "mon 12:00", facts=FACTS) == [False]
    assert holds_at(F.open_for >= span, opened(facts={"size": "small"}), "mon 09:59", "mon 10:00", facts=FACTS) == [
        False,
        True,
    ]
    grown = opened(E.FactChanged(at=when("mon 10:30"), name="size", value="large"), facts={"size": "small"})
    assert holds_at(F.open_for >= span, grown, "mon 10:00", "mon 10:30", "mon 12:00", facts=FACTS) == [
        True,
        False,
        True,
    ]


def test_a_calendar_may_be_picked_too():
    """Rule 31: the fact decides whether office hours count or all time."""
    calendars = {"office": OFFICE, "always": BusinessCalendar.always("UTC")}
    on = F.open_for.on(Pick(by="size", values={"large": "always"}, otherwise="office")) >= "2 business hours"
    small, large = opened(at="mon 16:00", facts={"size": "small"}), opened(at="mon 16:00", facts={"size": "large"})
    assert holds_at(on, small, "mon 18:00", "tue 10:00", facts=FACTS, calendars=calendars) == [False, True]
    assert holds_at(on, large, "mon 17:59", "mon 18:00", facts=FACTS, calendars=calendars) == [False, True]


DEFAULTS = {
    "a flag": (F.flag("x", default=False), ~F.flag("x"), True),
    "a count": (F.count("x", minimum=0, maximum=9, default=3), F.count("x") >= 3, 1),
    "a choice": (F.choice("x", ("small", "large"), default="small"), F.choice("x") == "small", "large"),
    "a label": (F.label("x", default="gold"), F.label("x") == "gold", "silver"),
}


@pytest.mark.parametrize("what", DEFAULTS)
def test_a_default_is_known_from_the_opening_on(what):
    """Rule 31: until another value is observed, and again when none is; its evidence is the opening."""
    fact, condition, other = DEFAULTS[what]
    policy = desk(Rule(key="r", when=condition, then=A.Tag("x")), facts=(fact,))
    (asked,) = decide(policy, opened(), at=after(3)).actions
    assert asked.due_at == after(0)
    seen, gone = (E.FactChanged(at=after(at), name="x", value=value) for at, value in ((1, other), (2, None)))
    assert not holds(condition, opened(seen), after(1), facts=(fact,))
    assert holds(condition, opened(seen, gone), after(2), facts=(fact,))


@pytest.mark.parametrize("make", [lambda: F.flag("x", default=1), lambda: F.choice("x", ("a",), default="b")])
def test_a_default_is_in_the_domain(make):
    """Rule 31: a default that the fact could not take is refused when the policy is made."""
    with pytest.raises(InvalidValue, match="not a default of x"):
        desk(facts=(make(),))


def test_a_guard_on_a_flag_with_a_default_lets_rules_run():
    """Rule 31: nobody ever observed the flag, and the case is moved all the same (report D15)."""
    major = F.flag("major", default=False)
    rule = Rule(key="late", when=(F.open_for >= "2 hours") & ~major, to="l2")
    assert decide(desk(rule, facts=(major,)), opened(), at=after(3)).move.to == "l2"
    assert decide(desk(rule, facts=(F.flag("major"),)), opened(), at=after(3)).move is None
