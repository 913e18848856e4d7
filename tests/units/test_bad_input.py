"""Bad input gives one clear error, with what was given, where, what was expected and what was probably meant."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from escalation_rules import (
    BusinessCalendar,
    Case,
    Checklist,
    EscalationLevel,
    Item,
    Pick,
    Policy,
    Rule,
    Target,
    decide,
    forecast,
    settle,
)
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import check
from escalation_rules.audit import audit
from escalation_rules.conditions import AllOf, Atom
from escalation_rules.errors import EscalationRulesError, InvalidValue, Misuse, UnknownName
from escalation_rules.levels import Circle, Track
from escalation_rules.metrics import brief, health, kpis, worklist
from escalation_rules.views import mermaid
from escalation_rules.worktime import Layer, Rota, Shift, Span
from tests.bench import OFFICE, desk, levels, opened, when

WHEN = F.open_for >= "1 hour"


def refuse(make) -> str:
    """The text of the error that `make` raises."""
    with pytest.raises(EscalationRulesError) as caught:
        make()
    text = str(caught.value)
    assert text[0].islower() or text[0] in "`0123456789"
    assert not text.endswith(".")
    return text


NAIVE = datetime(2026, 3, 2, 9)  # noqa: DTZ001
HINT = "naive datetime `datetime.datetime(2026, 3, 2, 9, 0)`, expected one with a time zone"


@pytest.mark.parametrize(
    "make",
    [
        lambda: E.Resolved(at=NAIVE),
        lambda: Case.open("C", at=NAIVE),
        lambda: decide(desk(), opened(), at=NAIVE),
        lambda: OFFICE.add(NAIVE, "1 business hour"),
        lambda: OFFICE.elapsed(when("mon 09:00"), NAIVE),
        lambda: desk(effective_from=NAIVE),
        lambda: Rota(person="ana").on_duty(NAIVE),
        lambda: opened().status(NAIVE),
        lambda: E.from_statuses([(NAIVE, "resolved")]),
        lambda: E.from_statuses([(NAIVE, "open")]),
    ],
)
def test_a_naive_datetime_is_refused_with_a_hint(make):
    """Rule 1: an instant is aware."""
    assert HINT in refuse(make)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: desk(
                Rule(name="r", when=F.flag("production_dwn") == True, to="l2"), facts=(F.flag("production_down"),)
            ),
            "rules[r].when: unknown fact `production_dwn`",
        ),
        (lambda: desk(Rule(name="r", when=WHEN, to="l22")), "rules[r].to: unknown level `l22`, expected one of `l1`"),
        (lambda: desk(Rule(name="r", when=WHEN, to="l2", at="frontlin")), "rules[r].at[0]: unknown level `frontlin`"),
        (lambda: desk(Rule(name="r", when=F.level >= "l9", to="l2")), "rules[r].when.level: unknown level `l9`"),
        (
            lambda: desk(Rule(name="r", when=F.open_for.on("offices") >= "1 hour", to="l2")),
            "rules[r].when.open_for: unknown calendar `offices`, expected one of `office`; did you mean `office`",
        ),
        (
            lambda: desk(calendar="ofice"),
            "calendar: unknown calendar `ofice`, expected one of `office`; did you mean `office`",
        ),
        (
            lambda: desk(Rule(name="r", when=F.priority >= "hihg", to="l2")),
            "rules[r].when.priority: unknown priority `hihg`, expected one of `high`, `low`",
        ),
        (
            lambda: desk(roles=("agent",), levels=levels(l1={"owner": "agnet"})),
            "levels[l1].owner: unknown role `agnet`, expected one of `agent`, `assignee`, `customer`; did you mean",
        ),
        (
            lambda: desk(Rule(name="r", when=F.deadline("reply") == "met", to="l2")),
            "rules[r].when.deadline: unknown target `reply`",
        ),
        (
            lambda: desk(Rule(name="r", when=F.at_level_for("x") >= "1 hour", to="l2")),
            "unknown track `x`, expected one of `main`",
        ),
        (
            lambda: desk(Rule(name="r", when=WHEN, then=A.SetPriority("hihg"))),
            "rules[r].then[0].to: unknown priority `hihg`",
        ),
        (
            lambda: desk(roles=("agent",), levels=levels(l1={"on_entry": A.Notify("boss")})),
            "levels[l1].on_entry[0].roles: unknown role `boss`",
        ),
        (
            lambda: desk(targets=Target.update(Pick(by="severity", values={"a": "1 hour"}))),
            "targets[0].within.by: unknown choice fact `severity`, expected one of `priority`",
        ),
        (
            lambda: desk(targets=Target.update(Pick(by="priority", values={"hihg": "1 hour"}))),
            "targets[0].within.values: unknown priority `hihg`",
        ),
        (
            lambda: desk(targets=Target.update("1 hour", when=F.open_for >= "1 hour")),
            "targets[0].when: `F.open_for >= '1 hour'` in a target's condition, expected state, not time",
        ),
        (lambda: desk(Rule(name="r", when=F.status == "opne", to="l2")), "unknown status `opne`"),
        (
            lambda: desk(
                Rule(name="r", when=F.choice("size") == "huge", to="l2"), facts=(F.choice("size", ("small",)),)
            ),
            "rules[r].when.size: unknown value of `size` `huge`, expected one of `small`",
        ),
        (
            lambda: desk(Rule(name="r", when=F.count("size") >= 2, to="l2"), facts=(F.choice("size", ("small",)),)),
            "rules[r].when: `size` is no count but a choice",
        ),
        (
            lambda: desk(levels=levels(l1={"owner": Pick(by="priority", values={"high": Span(1, "hours")})})),
            "levels[l1].owner: not a role `1 hour`, expected a role, or a pick of roles",
        ),
        (
            lambda: desk(levels=levels(l1={"cooldown": Pick(by="priority", values={"hihg": "1 hour"})})),
            "levels[l1].cooldown.values: unknown priority `hihg`",
        ),
        (lambda: desk(rotas={"agnet": Rota()}, roles=("agent",)), "rotas[agnet]: unknown role `agnet`"),
        (
            lambda: desk(levels=levels(l1={"circle": Circle(pairs={"x": ("a", "b")})}), roles=("a",)),
            "levels[l1].circle: unknown role `b`",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_its_path_and_the_nearest_known(make, text):
    """Unknown facts, levels, calendars, priorities, roles, targets and tracks."""
    assert text in refuse(make)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (E.Escalated(at=when("mon 10:00"), to="manger"), "case `C-1`: unknown level `manger`"),
        (
            E.LevelFailed(at=when("mon 10:00"), level="l4"),
            "case `C-1`: unknown level `l4`, expected one of `l1`, `l2`, `l3`",
        ),
        (E.LevelFailed(at=when("mon 10:00"), track="x"), "case `C-1`: unknown track `x`"),
        (E.PriorityChanged(at=when("mon 10:00"), to="hihg"), "case `C-1`: unknown priority `hihg`"),
        (E.ChecklistOverridden(at=when("mon 10:00"), level="l4", reason="so"), "case `C-1`: unknown level `l4`"),
        (E.FactObserved(at=when("mon 10:00"), name="seats", value=9), "not a value of F.count('seats', 0, 5): `9`"),
        (E.FactObserved(at=when("mon 10:00"), name="down", value="yes"), "expected true or false"),
        (E.FactObserved(at=when("mon 10:00"), name="size", value="huge"), "expected one of `small`, `large`"),
        (E.FactObserved(at=when("mon 10:00"), name="team", value=3), "expected a text"),
    ],
)
def test_a_history_that_the_policy_does_not_understand_is_refused(event, text):
    """Levels and priorities in the history must be the policy's; its facts must be in their domains."""
    facts = (F.count("seats", 0, 5), F.flag("down"), F.choice("size", ("small", "large")), F.label("team"))
    assert text in refuse(lambda: decide(desk(facts=facts), opened(event), at=when("mon 11:00")))


