"""The service as programs use it, and what it stores."""

import multiprocessing
import time

import pytest
from escalation_rules import events as E
from sqlalchemy import event, text

from service import worker
from service.desk import Desk
from service.policy import POLICY
from service.tables import connect
from tests.conftest import when


def opened(client, **fields):
    response = client.post("/api/cases", json={"title": "Dispute", **fields}, headers={"X-Actor": "customer"})
    assert response.status_code == 201, response.text
    return response.json()["case"]


def report(client, case, kind, *, actor="staff", status=201, **fields):
    body = {"type": kind, "at": "2026-03-02T09:00:00Z", **fields}
    response = client.post(f"/api/cases/{case}/events", json=body, headers={"X-Actor": actor, "X-User": "ann"})
    assert response.status_code == status, response.text
    return response.json()


def level(client, case):
    return client.get(f"/api/cases/{case}").json()["decision"]["positions"]["main"]["level"]


def kinds(client, case):
    return [one["type"] for one in client.get(f"/api/cases/{case}/events").json()]


def test_an_answer_holds_the_decision_and_its_explanation(client):
    answer = client.get(f"/api/cases/{opened(client)}").json()
    assert answer["decision"]["wake_at"] == "2026-03-02T13:00:00.000001Z"
    assert "`first_response`: pending, due Mon 2026-03-02 13:00" in answer["explanation"]


def test_the_worker_moves_a_case_when_its_time_has_come_and_not_before(client, desk, clock):
    case = opened(client)
    clock.at("mon 13:00")
    assert desk.work() == 0
    clock.at("mon 13:01")
    assert desk.work() == 1
    assert desk.work() == 0
    assert level(client, case) == "manager"
    assert kinds(client, case) == ["Opened", "Escalated", "ActionTaken"]


def test_a_case_whose_events_come_in_is_decided_with_them(client, clock):
    case = opened(client)
    clock.at("mon 10:00")
    report(client, case, "LevelFailed", at=when("mon 10:00").isoformat())
    assert level(client, case) == "manager"


def test_a_move_that_lacks_answers_is_held_back_until_they_are_given(client, clock):
    case = opened(client)
    report(client, case, "LevelFailed")
    clock.at("mon 09:05")
    held = report(client, case, "LevelFailed", at=when("mon 09:05").isoformat())["decision"]["blocked"]
    assert [item["key"] for item in held[0]["missing"]] == ["problem", "workaround"]
    for item, answer in (("problem", "yes"), ("workaround", "none")):
        report(client, case, "ItemAnswered", item=item, answer=answer, at=when("mon 09:05").isoformat())
    assert level(client, case) == "solutions"


def test_each_message_is_delivered_once(client, desk, clock):
    opened(client)
    clock.at("mon 14:00")
    desk.work()
    sent = []
    assert desk.deliver(lambda key, body: sent.append((key, body["kind"]))) == 2
    assert desk.deliver(lambda *_: pytest.fail("already sent")) == 0
    assert [kind for _, kind in sorted(sent, key=lambda one: one[1])] == ["move", "notify"]


def test_a_message_that_could_not_be_sent_is_sent_later_under_the_same_key(client, desk, clock):
    opened(client)
    clock.at("mon 14:00")
    desk.work()
    tried = []

    def broken(key, _):
        tried.append(key)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        desk.deliver(broken)
    sent = []
    desk.deliver(lambda key, _: sent.append(key))
    assert set(tried) < set(sent)


def test_the_same_event_sent_twice_is_recorded_once(client):
    case = opened(client)
    for _ in range(2):
        report(client, case, "CustomerReplied", id="mail-17", actor="customer")
    assert kinds(client, case) == ["Opened", "CustomerReplied"]


def test_who_and_when_are_not_for_the_client_to_say(client):
    case = opened(client)
    report(client, case, "SupportReplied", at="2031-01-01T00:00:00Z", by="the queen", actor="staff")
    told = client.get(f"/api/cases/{case}/events").json()[-1]
    assert (told["by"], told["at"]) == ("ann", "2026-03-02T09:00:00.000001Z")


def test_a_client_cannot_make_the_engine_believe_that_something_was_done(client, desk, clock):
    case = opened(client)
    clock.at("mon 14:00")
    (due, *_) = client.get(f"/api/cases/{case}").json()["decision"]["moves"]
    now = when("mon 14:00").isoformat()
    report(client, case, "CustomerReplied", id=due["key"], at=now)
    assert level(client, case) == "manager"
    report(client, case, "ActionTaken", key=due["key"], status=422)
    stored = client.get(f"/api/cases/{case}/events").json()
    assert [one["id"] for one in stored if one["type"] == "Escalated"] == [due["key"]]
    report(client, case, "Escalated", to="solutions", key="move-mine", recorded_at=now, at=now)
    stored = client.get(f"/api/cases/{case}/events").json()
    mine = next(one for one in stored if one["type"] == "Escalated" and one["by"] == "ann")
    assert (mine["key"], mine["recorded_at"]) == (None, None)


def test_customers_report_only_what_is_theirs(client):
    case = opened(client)
    report(client, case, "Resolved", actor="customer", status=403)
    report(client, case, "EscalationRequested", actor="customer")
    assert level(client, case) == "manager"


