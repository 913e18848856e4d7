"""The first edition's JSON in the names of the second, and decisions and frames back in those of the first."""

from __future__ import annotations

import json
import re
from typing import Any

FACTS = {
    "deadline": "outcome",
    "past_due": "overdue_for",
    "time_left": "remaining",
    "since_update": "no_update_for",
    "escalations": "escalation_requests",
    "escalation_requested": "escalation_request_open",
    "reopened": "reopenings",
    "plan_overdue": "plan_items_overdue",
}
EVENTS = {
    "Observed": "Reconciled",
    "FactObserved": "FactChanged",
    "EscalationReceived": "EscalationRequestReceived",
    "EscalationAnswered": "EscalationRequestAnswered",
    "MoveDeclined": "Declined",
    "ItemConfirmed": "ItemAnswered",
    "ItemWithdrawn": "AnswerWithdrawn",
}
ACTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "SetPriority": ("RaisePriority", {}),
    "Flag": ("Tag", {"finding": "audit"}),
    "Notify": ("Notify", {"by": "sender", "text": "message"}),
    "Ask": ("Ask", {"of": "role"}),
    "Assign": ("Assign", {"as_": "as_role"}),
    "Convene": ("Convene", {"who": "roles"}),
}
FIELDS: dict[str, dict[str, str]] = {
    "level": {"nobody": "if_nobody", "exit": "de_escalation", "cooldown": "min_stay", "circle": "counterparts"},
    "rule": {"name": "key", "at": "at_level"},
    "target": {
        "starts": "start_on",
        "stops": "stop_on",
        "pauses": "pause_on",
        "recurs": "recurring",
        "agreed": "use_agreed_interval",
    },
    "item": {"against": "blocked_by", "done_by": "answered_by", "expires": "valid_for", "evidence": "needs_evidence"},
    "layer": {"every": "rrule"},
    "fact": {"low": "minimum", "high": "maximum"},
    "event": {"role": "by_role"},
    "move": {"due": "due_at"},
    "action": {"due": "due_at"},
    "blocked": {"against": "objections"},
    "exit": {"against": "objections"},
    "owed": {"due": "due_at"},
    "because": {"changes": "changes_at"},
    "deadline": {
        "started": "started_at",
        "due": "due_at",
        "stopped": "stopped_at",
        "caused_by_change": "breached_by_change",
    },
}
NEW = {"because": ("fact", "of", "op", "value"), "deadline": ("legs", "at_close")}
"""Fields of the second edition that the first does not have, or that the hashes leave out."""

Data = dict[str, Any]


def _renamed(kind: str, data: Data) -> Data:
    return {FIELDS[kind].get(name, name): value for name, value in data.items()}


def _first(kind: str, data: Data) -> Data:
    old = {new: name for name, new in FIELDS[kind].items()}
    return {old.get(name, name): value for name, value in data.items() if name not in NEW.get(kind, ())}


# ---------------------------------------------------------------------------- from the first edition's names
def policy(data: Data) -> Data:
    """A policy as the second edition reads it."""
    return {
        **data,
        "levels": [_level(level) for level in data["levels"]],
        "tracks": [{**track, "levels": [_level(level) for level in track["levels"]]} for track in data["tracks"]],
        "rules": [
            {**_renamed("rule", rule), "when": _condition(rule["when"]), "then": [_action(one) for one in rule["then"]]}
            for rule in data["rules"]
        ],
        "targets": [_target(target) for target in data["targets"]],
        "facts": [_renamed("fact", fact) for fact in data["facts"]],
        "rotas": {role: _rota(rota) for role, rota in data["rotas"].items()},
    }


def _rota(data: Data) -> Data:
    return {**data, "layers": [_renamed("layer", layer) for layer in data["layers"]]}


def _level(data: Data) -> Data:
    level = _renamed("level", data)
    level["if_nobody"] = {"wait": "proceed"}.get(data["nobody"], data["nobody"])
    level["counterparts"] = data["circle"]["pairs"] if data["circle"] else {}
    level["on_entry"] = [_action(action) for action in data["on_entry"]]
    level["targets"] = [_target(target) for target in data["targets"]]
    for name in ("entry", "work", "de_escalation"):
        if level[name]:
            level[name] = {"items": [_item(item) for item in level[name]["items"]]}
    return level


def _item(data: Data) -> Data:
    return {**_renamed("item", data), "answered_by": _patterns(data["done_by"])}


def _action(data: Data) -> Data:
    kind, names = ACTIONS.get(data["type"], (data["type"], {}))
    return {**{names.get(name, name): value for name, value in data.items()}, "type": kind}


