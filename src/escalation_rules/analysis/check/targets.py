"""Checks of targets: those that never apply, start or stop, and those that give urgent cases more time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Any, NamedTuple, TypeGuard

from escalation_rules import events as E
from escalation_rules.analysis.domains import ELAPSED, is_possible, picked_value, scope_of_target
from escalation_rules.analysis.report import CheckFinding, finding
from escalation_rules.analysis.solver import Formula, all_of
from escalation_rules.analysis.workbench import CaseAt, Workbench
from escalation_rules.engine import decide
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick, alternatives
from escalation_rules.targets import Target
from escalation_rules.worktime import Span

Placed = tuple[str | None, str, Target]
"""The level whose target it is, the path to it, and the target."""


def _targets(board: Workbench) -> Iterator[Placed]:
    for index, target in enumerate(board.policy.targets):
        yield None, f"targets[{index}]", target
    for level in board.policy.all_levels:
        for index, target in enumerate(level.targets):
            yield level.key, f"levels[{level.key}].targets[{index}]", target


def _when(board: Workbench, level: str | None, target: Target) -> Formula:
    if target.when is None:
        return True
    return board.space.formula(target.when, scope_of_target(board.policy, target, level))


def idle_targets(board: Workbench) -> Iterator[CheckFinding]:
    """Targets that never apply, that nothing starts, or that nothing stops."""
    before: dict[tuple[str | None, str], list[Formula]] = {}
    for level, path, target in _targets(board):
        formula, earlier = _when(board, level, target), before.setdefault((level, target.key), [])
        if board.never(formula, *map(board.space.negated, earlier), question=f"{path} never applies"):
            shadowed = not board.never(formula, question=f"{path} never applies")
            yield finding(
                "target-never-applies",
                f"{path}.when",
                f"the target `{target.key}` never applies: "
                + ("an earlier one with this key always goes first" if shadowed else "its condition holds in no case"),
                "put it before the others, or take it out" if shadowed else "mend its condition, or take it out",
            )
        earlier.append(formula)
        yield from _dumb(path, target)


def _dumb(path: str, target: Target) -> Iterator[CheckFinding]:
    """What no event can start, or stop."""
    if isinstance(target.start_on, tuple) and target.start_on and not any(map(is_possible, target.start_on)):
        yield finding(
            "target-never-starts",
            f"{path}.start_on",
            f"the target `{target.key}` never starts: no event can be {_patterns(target.start_on)}",
            "name an event that can happen",
        )
    if not any(_can_stop(pattern) for pattern in target.stop_on):
        yield finding(
            "target-never-stops",
            f"{path}.stop_on",
            f"nothing ever stops the target `{target.key}`, so it can only be breached: no event that counts can be "
            f"{_patterns(target.stop_on)}",
            "name an event that a person causes and that the customer sees",
        )


def _patterns(patterns: Iterable[Pattern]) -> str:
    return " or ".join(map(repr, patterns))


def _can_stop(pattern: Pattern) -> bool:
    """Whether some event that counts matches: for a reply, one that a human wrote and the customer could see."""
    if not is_possible(pattern):
        return False
    if pattern.event == "SupportReplied":
        counts = {"public": True, "automatic": False, "actor": "staff"}
        return all(_admits(pattern, name, value) for name, value in counts.items())
    if issubclass(E.KINDS[pattern.event], _FACTS):
        return True
    return _admits(pattern, "actor", "staff") or _admits(pattern, "actor", "customer")


_FACTS = (
    E.Resolved,
    E.Reopened,
    E.Closed,
    E.Voided,
    E.Escalated,
    E.DeEscalated,
    E.PriorityChanged,
    E.Assigned,
    E.ActionTaken,
)
"""Events that count whoever caused them."""


def _admits(pattern: Pattern, field: str, value: object) -> bool:
    return field not in pattern.where or pattern.where[field].accepts(value)


# ---------------------------------------------------------------------------- spans by priority
def slower_when_urgent(board: Workbench) -> Iterator[CheckFinding]:
    """Targets that give a more urgent case more time than a less urgent one that is otherwise alike.

    Each priority is held against the next lower one to which the target gives any time at all.
    """
    for (level, key), found in _by_key(board).items():
        targets = [target for _, target in found]
        timed = [rank for rank in range(len(board.policy.priorities)) if _is_timed(board, targets, rank)]
        for low, high in pairwise(timed):
            slower = next(_slower(board, level, targets, low, high), None)
            if slower is not None:
                lower, upper = board.policy.priorities[low], board.policy.priorities[high]
                yield finding(
                    "slower-when-more-urgent",
                    f"{found[0][0]}.within",
                    f"the target `{key}` allows a case of priority `{upper}` {slower.spans[1]}, but one of the lower "
                    f"priority `{lower}` only {slower.spans[0]}",
                    f"give `{upper}` no more time than `{lower}`",
                    _shown(board, level, key, high, slower),
                )


class Slower(NamedTuple):
    """The spans of the lower and the higher priority, and what else holds of cases to which they are given."""

    spans: tuple[Span, Span]
    facts: Mapping[str, str]
    alike: list[Formula]


def _is_timed(board: Workbench, targets: Iterable[Target], rank: int) -> bool:
    """Whether a target gives cases of a priority any time."""
    name = board.policy.priorities[rank]
    spans = (
        alternatives(target.within.choose(name))
        if isinstance(target.within, Pick) and target.within.by == "priority"
        else alternatives(target.within)
        for target in targets
    )
    return any(span is not None for given in spans for span in given)


def _shown(board: Workbench, level: str | None, key: str, rank: int, slower: Slower) -> CaseAt | None:
    """A case of the higher priority on which the target runs, as the engine sees it."""
    here = True if level is None else board.standing(*_place(board, level))
    domains = board.found(board.space.live, here, *slower.alike)
    if domains is None:
        return None
    plot = board.told.plot(domains).but(board.policy.priorities[rank], slower.facts)
    for course in board.told.of_plot(plot):
        case, at = course.case, course.case.history[-1].at
        if any(one.target == key for one in decide(board.policy, case, at=at).deadlines):
            return case, at
    return None


def _place(board: Workbench, level: str) -> tuple[int, list[int]]:
    track, number = board.program.places[level]
    return track, [number]


def _by_key(board: Workbench) -> dict[tuple[str | None, str], list[tuple[str, Target]]]:
    found: dict[tuple[str | None, str], list[tuple[str, Target]]] = {}
    for level, path, target in _targets(board):
        found.setdefault((level, target.key), []).append((path, target))
    return found


def _slower(board: Workbench, level: str | None, targets: list[Target], low: int, high: int) -> Iterator[Slower]:
    """Where the more urgent of two priorities gets the longer span, in cases alike but for the priority."""
    calendar = None if level is None else board.policy.track_of(level).calendar
    picks = [one for target in targets for one in (target.within, target.calendar) if isinstance(one, Pick)]
    picks += [one for one in (calendar, board.policy.usual_calendar) if isinstance(one, Pick)]
    facts = sorted({name for pick in picks for name in pick.facts} - {"priority"})
    for values in product(*(board.space.values_of(by) for by in facts)):
        now = dict(zip(facts, values, strict=True))
        for one, other in product(range(len(targets)), repeat=2):
            spans = [
                _span(board, targets[number], calendar, {**now, "priority": board.policy.priorities[rank]})
                for number, rank in ((one, low), (other, high))
            ]
            if _is_longer(spans):
                alike = _alike(board, level, targets, now, ((one, low), (other, high)))
                if not board.never(*alike, question=f"target {targets[0].key} by priority"):
                    known = {by: value for by, value in now.items() if value is not None}
                    yield Slower((spans[0][0], spans[1][0]), known, alike)


Counted = tuple[Span, tuple[Any, ...], int]
"""A span, on which scale it counts, and how far it reaches there."""


def _span(board: Workbench, target: Target, calendar: Any, now: Mapping[str, str | None]) -> Counted | None:
    span = picked_value(target.within, now)
    if span is None or target.use_agreed_interval:
        return None
    names = (picked_value(one, now) for one in (target.calendar, calendar, board.policy.usual_calendar))
    return span, *board.space.measure(span, next((name for name in names if name is not None), None))


def _is_longer(spans: Sequence[Counted | None]) -> TypeGuard[Sequence[Counted]]:
    """Whether the second is longer than the first, whenever it starts: business hours take no less than hours."""
    if spans[0] is None or spans[1] is None:
        return False
    (_, scale, short), (_, other, long) = spans[0], spans[1]
    return long > short and (scale == other or (scale == ELAPSED and other[0] == "business"))


def _alike(
    board: Workbench,
    level: str | None,
    targets: list[Target],
    now: Mapping[str, str | None],
    both: Iterable[tuple[int, int]],
) -> list[Formula]:
    """Where each target applies at its priority, everything else being alike."""
    space = board.space
    parts = [space.compare((by,), "is", value) for by, value in now.items() if (by,) in space.number]
    for number, rank in both:
        formulas = [_when(board, level, target) for target in targets[: number + 1]]
        applies = all_of((*map(space.negated, formulas[:-1]), formulas[-1]))
        parts.append(space.given(applies, ("priority",), rank))
    return parts
