"""`diff`: what a changed policy changes, rule by rule and elsewhere, stricter or looser, with cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Literal

from escalation_rules._arguments import read_cases
from escalation_rules._values import Frozen, Instant, Value, fields_of
from escalation_rules.actions import Assign, RaisePriority
from escalation_rules.analysis.domains import Key, Space, scopes_of
from escalation_rules.analysis.report import Witness
from escalation_rules.analysis.solver import Formula, OutOfBudget, Solver, all_of, any_of
from escalation_rules.analysis.witnesses import CASE, start_of, stories, walk
from escalation_rules.analysis.workbench import BUDGET
from escalation_rules.case import Case
from escalation_rules.checklists import Checklist
from escalation_rules.conditions import atoms, normal
from escalation_rules.decision import levels_of
from escalation_rules.engine import decide, machine_of
from escalation_rules.fact_table import FACTS
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.picks import Pick
from escalation_rules.policy import Policy
from escalation_rules.program import program_of
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import Span
from escalation_rules.worktime._timeline import datetime_of

Verdict = Literal["equivalent", "stricter", "looser", "incomparable"]


class Change(Value):
    """One rule, level, target or setting that is not as it was.

    `verdict` is about this part alone, `witness` the simplest case that was found on which the two policies decide
    otherwise, if one was.
    """

    kind: Literal["rule", "level", "target", "policy"]
    name: str
    how: Literal["added", "removed", "changed"]
    verdict: Verdict
    message: str
    witness: Witness | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.how}, {self.verdict}: {self.message}"


class Row(Value):
    """A case under both policies: where it stands on each track, and when its last move fell due."""

    case: str
    at: Instant
    before: Frozen[str, str | None]
    after: Frozen[str, str | None]
    old_due_at: Instant | None = None
    new_due_at: Instant | None = None

    @property
    def differs(self) -> bool:
        """Whether it comes out otherwise."""
        return (self.before, self.old_due_at) != (self.after, self.new_due_at)


class Difference(Value):
    """What a change of a policy comes to, as a whole and part by part.

    `unfinished` says that the budget of steps ran out, so that the verdict is "incomparable" for want of a proof.
    """

    old: Policy
    new: Policy
    verdict: Verdict
    changes: tuple[Change, ...] = ()
    unfinished: bool = False

    def on(self, cases: Iterable[Case], *, at: datetime | None = None) -> tuple[Row, ...]:
        """The table of before and after: each case at `at` (an aware datetime), or else at its last event.

        Raises `InvalidValue` for what is not a case, and as `decide` does.
        """
        return tuple(_row(self.old, self.new, case, at or last) for case, last in read_cases(cases))

    def __str__(self) -> str:
        head = f"{self.old.name} {self.old.version} → {self.new.version}: {self.verdict}"
        return "\n".join([head, *(f"- {change}" for change in self.changes)])


def _row(old: Policy, new: Policy, case: Case, at: datetime) -> Row:
    before, after = decide(old, case, at=at), decide(new, case, at=at)
    dues = [max((move.due_at for move in one.moves if move.due_at), default=None) for one in (before, after)]
    return Row(
        case=case.id, at=at, before=levels_of(before), after=levels_of(after), old_due_at=dues[0], new_due_at=dues[1]
    )


def combined(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a whole, from those on its parts."""
    found = set(verdicts) - {"equivalent"}
    if not found:
        return "equivalent"
    return found.pop() if len(found) == 1 else "incomparable"


def verdict_of(at_least: bool, at_most: bool) -> Verdict:
    """From whether the new is at least as strict as the old, and whether it is at most so."""
    if at_least and at_most:
        return "equivalent"
    return "stricter" if at_least else "looser" if at_most else "incomparable"


