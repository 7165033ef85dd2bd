from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from app.accounts import local
from app.accounts.authenticators import AuthenticatorUnavailable, CredentialsRefused
from app.accounts.identity import Identity
from app.accounts.local_authenticator import LocalAuthenticator
from app.accounts.models import Account
from app.accounts.passwords import MAXIMUM, Hasher
from tests.accounts.spellings import exact_spellings

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PASSWORD = "gravel teapot under nineteen"
FOREIGN = generate_password_hash(PASSWORD, "pbkdf2:sha256:1")
# None of them is verified in the tests that use them.
KINDS_OF_HASH = (
    "$2b$12$",
    "pbkdf2:sha256:1000000$",
    "scrypt:32768:8:1$",
    "argon2$argon2i$",
    "$argon2id$",
    "$P$B",
    "$wp$2y$12$",
    "$S$D",
    "$6$",
)
T = TypeVar("T")


class CountingArgon2(PasswordHasher):
    """The real one, with the least work, which counts."""

    def __init__(self, memory_cost: int = 64) -> None:
        super().__init__(time_cost=1, memory_cost=memory_cost, parallelism=1)
        self.verified = self.hashed = 0

    def verify(self, *args: Any, **kwargs: Any) -> Any:
        self.verified += 1
        return super().verify(*args, **kwargs)

    def hash(self, *args: Any, **kwargs: Any) -> str:
        self.hashed += 1
        return super().hash(*args, **kwargs)