def test_a_fact_that_the_policy_does_not_declare_is_left_alone():
    """Tickets are asked about under several policies: no rule can see what is not declared."""
    case = opened(E.FactObserved(at=when("mon 10:00"), name="site", value="Leeds"), facts={"team": "red"})
    assert decide(desk(), case, at=when("mon 11:00")).status == "open"


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        ({}, "hours: a calendar that never opens, expected at least one window in the week"),
        ({"mon": []}, "hours: a calendar that never opens"),
        ({"mon-fri": "09:00-17:00", "fri": "09:00-15:00"}, "hours['fri']"),
        ({"monday": "09:00-17:00"}, "unknown day `monday`, expected `mon`, `mon-fri` or `mon,wed`; did you mean `mon`"),
        ({"mon": "9-17"}, "not a window `9-17`, expected `09:00-17:00`"),
        ({"mon": "09:00-09:00"}, "window without length `09:00-09:00`; did you mean `00:00-24:00`"),
        ({"mon": "09:00-25:00"}, "times from 00:00 to 24:00"),
        ({"mon": 9}, "not opening hours `9`"),
        ("09:00-17:00", "not weekly hours `09:00-17:00`"),
    ],
)
def test_hours_that_make_no_calendar_are_refused(hours, text):
    """A calendar that never opens, keys that overlap, days and windows that are none."""
    assert text in refuse(lambda: BusinessCalendar("Europe/London", hours)) or text == "hours['fri']"


