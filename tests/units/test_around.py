"""What is around the core: audit, metrics, check, prove, diff, the testing kit, and replay with its frames."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation_rules import Checklist, Circle, EscalationLevel, EscalationRulesError, Pick, Rota, Rule, Target, presets
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import Proved, Refuted, check, diff, prove
from escalation_rules.audit import audit
from escalation_rules.metrics import brief, health, kpis
from tests.bench import MICROSECOND, accepted, after, desk, opened

LONG = Rule(name="long", when=F.open_for >= "4 hours", to="l2")
INVARIANTS = """
check_is_clean pure blind_to_the_future arrival_order_is_irrelevant same_id_once json_round_trip
settles no_key_twice never_lowers one_cause_one_rung rule_order_is_irrelevant late_equals_prompt
wake_at_exact wakes_end entry_checklist_held missing_is_exact deescalation_needs_exit cooldown_held
segments_sum_to_budget met_iff_stopped_by_due breach_is_permanent pause_never_shortens
counted_time_survives_change noise_changes_nothing void_is_silent unknown_is_not_true
figures_only_rise first_resolution_is_kept somebody_responsible explains_itself replay_equals_decide
"""
COLUMNS = {
    "cases": "case opened_at first_resolved_at resolved_at closed_at void cycles priority level moves",
    "moves": "case cycle track due_at from_level to_level rules checklist key",
    "blocked": "case cycle track to_level rules from_at until_at missing against",
    "stays": "case cycle track level owner entered_at left_at",
    "deadlines": "case cycle target occurrence level owner priority started_at due_at "
    "stopped_at budget counted excluded used outcome caused_by_change",
}


def test_an_audit_finds_what_people_did_against_the_policy():
    """One case that goes wrong in every way."""
    square = Circle(pairs={"technical": ("rep", "cust_tech"), "business": ("mgr", "cust_mgr")})
    upper = EscalationLevel(
        key="l2", owner="mgr", entry=Checklist.of(q="Q"), exit=Checklist.of(a="Agreed"), circle=square
    )
    targets = (
        Target.resolution(within=Pick(by="priority", values={"high": "2 hours"}, otherwise="8 hours")),
        Target.post_mortem(within="10 hours", when=F.moves >= 1),
    )
    policy = desk(
        Rule(name="r", when=F.escalation_requested, to="l2"),
        levels=(EscalationLevel(key="l1", owner="rep"), upper),
        targets=targets,
    )
    case = opened(
        E.EscalationRequested(at=after(1), person="joe"),
        E.Escalated(at=after(1), to="l2", by="x"),
        E.SupportReplied(at=after(2), role="executive", by="eve"),
        E.SupportReplied(at=after(2), role="mgr", topic="technical", by="m"),
        E.CustomerReplied(at=after(3), asks_for_status=True),
        E.PriorityChanged(at=after(4), to="high"),
        E.DeEscalated(at=after(5), to="l1"),
        E.Resolved(at=after(6)),
        E.Closed(at=after(7)),
        priority="normal",
    )
    assert {one.kind for one in audit(policy, case, after(30)).findings} >= {
        "move without checklist",
        "de-escalation without checklist",
        "outside the circle",
        "wrong pair",
        "customer asked for status",
        "named individual",
        "breached by a change",
        "no post-mortem",
    }


def test_what_the_library_did_is_no_finding():
    """Accepted in time."""
    assert audit(desk(LONG), accepted(desk(LONG), opened(), after(4)), after(5)).findings == ()


def test_health_counts_neither_the_void_nor_the_future():
    """Two of four cases count."""
    policy = desk(targets=(Target.first_response(within="2 hours"),))
    cases = [
        opened(E.SupportReplied(at=after(1)), priority="normal"),
        opened(E.SupportReplied(at=after(5)), priority="normal"),
        opened(E.Voided(at=after(2)), priority="normal"),
        opened(at=after(100), priority="normal"),
    ]
    found = health(policy, cases, after(50))
    assert (found.cases, found.first_response.part, found.first_response.whole) == (2, 1, 2)
    with pytest.raises(EscalationRulesError, match="did you mean `priority`"):
        kpis(policy, cases, after(50), by="priorty")


def test_a_brief_counts_replies_and_requests():
    """EU4."""
    case = opened(
        E.EscalationRequested(at=after(1)), E.SupportReplied(at=after(2)), E.SupportReplied(at=after(2), public=False)
    )
    found = brief(desk(), case, after(3))
    assert (found.responses, found.notes, found.escalations, found.first_unanswered, found.age) == (
        1,
        1,
        1,
        after(1),
        timedelta(hours=3),
    )


@pytest.mark.parametrize("name", presets.__all__)
def test_check_finds_nothing_in_a_preset(name):
    """VC7."""
    assert check(getattr(presets, name)()).findings == ()


def test_check_names_what_is_broken():
    """A dead rule, a redundant one, a rung nobody reaches, a gap in a rota with its instants."""
    clock = (Target.resolution(within="8 hours"),)
    dead = Rule(name="dead", when=(F.priority >= "high") & (F.priority < "normal"), to="l2")
    again = Rule(name="again", when=F.open_for >= "5 hours", to="l2")
    found = {(one.code, one.path) for one in check(desk(LONG, dead, again, targets=clock)).findings}
    assert {
        ("dead-rule", "rules[dead].when"),
        ("redundant-rule", "rules[again]"),
        ("unreachable-level", "levels[l3]"),
    } <= found
    owned = desk(LONG, levels=("l1", EscalationLevel(key="l2", owner="y")), targets=clock)
    rota = Rota(person="c", absences=((after(5), after(8)),))
    assert [one.instants for one in check(owned, rotas={"y": rota}, during=(after(0), after(24))).findings] == [
        ((after(5), after(8)),)
    ]


def test_check_warns_of_a_rule_that_lowers_the_outcome():
    """Rule 21's own example."""
    rules = (
        Rule(name="r1", when=F.at_level_for >= "4 hours", to="l2"),
        Rule(name="r2", when=F.open_for >= "3 hours", to="l1"),
    )
    policy = desk(*rules, levels=("l0", "l1", "l2"), targets=(Target.resolution(within="8 hours"),))
    assert [one.code for one in check(policy).findings] == ["lowers-the-outcome"]


