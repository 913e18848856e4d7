"""Histories, events and arguments that are refused, each with one clear error."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from escalation_rules import (
    Case,
    Checklist,
    EscalationLevel,
    EscalationRulesError,
    Item,
    Rule,
    decide,
    forecast,
    settle,
)
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.analysis import check
from escalation_rules.audit import audit
from escalation_rules.metrics import brief, health, kpis, worklist
from escalation_rules.views import mermaid
from escalation_rules.worktime import Rota, Span
from tests.bench import OFFICE, after, desk, opened, refusal, when


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
        (
            E.FactChanged(at=when("mon 10:00"), name="seats", value=9),
            "not a value of F.count('seats', minimum=0, maximum=5): `9`",
        ),
        (E.FactChanged(at=when("mon 10:00"), name="down", value="yes"), "expected true or false"),
        (E.FactChanged(at=when("mon 10:00"), name="size", value="huge"), "expected one of `small`, `large`"),
        (E.FactChanged(at=when("mon 10:00"), name="team", value=3), "expected a text"),
    ],
)
def test_a_history_that_the_policy_does_not_understand_is_refused(event, text):
    """Levels and priorities in the history must be the policy's; its facts must be in their domains."""
    facts = (
        F.count("seats", minimum=0, maximum=5),
        F.flag("down"),
        F.choice("size", ("small", "large")),
        F.label("team"),
    )
    assert text in refusal(lambda: decide(desk(facts=facts), opened(event), at=when("mon 11:00")))


def test_a_fact_that_the_policy_does_not_declare_is_left_alone():
    """Tickets are asked about under several policies: no rule can see what is not declared."""
    case = opened(E.FactChanged(at=when("mon 10:00"), name="site", value="Leeds"), facts={"team": "red"})
    assert decide(desk(), case, at=when("mon 11:00")).status == "open"


def test_an_event_before_the_opening_is_refused_and_the_case_is_untouched():
    """Rule 8: nothing comes before the opening."""
    case = opened()
    before = case.history
    text = refusal(lambda: case.record(E.Resolved(at=when("mon 08:00"))))
    assert text.startswith(
        "event before the opening `E.Resolved(at='2026-03-02T08:00:00Z')`, expected an event at or after"
    )
    assert case.history == before


def test_a_second_opening_is_refused_and_the_case_is_untouched():
    """Its JSON could not be read again. The same opening, by its id, changes nothing; another is refused."""
    opening = E.Opened(at=when("mon 09:00"), id="ticket:1")
    case = Case("C-1", (opening,))
    again = E.Opened(at=when("mon 10:00"), id="ticket:2")
    text = refusal(lambda: case.record(E.Reviewed(at=when("mon 10:00")), again))
    assert text.startswith(
        "a second opening `E.Opened(at='2026-03-02T10:00:00Z', id='ticket:2')`, expected one `Opened`"
    )
    assert "a second opening" in refusal(lambda: opened().record(E.Opened(at=when("mon 09:00"))))
    assert case.history == (opening,)
    assert case.record(opening) is case
    text = refusal(lambda: case.record(opening.model_copy(update={"priority": "high"})))
    assert text.startswith("another event with the id `ticket:1`")


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
    assert text in refusal(make)


