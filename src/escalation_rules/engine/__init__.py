"""The engine: `decide`, `settle` and `forecast`, each a pure function of a policy, a case and an instant."""

from __future__ import annotations

from datetime import datetime

from escalation_rules._arguments import check_policy_and_case
from escalation_rules._values import Value, read_instant
from escalation_rules.case import Case
from escalation_rules.decision import Deadline, Decision, Move
from escalation_rules.engine.decision import LazyDecision, read
from escalation_rules.engine.fold import check_begun
from escalation_rules.engine.machine import Machine
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.events import Event
from escalation_rules.policy import Policy
from escalation_rules.program import program_of
from escalation_rules.worktime._timeline import microseconds_of

__all__ = ["Settled", "deadlines", "decide", "forecast", "machine_of", "settle"]

_MACHINE = "machine"


def machine_of(policy: Policy) -> Machine:
    """Return the program of a policy prepared for folding; made when it is first needed and kept with the policy."""
    machine: Machine | None = policy.__dict__.get(_MACHINE)
    if machine is None:
        machine = policy.__dict__[_MACHINE] = Machine(program_of(policy))
    return machine


def decide(policy: Policy, case: Case, *, at: datetime) -> Decision:
    """Decide one case under a policy at an instant: moves, actions, missing answers, and deadlines with their owners.

    A pure function: no clock, no randomness, no I/O. Events after `at` are ignored. A move that fell due and was not
    recorded is computed again, dated at its due instant, so a host that calls late gets the same moves as a prompt one.
    Raises `InvalidValue` for a naive datetime, an instant before the opening, or arguments that are no policy and no
    case, and `UnknownName` for a level or priority in the history that the policy does not have.

    >>> from datetime import datetime, timezone
    >>> from escalation_rules import Case, EscalationLevel, Policy, Rule, decide, facts as F
    >>> policy = Policy(
    ...     name="desk", version="1",
    ...     levels=(EscalationLevel(key="first"), EscalationLevel(key="second")),
    ...     rules=(Rule(key="too long", when=F.open_for >= "8 hours", to="second"),),
    ... )
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> case = Case.open("C-1", at=nine)
    >>> decide(policy, case, at=nine).wake_at.hour, decide(policy, case, at=nine.replace(hour=18)).move.to
    (17, 'second')
    """
    check_policy_and_case(policy, case)
    return read(policy, machine_of(policy), case, microseconds_of(read_instant(at)))


def deadlines(policy: Policy, case: Case, *, at: datetime) -> tuple[Deadline, ...]:
    """Return every instance of every target up to an instant, in the order in which they started.

    A decision has only the latest instance of each target; reports need all of them. Raises as `decide` does.
    """
    check_policy_and_case(policy, case)
    return LazyDecision(policy, machine_of(policy), case, microseconds_of(read_instant(at))).all_deadlines()


class Settled(Value):
    """A case with the events that were recorded to settle it, and the decision that asks for nothing more."""

    case: Case
    events: tuple[Event, ...]
    decision: Decision


def settle(policy: Policy, case: Case, *, at: datetime, by: str | None = None) -> Settled:
    """Decide, accept, and decide again until nothing is asked for. Store the events it returns.

    It records every action as done; a host whose actions may fail accepts them one by one instead.
    """
    recorded: tuple[Event, ...] = ()
    for _ in range(_ROUNDS):
        decision = decide(policy, case, at=at)
        events = decision.accept(at=at, by=by)
        if not events:
            return Settled(case=case, events=recorded, decision=decision)
        case, recorded = case.record(*events), (*recorded, *events)
    raise InvalidValue(
        Problem("a case that does not settle", case.id, expected=f"nothing asked after {_ROUNDS} rounds")
    )


_ROUNDS = 100


def forecast(policy: Policy, case: Case, *, at: datetime, until: datetime) -> tuple[Move, ...]:
    """Return the moves to come, after `at` and up to `until`, if nobody does anything.

    Raises as `decide` does, and `InvalidValue` for an `until` before `at`.
    """
    check_policy_and_case(policy, case)
    check_begun(case, microseconds_of(read_instant(at)))
    if read_instant(until) < read_instant(at):
        raise InvalidValue(Problem("a time that ends before it begins", until, path="until", expected="`at` or later"))
    known = Case.model_construct(
        id=case.id,
        history=tuple(event for event in case.history if event.at <= read_instant(at)),
        attributes=case.attributes,
    )
    now = read_instant(at)
    return tuple(
        move for move in decide(policy, known, at=until).moves if move.due_at is not None and move.due_at > now
    )
