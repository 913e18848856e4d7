"""A host under test, as a Hypothesis state machine: people and time act on a case, and the host is not always there.

It lags, restarts from what it stored, asks twice, and does only some of what it is told. Whatever it does, what is
asked of it at the end is what would have been asked of a host that did everything at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from escalation_rules import events as E
from escalation_rules.case import Case
from escalation_rules.engine import decide, settle
from escalation_rules.policy import Policy
from escalation_rules.testing.strategies import Vocabulary, events, openings, steps

LIVE = frozenset({"open", "waiting"})


def host_machine(policy: Policy) -> type[RuleBasedStateMachine]:
    """A state machine of a host that uses a policy; `host_machine(policy).TestCase` is what unittest and pytest run.

    >>> from escalation_rules import presets
    >>> TestHost = host_machine(presets.complaint_ladder()).TestCase
    """
    words = Vocabulary(policy)

    class Host(_Host):
        pass

    Host.policy = policy
    Host.opened_by = initialize(opening=openings(words))(_open)
    Host.somebody_acts = rule(step=steps(words), happened=events(words))(_act)
    return Host


class _Host(RuleBasedStateMachine):
    """The stored history, what a prompt host would have stored, and the time."""

    policy: Policy

    def __init__(self) -> None:
        super().__init__()
        self.stored: Case | None = None
        self.prompt: Case | None = None
        self.now: datetime | None = None

    @rule()
    def the_host_does_what_it_is_told(self) -> None:
        """It decides and accepts everything."""
        self._host(None)

    @rule(first=st.integers(0, 2))
    def the_host_does_some_of_it(self, first: int) -> None:
        """It fails after the first few things."""
        self._host(first)

    @rule()
    def the_host_asks_twice(self) -> None:
        """Two workers ask at once and store what both were told."""
        case, at = self._known()
        once = decide(self.policy, case, at=at).accept(at=at)
        again = decide(self.policy, case, at=at).accept(at=at)
        assert once == again
        self.stored = case.record(*once).record(*again)

    @rule()
    def the_host_restarts(self) -> None:
        """All that is left is what it stored, as JSON."""
        case, _ = self._known()
        self.stored = Case.model_validate_json(case.model_dump_json())
        assert self.stored == case

    @rule(hours=st.sampled_from((1, 4, 8, 24, 72, 400)))
    def time_passes(self, hours: int) -> None:
        """Nobody does anything; the prompt host is woken when it asked to be."""
        _, at = self._known()
        self._move_on(at + timedelta(hours=hours))

    @precondition(lambda self: self.stored is not None)
    @invariant()
    def a_late_host_catches_up(self) -> None:
        """Once it has done everything, its answer is that of a host that was always prompt."""
        case, at = self._known()
        late = settle(self.policy, case, at=at).decision
        assert self.prompt is not None
        if late.status in LIVE:
            assert late.answer == settle(self.policy, self.prompt, at=at).decision.answer

    def _known(self) -> tuple[Case, datetime]:
        assert self.stored is not None
        assert self.now is not None
        return self.stored, self.now

    def _host(self, first: int | None) -> None:
        case, at = self._known()
        decision = decide(self.policy, case, at=at)
        self.stored = case.record(*decision.accept(at=at)[:first])

    def _move_on(self, until: datetime) -> None:
        assert self.prompt is not None
        assert self.now is not None
        for _ in range(50):
            settled = settle(self.policy, self.prompt, at=self.now)
            self.prompt, wake = settled.case, settled.decision.wake_at
            if wake is None or wake >= until:
                break
            self.now = wake
        self.now = until


def _open(self: Any, opening: E.Event) -> None:
    """A case is opened."""
    self.stored = self.prompt = Case("C-1", (opening,))
    self.now = opening.at


def _act(self: Any, step: Any, happened: tuple[E.Event, ...]) -> None:
    """Somebody does something, now or later."""
    at = max(self.now, step(self.now))
    self._move_on(at)
    told = [event.model_copy(update={"at": at}) for event in happened if not isinstance(event, E.Declined)]
    self.stored, self.prompt = self.stored.record(*told), self.prompt.record(*told)
