"""The tables of operators, of their sessions, and of what they did and looked at."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.database.engine import Base, UtcDateTime


class Operator(Base):
    """An operator who signs in to the console with a password of this server's own."""

    __tablename__ = "operator"

    # Random, so that it is never reused: the audit names it for longer than the operator is here.
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(254))
    # The form in which names are compared; made by accounts.local.canonical().
    canonical: Mapped[str] = mapped_column(String(254), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(512))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    password_changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OperatorSession(Base):
    """A session of an operator in the console, kept for a day after its end."""

    __tablename__ = "operator_session"
    __table_args__ = (
        Index("ix_operator_session_actor", "actor"),
        Index("ix_operator_session_expires_at", "expires_at"),
    )

    # Beside the secret in the cookie; the audit and the list of sessions have it.
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    # SHA-256: a copy of this table opens no session.
    secret_hash: Mapped[str] = mapped_column(String(64))
    # "local:ID" or "oidc:ISSUER#SUB".
    actor: Mapped[str] = mapped_column(String(520))
    name: Mapped[str] = mapped_column(String(254))
    # Of the provider, at the sign-in: JSON, a list of texts.
    groups: Mapped[str] = mapped_column(String)
    # When the operator proved who it is, by which acts are allowed for ten minutes.
    authenticated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Written once a minute at most.
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditEvent(Base):
    """An act or a look of an operator, or a command. Only `audit` writes and deletes these."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_at", "at"),
        Index("ix_audit_event_actor_at", "actor", "at"),
        Index("ix_audit_event_subject_at", "subject_kind", "subject", "at"),
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(520))
    actor_name: Mapped[str] = mapped_column(String(254))
    # "viewer", "support", "admin"; "command" of a command; empty where nobody is signed in.
    role: Mapped[str] = mapped_column(String(16))
    act: Mapped[str] = mapped_column(String(64))
    # What it is about, by ids alone: no name and no text of a person.
    subject_kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(520))
    page_id: Mapped[str | None] = mapped_column(String(64))
    # "done", "failed" or "refused".
    result: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(200))
    # The client's address; empty of a command.
    address: Mapped[str] = mapped_column(String(64))
    # That of the request, by which the log is searched.
    reference: Mapped[str] = mapped_column(String(16))
    # How often within ten minutes.
    times: Mapped[int]