class Store:
    """Runs use cases on one session, and tells while a password is looked at that none runs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.writes = 0

    def read(self, use_case: Callable[[Session], T]) -> T:
        return use_case(self._session)

    def write(self, use_case: Callable[[Session], T]) -> T:
        self.writes += 1
        return use_case(self._session)


@pytest.fixture
def argon2() -> CountingArgon2:
    return CountingArgon2()


@pytest.fixture
def store(session: Session) -> Store:
    return Store(session)


@pytest.fixture
def subject(session: Session, argon2: CountingArgon2) -> str:
    """Return the subject of jane; "gone" is disabled."""
    kept = Hasher(argon2).hash(PASSWORD)
    local.add(session, "gone", None, kept, at=NOON)
    local.disable(session, "gone", at=NOON)
    return local.add(session, "Jane", None, kept, at=NOON)


def test_a_password_does_not_grow_old(
    session: Session, store: Store, argon2: CountingArgon2
) -> None:
    """It is good until its owner or an operator replaces it (NIST SP 800-63B-4, 3.1.1.2)."""
    hasher = Hasher(argon2)
    long_ago = NOON - timedelta(days=10 * 365)
    subject = local.add(session, "old", None, hasher.hash(PASSWORD), at=long_ago)

    identity = LocalAuthenticator(read=store.read, write=store.write, hasher=hasher).verify(
        "old", PASSWORD
    )

    assert subject == identity.subject


@pytest.mark.usefixtures("subject")
@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("jane", PASSWORD),
        ("jane", "wrong"),
        ("jane", ""),
        ("jane", "x" * (MAXIMUM + 1)),
        ("jane", "\ud800"),
        ("gone", PASSWORD),
        ("gone", "wrong"),
        ("nobody", PASSWORD),
        ("nobody", "x" * (MAXIMUM + 1)),
        ("", ""),
        ("x" * 1000, PASSWORD),
        ("\x00", PASSWORD),
    ],
)
def test_exactly_one_verification_happens_on_every_road(
    store: Store, argon2: CountingArgon2, username: str, password: str
) -> None:
    """R59: else the time of an answer would tell who has an account."""
    authenticator = LocalAuthenticator(read=store.read, write=store.write, hasher=Hasher(argon2))
    # The first of all makes the hash for names that nobody has, whosever it is.
    with suppress(CredentialsRefused):
        authenticator.verify("anybody", "wrong")
    argon2.verified = argon2.hashed = 0

    with suppress(CredentialsRefused):
        authenticator.verify(username, password)

    assert (1, 0) == (argon2.verified, argon2.hashed)
    assert 0 == store.writes


def test_an_unknown_name_takes_as_long_as_some_account(session: Session, store: Store) -> None:
    """R59: what was taken over takes another time than ours, so an unknown name must at times, too.

    Always the same time for one name, in every process: two answers of different speed would tell.
    """
    argon2 = CountingArgon2()
    for n in range(40):
        kept = FOREIGN if n % 2 else Hasher(argon2).hash(PASSWORD)
        local.add(session, f"user{n}", None, kept, at=NOON)

    def verified_with_argon2(username: str) -> int:
        authenticator = LocalAuthenticator(
            read=store.read, write=store.write, hasher=Hasher(argon2)
        )
        argon2.verified = 0
        with pytest.raises(CredentialsRefused):
            authenticator.verify(username, PASSWORD)
        return argon2.verified

    once = [verified_with_argon2(f"nobody{n}") for n in range(30)]

    assert {0, 1} == set(once)
    assert once == [verified_with_argon2(f"nobody{n}") for n in range(30)]


@dataclass(frozen=True, slots=True)
class Noting(Hasher):
    """Verifies nothing, and keeps the last hash that it was given."""

    given: list[str] = field(default_factory=list)

    def matches(self, stored: str, password: str) -> bool:  # noqa: ARG002 - the hasher's signature
        self.given[:] = [stored]
        return False


@pytest.fixture
def verified_hash(session: Session, store: Store) -> Callable[[str], str]:
    """Return a function that tells which hash a name is verified with, beside five kinds."""
    noting = Noting(CountingArgon2())
    for number in range(60):
        local.add(
            session, f"user{number}", None, KINDS_OF_HASH[number % len(KINDS_OF_HASH)], at=NOON
        )
    authenticator = LocalAuthenticator(read=store.read, write=store.write, hasher=noting)

    def verified_hash(username: str) -> str:
        with pytest.raises(CredentialsRefused):
            authenticator.verify(username, "wrong")
        return noting.given[0]

    return verified_hash


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_name_takes_one_time_however_it_is_spelt(
    data: st.DataObject, verified_hash: Callable[[str], str]
) -> None:
    """R59: that of its account or of one decoy; else five spellings tell whether it has one."""
    name = data.draw(
        st.sampled_from([f"user{n}" for n in range(8)] + [f"nob{n}" for n in range(8)])
    )
    spelling = data.draw(exact_spellings(name))

    assert verified_hash(name) == verified_hash(spelling)


@pytest.mark.parametrize("refused", [" " * 255, "\u200b", "\0", "\ud800", "x" * 255], ids=ascii)
def test_what_is_no_spelling_of_a_name_has_a_decoy_of_its_own(
    verified_hash: Callable[[str], str], refused: str
) -> None:
    """R59: an account is not found by it; if all unknown names kept theirs, that would tell."""
    names = [f"{name}{n}" for n in range(60) for name in ("user", "nobody")]

    kept = [verified_hash(name) == verified_hash(name + refused) for name in names]

    assert {True, False} == set(kept[::2]) == set(kept[1::2])


@pytest.mark.usefixtures("subject")
def test_a_foreign_hash_is_replaced_at_the_next_sign_in(session: Session, store: Store) -> None:
    """R54: wrong passwords replace nothing."""
    local.set_password(session, "jane", FOREIGN, at=NOON)
    authenticator = LocalAuthenticator(
        read=store.read, write=store.write, hasher=Hasher(CountingArgon2())
    )

    with pytest.raises(CredentialsRefused):
        authenticator.verify("jane", "wrong")
    assert 0 == store.writes
    authenticator.verify("jane", PASSWORD)
    authenticator.verify("jane", PASSWORD)

    assert 1 == store.writes


def test_the_identity_is_the_accounts_whatever_was_typed(
    store: Store, argon2: CountingArgon2, subject: str
) -> None:
    """R58, R63: it shows the name as it was registered."""
    authenticator = LocalAuthenticator(read=store.read, write=store.write, hasher=Hasher(argon2))

    assert Identity("local", subject, "J•••") == authenticator.verify(" JANE ", PASSWORD)


@pytest.mark.usefixtures("subject")
def test_disabling_takes_effect_on_the_next_try(
    session: Session, store: Store, argon2: CountingArgon2
) -> None:
    """R69: nothing about an account is remembered between two tries."""
    authenticator = LocalAuthenticator(read=store.read, write=store.write, hasher=Hasher(argon2))
    authenticator.verify("jane", PASSWORD)

    local.disable(session, "jane", at=NOON)

    with pytest.raises(CredentialsRefused):
        authenticator.verify("jane", PASSWORD)


@pytest.mark.usefixtures("subject")
def test_a_hash_is_upgraded_at_the_next_sign_in_only(session: Session, store: Store) -> None:
    """R54: wrong passwords upgrade nothing."""
    more = Hasher(CountingArgon2(memory_cost=128))
    authenticator = LocalAuthenticator(read=store.read, write=store.write, hasher=more)

    with pytest.raises(CredentialsRefused):
        authenticator.verify("jane", "wrong")
    assert 0 == store.writes

    authenticator.verify("jane", PASSWORD)
    authenticator.verify("jane", PASSWORD)

    assert 1 == store.writes
    kept = session.scalars(select(Account.password_hash).where(Account.canonical == "jane")).one()
    assert kept.startswith("$argon2id$v=19$m=128,")


@pytest.mark.usefixtures("subject")
def test_an_upgrade_leaves_a_password_set_meanwhile(session: Session, store: Store) -> None:
    """The old password was still right when it was read."""
    more = Hasher(CountingArgon2(memory_cost=128))
    newer = more.hash("set by the operator just now")

    def write(use_case: Callable[[Session], T]) -> T:
        local.set_password(session, "jane", newer, at=NOON)
        session.flush()
        return store.write(use_case)

    LocalAuthenticator(read=store.read, write=write, hasher=more).verify("jane", PASSWORD)

    kept = session.scalars(select(Account.password_hash).where(Account.canonical == "jane")).one()
    assert newer == kept


@pytest.mark.usefixtures("subject")
def test_a_damaged_hash_is_no_wrong_password(
    session: Session, store: Store, argon2: CountingArgon2
) -> None:
    authenticator = LocalAuthenticator(read=store.read, write=store.write, hasher=Hasher(argon2))
    local.set_password(session, "jane", "damaged", at=NOON)

    with pytest.raises(AuthenticatorUnavailable):
        authenticator.verify("jane", PASSWORD)
