"""The table of the faults that are there, and of what has been told of them."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime


class FaultRow(Base):
    """One cause at one Page, for as long as it is there, and for a day after."""

    __tablename__ = "fault"

    # A slug, with the name of an authenticator, of a kind of items or of a setting at Meta behind.
    cause: Mapped[str] = mapped_column(String(96), primary_key=True)
    # Empty where the fault is of no Page.
    page_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    # In our own words, and fit for a chat: no person, no address of one, no secret.
    sentence: Mapped[str] = mapped_column(String(600))
    fix: Mapped[str] = mapped_column(String(600))
    # NULL: it is over.
    found_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When it was last seen, or else was found to be over.
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The kind that the operator heard last: "fault.found", "fault.over", or NULL for nothing yet.
    told: Mapped[str | None] = mapped_column(String(16))
    found_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    over_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
