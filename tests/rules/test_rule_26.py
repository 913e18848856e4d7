"""Rule 26: owners."""

from __future__ import annotations

import pytest

from escalation_rules import Checklist, EscalationLevel, Pick, Rota, Rule, decide
from escalation_rules import events as E
from escalation_rules import facts as F
from escalation_rules.errors import InvalidValue
from escalation_rules.worktime import Absence
from tests.bench import after, desk, levels, moves, opened, when

ASKED = E.EscalationRequested(at=after(1))
WANTED = Rule(key="asked", when=F.escalation_request_open, to="l2")
AWAY = Rota(person="carol", absences=((after(0), after(10)),))


def owned(nobody, *alternates):
    return desk(
        WANTED,
        levels=(
            "l1",
            EscalationLevel(key="l2", owner="csm", alternates=alternates, if_nobody=nobody),
            EscalationLevel(key="l3", owner="boss"),
        ),
        rotas={"csm": AWAY},
    )


LONG = Rule(key="long", when=F.open_for >= "2 hours", to="l2")
AWAY_FOR_A_DAY = Rota(person="carol", absences=(Absence(start=when("mon 09:00"), end=when("tue 09:00")),))


def with_owner(**more):
    rotas = more.pop("rotas", {"csm": AWAY_FOR_A_DAY})
    return desk(LONG, levels=levels(l2={"owner": "csm", **more}), rotas=rotas)


def test_alternates_are_tried_before_wait_hold_or_skip():
    """Rule 26: each setting of `if_nobody` is tried while the owner is away."""
    wait = decide(owned("proceed"), opened(ASKED), at=after(1)).move
    assert (wait.to, wait.owner.person, wait.owner.on_duty) == ("l2", None, False)
    taken = decide(owned("hold", "lead"), opened(ASKED), at=after(1)).move
    assert (taken.to, taken.owner.role) == ("l2", "lead")
    assert "csm" in taken.owner.because
    held = decide(owned("hold"), opened(ASKED), at=after(1))
    assert (held.move, held.blocked[0].until, held.wake_at) == (None, after(10), after(10))
    assert decide(owned("skip"), opened(ASKED), at=after(1)).move.to == "l3"


def test_availability_is_judged_at_due():
    """Rule 26: how late the host asks makes no difference."""
    assert moves(owned("hold"), opened(ASKED), after(30)) == [("l2", after(10))]
    assert moves(owned("skip"), opened(ASKED), after(30)) == [("l3", after(1))]
    assert decide(owned("proceed", "lead"), opened(ASKED), at=after(30)).move.owner.role == "lead"


def test_skip_means_wait_below_an_external_level():
    """Rule 26: a case is not pushed to an external level because its owner is away."""
    levels = ("l1", EscalationLevel(key="l2", owner="csm", if_nobody="skip"), EscalationLevel(key="out", external=True))
    assert decide(desk(WANTED, levels=levels, rotas={"csm": AWAY}), opened(ASKED), at=after(1)).move.to == "l2"


def test_a_role_without_a_rota_is_on_duty():
    """Rule 26: the owner is the role, and no person is named."""
    owner = decide(with_owner(rotas={}), opened(), at=when("mon 12:00")).move.owner
    assert (owner.role, owner.person, owner.on_duty, owner.because) == ("csm", None, True, "")


def test_alternates_are_tried_in_order():
    """Rule 26: the first who is on duty takes the case, and the decision says why."""
    policy = with_owner(alternates=("deputy", "team_lead"), rotas={"csm": AWAY_FOR_A_DAY, "deputy": Rota()})
    owner = decide(policy, opened(), at=when("mon 12:00")).move.owner
    assert owner.role == "team_lead"
    assert owner.because == "nobody was on duty for `csm`, `deputy`: `team_lead` is the alternate"


def test_wait_moves_the_case_unowned():
    """Rule 26: the case moves, and its owner is a role that nobody is on duty for."""
    owner = decide(with_owner(if_nobody="proceed"), opened(), at=when("mon 12:00")).move.owner
    assert (owner.role, owner.person, owner.on_duty) == ("csm", None, False)


