"""Is a policy sound in itself? Every name must be declared and every key unique; all problems are found in one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from escalation_rules.actions import Action, RaisePriority
from escalation_rules.checklists import Checklist
from escalation_rules.conditions import STATUSES, Atom, Condition, atoms
from escalation_rules.errors import Problem, unknown
from escalation_rules.fact_table import FACTS
from escalation_rules.facts import OwnFact
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.picks import Pick, alternatives
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import Span

ALWAYS_ROLES = ("customer", "assignee")
"""Roles that every policy knows."""

Problems = Iterator[Problem]


@dataclass(frozen=True)
class DeclaredNames:
    """The names that a policy declares, and what each kind of name may be used for."""

    levels: Mapping[str, str]
    tracks: tuple[str, ...]
    calendars: tuple[str, ...]
    priorities: tuple[str, ...]
    facts: Mapping[str, OwnFact]
    roles: tuple[str, ...]
    targets: tuple[str, ...]

    # rule 29: unknown names are refused, with the nearest known one
    def level(self, key: object, path: str) -> Problems:
        """A level's key must be one of the policy's."""
        if key not in self.levels:
            yield unknown("level", key, self.levels, path)

    def track(self, key: object, path: str) -> Problems:
        """A track's key, if given, must be one of the policy's."""
        if key is not None and key not in self.tracks:
            yield unknown("track", key, self.tracks, path)

    def priority(self, name: object, path: str) -> Problems:
        """A priority must be one of the policy's."""
        if name not in self.priorities:
            yield unknown("priority", name, self.priorities, path)

    def role(self, given: object, path: str) -> Problems:
        """A role, or each that a pick may give, must be known where the policy closes the vocabulary."""
        yield from self.pick(given, path)
        known = (*self.roles, *ALWAYS_ROLES)
        for name in alternatives(given):
            if isinstance(name, Span):
                yield Problem("not a role", str(name), path=path, expected="a role, or a pick of roles")
            elif self.roles and name is not None and name not in known:
                yield unknown("role", name, known, path)

    def calendar(self, given: object, path: str) -> Problems:
        """A calendar, or each that a pick may give, must be one of the policy's."""
        yield from self.pick(given, path)
        for name in alternatives(given):
            if name is not None and name not in self.calendars:
                yield unknown("calendar", name, self.calendars, path)

    def pick(self, given: object, path: str) -> Problems:
        """A pick depends on the priority, a choice fact or a flag, and names only values that these can have."""
        if not isinstance(given, Pick):
            return
        for name, value in given.values.items():
            yield from self.pick(value, f"{path}.values[{name}]")
        yield from self.pick(given.otherwise, f"{path}.otherwise")
        if given.by == "priority":
            for name in given.values:
                yield from self.priority(name, f"{path}.values")
            return
        fact = self.facts.get(given.by)
        if fact is None or fact.kind not in {"choice", "flag"}:
            names = [name for name, one in self.facts.items() if one.kind in {"choice", "flag"}]
            yield unknown("choice fact or flag", given.by, ["priority", *names], f"{path}.by")
            return
        known = fact.values if fact.kind == "choice" else ("true", "false", "yes", "no")
        for name in given.values:
            if name not in known:
                yield unknown(f"value of `{fact.name}`", name, known, f"{path}.values")


def problems_of(
    words: DeclaredNames, tracks: Iterable[Track], rules: Iterable[Rule], targets: Iterable[Target], calendar: object
) -> Problems:
    """What is wrong with the parts of a policy, each problem with its path."""
    yield from words.calendar(calendar, "calendar")
    for track in tracks:
        path = f"tracks[{track.key}]"
        yield from words.calendar(track.calendar, f"{path}.calendar")
        for level in track.levels:
            yield from _level_problems(words, level, f"levels[{level.key}]")
    for rule in rules:
        yield from _rule_problems(words, rule, f"rules[{rule.key}]")
    for index, target in enumerate(targets):
        yield from _target_problems(words, target, f"targets[{index}]")