def _target(data: Data) -> Data:
    starts = data["starts"]
    return {
        **_renamed("target", data),
        "start_on": starts if starts is None or isinstance(starts, str) else _patterns(starts),
        "stop_on": _patterns(data["stops"]),
        "when": data["when"] and _condition(data["when"]),
    }


def _patterns(several: list[Data]) -> list[Data]:
    return [{"event": EVENTS.get(one["event"], one["event"]), "where": _where(one)} for one in several]


def _where(pattern: Data) -> Data:
    where = dict(pattern["where"])
    if "by_staff" in where:
        assert where.pop("by_staff")["values"] == [False]
        where["actor"] = {"test": "other than", "values": ["staff"]}
    own = {"role": "as_role"} if pattern["event"] == "Assigned" else {"role": "by_role"}
    return {own.get(name, name): test for name, test in where.items()}


def _condition(data: Data) -> Data:
    if data["type"] != "atom":
        inner = data["of"]
        return {**data, "of": [_condition(one) for one in inner] if isinstance(inner, list) else _condition(inner)}
    value = data["value"]
    if data["fact"] == "deadline":
        value = [one.replace(" ", "_") for one in value] if isinstance(value, list) else value.replace(" ", "_")
    return {
        **data,
        "fact": FACTS.get(data["fact"], data["fact"]),
        "value": value,
        "pattern": _patterns(data["pattern"]),
    }


def case(data: Data) -> Data:
    """A case as the second edition reads it."""
    return {**data, "history": [_event(event) for event in data["history"]]}


def _event(data: Data) -> Data:
    event = {**_renamed("event", data), "type": EVENTS.get(data["type"], data["type"])}
    if data["type"] == "Assigned":
        event["as_role"], event["by_role"] = data["role"], None
    if event.pop("by_staff", False):
        event["actor"] = "staff"
    if data["type"] == "PlanRevised":
        items = [
            {**{k: v for k, v in one.items() if k != "due"}, "due_at": one["due"]} for one in data["plan"]["items"]
        ]
        event["plan"] = {**data["plan"], "items": items}
    return event


# ---------------------------------------------------------------------------- back to the first edition's names
def answer(decision: Data) -> str:
    """A decision as the first edition wrote it: sorted, without the course of clocks, keys numbered in order."""
    worklist, exits = decision.pop("worklist"), decision.pop("de_escalation")
    positions = decision.pop("positions")
    decision |= {
        "levels": {track: position["level"] for track, position in positions.items()},
        "moves": [_move(move) for move in decision["moves"]],
        "blocked": [_first("blocked", {**one, "move": _move(one["move"])}) for one in decision["blocked"]],
        "actions": [_first("action", {**one, "action": _first_action(one["action"])}) for one in decision["actions"]],
        "deadlines": [_deadline(one) for one in decision["deadlines"]],
        "ended": [_deadline(one) for one in decision.pop("stopped_deadlines")],
        "owed": [_first("owed", {name: one[name] for name in WORK}) for one in worklist],
        "exits": [_first("exit", one) for one in exits.values()],
    }
    known: dict[str, str] = {}

    def numbered(match: re.Match[str]) -> str:
        return known.setdefault(match.group(0), f"key {len(known)}")

    text = json.dumps(decision, sort_keys=True).replace(" at same time", ", same time")
    return re.sub("(move|action)-[0-9a-f]{20,}", numbered, text)


WORK = ("kind", "what", "text", "role", "track", "level", "since", "due_at")


def _move(data: Data) -> Data:
    reasons = [
        {**reason, "because": [_first("because", one) for one in reason["because"]]} for reason in data["reasons"]
    ]
    return _first("move", {**data, "reasons": reasons})


def _first_action(data: Data) -> Data:
    first = {new: (old, {now: was for was, now in names.items()}) for old, (new, names) in ACTIONS.items()}
    kind, names = first.get(data["type"], (data["type"], {}))
    return {**{names.get(name, name): value for name, value in data.items()}, "type": kind}


def _deadline(data: Data) -> Data:
    return _first("deadline", {**data, "outcome": data["outcome"].replace("_", " ")})


def frame(columns: list[str], rows: list[tuple[Any, ...]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """A frame with the first edition's columns and outcomes."""
    names = {"objections": "against", "breached_by_change": "caused_by_change"}
    if "outcome" in columns:
        place = columns.index("outcome")
        rows = [(*row[:place], row[place].replace("_", " "), *row[place + 1 :]) for row in rows]
    return [names.get(name, name) for name in columns], rows
