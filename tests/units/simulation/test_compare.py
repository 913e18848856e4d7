"""Two policies on the same cases: every difference, paired figures, and pictures of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from escalation_rules import Case, Rule, Target
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import InvalidValue, UnknownName
from escalation_rules.simulation import Comparison, compare, replay
from escalation_rules.simulation.reports import paired
from tests.bench import after, desk, levels, opened, when
from tests.units.simulation.logs import sample, service_desk

FRIDAY = when("fri 12:00")


def slow(hours, to="l2", name="slow"):
    return Rule(key=name, when=F.open_for >= f"{hours} business hours", to=to)


def changed(old, new, *events, **fields):
    """The differences for one case, as dicts of what is not missing."""
    found = compare(old, new, [opened(*events, **fields)], until=FRIDAY).frame("changes")
    return [{key: value for key, value in row.items() if pd.notna(value)} for row in found.to_dict("records")]


def test_moves_differ_by_being_there_by_instant_or_by_rule():
    """Added, removed, earlier, later, other rule."""
    move = {"case": "C-1", "cycle": 1, "subject": "move", "track": "main", "occurrence": 0}
    both = {"old_level": "l2", "new_level": "l2", "old_rules": "slow", "new_rules": "slow"}
    mon, hour = when("mon 11:00"), timedelta(hours=1)
    assert changed(desk(), desk(slow(2))) == [
        {**move, "kind": "added", "new_at": mon, "new_level": "l2", "new_rules": "slow"}
    ]
    assert changed(desk(slow(2)), desk()) == [
        {**move, "kind": "removed", "old_at": mon, "old_level": "l2", "old_rules": "slow"}
    ]
    later = {**move, **both, "kind": "later", "old_at": mon, "new_at": mon + hour, "shift": hour}
    assert changed(desk(slow(2)), desk(slow(3))) == [later]
    earlier = {**move, **both, "kind": "earlier", "old_at": mon + hour, "new_at": mon, "shift": -hour}
    assert changed(desk(slow(3)), desk(slow(2))) == [earlier]
    other = {
        **move,
        **both,
        "kind": "other_rule",
        "old_at": mon,
        "new_at": mon,
        "shift": timedelta(0),
        "new_rules": "other",
    }
    assert changed(desk(slow(2)), desk(slow(2, name="other"))) == [other]
    assert changed(desk(slow(2)), desk(slow(2), version="2")) == []


def test_the_second_time_on_a_level_is_compared_with_the_second_time():
    """After a de-escalation within a cycle."""
    again = Rule(key="again", when=F.happened(E.CustomerReplied.like()), to="l2")
    events = E.DeEscalated(at=when("mon 12:00"), to="l1"), E.CustomerReplied(at=when("mon 13:00"))
    kinds = [(row["kind"], row["new_at"]) for row in changed(desk(slow(2)), desk(slow(2), again), *events)]
    assert kinds == [("added", when("mon 13:00"))]


def target(hours, **more):
    return Target.resolution(f"{hours} business hours", **more)


def test_deadlines_differ_by_outcome_or_by_due():
    """One that ended otherwise is told as that, whatever its due."""
    resolved = E.Resolved(at=when("tue 10:00"))
    (row,) = changed(desk(targets=(target(12),)), desk(targets=(target(8),)), resolved)
    assert (row["kind"], row["old_outcome"], row["new_outcome"], row["target"]) == (
        "outcome",
        "met",
        "breached",
        "resolution",
    )
    assert row["shift"] == when("mon 17:00") - when("tue 13:00")
    (row,) = changed(desk(targets=(target(12),)), desk(targets=(target(16),)), resolved)
    assert (row["kind"], row["old_level"]) == ("later", "l1")
    assert [row["kind"] for row in changed(desk(targets=(target(8),)), desk())] == ["removed"]


def test_an_instant_that_is_not_known_is_later_than_all():
    """A paused clock has no due, and so no shift."""
    waiting = E.WaitStarted(at=when("mon 10:00")), E.Resolved(at=when("mon 11:00"))
    through, paused = (desk(targets=(target(8, pause_on=pauses),)) for pauses in ((), ("customer",)))
    (row,) = changed(through, paused, *waiting)
    assert row["kind"] == "later"
    assert "shift" not in row
    assert changed(paused, through, *waiting)[0]["kind"] == "earlier"


def test_differences_are_ordered_by_case_and_instant():
    """Those without an instant last."""
    compared = compare(service_desk(), service_desk("2", "75%", 3), sample())
    frame = compared.frame("changes")
    first = frame[["old_at", "new_at"]].min(axis=1)
    keys = list(zip(frame["case"], first.isna(), first.fillna(pd.Timestamp(0, tz="UTC")), strict=True))
    assert keys == sorted(keys)
    assert set(frame["kind"]) >= {"added", "removed", "earlier", "later"}


def test_a_policy_compared_with_itself_changes_nothing():
    """On the whole sample."""
    compared = compare(service_desk(), service_desk("2"), sample())
    assert len(compared.frame("changes")) == 0
    assert compared.rates()["difference"].tolist() == [0]
    assert (compared.workload(every="1 week")["difference"] == 0).all()


def test_paired_rates_compare_the_same_deadlines():
    """Those met or breached under both; the others are counted apart."""
    ends = {
        "A": E.Resolved(at=when("mon 10:00")),
        "B": E.Resolved(at=when("tue 10:00")),
        "C": E.Reviewed(at=when("mon 10:00")),
    }
    cases = [opened(end, priority="low").model_copy(update={"id": name}) for name, end in ends.items()]
    compared = compare(desk(targets=(target(12),)), desk(targets=(target(8),)), cases, until=when("tue 11:00"))
    (row,) = compared.rates(by="priority").to_dict("records")
    assert (row["n"], row["old"], row["new"], row["difference"], row["unpaired"]) == (2, 0, 0.5, 0.5, 1)
    only_new = compare(desk(), desk(targets=(target(8),)), cases, until=when("tue 11:00"))
    assert only_new.rates(target="resolution")[["n", "unpaired"]].values.tolist() == [[0, 3]]
    with pytest.raises(UnknownName, match="unknown column `colour`"):
        compared.rates(by="colour")


def test_the_paired_interval_is_newcombes():
    """Newcombe 1998 (paired), table II, method 10: (36, 12, 2, 0), (20, 12, 2, 16) of 50 and (18, 12, 2, 18)."""
    cells = np.array([[36, 20, 18, 0], [12, 12, 12, 0], [2, 2, 2, 0], [0, 16, 18, 0]])
    found = paired(cells[0], cells[1], cells[2], cells[3], confidence=0.95)
    assert np.round(-found["difference"][:3], 4).tolist() == [0.2, 0.2, 0.2]
    assert np.round(-found["high"][:3], 4).tolist() == [0.0569, 0.0562, 0.0562]
    assert np.round(-found["low"][:3], 4).tolist() == [0.3404, 0.3292, 0.3290]
    assert np.isnan(found["difference"][3])


def test_cases_reached_are_counted_once_and_void_ones_not():
    """The share of cases that rules moved to a level."""
    cases = [opened().model_copy(update={"id": name}) for name in "AB"]
    cases.append(opened(E.Voided(at=when("tue 09:00"))).model_copy(update={"id": "C"}))
    found = compare(desk(), desk(slow(2), slow(4, "l3", "late")), cases, until=FRIDAY).reached()
    assert found[["to_level", "n", "old", "new"]].values.tolist() == [["l1", 2, 0, 0], ["l2", 2, 0, 1], ["l3", 2, 0, 1]]


def test_workload_of_both_stands_side_by_side():
    """Also where a level is only in one of them."""
    new = desk(slow(2), levels=(*levels(),))
    found = compare(desk(), new, [opened()], until=when("mon 12:00")).workload()
    assert found.drop(columns="start").values.tolist() == [["l1", 1, 1, 0, 1, 1, 0, -1], ["l2", 0, 1, 0, 0, 0, 1, 1]]


def test_examples_are_those_that_moved_farthest():
    """A frame of changes of one kind."""
    days = {"A": "mon 09:00", "B": "fri 16:00", "C": "mon 10:00"}
    cases = [Case.open(name, at=when(at)) for name, at in days.items()]
    compared = compare(desk(slow(2)), desk(slow(3)), cases, until=when("mon+1 17:00"))
    shifts = compared.examples("later", 3)["shift"].tolist()
    assert shifts == sorted(shifts, reverse=True)
    assert len(compared.examples("added")) == 0
    with pytest.raises(UnknownName, match="unknown kind of change `sooner`"):
        compared.examples("sooner")


def test_a_case_is_told_under_both():
    """One after the other."""
    compared = compare(desk(slow(2)), desk(slow(3), version="2"), [opened()], until=FRIDAY)
    text = compared.case("C-1").explain()
    assert text.index("C-1 under desk 1") < text.index("C-1 under desk 2")
    assert "policy desk 2" in compared.case("C-1").explain(at=when("mon 12:00"))


def test_a_comparison_looks_like_what_a_manager_would_read():
    """A table of today, proposed and difference; in a notebook as HTML, with names escaped."""
    compared = compare(service_desk("<1>"), service_desk("2", "75%"), sample())
    text = repr(compared)
    assert text.startswith("2,887 cases under service desk <1> (old) and service desk 2 (new)")
    assert "`resolution` breached" in text
    assert "points (" in text
    html = compared._repr_html_()
    assert "service desk &lt;1&gt;" in html
    assert html.count("<tr>") == 4
    assert "people act as they did" in text.lower()
    assert "People act as they did" in html


def test_replays_of_different_cases_are_not_compared():
    """Nor up to different instants; and there is one frame."""
    one = replay(desk(), [opened()], until=FRIDAY)
    for other in (replay(desk(), [opened()], until=when("fri 13:00")), replay(desk(), [], until=FRIDAY)):
        with pytest.raises(InvalidValue, match="replays of different cases"):
            Comparison(one, other)
    with pytest.raises(UnknownName, match="unknown frame `moves`"):
        Comparison(one, one).frame("moves")


def test_a_target_that_only_one_policy_has_is_compared_with_nothing():
    """The summary says so, and shows no figure that is none."""
    told = compare(desk(), desk(targets=Target.resolution("1 business hour")), [opened()], until=FRIDAY).summary()
    (line,) = (line for line in told.splitlines() if "resolution" in line)
    assert line.split("breached")[1].split() == ["–", "–", "not", "in", "both"]
    assert "nan" not in told


LONG = Rule(key="long", when=F.open_for >= "4 hours", to="l2")


@pytest.fixture
def log():
    pd = pytest.importorskip("pandas")
    pytest.importorskip("narwhals")
    from escalation_rules.simulation import LogMapping, cases_from_frame

    rows = [
        ("A", 0, "New", "low"),
        ("A", 2, "Waiting", "low"),
        ("A", 4, "Busy", "high"),
        ("A", 9, "Done", "high"),
        ("B", 1, "Busy", "low"),
        ("B", 1, "Busy", "low"),
        ("B", 30, "Done", "low"),
        ("C", 5, "Odd", "low"),
        ("C", 3, "New", "low"),
    ]
    frame = pd.DataFrame(
        [{"id": a, "at": after(b).strftime("%d/%m/%Y %H:%M"), "state": c, "prio": d} for a, b, c, d in rows]
    )
    words = {"New": "open", "Busy": "working", "Waiting": "waiting:customer", "Done": "resolved"}
    mapping = LogMapping(
        case="id", at="at", timezone="UTC", format="%d/%m/%Y %H:%M", status=("state", words), priority="prio"
    )
    return cases_from_frame(frame, mapping)


@pytest.fixture
def today():
    return desk(LONG, targets=(Target.resolution(within="8 hours"),))


def test_a_quicker_policy_moves_earlier_and_the_same_one_changes_nothing(log, today):
    """And with a quicker one every move is earlier."""
    from escalation_rules.simulation import compare

    sooner = desk(Rule(key="long", when=F.open_for >= "3 hours", to="l2"), targets=today.targets)
    assert len(compare(today, today, log).frame("changes")) == 0
    assert set(compare(today, sooner, log).frame("changes")["kind"]) == {"earlier"}
