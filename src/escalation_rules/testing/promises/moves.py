"""Promises about moves: who goes where, on what evidence, with what known first, and who is responsible then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.case import Case
from escalation_rules.checklists import Item
from escalation_rules.conditions import AllOf, AnyOf, Atom, Condition, atoms, normal
from escalation_rules.decision import BlockedMove, Move
from escalation_rules.engine import decide
from escalation_rules.levels import EscalationLevel
from escalation_rules.policy import Policy
from escalation_rules.rules import NEXT
from escalation_rules.testing.invariants import invariant
from escalation_rules.testing.runs import Run, Step
from escalation_rules.testing.strategies import Vocabulary, calendar_of
from escalation_rules.worktime import Span

_BY_PEOPLE = (E.DeEscalated, E.Escalated, E.Reconciled, E.Opened)


@invariant("no rule ever lowers a case")
def never_lowers(run: Run) -> bool | None:
    """From one step to the next a level falls only where a person recorded it."""
    met = False
    for before, step in pairwise(run.steps):
        if any(isinstance(event, _BY_PEOPLE) for event in step.events):
            continue
        met = True
        for track in run.policy.all_tracks:
            order = [None, *(level.key for level in track.levels)]
            was, now = (
                order.index(before.decision.positions[track.key].level),
                order.index(step.decision.positions[track.key].level),
            )
            assert was <= now, f"from {order[was]} to {order[now]}"
    return None if met else False


def _no_next(policy: Policy) -> str | None:
    return None if any(rule.to == NEXT for rule in policy.all_rules) else "no rule goes to the next level"


@invariant("one cause climbs one rung", lacks=_no_next)
def one_cause_one_rung(run: Run) -> bool | None:
    """A rule to the next level takes a case no further than there were things that happened."""
    climbing = {rule.key for rule in run.policy.all_rules if rule.to == NEXT}
    met = False
    for step in run.steps:
        moves = [move for move in step.decision.moves if move.rules and climbing.issuperset(move.rules)]
        for move in moves:
            assert _rungs(run.policy, move) == 1, f"{_rungs(run.policy, move)} rungs at once"
        causes = Counter((move.track, reason.rule, reason.since) for move in moves for reason in move.reasons)
        for (_, rule, since), rungs in causes.items():
            happened = sum(event.at == since for event in step.case.history)
            assert rungs <= max(happened, 1), f"`{rule}` climbed {rungs} rungs on what happened at {since}"
        met = met or bool(moves)
    return None if met else False


def _rungs(policy: Policy, move: Move) -> int:
    track = next(track for track in policy.all_tracks if track.key == move.track)
    order = [None, *(level.key for level in track.levels)]
    if policy.level(move.to).external or any(level.if_nobody == "skip" for level in track.levels):
        return 1
    return order.index(move.to) - order.index(move.from_level)


def _one_rule(policy: Policy) -> str | None:
    return None if len(policy.rules) > 1 else "the policy has fewer than two rules"


@invariant("the order in which rules are written means nothing", lacks=_one_rule)
def rule_order_is_irrelevant(run: Run) -> None:
    """The same rules, written backwards, say the same."""
    backwards = _backwards(run.policy)
    for step in run.steps:
        assert decide(backwards, step.case, at=step.at).answer == step.decision.answer


@lru_cache(maxsize=8)
def _backwards(policy: Policy) -> Policy:
    return policy.model_copy(update={"rules": policy.rules[::-1]})


def _no_entry(policy: Policy) -> str | None:
    return None if any(level.entry for level in policy.all_levels) else "no level has an entry checklist"


@invariant("nobody is moved to a level before its questions are answered", lacks=_no_entry)
def entry_checklist_held(run: Run) -> bool | None:
    """Every item of the level's entry checklist had a good answer when the move fell due, unless it was waived."""
    met = False
    for step in run.steps:
        for move in step.decision.moves:
            level = run.policy.level(move.to)
            if level.entry is None or move.due_at is None or _is_lifted(run.policy, step.case, level):
                continue
            met = True
            for item in level.entry.items:
                assert _is_answered(run.policy, step.case, move, item), f"`{item.key}` had no good answer"
    return None if met else False


