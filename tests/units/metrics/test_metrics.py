"""Figures over cases, worked out by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation_rules import BusinessCalendar, Case, Checklist, EscalationRulesError, Pick, Rule, Target, decide, settle
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.decision import WorkItem, levels_of
from escalation_rules.errors import UnknownName
from escalation_rules.metrics import Brief, Health, Kpis, brief, health, kpis, worklist
from escalation_rules.metrics.kpis import Rate, Spread
from escalation_rules.worktime import Absence, Rota
from tests.bench import OFFICE, after, desk, levels, opened, when

HOUR = timedelta(hours=1)


def answered(at: str, *events, id: str = "C-1", **fields) -> Case:
    return Case.open(id, at=when("mon 09:00"), **fields).record(E.SupportReplied(at=when(at)), *events)


class TestFigures:
    """Shares and spreads."""

    def test_a_median_lies_between_the_two_in_the_middle(self):
        """Of an even number; of none there is nothing."""
        assert Spread.of([4 * HOUR, HOUR, 2 * HOUR, 9 * HOUR]).median == 3 * HOUR
        assert (Spread.of([]), str(Spread())) == (Spread(), "0")
        assert str(Rate()) == "0 of 0"
        assert str(Spread.of([53 * HOUR])) == "1, mean 2 d 5 h, median 2 d 5 h, longest 2 d 5 h"


SOUND = """\
policy desk 1 over 1 cases: sound
  first responses in time  1 of 1 (100 %)
  cases escalated          0 of 1 (0 %)
  cases reopened           0 of 1 (0 %)"""


class TestHealth:
    """Whether the ordinary process is sound."""

    PROMPT = desk(targets=Target.first_response("1 business hour"))

    def test_sound(self):
        """Answers in time, few escalations, few reopenings."""
        found = health(self.PROMPT, [answered("mon 10:00")], at=when("tue 09:00"))
        assert (found.is_sound, found.problems, found.cases) == (True, (), 1)
        assert str(found) == found.explain() == SOUND
        assert repr(found).startswith("Health(policy='desk', version='1', at='2026-03-03T09:00:00Z', cases=1")
        assert Health.model_validate_json(found.model_dump_json()) == found

    def test_late_escalated_and_reopened(self):
        """Each is a problem of its own; moves count as escalations as requests do."""
        bad = answered("mon 11:00", E.Escalated(at=when("mon 12:00"), to="l2"), id="C-2")
        bad = bad.record(E.Resolved(at=when("mon 13:00")), E.Reopened(at=when("mon 14:00")))
        asked = answered("mon 10:00", E.EscalationRequested(at=when("mon 12:00")), id="C-3")
        found = health(self.PROMPT, [bad, asked], at=when("tue 09:00"))
        assert found.problems == (
            "`first_response` was met in 1 of 2 (50 %), and 90% is wanted",
            "2 of 2 (100 %) were escalated, and 10% is allowed",
            "1 of 2 (50 %) were reopened, and 10% is allowed",
        )
        assert "fix the ordinary process before tuning its escalations" in found.explain()
        limits = {"first_response": 0.5, "escalated": 1.0, "reopened": 0.5}
        assert health(self.PROMPT, [bad, asked], at=when("tue 09:00"), **limits).is_sound

    def test_what_cannot_be_judged_is_not_sound(self):
        """No target, or nothing due yet; void cases and those to come are left out."""
        void = answered("mon 11:00", E.Voided(at=when("mon 12:00")), id="C-2")
        later = Case.open("C-4", at=when("wed 09:00"))
        found = health(self.PROMPT, [opened(), void, later], at=when("mon 09:30"))
        assert (found.cases, found.problems) == (
            2,
            ("no `first_response` has fallen due yet: the process cannot be judged",),
        )
        assert health(self.PROMPT, [void, later], at=when("tue 09:00")).cases == 0
        assert health(desk(), [], at=when("tue 09:00")).problems == (
            "the policy has no target `first_response`: nobody is promised an answer",
        )
        other = desk(targets=Target.resolution("8 business hours"))
        assert health(
            other, [answered("mon 10:00", E.Resolved(at=when("mon 11:00")))], at=when("tue 09:00"), target="resolution"
        ).is_sound


FIGURES = """\
policy desk 1, up to Thu 2026-03-05 09:00 (Europe/London)
all time
  opened                1
  escalations           3, unanswered 1
  time to answer        2, mean 2:30 h, median 2:30 h, longest 3:00 h
  elevations            1
  moves up              main 1
  status requests       1
  reopened              1
  first resolution      1, mean 7:00 h, median 7:00 h, longest 7:00 h
  total resolution      1, mean 31:00 h, median 31:00 h, longest 31:00 h
  first_response on l1  0 of 1 (0 %) kept
  resolution on l1      2 of 2 (100 %) kept
  causes                no service issue 1"""


class TestKpis:
    """Counts, times, attainment and causes, per period and group."""

    POLICY = desk(
        targets=(
            Target.first_response("1 business hour"),
            Target.resolution("8 business hours", when=F.priority < "urgent"),
            Target.resolution("1 business hour"),
        ),
        roles=("assignee", "lead"),
    )

    def test_everything_of_one_case(self):
        """Each figure once, none mixed with another."""
        case = answered(
            "mon 11:00",
            E.EscalationRequested(at=when("mon 12:00")),
            E.EscalationRequested(at=when("mon 12:30"), wants="expertise"),
            E.EscalationRequested(at=when("mon 12:30"), wants="priority"),
            E.CustomerReplied(at=when("mon 13:00"), asks_for_status=True, asks_to_escalate=True),
            E.EscalationRequestAnswered(at=when("mon 15:00")),
            E.Escalated(at=when("mon 15:00"), to="l2"),
            E.Escalated(at=when("mon 15:30"), to="l1"),
            E.Resolved(at=when("mon 16:00")),
            E.PostMortemHeld(at=when("mon 16:30"), service_issue=False),
            E.Reopened(at=when("tue 09:00")),
            E.EscalationRequested(at=when("tue 10:00")),
            E.Resolved(at=when("tue 16:00")),
            priority="low",
        )
        found = kpis(self.POLICY, [case], at=when("thu 09:00"))
        (row,) = found.rows
        assert (row.start, row.group, row.opened) == (None, None, 1)
        assert (row.escalation_requests, row.elevations, row.unanswered) == (3, 1, 1)
        assert (row.time_to_answer.n, row.time_to_answer.longest) == (2, 3 * HOUR)
        assert (dict(row.moves), row.status_requests, row.reopenings) == ({"main": 1}, 1, 1)
        assert (row.first_resolution.mean, row.total_resolution.mean) == (7 * HOUR, 31 * HOUR)
        assert dict(row.causes) == {"no service issue": 1}
        assert [(one.target, one.level, one.met, one.breached) for one in row.attainment] == [
            ("first_response", "l1", 0, 1),
            ("resolution", "l1", 2, 0),
        ]
        assert [str(one.rate) for one in row.attainment] == ["0 of 1 (0 %)", "2 of 2 (100 %)"]
        assert str(row.attained("resolution")) == "2 of 2 (100 %)"
        assert Kpis.model_validate_json(found.model_dump_json()) == found

        assert str(kpis(self.POLICY, [], at=when("thu 09:00"))) == FIGURES.splitlines()[0]
        assert str(found) == FIGURES
        assert repr(found).startswith("Kpis(policy='desk', version='1', at='2026-03-05T09:00:00Z'")
        by_month = kpis(self.POLICY, [case], at=when("thu 09:00"), every="month", by="analyst")
        assert str(by_month).splitlines()[1] == "month from 2026-03-01, analyst not set"

    def test_breaches_by_a_change_void_and_pending_are_told_apart(self):
        """Nobody is blamed for what a change did."""
        changed = answered("mon 10:00", E.PriorityChanged(at=when("mon 14:00"), to="urgent"), id="C-2", priority="low")
        void = answered("mon 10:00", id="C-3", priority="low")
        void = void.record(E.Resolved(at=when("mon 10:00")))
        level = desk(targets=self.POLICY.targets, levels=levels(l2={"targets": Target.contact("1 business hour")}))
        left = answered("mon 10:00", E.Escalated(at=when("mon 12:00"), to="l2"), id="C-4", priority="low")
        left = left.record(E.DeEscalated(at=when("mon 12:30"), to="l1"))
        row = kpis(level, [changed, void, left], at=when("mon 15:00")).row()
        found = {(one.target, one.level): one for one in row.attainment}
        assert (found["resolution", "l1"].breached, found["resolution", "l1"].by_change) == (1, 1)
        assert (found["resolution", "l1"].met, found["resolution", "l1"].pending) == (1, 1)
        assert found["contact", "l2"].void == 1

    def test_void_cases_and_those_to_come_are_left_out(self):
        """Nothing is counted of them."""
        void = opened(E.Voided(at=when("mon 10:00")))
        assert kpis(self.POLICY, [void, Case.open("C-2", at=when("fri 09:00"))], at=when("tue 09:00")).rows == ()

    @pytest.mark.parametrize(
        ("per", "start"),
        [
            ("day", "2026-05-20T23:00:00Z"),
            ("week", "2026-05-17T23:00:00Z"),
            ("month", "2026-04-30T23:00:00Z"),
            ("quarter", "2026-03-31T23:00:00Z"),
            ("year", "2026-01-01T00:00:00Z"),
        ],
    )
    def test_periods_begin_at_local_midnight(self, per, start):
        """Of London, an hour before UTC in May; the year began on UTC."""
        case = Case.open("C-1", at=when("mon 09:00") + timedelta(days=80, minutes=-30), by_staff=True)
        (row,) = [
            one for one in kpis(desk(), [case], at=when("mon 09:00") + timedelta(days=90), every=per).rows if one.opened
        ]
        assert row.model_dump(mode="json")["start"] == start

    def test_by_level_priority_channel_analyst_or_role(self):
        """As the case stood when the thing ended; unknown ones are refused with the nearest."""
        case = opened(
            E.Assigned(at=when("mon 10:00"), person="ann"),
            E.Assigned(at=when("mon 10:00"), as_role="lead", group="second line"),
            E.Escalated(at=when("mon 11:00"), to="l2"),
            E.PriorityChanged(at=when("mon 12:00"), to="high"),
            E.EscalationRequested(at=when("mon 13:00")),
            priority="low",
            channel="portal",
        )
        for by, group in (
            ("level", "l2"),
            ("priority", "high"),
            ("channel", "portal"),
            ("analyst", "ann"),
            ("assignee", "ann"),
            ("lead", "second line"),
        ):
            found = kpis(self.POLICY, [case], at=when("mon 14:00"), by=by)
            assert found.row(group).escalation_requests == 1, by
        assert found.row("nobody").escalation_requests == 0
        assert kpis(self.POLICY, [opened()], at=when("mon 14:00"), by="analyst").row(None).opened == 1
        with pytest.raises(UnknownName, match=r"unknown group `chanel`.*did you mean `channel`"):
            kpis(self.POLICY, [case], at=when("mon 14:00"), by="chanel")

    def test_a_policy_without_calendars_counts_in_utc(self):
        """And one whose usual calendar is picked, in the zone of the otherwise."""
        bare = desk(calendars={}, calendar=None)
        picked = desk(
            calendars={"office": OFFICE, "ny": BusinessCalendar("America/New_York", {"mon-fri": "09:00-17:00"})},
            calendar=Pick(by="priority", values={"low": "office"}, otherwise="ny"),
        )
        none = desk(calendars=picked.calendars, calendar=Pick(by="priority", values={"low": "office"}))
        starts = [
            kpis(policy, [opened()], at=when("tue 09:00"), every="day").rows[0].start.hour
            for policy in (bare, picked, none)
        ]
        assert starts == [0, 5, 0]


class TestWorklist:
    """What a role owes now."""

    def test_soonest_first_and_then_what_has_no_date(self):
        """Over two cases; only what is the role's own."""
        policy = desk(
            targets=(Target.first_response("4 business hours", owner="ann"), Target.resolution("1 business hour")),
            levels=levels(l1={"owner": "ann", "work": Checklist.of(read="Read")}, l2={"owner": "bob"}),
        )
        later = Case.open("C-2", at=when("mon 10:00"), priority="high")
        work = worklist(
            policy, [later, opened(), Case.open("C-9", at=when("fri 09:00"))], at=when("mon 10:30"), role="ann"
        )
        assert [(one.case, one.kind, one.what, one.is_overdue(when("mon 10:30"))) for one in work] == [
            ("C-1", "deadline", "resolution", True),
            ("C-2", "deadline", "resolution", False),
            ("C-1", "deadline", "first_response", False),
            ("C-2", "deadline", "first_response", False),
            ("C-1", "item", "read", False),
            ("C-2", "item", "read", False),
        ]
        assert worklist(policy, [opened()], at=when("mon 10:30"), role="bob") == ()
        assert work[1].priority == "high"
        assert WorkItem.model_validate_json(work[0].model_dump_json()) == work[0]

    def test_a_request_belongs_to_whoever_has_the_case(self):
        """On any track."""
        policy = desk(levels=levels(l1={"owner": "ann"}))
        case = opened(E.EscalationRequested(at=when("mon 10:00")))
        assert [one.kind for one in worklist(policy, [case], at=when("mon 11:00"), role="ann")] == ["request"]
        assert worklist(policy, [case], at=when("mon 11:00"), role="bob") == ()

    def test_an_alternate_owes_what_it_stands_in_for(self):
        """While the owner is away, and only the first of those on duty."""
        work = Checklist.of(read="Read")
        made = {"owner": Pick(by="size", values={"large": "ann"}, otherwise="eve"), "alternates": ("bob", "cem")}
        boss = Target.contact("1 business hour", owner="boss")
        facts = (F.choice("size", ("small", "large")), F.flag("down"))
        policy = desk(levels=levels(l1={**made, "work": work, "targets": boss}), facts=facts)
        away = Rota(person="x", absences=(Absence(start=when("mon 09:00"), end=when("tue 09:00")),))
        case = opened(
            E.FactChanged(at=when("mon 09:30"), name="size", value="large"),
            E.FactChanged(at=when("mon 09:30"), name="down", value=True),
            facts={"size": "small"},
        )

        def lists(rotas, at: str = "mon 10:00") -> list[str]:
            known = policy.with_rotas(rotas)
            return [role for role in ("ann", "bob", "cem", "eve") if worklist(known, [case], at=when(at), role=role)]

        assert lists({}) == ["ann"]
        assert lists({"ann": away}) == ["ann", "bob"], "the owner still sees it"
        assert lists({"ann": away, "bob": away}) == ["ann", "cem"]
        assert lists({"ann": away, "bob": away, "cem": away}) == ["ann"]
        assert lists({"ann": away}, "tue 10:00") == ["ann", "bob"], "who took it has it still"
        assert lists({}, "mon 09:00") == ["eve"]
        owed = worklist(policy.with_rotas({"ann": away}), [case], at=when("mon 10:00"), role="bob")
        assert [one.what for one in owed] == ["read"], "the call is the boss's, not the level's"

    def test_open_items_of_the_latest_plan(self):
        """Those of the role or of whoever has it now; none once the case has ended."""
        items = (
            E.PlanItem("a", owner="dba", due_at=when("tue 10:00")),
            E.PlanItem("b", owner="kim"),
            E.PlanItem("c", owner="dba", done=True),
        )
        old = E.PlanRevised(at=when("mon 10:00"), plan=E.ActionPlan(items=(E.PlanItem("old", owner="dba"),)))
        case = opened(old, E.PlanRevised(at=when("mon 11:00"), plan=E.ActionPlan(items=items)))
        policy = desk(roles=("dba",)).with_rotas({"dba": Rota(person="kim")})
        assert [(one.what, one.due_at) for one in worklist(policy, [case], at=when("mon 12:00"), role="dba")] == [
            ("a", when("tue 10:00")),
            ("b", None),
        ]
        assert worklist(policy, [case.record(E.Resolved(at=when("mon 12:00")))], at=when("mon 13:00"), role="dba") == ()

    def test_lessons_go_to_whoever_answers_for_post_mortems(self):
        """Until they are settled; without such a role to nobody."""
        case = opened(E.PostMortemHeld(at=when("mon 10:00"), lessons=("x", "y")))
        policy = desk(targets=Target.post_mortem("1 business day", owner="boss"))
        assert [one.what for one in worklist(policy, [case], at=when("mon 11:00"), role="boss")] == ["x", "y"]
        settled = case.record(E.LessonSettled(at=when("mon 12:00"), lesson="x", outcome="done"))
        assert [one.what for one in worklist(policy, [settled], at=when("mon 13:00"), role="boss")] == ["y"]
        for other in (desk(), desk(targets=Target.post_mortem("1 business day"))):
            assert worklist(other, [case], at=when("mon 11:00"), role="boss") == ()

    def test_what_a_role_is_asked_to_find_out_or_to_tell(self):
        """Until the host records that it was done; what is asked of others is not on the list."""
        policy = desk(
            Rule(
                key="asks",
                when=F.status_requests >= 1,
                then=(
                    A.Ask("ann", item="impact"),
                    A.Notify(("bob", "cem"), sender="ann", message="late"),
                    A.Notify("ann"),
                ),
            )
        )
        case = opened(E.CustomerReplied(at=when("mon 10:00"), asks_for_status=True))
        assert [
            (one.kind, one.what, one.text) for one in worklist(policy, [case], at=when("mon 11:00"), role="ann")
        ] == [("action", "impact", ""), ("action", "tell bob, cem", "late")]
        assert (
            worklist(policy, [settle(policy, case, at=when("mon 11:00")).case], at=when("mon 11:00"), role="ann") == ()
        )

    def test_nobody_owes_anything_on_a_void_case(self):
        """Whatever was open."""
        policy = desk(targets=Target.post_mortem("1 business day", owner="boss"))
        case = opened(E.PostMortemHeld(at=when("mon 10:00"), lessons=("x",)), E.Voided(at=when("mon 11:00")))
        assert worklist(policy, [case], at=when("mon 12:00"), role="boss") == ()


