"""What a role owes now, over all cases, soonest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from escalation_rules import events as E
from escalation_rules._arguments import cases_of, check_policy
from escalation_rules._values import read_instant
from escalation_rules.actions import Ask, Notify
from escalation_rules.case import Case
from escalation_rules.decision import Decision, WorkItem, levels_of
from escalation_rules.engine import decide
from escalation_rules.picks import alternatives
from escalation_rules.policy import Policy
from escalation_rules.record import picked_for


def worklist(policy: Policy, cases: Iterable[Case], *, at: datetime, role: str) -> tuple[WorkItem, ...]:
    """All work that a role owes at an instant over all cases, soonest due first, items without a due last.

    Includes the work of others on a level that the role owns, and of the owner for whom it stands in: a role stands in
    for the owner of a level while the owner's rota has nobody on duty and it is the first of the alternates who is.
    Raises as `decide` does; cases that are not opened yet are left out.

    >>> from datetime import datetime, timezone
    >>> from escalation_rules import presets
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> work = worklist(presets.complaint_ladder(), [Case.open("K-7", at=nine)], at=nine, role="csr")
    >>> [(one.case, one.what) for one in work]
    [('K-7', 'attempted'), ('K-7', 'responded'), ('K-7', 'reviewed')]
    """
    check_policy(policy)
    moment = read_instant(at)
    known = (case for case in cases_of(cases) if case.opened_at <= moment)
    found = [work for case in known for work in _Desk(policy, case, moment, role).work()]
    return tuple(sorted(found, key=lambda one: (one.due_at is None, one.due_at or moment, one.case, one.what)))


class _Desk:
    """One case, seen by one role."""

    def __init__(self, policy: Policy, case: Case, at: datetime, role: str) -> None:
        self.policy, self.case, self.at, self.role = policy, case, at, role
        self.decision: Decision = decide(policy, case, at=at)

    def work(self) -> Iterator[WorkItem]:
        if self.decision.status != "void":
            yield from self._owed()
            yield from self._plan()
            yield from self._lessons()
            yield from self._asked()

    def _made(self, kind: str, what: str, **more: Any) -> WorkItem:
        fields = {"role": self.role, "priority": self.case.priority(at=self.at), **more}
        return WorkItem(case=self.case.id, kind=kind, what=what, **fields)

    def _owed(self) -> Iterator[WorkItem]:
        for one in self.decision.worklist:
            levels = levels_of(self.decision).values() if one.kind == "request" else (one.level,)
            if one.role == self.role or any(self._answers_for(level, one.role) for level in levels):
                yield one

    def _answers_for(self, level: str | None, owed_by: str | None) -> bool:
        """Whether the role is a level's owner, or stands in for it at present, where its people owe something.

        `owed_by` is one of them who took the case, or somebody else whom a target names; of a request it is nobody,
        and then whoever is there answers.
        """
        if level is None:
            return False
        found = self.policy.level(level)
        owner = picked_for(found.owner, self.policy, self.case, self.at)
        roles = [owner, *(name for one in found.alternates for name in alternatives(one))]
        there = next((one for one in roles if one is not None and self._on_duty(one)), owner)
        if owed_by is None:
            return there == self.role
        return owed_by in roles and self.role in {owner, there}

    def _on_duty(self, role: str) -> bool:
        rota = self.policy.rotas.get(role)
        return rota is None or rota.on_duty(self.at) is not None

    def _plan(self) -> Iterator[WorkItem]:
        """Open items of the latest plan that name the role, or whoever has it now."""
        plans = [event for event in self.case.history if isinstance(event, E.PlanRevised) and event.at <= self.at]
        if not plans or self.decision.status not in {"open", "waiting"}:
            return
        rota = self.policy.rotas.get(self.role)
        names = {self.role, rota.on_duty(self.at) if rota else None} - {None}
        for item in plans[-1].plan.items:
            if not item.done and item.owner in names:
                yield self._made("plan_item", item.what, since=plans[-1].at, due_at=item.due_at)

    def _lessons(self) -> Iterator[WorkItem]:
        """Lessons of a post-mortem of which nobody has said what became of them."""
        known = [event for event in self.case.history if event.at <= self.at]
        settled = {event.lesson for event in known if isinstance(event, E.LessonSettled)}
        if self.role != self._learner():
            return
        for event in known:
            for lesson in event.lessons if isinstance(event, E.PostMortemHeld) else ():
                if lesson not in settled:
                    yield self._made("lesson", lesson, since=event.at)

    def _learner(self) -> str | None:
        """Who answers for post-mortems: whoever a target for them names."""
        held = (one for one in self.policy.all_targets if any(stop.event == "PostMortemHeld" for stop in one.stop_on))
        return next(
            (picked_for(one.owner, self.policy, self.case, self.at) for one in held if one.owner is not None), None
        )

    def _asked(self) -> Iterator[WorkItem]:
        """What is asked of the role: to find something out, or to tell somebody."""
        for one in self.decision.actions:
            action = one.action
            if isinstance(action, Ask) and action.role == self.role:
                yield self._made("action", action.item, level=one.level, since=one.due_at)
            elif isinstance(action, Notify) and action.sender == self.role:
                whom = ", ".join(map(str, action.roles))
                yield self._made("action", f"tell {whom}", text=action.message or "", level=one.level, since=one.due_at)
