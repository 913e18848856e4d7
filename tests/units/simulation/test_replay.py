"""A replay tells what the engine finds: frames, reports, parts and the whole."""

from __future__ import annotations

import pickle
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from escalation_rules import Case, Checklist, EscalationLevel, Item, Rota, Rule, Target, Track, decide, settle
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import InvalidValue, UnknownName
from escalation_rules.simulation import LogMapping, Replay, cases_from_frame, replay
from escalation_rules.simulation.frames import FRAMES
from escalation_rules.worktime import Shift
from tests.bench import MICROSECOND, after, desk, levels, opened, when
from tests.units.simulation.logs import SERVICENOW, sample, sample_rows, service_desk

SLOW = Rule(key="slow", when=F.open_for >= "2 business hours", to="l2")
LATE = Rule(key="late", when=F.open_for >= "4 business hours", to="l3")
PAUSING = Target.resolution("8 business hours")


def rows(replayed, name):
    """A frame as dicts, missing values as None."""
    frame = replayed.frame(name)
    records = frame.to_dict("records") if isinstance(frame, pd.DataFrame) else frame.to_dicts()
    return [
        {key: None if not isinstance(value, str) and pd.isna(value) else value for key, value in row.items()}
        for row in records
    ]


def only(replayed, name, *columns):
    return [tuple(row[column] for column in columns) for row in rows(replayed, name)]


def live(policy, *events, until="fri 12:00", **fields):
    return replay(policy, [opened(*events, **fields)], until=when(until))


def same(one, other):
    """Whether two replays are the same to the last value."""
    for name in FRAMES:
        pd.testing.assert_frame_equal(one.frame(name), other.frame(name))
    return True


def test_the_whole_life_is_told_of_a_case_that_has_ended():
    """`decide` hides the moves of a case that has ended; a replay does not."""
    replayed = live(desk(SLOW, LATE), E.Resolved(at=when("mon 14:00")), E.Closed(at=when("tue 14:00")))
    assert only(replayed, "moves", "from_level", "to_level", "due_at", "rules") == [
        ("l1", "l2", when("mon 11:00"), "slow"),
        ("l2", "l3", when("mon 13:00"), "late"),
    ]
    (case,) = rows(replayed, "cases")
    assert case == {
        "case": "C-1", "opened_at": when("mon 09:00"), "first_resolved_at": when("mon 14:00"),
        "resolved_at": when("mon 14:00"), "closed_at": when("tue 14:00"), "void": False, "cycles": 1,
        "priority": None, "level": "l3", "moves": 2,
    }  # fmt: skip


def test_a_stay_ends_when_the_case_does_and_begins_again_with_the_next_cycle():
    """A resolved case stands nowhere as work; the level stands when it comes back."""
    policy = desk(SLOW, levels=levels(l1={"owner": "csr"}, l2={"owner": "csm"}))
    replayed = live(policy, E.Resolved(at=when("mon 12:00")), E.Reopened(at=when("tue 09:00")))
    assert only(replayed, "stays", "cycle", "level", "owner", "entered_at", "left_at") == [
        (1, "l1", "csr", when("mon 09:00"), when("mon 11:00")),
        (1, "l2", "csm", when("mon 11:00"), when("mon 12:00")),
        (2, "l2", "csm", when("tue 09:00"), None),
    ]
    (case,) = rows(replayed, "cases")
    assert (case["first_resolved_at"], case["resolved_at"], case["cycles"]) == (when("mon 12:00"), None, 2)


def test_the_owner_of_a_stay_is_who_took_the_case():
    """The alternate, where nobody of the owner's was on duty when the move was due."""
    rotas = {"csm": Rota(), "lead": Rota(person="Ann")}
    policy = desk(SLOW, levels=levels(l2={"owner": "csm", "alternates": ("lead",)}), rotas=rotas)
    assert only(live(policy), "stays", "level", "owner") == [("l1", None), ("l2", "lead")]