def test_overlapping_keys_of_hours_name_the_day_and_both_keys():
    """A day that two keys name is ambiguous."""
    text = refuse(lambda: BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00", "fri": "09:00-15:00"}))
    assert text == "hours: `fri` is named twice, by `mon-fri` and by `fri`"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: BusinessCalendar("Europe/Londno", {"mon": "09:00-17:00"}),
            "unknown time zone `Europe/Londno`, expected an IANA name; did you mean `Europe/London`",
        ),
        (lambda: BusinessCalendar("../etc/passwd", {"mon": "09:00-17:00"}), "unknown time zone"),
        (
            lambda: BusinessCalendar("UTC", {"mon": "09:00-17:00"}, "gb"),
            "unknown country `gb`, expected a code such as `US` or `GB-ENG`, or a date; did you mean `GB`",
        ),
        (lambda: BusinessCalendar("UTC", {"mon": "09:00-17:00"}, "GB-XXX"), "unknown subdivision `GB-XXX`"),
        (lambda: BusinessCalendar("UTC", {"mon": "09:00-17:00"}, ["2026-13-01"]), "not a holiday `2026-13-01`"),
        (lambda: BusinessCalendar("UTC", {"mon": "09:00-17:00"}, [5]), "not a holiday `5`"),
        (lambda: BusinessCalendar("UTC", {"mon": "09:00-17:00"}, [when("mon 09:00")]), "a date without a time"),
        (lambda: Span.parse("4 busines hours"), "did you mean `business hours`"),
        (lambda: Span(1.5, "business days"), "amount of business days is not exact `1.5`"),
        (lambda: Span(-1, "hours"), "not an amount `-1`"),
        (lambda: Span("x", "hours"), "not an amount `x`"),
        (lambda: Span(True, "hours"), "not an amount `True`"),
        (lambda: Span(1, "hours", "same time"), "same time asked of `hours`, expected business days"),
        (lambda: OFFICE.add(when("mon 09:00"), "2 lightyears"), "unknown unit `lightyears`"),
        (lambda: OFFICE.add(when("mon 09:00"), Span(100_000, "months")), "out of range"),
    ],
)
def test_times_that_make_no_sense_are_refused(make, text):
    """Zones, countries, dates and spans."""
    assert text in refuse(make)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: desk(levels=(*levels(), *levels())), "levels: level named twice `l1`"),
        (
            lambda: desk(Rule(name="r", when=WHEN, to="l2"), Rule(name="r", when=WHEN, to="l3")),
            "rules: rule named twice `r`",
        ),
        (lambda: desk(tracks=(Track(key="t"), Track(key="t"))), "tracks: track named twice `t`"),
        (lambda: desk(priorities=("a", "a")), "priorities: priority named twice `a`"),
        (lambda: desk(facts=(F.flag("x"), F.flag("x"))), "facts: fact named twice `x`"),
        (
            lambda: desk(Rule(name="r", when=WHEN, then=A.SetPriority("next")), priorities=()),
            "rules[r].then[0].to: unknown priority `next`, expected no priority here: none is declared",
        ),
        (
            lambda: desk(Rule(name="r", when=WHEN, then=A.SetPriority("high")), priorities=()),
            "rules[r].then[0].to: unknown priority `high`, expected no priority here",
        ),
        (
            lambda: desk(Rule(name="r", when=WHEN, to="next"), levels=()),
            "rules[r].to: no next level on the track `main`, expected a track that has levels",
        ),
        (
            lambda: desk(
                Rule(name="r", when=WHEN, to="next", track="b"), tracks=(Track(key="a", levels=levels()), Track("b"))
            ),
            "rules[r].to: no next level on the track `b`",
        ),
        (lambda: Checklist.of(Item("a"), a="again"), "item named twice `a`"),
        (
            lambda: desk(levels=levels(l1={"entry": Checklist.of(a="A"), "work": Checklist.of(a="A")})),
            "item named twice `a`",
        ),
        (lambda: desk(levels=levels(), tracks=(Track(key="t"),)), "both levels and tracks"),
        (lambda: desk(calendars={"a": OFFICE, "b": OFFICE}, calendar=None), "several calendars and none that is usual"),
        (lambda: desk(levels=(EscalationLevel(key="next"),)), "reserved name for a level `next`"),
        (lambda: Rule(name="r", when=WHEN), "a rule that does nothing `r`, expected `to`, `then` or both"),
        (lambda: EscalationLevel(key="x", external=True, owner="a"), "an external level with an owner `a`"),
        (lambda: EscalationLevel(key="x", alternates="a"), "alternates without an owner"),
        (lambda: Target(key="x", within="1 hour", stops=()), "a target that nothing stops"),
        (lambda: Item("a", answers=("x", "y"), against=("z",)), "not among the answers `z`, expected one of `x`, `y`"),
        (lambda: desk(facts=(F.choice("size"),)), "choice without its values `size`"),
        (lambda: desk(facts=(F.count("seats"),)), "count without its domain `seats`"),
        (lambda: desk(facts=(F.flag("priority"),)), "fact of the library's own `priority`"),
        (lambda: desk(facts=(F.open_for,)), "fact of the library's own `open_for`"),
        (
            lambda: desk(
                tracks=(Track(key="a", levels=levels()), Track(key="b", levels=(EscalationLevel(key="x"),))),
                rules=(Rule(name="r", when=WHEN, to="l2", track="b"),),
            ),
            "rules[r].track: track other than the level's `b`, expected `a` or none",
        ),
        (lambda: Policy(name="p", version="1", levls=()), "unknown field `levls`; did you mean `levels`"),
        (lambda: Policy(name="p"), "version: missing"),
        (
            lambda: EscalationLevel("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"),
            "too many arguments",
        ),
        (lambda: Span(1, "hours", amount=2), "argument given twice `amount`"),
    ],
)
def test_what_contradicts_itself_is_refused(make, text):
    """Keys that overlap, fields that exclude each other, what does nothing."""
    assert text in refuse(make)


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: Case("", opened().history), "id"),
        (lambda: desk(name=" "), "name"),
        (lambda: Rule(name="", when=WHEN, to="l2"), "name"),
        (lambda: EscalationLevel(key=""), "key"),
        (lambda: Track(key=""), "key"),
        (lambda: Target.update("1 hour", key=""), "key"),
        (lambda: Item(""), "key"),
        (lambda: F.flag("").as_declaration(), "name"),
    ],
)
def test_an_empty_name_is_refused(make, path):
    """Nobody could ask for it, and no message could name it."""
    assert f"{path}: an empty name `" in refuse(make)


