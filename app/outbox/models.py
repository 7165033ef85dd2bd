from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime


class Outgoing(Base):
    """One thing to do after the commit that made it."""

    __tablename__ = "outbox"
    __table_args__ = (
        # The same body once for each kind; nulls never collide.
        UniqueConstraint("kind", "digest"),
        # What the worker looks for: the few that wait, by whom they are for, oldest first.
        Index(
            "ix_outbox_due",
            "kind",
            "not_before",
            "id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    # SQLite counts by itself only in a column that is exactly INTEGER.
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    # What it is, and so who does it: "graph.unlink", "notice", "delivery".
    kind: Mapped[str] = mapped_column(String(32))
    # SHA-256 of the body, where doing the same twice would be wrong.
    digest: Mapped[str | None] = mapped_column(String(64))
    # Headers that travel with the body, as JSON.
    head: Mapped[str | None] = mapped_column(String)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    # "waiting", "dead", or, for as long as a repeat may come, "done" and without its body.
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # A claim is a lease: it puts this moment off, so a killed worker loses nothing.
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    # Why the last try failed, in a word.
    failure: Mapped[str | None] = mapped_column(String(64))


class WorkerRow(Base):
    """One process that works, or did until a short while ago."""

    __tablename__ = "worker"

    # Random, made when it starts.
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    beat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Null where it was not asked to end: it lives, or was killed.
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When it last looked at what Meta has noted, and how much was wrong.
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    faults: Mapped[int | None]