def test_a_void_case_has_only_its_own_row():
    """Rule 9: it has no move and no deadline, and is not counted."""
    replayed = live(desk(SLOW, targets=(PAUSING,)), E.Voided(at=when("tue 09:00")))
    assert [len(rows(replayed, name)) for name in FRAMES] == [1, 0, 0, 0, 0]
    assert only(replayed, "cases", "void", "moves") == [(True, 0)]


def test_what_a_move_did_about_its_checklist_is_told():
    """Met, waived, overridden, or there was none."""
    listed = levels(l2={"entry": Checklist.of(impact="Impact")}, l3={"entry": Checklist.of(problem="Problem")})
    confirmed = E.ItemAnswered(at=when("mon 09:30"), item="impact")
    overridden = E.ChecklistOverridden(at=when("mon 09:30"), level="l3", reason="because")
    replayed = live(desk(SLOW, LATE, levels=listed), confirmed, overridden)
    assert only(replayed, "moves", "to_level", "checklist") == [("l2", "met"), ("l3", "overridden")]
    waiving = Rule(key="anyway", when=F.open_for >= "1 business hour", to="l2", checklist="waived")
    onwards = Rule(key="onwards", when=F.open_for >= "2 business hours", to="next", checklist="waived")
    assert only(live(desk(waiving, onwards, levels=listed)), "moves", "checklist") == [("waived",), ("waived",)]
    assert only(live(desk(SLOW)), "moves", "checklist") == [("none",)]


def test_what_held_a_move_back_is_told_from_when_to_when():
    """What was missing, what argued against, also when an answer expired while nothing else happened."""
    entry = Checklist.of(Item("impact", valid_for="1 hour"), Item("problem"))
    policy = desk(SLOW, levels=levels(l2={"entry": entry}))
    replayed = live(
        policy,
        E.ItemAnswered(at=when("mon 10:30"), item="impact"),
        E.ItemAnswered(at=when("mon 13:00"), item="problem", answer="no"),
        E.Resolved(at=when("mon 15:00")),
    )
    assert only(replayed, "blocked", "from_at", "until_at", "missing", "objections", "rules", "to_level") == [
        (when("mon 11:00"), when("mon 11:30"), "problem: unanswered", None, "slow", "l2"),
        (when("mon 11:30"), when("mon 13:00"), "impact: expired, problem: unanswered", None, "slow", "l2"),
        (when("mon 13:00"), when("mon 15:00"), "impact: expired", "problem: no", "slow", "l2"),
    ]


def test_a_move_that_waits_for_somebody_on_duty_is_held_back_by_nothing_else():
    """And one that is still held back at the end has no end."""
    shift = Shift(person="Ann", start=when("mon 14:00"), end=when("mon 15:00"))
    held = levels(l2={"owner": "csm", "if_nobody": "hold"})
    policy = desk(SLOW, levels=held, rotas={"csm": Rota(overrides=(shift,))})
    assert only(live(policy), "blocked", "from_at", "until_at", "missing", "objections") == [
        (when("mon 11:00"), when("mon 14:00"), None, None)
    ]
    nobody = desk(SLOW, levels=held, rotas={"csm": Rota()})
    assert only(live(nobody), "blocked", "from_at", "until_at") == [(when("mon 11:00"), None)]
    assert "held back from `l2`: nobody on duty" in live(nobody).case("C-1").explain()


def test_a_deadline_is_the_level_and_priority_it_was_breached_on():
    """Who owed it when it was due, not where the case went because of that."""
    rules = (
        Rule(key="missed", when=F.outcome("resolution") == "breached", to="l3"),
        Rule(key="half", when=F.used("resolution") >= "50%", to="l2"),
    )
    policy = desk(*rules, targets=(PAUSING,), levels=levels(l2={"owner": "csm"}, l3={"owner": "boss"}))
    events = (
        E.WaitStarted(at=when("mon 10:00")),
        E.WaitEnded(at=when("mon 12:00")),
        E.PriorityChanged(at=when("wed 09:00"), to="high"),
    )
    replayed = live(policy, *events, priority="low")
    hour = timedelta(hours=1)
    assert rows(replayed, "deadlines") == [
        {
            "case": "C-1", "cycle": 1, "target": "resolution", "occurrence": 1, "level": "l2", "owner": "csm",
            "priority": "low", "started_at": when("mon 09:00"), "due_at": when("tue 11:00"), "stopped_at": None,
            "budget": 8 * hour, "counted": 33 * hour, "excluded": 66 * hour,
            "used": 33 / 8, "outcome": "breached", "breached_by_change": False,
        }
    ]  # fmt: skip


