"""`diff`: what a changed policy changes, and whether it is stricter or looser.

Stricter means: wherever the old policy takes a case to a level, the new one takes it there or higher, as freely; no
target allows more, nothing is asked less. Rules are compared over the cells of both policies at once, so that rules
written otherwise may come out equivalent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from escalation_rules.actions import Assign, SetPriority
from escalation_rules.analysis.changes import Change, Difference, Verdict, joined, ordered
from escalation_rules.analysis.comparing import Comparison
from escalation_rules.analysis.diff import changed_targets, levels_changed, settings_changed, targets_changed
from escalation_rules.analysis.merging import Merged
from escalation_rules.analysis.solver import Formula, all_of, any_of
from escalation_rules.analysis.workbench import BUDGET
from escalation_rules.conditions import atoms
from escalation_rules.policy import Policy
from escalation_rules.rules import Rule

__all__ = ["diff"]


def diff(old: Policy, new: Policy, *, budget: int = BUDGET) -> Difference:
    """Compare two policies: equivalent, stricter, looser or incomparable, with the simplest case for each change.

    Names, versions, titles and rotas do not count. Like `check`, it speaks of cases that nobody has taken down and
    whose moves nobody has declined. Each question may take `budget` steps.

    >>> from escalation_rules import EscalationLevel, Policy, Rule, facts as F
    >>> old = Policy(
    ...     name="desk", version="1",
    ...     levels=(EscalationLevel(key="first"), EscalationLevel(key="manager")),
    ...     rules=(Rule(name="late", when=F.open_for >= "8 hours", to="manager"),),
    ... )
    >>> new = old.model_copy(update={
    ...     "version": "2", "rules": (Rule(name="late", when=F.open_for >= "4 hours", to="manager"),),
    ... })
    >>> print(diff(old, new))
    desk 1 → 2: stricter
    - rule late changed, stricter: it holds wherever it did, and in more cases
    >>> witness = diff(old, new).changes[0].witness
    >>> witness.decide(old).levels["main"], witness.decide(new).levels["main"]
    ('first', 'manager')
    """
    return _Whole(old, new, budget).difference()


class _Whole(Comparison):
    """The comparison of everything in two policies."""

    def difference(self) -> Difference:
        changes = [*self._rules(), *levels_changed(self), *targets_changed(self), *settings_changed(self)]
        parts = [change.verdict for change in changes if change.kind != "rule"]
        verdict = joined([*parts, self._reach(), _asked(self.old, self.new)])
        return Difference(
            old=self.old, new=self.new, verdict=verdict, changes=tuple(changes), unfinished=self.unfinished
        )

    def _reach(self) -> Verdict:
        """How far the rules take cases, all together."""
        if self.both is None:
            return "incomparable" if _moving(self.old) != _moving(self.new) else "equivalent"
        return joined([*self._reaches(self.both), *self._by_targets()])

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
                    yield ordered(not less, not more)

    def _rules(self) -> Iterator[Change]:
        before = {rule.name: rule for rule in self.old.all_rules}
        after = {rule.name: rule for rule in self.new.all_rules}
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
        verdict = joined([verdict, *_besides(one, other)])
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


_OF_TARGETS = {"deadline", "used", "past_due", "time_left"}
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
        {(rule.when, rule.at, rule.track, rule.calendar, action) for rule in policy.all_rules for action in rule.then}
        for policy in (old, new)
    )
    if any(isinstance(one[-1], SetPriority | Assign) for one in before ^ after):
        return "incomparable"
    return ordered(before <= after, after <= before)
