"""Audits: did people keep to the policy? Findings with an instant, a rule, a severity and a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from itertools import takewhile
from typing import Literal, cast

from escalation_rules import events as E
from escalation_rules._arguments import check_policy_and_case
from escalation_rules._values import Finding, Instant, Severity, Value, read_instant
from escalation_rules.actions import Tag
from escalation_rules.case import Case
from escalation_rules.decision import Deadline
from escalation_rules.engine import deadlines, decide, machine_of
from escalation_rules.engine.fold import fold, min_stay_end
from escalation_rules.engine.rules import checked, entry_state
from escalation_rules.engine.state import State
from escalation_rules.errors import nearest
from escalation_rules.explain import phrase_instant
from escalation_rules.levels import EscalationLevel
from escalation_rules.patterns import BaseEvent
from escalation_rules.policy import Policy
from escalation_rules.record import RecordStep, episodes, rank, timezone_of, walked
from escalation_rules.targets import Target
from escalation_rules.worktime import load_zone
from escalation_rules.worktime._timeline import datetime_of, microseconds_of

__all__ = ["Audit", "AuditFinding", "audit"]


AuditCode = Literal[
    "move-without-checklist",
    "de-escalation-without-checklist",
    "de-escalation-before-min-stay",
    "outside-the-counterparts",
    "wrong-pair",
    "customer-asked-for-status",
    "named-individual",
    "hidden-wait",
    "no-post-mortem",
    "unclear-plan-item",
    "deadline-breached",
    "breached-by-a-change",
    "unknown-fact",
    "unknown-item",
    "unknown-track",
    "wrong-track",
    "tagged",
]


class AuditFinding(Finding):
    """An event that did not keep to the policy: when, which rule, how serious, and who did it, in a sentence.

    `rule` names a rule, a target, or the checklist or counterparts of a level. A note is for information, a warning for
    the manager of the case, an error for the owner of the process.
    """

    at: Instant
    code: AuditCode
    rule: str
    by: str | None = None
    by_role: str | None = None


class Audit(Value):
    """What an audit of a case found, in the order in which it happened."""

    case: str
    policy: str
    version: str
    at: Instant
    timezone: str = "UTC"
    findings: tuple[AuditFinding, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def explain(self) -> str:
        """The findings as a page of text, instants in the zone of the policy's usual calendar."""
        zone = load_zone(self.timezone)
        head = f"{self.case} under policy {self.policy} {self.version}, up to {phrase_instant(self.at, zone)}"
        lines = (
            f"  {phrase_instant(one.at, zone)} {one.severity}: {one.message} ({one.rule})" for one in self.findings
        )
        return "\n".join((f"{head}: {len(self.findings)} findings", *lines))


Odd = tuple[AuditCode, str, str]
"""A kind of finding, the name, and the sentence."""


def odd_names(policy: Policy, events: Iterable[BaseEvent]) -> Iterator[AuditFinding]:
    """Facts, items and tracks that the policy does not have, each where it is first named: no rule sees them."""
    seen: set[tuple[AuditCode, str]] = set()
    checks = (_facts(policy), _items(policy), _tracks(policy))
    for event in events:
        for kind, name, text in (odd for check in checks for odd in check(event)):
            if (kind, name) not in seen:
                seen.add((kind, name))
                rule = f"{kind.rpartition('-')[2]}s of the policy"
                yield AuditFinding(
                    at=event.at, code=kind, rule=rule, severity="note", message=text, by=event.by, by_role=event.by_role
                )


Check = Callable[[BaseEvent], Iterator[Odd]]


def _facts(policy: Policy) -> Check:
    known = [fact.name for fact in policy.facts]

    def check(event: BaseEvent) -> Iterator[Odd]:
        names = list(event.facts) if isinstance(event, E.Opened) else []
        names += [event.name] if isinstance(event, E.FactChanged) else []
        return (("unknown-fact", name, _unknown("fact", name, known)) for name in names if name not in known)

    return check


