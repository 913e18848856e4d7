"""The complaint ladder, row by row. The policy is asked of `presets` each time, so that a removal can be tried."""

from __future__ import annotations

from escalation_rules import Case, decide, forecast, presets, settle
from escalation_rules import events as E
from escalation_rules.worktime import Absence, Rota
from tests.bench import when

AWAY = Rota(person="carol", absences=(Absence(start=when("05-20 09:00"), end=when("06-03 09:00")),))
NOBODY = Rota(person="tim", absences=(Absence(start=when("05-20 09:00"), end=when("06-03 09:00")),))


def complaint() -> Case:
    """Opened on Wednesday 20 May, at nine."""
    return Case.open("K-7", at=when("05-20 09:00"), channel="phone")


def failed(case: Case, policy, moment: str, **fields) -> Case:
    """The case once it could not be resolved where it was, and the host did what was asked at once."""
    return settle(policy, case.record(E.LevelFailed(at=when(moment), **fields)), at=when(moment), by="desk").case


def owed_items(policy, case, moment: str) -> set[str]:
    return {one.item for one in decide(policy, case, at=when(moment)).worklist if one.item}


def test_CL1_four_rungs_the_last_outside():
    """From the representative to the manager, to the solutions team, and outside, where no clock runs any more."""
    policy = presets.complaint_ladder()
    case, seen = complaint(), []
    for moment in ("05-20 10:00", "05-20 11:00", "05-20 12:00"):
        seen.append(decide(policy, case, at=when(moment)).positions["main"].level)
        case = failed(case, policy, moment)
    end = decide(policy, case, at=when("05-20 12:00"))
    assert [*seen, end.positions["main"].level] == ["frontline", "manager", "solutions", "outside"]
    assert [policy.level(key).owner for key in seen] == ["csr", "csm", "solutions_team"]
    assert (end.status, end.deadlines, end.worklist, end.wake_at) == ("external", (), (), None)
    assert "external, on `outside`" in end.explain()
    assert end.deadline("contact").outcome == "void"
    assert failed(case, policy, "05-20 13:00").level(at=when("05-20 13:00")) == "outside"


def test_CL1_the_customer_hears_of_the_avenues_outside():
    """Reaching the last rung asks the solutions team to tell the customer of further avenues."""
    policy, case = presets.complaint_ladder(), complaint().record(E.Escalated(at=when("05-20 10:00"), to="solutions"))
    decision = decide(policy, case.record(E.LevelFailed(at=when("05-20 11:00"))), at=when("05-20 11:00"))
    assert decision.move.to == "outside"
    assert [(one.kind, one.action.roles, one.action.sender) for one in decision.actions] == [
        ("notify", ("customer",), "solutions_team")
    ]


def test_CL2_one_failure_moves_exactly_one_rung():
    """However often it is asked, and however late: the next rung is for the next failure."""
    policy = presets.complaint_ladder()
    case = complaint().record(E.LevelFailed(at=when("05-20 10:00"), level="frontline", by_role="csr"))
    for moment in ("05-20 10:00", "05-28 10:00"):
        assert [(move.to, move.due_at) for move in decide(policy, case, at=when(moment)).moves] == [
            ("manager", when("05-20 10:00"))
        ]
    case = settle(policy, case, at=when("05-20 10:05"), by="desk").case
    assert decide(policy, case, at=when("05-28 10:00")).moves == ()
    case = failed(case, policy, "05-28 11:00", level="frontline")
    assert case.level(at=when("05-28 11:00")) == "manager", "the failure of a rung that was left moves nobody"


