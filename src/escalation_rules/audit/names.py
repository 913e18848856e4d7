"""Names in a record that the policy does not know: another version of it may have them, or somebody mistyped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from escalation_rules import events as E
from escalation_rules.audit.report import Finding, Kind
from escalation_rules.errors import nearest
from escalation_rules.patterns import Happening
from escalation_rules.policy import Policy

__all__ = ["odd_names"]

Odd = tuple[Kind, str, str]
"""A kind of finding, the name, and the sentence."""


def odd_names(policy: Policy, events: Iterable[Happening]) -> Iterator[Finding]:
    """Facts, items and tracks that the policy does not have, each where it is first named: no rule sees them."""
    seen: set[tuple[Kind, str]] = set()
    checks = (_facts(policy), _items(policy), _tracks(policy))
    for event in events:
        for kind, name, text in (odd for check in checks for odd in check(event)):
            if (kind, name) not in seen:
                seen.add((kind, name))
                rule = f"{kind.rpartition(' ')[2]}s of the policy"
                yield Finding(
                    at=event.at, kind=kind, rule=rule, severity="note", text=text, by=event.by, role=event.role
                )


Check = Callable[[Happening], Iterator[Odd]]


def _facts(policy: Policy) -> Check:
    known = [fact.name for fact in policy.facts]

    def check(event: Happening) -> Iterator[Odd]:
        names = list(event.facts) if isinstance(event, E.Opened) else []
        names += [event.name] if isinstance(event, E.FactObserved) else []
        return (("unknown fact", name, _unknown("fact", name, known)) for name in names if name not in known)

    return check


def _items(policy: Policy) -> Check:
    lists = [one for level in policy.all_levels for one in (level.entry, level.work, level.exit) if one is not None]
    known = [key for one in lists for key in one.keys]

    def check(event: Happening) -> Iterator[Odd]:
        if isinstance(event, E.ItemConfirmed | E.ItemWithdrawn) and event.item not in known:
            yield "unknown item", event.item, _unknown("item", event.item, known)

    return check


def _tracks(policy: Policy) -> Check:
    """A level says which track it is on; what an event says beside it goes unheard."""
    tracks = [track.key for track in policy.all_tracks]

    def check(event: Happening) -> Iterator[Odd]:
        level = event.level if isinstance(event, E.LevelFailed) else getattr(event, "to", None)
        if isinstance(event, E.Escalated | E.DeEscalated | E.LevelFailed) and event.track and level:
            own = policy.track_of(level).key
            if event.track not in tracks:
                yield "unknown track", event.track, f"{_unknown('track', event.track, tracks)}; `{level}` is on `{own}`"
            elif event.track != own:
                yield "wrong track", event.track, f"`{level}` is on the track `{own}`, not on `{event.track}`"

    return check


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    found = nearest(name, known)
    return f"the policy has no {what} `{name}`" + (f"; the nearest is `{found}`" if found else "")
