"""`Run`: one case under one policy, with the decision and the facts at every instant of change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, NoReturn

from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules._values import read_instant, show
from escalation_rules.case import Case
from escalation_rules.conditions import Condition
from escalation_rules.decision import Decision
from escalation_rules.engine import decide
from escalation_rules.engine.probe import holds, value_of
from escalation_rules.errors import InvalidValue, Misuse, Problem, UnknownName, unknown
from escalation_rules.fact_table import FACTS
from escalation_rules.policy import Policy
from escalation_rules.worktime import SpanLike


@dataclass(frozen=True, eq=False, repr=False)
class Length:
    """How long something has lasted, to be compared with a span as a rule would compare it, by `>=` and `<`.

    What is unknown, such as the time left of no clock, is neither. Any other comparison raises as it would in a rule.
    """

    policy: Policy
    case: Case
    at: datetime
    fact: F.Fact

    def __ge__(self, span: SpanLike) -> bool:
        return self._holds(self.fact >= span)

    def __lt__(self, span: SpanLike) -> bool:
        return self._holds(self.fact < span)

    def __gt__(self, span: SpanLike) -> bool:
        return self._holds(self.fact > span)

    def __le__(self, span: SpanLike) -> bool:
        return self._holds(self.fact <= span)

    def __eq__(self, span: object) -> bool:
        return self._holds(self.fact == span)

    __hash__ = None  # type: ignore[assignment]  # it equals spans by what a rule would say, which no hash can follow

    def __bool__(self) -> NoReturn:
        raise Misuse(Problem(f"truth of the duration `{self!r}`", expected="a comparison with a span, by `>=` or `<`"))

    def __repr__(self) -> str:
        return repr(self.fact)

    def _holds(self, condition: Condition) -> bool:
        return holds(self.policy, condition, self.case, at=self.at)


class Share(Fraction):
    """How much of its span a target has used up: a fraction that compares with `"75%"` and `"3/4"` too, as in a rule.

    >>> Share(3, 4) >= "75%"
    True
    """

    def __ge__(self, other: Any) -> bool:
        return bool(Fraction(self) >= _number(other))

    def __lt__(self, other: Any) -> bool:
        return bool(Fraction(self) < _number(other))

    def __gt__(self, other: Any) -> bool:
        return bool(Fraction(self) > _number(other))

    def __le__(self, other: Any) -> bool:
        return bool(Fraction(self) <= _number(other))

    def __eq__(self, other: object) -> bool:
        return bool(Fraction(self) == _number(other))

    __hash__ = Fraction.__hash__

    def __repr__(self) -> str:
        return f"Fraction({self.numerator}, {self.denominator})"


def _number(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    atom: Any = F.used("any") >= given
    return Fraction(atom.value)


def read_fact(policy: Policy, case: Case, at: datetime, name: str, of: str | None) -> Any:
    """The value of a fact at an instant, None where it is unknown.

    Raises `UnknownName`, and `InvalidValue` for a fact that is not asked rightly.
    """
    kind, argument = _kind(policy, name)
    _ask_rightly(policy, name, argument, of)
    if kind == "duration":
        return Length(policy, case, at, _handle(name, of))
    if name == "level_failed":
        return holds(policy, _handle(name, of).as_condition(), case, at=at)
    value = value_of(policy, name, case, at=at, of=of)
    return Share(value) if kind == "share" else value


def _kind(policy: Policy, name: str) -> tuple[str, str]:
    """Of which kind a fact is, and what it is asked about. On every track there is a level."""
    if isinstance(name, F.Fact):
        raise InvalidValue(Problem("fact asked by its handle", name, expected="its name", suggestion=repr(name.name)))
    if own := policy.own_fact(name):
        return own.kind, ""
    if name not in FACTS:
        raise UnknownName(unknown("fact", name, [*FACTS, *(one.name for one in policy.facts)]))
    row = FACTS[name]
    return row.kind, "track" if name == "level" else row.about


def _ask_rightly(policy: Policy, name: str, argument: str, of: str | None) -> None:
    if argument == "pattern":
        raise InvalidValue(Problem("fact asked by name", name, expected="its pattern: `step.holds(F.happened(…))`"))
    if argument == "" and of is not None:
        raise InvalidValue(Problem(f"`{name}` asked about", of, expected="no argument"))
    words = policy.vocabulary
    known = {"target": words.targets, "track": words.tracks}.get(argument, ())
    if argument and of not in known and not (argument == "track" and of is None):
        raise UnknownName(unknown(argument, of, known, name))


def _handle(name: str, of: str | None) -> F.Fact:
    handle: F.Fact | Callable[[str], F.Fact] = getattr(F, name)
    if of is not None:
        return handle(of)
    assert isinstance(handle, F.Fact)
    return handle


MICROSECOND = timedelta(microseconds=1)
WAKES = 5
"""How many wake-ups are followed between two events, and after the last."""


@dataclass(frozen=True, repr=False)
class Step:
    """What a policy says of a case at one instant of its run; `case` is what was known then."""

    policy: Policy
    case: Case
    at: datetime
    decision: Decision
    events: tuple[E.Event, ...] = ()

    @classmethod
    def of(cls, policy: Policy, case: Case, at: datetime | str) -> Step:
        """The step of a case at an instant, given as a datetime or as its ISO 8601 text."""
        now = read_instant(at)
        known = known_at(case, now)
        return cls(
            policy, known, now, decide(policy, known, at=now), tuple(one for one in known.history if one.at == now)
        )

    def __repr__(self) -> str:
        return f"Step.of(policy, {self.case!r}, {show(self.at)})"

    @property
    def level(self) -> str | None:
        """The level on the first track, moves that are due included."""
        return next((position.level for position in self.decision.positions.values()), None)

    @property
    def is_live(self) -> bool:
        """Whether the case is being worked on here: neither ended nor outside."""
        return self.decision.status in {"open", "waiting"}

    def fact(self, name: str, of: str | None = None) -> Any:
        """The value of a fact at this instant, None where it is unknown; `of` names the track or target.

        A duration is compared with a span, as in a rule: `step.fact("open_for") >= "30 minutes"`; a share of a
        target's span is a fraction: `step.fact("used", "resolution") >= "75%"`. What `happened` is asked with
        `holds`. Raises `UnknownName`, and `InvalidValue` for a fact that is not asked rightly.
        """
        return read_fact(self.policy, self.case, self.at, name, of)

    def holds(self, condition: Condition) -> bool:
        """Whether a condition is known to hold here, as a rule of the first track would see it."""
        return holds(self.policy, condition, self.case, at=self.at)


@dataclass(frozen=True, repr=False)
class Run:
    """A case under a policy, and its steps: every event and every wake-up, in order.

    Printed, it is `Run.of(policy, Case(…))`, to be pasted where `policy` is the policy.
    """

    policy: Policy
    case: Case
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, policy: Policy, case: Case) -> Run:
        """The run of a case: what a prompt host would be told, if it asked and did nothing.

        >>> from datetime import UTC, datetime
        >>> from escalation_rules import Case, EscalationLevel, Policy, Rule, facts as F
        >>> rule = Rule(key="late", when=F.open_for >= "2 hours", to="second")
        >>> levels = (EscalationLevel(key="first"), EscalationLevel(key="second"))
        >>> run = Run.of(
        ...     Policy(name="desk", version="1", levels=levels, rules=rule),
        ...     Case.open("C-1", at=datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ... )
        >>> [(step.at.hour, step.level) for step in run.steps]
        [(9, 'first'), (11, 'second')]
        """
        return cls(policy, case, tuple(_steps(policy, case)))

    def __repr__(self) -> str:
        return f"Run.of(policy, {self.case!r})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 as Hypothesis calls it
        """As Hypothesis prints it where a test fails: an event a line, if one line is too short for all of them."""
        end = f"), attributes={show(self.case.attributes)}))" if self.case.attributes else ")))"
        with printer.group(4, f"Run.of(policy, Case({self.case.id!r}, (", end):
            for number, event in enumerate(self.case.history):
                printer.breakable(" " if number else "")
                printer.text(f"{event!r},")


def known_at(case: Case, at: datetime) -> Case:
    """The case as far as it had come at an instant."""
    if case.history[-1].at <= at:
        return case
    return Case.model_construct(
        id=case.id, history=tuple(event for event in case.history if event.at <= at), attributes=case.attributes
    )


def _steps(policy: Policy, case: Case) -> Iterator[Step]:
    instants = list(dict.fromkeys(event.at for event in case.history))
    for number, start in enumerate(instants):
        end = instants[number + 1] if number + 1 < len(instants) else None
        known = known_at(case, start)
        at: datetime | None = start
        for _ in range(WAKES):
            if at is None or (end is not None and at >= end):
                break
            step = Step.of(policy, known, at)
            yield step
            at = step.decision.wake_at
