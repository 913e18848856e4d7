"""Reading a log: every row becomes an event, nothing new, or a finding."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from escalation_rules import BusinessCalendar, Case, Target
from escalation_rules import events as E
from escalation_rules.errors import InvalidValue, UnknownName
from escalation_rules.simulation import LogMapping, cases_from_frame
from tests.units.simulation.logs import SERVICENOW, sample, sample_rows

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def read(rows, **mapping):
    """A log of (case, hour, more columns)."""
    frame = pd.DataFrame([{"case": case, "at": at(hour).isoformat(), **more} for case, hour, more in rows])
    return cases_from_frame(frame, LogMapping(case="case", at="at", **mapping))


def kinds(log):
    return [(one.code, one.rows, one.cases) for one in log.found]


def told(case):
    return [(type(event).__name__, event.at, event.id) for event in case.history]


def test_the_first_value_holds_from_the_opening_and_each_change_is_one_event():
    """With `row:<n>` as its id; where a row changes several things, the next have a suffix."""
    rows = [
        ("A", 9, {"state": "New", "prio": "low", "site": "X", "who": "Ann"}),
        ("A", 10, {"state": "New", "prio": "high", "site": "Y", "who": "Ann"}),
        ("A", 11, {"state": "Vendor", "prio": "high", "site": "Y", "who": ""}),
        ("A", 12, {"state": "Client", "prio": "", "site": "", "who": "Ben"}),
        ("A", 13, {"state": "Done", "prio": "low", "site": "", "who": "Ben"}),
    ]
    states = {"New": "open", "Vendor": "waiting:vendor", "Client": "waiting:customer", "Done": "resolved"}
    log = read(rows, status=("state", states), priority="prio", facts={"site": "site"}, assigned={"assignee": "who"})
    assert log["A"].history == (
        E.Opened(at=at(9), id="row:0", priority="low", facts={"site": "X"}),
        E.Assigned(at=at(9), id="row:0:2", person="Ann"),
        E.PriorityChanged(at=at(10), id="row:1", to="high"),
        E.FactChanged(at=at(10), id="row:1:2", name="site", value="Y"),
        E.Assigned(at=at(11), id="row:2"),
        E.WaitStarted(at=at(11), id="row:2:2", on="vendor"),
        E.FactChanged(at=at(12), id="row:3", name="site", value=None),
        E.Assigned(at=at(12), id="row:3:2", person="Ben"),
        E.WaitEnded(at=at(12), id="row:3:3"),
        E.WaitStarted(at=at(12), id="row:3:4", on="customer"),
        E.PriorityChanged(at=at(13), id="row:4", to="low"),
        E.Resolved(at=at(13), id="row:4:2"),
    )
    assert kinds(log) == []


def test_a_case_of_a_log_is_a_case_like_any_other():
    """Made without validation, it equals the one that was validated, and can be recorded into."""
    case = sample()["INC0000065"]
    assert Case.model_validate_json(case.model_dump_json()) == case
    assert case.attributes == {"contact_type": "Phone"}
    assert case.record(E.Reviewed(at=case.history[-1].at)).history[:-1] == case.history


def test_statuses_are_the_events_of_from_statuses():
    """On the whole sample: the same events as the one-by-one reading of what the status became."""
    rows = sample_rows()
    moments = pd.to_datetime(rows["sys_updated_at"], format="%d/%m/%Y %H:%M").dt.tz_localize("UTC")
    states = SERVICENOW.status.words
    for number, own in list(rows.assign(moment=moments).groupby("number"))[:300]:
        case = sample()[number]
        dated = sorted(zip(own["moment"], own["incident_state"], strict=True), key=lambda one: one[0])
        first = case.opened_at
        known = [(moment, states[state]) for moment, state in dated if state in states]
        known[0] = (first, known[0][1])
        expected = E.from_statuses([(max(moment.to_pydatetime(), first) if place else first, state)
                                    for place, (moment, state) in enumerate(known)])  # fmt: skip
        found = [one for one in case.history if type(one) in {type(event) for event in expected}]
        assert [(type(one), one.at) for one in found] == [(type(one), one.at) for one in expected]


def test_the_sample_is_read_whole_and_its_findings_are_told():
    """No row is lost in silence: 2,887 incidents, 16,284 rows."""
    log = sample()
    assert (len(log), log.rows) == (2887, 16284)
    odd = [("out_of_order", 1, 1), ("tie", 3196, 1083), ("early", 1, 1), ("late_start", 1006, 1006)]
    assert kinds(log) == odd
    assert log.until == datetime(2017, 2, 15, 11, 7, tzinfo=UTC)
    assert repr(log).startswith("CaseLog: 2,887 cases, 16,284 rows, 2016-02-29 …")
    assert next(iter(log.findings["code"])) == "out_of_order"


def test_pandas_polars_and_pyarrow_read_alike():
    """And findings come back in the library of the frame."""
    rows = sample_rows().head(3000)
    logs = [cases_from_frame(frame, SERVICENOW) for frame in (rows, pl.from_pandas(rows), pa.Table.from_pandas(rows))]
    assert list(logs[0]) == list(logs[1]) == list(logs[2])
    assert logs[0].found == logs[1].found == logs[2].found
    assert [type(log.findings) for log in logs] == [pd.DataFrame, pl.DataFrame, pa.Table]


def test_without_pyarrow_a_log_is_read_alike(monkeypatch):
    """It is faster with it, and no other."""
    from escalation_rules.simulation import log_reader as columns

    rows = sample_rows().head(3000)
    fast = cases_from_frame(rows, SERVICENOW)
    monkeypatch.setattr(columns, "find_spec", lambda _: None)
    slow = cases_from_frame(rows, SERVICENOW)
    assert list(fast) == list(slow)
    assert fast.found == slow.found


def test_other_libraries_are_refused():
    """What a replay cannot give back is not taken."""
    import narwhals.stable.v1 as nw

    from escalation_rules.simulation.frames import backend_of

    class Other:
        implementation = nw.Implementation.MODIN

    with pytest.raises(InvalidValue, match="unknown frame library `modin`"):
        backend_of(Other())


@pytest.mark.parametrize("kind", ["aware", "naive", "date", "iso", "objects", "gap"])
@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_times_of_every_sort_are_instants(kind, library):
    """Datetimes with and without a zone, dates, ISO texts; naive ones are wall time in the mapping's zone."""
    hour = datetime(2026, 7, 1, 9, 30)  # noqa: DTZ001 naive on purpose
    given, expected = {
        "aware": ([hour.replace(tzinfo=timezone(timedelta(hours=5)))], datetime(2026, 7, 1, 4, 30, tzinfo=UTC)),
        "naive": ([hour], datetime(2026, 7, 1, 8, 30, tzinfo=UTC)),
        "date": ([date(2026, 7, 1)], datetime(2026, 6, 30, 23, tzinfo=UTC)),
        "iso": (["2026-07-01T09:30:00"], datetime(2026, 7, 1, 8, 30, tzinfo=UTC)),
        "objects": (["2026-07-01T09:30:00+05:00"], datetime(2026, 7, 1, 4, 30, tzinfo=UTC)),
        "gap": ([hour, None], datetime(2026, 7, 1, 8, 30, tzinfo=UTC)),
    }[kind]
    frame = library({"case": ["A", "B"][: len(given)], "at": given})
    log = cases_from_frame(frame, LogMapping(case="case", at="at", timezone="Europe/London"))
    assert [case.opened_at for case in log] == [expected]
    assert kinds(log) == ([("undated", 1, 1)] if kind == "gap" else [])