DESK, CASE = desk(), opened()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: decide(CASE, DESK, at=when("mon 10:00")),
            "a policy and a case in each other's place, expected the policy first",
        ),
        (lambda: audit(CASE, DESK, at=when("mon 10:00")), "a policy and a case in each other's place"),
        (lambda: settle(CASE, DESK, at=when("mon 10:00")), "a policy and a case in each other's place"),
        (
            lambda: forecast(CASE, DESK, at=when("mon 10:00"), until=when("mon 11:00")),
            "a policy and a case in each other's place",
        ),
        (lambda: brief(CASE, DESK, at=when("mon 10:00")), "a policy and a case in each other's place"),
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
        (lambda: kpis("x", [CASE], at=when("mon 10:00")), "policy: not a policy `x`"),
        (lambda: health("x", [CASE], at=when("mon 10:00")), "policy: not a policy `x`"),
        (lambda: worklist("x", [CASE], at=when("mon 10:00"), role="agent"), "policy: not a policy `x`"),
        (lambda: kpis(DESK, CASE, at=when("mon 10:00")), "cases: not several cases `Case(id='C-1'"),
        (lambda: health(DESK, [CASE, "C-2"], at=when("mon 10:00")), "cases[1]: not a case `C-2`, expected a `Case`"),
        (lambda: worklist(DESK, None, at=when("mon 10:00"), role="agent"), "cases: not several cases `None`"),
        (
            lambda: kpis(DESK, [CASE], at=when("mon 10:00"), every="fortnight"),
            "every: unknown period `fortnight`, expected one of `day`, `month`, `quarter`, `week`, `year`",
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
            lambda: Rota(person="ana").gaps(when("mon 09:00"), when("mon 10:00"), during="office"),
            "during: not a calendar `office`, expected a `BusinessCalendar`",
        ),
    ],
)
def test_an_argument_that_is_something_else_is_refused(make, text):
    """Arguments that changed places, one case for several and several for one, a name for the thing itself."""
    assert text in refusal(make)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: E.FactChanged(at=when("mon 10:00"), name="x", value=object()),
            "value: not a value that JSON can hold: `<object object",
        ),
        (
            lambda: E.FactChanged(at=when("mon 10:00"), name="x", value=when("mon 10:00").date()),
            "hold: `datetime.date(2026, 3, 2)`, expected its text; did you mean `2026-03-02`",
        ),
        (
            lambda: E.FactChanged(at=when("mon 10:00"), name="x", value=when("mon 10:00")),
            "did you mean `2026-03-02T10:00:00+00:00`",
        ),
        (
            lambda: E.FactChanged(at=when("mon 10:00"), name="x", value=float("nan")),
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
    assert text in refusal(make)


def deep_data() -> dict[str, object]:
    data: dict[str, object] = {"type": "atom", "fact": "acknowledged", "op": "==", "value": True}
    for _ in range(3_000):
        data = {"type": "not", "of": data}
    return data


def test_nothing_is_asked_of_a_case_before_its_opening():
    """Neither a decision nor a forecast nor a snapshot."""
    policy, case, early = desk(), opened(), when("sun 09:00") - timedelta(weeks=1)
    for ask in (
        lambda: decide(policy, case, at=early),
        lambda: forecast(policy, case, at=early, until=when("mon 10:00")),
        lambda: case.reconcile(at=early, priority="high"),
    ):
        assert "before the opening" in refusal(ask)


WANTED = Rule(key="asked", when=F.escalation_request_open, to="l2")
FLAGS = {"facts": (F.flag("x"), F.flag("y"))}


def observed(name, hour, value=True):
    return E.FactChanged(at=after(hour), name=name, value=value)


FOUR = Checklist.of(Item(key="way", answers=("none", "good"), blocked_by=("good",), valid_for="2 hours"), q="Right?")
HELD = desk(
    WANTED,
    Rule(key="x", when=F.flag("x"), to="l3"),
    levels=("l1", EscalationLevel(key="l2", entry=FOUR), EscalationLevel(key="l3", entry=Checklist.of(z="Z?"))),
    **FLAGS,
)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (E.Escalated(at=after(1), to="managr"), "unknown level `managr`"),
        (E.PriorityChanged(at=after(1), to="hihg"), "unknown priority `hihg`.* did you mean `high`"),
        (observed("x", 1, "yes"), "not a value of F.flag"),
    ],
)
def test_a_name_in_history_that_the_policy_does_not_have(event, text):
    """Named, with the case it is in."""
    with pytest.raises(EscalationRulesError, match=f"case `C-1`: {text}"):
        decide(HELD, opened(event, priority="normal"), at=after(1))
