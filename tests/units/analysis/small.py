"""Small random policies whose every case can be listed, by a plain sampler."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

from escalation_rules import Case, EscalationLevel, Policy, Rule
from escalation_rules import facts as F
from tests.bench import OFFICE, when

PRIORITIES = ("low", "normal", "high")
FACTS = (F.flag("down"), F.count("seats", 0, 5), F.choice("size", ("small", "large")))
KEYS = ("l1", "l2", "l3")


def comparison(random: Random) -> Any:
    """A comparison of a fact that does not change by itself."""
    kind = random.choice(("priority", "priority", "flag", "count", "choice"))
    if kind == "flag":
        return F.flag("down").as_condition()
    if kind == "choice":
        value = random.choice(("small", "large"))
        return random.choice((F.choice("size") == value, F.choice("size") != value, F.choice("size").in_(value)))
    fact, value = (
        (F.priority, random.choice(PRIORITIES)) if kind == "priority" else (F.count("seats"), random.randint(0, 5))
    )
    return random.choice((fact >= value, fact < value, fact > value, fact <= value, fact == value, fact != value))


def condition(random: Random, size: int = 3) -> Any:
    """Some comparisons under all, any and not."""
    if size == 1 or random.random() < 0.25:
        return comparison(random)
    half = size // 2
    one, other = condition(random, half or 1), condition(random, size - half)
    made = one & other if random.random() < 0.6 else one | other
    return ~made if random.random() < 0.2 else made


def rule(random: Random, name: str, size: int = 3) -> Rule:
    """A rule to some level, sometimes for some levels only."""
    at = tuple(random.sample(KEYS, random.randint(1, 2))) if random.random() < 0.25 else ()
    return Rule(name=name, when=condition(random, size), to=random.choice(KEYS), at=at)


def policy(random: Random, rules: int = 4, size: int = 3) -> Policy:
    """A policy of three levels whose rules look at state alone."""
    return Policy(
        name="small",
        version="1",
        levels=tuple(EscalationLevel(key=key) for key in KEYS),
        rules=tuple(rule(random, f"r{number}", size) for number in range(rules)),
        priorities=PRIORITIES,
        facts=FACTS,
        calendars={"office": OFFICE},
    )


def every_case() -> Iterator[Case]:
    """Every case of such a policy, as it is opened: each priority, each value of each fact or none, each level."""
    downs, seats, sizes = (None, False, True), (None, *range(6)), (None, "small", "large")
    for priority, down, count, size, level in product((None, *PRIORITIES), downs, seats, sizes, KEYS):
        facts = {"down": down, "seats": count, "size": size}
        given = {name: value for name, value in facts.items() if value is not None}
        yield Case.open("C-1", at=when("mon 09:00"), priority=priority, level=level, facts=given)