def test_CL3_contact_within_two_working_days_of_the_referral():
    """Referred on Friday 22 May: Saturday, Sunday and Monday's bank holiday are no working days.

    The first working day after Friday is Tuesday 26, the second Wednesday 27: due at its close, at 17:00.
    """
    policy = presets.complaint_ladder()
    case = failed(failed(complaint(), policy, "05-22 10:00"), policy, "05-22 15:00")
    contact = decide(policy, case, at=when("05-22 15:00")).deadline("contact")
    assert (contact.due_at, contact.owner) == (when("05-27 17:00"), "solutions_team")
    late = decide(policy, case.record(E.SupportReplied(at=when("05-27 17:01"))), at=when("05-27 17:01"))
    prompt = decide(policy, case.record(E.SupportReplied(at=when("05-27 17:00"))), at=when("05-27 17:01"))
    assert (late.deadline("contact").outcome, prompt.deadline("contact").outcome) == ("breached", "met")


def test_CL3_waiting_for_a_customer_nobody_has_spoken_to_holds_nothing_up():
    """No wait rescues the promise; and a call with the customer is contact too."""
    policy = presets.complaint_ladder()
    case = failed(failed(complaint(), policy, "05-22 10:00"), policy, "05-22 15:00")
    case = case.record(E.WaitStarted(at=when("05-22 16:00"), on="customer"))
    assert decide(policy, case, at=when("05-27 12:00")).deadline("contact").due_at == when("05-27 17:00")
    case = case.record(
        E.CallHeld(at=when("05-27 12:30"), kind="complaint", participants=("solutions_team", "customer"))
    )
    assert decide(policy, case, at=when("05-28 09:00")).deadline("contact").outcome == "met"


def test_CL4_a_manager_who_is_away_is_stood_in_for():
    """The alternate takes it, and the decision says why; with nobody at all the complaint goes there and waits."""
    case = complaint().record(E.LevelFailed(at=when("05-20 10:00")))
    policy = presets.complaint_ladder()
    owner = decide(policy.with_rotas({"csm": AWAY}), case, at=when("05-20 10:00")).move.owner
    assert (owner.role, owner.on_duty) == ("team_lead", True)
    assert owner.because == "nobody was on duty for `csm`: `team_lead` is the alternate"
    named = decide(policy.with_rotas({"csm": AWAY, "team_lead": Rota(person="tina")}), case, at=when("05-20 10:00"))
    assert named.move.owner.person == "tina"
    present = decide(policy.with_rotas({"csm": Rota(person="carol")}), case, at=when("05-20 10:00")).move.owner
    assert (present.role, present.person, present.because) == ("csm", "carol", "")


def test_CL4_away_without_an_alternate():
    """A suitable alternate is what an organisation names; without one, or with one away too, the complaint waits."""
    case = complaint().record(E.LevelFailed(at=when("05-20 10:00")))
    without = presets.complaint_ladder(alternates=()).with_rotas({"csm": AWAY})
    both_away = presets.complaint_ladder().with_rotas({"csm": AWAY, "team_lead": NOBODY})
    for policy in (without, both_away):
        move = decide(policy, case, at=when("05-20 10:00")).move
        assert (move.to, move.owner.role, move.owner.person, move.owner.on_duty) == ("manager", "csm", None, False)
        assert "the case waits there for `csm`" in move.owner.because
    assert decide(without, case, at=when("06-03 09:00")).move.owner.person == "carol"


def test_CL5_what_is_owed_at_a_rung_is_visible_at_any_instant():
    """Each rung reviews, responds and tries; what one rung did is not done for the next."""
    policy, case = presets.complaint_ladder(), complaint()
    everything = {"reviewed", "responded", "attempted"}
    for number, moment in enumerate(("05-20 10:00", "05-21 10:00", "05-22 10:00")):
        level = ("frontline", "manager", "solutions")[number]
        hour = moment.replace(":00", ":{}")
        assert owed_items(policy, case, moment) == everything
        assert {one.level for one in decide(policy, case, at=when(moment)).worklist if one.item} == {level}
        case = case.record(E.SupportReplied(at=when(hour.format("10"))))
        assert owed_items(policy, case, hour.format("10")) == {"reviewed", "attempted"}
        case = case.record(E.ItemAnswered(at=when(hour.format("20")), item="reviewed"))
        assert owed_items(policy, case, hour.format("20")) == {"attempted"}
        case = case.record(E.ItemAnswered(at=when(hour.format("30")), item="attempted", answer="no"))
        assert owed_items(policy, case, hour.format("30")) == {"attempted"}, "not attempted is still owed"
        case = case.record(E.ItemAnswered(at=when(hour.format("40")), item="attempted"))
        assert owed_items(policy, case, hour.format("40")) == set()
        case = failed(case, policy, hour.format("50"))
    assert owed_items(policy, case, "05-22 10:55") == set(), "outside, nobody of ours owes anything"


