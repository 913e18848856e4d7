"""Two policies on one board: their rules as formulas over the same cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from escalation_rules.analysis.axes import Key
from escalation_rules.analysis.domains import Space, places_of
from escalation_rules.analysis.solver import Formula, all_of, any_of
from escalation_rules.conditions import normal
from escalation_rules.engine import program_of
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.policy import Policy
from escalation_rules.rules import NEXT, Rule

__all__ = ["Merged", "merged"]


class Merged:
    """The words of two policies in one, with every rule of both as a formula.

    Levels that only one of them has stand where they belong among the others.
    """

    def __init__(self, old: Policy, new: Policy, words: Policy) -> None:
        self.policies = (old, new)
        placed = {
            (side, rule.name): (rule, place)
            for side, policy in enumerate(self.policies)
            for rule, place in places_of(program_of(policy))
        }
        fresh: dict[Key, tuple[()]] = {_freshness(rule): () for rule, _ in placed.values() if rule.to == NEXT}
        self.space = Space(words, [(rule.when, place) for rule, place in placed.values()], fresh)
        self._placed = placed
        self._holding: dict[tuple[int, str], Formula] = {}

    def holds(self, side: int, rule: Rule) -> Formula:
        """Where a rule holds; one to the next level also needs evidence, which only the same condition shares."""
        if (side, rule.name) not in self._holding:
            rule, place = self._placed[side, rule.name]
            fresh = self.space.compare(_freshness(rule), "is", True) if rule.to == NEXT else True
            found = all_of((self.space.live, self.space.at(rule), fresh, self.space.formula(rule.when, place)))
            self._holding[side, rule.name] = found
        return self._holding[side, rule.name]

    def tracks(self) -> range:
        """The tracks, by number."""
        return range(len(self.space.program.tracks))

    def shared(self, track: int) -> list[str | None]:
        """The levels of a track on which a case may stand in both policies; None is nowhere."""
        keys = [{level.key for level in policy.all_levels} for policy in self.policies]
        both = [level.key for level in self.space.program.levels[track] if all(level.key in one for one in keys)]
        return [*([None] if track or not both else []), *both]

    def stands(self, track: int, key: str | None) -> Formula:
        """Where a case stands on a level."""
        return self.space.compare(("level", track), "==", -1 if key is None else self.space.program.places[key][1])

    def above(self, track: int, key: str | None) -> list[str]:
        """The levels of a track above another, those of either policy."""
        levels = [level.key for level in self.space.program.levels[track]]
        return levels if key is None else levels[levels.index(key) + 1 :]

    def asked(self, side: int, track: int, key: str | None, to: str) -> Formula:
        """Where some rule asks to take a case from a level to just that other."""
        rules = self.policies[side].all_rules
        return any_of(self.holds(side, rule) for rule in rules if self.wanted(side, rule, track, key) == to)

    def granted(self, side: int, track: int, key: str | None, least: str) -> Formula:
        """Where some rule takes a case from a level to `least` or above, and nothing can hold it back."""
        levels = [least, *self.above(track, least)]
        return any_of(
            self.holds(side, rule)
            for rule in self.policies[side].all_rules
            if (to := self.wanted(side, rule, track, key)) in levels and self._is_free(side, rule, str(to))
        )

    def _is_free(self, side: int, rule: Rule, to: str) -> bool:
        level = self.policies[side].level(to)
        return level.nobody == "wait" and (rule.checklist == "waived" or level.entry is None)

    def is_open(self, key: str) -> bool:
        """Whether in both policies nothing can hold back a move to a level."""
        levels = [level for policy in self.policies for level in policy.all_levels if level.key == key]
        return all(level.nobody == "wait" and level.entry is None for level in levels)

    def wanted(self, side: int, rule: Rule, track: int, key: str | None) -> str | None:
        """The level that a rule asks for from another of its track."""
        place, (_, context) = self.space.program.places, self._placed[side, rule.name]
        if rule.to is None or context.track != track:
            return None
        if rule.to != NEXT:
            return rule.to if key is None or place[rule.to][1] > place[key][1] else None
        keys = [level.key for level in self.policies[side].all_tracks[track].levels]
        above = 0 if key is None else keys.index(key) + 1
        return keys[above] if above < len(keys) else None


def _freshness(rule: Rule) -> Key:
    return ("fresh evidence",), normal(rule.when)


def merged(old: Policy, new: Policy) -> Merged | None:
    """Both policies over one space; None where their words do not mean the same."""
    ladders = [_ladder(one, other) for one, other in zip(old.all_tracks, new.all_tracks, strict=False)]
    same_tracks = [track.key for track in old.all_tracks] == [track.key for track in new.all_tracks]
    if not same_tracks or None in ladders or old.priorities != new.priorities or _clash(old, new):
        return None
    tracks = [
        Track(key=track.key, levels=tuple(EscalationLevel(key=key) for key in keys or ()))
        for track, keys in zip(old.all_tracks, ladders, strict=True)
    ]
    facts = {fact.name: fact for fact in (*old.facts, *new.facts)}
    calendars = {**old.calendars, **new.calendars}
    words = Policy(
        name=old.name,
        version="both",
        tracks=tuple(tracks),
        priorities=old.priorities,
        facts=tuple(facts.values()),
        calendars=calendars,
        calendar=next(iter(calendars), None),
    )
    return Merged(old, new, words)


def _clash(old: Policy, new: Policy) -> bool:
    """Whether a fact or a calendar of one name is another thing in each policy."""
    facts = {fact.name: fact for fact in old.facts}
    return any(fact != facts.get(fact.name, fact) for fact in new.facts) or any(
        calendar != old.calendars.get(name, calendar) for name, calendar in new.calendars.items()
    )


def _ladder(one: Track, other: Track) -> list[str] | None:
    """The levels of both, each in the order of either; None where the orders disagree."""
    first, second = [level.key for level in one.levels], [level.key for level in other.levels]
    common = [key for key in first if key in second]
    if common != [key for key in second if key in first]:
        return None
    pieces = zip(_pieces(first, common), _pieces(second, common), [*common, None], strict=True)
    return [key for mine, theirs, key_after in pieces for key in (*mine, *theirs, key_after) if key is not None]


def _pieces(keys: Sequence[str], common: Sequence[str]) -> Iterator[list[str]]:
    """What stands before each of the common keys, and after the last."""
    cuts = [-1, *(keys.index(key) for key in common), len(keys)]
    return (list(keys[start + 1 : end]) for start, end in zip(cuts, chain(cuts[1:]), strict=False))
