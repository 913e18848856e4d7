"""Why rules hold, or do not.

Each comparison with whether it holds, since when, and when time alone will change that.
"""

from __future__ import annotations

from collections.abc import Iterator

from escalation_rules.conditions import BUILT_IN, Atom, atoms, normal
from escalation_rules.decision import Because, Reason
from escalation_rules.engine.model import BITS, LONG_AGO
from escalation_rules.engine.rules import evidence, leaves, tree_holds, was_answered
from escalation_rules.engine.state import RuleCode, State
from escalation_rules.explain import say, say_atom
from escalation_rules.rules import Rule
from escalation_rules.worktime._timeline import datetime_of

__all__ = ["why_not"]


def why_not(state: State) -> tuple[Reason, ...]:
    """Every rule with its comparisons, as they stand now, in the policy's order."""
    codes = {code.name: code for code in state.program.rules}
    return tuple(_reason(state, rule, codes[rule.name]) for rule in state.program.policy.all_rules)


def _reason(state: State, rule: Rule, code: RuleCode) -> Reason:
    because = [_place(state, rule)] if rule.at else []
    pairs = zip(atoms(normal(rule.when)), leaves(code.own_tree), strict=True)
    because += [_because(state, atom, number) for atom, number in pairs]
    in_force = state.program.effective_from
    if state.now < in_force:
        because.append(Because(text="the policy is in force", holds=False, changes=datetime_of(in_force)))
    elif tree_holds(code.stay_tree, lambda number: bool(state.truth >> number & 1)):
        because += [Because(text=text, holds=False) for text in _obstacles(state, code)]
    return Reason(rule=rule.name, to=rule.to, text=say(rule.when), because=tuple(because))


def _obstacles(state: State, code: RuleCode) -> Iterator[str]:
    """Why a rule whose condition holds moves nobody all the same."""
    if not state.live:
        yield f"a case that is {state.standing.status} is not moved"
        return
    if state.external:
        yield "a case outside the process is not moved"
        return
    when = evidence(state, code.own_tree)
    if state.barrier[code.track] != LONG_AGO and when <= state.barrier[code.track]:
        yield "nothing new has happened since the case went down"
    levels = state.program.levels[code.track]
    if code.is_next and when <= state.entry[code.track]:
        yield "nothing new has happened since the case came to this level"
    elif code.to is not None and code.to <= state.level[code.track]:
        yield f"the case is on `{levels[code.to].key}` or above already"
    else:
        yield from _answers(state, code)


def _answers(state: State, code: RuleCode) -> Iterator[str]:
    """Whether somebody has said no to the move, or it was recorded before."""
    to = state.level[code.track] + 1 if code.is_next else code.to
    if to is not None and to < len(state.program.levels[code.track]):
        answer = was_answered(state, code, to)
        if answer is not None:
            yield f"this move was {answer}"


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
