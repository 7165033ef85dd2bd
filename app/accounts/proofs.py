"""Checks that what a sign-in has proved still holds: an active account, and its present password.

The account's row is locked: a transaction that changes it either waits for our commit and then ends
what we have written, or has committed before us and is seen.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.accounts.models import Account


def is_active(session: Session, subject: str) -> bool:
    """Return whether *subject* may still sign in, or continue an attempt."""
    account = lock(session, subject, for_sharing=True)
    return account is not None and account.disabled_at is None


def is_proven(session: Session, identity: Identity) -> bool:
    """Return whether *identity* may still sign in by the password that has proved it."""
    account = lock(session, identity.subject, for_sharing=True)
    return account is not None and fits(account, identity)


def fits(account: Account, identity: Identity) -> bool:
    """Return whether *account* is active, and has the password that has proved *identity*."""
    return account.disabled_at is None and account.password_set_at == identity.password_set_at


def lock(session: Session, subject: str, *, for_sharing: bool = False) -> Account | None:
    """Return the account of *subject* as it is now, locked; sign-ins, which share the lock, need
    not wait for each other.
    """
    query = select(Account).where(Account.id == subject).with_for_update(read=for_sharing)
    return session.scalar(query.execution_options(populate_existing=True))
