"""Laws of audits and figures, over random policies and histories."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from escalation_rules import Case, decide
from escalation_rules import events as E
from escalation_rules.audit import audit
from escalation_rules.engine import deadlines
from escalation_rules.engine.probe import value_of
from escalation_rules.metrics import brief, health, kpis, worklist
from escalation_rules.metrics.kpis import Kpi
from escalation_rules.record import rises, stays
from tests.generator import situations

FEWER = settings(max_examples=settings().max_examples // 4)
"""Each example goes through several folds."""
COUNTED = ("opened", "escalation_requests", "elevations", "unanswered", "status_requests", "reopenings")


@FEWER
@given(situations())
def test_what_comes_later_does_not_exist_for_an_audit(situation):
    """Same findings with and without the later part of the history, none of them later than the instant."""
    policy, case, at = situation
    found = audit(policy, case, at=at)
    assert all(one.at <= at for one in found.findings)
    known = Case(case.id, tuple(event for event in case.history if event.at <= at))
    assert audit(policy, known, at=at) == found


@FEWER
@given(situations())
def test_what_an_audit_found_it_finds_again_later(situation):
    """Whatever nobody records in between: only how a finding is told may change, and what was pending may be added."""
    policy, case, at = situation
    known = Case(case.id, tuple(event for event in case.history if event.at <= at))
    before, after = (
        {(one.at, one.code, one.rule) for one in audit(policy, known, at=moment).findings}
        for moment in (at, at + timedelta(days=30))
    )
    assert before <= after


@FEWER
@given(situations(), st.sampled_from(("day", "week", "month", "quarter", "year")))
def test_nothing_is_lost_between_periods(situation, per):
    """The figures of all periods add up to those of all time."""
    policy, case, at = situation
    whole = kpis(policy, [case], at=at).row()
    rows = kpis(policy, [case], at=at, every=per).rows
    for name in COUNTED:
        assert sum(getattr(row, name) for row in rows) == getattr(whole, name)
    for name in ("met", "breached", "by_change", "pending", "void"):
        assert sum(_of_all(row, name) for row in rows) == _of_all(whole, name)
    assert sum(row.time_to_answer.n for row in rows) == whole.time_to_answer.n


def _of_all(row: Kpi, name: str) -> int:
    return sum(getattr(one, name) for one in row.attainment)


@FEWER
@given(situations())
def test_the_figures_agree_with_the_case_and_its_deadlines(situation):
    """Requests, reopenings and outcomes are counted once each, in every figure alike."""
    policy, case, at = situation
    assume(case.status(at=at) != "void")
    row, page = kpis(policy, [case], at=at).row(), brief(policy, case, at=at)
    assert row.escalation_requests == page.escalation_requests == case.escalation_requests(at=at)
    assert row.reopenings == page.reopenings == case.reopenings(at=at)
    assert (row.unanswered > 0) == (case.first_open_escalation_request(at=at) is not None)
    outcomes = [one.outcome for one in deadlines(policy, case, at=at)]
    assert _of_all(row, "met") == outcomes.count("met") == page.kept.part
    assert _of_all(row, "breached") == outcomes.count("breached") == page.kept.whole - page.kept.part
    assert sum(row.moves.values()) == len(list(rises(policy, case, at)))
    assert page.moves == value_of(policy, "moves", case, at=at)
    found = health(policy, [case], at=at)
    assert found.reopened.part == (case.reopenings(at=at) > 0)


@FEWER
@given(situations())
def test_whatever_is_owed_is_on_somebodys_list(situation):
    """Each item and deadline that names a role is on that role's worklist, with its due date."""
    policy, case, at = situation
    for one in decide(policy, case, at=at).worklist:
        if one.role is not None:
            listed = worklist(policy, [case], at=at, role=one.role)
            assert (one.kind, one.what, one.due_at) in [(work.kind, work.what, work.due_at) for work in listed]


@FEWER
@given(situations())
def test_stays_follow_each_other_without_a_gap_on_the_first_track(situation):
    """From the opening on; where the last has no end it is where the record has the case."""
    policy, case, at = situation
    assume(policy.all_tracks[0].levels)
    track = policy.all_tracks[0].key
    found = [one for one in stays(policy, case, at) if one.track == track]
    assert found[0].since == case.opened_at
    assert [one.until for one in found[:-1]] == [one.since for one in found[1:]]
    assert found[-1].until is None
    moved = [event for event in case.history if isinstance(event, E.Escalated | E.DeEscalated | E.Reconciled)]
    assert len(found) <= 1 + len(moved)