class Merged:
    """The words of two policies in one, with every rule of both as a formula.

    Levels that only one of them has stand where they belong among the others.
    """

    def __init__(self, old: Policy, new: Policy, words: Policy) -> None:
        self.policies = (old, new)
        placed = {
            (side, rule.key): (rule, scope)
            for side, policy in enumerate(self.policies)
            for rule, scope in scopes_of(policy)
        }
        fresh: dict[Key, tuple[()]] = {_freshness(rule): () for rule, _ in placed.values() if rule.to == NEXT}
        guards = [(rule.unless, scope) for rule, scope in placed.values() if rule.unless is not None]
        self.space = Space(words, [*((rule.when, scope) for rule, scope in placed.values()), *guards], fresh)
        self._placed = placed
        self._holding: dict[tuple[int, str], Formula] = {}

    def holds(self, side: int, rule: Rule) -> Formula:
        """Where a rule holds; one to the next level also needs evidence, which only the same condition shares."""
        if (side, rule.key) not in self._holding:
            rule, scope = self._placed[side, rule.key]
            fresh = self.space.compare(_freshness(rule), "is", True) if rule.to == NEXT else True
            found = all_of((self.space.live, self.space.at(rule), fresh, self.space.of_rule(rule, scope)))
            self._holding[side, rule.key] = found
        return self._holding[side, rule.key]

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
        return level.if_nobody == "proceed" and (rule.checklist == "waived" or level.entry is None)

    def is_open(self, key: str) -> bool:
        """Whether in both policies nothing can hold back a move to a level."""
        levels = [level for policy in self.policies for level in policy.all_levels if level.key == key]
        return all(level.if_nobody == "proceed" and level.entry is None for level in levels)

    def wanted(self, side: int, rule: Rule, track: int, key: str | None) -> str | None:
        """The level that a rule asks for from another of its track."""
        place, (_, scope) = self.space.program.places, self._placed[side, rule.key]
        if rule.to is None or scope.track != track:
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


class PolicyPair:
    """Two policies, over one space where that is possible."""

    def __init__(self, old: Policy, new: Policy, budget: int) -> None:
        self.old, self.new, self.budget = old, new, budget
        self.both = merged(old, new)
        self.unfinished = False

    def compared(self, space: Space, before: Formula, after: Formula) -> Verdict:
        """Which of two formulas holds in more cases."""
        if before == after:
            return "equivalent"
        more = self.solution(space, after, space.negated(before)) is not None
        less = self.solution(space, before, space.negated(after)) is not None
        return verdict_of(not less, not more)

    def solution(self, space: Space, *parts: Formula) -> list[int] | None:
        """Cells in which all of these hold, taken to be somewhere when the budget runs out."""
        try:
            return Solver(space.sizes, self.budget).solve(space.possible(all_of(parts)))
        except OutOfBudget:
            self.unfinished = True
            return [axis.full for axis in space.axes]

    def witness(self, space: Space, *formulas: Formula) -> Witness | None:
        """A case in the cells of the first formula that gives one, on which the two policies decide otherwise."""
        for formula in formulas:
            domains = self.solution(space, formula)
            for case in stories(space, domains) if domains is not None else ():
                found = self.seen(case)
                if found is not None:
                    return found
        return None

    def seen(self, case: Case) -> Witness | None:
        """The first instant of a case at which the two policies decide otherwise."""
        instants = sorted(
            {state.now for policy in (self.old, self.new) for state in walk(machine_of(policy), case, _CROSSINGS)}
        )
        for instant in map(datetime_of, instants):
            if _answer(self.old, case, instant) != _answer(self.new, case, instant):
                return Witness(case=case, at=instant)
        return None


_CROSSINGS = 6


def _answer(policy: Policy, case: Case, at: datetime) -> tuple[Any, ...]:
    """What people see of a decision."""
    found = decide(policy, case, at=at)
    return (
        levels_of(found),
        tuple((move.to, move.due_at, move.owner) for move in found.moves),
        tuple((one.move.to, one.missing, one.objections) for one in found.blocked),
        tuple(one.action for one in found.actions),
        tuple((one.target, one.due_at, one.outcome) for one in (*found.deadlines, *found.stopped_deadlines)),
        tuple((one.kind, one.what) for one in found.worklist),
    )


# ---------------------------------------------------------------------------- levels
def levels_changed(comparison: PolicyPair) -> Iterator[Change]:
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
                    verdict=combined(verdicts.values()),
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
    return verdict_of(one <= other, other <= one)


_CHECKLISTS: dict[str, Callable[[Any, Any], Verdict]] = {
    "entry": lambda before, after: _more(after, before),
    "work": _more,
    "de_escalation": _more,
}


def _at_level(comparison: PolicyPair, key: str) -> Witness | None:
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
def targets_changed(comparison: PolicyPair) -> Iterator[Change]:
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


