"""How long a case has been resolved, and how long the customer has been silent: examples reckoned by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from escalation_rules import Case, EscalationLevel, Policy, Rule
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules.conditions import Atom
from escalation_rules.patterns import BaseEvent
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import OFFICE, when
from tests.oracle.fold import Fold

NINE = when("mon 09:00")


DESK = Policy(name="desk", version="1", levels=(EscalationLevel(key="first"),), calendars={"office": OFFICE})


def at(hours: float) -> datetime:
    """So many hours after the opening."""
    return NINE + timedelta(hours=hours)


def lasted(fact: str, history: tuple[BaseEvent, ...], asked: float, hours: float) -> bool:
    """Whether a duration is exactly so long: it has reached that, and no more."""
    more = timedelta(hours=hours, microseconds=1)
    return reached(fact, history, asked, timedelta(hours=hours)) and not reached(fact, history, asked, more)


def reached(fact: str, history: tuple[BaseEvent, ...], asked: float, span: object) -> bool:
    atom = Atom(fact=fact, kind="duration", op=">=", value=span)
    rule = Rule(key="watch", when=atom, to=None, then=(A.Tag("seen"),))
    case = Case.open("C-1", at=NINE).record(*history)
    fold = Fold(DESK, case, microseconds_of(at(asked)))
    fold.run()
    return fold.truth(rule, atom, fold.at, fold.here()) is True


RESOLVED, CLOSED, VOIDED, REOPENED = (
    E.Resolved(at=at(2)),
    E.Closed(at=at(3)),
    E.Voided(at=at(3)),
    E.Reopened(at=at(3)),
)


@pytest.mark.parametrize(
    ("history", "hours"),
    [
        ((), 0),
        ((RESOLVED,), 3),
        ((RESOLVED, E.Resolved(at=at(4))), 3),
        ((RESOLVED, E.CustomerReplied(at=at(4))), 3),
        ((RESOLVED, E.WaitStarted(at=at(4)), E.WaitEnded(at=at(4.5))), 3),
        ((RESOLVED, CLOSED), 0),
        ((RESOLVED, VOIDED), 0),
        ((RESOLVED, REOPENED), 0),
        ((RESOLVED, REOPENED, E.Resolved(at=at(4))), 1),
        ((CLOSED,), 0),
        ((E.Reconciled(at=at(2), status="resolved"),), 3),
        ((E.Resolved(at=at(6)),), 0),
    ],
)
def test_resolved_for(history: tuple[BaseEvent, ...], hours: float) -> None:
    """Asked five hours after the opening."""
    assert lasted("resolved_for", history, 5, hours)


REPLY, UPDATE = E.SupportReplied(at=at(1)), E.UpdateSent(at=at(2))


@pytest.mark.parametrize(
    ("history", "hours"),
    [
        ((), 0),
        ((REPLY,), 4),
        ((UPDATE,), 3),
        ((REPLY, UPDATE), 3),
        ((REPLY, E.UpdateSent(at=at(2), audience="management")), 4),
        ((REPLY, E.UpdateSent(at=at(2), actor="automation")), 4),
        ((REPLY, E.SupportReplied(at=at(2), public=False)), 4),
        ((REPLY, E.SupportReplied(at=at(2), automatic=True)), 4),
        ((REPLY, E.CustomerReplied(at=at(2))), 0),
        ((REPLY, E.CustomerReplied(at=at(1))), 0),
        ((E.CustomerReplied(at=at(1)), REPLY), 4),
        ((REPLY, E.CustomerReplied(at=at(2)), E.SupportReplied(at=at(3))), 2),
        ((REPLY, RESOLVED), 4),
        ((REPLY, RESOLVED, REOPENED), 0),
        ((REPLY, RESOLVED, REOPENED, E.SupportReplied(at=at(4))), 1),
        ((REPLY, E.WaitStarted(at=at(2))), 4),
    ],
)
def test_customer_silent_for(history: tuple[BaseEvent, ...], hours: float) -> None:
    """Asked five hours after the opening."""
    assert lasted("customer_silent_for", history, 5, hours)


def with_reminder(atom: Atom) -> Policy:
    """A policy with one rule, made unchecked: the library may not know the facts yet."""
    fields = {name: getattr(DESK, name) for name in Policy.model_fields}
    return Policy.model_construct(**fields | {"rules": (Rule(key="remind", when=atom, then=(A.Tag("silent"),)),)})


def test_a_rule_may_ask_for_silence_in_business_time() -> None:
    """An hour on Monday before the office closes and another on Tuesday; the crossing wakes the case."""
    atom = Atom(fact="customer_silent_for", kind="duration", op=">=", value="2 business hours")
    case = Case.open("C-1", at=NINE).record(E.SupportReplied(at=when("mon 16:00")))
    policy = with_reminder(atom)
    due = microseconds_of(when("tue 10:00"))
    early = Fold(policy, case, due - 1)
    found = early.run()
    assert found.actions == ()
    assert early.wake_at(found) == due
    assert [action.due for action in Fold(policy, case, due).run().actions] == [due]


def test_an_answer_in_time_keeps_a_rule_from_asking() -> None:
    """The customer writes a moment before the two hours are over, and is silent again only after our next reply."""
    atom = Atom(fact="customer_silent_for", kind="duration", op=">=", value="2 hours")
    policy = with_reminder(atom)
    answer, again = E.CustomerReplied(at=at(2.99)), E.SupportReplied(at=at(4))
    case = Case.open("C-1", at=NINE).record(REPLY, answer, again)
    actions = Fold(policy, case, microseconds_of(at(24))).run().actions
    assert [action.due for action in actions] == [microseconds_of(at(6))]
