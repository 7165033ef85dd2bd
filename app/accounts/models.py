from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime


class Account(Base):
    """A user of the built-in account store."""

    __tablename__ = "account"

    # Random, so that it is never reused: a deleted account's id must not come back to life.
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    username: Mapped[str] = mapped_column(String(254))
    # The form in which usernames are compared; made by local.canonical().
    canonical: Mapped[str] = mapped_column(String(254), unique=True)
    display_name: Mapped[str | None] = mapped_column(String(254))
    password_hash: Mapped[str] = mapped_column(String(512))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RateLimitBucket(Base):
    """The hits of one rate-limit counter in one bucket; the bucket begins at *window_at*.

    Hits that were refunded, or cleared by a sign-in, are not in it.
    """

    __tablename__ = "throttle"

    # "<limit>:<HMAC>": a copy of this table reveals no name, address or PSID.
    key: Mapped[str] = mapped_column(String(96), primary_key=True)
    window_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    failures: Mapped[int]
