"""The tables of figures that outlive attempts: counts, no persons."""

from datetime import date, datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime
from app.messenger.types import PageId


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


class Intake(Base):
    """The deliveries of one minute that had one outcome, counted by all processes together."""

    __tablename__ = "intake"
    __table_args__ = (Index("ix_intake_outcome", "outcome", "minute_at"),)

    minute_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    # "current" or "previous", for the app secret that signed them, or "refused".
    outcome: Mapped[str] = mapped_column(String(16), primary_key=True)
    deliveries: Mapped[int]
