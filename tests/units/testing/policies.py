"""A policy that has a little of everything, so that every promise means something."""

from __future__ import annotations

from escalation_rules import BusinessCalendar, Checklist, EscalationLevel, Item, Pick, Policy, Rota, Rule, Target, Track
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.worktime import Absence, Layer

__all__ = ["EVERYTHING"]

ENTRY = Checklist.of(
    Item("impact", "Is the business impact described?", expires="3 days"),
    Item("workaround", "Is there a workaround?", answers=("none", "poor", "good"), against=("good",)),
)
EXIT = Checklist.of(agreed="Does the customer agree?")

EVERYTHING = Policy(
    name="everything",
    version="1",
    calendars={
        "office": BusinessCalendar("Europe/London", {"mon-fri": "09:00-17:00"}, "GB-ENG"),
        "late": BusinessCalendar("Europe/London", {"mon-sun": "22:00-06:00"}),
        "always": BusinessCalendar.always(),
    },
    calendar="office",
    priorities=("low", "normal", "high"),
    facts=(F.flag("production_down"), F.count("seats", 0, 1_000)),
    tracks=(
        Track(
            key="expertise",
            levels=(
                EscalationLevel(key="first", owner="analyst"),
                EscalationLevel(
                    key="second", owner="specialist", alternates=("analyst",), entry=ENTRY, exit=EXIT, cooldown="1 day"
                ),
                EscalationLevel(
                    key="third",
                    owner="developer",
                    nobody="hold",
                    cooldown="2 days",
                    exit=EXIT,
                    targets=(Target.review("1 business day", recurs=True),),
                ),
            ),
        ),
        Track(
            key="management",
            calendar="always",
            levels=(
                EscalationLevel(key="manager", owner="manager", on_entry=(A.Notify("analyst"), A.Assign("manager"))),
                EscalationLevel(key="director", owner="director", cooldown="2 days"),
            ),
        ),
    ),
    rules=(
        Rule(name="not solved here", when=F.level_failed, to="next", track="expertise"),
        Rule(name="half used", when=F.used("resolution") >= "1/2", to="second"),
        Rule(name="seats", when=(F.count("seats") >= 100) & (F.priority >= "high"), to="third", checklist="waived"),
        Rule(name="stuck", when=F.at_level_for >= "16 business hours", at="first", to="second"),
        Rule(name="down", when=F.flag("production_down"), to="manager"),
        Rule(name="left alone", when=F.unanswered_for >= "8 business hours", to="manager"),
        Rule(name="asked for", when=F.happened(E.ATTENTION_REQUEST), to="next", track="management"),
        Rule(name="urgent", when=F.priority == "high", to="next", track="management"),
        Rule(name="long open", when=F.open_for >= "5 days", then=(A.SetPriority("next"), A.Flag("old"))),
        Rule(name="late", when=F.deadline("resolution") == "breached", to="director"),
    ),
    targets=(
        Target.first_response("2 business hours"),
        Target.next_response("4 business hours", when=F.priority >= "normal"),
        Target.resolution(
            Pick(by="priority", values={"high": "8 business hours", "normal": "2 business days"}, otherwise="5 days"),
            pauses=("customer", "vendor"),
            calendar=Pick(by="priority", values={"high": "late"}, otherwise="office"),
        ),
        Target.post_mortem("2 business days"),
    ),
    rotas={
        "developer": Rota(
            layers=(Layer(members=("Dan", "Eve"), start="2026-03-02T09:00:00Z", turn="1 week"),),
            absences=(Absence(start="2026-03-03T00:00:00Z", end="2026-03-12T00:00:00Z"),),
        ),
        "director": Rota(person="Dee", absences=(Absence(start="2026-01-01T00:00:00Z", end="2026-12-31T00:00:00Z"),)),
        "specialist": Rota(person="Sue", absences=(Absence(start="2026-03-02T12:00:00Z", end="2026-03-28T00:00:00Z"),)),
    },
)
