"""The built-in accounts: their use cases, and the authenticator that checks their passwords.

Nothing here commits, and every function of a session may be run twice. To end attempts and links
of an account that is changed is up to the caller, who gets the subject for it.
"""

import secrets
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from hashlib import sha256
from typing import Final

from sqlalchemy import delete as delete_from
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts import first_passwords
from app.accounts.authenticators import (
    AuthenticatorUnavailable,
    CredentialsRefused,
    PasswordAuthenticator,
    PasswordExpired,
    Resources,
    Run,
)
from app.accounts.identity import Identity, comparable, masked
from app.accounts.models import Account
from app.accounts.passwords import Hasher, HashUnusable
from app.infra import clock

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
    account = _find(session, username)
    return None if account is None else _value(account)


def list_accounts(session: Session) -> tuple[AccountValue, ...]:
    """Return all accounts, sorted by username."""
    return tuple(map(_value, session.scalars(select(Account).order_by(Account.canonical))))


def _account_for(session: Session, username: str) -> Account:
    account = _find(session, username, for_update=True)
    if account is None:
        raise AccountUnknown("There is no account with this username.")
    return account


def _find(session: Session, username: str, *, for_update: bool = False) -> Account | None:
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
    )


@dataclass(frozen=True, slots=True)
class _Credentials:
    subject: str
    username: str
    password_hash: str = field(repr=False)
    password_set_at: datetime | None
    is_active: bool
    is_expired: bool


@dataclass(frozen=True, slots=True)
class _Lookup:
    credentials: _Credentials | None
    # The password hash of another account; None if there are no accounts.
    decoy_hash: str | None = field(repr=False)


def build(_: None, resources: Resources) -> PasswordAuthenticator:
    """Return the authenticator of the built-in accounts, which has no settings."""
    read, write, now = resources.read, resources.write, resources.now
    return LocalAuthenticator(read=read, write=write, hasher=resources.hasher, now=now)


class LocalAuthenticator:
    """Checks the passwords of the built-in accounts.

    Each sign-in verifies one hash, outside any transaction, so that the time it takes does not
    reveal whether an account exists (R59). Imported accounts have hashes of several kinds for a
    while: an unknown username takes as long as some account does, always the same one.
    """

    def __init__(
        self, *, read: Run, write: Run, hasher: Hasher, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._read = read
        self._write = write
        self._hasher = hasher
        self._now = now

    def verify(self, username: str, password: str) -> Identity:
        """Return the identity of *username* if *password* is right.

        Raises:
            CredentialsRefused: They do not belong together, or the account is disabled;
                PasswordExpired where only time is against it.
            AuthenticatorUnavailable: The stored hash cannot be used.
        """
        # Made by the first sign-in of all, whether its username exists or not.
        random_hash = self._random_hash
        lookup = self._read(partial(_look_up, username=username, at=self._now()))
        known = lookup.credentials
        stored = known.password_hash if known else lookup.decoy_hash or random_hash
        try:
            matches = self._hasher.matches(stored, password)
        except HashUnusable as exc:
            raise AuthenticatorUnavailable from exc
        if known is None or not known.is_active or not matches:
            raise CredentialsRefused
        if known.is_expired:
            raise PasswordExpired
        if self._hasher.is_outdated(stored):
            self._upgrade(known, password)
        return Identity(ISSUER, known.subject, masked(known.username), known.password_set_at)

    @cached_property
    def _random_hash(self) -> str:
        # For unknown usernames while there are no accounts. Not made at the start, since commands
        # do not need it.
        return self._hasher.hash(secrets.token_urlsafe(16))

    def _upgrade(self, known: _Credentials, password: str) -> None:
        new = self._hasher.hash(password)
        self._write(partial(_replace_hash, subject=known.subject, old=known.password_hash, new=new))


def _look_up(session: Session, *, username: str, at: datetime) -> _Lookup:
    # The decoy is read always, so that the number of queries reveals nothing either. An account is
    # found by the canonical form of its name, and so is the decoy: a name whose spellings took
    # different times would be known to have no account.
    try:
        found_by = canonical(username)
    except UsernameRefused:
        found_by = f"refused: {username}"
    place = urlsafe_b64encode(sha256(found_by.encode("utf-8", "surrogatepass")).digest()).decode()
    after = select(Account.password_hash).where(Account.id >= place).order_by(Account.id).limit(1)
    decoy_hash = session.scalar(after)
    account = _find(session, username)
    if account is None:
        return _Lookup(None, decoy_hash)
    credentials = _Credentials(
        account.id,
        account.username,
        account.password_hash,
        account.password_set_at,
        is_active=account.disabled_at is None,
        is_expired=first_passwords.is_expired(account, at),
    )
    return _Lookup(credentials, decoy_hash)


def _replace_hash(session: Session, *, subject: str, old: str, new: str) -> None:
    # A password that was set meanwhile stays.
    unchanged = (Account.id == subject) & (Account.password_hash == old)
    session.execute(update(Account).where(unchanged).values(password_hash=new))
