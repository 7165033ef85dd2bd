"""The authenticator of the built-in accounts, which checks their passwords."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts import first_passwords, local
from app.accounts.authenticators import (
    AuthenticatorMisconfigured,
    CredentialsRefused,
    Diagnosis,
    PasswordAuthenticator,
    PasswordExpired,
    Refusal,
    Resources,
    Run,
)
from app.accounts.identity import Identity, masked
from app.accounts.models import Account
from app.accounts.passwords import Hasher, HashUnusable
from app.infra import clock


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


def check(_: None, resources: Resources) -> Iterator[Diagnosis]:
    """Yield whether there are accounts that can be read.

    Raises:
        NotCommitted: The database cannot be reached.
    """
    if resources.read(_has_accounts):
        yield Diagnosis("has accounts")
    else:
        yield Diagnosis(
            "has no accounts yet", "threadlink accounts add, or accounts import", is_minor=True
        )


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
            AuthenticatorMisconfigured: The stored hash cannot be used.
        """
        # Made by the first sign-in of all, whether its username exists or not.
        random_hash = self._random_hash
        lookup = self._read(partial(_look_up, username=username, at=self._now()))
        known = lookup.credentials
        stored = known.password_hash if known else lookup.decoy_hash or random_hash
        try:
            matches = self._hasher.matches(stored, password)
        except HashUnusable as exc:
            raise AuthenticatorMisconfigured(
                "the stored hash cannot be used",
                fix="give that account a new password: threadlink accounts set-password",
            ) from exc
        if known is None or not known.is_active or not matches:
            raise CredentialsRefused(_refusal(known))
        if known.is_expired:
            raise PasswordExpired
        if self._hasher.is_outdated(stored):
            self._upgrade(known, password)
        return Identity(local.ISSUER, known.subject, masked(known.username), known.password_set_at)

    @cached_property
    def _random_hash(self) -> str:
        # For unknown usernames while there are no accounts. Not made at the start, since commands
        # do not need it.
        return self._hasher.hash(secrets.token_urlsafe(16))

    def _upgrade(self, known: _Credentials, password: str) -> None:
        new = self._hasher.hash(password)
        self._write(partial(_replace_hash, subject=known.subject, old=known.password_hash, new=new))


def _refusal(known: _Credentials | None) -> Refusal:
    if known is None:
        return "no_such_account"
    return "wrong_password" if known.is_active else "disabled"


def _has_accounts(session: Session) -> bool:
    return session.scalar(select(Account.id).limit(1)) is not None


def _look_up(session: Session, *, username: str, at: datetime) -> _Lookup:
    # The decoy is read always, so that the number of queries reveals nothing either. An account is
    # found by the canonical form of its name, and so is the decoy: a name whose spellings took
    # different times would be known to have no account.
    try:
        found_by = local.canonical(username)
    except local.UsernameRefused:
        found_by = f"refused: {username}"
    place = urlsafe_b64encode(sha256(found_by.encode("utf-8", "surrogatepass")).digest()).decode()
    after = select(Account.password_hash).where(Account.id >= place).order_by(Account.id).limit(1)
    decoy_hash = session.scalar(after)
    account = local.find_row(session, username)
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
