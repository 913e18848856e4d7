"""Kill the workers, again and again, and then look whether anything was lost or done twice.

    python crash_test.py --kills 200
    python crash_test.py --kills 200 --database postgresql+psycopg:///desk     (the test empties this database)

Two workers run at once and are killed (SIGKILL) at random points, each replaced by a new one. Meanwhile people report
events, the clock runs fast, leaps ahead and steps back, and now and then somebody locks the database for longer than
anybody waits. When the storm is over, one worker finishes what is left, and then:

- every event that a reporter was told is recorded is there once, and each case's events are numbered without a gap;
- what was decided in the storm is, key for key, what a single worker that never crashed would have decided;
- every message was sent; those sent again after a crash carry a key the receiver knew, so it acted once on each.
"""

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from escalation_rules import Case, settle
from escalation_rules import events as E
from sqlalchemy import NullPool, event, make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service import worker
from service.desk import ENGINE, Desk
from service.policy import POLICY
from service.tables import Base, CaseEvent, Message, connect

process = multiprocessing.get_context("fork")
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
IMPATIENT = {"sqlite": {"timeout": 0.2}, "postgresql": {"options": "-c lock_timeout=200"}}
IDLE, WAITING, IN_TRANSACTION, SENDING = "idle", "waiting for the database", "in a transaction", "sending"
STAGES = (IDLE, WAITING, IN_TRANSACTION, SENDING)


class Storm:
    """What the processes share: the database, the clock, and the folder where the receiver keeps what it was sent.

    The shared values are raw: a process that is killed must not take their lock with it.
    """

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self.url, self.folder, self.seed = url, folder, seed
        self.seconds = process.RawValue("d", 0.0)
        self.ended = process.RawValue("b", 0)

    def over(self) -> bool:
        return bool(self.ended.value)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds.value)

    def desk(self, **options) -> Desk:
        return Desk(connect(self.url, poolclass=NullPool, **options), POLICY, self.now)

    def impatient_desk(self) -> Desk:
        """One that gives up a locked database after a fifth of a second."""
        return self.desk(connect_args=IMPATIENT[make_url(self.url).get_backend_name()])

    def receive(self, key: str, _: dict) -> None:
        """Somebody else's system: it writes down that it was asked, and acts if it does not know the key."""
        with (self.folder / "asked").open("a") as asked:
            asked.write(f"{key}\n")
        time.sleep(0.005)
        with suppress(FileExistsError):
            (self.folder / key).touch(exist_ok=False)
        time.sleep(0.005)


def work(storm: Storm, stage) -> None:
    """A worker that lets the killer see what it is at."""
    desk = storm.impatient_desk()

    def at(name):
        stage.value = STAGES.index(name)

    event.listen(desk.engine, "begin", lambda _: at(WAITING), insert=True)
    event.listen(desk.engine, "begin", lambda _: at(IN_TRANSACTION))
    event.listen(desk.engine, "checkin", lambda *_: at(IDLE))

    def send(key, message):
        at(SENDING)
        storm.receive(key, message)
        at(IN_TRANSACTION)

    worker.run(desk, send, pause=0.002, stop=storm.over)


def report(storm: Storm, number: int, cases: list[str]) -> None:
    """People at work. What the desk has confirmed is written down, and held against it later."""
    desk, chance = storm.impatient_desk(), random.Random(f"{storm.seed} reporter {number}")
    with (storm.folder / f"confirmed-{number}").open("a") as confirmed:
        count = 0
        while not storm.over():
            case_id, happening = chance.choice(cases), _something(chance, f"said:{number}:{count}")
            if _until_it_is_taken(storm, desk, case_id, happening):
                confirmed.write(f"{case_id} said:{number}:{count}\n")
                confirmed.flush()
            count += 1
            time.sleep(chance.uniform(0, 0.02))


def _something(chance: random.Random, name: str):
    kind, fields = chance.choice(
        [
            (E.CustomerReplied, {}),
            (E.SupportReplied, {}),
            (E.EscalationRequested, {}),
            (E.EscalationRequestAnswered, {}),
            (E.LevelFailed, {}),
            (E.ItemAnswered, {"item": "problem"}),
            (E.ItemAnswered, {"item": "workaround", "answer": "none"}),
            (E.WaitStarted, {}),
            (E.Resolved, {}),
            (E.Reopened, {}),
        ]
    )
    return lambda now: kind(at=now, id=name, **fields)


def _until_it_is_taken(storm: Storm, desk: Desk, case_id: str, happening) -> bool:
    """Report it again, under the same id, as long as the database is locked."""
    while not storm.over():
        with suppress(DBAPIError):
            desk.record(case_id, happening)
            return True
    return False


def lock(storm: Storm) -> None:
    """Somebody who holds the whole database for longer than the others wait."""
    engine, chance = storm.desk().engine, random.Random(f"{storm.seed} locker")
    count = 0
    while not storm.over():
        time.sleep(chance.uniform(1, 2))
        with suppress(DBAPIError), engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("lock table wake, case_event, message in access exclusive mode"))
            count += 1
            time.sleep(0.5)
    (storm.folder / "locked").write_text(str(count))


class Worker:
    """A worker process, and when to kill it."""

    def __init__(self, storm: Storm, chance: random.Random) -> None:
        self.stage = process.RawValue("i", 0)
        self.process = process.Process(target=work, args=(storm, self.stage))
        self.process.start()
        self.killed_at = time.monotonic() + chance.uniform(0.02, 0.3)

    def kill(self) -> str:
        self.process.kill()
        self.process.join()
        return STAGES[self.stage.value]


