"""`Policy`: what an organisation decides beforehand, as data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Self

import tzdata
from holidays.version import __version__ as holidays_version
from pydantic import BeforeValidator, model_validator

from escalation_rules._values import Frozen, FrozenDict, Instant, InstantLike, Name, Several, Texts, Value
from escalation_rules.errors import InvalidValue, Problem, UnknownName, unknown
from escalation_rules.facts import Declared, Fact, OwnFact, at_level_for
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.picks import CalendarChoice, alternatives
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.validation import ALWAYS_ROLES, DeclaredNames, problems_of, twice
from escalation_rules.worktime import AnyCalendar, Rota

__all__ = ["MAIN", "Policy"]

MAIN = "main"
"""The key of the one track of a policy that names none."""


def _several(given: Any) -> Any:
    return (given,) if isinstance(given, str | Value | Fact) else given


class Policy(Value):
    """Levels (or tracks of levels), lowest first, with the rules and targets that move and time a case.

    `priorities` are named lowest first. `calendars` are named; `calendar` is the usual one, and may be left out when
    there is at most one (with none, time never stops). `facts` declares the policy's own facts with their domains.
    `roles` closes the vocabulary of roles when given; `customer` and `assignee` are always there. `rotas` says who of
    a role is on duty. Before `effective_from` no move is made and no action asked. Raises `InvalidValue` with every
    problem and its path into the policy.

    >>> from escalation_rules import EscalationLevel, Policy, Rule, facts as F
    >>> policy = Policy(
    ...     name="desk", version="1",
    ...     levels=(EscalationLevel(key="first"), EscalationLevel(key="second")),
    ...     rules=(Rule(name="too long", when=F.open_for >= "8 hours", to="second"),),
    ... )
    >>> policy.level("second").key
    'second'
    """

    name: Name
    version: str
    levels: Annotated[tuple[EscalationLevel, ...], BeforeValidator(_several)] = ()
    tracks: Annotated[tuple[Track, ...], BeforeValidator(_several)] = ()
    rules: Annotated[tuple[Rule, ...], BeforeValidator(_several)] = ()
    targets: Annotated[tuple[Target, ...], BeforeValidator(_several)] = ()
    calendars: Frozen[str, AnyCalendar] = FrozenDict()
    calendar: CalendarChoice = None
    priorities: tuple[str, ...] = ()
    facts: Annotated[tuple[Declared, ...], BeforeValidator(_several)] = ()
    roles: tuple[str, ...] = ()
    rotas: Frozen[str, Rota] = FrozenDict()
    effective_from: Instant | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            name: str,
            version: str,
            levels: Several[EscalationLevel] = (),
            tracks: Several[Track] = (),
            rules: Several[Rule] = (),
            targets: Several[Target] = (),
            calendars: Mapping[str, AnyCalendar] = {},
            calendar: CalendarChoice = None,
            priorities: Texts = (),
            facts: Several[Fact | OwnFact] = (),
            roles: Texts = (),
            rotas: Mapping[str, Rota] = {},
            effective_from: InstantLike | None = None,
        ) -> None: ...

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if problems := list(self._problems()):
            raise InvalidValue(*problems, subject=f"policy `{self.name}`")
        return self

    def _problems(self) -> Iterator[Problem]:
        if self.levels and self.tracks:
            yield Problem("both levels and tracks", path="levels", expected="one of them")
        if self.calendar is None and len(self.calendars) > 1:
            yield Problem("several calendars and none that is usual", path="calendar", expected="the name of one")
        tracks = self.all_tracks
        yield from twice("level", (level.key for level in self.all_levels), "levels")
        yield from twice("track", (track.key for track in tracks), "tracks")
        yield from twice("rule", (rule.name for rule in self.all_rules), "rules")
        yield from twice("priority", self.priorities, "priorities")
        yield from twice("fact", (fact.name for fact in self.facts), "facts")
        words = self.vocabulary
        for role in self.rotas:
            yield from words.role(role, f"rotas[{role}]")
        yield from problems_of(words, tracks, self.rules, self.targets, self.calendar)

    @cached_property
    def vocabulary(self) -> DeclaredNames:
        """The names that the policy declares."""
        return DeclaredNames(
            levels={level.key: track.key for track in self.all_tracks for level in track.levels},
            tracks=tuple(track.key for track in self.all_tracks),
            calendars=tuple(self.calendars),
            priorities=self.priorities,
            facts={fact.name: fact for fact in self.facts},
            roles=self.roles,
            targets=tuple(dict.fromkeys(target.key for target in self.all_targets)),
        )

    @property
    def usual_calendar(self) -> CalendarChoice:
        """The name (or pick) of the calendar that is used where nothing else is said; None where time never stops."""
        return next(iter(self.calendars), None) if self.calendar is None else self.calendar

    @cached_property
    def all_tracks(self) -> tuple[Track, ...]:
        """The tracks, whether named or made of `levels` alone."""
        return self.tracks or (Track(key=MAIN, levels=self.levels),)

    @cached_property
    def all_levels(self) -> tuple[EscalationLevel, ...]:
        """The levels of all tracks, in order."""
        return tuple(level for track in self.all_tracks for level in track.levels)

    @cached_property
    def all_rules(self) -> tuple[Rule, ...]:
        """The rules, and those that `escalate_after` stands for."""
        return (*self.rules, *(rule for track in self.all_tracks for rule in _timeouts(track)))

    @cached_property
    def roles_named(self) -> frozenset[str]:
        """The roles that the policy declares, or names anywhere."""
        levels = self.all_levels
        given = [role for level in levels for role in (level.owner, *level.alternates)]
        given += [target.owner for target in self.all_targets]
        given += [role for level in levels if level.circle for role in level.circle.roles]
        actions = [action for level in levels for action in level.on_entry]
        actions += [action for rule in self.rules for action in rule.then]
        given += [role for action in actions for _, role in action.roles_named()]
        return frozenset({*self.roles, *ALWAYS_ROLES, *(name for one in given for name in alternatives(one) if name)})

    @cached_property
    def all_targets(self) -> tuple[Target, ...]:
        """The policy's targets and its levels'."""
        return (*self.targets, *(target for level in self.all_levels for target in level.targets))

    @cached_property
    def fingerprint(self) -> str:
        """64 hex digits over the policy without rotas.

        And the versions of the time zones and holidays it is reckoned with. Equal policies have equal ones, in whatever
        order their mappings were written.
        """
        content = json.dumps(self.model_dump(mode="json", exclude={"rotas"}), sort_keys=True)
        return sha256("\n".join((content, tzdata.IANA_VERSION, holidays_version)).encode()).hexdigest()

    def level(self, key: str) -> EscalationLevel:
        """The level with this key. Raises `UnknownName`."""
        for level in self.all_levels:
            if level.key == key:
                return level
        raise UnknownName(unknown("level", key, [level.key for level in self.all_levels]))

    def track_of(self, key: str) -> Track:
        """The track that a level stands on. Raises `UnknownName`."""
        for track in self.all_tracks:
            if any(level.key == key for level in track.levels):
                return track
        raise UnknownName(unknown("level", key, [level.key for level in self.all_levels]))

    def with_rotas(self, rotas: Mapping[str, Rota]) -> Policy:
        """The same policy with other rotas, and so with the same fingerprint."""
        return self.model_copy(update={"rotas": rotas})

    def own_fact(self, name: str) -> OwnFact | None:
        """The declaration of one of the policy's own facts."""
        return next((fact for fact in self.facts if fact.name == name), None)


def _timeouts(track: Track) -> list[Rule]:
    return [
        Rule(
            name=f"{level.key} for too long",
            when=at_level_for(track.key) >= level.escalate_after,
            to=NEXT,
            track=track.key,
            at=(level.key,),
        )
        for level in track.levels
        if level.escalate_after is not None
    ]
