"""What the page of a case shows, in the order in which people ask: where, what to do, by when, and why."""

from datetime import datetime, timedelta
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from escalation_rules import BlockedMove, Case, Decision, Policy
from escalation_rules import events as E

from service.desk import Desk


class Line(NamedTuple):
    """An item of a checklist, with the answers that can be given; none once it is done."""

    key: str
    text: str
    answers: tuple[str, ...] = ()


class Checklist(NamedTuple):
    title: str
    lines: list[Line]
    against: list[tuple[str, str]]


class Clock(NamedTuple):
    target: str
    state: str
    due: str
    left: str


class Page(NamedTuple):
    id: str
    title: str
    status: str
    level: str
    owner: str
    checklists: list[Checklist]
    clocks: list[Clock]
    told: list[dict]
    history: list[tuple[str, str]]
    explanation: str

    @classmethod
    def of(cls, desk: Desk, case_id: str) -> Self:
        title, case, decision = desk.read(case_id)
        zone = ZoneInfo(decision.timezone)
        level = desk.policy.level(next(iter(decision.positions.values())).level)
        return cls(
            id=case_id,
            title=title,
            status=decision.status,
            level=level.name,
            owner=str(level.owner),
            checklists=[
                _here(desk.policy, level.key, decision),
                *(_before(desk.policy, one) for one in decision.blocked),
            ],
            clocks=_clocks(decision, zone),
            told=[{**one, "due": _said(datetime.fromisoformat(one["due"]), zone)} for one in desk.told(case_id)],
            history=_history(case, zone),
            explanation=decision.explain(),
        )


def _here(policy: Policy, key: str, decision: Decision) -> Checklist:
    """The work of the present level: what is still owed can be ticked, the rest is done."""
    owed = {one.item for one in decision.worklist if one.item and one.level == key}
    level = policy.level(key)
    items = level.work.items if level.work else ()
    lines = [Line(item.key, item.text, item.answers if item.key in owed else ()) for item in items]
    return Checklist(f"To do on {level.name}", lines, [])


def _before(policy: Policy, held: BlockedMove) -> Checklist:
    """What a move that is wanted still lacks, and what argues against it."""
    lines = [Line(item.key, item.text, item.answers) for item in held.missing]
    against = [(one.item, f"{one.text} {one.answer}") for one in held.objections]
    return Checklist(f"Before it can go to {policy.level(held.move.to).name}", lines, against)


def _clocks(decision: Decision, zone: ZoneInfo) -> list[Clock]:
    every = (*decision.deadlines, *decision.stopped_deadlines)
    return [
        Clock(
            one.target.replace("_", " "),
            one.clock if one.outcome == "pending" else one.outcome,
            _said(one.due_at, zone),
            _spent(one.remaining(decision.at)) if one.clock != "stopped" else "",
        )
        for one in every
        if one.outcome != "not_started"
    ]


def _history(case: Case, zone: ZoneInfo) -> list[tuple[str, str]]:
    return [(_said(event.at, zone), _tell(event)) for event in case.history]


def _tell(event: E.Event) -> str:
    details = (getattr(event, name, None) for name in ("to", "item", "answer", "reason", "action"))
    return " ".join([event.type, *filter(None, details), "by", event.by or event.actor])


def _said(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %d %b %H:%M}" if at else "–"


def _spent(left: timedelta | None) -> str:
    """Counted time, which runs in office hours only."""
    if left is None:
        return ""
    minutes = abs(left) // timedelta(minutes=1)
    text = f"{minutes // 60} h {minutes % 60:02} min"
    return f"{text} over" if left < timedelta(0) else f"{text} left"
