"""The table of invitations: offers by signed-in users to connect one Messenger profile."""

from datetime import datetime
from typing import Final

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime
from app.linking.values import User
from app.messenger.types import PageId, Psid

# The conditions of partial indexes, as literals: see app.linking.models.
NEVER_CLAIMED: Final = text("psid IS NULL")
HAS_PSID: Final = text("psid IS NOT NULL")
HAS_NAMES: Final = text("(display_name IS NOT NULL OR messenger_name IS NOT NULL)")


class Invitation(Base):
    """One offer by one signed-in user to connect one Messenger profile on one page.

    The state is derived from these columns and the clock: `app.linking.invitation_status`.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        Index(None, "created_at"),
        # Serve the ends that are the business's, and the number of invitations that are open.
        Index(None, "issuer", "subject"),
        Index(
            "ix_invitation_person",
            "page_id",
            "psid",
            sqlite_where=HAS_PSID,
            postgresql_where=HAS_PSID,
        ),
        # Serve the retention.
        Index(
            "ix_invitation_unclaimed",
            "created_at",
            sqlite_where=NEVER_CLAIMED,
            postgresql_where=NEVER_CLAIMED,
        ),
        Index(
            "ix_invitation_named", "created_at", sqlite_where=HAS_NAMES, postgresql_where=HAS_NAMES
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # Of the same alphabet as an attempt's, and no attempt has it: commands look in both tables.
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    page_id: Mapped[PageId] = mapped_column(String(64))
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    # Masked by us; blanked within a day after the end.
    display_name: Mapped[str | None] = mapped_column(String(255))
    # Of the chat's texts, one of those that the page offers.
    language: Mapped[str] = mapped_column(String(35))
    # Who began: a browser session of our pages, or an API key. Both where the business's site has
    # handed the browser over, from which time the session alone can go on.
    session_id: Mapped[str | None] = mapped_column(String(32), index=True)
    api_key_id: Mapped[str | None] = mapped_column(String(16))
    # Hashes only: a copy of this table is not enough to claim, to answer or to hand over. The one
    # of the code is keyed, since its 40 bits can be tried.
    ref_hash: Mapped[str] = mapped_column(String(64), unique=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    handoff_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    # The bot's or the site's own words, returned once; blanked at the end.
    resume: Mapped[str | None] = mapped_column(String(512))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    # The claim: by whom, when by our clock and by Meta's, and how.
    psid: Mapped[Psid | None] = mapped_column(String(64))
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claim_event_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # "new_thread", "existing_thread" or "typed".
    claimed_via: Mapped[str | None] = mapped_column(String(16))

    # The question in the chat. The name is null where Messenger withholds it, and blanked at the
    # end; `name_outcome` is a `NameOutcome`, null until it was asked for.
    messenger_name: Mapped[str | None] = mapped_column(String(255))
    name_outcome: Mapped[str | None] = mapped_column(String(16))
    nonce_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    asks: Mapped[int] = mapped_column(default=0, server_default="0")
    # A keyed hash, where six digits were sent in place of the question.
    digits_hash: Mapped[str | None] = mapped_column(String(64))
    digits_sent: Mapped[int] = mapped_column(default=0, server_default="0")
    digits_tried: Mapped[int] = mapped_column(default=0, server_default="0")

    # The chat's consent: by our clock, and Meta's time of it (digits: of the claim).
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accept_event_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # "linked", "declined", "cancelled" or "refused".
    ended_as: Mapped[str | None] = mapped_column(String(16))
    # Why it was refused; "chat_refused" also while it goes on.
    reason: Mapped[str | None] = mapped_column(String(32))

    @property
    def user(self) -> User:
        """The user who offers."""
        return User(self.issuer, self.subject)

    def end(self, how: str, reason: str | None, *, at: datetime) -> None:
        """End it; name and resume were for the running invitation alone."""
        self.ended_at, self.ended_as, self.reason = at, how, reason
        self.messenger_name = self.resume = None