def test_a_levels_target_belongs_to_its_level_and_a_target_may_name_its_owner():
    """Roles may be picked by the priority."""
    from escalation_rules import Pick

    named = Target.contact("1 hour", owner=Pick(by="priority", values={"high": "expert"}, otherwise="csr"))
    policy = desk(SLOW, levels=levels(l2={"owner": "csm", "targets": (named, Target.review("1 hour"))}))
    replayed = live(policy, priority="high")
    assert only(replayed, "deadlines", "target", "level", "owner") == [
        ("contact", "l2", "expert"),
        ("review", "l2", "csm"),
    ]


def test_levels_of_several_tracks_and_nowhere():
    """A case stands nowhere on a second track until it is moved there."""
    tracks = (Track(key="f", levels=(EscalationLevel(key="f1"),)), Track(key="h", levels=(EscalationLevel(key="h1"),)))
    policy = desk(Rule(key="up", when=F.open_for >= "1 hour", to="h1"), tracks=tracks)
    assert only(live(policy), "stays", "track", "level") == [("f", "f1"), ("h", "h1")]
    assert only(live(policy), "moves", "track", "from_level") == [("h", None)]
    assert only(live(desk(levels=(), targets=(PAUSING,))), "cases", "level") == [(None,)]
    assert only(live(desk(levels=(), targets=(PAUSING,))), "deadlines", "level", "owner") == [(None, None)]


def test_without_a_span_there_is_no_share_and_no_outcome():
    """`within=None` says that there is no target."""
    replayed = live(desk(targets=(Target.resolution(None),)))
    assert only(replayed, "deadlines", "budget", "used", "due_at", "outcome") == [(None, None, None, "not_started")]
    assert len(replayed.rates()) == 0


def test_a_replay_takes_out_what_rules_asked_for_and_keeps_what_people_did():
    """The moves of the old policy would answer for the new one."""
    policy = desk(SLOW)
    case = settle(policy, opened(E.CustomerReplied(at=when("mon 10:00"))), at=when("mon 12:00")).case
    case = case.record(E.Escalated(at=when("mon 16:00"), to="l3"))
    later = desk(Rule(key="slow", when=F.open_for >= "4 business hours", to="l2"), version="2")
    replayed, recorded = (
        replay(later, [case], moves=moves, until=when("tue 09:00")) for moves in ("replayed", "recorded")
    )
    assert only(replayed, "stays", "level", "entered_at") == [
        ("l1", when("mon 09:00")), ("l2", when("mon 13:00")), ("l3", when("mon 16:00")),
    ]  # fmt: skip
    assert only(recorded, "stays", "level", "entered_at")[1] == ("l2", when("mon 11:00"))
    key = next(event.key for event in case.history if isinstance(event, E.Escalated) and event.key)
    assert only(recorded, "moves", "key", "due_at") == [(key, when("mon 11:00"))]
    with pytest.raises(InvalidValue, match="unknown choice of moves `both`"):
        replay(later, [case], moves="both")


def test_a_case_of_people_alone_is_replayed_as_it_is():
    """A change of priority by a person stays."""
    replayed = live(desk(), E.PriorityChanged(at=when("mon 10:00"), to="high"), priority="low")
    assert only(replayed, "cases", "priority") == [("high",)]