class TestBrief:
    """One case on one page."""

    def test_waits_gaps_and_what_is_overdue(self):
        """Counting replies answer; what staff opened is nobody's message; moves up only."""
        policy = desk(targets=(Target.first_response("1 business hour"), Target.resolution("2 business hours")))
        case = opened(
            E.CustomerReplied(at=when("mon 10:00")),
            E.CustomerReplied(at=when("mon 11:00"), asks_to_escalate=True),
            E.SupportReplied(at=when("mon 11:30"), public=False),
            E.SupportReplied(at=when("mon 12:00")),
            E.SupportReplied(at=when("mon 13:00")),
            E.UpdateSent(at=when("mon 13:30")),
            E.UpdateSent(at=when("mon 13:30"), audience="internal"),
            E.Escalated(at=when("mon 14:00"), to="l3"),
            E.DeEscalated(at=when("mon 15:00"), to="l1"),
            by_staff=True,
        )
        page = brief(policy, case, at=when("mon 16:00"))
        assert (page.waits.n, page.waits.longest, page.gaps.longest) == (1, 2 * HOUR, HOUR)
        assert (page.responses, page.notes, page.updates, page.messages, page.moves) == (2, 1, 1, 2, 1)
        assert (page.escalation_requests, page.first_unanswered_at, page.unanswered_since) == (
            1,
            when("mon 11:00"),
            None,
        )
        assert (page.overdue, str(page.kept)) == (("resolution",), "0 of 1 (0 %)")
        assert "nothing unanswered" in page.explain()
        assert Brief.model_validate_json(page.model_dump_json()) == page

    def test_a_case_on_no_level(self):
        """A policy may have none."""
        page = brief(desk(levels=()), opened(), at=when("mon 10:00"))
        assert "open on no level" in page.explain()
        assert "none unanswered" in page.explain()

    def test_a_decision_agrees_with_the_page(self):
        """Status and levels are the decision's, moves that are due included."""
        policy = desk(Rule(key="long", when=F.open_for >= "1 hour", to="l2"))
        page = brief(policy, opened(), at=when("mon 11:00"))
        assert dict(page.levels) == levels_of(decide(policy, opened(), at=when("mon 11:00"))) == {"main": "l2"}
        settled = settle(policy, opened(), at=when("mon 11:00")).case
        assert page.moves == brief(policy, settled, at=when("mon 11:00")).moves == 1

    def test_printed_it_is_a_page(self):
        """With the figures in a column, while the repr makes the value again."""
        page = brief(
            desk(targets=Target.first_response("1 business hour")), opened(priority="high"), at=when("mon 11:00")
        )
        assert str(page) == page.explain() == PAGE
        assert repr(page).startswith("Brief(case='C-1', at='2026-03-02T11:00:00Z'")


