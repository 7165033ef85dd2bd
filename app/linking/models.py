"""The tables of linking."""

from datetime import date, datetime
from typing import Final

from sqlalchemy import BigInteger, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime
from app.linking.values import User, user_of
from app.messenger.types import PageId, Psid

# The conditions of partial indexes, as literals: the databases use such an index only for a query
# that has the same condition.
HAS_MESSENGER_NAME: Final = text("(messenger_name IS NOT NULL OR memo IS NOT NULL)")
HAS_DISPLAY_NAME: Final = text("display_name IS NOT NULL")
UNCONFIRMED: Final = text("confirmed_at IS NULL")
UNRECOGNISED: Final = text("(confirmed_at IS NULL AND psid IS NULL)")
UNSETTLED: Final = text("settled_at IS NULL")
SETTLED: Final = text("settled_at IS NOT NULL")
ENTRY_REFUSED: Final = text("kind = 'entry_refused'")


class Attempt(Base):
    """An attempt of one browser to link one Messenger person to one user."""

    __tablename__ = "attempt"
    __table_args__ = (
        # The first to confirm has the token; until then several attempts may hold it.
        Index(
            "uq_attempt_token_hash_confirmed",
            "token_hash",
            unique=True,
            sqlite_where=text("confirmed_at IS NOT NULL"),
            postgresql_where=text("confirmed_at IS NOT NULL"),
        ),
        Index(None, "token_hash"),
        Index(None, "opened_at"),
        # For the ends that are the business's. Not partial by ended_at: to burn a code, for which
        # Messenger waits, then changes no index.
        Index(
            "ix_attempt_user",
            "issuer",
            "subject",
            sqlite_where=text("subject IS NOT NULL"),
            postgresql_where=text("subject IS NOT NULL"),
        ),
        Index(
            "ix_attempt_person",
            "page_id",
            "psid",
            sqlite_where=text("psid IS NOT NULL"),
            postgresql_where=text("psid IS NOT NULL"),
        ),
        # For lists by cause and by Page, newest first.
        Index(
            "ix_attempt_cause",
            "cause",
            "opened_at",
            sqlite_where=text("cause IS NOT NULL"),
            postgresql_where=text("cause IS NOT NULL"),
        ),
        # Of those that are settled: nobody who opens one pays for it.
        Index(
            "ix_attempt_page",
            "page_id",
            "opened_at",
            sqlite_where=SETTLED,
            postgresql_where=SETTLED,
        ),
        # Serve the retention, which finds what is to be forgotten without reading all attempts.
        *(
            Index(name, "opened_at", sqlite_where=which, postgresql_where=which)
            for name, which in (
                ("ix_attempt_messenger_name", HAS_MESSENGER_NAME),
                ("ix_attempt_display_name", HAS_DISPLAY_NAME),
                ("ix_attempt_unconfirmed", UNCONFIRMED),
                ("ix_attempt_unrecognised", UNRECOGNISED),
                ("ix_attempt_unsettled", UNSETTLED),
            )
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # Short enough to be read aloud to an operator, who can look it up.
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    page_id: Mapped[PageId] = mapped_column(String(64))
    # Hashes only: a copy of this table is not enough to go on with an attempt or to use a code.
    secret_hash: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)

    psid: Mapped[Psid | None] = mapped_column(String(64))
    # Null also when Messenger withholds it; blanked when the attempt is over.
    messenger_name: Mapped[str | None] = mapped_column(String(255))
    # A `NameOutcome`; null until the person is known, and in rows of an older version.
    name_outcome: Mapped[str | None] = mapped_column(String(16))
    # Blanked together with the name, without which there is none.
    picture_url: Mapped[str | None] = mapped_column(String(2048))

    issuer: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str | None] = mapped_column(String(255))
    display_name: Mapped[str | None] = mapped_column(String(255))
    signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # While the person signs in at a provider: what its answer is checked against.
    memo: Mapped[str | None] = mapped_column(String(2048))

    # A keyed hash, where CONFIRM_IN_CHAT asks for digits; how often they were sent and tried.
    digits_hash: Mapped[str | None] = mapped_column(String(64))
    digits_sent: Mapped[int] = mapped_column(default=0, server_default="0")
    digits_tried: Mapped[int] = mapped_column(default=0, server_default="0")

    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    code_hash: Mapped[str | None] = mapped_column(String(64), unique=True)

    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # "linked", "cancelled" or "refused"; that it has expired is derived from opened_at.
    ended_as: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))

    # Set once nothing can change any more: the conclusion, as the attempt has been counted.
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stage: Mapped[str | None] = mapped_column(String(16))
    cause: Mapped[str | None] = mapped_column(String(32))

    @property
    def user(self) -> User | None:
        """The user who has signed in, if one has."""
        return user_of(self.issuer, self.subject)

    def forget_person(self) -> None:
        """Blank what is for the pages of the attempt alone: name, picture and provider's memo."""
        self.messenger_name = self.picture_url = self.memo = None


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
    # Rises with each change: a receiver of the link drops a version that is not newer.
    version: Mapped[int]
    # Its place among all changes; null from a change on until that has been numbered.
    change: Mapped[int | None] = mapped_column(BigInteger)
    # By Meta's clock, and compared with Meta's times only; the next one is by our clock, and
    # compared with ours only.
    event_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_by_us_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cause: Mapped[str] = mapped_column(String(32))
    reference: Mapped[str | None] = mapped_column(String(16))


