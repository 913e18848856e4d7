"""Three tables: what happened, when to look again, and what is to be told to whom."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Engine, String, TypeDecorator, UniqueConstraint, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC; SQLite would give it back naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


class Base(DeclarativeBase):
    type_annotation_map = {datetime: Instant, dict[str, Any]: JSON}


class CaseEvent(Base):
    """Append-only. A case is its events; `seq` is their place, `event_id` says which must not come twice."""

    __tablename__ = "case_event"
    __table_args__ = (UniqueConstraint("case_id", "event_id"),)
    case_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(String(80))
    body: Mapped[dict[str, Any]]


class Wake(Base):
    """When a case must be looked at again. Its row is the case's lock."""

    __tablename__ = "wake"
    case_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    wake_at: Mapped[datetime | None] = mapped_column(index=True)
    policy: Mapped[str] = mapped_column(String(64))


class Message(Base):
    """The outbox: written with the decision, delivered after it. `key` is the decision's, so nothing is in it twice."""

    __tablename__ = "message"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    case_id: Mapped[str] = mapped_column(String(64), index=True)
    body: Mapped[dict[str, Any]]
    sent_at: Mapped[datetime | None] = mapped_column(index=True)


def connect(url: str, **options: Any) -> Engine:
    """An engine on SQLite or PostgreSQL. On SQLite a transaction that writes takes the write lock when it begins."""
    if url.startswith("sqlite"):
        options = {"connect_args": {"timeout": 5}} | options
    engine = create_engine(url, **options)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _by_hand(connection, _):
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode=WAL")

        @event.listens_for(engine, "begin")
        def _at_once(connection):
            reads = connection.get_execution_options().get("only_reads", False)
            connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine
