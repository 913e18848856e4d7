"""Promises about decisions, figures of a case and the policy as a whole."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from importlib.util import find_spec

from escalation_rules import events as E
from escalation_rules.analysis import check
from escalation_rules.case import Case
from escalation_rules.decision import Decision
from escalation_rules.engine import decide, settle
from escalation_rules.policy import Policy
from escalation_rules.testing.invariants import invariant
from escalation_rules.testing.runs import MICROSECOND, Run, Step

LIVE = frozenset({"open", "waiting"})
WAKES = 100
"""After so many wake-ups nobody believes that it ends."""


def no_rules(policy: Policy) -> str | None:
    """What a policy without rules lacks."""
    return None if policy.all_rules else "the policy has no rules"


@invariant("the same policy, case and instant give the same answer, for ever")
def pure(run: Run) -> None:
    """Nothing hidden takes part: copies of the policy and the case, made from their text, are answered the same."""
    policy, case = _copied(run.policy), Case.model_validate_json(run.case.model_dump_json())
    for step in run.steps:
        assert decide(policy, case, at=step.at).answer == step.decision.answer


@lru_cache(maxsize=8)
def _copied(policy: Policy) -> Policy:
    return Policy.model_validate_json(policy.model_dump_json())


@invariant("what has not happened yet plays no part")
def blind_to_the_future(run: Run) -> bool | None:
    """A decision is the same whether or not the case goes on afterwards."""
    if run.steps[-1].at == run.steps[0].at:
        return False
    for step in run.steps:
        assert decide(run.policy, run.case, at=step.at).answer == step.decision.answer
    return None


@invariant("it does not matter in which order news arrives, only when it happened")
def arrival_order_is_irrelevant(run: Run) -> bool | None:
    """Events that are recorded late take their place by their instant."""
    first, *rest = run.case.history
    apart = [event for event in rest if [one.at for one in run.case.history].count(event.at) == 1]
    if len(apart) < 2:
        return False
    prompt = Case(run.case.id, (first,)).record(*apart)
    backwards = Case(run.case.id, (first,))
    for event in reversed(apart):
        backwards = backwards.record(event)
    assert backwards == prompt
    return None


@invariant("what is recorded twice counts once", lacks=no_rules)
def same_id_once(run: Run) -> bool | None:
    """Recording what was accepted a second time changes nothing."""
    met = False
    for step in run.steps:
        events = step.decision.accept(at=step.at)
        once = step.case.record(*events)
        assert once.record(*events) == once
        met = met or bool(events)
    return None if met else False


@invariant("policies, cases and decisions survive being stored")
def json_round_trip(run: Run) -> None:
    """Written as JSON and read back, each is what it was."""
    assert Policy.model_validate_json(run.policy.model_dump_json()) == run.policy
    assert Case.model_validate_json(run.case.model_dump_json()) == run.case
    for step in run.steps[-2:]:
        assert Decision.model_validate_json(step.decision.model_dump_json()) == step.decision


@invariant("once everything asked is done, nothing more is asked")
def settles(run: Run) -> None:
    """A host that does what it is told gets to the end of it."""
    for step in run.steps:
        settled = settle(run.policy, step.case, at=step.at)
        assert (settled.decision.moves, settled.decision.actions) == ((), ())


@invariant("nothing is asked for twice", lacks=no_rules)
def no_key_twice(run: Run) -> bool | None:
    """Every move and action has a key of its own, and what was done under a key is not asked for again."""
    done: set[str] = set()
    case, met = Case(run.case.id, run.case.history[:1]), False
    for step in run.steps:
        case = case.record(*(event for event in step.events if event not in case.history))
        decision = decide(run.policy, case, at=step.at)
        keys = _keys(decision)
        for asked in (keys, _keys(step.decision)):
            assert len(asked) == len(set(asked)), "one key for two things"
        assert not done & set(keys), "asked for again"
        settled = settle(run.policy, case, at=step.at)
        fresh = [str(event.id) for event in settled.events]
        assert len(fresh) == len(set(fresh)), "one key for two things"
        assert not done & set(fresh), "asked for again"
        done |= set(fresh)
        case, met = settled.case, met or bool(keys)
    return None if met else False


def _keys(decision: Decision) -> list[str]:
    return [*(one.key for one in decision.moves), *(one.key for one in decision.actions)]


@invariant("a host that was down gets what a prompt one would have got", lacks=no_rules)
def late_equals_prompt(run: Run) -> bool | None:
    """Doing everything at its instant, or all of it at the end, leads to the same answer."""
    step = run.steps[-1]
    if any(isinstance(event, E.Reconciled) for event in run.case.history):
        return False
    late = settle(run.policy, step.case, at=step.at)
    if late.decision.status not in LIVE or not late.events:
        return False
    prompt = _by_a_prompt_host(run.policy, step.case, step.at)
    assert decide(run.policy, prompt, at=step.at).answer == late.decision.answer
    return None


def _by_a_prompt_host(policy: Policy, case: Case, at: datetime) -> Case:
    """The history when the host does what it is told at every event and every wake-up."""
    events = list(case.history)
    now, known = events[0].at, Case(case.id, events[:1])
    for _ in range(WAKES):
        known = known.record(*(event for event in events[1:] if event.at == now))
        settled = settle(policy, known, at=now)
        known, ahead = settled.case, [event.at for event in events if event.at > now]
        ahead += [settled.decision.wake_at] if settled.decision.wake_at else []
        now = min(ahead, default=at + MICROSECOND)
        if now > at:
            break
    return settle(policy, known, at=at).case


@invariant("the next wake-up is exact: until then the answer stays, and then it changes")
def wake_at_exact(run: Run) -> bool | None:
    """Half way to the wake-up and a microsecond before it nothing has changed; at it something has."""
    met = False
    for step in run.steps:
        wake = step.decision.wake_at
        for instant in _before(step, wake):
            assert decide(run.policy, step.case, at=instant).answer == step.decision.answer, f"changed before {wake}"
        if wake is not None:
            assert wake > step.at
            assert decide(run.policy, step.case, at=wake).answer != step.decision.answer, f"the same at {wake}"
            met = True
    return None if met else False


def _before(step: Step, wake: datetime | None) -> set[datetime]:
    if wake is None:
        return {step.at + timedelta(days=days) for days in (1, 10, 400)}
    return {step.at + (wake - step.at) / 2, wake - MICROSECOND} - {step.at}


def _rotas(policy: Policy) -> str | None:
    return "shifts hand over for ever" if policy.rotas else None


@invariant("a case that nobody touches comes to rest", lacks=_rotas)
def wakes_end(run: Run) -> None:
    """Wake-ups do not go on for ever."""
    step = run.steps[-1]
    case, at = step.case, step.at
    for _ in range(WAKES):
        settled = settle(run.policy, case, at=at)
        if settled.decision.wake_at is None:
            return
        case, at = settled.case, settled.decision.wake_at
    raise AssertionError(f"still waking after {WAKES} times")


@invariant("every answer explains itself", lacks=no_rules)
def explains_itself(run: Run) -> bool | None:
    """The explanation names every move, every rule behind it, whatever is missing and every clock."""
    met = False
    for step in run.steps:
        told = step.decision.explain()
        moves = [*step.decision.moves, *(one.move for one in step.decision.blocked)]
        named = [move.to for move in moves] + [rule for move in moves for rule in move.rules]
        named += [item.key for one in step.decision.blocked for item in one.missing]
        named += [deadline.target for deadline in step.decision.deadlines]
        for name in named:
            assert f"`{name}`" in told, f"`{name}` is not explained"
        met = met or bool(moves)
    return None if met else False


DECISIONS = (
    pure,
    blind_to_the_future,
    arrival_order_is_irrelevant,
    same_id_once,
    json_round_trip,
    settles,
    no_key_twice,
    late_equals_prompt,
    wake_at_exact,
    wakes_end,
    explains_itself,
)


@invariant("figures for life only rise")
def figures_only_rise(run: Run) -> bool | None:
    """How often management was asked for, how often the case came back and how often it moved up.

    They do not fall when a request is answered either, nor when the case is resolved and comes back.
    """
    if len(run.steps) < 2:
        return False
    before = (0, 0, 0)
    for step in run.steps:
        now = run.case.escalation_requests(at=step.at), run.case.reopenings(at=step.at), step.fact("moves")
        assert all(later >= earlier for later, earlier in zip(now, before, strict=True)), f"{before}, then {now}"
        later = step.case.record(*(kind(at=step.at) for kind in (E.EscalationRequestAnswered, E.Resolved, E.Reopened)))
        assert later.escalation_requests(at=step.at) >= now[0]
        assert later.reopenings(at=step.at) > now[1]
        before = now
    return None


@invariant("when a case was first resolved is kept")
def first_resolution_is_kept(run: Run) -> bool | None:
    """Reopening and resolving again change the total, not the first."""
    first = None
    for step in run.steps:
        found = run.case.first_resolved_at(at=step.at)
        assert first is None or found == first
        first = first or found
    return None if first is not None else False


@invariant("nothing is found in the policy that its author would hardly want")
def check_is_clean(run: Run) -> None:
    """`analysis.check` has no findings: no dead rule, no level that nobody can reach or leave, no gap."""
    found = _findings(run.policy)
    assert not found, "\n".join(found)


@lru_cache(maxsize=8)
def _findings(policy: Policy) -> tuple[str, ...]:
    return tuple(map(str, check(policy).findings))


def _no_replay(_: Policy) -> str | None:
    missing = [name for name in ("numpy", "narwhals") if find_spec(name) is None]
    return f"replaying needs the extra [simulation]: {', '.join(missing)} not installed" if missing else None


@invariant("a replay of the case says what the decisions say", lacks=_no_replay)
def replay_equals_decide(run: Run) -> bool | None:
    """Every move that was due at some step is in the replay, at the same instant and to the same level."""
    from narwhals import from_native  # noqa: PLC0415 an extra

    from escalation_rules.simulation import replay  # noqa: PLC0415 an extra

    if any(isinstance(event, E.Voided) for event in run.case.history):
        return False
    frame = replay(run.policy, [run.case], until=run.steps[-1].at).frame("moves")
    rows = {row["key"]: (row["due_at"], row["to_level"]) for row in from_native(frame).rows(named=True)}
    for step in run.steps:
        for move in step.decision.moves:
            assert rows.get(move.key) == (move.due_at, move.to), f"the move to `{move.to}` is not in the replay"
    return None


CASES = (check_is_clean, figures_only_rise, first_resolution_is_kept, replay_equals_decide)