def test_until_is_the_last_instant_of_the_log_unless_given():
    """Cases that had not been opened by then are left out, and counted."""
    cases = [opened(), Case.open("C-2", at=when("wed 09:00"))]
    assert replay(desk(), cases).until == when("wed 09:00")
    early = replay(desk(), cases, until=when("tue 09:00"))
    assert (len(early), early.left_out) == (1, 1)
    assert "1 more were opened later and are left out" in early.summary()
    rows_of_two = pd.DataFrame(
        {"c": ["A", "B", "A"], "at": ["2026-03-02T09:00Z", "2026-03-04T09:00Z", "2026-03-05T09:00Z"]}
    )
    log = cases_from_frame(rows_of_two, LogMapping(case="c", at="at", attributes=("at",)))
    some = replay(desk(), log, until=when("tue 09:00"))
    assert (only(some, "cases", "case"), some.left_out) == ([("A",)], 1)
    named = cases_from_frame(rows_of_two, LogMapping(case="c", at="at", id="at"))
    assert len(replay(desk(), named, until=when("tue 09:00"))) == 1


def test_no_cases_and_a_case_that_is_there_twice_are_refused():
    """With an `until`, no cases are an empty replay."""
    with pytest.raises(InvalidValue, match="no cases, expected at least one, or `until`"):
        replay(desk(), [])
    with pytest.raises(InvalidValue, match="a case that is there twice `C-1`"):
        replay(desk(), [opened(), opened()])
    nothing = replay(desk(), [], until=when("mon 09:00"))
    assert [len(nothing.frame(name)) for name in FRAMES] == [0] * 5
    assert len(nothing.workload()) == 0


class Here:
    """An executor that works at once, and remembers how much it was given."""

    def __init__(self):
        self.sizes = []

    def submit(self, work, *given):
        self.sizes.append(len(given[1]))
        future = Future()
        future.set_result(pickle.loads(pickle.dumps(work(*pickle.loads(pickle.dumps(given))))))
        return future


def test_an_executor_is_given_batches_of_whole_cases_and_gives_the_same():
    """Whatever has the interface; what goes over the wire survives pickling."""
    here = Here()
    serial, elsewhere = replay(service_desk(), sample()), replay(service_desk(), sample(), executor=here)
    assert here.sizes == [512] * 5 + [327]
    assert same(serial, elsewhere)
    cases = [sample()[name] for name in ("INC0000065", "INC0000071")]
    assert same(replay(service_desk(), cases), replay(service_desk(), cases, executor=Here()))


def test_no_more_than_a_few_batches_wait_at_a_time():
    """So that a long log is not copied whole before the first batch is done."""
    done = replay(desk(), [Case.open(f"C-{n:05}", at=when("mon 09:00")) for n in range(17_500)], executor=Here())
    assert len(done) == 17_500


def test_a_process_pool_gives_what_serial_does():
    """Two processes, real ones."""
    with ProcessPoolExecutor(2) as pool:
        assert same(replay(service_desk(), sample()), replay(service_desk(), sample(), executor=pool))


def test_parts_that_do_not_belong_together_are_refused():
    """Other policies, other instants, a case in two parts, or none at all."""
    part = live(desk(SLOW))
    for other in (live(desk(LATE)), live(desk(SLOW), until="fri 13:00")):
        with pytest.raises(InvalidValue, match="another policy or `until` than in the first part"):
            Replay.concat([part, other])
    with pytest.raises(InvalidValue, match="a case in two parts `C-1`, expected every row of a case in one part"):
        Replay.concat([part, part])
    with pytest.raises(InvalidValue, match="no parts of a replay"):
        Replay.concat([])


def test_progress_is_told_to_a_bar_its_class_or_a_function():
    """The interface of tqdm, or a callable."""
    told = []

    class Bar:
        def __init__(self, total):
            told.append(("total", total))

        def update(self, size):
            told.append(("update", size))

        def close(self):
            told.append("closed")

    cases = [opened()]
    replay(desk(), cases, progress=Bar)
    assert told == [("total", 1), ("update", 1), "closed"]
    replay(desk(), cases, progress=Bar(7))
    assert told[3:] == [("total", 7), ("update", 1)]
    replay(desk(), cases, progress=lambda done, total: told.append((done, total)))
    assert told[5:] == [(1, 1)]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("name", list(FRAMES))