def test_a_column_of_several_sorts_of_times_is_read_cell_by_cell():
    """Datetimes of two zones, a text, a date; a number is no instant."""
    cells = [at(9), at(10).astimezone(timezone(timedelta(hours=5))), "2026-03-02T11:00Z", 12, date(2026, 3, 3)]
    frame = pd.DataFrame({"case": list("ABCDE"), "at": pd.Series(cells, dtype=object)})
    log = cases_from_frame(frame, LogMapping(case="case", at="at", timezone="UTC"))
    assert [case.opened_at for case in log] == [at(9), at(10), at(11), at(24)]
    assert kinds(log) == [("undated", 1, 1)]


def test_wall_times_at_a_clock_change_are_rule_2s():
    """A repeated hour is its first occurrence, a skipped one the first instant after the gap."""
    frame = pd.DataFrame({"case": ["A", "B"], "at": [datetime(2026, 10, 25, 1, 30), datetime(2026, 3, 29, 1, 30)]})  # noqa: DTZ001 naive on purpose
    log = cases_from_frame(frame, LogMapping(case="case", at="at", timezone="Europe/London"))
    assert [case.opened_at for case in log] == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, tzinfo=UTC),
    ]


@pytest.mark.parametrize("moment", ["2026-03-02T09:00", datetime(2026, 3, 2, 9), date(2026, 3, 2)])  # noqa: DTZ001 naive on purpose
def test_naive_times_without_a_zone_are_refused(moment):
    """Nobody can say when they were."""
    with pytest.raises(InvalidValue, match=r"at: naive time `2026-03-02.*expected a `timezone` in the mapping"):
        cases_from_frame(pd.DataFrame({"case": ["A"], "at": [moment]}), LogMapping(case="case", at="at"))


