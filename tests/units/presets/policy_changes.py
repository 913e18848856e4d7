"""Takes a construct out of a policy or changes it, to see that a test fails then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from escalation_rules import Checklist, EscalationLevel, Policy

Cut = Callable[[Policy], Policy]


def changed(policy: Policy, **fields: Any) -> Policy:
    return policy.model_copy(update=fields)


def rule(name: str, **changes: Any) -> Cut:
    """Without a rule, or with changes to it."""

    def cut(policy: Policy) -> Policy:
        assert any(one.key == name for one in policy.rules), name
        kept = [
            one.model_copy(update=changes) if one.key == name else one
            for one in policy.rules
            if changes or one.key != name
        ]
        return changed(policy, rules=tuple(kept))

    return cut


def level(key: str, **changes: Any) -> Cut:
    """With changes to a level; a change may be a function of what is there."""

    def mended(found: EscalationLevel) -> EscalationLevel:
        made = {name: one(getattr(found, name)) if callable(one) else one for name, one in changes.items()}
        return found.model_copy(update=made)

    def cut(policy: Policy) -> Policy:
        assert mended(policy.level(key)) != policy.level(key), f"nothing to take from {key}"

        def each(levels: tuple[EscalationLevel, ...]) -> tuple[EscalationLevel, ...]:
            return tuple(mended(one) if one.key == key else one for one in levels)

        if policy.tracks:
            tracks = tuple(track.model_copy(update={"levels": each(track.levels)}) for track in policy.tracks)
            return changed(policy, tracks=tracks)
        return changed(policy, levels=each(policy.levels))

    return cut


def track(key: str, **changes: Any) -> Cut:
    """With changes to a track."""

    def cut(policy: Policy) -> Policy:
        tracks = tuple(one.model_copy(update=changes) if one.key == key else one for one in policy.tracks)
        assert tracks != policy.tracks, key
        return changed(policy, tracks=tracks)

    return cut


def without_rule_and_track(name: str, key: str) -> Cut:
    """Without a track and the rule that leads there."""

    def cut(policy: Policy) -> Policy:
        kept = changed(rule(name)(policy), tracks=policy.tracks)
        return changed(policy, rules=kept.rules, tracks=tuple(one for one in policy.tracks if one.key != key))

    return cut


def without_level(key: str) -> Cut:
    """Without a level."""

    def cut(policy: Policy) -> Policy:
        assert policy.level(key)
        if policy.tracks:
            tracks = tuple(
                track.model_copy(update={"levels": tuple(one for one in track.levels if one.key != key)})
                for track in policy.tracks
            )
            return changed(policy, tracks=tracks)
        return changed(policy, levels=tuple(one for one in policy.levels if one.key != key))

    return cut


def target(key: str, **changes: Any) -> Cut:
    """Without a target of the policy's own or of its levels', or with changes to it."""

    def each(targets: Any) -> Any:
        return tuple(
            one.model_copy(update=changes) if one.key == key else one for one in targets if changes or one.key != key
        )

    def cut(policy: Policy) -> Policy:
        assert any(one.key == key for one in policy.all_targets), key

        def levels(found: Any) -> Any:
            return tuple(one.model_copy(update={"targets": each(one.targets)}) for one in found)

        made = changed(policy, targets=each(policy.targets))
        if policy.tracks:
            tracks = tuple(one.model_copy(update={"levels": levels(one.levels)}) for one in policy.tracks)
            return changed(made, tracks=tracks)
        return changed(made, levels=levels(made.levels))

    return cut


def without_items(*keys: str) -> Callable[[Checklist], Checklist]:
    """A checklist without some of its items."""
    return lambda found: Checklist(items=tuple(one for one in found.items if one.key not in keys))


def items_with(key: str, **changes: Any) -> Callable[[Checklist], Checklist]:
    """A checklist with changes to one of its items."""
    return lambda found: Checklist(
        items=tuple(one.model_copy(update=changes) if one.key == key else one for one in found.items)
    )


def without_actions(kind: str) -> Callable[[Any], Any]:
    """Some actions without those of a kind."""
    return lambda found: tuple(one for one in found if one.type != kind)