def changed_targets(comparison: PolicyPair) -> dict[tuple[str | None, str], tuple[Targets, Targets]]:
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


def _timed(comparison: PolicyPair, level: str | None, one: tuple[Target, ...], other: tuple[Target, ...]) -> Verdict:
    if not one or not other:
        return "looser" if one else "stricter"
    if len(one) != len(other):
        return "incomparable"
    return combined(_one_target(comparison, level, *pair) for pair in zip(one, other, strict=True))


def _one_target(comparison: PolicyPair, level: str | None, one: Target, other: Target) -> Verdict:
    if one.model_copy(update={"within": other.within, "pause_on": other.pause_on, "owner": other.owner}) != other:
        return "incomparable"
    pauses = _waits(one, other)
    owner: Verdict = "equivalent" if one.owner == other.owner else "incomparable"
    return combined([pauses, owner, _spans(comparison, level, one, other)])


def _spans(comparison: PolicyPair, level: str | None, one: Target, other: Target) -> Verdict:
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
    return verdict_of(after <= before, before <= after) if scale == other_scale else "incomparable"


def _waits(one: Target, other: Target) -> Verdict:
    """A target that pauses for fewer parties is stricter; picks of parties are compared only for being equal."""
    if one.pause_on == other.pause_on:
        return "equivalent"
    if isinstance(one.pause_on, Pick) or isinstance(other.pause_on, Pick):
        return "incomparable"
    was, now = set(one.pause_on), set(other.pause_on)
    return verdict_of(now <= was, was <= now)


def _on_the_clock(comparison: PolicyPair, level: str | None) -> Witness | None:
    """A case whose clock runs otherwise, of whatever priority."""
    keys = [[None, *(one.key for one in policy.all_levels)] for policy in (comparison.old, comparison.new)]
    for priority in comparison.old.priorities or (None,):
        if all(level in known for known in keys):
            found = comparison.seen(Case(CASE, (start_of(comparison.old, priority=priority, level=level),)))
            if found is not None:
                return found
    return None


# ---------------------------------------------------------------------------- settings
def settings_changed(comparison: PolicyPair) -> Iterator[Change]:
    """What holds for a policy as a whole."""
    old, new = comparison.old, comparison.new
    for name in ("calendars", "calendar", "priorities", "effective_from", "backlog"):
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


# Stricter means: wherever the old policy takes a case to a level, the new one takes it there or higher, as freely; no
# target allows more, nothing is asked less. Rules are compared over the cells of both policies at once, so that rules
# written otherwise may come out equivalent.


def diff(old: Policy, new: Policy, *, budget: int = BUDGET) -> Difference:
    """Compare two policies: equivalent, stricter, looser or incomparable, with the simplest case for each change.

    Names, versions, titles and rotas do not count. Like `check`, it speaks of cases that nobody has taken down and
    whose moves nobody has declined. Each question may take `budget` steps.

    >>> from escalation_rules import EscalationLevel, Policy, Rule, facts as F
    >>> old = Policy(
    ...     name="desk", version="1",
    ...     levels=(EscalationLevel(key="first"), EscalationLevel(key="manager")),
    ...     rules=(Rule(key="late", when=F.open_for >= "8 hours", to="manager"),),
    ... )
    >>> new = old.model_copy(update={
    ...     "version": "2", "rules": (Rule(key="late", when=F.open_for >= "4 hours", to="manager"),),
    ... })
    >>> print(diff(old, new))
    desk 1 → 2: stricter
    - rule late changed, stricter: it holds wherever it did, and in more cases
    >>> witness = diff(old, new).changes[0].witness
    >>> witness.decide(old).positions["main"].level, witness.decide(new).positions["main"].level
    ('first', 'manager')
    """
    return _Whole(old, new, budget).difference()