ENDS_BEFORE = "a time that ends before it begins"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Rota(absences=((when("tue 09:00"), when("mon 09:00")),)),
            f"absences[0].end: {ENDS_BEFORE} `datetime.datetime(2026, 3, 2",
        ),
        (lambda: Shift("ana", when("tue 09:00"), when("mon 09:00")), f"end: {ENDS_BEFORE}"),
        (
            lambda: Layer(("ana",), when("tue 09:00"), until=when("mon 09:00")),
            f"until: {ENDS_BEFORE} `datetime.datetime(2026, 3, 2",
        ),
        (lambda: forecast(DESK, CASE, at=when("tue 09:00"), until=when("mon 09:00")), f"until: {ENDS_BEFORE}"),
        (
            lambda: decide(DESK, CASE, at=when("tue 09:00")).accept(at=when("mon 09:00")),
            "at: accepted before it was asked",
        ),
    ],
)
def test_a_time_does_not_end_before_it_begins(make, text):
    """Absences, overrides, layers, forecasts; and nothing is accepted before it was decided."""
    assert text in refuse(make)


def test_many_problems_are_collected():
    """All that is wrong is told at once."""
    text = refuse(lambda: desk(Rule(name="r", when=F.level >= "l9", to="l8"), calendar="x"))
    assert text.startswith("3 problems in policy `desk`:\n- calendar: unknown calendar `x`")


def test_an_event_before_the_opening_is_refused_and_the_case_is_untouched():
    """Rule 8: nothing comes before the opening."""
    case = opened()
    before = case.history
    text = refuse(lambda: case.record(E.Resolved(at=when("mon 08:00"))))
    assert text.startswith(
        "event before the opening `E.Resolved(at='2026-03-02T08:00:00Z')`, expected an event at or after"
    )
    assert case.history == before


def test_a_second_opening_is_refused_and_the_case_is_untouched():
    """Its JSON could not be read again. The same opening, by its id, changes nothing."""
    opening = E.Opened(at=when("mon 09:00"), id="ticket:1")
    case = Case("C-1", (opening,))
    again = E.Opened(at=when("mon 10:00"), id="ticket:2")
    text = refuse(lambda: case.record(E.Reviewed(at=when("mon 10:00")), again))
    assert text.startswith(
        "a second opening `E.Opened(at='2026-03-02T10:00:00Z', id='ticket:2')`, expected one `Opened`"
    )
    assert "a second opening" in refuse(lambda: opened().record(E.Opened(at=when("mon 09:00"))))
    assert case.history == (opening,)
    assert case.record(opening) is case
    assert case.record(opening.model_copy(update={"priority": "high"})) is case


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Case("C", ()), "a history without one opening `0`, expected exactly one `Opened`"),
        (lambda: Case("C", (*opened().history, *opened(at="mon 10:00").history)), "a history without one opening `2`"),
        (lambda: opened().record("resolved"), "not an event `resolved`"),
        (lambda: E.parse({"type": "Resolvd", "at": "2026-03-02T09:00:00Z"}), "unknown type of event `Resolvd`"),
        (lambda: E.parse({"type": "Resolved"}), "at: missing"),
        (lambda: E.parse("Resolved"), "not an event `Resolved`"),
        (lambda: E.Resolved(at="yesterday"), "not an instant `yesterday`, expected ISO 8601 with an offset"),
        (lambda: E.Resolved(at=5), "not an instant `5`"),
        (lambda: E.SupportReplied.like(pubic=True), "unknown field of SupportReplied `pubic`"),
        (lambda: E.from_statuses([(when("mon 09:00"), "reslved")]), "unknown status `reslved`"),
        (lambda: decide(desk(), opened(), at=when("mon 08:00")), "instant before the opening"),
        (lambda: decide(desk(), opened(), at=when("mon 10:00")).deadline("reply"), "unknown target `reply`"),
        (
            lambda: decide(desk(), opened(), at=when("mon 10:00")).accept(at=when("mon 10:00"), only=["x"]),
            "unknown key `x`",
        ),
        (lambda: desk().level("l9"), "unknown level `l9`"),
        (lambda: desk().track_of("l9"), "unknown level `l9`"),
    ],
)
def test_events_and_cases_that_cannot_be_are_refused(make, text):
    """Histories, events, patterns, statuses and look-ups."""
    assert text in refuse(make)