def test_missing_columns_are_one_error_with_suggestions():
    """All of them at once."""
    frame = pd.DataFrame({"number": ["A"], "updated": ["x"], "state": ["New"]})
    with pytest.raises(UnknownName) as raised:
        cases_from_frame(frame, LogMapping(case="numbr", at="updated", status="stat", facts={"site": "place"}))
    assert [problem.suggestion for problem in raised.value.problems] == ["number", "state", ""]
    assert [problem.path for problem in raised.value.problems] == ["case", "status", "facts[site]"]
    assert "3 problems in the mapping" in str(raised.value)


def test_rows_are_ordered_by_instant_and_then_by_place():
    """Rule 8. What was put in its place, and what happened at once, is told."""
    log = read(
        [("A", 9, {"p": "low"}), ("A", 11, {"p": "high"}), ("A", 10, {"p": "normal"}), ("A", 11, {"p": "low"})],
        priority="p",
    )
    assert [event.to for event in log["A"].history[1:]] == ["normal", "high", "low"]
    assert kinds(log) == [("out_of_order", 1, 1), ("tie", 2, 1)]


def test_an_update_before_the_opening_is_taken_as_at_the_opening():
    """And told."""
    log = read(
        [("A", 9, {"p": "low", "o": at(10).isoformat()}), ("A", 9.5, {"p": "high", "o": at(10).isoformat()})],
        priority="p",
        opened="o",
    )
    assert told(log["A"]) == [("Opened", at(10), "row:0"), ("PriorityChanged", at(10), "row:1")]
    assert kinds(log) == [("early", 2, 1)]


def test_without_a_known_opening_the_first_row_is_it():
    """An empty cell says nothing."""
    log = read([("A", 9, {"o": ""}), ("B", 9, {"o": at(8).isoformat()})], opened="o")
    assert [case.opened_at for case in log] == [at(9), at(8)]


def test_rows_without_a_case_or_an_instant_are_told():
    """They cannot be used; a log of nothing else is refused."""
    frame = pd.DataFrame({"case": ["A", "", None, "B"], "at": [at(9).isoformat()] * 3 + ["yesterday"]})
    log = cases_from_frame(frame, LogMapping(case="case", at="at"))
    assert (len(log), kinds(log)) == (1, [("nameless", 2, 0), ("undated", 1, 1)])
    with pytest.raises(InvalidValue, match="a log without a row that has a case and an instant"):
        cases_from_frame(frame.iloc[1:3], LogMapping(case="case", at="at"))


