"""The use cases of the built-in accounts.

Nothing here commits, and every function of a session may be run twice. To end attempts and links
of an account that is changed is up to the caller, who gets the subject for it.
"""

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete as delete_from
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts.identity import comparable
from app.accounts.models import Account

ISSUER: Final = "local"
LONGEST_NAME: Final = 254


class AccountError(Exception):
    """A use case of the accounts failed."""


class UsernameTaken(AccountError):
    """Another account has this username, perhaps in another spelling."""


class UsernameRefused(AccountError):
    """The username is not allowed; the text says why."""


class AccountUnknown(AccountError):
    """There is no account with this username."""


@dataclass(frozen=True, slots=True)
class AccountValue:
    """An account as commands show it."""

    subject: str
    username: str
    display_name: str | None
    created_at: datetime
    disabled_at: datetime | None
    password_set_at: datetime | None
    # Set by somebody else, to be changed at the first sign-in.
    password_is_first: bool


def canonical(username: str) -> str:
    """Return the form in which usernames are compared.

    Raises:
        UsernameRefused: It is empty, too long, or has invisible characters.
    """
    if len(username) > LONGEST_NAME:
        raise UsernameRefused(f"A username may have {LONGEST_NAME} characters at most.")
    # Phone keyboards add a space after a word.
    name = username.strip()
    if any(unicodedata.category(char)[0] == "C" for char in name):
        raise UsernameRefused("A username may not have invisible characters.")
    name = comparable(name)
    if not name or len(name) > LONGEST_NAME:
        raise UsernameRefused(f"A username has between 1 and {LONGEST_NAME} characters.")
    return name


def add(  # noqa: PLR0913 - the columns of one row
    session: Session,
    username: str,
    display_name: str | None,
    password_hash: str,
    *,
    is_first: bool = False,
    at: datetime,
) -> str:
    """Add an account; return its subject. A password that *is_first* has to be changed.

    Raises:
        UsernameRefused: The username is not allowed.
        UsernameTaken: Another account has it.
    """
    account = Account(
        id=secrets.token_urlsafe(16),
        username=username.strip(),
        canonical=canonical(username),
        display_name=display_name,
        password_hash=password_hash,
        password_set_at=at,
        password_is_first=is_first,
        created_at=at,
    )
    session.add(account)
    subject = account.id
    try:
        session.flush()
    except IntegrityError as exc:
        raise UsernameTaken("There is an account with this username.") from exc
    return subject


def set_password(
    session: Session, username: str, password_hash: str, *, is_first: bool = False, at: datetime
) -> str:
    """Replace the password of *username*; return the subject, whose attempts the caller ends.

    Raises:
        AccountUnknown: There is no such account.
    """
    account = _account_for(session, username)
    account.password_hash = password_hash
    account.password_set_at, account.password_is_first = at, is_first
    return account.id


def disable(session: Session, username: str, *, at: datetime) -> str:
    """Disable the account of *username*; return the subject, whose links the caller ends.

    Raises:
        AccountUnknown: There is no such account.
    """
    account = _account_for(session, username)
    account.disabled_at = account.disabled_at or at
    return account.id


def enable(session: Session, username: str) -> str:
    """Enable the account of *username* again; return the subject.

    Raises:
        AccountUnknown: There is no such account.
    """
    account = _account_for(session, username)
    account.disabled_at = None
    return account.id


def delete(session: Session, username: str) -> str:
    """Delete the account; return the subject, whose links the caller ends.

    Raises:
        AccountUnknown: There is no such account.
    """
    account = _account_for(session, username)
    subject = account.id
    session.execute(delete_from(Account).where(Account.id == subject))
    return subject


def find(session: Session, username: str) -> AccountValue | None:
    """Return the account of *username*, in any spelling."""
    account = find_row(session, username)
    return None if account is None else _value(account)


def find_by_subject(session: Session, subject: str) -> AccountValue | None:
    """Return the account that has *subject*."""
    account = session.get(Account, subject)
    return None if account is None else _value(account)


def page_of_accounts(session: Session, *, after: str, most: int) -> tuple[AccountValue, ...]:
    """Return up to *most* accounts, sorted by username, those behind that of the subject *after*.

    All from the first on, if there is no such account.
    """
    rows = select(Account).order_by(Account.canonical).limit(most)
    last = session.get(Account, after) if after else None
    if last is not None:
        rows = rows.where(Account.canonical > last.canonical)
    return tuple(map(_value, session.scalars(rows)))


def list_accounts(session: Session) -> tuple[AccountValue, ...]:
    """Return all accounts, sorted by username."""
    return tuple(map(_value, session.scalars(select(Account).order_by(Account.canonical))))


def _account_for(session: Session, username: str) -> Account:
    account = find_row(session, username, for_update=True)
    if account is None:
        raise AccountUnknown("There is no account with this username.")
    return account


def find_row(session: Session, username: str, *, for_update: bool = False) -> Account | None:
    """Return the row of *username*, in whatever spelling; None if there is none."""
    try:
        query = select(Account).where(Account.canonical == canonical(username))
    except UsernameRefused:
        return None
    return session.scalar(query.with_for_update() if for_update else query)


def _value(account: Account) -> AccountValue:
    return AccountValue(
        subject=account.id,
        username=account.username,
        display_name=account.display_name,
        created_at=account.created_at,
        disabled_at=account.disabled_at,
        password_set_at=account.password_set_at,
        password_is_first=account.password_is_first,
    )