def _is_lifted(policy: Policy, case: Case, level: EscalationLevel) -> bool:
    waived = any(rule.to in {level.key, NEXT} and rule.checklist == "waived" for rule in policy.all_rules)
    return waived or any(isinstance(one, E.ChecklistOverridden) and one.level == level.key for one in case.history)


def _is_answered(policy: Policy, case: Case, move: Move, item: Item) -> bool:
    """Whether the last answer before the due of a move was good, and had not expired, as can be seen from outside."""
    if item.answered_by or move.due_at is None:
        return True
    known = [one for one in case.history if getattr(one, "item", None) == item.key and one.at <= move.due_at]
    last = known[-1] if known else None
    if not isinstance(last, E.ItemAnswered) or last.answer in item.blocked_by or not item.admits(last.answer):
        return False
    calendar = calendar_of(policy, move.track)
    return (
        not isinstance(item.valid_for, Span) or calendar is None or move.due_at < calendar.add(last.at, item.valid_for)
    )


@invariant("what is missing is exactly what holds a move back", lacks=_no_entry)
def missing_is_exact(run: Run) -> bool | None:
    """Answering all of it releases the move.

    Leaving out any of it does not, nor does an answer that argues against it, nor one that has expired.
    """
    met = False
    for step in run.steps:
        for held in step.decision.blocked:
            answers = _answers(run.policy, held, step.at)
            if not answers or held.until is not None:
                continue
            met = True
            reached = _reached(run.policy, step, held, answers)
            assert reached & _from(run.policy, held.move.to), f"answered, and still held: `{held.move.to}`"
            for number in range(len(answers)):
                partly = _reached(run.policy, step, held, answers[:number] + answers[number + 1 :])
                assert held.move.to not in partly, f"released without `{answers[number].item}`"
            _holds_back(run.policy, step, held)
    return None if met else False


def _answers(policy: Policy, held: BlockedMove, at: datetime) -> list[E.ItemAnswered]:
    """Good answers to everything that holds a move back; none if one cannot be given by an answer."""
    level = policy.level(held.move.to)
    items = {item.key: item for item in level.entry.items} if level.entry else {}
    keys = [*(one.key for one in held.missing), *(one.item for one in held.objections)]
    good = [_good_answer(items[key], at) for key in keys]
    return [] if None in good else [one for one in good if one is not None]


def _holds_back(policy: Policy, step: Step, held: BlockedMove) -> None:
    """Whatever the answers to the others, each item holds the move back by itself."""
    items = getattr(policy.level(held.move.to).entry, "items", ())
    for item in items if not _is_lifted(policy, step.case, policy.level(held.move.to)) else ():
        others = [_good_answer(other, step.at) for other in items if other != item and not other.answered_by]
        if None in others or item.answered_by:
            continue
        for spoilt in _spoilt(policy, step, held, item):
            reached = _reached(policy, step, held, [*(one for one in others if one), spoilt])
            assert held.move.to not in reached, f"released with {spoilt!r}"


def _spoilt(policy: Policy, step: Step, held: BlockedMove, item: Item) -> Iterator[E.Event]:
    """Taken back, argued against, or (where it was never answered before) answered too long ago."""
    yield E.AnswerWithdrawn(at=step.at, item=item.key)
    yield from (E.ItemAnswered(at=step.at, item=item.key, answer=one, evidence="seen") for one in item.blocked_by)
    calendar, before = calendar_of(policy, held.move.track), held.move.due_at
    never = all(getattr(one, "item", None) != item.key for one in step.case.history)
    if isinstance(item.valid_for, Span) and calendar is not None and never and before is None:
        old, good = calendar.subtract(step.at, item.valid_for), _good_answer(item, step.at)
        if good is not None and step.case.opened_at <= old < step.at and calendar.add(old, item.valid_for) <= step.at:
            spoilt = good.model_copy(update={"at": old})
            if not _was_released(policy, step, held, spoilt):
                yield spoilt


def _was_released(policy: Policy, step: Step, held: BlockedMove, answer: E.Event) -> bool:
    """Whether an answer given in the past would have let the move go ahead while it stood."""
    just_before = step.at - timedelta(microseconds=1)
    return bool(_reached(policy, step, held, [answer], just_before) & _from(policy, held.move.to))


def _good_answer(item: Item, at: datetime) -> E.ItemAnswered | None:
    """An answer to an item that holds nothing back, if there is one."""
    answer = next((one for one in item.answers or ("told",) if one not in item.blocked_by), None)
    return None if answer is None else E.ItemAnswered(at=at, item=item.key, answer=answer, evidence="seen")


def _reached(
    policy: Policy, step: Step, held: BlockedMove, answers: Sequence[E.Event], at: datetime | None = None
) -> set[str]:
    """The levels to which moves on the track are due once these answers are given, at the step unless told when."""
    decision = decide(policy, step.case.record(*answers), at=at or step.at)
    return {move.to for move in decision.moves if move.track == held.move.track}


def _from(policy: Policy, key: str) -> set[str]:
    """A level and those above it: what releases it may release a higher one, which then wins."""
    keys = [level.key for level in policy.track_of(key).levels]
    return set(keys[keys.index(key) :])


def _no_exit(policy: Policy) -> str | None:
    return None if any(level.de_escalation for level in policy.all_levels) else "no level has a de-escalation checklist"


@invariant("going down needs the de-escalation checklist", lacks=_no_exit)
def deescalation_needs_exit(run: Run) -> bool | None:
    """While an item of it has never been answered, the way down is not open."""
    met = False
    for step in run.steps:
        for one in step.decision.de_escalation.values():
            items = getattr(run.policy.level(one.level).de_escalation, "items", ())
            given = {event.item for event in step.case.history if isinstance(event, E.ItemAnswered)}
            if open_items := [item.key for item in items if item.key not in given and not item.answered_by]:
                met = True
                assert not one.is_open, f"the way down from `{one.level}` is open without {open_items}"
                assert set(open_items) <= {item.key for item in one.missing}
    return None if met else False


def _no_min_stay(policy: Policy) -> str | None:
    return None if any(level.min_stay for level in policy.all_levels) else "no level has a minimum stay"


@invariant("a minimum stay keeps a case from going down, never from going up", lacks=_no_min_stay)
def min_stay_held(run: Run) -> bool | None:
    """Without minimum stays the same moves are due; with them a case cannot go down before they end."""
    free = _without_min_stays(run.policy)
    met = False
    for step in run.steps:
        assert decide(free, step.case, at=step.at).moves == step.decision.moves
        for one in step.decision.de_escalation.values():
            if one.until is not None:
                met = True
                assert one.until > step.at
                assert not one.is_open
    return None if met else False


@lru_cache(maxsize=8)
def _without_min_stays(policy: Policy) -> Policy:
    def free(levels: tuple[EscalationLevel, ...]) -> tuple[EscalationLevel, ...]:
        return tuple(level.model_copy(update={"min_stay": None}) for level in levels)

    tracks = tuple(track.model_copy(update={"levels": free(track.levels)}) for track in policy.tracks)
    return policy.model_copy(update={"levels": free(policy.levels), "tracks": tracks})


def _no_owner(policy: Policy) -> str | None:
    return None if any(level.owner is not None for level in policy.all_levels) else "no level has an owner"


@invariant("somebody is responsible, or the answer says for whom the case waits", lacks=_no_owner)
def somebody_responsible(run: Run) -> bool | None:
    """Every move to a level with an owner names the role that owns it, and says so when nobody of it is on duty."""
    met = False
    for step in run.steps:
        for move in step.decision.moves:
            if run.policy.level(move.to).owner is not None:
                met = True
                assert move.owner is not None, f"nobody owns the move to `{move.to}`"
                assert move.owner.on_duty or move.owner.because, "nobody on duty, and nobody told why"
                rota = run.policy.rotas.get(move.owner.role)
                there = rota is None or move.due_at is None or rota.on_duty(move.due_at) is not None
                assert move.owner.on_duty == there, f"`{move.owner.role}` was {'' if there else 'not '}on duty"
        for owed in step.decision.worklist:
            owned = owed.level is not None and run.policy.level(owed.level).owner is not None
            assert not owned or owed.role is not None, f"nobody owes `{owed.what}`"
    return None if met else False


