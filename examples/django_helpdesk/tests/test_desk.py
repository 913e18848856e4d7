"""Tickets that are opened, answered, held, reassigned and reopened by the host's own pages and functions."""

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from escalation_rules import events as E
from helpdesk.models import FollowUp, Ticket, TicketChange

from escalation import desk as escalation_desk
from escalation.models import EscalationEvent, EscalationState
from tests.conftest import when

MICROSECOND = timedelta(microseconds=1)


def kinds(case):
    return [event.type for event in case.history]


def test_an_unanswered_ticket_goes_to_the_seniors_with_a_higher_priority_and_its_explanation(desk):
    ticket = desk.open()
    desk.at("mon 16:59").escalate()
    assert (desk.level(ticket), desk.priority(ticket)) == ("frontline", 3)
    assert EscalationState.objects.get().wake_at == when("mon 17:00") + MICROSECOND
    desk.at("tue 09:00").escalate()
    assert (desk.level(ticket), desk.priority(ticket)) == ("seniors", 2)
    assert Ticket.objects.get().assigned_to.get_username() == "sam"
    told = FollowUp.objects.get(title="Escalation")
    assert not told.public
    assert "because of rule `no answer in time`" in told.comment


def test_an_answered_ticket_stays(desk):
    ticket = desk.open()
    desk.at("mon 10:00").answer(ticket)
    desk.at("thu 09:00").escalate()
    assert (desk.level(ticket), desk.priority(ticket)) == ("frontline", 3)


def test_each_change_is_decided_when_its_request_is_committed(desk):
    ticket = desk.open()
    assert EscalationState.objects.get().touched is False
    desk.at("mon 10:00").answer(ticket)
    state = EscalationState.objects.get()
    assert (state.touched, state.wake_at) == (False, when("fri 17:00") + MICROSECOND)


def test_a_private_note_is_no_answer_and_an_empty_update_is_none_either(desk):
    ticket = desk.open()
    desk.at("mon 10:00").update(ticket, comment="Have we seen this before?")
    desk.at("mon 11:00").update(ticket, owner=desk.people["fred"].pk, public="True")
    desk.at("tue 09:00").escalate()
    assert desk.level(ticket) == "seniors"


def test_a_held_ticket_waits_and_the_time_before_and_after_the_hold_is_added_up(desk):
    ticket = desk.open()
    desk.at("mon 13:00").hold(ticket)
    desk.at("thu 12:00").escalate()
    assert desk.level(ticket) == "frontline"
    desk.at("thu 13:00").release(ticket)
    desk.at("thu 16:59").escalate()
    assert desk.level(ticket) == "frontline"
    desk.at("fri 09:00").escalate()
    assert desk.level(ticket) == "seniors"


def test_a_customers_mail_is_a_message_that_wants_an_answer(desk):
    ticket = desk.open()
    desk.at("mon 10:00").answer(ticket)
    desk.at("mon 12:00").mail(ticket, "It still smokes.")
    desk.at("tue 12:00").escalate()
    assert desk.level(ticket) == "frontline"
    desk.at("tue 12:01").escalate()
    assert desk.level(ticket) == "seniors"


def test_a_mail_poller_outside_of_a_transaction_leaves_the_ticket_to_the_command(desk):
    ticket = desk.open()
    desk.at("mon 12:00").mail(ticket, "Are you there?")
    assert EscalationState.objects.get().touched is True
    desk.escalate()
    assert EscalationState.objects.get().touched is False


def test_a_resolved_ticket_rests_and_a_reopened_one_begins_anew(desk):
    ticket = desk.open()
    desk.at("mon 10:00").answer(ticket, new_status=Ticket.RESOLVED_STATUS)
    desk.at("fri+1 09:00").escalate()
    assert (desk.level(ticket), EscalationState.objects.get().wake_at) == ("frontline", None)
    desk.at("mon+2 09:00").update(ticket, new_status=Ticket.REOPENED_STATUS)
    desk.at("mon+2 16:00").escalate()
    assert desk.level(ticket) == "frontline"
    desk.at("mon+3 09:00").escalate()
    assert desk.level(ticket) == "management"


def test_a_ticket_closed_and_reopened_by_mail_is_read_from_its_follow_ups(desk):
    ticket = desk.open()
    desk.at("mon 10:00").bulk("close", ticket)
    desk.at("tue 10:00").mail(ticket, "No, it still smokes.")
    assert kinds(desk.case(ticket)) == ["Opened", "Closed", "CustomerReplied", "Reopened"]


def test_a_reassignment_is_read_from_the_change_record_in_whatever_language_it_was_written(desk):
    ticket = desk.open()
    desk.at("mon 10:00").update(ticket, owner=desk.people["sam"].pk, priority=2, language="de")
    assert {change.field for change in TicketChange.objects.all()} == {"Eigentümer", "Priorität"}
    case = desk.at("mon 10:01").case(ticket)
    assert (case.assigned(at=when("mon 10:00")), case.priority(at=when("mon 10:00"))) == ({"assignee": "sam"}, "high")
    assert "Reconciled" not in kinds(case)