def test_frames_come_in_the_library_of_the_log(library, name):
    """Instants in UTC, durations as durations, nulls as nulls; an empty frame has the same columns and types."""
    head = sample_rows().head(300)
    frame = {"pandas": head, "polars": pl.from_pandas(head), "pyarrow": pl.from_pandas(head).to_arrow()}[library]
    found = replay(service_desk(), cases_from_frame(frame, SERVICENOW)).frame(name)
    empty = Replay.empty(name, library)
    assert type(found).__module__.split(".")[0] == library
    if library == "pandas":
        assert found.dtypes.equals(empty.dtypes)
        assert found.head(0).equals(empty)
    else:
        assert found.schema == empty.schema
    kinds = {column: str(kind) for column, kind in zip(found.columns if library != "pyarrow" else found.column_names,
             found.dtypes if library != "pyarrow" else found.schema.types, strict=True)}  # fmt: skip
    for column, kind in kinds.items():
        if column.endswith("_at"):
            assert "UTC" in kind
        if column in {"budget", "counted", "excluded"}:
            assert "elta" in kind or "uration" in kind


def test_missing_values_are_nulls_everywhere():
    """Not NaN in polars, not a text in any."""
    head = pl.from_pandas(sample_rows().head(300))
    cases = replay(service_desk(), cases_from_frame(head, SERVICENOW), until=datetime(2016, 3, 1, tzinfo=UTC)).frame(
        "cases"
    )
    assert cases["closed_at"].null_count() > 0
    dated = LogMapping(case="number", at="sys_updated_at", timezone="UTC", format="%d/%m/%Y %H:%M")
    deadlines = replay(desk(targets=(Target.resolution(None),)), cases_from_frame(head, dated)).frame("deadlines")
    assert deadlines["used"].null_count() == deadlines["owner"].null_count() == len(deadlines)


def test_rates_leave_out_what_is_pending_and_void_and_say_so():
    """Breached over met and breached; Wilson's interval (checked against a published example)."""
    policy = desk(targets=(PAUSING,))
    ends = [
        E.Resolved(at=when("mon 10:00")),
        E.Resolved(at=when("wed 10:00")),
        E.Voided(at=when("mon 10:00")),
        E.Reviewed(at=when("mon 12:00")),
    ]
    cases = [opened(end, priority="low").model_copy(update={"id": str(n)}) for n, end in enumerate(ends)]
    replayed = replay(policy, cases, until=when("mon 16:00"))
    (row,) = replayed.rates(by="priority", target="resolution").to_dict("records")
    assert (row["priority"], row["n"], row["met"], row["breached"], row["pending"], row["void"]) == (
        "low",
        3,
        1,
        0,
        2,
        0,
    )
    (later,) = replay(policy, cases, until=when("fri 12:00")).rates().to_dict("records")
    assert (later["met"], later["breached"], later["rate"]) == (1, 2, 2 / 3)


def test_wilsons_interval_is_wilsons():
    """81 of 263, 15 of 148, 0 of 20 and 1 of 29 (Newcombe 1998, table I, method 3)."""
    from escalation_rules.simulation.reports import wilson

    low, high = wilson(np.array([81, 15, 0, 1, 0, 7]), np.array([263, 148, 20, 29, 0, 7]), 0.95)
    assert np.round(low[:4], 4).tolist() == [0.2553, 0.0624, 0.0, 0.0061]
    assert np.round(high[:4], 4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]
    assert np.isnan([low[4], high[4]]).all()
    assert high[5] == 1


def test_rates_count_first_cycles_or_all():
    """A reopened case has a second clock."""
    replayed = live(desk(targets=(PAUSING,)), E.Resolved(at=when("mon 10:00")), E.Reopened(at=when("tue 09:00")))
    assert replayed.rates()["n"].tolist() == [1]
    assert replayed.rates(cycles="all")["n"].tolist() == [2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target": "resolutoin"}, "did you mean `resolution`"),
        ({"by": "prioritee"}, "unknown column `prioritee`"),
        ({"cycles": "last"}, "unknown choice of cycles `last`"),
        ({"confidence": 95}, "not a confidence `95`"),
    ],
)
def test_odd_reports_are_refused(given, said):
    """By name."""
    with pytest.raises((UnknownName, InvalidValue), match=said):
        live(desk(targets=(PAUSING,))).rates(**given)


