"""The further contract of authenticators with a password form."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.accounts import local
from app.accounts.authenticators import CredentialsRefused, PasswordAuthenticator
from app.accounts.http_endpoint import HttpAuthenticator, HttpSettings
from app.accounts.ldap import LdapAuthenticator
from app.accounts.local_authenticator import LocalAuthenticator
from app.accounts.passwords import Hasher
from app.infra.settings.parsing import webhook_secrets
from tests.accounts.openldap import directory
from tests.accounts.password_endpoint import SECRET, example

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAME, PASSWORD = "Jane@example.com", "gravel teapot under nineteen"
T = TypeVar("T")


@contextmanager
def local_authenticator(engine: Engine) -> Iterator[PasswordAuthenticator]:
    def run(use_case: Callable[[Session], T]) -> T:
        with Session(engine) as session, session.begin():
            return use_case(session)

    hasher = Hasher(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    with Session(engine) as session, session.begin():
        local.add(session, NAME, "Jane Doe", hasher.hash(PASSWORD), at=NOON)
        local.add(session, "gone", None, hasher.hash(PASSWORD), at=NOON)
        local.disable(session, "gone", at=NOON)
    yield LocalAuthenticator(read=run, write=run, hasher=hasher)


@contextmanager
def http_authenticator(language: str, _: Engine) -> Iterator[PasswordAuthenticator]:
    with example(language) as url:
        settings = HttpSettings(name="shop", url=url, secrets=webhook_secrets(SECRET))
        yield HttpAuthenticator(settings, now=lambda: datetime.now(UTC))


@contextmanager
def ldap_authenticator(_: Engine) -> Iterator[PasswordAuthenticator]:
    with directory() as there:
        yield LdapAuthenticator(there.settings())


AUTHENTICATORS: dict[str, Callable[[Engine], AbstractContextManager[PasswordAuthenticator]]] = {
    "local": local_authenticator,
    "http in Python": partial(http_authenticator, "python"),
    "http in JavaScript": partial(http_authenticator, "js"),
    "ldap": ldap_authenticator,
}


# Only the local one has its accounts in the database.
pytestmark = pytest.mark.parametrize(
    ("authenticator", "database"),
    [("local", "sqlite"), ("local", "postgresql")]
    + [(name, "sqlite") for name in AUTHENTICATORS if name != "local"],
    indirect=True,
)


@pytest.fixture
def authenticator(
    request: pytest.FixtureRequest, engine: Engine
) -> Iterator[PasswordAuthenticator]:
    """Yield one that knows NAME with PASSWORD, and "gone", who may sign in no more."""
    with AUTHENTICATORS[request.param](engine) as authenticator:
        yield authenticator


def test_the_right_password_proves_who_somebody_is(authenticator: PasswordAuthenticator) -> None:
    """R58: by an issuer and a subject, which is no name and no address."""
    identity = authenticator.verify(NAME, PASSWORD)

    assert identity.issuer
    assert identity.subject
    assert "jane" not in identity.subject.casefold()
    assert identity == authenticator.verify(NAME, PASSWORD)


def test_the_name_it_shows_is_masked(authenticator: PasswordAuthenticator) -> None:
    """R14: whoever looks at the confirm page need not be its owner."""
    assert "J•••@example.com" == authenticator.verify(NAME, PASSWORD).display_name


@pytest.mark.parametrize(
    ("username", "password"),
    [
        (NAME, "another password altogether"),
        (NAME, PASSWORD.upper()),
        (NAME, f"{PASSWORD} "),
        (NAME, ""),
        (NAME, PASSWORD * 100),
        (NAME, "\ud800"),
        (NAME, f"{PASSWORD}\x00"),
        ("nobody@example.com", PASSWORD),
        ("gone", PASSWORD),
        ("", PASSWORD),
        ("J" * 10_000, PASSWORD),
        ("jane\x00@example.com", PASSWORD),
        ("\ud800", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
    ],
    ids=[
        "wrong",
        "other case",
        "a space more",
        "empty",
        "overlong",
        "no text",
        "NUL at the end",
        "unknown",
        "disabled",
        "nobody",
        "overlong name",
        "NUL in the name",
        "no text as name",
        "SQL",
    ],
)
def test_all_refusals_are_alike(
    authenticator: PasswordAuthenticator, username: str, password: str
) -> None:
    """R59: which part was wrong is not said, and nothing of it is quoted."""
    with pytest.raises(CredentialsRefused) as refused:
        authenticator.verify(username, password)

    assert () == refused.value.args
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
