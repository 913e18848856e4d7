"""What `diff` compares besides rules: levels, targets, and what holds for a policy as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from escalation_rules._values import fields_of
from escalation_rules.analysis.changes import Change, Verdict, joined, ordered
from escalation_rules.analysis.comparing import Comparison
from escalation_rules.analysis.report import Witness
from escalation_rules.analysis.solver import any_of
from escalation_rules.analysis.witnesses import CASE, start_of
from escalation_rules.case import Case
from escalation_rules.checklists import Checklist
from escalation_rules.engine import program_of
from escalation_rules.levels import EscalationLevel
from escalation_rules.policy import Policy
from escalation_rules.targets import Target
from escalation_rules.worktime import Span

__all__ = ["changed_targets", "levels_changed", "settings_changed", "targets_changed"]


# ---------------------------------------------------------------------------- levels
def levels_changed(comparison: Comparison) -> Iterator[Change]:
    """Levels that one policy has and the other has not, or that are otherwise."""
    before, after = ({level.key: level for level in policy.all_levels} for policy in (comparison.old, comparison.new))
    for key in dict.fromkeys((*before, *after)):
        one, other = before.get(key), after.get(key)
        if one is None or other is None:
            how: Any = "added" if one is None else "removed"
            message = "cases can go there now" if one is None else "cases can no longer go there"
            yield Change(kind="level", name=key, how=how, verdict="incomparable", message=message)
        else:
            verdicts = dict(_level(one, other))
            if verdicts:
                yield Change(
                    kind="level",
                    name=key,
                    how="changed",
                    verdict=joined(verdicts.values()),
                    message=", ".join(f"{name} is {_READ[verdict]}" for name, verdict in verdicts.items()),
                    witness=_at_level(comparison, key),
                )


_READ = {"stricter": "stricter", "looser": "looser", "incomparable": "another", "equivalent": "written otherwise"}
_APART = {"key", "title", "targets", "escalate_after"}
"""What does not count, or is told elsewhere."""


def _level(one: EscalationLevel, other: EscalationLevel) -> Iterator[tuple[str, Verdict]]:
    """The fields of a level that differ. An entry checklist holds cases back, the others ask for more."""
    for name, held in fields_of(one):
        now = getattr(other, name)
        if name not in _APART and held != now:
            yield name, _CHECKLISTS.get(name, lambda *_: "incomparable")(held, now)


def _more(before: Checklist | None, after: Checklist | None) -> Verdict:
    one, other = (set(checklist.items if checklist else ()) for checklist in (before, after))
    return ordered(one <= other, other <= one)


_CHECKLISTS: dict[str, Callable[[Any, Any], Verdict]] = {
    "entry": lambda before, after: _more(after, before),
    "work": _more,
    "exit": _more,
}


def _at_level(comparison: Comparison, key: str) -> Witness | None:
    """A case on a level, or one that is about to come there, on which the two policies decide otherwise."""
    places = program_of(comparison.old).places
    opened = Case(CASE, (start_of(comparison.old, level=key),))
    found = comparison.seen(opened)
    if found is None and comparison.both is not None:
        track, _ = places[key]
        both = comparison.both
        asked = [both.asked(0, track, one, key) for one in both.shared(track)]
        found = comparison.witness(both.space, any_of(asked))
    return found


# ---------------------------------------------------------------------------- targets
def targets_changed(comparison: Comparison) -> Iterator[Change]:
    """Targets, by key, that are not as they were."""
    for (level, key), (one, other) in changed_targets(comparison).items():
        how: Any = "added" if not one else "removed" if not other else "changed"
        verdict = _timed(comparison, level, one, other)
        yield Change(
            kind="target",
            name=key if level is None else f"{key} of {level}",
            how=how,
            verdict=verdict,
            message=_TIMED[verdict],
            witness=_on_the_clock(comparison, level),
        )


def changed_targets(comparison: Comparison) -> dict[tuple[str | None, str], tuple[Targets, Targets]]:
    """The targets of both policies that are not alike, by level and key."""
    before, after = (_placed(policy) for policy in (comparison.old, comparison.new))
    both = {name: (before.get(name, ()), after.get(name, ())) for name in (*before, *after)}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


Targets = tuple[Target, ...]

_TIMED: dict[Verdict, str] = {
    "equivalent": "it allows the same",
    "stricter": "it allows less time than before, or there was none",
    "looser": "it allows more time than before, or there is none",
    "incomparable": "it starts, stops, pauses or applies otherwise",
}


def _placed(policy: Policy) -> dict[tuple[str | None, str], tuple[Target, ...]]:
    found: dict[tuple[str | None, str], tuple[Target, ...]] = {}
    for level, targets in ((None, policy.targets), *((level.key, level.targets) for level in policy.all_levels)):
        for target in targets:
            found[level, target.key] = (*found.get((level, target.key), ()), target)
    return found


def _timed(comparison: Comparison, level: str | None, one: tuple[Target, ...], other: tuple[Target, ...]) -> Verdict:
    if not one or not other:
        return "looser" if one else "stricter"
    if len(one) != len(other):
        return "incomparable"
    return joined(_one_target(comparison, level, *pair) for pair in zip(one, other, strict=True))


def _one_target(comparison: Comparison, level: str | None, one: Target, other: Target) -> Verdict:
    if one.model_copy(update={"within": other.within, "pauses": other.pauses, "owner": other.owner}) != other:
        return "incomparable"
    pauses = ordered(set(other.pauses) <= set(one.pauses), set(one.pauses) <= set(other.pauses))
    owner: Verdict = "equivalent" if one.owner == other.owner else "incomparable"
    return joined([pauses, owner, _spans(comparison, level, one, other)])


def _spans(comparison: Comparison, level: str | None, one: Target, other: Target) -> Verdict:
    if one.within == other.within:
        return "equivalent"
    if not isinstance(one.within, Span) or not isinstance(other.within, Span) or comparison.both is None:
        return "incomparable"
    track = None if level is None else comparison.old.track_of(level).calendar
    names = [name for name in (one.calendar, track, comparison.old.usual_calendar) if name is not None]
    if names and not isinstance(names[0], str):
        return "incomparable"
    name = names[0] if names else None
    (scale, before), (other_scale, after) = (
        comparison.both.space.measure(span, None if name is None else str(name)) for span in (one.within, other.within)
    )
    return ordered(after <= before, before <= after) if scale == other_scale else "incomparable"


def _on_the_clock(comparison: Comparison, level: str | None) -> Witness | None:
    """A case whose clock runs otherwise, of whatever priority."""
    keys = [[None, *(one.key for one in policy.all_levels)] for policy in (comparison.old, comparison.new)]
    for priority in comparison.old.priorities or (None,):
        if all(level in known for known in keys):
            found = comparison.seen(Case(CASE, (start_of(comparison.old, priority=priority, level=level),)))
            if found is not None:
                return found
    return None


# ---------------------------------------------------------------------------- settings
def settings_changed(comparison: Comparison) -> Iterator[Change]:
    """What holds for a policy as a whole."""
    old, new = comparison.old, comparison.new
    for name in ("calendars", "calendar", "priorities", "effective_from"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after and not (name == "calendars" and _only_added(before, after)):
            yield Change(
                kind="policy", name=name, how="changed", verdict="incomparable", message=f"{name} is not as it was"
            )
    facts = {fact.name: fact for fact in old.facts}
    if any(fact != facts.get(fact.name, fact) for fact in new.facts):
        yield Change(
            kind="policy", name="facts", how="changed", verdict="incomparable", message="a fact has another domain"
        )
    tracks = [[(track.key, track.calendar, track.organisation) for track in one.all_tracks] for one in (old, new)]
    if tracks[0] != tracks[1]:
        yield Change(kind="policy", name="tracks", how="changed", verdict="incomparable", message="tracks differ")
    common = [list(_shared_levels(one, other)) for one, other in ((old, new), (new, old))]
    if tracks[0] == tracks[1] and common[0] != common[1]:
        message = "the levels stand in another order"
        yield Change(kind="policy", name="levels", how="changed", verdict="incomparable", message=message)


def _only_added(before: Any, after: Any) -> bool:
    """Whether what both have is the same: one that nothing counts in changes nothing."""
    return all(after.get(name, calendar) == calendar for name, calendar in before.items())


def _shared_levels(policy: Policy, other: Policy) -> Iterator[tuple[str, str]]:
    """The levels that both have, in order, each after its track."""
    known = {level.key for level in other.all_levels}
    return ((track.key, level.key) for track in policy.all_tracks for level in track.levels if level.key in known)
