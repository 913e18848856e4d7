"""Sentences: conditions, patterns, values and instants in words, and a decision as a page of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from escalation_rules.conditions import AllOf, AnyOf, Atom, Condition, Not
from escalation_rules.fact_table import FACTS
from escalation_rules.patterns import Pattern
from escalation_rules.picks import Pick
from escalation_rules.worktime import load_zone

if TYPE_CHECKING:
    from escalation_rules.decision import (
        ActionDue,
        BlockedMove,
        Comparison,
        Deadline,
        DeEscalation,
        Move,
        Objection,
        OpenItem,
        Reason,
        WorkItem,
    )


_COMPARED = {
    ">=": "{} or more",
    ">": "more than {}",
    "<": "fewer than {}",
    "<=": "{} or fewer",
    "==": "{}",
    "!=": "not {}",
}
_ORDERED = {">=": "{} or above", ">": "above {}", "<": "below {}", "<=": "{} or below", "==": "{}", "!=": "not {}"}


def phrase(condition: Condition) -> str:
    """A condition in words.

    >>> from escalation_rules import facts as F
    >>> phrase((F.priority >= "high") & (F.unanswered_for >= "4 business hours"))
    'priority is high or above, and unanswered for 4 business hours'
    """
    if isinstance(condition, Atom):
        return phrase_atom(condition)
    if isinstance(condition, Not):
        return f"not ({phrase(condition.of)})"
    parts = [f"({phrase(one)})" if isinstance(one, AllOf | AnyOf) else phrase(one) for one in condition.of]
    if not parts:
        return "always" if isinstance(condition, AllOf) else "never"
    return (", and " if isinstance(condition, AllOf) else ", or ").join(parts)


def phrase_atom(atom: Atom) -> str:
    """One comparison in words."""
    row = FACTS.get(atom.fact)
    words = row.words if row else atom.fact
    is_true = (atom.op == "==") == atom.value
    if atom.fact == "happened":
        text = " or ".join(map(_pattern, atom.pattern))
        return f"{text} {words}" if is_true else f"no {text} {words}"
    if atom.kind == "duration":
        return _duration(atom, str(words))
    if isinstance(words, tuple):
        return words[0 if is_true else 1] + (f" ({atom.of})" if atom.of else "")
    if atom.kind == "flag":
        return f"{words} is {'true' if is_true else 'not true'}"
    if atom.kind == "outcome":
        return f"target {atom.of} is {_compared(atom, _COMPARED)}".replace("_started", " started")
    if atom.kind == "share":
        percent = f"{float(Fraction(atom.value) * 100):.4g} %"
        least = percent if atom.op == ">=" else f"less than {percent}"
        return f"{least} of target {atom.of} is {words} up"
    if row and atom.kind == "count":
        return f"{words}{f' on {atom.of}' if atom.of else ''}: {_compared(atom, _COMPARED)}"
    return f"{words} is {_compared(atom, _COMPARED if atom.kind == 'count' else _ORDERED)}"


def _duration(atom: Atom, words: str) -> str:
    span, is_least = phrase_value(atom.value), atom.op == ">="
    if atom.fact == "remaining":
        least = f"{span} or more" if is_least else f"less than {span}"
        return f"{least} {words} of target {atom.of}"
    length = span if is_least else f"less than {span}"
    if atom.fact in FACTS and FACTS[atom.fact].about == "target":
        return f"target {atom.of} {words} {length}"
    return f"{words} {length}" + (f" ({atom.of})" if atom.of else "")


def _compared(atom: Atom, forms: dict[str, str]) -> str:
    if atom.op in {"in", "not in"}:
        values = " or ".join(map(str, atom.value))
        return values if atom.op == "in" else f"neither {' nor '.join(map(str, atom.value))}"
    return forms[atom.op].format(atom.value)


def _pattern(pattern: Pattern) -> str:
    fields = ", ".join(f"{name} {test!r}".replace("E.", "") for name, test in pattern.where.items())
    return f"{pattern.event} ({fields})" if fields else pattern.event


def phrase_value(value: Any) -> str:
    """A span, a role or a calendar; of a pick, what it goes by."""
    if isinstance(value, Pick):
        cases = [f"{phrase_value(held)} if {key}" for key, held in value.values.items()]
        return f"by {value.by}: {', '.join([*cases, f'else {phrase_value(value.otherwise)}'])}"
    return str(value)


def phrase_instant(moment: datetime, tz: tzinfo | None = None) -> str:
    """An instant to the minute, or exactly where it does not fall on one.

    >>> from datetime import timezone
    >>> phrase_instant(datetime(2026, 3, 3, 10, tzinfo=timezone.utc))
    'Tue 2026-03-03 10:00'
    """
    local = moment.astimezone(tz) if tz else moment
    clock = f"{local.hour:02}:{local.minute:02}"
    if local.second or local.microsecond:
        clock += f":{local.second:02}" + (f".{local.microsecond:06}" if local.microsecond else "")
    return f"{_DAYS[local.weekday()]} {local.date().isoformat()} {clock}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

# What is due and why, what is held back and why, who owes what, and why not the rest.


def explanation_of(decision: Mapping[str, Any], rules: Iterable[Reason]) -> str:
    """The text, from the fields of a decision, and every rule with what speaks for and against it."""
    return "\n".join(_Page(decision, rules).lines())


class _Page:
    """The fields of a decision with the zone in which its instants are told."""

    def __init__(self, fields: Mapping[str, Any], rules: Iterable[Reason]) -> None:
        self.fields, self.rules = fields, rules
        self.at: datetime = fields["at"]
        self.zone: tzinfo | None = load_zone(fields["timezone"])

    def when(self, moment: datetime) -> str:
        return phrase_instant(moment, self.zone)

    def lines(self) -> Iterator[str]:
        fields = self.fields
        standing = ", ".join(self._standing())
        policy = f"policy {fields['policy']} {fields['version']}"
        yield f"{fields['case']} at {self.when(self.at)} ({fields['timezone']}), {policy}"
        yield f"  {fields['status']}, {standing}" if standing else f"  {fields['status']}"
        yield from self._section("moves due", (line for move in fields["moves"] for line in self._move(move)))
        yield from self._section("held back", (line for held in fields["blocked"] for line in self._blocked(held)))
        yield from self._section("asked", map(self._action, fields["actions"]))
        yield from self._section("clocks", map(self._deadline, (*fields["deadlines"], *fields["stopped_deadlines"])))
        yield from self._section("owed", map(self._owed, fields["worklist"]))
        yield from self._section(
            "to go down", (line for one in fields["de_escalation"].values() for line in self._exit(one))
        )
        yield from self._section("why not", (line for reason in self._others() for line in self._why_not(reason)))
        if fields["wake_at"] is not None:
            yield f"this answer changes by itself at {self.when(fields['wake_at'])}"

    def _standing(self) -> Iterator[str]:
        positions = self.fields["positions"]
        for track, position in positions.items():
            if position.level is not None:
                yield f"on `{position.level}`" if len(positions) == 1 else f"on `{position.level}` ({track})"

    @staticmethod
    def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
        found = [f"  {line}" for line in lines if line]
        if found:
            yield f"{title}:"
            yield from found

    def _move(self, move: Move) -> Iterator[str]:
        owner = move.owner
        whom = "" if owner is None else f", owner {owner.role}" + (f" ({owner.person})" if owner.person else "")
        origin = f" from `{move.from_level}`" if move.from_level else ""
        due = f", due {self.when(move.due_at)}" if move.due_at else ""
        yield f"to `{move.to}`{origin}{due}{whom}"
        if owner is not None and owner.because:
            yield f"  {owner.because}"
        yield from (f"  because of rule {self._reason(reason)}" for reason in move.reasons)
        if not move.still_holds:
            yield "  what made it due no longer holds"

    def _reason(self, reason: Reason) -> str:
        since = f" (since {self.when(reason.since)})" if reason.since else ""
        return f"`{reason.rule}`: {reason.text}{since}"

    def _blocked(self, held: BlockedMove) -> Iterator[str]:
        yield f"to `{held.move.to}`"
        yield from (f"  wanted by rule {self._reason(reason)}" for reason in held.move.reasons)
        yield from (f"  {line}" for line in self._lacking(held.missing, held.objections))
        if held.until is not None:
            yield f"  nobody is on duty until {self.when(held.until)}"
        elif not held.missing and not held.objections:
            yield "  nobody is on duty"

    @staticmethod
    def _lacking(missing: Iterable[OpenItem], against: Iterable[Objection]) -> Iterator[str]:
        for item in missing:
            yield f"missing `{item.key}`" + (f" ({item.text})" if item.text else "") + f": {item.why}"
        for one in against:
            yield f"against: `{one.item}`" + (f" ({one.text})" if one.text else "") + f" is answered `{one.answer}`"

    def _action(self, asked: ActionDue) -> str:
        source = f"rule `{asked.rule}`" if asked.rule else f"entry to `{asked.level}`"
        whom = f", {asked.person}" if asked.person else ""
        return f"{asked.action!r}".replace("A.", "", 1) + f"{whom}, due {self.when(asked.due_at)}, by {source}"

    def _deadline(self, deadline: Deadline) -> str:
        if deadline.outcome == "not_started":
            return ""
        where = f" on `{deadline.level}`" if deadline.level else ""
        owner = f", owed by {deadline.owner}" if deadline.owner and deadline.clock != "stopped" else ""
        change = " by a change" if deadline.breached_by_change else ""
        due = f", due {self.when(deadline.due_at)}" if deadline.due_at else ""
        state = "paused" if deadline.clock == "paused" else deadline.outcome
        return f"`{deadline.target}`{where}: {state}{change}{due}{owner}"

    def _owed(self, owed: WorkItem) -> str:
        whom = f"{owed.role} owes " if owed.role else ""
        due = (
            f", due {self.when(owed.due_at)}"
            if owed.due_at
            else f", since {self.when(owed.since)}"
            if owed.since
            else ""
        )
        return f"{whom}`{owed.what}`" + (f" ({owed.text})" if owed.text else "") + due

    def _exit(self, one: DeEscalation) -> Iterator[str]:
        if one.is_open:
            yield f"nothing keeps the case on `{one.level}`"
            return
        yield f"from `{one.level}`"
        yield from (f"  {line}" for line in self._lacking(one.missing, one.objections))
        if one.until is not None:
            yield f"  not before {self.when(one.until)}"

    def _others(self) -> Iterator[Reason]:
        """The rules that would move the case, or ask for something, and do not."""
        fields = self.fields
        done = {rule for move in fields["moves"] for rule in move.rules}
        done |= {rule for held in fields["blocked"] for rule in held.move.rules}
        done |= {asked.rule for asked in fields["actions"]}
        return (reason for reason in self.rules if reason.rule not in done)

    def _why_not(self, reason: Reason) -> Iterator[str]:
        yield f"`{reason.rule}`" + (f", to `{reason.to}`" if reason.to else "")
        yield from (f"  {self._because(one)}" for one in reason.because)

    def _because(self, one: Comparison) -> str:
        verdict = "unknown" if one.holds is None else "yes" if one.holds else "not yet" if one.changes_at else "no"
        since = f" (since {self.when(one.since)})" if one.since and one.holds else ""
        change = f" (from {self.when(one.changes_at)})" if one.changes_at and not one.holds else ""
        return f"{verdict}: {one.text}{since}{change}"
