"""`Policy`: what an organisation decides beforehand, as data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import tzdata
from holidays.version import __version__ as holidays_version
from pydantic import BeforeValidator, model_validator

from escalation_rules._values import Frozen, FrozenDict, Instant, InstantLike, Name, Several, Texts, Value
from escalation_rules.checklists import Checklist, ChecklistLike, OptionalChecklist, merged, read_checklist
from escalation_rules.conditions import OptionalCondition
from escalation_rules.errors import InvalidValue, Problem, UnknownName, unknown
from escalation_rules.facts import ConditionLike, Declared, Fact, OwnFact, at_level_for
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.picks import RESERVED, CalendarChoice, alternatives
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.validation import ALWAYS_ROLES, DeclaredNames, guard_problems, problems_of, twice
from escalation_rules.worktime import AnyCalendar, BusinessCalendar, Rota
from escalation_rules.worktime._timeline import CONTINUOUS

__all__ = ["ALWAYS", "MAIN", "Policy"]

MAIN = "main"
"""The key of the one track of a policy that names none."""


ALWAYS = "always"
"""The name of the calendar that every policy has: open all the time, in the zone of the usual calendar."""


def _several(given: Any) -> Any:
    return (given,) if isinstance(given, str | Value | Fact) else given


def _checklists(given: Any) -> Any:
    """Checklists by name, each from whatever stands for one; each knows its name."""
    if not isinstance(given, Mapping):
        return given
    read = {name: read_checklist(one) for name, one in given.items()}
    return {
        name: one.model_copy(update={"name": name}) if isinstance(one, Checklist) else {**one, "name": name}
        for name, one in read.items()
    }


def _priorities(given: Any) -> Any:
    """Priorities lowest first, from a tuple or from a text such as `P1 > P2 > P3` or `low < normal < high`."""
    if not isinstance(given, str):
        return given
    if "<" in given and ">" in given:
        raise InvalidValue(
            Problem("priorities in both directions", given, expected="only `>` or only `<` between them")
        )
    names = [name.strip() for name in given.replace(">", "<").split("<")]
    if not all(names):
        raise InvalidValue(Problem("a priority without a name", given, expected="such as `P1 > P2 > P3`"))
    return tuple(reversed(names)) if ">" in given else tuple(names)


class Policy(Value):
    """Levels (or tracks of levels), lowest first, with the rules and targets that move and time a case.

    `priorities` is a text such as `"P1 > P2 > P3"` or `"low < normal < high"`, or a tuple, lowest first. `calendars`
    are named; `calendar` is the usual one, or a pick of such names, and may be left out when there is at most one (with
    none, time never stops). The calendar `always` is built in, in the zone of the usual calendar. `checklists` are
    named, and levels may name them. `de_escalation` is asked before any case goes down, beside the track's and the
    level's own. `facts` declares the policy's own facts with their domains.
    `roles` closes the vocabulary of roles when given; `customer` and `assignee` are always there. `rotas` says who of
    a role is on duty. While `rules_unless` is true, no rule moves a case or asks for anything; warnings, breaches and
    clocks go on. Before `effective_from` no move is made and no action asked; what happened before it is passed over
    for good, or with `backlog="include"` counts and is due at it. Raises `InvalidValue` with every
    problem and its path into the policy.

    >>> from escalation_rules import EscalationLevel, Policy, Rule, facts as F
    >>> policy = Policy(
    ...     name="desk", version="1",
    ...     levels=(EscalationLevel(key="first"), EscalationLevel(key="second")),
    ...     rules=(Rule(key="too long", when=F.open_for >= "8 hours", to="second"),),
    ... )
    >>> policy.level("second").key
    'second'
    """

    positional: ClassVar[int | None] = 1
    name: Name
    version: str
    levels: Annotated[tuple[EscalationLevel, ...], BeforeValidator(_several)] = ()
    tracks: Annotated[tuple[Track, ...], BeforeValidator(_several)] = ()
    rules: Annotated[tuple[Rule, ...], BeforeValidator(_several)] = ()
    targets: Annotated[tuple[Target, ...], BeforeValidator(_several)] = ()
    calendars: Frozen[str, AnyCalendar] = FrozenDict()
    calendar: CalendarChoice = None
    checklists: Annotated[Frozen[str, Checklist], BeforeValidator(_checklists)] = FrozenDict()
    de_escalation: OptionalChecklist = None
    priorities: Annotated[tuple[str, ...], BeforeValidator(_priorities)] = ()
    facts: Annotated[tuple[Declared, ...], BeforeValidator(_several)] = ()
    roles: tuple[str, ...] = ()
    rotas: Frozen[str, Rota] = FrozenDict()
    rules_unless: OptionalCondition = None
    effective_from: Instant | None = None
    backlog: Literal["ignore", "include"] = "ignore"

    if TYPE_CHECKING:

        def __init__(
            self,
            name: str,
            *,
            version: str,
            levels: Several[EscalationLevel] = (),
            tracks: Several[Track] = (),
            rules: Several[Rule] = (),
            targets: Several[Target] = (),
            calendars: Mapping[str, AnyCalendar] = {},
            calendar: CalendarChoice | Mapping[str, Any] = None,
            checklists: Mapping[str, ChecklistLike] = {},
            de_escalation: ChecklistLike | None = None,
            priorities: Texts | str = (),
            facts: Several[Fact | OwnFact] = (),
            roles: Texts = (),
            rotas: Mapping[str, Rota] = {},
            rules_unless: ConditionLike | None = None,
            effective_from: InstantLike | None = None,
            backlog: Literal["ignore", "include"] = "ignore",
        ) -> None: ...

    @model_validator(mode="after")
    def _sound(self) -> Self:
        self._resolve_checklists()
        if problems := list(self._problems()):
            raise InvalidValue(*problems, subject=f"policy `{self.name}`")
        return self

    def _resolve_checklists(self) -> None:
        """Replace the names of checklists by the checklists, before anything reads them."""
        problems: list[Problem] = []

        def found(checklist: Checklist | None, path: str) -> Checklist | None:
            if checklist is None or checklist.name is None or checklist.items:
                return checklist
            if checklist.name not in self.checklists:
                problems.append(unknown("checklist", checklist.name, self.checklists, path))
            return self.checklists.get(checklist.name, checklist)

        def level(one: EscalationLevel, path: str) -> EscalationLevel:
            names = ("entry", "work", "de_escalation")
            changed = {name: found(getattr(one, name), f"{path}.{name}") for name in names}
            same = all(getattr(one, name) is value for name, value in changed.items())
            return one if same else one.model_copy(update=changed)

        def track(one: Track, path: str) -> Track:
            levels = tuple(level(each, f"{path}.levels[{each.key}]") for each in one.levels)
            own = found(one.de_escalation, f"{path}.de_escalation")
            same = own is one.de_escalation and all(a is b for a, b in zip(levels, one.levels, strict=True))
            return one if same else one.model_copy(update={"levels": levels, "de_escalation": own})

        self.__dict__["levels"] = tuple(level(one, f"levels[{one.key}]") for one in self.levels)
        self.__dict__["tracks"] = tuple(track(one, f"tracks[{one.key}]") for one in self.tracks)
        self.__dict__["de_escalation"] = found(self.de_escalation, "de_escalation")
        if problems:
            raise InvalidValue(*problems, subject=f"policy `{self.name}`")

    def _problems(self) -> Iterator[Problem]:
        for name in sorted({*self.priorities} & {*RESERVED}):
            yield Problem("reserved name for a priority", name, path="priorities", expected="another name")
        own = self.calendars.get(ALWAYS)
        if own is not None and own.line is not CONTINUOUS:
            yield Problem("reserved name for a calendar", ALWAYS, path="calendars", expected="one that never closes")
        if self.levels and self.tracks:
            yield Problem("both levels and tracks", path="levels", expected="one of them")
        if self.calendar is None and len(self.calendars) > 1:
            yield Problem("several calendars and none that is usual", path="calendar", expected="the name of one")
        tracks = self.all_tracks
        # rule 20: keys of levels are unique in the policy, so a level implies its track
        yield from twice("level", (level.key for level in self.all_levels), "levels")
        yield from twice("track", (track.key for track in tracks), "tracks")
        yield from twice("rule", (rule.key for rule in self.all_rules), "rules")
        yield from twice("priority", self.priorities, "priorities")
        yield from twice("fact", (fact.name for fact in self.facts), "facts")
        words = self.vocabulary
        # rule 26: a role without a rota is on duty, so a rota for a misspelt role would put nobody off duty
        named = self.roles_named
        for role in self.rotas:
            if role not in named:
                yield unknown("role", role, sorted(named), f"rotas[{role}]")
        yield from problems_of(words, tracks, self.rules, self.targets, self.calendar)
        yield from guard_problems(words, self.rules_unless, "rules_unless")

    @cached_property
    def vocabulary(self) -> DeclaredNames:
        """The names that the policy declares."""
        return DeclaredNames(
            levels={level.key: track.key for track in self.all_tracks for level in track.levels},
            tracks=tuple(track.key for track in self.all_tracks),
            calendars=tuple(self.all_calendars),
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
    def all_calendars(self) -> Mapping[str, AnyCalendar]:
        """The named calendars, and `always`, which is in the zone of the usual calendar unless declared."""
        names = [name for name in alternatives(self.usual_calendar) if name in self.calendars and name != ALWAYS]
        zone = self.calendars[names[0]].timezone if names else "UTC"
        return FrozenDict({ALWAYS: BusinessCalendar.always(zone), **self.calendars})

    @cached_property
    def all_tracks(self) -> tuple[Track, ...]:
        """The tracks, whether named or made of `levels` alone; each level with all items of de-escalation (rule 25)."""
        tracks = self.tracks or (Track(key=MAIN, levels=self.levels),)
        return tuple(track.model_copy(update={"levels": self._levels_of(track)}) for track in tracks)

    def _levels_of(self, track: Track) -> tuple[EscalationLevel, ...]:
        if self.de_escalation is None and track.de_escalation is None:
            return track.levels
        return tuple(
            # rule 25: de-escalation needs the checklists of the level, its track and the policy
            level.model_copy(
                update={"de_escalation": merged(level.de_escalation, track.de_escalation, self.de_escalation)}
            )
            for level in track.levels
        )

    @cached_property
    def all_levels(self) -> tuple[EscalationLevel, ...]:
        """The levels of all tracks, in order."""
        return tuple(level for track in self.all_tracks for level in track.levels)

    @cached_property
    def all_rules(self) -> tuple[Rule, ...]:
        """The rules, and those that `escalate_after` stands for, each with `rules_unless` beside its own `unless`."""
        rules = (*self.rules, *(rule for track in self.all_tracks for rule in _timeouts(track)))
        guard = self.rules_unless
        if guard is None:
            return rules
        return tuple(
            rule.model_copy(update={"unless": guard if rule.unless is None else rule.unless | guard}) for rule in rules
        )

    @cached_property
    def roles_named(self) -> frozenset[str]:
        """The roles that the policy declares, or names anywhere."""
        levels = self.all_levels
        given = [role for level in levels for role in (level.owner, *level.alternates)]
        given += [target.owner for target in self.all_targets]
        given += [role for level in levels for role in level.inside]
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

        It covers the versions of the time zones and holidays that are installed, too. It does not depend on the order
        of rules, of targets with different keys, of facts, of roles, or of any mapping.
        """
        data = self.model_dump(mode="json", exclude={"rotas"})
        data["rules"].sort(key=lambda rule: rule["key"])
        data["facts"].sort(key=lambda fact: fact["name"])
        data["roles"].sort()
        levels = [*data["levels"], *(level for track in data["tracks"] for level in track["levels"])]
        for owner in (data, *levels):
            owner["targets"].sort(key=lambda target: target["key"])
        content = json.dumps(data, sort_keys=True)
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
            key=f"{level.key} for too long",
            when=at_level_for(track.key) >= level.escalate_after,
            to=NEXT,
            track=track.key,
            at_level=(level.key,),
        )
        for level in track.levels
        if level.escalate_after is not None
    ]