@invariant("a void case is silent")
def void_is_silent(run: Run) -> None:
    """Merged, cancelled or spam: no move, no deadline, nothing owed, no wake-up."""
    for step in run.steps:
        decision = decide(run.policy, step.case.record(E.Voided(at=step.at)), at=step.at)
        assert (decision.moves, decision.deadlines, decision.worklist) == ((), (), ())
        assert decision.wake_at is None


@invariant("internal notes and automatic replies change nothing")
def noise_changes_nothing(run: Run) -> bool | None:
    """Neither is an answer to anybody, unless a rule of this policy listens for it."""
    step = run.steps[-1]
    noise = E.SupportReplied(at=step.at, public=False), E.SupportReplied(at=step.at, automatic=True)
    if any(_listens(run.policy, one) for one in noise):
        return False
    assert decide(run.policy, step.case.record(*noise), at=step.at).answer == step.decision.answer
    later = step.at + timedelta(hours=1)
    assert (
        decide(run.policy, step.case.record(*noise), at=later).answer == decide(run.policy, step.case, at=later).answer
    )
    return None


def _listens(policy: Policy, event: E.SupportReplied) -> bool:
    return any(pattern.matches(event) for pattern in Vocabulary(policy).patterns)


def _no_own_facts(policy: Policy) -> str | None:
    own = {fact.name for fact in policy.facts}
    asked = {atom.fact for atom in Vocabulary(policy).atoms}
    return None if own & asked else "no rule asks for a fact of the policy's own"


@invariant("what is not known is not taken for true", lacks=_no_own_facts)
def unknown_is_not_true(run: Run) -> bool | None:
    """A fact that nobody has observed makes no rule hold: neither a comparison with it nor the opposite."""
    told = {name for event in run.case.history if isinstance(event, E.Opened) for name in event.facts}
    told |= {event.name for event in run.case.history if isinstance(event, E.FactChanged) and event.value is not None}
    unknown = frozenset(atom.fact for rule in run.policy.rules for atom in atoms(rule.when)) - told
    unknown &= {fact.name for fact in run.policy.facts if fact.default is None}
    if not unknown:
        return False
    without = _without(run.policy, unknown)
    for step in run.steps:
        found = decide(without, step.case, at=step.at)
        assert [move.key for move in found.moves] == [move.key for move in step.decision.moves]
    return None


@lru_cache(maxsize=64)
def _without(policy: Policy, unknown: frozenset[str]) -> Policy:
    """The policy with every comparison of these facts made one that never holds."""
    rules = (
        rule.model_copy(
            update={
                "when": _false_of(normal(rule.when), unknown),
                "unless": None if rule.unless is None else _false_of(normal(rule.unless), unknown),
            }
        )
        for rule in policy.rules
    )
    return policy.model_copy(update={"rules": tuple(rules)})


_NEVER = F.reopenings >= 1_000_000


def _false_of(condition: Condition, unknown: frozenset[str]) -> Condition:
    """A condition in normal form, with every comparison of an unknown fact made one that never holds."""
    if isinstance(condition, Atom):
        return _NEVER if condition.fact in unknown else condition
    assert isinstance(condition, AllOf | AnyOf)
    return type(condition)(of=tuple(_false_of(part, unknown) for part in condition.of))


MOVES = (
    never_lowers,
    one_cause_one_rung,
    rule_order_is_irrelevant,
    entry_checklist_held,
    missing_is_exact,
    deescalation_needs_exit,
    min_stay_held,
    somebody_responsible,
    void_is_silent,
    noise_changes_nothing,
    unknown_is_not_true,
)
