"""The vectorised engine and the engine for one case give the same frames, to the last value."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation_rules import Case, Checklist, EscalationLevel, Item, Pick, Policy, Rule, Target, Track
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import EscalationRulesError
from escalation_rules.presets import (
    complaint_ladder,
    escalation_utility,
    magic_square,
    regional_escalation,
    support_request,
    vendor_chain,
)
from escalation_rules.program import program_of
from escalation_rules.simulation.batches import one_by_one
from escalation_rules.simulation.columns.atoms import Unsupported
from escalation_rules.simulation.columns.compile import Plan
from escalation_rules.simulation.histories import Histories
from escalation_rules.testing.strategies import cases as cases_of
from escalation_rules.worktime._timeline import microseconds_of
from tests.bench import when
from tests.generator import CALENDARS, GAPS, ITEMS, OWN_FACTS, PRIORITIES, SPANS, TRACKS, cases, instants, policies
from tests.units.simulation.frame_checks import assert_same, assert_vectorised


def held(policy: Policy, **changes) -> bool:
    """Whether columns can hold a policy, changed like this."""
    try:
        Plan(program_of(policy.model_copy(update=changes)))
    except (Unsupported, EscalationRulesError):
        return False
    return True


def held_part(policy: Policy) -> Policy:
    """What columns can hold of a random policy: its tracks and levels but for a few things, and some of the rest."""
    bare = policy.model_copy(
        update={"tracks": (), "levels": (), "rules": (), "targets": (), "rotas": {}, "rules_unless": None}
    )
    tracks = tuple(
        track.model_copy(update={"levels": tuple(held_level(bare, level, track.calendar) for level in track.levels)})
        for track in policy.tracks
    )
    if any(item.valid_for for track in tracks for level in track.levels if level.entry for item in level.entry.items):
        bare = bare.model_copy(update={"calendar": bare.calendar if isinstance(bare.calendar, str) else "office"})
    found = bare.model_copy(update={"tracks": tracks})
    for level in policy.all_levels:
        for target in level.targets:
            found = grown(found, tracks=tuple(with_target(track, level.key, target) for track in found.tracks))
    for target in policy.targets:
        found = grown(found, targets=(*found.targets, target))
    for rule in policy.rules:
        found = grown(found, rules=(*found.rules, rule))
    return grown(found, rules_unless=policy.rules_unless)


def grown(policy: Policy, **changes) -> Policy:
    """A policy with more, if columns can still hold it."""
    return policy.model_copy(update=changes) if held(policy, **changes) else policy


def with_target(track: Track, key: str, target: Target) -> Track:
    """A track whose level with a key has one more target."""
    levels = (
        level.model_copy(update={"targets": (*level.targets, target)}) if level.key == key else level
        for level in track.levels
    )
    return track.model_copy(update={"levels": tuple(levels)})


def held_level(bare: Policy, level: EscalationLevel, calendar) -> EscalationLevel:
    """What columns can hold of a level, its targets apart."""
    for changes in ({"targets": ()}, {"alternates": ()}, {"entry": None}, {"escalate_after": None}, {"on_entry": ()}):
        fits = not level.targets and held(bare, tracks=(Track(key="t", levels=(level,), calendar=calendar),))
        level = level.model_copy(update={} if fits else changes)
    return level


@st.composite
def timed(draw, keys):
    """A comparison that time changes: of a duration, a share or an outcome."""
    facts = [F.open_for, F.unanswered_for, F.unassigned_for, F.no_update_for, F.at_level_for]
    kind = draw(st.sampled_from(("duration", "used", "outcome"))) if keys else "duration"
    if kind == "used":
        return F.used(draw(st.sampled_from(keys))) >= draw(st.sampled_from(("0", "1/3", "1/2", "1", "3/2")))
    if kind == "outcome":
        outcome = draw(st.sampled_from(("pending", "met", "breached", "void", "not_started")))
        return F.outcome(draw(st.sampled_from(keys))) == outcome
    fact, span = draw(st.sampled_from(facts)), draw(SPANS)
    return fact >= span if draw(st.integers(0, 3)) else fact < span


@st.composite
def plain_targets(draw):
    """Targets with spans by priority, and a calendar by priority."""
    made = (Target.resolution, Target.first_response, Target.next_response, Target.update, Target.post_mortem)
    found = []
    for make in draw(st.lists(st.sampled_from(made), max_size=3, unique=True)):
        within = Pick(by="priority", values={"low": draw(SPANS), "high": None}, otherwise=draw(SPANS))
        calendar = draw(
            st.sampled_from((None, "night", Pick(by="priority", values={"low": "office"}, otherwise="always")))
        )
        pauses = draw(st.sampled_from(((), ("customer",), ("customer", "vendor"))))
        found.append(make(draw(st.sampled_from((within, draw(SPANS)))), calendar=calendar, pause_on=pauses))
    return found


@st.composite
def logs(draw):
    """A policy that columns can hold, cases that they can hold, and an instant."""
    policy = held_part(draw(policies()))
    known = {target.key for target in policy.targets}
    targets = (*policy.targets, *(one for one in draw(plain_targets()) if one.key not in known))
    keys = tuple(
        sorted({target.key for level in policy.all_levels for target in level.targets} | {one.key for one in targets})
    )
    whens = draw(st.lists(timed(keys) | st.builds(lambda a, b: a & b, timed(keys), timed(keys)), max_size=4))
    goals = ("next", *(level.key for level in policy.all_levels))
    tracks = [track.key for track in policy.all_tracks]
    more = [
        Rule(key=f"z{n}", when=when, to=to, track=draw(st.sampled_from(tracks)) if to == "next" else None)
        for n, (when, to) in enumerate((when, draw(st.sampled_from(goals))) for when in whens)
    ]
    policy = policy.model_copy(update={"targets": targets})
    for rule in more:
        policy = grown(policy, rules=(*policy.rules, rule))
    plan = Plan(program_of(policy))
    found = []
    for number in range(draw(st.integers(1, 3))):
        case = draw(cases(policy, most=14))
        history = [event for event in case.history if plan.reason_against(event) is None]
        if isinstance(history[0], E.Opened):
            found.append(Case(f"C-{number}", history))
    last = max((case.history[-1].at for case in found), default=when("mon 09:00"))
    return policy, found, last + draw(GAPS) * draw(st.sampled_from((1, 1, -1)))


@settings(max_examples=3 * settings.default.max_examples // 4)
@given(logs())
def test_columns_and_case_by_case_are_equal(log):
    """The headline law: over random policies and histories, every frame, to the last value."""
    assert_vectorised(*log)


@st.composite
def checklists(draw):
    """Items with answers that argue against the move, want evidence, expire, or are given by replies."""
    keys = draw(st.lists(st.sampled_from(ITEMS), min_size=1, unique=True))
    return Checklist.of(
        *(
            Item(
                key,
                answers=("yes", "no", "perhaps"),
                blocked_by=draw(st.sampled_from((("no",), ("no", "perhaps"), ()))),
                valid_for=draw(st.sampled_from((None, None, "1 hour", "2 business hours", "1 business day"))),
                needs_evidence=draw(st.integers(0, 4)) == 0,
                answered_by=(E.COUNTING_REPLY,) if draw(st.integers(0, 4)) == 0 else (),
            )
            for key in keys
        )
    )


ASKING = st.sampled_from(
    (
        *(F.escalation_request_open.as_condition(), F.flag("down").as_condition(), F.level_failed.as_condition()),
        *(F.open_for >= "1 hour", F.open_for >= "0 hours", F.replies >= 1, F.happened(E.ANY_REQUEST)),
        *(F.priority >= "high", F.overdue_for("custom") >= "1 hour", F.remaining("custom") < "2 business hours"),
        *(F.at_level_for >= "4 hours", F.level >= "f2", F.level < "f3", F.moves("t0") >= 1, F.used("custom") >= "1/2"),
    )
)
"""Conditions that soon hold, and some that hold of where the case stands."""
ALLOWED = st.sampled_from(
    (
        "8 business hours",
        "1 business day, same time",
        Pick(by="priority", values={"high": "1 hour"}, otherwise="8 business hours"),
    )
)


@st.composite
def asking_level(draw, key, *, first):
    """A level that may have a checklist, or is external."""
    outside = key in {"f4", "h3"} and draw(st.integers(0, 3)) == 0
    owner = draw(st.sampled_from(("ana", Pick(by="size", values={"small": "bo"}, otherwise="cy"))))
    return EscalationLevel(
        key=key,
        owner=None if outside else owner,
        entry=draw(checklists()) if not first and draw(st.booleans()) else None,
        on_entry=(A.Assign("bo"),) if draw(st.booleans()) else (),
        external=outside,
    )


@st.composite
def asking_logs(draw):
    """Policies with checklists on one track or two, whose rules ask for much, and cases that answer much."""
    tracks = tuple(
        Track(
            key=f"t{number}",
            levels=tuple(draw(asking_level(key, first=not rung + number)) for rung, key in enumerate(keys)),
        )
        for number, keys in enumerate(TRACKS[: draw(st.integers(1, 2))])
    )
    goals = [level.key for track in tracks for level in track.levels]
    rules = [
        Rule(
            key=f"r{number}",
            when=draw(ASKING | st.builds(lambda a, b: a & b, ASKING, ASKING)),
            **draw(
                st.sampled_from((*({"to": key} for key in goals), *({"to": "next", "track": t.key} for t in tracks)))
            ),
            at_level=tuple(draw(st.lists(st.sampled_from(goals), max_size=2, unique=True)))
            if draw(st.booleans())
            else (),
            checklist=draw(st.sampled_from(("required",) * 4 + ("waived",))),
            then=draw(st.sampled_from(((), (), A.RaisePriority("next"), A.RaisePriority("high")))),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    policy = Policy(
        name="asking",
        version="1",
        tracks=tracks,
        targets=(Target(key="custom", within=draw(ALLOWED), stop_on=E.Reviewed.like(), recurring=True),),
        calendars=CALENDARS,
        calendar="office",
        priorities=PRIORITIES,
        facts=OWN_FACTS,
        effective_from=draw(instants()) if draw(st.integers(0, 4)) == 0 else None,
    )
    for rule in rules:
        policy = grown(policy, rules=(*policy.rules, rule))
    found = [draw(answered(policy, number)) for number in range(draw(st.integers(1, 2)))]
    last = max(case.history[-1].at for case in found)
    return policy, found, last + draw(GAPS) * draw(st.sampled_from((1, 1, -1)))


@st.composite
def answered(draw, policy, number):
    """A case in which items are answered between what asks for moves."""
    plan = Plan(program_of(policy))
    case = draw(cases(policy, most=6))
    keys = [level.key for level in policy.all_levels]
    found = [event for event in case.history if plan.reason_against(event) is None]
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.sampled_from([event.at for event in found])) + draw(GAPS)
        item = draw(st.sampled_from(ITEMS))
        answer, seen = (
            draw(st.sampled_from(("yes", "yes", "no", "perhaps", "odd"))),
            draw(st.sampled_from((None, "seen"))),
        )
        made = st.sampled_from(
            (
                *(E.ItemAnswered(at=at, item=item, answer=answer, evidence=seen),) * 4,
                E.AnswerWithdrawn(at=at, item=item),
                E.ChecklistOverridden(at=at, level=draw(st.sampled_from(keys)), reason="a good one"),
                E.EscalationRequested(at=at),
                E.FactChanged(at=at, name="down", value=draw(st.booleans())),
                E.Escalated(at=at, to=draw(st.sampled_from(keys))),
                E.DeEscalated(at=at, track=draw(st.sampled_from([track.key for track in policy.all_tracks]))),
            )
        )
        found.append(draw(made))
    return Case(f"C-{number}", sorted(found, key=lambda event: event.at))


@settings(max_examples=3 * settings.default.max_examples // 4)
@given(asking_logs())
def test_what_checklists_hold_back_is_the_same_both_ways(log):
    """Rules 23 and 24: on every track, the moves, what became of their checklists, and what was held back till when."""
    assert_vectorised(*log)


PRESETS = {
    "complaint_ladder": complaint_ladder(),
    "escalation_utility": escalation_utility(),
    "magic_square": magic_square(),
    "regional_escalation": regional_escalation(),
    "support_request": support_request(),
    "vendor_chain": vendor_chain(),
}


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=settings.default.max_examples // 4)
@given(data=st.data())
def test_presets_go_by_columns(name, data):
    """Whatever happens in a case, but for what is agreed late and what is told by key."""
    policy = PRESETS[name]
    plan, case = Plan(program_of(policy)), data.draw(cases_of(policy))
    case = Case(case.id, [event for event in case.history if plan.reason_against(event) is None])
    assert_vectorised(policy, [case], case.history[-1].at + data.draw(GAPS))


@settings(max_examples=settings.default.max_examples // 4)
@given(logs())
def test_a_log_is_folded_as_its_cases_are(log):
    """Case by case, events as they lie in columns and events of cases are the same to the engine."""
    policy, found, until = log
    last = microseconds_of(until)
    begun = [case for case in found if case.history[0].instant <= last and not any(case.keys_until(last))]
    assert_same(one_by_one(policy, begun, last), one_by_one(policy, Histories.of(begun), last))