@pytest.mark.parametrize(
    ("kind", "fields", "status", "told"),
    [
        ("LevelFailed", {"level": "managr"}, 409, "did you mean `manager`"),
        ("PriorityChanged", {"to": "hihg"}, 409, "did you mean `high`"),
        ("CustomerReplied", {"at": "2020-01-01T00:00:00Z"}, 409, "event before the opening"),
        ("CustomerReplied", {"at": "2026-03-02T09:00:00"}, 422, "naive datetime"),
    ],
)
def test_what_the_policy_cannot_read_is_refused_and_not_stored(client, kind, fields, status, told):
    case = opened(client)
    assert told in str(report(client, case, kind, status=status, **fields))
    assert kinds(client, case) == ["Opened"]


def test_an_unknown_case_is_not_found(client):
    nobody = "0" * 12
    assert client.get(f"/api/cases/{nobody}").status_code == 404
    assert client.get(f"/cases/{nobody}").status_code == 404
    report(client, nobody, "Resolved", status=404)


def test_nothing_in_a_request_breaks_the_database(client):
    """PostgreSQL, for one, has no text with a NUL in it."""
    case = opened(client)
    assert client.get("/api/cases/%00").status_code == 422
    assert client.post("/api/cases", json={"title": "\x00"}).status_code == 422
    report(client, case, "CustomerReplied", id="\x00", channel="\x00")
    assert client.get(f"/api/cases/{case}/events").json()[-1]["channel"] == "\x00"


def test_events_are_only_ever_added(client, desk, clock):
    seen = []
    event.listen(desk.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    case = opened(client)
    clock.at("mon 14:00")
    desk.work()
    report(client, case, "Resolved", at=when("mon 14:00").isoformat())
    touching = [statement.split()[0] for statement in seen if "case_event" in statement]
    assert set(touching) == {"INSERT", "SELECT"}


def test_a_clock_that_steps_back_neither_loses_nor_repeats_anything(client, desk, clock):
    case = opened(client)
    clock.at("mon 13:01")
    desk.work()
    clock.at("mon 10:00")
    desk.work()
    report(client, case, "CustomerReplied", at=when("mon 10:00").isoformat())
    assert level(client, case) == "manager"
    clock.at("mon 14:00")
    desk.work()
    assert sorted(kinds(client, case)) == ["ActionTaken", "CustomerReplied", "Escalated", "Opened"]


def test_a_clock_that_leaps_ahead_finds_what_a_prompt_worker_would_have_found(client, desk, clock):
    prompt, late = opened(client), opened(client)
    clock.at("mon 09:00")

    def course(case):
        events = client.get(f"/api/cases/{case}/events").json()
        return [(one["type"], one["at"], one.get("to")) for one in events]

    for at in ("mon 13:01", "tue 09:01", "wed 09:00", "mon+1 17:01"):
        clock.at(at)
        desk.record(prompt, lambda now: E.Reviewed(at=now, id=f"look:{now}"))
    desk.work()
    assert [one for one in course(prompt) if one[0] != "Reviewed"] == course(late)
    assert len(course(late)) > 3


def test_what_fell_due_before_a_case_is_resolved_is_not_forgotten(client, clock):
    """Nobody had looked since the first answer was late; a resolved case asks for nothing any more."""
    case = opened(client)
    clock.at("mon 14:00")
    report(client, case, "Resolved", at=when("mon 14:00").isoformat())
    assert kinds(client, case) == ["Opened", "Escalated", "ActionTaken", "Resolved"]


def test_a_new_policy_wakes_every_case_and_repeats_nothing(client, desk, clock):
    case = opened(client)
    clock.at("mon 14:00")
    desk.work()
    before = kinds(client, case)
    newer = Desk(desk.engine, POLICY.model_copy(update={"version": "2"}), clock)
    assert newer.work() == 1
    assert newer.work() == 0
    assert kinds(client, case) == before


def test_one_case_that_cannot_be_read_does_not_stop_the_others(client, desk, clock, caplog):
    bad, good = opened(client), opened(client)
    with desk.engine.begin() as connection:
        statement = 'update case_event set body = \'{"type": "Nonsense"}\' where case_id = :case'
        connection.execute(text(statement), {"case": bad})
    clock.at("mon 14:00")
    assert desk.work() == 1
    assert level(client, good) == "manager"
    assert f"case {bad} cannot be decided and stays due" in caplog.text


def test_a_locked_database_is_waited_for(url, client, clock):
    """The worker goes on when the lock is gone; a client is told to try again."""
    case = opened(client)
    clock.at("mon 14:00")
    impatient = Desk(_impatient(url), POLICY, clock)
    blocker = connect(url)
    tries = []
    with blocker.connect() as connection, connection.begin() as transaction:
        if blocker.dialect.name == "postgresql":
            connection.execute(text("lock table wake in access exclusive mode"))

        def enough():
            tries.append(1)
            if len(tries) == 3:
                transaction.rollback()
            return len(tries) == 5

        worker.run(impatient, lambda *_: None, pause=0.01, stop=enough)
    assert level(client, case) == "manager"
    blocker.dispose()


def _impatient(url):
    if url.startswith("sqlite"):
        return connect(url, connect_args={"timeout": 0.05})
    return connect(url, connect_args={"options": "-c lock_timeout=50"})


def _work(url, now, barrier):
    desk = Desk(connect(url), POLICY, lambda: now)
    barrier.wait()
    deadline = time.monotonic() + 20
    while desk.work() or desk.deliver(lambda *_: None):
        assert time.monotonic() < deadline


def test_two_workers_share_the_work_and_do_nothing_twice(url, client, desk, clock):
    cases = [opened(client) for _ in range(30)]
    desk.engine.dispose()
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    workers = [context.Process(target=_work, args=(url, when("wed 09:00"), barrier)) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
        assert one.exitcode == 0
    clock.at("wed 09:00")
    for case in cases:
        assert kinds(client, case).count("Escalated") == 1
