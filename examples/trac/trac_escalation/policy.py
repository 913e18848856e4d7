"""What this organisation decided beforehand. Nothing here knows of Trac."""

from escalation_rules import BusinessCalendar, EscalationLevel, Pick, Policy, Rule, Target
from escalation_rules import actions as A
from escalation_rules import facts as F

POLICY = Policy(
    name="tracker",
    version="1",
    calendars={
        "office": BusinessCalendar(timezone="Europe/Berlin", hours={"mon-fri": "09:00-17:00"}, holidays="DE-BE")
    },
    priorities=("trivial", "minor", "major", "critical", "blocker"),
    targets=(
        Target.first_response(
            within=Pick(by="priority", values={"blocker": "1 business hour"}, otherwise="2 business days")
        ),
        Target.resolution(within=Pick(by="priority", values={"blocker": "3 business days"}, otherwise=None)),
    ),
    levels=(
        EscalationLevel(key="triage", owner="triagers"),
        EscalationLevel(key="developers", owner="developers"),
        EscalationLevel(key="lead", owner="lead"),
    ),
    rules=(
        Rule(
            key="nobody has answered",
            when=F.outcome("first_response") == "breached",
            to="developers",
            then=A.RaisePriority(to="next"),
        ),
        Rule(key="blocks everybody", when=F.priority == "blocker", to="developers"),
        Rule(key="came back twice", when=F.reopenings >= 2, to="lead"),
        Rule(key="blocker not resolved in time", when=F.outcome("resolution") == "breached", to="lead"),
    ),
)
