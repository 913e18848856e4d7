"""Is the ordinary process sound? Escalations are tuned after that, not before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from escalation_rules._arguments import cases_of, check_policy
from escalation_rules._values import Instant, Value, read_instant
from escalation_rules.case import Case
from escalation_rules.engine import deadlines
from escalation_rules.metrics.kpis import Rate, page
from escalation_rules.policy import Policy
from escalation_rules.record import episodes


class Health(Value):
    """How the ordinary process did over some cases, and what is wrong with it.

    `first_response` counts the instances that were met among those met or breached; `escalated` the cases for which
    attention was requested or that went up; `reopened` those that came back. `problems` are sentences; with none, the
    process is sound. Printed, it is a page.
    """

    policy: str
    version: str
    at: Instant
    cases: int
    first_response: Rate
    escalated: Rate
    reopened: Rate
    problems: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with the ordinary process."""
        return not self.problems

    def __str__(self) -> str:
        return self.explain()

    def explain(self) -> str:
        """The figures and the verdict, as a page of text."""
        verdict = "sound" if self.is_sound else "fix the ordinary process before tuning its escalations"
        rows = (
            ("first responses in time", self.first_response),
            ("cases escalated", self.escalated),
            ("cases reopened", self.reopened),
            *(("problem", problem) for problem in self.problems),
        )
        return page(f"policy {self.policy} {self.version} over {self.cases} cases: {verdict}", rows)


def health(
    policy: Policy,
    cases: Iterable[Case],
    *,
    at: datetime,
    first_response: float = 0.9,
    escalated: float = 0.1,
    reopened: float = 0.1,
    target: str = "first_response",
) -> Health:
    """Judge the ordinary process by the first responses in time, the cases escalated and the cases reopened.

    At least a share `first_response` of the instances of `target` must have been met, and at most the shares
    `escalated` and `reopened` of the cases. A policy without the target, or cases of which none was due an answer yet,
    cannot be judged, and that is a problem too. Void cases and those not opened yet are left out. Source: Francoise
    Tourniaire, "Taming the Escalation Monster": if the case resolution process is broken, fix it first.

    >>> from datetime import datetime, timezone
    >>> from escalation_rules import presets
    >>> print(health(presets.complaint_ladder(), [], at=datetime(2026, 3, 2, tzinfo=timezone.utc)).problems[0])
    the policy has no target `first_response`: nobody is promised an answer
    """
    check_policy(policy)
    known = [case for case in cases_of(cases) if case.opened_at <= read_instant(at) and case.status(at=at) != "void"]
    found = [one.outcome for case in known for one in deadlines(policy, case, at=at) if one.target == target]
    met, missed = found.count("met"), found.count("breached")
    answered = Rate(part=met, whole=met + missed)
    up = _share(bool(case.escalation_requests(at=at) or episodes(policy, case, at)) for case in known)
    back = _share(case.reopenings(at=at) > 0 for case in known)
    if target not in policy.vocabulary.targets:
        problems = [f"the policy has no target `{target}`: nobody is promised an answer"]
    else:
        problems = list(_too_few(answered, first_response, target))
    problems += _too_many(up, escalated, "escalated")
    problems += _too_many(back, reopened, "reopened")
    return Health(
        policy=policy.name,
        version=policy.version,
        at=at,
        cases=len(known),
        first_response=answered,
        escalated=up,
        reopened=back,
        problems=tuple(problems),
    )


def _share(held: Iterable[bool]) -> Rate:
    found = list(held)
    return Rate(part=sum(found), whole=len(found))


def _too_few(rate: Rate, wanted: float, target: str) -> Iterator[str]:
    if rate.share is None:
        yield f"no `{target}` has fallen due yet: the process cannot be judged"
    elif rate.share < wanted:
        yield f"`{target}` was met in {rate}, and {wanted:.0%} is wanted"


def _too_many(rate: Rate, allowed: float, what: str) -> Iterator[str]:
    if rate.share is not None and rate.share > allowed:
        yield f"{rate} were {what}, and {allowed:.0%} is allowed"
