"""The same tickets, judged by the host's own `escalate_tickets` and by ours.

The host raises the priority of whatever is older than so many days. Ours raises it where the customer is still owed an
answer. Each test says where the two agree, or why ours is right and the host's is not.
"""

import pytest
from django.core.management import call_command
from django.db import transaction
from helpdesk.models import EscalationExclusion, FollowUp

from tests.conftest import when


@pytest.fixture
def judge(desk):
    """What becomes of a ticket's priority by the host's own command, undone again, and then by ours."""

    def both(ticket, *options):
        with transaction.atomic():
            call_command("escalate_tickets", *options)
            theirs = desk.priority(ticket)
            transaction.set_rollback(True)
        desk.escalate()
        return {"host": theirs, "ours": desk.priority(ticket)}

    desk.queue.escalate_days = 1
    desk.queue.save()
    return both


def test_both_raise_what_nobody_has_answered_for_a_day(desk, judge):
    ticket = desk.open()
    desk.at("tue 09:01")
    assert judge(ticket) == {"host": 2, "ours": 2}


def test_both_leave_what_is_on_hold(desk, judge):
    ticket = desk.open()
    desk.at("mon 09:30").hold(ticket)
    desk.at("thu 09:00")
    assert judge(ticket) == {"host": 3, "ours": 3}


def test_an_answered_ticket_is_raised_by_the_host_since_it_only_looks_at_age(desk, judge):
    ticket = desk.open()
    desk.at("mon 10:00").answer(ticket)
    desk.at("tue 09:01")
    assert judge(ticket) == {"host": 2, "ours": 3}


def test_days_excluded_from_the_count_make_the_host_earlier_not_later(desk, judge):
    """It counts the working days among the last three and then goes back so many days on the calendar.

    A ticket of Friday afternoon is raised on Monday at nine, after one working hour. Without any weekend it would not
    have been.
    """
    desk.queue.escalate_days = 3
    desk.queue.save()
    ticket = desk.at("fri 16:00").open()
    desk.at("mon+1 09:00")
    assert judge(ticket) == {"host": 3, "ours": 3}
    for day in ("sat 00:00", "sun 00:00"):
        EscalationExclusion.objects.create(name="Weekend", date=when(day).date())
    assert judge(ticket) == {"host": 2, "ours": 3}


def test_the_time_on_hold_counts_for_the_host_as_soon_as_the_hold_ends(desk, judge):
    ticket = desk.open()
    desk.at("mon 10:00").hold(ticket)
    desk.at("fri 10:00").release(ticket)
    assert judge(ticket) == {"host": 2, "ours": 3}


def test_a_reopened_ticket_is_as_old_as_it_ever_was_for_the_host(desk, judge):
    ticket = desk.open()
    desk.at("mon 10:00").answer(ticket, new_status=3)
    desk.at("mon+3 09:00").update(ticket, new_status=2)
    desk.at("mon+3 09:01")
    assert judge(ticket) == {"host": 2, "ours": 3}


def test_notify_only_changes_the_priority_all_the_same(desk, judge):
    ticket = desk.open()
    desk.at("mon 10:00").answer(ticket)
    desk.at("tue 09:01")
    assert judge(ticket, "--notify-only") == {"host": 2, "ours": 3}


@pytest.mark.parametrize("command", ["escalate_tickets", "escalate"])
def test_after_an_outage_the_host_makes_one_step_and_ours_stands_where_it_would_have_stood(desk, command):
    """A ticket that nobody answers for a week, with cron running every day, or down until the last."""

    def outcome(*days):
        with transaction.atomic():
            for day in days:
                desk.at(f"{day} 17:01")
                call_command(command)
            found = (desk.priority(ticket), desk.level(ticket))
            transaction.set_rollback(True)
        return found

    desk.queue.escalate_days = 1
    desk.queue.save()
    ticket = desk.open()
    prompt, late = outcome("tue", "wed", "thu", "fri"), outcome("fri")
    assert (prompt, late) == {
        "escalate_tickets": ((1, "frontline"), (2, "frontline")),
        "escalate": ((2, "management"), (2, "management")),
    }[command]


def test_the_notice_the_host_publishes_looks_like_an_answer_and_is_none(desk):
    ticket = desk.open()
    desk.queue.escalate_days = 1
    desk.queue.save()
    desk.at("tue 09:01")
    call_command("escalate_tickets")
    notice = FollowUp.objects.get(title="Ticket Escalated")
    assert (notice.public, notice.direction) == (True, "outbound")
    assert "SupportReplied" not in [event.type for event in desk.case(ticket).history]
    desk.escalate()
    assert desk.level(ticket) == "seniors"


def test_a_critical_ticket_is_left_alone_by_the_host_and_goes_up_with_us(desk, judge):
    ticket = desk.open(priority=1)
    desk.at("tue 09:01")
    assert judge(ticket) == {"host": 1, "ours": 1}
    assert desk.level(ticket) == "seniors"
