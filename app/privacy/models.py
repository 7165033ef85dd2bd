"""The table of requests to disconnect or to erase somebody."""

from datetime import datetime
from typing import Final

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime

# As a literal: the databases use a partial index only for a query that has the same condition.
OPEN: Final = text("done_at IS NULL")
CLOSED: Final = text("done_at IS NOT NULL")


class PrivacyRequest(Base):
    """A request to disconnect or to erase one person or user, kept until nobody asks for it."""

    __tablename__ = "privacy_request"
    __table_args__ = (
        # Partial as well: SQLite would take it for those that are open, and sort them.
        Index("ix_privacy_request_closed", "done_at", sqlite_where=CLOSED, postgresql_where=CLOSED),
        Index("ix_privacy_request_open", "asked_at", sqlite_where=OPEN, postgresql_where=OPEN),
    )

    # What operators and logs call it by. It opens no page.
    reference: Mapped[str] = mapped_column(String(16), primary_key=True)
    # SHA-256 of the confirmation code: a copy of this table opens no page either.
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # "deletion", "deauthorize", or "user" for what the operator erases of a user.
    kind: Mapped[str] = mapped_column(String(16))
    # "received", "duty" (the operator's), "ended" (all but the tombstones is erased) or "done".
    state: Mapped[str] = mapped_column(String(16))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Why it is the operator's duty: one of few words, or the numbers of Graph's error.
    why: Mapped[str | None] = mapped_column(String(64))
    # Whom it is about, each null once it is not needed: the app-scoped id at Meta …
    user_id: Mapped[str | None] = mapped_column(String(64))
    # … and the people that it stands for: JSON, a list of [page id, PSID, version of the link].
    people: Mapped[str | None] = mapped_column(String)
    # The number of people of whom something was kept; null until that is known.
    found: Mapped[int | None]
