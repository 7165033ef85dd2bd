"""Tables of the outbox and of the workers' heartbeats."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime

# Execution options of bulk statements: no session here reads a row again that it has changed so.
UNSYNCHRONIZED: Final[dict[str, Any]] = {"synchronize_session": False}
# The conditions of partial indexes, as literals: the databases use such an index only for a query
# that has the same condition.
KEPT: Final = text("outbox.state <> 'done'")
DONE: Final = text("outbox.state = 'done'")


def _partial_index(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class OutboxRow(Base):
    """One piece of work owed after the commit that stored it."""

    __tablename__ = "outbox"
    __table_args__ = (
        # Makes a repeated body one item for each kind; NULLs never collide.
        UniqueConstraint("kind", "digest"),
        # Serve the worker's search for the oldest item of one kind that was never tried, and for
        # those whose next try is due, however much else waits.
        _partial_index("ix_outbox_fresh", "kind", "id", where="state = 'waiting' AND tries = 0"),
        _partial_index(
            "ix_outbox_retries",
            "kind",
            "not_before",
            "id",
            where="state = 'waiting' AND tries > 0",
        ),
        # Serves the figures and the retention: the oldest item of each queue, however many wait.
        _partial_index("ix_outbox_kept", "kind", "state", "created_at", where="state <> 'done'"),
        _partial_index("ix_outbox_done", "not_before", where="state = 'done'"),
        # Serves the timeline of an attempt; deliveries and unlinks have no reference.
        _partial_index("ix_outbox_reference", "reference", where="reference IS NOT NULL"),
    )

    # SQLite assigns ids only in a column of exactly the type INTEGER.
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    # Selects the handler: "graph.unlink", "graph.ask", "graph.say", "notice", "delivery", "privacy"
    # or "alert".
    kind: Mapped[str] = mapped_column(String(32))
    # SHA-256 of the body in hex, where the same work must not be done twice.
    digest: Mapped[str | None] = mapped_column(String(64))
    # HTTP headers that are posted with the body, as a JSON object.
    head: Mapped[str | None] = mapped_column(String)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    # "waiting", "dead", or "done": without its body, kept for as long as a repeat may come.
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # A claim is a lease: it moves this time on, so the work of a killed worker becomes due again.
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    # The reason why the last try failed: an exception's name or a status.
    failure: Mapped[str | None] = mapped_column(String(64))
    # The attempt that a notice is about.
    reference: Mapped[str | None] = mapped_column(String(16))


class WorkerRow(Base):
    """A process that runs the outbox worker, or ran it within the last days."""

    __tablename__ = "worker"
    __table_args__ = (
        # One that cannot start is started again every few seconds, for days.
        Index("ix_worker_beat_at", "beat_at"),
        _partial_index("ix_worker_looked_at", "looked_at", where="looked_at IS NOT NULL"),
    )

    # Random, made when the process starts.
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # NULL of a version that did not tell it.
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # NULL if the process was not asked to stop: it is alive, or was killed.
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The time of its last check at Meta, and the number of faults found.
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    faults: Mapped[int | None]
    # The circuits that are open in it, as JSON: see `app.outbox.heartbeats`.
    circuits: Mapped[str | None] = mapped_column(String)


class DroppedRow(Base):
    """The number of deliveries that were dropped, in one row; it is changed as they are."""

    __tablename__ = "outbox_dropped"

    id: Mapped[int] = mapped_column(primary_key=True)
    dropped: Mapped[int] = mapped_column(BigInteger)
    # How many of them the log has told.
    reported: Mapped[int] = mapped_column(BigInteger)
