"""Passwords that somebody else has set, and their replacement by ones that their owners choose.

A first password serves for one thing: to sign in and choose another, for a week (OWASP ASVS 5.0,
6.4.1).
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import proofs
from app.accounts.identity import Identity
from app.accounts.models import Account

LIFE: Final = timedelta(days=7)


def is_expired(account: Account, at: datetime) -> bool:
    """Return whether the password of *account* is a first one that is too old to serve."""
    set_at = account.password_set_at
    return account.password_is_first and set_at is not None and at - set_at >= LIFE


def is_first(session: Session, subject: str) -> bool:
    """Return whether *subject* has to choose a password before anything else."""
    query = select(Account.password_is_first).where(Account.id == subject)
    return bool(session.scalar(query))


def username_of(session: Session, subject: str) -> str | None:
    """Return the username of *subject*, None where there is no such account."""
    return session.scalar(select(Account.username).where(Account.id == subject))


def choose(session: Session, identity: Identity, password_hash: str, *, at: datetime) -> bool:
    """Replace the password that has proved *identity*; return False where it is no longer good."""
    account = proofs.lock(session, identity.subject)
    if account is None or not proofs.fits(account, identity):
        return False
    account.password_hash = password_hash
    account.password_set_at, account.password_is_first = at, False
    return True
