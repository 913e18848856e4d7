"""Random claims and random cases by a plain sampler, and two referees that say whether a case breaks a claim.

The slow referee asks the engine at many instants, each time from the opening, and shares nothing with `prove`. The fast
one is told of everything that changes in one fold, for ten thousand cases a proof; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

from escalation_rules import Case, Policy, Rule
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.engine.bits import BITS
from escalation_rules.engine.compiler import compile_policy
from escalation_rules.engine.fold import fold
from escalation_rules.engine.machine import State
from escalation_rules.engine.moves import tree_holds
from escalation_rules.worktime import Span
from escalation_rules.worktime._timeline import datetime_of, microseconds_of
from tests.bench import when
from tests.units.analysis import small

SPANS = ("1 hour", "2 hours", "2 business hours", "4 business hours", "1 business day", "3 hours")
LONG = timedelta(days=8)
"""After so long every time that a rule or a claim waits for is up, weekends included."""


def timed_rule(random: Random, name: str) -> Rule:
    """A rule that waits for some time, perhaps under a condition, or that goes to the next level."""
    durations = (F.open_for, F.at_level_for, F.unanswered_for, F.since_update, F.unassigned_for)
    timed = random.choice(durations) >= random.choice(SPANS)
    made = timed & small.comparison(random) if random.random() < 0.4 else timed
    return Rule(name=name, when=made, to=random.choice(("l2", "l3", "next")))


def timed_policy(random: Random, rules: int | None = None) -> Policy:
    """A policy of a few such rules."""
    made = [timed_rule(random, f"r{number}") for number in range(rules or random.randint(1, 3))]
    return small.policy(random, 0).model_copy(update={"rules": tuple(made), "calendar": "office"})


def random_case(random: Random, *, by_hand: bool, priorities: Sequence[str] = small.PRIORITIES) -> Case:
    """A case that goes on for a few days."""
    at = when("mon 08:00") + timedelta(minutes=30 * random.randint(0, 20))
    facts = {
        name: value for name, value in (("down", random.choice((None, True, False))), ("seats", 3)) if value is not None
    }
    case = Case.open("C-1", at=at, priority=random.choice((None, *priorities)), facts=facts)
    events: list[Any] = [E.SupportReplied, E.CustomerReplied, E.UpdateSent, E.WaitStarted, E.LevelFailed]
    events += [lambda at: E.Assigned(at=at, person=random.choice((None, "ann")))]
    events += [lambda at: E.PriorityChanged(at=at, to=random.choice(priorities))]
    events += [lambda at: E.FactObserved(at=at, name="down", value=random.choice((None, True, False)))]
    events += [E.EscalationRequested]
    if by_hand:
        events += [E.Resolved, E.Reopened]
        events += [lambda at: E.Escalated(at=at, to=random.choice(small.KEYS))]
        events += [lambda at: E.DeEscalated(at=at, to=random.choice(small.KEYS))] * 2
    happened = []
    for _ in range(random.randint(0, 6)):
        at += timedelta(minutes=30 * random.choice((0, 0, 1, 2, 4, 8, 30)), microseconds=random.choice((0, 0, 1)))
        happened.append(random.choice(events)(at=at))
    return case.record(*happened)


class Referee:
    """Whether a case breaks the claim that, once a condition has held for so long, it is on a level or above."""

    def __init__(self, policy: Policy, condition: Any, reaches: str, within: Span) -> None:
        watch = Rule(name="watch", when=condition, track="main", then=A.Flag("watch"))
        self.program = compile_policy(policy.model_copy(update={"rules": (*policy.rules, watch)}))
        self.tree = next(one for one in self.program.rules if one.name == "watch").own_tree
        self.numbers = numbers(self.tree)
        self.within, self.rung = within, self.program.places[reaches][1]
        self.calendar = policy.calendars["office"]
        self.tried = 0  # the cases of which the condition ever held

    def violated_slowly(self, case: Case) -> bool:
        """Asked at many instants, without any shortcut."""
        instants = {event.at for event in case.history}
        for at in list(instants):
            spans = [self.calendar.add(at, one) for one in (*SPANS, self.within)]
            instants |= {self.calendar.add(one, self.within) for one in spans} | set(spans)
        course = _Course(self)
        return any(course.look(fold(self.program, case, microseconds_of(at))) for at in sorted(instants))

    def violated(self, case: Case) -> bool:
        """Told of everything that changes, until long after the last event."""
        course = _Course(self)
        broken: list[bool] = []
        end = microseconds_of(case.history[-1].at + LONG)
        state = fold(self.program, case, end, lambda state: broken.append(course.look(state)))
        broken.append(course.look(state))
        self.tried += course.held
        return any(broken)

    def holds(self, state: State) -> bool:
        """Whether the condition holds of a live case."""
        live = state.live and not state.external
        return live and tree_holds(self.tree, lambda number: bool(state.truth >> number & 1))


class _Course:
    """Since when a case has been such that its time runs."""

    def __init__(self, referee: Referee) -> None:
        self.referee = referee
        self.since: int | None = None
        self.held = False
        self.due = 0
        self.begun: tuple[Any, ...] = ()

    def look(self, state: State) -> bool:
        """Whether the time was up at an instant or before it; since the last look all was as it was then."""
        if self.since is not None and self.due < state.now:
            return True
        begun = (state.cycle_when, *state.barrier)
        anew, self.begun = begun != self.begun, begun
        changed = max((state.since[number] for number in self.referee.numbers), default=0) >> BITS
        holds = self.referee.holds(state)
        self.held |= holds
        if not (holds and state.level[0] < self.referee.rung):
            self.since = None
        elif anew or self.since is None or changed > self.since:
            self.since = state.now
            start = datetime_of(state.now)
            self.due = microseconds_of(self.referee.calendar.add(start, self.referee.within))
        return self.since is not None and self.due <= state.now


def numbers(tree: Any) -> list[int]:
    """The comparisons in a condition."""
    return [tree] if isinstance(tree, int) else [one for part in tree[1] for one in numbers(part)]
