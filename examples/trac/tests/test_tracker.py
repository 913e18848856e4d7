"""A Trac environment on SQLite, worked through Trac's own ticket model and its admin console."""

import io
from contextlib import redirect_stdout
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from escalation_rules import events as E
from trac.admin.console import TracAdmin
from trac.env import Environment
from trac.ticket.model import Ticket

from trac_escalation.history import read
from trac_escalation.plugin import Escalation
from trac_escalation.policy import POLICY

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = {"mon": 2, "tue": 3, "wed": 4, "thu": 5, "fri": 6, "sat": 7, "sun": 8}
OPTIONS = [
    ("components", "trac_escalation.*", "enabled"),
    ("ticket-custom", "level", "text"),
    ("escalation", "developers", "dora"),
    ("escalation", "lead", "leo"),
]


def when(text):
    """An instant such as `mon 09:00` in the week of 2 March 2026, or `mon+1 09:00` for a week later."""
    day, clock = text.split()
    name, _, weeks = day.partition("+")
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 3, DAYS[name], hour, minute, tzinfo=BERLIN) + timedelta(weeks=int(weeks or 0))


class Tracker:
    def __init__(self, folder):
        self.path = str(folder)
        self.env = Environment(self.path, create=True, options=OPTIONS)
        self.escalation = Escalation(self.env)

    def at(self, text):
        self.escalation.clock = lambda: when(text)
        return self

    def open(self, at="mon 09:00", priority="major"):
        ticket = Ticket(self.at(at).env)
        ticket.populate({"summary": "It smokes", "reporter": "carl", "status": "new", "priority": priority})
        return ticket.insert(when(at))

    def change(self, number, at, author="dora", comment="", **fields):
        ticket = Ticket(self.at(at).env, number)
        for name, value in fields.items():
            ticket[name] = value
        ticket.save_changes(author, comment, when(at))

    def run(self, at):
        return self.at(at).escalation.run()

    def settle(self, number, at):
        return self.at(at).escalation.settle(number)

    def ticket(self, number):
        ticket = Ticket(self.env, number)
        return ticket["level"], ticket["priority"], ticket["owner"]

    def case(self, number):
        return read(Ticket(self.env, number), self.escalation._decided(number))

    def console(self, command):
        console, said = TracAdmin(self.path), io.StringIO()
        console.env_set(self.path, self.env)
        with redirect_stdout(said):
            console.onecmd(command)
        return said.getvalue()


@pytest.fixture
def tracker(tmp_path):
    tracker = Tracker(tmp_path / "trac")
    yield tracker
    tracker.env.shutdown()


def test_an_unanswered_ticket_goes_to_the_developers_with_a_comment_that_says_why(tracker):
    number = tracker.open()
    assert tracker.run("wed 17:00") == 0
    assert tracker.run("wed 17:01") == 1
    assert tracker.ticket(number) == ("developers", "critical", "dora")
    log = Ticket(tracker.env, number).get_changelog()
    author, told = next((author, new) for _, author, field, _, new, _ in log if field == "comment")
    assert author == "escalation"
    assert "because of rule `nobody has answered`" in told
    assert tracker.run("wed 17:02") == 0


def test_the_comment_we_write_is_no_answer_and_a_persons_is(tracker):
    number = tracker.open()
    tracker.run("wed 17:01")
    assert not any(E.COUNTING_REPLY.matches(event) for event in tracker.case(number).history)
    answered = tracker.open("thu 09:00")
    tracker.change(answered, "thu 10:00", comment="Which printer?")
    tracker.run("fri+1 09:00")
    assert tracker.ticket(answered)[0] is None


def test_a_blocker_moves_as_soon_as_somebody_says_so(tracker):
    number = tracker.open()
    tracker.change(number, "mon 10:00", author="carl", priority="blocker")
    assert tracker.ticket(number) == ("developers", "blocker", "dora")


def test_the_first_priority_is_found_by_taking_the_changes_back(tracker):
    number = tracker.open(priority="minor")
    tracker.change(number, "mon 10:00", priority="major", comment="Worse than that.")
    tracker.change(number, "mon 11:00", priority="critical")
    case = tracker.case(number)
    assert [case.priority(at=when(at)) for at in ("mon 09:30", "mon 10:30", "mon 11:30")] == [
        "minor",
        "major",
        "critical",
    ]


def test_a_ticket_that_comes_back_twice_goes_to_the_lead(tracker):
    number = tracker.open()
    for day in ("mon", "tue"):
        tracker.change(number, f"{day} 12:00", status="closed", resolution="fixed", comment="Done.")
        tracker.change(number, f"{day} 15:00", author="carl", status="reopened", resolution="", comment="No.")
    assert tracker.ticket(number)[::2] == ("lead", "leo")
    assert tracker.case(number).reopenings(at=when("wed 09:00")) == 2


def test_a_duplicate_is_void_and_never_woken(tracker):
    number = tracker.open()
    tracker.change(number, "mon 10:00", status="closed", resolution="duplicate")
    assert tracker.case(number).status(at=when("mon 10:00")) == "void"
    assert tracker.run("mon+3 09:00") == 0


def test_a_level_that_a_person_sets_stands_and_is_not_undone(tracker):
    number = tracker.open()
    tracker.change(number, "mon 10:00", level="lead", comment="Mine.")
    tracker.run("wed 17:01")
    assert tracker.ticket(number)[0] == "lead"


def test_a_week_without_cron_ends_as_a_week_with_it(tracker):
    prompt, late = tracker.open(priority="critical"), tracker.open(priority="critical")
    for at in ("wed 17:01", "thu 12:00", "mon+1 17:01"):
        tracker.settle(prompt, at)
    tracker.settle(late, "mon+1 17:01")

    def decided(number):
        return [(one.type, one.at, getattr(one, "to", None)) for one in tracker.escalation._decided(number)]

    assert decided(prompt) == decided(late)
    assert tracker.ticket(late) == ("lead", "blocker", "leo")


def test_who_comes_second_with_a_key_leaves_nothing_behind(tracker):
    number = tracker.open()
    tracker.settle(number, "wed 17:01")
    once = Ticket(tracker.env, number).get_changelog()
    tracker.escalation._decided = lambda _: []  # a run that had read the ticket before the other one wrote
    with pytest.raises(tracker.env.db_exc.IntegrityError):
        tracker.settle(number, "wed 17:02")
    assert Ticket(tracker.env, number).get_changelog() == once


def test_the_admin_console_runs_it_and_says_why(tracker):
    number = tracker.open()
    tracker.at("wed 17:01")
    assert "1 tickets decided" in tracker.console("escalation run")
    assert tracker.ticket(number)[0] == "developers"
    assert f"ticket-{number} at" in tracker.console(f"escalation why {number}")


def test_a_failure_of_ours_does_not_stop_people(tracker, monkeypatch):
    number = tracker.open()
    with monkeypatch.context() as broken:
        broken.setattr(Escalation, "settle", lambda *_: 1 / 0)
        tracker.change(number, "mon 10:00", comment="Hello?")
        assert tracker.run("mon 10:01") == 0
    assert tracker.run("mon 10:01") == 1


def test_a_new_policy_looks_at_every_ticket_again(tracker, monkeypatch):
    tracker.open()
    assert tracker.run("mon 10:00") == 0
    monkeypatch.setattr("trac_escalation.plugin.POLICY", POLICY.model_copy(update={"version": "2"}))
    assert tracker.run("mon 10:00") == 1
