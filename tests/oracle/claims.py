"""Two referees that say whether a case breaks a claim of `prove`.

The slow referee asks the engine at many instants, each time from the opening, and shares nothing with `prove`. The fast
one looks at everything that changes in one fold, for ten thousand cases a proof; a test compares the two.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from escalation_rules import Case, Policy, Rule
from escalation_rules import actions as A
from escalation_rules.engine.fold import fold
from escalation_rules.engine.machine import Machine
from escalation_rules.engine.state import State
from escalation_rules.program import compile_policy
from escalation_rules.program.model import POSITION_BITS, tree_holds
from escalation_rules.worktime import Span
from escalation_rules.worktime._timeline import datetime_of, microseconds_of
from tests.generator import CLAIM_SPANS

LONG = timedelta(days=8)
"""After so long every time that a rule or a claim waits for is up, weekends included."""


class Referee:
    """Whether a case breaks the claim that, once a condition has held for so long, it is on a level or above."""

    def __init__(self, policy: Policy, condition: Any, reaches: str, within: Span) -> None:
        watch = Rule(key="watch", when=condition, track="main", then=A.Tag("watch"))
        self.machine = Machine(compile_policy(policy.model_copy(update={"rules": (*policy.rules, watch)})))
        self.program = self.machine.program
        self.tree = next(one for one in self.program.rules if one.name == "watch").own_tree
        self.numbers = numbers(self.tree)
        self.within, self.rung = within, self.program.places[reaches][1]
        self.calendar = policy.calendars["office"]
        self.tried = 0  # the cases of which the condition ever held

    def violated_slowly(self, case: Case) -> bool:
        """Asked at many instants, without any shortcut."""
        instants = {event.at for event in case.history}
        for at in list(instants):
            spans = [self.calendar.add(at, one) for one in (*CLAIM_SPANS, self.within)]
            instants |= {self.calendar.add(one, self.within) for one in spans} | set(spans)
        course = _Course(self)
        return any(course.look(fold(self.machine, case, microseconds_of(at))) for at in sorted(instants))

    def violated(self, case: Case) -> bool:
        """Told of everything that changes, until long after the last event."""
        course = _Course(self)
        broken: list[bool] = []
        end = microseconds_of(case.history[-1].at + LONG)
        state = fold(self.machine, case, end, lambda state: broken.append(course.look(state)))
        broken.append(course.look(state))
        self.tried += course.held
        return any(broken)

    def holds(self, state: State) -> bool:
        """Whether the condition holds of a live case."""
        live = state.life.live and not state.levels.external
        return live and tree_holds(self.tree, lambda number: bool(state.tests.truth >> number & 1))


class _Course:
    """Since when a case has been such that its time runs."""

    def __init__(self, referee: Referee) -> None:
        self.referee = referee
        self.since: int | None = None
        self.held = False
        self.due_at = 0
        self.begun: tuple[Any, ...] = ()

    def look(self, state: State) -> bool:
        """Whether the time was up at an instant or before it; since the last look all was as it was then."""
        if self.since is not None and self.due_at < state.now:
            return True
        begun = (state.life.cycle_when, *state.levels.down_since)
        anew, self.begun = begun != self.begun, begun
        changed = max((state.tests.since[number] for number in self.referee.numbers), default=0) >> POSITION_BITS
        holds = self.referee.holds(state)
        self.held |= holds
        if not (holds and state.levels.level[0] < self.referee.rung):
            self.since = None
        elif anew or self.since is None or changed > self.since:
            self.since = state.now
            start = datetime_of(state.now)
            self.due_at = microseconds_of(self.referee.calendar.add(start, self.referee.within))
        return self.since is not None and self.due_at <= state.now


def numbers(tree: Any) -> list[int]:
    """The comparisons in a condition."""
    return [tree] if isinstance(tree, int) else [one for part in tree[1] for one in numbers(part)]
