"""A policy as a Mermaid flow chart: levels, rules, checklists and targets, each track for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from textwrap import shorten

from escalation_rules._arguments import check_policy
from escalation_rules.actions import Action, Ask, Assign, Convene, Notify, Redirect, Tag
from escalation_rules.checklists import Checklist
from escalation_rules.explain import phrase
from escalation_rules.levels import EscalationLevel, Track
from escalation_rules.picks import Pick, alternatives
from escalation_rules.policy import Policy
from escalation_rules.rules import NEXT, Rule
from escalation_rules.targets import Target
from escalation_rules.worktime import Span

__all__ = ["mermaid"]

WIDE = '%%{init: {"flowchart": {"wrappingWidth": 360}}}%%'
"""Asks for wider boxes than Mermaid makes by itself, which breaks lines every few words."""
LONGEST = 160
"""A condition or an action that takes more characters than this is cut short."""


def mermaid(policy: Policy) -> str:
    """The text of a Mermaid flow chart of a policy, lowest levels at the bottom.

    A box is a level, with its owner, the work that is owed there, its targets and what is asked on entry. A rounded box
    is a rule, with its condition in words; its arrow goes through the entry checklist (a hexagon) of the level it leads
    to, unless the rule waives it; an empty circle is standing nowhere on a track yet. Dashed arrows go down, through
    the de-escalation checklist. Rules that leave a case where it is, and the policy's own targets, are drawn beside.
    Many sites and tools draw Mermaid (https://mermaid.js.org).

    >>> from escalation_rules import EscalationLevel, Policy, Rule, facts as F
    >>> policy = Policy(
    ...     name="desk", version="1",
    ...     levels=(EscalationLevel(key="first", owner="agent"), EscalationLevel(key="second")),
    ...     rules=(Rule(key="failed", when=F.level_failed, to="next"),),
    ... )
    >>> print(mermaid(policy))
    %%{init: {"flowchart": {"wrappingWidth": 360}}}%%
    flowchart BT
      l0_0["<b>first</b><br/>owner: agent"]
      l0_1["<b>second</b>"]
      r0_0("<b>failed</b><br/>could not be resolved at this level")
      l0_0 --> r0_0
      r0_0 --> l0_1
    """
    check_policy(policy)
    return "\n".join((WIDE, "flowchart BT", *(f"  {line}" for line in _Chart(policy).lines())))


class _Chart:
    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.places = {
            level.key: (number, index)
            for number, track in enumerate(policy.all_tracks)
            for index, level in enumerate(track.levels)
        }

    def lines(self) -> Iterator[str]:
        for number, track in enumerate(self.policy.all_tracks):
            yield from self._track(number, track)
        for number, rule in enumerate(self.policy.all_rules):
            for step, (sources, to) in enumerate(self._steps(rule)) if self._has_place(rule) else ():
                node = f"r{number}_{step}"
                yield f"{node}({_rule_label(rule)})"
                yield from (f"{source} --> {node}" for source in sources)
                if to is not None:
                    asked = to.entry is not None and rule.checklist == "required"
                    yield f"{node} --> {'e' if asked else ''}{self._node(to.key)}"
        yield from self._anywhere()

    @staticmethod
    def _has_place(rule: Rule) -> bool:
        """Whether a rule leads somewhere or applies on certain levels only."""
        return rule.to is not None or bool(rule.at_level)

    def _anywhere(self) -> Iterator[str]:
        """The policy's targets, and the rules that apply wherever a case stands and leave it there."""
        boxes = {
            f"r{number}": f"({_rule_label(rule)})"
            for number, rule in enumerate(self.policy.all_rules)
            if not self._has_place(rule)
        }
        if self.policy.targets:
            boxes["targets"] = f"[[{_label('targets', map(_say_target, self.policy.targets))}]]"
        if boxes:
            yield f"subgraph anywhere[{_quoted('wherever the case stands')}]"
            yield from (f"  {node}{box}" for node, box in boxes.items())
            yield from (f"  {later} ~~~ {node}" for node, later in pairwise(boxes))
            yield "end"

    def _track(self, number: int, track: Track) -> Iterator[str]:
        inside = [line for level in track.levels for line in self._level(level)]
        if not self.policy.tracks:
            yield from inside
            return
        yield f"subgraph t{number}[{_quoted(track.key)}]"
        if any(f"n{number}" in sources for rule in self.policy.all_rules for sources, _ in self._steps(rule)):
            yield f"  n{number}(( ))"
        yield from (f"  {line}" for line in inside)
        yield "end"

    def _level(self, level: EscalationLevel) -> Iterator[str]:
        node = self._node(level.key)
        yield f"{node}[{_label(level.name, _level_texts(level))}]"
        if level.entry is not None:
            yield f"e{node}{{{{{_label('to be answered first', _questions(level.entry))}}}}}"
            yield f"e{node} --> {node}"
        if level.de_escalation is not None:
            track, index = self.places[level.key]
            yield f"x{node}{{{{{_label('before it goes down', _questions(level.de_escalation))}}}}}"
            yield f"{node} -.-> x{node}"
            if index:
                yield f"x{node} -.-> l{track}_0"

    def _node(self, key: str) -> str:
        track, index = self.places[key]
        return f"l{track}_{index}"

    def _track_of(self, rule: Rule) -> int:
        """The track a rule moves a case on."""
        keys = [track.key for track in self.policy.all_tracks]
        if rule.to is not None and rule.to != NEXT:
            return self.places[rule.to][0]
        if rule.track is not None:
            return keys.index(rule.track)
        named = {self.places[key][0] for key in rule.at_level}
        return named.pop() if len(named) == 1 else 0

    def _steps(self, rule: Rule) -> Iterator[tuple[list[str], EscalationLevel | None]]:
        """From where to where a rule leads: for `next` a step from each level, else one from all levels below."""
        number = self._track_of(rule)
        levels = self.policy.all_tracks[number].levels
        if rule.to == NEXT:
            named = [index for track, index in map(self.places.__getitem__, rule.at_level) if track == number]
            stands = named or range(-1 if number else 0, len(levels) - 1)
            for index in stands:
                yield [self._standing(number, index)], levels[index + 1] if index + 1 < len(levels) else None
            return
        at = [self._node(key) for key in rule.at_level]
        if rule.to is None:
            yield at, None
        else:
            below = range(-1 if number else 0, self.places[rule.to][1])
            yield at or [self._standing(number, index) for index in below], self.policy.level(rule.to)

    @staticmethod
    def _standing(track: int, index: int) -> str:
        """The node of a level, or of standing nowhere on a track."""
        return f"n{track}" if index < 0 else f"l{track}_{index}"


# ---------------------------------------------------------------------------- texts


def _level_texts(level: EscalationLevel) -> Iterator[str]:
    if level.external:
        yield "outside the process"
    if level.owner is not None:
        others = "".join(f", else {_say_role(role)}" for role in level.alternates)
        nobody = {"proceed": "", "hold": "; held until on duty", "skip": "; else the next level"}[level.if_nobody]
        yield f"owner: {_say_role(level.owner)}{others}{nobody}"
    if level.counterparts:
        pairs = (f"{ours} with {theirs} ({topic})" for topic, (ours, theirs) in level.counterparts.items())
        yield f"talk: {', '.join(pairs)}"
    if level.work is not None:
        yield f"owes: {', '.join(level.work.keys)}"
    yield from (_say_target(target) for target in level.targets)
    yield from (f"on entry: {_say_action(action)}" for action in level.on_entry)
    if level.min_stay is not None:
        yield f"stays for {_say_spans(level.min_stay)}"


def _rule_label(rule: Rule) -> str:
    guard = () if rule.unless is None else (f"unless {phrase(rule.unless)}",)
    return _label(rule.key, (phrase(rule.when), *guard, *map(_say_action, rule.then)))


def _questions(checklist: Checklist) -> Iterator[str]:
    for item in checklist.items:
        against = f" (against: {', '.join(item.blocked_by)})" if item.blocked_by not in {(), ("no",)} else ""
        yield f"{item.text or item.key}{against}"


def _say_target(target: Target) -> str:
    within = _say_spans(target.within) or "none"
    again = ", again and again" if target.recurring else ""
    agreed = ", or as agreed" if target.use_agreed_interval else ""
    return f"{target.key}: within {within}{agreed}{again}"


def _say_spans(given: Span | Pick | None) -> str:
    return " or ".join(dict.fromkeys(str(one) for one in alternatives(given) if one is not None))


def _say_role(role: str | Pick) -> str:
    if not isinstance(role, Pick):
        return role
    return f"by {role.by} {', '.join(dict.fromkeys(str(one) for one in alternatives(role) if one is not None))}"


def _say_roles(roles: Iterable[str | Pick]) -> str:
    return ", ".join(map(_say_role, roles))


def _say_action(action: Action) -> str:
    match action:
        case Notify():
            by = f"{_say_role(action.sender)} tells" if action.sender is not None else "tell"
            return f"{by} {_say_roles(action.roles)}" + (f": {action.message}" if action.message else "")
        case Ask():
            return f"ask {_say_role(action.role)} for: {action.item}"
        case Redirect():
            return f"point to {_say_roles(action.to)}"
        case Assign():
            return f"assign {_say_role(action.role)} as {action.as_role}"
        case Convene():
            return f"call together ({action.kind}): {_say_roles(action.roles)}"
        case Tag():
            return f"flag: {action.text}"
        case _:
            return f"priority to {action.to}"


def _label(title: str, texts: Iterable[str]) -> str:
    lines = (_escaped(shorten(text, LONGEST, placeholder=" …")) for text in texts)
    return '"' + "<br/>".join((f"<b>{_escaped(title)}</b>", *lines)) + '"'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """The text as Mermaid takes it inside quotes: its own signs as entities, its own way."""
    return "".join(f"#{ord(sign)};" if sign in '#"<>&`' else sign for sign in text)