def test_groups_stand_in_the_policys_order():
    """Priorities and levels, lowest first, and what is not known last."""
    found = replay(service_desk(), sample()).rates(by=["priority"])
    assert found["priority"].tolist() == ["low", "moderate", "high", "critical"]


def test_workload_counts_who_came_who_left_and_who_stood_there():
    """At the end of each step, from midnight in the zone of the calendar."""
    cases = [opened(E.Resolved(at=when("tue 10:00"))), opened().model_copy(update={"id": "C-2"})]
    found = replay(desk(SLOW), cases, until=when("tue 12:00")).workload()
    columns = ["start", "level", "entered", "left", "standing"]
    assert found.columns.tolist() == columns
    assert [tuple(row) for row in found.values.tolist()] == [
        (when("mon 00:00"), "l1", 2, 2, 0),
        (when("mon 00:00"), "l2", 2, 0, 2),
        (when("tue 00:00"), "l1", 0, 0, 0),
        (when("tue 00:00"), "l2", 0, 1, 1),
    ]
    weekly = replay(desk(SLOW), cases, until=when("tue 12:00")).workload(every="1 week", by=("track", "level"))
    assert weekly["entered"].tolist() == [2, 2]
    with pytest.raises(InvalidValue, match="not a step of a report `1 business day`"):
        live(desk()).workload(every="1 business day")


def test_days_of_a_report_are_the_calendars_and_keep_its_midnight():
    """Over a change of clocks, a day has 23 hours."""
    case = Case.open("C-1", at=datetime(2026, 3, 28, 12, tzinfo=UTC))
    found = replay(desk(), [case], until=datetime(2026, 3, 30, 12, tzinfo=UTC)).workload()
    assert [one.isoformat() for one in found["start"]] == [
        "2026-03-28T00:00:00+00:00", "2026-03-29T00:00:00+00:00", "2026-03-29T23:00:00+00:00",
    ]  # fmt: skip


def test_a_case_is_told_in_full():
    """What was asked and when, and what came of each deadline; with an instant, what the policy says then."""
    policy = desk(SLOW, levels=levels(l2={"entry": Checklist.of(impact="Impact")}), targets=(PAUSING,))
    events = (
        E.ItemAnswered(at=when("mon 13:00"), item="impact"),
        E.Resolved(at=when("mon 15:00")),
        E.Reopened(at=when("tue 09:00")),
        E.Resolved(at=when("tue 10:00")),
        E.Closed(at=when("wed 10:00")),
    )
    told = live(policy, *events).case("C-1")
    text = told.explain()
    for line in (
        "C-1 under desk 1 (Europe/London)",
        "Mon 2026-03-02 11:00  held back from `l2`: impact: unanswered",
        "Mon 2026-03-02 13:00  to `l2` from `l1`, by slow",
        "Tue 2026-03-03 10:00  resolved again",
        "resolution: met, due Mon 2026-03-02 17:00; counted 6 h of 8 h, left out 0 h",
        "People act as they did: a replay cannot show faster answers.",
    ):
        assert line in text
    assert told.explain(at=when("mon 12:00")) == decide(policy, told.case, at=when("mon 12:00")).explain()
    assert told.decision().at == when("fri 12:00")
    paused = live(policy, E.WaitStarted(at=when("mon 10:00"))).case("C-1").explain()
    assert "resolution: pending, paused at the end; counted 1 h of 8 h" in paused
    with pytest.raises(UnknownName, match="unknown case `C-9`"):
        live(policy).case("C-9")


