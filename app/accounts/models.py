from datetime import datetime

from sqlalchemy import Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime


class Account(Base):
    """A user of the built-in account store."""

    __tablename__ = "account"

    # Random, so that it is never reused: a deleted account's id must not come back to life. Or the
    # business's own, which `RetiredSubject` keeps from that.
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    username: Mapped[str] = mapped_column(String(254))
    # The form in which usernames are compared; made by local.canonical().
    canonical: Mapped[str] = mapped_column(String(254), unique=True)
    display_name: Mapped[str | None] = mapped_column(String(254))
    password_hash: Mapped[str] = mapped_column(String(512))
    # Null in accounts of a version that did not know it, and in imported ones.
    password_set_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Set by somebody else: its owner chooses another at the first sign-in, and it expires.
    password_is_first: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The id is one that the business has given.
    subject_is_own: Mapped[bool] = mapped_column(default=False, server_default=false())


class RetiredSubject(Base):
    """A subject of the business's own whose account was deleted; its row is kept for good."""

    __tablename__ = "retired_subject"
    __table_args__ = (
        Index(
            "ix_retired_subject_kept",
            "retired_at",
            sqlite_where=text("subject IS NOT NULL"),
            postgresql_where=text("subject IS NOT NULL"),
        ),
    )

    # SHA-256 of the subject.
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    retired_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The subject itself, until it has been taken out of what stays of the account.
    subject: Mapped[str | None] = mapped_column(String(64))


class RateLimitBucket(Base):
    """The hits of one rate-limit counter in one bucket; the bucket begins at *window_at*.

    Hits that were refunded, or cleared by a sign-in, are not in it.
    """

    __tablename__ = "throttle"

    # "<limit>:<HMAC>": a copy of this table reveals no name, address or PSID.
    key: Mapped[str] = mapped_column(String(96), primary_key=True)
    window_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    failures: Mapped[int]
