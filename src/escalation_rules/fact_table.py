"""The table of facts: for each fact of the library its kind, the events it is made of, and its words.

A fact that is in the table is a fact everywhere: the compiled program, one case, many cases, explanations, `check` and
the handles of `facts` read its row. Most facts follow from events alone. They are of three sorts:

- `Since`, an instant: that of the latest (or the first) of some events, until others. Its duration is the time since.
- `Flag`, whether some event happened, until others.
- `Count`, how many of some events there were.

Each may begin anew with every cycle. A fact of the sort `Kept` is a value that the fold keeps for its own work, such as
the level or the priority, or that is computed from one: the row names the part of the state that it is kept in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from escalation_rules import events as E
from escalation_rules.patterns import Pattern

__all__ = ["FACTS", "Argument", "Count", "FactKind", "FactRow", "Flag", "Kept", "Since"]

FactKind = Literal["duration", "ordered", "choice", "flag", "count", "share", "outcome", "label"]
Argument = Literal["", "track", "target", "pattern"]
"""A fact may be asked about a track; it must be asked about its target or its patterns."""
Part = Literal["priority", "level", "status", "opening", "roles", "failures", "plan", "clock", "seen"]
"""A part of the state of a case: a change of the part may change the facts that are kept there."""


class Since(NamedTuple):
    """The instant of the latest of some events, or with `first` of the earliest, until one of others."""

    of: tuple[Pattern, ...]
    until: tuple[Pattern, ...] = ()
    first: bool = False
    in_cycle: bool = False


class Flag(NamedTuple):
    """Whether one of some events happened, until one of others. With `latest`, the latest is its evidence (rule 22)."""

    of: tuple[Pattern, ...]
    until: tuple[Pattern, ...] = ()
    in_cycle: bool = False
    latest: bool = False


class Count(NamedTuple):
    """How many of some events there were."""

    of: tuple[Pattern, ...]
    in_cycle: bool = False


class Kept(NamedTuple):
    """A value that is kept in one part of the state. `raised_by` are events that raise it, `ended_by` that make it 0.

    With `in_cycle` it begins anew with every cycle.
    """

    part: Part
    in_cycle: bool = False
    raised_by: tuple[Pattern, ...] = ()
    ended_by: tuple[Pattern, ...] = ()


class FactRow(NamedTuple):
    """A fact: its kind, its source, its words, and the text of its handle.

    `words` are what an explanation calls it: of a flag, two phrases, for when it is true and when it is not. With
    `is_timed` it is no duration and yet changes by itself as time passes.
    """

    kind: FactKind
    source: Since | Flag | Count | Kept
    words: str | tuple[str, str]
    doc: str
    about: Argument = ""
    is_timed: bool = False

    @property
    def is_of_cycle(self) -> bool:
        """Whether the fact begins anew with every cycle."""
        begins_anew = isinstance(self.source, Since) and E.Reopened.like() in self.source.of
        return begins_anew or self.source.in_cycle


_BEGINS = (E.Opened.like(), E.Reopened.like())
_MESSAGE = (E.Opened.like(actor=E.other_than("staff")), E.CustomerReplied.like())
_REPLY = (E.COUNTING_REPLY,)
_UPDATE = E.UpdateSent.like(audience="customer", actor=E.other_than("automation"))

FACTS: Mapping[str, FactRow] = {
    "priority": FactRow(
        kind="ordered",
        source=Kept("priority"),
        words="priority",
        doc="The present priority, ordered as the policy orders them.",
    ),
    "level": FactRow(
        kind="ordered",
        source=Kept("level"),
        words="level",
        doc="The present level. The constant says on which track; standing nowhere is below all.",
    ),
    "status": FactRow(
        kind="choice", source=Kept("status"), words="status", doc="`open`, `waiting`, `resolved`, `closed` or `void`."
    ),
    "channel": FactRow(kind="choice", source=Kept("opening"), words="channel", doc="The channel of the opening."),
    "open_for": FactRow(
        kind="duration",
        source=Since(_BEGINS),
        words="open for",
        doc="The time since the cycle began: the opening or the last reopening.",
    ),
    "resolved_for": FactRow(
        kind="duration",
        source=Since((E.Resolved.like(),), until=(E.Reopened.like(), E.Closed.like(), E.Voided.like()), first=True),
        words="resolved for",
        doc="The time since the case became resolved; 0 unless it is. Resolving it again changes nothing.",
    ),
    "customer_silent_for": FactRow(
        kind="duration",
        source=Since((*_REPLY, _UPDATE), until=(E.CustomerReplied.like(),), in_cycle=True),
        words="without a word from the customer for",
        doc="The time since our last counting reply or update of the cycle that no message of the customer has "
        "followed; 0 when there is none.",
    ),
    "unanswered_for": FactRow(
        kind="duration",
        source=Since(_MESSAGE, until=_REPLY, first=True),
        words="unanswered for",
        doc="The time since the oldest customer message that no counting reply has followed; 0 when there is none.",
    ),
    "unassigned_for": FactRow(
        kind="duration",
        source=Kept("roles", in_cycle=True, ended_by=(E.Assigned.like(person="person 1"),)),
        words="unassigned for",
        doc="The time since nobody has been assigned, or since the cycle began; 0 while somebody is.",
    ),
    "at_level_for": FactRow(
        kind="duration",
        source=Kept("level", in_cycle=True),
        words="at this level for",
        doc="The time since the case entered its present level, of the rule's track or of the one named, "
        "or since the cycle began.",
        about="track",
    ),
    "no_update_for": FactRow(
        kind="duration",
        source=Since((*_BEGINS, *_REPLY, _UPDATE)),
        words="without an update for",
        doc="The time since the last counting reply or update to the customer, or else since the cycle began.",
    ),
    "acknowledged": FactRow(
        kind="flag",
        source=Flag((E.Acknowledged.like(actor=E.other_than("automation")),), in_cycle=True),
        words=("acknowledged", "not acknowledged"),
        doc="Whether a person has acknowledged the case in this cycle.",
    ),
    "level_failed": FactRow(
        kind="flag",
        source=Kept("failures"),
        words=("could not be resolved at this level", "nobody says it failed at this level"),
        doc="Whether the present level has failed since the case entered it; of the rule's track, or of the one named.",
        about="track",
    ),
    "escalation_request_open": FactRow(
        kind="flag",
        source=Flag(E.ATTENTION_REQUEST, until=(E.EscalationRequestAnswered.like(),), latest=True),
        words=("an escalation was requested and not answered", "no open request for escalation"),
        doc="Whether some request for attention has no later answer.",
    ),
    "escalation_requests": FactRow(
        kind="count",
        source=Count(E.ATTENTION_REQUEST),
        words="requests for escalation",
        doc="The number of requests for attention in the life of the case.",
    ),
    "moves": FactRow(
        kind="count",
        source=Kept("level"),
        words="moves up",
        doc="The number of moves up in the life of the case, on all tracks or on the one named.",
        about="track",
    ),
    "reopenings": FactRow(
        kind="count",
        source=Count((E.Reopened.like(),)),
        words="reopenings",
        doc="The number of times that the case was reopened.",
    ),
    "replies": FactRow(
        kind="count",
        source=Count(_REPLY, in_cycle=True),
        words="replies",
        doc="The number of counting replies in the cycle.",
    ),
    "status_requests": FactRow(
        kind="count",
        source=Count((E.CustomerReplied.like(asks_for_status=True),), in_cycle=True),
        words="times the customer asked for the status",
        doc="The number of times that the customer had to ask for the status in the cycle.",
    ),
    "assignments": FactRow(
        kind="count",
        source=Kept("roles", in_cycle=True, raised_by=(E.Assigned.like(),)),
        words="changes of assignment",
        doc="The number of times in the cycle that a role on the case went to another person or group.",
    ),
    "outcome": FactRow(
        kind="outcome",
        source=Kept("clock"),
        words="outcome",
        doc="The outcome of a target's latest instance: `not_started`, `pending`, `met`, `breached` or `void`.",
        about="target",
    ),
    "used": FactRow(
        kind="share",
        source=Kept("clock"),
        words="used",
        doc="The share of its span that a target's latest instance has used up; it pauses with the target.",
        about="target",
    ),
    "overdue_for": FactRow(
        kind="duration",
        source=Kept("clock"),
        words="past due for",
        doc="The time for which a target's latest instance has been due and not stopped; 0 before.",
        about="target",
    ),
    "remaining": FactRow(
        kind="duration",
        source=Kept("clock"),
        words="left",
        doc="The time until a target's latest instance is due; unknown without a pending clock that runs.",
        about="target",
    ),
    "plan_items_overdue": FactRow(
        kind="count",
        source=Kept("plan"),
        words="overdue items of the plan",
        doc="The number of items of the latest action plan that are past due and not done.",
        is_timed=True,
    ),
    "plan_has_backup": FactRow(
        kind="flag",
        source=Kept("plan"),
        words=("the action plan has a backup", "the action plan has no backup"),
        doc="Whether the latest action plan has a backup strategy.",
    ),
    "happened": FactRow(
        kind="flag",
        source=Kept("seen", in_cycle=True),
        words="happened",
        doc="Whether an event matches: within the stay on the level of the rule's track; in a rule without `to`, in "
        "the cycle.",
        about="pattern",
    ),
}
"""The facts of the library, by name."""
