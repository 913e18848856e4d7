"""VC7: the published processes are tested. Every promise is held against random runs of every preset."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation_rules import Case, Item, Policy, decide, presets, settle
from escalation_rules import events as E
from escalation_rules.conditions import atoms
from escalation_rules.decision import levels_of
from escalation_rules.engine import machine_of
from escalation_rules.engine.fold import all_clocks, fold, snapshot, wake
from escalation_rules.testing import INVARIANTS, hold, runs
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import when
from tests.oracle.fold import Fold

PROCESSES = (
    "complaint_ladder",
    "escalation_utility",
    "magic_square",
    "regional_escalation",
    "support_request",
    "vendor_chain",
)
some = settings(max_examples=settings.default.max_examples // 4, deadline=None)


@pytest.mark.parametrize("name", PROCESSES)
def test_VC7_every_preset_keeps_every_promise(name):
    """All that a policy promises, on the same runs; `policy_suite` tries each promise by itself."""
    policy = getattr(presets, name)()
    promises = [one for one in INVARIANTS if not one.lacks(policy)]

    @some
    @given(runs(policy))
    def every_run(run):
        for promise in promises:
            hold(promise, run)

    every_run()


def test_every_preset_is_tried():
    """None is forgotten."""
    made = {name for name in presets.__all__ if callable(getattr(presets, name)) and not name.isupper()}
    assert made == set(PROCESSES)


NAMES = sorted(presets.__all__)


def preset(name: str) -> Policy:
    return getattr(presets, name)()


def vocabulary(policy: Policy) -> dict[str, list[str | None]]:
    """The words in which things happen under a policy: those of its rules, and a few of no one's."""
    patterns = [one for rule in policy.all_rules for atom in atoms(rule.when) for one in atom.pattern]
    patterns += [one for target in policy.all_targets for one in (*target.stop_on, *_started_by(target))]
    words: dict[str, set[str | None]] = {}
    for pattern in patterns:
        for field, test in pattern.where.items():
            words.setdefault(field, set()).update(one for one in test.values if isinstance(one, str))
    return {field: [None, "other", *sorted(held - {None})] for field, held in words.items()}


def items_of(policy: Policy) -> list[Item]:
    """Every question of every checklist of a policy."""
    lists = [one for level in policy.all_levels for one in (level.entry, level.work, level.de_escalation) if one]
    return [item for checklist in lists for item in checklist.items]


def _started_by(target):
    return target.start_on if isinstance(target.start_on, tuple) else ()


