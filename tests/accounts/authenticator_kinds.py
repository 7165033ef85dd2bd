"""Every kind of authenticator with a stub behind it, whose answers a test controls.

The contract (test_contract.py) does not distinguish forms from providers: a sign-in is one call.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

from argon2 import PasswordHasher
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.accounts import local
from app.accounts.http_endpoint import HttpAuthenticator, HttpSettings
from app.accounts.identity import Identity
from app.accounts.ldap import LdapAuthenticator
from app.accounts.local_authenticator import LocalAuthenticator
from app.accounts.models import Account
from app.accounts.oidc import OidcAuthenticator
from app.accounts.passwords import Hasher
from app.infra.settings.parsing import webhook_secrets
from tests.accounts.ldap_stub import BIND, JANE, JANE_DN, StubDirectory, directing, entry
from tests.accounts.oidc_provider import Provider, providing
from tests.accounts.password_endpoint import SECRET, Endpoint, answering

NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAME: Final = "jane@example.com"
PASSWORD: Final = "canary gravel teapot"
CALLBACK: Final = "http://127.0.0.1:8000/authorize/oidc/stub/callback"
# The subject in every answer; it fits every kind.
SUBJECT: Final = JANE

T = TypeVar("T")


class Kind(Protocol):
    """An authenticator of one kind, and the accounts behind it."""

    def signs_in(self, *, total_s: float = 6.0) -> Identity:
        """Sign in as NAME with a newly built authenticator."""
        ...

    def refuses(self) -> None:
        """Refuse the sign-in from now on."""
        ...


class Failing(Kind, Protocol):
    """A kind whose accounts may be unavailable."""

    def is_away(self) -> None:
        """Give no usable answer from now on."""
        ...


class Asking(Failing, Protocol):
    """A kind that asks a server."""

    def says(self, subject: str, display_name: str = NAME) -> None:
        """Answer from now on with *subject*, called *display_name*."""
        ...

    def hangs(self) -> None:
        """Accept connections from now on, and never answer."""
        ...


class Local:
    """The built-in accounts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._hasher = Hasher(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        kept = self._hasher.hash(PASSWORD)
        self._run(lambda session: local.add(session, NAME, "Jane Doe", kept, at=NOON))

    def signs_in(self, *, total_s: float = 6.0) -> Identity:  # noqa: ARG002 - asks no server
        own = LocalAuthenticator(read=self._run, write=self._run, hasher=self._hasher)
        return own.verify(NAME, PASSWORD)

    def refuses(self) -> None:
        self._run(lambda session: local.disable(session, NAME, at=NOON))

    def is_away(self) -> None:
        damaged = update(Account).values(password_hash="$argon2id$canary")
        self._run(lambda session: session.execute(damaged))

    def _run(self, use_case: Callable[[Session], T]) -> T:
        with Session(self._engine) as session, session.begin():
            return use_case(session)


class Http:
    """The business's own endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.says(SUBJECT)

    def signs_in(self, *, total_s: float = 6.0) -> Identity:
        url = self._endpoint.url
        settings = HttpSettings(name="shop", url=url, secrets=webhook_secrets(SECRET))
        own = HttpAuthenticator(settings, now=lambda: NOON, total_s=total_s)
        return own.verify(NAME, PASSWORD)

    def says(self, subject: str, display_name: str = NAME) -> None:
        said = {"subject": subject, "display_name": display_name}
        self._endpoint.answer = Response(json.dumps(said))

    def refuses(self) -> None:
        self._endpoint.answer = Response('{"subject": "canary"}', status=401)

    def is_away(self) -> None:
        self._endpoint.answer = Response("canary", status=502)

    def hangs(self) -> None:
        self._endpoint.hangs = True


class Ldap:
    """A directory."""

    def __init__(self, directory: StubDirectory) -> None:
        self._directory = directory
        self.says(SUBJECT)

    def signs_in(self, *, total_s: float = 6.0) -> Identity:
        return LdapAuthenticator(self._directory.settings(), total_s=total_s).verify(NAME, PASSWORD)

    def says(self, subject: str, display_name: str = NAME) -> None:
        name = display_name.encode("utf-8", "surrogatepass")
        self._directory.found = [entry(JANE_DN, {"entryUUID": [subject], "mail": [name]})]

    def refuses(self) -> None:
        self._directory.person = 49

    def is_away(self) -> None:
        # Whole by its length, and no message of LDAP.
        self._directory.instead[BIND] = lambda _: iter([b"\x30\x06canary"])

    def hangs(self) -> None:
        self._directory.instead[BIND] = lambda _: iter([b""] if self._directory.over.wait() else [])


class Oidc:
    """A provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.says(SUBJECT)

    def signs_in(self, *, total_s: float = 6.0) -> Identity:
        own = OidcAuthenticator(self._provider.settings(), now=lambda: NOON, total_s=total_s)
        departure = own.begin(CALLBACK, state="canary-state")
        return own.complete(self._provider.sends_back(departure.url), departure.memo)

    def says(self, subject: str, display_name: str = NAME) -> None:
        self._provider.claims.update(sub=subject, email=display_name)

    def refuses(self) -> None:
        self._provider.instead["/token"] = lambda: Response(
            '{"error": "invalid_grant", "error_description": "canary"}', status=400
        )

    def is_away(self) -> None:
        self._provider.instead["/token"] = lambda: Response("canary", status=502)

    def hangs(self) -> None:
        self._provider.slow["/token"] = "silent"


@contextmanager
def http(_: Engine) -> Iterator[Asking]:
    with answering() as endpoint:
        yield Http(endpoint)


@contextmanager
def ldap(_: Engine) -> Iterator[Asking]:
    with directing() as directory:
        yield Ldap(directory)


@contextmanager
def oidc(_: Engine) -> Iterator[Asking]:
    with providing(NOON) as provider:
        yield Oidc(provider)


@contextmanager
def built_in(engine: Engine) -> Iterator[Failing]:
    yield Local(engine)


ASKING: Final[dict[str, Callable[[Engine], AbstractContextManager[Asking]]]] = {
    "http": http,
    "ldap": ldap,
    "oidc": oidc,
}
FAILING: Final[dict[str, Callable[[Engine], AbstractContextManager[Failing]]]] = {
    "local": built_in,
    **ASKING,
}
KINDS: Final[dict[str, Callable[[Engine], AbstractContextManager[Kind]]]] = {**FAILING}