def test_a_complaint_from_the_first_call_to_the_avenues_outside():
    """Ten events and more, over a weekend and a bank holiday, the host down for a day, the manager on leave."""
    policy = presets.complaint_ladder().with_rotas({"csm": AWAY})
    case = complaint().record(
        E.SupportReplied(at=when("05-20 09:40"), by="ana", by_role="csr"),
        E.ItemAnswered(at=when("05-20 09:41"), item="reviewed", by="ana", by_role="csr"),
        E.ItemAnswered(at=when("05-20 09:42"), item="attempted", by="ana", by_role="csr"),
        E.CustomerReplied(at=when("05-20 15:00")),
        E.LevelFailed(at=when("05-20 16:30"), by="ana", by_role="csr", reason="the offer was refused"),
    )
    # First decision, by a host that was down overnight: the move was due on Wednesday at 16:30, and is found and
    # dated so on Thursday at 09:00. The manager is on leave, so the team lead takes it.
    first = decide(policy, case, at=when("05-21 09:00"))
    assert (first.move.to, first.move.due_at, first.move.owner.role) == ("manager", when("05-20 16:30"), "team_lead")
    case = case.record(*first.accept(at=when("05-21 09:00"), by="desk"))
    assert case.history[-1].recorded_at == when("05-21 09:00")
    case = case.record(
        E.SupportReplied(at=when("05-21 11:00"), by="tim", by_role="team_lead"),
        E.ItemAnswered(at=when("05-21 11:05"), item="reviewed", by="tim", by_role="team_lead"),
        E.CustomerReplied(at=when("05-22 16:00")),
        E.LevelFailed(at=when("05-22 16:45"), by="tim", by_role="team_lead"),
    )
    # Second decision: the referral of Friday 16:45. Two working days later, over the weekend and the bank holiday of
    # Monday 25 May, is the close of Wednesday 27 May; by itself this answer changes a microsecond after that.
    case = case.record(*decide(policy, case, at=when("05-22 16:45")).accept(at=when("05-22 16:45"), by="desk"))
    second = decide(policy, case, at=when("05-22 16:46"))
    assert (second.positions["main"].level, second.deadline("contact").due_at) == ("solutions", when("05-27 17:00"))
    assert second.wake_at > when("05-27 17:00")
    assert forecast(policy, case, at=when("05-22 16:46"), until=when("06-30 09:00")) == ()
    case = case.record(
        E.SupportReplied(at=when("05-27 10:00"), by="sol", by_role="solutions_team"),
        E.CustomerReplied(at=when("05-28 12:00")),
        E.LevelFailed(at=when("05-28 14:00"), by="sol", by_role="solutions_team"),
    )
    # Third decision: nothing is left but avenues outside. Contact was made on Wednesday at ten, in time.
    third = decide(policy, case, at=when("05-28 14:00"))
    assert (third.move.to, third.deadline("contact").outcome) == ("outside", "met")
    case = case.record(*third.accept(at=when("05-28 14:00"), by="desk"))
    end = decide(policy, case, at=when("05-29 09:00"))
    assert (end.status, end.moves, end.actions, end.worklist) == ("external", (), (), ())
    assert len(case.history) == 17