def _items(policy: Policy) -> Check:
    lists = [
        one for level in policy.all_levels for one in (level.entry, level.work, level.de_escalation) if one is not None
    ]
    known = [key for one in lists for key in one.keys]

    def check(event: BaseEvent) -> Iterator[Odd]:
        if isinstance(event, E.ItemAnswered | E.AnswerWithdrawn) and event.item not in known:
            yield "unknown-item", event.item, _unknown("item", event.item, known)

    return check


def _tracks(policy: Policy) -> Check:
    """A level says which track it is on; what an event says beside it goes unheard."""
    tracks = [track.key for track in policy.all_tracks]

    def check(event: BaseEvent) -> Iterator[Odd]:
        level = event.level if isinstance(event, E.LevelFailed) else getattr(event, "to", None)
        if isinstance(event, E.Escalated | E.DeEscalated | E.LevelFailed) and event.track and level:
            own = policy.track_of(level).key
            if event.track not in tracks:
                yield "unknown-track", event.track, f"{_unknown('track', event.track, tracks)}; `{level}` is on `{own}`"
            elif event.track != own:
                yield "wrong-track", event.track, f"`{level}` is on the track `{own}`, not on `{event.track}`"

    return check


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    found = nearest(name, known)
    return f"the policy has no {what} `{name}`" + (f"; the nearest is `{found}`" if found else "")


# An audit reads the record: what was written down, not what was only due. Each finding has the instant, the rule it is
# about, how serious it is, and the sentence a manager would use.

END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)


def audit(policy: Policy, case: Case, *, at: datetime) -> Audit:
    """What in a case's record up to an instant did not keep to a policy.

    A move without its checklist; a de-escalation without what it needs, such as the customer's agreement; somebody
    outside the counterparts who talked to the customer, or the wrong pair on a topic; a customer who had to ask for the
    status; an escalation handed to a named individual; a wait for the customer while the customer waited; an escalation
    without a post-mortem where the policy asks for one; plan items without an owner or a due date; deadlines breached,
    those only by a change apart; names that the policy does not have; and what rules flag as findings. Raises as
    `decide` does.

    >>> from datetime import datetime, timezone
    >>> from escalation_rules import events as E, presets
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    >>> case = Case.open("S-1", at=nine).record(E.Escalated(at=nine.replace(hour=10), to="escalated", by="tess"))
    >>> print(audit(presets.support_request(), case, at=nine.replace(hour=11)).explain())
    S-1 under policy support_request 1, up to Mon 2026-03-02 11:00: 1 findings
      Mon 2026-03-02 10:00 error: tess moved the case to `escalated` without `problem`, `impact`, `workaround`, \
`milestone` (entry checklist of `escalated`)
    """
    check_policy_and_case(policy, case)
    record = _Record(policy, case, read_instant(at))
    found = (finding for check in _CHECKS for finding in check(record))
    return Audit(
        case=case.id,
        policy=policy.name,
        version=policy.version,
        at=at,
        timezone=timezone_of(policy),
        findings=tuple(sorted(found, key=lambda one: one.at)),
    )


class _Record:
    """A case's record under a policy, and what several checks ask of it."""

    def __init__(self, policy: Policy, case: Case, at: datetime) -> None:
        self.policy, self.case, self.at = policy, case, at
        self.zone = load_zone(timezone_of(policy))
        self.steps: tuple[RecordStep, ...] = tuple(walked(policy, case, at))

    @cached_property
    def deadlines(self) -> tuple[Deadline, ...]:
        return deadlines(self.policy, self.case, at=self.at)

    @cached_property
    def recording(self) -> Policy:
        """The policy without its moves: under it a case stands where the record has it."""
        return self.policy.model_copy(update={"effective_from": END_OF_TIME})

    def when(self, moment: datetime) -> str:
        return phrase_instant(moment, self.zone)

    def before(self, event: BaseEvent) -> Case:
        """The case as it was just before an event."""
        return self.with_history(takewhile(lambda one: one is not event, self.case.history))

    def with_history(self, history: Iterable[BaseEvent]) -> Case:
        """The case with only these of its events."""
        return Case.model_construct(
            id=self.case.id, history=cast(tuple[E.Event, ...], tuple(history)), attributes=self.case.attributes
        )

    def state(self, case: Case, event: BaseEvent) -> State:
        return fold(machine_of(self.recording), case, event.instant)

    def moves(self) -> Iterator[tuple[RecordStep, str]]:
        """The steps that change where the case stands after the opening, with the track."""
        for step in self.steps[1:]:
            for track, level in step.after.items():
                if level != step.before[track]:
                    yield step, track

    def place(self, track: str) -> int:
        return [one.key for one in self.policy.all_tracks].index(track)

    def targets_of(self, deadline: Deadline) -> list[Target]:
        own = self.policy.targets if deadline.level is None else self.policy.level(deadline.level).targets
        return [target for target in own if target.key == deadline.target]

    def stopped_by(self, kind: str) -> set[str]:
        """The keys of the targets that such an event stops."""
        return {target.key for target in self.policy.all_targets if any(one.event == kind for one in target.stop_on)}


