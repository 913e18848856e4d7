"""Random policies, for those who test what works with any: a host, an adapter, this library itself."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from escalation_rules import facts as F
from escalation_rules.actions import Flag, SetPriority
from escalation_rules.checklists import Checklist
from escalation_rules.levels import EscalationLevel
from escalation_rules.policy import Policy
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.testing.strategies import calendars
from escalation_rules.worktime import Span

__all__ = ["policies"]

LEVELS = ("first", "second", "third", "fourth")
PRIORITIES = ("low", "normal", "high")
SPANS = st.sampled_from(("1 hour", "4 business hours", "8 business hours", "1 business day", "2 days")).map(Span.parse)
ENTRY = Checklist.of(impact="Is the business impact described?", problem="Is the problem statement correct?")


def policies() -> st.SearchStrategy[Policy]:
    """Policies of one track: two to four levels, up to five rules, up to three targets, in some calendar.

    Examples shrink towards two levels, no rules and no targets.
    """
    return st.builds(
        _policy,
        calendar=calendars(),
        levels=st.integers(2, len(LEVELS)).flatmap(lambda size: st.tuples(*map(_level, LEVELS[:size]))),
        rules=st.lists(_rules(), max_size=5),
        targets=st.lists(_targets(), max_size=3, unique_by=lambda target: target.key),
    )


def _policy(calendar: Any, levels: tuple[EscalationLevel, ...], rules: list[Rule], targets: list[Target]) -> Policy:
    keys = [level.key for level in levels]
    kept = [rule for rule in rules if rule.to in {None, NEXT, *keys}]
    return Policy(
        name="random",
        version="1",
        calendars={"usual": calendar},
        calendar="usual",
        priorities=PRIORITIES,
        facts=(F.flag("production_down"), F.count("seats", 0, 1_000)),
        levels=levels,
        rules=tuple(rule.model_copy(update={"name": f"rule {number}"}) for number, rule in enumerate(kept)),
        targets=(Target.resolution("5 business days"), *targets),
    )


def _level(key: str) -> st.SearchStrategy[EscalationLevel]:
    return st.builds(
        EscalationLevel,
        key=st.just(key),
        owner=st.just(f"{key} line"),
        entry=st.sampled_from((None, None, ENTRY)),
        cooldown=st.none() | SPANS,
        escalate_after=st.none() | st.none() | SPANS,
    )


def _rules() -> st.SearchStrategy[Rule]:
    moves = st.builds(Rule, name=st.just("rule"), when=_conditions(), to=st.sampled_from((*LEVELS, NEXT)))
    asks = st.sampled_from((Flag(text="look"), SetPriority(to="high"), SetPriority(to=NEXT)))
    return moves | st.builds(Rule, name=st.just("rule"), when=_conditions(), then=asks)


def _conditions() -> st.SearchStrategy[Any]:
    lasting = st.sampled_from((F.open_for, F.unanswered_for, F.at_level_for, F.since_update))
    atoms = (
        st.builds(lambda fact, span: fact >= span, lasting, SPANS)
        | st.sampled_from(PRIORITIES).map(lambda priority: F.priority >= priority)
        | st.integers(0, 2).map(lambda number: F.escalations >= number)
        | st.sampled_from((F.level_failed, F.escalation_requested, F.flag("production_down"))).map(F.Fact.as_condition)
        | st.sampled_from(
            (F.deadline("resolution") == "breached", F.used("resolution") >= "75%", F.count("seats") > 100)
        )
    )
    return st.recursive(
        atoms,
        lambda inner: (
            st.builds(lambda a, b: a & b, inner, inner)
            | st.builds(lambda a, b: a | b, inner, inner)
            | inner.map(lambda one: ~one)
        ),
        max_leaves=3,
    )


def _targets() -> st.SearchStrategy[Target]:
    made = st.sampled_from((Target.first_response, Target.next_response, Target.update))
    return st.builds(lambda make, span: make(span), made, SPANS)
