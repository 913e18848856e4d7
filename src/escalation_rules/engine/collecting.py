"""The comparisons of a program as they are collected, and how they are sorted: on dials, gauges and faces of clocks."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from escalation_rules.conditions import OUTCOMES, AllOf, Atom, Condition, parts
from escalation_rules.engine.atoms import Context, Ended, Sight, Used, looks_at, sight_of
from escalation_rules.engine.model import OWN_FACT, PRIORITY, Comparison, Dial, Face, Gauge, Reach, Share, Tree
from escalation_rules.engine.state import Program
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick, choices

__all__ = ["Comparisons", "sort_comparisons", "what_picks_look_at"]


class Comparisons:
    """The comparisons of a program as they are collected: equal atoms in equal contexts share a bit."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.found: dict[Hashable, Comparison] = {}
        self.dials: dict[Hashable, Dial] = {}
        self.gauges: dict[Hashable, tuple[int, list[tuple[int, Reach]]]] = {}
        self.faces: dict[str, list[tuple[int, Used | Ended]]] = {}
        self.shared: set[int] = set()
        self.watched: dict[tuple[Pattern, ...], int] = {}

    def tree(self, condition: Condition, context: Context) -> Tree:
        """The condition over bits."""
        if isinstance(condition, Atom):
            return self.comparison(condition, context)
        kind = "all" if isinstance(condition, AllOf) else "any"
        return kind, tuple(self.tree(part, context) for part in parts(condition))

    def comparison(self, atom: Atom, context: Context) -> int:
        """The number of the atom's comparison, which is made when it is met for the first time."""
        key = (atom, context.track, context.goes, context.calendars)
        if key not in self.found:
            watched = self.watch(atom)
            seen = watched if (atom.op == "==") == atom.value else None
            looks = looks_at(atom, self.program) | what_picks_look_at(atom.value, *context.calendars_of(atom)[:1])
            self.add(key, looks, sight_of(atom, context, watched), seen=seen, silent=atom.fact == "level")
        return self.found[key].number

    def gate(self, key: Hashable, looks: int, sight: Sight) -> int:
        """The number of a bit that is no comparison of the policy's and never evidence."""
        if key not in self.found:
            self.add(key, looks, sight, silent=True)
        return self.found[key].number

    def add(self, key: Hashable, looks: int, sight: Sight, *, seen: int | None = None, silent: bool = False) -> None:
        """One more bit, on its dial, its gauge or its face if it has one."""
        made = self.found[key] = Comparison(len(self.found), looks, sight.holds, sight.look, seen, silent)
        if sight.value is not None:
            dial = self.dials.setdefault(sight.dial, Dial(looks, sight.value))
            dial.comparisons.append(made)
            dial.mask |= 1 << made.number
        if sight.reach is not None:
            self.gauges.setdefault(sight.reach.key, (looks, []))[1].append((made.number, sight.reach))
            self.shared.add(id(made))
        if (seen_on := sight.used or sight.ends) is not None:
            self.faces.setdefault(seen_on.key, []).append((made.number, seen_on))
            self.shared.add(id(made))

    def watch(self, atom: Atom) -> int | None:
        """The number under which it is remembered when an event last matched the atom's pattern."""
        return self.watched.setdefault(atom.pattern, len(self.watched)) if atom.pattern else None


def what_picks_look_at(*given: Any) -> int:
    """What picks among these look at."""
    return PRIORITY | OWN_FACT if any(isinstance(one, Pick) for one in given) else 0


def sort_comparisons(program: Program, collected: Comparisons) -> None:
    """Those on dials, on gauges and on faces of clocks, and the rest; a slot for all that changes as time passes."""
    program.comparisons = tuple(collected.found.values())
    program.dials = tuple(collected.dials.values())
    program.gauges = tuple(
        _gauge(number, looks, reaches) for number, (looks, reaches) in enumerate(collected.gauges.values())
    )
    slots: list[Gauge | Face | Comparison] = [*program.gauges]
    program.faces = tuple(_face(program, key, seen, slots) for key, seen in collected.faces.items())
    shared = {id(one) for dial in program.dials for one in dial.comparisons} | collected.shared
    program.single = tuple(one for one in program.comparisons if id(one) not in shared)
    for one in program.single:
        if one.look is not None:
            one.slot = len(slots)
            slots.append(one)
    program.slots = tuple(slots)
    program.timed = tuple(sorted({line for one in slots for line in _lines_of(program, one)}))


def _lines_of(program: Program, one: Gauge | Face | Comparison) -> Iterable[int]:
    """The lines on which it may wait for its time."""
    if isinstance(one, Comparison):
        return range(len(program.lines))
    return one.lines if isinstance(one, Face) else (one.line,)


def _lines_of_target(program: Program, key: str) -> Iterator[int]:
    """The lines on which the clocks of a target may run."""
    yield 0
    for choice in (choice for group in program.groups if group.key == key for choice in group.choices):
        for given in choice.calendar:
            yield from (program.calendars[name][1] for name in choices(given))
            if isinstance(given, str):
                break


def _face(
    program: Program, key: str, seen: list[tuple[int, Used | Ended]], slots: list[Gauge | Face | Comparison]
) -> Face:
    """The face of a target's clock, with these comparisons. It takes a slot for breaches, and one for each share."""
    ends = {1 << number: one.outcomes for number, one in seen if isinstance(one, Ended)}
    uses = [(1 << number, one) for number, one in seen if isinstance(one, Used)]
    shares = {
        one.share: len(slots) + bool(ends) + place
        for place, one in enumerate({one.share: one for _, one in uses}.values())
    }
    face = Face(
        key=key,
        looks_at=program.clock_bits[key],
        mask=sum(1 << number for number, _ in seen),
        lines=tuple(set(_lines_of_target(program, key))) if uses else (0,),
        outcomes={outcome: sum(bit for bit, held_by in ends.items() if outcome in held_by) for outcome in OUTCOMES},
        slot=len(slots) if ends else None,
        shares=tuple(
            Share(
                slot,
                share.numerator,
                share.denominator,
                used=sum(bit for bit, one in uses if one.share == share and one.wanted),
                before=sum(bit for bit, one in uses if one.share == share and not one.wanted),
            )
            for share, slot in shares.items()
        ),
    )
    slots += [face] * (bool(ends) + len(shares))
    return face


def _gauge(number: int, looks: int, reaches: list[tuple[int, Reach]]) -> Gauge:
    """The comparisons with these numbers, of one anchor and line, by length."""
    lengths = tuple(sorted({reach.length for _, reach in reaches}))
    bits = tuple(
        sum(1 << bit for bit, reach in reaches if (lengths.index(reach.length) < reached) == reach.wanted)
        for reached in range(len(lengths) + 1)
    )
    first, mask = reaches[0][1], sum(1 << bit for bit, _ in reaches)
    return Gauge(number, looks, first.line, first.anchor, lengths, bits, mask, initial=int(lengths[0] == 0))