DESK, CASE = desk(), opened()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: decide(CASE, DESK, at=when("mon 10:00")),
            "a policy and a case in each other's place, expected the policy first",
        ),
        (lambda: audit(CASE, DESK, when("mon 10:00")), "a policy and a case in each other's place"),
        (lambda: settle(CASE, DESK, at=when("mon 10:00")), "a policy and a case in each other's place"),
        (
            lambda: forecast(CASE, DESK, at=when("mon 10:00"), until=when("mon 11:00")),
            "a policy and a case in each other's place",
        ),
        (lambda: brief(CASE, DESK, when("mon 10:00")), "a policy and a case in each other's place"),
        (lambda: decide(DESK, [CASE], at=when("mon 10:00")), "case: not a case `[Case(id='C-1'"),
        (lambda: decide(DESK, [CASE], at=when("mon 10:00")), "expected one `Case` at a time"),
        (lambda: decide(DESK, None, at=when("mon 10:00")), "case: not a case `None`, expected a `Case`"),
        (lambda: decide({}, None, at=when("mon 10:00")), "2 problems:\n- policy: not a policy `{}`"),
        (lambda: mermaid("x"), "policy: not a policy `x`, expected a `Policy`"),
        (
            lambda: decide(DESK, CASE, at=when("mon 10:00")).accept(at=when("mon 10:00"), only=5),
            "only: not keys `5`, expected the keys of moves and actions",
        ),
        (lambda: E.from_statuses(None), "not changes of status `None`, expected a list of (at, status, id)"),
        (lambda: F.choice("size", 5).as_declaration(), "values: not valid: `5`, expected a tuple or a list"),
        (lambda: Span.parse(None), "not a span of time `None`"),
        (lambda: Rota(absences=5), "absences: not valid: `5`, expected a tuple or a list"),
        (
            lambda: check(DESK, 5, (when("mon 09:00"), when("mon 10:00"))),
            "rotas: not rotas `5`, expected a `Rota` for each role",
        ),
        (lambda: check("x"), "policy: not a policy `x`, expected a `Policy`"),
        (lambda: kpis("x", [CASE], when("mon 10:00")), "policy: not a policy `x`"),
        (lambda: health("x", [CASE], when("mon 10:00")), "policy: not a policy `x`"),
        (lambda: worklist("x", [CASE], when("mon 10:00"), "agent"), "policy: not a policy `x`"),
        (lambda: kpis(DESK, CASE, when("mon 10:00")), "cases: not several cases `Case(id='C-1'"),
        (lambda: health(DESK, [CASE, "C-2"], when("mon 10:00")), "cases[1]: not a case `C-2`, expected a `Case`"),
        (lambda: worklist(DESK, None, when("mon 10:00"), "agent"), "cases: not several cases `None`"),
        (
            lambda: kpis(DESK, [CASE], when("mon 10:00"), per="fortnight"),
            "per: unknown period `fortnight`, expected one of `day`, `month`, `quarter`, `week`, `year`",
        ),
        (lambda: CASE.record([E.Resolved(at=when("mon 10:00"))]), "expected the events one by one: `record(*events)`"),
        (
            lambda: CASE.reconcile(at=when("mon 10:00"), assigned="bob"),
            "assigned: not an assignment `bob`, expected who it is by role, such as {'assignee': 'ana'}",
        ),
        (lambda: CASE.reconcile(at=when("mon 10:00"), status=5), "unknown status `5`"),
        (lambda: E.from_statuses([(when("mon 10:00"),)]), "expected (at, status) or (at, status, id)"),
        (lambda: E.from_statuses(["open"]), "not a change of status `open`"),
        (
            lambda: Rota(person="ana").gaps(when("mon 09:00"), when("mon 10:00"), cover="office"),
            "cover: not a calendar `office`, expected a `BusinessCalendar`",
        ),
    ],
)
def test_an_argument_that_is_something_else_is_refused(make, text):
    """Arguments that changed places, one case for several and several for one, a name for the thing itself."""
    assert text in refuse(make)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: E.FactObserved(at=when("mon 10:00"), name="x", value=object()),
            "value: not a value that JSON can hold: `<object object",
        ),
        (
            lambda: E.FactObserved(at=when("mon 10:00"), name="x", value=when("mon 10:00").date()),
            "hold: `datetime.date(2026, 3, 2)`, expected its text; did you mean `2026-03-02`",
        ),
        (
            lambda: E.FactObserved(at=when("mon 10:00"), name="x", value=when("mon 10:00")),
            "did you mean `2026-03-02T10:00:00+00:00`",
        ),
        (
            lambda: E.FactObserved(at=when("mon 10:00"), name="x", value=float("nan")),
            "value: not a value that JSON can hold: `nan`, expected texts, numbers, true, false or None",
        ),
        (lambda: opened(facts={"x": float("inf")}), "facts.x: not a value that JSON can hold: `inf`"),
        (lambda: opened(facts={"x": Decimal(1)}), "facts.x: not a value that JSON can hold: `1`"),
        (lambda: opened(attributes={"x": [{"y": {1}}]}), "attributes.x[0].y: not a value that JSON can hold: `{1}`"),
        (lambda: opened(attributes={"x": OFFICE, "y": b""}), "2 problems in Case:\n- attributes.x: not a value"),
        (lambda: opened(attributes={"x": deep_data()}), "attributes.x: nested too deeply"),
    ],
)
def test_what_json_cannot_hold_is_refused_when_it_is_given(make, text):
    """A case goes through JSON: what would be lost there, or not come back as it was, is no part of one."""
    assert text in refuse(make)


