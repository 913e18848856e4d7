"""How long things took: a policy that only measures, and the quantiles of what it measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from escalation_rules.errors import UnknownName, unknown
from escalation_rules.levels import EscalationLevel
from escalation_rules.policy import Policy
from escalation_rules.simulation.frames import Columns
from escalation_rules.simulation.reports import Groups
from escalation_rules.targets import Target
from escalation_rules.worktime import BusinessCalendar

__all__ = ["measuring", "quantiles"]

USUAL = {
    name: getattr(Target, name)
    for name in (
        *("first_response", "next_response", "update", "resolution", "contact"),
        *("acknowledge", "kick_off", "action_plan", "review", "post_mortem"),
    )
}
ENDLESS = {True: "100000 business hours", False: "1000000 hours"}


def measuring(target: str | Target, calendar: BusinessCalendar | None, levels: Sequence[str]) -> Policy:
    """A policy with one target that is never over, so that its clock shows how much time things took."""
    if isinstance(target, str) and target not in USUAL:
        raise UnknownName(unknown("target", target, USUAL))
    within = ENDLESS[calendar is not None]
    if isinstance(target, str):
        measured = USUAL[target](within=within)
    else:
        measured = target.model_copy(update={"within": within, "calendar": None, "when": None, "owner": None})
    return Policy(
        name="measure",
        version="1",
        levels=[EscalationLevel(key=level) for level in levels],
        targets=(measured,),
        calendars={} if calendar is None else {"calendar": calendar},
    )


def quantiles(deadlines: Columns, shares: Sequence[float], by: Sequence[str]) -> Columns:
    """The counted time by which each share was stopped: always a time that was seen, never one in between."""
    groups = Groups(deadlines, by, {})
    stopped = np.isin(deadlines["outcome"].astype(str), ("met", "breached")) & ~np.isnat(deadlines["stopped_at"])
    pending = groups.total(np.isnat(deadlines["stopped_at"]))
    counted = deadlines["counted"].astype(np.int64)
    found = np.full((groups.count, len(shares)), np.iinfo(np.int64).min)
    for group in range(groups.count):
        times = counted[stopped & (groups.number == group)]
        if len(times):
            found[group] = np.quantile(times, shares, method="inverted_cdf")
    return {
        **{name: np.repeat(held, len(shares)) for name, held in groups.keys.items()},
        "n": np.repeat(groups.total(stopped), len(shares)),
        "pending": np.repeat(pending, len(shares)),
        "q": np.tile(np.array(shares, np.float64), groups.count),
        "counted": found.reshape(-1).view("timedelta64[us]"),
    }