class _Whole(PolicyPair):
    """The comparison of everything in two policies."""

    def difference(self) -> Difference:
        changes = [*self._rules(), *levels_changed(self), *targets_changed(self), *settings_changed(self)]
        parts = [change.verdict for change in changes if change.kind != "rule"]
        verdict = combined([*parts, self._reach(), _asked(self.old, self.new)])
        return Difference(
            old=self.old, new=self.new, verdict=verdict, changes=tuple(changes), unfinished=self.unfinished
        )

    def _reach(self) -> Verdict:
        """How far the rules take cases, all together."""
        if self.both is None:
            return "incomparable" if _moving(self.old) != _moving(self.new) else "equivalent"
        return combined([*self._reaches(self.both), *self._by_targets()])

    def _by_targets(self) -> Iterator[Verdict]:
        """A rule that looks at a target is another rule where the target is another."""
        changed = {key for _, key in changed_targets(self)}
        rules = (rule for policy in (self.old, self.new) for rule in policy.all_rules)
        if any(atom.of in changed for rule in rules for atom in atoms(rule.when) if atom.fact in _OF_TARGETS):
            yield "incomparable"

    def _reaches(self, both: Merged) -> Iterator[Verdict]:
        """For each level, and each above it, whether one policy takes cases there as the other does.

        What it asks for, the other must ask for too, or grant that level or a higher one.
        """
        for track in both.tracks():
            for key in both.shared(track):
                here = both.stands(track, key)
                for to in both.above(track, key):
                    asked = [all_of((here, both.asked(side, track, key, to))) for side in (0, 1)]
                    granted = [all_of((here, both.granted(side, track, key, to))) for side in (0, 1)]
                    yield self.compared(both.space, *granted)
                    if both.is_open(to):
                        continue
                    met = [any_of((asked[side], granted[side])) for side in (0, 1)]
                    more = self.solution(both.space, asked[1], both.space.negated(met[0])) is not None
                    less = self.solution(both.space, asked[0], both.space.negated(met[1])) is not None
                    yield verdict_of(not less, not more)

    def _rules(self) -> Iterator[Change]:
        before = {rule.key: rule for rule in self.old.all_rules}
        after = {rule.key: rule for rule in self.new.all_rules}
        for name in dict.fromkeys((*before, *after)):
            one, other = before.get(name), after.get(name)
            if one != other:
                yield self._rule(name, one, other)

    def _rule(self, name: str, one: Rule | None, other: Rule | None) -> Change:
        how: Any = "added" if one is None else "removed" if other is None else "changed"
        if self.both is None:
            return Change(kind="rule", name=name, how=how, verdict="incomparable", message=_OTHER_WORDS)
        sides = [self._holds(self.both, side, rule) for side, rule in enumerate((one, other))]
        verdict = self.compared(self.both.space, *sides)
        verdict = combined([verdict, *_besides(one, other)])
        apart = any_of(
            (
                all_of((sides[0], self.both.space.negated(sides[1]))),
                all_of((sides[1], self.both.space.negated(sides[0]))),
            )
        )
        return Change(
            kind="rule",
            name=name,
            how=how,
            verdict=verdict,
            message=_TOLD[verdict],
            witness=self.witness(self.both.space, apart, any_of(sides)),
        )

    def _holds(self, both: Merged, side: int, rule: Rule | None) -> Formula:
        return False if rule is None else both.holds(side, rule)


_OF_TARGETS = {name for name, row in FACTS.items() if row.about == "target"}
_OTHER_WORDS = "the two policies do not use the same words: levels, priorities, facts or calendars differ"
_TOLD: dict[Verdict, str] = {
    "equivalent": "it holds in the same cases, and does the same",
    "stricter": "it holds wherever it did, and in more cases",
    "looser": "it holds in fewer cases, and in no others",
    "incomparable": "it holds in other cases, or does something else",
}


def _besides(one: Rule | None, other: Rule | None) -> Iterator[Verdict]:
    """What a rule does where it holds: only the same can be compared."""
    if one is not None and other is not None:
        same = (one.to, one.then, one.track, one.checklist) == (other.to, other.then, other.track, other.checklist)
        yield "equivalent" if same else "incomparable"


def _moving(policy: Policy) -> set[Rule]:
    return {rule for rule in policy.all_rules if rule.to is not None}


def _asked(old: Policy, new: Policy) -> Verdict:
    """Which actions rules ask for. Those that change the case may help one rule and hinder another."""
    before, after = (
        {
            (rule.when, rule.unless, rule.at_level, rule.track, rule.calendar, action)
            for rule in policy.all_rules
            for action in rule.then
        }
        for policy in (old, new)
    )
    if any(isinstance(one[-1], RaisePriority | Assign) for one in before ^ after):
        return "incomparable"
    return verdict_of(before <= after, after <= before)
