"""The table of what Meta tells of the Pages."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime


class PageProfileRow(Base):
    """The name and the picture of a Page at Meta; None where Meta has none, or tells none."""

    __tablename__ = "page_profile"

    page_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str | None] = mapped_column(String(255))
    picture: Mapped[bytes | None] = mapped_column(LargeBinary)
    picture_type: Mapped[str | None] = mapped_column(String(16))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The code with which Graph refused the last question; None if it answered.
    refused_code: Mapped[int | None]


class SetupFindingRow(Base):
    """A finding of the last look at Meta; all are replaced by the next."""

    __tablename__ = "setup_finding"

    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(String(128))
    # "ok", "warning" or "problem".
    verdict: Mapped[str] = mapped_column(String(16))
    words: Mapped[str] = mapped_column(String(1000))
    fix: Mapped[str] = mapped_column(String(1000))
    is_unchecked: Mapped[bool]


class MetaLookRow(Base):
    """The last look at Meta, and the wish for another, in one row."""

    __tablename__ = "meta_look"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    wished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
