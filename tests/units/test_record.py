"""Where the record has a case: by opening, move, de-escalation and snapshot, on each track."""

from __future__ import annotations

from escalation_rules import EscalationLevel, Track
from escalation_rules import events as E
from escalation_rules.record import episodes, rises, stays
from tests.bench import desk, opened, when

POLICY = desk(
    tracks=(
        Track(key="support", levels=(EscalationLevel(key="s1"), EscalationLevel(key="s2"), EscalationLevel(key="s3"))),
        Track(key="management", levels=EscalationLevel(key="m1")),
        Track(key="empty"),
    )
)


def told(case, at: str = "fri 17:00") -> list[tuple[str, str, str | None]]:
    days = {when(f"{day} {hour}:00"): f"{day} {hour}" for day in ("mon", "tue", "wed") for hour in range(9, 17)}
    return [(one.level, days[one.since], days.get(one.until)) for one in stays(POLICY, case, when(at))]


def test_a_stay_begins_with_the_event_that_leads_there():
    """Moves by key, down by track or by nothing, snapshots; what changes nothing begins nothing."""
    case = opened(
        E.Escalated(at=when("mon 10:00"), to="s2"),
        E.Escalated(at=when("mon 11:00"), to="m1"),
        E.Escalated(at=when("mon 12:00"), to="s2"),
        E.DeEscalated(at=when("mon 13:00"), track="management"),
        E.Reconciled(at=when("mon 14:00"), level="s3"),
        E.Reconciled(at=when("mon 15:00"), priority="high"),
        E.DeEscalated(at=when("mon 16:00")),
        E.DeEscalated(at=when("tue 09:00"), track="support"),
    )
    assert told(case) == [
        ("s1", "mon 9", "mon 10"),
        ("s2", "mon 10", "mon 14"),
        ("m1", "mon 11", "mon 13"),
        ("s3", "mon 14", "mon 16"),
        ("s1", "mon 16", None),
    ]
    assert told(case, "mon 11:30") == [("s1", "mon 9", "mon 10"), ("s2", "mon 10", None), ("m1", "mon 11", None)]
    assert told(opened(level="m1")) == [("s1", "mon 9", None), ("m1", "mon 9", None)]


def test_an_escalation_runs_until_the_case_is_back_in_the_ordinary_process():
    """From rung to rung it is one; on each track one of its own; resolving ends what has not ended."""
    case = opened(
        E.Escalated(at=when("mon 10:00"), to="s2"),
        E.Escalated(at=when("mon 11:00"), to="s3"),
        E.Escalated(at=when("mon 11:30"), to="m1"),
        E.DeEscalated(at=when("mon 12:00"), to="s1"),
        E.Escalated(at=when("tue 10:00"), to="s2"),
        E.Resolved(at=when("tue 12:00")),
    )
    assert [(one.track, one.since, one.until) for one in episodes(POLICY, case, when("wed 09:00"))] == [
        ("support", when("mon 10:00"), when("mon 12:00")),
        ("management", when("mon 11:30"), when("tue 12:00")),
        ("support", when("tue 10:00"), when("tue 12:00")),
    ]


def test_rises_are_moves_up_on_any_track():
    """Down and sideways are none."""
    case = opened(
        E.Escalated(at=when("mon 10:00"), to="s3"),
        E.Escalated(at=when("mon 11:00"), to="s2"),
        E.Escalated(at=when("mon 12:00"), to="m1"),
    )
    assert [(event.at, track) for event, track in rises(POLICY, case, when("tue 09:00"))] == [
        (when("mon 10:00"), "support"),
        (when("mon 12:00"), "management"),
    ]