def test_times_of_which_none_can_be_read_are_told_with_how_they_are_written():
    """A format that fits nothing would else look like an empty log."""
    frame = pd.DataFrame({"case": ["A", "B"], "at": ["yesterday", "today"]})
    with pytest.raises(InvalidValue, match=r"^at: no time that can be read, such as `yesterday`, expected ISO 8601$"):
        cases_from_frame(frame, LogMapping(case="case", at="at"))
    with pytest.raises(InvalidValue, match=r"such as `yesterday`, expected times of the format `%Y`$"):
        cases_from_frame(frame, LogMapping(case="case", at="at", format="%Y"))


def test_what_is_no_frame_is_refused():
    """With what would be one."""
    with pytest.raises(InvalidValue, match="not a frame `list`, expected one of pandas, polars or pyarrow"):
        cases_from_frame([1], LogMapping(case="case", at="at"))


def test_an_event_that_the_first_row_names_happens_at_its_own_instant():
    """What the row shows holds from the opening; what it tells does not: the reply came at twelve."""
    rows = [{"case": "A", "at": at(hour), "opened": at(9), "s": "open", "e": "reply"} for hour in (12, 14)]
    mapping = LogMapping(case="case", at="at", opened="opened", status="s", events=("e", {"reply": "SupportReplied"}))
    history = cases_from_frame(pd.DataFrame(rows), mapping)["A"].history
    assert [(event.type, event.at) for event in history] == [
        ("Opened", at(9)),
        ("SupportReplied", at(12)),
        ("SupportReplied", at(14)),
    ]


def test_a_status_of_the_first_row_comes_before_an_event_that_it_names():
    """A case that waits from its opening on, and is answered at twelve."""
    row = {"case": "A", "at": at(12), "opened": at(9), "s": "waiting:vendor", "e": "reply"}
    mapping = LogMapping(case="case", at="at", opened="opened", status="s", events=("e", {"reply": "SupportReplied"}))
    history = cases_from_frame(pd.DataFrame([row]), mapping)["A"].history
    assert [(event.type, event.at, event.id) for event in history] == [
        ("Opened", at(9), "row:0"),
        ("WaitStarted", at(9), "row:0:2"),
        ("SupportReplied", at(12), "row:0:3"),
    ]


def test_what_the_mapping_gives_no_meaning_is_told_and_not_used():
    """For statuses, priorities and events; also words that are no status of ours."""
    rows = [
        ("A", 9, {"s": "open", "e": "reply"}),
        ("A", 10, {"s": "odd", "e": "?"}),
        ("A", 11, {"s": "closed", "e": "x"}),
    ]
    log = read(rows, status="s", events=("e", {"reply": "SupportReplied"}))
    assert [type(event).__name__ for event in log["A"].history] == ["Opened", "SupportReplied", "Closed"]
    assert [(one.code, one.column, one.value) for one in log.found] == [
        ("unmapped", "s", "odd"),
        ("unmapped", "e", "x"),
    ]


def test_a_case_that_does_not_begin_open_is_told_and_its_status_holds_from_the_opening():
    """`working` is no beginning either: something happened before the log began."""
    log = read([("A", 9, {"s": "waiting:vendor"}), ("B", 9, {"s": "working"}), ("C", 9, {"s": "open"})], status="s")
    assert [type(event).__name__ for event in log["A"].history] == ["Opened", "WaitStarted"]
    assert kinds(log) == [("late_start", 2, 2)]


def test_a_column_that_knows_the_future_is_told():
    """It shows an instant later than its row; what cannot be read as an instant is no leak."""
    rows = [("A", 9, {"done": at(12).isoformat(), "x": "X"}), ("A", 12, {"done": at(12).isoformat(), "x": "X"})]
    log = read(rows, attributes=("done", "x"))
    assert [(one.code, one.column, one.rows) for one in log.found] == [("leak", "done", 1)]
    naive = [("A", 9, {"done": "2026-03-03T09:00"})]
    assert kinds(read(naive, facts={"done": "done"})) == []