class ChangeCounter(Base):
    """The number of the last change, in one row; it is locked while changes are numbered."""

    __tablename__ = "change_counter"

    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


class LinkEvent(Base):
    """An event in the history of a link; rows are added and never changed."""

    __tablename__ = "link_event"
    __table_args__ = (
        # Messenger repeats events that it thinks were missed. Begins with a time, so that new rows
        # go to the end of the tree; null for events that are not Messenger's, and nulls never
        # collide.
        UniqueConstraint("event_at", "page_id", "psid", "status"),
        Index(None, "page_id", "psid"),
    )

    # SQLite numbers rows only in a column that is exactly INTEGER.
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


class AttemptsOfDay(Base):
    """The attempts of one day (of their opening) that had one outcome, counted by `settling`."""

    __tablename__ = "attempt_daily"

    day: Mapped[date] = mapped_column(primary_key=True)
    page_id: Mapped[PageId] = mapped_column(String(64), primary_key=True)
    # "local", "ldap:NAME", …; empty where nobody tried one.
    authenticator: Mapped[str] = mapped_column(String(64), primary_key=True)
    stage: Mapped[str] = mapped_column(String(16), primary_key=True)
    cause: Mapped[str] = mapped_column(String(32), primary_key=True)
    attempts: Mapped[int]


class LinkTimesOfDay(Base):
    """The links of one day that took a time of one bucket, from opening to link."""

    __tablename__ = "link_time_daily"

    day: Mapped[date] = mapped_column(primary_key=True)
    page_id: Mapped[PageId] = mapped_column(String(64), primary_key=True)
    # The bucket's upper bound in seconds; 0 is what took longer than the largest.
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    links: Mapped[int]


class AttemptEvent(Base):
    """An event of an attempt, or of a request without one; `attempt_events` writes them."""

    __tablename__ = "attempt_event"
    __table_args__ = (
        # They go sooner than the events of attempts, among which they are.
        Index(
            "ix_attempt_event_refused",
            "last_at",
            sqlite_where=ENTRY_REFUSED,
            postgresql_where=ENTRY_REFUSED,
        ),
    )

    reference: Mapped[str] = mapped_column(String(16), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    # Names and numbers of ours, never what a person typed.
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    code: Mapped[int] = mapped_column(primary_key=True)
    subcode: Mapped[int] = mapped_column(primary_key=True)
    detail: Mapped[str] = mapped_column(String(160))
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    times: Mapped[int]
    until_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    page_id: Mapped[PageId | None] = mapped_column(String(64))


class SignInName(Base):
    """A keyed hash of a name by which a user has signed in; `sign_in_names` writes it."""

    __tablename__ = "sign_in_name"
    __table_args__ = (Index(None, "issuer", "subject"),)

    name_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    # When the user last signed in by it, or was last found to have a link.
    needed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Intake(Base):
    """The deliveries of one minute that had one outcome, counted by all processes together."""

    __tablename__ = "intake"

    minute_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    # "current" or "previous", for the app secret that signed them, or "refused".
    outcome: Mapped[str] = mapped_column(String(16), primary_key=True)
    deliveries: Mapped[int]
