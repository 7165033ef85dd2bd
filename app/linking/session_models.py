"""The table of browser sessions; `browser_sessions` reads and writes it."""

from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime
from app.linking.values import User, user_of
from app.messenger.types import PageId


class BrowserSession(Base):
    """One browser that has opened a page of ours, and who has signed in there."""

    __tablename__ = "browser_session"
    __table_args__ = (
        Index(None, "opened_at"),
        # For the ends that are the business's.
        Index(
            "ix_browser_session_user",
            "issuer",
            "subject",
            sqlite_where=text("subject IS NOT NULL"),
            postgresql_where=text("subject IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # A hash only: a copy of this table is not enough to go on with a session.
    secret_hash: Mapped[str] = mapped_column(String(64))
    # "connect" or "connections".
    purpose: Mapped[str] = mapped_column(String(16))
    page_id: Mapped[PageId] = mapped_column(String(64))
    issuer: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str | None] = mapped_column(String(255))
    display_name: Mapped[str | None] = mapped_column(String(255))
    # While the person signs in at a provider: what its answer is checked against.
    memo: Mapped[str | None] = mapped_column(String(2048))
    # What a page of the business's has given its link, to hear it again with the outcome.
    resume: Mapped[str | None] = mapped_column(String(512))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def user(self) -> User | None:
        """The user who has signed in, None for nobody."""
        return user_of(self.issuer, self.subject)
