"""The desk: reads a case's events, lets the policy decide, and writes both in one transaction.

Two things make it safe to be killed at any point, and to be run twice. A decision is written together with the events
that led to it and the messages it asks for, or not at all. And whoever works on a case holds its row in `wake`.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from escalation_rules import Case, Decision, EscalationRulesError, Move, Policy, decide
from escalation_rules import events as E
from escalation_rules.decision import ActionDue
from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from service.tables import Base, CaseEvent, Message, Wake

ENGINE = "engine"
NEXT = timedelta(microseconds=1)
log = logging.getLogger("desk")


class NoSuchCase(LookupError):
    """There is no case with this id."""


class Held(NamedTuple):
    """A case whose row we hold, with the instant at which we hold it."""

    session: Session
    wake: Wake
    case: Case
    now: datetime


class Desk:
    """`clock` gives the present instant: the library has none, and tests bring their own."""

    def __init__(self, engine: Engine, policy: Policy, clock: Callable[[], datetime]) -> None:
        self.engine, self.policy, self.clock = engine, policy, clock
        self.reader = engine.execution_options(only_reads=True)

    def create_tables(self) -> None:
        Base.metadata.create_all(self.engine)

    def open(self, title: str, *, by: str | None = None, by_staff: bool = False, **fields: object) -> str:
        """Open a case and decide it for the first time."""
        case_id, now = uuid4().hex[:12], self.clock()
        actor = "staff" if by_staff else "customer"
        opened = E.Opened(at=now, by=by, actor=actor, id="opened", **fields)
        with self._transaction() as session:
            wake = Wake(case_id=case_id, title=title, policy="")
            session.add(wake)
            session.add(CaseEvent(case_id=case_id, seq=0, event_id=opened.id, body=opened.model_dump(mode="json")))
            self._settle(Held(session, wake, Case(case_id, [opened]), now))
        return case_id

    def record(self, case_id: str, happening: Callable[[datetime], E.Event]) -> Decision:
        """Record what happened and decide. `happening` makes the event from the instant at which we hold the case.

        What fell due before is decided first: a case that this event resolves asks for nothing any more. Raises
        `NoSuchCase`, and `EscalationRulesError` for what the policy cannot read; then nothing is stored.
        """
        with self._held(case_id) as held:
            settled, decision = self._settle(held)
            event = happening(settled.now)
            known = {(one.type, one.id) for one in settled.case.history if one.id is not None}
            if (event.type, event.id) in known:  # it was recorded before, and its sender did not hear of it
                return decision
            case = settled.case.record(event)
            _append(settled, event)
            return self._settle(settled._replace(case=case))[1]

    def read(self, case_id: str) -> tuple[str, Case, Decision]:
        """The title, the case, and what the policy says of it now."""
        with self._reading() as session:
            held = self._load(session, case_id, session.get(Wake, case_id))
            return held.wake.title, held.case, decide(self.policy, held.case, at=held.now)

    def cases(self) -> list[tuple[str, str]]:
        """The id and title of every case."""
        with self._reading() as session:
            return [tuple(row) for row in session.execute(select(Wake.case_id, Wake.title).order_by(Wake.title))]

    def told(self, case_id: str) -> list[dict]:
        """What was asked for, with its reasons: the answer to "how did it get here?"."""
        with self._reading() as session:
            rows = session.scalars(select(Message).where(Message.case_id == case_id)).all()
            return sorted((row.body for row in rows), key=lambda body: body["due"])

    def work(self) -> int:
        """Decide every case that is due, or was decided by another policy; each in its own transaction."""
        done = 0
        for case_id in self._due():
            try:
                with self._held(case_id, if_due=True) as held:
                    self._settle(held)
                    done += 1
            except NoSuchCase:
                log.debug("case %s is in other hands", case_id)
            except EscalationRulesError as error:
                log.error("case %s cannot be decided and stays due: %s", case_id, error)
        return done

    def deliver(self, send: Callable[[str, dict], None]) -> int:
        """Send what is in the outbox. Killed between the two, it sends again: the receiver must know the key."""
        with self._reading() as session:
            keys = session.scalars(select(Message.key).where(Message.sent_at.is_(None))).all()
        done = 0
        for key in keys:
            with self._transaction() as session:
                waiting = select(Message).where(Message.key == key, Message.sent_at.is_(None))
                if message := session.scalar(waiting.with_for_update(skip_locked=True)):
                    send(key, message.body)
                    message.sent_at = self.clock()
                    done += 1
        return done

    def _settle(self, held: Held) -> tuple[Held, Decision]:
        """Decide until nothing more is asked; write what was accepted, what must be told, and when to look again."""
        decision = decide(self.policy, held.case, at=held.now)
        while accepted := decision.accept(at=held.now, by=ENGINE):
            for asked in (*decision.moves, *decision.actions):
                held.session.add(Message(key=asked.key, case_id=held.case.id, body=_body(held.case.id, asked)))
            _append(held, *accepted)
            held = held._replace(case=held.case.record(*accepted))
            decision = decide(self.policy, held.case, at=held.now)
        held.wake.wake_at, held.wake.policy = decision.wake_at, self.policy.fingerprint
        return held, decision

    def _due(self) -> list[str]:
        with self._reading() as session:
            return list(session.scalars(select(Wake.case_id).where(self._is_due()).order_by(Wake.wake_at)))

    def _is_due(self):
        return or_(Wake.wake_at <= self.clock(), Wake.policy != self.policy.fingerprint)

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with Session(self.reader) as session:
            yield session

    @contextmanager
    def _held(self, case_id: str, *, if_due: bool = False) -> Iterator[Held]:
        """A case under its lock. With `if_due`, only if it still is, and nobody else has it in hand."""
        wanted = select(Wake).where(Wake.case_id == case_id)
        wanted = wanted.where(self._is_due()) if if_due else wanted
        with self._transaction() as session:
            yield self._load(session, case_id, session.scalar(wanted.with_for_update(skip_locked=if_due)))

    def _load(self, session: Session, case_id: str, wake: Wake | None) -> Held:
        if wake is None:
            raise NoSuchCase(case_id)
        rows = session.scalars(select(CaseEvent.body).where(CaseEvent.case_id == case_id).order_by(CaseEvent.seq))
        case = Case(case_id, [E.parse(body) for body in rows])
        return Held(session, wake, case, max(self.clock(), _known(case) + NEXT))


def _known(case: Case) -> datetime:
    """The latest instant that the case knows of. A machine's clock may step back; the time of a case does not.

    Otherwise, after a decision was made in good faith, something could still happen before it.
    """
    return max(getattr(one, "recorded_at", None) or one.at for one in case.history)


def _append(held: Held, *events: E.Event) -> None:
    first = len(held.case.history)
    for seq, one in enumerate(events, first):
        body = one.model_dump(mode="json")
        held.session.add(CaseEvent(case_id=held.case.id, seq=seq, event_id=one.id, body=body))


def _body(case_id: str, asked: Move | ActionDue) -> dict:
    """A message for the owner of a level, or for the roles that an action names."""
    body = {"case": case_id, "due": asked.due_at.isoformat()}
    if isinstance(asked, Move):
        why = [f"{reason.rule}: {reason.text}" for reason in asked.reasons]
        return body | {"kind": "move", "to": asked.to, "owner": asked.owner and asked.owner.role, "why": why}
    why = [asked.rule or f"entry to {asked.level}"]
    return body | {"kind": asked.kind, "action": asked.action.model_dump(mode="json"), "why": why}
