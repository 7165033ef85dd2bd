"""API keys: issuing, checking and revoking them (R92).

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal, NamedTuple, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api_keys import tokens
from app.api_keys.models import ApiKey

Scope = Literal[
    "links:read",
    "links:write",
    "links:invite",
    "messages:send",
    "attempts:read",
    "accounts:read",
]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
INVITE: Final[Scope] = "links:invite"

USE_RECORDED_EVERY: Final = timedelta(minutes=1)


class KeyRefused(Exception):
    """The key is unknown, revoked or expired; which of these is deliberately not reported."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The rights of a key; *page_id* None means on all pages.

    *is_use_due*: the last recorded use is old enough to record this one.
    """

    key_id: str
    scopes: frozenset[str]
    page_id: str | None
    is_use_due: bool
    # For whose users it may invite; None without the scope, and where it was not asked for.
    issuer: str | None = None


class StoredKey(NamedTuple):
    """The columns of a key that decide what its holder may do."""

    id: str
    hash: str
    scopes: str
    page_id: str | None
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyValue:
    """A key as commands show it, without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    page_id: str | None
    issuer: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    exposed_at: datetime | None


def issue(  # noqa: PLR0913 - one for each property of a key
    session: Session,
    name: str,
    *,
    scopes: Collection[Scope],
    page_id: str | None,
    issuer: str | None = None,
    expires_at: datetime | None,
    at: datetime,
) -> str:
    """Return a new key. Only its hash is stored: it cannot be shown again.

    One with the scope links:invite invites users of *issuer*; without an issuer, nobody.
    """
    key = tokens.new_key()
    session.add(
        ApiKey(
            id=tokens.id_of(key),
            name=name,
            hash=_digest(key),
            scopes=" ".join(scope for scope in SCOPES if scope in scopes),
            page_id=page_id,
            issuer=issuer,
            created_at=at,
            expires_at=expires_at,
        )
    )
    return key


def check(session: Session, key: str, *, at: datetime) -> Grant:
    """Return the rights of *key*.

    Raises:
        KeyRefused: The key is unknown, revoked or expired.
    """
    row = session.get(ApiKey, tokens.id_of(key)) if tokens.is_key(key) else None
    grant = grant_of(row, key, at=at)
    return replace(grant, issuer=row.issuer) if row else grant


def grant_of(row: ApiKey | StoredKey | None, key: str, *, at: datetime) -> Grant:
    """Return the rights of *key*; *row* is what is stored under its id.

    Raises:
        KeyRefused: The key is unknown, revoked or expired.
    """
    if row is None or not _is_of(key, row) or row.revoked_at is not None:
        raise KeyRefused
    if row.expires_at is not None and row.expires_at <= at:
        raise KeyRefused
    used_at = row.last_used_at
    # In either direction: a clock that was set back must not stop the recording.
    is_due = used_at is None or abs(at - used_at) >= USE_RECORDED_EVERY
    return Grant(row.id, frozenset(row.scopes.split()), row.page_id, is_due)


def record_use(session: Session, key_id: str, *, at: datetime) -> None:
    """Record that the key was used at *at*."""
    row = session.get(ApiKey, key_id)
    if row is not None:
        row.last_used_at = at


def find_id(session: Session, key: str) -> str | None:
    """Return the id of *key*, even if it is revoked or expired; None if it is unknown."""
    row = _row_of(session, key)
    return None if row is None else row.id


def flag_exposed(session: Session, key_id: str, *, at: datetime) -> None:
    """Record that the key was sent where others can read it."""
    row = session.get(ApiKey, key_id)
    if row is not None:
        row.exposed_at = row.exposed_at or at


def revoke(session: Session, key_id: str, *, at: datetime) -> bool:
    """Revoke the key; return False if there is none, or it was revoked before."""
    row = session.get(ApiKey, key_id, with_for_update=True)
    if row is None or row.revoked_at is not None:
        return False
    row.revoked_at = at
    return True


def list_keys(session: Session) -> tuple[KeyValue, ...]:
    """Return every key, the oldest first."""
    rows = session.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.id))
    return tuple(
        KeyValue(
            id=row.id,
            name=row.name,
            scopes=tuple(row.scopes.split()),
            page_id=row.page_id,
            issuer=row.issuer,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
            exposed_at=row.exposed_at,
        )
        for row in rows
    )


def _row_of(session: Session, key: str) -> ApiKey | None:
    if not tokens.is_key(key):
        return None
    row = session.get(ApiKey, tokens.id_of(key))
    return row if row is not None and _is_of(key, row) else None


def _is_of(key: str, row: ApiKey | StoredKey) -> bool:
    return hmac.compare_digest(row.hash, _digest(key))


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()
