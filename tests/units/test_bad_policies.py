"""Policies, conditions, patterns and data that are refused, each with one clear error."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from escalation_rules import Case, Checklist, EscalationLevel, Item, Pick, Policy, Rule, Target
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.conditions import AllOf, Atom
from escalation_rules.errors import InvalidValue, Misuse, UnknownName
from escalation_rules.levels import Track
from escalation_rules.worktime import Rota, Span
from tests.bench import OFFICE, desk, levels, opened, refusal, when

WHEN = F.open_for >= "1 hour"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: desk(
                Rule(key="r", when=F.flag("production_dwn") == True, to="l2"), facts=(F.flag("production_down"),)
            ),
            "rules[r].when: unknown fact `production_dwn`",
        ),
        (lambda: desk(Rule(key="r", when=WHEN, to="l22")), "rules[r].to: unknown level `l22`, expected one of `l1`"),
        (
            lambda: desk(Rule(key="r", when=WHEN, to="l2", at_level="frontlin")),
            "rules[r].at_level[0]: unknown level `frontlin`",
        ),
        (lambda: desk(Rule(key="r", when=F.level >= "l9", to="l2")), "rules[r].when.level: unknown level `l9`"),
        (
            lambda: desk(Rule(key="r", when=F.open_for.on("offices") >= "1 hour", to="l2")),
            "rules[r].when.open_for: unknown calendar `offices`, expected one of `always`, `office`; did you mean",
        ),
        (
            lambda: desk(calendar="ofice"),
            "calendar: unknown calendar `ofice`, expected one of `always`, `office`; did you mean `office`",
        ),
        (
            lambda: desk(Rule(key="r", when=F.priority >= "hihg", to="l2")),
            "rules[r].when.priority: unknown priority `hihg`, expected one of `high`, `low`",
        ),
        (
            lambda: desk(roles=("agent",), levels=levels(l1={"owner": "agnet"})),
            "levels[l1].owner: unknown role `agnet`, expected one of `agent`, `assignee`, `customer`; did you mean",
        ),
        (
            lambda: desk(Rule(key="r", when=F.outcome("reply") == "met", to="l2")),
            "rules[r].when.outcome: unknown target `reply`",
        ),
        (
            lambda: desk(Rule(key="r", when=F.at_level_for("x") >= "1 hour", to="l2")),
            "unknown track `x`, expected one of `main`",
        ),
        (
            lambda: desk(Rule(key="r", when=WHEN, then=A.RaisePriority("hihg"))),
            "rules[r].then[0].to: unknown priority `hihg`",
        ),
        (
            lambda: desk(roles=("agent",), levels=levels(l1={"on_entry": A.Notify("boss")})),
            "levels[l1].on_entry[0].roles: unknown role `boss`",
        ),
        (
            lambda: desk(targets=Target.update(Pick(by="severity", values={"a": "1 hour"}))),
            "targets[0].within.by: unknown choice fact or flag `severity`, expected one of `priority`",
        ),
        (
            lambda: desk(targets=Target.update(Pick(by="priority", values={"hihg": "1 hour"}))),
            "targets[0].within.values: unknown priority `hihg`",
        ),
        (
            lambda: desk(targets=Target.update("1 hour", when=F.open_for >= "1 hour")),
            "targets[0].when: `F.open_for >= '1 hour'` in a target's condition, expected state, not time",
        ),
        (lambda: desk(Rule(key="r", when=F.status == "opne", to="l2")), "unknown status `opne`"),
        (
            lambda: desk(
                Rule(key="r", when=F.choice("size") == "huge", to="l2"), facts=(F.choice("size", ("small",)),)
            ),
            "rules[r].when.size: unknown value of `size` `huge`, expected one of `small`",
        ),
        (
            lambda: desk(Rule(key="r", when=F.count("size") >= 2, to="l2"), facts=(F.choice("size", ("small",)),)),
            "rules[r].when: `size` is no count but a choice",
        ),
        (
            lambda: desk(levels=levels(l1={"owner": Pick(by="priority", values={"high": Span(1, "hours")})})),
            "levels[l1].owner: not a role `1 hour`, expected a role, or a pick of roles",
        ),
        (
            lambda: desk(levels=levels(l1={"min_stay": Pick(by="priority", values={"hihg": "1 hour"})})),
            "levels[l1].min_stay.values: unknown priority `hihg`",
        ),
        (lambda: desk(rotas={"agnet": Rota()}, roles=("agent",)), "rotas[agnet]: unknown role `agnet`"),
        (
            lambda: desk(levels=levels(l1={"counterparts": {"x": ("a", "b")}}), roles=("a",)),
            "levels[l1].counterparts: unknown role `b`",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_its_path_and_the_nearest_known(make, text):
    """Unknown facts, levels, calendars, priorities, roles, targets and tracks."""
    assert text in refusal(make)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: desk(levels=(*levels(), *levels())), "levels: level named twice `l1`"),
        (
            lambda: desk(Rule(key="r", when=WHEN, to="l2"), Rule(key="r", when=WHEN, to="l3")),
            "rules: rule named twice `r`",
        ),
        (lambda: desk(tracks=(Track(key="t"), Track(key="t"))), "tracks: track named twice `t`"),
        (lambda: desk(priorities=("a", "a")), "priorities: priority named twice `a`"),
        (lambda: desk(facts=(F.flag("x"), F.flag("x"))), "facts: fact named twice `x`"),
        (
            lambda: desk(Rule(key="r", when=WHEN, then=A.RaisePriority("next")), priorities=()),
            "rules[r].then[0].to: unknown priority `next`, expected no priority here: none is declared",
        ),
        (
            lambda: desk(Rule(key="r", when=WHEN, then=A.RaisePriority("high")), priorities=()),
            "rules[r].then[0].to: unknown priority `high`, expected no priority here",
        ),
        (
            lambda: desk(Rule(key="r", when=WHEN, to="next"), levels=()),
            "rules[r].to: no next level on the track `main`, expected a track that has levels",
        ),
        (
            lambda: desk(
                Rule(key="r", when=WHEN, to="next", track="b"), tracks=(Track(key="a", levels=levels()), Track("b"))
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
        (lambda: Rule(key="r", when=WHEN), "a rule that does nothing `r`, expected `to`, `then` or both"),
        (lambda: EscalationLevel(key="x", external=True, owner="a"), "an external level with an owner `a`"),
        (lambda: EscalationLevel(key="x", alternates="a"), "alternates without an owner"),
        (lambda: Target(key="x", within="1 hour", stop_on=()), "a target that nothing stops"),
        (
            lambda: Item("a", answers=("x", "y"), blocked_by=("z",)),
            "not among the answers `z`, expected one of `x`, `y`",
        ),
        (lambda: desk(facts=(F.choice("size"),)), "choice without its values `size`"),
        (lambda: desk(facts=(F.count("seats"),)), "count without its domain `seats`"),
        (lambda: desk(facts=(F.flag("priority"),)), "fact of the library's own `priority`"),
        (lambda: desk(facts=(F.open_for,)), "fact of the library's own `open_for`"),
        (
            lambda: desk(
                tracks=(Track(key="a", levels=levels()), Track(key="b", levels=(EscalationLevel(key="x"),))),
                rules=(Rule(key="r", when=WHEN, to="l2", track="b"),),
            ),
            "rules[r].track: track other than the level's `b`, expected `a` or none",
        ),
        (lambda: Policy(name="p", version="1", levls=()), "unknown field `levls`; did you mean `levels`"),
        (lambda: Policy(name="p"), "version: missing"),
        (lambda: EscalationLevel("a", "b"), "too many arguments"),
        (lambda: Span(1, "hours", amount=2), "argument given twice `amount`"),
    ],
)
def test_what_contradicts_itself_is_refused(make, text):
    """Keys that overlap, fields that exclude each other, what does nothing."""
    assert text in refusal(make)


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: Case("", opened().history), "id"),
        (lambda: desk(name=" "), "name"),
        (lambda: Rule(key="", when=WHEN, to="l2"), "key"),
        (lambda: EscalationLevel(key=""), "key"),
        (lambda: Track(key=""), "key"),
        (lambda: Target.update("1 hour", key=""), "key"),
        (lambda: Item(""), "key"),
        (lambda: F.flag("").as_declaration(), "name"),
    ],
)
def test_an_empty_name_is_refused(make, path):
    """Nobody could ask for it, and no message could name it."""
    assert f"{path}: an empty name `" in refusal(make)


def test_many_problems_are_collected():
    """All that is wrong is told at once."""
    text = refusal(lambda: desk(Rule(key="r", when=F.level >= "l9", to="l8"), calendar="x"))
    assert text.startswith("3 problems in policy `desk`:\n- calendar: unknown calendar `x`")


DESK, CASE = desk(), opened()
ASKED = Rule(key="asked", when=F.happened(E.EscalationRequested.like()), to="l2").model_dump()
NEVER = {"event": "EscalationRequested", "where": {"wants": {"test": "among", "values": ["attenton"]}}}
FORGOTTEN = "not a pattern but a kind of event `E.CallHeld`; did you mean `E.CallHeld.like()`"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: F.happened(E.CallHeld), FORGOTTEN),
        (lambda: F.happened((E.Resolved.like(), E.CallHeld)), FORGOTTEN),
        (lambda: Target(key="x", within="1 hour", stop_on=E.CallHeld), f"stop_on: {FORGOTTEN}"),
        (
            lambda: Target(key="x", within="1 hour", stop_on=E.Resolved.like(), start_on=E.CallHeld),
            f"start_on: {FORGOTTEN}",
        ),
        (lambda: Item("x", answered_by=E.CallHeld), f"answered_by: {FORGOTTEN}"),
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
        (lambda: E.FactChanged.like(value=object()), "value: not a value that JSON can hold"),
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
    assert text in refusal(make)


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
    assert text in refusal(make)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: F.open_for == "3 hours", "a duration compared with `==`, expected `<` or `>=`"),
        (lambda: F.open_for > "3 hours", "a duration compared with `>`"),
        (lambda: F.used("x") == 0.5, "a share compared with `==`"),
        (lambda: F.acknowledged >= True, "a flag compared with `>=`"),
        (lambda: F.label("team") >= "a", "a label compared with `>=`"),
        (lambda: F.outcome("x") >= "met", "outcome: an outcome compared with `>=`"),
        (lambda: F.open_for >= 5, "not a span of time `5`, expected a span such as `4 business hours`"),
        (lambda: F.open_for >= None, "not a span of time `None`, expected a span such as `4 business hours`"),
        (lambda: F.priority >= 5, "not a value of an ordered fact `5`, expected a name"),
        (
            lambda: Atom.model_validate({"fact": "priority", "kind": "flag", "op": "==", "value": True}),
            "kind: `priority` is no flag but an ordered fact",
        ),
        (lambda: F.outcome("x") == "breach", "unknown outcome `breach`"),
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
    assert text in refusal(make)


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
    assert text in refusal(lambda: Rule.model_validate({"name": "r", "to": "l2", "when": {**atom, **change}}))


def test_a_choice_of_one_value_may_be_given_as_it_is():
    """A text is one value, not several letters."""
    assert F.choice("size", "small").as_declaration() == F.choice("size", ("small",)).as_declaration()


CONDITION = 'expected one such as `F.open_for >= "4 hours"`'


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Rule(key="r", when=True, to="l2"), f"when: not a condition `True`, {CONDITION}"),
        (lambda: Rule(key="r", when="open_for", to="l2"), f"when: not a condition `open_for`, {CONDITION}"),
        (lambda: Target.update("1 hour", when=5), f"when: not a condition `5`, {CONDITION}"),
        (
            lambda: Rule(key="r", when={"type": "atm"}, to="l2"),
            "when: unknown type `atm`, expected one of `all`, `any`",
        ),
        (
            lambda: Rule(key="r", when=WHEN, then="notify"),
            'then: not an action `notify`, expected one such as `A.Notify("manager")`',
        ),
        (lambda: Target.update(5), "within: not a span of time `5`, expected a span such as `4 business hours`"),
        (lambda: OFFICE.add(when("mon 09:00"), 5), "not a span of time `5`, expected a span such as"),
        (lambda: EscalationLevel(key="x", min_stay=5), "min_stay: not a span of time `5`"),
        (lambda: EscalationLevel(key="x", owner=5), "owner: not a name `5`, expected a text or a `Pick`"),
        (lambda: A.Ask(role=None, item="x"), "role: not a name `None`, expected a text or a `Pick`"),
        (
            lambda: Pick(by="x", values={"a": 5}),
            "values.a: not a choice `5`, expected a name, a span of time, or names",
        ),
        (
            lambda: EscalationLevel(key="x", if_nobody="hld"),
            "if_nobody: not valid: `hld`, expected 'proceed', 'hold' or 'skip'",
        ),
        (lambda: EscalationLevel(key="x", if_nobody="hld"), "did you mean `hold`"),
        (lambda: EscalationLevel(key="x", external="maybe"), "external: not valid: `maybe`, expected true or false"),
        (lambda: EscalationLevel(key="x", work=5), "work: not valid: `5`, expected a `Checklist`"),
        (lambda: desk(levels=levels(l1={"work": "hi"})), "levels[l1].work: unknown checklist `hi`"),
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
    found = refusal(make)
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
    assert "condition nested too deeply" in refusal(deep_condition)
    assert "when: condition nested too deeply, expected at most 50 deep" in refusal(lambda: Rule.model_validate(rule))
    text = '{"name": "r", "to": "l2", "when": ' + '{"type": "not", "of": ' * 3_000 + "{}" + "}" * 3_001
    assert "recursion limit exceeded" in refusal(lambda: Rule.model_validate_json(text))


def test_a_condition_whose_parts_are_shared_is_refused_before_it_is_unfolded():
    """A few lines of YAML with anchors can stand for more comparisons than there is room for."""
    shared: dict[str, object] = {"type": "all", "of": []}
    for _ in range(40):
        shared = {"type": "all", "of": [shared, shared]}
    rule = {"name": "r", "to": "l2", "when": shared}
    assert "condition too wide" in refusal(lambda: Rule.model_validate(rule))


def test_a_condition_that_is_put_together_too_wide_is_refused():
    """Also when it was never data."""
    parts = (F.acknowledged.as_condition(),) * 1_001
    assert "condition too wide `1001`, expected at most 1000 comparisons" in refusal(lambda: AllOf(of=parts))


def test_a_condition_that_is_too_wide_is_refused():
    """A stranger's policy cannot be arbitrarily wide either."""
    atom = json.loads((F.replies >= 2).model_dump_json())
    data = {"name": "r", "to": "l2", "when": {"type": "all", "of": [atom] * 1_001}}
    assert "condition too wide `1001`, expected at most 1000 comparisons" in refusal(lambda: Rule.model_validate(data))


def test_errors_carry_their_fields():
    """The text is made from the fields, and the classes are the built-in ones that one would expect."""
    with pytest.raises(ValueError, match="unknown level") as caught:
        desk(Rule(key="r", when=WHEN, to="l22"))
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