def rage(storm: Storm, kills: int) -> tuple[Counter, int]:
    """Kill and replace workers while the clock runs, leaps and steps back.

    Returns what the killed ones were at, and how often the clock was moved.
    """
    chance, killed, leaps = random.Random(f"{storm.seed} killer"), Counter(), 0
    workers = [Worker(storm, chance) for _ in range(2)]
    while killed.total() < kills:
        time.sleep(0.005)
        storm.seconds.value += 300
        if chance.random() < 0.01:
            storm.seconds.value += chance.choice((-3600, 6 * 3600))
            leaps += 1
        for place, one in enumerate(workers):
            if time.monotonic() >= one.killed_at:
                killed[one.kill()] += 1
                workers[place] = Worker(storm, chance)
    storm.ended.value = 1
    for one in workers:
        one.process.join()
    return killed, leaps


def verdict(storm: Storm, cases: list[str]) -> tuple[dict[str, object], list[str]]:
    """The figures, and what is wrong."""
    desk, wrong = storm.desk(), []
    with Session(desk.engine) as session:
        rows = session.execute(select(CaseEvent.case_id, CaseEvent.seq, CaseEvent.body).order_by(CaseEvent.seq)).all()
        messages = session.scalars(select(Message)).all()
    stored = {case_id: [(seq, E.parse(body)) for one, seq, body in rows if one == case_id] for case_id in cases}
    confirmed = [line.split() for path in storm.folder.glob("confirmed-*") for line in path.read_text().splitlines()]
    present = Counter((case_id, one.id) for case_id, events in stored.items() for _, one in events)
    wrong += [f"event lost or doubled: {line}" for line in confirmed if present[tuple(line)] != 1]
    decided = moves = 0
    for case_id, events in stored.items():
        if [seq for seq, _ in events] != list(range(len(events))):
            wrong.append(f"gap in the numbers of {case_id}")
        end = max(storm.now(), *(one.at for _, one in events))
        theirs = [one for _, one in events if one.by != ENGINE]
        wanted = undisturbed(case_id, theirs, end)
        found = [one.id for _, one in events if one.by == ENGINE]
        wrong += [f"{case_id}: missed {key}" for key in wanted - set(found)]
        wrong += [f"{case_id}: not asked for, or twice: {key}" for key in (Counter(found) - Counter(wanted))]
        decided += len(found)
        moves += sum(isinstance(one, E.Escalated) for _, one in events)
    asked = Counter((storm.folder / "asked").read_text().split())
    acted = {path.name for path in storm.folder.iterdir() if path.name.startswith(("move-", "action-"))}
    wrong += [f"never sent: {one.key}" for one in messages if one.sent_at is None or one.key not in acted]
    if len(messages) != decided or len(acted) != decided:
        wrong.append(f"{decided} decided, {len(messages)} messages, {len(acted)} acted on")
    figures = {
        "cases": len(cases),
        "events confirmed to reporters": len(confirmed),
        "moves and actions recorded": f"{decided}, {moves} of them moves",
        "messages asked of the receiver": f"{asked.total()}, {asked.total() - len(asked)} of them again after a crash",
        "keys acted on": len(acted),
        "times the database was locked": (storm.folder / "locked").read_text(),
        "days that passed": f"{(storm.now() - START).total_seconds() / 86400:.1f}",
    }
    return figures, wrong


def undisturbed(case_id: str, theirs: list[E.Event], end: datetime) -> set[str]:
    """The keys that one worker would have recorded, to whom all this had happened in good order."""
    opened, *rest = theirs
    case = Case(case_id, [opened])
    for one in rest:
        case = settle(POLICY, case, at=one.at, by=ENGINE).case.record(one)
    return {one.id for one in settle(POLICY, case, at=end, by=ENGINE).case.history if one.by == ENGINE}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="the URL of a database that the test may empty (default: SQLite, temporary)")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        storm = Storm(wanted.database or f"sqlite:///{folder / 'desk.sqlite3'}", folder, wanted.seed)
        (folder / "asked").touch()
        desk = storm.desk()
        Base.metadata.drop_all(desk.engine)
        desk.create_tables()
        cases = [desk.open(f"Dispute {number}", priority="normal") for number in range(wanted.cases)]
        others = [process.Process(target=report, args=(storm, number, cases)) for number in range(2)]
        others.append(process.Process(target=lock, args=(storm,)))
        for one in others:
            one.start()
        started = time.monotonic()
        killed, leaps = rage(storm, wanted.kills)
        for one in others:
            one.join()
        while desk.work() + desk.deliver(storm.receive):
            pass
        seconds = time.monotonic() - started
        figures, wrong = verdict(storm, cases)
    where = ", ".join(f"{count} {stage}" for stage, count in killed.most_common())
    print(f"{desk.engine.dialect.name}: {killed.total()} workers killed in {seconds:.0f} s ({where})")
    print(f"the clock leapt or stepped back {leaps} times")
    for what, figure in figures.items():
        print(f"{what}: {figure}")
    print(f"lost, missed or done twice: {len(wrong)}")
    sys.exit("\n".join(wrong[:20]) if wrong else 0)


if __name__ == "__main__":
    main()