PAGE = """\
C-1 at Mon 2026-03-02 11:00: open on l1
  priority                  high
  age                       2:00 h, reopened 0 times
  responses                 0; internal or automatic, and not counted: 0
  time between them         0
  time the customer waited  0
  waiting now               unanswered since Mon 2026-03-02 09:00
  updates sent              0
  customer's messages       0, asking for the status 0 times
  escalations               0, none unanswered
  moves up                  0
  targets kept              0 of 1 (0 %)
  overdue                   first_response"""


def test_health_counts_neither_the_void_nor_the_future():
    """Two of four cases count."""
    policy = desk(targets=(Target.first_response(within="2 hours"),))
    cases = [
        opened(E.SupportReplied(at=after(1)), priority="normal"),
        opened(E.SupportReplied(at=after(5)), priority="normal"),
        opened(E.Voided(at=after(2)), priority="normal"),
        opened(at=after(100), priority="normal"),
    ]
    found = health(policy, cases, at=after(50))
    assert (found.cases, found.first_response.part, found.first_response.whole) == (2, 1, 2)
    with pytest.raises(EscalationRulesError, match="did you mean `priority`"):
        kpis(policy, cases, at=after(50), by="priorty")


def test_a_brief_counts_replies_and_requests():
    """EU4."""
    case = opened(
        E.EscalationRequested(at=after(1)), E.SupportReplied(at=after(2)), E.SupportReplied(at=after(2), public=False)
    )
    found = brief(desk(), case, at=after(3))
    assert (found.responses, found.notes, found.escalation_requests, found.first_unanswered_at, found.age) == (
        1,
        1,
        1,
        after(1),
        timedelta(hours=3),
    )
