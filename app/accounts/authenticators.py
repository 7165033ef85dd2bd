"""What every authenticator promises. An implementation inherits nothing from here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.accounts.identity import Identity


class CredentialsRefused(Exception):
    """The credentials were wrong; which part was wrong is deliberately not said."""


class AuthenticatorUnavailable(Exception):
    """Whether the credentials are right cannot be told now; the same try may succeed later.

    *reason* is for the operator's log: our words and numbers, nothing that anybody sent.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class ProofRefused(Exception):
    """What came back from a provider proves nobody; *reason* is for the log, as above."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SignInDeclined(ProofRefused):
    """The person has turned back at the provider."""


class PasswordAuthenticator(Protocol):
    """An authenticator whose proof is a password typed into our own form."""

    def verify(self, username: str, password: str) -> Identity:
        """Return who *username* is, if *password* is right.

        Raises:
            CredentialsRefused: The two do not belong together.
            AuthenticatorUnavailable: It cannot be told now.
        """
        ...


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Where to send the browser, and what its attempt must remember until it is back."""

    url: str = field(repr=False)
    memo: str = field(repr=False)


class RedirectAuthenticator(Protocol):
    """An authenticator whose proof is a sign-in at a provider."""

    def begin(self, callback_url: str, *, state: str) -> AuthorizationRequest:
        """Return the way to the provider, which will send the browser back with *state*.

        Raises:
            AuthenticatorUnavailable: The provider does not answer, or not as it should.
        """
        ...

    def complete(self, params: Mapping[str, str], memo: str) -> Identity:
        """Return who came back with *params* to the attempt that has kept *memo*.

        Raises:
            ProofRefused: They prove nobody; SignInDeclined where the person has turned back.
            AuthenticatorUnavailable: It cannot be told now.
        """
        ...
