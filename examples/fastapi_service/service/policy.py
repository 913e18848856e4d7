"""What this organisation decided beforehand. Nothing here knows of the web or of a database."""

from escalation_rules import BusinessCalendar, Checklist, EscalationLevel, Item, Policy, Rule, Target
from escalation_rules import actions as A
from escalation_rules import events as E
from escalation_rules import facts as F

WORK = Checklist.of(
    Item("reviewed", "Complaint reviewed"),
    Item("answered", "Customer answered", answered_by=E.COUNTING_REPLY),
    Item("attempted", "Resolution attempted"),
)
BEFORE_SOLUTIONS = Checklist.of(
    Item("problem", "Is the problem statement correct?"),
    Item("workaround", "Is there a workaround?", answers=("none", "poor", "good"), blocked_by=("good",)),
)

POLICY = Policy(
    name="complaints",
    version="1",
    calendars={
        "office": BusinessCalendar(timezone="Europe/London", hours={"mon-fri": "09:00-17:00"}, holidays="GB-ENG")
    },
    priorities=("low", "normal", "high", "urgent"),
    facts=F.flag("production_down"),
    targets=(
        Target.first_response(within="4 business hours"),
        Target.next_response(within="8 business hours"),
        Target.resolution(within="5 business days"),
    ),
    levels=(
        EscalationLevel(key="frontline", title="Front line", owner="agents", work=WORK),
        EscalationLevel(
            key="manager",
            title="Manager",
            owner="managers",
            work=WORK,
            on_entry=A.Notify(roles="managers", message="moved"),
        ),
        EscalationLevel(
            key="solutions",
            title="Solutions team",
            owner="solutions",
            entry=BEFORE_SOLUTIONS,
            work=WORK,
            targets=Target.contact(within="2 business days"),
            on_entry=A.Notify(roles=("solutions", "managers"), message="moved"),
        ),
    ),
    rules=(
        Rule(key="could not be resolved here", when=F.level_failed, to="next"),
        Rule(key="customer asks for it", when=F.escalation_request_open, to="manager"),
        Rule(key="first answer is late", when=F.outcome("first_response") == "breached", to="manager"),
        Rule(
            key="waited for a day",
            when=F.unanswered_for >= "8 business hours",
            to="manager",
            then=A.RaisePriority(to="next"),
        ),
        Rule(key="not resolved in time", when=F.outcome("resolution") == "breached", to="solutions"),
        Rule(key="production down", when=F.flag("production_down"), to="solutions", checklist="waived"),
    ),
)