def test_a_change_that_caused_a_breach_is_told():
    """With its case."""
    from escalation_rules import Pick

    target = Target.resolution(Pick(by="priority", values={"high": "1 business hour"}, otherwise="8 business hours"))
    changed = live(desk(targets=(target,)), E.PriorityChanged(at=when("mon 12:00"), to="high"), priority="low")
    assert "resolution: breached, by a change, due Mon 2026-03-02 12:00" in changed.case("C-1").explain()
    none = live(desk(targets=(Target.resolution(None),))).case("C-1").explain()
    assert "resolution: not started, paused at the end; counted" in none


def test_a_summary_says_how_much_and_that_people_act_as_they_did():
    """And it is what a replay looks like."""
    replayed = replay(service_desk(), sample())
    text = repr(replayed)
    assert text == replayed.summary()
    assert text.startswith("2,887 cases under service desk 1, until 2017-0")
    assert "moved to `specialists`" in text
    assert text.endswith("People act as they did: a replay cannot show faster answers.")


def test_unknown_frames_are_refused():
    """With the nearest name."""
    with pytest.raises(UnknownName, match="did you mean `moves`"):
        live(desk()).frame("move")
    with pytest.raises(UnknownName):
        Replay.empty("move")


def test_rows_are_ordered_by_case_and_instant():
    """In every frame, also where cases came in another order."""
    cases = [opened().model_copy(update={"id": name}) for name in ("B", "A")]
    replayed = replay(desk(SLOW, LATE, targets=(PAUSING,)), cases, until=when("fri 12:00"))
    for name, column in (("moves", "due_at"), ("stays", "entered_at"), ("deadlines", "started_at")):
        found = only(replayed, name, "case", column)
        assert found == sorted(found)
        assert found[0][0] == "A"


def test_instants_are_exact_to_the_microsecond():
    """A breach is dated one microsecond after its due."""
    rule = Rule(key="missed", when=F.outcome("resolution") == "breached", to="l3")
    replayed = live(desk(rule, targets=(PAUSING,)))
    assert only(replayed, "moves", "due_at") == [(when("mon 17:00") + MICROSECOND,)]


LONG = Rule(key="long", when=F.open_for >= "4 hours", to="l2")
COLUMNS = {
    "cases": "case opened_at first_resolved_at resolved_at closed_at void cycles priority level moves",
    "moves": "case cycle track due_at from_level to_level rules checklist key",
    "blocked": "case cycle track to_level rules from_at until_at missing objections",
    "stays": "case cycle track level owner entered_at left_at",
    "deadlines": "case cycle target occurrence level owner priority started_at due_at "
    "stopped_at budget counted excluded used outcome breached_by_change",
}


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


def test_nothing_of_the_log_is_dropped_in_silence(log):
    """What was odd in it, by kind."""
    assert [one.id for one in log] == ["A", "B", "C"]
    assert list(log.findings.columns) == ["code", "column", "value", "rows", "cases", "example", "message"]
    assert set(log.findings["code"]) == {"unmapped", "tie", "out_of_order", "late_start"}
    assert all(event.id.startswith("row:") for event in log["A"].history)


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_the_columns_of_each_frame(log, today, name):
    """In the order of the specification."""
    from escalation_rules.simulation import replay

    assert list(replay(today, log).frame(name).columns) == COLUMNS[name].split()


def test_a_pause_is_left_out_of_what_is_counted(log, today):
    """Nine hours, of which two waited."""
    from escalation_rules.simulation import replay

    row = replay(today, log).frame("deadlines").iloc[0]
    assert (row["counted"], row["excluded"], row["outcome"]) == (timedelta(hours=7), timedelta(hours=2), "met")


def test_rates_and_workload(log, today):
    """With groups first; the report says that people act as they did."""
    from escalation_rules.simulation import replay

    report = replay(today, log)
    assert list(report.rates(by="priority").columns) == [
        "priority",
        "target",
        "n",
        "met",
        "breached",
        "pending",
        "void",
        "rate",
        "low",
        "high",
    ]
    assert list(report.workload().columns) == ["start", "level", "entered", "left", "standing"]
    assert "people act as they did" in report.summary().lower()
