"""Why rules hold, or do not: each comparison with whether it holds, since when, and when time alone will change that."""

from __future__ import annotations

from escalation_rules.conditions import BUILT_IN, Atom, atoms, normal
from escalation_rules.engine.machine import BITS, RuleCode, State, Tree
from escalation_rules.parts import Because, Reason
from escalation_rules.rules import Rule
from escalation_rules.wording import say, say_atom
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["why_not"]


def why_not(state: State) -> tuple[Reason, ...]:
    """Every rule with its comparisons, as they stand now, in the policy's order."""
    codes = {code.name: code for code in state.program.rules}
    return tuple(_reason(state, rule, codes[rule.name]) for rule in state.program.policy.all_rules)


def _reason(state: State, rule: Rule, code: RuleCode) -> Reason:
    because = [_place(state, rule)] if rule.at else []
    pairs = zip(atoms(normal(rule.when)), _numbers(code.own_tree), strict=True)
    because += [_because(state, atom, number) for atom, number in pairs]
    return Reason(rule=rule.name, to=rule.to, text=say(rule.when), because=tuple(because))


def _numbers(tree: Tree) -> list[int]:
    return [tree] if isinstance(tree, int) else [number for part in tree[1] for number in _numbers(part)]


def _place(state: State, rule: Rule) -> Because:
    places = [state.program.places[key] for key in rule.at]
    holds = any(state.level[track] == level for track, level in places)
    return Because(text=f"stands on {' or '.join(f'`{key}`' for key in rule.at)}", holds=holds)


def _because(state: State, atom: Atom, number: int) -> Because:
    comparison = state.program.comparisons[number]
    holds: bool | None = bool(state.truth >> number & 1)
    since = state.since[number] if comparison.seen is None else state.seen[comparison.seen]
    crossing = comparison.look(state)[1] if comparison.look else None
    changes = None if crossing is None else state.program.lines[crossing[0]].earliest(crossing[1])
    if not holds and _is_unknown(state, atom):
        holds = None
    return Because(
        text=say_atom(atom),
        holds=holds,
        since=datetime_of(since >> BITS) if holds and not comparison.silent else None,
        changes=None if changes is None else datetime_of(changes),
    )


def _is_unknown(state: State, atom: Atom) -> bool:
    if atom.fact == "priority":
        return state.rank < 0
    if atom.fact == "channel":
        return state.channel is None
    if atom.fact == "time_left":
        clock = state.latest.get(str(atom.of))
        return clock is None or clock.stopped is not None or clock.point is None
    return atom.fact not in BUILT_IN and state.facts.get(atom.fact) is None