def _whoever(event: BaseEvent) -> str:
    return event.by or event.by_role or ("the customer" if event.actor == "customer" else event.actor)


def _finding(event: BaseEvent, kind: AuditCode, rule: str, severity: Severity, text: str) -> AuditFinding:
    return AuditFinding(
        at=event.at, code=kind, rule=rule, severity=severity, message=text, by=event.by, by_role=event.by_role
    )


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# ---------------------------------------------------------------------------- moves
def _entries(record: _Record) -> Iterator[AuditFinding]:
    """Moves up without what had to be known first, unless the policy itself would have moved the case."""
    for step, track in record.moves():
        here, there = rank(record.policy, step.before[track]), rank(record.policy, step.after[track])
        if there < here:
            continue
        # rule 25: a de-escalation without its checklist is a fact, and a finding
        policy_has = decide(record.policy, record.before(step.event), at=step.event.at).positions[track].level
        if rank(record.policy, policy_has) >= there:
            continue
        state = record.state(record.case, step.event)
        missing, against = entry_state(state, record.place(track), there, waived=False)
        lacking = [*(one.item for one in missing), *(item for item, _ in against)]
        if lacking:
            level = step.after[track]
            text = f"{_whoever(step.event)} moved the case to `{level}` without {_listed(lacking)}"
            kind: AuditCode = "move-without-checklist"
            yield _finding(step.event, kind, f"entry checklist of `{level}`", "error", text)


def _exits(record: _Record) -> Iterator[AuditFinding]:
    """Moves down without what had to be done first, or too soon."""
    for step, track in record.moves():
        left = step.before[track]
        if left is None or rank(record.policy, step.after[track]) > rank(record.policy, left):
            continue
        place = record.place(track)
        state = record.state(record.before(step.event), step.event)
        yield from _lacking(step.event, record.policy.level(left), state, place)
        end = min_stay_end(state, place)
        if end is not None and end > state.now:
            text = f"{_whoever(step.event)} took the case off `{left}` before {record.when(datetime_of(end))}"
            yield _finding(step.event, "de-escalation-before-min-stay", f"minimum stay of `{left}`", "warning", text)


def _lacking(event: BaseEvent, level: EscalationLevel, state: State, track: int) -> Iterator[AuditFinding]:
    missing, against = checked(state, level.de_escalation, state.levels.entry[track], track)
    lacking = [*(one.item for one in missing), *(item for item, _ in against)]
    if lacking:
        text = f"{_whoever(event)} took the case off `{level.key}` without {_listed(lacking)}"
        rule = f"de-escalation checklist of `{level.key}`"
        yield _finding(event, "de-escalation-without-checklist", rule, "error", text)


# ---------------------------------------------------------------------------- who talks to whom
def _counterparts(record: _Record) -> Iterator[AuditFinding]:
    """On a level with counterparts no other role talks to the customer, and pairs keep to their topics."""
    for event, before, _ in record.steps:
        for key in before.values():
            level = None if key is None else record.policy.level(key)
            if level is not None and level.counterparts:
                yield from _outsiders(event, level)
                yield from _wrong_pair(event, level)


