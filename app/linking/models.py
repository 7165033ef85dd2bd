from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime
from app.messenger.types import PageId, Psid


class Attempt(Base):
    """One try by one browser to link one Messenger person to one user."""

    __tablename__ = "attempt"
    __table_args__ = (
        # Whoever confirms first has the token; until then many may hold it.
        Index(
            "uq_attempt_token_hash_confirmed",
            "token_hash",
            unique=True,
            sqlite_where=text("confirmed_at IS NOT NULL"),
            postgresql_where=text("confirmed_at IS NOT NULL"),
        ),
        Index(None, "token_hash"),
        Index(None, "opened_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # What a person can read aloud and an operator can look up.
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    page_id: Mapped[PageId] = mapped_column(String(64))
    # Hashes only: with a copy of this table nobody can go on with an attempt or spend a code.
    secret_hash: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)

    psid: Mapped[Psid | None] = mapped_column(String(64))
    # Null also when Messenger withholds it; blanked when the attempt is over.
    messenger_name: Mapped[str | None] = mapped_column(String(255))

    issuer: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str | None] = mapped_column(String(255))
    display_name: Mapped[str | None] = mapped_column(String(255))
    signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # What a provider's answer is checked against, while the person is there.
    memo: Mapped[str | None] = mapped_column(String(2048))

    # A keyed hash, where CONFIRM_IN_CHAT asks for digits; how often they were sent and tried.
    digits_hash: Mapped[str | None] = mapped_column(String(64))
    digits_sent: Mapped[int] = mapped_column(default=0, server_default="0")
    digits_tried: Mapped[int] = mapped_column(default=0, server_default="0")

    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    code_hash: Mapped[str | None] = mapped_column(String(64), unique=True)

    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # "linked", "cancelled" or "refused"; expiry is not written but told by the clock.
    ended_as: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))


class Link(Base):
    """The present state of one person on one page; one that has ended stays as a tombstone."""

    __tablename__ = "link"
    __table_args__ = (
        Index(None, "issuer", "subject"),
        Index(None, "change"),
        Index(
            "ix_link_unnumbered",
            "page_id",
            "psid",
            sqlite_where=text("change IS NULL AND issuer IS NOT NULL"),
            postgresql_where=text("change IS NULL AND issuer IS NOT NULL"),
        ),
    )

    # A PSID means nothing outside its page, so neither is a key alone.
    page_id: Mapped[PageId] = mapped_column(String(64), primary_key=True)
    psid: Mapped[Psid] = mapped_column(String(64), primary_key=True)
    # Null in a bare tombstone: an end of which no beginning is known.
    issuer: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str | None] = mapped_column(String(255))
    display_name: Mapped[str | None] = mapped_column(String(255))
    messenger_name: Mapped[str | None] = mapped_column(String(255))
    # "linked" or "ended".
    state: Mapped[str] = mapped_column(String(16))
    # Rises with each change: whoever hears of the link drops what is not newer.
    version: Mapped[int]
    # Where it stands among all changes; null from a change on until that has been numbered.
    change: Mapped[int | None] = mapped_column(BigInteger)
    # Meta's clock, compared with Meta's only; the next one is ours, compared with ours only.
    event_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_by_us_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cause: Mapped[str] = mapped_column(String(32))
    reference: Mapped[str | None] = mapped_column(String(16))


class ChangeCounter(Base):
    """The number of the last change; whoever holds this one row numbers, alone."""

    __tablename__ = "change_counter"

    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


class LinkEvent(Base):
    """What happened to a person's link, and why; rows are added and never changed."""

    __tablename__ = "link_event"
    __table_args__ = (
        # Messenger repeats what it thinks we missed. Begins with a time, so that new rows go to
        # the end of the tree; null for what Messenger did not say, and nulls never collide.
        UniqueConstraint("event_at", "page_id", "psid", "status"),
        Index(None, "page_id", "psid"),
    )

    # SQLite counts by itself only in a column that is exactly INTEGER.
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    # Meta's time as received.
    event_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    page_id: Mapped[PageId] = mapped_column(String(64))
    psid: Mapped[Psid] = mapped_column(String(64))
    # "linked", "unlinked", "replaced", "refused" or "imported".
    status: Mapped[str] = mapped_column(String(16))
    cause: Mapped[str] = mapped_column(String(32))
    issuer: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str | None] = mapped_column(String(255))
    reference: Mapped[str | None] = mapped_column(String(16))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Intake(Base):
    """The deliveries of one minute that met the same end, counted by all processes together."""

    __tablename__ = "intake"

    minute_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    # "current" or "previous", for the app secret that signed them, or "refused".
    outcome: Mapped[str] = mapped_column(String(16), primary_key=True)
    deliveries: Mapped[int]