ASKED = Rule(name="asked", when=F.happened(E.EscalationRequested.like()), to="l2").model_dump()
NEVER = {"event": "EscalationRequested", "where": {"wants": {"test": "among", "values": ["attenton"]}}}
FORGOTTEN = "not a pattern but a kind of event `E.CallHeld`; did you mean `E.CallHeld.like()`"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: F.happened(E.CallHeld), FORGOTTEN),
        (lambda: F.happened((E.Resolved.like(), E.CallHeld)), FORGOTTEN),
        (lambda: Target(key="x", within="1 hour", stops=E.CallHeld), f"stops: {FORGOTTEN}"),
        (lambda: Target(key="x", within="1 hour", stops=E.Resolved.like(), starts=E.CallHeld), f"starts: {FORGOTTEN}"),
        (lambda: Item("x", done_by=E.CallHeld), f"done_by: {FORGOTTEN}"),
        (lambda: E.Resolved.like() | E.CallHeld, FORGOTTEN),
        (
            lambda: E.EscalationRequested.like(wants="attenton"),
            "wants: not valid: `attenton`, expected 'attention', 'expertise' or 'priority'; did you mean `attention`",
        ),
        (lambda: E.EscalationRequested.like(wants=E.other_than("attenton")), "wants: not valid: `attenton`"),
        (lambda: E.EscalationRequested.like(wants=("priority", "attenton")), "wants: not valid: `attenton`"),
        (lambda: E.EscalationRequested.like(wants=None), "wants: not valid: `None`, expected 'attention'"),
        (lambda: E.SupportReplied.like(public="yes"), "public: not valid: `yes`, expected true or false"),
        (lambda: E.SupportReplied.like(public="yes", topic=5), "2 problems in a pattern over SupportReplied:"),
        (lambda: E.SupportReplied.like(actor="robot"), "actor: not valid: `robot`, expected 'customer', 'staff' or"),
        (lambda: E.CallHeld.like(kind=5), "kind: not valid: `5`, expected a text"),
        (lambda: E.CallHeld.like(participants=5), "participants: not valid: `5`, expected a text"),
        (lambda: E.PlanRevised.like(shared="no"), "shared: not valid: `no`, expected true or false"),
        (lambda: E.Resolved.like(at="monday"), "at: not an instant `monday`"),
        (lambda: E.CommunicationAgreed.like(every="weekly"), "every: not a span of time `weekly`"),
        (lambda: E.FactObserved.like(value=object()), "value: not a value that JSON can hold"),
        (lambda: E.CallHeld.like(kind=()), "kind: no value to compare with, expected at least one; `None` stands for"),
        (E.other_than, "no value to compare with, expected at least one, or `E.ANY`"),
        (
            lambda: Rule.model_validate({**ASKED, "when": {**ASKED["when"], "pattern": [NEVER]}}),
            "wants: not valid: `attenton`",
        ),
        (lambda: F.happened("resolved"), "not a pattern `resolved`, expected one such as `E.Resolved.like()`"),
        (lambda: E.Resolved.like() & E.Closed.like(), "expected `F.happened(…) & F.happened(…)`"),
        (lambda: ~E.Resolved.like(), "a pattern negated, expected `~F.happened(…)`"),
    ],
)
def test_what_is_no_pattern_is_refused(make, text):
    """The class of an event without `like`, a word, patterns joined as if they were conditions.

    And those that no event can match, for what their fields hold.
    """
    assert text in refuse(make)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: F.acknowledged and F.level_failed,
            "truth of `F.acknowledged`, expected `&`, `|` and `~` instead of `and`, `or`, `not`",
        ),
        (
            lambda: (F.replies >= 2) and F.acknowledged,
            "truth of a condition, expected `&`, `|` and `~` instead of `and`",
        ),
        (lambda: not (F.replies >= 2), "truth of a condition"),
        (lambda: 1 <= F.replies <= 3, "truth of a condition"),
        (lambda: F.acknowledged & F.replies >= 2, "put brackets around each comparison"),
        (lambda: F.acknowledged & F.level_failed == True, "put brackets around each comparison"),
        (lambda: (F.acknowledged & F.level_failed) >= 2, "put brackets around each comparison"),
        (lambda: F.priority == "high" & F.acknowledged, "put brackets around each comparison"),
        (lambda: F.open_for & F.acknowledged, "`F.open_for` by itself is no condition, expected a comparison"),
        (lambda: F.priority("x"), "`F.priority` asked about `x`, expected no argument"),
        (lambda: F.flag("mine")("x"), "`F.mine` asked about `x`, expected no argument"),
        (
            lambda: True & (F.replies >= 2),
            "not a condition `True`, expected a comparison: put brackets around each comparison",
        ),
        (lambda: "urgent" | (F.replies >= 2), "not a condition `urgent`, expected"),
    ],
)
def test_conditions_that_python_would_misread_are_refused(make, text):
    """Rule 29: truth-testing raises, and so do missing brackets."""
    with pytest.raises(Misuse):
        make()
    assert text in refuse(make)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: F.open_for == "3 hours", "a duration compared with `==`, expected `<` or `>=`"),
        (lambda: F.open_for > "3 hours", "a duration compared with `>`"),
        (lambda: F.used("x") == 0.5, "a share compared with `==`"),
        (lambda: F.acknowledged >= True, "a flag compared with `>=`"),
        (lambda: F.label("team") >= "a", "a label compared with `>=`"),
        (lambda: F.deadline("x") >= "met", "deadline: an outcome compared with `>=`"),
        (lambda: F.open_for >= 5, "not a span of time `5`, expected a span such as `4 business hours`"),
        (lambda: F.open_for >= None, "not a span of time `None`, expected a span such as `4 business hours`"),
        (lambda: F.priority >= 5, "not a value of an ordered fact `5`, expected a name"),
        (
            lambda: Atom.model_validate({"fact": "priority", "kind": "flag", "op": "==", "value": True}),
            "kind: `priority` is no flag but an ordered fact",
        ),
        (lambda: F.deadline("x") == "breach", "unknown outcome `breach`"),
        (lambda: F.replies >= "two", "not a value of a count `two`, expected a whole number"),
        (lambda: F.used("x") >= "most", "not a share `most`, expected a number such as 0.75, `3/4` or `75%`"),
        (lambda: F.used("x") >= -1, "not a share `-1`, expected zero or more"),
        (lambda: F.priority.on("office") >= "high", "a calendar for an ordered fact `office`, expected a duration"),
        (lambda: F.happened([]) == True, "`happened` without its pattern"),
        (lambda: Atom.model_validate({"fact": "replies", "kind": "flag", "op": "==", "value": True}), "is no flag"),
        (
            lambda: Atom.model_validate({"fact": "mine", "kind": "flg", "op": "==", "value": True}),
            "did you mean `flag`",
        ),
        (
            lambda: Atom.model_validate({"op": "==", "value": True}),
            "2 problems in Atom:\n- fact: missing\n- kind: missing",
        ),
    ],
)
def test_comparisons_that_mean_nothing_are_refused(make, text):
    """Rule 30: a duration has one crossing; each kind of fact has its operators."""
    assert text in refuse(make)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"fact": []}, "when.atom.fact: not valid: `[]`, expected a text"),
        ({"op": {}}, "when.atom.op: not valid: `{}`, expected '>=', '<'"),
        ({"op": "in", "value": None}, "when.atom: not a value of a count `None`, expected a whole number"),
    ],
)
def test_data_of_the_wrong_shape_is_refused(change, text):
    """Rule 29: a stranger's policy is safe to read, whatever it holds."""
    atom = json.loads((F.replies >= 2).model_dump_json())
    assert text in refuse(lambda: Rule.model_validate({"name": "r", "to": "l2", "when": {**atom, **change}}))