def _outsiders(event: BaseEvent, level: EscalationLevel) -> Iterator[AuditFinding]:
    for role in _speakers(event, level):
        if role not in level.inside:
            text = f"{event.by or role} ({role}) talked to the customer from outside the counterparts"
            yield _finding(event, "outside-the-counterparts", f"counterparts of `{level.key}`", "warning", text)


def _speakers(event: BaseEvent, level: EscalationLevel) -> tuple[str, ...]:
    """The roles of ours that talk to the customer with an event, as far as they are known."""
    if isinstance(event, E.CallHeld):
        customers = (
            {"customer", *(theirs for _, theirs in level.counterparts.values())} if level.counterparts else set()
        )
        ours = tuple(one for one in event.participants if one not in customers)
        return ours if len(ours) < len(event.participants) else ()
    speaks = isinstance(event, E.SupportReplied) or (isinstance(event, E.UpdateSent) and event.audience == "customer")
    return (event.by_role,) if speaks and event.counts and event.by_role else ()


def _wrong_pair(event: BaseEvent, level: EscalationLevel) -> Iterator[AuditFinding]:
    if not isinstance(event, E.SupportReplied | E.CustomerReplied) or not level.counterparts or event.topic is None:
        return
    pair = level.counterparts.get(event.topic)
    if pair is not None and event.by_role in level.inside and event.by_role not in pair:
        text = f"{_whoever(event)} ({event.by_role}) took up a {event.topic} matter, which is for {' and '.join(pair)}"
        yield _finding(event, "wrong-pair", f"counterparts of `{level.key}`", "warning", text)


def _individuals(record: _Record) -> Iterator[AuditFinding]:
    """Escalations go to roles, whose duties somebody always has; not to somebody one knows."""
    for event, _, _ in record.steps:
        if isinstance(event, E.EscalationRequested) and event.person is not None:
            text = f"{_whoever(event)} handed the escalation to {event.person}, a named individual"
            yield _finding(event, "named-individual", "escalations go to roles", "warning", text)


# ---------------------------------------------------------------------------- the customer's time
def _status_requests(record: _Record) -> Iterator[AuditFinding]:
    """A customer who had to ask for the status, shown against the update clock."""
    for event, _, _ in record.steps:
        if isinstance(event, E.CustomerReplied) and event.asks_for_status:
            clock = _update_clock(record, event)
            late = clock is not None and clock.due_at is not None and clock.due_at < event.at
            severity: Severity = "note" if clock is None else "error" if late else "warning"
            text = f"{event.by or 'the customer'} had to ask for the status; {_promise(record, clock, late=late)}"
            rule = "updates" if clock is None else f"target `{clock.target}`"
            yield _finding(event, "customer-asked-for-status", rule, severity, text)


def _update_clock(record: _Record, event: BaseEvent) -> Deadline | None:
    """The clock of the next update to the customer at an event, if one was running."""
    for one in reversed(record.deadlines):
        open_then = (
            one.started_at is not None and one.started_at <= event.at and (one.stopped_at or END_OF_TIME) >= event.at
        )
        if open_then and any(_TO_CUSTOMER in target.stop_on for target in record.targets_of(one)):
            return one
    return None


_TO_CUSTOMER = E.UpdateSent.like(audience="customer")


def _promise(record: _Record, clock: Deadline | None, *, late: bool) -> str:
    if clock is None:
        return "no update was promised"
    if clock.due_at is None:
        return "the clock of the next update was paused"
    due = record.when(clock.due_at)
    return f"an update had been due since {due}" if late else f"the next was due {due}"


def _hidden_waits(record: _Record) -> Iterator[AuditFinding]:
    """A wait for the customer that began while the customer waited for an answer."""
    since: datetime | None = None
    for event, _, _ in record.steps:
        if isinstance(event, E.Opened):
            since = None if event.actor == "staff" else event.at
        elif isinstance(event, E.CustomerReplied):
            since = since or event.at
        elif isinstance(event, E.SupportReplied) and event.counts:
            since = None
        elif isinstance(event, E.WaitStarted) and event.on == "customer" and since is not None:
            paused = _paused_at(record, event.at)
            who, message = _whoever(event), record.when(since)
            text = f"{who} had the case wait for the customer, whose message of {message} was unanswered"
            stood = f"; {_listed(paused)} stood still" if paused else ""
            severity: Severity = "error" if paused else "warning"
            yield _finding(event, "hidden-wait", "answer before waiting", severity, text + stood)