def test_availability_is_judged_at_due_and_the_person_is_the_one_now():
    """Rule 26: due while Carol was away and asked when she is back, the move names her."""
    owner = decide(with_owner(if_nobody="proceed"), opened(), at=when("tue 10:00")).move.owner
    assert (owner.on_duty, owner.person) == (False, "carol")


def test_hold_blocks_until_somebody_is_on_duty():
    """Rule 26: the move falls due at the handover at which Carol is back."""
    policy = with_owner(if_nobody="hold")
    decision = decide(policy, opened(), at=when("mon 12:00"))
    assert [(held.until, held.missing) for held in decision.blocked] == [(when("tue 09:00"), ())]
    assert decision.wake_at == when("tue 09:00")
    assert moves(policy, opened(), "tue 10:00") == [("l2", when("tue 09:00"))]


def test_hold_with_nobody_ever_on_duty_stays_blocked():
    """Rule 26: there is no instant to wait for."""
    policy = with_owner(if_nobody="hold", rotas={"csm": Rota()})
    decision = decide(policy, opened(), at=when("mon 12:00"))
    assert ([held.until for held in decision.blocked], decision.wake_at) == ([None], None)


def test_skip_goes_to_the_next_level_that_is_not_external():
    """Rule 26: that level's own checklist applies, and at the top `skip` means `wait`."""
    ladder = (
        EscalationLevel(key="l1"),
        EscalationLevel(key="l2", owner="csm", if_nobody="skip"),
        EscalationLevel(key="outside", external=True),
        EscalationLevel(key="l3", owner="vp", if_nobody="skip", entry=Checklist.of(impact="Impact known?")),
    )
    policy = desk(LONG, levels=ladder, rotas={"csm": AWAY_FOR_A_DAY})
    (held,) = decide(policy, opened(), at=when("mon 12:00")).blocked
    assert (held.move.to, [item.key for item in held.missing]) == ("l3", ["impact"])
    ready = opened(E.ItemAnswered(at=when("mon 10:00"), item="impact"))
    move = decide(policy, ready, at=when("mon 12:00")).move
    assert (move.to, move.owner.role, move.owner.because) == ("l3", "vp", "nobody was on duty on `l2`")
    nobody = desk(LONG, levels=ladder, rotas={"csm": AWAY_FOR_A_DAY, "vp": Rota()})
    assert decide(nobody, ready, at=when("mon 12:00")).move.owner.on_duty is False


def test_an_owner_may_depend_on_the_priority():
    """Rule 26: a pick may name the role."""
    policy = desk(LONG, levels=levels(l2={"owner": Pick(by="priority", values={"high": "senior"}, otherwise="junior")}))
    owners = [decide(policy, opened(priority=one), at=when("mon 12:00")).move.owner.role for one in ("high", "low")]
    assert owners == ["senior", "junior"]


def test_a_rota_for_a_role_that_the_policy_does_not_name_is_refused():
    """Rule 26: a role without a rota is on duty, so a misspelt rota would put nobody off duty (report D27)."""
    policy = desk(levels=levels(l2={"owner": "boss", "if_nobody": "hold"}))
    with pytest.raises(InvalidValue, match=r"unknown role `bos`, .* did you mean `boss`"):
        policy.with_rotas({"bos": AWAY})


def test_a_move_that_skips_is_released_by_whoever_is_on_duty_first():
    """Rule 26: the skipped level has somebody at ten, the one above at twelve: until ten (report D26)."""
    at_ten = Rota(person="ann", absences=(Absence(start=when("mon 00:00"), end=when("mon 10:00")),))
    at_noon = Rota(person="bob", absences=(Absence(start=when("mon 00:00"), end=when("mon 12:00")),))
    policy = desk(
        Rule(key="asked", when=F.escalation_request_open, to="l2"),
        levels=levels(l2={"owner": "csm", "if_nobody": "skip"}, l3={"owner": "boss", "if_nobody": "hold"}),
        rotas={"csm": at_ten, "boss": at_noon},
    )
    case = opened(E.EscalationRequested(at=when("mon 09:00")))
    assert decide(policy, case, at=when("mon 09:30")).blocked[0].until == when("mon 10:00")
    assert moves(policy, case, "mon 10:00") == [("l2", when("mon 10:00"))]
