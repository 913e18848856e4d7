"""The plugin: its two tables, what it does when a ticket changes, and `trac-admin ENV escalation run` for cron."""

import json
from datetime import timedelta

from escalation_rules import decide
from escalation_rules import events as E
from trac.admin.api import IAdminCommandProvider
from trac.core import Component, implements
from trac.db import Column, DatabaseManager, Table
from trac.env import IEnvironmentSetupParticipant
from trac.ticket.api import ITicketChangeListener
from trac.ticket.model import Ticket
from trac.util.datefmt import datetime_now, to_utimestamp, utc
from trac.util.text import printout

from trac_escalation.history import BOT, read
from trac_escalation.policy import POLICY

TABLES = (
    # append-only: what was decided and done. The key is unique, so nothing is done twice.
    Table("escalation_event", key=("ticket", "event_id"))[
        Column("ticket", type="int"), Column("event_id"), Column("body"), Column("place", type="int64")
    ],
    # when to look again
    Table("escalation_wake", key="ticket")[
        Column("ticket", type="int"), Column("wake_at", type="int64"), Column("policy")
    ],
)
NEXT = timedelta(microseconds=1)
DUE = """
    SELECT t.id FROM ticket t LEFT JOIN escalation_wake w ON w.ticket = t.id
    WHERE w.ticket IS NULL OR w.wake_at <= %s OR w.policy <> %s ORDER BY t.id
"""


class Escalation(Component):
    """`clock` gives the present instant; tests bring their own."""

    implements(IAdminCommandProvider, IEnvironmentSetupParticipant, ITicketChangeListener)
    clock = staticmethod(lambda: datetime_now(utc))

    def run(self):
        """Decide every ticket that is due. Returns how many."""
        due = self.env.db_query(DUE, (to_utimestamp(self.clock()), POLICY.fingerprint))
        return sum(self._settled(ticket_id) for (ticket_id,) in due)

    def settle(self, ticket_id):
        """Decide a ticket, do what is asked, and look again until nothing is, in one transaction."""
        with self.env.db_transaction as db:
            while True:
                ticket = Ticket(self.env, ticket_id)
                now = max(self.clock(), ticket["changetime"] + NEXT)  # Trac takes one change of a field an instant
                decision = decide(POLICY, read(ticket, self._decided(ticket_id)), at=now)
                accepted = decision.accept(at=now, by=BOT)
                if not accepted:
                    break
                self._store(db, ticket_id, accepted)  # first: who comes second with a key is stopped here
                self._act(ticket, read(ticket, self._decided(ticket_id)), decision, now)
            db("DELETE FROM escalation_wake WHERE ticket = %s", (ticket_id,))
            wake_at = decision.wake_at and to_utimestamp(decision.wake_at)
            db("INSERT INTO escalation_wake VALUES (%s, %s, %s)", (ticket_id, wake_at, POLICY.fingerprint))
        return decision

    def _act(self, ticket, case, decision, now):
        """Make the ticket agree with the case, by Trac's own function, and say why in a comment."""
        ticket["priority"] = case.priority(at=now)
        if decision.move:
            ticket["level"] = decision.move.to
            role = decision.move.owner.person or decision.move.owner.role
            ticket["owner"] = self.env.config.get("escalation", role, ticket["owner"])
        ticket.save_changes(BOT, f"{{{{{{\n{decision.explain()}\n}}}}}}", now)

    def _decided(self, ticket_id):
        rows = self.env.db_query("SELECT body FROM escalation_event WHERE ticket = %s ORDER BY place", (ticket_id,))
        return [E.parse(json.loads(body)) for (body,) in rows]

    def _store(self, db, ticket_id, events):
        ((first,),) = db("SELECT COUNT(*) FROM escalation_event WHERE ticket = %s", (ticket_id,))
        db.executemany(
            "INSERT INTO escalation_event VALUES (%s, %s, %s, %s)",
            [(ticket_id, one.id, one.model_dump_json(), place) for place, one in enumerate(events, first)],
        )

    # ITicketChangeListener: Trac calls it when the change is committed

    def ticket_created(self, ticket):
        self._settled(ticket.id)

    def ticket_changed(self, ticket, comment, author, old_values):
        if author != BOT:
            self._settled(ticket.id)

    def ticket_comment_modified(self, ticket, cdate, author, comment, old_comment):
        self._settled(ticket.id)

    def ticket_change_deleted(self, ticket, cdate, changes):
        self._settled(ticket.id)

    def ticket_deleted(self, ticket):
        with self.env.db_transaction as db:
            db("DELETE FROM escalation_event WHERE ticket = %s", (ticket.id,))
            db("DELETE FROM escalation_wake WHERE ticket = %s", (ticket.id,))

    def _settled(self, ticket_id):
        """Decide now; if that fails, people's work and the other tickets go on, and the next run tries again."""
        try:
            self.settle(ticket_id)
        except Exception:
            self.log.exception("ticket %s could not be decided", ticket_id)
            with self.env.db_transaction as db:
                db("DELETE FROM escalation_wake WHERE ticket = %s", (ticket_id,))
            return False
        return True

    # IAdminCommandProvider

    def get_admin_commands(self):
        yield ("escalation run", "", "Decide every ticket that is due", None, self._run_command)
        yield ("escalation why", "<ticket>", "Why a ticket is where it is", None, self._why_command)

    def _run_command(self):
        printout(f"{self.run()} tickets decided")

    def _why_command(self, ticket_id):
        case = read(Ticket(self.env, int(ticket_id)), self._decided(int(ticket_id)))
        printout(decide(POLICY, case, at=self.clock()).explain())

    # IEnvironmentSetupParticipant

    def environment_created(self):
        self.upgrade_environment()

    def environment_needs_upgrade(self):
        return DatabaseManager(self.env).needs_upgrade(1, "escalation")

    def upgrade_environment(self):
        manager = DatabaseManager(self.env)
        manager.create_tables(TABLES)
        manager.set_database_version(1, "escalation")