def _paused_at(record: _Record, moment: datetime) -> list[str]:
    """The targets whose clocks a wait stopped."""
    return [one.target for one in record.deadlines if any(leg.paused and leg.since == moment for leg in one.legs)]


# ---------------------------------------------------------------------------- plans, deadlines, lessons, flags
def _plans(record: _Record) -> Iterator[AuditFinding]:
    """Each item of an action plan has an owner and a due date."""
    if not record.stopped_by("PlanRevised"):
        return
    for event, _, _ in record.steps:
        for item in event.plan.items if isinstance(event, E.PlanRevised) else ():
            lacks = [name for name, held in (("owner", item.owner), ("due date", item.due_at)) if held is None]
            if lacks and not item.done:
                text = f"`{item.what}` is on the plan without {' and '.join(lacks)}"
                yield _finding(event, "unclear-plan-item", "action plan", "note", text)


def _breaches(record: _Record) -> Iterator[AuditFinding]:
    """Deadlines that were not kept, and those that only a change put into the past."""
    for one in record.deadlines:
        if one.outcome != "breached" or one.due_at is None:
            continue
        where = f" on `{one.level}`" if one.level else ""
        came = "has not come" if one.stopped_at is None else f"ended {record.when(one.stopped_at)}"
        text = f"`{one.target}`{where} was due {record.when(one.due_at)} and {came}"
        kind: AuditCode = "deadline-breached"
        if one.breached_by_change:
            kind = "breached-by-a-change"
            text = f"`{one.target}`{where} was put past due by a change at {record.when(one.due_at)}, not by a delay"
        severity: Severity = "note" if one.breached_by_change else "warning"
        yield AuditFinding(
            at=one.due_at, code=kind, rule=f"target `{one.target}`", severity=severity, message=text, by_role=one.owner
        )


def _post_mortems(record: _Record) -> Iterator[AuditFinding]:
    """Every escalation is looked back on, where the policy asks for that."""
    keys = record.stopped_by("PostMortemHeld")
    if not keys:
        return
    held = [step.event.at for step in record.steps if isinstance(step.event, E.PostMortemHeld)]
    pending = any(one.outcome == "pending" and one.target in keys for one in record.deadlines)
    found = episodes(record.policy, record.case, record.at)
    for number, one in enumerate(found):
        following = found[number + 1].since if number + 1 < len(found) else END_OF_TIME
        if one.until is not None and not any(one.since <= moment < following for moment in held):
            severity: Severity = "note" if pending else "warning"
            text = f"the escalation of {record.when(one.since)} ended without a post-mortem"
            yield AuditFinding(at=one.until, code="no-post-mortem", rule="post-mortem", severity=severity, message=text)


def _flags(record: _Record) -> Iterator[AuditFinding]:
    """What rules flag as findings, whether or not the host has recorded that it saw them."""
    case = record.with_history(one for one in record.case.history if not isinstance(one, E.ActionTaken))
    for one in fold(machine_of(record.policy), case, microseconds_of(record.at)).asked.actions:
        if isinstance(one.action, Tag) and one.action.audit:
            rule = f"{one.source[0]} `{one.source[1]}`"
            yield AuditFinding(
                at=datetime_of(one.due), code="tagged", rule=rule, severity="warning", message=one.action.text
            )


def _names(record: _Record) -> Iterator[AuditFinding]:
    """What the record names and the policy does not have."""
    return odd_names(record.policy, (step.event for step in record.steps))


_CHECKS: tuple[Callable[[_Record], Iterator[AuditFinding]], ...] = (
    _entries,
    _exits,
    _counterparts,
    _individuals,
    _status_requests,
    _hidden_waits,
    _plans,
    _breaches,
    _post_mortems,
    _names,
    _flags,
)
