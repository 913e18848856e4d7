"""What a policy speaks of: the names, values, spans and patterns that random cases under it should meet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

from escalation_rules.checklists import Checklist, Item
from escalation_rules.conditions import Atom, atoms
from escalation_rules.errors import InvalidValue, Problem
from escalation_rules.facts import OwnFact
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy
from escalation_rules.worktime import BusinessCalendar, Span

__all__ = ["Words", "calendar_of", "choices", "problem_with"]

YEAR = 2026
"""The year in which random cases happen: its clock changes and holidays are as good as any other's."""


def choices(value: Any) -> tuple[Any, ...]:
    """What a pick may come to, or the one value there is; nothing for None."""
    found = (*value.values.values(), value.otherwise) if isinstance(value, Pick) else (value,)
    return tuple(one for one in found if one is not None)


def calendar_of(policy: Policy, track: str) -> Any:
    """The calendar of a track where nothing else is said; None where that depends on the case."""
    own = next(one.calendar for one in policy.all_tracks if one.key == track)
    named = own if own is not None else policy.usual_calendar
    return None if isinstance(named, Pick) or named is None else policy.calendars[named]


def problem_with(policy: object) -> Problem | None:
    """What is wrong with what was given as a policy, if it is none; a function that makes one is to be called."""
    if isinstance(policy, Policy):
        return None
    name = getattr(policy, "__name__", "")
    meant = f"{name}()" if callable(policy) and not isinstance(policy, type) and name else ""
    return Problem(
        "not a policy", meant.removesuffix("()") or policy, path="policy", expected="a `Policy`", suggestion=meant
    )


class Words:
    """The vocabulary of one policy. Raises `InvalidValue` for what is no policy."""

    def __init__(self, policy: Policy) -> None:
        if problem := problem_with(policy):
            raise InvalidValue(problem)
        self.policy = policy

    @cached_property
    def atoms(self) -> tuple[Atom, ...]:
        """Every comparison of every rule and target."""
        conditions = [rule.when for rule in self.policy.all_rules]
        conditions += [target.when for target in self.policy.all_targets if target.when is not None]
        return tuple(atom for condition in conditions for atom in atoms(condition))

    @cached_property
    def facts(self) -> frozenset[str]:
        """The names of the facts that rules and targets look at; a target that pauses looks at the status."""
        pausing = {"status"} if any(target.pauses for target in self.policy.all_targets) else set()
        return frozenset(pausing.union(atom.fact for atom in self.atoms))

    @cached_property
    def calendar(self) -> Any:
        """The calendar that is meant when nobody says: closing times are taken from it."""
        named = choices(self.policy.usual_calendar)
        return self.policy.calendars[named[0]] if named else BusinessCalendar.always()

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """Every threshold: of rules, targets, checklists and cooldowns, the shortest first."""
        found = [span for atom in self.atoms if atom.kind == "duration" for span in choices(atom.value)]
        found += [span for target in self.policy.all_targets for span in choices(target.within)]
        found += [span for level in self.policy.all_levels for span in choices(level.cooldown)]
        found += [span for item in self.items for span in choices(item.expires)]
        return tuple(sorted(dict.fromkeys(found), key=lambda span: self.calendar.add(_MONDAY, span)))

    @cached_property
    def checklists(self) -> tuple[Checklist, ...]:
        """Every checklist of every level."""
        lists = (one for level in self.policy.all_levels for one in (level.entry, level.work, level.exit))
        return tuple(dict.fromkeys(checklist for checklist in lists if checklist))

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Every item of every checklist."""
        return tuple(dict.fromkeys(item for checklist in self.checklists for item in checklist.items))

    @cached_property
    def waits(self) -> tuple[str, ...]:
        """What cases wait for: the customer, whatever pauses a target, and something that pauses none."""
        pauses = (one for target in self.policy.all_targets for one in target.pauses)
        return tuple(dict.fromkeys(("customer", *pauses, "nobody")))

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """Every pattern of events that the policy listens for."""
        return tuple(dict.fromkeys(self._patterns()))

    def _patterns(self) -> Iterator[Pattern]:
        for atom in self.atoms:
            if atom.fact == "happened":
                yield from atom.pattern
        for target in self.policy.all_targets:
            yield from target.stops
            if isinstance(target.starts, tuple):
                yield from target.starts
        for item in self.items:
            yield from item.done_by

    def values(self, fact: OwnFact) -> tuple[Any, ...]:
        """The values of a fact between which the policy can tell, and unknown."""
        if fact.kind == "flag":
            return True, False, None
        if fact.kind == "choice":
            return (*fact.values, None)
        constants = [one for atom in self.atoms if atom.fact == fact.name for one in _several(atom.value)]
        if fact.kind == "count":
            near = sorted({value + step for value in constants or [0] for step in (0, 1, -1)})
            return (*(value for value in near if fact.problem_with(value) is None), None)
        return (*dict.fromkeys([*constants, "another"]), None)

    @cached_property
    def channels(self) -> tuple[str | None, ...]:
        """The entrances that the policy speaks of, and one it does not."""
        named = [one for atom in self.atoms if atom.fact == "channel" for one in _several(atom.value)]
        tests = [test for pattern in self.patterns for name, test in pattern.where.items() if name == "channel"]
        named += [one for test in tests for one in test.values if isinstance(one, str)]
        return (None, *dict.fromkeys([*named, "carrier pigeon"]))

    @cached_property
    def starts(self) -> tuple[datetime, ...]:
        """When cases open: a Monday morning, before a weekend, and in the nights in which the clocks change."""
        zone = self.calendar.zone
        days = [datetime(YEAR, 1, 1, 23, 30, tzinfo=zone) + timedelta(days=day) for day in range(365)]
        changes = [today for today, next_day in pairwise(days) if today.utcoffset() != next_day.utcoffset()]
        office = [datetime(YEAR, 3, day, hour, minute, tzinfo=zone) for day, hour, minute in _OFFICE]
        return tuple(one.astimezone(UTC) for one in (*office, *changes))


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


_MONDAY = datetime(YEAR, 3, 2, 9, tzinfo=UTC)
_OFFICE = ((2, 9, 0), (2, 13, 0), (6, 16, 30), (7, 12, 0), (31, 23, 59))