def test_a_choice_of_one_value_may_be_given_as_it_is():
    """A text is one value, not several letters."""
    assert F.choice("size", "small").as_declaration() == F.choice("size", ("small",)).as_declaration()


CONDITION = 'expected one such as `F.open_for >= "4 hours"`'


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Rule(name="r", when=True, to="l2"), f"when: not a condition `True`, {CONDITION}"),
        (lambda: Rule(name="r", when="open_for", to="l2"), f"when: not a condition `open_for`, {CONDITION}"),
        (lambda: Target.update("1 hour", when=5), f"when: not a condition `5`, {CONDITION}"),
        (
            lambda: Rule(name="r", when={"type": "atm"}, to="l2"),
            "when: unknown type `atm`, expected one of `all`, `any`",
        ),
        (
            lambda: Rule(name="r", when=WHEN, then="notify"),
            'then: not an action `notify`, expected one such as `A.Notify("manager")`',
        ),
        (lambda: Target.update(5), "within: not a span of time `5`, expected a span such as `4 business hours`"),
        (lambda: OFFICE.add(when("mon 09:00"), 5), "not a span of time `5`, expected a span such as"),
        (lambda: EscalationLevel(key="x", cooldown=5), "cooldown: not a span of time `5`"),
        (lambda: EscalationLevel(key="x", owner=5), "owner: not a name `5`, expected a text or a `Pick`"),
        (lambda: A.Ask(of=None, item="x"), "of: not a name `None`, expected a text or a `Pick`"),
        (lambda: Pick(by="x", values={"a": 5}), "values.a: not a choice `5`, expected a name or a span of time"),
        (lambda: EscalationLevel(key="x", nobody="hld"), "nobody: not valid: `hld`, expected 'wait', 'hold' or 'skip'"),
        (lambda: EscalationLevel(key="x", nobody="hld"), "did you mean `hold`"),
        (lambda: EscalationLevel(key="x", external="maybe"), "external: not valid: `maybe`, expected true or false"),
        (lambda: EscalationLevel(key="x", work="hi"), "work: not valid: `hi`, expected a `Checklist`"),
        (lambda: desk(5), "rules[0]: not valid: `5`, expected a `Rule`"),
        (lambda: desk(rules=5), "rules: not valid: `5`, expected a tuple or a list"),
        (lambda: desk(version=1), "version: not valid: `1`, expected a text"),
        (lambda: desk(facts="seats"), "facts[0]: not a fact `seats`, expected a declaration such as `F.flag('down')`"),
        (lambda: desk(calendars={"x": 5}), "calendars.x: not a calendar `5`, expected a `BusinessCalendar`"),
        (lambda: desk(rotas={"x": 5}), "rotas.x: not valid: `5`, expected a `Rota`"),
        (lambda: Rota(absences=("x",)), "absences[0]: not valid: `x`, expected an `Absence`"),
        (lambda: Case("C", [DESK]), "expected a value that says its `type`"),
    ],
)
def test_what_is_wanted_is_said_in_words(make, text):
    """Of another type than a field holds: what belongs there, as one would write it."""
    found = refuse(make)
    assert text in found
    assert "valid dictionary" not in found


