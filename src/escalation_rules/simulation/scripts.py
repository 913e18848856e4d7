"""Histories as the sweep reads them: what each template does, as tables by its number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from escalation_rules import events as E
from escalation_rules.conditions import STATUSES
from escalation_rules.patterns import Happening
from escalation_rules.simulation.columns.atoms import Dialed, Happened, Unheld
from escalation_rules.simulation.columns.compile import NOWHERE, Plan, kind_of, matched
from escalation_rules.simulation.histories import Ints

__all__ = ["Script"]

_MOST = 10_000
"""The highest number that a comparison of counts may name and still be a table."""


class Script:
    """Events of cases (`starts`, `at`, `code`), and tables by template: what each does.

    Values are numbered from 0, which is nothing: priorities, channels, what facts are, and who has a role.
    """

    def __init__(self, plan: Plan, prototypes: list[Happening], starts: Ints, at: Ints, code: NDArray[np.intp]) -> None:
        self.plan, self.prototypes, self.starts, self.at, self.code = plan, prototypes, starts, at, code
        self.kind = np.array([kind_of(one) for one in prototypes], np.int64)
        self.priorities = _Words(
            [
                *(getattr(one, "priority", None) for one in prototypes),
                *_of(prototypes, E.PriorityChanged, "to"),
                *(plan.ranks if plan.raises else ()),
            ]
        )
        self.channels = _Words(_of(prototypes, E.Opened, "channel"))
        self.facts = [one.name for one in plan.policy.facts]
        self.values = [_Words(_values(prototypes, name)) for name in self.facts]
        holders = [_holder(one) for one in prototypes if isinstance(one, E.Assigned)]
        roles = _Words(_of(prototypes, E.Assigned, "role"))
        self.roles = len(roles.words)
        waits = _Words(
            ["customer", *_of(prototypes, E.WaitStarted, "on"), *(on for _, one in plan.targets for on in one.pauses)]
        )
        if len(waits.words) > 60 or len(plan.rules) > 60:
            raise Unheld("as many waits or rules")
        self.customer = waits.bit("customer")
        self._tables: dict[Dialed, NDArray[np.bool_]] = {}
        who = _Words(holders)
        self._read(prototypes, roles, who, waits)
        words = {name: values.words for name, values in zip(self.facts, self.values, strict=True)}
        self.words = {"priority": self.priorities.words, **words}
        self._read_patterns(prototypes)
        self._read_targets(prototypes, waits)

    def _read_patterns(self, prototypes: list[Happening]) -> None:
        """Which templates, and which moves of rules, are like what has happened."""
        plan = self.plan
        seen = {one.patterns for one in plan.comparisons if isinstance(one, Happened)}
        self.seen = {patterns: matched(patterns, prototypes) for patterns in seen}
        like = {patterns: plan.made_by_rules(patterns) for patterns in seen}
        self.made_by_rules = {patterns: levels for patterns, levels in like.items() if levels.any()}

    def _read_targets(self, prototypes: list[Happening], waits: _Words) -> None:
        """What pauses each target, and its terms: where they count, how much they allow, and which are alike."""
        self.groups = self.plan.groups(prototypes, self.words)
        self.pauses = [sum(waits.bit(on) for on in set(group.target.pauses)) for group in self.groups]
        terms = [group.terms for group in self.groups]
        self.term_lines = [np.array([one.line for one in some], np.int64) for some in terms]
        self.term_budgets = [
            np.array([-1 if one.budget is None else one.budget for one in some], np.int64) for some in terms
        ]
        self.term_lates = [
            np.array([one.span is not None and one.span.due == "same time" for one in some], np.bool_) for some in terms
        ]
        self.term_kinds = [_Words([(str(one.span), one.calendar) for one in some]).numbers() for some in terms]

    def _read(self, prototypes: list[Happening], roles: _Words, who: _Words, waits: _Words) -> None:
        def table(kind: type | tuple[type, ...], what: Any, dtype: Any = np.int64, otherwise: Any = 0) -> NDArray[Any]:
            return np.array([what(one) if isinstance(one, kind) else otherwise for one in prototypes], dtype)

        opened_to = table(E.Opened, lambda one: self.priorities.number(one.priority))
        self.priority = opened_to + table(E.PriorityChanged, lambda one: self.priorities.number(one.to))
        self.channel = table(E.Opened, lambda one: self.channels.number(one.channel))
        self.by_staff = table(E.Opened, lambda one: one.by_staff, np.bool_)
        self.levels = [
            np.array([self._first(one, track) for one in prototypes], np.int64) for track in self.plan.tracks
        ]
        self.placed_on, self.placed = self._places(prototypes, E.Escalated, E.DeEscalated, E.Observed)
        self.failed_on, self.failed = self._places(prototypes, E.LevelFailed)
        self.is_observed = table(E.Observed, lambda _: True, np.bool_)
        self.opening_facts = [
            table(E.Opened, lambda one, name=name, words=words: words.number(one.facts.get(name)))
            for name, words in zip(self.facts, self.values, strict=True)
        ]
        self.asks = ~self.by_staff & np.array([isinstance(one, E.Opened | E.CustomerReplied) for one in prototypes])
        self.asks_status = table(E.CustomerReplied, lambda one: one.asks_for_status, np.bool_)
        self.asks_escalation = table(E.CustomerReplied, lambda one: one.asks_to_escalate, np.bool_)
        self.asks_escalation |= table(E.EscalationRequested, lambda one: one.wants == "attention", np.bool_)
        self.counts = table((E.SupportReplied, E.Acknowledged), lambda one: one.counts, np.bool_)
        self.counts |= table(E.UpdateSent, lambda one: one.counts and one.audience == "customer", np.bool_)
        self.role = table(E.Assigned, lambda one: roles.number(one.role) - 1)
        self.holder = table(E.Assigned, lambda one: who.number(_holder(one)))
        self.wait = table(E.WaitStarted, lambda one: waits.bit(one.on))
        self.fact = table(E.FactObserved, lambda one: self._fact(one.name), otherwise=-1)
        self.value = table(E.FactObserved, self._value)
        self.status = table((E.Resolved, E.Closed, E.Voided), lambda one: STATUSES.index(_STATUS[type(one)]))

    def _first(self, event: Happening, rungs: range) -> int:
        """Where a case stands on a track once it is opened: on the level named, or at the bottom of the first track."""
        named = self.plan.rungs.get(event.level or "") if isinstance(event, E.Opened) else None
        if named in rungs:
            return int(named or 0)
        return 0 if rungs and not rungs.start else NOWHERE

    def _places(self, prototypes: list[Happening], *kinds: type) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The tracks and the levels that events of some kinds are about; -1 and -1 for all others."""
        found = [self.plan.place_of(one) if isinstance(one, kinds) else None for one in prototypes]
        tracks, levels = zip(*((NOWHERE, NOWHERE) if one is None else one for one in found), strict=True)
        return np.array(tracks, np.int64), np.array(levels, np.int64)

    def _fact(self, name: str) -> int:
        return self.facts.index(name) if name in self.facts else -1

    def _value(self, event: Any) -> int:
        fact = self._fact(event.name)
        return self.values[fact].number(event.value) if fact >= 0 else 0

    def table(self, one: Dialed) -> NDArray[np.bool_]:
        """Of which values of a fact a comparison holds, by the values' numbers."""
        if one not in self._tables:
            self._tables[one] = np.array([one.holds(value) for value in self._domain(one)], np.bool_)
        return self._tables[one]

    def _domain(self, one: Dialed) -> list[Any]:
        if one.fact in self.facts:
            return self.values[self.facts.index(one.fact)].words
        if one.fact in {"priority", "channel"}:
            return (self.priorities if one.fact == "priority" else self.channels).words
        if one.fact == "level":
            return list(range(-1, len(self.plan.levels)))
        if one.fact == "status":
            return list(STATUSES)
        flags = {"acknowledged", "escalation_requested", "level_failed"}
        return [False, True] if one.fact in flags else list(range(self._most() + 2))

    def _most(self) -> int:
        """The highest number that a comparison names."""
        found = self.plan.most
        if found > _MOST:
            raise Unheld("numbers as high")
        return found


_STATUS: dict[type, str] = {E.Resolved: "resolved", E.Closed: "closed", E.Voided: "void"}


class _Words:
    """Distinct values with their numbers; nothing is 0."""

    def __init__(self, given: list[Any]) -> None:
        self.given = given
        self.words = list(dict.fromkeys([None, *given]))
        self.place = {word: number for number, word in enumerate(self.words)}

    def number(self, word: Any) -> int:
        return self.place[word]

    def bit(self, word: Any) -> int:
        return 1 << (self.place[word] - 1)

    def numbers(self) -> NDArray[np.int64]:
        return np.array([self.place[word] for word in self.given], np.int64)


def _holder(event: E.Assigned) -> tuple[str | None, str | None] | None:
    """Who has a role; nothing for nobody."""
    held = event.person, event.group
    return None if held == (None, None) else held


def _of(prototypes: list[Happening], kind: type, field: str) -> list[Any]:
    return [getattr(one, field) for one in prototypes if isinstance(one, kind)]


def _values(prototypes: list[Happening], name: str) -> list[Any]:
    opened = [one.facts.get(name) for one in prototypes if isinstance(one, E.Opened)]
    return opened + [one.value for one in prototypes if isinstance(one, E.FactObserved) and one.name == name]