@st.composite
def events(draw, policy: Policy, moment):
    """Something that may happen under a policy."""
    words = vocabulary(policy)

    def word(field: str):
        return draw(st.sampled_from(words.get(field, [None, "other"])))

    kind = draw(st.sampled_from(KINDS))
    levels = [level.key for level in policy.all_levels]
    if kind is E.EscalationRequested:
        wants = draw(st.sampled_from(("attention", "expertise", "priority")))
        more = {
            "channel": word("channel"),
            "to": word("to"),
            "person": draw(st.sampled_from((None, "joe"))),
            "wants": wants,
        }
    elif kind is E.CustomerReplied:
        more = {"asks_to_escalate": draw(st.booleans()), "asks_for_status": draw(st.booleans())}
    elif kind is E.LevelFailed:
        more = {"level": draw(st.sampled_from(levels))}
    elif kind is E.FactChanged:
        fact = draw(st.sampled_from(policy.facts)) if policy.facts else None
        values = fact.values or (True, False) if fact else (1,)
        more = {"name": fact.name if fact else "other", "value": draw(st.sampled_from(values))}
    elif kind is E.ItemAnswered:
        item = draw(st.sampled_from([*items_of(policy), Item("other")]))
        more = {"item": item.key, "answer": draw(st.sampled_from(item.answers or ("1 June",))), "evidence": "seen"}
    elif kind is E.CallHeld:
        more = {"kind": word("kind") or "other", "participants": ("customer",)}
    elif kind is E.Reviewed:
        more = {"what": word("what") or "status"}
    elif kind is E.UpdateSent:
        more = {"audience": draw(st.sampled_from(("customer", "internal")))}
    elif kind is E.ProgressReported:
        more = {"state": word("state") or "on track"}
    elif kind is E.PlanRevised:
        item = E.PlanItem("mend", owner="ann", due_at=moment + timedelta(hours=draw(st.sampled_from((1, 4, 24)))))
        more = {
            "plan": E.ActionPlan(items=(item,), shared=draw(st.booleans()), backup=draw(st.sampled_from((None, "b"))))
        }
    elif kind is E.CommunicationAgreed:
        more = {"plan": E.CommunicationPlan(every=draw(st.sampled_from(("4 business hours", "1 day"))))}
    elif kind is E.PriorityChanged:
        more = {"to": draw(st.sampled_from(policy.priorities))} if policy.priorities else {"to": "high"}
    elif kind is E.DeEscalated:
        more = {"to": draw(st.sampled_from(levels))}
    elif kind is E.ChecklistOverridden:
        more = {"level": draw(st.sampled_from(levels)), "reason": "tonight"}
    elif kind is E.PostMortemHeld:
        more = {"service_issue": draw(st.sampled_from((None, True, False)))}
    else:
        more = {}
    return kind(at=moment, **more)


KINDS = [
    *[E.EscalationRequested, E.LevelFailed] * 6,
    *[E.ItemAnswered] * 8,
    *[E.FactChanged, E.CustomerReplied, E.SupportReplied, E.ProgressReported] * 2,
    *[E.EscalationRequestAnswered, E.EscalationRequestReceived, E.CallHeld, E.Reviewed, E.UpdateSent, E.PlanRevised],
    *[E.CommunicationAgreed, E.PriorityChanged, E.DeEscalated, E.ChecklistOverridden, E.WaitStarted, E.WaitEnded],
    *[E.Resolved, E.Reopened, E.PostMortemHeld],
]
GAPS = st.sampled_from([timedelta(hours=hours) for hours in (0, 0, 0.5, 1, 2, 4, 8, 16, 24, 72)])


@st.composite
def situations(draw):
    """A preset, a case under it over a weekend and a bank holiday, and an instant to ask at."""
    policy = preset(draw(st.sampled_from(NAMES)))
    moment = when("05-21 08:00") + timedelta(hours=draw(st.integers(0, 96)))
    case = Case.open("C", at=moment, priority=draw(st.sampled_from((None, *policy.priorities[-1:]))))
    for _ in range(draw(st.integers(2, 20))):
        moment += draw(GAPS)
        case = case.record(draw(events(policy, moment)))
    return policy, case, moment + draw(GAPS)


@given(situations())
def test_VC7_every_history_reads_the_same_to_engine_and_reference(situation):
    """Whatever happens under a preset, in its own words: same outcome, same clocks, same next instant of change."""
    policy, case, moment = situation
    now = microseconds_of(moment)
    slow = Fold(policy, case, now)
    expected = slow.run()
    state = fold(machine_of(policy), case, now)
    found = snapshot(state)
    assert found._asdict() == expected._asdict()
    assert sorted(all_clocks(state), key=repr) == sorted(map(slow.found_clock, slow.clocks), key=repr)
    assert wake(state, found) == slow.wake_at(expected)


@given(situations())
def test_VC7_every_history_settles_and_explains_itself(situation):
    """Once everything asked is recorded nothing is asked again, and every decision can be told."""
    policy, case, moment = situation
    settled = settle(policy, case, at=moment, by="desk")
    again = decide(policy, settled.case, at=moment)
    assert (again.moves, again.actions) == ((), ())
    assert case.id in again.explain()
    assert levels_of(again) == levels_of(decide(policy, case, at=moment))
