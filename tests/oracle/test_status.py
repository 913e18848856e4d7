"""The library's status of a case, and what its snapshots imply, held equal to the oracle's.

The histories are of nothing else, because one of a whole policy seldom has the few events that matter here in a row.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from escalation_rules import Case
from escalation_rules import events as E
from escalation_rules.case import expand_snapshots, on_record_since
from escalation_rules.events import OPEN
from escalation_rules.patterns import BaseEvent
from tests.bench import when
from tests.oracle.status import known_since, standing_after, unfolded

NINE = when("mon 09:00")
parties = st.sampled_from(("customer", "vendor"))
people = st.sampled_from((None, "Ann", "Ben"))
priorities = st.sampled_from(("low", "high"))
words = st.sampled_from(("open", "working", "waiting", "waiting:vendor", "resolved", "closed", "void"))
moments = st.integers(1, 8).map(lambda hours: NINE + timedelta(hours=hours))

waits = st.builds(E.WaitStarted, at=moments, on=parties)
happenings = st.one_of(
    waits,
    st.builds(E.WaitEnded, at=moments),
    st.builds(E.CustomerReplied, at=moments),
    st.sampled_from((E.Resolved, E.Closed, E.Voided, E.Reopened)).flatmap(lambda kind: st.builds(kind, at=moments)),
    st.builds(E.PriorityChanged, at=moments, to=priorities, recorded_at=st.none() | moments),
    st.builds(
        E.Assigned,
        at=moments,
        as_role=st.sampled_from(("assignee", "contact")),
        person=people,
        group=st.sampled_from((None, "desk")),
        recorded_at=st.none() | moments,
    ),
    st.builds(
        E.Reconciled,
        at=moments,
        priority=st.none() | priorities,
        status=st.none() | words,
        assigned=st.dictionaries(st.sampled_from(("assignee", "contact")), people),
    ),
)
histories = st.builds(
    lambda priority, waiting, events: Case.open("C", at=NINE, priority=priority).record(*waiting, *events).history,
    st.none() | priorities,
    st.lists(waits, max_size=2),
    st.lists(happenings, max_size=8),
)


@given(histories)
def test_a_snapshot_implies_what_was_not_on_record(history: tuple[BaseEvent, ...]) -> None:
    """Whatever was accepted late, was reassigned or waited for in the meantime."""
    assert list(expand_snapshots(history)) == unfolded(history)
    assert list(map(on_record_since, history)) == list(map(known_since, history))


@given(histories)
def test_the_status_is_what_its_events_lead_to(history: tuple[BaseEvent, ...]) -> None:
    """After each of the events, in turn."""
    standing, past = OPEN, list[BaseEvent]()
    for event in unfolded(history):
        standing, past = standing.after(event), [*past, event]
        assert tuple(standing) == tuple(standing_after(past))


def test_what_is_known_of_a_snapshot() -> None:
    """One that finds a case back from the vendor, with the customer, and with somebody else, implies three events."""
    case = Case.open("C", at=NINE).record(
        E.Assigned(at=NINE, as_role="assignee", person="Ann"),
        E.WaitStarted(at=NINE, on="vendor"),
        E.Reconciled(at=when("mon 10:00"), status="waiting", assigned={"assignee": "Ben"}),
    )
    ten = when("mon 10:00")
    assert unfolded(case.history)[4:] == [
        E.Assigned(at=ten, actor="automation", as_role="assignee", person="Ben"),
        E.WaitEnded(at=ten, actor="automation"),
        E.WaitStarted(at=ten, actor="automation", on="customer"),
    ]


def test_a_wait_that_goes_on_begins_anew_when_another_ends() -> None:
    """Of two waits one is over: an end of waiting ends both, and the other begins again."""
    ten = when("mon 10:00")
    case = Case.open("C", at=NINE).record(
        E.WaitStarted(at=NINE, on="vendor"),
        E.WaitStarted(at=NINE, on="customer"),
        E.Reconciled(at=ten, status="waiting:vendor"),
    )
    implied = [E.WaitEnded(at=ten, actor="automation"), E.WaitStarted(at=ten, actor="automation", on="vendor")]
    assert unfolded(case.history)[4:] == list(expand_snapshots(case.history))[4:] == implied
