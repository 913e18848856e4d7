"""What this organisation decided beforehand. Nothing here knows of Django."""

from escalation_rules import BusinessCalendar, EscalationLevel, Pick, Policy, Rule, Target
from escalation_rules import actions as A
from escalation_rules import facts as F

LATE_ANSWER = (F.outcome("first_response") == "breached") | (F.outcome("next_response") == "breached")

POLICY = Policy(
    name="helpdesk",
    version="1",
    calendars={
        "office": BusinessCalendar(timezone="Europe/London", hours={"mon-fri": "09:00-17:00"}, holidays="GB-ENG")
    },
    priorities=("very_low", "low", "normal", "high", "critical"),
    targets=(
        Target.first_response(
            within=Pick(by="priority", values={"critical": "1 business hour"}, otherwise="8 business hours"),
            pause_on="hold",
        ),
        Target.next_response(within="8 business hours", pause_on="hold"),
        Target.resolution(
            within=Pick(by="priority", values={"critical": "16 business hours"}, otherwise="40 business hours"),
            pause_on="hold",
        ),
    ),
    levels=(
        EscalationLevel(key="frontline", owner="frontline"),
        EscalationLevel(key="seniors", owner="seniors"),
        EscalationLevel(
            key="management", owner="management", on_entry=A.Notify(roles="management", message="escalated")
        ),
    ),
    rules=(
        Rule(key="no answer in time", when=LATE_ANSWER, to="seniors", then=A.RaisePriority(to="next")),
        Rule(key="not resolved in time", when=F.outcome("resolution") == "breached", to="management"),
    ),
)