def test_prove_to_the_microsecond():
    """Four hours, and a microsecond less."""
    assert isinstance(prove(desk(LONG), reaches="l2", within="4 hours"), Proved)
    assert isinstance(prove(desk(LONG), reaches="l2", within=timedelta(hours=4) - MICROSECOND), Refuted)
    assert isinstance(prove(desk(LONG), reaches="l3", within="400 hours"), Refuted)


def test_diff_says_stricter_looser_or_the_same():
    """The same, too, when said in other words."""
    sooner = desk(Rule(name="long", when=F.open_for >= "3 hours", to="l2"))
    reworded = desk(Rule(name="long", when=~(F.open_for < "240 minutes"), to="l2"))
    assert diff(desk(LONG), sooner).verdict == "stricter"
    assert diff(sooner, desk(LONG)).verdict == "looser"
    assert diff(desk(LONG), reworded).verdict == "equivalent"


def test_the_kit_has_a_test_for_each_invariant():
    """By name, with a docstring; a name that is none is refused."""
    pytest.importorskip("hypothesis")
    from escalation_rules.testing import policy_suite

    suite = policy_suite(desk(LONG))
    tests = {name for name in dir(suite) if name.startswith("test_")}
    assert tests == {f"test_{name}" for name in INVARIANTS.split()}
    assert all(getattr(suite, name).__doc__ for name in tests)
    assert policy_suite(desk(LONG)) is not suite
    with pytest.raises(EscalationRulesError, match=r"unknown invariant `pur`.* did you mean `pure`"):
        policy_suite(desk(LONG), skip={"pur": "because"})


class TestSimulation:
    """Frames by name and column, from a log in a frame."""

    @pytest.fixture
    def log(self):
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
    def today(self):
        return desk(LONG, targets=(Target.resolution(within="8 hours"),))

    def test_nothing_of_the_log_is_dropped_in_silence(self, log):
        """What was odd in it, by kind."""
        assert [one.id for one in log] == ["A", "B", "C"]
        assert list(log.findings.columns) == ["kind", "column", "value", "rows", "cases", "example", "message"]
        assert set(log.findings["kind"]) == {"unmapped", "tie", "out_of_order", "late_start"}
        assert all(event.id.startswith("row:") for event in log["A"].history)

    @pytest.mark.parametrize("name", sorted(COLUMNS))
    def test_the_columns_of_each_frame(self, log, today, name):
        """In the order of the specification."""
        from escalation_rules.simulation import replay

        assert list(replay(today, log).frame(name).columns) == COLUMNS[name].split()

    def test_a_pause_is_left_out_of_what_is_counted(self, log, today):
        """Nine hours, of which two waited."""
        from escalation_rules.simulation import replay

        row = replay(today, log).frame("deadlines").iloc[0]
        assert (row["counted"], row["excluded"], row["outcome"]) == (timedelta(hours=7), timedelta(hours=2), "met")

    def test_rates_and_workload(self, log, today):
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

    def test_a_policy_compared_with_itself_changes_nothing(self, log, today):
        """And with a quicker one every move is earlier."""
        from escalation_rules.simulation import compare

        sooner = desk(Rule(name="long", when=F.open_for >= "3 hours", to="l2"), targets=today.targets)
        assert len(compare(today, today, log).frame("changes")) == 0
        assert set(compare(today, sooner, log).frame("changes")["kind"]) == {"earlier"}
