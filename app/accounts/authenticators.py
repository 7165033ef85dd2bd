"""The contract of authenticators, and of a kind of them. An implementation inherits nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Generic, Literal, Protocol, TypeAlias, TypeVar

from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.accounts.passwords import Hasher
from app.infra.network.egress import DIRECT, Egress
from app.infra.settings.description import Description
from app.infra.settings.reader import Reader

T = TypeVar("T")
S = TypeVar("S")


# What is wrong, in the words of the operator's record: the first that holds.
Refusal: TypeAlias = Literal[
    "no_such_account",
    "disabled",
    "wrong_password",
    "locked",
    "expired",
    "must_change",
    "unspecified",
]


class CredentialsRefused(Exception):
    """The credentials are wrong. Which part is wrong is deliberately not reported to the person.

    *refusal* and *code*, a number of the server that was asked, are for the operator alone: no
    page, and no time that it takes, may depend on them (R59, R60).
    """

    def __init__(self, refusal: Refusal = "unspecified", *, code: int = 0) -> None:
        super().__init__()
        self.refusal: Refusal = refusal
        self.code = code


class PasswordExpired(CredentialsRefused):
    """The password is right, but was a first one, and its owner has not changed it in time."""

    def __init__(self) -> None:
        super().__init__("expired")


class AuthenticatorUnavailable(Exception):
    """The credentials cannot be checked now; the same attempt may succeed later.

    *reason* and *fix* are for the operator's log. They hold our own words and numbers only, no
    input and nothing that a server sent but *code*, its number of HTTP or LDAP, and a registered
    error of OAuth.
    """

    def __init__(self, reason: str = "", *, code: int = 0, fix: str = "") -> None:
        super().__init__(reason)
        self.reason, self.code, self.fix = reason, code, fix


class AuthenticatorMisconfigured(AuthenticatorUnavailable):
    """They cannot be checked until the operator has changed something, here or at the server."""


class ProofRefused(Exception):
    """The parameters that came back from a provider prove no identity.

    *reason* and *fix* are for the operator's log, as in AuthenticatorUnavailable.
    """

    def __init__(self, reason: str, *, fix: str = "") -> None:
        super().__init__(reason)
        self.reason, self.fix = reason, fix


class SignInDeclined(ProofRefused):
    """The person cancelled the sign-in at the provider, or the provider did not allow it."""


class AccountNotAdmitted(SignInDeclined):
    """The provider says that this account may not use our client."""


class SignInNotFresh(ProofRefused):
    """The provider has used an earlier sign-in, instead of the fresh one that was asked for."""


class PasswordAuthenticator(Protocol):
    """An authenticator whose proof is a password typed into our own form."""

    def verify(self, username: str, password: str) -> Identity:
        """Return the identity of *username* if *password* is right.

        Raises:
            CredentialsRefused: The two do not belong together.
            AuthenticatorUnavailable: They cannot be checked now.
        """
        ...


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The provider's address for the browser, and the memo to keep until the browser is back."""

    url: str = field(repr=False)
    memo: str = field(repr=False)


class RedirectAuthenticator(Protocol):
    """An authenticator whose proof is a sign-in at a provider."""

    def begin(self, callback_url: str, *, state: str) -> AuthorizationRequest:
        """Return the request to the provider, which sends the browser back with *state*.

        Raises:
            AuthenticatorUnavailable: The provider does not answer, or not as it should.
        """
        ...

    def complete(self, params: Mapping[str, str], memo: str) -> Identity:
        """Return the identity proven by *params* for the attempt that kept *memo*.

        Raises:
            ProofRefused: They prove no identity; SignInDeclined if the person cancelled.
            AuthenticatorUnavailable: They cannot be checked now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that people may sign in at; *label* is the name shown on its button."""

    name: str
    label: str
    # False: it refuses browsers inside other apps, such as Messenger's.
    in_webviews: bool
    # The address by which OpenID Connect knows it.
    issuer: str
    authenticator: RedirectAuthenticator = field(repr=False)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A sentence of `threadlink doctor` about an authenticator, which is its subject.

    *fix* is the setting or the step that helps; empty if nothing is wrong. *is_minor*: people can
    sign in all the same, or some of them.
    """

    words: str
    fix: str = ""
    is_minor: bool = False


class Run(Protocol):
    """Runs a use case in a transaction of its own and returns its value."""

    def __call__(self, use_case: Callable[[Session], T], /) -> T: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The shared parts of the process that an authenticator may be built with."""

    now: Callable[[], datetime]
    read: Run
    write: Run
    # One for the process: its slots bound how many passwords are hashed at once.
    hasher: Hasher
    egress: Egress = DIRECT


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordKind(Generic[S]):
    """A kind of authenticator with a password form. A page has at most one form.

    *read* returns the settings of the authenticator with the given name, ``staff`` for
    ``ldap:staff``. A kind without it has no settings, and its one authenticator no name.
    *descriptions* are of these settings, for docs/settings.md. *check* asks once whether it could
    check credentials now, without any, and within seconds.
    """

    has_form: ClassVar = True

    build: Callable[[S, Resources], PasswordAuthenticator]
    check: Callable[[S, Resources], Iterable[Diagnosis]]
    read: Callable[[Reader, str], S] | None = None
    descriptions: Sequence[Description] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectKind(Generic[S]):
    """A kind of authenticator that sends people to a provider's own pages; else as PasswordKind."""

    has_form: ClassVar = False

    build: Callable[[S, Resources], Provider]
    check: Callable[[S, Resources], Iterable[Diagnosis]]
    read: Callable[[Reader, str], S]
    descriptions: Sequence[Description] = ()