def test_the_same_update_twice_changes_nothing():
    """Rule 11, where rows have ids of their own; rows without one keep their number."""
    told = ((9, "1", "low"), (10, "2", "high"), (11, "1", "low"), (12, "", "low"))
    rows = [("A", hour, {"u": update, "p": priority}) for hour, update, priority in told]
    log = read(rows, id="u", priority="p")
    assert [event.id for event in log["A"].history] == ["1", "2", "row:3"]
    assert kinds(log) == [("repeated", 1, 1)]


def test_a_pair_of_columns_says_person_and_group():
    """One change of both is one event."""
    rows = [("A", 9, {"g": "G1", "p": ""}), ("A", 10, {"g": "G2", "p": "Ann"}), ("A", 11, {"g": "", "p": ""})]
    log = read(rows, assigned={"assignee": ("p", "g")})
    assert [(event.person, event.group) for event in log["A"].history[1:]] == [
        (None, "G1"),
        ("Ann", "G2"),
        (None, None),
    ]


def test_levels_are_observed_for_a_policy_to_say_which_way_they_went():
    """A team's name carries the line of support."""
    rows = [("A", 9, {"t": "G97"}), ("A", 10, {"t": "V13 2nd"}), ("A", 11, {"t": "G96"}), ("A", 12, {"t": "G97"})]
    log = read(rows, level=("t", {"* 2nd": "second", "* 3rd": "third", "*": "first"}))
    assert log["A"].history == (
        E.Opened(at=at(9), id="row:0", level="first"),
        E.Reconciled(at=at(10), id="row:1", level="second"),
        E.Reconciled(at=at(11), id="row:2", level="first"),
    )


def test_only_mapped_columns_are_read():
    """A column that nobody named may hold anything."""
    frame = pd.DataFrame({"case": ["A"], "at": [at(9).isoformat()], "other": [{"unhashable": []}]})
    assert len(cases_from_frame(frame, LogMapping(case="case", at="at"))) == 1


def test_an_unknown_case_is_refused():
    """By its name."""
    with pytest.raises(UnknownName, match="unknown case `INC0`"):
        sample()["INC0"]


def test_quantiles_are_times_that_were_seen():
    """Counted in the calendar, without the pauses; of those that were stopped."""
    office = BusinessCalendar("UTC", {"mon-fri": "09:00-17:00"})
    rows = [
        *(("A", 9, {"s": "open", "p": "low"}), ("A", 10, {"s": "resolved", "p": "low"})),
        *(("B", 9, {"s": "open", "p": "low"}), ("B", 18, {"s": "resolved", "p": "low"})),
        *(("C", 9, {"s": "open", "p": "low"}), ("C", 11, {"s": "waiting", "p": "low"})),
        ("C", 16, {"s": "resolved", "p": "low"}),
        ("D", 9, {"s": "open", "p": "high"}),
    ]  # fmt: skip
    log = read(rows, status="s", priority="p", level="p")
    found = log.quantiles("resolution", q=(0.5, 0.9), by="priority", calendar=office)
    low = found[found["priority"] == "low"]
    assert [one / timedelta(hours=1) for one in low["counted"]] == [2, 8]
    assert low[["n", "pending"]].values.tolist() == [[3, 0], [3, 0]]
    high = found[found["priority"] == "high"]
    assert high["counted"].isna().all()
    assert high["pending"].tolist() == [1, 1]
    every = log.quantiles(Target.resolution("1 hour", pause_on=()), q=1)
    assert [one / timedelta(hours=1) for one in every["counted"]] == [9]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target": "resolutoin"}, "did you mean `resolution`"),
        ({"target": "resolution", "q": 1.5}, "q: not a share `1.5`"),
    ],
)
def test_odd_quantiles_are_refused(given, said):
    """Unknown targets, and shares that are none."""
    with pytest.raises((UnknownName, InvalidValue), match=said):
        sample().quantiles(**given)
