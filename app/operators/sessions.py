"""Sessions of operators in the console, and who is behind one at this moment (R135).

The role is computed for every request: an operator who is disabled, or is no longer in a list of
the settings, is nobody from the next request on. Nothing here commits, and every function may be
run twice.
"""

import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from app.infra.database.portions import PORTION, Cleanup
from app.infra.settings.console import LOCAL, OIDC, ConsoleSettings
from app.operators import accounts, oidc_rules
from app.operators.models import OperatorSession
from app.operators.roles import Role

IDLE: Final = timedelta(minutes=30)
LIFE: Final = timedelta(hours=8)
# For so long after a sign-in nobody is asked for it again (OWASP ASVS 5.0, 7.5.3).
FRESH: Final = timedelta(minutes=10)
SEEN_EVERY: Final = timedelta(minutes=1)
KEPT_AFTER_END: Final = timedelta(days=1)
_LONGEST_NAME: Final = 254


@dataclass(frozen=True, slots=True)
class Ticket:
    """The cookie of a session: its id, and the secret of which the hash is stored."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A sign-in that has succeeded: who it is, and what the provider says of groups."""

    actor: str
    name: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The operator of a request; *role* is that of this moment."""

    session_id: str
    actor: str
    name: str
    role: Role
    groups: tuple[str, ...]
    authenticated_at: datetime
    seen_at: datetime
    expires_at: datetime

    def is_fresh(self, at: datetime) -> bool:
        """Return whether the sign-in is so recent that an act needs no other."""
        return self.authenticated_at <= at < self.authenticated_at + FRESH

    @property
    def is_local(self) -> bool:
        """True when the operator has a password here."""
        return accounts.id_in(self.actor) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionValue:
    """A session as the list of them shows it."""

    id: str
    actor: str
    name: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


def actor_at(issuer: str, subject: str) -> str:
    """Return the actor of *subject* at the provider *issuer*."""
    return f"{OIDC}:{issuer}#{subject}"


def begin(
    session: Session, person: Person, *, replaces: SignedIn | None = None, at: datetime
) -> Ticket:
    """Begin a session of *person*, in place of the one that it *replaces*.

    A new sign-in prolongs the eight hours of no session: those count from the first one.
    """
    ticket = Ticket(secrets.token_urlsafe(16), secrets.token_urlsafe(32))
    if replaces is not None:
        end(session, replaces.session_id, at=at)
    session.add(
        OperatorSession(
            id=ticket.id,
            secret_hash=_hash(ticket.secret),
            actor=person.actor,
            name=person.name[:_LONGEST_NAME],
            groups=json.dumps(person.groups),
            authenticated_at=at,
            created_at=at,
            seen_at=at,
            expires_at=at + LIFE if replaces is None else replaces.expires_at,
        )
    )
    return ticket


def current(
    session: Session, ticket: Ticket, settings: ConsoleSettings, *, at: datetime
) -> SignedIn | None:
    """Return the operator behind *ticket*; None if the session is over, or the operator nobody."""
    row = session.get(OperatorSession, ticket.id)
    # Compared always, so that an id which exists takes as long as one that does not.
    is_ours = hmac.compare_digest(row.secret_hash if row else "", _hash(ticket.secret))
    if row is None or not is_ours or not _is_running(row, at):
        return None
    groups = tuple(json.loads(row.groups))
    role = role_at_present(session, settings, row.actor, groups)
    if role is None:
        return None
    return SignedIn(
        session_id=row.id,
        actor=row.actor,
        name=row.name,
        role=role,
        groups=groups,
        authenticated_at=row.authenticated_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )


def role_at_present(
    session: Session, settings: ConsoleSettings, actor: str, groups: Sequence[str]
) -> Role | None:
    """Return the role of *actor* by what is stored and set now; None if it has none."""
    operator_id = accounts.id_in(actor)
    if operator_id is not None:
        known = accounts.by_id(session, operator_id) if LOCAL in settings.sign_in else None
        return known.role if known and known.disabled_at is None else None
    provider = settings.provider
    if OIDC not in settings.sign_in or provider is None:
        return None
    begins = actor_at(provider.issuer, "")
    # Of another issuer, if the setting has changed, the same subject is somebody else.
    if not actor.startswith(begins):
        return None
    return oidc_rules.role_of(settings, actor.removeprefix(begins), groups)


def is_seen_due(signed_in: SignedIn, at: datetime) -> bool:
    """Return whether the last request that was noted is long enough ago to note another."""
    # In either direction: a clock that was set back must not keep a session alive.
    return abs(at - signed_in.seen_at) >= SEEN_EVERY


def note_seen(session: Session, session_id: str, *, at: datetime) -> None:
    """Note a request of the session: it ends half an hour after the last."""
    row = session.get(OperatorSession, session_id)
    if row is not None and row.ended_at is None:
        row.seen_at = at


def ends_at(seen_at: datetime, expires_at: datetime) -> datetime:
    """Return when a session ends that is not used any more."""
    return min(seen_at + IDLE, expires_at)


def end(session: Session, session_id: str, *, at: datetime) -> str | None:
    """End the session; return its actor, None if it has ended before."""
    row = session.get(OperatorSession, session_id, with_for_update=True)
    if row is None or row.ended_at is not None:
        return None
    row.ended_at = at
    return row.actor


def end_all(session: Session, actor: str, *, at: datetime) -> int:
    """End every session of *actor*; return how many there were."""
    rows = (
        update(OperatorSession)
        .where(OperatorSession.actor == actor, _running(at))
        .values(ended_at=at)
        .returning(OperatorSession.id)
    )
    return len(session.scalars(rows).all())


def running(
    session: Session, *, actor: str | None = None, most: int, at: datetime
) -> tuple[SessionValue, ...]:
    """Return up to *most* sessions, of *actor* or of everybody, the last seen first."""
    rows = select(OperatorSession).where(_running(at))
    if actor is not None:
        rows = rows.where(OperatorSession.actor == actor)
    rows = rows.order_by(OperatorSession.seen_at.desc(), OperatorSession.id).limit(most)
    return tuple(
        SessionValue(
            id=row.id,
            actor=row.actor,
            name=row.name,
            created_at=row.created_at,
            seen_at=row.seen_at,
            expires_at=row.expires_at,
        )
        for row in session.scalars(rows)
    )


def old(at: datetime) -> Cleanup[str]:
    """Return what deletes the sessions that ended more than a day ago."""
    latest = at - KEPT_AFTER_END
    is_old = or_(OperatorSession.expires_at <= latest, OperatorSession.ended_at <= latest)

    def find(session: Session, _: str | None) -> Sequence[str]:
        return session.scalars(select(OperatorSession.id).where(is_old).limit(PORTION)).all()

    def forget(session: Session, ids: Sequence[str]) -> int:
        rows = delete(OperatorSession).where(OperatorSession.id.in_(ids), is_old)
        return len(session.scalars(rows.returning(OperatorSession.id)).all())

    return Cleanup(find, forget)


def _is_running(row: OperatorSession, at: datetime) -> bool:
    return row.ended_at is None and row.created_at <= at < ends_at(row.seen_at, row.expires_at)


def _running(at: datetime) -> ColumnElement[bool]:
    return and_(
        OperatorSession.ended_at.is_(None),
        OperatorSession.expires_at > at,
        OperatorSession.seen_at > at - IDLE,
    )


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