def test_what_the_host_changes_without_a_trace_is_observed_once(desk):
    """A bulk assignment has no change record, and the edit form not even a follow-up."""
    ticket = desk.open()
    desk.at("mon 10:00").bulk(f"assign_{desk.people['sam'].pk}", ticket)
    desk.at("mon 11:00").edit(ticket, priority=1)
    desk.at("mon 12:00").escalate(all=True)
    desk.at("mon 13:00").escalate(all=True)
    seen = [event for event in desk.case(ticket).history if isinstance(event, E.Reconciled)]
    assert [(one.at, one.priority, one.assigned.get("assignee")) for one in seen] == [
        (when("mon 10:00"), None, "sam"),
        (when("mon 11:00"), "critical", None),
    ]
    assert desk.case(ticket).priority(at=when("mon 10:59")) == "normal"


def test_a_change_behind_djangos_back_is_found_by_looking_at_all(desk):
    ticket = desk.open()
    Ticket.objects.update(status=Ticket.CLOSED_STATUS)
    desk.at("mon 12:00").escalate()
    assert desk.case(ticket).history[-1].type == "Reconciled"
    assert EscalationEvent.objects.count() == 1
    desk.escalate(all=True)
    assert EscalationEvent.objects.count() == 2
    assert EscalationState.objects.get().wake_at is None


def test_a_merged_ticket_is_void_and_its_messages_move(desk):
    old = desk.open(title="Smoke")
    desk.at("mon 10:00").answer(old, new_status=Ticket.RESOLVED_STATUS)
    young = desk.at("mon 11:00").open(title="Fire")
    desk.merge(old, into=young)
    assert EscalationState.objects.get(pk=old.pk).wake_at is None
    assert desk.case(old).status(at=when("mon 11:00")) == "void"
    assert desk.case(young).status(at=when("mon 11:00")) == "open"
    assert kinds(desk.case(young)).count("SupportReplied") == 1


def test_what_staff_opened_owes_no_first_response(desk):
    ticket = desk.open(by="fred")
    desk.at("wed 09:00").escalate()
    assert desk.level(ticket) == "frontline"
    assert kinds(desk.case(ticket)) == ["Opened"]


def test_management_is_told_once(desk):
    ticket = desk.open()
    desk.at("mon+1 09:00").escalate()
    assert desk.level(ticket) == "management"
    to_mary = [one for one in mail.outbox if one.subject == f"{ticket.ticket} escalated"]
    assert [one.to for one in to_mary] == [["mary@example.com"]]
    desk.escalate(all=True)
    assert len([one for one in mail.outbox if one.subject == f"{ticket.ticket} escalated"]) == 1


def test_a_host_that_was_down_for_a_week_gets_what_a_prompt_one_got(desk):
    prompt, late = desk.open(), desk.open()
    for day in ("tue 09:00", "wed 09:00", "fri 17:00", "mon+1 09:00"):
        desk.at(day)
        escalation_desk.settle(prompt.pk)
    escalation_desk.settle(late.pk)

    def course(ticket):
        made = [event for event in desk.case(ticket).history if event.by == "escalation" and event.id[:6] != "change"]
        return [(one.type, one.at, getattr(one, "to", None)) for one in made if one.type != "SupportReplied"]

    assert course(prompt) == course(late)
    assert len(course(late)) == 4


def test_one_bad_ticket_does_not_stop_the_others_and_stays_due(desk, capsys):
    bad, good = desk.open(), desk.open()
    stored = EscalationEvent.objects.filter(ticket=bad).first()
    stored.body = {"type": "Nonsense"}
    stored.save()
    desk.at("tue 09:00")
    with pytest.raises(SystemExit, match="1 tickets could not be decided"):
        desk.escalate()
    assert desk.level(good) == "seniors"
    assert bad in escalation_desk.due(when("tue 09:00"))
    assert f"ticket {bad.pk}: type: unknown type of event `Nonsense`" in capsys.readouterr().err


def test_a_failing_act_leaves_nothing_behind_and_is_done_the_next_time(desk, monkeypatch):
    ticket = desk.open()
    before = EscalationEvent.objects.count()

    def fail(*_, **__):
        raise OSError("no disk")

    with monkeypatch.context() as patched:
        patched.setattr(FollowUp.objects, "create", fail)
        with pytest.raises(SystemExit):
            desk.at("tue 09:00").escalate()
    assert (EscalationEvent.objects.count(), desk.priority(ticket), desk.level(ticket)) == (before, 3, "frontline")
    desk.escalate()
    assert (desk.priority(ticket), desk.level(ticket)) == (2, "seniors")


def test_a_new_version_of_the_policy_looks_at_every_ticket_again_and_repeats_nothing(desk, monkeypatch):
    ticket = desk.open()
    desk.at("tue 09:00").escalate()
    recorded = EscalationEvent.objects.count()
    monkeypatch.setattr(escalation_desk, "POLICY", escalation_desk.POLICY.model_copy(update={"version": "2"}))
    assert ticket in escalation_desk.due(when("tue 09:00"))
    desk.escalate()
    assert EscalationEvent.objects.count() == recorded
    assert EscalationState.objects.get().policy == escalation_desk.POLICY.fingerprint


def test_staff_who_may_see_the_ticket_are_told_why_and_others_are_not(desk):
    ticket = desk.open()
    path = reverse("why", args=[ticket.pk])
    assert "`first_response`: pending, due" in desk.page("fred", path).content.decode()
    desk.people["fred"].is_staff = desk.people["fred"].is_superuser = False
    desk.people["fred"].save()
    assert desk.page("fred", path).status_code == 302
