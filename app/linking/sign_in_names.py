"""The names by which users have signed in, as keyed hashes: for support staff to find a user by.

A customer writes in with a name, and links and attempts have the issuer and the subject alone. No
name can be read from a row. Nothing but a search uses them: a provider does not vouch for a name,
so two users may be found by one.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias

from sqlalchemy import ColumnElement, and_, delete, select, tuple_, update
from sqlalchemy.orm import Session

from app.accounts.identity import Identity, comparable
from app.infra.database.engine import insert_into
from app.infra.database.portions import PORTION, Cleanup
from app.linking.models import Link, SignInName
from app.linking.values import User

Key: TypeAlias = tuple[str, str, str]

_KEY: Final = tuple_(SignInName.name_hash, SignInName.issuer, SignInName.subject)


class NameHasher:
    """Hashes of names, with a key derived from each of *secret_keys*, the present one first."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._keys = [
            hmac.digest(key.encode(), b"threadlink sign-in name", "sha256") for key in secret_keys
        ]

    def hashes_of(self, identity: Identity) -> tuple[str, ...]:
        """Return a hash of each name that *identity* is known by."""
        return tuple({_hash(self._keys[0], name) for name in identity.known_as})

    def candidates(self, name: str) -> tuple[str, ...]:
        """Return the hashes under which *name*, in any spelling, may have been stored."""
        return tuple(_hash(key, name) for key in self._keys)


def remember(
    session: Session, identity: Identity, name_hashes: Sequence[str], *, at: datetime
) -> None:
    """Store that *identity* has signed in by the names of *name_hashes*."""
    if not name_hashes:
        return
    key = {"issuer": identity.issuer, "subject": identity.subject}
    # In one order: else two sign-ins that write the same two rows could deadlock.
    rows = [{"name_hash": each, **key, "needed_at": at} for each in sorted(name_hashes)]
    new = insert_into(session.get_bind().dialect.name, SignInName).values(rows)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["name_hash", "issuer", "subject"],
            set_={"needed_at": new.excluded.needed_at},
        )
    )


def users_of(session: Session, name_hashes: Sequence[str]) -> Sequence[User]:
    """Return the users who have signed in by a name of *name_hashes*."""
    rows = (
        select(SignInName.issuer, SignInName.subject)
        .where(SignInName.name_hash.in_(name_hashes))
        .distinct()
        .order_by(SignInName.issuer, SignInName.subject)
    )
    return [User(issuer, subject) for issuer, subject in session.execute(rows)]


def forget(session: Session, user: User) -> None:
    """Delete the names of *user*."""
    session.execute(
        delete(SignInName).where(
            SignInName.issuer == user.issuer, SignInName.subject == user.subject
        )
    )


def needless(until: datetime, *, at: datetime) -> Cleanup[Key]:
    """Return what deletes the names of users without a link who have not signed in since *until*.

    Those of users with a link are marked as needed at the time *at*: each is looked at seldom.
    """
    is_old = SignInName.needed_at <= until

    def find(session: Session, _: Key | None) -> Sequence[Key]:
        rows = select(SignInName.name_hash, SignInName.issuer, SignInName.subject).where(is_old)
        found = session.execute(rows.order_by(SignInName.needed_at).limit(PORTION))
        return [(name_hash, issuer, subject) for name_hash, issuer, subject in found]

    def change(session: Session, keys: Sequence[Key]) -> int:
        which = and_(_KEY.in_(keys), is_old)
        kept = update(SignInName).where(which, _is_linked()).values(needed_at=at)
        gone = delete(SignInName).where(which)
        return sum(
            len(session.scalars(each.returning(SignInName.name_hash)).all())
            for each in (kept, gone)
        )

    return Cleanup(find, change)


def _is_linked() -> ColumnElement[bool]:
    links = select(Link.psid).where(
        Link.issuer == SignInName.issuer,
        Link.subject == SignInName.subject,
        Link.state == "linked",
    )
    return links.exists()


def _hash(key: bytes, name: str) -> str:
    return hmac.new(key, comparable(name).encode("utf-8", "surrogatepass"), "sha256").hexdigest()