def twice(kind: str, names: Iterable[str], path: str) -> Problems:
    """Names that should be unique and are not."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield Problem(f"{kind} named twice", name, path=path)
        seen.add(name)


def _level_problems(words: DeclaredNames, level: EscalationLevel, path: str) -> Problems:
    if level.key == NEXT:
        yield Problem("reserved name for a level", NEXT, path=f"{path}.key", expected="another key")
    yield from words.role(level.owner, f"{path}.owner")
    for index, role in enumerate(level.alternates):
        yield from words.role(role, f"{path}.alternates[{index}]")
    yield from words.pick(level.escalate_after, f"{path}.escalate_after")
    yield from words.pick(level.min_stay, f"{path}.min_stay")
    for role in level.inside:
        yield from words.role(role, f"{path}.counterparts")
    for index, target in enumerate(level.targets):
        yield from _target_problems(words, target, f"{path}.targets[{index}]")
    yield from _action_problems(words, level.on_entry, f"{path}.on_entry")
    checklists: list[Checklist] = [one for one in (level.entry, level.work, level.de_escalation) if one]
    yield from twice("item", [key for one in checklists for key in one.keys], f"{path}.checklists")
    for item in (item for one in checklists for item in one.items):
        yield from words.pick(item.valid_for, f"{path}.checklists[{item.key}].valid_for")


def _rule_problems(words: DeclaredNames, rule: Rule, path: str) -> Problems:
    if rule.to == NEXT:
        yield from _next_problems(words, rule, f"{path}.to")
    elif rule.to is not None:
        yield from words.level(rule.to, f"{path}.to")
    yield from words.track(rule.track, f"{path}.track")
    own_track = words.levels.get(rule.to or "")
    if rule.track is not None and own_track is not None and rule.track != own_track:
        yield Problem(
            "track other than the level's", rule.track, path=f"{path}.track", expected=f"`{own_track}` or none"
        )
    for index, key in enumerate(rule.at_level):
        yield from words.level(key, f"{path}.at_level[{index}]")
    yield from words.calendar(rule.calendar, f"{path}.calendar")
    yield from _condition_problems(words, rule.when, f"{path}.when")
    yield from guard_problems(words, rule.unless, f"{path}.unless")
    yield from _action_problems(words, rule.then, f"{path}.then")


def guard_problems(words: DeclaredNames, unless: Condition | None, path: str) -> Problems:
    """What is wrong with the guard of a rule, or of all rules."""
    if unless is not None:
        yield from _condition_problems(words, unless, path)


def _next_problems(words: DeclaredNames, rule: Rule, path: str) -> Problems:
    """The next level is one of the named track's, of the track of `at`, or of the first."""
    named = {words.levels.get(key) for key in rule.at_level}
    track = rule.track or (named.pop() if len(named) == 1 else words.tracks[0])
    if track in words.tracks and track not in words.levels.values():
        yield Problem("no next level on the track", track, path=path, expected="a track that has levels")


def _target_problems(words: DeclaredNames, target: Target, path: str) -> Problems:
    yield from words.pick(target.within, f"{path}.within")
    yield from words.pick(target.pause_on, f"{path}.pause_on")
    yield from words.calendar(target.calendar, f"{path}.calendar")
    yield from words.role(target.owner, f"{path}.owner")
    if target.when is not None:
        yield from _condition_problems(words, target.when, f"{path}.when")
        for atom in atoms(target.when):
            # rules 16 and 32: a target's `when` sees state, never deadlines or durations
            if atom.kind in {"duration", "share", "outcome"} or (atom.fact in FACTS and FACTS[atom.fact].is_timed):
                yield Problem(f"`{atom!r}` in a target's condition", path=f"{path}.when", expected="state, not time")


def _action_problems(words: DeclaredNames, actions: Iterable[Action], path: str) -> Problems:
    for index, action in enumerate(actions):
        here = f"{path}[{index}]"
        for field, role in action.roles_named():
            yield from words.role(role, f"{here}.{field}")
        if isinstance(action, RaisePriority) and not (action.to == NEXT and words.priorities):
            yield from words.priority(action.to, f"{here}.to")


def _condition_problems(words: DeclaredNames, condition: Condition, path: str) -> Problems:
    for atom in atoms(condition):
        yield from words.calendar(atom.calendar, f"{path}.{atom.fact}")
        yield from words.pick(atom.value, f"{path}.{atom.fact}")
        if atom.fact in FACTS:
            yield from _built_in_problems(words, atom, f"{path}.{atom.fact}")
        else:
            yield from _own_fact_problems(words, atom, path)


def _built_in_problems(words: DeclaredNames, atom: Atom, path: str) -> Problems:
    argument = FACTS[atom.fact].about
    if argument == "track":
        yield from words.track(atom.of, path)
    elif argument == "target" and atom.of not in words.targets:
        yield unknown("target", atom.of, words.targets, path)
    elif argument == "" and atom.of is not None:
        yield Problem(f"`{atom.fact}` asked about", atom.of, path=path, expected="no argument")
    checks: Any = {"priority": words.priority, "level": words.level}.get(atom.fact)
    for value in _constants(atom):
        if checks:
            yield from checks(value, path)
        elif atom.fact == "status" and value not in STATUSES:
            yield unknown("status", value, STATUSES, path)


def _own_fact_problems(words: DeclaredNames, atom: Atom, path: str) -> Problems:
    fact = words.facts.get(atom.fact)
    if fact is None:
        yield unknown("fact", atom.fact, [*words.facts, *FACTS], path)
    elif fact.kind != atom.kind:
        yield Problem(f"`{atom.fact}` is no {atom.kind} but a {fact.kind}", path=path)
    elif fact.kind == "choice":
        for value in _constants(atom):
            if value not in fact.values:
                yield unknown(f"value of `{fact.name}`", value, fact.values, f"{path}.{fact.name}")


def _constants(atom: Atom) -> tuple[Any, ...]:
    return atom.value if isinstance(atom.value, tuple) else (atom.value,)