def deep_condition() -> object:
    condition = F.acknowledged | F.level_failed
    for _ in range(3_000):
        condition = (condition & F.acknowledged) | F.level_failed
    return condition


def deep_data() -> dict[str, object]:
    data: dict[str, object] = {"type": "atom", "fact": "acknowledged", "op": "==", "value": True}
    for _ in range(3_000):
        data = {"type": "not", "of": data}
    return data


def test_a_3000_deep_condition_is_refused():
    """Rule 29: depth and width are capped, built in Python, read from data or read from JSON."""
    rule = {"name": "r", "to": "l2", "when": deep_data()}
    assert "condition nested too deeply" in refuse(deep_condition)
    assert "when: condition nested too deeply, expected at most 50 deep" in refuse(lambda: Rule.model_validate(rule))
    text = '{"name": "r", "to": "l2", "when": ' + '{"type": "not", "of": ' * 3_000 + "{}" + "}" * 3_001
    assert "recursion limit exceeded" in refuse(lambda: Rule.model_validate_json(text))


def test_a_condition_whose_parts_are_shared_is_refused_before_it_is_unfolded():
    """A few lines of YAML with anchors can stand for more comparisons than there is room for."""
    shared: dict[str, object] = {"type": "all", "of": []}
    for _ in range(40):
        shared = {"type": "all", "of": [shared, shared]}
    rule = {"name": "r", "to": "l2", "when": shared}
    assert "condition too wide" in refuse(lambda: Rule.model_validate(rule))


def test_a_condition_that_is_put_together_too_wide_is_refused():
    """Also when it was never data."""
    parts = (F.acknowledged.as_condition(),) * 1_001
    assert "condition too wide `1001`, expected at most 1000 comparisons" in refuse(lambda: AllOf(of=parts))


def test_a_condition_that_is_too_wide_is_refused():
    """A stranger's policy cannot be arbitrarily wide either."""
    atom = json.loads((F.replies >= 2).model_dump_json())
    data = {"name": "r", "to": "l2", "when": {"type": "all", "of": [atom] * 1_001}}
    assert "condition too wide `1001`, expected at most 1000 comparisons" in refuse(lambda: Rule.model_validate(data))


def test_errors_carry_their_fields():
    """The text is made from the fields, and the classes are the built-in ones that one would expect."""
    with pytest.raises(ValueError, match="unknown level") as caught:
        desk(Rule(name="r", when=WHEN, to="l22"))
    (problem,) = caught.value.problems
    assert (problem.path, problem.given, problem.suggestion) == ("rules[r].to", "l22", "l2")
    assert issubclass(InvalidValue, ValueError)
    assert issubclass(UnknownName, LookupError)
    assert issubclass(Misuse, TypeError)


def test_values_are_frozen():
    """Nothing that exists can be changed, mappings in it included."""
    case = opened(attributes={"title": "printer"}, facts={"down": True})
    with pytest.raises(ValidationError, match="frozen"):
        case.id = "other"
    with pytest.raises(TypeError, match="frozen value"):
        case.attributes["title"] = "other"
    with pytest.raises(TypeError, match="frozen value"):
        case.history[0].facts.update(down=False)
    assert Case.open("C", at=datetime(2026, 3, 2, tzinfo=UTC)).attributes == {}


def test_nothing_is_asked_of_a_case_before_its_opening():
    """Neither a decision nor a forecast nor a snapshot."""
    policy, case, early = desk(), opened(), when("sun 09:00") - timedelta(weeks=1)
    for ask in (
        lambda: decide(policy, case, at=early),
        lambda: forecast(policy, case, at=early, until=when("mon 10:00")),
        lambda: case.reconcile(at=early, priority="high"),
    ):
        assert "before the opening" in refuse(ask)
